//! Starts a job on all ranks. A rank is a process or, for tests and virtual scaling studies, a thread of
//! one process.

use crate::console::{all_said, complain};
use crate::ranks::alike;
use crate::ranks::crew::Crew;
use crate::ranks::machine;
use crate::ranks::processes::{World, expect_served, is_launched};
use anyhow::{Context, Error, Result, anyhow, ensure};
use decomposition::{Comm, Hosts, Mail, TwoLevel, agree, threads};
use serde::Serialize;

/// Options of every command that runs on ranks.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Launch {
    /// Threads of each rank [default: the cores available to the process, divided evenly among the
    /// ranks bound to them].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<usize>,
    /// Run N ranks inside this process, without mpirun, for tests and scaling studies. The results
    /// are bitwise identical on any number of ranks.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub virtual_ranks: Option<usize>,
    /// Group the virtual ranks into hosts of N ranks.
    #[arg(long, value_name = "N", value_parser = at_least_one, requires = "virtual_ranks")]
    pub ranks_per_host: Option<usize>,
    /// When all messages from one host to another are packed into one. auto: if some host has
    /// several ranks and every rank has at least 8 ranks on other hosts. The results are bitwise
    /// identical.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub pack: Pack,
}

/// Packing is used if every rank has at least this many ranks on other hosts. On two hosts of two
/// or four ranks its extra hops cost as much as it saves; on four hosts of four ranks it gains
/// (docs/scaling.md).
const ELSEWHERE: usize = 8;

/// When exchanges are packed by hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Pack {
    /// If it is likely to save time.
    #[default]
    Auto,
    /// Always; has no effect if no host has several ranks, or if there is one host.
    Always,
    /// Never.
    Never,
}

/// The distribution of ranks over hosts, and whether exchanges are packed by hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    /// Number of hosts, from MPI or from the options of virtual ranks.
    pub hosts: usize,
    /// Whether messages between two hosts are packed into one.
    pub packed: bool,
}

impl Layout {
    /// One rank, or virtual ranks without a given number of ranks a host.
    pub const ALONE: Layout = Layout { hosts: 1, packed: false };

    /// Number of hosts and packing, for a line about the ranks. Empty for one host.
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

    /// Runs `job` with the requested communication.
    fn apply<T>(self, comm: &dyn Mail, hosts: Hosts, job: impl FnOnce(&dyn Comm, Layout) -> T) -> T {
        let layout = Layout { hosts: hosts.count(), packed: self.wanted(&hosts) };
        if layout.packed { job(&TwoLevel::new(comm, hosts), layout) } else { job(comm, layout) }
    }
}

/// An error that the leading rank has already printed. The program exits with it.
#[derive(Debug)]
pub struct Reported;

impl std::error::Error for Reported {}

impl std::fmt::Display for Reported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the leading rank has reported an error")
    }
}

/// Has the leading rank print an error that all ranks have. No rank goes on before the line is out:
/// a launcher that sees one rank fail may end the others at once. Collective.
fn report(comm: &dyn Comm, error: Error) -> Error {
    if comm.size() == 1 {
        return error;
    }
    if comm.rank() == 0 {
        complain(&format!("{error:#}"));
    }
    comm.barrier();
    Reported.into()
}

/// Prints what is wrong with the command line, which all processes of a launcher have alike: once.
pub fn complain_once(text: &str) {
    if let Err(error) = expect_served() {
        if !error.is::<Reported>() {
            complain(&format!("{error:#}"));
        }
        return;
    }
    if !is_launched() {
        return complain(text);
    }
    let launch = Launch { threads: Some(1), ..Launch::default() };
    if let Err(error) = on_processes(&launch, |_, _| Err::<(), _>(anyhow!("{text}")))
        && !error.is::<Reported>()
    {
        complain(&format!("{error:#}"));
    }
}

/// Does a job that is none for several ranks: the leading process does it, the others end as it
/// does.
///
/// # Errors
/// The job fails. Every process returns the error.
pub fn on_leading_process(job: impl FnOnce() -> Result<()>) -> Result<()> {
    if !is_launched() {
        return job();
    }
    let world = World::start()?;
    let comm = world.comm();
    if comm.size() == 1 {
        return job();
    }
    check_alike(&world)?;
    let job = || if comm.rank() == 0 { job().map_err(|error| format!("{error:#}")) } else { Ok(()) };
    agree(comm, job).map_err(|text| report(comm, anyhow!(text)))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    const MOST: usize = 4096;
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| format!("must be a whole number from 1 to {MOST}"))
}

/// Runs `job` on all ranks and waits for its end.
///
/// # Errors
/// The job fails. Its error must be the same on all ranks. With several processes, it is printed
/// and [`Reported`] is returned.
pub fn on_all_ranks<T: Send>(launch: &Launch, job: impl Fn(&Crew) -> Result<T> + Sync) -> Result<T> {
    match launch.virtual_ranks {
        Some(ranks) => on_virtual_ranks(ranks, launch, job),
        None => on_processes(launch, |_, crew| job(crew)),
    }
}

/// Threads and virtual ranks for each core of this host at most, and what any host may have: more
/// of them wait for each other without an end.
const MOST_THREADS: usize = 64;

fn check_number(option: &str, number: usize) -> Result<()> {
    let cores = machine::all_cores();
    let most = MOST_THREADS * cores;
    ensure!(
        number <= most,
        "--{option} {number}: must be at most {most} on this host, which has {cores} cores"
    );
    Ok(())
}

fn on_virtual_ranks<T: Send>(
    ranks: usize,
    launch: &Launch,
    job: impl Fn(&Crew) -> Result<T> + Sync,
) -> Result<T> {
    check_number("virtual-ranks", ranks)?;
    let threads = start_threads(launch.threads.unwrap_or_else(machine::cores), false)?;
    let hosts = Hosts::filled(ranks, launch.ranks_per_host.unwrap_or(ranks));
    let ends = threads::run(ranks, |comm| {
        launch.pack.apply(comm, hosts.clone(), |comm, layout| job(&Crew { comm, layout, threads }))
    });
    ends.into_iter().next().expect("there is at least one rank")
}

/// Does `job` on all processes, with MPI itself at hand if the build has it, and waits for its end.
///
/// # Errors
/// As [`on_all_ranks`].
pub fn on_processes<T>(launch: &Launch, job: impl Fn(&World, &Crew) -> Result<T>) -> Result<T> {
    let world = World::start()?;
    check_alike(&world)?;
    launch.pack.apply(world.comm(), world.hosts(), |comm, layout| {
        let threads = launch.threads.unwrap_or_else(|| fair_share(comm));
        let crew = Crew { comm, layout, threads };
        let end = crew.agree(|| start_threads(threads, true)).and_then(|_| job(&world, &crew));
        // Only the leading rank prints. If that fails, all ranks return the error.
        let end = end.and_then(|value| crew.lead(all_said).map(|()| value));
        end.map_err(|error| report(comm, error))
    })
}

/// Fails on all processes, with one line printed, unless all were started alike: before anything
/// that ranks do together, since those that are not alike do not do the same. Collective.
fn check_alike(world: &World) -> Result<()> {
    let facts = if world.comm().size() > 1 { alike::at_start() } else { Vec::new() };
    alike::check(world.comm(), &facts).map_err(|fault| report(world.comm(), anyhow!(fault)))
}

/// Number of cores for this process, if the processes of a host that are bound to the same cores share
/// them evenly.
fn fair_share(comm: &dyn Comm) -> usize {
    let place = format!("{}:{}", machine::host(), machine::affinity());
    let sharing = comm.all_gather(place.as_bytes()).iter().filter(|other| *other == place.as_bytes()).count();
    (machine::cores() / sharing).max(1)
}

/// Starts the threads of this process; they are started once. The calling one is among them if it
/// does the job: it then need not wake others to begin each stretch of work, of which a block step
/// has many short ones.
fn start_threads(threads: usize, does_the_job: bool) -> Result<usize> {
    check_number("threads", threads)?;
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
