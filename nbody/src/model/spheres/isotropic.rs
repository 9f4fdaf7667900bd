//! A table of a sphere with isotropic velocities, to draw bodies from. Units of the file: G = 1.

use rand::{Rng, RngExt, distr::Open01};
use treecode::math;

/// Greatest value of a parabola that is positive on an interval, divided by the greatest of its
/// values at both ends and in the middle. The second factor allows for rounding.
const ABOVE_SAMPLES: f64 = 1.125 * (1.0 + 1e-9);

/// A sphere whose distribution function depends on the energy only. All lists have one entry per
/// radius, from the centre outward.
#[derive(Debug)]
pub struct Isotropic {
    /// Radii [L].
    radius: Vec<f64>,
    /// Mass within the radius [M].
    mass: Vec<f64>,
    /// Depth of the potential, positive and descending [L^2/T^2].
    depth: Vec<f64>,
    /// Distribution function at a binding energy equal to the depth, up to a constant factor. It is
    /// 0 at the energy 0.
    distribution: Vec<f64>,
    /// Upper bound of v^2 f(depth - v^2 / 2) over all speeds v.
    highest: Vec<f64>,
}

impl Isotropic {
    /// A table of at least two nodes, with ascending radius and mass and descending depth.
    pub fn new(radius: Vec<f64>, mass: Vec<f64>, depth: Vec<f64>, distribution: Vec<f64>) -> Isotropic {
        let n = radius.len();
        assert!(n >= 2 && [&mass, &depth, &distribution].iter().all(|list| list.len() == n));
        let outer = |j: usize| if j + 1 < n { (depth[j + 1], distribution[j + 1]) } else { (0.0, 0.0) };
        // f is linear between the nodes, so (depth - e) f(e) is a parabola on each interval.
        let parabola = |i: usize, j: usize| {
            let ends = [(depth[j], distribution[j]), outer(j)];
            let middle = (0.5 * (ends[0].0 + ends[1].0), 0.5 * (ends[0].1 + ends[1].1));
            [ends[0], middle, ends[1]].map(|(e, f)| (depth[i] - e) * f).into_iter().fold(0.0, f64::max)
        };
        let highest =
            (0..n).map(|i| 2.0 * ABOVE_SAMPLES * (i..n).map(|j| parabola(i, j)).fold(0.0, f64::max));
        let highest = highest.collect();
        Isotropic { radius, mass, depth, distribution, highest }
    }

    /// Total mass [M].
    pub fn total(&self) -> f64 {
        *self.mass.last().expect("there are nodes")
    }

    /// Distribution function at the binding energy `e`, up to a constant factor.
    pub fn distribution(&self, e: f64) -> f64 {
        let i = self.depth.partition_point(|&depth| depth > e);
        match (i.checked_sub(1), self.depth.get(i)) {
            (None, _) => self.distribution[0],
            (Some(last), None) => self.distribution[last] * e / self.depth[last],
            (Some(inner), Some(outer)) => {
                let part = (e - outer) / (self.depth[inner] - outer);
                self.distribution[i] + part * (self.distribution[inner] - self.distribution[i])
            }
        }
    }

    /// Draws radius [L] and speed [L/T] of a body. The speed is drawn by rejection from v^2 f.
    pub fn draw(&self, rng: &mut impl Rng) -> (f64, f64) {
        let mass = self.total() * rng.sample::<f64, _>(Open01);
        let i = self.mass.partition_point(|&within| within < mass).max(1);
        // The bound of the inner node is the larger one. Between two nodes, the mass is a power law
        // of the radius, and the depth is linear in ln r.
        let part = math::ln(mass / self.mass[i - 1]) / math::ln(self.mass[i] / self.mass[i - 1]);
        let radius = self.radius[i - 1] * math::powf(self.radius[i] / self.radius[i - 1], part);
        let depth = self.depth[i - 1] + part.max(0.0) * (self.depth[i] - self.depth[i - 1]);
        let escape = (2.0 * depth).sqrt();
        loop {
            let (x, y): (f64, f64) = (rng.random(), rng.random());
            let speed = x * escape;
            let density = speed * speed * self.distribution(depth - 0.5 * speed * speed);
            debug_assert!(density <= self.highest[i - 1], "the bound of the speeds fails at {radius}");
            if y * self.highest[i - 1] < density {
                return (radius, speed);
            }
        }
    }

    /// The outermost radius [L].
    #[cfg(test)]
    pub fn edge(&self) -> f64 {
        *self.radius.last().expect("there are nodes")
    }

    /// Depth of the potential at the nodes [L^2/T^2], from the centre outward.
    #[cfg(test)]
    pub fn depths(&self) -> &[f64] {
        &self.depth
    }
}
