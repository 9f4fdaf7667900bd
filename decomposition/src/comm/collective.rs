//! Helpers over [`Comm`]: they exchange numbers instead of bytes, and make all ranks agree on
//! errors. All are collective.

use super::{Comm, Reduction};
use bytemuck::Pod;
use treecode::{Bounds, exact_sum};

/// Gives every rank the values of every rank, by rank.
pub fn gather<T: Pod>(comm: &dyn Comm, mine: &[T]) -> Vec<Vec<T>> {
    comm.all_gather(bytemuck::cast_slice(mine)).iter().map(|bytes| from_bytes(bytes)).collect()
}

/// Sends `out[r]` to each rank `r` and returns what each rank sent here, by rank.
pub fn exchange<T: Pod>(comm: &dyn Comm, out: &[Vec<T>]) -> Vec<Vec<T>> {
    let out = out.iter().map(|part| bytemuck::cast_slice(part).to_vec()).collect();
    comm.exchange(out).iter().map(|bytes| from_bytes(bytes)).collect()
}

/// Values from bytes that need not be aligned. Panics unless they are a whole number of values.
pub fn from_bytes<T: Pod>(bytes: &[u8]) -> Vec<T> {
    assert!(
        bytes.len().is_multiple_of(size_of::<T>()),
        "{} bytes are no whole number of values",
        bytes.len()
    );
    let mut values = vec![T::zeroed(); bytes.len() / size_of::<T>()];
    bytemuck::cast_slice_mut(&mut values).copy_from_slice(bytes);
    values
}

/// The number of entries on all lower ranks, given the `count` of this rank: the global index of
/// this rank's first entry.
pub fn first_index(comm: &dyn Comm, count: usize) -> u64 {
    gather(comm, &[count as u64])[..comm.rank()].iter().flatten().sum()
}

/// Sum over all ranks, wrapping.
pub fn sum(comm: &dyn Comm, value: u64) -> u64 {
    let mut values = [value];
    comm.all_reduce(&mut values, Reduction::Sum);
    values[0]
}

/// Adds the sums of all ranks, which are multiples of [`exact_sum`]. The bits do not depend on the number of
/// ranks.
pub fn exact_sum(comm: &dyn Comm, sums: &mut [f64]) {
    let mut units = exact_sum::to_units(sums);
    comm.all_reduce(&mut units, Reduction::Sum);
    exact_sum::set_units(sums, &units);
}

/// Least value over all ranks, element by element. No NaN.
pub fn min<const K: usize>(comm: &dyn Comm, values: [f64; K]) -> [f64; K] {
    extremum(comm, values, Reduction::Min)
}

/// Greatest value over all ranks, element by element. No NaN.
pub fn max<const K: usize>(comm: &dyn Comm, values: [f64; K]) -> [f64; K] {
    extremum(comm, values, Reduction::Max)
}

/// The smallest box around the boxes of all ranks.
pub fn bounds(comm: &dyn Comm, mine: Bounds) -> Bounds {
    Bounds { lo: min(comm, mine.lo), hi: max(comm, mine.hi) }
}

/// Runs `job` on all ranks. If it succeeds on all, each rank gets its own value. Otherwise all get
/// the message of the lowest rank that failed. The job is a closure, so that a `?` in it ends only
/// the job and the rank still takes part in the collective.
///
/// # Errors
/// That message, the same on every rank.
pub fn agree<T>(comm: &dyn Comm, job: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let (value, outcome) = match job() {
        Ok(value) => (Some(value), Ok([])),
        Err(message) => (None, Err(message)),
    };
    agree_on_greatest(comm, || outcome).map(|[]| value.expect("no rank has failed"))
}

/// Runs `job` on all ranks. If it succeeds on all, every rank gets the greatest values of all,
/// element by element. Otherwise all get the message of the lowest rank that failed. If no rank
/// fails, this takes one reduction. No NaN.
///
/// # Errors
/// That message, the same on every rank.
pub fn agree_on_greatest<const K: usize>(
    comm: &dyn Comm,
    job: impl FnOnce() -> Result<[f64; K], String>,
) -> Result<[f64; K], String> {
    let result = job();
    let failure = if result.is_err() { u64::MAX - comm.rank() as u64 } else { 0 };
    let mut reduced = vec![failure];
    debug_assert!(result.iter().flatten().all(|x| !x.is_nan()), "the order of NaN is not defined");
    reduced.extend(result.as_ref().unwrap_or(&[f64::NEG_INFINITY; K]).map(to_ordered));
    comm.all_reduce(&mut reduced, Reduction::Max);
    if reduced[0] == 0 {
        return Ok(std::array::from_fn(|i| from_ordered(reduced[1 + i])));
    }
    let message = result.err().unwrap_or_default();
    let mut messages = comm.all_gather(message.as_bytes());
    let first = messages.swap_remove((u64::MAX - reduced[0]) as usize);
    Err(String::from_utf8(first).expect("the message was a string when it was sent"))
}

fn extremum<const K: usize>(comm: &dyn Comm, values: [f64; K], reduction: Reduction) -> [f64; K] {
    debug_assert!(values.iter().all(|x| !x.is_nan()), "the order of NaN is not defined");
    let mut ordered = values.map(to_ordered);
    comm.all_reduce(&mut ordered, reduction);
    ordered.map(from_ordered)
}

const SIGN: u64 = 1 << 63;

/// Maps floats to integers of the same order. -0 comes before 0.
fn to_ordered(x: f64) -> u64 {
    let bits = x.to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

fn from_ordered(bits: u64) -> f64 {
    f64::from_bits(if bits & SIGN == 0 { !bits } else { bits & !SIGN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordered_bits_keep_the_order_and_every_bit() {
        let ascending =
            [f64::NEG_INFINITY, f64::MIN, -1.5, -f64::MIN_POSITIVE, -0.0, 0.0, 5e-324, 1.0, f64::INFINITY];
        assert!(ascending.map(to_ordered).is_sorted());
        assert_eq!(
            ascending.map(to_ordered).map(from_ordered).map(f64::to_bits),
            ascending.map(f64::to_bits)
        );
    }

    #[test]
    #[should_panic(expected = "no whole number")]
    fn a_torn_message_is_refused() {
        from_bytes::<u64>(&[0; 12]);
    }
}
