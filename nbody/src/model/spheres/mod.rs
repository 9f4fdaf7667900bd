//! Spheres in equilibrium: published density profiles, and distribution functions for them.

mod eddington;
mod hernquist;
mod isotropic;
mod king;
mod plummer;
mod profile;
mod softened;
mod sphere;
mod tapered;

pub use king::King;
pub use profile::Profile;
pub use sphere::Sphere;

pub(super) use eddington::isotropic;
pub(super) use softened::Spline;
pub(super) use sphere::direction;
pub(super) use tapered::Tapered;

use super::component::{Component, Shape};
use super::keys::range::{positive, taper, within};
use super::{Keys, Recipe};
use serde::Serialize;

/// A sphere in equilibrium, at rest at the origin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spherical {
    /// Number of bodies.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Mass of all bodies [M].
    pub mass: f64,
    /// Scale radius [L].
    pub radius: f64,
    /// Limit of the radius [scale radii]. A Plummer or Hernquist sphere has no bodies beyond it.
    /// The density of the others is tapered with this length.
    pub cut: f64,
    /// Softening of the bodies, with the spline kernel [L]. The sphere is in equilibrium in the
    /// softened field. Unless it is 0, the density of all profiles is tapered.
    pub softening: f64,
}

impl Recipe for (Profile, &Spherical) {
    fn bodies(&self) -> u64 {
        self.1.bodies
    }

    fn seed(&self) -> u64 {
        self.1.seed
    }

    fn components(&self, _: f64) -> Result<Vec<Component>, String> {
        let &Spherical { bodies, mass, radius, cut, softening, .. } = self.1;
        let sphere = Sphere::softened(self.0, mass, radius, cut, softening)?;
        Ok(vec![Component::at_rest(bodies, mass, 1, Shape::Sphere(sphere))])
    }
}

impl Keys {
    pub(in crate::model) fn spherical(&mut self, profile: Profile) -> Result<Spherical, String> {
        let radius = positive("radius", self.radius.take(), 1.0)?;
        Ok(Spherical {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            radius,
            cut: self.cut(profile)?,
            softening: self.softening(radius)?,
        })
    }

    /// Limit of the radius or length of the taper [scale radii].
    pub(in crate::model) fn cut(&mut self, profile: Profile) -> Result<f64, String> {
        let softened = self.softening.is_some_and(|softening| softening > 0.0);
        let default = if profile == Profile::Nfw { 10.0 } else { 20.0 };
        match profile {
            Profile::Plummer | Profile::Hernquist if !softened => positive("cut", self.cut.take(), default),
            _ => taper("cut", self.cut.take(), default),
        }
    }

    pub(in crate::model) fn softening(&mut self, radius: f64) -> Result<f64, String> {
        self.softening_below("the scale radius", radius)
    }

    pub(in crate::model) fn softening_below(&mut self, name: &str, length: f64) -> Result<f64, String> {
        let above = length * (1.0 + f64::EPSILON);
        within("softening", self.softening.take(), 0.0, 0.0..above, &format!("from 0 to {name}"))
    }
}
