//! Multipole expansion of an axisymmetric density.

use super::Field;
use std::f64::consts::PI;
use treecode::math::{exp, ln, norm};

/// The highest order of the expansion. Odd orders vanish by symmetry about the plane.
const ORDER: usize = 20;
/// Number of even orders.
const TERMS: usize = ORDER / 2 + 1;
/// Points of the radial grid per factor of e in radius.
const POINTS_PER_E: f64 = 10.0;
/// Points of the quadrature in an interval of the radial grid, and in each span of the cosine.
const RADIAL: usize = 6;
const ANGULAR: usize = 24;
/// Spans of the cosine of the angle from the axis. Discs have structure near the plane.
const SPANS: [f64; 4] = [0.0, 0.02, 0.2, 1.0];

/// The potential of an axisymmetric density that is symmetric about the plane, as a sum of Legendre
/// polynomials (Binney & Tremaine 2008, eq. 2.95). Between the points of a logarithmic grid, the
/// coefficients are quintic polynomials that match the first and second derivatives at the points.
#[derive(Clone, Debug, PartialEq)]
pub struct Multipole {
    /// Logarithms of the least and the greatest radius of the grid.
    ends: [f64; 2],
    /// Distance of neighbouring grid points in the logarithm.
    step: f64,
    nodes: Vec<[[f64; 3]; TERMS]>,
}

impl Multipole {
    /// Expands a density, given as G rho [1/T^2] at a distance from the axis and a height [L].
    /// Inside the radius `least` [L] the density counts as constant, outside `greatest` [L] as 0.
    pub fn new(density: impl Fn(f64, f64) -> f64, least: f64, greatest: f64) -> Multipole {
        let ends = [ln(least), ln(greatest)];
        let intervals = ((ends[1] - ends[0]) * POINTS_PER_E).ceil();
        let step = (ends[1] - ends[0]) / intervals;
        let radius = |i: f64| exp(ends[0] + step * i);
        let n = intervals as usize;
        let angles = angles();
        let at = |r: f64| coefficients(&density, &angles, r);
        // Integrals over the mass inside and outside each radius.
        let mut inside = vec![[0.0; TERMS]; n + 1];
        let mut outside = inside.clone();
        let centre = at(radius(0.0));
        for (k, inside) in inside[0].iter_mut().enumerate() {
            // Only the mean density counts: the others would depend on the direction at the centre.
            *inside = if k == 0 { centre[0] * radius(0.0).powi(2) / 3.0 } else { 0.0 };
        }
        let rule = legendre_rule(RADIAL);
        let mut pieces = vec![[[0.0; 2]; TERMS]; n];
        for (i, piece) in pieces.iter_mut().enumerate() {
            let (low, high) = (radius(i as f64), radius(i as f64 + 1.0));
            for &(x, weight) in &rule {
                let r = radius(i as f64 + 0.5 * (1.0 + x));
                let rho = at(r);
                let share = 0.5 * step * weight * r * r; // r dr = r^2 d ln r
                for k in 0..TERMS {
                    piece[k][0] += share * rho[k] * (r / high).powi(2 * k as i32 + 1);
                    piece[k][1] += share * rho[k] * (low / r).powi(2 * k as i32);
                }
            }
        }
        let ratio = exp(-step);
        for i in 0..n {
            for k in 0..TERMS {
                inside[i + 1][k] = inside[i][k] * ratio.powi(2 * k as i32 + 1) + pieces[i][k][0];
            }
        }
        for i in (0..n).rev() {
            for k in 0..TERMS {
                outside[i][k] = outside[i + 1][k] * ratio.powi(2 * k as i32) + pieces[i][k][1];
            }
        }
        let node = |i: usize| {
            let r = radius(i as f64);
            let rho = at(r);
            std::array::from_fn(|k| {
                let l = 2.0 * k as f64;
                let factor = -4.0 * PI / (2.0 * l + 1.0);
                let value = factor * (inside[i][k] + outside[i][k]);
                let slope = factor * (l * outside[i][k] - (l + 1.0) * inside[i][k]);
                let bend = 4.0 * PI * rho[k] * r * r - slope + l * (l + 1.0) * value;
                [value, slope, bend]
            })
        };
        Multipole { ends, step, nodes: (0..=n).map(node).collect() }
    }

    pub(super) fn field(&self, place: [f64; 3]) -> Field {
        let radius = norm(place);
        let [least, greatest] = self.ends.map(exp);
        if radius >= least {
            let log = ln(radius);
            let terms = if log < self.ends[1] { self.inside(log) } else { self.beyond(greatest / radius) };
            return sum(place, radius, &terms);
        }
        // The force is proportional to the radius here. At the centre the direction is any.
        let scale = radius / least;
        let edge = if radius > 0.0 { place.map(|x| x / scale) } else { [least, 0.0, 0.0] };
        let field = sum(edge, least, &self.inside(self.ends[0]));
        let work: f64 = edge.iter().zip(field.acceleration).map(|(x, a)| x * a).sum();
        Field {
            potential: field.potential + 0.5 * work * (1.0 - scale * scale),
            acceleration: field.acceleration.map(|a| a * scale),
        }
    }

    /// Coefficients, and their derivatives by the logarithm of the radius, within the grid.
    fn inside(&self, log: f64) -> [[f64; 2]; TERMS] {
        let place = (log - self.ends[0]) / self.step;
        let i = (place as usize).min(self.nodes.len() - 2);
        let t = place - i as f64;
        let (weights, slopes) = quintic(t, self.step);
        let (low, high) = (&self.nodes[i], &self.nodes[i + 1]);
        std::array::from_fn(|k| {
            let mut term = [0.0; 2];
            for d in 0..3 {
                term[0] += weights[d] * low[k][d] + weights[3 + d] * high[k][d];
                term[1] += slopes[d] * low[k][d] + slopes[3 + d] * high[k][d];
            }
            term
        })
    }

    /// The same outside the grid, where `ratio` is its greatest radius over that of the place.
    fn beyond(&self, ratio: f64) -> [[f64; 2]; TERMS] {
        let last = &self.nodes[self.nodes.len() - 1];
        std::array::from_fn(|k| {
            let value = last[k][0] * ratio.powi(2 * k as i32 + 1);
            [value, -(2.0 * k as f64 + 1.0) * value]
        })
    }
}

/// Adds the terms at a place of this radius.
fn sum(place: [f64; 3], radius: f64, terms: &[[f64; 2]; TERMS]) -> Field {
    let mu = place[2] / radius;
    let (mut potential, mut radial, mut polar) = (0.0, 0.0, 0.0);
    // P and P' of the last two orders. P'_l = P'_(l-2) + (2 l - 1) P_(l-1).
    let (mut before, mut now, mut slope) = (0.0, 1.0, [0.0, 0.0]);
    for l in 0..=ORDER {
        if l % 2 == 0 {
            let [value, growth] = terms[l / 2];
            potential += value * now;
            radial += growth * now;
            polar += value * slope[1];
        }
        let n = l as f64;
        let next = ((2.0 * n + 1.0) * mu * now - n * before) / (n + 1.0);
        slope = [slope[1], slope[0] + (2.0 * n + 1.0) * now];
        (before, now) = (now, next);
    }
    // grad mu = (e_z - mu x / r) / r
    let along = (radial - mu * polar) / (radius * radius);
    let mut acceleration = place.map(|x| -along * x);
    acceleration[2] -= polar / radius;
    Field { potential, acceleration }
}

/// Weights of value, first and second derivative at both ends of an interval of this length, at the
/// fraction `t` of it, for the value and for the derivative there.
fn quintic(t: f64, length: f64) -> ([f64; 6], [f64; 6]) {
    let (t2, t3, t4, t5) = (t * t, t * t * t, t * t * t * t, t * t * t * t * t);
    let value = [
        1.0 - 10.0 * t3 + 15.0 * t4 - 6.0 * t5,
        (t - 6.0 * t3 + 8.0 * t4 - 3.0 * t5) * length,
        (0.5 * t2 - 1.5 * t3 + 1.5 * t4 - 0.5 * t5) * length * length,
        10.0 * t3 - 15.0 * t4 + 6.0 * t5,
        (-4.0 * t3 + 7.0 * t4 - 3.0 * t5) * length,
        (0.5 * t3 - t4 + 0.5 * t5) * length * length,
    ];
    let slope = [
        (-30.0 * t2 + 60.0 * t3 - 30.0 * t4) / length,
        1.0 - 18.0 * t2 + 32.0 * t3 - 15.0 * t4,
        (t - 4.5 * t2 + 6.0 * t3 - 2.5 * t4) * length,
        (30.0 * t2 - 60.0 * t3 + 30.0 * t4) / length,
        -12.0 * t2 + 28.0 * t3 - 15.0 * t4,
        (1.5 * t2 - 4.0 * t3 + 2.5 * t4) * length,
    ];
    (value, slope)
}

/// Cosines of angles from the axis, with the weights of their Legendre polynomials in the
/// coefficient of each even order.
fn angles() -> Vec<(f64, [f64; TERMS])> {
    let rule = legendre_rule(ANGULAR);
    let spans = SPANS.windows(2).flat_map(|span| {
        let (half, middle) = (0.5 * (span[1] - span[0]), 0.5 * (span[1] + span[0]));
        rule.iter().map(move |(x, weight)| (middle + half * x, half * weight))
    });
    let weights = |(mu, weight): (f64, f64)| {
        (mu, std::array::from_fn(|k| (4.0 * k as f64 + 1.0) * weight * legendre(2 * k, mu).0))
    };
    spans.map(weights).collect()
}

/// Coefficients of the even orders of a density at a radius.
fn coefficients(
    density: &impl Fn(f64, f64) -> f64,
    angles: &[(f64, [f64; TERMS])],
    radius: f64,
) -> [f64; TERMS] {
    let mut sum = [0.0; TERMS];
    for (mu, weights) in angles {
        let rho = density(radius * (1.0 - mu * mu).sqrt(), radius * mu);
        sum.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * rho);
    }
    sum
}

/// Legendre polynomial of an order, and its derivative, inside (-1, 1).
fn legendre(order: usize, x: f64) -> (f64, f64) {
    let (mut before, mut now) = (0.0, 1.0);
    for n in 0..order {
        let n = n as f64;
        (before, now) = (now, ((2.0 * n + 1.0) * x * now - n * before) / (n + 1.0));
    }
    let slope = order as f64 * (x * now - before) / (x * x - 1.0);
    (now, slope)
}

/// Points and weights of Gauss-Legendre quadrature on [-1, 1], by Newton's method.
fn legendre_rule(points: usize) -> Vec<(f64, f64)> {
    let point = |i: usize| {
        let mut x = -treecode::math::sin_cos(
            PI * (points as f64 - 2.0 * i as f64 - 1.0) / (2.0 * points as f64 + 1.0),
        )
        .0;
        for _ in 0..20 {
            let (value, slope) = legendre(points, x);
            x -= value / slope;
        }
        let slope = legendre(points, x).1;
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..points).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quadrature_integrates_polynomials() {
        for points in [6, 24] {
            let rule = legendre_rule(points);
            for power in 0..2 * points as i32 {
                let sum: f64 = rule.iter().map(|(x, weight)| weight * x.powi(power)).sum();
                let expected = if power % 2 == 0 { 2.0 / f64::from(power + 1) } else { 0.0 };
                assert!((sum - expected).abs() < 1e-14, "{points} points, x^{power}: {sum}");
            }
        }
    }

    #[test]
    fn an_expansion_of_a_flattened_density_has_its_known_field() {
        // The density of the logarithmic potential (Binney & Tremaine 2008, eq. 2.71c) is known.
        // It is cut far outside, which changes the potential by a constant and the quadrupole by
        // the fifth power of the radius.
        let (core, q, speed) = (0.1f64, 0.8f64, 1.3f64);
        let density = |r: f64, z: f64| {
            let (c2, q2) = (core * core, q * q);
            let top = (2.0 * q2 + 1.0) * c2 + r * r + (2.0 - 1.0 / q2) * z * z;
            speed * speed / (4.0 * PI * q2) * top / (c2 + r * r + z * z / q2).powi(2)
        };
        let expansion = Multipole::new(density, 1e-4, 1e5);
        let exact = super::super::Logarithmic { speed, core, ratios: [1.0, q] };
        let zero = expansion.field([0.0; 3]).potential - exact.field([0.0; 3]).potential;
        for place in
            [[1e-5, 2e-5, 0.0], [0.03, 0.0, 0.02], [0.2, -0.3, 0.1], [0.5, 0.5, 1.5], [3.0, 0.0, 0.0]]
        {
            let (found, exact) = (expansion.field(place), exact.field(place));
            let scale = norm(exact.acceleration);
            for axis in 0..3 {
                let gap = (found.acceleration[axis] - exact.acceleration[axis]).abs() / scale;
                assert!(gap < 1e-5, "{place:?}, axis {axis}: {gap:e}");
            }
            let gap = (found.potential - exact.potential - zero).abs();
            assert!(gap < 1e-5, "{place:?}: potential {gap:e}");
        }
    }
}
