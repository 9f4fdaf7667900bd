//! `heorot run`: from a parameter file to snapshots, `energy.csv` and `report.json`.

mod folder;
mod journal;

use crate::console::say;
use crate::cost::timed;
use crate::crew::Crew;
use crate::initial::Initial;
use crate::launch::{Launch, on_all_ranks};
use crate::parameters::Parameters;
use crate::report::{FileTimes, Report};
use crate::schedule::Schedule;
use crate::simulation::Simulation;
use anyhow::Result;
use decomposition::collective;
use folder::Folder;
use io::snapshot::{Fields, Header};
use journal::Journal;
use std::path::PathBuf;
use std::time::Duration;

/// Evolve bodies as a parameter file says.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// Parameter file (TOML).
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Override a parameter, such as --set time.steps=20; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Remove the results of an earlier run from the output folder; without it such a folder is refused.
    #[arg(long)]
    pub overwrite: bool,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

const EXAMPLES: &str = "Examples:
  heorot run inputs/collision.toml
  heorot run inputs/plummer.toml --set time.steps=20 --set gravity.accuracy=3e-4
  mpirun -n 4 heorot run inputs/collision.toml --threads 2 --overwrite

The output folder receives snapshot_000.hdf5 and so on, energy.csv (a row each step) and report.json.
Numbers are in the units of the file: kpc, 1e10 solar masses and km/s unless [units] says otherwise.";

/// Does the command.
///
/// # Errors
/// If anything the user gave is wrong, or a file cannot be read or written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| {
        let parameters = crew.agree(Parameters::load(&arguments.file, &arguments.set))?;
        run(crew, &parameters, arguments.overwrite)
    })
}

/// Does a run. Collective.
///
/// # Errors
/// The same on every rank.
pub fn run(crew: &Crew, parameters: &Parameters, overwrite: bool) -> Result<()> {
    let mut reading = Duration::ZERO;
    let start = timed(&mut reading, || parameters.initial.load(crew, &parameters.units.units()))?;
    let bodies = collective::sum(crew.comm, start.bodies.len() as u64);
    let schedule = Schedule::new(&parameters.time, start.time, parameters.output.snapshot_every)?;
    let folder = Folder::new(&parameters.output.folder);
    let source = match &parameters.initial {
        Initial::File { file } => Some(file.as_path()),
        Initial::Model(_) => None,
    };
    crew.lead(|| folder.prepare(overwrite, source))?;
    if crew.leads() {
        say(&format!(
            "{bodies} bodies on {} ranks x {} threads, {} steps",
            crew.comm.size(),
            crew.threads,
            schedule.count()
        ));
    }
    let simulation = Simulation::begin(crew.comm, &parameters.gravity, start)?;
    let files = FileTimes { reading_seconds: reading.as_secs_f64(), ..FileTimes::default() };
    Run { crew, parameters, folder, simulation, journal: None, files, bodies }.go_to_the_end(schedule)
}

/// A run under way.
struct Run<'a> {
    crew: &'a Crew<'a>,
    parameters: &'a Parameters,
    folder: Folder,
    simulation: Simulation<'a>,
    /// On the leading rank.
    journal: Option<Journal>,
    files: FileTimes,
    bodies: u64,
}

impl Run<'_> {
    fn go_to_the_end(mut self, schedule: Schedule) -> Result<()> {
        self.begin_journal(schedule.count())?;
        self.tell_news();
        self.write_snapshot()?;
        for (number, step) in (1..).zip(schedule.steps()) {
            self.simulation.step(step.length, step.time)?;
            self.write_down(number)?;
            self.tell_news();
            if step.snapshot {
                self.write_snapshot()?;
            }
        }
        self.write_report(schedule.count())
    }

    fn begin_journal(&mut self, steps: u64) -> Result<()> {
        let (time, first, bodies) = (self.simulation.time, self.simulation.diagnostics, self.bodies);
        let (path, journal) = (self.folder.energy(), &mut self.journal);
        self.crew.lead(|| {
            *journal = Some(Journal::begin(&path, steps, bodies, time, first)?);
            Ok(())
        })
    }

    fn write_down(&mut self, step: u64) -> Result<()> {
        let cost = self.simulation.last.gather(self.crew.comm);
        let (simulation, journal) = (&self.simulation, &mut self.journal);
        self.crew.lead(|| match journal {
            Some(journal) => journal.step(step, simulation.time, simulation.diagnostics, &cost),
            None => Ok(()),
        })
    }

    /// Says what was found about the force error.
    fn tell_news(&mut self) {
        if let (Some(news), Some(journal)) = (self.simulation.take_news(), &self.journal) {
            journal.note(&news);
        }
    }

    fn write_snapshot(&mut self) -> Result<()> {
        let path = self.folder.snapshot(self.files.snapshots);
        let output = &self.parameters.output;
        let header = Header {
            time: self.simulation.time,
            units: Some(self.parameters.units.units()),
            parameters: io::parameters::echo(self.parameters),
            ..Header::default()
        };
        let fields = Fields { acceleration: output.acceleration, potential: output.potential };
        let mut writing = Duration::ZERO;
        timed(&mut writing, || self.crew.write_snapshot(&path, &header, self.simulation.bodies(), fields))?;
        self.files.writing_seconds += writing.as_secs_f64();
        self.files.snapshots += 1;
        if let Some(journal) = &self.journal {
            journal.note(&format!("{} at t {:.6}", path.display(), self.simulation.time));
        }
        Ok(())
    }

    fn write_report(mut self, steps: u64) -> Result<()> {
        let cost = self.simulation.all.gather(self.crew.comm);
        let mut report = Report::new(self.crew, "run", self.parameters, self.bodies, cost);
        report.steps = Some(steps);
        report.files = self.files;
        report.accuracy = self.simulation.control().cloned();
        report.energy = self.journal.take().map(Journal::finish);
        self.crew.lead(|| {
            io::write_json_atomically(&self.folder.report(), &report)?;
            report.say_speed();
            say(&format!("{}", self.folder.report().display()));
            Ok(())
        })
    }
}
