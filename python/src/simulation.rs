//! The class of simulations: steps, and access to the state.

use crate::arrays::Columns;
use crate::forces::settle;
use crate::moment::{Frame, Moment};
use crate::pool::{self, Threads};
use crate::running::{Rest, Running};
use crate::saved::{self, Caller};
use crate::settings;
use decomposition::Solo;
use nbody::forces::Forces;
use nbody::stepping::Stepping;
use nbody::{Advance, Start};
use numpy::PyArray1;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, TryLockError};
use treecode::{Bodies, Domain, math};

/// A simulation. No thread waits for the mutex: it would hold the interpreter lock, which the
/// thread that computes a step needs at its end.
#[pyclass(module = "heorot._heorot", frozen)]
pub(crate) struct Simulation(Mutex<Running>);

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
        steps: settings::StepSettings,
        threads: Option<usize>,
    ) -> PyResult<Simulation> {
        let mut bodies = columns.bodies()?;
        let n = bodies.len();
        let frame = Frame::new(settings.forces()?, steps.stepping()?, &bodies.id)?;
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
        Ok(Simulation::of(Running::of(simulation, rest, frame, threads)))
    }

    /// Goes a full step of this length that ends at `time`, or what is left of the step under way. A signal, such as that
    /// of Ctrl-C, is heard before the step and where all bodies are sorted within it: the state can be used after it. After
    /// an error the state is that at the last such place.
    fn advance(&self, py: Python<'_>, length: f64, time: f64) -> PyResult<()> {
        let mut running = self.get()?;
        if !running.rest.has_chosen {
            let chosen =
                running.go(py, length, move |simulation| Ok(simulation.choose_steps(&Solo, length)))?;
            chosen.map_err(|error| PyValueError::new_err(error.to_string()))?;
            running.rest.has_chosen = true;
        }
        loop {
            py.check_signals()?;
            let advance = running.go(py, length, move |simulation| {
                let advance = simulation.advance(&Solo, length, time)?;
                simulation.free_tree();
                Ok(advance)
            })?;
            if advance == Advance::Whole {
                running.rest.step += 1;
                return Ok(());
            }
        }
    }

    /// Panics when a step has changed the bodies, to test what becomes of them.
    fn panic_for_tests(&self, py: Python<'_>, length: f64) -> PyResult<()> {
        self.get()?.go(py, length, move |simulation| {
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
        let running = self.get()?;
        let time = running.current()?.time;
        Ok(running.rest.settings.universe.as_ref().map(|_| math::exp(time)))
    }

    /// Side of the periodic box.
    #[getter]
    fn side(&self) -> PyResult<Option<f64>> {
        Ok(self.get()?.rest.settings.side)
    }

    /// The universe: omega_m, omega_lambda, h, omega_r, w0, wa.
    #[getter]
    fn universe(&self) -> PyResult<Option<[f64; 6]>> {
        let running = self.get()?;
        let universe = running.rest.settings.universe.as_ref();
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
        let mut running = self.get()?;
        running.undo = undo;
        running.spare = None;
        Ok(())
    }

    /// The rms force error that was measured last, if one was asked for.
    #[getter]
    fn force_error(&self) -> PyResult<Option<f64>> {
        Ok(self.get()?.current()?.control().map(|control| control.achieved.rms))
    }

    #[getter]
    fn energy_error(&self) -> PyResult<f64> {
        let running = self.get()?;
        Ok(running.current()?.diagnostics.energy_error(&running.rest.first))
    }

    /// Energies, momentum and angular momentum: of this state, or the first one.
    fn energies<'py>(&self, py: Python<'py>, first: bool) -> PyResult<Energies<'py>> {
        let running = self.get()?;
        let found = if first { running.rest.first } else { running.current()?.diagnostics };
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
        let running = this.get().get()?;
        running.current()?;
        let (share, frame) = (running.share.clone(), running.frame.clone());
        Ok(Moment::new(this.clone().unbind(), share, frame, running.threads))
    }

    /// Fails if a table or an orbit of an external potential does not reach over this time.
    fn check_span(&self, from: f64, to: f64) -> PyResult<()> {
        self.get()?.rest.settings.check_span([from, to])
    }

    /// Writes the exact state into a file.
    fn checkpoint(&self, py: Python<'_>, path: PathBuf, caller: Caller) -> PyResult<()> {
        let running = self.get()?;
        saved::write(py, &running, &path, caller)
    }

    /// Reads the state that [`Simulation::checkpoint`] wrote.
    #[staticmethod]
    fn restore(py: Python<'_>, path: PathBuf, threads: Option<usize>) -> PyResult<(Simulation, Caller)> {
        let (running, caller) = saved::read(py, &path, threads)?;
        Ok((Simulation::of(running), caller))
    }

    /// The exact state as bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let running = self.get()?;
        Ok(PyBytes::new(py, &saved::to_bytes(&running)?))
    }

    /// The state that [`Simulation::to_bytes`] made.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, message: &[u8], threads: Option<usize>) -> PyResult<Simulation> {
        saved::from_bytes(py, message, threads).map(Simulation::of)
    }

    #[getter]
    fn is_fixed(&self) -> PyResult<bool> {
        Ok(self.get()?.frame.stepping == Stepping::Fixed)
    }
}

impl Simulation {
    fn of(running: Running) -> Simulation {
        Simulation(Mutex::new(running))
    }

    /// The simulation; `None` while another thread computes with it.
    pub(crate) fn now(&self) -> Option<MutexGuard<'_, Running>> {
        match self.0.try_lock() {
            Ok(running) => Some(running),
            Err(TryLockError::Poisoned(running)) => Some(running.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The simulation, unless another thread computes with it.
    fn get(&self) -> PyResult<MutexGuard<'_, Running>> {
        let used = "the simulation is in use by another thread: wait for its step to end";
        self.now().ok_or_else(|| PyRuntimeError::new_err(used))
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
