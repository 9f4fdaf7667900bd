//! How fast are keys computed, and bodies sorted by key? A million bodies, on one and on two
//! threads. They are in random order, or sorted one benchmark step earlier, or sorted already.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use decomposition::Solo;
use nbody::model;
use std::hint::black_box;
use treecode::{Cube, keys, leapfrog, sort};

const BODIES: u64 = 1_000_000;

fn orders(criterion: &mut Criterion) {
    let sphere =
        model::Spherical { bodies: BODIES, seed: 1, mass: 1.0, radius: 1.0, cut: 30.0, softening: 0.0 };
    let random = model::generate(&Solo, &model::Model::Plummer(sphere), 1.0);
    let cube = Cube::around([-31.0; 3], [31.0; 3]);
    let mut sorted = random.clone();
    sort(&mut sorted, &cube);
    let mut moved = sorted.clone();
    leapfrog::drift(&mut moved, 1.0 / 256.0);

    let mut group = criterion.benchmark_group("sort");
    group.sample_size(10).throughput(Throughput::Elements(BODIES));
    for threads in [1, 2] {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        for (name, bodies) in
            [("random order", &random), ("one step after a sort", &moved), ("sorted", &sorted)]
        {
            group.bench_function(format!("{name}, threads: {threads}"), |bencher| {
                bencher.iter_batched_ref(
                    || bodies.clone(),
                    |bodies| pool.install(|| black_box(sort(bodies, &cube))),
                    BatchSize::LargeInput,
                );
            });
        }
        group.bench_function(format!("keys alone, threads: {threads}"), |bencher| {
            bencher.iter(|| pool.install(|| keys(black_box(&random), &cube)));
        });
    }
    group.finish();
}

// Criterion's own plots need system fonts.
criterion_group!(name = benches; config = Criterion::default().without_plots(); targets = orders);
criterion_main!(benches);
