//! The processes that a launcher has started. They are ranks of MPI; in a build without the feature
//! `mpi`, there is only this process.

use crate::ranks::launch::Reported;
use anyhow::{Result, bail};

/// Environment variables of Open MPI, MPICH and the schedulers: the rank of a process, and the number of
/// processes.
const RANK_VARIABLES: [&str; 6] =
    ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "PMI_ID", "MV2_COMM_WORLD_RANK", "ALPS_APP_PE"];
const SIZE_VARIABLES: [&str; 4] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "SLURM_STEP_NUM_TASKS"];
/// The rank in a step of Slurm, which numbers processes even without MPI.
const SLURM_RANK: &str = "SLURM_PROCID";

/// Whether this build can run as several processes.
pub const HAS_MPI: bool = cfg!(feature = "mpi");

/// The ranks of this job: those of MPI if a launcher has started this process, otherwise this process
/// alone. Alone it does not start MPI, which would take most of a second and make files in a folder
/// that all programs of the host share.
pub enum World {
    /// The processes of a launcher.
    #[cfg(feature = "mpi")]
    Launched(decomposition::mpi_world::World),
    /// This process.
    Alone,
}

impl World {
    /// # Errors
    /// MPI does not start, or [`expect_served`] fails.
    pub fn start() -> Result<World> {
        expect_served()?;
        #[cfg(feature = "mpi")]
        if is_launched() {
            return Ok(World::Launched(decomposition::mpi_world::World::start()?));
        }
        Ok(World::Alone)
    }

    /// Communication of all ranks.
    pub fn comm(&self) -> &dyn decomposition::Mail {
        match self {
            #[cfg(feature = "mpi")]
            World::Launched(world) => world.comm(),
            World::Alone => &decomposition::Solo,
        }
    }

    /// The hosts of all ranks. Collective.
    pub fn hosts(&self) -> decomposition::Hosts {
        match self {
            #[cfg(feature = "mpi")]
            World::Launched(world) => world.hosts(),
            World::Alone => decomposition::Hosts::filled(1, 1),
        }
    }

    /// Seconds of an exchange between two ranks, as the world of MPI measures it. Collective.
    ///
    /// # Panics
    /// There is one rank.
    pub fn ping_pong(&self, there: usize, back: usize, times: usize, in_turn: bool) -> [f64; 2] {
        match self {
            #[cfg(feature = "mpi")]
            World::Launched(world) => world.ping_pong(there, back, times, in_turn),
            World::Alone => {
                panic!(
                    "one rank cannot send {there} bytes, receive {back} bytes, {times} times, in turn: {in_turn}"
                )
            }
        }
    }
}

/// Whether a launcher of MPI has started this process, alone or as one of several.
pub fn is_launched() -> bool {
    launched().is_some_and(|processes| processes > 1)
        || RANK_VARIABLES.iter().any(|name| std::env::var_os(name).is_some())
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
