//! The processes that a launcher has started. They are ranks of MPI; in a build without the feature
//! `mpi`, there is only this process.

use crate::launch::Reported;
use anyhow::{Result, bail};

/// Environment variables of Open MPI, MPICH and the schedulers: the rank of a process, and the number of
/// processes.
const RANK_VARIABLES: [&str; 3] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"];
const SIZE_VARIABLES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "SLURM_STEP_NUM_TASKS"];
/// The rank in a step of Slurm, which numbers processes even without MPI.
const SLURM_RANK: &str = "SLURM_PROCID";

/// Whether this build can run as several processes.
pub const HAS_MPI: bool = cfg!(feature = "mpi");

/// MPI, or this process alone.
#[cfg(feature = "mpi")]
pub use decomposition::mpi_world::World;

/// This process alone, with the interface of MPI's `World`.
#[cfg(not(feature = "mpi"))]
pub struct World(());

#[cfg(not(feature = "mpi"))]
impl World {
    /// # Errors
    /// As [`expect_served`].
    pub fn start() -> Result<World> {
        expect_served()?;
        Ok(World(()))
    }

    /// Communication of the only rank.
    pub fn comm(&self) -> &dyn decomposition::Mail {
        &decomposition::Solo
    }

    /// The only host.
    pub fn hosts(&self) -> decomposition::Hosts {
        decomposition::Hosts::filled(1, 1)
    }

    /// Panics, as with MPI on one rank.
    pub fn ping_pong(&self, _there: usize, _back: usize, _times: usize, _in_turn: bool) -> [f64; 2] {
        panic!("one rank has nobody to send to")
    }
}

/// Whether a launcher of MPI has started this process, alone or as one of several.
pub fn is_launched() -> bool {
    RANK_VARIABLES.iter().any(|name| std::env::var_os(name).is_some())
}

/// Number of processes that the launcher has started, if the environment contains it.
pub fn launched() -> Option<usize> {
    SIZE_VARIABLES.iter().filter_map(|name| std::env::var(name).ok()?.parse().ok()).max()
}

/// Whether this process is the one that prints messages, as far as the environment shows it.
pub fn is_leading_process() -> bool {
    leads(|name| std::env::var(name).ok())
}

fn leads(variable: impl Fn(&str) -> Option<String>) -> bool {
    let ranks: Vec<String> = RANK_VARIABLES.iter().filter_map(|name| variable(name)).collect();
    let slurm = || variable(SLURM_RANK).is_none_or(|rank| rank == "0");
    if ranks.is_empty() { slurm() } else { ranks.iter().all(|rank| rank == "0") }
}

/// Fails if a launcher has started several processes of a build without MPI, because each would do the
/// whole job.
///
/// # Errors
/// One line on the leading process, [`Reported`] on the others.
pub fn expect_served() -> Result<()> {
    match launched() {
        Some(processes) if !HAS_MPI && processes > 1 => {
            if !is_leading_process() {
                bail!(Reported);
            }
            bail!(
                "{processes} processes were started, but this build has no MPI (feature mpi): start one process, which uses all cores, or build Heorot with its default features"
            )
        }
        _ => Ok(()),
    }
}

/// The MPI library and what it offers, in one line.
#[cfg(feature = "mpi")]
pub fn library() -> String {
    use decomposition::mpi_world;
    let threads =
        mpi_world::thread_level().map_or("not started".to_owned(), |level| format!("thread level {level}"));
    format!("{}, {threads}", mpi_world::library())
}

/// Name and version of the MPI library.
#[cfg(feature = "mpi")]
pub fn mpi() -> Option<String> {
    let library = decomposition::mpi_world::library();
    let name = library.split(',').next().unwrap_or_default();
    Some(name.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// That there is no MPI library.
#[cfg(not(feature = "mpi"))]
pub fn mpi() -> Option<String> {
    None
}

/// That there is no MPI library.
#[cfg(not(feature = "mpi"))]
pub fn library() -> String {
    "no MPI in this build: runs are one process".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_of_each_launcher_leads() {
        let leads = |variables: &[(&str, &str)]| {
            leads(|name| {
                variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert!(leads(&[]));
        for name in ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"] {
            assert!(leads(&[(name, "0")]) && !leads(&[(name, "1")]), "{name}");
        }
        // A launcher inside a job of Slurm, whose variables its processes inherit.
        assert!(leads(&[("SLURM_PROCID", "3"), ("OMPI_COMM_WORLD_RANK", "0")]));
        assert!(!leads(&[("SLURM_PROCID", "0"), ("OMPI_COMM_WORLD_RANK", "1")]));
    }
}
