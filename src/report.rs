//! `report.json`: what was computed, with which parameters, on what machine, how fast and how well.

use crate::accuracy::Accuracy;
use crate::console::say;
use crate::cost::Cost;
use crate::crew::Crew;
use crate::diagnostics::Diagnostics;
use crate::machine::{self, Machine};
use serde::Serialize;
use std::collections::BTreeSet;

/// A report. Keys that have no meaning for a command are left out.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The program and its version.
    pub program: &'static str,
    /// The command.
    pub command: &'static str,
    /// What it ran on.
    pub machine: Machine,
    /// Ranks.
    pub ranks: usize,
    /// Threads of each process.
    pub threads: usize,
    /// The instructions that the kernels used.
    pub simd: &'static str,
    /// Every parameter, defaults too.
    pub parameters: serde_json::Value,
    /// Number of bodies.
    pub bodies: u64,
    /// Steps done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Times, interactions and speeds of what was measured.
    #[serde(flatten)]
    pub cost: Cost,
    /// Reading and writing, which `seconds.total` leaves out.
    pub files: FileTimes,
    /// How well energy was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<Energy>,
    /// Error of the forces against direct summation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_error: Option<Accuracy>,
    /// What a reader should know about the numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Wall time of reading and writing on the leading rank [s].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct FileTimes {
    /// Reading or drawing the initial state.
    pub reading_seconds: f64,
    /// Writing snapshots.
    pub writing_seconds: f64,
    /// Snapshots written.
    pub snapshots: u64,
}

/// How well a run kept its energy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Energy {
    /// At the start.
    pub first: Diagnostics,
    /// At the end.
    pub last: Diagnostics,
    /// Relative error at the end.
    pub error: f64,
    /// Greatest relative error of any step, without sign.
    pub greatest_error: f64,
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
        let names = crew.comm.all_gather(machine::host().as_bytes());
        let hosts = names.iter().collect::<BTreeSet<_>>().len();
        Report {
            program: concat!("heorot ", env!("CARGO_PKG_VERSION")),
            command,
            machine: Machine { host: machine::host(), processor: machine::processor(), hosts },
            ranks: crew.comm.size(),
            threads: crew.threads,
            simd: treecode::simd_path(),
            parameters: serde_json::to_value(parameters).expect("parameters have string keys"),
            bodies,
            steps: None,
            cost,
            files: FileTimes::default(),
            energy: None,
            force_error: None,
            notes: Vec::new(),
        }
    }

    /// Says times, speed and errors.
    pub fn say_speed(&self) {
        let cost = &self.cost;
        cost.table().iter().for_each(|line| say(line));
        let per_body = cost.all_interactions() as f64 / self.bodies as f64 / cost.evaluations as f64;
        say(&format!("{per_body:.1} interactions per body, {:.4e} per second", cost.interactions_per_second));
        say(&format!(
            "{:.3} Gflops (gordon-bell), {:.3} (arithmetic)",
            cost.gflops.gordon_bell, cost.gflops.arithmetic
        ));
        if let Some(Energy { error, greatest_error, .. }) = &self.energy {
            say(&format!("relative energy error {error:+.2e} at the end, {greatest_error:.2e} at most"));
        }
        if let Some(error) = &self.force_error {
            say(&format!(
                "relative force error of {} bodies: rms {:.3e}, median {:.3e}, 99th percentile {:.3e}, greatest {:.3e}",
                error.sample, error.rms, error.median, error.percentile_99, error.greatest
            ));
        }
    }
}
