//! A cluster of stars with a mass function and binaries. Positions and velocities do not depend on
//! the mass of a star, so the cluster is in equilibrium and has no mass segregation.

use super::MassFunction;
use super::mass_function::Masses;
use super::planetary::Elements;
use crate::model::component::{Component, Shape};
use crate::model::draw::Drawn;
use crate::model::keys::range::{positive, rising, within};
use crate::model::{Keys, Profile, Recipe, Sphere, State};
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
pub(in crate::model) struct Stars {
    cluster: StarCluster,
    sphere: Sphere,
    masses: Masses,
}

/// A star of a binary.
#[derive(Clone, Debug)]
pub(in crate::model) struct Pair {
    /// The second star relative to the first, if G times the mass of both is 1.
    relative: State,
    /// Position of this star relative to the centre of mass, as a fraction of the vector from the
    /// first star to the second.
    place: f64,
    /// Mass of both, in the unit of the drawn masses.
    mass: f64,
}

impl StarCluster {
    /// Mean mass of a star before the masses are scaled [solar masses].
    pub(in crate::model) fn mean_mass(mass_function: MassFunction, limits: [f64; 2]) -> f64 {
        mass_function.between(limits[0], limits[1]).mean()
    }

    /// Number of binaries. Their stars are the first ones, side by side.
    pub(in crate::model) fn pairs(&self) -> u64 {
        let pairs = (self.binaries * self.bodies as f64 / (1.0 + self.binaries)).round() as u64;
        pairs.min(self.bodies / 2)
    }
}

impl Stars {
    /// Draws the star with this id, which has the number `local` in the cluster. Both stars of a binary
    /// draw from the stream of the first.
    pub(in crate::model) fn draw(&self, constant: f64, rng: &mut ChaCha8Rng, id: u64, local: u64) -> Drawn {
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
    pub(in crate::model) fn state(&self, unit: f64, centre: &State) -> State {
        let speed = (unit * self.mass).sqrt();
        State {
            pos: std::array::from_fn(|axis| centre.pos[axis] + self.place * self.relative.pos[axis]),
            vel: std::array::from_fn(|axis| centre.vel[axis] + self.place * speed * self.relative.vel[axis]),
        }
    }
}

impl Recipe for StarCluster {
    fn bodies(&self) -> u64 {
        self.bodies
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn components(&self, _: f64) -> Result<Vec<Component>, String> {
        let sphere = match self.w0 {
            Some(w0) => Sphere::king(self.mass, self.radius, w0),
            None => Sphere::new(Profile::Plummer, self.mass, self.radius, self.cut.unwrap_or(20.0))?,
        };
        let masses = self.mass_function.between(self.least_mass, self.greatest_mass);
        let stars = Stars { cluster: self.clone(), sphere, masses };
        Ok(vec![Component::at_rest(self.bodies, self.mass, 4, Shape::Stars(Arc::new(stars)))])
    }
}

impl Keys {
    pub(in crate::model) fn star_cluster(&mut self) -> Result<StarCluster, String> {
        let one = 1.0 + f64::EPSILON;
        let least = within("least_mass", self.least_mass.take(), 0.08, 1e-6..1e6, "from 1e-6 to below 1e6")?;
        let greatest = self.greatest_mass.take().unwrap_or(100.0);
        if !(greatest >= least && greatest < 1e9) {
            return Err(format!(
                "greatest_mass = {greatest:?}: must not be below least_mass, {least:?}, and be below 1e9"
            ));
        }
        let mass_function = self.mass_function.take().unwrap_or_default();
        if least == greatest && mass_function != MassFunction::Equal {
            return Err(format!(
                "greatest_mass = {greatest:?}: must be above least_mass, unless mass_function is \"equal\""
            ));
        }
        let bodies = self.bodies(1)?;
        let sun = self.solar_mass.take();
        if sun.is_some() && self.mass.is_some() {
            return Err("give either `mass` or `solar_mass`: with a mass, the stars are scaled to it".into());
        }
        let mean = StarCluster::mean_mass(mass_function, [least, greatest]);
        let drawn = positive("solar_mass", sun, 1.0)? * bodies as f64 * mean;
        let w0 = self.w0.take();
        if let Some(w0) = w0 {
            within("w0", Some(w0), 6.0, 0.1..15.0 + f64::EPSILON * 8.0, "from 0.1 to 15")?;
        } else {
            self.cut = Some(positive("cut", self.cut.take(), 20.0)?);
        }
        if self.binary_axis.is_some() && self.binaries.is_none() {
            return Err(
                "`binary_axis` has no meaning without `binaries`, the fraction of binaries".to_owned()
            );
        }
        let binaries = within("binaries", self.binaries.take(), 0.0, 0.0..one, "from 0 to 1")?;
        let binary_axis = self.binary_axis.take();
        match binary_axis {
            Some(axes) => rising("binary_axis", axes)?,
            None if binaries > 0.0 => {
                return Err("`binary_axis` is missing: least and greatest semi-major axis of binaries; \
                            the default of 1 to 1000 au needs units with a size"
                    .into());
            }
            None => {}
        }
        Ok(StarCluster {
            bodies,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), drawn)?,
            radius: positive("radius", self.radius.take(), 1.0)?,
            w0,
            cut: if w0.is_none() { self.cut.take() } else { None },
            mass_function,
            least_mass: least,
            greatest_mass: greatest,
            binaries,
            binary_axis,
        })
    }
}
