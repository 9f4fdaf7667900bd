//! Periodic boxes of an expanding universe.

mod cosmological;
mod glass;
mod lagrangian;

pub use cosmological::{Cosmological, Lattice, Pancake, Universe};
