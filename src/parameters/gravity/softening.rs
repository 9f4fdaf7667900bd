//! Softening in a parameter file: `softening = 0.05`, or a table with `kernel`, `length` and `pairs`.
//! The length is a number for all types, a table by name of type, or a list of six numbers. `pairs` is a
//! list of tables, each with two `types` and the `length` between them.

use crate::files::kinds::{Kind, NAMES};
use serde::de::{
    Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
};
use std::fmt;
use treecode::{PairLength, Softening, SofteningKernel, TYPES};

/// Reads a softening, for `serde(deserialize_with)` of an optional field.
///
/// # Errors
/// The value is neither a length nor a table with valid keys.
pub(crate) fn deserialize_some<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Softening>, D::Error> {
    deserializer.deserialize_any(WholeVisitor).map(Some)
}

/// The keys of `[gravity.softening]`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keys {
    kernel: SofteningKernel,
    length: Length,
    #[serde(deserialize_with = "pairs")]
    pairs: Vec<PairLength>,
}

/// A table of `pairs`.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    types: [Kind; 2],
    length: f64,
}

impl Default for Keys {
    fn default() -> Keys {
        let Softening { kernel, length, .. } = Softening::default();
        Keys { kernel, length: Length(length), pairs: Vec::new() }
    }
}

struct WholeVisitor;

impl<'de> Visitor<'de> for WholeVisitor {
    type Value = Softening;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length, or a table with `kernel`, `length` and `pairs`")
    }

    fn visit_f64<E: Error>(self, length: f64) -> Result<Softening, E> {
        Ok(Softening { length: [length; TYPES], ..Softening::default() })
    }

    fn visit_i64<E: Error>(self, length: i64) -> Result<Softening, E> {
        self.visit_f64(length as f64)
    }

    fn visit_u64<E: Error>(self, length: u64) -> Result<Softening, E> {
        self.visit_f64(length as f64)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Softening, A::Error> {
        let Keys { kernel, length: Length(length), pairs } =
            Keys::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Softening { kernel, length, pairs })
    }
}

/// Reads the lengths of pairs.
fn pairs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PairLength>, D::Error> {
    let pair = |Pair { types, length }| PairLength { types: types.map(|Kind(number)| number), length };
    let pairs: Vec<PairLength> = Vec::deserialize(deserializer)?.into_iter().map(pair).collect();
    check(&pairs).map_err(D::Error::custom)?;
    Ok(pairs)
}

/// Checks the lengths of pairs, as [`Softening`] does, and names the pair.
fn check(pairs: &[PairLength]) -> Result<(), String> {
    for (i, PairLength { types, length }) in pairs.iter().enumerate() {
        let [a, b] = types.map(|kind| NAMES[usize::from(kind)]);
        if !(length.is_finite() && *length >= 0.0) {
            return Err(format!(
                "number {i}, of {a} and {b}: length = {length:?}: must be finite and not negative"
            ));
        }
        let is_same = |other: &PairLength| other.types == *types || other.types == [types[1], types[0]];
        if let Some(other) = pairs[..i].iter().position(is_same) {
            return Err(format!(
                "number {i}, of {a} and {b}: number {other} is of the same types; give one length for each pair"
            ));
        }
    }
    Ok(())
}

struct Length([f64; TYPES]);

/// Lengths by name of type. Types without a length are not softened.
#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ByName {
    gas: f64,
    halo: f64,
    #[serde(alias = "disk")]
    disc: f64,
    bulge: f64,
    stars: f64,
    other: f64,
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Length, D::Error> {
        deserializer.deserialize_any(LengthVisitor)
    }
}

struct LengthVisitor;

impl<'de> Visitor<'de> for LengthVisitor {
    type Value = Length;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a length, a table such as { halo = 0.1, disc = 0.05 }, or a list of six lengths")
    }

    fn visit_f64<E: Error>(self, length: f64) -> Result<Length, E> {
        Ok(Length([length; TYPES]))
    }

    fn visit_i64<E: Error>(self, length: i64) -> Result<Length, E> {
        self.visit_f64(length as f64)
    }

    fn visit_u64<E: Error>(self, length: u64) -> Result<Length, E> {
        self.visit_f64(length as f64)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Length, A::Error> {
        let mut lengths = [0.0; TYPES];
        for (i, length) in lengths.iter_mut().enumerate() {
            *length = list.next_element()?.ok_or_else(|| A::Error::invalid_length(i, &self))?;
        }
        Ok(Length(lengths))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Length, A::Error> {
        let ByName { gas, halo, disc, bulge, stars, other } =
            ByName::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Length([gas, halo, disc, bulge, stars, other]))
    }
}
