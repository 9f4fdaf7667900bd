//! The quadrupole of a bar.

use super::Field;
use treecode::math::norm;

/// Quadrupole of a bar whose long axis is along x (Dehnen 2000, eq. 5, continued to three
/// dimensions as by Monari et al. 2016):
///
/// A (x^2 - y^2) / r^2 times -(R_b/r)^3 outside the radius R_b and (r/R_b)^3 - 2 inside.
///
/// It adds no mass, only a deviation from axial symmetry. At the centre its force diverges as 1/r,
/// so combine it with a potential that dominates there. A body exactly at the centre feels nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Amplitude A [L^2/T^2].
    pub amplitude: f64,
    /// Radius R_b of the bar [L], above 0.
    pub length: f64,
}

impl Bar {
    /// Amplitude [L^2/T^2] of a bar whose radial force on its long axis is a fraction `strength` of
    /// that of the circular speed `speed` [L/T] at the radius `radius` [L] outside a bar of this
    /// `length` [L] (Dehnen 2000, eq. 8).
    pub fn amplitude(strength: f64, speed: f64, radius: f64, length: f64) -> f64 {
        strength * speed * speed / 3.0 * (radius / length).powi(3)
    }

    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let radius = norm(place);
        if radius == 0.0 {
            return Field::default();
        }
        let ([x, y, _], cube) = (place, self.length.powi(3));
        // The potential is A w f(r); `slope` is f'(r) / r.
        let (w, square) = (x * x - y * y, radius * radius);
        let (f, slope) = if radius >= self.length {
            let f = -cube / (square * square * radius);
            (f, -5.0 * f / square)
        } else {
            (radius / cube - 2.0 / square, 1.0 / (cube * radius) + 4.0 / (square * square))
        };
        let of_w = [2.0 * x, -2.0 * y, 0.0];
        Field {
            potential: self.amplitude * w * f,
            acceleration: std::array::from_fn(|axis| {
                -self.amplitude * (f * of_w[axis] + w * slope * place[axis])
            }),
        }
    }
}
