//! Force evaluations with a known error, phase by phase.

use crate::{BODIES, plummer};
use decomposition::{Evaluation, Solo, evaluate};
use nbody::accuracy::{self, Balance};
use std::time::Duration;
use treecode::{Bodies, Gravity, Phase, Walk};

/// Measured walks and orders, each with a tolerance for an error of about 1e-3.
pub const SETTINGS: [(&str, Walk, usize, f64); 3] = [
    ("tree, order 2", Walk::Tree, 2, 0.2),
    ("fmm, order 3", Walk::Fmm, 3, 0.002),
    ("fmm, order 4", Walk::Fmm, 4, 0.007),
];

/// The field of all bodies.
pub fn field(gravity: &Gravity, bodies: Bodies) -> Evaluation {
    evaluate(&Solo, gravity, bodies).expect("the bodies are good")
}

/// Settings and a sphere with its accelerations, which the relative criterion needs. Prints the
/// force error.
pub fn prepare(walk: Walk, order: usize, tolerance: f64) -> (Gravity, Evaluation) {
    let gravity = Gravity { walk, order, tolerance, ..Gravity::default() };
    let done = field(&gravity, field(&gravity, plummer()).bodies);
    let error = accuracy::check(&Solo, &gravity, &done, &Balance::measure(&Solo, &done), 1000);
    let pairs = done.census.interactions.total() / BODIES;
    println!(
        "rms error {:.1e}, 99 % below {:.1e}, {pairs} interactions a body",
        error.rms, error.percentile_99
    );
    (gravity, done)
}

/// Time of a phase, summed over `evaluations` evaluations of the same bodies.
pub fn time_of(phase: Phase, gravity: &Gravity, done: &Evaluation, evaluations: u64) -> Duration {
    (0..evaluations).map(|_| field(gravity, done.bodies.clone()).census.time(phase)).sum()
}
