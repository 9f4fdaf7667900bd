//! Files: snapshots, bodies of other programs, checkpoints, parameter files, tables. HDF5 is used
//! in this crate only.
//!
//! Reading order: `target` and `file` decide where and how files are written. [`snapshot`] reads and
//! writes snapshots, `foreign` reads bodies of other programs, and [`checkpoint`] has the state of a
//! run. [`parameters`], [`table`], [`catalogue`] and [`sky_map`] each have one kind of file.
//!
//! All ranks of a [`decomposition::Comm`] write a snapshot or checkpoint. With the feature
//! `hdf5-mpio`, ranks that are MPI processes write together; otherwise the first rank writes for
//! all. The feature `hdf5-static` builds HDF5 from source.
//!
//! A file appears complete or not at all. It is written beside its place as `NAME.part` or, outside
//! a run's own folder, as `NAME.NUMBER.part`. Then it is synced to disk and renamed. Files that a
//! user names are replaced only if the user allows it ([`Outputs`]).
//!
//! ```
//! use decomposition::Solo;
//! use heorot_io::Target;
//! use heorot_io::snapshot::{self, Fields, Header, Index, Layout, Rows};
//! use treecode::{Bodies, TYPES};
//!
//! let mut bodies = Bodies::zeroed(3);
//! bodies.mass.fill(1.0);
//! bodies.pos[0] = vec![0.0, 1.0, 2.0];
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("three.hdf5");
//! let rows = Rows { bodies: &bodies, offset: [0; TYPES], index: &Index::without_order([0, 3, 0, 0, 0, 0]) };
//! snapshot::write(&Target::own(&path), &Header::default(), &rows, Fields::default(), &Layout::default(), &Solo)?;
//! assert_eq!(snapshot::read(&path, 0, 1)?.1.pos, bodies.pos);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare with bounds, not bits

pub mod catalogue;
pub mod checkpoint;
mod error;
mod file;
mod foreign;
mod memory;
pub mod parameters;
pub mod potentials;
pub mod sky_map;
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
pub use units::{ANGLE, Units};

/// Version of the HDF5 library.
pub fn hdf5_version() -> String {
    let (major, minor, release) = hdf5::library_version();
    format!("{major}.{minor}.{release}")
}
