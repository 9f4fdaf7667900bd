//! Result of a case, and whether it passed.

use super::checksum::{self, References};
use super::problem::{Case, walk_name};
use super::run::{Difference, Run};
use crate::ranks::crew::Crew;
use crate::report::{median, peak_memory};
use nbody::accuracy::Accuracy;
use nbody::cost::{Gflops, PerBody};
use serde::Serialize;
use std::collections::BTreeMap;
use treecode::{Census, Convention};

/// The sampled error may exceed the requested one by this factor, because the settings were chosen
/// with another sample.
const SAMPLING: f64 = 1.1;

/// Peak speeds of the machine, summed over all ranks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Peaks {
    /// Single-precision fused multiply-adds [Gflop/s].
    pub fma_gflops: f64,
    /// Triad of STREAM [GB/s].
    pub stream_gigabytes: f64,
}

/// Ranks, hosts and peak speeds.
pub(super) struct Place {
    /// Host of each rank.
    pub hosts: Vec<String>,
    /// Number of threads of all ranks together.
    pub cores: usize,
    /// SIMD path and vendor of the processors, the same on all ranks. Checksums are valid for these
    /// only.
    pub arithmetic: String,
    /// Peak speeds.
    pub peaks: Peaks,
}

/// A condition and whether it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Check {
    /// Description of the measured and of the required value.
    pub what: String,
    /// Whether the condition holds. `None` if there is no reference to compare with.
    pub passed: Option<bool>,
}

/// Range of a value over the repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    /// Median.
    pub median: f64,
    /// Smallest value.
    pub least: f64,
    /// Greatest value.
    pub greatest: f64,
}

/// The rank that computed longest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Slowest {
    /// Number of the rank.
    pub rank: usize,
    /// Host of the rank.
    pub host: String,
    /// Time of the rank, divided by the mean of all.
    pub over_mean: f64,
}

/// A case and its measurements. Speeds are those of the median repetition.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Outcome {
    /// The case.
    #[serde(flatten)]
    pub case: Case,
    /// Number of steps per repetition.
    pub steps: u64,
    /// Number of repetitions.
    pub repetitions: usize,
    /// Wall time per step [s].
    pub seconds_per_step: Spread,
    /// Mean time per step in each phase [s], for the slowest rank in that phase.
    pub phase_seconds: BTreeMap<&'static str, f64>,
    /// Sustained speed [Gflop/s], by convention.
    pub gflops: Gflops,
    /// Sustained speed as a fraction of the FMA peak.
    pub share_of_peak: Gflops,
    /// Interactions per second.
    pub interactions_per_second: f64,
    /// Interactions per body and step.
    pub interactions_per_body: PerBody,
    /// Body steps per second and core.
    pub bodies_per_second_per_core: f64,
    /// Order of the expansion.
    pub order: usize,
    /// Tolerance of the expansion.
    pub tolerance: f64,
    /// Error of the forces on random bodies, compared with direct sums.
    pub force_error: Accuracy,
    /// Absolute value of the sum of all forces, divided by the sum of their absolute values.
    pub force_sum: f64,
    /// Greatest relative energy error.
    pub energy_error: f64,
    /// Bytes sent per step by all ranks.
    pub bytes_per_step: f64,
    /// Bytes sent per body and step.
    pub bytes_per_body_per_step: f64,
    /// Messages sent per step by all ranks.
    pub messages_per_step: f64,
    /// Mean compute time of the ranks, divided by the greatest.
    pub load_balance: f64,
    /// Fraction of the transfer time of essential trees that overlaps with computation.
    pub travel_hidden: Option<f64>,
    /// The rank that computed longest.
    pub slowest: Slowest,
    /// Peak memory of all processes so far, divided by the number of ranks [bytes].
    pub memory_per_rank: Option<f64>,
    /// Checksum of the state of all bodies.
    pub checksum: String,
    /// Description of the checksummed state: its key in the references.
    pub checksum_of: String,
    /// All conditions.
    pub checks: Vec<Check>,
    /// Whether all conditions hold.
    pub passed: bool,
    /// Operations per step, by convention.
    #[serde(skip)]
    pub(super) operations: [f64; 2],
}

impl Place {
    /// A rank and its host as text.
    pub(super) fn words(&self, rank: usize) -> String {
        format!("rank {rank} ({})", self.hosts[rank])
    }
}

impl Spread {
    /// Statistics of at least one value.
    fn of(values: &[f64]) -> Spread {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Spread { median: median(&sorted), least: sorted[0], greatest: sorted[sorted.len() - 1] }
    }
}

/// Key of a state in the references.
pub(super) fn checksum_of(case: &Case, steps: u64, arithmetic: &str) -> String {
    format!("{}, {steps} steps, {arithmetic}", case.words())
}

impl Check {
    fn at_most(what: &str, found: f64, bound: f64) -> Check {
        Check { what: format!("{what} {found:.2e}, at most {bound:.1e}"), passed: Some(found <= bound) }
    }

    /// Compares a checksum with its reference.
    pub(super) fn reference(found: &str, of: &str, references: &References) -> Check {
        let (what, passed) = match references.get(of) {
            Some(known) if known == found => {
                (format!("checksum {found} is that of the reference"), Some(true))
            }
            Some(known) => (format!("checksum {found}, but that of the reference is {known}"), Some(false)),
            None => (format!("checksum {found}: no reference is known for it"), None),
        };
        Check { what, passed }
    }

    fn repetitions(run: &Run, place: &Place) -> Check {
        let who = |ranks: &[usize]| {
            let who: Vec<String> = ranks.iter().map(|&rank| place.words(rank)).collect();
            who.join(", ")
        };
        let what = match &run.difference {
            None => {
                let repetitions = run.seconds.len();
                let what = format!(
                    "{repetitions} repetitions gave every rank the same bits, as did initial state and warm-up on the next rank"
                );
                return Check { what, passed: Some(true) };
            }
            Some(Difference::Repetition { repetition, step, ranks }) => format!(
                "repetition {repetition} gave other bits than the first, from step {step} on, where they differ first on {}",
                who(ranks)
            ),
            Some(Difference::Kept { ranks }) => format!(
                "the state after the warm-up, kept for the repetitions, has changed in the memory of {}",
                who(ranks)
            ),
            Some(Difference::Again { stage, ranks }) => {
                let pairs: Vec<String> = ranks
                    .iter()
                    .map(|[rank, checker]| {
                        format!("{}, computed again by {}", place.words(*rank), place.words(*checker))
                    })
                    .collect();
                format!("{stage} has other bits when it is computed again: that of {}", pairs.join("; "))
            }
        };
        Check { what, passed: Some(false) }
    }
}

impl Outcome {
    /// The outcome of a run. Collective.
    pub(super) fn new(crew: &Crew, run: &Run, place: &Place, references: &References) -> Outcome {
        let cost = run.meter.gather(crew.comm);
        let (case, ranks) = (run.case.clone(), crew.comm.size() as f64);
        let all_steps = cost.evaluations as f64;
        let each = |sum: u64| sum as f64 / all_steps;
        let seconds = Spread::of(&run.seconds);
        let operations =
            [Convention::GordonBell, Convention::Arithmetic].map(|convention| match convention {
                Convention::GordonBell => {
                    let census = Census { interactions: cost.interactions, ..Census::default() };
                    census.operations(convention) as f64 / all_steps
                }
                Convention::Arithmetic => cost.gflops.arithmetic * 1e9 * cost.total_seconds() / all_steps,
            });
        let [gordon_bell, arithmetic] = operations.map(|count| 1e-9 * count / seconds.median);
        let peak = place.peaks.fma_gflops;
        let control = run.control.as_ref().expect("the cases have a wanted error");
        let checksum = checksum::words(run.state);
        let checksum_of = checksum_of(&case, run.steps(), &place.arithmetic);
        let mean_busy = run.busy.iter().sum::<f64>() / ranks;
        let slowest = (0..run.busy.len()).max_by(|&a, &b| run.busy[a].total_cmp(&run.busy[b])).unwrap_or(0);
        let checks = vec![
            Check::at_most("force error (rms)", run.force_error.rms, SAMPLING * case.wanted_error),
            Check::at_most("energy error", run.energy_error, case.energy_bound),
            Check::repetitions(run, place),
            Check::reference(&checksum, &checksum_of, references),
        ];
        Outcome {
            steps: run.steps() - super::run::WARM_UP,
            repetitions: run.seconds.len(),
            seconds_per_step: seconds,
            phase_seconds: cost.seconds.iter().map(|(&name, sum)| (name, sum / all_steps)).collect(),
            gflops: Gflops { gordon_bell, arithmetic },
            share_of_peak: Gflops { gordon_bell: gordon_bell / peak, arithmetic: arithmetic / peak },
            interactions_per_second: each(cost.all_interactions()) / seconds.median,
            interactions_per_body: cost.per_body(case.bodies),
            bodies_per_second_per_core: case.bodies as f64 / seconds.median / place.cores as f64,
            order: control.order,
            tolerance: control.tolerance,
            force_error: run.force_error,
            force_sum: run.balance.force_sum,
            energy_error: run.energy_error,
            bytes_per_step: each(cost.traffic.bytes),
            bytes_per_body_per_step: each(cost.traffic.bytes) / case.bodies as f64,
            messages_per_step: each(cost.traffic.messages),
            load_balance: cost.load_balance,
            travel_hidden: cost.travel_hidden,
            slowest: Slowest {
                rank: slowest,
                host: place.hosts[slowest].clone(),
                over_mean: run.busy[slowest] / mean_busy.max(1e-9),
            },
            memory_per_rank: peak_memory(crew).map(|bytes| bytes as f64 / ranks),
            checksum,
            checksum_of,
            passed: checks.iter().all(|check| check.passed != Some(false)),
            checks,
            operations,
            case,
        }
    }

    /// The conditions that failed, with the name of the case.
    pub(super) fn failures(&self) -> impl Iterator<Item = String> {
        let failed = self.checks.iter().filter(|check| check.passed == Some(false));
        failed.map(|check| format!("{}: {}", self.case.words(), check.what))
    }

    /// Names of the values in [`Outcome::cells`].
    pub(super) fn columns() -> Vec<String> {
        Outcome::table(None).into_iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// The case as a row of a table.
    pub(super) fn cells(&self) -> Vec<String> {
        Outcome::table(Some(self)).into_iter().map(|(_, value)| value).collect()
    }

    fn table(of: Option<&Outcome>) -> Vec<(&'static str, String)> {
        let number = |pick: fn(&Outcome) -> f64| of.map_or(String::new(), |of| io::table::number(pick(of)));
        let word = |pick: fn(&Outcome) -> String| of.map_or(String::new(), pick);
        vec![
            ("problem", word(|of| of.case.problem.name().to_owned())),
            ("version", word(|of| of.case.version.to_string())),
            ("walk", word(|of| walk_name(of.case.walk).to_owned())),
            ("bodies", word(|of| of.case.bodies.to_string())),
            ("wanted_error", number(|of| of.case.wanted_error)),
            ("seconds_per_step", number(|of| of.seconds_per_step.median)),
            ("seconds_least", number(|of| of.seconds_per_step.least)),
            ("seconds_greatest", number(|of| of.seconds_per_step.greatest)),
            ("gflops_gordon_bell", number(|of| of.gflops.gordon_bell)),
            ("gflops_arithmetic", number(|of| of.gflops.arithmetic)),
            ("share_gordon_bell", number(|of| of.share_of_peak.gordon_bell)),
            ("share_arithmetic", number(|of| of.share_of_peak.arithmetic)),
            ("interactions_per_second", number(|of| of.interactions_per_second)),
            ("bodies_per_second_per_core", number(|of| of.bodies_per_second_per_core)),
            ("force_error_rms", number(|of| of.force_error.rms)),
            ("force_error_99", number(|of| of.force_error.percentile_99)),
            ("energy_error", number(|of| of.energy_error)),
            ("bytes_per_step", number(|of| of.bytes_per_step)),
            ("bytes_per_body_per_step", number(|of| of.bytes_per_body_per_step)),
            ("messages_per_step", number(|of| of.messages_per_step)),
            ("load_balance", number(|of| of.load_balance)),
            ("travel_hidden", number(|of| of.travel_hidden.unwrap_or(f64::NAN))),
            ("memory_per_rank", number(|of| of.memory_per_rank.unwrap_or(f64::NAN))),
            ("checksum", word(|of| of.checksum.clone())),
            ("passed", word(|of| of.passed.to_string())),
        ]
    }
}

/// Score of one walk: all operations of all problems, divided by their total time [Gflop/s].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Score {
    /// The walk.
    pub walk: treecode::Walk,
    /// Score, by convention.
    pub gflops: Gflops,
}

/// The score of each walk that was measured.
pub(super) fn scores(outcomes: &[Outcome]) -> Vec<Score> {
    let mut walks: Vec<treecode::Walk> = Vec::new();
    outcomes.iter().for_each(|outcome| {
        if !walks.contains(&outcome.case.walk) {
            walks.push(outcome.case.walk);
        }
    });
    let score = |walk| {
        let of_walk = || outcomes.iter().filter(move |outcome| outcome.case.walk == walk);
        let seconds: f64 = of_walk().map(|outcome| outcome.seconds_per_step.median).sum();
        let speed = |k: usize| 1e-9 * of_walk().map(|outcome| outcome.operations[k]).sum::<f64>() / seconds;
        Score { walk, gflops: Gflops { gordon_bell: speed(0), arithmetic: speed(1) } }
    };
    walks.into_iter().map(score).collect()
}
