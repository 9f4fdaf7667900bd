//! Cartesian multipole expansions, order by order.
//!
//! Moments of a cell about its centre of mass are `M_abc = sum m x^a y^b z^c / (a! b! c!)` for a + b + c up to the order (Warren &
//! Salmon 1995, section 2). With R from the centre of mass to the sink, the potential is `-G sum (-1)^(a+b+c) M_abc d^abc (1/R)`
//! and the acceleration minus its gradient.
//!
//! Two forms reach the kernels. [`Harmonic`] uses that 1/R solves Laplace's equation: only the traceless part of the moments makes a field, and
//! its derivatives contract to products with powers of R. [`Full`] keeps all moments and all derivatives, for the Plummer-softened
//! 1 / sqrt(R^2 + e^2). The straight-line code is written by `build.rs`.

#![allow(clippy::neg_multiply)] // in the code that build.rs writes

use crate::simd::{LANES, Lanes};
use bytemuck::Pod;
use std::fmt::Debug;

/// An expansion of one order in one form: chosen once at start, then a type.
pub trait Expansion: Copy + Debug + Send + Sync + 'static {
    /// Highest order of the moments.
    const ORDER: usize;
    /// Whether squared distances carry the Plummer softening.
    const SOFTENED: bool;
    /// Operations of one body-cell interaction.
    const OPERATIONS: u64;
    /// Moments of one cell, by order, then descending power of x, then of y; each `[M L^n]`.
    type Moments: Pod + Debug + Send + Sync;
    /// What the kernels read of the moments of eight cells.
    type Tile: Pod + Debug + Send + Sync;

    /// Moments of a unit mass at `offset` from the centre.
    fn powers(offset: [f64; 3]) -> Self::Moments;
    /// Adds `mass` times `moments` to `sum`.
    fn accumulate(sum: &mut Self::Moments, mass: f64, moments: &Self::Moments);
    /// Moments about another centre; `offset` is the old centre seen from the new one.
    fn shift(moments: &Self::Moments, offset: [f64; 3]) -> Self::Moments;
    /// `sum m r^n` about the centre, for even n up to the order.
    fn radial(moments: &Self::Moments, n: usize) -> f64;
    /// Writes the moments of one cell into its lane of a tile.
    fn fill(tile: &mut Self::Tile, lane: usize, moments: &Self::Moments);
    /// Potential and acceleration (both without G; the potential positive) that the cell in `lane` makes at `offset` from its
    /// centre of mass, where `r2` is the (softened) square of the distance.
    #[doc(hidden)]
    fn field<L: Lanes>(tile: &Self::Tile, lane: usize, offset: [L; 3], r2: L) -> [L; 4];
}

/// Expansion of the Newtonian 1/R.
#[derive(Clone, Copy, Debug)]
pub struct Harmonic<const ORDER: usize>;

/// Expansion of the Plummer-softened potential.
#[derive(Clone, Copy, Debug)]
pub struct Full<const ORDER: usize>;

/// The place of `x^a y^b z^c` among the moments.
pub fn moment_index([a, b, c]: [usize; 3]) -> usize {
    let n = a + b + c;
    let below = n * (n + 1) * (n + 2) / 6;
    let rest = b + c;
    below + rest * (rest + 1) / 2 + c
}

/// Trace of the even moments: `sum m r^n = sum over a, b, c even of n!! (n/2)! / ... M_abc`.
fn radial(moments: &[f64], n: usize) -> f64 {
    assert!(n.is_multiple_of(2), "odd powers of the radius are no moments");
    let factorial = |k: usize| (1..=k).map(|k| k as f64).product::<f64>();
    let half = n / 2;
    let mut sum = 0.0;
    for i in 0..=half {
        for j in 0..=half - i {
            let k = half - i - j;
            let multinomial = factorial(half) / (factorial(i) * factorial(j) * factorial(k));
            let normalisation = factorial(2 * i) * factorial(2 * j) * factorial(2 * k);
            sum += multinomial * normalisation * moments[moment_index([2 * i, 2 * j, 2 * k])];
        }
    }
    sum
}

macro_rules! form {
    ($form:ident, $softened:literal, $order:literal, $full:literal, $kept:literal, $powers:ident, $shift:ident, $tile:ident, $field:ident, $operations:ident) => {
        impl Expansion for $form<$order> {
            const ORDER: usize = $order;
            const SOFTENED: bool = $softened;
            const OPERATIONS: u64 = $operations;
            type Moments = [f64; $full];
            type Tile = [[f32; LANES]; $kept];

            #[inline]
            fn powers(offset: [f64; 3]) -> Self::Moments {
                $powers(offset)
            }
            #[inline]
            fn accumulate(sum: &mut Self::Moments, mass: f64, moments: &Self::Moments) {
                sum.iter_mut().zip(moments).for_each(|(sum, moment)| *sum += mass * moment);
            }
            fn shift(moments: &Self::Moments, offset: [f64; 3]) -> Self::Moments {
                $shift(moments, &$powers(offset))
            }
            fn radial(moments: &Self::Moments, n: usize) -> f64 {
                radial(moments, n)
            }
            fn fill(tile: &mut Self::Tile, lane: usize, moments: &Self::Moments) {
                tile.iter_mut().zip($tile(moments)).for_each(|(row, moment)| row[lane] = moment as f32);
            }
            #[inline(always)]
            fn field<L: Lanes>(tile: &Self::Tile, lane: usize, offset: [L; 3], r2: L) -> [L; 4] {
                $field(offset, r2, |k| L::splat(tile[k][lane]))
            }
        }
    };
}

macro_rules! order {
    ($order:literal, $full:literal, $harmonic:literal, $powers:ident, $shift:ident, $to_harmonic:ident, $to_full:ident,
     $field_harmonic:ident, $field_full:ident, $operations_harmonic:ident, $operations_full:ident) => {
        form!(
            Harmonic,
            false,
            $order,
            $full,
            $harmonic,
            $powers,
            $shift,
            $to_harmonic,
            $field_harmonic,
            $operations_harmonic
        );
        form!(Full, true, $order, $full, $full, $powers, $shift, $to_full, $field_full, $operations_full);
    };
}

include!(concat!(env!("OUT_DIR"), "/expansion.rs"));

/// Runs `$body` with `$type` standing for the expansion that a [`crate::Gravity`] asks for.
#[macro_export]
macro_rules! with_expansion {
    ($gravity:expr, $type:ident => $body:expr) => {{
        let gravity: &$crate::Gravity = $gravity;
        macro_rules! choose {
            ($form:ident, $order:literal) => {{
                type $type = $crate::$form<$order>;
                $body
            }};
        }
        match (gravity.softening.is_plummer(), gravity.order) {
            (false, 1) => choose!(Harmonic, 1),
            (false, 2) => choose!(Harmonic, 2),
            (false, 3) => choose!(Harmonic, 3),
            (false, 4) => choose!(Harmonic, 4),
            (true, 1) => choose!(Full, 1),
            (true, 2) => choose!(Full, 2),
            (true, 3) => choose!(Full, 3),
            (true, 4) => choose!(Full, 4),
            (_, order) => unreachable!("order {order} has passed Gravity::check"),
        }
    }};
}
