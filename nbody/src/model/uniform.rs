//! Bodies that fill a box or a ball evenly, at rest or, in a ball, with some velocities. A ball at rest collapses: its free-fall time is
//! pi sqrt(R^3 / (8 G M)).

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
    /// What they fill.
    pub shape: Shape,
    /// Side of the box, or diameter of the ball [L].
    pub side: f64,
    /// 2K/|W| at the start; only a ball may have any other than 0, with velocities that fill a ball evenly, too (Hénon 1964, Annales
    /// d'Astrophysique 27, 83).
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
    /// A place in the shape of this side or diameter about the origin.
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

/// Greatest speed of bodies that fill a ball of this side and mass, and a ball of velocities: with W = -3 G M^2 / (5 R) and
/// K = 3/10 M v^2 the ratio 2K/|W| is v^2 R / (G M).
pub(super) fn greatest_speed(constant: f64, mass: f64, side: f64, virial_ratio: f64) -> f64 {
    (virial_ratio * constant * mass / (0.5 * side)).sqrt()
}
