//! AVX2 with fused multiply-add, and AVX-512 on the same eight lanes.
//!
//! AVX-512 has twice as many registers and a closer estimate of the reciprocal square root. In the
//! body-body kernel it also fills its registers with two blocks of sinks.
//!
//! The intrinsics are `unsafe` to call outside a function that enables them. Every method here is
//! inlined into a function `enter`, which enables them. [`super::dispatch`] calls it only after
//! [`super::Path`] has detected the features.
#![allow(unsafe_code)]

use super::double::Twice;
use super::eight::{Halves, Whole};
use super::sixteen::Sixteen;
use super::{LANES, Lanes, PACKED, Task};
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Sub};

/// Calls an intrinsic on values that exist only where its features are enabled.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: the values of the types below exist only inside their `enter`, which enables the
        // features.
        unsafe { $call }
    };
}
pub(super) use intrinsic;

/// Defines a type of eight numbers in a register, for a set of features.
macro_rules! register {
    ($(#[$doc:meta])* $name:ident, $double:ty, $widest:ty, $eight:ty, $module:ident, $features:literal, $rsqrt:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(__m256);

        pub(super) mod $module {
            use super::*;

            /// Runs a task that is compiled for these features. They must have been detected.
            pub(in super::super) fn enter<T: Task>(task: T) -> T::Output {
                #[target_feature(enable = $features)]
                fn compiled<T: Task>(task: T) -> T::Output {
                    task.run::<$name>()
                }
                // SAFETY: a path is chosen only if its features were detected.
                unsafe { compiled(task) }
            }
        }

        impl Add for $name {
            type Output = Self;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                $name(intrinsic!(_mm256_add_ps(self.0, other.0)))
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                $name(intrinsic!(_mm256_sub_ps(self.0, other.0)))
            }
        }

        impl Mul for $name {
            type Output = Self;
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                $name(intrinsic!(_mm256_mul_ps(self.0, other.0)))
            }
        }

        impl Lanes for $name {
            type Double = $double;
            type Widest = $widest;
            type Eight = $eight;

            #[inline(always)]
            fn splat(value: f32) -> Self {
                $name(intrinsic!(_mm256_set1_ps(value)))
            }
            #[inline(always)]
            fn load(from: &[f32; LANES]) -> Self {
                $name(intrinsic!(_mm256_loadu_ps(from.as_ptr())))
            }
            #[inline(always)]
            fn load_columns(from: &[[f32; 4]; LANES]) -> [Self; 4] {
                // SAFETY: as in `intrinsic`.
                unsafe {
                    let pair = |k: usize| {
                        let low = _mm256_castps128_ps256(_mm_loadu_ps(from[k].as_ptr()));
                        _mm256_insertf128_ps::<1>(low, _mm_loadu_ps(from[k + 4].as_ptr()))
                    };
                    let (a, b, c, d) = (pair(0), pair(1), pair(2), pair(3));
                    let (xy, zm) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
                    let (uv, wn) = (_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
                    [
                        $name(_mm256_shuffle_ps::<0x44>(xy, uv)),
                        $name(_mm256_shuffle_ps::<0xee>(xy, uv)),
                        $name(_mm256_shuffle_ps::<0x44>(zm, wn)),
                        $name(_mm256_shuffle_ps::<0xee>(zm, wn)),
                    ]
                }
            }
            #[inline(always)]
            fn store(self, to: &mut [f32; LANES]) {
                        intrinsic!(_mm256_storeu_ps(to.as_mut_ptr(), self.0))
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $name(intrinsic!(_mm256_fmadd_ps(self.0, b.0, c.0)))
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                $name(intrinsic!(_mm256_fnmadd_ps(self.0, b.0, c.0)))
            }
            #[inline(always)]
            fn rsqrt(self) -> Self {
                Self::splat(0.5) * self.twice_rsqrt()
            }
            #[inline(always)]
            fn twice_rsqrt(self) -> Self {
                // One Newton step, y (3 - x y^2) / 2, doubles the number of correct digits.
                let y = self.rough_rsqrt();
                (self * y).neg_mul_add(y, Self::splat(3.0)) * y
            }
            #[inline(always)]
            fn rough_rsqrt(self) -> Self {
                $name(intrinsic!($rsqrt(self.0)))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $name(intrinsic!(_mm256_sqrt_ps(self.0)))
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $name(intrinsic!(_mm256_andnot_ps(Self::splat(-0.0).0, self.0)))
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $name(intrinsic!(_mm256_max_ps(self.0, other.0)))
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $name(intrinsic!(_mm256_min_ps(self.0, other.0)))
            }
            #[inline(always)]
            fn below(self, other: Self) -> u8 {
                intrinsic!(_mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0)) as u8)
            }
            #[inline(always)]
            fn where_below(self, a: Self, b: Self) -> Self {
                $name(intrinsic!(_mm256_and_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(a.0, b.0), self.0)))
            }
            #[inline(always)]
            fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
                $name(intrinsic!(_mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_LT_OQ>(a.0, b.0))))
            }
            #[inline(always)]
            fn in_lanes(self, bits: u8) -> Self {
                // SAFETY: as in `intrinsic`.
                $name(unsafe {
                    let bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
                    let mine = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), bit), bit);
                    _mm256_and_ps(_mm256_castsi256_ps(mine), self.0)
                })
            }
            #[inline(always)]
            fn compress(self, bits: u8, to: &mut [f32; LANES]) {
                // SAFETY: as in `intrinsic`.
                unsafe {
                    let lanes = _mm256_loadu_si256(PACKED[usize::from(bits)].as_ptr().cast());
                    _mm256_storeu_ps(to.as_mut_ptr(), _mm256_permutevar8x32_ps(self.0, lanes));
                }
            }
            #[inline(always)]
            fn sum(self) -> f32 {
                // SAFETY: as in `intrinsic`.
                unsafe {
                    let four = _mm_add_ps(_mm256_castps256_ps128(self.0), _mm256_extractf128_ps::<1>(self.0));
                    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
                }
            }
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                $name(intrinsic!(_mm256_div_ps(self.0, other.0)))
            }
        }
    };
}

register!(
    /// AVX2 and FMA.
    Avx2, Twice<Avx2>, Avx2, Halves, avx2, "avx2,fma", _mm256_rsqrt_ps
);
register!(
    /// AVX-512 on vectors of eight.
    Avx512, Sixteen, Sixteen, Whole, avx512, "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw", _mm256_rsqrt14_ps
);
