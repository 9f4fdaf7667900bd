//! The state of a run and its full step: kick, drift, force, kick; with adaptive steps, once more for each end of a body's step.

use crate::cost::{Meter, busy, timed};
use crate::forces::{Control, Engine, Forces, Progress};
use crate::stepping::{Adaptive, Clock, Counts, Course, Ladder, Stepping};
use crate::{Diagnostics, Error};
use decomposition::{Comm, Evaluation, Moments, Plan, Reduction, collective};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};
use treecode::{Bodies, Selection, TYPES, leapfrog};

/// A rank's share of the bodies that a simulation starts with.
pub struct Start {
    /// The bodies, on any rank in any order.
    pub bodies: Bodies,
    /// Their time [T].
    pub time: f64,
}

/// Bodies with the field of their positions, at one time. It owns its bodies; every collective call takes the ranks.
pub struct Simulation {
    engine: Engine,
    stepping: Stepping,
    held: Held,
    /// Bodies of all ranks.
    total: u64,
    /// The time [T].
    pub time: f64,
    /// Energy and the like at this time.
    pub diagnostics: Diagnostics,
    /// What it took to come to this state from the one before.
    pub last: Meter,
    /// What it took since the beginning.
    pub all: Meter,
    /// What the last step consisted of.
    pub course: Course,
    /// The full step that is under way, and what it took so far.
    part: Option<(PartialStep, Meter)>,
}

/// A full step up to a time at which the bodies are sorted next, so that nothing is needed but they: a checkpoint can be written there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartialStep {
    /// Length of the full step [T].
    pub length: f64,
    /// The time at its end [T].
    pub time: f64,
    clock: Clock,
    course: Course,
}

/// How far a full step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// To its end.
    Whole,
    /// To a time within it: [`Simulation::part`] and the bodies are all of its state.
    Part,
}

/// What holds the bodies between steps.
enum Held {
    Evaluation(Box<Evaluation>),
    /// Of a checkpoint: nothing has been evaluated since.
    Bodies(Box<Bodies>),
}

impl Held {
    fn bodies(&self) -> &Bodies {
        match self {
            Held::Evaluation(evaluation) => &evaluation.bodies,
            Held::Bodies(bodies) => bodies,
        }
    }

    fn bodies_mut(&mut self) -> &mut Bodies {
        match self {
            Held::Evaluation(evaluation) => &mut evaluation.bodies,
            Held::Bodies(bodies) => bodies,
        }
    }

    fn take_bodies(&mut self) -> Bodies {
        match std::mem::replace(self, Held::Bodies(Box::default())) {
            Held::Evaluation(evaluation) => evaluation.into_bodies(),
            Held::Bodies(bodies) => *bodies,
        }
    }

    fn take_evaluation(&mut self) -> Option<Evaluation> {
        match std::mem::replace(self, Held::Bodies(Box::default())) {
            Held::Evaluation(evaluation) => Some(*evaluation),
            Held::Bodies(_) => None,
        }
    }
}

/// Bodies are sorted anew where so many bodies, as a part of all, have felt the field since they were sorted last: the sort then takes a fraction of the
/// time that the field takes.
const SORTED_AFTER: f64 = 0.5;
/// An evaluation counts as that of this part of all bodies at least, so that they are sorted every 512 evaluations: a run can be stopped within a full step there only.
const LEAST_FELT: f64 = 1.0 / 1024.0;
/// A first step with bodies on finer rungs than this would take days, whatever the machine.
const FINEST_AT_FIRST: u8 = 24;
/// Moments are summed anew where more than this part of the bodies feels the field: it is cheap then, and they might as well be exact.
const FRESH_FROM: f64 = 0.05;

impl Simulation {
    /// Goes on from a checkpoint: `start` are its bodies with their field. Collective.
    pub fn resume(
        comm: &dyn Comm,
        forces: &Forces,
        stepping: Stepping,
        start: Start,
        diagnostics: Diagnostics,
        progress: Progress,
        part: Option<PartialStep>,
    ) -> Simulation {
        Simulation {
            engine: Engine::resume(forces, progress),
            stepping,
            total: collective::sum(comm, start.bodies.len() as u64),
            held: Held::Bodies(Box::new(start.bodies)),
            time: start.time,
            diagnostics,
            last: Meter::default(),
            all: Meter::default(),
            course: Course::default(),
            part: part.map(|part| (part, Meter::default())),
        }
    }

    /// Computes the first field. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a parameter or a body is bad.
    pub fn begin(
        comm: &dyn Comm,
        forces: &Forces,
        stepping: Stepping,
        start: Start,
    ) -> Result<Simulation, Error> {
        let mut meter = Meter::default();
        let clock = Instant::now();
        if let Stepping::Adaptive(adaptive) = &stepping {
            check_softening(comm, forces, adaptive, &start.bodies)?;
        }
        let mut engine = Engine::new(forces);
        let mut evaluation = engine.evaluate(comm, start.bodies, &Plan::default())?;
        if let Stepping::Adaptive(adaptive) = &stepping
            && adaptive.criterion.asks_rate()
        {
            adaptive.guess_rates(&mut evaluation.bodies);
        }
        meter.verification = engine.take_verification();
        let diagnostics = timed(&mut meter.diagnostics, || Diagnostics::measure(comm, &evaluation));
        meter.census = evaluation.census.clone();
        meter.evaluations = 1;
        meter.total = clock.elapsed();
        Ok(Simulation {
            engine,
            stepping,
            total: collective::sum(comm, evaluation.bodies.len() as u64),
            held: Held::Evaluation(Box::new(evaluation)),
            time: start.time,
            diagnostics,
            all: meter.clone(),
            last: meter,
            course: Course::default(),
            part: None,
        })
    }

    /// Goes one full step of this length [T], which ends at `time`. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a body has left the numbers that can be computed with.
    pub fn step(&mut self, comm: &dyn Comm, length: f64, time: f64) -> Result<(), Error> {
        while self.advance(comm, length, time)? == Advance::Part {}
        Ok(())
    }

    /// Goes one full step of this length [T], which ends at `time`, or the part of it that is left, or up to the next time within it at which the run may be stopped.
    /// Collective.
    ///
    /// # Errors
    /// The same on every rank, if a body has left the numbers that can be computed with.
    pub fn advance(&mut self, comm: &dyn Comm, length: f64, time: f64) -> Result<Advance, Error> {
        let clock = Instant::now();
        let (part, mut meter) =
            self.part.take().map_or((None, Meter::default()), |(part, meter)| (Some(part), meter));
        let advanced = match self.stepping {
            Stepping::Fixed => Ok(self.step_together(comm, length, &mut meter)?),
            Stepping::Adaptive(adaptive) => {
                let part = part.unwrap_or(PartialStep {
                    length,
                    time,
                    clock: Clock::default(),
                    course: Course::default(),
                });
                self.step_apart(comm, &adaptive, part, &mut meter)?
            }
        };
        let evaluation = match advanced {
            Ok(evaluation) => evaluation,
            Err(part) => {
                meter.total += clock.elapsed();
                self.part = Some((part, meter));
                return Ok(Advance::Part);
            }
        };
        let measured = timed(&mut meter.diagnostics, || Diagnostics::measure(comm, &evaluation));
        meter.verification = self.engine.take_verification();
        self.held = Held::Evaluation(Box::new(evaluation));
        meter.total += clock.elapsed();
        self.all.add(&meter);
        self.time = time;
        self.diagnostics = measured;
        self.last = meter;
        Ok(Advance::Whole)
    }

    /// The full step that is under way, if the last call of [`Simulation::advance`] has not come to its end.
    pub fn part(&self) -> Option<&PartialStep> {
        self.part.as_ref().map(|(part, _)| part)
    }

    /// What it took since the beginning, with the part of a step that is under way.
    pub fn so_far(&self) -> Meter {
        let mut all = self.all.clone();
        self.part.iter().for_each(|(_, meter)| all.add(meter));
        all
    }

    /// All bodies in one step.
    fn step_together(
        &mut self,
        comm: &dyn Comm,
        length: f64,
        meter: &mut Meter,
    ) -> Result<Evaluation, Error> {
        let mut bodies = self.held.take_bodies();
        timed(&mut meter.integrate, || {
            leapfrog::kick(&mut bodies, 0.5 * length);
            leapfrog::drift(&mut bodies, length);
        });
        let mut evaluation = self.engine.evaluate(comm, bodies, &Plan::default())?;
        timed(&mut meter.integrate, || leapfrog::kick(&mut evaluation.bodies, 0.5 * length));
        meter.census = evaluation.census.clone();
        meter.evaluations = 1;
        self.course = Course::default();
        self.course.count(&Counts::on_one(0, self.total), 0, true);
        Ok(evaluation)
    }

    /// Each body in steps of its own. All drift together, from one end of a step to the next; whose step ends feels the field, is kicked and chooses its
    /// next step (Quinn et al. 1997; Springel 2005). Ends where the bodies are to be sorted again, with the part of the step that is done.
    fn step_apart(
        &mut self,
        comm: &dyn Comm,
        adaptive: &Adaptive,
        mut part: PartialStep,
        meter: &mut Meter,
    ) -> Result<Result<Evaluation, PartialStep>, Error> {
        let ladder = Ladder::new(part.length, adaptive.smallest);
        let mut counts = if part.clock == Clock::default() {
            let counts = self.choose(comm, adaptive, &ladder, meter);
            part.course.too_fast = counts.too_fast;
            timed(&mut meter.integrate, || ladder.open(self.held.bodies_mut(), 0));
            counts
        } else {
            Counts::of(comm, self.held.bodies())
        };
        // Bodies that have felt the field since they were sorted; here they are sorted in any case, since a run that is continued has no tree.
        let mut felt = f64::INFINITY;
        loop {
            let (finest, mut clock) = (counts.finest(), part.clock);
            clock.advance(finest);
            let (all, least) = (counts.total() as f64, clock.coarsest());
            let active = counts.at_least(least) as f64;
            let sorts = felt + active > SORTED_AFTER * all;
            if sorts && felt.is_finite() {
                return Ok(Err(part));
            }
            part.clock = clock;
            timed(&mut meter.integrate, || leapfrog::drift(self.held.bodies_mut(), ladder.length(finest)));
            let until_sorted = SORTED_AFTER * all / counts.per_finest_step().max(LEAST_FELT * all);
            let ahead = clock.left(finest).min(until_sorted);
            let plan = Plan {
                selection: Selection {
                    least_rung: if active == all { 0 } else { least },
                    changes: adaptive.criterion.asks_rate(),
                },
                ahead: if active == all { 0.0 } else { ahead },
                finest_rung: finest,
            };
            let mut evaluation = if sorts {
                self.engine.evaluate(comm, self.held.take_bodies(), &plan)?
            } else {
                let moments = if active > FRESH_FROM * all { Moments::Fresh } else { Moments::Drifted };
                let before = self.held.take_evaluation().expect("the first time in a step sorts");
                self.engine.again(comm, before, &plan, moments)
            };
            felt = if sorts { 0.0 } else { felt + active.max(LEAST_FELT * all) };
            self.count(comm, &evaluation, meter);
            part.course.count(&counts, least, sorts);
            timed(&mut meter.integrate, || ladder.close(&mut evaluation.bodies, least));
            if clock.is_at_end() {
                self.course = part.course;
                return Ok(Ok(evaluation));
            }
            timed(&mut meter.integrate, || {
                let gravity = self.engine.gravity();
                counts = ladder.choose(comm, adaptive, gravity, &mut evaluation.bodies, least);
                ladder.open(&mut evaluation.bodies, least);
            });
            part.course.too_fast = part.course.too_fast.max(counts.too_fast);
            self.held = Held::Evaluation(Box::new(evaluation));
        }
    }

    /// Gives all bodies the rungs that they need. Collective.
    fn choose(&mut self, comm: &dyn Comm, adaptive: &Adaptive, ladder: &Ladder, meter: &mut Meter) -> Counts {
        let (gravity, bodies) = (self.engine.gravity(), self.held.bodies_mut());
        timed(&mut meter.integrate, || ladder.choose(comm, adaptive, gravity, bodies, 0))
    }

    /// Gives bodies the rungs of the first step, which has this length [T]: for a snapshot of the first state. Collective.
    ///
    /// # Errors
    /// The same on every rank, if the first step would have more evaluations than any run can do.
    pub fn choose_steps(&mut self, comm: &dyn Comm, length: f64) -> Result<(), Error> {
        let Stepping::Adaptive(adaptive) = self.stepping else { return Ok(()) };
        let counts =
            self.choose(comm, &adaptive, &Ladder::new(length, adaptive.smallest), &mut Meter::default());
        let finest = counts.finest();
        if finest > FINEST_AT_FIRST {
            return Err(Error::StepsTooShort { length, finest, bodies: counts.at_least(finest) });
        }
        Ok(())
    }

    /// Adds what an evaluation took. Collective.
    fn count(&self, comm: &dyn Comm, evaluation: &Evaluation, meter: &mut Meter) {
        let mut slowest = [busy(&evaluation.census)];
        comm.all_reduce(&mut slowest, Reduction::Max);
        meter.slowest += Duration::from_nanos(slowest[0]);
        meter.census.add(&evaluation.census);
        meter.evaluations += 1;
    }

    /// What the control of the force error has come to, if there is one.
    pub fn control(&self) -> Option<&Control> {
        self.engine.control()
    }

    /// What the last evaluations found about the force error, for the log.
    pub fn take_news(&mut self) -> Option<String> {
        self.engine.take_news()
    }

    /// How far the control of the force error has come, for a checkpoint.
    pub fn progress(&self) -> Progress {
        self.engine.progress()
    }

    /// The last evaluation, if there was one since the run was started or continued.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        match &self.held {
            Held::Evaluation(evaluation) => Some(evaluation),
            Held::Bodies(_) => None,
        }
    }

    /// This rank's bodies, with their field.
    pub fn bodies(&self) -> &Bodies {
        self.held.bodies()
    }
}

/// The acceleration criterion gives bodies without softening no step at all.
fn check_softening(
    comm: &dyn Comm,
    forces: &Forces,
    adaptive: &Adaptive,
    bodies: &Bodies,
) -> Result<(), Error> {
    let mut present = [0; TYPES];
    bodies.kind.iter().for_each(|&kind| present[usize::from(kind).min(TYPES - 1)] = 1);
    comm.all_reduce(&mut present, Reduction::Max);
    let hard = |kind: &usize| present[*kind] > 0 && forces.gravity.softening.length[*kind] == 0.0;
    match (0..TYPES).find(hard) {
        Some(kind) if adaptive.criterion.asks_acceleration() => Err(Error::Unsoftened { kind }),
        _ => Ok(()),
    }
}
