//! The parameter file of `heorot run`, table by table. An unknown key, or a value out of its range,
//! is an error.

use crate::cosmology_keys::{self, check_redshift, check_scale_factor, log_of_redshift};
use crate::initial::Initial;
use crate::key_errors::name_key;
use crate::lightcone_keys;
use crate::machine;
use crate::movie::Movie;
use crate::periodic_box::PeriodicBox;
use crate::quantities;
use crate::spectrum;
use crate::walltime::{Interval, WallTime};
use anyhow::{Context, Result, anyhow, bail, ensure};
use io::Units;
use io::snapshot::{Fields, Flavour, Layout};
use nbody::forces::Forces;
use nbody::schedule::{Schedule, Until};
use nbody::stepping::{Adaptive, StepCriterion, Stepping, TimeStep};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// All tables of a parameter file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// The initial conditions.
    pub initial: Initial,
    /// Units of all numbers in the file and in the output.
    #[serde(default)]
    pub units: UnitSystem,
    /// A box that repeats in all directions. Without it, space is open.
    #[serde(default, rename = "box", skip_serializing_if = "Option::is_none")]
    pub periodic_box: Option<PeriodicBox>,
    /// The expanding universe. Without it, space does not expand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cosmology: Option<cosmology_keys::Keys>,
    /// Settings of the force evaluation.
    #[serde(default, with = "crate::gravity_keys")]
    pub gravity: Forces,
    /// External potentials.
    #[serde(default, rename = "potential", skip_serializing_if = "Vec::is_empty")]
    pub potentials: Vec<io::potentials::Keys>,
    /// End of the run, and timesteps.
    pub time: Time,
    /// Output files.
    pub output: Output,
    /// Limits and restarts.
    #[serde(default)]
    pub batch: Batch,
    /// Pictures that are made during the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub movie: Option<Movie>,
}

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

/// The `[time]` table. A run starts at the time of the initial snapshot, or at 0 for a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TimeKeys", into = "TimeKeys")]
pub struct Time {
    /// Time at which the run ends [T]. Excludes `steps`.
    pub end: Option<f64>,
    /// Redshift at which the run ends, in an expanding universe.
    pub end_redshift: Option<f64>,
    /// Scale factor at which the run ends, in an expanding universe.
    pub end_scale_factor: Option<f64>,
    /// Number of steps of the run. Excludes `end`.
    pub steps: Option<u64>,
    /// The longest step [T]; in an expanding universe, the greatest difference of ln a. The time between two snapshots is divided into equal steps no longer
    /// than this.
    pub step: f64,
    /// Timesteps of the bodies within a step.
    pub stepping: Stepping,
    /// Relative energy error above which the run prints a warning.
    pub energy_bound: f64,
    /// Whether the file names the criterion for timesteps.
    names_criterion: bool,
}

/// Keys of the `[time]` table.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeKeys {
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_redshift: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_scale_factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<u64>,
    step: f64,
    #[serde(default)]
    timestep: TimeStep,
    #[serde(skip_serializing_if = "Option::is_none")]
    criterion: Option<StepCriterion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    eta_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smallest_step: Option<f64>,
    #[serde(default = "energy_bound")]
    energy_bound: f64,
}

fn energy_bound() -> f64 {
    Time::ENERGY_BOUND
}

impl Time {
    /// Default of [`Time::energy_bound`].
    pub const ENERGY_BOUND: f64 = 0.01;

    /// Steps of equal length, until the time `end` [T] or for a number of `steps`.
    pub fn fixed(end: Option<f64>, steps: Option<u64>, step: f64) -> Time {
        Time {
            end,
            end_redshift: None,
            end_scale_factor: None,
            steps,
            step,
            stepping: Stepping::Fixed,
            energy_bound: Time::ENERGY_BOUND,
            names_criterion: true,
        }
    }

    /// Time at which the run ends, if it is given: [T], or ln a in an expanding universe.
    pub fn end_time(&self) -> Option<f64> {
        self.end_redshift.map(log_of_redshift).or(self.end_scale_factor.map(treecode::math::ln)).or(self.end)
    }

    /// The keys of the end in words.
    fn end_in_words(&self) -> String {
        match (self.end_redshift, self.end_scale_factor, self.end) {
            (Some(z), ..) => format!("time.end_redshift = {z:?}"),
            (_, Some(a), _) => format!("time.end_scale_factor = {a:?}"),
            (.., end) => format!("time.end = {:?}", end.unwrap_or_default()),
        }
    }

    /// The time at which the run ends if it starts at time 0 [T]; 0 if that is not finite.
    fn latest(&self) -> f64 {
        let end = self.end.unwrap_or_else(|| self.steps.unwrap_or(0) as f64 * self.step);
        if end.is_finite() { end } else { 0.0 }
    }

    fn schedule(&self, start: f64, output: &Output) -> Result<Schedule> {
        let until = match (self.end_time(), self.steps) {
            (Some(end), _) => Until::Time(end),
            (None, steps) => Until::Steps(steps.expect("parameters with neither end nor steps are refused")),
        };
        let schedule = match output.times() {
            Some(times) => Schedule::at_times(until, self.step, start, &times),
            None => Schedule::new(until, self.step, start, output.snapshot_every),
        };
        schedule.map_err(name_key)
    }

    /// Checks the keys that depend on whether space expands.
    fn check_end(&self, expands: bool) -> Result<()> {
        let Time { end, end_redshift, end_scale_factor, steps, .. } = *self;
        let given = [end_redshift.is_some(), end_scale_factor.is_some(), steps.is_some()];
        if !expands {
            ensure!(!given[0], "time.end_redshift: goes with a table [cosmology]; use time.end");
            ensure!(!given[1], "time.end_scale_factor: goes with a table [cosmology]; use time.end");
            return Ok(());
        }
        ensure!(
            end.is_none(),
            "time.end: has no meaning with [cosmology]; use time.end_redshift or time.end_scale_factor"
        );
        ensure!(
            given.iter().filter(|given| **given).count() == 1,
            "time: give one of `end_redshift`, `end_scale_factor` and `steps`"
        );
        check_redshift("time.end_redshift", end_redshift)?;
        check_scale_factor("time.end_scale_factor", end_scale_factor)
    }

    fn check(&self, forces: &Forces, expands: bool) -> Result<()> {
        self.check_end(expands)?;
        match (self.end_time(), self.steps) {
            (Some(_), Some(_)) => bail!("time: give either `end` or `steps`, not both"),
            (None, None) => bail!("time: give `end` (a time) or `steps` (a number)"),
            (Some(end), _) if !end.is_finite() => bail!("time.end = {end:?}: must be finite"),
            (_, Some(0)) => bail!("time.steps = 0: must be at least 1"),
            _ => {}
        }
        positive("time.step", self.step)?;
        positive("time.energy_bound", self.energy_bound)?;
        let Stepping::Adaptive(adaptive) = self.stepping else { return Ok(()) };
        at_least("time.eta", adaptive.eta, Adaptive::LEAST_ETA)?;
        at_least("time.eta_rate", adaptive.eta_rate, Adaptive::LEAST_ETA_RATE)?;
        let smallest = adaptive.smallest;
        ensure!(
            (0.0..=self.step).contains(&smallest),
            "time.smallest_step = {smallest:?}: must be above 0 and at most time.step = {:?}",
            self.step
        );
        if adaptive.criterion.asks_acceleration() && forces.gravity.softening.is_none() {
            bail!(
                "time.criterion = {:?}: steps follow from the softening, and there is none; give gravity.softening, or use \
                 time.criterion = \"rate\"",
                by_name(adaptive.criterion)
            );
        }
        Ok(())
    }
}

/// Name of a value in a parameter file.
fn by_name(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}

impl TryFrom<TimeKeys> for Time {
    type Error = String;

    fn try_from(keys: TimeKeys) -> Result<Time, String> {
        let TimeKeys { end, end_redshift, end_scale_factor, steps, step, timestep, energy_bound, .. } = keys;
        let criterion = keys.criterion.unwrap_or_default();
        let adaptive = timestep != TimeStep::Fixed;
        let useless = [
            (keys.criterion.is_some() && !adaptive, "criterion"),
            (keys.eta.is_some() && !(adaptive && criterion.asks_acceleration()), "eta"),
            (keys.eta_rate.is_some() && !(adaptive && criterion.asks_rate()), "eta_rate"),
            (keys.smallest_step.is_some() && !adaptive, "smallest_step"),
        ];
        if let Some((_, key)) = useless.into_iter().find(|(useless, _)| *useless) {
            return Err(if adaptive {
                format!("`{key}` has no meaning with `criterion = {:?}`; leave it out", by_name(criterion))
            } else {
                format!(
                    "`{key}` has no meaning with `timestep = \"fixed\"`; leave it out, or use `timestep = \"block\"`"
                )
            });
        }
        let smallest = keys.smallest_step.unwrap_or(0.0);
        if keys.smallest_step == Some(0.0) {
            return Err("`smallest_step` = 0: must be above 0; leave it out for no limit".to_owned());
        }
        let stepping = match timestep {
            TimeStep::Fixed => Stepping::Fixed,
            _ => Stepping::Adaptive(Adaptive {
                global: timestep == TimeStep::AdaptiveGlobal,
                criterion,
                eta: keys.eta.unwrap_or(Adaptive::ETA),
                eta_rate: keys.eta_rate.unwrap_or(Adaptive::ETA_RATE),
                smallest,
            }),
        };
        let names_criterion = keys.criterion.is_some();
        Ok(Time { end, end_redshift, end_scale_factor, steps, step, stepping, energy_bound, names_criterion })
    }
}

/// Keys that give the same steps.
impl From<Time> for TimeKeys {
    fn from(time: Time) -> TimeKeys {
        let Time { end, end_redshift, end_scale_factor, steps, step, stepping, energy_bound, .. } = time;
        let fixed = TimeKeys {
            end,
            end_redshift,
            end_scale_factor,
            steps,
            step,
            timestep: TimeStep::Fixed,
            criterion: None,
            eta: None,
            eta_rate: None,
            smallest_step: None,
            energy_bound,
        };
        match stepping {
            Stepping::Fixed => fixed,
            Stepping::Adaptive(Adaptive { global, criterion, eta, eta_rate, smallest }) => TimeKeys {
                timestep: if global { TimeStep::AdaptiveGlobal } else { TimeStep::Block },
                criterion: Some(criterion),
                eta: criterion.asks_acceleration().then_some(eta),
                eta_rate: criterion.asks_rate().then_some(eta_rate),
                smallest_step: (smallest > 0.0).then_some(smallest),
                ..fixed
            },
        }
    }
}

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
    pub lightcone: Option<lightcone_keys::Keys>,
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
                Ok(Times::File(path.into()))
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
    fn read(&mut self, units: Option<&Units>) -> Result<()> {
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

    fn check(&self) -> Result<()> {
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
    fn times(&self) -> Option<Vec<f64>> {
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

    fn check(&self, expands: bool) -> Result<()> {
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

/// The `[batch]` table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// Whether a run continues from the last checkpoint in its folder.
    pub restart: Restart,
    /// Limit of the wall time. The run stops early enough to end within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub walltime: Option<WallTime>,
    /// Wall time between checkpoints.
    pub checkpoint_every: Interval,
    /// Number of steps between checkpoints, in addition to those by wall time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_steps: Option<u64>,
}

/// Whether to go on from a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// No: a folder with results is refused.
    #[default]
    Never,
    /// If there is one, and else start.
    Auto,
    /// Yes; that there is none is an error.
    Always,
}

impl Default for Batch {
    fn default() -> Batch {
        let checkpoint_every = Interval(Some(WallTime::minutes(30)));
        Batch { restart: Restart::Never, walltime: None, checkpoint_every, checkpoint_steps: None }
    }
}

impl Parameters {
    /// Reads a parameter file with its overrides (`time.steps=20`), checks it and gives gravity the
    /// constant of the units and the box.
    ///
    /// # Errors
    /// The file cannot be read, or a key or value is wrong.
    pub fn load(path: &Path, set: &[String]) -> Result<Parameters> {
        refuse_snapshot(path)?;
        let load = |keys: &[_]| {
            io::parameters::load_in_units::<Parameters, _>(path, set, &RIVALS, keys, UnitSystem::sizes)
        };
        let mut parameters = load(&quantities::keys())?;
        let units = parameters.units.units();
        if let Some(cosmology) = parameters.cosmology {
            // Durations are differences of ln a, so a string with a unit is an error.
            parameters = load(&quantities::keys_of_universe())?;
            parameters.gravity.expansion = cosmology.expansion(&units);
            if let Stepping::Adaptive(adaptive) = &mut parameters.time.stepping
                && !parameters.time.names_criterion
            {
                adaptive.criterion = StepCriterion::Acceleration;
            }
        }
        parameters.gravity.gravity.constant = units.gravitational_constant();
        parameters.gravity.gravity.domain = PeriodicBox::domain(parameters.periodic_box);
        parameters.gravity.any_order &= parameters.periodic_box.is_some();
        let until = parameters.time.latest();
        let external = io::potentials::external(
            &mut parameters.potentials,
            &units,
            units.gravitational_constant(),
            until,
        );
        let external = external.map_err(|fault| anyhow!("potential.{fault}"));
        parameters.gravity.external = Arc::new(external.with_context(|| path.display().to_string())?);
        if let Some(times) = &mut parameters.output.at {
            let sizes = UnitSystem::sizes(Some(parameters.units));
            times.read(sizes.as_ref()).with_context(|| path.display().to_string())?;
        }
        parameters.check().with_context(|| path.display().to_string())?;
        let side = parameters.periodic_box.map(|periodic| periodic.side);
        let settled = parameters.initial.settle(parameters.cosmology.as_mut(), side, &units);
        settled.with_context(|| path.display().to_string())?;
        Ok(parameters)
    }

    /// The files that a run reads: those of the initial state, with all parts of snapshots in several
    /// files, and tables.
    ///
    /// # Errors
    /// A snapshot cannot be read.
    pub(crate) fn inputs(&self) -> Result<Vec<PathBuf>> {
        let mut inputs = Vec::new();
        for file in self.initial.files() {
            inputs.extend(io::snapshot::files_of(file)?);
        }
        inputs.extend(self.initial.tables());
        inputs.extend(self.potentials.iter().filter_map(|potential| potential.track.clone()));
        Ok(inputs)
    }

    /// Steps from the time `start` [T], and the times of snapshots.
    ///
    /// # Errors
    /// A run cannot follow such a schedule.
    pub fn schedule(&self, start: f64) -> Result<Schedule> {
        if self.cosmology.is_some()
            && let Some(end) = self.time.end_time()
        {
            ensure!(
                end > start,
                "{}: must be later than the initial state at {}",
                self.time.end_in_words(),
                self.moment(start)
            );
        }
        self.time.schedule(start, &self.output)
    }

    /// Says which of the given times of snapshots lie outside a run that starts at `start` [T]; `None` if
    /// all lie inside.
    pub fn times_outside(&self, start: f64) -> Option<String> {
        let end = self.schedule(start).ok()?.end();
        let (key, list) = match &self.output {
            Output { redshifts: Some(list), .. } => ("redshifts", list),
            Output { scale_factors: Some(list), .. } => ("scale_factors", list),
            Output { at: Some(Times::List(list)), .. } => ("at", list),
            _ => return None,
        };
        // Times are computed from redshifts with rounding errors, and steps add up to the end with some.
        let slack = 1e-9 * (end - start);
        let is_outside = |time: &f64| *time < start - slack || *time > end + slack;
        let times = self.output.times()?;
        let outside: Vec<f64> =
            times.iter().zip(list).filter(|(time, _)| is_outside(time)).map(|(_, given)| *given).collect();
        let span = format!("from {} to {}", self.moment(start), self.moment(end));
        match outside[..] {
            [] => None,
            [one] => Some(format!("output.{key}: {one:?} lies outside the run {span}: it gets no snapshot")),
            [one, ..] => Some(format!(
                "output.{key}: {} of the {} times lie outside the run {span}, such as {one:?}: they get no snapshots",
                outside.len(),
                times.len()
            )),
        }
    }

    /// A time of the run in words: `t 0.250000`, or in an expanding universe `z 9.0000`.
    pub fn moment(&self, time: f64) -> String {
        cosmology_keys::moment(&self.gravity.expansion, time)
    }

    /// Checks that a run that goes on from a checkpoint at `from` ends later.
    ///
    /// # Errors
    /// It ends before.
    pub fn check_end(&self, from: f64) -> Result<()> {
        let at = if self.cosmology.is_some() { self.moment(from) } else { format!("{from:?}") };
        ensure!(
            self.time.end_time().is_none_or(|end| end >= from),
            "{}: the checkpoint is already at {at}",
            self.time.end_in_words()
        );
        Ok(())
    }

    /// Advice for the user if the energy error is too large.
    pub fn energy_advice(&self) -> String {
        let steps = match self.time.stepping {
            Stepping::Fixed => {
                format!("take a shorter time.step than {:?}, or time.timestep = \"block\"", self.time.step)
            }
            Stepping::Adaptive(Adaptive { criterion, eta, eta_rate, .. }) => match criterion {
                StepCriterion::Acceleration => format!("take a smaller time.eta than {eta:?}"),
                StepCriterion::Rate => format!("take a smaller time.eta_rate than {eta_rate:?}"),
                StepCriterion::Both => {
                    format!("take a smaller time.eta than {eta:?} and time.eta_rate than {eta_rate:?}")
                }
            },
        };
        let forces = match self.gravity.accuracy {
            Some(accuracy) => {
                format!("; if that does not help, a smaller gravity.accuracy than {accuracy:?}")
            }
            None => String::new(),
        };
        format!("{steps}{forces}, or a longer gravity.softening")
    }

    fn check(&self) -> Result<()> {
        machine::choose_arithmetic()?;
        self.cosmology.map_or(Ok(()), |cosmology| cosmology.check())?;
        self.gravity.check().map_err(name_key)?;
        let expands = self.cosmology.is_some();
        self.time.check(&self.gravity, expands)?;
        if let Stepping::Adaptive(adaptive) = self.time.stepping
            && adaptive.criterion.asks_rate()
            && expands
        {
            return Err(name_key(nbody::cosmology::Invalid::Criterion));
        }
        if self.batch.checkpoint_steps == Some(0) {
            bail!("batch.checkpoint_steps = 0: must be at least 1");
        }
        self.movie.as_ref().map_or(Ok(()), |movie| movie.check(&self.units.units()))?;
        if let Some(spectrum) = &self.output.spectrum {
            ensure!(self.periodic_box.is_some(), "output.spectrum: needs a periodic box, the table [box]");
            spectrum.check()?;
        }
        if let Some(lightcone) = &self.output.lightcone {
            lightcone.check(expands, self.periodic_box.map(|periodic| periodic.side))?;
        }
        self.output.check(expands)
    }
}

/// Pairs of keys of which a file may have one. With `--set`, one takes the place of the other.
const RIVALS: [[&str; 2]; 23] = [
    ["time.end", "time.steps"],
    ["time.end_redshift", "time.steps"],
    ["time.end_scale_factor", "time.steps"],
    ["time.end_redshift", "time.end_scale_factor"],
    ["output.snapshot_every", "output.at"],
    ["output.snapshot_every", "output.redshifts"],
    ["output.snapshot_every", "output.scale_factors"],
    ["output.redshifts", "output.scale_factors"],
    ["cosmology.start_redshift", "cosmology.start_scale_factor"],
    ["gravity.accuracy", "gravity.theta"],
    ["gravity.accuracy", "gravity.tolerance"],
    ["units.system", "units.length_in_cm"],
    ["units.system", "units.mass_in_g"],
    ["units.system", "units.velocity_in_cm_per_s"],
    ["initial.file", "initial.model"],
    ["initial.mass", "initial.solar_mass"],
    ["initial.sigma8", "initial.a_s"],
    ["initial.spectrum", "initial.a_s"],
    ["initial.galaxies.*.file", "initial.galaxies.*.model"],
    ["initial.galaxies.*.mass", "initial.galaxies.*.solar_mass"],
    ["potential.*.velocity", "potential.*.orbit"],
    ["potential.*.velocity", "potential.*.track"],
    ["potential.*.orbit", "potential.*.track"],
];

/// Explains what to do with a snapshot that is given in place of a parameter file.
///
/// # Errors
/// The file is a snapshot.
fn refuse_snapshot(path: &Path) -> Result<()> {
    match io::snapshot::format_of(path) {
        Some(format) => bail!(
            "{0}: is a snapshot ({1}), not a parameter file; to start a run from it, write a parameter file with `file = \"{0}\"` \
             in its table [initial] (docs/tutorials/own-initial-conditions.md)",
            path.display(),
            format.name()
        ),
        None => Ok(()),
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

fn at_least(name: &str, value: f64, least: f64) -> Result<()> {
    if !(value >= least && value.is_finite()) {
        bail!("{name} = {value:?}: must be at least {least:e} and finite");
    }
    Ok(())
}

fn positive(name: &str, value: f64) -> Result<()> {
    if !(value > 0.0 && value.is_finite()) {
        bail!("{name} = {value:?}: must be above 0 and finite");
    }
    Ok(())
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
