//! Particle types in options and parameter files, by number or by name.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;
use treecode::TYPES;

/// Names of the types 0 to 5.
pub use viz::TYPE_NAMES as NAMES;

/// Parses a type: `2` or `disc`.
///
/// # Errors
/// The text is neither.
pub fn kind(text: &str) -> Result<u8, String> {
    let text = text.trim();
    let known = |number: &u8| usize::from(*number) < TYPES;
    let named = || NAMES.iter().position(|name| name.eq_ignore_ascii_case(text)).map(|kind| kind as u8);
    text.parse().ok().filter(known).or_else(named).ok_or_else(|| fault(text))
}

fn fault(given: impl fmt::Display) -> String {
    format!("{given} is no particle type, must be from 0 to {}, or one of {}", TYPES - 1, NAMES.join(", "))
}

/// Which types are chosen by a list of them. An empty list chooses all.
pub fn chosen(types: &[u8]) -> [bool; TYPES] {
    std::array::from_fn(|kind| types.is_empty() || types.contains(&(kind as u8)))
}

/// A type in a parameter file: a number or a name.
pub(crate) struct Kind(pub(crate) u8);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Kind, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Kind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the number or the name of a particle type")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Kind, E> {
                kind(name).map(Kind).map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Kind, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Kind, E> {
                self.visit_str(&number.to_string())
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Reads a list of types, for `serde(deserialize_with)` of an optional field.
///
/// # Errors
/// The value is no list of types.
pub fn list_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
    let list = Vec::<Kind>::deserialize(deserializer)?;
    Ok(Some(list.into_iter().map(|Kind(number)| number).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_have_numbers_and_names() {
        assert_eq!([kind("2"), kind("disc"), kind(" Stars")], [Ok(2), Ok(2), Ok(4)]);
        for wrong in ["6", "-1", "", "discs", "1.0"] {
            let message = kind(wrong).unwrap_err();
            assert!(message.contains("from 0 to 5, or one of gas, halo,"), "{message}");
        }
    }

    #[test]
    fn an_empty_list_chooses_all() {
        assert_eq!(chosen(&[]), [true; TYPES]);
        assert_eq!(chosen(&[1, 4]), [false, true, false, false, true, false]);
    }
}
