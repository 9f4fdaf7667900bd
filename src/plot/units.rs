//! Units of plot axes: the astronomical units that are closest in size to the units of the run, or
//! to the numbers shown.

use io::Units;

const PARSEC_IN_CM: f64 = 3.085_677_581_491_367e18; // IAU 2015 resolution B2
const AU_IN_CM: f64 = 1.495_978_707e13; // IAU 2012 resolution B2
const SUN_IN_G: f64 = 1.988_409_870_698_051e33; // IAU 2015 nominal GM over CODATA 2018 G
const YEAR_IN_S: f64 = 3.155_76e7; // Julian

const LENGTHS: [(&str, f64); 4] =
    [("AU", AU_IN_CM), ("pc", PARSEC_IN_CM), ("kpc", 1e3 * PARSEC_IN_CM), ("Mpc", 1e6 * PARSEC_IN_CM)];
const TIMES: [(&str, f64); 4] =
    [("yr", YEAR_IN_S), ("kyr", 1e3 * YEAR_IN_S), ("Myr", 1e6 * YEAR_IN_S), ("Gyr", 1e9 * YEAR_IN_S)];

/// A unit of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Unit {
    /// Name of the unit; empty for numbers without one.
    pub name: &'static str,
    /// Factor from the run's unit to this one.
    pub size: f64,
}

impl Unit {
    /// The name in ASCII, for tables.
    pub(super) fn plain(&self) -> &'static str {
        if self.name == "M☉" { "Msun" } else { self.name }
    }

    /// The unit in which `most` [units of the run] is a number of convenient size. It is this unit,
    /// unless the number in it is much too small or too large.
    fn fitting(self, most: f64, table: &[(&'static str, f64)]) -> Unit {
        let Some((_, own)) = table.iter().find(|(name, _)| *name == self.name) else { return self };
        let value = most * self.size;
        if value == 0.0 || HANDY.contains(&value) {
            return self;
        }
        let suits = |(_, size): &&(&str, f64)| value * own / size >= LEAST;
        let (name, size) = table.iter().rev().find(suits).unwrap_or(&table[0]);
        Unit { name, size: self.size * own / size }
    }
}

/// Range of numbers for which the unit closest to that of the run is kept, and the least number in
/// another unit.
const HANDY: std::ops::RangeInclusive<f64> = 0.01..=1000.0;
const LEAST: f64 = 0.05;

/// Unit of the mass of bodies that are counted because none has mass.
pub(super) const COUNTED: &str = "bodies";

/// A quantity with the name of its unit, if it has one.
pub(super) fn with_unit(what: &str, unit: &str) -> String {
    if unit.is_empty() { what.to_owned() } else { format!("{what} [{unit}]") }
}

/// The units of the axes for a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AxisUnits {
    /// AU, pc, kpc or Mpc. In a run with G = 1, numbers have no units.
    pub length: Unit,
    /// Solar masses, or [`COUNTED`] bodies.
    pub mass: Unit,
    /// km/s.
    pub velocity: Unit,
    /// yr, kyr, Myr or Gyr.
    pub time: Unit,
    /// Gravitational constant in the units of the run.
    pub gravity: f64,
}

impl AxisUnits {
    /// Axis units for a run in these units.
    pub(super) fn of(units: &Units) -> AxisUnits {
        if *units == Units::NBODY {
            let unit = Unit { name: "", size: 1.0 };
            return AxisUnits { length: unit, mass: unit, velocity: unit, time: unit, gravity: 1.0 };
        }
        AxisUnits {
            length: nearest(units.length_in_cm, &LENGTHS),
            mass: Unit { name: "M☉", size: units.mass_in_g / SUN_IN_G },
            velocity: Unit { name: "km/s", size: units.velocity_in_cm_per_s / 1e5 },
            time: nearest(units.time_in_s(), &TIMES),
            gravity: units.gravitational_constant(),
        }
    }

    /// These units, or ones in which this length and this time [units of the run] are handy numbers.
    pub(super) fn fitting(self, length: f64, time: f64) -> AxisUnits {
        let (length, time) = (self.length.fitting(length, &LENGTHS), self.time.fitting(time, &TIMES));
        AxisUnits { length, time, ..self }
    }

    /// Unit of mass per area (`power` 2) or volume (3): name, name in ASCII, and factor.
    pub(super) fn density(&self, power: i32) -> (String, String, f64) {
        let (mass, length) = (self.mass, self.length);
        let size = mass.size / length.size.powi(power);
        if mass.name.is_empty() {
            return (String::new(), String::new(), size);
        }
        let raised = if power == 2 { '²' } else { '³' };
        let name = format!("{} {}⁻{raised}", mass.name, length.name);
        (name, format!("{}/{}^{power}", mass.plain(), length.name), size)
    }
}

/// The largest unit that is at most twice the run's own.
fn nearest(run: f64, table: &[(&'static str, f64)]) -> Unit {
    let (name, size) = table.iter().rev().find(|unit| unit.1 <= 2.0 * run).unwrap_or(&table[0]);
    let size = run / size;
    // Removes the rounding error of decimal numbers from a factor of one.
    Unit { name, size: if (size - 1.0).abs() < 1e-9 { 1.0 } else { size } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn galactic_units_are_shown_as_they_are() {
        let units = AxisUnits::of(&Units::GALACTIC);
        assert_eq!((units.length, units.time.name), (Unit { name: "kpc", size: 1.0 }, "Gyr"));
        assert!((units.time.size - 0.97779).abs() < 1e-5 && (units.mass.size / 1e10 - 1.0).abs() < 1e-12);
        assert_eq!(units.velocity, Unit { name: "km/s", size: 1.0 });
        let (name, plain, size) = units.density(3);
        assert!(name == "M☉ kpc⁻³" && plain == "Msun/kpc^3" && (size / 1e10 - 1.0).abs() < 1e-12);
        let small = Units { length_in_cm: AU_IN_CM, ..Units::GALACTIC };
        assert_eq!(AxisUnits::of(&small).length.name, "AU");
        let own = AxisUnits::of(&Units::NBODY);
        assert_eq!((own.length.name, own.time.size), ("", 1.0));
        assert_eq!(own.density(3), (String::new(), String::new(), 1.0));
        assert_eq!([with_unit("Radius", "kpc"), with_unit("Radius", "")], ["Radius [kpc]", "Radius"]);
    }

    #[test]
    fn a_unit_fits_the_numbers() {
        let pick = |units: &Units, length: f64, time: f64| {
            let units = AxisUnits::of(units).fitting(length, time);
            ((units.length.name, length * units.length.size), (units.time.name, time * units.time.size))
        };
        let si = Units { length_in_cm: 100.0, mass_in_g: 1e3, velocity_in_cm_per_s: 100.0 };
        let (length, time) = pick(&si, 3.0 * PARSEC_IN_CM / 100.0, 1e7 * YEAR_IN_S);
        assert!(length.0 == "pc" && (length.1 - 3.0).abs() < 1e-9, "{length:?}");
        assert!(time.0 == "Myr" && (time.1 - 10.0).abs() < 1e-9, "{time:?}");
        assert_eq!(pick(&si, 5.0 * AU_IN_CM / 100.0, 0.0).0.0, "AU");
        assert_eq!(
            pick(&Units::GALACTIC, 90.0, 3.0),
            (("kpc", 90.0), ("Gyr", 3.0 * AxisUnits::of(&Units::GALACTIC).time.size))
        );
        assert_eq!([0.001, 2.5e4].map(|length| pick(&Units::GALACTIC, length, 0.0).0.0), ["pc", "Mpc"]);
        assert_eq!(pick(&Units::NBODY, 1e9, 1e9), (("", 1e9), ("", 1e9)));
    }
}
