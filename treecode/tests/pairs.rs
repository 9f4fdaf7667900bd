//! Softening lengths of pairs of types: forces of two bodies, symmetry, all walks, orders and paths.
#![allow(clippy::disallowed_methods)] // comparisons with bounds, not bits

mod common;

use common::{evaluate, norm, part, plummer};
use heorot_treecode::{
    Bodies, Census, Criterion, Domain, Gravity, PairLength, Part, Selection, Softening, SofteningKernel,
    Walk, accelerations, direct, simd_paths,
};

const WALKS: [Walk; 3] = [Walk::Tree, Walk::Fmm, Walk::Direct];

/// Types 1, 2 and 5 have lengths; 5 has shorter ones with all others; 2 and 3 have a longer one.
fn table() -> Softening {
    let pairs = [([5, 1], 0.02), ([5, 2], 0.0), ([5, 5], 0.01), ([2, 3], 0.3)];
    let pairs = pairs.map(|(types, length)| PairLength { types, length }).to_vec();
    Softening { length: [0.0, 0.2, 0.1, 0.05, 0.0, 0.1], pairs, ..Softening::default() }
}

fn gravity(walk: Walk, softening: Softening) -> Gravity {
    Gravity { walk, softening, criterion: Criterion::Angle, theta: 0.5, ..Gravity::default() }
}

/// A sphere of all types, most of them of the types 1 and 2.
fn sphere(n: usize) -> Bodies {
    let mut bodies = plummer(n, 11);
    for i in 0..n {
        bodies.kind[i] = [1, 2, 1, 2, 1, 2, 1, 2, 5, 3, 4, 0][i % 12];
        bodies.id[i] = i as u64;
    }
    bodies
}

/// Acceleration of the spline at distance r from a unit mass, by the enclosed mass of the kernel
/// W(q) = 8/(pi h^3) (1 - 6 q^2 + 6 q^3), and 16/(pi h^3) (1 - q)^3 from q = 1/2 on (Monaghan & Lattanzio
/// 1985), integrated numerically.
fn spline(r: f64, length: f64) -> f64 {
    let h = 2.8 * length;
    if r >= h {
        return r.powi(-2);
    }
    let shape = |q: f64| if q < 0.5 { 1.0 - 6.0 * q * q * (1.0 - q) } else { 2.0 * (1.0 - q).powi(3) };
    let (steps, end) = (20_000, r / h);
    let step = end / f64::from(steps);
    let shells = (0..steps).map(|k| (f64::from(k) + 0.5) * step).map(|q| 32.0 * q * q * shape(q) * step);
    shells.sum::<f64>() / (r * r)
}

#[test]
fn two_bodies_of_each_pair_of_types_have_the_spline_of_their_length() {
    let softening = table();
    for (a, b) in (0..6u8).flat_map(|a| (0..6u8).map(move |b| (a, b))) {
        for r in [0.004, 0.02, 0.09, 0.25, 0.5, 0.9] {
            let mut two = Bodies::zeroed(2);
            (two.pos[1][1], two.kind[0], two.kind[1]) = (r, a, b);
            (two.mass[0], two.mass[1]) = (1.0, 3.0);
            let want = spline(r, softening.of_pair(a, b));
            for walk in WALKS {
                let mut found = two.clone();
                accelerations(&mut found, &gravity(walk, softening.clone())).unwrap();
                let of = |id: u64| (0..2).find(|&i| found.mass[i] == [1.0, 3.0][id as usize]).unwrap();
                let [light, heavy] = [0, 1].map(|id| found.acceleration(of(id))[1]);
                assert!((light - 3.0 * want).abs() < 1e-5 * want, "{walk:?} {a} {b} {r}: {light} {want}");
                assert!((3.0 * heavy + light).abs() < 1e-6 * light, "{walk:?} {a} {b} {r}: {heavy} {light}");
            }
        }
    }
}

#[test]
fn walks_of_every_order_agree_with_direct_summation() {
    let bodies = sphere(4_000);
    let all: Vec<usize> = (0..bodies.len()).collect();
    for walk in [Walk::Tree, Walk::Fmm] {
        for order in 1..=6 {
            for theta in [0.02, 0.5] {
                let gravity = Gravity { order, theta, ..gravity(walk, table()) };
                let (done, _) = evaluate(&gravity, &bodies);
                let mut squares = 0.0;
                for (i, (acc, pot)) in direct::field(&done, &gravity, &all).into_iter().enumerate() {
                    let difference = std::array::from_fn(|axis| done.acc[axis][i] - acc[axis]);
                    squares += (norm(difference) / norm(acc)).powi(2);
                    assert!((done.pot[i] / pot - 1.0).abs() < 0.04 * theta, "{} {pot}", done.pot[i]);
                }
                let rms = (squares / all.len() as f64).sqrt();
                let bound = if theta < 0.1 { 5e-6 } else { 0.03 * 0.45f64.powi(order as i32) };
                assert!(rms < bound, "{walk:?}, order {order}, theta {theta}: rms {rms:.1e}");
            }
        }
    }
}

#[test]
fn every_path_agrees_with_the_scalar_reference() {
    for (walk, order) in [(Walk::Tree, 3), (Walk::Fmm, 3), (Walk::Fmm, 5)] {
        let gravity = Gravity { order, ..gravity(walk, table()) };
        let field = |path: &str| {
            let (part, _, mut bodies) = part(sphere(3_000), &gravity, |frame, gravity, bodies, cells| {
                Part::new(frame, gravity, bodies, cells, Selection::default())
            });
            let mut tree = part.complete(bodies.len() as u64);
            tree.on_path(path).unwrap();
            tree.compute(&mut bodies, &mut Census::default());
            bodies
        };
        let want = field("scalar");
        for path in simd_paths() {
            let got = field(path);
            for i in 0..want.len() {
                let (a, b) = (got.acceleration(i), want.acceleration(i));
                let difference = std::array::from_fn(|axis| a[axis] - b[axis]);
                assert!(norm(difference) <= 4e-5 * norm(b), "{path}, {walk:?}: {a:?} not {b:?}");
            }
        }
    }
}

#[test]
fn a_periodic_box_has_the_forces_of_ewald_sums() {
    let mut bodies = sphere(600);
    let side = 8.0;
    for axis in &mut bodies.pos {
        axis.iter_mut().for_each(|x| *x = (0.3 * *x).rem_euclid(side));
    }
    let targets: Vec<usize> = (0..bodies.len()).collect();
    for walk in [Walk::Tree, Walk::Fmm] {
        let domain = Domain::Periodic { side };
        let gravity = Gravity { domain, theta: 0.3, order: 5, ..gravity(walk, table()) };
        let mut found = bodies.clone();
        accelerations(&mut found, &gravity).unwrap();
        let exact = direct::field(&found, &gravity, &targets);
        let typical = exact.iter().map(|(acc, _)| norm(*acc)).sum::<f64>() / exact.len() as f64;
        for (i, (acc, _)) in exact.into_iter().enumerate() {
            let difference = std::array::from_fn(|axis| found.acc[axis][i] - acc[axis]);
            assert!(norm(difference) < 2e-3 * typical, "{walk:?}: {:?} {acc:?}", found.acceleration(i));
        }
    }
}

#[test]
fn a_pair_too_long_for_the_box_is_refused() {
    let mut gravity = gravity(Walk::Fmm, table());
    gravity.domain = Domain::Periodic { side: 1.0 };
    let fault = gravity.check().unwrap_err().to_string();
    assert!(fault.contains("softening.length") || fault.contains("softening.pairs"), "{fault}");
    gravity.domain = Domain::Periodic { side: 1.4 };
    let fault = gravity.check().unwrap_err().to_string();
    assert!(fault.contains("softening.pairs = 0.3"), "{fault}");
    gravity.domain = Domain::Periodic { side: 2.0 };
    gravity.check().unwrap();
}

/// The sum of all forces is that of rounding, also between types with a length of their own.
#[test]
fn momentum_is_conserved() {
    let bodies = sphere(2_000);
    for walk in WALKS {
        let mut found = bodies.clone();
        accelerations(&mut found, &Gravity { theta: 0.05, ..gravity(walk, table()) }).unwrap();
        for axis in &found.acc {
            let net: f64 = axis.iter().zip(&found.mass).map(|(a, m)| a * m).sum();
            let size: f64 = axis.iter().zip(&found.mass).map(|(a, m)| (a * m).abs()).sum();
            assert!(net.abs() < 1e-7 * size, "{walk:?}: {net:.1e} of {size:.1e}");
        }
    }
}

/// A table that says the same everywhere gives the bits of one length.
#[test]
fn a_table_of_one_length_has_the_bits_of_that_length() {
    let bodies = sphere(3_000);
    let all = (0..6).flat_map(|a| (0..=a).map(move |b| PairLength { types: [a, b], length: 0.1 }));
    let same = Softening { length: [0.4; 6], pairs: all.collect(), ..Softening::default() };
    let one = Softening { length: [0.1; 6], ..Softening::default() };
    for walk in WALKS {
        let [mut a, mut b] = [bodies.clone(), bodies.clone()];
        accelerations(&mut a, &gravity(walk, same.clone())).unwrap();
        accelerations(&mut b, &gravity(walk, one.clone())).unwrap();
        assert_eq!((a.acc, a.pot), (b.acc, b.pot), "{walk:?}");
    }
}

/// The sums that force errors are measured with agree with those of direct summation.
#[test]
fn sampled_accelerations_are_those_of_direct_summation() {
    let bodies = sphere(500);
    let gravity = gravity(Walk::Direct, table());
    let targets: Vec<usize> = (0..direct::SINKS).collect();
    let places: Vec<_> = targets.iter().map(|&i| (bodies.position(i), bodies.kind[i])).collect();
    let sinks = direct::Sinks::new(&gravity.softening, &places);
    let sum = direct::accelerations(&bodies, 0..bodies.len(), &gravity, &sinks);
    for (s, (acc, _)) in direct::field(&bodies, &gravity, &targets).into_iter().enumerate() {
        let difference = std::array::from_fn(|axis| sum[axis * direct::SINKS + s] - acc[axis]);
        assert!(norm(difference) < 1e-12 * norm(acc), "{s}");
    }
}

/// Active bodies of block steps get the forces that they get with all others.
#[test]
fn active_bodies_have_the_forces_of_all() {
    for walk in [Walk::Tree, Walk::Fmm] {
        let gravity = gravity(walk, table());
        let mut start = sphere(3_000);
        (0..start.len()).for_each(|i| start.rung[i] = u8::from(i % 7 == 0));
        let (all, _) = evaluate(&gravity, &start);
        let selection = Selection { least_rung: 1, changes: false };
        let (part, _, mut some) = part(start, &gravity, |frame, gravity, bodies, cells| {
            Part::new(frame, gravity, bodies, cells, selection)
        });
        part.complete(some.len() as u64).compute(&mut some, &mut Census::default());
        assert_eq!(some.id, all.id);
        for i in 0..some.len() {
            let (a, b) = (some.acceleration(i), all.acceleration(i));
            let difference = std::array::from_fn(|axis| a[axis] - b[axis]);
            let want = if some.rung[i] == 1 { 1e-5 * norm(b) } else { norm(b) };
            assert!(norm(difference) <= want, "{walk:?}: {a:?} {b:?}");
        }
    }
}

/// A kernel with no end has no table.
#[test]
fn plummer_softening_has_no_table() {
    let softening = Softening { kernel: SofteningKernel::Plummer, ..table() };
    let fault = gravity(Walk::Fmm, softening).check().unwrap_err().to_string();
    assert!(fault.contains("softening.pairs"), "{fault}");
}
