//! What the benches share: bodies from seeds, and one size.

use criterion::Criterion;
use decomposition::Solo;
use nbody::model::{self, Model, Spherical};
use treecode::Bodies;

/// Bodies of a problem: enough that no cache holds them.
pub const BODIES: u64 = 300_000;

/// A Plummer sphere, in random order.
pub fn plummer() -> Bodies {
    let sphere = Spherical { bodies: BODIES, seed: 1, mass: 1.0, radius: 1.0, cut: 30.0, softening: 0.0 };
    model::generate(&Solo, &Model::Plummer(sphere), 1.0)
}

/// Few samples, since one takes long. Criterion's own plots want fonts of the system.
pub fn criterion() -> Criterion {
    Criterion::default().without_plots().sample_size(10)
}
