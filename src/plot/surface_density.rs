//! `heorot plot surface-density`: plots the surface density in rings.

use super::output::{Output, Sheet};
use super::profile::time_label;
use super::rings::{From, Ring, rings};
use super::snapshot::{Selection, Taken};
use anyhow::Result;
use std::path::PathBuf;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Surface density profile: the mass in rings about the centre, in projection.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots of any format that `heorot convert` reads; if a snapshot has several files, any or
    /// all of them, which count as one.
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Rings and projection.
    #[command(flatten)]
    pub rings: RingOptions,
    /// Bodies and centre.
    #[command(flatten)]
    pub selection: Selection,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

/// Options of plots with rings.
#[derive(Clone, Debug, clap::Args)]
pub struct RingOptions {
    /// Number of rings, of equal width.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub rings: u16,
    /// Radius of the outermost ring, in the units of the snapshot [default: holds 98 % of the mass].
    #[arg(long, value_name = "RADIUS", value_parser = above_zero)]
    pub radius: Option<f64>,
    /// Line of sight.
    #[arg(long, value_enum, default_value_t)]
    pub axis: From,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let radius = text.trim().parse().ok().filter(|x: &f64| *x > 0.0 && *x < 1e40);
    radius.ok_or_else(|| "must be a length above 0".to_owned())
}

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim(&arguments.snapshots)?;
    let RingOptions { rings: count, radius, axis } = arguments.rings;
    let (units, all) = arguments
        .selection
        .each(&arguments.snapshots, |snapshot| rings(snapshot, count.into(), radius, axis))?;
    let (length, mass) = (units.length, units.mass);
    let size = mass.size / length.size.powi(2);
    let (name, plain) = match mass.plain() {
        "Msun" => (format!("M☉ {}⁻²", length.name), format!("Msun/{}^2", length.name)),
        other => (other.to_owned(), other.to_owned()),
    };
    let mut panel = Panel::new(
        Axis::linear(format!("Radius [{}]", length.name)).reaching(0.0),
        Axis::log(format!("Surface density [{name}]")),
    );
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        format!("time [{}]", units.time.name),
        format!("inner_radius [{}]", length.name),
        format!("outer_radius [{}]", length.name),
        "bodies".to_owned(),
        format!("surface_density [{plain}]"),
        format!("poisson_error [{plain}]"),
    ]);
    for (Taken { time, name, taken }, colour) in all.iter().zip(colours(all.len())) {
        let label = if all.len() == 1 { String::new() } else { time_label(*time, &units) };
        let point = |ring: &Ring| [ring.radius() * length.size, ring.surface_density() * size];
        panel.series.push(Series::new(label, colour, Mark::LinePoints, taken.iter().map(point).collect()));
        for ring in taken {
            let density = ring.surface_density() * size;
            let [inner, outer] = ring.ends.map(|end| end * length.size);
            let bodies = ring.bodies as f64;
            sheet.row(
                &[name],
                &[time * units.time.size, inner, outer, bodies, density, density / bodies.sqrt()],
            );
        }
    }
    targets.write(&Figure { frame: [460.0, 320.0], ..Figure::new(vec![panel]) }, &sheet)
}
