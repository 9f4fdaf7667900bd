//! Numbers with units, such as `"3 pc"`, in place of numbers in the units of a run.

use super::node::Fault;
use crate::Units;
use crate::units::ANGLE;
use toml::{Table, Value};

/// Powers of length, mass and time.
pub type Dimension = [i32; 3];

/// Replaces strings under `keys` by numbers in these units. A string that does not begin with a
/// number is not changed. Neither are strings of other keys.
pub(super) fn convert(
    table: &mut Table,
    keys: &[(&str, Dimension)],
    units: Option<&Units>,
) -> Result<(), Fault> {
    let mut path = Vec::new();
    table.iter_mut().try_for_each(|(name, value)| within(name, value, &mut path, keys, units))
}

fn within(
    name: &str,
    value: &mut Value,
    path: &mut Vec<String>,
    keys: &[(&str, Dimension)],
    units: Option<&Units>,
) -> Result<(), Fault> {
    path.push(name.to_owned());
    match value {
        Value::Table(table) => {
            table.iter_mut().try_for_each(|(name, value)| within(name, value, path, keys, units))?;
        }
        Value::Array(values) => {
            for (i, value) in values.iter_mut().enumerate() {
                within(&i.to_string(), value, path, keys, units)?;
            }
        }
        Value::String(text)
            if text.trim_start().starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) =>
        {
            if let Some((_, dimension)) = keys.iter().find(|(key, _)| is_at(key, path)) {
                let number = match units {
                    Some(units) => units.quantity(text, *dimension),
                    // An angle is the same in all units.
                    None if *dimension == ANGLE => Units::CGS.quantity(text, ANGLE),
                    None => {
                        Err("the units of this run have G = 1 and no size; give a number, or other units"
                            .to_owned())
                    }
                };
                *value = Value::Float(number.map_err(|message| Fault::of_value(path, value, message))?);
            }
        }
        _ => {}
    }
    path.pop();
    Ok(())
}

/// Whether a key with wildcards is this path.
fn is_at(key: &str, path: &[String]) -> bool {
    let mut parts = key.split('.');
    path.iter().all(|name| parts.next().is_some_and(|part| part == "*" || part == name))
        && parts.next().is_none()
}
