//! Bodies of uniform density in a box or a ball. They are at rest, or a ball has random velocities.
//! A ball at rest collapses in the free-fall time pi sqrt(R^3 / (8 G M)).

use super::{Component, sphere::direction};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use treecode::math;

/// Bodies of uniform density.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Uniform {
    /// Number of bodies.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Mass of all bodies [M].
    pub mass: f64,
    /// Shape of the volume.
    pub shape: Shape,
    /// Side of the box, or diameter of the ball [L].
    pub side: f64,
    /// Virial ratio 2K/|W| at the start. It must be 0 for a box. Otherwise velocities are uniform
    /// in a ball of velocity space (Hénon 1964, Annales d'Astrophysique 27, 83).
    pub virial_ratio: f64,
}

/// The shape that bodies fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A cube.
    Box,
    /// A ball.
    Ball,
}

impl Uniform {
    pub(super) fn component(&self) -> Component {
        let &Uniform { shape, side, virial_ratio, .. } = self;
        let shape = super::Shape::Uniform { shape, side, virial_ratio };
        Component::at_rest(self.bodies, self.mass, 1, shape)
    }
}

impl Shape {
    /// Draws a position in a shape of this side or diameter, centred on the origin.
    pub(super) fn draw(self, side: f64, rng: &mut impl Rng) -> [f64; 3] {
        match self {
            Shape::Box => [(); 3].map(|()| side * (rng.random::<f64>() - 0.5)),
            Shape::Ball => {
                let radius = 0.5 * side * math::cbrt(rng.random::<f64>());
                direction(rng).map(|x| x * radius)
            }
        }
    }
}

/// Radius of the ball in velocity space. With W = -3 G M^2 / (5 R) and K = 3/10 M v^2, the ratio
/// 2K/|W| is v^2 R / (G M).
pub(super) fn greatest_speed(constant: f64, mass: f64, side: f64, virial_ratio: f64) -> f64 {
    (virial_ratio * constant * mass / (0.5 * side)).sqrt()
}
