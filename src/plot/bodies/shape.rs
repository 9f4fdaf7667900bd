//! Shape of the mass distribution: axis ratios of ellipsoids fitted to the bodies inside them.

use super::snapshot::{Snapshot, enclosing};
use nalgebra::{Matrix3, SymmetricEigen, Vector3};

/// Range of the mass fractions within the spheres from which the search starts, and number of
/// spheres.
const PARTS: [f64; 2] = [0.1, 0.95];
const RADII: usize = 12;
/// Least number of bodies in an ellipsoid. With fewer, noise makes a sphere look elongated.
const FEWEST: usize = 100;
/// The search ends when no ratio changes by more than this, or after `MOST_TURNS` iterations.
const CLOSE: f64 = 1e-4;
const MOST_TURNS: usize = 200;
/// Greatest number of rotations in the eigenvalue search. A few suffice for a valid tensor.
const MOST_ROTATIONS: usize = 1000;

/// An ellipsoid about the centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::plot) struct Shape {
    /// Longest semi-axis a [L].
    pub semi_major: f64,
    /// b/a and c/a, in descending order.
    pub ratios: [f64; 2],
}

/// Ellipsoids of increasing size, as far as there are enough bodies.
pub(in crate::plot) fn profile(snapshot: &Snapshot) -> Vec<Shape> {
    let cumulative = snapshot.cumulative_mass();
    let [inner, outer] = PARTS.map(|part| enclosing(&cumulative, part));
    let radius = |i: usize| inner * (outer / inner).powf(i as f64 / (RADII - 1) as f64);
    (0..RADII).filter_map(|i| fit(snapshot, radius(i))).collect()
}

/// The ellipsoid with this longest semi-axis [L] whose axes are those of the tensor of the bodies
/// inside, the sum of m x x^T. All bodies have the same weight (Katz 1991; Zemp et al. 2011).
/// `None` if there are too few bodies or the search does not converge.
pub(in crate::plot) fn fit(snapshot: &Snapshot, semi_major: f64) -> Option<Shape> {
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
        // A plane has no volume, and the next iteration would find no bodies in it.
        ratios = new.map(|ratio| ratio.max(1e-6));
        if change < CLOSE {
            return Some(Shape { semi_major, ratios });
        }
    }
    None
}
