//! Forces of bodies in one call.

use crate::settings::Settings;
use crate::{arrays, arrays::Order, pool::Threads};
use decomposition::{Moments, Plan, Solo, evaluate_selected};
use nbody::forces::{Engine, Forces};
use pyo3::prelude::*;
use std::time::Instant;
use treecode::{Bodies, Domain, Selection, Walk};

/// Accelerations and potentials of bodies, and the measured force error if an accuracy was
/// requested.
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
    let mut bodies = arrays::bodies(pos, mass)?;
    let threads = Threads::of(threads, bodies.len())?;
    let is_long = forces.gravity.walk == Walk::Direct && bodies.len().saturating_mul(bodies.len()) > PAIRS;
    if is_long {
        bodies = in_blocks(py, &threads, &forces, bodies)?;
    }
    if single {
        let job = move || field(&forces, bodies, is_long, time, |x| x as f32);
        let (acc, pot, error) = threads.compute(py, job)?;
        return Ok((arrays::table(py, acc, 3)?, arrays::array(py, pot), error));
    }
    let (acc, pot, error) = threads.compute(py, move || field(&forces, bodies, is_long, time, |x| x))?;
    Ok((arrays::table(py, acc, 3)?, arrays::array(py, pot), error))
}

/// Direct sums over more pairs than this are computed in blocks of about this number of pairs. A
/// block takes some tenths of a second. Signals are handled between blocks.
const PAIRS: usize = 1 << 26;

/// Direct sums for many bodies, block by block. Bodies of earlier blocks keep their results, since
/// they are then inactive.
fn in_blocks(py: Python<'_>, threads: &Threads, forces: &Forces, mut bodies: Bodies) -> PyResult<Bodies> {
    let (gravity, all) = (&forces.gravity, bodies.len());
    let block = (PAIRS / all).max(1);
    let plan = Plan { selection: Selection { least_rung: 1, changes: false }, ..Plan::default() };
    let mut evaluation = threads.compute(py, move || {
        settle(&mut bodies, gravity.domain)?;
        // Sorts the bodies. None of them is active.
        evaluate_selected(&Solo, gravity, bodies, &plan).map_err(|error| error.to_string())
    })?;
    for first in (0..all).step_by(block) {
        py.check_signals()?;
        evaluation = threads.compute(py, move || {
            evaluation.bodies.rung.fill(0);
            evaluation.bodies.rung[first..all.min(first + block)].fill(1);
            Ok::<_, String>(evaluation.again(&Solo, gravity, &plan, Moments::Fresh))
        })?;
    }
    Ok(evaluation.into_bodies())
}

/// Rows of accelerations, potentials and the measured error of bodies whose ids are their places. `is_done` says that
/// they have the field of the bodies already.
#[allow(clippy::type_complexity)]
fn field<T: Copy + Default + Send>(
    forces: &Forces,
    bodies: Bodies,
    is_done: bool,
    time: f64,
    number: fn(f64) -> T,
) -> Result<(Vec<T>, Vec<T>, Option<f64>), String> {
    let (mut bodies, error) = if is_done { (bodies, None) } else { evaluate(forces, bodies, time)? };
    if !forces.external.is_empty() {
        forces.external.at(time).add_to(&mut bodies);
    }
    // The other columns are freed before memory for the results is allocated.
    let Bodies { acc, pot, id, .. } = bodies;
    let order = Order::by_row(id.len(), |place| id[place] as usize);
    Ok((order.rows(&acc, number), order.list(&pot, number), error))
}

fn evaluate(forces: &Forces, mut bodies: Bodies, time: f64) -> Result<(Bodies, Option<f64>), String> {
    if bodies.is_empty() {
        return Err("there are no bodies; at least one is needed".to_owned());
    }
    settle(&mut bodies, forces.gravity.domain)?;
    let mut engine = Engine::new(forces).with_pairs_checked();
    engine.set_time(time);
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
            std::hint::black_box(evaluate(&forces, bodies, 0.0)?);
            seconds += begun.elapsed().as_secs_f64();
        }
        Ok::<_, String>(seconds / f64::from(count))
    })
}
