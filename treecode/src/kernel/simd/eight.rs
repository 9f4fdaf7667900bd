//! Eight double-precision numbers, for sums that are references of others. Every path has the same bits:
//! each operation is rounded as the standard of floating-point numbers says.
#![allow(unsafe_code)]

use std::array::from_fn;
use std::ops::{Add, Div, Mul, Sub};

/// The number of numbers.
pub(crate) const EIGHT: usize = 8;

/// Eight `f64`.
pub(crate) trait Eight:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The same number eight times.
    fn splat(value: f64) -> Self;
    /// Loads an array.
    fn load(from: &[f64; EIGHT]) -> Self;
    /// The numbers as an array.
    fn store(self) -> [f64; EIGHT];
    /// Square roots.
    fn sqrt(self) -> Self;
    /// `yes` where `a < b`, `no` elsewhere.
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self;
    /// Whether any number is below that of `other`.
    fn any_below(self, other: Self) -> bool;
    /// 2^n of whole numbers n from -1022 to 1023, to which 1.5 2^52 has been added.
    fn power_of_two(self) -> Self;
}

/// Plain code.
#[derive(Clone, Copy)]
pub(crate) struct Plain([f64; EIGHT]);

macro_rules! plain_operator {
    ($operator:ident, $method:ident) => {
        impl $operator for Plain {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Plain(from_fn(|k| self.0[k].$method(other.0[k])))
            }
        }
    };
}
plain_operator!(Add, add);
plain_operator!(Sub, sub);
plain_operator!(Mul, mul);
plain_operator!(Div, div);

impl Eight for Plain {
    #[inline(always)]
    fn splat(value: f64) -> Self {
        Plain([value; EIGHT])
    }
    #[inline(always)]
    fn load(from: &[f64; EIGHT]) -> Self {
        Plain(*from)
    }
    #[inline(always)]
    fn store(self) -> [f64; EIGHT] {
        self.0
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Plain(self.0.map(f64::sqrt))
    }
    #[inline(always)]
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
        Plain(from_fn(|k| if a.0[k] < b.0[k] { yes.0[k] } else { no.0[k] }))
    }
    #[inline(always)]
    fn any_below(self, other: Self) -> bool {
        (0..EIGHT).any(|k| self.0[k] < other.0[k])
    }
    #[inline(always)]
    fn power_of_two(self) -> Self {
        Plain(self.0.map(|x| f64::from_bits(x.to_bits().wrapping_add(1023) << 52)))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Halves, Whole};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::x86::intrinsic;
    use super::{Add, Div, EIGHT, Eight, Mul, Sub};
    use std::arch::x86_64::*;

    /// A register of AVX-512.
    #[derive(Clone, Copy)]
    pub(crate) struct Whole(__m512d);
    /// Two registers of AVX2.
    #[derive(Clone, Copy)]
    pub(crate) struct Halves([__m256d; 2]);

    macro_rules! operator {
        ($operator:ident, $method:ident, $whole:ident, $half:ident) => {
            impl $operator for Whole {
                type Output = Self;
                #[inline(always)]
                fn $method(self, other: Self) -> Self {
                    Whole(intrinsic!($whole(self.0, other.0)))
                }
            }
            impl $operator for Halves {
                type Output = Self;
                #[inline(always)]
                fn $method(self, other: Self) -> Self {
                    let ([a, b], [c, d]) = (self.0, other.0);
                    Halves([intrinsic!($half(a, c)), intrinsic!($half(b, d))])
                }
            }
        };
    }
    operator!(Add, add, _mm512_add_pd, _mm256_add_pd);
    operator!(Sub, sub, _mm512_sub_pd, _mm256_sub_pd);
    operator!(Mul, mul, _mm512_mul_pd, _mm256_mul_pd);
    operator!(Div, div, _mm512_div_pd, _mm256_div_pd);

    impl Eight for Whole {
        #[inline(always)]
        fn splat(value: f64) -> Self {
            Whole(intrinsic!(_mm512_set1_pd(value)))
        }
        #[inline(always)]
        fn load(from: &[f64; EIGHT]) -> Self {
            Whole(intrinsic!(_mm512_loadu_pd(from.as_ptr())))
        }
        #[inline(always)]
        fn store(self) -> [f64; EIGHT] {
            let mut to = [0.0; EIGHT];
            intrinsic!(_mm512_storeu_pd(to.as_mut_ptr(), self.0));
            to
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            Whole(intrinsic!(_mm512_sqrt_pd(self.0)))
        }
        #[inline(always)]
        fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
            Whole(intrinsic!(_mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(a.0, b.0), no.0, yes.0)))
        }
        #[inline(always)]
        fn any_below(self, other: Self) -> bool {
            intrinsic!(_mm512_cmp_pd_mask::<_CMP_LT_OQ>(self.0, other.0)) != 0
        }
        #[inline(always)]
        fn power_of_two(self) -> Self {
            Whole(intrinsic!(_mm512_castsi512_pd(_mm512_slli_epi64::<52>(_mm512_add_epi64(
                _mm512_castpd_si512(self.0),
                _mm512_set1_epi64(1023),
            )))))
        }
    }

    impl Eight for Halves {
        #[inline(always)]
        fn splat(value: f64) -> Self {
            Halves([intrinsic!(_mm256_set1_pd(value)); 2])
        }
        #[inline(always)]
        fn load(from: &[f64; EIGHT]) -> Self {
            let [low, high] = [from.as_ptr(), from[4..].as_ptr()];
            Halves([intrinsic!(_mm256_loadu_pd(low)), intrinsic!(_mm256_loadu_pd(high))])
        }
        #[inline(always)]
        fn store(self) -> [f64; EIGHT] {
            let mut to = [0.0; EIGHT];
            intrinsic!(_mm256_storeu_pd(to.as_mut_ptr(), self.0[0]));
            intrinsic!(_mm256_storeu_pd(to[4..].as_mut_ptr(), self.0[1]));
            to
        }
        #[inline(always)]
        fn sqrt(self) -> Self {
            let [a, b] = self.0;
            Halves([intrinsic!(_mm256_sqrt_pd(a)), intrinsic!(_mm256_sqrt_pd(b))])
        }
        #[inline(always)]
        fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self {
            let mut halves = no.0;
            for k in 0..2 {
                let mask = intrinsic!(_mm256_cmp_pd::<_CMP_LT_OQ>(a.0[k], b.0[k]));
                halves[k] = intrinsic!(_mm256_blendv_pd(no.0[k], yes.0[k], mask));
            }
            Halves(halves)
        }
        #[inline(always)]
        fn any_below(self, other: Self) -> bool {
            let mut bits = 0;
            for k in 0..2 {
                let mask = intrinsic!(_mm256_cmp_pd::<_CMP_LT_OQ>(self.0[k], other.0[k]));
                bits |= intrinsic!(_mm256_movemask_pd(mask));
            }
            bits != 0
        }
        #[inline(always)]
        fn power_of_two(self) -> Self {
            let mut halves = self.0;
            for half in &mut halves {
                *half = intrinsic!(_mm256_castsi256_pd(_mm256_slli_epi64::<52>(_mm256_add_epi64(
                    _mm256_castpd_si256(*half),
                    _mm256_set1_epi64x(1023),
                ))));
            }
            Halves(halves)
        }
    }
}
