//! `heorot plot phase`: plots the mass in the plane of radius and radial velocity.

use crate::plot::bodies::galaxies::GalaxyOptions;
use crate::plot::bodies::snapshot::{self, Selection, Snapshot, enclosing};
use crate::plot::legend::{self, time_label};
use crate::plot::output::{Output, Sheet};
use crate::plot::units::with_unit;
use anyhow::{Result, ensure};
use std::path::PathBuf;
use viz::plot::{Axis, Figure, Panel, Plane};

/// Phase space: the mass in each cell of the plane of radius and radial velocity.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshot of any format that `heorot convert` reads; if it has several files, any one of
    /// them.
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: PathBuf,
    /// Number of cells along each axis.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub cells: u16,
    /// Galaxies that are shown apart, each in a panel.
    #[command(flatten)]
    pub galaxies: GalaxyOptions,
    /// Bodies and centre.
    #[command(flatten)]
    pub selection: Selection,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

/// Fraction of the mass that may lie beyond each end of an axis.
const OUTSIDE: f64 = 0.001;

/// Mass on a grid that is regular in the logarithm of the radius [L] and in the radial velocity
/// [L/T].
pub(in crate::plot) struct Grid {
    /// Number of cells along each axis.
    pub cells: usize,
    /// Range of the radius [L].
    pub radius: [f64; 2],
    /// Range of the radial velocity [L/T].
    pub velocity: [f64; 2],
    /// Mass [M], row by row from the lowest velocity.
    pub mass: Vec<f64>,
}

impl Grid {
    /// Bins the mass of a snapshot.
    ///
    /// # Errors
    /// If all bodies are at the centre.
    pub(in crate::plot) fn of(snapshot: &Snapshot, cells: usize) -> Result<Grid> {
        let bodies = &snapshot.bodies;
        let cumulative = snapshot.cumulative_mass();
        let least = cumulative.iter().map(|pair| pair[0]).find(|&radius| radius > 0.0);
        ensure!(least.is_some(), "all bodies are at one place, so that there is no plane to show");
        let inner = enclosing(&cumulative, OUTSIDE).max(least.unwrap_or(0.0));
        let outer = enclosing(&cumulative, 1.0 - OUTSIDE).max(inner);
        let outward = |i: usize| {
            let (x, v) = (bodies.position(i), bodies.velocity(i));
            let along: f64 = (0..3).map(|axis| x[axis] * v[axis]).sum();
            along / snapshot.radius(i)
        };
        let moving: Vec<(f64, f64, f64)> = (0..bodies.len())
            .filter(|&i| snapshot.radius(i) > 0.0)
            .map(|i| (snapshot.radius(i), outward(i), bodies.mass[i]))
            .collect();
        let mut speeds: Vec<f64> = moving.iter().map(|(_, velocity, _)| velocity.abs()).collect();
        speeds.sort_by(f64::total_cmp);
        let fastest = speeds[((1.0 - OUTSIDE) * (speeds.len() - 1) as f64).ceil() as usize];
        let most = if fastest > 0.0 { 1.05 * fastest } else { 1.0 };
        let radius = if outer > inner { [inner, outer * (1.0 + 1e-9)] } else { [0.5 * inner, 2.0 * inner] };
        let mut grid = Grid { cells, radius, velocity: [-most, most], mass: vec![0.0; cells * cells] };
        for (r, v, mass) in moving {
            let column = (r / radius[0]).ln() / (radius[1] / radius[0]).ln();
            let row = (v + most) / (2.0 * most);
            if (0.0..1.0).contains(&column) && (0.0..1.0).contains(&row) {
                let [column, row] = [column, row].map(|part| (part * cells as f64) as usize);
                grid.mass[row * cells + column] += mass;
            }
        }
        Ok(grid)
    }

    /// Centre of a cell: radius [L] and radial velocity [L/T].
    pub(in crate::plot) fn middle(&self, cell: usize) -> [f64; 2] {
        let part = |k: usize| (k as f64 + 0.5) / self.cells as f64;
        let ([inner, outer], [slowest, fastest]) = (self.radius, self.velocity);
        let radius = inner * (outer / inner).powf(part(cell % self.cells));
        [radius, slowest + (fastest - slowest) * part(cell / self.cells)]
    }
}

/// Runs the command.
///
/// # Errors
/// If the snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim([&arguments.snapshot])?;
    let paths = snapshot::distinct(std::slice::from_ref(&arguments.snapshot))?;
    ensure!(
        paths.len() == 1,
        "{}: holds {} snapshots; give one of them, such as {}",
        arguments.snapshot.display(),
        paths.len(),
        paths[paths.len() - 1].display()
    );
    let of =
        |snapshot: &Snapshot| Ok((Grid::of(snapshot, arguments.cells.into())?, legend::softening(snapshot)));
    let measured = arguments.galaxies.each(&arguments.selection, &paths, of)?;
    let units = &measured.units;
    let (length, velocity, mass) = (units.length, units.velocity, units.mass);
    let mut panels = Vec::new();
    let mut sheet = Sheet::new(&[
        "galaxy".to_owned(),
        with_unit("radius", length.name),
        with_unit("radial_velocity", velocity.name),
        with_unit("mass", mass.plain()),
    ]);
    for one in &measured.all {
        let (grid, softening) = &one.taken.1;
        let mut panel = Panel::new(
            Axis::log(with_unit("Radius", length.name)),
            Axis::linear(with_unit("Radial velocity", velocity.name)),
        );
        let words = [one.name.clone(), measured.label(one), time_label(one.time, units)];
        panel.title = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
        panel.plane = Some(Plane {
            label: with_unit("Mass in a cell", mass.name),
            cells: [grid.cells; 2],
            range: [grid.radius.map(|r| r * length.size), grid.velocity.map(|v| v * velocity.size)],
            values: grid.mass.iter().map(|m| m * mass.size).collect(),
        });
        legend::add_softening(&mut panel, softening.iter(), length.size);
        panels.push(panel);
        let galaxy = measured.galaxies.key(one.taken.0);
        for (cell, m) in grid.mass.iter().enumerate().filter(|(_, mass)| **mass > 0.0) {
            let [radius, v] = grid.middle(cell);
            sheet.row(&[&galaxy], &[radius * length.size, v * velocity.size, m * mass.size]);
        }
    }
    targets.write(&Figure { frame: [430.0, 330.0], ..Figure::new(panels) }, &sheet)
}
