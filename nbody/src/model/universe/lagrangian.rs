//! Displacements of Lagrangian perturbation theory, to third order.
//!
//! A body of the lattice at q is at q + psi. With phi1, whose Laplacian is the contrast of linear
//! theory, and with products of second derivatives phi_ij:
//!
//! | order | condition | growth factor, in a universe of matter |
//! |---|---|---|
//! | 1 | div psi = -D1 delta | a |
//! | 2 | div psi = -D2 M2, M2 = sum over i < j of phi1_ii phi1_jj - phi1_ij^2 | 3/7 a^2 |
//! | 3a | div psi = D3a det phi1_ij | 1/3 a^3 |
//! | 3b | div psi = -D3b sum over i, j of phi1_ii phi2_jj - phi1_ij phi2_ij | 5/21 a^3 |
//! | 3c | curl_i psi = D3c sum over j, k, l of eps_ijk phi1_lj phi2_lk | 1/7 a^3 |
//!
//! where the Laplacian of phi2 is M2 (Bouchet et al. 1995, A&A 296, 575; Catelan 1995, MNRAS 276,
//! 115). The transverse part 3c keeps the motion free of vorticity in the coordinates x. It is as
//! large as the other terms of third order (Michaux et al. 2021, MNRAS 500, 663).
//!
//! Products of modes have wave numbers that the grid of the bodies cannot hold. They are computed on a
//! finer grid, on which no product aliases into the modes of the bodies.

use super::cosmological::{Field, Lattice, lattice};
use super::glass::glass;
use crate::spectral::{Complex, Splines, Transform, Wave, half_cell, to_coefficients};
use decomposition::Comm;
use rayon::prelude::*;
use std::f64::consts::TAU;
use treecode::Bodies;

/// The positions of the bodies without displacements, and the grid of the field that displaces
/// them.
pub(super) struct Sites {
    transform: Transform,
    /// Number of bodies along a side. Displacements have wave numbers below half of it.
    per_side: usize,
    /// Positions of the bodies of a glass [cells of the grid]. That grid has two cells per body
    /// along a side. `None` for bodies at the centres of the cells.
    glass: Option<[Vec<f64>; 3]>,
}

impl Sites {
    /// The sites of `per_side`^3 bodies in a box of this side [L], and the bodies of this rank at
    /// rest on them. Collective.
    pub(super) fn new(comm: &dyn Comm, kind: Lattice, per_side: usize, side: f64) -> (Sites, Bodies) {
        match kind {
            Lattice::Cubic => {
                let transform = Transform::new(comm, per_side);
                let bodies = lattice(&transform, side);
                (Sites { transform, per_side, glass: None }, bodies)
            }
            Lattice::Glass => {
                let transform = Transform::new(comm, 2 * per_side);
                let (bodies, places) = glass(&transform, per_side as u64, side);
                (Sites { transform, per_side, glass: Some(places) }, bodies)
            }
        }
    }

    /// The modes of the contrast.
    pub(super) fn contrast(&self, field: &Field) -> Vec<Complex<f64>> {
        contrast(&self.transform, field)
    }

    /// The grid with at least so many cells for each two bodies on which products are computed.
    fn finer(&self, comm: &dyn Comm, cells: usize) -> Transform {
        match self.glass {
            Some(_) => self.transform.clone(),
            None => Transform::new(comm, (cells * self.per_side / 2).next_multiple_of(2)),
        }
    }

    /// Of the modes of a finer grid, those that displacements have. Collective.
    fn reduce(&self, comm: &dyn Comm, fine: &Transform, mut modes: Vec<Complex<f64>>) -> Vec<Complex<f64>> {
        if self.glass.is_none() {
            return fine.truncate(comm, &modes, &self.transform);
        }
        let end = self.per_side as i64 / 2;
        fine.for_each_mode(&mut modes, |wave, mode| {
            if wave.iter().any(|w| w.abs() >= end) {
                *mode = Complex::default();
            }
        });
        modes
    }

    /// The field of these modes times `factor` at the bodies. Collective.
    fn field(
        &self,
        comm: &dyn Comm,
        mut modes: Vec<Complex<f64>>,
        factor: impl Fn(Wave) -> Complex<f64> + Sync,
    ) -> Vec<f64> {
        let cells = self.transform.cells();
        if let Some(places) = &self.glass {
            let spline = to_coefficients(cells);
            self.transform.for_each_mode(&mut modes, |wave, mode| *mode *= factor(wave) * spline(wave));
            return Splines::new(comm, &self.transform, modes).at(places);
        }
        let turn = half_cell(cells);
        self.transform.for_each_mode(&mut modes, |wave, mode| *mode *= turn(wave) * factor(wave));
        self.transform.backward(comm, modes)
    }
}

/// A number times the displacement is that of the position, and another one that of the velocity.
type Factors = [f64; 2];

/// Moves the bodies by displacements whose divergence is minus the field of these modes. Collective.
pub(super) fn displace(
    comm: &dyn Comm,
    sites: &Sites,
    bodies: &mut Bodies,
    modes: &[Complex<f64>],
    side: f64,
    factors: Factors,
) {
    for axis in 0..3 {
        let along = modes.to_vec();
        displace_along(comm, sites, bodies, axis, along, |wave| gradient(wave, axis, side), factors);
    }
}

/// Moves the bodies by displacements without divergence, whose curl is the field of these modes.
/// Collective.
pub(super) fn displace_transverse(
    comm: &dyn Comm,
    sites: &Sites,
    bodies: &mut Bodies,
    curl: &[Vec<Complex<f64>>; 3],
    side: f64,
    factors: Factors,
) {
    for axis in 0..3 {
        // The curl of the potential curl / k^2.
        let [next, last] = [(axis + 1) % 3, (axis + 2) % 3];
        let mut along = curl[last].clone();
        sites.transform.for_each_mode(&mut along, |wave, mode| *mode *= gradient(wave, next, side));
        let mut other = curl[next].clone();
        sites.transform.for_each_mode(&mut other, |wave, mode| *mode *= gradient(wave, last, side));
        along.par_iter_mut().zip(other).for_each(|(sum, term)| *sum -= term);
        displace_along(comm, sites, bodies, axis, along, |_| Complex::new(1.0, 0.0), factors);
    }
}

/// i k / k^2 along an axis [L].
fn gradient(wave: Wave, axis: usize, side: f64) -> Complex<f64> {
    Complex::new(0.0, wave[axis] as f64 / square(wave) as f64 * side / TAU)
}

/// Square of the length of a wave vector, but 1 for the mean.
fn square(wave: Wave) -> i64 {
    wave.iter().map(|w| w * w).sum::<i64>().max(1)
}

/// Moves the bodies along an axis by the field of these modes times `factor`.
fn displace_along(
    comm: &dyn Comm,
    sites: &Sites,
    bodies: &mut Bodies,
    axis: usize,
    modes: Vec<Complex<f64>>,
    factor: impl Fn(Wave) -> Complex<f64> + Sync,
    factors: Factors,
) {
    let field = sites.field(comm, modes, factor);
    let (pos, vel) = (&mut bodies.pos[axis], &mut bodies.vel[axis]);
    (pos, vel, field).into_par_iter().for_each(|(x, v, displacement)| {
        *x += factors[0] * displacement;
        *v += factors[1] * displacement;
    });
}

/// Pairs of axes of the second derivatives of a potential.
const PAIRS: [[usize; 2]; 6] = [[0, 0], [1, 1], [2, 2], [0, 1], [0, 2], [1, 2]];

/// The place of a pair in [`PAIRS`], in either order.
fn place(i: usize, j: usize) -> usize {
    if i == j { i } else { i + j + 2 }
}

/// The modes of the contrast on a grid.
fn contrast(transform: &Transform, field: &Field) -> Vec<Complex<f64>> {
    let mut modes = vec![Complex::default(); transform.modes_len()];
    transform.for_each_mode(&mut modes, |wave, mode| *mode = field.mode(wave));
    modes
}

/// The second derivative along a pair of axes of the potential whose Laplacian has these modes.
/// Collective.
fn derivative(
    comm: &dyn Comm,
    fine: &Transform,
    mut modes: Vec<Complex<f64>>,
    [i, j]: [usize; 2],
) -> Vec<f64> {
    fine.for_each_mode(&mut modes, |wave, mode| *mode *= (wave[i] * wave[j]) as f64 / square(wave) as f64);
    fine.backward(comm, modes)
}

/// The modes of a field. Collective.
fn modes_of(comm: &dyn Comm, fine: &Transform, field: Vec<f64>) -> Vec<Complex<f64>> {
    let mut modes = fine.forward(comm, field);
    let mean = (fine.cells() as f64).powi(-3);
    modes.par_iter_mut().for_each(|mode| *mode *= mean);
    modes
}

/// Modes of the source of second order, M2, on a grid of half as many cells again. Collective.
pub(super) fn second_order(comm: &dyn Comm, sites: &Sites, field: &Field) -> Vec<Complex<f64>> {
    let fine = sites.finer(comm, 3);
    let [x, y, z, beside @ ..] = PAIRS;
    let of = |pair: [usize; 2]| derivative(comm, &fine, contrast(&fine, field), pair);
    let [x, y, z] = [x, y, z].map(of);
    let product = |((x, y), z): ((f64, f64), f64)| x * y + (x + y) * z;
    let mut source: Vec<f64> = x.into_par_iter().zip(y).zip(z).map(product).collect();
    for pair in beside {
        source.par_iter_mut().zip(of(pair)).for_each(|(sum, term)| *sum -= term * term);
    }
    let modes = modes_of(comm, &fine, source);
    sites.reduce(comm, &fine, modes)
}

/// Modes of the sources of second and third order.
pub(super) struct Sources {
    /// M2.
    pub second: Vec<Complex<f64>>,
    /// The determinant of phi1_ij.
    pub determinant: Vec<Complex<f64>>,
    /// The sum of phi1_ii phi2_jj - phi1_ij phi2_ij.
    pub mixed: Vec<Complex<f64>>,
    /// The sum of eps_ijk phi1_lj phi2_lk, along each axis i.
    pub transverse: [Vec<Complex<f64>>; 3],
}

/// Modes of the sources of second and third order, on a grid of twice as many cells: with wave numbers of
/// phi1 below n / 2, those of a product of three factors are below 3 n / 2, and of these 2 n cells alias none
/// into those below n / 2. Collective.
pub(super) fn third_order(comm: &dyn Comm, sites: &Sites, field: &Field) -> Sources {
    let fine = sites.finer(comm, 4);
    let first = PAIRS.map(|pair| derivative(comm, &fine, contrast(&fine, field), pair));
    let at = |i: usize| -> [f64; 6] { std::array::from_fn(|pair| first[pair][i]) };
    let everywhere = |of: fn([f64; 6]) -> f64| -> Vec<f64> {
        (0..fine.field_len()).into_par_iter().map(|i| of(at(i))).collect()
    };
    let fewer = |modes: Vec<Complex<f64>>| sites.reduce(comm, &fine, modes);
    let second = modes_of(
        comm,
        &fine,
        everywhere(|[xx, yy, zz, xy, xz, yz]| xx * yy + (xx + yy) * zz - xy * xy - xz * xz - yz * yz),
    );
    let determinant = modes_of(
        comm,
        &fine,
        everywhere(|[xx, yy, zz, xy, xz, yz]| {
            xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
        }),
    );
    let determinant = fewer(determinant);
    let mut mixed = vec![0.0; fine.field_len()];
    let mut transverse: [Vec<f64>; 3] = std::array::from_fn(|_| vec![0.0; fine.field_len()]);
    for (pair, [a, b]) in PAIRS.into_iter().enumerate() {
        let values = derivative(comm, &fine, second.clone(), [a, b]);
        mixed.par_iter_mut().zip(&values).enumerate().for_each(|(i, (sum, value))| {
            let [xx, yy, zz, ..] = at(i);
            let factor = if a == b { xx + yy + zz - first[a][i] } else { -2.0 * first[pair][i] };
            *sum += factor * value;
        });
        // phi2_lk in both orders of its axes.
        let orders = if a == b { vec![[a, a]] } else { vec![[a, b], [b, a]] };
        for [l, k] in orders {
            for j in (0..3).filter(|j| *j != k) {
                let i = 3 - j - k;
                let sign = if (j + 1) % 3 == k { 1.0 } else { -1.0 };
                let factors = &first[place(l, j)];
                transverse[i]
                    .par_iter_mut()
                    .zip(factors)
                    .zip(&values)
                    .for_each(|((sum, factor), value)| *sum += sign * factor * value);
            }
        }
    }
    let mixed = fewer(modes_of(comm, &fine, mixed));
    let transverse = transverse.map(|field| fewer(modes_of(comm, &fine, field)));
    Sources { second: fewer(second), determinant, mixed, transverse }
}

#[cfg(test)]
mod tests {
    use super::super::cosmological::tests::model;
    use super::*;
    use decomposition::Solo;

    const SIDE: f64 = 200.0;
    const N: usize = 16;

    /// A field of the modes whose wave numbers are at most 1, so that the grid holds all products.
    fn field() -> Field {
        let mut field = Field::new(&model(N as u64), &model(2).universe.unwrap(), &model(2).power().unwrap());
        field.amplitudes.iter_mut().enumerate().for_each(|(square, amplitude)| {
            *amplitude = if (1..=3).contains(&square) { 0.02 * (4 - square) as f64 } else { 0.0 };
        });
        field
    }

    /// Displacements of each order in a universe of matter, along each axis, in which a = 1.
    fn orders() -> [[Vec<f64>; 3]; 3] {
        let (sites, field) = (Sites::new(&Solo, Lattice::Cubic, N, SIDE).0, field());
        let moved = |act: &dyn Fn(&mut Bodies)| {
            let mut bodies = Bodies::zeroed(N * N * N);
            act(&mut bodies);
            bodies.pos
        };
        let Sources { second, determinant, mixed, transverse } = third_order(&Solo, &sites, &field);
        let along = |bodies: &mut Bodies, modes: &[Complex<f64>], factor: f64| {
            displace(&Solo, &sites, bodies, modes, SIDE, [factor, 0.0]);
        };
        [
            moved(&|bodies| along(bodies, &sites.contrast(&field), 1.0)),
            moved(&|bodies| along(bodies, &second, 3.0 / 7.0)),
            moved(&|bodies| {
                along(bodies, &determinant, -1.0 / 3.0);
                along(bodies, &mixed, 5.0 / 21.0);
                displace_transverse(&Solo, &sites, bodies, &transverse, SIDE, [1.0 / 7.0, 0.0]);
            }),
        ]
    }

    /// Derivatives of a displacement along the axes: `[of][along]`.
    fn gradients(psi: &[Vec<f64>; 3]) -> [[Vec<f64>; 3]; 3] {
        let transform = Transform::new(&Solo, N);
        std::array::from_fn(|of| {
            std::array::from_fn(|along| {
                let mut modes = modes_of(&Solo, &transform, psi[of].clone());
                transform.for_each_mode(&mut modes, |wave, mode| {
                    *mode *= Complex::new(0.0, TAU / SIDE * wave[along] as f64);
                });
                transform.backward(&Solo, modes)
            })
        })
    }

    type Matrix = [[f64; 3]; 3];

    fn cofactors(m: &Matrix) -> Matrix {
        std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                let [a, b, c, d] = [(i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3];
                m[a][c] * m[b][d] - m[a][d] * m[b][c]
            })
        })
    }

    /// In a universe of matter the operator of motion multiplies a^n by n (n + 1/2), in units of H^2. The
    /// exact motion has J div_x = 3/2 (J - 1) of what it gives, and no curl in x. What remains of an
    /// expansion to order n has order n + 1.
    #[test]
    fn what_is_left_of_the_equation_of_motion_is_of_the_next_order() {
        let gradients = orders().map(|psi| gradients(&psi));
        let residuals = |order: usize, amplitude: f64| {
            let (mut divergence, mut curl) = (0.0, 0.0);
            for i in 0..N * N * N {
                let (mut deformed, mut pulled): (Matrix, Matrix) = ([[0.0; 3]; 3], [[0.0; 3]; 3]);
                for (k, gradient) in gradients.iter().take(order).enumerate() {
                    let n = (k + 1) as f64;
                    for of in 0..3 {
                        for along in 0..3 {
                            let term = amplitude.powi(k as i32 + 1) * gradient[of][along][i];
                            deformed[of][along] += term;
                            pulled[of][along] += n * (n + 0.5) * term;
                        }
                    }
                }
                (0..3).for_each(|axis| deformed[axis][axis] += 1.0);
                let cofactors = cofactors(&deformed);
                let jacobian: f64 = (0..3).map(|j| deformed[0][j] * cofactors[0][j]).sum();
                let pull: f64 = (0..9).map(|k| cofactors[k / 3][k % 3] * pulled[k / 3][k % 3]).sum();
                divergence += (pull - 1.5 * (jacobian - 1.0)).powi(2);
                for axis in 0..3 {
                    let [j, k] = [(axis + 1) % 3, (axis + 2) % 3];
                    let sum = (0..3).map(|l| deformed[l][j] * pulled[l][k] - deformed[l][k] * pulled[l][j]);
                    curl += sum.sum::<f64>().powi(2);
                }
            }
            [divergence, curl].map(f64::sqrt)
        };
        for order in 1..=3 {
            let (large, small) = (residuals(order, 0.02), residuals(order, 0.01));
            let slopes = [0, 1].map(|k| (large[k] / small[k]).log2());
            assert!((slopes[0] - (order + 1) as f64).abs() < 0.05, "order {order}: {slopes:?} {large:?}");
            // The first two orders have no curl in q, so theirs in x is of third order.
            let expected = if order == 1 { None } else { Some((order + 1) as f64) };
            let is_right = expected.map_or(small[1] < 1e-15, |slope| (slopes[1] - slope).abs() < 0.05);
            assert!(is_right, "order {order}, curl: {slopes:?} {large:?}");
        }
    }

    #[test]
    fn the_finer_grid_changes_no_source_of_second_order() {
        let (sites, model) = (Sites::new(&Solo, Lattice::Cubic, 12, SIDE).0, model(12));
        let transform = &sites.transform;
        let field = Field::new(&model, &model.universe.unwrap(), &model.power().unwrap());
        let (coarse, fine) = (second_order(&Solo, &sites, &field), third_order(&Solo, &sites, &field));
        let size = coarse.iter().map(|mode| mode.norm()).fold(0.0, f64::max);
        assert!(coarse.iter().zip(&fine.second).all(|(a, b)| (a - b).norm() < 1e-13 * size));
        // A curl has no divergence.
        let mut divergence: Vec<Complex<f64>> = vec![Complex::default(); transform.modes_len()];
        for (axis, part) in fine.transverse.iter().enumerate() {
            let mut term = part.clone();
            transform.for_each_mode(&mut term, |wave, mode| *mode *= wave[axis] as f64);
            divergence.iter_mut().zip(term).for_each(|(sum, term)| *sum += term);
        }
        let size = fine.transverse[0].iter().map(|mode| mode.norm()).fold(0.0, f64::max);
        assert!(size > 0.0 && divergence.iter().all(|mode| mode.norm() < 1e-11 * size));
    }
}
