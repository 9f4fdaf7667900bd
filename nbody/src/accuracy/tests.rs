//! Statistics of errors of known size, and a sample of bodies that share an id.

use super::*;
use decomposition::{Comm, evaluate, threads};
use treecode::{Bodies, Gravity, Walk};

#[test]
fn an_error_has_a_length_and_a_part_along_the_radius() {
    // The exact acceleration is 2 inward. `found` is too weak by 0.2, and 0.1 off sideways.
    let error = RelativeError::new([-1.8, 0.1, 0.0], [-2.0, 0.0, 0.0], 2.0, [5.0, 0.0, 0.0]);
    assert!((error.outward - 0.1).abs() < 1e-15);
    assert!((error.length - 0.05f64.sqrt() / 2.0).abs() < 1e-15);
    let at_the_centre = RelativeError::new([1.0; 3], [2.0; 3], 12f64.sqrt(), [0.0; 3]);
    assert_eq!((at_the_centre.length, at_the_centre.outward), (0.5, 0.0));
    assert_eq!(RelativeError::new([0.0; 3], [0.0; 3], 0.0, [1.0; 3]).length, 0.0);
    // If forces cancel, the divisor is another acceleration.
    assert_eq!(RelativeError::new([0.5, 0.0, 0.0], [0.0; 3], 2.0, [0.0; 3]).length, 0.25);
}

#[test]
fn percentiles_and_bias_are_those_of_the_bodies() {
    let outward = |i: usize| if i < 600 { 1e-3 } else { -1e-3 };
    let errors: Vec<_> = (0..1000)
        .rev()
        .map(|i| RelativeError { length: i as f64, outward: outward(i), difference: 2.0, exact: 8.0 })
        .collect();
    let accuracy = Accuracy::of(errors);
    assert_eq!((accuracy.sample, accuracy.median, accuracy.percentile_99), (1000, 500.0, 990.0));
    assert_eq!((accuracy.percentile_99_9, accuracy.greatest), (999.0, 999.0));
    assert!((accuracy.rms - (999.0f64 * 1999.0 / 6.0).sqrt()).abs() < 1e-9);
    assert!((accuracy.bias - 2e-4).abs() < 1e-15);
    assert!((accuracy.of_rms - 0.25).abs() < 1e-15);
    assert_eq!(Accuracy::of(Vec::new()).rms, 0.0);
}

/// Bodies that all have the id 0.
fn nameless(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        let place = |salt: usize| ((i * 7919 + salt) * 104_729 % 65_537) as f64 / 65_537.0 - 0.5;
        (0..3).for_each(|axis| bodies.pos[axis][i] = place(axis * 31).powi(3));
        bodies.mass[i] = 1.0 + (i % 5) as f64;
    }
    bodies.id.fill(0);
    bodies
}

/// The sample does not depend on ids. It has the same members if all bodies share one id, on any
/// number of ranks.
#[test]
fn a_sample_of_bodies_that_share_an_id() {
    for walk in [Walk::Fmm, Walk::Tree, Walk::Direct] {
        let gravity = Gravity { walk, ..Gravity::default() };
        let check = |comm: &dyn Comm, all: &Bodies| {
            let mut mine = all.clone();
            let wanted = |i: &u32| *i as usize % comm.size() == comm.rank();
            mine.permute(&(0..all.len() as u32).filter(wanted).collect::<Vec<_>>());
            let evaluation = evaluate(comm, &gravity, mine).unwrap();
            let balance = Balance::measure(comm, &evaluation);
            check(comm, &gravity, &evaluation, &balance, 200)
        };
        let mut named = nameless(2000);
        named.id.iter_mut().zip(0..).for_each(|(id, i)| *id = i);
        let expected = threads::run(1, |comm| check(comm, &named))[0];
        assert_eq!(expected.sample, 200, "{walk:?}");
        assert!(expected.rms < 0.02, "{walk:?}: {expected:?}");
        for ranks in [1, 3] {
            let found = threads::run(ranks, |comm| check(comm, &nameless(2000)));
            assert_eq!(found, vec![expected; ranks], "{walk:?} on {ranks} ranks");
        }
    }
}

/// Random bodies in a cube of side two, and a partner at this distance from each of the first few.
fn pairs(n: usize, partners: usize, distance: f64) -> Bodies {
    let mut bodies = nameless(n + partners);
    for i in 0..n + partners {
        bodies.id[i] = i as u64;
        if let Some(of) = i.checked_sub(n) {
            let turn = of as f64;
            let towards = [turn.cos() * 0.6, turn.sin() * 0.6, 0.8];
            (0..3).for_each(|axis| bodies.pos[axis][i] = bodies.pos[axis][of] + distance * towards[axis]);
        }
    }
    bodies
}

/// What `too_close` finds with these settings, the same on any number of ranks.
fn found(bodies: &Bodies, gravity: &Gravity, limit: f64) -> Option<TooClose> {
    let on = |ranks: usize| {
        let all = threads::run(ranks, |comm| {
            let mut mine = bodies.clone();
            let wanted = |i: &u32| *i as usize % comm.size() == comm.rank();
            mine.permute(&(0..bodies.len() as u32).filter(wanted).collect::<Vec<_>>());
            let evaluation = evaluate(comm, gravity, mine).unwrap();
            too_close(comm, gravity, &evaluation, limit)
        });
        assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
        all[0]
    };
    let one = on(1);
    for ranks in [3, 8] {
        assert_eq!(on(ranks), one, "{ranks} ranks");
    }
    one
}

#[test]
fn forces_of_pairs_that_single_precision_does_not_resolve_are_found() {
    let periodic = treecode::Domain::Periodic { side: 1.5 };
    for walk in [Walk::Fmm, Walk::Tree] {
        for domain in [treecode::Domain::Open, periodic] {
            let gravity = Gravity { walk, domain, ..Gravity::default() };
            let case = format!("{walk:?} {domain:?}");
            let mut bodies = pairs(30, 10, 1e-7);
            if domain == periodic {
                bodies.pos.iter_mut().flatten().for_each(|x| *x += 0.75);
            }
            let one = found(&bodies, &gravity, 0.01).unwrap_or_else(|| panic!("{case}"));
            assert!(one.error > 0.05 && one.error < 3.0, "{case} {one:?}");
            assert!((one.distance - 1e-7).abs() < 1e-9 && one.bodies >= 10, "{case} {one:?}");
            let mut ids = one.ids;
            ids.sort_unstable();
            assert_eq!(ids[1] - ids[0], 30, "{case} {one:?}");
            // Few bodies are tested in pairs.
            let mut few = pairs(10, 3, 1e-7);
            if domain == periodic {
                few.pos.iter_mut().flatten().for_each(|x| *x += 0.75);
            }
            let one = found(&few, &gravity, 0.01).unwrap_or_else(|| panic!("{case}"));
            assert!((one.distance - 1e-7).abs() < 1e-9, "{case} {one:?}");
            if walk == Walk::Tree {
                // A pair on both sides of a face of many cells, but in one group.
                let middle = if domain == periodic { 0.75 } else { 0.0 };
                let mut across = pairs(3000, 2, 1.0);
                across.pos.iter_mut().for_each(|axis| axis.iter_mut().for_each(|x| *x += middle));
                for (i, sign) in [(3000, 1.0), (3001, -1.0)] {
                    let place = [middle + sign * 1e-11, middle + 0.01, middle + 0.02];
                    (0..3).for_each(|axis| across.pos[axis][i] = place[axis]);
                }
                let one = found(&across, &gravity, 0.01).unwrap_or_else(|| panic!("{case}"));
                assert!(one.ids == [3000, 3001] || one.ids == [3001, 3000], "{case} {one:?}");
            }
        }
    }
}

#[test]
fn forces_of_pairs_that_are_resolved_pass() {
    let softened = treecode::Softening { length: [0.01; treecode::TYPES], ..Default::default() };
    for walk in [Walk::Fmm, Walk::Tree] {
        let gravity = Gravity { walk, ..Gravity::default() };
        let close = pairs(30, 10, 1e-7);
        assert_eq!(found(&close, &Gravity { softening: softened.clone(), ..gravity.clone() }, 0.01), None);
        for bodies in [pairs(3000, 10, 1e-4), pairs(2, 0, 0.0), pairs(1, 0, 0.0), pairs(30, 10, 0.0)] {
            assert_eq!(found(&bodies, &gravity, 0.01), None, "{walk:?} {}", bodies.len());
        }
        // Massless companions of a heavy body, close to each other.
        let mut tracers = pairs(300, 300, 1e-7);
        tracers.mass[1..].fill(0.0);
        tracers.pos.iter_mut().for_each(|axis| axis[300] += 0.1);
        assert_eq!(found(&tracers, &gravity, 0.01), None, "{walk:?}");
    }
    let close = pairs(30, 10, 1e-7);
    assert_eq!(found(&close, &Gravity { leaf_size: 1, ..Gravity::default() }, 0.01), None);
    assert_eq!(found(&close, &Gravity { walk: Walk::Direct, ..Gravity::default() }, 0.01), None);
}

/// The first evaluation takes leaves of one body if close pairs need them. An engine that resumes
/// keeps them, and all have the same bits on any number of ranks.
#[test]
fn an_engine_resolves_close_pairs() {
    use crate::forces::{Engine, Forces};
    let bodies = pairs(100, 10, 1e-8);
    for (walk, accuracy) in [(Walk::Fmm, None), (Walk::Tree, None), (Walk::Fmm, Some(1e-3))] {
        let mut forces = Forces::of_accuracy(1e-3, walk, None, treecode::Softening::default());
        forces.accuracy = accuracy;
        let on = |ranks: usize| {
            let parts = threads::run(ranks, |comm| {
                let mut mine = bodies.clone();
                let wanted = |i: &u32| *i as usize % comm.size() == comm.rank();
                mine.permute(&(0..bodies.len() as u32).filter(wanted).collect::<Vec<_>>());
                let mut engine = Engine::new(&forces).with_pairs_checked();
                let plan = decomposition::Plan::default();
                let evaluation = engine.evaluate(comm, mine, &plan).unwrap();
                let before = engine.pairs().refined.expect("pairs are found").error;
                assert!(before > 0.05, "{walk:?} {accuracy:?} {before}");
                assert_eq!(engine.pairs().wrong, None, "{walk:?} {accuracy:?}");
                let balance = Balance::measure(comm, &evaluation);
                let error = check(comm, engine.gravity(), &evaluation, &balance, bodies.len());
                assert!(error.greatest < 0.01, "{walk:?} {accuracy:?} {error:?}");
                let resumed = Engine::resume(&forces, engine.progress());
                assert_eq!(resumed.gravity(), engine.gravity());
                let bodies = &evaluation.bodies;
                (0..bodies.len()).map(|i| bodies.acceleration(i).map(f64::to_bits)).collect::<Vec<_>>()
            });
            parts.concat()
        };
        let one = on(1);
        assert_eq!(on(4), one, "{walk:?} {accuracy:?}");
    }
}

/// A close pair with a third body in the same deepest cell. No leaf size separates them.
fn triple() -> Bodies {
    let mut bodies = pairs(100, 2, 1e-15);
    (0..3).for_each(|axis| bodies.pos[axis][50] = bodies.pos[axis][0] + 2e-8);
    bodies.pos.iter_mut().flatten().for_each(|x| *x += 1.5);
    bodies
}

/// No tolerance and no order is tried for pairs that nothing resolves.
#[test]
fn an_engine_refuses_pairs_that_nothing_resolves() {
    use crate::Error;
    use crate::forces::{Engine, Forces};
    for domain in [treecode::Domain::Open, treecode::Domain::Periodic { side: 3.0 }] {
        let mut forces = Forces::of_accuracy(1e-3, Walk::Fmm, None, treecode::Softening::default());
        forces.gravity.domain = domain;
        threads::run(2, |comm| {
            let mine = if comm.rank() == 0 { triple() } else { Bodies::zeroed(0) };
            let mut engine = Engine::new(&forces).with_pairs_checked();
            let refused = engine.evaluate(comm, mine, &decomposition::Plan::default()).map(|_| ());
            let Err(Error::TooClose(pairs)) = &refused else { panic!("{domain:?}: {refused:?}") };
            assert!(pairs.refined.is_some() && pairs.wrong.is_some_and(|found| found.error > 0.1));
            assert!(refused.unwrap_err().to_string().contains("too close"), "{domain:?}");
        });
    }
}

/// The huge forces of a close pair hide those of the other bodies on it, so that the sum of all forces
/// is not zero. It is not subtracted from the others.
#[test]
fn a_close_pair_leaves_the_forces_of_a_box_right() {
    use crate::forces::{Engine, Forces};
    let mut bodies = pairs(1000, 1, 1e-12);
    bodies.pos.iter_mut().flatten().for_each(|x| *x += 1.5);
    let mut forces = Forces::of_accuracy(1e-3, Walk::Fmm, None, treecode::Softening::default());
    forces.gravity.domain = treecode::Domain::Periodic { side: 3.0 };
    threads::run(1, |comm| {
        let mut engine = Engine::new(&forces).with_pairs_checked();
        let evaluation =
            engine.evaluate(comm, bodies.clone(), &decomposition::Plan::default()).expect("accuracy is met");
        let error = check(comm, engine.gravity(), &evaluation, &Balance::measure(comm, &evaluation), 1001);
        assert!(error.rms < 1.5e-3, "{error:?}");
    });
}
