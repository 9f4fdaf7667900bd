//! The integrator has the properties of a second-order, time-reversible scheme. The tests check
//! orders and coefficients instead of loose bounds.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use decomposition::{Comm, Shifted, Solo, threads};
use heorot_nbody::forces::Forces;
use heorot_nbody::model::{Model, Spherical, TwoBody, generate};
use heorot_nbody::stepping::Stepping;
use heorot_nbody::{Simulation, Start};
use std::f64::consts::TAU;
use std::panic::{AssertUnwindSafe, catch_unwind};
use treecode::{Bodies, Criterion, Gravity, Softening, SofteningKernel, TYPES};

fn two_bodies(eccentricity: f64) -> Bodies {
    let model = TwoBody { mass: 1.0, mass_ratio: 0.5, semi_major_axis: 1.0, eccentricity };
    generate(&Solo, &Model::TwoBody(model), 1.0)
}

fn sphere(bodies: u64) -> Bodies {
    let model = Spherical { bodies, seed: 11, mass: 1.0, radius: 1.0, cut: 10.0, softening: 0.0 };
    generate(&Solo, &Model::Plummer(model), 1.0)
}

/// Nearly exact forces that do not depend on earlier ones, so that all errors come from the steps.
fn fine_gravity(softening: f64) -> Forces {
    let softening =
        Softening { kernel: SofteningKernel::Plummer, length: [softening; TYPES], ..Softening::default() };
    let gravity = Gravity { criterion: Criterion::Angle, theta: 0.25, softening, ..Gravity::default() };
    Forces { accuracy: None, gravity, ..Forces::default() }
}

/// Does `steps` steps of one length and calls `look` after each.
fn evolve(
    bodies: Bodies,
    gravity: &Forces,
    length: f64,
    steps: u64,
    mut look: impl FnMut(&Simulation),
) -> Bodies {
    let mut simulation =
        Simulation::begin(&Solo, gravity, Stepping::Fixed, Start { bodies, time: 0.0 }).unwrap();
    for k in 1..=steps {
        simulation.step(&Solo, length, k as f64 * length).unwrap();
        look(&simulation);
    }
    simulation.bodies().clone()
}

fn distance(bodies: &Bodies) -> f64 {
    (0..3).map(|axis| (bodies.pos[axis][1] - bodies.pos[axis][0]).powi(2)).sum::<f64>().sqrt()
}

/// Greatest relative energy error of any step.
fn energy_error(bodies: &Bodies, gravity: &Forces, length: f64, steps: u64) -> f64 {
    let mut energies = Vec::new();
    let first =
        Simulation::begin(&Solo, gravity, Stepping::Fixed, Start { bodies: bodies.clone(), time: 0.0 })
            .unwrap()
            .diagnostics;
    evolve(bodies.clone(), gravity, length, steps, |simulation| {
        energies.push(simulation.diagnostics.energy_error(&first).abs());
    });
    energies.into_iter().fold(0.0, f64::max)
}

#[test]
fn a_circular_orbit_stays_on_its_radius_for_a_hundred_periods() {
    // Let w be the frequency and h the step. The circular orbit of the scheme has the speed w r (1
    // - (wh)^2 / 8). A start at the speed w r is the pericentre of an orbit of eccentricity (wh)^2
    // / 4. So the radius oscillates between 1 and 1 + (wh)^2 / 2.
    let per_period = 100;
    let length = TAU / per_period as f64;
    let mut radii = Vec::new();
    evolve(two_bodies(0.0), &fine_gravity(0.0), length, 100 * per_period, |simulation| {
        radii.push(distance(simulation.bodies()))
    });
    let swing = |part: &[f64]| part.iter().fold((f64::MAX, f64::MIN), |(lo, hi), &r| (lo.min(r), hi.max(r)));
    let promised = 0.5 * length * length;
    for part in [&radii[..1000], &radii[9000..]] {
        let (low, high) = swing(part);
        assert!((low - 1.0).abs() < 0.05 * promised, "nearest {low}");
        assert!(((high - 1.0) / promised - 1.0).abs() < 0.05, "farthest {high}, promised {}", 1.0 + promised);
    }
}

#[test]
fn energy_error_of_a_kepler_orbit_falls_as_the_step_squared() {
    let bodies = two_bodies(0.5);
    let errors =
        [150, 300, 600].map(|steps| energy_error(&bodies, &fine_gravity(0.0), TAU / steps as f64, 3 * steps));
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 2.0).abs() < 0.05, "order {order} of errors {errors:?}");
    }
}

#[test]
fn energy_error_of_a_sphere_falls_as_the_step_squared() {
    let (bodies, gravity) = (sphere(400), fine_gravity(0.2));
    let errors = [16, 32, 64].map(|steps| energy_error(&bodies, &gravity, 4.0 / steps as f64, steps));
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((order - 2.0).abs() < 0.2, "order {order} of errors {errors:?}");
    }
}

#[test]
fn a_run_goes_back_the_way_it_came() {
    // The forces of near pairs are summed in single precision. The final state differs from the
    // start by their rounding errors, not by the error of the steps.
    for (start, gravity, length, steps) in
        [(two_bodies(0.5), fine_gravity(0.0), TAU / 100.0, 250), (sphere(400), fine_gravity(0.2), 0.1, 20)]
    {
        let mut there = evolve(start.clone(), &gravity, length, steps, |_| {});
        there.vel.iter_mut().flatten().for_each(|v| *v = -*v);
        let back = evolve(there.clone(), &gravity, length, steps, |_| {});
        let moved = farthest(&start, &there);
        let missed = farthest(&start, &back);
        assert!(moved > 0.5, "bodies have moved {moved}");
        assert!(missed < 2e-6, "bodies come back {missed} off their start, after {moved}");
    }
}

/// Greatest distance between the same bodies in two states.
fn farthest(a: &Bodies, b: &Bodies) -> f64 {
    let place = |bodies: &Bodies, id: u64| bodies.id.iter().position(|&other| other == id).unwrap();
    let apart = |id: u64| {
        let (p, q) = (a.position(place(a, id)), b.position(place(b, id)));
        (0..3).map(|axis| (p[axis] - q[axis]).powi(2)).sum::<f64>().sqrt()
    };
    a.id.iter().map(|&id| apart(id)).fold(0.0, f64::max)
}

/// The panic message of a step with `given`, of a simulation that began with `first`.
fn slip(first: &dyn Comm, given: &dyn Comm) -> Option<String> {
    let start = Start { bodies: sphere(64), time: 0.0 };
    let mut simulation =
        Simulation::begin(first, &fine_gravity(0.1), Stepping::Fixed, start).expect("the bodies are sound");
    let step = catch_unwind(AssertUnwindSafe(|| simulation.step(given, 0.01, 0.01)));
    step.err().map(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
}

#[test]
fn a_step_with_other_ranks_than_at_the_start_is_refused() {
    let slips = threads::run(2, |comm| {
        let shifted = Shifted::new(comm, 1);
        (slip(&Solo, comm), slip(comm, &shifted), slip(&shifted, comm), slip(&Solo, &Solo))
    });
    for (rank, (more, other, original, same)) in slips.into_iter().enumerate() {
        let said = |own: &str, given: usize| {
            Some(format!("a simulation of rank {own} was given the communicator of rank {given} of 2"))
        };
        assert_eq!(more, said("0 of 1", rank));
        assert_eq!(other, said(&format!("{rank} of 2"), 1 - rank));
        assert_eq!(original, said(&format!("{} of 2", 1 - rank), rank));
        assert_eq!(same, None);
    }
}
