//! Maps surface density to brightness.

use crate::{Error, Shade, SurfaceDensity};
use rayon::prelude::*;

/// Fraction of the mass in pixels fainter than the automatic range.
const FAINT_MASS: f64 = 0.003;
/// Fraction of the non-empty pixels that are brighter than the automatic range.
const BRIGHT_PIXELS: f64 = 1e-4;
/// Least lower end of an automatic range, as a fraction of [`SurfaceDensity::grain`].
const FAINT_GRAINS: f64 = 0.2;
/// Smallest and largest extent of an automatic range [decades].
const DECADES: [f64; 2] = [1.0, 5.0];

/// How brightness depends on surface density.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stretch {
    /// Logarithmic, from the lower to the upper end of the range.
    #[default]
    Log,
    /// Inverse hyperbolic sine of the ratio to the lower end (Lupton, Gunn & Szalay 1999). It is
    /// linear below the lower end, down to zero, and logarithmic above.
    Asinh,
}

/// The surface densities [M/L^2] at which the colours begin and end, and the scale between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f64,
    high: f64,
    stretch: Stretch,
}

impl Range {
    /// The range from `low` to `high` [M/L^2].
    ///
    /// # Errors
    /// [`Error::Range`] unless both are positive and finite and `low` is below `high`.
    pub fn new(low: f64, high: f64) -> Result<Range, Error> {
        let range = Range { low, high, stretch: Stretch::Log };
        let sound = low > 0.0 && high.is_finite() && low < high && range.decades() > 1e-6;
        if sound { Ok(range) } else { Err(Error::Range(low, high)) }
    }

    /// The same range with another stretch.
    pub fn with_stretch(self, stretch: Stretch) -> Range {
        Range { stretch, ..self }
    }

    /// A range given by percentiles of the non-empty pixels: `below` percent are darker and `above`
    /// percent are below its upper end. `None` if the picture is empty.
    ///
    /// # Errors
    /// [`Error::Percent`] unless 0 <= `below` < `above` <= 100.
    pub fn percentiles(picture: &SurfaceDensity, below: f64, above: f64) -> Result<Option<Range>, Error> {
        if !(0.0 <= below && below < above && above <= 100.0) {
            return Err(Error::Percent(below, above));
        }
        let lit = lit(picture);
        let Some(last) = lit.len().checked_sub(1) else { return Ok(None) };
        let [low, high] = [below, above].map(|percent| lit[(percent / 100.0 * last as f64).round() as usize]);
        let low = low.min(high / 10f64.powf(DECADES[0])).max(f64::MIN_POSITIVE);
        Ok(Some(Range { low, high, stretch: Stretch::Log }))
    }

    /// The automatic range, or `None` if the picture is empty. 0.3 % of the mass is fainter and
    /// 0.01 % of the non-empty pixels are brighter. The lower end is at least a fifth of
    /// [`SurfaceDensity::grain`]. The range spans one to five decades.
    pub fn of(picture: &SurfaceDensity) -> Option<Range> {
        let lit = lit(picture);
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
            stretch: Stretch::Log,
        })
    }

    /// The smallest range that contains both.
    pub fn union(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high), ..self }
    }

    /// The lower end [M/L^2].
    pub fn low(&self) -> f64 {
        self.low
    }

    /// The upper end [M/L^2].
    pub fn high(&self) -> f64 {
        self.high
    }

    /// Extent [decades].
    pub fn decades(&self) -> f64 {
        self.high.log10() - self.low.log10()
    }

    /// The scale between the ends.
    pub fn stretch(&self) -> Stretch {
        self.stretch
    }

    /// Brightness of a value from 0 to 1. It is 0 at or below the lower end (for
    /// [`Stretch::Asinh`], at zero) and 1 at or above the upper end.
    pub fn brightness(&self, value: f64) -> f64 {
        let part = match self.stretch {
            Stretch::Log if value <= self.low => 0.0,
            Stretch::Log => (value.log10() - self.low.log10()) / self.decades(),
            Stretch::Asinh => (value / self.low).asinh() / (self.high / self.low).asinh(),
        };
        part.clamp(0.0, 1.0)
    }

    /// The value [M/L^2] of a brightness from 0 to 1. The inverse of [`Range::brightness`].
    fn value(&self, brightness: f64) -> f64 {
        match self.stretch {
            Stretch::Log => 10f64.powf(self.low.log10() + brightness * self.decades()),
            Stretch::Asinh => self.low * (brightness * (self.high / self.low).asinh()).sinh(),
        }
    }

    /// Divides the brightness into `count` equal steps, at least two.
    pub(crate) fn steps(&self, count: u16) -> Steps {
        let middle = |step: u16| (f64::from(step) - 0.5) / f64::from(count - 1);
        Steps::new((1..count).map(|step| self.value(middle(step))).collect())
    }
}

/// Finds the brightness step of a value from its leading bits, without a logarithm.
pub(crate) struct Steps {
    /// The least value of each step except the darkest, in ascending order [M/L^2].
    edges: Vec<f64>,
    /// Leading bits of the first edge.
    first: u64,
    /// Number of edges below all values with these leading bits. The entries run from `first` to
    /// the leading bits of the last edge, and one more.
    begins: Vec<u16>,
}

/// Number of trailing bits. The leading bits are the sign, the exponent and six bits of the
/// fraction.
const TRAILING: u32 = 46;

impl Steps {
    fn new(edges: Vec<f64>) -> Steps {
        let leading = |edge: Option<&f64>| edge.map_or(0, |edge| edge.to_bits() >> TRAILING);
        let (first, last) = (leading(edges.first()), leading(edges.last()));
        let begin = |bits: u64| edges.partition_point(|edge| *edge < f64::from_bits(bits << TRAILING)) as u16;
        Steps { first, begins: (first..=last + 1).map(begin).collect(), edges }
    }

    /// The step of a value [M/L^2], from 0.
    pub(crate) fn of(&self, value: f64) -> usize {
        let last = self.edges.len() - 1;
        if value >= self.edges[last] {
            return last + 1;
        }
        if value.is_nan() || value < self.edges[0] {
            return 0;
        }
        let place = ((value.to_bits() >> TRAILING) - self.first) as usize;
        let [begin, end] = [self.begins[place], self.begins[place + 1]].map(usize::from);
        begin + self.edges[begin..end].partition_point(|edge| *edge <= value)
    }
}

/// The values of the non-empty pixels in ascending order.
fn lit(picture: &SurfaceDensity) -> Vec<f64> {
    let mut lit: Vec<f64> = picture.values().iter().copied().filter(|value| *value > 0.0).collect();
    lit.par_sort_unstable_by(f64::total_cmp);
    lit
}

/// The range of [`Shade::Mean`] from the 2nd to the 98th percentile, weighted by surface density.
/// If `signed`, it is symmetric about zero. `None` if the picture is empty or has no mean values.
pub fn value_range(picture: &SurfaceDensity, signed: bool) -> Option<[f64; 2]> {
    let Shade::Mean(means) = picture.shade() else { return None };
    let mut values: Vec<(f32, f64)> = means.iter().copied().zip(picture.values().iter().copied()).collect();
    values.retain(|(_, weight)| *weight > 0.0);
    values.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let whole: f64 = values.iter().map(|(_, weight)| weight).sum();
    let reach = |part: f64| {
        let mut below = 0.0;
        let found = values.iter().find(|(_, weight)| {
            below += weight;
            below >= part * whole
        });
        found.or(values.last()).map(|(value, _)| f64::from(*value))
    };
    let [low, high] = [reach(0.02)?, reach(0.98)?];
    let most = low.abs().max(high.abs());
    Some(if signed { [-most, most] } else { [low, high] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Direction, NEIGHBOURS, Subject, Tint, View, smoothing_lengths};
    use treecode::{Bodies, TYPES};

    fn picture_of(bodies: &Bodies) -> SurfaceDensity {
        tinted_picture_of(bodies, Tint::Plain)
    }

    fn tinted_picture_of(bodies: &Bodies, tint: Tint) -> SurfaceDensity {
        let view = View::new([160, 160], [0.0; 3], 10.0, Direction::Z).unwrap();
        let kinds = [true; TYPES];
        let lengths = smoothing_lengths(bodies, kinds, NEIGHBOURS).unwrap();
        SurfaceDensity::project(&Subject { bodies, kinds, lengths: &lengths, tint }, &view).unwrap()
    }

    /// A compact group of bodies and a single distant one.
    fn heap_and_one(heap: usize) -> SurfaceDensity {
        let mut bodies = Bodies::zeroed(heap + 1);
        bodies.mass.fill(1.0);
        bodies.pos[0][heap] = 4.0;
        picture_of(&bodies)
    }

    /// One pixel holds 98 % of the mass and is nearly a million times as bright as the rest.
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

    /// The step is the rounded brightness for any value and for very wide and very narrow ranges.
    #[test]
    fn steps_are_brightness_rounded() {
        for (low, high) in [(1e-3, 1e5), (2.0, 2.001), (1e-150, 1e150), (0.7, 7.0)] {
            for stretch in [Stretch::Log, Stretch::Asinh] {
                let range = Range::new(low, high).unwrap().with_stretch(stretch);
                let steps = range.steps(1024);
                let wide = (0..50_000).map(|i| f64::from(i) / 40_000.0 - 0.1);
                for value in wide.map(|part| range.value(part)).chain([0.0, -1.0, low, high, f64::MAX]) {
                    let exact = 1023.0 * range.brightness(value);
                    let off = steps.of(value) as f64 - exact;
                    assert!(off.abs() < 0.5 + 1e-6, "{value} of {low} to {high}: {off} off {exact}");
                }
            }
        }
        assert_eq!(Range::new(1.0, 10.0).unwrap().steps(2).of(f64::NAN), 0);
    }

    /// Lupton, Gunn & Szalay (1999): linear for faint values, logarithmic for bright ones.
    #[test]
    fn the_asinh_stretch_is_linear_below_and_logarithmic_above() {
        let range = Range::new(1e-2, 1e6).unwrap().with_stretch(Stretch::Asinh);
        assert_eq!([0.0, 1e6, 1e9].map(|value| range.brightness(value)), [0.0, 1.0, 1.0]);
        assert!((range.brightness(2e-4) / range.brightness(1e-4) - 2.0).abs() < 1e-3);
        let decade = |value: f64| range.brightness(10.0 * value) - range.brightness(value);
        assert!((decade(1e2) / decade(1e4) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn percentiles_leave_so_many_pixels_outside() {
        let mut one = Bodies::zeroed(1);
        one.mass[0] = 1.0;
        let picture = picture_of(&one);
        let range = Range::percentiles(&picture, 10.0, 95.0).unwrap().unwrap();
        let lit = picture.values().iter().filter(|value| **value > 0.0);
        let brighter = lit.clone().filter(|value| **value > range.high()).count() as f64 / lit.count() as f64;
        assert!((brighter - 0.05).abs() < 0.01, "{brighter}");
        assert_eq!(Range::percentiles(&picture_of(&Bodies::default()), 1.0, 99.0).unwrap(), None);
        for (below, above) in [(-1.0, 50.0), (50.0, 50.0), (0.0, 101.0), (f64::NAN, 99.0)] {
            assert!(Range::percentiles(&picture, below, above).is_err(), "{below} {above}");
        }
    }

    #[test]
    fn values_are_told_apart_where_most_of_them_are() {
        let mut bodies = heavy_point_on_a_sheet();
        bodies.keep(0..20_000);
        let values: Vec<f64> = bodies.pos[0].iter().map(|x| x + 1.0).collect();
        let picture = tinted_picture_of(&bodies, Tint::Value(&values));
        let [low, high] = value_range(&picture, false).unwrap();
        assert!((low + 3.8).abs() < 0.15 && (high - 5.8).abs() < 0.15, "{low} {high}");
        assert_eq!(value_range(&picture, true), Some([-high, high]));
        assert_eq!(value_range(&picture_of(&bodies), false), None);
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
