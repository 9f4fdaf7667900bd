//! The galaxies of a snapshot, by the ids of their bodies.

use crate::initial::{Initial, Tracers};
use crate::ranks::crew::BUILD;
use anyhow::{Context, Result, bail};
use io::snapshot::IDS_INVENTED;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// A galaxy: its name, if it has one, and the ids of its bodies.
pub(crate) type Named = (Option<String>, RangeInclusive<u64>);

/// Parameter of a combined snapshot with its galaxies.
const COMBINED: &str = "combine.galaxies";

/// A galaxy in `combine.galaxies`.
#[derive(Serialize, Deserialize)]
struct Part {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    first: u64,
    last: u64,
}

/// The parameter of a combined snapshot that names its galaxies.
pub(crate) fn parameter(galaxies: &[Named]) -> (String, String) {
    let part = |(name, ids): &Named| Part { name: name.clone(), first: *ids.start(), last: *ids.end() };
    let table = serde_json::json!({ COMBINED: galaxies.iter().map(part).collect::<Vec<_>>() });
    io::parameters::echo(&table).remove(0)
}

/// The galaxies, from the parameters in a snapshot of this name with `count` bodies. If a run
/// started from a file, the galaxies are those of the file. Galaxies with the same name are
/// numbered.
///
/// # Errors
/// If the parameters do not name galaxies.
pub(crate) fn of(parameters: &[(String, String)], count: u64, name: &str) -> Result<Vec<Named>> {
    let mut known = recorded(parameters, count, name)?;
    if known.is_none()
        && let Some(Initial::File { file, .. }) = initial(parameters, name)
        && let Ok(header) = io::snapshot::read_header(&file)
        && header.count.iter().sum::<u64>() == count
    {
        known = recorded(&header.parameters, count, name)?;
    }
    match known {
        Some(galaxies) => Ok(numbered(galaxies)),
        None => bail!(
            "{name}: does not say which galaxies its bodies came from; give their ids with --galaxies 0-59999,60000-119999"
        ),
    }
}

/// The initial state of a run or a model with these parameters.
fn initial(parameters: &[(String, String)], name: &str) -> Option<Initial> {
    #[derive(Deserialize)]
    struct Made {
        initial: Initial,
    }
    // `heorot model` writes the keys of the model without their table.
    let table = if parameters.iter().any(|(key, _)| key == "model") { "initial." } else { "" };
    let keys = parameters.iter().filter(|(key, _)| key != BUILD && key != IDS_INVENTED);
    let lines = keys.map(|(key, value)| format!("{table}{key} = {value}"));
    let text: Vec<String> = lines.filter(|line| line.starts_with("initial.")).collect();
    io::parameters::from_str::<Made>(&text.join("\n"), name, &[]).ok().map(|made| made.initial)
}

/// The galaxies of a combined snapshot, or of the model of the initial state.
fn recorded(parameters: &[(String, String)], count: u64, name: &str) -> Result<Option<Vec<Named>>> {
    #[derive(Deserialize)]
    struct Combined {
        galaxies: Vec<Part>,
    }
    if let Some((_, list)) = parameters.iter().find(|(key, _)| key == COMBINED) {
        let Combined { galaxies } = io::parameters::from_str(&format!("galaxies = {list}"), name, &[])?;
        return Ok(Some(galaxies.into_iter().map(|part| (part.name, part.first..=part.last)).collect()));
    }
    let (counts, names) = match initial(parameters, name) {
        Some(Initial::Model(model) | Initial::Tracers(Tracers { model, .. })) => {
            (model.galaxies(), model.galaxy_names())
        }
        Some(Initial::Parts(parts)) => {
            let counts = parts.galaxies(count).with_context(|| {
                format!("{name}: has galaxies from several files; give `bodies` for each in [[initial.galaxies]], or their ids with --galaxies")
            })?;
            (counts, parts.galaxy_names())
        }
        _ => return Ok(None),
    };
    let mut next = 0;
    let galaxies = counts.into_iter().zip(names).map(|(count, name)| {
        next += count;
        (name, next - count..=next - 1)
    });
    Ok(Some(galaxies.collect()))
}

/// Galaxies of which those with the same name are numbered.
fn numbered(galaxies: Vec<Named>) -> Vec<Named> {
    let alike =
        |list: &[Named], name: &Option<String>| list.iter().filter(|(other, _)| other == name).count();
    let unique = |(k, (name, ids)): (usize, &Named)| {
        let unique = name.as_ref().map(|text| match alike(&galaxies, name) {
            1 => text.clone(),
            _ => format!("{text} {}", 1 + alike(&galaxies[..k], name)),
        });
        (unique, ids.clone())
    };
    galaxies.iter().enumerate().map(unique).collect()
}
