//! A point mass, or a Plummer sphere.

use super::Field;

/// Potential -G M / sqrt(r^2 + b^2) (Plummer 1911). With b = 0 it is that of a point mass; a body
/// that is exactly at the point then feels nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointMass {
    /// Mass parameter G M [L^3/T^2].
    pub gm: f64,
    /// Scale radius b [L], 0 for a point.
    pub softening: f64,
}

impl PointMass {
    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let square = place.iter().map(|x| x * x).sum::<f64>() + self.softening * self.softening;
        if square == 0.0 {
            return Field::default();
        }
        let distance = square.sqrt();
        Field::central(place, -self.gm / distance, self.gm / (square * distance))
    }
}
