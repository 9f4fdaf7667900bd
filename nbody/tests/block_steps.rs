//! Adaptive and block timesteps. If all bodies share a rung, they give the bits of fixed steps, and
//! block steps give the same bits on any ranks. They are of second order, and they reproduce known
//! orbits.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use decomposition::{Balancing, Comm, Solo, threads};
use heorot_nbody::forces::Forces;
use heorot_nbody::model::{Model, Spherical, TwoBody, generate};
use heorot_nbody::stepping::{Adaptive, StepCriterion, Stepping};
use heorot_nbody::{Simulation, Start};
use std::f64::consts::TAU;
use std::sync::atomic::{AtomicUsize, Ordering};
use treecode::{Array, Bodies, Gravity, Softening, TYPES, Walk};

fn adaptive(criterion: StepCriterion) -> Adaptive {
    Adaptive { global: false, criterion, eta: Adaptive::ETA, eta_rate: Adaptive::ETA_RATE, smallest: 0.0 }
}

/// Exact forces of bodies without softening.
fn exact() -> Forces {
    Forces::direct(Softening::default())
}

fn softened(walk: Walk, length: f64) -> Forces {
    let softening = Softening { length: [length; TYPES], ..Softening::default() };
    Forces {
        accuracy: None,
        gravity: Gravity { walk, softening, leaf_size: 16, ..Gravity::default() },
        ..Forces::default()
    }
}

/// A Hernquist sphere. Its cusp needs much shorter steps than its halo.
fn cusp(bodies: u64) -> Bodies {
    let model = Spherical { bodies, seed: 4, mass: 1.0, radius: 1.0, cut: 20.0, softening: 0.0 };
    generate(&Solo, &Model::Hernquist(model), 1.0)
}

/// Does full steps and calls `look` after each. Returns the bodies ordered by id.
fn evolve(
    comm: &dyn Comm,
    forces: &Forces,
    stepping: Stepping,
    bodies: Bodies,
    length: f64,
    steps: u64,
    mut look: impl FnMut(&Simulation),
) -> Bodies {
    let mut simulation = Simulation::begin(comm, forces, stepping, Start { bodies, time: 0.0 }).unwrap();
    for k in 1..=steps {
        simulation.step(comm, length, k as f64 * length).unwrap();
        look(&simulation);
    }
    simulation.bodies().clone()
}

fn by_id(mut bodies: Bodies) -> Bodies {
    let mut order: Vec<u32> = (0..bodies.len() as u32).collect();
    order.sort_by_key(|&i| bodies.id[i as usize]);
    bodies.permute(&order);
    bodies
}

/// The share of a rank: seven bodies in turn to each rank.
fn share(comm: &dyn Comm, bodies: &Bodies) -> Bodies {
    let is_mine = |i: &u32| (i / 7) as usize % comm.size() == comm.rank();
    let mut mine = bodies.clone();
    mine.permute(&(0..bodies.len() as u32).filter(is_mine).collect::<Vec<_>>());
    mine
}

/// The bodies of all ranks in the order of their ids.
fn together<'a>(parts: impl IntoIterator<Item = &'a Bodies>) -> Bodies {
    let mut all = Bodies::default();
    parts.into_iter().for_each(|part| all.append(part));
    by_id(all)
}

/// Panics unless all bits of every column agree.
fn assert_same_columns(got: &Bodies, want: &Bodies, what: &str) {
    assert_eq!(got.columns().len(), want.columns().len(), "{what}: other columns");
    for ((name, _, _, got), (same, _, _, want)) in got.arrays().zip(want.arrays()) {
        let bits = |array: Array| (0..array.len()).map(|i| array.bits(i)).collect::<Vec<_>>();
        assert!(name == same && bits(got) == bits(want), "{what}: {name}");
    }
}

/// Panics unless all bits of what both ways of stepping compute agree.
fn assert_same_bits(got: &Bodies, want: &Bodies, what: &str) {
    assert_eq!(got.id, want.id, "{what}: ids");
    let bits =
        |arrays: &[Vec<f64>; 3]| arrays.each_ref().map(|a| a.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
    assert!(bits(&got.pos) == bits(&want.pos), "{what}: positions");
    assert!(bits(&got.vel) == bits(&want.vel), "{what}: velocities");
    assert!(bits(&got.acc) == bits(&want.acc), "{what}: accelerations");
}

#[test]
fn bodies_that_share_a_rung_go_as_fixed_steps_do() {
    for walk in [Walk::Fmm, Walk::Tree, Walk::Direct] {
        let (forces, length) = (softened(walk, 0.01), 0.02);
        // The criterion asks for such short steps that all bodies are on the finest allowed rung.
        let shared =
            Adaptive { eta: 1e-12, smallest: 0.25 * length, ..adaptive(StepCriterion::Acceleration) };
        let fixed = evolve(&Solo, &forces, Stepping::Fixed, cusp(1_500), 0.25 * length, 12, |_| {});
        for global in [false, true] {
            let stepping = Stepping::Adaptive(Adaptive { global, ..shared });
            let found = evolve(&Solo, &forces, stepping, cusp(1_500), length, 3, |simulation| {
                assert_eq!((simulation.course.substeps, simulation.course.too_fast), (4, 1_500));
            });
            assert_same_bits(&by_id(found), &by_id(fixed.clone()), &format!("{walk:?}, global {global}"));
        }
    }
}

#[test]
fn block_steps_have_the_same_bits_on_any_ranks_and_threads() {
    let softening = softened(Walk::Fmm, 0.003).gravity.softening;
    let controlled = Forces::of_accuracy(2e-3, Walk::Fmm, None, softening);
    for forces in
        [softened(Walk::Fmm, 0.003), softened(Walk::Tree, 0.003), softened(Walk::Direct, 0.003), controlled]
    {
        let count = if forces.gravity.walk == Walk::Direct { 600 } else { 4_000 };
        let stepping = Stepping::Adaptive(adaptive(StepCriterion::Both));
        let run = |ranks: usize, threads: usize| {
            let ends = threads::run(ranks, |comm| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let bodies = share(comm, &cusp(count));
                pool.install(|| {
                    let mut courses = Vec::new();
                    let bodies = evolve(comm, &forces, stepping, bodies, 0.05, 2, |simulation| {
                        courses.push((simulation.course.clone(), simulation.diagnostics));
                    });
                    (bodies, courses)
                })
            });
            let all = together(ends.iter().map(|(bodies, _)| bodies));
            (all, ends.into_iter().next().unwrap().1)
        };
        let want = run(1, 1);
        let course = &want.1[1].0;
        assert!(course.finest() >= 3 && course.sorted < course.substeps / 2, "{course:?}");
        for (ranks, threads) in [(1, 3), (2, 1), (3, 2), (7, 1)] {
            let got = run(ranks, threads);
            let what = format!("{:?}, {ranks} ranks x {threads} threads", forces.gravity.walk);
            assert_same_columns(&got.0, &want.0, &what);
            assert_eq!(got.1, want.1, "{what}: courses");
        }
    }
}

#[test]
fn the_error_of_orbits_in_a_sphere_falls_with_eta() {
    // A quarter of eta halves every step: the error of a second-order scheme falls by a factor of
    // four.
    let forces = softened(Walk::Direct, 0.1);
    let model = Spherical { bodies: 300, seed: 11, mass: 1.0, radius: 1.0, cut: 10.0, softening: 0.0 };
    let sphere = generate(&Solo, &Model::Plummer(model), 1.0);
    let end = |eta: f64| {
        let stepping = Stepping::Adaptive(Adaptive { eta, ..adaptive(StepCriterion::Acceleration) });
        by_id(evolve(&Solo, &forces, stepping, sphere.clone(), 0.5, 4, |simulation| {
            assert!(simulation.course.finest() >= 2, "nobody divides the step");
        }))
    };
    let nearly_exact = end(0.1 / 256.0);
    let errors = [0.1, 0.025, 0.00625].map(|eta| {
        let found = end(eta);
        let squares = (0..3).flat_map(|axis| {
            let pairs = found.pos[axis].iter().zip(&nearly_exact.pos[axis]);
            pairs.map(|(x, y)| (x - y) * (x - y)).collect::<Vec<_>>()
        });
        squares.sum::<f64>().sqrt()
    });
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 2.0).abs() < 0.4, "order {order} of errors {errors:?}");
    }
}

/// The separation on a Kepler ellipse of semi-major axis and frequency 1. The orbit starts at
/// apocentre, on the x axis, at time 0.
fn kepler(eccentricity: f64, time: f64) -> [f64; 2] {
    let mean = time + 0.5 * TAU;
    let mut anomaly = mean;
    for _ in 0..100 {
        anomaly -= (anomaly - eccentricity * anomaly.sin() - mean) / (1.0 - eccentricity * anomaly.cos());
    }
    [anomaly.cos() - eccentricity, (1.0 - eccentricity * eccentricity).sqrt() * anomaly.sin()]
}

#[test]
fn an_eccentric_orbit_follows_keplers_and_its_error_falls_with_the_rate() {
    let eccentricity = 0.9;
    let model = TwoBody { mass: 1.0, mass_ratio: 0.5, semi_major_axis: 1.0, eccentricity };
    let orbits = 3;
    let error = |eta_rate| {
        let stepping = Stepping::Adaptive(Adaptive { eta_rate, ..adaptive(StepCriterion::Rate) });
        let bodies = generate(&Solo, &Model::TwoBody(model.clone()), 1.0);
        let start = [0, 1].map(|axis| bodies.pos[axis][1] - bodies.pos[axis][0]);
        let exact_start = kepler(eccentricity, 0.0);
        let turn = start[0] / exact_start[0];
        let length = TAU / 8.0;
        let mut worst = 0.0f64;
        let mut step = 0;
        evolve(&Solo, &exact(), stepping, bodies, length, 8 * orbits, |simulation| {
            step += 1;
            let bodies = by_id(simulation.bodies().clone());
            let found = [0, 1].map(|axis| turn * (bodies.pos[axis][1] - bodies.pos[axis][0]));
            let wanted = kepler(eccentricity, step as f64 * length);
            // At pericentre the speed is high, so a small phase error is a large position error.
            if step % 8 != 4 {
                worst = worst.max((found[0] - wanted[0]).hypot(found[1] - wanted[1]));
            }
        });
        worst
    };
    // In units of the semi-major axis, after three pericentre passages at a tenth of it.
    let first = error(Adaptive::ETA_RATE);
    assert!(first < 4e-3, "{first}");
    let errors = [0.0025, 0.00125, 0.000625].map(error);
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 2.0).abs() < 0.35, "order {order} of errors {errors:?}");
    }
}

/// Bodies with these masses, and positions and velocities in the x-y plane.
fn few(all: &[(f64, [f64; 2], [f64; 2])]) -> Bodies {
    let mut bodies = Bodies::zeroed(all.len());
    for (i, (mass, place, velocity)) in all.iter().enumerate() {
        bodies.mass[i] = *mass;
        for axis in 0..2 {
            (bodies.pos[axis][i], bodies.vel[axis][i]) = (place[axis], velocity[axis]);
        }
    }
    bodies
}

#[test]
fn a_figure_eight_closes_and_its_error_falls_as_the_step_squared() {
    // Chenciner & Montgomery (2000), with the values of Simo.
    let (x, y, u, v) = (0.97000435669734, -0.24308753153583, -0.93240737144104, -0.86473146092102);
    let period = 6.32591398292621;
    let start = few(&[
        (1.0, [x, y], [-0.5 * u, -0.5 * v]),
        (1.0, [-x, -y], [-0.5 * u, -0.5 * v]),
        (1.0, [0.0, 0.0], [u, v]),
    ]);
    let errors = [500, 1000, 2000].map(|steps| {
        let end = by_id(evolve(
            &Solo,
            &exact(),
            Stepping::Fixed,
            start.clone(),
            period / steps as f64,
            steps,
            |_| {},
        ));
        (0..3)
            .map(|i| (end.pos[0][i] - start.pos[0][i]).hypot(end.pos[1][i] - start.pos[1][i]))
            .fold(0.0, f64::max)
    });
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 2.0).abs() < 0.05, "order {order} of errors {errors:?}");
    }
    assert!(errors[2] < 1e-3, "{errors:?}");
}

#[test]
fn the_pythagorean_problem_passes_its_closest_encounter() {
    // Burrau (1913); Szebehely & Peters (1967): masses 3, 4 and 5 at rest, opposite the sides of
    // these lengths in a triangle. At t = 15.83, two of them pass each other at a distance of 4e-4.
    // The later motion is very sensitive to errors at that time.
    let rest = [0.0; 2];
    let start = few(&[(3.0, [1.0, 3.0], rest), (4.0, [-2.0, -1.0], rest), (5.0, [1.0, -1.0], rest)]);
    let stepping = Stepping::Adaptive(Adaptive { eta_rate: 0.002, ..adaptive(StepCriterion::Rate) });
    let (mut worst, mut first) = (0.0f64, None);
    let end = by_id(evolve(&Solo, &exact(), stepping, start, 0.1, 200, |simulation| {
        let first = *first.get_or_insert(simulation.diagnostics);
        worst = worst.max(simulation.diagnostics.energy_error(&first).abs());
    }));
    let apart = |a: usize, b: usize| (end.pos[0][a] - end.pos[0][b]).hypot(end.pos[1][a] - end.pos[1][b]);
    let found = [apart(0, 1), apart(0, 2), apart(1, 2)];
    assert!(worst < 3e-5, "energy error {worst:.2e}");
    // The result with steps a tenth as long.
    for (found, expected) in found.into_iter().zip([4.501, 3.722, 0.882]) {
        assert!((found - expected).abs() < 3e-3, "{found}, not {expected}");
    }
}

/// A whole run with everything that reads columns of bodies between evaluations: block steps by both criteria,
/// a wanted force error, whose measurement repeats evaluations, and moments that drift. Before each
/// evaluation the ranks get other shares of the bodies.
#[test]
fn a_run_has_the_same_bits_if_bodies_change_their_rank_before_each_evaluation() {
    let bodies = cusp(1500);
    let run = |ranks: usize, seed: u64| {
        let mut forces = Forces { accuracy: Some(2e-3), ..softened(Walk::Fmm, 0.02) };
        forces.sharing.balancing = Balancing::Random(seed);
        let moves = AtomicUsize::new(0);
        let parts = threads::run(ranks, |comm| {
            let part = share(comm, &bodies);
            let mut count = part.len();
            evolve(
                comm,
                &forces,
                Stepping::Adaptive(adaptive(StepCriterion::Both)),
                part,
                0.02,
                3,
                |simulation| {
                    moves.fetch_add(usize::from(simulation.bodies().len() != count), Ordering::Relaxed);
                    count = simulation.bodies().len();
                },
            )
        });
        (together(&parts), moves.into_inner())
    };
    let (alone, _) = run(1, 0);
    for (ranks, seed) in [(2, 1), (3, 2), (5, 3)] {
        let (all, moves) = run(ranks, seed);
        assert!(moves > ranks, "bodies change their rank");
        assert_same_bits(&all, &alone, &format!("{ranks} ranks"));
    }
}
