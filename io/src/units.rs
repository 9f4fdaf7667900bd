//! Units of a snapshot.

use serde::{Deserialize, Serialize};
use treecode::Bodies;

/// Newtonian constant of gravitation [cm^3 g^-1 s^-2], CODATA 2018.
const GRAVITY_CGS: f64 = 6.6743e-8;
/// 1000 parsec (IAU 2015: 648000/pi au) [cm].
pub(crate) const KILOPARSEC_IN_CM: f64 = 3.085_677_581_491_367_3e21;
/// 1e10 solar masses [g]: nominal solar mass parameter (IAU 2015 resolution B3), divided by the
/// constant of gravitation.
pub(crate) const TEN_BILLION_SUNS_IN_G: f64 = 1.988_409_870_698_051e43;

/// Units of a run in cgs, named as in GADGET. Length, mass and velocity are free; time follows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// Unit of length [cm].
    pub length_in_cm: f64,
    /// Unit of mass [g].
    pub mass_in_g: f64,
    /// Unit of velocity [cm/s].
    pub velocity_in_cm_per_s: f64,
}

impl Units {
    /// kpc, 1e10 solar masses, km/s: the defaults of yt and pynbody for GADGET files.
    pub const GALACTIC: Units =
        Units { length_in_cm: KILOPARSEC_IN_CM, mass_in_g: TEN_BILLION_SUNS_IN_G, velocity_in_cm_per_s: 1e5 };

    /// kpc, 1e10 solar masses, and the velocity for which G = 1 (about 207.4 km/s).
    pub const NBODY: Units = Units { velocity_in_cm_per_s: 20_738_652.969_844_206, ..Units::GALACTIC };

    /// G in these units [L^3/(M T^2)]. Exactly 1 if the units imply 1 up to the rounding of their
    /// values.
    pub fn gravitational_constant(&self) -> f64 {
        let constant = GRAVITY_CGS * (self.mass_in_g / self.length_in_cm) / self.velocity_in_cm_per_s.powi(2);
        if (constant - 1.0).abs() < 1e-12 { 1.0 } else { constant }
    }

    /// The unit of time [s].
    pub fn time_in_s(&self) -> f64 {
        self.length_in_cm / self.velocity_in_cm_per_s
    }

    /// The unit of time in that of `ours`.
    pub fn time_ratio(&self, ours: &Units) -> f64 {
        ratio(self.time_in_s(), ours.time_in_s())
    }

    /// Converts bodies in these units to `ours`.
    pub fn convert(&self, bodies: &mut Bodies, ours: &Units) {
        let length = ratio(self.length_in_cm, ours.length_in_cm);
        let mass = ratio(self.mass_in_g, ours.mass_in_g);
        let velocity = ratio(self.velocity_in_cm_per_s, ours.velocity_in_cm_per_s);
        let scale = |array: &mut Vec<f64>, factor: f64| array.iter_mut().for_each(|x| *x *= factor);
        scale(&mut bodies.mass, mass);
        scale(&mut bodies.pot, velocity * velocity);
        for axis in 0..3 {
            scale(&mut bodies.pos[axis], length);
            scale(&mut bodies.vel[axis], velocity);
            scale(&mut bodies.acc[axis], velocity * velocity / length);
        }
    }
}

/// `theirs / ours`, and exactly 1 if they differ by no more than the rounding of a number written in
/// decimals.
fn ratio(theirs: f64, ours: f64) -> f64 {
    let ratio = theirs / ours;
    if (ratio - 1.0).abs() < 1e-12 { 1.0 } else { ratio }
}

impl Default for Units {
    fn default() -> Self {
        Units::GALACTIC
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gravity_is_one_in_nbody_units_and_43009_in_galactic_ones() {
        assert_eq!(Units::NBODY.gravitational_constant(), 1.0);
        let solar_mass_parameter = 1.327_124_4e26; // cm^3/s^2, IAU 2015
        let expected = 1e10 * solar_mass_parameter / KILOPARSEC_IN_CM / 1e10;
        assert!((Units::GALACTIC.gravitational_constant() / expected - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_galactic_unit_of_time_is_978_million_years() {
        let million_years = 1e6 * 365.25 * 86400.0;
        assert!((Units::GALACTIC.time_in_s() / million_years - 977.79).abs() < 0.01);
    }
}
