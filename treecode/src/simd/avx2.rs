//! AVX2 with fused multiply-add. The intrinsics are `unsafe` to call outside a function that enables them; every method here is
//! inlined into [`enter`], which does, and which is reached only after [`super::Path::detect`] has found both features.
#![allow(unsafe_code)]

use super::{LANES, Lanes, Task};
use std::arch::x86_64::*;
use std::ops::{Add, Mul, Sub};

/// Eight numbers in a register.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

/// Runs a task compiled for AVX2.
pub(super) fn enter<T: Task>(task: T) -> T::Output {
    #[target_feature(enable = "avx2,fma")]
    fn compiled<T: Task>(task: T) -> T::Output {
        task.run::<Avx2>()
    }
    debug_assert!(is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"));
    // SAFETY: `Path::Avx2` is made only where both features were detected.
    unsafe { compiled(task) }
}

/// One intrinsic on the registers of its arguments.
macro_rules! register {
    ($intrinsic:ident($($argument:expr),*)) => {
        // SAFETY: `Avx2` values exist only inside `enter`, where AVX2 and FMA are enabled.
        Avx2(unsafe { $intrinsic($($argument),*) })
    };
}

impl Add for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        register!(_mm256_add_ps(self.0, other.0))
    }
}

impl Sub for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        register!(_mm256_sub_ps(self.0, other.0))
    }
}

impl Mul for Avx2 {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        register!(_mm256_mul_ps(self.0, other.0))
    }
}

impl Lanes for Avx2 {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        register!(_mm256_set1_ps(value))
    }
    #[inline(always)]
    fn load(from: &[f32; LANES]) -> Self {
        register!(_mm256_loadu_ps(from.as_ptr()))
    }
    #[inline(always)]
    fn store(self, to: &mut [f32; LANES]) {
        // SAFETY: as in `register`; the array has room for eight numbers.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        register!(_mm256_fmadd_ps(self.0, b.0, c.0))
    }
    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        register!(_mm256_fnmadd_ps(self.0, b.0, c.0))
    }
    #[inline(always)]
    fn rsqrt(self) -> Self {
        // The estimate has 12 bits; one Newton step, y (3 - x y^2) / 2, doubles them.
        let y: Self = register!(_mm256_rsqrt_ps(self.0));
        let correction = (self * y).neg_mul_add(y, Self::splat(3.0));
        Self::splat(0.5) * y * correction
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        register!(_mm256_sqrt_ps(self.0))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        register!(_mm256_andnot_ps(Self::splat(-0.0).0, self.0))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        register!(_mm256_max_ps(self.0, other.0))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        register!(_mm256_min_ps(self.0, other.0))
    }
    #[inline(always)]
    fn below(self, other: Self) -> u8 {
        // SAFETY: as in `register`.
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(self.0, other.0)) as u8 }
    }
    #[inline(always)]
    fn where_below(self, a: Self, b: Self) -> Self {
        // SAFETY: as in `register`.
        Avx2(unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(a.0, b.0), self.0) })
    }
    #[inline(always)]
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as in `register`.
        Avx2(unsafe { _mm256_blendv_ps(no.0, yes.0, _mm256_cmp_ps::<_CMP_LT_OQ>(a.0, b.0)) })
    }
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        register!(_mm256_div_ps(self.0, other.0))
    }
}

const _: () = assert!(size_of::<Avx2>() == LANES * size_of::<f32>());
