//! Density of a sphere of softened bodies: the density of their centres, convolved with the
//! softening kernel. Bodies must be in equilibrium in the field of this density. Otherwise a cusp
//! collapses within the softening length.

use std::f64::consts::PI;

/// Radius of the spline kernel for a softening length of 1, as in GADGET.
const SUPPORT: f64 = 2.8;
/// Abscissae and weights of the Gauss-Legendre rule with five points on the interval from -1 to 1.
const GAUSS: [[f64; 2]; 5] = [
    [-0.906_179_845_938_664, 0.236_926_885_056_189_08],
    [-0.538_469_310_105_683_1, 0.478_628_670_499_366_47],
    [0.0, 0.568_888_888_888_888_9],
    [0.538_469_310_105_683_1, 0.478_628_670_499_366_47],
    [0.906_179_845_938_664, 0.236_926_885_056_189_08],
];
/// Number of integration intervals in each piece of the spline.
const PARTS: usize = 8;
/// Beyond this many kernel radii from the centre, softening changes the density by less than 10^-8
/// of its value.
const FAR: f64 = 1e4;

/// Density of a softened point mass: a spline kernel (Monaghan & Lattanzio 1985).
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Spline {
    /// Radius of the kernel [L].
    support: f64,
}

impl Spline {
    /// Kernel of this softening length [L].
    pub(in crate::model) fn new(softening: f64) -> Spline {
        Spline { support: SUPPORT * softening }
    }

    /// Density [M/L^3] at `radius` [L] of a sphere of softened bodies. `density` is the density of
    /// their centres [M/L^3]. The convolution is
    ///
    /// 2 pi / r times the integral over r' of r' rho(r') times the integral of s W(s) over s from
    /// |r - r'| to r + r'.
    pub(in crate::model) fn density(self, radius: f64, density: impl Fn(f64) -> f64) -> f64 {
        let (r, h) = (radius, self.support);
        if r > FAR * h {
            return density(r);
        }
        // Pieces of the spline meet where |r - r'| or r + r' is half the kernel radius or the full
        // radius.
        let meet = [r - h, r - 0.5 * h, r, r + 0.5 * h, r + h, 0.5 * h - r, h - r];
        let first = (r - h).max(0.0);
        let mut ends: Vec<f64> = meet.into_iter().filter(|&end| end > first).collect();
        ends.push(first);
        ends.sort_by(f64::total_cmp);
        let seen = |x: f64| x * density(x) * (self.beyond((r - x).abs()) - self.beyond(r + x));
        let piece = |pair: &[f64]| {
            let half = 0.5 * (pair[1] - pair[0]) / PARTS as f64;
            let part = |k: usize| {
                let middle = pair[0] + (2 * k + 1) as f64 * half;
                GAUSS.iter().map(|[x, weight]| weight * half * seen(middle + half * x)).sum::<f64>()
            };
            (0..PARTS).map(part).sum::<f64>()
        };
        2.0 * PI / r * ends.windows(2).map(piece).sum::<f64>()
    }

    /// Fraction of the mass of the kernel below a plane at this height [L] above its centre.
    pub(in crate::model) fn below(self, height: f64) -> f64 {
        let u = height.abs() / self.support;
        let v = (1.0 - u).max(0.0);
        // The integral of 16 (0.0875 - u^2 / 2 + 3/2 u^4 - 6/5 u^5), and of 16 v^4 (1/2 - 2/5 v).
        let within = if u < 0.5 {
            u * (1.4 + u * u * (-8.0 / 3.0 + u * u * (4.8 - 3.2 * u)))
        } else {
            0.5 - v.powi(5) * (1.6 - 16.0 / 15.0 * v)
        };
        0.5 + within.copysign(height)
    }

    /// Integral of s W(s) over s from `distance` to infinity [1/L].
    fn beyond(self, distance: f64) -> f64 {
        let u = distance / self.support;
        let v = (1.0 - u).max(0.0);
        let integral = if u < 0.5 {
            0.0875 + u * u * (-0.5 + u * u * (1.5 - 1.2 * u))
        } else {
            v.powi(4) * (0.5 - 0.4 * v)
        };
        8.0 / (PI * self.support) * integral
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPLINE: Spline = Spline { support: 0.4 };

    #[test]
    fn an_even_density_stays_as_it_is() {
        for r in [1e-6, 0.01, 0.1, 0.2, 0.3, 0.7, 5.0] {
            let found = SPLINE.density(r, |_| 3.0);
            assert!((found / 3.0 - 1.0).abs() < 1e-9, "{found} at {r}");
        }
    }

    /// The mean of |x + s|^2 over all directions of a displacement s is x^2 + s^2.
    #[test]
    fn a_parabola_rises_by_the_second_moment_of_the_spline() {
        let step = 1e-4;
        let moment: f64 = (0..4000)
            .map(|i| {
                let (s, u) = ((f64::from(i) + 0.5) * step, (f64::from(i) + 0.5) * step / 0.4);
                let w = if u < 0.5 { 1.0 - 6.0 * u * u + 6.0 * u.powi(3) } else { 2.0 * (1.0 - u).powi(3) };
                4.0 * PI * s.powi(4) * w * 8.0 / (PI * 0.4f64.powi(3)) * step
            })
            .sum();
        for r in [0.01, 0.15, 0.3, 2.0] {
            let found = SPLINE.density(r, |x| x * x) - r * r;
            assert!((found / moment - 1.0).abs() < 1e-5, "{found} of {moment} at {r}");
        }
    }

    /// The mass below a plane, against a sum over slices, whose area density is 2 pi times the integral
    /// of s W(s).
    #[test]
    fn a_plane_divides_the_kernel() {
        let step = 1e-4;
        for height in [-0.5, -0.3, -0.1, 0.0, 0.05, 0.19, 0.21, 0.39, 0.4] {
            let slices = (0..8000).map(|i| -0.4 + (f64::from(i) + 0.5) * step).take_while(|z| *z < height);
            let mass: f64 = slices.map(|z| 2.0 * PI * SPLINE.beyond(z.abs()) * step).sum();
            let found = SPLINE.below(height);
            assert!((found - mass).abs() < 1e-6, "{found} of {mass} below {height}");
        }
    }

    #[test]
    fn far_away_and_nearer_the_density_goes_on() {
        let found = |r: f64| SPLINE.density(r, |x| x.powi(-2)) * r * r;
        assert!((found(0.4 * FAR * 1.001) / found(0.4 * FAR * 0.999) - 1.0).abs() < 1e-8);
        assert_eq!(Spline::new(1e-200).density(1.0, |_| 3.0), 3.0);
    }

    /// A cusp r^-2 gets a finite central density: the integral of 4 pi W(s) over s.
    #[test]
    fn a_cusp_ends_in_a_core() {
        let centre = 8.0 / (PI * 0.4f64.powi(3)) * 4.0 * PI * 0.4 * (0.5 - 0.25 + 6.0 / 64.0 + 1.0 / 32.0);
        for r in [1e-7, 1e-5, 1e-3] {
            let found = SPLINE.density(r, |x| x.powi(-2));
            assert!((found / centre - 1.0).abs() < 1e-3, "{found} of {centre} at {r}");
        }
    }
}
