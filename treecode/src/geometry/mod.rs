//! Where bodies are: the cube around them, the keys of cells in it, the frame in which the tree computes.

pub(crate) mod cube;
pub(crate) mod frame;
pub(crate) mod key;
