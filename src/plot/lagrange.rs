//! `heorot plot lagrange`: plots the radii that enclose given fractions of the mass over time.

use super::output::{Output, Sheet};
use super::snapshot::{Selection, Snapshot, Taken, enclosing};
use anyhow::Result;
use std::path::PathBuf;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Lagrange radii over time.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots of any format that `heorot convert` reads; if a snapshot has several files, any or
    /// all of them, which count as one.
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Mass fractions, each above 0 and at most 1.
    #[arg(long, value_name = "PARTS", value_delimiter = ',', default_value = "0.01,0.1,0.25,0.5,0.75,0.9", value_parser = part)]
    pub fractions: Vec<f64>,
    /// Bodies and centre.
    #[command(flatten)]
    pub selection: Selection,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

fn part(text: &str) -> Result<f64, String> {
    let part = text.parse().ok().filter(|part| *part > 0.0 && *part <= 1.0);
    part.ok_or_else(|| "must be above 0 and at most 1".to_owned())
}

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim(&arguments.snapshots)?;
    let parts = &arguments.fractions;
    let (units, all) =
        arguments.selection.each(&arguments.snapshots, |snapshot| Ok(radii(snapshot, parts)))?;
    let (length, time) = (units.length, units.time);
    let mut panel = Panel::new(
        Axis::linear(format!("Time [{}]", time.name)),
        Axis::log(format!("Radius [{}]", length.name)),
    );
    for (k, (part, colour)) in parts.iter().zip(colours(parts.len())).enumerate().rev() {
        let points =
            all.iter().map(|Taken { time: t, taken, .. }| [t * time.size, taken[k] * length.size]).collect();
        panel.series.push(Series::new(
            format!("{} %", round(100.0 * part)),
            colour,
            Mark::LinePoints,
            points,
        ));
    }
    let names = parts.iter().map(|part| format!("radius_{part} [{}]", length.name));
    let first = ["snapshot".to_owned(), format!("time [{}]", time.name)];
    let mut sheet = Sheet::new(&first.into_iter().chain(names).collect::<Vec<_>>());
    for Taken { time: t, name, taken: radii } in &all {
        let numbers: Vec<f64> =
            std::iter::once(t * time.size).chain(radii.iter().map(|radius| radius * length.size)).collect();
        sheet.row(&[name], &numbers);
    }
    targets.write(&Figure { frame: [460.0, 320.0], ..Figure::new(vec![panel]) }, &sheet)
}

/// Removes rounding errors from the last digits.
fn round(x: f64) -> f64 {
    (x * 1e9).round() / 1e9
}

/// The radii that enclose these fractions of the mass [L].
pub(super) fn radii(snapshot: &Snapshot, parts: &[f64]) -> Vec<f64> {
    let cumulative = snapshot.cumulative_mass();
    parts.iter().map(|&part| enclosing(&cumulative, part)).collect()
}
