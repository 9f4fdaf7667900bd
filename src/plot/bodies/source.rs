//! The file of a snapshot: its bodies of all types, and the parameters of the run that wrote it.

use super::snapshot::{BESIDE, check_reach};
use crate::parameters::UnitSystem;
use crate::parameters::gravity::softening;
use anyhow::{Result, anyhow};
use io::Units;
use io::potentials;
use io::snapshot::{self, Header, Wanted};
use nbody::potential::External;
use nbody::profile::Centre;
use serde::Deserialize;
use std::cell::OnceCell;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use treecode::{Bodies, Domain, Softening};

/// The file of a snapshot.
#[derive(Default)]
pub(in crate::plot) struct Source {
    pub path: PathBuf,
    pub header: Header,
    /// Bodies of all types at their positions in the file, once they have been read.
    all: OnceCell<Bodies>,
}

impl Source {
    pub(in crate::plot) fn new(path: PathBuf, header: Header) -> Source {
        Source { path, header, all: OnceCell::new() }
    }

    /// Bodies of all types, also of those that are not shown, at their positions in the file.
    ///
    /// # Errors
    /// If the file cannot be read again, or other types have impossible bodies.
    pub(super) fn bodies(&self) -> Result<&Bodies> {
        if let Some(bodies) = self.all.get() {
            return Ok(bodies);
        }
        let wanted = Wanted { beside: BESIDE, columns: false, ..Wanted::default() };
        let (_, bodies) = snapshot::read_wanted(&self.path, &wanted)?;
        check_reach(&bodies).map_err(|fault| anyhow!("{}: {fault}", self.path.display()))?;
        Ok(self.all.get_or_init(|| bodies))
    }

    /// The centre of the bodies with mass, of these ids or of all. Massless bodies, which are
    /// counted, are shown about it. `None` if bodies are not counted, or no body has mass.
    ///
    /// # Errors
    /// As [`Source::bodies`].
    pub(super) fn centre_if_counted(
        &self,
        is_counted: bool,
        domain: Domain,
        ids: Option<&RangeInclusive<u64>>,
    ) -> Result<Option<Centre>> {
        if !is_counted {
            return Ok(None);
        }
        let all = self.bodies()?;
        let is_one = |i: usize| all.mass[i] > 0.0 && ids.is_none_or(|ids| ids.contains(&all.id[i]));
        let heavy: Vec<u32> = (0..all.len() as u32).filter(|&i| is_one(i as usize)).collect();
        if heavy.is_empty() {
            return Ok(None);
        }
        let mut bodies = all.clone();
        bodies.permute(&heavy);
        Ok(Some(Centre::find_in(&bodies, domain)))
    }

    /// Units of the snapshot; those of galaxies if the file names none.
    pub(in crate::plot) fn units(&self) -> Units {
        self.header.units_or(None)
    }

    /// Softening in the run that wrote the snapshot, in the units of the snapshot; `None` if the file does
    /// not say.
    pub(in crate::plot) fn softening(&self) -> Option<Softening> {
        #[derive(Deserialize)]
        struct Run {
            gravity: Gravity,
        }
        #[derive(Deserialize)]
        struct Gravity {
            #[serde(default, deserialize_with = "softening::deserialize_some")]
            softening: Option<Softening>,
        }
        let softening = parameters::<Run>(&self.header, "gravity.softening").ok()?.gravity.softening?;
        let scale = units_of_run(&self.header)
            .map_or(1.0, |units| units.length_in_cm / self.header.units_or(Some(&units)).length_in_cm);
        // Removes the rounding error of decimal numbers from a factor of one.
        let scale = if (scale - 1.0).abs() < 1e-9 { 1.0 } else { scale };
        Some(softening.map(|length| length * scale))
    }
}

/// The external potentials of the run that wrote a snapshot, up to the time `latest`.
///
/// # Errors
/// If the parameters in the snapshot do not define them.
pub(in crate::plot) fn external_of(header: &Header, latest: f64) -> Result<External> {
    #[derive(Deserialize)]
    struct Run {
        #[serde(default, rename = "potential")]
        potentials: Vec<potentials::Keys>,
    }
    let mut run: Run = parameters(header, "potential")?;
    let units = header.units_or(None);
    potentials::external(&mut run.potentials, &units, units.gravitational_constant(), latest)
        .map_err(|fault| anyhow!("potential.{fault}"))
}

/// The units of the run that wrote a snapshot, if the file says.
fn units_of_run(header: &Header) -> Option<Units> {
    #[derive(Deserialize)]
    struct Run {
        units: UnitSystem,
    }
    parameters::<Run>(header, "units").ok().map(|run| run.units.units())
}

/// Some of the parameters of the run that wrote a snapshot: this key, or those of the table of this name.
fn parameters<T: for<'de> Deserialize<'de>>(header: &Header, name: &str) -> Result<T, io::Error> {
    let table = format!("{name}.");
    let is_wanted = |(key, _): &&(String, String)| key == name || key.starts_with(&table);
    let lines = header.parameters.iter().filter(is_wanted).map(|(key, value)| format!("{key} = {value}"));
    io::parameters::from_str(&lines.collect::<Vec<_>>().join("\n"), "parameters of the snapshot", &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(parameters: &[(&str, &str)], units: Units) -> Source {
        let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let header = Header { units: Some(units), parameters: parameters.collect(), ..Header::default() };
        Source::new(PathBuf::new(), header)
    }

    #[test]
    fn the_softening_is_that_of_the_run_in_the_units_of_the_snapshot() {
        assert_eq!(source(&[], Units::GALACTIC).softening(), None);
        let lengths = ("gravity.softening.length", "[0.0, 0.1, 0.05, 0.05, 0.05, 0.05]");
        let kernel = ("gravity.softening.kernel", "\"plummer\"");
        let found = source(&[kernel, lengths], Units::GALACTIC).softening().unwrap();
        assert!(found.is_plummer() && found.length == [0.0, 0.1, 0.05, 0.05, 0.05, 0.05]);
        let system = ("units.system", "\"galactic\"");
        let parsec = Units { length_in_cm: Units::GALACTIC.length_in_cm / 1e3, ..Units::GALACTIC };
        let found = source(&[lengths, system], parsec).softening().unwrap();
        assert!((found.length[1] - 100.0).abs() < 1e-9, "{found:?}");
    }
}
