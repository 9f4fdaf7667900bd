//! Vectors of eight single-precision numbers. The instructions are chosen at run time, for the
//! processor that runs the program.
//!
//! A kernel is written once, generic over [`Lanes`], and compiled once for each [`Path`].
//! [`dispatch`] calls the copy for this machine. Results may differ in the last bits between paths.
//! They do not differ between machines on the same path and of the same processor family.
//!
//! Operations on lanes stand in loops and in functions that are always inlined. The compiler need
//! not inline a closure, and one that it does not inline calls a function for each operation. The
//! suite `build` looks for such functions in the program.

mod double;
mod eight;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
#[cfg(target_arch = "x86_64")]
mod sixteen;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Error;
use std::ops::{Add, Mul, Sub};
use std::sync::OnceLock;

pub(crate) use double::{Block, Double, Numbers};
pub(crate) use eight::{EIGHT, Eight};
pub(crate) use portable::Portable;

/// The number of lanes, equal to the number of octants of a cell.
pub(crate) const LANES: usize = 8;

/// For each set of lanes (as bits), the numbers of its lanes, lowest first.
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

/// Eight `f32`. A comparison gives one bit per lane, lane 0 lowest.
pub(crate) trait Lanes:
    Copy + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    /// A type with twice as many lanes.
    #[allow(private_bounds)] // never named outside this crate
    type Double: Double;
    /// As many lanes as a register holds.
    #[allow(private_bounds)]
    type Widest: Block;
    /// Eight numbers of double precision.
    #[allow(private_bounds)]
    type Eight: Eight;
    /// The same number in all lanes.
    fn splat(value: f32) -> Self;
    /// Loads an array.
    fn load(from: &[f32; LANES]) -> Self;
    /// Loads eight columns and returns their four rows.
    fn load_columns(from: &[[f32; 4]; LANES]) -> [Self; 4];
    /// Writes the lanes into an array.
    fn store(self, to: &mut [f32; LANES]);
    /// `self * b + c`.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self * b`.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// Reciprocal square root to full single precision (relative error below 4e-7). Zero gives
    /// infinity or NaN.
    fn rsqrt(self) -> Self;
    /// Twice [`Lanes::rsqrt`]. This takes one product less than the root itself.
    fn twice_rsqrt(self) -> Self;
    /// Estimate of the reciprocal square root: the processor's own (12 bits on AVX2, 14 on
    /// AVX-512), or a closer one.
    #[inline(always)]
    fn rough_rsqrt(self) -> Self {
        self.rsqrt()
    }
    /// Square root.
    fn sqrt(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// The greater of two numbers; neither may be NaN.
    fn max(self, other: Self) -> Self;
    /// The smaller of two numbers; neither may be NaN.
    fn min(self, other: Self) -> Self;
    /// The lanes that are below those of `other`.
    fn below(self, other: Self) -> u8;
    /// `yes` where `a < b`, `no` elsewhere.
    fn select_below(a: Self, b: Self, yes: Self, no: Self) -> Self;
    /// Quotient.
    fn div(self, other: Self) -> Self;
    /// `self` in the lanes of these bits, zero elsewhere.
    fn in_lanes(self, bits: u8) -> Self;
    /// Writes the lanes of these bits side by side, lowest first. The entries behind them are
    /// arbitrary.
    fn compress(self, bits: u8, to: &mut [f32; LANES]);
    /// Sum of the lanes, by halves: lanes k and k + 4, then k and k + 2, then k and k + 1.
    fn sum(self) -> f32;
    /// `self` where `a < b`, zero elsewhere.
    fn where_below(self, a: Self, b: Self) -> Self;
}

/// `x^2 + y^2 + z^2`.
#[inline(always)]
pub(crate) fn square<N: Numbers>([x, y, z]: [N; 3]) -> N {
    z.mul_add(z, y.mul_add(y, x * x))
}

/// The lanes of these bits, lowest first.
#[inline(always)]
pub(crate) fn lanes(bits: u8) -> impl Iterator<Item = usize> + Clone {
    (0..LANES).filter(move |lane| bits >> lane & 1 == 1)
}

/// A set of instructions that implements eight lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// Plain code for any processor; the reference for the others.
    Scalar,
    /// AVX2 with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-512 on vectors of eight.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// NEON, eight lanes in two registers.
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Path {
    /// The paths of this processor: `Scalar` first, then from the slowest to the fastest.
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
        #[cfg(target_arch = "aarch64")]
        paths.push(Path::Neon);
        paths
    }

    /// The path of this process: the one that was chosen, otherwise the fastest.
    pub(crate) fn detect() -> Path {
        *CHOSEN.get_or_init(|| *Path::available().last().expect("the scalar path is always there"))
    }

    /// The path of this name, if the processor has it.
    pub(crate) fn by_name(name: &str) -> Result<Path, Error> {
        let available = Path::available();
        available.iter().copied().find(|path| path.name() == name).ok_or_else(|| Error::Path {
            name: name.to_owned(),
            available: available.iter().map(|path| path.name()).collect::<Vec<_>>().join(", "),
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Path::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Path::Neon => "neon",
        }
    }
}

/// The path of this process, fixed at its first use.
static CHOSEN: OnceLock<Path> = OnceLock::new();

/// Sets the SIMD path of this process by its name; see [`simd_paths`]. Call it before anything is
/// computed.
///
/// # Errors
/// [`Error::Path`] if this processor has no such path.
///
/// # Panics
/// If the process already computes on another path: its results would mix two paths.
pub fn choose_simd_path(name: &str) -> Result<(), Error> {
    let path = Path::by_name(name)?;
    assert!(*CHOSEN.get_or_init(|| path) == path, "the SIMD path is already in use");
    Ok(())
}

/// Name of the path of this process, for reports.
pub fn simd_path() -> &'static str {
    Path::detect().name()
}

/// Names of the SIMD paths of this processor, `scalar` first, then from the slowest to the fastest.
pub fn simd_paths() -> Vec<&'static str> {
    Path::available().into_iter().map(Path::name).collect()
}

/// A computation that is written once for all paths.
pub(crate) trait Task {
    /// Type of the result.
    type Output;
    /// Computes the result with the lanes of a path. Always inlined, so that it is compiled for the
    /// instructions of that path.
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
        #[cfg(target_arch = "aarch64")]
        Path::Neon => task.run::<neon::Neon>(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct EveryOperation {
        a: [f32; LANES],
        b: [f32; LANES],
        lanes: u8,
    }

    #[derive(Debug)]
    struct Results {
        /// Results that are equal on every path.
        exact: Vec<[f32; LANES]>,
        /// Results that are equal on every path if no operand is NaN.
        ordered: Vec<[f32; LANES]>,
        /// Results that paths may round differently.
        rounded: Vec<[f32; LANES]>,
        below: u8,
    }

    impl Task for EveryOperation {
        type Output = Results;
        #[inline(always)]
        fn run<L: Lanes>(self) -> Results {
            let (a, b) = (L::load(&self.a), L::load(&self.b));
            let columns: [[f32; 4]; 8] = std::array::from_fn(|k| [self.a[k], self.b[k], k as f32, 1.0]);
            let mut packed = [0.0; 8];
            a.compress(self.lanes, &mut packed);
            packed[self.lanes.count_ones() as usize..].fill(0.0);
            let exact = [
                a + b,
                a - b,
                a * b,
                a.div(b),
                b.sqrt(),
                a.abs(),
                a.in_lanes(self.lanes),
                a.where_below(a, b),
                Lanes::select_below(a, b, a, b),
                L::splat(b.sum()),
                L::load(&packed),
            ];
            let stored = |lanes: &L| {
                let mut out = [0.0; LANES];
                lanes.store(&mut out);
                out
            };
            let rounded = [a.mul_add(b, a), a.neg_mul_add(b, a), b.rsqrt(), b.twice_rsqrt()];
            Results {
                exact: exact.iter().chain(&L::load_columns(&columns)).map(stored).collect(),
                ordered: [a.max(b), a.min(b)].iter().map(stored).collect(),
                rounded: rounded.iter().map(stored).collect(),
                below: a.below(b),
            }
        }
    }

    struct SixteenLanes([[[f32; LANES]; 2]; 2]);

    impl Task for SixteenLanes {
        type Output = [Vec<[[f32; LANES]; 2]>; 2];
        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            fn results<D: Double>([a, b]: &[[[f32; LANES]; 2]; 2]) -> Vec<[[f32; LANES]; 2]> {
                let (a, b) = (D::load(a.each_ref()), D::load(b.each_ref()));
                let sums = [a + b, a - b, a * b, a.mul_add(b, a), a.min(b), a.div(b), D::splat(2.0)];
                let roots = [b.rsqrt(), b.twice_rsqrt(), b.rough_rsqrt()];
                let chosen = [a.where_below(a, b), D::select_below(a, b, a, b)];
                sums.into_iter().chain(roots).chain(chosen).map(D::store).collect()
            }
            [results::<L::Double>(&self.0), results::<double::Twice<L>>(&self.0)]
        }
    }

    #[test]
    fn sixteen_lanes_do_what_eight_do_twice() {
        let a = std::array::from_fn(|half| std::array::from_fn(|k| 1.5 - (half * LANES + k) as f32 * 0.3));
        let b = std::array::from_fn(|half| std::array::from_fn(|k| 0.01 + (half + 2 * k) as f32 * 0.2));
        for path in Path::available() {
            let [double, twice] = dispatch(path, SixteenLanes([a, b]));
            assert_eq!(double, twice, "{path:?}");
        }
    }

    struct ReciprocalRoots([f32; LANES]);

    impl Task for ReciprocalRoots {
        type Output = [[f32; LANES]; 3];
        #[inline(always)]
        fn run<L: Lanes>(self) -> Self::Output {
            let mut out = [[0.0; LANES]; 3];
            L::load(&self.0).rsqrt().store(&mut out[0]);
            L::load(&self.0).twice_rsqrt().store(&mut out[1]);
            L::load(&self.0).rough_rsqrt().store(&mut out[2]);
            out
        }
    }

    fn same(a: f32, b: f32) -> bool {
        a == b || a.is_nan() && b.is_nan()
    }

    /// Any number; special ones are frequent.
    fn number() -> impl Strategy<Value = f32> {
        const SPECIAL: [f32; 8] =
            [0.0, -0.0, 1.0, f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
        prop_oneof![prop::sample::select(&SPECIAL), -2.0f32..2.0, any::<u32>().prop_map(f32::from_bits)]
    }

    #[test]
    fn every_path_does_what_the_reference_does() {
        let a = [-3.0, 0.5, 2.0, 7.0, -0.0, 1e-20, 1e20, 9.0];
        let b = [4.0, 0.25, 2.0, 1e-12, 3.0, 2e-20, 1e10, 100.0];
        let run = |path| dispatch(path, EveryOperation { a, b, lanes: 0b1001_0110 }).rounded;
        let want = run(Path::Scalar);
        for path in Path::available() {
            for (k, (got, want)) in run(path).iter().zip(&want).enumerate() {
                for (g, w) in got.iter().zip(want) {
                    assert!((g - w).abs() <= 1e-6 * w.abs(), "{path:?}, operation {k}: {g} instead of {w}");
                }
            }
        }
    }

    #[test]
    fn reciprocal_square_roots_are_as_close_as_promised() {
        for path in Path::available() {
            for exponent in -126..=127 {
                for k in 0..32 {
                    let x = std::array::from_fn(|lane| {
                        (1.0 + (k * LANES + lane) as f32 / 256.0) * 2f32.powi(exponent)
                    });
                    let [once, twice, rough] = dispatch(path, ReciprocalRoots(x));
                    for lane in 0..LANES {
                        let root = f64::from(x[lane]).sqrt();
                        let values = [(once, 1.0, 4e-7), (twice, 0.5, 4e-7), (rough, 1.0, 4e-4)];
                        for (k, (y, scale, error)) in values.into_iter().enumerate() {
                            let y = scale * f64::from(y[lane]);
                            assert!((y * root - 1.0).abs() < error, "{path:?}, {k}: {y} for {}", x[lane]);
                        }
                    }
                }
            }
            let of_zero = dispatch(path, ReciprocalRoots([0.0; LANES]));
            assert!(of_zero.as_flattened().iter().all(|y| !y.is_finite() && *y != f32::NEG_INFINITY));
        }
    }

    proptest! {
        #[test]
        fn every_path_does_so_with_any_numbers(
            a in prop::array::uniform8(number()), b in prop::array::uniform8(number()), lanes in any::<u8>()
        ) {
            let want = dispatch(Path::Scalar, EveryOperation { a, b, lanes });
            for path in Path::available() {
                let got = dispatch(path, EveryOperation { a, b, lanes });
                prop_assert_eq!(got.below, want.below);
                for (k, (got, want)) in got.exact.iter().zip(&want.exact).enumerate() {
                    for (g, w) in got.iter().zip(want) {
                        prop_assert!(same(*g, *w), "{:?}, operation {}: {} instead of {}", path, k, g, w);
                    }
                }
                for (k, (got, want)) in got.ordered.iter().zip(&want.ordered).enumerate() {
                    for lane in (0..LANES).filter(|&lane| !a[lane].is_nan() && !b[lane].is_nan()) {
                        prop_assert_eq!(got[lane], want[lane], "{:?}, {}", path, ["max", "min"][k]);
                    }
                }
            }
        }
    }
}
