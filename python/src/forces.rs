//! Forces of bodies in one call.

use crate::{arrays, pool, settings::Settings};
use decomposition::{Plan, Solo};
use nbody::forces::Engine;
use numpy::{PyArray1, PyArray2};
use pyo3::prelude::*;

/// Accelerations and potentials of bodies, with the force error that was measured, if one was asked for.
type Field<'py> = (Bound<'py, PyArray2<f64>>, Bound<'py, PyArray1<f64>>, Option<f64>);

/// Acceleration and potential of each body, in the order given, and the measured rms force error.
#[pyfunction]
pub fn accelerations<'py>(
    py: Python<'py>,
    pos: &Bound<'py, PyAny>,
    mass: &Bound<'py, PyAny>,
    settings: Settings,
    threads: Option<usize>,
) -> PyResult<Field<'py>> {
    let forces = settings.forces()?;
    let bodies = arrays::bodies(pos, mass)?;
    let n = bodies.len();
    let (bodies, error) = pool::compute(py, threads, n, move || {
        if n == 0 {
            return Err("there are no bodies; at least one is needed".to_owned());
        }
        bodies.check().map_err(|error| error.to_string())?;
        let mut engine = Engine::new(&forces);
        let evaluation =
            engine.evaluate(&Solo, bodies, &Plan::default()).map_err(|error| error.to_string())?;
        let error = engine.control().map(|control| control.achieved.rms);
        Ok((evaluation.into_bodies(), error))
    })?;
    let places: Vec<u32> = bodies.id.iter().map(|id| *id as u32).collect();
    let acc = arrays::rows(py, &bodies.acc, Some(&places))?;
    let pot = PyArray1::from_vec(py, arrays::placed(&bodies.pot, Some(&places)));
    Ok((acc, pot, error))
}
