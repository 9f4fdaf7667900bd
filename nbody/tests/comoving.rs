//! Waves of sheets in an expanding box, whose motion is known in closed form before sheets cross
//! ([`Wave`]), and boxes of random bodies.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use decomposition::{Comm, Solo, threads};
use heorot_nbody as nbody;
use nbody::cosmology::{Comoving, Cosmology, Expansion, Wave, scale_factor_of};
use nbody::forces::Forces;
use nbody::stepping::{Adaptive, StepCriterion, Stepping};
use nbody::{Advance, Simulation, Start};
use std::f64::consts::PI;
use treecode::{Bodies, Domain};

/// A universe of matter, or one with dark energy, in units with G = 1.
fn universe(omega_m: f64) -> Cosmology {
    Cosmology::flat(omega_m, 1.3)
}

/// A simulation of the wave.
fn begin(comm: &dyn Comm, wave: &Wave, forces: &Forces, stepping: Stepping) -> Simulation {
    wave.begin(comm, forces, stepping).unwrap()
}

#[test]
fn a_plane_wave_grows_as_the_growth_factor() {
    for axis in 0..3 {
        let wave = Wave { cosmology: universe(0.3), start: scale_factor_of(99.0), amplitude: 1e-3, axis };
        let mut simulation = begin(&Solo, &wave, &wave.forces(), Stepping::Fixed);
        let (mut worst, mut epochs) = (0.0f64, 0);
        for (k, (length, time)) in wave.steps(1.0, 100).take(if axis == 0 { 100 } else { 20 }).enumerate() {
            simulation.step(&Solo, length, time).unwrap();
            if k % 10 == 9 {
                let [place, _] = wave.errors(&Solo, simulation.bodies(), time.exp());
                println!("axis {axis}, a {:.4}: {place:.2e}", time.exp());
                (worst, epochs) = (worst.max(place), epochs + 1);
            }
        }
        assert_eq!(epochs, if axis == 0 { 10 } else { 2 });
        assert!(worst < 1e-3, "axis {axis}: {worst}");
    }
}

/// The wave of Zel'dovich's pancake in a universe of matter, whose caustic is at a = 1.
fn pancake() -> Wave {
    Wave { cosmology: universe(1.0), start: 0.05, amplitude: 0.05, axis: 0 }
}

#[test]
fn a_pancake_is_exact_before_its_caustic_and_conserves_the_layzer_irvine_integral() {
    let wave = pancake();
    let mut simulation = begin(&Solo, &wave, &wave.forces(), Stepping::Fixed);
    let first = simulation.diagnostics;
    for (length, time) in wave.steps(0.6, 60) {
        simulation.step(&Solo, length, time).unwrap();
    }
    let [place, momentum] = wave.errors(&Solo, simulation.bodies(), 0.6);
    // Relative to the terms of the motion, without the energy of the lattice.
    let now = simulation.diagnostics;
    let layzer_irvine = (now.energy() - first.energy()) / (0.6 * now.kinetic + now.expanding.unwrap().work);
    assert!(now.energy_error(&first).abs() < layzer_irvine.abs());
    println!("pancake: {place:.2e} {momentum:.2e}, Layzer-Irvine {layzer_irvine:.2e}");
    assert!(place < 1e-3 && momentum < 1e-3, "{place} {momentum}");
    assert!(layzer_irvine.abs() < 2e-3, "{layzer_irvine}");
}

#[test]
fn the_integration_is_of_second_order_in_the_step() {
    let wave = pancake();
    let error = |count: u32| {
        let mut simulation = begin(&Solo, &wave, &wave.forces(), Stepping::Fixed);
        wave.steps(0.4, count).for_each(|(length, time)| simulation.step(&Solo, length, time).unwrap());
        let [place, momentum] = wave.errors(&Solo, simulation.bodies(), 0.4);
        place.max(momentum)
    };
    let errors = [4, 8, 16].map(error);
    println!("errors {errors:?}");
    for pair in errors.windows(2) {
        let order = (pair[0] / pair[1]).log2();
        assert!((1.7..2.3).contains(&order), "order {order}: {errors:?}");
    }
}

/// Positions and momenta by id.
fn bits(parts: &[Bodies]) -> Vec<(u64, [u64; 6])> {
    let of = |part: &Bodies, i: usize| {
        let ([x, y, z], [u, v, w]) = (part.position(i), part.velocity(i));
        (part.id[i], [x, y, z, u, v, w].map(f64::to_bits))
    };
    let mut all: Vec<_> = parts.iter().flat_map(|part| (0..part.len()).map(move |i| of(part, i))).collect();
    all.sort_unstable();
    all
}

fn block(eta: f64) -> Stepping {
    Stepping::Adaptive(Adaptive {
        global: false,
        criterion: StepCriterion::Acceleration,
        eta,
        eta_rate: 1.0,
        smallest: 0.0,
    })
}

/// Forces with a physical limit of the softening that falls below the comoving length.
fn limited(wave: &Wave) -> Forces {
    let mut forces = wave.forces();
    (forces.gravity.softening.length, forces.gravity.tolerance) = ([0.05; 6], 1e-3);
    let comoving = Comoving { softening_max_physical: 0.01, ..*forces.expansion.comoving().unwrap() };
    forces.expansion = Expansion::Comoving(comoving);
    forces
}

/// Whether all bodies are inside the box, as they must be between full steps.
fn are_inside(simulation: &Simulation) -> bool {
    let Domain::Periodic { side } = simulation.forces().gravity.domain else { panic!("an open space") };
    simulation.bodies().pos.iter().flatten().all(|x| (0.0..side).contains(x))
}

#[test]
fn an_expanding_box_has_the_same_bits_on_any_ranks_and_after_a_restart() {
    let wave = pancake();
    let forces = limited(&wave);
    for stepping in [Stepping::Fixed, block(0.02)] {
        let run = |ranks: usize| {
            let parts = threads::run(ranks, |comm| {
                let mut simulation = begin(comm, &wave, &forces, stepping);
                assert!(are_inside(&simulation), "at the start, {stepping:?}");
                for (length, time) in wave.steps(0.3, 3) {
                    simulation.step(comm, length, time).unwrap();
                    assert!(are_inside(&simulation), "after a step, {stepping:?}");
                }
                let moments = simulation.diagnostics;
                (simulation.bodies().clone(), format!("{moments:?}"), simulation.course.clone())
            });
            let course = parts[0].2.clone();
            (bits(&parts.iter().map(|part| part.0.clone()).collect::<Vec<_>>()), parts[0].1.clone(), course)
        };
        let alone = run(1);
        assert!(stepping == Stepping::Fixed || alone.2.finest() > 0, "{:?}", alone.2);
        for ranks in [2, 3] {
            assert!(run(ranks) == alone, "{ranks} ranks, {stepping:?}");
        }
        // Each step, and each part of one, is continued from its bodies and the saved state.
        let mut simulation = begin(&Solo, &wave, &forces, stepping);
        let mut restarts = 0;
        for (length, time) in wave.steps(0.3, 3) {
            loop {
                let done = simulation.advance(&Solo, length, time).unwrap() == Advance::Whole;
                let start = Start { bodies: simulation.bodies().clone(), time: simulation.time };
                let (last, progress) = (simulation.diagnostics, simulation.progress());
                let part = simulation.part().cloned();
                simulation = Simulation::resume(&Solo, &forces, stepping, start, last, progress, part);
                restarts += 1;
                if done {
                    break;
                }
            }
        }
        assert!(bits(&[simulation.bodies().clone()]) == alone.0, "after {restarts} restarts, {stepping:?}");
        assert_eq!(format!("{:?}", simulation.diagnostics), alone.1);
    }
}

#[test]
fn steps_are_divided_if_bodies_would_move_too_far() {
    let wave = pancake();
    let wave = Wave { start: 0.1, amplitude: 0.1, ..wave };
    // With constant momenta, bodies move by 2 a (1 - sqrt(1/3)) a' / a of the wave's amplitude.
    let moved = 0.2 * (1.0 - 1.0 / 3f64.sqrt()) * 0.5f64.sqrt() / (2.0 * PI);
    let spacing = 1.0 / (Wave::BODIES as f64).cbrt();
    let finest = |stepping: Stepping, limit: f64| {
        let mut forces = wave.forces();
        let displacement = limit * moved / spacing;
        forces.expansion =
            Expansion::Comoving(Comoving { displacement, ..*forces.expansion.comoving().unwrap() });
        let mut simulation = begin(&Solo, &wave, &forces, stepping);
        simulation.step(&Solo, 3f64.ln(), 0.3f64.ln()).unwrap();
        let steps = &simulation.course.body_steps;
        assert!(steps[..steps.len() - 1].iter().all(|&steps| steps == 0), "{steps:?}");
        simulation.course.finest()
    };
    for stepping in [Stepping::Fixed, block(1e9)] {
        assert_eq!([1.01, 0.99, 0.51, 0.49].map(|limit| finest(stepping, limit)), [0, 1, 1, 2]);
    }
}

/// Bodies at random places, at rest, in a box whose forces are of a few per cent.
fn random_box(wave: &Wave, count: usize) -> (Bodies, Forces) {
    let mut bodies = Bodies::zeroed(count);
    for i in 0..count {
        for axis in 0..3 {
            let random = treecode::math::hash((3 * i + axis) as u64) as f64 / u64::MAX as f64;
            bodies.pos[axis][i] = Wave::SIDE * random.min(0.999);
        }
        bodies.mass[i] = wave.cosmology.matter_density(1.0) * Wave::SIDE.powi(3) / count as f64;
    }
    let mut forces = wave.forces();
    (forces.gravity.order, forces.gravity.tolerance, forces.gravity.softening.length) = (2, 0.1, [0.05; 6]);
    (bodies, forces)
}

#[test]
fn the_net_force_of_a_box_is_taken_out_so_that_the_momentum_stays() {
    let wave = pancake();
    let (bodies, forces) = random_box(&wave, 2000);
    let raw = decomposition::evaluate(&Solo, &forces.gravity, bodies.clone()).unwrap();
    let net = nbody::accuracy::Balance::measure(&Solo, &raw).force_sum;
    assert!(net > 1e-5, "the walk alone leaves a net force: {net:e}");
    // The momentum in units of the sum of the sizes.
    let momentum = |simulation: &Simulation| {
        let evaluation = simulation.evaluation().unwrap();
        let [x, y, z, size] = evaluation.sum(&Solo, |bodies, i| {
            let [u, v, w] = bodies.velocity(i).map(|v| bodies.mass[i] * v);
            [u, v, w, treecode::math::norm([u, v, w])]
        });
        treecode::math::norm([x, y, z]) / size
    };
    for (stepping, bound) in [(Stepping::Fixed, 1e-13), (block(0.5), 1e-2 * net)] {
        let start = Start { bodies: bodies.clone(), time: wave.start.ln() };
        let mut simulation = Simulation::begin(&Solo, &forces, stepping, start).unwrap();
        let mut worst = 0.0f64;
        for (length, time) in wave.steps(0.1, 4) {
            simulation.step(&Solo, length, time).unwrap();
            worst = worst.max(momentum(&simulation));
        }
        println!("{stepping:?}: net force {net:.1e}, momentum {worst:.1e}");
        assert!(worst < bound, "{stepping:?}: {worst:e}");
    }
}
