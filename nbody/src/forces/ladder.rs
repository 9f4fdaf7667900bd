//! The ladder of tolerances, and the search on it for one that gives a wanted error. Pure: no bodies, no ranks.

use serde::{Deserialize, Serialize};
use std::f64::consts::{LN_2, SQRT_2};
use treecode::math;

/// A tolerance of `2^(n/2)`. A ladder keeps the choice the same where errors differ a little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Rung(i32);

/// A new tolerance is to give this part of the wanted error.
pub(super) const AIM: f64 = 0.8;
/// Tolerances that are tried after the first, at most.
const ROUNDS: usize = 6;
/// A search goes no farther up than this many rungs, and no farther down: errors that do not answer to the tolerance are not its business.
const FARTHEST: i32 = 32;
/// A tolerance of 256: nothing is coarser.
const HIGHEST: Rung = Rung(16);

impl Rung {
    /// The highest rung that is not above a positive tolerance.
    pub(super) fn below(tolerance: f64) -> Rung {
        Rung((2.0 * math::log2(tolerance)).floor().clamp(-100.0, HIGHEST.0.into()) as i32)
    }

    /// The tolerance: exactly a power of two, or one times the root of two.
    pub(super) fn tolerance(self) -> f64 {
        let whole = 2f64.powi(self.0.div_euclid(2));
        if self.0.rem_euclid(2) == 0 { whole } else { whole * SQRT_2 }
    }
}

/// Which errors end a search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    /// Less error than this part of the wanted one is needless.
    pub(super) least: f64,
    /// More is a miss.
    pub(super) most: f64,
}

/// A search under way.
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
    /// From a rung whose error is to be measured first; errors go as tolerance^slope.
    pub(super) fn new(wanted: f64, band: Band, slope: f64, rung: Rung) -> Search {
        let limits = [Rung(rung.0 - FARTHEST), Rung(rung.0 + FARTHEST).min(HIGHEST)];
        Search { wanted, band, slope, rung, limits, passed: None, failed: None, last: None, rounds: 0 }
    }

    /// The rung at hand.
    pub(super) fn rung(&self) -> Rung {
        self.rung
    }

    /// Takes the error that was measured at the rung at hand, and says where to measure next; `None` if it stays there: because the error is in
    /// the band, or the best that can be had. What was found too coarse is not tried again, and neither is anything coarser.
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
        // Errors may follow another law than the calibrated one: two measurements tell, within reason.
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
        // Where nothing lies between what passed and what failed, it is what passed.
        Rung(self.rung.0 + way).min(highest).max(lowest)
    }
}
