//! Files: snapshots, bodies of other programs, checkpoints, parameter files, tables. HDF5 is used
//! in this crate only.
//!
//! A file appears complete or not at all. It is written beside its place as `NAME.part` or, outside
//! a run's own folder, as `NAME.NUMBER.part`. Then it is synced to disk and renamed. Files that a
//! user names are replaced only if the user allows it ([`Outputs`]).
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare with bounds, not bits

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
