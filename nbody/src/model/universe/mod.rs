//! Initial conditions for periodic boxes of an expanding universe: `cosmological` has the
//! parameters, `lagrangian` the displacements, `glass` the glass from which bodies may be
//! displaced.

mod cosmological;
mod glass;
mod lagrangian;

pub use cosmological::{Cosmological, Lattice, Pancake, Universe};
