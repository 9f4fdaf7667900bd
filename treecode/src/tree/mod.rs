//! The tree: its structure, the moments of its cells, the tiles that walks read, and the essential
//! trees of other ranks.
//!
//! Reading order:
//! - `structure` grows cells over sorted keys;
//! - `summary` holds what a walk needs of a cell, and `expansion` its moments;
//! - `tile` stores eight cells side by side, and `particles` the bodies of the leaves, as the
//!   kernels read them;
//! - `build` sums moments upward and joins the parts of ranks (with `keymap`);
//! - `essential` selects the cells that other ranks need, and grafts those received;
//! - `index` checks that indices fit 32 bits.

pub(crate) mod build;
pub(crate) mod essential;
pub(crate) mod expansion;
pub(crate) mod index;
pub(crate) mod keymap;
pub(crate) mod particles;
pub mod structure;
pub(crate) mod summary;
pub(crate) mod tile;
