//! The exact field of a body and all its images in a periodic box, by Ewald's method (Hernquist,
//! Bouchet & Suto 1991, eq. 2.14). It is the reference of the periodic forces.

use crate::math;
use rayon::prelude::*;
use std::f64::consts::PI;
use std::sync::LazyLock;

/// Where the sum over images hands over to the sum over waves, in inverse sides.
const ALPHA: f64 = 4.0;
/// Greatest square of a wave number, in waves per side. The sums leave out terms below 1e-14.
const WAVES: i32 = 52;
/// Greatest wave number along an axis.
const MOST: usize = 7;

/// The waves without their mirror images: wave numbers and weight.
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

/// Potential (positive) and acceleration, both per unit of mass and G, at `d` from the nearest image
/// of a body: those of all images and the background, without the nearest image itself. Lengths are in
/// sides of the box.
pub(crate) fn beyond_nearest(d: [f64; 3]) -> [f64; 4] {
    let mut sum = [-PI / (ALPHA * ALPHA), 0.0, 0.0, 0.0];
    let range = || -1..=1;
    for image in range().flat_map(|x| range().flat_map(move |y| range().map(move |z| [x, y, z]))) {
        let offset: [f64; 3] = std::array::from_fn(|axis| d[axis] + f64::from(image[axis]));
        let r = math::norm(offset);
        // The nearest image is left out: what remains of it is smooth.
        let nearest = image == [0; 3];
        let (potential, factor) = if nearest && ALPHA * r < 0.02 {
            near_centre(ALPHA * r)
        } else {
            let own = if nearest { -math::erf(ALPHA * r) } else { math::erfc(ALPHA * r) };
            let gauss = 2.0 * ALPHA * r / PI.sqrt() * math::exp(-(ALPHA * r).powi(2));
            (own / r, -(own + gauss) / (r * r * r))
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

/// Intervals of the table in half a side.
const INTERVALS: usize = 32;
/// Nodes along an axis: one before the first interval and one behind the last.
const NODES: usize = INTERVALS + 3;

/// [`beyond_nearest`] at the nodes with coordinates from -1 to `INTERVALS + 1` intervals.
static TABLE: LazyLock<Vec<[f64; 4]>> = LazyLock::new(|| {
    let at = |node: usize| (node as f64 - 1.0) * 0.5 / INTERVALS as f64;
    let value = |k: usize| beyond_nearest([k / NODES / NODES, k / NODES % NODES, k % NODES].map(at));
    (0..NODES.pow(3)).into_par_iter().map(value).collect()
});

/// [`beyond_nearest`] at coordinates up to half a side, by cubic interpolation in a table. It is some
/// fifty times as fast; its error is below 2e-5, and mostly 1e-6.
pub(crate) fn interpolated(d: [f64; 3]) -> [f64; 4] {
    let table = &*TABLE;
    let mut first = [0; 3];
    let mut weights = [[0.0; 4]; 3];
    for axis in 0..3 {
        let u = d[axis].abs() * (2 * INTERVALS) as f64;
        first[axis] = (u as usize).min(INTERVALS - 1);
        let t = u - first[axis] as f64;
        // Lagrange's polynomials through the nodes at -1, 0, 1 and 2.
        weights[axis] = [
            -t * (t - 1.0) * (t - 2.0) / 6.0,
            (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0,
            -(t + 1.0) * t * (t - 2.0) / 2.0,
            (t + 1.0) * t * (t - 1.0) / 6.0,
        ];
    }
    let mut sum = [0.0; 4];
    for (i, x) in weights[0].iter().enumerate() {
        for (j, y) in weights[1].iter().enumerate() {
            let row = ((first[0] + i) * NODES + first[1] + j) * NODES + first[2];
            for (value, z) in table[row..row + 4].iter().zip(&weights[2]) {
                let weight = x * y * z;
                (0..4).for_each(|k| sum[k] += weight * value[k]);
            }
        }
    }
    (0..3).for_each(|axis| sum[axis + 1] = if d[axis] < 0.0 { -sum[axis + 1] } else { sum[axis + 1] });
    sum
}

/// Series of `-erf(a r) / r` and of its derivative divided by r, at small `ar`.
fn near_centre(ar: f64) -> (f64, f64) {
    let (square, root) = (ar * ar, PI.sqrt());
    let potential = -2.0 * ALPHA / root * (1.0 - square / 3.0 + square * square / 10.0);
    (potential, 4.0 * ALPHA.powi(3) / root * (1.0 / 3.0 - square / 5.0 + square * square / 14.0))
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

    #[test]
    fn the_table_is_close_to_the_sums() {
        let mut worst = 0f64;
        for i in 0..2000 {
            let d = std::array::from_fn(|axis| {
                (math::hash(3 * i + axis as u64) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
            });
            let (exact, found) = (beyond_nearest(d), interpolated(d));
            worst = (0..4).fold(worst, |worst, k| worst.max((exact[k] - found[k]).abs()));
        }
        println!("{worst:.1e}");
        assert!(worst < 2e-5, "{worst:e}");
        for corner in [[0.5; 3], [-0.5; 3], [0.0; 3], [0.5, 0.0, -0.5]] {
            let (exact, found) = (beyond_nearest(corner), interpolated(corner));
            assert!((0..4).all(|k| (exact[k] - found[k]).abs() < 1e-12), "{exact:?} {found:?}");
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
