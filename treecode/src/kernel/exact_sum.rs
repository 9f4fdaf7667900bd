//! Sums in double precision that have the same bits in any order: each term is rounded to a multiple of
//! 2^-51, and all sums are at most about 1, so that every further addition is exact.

/// Adding this constant rounds a number of magnitude up to 1 to a multiple of 2^-51.
pub(crate) const ROUND: f64 = 3.0;
/// The number of such multiples in 1.
const UNITS: f64 = (1u64 << 51) as f64;

/// A number of magnitude up to 1 as a multiple of 2^-51.
#[inline(always)]
pub(crate) fn round(x: f64) -> f64 {
    (x + ROUND) - ROUND
}

/// Sums as multiples of 2^-51, to be added to those of other ranks with wrapping.
pub fn to_units(sums: &[f64]) -> Vec<u64> {
    sums.iter().map(|sum| ((sum * UNITS) as i64).cast_unsigned()).collect()
}

/// Sets sums from multiples of 2^-51.
///
/// # Panics
/// If the numbers of sums and units differ.
pub fn set_units(sums: &mut [f64], units: &[u64]) {
    assert_eq!(sums.len(), units.len(), "numbers of sums");
    sums.iter_mut().zip(units).for_each(|(sum, units)| *sum = units.cast_signed() as f64 / UNITS);
}
