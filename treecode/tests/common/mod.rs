//! Bodies and evaluations that several tests share.
#![allow(dead_code)] // each test binary uses its share

use heorot_treecode::structure::{self, Structure};
use heorot_treecode::{Bodies, Census, Cube, Frame, Gravity, Key, Part, Selection, Tree, direct};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bodies in key order with accelerations and potentials, and the census.
pub(crate) fn evaluate(gravity: &Gravity, bodies: &Bodies) -> (Bodies, Census) {
    let (part, _, mut bodies) = part(bodies.clone(), gravity, |frame, gravity, bodies, structure| {
        Part::new(frame, gravity, bodies, structure, Selection::default())
    });
    let (_, census) = walk(part, &mut bodies);
    (bodies, census)
}

/// Computes the forces on the selected bodies. `part` must contain all bodies.
pub(crate) fn walk(part: Part, bodies: &mut Bodies) -> (Tree, Census) {
    let (tree, mut census) = (part.complete(bodies.len() as u64), Census::default());
    tree.compute(bodies, &mut census);
    (tree, census)
}

/// All bodies as the part of one rank, and the bodies in key order. `P` is the type of the part.
pub(crate) fn part<P>(
    mut bodies: Bodies,
    gravity: &Gravity,
    new: impl Fn(Frame, &Gravity, &Bodies, &Structure) -> P,
) -> (P, Frame, Bodies) {
    let lo = std::array::from_fn(|axis| bodies.pos[axis].iter().copied().fold(f64::INFINITY, f64::min));
    let hi = std::array::from_fn(|axis| bodies.pos[axis].iter().copied().fold(f64::NEG_INFINITY, f64::max));
    let frame = Frame::new(Cube::around(lo, hi), bodies.mass.iter().sum());
    let keys = heorot_treecode::sort(&mut bodies, &frame.cube);
    let structure = structure::grow(&keys, &Key::CURVE, gravity.leaf_size);
    structure.assert_well_formed(bodies.len(), gravity.leaf_size);
    (new(frame, gravity, &bodies, &structure), frame, bodies)
}

/// Sorted relative errors of the acceleration, for every `stride`-th body.
pub(crate) fn errors(gravity: &Gravity, bodies: &Bodies, stride: usize) -> Vec<f64> {
    let targets: Vec<usize> = (0..bodies.len()).step_by(stride).collect();
    let exact = direct::field(bodies, gravity, &targets);
    let mut errors: Vec<f64> = targets
        .iter()
        .zip(exact)
        .map(|(&i, (acc, _))| {
            let difference = std::array::from_fn(|axis| bodies.acc[axis][i] - acc[axis]);
            norm(difference) / norm(acc)
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    errors
}

pub(crate) fn rms(errors: &[f64]) -> f64 {
    (errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64).sqrt()
}

pub(crate) fn percentile(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() - 1) as f64 * share) as usize]
}

pub(crate) fn norm(v: [f64; 3]) -> f64 {
    (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt()
}

/// A Plummer sphere of unit mass and scale radius, cut at 30 (Aarseth, Hénon & Wielen 1974).
pub(crate) fn plummer(n: usize, seed: u64) -> Bodies {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        let r = loop {
            let r = (rng.random::<f64>().powf(-2.0 / 3.0) - 1.0).powf(-0.5);
            if r < 30.0 {
                break r;
            }
        };
        let place = direction(&mut rng).map(|x| r * x);
        (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
        bodies.mass[i] = 1.0 / n as f64;
    }
    bodies
}

/// Plummer clumps with a power-law mass function on a uniform background in the unit box.
pub(crate) fn clumps(n: usize, seed: u64) -> Bodies {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bodies = Bodies::zeroed(n);
    let centres: Vec<([f64; 3], f64)> =
        (0..30).map(|_| (rng.random(), rng.random::<f64>().powi(3))).collect();
    let total: f64 = centres.iter().map(|c| c.1).sum();
    for i in 0..n {
        let mut place: [f64; 3] = rng.random();
        if i % 10 >= 3 {
            let mut at = rng.random::<f64>() * total;
            let (centre, weight) = *centres
                .iter()
                .find(|c| {
                    at -= c.1;
                    at <= 0.0
                })
                .unwrap_or(&centres[0]);
            let r = 0.01 * weight.cbrt() * (rng.random::<f64>().powf(-2.0 / 3.0) - 1.0).powf(-0.5).min(10.0);
            let way = direction(&mut rng);
            place = std::array::from_fn(|axis| centre[axis] + r * way[axis]);
        }
        (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
        bodies.mass[i] = 1.0 / n as f64;
    }
    bodies
}

pub(crate) fn direction(rng: &mut impl Rng) -> [f64; 3] {
    let z = 2.0 * rng.random::<f64>() - 1.0;
    let (phi, s) = (std::f64::consts::TAU * rng.random::<f64>(), (1.0 - z * z).sqrt());
    [s * phi.cos(), s * phi.sin(), z]
}
