//! Radial profiles: spherical shells about the centre of a system, and how that centre is found.
#![allow(clippy::disallowed_methods)] // no result of a run depends on profiles

use nalgebra::Vector3;
use treecode::Bodies;
use treecode::math::norm;

/// Factor by which the radius of the sphere shrinks in each iteration (Power et al. 2003, section
/// 2.5).
const SHRINKS: f64 = 0.975;
/// Fraction of the bodies in the last sphere, and limits of their number.
const LAST_PART: f64 = 0.05;
const LAST: [usize; 2] = [10, 1000];

/// A centre and its velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centre {
    /// Position [L].
    pub position: [f64; 3],
    /// Mean velocity of the bodies nearest to the centre [L/T].
    pub velocity: [f64; 3],
}

impl Centre {
    /// The centre of the main body by the shrinking-sphere method (Power et al. 2003): the sphere
    /// is recentred on the centre of mass inside it. There must be at least one body.
    pub fn find(bodies: &Bodies) -> Centre {
        let last = last_count(bodies.len());
        let mut inside: Vec<u32> = (0..bodies.len() as u32).collect();
        let mut position = mean(bodies, &bodies.pos, &inside);
        let mut radius = farthest(bodies, position, &inside);
        while inside.len() > last && radius > 0.0 && radius.is_finite() {
            radius *= SHRINKS;
            let near: Vec<u32> =
                inside.iter().copied().filter(|&i| distance(bodies, position, i) <= radius).collect();
            if near.len() < last {
                break;
            }
            if near.len() < inside.len() {
                inside = near;
                position = mean(bodies, &bodies.pos, &inside);
            } else {
                // A sphere that loses no body keeps its centre. So all radii down to the farthest
                // body are skipped.
                let steps = (farthest(bodies, position, &inside) / radius).ln() / SHRINKS.ln();
                if steps > 1.0 {
                    radius *= SHRINKS.powf(steps.floor());
                }
            }
        }
        Centre { position, velocity: mean(bodies, &bodies.vel, &inside) }
    }

    /// A given position with the mean velocity of the bodies nearest to it.
    pub fn at(bodies: &Bodies, position: [f64; 3]) -> Centre {
        let last = last_count(bodies.len());
        let mut near: Vec<u32> = (0..bodies.len() as u32).collect();
        if near.len() > last {
            let by_distance = |a: &u32, b: &u32| {
                distance(bodies, position, *a).total_cmp(&distance(bodies, position, *b)).then(a.cmp(b))
            };
            near.select_nth_unstable_by(last - 1, by_distance);
            near.truncate(last);
            near.sort_unstable();
        }
        Centre { position, velocity: mean(bodies, &bodies.vel, &near) }
    }
}

fn last_count(bodies: usize) -> usize {
    ((LAST_PART * bodies as f64) as usize).clamp(LAST[0], LAST[1])
}

fn distance(bodies: &Bodies, from: [f64; 3], i: u32) -> f64 {
    let position = bodies.position(i as usize);
    norm(std::array::from_fn(|axis| position[axis] - from[axis]))
}

fn farthest(bodies: &Bodies, from: [f64; 3], some: &[u32]) -> f64 {
    some.iter().map(|&i| distance(bodies, from, i)).fold(0.0, f64::max)
}

/// Mass-weighted mean of a vector over some bodies.
fn mean(bodies: &Bodies, vector: &[Vec<f64>; 3], some: &[u32]) -> [f64; 3] {
    let mass: f64 = some.iter().map(|&i| bodies.mass[i as usize]).sum();
    vector
        .each_ref()
        .map(|axis| some.iter().map(|&i| bodies.mass[i as usize] * axis[i as usize]).sum::<f64>() / mass)
}

/// Approximate number of bodies inside the innermost shell, and fraction of the mass outside the
/// outermost one.
const INNERMOST: f64 = 20.0;
const OUTSIDE: f64 = 0.005;

/// A spherical shell about the centre. Means are weighted by mass.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shell {
    /// Inner and outer radius [L].
    pub ends: [f64; 2],
    /// Number of bodies.
    pub bodies: u64,
    /// Mass [M].
    pub mass: f64,
    /// Mass within the outer radius [M].
    pub enclosed: f64,
    /// Mean velocity [L/T]: radial, polar and azimuthal. The axis is the angular momentum of all
    /// bodies.
    pub velocity: [f64; 3],
    /// Velocity dispersion in the same directions [L/T].
    pub dispersion: [f64; 3],
}

impl Shell {
    /// Geometric mean of the inner and outer radius [L].
    pub fn radius(&self) -> f64 {
        (self.ends[0] * self.ends[1]).sqrt()
    }

    /// Mean density [M/L^3].
    pub fn density(&self) -> f64 {
        let volume = 4.0 / 3.0 * std::f64::consts::PI * (self.ends[1].powi(3) - self.ends[0].powi(3));
        self.mass / volume
    }

    /// One-dimensional velocity dispersion, the root mean square of the three [L/T].
    pub fn total_dispersion(&self) -> f64 {
        (self.dispersion.iter().map(|sigma| sigma * sigma).sum::<f64>() / 3.0).sqrt()
    }

    /// 1 - (sigma_theta^2 + sigma_phi^2) / (2 sigma_r^2): Binney & Tremaine (2008) eq. 4.61.
    pub fn anisotropy(&self) -> f64 {
        let [r, theta, phi] = self.dispersion.map(|sigma| sigma * sigma);
        1.0 - (theta + phi) / (2.0 * r)
    }

    /// Speed of a circular orbit at the outer radius for a spherical mass distribution [L/T].
    pub fn circular_speed(&self, gravity: f64) -> f64 {
        (gravity * self.enclosed / self.ends[1]).sqrt()
    }
}

/// Shells between two radii [L] about the origin, of bodies at rest there. By default they enclose nearly all bodies.
///
/// # Errors
/// If no body lies there, or all lie at one place.
pub fn shells(bodies: &Bodies, count: usize, radius: Option<[f64; 2]>) -> Result<Vec<Shell>, String> {
    let [inner, outer] = match radius {
        Some(ends) => ends,
        None => {
            let cumulative = cumulative_mass(bodies);
            let inner = enclosing(&cumulative, (INNERMOST / cumulative.len() as f64).min(0.1));
            let least = cumulative.iter().map(|pair| pair[0]).find(|&radius| radius > 0.0);
            let least = least.ok_or("all bodies are at one place, so there is no profile")?;
            [inner.max(least), enclosing(&cumulative, 1.0 - OUTSIDE)]
        }
    };
    // A single body, or bodies at one distance.
    let outer = if outer > inner { outer * (1.0 + 1e-9) } else { 2.0 * inner };
    let ratio = (outer / inner).ln();
    let edge = |i: usize| inner * (ratio * i as f64 / count as f64).exp();
    let mut shells: Vec<Shell> =
        (0..count).map(|i| Shell { ends: [edge(i), edge(i + 1)], ..Shell::default() }).collect();
    let mut squares = vec![[0.0; 3]; count];
    let axis = spin(bodies);
    let mut core = 0.0;
    for i in 0..bodies.len() {
        let (radius, mass) = (norm(bodies.position(i)), bodies.mass[i]);
        if radius < inner {
            core += mass;
            continue;
        }
        let at = ((radius / inner).ln() / ratio * count as f64) as usize;
        let Some(shell) = shells.get_mut(at) else { continue };
        let velocity = spherical(bodies, i, radius, axis);
        shell.bodies += 1;
        shell.mass += mass;
        for k in 0..3 {
            shell.velocity[k] += mass * velocity[k];
            squares[at][k] += mass * velocity[k] * velocity[k];
        }
    }
    let mut enclosed = core;
    for (shell, squares) in shells.iter_mut().zip(squares) {
        enclosed += shell.mass;
        shell.enclosed = enclosed;
        if shell.bodies > 0 {
            shell.velocity = shell.velocity.map(|sum| sum / shell.mass);
            shell.dispersion = std::array::from_fn(|k| {
                (squares[k] / shell.mass - shell.velocity[k].powi(2)).max(0.0).sqrt()
            });
        }
    }
    shells.retain(|shell| shell.bodies > 0);
    if shells.is_empty() {
        return Err(format!("no body lies between the radii {inner:?} and {outer:?}"));
    }
    Ok(shells)
}

/// Direction of the angular momentum of all bodies, or z if it is zero.
fn spin(bodies: &Bodies) -> Vector3<f64> {
    let momentum = |i: usize| {
        bodies.mass[i] * Vector3::from(bodies.position(i)).cross(&Vector3::from(bodies.velocity(i)))
    };
    let sum: Vector3<f64> = (0..bodies.len()).map(momentum).sum();
    sum.try_normalize(0.0).unwrap_or(Vector3::z())
}

/// Velocity of a body [L/T]: radial, polar and azimuthal about an axis.
fn spherical(bodies: &Bodies, i: usize, radius: f64, axis: Vector3<f64>) -> [f64; 3] {
    let velocity = Vector3::from(bodies.velocity(i));
    let outward = Vector3::from(bodies.position(i)) / radius;
    let east = axis.cross(&outward).try_normalize(0.0);
    // On the axis itself, any perpendicular direction will do.
    let east = east.unwrap_or_else(|| axis.cross(&Vector3::x()).try_normalize(0.0).unwrap_or(Vector3::y()));
    [outward, east.cross(&outward), east].map(|direction| direction.dot(&velocity))
}

/// Distances of all bodies in ascending order [L], each with the mass up to and including it
/// [M].
pub fn cumulative_mass(bodies: &Bodies) -> Vec<[f64; 2]> {
    let mut pairs: Vec<[f64; 2]> =
        (0..bodies.len()).map(|i| [norm(bodies.position(i)), bodies.mass[i]]).collect();
    pairs.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut sum = 0.0;
    for pair in &mut pairs {
        sum += pair[1];
        pair[1] = sum;
    }
    pairs
}

/// The radius that encloses a fraction of the mass [L], from [`cumulative_mass`].
pub fn enclosing(cumulative: &[[f64; 2]], part: f64) -> f64 {
    let total = cumulative.last().map_or(0.0, |last| last[1]);
    let place = cumulative.partition_point(|pair| pair[1] < part * total);
    cumulative[place.min(cumulative.len() - 1)][0]
}
