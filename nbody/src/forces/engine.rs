//! Force evaluations with a requested error. Direct sums on a sample measure the error, and the
//! engine adjusts the tolerance if the error is outside its range.
//!
//! In a periodic box, the sum of all exact forces is zero. The forces of a walk have a small net
//! force. The engine subtracts it.
//!
//! Every value that enters a decision has the same bits on any number of ranks. Decisions therefore
//! do not depend on the number of ranks.

use super::calibration::{first_rung, law};
use super::ladder::{Band, Rung, Search};
use super::{AccuracyOf, Forces};
use crate::Error;
use crate::accuracy::{Accuracy, Balance, Sample, TooClose, too_close};
use crate::cost::timed;
use crate::potential::{External, Moment as PotentialsAt};
use decomposition::{Comm, Evaluation, Moments, Plan, Speeds, collective, evaluate_shared};
use serde::{Deserialize, Serialize};
use std::mem::take;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, Instant};
use treecode::math::norm;
use treecode::{Bodies, Gravity, Selection, Softening, Walk};

/// Number of evaluations between two measurements.
const EVERY: u64 = 64;
/// Number of bodies in the first measurement, which sets the tolerance, and in later ones.
const SAMPLES: [usize; 2] = [512, 128];
/// Number of bodies in a measurement with drifted moments.
const DRIFTED_SAMPLE: usize = 64;
/// Drifted moments count as the cause of an error if fresh moments reduce it below this fraction.
const BLAME: f64 = 0.8;
/// Time between two log lines about the error if the tolerance does not change.
const SILENCE: Duration = Duration::from_secs(60);
/// Accepted errors as fractions of the requested error, in the first measurement and in later ones.
/// The first range allows for the sampling error. The later range also allows for a slow change of
/// the error during the run.
const BANDS: [Band; 2] = [Band { least: 0.6, most: 0.95 }, Band { least: 0.4, most: 1.0 }];

/// Orders among which the engine chooses in a periodic box. In a nearly uniform box, cells have
/// almost no moments below order 4.
const ORDERS: RangeInclusive<usize> = 3..=Gravity::MAX_ORDER;
/// The order that is tried first.
const FIRST_ORDER: usize = 4;
/// The order is chosen anew after the tolerance has changed by this factor.
const RECHOSEN: f64 = 4.0;
/// Another order is taken if its work is below this fraction.
const WORTH: f64 = 0.95;

/// If a single body with a close neighbour has a greater force error than this, leaves get one body
/// each. A requested accuracy raises the limit to `TIMES_ACCURACY` times the accuracy.
const UNRESOLVED: f64 = 1e-2;
const TIMES_ACCURACY: f64 = 10.0;
/// Greatest number of bodies for which leaves may get one body each. Such leaves need several times
/// the memory and time.
const FINE_UP_TO: u64 = 1 << 20;

/// Evaluates forces repeatedly with the same request.
pub struct Engine {
    gravity: Gravity,
    control: Option<(Control, Rung)>,
    pairs: Pairs,
    /// Whether the run continues if no tolerance gives the requested error.
    allow_missed: bool,
    any_order: bool,
    /// External potentials, if errors are relative to the total acceleration.
    external: Option<Arc<External>>,
    /// Current time [T].
    time: f64,
    /// Net force over the sum of the sizes of all forces, at the last evaluation of all bodies: [`Balance::net`].
    net: [f64; 3],
    unchecked: Unchecked,
    /// Number of the last sort. The cells of a periodic box lie at other places after each.
    sorts: u64,
    /// Time of measurements since the last [`Engine::take_verification`].
    verification: Duration,
    /// A line for the log about the measured error.
    news: Option<String>,
    /// Time of the last line.
    said: Option<Instant>,
    /// Measured speeds of the ranks, and their shares of the work.
    speeds: Speeds,
}

/// Bodies with a neighbour so close that single precision within a leaf gives them a wrong force.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pairs {
    /// Whether the first evaluation looks for them.
    wanted: bool,
    /// Whether leaves have one body.
    fine: bool,
    /// What was wrong with leaves of the requested size. Leaves have one body since then.
    pub refined: Option<TooClose>,
    /// What is still wrong.
    pub wrong: Option<TooClose>,
}

impl Pairs {
    /// What is still wrong and what helps, in words.
    pub fn fault(&self) -> Option<String> {
        let found = self.wrong?;
        let TooClose { error, bodies, .. } = found;
        let others = if bodies > 2 { format!(" ({bodies} bodies have such errors)") } else { String::new() };
        let finer = if self.fine { "" } else { " leaf_size = 1 with the fmm walk," };
        Some(format!(
            "{}: the force error is {error:.1e}{others}; give a softening of such a distance,{finer} or walk = \"direct\"",
            found.words()
        ))
    }

    /// Whether a force is so wrong that only a caller who allows it goes on.
    fn is_refused(&self) -> bool {
        self.wrong.is_some_and(|found| found.error >= TooClose::REFUSED)
    }
}

/// Number of evaluations since the last measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Unchecked {
    /// All evaluations.
    all: u64,
    /// Evaluations with drifted moments, since the last measurement of their error.
    drifted: u64,
}

/// State of an engine, for a checkpoint. An engine that resumes from it gives the same results as
/// an uninterrupted one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    tolerance: f64,
    #[serde(default)]
    net: [f64; 3],
    control: Option<(Control, Rung)>,
    unchecked: Unchecked,
    #[serde(default)]
    sorts: u64,
    /// Whether leaves have one body because of close pairs.
    #[serde(default)]
    fine: bool,
}

/// Results of the force error control, for the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Control {
    /// The requested rms error.
    pub wanted: f64,
    /// What the errors are relative to.
    #[serde(default)]
    pub of: AccuracyOf,
    /// Order of the expansion.
    pub order: usize,
    /// Greatest number of bodies in a leaf.
    pub leaf_size: usize,
    /// Current tolerance of the relative criterion.
    pub tolerance: f64,
    /// Number of measurements.
    pub checks: u64,
    /// Number of changes of the tolerance.
    pub adjustments: u64,
    /// The last measurement.
    pub achieved: Accuracy,
    /// The greatest rms error of an accepted tolerance.
    pub greatest_rms: f64,
    /// The last measurement with drifted moments, on the bodies that were active.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drifted: Option<Accuracy>,
    /// |sum m a| / sum m |a| of the forces of the walk in a periodic box, at the last measurement. This
    /// net force is then taken out.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub net_force: Option<f64>,
    /// The tolerance at which the order was chosen, if the engine chooses it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub order_chosen_at: Option<f64>,
    /// Whether all moments are computed anew, because drifted moments gave too large an error.
    pub always_fresh: bool,
}

impl Engine {
    /// An engine that has not evaluated anything.
    pub fn new(forces: &Forces) -> Engine {
        let mut gravity = forces.gravity.clone();
        let any_order = forces.any_order && gravity.domain.is_periodic() && gravity.walk == Walk::Fmm;
        if let Some(wanted) = forces.accuracy.filter(|_| any_order) {
            gravity.order = gravity.order.max(FIRST_ORDER);
            gravity.tolerance = first_rung(gravity.walk, gravity.order, wanted).tolerance();
        }
        let control = forces.accuracy.map(|wanted| {
            let control = Control {
                wanted,
                of: forces.accuracy_of,
                order: gravity.order,
                leaf_size: gravity.leaf_size,
                tolerance: gravity.tolerance,
                checks: 0,
                adjustments: 0,
                achieved: Accuracy::default(),
                greatest_rms: 0.0,
                drifted: None,
                net_force: None,
                order_chosen_at: None,
                always_fresh: false,
            };
            (control, first_rung(gravity.walk, gravity.order, wanted))
        });
        // The first evaluation of each kind is measured.
        let unchecked = Unchecked { all: EVERY, drifted: EVERY };
        Engine {
            gravity,
            control,
            pairs: Pairs::default(),
            allow_missed: forces.allow_missed,
            any_order,
            external: (forces.accuracy_of == AccuracyOf::Total).then(|| forces.external.clone()),
            time: 0.0,
            net: [0.0; 3],
            unchecked,
            sorts: 0,
            verification: Duration::ZERO,
            news: None,
            said: None,
            speeds: Speeds::new(forces.sharing),
        }
    }

    /// Checks the forces of close pairs in the first evaluation of all bodies. If they are wrong, and
    /// there are not too many bodies, leaves have one body from then on.
    #[must_use]
    pub fn with_pairs_checked(mut self) -> Engine {
        self.pairs.wanted = true;
        self
    }

    /// Result of the check of close pairs.
    pub fn pairs(&self) -> Pairs {
        self.pairs
    }

    /// Continues from the state of another engine with the same request.
    pub fn resume(forces: &Forces, progress: Progress) -> Engine {
        let Progress { tolerance, net, control, unchecked, sorts, fine } = progress;
        let order = control.as_ref().map_or(forces.gravity.order, |(control, _)| control.order);
        let mut gravity = Gravity { tolerance, order, ..forces.gravity.clone() };
        if fine {
            refine(&mut gravity);
        }
        Engine { gravity, net, control, unchecked, sorts, ..Engine::new(forces) }
    }

    /// State of the engine, for a checkpoint.
    pub fn progress(&self) -> Progress {
        let Engine { net, unchecked, sorts, .. } = *self;
        let (tolerance, control, fine) = (self.gravity.tolerance, self.control.clone(), self.is_fine());
        Progress { tolerance, net, control, unchecked, sorts, fine }
    }

    /// Changes the softening, for all evaluations from now on.
    pub fn soften(&mut self, softening: Softening) {
        self.gravity.softening = softening;
    }

    /// Sets the time [T] of the next evaluations. External potentials depend on it.
    pub fn set_time(&mut self, time: f64) {
        self.time = time;
    }

    /// Current settings of the force evaluation.
    pub fn gravity(&self) -> &Gravity {
        &self.gravity
    }

    /// Number of the last sort, for [`Plan::sort`].
    pub fn sorts(&self) -> u64 {
        self.sorts
    }

    /// Measured speeds of the ranks, and their shares of the work.
    pub fn speeds(&self) -> &Speeds {
        &self.speeds
    }

    /// Results of the force error control. `None` if the caller has not requested an error.
    pub fn control(&self) -> Option<&Control> {
        self.control.as_ref().map(|(control, _)| control)
    }

    /// Returns the time of measurements since the last call.
    pub fn take_verification(&mut self) -> Duration {
        take(&mut self.verification)
    }

    /// Returns a line for the log, if there is one.
    pub fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    /// Computes the forces on the bodies that `plan` selects, see [`evaluate_shared`]. If all are
    /// selected and a measurement is due, it adjusts the tolerance and repeats the evaluation until
    /// the error is in its range. The census contains the cost of all repetitions. Collective.
    ///
    /// In a periodic box, the cells of the tree lie at other places in each call, and the bodies are inside
    /// the shifted cube afterwards, see [`Evaluation::bodies`].
    ///
    /// # Errors
    /// A parameter or a body is invalid, a pair is too close, or no tolerance gives the requested error
    /// at the first measurement. Every rank returns the same error.
    pub fn evaluate(&mut self, comm: &dyn Comm, bodies: Bodies, plan: &Plan) -> Result<Evaluation, Error> {
        self.sorts += 1;
        let (mut evaluation, mut balance) = self.compute(comm, bodies, plan)?;
        if take(&mut self.pairs.wanted) && plan.selection.least_rung == 0 {
            (evaluation, balance) = self.resolve_pairs(comm, evaluation, balance)?;
            if self.pairs.is_refused() && !self.allow_missed {
                return Err(Error::TooClose(self.pairs));
            }
        }
        let is_due = self.unchecked.all >= EVERY && plan.selection.least_rung == 0;
        let evaluation = match self.control.take() {
            Some((control, rung)) if is_due => {
                self.unchecked.all = 0;
                self.verify(comm, evaluation, balance, control, rung)?
            }
            control => {
                self.control = control;
                evaluation
            }
        };
        self.unchecked.all += 1;
        Ok(evaluation)
    }

    /// Looks for close pairs with wrong forces. If there are some, computes all forces again with
    /// leaves of one body. Collective.
    fn resolve_pairs(
        &mut self,
        comm: &dyn Comm,
        evaluation: Evaluation,
        balance: Option<Balance>,
    ) -> Result<(Evaluation, Option<Balance>), Error> {
        let allowed = self.control().map_or(0.0, |control| TIMES_ACCURACY * control.wanted);
        let limit = UNRESOLVED.max(allowed);
        let find = |engine: &mut Engine, evaluation: &Evaluation| {
            engine.pairs.fine = engine.is_fine();
            let Engine { verification, gravity, pairs, .. } = engine;
            pairs.wrong = timed(verification, || too_close(comm, gravity, evaluation, limit));
        };
        find(self, &evaluation);
        let all = collective::sum(comm, evaluation.bodies.len() as u64);
        if self.pairs.wrong.is_none() || self.pairs.fine || all > FINE_UP_TO {
            return Ok((evaluation, balance));
        }
        self.pairs.refined = self.pairs.wrong;
        refine(&mut self.gravity);
        self.control.iter_mut().for_each(|(control, _)| control.leaf_size = 1);
        let census = evaluation.census.clone();
        let plan = without_changes(&Plan::default());
        let (mut evaluation, balance) = self.compute(comm, evaluation.into_bodies(), &plan)?;
        evaluation.census.add(&census);
        find(self, &evaluation);
        Ok((evaluation, balance))
    }

    /// Whether offsets within leaves and groups are zero.
    fn is_fine(&self) -> bool {
        let Gravity { walk, leaf_size, group_size, .. } = self.gravity;
        leaf_size == 1 && (walk == Walk::Fmm || group_size == 1)
    }

    /// Computes the forces on the bodies that `plan` selects, on the tree of the last evaluation,
    /// see [`Evaluation::again`]. Some calls measure the error of drifted moments. If drifted
    /// moments are the cause of too large an error, all later calls compute moments anew.
    /// Collective.
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
        let mut evaluation = evaluation.again(comm, &self.gravity, plan, moments);
        evaluation.record(&mut self.speeds);
        self.take_out_net_force(comm, &mut evaluation, plan.selection);
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

    /// Computes the forces on all bodies with the current settings and the cells of the last call, and
    /// measures no error. Collective.
    ///
    /// # Errors
    /// A body is invalid. Every rank returns the same error.
    pub fn evaluate_as_before(&mut self, comm: &dyn Comm, bodies: Bodies) -> Result<Evaluation, Error> {
        Ok(self.compute(comm, bodies, &Plan::default())?.0)
    }

    /// Computes the forces with the current settings. Returns their sums too if the box is periodic and
    /// all bodies are selected, as they were before the net force was taken out. Collective.
    fn compute(
        &mut self,
        comm: &dyn Comm,
        bodies: Bodies,
        plan: &Plan,
    ) -> Result<(Evaluation, Option<Balance>), Error> {
        let plan = Plan { sort: self.sorts, ..*plan };
        let mut evaluation = evaluate_shared(comm, &self.gravity, bodies, &plan, &mut self.speeds)?;
        evaluation.record(&mut self.speeds);
        let balance = self.take_out_net_force(comm, &mut evaluation, plan.selection);
        Ok((evaluation, balance))
    }

    /// Subtracts the net force of a periodic box from the active bodies, in proportion to the force on each.
    /// The net force is an error, and errors are greatest where forces are strong. Equal shares could exceed
    /// the forces on distant bodies. If only some bodies are active, it uses the fraction from the last
    /// evaluation of all. Collective.
    fn take_out_net_force(
        &mut self,
        comm: &dyn Comm,
        evaluation: &mut Evaluation,
        selection: Selection,
    ) -> Option<Balance> {
        if !self.gravity.domain.is_periodic() || self.gravity.walk == Walk::Direct {
            return None;
        }
        let least = selection.least_rung;
        let balance = (least == 0).then(|| Balance::measure(comm, evaluation));
        self.net = balance.map_or(self.net, |balance| balance.net);
        let Bodies { acc: [x, y, z], rung, .. } = &mut evaluation.bodies;
        for i in (0..rung.len()).filter(|&i| rung[i] >= least) {
            let size = norm([x[i], y[i], z[i]]);
            x[i] -= size * self.net[0];
            y[i] -= size * self.net[1];
            z[i] -= size * self.net[2];
        }
        balance
    }

    /// Measures the error of drifted moments, and repeats the evaluation with fresh moments if it
    /// is too large.
    fn verify_drifted(
        &mut self,
        comm: &dyn Comm,
        mut evaluation: Evaluation,
        plan: &Plan,
        control: &mut Control,
    ) -> Evaluation {
        let least = plan.selection.least_rung;
        let external = self.external.as_ref().map(|external| external.at(self.time));
        let (sample, balance, error) = timed(&mut self.verification, || {
            let sample = draw(comm, &self.gravity, external.as_ref(), &evaluation, (least, DRIFTED_SAMPLE));
            let balance = Balance::measure(comm, &evaluation);
            let error = sample.compare(comm, &evaluation, &balance);
            (sample, balance, error)
        });
        control.drifted = Some(error);
        if error.rms > control.wanted {
            let census = evaluation.census.clone();
            evaluation = evaluation.again(comm, &self.gravity, &without_changes(plan), Moments::Fresh);
            self.take_out_net_force(comm, &mut evaluation, plan.selection);
            evaluation.census.add(&census);
            let fresh = timed(&mut self.verification, || sample.compare(comm, &evaluation, &balance));
            control.always_fresh = fresh.rms < BLAME * error.rms;
            if control.always_fresh {
                self.news = Some(format!(
                    "force error rms {:.2e} of {} on drifted moments, {:.2e} on fresh ones: they are fresh from here on",
                    error.rms,
                    bodies(error.sample),
                    fresh.rms
                ));
            }
        }
        evaluation
    }

    fn verify(
        &mut self,
        comm: &dyn Comm,
        evaluation: Evaluation,
        balance: Option<Balance>,
        mut control: Control,
        rung: Rung,
    ) -> Result<Evaluation, Error> {
        let phase = usize::from(control.checks > 0);
        let external = self.external.as_ref().map(|external| external.at(self.time));
        let (sample, balance) = timed(&mut self.verification, || {
            let sample = draw(comm, &self.gravity, external.as_ref(), &evaluation, (0, SAMPLES[phase]));
            (sample, balance.unwrap_or_else(|| Balance::measure(comm, &evaluation)))
        });
        control.checks += 1;
        let mut trial =
            Trial { evaluation, balance, order: self.gravity.order, rung, error: Accuracy::default() };
        trial = self.search(comm, trial, &sample, BANDS[phase], &mut control)?;
        let moved = control.order_chosen_at.is_none_or(|then| {
            let factor = self.gravity.tolerance / then;
            factor >= RECHOSEN || factor <= 1.0 / RECHOSEN
        });
        // No order resolves a pair that is too close.
        if self.any_order && moved && !self.pairs.is_refused() {
            trial = self.choose_order(comm, trial, &sample, &mut control)?;
            control.order_chosen_at = Some(self.gravity.tolerance);
        }
        let Trial { evaluation, balance, rung, error, .. } = trial;
        control.achieved = error;
        control.net_force = self.gravity.domain.is_periodic().then_some(balance.force_sum);
        control.order = self.gravity.order;
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
        self.control = Some((control, rung));
        Ok(evaluation)
    }

    /// Searches the tolerance of the requested error with the current order, from the rung of a trial
    /// on. Collective.
    fn search(
        &mut self,
        comm: &dyn Comm,
        mut trial: Trial,
        sample: &Sample,
        band: Band,
        control: &mut Control,
    ) -> Result<Trial, Error> {
        let slope = law(self.gravity.walk, self.gravity.order).slope;
        let mut search = Search::new(control.wanted, band, slope, trial.rung);
        loop {
            let compare = || sample.compare(comm, &trial.evaluation, &trial.balance);
            trial.error = timed(&mut self.verification, compare);
            let Some(next) = search.next(trial.error.rms) else { return Ok(trial) };
            control.adjustments += 1;
            trial = self.repeat(comm, trial, self.gravity.order, next)?;
        }
    }

    /// Tries neighbouring orders, each with the tolerance of the requested error, and ends with the one
    /// of the least work. Collective.
    fn choose_order(
        &mut self,
        comm: &dyn Comm,
        mut trial: Trial,
        sample: &Sample,
        control: &mut Control,
    ) -> Result<Trial, Error> {
        let mut best = (trial.work(comm), trial.order, trial.rung, trial.error);
        for step in [1, -1] {
            let before = best.1;
            while let Some(order) = best.1.checked_add_signed(step).filter(|order| ORDERS.contains(order)) {
                trial = self.repeat(comm, trial, order, best.2)?;
                trial = self.search(comm, trial, sample, BANDS[0], control)?;
                let work = trial.work(comm);
                let is_better = work < WORTH * best.0 || best.3.rms > control.wanted;
                if trial.error.rms > control.wanted || !is_better {
                    break;
                }
                best = (work, order, trial.rung, trial.error);
            }
            if best.1 != before {
                break;
            }
        }
        let (_, order, rung, error) = best;
        if (trial.order, trial.rung) != (order, rung) {
            trial = self.repeat(comm, trial, order, rung)?;
        }
        Ok(Trial { error, ..trial })
    }

    /// Computes the forces of a trial again with other settings. Collective.
    fn repeat(&mut self, comm: &dyn Comm, trial: Trial, order: usize, rung: Rung) -> Result<Trial, Error> {
        (self.gravity.order, self.gravity.tolerance) = (order, rung.tolerance());
        let census = trial.evaluation.census.clone();
        let plan = without_changes(&Plan::default());
        let (mut evaluation, balance) = self.compute(comm, trial.evaluation.into_bodies(), &plan)?;
        evaluation.census.add(&census);
        Ok(Trial { evaluation, balance: balance.unwrap_or(trial.balance), order, rung, ..trial })
    }
}

/// Draws a sample of bodies of rung `least` and finer ones. With external potentials, errors are
/// relative to the total acceleration. Collective.
fn draw(
    comm: &dyn Comm,
    gravity: &Gravity,
    external: Option<&PotentialsAt<'_>>,
    evaluation: &Evaluation,
    (least, wanted): (u8, usize),
) -> Sample {
    let sample = Sample::draw(comm, gravity, evaluation, least, wanted);
    match external {
        Some(external) => sample.relative_to_total(external),
        None => sample,
    }
}

/// Settings on trial, and the evaluation with them.
struct Trial {
    evaluation: Evaluation,
    balance: Balance,
    order: usize,
    rung: Rung,
    error: Accuracy,
}

impl Trial {
    /// Work of all bodies, in body-body interactions. Collective.
    fn work(&self, comm: &dyn Comm) -> f64 {
        self.evaluation.sum(comm, |bodies, i| [f64::from(bodies.work[i])])[0]
    }
}

/// Sets leaves of one body, and in the tree walk groups of one body.
fn refine(gravity: &mut Gravity) {
    gravity.leaf_size = 1;
    if gravity.walk == Walk::Tree {
        gravity.group_size = 1;
    }
}

/// The plan for a second evaluation at the same time. It must not update the changes of
/// acceleration, because the first evaluation has done that.
fn without_changes(plan: &Plan) -> Plan {
    Plan { selection: Selection { changes: false, ..plan.selection }, ..*plan }
}

/// A number of bodies in words.
fn bodies(number: usize) -> String {
    format!("{number} {}", if number == 1 { "body" } else { "bodies" })
}

impl Control {
    /// Whether the last measured error exceeds the requested error.
    pub fn is_missed(&self) -> bool {
        self.achieved.rms.is_nan() || self.achieved.rms > self.wanted
    }

    /// The last measurement and the settings, as a line of text.
    pub fn line(&self) -> String {
        let Control { wanted, of, order, leaf_size, tolerance, achieved, .. } = self;
        let of = if *of == AccuracyOf::Total { " of the total force" } else { "" };
        let missed = if self.is_missed() { ", MISSED: no tolerance tried gives it" } else { "" };
        let drifted = match &self.drifted {
            Some(drifted) => {
                format!("; rms {:.2e} of {} on drifted moments", drifted.rms, bodies(drifted.sample))
            }
            None => String::new(),
        };
        let net = self.net_force.map_or(String::new(), |net| {
            format!("; {:.2e} of the rms force; net force {net:.1e} of all, taken out", achieved.of_rms)
        });
        format!(
            "force error rms {:.2e}, 99th percentile {:.2e} of {}, wanted {wanted:e}{of}{missed}: order {order}, tolerance {tolerance:.3e}, \
             leaf_size {leaf_size}{drifted}{net}",
            achieved.rms,
            achieved.percentile_99,
            bodies(achieved.sample)
        )
    }
}
