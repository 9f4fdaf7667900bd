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

    /// Removes from `table` the rival of each key that is set, unless that is set too. Keys may have `*`
    /// for the place in a list.
    pub(super) fn remove_rivals(&self, table: &mut Table, rivals: &[[&str; 2]]) {
        for [one, other] in rivals {
            for [set, rival] in [[one, other], [other, one]] {
                let theirs = self.places(rival);
                for places in self.places(set).into_iter().filter(|places| !theirs.contains(places)) {
                    let mut places = places.iter().map(String::as_str);
                    let part = |part| if part == "*" { places.next().unwrap_or(part) } else { part };
                    remove(table, &rival.split('.').map(part).collect::<Vec<_>>());
                }
            }
        }
    }

    /// The places in lists at which a key with `*`, or a key below it, is set.
    fn places(&self, key: &str) -> Vec<Vec<String>> {
        let parts: Vec<&str> = key.split('.').collect();
        let is_below = |path: &[String]| {
            path.len() >= parts.len()
                && parts.iter().zip(path).all(|(part, name)| *part == "*" || part == name)
        };
        let places = |path: &[String]| {
            let named = parts.iter().zip(path).filter(|(part, _)| **part == "*");
            named.map(|(_, name)| name.clone()).collect()
        };
        self.0.iter().filter(|(path, _)| is_below(path)).map(|(path, _)| places(path)).collect()
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

/// Removes a key of tables and places in lists, if it is there.
fn remove(table: &mut Table, path: &[&str]) {
    let Some((name, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.remove(*name);
        return;
    }
    match table.get_mut(*name) {
        Some(Value::Table(inner)) => remove(inner, rest),
        Some(Value::Array(items)) => {
            let item = rest[0].parse().ok().and_then(|number: usize| items.get_mut(number));
            if let Some(Value::Table(inner)) = item {
                remove(inner, &rest[1..]);
            }
        }
        _ => {}
    }
}

fn insert(table: &mut Table, path: &[String], value: &Value) -> Result<(), Error> {
    let (last, above) = path.split_last().expect("a key has a part");
    let (mut table, mut depth) = (table, 0);
    while depth < above.len() {
        let is_number = |part: &String| part.parse::<usize>().is_ok();
        if above.get(depth + 1).is_some_and(is_number) && !table.contains_key(&above[depth]) {
            let list = path[..=depth].join(".");
            let text = format!("{}: there is no list {list} in the file; write it there", path.join("."));
            return Err(wrong("--set", text));
        }
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
