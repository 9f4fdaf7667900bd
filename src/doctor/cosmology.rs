//! `heorot doctor --cosmology`: tests periodic forces and comoving integration with problems whose
//! solutions are known in closed form.

use super::Finding;
use crate::ranks::crew::Crew;
use anyhow::Result;
use decomposition::{Comm, evaluate};
use nbody::cosmology::{Cosmology, Wave, scale_factor_of};
use nbody::stepping::Stepping;
use std::f64::consts::PI;
use treecode::{Bodies, Criterion, Domain, Gravity};

/// Side of the box, in units with G = 1.
const SIDE: f64 = 2.0;
/// Bodies along a side of the lattice.
const LATTICE: usize = 32;
/// Greatest rms force on a body of a lattice, in units of 4 pi G density spacing.
const LATTICE_ERROR: f64 = 1e-4;
/// Greatest relative error of waves.
const WAVE_ERROR: f64 = 1e-3;
/// Runs the checks. Collective.
///
/// # Errors
/// An evaluation fails.
pub(super) fn examine(crew: &Crew) -> Result<Vec<Finding>> {
    let wave =
        Wave { cosmology: Cosmology::flat(0.3, 1.3), start: scale_factor_of(99.0), amplitude: 1e-3, axis: 0 };
    // The caustic of the pancake is at a = 1.
    let pancake = Wave { cosmology: Cosmology::flat(1.0, 1.3), start: 0.05, amplitude: 0.05, axis: 0 };
    let checks = [
        (
            "a lattice feels no force: its rms in 4 pi G density spacing is",
            lattice(crew.comm)?,
            LATTICE_ERROR,
        ),
        (
            "a plane wave grows from z = 99 to 0 as linear theory says, up to",
            follow(crew.comm, &wave, 1.0, 100)?,
            WAVE_ERROR,
        ),
        (
            "a pancake has the velocities of Zel'dovich before its caustic, up to",
            follow(crew.comm, &pancake, 0.6, 60)?,
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

/// The rms force on the bodies of a perfect lattice, in units of 4 pi G density spacing. It is zero for
/// exact forces. Collective.
fn lattice(comm: &dyn Comm) -> Result<f64> {
    let count = LATTICE.pow(3);
    let mine = (comm.rank()..count).step_by(comm.size());
    let (spacing, mut bodies) = (SIDE / LATTICE as f64, Bodies::zeroed(mine.len()));
    for (i, id) in mine.enumerate() {
        let cells = [id / LATTICE / LATTICE, id / LATTICE % LATTICE, id % LATTICE];
        (0..3).for_each(|axis| bodies.pos[axis][i] = (cells[axis] as f64 + 0.5) * spacing);
        (bodies.mass[i], bodies.id[i]) = (1.0 / count as f64, id as u64);
    }
    let unit = 4.0 * PI / SIDE.powi(3) * spacing;
    let domain = Domain::Periodic { side: SIDE };
    let (criterion, tolerance) = (Criterion::Absolute, 1e-6);
    let gravity = Gravity { domain, criterion, tolerance, order: 5, ..Gravity::default() };
    let evaluation = evaluate(comm, &gravity, bodies)?;
    let [squares] =
        evaluation.sum(comm, |bodies, i| [bodies.acceleration(i).iter().map(|a| a * a).sum::<f64>()]);
    Ok((squares / count as f64).sqrt() / unit)
}

/// Follows a wave to a scale factor. The greatest error of displacements and momenta at ten epochs,
/// relative to the greatest of each. Collective.
fn follow(comm: &dyn Comm, wave: &Wave, end: f64, steps: u32) -> Result<f64> {
    let mut simulation = wave.begin(comm, &wave.forces(), Stepping::Fixed)?;
    let mut worst = 0.0f64;
    for (step, (length, time)) in (1..).zip(wave.steps(end, steps)) {
        simulation.step(comm, length, time)?;
        if step % (steps / 10) == 0 {
            let errors = wave.errors(comm, simulation.bodies(), treecode::math::exp(time));
            worst = errors.into_iter().fold(worst, f64::max);
        }
    }
    Ok(worst)
}
