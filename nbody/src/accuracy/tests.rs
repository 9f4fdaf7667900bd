//! Statistics of errors of known size, and a sample of bodies that share an id.

use super::*;
use decomposition::{Comm, evaluate, threads};
use treecode::{Bodies, Gravity, Walk};

#[test]
fn an_error_has_a_length_and_a_part_along_the_radius() {
    // The exact acceleration is 2 inward. `found` is too weak by 0.2, and 0.1 off sideways.
    let error = RelativeError::new([-1.8, 0.1, 0.0], [-2.0, 0.0, 0.0], 0.1, [5.0, 0.0, 0.0]);
    assert!((error.outward - 0.1).abs() < 1e-15);
    assert!((error.length - 0.05f64.sqrt() / 2.0).abs() < 1e-15);
    let at_the_centre = RelativeError::new([1.0; 3], [2.0; 3], 0.0, [0.0; 3]);
    assert_eq!((at_the_centre.length, at_the_centre.outward), (0.5, 0.0));
    assert_eq!(RelativeError::new([0.0; 3], [0.0; 3], 0.0, [1.0; 3]).length, 0.0);
    // If forces cancel, the error is divided by the least acceleration.
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
