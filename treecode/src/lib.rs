//! The gravity engine on one node: it knows no MPI, no file format and no plot.
//!
//! The reading order is the way of the data: [`Bodies`] lie in a [`Cube`], get Morton [`Key`]s and are sorted by
//! them; a tree of cells is grown over them, moments go up, each sink group walks the tree into an interaction
//! list, and kernels turn lists into accelerations. [`direct`](crate::direct) is the exact sum that every force
//! test is held against.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

mod active;
mod bodies;
mod census;
mod check;
mod columns;
mod cube;
pub mod direct;
mod dual;
mod engine;
mod error;
mod essential;
mod evaluate;
mod expansion;
mod field;
mod fmm;
mod frame;
mod gravity;
mod index;
mod kernel;
mod key;
mod keymap;
pub mod leapfrog;
pub mod math;
mod message;
mod neighbours;
mod opening;
mod pairs;
mod particles;
mod parts;
mod permute;
mod radix;
mod regions;
mod simd;
mod softening;
mod sort;
pub mod structure;
mod summary;
mod tile;
mod tree;

use active::Active;
use expansion::{Expansion, with_expansion};
use regions::Regions;

pub use active::Selection;
pub use bodies::{Bodies, TYPES};
pub use census::{Census, Convention, Interactions, Phase};
pub use check::Survey;
pub use cube::Cube;
pub use engine::{AnyPart, AnyTree, Part, Tree};
pub use error::Error;
pub use essential::Visit;
pub use evaluate::accelerations;
pub use frame::Frame;
pub use gravity::{Criterion, Gravity, GravityBuilder, Softening, SofteningKernel, Walk};
pub use key::Key;
pub use neighbours::Neighbours;
pub use simd::{choose_simd_path, simd_path, simd_paths};
pub use sort::{is_sorted, keys, sort};
pub use tree::LargestCell;
