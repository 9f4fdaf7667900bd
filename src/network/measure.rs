//! `heorot network measure`: measures the network of this machine by ping-pong between the first
//! and the last rank and by an all-to-all exchange.

use super::catalogue::{Catalogue, Growth};
use crate::console::say;
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_processes};
use crate::ranks::machine;
use crate::ranks::processes::{HAS_MPI, World};
use anyhow::{Result, ensure};
use decomposition::collective;
use std::fmt::Write;
use std::path::PathBuf;
use std::time::Instant;

/// Measure latency, bandwidth and overhead between the ranks of this job, and add the row to a
/// file.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Arguments {
    /// Name of the network in the file.
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// File to which the network is added (TOML). It is created if it does not exist.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

const NOTES: &str = "Run it with one rank on each host, because ranks of one host do not use the network.
Example:
  mpirun -n 4 --map-by node heorot network measure --name ours --file networks.toml";

/// Round trips of a short message per batch, and the number of batches. The fastest batch counts.
const SHORT: [usize; 2] = [50, 8];
/// Short messages sent in a row.
const FLOOD: usize = 100;
/// Bandwidth is measured with messages from this length [bytes] ...
const LONG: usize = 1 << 17;
/// ... to this length, or until a round trip takes `PATIENCE` [s].
const LONGEST: usize = 1 << 26;
const PATIENCE: f64 = 0.5;
/// Number of long messages of each length.
const LONG_TIMES: usize = 3;

/// Result of the measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Measured {
    /// Latency of a short message from program to program [s].
    latency: f64,
    /// Time of the latency for which the sender is busy [s].
    overhead: f64,
    /// Bandwidth of a link in one direction [bytes/s].
    bandwidth: f64,
    /// Time of an all-to-all exchange, divided by the time that independent links would take.
    contention: f64,
}

/// Runs the command.
///
/// # Errors
/// If the build has no MPI, there is one rank only, the name is taken, or the file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    ensure!(HAS_MPI, "a measurement of the network needs MPI, and this build has none (feature mpi)");
    let launch = Launch { threads: Some(1), ..Launch::default() };
    on_processes(&launch, |world, crew| {
        ensure!(
            crew.comm.size() > 1,
            "the measurement needs several ranks: run it under mpirun with a rank on each of several hosts"
        );
        let is_new = |text: &str| {
            let known = Catalogue::parse(text, &arguments.file.display().to_string())?;
            ensure!(
                !known.has(&arguments.name),
                "{}: has a network \"{}\" already; choose another --name",
                arguments.file.display(),
                arguments.name
            );
            Ok(())
        };
        crew.lead(|| {
            io::may_update(&arguments.file)?;
            if !arguments.file.exists() {
                return Ok(());
            }
            is_new(&io::read_text(&arguments.file)?)
        })?;
        let names = crew.comm.all_gather(machine::host().as_bytes());
        let measured = measure(world, crew);
        crew.lead(|| {
            let row = row(&arguments.name, &measured, crew.comm.size(), names.first() == names.last());
            say(row.trim());
            io::update(&arguments.file, |old| {
                is_new(old)?;
                let end = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
                Ok(format!("{old}{end}{row}"))
            })
        })
    })
}

/// Measures the network. All ranks return the values of rank 0. Collective.
fn measure(world: &World, crew: &Crew) -> Measured {
    let told = |times: [f64; 2]| collective::max(crew.comm, times);
    let ping = |bytes, times| told(world.ping_pong(bytes, bytes, times, true))[1] / (2 * times) as f64;
    let least =
        |batches: usize, one: &dyn Fn() -> f64| (0..batches).map(|_| one()).fold(f64::INFINITY, f64::min);
    ping(1, SHORT[0]);
    let latency = least(SHORT[1], &|| ping(1, SHORT[0]));
    let flood = least(SHORT[1], &|| told(world.ping_pong(1, 1, FLOOD, false))[0] / FLOOD as f64);
    let overhead = flood.min(0.5 * latency);

    let mut times = Vec::new();
    let mut bytes = LONG;
    loop {
        let time = least(LONG_TIMES, &|| ping(bytes, 1));
        times.push((bytes as f64, time));
        if bytes >= LONGEST || 2.0 * time > PATIENCE {
            break;
        }
        bytes *= 2;
    }
    let bandwidth = slope(&times);

    // The exchange takes as long as one message of a tenth of a second, on any network.
    let each = (0.1 * bandwidth / (crew.comm.size() - 1) as f64).clamp(1e3, LONGEST as f64) as usize;
    let exchange = || {
        let out = vec![vec![3u8; each]; crew.comm.size()];
        crew.comm.barrier();
        let start = Instant::now();
        crew.comm.exchange(out);
        told([0.0, start.elapsed().as_secs_f64()])[1]
    };
    let all = least(LONG_TIMES, &exchange);
    let alone = (each * (crew.comm.size() - 1)) as f64 / bandwidth + 2.0 * latency;
    Measured { latency, overhead, bandwidth, contention: (all / alone).max(1.0) }
}

/// Bandwidth [bytes/s] from the longest message and one a quarter as long, or the shortest if there
/// is none.
fn slope(times: &[(f64, f64)]) -> f64 {
    let (longest, shorter) = (times[times.len() - 1], times[times.len().saturating_sub(3)]);
    if times.len() == 1 || longest.1 <= shorter.1 {
        return longest.0 / longest.1;
    }
    (longest.0 - shorter.0) / (longest.1 - shorter.1)
}

/// The growth whose factor for this number of nodes is closest to the measured contention.
fn growth(contention: f64, nodes: usize) -> &'static str {
    let distance = |growth: Growth| (growth.factor(nodes) / contention).ln().abs();
    let all =
        [(Growth::Full, "full"), (Growth::Log, "log n"), (Growth::Root, "sqrt n"), (Growth::Linear, "n")];
    // If two have the same factor, the first is chosen. It is the better network.
    all.into_iter()
        .min_by(|(a, _), (b, _)| distance(*a).total_cmp(&distance(*b)))
        .map_or("full", |(_, name)| name)
}

/// The measurement as a row of a table.
fn row(name: &str, measured: &Measured, nodes: usize, one_host: bool) -> String {
    let Measured { latency, overhead, bandwidth, contention } = measured;
    let place = if one_host { ", all on one host" } else { "" };
    let mut row = String::from("\n[[network]]\n");
    for (key, value) in [
        ("name", toml_string(name)),
        ("megabits_per_second", format!("{:.4}", 8e-6 * bandwidth)),
        ("latency_us", format!("{:.3}", 1e6 * latency)),
        ("overhead_us", format!("{:.3}", 1e6 * overhead * 0.999)),
        ("growth", toml_string(growth(*contention, nodes))),
        ("dollars", toml_string("unknown")),
        (
            "source",
            toml_string(&format!(
                "heorot network measure on {} with {nodes} ranks{place}; all with all take {contention:.2} times as long as the links need",
                machine::host()
            )),
        ),
    ] {
        writeln!(row, "{key} = {value}").expect("a string takes all");
    }
    row
}

fn toml_string(text: &str) -> String {
    serde_json::Value::from(text).to_string() // TOML's basic strings have the escapes of JSON
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_is_read_back() {
        let measured = Measured { latency: 5e-5, overhead: 2.5e-5, bandwidth: 1.2e7, contention: 1.9 };
        let text = row("a \"b\"", &measured, 4, false);
        let catalogue = Catalogue::parse(&text, "x.toml").unwrap();
        let network = catalogue.networks(&["a \"b\"".to_owned()]).unwrap()[0];
        assert_eq!((network.megabits_per_second, network.latency_us.known()), (96.0, Some(50.0)));
        // log2 4 = 2.
        assert_eq!(network.growth, Growth::Log);
    }

    #[test]
    fn growth_is_that_of_the_nearest_factor() {
        let found = [1.05, 3.5, 7.0, 60.0].map(|contention| growth(contention, 64));
        assert_eq!(found, ["full", "sqrt n", "log n", "n"]);
        assert_eq!((growth(1.0, 2), growth(2.0, 2)), ("full", "n"));
    }

    #[test]
    fn bandwidth_is_a_slope() {
        // 10 bytes per second, after a delay that short messages do not have.
        let times: Vec<_> = [100.0, 200.0, 400.0, 800.0].map(|bytes| (bytes, bytes / 10.0 - 5.0)).to_vec();
        assert_eq!(slope(&times), 10.0);
        assert_eq!(slope(&[(100.0, 10.0)]), 10.0);
    }
}
