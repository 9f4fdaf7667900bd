//! Predicts whether a step can move bodies out of the range of numbers, before the step changes
//! anything.

use crate::Simulation;
use rayon::prelude::*;
use treecode::Bodies;
use treecode::math::norm;

/// Least number of bodies per parallel task.
const SPAN: usize = 1 << 13;
/// Greatest distance from the origin [L], with a margin to the limit of force evaluations, 1e60.
const FAR: f64 = 1e58;
/// Least G M / extent^2 [L/T^2]. It has a margin to the limit of force evaluations, 1e-120.
const WEAK: f64 = 1e-118;

impl Simulation {
    /// Whether [`Simulation::advance`] with this length [T], or for what remains of an incomplete step,
    /// returns no error. `false` if that is not certain: then a caller that needs the bodies after an
    /// error keeps a copy of them.
    ///
    /// An error occurs only if a body leaves the range of numbers in its first drift, or if the
    /// bodies are so far apart that their forces underflow. The result is for the bodies of this
    /// rank.
    pub fn is_safe(&self, length: f64) -> bool {
        let (length, time) =
            self.part().map_or((length, self.time), |part| (part.length, part.time - part.length));
        let space = &self.forces().expansion;
        let (kick, drift) = (space.kick(time, length).abs(), space.drift(time, length).abs());
        let external = self.field();
        let bodies = self.bodies();
        let reach = |i: usize| {
            let mut pull = norm(bodies.acceleration(i));
            if !external.is_empty() {
                pull += norm(external.field(bodies.position(i)).acceleration);
            }
            norm(bodies.position(i)) + drift * (norm(bodies.velocity(i)) + kick * pull)
        };
        // A distance that is not a number counts as infinite.
        let distance = |i| Some(reach(i)).filter(|distance| !distance.is_nan()).unwrap_or(f64::INFINITY);
        let places = (0..bodies.len()).into_par_iter().with_min_len(SPAN);
        let farthest = places.map(distance).reduce(|| 0.0, f64::max);
        farthest <= FAR && is_felt(bodies, self.forces().gravity.constant, farthest)
    }
}

/// Whether bodies within a distance [L] from the origin attract each other by more than the least force.
fn is_felt(bodies: &Bodies, constant: f64, distance: f64) -> bool {
    let greatest = bodies.mass.iter().copied().fold(0.0, f64::max);
    greatest == 0.0 || constant * greatest / (4.0 * distance * distance) >= WEAK
}
