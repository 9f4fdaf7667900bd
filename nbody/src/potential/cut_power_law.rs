//! A power law with an exponential cut-off.

use super::Field;
use treecode::math::{exp, norm, powf};

/// Sphere of the density r^-alpha exp(-(r/r_c)^2), as the bulge of Bovy (2015, ApJS 216, 29).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CutPowerLaw {
    /// Mass parameter G M [L^3/T^2] of the whole mass.
    pub gm: f64,
    /// Slope alpha of the density, from 0 and below 2.
    pub slope: f64,
    /// Cut-off radius r_c [L], above 0.
    pub cut: f64,
    /// Gamma(3/2 - alpha/2) and Gamma(1 - alpha/2).
    gammas: [f64; 2],
}

impl CutPowerLaw {
    /// A sphere of this mass parameter [L^3/T^2], slope and cut-off radius [L].
    pub fn new(gm: f64, slope: f64, cut: f64) -> CutPowerLaw {
        let gammas = [1.5 - 0.5 * slope, 1.0 - 0.5 * slope].map(gamma);
        CutPowerLaw { gm, slope, cut, gammas }
    }

    /// Fraction of the mass inside this radius [L].
    pub fn enclosed(&self, radius: f64) -> f64 {
        let square = (radius / self.cut).powi(2);
        lower_gamma(1.5 - 0.5 * self.slope, square, self.gammas[0]) / self.gammas[0]
    }

    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let radius = norm(place);
        let square = (radius / self.cut).powi(2);
        let enclosed = self.enclosed(radius);
        let [of_mass, of_potential] = self.gammas;
        let inner = lower_gamma(1.0 - 0.5 * self.slope, square, of_potential);
        let outer = (of_potential - inner) / (self.cut * of_mass);
        if radius == 0.0 {
            return Field::central(place, -self.gm * outer, 0.0);
        }
        let slope = self.gm * enclosed / (radius * radius * radius);
        Field::central(place, -self.gm * (enclosed / radius + outer), slope)
    }
}

/// Integral of t^(a - 1) exp(-t) from 0 to x. `whole` is the integral to infinity.
fn lower_gamma(a: f64, x: f64, whole: f64) -> f64 {
    if x == 0.0 {
        0.0
    } else if x < a + 1.0 {
        series(a, x)
    } else {
        whole - continued_fraction(a, x)
    }
}

/// The gamma function of a > 0.
fn gamma(a: f64) -> f64 {
    series(a, a + 1.0) + continued_fraction(a, a + 1.0)
}

/// The lower incomplete gamma function (Abramowitz & Stegun 1964, eq. 6.5.29).
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0 / a, 1.0 / a, a);
    while term > 1e-17 * sum {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    sum * powf(x, a) * exp(-x)
}

/// The upper incomplete gamma function for x >= a + 1 (Abramowitz & Stegun 1964, eq. 6.5.31, in the
/// even form of Lentz).
fn continued_fraction(a: f64, x: f64) -> f64 {
    const MOST: i32 = 1000;
    const TINY: f64 = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut h = d;
    for i in 1..MOST {
        let i = f64::from(i);
        let an = -i * (i - a);
        b += 2.0;
        d = 1.0 / (an * d + b);
        c = b + an / c;
        let factor = d * c;
        h *= factor;
        if (factor - 1.0).abs() < 1e-16 {
            break;
        }
    }
    h * powf(x, a) * exp(-x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_functions_are_the_known_ones() {
        let pi = std::f64::consts::PI;
        // Gamma(0.1) and Gamma(0.6) are from DLMF 5.22.
        for (a, value) in [
            (0.5, pi.sqrt()),
            (1.0, 1.0),
            (1.5, 0.5 * pi.sqrt()),
            (0.1, 9.513_507_698_668_732),
            (0.6, 1.489_192_248_812_817),
        ] {
            assert!((gamma(a) / value - 1.0).abs() < 1e-14, "{a}: {}", gamma(a));
        }
        for x in [0.01, 0.3, 1.0, 1.9, 2.1, 5.0, 40.0, 800.0] {
            let expected = 1.0 - exp(-x);
            assert!((lower_gamma(1.0, x, 1.0) / expected - 1.0).abs() < 1e-14, "{x}");
        }
    }
}
