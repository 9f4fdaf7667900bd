//! How fast are moments computed? A Plummer sphere in leaves of 48, each order of both walks, all
//! threads.

use common::{BODIES, plummer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use treecode::structure::grow;
use treecode::{Cube, Frame, Gravity, Key, Part, Selection, Walk, sort};

fn orders(criterion: &mut Criterion) {
    let mut bodies = plummer();
    let cube = Cube::around([-31.0; 3], [31.0; 3]);
    let keys = sort(&mut bodies, &cube);
    let gravity = Gravity::default();
    let structure = grow(&keys, &Key::CURVE, gravity.leaf_size);
    let mut group = criterion.benchmark_group("moments");
    group.throughput(Throughput::Elements(BODIES));
    for (name, walk) in [("tree", Walk::Tree), ("fmm", Walk::Fmm)] {
        for order in 1..=Gravity::MAX_ORDER {
            let gravity = Gravity { walk, order, ..gravity.clone() };
            let frame = Frame::new(cube, 1.0);
            group.bench_function(format!("{name}, order {order}"), |bencher| {
                bencher.iter(|| {
                    Part::new(frame, &gravity, black_box(&bodies), &structure, Selection::default())
                });
            });
        }
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = orders);
criterion_main!(benches);
