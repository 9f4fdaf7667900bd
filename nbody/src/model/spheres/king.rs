//! The sphere of King (1966, AJ 71, 64): a lowered Maxwellian, f = exp(e / sigma^2) - 1 for binding
//! energies e above 0. It ends at a finite radius. Units of the file: G = M = 1, and the core
//! radius r_0 is 1, with r_0^2 = 9 sigma^2 / (4 pi G rho_0).

use super::Sphere;
use super::isotropic::Isotropic;
use crate::model::component::{Component, Shape};
use crate::model::keys::range::{positive, within};
use crate::model::{Keys, Recipe};
use serde::Serialize;
use treecode::math;

/// Integration step in ln r, and first radius [core radii].
const STEP: f64 = 0.01;
const FIRST: f64 = 1e-3;

/// The King sphere with the central depth `w0` = depth / sigma^2, from Poisson's equation for W(r).
pub(super) fn king(w0: f64) -> Isotropic {
    let centre = density(w0);
    // Let u = -r^2 dW/dr, the enclosed mass in units of sigma^2 r_0 / G, and x = ln r. Then
    // dW/dx = -u / r and du/dx = 9 r^3 rho / rho_0.
    let slope = |x: f64, [w, u]: [f64; 2]| {
        let r = math::exp(x);
        [-u / r, 9.0 * r.powi(3) * density(w) / centre]
    };
    let mut x = math::ln(FIRST);
    // W falls as 3/2 r^2 near the centre.
    let mut state = [w0 - 1.5 * FIRST * FIRST, 3.0 * FIRST.powi(3)];
    let mut nodes = Vec::new();
    while state[0] > 0.0 {
        nodes.push((math::exp(x), state));
        state = runge_kutta(slope, x, state, STEP);
        x += STEP;
    }
    let &(r, [w, u]) = nodes.last().expect("the centre is inside");
    // The edge, beyond which there is no mass.
    nodes.push(((1.0 / r - w / u).recip(), [0.0, u * (1.0 + f64::EPSILON)]));
    let total = u;
    let list = |value: fn(f64, [f64; 2]) -> f64| nodes.iter().map(|&(r, state)| value(r, state)).collect();
    let scaled = |mut values: Vec<f64>| {
        values.iter_mut().for_each(|value| *value /= total);
        values
    };
    Isotropic::new(
        list(|r, _| r),
        scaled(list(|_, [_, u]| u)),
        scaled(list(|_, [w, _]| w)),
        list(|_, [w, _]| math::exp_m1(w)),
    )
}

/// Density at the depth `w`, up to a constant factor:
/// exp(w) erf(sqrt w) - sqrt(4 w / pi) (1 + 2 w / 3).
/// The subtracted terms are the first two of the series in w. The function sums the other terms, so
/// that no digits cancel.
fn density(w: f64) -> f64 {
    if w <= 0.0 {
        return 0.0;
    }
    let mut term = 4.0 * w * w * w.sqrt() / 15.0;
    let (mut sum, mut k) = (0.0, 2.0);
    while term > 1e-17 * sum {
        sum += term;
        k += 1.0;
        term *= 2.0 * w / (2.0 * k + 1.0);
    }
    sum
}

/// One step of the classical fourth-order Runge-Kutta method.
fn runge_kutta(slope: impl Fn(f64, [f64; 2]) -> [f64; 2], x: f64, y: [f64; 2], h: f64) -> [f64; 2] {
    let along = |k: [f64; 2], h: f64| [y[0] + h * k[0], y[1] + h * k[1]];
    let a = slope(x, y);
    let b = slope(x + 0.5 * h, along(a, 0.5 * h));
    let c = slope(x + 0.5 * h, along(b, 0.5 * h));
    let d = slope(x + h, along(c, h));
    [0, 1].map(|i| y[i] + h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]))
}

/// A sphere of King (1966), at rest at the origin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct King {
    /// Number of bodies.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Mass of all bodies [M].
    pub mass: f64,
    /// Core radius [L].
    pub radius: f64,
    /// Depth of the potential in the centre, relative to the edge, in units of sigma^2.
    pub w0: f64,
}

impl Recipe for King {
    fn bodies(&self) -> u64 {
        self.bodies
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    fn components(&self, _: f64) -> Result<Vec<Component>, String> {
        let &King { bodies, mass, radius, w0, .. } = self;
        Ok(vec![Component::at_rest(bodies, mass, 1, Shape::Sphere(Sphere::king(mass, radius, w0)))])
    }
}

impl Keys {
    pub(in crate::model) fn king(&mut self) -> Result<King, String> {
        Ok(King {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            radius: positive("radius", self.radius.take(), 1.0)?,
            w0: within("w0", self.w0.take(), 6.0, 0.1..15.0 + f64::EPSILON * 8.0, "from 0.1 to 15")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// log10 of tidal radius / core radius, from Binney & Tremaine (2008), figure 4.9. The values
    /// of King agree to 0.01.
    #[test]
    fn the_concentration_is_that_of_the_paper() {
        for (w0, concentration) in [(3.0, 0.672), (5.0, 1.030), (6.0, 1.255), (7.0, 1.528), (9.0, 2.120)] {
            let found = king(w0).edge().log10();
            assert!((found - concentration).abs() < 5e-3, "W0 = {w0}: {found}");
        }
    }

    #[test]
    fn the_density_is_that_of_the_lowered_maxwellian() {
        // exp(1) erf(1) - sqrt(4 / pi) 5 / 3 with erf(1) = 0.842700792949715, times the factor
        // sqrt(pi) / 2 of the series.
        let expected = (1f64.exp() * 0.842_700_792_949_715 - (4.0 / std::f64::consts::PI).sqrt() * 5.0 / 3.0)
            * std::f64::consts::PI.sqrt()
            / 2.0;
        assert!((density(1.0) / expected - 1.0).abs() < 1e-12);
    }
}
