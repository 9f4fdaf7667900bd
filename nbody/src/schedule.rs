//! Times of steps and snapshots. A step ends exactly at each snapshot time.
//!
//! Snapshot k is at the time `start + k * every`. The interval between two snapshots is divided
//! into equal steps that do not exceed the longest allowed step. All times are computed from these
//! formulas, so rounding errors do not accumulate.
//!
//! The step is the same in all intervals, because the leapfrog scheme needs a constant step. The
//! last interval is an exception if the end is not a multiple of `every`.

/// Greatest numbers of steps and of snapshots of a run. Larger numbers are input errors.
const MOST_STEPS: f64 = 1e10;
const MOST_SNAPSHOTS: f64 = 1e6;

/// Relative rounding error of `every / step`. A quotient this close to an integer counts as an
/// integer.
const ROUNDING: f64 = 1e-9;

/// The steps of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    start: f64,
    longest: f64,
    every: Option<f64>,
    /// Ends of intervals between snapshots, ascending, if they are given one by one. The end of the
    /// run is the last one if it is a time.
    at: Vec<f64>,
    until: Until,
}

/// End of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Until {
    /// At this time [T].
    Time(f64),
    /// After this number of steps.
    Steps(u64),
}

/// The durations of a schedule, for error messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The longest allowed step.
    Step,
    /// The time between two snapshots.
    Interval,
    /// The least time between two snapshots that are given one by one.
    Gap,
}

/// Reasons why a run cannot follow a schedule.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Impossible {
    /// The run ends before it starts.
    #[error("end = {end:?}: must be after {start:?}, the time of the initial state")]
    EndsBeforeStart {
        /// End of the run [T].
        end: f64,
        /// Start of the run [T].
        start: f64,
    },
    /// The run has too many snapshots.
    #[error(
        "an interval of {every:?} between snapshots would make {snapshots:.0e} of them; {MOST_SNAPSHOTS} are the most"
    )]
    TooManySnapshots {
        /// Time between two snapshots [T].
        every: f64,
        /// Number of snapshots.
        snapshots: f64,
    },
    /// The step is so short that the run has too many steps.
    #[error("step = {longest:?}: would make {steps:.0e} steps; {MOST_STEPS} are the most")]
    StepTooShort {
        /// The longest allowed step [T].
        longest: f64,
        /// The number of steps.
        steps: f64,
    },
    /// The requested number of steps is too large.
    #[error("steps = {steps:?}: would make {steps:.0e} steps; {MOST_STEPS} are the most")]
    TooManySteps {
        /// The number of steps.
        steps: f64,
    },
    /// A duration is below the rounding error of the time.
    #[error("{which:?} = {length:?}: is lost beside the time, which goes from {start:?} to {end:?}")]
    Lost {
        /// The duration in question.
        which: Length,
        /// Value of the duration [T].
        length: f64,
        /// Start of the run [T].
        start: f64,
        /// End of the run [T].
        end: f64,
    },
}

/// One full step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Length of the step [T].
    pub length: f64,
    /// Time at the end of the step [T].
    pub time: f64,
    /// Whether a snapshot is written at the end of the step.
    pub snapshot: bool,
}

/// An interval between two snapshots, divided into equal steps.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    begin: f64,
    end: f64,
    length: f64,
    steps: u64,
}

impl Schedule {
    /// Steps that begin at the time `start` and do not exceed `longest`. Snapshots follow at
    /// intervals of `every` and at the end of the run. All durations are in [T].
    ///
    /// # Errors
    /// The run ends before it starts, it has too many steps or snapshots, or a duration is below
    /// the rounding error of the time.
    pub fn new(until: Until, longest: f64, start: f64, every: Option<f64>) -> Result<Schedule, Impossible> {
        if let Until::Time(end) = until
            && end <= start
        {
            return Err(Impossible::EndsBeforeStart { end, start });
        }
        let schedule = Schedule { start, longest, every, at: Vec::new(), until };
        schedule.check()?;
        Ok(schedule)
    }

    /// As [`Schedule::new`], with snapshots at these times [T], which ascend, and at the end of the run.
    /// Times outside the run are left out.
    ///
    /// # Errors
    /// As [`Schedule::new`].
    pub fn at_times(until: Until, longest: f64, start: f64, times: &[f64]) -> Result<Schedule, Impossible> {
        let mut schedule = Schedule::new(until, longest, start, None)?;
        let end = match until {
            Until::Time(end) => Some(end),
            Until::Steps(_) => None,
        };
        let inside = |&time: &f64| time > start && end.is_none_or(|end| time < end);
        schedule.at = times.iter().copied().filter(inside).chain(end).collect();
        let mut begin = start;
        for &time in &schedule.at {
            let length = time - begin;
            if length < 1e-12 * time.abs().max(start.abs()) {
                return Err(Impossible::Lost { which: Length::Gap, length, start, end: time });
            }
            begin = time;
        }
        Ok(schedule)
    }

    fn check(&self) -> Result<(), Impossible> {
        let Schedule { start, longest, every, until, .. } = *self;
        let (end, steps) = match until {
            Until::Time(end) => (end, (end - start) / longest.min(every.unwrap_or(longest))),
            Until::Steps(steps) => (start + steps as f64 * longest, steps as f64),
        };
        if let Some(every) = every {
            let snapshots = ((end - start) / every).min(steps);
            if snapshots > MOST_SNAPSHOTS {
                return Err(Impossible::TooManySnapshots { every, snapshots });
            }
        }
        if steps > MOST_STEPS {
            return Err(match until {
                Until::Time(_) => Impossible::StepTooShort { longest, steps },
                Until::Steps(_) => Impossible::TooManySteps { steps },
            });
        }
        for (which, length) in [(Length::Step, Some(longest)), (Length::Interval, every)] {
            let Some(length) = length else { continue };
            let latest = start.abs().max(end.abs());
            if !latest.is_finite() || (latest + length) - latest < 0.5 * length {
                return Err(Impossible::Lost { which, length, start, end });
            }
        }
        Ok(())
    }

    /// Number of steps that remain after `done` steps, at this time [T].
    pub fn left(&self, done: u64, time: f64) -> u64 {
        let is_at = |step: Step| step.time == time;
        let is_unchanged = done == 0 || self.steps().nth(done as usize - 1).is_some_and(is_at);
        if is_unchanged { self.count().saturating_sub(done) } else { self.after(time).count() as u64 }
    }

    /// Time at which the run ends [T].
    pub fn end(&self) -> f64 {
        let Until::Steps(steps) = self.until else { return self.ends_at() };
        let mut left = steps;
        for stretch in (0..).map_while(|k| self.stretch(k)) {
            if left <= stretch.steps {
                return stretch.step(left).time;
            }
            left -= stretch.steps;
        }
        self.start
    }

    /// The time that the run reaches, if it does not end after a number of steps [T].
    fn ends_at(&self) -> f64 {
        match self.until {
            Until::Time(end) => end,
            Until::Steps(_) => f64::INFINITY,
        }
    }

    /// Number of snapshots of the run. The initial state is not counted.
    pub fn snapshots(&self) -> u64 {
        let mut left = self.count();
        let stretches = (0..).map_while(|k| self.stretch(k)).take_while(|stretch| {
            let begins = left > 0;
            left = left.saturating_sub(stretch.steps);
            begins
        });
        stretches.count() as u64
    }

    /// All steps of the run, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step> + use<> {
        let (total, schedule) = (self.count(), self.clone());
        let stretches = (0..).map_while(move |k| schedule.stretch(k));
        let steps = stretches.flat_map(|stretch| (1..=stretch.steps).map(move |i| stretch.step(i)));
        let last = move |(i, step): (u64, Step)| Step { snapshot: step.snapshot || i + 1 == total, ..step };
        (0..total).zip(steps).map(last)
    }

    /// The steps that remain at `time` [T]. If a step ends at `time`, they are the steps of an
    /// uninterrupted run. If the schedule has changed, the first of them is shorter.
    pub fn after(&self, time: f64) -> impl Iterator<Item = Step> + use<> {
        // Steps between given times may be much shorter than the longest.
        let shortest = self.at.windows(2).map(|pair| pair[1] - pair[0]).fold(self.longest, f64::min);
        let slack = ROUNDING * shortest;
        let first = move |step: Step| {
            let begin = step.time - step.length;
            if (begin - time).abs() <= slack.max(4.0 * f64::EPSILON * time.abs()) {
                step
            } else {
                Step { length: step.time - time, ..step }
            }
        };
        let mut left = self.steps().skip_while(move |step| step.time <= time + slack);
        left.next().map(first).into_iter().chain(left)
    }

    /// Number of steps.
    pub fn count(&self) -> u64 {
        match self.until {
            Until::Steps(steps) => steps,
            Until::Time(_) => (0..).map_while(|k| self.stretch(k)).map(|stretch| stretch.steps).sum(),
        }
    }

    /// The interval after snapshot `k`. `None` if it is beyond the end of the run.
    fn stretch(&self, k: u64) -> Option<Stretch> {
        if !self.at.is_empty() {
            return self.given_stretch(k as usize);
        }
        let end = self.ends_at();
        let Some(every) = self.every else {
            let whole = end.is_finite().then(|| divide(self.start, end, end - self.start, self.longest));
            return if k == 0 { whole.or(Some(self.open())) } else { None };
        };
        let begin = self.start + k as f64 * every;
        let next = self.start + (k + 1) as f64 * every;
        let slack = ROUNDING * every.min(self.longest);
        match end - begin {
            rest if rest <= slack => None,
            rest if (rest - every).abs() <= slack => Some(divide(begin, end, every, self.longest)),
            rest if rest < every => Some(divide(begin, end, rest, self.longest)),
            _ => Some(divide(begin, next, every, self.longest)),
        }
    }

    /// The interval after snapshot `k` of those that are given one by one.
    fn given_stretch(&self, k: usize) -> Option<Stretch> {
        let begin = if k == 0 { self.start } else { *self.at.get(k - 1)? };
        match self.at.get(k) {
            Some(&end) => Some(divide(begin, end, end - begin, self.longest)),
            None if matches!(self.until, Until::Steps(_)) && k == self.at.len() => {
                Some(Stretch { begin, ..self.open() })
            }
            None => None,
        }
    }

    /// An unlimited interval, for a run with a number of steps and without intervals between
    /// snapshots.
    fn open(&self) -> Stretch {
        Stretch { begin: self.start, end: f64::INFINITY, length: self.longest, steps: u64::MAX }
    }
}

fn divide(begin: f64, end: f64, duration: f64, longest: f64) -> Stretch {
    let steps = (duration / longest * (1.0 - ROUNDING)).ceil().max(1.0);
    Stretch { begin, end, length: duration / steps, steps: steps as u64 }
}

impl Stretch {
    fn step(&self, i: u64) -> Step {
        let last = i == self.steps;
        let time = if last { self.end } else { self.begin + i as f64 * self.length };
        Step { length: self.length, time, snapshot: last }
    }
}

#[cfg(test)]
mod tests {
    use super::Impossible::{EndsBeforeStart, Lost, StepTooShort, TooManySnapshots, TooManySteps};
    use super::*;

    fn schedule(
        end: Option<f64>,
        steps: Option<u64>,
        step: f64,
        start: f64,
        every: Option<f64>,
    ) -> Result<Schedule, Impossible> {
        let until = end.map_or_else(|| Until::Steps(steps.unwrap()), Until::Time);
        Schedule::new(until, step, start, every)
    }

    fn steps(end: Option<f64>, steps: Option<u64>, step: f64, start: f64, every: Option<f64>) -> Vec<Step> {
        let schedule = schedule(end, steps, step, start, every).unwrap();
        let list: Vec<Step> = schedule.steps().collect();
        assert_eq!(list.len() as u64, schedule.count());
        assert_eq!(list.last().map(|step| step.time), Some(schedule.end()));
        assert_eq!(snapshots(&list).len() as u64, schedule.snapshots());
        for done in 0..list.len() {
            let time = if done == 0 { start } else { list[done - 1].time };
            assert_eq!(schedule.left(done as u64, time), (list.len() - done) as u64);
        }
        list
    }

    fn snapshots(steps: &[Step]) -> Vec<f64> {
        steps.iter().filter(|step| step.snapshot).map(|step| step.time).collect()
    }

    #[test]
    fn outputs_are_hit_exactly_and_the_step_never_changes() {
        let list = steps(Some(3.0), None, 0.005, 0.0, Some(0.1));
        assert_eq!(list.len(), 600);
        assert!(list.iter().all(|step| step.length == 0.1 / 20.0));
        let times: Vec<f64> = (1..30).map(|k| f64::from(k) * 0.1).chain([3.0]).collect();
        assert_eq!(snapshots(&list), times);
    }

    #[test]
    fn a_step_that_does_not_fit_is_shortened_evenly() {
        let list = steps(Some(0.625), None, 0.15, 0.0, Some(0.25));
        assert_eq!(snapshots(&list), [0.25, 0.5, 0.625]);
        assert_eq!(list.iter().map(|step| step.length).collect::<Vec<_>>(), [0.125; 5]);
    }

    #[test]
    fn a_number_of_steps_is_kept() {
        let list = steps(None, Some(7), 0.1, 2.0, None);
        assert_eq!(list.len(), 7);
        assert_eq!(list[6], Step { length: 0.1, time: 2.0 + 7.0 * 0.1, snapshot: true });
        assert_eq!(
            snapshots(&steps(None, Some(7), 0.1, 0.0, Some(0.2))),
            [0.2, 0.4, 0.2 * 3.0, 0.2 * 3.0 + 0.1]
        );
    }

    #[test]
    fn given_times_are_hit_exactly() {
        let times = [-1.0, 0.0, 0.1, 0.37, 1.0 / 3.0 + 0.5, 2.0, 7.0];
        let until_time = Schedule::at_times(Until::Time(3.0), 0.05, 0.0, &times).unwrap();
        let list: Vec<Step> = until_time.steps().collect();
        assert_eq!(snapshots(&list), [0.1, 0.37, 1.0 / 3.0 + 0.5, 2.0, 3.0]);
        assert!(list.iter().all(|step| step.length <= 0.05 * (1.0 + 1e-9) && step.length > 0.03));
        assert_eq!((list.len() as u64, until_time.snapshots()), (until_time.count(), 5));
        for done in 1..=list.len() {
            assert!(until_time.after(list[done - 1].time).eq(list[done..].iter().copied()), "{done}");
        }
        let by_steps = Schedule::at_times(Until::Steps(9), 0.05, 0.0, &times).unwrap();
        let list: Vec<Step> = by_steps.steps().collect();
        // 2 steps to 0.1, 6 to 0.37, and the last one towards 0.83.
        assert_eq!((list.len(), snapshots(&list).len()), (9, 3));
        let past = Schedule::at_times(Until::Steps(4), 0.05, 0.0, &[0.1]).unwrap();
        assert_eq!(snapshots(&past.steps().collect::<Vec<_>>()), [0.1, 0.1 + 2.0 * 0.05]);
        let error = Schedule::at_times(Until::Time(3.0), 0.05, 0.0, &[1.0, 1.0 + 1e-15]);
        assert!(matches!(error, Err(Lost { which: Length::Gap, .. })));
    }

    #[test]
    fn without_snapshots_between_the_run_is_one_stretch() {
        let list = steps(Some(1.0), None, 0.3, 0.5, None);
        assert_eq!(list.iter().map(|step| step.length).collect::<Vec<_>>(), [0.25; 2]);
        assert_eq!(snapshots(&list), [1.0]);
    }

    #[test]
    fn outputs_closer_than_the_step_shorten_it() {
        let list = steps(Some(1.0), None, 10.0, 0.0, Some(0.5));
        assert_eq!(snapshots(&list), [0.5, 1.0]);
        assert_eq!(list.len(), 2);
    }

    #[test]
    fn what_is_left_after_a_step_is_what_was_left() {
        for (end, number, every) in
            [(Some(3.0), None, Some(0.1)), (Some(1.0), None, None), (None, Some(7), Some(0.2))]
        {
            let schedule = schedule(end, number, 0.007, 0.3, every).unwrap();
            let all: Vec<Step> = schedule.steps().collect();
            for done in 1..=all.len() {
                assert!(
                    schedule.after(all[done - 1].time).eq(all[done..].iter().copied()),
                    "after {done} steps"
                );
            }
        }
    }

    #[test]
    fn a_changed_schedule_goes_on_from_where_the_run_is() {
        let schedule = schedule(Some(1.0), None, 0.1, 0.0, Some(0.5)).unwrap();
        let left: Vec<Step> = schedule.after(0.25).collect();
        assert_eq!(left.len(), 8);
        assert!((left[0].length - 0.05).abs() < 1e-15 && (left[0].time - 0.3).abs() < 1e-15);
        assert!(left[1..].iter().all(|step| step.length == 0.1));
        assert_eq!(snapshots(&left), [0.5, 1.0]);
        assert_eq!(schedule.after(1.0).count(), 0);
    }

    #[test]
    fn what_no_run_can_do_is_refused() {
        type Is = fn(&Impossible) -> bool;
        let (snapshots, step, steps): (Is, Is, Is) = (
            |error| matches!(error, TooManySnapshots { .. }),
            |error| matches!(error, StepTooShort { .. }),
            |error| matches!(error, TooManySteps { .. }),
        );
        let lost_step: Is = |error| matches!(error, Lost { which: Length::Step, .. });
        let lost_interval: Is = |error| matches!(error, Lost { which: Length::Interval, .. });
        for (end, number, longest, start, every, is) in [
            (Some(1.0), None, 0.1, 0.0, Some(1e-15), snapshots),
            (Some(1.0), None, 0.1, 0.0, Some(1e-300), snapshots),
            (None, Some(u64::MAX), 0.1, 0.0, Some(1e-15), snapshots),
            (Some(1.0), None, 1e-300, 0.0, None, step),
            (Some(1e300), None, 0.1, 0.0, None, step),
            (Some(1e300), None, 0.1, 0.0, Some(0.1), snapshots),
            (None, Some(u64::MAX), 0.1, 0.0, None, steps),
            (None, Some(1 << 63), 0.1, 0.0, Some(1e300), steps),
            (None, Some(2), 1e-17, 1.0, None, lost_step),
            (None, Some(2), 0.1, 1e300, None, lost_step),
            (None, Some(2), 0.1, 1.0, Some(1e-17), lost_interval),
            (None, Some(2), f64::MAX, f64::MAX, None, lost_step),
            (Some(f64::MAX), None, f64::MAX, f64::MIN, None, step),
        ] {
            let error = schedule(end, number, longest, start, every).err();
            assert!(
                error.as_ref().is_some_and(is),
                "{end:?} {number:?} {longest} {start} {every:?}: {error:?}"
            );
        }
        schedule(Some(1e-290), None, 1e-300, 0.0, None).unwrap();
        schedule(None, Some(1_000_000_000), 1.0, 0.0, None).unwrap();
    }

    #[test]
    fn no_run_ends_before_it_starts() {
        let error = schedule(Some(1.0), None, 0.1, 1.0, None);
        assert_eq!(error, Err(EndsBeforeStart { end: 1.0, start: 1.0 }));
    }
}
