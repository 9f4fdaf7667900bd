//! The gravity engine on one node: it knows no MPI, no file format and no plot.
//!
//! The reading order is the way of the data: [`Bodies`] lie in a [`Cube`], get Morton [`Key`]s and are sorted by
//! them; a tree of cells is grown over them, moments go up, each sink group walks the tree into an interaction
//! list, and kernels turn lists into accelerations. [`direct`](crate::direct) is the exact sum that every force
//! test is held against.

mod bodies;
mod census;
mod cube;
mod error;
mod gravity;
mod key;
pub mod leapfrog;
mod softening_keys;

pub use bodies::{Bodies, TYPES};
pub use census::{Census, Convention, Interactions, Phase};
pub use cube::Cube;
pub use error::Error;
pub use gravity::{Criterion, Gravity, Softening, SofteningKernel, Walk};
pub use key::Key;
