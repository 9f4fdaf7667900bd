//! Modified Bessel functions by their integrals: the trapezoidal rule converges faster than any power of the step on them.

use std::f64::consts::PI;

/// Nodes over half a circle, and the step of the other integral.
const ANGLES: u32 = 64;
const STEP: f64 = 0.05;
/// Parts below exp(-this) are left out.
const DEPTH: f64 = 40.0;

/// exp(-y) I_n(y) for n = 0 and 1, y from 0 to 200: the mean of exp(y (cos t - 1)) cos(n t) over the circle.
pub fn scaled_i(y: f64) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for k in 0..=ANGLES {
        let cos = (PI * f64::from(k) / f64::from(ANGLES)).cos();
        let weight = if k == 0 || k == ANGLES { 0.5 } else { 1.0 };
        let part = weight * (y * (cos - 1.0)).exp() / f64::from(ANGLES);
        sums[0] += part;
        sums[1] += part * cos;
    }
    sums
}

/// exp(y) K_n(y) for n = 0 and 1, y above 0: the integral of exp(-y (cosh t - 1)) cosh(n t) over t from 0.
pub fn scaled_k(y: f64) -> [f64; 2] {
    let mut sums = [0.5 * STEP; 2];
    let mut t = STEP;
    while y * (t.cosh() - 1.0) < DEPTH {
        let part = STEP * (-y * (t.cosh() - 1.0)).exp();
        sums[0] += part;
        sums[1] += part * t.cosh();
        t += STEP;
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_tables() {
        let close = |found: f64, expected: f64| {
            assert!((found / expected - 1.0).abs() < 1e-12, "{found}, {expected}")
        };
        // Abramowitz & Stegun, tables 9.8.
        let e = 1f64.exp();
        let ([i0, i1], [k0, k1]) = (scaled_i(1.0), scaled_k(1.0));
        close(i0 * e, 1.266_065_877_752_008_4);
        close(i1 * e, 0.565_159_103_992_485);
        close(k0 / e, 0.421_024_438_240_708_3);
        close(k1 / e, 0.601_907_230_197_234_6);
    }

    #[test]
    fn the_wronskian_is_the_inverse_of_the_argument() {
        for y in [1e-3, 0.1, 1.0, 5.0, 30.0] {
            let ([i0, i1], [k0, k1]) = (scaled_i(y), scaled_k(y));
            assert!(((i0 * k1 + i1 * k0) * y - 1.0).abs() < 1e-12, "y = {y}");
        }
    }
}
