//! Timesteps of bodies. A timestep is a full step divided by a power of two, the rung.
//!
//! Reading order: [`Adaptive`] computes the timestep that a body needs. [`Ladder`] assigns rungs
//! and does the kicks. [`Clock`] finds the bodies whose step ends. [`Course`] counts the substeps.
//! [`crate::simulation`] combines them into a full step.

mod clock;
mod course;
mod ladder;

pub use clock::Clock;
pub use course::Course;
pub use ladder::{Counts, Kicks, Ladder};

use crate::cosmology::Pace;
use crate::potential::Moment;
use serde::{Deserialize, Serialize};
use treecode::{About, Bodies, Dimension, Gravity, Number, Purpose};

/// The finest rung. Its timestep is the full step divided by 2^40.
pub const FINEST: u8 = 40;
/// Number of rungs.
pub const RUNGS: usize = FINEST as usize + 1;

/// Name of the column with the mean rate of change of a body's acceleration over its last step, as
/// a magnitude [L/T^3].
pub const RATE: &str = "rate of acceleration";
/// Name of the column with the timestep that a body needed at its last choice [T]; zero before the
/// first.
pub const NEEDED_STEP: &str = "needed time step";

/// Adds the columns of adaptive steps to bodies that do not have them.
pub fn add_columns(bodies: &mut Bodies) {
    columns().into_iter().for_each(|about| bodies.add_column(about));
}

/// The columns of adaptive steps.
fn columns() -> [About; 2] {
    [(RATE, Dimension::new(1, 0, -3)), (NEEDED_STEP, Dimension::new(0, 0, 1))]
        .map(|(name, unit)| About::new(name, Number::F32, Some(unit), Purpose::Integrator))
}

impl Stepping {
    /// Length of the columns that it adds to each body [bytes].
    pub fn bytes_per_body(&self) -> u64 {
        match self {
            Stepping::Fixed => 0,
            Stepping::Adaptive(_) => columns().iter().map(|about| about.bytes() as u64).sum(),
        }
    }
}

/// A column of adaptive steps.
///
/// # Panics
/// Unless [`add_columns`] has added it.
pub(crate) fn column<'a>(bodies: &'a mut Bodies, name: &str) -> &'a mut Vec<f32> {
    bodies.column_mut(name).expect("bodies with adaptive steps have the columns of their integrator")
}

/// How long the steps of bodies are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stepping {
    /// All bodies use the step of the schedule.
    Fixed,
    /// Bodies use shorter steps if they need them.
    Adaptive(Adaptive),
}

/// Choice of the timestep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeStep {
    /// All bodies use the step of the schedule.
    #[default]
    Fixed,
    /// All bodies use the shortest timestep that any body needs.
    AdaptiveGlobal,
    /// Each body uses its own timestep.
    Block,
}

/// Criterion for the timestep that a body needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepCriterion {
    /// sqrt(2 eta softening / |a|) (Power et al. 2003; Springel 2005, eq. 34).
    Acceleration,
    /// eta_rate sqrt(sqrt |potential| / |da/dt|). Over the time in the outer root, the change of
    /// acceleration alters the velocity by about the escape speed. On a circular orbit about a
    /// point mass, this time is radius / speed. Unlike |a| / |da/dt|, it does not vanish at the
    /// centre.
    Rate,
    /// The smaller of the two timesteps.
    #[default]
    Both,
}

impl StepCriterion {
    /// Whether the criterion uses the acceleration and the softening.
    pub fn asks_acceleration(self) -> bool {
        self != StepCriterion::Rate
    }

    /// Whether the criterion uses the rate of change of the acceleration.
    pub fn asks_rate(self) -> bool {
        self != StepCriterion::Acceleration
    }
}

/// Parameters of adaptive timesteps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    /// Whether all bodies use the shortest timestep that any body needs.
    pub global: bool,
    /// Criterion for the timestep.
    pub criterion: StepCriterion,
    /// Factor in the acceleration criterion.
    pub eta: f64,
    /// Factor in the rate criterion.
    pub eta_rate: f64,
    /// Shortest timestep [T]. With 0, only the number of rungs limits the timestep.
    pub smallest: f64,
}

/// What the timestep of a body depends on, beside the body.
#[derive(Clone, Copy)]
pub struct Needs<'a> {
    /// Criterion.
    pub adaptive: &'a Adaptive,
    /// Settings of the force evaluation, with the softening lengths.
    pub gravity: &'a Gravity,
    /// External potentials.
    pub external: &'a Moment<'a>,
    /// Relation of the steps to the time variable of the run.
    pub pace: Pace,
}

impl Needs<'_> {
    /// The step that body `i` needs, in the time variable of the run, whose acceleration changes at this
    /// rate [L/T^3]; infinite if it feels nothing.
    ///
    /// Acceleration and rate are those of the gravity of the bodies. In an external potential, the
    /// step is also at most `eta_rate` of its tidal time: the rate criterion without the zero of a
    /// potential, which has no meaning, and without a common acceleration, which needs no short step.
    fn step(&self, bodies: &Bodies, rate: f32, i: usize) -> f64 {
        let Needs { adaptive, gravity, external, pace } = *self;
        let [x, y, z] = bodies.acceleration(i);
        let acc = (x * x + y * y + z * z).sqrt();
        let mut needed = f64::INFINITY;
        if adaptive.criterion.asks_acceleration() {
            let softening = gravity.softening.shortest(bodies.kind[i]);
            needed = (2.0 * adaptive.eta * softening / acc).sqrt();
        }
        if adaptive.criterion.asks_rate() && rate > 0.0 {
            needed = needed.min(adaptive.eta_rate * (bodies.pot[i].abs().sqrt() / f64::from(rate)).sqrt());
        }
        if !external.is_empty() {
            needed = needed.min(adaptive.eta_rate * external.tidal_time(bodies.position(i)));
        }
        (needed * pace.per_step).min(pace.longest)
    }
}

/// Without earlier accelerations, the rate of change is this many times that of a circular orbit in
/// the same potential.
pub(crate) const CAUTION: f64 = 16.0;

impl Adaptive {
    /// Default of [`Adaptive::eta`], as in GADGET.
    pub const ETA: f64 = 0.025;
    /// Default of [`Adaptive::eta_rate`]: 314 steps for a circular orbit about a point.
    pub const ETA_RATE: f64 = 0.02;

    /// Smallest allowed [`Adaptive::eta`]. Timesteps are then more than 10,000 times shorter than
    /// with the default, and no run would finish.
    pub const LEAST_ETA: f64 = 1e-10;
    /// Smallest allowed [`Adaptive::eta_rate`], for the same reason.
    pub const LEAST_ETA_RATE: f64 = 1e-6;

    /// Estimates the rate of change of the acceleration of bodies without earlier accelerations. It
    /// is a multiple of the rate of a circular orbit in their potential, |a|^2 / sqrt |potential|.
    pub fn guess_rates(&self, bodies: &mut Bodies) {
        let guess = |i: usize| {
            let [x, y, z] = bodies.acceleration(i);
            let rate = CAUTION * (x * x + y * y + z * z) / bodies.pot[i].abs().sqrt();
            if rate.is_finite() { rate as f32 } else { 0.0 }
        };
        let rates: Vec<f32> = (0..bodies.len()).map(guess).collect();
        *column(bodies, RATE) = rates;
    }
}
