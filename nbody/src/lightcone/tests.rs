//! Compares crossings with exact solutions in a universe of matter alone, with H0 = 1: the distance
//! is 2 c (1 - sqrt(a)), and the factor of a drift is 2 (1 / sqrt(a) - 1 / sqrt(a')).

use super::*;
use decomposition::{Solo, threads};
use std::f64::consts::PI;
use treecode::math::{hash, ln};
use treecode::{Domain, leapfrog};

const SIDE: f64 = 0.25;
const LIGHT: f64 = 1.0;

fn universe() -> Cosmology {
    Cosmology::flat(1.0, 1.0)
}

fn settings(redshifts: [f64; 2]) -> Settings {
    Settings { observer: [0.1, 0.02, 0.2], speed_of_light: LIGHT, redshifts, opening: None }
}

fn distance(a: f64) -> f64 {
    2.0 * LIGHT * (1.0 - a.sqrt())
}

/// Bodies anywhere in the box, with momenta up to this one along each axis.
fn scattered(n: usize, momentum: f64) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    let random = |i: usize, k: usize| (hash((i * 6 + k) as u64) >> 11) as f64 / (1u64 << 53) as f64;
    for i in 0..n {
        bodies.mass[i] = 1.0 + random(i, 0);
        for axis in 0..3 {
            bodies.pos[axis][i] = SIDE * random(i, axis);
            bodies.vel[axis][i] = momentum * (2.0 * random(i, axis + 3) - 1.0);
        }
    }
    bodies
}

fn lattice(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n * n * n);
    for i in 0..bodies.len() {
        let cells = [i / (n * n), i / n % n, i % n];
        (0..3).for_each(|axis| bodies.pos[axis][i] = (cells[axis] as f64 + 0.5) * SIDE / n as f64);
    }
    bodies.mass.fill(2.0);
    bodies
}

/// Moves the bodies without forces from one redshift to another in this number of drifts. `wraps`
/// returns whether the bodies are wrapped after a drift.
fn follow(
    cone: &mut LightCone,
    mut bodies: Bodies,
    redshifts: [f64; 2],
    drifts: usize,
    wraps: impl Fn(usize) -> bool,
) {
    let [from, until] = redshifts.map(|z| ln(scale_factor_of(z)));
    let time = |k: usize| if k == drifts { until } else { from + (until - from) * k as f64 / drifts as f64 };
    for k in 0..drifts {
        let factor = universe().drift_over(time(k), time(k + 1) - time(k));
        cone.record(&bodies, factor, time(k + 1));
        leapfrog::drift(&mut bodies, factor);
        if wraps(k) {
            bodies.wrap(Domain::Periodic { side: SIDE });
        }
    }
}

fn cone(settings: Settings, start: f64) -> LightCone {
    LightCone::new(settings, universe(), SIDE, ln(scale_factor_of(start)))
}

/// Positions in the order of redshifts and places.
fn sorted(bodies: &Bodies) -> Vec<(f64, u64, [f64; 3])> {
    let mut all: Vec<_> = redshifts_of(bodies)
        .iter()
        .enumerate()
        .map(|(i, z)| (*z, bodies.id[i], bodies.position(i)))
        .collect();
    all.sort_by(|a, b| a.partial_cmp(b).unwrap());
    all
}

#[test]
fn each_image_of_a_lattice_at_rest_crosses_once_at_its_distance() {
    let range = [0.1, 0.7];
    let n = 6;
    let mut cone = cone(settings(range), 1.0);
    follow(&mut cone, lattice(n), [1.0, 0.0], 13, |_| true);
    let crossed = cone.crossed();
    let [near, far] = range.map(|z| distance(scale_factor_of(z)));
    // Every image of every body.
    let mut expected = Vec::new();
    let (bodies, reach) = (lattice(n), (far / SIDE).ceil() as i64 + 1);
    for x in -reach..=reach {
        for y in -reach..=reach {
            for z in -reach..=reach {
                let image = [x, y, z].map(|n| n as f64 * SIDE);
                for i in 0..bodies.len() {
                    let place: [f64; 3] = std::array::from_fn(|axis| {
                        bodies.pos[axis][i] - settings(range).observer[axis] + image[axis]
                    });
                    let length = place.iter().map(|x| x * x).sum::<f64>().sqrt();
                    if length > near && length <= far {
                        expected.push((length, bodies.id[i], place));
                    }
                }
            }
        }
    }
    assert_eq!(crossed.len(), expected.len());
    expected.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let mut found: Vec<_> = sorted(crossed).into_iter().map(|(_, id, place)| (id, place)).collect();
    let length = |place: &[f64; 3]| place.iter().map(|x| x * x).sum::<f64>().sqrt();
    found.sort_by(|a, b| (length(&a.1), a.0).partial_cmp(&(length(&b.1), b.0)).unwrap());
    let mut lengths = Vec::new();
    for ((found_id, place), (wanted, ..)) in found.iter().zip(&expected) {
        assert!((length(place) - wanted).abs() < 1e-13, "{found_id}");
        lengths.push(length(place));
    }
    let mut places: Vec<_> =
        found.iter().map(|(_, place)| place.map(|x| (x / SIDE * 1e6).round() as i64)).collect();
    places.sort_unstable();
    assert!(places.windows(2).all(|pair| pair[0] != pair[1]), "an image has crossed twice");
    // Density times volume; the surface of the spheres has fluctuations.
    let volume = 4.0 / 3.0 * PI * (far.powi(3) - near.powi(3));
    let mean = (n as f64 / SIDE).powi(3) * volume;
    assert!((found.len() as f64 / mean - 1.0).abs() < 0.003, "{} {mean}", found.len());
    assert!(found.len() > 5_000);
    // The redshift belongs to the distance.
    for (z, _, place) in sorted(crossed) {
        assert!((distance(scale_factor_of(z)) - length(&place)).abs() < 1e-14, "{z}");
    }
}

#[test]
fn moving_bodies_cross_at_the_root() {
    // Momenta up to 0.3 c: bodies cross many boxes.
    let range = [0.0, 0.8];
    let bodies = scattered(300, 0.3);
    let mut cone = cone(settings(range), 1.0);
    follow(&mut cone, bodies.clone(), [1.0, 0.0], 7, |k| k % 2 == 0);
    let crossed = cone.crossed();
    assert!(crossed.len() > 10_000);
    let drifted = |a: f64| 2.0 * (1.0 / 0.5f64.sqrt() - 1.0 / a.sqrt());
    for i in 0..crossed.len() {
        let body = crossed.id[i] as usize;
        // On a straight line from an image of where the body was at the start.
        let a = scale_factor_of(redshifts_of(crossed)[i]);
        let begun: [f64; 3] = std::array::from_fn(|axis| {
            crossed.pos[axis][i] - bodies.vel[axis][body] * drifted(a) + settings(range).observer[axis]
                - bodies.pos[axis][body]
        });
        let image = begun.map(|x| (x / SIDE).round());
        (0..3).for_each(|axis| {
            assert!((begun[axis] - image[axis] * SIDE).abs() < 1e-13, "{begun:?}");
            assert!((crossed.vel[axis][i] - bodies.vel[axis][body] / a).abs() < 1e-15);
        });
        // Bisection of the closed form, as far as doubles go.
        let outside = |a: f64| {
            let place = |axis: usize| {
                bodies.pos[axis][body] + image[axis] * SIDE + bodies.vel[axis][body] * drifted(a)
                    - settings(range).observer[axis]
            };
            (0..3).map(|axis| place(axis).powi(2)).sum::<f64>().sqrt() - distance(a)
        };
        let (mut low, mut high) = (0.5, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if outside(middle) < 0.0 { low = middle } else { high = middle }
        }
        assert!((a - low).abs() < 4e-15, "{a} {low}");
    }
}

#[test]
fn the_number_of_drifts_and_wrapping_change_nothing() {
    let bodies = scattered(200, 0.2);
    let all = |drifts: usize, wraps: fn(usize) -> bool| {
        let mut cone = cone(settings([0.0, 0.9]), 0.9);
        follow(&mut cone, bodies.clone(), [0.9, 0.0], drifts, wraps);
        sorted(cone.crossed())
    };
    let expected = all(1, |_| false);
    for (drifts, wraps) in
        [(2, (|_| true) as fn(usize) -> bool), (9, |_| false), (64, |k| k % 3 == 0), (1000, |_| true)]
    {
        let found = all(drifts, wraps);
        assert_eq!(found.len(), expected.len(), "{drifts} drifts");
        for (a, b) in found.iter().zip(&expected) {
            assert!((a.0 - b.0).abs() < 1e-13 && a.1 == b.1, "{drifts} drifts: {a:?} {b:?}");
            assert!((0..3).all(|axis| (a.2[axis] - b.2[axis]).abs() < 1e-13), "{drifts} drifts");
        }
    }
}

#[test]
fn a_cone_of_directions_is_a_part_of_the_sky() {
    let bodies = scattered(400, 0.1);
    let of = |opening: Option<Opening>| {
        let mut cone = cone(Settings { opening, ..settings([0.0, 0.8]) }, 1.0);
        follow(&mut cone, bodies.clone(), [1.0, 0.0], 5, |_| true);
        cone.crossed().clone()
    };
    let all = of(None);
    let opening = Opening::new([1.0, 2.0, -2.0], 40f64.to_radians());
    let part = of(Some(opening));
    let is_inside = |i: &usize| {
        let [x, y, z] = all.position(*i);
        ((x + 2.0 * y - 2.0 * z) / 3.0 / (x * x + y * y + z * z).sqrt()).acos() <= 40f64.to_radians()
    };
    let inside: Vec<u32> = (0..all.len()).filter(is_inside).map(|i| i as u32).collect();
    let mut expected = all.clone();
    expected.permute(&inside);
    assert_eq!(part, expected);
    let share = part.len() as f64 / all.len() as f64;
    assert!((share / (opening.solid_angle() / (4.0 * PI)) - 1.0).abs() < 0.1, "{share}");
}

#[test]
fn shells_divide_the_crossings() {
    let range = [0.2, 0.8];
    let shells = Shells::equal(&universe(), range, 4);
    let edges: Vec<f64> = (0..4).map(|k| distance(scale_factor_of(shells.redshifts(k)[1]))).collect();
    let [near, far] = range.map(|z| distance(scale_factor_of(z)));
    for (k, edge) in edges.iter().enumerate() {
        assert!((edge - (far - (far - near) * k as f64 / 4.0)).abs() < 1e-13);
    }
    assert_eq!((shells.redshifts(0)[1], shells.redshifts(3)[0], shells.count()), (0.8, 0.2, 4));
    // Taken as they are complete, or all at the end.
    let bodies = scattered(300, 0.1);
    let mut whole = cone(settings(range), 1.0);
    follow(&mut whole, bodies.clone(), [1.0, 0.0], 20, |_| true);
    let count = whole.crossed().len();
    let mut growing = cone(settings(range), 1.0);
    let (mut taken, mut done, mut moving) = (Vec::new(), 0, bodies);
    for k in 0..20 {
        let [from, until] = [k, k + 1].map(|k| ln(0.5) * (1.0 - f64::from(k) / 20.0));
        let factor = universe().drift_over(from, until - from);
        growing.record(&moving, factor, until);
        leapfrog::drift(&mut moving, factor);
        moving.wrap(Domain::Periodic { side: SIDE });
        while done < shells.complete(growing.reached_redshift()) {
            taken.push(growing.take(shells.redshifts(done)));
            done += 1;
        }
        if k == 10 {
            // As from a checkpoint.
            let (reached, crossed) = (growing.reached(), growing.crossed().clone());
            growing = LightCone::resume(settings(range), universe(), SIDE, reached, crossed);
        }
    }
    assert_eq!((done, growing.crossed().len()), (4, 0));
    assert_eq!(taken.iter().map(Bodies::len).sum::<usize>(), count);
    for (k, shell) in taken.iter().enumerate() {
        let [low, high] = shells.redshifts(k);
        assert!(shell.len() > 300 && redshifts_of(shell).iter().all(|z| *z > low && *z <= high));
        let same = whole.take([low, high]);
        assert_eq!(sorted(shell).len(), sorted(&same).len());
    }
    assert_eq!(whole.crossed().len(), 0);
}

#[test]
fn maps_hold_all_mass_on_any_ranks() {
    let mut light = cone(settings([0.0, 0.6]), 0.6);
    follow(&mut light, scattered(100, 0.1), [0.6, 0.0], 3, |_| true);
    let crossed = light.crossed();
    let map = SkyMap::sum(&Solo, crossed, 8);
    assert_eq!(map.count.iter().sum::<u64>(), crossed.len() as u64);
    let mut mass = vec![0.0; map.mass.len()];
    for i in 0..crossed.len() {
        mass[healpix::pixel(8, crossed.position(i)) as usize] += crossed.mass[i];
    }
    assert!(mass.iter().zip(&map.mass).all(|(a, b)| (a - b).abs() <= 1e-14 * a));
    for ranks in [2, 3, 8] {
        let maps = threads::run(ranks, |comm| {
            let mine: Vec<u32> =
                (0..crossed.len() as u32).rev().filter(|i| *i as usize % ranks == comm.rank()).collect();
            let mut part = crossed.clone();
            part.permute(&mine);
            SkyMap::sum(comm, &part, 8)
        });
        assert!(maps.iter().all(|other| *other == map), "{ranks} ranks");
    }
    let none = SkyMap::sum(&Solo, &Bodies::default(), 2);
    assert_eq!((none.mass.len(), none.mass.iter().sum::<f64>()), (48, 0.0));
}
