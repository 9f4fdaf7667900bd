//! Labels of snapshots and softening lengths in plots.

use super::bodies::snapshot::Snapshot;
use super::units::{AxisUnits, Unit};
use crate::files::kinds::NAMES;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use treecode::TYPES;
use viz::plot::{Guide, Panel};

/// A time with its unit.
pub(super) fn time_label(time: f64, units: &AxisUnits) -> String {
    let Unit { name, size } = units.time;
    if name.is_empty() {
        format!("t = {}", (1e3 * time).round() / 1e3)
    } else {
        format!("{:.3} {name}", time * size)
    }
}

/// Labels of snapshots: no label for a single one, times if all differ, file names if all times are
/// equal, otherwise both.
pub(super) fn labels(times: &[f64], names: &[String], units: &AxisUnits) -> Vec<String> {
    if times.len() == 1 {
        return vec![String::new()];
    }
    let shown: Vec<String> = times.iter().map(|&time| time_label(time, units)).collect();
    match shown.iter().collect::<BTreeSet<_>>().len() {
        count if count == shown.len() => shown,
        1 => names.to_vec(),
        _ => names.iter().zip(&shown).map(|(name, time)| format!("{name}, {time}")).collect(),
    }
}

/// Names of files: the last part of each path, with as many folders before it as are needed to
/// distinguish them.
pub(super) fn names(paths: &[PathBuf]) -> Vec<String> {
    let tail = |path: &Path, parts: usize| {
        let all: Vec<_> = path.components().collect();
        all[all.len().saturating_sub(parts)..].iter().collect::<PathBuf>().to_string_lossy().into_owned()
    };
    let longest = paths.iter().map(|path| path.components().count()).max().unwrap_or(1);
    let with = |parts: usize| paths.iter().map(|path| tail(path, parts)).collect::<Vec<_>>();
    let differ = |names: &Vec<String>| names.iter().collect::<BTreeSet<_>>().len() == names.len();
    (1..=longest).map(with).find(differ).unwrap_or_else(|| with(1))
}

/// A softening length [L] with the names of the types that have it; empty for all types shown.
pub(super) type Softened = (String, f64);

/// The softening lengths of the types of a snapshot, the smallest first.
pub(super) fn softening(snapshot: &Snapshot) -> Vec<Softened> {
    let Some(softening) = snapshot.source.softening() else { return Vec::new() };
    let has = |kind: &usize| snapshot.bodies.kind.contains(&(*kind as u8));
    let mut lengths: Vec<(f64, Vec<&str>)> = Vec::new();
    for kind in (0..TYPES).filter(has) {
        let own = softening.of_pair(kind as u8, kind as u8);
        match lengths.iter_mut().find(|(length, _)| *length == own) {
            Some((_, names)) => names.push(NAMES[kind]),
            None => lengths.push((own, vec![NAMES[kind]])),
        }
    }
    lengths.sort_by(|a, b| a.0.total_cmp(&b.0));
    let alone = lengths.len() == 1;
    let named =
        |(length, names): (f64, Vec<&str>)| (if alone { String::new() } else { names.join(", ") }, length);
    lengths.into_iter().map(named).filter(|(_, length)| *length > 0.0).collect()
}

/// Greatest number of lines for softening lengths.
const MOST: usize = 6;

/// Adds lines at the softening lengths of all snapshots to a panel whose horizontal axis is the radius.
/// `size` is the factor from their unit to that of the axis.
pub(super) fn add_softening<'a>(panel: &mut Panel, of: impl Iterator<Item = &'a Softened>, size: f64) {
    for (types, length) in of {
        let label = match types.as_str() {
            "" => "softening".to_owned(),
            types => format!("softening, {types}"),
        };
        let guide = Guide { label, value: length * size };
        if panel.guides.len() < MOST && !panel.guides.contains(&guide) {
            panel.guides.push(guide);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_folders_that_tell_them_apart() {
        let paths = |all: &[&str]| names(&all.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(paths(&["out/a.hdf5", "out/b.hdf5"]), ["a.hdf5", "b.hdf5"]);
        assert_eq!(paths(&["x/out/a.hdf5", "y/out/a.hdf5"]), ["x/out/a.hdf5", "y/out/a.hdf5"]);
        assert_eq!(paths(&["a.hdf5", "y/a.hdf5", "y/b.hdf5"]), ["a.hdf5", "y/a.hdf5", "y/b.hdf5"]);
        assert_eq!(paths(&["a.hdf5"]), ["a.hdf5"]);
    }

    #[test]
    fn snapshots_are_told_apart_by_time_or_by_name() {
        let units = AxisUnits::of(&io::Units::NBODY);
        let names = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let labels = |times: &[f64]| labels(times, &names[..times.len()], &units);
        assert_eq!(labels(&[1.0]), [""]);
        assert_eq!(labels(&[1.0, 2.0]), ["t = 1", "t = 2"]);
        assert_eq!(labels(&[1.0, 1.0]), ["a", "b"]);
        assert_eq!(labels(&[1.0, 1.0, 2.0])[2], "c, t = 2");
    }
}
