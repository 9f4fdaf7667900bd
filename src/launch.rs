//! Starts a job on all ranks: one MPI process each or, for tests and virtual scaling studies, ranks inside one process.

use crate::crew::{Crew, Files};
use crate::machine;
use anyhow::{Context, Result};
use decomposition::{Comm, mpi_world::World, threads};
use io::snapshot::Writers;
use std::sync::Mutex;

/// What Open MPI, MPICH and the schedulers call the number of a process in its environment.
const RANK_VARIABLES: [&str; 3] = ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"];

/// Options of every command that runs on ranks.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Launch {
    /// Threads of each rank [default: the cores the process may use, shared evenly by the ranks bound to them].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<usize>,
    /// Run N ranks inside this process, without mpirun: results are the same bits. For tests and scaling studies.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub virtual_ranks: Option<usize>,
}

/// An error that another rank reports; this one only ends with it.
#[derive(Debug)]
pub struct ReportedElsewhere;

impl std::error::Error for ReportedElsewhere {}

impl std::fmt::Display for ReportedElsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the leading rank has reported an error")
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    const MOST: usize = 4096;
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("must be a whole number from 1 to {MOST}"))
}

/// Does `job` on all ranks and waits for its end.
///
/// # Errors
/// That of the job, which must be the same on all ranks; ranks that do not lead get [`ReportedElsewhere`].
pub fn on_all_ranks<T: Send>(launch: &Launch, job: impl Fn(&Crew) -> Result<T> + Sync) -> Result<T> {
    match launch.virtual_ranks {
        Some(ranks) => on_virtual_ranks(ranks, launch, job),
        None => on_processes(launch, |_, crew| job(crew)),
    }
}

/// As [`on_all_ranks`], but a process that no launcher has started does the job without MPI, which takes most of a second to begin.
///
/// # Errors
/// As [`on_all_ranks`].
pub fn on_ranks_if_launched<T: Send>(launch: &Launch, job: impl Fn(&Crew) -> Result<T> + Sync) -> Result<T> {
    if launch.virtual_ranks.is_some() || RANK_VARIABLES.iter().any(|name| std::env::var_os(name).is_some()) {
        return on_all_ranks(launch, job);
    }
    if let Some(threads) = launch.threads {
        start_threads(threads, true)?;
    }
    job(&Crew::alone())
}

fn on_virtual_ranks<T: Send>(
    ranks: usize,
    launch: &Launch,
    job: impl Fn(&Crew) -> Result<T> + Sync,
) -> Result<T> {
    let threads = start_threads(launch.threads.unwrap_or_else(machine::cores), false)?;
    let pool = Mutex::new(Vec::new());
    let ends = threads::run(ranks, |comm| job(&Crew::new(comm, threads, Files::Pool(&pool))));
    ends.into_iter().next().expect("there is at least one rank")
}

/// Does `job` on all processes, with MPI itself at hand, and waits for its end.
///
/// # Errors
/// As [`on_all_ranks`].
pub fn on_processes<T>(launch: &Launch, job: impl Fn(&World, &Crew) -> Result<T>) -> Result<T> {
    let world = World::start()?;
    let comm = world.comm();
    let (rank, size) = (comm.rank(), comm.size());
    let threads = launch.threads.unwrap_or_else(|| fair_share(comm));
    let writers = if size > 1 { Writers::Mpi { comm: world.raw(), rank, size } } else { Writers::One };
    let crew = Crew::new(comm, threads, Files::Processes(writers));
    let end = crew.agree(start_threads(threads, true)).and_then(|_| job(&world, &crew));
    if rank == 0 { end } else { end.map_err(|_| ReportedElsewhere.into()) }
}

/// Whether this process is the one of its `mpirun` that speaks, as far as can be known before MPI is started.
pub fn is_leading_process() -> bool {
    RANK_VARIABLES.iter().filter_map(|name| std::env::var(name).ok()).all(|rank| rank == "0")
}

/// This process's part of the cores it is bound to, if the processes of one host that are bound to the same cores share them.
fn fair_share(comm: &dyn Comm) -> usize {
    let place = format!("{}:{}", machine::host(), machine::affinity());
    let sharing = comm.all_gather(place.as_bytes()).iter().filter(|other| *other == place.as_bytes()).count();
    (machine::cores() / sharing).max(1)
}

/// Starts the threads of this process; they are started once. The calling one is among them if it does the job: it then need not wake others to begin
/// each stretch of work, of which a block step has many short ones.
fn start_threads(threads: usize, does_the_job: bool) -> Result<usize> {
    let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let builder = if does_the_job { builder.use_current_thread() } else { builder };
    builder.build_global().with_context(|| format!("cannot start {threads} threads"))?;
    Ok(threads)
}
