//! `heorot force`: a force evaluation for all bodies of a snapshot.

mod reference;
mod repeat;

use crate::advice::resolution;
use crate::console::{give_way, say, workers};
use crate::files::outputs::Overwrite;
use crate::files::reading_options::ReadingOptions;
use crate::initial::{self, Loaded};
use crate::parameters::SystemName;
use crate::parameters::gravity;
use crate::parameters::gravity::options::GravityArguments;
use crate::parameters::periodic_box::{self, PeriodicBox};
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_all_ranks};
use crate::report::{FileTimes, Report};
use anyhow::Result;
use decomposition::collective;
use io::snapshot::{Fields, Header, IDS_INVENTED, Layout};
use io::{Kind, Target, Units};
use nbody::Start;
use nbody::accuracy::{self, Balance};
use nbody::forces::Forces;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Instant;

/// Compute accelerations and potentials of all bodies in a snapshot.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// Snapshot, or any other file that `heorot convert` reads.
    #[arg(value_name = "IC")]
    pub file: PathBuf,
    /// Snapshot to write, with Acceleration, Potential and ParticleIDs.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Time K evaluations, after one for warm-up [default: time the first one].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,
    /// Compare the accelerations of K random bodies with direct summation.
    #[arg(long, value_name = "K")]
    pub check: Option<usize>,
    /// Compare all bodies with the accelerations in another snapshot, which must have the same ids
    /// and positions.
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    /// Table to write (CSV): the relative force error of every body, against the reference.
    #[arg(long, value_name = "FILE", requires = "reference")]
    pub errors: Option<PathBuf>,
    /// Report to write (JSON): time of each phase, interactions, Gflops, errors.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Units of the calculation [default: those of the file, or galactic].
    #[arg(long, value_enum)]
    pub units: Option<SystemName>,
    /// Whether existing files may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
    /// How the file is interpreted.
    #[command(flatten)]
    pub reading: ReadingOptions,
    /// How forces are computed. Last, since options after these would have their heading.
    #[command(flatten)]
    pub gravity: GravityArguments,
}

const EXAMPLES: &str = "Examples:
  heorot force ic.hdf5 --output forces.hdf5 --softening 0.05 --check 2000
  mpirun -n 4 heorot force ic.hdf5 --criterion angle --theta 0.5 --order 2 --check 1000 --report force.json
  heorot force ic.hdf5 --accuracy 1e-4 --threads 2 --repeat 7 --check 2000

--check prints the relative error |a - a_direct| / |a_direct|, and the mean of the error's component
along the radius from the centre of mass. --repeat prints the median and the minimum of the
evaluation times. The times of phases and the speeds are then means over the timed evaluations.";

/// The parameters in the form that report and snapshot contain.
#[derive(Serialize)]
struct Echo<'a> {
    initial: &'a Initial<'a>,
    units: Units,
    #[serde(rename = "box", skip_serializing_if = "Option::is_none")]
    periodic_box: Option<PeriodicBox>,
    #[serde(serialize_with = "gravity::serialize")]
    gravity: &'a Forces,
}

#[derive(Serialize)]
struct Initial<'a> {
    file: &'a PathBuf,
}

/// Output files.
struct Targets {
    output: Option<Target>,
    errors: Option<Target>,
    report: Option<Target>,
}

impl Targets {
    fn new(arguments: &Arguments) -> Result<Targets> {
        let Arguments { output, errors, report, reference, .. } = arguments;
        let mut outputs = arguments.overwrite.reading(reference.iter().chain([&arguments.file]));
        Ok(Targets {
            output: output.as_ref().map(|path| outputs.snapshot(path, 1)).transpose()?,
            errors: errors.as_ref().map(|path| outputs.file(path, Kind::TABLE)).transpose()?,
            report: report.as_ref().map(|path| outputs.file(path, Kind::REPORT)).transpose()?,
        })
    }
}

/// Runs the command.
///
/// # Errors
/// The user's input is wrong, or a file cannot be read or written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| force(crew, arguments))
}

fn force(crew: &Crew, arguments: &Arguments) -> Result<()> {
    let targets = crew.agree(|| Targets::new(arguments))?;
    give_way(targets.errors.iter().chain(&targets.report));
    let mut files = FileTimes::default();
    let begun = Instant::now();
    let wanted = arguments.units.map(SystemName::units);
    let mut loaded = initial::read_with_unique_ids(
        crew,
        &arguments.file,
        wanted.as_ref(),
        targets.output.is_some(),
        &arguments.reading,
    )?;
    files.reading_seconds = begun.elapsed().as_secs_f64();
    let options = arguments.gravity.settle(&loaded.units)?;
    let forces = options.forces(loaded.units.gravitational_constant())?;
    periodic_box::settle(crew, forces.gravity.domain, Some(&arguments.file), &mut loaded)?;
    let Loaded { start: Start { bodies, time }, units, invented_ids, .. } = loaded;
    resolution::check(crew, Some(&arguments.file), &bodies, &forces)?;

    let repeat::Measured { evaluation, meter, times, notes, control, pairs } =
        repeat::field(crew, &arguments.file, &forces, bodies, arguments.repeat)?;
    resolution::warn_of_pairs(crew, Some(&arguments.file), &pairs);

    let periodic_box = options.periodic_box();
    let echo = Echo { initial: &Initial { file: &arguments.file }, units, periodic_box, gravity: &forces };
    if let Some(target) = &targets.output {
        let mut parameters = io::parameters::echo(&echo);
        if invented_ids {
            parameters.push((IDS_INVENTED.to_owned(), "true".to_owned()));
        }
        let box_size = periodic_box.map_or(0.0, |periodic| periodic.side);
        let header = Header { time, units: Some(units), parameters, box_size, ..Header::default() };
        let fields = Fields { acceleration: true, potential: true, time_step: None };
        let begun = Instant::now();
        crew.write_snapshot(target, &header, &evaluation.bodies, fields, &Layout::default())?;
        files.wrote(begun.elapsed(), &[target.path().to_owned()]);
        files.snapshots = 1;
    }
    let total = collective::sum(crew.comm, evaluation.bodies.len() as u64);
    let mut report = Report::new(crew, "force", &echo, total, meter.gather(crew.comm));
    report.set_files(files);
    report.notes = notes;
    report.accuracy = control;
    report.evaluation_seconds = Some(times);
    report.fma_peak = Some(report.cost.share_of(nbody::peak::measure(crew.comm)));
    let balance = Balance::measure(crew.comm, &evaluation);
    report.balance = Some(balance);
    report.force_error = arguments
        .check
        .map(|wanted| accuracy::check(crew.comm, &forces.gravity, &evaluation, &balance, wanted));
    let mut errors = Vec::new();
    if let Some(path) = &arguments.reference {
        let (accuracy, of_bodies) = reference::compare(crew, &evaluation, &balance, path, &units)?;
        report.reference_error = Some(accuracy);
        errors = of_bodies;
    }
    crew.lead(|| {
        print(&report);
        targets.errors.iter().try_for_each(|target| reference::write_table(target, &errors))?;
        targets.report.iter().try_for_each(|target| Ok(target.write_json(&report)?))
    })
}

fn print(report: &Report) {
    say(&format!("{} bodies on {}, {}", report.bodies, workers(report.ranks, report.threads), report.simd));
    report.notes.iter().for_each(|note| say(note));
    report.say_speed();
}
