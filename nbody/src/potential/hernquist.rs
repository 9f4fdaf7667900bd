//! The sphere of Hernquist.

use super::Field;
use treecode::math::norm;

/// Potential -G M / (r + a) (Hernquist 1990, eq. 5).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hernquist {
    /// Mass parameter G M [L^3/T^2].
    pub gm: f64,
    /// Scale radius a [L], above 0.
    pub scale: f64,
}

impl Hernquist {
    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let radius = norm(place);
        let sum = radius + self.scale;
        // The direction of the force has no meaning at the centre.
        let slope = if radius > 0.0 { self.gm / (radius * sum * sum) } else { 0.0 };
        Field::central(place, -self.gm / sum, slope)
    }
}
