//! Bodies of uniform density in a box or a ball. They are at rest, or a ball has random velocities.
//! A ball at rest collapses in the free-fall time pi sqrt(R^3 / (8 G M)).

use super::component::{self, Component};
use super::keys::range::{positive, within};
use super::spheres::direction;
use super::{Keys, Recipe};
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

impl Recipe for Uniform {
    fn bodies(&self) -> u64 {
        self.bodies
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn components(&self, _: f64) -> Result<Vec<Component>, String> {
        let &Uniform { shape, side, virial_ratio, .. } = self;
        let shape = component::Shape::Uniform { shape, side, virial_ratio };
        Ok(vec![Component::at_rest(self.bodies, self.mass, 1, shape)])
    }
}

impl Keys {
    pub(in crate::model) fn uniform(&mut self) -> Result<Uniform, String> {
        let shape = self.shape.take().unwrap_or(Shape::Box);
        let above_two = 2.0 + 2.0 * f64::EPSILON;
        let virial_ratio =
            within("virial_ratio", self.virial_ratio.take(), 0.0, 0.0..above_two, "from 0 to 2")?;
        if shape == Shape::Box && virial_ratio > 0.0 {
            return Err(format!(
                "virial_ratio = {virial_ratio:?}: has no meaning for a box; give `shape = \"ball\"`"
            ));
        }
        Ok(Uniform {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            shape,
            side: positive("side", self.side.take(), 1.0)?,
            virial_ratio,
        })
    }
}
