//! Forces of bodies in one call.

use crate::settings::Settings;
use crate::{arrays, arrays::Order, pool::Threads};
use decomposition::{Plan, Solo};
use nbody::forces::{Engine, Forces};
use pyo3::prelude::*;
use std::time::Instant;
use treecode::{Bodies, Domain};

/// Accelerations and potentials of bodies, with the force error that was measured, if one was asked for.
type Field<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Option<f64>);

/// Acceleration and potential of each body, in the order given, and the measured rms force error. External potentials
/// are those of this time. With `single`, the results are in single precision.
#[pyfunction]
#[pyo3(signature = (pos, mass, settings, time, single, threads, /))]
pub(crate) fn accelerations<'py>(
    py: Python<'py>,
    pos: &Bound<'py, PyAny>,
    mass: &Bound<'py, PyAny>,
    settings: &Bound<'py, Settings>,
    time: f64,
    single: bool,
    threads: Option<usize>,
) -> PyResult<Field<'py>> {
    let forces = settings.get().forces()?;
    settings.get().check_span([time, time])?;
    let bodies = arrays::bodies(pos, mass)?;
    let threads = Threads::of(threads, bodies.len())?;
    if single {
        let (acc, pot, error) = threads.compute(py, move || field(&forces, bodies, time, |x| x as f32))?;
        return Ok((arrays::table(py, acc, 3)?, arrays::array(py, pot), error));
    }
    let (acc, pot, error) = threads.compute(py, move || field(&forces, bodies, time, |x| x))?;
    Ok((arrays::table(py, acc, 3)?, arrays::array(py, pot), error))
}

/// Rows of accelerations, potentials and the measured error of bodies whose ids are their places.
#[allow(clippy::type_complexity)]
fn field<T: Copy + Default + Send>(
    forces: &Forces,
    bodies: Bodies,
    time: f64,
    number: fn(f64) -> T,
) -> Result<(Vec<T>, Vec<T>, Option<f64>), String> {
    let (mut bodies, error) = evaluate(forces, bodies)?;
    if !forces.external.is_empty() {
        forces.external.at(time).add_to(&mut bodies);
    }
    // The other columns are freed before memory for the results is allocated.
    let Bodies { acc, pot, id, .. } = bodies;
    let order = Order::by_row(id.len(), |place| id[place] as usize);
    Ok((order.rows(&acc, number), order.list(&pot, number), error))
}

fn evaluate(forces: &Forces, mut bodies: Bodies) -> Result<(Bodies, Option<f64>), String> {
    if bodies.is_empty() {
        return Err("there are no bodies; at least one is needed".to_owned());
    }
    settle(&mut bodies, forces.gravity.domain)?;
    let mut engine = Engine::new(forces).with_pairs_checked();
    let evaluation = engine.evaluate(&Solo, bodies, &Plan::default()).map_err(|error| error.to_string())?;
    let error = engine.control().map(|control| control.achieved.rms);
    Ok((evaluation.into_bodies(), error))
}

/// Moves bodies outside a periodic box to their images inside. They are checked before, because a coordinate that
/// is not a number has no image.
pub(crate) fn settle(bodies: &mut Bodies, domain: Domain) -> Result<(), String> {
    if domain.is_periodic() {
        bodies.check().map_err(|error| error.to_string())?;
        bodies.wrap(domain);
    }
    Ok(())
}

/// Seconds of an evaluation alone, without Python: the mean of `count`. A benchmark compares it with calls of
/// [`accelerations`].
#[pyfunction]
pub(crate) fn seconds_of_evaluations(
    py: Python<'_>,
    pos: &Bound<'_, PyAny>,
    mass: &Bound<'_, PyAny>,
    settings: &Bound<'_, Settings>,
    threads: Option<usize>,
    count: u32,
) -> PyResult<f64> {
    let forces = settings.get().forces()?;
    let bodies = arrays::bodies(pos, mass)?;
    Threads::of(threads, bodies.len())?.compute(py, move || {
        let mut seconds = 0.0;
        for _ in 0..count {
            let bodies = bodies.clone();
            let begun = Instant::now();
            std::hint::black_box(evaluate(&forces, bodies)?);
            seconds += begun.elapsed().as_secs_f64();
        }
        Ok::<_, String>(seconds / f64::from(count))
    })
}
