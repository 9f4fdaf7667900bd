//! The table `[time]`.

use super::{Output, at_least, positive};
use crate::parameters::cosmology::{check_redshift, check_scale_factor, log_of_redshift};
use crate::parameters::errors::name_key;
use anyhow::{Result, bail, ensure};
use nbody::forces::Forces;
use nbody::schedule::{Schedule, Until};
use nbody::stepping::{Adaptive, StepCriterion, Stepping, TimeStep};
use serde::{Deserialize, Serialize};

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
    /// The longest step [T]; in an expanding universe, the greatest difference of ln a. The time
    /// between two snapshots is divided into equal steps that are not longer.
    pub step: f64,
    /// Timesteps of the bodies within a step.
    pub stepping: Stepping,
    /// Relative energy error above which the run prints a warning.
    pub energy_bound: f64,
    /// Whether the file names the criterion for timesteps.
    pub(super) names_criterion: bool,
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
    pub(super) fn end_in_words(&self) -> String {
        match (self.end_redshift, self.end_scale_factor, self.end) {
            (Some(z), ..) => format!("time.end_redshift = {z:?}"),
            (_, Some(a), _) => format!("time.end_scale_factor = {a:?}"),
            (.., end) => format!("time.end = {:?}", end.unwrap_or_default()),
        }
    }

    /// The time at which the run ends if it starts at time 0 [T]; 0 if that is not finite.
    pub(super) fn latest(&self) -> f64 {
        let end = self.end.unwrap_or_else(|| self.steps.unwrap_or(0) as f64 * self.step);
        if end.is_finite() { end } else { 0.0 }
    }

    pub(super) fn schedule(&self, start: f64, output: &Output) -> Result<Schedule> {
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

    pub(super) fn check(&self, forces: &Forces, expands: bool) -> Result<()> {
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
