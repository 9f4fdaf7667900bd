//! Direct sums at several sinks at a time, in double precision. Every SIMD path gives the same
//! bits, since none uses fused multiply-add or an estimate of the reciprocal root.

use super::direct::{spline, terms};
use super::ewald;
use super::simd::{EIGHT, Eight, Lanes, Path, Task, dispatch};
use super::waves::{ALPHA, REACH};
use crate::{Bodies, Domain, Gravity, Softening, SofteningKernel, TYPES, math};
use std::f64::consts::{LN_2, LOG2_E, PI};
use std::ops::Range;
use std::sync::LazyLock;

/// The number of sinks of one call of [`accelerations`].
pub const SINKS: usize = 16;

/// Up to [`SINKS`] places at which [`accelerations`] computes the field, as structures of arrays.
#[derive(Clone, Debug)]
pub struct Sinks {
    pos: [[f64; SINKS]; 3],
    /// For sources of each type. Spline: square of the pair's support. Plummer: square of the
    /// pair's length.
    softening: [[f64; SINKS]; TYPES],
}

impl Sinks {
    /// Takes at most [`SINKS`] positions [L] with their particle types.
    ///
    /// # Panics
    /// If there are more.
    pub fn new(softening: &Softening, places: &[([f64; 3], u8)]) -> Sinks {
        let mut sinks = Sinks { pos: [[0.0; SINKS]; 3], softening: [[0.0; SINKS]; TYPES] };
        for (s, (place, kind)) in places.iter().enumerate() {
            (0..3).for_each(|axis| sinks.pos[axis][s] = place[axis]);
            let terms = terms(softening, *kind);
            for (row, term) in sinks.softening.iter_mut().zip(terms) {
                row[s] = if softening.kernel == SofteningKernel::Spline { term * term } else { term };
            }
        }
        sinks
    }
}

/// Accelerations [L/T^2] of the sinks from a range of bodies: first all along x, then y, then z. A
/// body at the place of a sink, such as the sink itself, contributes nothing. The sum runs in the
/// order of the bodies. In a periodic box these are the short-range parts of Ewald's sum;
/// [`Waves`](super::direct::Waves) has the long-range parts.
///
/// # Panics
/// If the range reaches beyond the bodies.
pub fn accelerations(
    bodies: &Bodies,
    range: Range<usize>,
    gravity: &Gravity,
    sinks: &Sinks,
) -> [f64; 3 * SINKS] {
    on_path(Path::detect(), bodies, range, gravity, sinks)
}

fn on_path(
    path: Path,
    bodies: &Bodies,
    range: Range<usize>,
    gravity: &Gravity,
    sinks: &Sinks,
) -> [f64; 3 * SINKS] {
    let plummer = gravity.softening.is_plummer();
    let sum = Sum { bodies, range, constant: gravity.constant, sinks, plummer };
    match gravity.domain {
        Domain::Open => dispatch(path, sum),
        Domain::Periodic { side } => dispatch(path, ShortSum { sum, side, law: &LAW }),
    }
}

/// A sum in open space.
struct Sum<'a> {
    bodies: &'a Bodies,
    range: Range<usize>,
    constant: f64,
    sinks: &'a Sinks,
    plummer: bool,
}

impl Task for Sum<'_> {
    type Output = [f64; 3 * SINKS];

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        let Sum { bodies, range, constant, sinks, plummer } = self;
        let (mut sum, zero) = ([0.0; 3 * SINKS], L::Eight::splat(0.0));
        for block in 0..SINKS / EIGHT {
            let sinks = Block::<L::Eight>::of(sinks, block);
            let mut lanes = [zero; 3];
            for j in range.clone() {
                let (place, mass) = (bodies.position(j), constant * bodies.mass[j]);
                let softening = L::Eight::load(sinks.softening(bodies.kind[j]));
                let (added, support2) = if plummer { (softening, zero) } else { (zero, softening) };
                let [x, y, z] = sinks.offsets(place);
                let r2 = x * x + y * y + z * z + added;
                let factor = L::Eight::splat(mass) / (r2 * r2.sqrt());
                let factor = L::Eight::select_below(zero, r2, factor, zero);
                let factor = L::Eight::select_below(r2, support2, zero, factor);
                lanes = [lanes[0] + factor * x, lanes[1] + factor * y, lanes[2] + factor * z];
                // Few pairs are within the support of a spline.
                if r2.any_below(support2) {
                    let near = Near { r2: r2.store(), support2: support2.store() };
                    let offset = [x.store(), y.store(), z.store()];
                    near.add(offset, block, &mut sum, mass, |_| 0.0);
                }
            }
            add_block(&lanes.map(Eight::store), block, &mut sum);
        }
        sum
    }
}

/// Eight sinks.
struct Block<'a, E> {
    sinks: &'a Sinks,
    first: usize,
    place: [E; 3],
}

impl<'a, E: Eight> Block<'a, E> {
    #[inline(always)]
    fn of(sinks: &'a Sinks, block: usize) -> Block<'a, E> {
        let first = block * EIGHT;
        let [x, y, z] = &sinks.pos;
        Block {
            sinks,
            first,
            place: [E::load(part(x, first)), E::load(part(y, first)), E::load(part(z, first))],
        }
    }

    #[inline(always)]
    fn softening(&self, kind: u8) -> &[f64; EIGHT] {
        part(&self.sinks.softening[usize::from(kind)], self.first)
    }

    /// From the sinks to a place.
    #[inline(always)]
    fn offsets(&self, [x, y, z]: [f64; 3]) -> [E; 3] {
        [E::splat(x) - self.place[0], E::splat(y) - self.place[1], E::splat(z) - self.place[2]]
    }
}

#[inline(always)]
fn part(of: &[f64; SINKS], first: usize) -> &[f64; EIGHT] {
    of[first..].first_chunk().expect("blocks divide the sinks")
}

fn add_block(lanes: &[[f64; EIGHT]; 3], block: usize, sum: &mut [f64; 3 * SINKS]) {
    for (axis, lanes) in lanes.iter().enumerate() {
        for (s, lane) in lanes.iter().enumerate() {
            sum[axis * SINKS + block * EIGHT + s] += lane;
        }
    }
}

/// Squares of the distances to eight sinks, and of the supports of their splines.
struct Near {
    r2: [f64; EIGHT],
    support2: [f64; EIGHT],
}

impl Near {
    /// Adds the pairs within their supports. `less` is subtracted from the force of a pair over its
    /// offset, per unit of mass.
    #[inline(never)]
    fn add(
        &self,
        offset: [[f64; EIGHT]; 3],
        block: usize,
        sum: &mut [f64; 3 * SINKS],
        mass: f64,
        less: impl Fn(f64) -> f64,
    ) {
        for s in (0..EIGHT).filter(|&s| self.r2[s] < self.support2[s]) {
            let factor = mass * (spline(self.r2[s], self.support2[s].sqrt()).1 - less(self.r2[s].sqrt()));
            (0..3).for_each(|axis| sum[axis * SINKS + block * EIGHT + s] += factor * offset[axis][s]);
        }
    }
}

/// The short parts of Ewald's sum in a box of this side.
struct ShortSum<'a> {
    sum: Sum<'a>,
    side: f64,
    law: &'a Law,
}

/// A sum with this number, of numbers below a quarter of it, is rounded to whole ones.
const WHOLE: f64 = 1.5 * (1u64 << 52) as f64;

impl Task for ShortSum<'_> {
    type Output = [f64; 3 * SINKS];

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        let Sum { bodies, range, constant, sinks, .. } = self.sum;
        let per_side = 1.0 / self.side;
        let (mut sum, zero) = ([0.0; 3 * SINKS], L::Eight::splat(0.0));
        let box_of = [self.side, per_side, WHOLE].map(L::Eight::splat);
        let reach = L::Eight::splat((REACH * self.side).powi(2));
        let [alpha, square] = [ALPHA * per_side, (ALPHA * per_side).powi(2)].map(L::Eight::splat);
        for block in 0..SINKS / EIGHT {
            let sinks = Block::<L::Eight>::of(sinks, block);
            let mut lanes = [zero; 3];
            for j in range.clone() {
                let (place, mass) = (bodies.position(j), constant * bodies.mass[j]);
                let support2 = L::Eight::load(sinks.softening(bodies.kind[j]));
                let [x, y, z] = sinks.offsets(place);
                let [x, y, z] = [shortest(x, box_of), shortest(y, box_of), shortest(z, box_of)];
                let r2 = x * x + y * y + z * z;
                let r = r2.sqrt();
                let factor = L::Eight::splat(mass) / (r2 * r) * self.law.at(r2 * square, r * alpha);
                let factor = L::Eight::select_below(zero, r2, factor, zero);
                let factor = L::Eight::select_below(r2, reach, factor, zero);
                let factor = L::Eight::select_below(r2, support2, zero, factor);
                lanes = [lanes[0] + factor * x, lanes[1] + factor * y, lanes[2] + factor * z];
                if r2.any_below(support2) {
                    let near = Near { r2: r2.store(), support2: support2.store() };
                    let offset = [x.store(), y.store(), z.store()];
                    near.add(offset, block, &mut sum, mass, |r| ewald::without_pair(ALPHA * per_side, r).1);
                }
            }
            add_block(&lanes.map(Eight::store), block, &mut sum);
        }
        sum
    }
}

/// Differences to the nearest images, for side, inverse side and `WHOLE`.
#[inline(always)]
fn shortest<E: Eight>(difference: E, [side, per_side, whole]: [E; 3]) -> E {
    difference - side * ((difference * per_side + whole) - whole)
}

/// Degree of the polynomial.
const DEGREE: usize = 24;
/// Degree of the one of the exponential function.
const EXP_DEGREE: usize = 11;

/// What a pair keeps of its pull in the short part, `erfc(x) + 2 x exp(-x^2) / sqrt(pi)` at `x = alpha
/// r`. It is `exp(-x^2)` times a polynomial, to a relative error of 3e-12.
struct Law {
    /// Coefficients in `2 x / (alpha REACH) - 1`.
    polynomial: [f64; DEGREE + 1],
    /// Taylor's series of the exponential function.
    exponential: [f64; EXP_DEGREE + 1],
}

static LAW: LazyLock<Law> = LazyLock::new(|| {
    // erfc(x) exp(x^2) loses no digits of erfc here.
    let function = |x: f64| math::erfc(x) * math::exp(x * x) + 2.0 * x / PI.sqrt();
    let mut exponential = [1.0; EXP_DEGREE + 1];
    (1..=EXP_DEGREE).for_each(|k| exponential[k] = exponential[k - 1] / k as f64);
    Law { polynomial: math::polynomial_of(|t| function(0.5 * (t + 1.0) * ALPHA * REACH)), exponential }
});

impl Law {
    /// The values at `x` up to `alpha REACH`, given also their squares.
    #[inline(always)]
    fn at<E: Eight>(&self, square: E, x: E) -> E {
        let t = x * E::splat(2.0 / (ALPHA * REACH)) - E::splat(1.0);
        self.exp_of_minus(square) * horner(&self.polynomial, t)
    }

    /// exp(-u) for u from 0 to 500.
    #[inline(always)]
    fn exp_of_minus<E: Eight>(&self, u: E) -> E {
        // ln 2 in two parts: products of the first with whole numbers are exact.
        const HIGH: f64 = 0.693_147_180_369_123_8;
        const LOW: f64 = 1.908_214_929_270_587_7e-10;
        const { assert!(HIGH + LOW == LN_2) };
        let shifted = E::splat(WHOLE) - u * E::splat(LOG2_E);
        let whole = shifted - E::splat(WHOLE);
        let rest = E::splat(0.0) - u - whole * E::splat(HIGH) - whole * E::splat(LOW);
        horner(&self.exponential, rest) * shifted.power_of_two()
    }
}

/// A polynomial, with even and odd powers apart so that fewer operations wait for others.
#[inline(always)]
fn horner<E: Eight, const N: usize>(coefficients: &[f64; N], t: E) -> E {
    let square = t * t;
    let mut sums = [E::splat(0.0); 2];
    for k in (0..N).rev() {
        sums[k % 2] = sums[k % 2] * square + E::splat(coefficients[k]);
    }
    sums[0] + t * sums[1]
}

#[cfg(test)]
mod tests {
    use super::super::simd::Portable;
    use super::*;

    type PlainEight = <Portable as Lanes>::Eight;

    #[test]
    fn the_law_is_that_of_the_error_function() {
        for i in 1..=1000 {
            let x = ALPHA * REACH * f64::from(i) / 1000.0;
            let exact = math::erfc(x) + ewald::gauss(x);
            let found = LAW.at(PlainEight::splat(x * x), PlainEight::splat(x)).store()[3];
            let error = (found / exact - 1.0).abs();
            assert!(error < 5e-12, "{x}: {error:e}");
        }
        for u in [0.0, 1e-9, 0.3466, 1.0, 27.5, 400.0] {
            let found = LAW.exp_of_minus(PlainEight::splat(u)).store()[5];
            let error = (found / math::exp(-u) - 1.0).abs();
            assert!(error < 1e-14, "{u}: {error:e}");
        }
    }

    #[test]
    fn every_path_has_the_same_bits() {
        let mut bodies = Bodies::zeroed(300);
        let random = |i: usize| (math::hash(i as u64) >> 11) as f64 / (1u64 << 53) as f64;
        for i in 0..300 {
            (0..3).for_each(|axis| bodies.pos[axis][i] = random(4 * i + axis));
            bodies.mass[i] = random(4 * i + 3);
        }
        let bits = |path: Path, gravity: &Gravity| {
            let places: Vec<_> = (0..SINKS).map(|i| (bodies.position(i), 0)).collect();
            let sinks = Sinks::new(&gravity.softening, &places);
            on_path(path, &bodies, 0..300, gravity, &sinks).map(f64::to_bits)
        };
        for domain in [Domain::Open, Domain::Periodic { side: 1.0 }] {
            for length in [0.0, 0.05] {
                let softening = Softening { length: [length; TYPES], ..Softening::default() };
                let gravity = Gravity { domain, softening, ..Gravity::default() };
                for path in Path::available() {
                    assert_eq!(bits(path, &gravity), bits(Path::Scalar, &gravity), "{path:?} {domain:?}");
                }
            }
        }
    }
}
