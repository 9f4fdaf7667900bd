//! An exponential disc in its own potential and that of spheres. Velocities are drawn from their
//! moments. Units of the file: G = 1.
//!
//! The density is exp(-R / R_d) sech^2(z / z_0). The velocity distribution is normal about the mean
//! rotation, with these moments (Hernquist 1993, ApJS 86, 389, section 2.2; Springel & White 1999,
//! MNRAS 307, 162):
//! - radial dispersion: sigma_R^2 falls as exp(-R / R_d), and its scale gives the requested minimum
//!   of Toomre's Q;
//! - azimuthal dispersion: sigma_R times kappa / (2 Omega), the epicyclic approximation;
//! - mean rotation: the vertical mean of R dPhi/dR minus the asymmetric drift, sigma_R^2 (kappa^2 /
//!   4 Omega^2 - 1 + 2 R / R_d);
//! - vertical dispersion: the vertical mean of z dPhi/dz, which keeps the height by the virial
//!   theorem.
//!
//! Both means are over the thick disc. The circular velocity of a thin disc would be too fast for
//! bodies above the plane.

use super::State;
use super::tapered::Tapered;
use rand::{Rng, RngExt, distr::Open01};
use std::f64::consts::TAU;
use treecode::math;

/// Radial grid of the moments: number of nodes, and first and last radius [scale lengths]. The
/// nodes are equidistant in the logarithm.
const NODES: usize = 200;
const RANGE: [f64; 2] = [1e-3, 40.0];
/// Number of waves in the disc's potential, which must be even, and largest wave number [1 / scale
/// length]. Wave numbers are equidistant.
const WAVES: usize = 10_000;
const SHORTEST: f64 = 100.0;
/// Number of heights for vertical means, and greatest height [scale heights].
const HEIGHTS: u32 = 256;
const HIGHEST: f64 = 16.0;
/// Constant in the criterion of Toomre (1964): Q = sigma_R kappa / (3.36 G Sigma).
const TOOMRE: f64 = 3.36;

/// Parameters of a disc.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layer {
    /// Mass [M].
    pub mass: f64,
    /// Scale length R_d [L].
    pub length: f64,
    /// Scale height z_0 [L].
    pub height: f64,
}

/// A disc with the moments of its velocities in the potential of all components.
#[derive(Clone, Debug)]
pub(super) struct Disc {
    layer: Layer,
    moments: Vec<Moments>,
}

/// Velocity moments at a radius [L/T].
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moments {
    /// Mean rotation.
    pub rotation: f64,
    /// Radial, azimuthal and vertical dispersion.
    pub dispersion: [f64; 3],
}

impl Layer {
    /// Surface density [M/L^2] at `radius` [L].
    pub(super) fn surface(&self, radius: f64) -> f64 {
        self.mass / (TAU * self.length.powi(2)) * math::exp(-radius / self.length)
    }

    /// Mass within a cylinder of this radius [L], in [M]. The mass within a sphere is nearly the
    /// same.
    pub(super) fn enclosed(&self, radius: f64) -> f64 {
        self.mass * part_within(radius / self.length)
    }

    /// The disc as a sum of waves (Hankel transform; Binney & Tremaine 2008, equation 2.155).
    /// Between two layers at a distance d, the force of a wave is reduced by exp(-k d). In units of
    /// z_0, the vertical distance d of two bodies has the probability density (d coth d - 1) /
    /// sinh^2 d on either side.
    fn waves(&self) -> Vec<Wave> {
        let ratio = self.height / self.length;
        let distances: Vec<[f64; 2]> = heights()
            .map(|(d, step)| [ratio * d, 2.0 * step * (d / math::tanh(d) - 1.0) / math::sinh(d).powi(2)])
            .collect();
        let step = SHORTEST / WAVES as f64;
        let wave = |i: usize| {
            let (k, simpson) = (i as f64 * step, if i == WAVES { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 });
            let weight = self.mass / self.length * simpson / 3.0 * step * k / math::powf(1.0 + k * k, 1.5);
            let means = distances.iter().fold([0.0; 2], |[both, apart], [d, share]| {
                let acts = share * math::exp(-k * d);
                [both + acts, apart + 0.5 * d * acts]
            });
            Wave { number: k, radial: weight * means[0], vertical: weight * means[1] }
        };
        (1..=WAVES).map(wave).collect()
    }
}

/// Midpoints and step of a midpoint sum over heights or vertical distances [z_0].
fn heights() -> impl Iterator<Item = (f64, f64)> {
    let step = HIGHEST / f64::from(HEIGHTS);
    (0..HEIGHTS).map(move |i| ((f64::from(i) + 0.5) * step, step))
}

/// A wave of the disc. It adds `radial` and `vertical`, times Bessel functions, to the vertical
/// means of R dPhi/dR and z dPhi/dz [L^2/T^2].
struct Wave {
    /// Wave number k [1 / scale length].
    number: f64,
    radial: f64,
    vertical: f64,
}

/// Potential gradient of a disc and spheres.
pub(super) struct Pull<'a> {
    layer: Layer,
    waves: Vec<Wave>,
    spheres: &'a [Tapered],
}

impl Pull<'_> {
    /// The potential gradient of this disc and these spheres.
    pub(super) fn new(layer: Layer, spheres: &[Tapered]) -> Pull<'_> {
        Pull { layer, waves: layer.waves(), spheres }
    }

    /// Vertical means of R dPhi/dR and z dPhi/dz at `radius` [L], in [L^2/T^2]. For a thin disc,
    /// the first is the square of the circular velocity.
    pub(super) fn at(&self, radius: f64) -> [f64; 2] {
        let x = radius / self.layer.length;
        let disc = self.waves.iter().fold([0.0; 2], |[radial, vertical], wave| {
            let kx = wave.number * x;
            [radial + wave.radial * x * math::j1(kx), vertical + wave.vertical * math::j0(kx)]
        });
        heights().fold(disc, |[radial, vertical], (d, step)| {
            let z = self.layer.height * d;
            let r = math::hypot(radius, z);
            let mass: f64 = self.spheres.iter().map(|sphere| sphere.enclosed(r)).sum();
            let share = step * math::cosh(d).powi(-2) * mass / r.powi(3);
            [radial + share * radius * radius, vertical + share * z * z]
        })
    }
}

/// 1 - (1 + x) exp(-x), without cancellation near 0.
fn part_within(x: f64) -> f64 {
    if x < 1e-3 { x * x * (0.5 - x / 3.0 + x * x / 8.0) } else { 1.0 - (1.0 + x) * math::exp(-x) }
}

impl Disc {
    /// A disc with the minimum `toomre_q` of Toomre's Q, in the potential of itself and `spheres`.
    pub(super) fn new(layer: Layer, toomre_q: f64, spheres: &[Tapered]) -> Disc {
        let pull = Pull::new(layer, spheres);
        let radii: Vec<f64> = (0..NODES).map(|i| radius_of(&layer, i)).collect();
        let pulls: Vec<[f64; 2]> = radii.iter().map(|&r| pull.at(r)).collect();
        // kappa^2 R^2 = 2 v_c^2 + d v_c^2 / d ln R.
        let step = math::ln(radii[1] / radii[0]);
        let epicyclic2 = |i: usize| {
            let (below, above) = (i.saturating_sub(1), (i + 1).min(NODES - 1));
            let slope = (pulls[above][0] - pulls[below][0]) / ((above - below) as f64 * step);
            (2.0 * pulls[i][0] + slope).max(0.0)
        };
        let fall = |r: f64| math::exp(-0.5 * r / layer.length);
        let least = radii
            .iter()
            .enumerate()
            .map(|(i, &r)| fall(r) * epicyclic2(i).sqrt() / r / (TOOMRE * layer.surface(r)));
        let central = toomre_q / least.fold(f64::INFINITY, f64::min);
        let moments = radii.iter().enumerate().map(|(i, &r)| {
            let [v2, vertical2] = pulls[i];
            let radial = central * fall(r);
            let ratio2 = epicyclic2(i) / (4.0 * v2);
            let mean2 = v2 + radial * radial * (1.0 - ratio2 - 2.0 * r / layer.length);
            let dispersion = [radial, radial * ratio2.sqrt(), vertical2.max(0.0).sqrt()];
            Moments { rotation: mean2.max(0.0).sqrt(), dispersion }
        });
        let moments = moments.collect();
        Disc { layer, moments }
    }

    /// Velocity moments at `radius` [L].
    pub(super) fn moments(&self, radius: f64) -> Moments {
        let step = math::ln(RANGE[1] / RANGE[0]) / (NODES - 1) as f64;
        let place = (math::ln(radius / self.layer.length / RANGE[0]) / step).clamp(0.0, (NODES - 1) as f64);
        let i = (place as usize).min(NODES - 2);
        let (a, b, part) = (&self.moments[i], &self.moments[i + 1], place - i as f64);
        let between = |a: f64, b: f64| a + part * (b - a);
        Moments {
            rotation: between(a.rotation, b.rotation),
            dispersion: [0, 1, 2].map(|k| between(a.dispersion[k], b.dispersion[k])),
        }
    }

    /// Draws a body of a disc that rotates about the z axis. `constant` is the gravitational
    /// constant.
    pub(super) fn draw(&self, constant: f64, rng: &mut impl Rng) -> State {
        let radius = self.layer.length * length_of(rng.sample::<f64, _>(Open01));
        let height = self.layer.height * math::atanh(2.0 * rng.sample::<f64, _>(Open01) - 1.0);
        let (sin, cos) = math::sin_cos(TAU * rng.random::<f64>());
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
    layer.length * RANGE[0] * math::powf(RANGE[1] / RANGE[0], node as f64 / (NODES - 1) as f64)
}

/// Radius [scale lengths] that encloses this fraction of the disc's mass, by bisection. The
/// fraction is between 0 and 1.
fn length_of(part: f64) -> f64 {
    let (mut low, mut high) = (0.0, 64.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if part_within(middle) < part { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Two normal random numbers (Box & Muller).
fn normal_pair(rng: &mut impl Rng) -> [f64; 2] {
    let size = (-2.0 * math::ln(rng.sample::<f64, _>(Open01))).sqrt();
    let (sin, cos) = math::sin_cos(TAU * rng.random::<f64>());
    [size * cos, size * sin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Profile;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::f64::consts::PI;

    const LAYER: Layer = Layer { mass: 2.0, length: 3.0, height: 0.3 };

    fn halo() -> Tapered {
        Tapered::new(Profile::Hernquist, 20.0, 10.0, 20.0)
    }

    const THIN: Layer = Layer { height: 3e-3, ..LAYER };

    #[test]
    fn the_rotation_curve_of_a_thin_disc_is_that_of_freeman() {
        // Freeman (1970, ApJ 160, 811): the maximum is at 2.15 scale lengths, with v^2 = 0.387 M /
        // R_d. Far outside, v^2 is that of a point mass.
        let (pull, unit) = (Pull::new(THIN, &[]), LAYER.mass / LAYER.length);
        let v2 = |x: f64| pull.at(3.0 * x)[0] / unit;
        assert!((v2(2.15) - 0.387).abs() < 1e-3, "{}", v2(2.15));
        assert!(v2(2.15) > v2(2.05) && v2(2.15) > v2(2.25));
        // With the quadrupole of the disc, v^2 = M / R (1 + 3/4 <R^2> / R^2 ..) and <R^2> = 6
        // R_d^2.
        assert!((v2(30.0) * 30.0 - (1.0 + 4.5 / 900.0)).abs() < 1e-3, "{}", v2(30.0) * 30.0);
    }

    #[test]
    fn the_pull_on_a_thick_disc_is_the_mean_over_its_bodies() {
        // The pull of points drawn from the disc on other points drawn at this radius.
        let thick = Layer { height: 1.0, ..LAYER };
        let pull = Pull::new(thick, &[]);
        let disc = Disc { layer: thick, moments: vec![Moments::default(); NODES] };
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let points: Vec<[f64; 3]> = (0..200_000).map(|_| disc.draw(1.0, &mut rng).pos).collect();
        for radius in [1.5, 6.0] {
            let mut means = [0.0; 2];
            for (k, [x, y, z]) in points.iter().enumerate() {
                let (sin, cos) = (k as f64).sin_cos();
                let height = points[(k * 7 + 1) % points.len()][2];
                let d = [x - radius * cos, y - radius * sin, z - height];
                let cube = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.01).powf(1.5);
                let share = thick.mass / points.len() as f64 / cube;
                means[0] -= share * radius * (d[0] * cos + d[1] * sin);
                means[1] -= share * height * d[2];
            }
            for (found, expected) in means.into_iter().zip(pull.at(radius)) {
                assert!((found / expected - 1.0).abs() < 0.03, "at {radius}: {found}, not {expected}");
            }
        }
    }

    #[test]
    fn the_least_q_is_the_one_asked_for() {
        let spheres = [halo()];
        let (disc, pull) = (Disc::new(LAYER, 1.7, &spheres), Pull::new(LAYER, &spheres));
        let q = |x: f64| {
            let r = 3.0 * x;
            let omega2 = |r: f64| pull.at(r)[0] / (r * r);
            let h = 1e-4 * r;
            let kappa2 = 4.0 * omega2(r) + r * (omega2(r + h) - omega2(r - h)) / (2.0 * h);
            disc.moments(r).dispersion[0] * kappa2.sqrt() / (TOOMRE * LAYER.surface(r))
        };
        let all: Vec<f64> = (1..50).map(|k| q(0.2 * f64::from(k))).collect();
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((least / 1.7 - 1.0).abs() < 2e-3, "least Q {least}");
        assert!((1.0..4.0).contains(&(0.2 * (1 + all.iter().position(|&q| q == least).unwrap()) as f64)));
    }

    #[test]
    fn a_sheet_alone_has_the_dispersion_of_the_isothermal_sheet() {
        let pull = Pull::new(Layer { height: 0.03, ..LAYER }, &[]);
        for x in [0.5, 1.0, 3.0] {
            let found = pull.at(3.0 * x)[1];
            assert!((found / (PI * LAYER.surface(3.0 * x) * 0.03) - 1.0).abs() < 0.03, "at {x}: {found}");
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
