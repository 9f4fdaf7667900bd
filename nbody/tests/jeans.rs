//! A plane wave in a static periodic box without pressure grows as the linear theory says.
#![allow(clippy::disallowed_methods)] // tests compare with bounds, not bits

use decomposition::{Solo, threads};
use heorot_nbody as nbody;
use nbody::forces::Forces;
use nbody::stepping::Stepping;
use nbody::{Simulation, Start};
use std::f64::consts::PI;
use treecode::{Bodies, Domain, Softening, SofteningKernel};

const SIDE: f64 = 2.0;
/// Bodies along an axis.
const ALONG: usize = 16;
/// Amplitude of the displacements, in sides.
const AMPLITUDE: f64 = 1e-3;

/// Growth rate in a medium at rest without pressure (Jeans 1902): the root of 4 pi G rho.
fn rate() -> f64 {
    (4.0 * PI / SIDE.powi(3)).sqrt()
}

/// The place of body `i` on the lattice along an axis, in sides.
fn site(i: usize, axis: usize) -> f64 {
    let place = [i / ALONG / ALONG, i / ALONG % ALONG, i % ALONG][axis];
    (place as f64 + 0.5) / ALONG as f64
}

/// A lattice of total mass 1, displaced by a wave along x, at rest.
fn wave() -> Bodies {
    let n = ALONG.pow(3);
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        for axis in 0..3 {
            let moved = if axis == 0 { AMPLITUDE * (2.0 * PI * site(i, 0)).sin() } else { 0.0 };
            bodies.pos[axis][i] = SIDE * (site(i, axis) + moved);
        }
        bodies.mass[i] = 1.0 / n as f64;
    }
    bodies
}

/// Amplitude of the wave along x, in sides.
fn amplitude(bodies: &Bodies) -> f64 {
    let part = |i: usize| {
        let site = site(bodies.id[i] as usize, 0);
        let moved = bodies.pos[0][i] / SIDE - site;
        2.0 * (moved - moved.round()) * (2.0 * PI * site).sin()
    };
    (0..bodies.len()).map(part).sum::<f64>() / bodies.len() as f64
}

fn forces() -> Forces {
    let softening = Softening { kernel: SofteningKernel::Spline, length: [0.01; 6], ..Softening::default() };
    let mut forces = Forces::of_accuracy(1e-3, treecode::Walk::Fmm, Some(5), softening);
    (forces.accuracy, forces.gravity.tolerance) = (None, 1e-4);
    forces.gravity.domain = Domain::Periodic { side: SIDE };
    forces
}

/// The bodies after `steps` steps that together last `time`.
fn after(comm: &dyn decomposition::Comm, mine: Bodies, steps: u32, time: f64) -> Bodies {
    let start = Start { bodies: mine, time: 0.0 };
    let mut simulation = Simulation::begin(comm, &forces(), Stepping::Fixed, start).unwrap();
    let step = time / f64::from(steps);
    for k in 1..=steps {
        simulation.step(comm, step, step * f64::from(k)).unwrap();
    }
    simulation.bodies().clone()
}

#[test]
fn a_cold_wave_grows_as_the_hyperbolic_cosine() {
    for growth in [1.0, 2.0] {
        let bodies = after(&Solo, wave(), 40, growth / rate());
        let ratio = amplitude(&bodies) / AMPLITUDE / f64::cosh(growth);
        println!("{growth} growth times: {ratio}");
        // Waves of 16 bodies on a lattice grow a little slower than in a fluid.
        assert!((ratio - 1.0).abs() < 0.02, "{growth} growth times: {ratio}");
        // Bodies stay inside the box.
        assert!(bodies.pos.iter().flatten().all(|x| (0.0..SIDE).contains(x)));
    }
}

#[test]
fn a_box_has_the_same_bits_on_any_ranks() {
    let run = |ranks: usize| {
        let parts = threads::run(ranks, |comm| {
            let all = wave();
            let mut mine = all.clone();
            let share = |i: &u32| *i as usize % ranks == comm.rank();
            mine.permute(&(0..all.len() as u32).filter(share).collect::<Vec<_>>());
            after(comm, mine, 3, 0.5)
        });
        let mut all: Vec<(u64, [u64; 3])> = parts
            .iter()
            .flat_map(|part| (0..part.len()).map(|i| (part.id[i], part.position(i).map(f64::to_bits))))
            .collect();
        all.sort_unstable();
        all
    };
    let alone = run(1);
    for ranks in [2, 3, 8] {
        assert!(run(ranks) == alone, "{ranks} ranks");
    }
}
