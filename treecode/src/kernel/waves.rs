//! The long-range part of Ewald's sum over many bodies, from their structure factors.
//!
//! `ALPHA` is so large that only the nearest image of a body has a short-range part, and only
//! within half a side. The rest is a sum over waves. The amplitudes of the waves are summed over
//! the bodies once, for any number of sinks.
//!
//! The sums over the bodies of a cell are rounded, so that further sums are exact (`exact_sum`).

use super::exact_sum::ROUND;
use super::simd::{EIGHT, Eight, Lanes, Path, Task, dispatch};
use crate::{Bodies, math};
use std::array::from_fn;
use std::f64::consts::{PI, TAU};
use std::ops::Range;
use std::sync::LazyLock;

/// Ewald's parameter [1/side]. It divides the field between the short-range part and the sum over
/// waves.
pub(super) const ALPHA: f64 = 10.5;
/// The short-range part is neglected beyond this distance, in sides. There its acceleration is
/// below 6e-11 of `GM/L^2`.
pub(super) const REACH: f64 = 0.5;
/// Greatest square of a wave number, in waves per side. The sums leave out terms below 4e-13.
const SQUARE: usize = 320;
/// Greatest wave number along an axis.
const MOST: usize = 17;
/// Wave numbers along z that are summed together.
const WIDTH: usize = EIGHT;
/// The number of such blocks.
const BLOCKS: usize = (MOST + WIDTH) / WIDTH;
/// The number of bodies that are summed together.
const CHUNK: usize = 64;

/// Blocks of waves: the wave numbers along x and y, and the first one along z.
static PLAN: LazyLock<Vec<[usize; 3]>> = LazyLock::new(|| {
    let pairs = (0..=MOST).flat_map(|x| (0..=MOST).map(move |y| [x, y]));
    let blocks = pairs.flat_map(|[x, y]| (0..BLOCKS).map(move |block| [x, y, block * WIDTH]));
    blocks.filter(|wave| wave.iter().map(|n| n * n).sum::<usize>() <= SQUARE).collect()
});

/// Sums over bodies of the products of cosines and sines along the axes, of all waves. Wave numbers
/// are not negative here, because these products also give the waves with all other signs.
#[derive(Clone, Debug)]
pub struct Waves {
    side: f64,
    /// Sum of all masses [M]. The masses are divided by it.
    mass: f64,
    /// For each block of waves: the products with the cosine along z, then those with the sine.
    sums: Vec<[Products; 2]>,
}

/// The waves of a block, for each of four products along x and y: cos cos, cos sin, sin cos, sin
/// sin.
type Products = [[f64; WIDTH]; 4];

impl Waves {
    /// No bodies, in a periodic box of this side [L]. The mass [M] is that of all bodies to come.
    pub fn new(side: f64, mass: f64) -> Waves {
        Waves { side, mass, sums: vec![[[[0.0; WIDTH]; 4]; 2]; PLAN.len()] }
    }

    /// Adds the bodies of a leaf. Ranges must be those of the same bodies for the same bits.
    ///
    /// # Panics
    /// If the range reaches beyond the bodies.
    pub fn add(&mut self, bodies: &Bodies, leaf: Range<usize>) {
        self.add_on_path(Path::detect(), bodies, leaf);
    }

    fn add_on_path(&mut self, path: Path, bodies: &Bodies, leaf: Range<usize>) {
        for begin in leaf.clone().step_by(CHUNK) {
            let some = begin..(begin + CHUNK).min(leaf.end);
            let table = Table::of(bodies, some, self.side, self.mass);
            dispatch(path, Addition { table: &table, sums: &mut self.sums });
        }
    }

    /// Adds the sums of other bodies.
    #[must_use]
    pub fn and(mut self, other: &Waves) -> Waves {
        self.sums_mut().iter_mut().zip(other.sums()).for_each(|(sum, term)| *sum += term);
        self
    }

    /// All sums, which are multiples of [`super::exact_sum`].
    pub fn sums_mut(&mut self) -> &mut [f64] {
        self.sums.as_flattened_mut().as_flattened_mut().as_flattened_mut()
    }

    fn sums(&self) -> &[f64] {
        self.sums.as_flattened().as_flattened().as_flattened()
    }

    /// Acceleration [L/T^2] at a place [L] by the long part of the bodies, all their images and the
    /// background, for this constant of gravity. The part of a body at this very place is zero.
    pub fn acceleration(&self, constant: f64, place: [f64; 3]) -> [f64; 3] {
        let [x, y, z] = place.map(|x| along(x / self.side));
        let mut sum = [0.0; 3];
        for (&[a, b, first], sums) in PLAN.iter().zip(&self.sums) {
            for k in 0..WIDTH {
                let c = first + k;
                let square = a * a + b * b + c * c;
                if square == 0 || square > SQUARE {
                    continue;
                }
                // Sums over all bodies of the product of functions of x, y and z.
                let of = |[p, q, r]: [usize; 3]| sums[r][2 * p + q][k];
                let here = |[p, q, r]: [usize; 3]| x[p][a] * y[q][b] * z[r][c];
                let signs = [a, b, c].iter().map(|n| if *n > 0 { 2.0 } else { 1.0 }).product::<f64>();
                let square = square as f64;
                let weight = signs * math::exp(-PI * PI * square / (ALPHA * ALPHA)) / square;
                for (axis, n) in [a, b, c].into_iter().enumerate() {
                    // The sine of the difference along this axis, the cosines along the others.
                    let with = |kind: usize, [p, q]: [usize; 2]| match axis {
                        0 => [kind, p, q],
                        1 => [p, kind, q],
                        _ => [p, q, kind],
                    };
                    let others = [[0, 0], [0, 1], [1, 0], [1, 1]];
                    let term = |pair| {
                        here(with(1, pair)) * of(with(0, pair)) - here(with(0, pair)) * of(with(1, pair))
                    };
                    let term: f64 = others.map(term).iter().sum();
                    sum[axis] -= 2.0 * weight * n as f64 * term;
                }
            }
        }
        sum.map(|a| constant * self.mass * a / (self.side * self.side))
    }
}

/// Cosines and sines of the waves along an axis at a coordinate in sides.
fn along(x: f64) -> [[f64; WIDTH * BLOCKS]; 2] {
    let (sin, cos) = math::sin_cos(TAU * x);
    let mut waves = [[0.0; WIDTH * BLOCKS]; 2];
    waves[0][0] = 1.0;
    for n in 1..=MOST {
        let [c, s] = [waves[0][n - 1], waves[1][n - 1]];
        [waves[0][n], waves[1][n]] = [c * cos - s * sin, c * sin + s * cos];
    }
    waves
}

/// The waves of some bodies along the axes.
struct Table {
    count: usize,
    /// For each wave number along x and y, cosine and sine of each body; those of x times the mass.
    x: [[[f64; 2]; CHUNK]; MOST + 1],
    y: [[[f64; 2]; CHUNK]; MOST + 1],
    /// For each block of wave numbers along z, cosines and sines of each body.
    z: [[[[f64; WIDTH]; CHUNK]; 2]; BLOCKS],
}

impl Table {
    fn of(bodies: &Bodies, some: Range<usize>, side: f64, mass: f64) -> Box<Table> {
        let (x, y) = ([[[0.0; 2]; CHUNK]; MOST + 1], [[[0.0; 2]; CHUNK]; MOST + 1]);
        let mut table = Box::new(Table { count: some.len(), x, y, z: [[[[0.0; WIDTH]; CHUNK]; 2]; BLOCKS] });
        for (j, i) in some.enumerate() {
            let [x, y, z] = bodies.position(i).map(|x| along(x / side));
            let mass = bodies.mass[i] / mass;
            for n in 0..=MOST {
                table.x[n][j] = [mass * x[0][n], mass * x[1][n]];
                table.y[n][j] = [y[0][n], y[1][n]];
            }
            for (block, part) in (0..BLOCKS).flat_map(|block| [0, 1].map(|part| (block, part))) {
                table.z[block][part][j] = from_fn(|k| z[part][block * WIDTH + k]);
            }
        }
        table
    }
}

/// Adds the bodies of a table to the sums.
struct Addition<'a> {
    table: &'a Table,
    sums: &'a mut [[Products; 2]],
}

impl Task for Addition<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Table { count, x, y, z } = self.table;
        let mut products = [[0.0; 4]; CHUNK];
        for ([a, b, first], sums) in PLAN.iter().zip(self.sums) {
            if *first == 0 {
                for ((product, x), y) in products[..*count].iter_mut().zip(&x[*a]).zip(&y[*b]) {
                    *product = [x[0] * y[0], x[0] * y[1], x[1] * y[0], x[1] * y[1]];
                }
            }
            for (sums, z) in sums.iter_mut().zip(&z[first / WIDTH]) {
                let mut chunk = [L::Eight::splat(0.0); 4];
                for (product, z) in products[..*count].iter().zip(z) {
                    let z = L::Eight::load(z);
                    for k in 0..4 {
                        chunk[k] = chunk[k] + L::Eight::splat(product[k]) * z;
                    }
                }
                let round = L::Eight::splat(ROUND);
                for k in 0..4 {
                    sums[k] = (L::Eight::load(&sums[k]) + ((chunk[k] + round) - round)).store();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_the_same_bits() {
        let mut bodies = Bodies::zeroed(200);
        for i in 0..200 {
            (0..3).for_each(|axis| bodies.pos[axis][i] = math::sin_cos((3 * i + axis) as f64).0);
            bodies.mass[i] = 1.0 + (i % 3) as f64;
        }
        let sums = |path: Path| {
            let mut waves = Waves::new(1.0, 400.0);
            waves.add_on_path(path, &bodies, 0..150);
            waves.add_on_path(path, &bodies, 150..200);
            waves.sums().to_vec()
        };
        for path in Path::available() {
            assert!(sums(path) == sums(Path::Scalar), "{path:?}");
        }
    }
}
