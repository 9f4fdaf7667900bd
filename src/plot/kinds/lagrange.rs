//! `heorot plot lagrange`: plots the radii that enclose given fractions of the mass over time.

use crate::plot::bodies::galaxies::{Common, OfGalaxy};
use crate::plot::bodies::snapshot::{Selection, Snapshot, enclosing};
use crate::plot::output::Sheet;
use crate::plot::units::with_unit;
use anyhow::Result;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Lagrange radii over time.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots, galaxies and output.
    #[command(flatten)]
    pub common: Common,
    /// Mass fractions, each above 0 and at most 1.
    #[arg(long, value_name = "PARTS", value_delimiter = ',', default_value = "0.01,0.1,0.25,0.5,0.75,0.9", value_parser = part)]
    pub fractions: Vec<f64>,
    /// Bodies and centre.
    #[command(flatten)]
    pub selection: Selection,
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
    let targets = arguments.common.claim()?;
    let parts = &arguments.fractions;
    let of = |snapshot: &Snapshot| Ok(radii(snapshot, parts));
    let measured = arguments.common.each(&arguments.selection, of)?;
    let (length, time) = (measured.units.length, measured.units.time);
    let mut panels = Vec::new();
    for (place, galaxy) in measured.places().into_iter().enumerate() {
        let mut panel = Panel::new(
            Axis::linear(with_unit("Time", time.name)),
            Axis::log(with_unit("Radius", length.name)),
        );
        panel.title = measured.galaxies.label(galaxy, "");
        let own = || measured.all.iter().filter(|one| one.taken.0 == galaxy);
        for (k, (part, colour)) in parts.iter().zip(colours(parts.len())).enumerate().rev() {
            let point = |one: &OfGalaxy<Vec<f64>>| [one.time * time.size, one.taken.1[k] * length.size];
            // The meaning of the colours is shown once.
            let name = if place == 0 { format!("{} %", round(100.0 * part)) } else { String::new() };
            panel.series.push(Series::new(name, colour, Mark::LinePoints, own().map(point).collect()));
        }
        panels.push(panel);
    }
    let names = parts.iter().map(|part| with_unit(&format!("radius_{part}"), length.name));
    let first = ["snapshot".to_owned(), "galaxy".to_owned(), with_unit("time", time.name)];
    let mut sheet = Sheet::new(&first.into_iter().chain(names).collect::<Vec<_>>());
    for one in &measured.all {
        let radii = one.taken.1.iter().map(|radius| radius * length.size);
        let numbers: Vec<f64> = std::iter::once(one.time * time.size).chain(radii).collect();
        let [name, galaxy] = measured.words(one);
        sheet.row(&[&name, &galaxy], &numbers);
    }
    let frame = if panels.len() > 1 { [330.0, 250.0] } else { [460.0, 320.0] };
    targets.write(&Figure { frame, ..Figure::new(panels) }, &sheet)
}

/// Removes rounding errors from the last digits.
fn round(x: f64) -> f64 {
    (x * 1e9).round() / 1e9
}

/// The radii that enclose these fractions of the mass [L].
pub(in crate::plot) fn radii(snapshot: &Snapshot, parts: &[f64]) -> Vec<f64> {
    let cumulative = snapshot.cumulative_mass();
    parts.iter().map(|&part| enclosing(&cumulative, part)).collect()
}
