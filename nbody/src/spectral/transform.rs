//! Fourier transforms of real fields on a cubic grid that is divided among ranks.
//!
//! A rank holds planes of constant x of a field, and planes of constant ky of its modes. Transforms
//! along z and y are local, then one exchange moves from planes of x to planes of ky, where the
//! transform along x is local. Two real lines are transformed as one complex line.

use decomposition::Comm;
use rayon::prelude::*;
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlannerScalar};
use std::ops::Range;
use std::sync::Arc;
use treecode::math;

/// An integer wave vector: the mode is `exp(2 pi i wave.x / side)`.
pub type Wave = [i64; 3];

/// The Fourier transform of real fields on a grid of `cells`^3, over all ranks.
///
/// A field is an array over x, y, z, in this order with z fastest, for the x of [`Self::planes`].
/// Modes are an array over ky, kz, kx with kx fastest, for the ky of [`Self::planes`] and kz from 0
/// to `cells / 2`. The modes of negative kz are the conjugates of those of the opposite wave vector.
#[derive(Clone)]
pub struct Transform {
    cells: usize,
    /// Planes of each rank.
    planes: Vec<Range<usize>>,
    rank: usize,
    forward: Arc<dyn Fft<f64>>,
    backward: Arc<dyn Fft<f64>>,
}

impl Transform {
    /// A transform on a grid of `cells`^3, over the ranks of `comm`.
    ///
    /// # Panics
    /// `cells` is odd or 0.
    pub fn new(comm: &dyn Comm, cells: usize) -> Transform {
        assert!(cells > 0 && cells.is_multiple_of(2), "a grid of {cells} cells a side: must be even");
        let planes =
            (0..comm.size()).map(|rank| cells * rank / comm.size()..cells * (rank + 1) / comm.size());
        // The planner for scalar arithmetic: the others choose instructions by the processor.
        let mut planner = FftPlannerScalar::new();
        Transform {
            cells,
            planes: planes.collect(),
            rank: comm.rank(),
            forward: planner.plan_fft_forward(cells),
            backward: planner.plan_fft_inverse(cells),
        }
    }

    /// Number of cells along a side.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// The x of this rank's part of a field, and the ky of its modes.
    pub fn planes(&self) -> Range<usize> {
        self.planes[self.rank].clone()
    }

    /// The planes of a rank.
    pub fn planes_of(&self, rank: usize) -> Range<usize> {
        self.planes[rank].clone()
    }

    /// The rank that holds the plane at `x`.
    pub fn owner(&self, x: usize) -> usize {
        self.planes.partition_point(|planes| planes.end <= x)
    }

    /// Number of values of this rank's part of a field.
    pub fn field_len(&self) -> usize {
        self.planes().len() * self.cells * self.cells
    }

    /// Number of modes that this rank holds.
    pub fn modes_len(&self) -> usize {
        self.planes().len() * self.half() * self.cells
    }

    /// Number of kz.
    fn half(&self) -> usize {
        self.cells / 2 + 1
    }

    /// The wave number of an index: from `1 - cells / 2` to `cells / 2`.
    fn signed(&self, index: usize) -> i64 {
        let index = index as i64;
        if 2 * index > self.cells as i64 { index - self.cells as i64 } else { index }
    }

    /// Calls `job` for each mode of this rank, with its wave vector.
    pub fn for_each_mode(&self, modes: &mut [Complex<f64>], job: impl Fn(Wave, &mut Complex<f64>) + Sync) {
        let first = self.planes().start;
        modes.par_chunks_mut(self.cells).enumerate().for_each(|(line, modes)| {
            let ky = self.signed(first + line / self.half());
            let kz = (line % self.half()) as i64;
            modes.iter_mut().enumerate().for_each(|(kx, mode)| job([self.signed(kx), ky, kz], mode));
        });
    }

    /// For each plane of ky of this rank, folds the modes in their order into what `start` returns.
    pub fn fold_planes<T: Send>(
        &self,
        modes: &[Complex<f64>],
        start: impl Fn() -> T + Sync,
        add: impl Fn(&mut T, Wave, Complex<f64>) + Sync,
    ) -> Vec<T> {
        let first = self.planes().start;
        let plane = |(y, plane): (usize, &[Complex<f64>])| {
            let mut sum = start();
            let ky = self.signed(first + y);
            for (kz, line) in plane.chunks(self.cells).enumerate() {
                for (kx, &mode) in line.iter().enumerate() {
                    add(&mut sum, [self.signed(kx), ky, kz as i64], mode);
                }
            }
            sum
        };
        modes.par_chunks(self.half() * self.cells).enumerate().map(plane).collect()
    }

    /// The modes of a grid with fewer cells: those of the same wave numbers. Modes with the greatest
    /// wave number of the other grid on an axis are 0. Collective.
    ///
    /// # Panics
    /// The other grid has more cells.
    pub fn truncate(&self, comm: &dyn Comm, modes: &[Complex<f64>], to: &Transform) -> Vec<Complex<f64>> {
        assert!(to.cells <= self.cells);
        let end = to.cells as i64 / 2;
        let index = |wave: i64, cells: usize| wave.rem_euclid(cells as i64) as usize;
        let mut out = vec![Vec::new(); comm.size()];
        for (y, plane) in self.planes().zip(modes.chunks(self.half() * self.cells)) {
            let ky = self.signed(y);
            if ky.abs() < end {
                let bytes = &mut out[to.owner(index(ky, to.cells))];
                for line in plane.chunks(self.cells).take(end as usize) {
                    (1 - end..end).for_each(|kx| put(bytes, line[index(kx, self.cells)]));
                }
            }
        }
        let received = comm.exchange(out);
        // The planes of a rank arrive with ky ascending from 0, then from the negative ones.
        let sent = (0..self.cells).map(|y| (self.owner(y), self.signed(y)));
        let mut next = vec![0; comm.size()];
        let mut fewer = vec![Complex::default(); to.modes_len()];
        for (owner, ky) in sent.filter(|(_, ky)| ky.abs() < end) {
            let y = index(ky, to.cells);
            if !to.planes().contains(&y) {
                continue;
            }
            let first = (y - to.planes().start) * to.half() * to.cells;
            for kz in 0..end as usize {
                for kx in 1 - end..end {
                    fewer[first + kz * to.cells + index(kx, to.cells)] = get(&received[owner], next[owner]);
                    next[owner] += 1;
                }
            }
        }
        fewer
    }

    /// The modes `sum_x f(x) exp(-2 pi i k.x / cells)` of a field, where x counts cells. Collective.
    ///
    /// # Panics
    /// The field has another length than [`Self::field_len`].
    pub fn forward(&self, comm: &dyn Comm, field: Vec<f64>) -> Vec<Complex<f64>> {
        assert_eq!(field.len(), self.field_len());
        let (n, half) = (self.cells, self.half());
        // Planes of x, each an array over kz and ky.
        let plane = |plane: &[f64]| {
            let mut line = vec![Complex::default(); n];
            let mut scratch = vec![Complex::default(); self.forward.get_inplace_scratch_len()];
            let mut modes = vec![Complex::default(); half * n];
            for y in (0..n).step_by(2) {
                let pair = plane[y * n..(y + 1) * n].iter().zip(&plane[(y + 1) * n..(y + 2) * n]);
                line.iter_mut().zip(pair).for_each(|(z, (&re, &im))| *z = Complex { re, im });
                self.forward.process_with_scratch(&mut line, &mut scratch);
                for kz in 0..half {
                    let (a, b) = (line[kz], line[(n - kz) % n].conj());
                    modes[kz * n + y] = (a + b) * 0.5;
                    let odd = (a - b) * 0.5;
                    modes[kz * n + y + 1] = Complex { re: odd.im, im: -odd.re };
                }
            }
            self.forward.process_with_scratch(&mut modes, &mut scratch);
            modes
        };
        let mine: Vec<_> = field.par_chunks(n * n).map(plane).collect();
        drop(field);
        let out = self.planes.par_iter().map(|theirs| {
            let mut bytes = Vec::with_capacity(mine.len() * half * theirs.len() * size_of::<Complex<f64>>());
            for plane in &mine {
                for line in plane.chunks(n) {
                    line[theirs.clone()].iter().for_each(|mode| put(&mut bytes, *mode));
                }
            }
            bytes
        });
        let out = out.collect();
        drop(mine);
        let received = comm.exchange(out);
        // From each rank, an array over x, kz and ky.
        let rows = self.planes().len();
        let mut modes = vec![Complex::default(); self.modes_len()];
        modes.par_chunks_mut(half * n).enumerate().for_each(|(y, plane)| {
            for (theirs, bytes) in self.planes.iter().zip(&received) {
                for (i, x) in theirs.clone().enumerate() {
                    for kz in 0..half {
                        plane[kz * n + x] = get(bytes, (i * half + kz) * rows + y);
                    }
                }
            }
            self.forward.process(plane);
        });
        modes
    }

    /// The field `sum_k m(k) exp(2 pi i k.x / cells)` of modes, the inverse of [`Self::forward`]
    /// without its factor `1 / cells^3`. Of the modes with kz 0 and `cells / 2`, the part that no real
    /// field has is left out. Collective.
    ///
    /// # Panics
    /// The number of modes is not [`Self::modes_len`].
    pub fn backward(&self, comm: &dyn Comm, mut modes: Vec<Complex<f64>>) -> Vec<f64> {
        assert_eq!(modes.len(), self.modes_len());
        let (n, half) = (self.cells, self.half());
        modes.par_chunks_mut(half * n).for_each(|plane| self.backward.process(plane));
        let out = self.planes.par_iter().map(|theirs| {
            let mut bytes = Vec::with_capacity(modes.len() / n * theirs.len() * size_of::<Complex<f64>>());
            for line in modes.chunks(n) {
                line[theirs.clone()].iter().for_each(|mode| put(&mut bytes, *mode));
            }
            bytes
        });
        let out = out.collect();
        drop(modes);
        let received = comm.exchange(out);
        // From each rank, an array over ky, kz and x.
        let rows = self.planes().len();
        let mut field = vec![0.0; self.field_len()];
        field.par_chunks_mut(n * n).enumerate().for_each(|(x, plane)| {
            let mut modes = vec![Complex::default(); half * n];
            for (theirs, bytes) in self.planes.iter().zip(&received) {
                for (i, ky) in theirs.clone().enumerate() {
                    for kz in 0..half {
                        modes[kz * n + ky] = get(bytes, (i * half + kz) * rows + x);
                    }
                }
            }
            let mut scratch = vec![Complex::default(); self.backward.get_inplace_scratch_len()];
            self.backward.process_with_scratch(&mut modes, &mut scratch);
            let mut line = vec![Complex::default(); n];
            for y in (0..n).step_by(2) {
                for kz in 0..half {
                    let (mut a, mut b) = (modes[kz * n + y], modes[kz * n + y + 1]);
                    if kz == 0 || kz == n / 2 {
                        (a.im, b.im) = (0.0, 0.0);
                    }
                    line[kz] = Complex { re: a.re - b.im, im: a.im + b.re };
                    line[(n - kz) % n] = Complex { re: a.re + b.im, im: b.re - a.im };
                }
                self.backward.process_with_scratch(&mut line, &mut scratch);
                for (z, value) in line.iter().enumerate() {
                    plane[y * n + z] = value.re;
                    plane[(y + 1) * n + z] = value.im;
                }
            }
        });
        field
    }
}

/// The factor on a mode if the field is shifted by half a cell towards lower coordinates on each axis.
pub(crate) fn half_cell(cells: usize) -> impl Fn(Wave) -> Complex<f64> {
    let turn = |i: usize| {
        let (im, re) = math::sin_cos(std::f64::consts::PI * i as f64 / cells as f64);
        Complex { re, im }
    };
    let turns: Vec<_> = (0..2 * cells).map(turn).collect();
    move |wave| turns[wave.iter().sum::<i64>().rem_euclid(2 * cells as i64) as usize]
}

fn put(bytes: &mut Vec<u8>, mode: Complex<f64>) {
    bytes.extend_from_slice(bytemuck::bytes_of(&[mode.re, mode.im]));
}

/// The mode at this index of a message.
fn get(bytes: &[u8], index: usize) -> Complex<f64> {
    let size = size_of::<[f64; 2]>();
    let [re, im] = bytemuck::pod_read_unaligned(&bytes[index * size..(index + 1) * size]);
    Complex { re, im }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::{Solo, threads};
    use std::f64::consts::TAU;
    use treecode::math::hash;

    /// A field of random numbers, and its modes, on so many ranks, in the order of one rank.
    fn both(ranks: usize, n: usize) -> (Vec<f64>, Vec<Complex<f64>>, Vec<f64>) {
        let parts = threads::run(ranks, |comm| {
            let transform = Transform::new(comm, n);
            let first = transform.planes().start * n * n;
            let value = |i: usize| (hash((first + i) as u64) >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
            let field: Vec<f64> = (0..transform.field_len()).map(value).collect();
            let modes = transform.forward(comm, field.clone());
            let back = transform.backward(comm, modes.clone());
            (field, modes, back)
        });
        let mut all = (Vec::new(), Vec::new(), Vec::new());
        for (field, modes, back) in parts {
            all.0.extend(field);
            all.1.extend(modes);
            all.2.extend(back);
        }
        all
    }

    #[test]
    fn modes_are_those_of_the_definition_and_return_to_the_field() {
        for n in [2, 6, 8] {
            let (field, modes, back) = both(1, n);
            let transform = Transform::new(&Solo, n);
            let mut found = modes.clone();
            let largest = std::sync::Mutex::new(0.0f64);
            transform.for_each_mode(&mut found, |wave, mode| {
                let mut sum = Complex::new(0.0, 0.0);
                for (i, value) in field.iter().enumerate() {
                    let x = [i / (n * n), i / n % n, i % n];
                    let phase = (0..3).map(|a| wave[a] as f64 * x[a] as f64).sum::<f64>() * TAU / n as f64;
                    sum += Complex::from_polar(*value, -phase);
                }
                let mut most = largest.lock().unwrap();
                *most = most.max((*mode - sum).norm());
            });
            assert!(*largest.lock().unwrap() < 1e-12, "{n}: {largest:?}");
            let size = (n * n * n) as f64;
            assert!(field.iter().zip(&back).all(|(a, b)| (a - b / size).abs() < 1e-14), "{n}");
        }
    }

    #[test]
    fn ranks_give_the_bits_of_one() {
        let one = both(1, 12);
        for ranks in [2, 3, 5, 13] {
            assert!(both(ranks, 12) == one, "{ranks} ranks");
        }
    }

    #[test]
    fn a_smaller_grid_has_the_modes_of_the_same_waves() {
        let name = |wave: Wave| Complex::new(hash(wave[0] as u64) as f64, (100 * wave[1] + wave[2]) as f64);
        for (ranks, n, m) in [(1, 12, 8), (3, 12, 8), (5, 8, 8), (7, 10, 4)] {
            threads::run(ranks, |comm| {
                let (from, to) = (Transform::new(comm, n), Transform::new(comm, m));
                let mut modes = vec![Complex::default(); from.modes_len()];
                from.for_each_mode(&mut modes, |wave, mode| *mode = name(wave));
                let mut fewer = from.truncate(comm, &modes, &to);
                to.for_each_mode(&mut fewer, |wave, mode| {
                    let is_there = wave.iter().all(|w| w.abs() < m as i64 / 2);
                    let expected = if is_there { name(wave) } else { Complex::default() };
                    assert_eq!(*mode, expected, "{ranks} ranks, {wave:?}");
                });
            });
        }
    }

    #[test]
    fn every_plane_has_its_owner() {
        for (ranks, n) in [(1, 4), (3, 8), (5, 4), (7, 16)] {
            let owners = threads::run(ranks, |comm| {
                let transform = Transform::new(comm, n);
                (transform.planes(), (0..n).map(|x| transform.owner(x)).collect::<Vec<_>>())
            });
            for (rank, (planes, _)) in owners.iter().enumerate() {
                planes.clone().for_each(|x| assert_eq!(owners[0].1[x], rank, "{ranks} {n}"));
            }
        }
    }
}
