//! The logarithmic potential of a flat rotation curve.

use super::Field;
use treecode::math::ln;

/// Potential (v^2 / 2) ln(R_c^2 + x^2 + y^2 / p^2 + z^2 / q^2), with lengths in the caller's unit
/// (Binney & Tremaine 2008, eqs 2.71 and 3.103). Its zero is where the bracket is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logarithmic {
    /// Circular speed at large radii v [L/T].
    pub speed: f64,
    /// Core radius R_c [L]. With 0, a body that is exactly at the centre feels nothing.
    pub core: f64,
    /// Axis ratios p and q of the equipotential surfaces along y and z.
    pub ratios: [f64; 2],
}

impl Logarithmic {
    pub(super) fn field(&self, [x, y, z]: [f64; 3]) -> Field {
        let [p, q] = self.ratios;
        let weighted = [x, y / (p * p), z / (q * q)];
        let argument = self.core * self.core + x * weighted[0] + y * weighted[1] + z * weighted[2];
        if argument == 0.0 {
            return Field::default();
        }
        let square = self.speed * self.speed;
        Field {
            potential: 0.5 * square * ln(argument),
            acceleration: weighted.map(|x| -square * x / argument),
        }
    }
}
