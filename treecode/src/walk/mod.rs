//! Walks: which cells and bodies act on which sinks.
//!
//! Reading order: `opening` judges for groups of sinks and `cell_opening` for sink cells; `regions` stand for the sinks of
//! another rank; `tree_walk` and `fmm_walk` fill `lists`, which the kernels sum; `split` divides the work among threads.

pub(crate) mod cell_opening;
pub(crate) mod fmm_walk;
pub(crate) mod lists;
pub(crate) mod opening;
pub(crate) mod regions;
pub(crate) mod split;
pub(crate) mod tree_walk;
