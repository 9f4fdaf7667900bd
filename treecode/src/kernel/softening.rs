//! Softening of the force at short distances, per particle type.
//!
//! Spline: a pair uses the larger of its two lengths, and is Newtonian beyond h = 2.8 length
//! (Springel, Yoshida & White 2001, eq. 71).
//!
//! Plummer: a pair uses the root mean square of its two lengths. A cell of mixed types can
//! therefore use a mean length, which is correct to first order. It is accepted only beyond
//! `MIXED_REACH` lengths.
//!
//! Cells are softened like bodies, with the largest length of their bodies (spline) or the mean
//! (Plummer). A cell of bodies with one length is accepted at any distance, a cell of several
//! lengths only beyond its reach. With the spline all pairs of two accepted cells then have one h, the
//! larger of the two, or are Newtonian.
//!
//! A table can give a pair of types another length (spline only). Cells keep the rule of the larger
//! length as far as it holds: the fewest types that break it are exceptions. A cell with a body of such a
//! type acts, or is acted on, only beyond the greatest of all lengths. So each softened pair with such a
//! body is one of two bodies, for which `kernel/by_type.rs` sums the sources type by type.

use crate::kernel::simd::{Block, Numbers};
use crate::{Frame, Softening, SofteningKernel, TYPES};

/// Support of the spline in units of the Plummer-equivalent length.
pub(crate) const SPLINE_SUPPORT: f64 = 2.8;
/// A pair term of the spline above this value means no softening: h is far below the resolution of
/// positions.
pub(crate) const UNSOFTENED: f32 = 1e12;
/// Distance, in lengths, from which a cell of several Plummer lengths is accepted with their mean.
const MIXED_REACH: f64 = 8.0;

/// [`Softened::pair_term`] of a spline with support h.
pub(crate) fn spline_term(h: f64) -> f32 {
    ((1.0 / h) as f32).min(2.0 * UNSOFTENED)
}

/// A [`Softening`] in units of a [`Frame`].
#[derive(Clone, Debug)]
pub(crate) struct Softened {
    pub(crate) kernel: SofteningKernel,
    pub(crate) none: bool,
    /// Length of each type. With a table, that of two bodies of the type.
    length: [f64; TYPES],
    mixed: bool,
    /// The lengths of pairs, if they are not the larger of the two lengths.
    pub(crate) table: Option<Table>,
}

/// Lengths of pairs that do not follow from one length for each type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    /// Length of each pair of types.
    pairs: [[f64; TYPES]; TYPES],
    /// The types whose cells are not softened; see [`exceptions`].
    exceptions: [bool; TYPES],
    /// Reach of these: longer than that of all others.
    reach: f64,
}

impl Table {
    /// As [`Softened::pair_term`], for sinks of each type and sources of one.
    pub(crate) fn terms(&self, source: usize) -> [f32; TYPES] {
        self.pairs[source].map(|length| spline_term(SPLINE_SUPPORT * length))
    }
}

/// The fewest types without which each pair uses the larger of two lengths: those of the diagonal. Of
/// several such choices, the one with the shortest lengths: these are few heavy bodies in most
/// simulations, and the bodies of the other types keep softened cells.
fn exceptions(pairs: &[[f64; TYPES]; TYPES]) -> [bool; TYPES] {
    let sets = (0..1u32 << TYPES).map(|set| std::array::from_fn(|kind| set >> kind & 1 == 1));
    let follows = |a: usize, b: usize| pairs[a][b] == pairs[a][a].max(pairs[b][b]);
    let kept = |set: &[bool; TYPES], a: usize, b: usize| !set[a] && !set[b];
    let suffices =
        |set: &[bool; TYPES]| (0..TYPES).all(|a| (0..a).all(|b| !kept(set, a, b) || follows(a, b)));
    let cost = |set: &[bool; TYPES]| {
        let lengths = (0..TYPES).filter(|&kind| set[kind]).map(|kind| pairs[kind][kind]);
        (set.iter().filter(|&&is_in| is_in).count(), lengths.sum::<f64>())
    };
    let by_cost = |a: &[bool; TYPES], b: &[bool; TYPES]| {
        let (a, b) = (cost(a), cost(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    };
    sets.filter(suffices).min_by(by_cost).expect("all types suffice")
}

/// The lengths of all pairs of types.
fn all_pairs(softening: &Softening) -> [[f64; TYPES]; TYPES] {
    std::array::from_fn(|a| std::array::from_fn(|b| softening.of_pair(a as u8, b as u8)))
}

/// Room for rounding between the reach of softened types and that of the others.
const LONGER: f64 = 1.0 + 1e-6;

impl Softened {
    pub(crate) fn new(softening: &Softening, frame: &Frame) -> Softened {
        let softening = softening.map(|length| length / frame.length);
        let (mut length, mut table) = (softening.length, None);
        if !softening.pairs.is_empty() {
            let pairs = all_pairs(&softening);
            let exceptions = exceptions(&pairs);
            length = std::array::from_fn(|kind| pairs[kind][kind]);
            if exceptions.contains(&true) {
                let longest = pairs.iter().flatten().copied().fold(0.0, f64::max);
                table = Some(Table { pairs, exceptions, reach: SPLINE_SUPPORT * longest * LONGER });
            }
        }
        let mixed = length.iter().any(|other| *other != length[0]);
        Softened { kernel: softening.kernel, none: softening.is_none(), length, mixed, table }
    }

    /// Distance within which a cell with a body of this type must be opened, unless its softening is
    /// that of all its bodies.
    pub(crate) fn reach(&self, kind: u8) -> f64 {
        if let Some(table) = self.table
            && table.exceptions[usize::from(kind)]
        {
            return table.reach;
        }
        let length = self.length[usize::from(kind)];
        match self.kernel {
            SofteningKernel::Spline => SPLINE_SUPPORT * length,
            SofteningKernel::Plummer if self.mixed => MIXED_REACH * length,
            SofteningKernel::Plummer => 0.0,
        }
    }

    /// From this reach on, cells are opened within it even if all their bodies have it.
    pub(crate) fn unsoftened_from(&self) -> f64 {
        self.table.map_or(f64::INFINITY, |table| table.reach)
    }

    /// Squared Plummer length of a particle type.
    pub(crate) fn length2(&self, kind: u8) -> f64 {
        self.length[usize::from(kind)].powi(2)
    }

    /// The number of a body among the particles. That is [`Softened::pair_term`]; with a table it is the
    /// type, from which the terms follow pair by pair.
    pub(crate) fn particle_term(&self, kind: u8) -> f32 {
        if self.table.is_some() { f32::from(kind) } else { self.pair_term(kind) }
    }

    /// The number that the kernels combine for a pair. Spline: 1/h, and the pair uses the smaller.
    /// Plummer: half the squared length, and the pair uses the sum. With a table, that of a body with a
    /// cell.
    pub(crate) fn pair_term(&self, kind: u8) -> f32 {
        match self.kernel {
            SofteningKernel::Spline => spline_term(self.reach(kind)),
            SofteningKernel::Plummer => (0.5 * self.length2(kind)) as f32,
        }
    }

    /// Potential of a unit mass at its own place. The pair sums include it; the field does not.
    pub(crate) fn own_potential(&self, kind: u8) -> f64 {
        let length = self.length[usize::from(kind)];
        if length > 0.0 { 1.0 / length } else { 0.0 }
    }
}

/// The softening of pairs side by side, each of a sink and a source.
#[derive(Clone, Copy)]
pub(crate) struct Pair<L> {
    /// The kernel, the same for all.
    pub(crate) kernel: SofteningKernel,
    /// The terms of the sinks and of the sources, as of [`Softened::pair_term`].
    pub(crate) terms: [L; 2],
}

impl<L: Block> Pair<L> {
    /// A length 1/u for each pair, zero outside the lanes of the bits `lanes`, and the derivatives of
    /// the (positive) potential by r^2 / 2, the m-th times u^-(2m+1). `r2` is the squared distance.
    #[inline(always)]
    pub(crate) fn derivatives<const N: usize>(self, r2: L, lanes: u32) -> (L, [L; N]) {
        let [sink, source] = self.terms;
        match self.kernel {
            SofteningKernel::Plummer => (
                (r2 + (sink + source)).rsqrt().in_lanes(lanes),
                NEWTONIAN.first_chunk().expect("few").map(L::splat),
            ),
            SofteningKernel::Spline => {
                let u = r2.rsqrt().in_lanes(lanes);
                (u, of_spline(r2 * u * sink.min(source)))
            }
        }
    }
}

/// Highest number of derivatives.
const MOST: usize = crate::Gravity::MAX_SOFTENED_ORDER + 2;

/// The derivatives of 1/r: (-1)^m (2m-1)!!.
const NEWTONIAN: [f32; MOST] = [1.0, -1.0, 3.0, -15.0, 105.0, -945.0];

/// Coefficients of q^0, q^2, q^4 and q^5 in the spline's potential times h, for q = r/h < 1/2.
const INNER: [(i32, f64); 4] = [(0, 2.8), (2, -16.0 / 3.0), (4, 9.6), (5, -6.4)];
/// Coefficients of q^0, q^2, q^3, q^4 and q^5 for 1/2 <= q < 1; that of 1/q is [`PER_Q`].
const OUTER: [(i32, f64); 5] = [(0, 3.2), (2, -32.0 / 3.0), (3, 16.0), (4, -9.6), (5, 32.0 / 15.0)];
const PER_Q: f32 = -1.0 / 15.0;

/// Coefficients of the m-th derivative by q^2 / 2, for the same powers less 2m.
const fn derived<const K: usize>(terms: [(i32, f64); K]) -> [[f32; K]; MOST] {
    let mut table = [[0.0; K]; MOST];
    let mut k = 0;
    while k < K {
        let (power, mut value) = terms[k];
        let mut m = 0;
        while m < MOST {
            table[m][k] = value as f32;
            value *= (power - 2 * m as i32) as f64;
            m += 1;
        }
        k += 1;
    }
    table
}
const INNER_DERIVED: [[f32; 4]; MOST] = derived(INNER);
const OUTER_DERIVED: [[f32; 5]; MOST] = derived(OUTER);

/// The derivatives of the spline's potential by r^2 / 2 at distances q = r/h, the m-th times
/// r^(2m+1).
#[inline(always)]
fn of_spline<L: Numbers, const N: usize>(q: L) -> [L; N] {
    let c = L::splat;
    let q2 = q * q;
    let (half, one) = (c(0.5), c(1.0));
    let mut all = [c(0.0); N];
    for (m, derivative) in all.iter_mut().enumerate() {
        let ([a, b, d, e], newtonian) = (INNER_DERIVED[m], c(NEWTONIAN[m]));
        let inner = q * q2.mul_add(q2.mul_add(q.mul_add(c(e), c(d)), c(b)), c(a));
        let [f, g, h, i, j] = OUTER_DERIVED[m];
        let high = q.mul_add(q.mul_add(q.mul_add(c(j), c(i)), c(h)), c(g));
        let outer = q.mul_add(q2.mul_add(high, c(f)), newtonian * c(PER_Q));
        *derivative = L::select_below(q, one, L::select_below(q, half, inner, outer), newtonian);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cube, PairLength};

    fn softened(length: [f64; TYPES], pairs: &[([u8; 2], f64)]) -> Softened {
        let pairs = pairs.iter().map(|&(types, length)| PairLength { types, length }).collect();
        let frame = Frame::new(Cube::around([0.0; 3], [1000.0; 3]), 1.0);
        Softened::new(&Softening { length, pairs, ..Softening::default() }, &frame)
    }

    #[test]
    fn a_table_that_follows_from_one_length_for_each_type_is_none() {
        let all: Vec<([u8; 2], f64)> = (0..6).flat_map(|a| (0..=a).map(move |b| ([a, b], 0.3))).collect();
        let uniform = softened([0.0; TYPES], &all);
        assert!(uniform.table.is_none() && uniform.length == softened([0.3; TYPES], &[]).length);
        let restated = softened([0.1, 0.2, 0.1, 0.1, 0.1, 0.1], &[([1, 3], 0.2), ([3, 3], 0.1)]);
        assert!(restated.table.is_none());
    }

    #[test]
    fn the_fewest_types_with_the_shortest_lengths_are_exceptions() {
        let exceptions = |length, pairs: &[_]| softened(length, pairs).table.map(|table| table.exceptions);
        let only = |kind: usize| Some(std::array::from_fn(|other| other == kind));
        let lengths = [0.2, 0.4, 0.2, 0.2, 0.2, 0.0];
        assert_eq!(exceptions(lengths, &[([5, 1], 0.01), ([5, 4], 0.01)]), only(5));
        assert_eq!(exceptions(lengths, &[([4, 5], 0.01)]), only(5), "the shorter of two");
        assert_eq!(exceptions(lengths, &[([1, 2], 0.2), ([1, 3], 0.2)]), only(1));
        // Pairs of 4 and 5 keep the length 0.2 of type 4, which is now longer than both lengths.
        assert_eq!(exceptions(lengths, &[([4, 4], 0.01)]), only(5));
    }

    #[test]
    fn beyond_the_reach_of_two_types_their_pair_is_newtonian() {
        let softened =
            softened([0.2, 0.4, 0.0, 0.2, 0.2, 0.1], &[([5, 1], 0.7), ([2, 4], 0.01), ([3, 3], 0.5)]);
        let pairs = softened.table.unwrap().pairs;
        for a in 0..TYPES {
            for b in 0..TYPES {
                let reach = softened.reach(a as u8).max(softened.reach(b as u8));
                assert!(SPLINE_SUPPORT * pairs[a][b] <= reach, "{a} {b}");
            }
        }
    }
    use crate::kernel::bodies::{Law, Spline};
    use crate::kernel::simd::{LANES, Lanes, Path, Task, dispatch};

    /// All derivatives at a distance q, and the potential of the pair kernel.
    struct At(f32);

    impl Task for At {
        type Output = [f64; MOST + 1];
        #[inline(always)]
        fn run<L: Lanes>(self) -> [f64; MOST + 1] {
            let one = L::splat(1.0);
            let (potential, _) = Spline::pull(L::splat(self.0 * self.0), one, one, one);
            let all: [L; MOST] = of_spline(L::splat(self.0));
            let mut found = [0.0; MOST + 1];
            for (found, value) in found.iter_mut().zip(all.into_iter().chain([potential])) {
                let mut lanes = [0.0; LANES];
                value.store(&mut lanes);
                *found = f64::from(lanes[0]);
            }
            found
        }
    }

    /// f(m) = derivative m times q^-(2m+1). Its derivative by q^2 / 2 is f(m + 1).
    #[test]
    fn each_derivative_is_that_of_the_one_before() {
        for path in Path::available() {
            for q in [0.08, 0.2, 0.35, 0.47, 0.53, 0.7, 0.85, 1.2, 3.0] {
                let at = |q: f64| {
                    let found = dispatch(path, At(q as f32));
                    let q = f64::from(q as f32);
                    let f: [f64; MOST] = std::array::from_fn(|m| found[m] * q.powi(-(2 * m as i32 + 1)));
                    assert!(
                        (f[0] - found[MOST]).abs() < 1e-6 * f[0],
                        "{path:?}, {q}: {} {}",
                        f[0],
                        found[MOST]
                    );
                    f
                };
                let step = 0.01 * q;
                let (before, here, after) = (at(q - step), at(q), at(q + step));
                for m in 0..MOST - 1 {
                    let slope = (after[m] - before[m]) / (2.0 * step * q);
                    let scale = here[m + 1].abs() + 3e-6 * here[m].abs() / (step * q);
                    assert!(
                        (slope - here[m + 1]).abs() < 0.03 * scale,
                        "{path:?}, q {q}, {m}: {slope} {here:?}"
                    );
                }
            }
        }
    }

    /// Up to the fourth, the derivatives have no steps at the borders of the pieces.
    #[test]
    fn derivatives_are_continuous_up_to_the_fourth() {
        for path in Path::available() {
            for border in [0.5f32, 1.0] {
                let [below, above] = [border * (1.0 - 1e-6), border].map(|q| dispatch(path, At(q)));
                for m in 0..5 {
                    assert!(
                        (below[m] - above[m]).abs() < 1e-3,
                        "{path:?}, {border}, {m}: {below:?} {above:?}"
                    );
                }
                assert!((below[5] - above[5]).abs() > 1.0, "the fifth has a step");
            }
        }
    }
}
