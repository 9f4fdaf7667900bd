//! Files: snapshots (HDF5 lives here only), bodies of other programs, checkpoints, parameter files, tables.
//!
//! Snapshots and checkpoints are written by all ranks of a [`decomposition::Comm`]. With the feature `hdf5-mpio`, ranks that are MPI processes write
//! together; otherwise the first rank writes for all. The feature `hdf5-static` builds HDF5 from source.
//!
//! A file appears whole or not at all: it is written beside its place under the name `NAME.part` or, where it is no file of a run,
//! `NAME.NUMBER.part`, forced to the disk, and renamed. What a user names is replaced only if the user says so ([`Outputs`]).
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

pub mod catalogue;
pub mod checkpoint;
mod error;
mod file;
mod foreign;
mod memory;
pub mod parameters;
pub mod snapshot;
pub mod table;
mod target;
mod units;

pub use error::Error;
pub use file::{
    LONGEST_TEXT, file_size_limit, free_space, read_bytes, read_text, replace_for_readers,
    write_json_for_readers,
};
pub use memory::{BODY, Memory, memory};
pub use target::{Kind, Outputs, Part, Target, may_update, update};
pub use units::Units;

/// Version of the HDF5 library.
pub fn hdf5_version() -> String {
    let (major, minor, release) = hdf5::library_version();
    format!("{major}.{minor}.{release}")
}
