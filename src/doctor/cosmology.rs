//! `heorot doctor --cosmology`: periodic forces and comoving integration of this build, against problems
//! whose solution is known in closed form.

use super::Finding;
use crate::crew::Crew;
use anyhow::Result;
use decomposition::{Comm, evaluate};
use nbody::cosmology::{Comoving, Cosmology, Expansion, scale_factor_of};
use nbody::forces::Forces;
use nbody::stepping::Stepping;
use nbody::{Simulation, Start};
use std::f64::consts::{PI, TAU};
use treecode::{Bodies, Criterion, Domain, Gravity, Softening, SofteningKernel, Walk};

/// Side of the box, in units with G = 1.
const SIDE: f64 = 2.0;
/// Bodies along a side of the lattice.
const LATTICE: usize = 32;
/// Greatest rms force on a body of a lattice, in units of 4 pi G density spacing.
const LATTICE_ERROR: f64 = 1e-4;
/// Greatest relative error of waves.
const WAVE_ERROR: f64 = 1e-3;
/// Number of sheets, and of bodies along an axis of a sheet. The bodies of a sheet are so close to each
/// other that it attracts like a homogeneous one.
const SHEETS: usize = 4;
const ALONG: usize = 16;

/// Does the checks. Collective.
///
/// # Errors
/// An evaluation fails.
pub(super) fn examine(crew: &Crew) -> Result<Vec<Finding>> {
    let wave = Wave { cosmology: Cosmology::flat(0.3, 1.3), start: scale_factor_of(99.0), amplitude: 1e-3 };
    // The caustic of the pancake is at a = 1.
    let pancake = Wave { cosmology: Cosmology::flat(1.0, 1.3), start: 0.05, amplitude: 0.05 };
    let checks = [
        (
            "a lattice feels no force: its rms in 4 pi G density spacing is",
            lattice(crew.comm)?,
            LATTICE_ERROR,
        ),
        (
            "a plane wave grows from z = 99 to 0 as linear theory says, up to",
            wave.follow(crew.comm, 1.0, 100)?,
            WAVE_ERROR,
        ),
        (
            "a pancake has the velocities of Zel'dovich before its caustic, up to",
            pancake.follow(crew.comm, 0.6, 60)?,
            WAVE_ERROR,
        ),
    ];
    let finding = |(what, error, bound): (&str, f64, f64)| {
        if error <= bound {
            return Finding::Well(format!("{what} {error:.1e} (at most {bound:e})"));
        }
        let advice = "this build computes boxes wrongly: try HEOROT_SIMD=scalar, and report it with the output of `heorot --version`";
        Finding::Fault(format!("{what} {error:.1e} (must be at most {bound:e})"), advice.to_owned())
    };
    Ok(checks.into_iter().map(finding).collect())
}

/// Some of these bodies for each rank.
fn share(comm: &dyn Comm, mut all: Bodies) -> Bodies {
    let mine = |i: &u32| *i as usize % comm.size() == comm.rank();
    all.permute(&(0..all.len() as u32).filter(mine).collect::<Vec<_>>());
    all
}

/// The rms force on the bodies of a perfect lattice, in units of 4 pi G density spacing. It is zero for
/// exact forces. Collective.
fn lattice(comm: &dyn Comm) -> Result<f64> {
    let count = LATTICE.pow(3);
    let (spacing, mut bodies) = (SIDE / LATTICE as f64, Bodies::zeroed(count));
    for i in 0..count {
        let cells = [i / LATTICE / LATTICE, i / LATTICE % LATTICE, i % LATTICE];
        (0..3).for_each(|axis| bodies.pos[axis][i] = (cells[axis] as f64 + 0.5) * spacing);
        (bodies.mass[i], bodies.id[i]) = (1.0 / count as f64, i as u64);
    }
    let unit = 4.0 * PI / SIDE.powi(3) * spacing;
    let domain = Domain::Periodic { side: SIDE };
    let (criterion, tolerance) = (Criterion::Absolute, 1e-6);
    let gravity = Gravity { domain, criterion, tolerance, order: 5, ..Gravity::default() };
    let evaluation = evaluate(comm, &gravity, share(comm, bodies))?;
    let [squares] =
        evaluation.sum(comm, |bodies, i| [bodies.acceleration(i).iter().map(|a| a * a).sum::<f64>()]);
    Ok((squares / count as f64).sqrt() / unit)
}

/// A wave of sheets of the growing mode. Each sheet feels a force that is proportional to its
/// displacement, so the wave grows as the linear growth factor until sheets cross (Zel'dovich 1970).
struct Wave {
    cosmology: Cosmology,
    /// Scale factor at the start.
    start: f64,
    /// Amplitude of the density contrast at the start.
    amplitude: f64,
}

impl Wave {
    /// Amplitude of the density contrast, and its derivative by time.
    fn at(&self, a: f64) -> [f64; 2] {
        let (now, then) = (self.cosmology.growth(a), self.cosmology.growth(self.start));
        let amplitude = self.amplitude * now.d1 / then.d1;
        [amplitude, amplitude * now.f1 * self.cosmology.hubble_at(a)]
    }

    /// Place of the sheet of body `i` without the wave, in sides.
    fn sheet(i: usize) -> f64 {
        ((i / ALONG / ALONG) as f64 + 0.5) / SHEETS as f64
    }

    /// Displacement of the sheet of body `i` per amplitude [L].
    fn shape(i: usize) -> f64 {
        -treecode::math::sin_cos(TAU * Wave::sheet(i)).0 * SIDE / TAU
    }

    fn bodies(&self) -> Bodies {
        let count = SHEETS * ALONG * ALONG;
        let mut bodies = Bodies::zeroed(count);
        let [amplitude, rate] = self.at(self.start);
        let mass = self.cosmology.matter_density(1.0) * SIDE.powi(3) / count as f64;
        for i in 0..count {
            let place = |k: usize| SIDE * ((k % ALONG) as f64 + 0.5) / ALONG as f64;
            bodies.pos[0][i] = SIDE * Wave::sheet(i) + amplitude * Wave::shape(i);
            (bodies.pos[1][i], bodies.pos[2][i]) = (place(i / ALONG), place(i));
            bodies.vel[0][i] = self.start * self.start * rate * Wave::shape(i);
            (bodies.mass[i], bodies.id[i]) = (mass, i as u64);
        }
        bodies
    }

    /// Follows the wave to a scale factor, with steps that are equal in ln a. The greatest error of
    /// displacements and momenta at ten epochs, relative to the greatest of each. Collective.
    fn follow(&self, comm: &dyn Comm, end: f64, steps: u32) -> Result<f64> {
        let softening = Softening { kernel: SofteningKernel::Spline, length: [1e-3; 6] };
        let mut forces = Forces::of_accuracy(1e-3, Walk::Fmm, Some(5), softening);
        (forces.accuracy, forces.gravity.tolerance) = (None, if self.start < 0.02 { 1e-5 } else { 1e-4 });
        forces.gravity.domain = Domain::Periodic { side: SIDE };
        forces.expansion = Expansion::Comoving(Comoving {
            cosmology: self.cosmology,
            softening_max_physical: f64::INFINITY,
            displacement: 10.0,
        });
        let begin = treecode::math::ln(self.start);
        let start = Start { bodies: share(comm, self.bodies()), time: begin };
        let mut simulation = Simulation::begin(comm, &forces, Stepping::Fixed, start)?;
        let length = (treecode::math::ln(end) - begin) / f64::from(steps);
        let mut worst = 0.0f64;
        for step in 1..=steps {
            let time = begin + f64::from(step) * length;
            simulation.step(comm, length, time)?;
            if step % (steps / 10) == 0 {
                worst = worst.max(self.error(comm, simulation.bodies(), treecode::math::exp(time)));
            }
        }
        Ok(worst)
    }

    /// The greatest error at a scale factor. Collective.
    fn error(&self, comm: &dyn Comm, bodies: &Bodies, a: f64) -> f64 {
        let [amplitude, rate] = self.at(a);
        let mut errors = [0.0f64; 2];
        for i in 0..bodies.len() {
            let id = bodies.id[i] as usize;
            let moved = bodies.pos[0][i] - SIDE * Wave::sheet(id);
            let moved = moved - SIDE * (moved / SIDE).round();
            errors[0] = errors[0].max((moved - amplitude * Wave::shape(id)).abs());
            errors[1] = errors[1].max((bodies.vel[0][i] - a * a * rate * Wave::shape(id)).abs());
        }
        let [moved, momentum] = decomposition::collective::max(comm, errors);
        (moved / amplitude).max(momentum / (a * a * rate)) * TAU / SIDE
    }
}
