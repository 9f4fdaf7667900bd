//! Grids of cubic B-spline nodes at spacings of 1, 2, 4, ... pixels, and the refinement from one to
//! the next finer.
//!
//! Every B-spline is a sum of five of half its width (Cohen, Lyche & Riesenfeld 1980). So
//! refinement is exact and leaves no seams. Bodies are scattered as integers, whose sums have the
//! same bits in any order of bodies, threads and ranks.

use rayon::prelude::*;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// A grid of nodes. Node (i, j) lies at (i, j) times the spacing of the grid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grid {
    /// Numbers of columns and rows.
    pub size: [usize; 2],
    /// Values, row by row.
    pub values: Vec<f64>,
}

/// A grid on which integers are summed.
pub(super) struct Tally {
    size: [usize; 2],
    values: Vec<AtomicI64>,
}

impl Tally {
    /// A grid of zeros.
    pub(super) fn zeroed(size: [usize; 2]) -> Tally {
        let zeros = (0..size[0] * size[1]).into_par_iter().with_min_len(1 << 15);
        Tally { size, values: zeros.map(|_| AtomicI64::new(0)).collect() }
    }

    /// Spreads `amount` as a cubic B-spline over the 16 nodes around `point` [spacings].
    pub(super) fn scatter(&self, point: [f64; 2], amount: f64) {
        self.add(point.map(|p| p as usize - 1), point.map(|p| cubic(p.fract())), amount);
    }

    /// Distributes `amount` linearly over the 4 nodes around `point` [spacings].
    pub(super) fn drop(&self, point: [f64; 2], amount: f64) {
        self.add(point.map(|p| p as usize), point.map(|p| [1.0 - p.fract(), p.fract()]), amount);
    }

    fn add<const N: usize>(&self, [x, y]: [usize; 2], [across, down]: [[f64; N]; 2], amount: f64) {
        for (row, weight) in down.iter().enumerate() {
            let first = (y + row) * self.size[0] + x;
            for (value, share) in self.values[first..first + N].iter().zip(across) {
                value.fetch_add((amount * weight * share) as i64, Relaxed);
            }
        }
    }

    /// All integers, to be summed with those of other tallies. Sums may wrap around; the result is
    /// still right.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.values.iter().map(|value| value.load(Relaxed) as u64).collect()
    }

    /// Replaces all integers.
    pub(super) fn set_numbers(&mut self, numbers: &[u64]) {
        self.values.iter_mut().zip(numbers).for_each(|(value, number)| *value.get_mut() = *number as i64);
    }

    /// The grid of these integers times `unit`.
    pub(super) fn into_grid(self, unit: f64) -> Grid {
        let values = self.values.into_par_iter().with_min_len(1 << 14);
        Grid { size: self.size, values: values.map(|value| value.into_inner() as f64 * unit).collect() }
    }
}

impl Grid {
    /// Size of the grid of twice the spacing that covers this one.
    pub(super) fn coarser_size(size: [usize; 2]) -> [usize; 2] {
        size.map(|n| n / 2 + 1)
    }

    /// Adds the values of the grid of twice the spacing. Each coarse B-spline becomes a sum of fine
    /// ones, with weights (1, 4, 6, 4, 1) / 16 along each direction. The sum is kept if the rim of
    /// the coarse grid is empty.
    pub(super) fn add_refined(&mut self, coarse: &Grid) {
        let [width, height] = coarse.size;
        let nothing = vec![0.0; width];
        let row_of =
            |y: usize| if y < height { &coarse.values[y * width..(y + 1) * width] } else { &nothing };
        // Columns of the coarse grid at the height of a fine row, with empty ones beyond both ends.
        let columns = || vec![0.0; width.max(self.size[0] / 2) + 3];
        self.values.par_chunks_mut(self.size[0]).with_min_len(16).enumerate().for_each_init(
            columns,
            |columns, (j, row)| {
                let own = row_of(j / 2).iter().zip(row_of(j / 2 + 1));
                let inner = columns[1..=width].iter_mut();
                if j % 2 == 0 {
                    let above = row_of((j / 2).wrapping_sub(1));
                    inner.zip(above).zip(own).for_each(|((x, a), (b, c))| *x = on_node(*a, *b, *c));
                } else {
                    inner.zip(own).for_each(|(x, (a, b))| *x = between_nodes(*a, *b));
                }
                let (pairs, last) = row.as_chunks_mut::<2>();
                for (pair, near) in pairs.iter_mut().zip(columns.windows(3)) {
                    pair[0] += on_node(near[0], near[1], near[2]);
                    pair[1] += between_nodes(near[1], near[2]);
                }
                let near = &columns[pairs.len()..];
                last.iter_mut().for_each(|last| *last += on_node(near[0], near[1], near[2]));
            },
        );
    }
}

/// Cubic B-spline weights of the four nodes around a point that lies `t` spacings after the second
/// of them.
fn cubic(t: f64) -> [f64; 4] {
    let s = 1.0 - t;
    let inner = |t: f64| (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0;
    [s * s * s / 6.0, inner(t), inner(s), t * t * t / 6.0]
}

/// Value of a fine node along one direction, if it coincides with the second of three coarse nodes.
fn on_node(before: f64, here: f64, behind: f64) -> f64 {
    (before + 6.0 * here + behind) / 16.0
}

/// Value of a fine node along one direction, if it lies between two coarse nodes.
fn between_nodes(before: f64, behind: f64) -> f64 {
    (before + behind) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: f64 = 1.0 / (1u64 << 50) as f64;

    fn blob() -> Grid {
        let tally = Tally::zeroed([24, 20]);
        tally.scatter([9.3, 8.75], 2.0 / UNIT);
        tally.scatter([12.0, 10.0], 0.25 / UNIT);
        tally.drop([12.25, 10.0], 0.25 / UNIT);
        tally.into_grid(UNIT)
    }

    fn refined(coarse: &Grid) -> Grid {
        let mut fine = Tally::zeroed([50, 42]).into_grid(1.0);
        fine.add_refined(coarse);
        fine
    }

    fn sum(grid: &Grid) -> f64 {
        grid.values.iter().sum()
    }

    #[test]
    fn scattering_and_the_way_to_finer_grids_keep_the_sum() {
        assert!((sum(&blob()) - 2.5).abs() < 1e-13);
        assert!((sum(&refined(&blob())) - 2.5).abs() < 1e-13);
    }

    #[test]
    fn scattering_keeps_the_centroid() {
        for spread in [Tally::scatter, Tally::drop] {
            let tally = Tally::zeroed([24, 20]);
            spread(&tally, [9.3, 8.75], 1.0 / UNIT);
            let grid = tally.into_grid(UNIT);
            let centroid = |of: fn(usize, usize) -> usize| -> f64 {
                (0..24 * 20).map(|i| grid.values[i] * of(i % 24, i / 24) as f64).sum()
            };
            assert!((centroid(|x, _| x) - 9.3).abs() < 1e-12);
            assert!((centroid(|_, y| y) - 8.75).abs() < 1e-12);
        }
    }

    /// Refining does not change the function. The value of a single B-spline at its node is 2/3
    /// times 2/3.
    #[test]
    fn refining_keeps_the_function() {
        let value = |grid: &Grid, x: usize, y: usize, spacing: f64| {
            let at = |dx: usize, dy: usize| grid.values[(y + dy - 1) * grid.size[0] + x + dx - 1];
            let b = [1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0];
            (0..9).map(|i| b[i % 3] * b[i / 3] * at(i % 3, i / 3)).sum::<f64>() / (spacing * spacing)
        };
        let coarse = blob();
        let fine = refined(&coarse);
        for (x, y) in [(9, 8), (10, 9), (12, 10), (8, 11)] {
            let (a, b) = (value(&coarse, x, y, 2.0), value(&fine, 2 * x, 2 * y, 1.0));
            assert!((a - b).abs() < 1e-14, "{a} and {b} at {x}, {y}");
        }
    }

    #[test]
    fn tallies_of_ranks_add_up_also_below_zero() {
        let halves = [3.0, -5.0].map(|amount| {
            let tally = Tally::zeroed([8, 8]);
            tally.drop([2.0, 3.0], amount);
            tally
        });
        let sums: Vec<u64> =
            halves[0].numbers().iter().zip(halves[1].numbers()).map(|(a, b)| a.wrapping_add(b)).collect();
        let mut both = Tally::zeroed([8, 8]);
        both.set_numbers(&sums);
        assert_eq!(both.into_grid(0.5).values[3 * 8 + 2], -1.0);
    }
}
