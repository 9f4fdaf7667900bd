//! Eight single-precision numbers at once, chosen at run time for the processor that runs the program.
//!
//! A kernel is written once, generic over [`Lanes`], and compiled once for each [`Path`]; [`dispatch`] enters the copy for this
//! machine. Results may differ in the last bits between paths, never between machines on the same path and processor family.

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Error;
use std::ops::{Add, Mul, Sub};
use std::sync::OnceLock;

pub(crate) use portable::Portable;

/// Number of lanes: the octants of a cell.
pub(crate) const LANES: usize = 8;

/// For each set of lanes their numbers, lowest first.
pub(crate) static PACKED: [[u32; LANES]; 256] = {
    let mut packed = [[0; LANES]; 256];
    let mut bits = 0;
    while bits < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < LANES {
            if bits >> lane & 1 == 1 {
                packed[bits][count] = lane as u32;
                count += 1;
            }
            lane += 1;
        }
        bits += 1;
    }
    packed
};

/// Eight `f32`. Comparisons give one bit a lane, lane 0 lowest.
pub trait Lanes: Copy + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// The same number in all lanes.
    fn splat(value: f32) -> Self;
    /// The numbers of an array.
    fn load(from: &[f32; LANES]) -> Self;
    /// The four rows of eight columns.
    fn load_columns(from: &[[f32; 4]; LANES]) -> [Self; 4];
    /// Writes the numbers into an array.
    fn store(self, to: &mut [f32; LANES]);
    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// Reciprocal square root to full single precision (relative error below 4e-7); zero gives infinity or NaN.
    fn rsqrt(self) -> Self;
    /// Twice [`Lanes::rsqrt`], which takes a product less.
    fn twice_rsqrt(self) -> Self;
    /// Estimate of the reciprocal square root: as close as the processor makes it at once (12 bits on AVX2, 14 on AVX-512), or closer.
    #[inline(always)]
    fn rough_rsqrt(self) -> Self {
        self.rsqrt()
    }
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
    /// `self` in the lanes of these bits, zero elsewhere.
    fn in_lanes(self, bits: u8) -> Self;
    /// Writes the lanes of these bits side by side, lowest first; what comes behind them is arbitrary.
    fn compress(self, bits: u8, to: &mut [f32; LANES]);
    /// Sum of the lanes, by halves: lane k and lane k + 4, then k + 2, then k + 1.
    fn sum(self) -> f32;
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
    /// AVX-512 on vectors of eight.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Path {
    /// The paths of this processor, slowest first.
    pub(crate) fn available() -> Vec<Path> {
        let mut paths = vec![Path::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                paths.push(Path::Avx2);
                let more = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl");
                if more && is_x86_feature_detected!("avx512dq") && is_x86_feature_detected!("avx512bw") {
                    paths.push(Path::Avx512);
                }
            }
        }
        paths
    }

    /// The path to take: the last that is available, or the one that the environment variable `HEOROT_SIMD` names.
    pub(crate) fn detect() -> Path {
        static PATH: OnceLock<Path> = OnceLock::new();
        *PATH.get_or_init(|| Path::wanted().unwrap_or(Path::Scalar))
    }

    fn wanted() -> Result<Path, Error> {
        let available = Path::available();
        let Some(wanted) = std::env::var_os(VARIABLE) else {
            return Ok(*available.last().expect("the scalar path is always there"));
        };
        available.iter().copied().find(|path| wanted == path.name()).ok_or_else(|| Error::Environment {
            name: VARIABLE,
            value: wanted.to_string_lossy().into_owned(),
            expected: available.iter().map(|path| path.name()).collect::<Vec<_>>().join(", "),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Path::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => "avx512",
        }
    }
}

/// Forces a path.
const VARIABLE: &str = "HEOROT_SIMD";

/// Name of the path that this process uses, for reports.
pub fn simd_path() -> &'static str {
    Path::detect().name()
}

/// Says so if the environment asks for a path that this processor does not have.
pub(crate) fn check_path() -> Result<(), Error> {
    Path::wanted().map(|_| ())
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
        Path::Avx2 => x86::avx2::enter(task),
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => x86::avx512::enter(task),
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
                b.twice_rsqrt(),
                a.in_lanes(0b1010_0110),
                L::splat(b.sum()),
                b.sqrt(),
                a.abs(),
                a.max(b),
                a.min(b),
                a.where_below(a, b),
                Lanes::select_below(a, b, a, b),
                a.div(b),
                L::splat(3.5),
            ];
            let mut packed = [0.0; 8];
            a.compress(0b1001_0110, &mut packed);
            packed[4..].fill(0.0);
            let columns: [[f32; 4]; 8] = std::array::from_fn(|k| [self.0[k], self.1[k], k as f32, 1.0]);
            let results = [&results[..], &L::load_columns(&columns)].concat();
            let stored = results.iter().map(|lanes| {
                let mut out = [0.0; 8];
                lanes.store(&mut out);
                out
            });
            (stored.chain([packed]).collect(), a.below(b))
        }
    }

    #[test]
    fn every_path_does_what_the_reference_does() {
        let a = [-3.0, 0.5, 2.0, 7.0, -0.0, 1e-20, 1e20, 9.0];
        let b = [4.0, 0.25, 2.0, 1e-12, 3.0, 2e-20, 1e10, 100.0];
        let (want, want_mask) = dispatch(Path::Scalar, EveryOperation(a, b));
        for path in Path::available() {
            let (got, got_mask) = dispatch(path, EveryOperation(a, b));
            assert_eq!(got_mask, want_mask);
            for (k, (got, want)) in got.iter().zip(&want).enumerate() {
                for (g, w) in got.iter().zip(want) {
                    assert!((g - w).abs() <= 1e-6 * w.abs(), "{path:?}, operation {k}: {g} instead of {w}");
                }
            }
        }
    }
}
