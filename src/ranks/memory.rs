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

/// Checks that a run fits into the available memory of its hosts, if the system reports it. Hosts
/// need not have equal memory: a run gives none more bodies than it has room for. `beside` is the
/// additional memory per body [bytes]. Collective.
///
/// # Errors
/// On every rank, if all hosts together have less memory available than the ranks will need, or if
/// one cannot hold its part of the initial bodies, which are divided evenly.
pub fn check(crew: &Crew, bodies: u64, beside: f64) -> Result<()> {
    let ranks = crew.comm.size();
    let free = Free::all(crew);
    let room = free.iter().map(|free| free.room(ranks, beside)).fold(0u64, u64::saturating_add);
    let each = if room < bodies { per_body(ranks) } else { AT_REST };
    check_bodies(crew, bodies, each + beside)
}

/// Checks that bodies which are divided evenly fit into the available memory of their hosts.
/// `beside` is the additional memory per body [bytes]. Collective.
///
/// # Errors
/// On every rank, if a host has less memory available than its ranks will need.
pub fn check_evenly(crew: &Crew, bodies: u64, beside: f64) -> Result<()> {
    check_bodies(crew, bodies, per_body(crew.comm.size()) + beside)
}

fn check_bodies(crew: &Crew, bodies: u64, each: f64) -> Result<()> {
    let remedy = "use more hosts or fewer bodies (heorot plan tells)";
    check_needed(crew, each * bodies as f64, &format!("{bodies} bodies need"), remedy)
}

/// Memory per body of a state that was read or drawn, before the first evaluation [bytes].
const AT_REST: f64 = 120.0;

/// Free memory of a rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Free {
    /// Free memory of its process [bytes], if the system reports it. Ranks of one host share it.
    bytes: Option<u64>,
    /// Ranks and processes of its host.
    ranks: usize,
    processes: usize,
}

impl Free {
    /// Free memory of this rank now. Collective.
    pub fn measure(crew: &Crew) -> Free {
        Free::all(crew)[crew.comm.rank()]
    }

    /// Free memory of each rank now. Collective.
    fn all(crew: &Crew) -> Vec<Free> {
        let ranks = reports(crew);
        let free = |rank: &OfRank| {
            let of_host: Vec<_> = ranks.iter().filter(|other| other.host == rank.host).collect();
            let processes: BTreeSet<_> = of_host.iter().map(|rank| &rank.process).collect();
            Free { bytes: rank.free, ranks: of_host.len(), processes: processes.len() }
        };
        ranks.iter().map(free).collect()
    }

    /// Number of bodies for which a rank of `ranks` has memory, at the peak of a force evaluation.
    /// `beside` is the additional memory per body [bytes].
    pub fn room(&self, ranks: usize, beside: f64) -> u64 {
        let Some(bytes) = self.bytes else { return u64::MAX };
        let free = (bytes as f64 - PROCESS * self.processes as f64) / self.ranks as f64;
        (free / (per_body(ranks) + beside)).max(0.0) as u64
    }
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

/// What a rank reports of its memory.
struct OfRank {
    host: String,
    process: String,
    free: Option<u64>,
}

/// Host, process and free memory of each rank. Collective.
fn reports(crew: &Crew) -> Vec<OfRank> {
    let free = machine::memory().map_or(String::new(), |memory| memory.available.to_string());
    let mine = format!("{} {} {free}", machine::host(), std::process::id());
    let all = crew.comm.all_gather(mine.as_bytes());
    let read = |text: &Vec<u8>| {
        let text = String::from_utf8_lossy(text);
        let mut words = text.split(' ').map(str::to_owned);
        let [host, process, free] = std::array::from_fn(|_| words.next().unwrap_or_default());
        OfRank { host, process, free: free.parse().ok() }
    };
    all.iter().map(read).collect()
}

/// Checks that `needed` bytes, divided evenly among all ranks, are available. Collective.
fn check_needed(crew: &Crew, needed: f64, what: &str, remedy: &str) -> Result<()> {
    let mut hosts: BTreeMap<String, Host> = BTreeMap::new();
    for rank in reports(crew) {
        let host = hosts.entry(rank.host).or_default();
        host.ranks += 1;
        host.processes.insert(rank.process);
        host.free = rank.free.map(|free| free as f64).or(host.free);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_has_room_for_its_part_of_the_free_memory_of_its_host() {
        let free = Free { bytes: Some(1_000_000_000), ranks: 1, processes: 1 };
        assert_eq!(free.room(1, 0.0), ((1e9 - PROCESS) / BODY) as u64);
        let shared = Free { ranks: 4, processes: 4, ..free };
        let each = ((1e9 - 4.0 * PROCESS) / 4.0 / (per_body(8) + 20.0)) as u64;
        assert_eq!(shared.room(8, 20.0), each);
        assert_eq!(Free { bytes: Some(1000), ..free }.room(2, 0.0), 0);
        assert_eq!(Free { bytes: None, ..free }.room(2, 0.0), u64::MAX);
    }
}
