//! `heorot plot separation`: plots the distance of two or more galaxies over time.

use crate::files::kinds;
use crate::parameters::quantities::origin;
use crate::plot::bodies::galaxies::{self, Common, Galaxies};
use crate::plot::bodies::snapshot::{self, Selection, Snapshot, Taken};
use crate::plot::output::Sheet;
use crate::plot::units::with_unit;
use anyhow::{Result, ensure};
use nbody::profile::Centre;
use treecode::Domain;
use treecode::math::norm;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Separation of galaxies: distance and relative speed of their centres over time.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots, galaxies and output.
    #[command(flatten)]
    pub common: Common,
    /// Particle types, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
}

/// Greatest number of galaxies. There is a line for each pair.
const MOST: usize = 6;

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read or does not say which galaxies its bodies are of, or a file cannot be
/// written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.common.claim()?;
    let paths = snapshot::distinct(&arguments.common.snapshots)?;
    let given = arguments.common.galaxies.galaxies(&paths[0])?;
    let galaxies = if given.0.is_empty() { galaxies::of_model(&paths[0])? } else { given };
    let count = galaxies.0.len();
    ensure!(
        (2..=MOST).contains(&count),
        "{count} galaxies: must be from 2 to {MOST} to plot their distances"
    );
    let of = |snapshot: &Snapshot| Ok((snapshot.domain, centres(snapshot, &galaxies)?));
    let selection = Selection { types: arguments.types.clone(), centre: Some(origin()) };
    let (units, all) = selection.each(&paths, of)?;
    let (length, time, velocity) = (units.length, units.time, units.velocity);
    let axis = || Axis::linear(with_unit("Time", time.name));
    let mut distances = Panel::new(axis(), Axis::linear(with_unit("Distance", length.name)).reaching(0.0));
    let mut speeds =
        Panel::new(axis(), Axis::linear(with_unit("Relative speed", velocity.name)).reaching(0.0));
    let pairs: Vec<[usize; 2]> = (0..count).flat_map(|i| (i + 1..count).map(move |j| [i, j])).collect();
    let mut columns = vec!["snapshot".to_owned(), with_unit("time", time.name)];
    for ([i, j], colour) in pairs.iter().zip(colours(pairs.len())) {
        let is_named = pairs.len() > 1 || galaxies.0.iter().any(|galaxy| galaxy.name.is_some());
        let name =
            if is_named { format!("{} – {}", galaxies.name(*i), galaxies.name(*j)) } else { String::new() };
        let line = |gap: &dyn Fn(&Centres) -> f64| -> Vec<[f64; 2]> {
            all.iter().map(|Taken { time: t, taken, .. }| [t * time.size, gap(taken)]).collect()
        };
        let distance = line(&|centres| distance(centres, *i, *j) * length.size);
        let speed = line(&|centres| relative_speed(centres, *i, *j) * velocity.size);
        distances.series.push(Series::new(name, colour, Mark::LinePoints, distance));
        speeds.series.push(Series::new("", colour, Mark::LinePoints, speed));
        columns.push(with_unit(&format!("distance_{}_{}", i + 1, j + 1), length.name));
        columns.push(with_unit(&format!("relative_speed_{}_{}", i + 1, j + 1), velocity.name));
    }
    let mut sheet = Sheet::new(&columns);
    for Taken { time: t, name, taken, .. } in &all {
        let numbers = pairs.iter().flat_map(|&[i, j]| {
            [distance(taken, i, j) * length.size, relative_speed(taken, i, j) * velocity.size]
        });
        sheet.row(&[name], &std::iter::once(t * time.size).chain(numbers).collect::<Vec<_>>());
    }
    targets.write(&Figure { frame: [460.0, 200.0], ..Figure::stacked(vec![distances, speeds]) }, &sheet)
}

/// The space of a snapshot, and the centre of each galaxy in it.
type Centres = (Domain, Vec<Centre>);

/// Distance of two galaxies, or in a periodic box of their nearest images [L].
pub(in crate::plot) fn distance((domain, centres): &Centres, i: usize, j: usize) -> f64 {
    norm(domain.displacement(centres[i].position, centres[j].position))
}

fn relative_speed((_, centres): &Centres, i: usize, j: usize) -> f64 {
    norm(Domain::Open.displacement(centres[i].velocity, centres[j].velocity))
}

/// The centre of each galaxy, by a shrinking sphere.
pub(in crate::plot) fn centres(snapshot: &Snapshot, galaxies: &Galaxies) -> Result<Vec<Centre>> {
    (0..galaxies.0.len()).map(|k| Ok(galaxies.of(snapshot, k)?.centre)).collect()
}
