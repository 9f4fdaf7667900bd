//! The bits of accelerations, positions and velocities after some steps do not depend on the
//! numbers of ranks and threads.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use heorot_decomposition::{
    Balancing, Comm, Evaluation, Hosts, Mail, Moments, Plan, Sharing, Speeds, TwoLevel, evaluate,
    evaluate_selected, evaluate_shared, threads,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use treecode::{
    Array, Bodies, Criterion, Gravity, PairLength, Selection, Softening, SofteningKernel, Walk, leapfrog,
};

const STEPS: usize = 10; // each sorts the bodies, which then migrate

/// A moving Plummer sphere (Aarseth, Hénon & Wielen 1974), cut at 20 radii.
fn plummer(n: usize) -> Bodies {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        let r = (rng.random::<f64>().mul_add(0.995, 0.001).powf(-2.0 / 3.0) - 1.0).powf(-0.5);
        let mut way: [f64; 3] = std::array::from_fn(|_| rng.random::<f64>() - 0.5);
        let norm = way.iter().map(|x| x * x).sum::<f64>().sqrt();
        way = way.map(|x| x / norm);
        for axis in 0..3 {
            bodies.pos[axis][i] = r * way[axis];
            bodies.vel[axis][i] = 0.3 * (rng.random::<f64>() - 0.5);
        }
        bodies.mass[i] = (1.0 + (i % 3) as f64) / n as f64;
        bodies.kind[i] = (i % 4) as u8;
        bodies.id[i] = (i as u64 * 7919) % 1_000_003;
    }
    bodies
}

/// Dense clumps of very different masses, with some bodies at one position and one far away.
fn clumps(n: usize) -> Bodies {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut bodies = plummer(n);
    for i in 0..n {
        let size = 10f64.powi(-(i as i32 % 5));
        for axis in 0..3 {
            let centre = ((i % 5 + 1) * (axis + 2) * 37 % 11) as f64;
            bodies.pos[axis][i] = centre + size * (rng.random::<f64>() - 0.5);
        }
        if i % 50 == 0 {
            (0..3).for_each(|axis| {
                bodies.pos[axis][i] = 3.0;
                bodies.vel[axis][i] = 0.0;
            });
        }
    }
    bodies.pos[0][1] = 200.0;
    bodies
}

/// Runs on `ranks` ranks with `threads` threads each, from bodies in arbitrary order. Returns all
/// bodies at the end, sorted by id, and the energy.
fn run(gravity: &Gravity, start: &Bodies, ranks: usize, threads: usize, steps: usize) -> (Bodies, [u64; 2]) {
    on_ranks(start, ranks, threads, |comm, bodies| integrate(comm, gravity, bodies, steps))
}

/// As [`run`], for any function that returns bodies and an energy.
fn on_ranks(
    start: &Bodies,
    ranks: usize,
    threads: usize,
    end: impl Fn(&dyn Mail, Bodies) -> (Bodies, [u64; 2]) + Sync,
) -> (Bodies, [u64; 2]) {
    let ends = threads::run(ranks, |comm| {
        let pool =
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
        let mut bodies = start.clone();
        let mine: Vec<u32> =
            (0..start.len() as u32).filter(|i| (i / 3) as usize % ranks == comm.rank()).collect();
        bodies.permute(&mine);
        pool.install(|| end(comm, bodies))
    });
    let energy = ends[0].1;
    assert!(ends.iter().all(|end| end.1 == energy), "ranks disagree on the energy");
    let mut all = Bodies::default();
    ends.iter().for_each(|(bodies, _)| all.append(bodies));
    let mut order: Vec<u32> = (0..all.len() as u32).collect();
    order.sort_by_key(|i| all.id[*i as usize]);
    all.permute(&order);
    (all, energy)
}

fn integrate(comm: &dyn Comm, gravity: &Gravity, bodies: Bodies, steps: usize) -> (Bodies, [u64; 2]) {
    let evaluate = |bodies| -> Evaluation { evaluate(comm, gravity, bodies).expect("the bodies are good") };
    let mut now = evaluate(bodies);
    for _ in 0..steps {
        let mut bodies = now.bodies;
        leapfrog::kick(&mut bodies, 5e-4);
        leapfrog::drift(&mut bodies, 1e-3);
        now = evaluate(bodies);
        leapfrog::kick(&mut now.bodies, 5e-4);
    }
    with_energy(comm, now)
}

/// Evaluations with fewer and more active bodies on one tree, with drifted and fresh moments. The last
/// is then repeated with a smaller tolerance after ranks have turned out to be of different speed, so
/// bodies change their rank between the two.
fn substeps(comm: &dyn Comm, gravity: &Gravity, bodies: Bodies) -> (Bodies, [u64; 2]) {
    let plan = |least_rung| Plan {
        selection: Selection { least_rung, changes: true },
        ahead: 3.0,
        finest_rung: 3,
        sort: 5,
    };
    let mut now = evaluate_selected(comm, gravity, bodies, &plan(0)).expect("the bodies are good");
    for (least_rung, moments) in [
        (2, Moments::Drifted),
        (3, Moments::Drifted),
        (1, Moments::Fresh),
        (3, Moments::Drifted),
        (0, Moments::Drifted),
    ] {
        leapfrog::drift(&mut now.bodies, 1e-3);
        now = now.again(comm, gravity, &plan(least_rung), moments);
    }
    let mut speeds = Speeds::new(Sharing { balancing: Balancing::Speed, most_bodies: None });
    speeds.record(1.0 + (comm.rank() % 3) as f64, 1.0);
    let finer = Gravity { tolerance: 0.5 * gravity.tolerance, theta: 0.5, ..gravity.clone() };
    let repeat = Plan { sort: 5, ..Plan::default() };
    let now = evaluate_shared(comm, &finer, now.into_bodies(), &repeat, &mut speeds);
    with_energy(comm, now.expect("the bodies are good"))
}

fn with_energy(comm: &dyn Comm, now: Evaluation) -> (Bodies, [u64; 2]) {
    let energy = now.sum(comm, |b, i| {
        let v = b.velocity(i);
        [0.5 * b.mass[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), 0.5 * b.mass[i] * b.pot[i]]
    });
    (now.bodies, energy.map(f64::to_bits))
}

/// The bits of every column of bodies, by name.
fn columns(bodies: &Bodies) -> Vec<(&str, Vec<u64>)> {
    let bits = |array: Array| (0..array.len()).map(|i| array.bits(i)).collect();
    bodies.arrays().map(|(name, _, _, array)| (name, bits(array))).collect()
}

fn names<'a>(columns: &[(&'a str, Vec<u64>)]) -> Vec<&'a str> {
    columns.iter().map(|(name, _)| *name).collect()
}

/// Panics unless all bits of bodies and energies agree.
fn assert_same_bits(got: &(Bodies, [u64; 2]), want: &(Bodies, [u64; 2]), what: &str) {
    let (found, wanted) = (columns(&got.0), columns(&want.0));
    assert_eq!(names(&found), names(&wanted), "{what}: other columns");
    for ((name, got), (_, want)) in found.iter().zip(&wanted) {
        assert_eq!(got, want, "{what}: {name}");
    }
    assert_eq!(got.1, want.1, "{what}: energy");
}

/// The comparison must detect a change of one bit in any column.
#[test]
fn the_comparison_sees_every_bit_of_a_body() {
    let bodies = plummer(2);
    let mut message = Vec::new();
    bodies.write(0..2, &mut message);
    for byte in 12..message.len() {
        // behind the number of bodies and the length of the names of columns
        let mut changed = message.clone();
        changed[byte] ^= 1 << (byte % 8);
        let mut other = Bodies::default();
        other.read(&changed);
        assert_ne!(columns(&other), columns(&bodies), "byte {byte} of {}", message.len());
    }
}

fn gravity(walk: Walk, criterion: Criterion, order: usize) -> Gravity {
    let softening = Softening {
        kernel: SofteningKernel::Spline,
        length: [0.0, 0.01, 0.02, 0.01, 0.0, 0.0],
        ..Softening::default()
    };
    let tolerance = if criterion == Criterion::Absolute { 0.01 } else { 0.003 };
    Gravity {
        walk,
        criterion,
        order,
        tolerance,
        theta: 0.6,
        leaf_size: 8,
        group_size: 24,
        softening,
        ..Gravity::default()
    }
}

const EVERY: [Criterion; 3] = [Criterion::Angle, Criterion::Absolute, Criterion::Relative];
const WALKS: [Walk; 2] = [Walk::Tree, Walk::Fmm];

/// All walks with all criteria and orders.
fn combinations(orders: &[usize]) -> impl Iterator<Item = Gravity> {
    WALKS.into_iter().flat_map(move |walk| {
        EVERY
            .into_iter()
            .flat_map(move |criterion| orders.iter().map(move |order| gravity(walk, criterion, *order)))
    })
}

fn name(gravity: &Gravity) -> String {
    format!("{:?}, {:?}, order {}", gravity.walk, gravity.criterion, gravity.order)
}

#[test]
fn every_criterion_and_order_on_any_ranks() {
    for (bodies_name, bodies) in [("plummer", plummer(2_000)), ("clumps", clumps(2_000))] {
        for gravity in combinations(&[1, 2, 3, 4, 5, 6]) {
            // Long runs test migration, which does not depend on the order; short ones test the kernels.
            let steps = if gravity.order == 3 { STEPS } else { 3 };
            let want = run(&gravity, &bodies, 1, 1, steps);
            for ranks in [2, 3, 4, 7] {
                let got = run(&gravity, &bodies, ranks, 1, steps);
                assert_same_bits(&got, &want, &format!("{bodies_name}, {}, {ranks} ranks", name(&gravity)));
            }
        }
    }
}

/// Complete evaluations with messages packed by host and with long messages.
#[test]
fn ranks_on_hosts() {
    for (bodies_name, bodies) in [("plummer", plummer(6_000)), ("clumps", clumps(6_000))] {
        for gravity in combinations(&[3]) {
            let want = run(&gravity, &bodies, 1, 1, 2);
            for hosts in [Hosts::filled(4, 2), Hosts::filled(7, 3), Hosts::new((0..9).map(|rank| rank % 4))] {
                let got = on_ranks(&bodies, hosts.all_ranks(), 1, |comm, bodies| {
                    integrate(&TwoLevel::new(comm, hosts.clone()), &gravity, bodies, 2)
                });
                assert_same_bits(&got, &want, &format!("{bodies_name}, {}, {hosts:?}", name(&gravity)));
            }
        }
    }
}

#[test]
fn some_bodies_on_one_tree() {
    for (bodies_name, mut bodies) in [("plummer", plummer(2_000)), ("clumps", clumps(2_000))] {
        // The finest rung is in one region, so some ranks have none of its bodies.
        for i in 0..bodies.len() {
            let near = bodies.position(i).iter().all(|x| (x - 0.2).abs() < 0.5);
            bodies.rung[i] = if near { 3 } else { (i % 3) as u8 };
        }
        for gravity in combinations(&[3]) {
            let on = |ranks| on_ranks(&bodies, ranks, 1, |comm, bodies| substeps(comm, &gravity, bodies));
            let want = on(1);
            for ranks in 2..=9 {
                let what = format!("{bodies_name}, {}, {ranks} ranks", name(&gravity));
                assert_same_bits(&on(ranks), &want, &what);
            }
        }
    }
}

#[test]
fn any_threads() {
    // More bodies than one task of the fmm walk has.
    for (bodies_name, bodies) in [("plummer", plummer(6_000)), ("clumps", clumps(6_000))] {
        for gravity in combinations(&[1, 2, 3, 4]) {
            let want = run(&gravity, &bodies, 1, 1, 2);
            for (ranks, threads) in [(1, 2), (1, 4), (3, 2)] {
                let got = run(&gravity, &bodies, ranks, threads, 2);
                let what = format!("{bodies_name}, {}, {ranks} ranks x {threads} threads", name(&gravity));
                assert_same_bits(&got, &want, &what);
            }
        }
    }
}

#[test]
fn other_softenings() {
    let pairs = [([1, 2], 0.05), ([3, 3], 0.0), ([2, 3], 0.02)];
    let pairs = pairs.map(|(types, length)| PairLength { types, length }).to_vec();
    for softening in [
        Softening { length: [0.0, 0.01, 0.02, 0.03, 0.0, 0.0], pairs, ..Softening::default() },
        Softening { kernel: SofteningKernel::Plummer, length: [0.02; 6], ..Softening::default() },
        Softening {
            kernel: SofteningKernel::Plummer,
            length: [0.0, 0.01, 0.02, 0.03, 0.0, 0.0],
            ..Softening::default()
        },
        Softening::default(),
    ] {
        for walk in WALKS {
            let gravity = Gravity { softening: softening.clone(), ..gravity(walk, Criterion::Relative, 3) };
            let bodies = clumps(2_000);
            let want = run(&gravity, &bodies, 1, 1, 5);
            for ranks in [2, 5] {
                let got = run(&gravity, &bodies, ranks, 1, 5);
                assert_same_bits(&got, &want, &format!("{walk:?}, {:?}, {ranks} ranks", gravity.softening));
            }
        }
    }
}

#[test]
fn many_virtual_ranks() {
    let bodies = clumps(6_000);
    for gravity in combinations(&[4]) {
        let want = run(&gravity, &bodies, 1, 2, 3);
        for ranks in [16, 64] {
            let got = run(&gravity, &bodies, ranks, 1, 3);
            assert_same_bits(&got, &want, &format!("{}, {ranks} ranks", name(&gravity)));
        }
    }
}

#[test]
fn more_ranks_than_bodies_and_one_octant() {
    let mut octant = plummer(300);
    octant.pos.iter_mut().flatten().for_each(|x| *x = 100.0 + 1e-3 * *x);
    octant.pos[0][0] = -100.0;
    let mut heap = plummer(300);
    heap.pos.iter_mut().for_each(|axis| axis[10..].fill(0.125));
    for (bodies_name, bodies) in
        [("one", plummer(1)), ("two", plummer(2)), ("five", plummer(5)), ("octant", octant), ("heap", heap)]
    {
        for walk in WALKS {
            let gravity = gravity(walk, Criterion::Relative, 2);
            let want = run(&gravity, &bodies, 1, 1, STEPS);
            for ranks in [2, 7, 16] {
                let got = run(&gravity, &bodies, ranks, 1, STEPS);
                assert_same_bits(&got, &want, &format!("{bodies_name}, {walk:?}, {ranks} ranks"));
            }
        }
    }
}
