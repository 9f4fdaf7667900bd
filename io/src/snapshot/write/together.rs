//! MPI processes write a file together, each its own rows, with HDF5 over MPI-IO.
#![allow(unsafe_code)] // `mpi` has no hints for files

use crate::snapshot::format::raw::Transfer;
use decomposition::Comm;
use hdf5::{File, FileBuilder};
use mpi::ffi::{self, MPI_Info};
use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::{AsRaw, Communicator};
use std::ffi::CString;
use std::path::Path;

/// The processes that write one file.
pub(super) enum Team<'a> {
    /// All ranks.
    All(&'a SimpleCommunicator),
    /// The ranks that have rows of the file.
    Some(SimpleCommunicator),
}

impl<'a> Team<'a> {
    /// The team of each file, or `None` for a file that this rank does not write. `takes_part` states which
    /// files it writes. If there is only one file, all ranks write it. Returns no teams if the ranks are not
    /// several MPI processes. Collective.
    pub(super) fn all(comm: &'a dyn Comm, takes_part: &[bool]) -> Option<Vec<Option<Team<'a>>>> {
        let world = comm.communicator().filter(|_| comm.size() > 1)?;
        if takes_part.len() == 1 {
            return Some(vec![Some(Team::All(world))]);
        }
        let team = |&takes_part: &bool| {
            let team = world.split_by_color(Color::with_value(i32::from(takes_part)));
            team.filter(|_| takes_part).map(Team::Some)
        };
        Some(takes_part.iter().map(team).collect())
    }

    fn communicator(&self) -> &SimpleCommunicator {
        match self {
            Team::All(communicator) => communicator,
            Team::Some(communicator) => communicator,
        }
    }

    /// Whether this process does the work of a single process for the team.
    pub(super) fn is_first(&self) -> bool {
        self.communicator().rank() == 0
    }

    /// Opens an existing file for writing, with these hints for MPI-IO. Collective over the team.
    pub(super) fn open(&self, path: &Path, hints: &[(String, String)]) -> hdf5::Result<File> {
        let hints = Hints::new(hints)?;
        let info = hints.as_ref().map(|hints| hints.0);
        let communicator = self.communicator().as_raw();
        FileBuilder::new().with_fapl(|access| access.mpio(communicator, info)).open_rw(path)
    }

    /// The way in which a team writes rows.
    pub(super) fn transfer() -> hdf5::Result<Transfer> {
        Transfer::collective()
    }
}

/// Hints for MPI-IO, in MPI's own hands.
struct Hints(MPI_Info);

impl Hints {
    /// `None` if there are none.
    fn new(hints: &[(String, String)]) -> hdf5::Result<Option<Hints>> {
        if hints.is_empty() {
            return Ok(None);
        }
        let text = |text: &str| {
            CString::new(text).map_err(|_| hdf5::Error::from(format!("the hint {text:?} holds a zero")))
        };
        let pairs = hints.iter().map(|(key, value)| Ok((text(key)?, text(value)?)));
        let pairs: Vec<(CString, CString)> = pairs.collect::<hdf5::Result<_>>()?;
        // SAFETY: MPI runs, since there is a communicator; the handle is written before it is used; the texts end with zero and MPI
        // copies them.
        unsafe {
            let mut info = std::mem::zeroed();
            ffi::MPI_Info_create(&raw mut info);
            for (key, value) in &pairs {
                ffi::MPI_Info_set(info, key.as_ptr(), value.as_ptr());
            }
            Ok(Some(Hints(info)))
        }
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        // SAFETY: the handle was made by `Hints::new` and is freed once.
        unsafe { ffi::MPI_Info_free(&raw mut self.0) };
    }
}
