//! Eight single-precision numbers at once, chosen at run time for the processor that runs the program.
//!
//! A kernel is written once, generic over [`Lanes`], and compiled once for each [`Path`]; [`dispatch`] enters the copy for this
//! machine. Results may differ in the last bits between paths, never between machines on the same path and processor family.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use std::ops::{Add, Mul, Sub};
use std::sync::OnceLock;

pub(crate) use portable::Portable;

/// Number of lanes: the octants of a cell.
pub(crate) const LANES: usize = 8;

/// Eight `f32`. Comparisons give one bit a lane, lane 0 lowest.
pub trait Lanes: Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// The same number in all lanes.
    fn splat(value: f32) -> Self;
    /// The numbers of an array.
    fn load(from: &[f32; LANES]) -> Self;
    /// Writes the numbers into an array.
    fn store(self, to: &mut [f32; LANES]);
    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// Reciprocal square root to full single precision (relative error below 4e-7); zero gives infinity or NaN.
    fn rsqrt(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Greater of two.
    fn max(self, other: Self) -> Self;
    /// Smaller of two.
    fn min(self, other: Self) -> Self;
    /// Which lanes are below those of `other`.
    fn below(self, other: Self) -> u8;
    /// `yes` where `a < b`, `no` elsewhere.
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self;
    /// Quotient.
    fn div(self, other: Self) -> Self;
    /// `self` where `a < b`, zero elsewhere.
    fn where_below(self, a: Self, b: Self) -> Self;
}

/// A way to compute eight lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// Plain code for any processor, the reference of the others.
    Scalar,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
}

impl Path {
    /// The fastest path of this processor. `HEOROT_SIMD=scalar` forces the reference.
    pub(crate) fn detect() -> Path {
        static PATH: OnceLock<Path> = OnceLock::new();
        *PATH.get_or_init(|| {
            if std::env::var_os("HEOROT_SIMD").is_some_and(|wanted| wanted == "scalar") {
                return Path::Scalar;
            }
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Path::Avx2;
            }
            Path::Scalar
        })
    }
}

/// Name of the path that this process uses, for reports.
pub fn simd_path() -> &'static str {
    match Path::detect() {
        Path::Scalar => "scalar",
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => "avx2",
    }
}

/// Work that is written once for all paths.
pub(crate) trait Task {
    /// What it returns.
    type Output;
    /// Does it with the lanes of a path; always inlined, so that it is compiled for that path's instructions.
    fn run<L: Lanes>(self) -> Self::Output;
}

/// Runs a task on a path.
#[inline]
pub(crate) fn dispatch<T: Task>(path: Path, task: T) -> T::Output {
    match path {
        Path::Scalar => task.run::<Portable>(),
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => avx2::enter(task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct EveryOperation([f32; 8], [f32; 8]);

    impl Task for EveryOperation {
        type Output = (Vec<[f32; 8]>, u8);
        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let (a, b) = (L::load(&self.0), L::load(&self.1));
            let results = [
                a + b,
                a - b,
                a * b,
                a.mul_add(b, a),
                a.neg_mul_add(b, a),
                b.rsqrt(),
                b.sqrt(),
                a.abs(),
                a.max(b),
                a.min(b),
                a.where_below(a, b),
                Lanes::select_below(a, b, a, b),
                a.div(b),
                L::splat(3.5),
            ];
            let stored = results.map(|lanes| {
                let mut out = [0.0; 8];
                lanes.store(&mut out);
                out
            });
            (stored.to_vec(), a.below(b))
        }
    }

    #[test]
    fn every_path_does_what_the_reference_does() {
        let a = [-3.0, 0.5, 2.0, 7.0, -0.0, 1e-20, 1e20, 9.0];
        let b = [4.0, 0.25, 2.0, 1e-12, 3.0, 2e-20, 1e10, 100.0];
        let (want, want_mask) = dispatch(Path::Scalar, EveryOperation(a, b));
        let (got, got_mask) = dispatch(Path::detect(), EveryOperation(a, b));
        assert_eq!(got_mask, want_mask);
        for (k, (got, want)) in got.iter().zip(&want).enumerate() {
            for (g, w) in got.iter().zip(want) {
                assert!((g - w).abs() <= 1e-6 * w.abs(), "operation {k}: {g} instead of {w}");
            }
        }
    }
}
