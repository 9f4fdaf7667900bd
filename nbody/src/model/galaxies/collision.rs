//! A collision of two spherical galaxies.

use super::{Orbit, orbit};
use crate::model::component::{Component, Shape};
use crate::model::keys::range::{angles, positive, within};
use crate::model::{Keys, Profile, Recipe, Sphere};
use serde::Serialize;
use treecode::math;

/// Particle types of the first and second galaxy, so that a viewer can distinguish them.
const KINDS: [u8; 2] = [2, 3];

/// Two spherical galaxies in equilibrium that approach each other on a conic. The orbit is in the
/// x-y plane with its angular momentum along z. Radii are proportional to the square root of the
/// mass, so both galaxies have the same surface density.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Collision {
    /// Number of bodies of both galaxies. It is divided so that all bodies have nearly the same
    /// mass.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Density profile of both galaxies.
    pub profile: Profile,
    /// Total mass of both galaxies [M].
    pub mass: f64,
    /// Mass of the second galaxy divided by that of the first.
    pub mass_ratio: f64,
    /// Scale radius of the first galaxy [L].
    pub radius: f64,
    /// Limit of the radius in each galaxy [scale radii], see [`super::Spherical`].
    pub cut: f64,
    /// Softening of the bodies [L], see [`super::Spherical`].
    pub softening: f64,
    /// Fraction of the retrograde bodies in each galaxy whose motion is reversed, 0 to 1. With 1,
    /// all bodies are prograde about the spin axis.
    pub spin: f64,
    /// Angle between the spin of each galaxy and the orbital angular momentum [degree]. 0 is
    /// prograde, and 180 is retrograde.
    pub inclination: [f64; 2],
    /// Azimuth of each spin axis, from the x axis [degree].
    pub azimuth: [f64; 2],
    /// Orbit of the centres.
    #[serde(flatten)]
    pub orbit: Orbit,
}

impl Collision {
    /// Number of bodies of each galaxy.
    fn counts(&self) -> [u64; 2] {
        let second = ((self.bodies as f64 * self.part_of_second()).round() as u64).clamp(1, self.bodies - 1);
        [self.bodies - second, second]
    }

    /// Mass of the second galaxy as a fraction of the total.
    fn part_of_second(&self) -> f64 {
        self.mass_ratio / (1.0 + self.mass_ratio)
    }
}

/// Unit vector in this direction [degree].
fn axis(inclination: f64, azimuth: f64) -> [f64; 3] {
    let ((sin, cos), (along_y, along_x)) =
        (math::sin_cos(inclination.to_radians()), math::sin_cos(azimuth.to_radians()));
    [sin * along_x, sin * along_y, cos]
}

impl Recipe for Collision {
    fn bodies(&self) -> u64 {
        self.bodies
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn components(&self, constant: f64) -> Result<Vec<Component>, String> {
        let second = self.part_of_second();
        let bodies = self.galaxies();
        let relative = orbit::incoming(constant * self.mass, &self.orbit);
        let places = orbit::about_the_centre(relative, second);
        let parts = [(1.0 - second, bodies[0]), (second, bodies[1])];
        let radii = [self.radius, self.radius * self.mass_ratio.sqrt()];
        let galaxy = |i: usize| {
            let (part, count) = parts[i];
            let mass = part * self.mass;
            let sphere = Sphere::softened(self.profile, mass, radii[i], self.cut, self.softening)?
                .turning(self.spin, axis(self.inclination[i], self.azimuth[i]));
            Ok(Component::at_rest(count, mass, KINDS[i], Shape::Sphere(sphere)).at(places[i]))
        };
        [0, 1].into_iter().map(galaxy).collect()
    }

    fn galaxies(&self) -> Vec<u64> {
        self.counts().to_vec()
    }
}

impl Keys {
    pub(in crate::model) fn collision(&mut self) -> Result<Collision, String> {
        let radius = positive("radius", self.radius.take(), 1.0)?;
        let orbit = self.orbit(2.0 * radius, 20.0 * radius)?;
        let profile = self.profile.take().unwrap_or(Profile::Hernquist);
        Ok(Collision {
            bodies: self.bodies(2)?,
            seed: self.seed.take().unwrap_or(0),
            profile,
            mass: positive("mass", self.mass.take(), 1.0)?,
            mass_ratio: positive("mass_ratio", self.mass_ratio.take(), 1.0)?,
            radius,
            cut: self.cut(profile)?,
            softening: self.softening(radius)?,
            spin: within("spin", self.spin.take(), 0.0, 0.0..1.0 + f64::EPSILON, "from 0 to 1")?,
            inclination: angles("inclination", self.inclination.take())?,
            azimuth: angles("azimuth", self.azimuth.take())?,
            orbit,
        })
    }
}
