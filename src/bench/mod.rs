//! `heorot bench`: the main benchmark. It measures the sustained speed over whole steps of fixed
//! problems, at a verified force error and with verified bits.
//!
//! Reading order: `problem` defines what is computed, `run` measures it, and `checksum` verifies
//! the bits. `result` derives speeds and checks, `block` prints them, and `history` compares with
//! other machines.

mod block;
mod checksum;
mod history;
mod problem;
mod result;
mod run;

use crate::cli::{above_zero, bodies_in};
use crate::console::give_way;
use crate::files::outputs::Overwrite;
use crate::help::version::{Build, PROGRAM};
use crate::plot::output;
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, Layout, on_all_ranks};
use crate::ranks::machine::{self, Machine};
use crate::ranks::memory;
use crate::report;
use anyhow::{Result, bail, ensure};
use checksum::References;
use decomposition::{Solo, collective};
use io::{Kind, Target};
use nbody::cost::Gflops;
use problem::{Case, Changes, Name};
use result::{Check, Outcome, Peaks, Place, Score};
use run::{Amount, Flip, FlipPlace, Run};
use serde::Serialize;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use treecode::{Walk, math};

/// Measure this machine: sustained Gflops of whole steps of fixed problems, at a checked force
/// error and with checked bits.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// Problems to run.
    #[arg(
        long,
        value_name = "LIST",
        value_enum,
        value_delimiter = ',',
        default_value = "plummer,clumps,collision"
    )]
    pub problems: Vec<Name>,
    /// Walks to run: fmm, tree.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "fmm,tree", value_parser = problem::walk)]
    pub walks: Vec<Walk>,
    /// Number of bodies [default: a million].
    #[arg(long, value_name = "N", value_parser = bodies_in::<2, { u64::MAX }>)]
    pub bodies: Option<u64>,
    /// Memory of each rank [GB]; the number of bodies is chosen to fit into it.
    #[arg(long, value_name = "GB", conflicts_with = "bodies", value_parser = above_zero)]
    pub memory_per_rank: Option<f64>,
    /// Wanted force error, the root mean square of |a - a_direct| / |a_direct| [default: that of
    /// the problem, 0.001].
    #[arg(long, value_name = "ERROR")]
    pub accuracy: Option<f64>,
    /// Number of measured steps in each repetition.
    #[arg(long, value_name = "S", default_value_t = STEPS, value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: u64,
    /// Number of repetitions from the same state.
    #[arg(long, value_name = "R", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub repeat: u64,
    /// Repeat for this many hours, and end at the first fault.
    #[arg(long, value_name = "HOURS", value_parser = above_zero)]
    pub burn_in: Option<f64>,
    /// Price of the machine [dollars].
    #[arg(long, value_name = "DOLLARS", value_parser = above_zero)]
    pub price: Option<f64>,
    /// Power of the machine [watts].
    #[arg(long, value_name = "WATTS", value_parser = above_zero)]
    pub power: Option<f64>,
    /// Report to write (JSON).
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Table to write (CSV), a row for each problem and walk.
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Plot to write, .png, .svg or .pdf: Gflops and price over the years, for this machine and those of
    /// the past.
    #[arg(long, value_name = "FILE", value_parser = crate::plot::output::picture)]
    pub plot: Option<PathBuf>,
    /// File of reference checksums, used instead of the built-in ones, such as for another
    /// processor. If all checks pass, missing checksums are added to it.
    #[arg(long, value_name = "FILE.toml")]
    pub references: Option<PathBuf>,
    /// Whether report, table and plot may replace existing files.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Change one bit of a body on this rank, to test that it is detected.
    #[arg(long, value_name = "RANK")]
    pub flip_bit: Option<usize>,
    /// When this bit is changed.
    #[arg(long, value_name = "PLACE", value_enum, default_value_t, requires = "flip_bit")]
    pub flip_in: FlipPlace,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

const EXAMPLES: &str = "Examples:
  heorot bench
  mpirun -n 16 heorot bench --memory-per-rank 2 --price 50000 --power 4500 --json bench.json --plot history.svg
  mpirun -n 64 heorot bench --burn-in 24 --memory-per-rank 3 --problems clumps

Each problem (inputs/bench) starts with two warm-up steps. From this state the same steps are timed
repeatedly, with everything that a step contains: sort, migration, tree, moments, exchange, walk,
kernels, integration, energies. The final state must be bitwise identical each time, on any number
of ranks and threads, and have the reference checksum. At the start, every rank computes a small
problem by itself. At the end, the initial state and the warm-up are computed once more, with the
bodies of each rank on the next rank. A rank with a different result is named, with its host. The
exit code is 1 if any check FAILED. docs/benchmark.md explains the result.";

/// Default number of steps per repetition. The reference checksums are for this number.
const STEPS: u64 = 5;
/// Number of bodies in the problem that every rank computes alone.
const SMALL: u64 = 20_000;
/// Memory per body of the state that is kept for the repetitions [bytes].
const KEPT: f64 = 106.0;

/// Content of the `--json` file.
#[derive(Serialize)]
struct Report<'a> {
    program: &'static str,
    build: Build,
    command: &'static str,
    machine: Machine,
    ranks: usize,
    threads: usize,
    layout: Layout,
    simd: &'static str,
    peaks: Peaks,
    /// Check of the problem that every rank computed alone.
    alone: Check,
    results: &'a [Outcome],
    scores: Vec<Score>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    values: Vec<Value>,
    /// Number of rounds over all problems, and their duration.
    rounds: u64,
    hours: f64,
    passed: bool,
}

/// Cost of a walk's speed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Value {
    /// The walk.
    pub walk: Walk,
    /// Dollars per Gflop/s, convention gordon-bell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dollars_per_gflop: Option<f64>,
    /// Gflop/s per watt, convention gordon-bell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gflops_per_watt: Option<f64>,
}

/// Runs the command.
///
/// # Errors
/// If the machine failed, or a file cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| bench(crew, arguments))
}

fn bench(crew: &Crew, arguments: &Arguments) -> Result<()> {
    let bodies = bodies(crew, arguments)?;
    let cases = cases(arguments, bodies)?;
    if let Some(rank) = arguments.flip_bit.filter(|&rank| rank >= crew.comm.size()) {
        bail!("--flip-bit {rank}: must be below the number of ranks, {}", crew.comm.size());
    }
    let targets = crew.agree(|| Targets::new(arguments))?;
    give_way(targets.json.iter().chain(&targets.csv));
    let largest = cases.iter().map(|case| case.bodies).max().unwrap_or(0);
    memory::check_evenly(crew, largest, KEPT)?;
    let mut references = match &arguments.references {
        Some(path) => crew.agree(|| References::read(path))?,
        None => References::built_in(),
    };

    let place = place(crew);
    let machine = Machine::of(&place.hosts);
    if crew.leads() {
        block::say_machine(&machine, &place, crew);
    }
    let alone = alone(crew, &place, &references)?;
    if crew.leads() {
        block::say_check(&alone);
    }
    let (outcomes, rounds, time) = rounds(crew, arguments, &cases, &place, &references)?;

    let passed = alone.passed != Some(false) && outcomes.iter().all(|outcome| outcome.passed);
    let scores = result::scores(&outcomes);
    let values = values(arguments, &scores);
    crew.lead(|| {
        let mut machines = history::known();
        machines.extend(mine(arguments, &machine, &scores, crew.comm.size() * crew.threads));
        block::say_end(arguments, &scores, &values, &history::table(&machines), passed);
        if let Some(path) = arguments.references.as_ref().filter(|_| passed) {
            for outcome in &outcomes {
                references.add(&outcome.checksum_of, &outcome.checksum);
            }
            references.add_to(path)?;
        }
        if let Some(target) = &targets.csv {
            let rows: Vec<Vec<String>> = outcomes.iter().map(Outcome::cells).collect();
            io::table::write(target, &Outcome::columns(), &rows)?;
        }
        if let Some(targets) = &targets.plot {
            let (figure, sheet) = history::figure(&machines);
            targets.write(&figure, &sheet)?;
        }
        let report = Report {
            program: PROGRAM,
            build: Build::new(),
            command: "bench",
            machine,
            ranks: crew.comm.size(),
            threads: crew.threads,
            layout: crew.layout,
            simd: treecode::simd_path(),
            peaks: place.peaks,
            alone: alone.clone(),
            results: &outcomes,
            scores,
            values,
            rounds,
            hours: time.as_secs_f64() / 3600.0,
            passed,
        };
        targets.json.iter().try_for_each(|target| Ok(target.write_json(&report)?))
    })?;
    let of_machine = (alone.passed == Some(false)).then_some(alone.what);
    let failed: Vec<String> =
        of_machine.into_iter().chain(outcomes.iter().flat_map(Outcome::failures)).collect();
    ensure!(failed.is_empty(), "the benchmark FAILED: {}", failed.join("; "));
    Ok(())
}

/// Output files, checked before the long computation starts.
struct Targets {
    json: Option<Target>,
    csv: Option<Target>,
    plot: Option<output::Targets>,
}

impl Targets {
    fn new(arguments: &Arguments) -> Result<Targets> {
        let mut outputs = arguments.overwrite.reading(&arguments.references);
        if let Some(path) = &arguments.references {
            // New lines are added to this file, and its content is kept.
            io::may_update(path)?;
        }
        Ok(Targets {
            json: arguments.json.as_ref().map(|path| outputs.file(path, Kind::REPORT)).transpose()?,
            csv: arguments.csv.as_ref().map(|path| outputs.file(path, Kind::TABLE)).transpose()?,
            plot: arguments.plot.as_ref().map(|path| output::Targets::new(path, &mut outputs)).transpose()?,
        })
    }
}

/// The requested number of bodies, if any.
fn bodies(crew: &Crew, arguments: &Arguments) -> Result<Option<u64>> {
    let Some(gigabytes) = arguments.memory_per_rank else { return Ok(arguments.bodies) };
    let ranks = crew.comm.size();
    let most = memory::most_bodies(gigabytes * 1e9 * ranks as f64, ranks, KEPT);
    // Rounded to two digits, so that a small change of memory does not change the problem.
    let unit = 10f64.powi((math::log10(most.max(10.0)).floor() - 1.0) as i32);
    let bodies = ((most / unit).floor() * unit) as u64;
    ensure!(bodies >= 2, "--memory-per-rank {gigabytes:?}: the program itself leaves no memory for bodies");
    Ok(Some(bodies))
}

fn cases(arguments: &Arguments, bodies: Option<u64>) -> Result<Vec<Case>> {
    let changes = Changes { bodies, accuracy: arguments.accuracy };
    let pairs = arguments
        .problems
        .iter()
        .flat_map(|&problem| arguments.walks.iter().map(move |&walk| (problem, walk)));
    pairs.map(|(problem, walk)| Case::new(problem, walk, changes)).collect()
}

/// Ranks, hosts and peak speeds of the machine. Collective.
fn place(crew: &Crew) -> Place {
    let hosts = report::hosts(crew);
    Place {
        cores: hosts.len() * crew.threads,
        hosts,
        arithmetic: machine::arithmetic(),
        peaks: Peaks {
            fma_gflops: nbody::peak::measure(crew.comm),
            stream_gigabytes: 1e-9 * nbody::stream::measure(crew.comm),
        },
    }
}

/// Every rank computes the same small problem alone. This finds a rank whose processor or memory
/// errs in the same way every time. Collective.
fn alone(crew: &Crew, place: &Place, references: &References) -> Result<Check> {
    let changes = Changes { bodies: Some(SMALL), accuracy: None };
    let case = Case::new(Name::Plummer, Walk::Fmm, changes)?;
    let amount = Amount { steps: STEPS, repetitions: 1, flip: None };
    let run = crew.agree(|| Run::new(&Solo, &case, amount))?;
    let found = [run.state, u64::from(run.difference.is_some())];
    let found: Vec<[u64; 2]> = collective::gather(crew.comm, &[found]).concat();
    let known = references.get(&result::checksum_of(&case, run.steps(), &place.arithmetic));
    let states: Vec<u64> = found.iter().map(|[state, _]| *state).collect();
    let mut wrong = outsiders(&states, known);
    wrong.extend((0..found.len()).filter(|&rank| found[rank][1] > 0));
    wrong.sort_unstable();
    wrong.dedup();
    let what = if wrong.is_empty() {
        let against = if known.is_some() { ", those of the reference" } else { "" };
        format!("every rank by itself computed {SMALL} bodies to the same bits{against}")
    } else {
        let names: Vec<String> = wrong.iter().map(|&rank| place.words(rank)).collect();
        format!("by itself, {} computed {SMALL} bodies to other bits than it should", names.join(", "))
    };
    Ok(Check { what, passed: Some(wrong.is_empty()) })
}

/// Ranks whose state is not the known one. If none is known, ranks whose state is not that of more
/// than half of all ranks.
fn outsiders(states: &[u64], known: Option<&str>) -> Vec<usize> {
    let votes = |state: u64| states.iter().filter(|&&other| other == state).count();
    let is_right = |state: u64| match known {
        Some(known) => checksum::words(state) == known,
        None => 2 * votes(state) > states.len(),
    };
    (0..states.len()).filter(|&rank| !is_right(states[rank])).collect()
}

/// Measures all cases once. A burn-in repeats them until its time is up or a check failed, and at least
/// once: its later rounds are compared with the first.
/// Collective.
fn rounds(
    crew: &Crew,
    arguments: &Arguments,
    cases: &[Case],
    place: &Place,
    references: &References,
) -> Result<(Vec<Outcome>, u64, Duration)> {
    let flip = arguments.flip_bit.map(|rank| Flip { rank, place: arguments.flip_in });
    let amount = Amount { steps: arguments.steps, repetitions: arguments.repeat, flip };
    let begun = Instant::now();
    let (mut runs, mut outcomes) = (Vec::new(), Vec::new());
    for case in cases {
        let run = Run::new(crew.comm, case, amount)?;
        outcomes.push(Outcome::new(crew, &run, place, references));
        runs.push(run);
        crew.lead(|| {
            outcomes.last().iter().for_each(|outcome| block::say_outcome(outcome));
            Ok(())
        })?;
    }
    let mut round = 1;
    let Some(hours) = arguments.burn_in else { return Ok((outcomes, round, begun.elapsed())) };
    while outcomes.iter().all(|outcome| outcome.passed) {
        let left = hours * 3600.0 - begun.elapsed().as_secs_f64();
        if crew.lead_tells(|| Ok(vec![u64::from(round < 2 || left > 0.0)]))? == [0] {
            break;
        }
        round += 1;
        outcomes.clear();
        for run in &mut runs {
            run.round(crew.comm)?;
            outcomes.push(Outcome::new(crew, run, place, references));
        }
        if crew.leads() && outcomes.iter().all(|outcome| outcome.passed) {
            block::say_round(round, begun.elapsed(), &outcomes);
        } else if crew.leads() {
            outcomes.iter().for_each(block::say_outcome);
        }
    }
    Ok((outcomes, round, begun.elapsed()))
}

fn values(arguments: &Arguments, scores: &[Score]) -> Vec<Value> {
    let Arguments { price, power, .. } = arguments;
    let value = |&Score { walk, gflops: Gflops { gordon_bell, .. } }: &Score| Value {
        walk,
        dollars_per_gflop: price.map(|price| price / gordon_bell),
        gflops_per_watt: power.map(|power| gordon_bell / power),
    };
    let asked = price.is_some() || power.is_some();
    scores.iter().filter(|_| asked).map(value).collect()
}

/// This machine as an entry of the history table. It uses the tree walk if that was measured, as
/// the older entries do.
fn mine(
    arguments: &Arguments,
    machine: &Machine,
    scores: &[Score],
    cores: usize,
) -> Option<history::Machine> {
    let score = scores.iter().find(|score| score.walk == Walk::Tree).or(scores.first())?;
    Some(history::Machine {
        name: "this machine".to_owned(),
        year: history::this_year(),
        processors: format!("{cores} cores, {}", machine.processor),
        bodies: arguments.bodies.map(|bodies| bodies as f64),
        gflops: score.gflops.gordon_bell,
        price: arguments.price,
        source: format!("measured now, {} walk", problem::walk_name(score.walk)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_that_err_are_named() {
        assert!(outsiders(&[7, 7, 7], None).is_empty() && outsiders(&[7], None).is_empty());
        assert_eq!(outsiders(&[7, 7, 8], None), [2]);
        assert_eq!(outsiders(&[8, 8, 7], Some(&checksum::words(7))), [0, 1]);
        assert_eq!(outsiders(&[1, 2], None), [0, 1], "nobody knows which of two is right");
    }
}
