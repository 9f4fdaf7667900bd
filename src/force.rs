//! `heorot force`: one force evaluation of every body of a snapshot.

use crate::accuracy;
use crate::console::say;
use crate::cost::{Meter, timed};
use crate::crew::Crew;
use crate::gravity_options::GravityOptions;
use crate::initial::{self, Start};
use crate::launch::{Launch, on_all_ranks};
use crate::parameters::SystemName;
use crate::report::{FileTimes, Report};
use anyhow::Result;
use decomposition::{Evaluation, collective, evaluate};
use io::Units;
use io::snapshot::{Fields, Header};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use treecode::{Bodies, Criterion, Gravity};

/// Compute accelerations and potentials of all bodies of a snapshot.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// Snapshot (HDF5, GADGET format).
    #[arg(value_name = "IC")]
    pub file: PathBuf,
    /// Snapshot to write, with Acceleration, Potential and ParticleIDs.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Compare K random bodies with direct summation.
    #[arg(long, value_name = "K")]
    pub check: Option<usize>,
    /// Report to write (JSON): time of each phase, interactions, Gflops, errors.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Units to compute in [default: those of the file, or galactic].
    #[arg(long, value_enum)]
    pub units: Option<SystemName>,
    /// How forces are computed.
    #[command(flatten)]
    pub gravity: GravityOptions,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

const EXAMPLES: &str = "Examples:
  heorot force ic.hdf5 --output forces.hdf5 --softening 0.05 --check 2000
  mpirun -n 4 heorot force ic.hdf5 --criterion angle --theta 0.5 --order 2 --check 1000 --report force.json

--check prints rms, median, 99th percentile and greatest relative error |a - a_direct| / |a_direct|.";

/// The parameters as the report and the snapshot echo them.
#[derive(Serialize)]
struct Echo<'a> {
    initial: &'a Initial<'a>,
    units: Units,
    gravity: &'a Gravity,
}

#[derive(Serialize)]
struct Initial<'a> {
    file: &'a PathBuf,
}

/// Does the command.
///
/// # Errors
/// If anything the user gave is wrong, or a file cannot be read or written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| force(crew, arguments))
}

fn force(crew: &Crew, arguments: &Arguments) -> Result<()> {
    let mut files = FileTimes::default();
    let begun = Instant::now();
    let wanted = arguments.units.map(SystemName::units);
    let (Start { bodies, time }, units) = initial::read(crew, &arguments.file, wanted.as_ref())?;
    files.reading_seconds = begun.elapsed().as_secs_f64();
    let constant = units.gravitational_constant();
    let gravity = arguments.gravity.apply(Gravity { constant, ..Gravity::default() })?;

    let (evaluation, meter, notes) = field(crew, &gravity, bodies)?;

    let echo = Echo { initial: &Initial { file: &arguments.file }, units, gravity: &gravity };
    if let Some(path) = &arguments.output {
        let parameters = io::parameters::echo(&echo);
        let header = Header { time, units: Some(units), parameters, ..Header::default() };
        let fields = Fields { acceleration: true, potential: true };
        let begun = Instant::now();
        crew.write_snapshot(path, &header, &evaluation.bodies, fields)?;
        files.writing_seconds = begun.elapsed().as_secs_f64();
        files.snapshots = 1;
    }
    let total = collective::sum(crew.comm, evaluation.bodies.len() as u64);
    let mut report = Report::new(crew, "force", &echo, total, meter.gather(crew.comm));
    report.files = files;
    report.notes = notes;
    report.force_error =
        arguments.check.map(|wanted| accuracy::check(crew.comm, &gravity, &evaluation.bodies, wanted));
    crew.lead(|| {
        print(&report);
        arguments.report.iter().try_for_each(|path| Ok(io::write_json_atomically(path, &report)?))
    })
}

/// Evaluates the field once, and measures it. The relative criterion needs an earlier acceleration: where the snapshot has none,
/// an evaluation that is not measured finds it.
fn field(crew: &Crew, gravity: &Gravity, mut bodies: Bodies) -> Result<(Evaluation, Meter, Vec<String>)> {
    let known = bodies.acc.iter().flatten().any(|&a| a != 0.0);
    let known = collective::sum(crew.comm, u64::from(known)) > 0;
    let mut notes = Vec::new();
    if gravity.criterion == Criterion::Relative {
        if known {
            notes.push(
                "criterion relative: the accelerations of the snapshot were taken as the last ones"
                    .to_owned(),
            );
        } else {
            bodies = evaluate(crew.comm, gravity, bodies)?.bodies;
            notes.push("criterion relative: a first evaluation with criterion angle, not measured, gave the accelerations".to_owned());
        }
    }
    let mut time = Duration::ZERO;
    let evaluation = timed(&mut time, || evaluate(crew.comm, gravity, bodies))?;
    let meter = Meter { total: time, census: evaluation.census.clone(), evaluations: 1, ..Meter::default() };
    Ok((evaluation, meter, notes))
}

fn print(report: &Report) {
    say(&format!(
        "{} bodies on {} ranks x {} threads, {}",
        report.bodies, report.ranks, report.threads, report.simd
    ));
    report.notes.iter().for_each(|note| say(note));
    report.say_speed();
}
