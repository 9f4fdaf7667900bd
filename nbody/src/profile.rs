//! Radial profiles in spherical shells about the centre of a system, and the search for that
//! centre.
//!
//! Means are weighted by mass, so massless bodies do not count. If no body has mass, all count
//! equally.
#![allow(clippy::disallowed_methods)] // no result of a run depends on profiles

use nalgebra::Vector3;
use std::borrow::Cow;
use treecode::math::norm;
use treecode::{Bodies, Domain, TYPES};

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
        Centre::find_in(bodies, Domain::Open)
    }

    /// As [`Centre::find`], with the nearest image of each body in a periodic box.
    pub fn find_in(bodies: &Bodies, domain: Domain) -> Centre {
        let weights = &*weights(bodies);
        let mut inside: Vec<u32> = (0..bodies.len() as u32).filter(|&i| weights[i as usize] > 0.0).collect();
        let last = last_count(inside.len());
        let mut position = mean(weights, &bodies.pos, &inside);
        let distance = |position: [f64; 3], i: u32| distance(bodies, domain, position, i);
        let farthest = |position: [f64; 3], some: &[u32]| {
            some.iter().map(|&i| distance(position, i)).fold(0.0, f64::max)
        };
        let mut radius = farthest(position, &inside);
        while inside.len() > last && radius > 0.0 && radius.is_finite() {
            radius *= SHRINKS;
            let near: Vec<u32> =
                inside.iter().copied().filter(|&i| distance(position, i) <= radius).collect();
            if near.len() < last {
                break;
            }
            if near.len() < inside.len() {
                inside = near;
                position = mean_near(weights, bodies, domain, position, &inside);
            } else {
                // A sphere that loses no body keeps its centre. So all radii down to the farthest
                // body are skipped.
                let steps = (farthest(position, &inside) / radius).ln() / SHRINKS.ln();
                if steps > 1.0 {
                    radius *= SHRINKS.powf(steps.floor());
                }
            }
        }
        Centre { position, velocity: mean(weights, &bodies.vel, &inside) }
    }

    /// A given position with the mean velocity of the bodies nearest to it.
    pub fn at(bodies: &Bodies, position: [f64; 3]) -> Centre {
        Centre::at_in(bodies, Domain::Open, position)
    }

    /// As [`Centre::at`], with the nearest image of each body in a periodic box.
    pub fn at_in(bodies: &Bodies, domain: Domain, position: [f64; 3]) -> Centre {
        let weights = &*weights(bodies);
        let mut near: Vec<u32> = (0..bodies.len() as u32).filter(|&i| weights[i as usize] > 0.0).collect();
        let last = last_count(near.len());
        if near.len() > last {
            let by_distance = |a: &u32, b: &u32| {
                let distance = |i: u32| distance(bodies, domain, position, i);
                distance(*a).total_cmp(&distance(*b)).then(a.cmp(b))
            };
            near.select_nth_unstable_by(last - 1, by_distance);
            near.truncate(last);
            near.sort_unstable();
        }
        Centre { position, velocity: mean(weights, &bodies.vel, &near) }
    }

    /// This centre relative to another one. In a periodic box, the position is that of the nearest image.
    pub fn seen_from(&self, other: &Centre, domain: Domain) -> Centre {
        let velocity = std::array::from_fn(|axis| self.velocity[axis] - other.velocity[axis]);
        Centre { position: domain.displacement(other.position, self.position), velocity }
    }

    /// Moves bodies to positions and velocities relative to this centre. In a periodic box, the position is
    /// that of the nearest image.
    pub fn subtract_from(&self, bodies: &mut Bodies, domain: Domain) {
        self.subtract_from_positions(bodies, domain);
        for axis in 0..3 {
            bodies.vel[axis].iter_mut().for_each(|v| *v -= self.velocity[axis]);
        }
    }

    /// As [`Centre::subtract_from`], for the positions alone.
    pub fn subtract_from_positions(&self, bodies: &mut Bodies, domain: Domain) {
        for i in 0..bodies.len() {
            let place = domain.displacement(self.position, bodies.position(i));
            (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
        }
    }
}

fn last_count(bodies: usize) -> usize {
    ((LAST_PART * bodies as f64) as usize).clamp(LAST[0], LAST[1])
}

fn distance(bodies: &Bodies, domain: Domain, from: [f64; 3], i: u32) -> f64 {
    norm(domain.displacement(from, bodies.position(i as usize)))
}

/// Centre of mass of some bodies [L]: of their images nearest to a position, if space is periodic.
fn mean_near(weights: &[f64], bodies: &Bodies, domain: Domain, near: [f64; 3], some: &[u32]) -> [f64; 3] {
    if !domain.is_periodic() {
        return mean(weights, &bodies.pos, some);
    }
    let (mut sum, mut total) = ([0.0; 3], 0.0);
    for &i in some {
        let (i, weight) = (i as usize, weights[i as usize]);
        let place = domain.displacement(near, bodies.position(i));
        (0..3).for_each(|axis| sum[axis] += weight * place[axis]);
        total += weight;
    }
    std::array::from_fn(|axis| domain.wrap(near[axis] + sum[axis] / total))
}

/// The weights of bodies in means [M]: their masses, or 1 each if none has mass.
fn weights(bodies: &Bodies) -> Cow<'_, [f64]> {
    match bodies.massive() {
        0 => Cow::Owned(vec![1.0; bodies.len()]),
        _ => Cow::Borrowed(&bodies.mass),
    }
}

/// Weighted mean of a vector over some bodies.
fn mean(weights: &[f64], vector: &[Vec<f64>; 3], some: &[u32]) -> [f64; 3] {
    let total: f64 = some.iter().map(|&i| weights[i as usize]).sum();
    vector
        .each_ref()
        .map(|axis| some.iter().map(|&i| weights[i as usize] * axis[i as usize]).sum::<f64>() / total)
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
    /// Number of bodies. Massless bodies count only if no body has mass.
    pub bodies: u64,
    /// Number of bodies of equal mass with the same noise, (Σm)² / Σm².
    pub effective: f64,
    /// Mass [M].
    pub mass: f64,
    /// Mass within the outer radius [M].
    pub enclosed: f64,
    /// Mean velocity [L/T]: radial, polar and azimuthal. The axis is [`spin`].
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

    /// Standard error of the density by the noise of the bodies [M/L^3].
    pub fn density_error(&self) -> f64 {
        self.density() / self.effective.sqrt()
    }

    /// Standard error of the one-dimensional dispersion [L/T]. That of one direction is sigma / sqrt(2 N);
    /// there are three.
    pub fn dispersion_error(&self) -> f64 {
        self.total_dispersion() / (6.0 * self.effective).sqrt()
    }

    /// Standard error of the dispersion in each direction [L/T].
    pub fn dispersion_errors(&self) -> [f64; 3] {
        self.dispersion.map(|sigma| sigma / (2.0 * self.effective).sqrt())
    }

    /// Standard error of the anisotropy, from the relative error sqrt(2 / N) of each squared dispersion.
    pub fn anisotropy_error(&self) -> f64 {
        let [_, theta, phi] = self.dispersion.map(|sigma| sigma.powi(4));
        let tangential = (theta + phi).sqrt() / self.dispersion[1].hypot(self.dispersion[2]).powi(2);
        (1.0 - self.anisotropy()).abs() * (2.0 / self.effective).sqrt() * tangential.hypot(1.0)
    }

    /// Standard error of the mean azimuthal velocity [L/T].
    pub fn rotation_error(&self) -> f64 {
        self.dispersion[2] / self.effective.sqrt()
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
    let (mut totals, mut squares) = (vec![0.0; count], vec![[0.0; 3]; count]);
    let mut squared_weights = vec![0.0; count];
    let weights = &*weights(bodies);
    let axis = Vector3::from(rotation_axis(bodies));
    let mut core = 0.0;
    for i in (0..bodies.len()).filter(|&i| weights[i] > 0.0) {
        let (radius, mass, weight) = (norm(bodies.position(i)), bodies.mass[i], weights[i]);
        if radius < inner {
            core += mass;
            continue;
        }
        let at = ((radius / inner).ln() / ratio * count as f64) as usize;
        let Some(shell) = shells.get_mut(at) else { continue };
        let velocity = spherical(bodies, i, radius, axis);
        shell.bodies += 1;
        shell.mass += mass;
        totals[at] += weight;
        squared_weights[at] += weight * weight;
        for k in 0..3 {
            shell.velocity[k] += weight * velocity[k];
            squares[at][k] += weight * velocity[k] * velocity[k];
        }
    }
    let mut enclosed = core;
    for (((shell, total), squares), weights) in
        shells.iter_mut().zip(totals).zip(squares).zip(squared_weights)
    {
        enclosed += shell.mass;
        shell.enclosed = enclosed;
        if shell.bodies > 0 {
            shell.effective = total * total / weights;
            shell.velocity = shell.velocity.map(|sum| sum / total);
            shell.dispersion =
                std::array::from_fn(|k| (squares[k] / total - shell.velocity[k].powi(2)).max(0.0).sqrt());
        }
    }
    shells.retain(|shell| shell.bodies > 0);
    if shells.is_empty() {
        return Err(format!("no body lies between the radii {inner:?} and {outer:?}"));
    }
    Ok(shells)
}

/// Types of stars: disc, bulge and stars.
pub const STELLAR: [bool; TYPES] = [false, false, true, true, true, false];

/// The types of stars, if one of these bodies with mass is a star; otherwise all types.
pub fn visible_types(bodies: &Bodies) -> [bool; TYPES] {
    let weights = weights(bodies);
    let mut any = [false; TYPES];
    (0..bodies.len()).for_each(|i| any[usize::from(bodies.kind[i])] |= weights[i] > 0.0);
    if (0..TYPES).any(|kind| STELLAR[kind] && any[kind]) { STELLAR } else { [true; TYPES] }
}

/// Fraction of the mass, that nearest to the origin, from which the axis of rotation is computed.
const INNER: f64 = 0.5;

/// Axis of rotation about the origin: the direction of the mean angular velocity Σ m x × v / |x|², or z if it
/// is zero. It uses the inner half of the mass of the [`visible_types`]. A sum of angular momenta would be
/// dominated by the noise of distant bodies of a halo. The bodies must be centred.
pub fn rotation_axis(bodies: &Bodies) -> [f64; 3] {
    let (weights, kinds) = (&*weights(bodies), visible_types(bodies));
    let radius = |i: usize| norm(bodies.position(i));
    let mut members: Vec<usize> = (0..bodies.len())
        .filter(|&i| kinds[usize::from(bodies.kind[i])] && weights[i] > 0.0 && radius(i) > 0.0)
        .collect();
    members.sort_by(|&a, &b| radius(a).total_cmp(&radius(b)));
    let total: f64 = members.iter().map(|&i| weights[i]).sum();
    let (mut inside, mut sum) = (0.0, Vector3::zeros());
    for i in members {
        let [place, velocity] = [bodies.position(i), bodies.velocity(i)].map(Vector3::from);
        let radius = place.norm();
        sum += weights[i] * (place / radius).cross(&(velocity / radius));
        inside += weights[i];
        if inside >= INNER * total {
            break;
        }
    }
    let axis = sum.try_normalize(0.0).filter(|axis| axis.iter().all(|x| x.is_finite()));
    axis.unwrap_or(Vector3::z()).into()
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
/// [M]. If no body has mass, each counts as 1.
pub fn cumulative_mass(bodies: &Bodies) -> Vec<[f64; 2]> {
    let weights = weights(bodies);
    let mut pairs: Vec<[f64; 2]> =
        (0..bodies.len()).map(|i| [norm(bodies.position(i)), weights[i]]).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use treecode::math::hash;

    /// A ball of bodies of unit mass that rotates about the z axis.
    fn ball(n: usize, away: f64) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        let random = |k: usize| hash(k as u64) as f64 / u64::MAX as f64 - 0.5;
        for i in 0..n {
            let x = [random(3 * i), random(3 * i + 1), random(3 * i + 2)];
            (0..3).for_each(|axis| bodies.pos[axis][i] = x[axis] + away);
            (bodies.vel[0][i], bodies.vel[1][i], bodies.mass[i]) = (-x[1], x[0], 1.0);
        }
        bodies
    }

    #[test]
    fn massless_bodies_do_not_count_unless_no_body_has_mass() {
        let alone = ball(2000, 0.0);
        let mut all = alone.clone();
        let mut tracers = ball(5000, 0.3);
        tracers.mass.fill(0.0);
        all.append(&tracers);
        assert_eq!(Centre::find(&all), Centre::find(&alone));
        assert_eq!(Centre::at(&all, [0.1; 3]), Centre::at(&alone, [0.1; 3]));
        let ends = Some([0.05, 0.8]);
        assert_eq!(shells(&all, 10, ends), shells(&alone, 10, ends));

        let mut light = alone.clone();
        light.mass.fill(0.0);
        assert_eq!(Centre::find(&light), Centre::find(&alone));
        let [with, without] = [&alone, &light].map(|bodies| shells(bodies, 10, None).unwrap());
        assert_eq!(with.len(), without.len());
        for (with, without) in with.iter().zip(&without) {
            assert_eq!(*without, Shell { mass: 0.0, enclosed: 0.0, ..*with });
            assert!(with.velocity[2] > 0.0);
        }
    }

    /// A ball across the corner of a box, and few bodies all over it.
    #[test]
    fn a_centre_beyond_the_faces_of_a_box_is_found() {
        let (side, count) = (10.0, 3000);
        let domain = Domain::Periodic { side };
        let mut bodies = Bodies::zeroed(count);
        let random = |i: usize, k: u64| (hash(5 * i as u64 + k) >> 11) as f64 / (1u64 << 53) as f64;
        let centre = [0.02, 9.98, 0.01];
        for i in 0..count {
            bodies.mass[i] = 1.0;
            for axis in 0..3 {
                let random = random(i, axis as u64);
                let place =
                    if i % 4 == 0 { side * random } else { centre[axis] + (random - 0.5).powi(3) * 4.0 };
                bodies.pos[axis][i] = domain.wrap(place);
                bodies.vel[axis][i] = axis as f64;
            }
        }
        let found = Centre::find_in(&bodies, domain);
        let apart = norm(domain.displacement(centre, found.position));
        assert!(apart < 0.05, "{found:?}");
        let near = |domain: Domain| {
            let mut bodies = bodies.clone();
            found.subtract_from(&mut bodies, domain);
            (0..count).filter(|&i| norm(bodies.position(i)) < 0.8).count()
        };
        // Three quarters of the bodies, but for the corners of their cube.
        assert!((2200..2300).contains(&near(domain)), "{}", near(domain));
        assert!(near(Domain::Open) < 1000, "without images: {}", near(Domain::Open));
        found.subtract_from(&mut bodies, domain);
        assert!(bodies.vel.iter().flatten().all(|v| v.abs() < 1e-12));
        assert!(bodies.pos.iter().flatten().all(|x| x.abs() <= 0.5 * side));
    }
}
