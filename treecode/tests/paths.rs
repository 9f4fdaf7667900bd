//! Every SIMD path of this processor gives the forces of the scalar reference.
//!
//! As an integration test, it uses the kernels compiled in the library. A unit test would compile
//! the kernels of all orders again.
#![allow(clippy::disallowed_methods)] // only for positions, which are equal in all compared runs

mod common;

use common::part;
use heorot_treecode::{
    Bodies, Census, Criterion, Gravity, Part, Selection, Softening, SofteningKernel, Walk, simd_paths,
};
use std::io::Write;

/// Bodies on a spiral that covers all scales.
fn spiral(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        let t = i as f64 / n as f64;
        let (r, phi) = (t * t * t, 40.0 * t);
        let place = [r * phi.cos(), r * phi.sin(), 0.3 * r * (7.0 * phi).sin()];
        (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
        bodies.mass[i] = 1.0 + (i % 3) as f64;
        bodies.kind[i] = (i % 4) as u8;
    }
    bodies
}

fn field(gravity: &Gravity, path: &str) -> (Bodies, Census) {
    let (part, _, mut bodies) = part(spiral(1_500), gravity, |frame, gravity, bodies, structure| {
        Part::new(frame, gravity, bodies, structure, Selection::default())
    });
    let mut tree = part.complete(bodies.len() as u64);
    tree.on_path(path).unwrap();
    let mut census = Census::default();
    tree.compute(&mut bodies, &mut census);
    (bodies, census)
}

/// The paths that must be compared on this processor. A path that is missing in the library would
/// otherwise go unnoticed.
fn paths_of_this_processor() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw");
        match (avx2, avx512) {
            (true, true) => vec!["scalar", "avx2", "avx512"],
            (true, false) => vec!["scalar", "avx2"],
            (false, _) => vec!["scalar"],
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        vec!["scalar", "neon"]
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        vec!["scalar"]
    }
}

#[test]
fn every_path_agrees_with_the_scalar_reference() {
    let paths = simd_paths();
    assert_eq!(paths, paths_of_this_processor());
    // Not `println!`, whose output is shown only if a test fails.
    writeln!(std::io::stdout(), "SIMD paths compared: {}", paths.join(", ")).unwrap();
    let walks = [Walk::Tree, Walk::Fmm];
    let kernels = [SofteningKernel::Spline, SofteningKernel::Plummer];
    let lengths = [[0.0; 6], [0.0, 0.01, 0.02, 0.05, 0.0, 0.0]];
    let mut compared = 0;
    for (walk, kernel) in walks.into_iter().flat_map(|walk| kernels.map(|kernel| (walk, kernel))) {
        for (length, order) in
            lengths.into_iter().flat_map(|length| (1..=6).map(move |order| (length, order)))
        {
            let softening = Softening { kernel, length, ..Softening::default() };
            let too_high = softening.is_plummer() && order > Gravity::MAX_SOFTENED_ORDER;
            let gravity =
                Gravity { walk, criterion: Criterion::Angle, order, softening, ..Gravity::default() };
            assert_eq!(gravity.check().is_err(), too_high, "{gravity:?}");
            if too_high {
                continue;
            }
            compared += 1;
            let (want, reference) = field(&gravity, "scalar");
            for path in &paths {
                let (got, counted) = field(&gravity, path);
                assert_eq!(counted.interactions, reference.interactions, "{path}, {gravity:?}");
                for i in 0..want.len() {
                    let (a, b) = (got.acceleration(i), want.acceleration(i));
                    let size = b.iter().map(|x| x * x).sum::<f64>().sqrt();
                    for axis in 0..3 {
                        let difference = (a[axis] - b[axis]).abs();
                        assert!(difference <= 4e-5 * size, "{path}, {gravity:?}: {a:?} not {b:?}");
                    }
                    assert!((got.pot[i] - want.pot[i]).abs() <= 4e-5 * want.pot[i].abs());
                }
            }
        }
    }
    assert_eq!(compared, 2 * (6 + 6 + 6 + 4), "two walks; orders up to 6, of softened Plummer up to 4");
}
