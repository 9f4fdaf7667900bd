//! Time steps of a length that bodies need: what decides it, and the rungs of steps that are halves of halves of a full step.
//!
//! Reading order: [`Adaptive`] says what a body needs; [`Ladder`] has the steps of one full step and moves bodies by them; [`Clock`] tells which
//! bodies are at the end of their step; [`Course`] keeps count. [`crate::simulation`] puts them together.

mod clock;
mod course;
mod ladder;

pub use clock::Clock;
pub use course::Course;
pub use ladder::{Counts, Ladder};

use serde::{Deserialize, Serialize};
use treecode::{Bodies, Gravity};

/// The finest rung: its steps are the full step over 2^40.
pub const FINEST: u8 = 40;
/// Number of rungs.
pub const RUNGS: usize = FINEST as usize + 1;

/// How long the steps of bodies are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stepping {
    /// All as long as the schedule says.
    Fixed,
    /// As long as bodies need, but no longer than the schedule says.
    Adaptive(Adaptive),
}

/// Who decides the length of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeStep {
    /// The schedule alone.
    #[default]
    Fixed,
    /// For all bodies the one that needs the shortest.
    AdaptiveGlobal,
    /// Each body for itself.
    Block,
}

/// What a body needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepCriterion {
    /// sqrt(2 eta softening / |a|) (Power et al. 2003; Springel 2005, eq. 34).
    Acceleration,
    /// eta_rate sqrt(sqrt |potential| / |da/dt|): over the root a change of acceleration at this rate adds up to the speed that it takes to leave, and it is
    /// the radius over the speed on a circular orbit about a point. Unlike |a| / |da/dt| it does not vanish where a body passes the centre.
    Rate,
    /// The shorter of the two.
    #[default]
    Both,
}

impl StepCriterion {
    /// Whether the softening counts.
    pub fn asks_acceleration(self) -> bool {
        self != StepCriterion::Rate
    }

    /// Whether changes of acceleration count.
    pub fn asks_rate(self) -> bool {
        self != StepCriterion::Acceleration
    }
}

/// Steps as bodies need them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    /// Whether all bodies go the step of the one that needs the shortest.
    pub global: bool,
    /// What a body needs.
    pub criterion: StepCriterion,
    /// Of the acceleration.
    pub eta: f64,
    /// Of its rate.
    pub eta_rate: f64,
    /// No step is halved to less than this [T]; 0 for no limit but the rungs.
    pub smallest: f64,
}

/// The rate of the acceleration of a body that has no history yet is taken as this many times that of a circular orbit in its potential.
const CAUTION: f64 = 16.0;

impl Adaptive {
    /// Default of [`Adaptive::eta`], as in GADGET.
    pub const ETA: f64 = 0.025;
    /// Default of [`Adaptive::eta_rate`]: 314 steps for a circular orbit about a point.
    pub const ETA_RATE: f64 = 0.02;

    /// Smaller ones are no choice that a run could come to an end with: steps are as short as with the defaults over more than ten thousand.
    pub const LEAST_ETA: f64 = 1e-10;
    /// As of [`Adaptive::LEAST_ETA`].
    pub const LEAST_ETA_RATE: f64 = 1e-6;

    /// The step that body `i` needs [T]; infinite if it feels nothing.
    fn needed(&self, gravity: &Gravity, bodies: &Bodies, i: usize) -> f64 {
        let [x, y, z] = bodies.acceleration(i);
        let acc = (x * x + y * y + z * z).sqrt();
        let mut needed = f64::INFINITY;
        if self.criterion.asks_acceleration() {
            let softening = gravity.softening.length[usize::from(bodies.kind[i])];
            needed = (2.0 * self.eta * softening / acc).sqrt();
        }
        if self.criterion.asks_rate() && bodies.jerk[i] > 0.0 {
            needed =
                needed.min(self.eta_rate * (bodies.pot[i].abs().sqrt() / f64::from(bodies.jerk[i])).sqrt());
        }
        needed
    }

    /// Gives bodies whose acceleration has no history yet a rate: that of a circular orbit in their potential, |a|^2 / sqrt |potential|, and some more.
    pub fn guess_rates(&self, bodies: &mut Bodies) {
        for i in 0..bodies.len() {
            let [x, y, z] = bodies.acceleration(i);
            let rate = CAUTION * (x * x + y * y + z * z) / bodies.pot[i].abs().sqrt();
            bodies.jerk[i] = if rate.is_finite() { rate as f32 } else { 0.0 };
        }
    }
}
