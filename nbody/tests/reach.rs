//! A step of which [`Simulation::is_safe`] is true returns no error.

use decomposition::Solo;
use heorot_nbody::forces::Forces;
use heorot_nbody::model::{Model, Spherical, generate};
use heorot_nbody::potential::{Component, External, PointMass, Shape};
use heorot_nbody::stepping::{Adaptive, StepCriterion, Stepping};
use heorot_nbody::{Simulation, Start};
use std::sync::Arc;
use treecode::{Bodies, Softening, TYPES};

const BLOCK: Stepping = Stepping::Adaptive(Adaptive {
    global: false,
    criterion: StepCriterion::Both,
    eta: Adaptive::ETA,
    eta_rate: Adaptive::ETA_RATE,
    smallest: 0.0,
});

fn sphere() -> Bodies {
    let model = Spherical { bodies: 60, seed: 3, mass: 1.0, radius: 1.0, cut: 10.0, softening: 0.0 };
    generate(&Solo, &Model::Plummer(model), 1.0)
}

fn begin(bodies: Bodies, stepping: Stepping, external: Option<PointMass>) -> Simulation {
    let softening = Softening { length: [0.05; TYPES], ..Softening::default() };
    let components = external.map(|mass| Component::fixed(Shape::PointMass(mass))).into_iter().collect();
    let forces = Forces { external: Arc::new(External { components }), ..Forces::direct(softening) };
    Simulation::begin(&Solo, &forces, stepping, Start { bodies, time: 0.0 }).unwrap()
}

#[test]
fn ordinary_steps_are_safe() {
    for stepping in [Stepping::Fixed, BLOCK] {
        let mut simulation = begin(sphere(), stepping, Some(PointMass { gm: 1.0, softening: 0.1 }));
        for k in 1..=3 {
            while {
                assert!(simulation.is_safe(0.01));
                simulation.advance(&Solo, 0.01, 0.01 * f64::from(k)).unwrap() == heorot_nbody::Advance::Part
            } {}
        }
    }
}

/// From a speed on, a body leaves the range of numbers. Below it steps that are called safe return no
/// error; above it none is called safe.
#[test]
fn steps_that_fail_are_not_safe() {
    let (mut safe, mut failed) = (0, 0);
    for stepping in [Stepping::Fixed, BLOCK] {
        for exponent in (0..300).step_by(6) {
            let mut bodies = sphere();
            bodies.vel[1][7] = 10f64.powi(exponent);
            let mut simulation = begin(bodies, stepping, None);
            let is_safe = simulation.is_safe(0.01);
            let result = simulation.step(&Solo, 0.01, 0.01);
            assert!(!is_safe || result.is_ok(), "speed 1e{exponent}: {result:?}");
            safe += usize::from(is_safe);
            failed += usize::from(result.is_err());
        }
    }
    assert!(safe > 10 && failed > 40, "{safe} safe, {failed} failed");
}

#[test]
fn a_body_beside_a_strong_point_is_not_safe() {
    let mut bodies = sphere();
    (0..3).for_each(|axis| bodies.pos[axis][5] = 1e-40);
    let mut simulation = begin(bodies, Stepping::Fixed, Some(PointMass { gm: 1.0, softening: 0.0 }));
    assert!(!simulation.is_safe(0.01));
    assert!(simulation.step(&Solo, 0.01, 0.01).is_err());
}

#[test]
fn steps_that_are_too_short_leave_the_simulation_as_it_was() {
    let mut bodies = sphere();
    bodies.pos[0][1] = bodies.pos[0][0] + 1e-9;
    (1..3).for_each(|axis| bodies.pos[axis][1] = bodies.pos[axis][0]);
    let softening = Softening { length: [1e-20; TYPES], ..Softening::default() };
    let start = Start { bodies, time: 0.0 };
    let mut simulation = Simulation::begin(&Solo, &Forces::direct(softening), BLOCK, start).unwrap();
    let before = simulation.bodies().clone();
    assert!(simulation.choose_steps(&Solo, 1.0).is_err());
    assert!(*simulation.bodies() == before);
}
