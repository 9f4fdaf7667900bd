//! Cost of steps: time by phase, interactions and traffic. Each rank keeps its own [`Meter`], and a
//! report combines those of all ranks.

use decomposition::{Comm, Reduction};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use treecode::{Census, Convention, Interactions, Phase};

/// Cost on one rank.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Total time of force evaluations, integration and diagnostics, without input and output.
    pub total: Duration,
    /// Kicks and drifts.
    pub integrate: Duration,
    /// Energies and momenta.
    pub diagnostics: Duration,
    /// Direct sums on a sample of bodies, to measure the force error.
    pub verification: Duration,
    /// Force evaluations.
    pub census: Census,
    /// Number of force evaluations.
    pub evaluations: u64,
    /// Sum over the evaluations of the slowest rank's compute time. An evaluation that does not
    /// measure it counts as zero.
    pub slowest: Duration,
}

/// Cost of all ranks together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Wall time [s]: `total` and one entry per phase, each for the slowest rank.
    pub seconds: BTreeMap<&'static str, f64>,
    /// Number of force evaluations.
    pub evaluations: u64,
    /// Interactions computed, by kind.
    pub interactions: Interactions,
    /// Interactions per second, all kinds.
    pub interactions_per_second: f64,
    /// Speed over the total time [Gflop/s], by convention.
    pub gflops: Gflops,
    /// Traffic between ranks.
    pub traffic: Traffic,
    /// Mean compute time of the ranks, divided by the greatest. 1 is perfect.
    pub load_balance: f64,
    /// Fraction of the transfer time of essential trees that overlaps with computation. `None` if
    /// nothing was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub travel_hidden: Option<f64>,
}

/// One speed under two conventions, see [`Convention`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Gflops {
    /// With 38 operations per interaction.
    pub gordon_bell: f64,
    /// With the operations counted in the source of the kernels.
    pub arithmetic: f64,
}

/// Traffic sent by all ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Bytes sent.
    pub bytes: u64,
    /// Messages sent.
    pub messages: u64,
    /// Cells received in essential trees.
    pub cells_imported: u64,
    /// Bodies received in essential trees.
    pub bodies_imported: u64,
}

impl Meter {
    /// Adds the cost of another interval on the same rank.
    pub fn add(&mut self, other: &Meter) {
        self.total += other.total;
        self.integrate += other.integrate;
        self.diagnostics += other.diagnostics;
        self.verification += other.verification;
        self.census.add(&other.census);
        self.evaluations += other.evaluations;
        self.slowest += other.slowest;
    }

    /// Combines the meters of all ranks. Collective.
    pub fn gather(&self, comm: &dyn Comm) -> Cost {
        self.totals(comm, &mut []).cost()
    }

    /// Combines the meters of all ranks to totals that can be added over intervals. The same
    /// reduction also replaces each of `requests` by its maximum over all ranks. Collective.
    pub fn totals(&self, comm: &dyn Comm, requests: &mut [u64]) -> Totals {
        let census = &self.census;
        let busy = busy(census);
        let own = [self.total, self.integrate, self.diagnostics, self.verification].map(nanoseconds);
        let mut greatest: Vec<u64> =
            own.into_iter().chain(Phase::ALL.map(|phase| nanoseconds(census.time(phase)))).collect();
        greatest.push(busy);
        greatest.extend_from_slice(requests);
        comm.all_reduce(&mut greatest, Reduction::Max);
        let asked = greatest.split_off(greatest.len() - requests.len());
        requests.copy_from_slice(&asked);
        let greatest_busy = greatest.pop().expect("it was put there").max(nanoseconds(self.slowest));
        let Interactions { body_body, body_cell, cell_cell } = census.interactions;
        let [cells, bodies] = census.imported;
        let [hidden, waited] = census.travel.map(nanoseconds);
        let mut sums = [
            body_body,
            body_cell,
            cell_cell,
            census.operations,
            census.bytes_sent,
            census.messages_sent,
            cells,
            bodies,
            hidden,
            waited,
            busy,
        ];
        comm.all_reduce(&mut sums, Reduction::Sum);
        let [sums @ .., busy] = sums;
        let mean_busy = busy / comm.size() as u64;
        Totals {
            evaluations: self.evaluations,
            nanoseconds: greatest,
            busy: [mean_busy, greatest_busy],
            sums,
        }
    }
}

/// Meters of all ranks together. Totals of successive intervals can be added, even if the number of
/// ranks changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    evaluations: u64,
    /// Total, integration, diagnostics, verification and each phase [ns], for the slowest rank.
    /// Empty means all zero.
    nanoseconds: Vec<u64>,
    /// Compute time of a rank [ns]: mean and greatest.
    busy: [u64; 2],
    /// Body-body, body-cell and cell-cell interactions, operations, bytes, messages, cells and
    /// bodies imported, and transfer time hidden and waited for [ns].
    sums: [u64; 10],
}

impl Totals {
    /// Adds the totals of another interval.
    pub fn add(&mut self, other: &Totals) {
        let longer = self.nanoseconds.len().max(other.nanoseconds.len());
        self.nanoseconds.resize(longer, 0);
        add_each(&mut self.nanoseconds, &other.nanoseconds);
        add_each(&mut self.busy, &other.busy);
        add_each(&mut self.sums, &other.sums);
        self.evaluations += other.evaluations;
    }

    /// Derives the values of a report.
    pub fn cost(&self) -> Cost {
        let [body_body, body_cell, cell_cell, operations, rest @ ..] = self.sums;
        let [bytes, messages, cells_imported, bodies_imported, hidden, waited] = rest;
        let interactions = Interactions { body_body, body_cell, cell_cell };
        let names = ["total", "integrate", "diagnostics", "verification"]
            .into_iter()
            .chain(Phase::ALL.map(Phase::name));
        let times = self.nanoseconds.iter().copied().chain(std::iter::repeat(0)).map(|ns| ns as f64 * 1e-9);
        let seconds: BTreeMap<_, _> = names.zip(times).collect();
        let all = Census { interactions, operations, ..Census::default() };
        let total = seconds["total"].max(1e-9);
        let gflops = |convention| all.operations(convention) as f64 * 1e-9 / total;
        let [mean_busy, greatest_busy] = self.busy;
        Cost {
            evaluations: self.evaluations,
            interactions,
            interactions_per_second: interactions.total() as f64 / total,
            gflops: Gflops {
                gordon_bell: gflops(Convention::GordonBell),
                arithmetic: gflops(Convention::Arithmetic),
            },
            traffic: Traffic { bytes, messages, cells_imported, bodies_imported },
            travel_hidden: (messages > 0).then(|| hidden as f64 / (hidden + waited).max(1) as f64),
            load_balance: if greatest_busy == 0 { 1.0 } else { mean_busy as f64 / greatest_busy as f64 },
            seconds,
        }
    }
}

/// Time in which a rank computed without waiting for others [ns].
pub fn busy(census: &Census) -> u64 {
    nanoseconds(decomposition::busy(census))
}

fn add_each(sums: &mut [u64], terms: &[u64]) {
    sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
}

/// Peak speed of the processors, and the sustained fraction of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FmaPeak {
    /// Single-precision peak of all threads of all ranks [Gflop/s].
    pub gflops: f64,
    /// Sustained fraction of the peak, by convention.
    pub sustained: Gflops,
}

/// Interactions per body in one evaluation, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PerBody {
    /// Body-body.
    pub body_body: f64,
    /// Body-cell.
    pub body_cell: f64,
    /// Cell-cell, divided by the number of bodies.
    pub cell_cell: f64,
}

impl Cost {
    /// The sustained speed as a fraction of `peak` [Gflop/s].
    pub fn share_of(&self, peak: f64) -> FmaPeak {
        let Gflops { gordon_bell, arithmetic } = self.gflops;
        let sustained = Gflops { gordon_bell: gordon_bell / peak, arithmetic: arithmetic / peak };
        FmaPeak { gflops: peak, sustained }
    }

    /// Interactions per body in one evaluation, for `bodies` bodies.
    pub fn per_body(&self, bodies: u64) -> PerBody {
        let each = |count: u64| count as f64 / bodies as f64 / self.evaluations.max(1) as f64;
        let Interactions { body_body, body_cell, cell_cell } = self.interactions;
        PerBody { body_body: each(body_body), body_cell: each(body_cell), cell_cell: each(cell_cell) }
    }

    /// Bytes sent per body in one evaluation, for `bodies` bodies.
    pub fn bytes_per_body(&self, bodies: u64) -> f64 {
        self.traffic.bytes as f64 / bodies as f64 / self.evaluations.max(1) as f64
    }

    /// Total wall time [s].
    pub fn total_seconds(&self) -> f64 {
        self.seconds["total"]
    }

    /// Interactions of all kinds.
    pub fn all_interactions(&self) -> u64 {
        self.interactions.body_body + self.interactions.body_cell + self.interactions.cell_cell
    }

    /// The times of one evaluation as lines of text, each phase with its fraction of the total.
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

/// Runs `job` and adds its duration to `sum`.
pub fn timed<T>(sum: &mut Duration, job: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let value = job();
    *sum += start.elapsed();
    value
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::{Solo, threads};

    fn meter(scale: u64) -> Meter {
        let mut census = Census::default();
        census.spend(Phase::Walk, Duration::from_secs(scale));
        census.interactions = Interactions { body_body: 5 * scale, body_cell: 3 * scale, cell_cell: scale };
        Meter { total: Duration::from_secs(4 * scale), census, evaluations: 2, ..Meter::default() }
    }

    #[test]
    fn stretches_of_a_run_add_up() {
        let mut sum = Totals::default();
        sum.add(&meter(1).totals(&Solo, &mut []));
        sum.add(&meter(2).totals(&Solo, &mut []));
        let cost = sum.cost();
        assert_eq!((cost.evaluations, cost.seconds["total"], cost.seconds["walk"]), (4, 12.0, 3.0));
        assert_eq!(cost.interactions, Interactions { body_body: 15, body_cell: 9, cell_cell: 3 });
        assert_eq!(cost.interactions_per_second, 27.0 / 12.0);
        assert_eq!(Totals::default().cost().seconds["walk"], 0.0);
    }

    #[test]
    fn the_greatest_request_of_all_ranks_rides_along() {
        let all = threads::run(3, |comm| {
            let mut requests = [comm.rank() as u64, 7 - comm.rank() as u64];
            let totals = meter(1 + comm.rank() as u64).totals(comm, &mut requests);
            (requests, totals.cost().load_balance, totals.cost().seconds["total"])
        });
        assert_eq!(all, [([2, 7], 2.0 / 3.0, 12.0); 3]);
    }
}
