//! A sphere of bodies in equilibrium. It is a published model, scaled to a mass and a radius, with
//! a limited extent and optional rotation.

use super::isotropic::Isotropic;
use super::tapered::Tapered;
use super::{Profile, eddington, hernquist, king, plummer};
use crate::model::State;
use nalgebra::Vector3;
use rand::{Rng, RngExt, distr::Open01};
use std::f64::consts::TAU;
use std::sync::Arc;
use treecode::math;

/// A sphere with isotropic velocities from its distribution function.
#[derive(Clone, Debug)]
pub struct Sphere {
    source: Source,
    /// Mass of all bodies [M].
    mass: f64,
    /// Scale radius [L].
    radius: f64,
    /// Fraction of the bodies in retrograde motion about `axis` whose motion is reversed.
    spin: f64,
    axis: [f64; 3],
}

/// Source of radii and speeds, in units of the scale radius. The unit of mass has G = 1.
#[derive(Clone, Debug)]
enum Source {
    /// The infinite sphere without its bodies beyond `cut`. Velocities are those of the infinite
    /// sphere, because the mass beyond `cut` exerts no force within it.
    Plummer { cut: f64 },
    /// The infinite sphere without its bodies beyond `cut`.
    Hernquist { cut: f64 },
    /// A table of a sphere of finite extent.
    Table(Arc<Isotropic>),
}

impl Sphere {
    /// A sphere of this mass [M] and scale radius [L]. Plummer and Hernquist spheres have no bodies
    /// beyond `cut` [scale radii]. The density of the others is tapered with the length `cut`, and
    /// their velocities are those of the tapered sphere.
    ///
    /// # Errors
    /// The tapered sphere has no isotropic equilibrium.
    pub fn new(profile: Profile, mass: f64, radius: f64, cut: f64) -> Result<Sphere, String> {
        let source = match profile {
            Profile::Plummer => Source::Plummer { cut },
            Profile::Hernquist => Source::Hernquist { cut },
            Profile::Jaffe | Profile::Isochrone | Profile::Nfw => {
                let table = eddington::isotropic(&Tapered::new(profile, 1.0, 1.0, cut), |_| 0.0)?;
                Source::Table(Arc::new(table))
            }
        };
        Ok(Sphere { source, mass, radius, spin: 0.0, axis: [0.0, 0.0, 1.0] })
    }

    /// A sphere in equilibrium in the softened field of its bodies, with the spline kernel of this
    /// softening [L]. Unless the softening is 0, the density of all profiles is tapered.
    ///
    /// # Errors
    /// The sphere has no isotropic equilibrium.
    pub fn softened(
        profile: Profile,
        mass: f64,
        radius: f64,
        cut: f64,
        softening: f64,
    ) -> Result<Sphere, String> {
        if softening == 0.0 {
            return Sphere::new(profile, mass, radius, cut);
        }
        let sphere = Tapered::new(profile, 1.0, 1.0, cut).softened(softening / radius);
        Ok(Sphere::of_table(eddington::isotropic(&sphere, |_| 0.0)?, mass, radius))
    }

    /// A sphere of King (1966) of this mass [M], core radius [L] and central depth in units of
    /// sigma^2.
    pub fn king(mass: f64, radius: f64, w0: f64) -> Sphere {
        Sphere::of_table(king::king(w0), mass, radius)
    }

    /// A sphere from a table, with this mass [M]. The table's unit of length is `radius` [L].
    pub fn of_table(table: Isotropic, mass: f64, radius: f64) -> Sphere {
        Sphere { source: Source::Table(Arc::new(table)), mass, radius, spin: 0.0, axis: [0.0, 0.0, 1.0] }
    }

    /// Reverses the motion of the fraction `spin` of the bodies in retrograde motion about `axis`,
    /// a unit vector (Lynden-Bell 1960). Energies do not change, so the equilibrium is kept. 0
    /// gives no rotation, and 1 makes all bodies prograde.
    pub fn turning(self, spin: f64, axis: [f64; 3]) -> Sphere {
        Sphere { spin, axis, ..self }
    }

    /// Draws a body. `constant` is the gravitational constant.
    pub fn draw(&self, constant: f64, rng: &mut impl Rng) -> State {
        let velocity_unit = (constant * self.mass / self.source.mass() / self.radius).sqrt();
        let (radius, speed) = self.source.draw(rng);
        let pos = direction(rng).map(|x| x * radius * self.radius);
        let vel = direction(rng).map(|v| v * speed * velocity_unit);
        let turned = rng.random::<f64>() < self.spin;
        State { pos, vel: if turned { prograde(self.axis, pos, vel) } else { vel } }
    }
}

impl Source {
    /// Mass of all bodies, in the units of the source.
    fn mass(&self) -> f64 {
        match self {
            Source::Plummer { cut } => plummer::enclosed(*cut),
            Source::Hernquist { cut } => hernquist::enclosed(*cut),
            Source::Table(table) => table.total(),
        }
    }

    fn draw(&self, rng: &mut impl Rng) -> (f64, f64) {
        let mut mass = || self.mass() * rng.sample::<f64, _>(Open01);
        match self {
            Source::Plummer { .. } => {
                let radius = plummer::radius(mass());
                (radius, plummer::draw_speed(radius, rng))
            }
            Source::Hernquist { .. } => {
                let radius = hernquist::radius(mass());
                (radius, hernquist::draw_speed(radius, rng))
            }
            Source::Table(table) => table.draw(rng),
        }
    }
}

/// A random unit vector, uniform on the sphere.
pub(in crate::model) fn direction(rng: &mut impl Rng) -> [f64; 3] {
    let z = 2.0 * rng.random::<f64>() - 1.0;
    let (sin, cos) = math::sin_cos(TAU * rng.random::<f64>());
    let across = (1.0 - z * z).sqrt();
    [across * cos, across * sin, z]
}

/// Reverses the tangential component of `vel` about `axis` if the motion is retrograde.
fn prograde(axis: [f64; 3], pos: [f64; 3], vel: [f64; 3]) -> [f64; 3] {
    let [axis, pos, vel] = [axis, pos, vel].map(Vector3::from);
    let tangent = axis.cross(&pos);
    let along = tangent.dot(&vel);
    let turned = if along < 0.0 { vel - tangent * (2.0 * along / tangent.norm_squared()) } else { vel };
    turned.into()
}

#[cfg(test)]
mod tests;
