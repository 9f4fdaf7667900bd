//! How long do ranks take to find, send and graft essential trees?
//!
//! The ranks are threads of this process. The bench measures the exchange of the slowest rank in a
//! force evaluation of a Plummer sphere. Throughput is in bodies of all ranks per second. Ranks
//! share the cores, so this bench compares revisions, not numbers of ranks.

use common::{BODIES, plummer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use decomposition::{collective, evaluate, threads};
use std::time::Duration;
use treecode::{Bodies, Gravity, Phase, Walk};

/// The bodies of a rank.
fn share(bodies: &Bodies, rank: usize, size: usize) -> Bodies {
    let n = bodies.len();
    let mut part = bodies.clone();
    part.keep(n * rank / size..n * (rank + 1) / size);
    part
}

/// Time of the exchange [s], summed over `evaluations` evaluations. Each starts from the bodies in
/// the order that the previous one left.
fn exchange(gravity: &Gravity, bodies: &Bodies, ranks: usize, evaluations: u64) -> Duration {
    let times = threads::run(ranks, |comm| {
        let mine = share(bodies, comm.rank(), ranks);
        // The first one computes accelerations and balances the load.
        let mut done = evaluate(comm, gravity, mine).expect("the bodies are good");
        let (mut sum, mut bytes) = (0.0, 0);
        for _ in 0..evaluations {
            done = evaluate(comm, gravity, done.into_bodies()).expect("the bodies are good");
            let [slowest] = collective::max(comm, [done.census.time(Phase::Exchange).as_secs_f64()]);
            sum += slowest;
            bytes = collective::sum(comm, done.census.bytes_sent);
        }
        (sum, bytes)
    });
    let (seconds, bytes) = times[0];
    assert!(bytes > 0, "ranks have something to say to each other");
    Duration::from_secs_f64(seconds)
}

fn ranks(criterion: &mut Criterion) {
    let bodies = plummer();
    let mut group = criterion.benchmark_group("exchange");
    group.throughput(Throughput::Elements(BODIES));
    for (name, walk) in [("tree", Walk::Tree), ("fmm", Walk::Fmm)] {
        let gravity = Gravity { walk, ..Gravity::default() };
        for ranks in [2, 8] {
            group.bench_function(format!("{name}, ranks: {ranks}"), |bencher| {
                bencher.iter_custom(|times| exchange(&gravity, &bodies, ranks, times));
            });
        }
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = ranks);
criterion_main!(benches);
