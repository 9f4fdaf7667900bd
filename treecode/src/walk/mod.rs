//! Walks: they find the cells and bodies that act on each sink.
//!
//! Reading order:
//! - `opening` is the multipole acceptance criterion for groups of sinks, `cell_opening` the one
//!   for sink cells;
//! - `images` are the images of a periodic box that are walked;
//! - `regions` stand for the sinks of another rank;
//! - `tree_walk` and `fmm_walk` fill the `lists` that the kernels sum;
//! - `split` divides the work among threads.

pub(crate) mod cell_opening;
pub(crate) mod fmm_walk;
pub(crate) mod images;
pub(crate) mod lists;
pub(crate) mod opening;
pub(crate) mod regions;
pub(crate) mod split;
pub(crate) mod tree_walk;
