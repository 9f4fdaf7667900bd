//! Geometry: the cube around the bodies (`cube`), the keys of its cells (`key`), and the units of
//! the tree (`frame`).

pub(crate) mod cube;
pub(crate) mod frame;
pub(crate) mod key;
