//! The scalar reference: plain arithmetic on arrays, correct on every processor.
//!
//! The operations are calls, so that the long straight-line kernels stay small and compile quickly.
//! The other paths are the fast ones.

use super::{LANES, Lanes, double::Twice};
use std::ops::{Add, Mul, Sub};

/// Eight numbers in an array.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; LANES]);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Portable(std::array::from_fn(|k| f(self.0[k], other.0[k])))
    }

    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        Portable(self.0.map(f))
    }
}

impl Add for Portable {
    type Output = Self;
    #[inline(never)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Portable {
    type Output = Self;
    #[inline(never)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl Mul for Portable {
    type Output = Self;
    #[inline(never)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }
}

impl Lanes for Portable {
    type Double = Twice<Self>;
    type Widest = Self;
    type Eight = super::eight::Plain;
    #[inline(never)]
    fn splat(value: f32) -> Self {
        Portable([value; LANES])
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        Portable(*from)
    }
    #[inline(never)]
    fn load_columns(from: &[[f32; 4]; LANES]) -> [Self; 4] {
        std::array::from_fn(|row| Portable(from.map(|column| column[row])))
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        *to = self.0;
    }
    #[inline(never)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c
    }
    #[inline(never)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        c - self * b
    }
    #[inline(never)]
    fn rsqrt(self) -> Self {
        self.map(|x| 1.0 / x.sqrt())
    }
    #[inline(never)]
    fn twice_rsqrt(self) -> Self {
        self.map(|x| 2.0 / x.sqrt())
    }
    #[inline(never)]
    fn sqrt(self) -> Self {
        self.map(f32::sqrt)
    }
    #[inline(never)]
    fn abs(self) -> Self {
        self.map(f32::abs)
    }
    #[inline(never)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }
    #[inline(never)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| if a < b { a } else { b })
    }
    #[inline(never)]
    fn below(self, other: Self) -> u8 {
        (0..LANES).fold(0, |mask, k| mask | u8::from(self.0[k] < other.0[k]) << k)
    }
    #[inline(never)]
    fn where_below(self, a: Self, b: Self) -> Self {
        Portable(std::array::from_fn(|k| if a.0[k] < b.0[k] { self.0[k] } else { 0.0 }))
    }
    #[inline(never)]
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Portable(std::array::from_fn(|k| if a.0[k] < b.0[k] { yes.0[k] } else { no.0[k] }))
    }
    #[inline(never)]
    fn in_lanes(self, bits: u8) -> Self {
        Portable(std::array::from_fn(|k| if bits >> k & 1 == 1 { self.0[k] } else { 0.0 }))
    }
    #[inline(never)]
    fn compress(self, bits: u8, to: &mut [f32; LANES]) {
        let lanes = super::lanes(bits);
        to.iter_mut().zip(lanes).for_each(|(to, lane)| *to = self.0[lane]);
    }
    #[inline(never)]
    fn sum(self) -> f32 {
        let four: [f32; 4] = std::array::from_fn(|k| self.0[k] + self.0[k + 4]);
        (four[0] + four[2]) + (four[1] + four[3])
    }
    #[inline(never)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }
}
