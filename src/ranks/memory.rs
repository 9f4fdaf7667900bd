//! Estimates the memory of a run before it starts. The constants are fitted to measurements, see
//! docs/performance.md.

use crate::ranks::crew::Crew;
use crate::ranks::machine;
use anyhow::{Result, ensure};
use std::collections::{BTreeMap, BTreeSet};

/// Memory of a process without bodies: program, MPI and its buffers [bytes].
const PROCESS: f64 = 48e6;
/// Memory per body on one rank, at the peak of a force evaluation [bytes].
const BODY: f64 = 164.0;
/// Additional memory per body that arrives from another rank, including imported cells and bodies
/// [bytes].
const TRAVEL: f64 = 180.0;

/// Memory per body at the peak of a run on `ranks` ranks [bytes]. At the start, nearly every body
/// is on another rank than it belongs to.
fn per_body(ranks: usize) -> f64 {
    BODY + TRAVEL * (ranks - 1) as f64 / ranks as f64
}

/// Additional memory per body of a run whose bodies have `bytes` bytes in further columns. Like the
/// bodies, they are sent to another rank at the start.
pub fn of_columns(bytes: u64, ranks: usize) -> f64 {
    bytes as f64 * (1.0 + (ranks - 1) as f64 / ranks as f64)
}

/// Peak memory of all ranks of a run, one process each, with `column_bytes` bytes per body in
/// further columns [bytes].
pub fn of_run(bodies: u64, column_bytes: u64, ranks: usize) -> f64 {
    PROCESS * ranks as f64 + (per_body(ranks) + of_columns(column_bytes, ranks)) * bodies as f64
}

/// Number of bodies that fit into `available` bytes on `ranks` ranks, if each takes `beside` bytes
/// in addition to the run.
pub fn most_bodies(available: f64, ranks: usize, beside: f64) -> f64 {
    ((available - PROCESS * ranks as f64) / (per_body(ranks) + beside)).max(0.0)
}

/// Checks that a run fits into the available memory of its hosts, if the system reports it.
/// `beside` is the additional memory per body [bytes]. Collective.
///
/// # Errors
/// On every rank, if a host has less memory available than its ranks will need.
pub fn check(crew: &Crew, bodies: u64, beside: f64) -> Result<()> {
    let needed = (per_body(crew.comm.size()) + beside) * bodies as f64;
    let remedy = "use more hosts or fewer bodies (heorot plan tells)";
    check_needed(crew, needed, &format!("{bodies} bodies need"), remedy)
}

/// Checks that the measurement of a power spectrum on a grid of `cells`^3 fits into the available
/// memory of the hosts. `name` is that of the option or key. Collective.
///
/// # Errors
/// As [`check`].
pub fn check_grid(crew: &Crew, name: &str, cells: usize, bodies: u64) -> Result<()> {
    let needed = nbody::spectral::memory(cells, bodies);
    check_needed(crew, needed, &format!("{name} needs"), "use more hosts or a smaller grid")
}

/// Memory of a crossing of a light cone: the crossing, and its copies while a shell is written [bytes].
const CROSSING: f64 = 4.0 * 120.0;

/// Checks that a shell of a light cone with so many crossings fits into the available memory of the hosts,
/// with `map` bytes for the maps of all ranks. Collective.
///
/// # Errors
/// As [`check`].
pub fn check_light_cone(crew: &Crew, crossings: f64, map: u64) -> Result<()> {
    let needed = CROSSING * crossings + map as f64;
    let remedy = "use more shells, a smaller redshift_max or nside, or more hosts";
    check_needed(crew, needed, "output.lightcone: a shell needs", remedy)
}

/// Checks that `needed` bytes, divided evenly among all ranks, are available. Collective.
fn check_needed(crew: &Crew, needed: f64, what: &str, remedy: &str) -> Result<()> {
    let free = machine::memory().map_or(String::new(), |memory| memory.available.to_string());
    let mine = format!("{} {} {free}", machine::host(), std::process::id());
    let all = crew.comm.all_gather(mine.as_bytes());
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    for text in all.iter().map(|text| String::from_utf8_lossy(text)) {
        let mut words = text.split(' ');
        let host = hosts.entry(words.next().unwrap_or_default().to_owned()).or_default();
        host.ranks += 1;
        host.processes.insert(words.next().unwrap_or_default().to_owned());
        host.free = words.next().and_then(|free| free.parse().ok()).or(host.free);
    }
    for (name, host) in &hosts {
        let Some(free) = host.free else { continue };
        let share = needed * host.ranks as f64 / crew.comm.size() as f64;
        let needed = PROCESS * host.processes.len() as f64 + share;
        ensure!(
            needed <= free,
            "{what} some {:.1} GB of memory on {name}, where {:.1} GB are free: {remedy}",
            needed * 1e-9,
            free * 1e-9
        );
    }
    Ok(())
}

/// The ranks of a host.
#[derive(Default)]
struct Host {
    ranks: usize,
    processes: BTreeSet<String>,
    free: Option<f64>,
}
