//! The sphere of Plummer (1911), drawn as in Aarseth, Hénon & Wielen (1974). Units of the file: G =
//! M = a = 1.

use rand::{Rng, RngExt};
use treecode::math;

/// Mass within `radius`.
pub(super) fn enclosed(radius: f64) -> f64 {
    math::powf(1.0 + radius.powi(-2), -1.5)
}

/// Radius that encloses `mass`, which must be between 0 and 1. Inverse of [`enclosed`].
pub(super) fn radius(mass: f64) -> f64 {
    (math::powf(mass, -2.0 / 3.0) - 1.0).sqrt().recip()
}

/// Draws the speed of a body at `radius`. The distribution function is proportional to E^(7/2), so
/// q = v / v_escape has the density q^2 (1 - q^2)^(7/2). Its maximum is below 0.1.
pub(super) fn draw_speed(radius: f64, rng: &mut impl Rng) -> f64 {
    let escape = 2f64.sqrt() * math::powf(1.0 + radius * radius, -0.25);
    loop {
        let (q, y): (f64, f64) = (rng.random(), rng.random());
        if 0.1 * y < q * q * math::powf(1.0 - q * q, 3.5) {
            return q * escape;
        }
    }
}
