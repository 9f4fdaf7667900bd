//! The power spectrum of bodies in a periodic box.
//!
//! P(k) = V |delta(k)|^2, where delta(k) is the mass-weighted mean of exp(-i k.x) over the bodies. It
//! is computed from a grid by a fast Fourier transform and divided by the window of the mass
//! assignment. A second grid that is shifted by half a cell removes the odd aliases (Hockney &
//! Eastwood 1981, section 7-8; Sefusatti et al. 2016, MNRAS 460, 3624). For high k the box is folded
//! onto a fraction of itself, which keeps each mode whose wave vector is a multiple of that of the
//! folding (Jenkins et al. 1998, ApJ 499, 20).

use super::deposit::{Masses, Nearby};
use super::{Assignment, Transform, half_cell};
use crate::Error;
use decomposition::{Comm, collective};
use rayon::prelude::*;
use rustfft::num_complex::Complex;
use serde::{Deserialize, Serialize};
use treecode::{Bodies, math};

/// How a power spectrum is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Cells along a side of the grid: an even number.
    pub grid: usize,
    /// How masses are assigned to the grid.
    pub assignment: Assignment,
    /// Numbers of parts into which the box is folded along each axis, in ascending order, in addition
    /// to the whole box.
    pub folds: Vec<u32>,
    /// Number of bins in a decade of k. `None`: as wide as the fundamental wave number.
    pub bins_per_decade: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { grid: 256, assignment: Assignment::default(), folds: Vec::new(), bins_per_decade: None }
    }
}

/// Greatest number of cells along a side, and of parts into which a side is folded.
const MOST_CELLS: usize = 1 << 14;
const MOST_FOLDS: u32 = 1 << 16;
/// Each folding is used up to this fraction of its Nyquist wave number; the next one continues
/// there.
const TAKES_OVER: f64 = 0.5;
/// A folding is used from this multiple of its fundamental wave number on. Below, it has few modes.
const FEW: f64 = 2.0;

impl Settings {
    /// Checks all values.
    ///
    /// # Errors
    /// Names the value that is out of its range.
    pub fn check(&self) -> Result<(), Error> {
        let Settings { grid, folds, bins_per_decade, .. } = self;
        let wrong = |message: String| Err(Error::Spectrum(message));
        if !(4..=MOST_CELLS).contains(grid) || !grid.is_multiple_of(2) {
            return wrong(format!("grid = {grid}: must be an even number from 4 to {MOST_CELLS}"));
        }
        let mut before = 1;
        for &fold in folds {
            // It must have enough modes at the wave number at which it is first used.
            let most = (f64::from(before) * TAKES_OVER * *grid as f64 / 2.0 / FEW) as u32;
            if fold <= before || fold > most.min(MOST_FOLDS) {
                return wrong(format!(
                    "fold = {fold}: must be from {} to {} after {before} with a grid of {grid}",
                    before + 1,
                    most.min(MOST_FOLDS)
                ));
            }
            before = fold;
        }
        match bins_per_decade {
            Some(bins) if !(1..=1000).contains(bins) => {
                wrong(format!("bins per decade = {bins}: must be from 1 to 1000"))
            }
            _ => Ok(()),
        }
    }
}

/// Memory of all ranks for a measurement, in addition to the bodies [bytes].
pub fn memory(grid: usize, bodies: u64) -> f64 {
    // Two grids of integers and reals, or the modes of two grids and the messages of a transpose; a
    // copy of mass and position, and its message.
    (grid as f64).powi(3) * 40.0 + bodies as f64 * 100.0
}

/// A power spectrum.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spectrum {
    /// The bins, with k ascending. Bins without a mode are left out.
    pub bins: Vec<Bin>,
    /// The power of bodies at random positions [L^3]: V sum m^2 / (sum m)^2. It is not subtracted.
    pub shot_noise: f64,
}

/// A bin of a power spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Mean wave number of the modes [1/L].
    pub k: f64,
    /// Mean power of the modes [L^3], with the shot noise.
    pub power: f64,
    /// Number of modes that were measured. A wave vector and its opposite count as two.
    pub modes: u64,
    /// Number of parts into which the box was folded along each axis.
    pub fold: u32,
}

impl Bin {
    /// Standard deviation of the power of a Gaussian field [L^3]: P sqrt(2 / modes).
    pub fn error(&self) -> f64 {
        self.power * (2.0 / self.modes as f64).sqrt()
    }
}

/// Measures the power spectrum of all bodies in a periodic box of this side [L]. Collective.
///
/// # Errors
/// The settings or the side are out of range, or there is no mass.
pub fn measure(comm: &dyn Comm, bodies: &Bodies, side: f64, settings: &Settings) -> Result<Spectrum, Error> {
    let masses = masses(comm, bodies, side, settings)?;
    let transform = Transform::new(comm, settings.grid);
    let nyquist = settings.grid as f64 / 2.0;
    let mut bins = Vec::new();
    let folds: Vec<u32> = std::iter::once(1).chain(settings.folds.iter().copied()).collect();
    let mut least = 0.0;
    for (i, &fold) in folds.iter().enumerate() {
        let nearby = Nearby::gather(comm, &transform, bodies, side, fold, settings.assignment);
        let modes = contrast(comm, &transform, &nearby, &masses, settings.assignment);
        let part = if i + 1 < folds.len() { TAKES_OVER } else { 1.0 };
        let most = part * nyquist * f64::from(fold);
        let edges = edges(fold, least, most, settings.bins_per_decade);
        bins.extend(average(comm, &transform, &modes, side, fold, &edges));
        least = edges.last().copied().unwrap_or(least);
    }
    let shot_noise = side.powi(3) * masses.squares / (masses.total * masses.total);
    Ok(Spectrum { bins, shot_noise })
}

/// Checks settings and side and sums the masses. Collective.
///
/// # Errors
/// As [`measure`].
pub(super) fn masses(
    comm: &dyn Comm,
    bodies: &Bodies,
    side: f64,
    settings: &Settings,
) -> Result<Masses, Error> {
    settings.check()?;
    if !(side > 0.0 && side.is_finite()) {
        return Err(Error::Spectrum(format!("box = {side:?}: must be above 0")));
    }
    Masses::survey(comm, bodies)
        .ok_or_else(|| Error::Spectrum("there is no mass, so there is no power spectrum".to_owned()))
}

/// The modes of the contrast of density, as a mean over all cells, with neither the window of the
/// assignment nor the odd aliases. Collective.
pub(super) fn contrast(
    comm: &dyn Comm,
    transform: &Transform,
    nearby: &Nearby,
    masses: &Masses,
    assignment: Assignment,
) -> Vec<Complex<f64>> {
    let n = transform.cells();
    let grid = |shift: f64| {
        let field = nearby.contrast(transform, masses, assignment, shift);
        transform.forward(comm, field)
    };
    let turn = half_cell(n);
    let windows: Vec<f64> = (0..=n as i64 / 2).map(|wave| assignment.window(wave, n)).collect();
    let window = |wave: i64| windows[wave.unsigned_abs() as usize];
    let mut modes = grid(0.0);
    let mut shifted = grid(0.5);
    transform.for_each_mode(&mut shifted, |wave, mode| *mode *= turn(wave));
    modes.par_iter_mut().zip(shifted).for_each(|(mode, shifted)| *mode += shifted);
    let half_mean = 0.5 / (n as f64).powi(3);
    transform.for_each_mode(&mut modes, |[x, y, z], mode| {
        *mode *= half_mean / (window(x) * window(y) * window(z));
    });
    modes
}

/// Edges of the bins of a folding, in units of the fundamental wave number of the whole box.
fn edges(fold: u32, least: f64, most: f64, per_decade: Option<u32>) -> Vec<f64> {
    let width = f64::from(fold);
    match per_decade {
        None => {
            // Shells around the multiples of the folding's fundamental.
            let first = (least / width + 0.5).ceil().max(1.0) as u64;
            let last = (most / width - 0.5).floor() as u64;
            (first..=last + 1).map(|shell| (shell as f64 - 0.5) * width).collect()
        }
        Some(bins) => {
            let edge = |i: i32| 0.5 * math::powf(10.0, f64::from(i) / f64::from(bins));
            (0..).map(edge).skip_while(|&edge| edge < least).take_while(|&edge| edge <= most).collect()
        }
    }
}

/// Sums over the modes of a bin: of 1, of the wave number and of the square of the contrast.
type Sums = [f64; 3];

/// Averages the modes in bins. Collective.
fn average(
    comm: &dyn Comm,
    transform: &Transform,
    modes: &[Complex<f64>],
    side: f64,
    fold: u32,
    edges: &[f64],
) -> Vec<Bin> {
    let bins = edges.len().saturating_sub(1);
    let squares: Vec<f64> = edges.iter().map(|edge| edge * edge).collect();
    let add = |sums: &mut Vec<Sums>, wave: [i64; 3], mode: Complex<f64>| {
        let square = wave.map(|w| (w * w) as f64).iter().sum::<f64>() * f64::from(fold).powi(2);
        let bin = squares.partition_point(|&edge| edge <= square);
        if (1..=bins).contains(&bin) {
            // The mode stands for its conjugate, too.
            let weight = if wave[2] == 0 { 1.0 } else { 2.0 };
            let terms = [weight, weight * square.sqrt(), weight * mode.norm_sqr()];
            sums[bin - 1].iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        }
    };
    let planes = transform.fold_planes(modes, || vec![[0.0; 3]; bins], add);
    let mut totals = vec![[0.0; 3]; bins];
    for plane in collective::gather(comm, &planes.concat()).concat().chunks(bins.max(1)) {
        for (total, sums) in totals.iter_mut().zip(plane) {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
    }
    let bin = |[count, wave, power]: Sums| Bin {
        k: std::f64::consts::TAU / side * (wave / count),
        power: side.powi(3) * (power / count),
        modes: count as u64,
        fold,
    };
    totals.into_iter().filter(|sums: &Sums| sums[0] > 0.0).map(bin).collect()
}

#[cfg(test)]
mod tests;
