//! Sum of the forces on all bodies. It is zero for exact forces.

use decomposition::{Comm, Evaluation};
use serde::Serialize;
use treecode::math::norm;

/// Sums over all bodies. Their bits do not depend on the number of ranks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Balance {
    /// Centre of mass [L]. The origin if no body has mass.
    pub centre: [f64; 3],
    /// sum m a| / sum m |a|: the spurious change of momentum, relative to all forces.
    pub force_sum: f64,
    /// Mean acceleration, weighted by mass [L/T^2]. Zero if no body has mass, or if it is lost in the
    /// rounding of the greatest forces, such as those of a very close pair.
    #[serde(skip)]
    pub mean: [f64; 3],
}

/// A smaller sum of all forces, relative to the sum of their sizes, is rounding.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

impl Balance {
    /// Sums over the bodies of an evaluation. Collective.
    pub fn measure(comm: &dyn Comm, evaluation: &Evaluation) -> Balance {
        let [mass, x, y, z, ax, ay, az, size] = evaluation.sum(comm, |bodies, i| {
            let (mass, [x, y, z], acc) = (bodies.mass[i], bodies.position(i), bodies.acceleration(i));
            let [ax, ay, az] = acc.map(|a| mass * a);
            [mass, mass * x, mass * y, mass * z, ax, ay, az, mass * norm(acc)]
        });
        let force_sum = if size > 0.0 { norm([ax, ay, az]) / size } else { 0.0 };
        let per_mass = |sum: f64| if mass > 0.0 { sum / mass } else { 0.0 };
        let centre = [x, y, z].map(per_mass);
        let mean = if force_sum > ROUNDING { [ax, ay, az].map(per_mass) } else { [0.0; 3] };
        Balance { centre, force_sum, mean }
    }
}
