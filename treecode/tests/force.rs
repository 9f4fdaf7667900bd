//! Forces of both walks, compared with direct summation.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

mod common;

use common::*;
use heorot_treecode::{
    Bodies, Criterion, Domain, Gravity, Softening, SofteningKernel, Walk, accelerations, direct,
};

const WALKS: [Walk; 2] = [Walk::Tree, Walk::Fmm];

fn angle(walk: Walk, order: usize, theta: f64) -> Gravity {
    Gravity { walk, criterion: Criterion::Angle, order, theta, ..Gravity::default() }
}

/// Coordinate of the cluster on each axis, away from the edges of the largest cells.
const CENTRE: f64 = 5.3;

/// An asymmetric cluster of about this radius, and a single distant body as a probe.
fn cluster_and_probe(radius: f64, place: [f64; 3]) -> Bodies {
    let mut bodies = clumps(60, 11);
    for axis in 0..3 {
        bodies.pos[axis].iter_mut().for_each(|x| *x = radius * (2.0 * *x - 1.0) + CENTRE);
    }
    (0..60).for_each(|i| bodies.mass[i] = 1.0 + (i % 5) as f64);
    let mut probe = Bodies::zeroed(1);
    probe.id[0] = 1000;
    probe.mass[0] = 1e-6;
    (0..3).for_each(|axis| probe.pos[axis][0] = place[axis] + CENTRE);
    bodies.append(&probe);
    bodies
}

/// Errors of acceleration and potential of the probe, relative to the monopole. They are the root
/// mean square over directions.
fn errors_at(distance: f64, gravity: &Gravity) -> [f64; 2] {
    let mut rng: rand_chacha::ChaCha8Rng = rand::SeedableRng::seed_from_u64(9);
    let (mut sum, mut count) = ([0.0; 2], 0.0);
    for _ in 0..60 {
        let place = direction(&mut rng).map(|x| distance * x);
        let (done, census) = evaluate(gravity, &cluster_and_probe(1.0, place));
        let probe = done.id.iter().position(|id| *id == 1000).expect("the probe is there");
        let (acc, pot) = direct::field(&done, gravity, &[probe])[0];
        // Skip directions in which the grid divides the cluster.
        if census.interactions.body_cell != 61 {
            continue;
        }
        count += 1.0;
        let difference = std::array::from_fn(|axis| done.acc[axis][probe] - acc[axis]);
        sum[0] += (norm(difference) / norm(acc)).powi(2);
        sum[1] += ((done.pot[probe] - pot) / pot).powi(2);
    }
    assert!(count >= 10.0, "the cluster was one cell only {count} times");
    sum.map(|sum| (sum / count).sqrt())
}

#[test]
fn field_error_of_each_order_falls_with_its_own_slope() {
    let softenings = [
        Softening::default(),
        Softening { kernel: SofteningKernel::Plummer, length: [0.4; 6], ..Softening::default() },
        Softening { kernel: SofteningKernel::Plummer, length: [0.01; 6], ..Softening::default() },
    ];
    for softening in softenings {
        for order in 1..=4 {
            // One leaf contains the cluster, and the probe accepts it.
            let gravity = Gravity {
                criterion: Criterion::Absolute,
                tolerance: 1e9,
                leaf_size: 60,
                group_size: 60,
                softening: softening.clone(),
                ..angle(Walk::Tree, order, 1.0)
            };
            let (near, far) = (7.0, 14.0);
            let (at_near, at_far) = (errors_at(near, &gravity), errors_at(far, &gravity));
            for (what, near, far) in [("acc", at_near[0], at_far[0]), ("pot", at_near[1], at_far[1])] {
                let slope = (near / far).log2();
                let floor = 2e-7;
                let want = (order + 1) as f64;
                assert!(
                    (slope - want).abs() < 0.35 || far < floor,
                    "{softening:?} order {order}: {what} error {near:.2e} -> {far:.2e}, slope {slope:.2}, not {want}"
                );
                assert!(near > floor, "order {order}: {what} error {near:.2e} shows nothing");
            }
        }
    }
}

/// Errors of acceleration and potential that a cluster of this radius causes on another one, relative
/// to the monopole. The mass of the other cluster is negligible.
fn errors_between_cells(distance: f64, radius: f64, gravity: &Gravity) -> [f64; 2] {
    let mut rng: rand_chacha::ChaCha8Rng = rand::SeedableRng::seed_from_u64(9);
    let (mut sum, mut count) = ([0.0; 2], 0.0);
    for _ in 0..30 {
        let mut bodies = cluster_and_probe(radius, [0.0; 3]);
        let mut sinks = bodies.clone();
        let way = direction(&mut rng);
        sinks.mass.fill(1e-12);
        sinks.id.iter_mut().for_each(|id| *id += 5000);
        (0..3).for_each(|axis| sinks.pos[axis].iter_mut().for_each(|x| *x += distance * way[axis]));
        bodies.append(&sinks);
        let (done, census) = evaluate(gravity, &bodies);
        // Skip directions in which the grid divides a cluster.
        if census.interactions.cell_cell != 2 {
            continue;
        }
        assert_eq!(census.interactions.body_cell, 0);
        let sinks: Vec<usize> = (0..done.len()).filter(|i| done.id[*i] >= 5000).collect();
        for (&i, (acc, pot)) in sinks.iter().zip(direct::field(&done, gravity, &sinks)) {
            let difference = std::array::from_fn(|axis| done.acc[axis][i] - acc[axis]);
            sum[0] += (norm(difference) / norm(acc)).powi(2);
            sum[1] += ((done.pot[i] - pot) / pot).powi(2);
            count += 1.0;
        }
    }
    assert!(count >= 300.0, "the clusters were one cell each only {count} times");
    sum.map(|sum| (sum / count).sqrt())
}

/// One leaf contains each cluster, and the two accept each other.
fn between_clusters(order: usize, softening: &Softening) -> Gravity {
    Gravity {
        criterion: Criterion::Absolute,
        tolerance: 1e9,
        leaf_size: 61,
        softening: softening.clone(),
        ..angle(Walk::Fmm, order, 1.0)
    }
}

#[test]
fn field_error_between_cells_falls_with_its_own_slope() {
    for softening in [
        Softening::default(),
        Softening { kernel: SofteningKernel::Plummer, length: [0.4; 6], ..Softening::default() },
    ] {
        let highest = if softening.is_plummer() { Gravity::MAX_SOFTENED_ORDER } else { Gravity::MAX_ORDER };
        for order in 1..=highest {
            let gravity = between_clusters(order, &softening);
            let (near, far) = (10.0, 20.0);
            let (at_near, at_far) =
                (errors_between_cells(near, 1.0, &gravity), errors_between_cells(far, 1.0, &gravity));
            for (what, near, far) in [("acc", at_near[0], at_far[0]), ("pot", at_near[1], at_far[1])] {
                let slope = (near / far).log2();
                let floor = 3e-7;
                let want = (order + 1) as f64;
                // At these distances, the next order of the potential error is equally large.
                let most = if what == "acc" { 0.4 } else { 1.0 };
                assert!(
                    (slope > want - 0.4 && slope < want + most) || far < floor,
                    "{softening:?} order {order}: {what} error {near:.2e} -> {far:.2e}, slope {slope:.2}, not {want}"
                );
                assert!(near > floor, "order {order}: {what} error {near:.2e} shows nothing");
            }
        }
    }
}

/// Cells act within the support of the spline, in each of its pieces and across their borders at half
/// the support and at its end. The error falls with the size of the cells, by the order.
#[test]
fn field_error_within_the_spline_falls_with_its_own_slope() {
    let distance = 9.0;
    for part in [0.3, 0.5, 0.7, 1.0] {
        let softening = Softening {
            kernel: SofteningKernel::Spline,
            length: [distance / part / 2.8; 6],
            ..Softening::default()
        };
        for order in 1..=Gravity::MAX_SOFTENED_ORDER {
            let gravity = between_clusters(order, &softening);
            let of_radius = |radius| errors_between_cells(distance, radius, &gravity);
            let (wide, narrow) = (of_radius(1.0), of_radius(0.5));
            for (what, wide, narrow) in [("acc", wide[0], narrow[0]), ("pot", wide[1], narrow[1])] {
                let slope = (wide / narrow).log2();
                // The fifth derivative is not continuous at a border, so an order is lost there.
                let at_border = part == 0.5 || part == 1.0;
                let want = (order + 1 - usize::from(at_border && order == 4)) as f64;
                assert!(
                    slope > want - 0.4 || narrow < 6e-7,
                    "{part} of the support, order {order}: {what} error {wide:.2e} -> {narrow:.2e}, slope {slope:.2}, not {want}"
                );
                assert!(wide < 0.04, "{part} of the support, order {order}: {what} error {wide:.2e}");
            }
        }
    }
}

#[test]
fn quadrupoles_at_half_a_radian() {
    let bodies = plummer(100_000, 1);
    // The fmm walk adds the radii of both cells, so it needs a smaller angle for the same error.
    for (walk, theta) in [(Walk::Tree, 0.5), (Walk::Fmm, 0.4)] {
        let gravity = angle(walk, 2, theta);
        let errors = errors(&gravity, &evaluate(&gravity, &bodies).0, 50);
        let (rms, p99) = (rms(&errors), percentile(&errors, 0.99));
        println!("{walk:?}: rms {rms:.2e}, 99th percentile {p99:.2e}");
        assert!(rms < 1e-3 && p99 < 5e-3, "{walk:?}: rms {rms:.2e}, 99th percentile {p99:.2e}");
    }
}

#[test]
fn each_order_is_better_than_the_one_below() {
    for bodies in [plummer(10_000, 2), clumps(10_000, 2)] {
        for walk in WALKS {
            let of_order = |order| {
                let gravity = angle(walk, order, 0.6);
                rms(&errors(&gravity, &evaluate(&gravity, &bodies).0, 10))
            };
            let rms: Vec<f64> = (1..=Gravity::MAX_ORDER).map(of_order).collect();
            assert!(
                rms.windows(2).all(|pair| pair[1] < 0.7 * pair[0] || pair[1] < 1e-6),
                "{walk:?}: {rms:?}"
            );
        }
    }
}

#[test]
fn a_smaller_tolerance_gives_a_smaller_error() {
    let bodies = evaluate(&angle(Walk::Tree, 2, 0.5), &clumps(10_000, 4)).0;
    for walk in WALKS {
        for criterion in [Criterion::Absolute, Criterion::Relative] {
            let rms_at = |tolerance| {
                let gravity = Gravity { walk, criterion, tolerance, order: 2, ..Gravity::default() };
                rms(&errors(&gravity, &evaluate(&gravity, &bodies).0, 10))
            };
            let rms: Vec<f64> = [0.1, 0.01, 0.001, 0.0001].map(rms_at).to_vec();
            assert!(rms.windows(2).all(|pair| pair[1] < 0.6 * pair[0]), "{walk:?}, {criterion:?}: {rms:?}");
        }
    }
}

/// Without approximations, only single-precision rounding errors remain.
#[test]
fn pairs_agree_with_direct_summation_for_every_softening() {
    let mut bodies = plummer(3_000, 5);
    (0..bodies.len()).for_each(|i| bodies.kind[i] = (i % 6) as u8);
    let lengths = [[0.0; 6], [0.3; 6], [0.0, 0.02, 0.1, 0.5, 2.0, 0.0]];
    let kernels = [SofteningKernel::Plummer, SofteningKernel::Spline];
    for (walk, kernel) in WALKS.into_iter().flat_map(|walk| kernels.map(|kernel| (walk, kernel))) {
        for length in lengths {
            let softening = Softening { kernel, length, ..Softening::default() };
            let gravity = Gravity { softening, constant: 43.0, ..angle(walk, 1, 1e-3) };
            let (done, census) = evaluate(&gravity, &bodies);
            // In the fmm walk, leaves of one body are cells of zero radius.
            assert!(walk == Walk::Fmm || census.interactions.body_cell == 0);
            let errors = errors(&gravity, &done, 7);
            assert!(rms(&errors) < 2e-6, "{:?}: rms {:.1e}", gravity.softening, rms(&errors));
            let targets: Vec<usize> = (0..done.len()).step_by(7).collect();
            for (i, (_, pot)) in targets.iter().zip(direct::field(&done, &gravity, &targets)) {
                assert!(
                    (done.pot[*i] - pot).abs() < 1e-5 * pot.abs(),
                    "{:?}: {} not {pot}",
                    gravity.softening,
                    done.pot[*i]
                );
            }
        }
    }
}

#[test]
fn odd_bodies_have_the_right_field() {
    let line = {
        let mut line = plummer(200, 1);
        line.pos[1].fill(0.0);
        line.pos[2].fill(0.0);
        line
    };
    let coincident = {
        let mut heap = plummer(200, 1);
        heap.pos.iter_mut().for_each(|axis| axis[50..].fill(0.25));
        heap
    };
    let deep = {
        // Two bodies that only the deepest level separates, and one far away.
        let mut deep = plummer(100, 1);
        deep.pos.iter_mut().for_each(|axis| axis.iter_mut().for_each(|x| *x *= 1e-6));
        deep.pos[0][0] = 20.0;
        deep
    };
    for (name, bodies) in
        [("one", plummer(1, 1)), ("two", plummer(2, 1)), ("line", line), ("heap", coincident), ("deep", deep)]
    {
        for (walk, leaf_size) in WALKS.into_iter().flat_map(|walk| [1, 16].map(|size| (walk, size))) {
            let softening =
                Softening { kernel: SofteningKernel::Spline, length: [1e-9; 6], ..Softening::default() };
            let gravity = Gravity { leaf_size, group_size: 16, softening, ..angle(walk, 5, 0.2) };
            let (done, _) = evaluate(&gravity, &bodies);
            let targets: Vec<usize> = (0..done.len()).collect();
            for (i, (acc, _)) in direct::field(&done, &gravity, &targets).into_iter().enumerate() {
                let difference: [f64; 3] = std::array::from_fn(|axis| done.acc[axis][i] - acc[axis]);
                assert!(
                    norm(difference) <= 2e-3 * norm(acc),
                    "{walk:?}, {name}, leaf size {leaf_size}: {:?} not {acc:?}",
                    done.acceleration(i)
                );
            }
        }
    }
}

#[test]
fn forces_on_all_bodies_together_are_nearly_zero() {
    for walk in WALKS {
        let gravity = angle(walk, 4, 0.4);
        let (done, _) = evaluate(&gravity, &plummer(10_000, 8));
        let scale: f64 = (0..done.len()).map(|i| done.mass[i] * norm(done.acceleration(i))).sum();
        for axis in 0..3 {
            let force: f64 = done.acc[axis].iter().zip(&done.mass).map(|(a, m)| a * m).sum();
            assert!(force.abs() < 1e-5 * scale, "momentum is not kept: {force:.1e} of {scale:.1e}");
        }
    }
}

/// A sphere of bodies with mass, and massless bodies on and around it, of other types. Those of the
/// last third are alone in their cells.
fn sphere_and_tracers() -> (Bodies, usize) {
    let mut bodies = plummer(1500, 3);
    let heavy = bodies.len();
    let mut tracers = plummer(1500, 4);
    for i in 0..tracers.len() {
        let [stretch, away] = if i < 1000 { [1.0, 0.0] } else { [0.1, 40.0] };
        (0..3).for_each(|axis| tracers.pos[axis][i] = stretch * tracers.pos[axis][i] + away);
        (tracers.mass[i], tracers.kind[i]) = (0.0, 4);
        tracers.id[i] += heavy as u64;
    }
    bodies.append(&tracers);
    (bodies, heavy)
}

fn settings_with_tracers() -> Vec<Gravity> {
    let mut lengths = [0.05; 6];
    lengths[4] = 0.2;
    let softenings = [
        Softening::default(),
        Softening { kernel: SofteningKernel::Spline, length: lengths, ..Softening::default() },
        Softening { kernel: SofteningKernel::Plummer, length: lengths, ..Softening::default() },
    ];
    let mut all = Vec::new();
    for walk in WALKS {
        for softening in &softenings {
            for criterion in [Criterion::Relative, Criterion::Angle] {
                let softening = softening.clone();
                all.push(Gravity { walk, softening, criterion, theta: 0.5, ..Gravity::default() });
            }
        }
    }
    all
}

#[test]
fn tracers_feel_the_field_of_the_masses_and_add_none() {
    let (bodies, heavy) = sphere_and_tracers();
    let all: Vec<usize> = (0..bodies.len()).collect();
    let mut alone = bodies.clone();
    alone.keep(0..heavy);
    for gravity in settings_with_tracers() {
        let exact = direct::field(&bodies, &gravity, &all);
        // Each tracer is a test particle: the field at its place is that of the masses alone.
        for i in [heavy + 1, heavy + 1200] {
            let mut with_one = alone.clone();
            let mut one = bodies.clone();
            one.keep(i..i + 1);
            with_one.append(&one);
            assert_eq!(direct::field(&with_one, &gravity, &[heavy]), [exact[i]]);
        }
        assert_eq!(direct::field(&alone, &gravity, &all[..heavy]), exact[..heavy]);

        let mut found = bodies.clone();
        accelerations(&mut found, &gravity).unwrap();
        let mut without = alone.clone();
        accelerations(&mut without, &gravity).unwrap();
        let error = |some: &Bodies, range: std::ops::Range<usize>| {
            let squares = range.clone().map(|i| {
                let (acc, pot) = exact[i];
                assert!((some.pot[i] / pot - 1.0).abs() < 2e-2, "{gravity:?}: potential of {i}");
                let difference = std::array::from_fn(|axis| some.acc[axis][i] - acc[axis]);
                (norm(difference) / norm(acc)).powi(2)
            });
            (squares.sum::<f64>() / range.len() as f64).sqrt()
        };
        let lonely = error(&without, 0..heavy);
        let [masses, tracers, far] =
            [0..heavy, heavy..heavy + 1000, heavy + 1000..bodies.len()].map(|range| error(&found, range));
        assert!(lonely > 1e-5 && lonely < 5e-3, "{gravity:?}: {lonely:e}");
        assert!(
            masses < 1.5 * lonely && tracers < 1.5 * lonely && far < 1.5 * lonely,
            "{gravity:?}: {lonely:e}, {masses:e}, {tracers:e}, {far:e}"
        );
    }
}

#[test]
fn bodies_that_are_all_massless_feel_nothing() {
    let (mut bodies, _) = sphere_and_tracers();
    bodies.mass.fill(0.0);
    let mut settings = settings_with_tracers();
    let domain = Domain::Periodic { side: 200.0 };
    settings.push(Gravity { domain, ..settings[0].clone() });
    settings.push(Gravity { walk: Walk::Direct, ..Gravity::default() });
    for gravity in settings {
        let mut found = bodies.clone();
        accelerations(&mut found, &gravity).unwrap();
        assert!(found.acc.iter().flatten().chain(&found.pot).all(|x| *x == 0.0), "{gravity:?}");
    }
}
