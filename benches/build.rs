//! How fast is the tree built from sorted keys? A Plummer sphere, several leaf sizes, all threads.

use common::{BODIES, plummer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use treecode::structure::grow;
use treecode::{Cube, Key, sort};

fn leaf_sizes(criterion: &mut Criterion) {
    let mut bodies = plummer();
    let keys = sort(&mut bodies, &Cube::around([-31.0; 3], [31.0; 3]));
    let everything = Key::CURVE;
    let mut group = criterion.benchmark_group("build");
    group.throughput(Throughput::Elements(BODIES));
    for leaf_size in [1, 16, 48, 128] {
        group.bench_function(format!("leaves of {leaf_size}"), |bencher| {
            bencher.iter(|| grow(black_box(&keys), &everything, leaf_size));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = leaf_sizes);
criterion_main!(benches);
