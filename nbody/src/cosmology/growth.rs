//! Growth of small perturbations of matter, to third order.

use super::Cosmology;
use treecode::math::{exp, ln};

/// Growth factors at one time, and their logarithmic rates.
///
/// `d1` solves D1'' + (2 + d ln H / d ln a) D1' = 3/2 Omega_m(a) D1, with derivatives by ln a. It
/// is the growing solution and tends to `a` in a universe of matter. `d2` solves the same equation
/// with 3/2 Omega_m(a) (D2 + D1^2) on the right (Bouchet et al. 1995). It tends to 3/7 a^2. The
/// displacement of second-order Lagrangian perturbation theory is then -D1 grad phi1 + D2 grad
/// phi2, where phi2 has the opposite sign of that in Bouchet et al.
///
/// The growth factors of third order solve the same equation with 3/2 Omega_m(a) times these terms
/// on the right: D3a + 2 D1^3, D3b + D1 (D2 + D1^2), and for the transverse part D1^3 alone. They
/// tend to 1/3, 5/21 and 1/7 of a^3 (Bouchet et al. 1995; Catelan 1995).
/// `model::universe::lagrangian` has their displacements.
///
/// Radiation does not cluster. With radiation, `d1` tends to a + 2/3 a_eq at early times (Meszaros
/// 1974).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// First-order growth factor D1.
    pub d1: f64,
    /// Second-order growth factor D2, which is positive.
    pub d2: f64,
    /// d ln D1 / d ln a.
    pub f1: f64,
    /// d ln D2 / d ln a.
    pub f2: f64,
    /// Growth factors of third order D3a, D3b and D3c, which are positive.
    pub d3: [f64; 3],
    /// d ln D3 / d ln a of each.
    pub f3: [f64; 3],
}

/// Scale factor at which the integration begins, in units of that of matter-radiation equality or
/// of today. The relative error of the starting values is of this order.
const FIRST: f64 = 1e-13;
/// Step of the integration in ln a.
const STEP: f64 = 0.25;
/// Numbers of substeps from which one step is extrapolated. The method is of order 16.
const SUBSTEPS: [u32; 8] = [2, 4, 6, 8, 10, 12, 14, 16];

/// D1, D1', D2, D2', and so on to D3c', with derivatives by ln a.
type State = [f64; 10];

impl Cosmology {
    /// The growth factors at the scale factor `a`, not normalised to today.
    #[must_use]
    pub fn growth(&self, a: f64) -> Growth {
        let equality = self.omega_r / self.omega_m;
        let first = FIRST * if equality > 0.0 { equality } else { a.min(1.0) };
        let mut state = if equality > 0.0 {
            // D1 = a + 2/3 a_eq is exact for matter and radiation. D2 is the term of first order in a / a_eq.
            let d1 = first + 2.0 / 3.0 * equality;
            let d2 = 1.5 * first / equality * d1 * d1;
            let [d3a, d3b, d3c] = [2.0, 1.0, 1.0].map(|factor| factor * d1 * d2);
            [d1, first, d2, d2, d3a, d3a, d3b, d3b, d3c, d3c]
        } else {
            let d2 = 3.0 / 7.0 * first * first;
            let [d3a, d3b, d3c] = [1.0 / 3.0, 5.0 / 21.0, 1.0 / 7.0].map(|factor| factor * first.powi(3));
            [first, first, d2, 2.0 * d2, d3a, 3.0 * d3a, d3b, 3.0 * d3b, d3c, 3.0 * d3c]
        };
        let (begin, end) = (ln(first), ln(a));
        let steps = ((end - begin) / STEP).ceil().max(1.0);
        let width = (end - begin) / steps;
        for i in 0..steps as u32 {
            state = self.extrapolated(state, begin + f64::from(i) * width, width);
        }
        let [d1, rate1, d2, rate2, d3a, rate3a, d3b, rate3b, d3c, rate3c] = state;
        Growth {
            d1,
            d2,
            f1: rate1 / d1,
            f2: rate2 / d2,
            d3: [d3a, d3b, d3c],
            f3: [rate3a / d3a, rate3b / d3b, rate3c / d3c],
        }
    }

    fn slope(&self, state: State, log: f64) -> State {
        let [d1, _, d2, _, d3a, _, d3b, ..] = state;
        let a = exp(log);
        let (drag, pull) = (2.0 + self.dln_hubble(a), 1.5 * self.omega_m_at(a));
        let square = d1 * d1;
        let sources = [d1, d2 + square, d3a + 2.0 * square * d1, d3b + d1 * (d2 + square), square * d1];
        std::array::from_fn(|i| match i % 2 {
            0 => state[i + 1],
            _ => pull * sources[i / 2] - drag * state[i],
        })
    }

    /// One step by the extrapolated midpoint rule (Gragg 1965; Bulirsch & Stoer 1966).
    fn extrapolated(&self, state: State, begin: f64, width: f64) -> State {
        let mut row: Vec<State> = Vec::new();
        for (k, &n) in SUBSTEPS.iter().enumerate() {
            let mut next = vec![self.midpoint(state, begin, width, n)];
            for j in 1..=k {
                let ratio = f64::from(n) / f64::from(SUBSTEPS[k - j]);
                let (fine, coarse) = (next[j - 1], row[j - 1]);
                next.push(std::array::from_fn(|i| fine[i] + (fine[i] - coarse[i]) / (ratio * ratio - 1.0)));
            }
            row = next;
        }
        row[SUBSTEPS.len() - 1]
    }

    /// The modified midpoint rule with `n` substeps, whose error has even powers of 1 / n only.
    fn midpoint(&self, state: State, begin: f64, width: f64, n: u32) -> State {
        let h = width / f64::from(n);
        let moved = |from: State, slope: State, by: f64| -> State {
            std::array::from_fn(|i| from[i] + by * slope[i])
        };
        let mut before = state;
        let mut now = moved(state, self.slope(state, begin), h);
        for i in 1..n {
            let after = moved(before, self.slope(now, begin + f64::from(i) * h), 2.0 * h);
            (before, now) = (now, after);
        }
        let ahead = moved(now, self.slope(now, begin + width), h);
        std::array::from_fn(|i| 0.5 * (before[i] + ahead[i]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, right: f64, bound: f64) {
        assert!((value / right - 1.0).abs() < bound, "{value:.16} is not {right:.16}");
    }

    /// The numbers of PKDGRAV3's own tests, which hold to 1e-7; Heath's integral below is more exact.
    #[test]
    fn growth_is_that_of_an_independent_program() {
        let Growth { d1, d2, f1, f2, .. } = Cosmology::flat(0.32, 2.0).growth(1.0);
        near(d1, 0.79066901, 1e-7);
        near(d2, 0.27011339, 1e-7);
        near(f1, 0.53180137, 1e-7);
        near(f2, 1.07808949, 1e-7);
    }

    #[test]
    fn a_universe_of_matter_has_closed_forms() {
        for a in [0.01, 0.5, 1.0, 3.0] {
            let Growth { d1, d2, f1, f2, d3, f3 } = Cosmology::flat(1.0, 2.0).growth(a);
            near(d1, a, 1e-12);
            near(d2, 3.0 / 7.0 * a * a, 1e-12);
            near(f1, 1.0, 1e-12);
            near(f2, 2.0, 1e-12);
            for (k, factor) in [1.0 / 3.0, 5.0 / 21.0, 1.0 / 7.0].into_iter().enumerate() {
                near(d3[k], factor * a.powi(3), 1e-12);
                near(f3[k], 3.0, 1e-12);
            }
        }
    }

    /// Heath's (1977) integral holds for matter, curvature and a cosmological constant.
    #[test]
    fn growth_is_heaths_integral() {
        for (omega_m, omega_lambda) in [(0.3, 0.7), (0.3, 0.0), (1.5, 0.2)] {
            let cosmology = Cosmology { omega_lambda, ..Cosmology::flat(omega_m, 1.0) };
            // D1 = 5/2 Omega_m E(a) times the integral of da / (a E)^3, with a = x^2 by Simpson's rule.
            let n = 4000;
            let g = |i: i32| {
                let x = f64::from(i) / f64::from(n);
                if i == 0 { 0.0 } else { 2.0 * x / (x * x * cosmology.e(x * x)).powi(3) }
            };
            let weight = |i: i32| {
                if i == 0 || i == n {
                    1.0
                } else if i % 2 == 1 {
                    4.0
                } else {
                    2.0
                }
            };
            let integral = (0..=n).map(|i| weight(i) * g(i)).sum::<f64>() / (3.0 * f64::from(n));
            near(cosmology.growth(1.0).d1, 2.5 * omega_m * integral, 1e-9);
        }
    }

    /// With radiation, D1 = a + 2/3 a_eq while dark energy and curvature do not matter.
    #[test]
    fn radiation_delays_growth() {
        let cosmology = Cosmology { omega_r: 1e-4, omega_lambda: 0.0, ..Cosmology::flat(0.9999, 1.0) };
        for a in [1e-5, 1e-3, 1.0] {
            let Growth { d1, d2, f1, .. } = cosmology.growth(a);
            near(d1, a + 2.0 / 3.0 * 1e-4 / 0.9999, 1e-11);
            near(f1, a / d1, 1e-11);
            assert!(d2 > 0.0 && d2.is_finite());
        }
        let Growth { d2, d3, .. } = cosmology.growth(1.0);
        near(d2, 3.0 / 7.0, 1e-3);
        [1.0 / 3.0, 5.0 / 21.0, 1.0 / 7.0].iter().zip(d3).for_each(|(factor, d3)| near(d3, *factor, 2e-3));
    }
}
