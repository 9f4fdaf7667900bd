//! Search for the tolerance that gives a requested error. This file uses no bodies and no ranks.

use serde::{Deserialize, Serialize};
use std::f64::consts::{LN_2, SQRT_2};
use treecode::math;

/// A tolerance of `2^(n/2)`. With discrete tolerances, a small change of the measured error seldom
/// changes the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Rung(i32);

/// A new tolerance aims at this fraction of the requested error.
pub(super) const AIM: f64 = 0.8;
/// Greatest number of tolerances that a search tries after the first.
const ROUNDS: usize = 6;
/// A search goes at most this many rungs up or down. Beyond that, the error does not depend on the
/// tolerance.
const FARTHEST: i32 = 32;
/// A tolerance of 256, the coarsest.
const HIGHEST: Rung = Rung(16);

impl Rung {
    /// The highest rung with a tolerance that does not exceed the argument, which must be positive.
    pub(super) fn below(tolerance: f64) -> Rung {
        Rung((2.0 * math::log2(tolerance)).floor().clamp(-100.0, HIGHEST.0.into()) as i32)
    }

    /// The tolerance: a power of two, or a power of two times the square root of two.
    pub(super) fn tolerance(self) -> f64 {
        let whole = 2f64.powi(self.0.div_euclid(2));
        if self.0.rem_euclid(2) == 0 { whole } else { whole * SQRT_2 }
    }
}

/// Range of accepted errors, as fractions of the requested error.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// Below this fraction, the error is needlessly small.
    pub(super) least: f64,
    /// Above this fraction, the error is too large.
    pub(super) most: f64,
}

/// State of a search.
#[derive(Clone, Debug)]
pub(super) struct Search {
    wanted: f64,
    band: Band,
    slope: f64,
    rung: Rung,
    limits: [Rung; 2],
    passed: Option<Rung>,
    failed: Option<Rung>,
    last: Option<(Rung, f64)>,
    rounds: usize,
}

impl Search {
    /// Starts at a rung whose error is measured first. Errors are proportional to tolerance^slope.
    pub(super) fn new(wanted: f64, band: Band, slope: f64, rung: Rung) -> Search {
        let limits = [Rung(rung.0 - FARTHEST), Rung(rung.0 + FARTHEST).min(HIGHEST)];
        Search { wanted, band, slope, rung, limits, passed: None, failed: None, last: None, rounds: 0 }
    }

    /// The current rung.
    #[cfg(test)]
    pub(super) fn rung(&self) -> Rung {
        self.rung
    }

    /// Takes the error measured at the current rung. Returns the rung to measure next, or `None` if
    /// the search ends at the current rung.
    ///
    /// The search ends if the error is in the range, or if no other rung is better. Rungs at or
    /// above one with too large an error are never tried again.
    pub(super) fn next(&mut self, error: f64) -> Option<Rung> {
        let fails = error.is_nan() || error > self.band.most * self.wanted;
        if fails {
            self.failed = Some(self.rung);
        } else {
            self.passed = Some(self.rung);
            if error >= self.band.least * self.wanted {
                return None;
            }
        }
        let next =
            if self.rounds == ROUNDS { self.passed.unwrap_or(self.rung) } else { self.towards(error, fails) };
        self.rounds = (self.rounds + 1).min(ROUNDS);
        self.last = Some((self.rung, error));
        (next != self.rung).then(|| {
            self.rung = next;
            next
        })
    }

    fn towards(&self, error: f64, fails: bool) -> Rung {
        // The measured slope may differ from the calibrated one. Two measurements give it, within
        // limits.
        let slope = self.last.map_or(self.slope, |(rung, before)| {
            let measured = math::ln(error / before) / (f64::from(self.rung.0 - rung.0) * 0.5 * LN_2);
            if measured.is_nan() { self.slope } else { measured.clamp(0.5 * self.slope, 2.0 * self.slope) }
        });
        let ratio = math::ln(AIM * self.wanted / error) / (slope * 0.5 * LN_2);
        let way = if ratio.is_nan() { -1 } else { ratio.floor().clamp(-1e3, 1e3) as i32 };
        let way = if fails { way.min(-1) } else { way.max(1) };
        let [lowest, highest] = self.limits;
        let lowest = self.passed.map_or(lowest, |passed| passed.max(lowest));
        let highest = self.failed.map_or(highest, |failed| Rung(failed.0 - 1).min(highest));
        // If no rung lies between the accepted and the rejected one, this is the accepted rung.
        Rung(self.rung.0 + way).min(highest).max(lowest)
    }
}
