//! From surface density to brightness: a logarithmic scale between two values.

use crate::{Error, SurfaceDensity};

/// Mass in pixels fainter than the automatic range, as a part of all mass in the picture.
const FAINT_MASS: f64 = 0.003;
/// Non-empty pixels brighter than the automatic range, as a part of all of them.
const BRIGHT_PIXELS: f64 = 1e-4;
/// The darkest value of an automatic range is at least this part of what a lonely body amounts to.
const FAINT_GRAINS: f64 = 0.2;
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

    /// The range that shows a picture well, or nothing if the picture is empty: 0.3 % of the mass is fainter, 0.01 %
    /// of the non-empty pixels are brighter, what is fainter than a fifth of a lonely body's spot is dark, and it spans
    /// one to five decades.
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
        Some(Range {
            low: low?.max(FAINT_GRAINS * picture.grain()).clamp(most, least).max(f64::MIN_POSITIVE),
            high,
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, View};
    use treecode::{Bodies, TYPES};

    fn picture_of(bodies: &Bodies) -> SurfaceDensity {
        let view = View::new([160, 160], [0.0; 3], 10.0, Axis::Z).unwrap();
        SurfaceDensity::project(bodies, [true; TYPES], &view).unwrap()
    }

    /// A heap of bodies and one apart.
    fn heap_and_one(heap: usize) -> SurfaceDensity {
        let mut bodies = Bodies::zeroed(heap + 1);
        bodies.mass.fill(1.0);
        bodies.pos[0][heap] = 4.0;
        picture_of(&bodies)
    }

    /// 98 % of the mass in one pixel, which is nearly a million times as bright as the rest.
    fn heavy_point_on_a_sheet() -> Bodies {
        let mut bodies = Bodies::zeroed(21_000);
        for i in 0..20_000 {
            bodies.mass[i] = 1.0;
            bodies.pos[0][i] = (i % 200) as f64 / 20.0 - 5.0;
            bodies.pos[1][i] = (i / 200) as f64 / 10.0 - 5.0;
        }
        bodies.mass[20_000..].fill(1000.0);
        bodies
    }

    #[test]
    fn brightness_is_logarithmic_and_ends_at_the_range() {
        let range = Range::new(1e-3, 1e5).unwrap();
        assert!((range.brightness(10.0) - 0.5).abs() < 1e-15);
        assert_eq!(
            [0.0, 1e-4, 1e-3, 1e5, 1e9].map(|value| range.brightness(value)),
            [0.0, 0.0, 0.0, 1.0, 1.0]
        );
    }

    #[test]
    fn an_impossible_range_is_refused() {
        for (low, high) in
            [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)]
        {
            assert!(Range::new(low, high).is_err(), "{low} to {high}");
        }
    }

    #[test]
    fn the_automatic_range_shows_a_lonely_body_and_hides_its_skirt() {
        let picture = heap_and_one(100);
        let range = Range::of(&picture).unwrap();
        let brightest = picture.values().iter().copied().fold(0.0, f64::max);
        assert_eq!(range.high(), brightest);
        assert!(range.low() < 0.7 * picture.grain() && range.low() > 0.1 * picture.grain(), "{range:?}");
    }

    #[test]
    fn the_automatic_range_spans_one_to_five_decades() {
        let mut one = Bodies::zeroed(1);
        one.mass[0] = 3.0;
        assert!((Range::of(&picture_of(&one)).unwrap().decades() - 1.0).abs() < 1e-12);
        assert!((Range::of(&picture_of(&heavy_point_on_a_sheet())).unwrap().decades() - 5.0).abs() < 1e-12);
        assert_eq!(Range::of(&picture_of(&Bodies::default())), None);
    }
}
