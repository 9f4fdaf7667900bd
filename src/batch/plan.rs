//! `heorot plan`: estimates memory, disk space and time of a parameter file before a job is
//! submitted.

use crate::advice::softening::{self, Advice};
use crate::console::{duration, say, say_text, warn, workers};
use crate::initial::Survey;
use crate::parameters::errors::{name_key, name_source};
use crate::parameters::periodic_box;
use crate::parameters::{Output, Parameters, Precision};
use crate::ranks::launch::{Launch, on_all_ranks};
use crate::ranks::memory;
use anyhow::{Result, bail};
use decomposition::Solo;
use io::checkpoint;
use nbody::Simulation;
use nbody::Start;
use nbody::cosmology::Expansion;
use nbody::cost::Meter;
use nbody::forces::Forces;
use nbody::model::{self, Model, Spherical, Uniform, UniformShape};
use nbody::stepping::{Counts, Stepping};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;
use treecode::math::hash;
use treecode::{Bodies, Domain, TYPES, Walk};

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
    /// Number of ranks of the run.
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

The time is measured on a few steps of a Plummer sphere, or of uniform bodies if the box is
periodic, with the force settings of the file and one thread. The estimate assumes perfect scaling
to cores of the same speed. If there are too few bodies on each core for that, the command says so.
A run takes longer if ranks wait for each other or for files. With block or adaptive steps and at
most 2 million bodies, one force evaluation of the initial state, or of a sample of it, gives the
rungs (timestep levels) of the bodies. The estimate of the rungs assumes circular orbits.";

/// Number of bodies and steps of the test run.
const PILOT: u64 = 30_000;
const PILOT_STEPS: u64 = 3;
/// Evaluations of all bodies before the first step: an estimate, and the forces.
const EVALUATIONS_AT_START: f64 = 2.0;
/// Number of bodies of the test run with direct sums.
const DIRECT_PILOT: u64 = 3_000;
/// Greatest number of bodies that are read or drawn to give advice on their softening and to find their
/// rungs.
const MOST_EXAMINED: u64 = 2_000_000;
/// Longest time of the force evaluation of the initial state [s]. A sample is taken of larger ones, but all
/// bodies of types with fewer bodies than this.
const MOST_SECONDS: f64 = 5.0;
const LEAST_SAMPLED: u64 = 1000;
/// With fewer bodies on a core that are computed together, it mostly waits for others.
const LEAST_ON_A_CORE: f64 = 1000.0;

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
            "{bodies} bodies, {steps} steps{}, on {}",
            span(&parameters, start),
            workers(arguments.ranks as usize, arguments.threads as usize)
        ));
        memory.say();
        disk.say();
    }
    if let Some(outside) = parameters.times_outside(start) {
        warn(&outside);
    }
    let step = schedule.steps().next().map_or(parameters.time.step, |step| step.length);
    let Examined { core_seconds, softening, rungs } = examine(&parameters, bodies, step)?;
    let steps_of_a_body = rungs.as_ref().map_or(1.0, |rungs| rungs.steps_of_a_body);
    let seconds_per_step = core_seconds * steps_of_a_body * bodies as f64 / cores as f64;
    let together = rungs.as_ref().map_or(bodies as f64, |rungs| rungs.together(bodies));
    let estimate = Estimate {
        bodies,
        steps,
        ranks: arguments.ranks,
        threads: arguments.threads,
        memory,
        disk,
        softening,
        seconds_per_step,
        seconds: core_seconds * (steps_of_a_body * steps as f64 + EVALUATIONS_AT_START) * bodies as f64
            / cores as f64,
        bodies_divide_steps: parameters.time.stepping != Stepping::Fixed,
        rungs,
        scaling_is_known: cores == 1 || together >= LEAST_ON_A_CORE * cores as f64,
    };
    if arguments.json {
        say_text(&serde_json::to_string_pretty(&estimate)?);
    } else {
        estimate.say_time();
        softening::tell(&estimate.softening);
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
    /// Wall time of a full step with perfect scaling [s].
    seconds_per_step: f64,
    /// Wall time of all steps [s].
    seconds: f64,
    /// Whether bodies may divide a step.
    bodies_divide_steps: bool,
    /// How they divide it in the initial state. Without it, the times are those of undivided steps.
    rungs: Option<Rungs>,
    /// Whether perfect scaling is a fair assumption: enough bodies are computed together on each core.
    scaling_is_known: bool,
}

/// How bodies divide a full step in the initial state.
#[derive(Clone, Debug, Serialize)]
struct Rungs {
    /// Number of bodies on each rung, whose step is the full step / 2^rung.
    bodies: Vec<u64>,
    /// Mean number of steps of a body in a full step.
    steps_of_a_body: f64,
    /// Whether the numbers are those of a sample of the bodies.
    sampled: bool,
}

impl Rungs {
    fn new(counts: &Counts, sampled: bool) -> Rungs {
        let finest = 2f64.powi(i32::from(counts.finest()));
        let steps_of_a_body = counts.per_finest_step() * finest / counts.total().max(1) as f64;
        Rungs { bodies: counts.rungs().to_vec(), steps_of_a_body, sampled }
    }

    /// Substeps of a full step.
    fn substeps(&self) -> f64 {
        2f64.powi(self.bodies.len() as i32 - 1)
    }

    /// Mean number of the run's bodies whose forces are computed together.
    fn together(&self, bodies: u64) -> f64 {
        self.steps_of_a_body * bodies as f64 / self.substeps()
    }

    fn say(&self) {
        let of = |(rung, count): (usize, &u64)| format!("{count} on rung {rung}");
        let used = self.bodies.iter().enumerate().filter(|(_, count)| **count > 0);
        let list: Vec<String> = used.map(of).collect();
        let whose = if self.sampled { "a sample of the initial state" } else { "the initial state" };
        say(&format!("rungs   of the bodies of {whose}: {}", list.join(", ")));
        say(&format!(
            "        {} substeps in a full step, {:.2} force evaluations of a body; they change during the run",
            self.substeps(),
            self.steps_of_a_body
        ));
    }
}

impl Estimate {
    fn say_time(&self) {
        let whole = Duration::from_secs_f64(self.seconds.min(1e15));
        say(&format!(
            "time    {:.3} s a step, {} in all, with perfect scaling on cores like this one",
            self.seconds_per_step,
            duration(whole)
        ));
        match &self.rungs {
            Some(rungs) => rungs.say(),
            None if self.bodies_divide_steps => {
                say("        if no body divides a step; how many do is not known before");
            }
            None => {}
        }
        if !self.scaling_is_known {
            let together =
                self.rungs.as_ref().map_or(self.bodies as f64, |rungs| rungs.together(self.bodies));
            let cores = f64::from(self.ranks) * f64::from(self.threads);
            say(&format!(
                "        perfect scaling is impossible here: only {:.1} bodies are computed together on a core, and cores \
                 mostly wait; use fewer, or measure with heorot study",
                together / cores
            ));
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

/// What is known from a small test run and from the initial state.
struct Examined {
    /// Core time per body and step [s].
    core_seconds: f64,
    /// Advice on the softening.
    softening: Vec<Advice>,
    /// How bodies divide a full step, if they may.
    rungs: Option<Rungs>,
}

/// Makes a test run, and examines the initial state if it is not too large. Full steps have the length
/// `step` [T].
fn examine(parameters: &Parameters, bodies: u64, step: f64) -> Result<Examined> {
    let launch = Launch { threads: Some(1), virtual_ranks: Some(1), ..Launch::default() };
    on_all_ranks(&launch, |crew| {
        if bodies > MOST_EXAMINED {
            let core_seconds = pilot(&parameters.gravity, bodies)?;
            return Ok(Examined { core_seconds, softening: Vec::new(), rungs: None });
        }
        let mut loaded =
            parameters.initial.load(crew, &parameters.units.units(), parameters.cosmology.as_ref())?;
        let (domain, source) = (parameters.gravity.gravity.domain, parameters.initial.file());
        periodic_box::settle(crew, domain, source, &mut loaded)?;
        let Start { bodies: state, time } = loaded.start;
        let core_seconds = pilot(&parameters.gravity, state.massive() as u64)?;
        let softening = &parameters.gravity.gravity.softening;
        softening::warn_of_none(crew, &state, softening);
        let softening = softening::advise(&state, softening);
        let mut rungs = None;
        if parameters.time.stepping != Stepping::Fixed {
            let (bodies, sampled) = sample(state, core_seconds);
            let forces = Forces { allow_missed: true, ..parameters.gravity.clone() };
            let start = Start { bodies, time };
            let simulation = Simulation::begin(crew.comm, &forces, parameters.time.stepping, start)
                .map_err(|error| name_source(source, error))?;
            rungs = simulation.estimated_rungs(crew.comm, step).map(|counts| Rungs::new(&counts, sampled));
        }
        Ok(Examined { core_seconds, softening, rungs })
    })
}

/// Bodies for one force evaluation within [`MOST_SECONDS`], if one of a body takes this time [s]: all, or
/// evenly some of each type with the mass of all. Also returns whether they are some.
fn sample(mut bodies: Bodies, core_seconds: f64) -> (Bodies, bool) {
    let stride = (core_seconds * bodies.len() as f64 / MOST_SECONDS).ceil().max(1.0) as u64;
    if stride == 1 {
        return (bodies, false);
    }
    let mut counts = [0; TYPES];
    bodies.kind.iter().for_each(|kind| counts[usize::from(*kind)] += 1);
    let is_whole = |kind: u8| counts[usize::from(kind)] < LEAST_SAMPLED;
    let wanted = |i: &u32| {
        let i = *i as usize;
        is_whole(bodies.kind[i]) || hash(bodies.id[i]).is_multiple_of(stride)
    };
    let chosen: Vec<u32> = (0..bodies.len() as u32).filter(wanted).collect();
    bodies.permute(&chosen);
    for i in 0..bodies.len() {
        if !is_whole(bodies.kind[i]) {
            bodies.mass[i] *= stride as f64;
        }
    }
    (bodies, true)
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
