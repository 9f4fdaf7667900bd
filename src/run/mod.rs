//! `heorot run`: runs a simulation from a parameter file, and writes snapshots, tables and a report.
//! Stops on request and continues from checkpoints.

mod beacon;
mod begin;
mod files;
pub(crate) mod folder;
mod journal;
mod light_cone;
mod lock;
mod state;
mod watch;

use crate::batch::status::{self, LastCheckpoint, Phase, Status};
use crate::batch::walltime::WallTime;
use crate::console::{all_said, duration, log_each_step, say, warn};
use crate::ending::Ending;
use crate::files::same_files;
use crate::movie::Filming;
use crate::parameters::errors::name_key;
use crate::parameters::{BalanceBy, Parameters, Restart};
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_all_ranks};
use crate::ranks::machine;
use crate::report::{FileTimes, Report, TimeSteps};
use anyhow::{Result, bail};
use beacon::Beacon;
use begin::{go_on, start};
use decomposition::Reduction;
use folder::Folder;
use io::Target;
use journal::{Journal, Outside};
pub(crate) use journal::{TableOfRun, tables};
use lock::Lock;
use nbody::cosmology::redshift_of;
use nbody::cost::Totals;
use nbody::schedule::Step;
use nbody::stepping::{Course, Stepping};
use nbody::{Advance, PartialStep, Simulation};
use std::path::PathBuf;
use std::time::{Duration, Instant};
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
    /// Continue from the last checkpoint in the output folder, on any number of ranks. The results
    /// are bitwise identical to those of an uninterrupted run. --restart alone means
    /// --restart=always. --restart=auto starts the run if there is no checkpoint. Overrides
    /// batch.restart.
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "always")]
    pub restart: Option<Restart>,
    /// Write a checkpoint and stop early enough to end within this wall time, such as 30m or
    /// 12:00:00. Overrides batch.walltime.
    #[arg(long, value_name = "TIME")]
    pub walltime: Option<WallTime>,
    /// What the load balance makes equal on all ranks: speed (the computing time: each rank
    /// measures its speed, and faster ranks get more work) or work (the work, whatever the speed of
    /// a rank). The results are bitwise identical. Overrides batch.balance.
    #[arg(long, value_name = "WHAT")]
    pub balance: Option<BalanceBy>,
    /// Log a line for each step, instead of one every 5 seconds. The files energy.csv and steps.csv
    /// have a row for each step in any case.
    #[arg(long)]
    pub log_each_step: bool,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

const EXAMPLES: &str = "Examples:
  heorot run inputs/collision.toml
  heorot run inputs/plummer.toml --set time.steps=20 --set gravity.accuracy=3e-4
  mpirun -n 4 heorot run inputs/collision.toml --threads 2 --overwrite
  mpirun -n 8 heorot run inputs/collision.toml --restart=auto --walltime 12:00:00

The output folder receives snapshot_000.hdf5 and so on, energy.csv and steps.csv (one row for each
step), report.json, checkpoints, and status.json, which `heorot status` reads. Numbers are in the
units of the parameter file: kpc, 1e10 solar masses and km/s unless [units] says otherwise.

SIGTERM, SIGUSR1, SIGINT or a file `stop` in the output folder ends the run with a checkpoint after
the current step. With block or adaptive steps, the run can also end within a step. A file
`checkpoint` or `snapshot` in the output folder requests a checkpoint or a snapshot. Exit codes: 0
done, 1 failed, 2 wrong usage, 75 stopped by a limit or a signal (--restart=auto continues), 76
stopped by a `stop` file. Only one run at a time may use a folder. It holds the lock file
heorot.lock there.";

/// Runs the command.
///
/// # Errors
/// If the input of the user is wrong, or a file cannot be read or written.
pub fn main(arguments: &Arguments) -> Result<Ending> {
    if arguments.log_each_step {
        log_each_step();
    }
    watch::listen(); // first, so that a signal requests a stop from now on
    on_all_ranks(&arguments.launch, |crew| {
        let mut parameters = crew.agree(|| Parameters::load(&arguments.file, &arguments.set))?;
        let echo = io::parameters::echo(&parameters);
        let lines = echo.iter().map(|(key, value)| format!("{key} = {value}")).collect();
        crew.ensure_alike("the parameters", lines)?;
        same_files::check(crew, &parameters.initial.tables())?;
        parameters.batch.restart = arguments.restart.unwrap_or(parameters.batch.restart);
        parameters.batch.walltime = arguments.walltime.or(parameters.batch.walltime);
        parameters.batch.balance = arguments.balance.unwrap_or(parameters.batch.balance);
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

/// Starts or continues a run. Collective.
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

/// The folder of a run. The leading rank holds its lock and the guard that ends the run in time.
struct Place {
    folder: Folder,
    _guard: Option<Guard>,
    lock: Option<Lock>,
}

/// The guard ends the process with the exit code of an interrupted run. The launcher then ends the other
/// ranks.
fn guard(watch: &Watch, lock: &Lock) -> Guard {
    let lock = lock.handle();
    watch.guard(move |why| {
        say(&format!(
            "stopped in the midst of a step: {why}; --restart=auto continues from the last checkpoint, if there is one, or else starts the run"
        ));
        lock.release();
        signal_hook::low_level::exit(Ending::Interrupted.code().into());
    })
}

/// A running simulation and its output.
struct Run<'a> {
    crew: &'a Crew<'a>,
    parameters: &'a Parameters,
    simulation: Simulation,
    /// Number of bodies on all ranks.
    bodies: u64,
    /// Whether the bodies had no valid ids and were numbered.
    invented_ids: bool,
    progress: Progress,
    record: Record,
    filming: Option<Filming<'a>>,
    cone: Option<light_cone::Cone>,
    watch: Watch,
    /// The last field, so that the lock is released after all writers are dropped.
    place: Place,
}

/// How far a run is.
struct Progress {
    /// Time of the initial state [T].
    start: f64,
    /// Number of steps done.
    step: u64,
    /// Number of steps in total.
    steps: u64,
    /// Length of the last step, or of the first one if there was none [T].
    step_length: f64,
    restarts: u64,
    /// Statistics of the steps of bodies so far.
    course: Course,
    /// Cost before this start of the program.
    earlier: Totals,
}

/// What a run has written, and where it tells of itself.
struct Record {
    /// On the leading rank.
    journal: Option<Journal>,
    /// On the leading rank.
    beacon: Option<Beacon>,
    files: FileTimes,
    /// Steps of the checkpoints that this run has written or started from, in ascending order.
    saved: Vec<u64>,
}

impl Record {
    /// The record of a run whose journal is not yet open.
    fn new(files: FileTimes, saved: Vec<u64>) -> Record {
        Record { journal: None, beacon: None, files, saved }
    }
}

impl Run<'_> {
    fn go_to_the_end(mut self, left: impl Iterator<Item = Step>) -> Result<Ending> {
        self.say_limit();
        let outside = self.parameters.times_outside(self.progress.start);
        if let (Some(outside), Some(journal)) = (outside, &self.record.journal) {
            journal.warn(&outside);
        }
        for step in left {
            let clock = Instant::now();
            let mut part = clock;
            while self.simulation.advance(self.crew.comm, step.length, step.time).map_err(name_key)?
                == Advance::Part
            {
                self.write_shells()?;
                if let Some(reason) = self.serve_within(part.elapsed())? {
                    return Ok(self.stop(reason));
                }
                part = Instant::now();
            }
            self.progress.step_length = step.length;
            self.progress.step += 1;
            let requests = self.write_down(clock, part.elapsed())?;
            self.tell_news();
            self.write_shells()?;
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
            (self.simulation.time, self.simulation.diagnostics, self.bodies, self.progress.steps);
        let outside = Outside::of(&self.parameters.gravity);
        let (folder, journal) = (&self.place.folder, &mut self.record.journal);
        self.crew.lead(|| {
            *journal = Some(Journal::begin(folder, steps, bodies, time, first, outside)?);
            Ok(())
        })
    }

    fn resume_journal(&mut self, energy: &crate::report::Energy) -> Result<()> {
        let (bodies, steps, step) = (self.bodies, self.progress.steps, self.progress.step);
        let outside = Outside::of(&self.parameters.gravity);
        let (folder, journal) = (&self.place.folder, &mut self.record.journal);
        self.crew.lead(|| {
            *journal = Some(Journal::resume(folder, steps, bodies, step, energy, outside)?);
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
            step: self.progress.step,
            steps: self.progress.steps,
            part: self.simulation.part().map_or(0.0, PartialStep::fraction),
            time: self.simulation.time,
            redshift: self.redshift(),
            step_ended: now,
            step_seconds: 0.0,
            eta_seconds: None,
            energy_error: self.record.journal.as_ref().map_or(0.0, |journal| journal.energy().error),
            load_balance: 1.0,
            balance: self.parameters.batch.balance,
            gflops: 0.0,
            snapshots: self.record.files.snapshots,
            checkpoint: self.record.saved.last().map(|&step| self.last_checkpoint(step, now)),
        };
        let lock = self.place.lock.as_ref().map(Lock::handle);
        self.record.beacon = Some(Beacon::light(self.place.folder.status(), status, lock));
    }

    /// The redshift, in an expanding universe.
    fn redshift(&self) -> Option<f64> {
        self.parameters.gravity.expansion.scale_factor(self.simulation.time).map(redshift_of)
    }

    fn last_checkpoint(&self, step: u64, at: u64) -> LastCheckpoint {
        LastCheckpoint { file: self.place.folder.checkpoint(step), step, at }
    }

    fn say_limit(&self) {
        if let (Some(limit), Some(journal)) = (self.watch.limit(), &self.record.journal) {
            let left = duration(limit.end.saturating_duration_since(Instant::now()));
            journal.note(&format!("stops in time for {}, in {left}", limit.origin));
        }
    }

    /// Checks that this run still holds the lock of the folder. Collective.
    fn check_lock(&self) -> Result<()> {
        self.crew.lead(|| self.place.lock.as_ref().map_or(Ok(()), Lock::check))
    }

    /// Handles requests within a step, whose last part took this long. Writes a checkpoint if one is
    /// requested. Returns the reason to stop, if there is one. Collective.
    fn serve_within(&mut self, took: Duration) -> Result<Option<Reason>> {
        let mut requests = self.watch.ask_within(took).to_numbers();
        self.crew.comm.all_reduce(&mut requests, Reduction::Max);
        let requests = Requests::from_numbers(requests);
        let part = self.simulation.part().map_or(0.0, PartialStep::fraction);
        self.record.beacon.iter_mut().for_each(|beacon| beacon.tell(|status| status.part = part));
        let step = self.progress.step + 1;
        self.record.journal.iter().for_each(|journal| journal.within(step, self.simulation.time, part));
        if requests.files[0] || requests.stop.is_some() {
            self.check_lock()?;
            self.write_checkpoint()?;
        }
        Ok(requests.stop)
    }

    /// Records the step that began at `clock` and whose last part took this long. Returns the requests
    /// of all ranks. Collective.
    fn write_down(&mut self, clock: Instant, took: Duration) -> Result<Requests> {
        let bound = self.parameters.time.energy_bound;
        let excess = |journal: &Option<Journal>| journal.as_ref().map_or(0, |journal| journal.excess(bound));
        let (excess_before, too_fast_before) = (excess(&self.record.journal), self.progress.course.too_fast);
        self.progress.course.add(&self.simulation.course);
        let mut requests = self.watch.ask(self.progress.step, took).to_numbers();
        let cost = self.simulation.last.totals(self.crew.comm, &mut requests).cost();
        let redshift = self.redshift();
        let (simulation, journal, beacon, step) =
            (&self.simulation, &mut self.record.journal, &mut self.record.beacon, self.progress.step);
        let lock = &self.place.lock;
        self.crew.lead(|| {
            lock.as_ref().map_or(Ok(()), Lock::check)?;
            let Some(journal) = journal else { return Ok(()) };
            journal.step(step, simulation.time, simulation.diagnostics, &cost, &simulation.course)?;
            beacon.iter_mut().for_each(|beacon| {
                beacon.tell(|status| {
                    status.step = step;
                    status.part = 0.0;
                    status.time = simulation.time;
                    status.redshift = redshift;
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
        if let Some(journal) =
            self.record.journal.as_ref().filter(|_| excess(&self.record.journal) > excess_before)
        {
            journal.warn(&format!(
                "the {} {:.2e} is past time.energy_bound = {bound:?}: {}",
                journal.energy().name(),
                journal.energy().error,
                self.parameters.energy_advice()
            ));
        }
        if let Some(journal) =
            self.record.journal.as_ref().filter(|_| too_fast_before == 0 && self.progress.course.too_fast > 0)
        {
            journal.warn(&format!(
                "{} bodies need shorter steps than they are allowed: time.smallest_step is too long, or they are too close without softening",
                self.progress.course.too_fast
            ));
        }
        Ok(Requests::from_numbers(requests))
    }

    /// Writes the requested files. Returns the reason to stop, if there is one and steps remain.
    /// Collective.
    fn serve(&mut self, requests: Requests) -> Result<Option<Reason>> {
        let [checkpoint, snapshot] = requests.files;
        if snapshot {
            self.write_snapshot_to(&self.place.folder.extra_snapshot(self.progress.step))?;
            self.watch.fulfil("snapshot");
        }
        if self.progress.step == self.progress.steps {
            return Ok(None); // a checkpoint comes at the end
        }
        if checkpoint || requests.stop.is_some() {
            self.write_checkpoint()?;
        }
        Ok(requests.stop)
    }

    /// Prints news about the force error.
    fn tell_news(&mut self) {
        if let (Some(news), Some(journal)) = (self.simulation.take_news(), &self.record.journal) {
            journal.note(&news);
        }
    }

    /// Ends the run after its checkpoint was written.
    fn stop(mut self, reason: Reason) -> Ending {
        let (why, ending, phase) = match reason {
            Reason::Limit => ("the wall time is nearly used up", Ending::Interrupted, Phase::Interrupted),
            Reason::Signal => ("a signal asked for it", Ending::Interrupted, Phase::Interrupted),
            Reason::File => ("a stop file asked for it", Ending::Stopped, Phase::Stopped),
        };
        self.watch.fulfil("stop");
        if let Some(journal) = self.record.journal.take() {
            let (when, step) = match self.simulation.part() {
                Some(_) => ("within", self.progress.step + 1),
                None => ("after", self.progress.step),
            };
            journal.note(&format!(
                "stopped {when} step {step} of {}: {why}; --restart continues it",
                self.progress.steps
            ));
        }
        self.end(phase);
        ending
    }

    fn end(&mut self, phase: Phase) {
        self.record.beacon.take().into_iter().for_each(|beacon| beacon.end(phase));
    }

    /// Ends the run after its last step: writes a checkpoint, from which a later end can be reached, and
    /// the report. Collective.
    fn finish(mut self) -> Result<Ending> {
        self.check_lock()?;
        let batch = &self.parameters.batch;
        let keeps = batch.checkpoint_every.0.is_some() || batch.checkpoint_steps.is_some();
        if keeps && self.record.saved.last() != Some(&self.progress.step) {
            self.write_checkpoint()?;
        }
        self.write_last_shell()?;
        self.watch.writes(true);
        self.finish_film()?;
        let cost = self.totals().cost();
        let mut report = Report::new(self.crew, "run", self.parameters, self.bodies, cost);
        report.steps = Some(self.progress.steps);
        report.restarts = Some(self.progress.restarts);
        report.set_files(self.record.files);
        report.balanced(self.parameters.batch.balance, self.simulation.speeds().shares());
        report.accuracy = self.simulation.control().cloned();
        if self.parameters.time.stepping != Stepping::Fixed {
            report.time_steps =
                Some(TimeSteps::new(&self.progress.course, self.progress.step_length, self.bodies));
        }
        report.energy = self.record.journal.take().map(|journal| journal.energy());
        self.crew.lead(|| {
            Target::own(self.place.folder.report()).write_json(&report)?;
            self.place.folder.forget_start()?;
            report.say_speed();
            say(&format!("{}", self.place.folder.report().display()));
            Ok(())
        })?;
        self.watch.fulfil("stop");
        self.end(Phase::Done);
        let missed = self.simulation.control().filter(|control| control.is_missed());
        if let Some(control) = missed.filter(|_| !self.parameters.gravity.allow_missed) {
            bail!("the run is done, but its force error is above the wanted one: {}", control.line());
        }
        Ok(Ending::Done)
    }
}
