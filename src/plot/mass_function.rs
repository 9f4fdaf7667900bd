//! `heorot plot mass-function`: plots the cumulative mass function of haloes.

use super::output::{Output, Sheet};
use super::units::AxisUnits;
use anyhow::{Result, ensure};
use io::catalogue;
use std::path::PathBuf;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// The cumulative mass function of haloes.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Catalogues of `heorot halos`.
    #[arg(required = true, value_name = "CATALOGUE")]
    pub catalogues: Vec<PathBuf>,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

/// Runs the command.
///
/// # Errors
/// If a catalogue cannot be read or has no halo, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim(&arguments.catalogues)?;
    let mut panel = Panel::new(Axis::log("Mass M [M☉]"), Axis::log("Haloes of more than M"));
    let mut sheet = Sheet::new(&["catalogue", "time", "mass [Msun]", "haloes"]);
    for (path, colour) in arguments.catalogues.iter().zip(colours(arguments.catalogues.len())) {
        let catalogue = catalogue::read(path)?;
        ensure!(!catalogue.groups.is_empty(), "{}: holds no halo", path.display());
        let units = AxisUnits::of(&catalogue.units);
        let points =
            mass_function(catalogue.groups.iter().map(|group| group.mass * units.mass.size).collect());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for [mass, count] in &points {
            sheet.row(&[&name], &[catalogue.time, *mass, *count]);
        }
        let label = if arguments.catalogues.len() > 1 { name } else { String::new() };
        panel.series.push(Series::new(label, colour, Mark::Line, stairs(&points)));
    }
    targets.write(&Figure { frame: [430.0, 330.0], ..Figure::new(vec![panel]) }, &sheet)
}

/// Masses in descending order, each with the number of haloes of at least this mass.
pub(super) fn mass_function(mut masses: Vec<f64>) -> Vec<[f64; 2]> {
    masses.sort_by(|a, b| b.total_cmp(a));
    masses.into_iter().zip(1..).map(|(mass, count)| [mass, f64::from(count)]).collect()
}

/// The points as a step function.
fn stairs(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let next = points.iter().skip(1).map(|point| Some(point[0])).chain([None]);
    let step = |(&[mass, count], next): (&[f64; 2], Option<f64>)| {
        std::iter::once([mass, count]).chain(next.map(move |next| [next, count]))
    };
    points.iter().zip(next).flat_map(step).collect()
}
