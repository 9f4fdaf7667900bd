//! The kernels: what sources do to a group of sinks.
//!
//! Sinks lie in lanes, sources are broadcast; positions are single precision relative to the centre of the group. Sums run in single precision over
//! [`BODY_CHUNK`] bodies or [`CELL_CHUNK`] cells and are then added up in double precision, so that their length costs no accuracy.

use crate::simd::{LANES, Lanes};
use crate::{Expansion, particles::Particles, softening::UNSOFTENED, tile::Tile};

/// Bodies summed in single precision at a stretch.
const BODY_CHUNK: usize = 512;
/// Cells summed in single precision at a stretch; their moments stay in the first-level cache while all sinks read them.
const CELL_CHUNK: usize = 32;

/// Bodies as sources, relative to the centre of a group of sinks.
#[derive(Default)]
pub(crate) struct Sources {
    pub(crate) pos: [Vec<f32>; 3],
    pub(crate) mass: Vec<f32>,
    pub(crate) term: Vec<f32>,
}

/// A group of sinks in blocks of eight; the last block is filled up with copies of the last sink.
#[derive(Default)]
pub(crate) struct Sinks {
    pub(crate) pos: [Vec<[f32; LANES]>; 3],
    pub(crate) term: Vec<[f32; LANES]>,
    /// Potential (positive, without G) and acceleration so far.
    pub(crate) sum: Vec<[[f64; LANES]; 4]>,
}

/// How two bodies attract each other.
pub(crate) trait Law {
    /// Operations of one body-body interaction.
    const OPERATIONS: u64;
    /// Potential and acceleration per offset of a source of mass `m` at squared distance `r2`; zero at zero distance where the
    /// law is singular there.
    fn pull<L: Lanes>(r2: L, m: L, sink_term: L, source_term: L) -> (L, L);
}

/// 1 / r.
pub(crate) struct Newton;
/// 1 / sqrt(r^2 + e^2); the terms are half e^2.
pub(crate) struct Plummer;
/// The spline of Springel, Yoshida & White (2001), eq. 71 and its derivative, with q = r / h; the terms are 1 / h.
pub(crate) struct Spline;

impl Law for Newton {
    // Offsets 3, r^2 5, root with Newton step 6, potential 1, factor 2, sums 7.
    const OPERATIONS: u64 = 24;

    #[inline(always)]
    fn pull<L: Lanes>(r2: L, m: L, _: L, _: L) -> (L, L) {
        let u = r2.rsqrt().where_below(L::splat(0.0), r2);
        let potential = m * u;
        (potential, potential * (u * u))
    }
}

impl Law for Plummer {
    const OPERATIONS: u64 = 26;

    #[inline(always)]
    fn pull<L: Lanes>(r2: L, m: L, sink_term: L, source_term: L) -> (L, L) {
        Newton::pull(r2 + (sink_term + source_term), m, sink_term, source_term)
    }
}

impl Law for Spline {
    // Newton's 24, q and 1/q 4, inner force 5 and potential 7, outer force 10 and potential 11, scales 6.
    const OPERATIONS: u64 = 67;

    #[inline(always)]
    fn pull<L: Lanes>(r2: L, m: L, sink_term: L, source_term: L) -> (L, L) {
        let c = L::splat;
        let per_h = sink_term.min(source_term);
        let u = r2.rsqrt().where_below(c(0.0), r2);
        let q = r2 * u * per_h;
        let (q2, per_q) = (q * q, c(1.0).div(q));
        // q < 1/2
        let force = q2.mul_add(q.mul_add(c(32.0), c(-38.4)), c(32.0 / 3.0));
        let potential = q2.mul_add(q2.mul_add(q.mul_add(c(6.4), c(-9.6)), c(16.0 / 3.0)), c(-2.8));
        // 1/2 <= q < 1
        let outer_force = q.mul_add(q.mul_add(q.mul_add(c(-32.0 / 3.0), c(38.4)), c(-48.0)), c(64.0 / 3.0))
            - per_q * per_q * per_q * c(1.0 / 15.0);
        let outer = q.mul_add(q.mul_add(q.mul_add(c(-32.0 / 15.0), c(9.6)), c(-16.0)), c(32.0 / 3.0));
        let outer_potential = q2.mul_add(outer, c(-3.2)) + per_q * c(1.0 / 15.0);
        // A pair without softening comes here only at distance zero, and feels nothing.
        let within = |inner: L, outer: L, unit: L| {
            let value = L::select_below(q, c(0.5), inner, outer) * unit;
            value.where_below(per_h, c(UNSOFTENED))
        };
        let potential = L::select_below(q, c(1.0), c(0.0) - within(potential, outer_potential, per_h), u);
        let factor = L::select_below(q, c(1.0), within(force, outer_force, per_h * per_h * per_h), u * u * u);
        (m * potential, m * factor)
    }
}

impl Sources {
    /// Forgets all bodies.
    pub(crate) fn clear(&mut self) {
        self.pos.iter_mut().chain([&mut self.mass, &mut self.term]).for_each(Vec::clear);
    }

    /// Appends bodies; `shift` leads from their centre to the group's.
    #[inline(always)]
    pub(crate) fn push(&mut self, particles: &Particles, first: u32, count: u32, shift: [f32; 3]) {
        let range = first as usize..(first + count) as usize;
        for axis in 0..3 {
            self.pos[axis].extend(particles.pos[axis][range.clone()].iter().map(|x| x + shift[axis]));
        }
        self.mass.extend_from_slice(&particles.mass[range.clone()]);
        self.term.extend_from_slice(&particles.term[range]);
    }

    /// Number of bodies.
    pub(crate) fn len(&self) -> usize {
        self.mass.len()
    }
}

impl Sinks {
    /// Takes bodies as the sinks of a new group.
    pub(crate) fn set(&mut self, bodies: &Sources) {
        let blocks = bodies.len().div_ceil(LANES);
        let block = |array: &[f32], k: usize| {
            std::array::from_fn(|lane| array[(k * LANES + lane).min(array.len() - 1)])
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

    /// Adds the pull of all `sources`.
    #[inline(always)]
    pub(crate) fn feel_bodies<L: Lanes, W: Law>(&mut self, sources: &Sources) {
        for start in (0..sources.len()).step_by(BODY_CHUNK) {
            let chunk = start..(start + BODY_CHUNK).min(sources.len());
            let mut block = 0;
            while block + 2 <= self.sum.len() {
                self.feel_chunk::<L, W, 2>(sources, chunk.clone(), block);
                block += 2;
            }
            if block < self.sum.len() {
                self.feel_chunk::<L, W, 1>(sources, chunk, block);
            }
        }
    }

    /// `N` blocks of sinks share the loads of the sources.
    #[inline(always)]
    fn feel_chunk<L: Lanes, W: Law, const N: usize>(
        &mut self,
        sources: &Sources,
        chunk: std::ops::Range<usize>,
        block: usize,
    ) {
        let sink: [[L; 4]; N] = std::array::from_fn(|n| {
            let at = block + n;
            let [x, y, z] = &self.pos;
            [L::load(&x[at]), L::load(&y[at]), L::load(&z[at]), L::load(&self.term[at])]
        });
        let mut sum = [[L::splat(0.0); 4]; N];
        let [x, y, z] = &sources.pos;
        let (x, y, z) = (&x[chunk.clone()], &y[chunk.clone()], &z[chunk.clone()]);
        let (mass, term) = (&sources.mass[chunk.clone()], &sources.term[chunk]);
        for j in 0..x.len() {
            let (sx, sy, sz) = (L::splat(x[j]), L::splat(y[j]), L::splat(z[j]));
            let (m, t) = (L::splat(mass[j]), L::splat(term[j]));
            for n in 0..N {
                let d = [sx - sink[n][0], sy - sink[n][1], sz - sink[n][2]];
                let r2 = d[2].mul_add(d[2], d[1].mul_add(d[1], d[0] * d[0]));
                let (potential, factor) = W::pull(r2, m, sink[n][3], t);
                sum[n][0] = sum[n][0] + potential;
                for axis in 0..3 {
                    sum[n][axis + 1] = factor.mul_add(d[axis], sum[n][axis + 1]);
                }
            }
        }
        for n in 0..N {
            self.add(block + n, sum[n]);
        }
    }

    /// Adds the pull of cells, given as `tile << 3 | lane`, for sinks about `centre`.
    #[inline(always)]
    pub(crate) fn feel_cells<L: Lanes, E: Expansion>(
        &mut self,
        tiles: &[Tile<E>],
        cells: &[u32],
        centre: [f64; 3],
    ) {
        for chunk in cells.chunks(CELL_CHUNK) {
            let mut com = [[0f32; 3]; CELL_CHUNK];
            for (com, cell) in com.iter_mut().zip(chunk) {
                let (tile, lane) = (&tiles[(cell >> 3) as usize], (cell & 7) as usize);
                *com = std::array::from_fn(|axis| {
                    tile.com[axis][lane] + (tile.centre[axis] - centre[axis]) as f32
                });
            }
            for block in 0..self.sum.len() {
                let position: [L; 3] = std::array::from_fn(|axis| L::load(&self.pos[axis][block]));
                let term = L::load(&self.term[block]);
                let mut sum = [L::splat(0.0); 4];
                for (com, cell) in com.iter().zip(chunk) {
                    let (tile, lane) = (&tiles[(cell >> 3) as usize], (cell & 7) as usize);
                    let d: [L; 3] = std::array::from_fn(|axis| position[axis] - L::splat(com[axis]));
                    let mut r2 = d[2].mul_add(d[2], d[1].mul_add(d[1], d[0] * d[0]));
                    if E::SOFTENED {
                        r2 = r2 + (term + L::splat(tile.softening[lane]));
                    }
                    let field = E::field(&tile.moments, lane, d, r2);
                    sum = std::array::from_fn(|k| sum[k] + field[k]);
                }
                self.add(block, sum);
            }
        }
    }
}
