//! The exact field of a body and all its images in a periodic box, by Ewald's method (Hernquist,
//! Bouchet & Suto 1991, eq. 2.14). It is the reference of the periodic forces.

use crate::math;
use std::f64::consts::PI;
use std::sync::LazyLock;

/// Ewald's parameter [1/side]. It divides the field between the sum over images and the sum over
/// waves.
const ALPHA: f64 = 4.0;
/// Greatest square of a wave number, in waves per side. The sums leave out terms below 1e-14.
const WAVES: i32 = 52;
/// Greatest wave number along an axis.
const MOST: usize = 7;

/// One wave of each pair k and -k: wave numbers and weight.
static HALF: LazyLock<Vec<([i32; 3], f64)>> = LazyLock::new(|| {
    let range = || -(MOST as i32)..=MOST as i32;
    let all = range().flat_map(|x| range().flat_map(move |y| range().map(move |z| [x, y, z])));
    let half = all.filter(|wave| *wave > [0; 3] && wave.iter().map(|n| n * n).sum::<i32>() <= WAVES);
    half.map(|wave| {
        let square = f64::from(wave.iter().map(|n| n * n).sum::<i32>());
        (wave, 2.0 * math::exp(-PI * PI * square / (ALPHA * ALPHA)) / (PI * square))
    })
    .collect()
});

/// Potential (positive) and acceleration, both per unit of mass and G, at `d` from the nearest
/// image of a body. They are those of all other images and of the background. Lengths are in sides
/// of the box.
pub(crate) fn beyond_nearest(d: [f64; 3]) -> [f64; 4] {
    let mut sum = [-PI / (ALPHA * ALPHA), 0.0, 0.0, 0.0];
    let range = || -1..=1;
    for image in range().flat_map(|x| range().flat_map(move |y| range().map(move |z| [x, y, z]))) {
        let offset: [f64; 3] = std::array::from_fn(|axis| d[axis] + f64::from(image[axis]));
        let r = math::norm(offset);
        // The nearest image is left out. This subtracts its share of the sum over waves.
        let (potential, factor) = if image == [0; 3] {
            without_pair(ALPHA, r)
        } else {
            let own = math::erfc(ALPHA * r);
            (own / r, -(own + gauss(ALPHA * r)) / (r * r * r))
        };
        sum[0] += potential;
        (0..3).for_each(|axis| sum[axis + 1] += factor * offset[axis]);
    }
    let waves = d.map(waves_along);
    for (wave, weight) in HALF.iter() {
        let [x, y, z] = std::array::from_fn(|axis| {
            let [cos, sin] = waves[axis][wave[axis].unsigned_abs() as usize];
            [cos, if wave[axis] < 0 { -sin } else { sin }]
        });
        let [cos, sin] = times(times(x, y), z);
        sum[0] += weight * cos;
        (0..3).for_each(|axis| sum[axis + 1] -= weight * 2.0 * PI * f64::from(wave[axis]) * sin);
    }
    sum
}

/// `-erf(alpha r) / r` and its derivative divided by r: the share of the pair itself in the sum
/// over waves, with the opposite sign.
pub(super) fn without_pair(alpha: f64, r: f64) -> (f64, f64) {
    let x = alpha * r;
    if x < 0.02 {
        let (square, root) = (x * x, PI.sqrt());
        let potential = -2.0 * alpha / root * (1.0 - square / 3.0 + square * square / 10.0);
        return (potential, 4.0 * alpha.powi(3) / root * (1.0 / 3.0 - square / 5.0 + square * square / 14.0));
    }
    let erf = math::erf(x);
    (-erf / r, (erf - gauss(x)) / (r * r * r))
}

/// `2 x exp(-x^2) / sqrt(pi)`.
pub(super) fn gauss(x: f64) -> f64 {
    2.0 * x / PI.sqrt() * math::exp(-x * x)
}

/// Cosine and sine of 0, 1, 2 and so on times the phase at a coordinate.
fn waves_along(x: f64) -> [[f64; 2]; MOST + 1] {
    let (sin, cos) = math::sin_cos(2.0 * PI * x);
    let mut waves = [[1.0, 0.0]; MOST + 1];
    for n in 1..=MOST {
        waves[n] = times(waves[n - 1], [cos, sin]);
    }
    waves
}

/// The product of two complex numbers.
fn times([a, b]: [f64; 2], [c, d]: [f64; 2]) -> [f64; 2] {
    [a * c - b * d, a * d + b * c]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of an independent program (Python's `math`, with another division between the sums).
    #[test]
    fn the_potential_is_that_of_another_program() {
        let [potential, ..] = beyond_nearest([0.0; 3]);
        assert!((potential + 2.837_297_479_480_619).abs() < 1e-12, "{potential}");
        for (d, expected) in [
            ([0.1, 0.2, 0.3], 0.113_009_898_248_096_43),
            ([0.5, 0.5, 0.5], -0.801_935_970_028_024_2),
            ([0.3, -0.1, 0.45], -0.440_441_875_719_719_27),
        ] {
            let found = beyond_nearest(d)[0] + 1.0 / math::norm(d);
            assert!((found - expected).abs() < 1e-12, "{d:?}: {found}");
        }
    }

    /// Central differences of the potential converge to the acceleration with the square of the step.
    #[test]
    fn the_acceleration_is_the_gradient_of_the_potential() {
        for d in [[0.0; 3], [0.2, -0.3, 0.4], [1e-4, 2e-4, -1e-4], [0.5, 0.1, 0.0]] {
            let error = |step: f64| {
                let along = |axis: usize, step: f64| {
                    let mut d = d;
                    d[axis] += step;
                    beyond_nearest(d)[0]
                };
                let exact = beyond_nearest(d);
                let of = |axis: usize| {
                    let slope = (along(axis, step) - along(axis, -step)) / (2.0 * step);
                    (slope - exact[axis + 1]).abs()
                };
                (0..3).map(of).fold(0.0, f64::max)
            };
            let [wide, narrow] = [0.02, 0.01].map(error);
            assert!(narrow < 1e-9 || (3.0..5.0).contains(&(wide / narrow)), "{d:?}: {wide:e} {narrow:e}");
            assert!(narrow < 2e-2, "{d:?}: {narrow:e}");
        }
    }
}
