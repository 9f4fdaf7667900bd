//! Moments of the root, compared with sums over bodies.

#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

mod common;

use common::*;
use heorot_treecode::{Gravity, Part, Selection, Softening, SofteningKernel};

fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// Index of `x^a y^b z^c` in the moments.
fn moment_index([a, b, c]: [usize; 3]) -> usize {
    let n = a + b + c;
    let below = n * (n + 1) * (n + 2) / 6;
    let rest = b + c;
    below + rest * (rest + 1) / 2 + c
}

/// Compares root moments of all orders with their definition.
fn check(order: usize, softening: &Softening) {
    for bodies in [plummer(5_000, 1), clumps(5_000, 1)] {
        let gravity = Gravity { order, softening: softening.clone(), leaf_size: 4, ..Gravity::default() };
        let (part, frame, bodies) = part(bodies, &gravity, |frame, gravity, bodies, structure| {
            Part::new(frame, gravity, bodies, structure, Selection::default())
        });
        let root = part.largest_cell();
        let (moments, com) = (&root.moments, root.com);
        for n in 0..=order {
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
            let n = order / 2 * 2;
            let sum: f64 = (0..bodies.len())
                .map(|i| {
                    let x = frame.position(&bodies, i);
                    let r = norm(std::array::from_fn(|axis| x[axis] - com[axis]));
                    bodies.mass[i] / frame.mass * r.powi(n as i32)
                })
                .sum();
            assert!((root.radial - sum).abs() <= 3e-7 * sum, "sum m r^{n}");
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
    (1..=Gravity::MAX_ORDER).for_each(|order| check(order, &Softening::default()));
    let plummer = Softening { kernel: SofteningKernel::Plummer, length: [0.01; 6], ..Softening::default() };
    (1..=Gravity::MAX_SOFTENED_ORDER).for_each(|order| check(order, &plummer));
}
