//! The disc of Miyamoto & Nagai.

use super::Field;

/// Potential -G M / sqrt(R^2 + (a + sqrt(z^2 + b^2))^2) (Miyamoto & Nagai 1975, eq. 4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MiyamotoNagai {
    /// Mass parameter G M [L^3/T^2].
    pub gm: f64,
    /// Scale radius a [L], 0 or more.
    pub scale: f64,
    /// Scale height b [L], above 0.
    pub height: f64,
}

impl MiyamotoNagai {
    pub(super) fn field(&self, [x, y, z]: [f64; 3]) -> Field {
        let root = (z * z + self.height * self.height).sqrt();
        let sum = self.scale + root;
        let square = x * x + y * y + sum * sum;
        let distance = square.sqrt();
        let slope = self.gm / (square * distance);
        Field {
            potential: -self.gm / distance,
            acceleration: [-slope * x, -slope * y, -slope * z * (sum / root)],
        }
    }
}
