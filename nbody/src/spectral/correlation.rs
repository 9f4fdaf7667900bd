//! The two-point correlation function of bodies in a periodic box, from the squares of all modes of
//! a grid. It equals the average over all pairs of bodies for distances of two cells or more.

use super::deposit::Nearby;
use super::power::contrast;
use super::{Settings, Transform};
use crate::Error;
use decomposition::{Comm, collective};
use rayon::prelude::*;
use rustfft::num_complex::Complex;
use serde::Serialize;
use treecode::{Bodies, math};

/// Default number of bins per decade of distance.
const PER_DECADE: u32 = 20;
/// Least distance, in cells. At shorter distances the result depends on the grid.
const LEAST: f64 = 2.0;

/// A bin of a correlation function.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Separation {
    /// Mean distance [L].
    pub distance: f64,
    /// Mean of the product of the contrasts at this distance.
    pub correlation: f64,
    /// Number of vectors between cells that are averaged.
    pub vectors: u64,
}

/// The correlation function of all bodies in a periodic box of this side [L], for distances up to half
/// the side. It uses the grid, the assignment and the bins per decade of the settings. Collective.
///
/// # Errors
/// The settings or the side are out of range, or there is no mass.
pub fn correlate(
    comm: &dyn Comm,
    bodies: &Bodies,
    side: f64,
    settings: &Settings,
) -> Result<Vec<Separation>, Error> {
    let masses = super::power::masses(comm, bodies, side, settings)?;
    let transform = Transform::new(comm, settings.grid);
    let nearby = Nearby::gather(comm, &transform, bodies, side, 1, settings.assignment);
    let mut modes = contrast(comm, &transform, &nearby, &masses, settings.assignment);
    // Bodies do not pair with themselves. The mean over the box is 0.
    let own = masses.squares / (masses.total * masses.total);
    transform.for_each_mode(&mut modes, |wave, mode| {
        let square = if wave == [0; 3] { 0.0 } else { mode.norm_sqr() - own };
        *mode = Complex::new(square, 0.0);
    });
    let field = transform.backward(comm, modes);
    Ok(average(comm, &transform, &field, side, settings.bins_per_decade.unwrap_or(PER_DECADE)))
}

/// Sums over the vectors of a bin: of 1, of the length in cells and of the correlation.
type Sums = [f64; 3];

/// Averages a field over the directions. Collective.
fn average(
    comm: &dyn Comm,
    transform: &Transform,
    field: &[f64],
    side: f64,
    per_decade: u32,
) -> Vec<Separation> {
    let n = transform.cells();
    let edge = |i: u32| LEAST * math::powf(10.0, f64::from(i) / f64::from(per_decade));
    let mut edges = vec![edge(0)];
    while edge(edges.len() as u32) <= n as f64 / 2.0 {
        edges.push(edge(edges.len() as u32));
    }
    let bins = edges.len() - 1;
    let squares: Vec<f64> = edges.iter().map(|edge| edge * edge).collect();
    let nearest = |place: usize| place.min(n - place) as f64;
    let first = transform.planes().start;
    let planes: Vec<Vec<Sums>> = field
        .par_chunks(n * n)
        .enumerate()
        .map(|(plane, values)| {
            let mut sums = vec![[0.0; 3]; bins];
            for (i, value) in values.iter().enumerate() {
                let square: f64 = [first + plane, i / n, i % n].map(|x| nearest(x).powi(2)).iter().sum();
                let bin = squares.partition_point(|&edge| edge <= square);
                if (1..=bins).contains(&bin) {
                    let terms = [1.0, square.sqrt(), *value];
                    sums[bin - 1].iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                }
            }
            sums
        })
        .collect();
    let mut totals = vec![[0.0; 3]; bins];
    for plane in collective::gather(comm, &planes.concat()).concat().chunks(bins.max(1)) {
        for (total, sums) in totals.iter_mut().zip(plane) {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
    }
    let bin = |[count, length, sum]: Sums| Separation {
        distance: length / count * side / n as f64,
        correlation: sum / count,
        vectors: count as u64,
    };
    totals.into_iter().filter(|sums| sums[0] > 0.0).map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::{Solo, threads};
    use std::f64::consts::TAU;

    const SIDE: f64 = 5.0;
    const CELLS: usize = 16;

    /// A lattice whose masses follow a plane wave of this amplitude.
    fn wave(amplitude: f64) -> Bodies {
        let mut bodies = Bodies::zeroed(CELLS.pow(3));
        for i in 0..bodies.len() {
            let cells = [i / CELLS / CELLS, i / CELLS % CELLS, i % CELLS];
            (0..3).for_each(|axis| bodies.pos[axis][i] = (cells[axis] as f64 + 0.5) * SIDE / CELLS as f64);
            bodies.mass[i] = 1.0 + amplitude * (TAU * 2.0 * bodies.pos[0][i] / SIDE).cos();
        }
        bodies
    }

    /// The contrast A cos(k x) has the correlation A^2 / 2 cos(k r_x), here averaged over the vectors of
    /// each bin.
    #[test]
    fn the_correlation_of_a_plane_wave_is_known() {
        let settings = Settings { grid: CELLS, bins_per_decade: Some(12), ..Settings::default() };
        let found = correlate(&Solo, &wave(0.3), SIDE, &settings).unwrap();
        let own = 1.0 / CELLS.pow(3) as f64;
        let half = CELLS as i64 / 2;
        let range = 1 - half..=half;
        let vectors: Vec<[i64; 3]> = range
            .clone()
            .flat_map(|x| range.clone().flat_map(move |y| (1 - half..=half).map(move |z| [x, y, z])))
            .collect();
        let length = |v: &[i64; 3]| (v.iter().map(|x| x * x).sum::<i64>() as f64).sqrt();
        let mut next = 0;
        let mut sorted = vectors;
        sorted.sort_by(|a, b| length(a).total_cmp(&length(b)));
        sorted.retain(|v| length(v) >= LEAST);
        for bin in &found {
            let some = &sorted[next..next + bin.vectors as usize];
            next += some.len();
            let mean = some.iter().map(|v| (TAU * 2.0 * v[0] as f64 / CELLS as f64).cos()).sum::<f64>()
                / some.len() as f64;
            assert!((bin.correlation - 0.045 * mean).abs() < 2.0 * own, "{bin:?}: {}", 0.045 * mean);
            let distance = some.iter().map(length).sum::<f64>() / some.len() as f64 * SIDE / CELLS as f64;
            assert!((bin.distance - distance).abs() < 1e-12);
        }
        assert!(found.len() > 4);
        let parts = threads::run(3, |comm| {
            let mut mine = wave(0.3);
            mine.permute(
                &(0..mine.len() as u32).filter(|i| *i as usize % 3 == comm.rank()).collect::<Vec<_>>(),
            );
            correlate(comm, &mine, SIDE, &settings).unwrap()
        });
        assert!(parts.iter().all(|part| *part == found), "the same bits on three ranks");
    }
}
