//! Conserved quantities: energy, momentum and angular momentum of all bodies. The bits of the sums
//! do not depend on the number of ranks.

use crate::potential::Moment;
use decomposition::{Comm, Evaluation};
use serde::{Deserialize, Serialize};
use treecode::Bodies;

/// Sums over all bodies. The angular momentum is about the origin.
///
/// In an expanding universe, energies and momentum are those of the peculiar motion in physical units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnostics {
    /// Kinetic energy [M L^2/T^2].
    pub kinetic: f64,
    /// Potential energy of the bodies' own gravity, with each pair counted once [M L^2/T^2].
    pub potential: f64,
    /// Potential energy in external potentials [M L^2/T^2].
    #[serde(default)]
    pub external: f64,
    /// Sum of mass times position times external acceleration [M L^2/T^2], the external part of the
    /// virial.
    #[serde(default)]
    pub external_virial: f64,
    /// Momentum [M L/T].
    pub momentum: [f64; 3],
    /// Angular momentum [M L^2/T].
    pub angular_momentum: [f64; 3],
    /// Terms of the energy balance from the expansion. `None` if space is static.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expanding: Option<Expanding>,
}

/// The part of the energy balance in an expanding universe that follows from the expansion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Expanding {
    /// Scale factor.
    pub scale_factor: f64,
    /// Integral of the kinetic energy over the scale factor since the start [M L^2/T^2].
    pub work: f64,
}

impl Diagnostics {
    /// Measures an evaluation. Its velocities must be at the same time as its positions.
    /// Collective.
    pub fn measure(comm: &dyn Comm, evaluation: &Evaluation) -> Diagnostics {
        Diagnostics::new(evaluation.sum(comm, |bodies, i| terms(bodies, i, bodies.mass[i])))
    }

    /// As [`Diagnostics::measure`], in external potentials. Without any mass, the sums count each
    /// body as mass 1 and are sums of specific energies and momenta. Collective.
    pub fn measure_in(
        comm: &dyn Comm,
        evaluation: &Evaluation,
        external: &Moment<'_>,
        has_mass: bool,
    ) -> Diagnostics {
        let mass = |bodies: &Bodies, i: usize| if has_mass { bodies.mass[i] } else { 1.0 };
        if external.is_empty() {
            return Diagnostics::new(evaluation.sum(comm, |bodies, i| terms(bodies, i, mass(bodies, i))));
        }
        let sums = evaluation.sum(comm, |bodies, i| {
            let mass = mass(bodies, i);
            let [kinetic, potential, a, b, c, d, e, f] = terms(bodies, i, mass);
            let place = bodies.position(i);
            let field = external.field(place);
            let virial: f64 = place.iter().zip(field.acceleration).map(|(x, a)| x * a).sum();
            [kinetic, potential, a, b, c, d, e, f, mass * field.potential, mass * virial]
        });
        let [kinetic, potential, a, b, c, d, e, f, external, external_virial] = sums;
        let own = Diagnostics::new([kinetic, potential, a, b, c, d, e, f]);
        Diagnostics { external, external_virial, ..own }
    }

    fn new([kinetic, potential, px, py, pz, lx, ly, lz]: [f64; 8]) -> Diagnostics {
        let (momentum, angular_momentum) = ([px, py, pz], [lx, ly, lz]);
        Diagnostics { kinetic, potential, momentum, angular_momentum, ..Diagnostics::default() }
    }

    /// These sums over comoving positions and canonical momenta as those of the peculiar motion in
    /// physical units, at a scale factor. `before` has those at the beginning of the step, or is `None` at the
    /// start.
    #[must_use]
    pub fn expanded(self, scale_factor: f64, before: Option<&Diagnostics>) -> Diagnostics {
        let kinetic = self.kinetic / (scale_factor * scale_factor);
        let last = before.and_then(|before| Some((before.expanding?, before.kinetic)));
        // The trapezoidal rule is exact for the linear growth in a universe of matter.
        let work = last.map_or(0.0, |(then, kinetic_then)| {
            then.work + 0.5 * (kinetic_then + kinetic) * (scale_factor - then.scale_factor)
        });
        Diagnostics {
            kinetic,
            potential: self.potential / scale_factor,
            momentum: self.momentum.map(|p| p / scale_factor),
            expanding: Some(Expanding { scale_factor, work }),
            ..self
        }
    }

    /// Total energy, with that in external potentials [M L^2/T^2].
    ///
    /// In an expanding universe it is the conserved integral of the equation of Layzer (1963) and Irvine
    /// (1961): a (T + W) plus the integral of T da.
    pub fn energy(&self) -> f64 {
        let energy = self.kinetic + self.potential + self.external;
        self.expanding.map_or(energy, |Expanding { scale_factor, work }| scale_factor * energy + work)
    }

    /// Energy error relative to the energy of `first`. The error is absolute if that energy is
    /// zero.
    ///
    /// In an expanding universe, the error of the Layzer-Irvine integral is relative to the sum of the
    /// sizes of its terms, a T, a W and the integral of T da. At early times most of it is the potential
    /// energy of the lattice of bodies.
    pub fn energy_error(&self, first: &Diagnostics) -> f64 {
        let scale = match self.expanding {
            Some(Expanding { scale_factor, work }) => {
                scale_factor * (self.kinetic + self.potential.abs()) + work
            }
            None => first.energy().abs(),
        };
        (self.energy() - first.energy()) / if scale == 0.0 { 1.0 } else { scale }
    }

    /// Virial ratio 2 K / |W|. W is the potential energy of the bodies and the external part of the
    /// virial. The ratio is about 1 in equilibrium, and in external potentials on the mean over
    /// orbits. It is not a number if W is zero, as for one body with mass and tracers.
    pub fn virial_ratio(&self) -> f64 {
        let ratio = 2.0 * self.kinetic / (self.potential + self.external_virial).abs();
        if ratio.is_finite() { ratio } else { f64::NAN }
    }
}

fn terms(bodies: &Bodies, i: usize, mass: f64) -> [f64; 8] {
    let ([x, y, z], [u, v, w]) = (bodies.position(i), bodies.velocity(i));
    let kinetic = 0.5 * mass * (u * u + v * v + w * w);
    let potential = 0.5 * mass * bodies.pot[i];
    let momentum = [mass * u, mass * v, mass * w];
    let angular = [mass * (y * w - z * v), mass * (z * u - x * w), mass * (x * v - y * u)];
    [kinetic, potential, momentum[0], momentum[1], momentum[2], angular[0], angular[1], angular[2]]
}
