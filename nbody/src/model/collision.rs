//! Two spherical galaxies that fall together.

use super::{Component, Orbit, Profile, Shape, Sphere, orbit};
use serde::Serialize;
use treecode::math;

/// Particle types of the first and the second galaxy, so that a viewer can tell them apart.
const KINDS: [u8; 2] = [2, 3];

/// Two spherical galaxies in equilibrium whose centres come in on a conic in the x-y plane, with angular momentum along z. The
/// second galaxy's radius is the first's times the square root of the mass ratio: both have the same surface density.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Collision {
    /// Number of bodies of both; the galaxies share them so that all bodies weigh the same, or nearly so.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Run of density of both.
    pub profile: Profile,
    /// Mass of both [M].
    pub mass: f64,
    /// Mass of the second over that of the first.
    pub mass_ratio: f64,
    /// Scale radius of the first [L].
    pub radius: f64,
    /// Bodies lie within this many scale radii of their galaxy's centre.
    pub cut: f64,
    /// Softening of the bodies in whose field the galaxies are in equilibrium, as of one sphere [L].
    pub softening: f64,
    /// Fraction of each galaxy's retrograde bodies that is turned round, 0 to 1: 1 makes all bodies turn one way.
    pub spin: f64,
    /// Angle between each galaxy's spin and the orbit's angular momentum [degree]: 0 is prograde, 180 retrograde.
    pub inclination: [f64; 2],
    /// Direction to which each spin is inclined, from the x axis [degree].
    pub azimuth: [f64; 2],
    /// Orbit of the centres.
    #[serde(flatten)]
    pub orbit: Orbit,
}

impl Collision {
    /// Bodies of each galaxy.
    pub(super) fn galaxies(&self) -> [u64; 2] {
        let second = ((self.bodies as f64 * self.part_of_second()).round() as u64).clamp(1, self.bodies - 1);
        [self.bodies - second, second]
    }

    /// Mass of the second over that of both.
    fn part_of_second(&self) -> f64 {
        self.mass_ratio / (1.0 + self.mass_ratio)
    }

    /// The two galaxies.
    ///
    /// # Errors
    /// If such a galaxy has no equilibrium.
    pub(super) fn components(&self, constant: f64) -> Result<Vec<Component>, String> {
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
}

/// The unit vector at these angles [degree].
fn axis(inclination: f64, azimuth: f64) -> [f64; 3] {
    let ((sin, cos), (along_y, along_x)) =
        (math::sin_cos(inclination.to_radians()), math::sin_cos(azimuth.to_radians()));
    [sin * along_x, sin * along_y, cos]
}
