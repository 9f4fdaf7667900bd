//! A wave of sheets in an expanding box, whose motion is known in closed form before sheets cross. Tests
//! and `heorot doctor --cosmology` compare a run with it.
//!
//! Each sheet is a square lattice. It is fine enough to attract like a homogeneous sheet. A sheet
//! then feels a force that is exactly proportional to its displacement, so the wave grows with the
//! linear growth factor at any amplitude (Zel'dovich 1970), without an error from the number of
//! sheets.

use super::{Comoving, Cosmology, Expansion};
use crate::forces::Forces;
use crate::stepping::Stepping;
use crate::{Error, Simulation, Start};
use decomposition::{Comm, collective};
use std::f64::consts::TAU;
use treecode::{Bodies, Domain, Softening, SofteningKernel, Walk, math};

/// Number of sheets, and of bodies along an axis of a sheet.
const SHEETS: usize = 4;
const ALONG: usize = 16;

/// A wave of the growing mode, in a box of side [`Wave::SIDE`] and in units with G = 1.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    /// The universe.
    pub cosmology: Cosmology,
    /// Scale factor at the start.
    pub start: f64,
    /// Amplitude of the density contrast at the start.
    pub amplitude: f64,
    /// The axis along which the sheets move.
    pub axis: usize,
}

impl Wave {
    /// Side of the box [L].
    pub const SIDE: f64 = 2.0;
    /// Number of bodies.
    pub const BODIES: usize = SHEETS * ALONG * ALONG;

    /// Amplitude of the density contrast in linear theory, and its derivative by time.
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
        -math::sin_cos(TAU * Wave::sheet(i)).0 * Wave::SIDE / TAU
    }

    /// The bodies of this rank at the start.
    fn bodies(&self, comm: &dyn Comm) -> Bodies {
        let mine = (comm.rank()..Wave::BODIES).step_by(comm.size());
        let mut bodies = Bodies::zeroed(mine.len());
        let [amplitude, rate] = self.at(self.start);
        let mass = self.cosmology.matter_density(1.0) * Wave::SIDE.powi(3) / Wave::BODIES as f64;
        let [u, v, w] = [0, 1, 2].map(|k| (self.axis + k) % 3);
        let place = |k: usize| Wave::SIDE * ((k % ALONG) as f64 + 0.5) / ALONG as f64;
        for (i, id) in mine.enumerate() {
            bodies.pos[u][i] = Wave::SIDE * Wave::sheet(id) + amplitude * Wave::shape(id);
            (bodies.pos[v][i], bodies.pos[w][i]) = (place(id / ALONG), place(id));
            bodies.vel[u][i] = self.start * self.start * rate * Wave::shape(id);
            (bodies.mass[i], bodies.id[i]) = (mass, id as u64);
        }
        bodies
    }

    /// Forces with fixed settings, whose errors are well below those of the steps.
    #[must_use]
    pub fn forces(&self) -> Forces {
        let softening =
            Softening { kernel: SofteningKernel::Spline, length: [1e-3; 6], ..Softening::default() };
        let mut forces = Forces::of_accuracy(1e-3, Walk::Fmm, Some(5), softening);
        (forces.accuracy, forces.gravity.tolerance) = (None, if self.start < 0.02 { 1e-5 } else { 1e-4 });
        forces.gravity.domain = Domain::Periodic { side: Wave::SIDE };
        forces.expansion = Expansion::Comoving(Comoving {
            cosmology: self.cosmology,
            softening_max_physical: f64::INFINITY,
            displacement: 10.0,
        });
        forces
    }

    /// A simulation of the wave from its start. Collective.
    ///
    /// # Errors
    /// As [`Simulation::begin`].
    pub fn begin(&self, comm: &dyn Comm, forces: &Forces, stepping: Stepping) -> Result<Simulation, Error> {
        let start = Start { bodies: self.bodies(comm), time: math::ln(self.start) };
        Simulation::begin(comm, forces, stepping, start)
    }

    /// The lengths of steps that are equal in ln a, and their ends in ln a.
    pub fn steps(&self, end: f64, count: u32) -> impl Iterator<Item = (f64, f64)> + use<> {
        let begin = math::ln(self.start);
        let length = (math::ln(end) - begin) / f64::from(count);
        (1..=count).map(move |k| (length, begin + f64::from(k) * length))
    }

    /// Greatest errors of displacements and of momenta at the scale factor `a`, relative to the greatest
    /// of each. Collective.
    pub fn errors(&self, comm: &dyn Comm, bodies: &Bodies, a: f64) -> [f64; 2] {
        let [amplitude, rate] = self.at(a);
        let mut errors = [0.0f64; 2];
        for i in 0..bodies.len() {
            let id = bodies.id[i] as usize;
            let moved = bodies.pos[self.axis][i] - Wave::SIDE * Wave::sheet(id);
            let moved = moved - Wave::SIDE * (moved / Wave::SIDE).round();
            let momentum = a * a * rate * Wave::shape(id);
            errors[0] = errors[0].max((moved - amplitude * Wave::shape(id)).abs());
            errors[1] = errors[1].max((bodies.vel[self.axis][i] - momentum).abs());
        }
        let [moved, momentum] = collective::max(comm, errors);
        let greatest = Wave::SIDE / TAU;
        [moved / (amplitude * greatest), momentum / (a * a * rate * greatest)]
    }
}
