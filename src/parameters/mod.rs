//! The parameter file of `heorot run`, table by table. An unknown key, or a value out of its range,
//! is an error.

mod batch;
pub mod cosmology;
pub(crate) mod defaults;
pub mod errors;
pub mod gravity;
pub mod lightcone;
mod output;
pub mod periodic_box;
pub(crate) mod quantities;
mod time;
mod units;

pub use batch::{BalanceBy, Batch, Restart};
pub use output::{Output, Precision, Times};
pub use time::Time;
pub use units::{SystemName, UnitSystem};

use crate::initial::Initial;
use crate::movie::Movie;
use crate::parameters::errors::name_key;
use crate::parameters::periodic_box::PeriodicBox;
use crate::ranks::machine;
use anyhow::{Context, Result, anyhow, bail, ensure};
use nbody::forces::Forces;
use nbody::schedule::Schedule;
use nbody::stepping::{Adaptive, StepCriterion, Stepping};
use serde::{Deserialize, Serialize};
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
    pub cosmology: Option<cosmology::Keys>,
    /// Settings of the force evaluation.
    #[serde(default, with = "crate::parameters::gravity")]
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
        cosmology::moment(&self.gravity.expansion, time)
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
