//! Kernels that sum the field of bodies and cells at a group of sinks.
//!
//! Sinks are in lanes, sources are broadcast. Positions are single precision, relative to the
//! centre of the group. Sums over [`BODY_CHUNK`] bodies or [`CELL_CHUNK`] cells run in single
//! precision. These partial sums are added in double precision. So long sums lose no accuracy.

use crate::kernel::simd::{Double, LANES, Lanes, Numbers, Path, Task, dispatch, square};
use crate::kernel::softening::{Pair, UNSOFTENED};
use crate::tree::particles::{Leaf, Particles};
use crate::{Expansion, SofteningKernel, tree::tile::Tile};
use bytemuck::Zeroable;
use std::marker::PhantomData;
use std::ops::Range;

/// The number of bodies that are summed in single precision.
const BODY_CHUNK: usize = 512;
/// The number of cells that are summed in single precision. Their moments stay in the first-level
/// cache while all sinks read them.
const CELL_CHUNK: usize = 32;

/// Bodies as sources, relative to the centre of a group of sinks. The arrays are longer than the
/// list of bodies; entries beyond its end have zero mass while the bodies act.
#[derive(Default)]
pub(crate) struct Sources {
    pub(super) pos: [Vec<f32>; 3],
    pub(super) mass: Vec<f32>,
    pub(super) term: Vec<f32>,
    pub(super) len: usize,
}

/// A group of sinks in blocks of eight. Copies of the last sink fill the last block.
#[derive(Default)]
pub(crate) struct Sinks {
    pos: [Vec<[f32; LANES]>; 3],
    pub(super) term: Vec<[f32; LANES]>,
    /// Sums so far: potential (positive, without G) and acceleration.
    sum: Vec<[[f64; LANES]; 4]>,
    count: usize,
}

/// The force law between two bodies.
pub(crate) trait Law {
    /// Floating-point operations of one body-body interaction.
    const OPERATIONS: u64;
    /// Factors for the sums of potential and acceleration.
    const SCALE: [f32; 2];
    /// Squared distance.
    #[inline(always)]
    fn square<N: Numbers>(d: [N; 3]) -> N {
        square(d)
    }
    /// Potential, and acceleration divided by the offset, of a source of mass `m` at squared
    /// distance `r2`. Both are zero at zero distance if the law is singular there.
    fn pull<N: Numbers>(r2: N, m: N, sink_term: N, source_term: N) -> (N, N);
    /// Adds potential and acceleration of a source of mass `m` at offset `d` to the sums.
    #[inline(always)]
    fn add_pull<N: Numbers>(sum: &mut [N; 4], d: [N; 3], m: N, sink_term: N, source_term: N) {
        let (potential, factor) = Self::pull(Self::square(d), m, sink_term, source_term);
        sum[0] = sum[0] + potential;
        for axis in 0..3 {
            sum[axis + 1] = factor.mul_add(d[axis], sum[axis + 1]);
        }
    }
}

/// [`Law::pull`] of mass `m`, given `u` = 1 / r.
#[inline(always)]
fn inverse_square<N: Numbers>(m: N, u: N) -> (N, N) {
    let potential = m * u;
    (potential, potential * (u * u))
}

/// Potential 1 / r.
pub(crate) struct Newton;
/// Potential 1 / sqrt(r^2 + e^2). The term of a body is half its e^2.
pub(crate) struct Plummer;
/// The spline of Springel, Yoshida & White (2001), eq. 71 and its derivative, with q = r / h. The
/// term of a body is its 1 / h.
pub(crate) struct Spline;

/// Potential 1 / r between bodies that do not coincide.
pub(crate) struct NewtonApart;

/// Added to the squared distance, to keep 1 / r^3 finite. Single precision does not resolve a
/// direction at smaller distances.
const TINY: f32 = 1e-24;

impl Law for NewtonApart {
    // Offsets 3, r^2 6, root with Newton step 5, potential 1, factor 2, sums 7.
    const OPERATIONS: u64 = 24;
    const SCALE: [f32; 2] = [0.5, 0.125];

    #[inline(always)]
    fn square<N: Numbers>(d: [N; 3]) -> N {
        d[2].mul_add(d[2], d[1].mul_add(d[1], d[0].mul_add(d[0], N::splat(TINY))))
    }
    #[inline(always)]
    fn pull<N: Numbers>(r2: N, m: N, _: N, _: N) -> (N, N) {
        inverse_square(m, r2.twice_rsqrt())
    }
}

/// [`NewtonApart`] with the processor's estimate of 1 / r. The estimate has an error of up to 4e-4,
/// of either sign. At low accuracy that is below the error of the cells.
pub(crate) struct NewtonRough;

impl Law for NewtonRough {
    const OPERATIONS: u64 = 20;
    const SCALE: [f32; 2] = [1.0; 2];

    #[inline(always)]
    fn square<N: Numbers>(d: [N; 3]) -> N {
        NewtonApart::square(d)
    }
    #[inline(always)]
    fn pull<N: Numbers>(r2: N, m: N, _: N, _: N) -> (N, N) {
        inverse_square(m, r2.rough_rsqrt())
    }
}

impl Law for Newton {
    const OPERATIONS: u64 = 24;
    const SCALE: [f32; 2] = NewtonApart::SCALE;

    #[inline(always)]
    fn pull<N: Numbers>(r2: N, m: N, _: N, _: N) -> (N, N) {
        inverse_square(m, r2.twice_rsqrt().where_below(N::splat(0.0), r2))
    }
}

impl Law for Plummer {
    const OPERATIONS: u64 = 26;
    const SCALE: [f32; 2] = NewtonApart::SCALE;

    #[inline(always)]
    fn pull<N: Numbers>(r2: N, m: N, sink_term: N, source_term: N) -> (N, N) {
        Newton::pull(r2 + (sink_term + source_term), m, sink_term, source_term)
    }
}

impl Law for Spline {
    // Newton's 24, q and 1/q 4, inner force 5 and potential 7, outer force 10 and potential 11,
    // scales 6.
    const OPERATIONS: u64 = 67;
    const SCALE: [f32; 2] = [1.0; 2];

    #[inline(always)]
    fn pull<N: Numbers>(r2: N, m: N, sink_term: N, source_term: N) -> (N, N) {
        let c = N::splat;
        let per_h = sink_term.min(source_term);
        let u = r2.rsqrt().where_below(c(0.0), r2);
        let q = r2 * u * per_h;
        let (q2, per_q) = (q * q, c(1.0).div(q));
        // For q < 1/2.
        let force = q2.mul_add(q.mul_add(c(32.0), c(-38.4)), c(32.0 / 3.0));
        let potential = q2.mul_add(q2.mul_add(q.mul_add(c(6.4), c(-9.6)), c(16.0 / 3.0)), c(-2.8));
        // For 1/2 <= q < 1.
        let outer_force = q.mul_add(q.mul_add(q.mul_add(c(-32.0 / 3.0), c(38.4)), c(-48.0)), c(64.0 / 3.0))
            - per_q * per_q * per_q * c(1.0 / 15.0);
        let outer = q.mul_add(q.mul_add(q.mul_add(c(-32.0 / 15.0), c(9.6)), c(-16.0)), c(32.0 / 3.0));
        let outer_potential = q2.mul_add(outer, c(-3.2)) + per_q * c(1.0 / 15.0);
        // A pair without softening has q < 1 only at distance zero, where its force is zero.
        let potential = N::select_below(q, c(0.5), potential, outer_potential) * per_h;
        let potential = c(0.0) - potential.where_below(per_h, c(UNSOFTENED));
        let force = N::select_below(q, c(0.5), force, outer_force) * (per_h * per_h * per_h);
        let force = force.where_below(per_h, c(UNSOFTENED));
        let potential = N::select_below(q, c(1.0), potential, u);
        let factor = N::select_below(q, c(1.0), force, u * u * u);
        (m * potential, m * factor)
    }
}

impl Sources {
    /// Removes all bodies.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends the bodies of leaves. Each leaf comes with the vector from the centre of the group to
    /// its reference.
    #[inline(always)]
    pub(crate) fn extend<L: Lanes>(
        &mut self,
        particles: &Particles,
        leaves: impl Iterator<Item = (Leaf, [f32; 3])>,
    ) {
        for (leaf, shift) in leaves {
            self.push::<L>(particles, &leaf, shift);
        }
    }

    /// Writes bodies without mass behind the last one, so that it can be read with seven others.
    #[inline(always)]
    pub(crate) fn pad(&mut self) {
        self.reserve(LANES);
        let end = self.len..self.len + LANES;
        self.pos.iter_mut().for_each(|array| array[end.clone()].fill(0.0));
        self.mass[end.clone()].fill(0.0);
        self.term[end].fill(2.0 * UNSOFTENED);
    }

    #[inline(always)]
    fn push<L: Lanes>(&mut self, particles: &Particles, leaf: &Leaf, shift: [f32; 3]) {
        let (first, count) = (leaf.first as usize, leaf.count as usize);
        self.reserve(count.next_multiple_of(LANES));
        for k in (0..count).step_by(LANES) {
            let (from, to) = (first + k, self.len + k);
            let [x, y, z, mass] = L::load_columns(&eight(&particles.bodies, from));
            for (axis, row) in [x, y, z].into_iter().enumerate() {
                (row + L::splat(shift[axis])).store(room_for_eight(&mut self.pos[axis], to));
            }
            mass.store(room_for_eight(&mut self.mass, to));
            if !particles.term.is_empty() {
                *room_for_eight(&mut self.term, to) = eight(&particles.term, from);
            }
        }
        self.len += count;
    }

    /// Keeps only the bodies at these places, which ascend. The arrays are not padded afterwards:
    /// the bodies can become sinks, but not act as sources.
    pub(crate) fn keep(&mut self, places: impl Iterator<Item = usize>) {
        self.len = 0;
        for from in places {
            let to = self.len;
            self.pos
                .iter_mut()
                .chain([&mut self.mass, &mut self.term])
                .for_each(|array| array[to] = array[from]);
            self.len += 1;
        }
    }

    /// Makes room for more bodies.
    #[inline(always)]
    pub(super) fn reserve(&mut self, more: usize) {
        let room = self.len + more;
        if self.mass.len() < room {
            let arrays = self.pos.iter_mut().chain([&mut self.mass, &mut self.term]);
            arrays.for_each(|array| array.resize(2 * room, 0.0));
        }
    }

    /// Number of bodies.
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// Eight entries from `at` on, zeros beyond the end.
#[inline(always)]
fn eight<T: Copy + Default>(array: &[T], at: usize) -> [T; LANES] {
    match array.get(at..at + LANES) {
        Some(numbers) => numbers.try_into().expect("eight entries"),
        None => std::array::from_fn(|k| array.get(at + k).copied().unwrap_or_default()),
    }
}

#[inline(always)]
pub(crate) fn room_for_eight(array: &mut [f32], at: usize) -> &mut [f32; LANES] {
    (&mut array[at..at + LANES]).try_into().expect("eight numbers")
}

/// The task of [`Sinks::feel_bodies`].
struct Pull<'a, W> {
    sinks: &'a mut Sinks,
    sources: &'a Sources,
    law: PhantomData<W>,
}

impl<W: Law> Task for Pull<'_, W> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        self.sinks.feel_sources::<L, W>(self.sources);
    }
}

/// Potential and acceleration of a chunk of sources at some places.
#[inline(always)]
fn pull_of<N: Numbers, W: Law>(
    sources: &Sources,
    chunk: Range<usize>,
    place: [N; 3],
    sink_term: N,
) -> [N; 4] {
    let mut sum = [N::splat(0.0); 4];
    let [x, y, z] = &sources.pos;
    let (x, y, z) = (&x[chunk.clone()], &y[chunk.clone()], &z[chunk.clone()]);
    let (mass, term) = (&sources.mass[chunk.clone()], &sources.term[chunk]);
    for j in 0..x.len() {
        let d = [N::splat(x[j]) - place[0], N::splat(y[j]) - place[1], N::splat(z[j]) - place[2]];
        W::add_pull(&mut sum, d, N::splat(mass[j]), sink_term, N::splat(term[j]));
    }
    let [potential, factor] = W::SCALE.map(N::splat);
    [sum[0] * potential, sum[1] * factor, sum[2] * factor, sum[3] * factor]
}

/// Loads this block of a row and the next.
#[inline(always)]
fn load_twice<L: Lanes>(row: &[[f32; LANES]], block: usize) -> L::Double {
    L::Double::load([&row[block], &row[block + 1]])
}

impl Sinks {
    /// Sets bodies as the sinks of a new group.
    pub(crate) fn set(&mut self, bodies: &Sources) {
        self.count = bodies.len();
        let blocks = bodies.len().div_ceil(LANES);
        let block = |array: &[f32], k: usize| {
            std::array::from_fn(|lane| array[(k * LANES + lane).min(bodies.len() - 1)])
        };
        for axis in 0..3 {
            self.pos[axis].clear();
            self.pos[axis].extend((0..blocks).map(|k| block(&bodies.pos[axis], k)));
        }
        self.term.clear();
        self.term.extend((0..blocks).map(|k| block(&bodies.term, k)));
        self.sum.clear();
        self.sum.resize(blocks, [[0.0; LANES]; 4]);
    }

    #[inline(always)]
    fn add<L: Lanes>(&mut self, block: usize, partial: [L; 4]) {
        let mut lanes = [0.0; LANES];
        for (sum, partial) in self.sum[block].iter_mut().zip(partial) {
            partial.store(&mut lanes);
            sum.iter_mut().zip(lanes).for_each(|(sum, x)| *sum += f64::from(x));
        }
    }

    /// Adds the field of a local expansion about the centre of the sinks.
    #[inline(always)]
    pub(crate) fn feel_local<L: Lanes, E: Expansion>(&mut self, local: &E::Local<f32>) {
        for block in 0..self.sum.len() {
            let place = std::array::from_fn(|axis| L::load(&self.pos[axis][block]));
            self.add(block, E::field_of_local::<L>(local, place));
        }
    }

    /// Adds a field, given in double precision at a place about the centre of the sinks.
    pub(crate) fn feel(&mut self, field: impl Fn([f64; 3]) -> [f64; 4]) {
        for sink in 0..self.count {
            let (block, lane) = (sink / LANES, sink % LANES);
            let added = field(self.pos.each_ref().map(|row| f64::from(row[block][lane])));
            (0..4).for_each(|row| self.sum[block][row][lane] += added[row]);
        }
    }

    /// Number of sinks.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Potential (positive, without G) and acceleration of a sink.
    pub(crate) fn field(&self, sink: usize) -> [f64; 4] {
        self.sum[sink / LANES].map(|row| row[sink % LANES])
    }

    /// Adds the field of all `sources`. Dispatched separately, because it is the same for all
    /// expansions: it is compiled once per path.
    pub(crate) fn feel_bodies<W: Law>(&mut self, path: Path, sources: &Sources) {
        dispatch(path, Pull::<W> { sinks: self, sources, law: PhantomData });
    }

    #[inline(always)]
    fn feel_sources<L: Lanes, W: Law>(&mut self, sources: &Sources) {
        for start in (0..sources.len()).step_by(BODY_CHUNK) {
            let chunk = start..(start + BODY_CHUNK).min(sources.len());
            let full = self.count / LANES;
            let in_pairs = if L::Double::FASTER { full & !1 } else { 0 };
            for block in (0..in_pairs).step_by(2) {
                self.feel_chunk_twice::<L, W>(sources, chunk.clone(), block);
            }
            for block in in_pairs..full {
                self.feel_chunk::<L, W>(sources, chunk.clone(), block);
            }
            for sink in full * LANES..self.count {
                self.feel_alone::<L, W>(sources, chunk.clone(), sink);
            }
        }
    }

    /// Adds the field of a chunk of sources to one sink, eight sources at a time. Used for sinks
    /// that do not fill a block, so that no lane is idle.
    #[inline(always)]
    fn feel_alone<L: Lanes, W: Law>(&mut self, sources: &Sources, chunk: Range<usize>, sink: usize) {
        let (block, lane) = (sink / LANES, sink % LANES);
        let place: [L; 3] = std::array::from_fn(|axis| L::splat(self.pos[axis][block][lane]));
        let sink_term = L::splat(self.term[block][lane]);
        let mut sum = [L::splat(0.0); 4];
        let padded = chunk.start..chunk.end.next_multiple_of(LANES);
        let [x, y, z] = sources.pos.each_ref().map(|row| row[padded.clone()].as_chunks::<LANES>().0);
        let mass = sources.mass[padded.clone()].as_chunks::<LANES>().0;
        let term = sources.term[padded].as_chunks::<LANES>().0;
        for j in 0..x.len() {
            let d = [L::load(&x[j]) - place[0], L::load(&y[j]) - place[1], L::load(&z[j]) - place[2]];
            W::add_pull(&mut sum, d, L::load(&mass[j]), sink_term, L::load(&term[j]));
        }
        let [potential, factor] = W::SCALE;
        for (row, scale) in [potential, factor, factor, factor].into_iter().enumerate() {
            self.sum[block][row][lane] += f64::from(sum[row].sum() * scale);
        }
    }

    /// Adds the field of a chunk of sources to a block of sinks. With one block at a time, all sums
    /// stay in registers.
    #[inline(always)]
    fn feel_chunk<L: Lanes, W: Law>(&mut self, sources: &Sources, chunk: Range<usize>, block: usize) {
        let place = std::array::from_fn(|axis| L::load(&self.pos[axis][block]));
        let sum = pull_of::<L, W>(sources, chunk, place, L::load(&self.term[block]));
        self.add(block, sum);
    }

    /// Adds the field of a chunk of sources to this block and the next.
    #[inline(always)]
    fn feel_chunk_twice<L: Lanes, W: Law>(&mut self, sources: &Sources, chunk: Range<usize>, block: usize) {
        let [x, y, z] = &self.pos;
        let place = [load_twice::<L>(x, block), load_twice::<L>(y, block), load_twice::<L>(z, block)];
        let sum = pull_of::<L::Double, W>(sources, chunk, place, load_twice::<L>(&self.term, block));
        let mut halves = [[L::splat(0.0); 4]; 2];
        for row in 0..4 {
            let [low, high] = sum[row].store();
            (halves[0][row], halves[1][row]) = (L::load(&low), L::load(&high));
        }
        self.add(block, halves[0]);
        self.add(block + 1, halves[1]);
    }

    /// Adds the field of cells, given as `tile << 3 | lane`, to sinks about `centre`.
    #[inline(always)]
    pub(crate) fn feel_cells<L: Lanes, E: Expansion>(
        &mut self,
        tiles: &[Tile<E>],
        cells: &[u32],
        centre: [f64; 3],
        kernel: SofteningKernel,
    ) {
        for chunk in cells.chunks(CELL_CHUNK) {
            let mut places = [[0f32; 3]; CELL_CHUNK];
            let mut moments = [E::Single::zeroed(); CELL_CHUNK];
            for ((place, moments), cell) in places.iter_mut().zip(&mut moments).zip(chunk) {
                let (tile, lane) = (&tiles[(cell >> 3) as usize], (cell & 7) as usize);
                *place = std::array::from_fn(|axis| {
                    tile.com[axis][lane] + (tile.centre[axis] - centre[axis]) as f32
                });
                *moments = E::single(&tile.moments, lane);
            }
            for block in 0..self.sum.len() {
                let position: [L; 3] = std::array::from_fn(|axis| L::load(&self.pos[axis][block]));
                let term = L::load(&self.term[block]);
                let mut sum = [L::splat(0.0); 4];
                for ((place, moments), cell) in places.iter().zip(&moments).zip(chunk) {
                    let (tile, lane) = (&tiles[(cell >> 3) as usize], (cell & 7) as usize);
                    let d: [L; 3] = std::array::from_fn(|axis| position[axis] - L::splat(place[axis]));
                    let pair = Pair { kernel, terms: [term, L::splat(tile.softening[lane])] };
                    let field = E::field(moments, d, pair);
                    sum = std::array::from_fn(|k| sum[k] + field[k]);
                }
                self.add(block, sum);
            }
        }
    }
}
