//! An exponential disc in its own potential and that of spheres. Velocities are drawn from their
//! moments. Units of the file: G = 1.
//!
//! The density is exp(-R / R_d) sech^2(z / z_0). The velocity distribution is normal about the mean
//! rotation, with these moments (Hernquist 1993, ApJS 86, 389, section 2.2; Springel & White 1999,
//! MNRAS 307, 162):
//! - radial dispersion: sigma_R^2 falls as exp(-R / R_d), and its scale gives the requested minimum
//!   of Toomre's Q;
//! - azimuthal dispersion: sigma_R times kappa / (2 Omega), the epicyclic approximation;
//! - mean rotation: its square is the vertical mean of R dPhi/dR minus the asymmetric drift,
//!   sigma_R^2 (kappa^2 / 4 Omega^2 - 1 + 2 R / R_d);
//! - vertical dispersion: its square at each height is the weight of the disc above it over the
//!   density (the vertical Jeans equation), so every layer is in equilibrium. With one dispersion
//!   for all heights, the mean height would stay, but the vertical profile would change.
//!
//! The vertical motion of a body also depends on its angular momentum. A body of low angular
//! momentum comes from smaller radii. Vertical actions are larger there, and the body keeps its
//! action. So the squares of its height and of its vertical velocity are multiplied by
//! w(R_g) / mean(w). Here R_g = R v_phi / v_c(R) is the radius of the circular orbit with the
//! angular momentum of the body. The function w is the vertical dispersion at z = 0, and mean(w) is
//! the mean of w(R_g) over all bodies at R. In the quasi-isothermal distribution functions of
//! Binney (2010, MNRAS 401, 2318), the vertical dispersion depends on R_g too. The factor halves
//! the growth of the disc's height in the first rotation.
//!
//! The vertical mean of R dPhi/dR is over the thick disc. The circular velocity of a thin disc would
//! be too fast for bodies above the plane.
//!
//! With a softening, forces are those between softened bodies. A spline is a sphere of mass around
//! the body, so the disc acts like one whose layers are smeared by the spline's projection on the
//! vertical axis. The smearing within the plane is left out: it changes waves of the length of the
//! disc by (softening / length)^2.

use crate::model::State;
use crate::model::spheres::{Spline, Tapered};
use rand::{Rng, RngExt, distr::Open01};
use rayon::prelude::*;
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
/// Number of layers above the plane, and greatest height [scale heights].
const LAYERS: usize = 96;
const HIGHEST: f64 = 9.0;
/// A mean over azimuthal velocities is a sum over `GUIDES` values on each side of the mean, up to
/// `WIDEST` dispersions away.
const GUIDES: i32 = 20;
const WIDEST: f64 = 4.0;
/// Constant in the criterion of Toomre (1964): Q = sigma_R kappa / (3.36 G Sigma).
const TOOMRE: f64 = 3.36;

/// Parameters of a disc.
#[derive(Clone, Copy, Debug)]
pub(in crate::model) struct Layer {
    /// Mass [M].
    pub mass: f64,
    /// Scale length R_d [L].
    pub length: f64,
    /// Scale height z_0 [L].
    pub height: f64,
}

/// A disc with the moments of its velocities in the potential of all components.
#[derive(Clone, Debug)]
pub(in crate::model) struct Disc {
    layer: Layer,
    /// Moments at each node.
    moments: Vec<Moments>,
    /// Vertical dispersion at each node, in the middle of each layer [L/T].
    upright: Vec<Vec<f64>>,
    /// Circular velocity at each node [L/T].
    circular: Vec<f64>,
    /// Mean over the bodies at each node of the vertical dispersion in the plane at R_g [L/T].
    guided: Vec<f64>,
}

/// Velocity moments at a radius [L/T].
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::model) struct Moments {
    /// Mean rotation.
    pub rotation: f64,
    /// Radial and azimuthal dispersion.
    pub dispersion: [f64; 2],
}

impl Layer {
    /// Surface density [M/L^2] at `radius` [L].
    pub(in crate::model) fn surface(&self, radius: f64) -> f64 {
        self.mass / (TAU * self.length.powi(2)) * math::exp(-radius / self.length)
    }

    /// Mass within a cylinder of this radius [L], in [M]. The mass within a sphere is nearly the
    /// same.
    pub(in crate::model) fn enclosed(&self, radius: f64) -> f64 {
        self.mass * part_within(radius / self.length)
    }

    /// The disc as a sum of waves (Hankel transform; Binney & Tremaine 2008, equation 2.155).
    /// Between two layers at a distance d, the force of a wave is reduced by exp(-k d).
    fn waves(&self, softening: f64) -> Vec<Wave> {
        let (step, thickness) = (SHORTEST / WAVES as f64, self.height / self.length * THICKNESS);
        let shares = self.smeared(softening);
        let wave = |i: usize| {
            let (k, simpson) = (i as f64 * step, if i == WAVES { 1.0 } else { 2.0 + 2.0 * (i % 2) as f64 });
            let weight = self.mass / self.length * simpson / 3.0 * step * k / math::powf(1.0 + k * k, 1.5);
            let [near, away] = fields(&shares, k * thickness);
            let mean = near.iter().enumerate().map(|(j, near)| 2.0 * share(j) * near).sum::<f64>();
            Wave { number: k, radial: weight * mean, vertical: away.iter().map(|s| weight * s).collect() }
        };
        (1..=WAVES).into_par_iter().map(wave).collect()
    }

    /// Fraction of the mass in each layer, from the lowest below the plane to the highest above it, as
    /// bodies of this softening [L] feel it.
    fn smeared(&self, softening: f64) -> Vec<f64> {
        let plain = |j: usize| share(if j < LAYERS { LAYERS - 1 - j } else { j - LAYERS });
        let shares: Vec<f64> = (0..2 * LAYERS).map(plain).collect();
        if softening == 0.0 {
            return shares;
        }
        let spline = Spline::new(softening);
        let below = |layers: f64| spline.below(layers * THICKNESS * self.height);
        let part: Vec<f64> = (0..2 * LAYERS).map(|d| below(d as f64 + 0.5) - below(d as f64 - 0.5)).collect();
        let felt = |j: usize| shares.iter().enumerate().map(|(i, share)| share * part[i.abs_diff(j)]).sum();
        (0..2 * LAYERS).map(felt).collect()
    }
}

/// Thickness of a layer [scale heights].
const THICKNESS: f64 = HIGHEST / LAYERS as f64;

/// Fraction of a sech^2 disc in the layer of this number above the plane.
fn share(layer: usize) -> f64 {
    above(layer as f64 * THICKNESS) - above((layer + 1) as f64 * THICKNESS)
}

/// Fraction of a sech^2 disc above this height [scale heights].
fn above(height: f64) -> f64 {
    1.0 / (1.0 + math::exp(2.0 * height))
}

/// Height of the middle of a layer [scale heights].
fn middle(layer: usize) -> f64 {
    (layer as f64 + 0.5) * THICKNESS
}

/// The means of exp(-k |d|) and of the sign of d times exp(-k |d|) over all mass, in the middle of
/// each layer above the plane. Here d is the distance above the mass. `shares` are those of all
/// layers from below, in which mass is even. `thickness` is that of a layer [1 / k].
fn fields(shares: &[f64], thickness: f64) -> [Vec<f64>; 2] {
    // At the limit all fields but those of the own layer are 0, and none is infinite.
    let half = (0.5 * thickness).min(300.0);
    let fade = math::exp(-2.0 * half);
    // The mean of exp(-k |d|) over another layer, as a multiple of that to its middle; and over the
    // layer itself, from its middle.
    let [even, own] = [math::sinh(half) / half, (1.0 - math::exp(-half)) / half];
    let run = |order: &mut dyn Iterator<Item = &f64>| -> Vec<f64> {
        let mut before = 0.0;
        let next = |share: &f64| {
            let here = before * even;
            before = (before + share) * fade;
            here
        };
        order.map(next).collect()
    };
    let below = run(&mut shares.iter());
    let above = run(&mut shares.iter().rev());
    let (mut near, mut away) = (Vec::with_capacity(LAYERS), Vec::with_capacity(LAYERS));
    for j in LAYERS..2 * LAYERS {
        let [down, up] = [below[j], above[2 * LAYERS - 1 - j]];
        near.push(down + up + shares[j] * own);
        away.push(down - up);
    }
    [near, away]
}

/// A wave of the disc. It adds `radial` times R / R_d J_1(k R / R_d) to the vertical mean of R
/// dPhi/dR, and `vertical` times J_0(k R / R_d) to R_d dPhi/dz in the middle of each layer
/// [L^2/T^2].
struct Wave {
    /// Wave number k [1 / scale length].
    number: f64,
    radial: f64,
    vertical: Vec<f64>,
}

/// Potential gradient of a disc and spheres.
pub(in crate::model) struct Pull<'a> {
    layer: Layer,
    waves: Vec<Wave>,
    spheres: &'a [Tapered],
}

/// The field at a radius.
pub(in crate::model) struct Field {
    /// Vertical mean of R dPhi/dR over the disc [L^2/T^2]. For a thin disc it is the square of the
    /// circular velocity.
    pub circular2: f64,
    /// Square of the vertical dispersion in the middle of each layer [L^2/T^2].
    vertical2: Vec<f64>,
}

impl Pull<'_> {
    /// The potential gradient of this disc and these spheres, on bodies of this softening [L].
    pub(in crate::model) fn new(layer: Layer, spheres: &[Tapered], softening: f64) -> Pull<'_> {
        Pull { layer, waves: layer.waves(softening), spheres }
    }

    /// The field at `radius` [L].
    pub(in crate::model) fn at(&self, radius: f64) -> Field {
        let (circular2, vertical) = self.gradient(radius);
        Field { circular2, vertical2: dispersions2(&vertical, self.layer.height) }
    }

    /// The vertical mean of R dPhi/dR [L^2/T^2], and dPhi/dz in the middle of each layer [L/T^2].
    fn gradient(&self, radius: f64) -> (f64, Vec<f64>) {
        let (x, height) = (radius / self.layer.length, self.layer.height);
        let (mut circular2, mut vertical) = (0.0, vec![0.0; LAYERS]);
        for wave in &self.waves {
            let kx = wave.number * x;
            circular2 += wave.radial * x * math::j1(kx);
            let j0 = math::j0(kx) / self.layer.length;
            vertical.iter_mut().zip(&wave.vertical).for_each(|(sum, part)| *sum += part * j0);
        }
        for (j, vertical) in vertical.iter_mut().enumerate() {
            let z = height * middle(j);
            let r = math::hypot(radius, z);
            let pull = self.spheres.iter().map(|sphere| sphere.pulled(r)).sum::<f64>() / r.powi(3);
            circular2 += 2.0 * share(j) * pull * radius * radius;
            *vertical += pull * z;
        }
        (circular2, vertical)
    }
}

/// Squares of the vertical dispersion in the middle of each layer [L^2/T^2], from dPhi/dz there: the
/// weight of the mass above over the density.
fn dispersions2(vertical: &[f64], height: f64) -> Vec<f64> {
    let mut weight = above(HIGHEST) * vertical[LAYERS - 1];
    let mut found = vec![0.0; LAYERS];
    for j in (0..LAYERS).rev() {
        // The upper half of the layer, with the force at its middle.
        let next = vertical[(j + 1).min(LAYERS - 1)];
        let upper = above(middle(j)) - above((j + 1) as f64 * THICKNESS);
        let over = weight + upper * (0.75 * vertical[j] + 0.25 * next);
        let density = 0.5 * math::cosh(middle(j)).powi(-2);
        found[j] = (over * height / density).max(0.0);
        weight += share(j) * vertical[j];
    }
    found
}

/// 1 - (1 + x) exp(-x), without cancellation near 0.
fn part_within(x: f64) -> f64 {
    if x < 1e-3 { x * x * (0.5 - x / 3.0 + x * x / 8.0) } else { 1.0 - (1.0 + x) * math::exp(-x) }
}

/// Does a job on the threads of the caller's pool, or on threads of its own. A program that checks its
/// parameters before it starts its threads must not find the global ones started here.
fn on_threads<T: Send>(job: impl FnOnce() -> T + Send) -> T {
    if rayon::current_thread_index().is_some() {
        return job();
    }
    let pool = rayon::ThreadPoolBuilder::new().build().expect("threads can be started");
    pool.install(job)
}

impl Disc {
    /// A disc with the minimum `toomre_q` of Toomre's Q, in the potential of itself and `spheres`, of
    /// bodies with this softening [L].
    pub(in crate::model) fn new(layer: Layer, toomre_q: f64, spheres: &[Tapered], softening: f64) -> Disc {
        let radii: Vec<f64> = (0..NODES).map(|i| radius_of(&layer, i)).collect();
        let fields: Vec<Field> = on_threads(|| {
            let pull = Pull::new(layer, spheres, softening);
            radii.par_iter().map(|&r| pull.at(r)).collect()
        });
        // kappa^2 R^2 = 2 v_c^2 + d v_c^2 / d ln R.
        let step = math::ln(radii[1] / radii[0]);
        let epicyclic2 = |i: usize| {
            let (below, above) = (i.saturating_sub(1), (i + 1).min(NODES - 1));
            let slope = (fields[above].circular2 - fields[below].circular2) / ((above - below) as f64 * step);
            (2.0 * fields[i].circular2 + slope).max(0.0)
        };
        let fall = |r: f64| math::exp(-0.5 * r / layer.length);
        let least = radii
            .iter()
            .enumerate()
            .map(|(i, &r)| fall(r) * epicyclic2(i).sqrt() / r / (TOOMRE * layer.surface(r)));
        let central = toomre_q / least.fold(f64::INFINITY, f64::min);
        let moments = radii.iter().enumerate().map(|(i, &r)| {
            let v2 = fields[i].circular2;
            let radial = central * fall(r);
            let ratio2 = epicyclic2(i) / (4.0 * v2);
            let mean2 = v2 + radial * radial * (1.0 - ratio2 - 2.0 * r / layer.length);
            let dispersion = [radial, radial * ratio2.sqrt()];
            Moments { rotation: mean2.max(0.0).sqrt(), dispersion }
        });
        let moments = moments.collect();
        let upright = fields.iter().map(|field| field.vertical2.iter().map(|v2| v2.sqrt()).collect());
        let circular = fields.iter().map(|field| field.circular2.max(0.0).sqrt()).collect();
        let disc = Disc { layer, moments, upright: upright.collect(), circular, guided: Vec::new() };
        let guided = radii.iter().map(|&radius| disc.mean_guided(radius)).collect();
        Disc { guided, ..disc }
    }

    /// Vertical dispersion in the plane at the radius of the circular orbit with the angular momentum of
    /// a body at `radius` [L], whose azimuthal velocity is `along` [L/T].
    fn guided(&self, radius: f64, along: f64) -> f64 {
        let guide = radius * along / self.between(&self.circular, radius);
        self.vertical_dispersion(guide.max(RANGE[0] * self.layer.length), 0.0)
    }

    /// Mean of [`Disc::guided`] over the bodies at `radius` [L].
    fn mean_guided(&self, radius: f64) -> f64 {
        let Moments { rotation, dispersion } = self.moments(radius);
        let (mut sum, mut weights) = (0.0, 0.0);
        for k in -GUIDES..=GUIDES {
            let x = WIDEST * f64::from(k) / f64::from(GUIDES);
            let weight = math::exp(-0.5 * x * x);
            sum += weight * self.guided(radius, rotation + x * dispersion[1]);
            weights += weight;
        }
        sum / weights
    }

    /// A number between those at the nodes.
    fn between(&self, at_nodes: &[f64], radius: f64) -> f64 {
        let (node, part) = self.place(radius);
        at_nodes[node] + part * (at_nodes[node + 1] - at_nodes[node])
    }

    /// The node below `radius` [L], and the part of the way to the next.
    fn place(&self, radius: f64) -> (usize, f64) {
        let step = math::ln(RANGE[1] / RANGE[0]) / (NODES - 1) as f64;
        let place = (math::ln(radius / self.layer.length / RANGE[0]) / step).clamp(0.0, (NODES - 1) as f64);
        let node = (place as usize).min(NODES - 2);
        (node, place - node as f64)
    }

    /// Velocity moments at `radius` [L].
    pub(in crate::model) fn moments(&self, radius: f64) -> Moments {
        let (node, part) = self.place(radius);
        let (a, b) = (&self.moments[node], &self.moments[node + 1]);
        let between = |a: f64, b: f64| a + part * (b - a);
        Moments {
            rotation: between(a.rotation, b.rotation),
            dispersion: [0, 1].map(|k| between(a.dispersion[k], b.dispersion[k])),
        }
    }

    /// Vertical dispersion [L/T] at a radius and a height [L].
    pub(in crate::model) fn vertical_dispersion(&self, radius: f64, height: f64) -> f64 {
        let (node, outward) = self.place(radius);
        let place = (height.abs() / (self.layer.height * THICKNESS) - 0.5).clamp(0.0, (LAYERS - 1) as f64);
        let layer = (place as usize).min(LAYERS - 2);
        let upward = place - layer as f64;
        let at = |node: usize| {
            let [a, b] = [layer, layer + 1].map(|layer| self.upright[node][layer]);
            a + upward * (b - a)
        };
        at(node) + outward * (at(node + 1) - at(node))
    }

    /// Draws a body of a disc that rotates about the z axis. `constant` is the gravitational
    /// constant.
    pub(in crate::model) fn draw(&self, constant: f64, rng: &mut impl Rng) -> State {
        let radius = self.layer.length * length_of(rng.sample::<f64, _>(Open01));
        let height = self.layer.height * math::atanh(2.0 * rng.sample::<f64, _>(Open01) - 1.0);
        let (sin, cos) = math::sin_cos(TAU * rng.random::<f64>());
        let Moments { rotation, dispersion } = self.moments(radius);
        let [[a, b], [c, _]] = [normal_pair(rng), normal_pair(rng)];
        let unit = constant.sqrt();
        let outward = unit * dispersion[0] * a;
        let along = unit * (rotation + dispersion[1] * b);
        let heat = self.guided(radius, rotation + dispersion[1] * b) / self.between(&self.guided, radius);
        let upward = unit * self.vertical_dispersion(radius, height) * heat.sqrt() * c;
        let height = height * heat.sqrt();
        State {
            pos: [radius * cos, radius * sin, height],
            vel: [outward * cos - along * sin, outward * sin + along * cos, upward],
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
mod tests;
