//! Grids of cubic B-spline nodes at spacings of 1, 2, 4, ... pixels, and the ways between them.
//!
//! Every B-spline is a sum of five of half its width (Cohen, Lyche & Riesenfeld 1980), so what lies on a coarse grid
//! goes to the next finer one without loss and without a seam; the transpose of that step goes back.

use rayon::prelude::*;

/// A grid of nodes; node (i, j) stands at (i, j) times the grid's spacing.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Nodes in a row, rows.
    pub size: [usize; 2],
    /// Values, row by row.
    pub values: Vec<f64>,
}

impl Grid {
    /// A grid of zeros.
    pub fn zeroed(size: [usize; 2]) -> Grid {
        Grid { size, values: vec![0.0; size[0] * size[1]] }
    }

    /// Size of the grid of twice the spacing that covers this one.
    pub fn coarser_size(size: [usize; 2]) -> [usize; 2] {
        size.map(|n| n / 2 + 1)
    }

    /// Whether a B-spline at `point` [spacings] lies wholly on the grid.
    pub fn holds(&self, point: [f64; 2]) -> bool {
        (0..2).all(|axis| point[axis] >= 1.0 && point[axis] < (self.size[axis] - 2) as f64)
    }

    /// Spreads `amount` over the 16 nodes about `point` [spacings], which the grid must hold; their sum grows by `amount`.
    pub fn scatter(&mut self, point: [f64; 2], amount: f64) {
        debug_assert!(self.holds(point), "{point:?} is not on the grid");
        let [x, y] = point.map(|p| p as usize - 1);
        let [across, down] = point.map(|p| weights(p.fract()));
        for (row, weight) in down.iter().enumerate() {
            let first = (y + row) * self.size[0] + x;
            for (value, w) in self.values[first..first + 4].iter_mut().zip(across) {
                *value += amount * weight * w;
            }
        }
    }

    /// The value at `point` [spacings], linear between the nodes; zero outside the grid.
    pub fn sample(&self, point: [f64; 2]) -> f64 {
        if !self.holds(point) {
            return 0.0;
        }
        let [x, y] = point.map(|p| p as usize);
        let [u, v] = point.map(f64::fract);
        let row = |y: usize| {
            let first = y * self.size[0] + x;
            (1.0 - u) * self.values[first] + u * self.values[first + 1]
        };
        (1.0 - v) * row(y) + v * row(y + 1)
    }

    /// The grid of twice the spacing: each value goes to the coarse B-splines it is a part of; the sum stays, but for
    /// what lies at the rim.
    pub fn coarsened(&self) -> Grid {
        let size = Grid::coarser_size(self.size);
        let mut coarse = Grid::zeroed(size);
        let at = |x: isize, y: isize| match self.inside(x, y) {
            true => self.values[y as usize * self.size[0] + x as usize],
            false => 0.0,
        };
        let part = |m: isize| [1.0, 4.0, 6.0, 4.0, 1.0][(m + 2) as usize] / 8.0;
        coarse.values.par_chunks_mut(size[0]).enumerate().for_each(|(j, row)| {
            let column = |x: isize| -> f64 { (-2..=2).map(|m| part(m) * at(x, 2 * j as isize + m)).sum() };
            let columns: Vec<f64> = (-2..2 * size[0] as isize + 1).map(column).collect();
            for (i, value) in row.iter_mut().enumerate() {
                *value = (0..5).map(|m| part(m - 2) * columns[2 * i + m as usize]).sum();
            }
        });
        coarse
    }

    /// Adds what lies on the grid of twice the spacing, each B-spline cut into those of half its width. Nothing is
    /// lost as long as the coarse grid is empty at its rim.
    pub fn add_refined(&mut self, coarse: &Grid) {
        let width = self.size[0];
        self.values.par_chunks_mut(width).enumerate().for_each(|(j, row)| {
            let column = |x: usize| between(j, |y| coarse.node(x, y));
            let columns: Vec<f64> = (0..coarse.size[0]).map(column).collect();
            for (i, value) in row.iter_mut().enumerate() {
                *value += between(i, |x| columns.get(x).copied().unwrap_or(0.0));
            }
        });
    }

    fn inside(&self, x: isize, y: isize) -> bool {
        (0..self.size[0] as isize).contains(&x) && (0..self.size[1] as isize).contains(&y)
    }

    fn node(&self, x: usize, y: usize) -> f64 {
        if x < self.size[0] && y < self.size[1] { self.values[y * self.size[0] + x] } else { 0.0 }
    }
}

/// Cubic B-spline weights of the four nodes about a point that lies `t` spacings behind the second of them.
fn weights(t: f64) -> [f64; 4] {
    let s = 1.0 - t;
    let inner = |t: f64| (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0;
    [s * s * s / 6.0, inner(t), inner(s), t * t * t / 6.0]
}

/// What fine node `i` receives along one direction: (1, 4, 6, 4, 1) / 16 of the coarse nodes about it. A node beyond the
/// left rim is asked for as `usize::MAX`.
fn between(i: usize, coarse: impl Fn(usize) -> f64) -> f64 {
    let k = i / 2;
    match i % 2 {
        0 => (coarse(k.wrapping_sub(1)) + 6.0 * coarse(k) + coarse(k + 1)) / 16.0,
        _ => (coarse(k) + coarse(k + 1)) / 4.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob() -> Grid {
        let mut grid = Grid::zeroed([24, 20]);
        grid.scatter([9.3, 8.75], 2.0);
        grid.scatter([12.0, 10.0], 0.5);
        grid
    }

    fn sum(grid: &Grid) -> f64 {
        grid.values.iter().sum()
    }

    #[test]
    fn scattering_and_both_ways_between_grids_keep_the_sum() {
        let grid = blob();
        assert!((sum(&grid) - 2.5).abs() < 1e-14);
        assert!((sum(&grid.coarsened()) - 2.5).abs() < 1e-14);
        let mut fine = Grid::zeroed([50, 42]);
        fine.add_refined(&grid);
        assert!((sum(&fine) - 2.5).abs() < 1e-14);
    }

    #[test]
    fn scattering_keeps_the_centroid() {
        let mut grid = Grid::zeroed([24, 20]);
        grid.scatter([9.3, 8.75], 1.0);
        let centroid = |of: fn(usize, usize) -> usize| -> f64 {
            (0..24 * 20).map(|i| grid.values[i] * of(i % 24, i / 24) as f64).sum()
        };
        assert!((centroid(|x, _| x) - 9.3).abs() < 1e-13);
        assert!((centroid(|_, y| y) - 8.75).abs() < 1e-13);
    }

    /// The refined nodes are the same function: a B-spline at a coarse node, seen at that node, is 2/3 times 2/3 high.
    #[test]
    fn refining_keeps_the_function() {
        let value = |grid: &Grid, x: usize, y: usize, spacing: f64| {
            let at = |dx: usize, dy: usize| grid.node(x + dx - 1, y + dy - 1);
            let b = [1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0];
            (0..9).map(|i| b[i % 3] * b[i / 3] * at(i % 3, i / 3)).sum::<f64>() / (spacing * spacing)
        };
        let coarse = blob();
        let mut fine = Grid::zeroed([50, 42]);
        fine.add_refined(&coarse);
        for (x, y) in [(9, 8), (10, 9), (12, 10), (8, 11)] {
            let (a, b) = (value(&coarse, x, y, 2.0), value(&fine, 2 * x, 2 * y, 1.0));
            assert!((a - b).abs() < 1e-14, "{a} and {b} at {x}, {y}");
        }
    }

    /// <coarsened(g), h> = <g, refined(h)> up to the four-fold area of a coarse cell.
    #[test]
    fn coarsening_is_the_transpose_of_refining() {
        let mut fine = Grid::zeroed([24, 20]);
        fine.scatter([11.2, 9.1], 1.0);
        let mut coarse = Grid::zeroed(Grid::coarser_size(fine.size));
        coarse.scatter([5.1, 4.9], 1.0);
        let mut refined = Grid::zeroed(fine.size);
        refined.add_refined(&coarse);
        let product = |a: &Grid, b: &Grid| a.values.iter().zip(&b.values).map(|(a, b)| a * b).sum::<f64>();
        let (up, down) = (product(&fine.coarsened(), &coarse), 4.0 * product(&fine, &refined));
        assert!((up - down).abs() < 1e-14 * up, "{up} and {down}");
    }

    #[test]
    fn sampling_is_linear_between_nodes_and_zero_outside() {
        let mut grid = Grid::zeroed([8, 8]);
        grid.values[3 * 8 + 2] = 1.0;
        assert_eq!(grid.sample([2.25, 3.5]), 0.375);
        assert_eq!(grid.sample([-3.0, 2.0]), 0.0);
        assert_eq!(grid.sample([1e300, 2.0]), 0.0);
    }
}
