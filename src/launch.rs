//! Starts a job on all ranks: one MPI process each or, for tests and virtual scaling studies, ranks inside one process.

use crate::alike;
use crate::console::all_said;
use crate::crew::{Crew, Files};
use crate::machine;
use anyhow::{Context, Result, anyhow};
use decomposition::{Comm, Hosts, TwoLevel, mpi_world::World, threads};
use io::snapshot::Writers;
use serde::Serialize;
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
    /// Take so many virtual ranks at a time for those of one host.
    #[arg(long, value_name = "N", value_parser = at_least_one, requires = "virtual_ranks")]
    pub ranks_per_host: Option<usize>,
    /// Whether what ranks of one host send to ranks of another goes as one message; auto: where there are hosts of several ranks, and 8 ranks on others.
    /// Results are the same bits.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub pack: Pack,
}

/// Packing pays where every rank has at least so many others on other hosts: on two hosts of two or of four ranks the hops take what they spare, on four of
/// four they take less (docs/scaling.md).
const ELSEWHERE: usize = 8;

/// When exchanges are packed by hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Pack {
    /// Where it can pay.
    #[default]
    Auto,
    /// Always; to no use where no host has several ranks, or there is one host.
    Always,
    /// Never.
    Never,
}

/// How ranks lie on hosts, and whether their exchanges are packed by them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// Hosts: what MPI takes for one, or what virtual ranks are told to be.
    pub hosts: usize,
    /// Whether what ranks of one host send to ranks of another goes as one message.
    pub packed: bool,
}

impl Layout {
    /// Of one rank, or of virtual ones that are told nothing.
    pub const ALONE: Layout = Layout { hosts: 1, packed: false };

    /// Whether it is packed, for a line about the ranks; nothing on one host.
    pub fn words(&self) -> String {
        let Layout { hosts, packed } = self;
        let how = if *packed { "packed by host" } else { "not packed" };
        if *hosts > 1 { format!(" on {hosts} hosts, exchanges {how}") } else { String::new() }
    }
}

impl Pack {
    fn wanted(self, hosts: &Hosts) -> bool {
        match self {
            Pack::Auto => hosts.can_pack() && hosts.least_elsewhere() >= ELSEWHERE,
            Pack::Always => true,
            Pack::Never => false,
        }
    }

    /// Does `job` with the communication that this asks for.
    fn apply<T>(self, comm: &dyn Comm, hosts: Hosts, job: impl FnOnce(&dyn Comm, Layout) -> T) -> T {
        let layout = Layout { hosts: hosts.count(), packed: self.wanted(&hosts) };
        if layout.packed { job(&TwoLevel::new(comm, hosts), layout) } else { job(comm, layout) }
    }
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
    let hosts = Hosts::filled(ranks, launch.ranks_per_host.unwrap_or(ranks));
    let ends = threads::run(ranks, |comm| {
        launch.pack.apply(comm, hosts.clone(), |comm, layout| {
            job(&Crew::new(comm, layout, threads, Files::Pool(&pool)))
        })
    });
    ends.into_iter().next().expect("there is at least one rank")
}

/// Does `job` on all processes, with MPI itself at hand, and waits for its end.
///
/// # Errors
/// As [`on_all_ranks`].
pub fn on_processes<T>(launch: &Launch, job: impl Fn(&World, &Crew) -> Result<T>) -> Result<T> {
    let world = World::start()?;
    // Before anything that ranks do together: those that are not alike do not do the same.
    let facts = if world.comm().size() > 1 { alike::at_start() } else { Vec::new() };
    let alike = alike::check(world.comm(), &facts).map_err(|fault| anyhow!(fault));
    alike.map_err(|fault| if world.comm().rank() == 0 { fault } else { ReportedElsewhere.into() })?;
    launch.pack.apply(world.comm(), world.hosts(), |comm, layout| {
        let (rank, size) = (comm.rank(), comm.size());
        let threads = launch.threads.unwrap_or_else(|| fair_share(comm));
        let writers = if size > 1 { Writers::Mpi(world.communicator()) } else { Writers::One };
        let crew = Crew::new(comm, layout, threads, Files::Processes(writers));
        let end = crew.agree(|| start_threads(threads, true)).and_then(|_| job(&world, &crew));
        // Only the leading rank prints; all end alike if that failed.
        let end = end.and_then(|value| crew.lead(all_said).map(|()| value));
        if rank == 0 { end } else { end.map_err(|_| ReportedElsewhere.into()) }
    })
}

/// Whether all processes of an `mpirun` were started alike, for one that has found no command to do: what is wrong with its command line need not be wrong
/// with the others', which wait for it. Nothing is to be seen without a launcher.
///
/// # Errors
/// As [`on_all_ranks`], if they were not.
pub fn check_processes() -> Result<()> {
    if RANK_VARIABLES.iter().all(|name| std::env::var_os(name).is_none()) {
        return Ok(());
    }
    on_processes(&Launch { threads: Some(1), ..Launch::default() }, |_, _| Ok(()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_packed_where_it_can_pay_or_as_is_asked() {
        let packed = |pack: Pack, ranks, on_each| {
            pack.apply(&decomposition::Solo, Hosts::filled(ranks, on_each), |_, layout| layout)
        };
        for pack in [Pack::Auto, Pack::Never] {
            assert_eq!(packed(pack, 1, 1), Layout::ALONE);
        }
        assert!(packed(Pack::Always, 1, 1).packed);
        for (ranks, on_each, auto) in
            [(16, 8, true), (12, 4, true), (8, 4, false), (3, 2, false), (16, 16, false), (16, 1, false)]
        {
            let hosts = Hosts::filled(ranks, on_each);
            let wanted = [Pack::Auto, Pack::Always, Pack::Never].map(|pack| pack.wanted(&hosts));
            assert_eq!(wanted, [auto, true, false]);
        }
    }
}
