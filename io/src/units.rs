//! Units of a snapshot.

use crate::foreign::unit::{Said, Unit, said};
use nbody::model::Physical;
use serde::{Deserialize, Serialize};
use treecode::{ArrayMut, Bodies, Dimension};

/// Newtonian constant of gravitation [cm^3 g^-1 s^-2], CODATA 2018.
const GRAVITY_CGS: f64 = 6.6743e-8;
/// 1000 parsec (IAU 2015: 648000/pi au) [cm].
pub(crate) const KILOPARSEC_IN_CM: f64 = 3.085_677_581_491_367_3e21;
/// 1e10 solar masses [g]: nominal solar mass parameter (IAU 2015 resolution B3), divided by the
/// constant of gravitation.
pub(crate) const TEN_BILLION_SUNS_IN_G: f64 = 1.988_409_870_698_051e43;

/// Astronomical unit (IAU 2012 resolution B2) [cm].
const ASTRONOMICAL_UNIT_IN_CM: f64 = 1.495_978_707e13;
const JULIAN_YEAR_IN_S: f64 = 365.25 * 86400.0;

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

    /// pc, solar masses, km/s.
    pub const PARSEC: Units = Units {
        length_in_cm: KILOPARSEC_IN_CM / 1000.0,
        mass_in_g: TEN_BILLION_SUNS_IN_G * 1e-10,
        velocity_in_cm_per_s: 1e5,
    };

    /// Astronomical units, solar masses and au/yr: G is about 4 pi^2, and the unit of time is a Julian
    /// year.
    pub const PLANETARY: Units = Units {
        length_in_cm: ASTRONOMICAL_UNIT_IN_CM,
        mass_in_g: TEN_BILLION_SUNS_IN_G * 1e-10,
        velocity_in_cm_per_s: ASTRONOMICAL_UNIT_IN_CM / JULIAN_YEAR_IN_S,
    };

    /// Metre, kilogram, metre per second.
    pub const SI: Units = Units { length_in_cm: 100.0, mass_in_g: 1000.0, velocity_in_cm_per_s: 100.0 };

    /// Centimetre, gram, centimetre per second.
    pub const CGS: Units = Units { length_in_cm: 1.0, mass_in_g: 1.0, velocity_in_cm_per_s: 1.0 };

    /// The value in these units of a quantity with a unit, such as `3 pc` or `200 km/s`, of this
    /// dimension: powers of length, mass and time. An angle, of dimension [`ANGLE`], is in degrees.
    ///
    /// # Errors
    /// The text is no number with a unit, or the unit has another dimension.
    pub fn quantity(&self, text: &str, dimension: [i32; 3]) -> Result<f64, String> {
        let (number, unit) = split(text).ok_or("is no number with a unit, such as `3 kpc`")?;
        if dimension == ANGLE {
            return in_degrees(number, unit);
        }
        let Said::Unit(unit) = said(unit) else {
            return Err(format!(
                "{unit:?} is no unit that is known; use names such as kpc, Msun, km/s, Myr, AU"
            ));
        };
        if unit.dimension != dimension {
            let found = describe(unit.dimension).unwrap_or("of another kind");
            let needed = describe(dimension).unwrap_or("another quantity");
            return Err(format!("is {found}, where {needed} is needed"));
        }
        Ok(number * self.factor_of(unit))
    }

    /// A unit in these.
    pub(crate) fn factor_of(&self, unit: Unit) -> f64 {
        let ours = [self.length_in_cm, self.mass_in_g, self.time_in_s()];
        let size = ours.iter().zip(unit.dimension).map(|(unit, power)| unit.powi(power)).product();
        ratio(unit.in_cgs, size)
    }

    /// The unit of time [s].
    pub fn time_in_s(&self) -> f64 {
        self.length_in_cm / self.velocity_in_cm_per_s
    }

    /// The unit of time in that of `ours`.
    pub fn time_ratio(&self, ours: &Units) -> f64 {
        ratio(self.time_in_s(), ours.time_in_s())
    }

    /// Physical units in these; `None` in the units with G = 1, which have no size.
    pub fn physical(&self) -> Option<Physical> {
        if *self == Units::NBODY {
            return None;
        }
        let lengths = [Units::GALACTIC, Units::PARSEC, Units::PLANETARY];
        let [kiloparsec, parsec, astronomical_unit] =
            lengths.map(|of| ratio(of.length_in_cm, self.length_in_cm));
        let [ten_billion_suns, sun] =
            [Units::GALACTIC, Units::PARSEC].map(|of| ratio(of.mass_in_g, self.mass_in_g));
        Some(Physical { kiloparsec, parsec, astronomical_unit, ten_billion_suns, sun })
    }

    /// Size of the unit of this dimension [cgs].
    pub(crate) fn in_cgs(&self, dimension: Dimension) -> f64 {
        let [length, mass, velocity] = powers(dimension);
        self.length_in_cm.powi(length) * self.mass_in_g.powi(mass) * self.velocity_in_cm_per_s.powi(velocity)
    }

    /// Converts bodies in these units to `ours`. Values of further columns are converted if their
    /// unit follows from those of the bodies. They keep their type.
    ///
    /// # Errors
    /// If a value of a further column is beyond its type in the new units. The bodies are then
    /// undefined.
    pub fn convert(&self, bodies: &mut Bodies, ours: &Units) -> Result<(), String> {
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
        for (about, array) in bodies.columns_mut() {
            let Some(dimension) = about.unit.filter(|_| about.in_cgs.is_none()) else { continue };
            let factors = [length, mass, velocity].into_iter().zip(powers(dimension));
            let factor = factors.map(|(factor, power)| raised(factor, power)).product::<f64>();
            if factor == 1.0 {
                continue;
            }
            let lost = match array {
                ArrayMut::F32(values) => rescale(values, factor),
                ArrayMut::F64(values) => rescale(values, factor),
                _ => None, // the unit of integers is fixed
            };
            if let Some(value) = lost {
                let name = about.name.escape_debug();
                return Err(format!(
                    "{name} has the value {value:e}, which is beyond its type in the units wanted"
                ));
            }
        }
        Ok(())
    }

    /// Whether the conversion to `ours` changes any value.
    pub fn differ_from(&self, ours: &Units) -> bool {
        let ratios = [
            ratio(self.length_in_cm, ours.length_in_cm),
            ratio(self.mass_in_g, ours.mass_in_g),
            ratio(self.velocity_in_cm_per_s, ours.velocity_in_cm_per_s),
        ];
        ratios != [1.0; 3]
    }
}

/// A dimension as powers of length, mass and velocity.
pub(crate) fn powers(dimension: Dimension) -> [i32; 3] {
    let Dimension { length, mass, time } = dimension;
    [i32::from(length) + i32::from(time), i32::from(mass), -i32::from(time)]
}

/// A power by repeated multiplication, which has the same bits everywhere.
fn raised(factor: f64, power: i32) -> f64 {
    let product = (0..power.abs()).fold(1.0, |product, _| product * factor);
    if power < 0 { 1.0 / product } else { product }
}

/// Multiplies values in double precision. Returns the first finite one that becomes infinite.
fn rescale<T: Copy + Into<f64> + FromDouble>(values: &mut [T], factor: f64) -> Option<f64> {
    let mut lost = None;
    for value in values {
        let old: f64 = (*value).into();
        *value = T::from_double(old * factor);
        let new: f64 = (*value).into();
        if old.is_finite() && !new.is_finite() {
            lost = lost.or(Some(old));
        }
    }
    lost
}

/// A float to which a double is rounded.
trait FromDouble {
    fn from_double(value: f64) -> Self;
}

impl FromDouble for f32 {
    fn from_double(value: f64) -> f32 {
        value as f32
    }
}

impl FromDouble for f64 {
    fn from_double(value: f64) -> f64 {
        value
    }
}

/// Dimension of an angle, whose unit is the degree in all units.
pub const ANGLE: [i32; 3] = [0; 3];

/// An angle in degrees.
fn in_degrees(number: f64, unit: &str) -> Result<f64, String> {
    match unit {
        "deg" | "degree" | "degrees" | "°" => Ok(number),
        "rad" | "radian" | "radians" => Ok(number.to_degrees()),
        _ => Err(format!("{unit:?} is no unit of an angle; use deg or rad")),
    }
}

/// A number and what follows it. `None` if there is no number, or nothing follows it.
fn split(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let ends = text.char_indices().map(|(place, _)| place).skip(1);
    // The longest beginning that is a number: in `1e10 Msun` not only the 1.
    let found =
        ends.filter_map(|end| Some((text[..end].trim_end().parse().ok()?, text[end..].trim()))).last();
    found.filter(|(number, _): &(f64, _)| number.is_finite())
}

/// A dimension in words.
fn describe(dimension: [i32; 3]) -> Option<&'static str> {
    const WORDS: [([i32; 3], &str); 7] = [
        ([1, 0, 0], "a length"),
        ([0, 1, 0], "a mass"),
        ([0, 0, 1], "a time"),
        ([1, 0, -1], "a speed"),
        ([0, 0, -1], "an angular speed"),
        ([1, 0, -2], "an acceleration"),
        ([-2, 1, 0], "a surface density"),
    ];
    WORDS.iter().find(|(known, _)| *known == dimension).map(|(_, words)| *words)
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
    fn quantities_are_numbers_with_units() {
        let value = |text: &str, dimension| Units::GALACTIC.quantity(text, dimension).unwrap();
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} and {b}");
        assert_eq!((value("3 kpc", [1, 0, 0]), value("-2.5e1kpc", [1, 0, 0])), (3.0, -25.0));
        assert_eq!(value("200 km/s", [1, 0, -1]), 200.0);
        close(value("1e10 Msun", [0, 1, 0]), 1.0);
        close(value("3 pc", [1, 0, 0]), 0.003);
        close(value("977.792221 Myr", [0, 0, 1]), 1.0);
        close(value("50 km/s/kpc", [0, 0, -1]), 50.0);
        assert_eq!((value("25 deg", ANGLE), value("-7.5°", ANGLE)), (25.0, -7.5));
        close(value("0.5 rad", ANGLE), 28.647_889_757);
        close(Units::PARSEC.quantity("1 kpc", [1, 0, 0]).unwrap(), 1000.0);
        close(Units::PLANETARY.quantity("2 yr", [0, 0, 1]).unwrap(), 2.0);
        close(Units::SI.quantity("1 AU", [1, 0, 0]).unwrap(), 1.495_978_707e11);
        for (text, dimension, words) in [
            ("3 kpc", [0, 0, 1], "is a length, where a time is needed"),
            ("3 parsnips", [1, 0, 0], "\"parsnips\" is no unit"),
            ("pc", [1, 0, 0], "no number with a unit"),
            ("nan pc", [1, 0, 0], "no number with a unit"),
            ("3", [1, 0, 0], "no number with a unit"),
            ("3 kpc", ANGLE, "\"kpc\" is no unit of an angle; use deg or rad"),
        ] {
            let error = Units::GALACTIC.quantity(text, dimension).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn named_systems_have_their_known_constants() {
        let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-6, "{a} and {b}");
        close(Units::PARSEC.gravitational_constant(), 4.300_917_27e-3);
        let gauss: f64 = 0.017_202_098_95; // Gaussian constant [rad/day]
        close(Units::PLANETARY.gravitational_constant(), (gauss * 365.25).powi(2));
        close(Units::SI.gravitational_constant(), 6.6743e-11);
        close(Units::CGS.gravitational_constant(), 6.6743e-8);
    }

    #[test]
    fn further_columns_are_converted_if_their_unit_follows_from_those_of_the_bodies() {
        use treecode::{About, Number, Purpose};
        let mut bodies = Bodies::zeroed(1);
        let energy = Dimension::new(2, 0, -2);
        let about = |name: &str, number, unit| About::new(name, number, unit, Purpose::Passenger);
        bodies.add_column(about("u", Number::F32, Some(energy)));
        bodies.add_column(about("rho", Number::F64, Some(Dimension::new(-3, 1, 0))));
        bodies.add_column(About { in_cgs: Some(1.0), ..about("u in cgs", Number::F64, Some(energy)) });
        bodies.add_column(about("tag", Number::F64, None));
        bodies.column_mut::<f32>("u").unwrap()[0] = 3.0;
        for name in ["rho", "u in cgs", "tag"] {
            bodies.column_mut::<f64>(name).unwrap()[0] = 3.0;
        }
        let ours =
            Units { length_in_cm: 0.5 * KILOPARSEC_IN_CM, velocity_in_cm_per_s: 4e5, ..Units::GALACTIC };
        Units::GALACTIC.convert(&mut bodies, &ours).unwrap();
        assert_eq!(bodies.column::<f32>("u").unwrap(), [3.0 / 16.0]);
        assert_eq!(bodies.column::<f64>("rho").unwrap(), [3.0 / 8.0]);
        assert_eq!(bodies.column::<f64>("u in cgs").unwrap(), [3.0]);
        assert_eq!(bodies.column::<f64>("tag").unwrap(), [3.0]);
        bodies.column_mut::<f32>("u").unwrap()[0] = 1e38;
        let small = Units { velocity_in_cm_per_s: 1.0, ..Units::GALACTIC };
        assert_eq!(
            Units::GALACTIC.convert(&mut bodies, &small).unwrap_err(),
            "u has the value 9.999999680285692e37, which is beyond its type in the units wanted"
        );
    }

    #[test]
    fn the_galactic_unit_of_time_is_978_million_years() {
        let million_years = 1e6 * 365.25 * 86400.0;
        assert!((Units::GALACTIC.time_in_s() / million_years - 977.79).abs() < 0.01);
    }
}
