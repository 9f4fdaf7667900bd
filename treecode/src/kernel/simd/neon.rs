//! NEON: eight lanes in two registers of four. Every aarch64 processor has it, so no detection is
//! needed.
#![allow(unsafe_code)]

use super::{LANES, Lanes, PACKED, double::Twice};
use std::arch::aarch64::*;
use std::ops::{Add, Mul, Sub};

/// Calls an intrinsic of NEON.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: aarch64 has NEON. If the call takes a pointer, the caller gives the reason why
        // all numbers that it reads exist.
        unsafe { $call }
    };
}

/// Lanes 0 to 3, and 4 to 7.
#[derive(Clone, Copy)]
pub(crate) struct Neon(float32x4_t, float32x4_t);

/// A set of lanes: all bits of a lane are set, or none.
#[derive(Clone, Copy)]
struct Mask(uint32x4_t, uint32x4_t);

impl Neon {
    #[inline(always)]
    fn map(self, f: impl Fn(float32x4_t) -> float32x4_t) -> Self {
        Neon(f(self.0), f(self.1))
    }

    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> Self {
        Neon(f(self.0, other.0), f(self.1, other.1))
    }

    #[inline(always)]
    fn less(self, other: Self) -> Mask {
        intrinsic!(Mask(vcltq_f32(self.0, other.0), vcltq_f32(self.1, other.1)))
    }

    #[inline(always)]
    fn select(mask: Mask, yes: Self, no: Self) -> Self {
        intrinsic!(Neon(vbslq_f32(mask.0, yes.0, no.0), vbslq_f32(mask.1, yes.1, no.1)))
    }

    /// One Newton step: y (3 - x y^2) / 2, where `self` is x y.
    #[inline(always)]
    fn newton(self, y: Self) -> Self {
        self.zip(y, |xy, y| intrinsic!(vrsqrtsq_f32(xy, y))) * y
    }
}

impl Mask {
    /// One bit per lane, at the position of the lane.
    #[inline(always)]
    fn lane_bits() -> Mask {
        const BITS: [u32; LANES] = [1, 2, 4, 8, 16, 32, 64, 128];
        // Reads twice four of the eight numbers.
        intrinsic!(Mask(vld1q_u32(BITS.as_ptr()), vld1q_u32(BITS.as_ptr().add(4))))
    }

    /// The mask of the lanes of these bits.
    #[inline(always)]
    fn of_lanes(bits: u8) -> Mask {
        let (all, lane) = (intrinsic!(vdupq_n_u32(u32::from(bits))), Mask::lane_bits());
        intrinsic!(Mask(vtstq_u32(all, lane.0), vtstq_u32(all, lane.1)))
    }

    /// One bit per lane, lane 0 lowest.
    #[inline(always)]
    fn bits(self) -> u8 {
        let lane = Mask::lane_bits();
        intrinsic!(vaddvq_u32(vorrq_u32(vandq_u32(self.0, lane.0), vandq_u32(self.1, lane.1))) as u8)
    }
}

impl Add for Neon {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| intrinsic!(vaddq_f32(a, b)))
    }
}

impl Sub for Neon {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| intrinsic!(vsubq_f32(a, b)))
    }
}

impl Mul for Neon {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| intrinsic!(vmulq_f32(a, b)))
    }
}

impl Lanes for Neon {
    type Double = Twice<Self>;
    type Widest = Self;
    type Eight = super::eight::Plain;

    #[inline(always)]
    fn splat(value: f32) -> Self {
        intrinsic!(Neon(vdupq_n_f32(value), vdupq_n_f32(value)))
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        // Reads twice four of the eight numbers.
        intrinsic!(Neon(vld1q_f32(from.as_ptr()), vld1q_f32(from.as_ptr().add(4))))
    }
    #[inline(always)]
    fn load_columns(from: &[[f32; 4]; LANES]) -> [Self; 4] {
        let from: &[f32] = from.as_flattened();
        // Reads twice sixteen of the 32 numbers.
        let (low, high) = intrinsic!((vld4q_f32(from.as_ptr()), vld4q_f32(from.as_ptr().add(16))));
        [Neon(low.0, high.0), Neon(low.1, high.1), Neon(low.2, high.2), Neon(low.3, high.3)]
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: aarch64 has NEON, and the array has room for twice four numbers.
        unsafe {
            vst1q_f32(to.as_mut_ptr(), self.0);
            vst1q_f32(to.as_mut_ptr().add(4), self.1);
        }
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        intrinsic!(Neon(vfmaq_f32(c.0, self.0, b.0), vfmaq_f32(c.1, self.1, b.1)))
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        intrinsic!(Neon(vfmsq_f32(c.0, self.0, b.0), vfmsq_f32(c.1, self.1, b.1)))
    }
    #[inline(always)]
    fn rsqrt(self) -> Self {
        let y = self.rough_rsqrt();
        (self * y).newton(y)
    }
    #[inline(always)]
    fn twice_rsqrt(self) -> Self {
        let y = self.rough_rsqrt();
        (self * y).neg_mul_add(y, Self::splat(3.0)) * y
    }
    #[inline(always)]
    fn rough_rsqrt(self) -> Self {
        // The estimate has 8 bits. One Newton step gives about 15.
        let y = self.map(|x| intrinsic!(vrsqrteq_f32(x)));
        (self * y).newton(y)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        self.map(|x| intrinsic!(vsqrtq_f32(x)))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        self.map(|x| intrinsic!(vabsq_f32(x)))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| intrinsic!(vmaxq_f32(a, b)))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, |a, b| intrinsic!(vminq_f32(a, b)))
    }
    #[inline(always)]
    fn below(self, other: Self) -> u8 {
        self.less(other).bits()
    }
    #[inline(always)]
    fn where_below(self, a: Self, b: Self) -> Self {
        Self::select(a.less(b), self, Self::splat(0.0))
    }
    #[inline(always)]
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Self::select(a.less(b), yes, no)
    }
    #[inline(always)]
    fn in_lanes(self, bits: u8) -> Self {
        Self::select(Mask::of_lanes(bits), self, Self::splat(0.0))
    }
    #[inline(always)]
    fn compress(self, bits: u8, to: &mut [f32; LANES]) {
        let lanes = &PACKED[usize::from(bits)];
        // SAFETY: aarch64 has NEON, and the array holds twice four numbers.
        unsafe {
            // Lane k is bytes 4 k to 4 k + 3 of the table.
            let table = uint8x16x2_t(vreinterpretq_u8_f32(self.0), vreinterpretq_u8_f32(self.1));
            let pick = |lanes: uint32x4_t| {
                let bytes = vmlaq_u32(vdupq_n_u32(0x0302_0100), lanes, vdupq_n_u32(0x0404_0404));
                vreinterpretq_f32_u8(vqtbl2q_u8(table, vreinterpretq_u8_u32(bytes)))
            };
            Neon(pick(vld1q_u32(lanes.as_ptr())), pick(vld1q_u32(lanes.as_ptr().add(4)))).store(to);
        }
    }
    #[inline(always)]
    fn sum(self) -> f32 {
        let four = intrinsic!(vaddq_f32(self.0, self.1));
        intrinsic!(vpadds_f32(vadd_f32(vget_low_f32(four), vget_high_f32(four))))
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| intrinsic!(vdivq_f32(a, b)))
    }
}
