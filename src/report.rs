//! `report.json`: parameters, machine, cost and accuracy of a computation.

use crate::console::say;
use crate::help::version::{Build, PROGRAM};
use crate::parameters::BalanceBy;
use crate::parameters::defaults::yes;
use crate::ranks::crew::Crew;
use crate::ranks::launch::Layout;
use crate::ranks::machine::{self, Machine};
use nbody::Diagnostics;
use nbody::accuracy::{Accuracy, Balance};
use nbody::cost::{Cost, FmaPeak, PerBody};
use nbody::forces::Control;
use nbody::stepping::Course;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A report. Keys that have no meaning for a command are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The program and its version.
    pub program: &'static str,
    /// Version, revision, libraries and SIMD path.
    pub build: Build,
    /// Name of the command.
    pub command: &'static str,
    /// The machine.
    pub machine: Machine,
    /// Number of ranks.
    pub ranks: usize,
    /// Number of threads per process.
    pub threads: usize,
    /// Distribution of ranks over hosts.
    pub layout: Layout,
    /// SIMD path of the kernels.
    pub simd: &'static str,
    /// All parameters, including defaults.
    pub parameters: serde_json::Value,
    /// Number of bodies.
    pub bodies: u64,
    /// Number of steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Number of times that the run was continued from a checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarts: Option<u64>,
    /// Times, interactions and speeds.
    #[serde(flatten)]
    pub cost: Cost,
    /// Interactions per body in one evaluation.
    pub interactions_per_body: PerBody,
    /// Bytes sent per body in one evaluation.
    pub bytes_sent_per_body: f64,
    /// Time of each evaluation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation_seconds: Option<Times>,
    /// Peak speed of the processors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fma_peak: Option<FmaPeak>,
    /// Peak memory of all processes so far, divided by the number of bodies, if the system reports
    /// it [bytes].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes_per_body: Option<f64>,
    /// Time of input and output, which `seconds.total` does not include.
    pub files: FileTimes,
    /// Conservation of energy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<Energy>,
    /// Statistics of adaptive timesteps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_steps: Option<TimeSteps>,
    /// The requested force error, the measured one, and the settings that gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<Control>,
    /// Error of the forces relative to direct summation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_error: Option<Accuracy>,
    /// Error of the forces of all bodies relative to another snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_error: Option<Accuracy>,
    /// Centre of mass and sum of all forces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// What the load balance of a run makes equal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balanced_by: Option<BalanceBy>,
    /// Share of the work of each rank at the end, relative to the mean. Empty if all are equal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<f64>,
    /// Notes on the numbers for readers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Wall time of input and output on the leading rank [s].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileTimes {
    /// Reading or drawing the initial state.
    pub reading_seconds: f64,
    /// Writing snapshots.
    pub writing_seconds: f64,
    /// Number of snapshots written.
    pub snapshots: u64,
    /// Writing checkpoints.
    pub checkpoint_seconds: f64,
    /// Number of checkpoints written.
    pub checkpoints: u64,
    /// Bytes of all snapshots written.
    pub written_bytes: u64,
    /// Writing speed [bytes/s]; 0 if nothing was written.
    pub writing_bytes_per_second: f64,
    /// Fraction of the total time spent on writing, from 0 to 1.
    pub writing_share: f64,
    /// Drawing the frames of `[movie]`.
    #[serde(default)]
    pub frame_seconds: f64,
    /// Number of frames drawn.
    #[serde(default)]
    pub frames: u64,
}

impl FileTimes {
    /// Adds the time and size of the files of a snapshot.
    pub fn wrote(&mut self, time: Duration, files: &[PathBuf]) {
        self.writing_seconds += time.as_secs_f64();
        self.written_bytes +=
            files.iter().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum::<u64>();
        self.writing_bytes_per_second = self.written_bytes as f64 / self.writing_seconds;
    }
}

/// Wall times of evaluations on the slowest rank [s].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Times {
    /// The first one, with the bodies in file order.
    pub first: f64,
    /// The measured ones, each with the bodies in the order that the previous one has left.
    pub all: Vec<f64>,
    /// Median of the measured ones.
    pub median: f64,
    /// Minimum of the measured ones.
    pub minimum: f64,
}

impl Times {
    /// Times of a first evaluation and of those that were measured. Both may be the same
    /// evaluation.
    pub fn new(first: f64, all: Vec<f64>) -> Times {
        let mut sorted = all.clone();
        sorted.sort_by(f64::total_cmp);
        Times { first, median: median(&sorted), minimum: sorted[0], all }
    }
}

/// The median of at least one value; the values must be sorted.
pub fn median(sorted: &[f64]) -> f64 {
    0.5 * (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2])
}

/// Conservation of energy in a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// At the start.
    pub first: Diagnostics,
    /// At the end.
    pub last: Diagnostics,
    /// Relative error at the end.
    pub error: f64,
    /// Greatest absolute relative error of any step.
    pub greatest_error: f64,
    /// Whether energy is conserved. In potentials that depend on time it is not; both errors are
    /// then changes.
    #[serde(default = "yes")]
    pub conserved: bool,
}

impl Energy {
    /// What the errors are errors of.
    pub fn name(&self) -> &'static str {
        match (self.last.expanding, self.conserved) {
            (Some(_), _) => "error of the Layzer-Irvine integral",
            (None, true) => "relative energy error",
            (None, false) => "the potential depends on time, so energy is not conserved: relative change",
        }
    }
}

/// Statistics of adaptive timesteps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeSteps {
    /// Mean number of steps per body.
    pub steps_per_body: f64,
    /// Number of substeps: times at which a step of some body ended.
    pub substeps: u64,
    /// Number of substeps at which bodies were sorted and the tree was rebuilt.
    pub sorted: u64,
    /// The rungs, from the coarsest.
    pub rungs: Vec<RungSteps>,
    /// Greatest number of bodies that needed a step shorter than the shortest allowed.
    pub too_fast: u64,
}

/// Steps of one rung.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RungSteps {
    /// Length of a step [T].
    pub step: f64,
    /// Number of body steps.
    pub body_steps: u64,
    /// Fraction of all body steps.
    pub share: f64,
}

impl TimeSteps {
    /// Statistics for `bodies` bodies, with full steps of this length [T].
    pub fn new(course: &Course, full_step: f64, bodies: u64) -> TimeSteps {
        let all = course.body_steps.iter().sum::<u64>() as f64;
        let rung = |(rung, &body_steps): (usize, &u64)| RungSteps {
            step: full_step * 0.5f64.powi(rung as i32),
            body_steps,
            share: body_steps as f64 / all.max(1.0),
        };
        TimeSteps {
            steps_per_body: all / bodies as f64,
            substeps: course.substeps,
            sorted: course.sorted,
            rungs: course.body_steps.iter().enumerate().map(rung).collect(),
            too_fast: course.too_fast,
        }
    }
}

impl Report {
    /// A report with everything that does not depend on the command. Collective.
    pub fn new(
        crew: &Crew,
        command: &'static str,
        parameters: &impl Serialize,
        bodies: u64,
        cost: Cost,
    ) -> Report {
        Report {
            program: PROGRAM,
            build: Build::new(),
            command,
            machine: Machine::of(&hosts(crew)),
            ranks: crew.comm.size(),
            threads: crew.threads,
            layout: crew.layout,
            simd: treecode::simd_path(),
            parameters: serde_json::to_value(parameters).expect("parameters have string keys"),
            bodies,
            steps: None,
            restarts: None,
            interactions_per_body: cost.per_body(bodies),
            bytes_sent_per_body: cost.bytes_per_body(bodies),
            cost,
            evaluation_seconds: None,
            fma_peak: None,
            memory_bytes_per_body: peak_memory(crew).map(|bytes| bytes as f64 / bodies as f64),
            files: FileTimes::default(),
            energy: None,
            time_steps: None,
            accuracy: None,
            force_error: None,
            reference_error: None,
            balance: None,
            balanced_by: None,
            shares: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Sets the times of input and output, and derives their fraction of the total time.
    pub fn set_files(&mut self, files: FileTimes) {
        let all = self.cost.total_seconds() + files.reading_seconds + files.writing_seconds;
        self.files = FileTimes { writing_share: files.writing_seconds / all, ..files };
    }

    /// Sets what the load balance makes equal, and the share of the work of each rank.
    pub fn balanced(&mut self, by: BalanceBy, shares: &[f64]) {
        (self.balanced_by, self.shares) = (Some(by), shares.to_vec());
    }

    /// Prints times, speed and errors.
    pub fn say_speed(&self) {
        let cost = &self.cost;
        say(&format!("{} evaluations in {:.4} s; of each:", cost.evaluations, cost.total_seconds()));
        cost.table().iter().for_each(|line| say(line));
        if let Some(Times { first, all, median, minimum }) = &self.evaluation_seconds {
            say(&format!(
                "median {median:.4} s, minimum {minimum:.4} s of {}; first evaluation, from the order of the file, {first:.4} s",
                all.len()
            ));
        }
        let PerBody { body_body, body_cell, cell_cell } = self.interactions_per_body;
        say(&format!(
            "interactions per body: {body_body:.1} body-body, {body_cell:.1} body-cell, {cell_cell:.2} cell-cell; {:.4e} per second",
            cost.interactions_per_second
        ));
        if self.ranks > 1 {
            say(&format!("{:.1} bytes sent for a body in an evaluation", self.bytes_sent_per_body));
        }
        if let (Some(by), true) = (self.balanced_by, self.ranks > 1) {
            let greatest = self.shares.iter().copied().fold(1.0, f64::max);
            let least = self.shares.iter().copied().fold(1.0, f64::min);
            say(&format!(
                "load balance {:.3} by {}; shares of the work from {least:.2} to {greatest:.2} of the mean",
                cost.load_balance,
                by.name()
            ));
        }
        say(&format!(
            "{:.3} Gflops (gordon-bell), {:.3} (arithmetic)",
            cost.gflops.gordon_bell, cost.gflops.arithmetic
        ));
        if let Some(FmaPeak { gflops, sustained }) = &self.fma_peak {
            say(&format!(
                "FMA peak {gflops:.1} Gflops, of which {:.1} % (gordon-bell), {:.1} % (arithmetic)",
                100.0 * sustained.gordon_bell,
                100.0 * sustained.arithmetic
            ));
        }
        if let Some(bytes) = self.memory_bytes_per_body {
            say(&format!("{bytes:.0} bytes of memory per body at most"));
        }
        let files = &self.files;
        if files.snapshots > 0 {
            say(&format!(
                "{} snapshots of {:.1} MB in all, written at {:.0} MB/s in {:.1} % of the time",
                files.snapshots,
                files.written_bytes as f64 / 1e6,
                files.writing_bytes_per_second / 1e6,
                100.0 * files.writing_share
            ));
        }
        if let Some(energy @ Energy { error, greatest_error, .. }) = &self.energy {
            let what = energy.name();
            say(&format!("{what} {error:+.2e} at the end, {greatest_error:.2e} at most"));
        }
        if let Some(TimeSteps { steps_per_body, substeps, sorted, rungs, .. }) = &self.time_steps {
            let shares: Vec<String> = rungs.iter().map(|rung| format!("{:.3}", rung.share)).collect();
            say(&format!(
                "{steps_per_body:.2} steps of a body in {substeps} substeps, {sorted} of them on a new tree; shares of the rungs from the coarsest: {}",
                shares.join(" ")
            ));
        }
        self.accuracy.iter().for_each(|control| say(&control.line()));
        self.force_error.iter().for_each(|error| say_error("relative force error", error));
        self.reference_error.iter().for_each(|error| say_error("against the reference", error));
        if let Some(balance) = &self.balance {
            say(&format!("sum of all forces {:.2e} of the sum of their sizes", balance.force_sum));
        }
    }
}

fn say_error(what: &str, error: &Accuracy) {
    say(&format!(
        "{what} of {} bodies: rms {:.3e}, median {:.3e}, 99th percentile {:.3e}, 99.9th {:.3e}, greatest {:.3e}; \
         mean outward {:+.1e}",
        error.sample,
        error.rms,
        error.median,
        error.percentile_99,
        error.percentile_99_9,
        error.greatest,
        error.bias
    ));
}

/// Host name of each rank. Collective.
pub fn hosts(crew: &Crew) -> Vec<String> {
    let names = crew.comm.all_gather(machine::host().as_bytes());
    names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

/// Peak memory of all processes together so far [bytes]. Ranks inside one process share its memory.
/// Collective.
pub fn peak_memory(crew: &Crew) -> Option<u64> {
    let mine = machine::peak_memory()
        .map_or(String::new(), |bytes| format!("{} {} {bytes}", machine::host(), std::process::id()));
    let all = crew.comm.all_gather(mine.as_bytes());
    let mut processes = BTreeMap::new();
    for text in all.iter().map(|text| String::from_utf8_lossy(text)) {
        let (process, bytes) = text.rsplit_once(' ')?;
        let greatest = processes.entry(process.to_owned()).or_insert(0);
        *greatest = bytes.parse::<u64>().ok()?.max(*greatest);
    }
    Some(processes.values().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        let times = Times::new(9.0, vec![4.0, 1.0, 2.0, 8.0]);
        assert_eq!((times.first, times.median, times.minimum), (9.0, 3.0, 1.0));
        assert_eq!(Times::new(9.0, vec![5.0, 1.0, 2.0]).median, 2.0);
    }
}
