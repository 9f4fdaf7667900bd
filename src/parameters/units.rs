//! The table `[units]`.

use io::Units;
use serde::{Deserialize, Serialize};

/// The `[units]` table: a named system or three values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "UnitKeys", untagged)]
pub enum UnitSystem {
    /// A named system.
    Named {
        /// Name of the system.
        system: SystemName,
    },
    /// Units of length, mass and velocity.
    Own(Units),
}

impl Default for UnitSystem {
    fn default() -> Self {
        UnitSystem::Named { system: SystemName::Galactic }
    }
}

/// Named systems of units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum SystemName {
    /// kpc, 1e10 solar masses, km/s; the unit of time is 0.978 Gyr.
    Galactic,
    /// G = 1; written to files as kpc, 1e10 solar masses and 207.4 km/s.
    Nbody,
    /// pc, solar masses, km/s; the unit of time is 0.978 million years.
    PcMsunKms,
    /// Astronomical units, solar masses, au/yr; the unit of time is a year, and G is 39.48.
    AuMsunYr,
    /// Metre, kilogram, second.
    Si,
    /// Centimetre, gram, second.
    Cgs,
}

/// Keys of the `[units]` table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnitKeys {
    system: Option<SystemName>,
    length_in_cm: Option<f64>,
    mass_in_g: Option<f64>,
    velocity_in_cm_per_s: Option<f64>,
}

impl UnitSystem {
    /// The units of numbers in a file, whose table `[units]` this is. `None` if G is 1 and they have no
    /// size.
    pub(crate) fn sizes(table: Option<UnitSystem>) -> Option<Units> {
        let system = table.unwrap_or_default();
        (system != UnitSystem::Named { system: SystemName::Nbody }).then(|| system.units())
    }

    /// Units in cgs.
    pub fn units(&self) -> Units {
        match self {
            UnitSystem::Named { system } => system.units(),
            UnitSystem::Own(units) => *units,
        }
    }
}

impl SystemName {
    /// Units in cgs.
    pub fn units(self) -> Units {
        match self {
            SystemName::Galactic => Units::GALACTIC,
            SystemName::Nbody => Units::NBODY,
            SystemName::PcMsunKms => Units::PARSEC,
            SystemName::AuMsunYr => Units::PLANETARY,
            SystemName::Si => Units::SI,
            SystemName::Cgs => Units::CGS,
        }
    }
}

impl TryFrom<UnitKeys> for UnitSystem {
    type Error = String;

    fn try_from(keys: UnitKeys) -> Result<UnitSystem, String> {
        let numbers = [keys.length_in_cm, keys.mass_in_g, keys.velocity_in_cm_per_s];
        match (keys.system, numbers) {
            (Some(system), [None, None, None]) => Ok(UnitSystem::Named { system }),
            (None, [None, None, None]) => Ok(UnitSystem::default()),
            (None, [Some(length_in_cm), Some(mass_in_g), Some(velocity_in_cm_per_s)]) => {
                if let Some(bad) = numbers.into_iter().flatten().find(|x| !(*x > 0.0 && x.is_finite())) {
                    return Err(format!("{bad:?} is no unit: must be above 0 and finite"));
                }
                Ok(UnitSystem::Own(Units { length_in_cm, mass_in_g, velocity_in_cm_per_s }))
            }
            _ => Err(
                "give `system = \"galactic\"` or another name, or all of `length_in_cm`, `mass_in_g` and \
                      `velocity_in_cm_per_s`"
                    .to_owned(),
            ),
        }
    }
}
