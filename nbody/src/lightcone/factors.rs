//! Factors of drifts and kicks from the beginning of a drift to a time in it, as polynomials in ln
//! a.

use crate::cosmology::Cosmology;
use treecode::math::polynomial_of;

/// Degree of a polynomial.
const DEGREE: usize = 14;
const NODES: usize = DEGREE + 1;
/// Greatest length of a piece in ln a. The rate of expansion has singularities at a distance of about 1
/// from the real axis; the error of a polynomial is then below 1e-14 of the change within a piece.
const PIECE: f64 = 0.3;

/// Factors of drifts and kicks from the beginning of an interval of ln a to a time in it.
pub(super) struct Factors {
    /// Length of a piece, with its sign.
    length: f64,
    pieces: Vec<Piece>,
}

/// Coefficients of the polynomials of a piece, whose variable goes from -1 to 1.
struct Piece {
    drift: [f64; NODES],
    kick: [f64; NODES],
}

/// The factors from the beginning to a time, and their derivatives by ln a.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub drift: f64,
    pub drift_rate: f64,
    pub kick: f64,
    pub kick_rate: f64,
}

impl Factors {
    /// Polynomials over an interval of this length that begins at `begin` = ln a.
    pub(super) fn new(cosmology: &Cosmology, begin: f64, length: f64) -> Factors {
        let count = (length.abs() / PIECE).ceil().max(1.0);
        let piece_length = length / count;
        let piece = |i: usize| {
            let start = i as f64 * piece_length;
            let first = [cosmology.drift_over(begin, start), cosmology.kick_over(begin, start)];
            let at = |t: f64| (begin + start, 0.5 * (t + 1.0) * piece_length);
            let of = |first: f64, integral: &dyn Fn(f64, f64) -> f64| {
                let mut polynomial = polynomial_of(|t| {
                    let (from, over) = at(t);
                    integral(from, over)
                });
                polynomial[0] += first;
                polynomial
            };
            Piece {
                drift: of(first[0], &|from, over| cosmology.drift_over(from, over)),
                kick: of(first[1], &|from, over| cosmology.kick_over(from, over)),
            }
        };
        Factors { length: piece_length, pieces: (0..count as usize).map(piece).collect() }
    }

    /// The factors from the beginning over this difference of ln a.
    pub(super) fn at(&self, passed: f64) -> At {
        let last = self.pieces.len() - 1;
        let i = ((passed / self.length) as usize).min(last);
        let t = 2.0 * (passed / self.length - i as f64) - 1.0;
        let Piece { drift, kick } = &self.pieces[i];
        let [[drift, drift_rate], [kick, kick_rate]] = [horner(drift, t), horner(kick, t)];
        let per_t = 2.0 / self.length;
        At { drift, drift_rate: per_t * drift_rate, kick, kick_rate: per_t * kick_rate }
    }
}

/// A polynomial and its derivative.
fn horner(coefficients: &[f64; NODES], t: f64) -> [f64; 2] {
    let [mut value, mut derivative] = [0.0; 2];
    for coefficient in coefficients.iter().rev() {
        derivative = derivative * t + value;
        value = value * t + coefficient;
    }
    [value, derivative]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the quadratures, for short and long drifts, forward and at all epochs.
    #[test]
    fn polynomials_are_the_integrals() {
        let universes = [
            Cosmology::flat(1.0, 1.0),
            Cosmology::flat(0.31, 0.1),
            Cosmology { omega_r: 9e-5, w0: -0.8, wa: -0.4, ..Cosmology::flat(0.3, 2.0) },
            Cosmology { omega_lambda: 0.6, ..Cosmology::flat(0.3, 1.0) },
        ];
        for (cosmology, begin) in universes.iter().flat_map(|c| [-4.0, -1.0, -0.3].map(|begin| (c, begin))) {
            for length in [1e-9, 1e-3, 0.0625, 0.29, -begin] {
                let factors = Factors::new(cosmology, begin, length);
                let [drift, kick] = [cosmology.drift_over(begin, length), cosmology.kick_over(begin, length)];
                for i in 0..=100 {
                    let passed = length * f64::from(i) / 100.0;
                    let at = factors.at(passed);
                    let errors = [
                        (at.drift - cosmology.drift_over(begin, passed)) / drift,
                        (at.kick - cosmology.kick_over(begin, passed)) / kick,
                    ];
                    assert!(
                        errors.iter().all(|error| error.abs() < 1e-14),
                        "{begin} {length} {i}: {errors:?}"
                    );
                    let a = (begin + passed).exp();
                    let rate = 1.0 / (a * cosmology.hubble_at(a));
                    let errors = [at.drift_rate / (rate / a) - 1.0, at.kick_rate / rate - 1.0];
                    assert!(
                        errors.iter().all(|error| error.abs() < 1e-9),
                        "{begin} {length} {i}: {errors:?}"
                    );
                }
            }
        }
    }
}
