//! How fast are interactions computed? Speed of the kernels [interactions/s] in a force evaluation
//! with a known error, all threads.

use common::field;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use treecode::Phase;

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernels");
    for (name, walk, order, tolerance) in field::SETTINGS {
        let (gravity, done) = field::prepare(walk, order, tolerance);
        group.throughput(Throughput::Elements(done.census.interactions.total()));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| field::time_of(Phase::Kernels, &gravity, &done, times));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = kernels);
criterion_main!(benches);
