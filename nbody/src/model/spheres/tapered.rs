//! A sphere with a tapered density profile and a finite mass.

use super::profile::{Density, Profile};
use super::softened::Spline;
use std::f64::consts::PI;
use treecode::math;

/// Number of grid nodes: 70 to 90 for each factor of e in radius.
const NODES: usize = 2000;
/// Limits of the grid. At the first radius, a shell has this fraction of the mass of one at the
/// scale radius. The last radius is this many taper lengths.
const INNERMOST: f64 = 1e-9;
const OUTERMOST: f64 = 30.0;
/// First radius of the grid of a softened sphere, in softening lengths. Further inside, the
/// potential is constant to within rounding.
const INNERMOST_SOFTENED: f64 = 3e-5;

/// A sphere with the density of a profile times sech(radius / taper length).
#[derive(Clone, Debug)]
pub(in crate::model) struct Tapered {
    profile: Profile,
    /// Scale radius [L].
    scale: f64,
    /// Taper length [scale radii].
    cut: f64,
    /// Factor from the profile's density to [M/L^3].
    unit: f64,
    /// Radii, equidistant in their logarithm [L], and the mass within [M].
    radius: Vec<f64>,
    mass: Vec<f64>,
    /// Mass in the centre that would have the gravity of the sphere at each radius [M].
    pulling: Vec<f64>,
}

impl Tapered {
    /// A sphere of this mass [M], scale radius [L] and taper length [scale radii].
    pub(in crate::model) fn new(profile: Profile, mass: f64, scale: f64, cut: f64) -> Tapered {
        let radius = grid(profile, scale, cut);
        let endless = |r: f64| profile.tapered(r / scale, cut);
        let masses = enclosed(&radius, |r| endless(r).value, endless(radius[0]).slope);
        let unit = mass / masses.last().expect("there are nodes");
        let mass: Vec<f64> = masses.into_iter().map(|part| part * unit).collect();
        Tapered { profile, scale, cut, unit, radius, pulling: mass.clone(), mass }
    }

    /// The sphere with the gravity of softened bodies, with the spline kernel of this softening
    /// [L].
    pub(in crate::model) fn softened(mut self, softening: f64) -> Tapered {
        let first = self.radius.partition_point(|&r| r < INNERMOST_SOFTENED * softening);
        self.radius.drain(..first);
        self.mass.drain(..first);
        let spline = Spline::new(softening);
        self.pulling = enclosed(&self.radius, |r| spline.density(r, |x| self.density(x).value), 0.0);
        self
    }

    /// Density [M/L^3] at `radius` [L].
    pub(in crate::model) fn density(&self, radius: f64) -> Density {
        let Density { value, slope } = self.profile.tapered(radius / self.scale, self.cut);
        Density { value: value * self.unit, slope }
    }

    /// Mass [M] within `radius` [L].
    #[cfg(test)]
    pub(in crate::model) fn enclosed(&self, radius: f64) -> f64 {
        self.at(&self.mass, radius)
    }

    /// Mass [M] in the centre that would have the gravity of the sphere at `radius` [L].
    pub(in crate::model) fn pulled(&self, radius: f64) -> f64 {
        self.at(&self.pulling, radius)
    }

    /// A mass at `radius` [L], from those at the nodes.
    fn at(&self, mass: &[f64], radius: f64) -> f64 {
        let i = self.radius.partition_point(|&r| r < radius);
        if i == self.radius.len() {
            return mass[i - 1];
        }
        let i = i.max(1); // below the first radius, extrapolate from the first two
        let power = math::ln(mass[i] / mass[i - 1]) / math::ln(self.radius[i] / self.radius[i - 1]);
        mass[i] * math::powf(radius / self.radius[i], power)
    }

    /// Radii [L] and the mass within each [M], from the centre outward.
    pub(in crate::model) fn nodes(&self) -> (&[f64], &[f64]) {
        (&self.radius, &self.mass)
    }

    /// Mass in the centre that would have the gravity of the sphere, at each node [M]. Without
    /// softening, it is the mass within.
    pub(in crate::model) fn pulling(&self) -> &[f64] {
        &self.pulling
    }

    /// Scale radius [L].
    pub(in crate::model) fn scale(&self) -> f64 {
        self.scale
    }
}

/// Mass within each radius, by Simpson's rule in ln r. Radii must ascend. `slope` is the
/// logarithmic slope of the density at the first radius.
fn enclosed(radius: &[f64], density: impl Fn(f64) -> f64, slope: f64) -> Vec<f64> {
    let shell = |r: f64| 4.0 * PI * r.powi(3) * density(r);
    let mut last = shell(radius[0]);
    let mut within = last / (3.0 + slope);
    let mut masses = vec![within];
    for pair in radius.windows(2) {
        let (middle, next) = (shell((pair[0] * pair[1]).sqrt()), shell(pair[1]));
        within += math::ln(pair[1] / pair[0]) / 6.0 * (last + 4.0 * middle + next);
        masses.push(within);
        last = next;
    }
    masses
}

fn grid(profile: Profile, scale: f64, cut: f64) -> Vec<f64> {
    let shell = |x: f64| x.powi(3) * profile.tapered(x, cut).value;
    let middle = cut.min(1.0);
    let mut first = middle;
    while shell(first) > INNERMOST * shell(middle) {
        first *= 0.5;
    }
    let step = math::ln(OUTERMOST * cut / first) / (NODES - 1) as f64;
    (0..NODES).map(|i| scale * first * math::exp(step * i as f64)).collect()
}
