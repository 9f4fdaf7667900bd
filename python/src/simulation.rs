//! A simulation: its bodies in the caller's order, its steps, and its state as bytes.

use crate::arrays::{self, Columns};
use crate::{pool, settings};
use decomposition::Solo;
use nbody::forces::Progress;
use nbody::schedule::{Schedule, Step, Until};
use nbody::stepping::{NEEDED_STEP, Stepping};
use nbody::{Advance, Diagnostics, PartialStep, Start};
use numpy::PyArray1;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use treecode::Bodies;

/// Bodies that move.
#[pyclass(module = "heorot._heorot")]
pub struct Simulation {
    /// `None` after an error in the midst of a step, when the bodies are lost.
    simulation: Option<nbody::Simulation>,
    rest: Rest,
    /// Ids in ascending order, each with the place of its body in the caller's order; `None` if they are the same.
    places: Option<Vec<(u64, u32)>>,
    #[pyo3(get, set)]
    threads: Option<usize>,
}

/// What a simulation has beside its bodies and their engine.
#[derive(Clone, Serialize, Deserialize)]
struct Rest {
    settings: settings::Settings,
    steps: settings::Steps,
    /// Of the first state.
    first: Diagnostics,
    /// Whether the bodies have chosen their first steps.
    has_chosen: bool,
    /// Full steps done.
    step: u64,
    /// Ids in the caller's order.
    ids: Vec<u64>,
}

/// The state as bytes or in a checkpoint.
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

/// What the class around this one keeps: the step, the units, and the schedule: start, end, interval.
type Caller = (Option<f64>, Option<[f64; 3]>, Option<(f64, f64, Option<f64>)>);

type Energies<'py> = Bound<'py, PyDict>;

#[pymethods]
impl Simulation {
    /// Computes the first field.
    #[new]
    fn new(
        py: Python<'_>,
        columns: Columns<'_>,
        time: f64,
        settings: settings::Settings,
        steps: settings::Steps,
        threads: Option<usize>,
    ) -> PyResult<Simulation> {
        let (forces, stepping) = (settings.forces()?, steps.stepping()?);
        let bodies = columns.bodies()?;
        let (n, ids) = (bodies.len(), bodies.id.clone());
        let places = places(&ids)?;
        let simulation = pool::compute(py, threads, n, move || {
            if n == 0 {
                return Err("there are no bodies; at least one is needed".to_owned());
            }
            bodies.check().map_err(|error| error.to_string())?;
            let start = Start { bodies, time };
            nbody::Simulation::begin(&Solo, &forces, stepping, start).map_err(|error| error.to_string())
        })?;
        let first = simulation.diagnostics;
        let rest = Rest { settings, steps, first, has_chosen: false, step: 0, ids };
        Ok(Simulation { simulation: Some(simulation), rest, places, threads })
    }

    /// Goes a full step of this length that ends at `time`, or what is left of the step under way. A signal, such as that
    /// of Ctrl-C, is heard where all bodies are sorted: the state can be used after it.
    fn advance(&mut self, py: Python<'_>, length: f64, time: f64) -> PyResult<()> {
        let n = self.rest.ids.len();
        if !self.rest.has_chosen {
            let mut simulation = self.take()?;
            let (simulation, result) = pool::compute(py, self.threads, n, move || {
                let result = simulation.choose_steps(&Solo, length).map_err(|error| error.to_string());
                Ok::<_, String>((simulation, result))
            })?;
            self.simulation = Some(simulation);
            result.map_err(PyValueError::new_err)?;
            self.rest.has_chosen = true;
        }
        loop {
            py.check_signals()?;
            let mut simulation = self.take()?;
            let (simulation, advance) = pool::compute(py, self.threads, n, move || {
                let advance = simulation.advance(&Solo, length, time).map_err(|error| error.to_string())?;
                Ok::<_, String>((simulation, advance))
            })?;
            self.simulation = Some(simulation);
            if advance == Advance::Whole {
                self.rest.step += 1;
                return Ok(());
            }
        }
    }

    /// Length and end of the step under way, if a signal came within it.
    #[getter]
    fn part(&self) -> PyResult<Option<(f64, f64)>> {
        Ok(self.get()?.part().map(|part| (part.length, part.time)))
    }

    #[getter]
    fn time(&self) -> PyResult<f64> {
        Ok(self.get()?.time)
    }

    #[getter]
    fn steps(&self) -> u64 {
        self.rest.step
    }

    fn __len__(&self) -> usize {
        self.rest.ids.len()
    }

    /// The rms force error that was measured last, if one was asked for.
    #[getter]
    fn force_error(&self) -> PyResult<Option<f64>> {
        Ok(self.get()?.control().map(|control| control.achieved.rms))
    }

    #[getter]
    fn energy_error(&self) -> PyResult<f64> {
        Ok(self.get()?.diagnostics.energy_error(&self.rest.first))
    }

    /// Energies, momentum and angular momentum: of this state, or the first one.
    fn energies<'py>(&self, py: Python<'py>, first: bool) -> PyResult<Energies<'py>> {
        let found = if first { self.rest.first } else { self.get()?.diagnostics };
        let all = PyDict::new(py);
        all.set_item("kinetic", found.kinetic)?;
        all.set_item("potential", found.potential)?;
        all.set_item("total", found.energy())?;
        all.set_item("virial_ratio", found.virial_ratio())?;
        all.set_item("momentum", PyArray1::from_slice(py, &found.momentum))?;
        all.set_item("angular_momentum", PyArray1::from_slice(py, &found.angular_momentum))?;
        Ok(all)
    }

    /// Copies of the columns of the bodies in the caller's order.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let bodies = self.get()?.bodies();
        let place = |id: &u64| match &self.places {
            None => *id as u32,
            Some(places) => places[places.partition_point(|(other, _)| other < id)].1,
        };
        let order: Vec<u32> = bodies.id.iter().map(place).collect();
        let order = Some(&order[..]);
        let all = PyDict::new(py);
        all.set_item("mass", PyArray1::from_vec(py, arrays::placed(&bodies.mass, order)))?;
        all.set_item("pos", arrays::rows(py, &bodies.pos, order)?)?;
        all.set_item("vel", arrays::rows(py, &bodies.vel, order)?)?;
        all.set_item("acc", arrays::rows(py, &bodies.acc, order)?)?;
        all.set_item("pot", PyArray1::from_vec(py, arrays::placed(&bodies.pot, order)))?;
        all.set_item("id", PyArray1::from_slice(py, &self.rest.ids))?;
        all.set_item("type", PyArray1::from_vec(py, arrays::placed(&bodies.kind, order)))?;
        all.set_item("rung", PyArray1::from_vec(py, arrays::placed(&bodies.rung, order)))?;
        if let Some(needed) = bodies.column::<f32>(NEEDED_STEP) {
            all.set_item("needed_step", PyArray1::from_vec(py, arrays::placed(needed, order)))?;
        }
        Ok(all)
    }

    /// Writes the exact state into a file.
    fn checkpoint(&self, py: Python<'_>, path: PathBuf, caller: Caller) -> PyResult<()> {
        let (mut state, bodies) = (self.state()?, self.get()?.bodies());
        state.caller = Some(caller);
        pool::compute(py, self.threads, bodies.len(), || {
            io::checkpoint::write(&path, &state, bodies, &Solo).map(|_| ())
        })
    }

    /// Reads the state that [`Simulation::checkpoint`] wrote.
    #[staticmethod]
    fn restore(py: Python<'_>, path: PathBuf, threads: Option<usize>) -> PyResult<(Simulation, Caller)> {
        let (state, bodies) = pool::compute(py, threads, usize::MAX, || {
            let checkpoint = io::checkpoint::Checkpoint::<State>::open(&path)?;
            let bodies = checkpoint.read(0, 1)?;
            Ok::<_, io::Error>((checkpoint.state, bodies))
        })?;
        let caller = state.caller.unwrap_or_default();
        Ok((Simulation::resume(state, bodies, threads)?, caller))
    }

    /// The exact state as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let (state, bodies) = (self.state()?, self.get()?.bodies());
        let text = serde_json::to_vec(&state).map_err(|fault| PyRuntimeError::new_err(fault.to_string()))?;
        let mut message = (text.len() as u64).to_le_bytes().to_vec();
        message.extend(text);
        bodies.write(0..bodies.len(), &mut message);
        Ok(PyBytes::new(py, &message))
    }

    /// The state that [`Simulation::to_bytes`] made.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, message: &[u8], threads: Option<usize>) -> PyResult<Simulation> {
        let wrong = || PyValueError::new_err("the bytes are not the state of a simulation of this version");
        let (length, rest) = message.split_first_chunk::<8>().ok_or_else(wrong)?;
        let (text, rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or_else(wrong)?;
        let state: State = serde_json::from_slice(text).map_err(|_| wrong())?;
        let bodies = pool::compute(py, None, 0, || {
            let mut bodies = Bodies::default();
            bodies.read(rest);
            Ok::<_, String>(bodies)
        });
        Simulation::resume(state, bodies.map_err(|_| wrong())?, threads)
    }

    #[getter]
    fn is_fixed(&self) -> PyResult<bool> {
        Ok(self.rest.steps.stepping()? == Stepping::Fixed)
    }
}

impl Simulation {
    fn get(&self) -> PyResult<&nbody::Simulation> {
        self.simulation.as_ref().ok_or_else(lost)
    }

    /// Takes the simulation, which is put back if the call that needs it ends well.
    fn take(&mut self) -> PyResult<nbody::Simulation> {
        self.simulation.take().ok_or_else(lost)
    }

    fn state(&self) -> PyResult<State> {
        let simulation = self.get()?;
        Ok(State {
            rest: self.rest.clone(),
            time: simulation.time,
            energy: simulation.diagnostics,
            progress: simulation.progress(),
            part: simulation.part().cloned(),
            simd: treecode::simd_path().to_string(),
            caller: None,
        })
    }

    fn resume(state: State, bodies: Bodies, threads: Option<usize>) -> PyResult<Simulation> {
        let State { rest, time, energy, progress, part, .. } = state;
        let (forces, stepping) = (rest.settings.forces()?, rest.steps.stepping()?);
        let places = places(&rest.ids)?;
        let start = Start { bodies, time };
        let simulation = nbody::Simulation::resume(&Solo, &forces, stepping, start, energy, progress, part);
        Ok(Simulation { simulation: Some(simulation), rest, places, threads })
    }
}

fn lost() -> PyErr {
    PyRuntimeError::new_err(
        "an error ended a step of this simulation, and its bodies are lost; restore a checkpoint",
    )
}

/// The place of each id; `None` if the ids are the places.
fn places(ids: &[u64]) -> PyResult<Option<Vec<(u64, u32)>>> {
    if ids.iter().zip(0..).all(|(id, place)| *id == place) {
        return Ok(None);
    }
    let mut places: Vec<(u64, u32)> = ids.iter().copied().zip(0..).collect();
    places.sort_unstable();
    match places.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => {
            Err(PyValueError::new_err(format!("id {} occurs twice: ids must be unique", pair[0].0)))
        }
        None => Ok(Some(places)),
    }
}

/// The steps of a run: length, time at the end, and whether an output is due there.
#[pyclass(module = "heorot._heorot")]
pub struct Steps(Mutex<Box<dyn Iterator<Item = Step> + Send>>);

#[pymethods]
impl Steps {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self) -> Option<(f64, f64, bool)> {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        Some((step.length, step.time, step.snapshot))
    }
}

/// The steps from `start` to `until`, none longer than `longest`, that are left at `time`.
#[pyfunction]
pub fn steps(start: f64, until: f64, longest: f64, every: Option<f64>, time: f64) -> PyResult<Steps> {
    let positive = |name: &str, value: f64| {
        if value > 0.0 && value.is_finite() {
            Ok(())
        } else {
            Err(PyValueError::new_err(format!("{name} = {value}: must be above 0 and finite")))
        }
    };
    positive("step", longest)?;
    every.map_or(Ok(()), |every| positive("every", every))?;
    if !until.is_finite() {
        return Err(PyValueError::new_err(format!("until = {until}: must be finite")));
    }
    let schedule = Schedule::new(Until::Time(until), longest, start, every);
    let schedule = schedule.map_err(|fault| PyValueError::new_err(fault.to_string()))?;
    let left: Box<dyn Iterator<Item = Step> + Send> =
        if time == start { Box::new(schedule.steps()) } else { Box::new(schedule.after(time)) };
    Ok(Steps(Mutex::new(left)))
}
