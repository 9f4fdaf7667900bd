//! What steps cost: time by phase, interactions, traffic; kept by each rank, and put together over all ranks for a report.

use decomposition::{Comm, Reduction};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use treecode::{Census, Convention, Interactions, Phase};

/// Phases in which a rank computes and waits for nobody: they decide how well the load is balanced.
const BUSY: [Phase; 5] = [Phase::Sort, Phase::Build, Phase::Moments, Phase::Walk, Phase::Kernels];

/// What one rank has done.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Whole time of what is measured: force evaluations, integration and diagnostics, but no reading or writing.
    pub total: Duration,
    /// Kicks and drifts.
    pub integrate: Duration,
    /// Energies and momenta.
    pub diagnostics: Duration,
    /// Direct sums on a sample of bodies, against which the accuracy is held.
    pub verification: Duration,
    /// Force evaluations.
    pub census: Census,
    /// How many.
    pub evaluations: u64,
}

/// What all ranks have done together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Wall time [s]: `total`, and beside it one entry for each phase, the greatest of all ranks.
    pub seconds: BTreeMap<&'static str, f64>,
    /// Force evaluations.
    pub evaluations: u64,
    /// Interactions computed, by kind.
    pub interactions: Interactions,
    /// Interactions computed, all kinds, a second.
    pub interactions_per_second: f64,
    /// Billions of floating-point operations a second of the total time, by convention.
    pub gflops: Gflops,
    /// What was sent.
    pub traffic: Traffic,
    /// Mean over greatest time that a rank computed: 1 is perfect.
    pub load_balance: f64,
}

/// One speed under two conventions, see [`Convention`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gflops {
    /// 38 operations an interaction.
    pub gordon_bell: f64,
    /// Operations counted from the source of the kernels.
    pub arithmetic: f64,
}

/// What all ranks have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Bytes.
    pub bytes: u64,
    /// Messages.
    pub messages: u64,
    /// Cells received in essential trees.
    pub cells_imported: u64,
    /// Bodies received in essential trees.
    pub bodies_imported: u64,
}

impl Meter {
    /// Adds what another stretch of the same rank took.
    pub fn add(&mut self, other: &Meter) {
        self.total += other.total;
        self.integrate += other.integrate;
        self.diagnostics += other.diagnostics;
        self.verification += other.verification;
        self.census.add(&other.census);
        self.evaluations += other.evaluations;
    }

    /// Puts the meters of all ranks together. Collective.
    pub fn gather(&self, comm: &dyn Comm) -> Cost {
        let census = &self.census;
        let busy = nanoseconds(BUSY.iter().map(|&phase| census.time(phase)).sum());
        let mut greatest: Vec<u64> =
            [self.total, self.integrate, self.diagnostics, self.verification].map(nanoseconds).to_vec();
        greatest.push(busy);
        greatest.extend(Phase::ALL.map(|phase| nanoseconds(census.time(phase))));
        comm.all_reduce(&mut greatest, Reduction::Max);
        let Interactions { body_body, body_cell, cell_cell } = census.interactions;
        let [cells, bodies] = census.imported;
        let mut sums = [
            body_body,
            body_cell,
            cell_cell,
            census.operations,
            census.bytes_sent,
            census.messages_sent,
            cells,
            bodies,
            busy,
        ];
        comm.all_reduce(&mut sums, Reduction::Sum);
        self.cost(comm.size(), &greatest, sums)
    }

    fn cost(&self, ranks: usize, greatest: &[u64], sums: [u64; 9]) -> Cost {
        let [
            body_body,
            body_cell,
            cell_cell,
            operations,
            bytes,
            messages,
            cells_imported,
            bodies_imported,
            busy,
        ] = sums;
        let interactions = Interactions { body_body, body_cell, cell_cell };
        let names = ["total", "integrate", "diagnostics", "verification"]
            .into_iter()
            .chain(Phase::ALL.map(Phase::name));
        let times = greatest[..4].iter().chain(&greatest[5..]).map(|&ns| ns as f64 * 1e-9);
        let seconds: BTreeMap<_, _> = names.zip(times).collect();
        let all = Census { interactions, operations, ..Census::default() };
        let total = seconds["total"].max(1e-9);
        let gflops = |convention| all.operations(convention) as f64 * 1e-9 / total;
        Cost {
            evaluations: self.evaluations,
            interactions,
            interactions_per_second: (body_body + body_cell + cell_cell) as f64 / total,
            gflops: Gflops {
                gordon_bell: gflops(Convention::GordonBell),
                arithmetic: gflops(Convention::Arithmetic),
            },
            traffic: Traffic { bytes, messages, cells_imported, bodies_imported },
            load_balance: if greatest[4] == 0 {
                1.0
            } else {
                busy as f64 / ranks as f64 / greatest[4] as f64
            },
            seconds,
        }
    }
}

/// The speed that the processors could have at best, and how much of it was had.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FmaPeak {
    /// Billions of single-precision operations a second of all threads of all ranks.
    pub gflops: f64,
    /// Fraction of it that was sustained, by convention.
    pub sustained: Gflops,
}

/// Interactions a body in one evaluation, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PerBody {
    /// Body-body.
    pub body_body: f64,
    /// Body-cell.
    pub body_cell: f64,
    /// Cell-cell, shared among all bodies.
    pub cell_cell: f64,
}

impl Cost {
    /// The sustained speed as part of a `peak` [Gflop/s].
    pub fn share_of(&self, peak: f64) -> FmaPeak {
        let Gflops { gordon_bell, arithmetic } = self.gflops;
        let sustained = Gflops { gordon_bell: gordon_bell / peak, arithmetic: arithmetic / peak };
        FmaPeak { gflops: peak, sustained }
    }

    /// Interactions of each of `bodies` in one evaluation.
    pub fn per_body(&self, bodies: u64) -> PerBody {
        let each = |count: u64| count as f64 / bodies as f64 / self.evaluations.max(1) as f64;
        let Interactions { body_body, body_cell, cell_cell } = self.interactions;
        PerBody { body_body: each(body_body), body_cell: each(body_cell), cell_cell: each(cell_cell) }
    }

    /// Wall time of what was measured [s].
    pub fn total_seconds(&self) -> f64 {
        self.seconds["total"]
    }

    /// Interactions of all kinds.
    pub fn all_interactions(&self) -> u64 {
        self.interactions.body_body + self.interactions.body_cell + self.interactions.cell_cell
    }

    /// The times of one evaluation as lines of text, each phase with its part of the total.
    pub fn table(&self) -> Vec<String> {
        let total = self.total_seconds().max(1e-9);
        let line = |name: &str| {
            let seconds = self.seconds[name];
            let each = seconds / self.evaluations.max(1) as f64;
            format!("{name:>12} {each:10.4} s {:6.1} %", 100.0 * seconds / total)
        };
        let phases =
            Phase::ALL.map(Phase::name).into_iter().chain(["integrate", "diagnostics", "verification"]);
        phases.chain(["total"]).map(line).collect()
    }
}

/// Runs `job` and adds the time it took to `sum`.
pub fn timed<T>(sum: &mut Duration, job: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = job();
    *sum += start.elapsed();
    value
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
