//! A cluster of stars with a mass function and binaries. Places and velocities do not depend on the
//! mass, so the cluster is in equilibrium and not segregated.

use super::mass_function::Masses;
use super::planetary::Elements;
use super::{Component, Drawn, MassFunction, Profile, Shape, Sphere, State};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::sync::Arc;
use treecode::math;

/// A star cluster at rest at the origin: a sphere of King (1966) if it has a `w0`, or of Plummer (1911).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StarCluster {
    /// Number of stars.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Mass of all stars [M]. The drawn masses are scaled to it.
    pub mass: f64,
    /// Scale radius, or core radius of King's sphere [L].
    pub radius: f64,
    /// Depth of the centre of King's sphere, in units of sigma^2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub w0: Option<f64>,
    /// Limit of the radius of Plummer's sphere [scale radii].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<f64>,
    /// Distribution of the masses.
    pub mass_function: MassFunction,
    /// Least mass of a star [solar masses].
    pub least_mass: f64,
    /// Greatest mass of a star [solar masses].
    pub greatest_mass: f64,
    /// Fraction of binaries among single stars and binaries.
    pub binaries: f64,
    /// Least and greatest semi-major axis of binaries [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_axis: Option<[f64; 2]>,
}

/// A cluster with the tables from which it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Stars {
    cluster: StarCluster,
    sphere: Sphere,
    masses: Masses,
}

/// A star of a binary.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// The second star relative to the first, if G times the mass of both is 1.
    relative: State,
    /// Place of this star on the way from the first star to the second, from the centre of mass.
    place: f64,
    /// Mass of both, in the unit of the drawn masses.
    mass: f64,
}

impl StarCluster {
    /// Mean mass of a star before the masses are scaled [solar masses].
    pub(super) fn mean_mass(mass_function: MassFunction, limits: [f64; 2]) -> f64 {
        mass_function.between(limits[0], limits[1]).mean()
    }

    pub(super) fn components(&self) -> Result<Vec<Component>, String> {
        let sphere = match self.w0 {
            Some(w0) => Sphere::king(self.mass, self.radius, w0),
            None => Sphere::new(Profile::Plummer, self.mass, self.radius, self.cut.unwrap_or(20.0))?,
        };
        let masses = self.mass_function.between(self.least_mass, self.greatest_mass);
        let stars = Stars { cluster: self.clone(), sphere, masses };
        Ok(vec![Component::at_rest(self.bodies, self.mass, 4, Shape::Stars(Arc::new(stars)))])
    }

    /// Number of binaries. Their stars are the first ones, side by side.
    pub(super) fn pairs(&self) -> u64 {
        let pairs = (self.binaries * self.bodies as f64 / (1.0 + self.binaries)).round() as u64;
        pairs.min(self.bodies / 2)
    }
}

impl Stars {
    /// Draws the star with this id, which has the number `local` in the cluster. Both stars of a binary
    /// draw from the stream of the first.
    pub(super) fn draw(&self, constant: f64, rng: &mut ChaCha8Rng, id: u64, local: u64) -> Drawn {
        let is_binary = local < 2 * self.cluster.pairs();
        let is_second = is_binary && local % 2 == 1;
        rng.set_stream(id - u64::from(is_second));
        let state = self.sphere.draw(constant, rng);
        let first = self.masses.draw(rng);
        let Some([least, greatest]) = self.cluster.binary_axis.filter(|_| is_binary) else {
            return Drawn { state, weight: first, pair: None };
        };
        let second = self.masses.draw(rng);
        let mut random = || rng.random::<f64>();
        let orbit = Elements {
            // Uniform in the logarithm (Öpik 1924).
            semi_major_axis: least * math::exp(random() * math::ln(greatest / least)),
            // The thermal distribution 2 e (Jeans 1919).
            eccentricity: random().sqrt(),
            inclination: math::acos(1.0 - 2.0 * random()).to_degrees(),
            node: 360.0 * random(),
            pericentre: 360.0 * random(),
            anomaly: 360.0 * random(),
        };
        let mass = first + second;
        let place = if is_second { first / mass } else { -second / mass };
        let pair = Pair { relative: orbit.state(1.0), place, mass };
        Drawn { state, weight: if is_second { second } else { first }, pair: Some(Box::new(pair)) }
    }
}

impl Pair {
    /// The star, given the state of the centre of the binary. `unit` is G times the unit of the drawn
    /// masses [L^3/T^2].
    pub(super) fn state(&self, unit: f64, centre: &State) -> State {
        let speed = (unit * self.mass).sqrt();
        State {
            pos: std::array::from_fn(|axis| centre.pos[axis] + self.place * self.relative.pos[axis]),
            vel: std::array::from_fn(|axis| centre.vel[axis] + self.place * speed * self.relative.vel[axis]),
        }
    }
}
