//! How long does a force evaluation take, and at which error? Fmm walk, every order, Plummer
//! sphere, all threads.
//!
//! The error is measured once per order and printed before the time. Throughput is in bodies per
//! second.

use common::{BODIES, plummer};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use decomposition::{Evaluation, Solo, evaluate};
use nbody::accuracy::{self, Balance};
use std::hint::black_box;
use treecode::{Bodies, Gravity};

fn field(gravity: &Gravity, bodies: Bodies) -> Evaluation {
    evaluate(&Solo, gravity, bodies).expect("the bodies are good")
}

fn orders(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluate");
    group.throughput(Throughput::Elements(BODIES));
    for order in 1..=Gravity::MAX_ORDER {
        let gravity = Gravity { order, ..Gravity::default() };
        // The second evaluation has the accelerations that the relative criterion needs.
        let done = field(&gravity, field(&gravity, plummer()).bodies);
        let error = accuracy::check(&Solo, &gravity, &done, &Balance::measure(&Solo, &done), 1000);
        let counts = done.census.interactions;
        println!(
            "order {order}: rms error {:.1e}, 99 % below {:.1e}, {} body-body and {} body-cell interactions a body",
            error.rms,
            error.percentile_99,
            counts.body_body / BODIES,
            counts.body_cell / BODIES
        );
        group.bench_function(format!("order {order}"), |bencher| {
            bencher.iter_batched(
                || done.bodies.clone(),
                |bodies| black_box(field(&gravity, bodies)),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = orders);
criterion_main!(benches);
