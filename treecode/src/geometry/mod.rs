//! Geometry: boxes around bodies (`bounds`), the space that they live in (`domain`), the cube around
//! all bodies (`cube`), the keys of its cells (`key`), and the units of the tree (`frame`).

pub(crate) mod bounds;
pub(crate) mod cube;
pub(crate) mod domain;
pub(crate) mod frame;
pub(crate) mod key;
