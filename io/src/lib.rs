//! Files: snapshots (HDF5 lives here only), parameter files, tables.
//!
//! A file appears whole or not at all: it is written beside its place under the name `NAME.part`, forced to the disk, and renamed.

mod error;
mod file;
pub mod parameters;
pub mod snapshot;
pub mod table;
mod units;

pub use error::Error;
pub use file::{replace_atomically, write_json_atomically};
pub use units::Units;
