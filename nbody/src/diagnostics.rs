//! Conserved quantities: energy, momentum and angular momentum of all bodies. The bits of the sums
//! do not depend on the number of ranks.

use decomposition::{Comm, Evaluation};
use serde::{Deserialize, Serialize};
use treecode::Bodies;

/// Sums over all bodies. The angular momentum is about the origin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Kinetic energy [M L^2/T^2].
    pub kinetic: f64,
    /// Potential energy, with each pair counted once [M L^2/T^2].
    pub potential: f64,
    /// Momentum [M L/T].
    pub momentum: [f64; 3],
    /// Angular momentum [M L^2/T].
    pub angular_momentum: [f64; 3],
}

impl Diagnostics {
    /// Measures an evaluation. Its velocities must be at the same time as its positions.
    /// Collective.
    pub fn measure(comm: &dyn Comm, evaluation: &Evaluation) -> Diagnostics {
        let [kinetic, potential, px, py, pz, lx, ly, lz] = evaluation.sum(comm, terms);
        Diagnostics { kinetic, potential, momentum: [px, py, pz], angular_momentum: [lx, ly, lz] }
    }

    /// Total energy [M L^2/T^2].
    pub fn energy(&self) -> f64 {
        self.kinetic + self.potential
    }

    /// Energy error relative to the energy of `first`. The error is absolute if that energy is
    /// zero.
    pub fn energy_error(&self, first: &Diagnostics) -> f64 {
        let scale = if first.energy() == 0.0 { 1.0 } else { first.energy().abs() };
        (self.energy() - first.energy()) / scale
    }

    /// Virial ratio 2 K / |W|, with the potential energy W. It is about 1 in equilibrium, and
    /// infinite if W is zero.
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
