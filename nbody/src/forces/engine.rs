//! Force evaluations of a wanted error: measured by direct sums on a sample, and corrected where it misses.
//!
//! Everything that a decision rests on is the same bits on any number of ranks, so that the decision is, too.

use super::Forces;
use super::calibration::{first_rung, law};
use super::ladder::{Band, Rung, Search};
use crate::Error;
use crate::accuracy::{Accuracy, Balance, Sample};
use crate::cost::timed;
use decomposition::{Comm, Evaluation, Moments, Plan, evaluate_selected};
use serde::{Deserialize, Serialize};
use std::mem::take;
use std::time::{Duration, Instant};
use treecode::{Bodies, Gravity, Selection};

/// Evaluations from one measurement to the next.
const EVERY: u64 = 64;
/// Bodies of the first measurement, which chooses, and of the later ones, which only watch.
const SAMPLES: [usize; 2] = [512, 128];
/// Bodies whose force is measured where moments have drifted.
const DRIFTED_SAMPLE: usize = 64;
/// Drifted moments are to blame for an error if fresh ones bring it below this part of it.
const BLAME: f64 = 0.8;
/// Time between two lines about the error where nothing has changed.
const SILENCE: Duration = Duration::from_secs(60);
/// The first choice leaves room for the error of the sample, and later ones for a drift of the error during the run.
const BANDS: [Band; 2] = [Band { least: 0.6, most: 0.95 }, Band { least: 0.4, most: 1.0 }];

/// Evaluates forces again and again.
pub struct Engine {
    gravity: Gravity,
    control: Option<(Control, Rung)>,
    /// Whether to go on if no tolerance gives the wanted error.
    allow_missed: bool,
    unchecked: Unchecked,
    /// Time of measurements since it was last taken.
    verification: Duration,
    /// What the last evaluations found about the error, for the log.
    news: Option<String>,
    /// When that was last said.
    said: Option<Instant>,
}

/// Evaluations since the error was last measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unchecked {
    /// All of them.
    all: u64,
    /// Those with drifted moments, since theirs was measured.
    drifted: u64,
}

/// How far an engine has come, for a checkpoint: with it, another engine goes on as if there had been no break.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    tolerance: f64,
    control: Option<(Control, Rung)>,
    unchecked: Unchecked,
}

/// What a controlled error came to, for the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// The wanted rms error.
    pub wanted: f64,
    /// Order of the expansion.
    pub order: usize,
    /// Bodies of a leaf at most.
    pub leaf_size: usize,
    /// The tolerance of criterion relative at the end.
    pub tolerance: f64,
    /// Measurements.
    pub checks: u64,
    /// Tolerances tried beside the first.
    pub adjustments: u64,
    /// The last measurement.
    pub achieved: Accuracy,
    /// The greatest rms error that was found and kept.
    pub greatest_rms: f64,
    /// The last measurement where moments had drifted, of the bodies that felt them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drifted: Option<Accuracy>,
    /// Whether moments drift no longer, since they made the error exceed the wanted one.
    pub always_fresh: bool,
}

impl Engine {
    /// For these forces.
    pub fn new(forces: &Forces) -> Engine {
        let gravity = forces.gravity.clone();
        let control = forces.accuracy.map(|wanted| {
            let control = Control {
                wanted,
                order: gravity.order,
                leaf_size: gravity.leaf_size,
                tolerance: gravity.tolerance,
                checks: 0,
                adjustments: 0,
                achieved: Accuracy::default(),
                greatest_rms: 0.0,
                drifted: None,
                always_fresh: false,
            };
            (control, first_rung(gravity.walk, gravity.order, wanted))
        });
        // The first of each kind is measured.
        let unchecked = Unchecked { all: EVERY, drifted: EVERY };
        Engine {
            gravity,
            control,
            allow_missed: forces.allow_missed,
            unchecked,
            verification: Duration::ZERO,
            news: None,
            said: None,
        }
    }

    /// Goes on from where another engine for the same forces was.
    pub fn resume(forces: &Forces, progress: Progress) -> Engine {
        let Progress { tolerance, control, unchecked } = progress;
        let gravity = Gravity { tolerance, ..forces.gravity.clone() };
        Engine { gravity, control, unchecked, ..Engine::new(forces) }
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let (control, unchecked) = (self.control.clone(), self.unchecked);
        Progress { tolerance: self.gravity.tolerance, control, unchecked }
    }

    /// The settings at hand.
    pub fn gravity(&self) -> &Gravity {
        &self.gravity
    }

    /// What the control has come to, if there is one.
    pub fn control(&self) -> Option<&Control> {
        self.control.as_ref().map(|(control, _)| control)
    }

    /// Time of measurements since this was last asked.
    pub fn take_verification(&mut self) -> Duration {
        take(&mut self.verification)
    }

    /// A line for the log, if the last evaluations have one.
    pub fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// Computes the field of the bodies that a plan selects, see [`evaluate_selected`]; where that are all, and the error is measured and misses, again
    /// with another tolerance. What all of that took is in the census. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a parameter or a body is bad, or if no tolerance gives the wanted error at the first measurement.
    pub fn evaluate(&mut self, comm: &dyn Comm, bodies: Bodies, plan: &Plan) -> Result<Evaluation, Error> {
        let evaluation = evaluate_selected(comm, &self.gravity, bodies, plan)?;
        let is_due = self.unchecked.all >= EVERY && plan.selection.least_rung == 0;
        let evaluation = match self.control.take() {
            Some((control, rung)) if is_due => {
                self.unchecked.all = 0;
                self.verify(comm, evaluation, control, rung)?
            }
            control => {
                self.control = control;
                evaluation
            }
        };
        self.unchecked.all += 1;
        Ok(evaluation)
    }

    /// Computes the field of the bodies that a plan selects on the tree of the evaluation before, see [`Evaluation::again`]. The error of drifted
    /// moments is measured now and then; if they make it exceed the wanted one, there are none any more. Collective.
    pub fn again(
        &mut self,
        comm: &dyn Comm,
        evaluation: Evaluation,
        plan: &Plan,
        moments: Moments,
    ) -> Evaluation {
        self.unchecked.all += 1;
        let always_fresh = self.control().is_some_and(|control| control.always_fresh);
        let moments = if always_fresh { Moments::Fresh } else { moments };
        let evaluation = evaluation.again(comm, &self.gravity, plan, moments);
        self.unchecked.drifted += u64::from(moments == Moments::Drifted);
        match self.control.take() {
            Some((mut control, rung)) if self.unchecked.drifted > EVERY => {
                self.unchecked.drifted = 0;
                let evaluation = self.verify_drifted(comm, evaluation, plan, &mut control);
                self.control = Some((control, rung));
                evaluation
            }
            control => {
                self.control = control;
                evaluation
            }
        }
    }

    /// Measures the error of drifted moments.
    fn verify_drifted(
        &mut self,
        comm: &dyn Comm,
        mut evaluation: Evaluation,
        plan: &Plan,
        control: &mut Control,
    ) -> Evaluation {
        let least = plan.selection.least_rung;
        let (sample, balance, error) = timed(&mut self.verification, || {
            let sample = Sample::draw(comm, &self.gravity, &evaluation, least, DRIFTED_SAMPLE);
            let balance = Balance::measure(comm, &evaluation);
            let error = sample.compare(comm, &evaluation, &balance);
            (sample, balance, error)
        });
        control.drifted = Some(error);
        if error.rms > control.wanted {
            let census = evaluation.census.clone();
            evaluation = evaluation.again(comm, &self.gravity, &without_changes(plan), Moments::Fresh);
            evaluation.census.add(&census);
            let fresh = timed(&mut self.verification, || sample.compare(comm, &evaluation, &balance));
            control.always_fresh = fresh.rms < BLAME * error.rms;
            if control.always_fresh {
                self.news = Some(format!(
                    "force error rms {:.2e} of {} bodies on drifted moments, {:.2e} on fresh ones: they are fresh from here on",
                    error.rms, error.sample, fresh.rms
                ));
            }
        }
        evaluation
    }

    fn verify(
        &mut self,
        comm: &dyn Comm,
        mut evaluation: Evaluation,
        mut control: Control,
        rung: Rung,
    ) -> Result<Evaluation, Error> {
        let phase = usize::from(control.checks > 0);
        let slope = law(self.gravity.walk, self.gravity.order).slope;
        let mut search = Search::new(control.wanted, BANDS[phase], slope, rung);
        let (sample, balance) = timed(&mut self.verification, || {
            let sample = Sample::draw(comm, &self.gravity, &evaluation, 0, SAMPLES[phase]);
            (sample, Balance::measure(comm, &evaluation))
        });
        control.checks += 1;
        control.achieved = loop {
            let error = timed(&mut self.verification, || sample.compare(comm, &evaluation, &balance));
            let Some(next) = search.next(error.rms) else { break error };
            self.gravity.tolerance = next.tolerance();
            control.adjustments += 1;
            let census = evaluation.census.clone();
            let plan = without_changes(&Plan::default());
            evaluation = evaluate_selected(comm, &self.gravity, evaluation.into_bodies(), &plan)?;
            evaluation.census.add(&census);
        };
        let changed = control.tolerance != self.gravity.tolerance || control.checks == 1;
        control.tolerance = self.gravity.tolerance;
        control.greatest_rms = control.greatest_rms.max(control.achieved.rms);
        let missed = control.is_missed();
        if missed && phase == 0 && !self.allow_missed {
            let Accuracy { rms: achieved, sample, .. } = control.achieved;
            return Err(Error::AccuracyMissed { asked: control.wanted, achieved, sample });
        }
        if changed || missed || self.said.is_none_or(|said| said.elapsed() > SILENCE) {
            self.news = Some(control.line());
            self.said = Some(Instant::now());
        }
        self.control = Some((control, search.rung()));
        Ok(evaluation)
    }
}

/// A second evaluation at the same time: it tells no change of acceleration, and the one before has done so.
fn without_changes(plan: &Plan) -> Plan {
    Plan { selection: Selection { changes: false, ..plan.selection }, ..*plan }
}

impl Control {
    /// Whether the last measurement found more than the wanted error.
    pub fn is_missed(&self) -> bool {
        self.achieved.rms.is_nan() || self.achieved.rms > self.wanted
    }

    /// Says it in a line.
    pub fn line(&self) -> String {
        let Control { wanted, order, leaf_size, tolerance, achieved, .. } = self;
        let missed = if self.is_missed() { ", MISSED: no tolerance tried gives it" } else { "" };
        let drifted = match &self.drifted {
            Some(drifted) => {
                format!("; rms {:.2e} of {} bodies on drifted moments", drifted.rms, drifted.sample)
            }
            None => String::new(),
        };
        format!(
            "force error rms {:.2e}, 99th percentile {:.2e} of {} bodies, wanted {wanted:e}{missed}: order {order}, tolerance {tolerance:.3e}, \
             leaf_size {leaf_size}{drifted}",
            achieved.rms, achieved.percentile_99, achieved.sample
        )
    }
}
