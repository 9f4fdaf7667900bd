//! Parses the values of keys on a command line.

#[cfg(feature = "clap")]
use super::TypeKey;
use serde::{Deserialize, Deserializer, de};
use std::path::PathBuf;

/// Parses a whole number, such as a number of bodies: `100000`, `100_000` or `1e5`.
///
/// # Errors
/// The text is something else, or the number does not fit into 64 bits. The message says what is
/// right.
pub fn whole_number(text: &str) -> Result<u64, String> {
    const MOST: f64 = (1u64 << 53) as f64; // above it, floats skip whole numbers
    let digits = text.replace('_', "");
    let exponential = || {
        let number: f64 = digits.parse().ok()?;
        (number.fract() == 0.0 && (0.0..=MOST).contains(&number)).then_some(number as u64)
    };
    digits
        .parse()
        .ok()
        .or_else(exponential)
        .ok_or_else(|| "must be a whole number, 0 or more, such as 100000, 100_000 or 1e5".to_owned())
}

/// Reads the name of a file, for `serde(deserialize_with)` of an optional field.
///
/// # Errors
/// It is no text, or it is empty.
pub(super) fn name_of_file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = Option::<PathBuf>::deserialize(deserializer)?;
    if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
        return Err(de::Error::custom("is empty: give the name of a file, or leave out the key"));
    }
    Ok(path)
}

/// A value as an option, by the name that it has in a parameter file.
#[cfg(feature = "clap")]
pub(super) fn named<T>(names: &'static [&'static str]) -> impl clap::builder::TypedValueParser
where
    T: de::DeserializeOwned + Clone + Send + Sync + 'static,
{
    use clap::builder::TypedValueParser;
    use serde::de::{IntoDeserializer, value};
    clap::builder::PossibleValuesParser::new(names)
        .try_map(|name| T::deserialize(IntoDeserializer::<value::Error>::into_deserializer(name)))
}

/// Two numbers with a comma between.
#[cfg(feature = "clap")]
pub(super) fn pair(text: &str) -> Result<[f64; 2], String> {
    let number = |part: &str| part.trim().parse().ok().filter(|number: &f64| number.is_finite());
    let numbers: Option<Vec<f64>> = text.split(',').map(number).collect();
    let pair = numbers.and_then(|numbers| numbers.try_into().ok());
    pair.ok_or_else(|| "must be two finite numbers with a comma between, such as 0,60".to_owned())
}

/// A particle type by number or by name.
#[cfg(feature = "clap")]
pub(super) fn type_key(text: &str) -> Result<TypeKey, String> {
    let text = text.trim();
    Ok(text.parse().map_or_else(|_| TypeKey::Name(text.to_owned()), TypeKey::Number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_underscores_and_exponents() {
        for (text, number) in [
            ("100000", 100_000),
            ("100_000", 100_000),
            ("1e5", 100_000),
            ("2.5e3", 2500),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(whole_number(text), Ok(number));
        }
        for text in ["", "_", "-1", "1.5", "1e-3", "1e30", "inf", "nan", "18446744073709551616", "many"] {
            assert!(whole_number(text).is_err(), "{text}");
        }
    }
}
