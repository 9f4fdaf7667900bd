//! Cartesian expansions of far fields, order by order.
//!
//! The moments of a cell about its centre of mass are `M_abc = sum m x^a y^b z^c / (a! b! c!)`, for
//! a + b + c up to the order (Warren & Salmon 1995, section 2). R is the vector from the centre of
//! mass to the sink. The potential is `-G sum (-1)^(a+b+c) M_abc d^abc (1/R)`, and the acceleration
//! is minus its gradient.
//!
//! A local expansion holds the derivatives of the potential of far cells at the centre of a sink
//! cell. It goes one order higher than the moments. At the order of the moments, its highest terms
//! would serve the potential only.
//!
//! The kernels use two forms. [`Harmonic`] is for 1/R, which solves Laplace's equation: it drops
//! the second derivatives along z that follow from those along x and y. For bodies it makes the
//! moments traceless, so that derivatives contract to products with powers of R. [`Full`] keeps all
//! moments and all derivatives, for softened potentials. `build.rs` writes the straight-line code.

use crate::kernel::simd::{Block, LANES, Lanes, Numbers, square};
use crate::kernel::softening::Pair;
use bytemuck::Pod;
use std::fmt::Debug;
use std::hint::black_box;
use std::ops::{AddAssign, Mul};

/// An expansion of one order in one form. It is chosen once at the start, and is a type from then
/// on.
pub(crate) trait Expansion: Copy + Debug + Send + Sync + 'static {
    /// Highest order of the moments.
    const ORDER: usize;
    /// Whether fields of cells are softened. Otherwise a cell acts only beyond the softening.
    const SOFTENED: bool;
    /// Floating-point operations of one body-cell interaction.
    const OPERATIONS: u64;
    /// Floating-point operations of one cell-cell interaction.
    const CELL_OPERATIONS: u64;
    /// Moments of one cell, sorted by order, then by descending power of x, then of y; each
    /// `[M L^n]`.
    type Moments: Pod + Debug + Send + Sync;
    /// The moments of one cell that act on bodies.
    type Single: Pod + Debug + Send + Sync;
    /// The moments of eight cells that the kernels read, masses first.
    type Tile: Pod + Debug + Send + Sync + AsRef<[[f32; LANES]]>;
    /// One number for each row of `Tile`.
    type Row<T: Copy + Send + Sync>: Copy + AsRef<[T]>;
    /// The expansion in which cells beyond the softening act.
    type Far: Expansion;
    /// Derivatives of the (positive) potential at the centre of a sink cell, without G.
    type Local<T: Copy + Send + Sync>: Copy + Send + Sync + AsRef<[T]> + AsMut<[T]>;

    /// Moments of bodies about a centre. The iterator yields offsets and masses of eight bodies at
    /// a time. A body without mass adds nothing.
    #[doc(hidden)]
    fn of_bodies<L: Lanes>(bodies: impl Iterator<Item = ([L; 3], L)>) -> Self::Moments;
    /// Adds moments, shifted to another centre, to `sum`. `offset` is the old centre minus the new
    /// one.
    fn add_shifted(sum: &mut Self::Moments, moments: &Self::Moments, offset: [f64; 3]);
    /// `sum m r^n` about the centre, for the highest even n up to the order.
    fn radial(moments: &Self::Moments) -> f64;
    /// Writes the moments of one cell into its lane of a tile.
    fn fill(tile: &mut Self::Tile, lane: usize, moments: &Self::Moments);
    /// Scales the moments of order n of one cell by f^n, so that `sum m r^2` is `second`. The
    /// harmonic form stays as it is: in it the trace of the second moments has no field.
    ///
    /// Bodies that leave their cell spread. With the old moments, the softened field of all cells
    /// would err in the same direction, that of too compact cells, and these errors would add up.
    fn rescale(tile: &mut Self::Tile, lane: usize, second: f64);
    /// The moments of the cell in a lane that act on bodies.
    fn single(tile: &Self::Tile, lane: usize) -> Self::Single;
    /// Potential and acceleration of a cell at `offset` from its centre of mass, both without G;
    /// the potential is positive. `pair` softens it, if the expansion is softened.
    #[doc(hidden)]
    fn field<L: Lanes>(moments: &Self::Single, offset: [L; 3], pair: Pair<L>) -> [L; 4];

    /// A local expansion with the same value in all components.
    fn local<T: Copy + Send + Sync>(value: T) -> Self::Local<T>;
    /// Adds the field of cells side by side, of those in the lanes of the bits `lanes`, to local
    /// expansions, lane by lane. `moments(k)` is row k of the tile. `offset` is the vector from
    /// each cell's centre of mass to the centre of the sinks.
    #[doc(hidden)]
    fn add_cells<B: Block>(
        local: &mut Self::Local<B>,
        lanes: u32,
        offset: [B; 3],
        pair: Pair<B>,
        moments: impl Fn(usize) -> B,
    );
    /// The moments of eight cells as [`Expansion::Far`] has them, from the rows of a tile.
    fn far_moments<L: Lanes>(moments: &Self::Tile) -> <Self::Far as Expansion>::Row<L>;
    /// Adds a local expansion of [`Expansion::Far`] about the same centre.
    fn add_far<T: Real>(local: &mut Self::Local<T>, far: &<Self::Far as Expansion>::Local<T>);
    /// The local expansion about eight other centres, at `shift` from its own.
    #[doc(hidden)]
    fn shift_local<L: Lanes>(local: &Self::Local<f32>, shift: [L; 3]) -> Self::Local<L>;
    /// The local expansion about one other centre in double precision.
    fn shift_precisely(local: &Self::Local<f64>, shift: [f64; 3]) -> Self::Local<f64>;
    /// Potential and acceleration of a local expansion at eight places, given about its centre.
    #[doc(hidden)]
    fn field_of_local<L: Lanes>(local: &Self::Local<f32>, place: [L; 3]) -> [L; 4];
}

/// Expansion of the Newtonian potential 1/R.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Harmonic<const ORDER: usize>;

/// Expansion of a softened potential: Plummer's, or that of the spline. Derivatives of the spline are
/// continuous up to the fourth, so up to [`crate::Gravity::MAX_SOFTENED_ORDER`] it can be expanded
/// anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full<const ORDER: usize>;

#[inline(always)]
fn same<const N: usize>(moment: impl Fn(usize) -> f32) -> [f32; N] {
    std::array::from_fn(moment)
}

/// Single or double precision.
pub(crate) trait Real: Copy + Send + Sync + AddAssign + Mul<Output = Self> + From<f32> {}
impl Real for f32 {}
impl Real for f64 {}

/// A local expansion in single precision.
pub(crate) fn rounded<E: Expansion>(local: &E::Local<f64>) -> E::Local<f32> {
    let mut single = E::local(0.0);
    single.as_mut().iter_mut().zip(local.as_ref()).for_each(|(single, x)| *single = *x as f32);
    single
}

/// [`Expansion::rescale`] for rows of all Cartesian moments. Does nothing below order 2.
fn rescale(rows: &mut [[f32; LANES]], lane: usize, second: f64) {
    let number_up_to = |order: usize| (order + 1) * (order + 2) * (order + 3) / 6;
    let length = rows.len();
    if length < number_up_to(2) {
        return;
    }
    let trace = 2.0 * DIAGONAL.iter().map(|k| f64::from(rows[*k][lane])).sum::<f64>();
    let factor = (second / trace).sqrt();
    if !(factor > 0.0 && factor.is_finite()) {
        return;
    }
    let mut scale = factor;
    for order in (2..).take_while(|order| number_up_to(*order) <= length) {
        scale *= factor;
        for row in &mut rows[number_up_to(order - 1)..number_up_to(order)] {
            row[lane] = (f64::from(row[lane]) * scale) as f32;
        }
    }
}

/// Rows of the moments xx, yy and zz.
const DIAGONAL: [usize; 3] = [4, 7, 9];

macro_rules! expansion {
    ($form:ident<$order:literal>, softened: $softened:literal, full: $full:literal, tile: $tile:literal, single: $singles:literal,
     local: $local:literal, $powers:ident, $gather:ident, $shift:ident, $radial:ident, $fill:ident, $single:ident, $field:ident, $operations:ident,
     $m2l:ident, $l2l:ident, $l2p:ident, $cell_operations:ident, $far_moments:ident, $add_far:ident) => {
        impl Expansion for $form<$order> {
            const ORDER: usize = $order;
            const SOFTENED: bool = $softened;
            const OPERATIONS: u64 = $operations;
            const CELL_OPERATIONS: u64 = $cell_operations;
            type Moments = [f64; $full];
            type Single = [f32; $singles];
            type Tile = [[f32; LANES]; $tile];
            type Row<T: Copy + Send + Sync> = [T; $tile];
            type Far = Harmonic<$order>;
            type Local<T: Copy + Send + Sync> = [T; $local];

            #[inline(always)]
            fn of_bodies<L: Lanes>(bodies: impl Iterator<Item = ([L; 3], L)>) -> Self::Moments {
                let mut sum = [L::splat(0.0); $full];
                for (offset, mass) in bodies {
                    $gather(&mut sum, offset, mass);
                }
                let mut moments = [0.0; $full];
                for (moment, lanes) in moments.iter_mut().zip(sum) {
                    *moment = f64::from(lanes.sum());
                }
                moments
            }
            fn add_shifted(sum: &mut Self::Moments, moments: &Self::Moments, offset: [f64; 3]) {
                let shifted = $shift(moments, &$powers(offset));
                sum.iter_mut().zip(shifted).for_each(|(sum, moment)| *sum += moment);
            }
            fn radial(moments: &Self::Moments) -> f64 {
                $radial(moments)
            }
            fn fill(tile: &mut Self::Tile, lane: usize, moments: &Self::Moments) {
                tile.iter_mut().zip($fill(moments)).for_each(|(row, moment)| row[lane] = moment as f32);
            }
            fn rescale(tile: &mut Self::Tile, lane: usize, second: f64) {
                if $softened {
                    rescale(tile, lane, second);
                }
            }
            #[inline(always)]
            fn single(tile: &Self::Tile, lane: usize) -> Self::Single {
                $single(|k| tile[k][lane])
            }
            #[inline(always)]
            fn field<L: Lanes>(moments: &Self::Single, offset: [L; 3], pair: Pair<L>) -> [L; 4] {
                $field(offset, pair, |k| L::splat(moments[k]))
            }
            #[inline(always)]
            fn local<T: Copy + Send + Sync>(value: T) -> Self::Local<T> {
                [value; $local]
            }
            #[inline(always)]
            fn add_cells<B: Block>(
                local: &mut Self::Local<B>,
                lanes: u32,
                offset: [B; 3],
                pair: Pair<B>,
                moments: impl Fn(usize) -> B,
            ) {
                $m2l(offset, pair, lanes, moments, local);
            }
            #[inline(always)]
            fn far_moments<L: Lanes>(moments: &Self::Tile) -> <Self::Far as Expansion>::Row<L> {
                $far_moments(|k| L::load(&moments[k]))
            }
            fn add_far<T: Real>(local: &mut Self::Local<T>, far: &<Self::Far as Expansion>::Local<T>) {
                $add_far(local, far);
            }
            #[inline(always)]
            fn shift_local<L: Lanes>(local: &Self::Local<f32>, shift: [L; 3]) -> Self::Local<L> {
                $l2l(shift, |k| L::splat(local[k]))
            }
            fn shift_precisely(local: &Self::Local<f64>, shift: [f64; 3]) -> Self::Local<f64> {
                $l2l(shift, |k| local[k])
            }
            #[inline(always)]
            fn field_of_local<L: Lanes>(local: &Self::Local<f32>, place: [L; 3]) -> [L; 4] {
                $l2p(place, |k| L::splat(local[k]))
            }
        }
    };
}

/// The code that `build.rs` writes.
#[allow(clippy::neg_multiply, clippy::identity_op, unused_variables)]
mod generated {
    use super::*;
    include!(concat!(env!("OUT_DIR"), "/expansion.rs"));
}

/// Runs `$body`, with `$type` for the expansion that a [`crate::Gravity`] asks for.
macro_rules! with_expansion {
    ($gravity:expr, $type:ident => $body:expr) => {{
        let gravity: &crate::Gravity = $gravity;
        macro_rules! choose {
            ($form:ident, $order:literal) => {{
                type $type = crate::tree::expansion::$form<$order>;
                $body
            }};
        }
        match (gravity.softens_cells(), gravity.order) {
            (false, 1) => choose!(Harmonic, 1),
            (false, 2) => choose!(Harmonic, 2),
            (false, 3) => choose!(Harmonic, 3),
            (false, 4) => choose!(Harmonic, 4),
            (false, 5) => choose!(Harmonic, 5),
            (false, 6) => choose!(Harmonic, 6),
            (true, 1) => choose!(Full, 1),
            (true, 2) => choose!(Full, 2),
            (true, 3) => choose!(Full, 3),
            (true, 4) => choose!(Full, 4),
            (_, order) => unreachable!("order {order} has passed Gravity::check"),
        }
    }};
}
pub(crate) use with_expansion;

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies that expand about their centre of mass: rescaled moments are those of the new places.
    #[test]
    fn rescaled_moments_are_those_of_expanded_bodies() {
        let bodies = [[1.0, 0.5, -0.3], [-0.7, 0.2, 0.9], [0.1, -1.2, 0.4], [-0.4, 0.5, -1.0]];
        let moments = |scale: f64| {
            let mut sum = [0.0; 35];
            for body in bodies {
                let point = std::array::from_fn(|k| if k == 0 { 0.25 } else { 0.0 });
                Full::<4>::add_shifted(&mut sum, &point, body.map(|x| scale * x));
            }
            sum
        };
        let second = |scale: f64| 0.25 * bodies.iter().flatten().map(|x| (scale * x).powi(2)).sum::<f64>();
        let [mut tile, wanted] = [1.0, 1.7].map(|scale| {
            let mut tile = [[0.0; LANES]; 35];
            Full::<4>::fill(&mut tile, 3, &moments(scale));
            tile
        });
        Full::<4>::rescale(&mut tile, 3, second(1.7));
        for (k, (found, wanted)) in tile.iter().zip(&wanted).enumerate() {
            assert!(
                (found[3] - wanted[3]).abs() <= 1e-5 * wanted[3].abs().max(0.1),
                "{k}: {found:?} {wanted:?}"
            );
            assert_eq!(found[2], 0.0, "other cells stay");
        }
        for second in [0.0, f64::NAN] {
            let before = tile;
            Full::<4>::rescale(&mut tile, 3, second);
            assert_eq!(tile, before, "bodies at one place");
        }
    }
}
