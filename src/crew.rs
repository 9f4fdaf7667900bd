//! The environment of a rank: communication with the other ranks, files that all ranks write, and
//! errors that end all ranks alike.

use crate::alike::{self, Fact};
use crate::launch;
use crate::version::Build;
use anyhow::{Result, anyhow};
use decomposition::{Comm, Ordered, Solo, agree, cells, collective, in_key_order, survey_all};
use io::snapshot::{self, Fields, Flavour, Header, Index, Layout, Rows};
use io::{Target, checkpoint};
use serde::Serialize;
use std::path::Path;
use treecode::{Bodies, Cube, Key, TYPES};

/// Approximate number of cells in the index of a snapshot. A reader can find a region and can read
/// the whole index at once.
const MOST_CELLS: u64 = 4096;
/// Approximate number of cells per file, so that files have similar sizes.
const CELLS_OF_A_FILE: u64 = 16;
/// A cell of the index with no more bodies than this is not divided. For cells of equal size, it is
/// the least mean number of bodies per cell.
const LEAST_BODIES: u64 = 16;

/// Parameter of a snapshot that names the build that wrote it.
pub(crate) const BUILD: &str = "build";

/// A rank and its environment.
pub struct Crew<'a> {
    /// Communication with the other ranks.
    pub comm: &'a dyn Comm,
    /// Distribution of the ranks over hosts.
    pub layout: launch::Layout,
    /// Number of threads per process.
    pub threads: usize,
}

impl Crew<'_> {
    /// One rank that does a job without any others.
    pub fn alone() -> Crew<'static> {
        Crew { comm: &Solo, layout: launch::Layout::ALONE, threads: 1 }
    }

    /// Whether this is the leading rank, which prints and writes what one rank writes.
    pub fn leads(&self) -> bool {
        self.comm.rank() == 0
    }

    /// Runs `job` on every rank and returns an error on all ranks if one fails. Every operation
    /// that can fail on one rank alone must use this function. It takes a closure, so that a `?` in
    /// the job cannot skip the collective call. Collective.
    ///
    /// # Errors
    /// The job fails on any rank. Every rank returns the error of the lowest such rank.
    pub fn agree<T>(&self, job: impl FnOnce() -> Result<T>) -> Result<T> {
        agree(self.comm, || job().map_err(|error| format!("{error:#}"))).map_err(|message| anyhow!(message))
    }

    /// Checks that a property is the same on all ranks. Collective.
    ///
    /// # Errors
    /// The property differs. Every rank returns one line with the ranks and the first difference.
    pub fn ensure_alike(&self, what: &str, parts: Vec<String>) -> Result<()> {
        let fact = Fact { what: what.to_owned(), parts };
        alike::check(self.comm, &[fact]).map_err(|message| anyhow!(message))
    }

    /// Runs `job` on the leading rank only. Collective.
    ///
    /// # Errors
    /// The job fails. Every rank returns the error.
    pub fn lead(&self, job: impl FnOnce() -> Result<()>) -> Result<()> {
        self.agree(|| if self.leads() { job() } else { Ok(()) })
    }

    /// Runs `job` on the leading rank and returns its numbers on all ranks. Collective.
    ///
    /// # Errors
    /// The job fails. Every rank returns the error.
    pub fn lead_tells(&self, job: impl FnOnce() -> Result<Vec<u64>>) -> Result<Vec<u64>> {
        let mine = self.agree(|| if self.leads() { job() } else { Ok(Vec::new()) })?;
        Ok(collective::gather(self.comm, &mine).swap_remove(0))
    }

    /// Writes a checkpoint with the bodies of all ranks and the `state` of the leading rank.
    /// Returns the size of the file [bytes] on the leading rank. Collective.
    ///
    /// # Errors
    /// The file cannot be written. It is then removed, and every rank returns the error.
    pub fn write_checkpoint(&self, path: &Path, state: &impl Serialize, bodies: &Bodies) -> Result<u64> {
        self.agree(|| Ok(checkpoint::write(path, state, bodies, self.comm)?))
    }

    /// Writes a snapshot with the bodies of all ranks, in key order, with an index of cells. Its
    /// content does not depend on the number of ranks. Collective.
    ///
    /// # Errors
    /// A body has an invalid value, or a file cannot be written. The file is then removed, and
    /// every rank returns the error.
    pub fn write_snapshot(
        &self,
        target: &Target,
        header: &Header,
        bodies: &Bodies,
        fields: Fields,
        layout: &Layout,
    ) -> Result<()> {
        let header = &with_build(header);
        // All ranks use the same name of the unfinished file, that of the leading rank.
        let token = self.lead_tells(|| Ok(vec![target.token()]))?[0];
        let target = &target.with_token(token);
        let Some(cube) = self.cube(bodies)? else {
            let (index, none) = (Index::default(), Bodies::default());
            return self.write_rows(target, header, &none, &index, fields, layout);
        };
        let ordered = in_key_order(self.comm, &cube, bodies);
        let index = Index { cube: Some(cube), cells: self.cells(&ordered, layout) };
        self.write_rows(target, header, &ordered.bodies, &index, fields, layout)
    }

    /// Bounding cube of the bodies of all ranks. `None` if there are none. Collective.
    ///
    /// # Errors
    /// A body has an invalid value. Every rank returns the same error.
    pub(crate) fn cube(&self, bodies: &Bodies) -> Result<Option<Cube>> {
        let survey = survey_all(self.comm, bodies).map_err(|message| anyhow!(message))?;
        Ok(survey.map(|survey| Cube::around(survey.bounds.lo, survey.bounds.hi)))
    }

    /// Cells of the index, up to a few thousand. They are smaller in dense regions, or have equal
    /// sizes for the readers of SWIFT's format. Collective.
    fn cells(&self, ordered: &Ordered, layout: &Layout) -> Vec<(Key, [u64; TYPES])> {
        let bodies = collective::sum(self.comm, ordered.keys.len() as u64);
        match layout.flavour {
            Flavour::Gadget => {
                let wanted = MOST_CELLS.max(CELLS_OF_A_FILE * layout.files as u64);
                let most = (bodies / wanted).max(LEAST_BODIES);
                let mut cells = cells(self.comm, ordered, |_, count| count > most);
                cells.retain(|(_, count)| *count != [0; TYPES]);
                cells
            }
            Flavour::Swift => {
                let level =
                    (1..=4).take_while(|level| bodies >> (3 * level) >= LEAST_BODIES).last().unwrap_or(1);
                cells(self.comm, ordered, |depth, _| depth < level)
            }
        }
    }

    fn write_rows(
        &self,
        target: &Target,
        header: &Header,
        bodies: &Bodies,
        index: &Index,
        fields: Fields,
        layout: &Layout,
    ) -> Result<()> {
        let rows = Rows { bodies, offset: self.offset(bodies), index };
        self.agree(|| Ok(snapshot::write(target, header, &rows, fields, layout, self.comm)?))
    }

    /// Index of this rank's first body of each type in a file of all bodies. Collective.
    fn offset(&self, bodies: &Bodies) -> [u64; TYPES] {
        let counts = collective::gather(self.comm, &count(bodies));
        let before = &counts[..self.comm.rank()];
        std::array::from_fn(|kind| before.iter().map(|count| count[kind]).sum())
    }
}

/// The header with the build among the parameters.
fn with_build(header: &Header) -> Header {
    let mut header = header.clone();
    header.parameters.retain(|(key, _)| key != BUILD);
    header.parameters.push((BUILD.to_owned(), Build::new().line()));
    header
}

fn count(bodies: &Bodies) -> [u64; TYPES] {
    let mut count = [0; TYPES];
    bodies.kind.iter().for_each(|&kind| count[usize::from(kind)] += 1);
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;

    fn on_ranks<T: Send>(ranks: usize, job: impl Fn(&Crew) -> T + Sync) -> Vec<T> {
        threads::run(ranks, |comm| job(&Crew { comm, ..Crew::alone() }))
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_on_all() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("none/file.hdf5");
        let (header, fields, layout) = (Header::default(), Fields::default(), Layout::default());
        for bodies in [0, 40] {
            let snapshots = on_ranks(3, |crew| {
                let mut bodies = Bodies::zeroed(bodies);
                bodies.mass.fill(1.0);
                crew.write_snapshot(&Target::own(&path), &header, &bodies, fields, &layout)
                    .unwrap_err()
                    .to_string()
            });
            let checkpoints = on_ranks(3, |crew| {
                crew.write_checkpoint(&path, &0, &Bodies::zeroed(bodies)).unwrap_err().to_string()
            });
            for said in snapshots.iter().chain(&checkpoints) {
                let fault = "cannot write: No such file or directory (os error 2)";
                assert_eq!(*said, format!("{}: {fault}", path.display()));
            }
        }
    }

    #[test]
    fn a_job_that_breaks_off_on_one_rank_ends_all_alike() {
        let ends = on_ranks(4, |crew| {
            let end = crew.agree(|| {
                let number: u32 = if crew.comm.rank() == 2 { "two" } else { "2" }.parse()?;
                Ok(number)
            });
            end.map_err(|error| error.to_string())
        });
        assert!(ends.iter().all(|end| end == &Err("invalid digit found in string".to_owned())), "{ends:?}");
    }
}
