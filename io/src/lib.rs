//! Files: snapshots (HDF5 lives here only), bodies of other programs, checkpoints, parameter files, tables.
//!
//! A file appears whole or not at all: it is written beside its place under the name `NAME.part`, forced to the disk, and renamed.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

pub mod catalogue;
pub mod checkpoint;
mod error;
mod file;
mod foreign;
pub mod parameters;
pub mod snapshot;
pub mod table;
mod units;

pub use error::Error;
pub use file::{
    file_size_limit, free_space, replace_atomically, replace_for_readers, write_json_atomically,
    write_json_for_readers,
};
pub use units::Units;

/// Version of the HDF5 library.
pub fn hdf5_version() -> String {
    let (major, minor, release) = hdf5::library_version();
    format!("{major}.{minor}.{release}")
}
