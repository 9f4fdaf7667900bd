//! The sphere of Hernquist (1990, ApJ 356, 359), with isotropic velocities from its exact
//! distribution function. Units of the file: G = M = a = 1.

use rand::{Rng, RngExt};
use treecode::math;

/// Mass within `radius` (equation 3).
pub(super) fn enclosed(radius: f64) -> f64 {
    (1.0 + radius.recip()).powi(-2)
}

/// Radius that encloses `mass`, which must be between 0 and 1. Inverse of [`enclosed`].
pub(super) fn radius(mass: f64) -> f64 {
    (mass.sqrt().recip() - 1.0).recip()
}

/// Distribution function at the binding energy `e`, 0 to 1, up to a constant factor. Equation 17
/// with q = sqrt(e).
fn distribution(e: f64) -> f64 {
    let q = e.sqrt();
    let rest = 1.0 - e;
    let polynomial = (1.0 - 2.0 * e) * (8.0 * e * e - 8.0 * e - 3.0);
    (3.0 * math::asin(q) + q * rest.sqrt() * polynomial) / (rest * rest * rest.sqrt())
}

/// Draws the speed of a body at `radius`, by rejection from v^2 f(1 / (1 + r) - v^2 / 2).
pub(super) fn draw_speed(radius: f64, rng: &mut impl Rng) -> f64 {
    let depth = (1.0 + radius).recip();
    let escape = (2.0 * depth).sqrt();
    let density = |speed: f64| speed * speed * distribution((depth - 0.5 * speed * speed).max(0.0));
    // The search ends within a relative distance of 1e-9 of the maximum, where the density is flat.
    let highest = density(place_of_maximum(density, escape)) * (1.0 + 1e-12);
    loop {
        let (x, y): (f64, f64) = (rng.random(), rng.random());
        if y * highest < density(x * escape) {
            return x * escape;
        }
    }
}

/// Position of the maximum of `density` between 0 and `end`, by golden-section search. The density
/// must have one maximum.
fn place_of_maximum(density: impl Fn(f64) -> f64, end: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let (mut low, mut high) = (0.0, end);
    let (mut left, mut right) = (end * (1.0 - GOLDEN), end * GOLDEN);
    let (mut at_left, mut at_right) = (density(left), density(right));
    for _ in 0..43 {
        if at_left < at_right {
            (low, left, at_left) = (left, right, at_right);
            right = low + GOLDEN * (high - low);
            at_right = density(right);
        } else {
            (high, right, at_right) = (right, left, at_left);
            left = high - GOLDEN * (high - low);
            at_left = density(left);
        }
    }
    0.5 * (low + high)
}
