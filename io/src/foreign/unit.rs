//! Parses units in the spellings of people and astronomical programs: `kpc`, `1e10 Msun`, `km/s`,
//! `km s^-1`, `AU / yr`, `solMass`.

use crate::units::{KILOPARSEC_IN_CM, TEN_BILLION_SUNS_IN_G};

/// A unit: its size in cgs, and its dimension as powers of length, mass and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) in_cgs: f64,
    pub(crate) dimension: [i32; 3],
}

/// Meaning of a text that stands in the place of a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Said {
    /// No statement, such as a missing value.
    Nothing,
    /// No unit, or the internal unit of the program. Also a line such as `---`.
    Code,
    Unit(Unit),
    /// Not understood.
    Unknown,
}

/// Julian year [s].
const YEAR: f64 = 365.25 * 86400.0;
const CENTIMETRE: Unit = Unit { in_cgs: 1.0, dimension: [1, 0, 0] };
const GRAM: Unit = Unit { in_cgs: 1.0, dimension: [0, 1, 0] };
const SECOND: Unit = Unit { in_cgs: 1.0, dimension: [0, 0, 1] };

/// Texts in the place of a unit that state nothing.
const NOTHING: [&str; 7] = ["", "-", "--", "1", "none", "null", "n/a"];

/// Names of programs for their internal units. AMUSE names those of N-body systems by their
/// dimensions.
const CODE: [&str; 15] = [
    "code",
    "code units",
    "code_length",
    "code_mass",
    "code_velocity",
    "internal",
    "internal units",
    "dimensionless",
    "unitless",
    "nbody",
    "n-body",
    "mass",
    "length",
    "speed",
    "length * time**-1",
];

/// Units with prefixes, and the allowed prefixes.
const PREFIXED: [(&str, Unit, &str); 6] = [
    ("pc", times(CENTIMETRE, KILOPARSEC_IN_CM / 1000.0), "mkMG"),
    ("m", times(CENTIMETRE, 100.0), "cmkM"),
    ("g", GRAM, "k"),
    ("yr", times(SECOND, YEAR), "kMG"),
    ("lyr", times(CENTIMETRE, 29_979_245_800.0 * YEAR), "kM"),
    ("s", SECOND, "m"),
];

/// Units without prefixes, in lower case. Case is ignored.
const NAMED: [(&str, Unit); 36] = [
    ("parsec", times(CENTIMETRE, KILOPARSEC_IN_CM / 1000.0)),
    ("ly", times(CENTIMETRE, 29_979_245_800.0 * YEAR)),
    ("au", times(CENTIMETRE, 1.495_978_707e13)),
    ("ua", times(CENTIMETRE, 1.495_978_707e13)),
    ("rsun", times(CENTIMETRE, 6.957e10)),
    ("r_sun", times(CENTIMETRE, 6.957e10)),
    ("solrad", times(CENTIMETRE, 6.957e10)),
    ("msun", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("m_sun", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("msol", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("m_sol", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("msolar", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("solmass", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("solarmass", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("m☉", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("m⊙", times(GRAM, TEN_BILLION_SUNS_IN_G * 1e-10)),
    ("mearth", times(GRAM, 5.972_17e27)),
    ("m_earth", times(GRAM, 5.972_17e27)),
    ("earthmass", times(GRAM, 5.972_17e27)),
    ("mjup", times(GRAM, 1.898_125e30)),
    ("m_jup", times(GRAM, 1.898_125e30)),
    ("mjupiter", times(GRAM, 1.898_125e30)),
    ("jupitermass", times(GRAM, 1.898_125e30)),
    ("kilogram", times(GRAM, 1000.0)),
    ("metre", times(CENTIMETRE, 100.0)),
    ("meter", times(CENTIMETRE, 100.0)),
    ("hour", times(SECOND, 3600.0)),
    ("gram", GRAM),
    ("sec", SECOND),
    ("second", SECOND),
    ("min", times(SECOND, 60.0)),
    ("hr", times(SECOND, 3600.0)),
    ("d", times(SECOND, 86400.0)),
    ("day", times(SECOND, 86400.0)),
    ("year", times(SECOND, YEAR)),
    // km/s in AMUSE.
    ("kms", Unit { in_cgs: 1e5, dimension: [1, 0, -1] }),
];

/// Names that are words, so that they may have a plural and, as words, a prefix.
const WORDS: [&str; 10] =
    ["parsec", "year", "gram", "metre", "meter", "second", "day", "sec", "msun", "hour"];
const WORD_PREFIXES: [(&str, f64); 4] = [("centi", 1e-2), ("kilo", 1e3), ("mega", 1e6), ("giga", 1e9)];

const fn times(unit: Unit, factor: f64) -> Unit {
    Unit { in_cgs: unit.in_cgs * factor, dimension: unit.dimension }
}

/// Interprets a text in the place of a unit.
pub(crate) fn said(text: &str) -> Said {
    let text = text.trim().trim_matches(['\'', '"']).trim();
    let inside = ["[]", "()", "<>"].iter().find_map(|pair| {
        let (open, close) = pair.split_at(1);
        text.strip_prefix(open)?.strip_suffix(close).filter(|inside| !inside.contains(open))
    });
    let text = inside.unwrap_or(text).trim();
    let low = text.to_lowercase();
    if NOTHING.contains(&low.as_str()) {
        return Said::Nothing;
    }
    if CODE.contains(&low.as_str()) || text.bytes().all(|byte| byte == b'-') {
        return Said::Code;
    }
    // Common spellings of km/s that the grammar would read differently.
    if matches!(low.as_str(), "kms-1" | "kms^-1" | "kms**-1" | "kms⁻¹") {
        return Said::Unit(Unit { in_cgs: 1e5, dimension: [1, 0, -1] });
    }
    let mut rest = text;
    match product(&mut rest, 0) {
        Some(unit) if rest.trim().is_empty() && unit.in_cgs > 0.0 && unit.in_cgs.is_finite() => {
            Said::Unit(unit)
        }
        _ => Said::Unknown,
    }
}

/// Greatest depth of parentheses. No valid unit is deeper.
const DEEPEST: usize = 4;

/// Parses factors separated by `*`, `.`, `/` or a blank. `/` divides by the next factor only.
fn product(rest: &mut &str, depth: usize) -> Option<Unit> {
    let mut unit = Unit { in_cgs: 1.0, dimension: [0; 3] };
    let mut power = 1;
    loop {
        unit = unit.by(factor(rest, depth)?, power)?;
        *rest = rest.trim_start();
        if rest.is_empty() || rest.starts_with(')') {
            return Some(unit);
        }
        power = if rest.starts_with('/') { -1 } else { 1 };
        if let Some(after) = rest.strip_prefix(['/', '*', '.', '·', '×']) {
            *rest = after;
        }
    }
}

/// Parses a number, a name, or a product in parentheses, each with an optional power.
fn factor(rest: &mut &str, depth: usize) -> Option<Unit> {
    *rest = rest.trim_start();
    if let Some(inside) = rest.strip_prefix('(') {
        if depth >= DEEPEST {
            return None;
        }
        *rest = inside;
        let unit = product(rest, depth + 1)?;
        *rest = rest.trim_start().strip_prefix(')')?;
        return Unit { in_cgs: 1.0, dimension: [0; 3] }.by(unit, power(rest)?);
    }
    let unit = if rest.starts_with(|c: char| c.is_ascii_digit()) {
        let is_exponent = |place: usize| {
            let (before, after) = (&rest[..place], &rest[place + 1..]);
            let after = after.strip_prefix(['+', '-']).unwrap_or(after);
            !before.contains(['e', 'E']) && after.starts_with(|c: char| c.is_ascii_digit())
        };
        let in_number = |(place, c): (usize, char)| match c {
            '0'..='9' | '.' => true,
            'e' | 'E' => is_exponent(place),
            '+' | '-' => rest[..place].ends_with(['e', 'E']),
            _ => false,
        };
        let end = rest.char_indices().find(|&at| !in_number(at)).map_or(rest.len(), |(place, _)| place);
        let (digits, after) = rest.split_at(end);
        *rest = after;
        Unit { in_cgs: digits.parse().ok()?, dimension: [0; 3] }
    } else {
        let in_name = |c: char| c.is_alphabetic() || matches!(c, '_' | '☉' | '⊙');
        let end = rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        *rest = after;
        named(name)?
    };
    Unit { in_cgs: 1.0, dimension: [0; 3] }.by(unit, power(rest)?)
}

/// Parses the power after a factor: `^2`, `**-1`, `^(-1)`, `-1`, `2`, `⁻¹`. It is 1 if there is
/// none, and `None` if it is invalid.
fn power(rest: &mut &str) -> Option<i32> {
    for (raised, power) in [("⁻¹", -1), ("⁻²", -2), ("²", 2), ("³", 3)] {
        if let Some(after) = rest.strip_prefix(raised) {
            *rest = after;
            return Some(power);
        }
    }
    let marked = rest.strip_prefix("**").or_else(|| rest.strip_prefix('^'));
    let text = marked.unwrap_or(rest);
    let (text, closed) = match text.strip_prefix('(').filter(|_| marked.is_some()) {
        Some(inside) => (inside, ")"),
        None => (text, ""),
    };
    let sign = text.len() - text.trim_start_matches(['+', '-']).len();
    let end = text[sign..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |end| sign + end);
    if end == sign {
        return if marked.is_none() && sign == 0 { Some(1) } else { None };
    }
    *rest = text[end..].strip_prefix(closed)?;
    text[..end].parse().ok().filter(|power: &i32| power.abs() <= 20)
}

fn named(name: &str) -> Option<Unit> {
    let prefixed = PREFIXED.iter().find_map(|(end, unit, prefixes)| {
        let prefix = name.strip_suffix(end)?;
        let factor = match prefix {
            "" => 1.0,
            "c" if prefixes.contains(prefix) => 1e-2,
            "m" if prefixes.contains(prefix) => 1e-3,
            "k" if prefixes.contains(prefix) => 1e3,
            "M" if prefixes.contains(prefix) => 1e6,
            "G" if prefixes.contains(prefix) => 1e9,
            _ => return None,
        };
        // A single product, so that a kiloparsec has the same bits as in the units of a run.
        Some(Unit { in_cgs: factor * unit.in_cgs, dimension: unit.dimension })
    });
    prefixed.or_else(|| {
        let low = name.to_lowercase();
        let known = |name: &str| NAMED.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit);
        // `parsecs` and `kiloparsec`. No name of a unit here is another one with an s.
        let one = low.strip_suffix('s').filter(|one| WORDS.iter().any(|word| one.ends_with(word)));
        let word = one.unwrap_or(&low);
        let with_prefix = || {
            let (prefix, factor) = WORD_PREFIXES.iter().find(|(prefix, _)| word.starts_with(prefix))?;
            let unit = known(&word[prefix.len()..]).filter(|_| WORDS.contains(&&word[prefix.len()..]))?;
            Some(Unit { in_cgs: factor * unit.in_cgs, dimension: unit.dimension })
        };
        known(&low).or_else(|| known(word)).or_else(with_prefix)
    })
}

impl Unit {
    pub(super) const LENGTH: [i32; 3] = [1, 0, 0];
    pub(super) const MASS: [i32; 3] = [0, 1, 0];
    pub(super) const VELOCITY: [i32; 3] = [1, 0, -1];

    /// This unit times a power of another.
    fn by(self, other: Unit, power: i32) -> Option<Unit> {
        let mut dimension = self.dimension;
        for (sum, theirs) in dimension.iter_mut().zip(other.dimension) {
            *sum = theirs.checked_mul(power).and_then(|theirs| sum.checked_add(theirs))?;
        }
        let factor = match power {
            1 => other.in_cgs,
            -1 => 1.0 / other.in_cgs,
            power => other.in_cgs.powi(power),
        };
        Some(Unit { in_cgs: self.in_cgs * factor, dimension })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Unit {
        match said(text) {
            Said::Unit(unit) => unit,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn one_velocity_in_many_spellings() {
        for text in [
            "km/s",
            "km / s",
            "km s-1",
            "km s^-1",
            "km.s-1",
            "km s**-1",
            "km * s**-1",
            "[km/s]",
            "(km/s)",
            "km s^(-1)",
            "kms",
            "kms^-1",
            "km s⁻¹",
            "km·s-1",
            "1e5 cm/s",
            "10^5 cm / s",
            "km/(s)",
            "(km)/(s)",
            "'km/s'",
            "1000 m sec-1",
        ] {
            let found = unit(text);
            assert!(
                (found.in_cgs / 1e5 - 1.0).abs() < 1e-14 && found.dimension == Unit::VELOCITY,
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn masses_and_lengths_are_those_of_the_units_of_a_run() {
        assert_eq!(
            unit("kpc"),
            Unit { in_cgs: crate::Units::GALACTIC.length_in_cm, dimension: Unit::LENGTH }
        );
        for text in
            ["1e10 Msun", "1e10 solMass", "10**10 M_sun", "10000000000.0 solMass", "1.0E+10*MSun", "1e10 M☉"]
        {
            let found = unit(text);
            assert!(
                (found.in_cgs / crate::Units::GALACTIC.mass_in_g - 1.0).abs() < 1e-15,
                "{text}: {found:?}"
            );
            assert_eq!(found.dimension, Unit::MASS);
        }
        let ratio = |a: &str, b: &str| unit(a).in_cgs / unit(b).in_cgs;
        for (a, b, expected) in [
            ("Mpc", "pc", 1e6),
            ("pc", "AU", 206_264.806_247),
            ("kg", "g", 1e3),
            ("Myr", "s", 1e6 * YEAR),
            ("lyr", "m", 9.460_730_472_580_8e15),
            ("pc/Myr", "km/s", 0.977_792_22),
        ] {
            assert!((ratio(a, b) / expected - 1.0).abs() < 1e-8, "{a} is {} {b}", ratio(a, b));
        }
    }

    #[test]
    fn units_as_words() {
        for (word, symbol) in [
            ("parsecs", "pc"),
            ("kiloparsec", "kpc"),
            ("Megaparsecs", "Mpc"),
            ("Msuns", "Msun"),
            ("years", "yr"),
            ("gigayears", "Gyr"),
            ("metres", "m"),
            ("kilometers", "km"),
            ("hours", "hr"),
            ("kilograms", "kg"),
        ] {
            let (found, known) = (unit(word), unit(symbol));
            assert!(
                found.dimension == known.dimension && (found.in_cgs / known.in_cgs - 1.0).abs() < 1e-14,
                "{word}"
            );
        }
        assert_eq!(unit("kilometres/second").dimension, [1, 0, -1]);
        for wrong in ["kpcs", "kilopc", "kilokiloparsec", "kilo", "s s s parsecss"] {
            assert_eq!(said(wrong), Said::Unknown, "{wrong}");
        }
    }

    #[test]
    fn what_is_no_unit() {
        for text in ["", "-", "--", "1", "None", "[]"] {
            assert_eq!(said(text), Said::Nothing, "{text}");
        }
        for text in ["---", "code units", "[code]", "length"] {
            assert_eq!(said(text), Said::Code, "{text}");
        }
        for text in [
            "kpc/h",
            "foo",
            "km s^",
            "km/",
            "/s",
            "km s--1",
            "km^99",
            "(((((((km)))))))",
            "km)",
            "(km",
            "1e",
            "1e400 kpc",
            "0 kpc",
            "kpc kpc^20 kpc^20 kpc^20",
            "²",
            "é",
            "Mg",
            "1..5 kpc",
        ] {
            assert_eq!(said(text), Said::Unknown, "{text}");
        }
    }
}
