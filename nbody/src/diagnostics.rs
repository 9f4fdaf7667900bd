//! What physics keeps: energy, momentum and angular momentum of all bodies, the same bits on any number of ranks.

use decomposition::{Comm, Evaluation};
use serde::{Deserialize, Serialize};
use treecode::Bodies;

/// Sums over all bodies, about the origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Kinetic energy [M L^2/T^2].
    pub kinetic: f64,
    /// Potential energy, each pair once [M L^2/T^2].
    pub potential: f64,
    /// Momentum [M L/T].
    pub momentum: [f64; 3],
    /// Angular momentum [M L^2/T].
    pub angular_momentum: [f64; 3],
}

impl Diagnostics {
    /// Measures an evaluation whose velocities are those of the same time. Collective.
    pub fn measure(comm: &dyn Comm, evaluation: &Evaluation) -> Diagnostics {
        let [kinetic, potential, px, py, pz, lx, ly, lz] = evaluation.sum(comm, terms);
        Diagnostics { kinetic, potential, momentum: [px, py, pz], angular_momentum: [lx, ly, lz] }
    }

    /// Total energy [M L^2/T^2].
    pub fn energy(&self) -> f64 {
        self.kinetic + self.potential
    }

    /// Error of the energy, as a fraction of what it was in `first`; absolute if that was zero.
    pub fn energy_error(&self, first: &Diagnostics) -> f64 {
        let scale = if first.energy() == 0.0 { 1.0 } else { first.energy().abs() };
        (self.energy() - first.energy()) / scale
    }

    /// 2 K / |W|, with the potential energy as W: about 1 in equilibrium. Infinite where there is no potential.
    pub fn virial_ratio(&self) -> f64 {
        2.0 * self.kinetic / self.potential.abs()
    }
}

fn terms(bodies: &Bodies, i: usize) -> [f64; 8] {
    let (mass, [x, y, z], [u, v, w]) = (bodies.mass[i], bodies.position(i), bodies.velocity(i));
    let kinetic = 0.5 * mass * (u * u + v * v + w * w);
    let potential = 0.5 * mass * bodies.pot[i];
    let momentum = [mass * u, mass * v, mass * w];
    let angular = [mass * (y * w - z * v), mass * (z * u - x * w), mass * (x * v - y * u)];
    [kinetic, potential, momentum[0], momentum[1], momentum[2], angular[0], angular[1], angular[2]]
}
