//! Range and ticks of an axis. Labels are round numbers.

use super::{Axis, Scale};
use crate::text::label::{plain_number, power_of_ten};

/// Greatest number of labels on an axis with enough room.
pub(super) const MOST_LABELS: f64 = 7.0;
/// Free space beyond the data, as a fraction of their extent.
const MARGIN: f64 = 0.05;
/// Greatest number of decades of a logarithmic axis. Smaller values are noise.
const MOST_DECADES: f64 = 20.0;

/// An axis with its range and ticks. Positions are those of [`Scale::place`].
#[derive(Clone, Debug)]
pub(super) struct Ruler {
    pub scale: Scale,
    pub ends: [f64; 2],
    pub ticks: Vec<Tick>,
    /// Common factor of all labels, if it is not 1.
    pub factor: Option<String>,
}

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    pub place: f64,
    /// `None` for minor ticks.
    pub label: Option<String>,
}

impl Ruler {
    /// A ruler for these values, with at most about `most` labels. Values that the scale cannot show are
    /// skipped.
    pub(super) fn new(axis: &Axis, values: impl Iterator<Item = f64>, most: f64) -> Ruler {
        let places = values.chain(axis.reaches.iter().copied()).map(|value| axis.scale.place(value));
        let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
        for place in places.filter(|place| place.is_finite()) {
            (lo, hi) = (lo.min(place), hi.max(place));
        }
        if lo > hi {
            (lo, hi) = (0.0, 1.0);
        }
        if axis.scale == Scale::Log {
            lo = lo.max(hi - MOST_DECADES);
        }
        // An end that the caller asked for gets no margin.
        let asked = |end: f64| axis.reaches.iter().any(|&value| axis.scale.place(value) == end);
        let margin = if hi > lo { MARGIN * (hi - lo) } else { alone(axis.scale, lo) };
        let ends = [
            if asked(lo) && hi > lo { lo } else { lo - margin },
            if asked(hi) && hi > lo { hi } else { hi + margin },
        ];
        Ruler::between(axis.scale, ends, most)
    }

    /// A ruler with this range.
    pub(super) fn between(scale: Scale, ends: [f64; 2], most: f64) -> Ruler {
        let (ticks, factor) = match scale {
            Scale::Log => decades(ends, most),
            Scale::Linear => steps(ends, most),
            Scale::Whole if ends[1] - ends[0] > most => steps(ends, most),
            Scale::Whole => (whole_numbers(ends), None),
        };
        Ruler { scale, ends, ticks, factor }
    }

    /// Position of a number from 0 at the lower end to 1 at the upper end. It is not finite if the
    /// scale cannot show the number.
    pub(super) fn part(&self, value: f64) -> f64 {
        self.part_of_place(self.scale.place(value))
    }

    pub(super) fn part_of_place(&self, place: f64) -> f64 {
        (place - self.ends[0]) / (self.ends[1] - self.ends[0])
    }
}

/// Margin around a single value.
fn alone(scale: Scale, place: f64) -> f64 {
    match scale {
        Scale::Log => 0.5,
        Scale::Linear if place.abs() < f64::MIN_POSITIVE => 1.0,
        Scale::Linear => 0.1 * place.abs(),
        Scale::Whole => 1.0,
    }
}

/// Ticks at 1, 2, ... 9 times powers of ten, with as many labels as fit.
fn decades([lo, hi]: [f64; 2], most: f64) -> (Vec<Tick>, Option<String>) {
    let inside = |place: &f64| (lo - 1e-9..=hi + 1e-9).contains(place);
    let exponents = || lo.floor() as i32..=hi.ceil() as i32;
    let marks = |digits: &'static [i32]| {
        let mark =
            |(exponent, digit): (i32, i32)| (digit, exponent, f64::from(exponent) + f64::from(digit).log10());
        let all = exponents().flat_map(move |exponent| digits.iter().map(move |&digit| (exponent, digit)));
        all.map(mark).filter(|(_, _, place)| inside(place)).collect::<Vec<_>>()
    };
    let all = marks(&[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    let labelled: &[i32] = match marks(&[1]).len() {
        2.. => &[1],
        _ if marks(&[1, 2, 5]).len() >= 2 => &[1, 2, 5],
        _ => &[1, 2, 3, 4, 5, 6, 7, 8, 9],
    };
    if all.len() < 2 {
        // The axis spans less than one digit.
        let (ticks, factor) = steps([10f64.powf(lo), 10f64.powf(hi)], most);
        let ticks = ticks.into_iter().map(|tick| Tick { place: tick.place.log10(), ..tick }).collect();
        return (ticks, factor);
    }
    let stride = ((hi - lo) / most).ceil().max(1.0) as i32;
    let label = |digit: i32, exponent: i32| {
        let wanted = labelled.contains(&digit) && exponent.rem_euclid(stride) == 0;
        let plain = stride == 1 && lo >= -2.5 && hi <= 4.0 || labelled.len() > 1;
        wanted.then(|| if plain { plain_number(digit, exponent) } else { power_of_ten(digit, exponent) })
    };
    // If some decades have no label, only whole decades are marked.
    let shown = all.into_iter().filter(|(digit, _, _)| stride == 1 || *digit == 1);
    (shown.map(|(digit, exponent, place)| Tick { place, label: label(digit, exponent) }).collect(), None)
}

/// Ticks at multiples of 1, 2 or 5 times a power of ten, with as many decimals as they need.
fn steps([lo, hi]: [f64; 2], most: f64) -> (Vec<Tick>, Option<String>) {
    let greatest = lo.abs().max(hi.abs());
    let power = greatest.log10().floor();
    let apart = if (-3.0..5.0).contains(&power) { 0.0 } else { power };
    let unit = 10f64.powf(apart);
    let rough = (hi - lo) / unit / most;
    let ten = 10f64.powf(rough.log10().floor());
    let (digit, small) = [(1.0, 5.0), (2.0, 4.0), (5.0, 5.0), (10.0, 5.0)]
        .into_iter()
        .find(|(digit, _)| digit * ten >= rough * (1.0 - 1e-9))
        .unwrap_or((10.0, 5.0));
    let step = digit * ten;
    let decimals = (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize;
    let finest = step / small;
    let first = (lo / unit / finest - 1e-9).ceil() as i64;
    let last = (hi / unit / finest + 1e-9).floor() as i64;
    let tick = |i: i64| Tick {
        place: i as f64 * finest * unit,
        label: (i % small as i64 == 0)
            .then(|| format!("{:.decimals$}", i as f64 * finest + 0.0).replace('-', "−")),
    };
    let factor = (apart != 0.0).then(|| format!("×{}", power_of_ten(1, apart as i32)));
    ((first..=last).map(tick).collect(), factor)
}

/// A tick at every integer. The range holds few.
fn whole_numbers([lo, hi]: [f64; 2]) -> Vec<Tick> {
    let [first, last] = [(lo - 1e-9).ceil() as i64, (hi + 1e-9).floor() as i64];
    let tick = |i: i64| Tick { place: i as f64, label: Some(i.to_string().replace('-', "−")) };
    (first..=last).map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, values: &[f64]) -> Vec<String> {
        Ruler::new(&axis, values.iter().copied(), MOST_LABELS)
            .ticks
            .into_iter()
            .filter_map(|tick| tick.label)
            .collect()
    }

    #[test]
    fn linear_axes_have_round_labels() {
        assert_eq!(labels(Axis::linear(""), &[0.0, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(Axis::linear(""), &[-3.0, 9.0]), ["−2", "0", "2", "4", "6", "8"]);
        assert_eq!(labels(Axis::linear(""), &[10.0, 10.01]).first().unwrap(), "10.000");
        let ruler = Ruler::new(&Axis::linear(""), [0.0, 3.2e7].into_iter(), MOST_LABELS);
        assert_eq!(ruler.factor.as_deref(), Some("×10⁷"));
        assert!(
            ruler.ticks.iter().any(|tick| tick.label.as_deref() == Some("3") && tick.place == 3e7),
            "{ruler:?}"
        );
    }

    #[test]
    fn axes_of_what_is_counted_have_whole_labels() {
        assert_eq!(labels(Axis::whole(""), &[0.0, 1.0]), ["0", "1"]);
        assert_eq!(labels(Axis::whole("").reaching(0.0), &[0.0]), ["−1", "0", "1"]);
        assert_eq!(labels(Axis::whole(""), &[-0.5, 3.5]), ["0", "1", "2", "3"]);
        assert_eq!(labels(Axis::whole(""), &[0.0, 12.0]), ["0", "2", "4", "6", "8", "10", "12"]);
    }

    #[test]
    fn logarithmic_axes_label_decades_and_thin_them_out() {
        assert_eq!(labels(Axis::log(""), &[0.1, 50.0]), ["0.1", "1", "10"]);
        assert_eq!(labels(Axis::log(""), &[1e6, 1e9]), ["10⁶", "10⁷", "10⁸", "10⁹"]);
        assert_eq!(labels(Axis::log(""), &[1.0, 6.0]), ["1", "2", "5"]);
        let wide = labels(Axis::log(""), &[1e-12, 1.0]);
        assert_eq!(wide, ["10⁻¹²", "10⁻¹⁰", "10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰"]);
        assert_eq!(labels(Axis::log(""), &[1.01, 1.02]).len(), 6);
        let narrow = Ruler::new(&Axis::log(""), [1.01e6, 1.02e6].into_iter(), MOST_LABELS);
        assert_eq!(narrow.factor.as_deref(), Some("×10⁶"), "short labels need it");
    }

    #[test]
    fn odd_data_still_have_an_axis() {
        for axis in [Axis::linear(""), Axis::log("")] {
            for values in [&[][..], &[f64::NAN], &[3.0], &[0.0], &[-1.0, -1.0], &[1e300, 1e-300], &[5e-324]] {
                let ruler = Ruler::new(&axis, values.iter().copied(), MOST_LABELS);
                assert!(ruler.ends[0] < ruler.ends[1] && ruler.ticks.len() < 400, "{values:?}: {ruler:?}");
            }
        }
    }

    #[test]
    fn a_short_axis_has_few_labels() {
        for (axis, values) in [(Axis::linear(""), [0.0, 1.0]), (Axis::log(""), [1e-3, 1e3])] {
            let count = |most: f64| {
                let ruler = Ruler::new(&axis, values.into_iter(), most);
                ruler.ticks.iter().filter(|tick| tick.label.is_some()).count()
            };
            assert!(count(3.0) <= 4 && count(3.0) >= 2 && count(MOST_LABELS) >= 5, "{axis:?}");
        }
    }

    #[test]
    fn an_end_that_is_asked_for_is_the_end() {
        let ruler = Ruler::new(&Axis::linear("").reaching(0.0), [0.3, 1.0].into_iter(), MOST_LABELS);
        assert_eq!(ruler.ends[0], 0.0);
        assert!(ruler.ends[1] > 1.0 && ruler.part(0.0) == 0.0);
    }
}
