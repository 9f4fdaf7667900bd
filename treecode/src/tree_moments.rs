//! Moments that have gone up the whole tree against sums over bodies.

#[path = "../tests/common/mod.rs"]
mod common;

use crate::expansion::{Expansion, Full, Harmonic};
use crate::{Gravity, Selection, tree::Part};
use common::*;

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// The place of `x^a y^b z^c` among the moments.
fn moment_index([a, b, c]: [usize; 3]) -> usize {
    let n = a + b + c;
    let below = n * (n + 1) * (n + 2) / 6;
    let rest = b + c;
    below + rest * (rest + 1) / 2 + c
}

/// Root moments of every order against their definition.
fn check<E: Expansion>() {
    for bodies in [plummer(5_000, 1), clumps(5_000, 1)] {
        let gravity = Gravity { order: E::ORDER, leaf_size: 4, ..Gravity::default() };
        let (part, frame, bodies) = part(bodies, &gravity, |frame, gravity, bodies, structure| {
            Part::<E>::new(frame, gravity, bodies, structure, Selection::default())
        });
        let root = part.tree.summaries[0];
        let (moments, com): (&[f64], _) =
            (bytemuck::cast_slice(std::slice::from_ref(&root.moments)), root.com);
        for n in 0..=E::ORDER {
            for a in 0..=n {
                for b in 0..=n - a {
                    let c = n - a - b;
                    let (mut sum, mut size) = (0.0, 0.0);
                    for i in 0..bodies.len() {
                        let x = frame.position(&bodies, i);
                        let power =
                            |axis: usize, n: usize| (x[axis] - com[axis]).powi(n as i32) / factorial(n);
                        let term = bodies.mass[i] / frame.mass * power(0, a) * power(1, b) * power(2, c);
                        sum += term;
                        size += term.abs();
                    }
                    let got = moments[moment_index([a, b, c])];
                    assert!((got - sum).abs() <= 3e-7 * size, "M_{a}{b}{c} = {got}, not {sum}");
                }
            }
        }
        {
            let n = E::ORDER / 2 * 2;
            let sum: f64 = (0..bodies.len())
                .map(|i| {
                    let x = frame.position(&bodies, i);
                    let r = norm(std::array::from_fn(|axis| x[axis] - com[axis]));
                    bodies.mass[i] / frame.mass * r.powi(n as i32)
                })
                .sum();
            assert!((E::radial(&root.moments) - sum).abs() <= 3e-7 * sum, "sum m r^{n}");
        }
        let radius = (0..bodies.len())
            .map(|i| {
                let x = frame.position(&bodies, i);
                norm(std::array::from_fn(|axis| x[axis] - com[axis]))
            })
            .fold(0.0, f64::max);
        assert!(radius <= root.radius && root.radius < 2.0 * radius, "{} bounds {radius}", root.radius);
    }
}

#[test]
fn root_moments_are_direct_sums() {
    check::<Harmonic<1>>();
    check::<Harmonic<2>>();
    check::<Harmonic<3>>();
    check::<Harmonic<4>>();
    check::<Full<4>>();
}
