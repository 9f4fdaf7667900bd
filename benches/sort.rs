//! How fast are bodies put into key order? A million bodies in random order, and the same a small step after they were sorted.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use decomposition::Solo;
use heorot::model;
use std::hint::black_box;
use treecode::{Cube, leapfrog, sort};

const BODIES: u64 = 1_000_000;

fn orders(criterion: &mut Criterion) {
    let sphere = model::Plummer { bodies: BODIES, seed: 1, mass: 1.0, radius: 1.0, cut: 30.0 };
    let random = model::generate(&Solo, &model::Model::Plummer(sphere), 1.0);
    let cube = Cube::around([-31.0; 3], [31.0; 3]);
    let mut moved = random.clone();
    sort(&mut moved, &cube);
    leapfrog::drift(&mut moved, 1e-3);

    let mut group = criterion.benchmark_group("sort");
    group.sample_size(10).throughput(Throughput::Elements(BODIES));
    for (name, bodies) in [("random order", &random), ("one step after a sort", &moved)] {
        group.bench_function(name, |bencher| {
            bencher.iter_batched_ref(
                || bodies.clone(),
                |bodies| black_box(sort(bodies, &cube)),
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, orders);
criterion_main!(benches);
