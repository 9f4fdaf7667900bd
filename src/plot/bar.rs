//! `heorot plot bar`: plots the strength of a bar by radius, and over time.

use super::output::{Output, Sheet};
use super::profile::time_label;
use super::rings::{Ring, rings};
use super::snapshot::{Selection, Taken};
use super::surface_density::RingOptions;
use anyhow::Result;
use std::path::PathBuf;
use viz::plot::{Axis, COLOURS, Figure, Mark, Panel, Series, colours};

/// Bar strength A2(R, t): the relative amplitude of the second Fourier mode of the surface density.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots of any format that `heorot convert` reads; if a snapshot has several files, any or
    /// all of them, which count as one.
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Rings and projection.
    #[command(flatten)]
    pub rings: RingOptions,
    /// Bodies and centre; for a disc galaxy, --types disc.
    #[command(flatten)]
    pub selection: Selection,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

/// Rings with fewer bodies are not drawn, because their noise is above 10 %.
const FEWEST: u64 = 100;

/// The rings of one snapshot.
struct Bar {
    rings: Vec<Ring>,
    /// The ring with the greatest strength, of those with enough bodies.
    strongest: Option<Ring>,
    /// All rings together.
    whole: Ring,
}

impl Bar {
    fn of(rings: Vec<Ring>) -> Bar {
        let enough = rings.iter().filter(|ring| ring.bodies >= FEWEST);
        let strongest = enough.copied().max_by(|a, b| a.strength().total_cmp(&b.strength()));
        Bar { strongest, whole: Ring::sum(&rings), rings }
    }
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
        .each(&arguments.snapshots, |snapshot| Ok(Bar::of(rings(snapshot, count.into(), radius, axis)?)))?;
    let (length, time) = (units.length, units.time);
    let strength = || Axis::linear("A₂ / A₀").reaching(0.0);
    let mut by_radius =
        Panel::new(Axis::linear(format!("Radius [{}]", length.name)).reaching(0.0), strength());
    let mut over_time = Panel::new(Axis::linear(format!("Time [{}]", time.name)), strength());
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        format!("time [{}]", time.name),
        format!("inner_radius [{}]", length.name),
        format!("outer_radius [{}]", length.name),
        "bodies".to_owned(),
        "a2_over_a0".to_owned(),
        "angle [deg]".to_owned(),
    ]);
    for (Taken { time: t, name, taken }, colour) in all.iter().zip(colours(all.len())) {
        let label = if all.len() == 1 { String::new() } else { time_label(*t, &units) };
        let enough = taken.rings.iter().filter(|ring| ring.bodies >= FEWEST);
        let points = enough.map(|ring| [ring.radius() * length.size, ring.strength()]).collect();
        by_radius.series.push(Series::new(label, colour, Mark::LinePoints, points));
        for ring in &taken.rings {
            let [inner, outer] = ring.ends.map(|end| end * length.size);
            let numbers = [t * time.size, inner, outer, ring.bodies as f64, ring.strength(), ring.angle()];
            sheet.row(&[name], &numbers);
        }
    }
    let mut panels = vec![by_radius];
    if all.len() > 1 {
        let line = |of: &dyn Fn(&Bar) -> f64| {
            all.iter().map(|Taken { time: t, taken, .. }| [t * time.size, of(taken)]).collect::<Vec<_>>()
        };
        let greatest = line(&|bar| bar.strongest.map_or(f64::NAN, |ring| ring.strength()));
        over_time.series.push(Series::new("strongest ring", COLOURS[0], Mark::LinePoints, greatest));
        let whole = line(&|bar| bar.whole.strength());
        over_time.series.push(Series::new("all rings", COLOURS[1], Mark::LinePoints, whole));
        panels.push(over_time);
    }
    targets.write(&Figure { frame: [400.0, 300.0], ..Figure::new(panels) }, &sheet)
}
