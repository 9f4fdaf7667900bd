//! Sixteen lanes, for processors with registers of that size: two blocks of eight sinks, or sixteen cells.
//! And the operations that lanes have in common with single numbers of double precision.

use super::{LANES, Lanes};
use std::ops::{Add, Mul, Sub};

/// The arithmetic of the force laws between two bodies and of shifts of local expansions, on any number
/// of lanes. [`Lanes`] documents the operations.
#[allow(missing_docs)]
pub(crate) trait Numbers: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    fn splat(value: f32) -> Self;
    fn mul_add(self, b: Self, c: Self) -> Self;
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    fn rsqrt(self) -> Self;
    fn twice_rsqrt(self) -> Self;
    fn rough_rsqrt(self) -> Self;
    fn min(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    fn where_below(self, a: Self, b: Self) -> Self;
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self;
}

/// Eight or sixteen numbers side by side, or one of double precision.
pub(crate) trait Block: Numbers + Send + Sync {
    /// How many.
    const WIDTH: usize;
    /// The first numbers of a slice.
    fn read(from: &[f32]) -> Self;
    /// Writes the numbers to the front of a slice.
    fn write(self, to: &mut [f32]);
    /// As of [`Lanes`].
    fn in_lanes(self, bits: u32) -> Self;
}

impl<L: Lanes> Block for L {
    const WIDTH: usize = LANES;

    #[inline(always)]
    fn read(from: &[f32]) -> Self {
        L::load(from.first_chunk().expect("eight numbers"))
    }
    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        self.store(to.first_chunk_mut().expect("eight numbers"));
    }
    #[inline(always)]
    fn in_lanes(self, bits: u32) -> Self {
        Lanes::in_lanes(self, bits as u8)
    }
}

/// Twice eight lanes.
pub(crate) trait Double: Block {
    /// Whether sixteen lanes at once are faster than eight lanes twice.
    const FASTER: bool;
    /// Loads two arrays.
    fn load(from: [&[f32; LANES]; 2]) -> Self;
    /// Returns the two arrays.
    fn store(self) -> [[f32; LANES]; 2];
}

impl<L: Lanes> Numbers for L {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Lanes::splat(value)
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Lanes::mul_add(self, b, c)
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Lanes::neg_mul_add(self, b, c)
    }
    #[inline(always)]
    fn rsqrt(self) -> Self {
        Lanes::rsqrt(self)
    }
    #[inline(always)]
    fn twice_rsqrt(self) -> Self {
        Lanes::twice_rsqrt(self)
    }
    #[inline(always)]
    fn rough_rsqrt(self) -> Self {
        Lanes::rough_rsqrt(self)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Lanes::min(self, other)
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Lanes::div(self, other)
    }
    #[inline(always)]
    fn where_below(self, a: Self, b: Self) -> Self {
        Lanes::where_below(self, a, b)
    }
    #[inline(always)]
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Lanes::select_below(a, b, yes, no)
    }
}

/// Sixteen lanes in two values of eight, for processors without larger registers.
#[derive(Clone, Copy)]
pub(crate) struct Twice<L>([L; 2]);

impl<L: Lanes> Twice<L> {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(L, L) -> L) -> Self {
        Twice([f(self.0[0], other.0[0]), f(self.0[1], other.0[1])])
    }
}

impl<L: Lanes> Add for Twice<L> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl<L: Lanes> Sub for Twice<L> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl<L: Lanes> Mul for Twice<L> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl<L: Lanes> Numbers for Twice<L> {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Twice([L::splat(value); 2])
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Twice([self.0[0].mul_add(b.0[0], c.0[0]), self.0[1].mul_add(b.0[1], c.0[1])])
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Twice([self.0[0].neg_mul_add(b.0[0], c.0[0]), self.0[1].neg_mul_add(b.0[1], c.0[1])])
    }
    #[inline(always)]
    fn rsqrt(self) -> Self {
        Twice(self.0.map(L::rsqrt))
    }
    #[inline(always)]
    fn twice_rsqrt(self) -> Self {
        Twice(self.0.map(L::twice_rsqrt))
    }
    #[inline(always)]
    fn rough_rsqrt(self) -> Self {
        Twice(self.0.map(L::rough_rsqrt))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, L::min)
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, L::div)
    }
    #[inline(always)]
    fn where_below(self, a: Self, b: Self) -> Self {
        Twice([self.0[0].where_below(a.0[0], b.0[0]), self.0[1].where_below(a.0[1], b.0[1])])
    }
    #[inline(always)]
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        let half = |k: usize| L::select_below(a.0[k], b.0[k], yes.0[k], no.0[k]);
        Twice([half(0), half(1)])
    }
}

/// One number of double precision, without fused operations, so that all paths have the same bits.
impl Numbers for f64 {
    fn splat(value: f32) -> Self {
        f64::from(value)
    }
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        c - self * b
    }
    fn rsqrt(self) -> Self {
        1.0 / self.sqrt()
    }
    fn twice_rsqrt(self) -> Self {
        2.0 / self.sqrt()
    }
    fn rough_rsqrt(self) -> Self {
        self.rsqrt()
    }
    fn min(self, other: Self) -> Self {
        if self < other { self } else { other }
    }
    fn div(self, other: Self) -> Self {
        self / other
    }
    fn where_below(self, a: Self, b: Self) -> Self {
        if a < b { self } else { 0.0 }
    }
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        if a < b { yes } else { no }
    }
}

/// One cell in double precision.
impl Block for f64 {
    const WIDTH: usize = 1;

    fn read(from: &[f32]) -> Self {
        f64::from(from[0])
    }
    fn write(self, to: &mut [f32]) {
        to[0] = self as f32;
    }
    fn in_lanes(self, bits: u32) -> Self {
        if bits & 1 == 1 { self } else { 0.0 }
    }
}

impl<L: Lanes> Block for Twice<L> {
    const WIDTH: usize = 2 * LANES;

    #[inline(always)]
    fn read(from: &[f32]) -> Self {
        Twice([L::read(from), L::read(&from[LANES..])])
    }
    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        self.0[0].write(to);
        self.0[1].write(&mut to[LANES..]);
    }
    #[inline(always)]
    fn in_lanes(self, bits: u32) -> Self {
        Twice([Block::in_lanes(self.0[0], bits), Block::in_lanes(self.0[1], bits >> LANES)])
    }
}

impl<L: Lanes> Double for Twice<L> {
    const FASTER: bool = false;

    #[inline(always)]
    fn load(from: [&[f32; LANES]; 2]) -> Self {
        Twice(from.map(L::load))
    }
    #[inline(always)]
    fn store(self) -> [[f32; LANES]; 2] {
        let mut out = [[0.0; LANES]; 2];
        self.0.iter().zip(&mut out).for_each(|(half, out)| half.store(out));
        out
    }
}
