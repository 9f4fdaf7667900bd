//! Sixteen lanes in one register of AVX-512.
#![allow(unsafe_code)]

use super::double::{Block, Double, Numbers};
use super::{LANES, x86::intrinsic};
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Sub};

/// Sixteen numbers in a register.
#[derive(Clone, Copy)]
pub(crate) struct Sixteen(__m512);

impl Add for Sixteen {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Sixteen(intrinsic!(_mm512_add_ps(self.0, other.0)))
    }
}

impl Sub for Sixteen {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Sixteen(intrinsic!(_mm512_sub_ps(self.0, other.0)))
    }
}

impl Mul for Sixteen {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Sixteen(intrinsic!(_mm512_mul_ps(self.0, other.0)))
    }
}

impl Numbers for Sixteen {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Sixteen(intrinsic!(_mm512_set1_ps(value)))
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        Sixteen(intrinsic!(_mm512_fmadd_ps(self.0, b.0, c.0)))
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        Sixteen(intrinsic!(_mm512_fnmadd_ps(self.0, b.0, c.0)))
    }
    #[inline(always)]
    fn rsqrt(self) -> Self {
        Self::splat(0.5) * self.twice_rsqrt()
    }
    #[inline(always)]
    fn twice_rsqrt(self) -> Self {
        let y = self.rough_rsqrt();
        Sixteen(intrinsic!(_mm512_fnmadd_ps((self * y).0, y.0, Self::splat(3.0).0))) * y
    }
    #[inline(always)]
    fn rough_rsqrt(self) -> Self {
        Sixteen(intrinsic!(_mm512_rsqrt14_ps(self.0)))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Sixteen(intrinsic!(_mm512_min_ps(self.0, other.0)))
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Sixteen(intrinsic!(_mm512_div_ps(self.0, other.0)))
    }
    #[inline(always)]
    fn where_below(self, a: Self, b: Self) -> Self {
        Sixteen(intrinsic!(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a.0, b.0), self.0)))
    }
    #[inline(always)]
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Sixteen(intrinsic!(_mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a.0, b.0), no.0, yes.0)))
    }
}

impl Block for Sixteen {
    const WIDTH: usize = 2 * LANES;

    #[inline(always)]
    fn read(from: &[f32]) -> Self {
        let from: &[f32; 16] = from.first_chunk().expect("sixteen numbers");
        Sixteen(intrinsic!(_mm512_loadu_ps(from.as_ptr())))
    }
    #[inline(always)]
    fn write(self, to: &mut [f32]) {
        let to: &mut [f32; 16] = to.first_chunk_mut().expect("sixteen numbers");
        intrinsic!(_mm512_storeu_ps(to.as_mut_ptr(), self.0));
    }
    #[inline(always)]
    fn in_lanes(self, bits: u32) -> Self {
        Sixteen(intrinsic!(_mm512_maskz_mov_ps(bits as u16, self.0)))
    }
}

impl Double for Sixteen {
    const FASTER: bool = true;

    #[inline(always)]
    fn load(from: [&[f32; LANES]; 2]) -> Self {
        // SAFETY: as in `intrinsic`.
        Sixteen(unsafe {
            let (low, high) = (_mm256_loadu_ps(from[0].as_ptr()), _mm256_loadu_ps(from[1].as_ptr()));
            _mm512_insertf32x8::<1>(_mm512_castps256_ps512(low), high)
        })
    }
    #[inline(always)]
    fn store(self) -> [[f32; LANES]; 2] {
        let mut out = [[0.0; LANES]; 2];
        // SAFETY: as in `intrinsic`; the array holds sixteen numbers.
        unsafe { _mm512_storeu_ps(out.as_mut_ptr().cast(), self.0) };
        out
    }
}
