//! State and full step of a run. A full step is kick, drift, force, kick. With adaptive timesteps,
//! it contains one such sequence for each substep.

use crate::cosmology::{Expansion, Invalid, Pace};
use crate::cost::{Meter, busy, timed};
use crate::forces::{Control, Engine, Forces, Pairs, Progress};
use crate::lightcone::LightCone;
use crate::potential::{External, Moment};
use crate::stepping::{
    Adaptive, CAUTION, Clock, Counts, Course, Ladder, NEEDED_STEP, Needs, RATE, Stepping, add_columns, column,
};
use crate::{Diagnostics, Error};
use decomposition::{Comm, Evaluation, Moments, Plan, Reduction, Speeds, collective};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, Instant};
use treecode::{Bodies, Selection, TYPES, leapfrog};

/// The bodies of one rank at the start of a simulation.
pub struct Start {
    /// The bodies. Their distribution over the ranks and their order do not matter.
    pub bodies: Bodies,
    /// Time of the bodies [T]. In an expanding universe, ln a.
    pub time: f64,
}

/// A simulation at one time: bodies with accelerations and potentials at their positions.
/// Collective functions take the communicator as an argument. It must have the rank and the number
/// of ranks of the communicator with which the simulation began.
pub struct Simulation {
    seat: Seat,
    engine: Engine,
    stepping: Stepping,
    external: Arc<External>,
    /// The request of the caller.
    forces: Forces,
    held: Held,
    /// Number of bodies of all ranks.
    total: u64,
    /// Whether any body has mass.
    has_mass: bool,
    /// Current time [T]. In an expanding universe, all times are ln a, and step lengths are
    /// differences of ln a.
    pub time: f64,
    /// Energy, momentum and angular momentum at the current time.
    pub diagnostics: Diagnostics,
    /// Cost of the last full step.
    pub last: Meter,
    /// Cost since the start of the run, without an incomplete step.
    pub all: Meter,
    /// Statistics of the substeps of the last full step.
    pub course: Course,
    /// The incomplete full step and its cost so far.
    part: Option<(PartialStep, Meter)>,
    light_cone: Option<Box<LightCone>>,
}

/// Rank and number of ranks of a communicator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seat {
    rank: usize,
    ranks: usize,
}

impl Seat {
    fn of(comm: &dyn Comm) -> Seat {
        Seat { rank: comm.rank(), ranks: comm.size() }
    }

    /// Panics if the communicator has another rank or another number of ranks. Its bodies would be
    /// those of another rank, and the results wrong without a sign.
    fn check(self, comm: &dyn Comm) {
        let Seat { rank, ranks } = Seat::of(comm);
        assert!(
            self == Seat { rank, ranks },
            "a simulation of rank {} of {} was given the communicator of rank {rank} of {ranks}",
            self.rank,
            self.ranks
        );
    }
}

/// An incomplete full step. It is interrupted where the next substep rebuilds the tree. The bodies
/// are then the only other state, so a checkpoint can be written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartialStep {
    /// Length of the full step [T].
    pub length: f64,
    /// Time at the end of the full step [T].
    pub time: f64,
    clock: Clock,
    course: Course,
}

impl PartialStep {
    /// How much of the full step is done, from 0 to 1.
    pub fn fraction(&self) -> f64 {
        self.clock.fraction()
    }
}

/// Result of [`Simulation::advance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advance {
    /// The full step is complete.
    Whole,
    /// The full step is interrupted. [`Simulation::part`] and the bodies are its complete state.
    Part,
}

/// The bodies between steps, with or without a tree.
enum Held {
    Evaluation(Box<Evaluation>),
    /// Bodies from a checkpoint, before the first evaluation.
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

/// The tree is rebuilt after force evaluations for this many bodies, as a fraction of all bodies.
/// The time of the sort is then a small fraction of the time of the force evaluations.
const SORTED_AFTER: f64 = 0.5;
/// An evaluation counts as at least this fraction of all bodies. So the tree is rebuilt at least
/// every 512 evaluations. Within a full step, a run can stop only at a tree rebuild.
const LEAST_FELT: f64 = 1.0 / 1024.0;
/// Finest rung of the first step. With bodies on finer rungs, the step would last days on any
/// machine.
const FINEST_AT_FIRST: u8 = 24;
/// Above this fraction of active bodies, moments are computed anew instead of drifted. They are
/// exact then, and their cost is small compared with that of the forces.
const FRESH_FROM: f64 = 0.05;

impl Simulation {
    /// Continues from a checkpoint. The bodies of `start` must have accelerations and potentials.
    /// Collective.
    pub fn resume(
        comm: &dyn Comm,
        forces: &Forces,
        stepping: Stepping,
        start: Start,
        diagnostics: Diagnostics,
        progress: Progress,
        part: Option<PartialStep>,
    ) -> Simulation {
        let Start { mut bodies, time } = start;
        if let Stepping::Adaptive(_) = stepping {
            add_columns(&mut bodies);
        }
        let mut engine = Engine::resume(forces, progress);
        let softened_at = part.as_ref().map_or(time, |part| part.time);
        engine.soften(forces.expansion.softening(&forces.gravity.softening, softened_at));
        Simulation {
            seat: Seat::of(comm),
            engine,
            stepping,
            external: forces.external.clone(),
            forces: forces.clone(),
            total: collective::sum(comm, bodies.len() as u64),
            has_mass: has_mass(comm, &bodies),
            held: Held::Bodies(Box::new(bodies)),
            time,
            diagnostics,
            last: Meter::default(),
            all: Meter::default(),
            course: Course::default(),
            part: part.map(|part| (part, Meter::default())),
            light_cone: None,
        }
    }

    /// Computes the forces on the initial state. Collective.
    ///
    /// # Errors
    /// A parameter or a body is invalid. Every rank returns the same error.
    pub fn begin(
        comm: &dyn Comm,
        forces: &Forces,
        stepping: Stepping,
        start: Start,
    ) -> Result<Simulation, Error> {
        let mut meter = Meter::default();
        let clock = Instant::now();
        let Start { mut bodies, time } = start;
        forces.check_space()?;
        let is_static = forces.expansion == Expansion::Static;
        if let Stepping::Adaptive(adaptive) = &stepping {
            if adaptive.criterion.asks_rate() && !is_static {
                return Err(Invalid::Criterion.into());
            }
            check_softening(comm, forces, adaptive, &bodies)?;
            add_columns(&mut bodies);
        }
        let has_mass = has_mass(comm, &bodies);
        if !has_mass && forces.external.is_empty() && collective::sum(comm, bodies.len() as u64) > 0 {
            return Err(Error::Massless);
        }
        if !forces.external.is_empty() || !is_static {
            // Those of a snapshot include the external ones, or are physical. The relative criterion uses neither.
            bodies.acc.iter_mut().for_each(|axis| axis.fill(0.0));
            bodies.pot.fill(0.0);
        }
        let mut engine = Engine::new(forces).with_pairs_checked();
        engine.soften(forces.expansion.softening(&forces.gravity.softening, time));
        engine.set_time(time);
        let mut evaluation = engine.evaluate(comm, bodies, &Plan::default())?;
        // The first step begins with a sort, so the bodies may leave the cube of the tree.
        evaluation.bodies.wrap(forces.gravity.domain);
        if let Stepping::Adaptive(adaptive) = &stepping
            && adaptive.criterion.asks_rate()
        {
            adaptive.guess_rates(&mut evaluation.bodies);
        }
        meter.verification = engine.take_verification();
        let external = forces.external.clone();
        let diagnostics = timed(&mut meter.diagnostics, || {
            let sums = Diagnostics::measure_in(comm, &evaluation, &external.at(time), has_mass);
            forces.expansion.scale_factor(time).map_or(sums, |a| sums.expanded(a, None))
        });
        meter.census = evaluation.census.clone();
        meter.evaluations = 1;
        meter.total = clock.elapsed();
        Ok(Simulation {
            seat: Seat::of(comm),
            engine,
            stepping,
            external,
            forces: forces.clone(),
            total: collective::sum(comm, evaluation.bodies.len() as u64),
            has_mass,
            held: Held::Evaluation(Box::new(evaluation)),
            time,
            diagnostics,
            all: meter.clone(),
            last: meter,
            course: Course::default(),
            part: None,
            light_cone: None,
        })
    }

    /// Does one full step of this length [T], which ends at `time` [T]. Collective.
    ///
    /// # Errors
    /// A position or a velocity is not finite or too large. Every rank returns the same error. The
    /// bodies are lost then.
    ///
    /// # Panics
    /// As [`Simulation::advance`].
    pub fn step(&mut self, comm: &dyn Comm, length: f64, time: f64) -> Result<(), Error> {
        while self.advance(comm, length, time)? == Advance::Part {}
        Ok(())
    }

    /// Does one full step of this length [T], which ends at `time` [T], or what remains of it. It
    /// returns early at a substep where the run may stop. Collective.
    ///
    /// # Errors
    /// A position or a velocity is not finite or too large. Every rank returns the same error. The
    /// bodies are lost then.
    ///
    /// # Panics
    /// `comm` has another rank or another number of ranks than at the start.
    pub fn advance(&mut self, comm: &dyn Comm, length: f64, time: f64) -> Result<Advance, Error> {
        self.seat.check(comm);
        let clock = Instant::now();
        let (part, mut meter) =
            self.part.take().map_or((None, Meter::default()), |(part, meter)| (Some(part), meter));
        let advanced = match self.stepping {
            Stepping::Fixed => Ok(self.step_together(comm, length, time, &mut meter)?),
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
            Ok(mut evaluation) => {
                // The next step begins with a sort, so the tree is not needed at the old places.
                evaluation.bodies.wrap(self.engine.gravity().domain);
                evaluation
            }
            Err(part) => {
                meter.total += clock.elapsed();
                self.part = Some((part, meter));
                return Ok(Advance::Part);
            }
        };
        let measured = timed(&mut meter.diagnostics, || {
            let sums = Diagnostics::measure_in(comm, &evaluation, &self.external.at(time), self.has_mass);
            let before = Some(&self.diagnostics);
            self.forces.expansion.scale_factor(time).map_or(sums, |a| sums.expanded(a, before))
        });
        meter.verification = self.engine.take_verification();
        self.held = Held::Evaluation(Box::new(evaluation));
        meter.total += clock.elapsed();
        self.all.add(&meter);
        self.time = time;
        self.diagnostics = measured;
        self.last = meter;
        Ok(Advance::Whole)
    }

    /// The incomplete full step, if the last [`Simulation::advance`] has returned early.
    pub fn part(&self) -> Option<&PartialStep> {
        self.part.as_ref().map(|(part, _)| part)
    }

    /// Cost since the start of the run, with the incomplete step.
    pub fn so_far(&self) -> Meter {
        let mut all = self.all.clone();
        self.part.iter().for_each(|(_, meter)| all.add(meter));
        all
    }

    /// Does a full step in which all bodies have the same timestep.
    fn step_together(
        &mut self,
        comm: &dyn Comm,
        length: f64,
        time: f64,
        meter: &mut Meter,
    ) -> Result<Evaluation, Error> {
        self.course = Course::default();
        let space = self.forces.expansion;
        let begin = time - length;
        // If bodies would move too far, the full step is divided.
        let longest = self.pace_of(begin, length).longest;
        let rung = (0..FINEST_AT_FIRST).find(|&rung| length * 0.5f64.powi(rung.into()) <= longest);
        let rung = rung.unwrap_or(FINEST_AT_FIRST);
        let step = length * 0.5f64.powi(rung.into());
        let parts = 1u32 << rung;
        let mut evaluation = None;
        for part in 1..=parts {
            let ends_at = if part == parts { time } else { begin + f64::from(part) * step };
            let from = if part == 1 { self.time } else { ends_at - step };
            let kick = |bodies: &mut Bodies, external: &Moment<'_>, from: f64| {
                let factor = space.kick(from, 0.5 * step);
                leapfrog::kick(bodies, factor);
                external.kick(bodies, |_| Some(factor));
            };
            let mut bodies =
                evaluation.take().map_or_else(|| self.held.take_bodies(), Evaluation::into_bodies);
            timed(&mut meter.integrate, || {
                kick(&mut bodies, &self.external.at(from), from);
                let factor = space.drift(from, step);
                self.light_cone.iter_mut().for_each(|cone| cone.record(&bodies, factor, ends_at));
                leapfrog::drift(&mut bodies, factor);
            });
            self.soften(ends_at);
            self.engine.set_time(ends_at);
            let mut now = self.engine.evaluate(comm, bodies, &Plan::default())?;
            timed(&mut meter.integrate, || {
                kick(&mut now.bodies, &self.external.at(ends_at), ends_at - 0.5 * step);
            });
            if parts > 1 {
                now.bodies.wrap(self.engine.gravity().domain);
                self.count(comm, &now, meter);
            } else {
                meter.census = now.census.clone();
                meter.evaluations = 1;
            }
            self.course.count(&Counts::on_one(rung, self.total), rung, true);
            evaluation = Some(now);
        }
        Ok(evaluation.expect("a full step has at least one part"))
    }

    /// Sets the softening lengths to those at a time [T].
    fn soften(&mut self, time: f64) {
        self.engine.soften(self.forces.expansion.softening(&self.forces.gravity.softening, time));
    }

    /// How long steps may be in a full step that begins at this time.
    fn pace_of(&self, begin: f64, length: f64) -> Pace {
        self.forces.expansion.pace(begin, length, self.diagnostics.kinetic, &self.forces, self.total)
    }

    /// Does a full step with individual timesteps (Quinn et al. 1997; Springel 2005). All bodies
    /// drift to the next time at which a step ends. Bodies whose step ends are active: they get new
    /// forces and a kick, and then choose their next step.
    ///
    /// It returns the incomplete step as `Err` if the tree must be rebuilt.
    fn step_apart(
        &mut self,
        comm: &dyn Comm,
        adaptive: &Adaptive,
        mut part: PartialStep,
        meter: &mut Meter,
    ) -> Result<Result<Evaluation, PartialStep>, Error> {
        let ladder = Ladder::new(part.length, adaptive.smallest);
        let space = self.forces.expansion;
        let longest = self.pace_of(part.time - part.length, part.length).longest;
        let mut counts = if part.clock == Clock::default() {
            let counts = self.choose(comm, adaptive, &ladder, part.length, meter);
            part.course.too_fast = counts.too_fast;
            let external = self.external.at(self.time);
            let kicks = ladder.kicks(&space, self.time, false);
            timed(&mut meter.integrate, || ladder.kick(self.held.bodies_mut(), &external, 0, &kicks));
            self.soften(part.time);
            counts
        } else {
            Counts::of(comm, self.held.bodies())
        };
        // Number of force evaluations of bodies since the last tree rebuild. The loop always starts
        // with a rebuild, because a continued run has no tree.
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
            let factor = space.drift(part.time - part.clock.rest() * part.length, ladder.length(finest));
            part.clock = clock;
            let now = part.time - clock.rest() * part.length;
            timed(&mut meter.integrate, || {
                self.light_cone.iter_mut().for_each(|cone| cone.record(self.held.bodies(), factor, now));
                leapfrog::drift(self.held.bodies_mut(), factor);
            });
            let until_sorted = SORTED_AFTER * all / counts.per_finest_step().max(LEAST_FELT * all);
            let ahead = clock.left(finest).min(until_sorted);
            let plan = Plan {
                selection: Selection {
                    least_rung: if active == all { 0 } else { least },
                    changes: adaptive.criterion.asks_rate(),
                },
                ahead: if active == all { 0.0 } else { ahead },
                finest_rung: finest,
                ..Plan::default()
            };
            let now = part.time - clock.rest() * part.length;
            self.engine.set_time(now);
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
            let external = self.external.at(now);
            let kicks = ladder.kicks(&space, now, true);
            timed(&mut meter.integrate, || ladder.kick(&mut evaluation.bodies, &external, least, &kicks));
            if clock.is_at_end() {
                self.course = part.course;
                return Ok(Ok(evaluation));
            }
            timed(&mut meter.integrate, || {
                let pace = Pace { longest, ..self.pace_of(now, part.length) };
                let needs = Needs { adaptive, gravity: self.engine.gravity(), external: &external, pace };
                counts = ladder.choose(comm, &needs, &mut evaluation.bodies, least);
                let kicks = ladder.kicks(&space, now, false);
                ladder.kick(&mut evaluation.bodies, &external, least, &kicks);
            });
            part.course.too_fast = part.course.too_fast.max(counts.too_fast);
            self.held = Held::Evaluation(Box::new(evaluation));
        }
    }

    /// Chooses the rungs of all bodies. Collective.
    fn choose(
        &mut self,
        comm: &dyn Comm,
        adaptive: &Adaptive,
        ladder: &Ladder,
        length: f64,
        meter: &mut Meter,
    ) -> Counts {
        let pace = self.pace_of(self.time, length);
        let (gravity, bodies) = (self.engine.gravity(), self.held.bodies_mut());
        let needs = Needs { adaptive, gravity, external: &self.external.at(self.time), pace };
        timed(&mut meter.integrate, || ladder.choose(comm, &needs, bodies, 0))
    }

    /// Chooses the rungs for a first step of this length [T], so that a snapshot of the initial
    /// state contains them. Collective.
    ///
    /// # Errors
    /// The first step needs more substeps than a run can do. Every rank returns the same error. The
    /// simulation is as before then.
    ///
    /// # Panics
    /// As [`Simulation::advance`].
    pub fn choose_steps(&mut self, comm: &dyn Comm, length: f64) -> Result<(), Error> {
        self.seat.check(comm);
        let Stepping::Adaptive(adaptive) = self.stepping else { return Ok(()) };
        let ladder = Ladder::new(length, adaptive.smallest);
        let bodies = self.held.bodies_mut();
        let before = (bodies.rung.clone(), column(bodies, NEEDED_STEP).clone());
        let counts = self.choose(comm, &adaptive, &ladder, length, &mut Meter::default());
        let finest = counts.finest();
        if finest > FINEST_AT_FIRST {
            let bodies = self.held.bodies_mut();
            (bodies.rung, *column(bodies, NEEDED_STEP)) = before;
            return Err(Error::StepsTooShort { length, finest, bodies: counts.at_least(finest) });
        }
        Ok(())
    }

    /// Number of bodies on each rung of a full step of this length [T], estimated for the initial state
    /// right after [`Simulation::begin`]: accelerations change as on circular orbits. The first step of a
    /// run is more cautious than that. `None` with fixed steps. Collective.
    pub fn estimated_rungs(&self, comm: &dyn Comm, length: f64) -> Option<Counts> {
        self.seat.check(comm);
        let Stepping::Adaptive(adaptive) = &self.stepping else { return None };
        let mut bodies = self.bodies().clone();
        column(&mut bodies, RATE).iter_mut().for_each(|rate| *rate /= CAUTION as f32);
        let pace = self.pace_of(self.time, length);
        let external = self.external.at(self.time);
        let needs = Needs { adaptive, gravity: self.engine.gravity(), external: &external, pace };
        Some(Ladder::new(length, adaptive.smallest).choose(comm, &needs, &mut bodies, 0))
    }

    /// Adds the cost of an evaluation to `meter`. Collective.
    fn count(&self, comm: &dyn Comm, evaluation: &Evaluation, meter: &mut Meter) {
        let mut slowest = [busy(&evaluation.census)];
        comm.all_reduce(&mut slowest, Reduction::Max);
        meter.slowest += Duration::from_nanos(slowest[0]);
        meter.census.add(&evaluation.census);
        meter.evaluations += 1;
    }

    /// From now on, records the bodies that cross a light cone. Space must expand.
    pub fn follow(&mut self, light_cone: LightCone) {
        self.light_cone = Some(Box::new(light_cone));
    }

    /// The light cone, if one is followed.
    pub fn light_cone(&self) -> Option<&LightCone> {
        self.light_cone.as_deref()
    }

    /// The light cone, from which complete shells are taken.
    pub fn light_cone_mut(&mut self) -> Option<&mut LightCone> {
        self.light_cone.as_deref_mut()
    }

    /// Results of the force error control. `None` if the caller has not requested an error.
    pub fn control(&self) -> Option<&Control> {
        self.engine.control()
    }

    /// Result of the check of close pairs at the start.
    pub fn pairs(&self) -> Pairs {
        self.engine.pairs()
    }

    /// A line for the log about the force error, if the last evaluations have one.
    pub fn take_news(&mut self) -> Option<String> {
        self.engine.take_news()
    }

    /// State of the force error control, for a checkpoint.
    pub fn progress(&self) -> Progress {
        self.engine.progress()
    }

    /// Measured speeds of the ranks, and their shares of the work.
    pub fn speeds(&self) -> &Speeds {
        self.engine.speeds()
    }

    /// The last evaluation. `None` before the first evaluation of a continued run.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        match &self.held {
            Held::Evaluation(evaluation) => Some(evaluation),
            Held::Bodies(_) => None,
        }
    }

    /// Frees the memory of the tree. The next step begins with another one.
    pub fn free_tree(&mut self) {
        self.held = Held::Bodies(Box::new(self.held.take_bodies()));
    }

    /// The bodies of this rank, with accelerations and potentials of their own gravity.
    /// [`Simulation::field`] has those of the external potentials.
    pub fn bodies(&self) -> &Bodies {
        self.held.bodies()
    }

    /// The request of the caller.
    pub fn forces(&self) -> &Forces {
        &self.forces
    }

    /// The external potentials.
    pub fn external(&self) -> &External {
        &self.external
    }

    /// The field of the external potentials at the current time.
    pub fn field(&self) -> Moment<'_> {
        self.external.at(self.time)
    }
}

/// Whether any body of any rank has mass. Collective.
fn has_mass(comm: &dyn Comm, bodies: &Bodies) -> bool {
    let mut any = [u64::from(bodies.mass.iter().any(|&mass| mass > 0.0))];
    comm.all_reduce(&mut any, Reduction::Max);
    any[0] > 0
}

/// Returns an error if the acceleration criterion meets bodies without softening: their timestep
/// would be zero.
fn check_softening(
    comm: &dyn Comm,
    forces: &Forces,
    adaptive: &Adaptive,
    bodies: &Bodies,
) -> Result<(), Error> {
    let mut present = [0; TYPES];
    bodies.kind.iter().for_each(|&kind| present[usize::from(kind).min(TYPES - 1)] = 1);
    comm.all_reduce(&mut present, Reduction::Max);
    let hard = |kind: &usize| present[*kind] > 0 && forces.gravity.softening.shortest(*kind as u8) == 0.0;
    match (0..TYPES).find(hard) {
        Some(kind) if adaptive.criterion.asks_acceleration() => Err(Error::Unsoftened { kind }),
        _ => Ok(()),
    }
}
