//! The bodies that a plot shows, and what is measured of them.
//!
//! `source` is the file, `snapshot` has the bodies of some types relative to a centre, and `galaxies`
//! has those of each galaxy. `rings`, `circular` and `shape` measure surface densities, circular
//! speeds and axis ratios.

pub(super) mod circular;
pub(super) mod galaxies;
pub(super) mod rings;
pub(super) mod shape;
pub(super) mod snapshot;
pub(super) mod source;
