//! Measures the memory bandwidth with the STREAM triad a = b + q c (McCalpin 1995) on all threads.
//! The arrays are larger than any cache.

use decomposition::{Comm, collective};
use rayon::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// Length of each array per thread: 16 MiB.
const NUMBERS: usize = 1 << 21;
/// Number of measurements, of which the best is reported.
const MEASUREMENTS: usize = 5;
/// Bytes per element: two numbers are read and one is written, as in STREAM.
const BYTES: usize = 3 * size_of::<f64>();

/// Bandwidth of all ranks together [bytes/s]. Collective.
pub fn measure(comm: &dyn Comm) -> f64 {
    let threads = rayon::current_num_threads();
    let part = NUMBERS;
    let fresh = |value: f64| {
        // Each thread touches its part first, so that the system places it in near memory.
        let mut array = vec![0.0; part * threads];
        array.par_chunks_mut(part).for_each(|chunk| chunk.fill(value));
        array
    };
    let (mut a, b, c) = (fresh(0.0), fresh(1.0), fresh(2.0));
    let bytes = collective::sum(comm, (BYTES * a.len()) as u64) as f64;
    let best = (0..MEASUREMENTS).map(|_| {
        comm.barrier();
        let start = Instant::now();
        triad(&mut a, &b, &c, black_box(3.0), part);
        let [slowest] = collective::max(comm, [start.elapsed().as_secs_f64()]);
        black_box(&a);
        bytes / slowest
    });
    best.fold(0.0, f64::max)
}

fn triad(a: &mut [f64], b: &[f64], c: &[f64], q: f64, part: usize) {
    (a.par_chunks_mut(part), b.par_chunks(part), c.par_chunks(part)).into_par_iter().for_each(|(a, b, c)| {
        a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = b + q * c);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::Solo;

    #[test]
    fn the_triad_reaches_every_number() {
        let (mut a, b, c) = (vec![0.0; 1000], vec![1.0; 1000], vec![2.0; 1000]);
        triad(&mut a, &b, &c, 3.0, 300);
        assert_eq!(a, vec![7.0; 1000]);
    }

    #[test]
    fn the_bandwidth_is_that_of_a_memory_of_this_century() {
        let bandwidth = measure(&Solo);
        assert!(bandwidth > 1e8 && bandwidth < 1e15, "{bandwidth} bytes/s");
    }
}
