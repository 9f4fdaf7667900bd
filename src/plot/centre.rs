//! The centre of a system of bodies and how it moves.

use treecode::Bodies;

/// A sphere's radius, over that of the one before (Power et al. 2003, section 2.5).
const SHRINKS: f64 = 0.975;
/// Bodies in the last sphere: a part of all, but from so few to so many.
const LAST_PART: f64 = 0.05;
const LAST: [usize; 2] = [10, 1000];

/// A place and its velocity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Centre {
    /// [L].
    pub position: [f64; 3],
    /// Mean velocity of the bodies next to it [L/T].
    pub velocity: [f64; 3],
}

impl Centre {
    /// The middle of the main body, by a sphere that shrinks about the centre of mass of what is in it (Power et al. 2003). There must be a body.
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
                // A sphere that has lost nobody has the same centre, and so have all down to the farthest body.
                let steps = (farthest(bodies, position, &inside) / radius).ln() / SHRINKS.ln();
                if steps > 1.0 {
                    radius *= SHRINKS.powf(steps.floor());
                }
            }
        }
        Centre { position, velocity: mean(bodies, &bodies.vel, &inside) }
    }

    /// A given place, which moves as the bodies next to it do.
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

/// Mean of a vector over some bodies, weighted by mass.
fn mean(bodies: &Bodies, vector: &[Vec<f64>; 3], some: &[u32]) -> [f64; 3] {
    let mass: f64 = some.iter().map(|&i| bodies.mass[i as usize]).sum();
    vector
        .each_ref()
        .map(|axis| some.iter().map(|&i| bodies.mass[i as usize] * axis[i as usize]).sum::<f64>() / mass)
}
