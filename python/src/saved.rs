//! Saves a simulation as bytes or as a checkpoint, and restores it.

use crate::moment::Frame;
use crate::pool::{self, Threads};
use crate::running::{Rest, Running};
use crate::schedule::Outputs;
use decomposition::Solo;
use nbody::forces::Progress;
use nbody::{Diagnostics, PartialStep, Start};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;
use treecode::Bodies;

/// The state without the bodies.
#[derive(Serialize, Deserialize)]
struct State {
    rest: Rest,
    time: f64,
    energy: Diagnostics,
    progress: Progress,
    part: Option<PartialStep>,
    simd: String,
    caller: Option<Caller>,
}

/// State of the Python class that wraps this one: the step, the units, and the schedule (start,
/// end, outputs).
pub(crate) type Caller = (Option<f64>, Option<[f64; 3]>, Option<(f64, f64, Option<Outputs>)>);

impl State {
    fn of(running: &Running, caller: Option<Caller>) -> PyResult<State> {
        let simulation = running.current()?;
        Ok(State {
            rest: Rest { ids: running.frame.ids(), ..running.rest.clone() },
            time: simulation.time,
            energy: simulation.diagnostics,
            progress: simulation.progress(),
            part: simulation.part().cloned(),
            simd: treecode::simd_path().to_string(),
            caller,
        })
    }

    fn resume(self, bodies: Bodies, threads: Option<usize>) -> PyResult<Running> {
        let State { mut rest, time, energy, progress, part, .. } = self;
        let ids = rest.ids.take().unwrap_or_else(|| (0..bodies.len() as u64).collect());
        let frame = Frame::new(rest.settings.forces()?, rest.steps.stepping()?, &ids)?;
        Threads::of(threads, usize::MAX)?;
        let mut found = bodies.id.clone();
        found.sort_unstable();
        if !frame.has_ids(&found) {
            return Err(PyValueError::new_err("the state has other bodies than ids"));
        }
        let start = Start { bodies, time };
        let Frame { forces, stepping, .. } = &frame;
        let simulation = nbody::Simulation::resume(&Solo, forces, *stepping, start, energy, progress, part);
        Ok(Running::of(simulation, rest, frame, threads))
    }
}

/// Writes the exact state into a file.
pub(crate) fn write(py: Python<'_>, running: &Running, path: &Path, caller: Caller) -> PyResult<()> {
    let (state, bodies) = (State::of(running, Some(caller))?, running.current()?.bodies());
    pool::compute(py, running.threads, bodies.len(), || {
        io::checkpoint::write(path, &state, bodies, &Solo).map(|_| ())
    })
}

/// Reads the state that [`write`] wrote.
pub(crate) fn read(py: Python<'_>, path: &Path, threads: Option<usize>) -> PyResult<(Running, Caller)> {
    let (mut state, bodies) = pool::compute(py, threads, usize::MAX, || {
        let checkpoint = io::checkpoint::Checkpoint::<State>::open(path)?;
        let bodies = checkpoint.read(0, 1)?;
        Ok::<_, io::Error>((checkpoint.state, bodies))
    })?;
    let caller = state.caller.take().unwrap_or_default();
    Ok((state.resume(bodies, threads)?, caller))
}

/// The exact state as bytes.
pub(crate) fn to_bytes(running: &Running) -> PyResult<Vec<u8>> {
    let (state, bodies) = (State::of(running, None)?, running.current()?.bodies());
    let text = serde_json::to_vec(&state).map_err(|fault| PyRuntimeError::new_err(fault.to_string()))?;
    let mut message = (text.len() as u64).to_le_bytes().to_vec();
    message.extend(text);
    bodies.write(0..bodies.len(), &mut message);
    Ok(message)
}

/// The state that [`to_bytes`] made.
pub(crate) fn from_bytes(py: Python<'_>, message: &[u8], threads: Option<usize>) -> PyResult<Running> {
    let wrong = || PyValueError::new_err("the bytes are not the state of a simulation of this version");
    let (length, rest) = message.split_first_chunk::<8>().ok_or_else(wrong)?;
    let (text, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or_else(wrong)?;
    let state: State = serde_json::from_slice(text).map_err(|_| wrong())?;
    let bodies = pool::compute(py, None, 0, || {
        let mut bodies = Bodies::default();
        bodies.try_read(rest).map(|()| bodies).ok_or("")
    });
    state.resume(bodies.map_err(|_| wrong())?, threads)
}
