//! Parses and applies `--set key=value`.

use super::{node::Fault, wrong};
use crate::Error;
use toml::{Table, Value};

/// Keys that replace those in the file, in the given order: later ones win.
pub(super) struct Overrides(Vec<(Vec<String>, Value)>);

impl Overrides {
    /// Parses `key=value` entries. A value that is not TOML is taken as a string.
    pub(super) fn parse(entries: &[String]) -> Result<Overrides, Error> {
        let entry = |text: &String| {
            let Some((key, value)) = text.split_once('=') else {
                return Err(wrong("--set", format!("{text}: expected key=value, as in time.steps=20")));
            };
            let path: Vec<String> = key.trim().split('.').map(str::to_owned).collect();
            if path.iter().any(|part| !is_bare_key(part)) {
                let expected = "expected a key before `=`, as in time.steps=20";
                return Err(wrong("--set", format!("{text}: {expected}")));
            }
            let value = value.trim();
            Ok((path, value.parse().unwrap_or_else(|_| Value::String(value.to_owned()))))
        };
        entries.iter().map(entry).collect::<Result<_, _>>().map(Overrides)
    }

    /// Sets every key in `table`, and creates missing tables above it.
    pub(super) fn apply(&self, table: &mut Table) -> Result<(), Error> {
        self.0.iter().try_for_each(|(path, value)| insert(table, path, value))
    }

    /// Removes from `table` the rival of each key that is set, unless that is set too.
    pub(super) fn remove_rivals(&self, table: &mut Table, rivals: &[[&str; 2]]) {
        let sets =
            |key: &str| self.0.iter().any(|(path, _)| path.iter().map(String::as_str).eq(key.split('.')));
        for [one, other] in rivals {
            match (sets(one), sets(other)) {
                (true, false) => remove(table, other),
                (false, true) => remove(table, one),
                _ => {}
            }
        }
    }

    /// Returns `--set` if it caused a fault, and not the file. `in_file` states whether the file
    /// contains the faulty key.
    pub(super) fn origin(&self, fault: &Fault, in_file: impl Fn() -> bool) -> Option<&'static str> {
        let path = fault.path();
        let given = self.0.iter().any(|(set, _)| path.starts_with(set));
        let above = !path.is_empty() && self.0.iter().any(|(set, _)| set.starts_with(path));
        (given || (above && !in_file())).then_some("--set")
    }
}

fn is_bare_key(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Removes a dotted key, if it is there.
fn remove(table: &mut Table, key: &str) {
    match key.split_once('.') {
        None => drop(table.remove(key)),
        Some((name, rest)) => {
            if let Some(Value::Table(inner)) = table.get_mut(name) {
                remove(inner, rest);
            }
        }
    }
}

fn insert(table: &mut Table, path: &[String], value: &Value) -> Result<(), Error> {
    let (last, above) = path.split_last().expect("a key has a part");
    let (mut table, mut depth) = (table, 0);
    while depth < above.len() {
        let mut next = table.entry(&above[depth]).or_insert_with(|| Value::Table(Table::new()));
        depth += 1;
        // An item of a list by its number, as in initial.galaxies.0.bodies.
        let number = above.get(depth).and_then(|part| part.parse::<usize>().ok());
        if let Some(number) = number.filter(|_| next.is_array()) {
            let name = format!("{}: {} has no item {number}", path.join("."), path[..depth].join("."));
            let item = next.as_array_mut().and_then(|items| items.get_mut(number));
            next = item.ok_or_else(|| wrong("--set", name))?;
            depth += 1;
        }
        table = next.as_table_mut().ok_or_else(|| {
            wrong("--set", format!("{}: {} is not a table", path.join("."), path[..depth].join(".")))
        })?;
    }
    table.insert(last.clone(), value.clone());
    Ok(())
}
