//! `heorot bench`: the flagship benchmark, sustained speed over whole steps of a fixed problem, at a checked force error.

use crate::accuracy::{self, Balance};
use crate::console::say;
use crate::cost::Meter;
use crate::crew::Crew;
use crate::forces::{Forces, Keys};
use crate::initial::Start;
use crate::launch::{Launch, on_all_ranks};
use crate::model::{self, Model, Spherical};
use crate::peak;
use crate::report::{Energy, Report};
use crate::simulation::Simulation;
use crate::stepping::Stepping;
use anyhow::{Error, Result};
use serde::Serialize;
use std::path::PathBuf;
use treecode::{Softening, TYPES};

/// Measure this machine: sustained Gflops of whole steps of a fixed problem, at a checked force error.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// Number of bodies.
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub bodies: u64,
    /// Number of measured steps.
    #[arg(long, value_name = "S", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: u64,
    /// Wanted error of the forces, the root mean square of |a - a_direct| / |a_direct|.
    #[arg(long, value_name = "ERROR", default_value_t = Forces::DEFAULT_ACCURACY)]
    pub accuracy: f64,
    /// Report to write.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

const EXAMPLES: &str = "Examples:
  heorot bench
  mpirun -n 16 heorot bench --bodies 10000000 --steps 10 --json bench.json

The problem is a Plummer sphere in standard N-body units (G = M = 1, E = -1/4, seed 1), in equilibrium. Two steps warm up; then
everything that a step does is counted in the time: sort, migration, tree, moments, exchange, walk, kernels, integration and
energies. Compare Gflops only at the same number of bodies and at a like force error.";

/// Steps before the measured ones: they find the balance of the load.
const WARM_UP: u64 = 2;
/// Bodies whose force is checked.
const CHECKED: usize = 1000;
/// Length of a step, in units of which a crossing takes 2 sqrt 2.
const STEP: f64 = 1.0 / 256.0;

/// What the benchmark fixes.
#[derive(Clone, Debug, Serialize)]
struct Problem {
    initial: Model,
    gravity: Forces,
    step: f64,
    warm_up: u64,
}

impl Problem {
    fn new(bodies: u64, accuracy: f64) -> Result<Problem> {
        let radius = 3.0 * std::f64::consts::PI / 16.0;
        let initial = Model::Plummer(Spherical { bodies, seed: 1, mass: 1.0, radius, cut: 20.0 });
        // A fraction of the mean distance between bodies in the core: close pairs are softened, the sphere is not.
        let length = [0.2 * radius * (bodies as f64).powf(-1.0 / 3.0); TYPES];
        let softening = Some(Softening { length, ..Softening::default() });
        let keys = Keys { accuracy: Some(accuracy), softening, ..Keys::default() };
        let gravity = Forces::try_from(keys).map_err(Error::msg)?;
        gravity.check()?;
        Ok(Problem { initial, gravity, step: STEP, warm_up: WARM_UP })
    }
}

/// Does the command.
///
/// # Errors
/// If the report cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| bench(crew, arguments))
}

fn bench(crew: &Crew, arguments: &Arguments) -> Result<()> {
    let problem = Problem::new(arguments.bodies, arguments.accuracy)?;
    if crew.leads() {
        let (ranks, threads) = (crew.comm.size(), crew.threads);
        say(&format!(
            "Plummer sphere, {} bodies, {ranks} ranks x {threads} threads, {}",
            arguments.bodies,
            treecode::simd_path()
        ));
    }
    let bodies = model::generate(crew.comm, &problem.initial, problem.gravity.gravity.constant);
    let mut simulation =
        Simulation::begin(crew.comm, &problem.gravity, Stepping::Fixed, Start { bodies, time: 0.0 })?;
    let first = simulation.diagnostics;
    let mut greatest_error = 0.0f64;
    for step in 1..=WARM_UP + arguments.steps {
        simulation.step(STEP, step as f64 * STEP)?;
        greatest_error = greatest_error.max(simulation.diagnostics.energy_error(&first).abs());
        if step == WARM_UP {
            simulation.all = Meter::default();
        }
    }

    let cost = simulation.all.gather(crew.comm);
    let mut report = Report::new(crew, "bench", &problem, arguments.bodies, cost);
    let last = simulation.diagnostics;
    let error = last.energy_error(&first);
    report.steps = Some(arguments.steps);
    report.energy = Some(Energy { first, last, error, greatest_error });
    report.accuracy = simulation.control().cloned();
    let evaluation = simulation.evaluation().expect("steps have been done");
    let balance = Balance::measure(crew.comm, evaluation);
    report.force_error =
        Some(accuracy::check(crew.comm, &problem.gravity.gravity, evaluation, &balance, CHECKED));
    report.balance = Some(balance);
    report.fma_peak = Some(report.cost.share_of(peak::measure(crew.comm)));
    crew.lead(|| {
        report.say_speed();
        say(&format!(
            "{:.4} s per step, load balance {:.3}",
            report.cost.total_seconds() / arguments.steps as f64,
            report.cost.load_balance
        ));
        arguments.json.iter().try_for_each(|path| Ok(io::write_json_atomically(path, &report)?))
    })
}
