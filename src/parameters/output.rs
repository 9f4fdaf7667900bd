//! The table `[output]`.

use super::positive;
use crate::parameters::cosmology::{check_redshift, check_scale_factor, log_of_redshift};
use crate::parameters::lightcone;
use crate::spectrum;
use anyhow::{Context, Result, bail, ensure};
use io::Units;
use io::snapshot::{Fields, Flavour, Layout};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// The `[output]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// Folder for all output of the run. It is created if it does not exist.
    pub folder: PathBuf,
    /// Interval between snapshots [T], or difference of ln a. Without it, the run writes only the first
    /// and the last state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_every: Option<f64>,
    /// Times of snapshots [T], instead of an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Times>,
    /// Redshifts of snapshots, in an expanding universe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redshifts: Option<Vec<f64>>,
    /// Scale factors of snapshots, in an expanding universe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_factors: Option<Vec<f64>>,
    /// Power spectra, one with each numbered snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spectrum: Option<spectrum::Keys>,
    /// Bodies and maps of the light cone of an observer today.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lightcone: Option<lightcone::Keys>,
    /// Whether snapshots contain accelerations.
    #[serde(default)]
    pub acceleration: bool,
    /// Whether snapshots contain potentials.
    #[serde(default)]
    pub potential: bool,
    /// Whether snapshots contain the timestep of each body.
    #[serde(default)]
    pub time_step: bool,
    /// Program whose field names and attributes the snapshots use.
    #[serde(default)]
    pub format: Flavour,
    /// Precision of floating-point numbers in snapshots.
    #[serde(default)]
    pub precision: Precision,
    /// Level of lossless compression, 1 to 9. 0 for no compression.
    #[serde(default)]
    pub compression: u8,
    /// Number of files per snapshot.
    #[serde(default = "one")]
    pub files: u16,
    /// MPI-IO hints by name, such as `cb_nodes`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mpi_hints: BTreeMap<String, String>,
}

/// Times of snapshots.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Times {
    /// The times [T].
    List(Vec<f64>),
    /// A text file with a time in each line. [`Parameters::load`] replaces it by its times.
    File(PathBuf),
}

/// Greatest number of [`Times`]. A snapshot stores them all.
const MOST_TIMES: usize = 2000;

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Times, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Times;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of times, or the name of a file")
            }
            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Times, E> {
                match path.is_empty() {
                    true => Err(E::custom("is empty: give a list of times, or the name of a file")),
                    false => Ok(Times::File(path.into())),
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Times, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Times::List)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl Times {
    /// Reads the times of a file, in these units or with units of their own.
    pub(super) fn read(&mut self, units: Option<&Units>) -> Result<()> {
        let Times::File(path) = self else { return Ok(()) };
        let text = io::read_text(path)?;
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).enumerate();
        let time = |(i, line): (usize, &str)| {
            let with_unit = |units: &Units| units.quantity(line, [0, 0, 1]).ok();
            let time = line.parse().ok().or_else(|| units.and_then(with_unit));
            time.with_context(|| format!("output.at: {}:{}: {line:?} is no time", path.display(), i + 1))
        };
        let times = lines.filter(|(_, line)| !line.is_empty()).map(time).collect::<Result<_>>()?;
        *self = Times::List(times);
        Ok(())
    }

    pub(super) fn check(&self) -> Result<()> {
        let Times::List(times) = self else { return Ok(()) };
        ensure!(!times.is_empty(), "output.at: holds no times; leave it out, or give one");
        ensure!(
            times.len() <= MOST_TIMES,
            "output.at: {} times are too many, at most {MOST_TIMES} are possible; use output.snapshot_every",
            times.len()
        );
        if let Some(time) = times.iter().find(|time| !time.is_finite()) {
            bail!("output.at = {time}: must be finite");
        }
        if let Some(pair) = times.windows(2).find(|pair| pair[1] <= pair[0]) {
            bail!("output.at: {:?} follows {:?}; times must increase", pair[1], pair[0]);
        }
        Ok(())
    }
}

/// Precision of floating-point numbers in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Double precision, without rounding.
    #[default]
    Double,
    /// Single precision.
    Single,
}

fn one() -> u16 {
    1
}

impl Output {
    /// Layout of snapshots.
    pub fn layout(&self) -> Layout {
        Layout {
            flavour: self.format,
            single: self.precision == Precision::Single,
            compression: self.compression,
            files: self.files.into(),
            hints: self.mpi_hints.clone().into_iter().collect(),
        }
    }

    /// Fields of snapshots, if full steps have this length [T].
    pub fn fields(&self, time_step: f64) -> Fields {
        Fields {
            acceleration: self.acceleration,
            potential: self.potential,
            time_step: self.time_step.then_some(time_step),
        }
    }

    /// Times of snapshots, ascending, if they are given one by one: [T], or ln a in an expanding universe.
    pub(super) fn times(&self) -> Option<Vec<f64>> {
        let logs = |list: &Vec<f64>, log: fn(f64) -> f64| list.iter().map(|x| log(*x)).collect();
        match (&self.redshifts, &self.scale_factors, &self.at) {
            (Some(redshifts), ..) => Some(logs(redshifts, log_of_redshift)),
            (_, Some(scale_factors), _) => Some(logs(scale_factors, treecode::math::ln)),
            (.., Some(Times::List(times))) => Some(times.clone()),
            _ => None,
        }
    }

    /// Checks the keys that depend on whether space expands.
    fn check_times(&self, expands: bool) -> Result<()> {
        for (key, list) in [("redshifts", &self.redshifts), ("scale_factors", &self.scale_factors)] {
            let Some(list) = list else { continue };
            let key = format!("output.{key}");
            ensure!(expands, "{key}: goes with a table [cosmology]; use output.at");
            ensure!(!list.is_empty(), "{key}: holds no times; leave it out, or give one");
            ensure!(list.len() <= MOST_TIMES, "{key}: {} are too many, at most {MOST_TIMES}", list.len());
            let one = |x: &f64| match key.as_str() {
                "output.redshifts" => check_redshift(&key, Some(*x)),
                _ => check_scale_factor(&key, Some(*x)),
            };
            list.iter().try_for_each(one)?;
            let times = Output { at: None, ..self.clone() }.times().unwrap_or_default();
            if let Some(place) = times.windows(2).position(|pair| pair[1] <= pair[0]) {
                bail!("{key}: {:?} follows {:?}; times must increase", list[place + 1], list[place]);
            }
        }
        if expands && self.at.is_some() {
            bail!("output.at: has no meaning with [cosmology]; use output.redshifts or output.scale_factors");
        }
        let given = [self.snapshot_every.is_some(), self.redshifts.is_some(), self.scale_factors.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            bail!("output: give one of `snapshot_every`, `redshifts` and `scale_factors`");
        }
        Ok(())
    }

    pub(super) fn check(&self, expands: bool) -> Result<()> {
        ensure!(!self.folder.as_os_str().is_empty(), "output.folder is empty: name a folder");
        self.check_times(expands)?;
        self.snapshot_every.map_or(Ok(()), |every| positive("output.snapshot_every", every))?;
        if self.snapshot_every.is_some() && self.at.is_some() {
            bail!("output: give either `snapshot_every` or `at`, not both");
        }
        self.at.as_ref().map_or(Ok(()), Times::check)?;
        ensure!(self.compression <= 9, "output.compression = {}: must be from 0 to 9", self.compression);
        let most = Layout::MOST_FILES;
        ensure!((1..=most).contains(&self.files), "output.files = {}: must be from 1 to {most}", self.files);
        self.mpi_hints.iter().try_for_each(|(name, value)| check_hint(name, value))
    }
}

/// MPI libraries end the program if a hint is longer than they take, and divide by some of the
/// numbers.
fn check_hint(name: &str, value: &str) -> Result<()> {
    const NUMBERS: [&str; 8] = [
        "cb_nodes",
        "cb_buffer_size",
        "cb_block_size",
        "ind_rd_buffer_size",
        "ind_wr_buffer_size",
        "striping_factor",
        "striping_unit",
        "nb_proc",
    ];
    let is_word = |text: &str, most: usize| {
        (1..=most).contains(&text.trim().len())
            && text.len() <= most
            && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    ensure!(
        is_word(name, 35),
        "output.mpi_hints: {name:?} is no name of a hint, must be from 1 to 35 printable characters"
    );
    ensure!(
        is_word(value, 255),
        "output.mpi_hints.{name} = {value:?}: must be from 1 to 255 printable characters"
    );
    let is_all = name == "striping_factor" && value == "-1"; // all servers
    let is_number = value.parse::<u32>().is_ok_and(|number| (1..=i32::MAX as u32).contains(&number));
    ensure!(
        !NUMBERS.contains(&name) || is_number || is_all,
        "output.mpi_hints.{name} = {value:?}: must be a whole number from 1 to {}",
        i32::MAX
    );
    Ok(())
}
