//! A simulation: its bodies in the caller's order, its steps, and its state as bytes.

use crate::arrays::Order;
use crate::arrays::{self, Columns};
use crate::forces::settle;
use crate::pool::{self, Threads};
use crate::settings;
use decomposition::Solo;
use nbody::forces::{Forces, Progress};
use nbody::schedule::{Schedule, Step, Until};
use nbody::stepping::{NEEDED_STEP, Stepping};
use nbody::{Advance, Diagnostics, PartialStep, Start};
use numpy::PyArray1;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use treecode::{Bodies, Domain, math};

/// Bodies that move. The lock is never waited for: a thread that waits would hold the lock of the interpreter, which
/// the thread that computes a step needs in the end.
#[pyclass(module = "heorot._heorot", frozen)]
pub(crate) struct Simulation(Mutex<Inner>);

struct Inner {
    /// `None` only while a step is computed.
    simulation: Option<nbody::Simulation>,
    kept: Kept,
    rest: Rest,
    /// Ids in ascending order, each with the place of its body in the caller's order; `None` if they are the same.
    places: Option<Vec<(u64, u32)>>,
    threads: Option<usize>,
}

/// A state before a step, which comes back if the step fails.
#[derive(Default)]
struct Kept {
    /// As [`Bodies::write`] writes them. The memory is used again by the next step.
    bodies: Vec<u8>,
    rest: Option<(f64, Diagnostics, Progress, Option<PartialStep>)>,
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
        let (forces, stepping) = (settings.forces()?, steps.stepping()?);
        let mut bodies = columns.bodies()?;
        let (n, ids) = (bodies.len(), bodies.id.clone());
        let places = places(&ids)?;
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
            nbody::Simulation::begin(&Solo, &forces, stepping, start).map_err(|error| error.to_string())
        })?;
        let first = simulation.diagnostics;
        let rest = Rest { settings, steps, first, has_chosen: false, step: 0, ids };
        let (simulation, kept) = (Some(simulation), Kept::default());
        Ok(Simulation(Mutex::new(Inner { simulation, kept, rest, places, threads })))
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
            let advance = inner.change(py, move |simulation| simulation.advance(&Solo, length, time))?;
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
        Ok(self.get()?.current().part().map(|part| (part.length, part.time)))
    }

    #[getter]
    fn time(&self) -> PyResult<f64> {
        Ok(self.get()?.current().time)
    }

    /// The scale factor, in an expanding universe.
    #[getter]
    fn scale_factor(&self) -> PyResult<Option<f64>> {
        let inner = self.get()?;
        Ok(inner.rest.settings.universe.as_ref().map(|_| math::exp(inner.current().time)))
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
        Ok(self.get()?.rest.ids.len())
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

    /// The rms force error that was measured last, if one was asked for.
    #[getter]
    fn force_error(&self) -> PyResult<Option<f64>> {
        Ok(self.get()?.current().control().map(|control| control.achieved.rms))
    }

    #[getter]
    fn energy_error(&self) -> PyResult<f64> {
        let inner = self.get()?;
        Ok(inner.current().diagnostics.energy_error(&inner.rest.first))
    }

    /// Energies, momentum and angular momentum: of this state, or the first one.
    fn energies<'py>(&self, py: Python<'py>, first: bool) -> PyResult<Energies<'py>> {
        let inner = self.get()?;
        let found = if first { inner.rest.first } else { inner.current().diagnostics };
        let all = PyDict::new(py);
        all.set_item("kinetic", found.kinetic)?;
        all.set_item("potential", found.potential)?;
        all.set_item("total", found.energy())?;
        all.set_item("virial_ratio", found.virial_ratio())?;
        all.set_item("momentum", PyArray1::from_slice(py, &found.momentum))?;
        all.set_item("angular_momentum", PyArray1::from_slice(py, &found.angular_momentum))?;
        Ok(all)
    }

    /// Copies of the columns of the bodies in the caller's order. In an expanding universe velocities are peculiar
    /// ones.
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let inner = self.get()?;
        let (bodies, n) = (inner.current().bodies(), inner.rest.ids.len());
        let copies = pool::compute(py, inner.threads, n, || {
            let order = inner.order();
            let needed = bodies.column::<f32>(NEEDED_STEP);
            Ok::<_, String>((
                [&bodies.mass, &bodies.pot].map(|values| order.list(values, |x| x)),
                [&bodies.pos, &bodies.vel, &bodies.acc].map(|vectors| order.rows(vectors, |x| x)),
                [&bodies.kind, &bodies.rung].map(|values| order.list(values, |x| x)),
                needed.map(|needed| order.list(needed, |x| x)),
            ))
        })?;
        let ([mass, pot], [pos, mut vel, acc], [kind, rung], needed) = copies;
        if inner.rest.settings.universe.is_some() {
            let a = math::exp(inner.current().time);
            vel.iter_mut().for_each(|v| *v /= a);
        }
        let all = PyDict::new(py);
        all.set_item("mass", arrays::array(py, mass))?;
        all.set_item("pos", arrays::table(py, pos, 3)?)?;
        all.set_item("vel", arrays::table(py, vel, 3)?)?;
        all.set_item("acc", arrays::table(py, acc, 3)?)?;
        all.set_item("pot", arrays::array(py, pot))?;
        all.set_item("id", PyArray1::from_slice(py, &inner.rest.ids))?;
        all.set_item("type", arrays::array(py, kind))?;
        all.set_item("rung", arrays::array(py, rung))?;
        if let Some(needed) = needed {
            all.set_item("needed_step", arrays::array(py, needed))?;
        }
        Ok(all)
    }

    /// The rung of each body in the caller's order.
    fn rungs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.get()?;
        let rungs = pool::compute(py, inner.threads, inner.rest.ids.len(), || {
            Ok::<_, String>(inner.order().list(&inner.current().bodies().rung, |x| x))
        })?;
        Ok(arrays::array(py, rungs))
    }

    /// Writes the exact state into a file.
    fn checkpoint(&self, py: Python<'_>, path: PathBuf, caller: Caller) -> PyResult<()> {
        let inner = self.get()?;
        let (state, bodies) = (State { caller: Some(caller), ..inner.state() }, inner.current().bodies());
        pool::compute(py, inner.threads, bodies.len(), || {
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
        let inner = self.get()?;
        let (state, bodies) = (inner.state(), inner.current().bodies());
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
        Simulation::resume(state, bodies.map_err(|_| wrong())?, threads).map_err(|_| wrong())
    }

    #[getter]
    fn is_fixed(&self) -> PyResult<bool> {
        Ok(self.get()?.rest.steps.stepping()? == Stepping::Fixed)
    }
}

impl Simulation {
    /// The simulation, unless another thread computes with it.
    fn get(&self) -> PyResult<MutexGuard<'_, Inner>> {
        match self.0.try_lock() {
            Ok(inner) => Ok(inner),
            Err(TryLockError::Poisoned(inner)) => Ok(inner.into_inner()),
            Err(TryLockError::WouldBlock) => Err(PyRuntimeError::new_err(
                "the simulation is in use by another thread: wait for its step to end",
            )),
        }
    }

    fn resume(state: State, bodies: Bodies, threads: Option<usize>) -> PyResult<Simulation> {
        let State { rest, time, energy, progress, part, .. } = state;
        let (forces, stepping) = (rest.settings.forces()?, rest.steps.stepping()?);
        let places = places(&rest.ids)?;
        Threads::of(threads, usize::MAX)?;
        let mut found = bodies.id.clone();
        found.sort_unstable();
        let same = match &places {
            None => found.iter().copied().eq(0..rest.ids.len() as u64),
            Some(places) => found.iter().eq(places.iter().map(|(id, _)| id)),
        };
        if !same {
            return Err(PyValueError::new_err("the state has other bodies than ids"));
        }
        let start = Start { bodies, time };
        let simulation = nbody::Simulation::resume(&Solo, &forces, stepping, start, energy, progress, part);
        let (simulation, kept) = (Some(simulation), Kept::default());
        Ok(Simulation(Mutex::new(Inner { simulation, kept, rest, places, threads })))
    }
}

impl Inner {
    fn current(&self) -> &nbody::Simulation {
        self.simulation.as_ref().expect("no step is being computed")
    }

    /// Changes the simulation. After an error or a panic it is as before.
    fn change<T: Send>(
        &mut self,
        py: Python<'_>,
        job: impl FnOnce(&mut nbody::Simulation) -> Result<T, nbody::Error> + Send,
    ) -> PyResult<T> {
        let threads = Threads::of(self.threads, self.rest.ids.len())?;
        let (forces, stepping) = (self.rest.settings.forces()?, self.rest.steps.stepping()?);
        let mut simulation = self.simulation.take().expect("no step is being computed");
        let kept = &mut self.kept;
        let changed = threads.compute(py, || {
            kept.store(&simulation);
            let value = job(&mut simulation)?;
            Ok::<_, nbody::Error>((simulation, value))
        });
        match changed {
            Ok((simulation, value)) => {
                self.simulation = Some(simulation);
                Ok(value)
            }
            Err(error) => {
                self.simulation = Some(self.kept.restore(&forces, stepping));
                Err(error)
            }
        }
    }

    /// The caller's order of the bodies as they are now.
    fn order(&self) -> Order {
        let ids = &self.current().bodies().id;
        Order::by_row(ids.len(), |i| match &self.places {
            None => ids[i] as usize,
            Some(places) => places[places.partition_point(|(other, _)| *other < ids[i])].1 as usize,
        })
    }

    fn state(&self) -> State {
        let simulation = self.current();
        State {
            rest: self.rest.clone(),
            time: simulation.time,
            energy: simulation.diagnostics,
            progress: simulation.progress(),
            part: simulation.part().cloned(),
            simd: treecode::simd_path().to_string(),
            caller: None,
        }
    }
}

impl Kept {
    fn store(&mut self, simulation: &nbody::Simulation) {
        let bodies = simulation.bodies();
        self.bodies.clear();
        bodies.write(0..bodies.len(), &mut self.bodies);
        let part = simulation.part().cloned();
        self.rest = Some((simulation.time, simulation.diagnostics, simulation.progress(), part));
    }

    /// The state, from which the steps go on with the same bits.
    fn restore(&self, forces: &Forces, stepping: Stepping) -> nbody::Simulation {
        let (time, energy, progress, part) = self.rest.clone().expect("a state was kept before the step");
        let mut bodies = Bodies::default();
        bodies.read(&self.bodies);
        nbody::Simulation::resume(&Solo, forces, stepping, Start { bodies, time }, energy, progress, part)
    }
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
pub(crate) struct Steps(Mutex<Box<dyn Iterator<Item = Step> + Send>>);

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
pub(crate) fn steps(start: f64, until: f64, longest: f64, every: Option<f64>, time: f64) -> PyResult<Steps> {
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
