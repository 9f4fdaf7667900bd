//! Forces of the tree walk against direct summation.

mod common;

use common::*;
use treecode::{Criterion, Gravity, Softening, SofteningKernel};

#[test]
fn quick_look() {
    let bodies = plummer(20_000, 1);
    for criterion in [Criterion::Angle, Criterion::Absolute, Criterion::Relative] {
        for order in 1..=4 {
            let mut gravity = Gravity {
                criterion: Criterion::Angle,
                order,
                theta: 0.5,
                tolerance: 1e-3,
                ..Gravity::default()
            };
            let (mut done, mut census) = evaluate(&gravity, &bodies);
            if criterion != Criterion::Angle {
                gravity.criterion = criterion;
                (done, census) = evaluate(&gravity, &done);
            }
            let errors = errors(&gravity, &done, 20);
            println!(
                "{criterion:?} p={order} rms {:.2e} p99 {:.2e} max {:.2e} {:?}",
                rms(&errors),
                percentile(&errors, 0.99),
                percentile(&errors, 1.0),
                census.interactions
            );
        }
    }
    for kernel in [SofteningKernel::Plummer, SofteningKernel::Spline] {
        for length in [[0.05; 6], [0.01, 0.02, 0.1, 0.0, 0.0, 0.0]] {
            for order in [1, 2, 3, 4] {
                let gravity = Gravity {
                    criterion: Criterion::Angle,
                    order,
                    theta: 0.5,
                    softening: Softening { kernel, length },
                    ..Gravity::default()
                };
                let mut bodies = bodies.clone();
                (0..bodies.len()).for_each(|i| bodies.kind[i] = (i % 4) as u8);
                let (done, census) = evaluate(&gravity, &bodies);
                let errors = errors(&gravity, &done, 20);
                println!(
                    "{kernel:?} {length:?} {order} rms {:.2e} p99 {:.2e} max {:.2e} {:?}",
                    rms(&errors),
                    percentile(&errors, 0.99),
                    percentile(&errors, 1.0),
                    census.interactions
                );
            }
        }
    }
}
