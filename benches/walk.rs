//! How fast are interaction lists built? Speed of the walk [bodies/s] in a force evaluation with a
//! known error, all threads.

use common::{BODIES, field};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use treecode::Phase;

fn walks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("walk");
    group.throughput(Throughput::Elements(BODIES));
    for (name, walk, order, tolerance) in field::SETTINGS {
        let (gravity, done) = field::prepare(walk, order, tolerance);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| field::time_of(Phase::Walk, &gravity, &done, times));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = walks);
criterion_main!(benches);
