//! What does an evaluation of few active bodies cost? A Plummer sphere with default force settings,
//! on an existing tree, all threads. Moments drift or are summed anew. The innermost 0.1, 1, 10 and
//! 100 % of the bodies are active, as in a block step.

use common::{BODIES, plummer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use decomposition::{Moments, Plan, Solo, evaluate, evaluate_selected};
use std::time::Instant;
use treecode::{Bodies, Gravity, Selection};

/// Puts the given fraction of the bodies, those nearest to the centre, on a finer rung than the
/// others.
fn activate(bodies: &mut Bodies, part: f64) {
    let square = |bodies: &Bodies, i: usize| bodies.position(i).map(|x| x * x).iter().sum::<f64>();
    let mut squares: Vec<f64> = (0..bodies.len()).map(|i| square(bodies, i)).collect();
    let last = ((bodies.len() as f64 * part) as usize).clamp(1, bodies.len()) - 1;
    let within = *squares.select_nth_unstable_by(last, f64::total_cmp).1;
    for i in 0..bodies.len() {
        bodies.rung[i] = u8::from(square(bodies, i) <= within);
    }
}

fn parts(criterion: &mut Criterion) {
    let gravity = Gravity::default();
    let mut bodies = evaluate(&Solo, &gravity, plummer()).expect("the bodies are good").bodies;
    let mut group = criterion.benchmark_group("substep");
    for part in [0.001, 0.01, 0.1, 1.0] {
        activate(&mut bodies, part);
        group.throughput(Throughput::Elements((BODIES as f64 * part) as u64));
        for moments in [Moments::Drifted, Moments::Fresh] {
            group.bench_function(format!("{:?}, {} % active", moments, 100.0 * part), |bencher| {
                let selection = Selection { least_rung: 1, changes: true };
                let plan = Plan { selection, ahead: 1.0, finest_rung: 1, ..Plan::default() };
                bencher.iter_custom(|substeps| {
                    let mut evaluation = evaluate_selected(&Solo, &gravity, bodies.clone(), &plan)
                        .expect("the bodies are good");
                    let begun = Instant::now();
                    for _ in 0..substeps {
                        evaluation = evaluation.again(&Solo, &gravity, &plan, moments);
                    }
                    begun.elapsed()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(name = benches; config = common::criterion(); targets = parts);
criterion_main!(benches);
