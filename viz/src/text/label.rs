//! Labels and round numbers for pictures: lengths, times and surface densities, with units.

use std::borrow::Cow;

/// CGS values of a run's units, for labels in pc, Gyr and solar masses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Units {
    /// Unit of length [cm].
    pub length_in_cm: f64,
    /// Unit of mass [g].
    pub mass_in_g: f64,
    /// Unit of time [s].
    pub time_in_s: f64,
}

/// Names of the particle types, as in GADGET.
pub const TYPE_NAMES: [&str; treecode::TYPES] = ["gas", "halo", "disc", "bulge", "stars", "other"];

/// Replaces control characters and characters that change the direction of text by escapes such as
/// `\u{1b}`. Use it for names and other text from foreign files before a terminal or a web page
/// shows it.
pub fn printable(text: &str) -> Cow<'_, str> {
    let acts = |c: char| {
        let turns = ('\u{200e}'..='\u{200f}').contains(&c) || ('\u{202a}'..='\u{202e}').contains(&c);
        c.is_control()
            || turns
            || ('\u{2066}'..='\u{2069}').contains(&c)
            || matches!(c, '\u{2028}' | '\u{2029}')
    };
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| if acts(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(shown).collect())
}

const PARSEC_IN_CM: f64 = 3.085_677_581_491_367e18; // IAU 2015 resolution B2
const AU_IN_CM: f64 = 1.495_978_707e13; // IAU 2012 resolution B2
const SUN_IN_G: f64 = 1.988_409_870_698_051e33; // IAU 2015 nominal GM over CODATA 2018 G
const YEAR_IN_S: f64 = 3.155_76e7; // Julian

const LENGTHS: [(&str, f64); 5] = [
    ("AU", AU_IN_CM),
    ("pc", PARSEC_IN_CM),
    ("kpc", 1e3 * PARSEC_IN_CM),
    ("Mpc", 1e6 * PARSEC_IN_CM),
    ("Gpc", 1e9 * PARSEC_IN_CM),
];
const MYR: (&str, f64) = ("Myr", 1e6 * YEAR_IN_S);
const TIMES: [(&str, f64); 4] = [("yr", YEAR_IN_S), ("kyr", 1e3 * YEAR_IN_S), MYR, ("Gyr", 1e9 * YEAR_IN_S)];

/// The largest unit of a table that is at most `amount`, or else the smallest.
fn unit_for(amount: f64, table: &[(&'static str, f64)]) -> (&'static str, f64) {
    table.iter().rev().find(|unit| amount >= unit.1).copied().unwrap_or(table[0])
}

/// A round length and its label.
#[derive(Clone, Debug, PartialEq)]
pub struct RoundLength {
    /// The length [L].
    pub length: f64,
    /// The label: number and unit.
    pub text: String,
}

/// The longest of 1, 2, 5, 10, ... pc, kpc, ... that is at most `longest` [L].
pub fn round_length(longest: f64, units: Option<Units>) -> RoundLength {
    let (name, unit) = length_unit(longest, units);
    let number = round_down(longest / unit);
    let name = if number == 1.0 { name.trim_end_matches('s') } else { name };
    RoundLength { length: number * unit, text: format!("{} {name}", plain_or_power(number)) }
}

/// Name and size [L] of the largest of pc, kpc, ... that is at most `length` [L].
pub(crate) fn length_unit(length: f64, units: Option<Units>) -> (&'static str, f64) {
    match units {
        Some(units) => {
            let (name, cm) = unit_for(length * units.length_in_cm, &LENGTHS);
            (name, cm / units.length_in_cm)
        }
        None => ("code units", 1.0),
    }
}

/// The largest of 1, 2, 5 times a power of ten that is at most `x`.
fn round_down(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    let step = [5.0, 2.0, 1.0].into_iter().find(|step| step * power <= x * (1.0 + 1e-12));
    step.unwrap_or(0.5) * power
}

fn plain_or_power(x: f64) -> String {
    let exponent = (x.log10() + 1e-9).floor() as i32;
    let digit = (x / 10f64.powi(exponent)).round() as i32;
    plain_number(digit, exponent)
}

/// Formats `digit` times a power of ten, as a plain number if that is short: 0.02, 20, 5×10⁶.
pub(crate) fn plain_number(digit: i32, exponent: i32) -> String {
    match exponent {
        -3..0 => format!("{:.*}", -exponent as usize, f64::from(digit) * 10f64.powi(exponent)),
        0..4 => (digit * 10i32.pow(exponent as u32)).to_string(),
        _ => power_of_ten(digit, exponent),
    }
}

/// Formats a power of ten as 10⁷, or as 2×10⁷ for a digit other than one.
pub(crate) fn power_of_ten(digit: i32, exponent: i32) -> String {
    let factor = if digit == 1 { String::new() } else { format!("{digit}×") };
    format!("{factor}10{}", superscript(exponent))
}

fn superscript(number: i32) -> String {
    let digit = |c: char| match c {
        '-' => '⁻',
        _ => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][c as usize - '0' as usize],
    };
    number.to_string().chars().map(digit).collect()
}

/// Unit of the surface density in the labels of a picture.
#[derive(Clone, Debug, PartialEq)]
pub struct DensityUnit {
    /// Name of the unit.
    pub name: String,
    /// Value of one [M/L^2] in this unit.
    pub per_code_unit: f64,
    /// Name of the unit of length, if it has one.
    length: Option<&'static str>,
}

impl DensityUnit {
    /// Solar masses per square pc, kpc or Mpc. The length is the unit of the scale bar in a picture
    /// of `width` [L].
    pub fn for_width(width: f64, units: Option<Units>) -> DensityUnit {
        let Some(units) = units else {
            return DensityUnit { name: "code units".into(), per_code_unit: 1.0, length: None };
        };
        let (name, cm) =
            unit_for(crate::picture::decoration::SCALE_BAR * width * units.length_in_cm, &LENGTHS);
        let area = (units.length_in_cm / cm).powi(2);
        let per_code_unit = units.mass_in_g / SUN_IN_G / area;
        DensityUnit { name: format!("M☉ {name}⁻²"), per_code_unit, length: Some(name) }
    }

    /// A long and a short title for the number of bodies per area, if each body has one solar mass, or the
    /// mass 1 in code units.
    pub(crate) fn titles_of_numbers(&self) -> [String; 2] {
        let per = self.length.map_or("per unit area".to_owned(), |length| format!("[{length}⁻²]"));
        ["Number of bodies", "N"].map(|name| format!("{name} {per}"))
    }
}

/// One unit and one number of decimals for all times of a sequence, so that the label does not move
/// in a movie.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeScale {
    unit: Option<(&'static str, f64)>,
    decimals: usize,
}

impl TimeScale {
    /// The scale for snapshots at these times [T]. Different times get different labels if six
    /// decimals suffice.
    pub fn for_times(times: &[f64], units: Option<Units>) -> TimeScale {
        let largest = times.iter().fold(0.0, |largest: f64, time| largest.max(time.abs()));
        let unit = units.map(|units| {
            let (name, seconds) =
                if largest == 0.0 { MYR } else { unit_for(largest * units.time_in_s, &TIMES) };
            (name, seconds / units.time_in_s)
        });
        let in_unit = |time: f64| time / unit.map_or(1.0, |unit| unit.1);
        let mut sorted: Vec<f64> = times.iter().map(|time| in_unit(*time)).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let span = sorted.last().unwrap_or(&0.0) - sorted.first().unwrap_or(&0.0);
        let same = (1e-3 * span / times.len() as f64).max(1e-9 * in_unit(largest));
        let steps = sorted.windows(2).map(|pair| pair[1] - pair[0]).filter(|step| *step > same);
        let finest = steps.fold(f64::INFINITY, f64::min);
        let needed = if finest.is_finite() { (-finest.log10()).ceil().clamp(0.0, 6.0) as usize } else { 0 };
        let usual = match largest == 0.0 {
            true => 0,
            false => (2.0 - in_unit(largest).max(1.0).log10().floor()).max(0.0) as usize,
        };
        TimeScale { unit, decimals: usual.max(needed) }
    }

    /// The unit of the times, and the value of one [T] in this unit.
    pub fn unit(&self) -> (&'static str, f64) {
        self.unit.map_or(("code units", 1.0), |(name, unit)| (name, 1.0 / unit))
    }

    /// Formats a time [T] as `t = 1.25 Gyr`, or as `t = 1.25` in code units.
    pub fn label(&self, time: f64) -> String {
        let (name, unit) = self.unit.unwrap_or(("", 1.0));
        format!("t = {:.*} {name}", self.decimals, time / unit).replace('-', "−").trim_end().into()
    }
}

/// A redshift in place of a time. It has two decimals, so that the label of a movie does not jump.
pub fn redshift_label(redshift: f64) -> String {
    // The redshift of today may be a rounding error below 0.
    format!("z = {:.2}", redshift.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GALACTIC: Units = Units {
        length_in_cm: 1e3 * PARSEC_IN_CM,
        mass_in_g: 1e10 * SUN_IN_G,
        time_in_s: 1e-5 * 1e3 * PARSEC_IN_CM,
    };

    #[test]
    fn lengths_are_round_and_in_the_unit_that_suits_them() {
        for (longest, text, length) in [
            (7.3, "5 kpc", 5.0),
            (5.0, "5 kpc", 5.0),
            (1.99, "1 kpc", 1.0),
            (0.42, "200 pc", 0.2),
            (0.0015, "1 pc", 0.001),
            (3400.0, "2 Mpc", 2000.0),
            (2e10, "2×10⁴ Gpc", 2e10),
            (1e-8, "2 AU", 2.0 * AU_IN_CM / PARSEC_IN_CM / 1e3),
        ] {
            let bar = round_length(longest, Some(GALACTIC));
            assert_eq!(bar.text, text, "for {longest} kpc");
            assert!((bar.length / length - 1.0).abs() < 1e-12, "{bar:?}");
            assert!(bar.length <= longest * (1.0 + 1e-9));
        }
    }

    #[test]
    fn what_would_act_on_a_terminal_or_a_page_is_shown() {
        assert!(matches!(printable("M☉ kpc⁻², ümläut"), Cow::Borrowed(_)));
        for (text, shown) in [
            ("a\u{1b}]0;x\u{7}b", "a\\u{1b}]0;x\\u{7}b"),
            ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
            ("\u{9b}2J\u{7f}\0", "\\u{9b}2J\\u{7f}\\u{0}"),
            ("a\u{202e}gnp.b", "a\\u{202e}gnp.b"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }

    #[test]
    fn lengths_in_code_units_are_plain_numbers_or_powers() {
        for (longest, text) in [
            (0.3, "0.2 code units"),
            (1.7, "1 code unit"),
            (64.0, "50 code units"),
            (0.001, "0.001 code units"),
            (3e-4, "2×10⁻⁴ code units"),
            (123_456.0, "10⁵ code units"),
            (1e-12, "10⁻¹² code units"),
        ] {
            assert_eq!(round_length(longest, None).text, text);
        }
    }

    /// 1e10 solar masses per square kpc are 1e4 per square pc.
    #[test]
    fn surface_density_is_in_solar_masses_per_area_of_the_scale_bar() {
        let wide = DensityUnit::for_width(30.0, Some(GALACTIC));
        assert_eq!(wide.name, "M☉ kpc⁻²");
        assert!((wide.per_code_unit / 1e10 - 1.0).abs() < 1e-12);
        let narrow = DensityUnit::for_width(0.3, Some(GALACTIC));
        assert_eq!(narrow.name, "M☉ pc⁻²");
        assert!((narrow.per_code_unit / 1e4 - 1.0).abs() < 1e-12);
        assert_eq!(
            DensityUnit::for_width(30.0, None),
            DensityUnit { name: "code units".into(), per_code_unit: 1.0, length: None }
        );
    }

    /// kpc / (km/s) is 0.9778 Gyr.
    #[test]
    fn times_have_one_unit_and_one_number_of_decimals() {
        let label = |times: &[f64], units| {
            let scale = TimeScale::for_times(times, units);
            times.iter().map(|time| scale.label(*time)).collect::<Vec<_>>()
        };
        assert_eq!(label(&[0.0, 1.0, 3.0], Some(GALACTIC)), ["t = 0.00 Gyr", "t = 0.98 Gyr", "t = 2.93 Gyr"]);
        assert_eq!(label(&[0.0, 0.5], Some(GALACTIC)), ["t = 0 Myr", "t = 489 Myr"]);
        assert_eq!(label(&[0.25], None), ["t = 0.25"]);
        assert_eq!(label(&[-10.0, 0.0, 12.5], None), ["t = −10.0", "t = 0.0", "t = 12.5"]);
        assert_eq!(label(&[0.0, 0.001, 0.002], None), ["t = 0.000", "t = 0.001", "t = 0.002"]);
        assert_eq!(label(&[0.3, 0.1 + 0.2], None), ["t = 0.30", "t = 0.30"]);
        assert_eq!(label(&[0.0], Some(GALACTIC)), ["t = 0 Myr"]);
        assert_eq!(label(&[], None), [""; 0]);
    }
}
