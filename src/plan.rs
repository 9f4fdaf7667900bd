//! `heorot plan`: estimates memory, disk space and time of a parameter file before a job is
//! submitted.

use crate::console::{duration, say, say_text};
use crate::initial::Survey;
use crate::key_errors::name_key;
use crate::launch::{Launch, on_all_ranks};
use crate::memory;
use crate::parameters::{Output, Parameters, Precision};
use crate::softening_advice::{self, Advice};
use anyhow::{Result, bail};
use decomposition::Solo;
use io::checkpoint;
use nbody::Simulation;
use nbody::Start;
use nbody::cosmology::Expansion;
use nbody::cost::Meter;
use nbody::forces::Forces;
use nbody::model::{self, Model, Spherical, Uniform, UniformShape};
use nbody::stepping::Stepping;
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use treecode::{Domain, Walk};

/// Estimate the memory, disk space and time of a run before it is started.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Parameter file (TOML).
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Override a parameter, as in `heorot run`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Ranks of the run.
    #[arg(long, value_name = "P", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks: u32,
    /// Threads of each rank.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: u32,
    /// Ranks on each host [default: all].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks_per_node: Option<u32>,
    /// Memory of a host [GB]; if the run does not fit, the command fails.
    #[arg(long, value_name = "GB")]
    pub memory_per_node: Option<f64>,
    /// Print the estimate as JSON.
    #[arg(long)]
    pub json: bool,
}

const EXAMPLES: &str = "Examples:
  heorot plan inputs/collision.toml --ranks 16 --threads 4
  heorot plan big.toml --ranks 512 --ranks-per-node 64 --memory-per-node 256

The time is measured on a few steps of a Plummer sphere, or in a periodic box of uniform bodies, with the
force settings of the file and one thread. It assumes perfect scaling to cores like this one. A run takes longer if ranks wait for each
other or for files.";

/// Number of bodies and steps of the test run.
const PILOT: u64 = 30_000;
const PILOT_STEPS: u64 = 3;
/// Number of bodies of the test run with direct sums.
const DIRECT_PILOT: u64 = 3_000;
/// Greatest number of bodies that are read or drawn to give advice on their softening.
const MOST_EXAMINED: u64 = 2_000_000;

/// Runs the command.
///
/// # Errors
/// If the parameter file is wrong, or the run does not fit.
pub fn main(arguments: &Arguments) -> Result<()> {
    let parameters = Parameters::load(&arguments.file, &arguments.set)?;
    let survey = parameters.initial.survey(&parameters.units.units(), parameters.cosmology.as_ref())?;
    let Survey { bodies, time: start, .. } = survey;
    let schedule = parameters.schedule(start)?;
    let steps = schedule.count();
    let cores = u64::from(arguments.ranks) * u64::from(arguments.threads);
    let memory = Memory::estimate(arguments, &survey);
    let disk = Disk::estimate(&parameters, &survey, 1 + schedule.snapshots());
    if !arguments.json {
        say(&format!(
            "{bodies} bodies, {steps} steps{}, on {} ranks x {} threads",
            span(&parameters, start),
            arguments.ranks,
            arguments.threads
        ));
        memory.say();
        disk.say();
    }
    let (core_seconds, softening) = examine(&parameters, bodies)?;
    let seconds_per_step = core_seconds * bodies as f64 / cores as f64;
    let estimate = Estimate {
        bodies,
        steps,
        ranks: arguments.ranks,
        threads: arguments.threads,
        memory,
        disk,
        softening,
        seconds_per_step,
        seconds: seconds_per_step * (steps + 2) as f64,
        bodies_divide_steps: parameters.time.stepping != Stepping::Fixed,
    };
    if arguments.json {
        say_text(&serde_json::to_string_pretty(&estimate)?);
    } else {
        estimate.say_time();
        softening_advice::tell(&estimate.softening);
    }
    estimate.memory.check(arguments)
}

/// Beginning and end in words, for a run in an expanding universe.
fn span(parameters: &Parameters, start: f64) -> String {
    let Some(end) = parameters.time.end_time().filter(|_| parameters.cosmology.is_some()) else {
        return String::new();
    };
    format!(" from {} to {}", parameters.moment(start), parameters.moment(end))
}

/// What a run needs.
#[derive(Clone, Debug, Serialize)]
struct Estimate {
    bodies: u64,
    steps: u64,
    ranks: u32,
    threads: u32,
    memory: Memory,
    disk: Disk,
    /// Advice on the softening of each type, from the initial state if it is not too large.
    softening: Vec<Advice>,
    /// Wall time with perfect scaling [s].
    seconds_per_step: f64,
    /// Wall time of all steps [s], if no body divides a step.
    seconds: f64,
    /// Whether bodies may divide a step. How many do is not known before.
    bodies_divide_steps: bool,
}

impl Estimate {
    fn say_time(&self) {
        let whole = Duration::from_secs_f64(self.seconds.min(1e15));
        say(&format!(
            "time    {:.3} s a step, {} in all, with perfect scaling on cores like this one",
            self.seconds_per_step,
            duration(whole)
        ));
        if self.bodies_divide_steps {
            say("        if no body divides a step; how many do is not known before");
        }
    }
}

/// Memory of a run [bytes].
#[derive(Clone, Copy, Debug, Serialize)]
struct Memory {
    rank_bytes: f64,
    host_bytes: f64,
    bytes: f64,
    ranks_on_host: usize,
}

impl Memory {
    fn estimate(arguments: &Arguments, survey: &Survey) -> Memory {
        let ranks = arguments.ranks as usize;
        let bytes = memory::of_run(survey.bodies, survey.column_bytes, ranks);
        let rank_bytes = bytes / ranks as f64;
        let ranks_on_host = arguments.ranks_per_node.map_or(ranks, |n| ranks.min(n as usize));
        Memory { rank_bytes, host_bytes: rank_bytes * ranks_on_host as f64, bytes, ranks_on_host }
    }

    fn say(&self) {
        say(&format!(
            "memory  {:.3} GB a rank, {:.2} GB on a host with {} of them, {:.2} GB in all",
            self.rank_bytes * 1e-9,
            self.host_bytes * 1e-9,
            self.ranks_on_host,
            self.bytes * 1e-9
        ));
    }

    /// Fails if a host has less memory.
    fn check(&self, arguments: &Arguments) -> Result<()> {
        match arguments.memory_per_node {
            Some(gigabytes) if self.host_bytes * 1e-9 > gigabytes => {
                bail!(
                    "{}: needs {:.2} GB on a host, which has {gigabytes} GB: use more hosts or fewer bodies",
                    arguments.file.display(),
                    self.host_bytes * 1e-9
                )
            }
            _ => Ok(()),
        }
    }
}

/// Disk space of a run [bytes].
#[derive(Clone, Copy, Debug, Serialize)]
struct Disk {
    bytes: f64,
    snapshots: u64,
    snapshot_bytes: f64,
    checkpoint_bytes: f64,
}

impl Disk {
    fn estimate(parameters: &Parameters, survey: &Survey, snapshots: u64) -> Disk {
        let Survey { bodies, column_bytes, .. } = *survey;
        let snapshot_bytes = snapshot_size(&parameters.output, bodies) + (column_bytes * bodies) as f64;
        let body_bytes = parameters.time.stepping.bytes_per_body() + column_bytes;
        let checkpoint_bytes = checkpoint::size(bodies, body_bytes) as f64;
        // The last two checkpoints are kept while the next one is written.
        let bytes = snapshot_bytes * snapshots as f64 + 3.0 * checkpoint_bytes;
        Disk { bytes, snapshots, snapshot_bytes, checkpoint_bytes }
    }

    fn say(&self) {
        say(&format!(
            "disk    {:.3} GB: {} snapshots of {:.4} GB, and at most 3 checkpoints of {:.4} GB",
            self.bytes * 1e-9,
            self.snapshots,
            self.snapshot_bytes * 1e-9,
            self.checkpoint_bytes * 1e-9
        ));
    }
}

/// Size of a snapshot before compression [bytes].
fn snapshot_size(output: &Output, bodies: u64) -> f64 {
    let fields =
        if output.acceleration { 3 } else { 0 } + u64::from(output.potential) + u64::from(output.time_step);
    let number = if output.precision == Precision::Single { 4 } else { 8 };
    ((8 + number * (7 + fields)) * bodies) as f64
}

/// Core time per body and step [s], from a small test run, and advice on the softening of the initial
/// state, if it is not too large.
fn examine(parameters: &Parameters, bodies: u64) -> Result<(f64, Vec<Advice>)> {
    let launch = Launch { threads: Some(1), virtual_ranks: Some(1), ..Launch::default() };
    on_all_ranks(&launch, |crew| {
        if bodies > MOST_EXAMINED {
            return Ok((pilot(&parameters.gravity, bodies)?, Vec::new()));
        }
        let state = parameters
            .initial
            .load(crew, &parameters.units.units(), parameters.cosmology.as_ref())?
            .start
            .bodies;
        let seconds = pilot(&parameters.gravity, state.massive() as u64)?;
        let softening = &parameters.gravity.gravity.softening;
        softening_advice::warn_of_none(crew, &state, softening);
        Ok((seconds, softening_advice::advise(&state, softening)))
    })
}

/// Core time per body and step [s], from a small test run. Direct sums take a time in proportion to the
/// number of bodies with mass, `sources`.
fn pilot(forces: &Forces, sources: u64) -> Result<f64> {
    let direct = forces.gravity.walk == Walk::Direct;
    let (count, factor) =
        if direct { (DIRECT_PILOT, sources as f64 / DIRECT_PILOT as f64) } else { (PILOT, 1.0) };
    let domain = forces.gravity.domain;
    let model = match domain {
        Domain::Open => Model::Plummer(Spherical {
            bodies: count,
            seed: 0,
            mass: 1.0,
            radius: 1.0,
            cut: 20.0,
            softening: 0.0,
        }),
        // A sphere would be smaller than the softening, or larger than the box.
        Domain::Periodic { side } => Model::Uniform(Uniform {
            bodies: count,
            seed: 0,
            mass: 1.0,
            shape: UniformShape::Box,
            side,
            virial_ratio: 0.0,
        }),
    };
    let mut bodies = model::generate(&Solo, &model, forces.gravity.constant);
    bodies.wrap(domain);
    // The cost does not depend on the expansion.
    let forces = Forces { expansion: Expansion::Static, ..forces.clone() };
    let mut simulation =
        Simulation::begin(&Solo, &forces, Stepping::Fixed, Start { bodies, time: 0.0 }).map_err(name_key)?;
    simulation.all = Meter::default();
    for step in 1..=PILOT_STEPS {
        simulation.step(&Solo, 1e-6, 1e-6 * step as f64).map_err(name_key)?;
    }
    Ok(factor * simulation.all.total.as_secs_f64() / (count * PILOT_STEPS) as f64)
}
