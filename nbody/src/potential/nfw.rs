//! The halo of Navarro, Frenk & White.

use super::Field;
use treecode::math::{atanh, norm};

/// Potential -G M ln(1 + r/a) / r of the density M / (4 pi a^3) / ((r/a) (1 + r/a)^2) (Navarro,
/// Frenk & White 1997). The mass inside r is M (ln(1 + r/a) - r / (r + a)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nfw {
    /// Mass parameter G M [L^3/T^2] of the scale mass M.
    pub gm: f64,
    /// Scale radius a [L], above 0.
    pub scale: f64,
}

/// Below this value of r/a, series replace differences of nearly equal numbers.
const SMALL: f64 = 0.02;
/// Number of terms of the series. The next one is below 2^-53 of the first.
const TERMS: i32 = 11;

impl Nfw {
    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let radius = norm(place);
        let x = radius / self.scale;
        if x < SMALL {
            // ln(1 + x) / x and m(x) / x^2 = (ln(1 + x) - x / (1 + x)) / x^2.
            let (mut log, mut mass) = (0.0, 0.0);
            for n in (1..=TERMS).rev() {
                let sign = if n % 2 == 0 { -1.0 } else { 1.0 };
                log = log * x + sign / f64::from(n);
                mass = mass * x + sign * f64::from(n) / f64::from(n + 1);
            }
            let slope = if radius > 0.0 { self.gm * mass / (self.scale * self.scale) / radius } else { 0.0 };
            return Field::central(place, -self.gm / self.scale * log, slope);
        }
        let slope = self.gm * enclosed(x) / (radius * radius * radius);
        Field::central(place, -self.gm * ln_1p(x) / radius, slope)
    }
}

/// Mass inside `x` scale radii, as a fraction of the scale mass: ln(1 + x) - x / (1 + x).
pub fn enclosed(x: f64) -> f64 {
    ln_1p(x) - x / (1.0 + x)
}

/// ln(1 + x), also accurate for small x.
fn ln_1p(x: f64) -> f64 {
    2.0 * atanh(x / (2.0 + x))
}
