//! Finds the centre of a system of bodies and its velocity.

use treecode::Bodies;

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
    treecode::math::norm(std::array::from_fn(|axis| position[axis] - from[axis]))
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
