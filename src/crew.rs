//! What a rank has at hand: the way to the other ranks, the way to shared files, and a common end on errors.

use anyhow::{Result, anyhow};
use decomposition::{Comm, agree, collective};
use io::checkpoint;
use io::snapshot::{self, Fields, Header, Writers};
use serde::Serialize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use treecode::{Bodies, TYPES};

/// One of the ranks that do a job together.
pub struct Crew<'a> {
    /// The other ranks.
    pub comm: &'a dyn Comm,
    /// Threads of each process.
    pub threads: usize,
    files: Files<'a>,
}

/// How a file that all ranks fill is written.
pub(crate) enum Files<'a> {
    /// By all processes, or by the only one.
    Processes(Writers),
    /// Ranks of one process put their bodies here, and the first one writes.
    Pool(&'a Mutex<Vec<Bodies>>),
}

impl<'a> Crew<'a> {
    pub(crate) fn new(comm: &'a dyn Comm, threads: usize, files: Files<'a>) -> Crew<'a> {
        Crew { comm, threads, files }
    }

    /// Whether this rank speaks for all: it prints, and writes what one rank writes.
    pub fn leads(&self) -> bool {
        self.comm.rank() == 0
    }

    /// Ends alike on all ranks. Whatever can fail on one rank alone must come through here. Collective.
    ///
    /// # Errors
    /// On every rank, that of the lowest rank that failed.
    pub fn agree<T>(&self, result: Result<T>) -> Result<T> {
        agree(self.comm, result.map_err(|error| format!("{error:#}"))).map_err(|message| anyhow!(message))
    }

    /// Does `job` on the leading rank only; all end alike. Collective.
    ///
    /// # Errors
    /// On every rank, if the job failed.
    pub fn lead(&self, job: impl FnOnce() -> Result<()>) -> Result<()> {
        self.agree(if self.leads() { job() } else { Ok(()) })
    }

    /// Does `job` on the leading rank and gives all ranks its numbers; all end alike. Collective.
    ///
    /// # Errors
    /// On every rank, if the job failed.
    pub fn lead_tells(&self, job: impl FnOnce() -> Result<Vec<u64>>) -> Result<Vec<u64>> {
        let mine = self.agree(if self.leads() { job() } else { Ok(Vec::new()) })?;
        Ok(collective::gather(self.comm, &mine).swap_remove(0))
    }

    /// Writes a checkpoint: the bodies of all ranks, and the leading rank's `state`. Collective. Returns its length [bytes] on the leading rank.
    ///
    /// # Errors
    /// On every rank, if the file cannot be written; nothing is left of it then.
    pub fn write_checkpoint(&self, path: &Path, state: &impl Serialize, bodies: &Bodies) -> Result<u64> {
        match &self.files {
            Files::Processes(writers) => {
                let gather = |mine: &[u64]| collective::gather(self.comm, mine);
                self.agree(Ok(checkpoint::write(path, state, bodies, writers, &gather)?))
            }
            Files::Pool(pool) => {
                self.pool(pool, bodies);
                let mut length = 0;
                self.lead(|| {
                    let alone = |mine: &[u64]| vec![mine.to_vec()];
                    length = checkpoint::write(path, state, &empty(pool), &Writers::One, &alone)?;
                    Ok(())
                })?;
                Ok(length)
            }
        }
    }

    /// Writes the bodies of all ranks to one file; within each type they stand in the order of ranks. Collective.
    ///
    /// # Errors
    /// On every rank, if the file cannot be written; nothing is left of it then.
    pub fn write_snapshot(
        &self,
        path: &Path,
        header: &Header,
        bodies: &Bodies,
        fields: Fields,
    ) -> Result<()> {
        match &self.files {
            Files::Processes(writers) => {
                let (offset, total) = self.places(bodies);
                self.agree(Ok(snapshot::write(path, header, bodies, fields, writers, offset, total)?))
            }
            Files::Pool(pool) => {
                self.pool(pool, bodies);
                self.lead(|| {
                    let all = empty(pool);
                    let total = count(&all);
                    Ok(snapshot::write(path, header, &all, fields, &Writers::One, [0; TYPES], total)?)
                })
            }
        }
    }

    /// Puts each rank's bodies into the pool, in the order of ranks.
    fn pool(&self, pool: &Mutex<Vec<Bodies>>, bodies: &Bodies) {
        for rank in 0..self.comm.size() {
            if rank == self.comm.rank() {
                pool.lock().unwrap_or_else(PoisonError::into_inner).push(bodies.clone());
            }
            self.comm.barrier();
        }
    }

    /// Where this rank's bodies of each type begin in a file of all, and how many of each type there are.
    fn places(&self, bodies: &Bodies) -> ([u64; TYPES], [u64; TYPES]) {
        let counts = collective::gather(self.comm, &count(bodies));
        let sum =
            |ranks: &[Vec<u64>]| std::array::from_fn(|kind| ranks.iter().map(|count| count[kind]).sum());
        (sum(&counts[..self.comm.rank()]), sum(&counts))
    }
}

/// Takes all bodies out of the pool.
fn empty(pool: &Mutex<Vec<Bodies>>) -> Bodies {
    let mut all = Bodies::default();
    let mut parts = pool.lock().unwrap_or_else(PoisonError::into_inner);
    parts.drain(..).for_each(|part| all.append(&part));
    all
}

fn count(bodies: &Bodies) -> [u64; TYPES] {
    let mut count = [0; TYPES];
    bodies.kind.iter().for_each(|&kind| count[usize::from(kind)] += 1);
    count
}
