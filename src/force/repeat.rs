//! Repeated evaluations of the same bodies, with the time of each.

use crate::parameters::errors::name_source;
use crate::ranks::crew::Crew;
use crate::report::Times;
use anyhow::Result;
use decomposition::{Evaluation, Plan, collective};
use nbody::cost::{Meter, timed};
use nbody::forces::{Control, Engine, Forces, Pairs};
use std::path::Path;
use std::time::Duration;
use treecode::{Bodies, Criterion};

/// The last evaluation, and the cost of the measured ones.
pub(super) struct Measured {
    /// The last evaluation.
    pub evaluation: Evaluation,
    /// Total cost of the measured evaluations.
    pub meter: Meter,
    /// Times of each measured evaluation.
    pub times: Times,
    /// Notes for the reader of the report.
    pub notes: Vec<String>,
    /// Results of the force error control. `None` if the user has not requested an error.
    pub control: Option<Control>,
    /// Result of the check of close pairs.
    pub pairs: Pairs,
}

/// Evaluates the forces `repeat` times after a first evaluation that is not measured. Without
/// `repeat`, a single evaluation is measured. The first evaluation starts from the order of the
/// file, and each later one from the order of the last evaluation. Collective.
///
/// Without `repeat`, two cases need a first evaluation that is not measured. If the relative
/// criterion has no earlier accelerations, it computes them. If an accuracy is requested, it finds
/// the tolerance.
///
/// # Errors
/// A parameter or a body is invalid. Every rank returns the same error.
pub(super) fn field(
    crew: &Crew,
    file: &Path,
    forces: &Forces,
    bodies: Bodies,
    repeat: Option<u32>,
) -> Result<Measured> {
    let known = bodies.acc.iter().flatten().any(|&a| a != 0.0);
    let known = collective::sum(crew.comm, u64::from(known)) > 0;
    let relative = forces.gravity.criterion == Criterion::Relative;
    let mut notes = Vec::new();
    if relative {
        let source = if known {
            "the accelerations of the snapshot were taken as the last ones"
        } else {
            "the first evaluation, not measured, began with criterion angle to find accelerations"
        };
        notes.push(format!("criterion relative: {source}"));
    }

    let measure = |evaluate: &mut dyn FnMut(Bodies) -> Result<Evaluation>, bodies| {
        let mut time = Duration::ZERO;
        crew.comm.barrier();
        let evaluation = timed(&mut time, || evaluate(bodies))?;
        let meter =
            Meter { total: time, census: evaluation.census.clone(), evaluations: 1, ..Meter::default() };
        let [slowest] = collective::max(crew.comm, [time.as_secs_f64()]);
        anyhow::Ok((evaluation, meter, slowest))
    };
    let mut engine = Engine::new(forces).with_pairs_checked();
    let (mut evaluation, mut meter, mut first) = measure(
        &mut |bodies| {
            engine
                .evaluate(crew.comm, bodies, &Plan::default())
                .map_err(|error| name_source(Some(file), error))
        },
        bodies,
    )?;
    if forces.accuracy.is_none() {
        // The search for close pairs is no part of the evaluation.
        let searching = engine.take_verification();
        meter.total = meter.total.saturating_sub(searching);
        first -= collective::max(crew.comm, [searching.as_secs_f64()])[0].min(first);
    }
    let mut evaluate_again =
        |bodies| engine.evaluate_as_before(crew.comm, bodies).map_err(|error| name_source(Some(file), error));
    let mut all = vec![first];
    let repeat = repeat.unwrap_or(u32::from(relative && !known || forces.accuracy.is_some()));
    if repeat > 0 {
        meter = Meter::default();
        all.clear();
    }
    for _ in 0..repeat {
        let (next, its, time) = measure(&mut evaluate_again, evaluation.into_bodies())?;
        evaluation = next;
        meter.add(&its);
        all.push(time);
    }
    // They were inside the cube of the tree.
    evaluation.bodies.wrap(engine.gravity().domain);
    Ok(Measured {
        evaluation,
        meter,
        times: Times::new(first, all),
        notes,
        control: engine.control().cloned(),
        pairs: engine.pairs(),
    })
}
