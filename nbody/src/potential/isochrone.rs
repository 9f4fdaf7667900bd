//! The isochrone.

use super::Field;

/// Potential -G M / (b + sqrt(b^2 + r^2)) (Henon 1959; Binney & Tremaine 2008, eq. 2.47).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Isochrone {
    /// Mass parameter G M [L^3/T^2].
    pub gm: f64,
    /// Scale radius b [L], above 0.
    pub scale: f64,
}

impl Isochrone {
    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let root = (place.iter().map(|x| x * x).sum::<f64>() + self.scale * self.scale).sqrt();
        let sum = self.scale + root;
        Field::central(place, -self.gm / sum, self.gm / (root * sum * sum))
    }
}
