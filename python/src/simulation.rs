//! A simulation: its steps, and its state as bytes.

use crate::arrays::Columns;
use crate::forces::settle;
use crate::moment::{Frame, Kept, Moment, Share};
use crate::pool::{self, Threads};
use crate::schedule::Outputs;
use crate::settings;
use decomposition::Solo;
use nbody::forces::{Forces, Progress};
use nbody::stepping::Stepping;
use nbody::{Advance, Diagnostics, PartialStep, Start};
use numpy::PyArray1;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};
use treecode::{Bodies, Domain, math};

/// Bodies that move. The lock is never waited for: a thread that waits would hold the lock of the interpreter, which
/// the thread that computes a step needs in the end.
#[pyclass(module = "heorot._heorot", frozen)]
pub(crate) struct Simulation(Mutex<Inner>);

pub(crate) struct Inner {
    /// `None` while a step is computed, and after one that failed and was not undone.
    simulation: Option<nbody::Simulation>,
    rest: Rest,
    pub(crate) frame: Arc<Frame>,
    /// The state at this time, once the next step has begun.
    pub(crate) share: Share,
    threads: Option<usize>,
    /// Whether a step that fails is undone. Then a copy of the bodies is kept while it is computed.
    undo: bool,
    /// The copy of the step before, whose memory the next one takes.
    spare: Option<Bodies>,
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
    /// Ids in the caller's order; `None` for 0, 1, 2 and so on.
    ids: Option<Vec<u64>>,
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

/// What the class around this one keeps: the step, the units, and the schedule: start, end, outputs.
type Caller = (Option<f64>, Option<[f64; 3]>, Option<(f64, f64, Option<Outputs>)>);

type Energies<'py> = Bound<'py, PyDict>;

#[pymethods]
impl Simulation {
    /// Computes the first field. In an expanding universe `time` is ln a, `scale_factor` is a, and velocities are
    /// peculiar ones.
    #[new]
    fn new(
        py: Python<'_>,
        columns: Columns<'_>,
        time: f64,
        scale_factor: Option<f64>,
        settings: settings::Settings,
        steps: settings::Steps,
        threads: Option<usize>,
    ) -> PyResult<Simulation> {
        let mut bodies = columns.bodies()?;
        let n = bodies.len();
        let frame = Arc::new(Frame::new(settings.forces()?, steps.stepping()?, &bodies.id)?);
        let (forces, stepping) = (frame.forces.clone(), frame.stepping);
        let simulation = pool::compute(py, threads, n, move || {
            if n == 0 {
                return Err("there are no bodies; at least one is needed".to_owned());
            }
            settle(&mut bodies, forces.gravity.domain)?;
            if let Some(a) = scale_factor {
                check_density(&forces, &bodies)?;
                bodies.vel.iter_mut().flatten().for_each(|v| *v *= a);
            }
            let start = Start { bodies, time };
            let mut simulation = nbody::Simulation::begin(&Solo, &forces, stepping, start)
                .map_err(|error| error.to_string())?;
            simulation.free_tree();
            Ok(simulation)
        })?;
        let first = simulation.diagnostics;
        let rest = Rest { settings, steps, first, has_chosen: false, step: 0, ids: None };
        Ok(Simulation::of(simulation, rest, frame, threads))
    }

    /// Goes a full step of this length that ends at `time`, or what is left of the step under way. A signal, such as that
    /// of Ctrl-C, is heard where all bodies are sorted: the state can be used after it. After an error the state is that
    /// before it.
    fn advance(&self, py: Python<'_>, length: f64, time: f64) -> PyResult<()> {
        let mut inner = self.get()?;
        if !inner.rest.has_chosen {
            inner.change(py, move |simulation| simulation.choose_steps(&Solo, length))?;
            inner.rest.has_chosen = true;
        }
        loop {
            py.check_signals()?;
            let advance = inner.change(py, move |simulation| {
                let advance = simulation.advance(&Solo, length, time)?;
                simulation.free_tree();
                Ok(advance)
            })?;
            if advance == Advance::Whole {
                inner.rest.step += 1;
                return Ok(());
            }
        }
    }

    /// Panics when a step has changed the bodies, to test what becomes of them.
    fn panic_for_tests(&self, py: Python<'_>, length: f64) -> PyResult<()> {
        self.get()?.change(py, move |simulation| {
            simulation.advance(&Solo, length, length)?;
            panic!("as asked")
        })
    }

    /// Length and end of the step under way, if a signal came within it.
    #[getter]
    fn part(&self) -> PyResult<Option<(f64, f64)>> {
        Ok(self.get()?.current()?.part().map(|part| (part.length, part.time)))
    }

    #[getter]
    fn time(&self) -> PyResult<f64> {
        Ok(self.get()?.current()?.time)
    }

    /// The scale factor, in an expanding universe.
    #[getter]
    fn scale_factor(&self) -> PyResult<Option<f64>> {
        let inner = self.get()?;
        let time = inner.current()?.time;
        Ok(inner.rest.settings.universe.as_ref().map(|_| math::exp(time)))
    }

    /// Side of the periodic box.
    #[getter]
    fn side(&self) -> PyResult<Option<f64>> {
        Ok(self.get()?.rest.settings.side)
    }

    /// The universe: omega_m, omega_lambda, h, omega_r, w0, wa.
    #[getter]
    fn universe(&self) -> PyResult<Option<[f64; 6]>> {
        let inner = self.get()?;
        let universe = inner.rest.settings.universe.as_ref();
        Ok(universe.map(|of| [of.omega_m, of.omega_lambda, of.h, of.omega_r, of.w0, of.wa]))
    }

    #[getter]
    fn steps(&self) -> PyResult<u64> {
        Ok(self.get()?.rest.step)
    }

    fn __len__(&self) -> PyResult<usize> {
        Ok(self.get()?.frame.count)
    }

    #[getter]
    fn threads(&self) -> PyResult<Option<usize>> {
        Ok(self.get()?.threads)
    }

    #[setter]
    fn set_threads(&self, threads: Option<usize>) -> PyResult<()> {
        Threads::of(threads, usize::MAX)?;
        self.get()?.threads = threads;
        Ok(())
    }

    #[getter]
    fn undo(&self) -> PyResult<bool> {
        Ok(self.get()?.undo)
    }

    #[setter]
    fn set_undo(&self, undo: bool) -> PyResult<()> {
        let mut inner = self.get()?;
        inner.undo = undo;
        inner.spare = None;
        Ok(())
    }

    /// The rms force error that was measured last, if one was asked for.
    #[getter]
    fn force_error(&self) -> PyResult<Option<f64>> {
        Ok(self.get()?.current()?.control().map(|control| control.achieved.rms))
    }

    #[getter]
    fn energy_error(&self) -> PyResult<f64> {
        let inner = self.get()?;
        Ok(inner.current()?.diagnostics.energy_error(&inner.rest.first))
    }

    /// Energies, momentum and angular momentum: of this state, or the first one.
    fn energies<'py>(&self, py: Python<'py>, first: bool) -> PyResult<Energies<'py>> {
        let inner = self.get()?;
        let found = if first { inner.rest.first } else { inner.current()?.diagnostics };
        let all = PyDict::new(py);
        all.set_item("kinetic", found.kinetic)?;
        all.set_item("potential", found.potential)?;
        all.set_item("external", found.external)?;
        all.set_item("total", found.energy())?;
        all.set_item("virial_ratio", found.virial_ratio())?;
        all.set_item("momentum", PyArray1::from_slice(py, &found.momentum))?;
        all.set_item("angular_momentum", PyArray1::from_slice(py, &found.angular_momentum))?;
        Ok(all)
    }

    /// The bodies at this time, in the caller's order.
    fn moment(this: &Bound<'_, Simulation>) -> PyResult<Moment> {
        let inner = this.get().get()?;
        inner.current()?;
        let (share, frame) = (inner.share.clone(), inner.frame.clone());
        Ok(Moment::new(this.clone().unbind(), share, frame, inner.threads))
    }

    /// Fails if a table or an orbit of an external potential does not reach over this time.
    fn check_span(&self, from: f64, to: f64) -> PyResult<()> {
        self.get()?.rest.settings.check_span([from, to])
    }

    /// Writes the exact state into a file.
    fn checkpoint(&self, py: Python<'_>, path: PathBuf, caller: Caller) -> PyResult<()> {
        let inner = self.get()?;
        let (state, bodies) = (State { caller: Some(caller), ..inner.state()? }, inner.current()?.bodies());
        pool::compute(py, inner.threads, bodies.len(), || {
            io::checkpoint::write(&path, &state, bodies, &Solo).map(|_| ())
        })
    }

    /// Reads the state that [`Simulation::checkpoint`] wrote.
    #[staticmethod]
    fn restore(py: Python<'_>, path: PathBuf, threads: Option<usize>) -> PyResult<(Simulation, Caller)> {
        let (mut state, bodies) = pool::compute(py, threads, usize::MAX, || {
            let checkpoint = io::checkpoint::Checkpoint::<State>::open(&path)?;
            let bodies = checkpoint.read(0, 1)?;
            Ok::<_, io::Error>((checkpoint.state, bodies))
        })?;
        let caller = state.caller.take().unwrap_or_default();
        Ok((Simulation::resume(state, bodies, threads)?, caller))
    }

    /// The exact state as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let inner = self.get()?;
        let (state, bodies) = (inner.state()?, inner.current()?.bodies());
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
            bodies.try_read(rest).map(|()| bodies).ok_or("")
        });
        Simulation::resume(state, bodies.map_err(|_| wrong())?, threads)
    }

    #[getter]
    fn is_fixed(&self) -> PyResult<bool> {
        Ok(self.get()?.frame.stepping == Stepping::Fixed)
    }
}

impl Simulation {
    fn of(
        simulation: nbody::Simulation,
        rest: Rest,
        frame: Arc<Frame>,
        threads: Option<usize>,
    ) -> Simulation {
        let (simulation, share) = (Some(simulation), Share::default());
        Simulation(Mutex::new(Inner { simulation, rest, frame, share, threads, undo: true, spare: None }))
    }

    /// The simulation; `None` while another thread computes with it.
    pub(crate) fn now(&self) -> Option<MutexGuard<'_, Inner>> {
        match self.0.try_lock() {
            Ok(inner) => Some(inner),
            Err(TryLockError::Poisoned(inner)) => Some(inner.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The simulation, unless another thread computes with it.
    fn get(&self) -> PyResult<MutexGuard<'_, Inner>> {
        let used = "the simulation is in use by another thread: wait for its step to end";
        self.now().ok_or_else(|| PyRuntimeError::new_err(used))
    }

    fn resume(state: State, bodies: Bodies, threads: Option<usize>) -> PyResult<Simulation> {
        let State { mut rest, time, energy, progress, part, .. } = state;
        let ids = rest.ids.take().unwrap_or_else(|| (0..bodies.len() as u64).collect());
        let frame = Frame::new(rest.settings.forces()?, rest.steps.stepping()?, &ids)?;
        Threads::of(threads, usize::MAX)?;
        let mut found = bodies.id.clone();
        found.sort_unstable();
        let same = match &frame.places {
            None => found.iter().copied().eq(0..frame.count as u64),
            Some(places) => found.iter().eq(places.iter().map(|(id, _)| id)),
        };
        if !same {
            return Err(PyValueError::new_err("the state has other bodies than ids"));
        }
        let start = Start { bodies, time };
        let Frame { forces, stepping, .. } = &frame;
        let simulation = nbody::Simulation::resume(&Solo, forces, *stepping, start, energy, progress, part);
        Ok(Simulation::of(simulation, rest, Arc::new(frame), threads))
    }
}

impl Inner {
    pub(crate) fn current(&self) -> PyResult<&nbody::Simulation> {
        self.simulation.as_ref().ok_or_else(lost)
    }

    /// Changes the simulation. After an error or a panic it is as before, or lost if nothing was kept.
    fn change<T: Send>(
        &mut self,
        py: Python<'_>,
        job: impl FnOnce(&mut nbody::Simulation) -> Result<T, nbody::Error> + Send,
    ) -> PyResult<T> {
        let threads = Threads::of(self.threads, self.frame.count)?;
        let mut simulation = self.simulation.take().ok_or_else(lost)?;
        let before = std::mem::take(&mut self.share);
        let keeps = self.undo || Arc::strong_count(&before) > 1;
        let spare = self.spare.take();
        let changed = threads.compute(py, || {
            if keeps {
                before.get_or_init(|| Kept::of(&simulation, spare));
            }
            let value = job(&mut simulation)?;
            Ok::<_, nbody::Error>((simulation, value))
        });
        let kept = Arc::try_unwrap(before).map(OnceLock::into_inner);
        match changed {
            Ok((simulation, value)) => {
                self.simulation = Some(simulation);
                self.spare = kept.ok().flatten().filter(|_| self.undo).map(Kept::into_spare);
                Ok(value)
            }
            Err(error) => {
                let kept = kept.unwrap_or_else(|shared| shared.get().cloned());
                self.simulation = kept.map(|kept| kept.restore(&self.frame));
                Err(error)
            }
        }
    }

    fn state(&self) -> PyResult<State> {
        let simulation = self.current()?;
        Ok(State {
            rest: Rest { ids: self.frame.ids(), ..self.rest.clone() },
            time: simulation.time,
            energy: simulation.diagnostics,
            progress: simulation.progress(),
            part: simulation.part().cloned(),
            simd: treecode::simd_path().to_string(),
            caller: None,
        })
    }
}

fn lost() -> PyErr {
    PyRuntimeError::new_err(
        "the simulation was lost in a step that failed; with undo=True such a step is undone",
    )
}

/// Greatest relative difference between the mean density of the bodies and that of matter, as in the program.
const SAME_DENSITY: f64 = 2e-3;

/// Checks that bodies have the density of matter of their universe.
fn check_density(forces: &Forces, bodies: &Bodies) -> Result<(), String> {
    let (Some(comoving), Domain::Periodic { side }) = (forces.expansion.comoving(), forces.gravity.domain)
    else {
        return Ok(());
    };
    let mass: f64 = bodies.mass.iter().sum();
    let needed = comoving.cosmology.matter_density(forces.gravity.constant) * side.powi(3);
    if (mass / needed - 1.0).abs() <= SAME_DENSITY {
        return Ok(());
    }
    Err(format!(
        "omega_m = {:?}: the bodies in the box have {:.6} of the density of matter (mass {mass:e}, needed {needed:e}); check masses, box, h and units",
        comoving.cosmology.omega_m,
        mass / needed
    ))
}
