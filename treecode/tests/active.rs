//! Evaluations with few active bodies, and with moments that are older than the positions.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

mod common;

use common::*;
use heorot_treecode::{
    Bodies, Criterion, Gravity, Part, Selection, Softening, SofteningKernel, Walk, direct, leapfrog,
};

const WALKS: [Walk; 2] = [Walk::Tree, Walk::Fmm];

fn gravity(walk: Walk, criterion: Criterion) -> Gravity {
    let softening = Softening { kernel: SofteningKernel::Spline, length: [0.001; 6], ..Softening::default() };
    Gravity { walk, criterion, theta: 0.4, tolerance: 0.003, softening, ..Gravity::default() }
}

/// Bodies with accelerations. Those near the centre have finer rungs.
fn bodies(gravity: &Gravity) -> Bodies {
    let angle = Gravity { criterion: Criterion::Angle, ..gravity.clone() };
    let mut bodies = evaluate(&angle, &plummer(20_000, 3)).0;
    for i in 0..bodies.len() {
        let r = norm(bodies.position(i));
        bodies.rung[i] = if r < 0.1 {
            3
        } else if r < 0.4 || i % 50 == 0 {
            2
        } else {
            (i % 2) as u8
        };
    }
    bodies
}

fn difference(a: [f64; 3], b: [f64; 3]) -> f64 {
    norm(std::array::from_fn(|axis| a[axis] - b[axis]))
}

/// Forces on active bodies are those with all bodies active, to within rounding. Inactive bodies do
/// not change.
#[test]
fn active_bodies_feel_what_all_feel() {
    for (walk, criterion) in
        WALKS.into_iter().flat_map(|walk| [Criterion::Angle, Criterion::Relative].map(|c| (walk, c)))
    {
        let gravity = gravity(walk, criterion);
        let start = bodies(&gravity);
        let all = evaluate(&gravity, &start).0;
        for least_rung in 1..=4 {
            let selection = Selection { least_rung, changes: true };
            let (part, _, before) = part(start.clone(), &gravity, |frame, gravity, bodies, structure| {
                Part::new(frame, gravity, bodies, structure, selection)
            });
            let mut after = before.clone();
            let (_, census) = common::walk(part, &mut after);
            assert_eq!(after.id, all.id);
            for i in 0..after.len() {
                if after.rung[i] < least_rung {
                    assert_eq!(
                        (after.acceleration(i), after.pot[i], after.work[i], after.change[i]),
                        (before.acceleration(i), before.pot[i], before.work[i], before.change[i])
                    );
                    continue;
                }
                let (found, expected) = (after.acceleration(i), all.acceleration(i));
                // If forces nearly cancel, the rounding error of their sum remains. It scales with
                // the potential.
                let size = norm(expected) + after.pot[i].abs();
                assert!(difference(found, expected) <= 1e-6 * size, "{found:?}, not {expected:?}");
                assert!((after.pot[i] - all.pot[i]).abs() <= 3e-6 * all.pot[i].abs());
                let change = difference(found, before.acceleration(i));
                assert!((f64::from(after.change[i]) - change).abs() <= 1e-6 * change);
            }
            assert_eq!(census.interactions.total() == 0, least_rung == 4, "nobody is on rung 4");
        }
    }
}

/// With drifted moments, the additional error is that of rounding without drift, and proportional
/// to the drift.
#[test]
fn drifted_moments_err_in_proportion_to_the_drift() {
    for walk in WALKS {
        let gravity = gravity(walk, Criterion::Angle);
        let mut start = bodies(&gravity);
        let turned: Vec<[f64; 3]> = (0..start.len()).map(|i| start.position(i)).collect();
        for (i, [x, y, z]) in turned.into_iter().enumerate() {
            (start.vel[0][i], start.vel[1][i], start.vel[2][i]) = (0.5 * y * z, z - 0.3 * x, x * x - y);
        }
        let selection = Selection { least_rung: 2, changes: false };
        let (structure, frame, start) = part(start, &gravity, |_, _, _, structure| structure.clone());
        let error_after = |step: f64| {
            let mut bodies = start.clone();
            leapfrog::drift(&mut bodies, step);
            let fresh = Part::new(frame, &gravity, &bodies, &structure, selection);
            let mut expected = bodies.clone();
            common::walk(fresh, &mut expected);
            let part = Part::new(frame, &gravity, &start, &structure, Selection::default());
            let old = common::walk(part, &mut start.clone()).0;
            common::walk(old.drifted(&gravity, &bodies, &structure, selection), &mut bodies);
            let active: Vec<usize> = (0..bodies.len()).filter(|i| bodies.rung[*i] >= 2).collect();
            let errors: Vec<f64> = active
                .iter()
                .map(|&i| {
                    difference(bodies.acceleration(i), expected.acceleration(i))
                        / norm(expected.acceleration(i))
                })
                .collect();
            rms(&errors)
        };
        let none = error_after(0.0);
        assert!(none < 1e-7, "{walk:?}: {none:.2e} without drift");
        let [near, far] = [2e-3, 4e-3].map(error_after);
        let order = (far / near).log2();
        assert!((order - 1.0).abs() < 0.2, "{walk:?}: errors {near:.2e} and {far:.2e}, order {order:.2}");
        assert!(far < 1e-3, "{walk:?}: {far:.2e}");
    }
}

/// The direct walk gives the exact sum for the active bodies only.
#[test]
fn the_direct_walk_is_the_exact_sum() {
    let mut bodies = bodies(&gravity(Walk::Fmm, Criterion::Angle));
    bodies.permute(&(0..500).collect::<Vec<_>>());
    let gravity = Gravity { constant: 3.0, ..gravity(Walk::Direct, Criterion::Angle) };
    let (mut found, mut census) = (bodies.clone(), Default::default());
    direct::walk(&bodies, 0, &gravity, Selection { least_rung: 1, changes: true }, &mut found, &mut census);
    let all: Vec<usize> = (0..bodies.len()).collect();
    for (i, (acc, pot)) in direct::field(&bodies, &gravity, &all).into_iter().enumerate() {
        let expected = if bodies.rung[i] >= 1 { (acc, pot) } else { (bodies.acceleration(i), bodies.pot[i]) };
        assert_eq!((found.acceleration(i), found.pot[i]), expected);
    }
    let active = bodies.rung.iter().filter(|rung| **rung >= 1).count();
    assert_eq!(census.interactions.body_body as usize, active * bodies.len());
}

/// Forces do not depend on ids. Bodies with the same id attract each other.
#[test]
fn bodies_of_one_id_attract_each_other() {
    let mut named = bodies(&gravity(Walk::Fmm, Criterion::Angle));
    named.permute(&(0..300).collect::<Vec<_>>());
    let mut nameless = named.clone();
    nameless.id.fill(0);
    let all: Vec<usize> = (0..named.len()).collect();
    for softening in [
        Softening::default(),
        Softening { kernel: SofteningKernel::Plummer, length: [0.02; 6], ..Softening::default() },
        Softening { kernel: SofteningKernel::Spline, length: [0.02; 6], ..Softening::default() },
    ] {
        let gravity = Gravity { softening, ..gravity(Walk::Direct, Criterion::Angle) };
        let expected = direct::field(&named, &gravity, &all);
        assert!(expected.iter().all(|(acc, _)| norm(*acc) > 0.0));
        assert_eq!(direct::field(&nameless, &gravity, &all), expected);
        // The walk with sources of which the last two thirds are sinks.
        let mut sinks = nameless.clone();
        sinks.keep(100..300);
        direct::walk(&nameless, 100, &gravity, Selection::default(), &mut sinks, &mut Default::default());
        for (i, (acc, pot)) in expected[100..].iter().enumerate() {
            assert_eq!((sinks.acceleration(i), sinks.pot[i]), (*acc, *pot));
        }
    }
}
