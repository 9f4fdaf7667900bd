//! Settings for each accuracy, and the search for errors that follow the calibrated law, break it,
//! or do not depend on the tolerance.

use super::calibration::{first_rung, law};
use super::ladder::{Band, Rung, Search};
use super::*;
use crate::potential::{Component, PointMass, Shape};
use decomposition::{Plan, Solo};
use treecode::math::{hash, norm};
use treecode::{Bodies, Domain, Softening, SofteningKernel, Walk, direct};

#[test]
fn every_accuracy_has_settings_that_its_softening_allows() {
    let plummer = Softening { kernel: SofteningKernel::Plummer, ..Softening::default() };
    for walk in [Walk::Fmm, Walk::Tree] {
        for softening in [Softening::default(), plummer.clone()] {
            let mut last = f64::INFINITY;
            for accuracy in [0.05, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5, 1e-6] {
                let forces = Forces::of_accuracy(accuracy, walk, None, softening.clone());
                forces.check().unwrap();
                let Gravity { order, tolerance, .. } = forces.gravity;
                let expected = law(walk, order).error_at(tolerance) / accuracy;
                assert!(
                    (0.6..=0.8).contains(&expected) || tolerance == 256.0,
                    "{walk:?} {accuracy}: {expected}"
                );
                assert!(tolerance < last || order > 2);
                last = tolerance;
            }
        }
    }
}

#[test]
fn external_potentials_and_a_periodic_box_are_refused() {
    let shape = Shape::PointMass(PointMass { gm: 1.0, softening: 0.0 });
    let external = Arc::new(External { components: vec![Component::fixed(shape)] });
    let open = Forces { external, ..Forces::default() };
    open.check().unwrap();
    let mut periodic = open.clone();
    periodic.gravity.domain = Domain::Periodic { side: 1.0 };
    assert_eq!(periodic.check(), Err(Error::ExternalInBox));
    periodic.external = Arc::default();
    periodic.check().unwrap();
}

#[test]
fn rungs_are_factors_of_the_root_of_two() {
    assert_eq!([1.0, 0.5, 0.3].map(|t| Rung::below(t).tolerance()), [1.0, 0.5, 0.25]);
    for n in 1..40 {
        let tolerance = 0.7f64.powi(n);
        let ratio = tolerance / Rung::below(tolerance).tolerance();
        assert!((1.0..1.4143).contains(&ratio), "{ratio}");
    }
}

const BAND: Band = Band { least: 0.6, most: 0.95 };

/// The tolerance at which a search ends and the number of measurements, for errors that are a
/// function of the tolerance.
fn end(wanted: f64, error: impl Fn(f64) -> f64) -> (f64, usize) {
    let first = first_rung(Walk::Fmm, 3, wanted);
    let mut search = Search::new(wanted, BAND, law(Walk::Fmm, 3).slope, first);
    let mut measured = 1;
    while let Some(rung) = search.next(error(search.rung().tolerance())) {
        assert_eq!(rung, search.rung());
        measured += 1;
        assert!(measured < 20, "a search ends");
    }
    (search.rung().tolerance(), measured)
}

#[test]
fn a_search_ends_in_the_band() {
    for off in [0.1, 0.5, 0.9, 1.0, 1.3, 3.0, 10.0] {
        for slope in [0.25, 0.43, 0.7] {
            let error = |tolerance: f64| off * 1e-3 * (tolerance / 0.002).powf(slope);
            let (tolerance, measured) = end(1e-3, error);
            let ratio = error(tolerance) / 1e-3;
            assert!((0.6..=0.95).contains(&ratio), "{off}, {slope}: {ratio}");
            assert!(measured <= 7, "{off}, {slope}: {measured} measurements");
        }
    }
}

#[test]
fn a_search_takes_the_coarsest_that_passes_where_errors_jump() {
    let jump = |tolerance: f64| if tolerance > 0.004 { 5e-3 } else { 1e-4 };
    let (tolerance, measured) = end(1e-3, jump);
    assert!(jump(tolerance) < 1e-3 && measured <= 8, "{tolerance} after {measured}");
}

#[test]
fn a_search_gives_up_where_errors_do_not_answer() {
    let (tolerance, measured) = end(1e-3, |_| 1e-8);
    assert!(tolerance > 1.0 && measured <= 8, "already better than wanted: {tolerance} after {measured}");
    let (tolerance, measured) = end(1e-3, |_| 0.1);
    assert!(tolerance < 1e-5 && measured <= 8, "never good enough: {tolerance} after {measured}");
    let (_, measured) = end(1e-3, |_| f64::NAN);
    assert!(measured <= 8);
    assert_eq!(end(1e-3, |_| 0.0).1, 2, "straight to the coarsest");
}

#[test]
fn an_accuracy_out_of_reach_is_refused() {
    for asked in [0.0, -1.0, 9e-7, 0.051, f64::NAN, f64::INFINITY] {
        let error = Forces::of_accuracy(asked, Walk::Fmm, None, Softening::default()).check().unwrap_err();
        assert!(matches!(error, Error::Accuracy { .. }), "{asked}: {error}");
    }
}

/// Bodies in a box of side 1, half of them in clumps of very different sizes, with their places as ids.
fn clumps(count: usize) -> Bodies {
    let random = |i: usize, salt: usize| hash((16 * i + salt) as u64) as f64 / u64::MAX as f64;
    let mut bodies = Bodies::zeroed(count);
    bodies.mass.fill(1.0 / count as f64);
    for i in 0..count {
        bodies.id[i] = i as u64;
        for axis in 0..3 {
            let size = 0.2 * 0.5f64.powi((i % 8) as i32);
            let near = random(i % 8, axis + 8) + size * (random(i, axis) - 0.5);
            bodies.pos[axis][i] = if i % 2 == 0 { random(i, axis) } else { near.rem_euclid(1.0) };
        }
    }
    bodies
}

/// In a box the cells lie elsewhere after each sort, so errors average out. All sorts have about the same
/// error, relative to the force of each body or to the median force if that is greater: the net force,
/// which is that of the strongest bodies, is not given to the others. In open space and after a restart,
/// sorts give the same bits.
#[test]
fn errors_in_a_box_average_over_sorts() {
    const SORTS: u8 = 8;
    let bodies = clumps(2000);
    let of = |domain| {
        let mut forces = Forces::of_accuracy(1e-3, Walk::Fmm, Some(3), Softening::default());
        (forces.accuracy, forces.gravity.tolerance, forces.gravity.domain) = (None, 3e-3, domain);
        forces
    };
    let evaluate = |engine: &mut Engine| {
        let now = engine.evaluate(&Solo, bodies.clone(), &Plan::default()).unwrap().bodies;
        let mut acc = vec![[0.0; 3]; now.len()];
        (0..now.len()).for_each(|i| acc[now.id[i] as usize] = now.acceleration(i));
        acc
    };
    let forces = of(Domain::Periodic { side: 1.0 });
    let targets: Vec<usize> = (0..bodies.len()).step_by(4).collect();
    let exact = direct::field(&bodies, &forces.gravity, &targets);
    let mut engine = Engine::new(&forces);
    let sizes: Vec<f64> = exact.iter().map(|(acc, _)| norm(*acc)).collect();
    let median = {
        let mut sizes = sizes.clone();
        *sizes.select_nth_unstable_by(targets.len() / 2, f64::total_cmp).1
    };
    let mut mean = vec![[0.0; 3]; targets.len()];
    let mut squares = [0.0; SORTS as usize];
    for squares in &mut squares {
        let before = engine.progress();
        let found = evaluate(&mut engine);
        assert!(found == evaluate(&mut Engine::resume(&forces, before)), "after a restart");
        for (((&i, (exact, _)), size), mean) in targets.iter().zip(&exact).zip(&sizes).zip(&mut mean) {
            for axis in 0..3 {
                let off = (found[i][axis] - exact[axis]) / size.max(median);
                mean[axis] += off / f64::from(SORTS);
                *squares += off * off;
            }
        }
    }
    let of_mean: f64 = mean.iter().flatten().map(|off| off * off).sum();
    let mean = squares.iter().sum::<f64>() / f64::from(SORTS);
    let ratio = (of_mean / mean).sqrt();
    println!("error of the mean of {SORTS} sorts, in errors of one: {ratio}");
    assert!(ratio < 0.6, "{ratio}: it is 0.35 if errors are independent");
    let greatest = (squares.into_iter().fold(0.0, f64::max) / mean).sqrt();
    println!("greatest error of a sort, in errors of one: {greatest}");
    assert!(greatest < 1.2, "{greatest}");

    let mut open = Engine::new(&of(Domain::Open));
    assert!(evaluate(&mut open) == evaluate(&mut open));
}
