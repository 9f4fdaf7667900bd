//! The typical acceleration of all bodies of all ranks. It follows from a sum of integers, so it
//! has the same bits on any number of ranks.

use crate::Bodies;
use crate::tree::summary::square;
use rayon::prelude::*;

/// The number of bodies of a task.
const SPAN: usize = 1 << 14;
/// Low bits of each number that are dropped, so that the sum over 2^32 bodies fits 64 bits.
const DROPPED: u32 = 32;

impl Bodies {
    /// The sum over this rank's bodies that [`typical_acceleration`] needs. Add the sums of all
    /// ranks.
    pub fn sum_for_typical(&self) -> u64 {
        let of = |i: usize| square(self.acceleration(i)).to_bits() >> DROPPED;
        (0..self.len()).into_par_iter().with_min_len(SPAN).map(of).sum()
    }
}

/// The typical acceleration [L/T^2] of `count` bodies, at least one, given the sum of
/// [`Bodies::sum_for_typical`].
///
/// The bits of a positive number, read as an integer, grow nearly with its logarithm. The mean of
/// the integers is therefore close to the bits of the geometric mean: for squares, within a factor
/// of 1.06.
pub fn typical_acceleration(sum: u64, count: u64) -> f64 {
    f64::from_bits((sum / count) << DROPPED).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_typical_acceleration_is_near_the_geometric_mean() {
        let mut bodies = Bodies::zeroed(1000);
        let mut logarithms = 0.0;
        for i in 0..bodies.len() {
            let acc = 10f64.powf(i as f64 / 100.0 - 7.0);
            bodies.acc[i % 3][i] = acc;
            logarithms += acc.ln();
        }
        let expected = (logarithms / 1000.0).exp();
        let ratio = typical_acceleration(bodies.sum_for_typical(), 1000) / expected;
        assert!((0.9..1.1).contains(&ratio), "{ratio}");
        bodies.acc.iter_mut().for_each(|axis| axis.fill(0.0));
        assert_eq!(typical_acceleration(bodies.sum_for_typical(), 1000), 0.0);
    }
}
