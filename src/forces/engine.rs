//! Force evaluations of a wanted error: measured by direct sums on a sample, and corrected where it misses.
//!
//! Everything that a decision rests on is the same bits on any number of ranks, so that the decision is, too.

use super::Forces;
use super::calibration::{first_rung, law};
use super::ladder::{Band, Rung, Search};
use crate::accuracy::{Accuracy, Balance, Sample};
use crate::cost::timed;
use anyhow::Result;
use decomposition::{Comm, Evaluation, evaluate};
use serde::{Deserialize, Serialize};
use std::mem::take;
use std::time::Duration;
use treecode::{Bodies, Gravity};

/// Evaluations from one measurement to the next.
const EVERY: u64 = 64;
/// Bodies of the first measurement, which chooses, and of the later ones, which only watch.
const SAMPLES: [usize; 2] = [512, 128];
/// The first choice leaves room for the error of the sample, and later ones for a drift of the error during the run.
const BANDS: [Band; 2] = [Band { least: 0.6, most: 0.95 }, Band { least: 0.4, most: 1.0 }];

/// Evaluates forces again and again.
pub struct Engine {
    gravity: Gravity,
    control: Option<(Control, Rung)>,
    evaluations: u64,
    /// Time of measurements since it was last taken.
    verification: Duration,
    /// What the last evaluation found about the error, for the log.
    news: Option<String>,
}

/// How far an engine has come, for a checkpoint: with it, another engine goes on as if there had been no break.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    tolerance: f64,
    control: Option<(Control, Rung)>,
    evaluations: u64,
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
            };
            (control, first_rung(gravity.walk, gravity.order, wanted))
        });
        Engine { gravity, control, evaluations: 0, verification: Duration::ZERO, news: None }
    }

    /// Goes on from where another engine for the same forces was.
    pub fn resume(forces: &Forces, progress: Progress) -> Engine {
        let Progress { tolerance, control, evaluations } = progress;
        let gravity = Gravity { tolerance, ..forces.gravity.clone() };
        Engine { gravity, control, evaluations, ..Engine::new(forces) }
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let (control, evaluations) = (self.control.clone(), self.evaluations);
        Progress { tolerance: self.gravity.tolerance, control, evaluations }
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

    /// Computes the field of all bodies, see [`evaluate`]; where the error is measured and misses, again with another tolerance.
    /// What all of that took is in the census. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a parameter or a body is bad.
    pub fn evaluate(&mut self, comm: &dyn Comm, bodies: Bodies) -> Result<Evaluation> {
        let evaluation = evaluate(comm, &self.gravity, bodies)?;
        let number = self.evaluations;
        self.evaluations += 1;
        match self.control.take() {
            Some((control, rung)) if number.is_multiple_of(EVERY) => {
                self.verify(comm, evaluation, control, rung)
            }
            control => {
                self.control = control;
                Ok(evaluation)
            }
        }
    }

    fn verify(
        &mut self,
        comm: &dyn Comm,
        mut evaluation: Evaluation,
        mut control: Control,
        rung: Rung,
    ) -> Result<Evaluation> {
        let phase = usize::from(control.checks > 0);
        let slope = law(self.gravity.walk, self.gravity.order).slope;
        let mut search = Search::new(control.wanted, BANDS[phase], slope, rung);
        let (sample, balance) = timed(&mut self.verification, || {
            let sample = Sample::draw(comm, &self.gravity, &evaluation, SAMPLES[phase]);
            (sample, Balance::measure(comm, &evaluation))
        });
        control.checks += 1;
        control.achieved = loop {
            let error = timed(&mut self.verification, || sample.compare(comm, &evaluation, &balance));
            let Some(next) = search.next(error.rms) else { break error };
            self.gravity.tolerance = next.tolerance();
            control.adjustments += 1;
            let census = evaluation.census;
            evaluation = evaluate(comm, &self.gravity, evaluation.bodies)?;
            evaluation.census.add(&census);
        };
        control.tolerance = self.gravity.tolerance;
        control.greatest_rms = control.greatest_rms.max(control.achieved.rms);
        self.news = Some(control.line());
        self.control = Some((control, search.rung()));
        Ok(evaluation)
    }
}

impl Control {
    /// Says it in a line.
    pub fn line(&self) -> String {
        let Control { wanted, order, leaf_size, tolerance, achieved, .. } = self;
        let missed = if achieved.rms > *wanted { ", MISSED: no tolerance tried gives it" } else { "" };
        format!(
            "force error rms {:.2e}, 99th percentile {:.2e} of {} bodies, wanted {wanted:e}{missed}: order {order}, tolerance {tolerance:.3e}, \
             leaf_size {leaf_size}",
            achieved.rms, achieved.percentile_99, achieved.sample
        )
    }
}
