//! The gravity engine of one node. It does not use MPI, file formats or plots.
//!
//! Read the folders in the order in which the data pass through them:
//! - `geometry`: a [`Cube`] around all bodies and the Morton [`Key`]s of the cells in it;
//! - `bodies`: the [`Bodies`] as structures of arrays, sorted by their keys;
//! - `tree`: cells over the sorted keys, their moments, and the essential trees of other ranks;
//! - `walk`: the interaction lists of the sinks;
//! - `kernel`: the sums over the lists, which give the accelerations.
//!
//! `engine` offers all of it as two types, [`Part`] and [`Tree`]. [`direct`] is the
//! exact sum, the reference of every force test.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare with bounds, not bits

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
mod softening;
mod tree;
mod walk;

use bodies::active::Active;
use tree::expansion::{Expansion, with_expansion};
use walk::regions::Regions;

pub use bodies::active::Selection;
pub use bodies::columns::{About, Array, ArrayMut, Column, Dimension, FIXED, Fixed, Number, Purpose, Value};
pub use bodies::sort::{is_sorted, keys, sort};
pub use bodies::survey::Survey;
pub use bodies::typical::typical_acceleration;
pub use bodies::{Bodies, TYPES};
pub use census::{Census, Convention, Interactions, Phase};
pub use engine::{AnyPart, AnyTree, Part, Tree};
pub use error::Error;
pub use evaluate::accelerations;
pub use geometry::bounds::Bounds;
pub use geometry::cube::Cube;
pub use geometry::domain::Domain;
pub use geometry::frame::Frame;
pub use geometry::key::Key;
pub use gravity::{Criterion, Gravity, GravityBuilder, Walk};
pub use kernel::simd::{choose_simd_path, simd_path, simd_paths};
pub use kernel::{direct, exact_sum, lattice};
pub use neighbours::Neighbours;
pub use softening::{PairLength, Softening, SofteningKernel};
pub use tree::build::LargestCell;
pub use tree::essential::{Visit, split_request};
pub use tree::structure;
