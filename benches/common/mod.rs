//! Bodies and settings that the benches share.

pub mod field;

use criterion::Criterion;
use decomposition::Solo;
use nbody::model::{self, Model, Spherical};
use treecode::Bodies;

/// Number of bodies, too many for any cache.
pub const BODIES: u64 = 300_000;

/// A Plummer sphere with a fixed seed, in random order.
pub fn plummer() -> Bodies {
    let sphere = Spherical { bodies: BODIES, seed: 1, mass: 1.0, radius: 1.0, cut: 30.0, softening: 0.0 };
    model::generate(&Solo, &Model::Plummer(sphere), 1.0)
}

/// Few samples, since each takes long. No plots, since those of criterion need system fonts.
pub fn criterion() -> Criterion {
    Criterion::default().without_plots().sample_size(10)
}
