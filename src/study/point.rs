//! One run of a study, and its comparison with the smallest run.

use super::scaling::Scaling;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Results of a run. Values per step are means over all force evaluations. They include the first,
/// which also searches for the settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    /// Number of ranks.
    pub ranks: u64,
    /// Number of threads per rank.
    pub threads: u64,
    /// Number of bodies.
    pub bodies: u64,
    /// Number of steps.
    pub steps: u64,
    /// Wall time per step, without the direct sums that verify the accuracy [s].
    pub seconds: f64,
    /// Time of each phase [s], for the slowest rank.
    pub phases: BTreeMap<String, f64>,
    /// Speed, convention gordon-bell [Gflop/s].
    pub gflops: f64,
    /// Mean compute time of the ranks, divided by the greatest.
    pub balance: f64,
    /// Mean number of bytes sent per rank and step.
    pub bytes: f64,
    /// Mean number of messages sent per rank and step.
    pub messages: f64,
    /// Fraction of the transfer time of essential trees that overlaps with computation.
    pub hidden: Option<f64>,
    /// Mean peak memory per rank [bytes].
    pub memory: Option<f64>,
    /// The build of the program that did the run.
    pub build: String,
}

/// The part of a report that is read.
#[derive(Deserialize)]
struct Report {
    ranks: u64,
    threads: u64,
    bodies: u64,
    steps: u64,
    evaluations: u64,
    seconds: BTreeMap<String, f64>,
    gflops: Gflops,
    traffic: Traffic,
    load_balance: f64,
    travel_hidden: Option<f64>,
    memory_bytes_per_body: Option<f64>,
}

#[derive(Deserialize)]
struct Gflops {
    #[serde(rename = "gordon-bell")]
    gordon_bell: f64,
}

#[derive(Deserialize)]
struct Traffic {
    bytes: f64,
    messages: f64,
}

/// A run compared with the smallest run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Relative {
    /// Number of ranks, divided by that of the smallest run.
    pub growth: f64,
    /// Speed-up over the smallest run. In a weak study, of `growth` times the work.
    pub speed_up: f64,
    /// Parallel efficiency: speed-up divided by growth.
    pub efficiency: f64,
    /// Apparent serial fraction (Karp & Flatt 1990, eq. 2). The smallest run has none.
    pub serial_fraction: Option<f64>,
}

impl Point {
    /// The point of a report.
    ///
    /// # Errors
    /// If a value is missing.
    pub(super) fn new(json: &serde_json::Value) -> Result<Point, serde_json::Error> {
        let report = Report::deserialize(json)?;
        let (ranks, evaluations) = (report.ranks as f64, report.evaluations.max(1) as f64);
        let each = |sum: f64| sum / evaluations;
        let verification = report.seconds.get("verification").copied().unwrap_or(0.0);
        let total = report.seconds.get("total").copied().unwrap_or(0.0);
        let phases =
            report.seconds.iter().filter(|(name, _)| !["total", "verification"].contains(&name.as_str()));
        Ok(Point {
            ranks: report.ranks,
            threads: report.threads,
            bodies: report.bodies,
            steps: report.steps,
            seconds: each(total - verification),
            phases: phases.map(|(name, &sum)| (name.clone(), each(sum))).collect(),
            gflops: report.gflops.gordon_bell,
            balance: report.load_balance,
            bytes: each(report.traffic.bytes) / ranks,
            messages: each(report.traffic.messages) / ranks,
            hidden: report.travel_hidden,
            build: build(json),
            memory: report.memory_bytes_per_body.map(|bytes| bytes * report.bodies as f64 / ranks),
        })
    }

    /// Compares with the smallest run.
    pub(super) fn relative_to(&self, smallest: &Point, scaling: Scaling) -> Relative {
        let growth = self.ranks as f64 / smallest.ranks as f64;
        let faster = smallest.seconds / self.seconds;
        let speed_up = if scaling == Scaling::Weak { growth * faster } else { faster };
        let serial = (1.0 / speed_up - 1.0 / growth) / (1.0 - 1.0 / growth);
        Relative {
            growth,
            speed_up,
            efficiency: speed_up / growth,
            serial_fraction: (growth > 1.0).then_some(serial),
        }
    }
}

/// The build that a report names, in one line.
fn build(report: &serde_json::Value) -> String {
    let text = |key: &str| {
        let value = report.pointer(&format!("/build/{key}")).and_then(|value| value.as_str());
        value.filter(|text| !text.is_empty()).unwrap_or("unknown")
    };
    let [version, revision, mpi, hdf5, simd] = ["version", "revision", "mpi", "hdf5", "simd"].map(text);
    format!("heorot {version}, revision {revision}, MPI {mpi}, HDF5 {hdf5}, SIMD path {simd}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// A run that follows Amdahl's law: one rank does a serial fraction of the work and has its
    /// traffic.
    pub(crate) fn amdahl(ranks: u64, serial: f64) -> Point {
        let seconds = 10.0 * (serial + (1.0 - serial) / ranks as f64);
        let report = json!({
            "ranks": ranks, "threads": 2, "bodies": 1000, "steps": 9, "evaluations": 10,
            "seconds": { "total": seconds + 1.0, "verification": 1.0, "walk": 0.25 * seconds, "kernels": 0.75 * seconds },
            "gflops": { "gordon-bell": 4.0, "arithmetic": 5.0 },
            "traffic": { "bytes": 600 * ranks, "messages": 20 * ranks },
            "load_balance": 0.9, "memory_bytes_per_body": 200.0,
        });
        Point::new(&report).unwrap()
    }

    #[test]
    fn a_report_gives_numbers_of_a_step_and_of_a_rank() {
        let point = amdahl(4, 0.0);
        assert_eq!((point.seconds, point.phases["walk"], point.phases.len()), (0.25, 0.0625, 2));
        assert_eq!(
            (point.bytes, point.messages, point.memory, point.hidden),
            (60.0, 2.0, Some(50_000.0), None)
        );
        assert!(Point::new(&json!({ "ranks": 3 })).is_err());
    }

    #[test]
    fn karp_and_flatt_find_the_part_of_amdahl() {
        for ranks in [2, 4, 64] {
            let relative = amdahl(ranks, 0.1).relative_to(&amdahl(1, 0.1), Scaling::Strong);
            assert!((relative.serial_fraction.unwrap() - 0.1).abs() < 1e-12);
            assert!((relative.speed_up * (0.1 + 0.9 / ranks as f64) - 1.0).abs() < 1e-12);
            let ideal = amdahl(ranks, 0.0).relative_to(&amdahl(1, 0.0), Scaling::Strong);
            assert!((ideal.efficiency - 1.0).abs() < 1e-12 && ideal.serial_fraction.unwrap().abs() < 1e-12);
        }
        assert_eq!(amdahl(2, 0.1).relative_to(&amdahl(2, 0.1), Scaling::Weak).serial_fraction, None);
    }

    #[test]
    fn a_weak_study_counts_the_work_that_has_grown() {
        let (one, mut four) = (amdahl(1, 0.0), amdahl(4, 0.0));
        four.seconds = 1.25 * one.seconds;
        let relative = four.relative_to(&one, Scaling::Weak);
        assert!((relative.efficiency - 0.8).abs() < 1e-12 && (relative.speed_up - 3.2).abs() < 1e-12);
    }
}
