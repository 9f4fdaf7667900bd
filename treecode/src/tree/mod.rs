//! The tree: its structure, the moments of its cells, the tiles that walks read, and the essential trees of other ranks.
//!
//! Reading order: `structure` grows cells over keys; `summary` and `expansion` are what a cell stands for; `tile` is how
//! kernels read eight cells; `build` carries moments upward and joins the parts of ranks; `essential` exchanges cells.

pub(crate) mod build;
pub(crate) mod essential;
pub(crate) mod expansion;
pub(crate) mod index;
pub(crate) mod keymap;
pub(crate) mod particles;
pub mod structure;
pub(crate) mod summary;
pub(crate) mod tile;
