//! Strict parameter files in TOML. Errors name the file, line and key, and what would be right.
//!
//! A type that reads a table should carry `#[serde(deny_unknown_fields)]`, so that unknown keys are
//! errors.

mod node;
mod overrides;
mod quantities;

use crate::{Error, Units};
use nbody::model::Keys;
use node::Fault;
use overrides::Overrides;
pub use quantities::Dimension;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Greatest size of a parameter file [bytes]. A snapshot that is given by mistake is refused before
/// it is read.
const LARGEST_FILE: u64 = 1 << 20;

/// Reads a parameter file. Each entry of `set`, such as `time.steps=20`, replaces a key of the file
/// or adds one. Its value is TOML; anything else is taken as a string.
///
/// # Errors
/// If the file cannot be read, is not TOML, or does not match `T`.
pub fn load<T: DeserializeOwned>(path: &Path, set: &[String]) -> Result<T, Error> {
    load_prepared(path, set, &[], |_| Ok(()))
}

/// As [`load`], where strings such as `"3 pc"` may stand for numbers. `keys` are the keys of
/// numbers with a dimension, with `*` for any key or place in a list. `units` returns the units of
/// the run from the table `[units]`, if there is one, or `None` if its numbers have no units. A
/// model in `[initial]` gets its physical defaults in these units.
///
/// Each pair of `rivals` are two keys of which a file may have only one, such as `time.end` and
/// `time.steps`. `*` stands for the place in a list. If `set` contains one key of a pair, or a key
/// below it, the other key is removed from the file.
///
/// # Errors
/// As [`load`], or a unit is unknown or of another dimension.
pub fn load_in_units<T: DeserializeOwned, U: DeserializeOwned>(
    path: &Path,
    set: &[String],
    rivals: &[[&str; 2]],
    keys: &[(&str, Dimension)],
    units: impl Fn(Option<U>) -> Option<Units>,
) -> Result<T, Error> {
    load_prepared(path, set, rivals, |table| {
        let units = units(node::read_key(table, "units")?);
        quantities::convert(table, keys, units.as_ref())?;
        complete(table, units.as_ref())
    })
}

/// Sets the keys of a model in the table `[initial]` whose defaults depend on the units.
fn complete(table: &mut toml::Table, units: Option<&Units>) -> Result<(), Fault> {
    // A table that cannot be read is an error of its own, later.
    let Ok(Some(given)) = node::read_key::<Keys>(table, "initial") else { return Ok(()) };
    let (mut keys, initial) = (given.clone(), &mut table["initial"]);
    let physical = units.and_then(Units::physical);
    let fault = |message| Fault::of_table(&["initial".to_owned()], initial, message);
    keys.complete(physical.as_ref()).map_err(fault)?;
    if keys != given {
        *initial = toml::Value::try_from(keys).expect("keys are plain values");
    }
    Ok(())
}

fn load_prepared<T: DeserializeOwned>(
    path: &Path,
    set: &[String],
    rivals: &[[&str; 2]],
    prepare: impl Fn(&mut toml::Table) -> Result<(), Fault>,
) -> Result<T, Error> {
    let bytes = crate::read_bytes(path, LARGEST_FILE).map_err(|error| match error {
        Error::TooLong { length, .. } => {
            wrong(path.display(), format!("{length} bytes are too many for a parameter file"))
        }
        error => error,
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = line_at(error.as_bytes(), error.utf8_error().valid_up_to());
        wrong(format!("{}:{line}", path.display()), "a parameter file must be UTF-8 text")
    })?;
    read_prepared(&text, &path.display().to_string(), set, rivals, prepare)
}

/// Reads parameters from a text; `name` is the file name in messages. See [`load`].
///
/// # Errors
/// If the text is not TOML, or does not match `T`.
pub fn from_str<T: DeserializeOwned>(text: &str, name: &str, set: &[String]) -> Result<T, Error> {
    read_prepared(text, name, set, &[], |_| Ok(()))
}

fn read_prepared<T: DeserializeOwned>(
    text: &str,
    name: &str,
    set: &[String],
    rivals: &[[&str; 2]],
    prepare: impl Fn(&mut toml::Table) -> Result<(), Fault>,
) -> Result<T, Error> {
    let not_toml = |error: toml::de::Error| {
        let place = error.span().map_or(text.len(), |span| span.start);
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        wrong(format!("{name}:{}", line_at(text.as_bytes(), place)), message)
    };
    let spans = DeTable::parse(text).map_err(not_toml)?;
    let mut table: toml::Table = text.parse().map_err(not_toml)?;
    let overrides = Overrides::parse(set)?;
    overrides.remove_rivals(&mut table, rivals);
    overrides.apply(&mut table)?;
    prepare(&mut table).and_then(|()| node::read(&toml::Value::Table(table))).map_err(|fault| {
        let line = || line_of(text, spans.get_ref(), fault.path());
        let origin = match overrides.origin(&fault, || line().is_some()) {
            Some(origin) => origin.to_owned(),
            None => line().map_or(name.to_owned(), |line| format!("{name}:{line}")),
        };
        wrong(origin, fault)
    })
}

/// All parameters of a run as pairs of dotted key and TOML value, in a fixed order. They suffice to
/// repeat the run.
///
/// # Panics
/// If `parameters` has a map whose keys are not strings.
pub fn echo<T: Serialize>(parameters: &T) -> Vec<(String, String)> {
    let tree = serde_json::to_value(parameters).expect("parameters have string keys");
    let mut list = Vec::new();
    flatten(String::new(), &tree, &mut list);
    list
}

fn flatten(key: String, value: &serde_json::Value, list: &mut Vec<(String, String)>) {
    match value {
        serde_json::Value::Null => {}
        serde_json::Value::Object(table) => {
            for (name, value) in table {
                let dot = if key.is_empty() { "" } else { "." };
                flatten(format!("{key}{dot}{name}"), value, list);
            }
        }
        _ => list.push((key, in_toml(value))),
    }
}

/// A key whose values differ, with both values; `None` if it is not set.
pub type Difference = (String, Option<String>, Option<String>);

/// The keys in which two lists of [`echo`] differ. A key of a table in an array has the number of the
/// table: `potential.0.mass`.
pub fn differences(before: &[(String, String)], now: &[(String, String)]) -> Vec<Difference> {
    let table = |list: &[(String, String)]| list.iter().cloned().collect::<BTreeMap<_, _>>();
    let (before, now) = (table(before), table(now));
    let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(*key)));
    let mut list = Vec::new();
    for key in keys {
        let value =
            |text: &String| toml::from_str::<toml::Table>(&format!("value = {text}")).ok()?.remove("value");
        let (old, new) = (before.get(key), now.get(key));
        if old == new {
            continue;
        }
        let known = list.len();
        if let (Some(old), Some(new)) = (old.and_then(value), new.and_then(value)) {
            compare(key.clone(), [Some(&old), Some(&new)], &mut list);
        }
        if list.len() == known {
            list.push((key.clone(), old.cloned(), new.cloned()));
        }
    }
    list
}

fn compare(key: String, values: [Option<&toml::Value>; 2], list: &mut Vec<Difference>) {
    use toml::Value::{Array, Table};
    match values {
        [old, new] if old == new => {}
        [Some(Array(old)), Some(Array(new))]
            if old.len() == new.len() && old.iter().all(toml::Value::is_table) =>
        {
            for (number, (old, new)) in old.iter().zip(new).enumerate() {
                compare(format!("{key}.{number}"), [Some(old), Some(new)], list);
            }
        }
        [Some(Table(old)), Some(Table(new))] => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                compare(format!("{key}.{name}"), [old.get(name), new.get(name)], list);
            }
        }
        values => {
            let [old, new] = values.map(|value| value.map(toml::Value::to_string));
            list.push((key, old, new));
        }
    }
}

/// JSON and TOML write scalars in the same way, but tables inside arrays differently.
fn in_toml(value: &serde_json::Value) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        serde_json::Value::Array(values) => format!("[{}]", join(values.iter().map(in_toml).collect())),
        serde_json::Value::Object(table) => {
            let present = table.iter().filter(|(_, value)| !value.is_null());
            format!(
                "{{ {} }}",
                join(present.map(|(key, value)| format!("{key} = {}", in_toml(value))).collect())
            )
        }
        scalar => scalar.to_string(),
    }
}

fn wrong(origin: impl ToString, fault: impl ToString) -> Error {
    // A quoted key may contain a line end. The message stays on one line.
    let line = |text: String| text.replace('\n', "\\n").replace('\r', "\\r");
    Error::Parameter { origin: line(origin.to_string()), fault: line(fault.to_string()) }
}

/// Line number (from 1) of the byte at `place`.
fn line_at(text: &[u8], place: usize) -> usize {
    1 + text[..place.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}

/// Line number of the key at `path`; `None` if it is not in the file.
fn line_of(text: &str, table: &DeTable<'_>, path: &[String]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    match value.get_ref() {
        _ if rest.is_empty() => Some(line_at(text.as_bytes(), key.span().start)),
        DeValue::Table(table) => line_of(text, table, rest),
        _ => line_within(text, value, rest),
    }
}

/// Line number of what is at `path` in a value, or else of the value.
fn line_within(text: &str, value: &Spanned<DeValue<'_>>, path: &[String]) -> Option<usize> {
    let item = |items: &DeArray<'_>, (number, rest): (&String, &[String])| {
        let item = items.get(number.parse::<usize>().ok()?)?;
        line_within(text, item, rest)
    };
    let inside = match (value.get_ref(), path.split_first()) {
        (DeValue::Array(items), Some(place)) => item(items, place),
        (DeValue::Table(table), Some(_)) => line_of(text, table, path),
        _ => None,
    };
    inside.or_else(|| Some(line_at(text.as_bytes(), value.span().start)))
}

#[cfg(test)]
mod tests;
