//! Prints the results of the benchmark for people.

use super::result::{Check, Outcome, Place, Score};
use super::{Arguments, Value};
use crate::console::{duration, say};
use crate::ranks::crew::Crew;
use crate::ranks::machine::Machine;
use nbody::cost::PerBody;
use std::time::Duration;

const WIDTH: usize = 100;

/// Prints the machine before the measurements start.
pub(super) fn say_machine(machine: &Machine, place: &Place, crew: &Crew) {
    say(&"=".repeat(WIDTH));
    say(&format!("heorot bench {}, problems of inputs/bench", env!("CARGO_PKG_VERSION")));
    let Machine { host, processor, hosts } = machine;
    say(&format!("machine    {processor}; {hosts} host(s), the first is {host}"));
    let arithmetic = &place.arithmetic;
    let (ranks, threads, hosts) = (place.hosts.len(), crew.threads, crew.layout.words());
    say(&format!("layout     {ranks} rank(s) x {threads} thread(s){hosts}, {arithmetic}"));
    let peaks = &place.peaks;
    say(&format!(
        "peak       {:.1} Gflop/s (single-precision FMA), {:.1} GB/s (triad of STREAM)",
        peaks.fma_gflops, peaks.stream_gigabytes
    ));
    say(&"-".repeat(WIDTH));
}

/// Prints a finished case.
pub(super) fn say_outcome(outcome: &Outcome) {
    let Outcome { case, seconds_per_step: seconds, gflops, share_of_peak: share, force_error: error, .. } =
        outcome;
    say(&format!(
        "{:<44} {:>9.4} s a step ({:.4} to {:.4}) of {} x {} steps",
        case.words(),
        seconds.median,
        seconds.least,
        seconds.greatest,
        outcome.repetitions,
        outcome.steps
    ));
    say(&format!(
        "  speed      {:.3} Gflop/s (gordon-bell), {:.3} (arithmetic); {:.1} and {:.1} % of the FMA peak",
        gflops.gordon_bell,
        gflops.arithmetic,
        100.0 * share.gordon_bell,
        100.0 * share.arithmetic
    ));
    let PerBody { body_body, body_cell, cell_cell } = outcome.interactions_per_body;
    say(&format!(
        "             {:.3e} interactions/s ({body_body:.0} body-body, {body_cell:.0} body-cell, {cell_cell:.1} cell-cell a body), \
         {:.3e} bodies/s a core",
        outcome.interactions_per_second, outcome.bodies_per_second_per_core
    ));
    let phases =
        ["sort", "migrate", "build", "moments", "exchange", "walk", "kernels", "integrate", "diagnostics"];
    let parts = phases.map(|name| format!("{name} {:.1}", 1e3 * outcome.phase_seconds[name]));
    say(&format!("  phases     [ms] {}", parts.join(", ")));
    say(&format!(
        "  force      rms {:.2e}, 99th percentile {:.2e}, greatest {:.2e} of {} bodies; order {}, tolerance {:.3e}; sum of forces {:.1e}",
        error.rms,
        error.percentile_99,
        error.greatest,
        error.sample,
        outcome.order,
        outcome.tolerance,
        outcome.force_sum
    ));
    let hidden = outcome
        .travel_hidden
        .map_or(String::new(), |part| format!(", {:.0} % of the wait hidden", 100.0 * part));
    say(&format!(
        "  ranks      {:.3} MB ({:.1} bytes a body) and {:.0} messages a step{hidden}; balance {:.3} by work, slowest rank {} ({}) at {:.3} of the mean",
        1e-6 * outcome.bytes_per_step,
        outcome.bytes_per_body_per_step,
        outcome.messages_per_step,
        outcome.load_balance,
        outcome.slowest.rank,
        outcome.slowest.host,
        outcome.slowest.over_mean
    ));
    if let Some(bytes) = outcome.memory_per_rank {
        say(&format!("  memory     {:.1} MB a rank at most so far", 1e-6 * bytes));
    }
    outcome.checks.iter().for_each(say_check);
}

/// Prints a check, with dots up to its end.
pub(super) fn say_check(check: &Check) {
    let word = match check.passed {
        Some(true) => "PASSED",
        Some(false) => "FAILED",
        None => "not compared",
    };
    let dots = ".".repeat((WIDTH - 12).saturating_sub(check.what.len()).max(3));
    say(&format!("  {} {dots} {word}", check.what));
}

/// Prints a round of a burn-in.
pub(super) fn say_round(round: u64, passed: Duration, outcomes: &[Outcome]) {
    let speeds: Vec<String> =
        outcomes.iter().map(|outcome| format!("{:.4}", outcome.seconds_per_step.median)).collect();
    say(&format!("round {round}, {}: all as in the first; s a step {}", duration(passed), speeds.join(" ")));
}

/// Prints the score of each walk, its cost, and whether the machine passed.
pub(super) fn say_end(
    arguments: &Arguments,
    scores: &[Score],
    values: &[Value],
    history: &[String],
    passed: bool,
) {
    say(&"-".repeat(WIDTH));
    for Score { walk, gflops } in scores {
        say(&format!(
            "score, {:<4} {:.3} Gflop/s (gordon-bell), {:.3} (arithmetic): all operations over all time of {} problem(s)",
            super::problem::walk_name(*walk),
            gflops.gordon_bell,
            gflops.arithmetic,
            arguments.problems.len()
        ));
    }
    for Value { walk, dollars_per_gflop, gflops_per_watt } in values {
        let price = dollars_per_gflop.map(|price| format!("{price:.2} $ for a Gflop/s"));
        let power = gflops_per_watt.map(|power| format!("{power:.4} Gflop/s for a watt"));
        let both: Vec<String> = [price, power].into_iter().flatten().collect();
        say(&format!("value, {:<4} {} (gordon-bell)", super::problem::walk_name(*walk), both.join(", ")));
    }
    say("");
    history.iter().for_each(|line| say(line));
    say(&"-".repeat(WIDTH));
    say(if passed { "PASSED" } else { "FAILED" });
    say(&"=".repeat(WIDTH));
}
