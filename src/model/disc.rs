//! An exponential disc in the potential of itself and of spheres around it, with velocities from its moments. Units of the file: G = 1.
//!
//! The density is exp(-R / R_d) sech^2(z / z_0). The velocities are normal about the mean rotation, with these moments (Hernquist 1993,
//! ApJS 86, 389, section 2.2; Springel & White 1999, MNRAS 307, 162):
//! - radial dispersion: sigma_R^2 falls as exp(-R / R_d), so that the least value of Toomre's Q is the one asked for;
//! - azimuthal dispersion: sigma_R times kappa / (2 Omega), the epicyclic approximation;
//! - mean rotation: v_c^2 less the asymmetric drift, sigma_R^2 (kappa^2 / 4 Omega^2 - 1 + 2 R / R_d);
//! - vertical dispersion: the mean of z dPhi/dz over the layer, which by the virial theorem keeps its height.

use super::State;
use super::bessel::{scaled_i, scaled_k};
use super::tapered::Tapered;
use rand::{Rng, RngExt, distr::Open01};
use std::f64::consts::{PI, TAU};

/// Grid of the moments: from the first to the last radius [scale lengths], in equal steps of the logarithm.
const NODES: usize = 400;
const RANGE: [f64; 2] = [1e-3, 40.0];
/// Toomre's (1964) criterion: Q = sigma_R kappa / (3.36 G Sigma).
const TOOMRE: f64 = 3.36;

/// The disc alone.
#[derive(Clone, Copy, Debug)]
pub struct Layer {
    /// Mass [M].
    pub mass: f64,
    /// Scale length R_d [L].
    pub length: f64,
    /// Scale height z_0 [L].
    pub height: f64,
}

/// The disc among spheres.
#[derive(Clone, Debug)]
pub struct Disc {
    layer: Layer,
    moments: Vec<Moments>,
}

/// Moments of the velocity at a radius [L/T].
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    /// Mean rotation.
    pub rotation: f64,
    /// Dispersions along the radius, along the rotation, and across the disc.
    pub dispersion: [f64; 3],
}

impl Layer {
    /// Surface density at `radius` [M/L^2].
    pub fn surface(&self, radius: f64) -> f64 {
        self.mass / (TAU * self.length.powi(2)) * (-radius / self.length).exp()
    }

    /// Mass within a cylinder of this radius, or nearly so within a sphere [M].
    pub fn enclosed(&self, radius: f64) -> f64 {
        self.mass * part_within(radius / self.length)
    }

    /// Square of the circular velocity in the plane of the infinitely thin disc: Freeman (1970, ApJ 160, 811), equation 10.
    pub fn circular2(&self, radius: f64) -> f64 {
        let y = 0.5 * radius / self.length;
        let ([i0, i1], [k0, k1]) = (scaled_i(y), scaled_k(y));
        2.0 * self.mass / self.length * y * y * (i0 * k0 - i1 * k1)
    }
}

/// 1 - (1 + x) exp(-x), without loss of digits near 0.
fn part_within(x: f64) -> f64 {
    if x < 1e-3 { x * x * (0.5 - x / 3.0 + x * x / 8.0) } else { 1.0 - (1.0 + x) * (-x).exp() }
}

/// Square of the circular velocity of a disc and spheres together [L^2/T^2].
pub fn circular2(layer: &Layer, spheres: &[Tapered], radius: f64) -> f64 {
    let around: f64 = spheres.iter().map(|sphere| sphere.enclosed(radius)).sum();
    layer.circular2(radius) + around / radius
}

/// d f / d ln R.
fn slope(f: impl Fn(f64) -> f64, radius: f64) -> f64 {
    const STEP: f64 = 0.02;
    (f(radius * STEP.exp()) - f(radius * (-STEP).exp())) / (2.0 * STEP)
}

impl Disc {
    /// A disc whose least Q is `toomre_q`, among spheres.
    pub fn new(layer: Layer, toomre_q: f64, spheres: &[Tapered]) -> Disc {
        let v2 = |radius: f64| circular2(&layer, spheres, radius);
        let radii: Vec<f64> = (0..NODES).map(|i| radius_of(&layer, i)).collect();
        // v_c^2 and kappa^2 R^2 = 2 v_c^2 + d v_c^2 / d ln R.
        let rotation: Vec<(f64, f64)> =
            radii.iter().map(|&r| (v2(r), (2.0 * v2(r) + slope(v2, r)).max(0.0))).collect();
        let fall = |r: f64| (-0.5 * r / layer.length).exp();
        let least = radii
            .iter()
            .zip(&rotation)
            .map(|(&r, &(_, kappa2))| fall(r) * kappa2.sqrt() / r / (TOOMRE * layer.surface(r)));
        let central = toomre_q / least.fold(f64::INFINITY, f64::min);
        let moments = radii.iter().zip(&rotation).map(|(&r, &(v2, kappa2))| {
            let radial = central * fall(r);
            let ratio2 = kappa2 / (4.0 * v2);
            let mean2 = v2 + radial * radial * (1.0 - ratio2 - 2.0 * r / layer.length);
            let vertical2 = vertical2(&layer, spheres, r);
            let dispersion = [radial, radial * ratio2.sqrt(), vertical2.max(0.0).sqrt()];
            Moments { rotation: mean2.max(0.0).sqrt(), dispersion }
        });
        let moments = moments.collect();
        Disc { layer, moments }
    }

    /// Moments of the velocity at `radius` [L].
    pub fn moments(&self, radius: f64) -> Moments {
        let step = (RANGE[1] / RANGE[0]).ln() / (NODES - 1) as f64;
        let place = ((radius / self.layer.length / RANGE[0]).ln() / step).clamp(0.0, (NODES - 1) as f64);
        let i = (place as usize).min(NODES - 2);
        let (a, b, part) = (&self.moments[i], &self.moments[i + 1], place - i as f64);
        let between = |a: f64, b: f64| a + part * (b - a);
        Moments {
            rotation: between(a.rotation, b.rotation),
            dispersion: [0, 1, 2].map(|k| between(a.dispersion[k], b.dispersion[k])),
        }
    }

    /// Draws a body of a disc that turns about the z axis; `constant` is the gravitational constant.
    pub fn draw(&self, constant: f64, rng: &mut impl Rng) -> State {
        let radius = self.layer.length * length_of(rng.sample::<f64, _>(Open01));
        let height = self.layer.height * (2.0 * rng.sample::<f64, _>(Open01) - 1.0).atanh();
        let (sin, cos) = (TAU * rng.random::<f64>()).sin_cos();
        let Moments { rotation, dispersion } = self.moments(radius);
        let [[a, b], [c, _]] = [normal_pair(rng), normal_pair(rng)];
        let unit = constant.sqrt();
        let outward = unit * dispersion[0] * a;
        let along = unit * (rotation + dispersion[1] * b);
        State {
            pos: [radius * cos, radius * sin, height],
            vel: [outward * cos - along * sin, outward * sin + along * cos, unit * dispersion[2] * c],
        }
    }
}

fn radius_of(layer: &Layer, node: usize) -> f64 {
    layer.length * RANGE[0] * (RANGE[1] / RANGE[0]).powf(node as f64 / (NODES - 1) as f64)
}

/// Mean of z dPhi/dz over the layer at `radius`. The layer itself pulls as an infinite sheet with 2 pi Sigma tanh(z / z_0), less the
/// d v_c^2 / d R of its plane times z / R, which Poisson's equation takes off where the sheet is finite.
fn vertical2(layer: &Layer, spheres: &[Tapered], radius: f64) -> f64 {
    const PARTS: u32 = 64;
    const HIGHEST: f64 = 8.0;
    let h = layer.height;
    let sheet = PI * layer.surface(radius) * h;
    let smooth = radius.hypot(h); // within a height of the centre the plane is not thin
    let finite = slope(|r| layer.circular2(r), smooth) / smooth.powi(2) * (PI * h).powi(2) / 12.0;
    let step = HIGHEST / f64::from(PARTS);
    let around: f64 = (0..PARTS)
        .map(|k| {
            let t = (f64::from(k) + 0.5) * step;
            let r = radius.hypot(h * t);
            let mass: f64 = spheres.iter().map(|sphere| sphere.enclosed(r)).sum();
            t.cosh().powi(-2) * (h * t).powi(2) * mass / r.powi(3) * step
        })
        .sum();
    sheet - finite + around
}

/// The radius in scale lengths that encloses this part of the disc, between 0 and 1: bisection.
fn length_of(part: f64) -> f64 {
    let (mut low, mut high) = (0.0, 64.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if part_within(middle) < part { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Two normal numbers, by Box & Muller.
fn normal_pair(rng: &mut impl Rng) -> [f64; 2] {
    let size = (-2.0 * rng.sample::<f64, _>(Open01).ln()).sqrt();
    let (sin, cos) = (TAU * rng.random::<f64>()).sin_cos();
    [size * cos, size * sin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Profile;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    const LAYER: Layer = Layer { mass: 2.0, length: 3.0, height: 0.3 };

    fn halo() -> Tapered {
        Tapered::new(Profile::Hernquist, 20.0, 10.0, 20.0)
    }

    #[test]
    fn the_rotation_curve_is_that_of_freeman() {
        // Greatest at 2.15 scale lengths, v^2 = 0.387 M / R_d there; far out that of a point.
        let unit = LAYER.mass / LAYER.length;
        let v2 = |x: f64| LAYER.circular2(3.0 * x) / unit;
        assert!((v2(2.15) - 0.387).abs() < 2e-4, "{}", v2(2.15));
        assert!(v2(2.15) > v2(2.05) && v2(2.15) > v2(2.25));
        // Quadrupole of the disc: v^2 = M / R (1 + 3/4 <R^2> / R^2 ..) with <R^2> = 6 R_d^2.
        assert!((v2(60.0) * 60.0 - (1.0 + 4.5 / 3600.0)).abs() < 2e-5);
    }

    #[test]
    fn the_least_q_is_the_one_asked_for() {
        let disc = Disc::new(LAYER, 1.7, &[halo()]);
        let spheres = [halo()];
        let q = |x: f64| {
            let r = 3.0 * x;
            let omega2 = |r: f64| circular2(&LAYER, &spheres, r) / (r * r);
            let h = 1e-4 * r;
            let kappa2 = 4.0 * omega2(r) + r * (omega2(r + h) - omega2(r - h)) / (2.0 * h);
            disc.moments(r).dispersion[0] * kappa2.sqrt() / (TOOMRE * LAYER.surface(r))
        };
        let all: Vec<f64> = (1..100).map(|k| q(0.1 * f64::from(k))).collect();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((least / 1.7 - 1.0).abs() < 2e-3, "least Q {least}");
        assert!((1.0..4.0).contains(&(0.1 * (1 + all.iter().position(|&q| q == least).unwrap()) as f64)));
    }

    #[test]
    fn a_sheet_alone_has_the_dispersion_of_the_isothermal_sheet() {
        let thin = Layer { height: 1e-3, ..LAYER };
        for x in [0.5, 1.0, 3.0] {
            let found = vertical2(&thin, &[], 3.0 * x);
            assert!((found / (PI * thin.surface(3.0 * x) * 1e-3) - 1.0).abs() < 3e-3, "at {x}: {found}");
        }
    }

    #[test]
    fn bodies_have_the_moments() {
        let disc = Disc::new(LAYER, 1.5, &[halo()]);
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let bodies: Vec<State> = (0..40_000).map(|_| disc.draw(4.0, &mut rng)).collect();
        let count = bodies.len() as f64;
        let within = |r: f64| bodies.iter().filter(|s| s.pos[0].hypot(s.pos[1]) < r).count() as f64 / count;
        for x in [0.5f64, 1.0, 2.0, 4.0] {
            let expected = 1.0 - (1.0 + x) * (-x).exp();
            assert!((within(3.0 * x) - expected).abs() < 4.0 * 0.5 / count.sqrt(), "within {x}");
        }
        let mean_height2 = bodies.iter().map(|s| s.pos[2].powi(2)).sum::<f64>() / count;
        assert!((mean_height2 / (PI * PI * 0.09 / 12.0) - 1.0).abs() < 0.04, "<z^2> = {mean_height2}");
        let ring = || bodies.iter().filter(|s| (5.5..6.5).contains(&s.pos[0].hypot(s.pos[1])));
        let n = ring().count() as f64;
        let cylindrical = |s: &State| {
            let (r, [x, y, _], [u, v, w]) = (s.pos[0].hypot(s.pos[1]), s.pos, s.vel);
            [(x * u + y * v) / r, (x * v - y * u) / r, w]
        };
        let expected = disc.moments(6.0);
        let mean = |k: usize| ring().map(|s| cylindrical(s)[k]).sum::<f64>() / n;
        for k in 0..3 {
            let spread = (ring().map(|s| (cylindrical(s)[k] - mean(k)).powi(2)).sum::<f64>() / n).sqrt();
            let theory = 2.0 * expected.dispersion[k];
            assert!((spread / theory - 1.0).abs() < 0.05, "axis {k}: {spread} instead of {theory}");
        }
        assert!((mean(1) / (2.0 * expected.rotation) - 1.0).abs() < 0.01 && mean(0).abs() < 0.1);
    }
}
