//! Units of plot axes: the unit of astronomy that is closest in size to each unit of the run.

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
    /// Name of the unit.
    pub name: &'static str,
    /// Factor from the run's unit to this one.
    pub size: f64,
}

impl Unit {
    /// The name in ASCII, for tables.
    pub(super) fn plain(&self) -> &'static str {
        if self.name == "M☉" { "Msun" } else { self.name }
    }
}

/// The units of the axes for a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct AxisUnits {
    /// AU, pc, kpc or Mpc, or "G = 1" as all units of such a run.
    pub length: Unit,
    /// Solar masses.
    pub mass: Unit,
    /// km/s.
    pub velocity: Unit,
    /// yr, kyr, Myr or Gyr.
    pub time: Unit,
    /// Gravitational constant in the units of the run.
    pub gravity: f64,
}

impl AxisUnits {
    /// Axis units for a run in these units. A run with G = 1 has no physical units, and its axes say
    /// so.
    pub(super) fn of(units: &Units) -> AxisUnits {
        if *units == Units::NBODY {
            let unit = Unit { name: "G = 1", size: 1.0 };
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

    /// Unit of density: name and factor.
    pub(super) fn density(&self) -> (String, f64) {
        let name = match self.mass.name {
            "M☉" => format!("M☉ {}⁻³", self.length.name),
            own => own.to_owned(),
        };
        (name, self.mass.size / self.length.size.powi(3))
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
        let (name, size) = units.density();
        assert!(name == "M☉ kpc⁻³" && (size / 1e10 - 1.0).abs() < 1e-12);
        let small = Units { length_in_cm: AU_IN_CM, ..Units::GALACTIC };
        assert_eq!(AxisUnits::of(&small).length.name, "AU");
        let own = AxisUnits::of(&Units::NBODY);
        assert_eq!(
            (own.length.name, own.time.size, own.density()),
            ("G = 1", 1.0, ("G = 1".to_owned(), 1.0))
        );
    }
}
