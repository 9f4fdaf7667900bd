//! Measures the peak speed of the processors: chains of single-precision fused multiply-adds on all
//! threads. Reports give other speeds as a fraction of it.
//!
//! The measurement uses the widest registers of the machine, even if the kernels do not. [`CHAINS`]
//! independent chains hide the latency of the unit, 4 or 5 cycles at two operations per cycle.
#![allow(unsafe_code)]

use decomposition::{Comm, collective};
use std::hint::black_box;
use std::time::Instant;

/// Number of independent chains. With two constants, they fit into sixteen registers.
const CHAINS: usize = 12;
/// Links per chain in one measurement: about 20 ms with eight lanes.
const LINKS: u64 = 5_000_000;
/// Number of measurements, of which the best is reported.
const MEASUREMENTS: usize = 3;
/// A link is x -> x FACTOR + SUMMAND, which converges to 1.
const FACTOR: f32 = 0.5;
/// See [`FACTOR`].
const SUMMAND: f32 = 0.5;

/// Instruction set of the chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

/// Peak speed of all threads of all ranks [Gflop/s]. A fused multiply-add counts as two operations.
/// Collective.
pub fn measure(comm: &dyn Comm) -> f64 {
    let path = *Path::all().last().expect("there is the portable one");
    let threads = collective::sum(comm, rayon::current_num_threads() as u64);
    let operations = (2 * CHAINS * path.lanes()) as f64 * LINKS as f64 * threads as f64;
    let best = (0..MEASUREMENTS).map(|_| {
        comm.barrier();
        let start = Instant::now();
        rayon::broadcast(|_| black_box(path.run(black_box(LINKS))));
        let [slowest] = collective::max(comm, [start.elapsed().as_secs_f64()]);
        operations * 1e-9 / slowest
    });
    best.fold(0.0, f64::max)
}

impl Path {
    /// The paths that this machine supports, the fastest last.
    fn all() -> Vec<Path> {
        let path = |name| match name {
            #[cfg(target_arch = "x86_64")]
            "avx512" => Path::Avx512,
            #[cfg(target_arch = "x86_64")]
            "avx2" => Path::Avx2,
            _ => Path::Portable,
        };
        treecode::simd_paths().into_iter().map(path).collect()
    }

    fn lanes(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => 16,
            _ => 8,
        }
    }

    /// Runs all chains for `links` links and returns the sum of their values.
    fn run(self, links: u64) -> f32 {
        match self {
            // SAFETY: `simd_paths` has found the CPU features that the function needs.
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => unsafe { x86::avx512(links) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => unsafe { x86::avx2(links) },
            Path::Portable => portable(links),
        }
    }
}

/// Portable code: fused on NEON, a product and a sum elsewhere.
fn portable(links: u64) -> f32 {
    let mut chains = [[0.0f32; 8]; CHAINS];
    for _ in 0..links {
        for x in chains.as_flattened_mut() {
            *x = if cfg!(target_arch = "aarch64") {
                x.mul_add(FACTOR, SUMMAND)
            } else {
                *x * FACTOR + SUMMAND
            };
        }
    }
    chains.as_flattened().iter().sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{CHAINS, FACTOR, SUMMAND};
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx512f")]
    pub(super) fn avx512(links: u64) -> f32 {
        let (factor, summand) = (_mm512_set1_ps(FACTOR), _mm512_set1_ps(SUMMAND));
        let mut chains = [_mm512_setzero_ps(); CHAINS];
        for _ in 0..links {
            for x in &mut chains {
                *x = _mm512_fmadd_ps(*x, factor, summand);
            }
        }
        chains.into_iter().map(|x| _mm512_reduce_add_ps(x)).sum()
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn avx2(links: u64) -> f32 {
        let (factor, summand) = (_mm256_set1_ps(FACTOR), _mm256_set1_ps(SUMMAND));
        let mut chains = [_mm256_setzero_ps(); CHAINS];
        for _ in 0..links {
            for x in &mut chains {
                *x = _mm256_fmadd_ps(*x, factor, summand);
            }
        }
        let lanes = |x: __m256| {
            let mut lanes = [0.0f32; 8];
            // SAFETY: the array has room for eight numbers.
            unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), x) };
            lanes.iter().sum::<f32>()
        };
        chains.into_iter().map(lanes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::Solo;

    #[test]
    fn every_path_computes_all_its_chains() {
        for path in Path::all() {
            for (links, expected) in [(1, 0.5), (3, 0.875), (100, 1.0)] {
                let all = (CHAINS * path.lanes()) as f32;
                assert_eq!(path.run(links), expected * all, "{path:?} after {links} links");
            }
        }
    }

    #[test]
    fn the_peak_is_that_of_a_processor_of_this_century() {
        let peak = measure(&Solo);
        assert!(peak > 0.5 && peak < 1e6, "{peak} Gflops");
    }
}
