//! A sphere of bodies in equilibrium: one of the published profiles, scaled, cut off and perhaps made to turn.

use super::{State, hernquist, plummer};
use nalgebra::Vector3;
use rand::{Rng, RngExt, distr::Open01};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// The run of density with radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Plummer (1911): a core, and a density that falls as r^-5.
    Plummer,
    /// Hernquist (1990): a cusp r^-1, and a density that falls as r^-4, as an elliptical galaxy.
    Hernquist,
}

/// A sphere of a given size. The velocities are isotropic and those of the uncut sphere: within the cut, the forces are its too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sphere {
    /// Run of density.
    pub profile: Profile,
    /// Mass of all bodies [M].
    pub mass: f64,
    /// Scale radius of the profile [L].
    pub radius: f64,
    /// Bodies lie within this many scale radii.
    pub cut: f64,
    /// Fraction of the bodies with retrograde motion about `axis` that is turned round (Lynden-Bell 1960); energies and the
    /// equilibrium stay. 0 leaves the sphere at rest, 1 makes every body prograde.
    pub spin: f64,
    /// Axis of the spin, a unit vector.
    pub axis: [f64; 3],
}

impl Profile {
    /// Fraction of the uncut mass within `radius` [scale radii].
    pub fn enclosed(self, radius: f64) -> f64 {
        match self {
            Profile::Plummer => plummer::enclosed(radius),
            Profile::Hernquist => hernquist::enclosed(radius),
        }
    }

    fn draw(self, within: f64, rng: &mut impl Rng) -> (f64, f64) {
        let mass = within * rng.sample::<f64, _>(Open01);
        match self {
            Profile::Plummer => {
                let radius = plummer::radius(mass);
                (radius, plummer::draw_speed(radius, rng))
            }
            Profile::Hernquist => {
                let radius = hernquist::radius(mass);
                (radius, hernquist::draw_speed(radius, rng))
            }
        }
    }
}

impl Sphere {
    /// Draws a body; `constant` is the gravitational constant.
    pub fn draw(&self, constant: f64, rng: &mut impl Rng) -> State {
        let within = self.profile.enclosed(self.cut);
        let velocity_unit = (constant * self.mass / within / self.radius).sqrt();
        let (radius, speed) = self.profile.draw(within, rng);
        let pos = direction(rng).map(|x| x * radius * self.radius);
        let vel = direction(rng).map(|v| v * speed * velocity_unit);
        let turned = rng.random::<f64>() < self.spin;
        State { pos, vel: if turned { prograde(self.axis, pos, vel) } else { vel } }
    }
}

/// A direction of the unit sphere, all alike.
pub(super) fn direction(rng: &mut impl Rng) -> [f64; 3] {
    let z = 2.0 * rng.random::<f64>() - 1.0;
    let (sin, cos) = (TAU * rng.random::<f64>()).sin_cos();
    let across = (1.0 - z * z).sqrt();
    [across * cos, across * sin, z]
}

/// `vel` with its tangential part about `axis` turned round if it is retrograde.
fn prograde(axis: [f64; 3], pos: [f64; 3], vel: [f64; 3]) -> [f64; 3] {
    let [axis, pos, vel] = [axis, pos, vel].map(Vector3::from);
    let tangent = axis.cross(&pos);
    let along = tangent.dot(&vel);
    let turned = if along < 0.0 { vel - tangent * (2.0 * along / tangent.norm_squared()) } else { vel };
    turned.into()
}

#[cfg(test)]
mod tests;
