//! From surface density to brightness: a logarithmic scale between two values.

use crate::{Error, SurfaceDensity};

/// Mass in pixels fainter than the automatic range, as a part of all mass in the picture.
const FAINT_MASS: f64 = 0.01;
/// Non-empty pixels brighter than the automatic range, as a part of all of them.
const BRIGHT_PIXELS: f64 = 1e-4;
/// Extent of an automatic range, smallest and largest [decades].
const DECADES: [f64; 2] = [1.0, 5.0];

/// Two surface densities [M/L^2], the darkest and the brightest that the colours tell apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// The range from `low` to `high` [M/L^2].
    ///
    /// # Errors
    /// [`Error::Range`] unless both are positive and finite and `low` is below `high`.
    pub fn new(low: f64, high: f64) -> Result<Range, Error> {
        let range = Range { low, high };
        let sound = low > 0.0 && high.is_finite() && low < high && range.decades() > 1e-6;
        if sound { Ok(range) } else { Err(Error::Range(low, high)) }
    }

    /// The range that shows a picture well, or nothing if the picture is empty: 1 % of the mass is fainter, 0.01 %
    /// of the non-empty pixels are brighter, and it spans one to five decades.
    pub fn of(picture: &SurfaceDensity) -> Option<Range> {
        let mut lit: Vec<f64> = picture.values().iter().copied().filter(|value| *value > 0.0).collect();
        lit.sort_unstable_by(f64::total_cmp);
        let brightest = lit.len().checked_sub(1)?;
        let high = lit[brightest - (BRIGHT_PIXELS * lit.len() as f64) as usize];
        let faint = FAINT_MASS * lit.iter().sum::<f64>();
        let mut below = 0.0;
        let low = lit.iter().find(|value| {
            below += **value;
            below > faint
        });
        let [least, most] = DECADES.map(|decades| high / 10f64.powf(decades));
        Some(Range { low: low?.clamp(most, least).max(f64::MIN_POSITIVE), high })
    }

    /// The range that covers both.
    pub fn union(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The darkest value [M/L^2].
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The brightest value [M/L^2].
    pub fn high(&self) -> f64 {
        self.high
    }

    /// Extent [decades].
    pub fn decades(&self) -> f64 {
        self.high.log10() - self.low.log10()
    }

    /// Where a value stands on the logarithmic scale: 0 at or below the darkest, 1 at or above the brightest.
    pub fn brightness(&self, value: f64) -> f64 {
        if value <= self.low { 0.0 } else { ((value.log10() - self.low.log10()) / self.decades()).min(1.0) }
    }
}
