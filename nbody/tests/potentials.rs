//! Orbits in external potentials. The tests check orders and constants of the motion.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use decomposition::{Comm, Plan, Solo, threads};
use heorot_nbody::forces::{AccuracyOf, Engine, Forces};
use heorot_nbody::model::{Model, Spherical, generate};
use heorot_nbody::potential::*;
use heorot_nbody::stepping::{Adaptive, StepCriterion, Stepping};
use heorot_nbody::{Simulation, Start};
use std::f64::consts::TAU;
use std::sync::Arc;
use treecode::{Bodies, Census, Gravity, Selection, Softening, Walk, direct};

fn within(components: Vec<Component>) -> Forces {
    Forces { external: Arc::new(External { components }), ..Forces::direct(Softening::default()) }
}

/// Massless bodies with places and velocities.
fn tracers(states: &[[f64; 6]]) -> Bodies {
    let mut bodies = Bodies::zeroed(states.len());
    for (i, state) in states.iter().enumerate() {
        for axis in 0..3 {
            (bodies.pos[axis][i], bodies.vel[axis][i]) = (state[axis], state[3 + axis]);
        }
    }
    bodies
}

/// Does steps of one length until a time and calls `look` after each. Returns the bodies by id.
fn evolve(
    comm: &dyn Comm,
    forces: &Forces,
    stepping: Stepping,
    bodies: &Bodies,
    [start, end]: [f64; 2],
    steps: u64,
    mut look: impl FnMut(&Simulation),
) -> Bodies {
    let start_state = Start { bodies: bodies.clone(), time: start };
    let mut simulation = Simulation::begin(comm, forces, stepping, start_state).unwrap();
    let length = (end - start) / steps as f64;
    for k in 1..=steps {
        simulation.step(comm, length, start + k as f64 * length).unwrap();
        look(&simulation);
    }
    let mut bodies = simulation.bodies().clone();
    let mut order: Vec<u32> = (0..bodies.len() as u32).collect();
    order.sort_by_key(|&i| bodies.id[i as usize]);
    bodies.permute(&order);
    bodies
}

fn norm(v: [f64; 3]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn apart(a: &Bodies, b: &Bodies, i: usize) -> f64 {
    norm(std::array::from_fn(|axis| a.pos[axis][i] - b.pos[axis][i]))
}

const SCALE: Scale = Scale { kpc: 1.0, km_per_s: 1.0, sun: 4.300_917_270e-6 };

fn block(eta_rate: f64) -> Stepping {
    Stepping::Adaptive(Adaptive {
        global: false,
        criterion: StepCriterion::Rate,
        eta: Adaptive::ETA,
        eta_rate,
        smallest: 0.0,
    })
}

#[test]
fn circular_orbits_stay_circular() {
    let shapes = mw_potential_2014(&SCALE);
    let forces = within(shapes.into_iter().map(Component::fixed).collect());
    let moment = forces.external.at(0.0);
    let states = [2.0, 8.0, 20.0].map(|r| {
        let speed = (-moment.field([r, 0.0, 0.0]).acceleration[0] * r).sqrt();
        [r, 0.0, 0.0, 0.0, speed, 0.0]
    });
    assert!((states[1][4] - 220.0).abs() < 1e-9);
    let start = tracers(&states);
    let end = TAU * 8.0 / 220.0; // one revolution at 8 kpc
    let done = evolve(&Solo, &forces, Stepping::Fixed, &start, [0.0, end], 4000, |_| ());
    for (i, [r, ..]) in states.iter().enumerate() {
        let radius = norm(done.position(i));
        assert!((radius / r - 1.0).abs() < 1e-4, "{radius} instead of {r}");
    }
    assert!(apart(&done, &start, 1) < 1e-3, "the orbit at 8 kpc closes: {:?}", done.position(1));
}

#[test]
fn the_leapfrog_is_of_second_order_also_in_fields_that_depend_on_time() {
    let halo = Component {
        motion: Motion::Circle(Circle {
            centre: [0.1, 0.0, 0.0],
            radius: 0.3,
            speed: 2.0,
            angle: 0.4,
            inclination: 0.5,
        }),
        growth: Some(Growth { start: 0.2, duration: 1.5, from: 0.5, to: 1.5 }),
        ..Component::fixed(Shape::Hernquist(Hernquist { gm: 1.0, scale: 0.7 }))
    };
    let bar = Component {
        rotation: Rotation { angle: 0.3, speed: 1.1 },
        ..Component::fixed(Shape::Bar(Bar { amplitude: 0.02, length: 0.8 }))
    };
    let forces = within(vec![halo, bar]);
    let start = tracers(&[[1.0, 0.2, 0.1, -0.1, 0.6, 0.2], [0.3, -0.8, 0.4, 0.5, 0.3, -0.1]]);
    let at = |steps| evolve(&Solo, &forces, Stepping::Fixed, &start, [0.0, 2.0], steps, |_| ());
    let [coarse, fine, finer] = [200, 400, 800].map(at);
    for i in 0..2 {
        let order = (apart(&coarse, &fine, i) / apart(&fine, &finer, i)).log2();
        assert!((order - 2.0).abs() < 0.1, "body {i}: order {order}");
    }
    // Block steps of a short full step find the same orbit.
    let blocks = evolve(&Solo, &forces, block(0.01), &start, [0.0, 2.0], 40, |_| ());
    for i in 0..2 {
        assert!(apart(&blocks, &finer, i) < 3e-3, "body {i}: {}", apart(&blocks, &finer, i));
    }
}

#[test]
fn energy_is_kept_to_second_order_in_static_fields() {
    let shapes = [
        Shape::Isochrone(Isochrone { gm: 1.0, scale: 0.5 }),
        Shape::Logarithmic(Logarithmic { speed: 1.0, core: 0.1, ratios: [0.9, 0.7] }),
        Shape::Nfw(Nfw { gm: 3.0, scale: 1.0 }),
        Shape::MiyamotoNagai(MiyamotoNagai { gm: 1.0, scale: 0.6, height: 0.2 }),
        Shape::CutPowerLaw(CutPowerLaw::new(1.0, 1.0, 1.5)),
    ];
    for shape in shapes {
        let forces = within(vec![Component::fixed(shape.clone())]);
        assert!(forces.external.is_static());
        let start = tracers(&[[1.0, 0.0, 0.2, 0.1, 0.5, 0.2], [-0.5, 0.8, 0.1, 0.4, 0.3, -0.3]]);
        let error = |steps: u64| {
            let (mut first, mut greatest) = (None, 0f64);
            evolve(&Solo, &forces, Stepping::Fixed, &start, [0.0, 10.0], steps, |simulation| {
                let first = *first.get_or_insert(simulation.diagnostics);
                greatest = greatest.max((simulation.diagnostics.energy() - first.energy()).abs());
            });
            greatest
        };
        let (coarse, fine) = (error(1000), error(2000));
        let order = (coarse / fine).log2();
        assert!((order - 2.0).abs() < 0.3, "{shape:?}: {coarse:e}, {fine:e}: order {order}");
    }
}

#[test]
fn a_rotating_bar_keeps_the_jacobi_integral_and_not_the_energy() {
    let speed = 1.2;
    let bar = Component {
        rotation: Rotation { angle: 0.5, speed },
        ..Component::fixed(Shape::Bar(Bar { amplitude: Bar::amplitude(0.05, 1.0, 1.0, 0.8), length: 0.8 }))
    };
    let halo =
        Component::fixed(Shape::Logarithmic(Logarithmic { speed: 1.0, core: 0.05, ratios: [1.0, 0.9] }));
    let forces = within(vec![halo, bar]);
    assert!(!forces.external.is_static());
    let start = tracers(&[[1.1, 0.0, 0.05, 0.1, 0.9, 0.1]]);
    let changes = |steps: u64| {
        let (mut first, mut jacobi, mut energy) = (None, 0f64, 0f64);
        evolve(&Solo, &forces, Stepping::Fixed, &start, [0.0, 12.0], steps, |simulation| {
            let d = simulation.diagnostics;
            let now = [d.energy() - speed * d.angular_momentum[2], d.energy()];
            let first = *first.get_or_insert(now);
            jacobi = jacobi.max((now[0] - first[0]).abs());
            energy = energy.max((now[1] - first[1]).abs());
        });
        [jacobi, energy]
    };
    let ([coarse, _], [fine, energy]) = (changes(2000), changes(4000));
    let order = (coarse / fine).log2();
    assert!((order - 2.0).abs() < 0.3, "order {order}: {coarse:e}, {fine:e}");
    assert!(energy > 0.01 && fine < 1e-3 * energy, "energy changes by {energy}, the integral by {fine}");
}

#[test]
fn a_moving_potential_carries_its_orbits_along() {
    let plummer = Shape::PointMass(PointMass { gm: 1.0, softening: 0.3 });
    let at_rest = within(vec![Component::fixed(plummer.clone())]);
    let (shift, velocity) = ([3.0, -1.0, 2.0], [0.5, 0.25, -1.0]);
    let moving = within(vec![Component {
        motion: Motion::Uniform { centre: shift, velocity },
        ..Component::fixed(plummer)
    }]);
    let state = [0.7, 0.1, 0.2, 0.1, 0.8, 0.1];
    let moved = std::array::from_fn(|k| state[k] + if k < 3 { shift[k] } else { velocity[k - 3] });
    let end = 4.0;
    let a = evolve(&Solo, &at_rest, Stepping::Fixed, &tracers(&[state]), [0.0, end], 400, |_| ());
    let b = evolve(&Solo, &moving, Stepping::Fixed, &tracers(&[moved]), [0.0, end], 400, |_| ());
    for axis in 0..3 {
        let expected = a.pos[axis][0] + shift[axis] + velocity[axis] * end;
        assert!((b.pos[axis][0] - expected).abs() < 1e-12, "axis {axis}");
    }
}

/// A cluster on its way in the Milky Way. Every fifth body is massless.
fn cluster() -> Bodies {
    let model = Spherical { bodies: 300, seed: 3, mass: 1e-6, radius: 0.01, cut: 5.0, softening: 0.0 };
    let mut bodies = generate(&Solo, &Model::Plummer(model), 43_009.172_7);
    for i in 0..bodies.len() {
        bodies.pos[0][i] += 9.0;
        bodies.vel[1][i] += 150.0;
        bodies.vel[2][i] += 50.0;
        bodies.mass[i] *= f64::from(u8::from(i % 5 != 0));
    }
    bodies
}

#[test]
fn ranks_have_the_same_bits_and_a_cluster_keeps_its_energy() {
    let softening = Softening { length: [0.002; 6], ..Softening::default() };
    let external =
        External { components: mw_potential_2014(&SCALE).into_iter().map(Component::fixed).collect() };
    for stepping in [Stepping::Fixed, block(0.02)] {
        let mut forces = Forces::of_accuracy(1e-3, Walk::Fmm, None, softening.clone());
        forces.external = Arc::new(external.clone());
        forces.gravity.constant = 43_009.172_7;
        let on = |ranks: usize| {
            let parts = threads::run(ranks, |comm| {
                let all = cluster();
                let mut mine = all.clone();
                mine.keep(comm.rank() * all.len() / ranks..(comm.rank() + 1) * all.len() / ranks);
                let mut ends = Vec::new();
                let done = evolve(comm, &forces, stepping, &mine, [0.0, 0.002], 8, |simulation| {
                    ends.push(simulation.diagnostics);
                });
                (done, ends)
            });
            let mut whole = Bodies::default();
            parts.iter().for_each(|(bodies, _)| whole.append(bodies));
            let mut order: Vec<u32> = (0..whole.len() as u32).collect();
            order.sort_by_key(|&i| whole.id[i as usize]);
            whole.permute(&order);
            (whole, parts[0].1.clone())
        };
        let ((one, ends), (three, theirs)) = (on(1), on(3));
        assert_eq!((&one.pos, &one.vel), (&three.pos, &three.vel), "{stepping:?}");
        assert_eq!(ends, theirs);
        let (first, last) = (ends[0], ends[7]);
        assert!(first.external != 0.0);
        assert!((last.energy() / first.energy() - 1.0).abs() < 1e-6, "{first:?}, {last:?}");
    }
}

#[test]
fn orbits_are_those_of_galpy_and_gala() {
    let disc = Shape::MiyamotoNagai(MiyamotoNagai { gm: 3e5, scale: 3.0, height: 0.28 });
    let halo = Shape::Nfw(Nfw { gm: 2e6, scale: 16.0 });
    let mut rows = 0;
    for line in include_str!("reference/potentials.csv").lines().filter(|line| line.contains(",orbit,")) {
        let words: Vec<&str> = line.split(',').collect();
        let n: Vec<f64> = words[3..].iter().map(|word| word.parse().unwrap()).collect();
        let shapes = match words[0] {
            "gala" => vec![disc.clone(), halo.clone()],
            _ => mw_potential_2014(&SCALE),
        };
        let forces = within(shapes.into_iter().map(Component::fixed).collect());
        let start = tracers(&[[n[1], n[2], n[3], n[4], n[5], n[6]]]);
        let at =
            |steps| evolve(&Solo, &forces, Stepping::Fixed, &start, [0.0, n[0]], steps, |_| ()).position(0);
        // The error of the leapfrog has even powers of the step. Two runs remove the lowest one.
        let (coarse, fine) = (at(8000), at(16000));
        let limit: [f64; 3] = std::array::from_fn(|axis| fine[axis] + (fine[axis] - coarse[axis]) / 3.0);
        let gap = norm(std::array::from_fn(|axis| limit[axis] - n[7 + axis])) / norm(limit);
        assert!(gap < 1e-8, "{line}: {limit:?}, {gap:e}");
        rows += 1;
    }
    assert_eq!(rows, 2);
}

/// A satellite in a field that is several times its own gravity. Relative to the total force, the
/// error of its own gravity may be as much greater, with fewer interactions. Decisions do not
/// depend on ranks.
#[test]
fn accuracy_is_of_the_gravity_of_a_satellite_or_of_the_total_force() {
    let host = Component::fixed(Shape::PointMass(PointMass { gm: 150.0, softening: 0.0 }));
    let model = Spherical { bodies: 6_000, seed: 5, mass: 1.0, radius: 1.0, cut: 6.0, softening: 0.0 };
    let mut satellite = generate(&Solo, &Model::Plummer(model), 1.0);
    satellite.pos[0].iter_mut().for_each(|x| *x += 10.0);
    let external = Arc::new(External { components: vec![host] });
    let measure = |accuracy_of: AccuracyOf, ranks: usize| {
        let asked = Forces::of_accuracy(1e-3, Walk::Fmm, None, Softening::default());
        let forces = Forces { accuracy_of, external: external.clone(), ..asked };
        let ends = threads::run(ranks, |comm| {
            let mut engine = Engine::new(&forces);
            let mut mine = satellite.clone();
            let some = |i: &u32| *i as usize % comm.size() == comm.rank();
            mine.permute(&(0..satellite.len() as u32).filter(some).collect::<Vec<_>>());
            let found = engine.evaluate(comm, mine, &Plan::default()).unwrap();
            (engine.control().unwrap().clone(), found.bodies)
        });
        let control = ends[0].0.clone();
        assert!(ends.iter().all(|end| end.0 == control), "ranks decide alike");
        (control, ends.into_iter().next().unwrap().1)
    };
    let field = external.at(0.0);
    // Errors of all bodies, relative to their own gravity and to the total.
    let errors = |found: &Bodies| {
        let mut exact = found.clone();
        let gravity = Gravity { walk: Walk::Direct, ..Gravity::default() };
        direct::walk(found, 0, &gravity, Selection::default(), &mut exact, &mut Census::default());
        let mut squares = [0.0; 2];
        for i in 0..found.len() {
            let (a, e) = (found.acceleration(i), exact.acceleration(i));
            let outer = field.field(found.position(i)).acceleration;
            let difference = norm(std::array::from_fn(|axis| a[axis] - e[axis]));
            let total = norm(std::array::from_fn(|axis| e[axis] + outer[axis]));
            squares[0] += (difference / norm(e)).powi(2);
            squares[1] += (difference / total).powi(2);
        }
        squares.map(|sum| (sum / found.len() as f64).sqrt())
    };
    let (own, by_own) = measure(AccuracyOf::SelfGravity, 1);
    let (total, by_total) = measure(AccuracyOf::Total, 1);
    let ([a, _], [b, c]) = (errors(&by_own), errors(&by_total));
    assert!((4e-4..1.1e-3).contains(&a), "relative to its own gravity: {a}");
    assert!((4e-4..1.1e-3).contains(&c), "relative to the total: {c}");
    assert!(b > 2.0 * a, "the error of its own gravity is greater: {b} and {a}");
    assert!(total.tolerance > 2.0 * own.tolerance, "{} and {}", total.tolerance, own.tolerance);
    assert!(total.line().contains("of the total force") && !own.line().contains("total"));
    assert_eq!(measure(AccuracyOf::Total, 3).0, total);
}
