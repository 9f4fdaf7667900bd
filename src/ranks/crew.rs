//! The environment of a rank: communication with the other ranks, files that all ranks write, and
//! errors that end all ranks alike.

use crate::help::version::Build;
use crate::ranks::alike::{self, Fact};
use crate::ranks::launch;
use anyhow::{Result, anyhow};
use decomposition::{Comm, Solo, agree, collective, survey_all};
use io::snapshot::{self, Fields, Header, Layout};
use io::{Target, checkpoint};
use serde::Serialize;
use std::path::Path;
use treecode::{Bodies, Cube};

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
        self.agree(|| Ok(snapshot::write_in_key_order(target, header, bodies, fields, layout, self.comm)?))
    }

    /// Bounding cube of the bodies of all ranks. `None` if there are none. Collective.
    ///
    /// # Errors
    /// A body has an invalid value. Every rank returns the same error.
    pub(crate) fn cube(&self, bodies: &Bodies) -> Result<Option<Cube>> {
        let survey = survey_all(self.comm, bodies).map_err(|message| anyhow!(message))?;
        Ok(survey.map(|survey| Cube::around(survey.bounds.lo, survey.bounds.hi)))
    }
}

/// The header with the build among the parameters.
fn with_build(header: &Header) -> Header {
    let mut header = header.clone();
    header.parameters.retain(|(key, _)| key != BUILD);
    header.parameters.push((BUILD.to_owned(), Build::new().line()));
    header
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
