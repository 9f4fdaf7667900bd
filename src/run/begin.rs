//! Starts a run from its initial state, or continues it from a checkpoint.

use super::light_cone::Cone;
use super::state::{self, Found};
use super::watch::{self, Reason, Watch};
use super::{Place, Progress, Record, Run};
use crate::advice::resolution;
use crate::advice::softening;
use crate::console::{say, warn, workers};
use crate::ending::Ending;
use crate::initial::Loaded;
use crate::movie::Filming;
use crate::parameters::Parameters;
use crate::parameters::errors::name_source;
use crate::parameters::lightcone::Plan;
use crate::parameters::periodic_box::{self, PeriodicBox};
use crate::ranks::crew::Crew;
use crate::ranks::memory::{self, Free};
use crate::report::FileTimes;
use anyhow::{Result, anyhow, ensure};
use decomposition::{Reduction, Sharing, collective};
use io::checkpoint;
use nbody::cost::{Totals, timed};
use nbody::forces::Forces;
use nbody::schedule::Step;
use nbody::stepping::Course;
use nbody::{Simulation, Start};
use std::time::Duration;
use treecode::Bodies;

/// Least number of bodies in each file of a snapshot, if there are more than a few files. Smaller files
/// would take more time than the run.
const BODIES_OF_A_FILE: u64 = 16;
const FEW_FILES: u64 = 8;

/// Whether any rank has received a signal to stop. Collective.
fn is_asked(crew: &Crew) -> bool {
    let mut asked = [u64::from(watch::is_asked())];
    crew.comm.all_reduce(&mut asked, Reduction::Max);
    asked[0] > 0
}

/// The forces of a run, with the sharing of the bodies between the ranks. `free` is the available
/// memory of this rank before the bodies were read, and `column_bytes` the memory of a body's
/// further columns.
fn forces(crew: &Crew, parameters: &Parameters, free: &Free, column_bytes: u64) -> Forces {
    let ranks = crew.comm.size();
    let sharing = Sharing {
        balancing: parameters.batch.balance.into(),
        most_bodies: (ranks > 1).then(|| free.room(ranks, memory::of_columns(column_bytes, ranks))),
    };
    Forces { sharing, ..parameters.gravity.clone() }
}

/// Starts a run from its initial state.
pub(super) fn start(
    crew: &Crew,
    parameters: &Parameters,
    place: Place,
    mut watch: Watch,
    overwrite: bool,
) -> Result<Ending> {
    let folder = place.folder.clone();
    let units = parameters.units.units();
    let mut reading = Duration::ZERO;
    let free = Free::measure(crew);
    let mut loaded =
        timed(&mut reading, || parameters.initial.load(crew, &units, parameters.cosmology.as_ref()))?;
    let domain = parameters.gravity.gravity.domain;
    periodic_box::settle(crew, domain, parameters.initial.file(), &mut loaded)?;
    let Loaded { start: begun, invented_ids, .. } = loaded;
    check_density(crew, parameters, &begun.bodies)?;
    check_movie(crew, parameters, &begun.bodies)?;
    resolution::check(crew, parameters.initial.file(), &begun.bodies, &parameters.gravity)?;
    softening::warn_of_none(crew, &begun.bodies, &parameters.gravity.gravity.softening);
    let bodies = collective::sum(crew.comm, begun.bodies.len() as u64);
    let (files, most) = (u64::from(parameters.output.files), (bodies / BODIES_OF_A_FILE).max(FEW_FILES));
    ensure!(files <= most, "output.files = {files}: must be at most {most} for {bodies} bodies");
    let start = begun.time;
    let schedule = parameters.schedule(start)?;
    let span = [start, end(parameters, start, schedule.count())];
    check_potentials(parameters, span)?;
    parameters.movie.as_ref().map_or(Ok(()), |movie| movie.check_span(span))?;
    let source = parameters.initial.file();
    let plan = Plan::of(parameters);
    let cut = plan.as_ref().map_or(Ok(None), |plan| plan.check_run(crew, bodies, span))?;
    crew.lead(|| {
        if folder.prepare(overwrite, parameters.batch.restart, &parameters.inputs()?)? {
            say(&format!(
                "{}: a run was ended here before its first checkpoint; what it left is removed, and the run starts afresh",
                folder.shown()
            ));
        }
        Ok(())
    })?;
    let steps = schedule.count();
    greet(crew, bodies, &format!("{steps} steps"));
    if crew.leads() {
        plan.iter().for_each(|plan| say(&plan.words(bodies)));
        cut.iter().for_each(|line| warn(line));
    }
    let column_bytes = parameters.time.stepping.bytes_per_body() + begun.bodies.column_bytes();
    watch.expect(checkpoint::size(bodies, column_bytes));
    if is_asked(crew) {
        crew.lead(|| {
            say("stopped before the first state: a signal asked for it; --restart=auto starts the run");
            folder.forget_start()
        })?;
        return Ok(Ending::Interrupted);
    }
    let step_length = schedule.steps().next().map_or(parameters.time.step, |step| step.length);
    let forces = forces(crew, parameters, &free, column_bytes);
    let simulation = Simulation::begin(crew.comm, &forces, parameters.time.stepping, begun)
        .and_then(|mut simulation| simulation.choose_steps(crew.comm, step_length).map(|()| simulation))
        .map_err(|error| name_source(source, error));
    if simulation.is_err() {
        crew.lead(|| folder.forget_start())?; // nothing else is here yet
    }
    let mut simulation = simulation?;
    resolution::warn_of_pairs(crew, source, &simulation.pairs());
    let cone = plan.map(|plan| {
        let (cone, light) = Cone::begin(plan, start);
        simulation.follow(light);
        cone
    });
    let mut run = Run {
        crew,
        parameters,
        simulation,
        bodies,
        invented_ids,
        progress: Progress {
            start,
            step: 0,
            steps,
            step_length,
            restarts: 0,
            course: Course::default(),
            earlier: Totals::default(),
        },
        record: Record::new(
            FileTimes { reading_seconds: reading.as_secs_f64(), ..FileTimes::default() },
            Vec::new(),
        ),
        filming: filming(crew, parameters, start, steps),
        cone,
        watch,
        place,
    };
    run.begin_journal()?;
    run.light_beacon();
    run.tell_news();
    run.write_snapshot()?;
    run.film()?;
    if is_asked(crew) {
        run.write_checkpoint()?;
        return Ok(run.stop(Reason::Signal));
    }
    run.go_to_the_end(schedule.steps())
}

/// Continues a run from a checkpoint.
pub(super) fn go_on(
    crew: &Crew,
    parameters: &Parameters,
    place: Place,
    mut watch: Watch,
    found: Found,
) -> Result<Ending> {
    let folder = place.folder.clone();
    let Found { state, bodies, count, crossed, free } = found;
    check_movie(crew, parameters, &bodies)?;
    let changes = state::changes(&state, parameters)?;
    let schedule = parameters.schedule(state.start)?;
    // An incomplete step keeps its length, even if the schedule has changed.
    let from = state.part.as_ref().map_or(state.time, |part| part.time);
    let under_way = state.part.as_ref().map(|part| {
        let is_due = |step: Step| step.snapshot && step.time == part.time;
        let is_last = schedule.after(from).next().is_none();
        let snapshot = is_last || schedule.after(state.time).next().is_some_and(is_due);
        Step { length: part.length, time: part.time, snapshot }
    });
    parameters.check_end(from)?;
    let steps_left = || under_way.into_iter().chain(schedule.after(from));
    let left = match &state.part {
        Some(part) => 1 + schedule.left(state.step + 1, part.time),
        None => schedule.left(state.step, state.time),
    };
    let (step, steps) = (state.step, state.step + left);
    let least = step + u64::from(state.part.is_some());
    if let Some(wanted) = parameters.time.steps {
        ensure!(wanted >= least, "time.steps = {wanted}: the checkpoint is already at step {least}");
    }
    check_potentials(parameters, [state.time, end(parameters, state.start, steps)])?;
    greet(
        crew,
        count,
        &format!("goes on from step {step}, {}, with {left} steps left", parameters.moment(state.time)),
    );
    if crew.leads() {
        changes.iter().for_each(|line| say(line));
        if state.simd != treecode::simd_path() {
            say(&format!(
                "the checkpoint was computed with {}, this run computes with {}: bits may differ",
                state.simd,
                treecode::simd_path()
            ));
        }
    }
    crew.lead(|| {
        folder.clear_parts()?;
        folder.forget_start()?;
        state.light_cone.map_or(Ok(()), |cone| folder.remove_shells_from(cone.shells))?;
        if state.has_other_times(parameters) {
            folder.remove_snapshots_from(state.files.snapshots)
        } else {
            Ok(())
        }
    })?;
    watch.expect(checkpoint::size(count, bodies.column_bytes()));
    let forces = forces(crew, parameters, &free, bodies.column_bytes());
    let start = Start { bodies, time: state.time };
    let cone = Plan::of(parameters).zip(state.light_cone);
    let cone = cone.map(|(plan, state)| Cone::resume(plan, state, crossed));
    let (cone, light) = cone.unzip();
    let mut run = Run {
        crew,
        parameters,
        bodies: count,
        invented_ids: state.invented_ids,
        progress: Progress {
            start: state.start,
            step,
            steps,
            step_length: steps_left().next().map_or(parameters.time.step, |step| step.length),
            restarts: state.restarts + 1,
            course: state.course,
            earlier: state.totals,
        },
        record: Record::new(state.files, vec![step]),
        filming: filming(crew, parameters, state.start, steps),
        cone,
        watch,
        place,
        simulation: Simulation::resume(
            crew.comm,
            &forces,
            parameters.time.stepping,
            start,
            state.energy.last,
            state.forces,
            state.part,
        ),
    };
    light.into_iter().for_each(|light| run.simulation.follow(light));
    run.resume_film()?;
    run.resume_journal(&state.energy)?;
    run.light_beacon();
    if left > 0 && is_asked(crew) {
        return Ok(run.stop(Reason::Signal)); // the checkpoint is there
    }
    run.go_to_the_end(steps_left())
}

/// Checks that tables and orbits of external potentials reach over this time [T].
fn check_potentials(parameters: &Parameters, span: [f64; 2]) -> Result<()> {
    let external = &parameters.gravity.external;
    io::potentials::check_span(&parameters.potentials, external, span)
        .map_err(|fault| anyhow!("potential.{fault}"))
}

/// Checks that the bodies have the density of matter of the universe. Collective.
fn check_density(crew: &Crew, parameters: &Parameters, bodies: &Bodies) -> Result<()> {
    let Some(cosmology) = parameters.cosmology else { return Ok(()) };
    let mine: f64 = bodies.mass.iter().sum();
    let mass: f64 =
        collective::gather(crew.comm, &[mine.to_bits()]).concat().into_iter().map(f64::from_bits).sum();
    cosmology.check_density(parameters, mass)
}

/// Checks that the movie has bodies to draw, before any file is written. Collective.
fn check_movie(crew: &Crew, parameters: &Parameters, bodies: &Bodies) -> Result<()> {
    parameters.movie.as_ref().map_or(Ok(()), |movie| movie.check_bodies(crew.comm, bodies))
}

/// The movie of the run, if the parameters request one.
fn filming<'a>(
    crew: &'a Crew<'a>,
    parameters: &'a Parameters,
    start: f64,
    steps: u64,
) -> Option<Filming<'a>> {
    let movie = parameters.movie.as_ref()?;
    let span = [start, end(parameters, start, steps)];
    let expands = parameters.cosmology.is_some();
    let domain = PeriodicBox::domain(parameters.periodic_box);
    Some(Filming::new(crew, movie, parameters.units.units(), span, domain, expands))
}

/// Time at which a run of so many steps ends [T], or a later one.
fn end(parameters: &Parameters, start: f64, steps: u64) -> f64 {
    parameters.time.end_time().unwrap_or(start + steps as f64 * parameters.time.step)
}

fn greet(crew: &Crew, bodies: u64, what: &str) {
    if crew.leads() {
        let hosts = crew.layout.words();
        say(&format!("{bodies} bodies on {}{hosts}, {what}", workers(crew.comm.size(), crew.threads)));
    }
}
