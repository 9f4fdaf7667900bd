//! Values of a field between the points of its grid, by splines.
//!
//! A field without modes above half of the Nyquist wave number is a sum of B-splines of order
//! [`ORDER`] centred on the points of the grid (Unser 1999, IEEE Signal Processing Magazine 16,
//! 22). The relative error is the amplitude of aliased images of the modes, at most (1 / 3)^8. The
//! modes of the coefficients are those of the field divided by the transform of the spline.

use super::{Complex, Transform, Wave};
use decomposition::{Comm, collective};
use rayon::prelude::*;
use std::f64::consts::PI;
use treecode::math;

/// The number of grid points along an axis on which a value depends.
const ORDER: usize = 8;
/// Planes of the grid that a value needs below and above its own.
const BELOW: usize = ORDER / 2 - 1;
const ABOVE: usize = ORDER / 2;

/// Factor on a mode that turns a field into the coefficients of its splines.
pub(crate) fn to_coefficients(cells: usize) -> impl Fn(Wave) -> f64 {
    let along = |wave: usize| {
        let phase = PI * wave as f64 / cells as f64;
        let sinc = if wave == 0 { 1.0 } else { math::sin_cos(phase).0 / phase };
        1.0 / sinc.powi(ORDER as i32)
    };
    let factors: Vec<f64> = (0..=cells / 2).map(along).collect();
    move |wave| wave.iter().map(|w| factors[w.unsigned_abs() as usize]).product()
}

/// The coefficients of splines on the planes that this rank needs.
pub(crate) struct Splines {
    cells: usize,
    /// The plane before the first one of the rank.
    first: i64,
    values: Vec<f64>,
}

impl Splines {
    /// Splines with coefficients of these modes: the modes of a field times [`to_coefficients`].
    /// Collective.
    pub(crate) fn new(comm: &dyn Comm, transform: &Transform, modes: Vec<Complex<f64>>) -> Splines {
        let (cells, field) = (transform.cells(), transform.backward(comm, modes));
        let area = cells * cells;
        // The planes that a rank needs, in their order.
        let needed = |rank: usize| {
            let own = transform.planes_of(rank);
            let all = if own.is_empty() { 0..0 } else { 0..own.len() + BELOW + ABOVE };
            all.map(move |k| (own.start + k + cells - BELOW % cells) % cells)
        };
        let first = transform.planes().start;
        let out: Vec<Vec<f64>> = (0..comm.size())
            .map(|rank| {
                let mine = needed(rank).filter(|plane| transform.planes().contains(plane));
                mine.flat_map(|plane| &field[(plane - first) * area..(plane - first + 1) * area])
                    .copied()
                    .collect()
            })
            .collect();
        drop(field);
        let received = collective::exchange(comm, &out);
        let mut next = vec![0; comm.size()];
        let mut values = Vec::new();
        for plane in needed(comm.rank()) {
            let owner = transform.owner(plane);
            values.extend_from_slice(&received[owner][next[owner]..next[owner] + area]);
            next[owner] += area;
        }
        Splines { cells, first: first as i64 - BELOW as i64, values }
    }

    /// The field at places in units of cells, from 0 to the number of cells, on planes of this rank.
    pub(crate) fn at(&self, places: &[Vec<f64>; 3]) -> Vec<f64> {
        let [x, y, z] = places;
        x.par_iter().zip(y).zip(z).map(|((x, y), z)| self.value([*x, *y, *z])).collect()
    }

    fn value(&self, place: [f64; 3]) -> f64 {
        let cells = self.cells as i64;
        let [x, y, z] = place.map(|x| x.floor() as i64);
        let [of_x, of_y, of_z] = place.map(|x| weights(x - x.floor()));
        let wrapped = |first: i64, k: usize| (first + k as i64 - BELOW as i64).rem_euclid(cells) as usize;
        let mut sum = 0.0;
        for (i, weight_x) in of_x.iter().enumerate() {
            let plane = (x - self.first) as usize + i - BELOW;
            for (j, weight_y) in of_y.iter().enumerate() {
                let line = (plane * self.cells + wrapped(y, j)) * self.cells;
                let along: f64 = of_z
                    .iter()
                    .enumerate()
                    .map(|(k, weight)| weight * self.values[line + wrapped(z, k)])
                    .sum();
                sum += weight_x * weight_y * along;
            }
        }
        sum
    }
}

/// The splines about the points from [`BELOW`] before to [`ABOVE`] behind, at the fraction `t` of a cell
/// (Cox 1972 and de Boor 1972, for points of equal distance).
fn weights(t: f64) -> [f64; ORDER] {
    let mut weights = [0.0; ORDER];
    weights[0] = 1.0;
    for degree in 1..ORDER {
        let before = weights;
        for k in 0..=degree {
            let rising = if k > 0 { (t + (degree - k) as f64) * before[k - 1] } else { 0.0 };
            let falling = ((k + 1) as f64 - t) * if k < degree { before[k] } else { 0.0 };
            weights[k] = (rising + falling) / degree as f64;
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::{Solo, threads};
    use std::f64::consts::TAU;
    use treecode::math::hash;

    #[test]
    fn weights_are_a_partition_of_one_about_their_place() {
        for t in [0.0, 0.1, 0.5, 0.99] {
            let weights = weights(t);
            let mean: f64 = weights.iter().enumerate().map(|(k, w)| w * (k as f64 - BELOW as f64)).sum();
            assert!(
                (weights.iter().sum::<f64>() - 1.0).abs() < 1e-15 && (mean - t).abs() < 1e-14,
                "{weights:?}"
            );
        }
        // The central values of the spline of degree 7, times 7!.
        let expected = [1.0, 120.0, 1191.0, 2416.0, 1191.0, 120.0, 1.0, 0.0];
        weights(0.0).iter().zip(expected).for_each(|(w, right)| assert!((w * 5040.0 - right).abs() < 1e-11));
    }

    /// A plane wave is known everywhere; the error at half the Nyquist wave number is (1 / 3)^8.
    #[test]
    fn waves_have_their_values_between_the_points_on_any_ranks() {
        let cells = 16;
        let places: Vec<[f64; 3]> = (0..500u64)
            .map(|i| {
                [0, 1, 2].map(|axis| (hash(3 * i + axis) >> 11) as f64 / (1u64 << 53) as f64 * cells as f64)
            })
            .collect();
        for (own, bound) in [([1, 0, 0], 1e-9), ([1, -2, 1], 1e-6), ([4, 0, 0], 2e-4), ([3, 4, -4], 1e-3)] {
            let values = |ranks: usize| {
                let parts = threads::run(ranks, |comm| {
                    let transform = Transform::new(comm, cells);
                    let factor = to_coefficients(cells);
                    let mut modes = vec![Complex::default(); transform.modes_len()];
                    transform.for_each_mode(&mut modes, |wave: Wave, mode| {
                        let is_own = wave == own || wave == own.map(|w: i64| -w);
                        *mode = Complex::new(if is_own { 0.5 * factor(wave) } else { 0.0 }, 0.0);
                    });
                    let is_mine = |place: &&[f64; 3]| transform.planes().contains(&(place[0] as usize));
                    let mine: Vec<[f64; 3]> = places.iter().filter(is_mine).copied().collect();
                    let columns = [0, 1, 2].map(|axis| mine.iter().map(|place| place[axis]).collect());
                    let values = Splines::new(comm, &transform, modes).at(&columns);
                    mine.into_iter().zip(values).collect::<Vec<_>>()
                });
                let mut all: Vec<([f64; 3], f64)> = parts.concat();
                all.sort_by(|a, b| a.partial_cmp(b).unwrap());
                all
            };
            let one = values(1);
            assert_eq!(one.len(), 500);
            for (place, value) in &one {
                let phase: f64 = (0..3).map(|axis| own[axis] as f64 * place[axis]).sum();
                let right = (TAU * phase / cells as f64).cos();
                assert!((value - right).abs() < bound, "{own:?}: {value} {right}");
            }
            for ranks in [2, 3, 5, 20] {
                assert!(values(ranks) == one, "{ranks} ranks");
            }
        }
        assert_eq!(
            Splines::new(&Solo, &Transform::new(&Solo, 2), vec![Complex::default(); 8]).at(&[
                vec![],
                vec![],
                vec![]
            ]),
            [0.0; 0]
        );
    }
}
