//! The gravity engine on one node: it knows no MPI, no file format and no plot.
//!
//! The reading order is the way of the data: [`Bodies`] lie in a [`Cube`], get Morton [`Key`]s and are sorted by
//! them; a tree of cells is grown over them, moments go up, each sink group walks the tree into an interaction
//! list, and kernels turn lists into accelerations. [`direct`](crate::direct) is the exact sum that every force
//! test is held against.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

mod bodies;
mod census;
mod engine;
mod error;
mod evaluate;
mod geometry;
mod gravity;
mod kernel;
pub mod leapfrog;
pub mod math;
mod message;
mod neighbours;
mod tree;
mod walk;

use bodies::active::Active;
use tree::expansion::{Expansion, with_expansion};
use walk::regions::Regions;

pub use bodies::active::Selection;
pub use bodies::sort::{is_sorted, keys, sort};
pub use bodies::survey::Survey;
pub use bodies::{Bodies, TYPES};
pub use census::{Census, Convention, Interactions, Phase};
pub use engine::{AnyPart, AnyTree, Part, Tree};
pub use error::Error;
pub use evaluate::accelerations;
pub use geometry::cube::Cube;
pub use geometry::frame::Frame;
pub use geometry::key::Key;
pub use gravity::{Criterion, Gravity, GravityBuilder, Softening, SofteningKernel, Walk};
pub use kernel::direct;
pub use kernel::simd::{choose_simd_path, simd_path, simd_paths};
pub use neighbours::Neighbours;
pub use tree::build::LargestCell;
pub use tree::essential::Visit;
pub use tree::structure;
