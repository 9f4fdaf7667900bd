//! The shape of the mass: axis ratios of ellipsoids that fit what is inside them.

use super::snapshot::{Snapshot, enclosing};
use nalgebra::{Matrix3, SymmetricEigen, Vector3};

/// Parts of the mass within the spheres that the search starts from: the first, the last, and their number.
const PARTS: [f64; 2] = [0.1, 0.95];
const RADII: usize = 12;
/// Bodies in an ellipsoid, at least: with fewer, noise alone makes a sphere look long.
const FEWEST: usize = 100;
/// The search ends when no ratio changes by more than this, or after so many turns.
const CLOSE: f64 = 1e-4;
const MOST_TURNS: usize = 200;
/// Rotations to find the axes of a tensor, at most: a few do unless it is no tensor.
const MOST_ROTATIONS: usize = 1000;

/// An ellipsoid about the centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Its longest semi-axis a [L].
    pub semi_major: f64,
    /// b/a and c/a, falling.
    pub ratios: [f64; 2],
}

/// Ellipsoids of growing size, where there are enough bodies.
pub fn profile(snapshot: &Snapshot) -> Vec<Shape> {
    let cumulative = snapshot.cumulative_mass();
    let [inner, outer] = PARTS.map(|part| enclosing(&cumulative, part));
    let radius = |i: usize| inner * (outer / inner).powf(i as f64 / (RADII - 1) as f64);
    (0..RADII).filter_map(|i| fit(snapshot, radius(i))).collect()
}

/// The ellipsoid of this longest semi-axis [L] that has the axes of the tensor of the bodies inside it, the sum of m x x^T, each with the same
/// weight (Katz 1991; Zemp et al. 2011). `None` with too few bodies, or if the search does not settle.
pub fn fit(snapshot: &Snapshot, semi_major: f64) -> Option<Shape> {
    let bodies = &snapshot.bodies;
    let mut axes = Matrix3::identity();
    let mut ratios = [1.0, 1.0];
    for _ in 0..MOST_TURNS {
        let scale = Vector3::new(1.0, ratios[0], ratios[1]) * semi_major;
        let (mut tensor, mut count) = (Matrix3::zeros(), 0);
        for i in 0..bodies.len() {
            let position = Vector3::from(bodies.position(i));
            if (axes.transpose() * position).component_div(&scale).norm_squared() <= 1.0 {
                tensor += bodies.mass[i] * position * position.transpose();
                count += 1;
            }
        }
        if count < FEWEST {
            return None;
        }
        let eigen = SymmetricEigen::try_new(tensor, f64::EPSILON, MOST_ROTATIONS)?;
        let mut order = [0, 1, 2];
        order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
        axes = Matrix3::from_columns(&order.map(|k| eigen.eigenvectors.column(k).into_owned()));
        let length = order.map(|k| eigen.eigenvalues[k].max(0.0).sqrt());
        let new = [length[1] / length[0], length[2] / length[0]];
        let change = (0..2).map(|k| (new[k] - ratios[k]).abs()).fold(0.0, f64::max);
        // A plane has no volume, and next turn nothing would be in it.
        ratios = new.map(|ratio| ratio.max(1e-6));
        if change < CLOSE {
            return Some(Shape { semi_major, ratios });
        }
    }
    None
}
