//! Assigns the masses of bodies to the cells of a grid.
//!
//! Masses are added as integers, so that a sum does not depend on the order of the bodies.

use super::Transform;
use decomposition::{Comm, collective};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicI64, Ordering};
use treecode::{Bodies, math};

/// How the mass of a body is divided among cells (Hockney & Eastwood 1981, section 5-3-4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Assignment {
    /// Cloud in cell: 2 cells on each axis.
    Cic,
    /// Triangular-shaped cloud: 3 cells on each axis.
    Tsc,
    /// Piecewise cubic spline: 4 cells on each axis.
    #[default]
    Pcs,
}

/// Greatest number of cells along an axis that a body is assigned to.
const MOST: usize = 4;

impl Assignment {
    /// Number of cells on each axis, and the power of the window's sinc.
    pub fn order(self) -> usize {
        match self {
            Assignment::Cic => 2,
            Assignment::Tsc => 3,
            Assignment::Pcs => 4,
        }
    }

    /// The first cell of a body at `u` [cells], and the weights of the cells from there. A cell `i`
    /// has its centre at `u = i`.
    fn weights(self, u: f64) -> (i64, [f64; MOST]) {
        match self {
            Assignment::Cic => {
                let first = u.floor();
                let d = u - first;
                (first as i64, [1.0 - d, d, 0.0, 0.0])
            }
            Assignment::Tsc => {
                let nearest = (u + 0.5).floor();
                let d = u - nearest;
                let (before, after) = (0.5 - d, 0.5 + d);
                (nearest as i64 - 1, [0.5 * before * before, 0.75 - d * d, 0.5 * after * after, 0.0])
            }
            Assignment::Pcs => {
                let first = u.floor();
                let d = u - first;
                let e = 1.0 - d;
                let near = |s: f64| (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0;
                (first as i64 - 1, [e * e * e / 6.0, near(d), near(e), d * d * d / 6.0])
            }
        }
    }

    /// The Fourier transform of the weights at a wave number [cycles per side] of a grid with so many
    /// `cells` a side: sinc(pi k / cells)^order.
    pub(super) fn window(self, wave: i64, cells: usize) -> f64 {
        if wave == 0 {
            return 1.0;
        }
        let x = std::f64::consts::PI * wave as f64 / cells as f64;
        (math::sin_cos(x).0 / x).powi(self.order() as i32)
    }
}

/// Masses as integers. One unit is the largest mass over `per_mass`, a power of two for which the
/// sum over all bodies fits 62 bits.
pub(super) struct Masses {
    largest: f64,
    per_mass: f64,
    /// Sum of all masses [largest masses].
    pub(super) total: f64,
    /// Sum of the squares of all masses [squares of the largest mass].
    pub(super) squares: f64,
}

impl Masses {
    /// Surveys the masses of all ranks. `None` if there are no bodies with mass. Collective.
    pub(super) fn survey(comm: &dyn Comm, bodies: &Bodies) -> Option<Masses> {
        let [largest] = collective::max(comm, [bodies.mass.iter().copied().fold(0.0, f64::max)]);
        let count = collective::sum(comm, bodies.len() as u64);
        if largest <= 0.0 {
            return None;
        }
        let per_mass = ((1u64 << 62) / count.next_power_of_two()) as f64;
        let sum = |term: fn(f64) -> f64| {
            let one = |mass: &f64| (term(mass / largest) * per_mass).round() as u64;
            let mine = bodies.mass.par_iter().with_min_len(1 << 12).map(one).sum();
            collective::sum(comm, mine) as f64 / per_mass
        };
        Some(Masses { largest, per_mass, total: sum(|mass| mass), squares: sum(|mass| mass * mass) })
    }
}

/// What a rank sends of a body: its mass, and its position [cells].
type Record = [f64; 4];

/// The bodies that touch the planes of this rank.
pub(super) struct Nearby(Vec<Record>);

impl Nearby {
    /// Sends each body to the ranks whose planes it touches, on the grid and on one that is shifted
    /// by half a cell. The box of this `side` is folded `fold` times along each axis. Collective.
    pub(super) fn gather(
        comm: &dyn Comm,
        transform: &Transform,
        bodies: &Bodies,
        side: f64,
        fold: u32,
        assignment: Assignment,
    ) -> Nearby {
        let n = transform.cells();
        let mut out = vec![Vec::new(); comm.size()];
        for i in 0..bodies.len() {
            let place = bodies.position(i).map(|x| {
                let u = x / side * f64::from(fold);
                (u - u.floor()) * n as f64
            });
            let record: Record = [bodies.mass[i], place[0], place[1], place[2]];
            let (first, _) = assignment.weights(place[0]);
            let (last, _) = assignment.weights(place[0] + 0.5);
            // At most five planes, so at most five ranks.
            let mut sent = [usize::MAX; MOST + 1];
            for (k, x) in (first..last + assignment.order() as i64).enumerate() {
                let owner = transform.owner(x.rem_euclid(n as i64) as usize);
                if !sent.contains(&owner) {
                    out[owner].push(record);
                    sent[k] = owner;
                }
            }
        }
        Nearby(collective::exchange(comm, &out).into_iter().flatten().collect())
    }

    /// Mass over mean mass in each cell, minus 1, on this rank's planes of a grid that is shifted by
    /// `shift` [cells] towards lower coordinates.
    pub(super) fn contrast(
        &self,
        transform: &Transform,
        masses: &Masses,
        assignment: Assignment,
        shift: f64,
    ) -> Vec<f64> {
        let n = transform.cells() as i64;
        let planes = transform.planes();
        let sums: Vec<AtomicI64> =
            (0..transform.field_len()).into_par_iter().map(|_| AtomicI64::new(0)).collect();
        self.0.par_iter().with_min_len(1 << 10).for_each(|&[mass, x, y, z]| {
            let along = [x, y, z].map(|u| assignment.weights(u + shift));
            let mass = mass / masses.largest * masses.per_mass;
            let place = |axis: usize, cell: usize| (along[axis].0 + cell as i64).rem_euclid(n) as usize;
            for i in 0..assignment.order() {
                let x = place(0, i);
                if !planes.contains(&x) {
                    continue;
                }
                for j in 0..assignment.order() {
                    let row = ((x - planes.start) * n as usize + place(1, j)) * n as usize;
                    let weight = mass * (along[0].1[i] * along[1].1[j]);
                    for k in 0..assignment.order() {
                        let part = (weight * along[2].1[k]).round() as i64;
                        sums[row + place(2, k)].fetch_add(part, Ordering::Relaxed);
                    }
                }
            }
        });
        let mean = masses.total * masses.per_mass / (n * n * n) as f64;
        sums.into_par_iter().map(|sum| sum.into_inner() as f64 / mean - 1.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Assignment; 3] = [Assignment::Cic, Assignment::Tsc, Assignment::Pcs];

    #[test]
    fn weights_have_the_moments_of_their_kernel() {
        for (assignment, i) in ALL.into_iter().flat_map(|a| (0..100).map(move |i| (a, i))) {
            let u = -2.0 + 0.0837 * f64::from(i);
            let (first, weights) = assignment.weights(u);
            let moment = |power: i32| {
                (0..MOST).map(|i| weights[i] * (first as f64 + i as f64 - u).powi(power)).sum::<f64>()
            };
            assert!(weights.iter().all(|&weight| weight >= 0.0), "{u}: {weights:?}");
            assert!(weights[assignment.order()..].iter().all(|&weight| weight == 0.0));
            assert!((moment(0) - 1.0).abs() < 1e-13 && moment(1).abs() < 1e-13, "{u}: {weights:?}");
            // A spline of order p is the convolution of p boxes, whose variance is p / 12. Sums over the grid
            // have it from the third order on.
            if assignment != Assignment::Cic {
                let variance = assignment.order() as f64 / 12.0;
                assert!((moment(2) - variance).abs() < 1e-13, "{u}: {weights:?}");
            }
        }
    }

    #[test]
    fn the_window_falls_with_its_order() {
        // sinc(pi / 2) = 2 / pi at the Nyquist wave number.
        for assignment in ALL {
            let expected = (2.0 / std::f64::consts::PI).powi(assignment.order() as i32);
            assert!((assignment.window(-8, 16) - expected).abs() < 1e-15);
            assert_eq!(assignment.window(0, 16), 1.0);
        }
    }
}
