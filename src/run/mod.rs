//! `heorot run`: from a parameter file to snapshots, `energy.csv` and `report.json`; stopped and
//! continued as a cluster wants it.

mod beacon;
pub(crate) mod folder;
mod journal;
mod lock;
mod state;
mod watch;

use crate::console::{all_said, duration, say, warn};
use crate::crew::Crew;
use crate::ending::Ending;
use crate::initial::{Initial, Loaded};
use crate::key_errors::name_key;
use crate::launch::{Launch, on_all_ranks};
use crate::movie::{Common, Filming, read_common};
use crate::parameters::{Parameters, Restart};
use crate::report::{FileTimes, Report, TimeSteps};
use crate::status::{self, LastCheckpoint, Phase, Status};
use crate::walltime::WallTime;
use crate::{machine, memory};
use anyhow::{Result, bail, ensure};
use beacon::Beacon;
use decomposition::{Reduction, collective};
use folder::Folder;
use io::snapshot::{Header, IDS_INVENTED, names};
use io::{Target, checkpoint};
use journal::Journal;
use lock::Lock;
use nbody::Start;
use nbody::cost::{Totals, timed};
use nbody::schedule::Step;
use nbody::stepping::{Course, Stepping};
use nbody::{Advance, Simulation};
use state::{Found, State};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use treecode::Bodies;
use watch::{Guard, Reason, Requests, Watch};

/// Run a simulation from a parameter file.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// Parameter file (TOML).
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Override a parameter, such as --set time.steps=20; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Remove the results of an earlier run from the output folder. Without this option such a
    /// folder is refused.
    #[arg(long, conflicts_with = "restart")]
    pub overwrite: bool,
    /// Continue from the last checkpoint in the output folder, on any number of ranks; results have
    /// the same bits. --restart=auto starts the run if there is no checkpoint. Overrides
    /// batch.restart.
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "always")]
    pub restart: Option<Restart>,
    /// Stop early enough to end within this wall time, such as 30m or 12:00:00, with a checkpoint.
    /// Overrides batch.walltime.
    #[arg(long, value_name = "TIME")]
    pub walltime: Option<WallTime>,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

const EXAMPLES: &str = "Examples:
  heorot run inputs/collision.toml
  heorot run inputs/plummer.toml --set time.steps=20 --set gravity.accuracy=3e-4
  mpirun -n 4 heorot run inputs/collision.toml --threads 2 --overwrite
  mpirun -n 8 heorot run inputs/collision.toml --restart=auto --walltime 12:00:00

The output folder receives snapshot_000.hdf5 and so on, energy.csv and steps.csv (a row each step),
report.json, checkpoints, and status.json, which `heorot status` reads. Numbers are in the units of the
file: kpc, 1e10 solar masses and km/s unless [units] says otherwise.

SIGTERM, SIGUSR1, SIGINT and a file `stop` in the output folder end the run with a checkpoint after the
current step (with block or adaptive steps, also within it). Files `checkpoint` and `snapshot` there
request one of each. Exit codes: 0 done, 1 failed, 2 wrong usage, 75 stopped by a limit or a signal
(--restart=auto continues), 76 stopped by a `stop` file. Only one run at a time may use a folder; it
holds heorot.lock there.";

/// Files of a snapshot beyond a few have so many bodies each, or they take more time than the run.
const BODIES_OF_A_FILE: u64 = 16;
const FEW_FILES: u64 = 8;

/// Does the command.
///
/// # Errors
/// If anything the user gave is wrong, or a file cannot be read or written.
pub fn main(arguments: &Arguments) -> Result<Ending> {
    watch::listen(); // before anything that takes time: a signal from now on is one that asks
    on_all_ranks(&arguments.launch, |crew| {
        let mut parameters = crew.agree(|| Parameters::load(&arguments.file, &arguments.set))?;
        let echo = io::parameters::echo(&parameters);
        let lines = echo.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        crew.ensure_alike("the parameters", lines)?;
        parameters.batch.restart = arguments.restart.unwrap_or(parameters.batch.restart);
        parameters.batch.walltime = arguments.walltime.or(parameters.batch.walltime);
        let ending = run(crew, &parameters, arguments.overwrite)?;
        if ending != Ending::Done
            && let Err(fault) = all_said()
        {
            // The job must be submitted again all the same.
            warn(&fault.to_string());
        }
        Ok(ending)
    })
}

/// Does a run, or what is left of it. Collective.
///
/// # Errors
/// The same on every rank.
pub fn run(crew: &Crew, parameters: &Parameters, overwrite: bool) -> Result<Ending> {
    let folder = Folder::new(&parameters.output.folder);
    crew.lead(watch::check_environment)?;
    let restart = if overwrite { Restart::Never } else { parameters.batch.restart };
    let watch = Watch::begin(crew.leads(), &folder, &parameters.batch);
    let mut lock = None;
    crew.lead(|| {
        if restart == Restart::Always && !folder.exists() {
            bail!("{}", state::nothing_in(&folder)); // and makes none
        }
        lock = Some(folder.lock()?);
        Ok(())
    })?;
    let guard = lock.as_ref().map(|lock| guard(&watch, lock));
    let place = Place { folder, lock, _guard: guard };
    match state::find(crew, &place.folder, restart)? {
        Some(found) => go_on(crew, parameters, place, watch, found),
        None => start(crew, parameters, place, watch, overwrite),
    }
}

/// The folder of a run. On the leading rank, it is locked, and the run ends in time in any case.
struct Place {
    folder: Folder,
    _guard: Option<Guard>,
    lock: Option<Lock>,
}

/// Ends the process, as a run that was stopped. Others of its launcher are ended by that.
fn guard(watch: &Watch, lock: &Lock) -> Guard {
    let lock = lock.handle();
    watch.guard(move |why| {
        say(&format!(
            "stopped in the midst of a step: {why}; --restart=auto goes on from the last checkpoint, if there is one, or starts the run"
        ));
        lock.release();
        signal_hook::low_level::exit(Ending::Interrupted.code().into());
    })
}

/// Whether a signal has asked any rank to stop. Collective.
fn is_asked(crew: &Crew) -> bool {
    let mut asked = [u64::from(watch::is_asked())];
    crew.comm.all_reduce(&mut asked, Reduction::Max);
    asked[0] > 0
}

/// A run from its initial state.
fn start(
    crew: &Crew,
    parameters: &Parameters,
    place: Place,
    mut watch: Watch,
    overwrite: bool,
) -> Result<Ending> {
    let folder = place.folder.clone();
    let units = parameters.units.units();
    let expected = crew.lead_tells(|| Ok(vec![parameters.initial.survey(&units)?.0]))?;
    memory::check(crew, expected[0], 0.0)?;
    let mut reading = Duration::ZERO;
    let Loaded { start: begun, invented_ids, .. } =
        timed(&mut reading, || parameters.initial.load(crew, &units))?;
    check_movie(crew, parameters, &begun.bodies)?;
    let bodies = collective::sum(crew.comm, begun.bodies.len() as u64);
    let (files, most) = (u64::from(parameters.output.files), (bodies / BODIES_OF_A_FILE).max(FEW_FILES));
    ensure!(files <= most, "output.files = {files}: must be at most {most} for {bodies} bodies");
    let start = begun.time;
    let schedule = parameters.time.schedule(start, parameters.output.snapshot_every)?;
    let source = match &parameters.initial {
        Initial::File { file, .. } => Some(file.as_path()),
        Initial::Model(_) => None,
    };
    crew.lead(|| {
        if folder.prepare(overwrite, parameters.batch.restart, source)? {
            say(&format!(
                "{}: a run was ended here before its first checkpoint; what it left is removed, and the run starts afresh",
                folder.shown()
            ));
        }
        Ok(())
    })?;
    let steps = schedule.count();
    greet(crew, bodies, &format!("{steps} steps"));
    watch.expect(checkpoint::size(bodies));
    if is_asked(crew) {
        crew.lead(|| {
            say("stopped before the first state: a signal asked for it; --restart=auto starts the run");
            folder.forget_start()
        })?;
        return Ok(Ending::Interrupted);
    }
    let step_length = schedule.steps().next().map_or(parameters.time.step, |step| step.length);
    let simulation = Simulation::begin(crew.comm, &parameters.gravity, parameters.time.stepping, begun)
        .and_then(|mut simulation| simulation.choose_steps(crew.comm, step_length).map(|()| simulation));
    if simulation.is_err() {
        crew.lead(|| folder.forget_start())?; // nothing else is here yet
    }
    let simulation = simulation.map_err(name_key)?;
    let mut run = Run {
        crew,
        parameters,
        beacon: None,
        watch,
        filming: filming(crew, parameters, start, steps),
        journal: None,
        files: FileTimes { reading_seconds: reading.as_secs_f64(), ..FileTimes::default() },
        earlier: Totals::default(),
        course: Course::default(),
        bodies,
        start,
        step: 0,
        steps,
        step_length,
        restarts: 0,
        invented_ids,
        saved: Vec::new(),
        folder,
        place,
        simulation,
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

/// A run from a checkpoint.
fn go_on(
    crew: &Crew,
    parameters: &Parameters,
    place: Place,
    mut watch: Watch,
    found: Found,
) -> Result<Ending> {
    let folder = place.folder.clone();
    let Found { state, bodies, count } = found;
    check_movie(crew, parameters, &bodies)?;
    let changes = state::changes(&state, parameters)?;
    let schedule = parameters.time.schedule(state.start, parameters.output.snapshot_every)?;
    // A step that is under way comes to its end as it has begun, whatever the schedule says now.
    let from = state.part.as_ref().map_or(state.time, |part| part.time);
    let under_way = state.part.as_ref().map(|part| {
        let is_due = |step: Step| step.snapshot && step.time == part.time;
        let is_last = schedule.after(from).next().is_none();
        let snapshot = is_last || schedule.after(state.time).next().is_some_and(is_due);
        Step { length: part.length, time: part.time, snapshot }
    });
    if let Some(end) = parameters.time.end {
        ensure!(end >= from, "time.end = {end}: the checkpoint is already at {from}");
    }
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
    greet(crew, count, &format!("goes on from step {step}, t {:.6}, with {left} steps left", state.time));
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
        if state.has_other_times(parameters) {
            folder.remove_snapshots_from(state.files.snapshots)
        } else {
            Ok(())
        }
    })?;
    watch.expect(checkpoint::size(count));
    let start = Start { bodies, time: state.time };
    let mut run = Run {
        crew,
        parameters,
        beacon: None,
        watch,
        filming: filming(crew, parameters, state.start, steps),
        journal: None,
        files: state.files,
        earlier: state.totals,
        course: state.course,
        bodies: count,
        start: state.start,
        step,
        steps,
        step_length: steps_left().next().map_or(parameters.time.step, |step| step.length),
        restarts: state.restarts + 1,
        invented_ids: state.invented_ids,
        saved: vec![step],
        folder,
        place,
        simulation: Simulation::resume(
            crew.comm,
            &parameters.gravity,
            parameters.time.stepping,
            start,
            state.energy.last,
            state.forces,
            state.part,
        ),
    };
    run.resume_film()?;
    run.resume_journal(&state.energy)?;
    run.light_beacon();
    if left > 0 && is_asked(crew) {
        return Ok(run.stop(Reason::Signal)); // the checkpoint is there
    }
    run.go_to_the_end(steps_left())
}

/// Refuses a movie of nothing before any file is made. Collective.
fn check_movie(crew: &Crew, parameters: &Parameters, bodies: &Bodies) -> Result<()> {
    parameters.movie.as_ref().map_or(Ok(()), |movie| movie.check_bodies(crew.comm, bodies))
}

/// A film of the run, if one is wanted.
fn filming<'a>(
    crew: &'a Crew<'a>,
    parameters: &'a Parameters,
    start: f64,
    steps: u64,
) -> Option<Filming<'a>> {
    let end = parameters.time.end.unwrap_or(start + steps as f64 * parameters.time.step);
    let movie = parameters.movie.as_ref()?;
    Some(Filming::new(crew, movie, parameters.units.units(), [start, end]))
}

fn greet(crew: &Crew, bodies: u64, what: &str) {
    if crew.leads() {
        let hosts = crew.layout.words();
        say(&format!(
            "{bodies} bodies on {} ranks x {} threads{hosts}, {what}",
            crew.comm.size(),
            crew.threads
        ));
    }
}

/// A run under way.
struct Run<'a> {
    crew: &'a Crew<'a>,
    parameters: &'a Parameters,
    folder: Folder,
    simulation: Simulation,
    watch: Watch,
    filming: Option<Filming<'a>>,
    /// On the leading rank.
    journal: Option<Journal>,
    /// On the leading rank.
    beacon: Option<Beacon>,
    files: FileTimes,
    /// What it took before the program was started this time.
    earlier: Totals,
    /// The steps of bodies so far.
    course: Course,
    bodies: u64,
    /// Time of the initial state [T].
    start: f64,
    /// Steps done.
    step: u64,
    /// Steps to do.
    steps: u64,
    restarts: u64,
    /// Whether the bodies came without ids of their own.
    invented_ids: bool,
    /// Steps of the checkpoints that this run has written or begun with, the last one last.
    saved: Vec<u64>,
    /// Length of the last step, or before it of the first [T].
    step_length: f64,
    /// It is given up last, after all that writes there.
    place: Place,
}

impl Run<'_> {
    fn go_to_the_end(mut self, left: impl Iterator<Item = Step>) -> Result<Ending> {
        self.say_limit();
        for step in left {
            let clock = Instant::now();
            let mut part = clock;
            while self.simulation.advance(self.crew.comm, step.length, step.time).map_err(name_key)?
                == Advance::Part
            {
                if let Some(reason) = self.serve_within(part.elapsed())? {
                    return Ok(self.stop(reason));
                }
                part = Instant::now();
            }
            self.step_length = step.length;
            self.step += 1;
            let requests = self.write_down(clock, part.elapsed())?;
            self.tell_news();
            self.film()?;
            if step.snapshot {
                self.write_snapshot()?;
            }
            if let Some(reason) = self.serve(requests)? {
                return Ok(self.stop(reason));
            }
        }
        self.finish()
    }

    fn begin_journal(&mut self) -> Result<()> {
        let (time, first, bodies, steps) =
            (self.simulation.time, self.simulation.diagnostics, self.bodies, self.steps);
        let (folder, journal) = (&self.folder, &mut self.journal);
        self.crew.lead(|| {
            *journal = Some(Journal::begin(folder, steps, bodies, time, first)?);
            Ok(())
        })
    }

    fn resume_journal(&mut self, energy: &crate::report::Energy) -> Result<()> {
        let (bodies, steps, step) = (self.bodies, self.steps, self.step);
        let (folder, journal) = (&self.folder, &mut self.journal);
        self.crew.lead(|| {
            *journal = Some(Journal::resume(folder, steps, bodies, step, energy)?);
            Ok(())
        })
    }

    fn light_beacon(&mut self) {
        if !self.crew.leads() {
            return;
        }
        let now = status::now();
        let left = |end: Instant| end.saturating_duration_since(Instant::now()).as_secs();
        let status = Status {
            phase: Phase::Running,
            host: machine::host(),
            place: machine::place(),
            pid: std::process::id(),
            pid_began: machine::process_start(std::process::id()),
            heartbeat: now,
            began: now,
            limit: self.watch.limit().map(|limit| now + left(limit.end)),
            ranks: self.crew.comm.size(),
            threads: self.crew.threads,
            bodies: self.bodies,
            step: self.step,
            steps: self.steps,
            time: self.simulation.time,
            step_ended: now,
            step_seconds: 0.0,
            eta_seconds: None,
            energy_error: self.journal.as_ref().map_or(0.0, |journal| journal.energy().error),
            load_balance: 1.0,
            gflops: 0.0,
            snapshots: self.files.snapshots,
            checkpoint: self.saved.last().map(|&step| self.last_checkpoint(step, now)),
        };
        let lock = self.place.lock.as_ref().map(Lock::handle);
        self.beacon = Some(Beacon::light(self.folder.status(), status, lock));
    }

    fn last_checkpoint(&self, step: u64, at: u64) -> LastCheckpoint {
        LastCheckpoint { file: self.folder.checkpoint(step), step, at }
    }

    fn say_limit(&self) {
        if let (Some(limit), Some(journal)) = (self.watch.limit(), &self.journal) {
            let left = duration(limit.end.saturating_duration_since(Instant::now()));
            journal.note(&format!("stops in time for {}, in {left}", limit.origin));
        }
    }

    /// Makes sure that the folder is still this run's. Collective.
    fn check_lock(&self) -> Result<()> {
        self.crew.lead(|| self.place.lock.as_ref().map_or(Ok(()), Lock::check))
    }

    /// Writes a checkpoint within a step, of which a part took so long, if one is asked for; why
    /// the run is to stop, if it is. Collective.
    fn serve_within(&mut self, took: Duration) -> Result<Option<Reason>> {
        let mut requests = self.watch.ask_within(took).to_numbers();
        self.crew.comm.all_reduce(&mut requests, Reduction::Max);
        let requests = Requests::from_numbers(requests);
        if requests.files[0] || requests.stop.is_some() {
            self.check_lock()?;
            self.write_checkpoint()?;
        }
        Ok(requests.stop)
    }

    /// Writes a row and a line about the step that began at `clock` and whose last part took so
    /// long; what all ranks together ask for. Collective.
    fn write_down(&mut self, clock: Instant, took: Duration) -> Result<Requests> {
        let bound = self.parameters.time.energy_bound;
        let excess = |journal: &Option<Journal>| journal.as_ref().map_or(0, |journal| journal.excess(bound));
        let (excess_before, too_fast_before) = (excess(&self.journal), self.course.too_fast);
        self.course.add(&self.simulation.course);
        let mut requests = self.watch.ask(self.step, took).to_numbers();
        let cost = self.simulation.last.totals(self.crew.comm, &mut requests).cost();
        let (simulation, journal, beacon, step) =
            (&self.simulation, &mut self.journal, &mut self.beacon, self.step);
        let lock = &self.place.lock;
        self.crew.lead(|| {
            lock.as_ref().map_or(Ok(()), Lock::check)?;
            let Some(journal) = journal else { return Ok(()) };
            journal.step(step, simulation.time, simulation.diagnostics, &cost, &simulation.course)?;
            beacon.iter_mut().for_each(|beacon| {
                beacon.tell(|status| {
                    status.step = step;
                    status.time = simulation.time;
                    status.step_ended = status::now();
                    status.step_seconds = clock.elapsed().as_secs_f64();
                    status.eta_seconds = Some(journal.remaining(step).as_secs());
                    status.energy_error = journal.energy().error;
                    status.load_balance = cost.load_balance;
                    status.gflops = cost.gflops.gordon_bell;
                });
            });
            Ok(())
        })?;
        if let Some(journal) = self.journal.as_ref().filter(|_| excess(&self.journal) > excess_before) {
            journal.note(&format!(
                "WARNING: the relative energy error {:.2e} is past time.energy_bound = {bound}: {}",
                journal.energy().error,
                self.parameters.energy_advice()
            ));
        }
        if let Some(journal) =
            self.journal.as_ref().filter(|_| too_fast_before == 0 && self.course.too_fast > 0)
        {
            journal.note(&format!(
                "WARNING: {} bodies need shorter steps than they are allowed: time.smallest_step is too long, or they are too close without softening",
                self.course.too_fast
            ));
        }
        Ok(Requests::from_numbers(requests))
    }

    /// Writes the files that are asked for; why the run is to stop, if it is and is not at its end
    /// anyway. Collective.
    fn serve(&mut self, requests: Requests) -> Result<Option<Reason>> {
        let [checkpoint, snapshot] = requests.files;
        if snapshot {
            self.write_snapshot_to(&self.folder.extra_snapshot(self.step))?;
            self.watch.fulfil("snapshot");
        }
        if self.step == self.steps {
            return Ok(None); // a checkpoint comes at the end
        }
        if checkpoint || requests.stop.is_some() {
            self.write_checkpoint()?;
        }
        Ok(requests.stop)
    }

    /// Says what was found about the force error.
    fn tell_news(&mut self) {
        if let (Some(news), Some(journal)) = (self.simulation.take_news(), &self.journal) {
            journal.note(&news);
        }
    }

    /// Makes a frame of the movie, if one is due. Collective.
    fn film(&mut self) -> Result<()> {
        let time = self.simulation.time;
        let Some(filming) = &mut self.filming else { return Ok(()) };
        let Some(number) = filming.due(time) else { return Ok(()) };
        let mut making = Duration::ZERO;
        timed(&mut making, || {
            let frame = self.crew.agree(|| filming.frame(number, time, self.simulation.bodies()))?;
            self.crew.lead(|| {
                let Some((picture, common)) = frame else { return Ok(()) };
                io::write_json_for_readers(&self.folder.frames(), &common)?;
                Ok(io::replace_for_readers(&self.folder.frame(number), &picture)?)
            })
        })?;
        self.files.frame_seconds += making.as_secs_f64();
        self.files.frames += 1;
        Ok(())
    }

    /// Goes on with the frames that are there. Collective.
    fn resume_film(&mut self) -> Result<()> {
        let Some(filming) = self.filming.take() else { return Ok(()) };
        let numbers = self.crew.lead_tells(|| {
            self.folder.remove_frames_after(filming.number(self.simulation.time))?;
            Ok(read_common(&self.folder.frames()).map_or(Vec::new(), Common::to_numbers))
        })?;
        self.filming = Some(filming.resume(self.simulation.time, Common::from_numbers(&numbers)));
        Ok(())
    }

    /// Makes a movie of the frames, and says what they cost.
    fn finish_film(&mut self) -> Result<()> {
        let Some(filming) = self.filming.take() else { return Ok(()) };
        let clock = Instant::now();
        self.crew.lead(|| {
            let frames = self.folder.all_frames()?;
            let Some((name, bytes)) = filming.assemble(&frames)? else { return Ok(()) };
            Target::own(self.folder.movie(name)).write(&bytes)?;
            if let Some(journal) = &self.journal {
                journal.note(&format!(
                    "{} of {} frames in {:.2} s; a frame took {:.3} s, a step {:.3} s",
                    self.folder.movie(name).display(),
                    frames.len(),
                    clock.elapsed().as_secs_f64(),
                    self.files.frame_seconds / self.files.frames.max(1) as f64,
                    self.simulation.all.total.as_secs_f64() / self.simulation.all.evaluations.max(1) as f64
                ));
            }
            Ok(())
        })
    }

    /// The next numbered snapshot. Collective.
    fn write_snapshot(&mut self) -> Result<()> {
        self.write_snapshot_to(&self.folder.snapshot(self.files.snapshots))?;
        self.files.snapshots += 1;
        let snapshots = self.files.snapshots;
        self.beacon.iter_mut().for_each(|beacon| beacon.tell(|status| status.snapshots = snapshots));
        Ok(())
    }

    fn write_snapshot_to(&mut self, path: &Path) -> Result<()> {
        let output = &self.parameters.output;
        let mut parameters = io::parameters::echo(self.parameters);
        if self.invented_ids {
            parameters.push((IDS_INVENTED.to_owned(), "true".to_owned()));
        }
        let header = Header {
            time: self.simulation.time,
            units: Some(self.parameters.units.units()),
            parameters,
            ..Header::default()
        };
        let (fields, layout) = (output.fields(self.step_length), output.layout());
        let mut writing = Duration::ZERO;
        self.watch.writes(true);
        let written = timed(&mut writing, || {
            self.crew.write_snapshot(&Target::own(path), &header, self.simulation.bodies(), fields, &layout)
        });
        self.watch.writes(false);
        written?;
        self.files.wrote(writing, &names(path, layout.files));
        self.watch.snapshot_took(writing);
        if let Some(journal) = &self.journal {
            journal.note(&format!("{} at t {:.6}", path.display(), self.simulation.time));
        }
        Ok(())
    }

    /// Writes a checkpoint; the one before is kept, too, and none else. Collective.
    fn write_checkpoint(&mut self) -> Result<()> {
        let (path, step) = (self.folder.checkpoint(self.step), self.step);
        let state = self.state();
        let journal = &self.journal;
        self.crew.lead(|| journal.as_ref().map_or(Ok(()), Journal::sync))?;
        let mut writing = Duration::ZERO;
        self.watch.writes(true);
        let bytes =
            timed(&mut writing, || self.crew.write_checkpoint(&path, &state, self.simulation.bodies()));
        self.watch.writes(false);
        let bytes = bytes?;
        self.saved.retain(|&saved| saved != step);
        self.saved.push(step);
        self.saved.drain(..self.saved.len().saturating_sub(2));
        self.crew.lead(|| {
            self.folder.keep_checkpoints(&self.saved)?;
            self.folder.forget_start()
        })?;
        self.files.checkpoint_seconds += writing.as_secs_f64();
        self.files.checkpoints += 1;
        self.watch.checkpoint_took(writing);
        if let Some(journal) = &self.journal {
            let (seconds, megabytes) = (writing.as_secs_f64(), bytes as f64 * 1e-6);
            let within = if self.simulation.part().is_some() { "within the step after" } else { "at" };
            journal.note(&format!(
                "{} {within} t {:.6}: {megabytes:.1} MB in {seconds:.2} s, {:.0} MB/s",
                path.display(),
                self.simulation.time,
                megabytes / seconds
            ));
        }
        let last = self.last_checkpoint(step, status::now());
        self.beacon
            .iter_mut()
            .for_each(|beacon| beacon.tell(|status| status.checkpoint = Some(last.clone())));
        Ok(())
    }

    /// Everything but the bodies. The energies are those of the leading rank. Collective.
    fn state(&self) -> State {
        State {
            program: crate::report::PROGRAM.to_owned(),
            simd: treecode::simd_path().to_owned(),
            parameters: io::parameters::echo(self.parameters),
            step: self.step,
            time: self.simulation.time,
            start: self.start,
            energy: self.journal.as_ref().map(Journal::energy).unwrap_or_default(),
            forces: self.simulation.progress(),
            course: self.course.clone(),
            totals: self.totals(),
            files: self.files,
            restarts: self.restarts,
            invented_ids: self.invented_ids,
            part: self.simulation.part().cloned(),
        }
    }

    /// What the whole run took so far. Collective.
    fn totals(&self) -> Totals {
        let mut totals = self.earlier.clone();
        totals.add(&self.simulation.so_far().totals(self.crew.comm, &mut []));
        totals
    }

    /// The checkpoint is written: says so, and goes.
    fn stop(mut self, reason: Reason) -> Ending {
        let (why, ending, phase) = match reason {
            Reason::Limit => ("the wall time is nearly used up", Ending::Interrupted, Phase::Interrupted),
            Reason::Signal => ("a signal asked for it", Ending::Interrupted, Phase::Interrupted),
            Reason::File => ("a stop file asked for it", Ending::Stopped, Phase::Stopped),
        };
        self.watch.fulfil("stop");
        if let Some(journal) = self.journal.take() {
            let (when, step) = match self.simulation.part() {
                Some(_) => ("within", self.step + 1),
                None => ("after", self.step),
            };
            journal.note(&format!("stopped {when} step {step} of {}: {why}; --restart goes on", self.steps));
        }
        self.end(phase);
        ending
    }

    fn end(&mut self, phase: Phase) {
        self.beacon.take().into_iter().for_each(|beacon| beacon.end(phase));
    }

    /// The last step is done: a checkpoint, from which a later end can be reached, and the report.
    /// Collective.
    fn finish(mut self) -> Result<Ending> {
        self.check_lock()?;
        let batch = &self.parameters.batch;
        let keeps = batch.checkpoint_every.0.is_some() || batch.checkpoint_steps.is_some();
        if keeps && self.saved.last() != Some(&self.step) {
            self.write_checkpoint()?;
        }
        self.watch.writes(true);
        self.finish_film()?;
        let cost = self.totals().cost();
        let mut report = Report::new(self.crew, "run", self.parameters, self.bodies, cost);
        report.steps = Some(self.steps);
        report.restarts = Some(self.restarts);
        report.set_files(self.files);
        report.accuracy = self.simulation.control().cloned();
        if self.parameters.time.stepping != Stepping::Fixed {
            report.time_steps = Some(TimeSteps::new(&self.course, self.step_length, self.bodies));
        }
        report.energy = self.journal.take().map(|journal| journal.energy());
        self.crew.lead(|| {
            Target::own(self.folder.report()).write_json(&report)?;
            self.folder.forget_start()?;
            report.say_speed();
            say(&format!("{}", self.folder.report().display()));
            Ok(())
        })?;
        self.watch.fulfil("stop");
        self.end(Phase::Done);
        let missed = self.simulation.control().filter(|control| control.is_missed());
        if let Some(control) = missed.filter(|_| !self.parameters.gravity.allow_missed) {
            bail!("the run is done, but its forces are not as wanted: {}", control.line());
        }
        Ok(Ending::Done)
    }
}
