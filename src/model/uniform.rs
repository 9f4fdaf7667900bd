//! Bodies at rest that fill a box or a ball evenly. A ball collapses: its free-fall time is pi sqrt(R^3 / (8 G M)).

use super::{Component, State, sphere::direction};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// Bodies at rest of uniform density.
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
}

/// What bodies fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// A cube.
    Box,
    /// A ball.
    Ball,
}

impl Uniform {
    pub(super) fn component(&self) -> Component {
        let shape = super::Shape::Uniform(self.shape, self.side);
        Component { count: self.bodies, mass: self.mass, kind: 1, shape, place: State::default() }
    }
}

impl Shape {
    /// A place in the shape of this side or diameter about the origin.
    pub(super) fn draw(self, side: f64, rng: &mut impl Rng) -> [f64; 3] {
        match self {
            Shape::Box => [(); 3].map(|()| side * (rng.random::<f64>() - 0.5)),
            Shape::Ball => {
                let radius = 0.5 * side * rng.random::<f64>().cbrt();
                direction(rng).map(|x| x * radius)
            }
        }
    }
}
