//! How fast are snapshots written and read? A Plummer sphere in key order, one rank, one file on
//! the disk of `target`, with and without compression.

use common::{BODIES, plummer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use heorot::ranks::crew::Crew;
use io::snapshot::{self, Fields, Header, Layout};
use std::hint::black_box;
use treecode::{Cube, sort};

fn layouts(criterion: &mut Criterion) {
    let mut bodies = plummer();
    sort(&mut bodies, &Cube::around([-31.0; 3], [31.0; 3]));
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("target can be written");
    let (crew, header) = (Crew::alone(), Header::default());
    let mut group = criterion.benchmark_group("snapshot");
    group.throughput(Throughput::Elements(BODIES));
    for (name, compression) in [("plain", 0), ("gzip 4", 4)] {
        let layout = Layout { compression, ..Layout::default() };
        let path = folder.path().join(format!("{compression}.hdf5"));
        group.bench_function(format!("write, {name}"), |bencher| {
            bencher.iter(|| {
                crew.write_snapshot(&io::Target::own(&path), &header, &bodies, Fields::default(), &layout)
                    .expect("the disk has room");
            });
        });
        group.bench_function(format!("read, {name}"), |bencher| {
            bencher.iter(|| black_box(snapshot::read(&path, 0, 1).expect("it was written")));
        });
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = layouts);
criterion_main!(benches);
