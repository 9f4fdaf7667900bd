//! A ball of bodies at rest collapses under its own gravity and comes to equilibrium.

use decomposition::Solo;
use heorot_nbody::forces::Forces;
use heorot_nbody::model::{Model, Uniform, UniformShape, generate};
use heorot_nbody::stepping::{Adaptive, StepCriterion, Stepping};
use heorot_nbody::{Simulation, Start};
use treecode::{Softening, SofteningKernel, TYPES, Walk};

fn main() -> Result<(), heorot_nbody::Error> {
    let ball =
        Uniform { bodies: 2000, seed: 1, mass: 1.0, shape: UniformShape::Ball, side: 2.0, virial_ratio: 0.1 };
    let bodies = generate(&Solo, &Model::Uniform(ball), 1.0);
    let softening =
        Softening { kernel: SofteningKernel::Spline, length: [0.02; TYPES], ..Softening::default() };
    let forces = Forces::of_accuracy(1e-3, Walk::Fmm, None, softening);
    let stepping = Stepping::Adaptive(Adaptive {
        global: false,
        criterion: StepCriterion::Both,
        eta: Adaptive::ETA,
        eta_rate: Adaptive::ETA_RATE,
        smallest: 0.0,
    });
    let mut simulation = Simulation::begin(&Solo, &forces, stepping, Start { bodies, time: 0.0 })?;
    let first = simulation.diagnostics;
    let step = 1.0 / 16.0;
    for k in 1..=48 {
        simulation.step(&Solo, step, f64::from(k) * step)?;
        if k % 8 == 0 {
            let now = simulation.diagnostics;
            println!(
                "time {:.2}  2K/|W| {:.3}  energy error {:+.1e}",
                simulation.time,
                now.virial_ratio(),
                now.energy_error(&first)
            );
        }
    }
    let error = simulation.diagnostics.energy_error(&first).abs();
    assert!(error < 0.02, "the energy error is {error}");
    Ok(())
}
