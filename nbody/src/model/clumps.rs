//! Spheres of very different masses on a uniform background. This is a hard problem for force
//! benchmarks, because bodies with small accelerations are next to bodies with large ones.

use super::component::{Component, Shape};
use super::keys::range::{positive, within};
use super::{Keys, Profile, Recipe, Sphere, State, UniformShape};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use treecode::math;

/// Greatest number of clumps. The program stores sums of each clump for every few thousand bodies.
const MOST_CLUMPS: u64 = 10_000;

/// Plummer spheres at random positions in a box with a uniform background. All bodies have the same
/// mass, and all spheres have the same mean density. Each isolated sphere is in equilibrium, and
/// the background is at rest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clumps {
    /// Number of bodies.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Mass of all bodies [M].
    pub mass: f64,
    /// Number of clumps.
    pub clumps: u64,
    /// Fraction of the bodies in the background.
    pub background: f64,
    /// Slope of the mass function: the number of clumps of mass m is proportional to m^-slope.
    /// Above 1.
    pub slope: f64,
    /// Side of the box that contains the centres of the clumps and the background [L].
    pub side: f64,
    /// Scale radius of a clump of the mean mass [L]. Scale radii are proportional to the cube root
    /// of the mass.
    pub radius: f64,
    /// Limit of the radius of a clump [scale radii].
    pub cut: f64,
}

impl Clumps {
    /// Masses of the clumps up to a factor. They are quantiles of the power law, so that they do
    /// not depend on the seed.
    fn weights(&self) -> Vec<f64> {
        let above = |k: u64| 1.0 - (k as f64 + 0.5) / self.clumps as f64;
        (0..self.clumps).map(|k| math::powf(above(k), -1.0 / (self.slope - 1.0))).collect()
    }

    fn clump(&self, k: u64, count: u64, radius: f64) -> Result<Component, String> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::MAX - k); // the bodies use the first streams
        let pos = UniformShape::Box.draw(self.side, &mut rng);
        let mass = self.mass_of(count);
        let sphere = Sphere::new(Profile::Plummer, mass, radius, self.cut)?;
        let place = State { pos, vel: [0.0; 3] };
        Ok(Component::at_rest(count, mass, 1, Shape::Sphere(sphere)).at(place))
    }

    fn mass_of(&self, count: u64) -> f64 {
        self.mass * count as f64 / self.bodies as f64
    }
}

impl Recipe for Clumps {
    fn bodies(&self) -> u64 {
        self.bodies
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    /// The clumps in order of mass, with the most massive one last, and then the background.
    fn components(&self, _: f64) -> Result<Vec<Component>, String> {
        let in_clumps = ((1.0 - self.background) * self.bodies as f64).round() as u64;
        let weights = self.weights();
        let total: f64 = weights.iter().sum();
        let mean = total / self.clumps as f64;
        let (mut sum, mut end) = (0.0, 0);
        let mut components: Vec<Component> = (0..self.clumps)
            .zip(weights)
            .map(|(k, weight)| {
                let first = end;
                sum += weight;
                end = (sum / total * in_clumps as f64).round() as u64;
                self.clump(k, end - first, self.radius * math::cbrt(weight / mean))
            })
            .collect::<Result<_, _>>()?;
        let count = self.bodies - end;
        let shape = Shape::Uniform { shape: UniformShape::Box, side: self.side, virial_ratio: 0.0 };
        components.push(Component::at_rest(count, self.mass_of(count), 1, shape));
        Ok(components)
    }
}

impl Keys {
    pub(in crate::model) fn clumps(&mut self) -> Result<Clumps, String> {
        let side = positive("side", self.side.take(), 1.0)?;
        let clumps = self.clumps.take().unwrap_or(300);
        if !(1..=MOST_CLUMPS).contains(&clumps) {
            return Err(format!("clumps = {clumps}: must be from 1 to {MOST_CLUMPS}"));
        }
        let one = 1.0 + f64::EPSILON;
        Ok(Clumps {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            clumps,
            background: within("background", self.background.take(), 0.3, 0.0..one, "from 0 to 1")?,
            slope: within("slope", self.slope.take(), 2.0, one..1e3, "above 1, below 1000")?,
            side,
            radius: positive("radius", self.radius.take(), 0.02 * side)?,
            cut: positive("cut", self.cut.take(), 20.0)?,
        })
    }
}
