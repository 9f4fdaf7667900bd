//! A deserializer for TOML trees whose errors are structured: the path of the key, the value given,
//! and the known keys.

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor,
};
use std::iter::Enumerate;
use std::marker::PhantomData;
use std::{fmt, slice};
use toml::Value;

/// A value in a TOML tree, with its path.
#[derive(Clone)]
pub(super) struct Node<'a> {
    path: Vec<String>,
    value: &'a Value,
}

/// Reads a `T` from a TOML tree.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    Node { path: Vec::new(), value }.read(PhantomData)
}

/// Reads a `T` from a key of the uppermost table, if it is there.
pub(super) fn read_key<T: DeserializeOwned>(table: &toml::Table, key: &str) -> Result<Option<T>, Fault> {
    let node = table.get(key).map(|value| Node { path: vec![key.to_owned()], value });
    node.map(|node| node.read(PhantomData)).transpose()
}

/// What was refused, and where.
#[derive(Debug)]
pub(super) struct Fault {
    place: Option<(Vec<String>, Value)>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    UnknownKey { key: String, known: &'static [&'static str] },
    MissingKey(&'static str),
    UnknownVariant { given: String, known: &'static [&'static str] },
    WrongType { given: String, expected: String },
    WrongLength { expected: String },
    Value(String),
    Other(String),
}

impl<'a> Node<'a> {
    fn child(&self, name: &str, value: &'a Value) -> Node<'a> {
        let path = self.path.iter().cloned().chain([name.to_owned()]).collect();
        Node { path, value }
    }

    fn visit<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(flag) => visitor.visit_bool(*flag),
            Value::Datetime(date) => visitor.visit_string(date.to_string()),
            Value::Array(values) => {
                let mut items = Items { node: self, left: values.iter().enumerate() };
                let all = visitor.visit_seq(&mut items)?;
                match items.left.next() {
                    None => Ok(all),
                    Some((fits, _)) => {
                        Err(Kind::WrongLength { expected: format!("an array of length {fits}") }.into())
                    }
                }
            }
            Value::Table(table) => visitor.visit_map(self.entries(table)),
        }
    }

    fn entries(&self, table: &'a toml::Table) -> Entries<'_, 'a> {
        Entries { node: self, left: table.iter(), value: None }
    }

    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        // A tagged enum is read further after the node was visited. Its faults get their path here.
        self.place(seed.deserialize(self.clone()))
    }

    /// Sets the path of a fault that has none yet.
    fn place<T>(&self, result: Result<T, Fault>) -> Result<T, Fault> {
        result.map_err(|mut fault| {
            if fault.place.is_none() {
                let unknown =
                    if let Kind::UnknownKey { key, .. } = &fault.kind { Some(key.clone()) } else { None };
                fault.place = Some((self.path.iter().cloned().chain(unknown).collect(), self.value.clone()));
            }
            fault
        })
    }
}

impl<'de> Deserializer<'de> for Node<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.place(self.visit(visitor))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let result = match self.value {
            Value::String(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Table(table) if table.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(self.entries(table)))
            }
            other => {
                let expected = format!("one of {}", list(variants));
                Err(Fault::from(Kind::WrongType { given: shown(other), expected }))
            }
        };
        self.place(result)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match whole(self.value) {
            Some(number) => self.place(visitor.visit_u64(number)),
            None => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

/// The value of a whole number that is written as a float, such as 1e5.
fn whole(value: &Value) -> Option<u64> {
    const MOST: f64 = (1u64 << 53) as f64; // above it, floats skip whole numbers
    let number = value.as_float()?;
    (number.fract() == 0.0 && (0.0..=MOST).contains(&number)).then_some(number as u64)
}

/// The remaining values of an array.
struct Items<'n, 'a> {
    node: &'n Node<'a>,
    left: Enumerate<slice::Iter<'a, Value>>,
}

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let next = self.left.next();
        next.map(|(i, value)| self.node.child(&i.to_string(), value).read(seed)).transpose()
    }
}

/// The remaining entries of a table.
struct Entries<'n, 'a> {
    node: &'n Node<'a>,
    left: toml::map::Iter<'a, String, Value>,
    value: Option<Node<'a>>,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let next = self.left.next();
        self.value = next.map(|(key, value)| self.node.child(key, value));
        next.map(|(key, _)| seed.deserialize(key.as_str().into_deserializer())).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        self.value.take().expect("serde reads a key before its value").read(seed)
    }
}

impl Fault {
    /// A fault of the value at a path.
    pub(super) fn of_value(path: &[String], value: &Value, message: String) -> Fault {
        Fault { place: Some((path.to_vec(), value.clone())), kind: Kind::Value(message) }
    }

    /// A fault of the content of a table at a path.
    pub(super) fn of_table(path: &[String], table: &Value, message: String) -> Fault {
        Fault { place: Some((path.to_vec(), table.clone())), kind: Kind::Other(message) }
    }

    /// Path of the faulty key. For an unknown key it includes that key; for a missing key it is the
    /// table that lacks it.
    pub(super) fn path(&self) -> &[String] {
        self.place.as_ref().map_or(&[], |(path, _)| path)
    }
}

impl From<Kind> for Fault {
    fn from(kind: Kind) -> Fault {
        Fault { place: None, kind }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.path().join(".");
        let leaf = self.place.as_ref().map(|(_, value)| value).filter(|value| !value.is_table()).map(shown);
        // Inside a tagged enum, serde loses the path of the value. Only the table and the value are
        // known.
        let given = |value: &str| match &leaf {
            Some(leaf) => format!("{key} = {leaf}"),
            None if key.is_empty() => format!("found {value}"),
            None => format!("{key}: found {value}"),
        };
        match &self.kind {
            Kind::UnknownKey { key: last, known } => {
                write!(f, "{key}: unknown key{}", suggestion(last, known))
            }
            Kind::MissingKey(last) if key.is_empty() => write!(f, "{last} is missing"),
            Kind::MissingKey(last) => write!(f, "{key}.{last} is missing"),
            Kind::UnknownVariant { given: value, known } => {
                write!(f, "{}: unknown value{}", given(value), suggestion(value, known))
            }
            Kind::WrongType { given: value, expected } if value == "a table" && expected == "a list" => {
                write!(f, "{key}: found a table: expected a list of tables, as [[{key}]]")
            }
            Kind::WrongType { given: value, expected } => write!(f, "{}: expected {expected}", given(value)),
            Kind::WrongLength { expected } => write!(f, "{}: expected {expected}", given("another length")),
            Kind::Value(message) => write!(f, "{}: {message}", given("a value")),
            Kind::Other(message) if key.is_empty() => f.write_str(message),
            Kind::Other(message) => write!(f, "{key}: {message}"),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Fault {
        Kind::Other(message.to_string()).into()
    }

    fn invalid_type(given: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        let given = match given {
            Unexpected::Map => "a table".to_owned(),
            Unexpected::Seq => "a list".to_owned(),
            other => other.to_string(),
        };
        Kind::WrongType { given, expected: plain(&expected.to_string()) }.into()
    }

    fn invalid_value(given: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Self::invalid_type(given, expected)
    }

    fn invalid_length(_length: usize, expected: &dyn Expected) -> Fault {
        Kind::WrongLength { expected: plain(&expected.to_string()) }.into()
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Fault {
        Kind::UnknownVariant { given: given.to_owned(), known }.into()
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Fault {
        Kind::UnknownKey { key: key.to_owned(), known }.into()
    }

    fn missing_field(key: &'static str) -> Fault {
        Kind::MissingKey(key).into()
    }
}

/// What serde expects, in the words of a parameter file.
fn plain(expected: &str) -> String {
    match expected {
        "f32" | "f64" => "a number".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "path string" => "a string".to_owned(),
        "a sequence" => "a list".to_owned(),
        _ if expected.starts_with("struct ") => "a table".to_owned(),
        _ => expected.to_owned(),
    }
}

/// A value as one short line for an error message.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => format!("{text:?}"),
        Value::Table(_) => "{ ... }".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() > 60 { text.chars().take(57).chain("...".chars()).collect() } else { text }
}

fn suggestion(word: &str, known: &[&str]) -> String {
    match nearest(word, known) {
        Some(name) => format!(", did you mean `{name}`? (known: {})", list(known)),
        None if known.is_empty() => ", none is known here".to_owned(),
        None => format!(" (known: {})", list(known)),
    }
}

/// The known word closest to `word`, if one is close: at most one error in four letters, or a
/// common beginning.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let fold = |word: &str| word.to_lowercase().replace('-', "_");
    let word = fold(word);
    let distance = |name: &&&str| strsim::damerau_levenshtein(&word, &fold(name));
    let near =
        known.iter().min_by_key(distance).filter(|name| distance(name) <= 1 + word.chars().count() / 4);
    let longer = || known.iter().find(|name| word.len() >= 3 && fold(name).starts_with(&word));
    near.or_else(longer).copied()
}

fn list(words: &[&str]) -> String {
    words.join(", ")
}
