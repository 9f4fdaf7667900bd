//! Evaluations of the same bodies, one after the other, with the time of each.

use crate::crew::Crew;
use crate::key_errors::name_key;
use crate::report::Times;
use anyhow::Result;
use decomposition::{Evaluation, Plan, collective, evaluate};
use nbody::cost::{Meter, timed};
use nbody::forces::{Control, Engine, Forces};
use std::time::Duration;
use treecode::{Bodies, Criterion};

/// The last of several evaluations, and what the measured ones took.
pub struct Measured {
    /// The last one.
    pub evaluation: Evaluation,
    /// All measured ones.
    pub meter: Meter,
    /// Each by itself.
    pub times: Times,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// What a wanted error came to.
    pub control: Option<Control>,
}

/// Evaluates the field once, from the order of the file, and then as often as wanted, each time from the order that the last evaluation has
/// left; the first one is measured only if it stays alone. The relative criterion needs earlier accelerations: where the bodies have
/// none, the first evaluation finds them, and one more is measured. So it is with a wanted error: the first finds the tolerance. Collective.
///
/// # Errors
/// The same on every rank, if a parameter or a body is bad.
pub fn field(crew: &Crew, forces: &Forces, bodies: Bodies, repeat: Option<u32>) -> Result<Measured> {
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
    let mut engine = Engine::new(forces);
    let (mut evaluation, mut meter, first) = measure(
        &mut |bodies| engine.evaluate(crew.comm, bodies, &Plan::default()).map_err(name_key),
        bodies,
    )?;
    let mut evaluate_again = |bodies| evaluate(crew.comm, engine.gravity(), bodies).map_err(name_key);
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
    Ok(Measured {
        evaluation,
        meter,
        times: Times::new(first, all),
        notes,
        control: engine.control().cloned(),
    })
}
