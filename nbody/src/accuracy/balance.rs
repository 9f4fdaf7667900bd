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
    /// sum m a / sum m |a|. Zero if there are no forces, or if the sum is only the rounding error
    /// of the greatest forces, for instance those of a very close pair.
    #[serde(skip)]
    pub net: [f64; 3],
}

/// A smaller sum of all forces, relative to the sum of their magnitudes, counts as rounding.
const ROUNDING: f64 = 64.0 * f64::EPSILON;

impl Balance {
    /// Sums over the bodies of an evaluation. Collective.
    pub fn measure(comm: &dyn Comm, evaluation: &Evaluation) -> Balance {
        let [mass, x, y, z, ax, ay, az, size] = evaluation.sum(comm, |bodies, i| {
            let (mass, [x, y, z], acc) = (bodies.mass[i], bodies.position(i), bodies.acceleration(i));
            let [ax, ay, az] = acc.map(|a| mass * a);
            [mass, mass * x, mass * y, mass * z, ax, ay, az, mass * norm(acc)]
        });
        let centre = if mass > 0.0 { [x, y, z].map(|sum| sum / mass) } else { [0.0; 3] };
        let net = if size > 0.0 { [ax, ay, az].map(|sum| sum / size) } else { [0.0; 3] };
        let force_sum = norm(net);
        Balance { centre, force_sum, net: if force_sum > ROUNDING { net } else { [0.0; 3] } }
    }
}
