//! `heorot plot tidal-radius`: plots the tidal radius of a satellite over time, and the mass within it.
//!
//! The tidal radius is that of King (1962, AJ 67, 471) at the present distance: r^3 = G m(r) /
//! (Omega^2 + T). Here T is the greatest eigenvalue of the tidal field of all other mass at the
//! centre of the satellite, and Omega is its angular speed about that mass. A mass m on a circle of
//! radius D about a point mass M has the tidal radius D (m / 3 M)^(1/3).

use crate::plot::bodies::galaxies::{Common, Galaxies};
use crate::plot::bodies::snapshot::{self, Selection, Snapshot, Taken, mass_within};
use crate::plot::bodies::source::external_of;
use crate::plot::output::Sheet;
use crate::plot::units::with_unit;
use anyhow::{Result, ensure};
use io::snapshot::Header;
use nalgebra::{Matrix3, SymmetricEigen, Vector3};
use nbody::potential::External;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Tidal radius of satellites over time, and the mass within it.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots, galaxies and output.
    #[command(flatten)]
    pub common: Common,
    /// Bodies and centre.
    #[command(flatten)]
    pub selection: Selection,
}

/// The tides on a satellite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::plot) struct Tide {
    /// Tidal radius [L]; not a number if tides compress on all sides.
    pub radius: f64,
    /// Mass within it [M].
    pub mass: f64,
    /// Distance from the centre of mass of the other galaxies, or from the origin if there are none
    /// [L].
    pub distance: f64,
}

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, nothing pulls at the satellite, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.common.claim()?;
    let paths = snapshot::distinct(&arguments.common.snapshots)?;
    let galaxies = arguments.common.galaxies.galaxies(&paths[0])?;
    let headers: Vec<Header> =
        paths.iter().map(|path| Ok(io::snapshot::read_header(path)?)).collect::<Result<_>>()?;
    let latest = headers.iter().map(|header| header.time).fold(f64::NEG_INFINITY, f64::max);
    let external = external_of(&headers[0], latest)?;
    ensure!(
        galaxies.0.len() > 1 || !external.is_empty(),
        "{}: nothing else pulls at these bodies: give several galaxies (--galaxies), or a run with a [[potential]]",
        paths[0].display()
    );
    let (units, all) = arguments.selection.each(&paths, |snapshot| tides(snapshot, &galaxies, &external))?;
    let (length, time, mass) = (units.length, units.time, units.mass);
    let axis = || Axis::linear(with_unit("Time", time.name));
    let mut radii = Panel::new(axis(), Axis::linear(with_unit("Tidal radius", length.name)).reaching(0.0));
    let mut masses = Panel::new(axis(), Axis::log(with_unit("Mass within", mass.name)));
    let places = galaxies.places();
    for ((k, galaxy), colour) in places.iter().enumerate().zip(colours(places.len())) {
        let line = |of: fn(&Tide) -> f64, size: f64| {
            all.iter()
                .map(|Taken { time: t, taken, .. }| [t * time.size, of(&taken[k]) * size])
                .collect::<Vec<_>>()
        };
        let label = galaxies.label(*galaxy, "");
        radii.series.push(Series::new(
            label,
            colour,
            Mark::LinePoints,
            line(|tide| tide.radius, length.size),
        ));
        masses.series.push(Series::new("", colour, Mark::LinePoints, line(|tide| tide.mass, mass.size)));
    }
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        "galaxy".to_owned(),
        with_unit("time", time.name),
        with_unit("tidal_radius", length.name),
        with_unit("mass_within", mass.plain()),
        with_unit("distance", length.name),
    ]);
    for Taken { time: t, name, taken, .. } in &all {
        for (galaxy, tide) in places.iter().zip(taken) {
            let galaxy = galaxies.key(*galaxy);
            let numbers = [
                t * time.size,
                tide.radius * length.size,
                tide.mass * mass.size,
                tide.distance * length.size,
            ];
            sheet.row(&[name, &galaxy], &numbers);
        }
    }
    targets.write(&Figure { frame: [460.0, 200.0], ..Figure::stacked(vec![radii, masses]) }, &sheet)
}

/// The tides on each galaxy, or on all bodies.
pub(in crate::plot) fn tides(
    snapshot: &Snapshot,
    galaxies: &Galaxies,
    external: &External,
) -> Result<Vec<Tide>> {
    let satellites: Vec<Snapshot> =
        (0..galaxies.0.len()).map(|k| galaxies.of(snapshot, k)).collect::<Result<_>>()?;
    let satellites: Vec<&Snapshot> =
        if satellites.is_empty() { vec![snapshot] } else { satellites.iter().collect() };
    let masses: Vec<Vec<[f64; 2]>> = satellites.iter().map(|one| one.cumulative_mass()).collect();
    let whole = |k: usize| masses[k].last().map_or(0.0, |pair| pair[1]);
    let gravity = snapshot.units.gravity;
    let moment = external.at(snapshot.time);
    let tide = |k: usize| {
        let [place, motion] =
            [satellites[k].centre.position, satellites[k].centre.velocity].map(Vector3::from);
        let mut tensor = Matrix3::zeros();
        let (mut pulling, mut middle, mut drift) = (0.0, Vector3::zeros(), Vector3::zeros());
        for other in (0..satellites.len()).filter(|other| *other != k) {
            let centre = satellites[other].centre;
            // From the nearest image of the other one.
            let away = -Vector3::from(snapshot.domain.displacement(place.into(), centre.position));
            let distance = away.norm();
            ensure!(distance > 0.0, "galaxies {} and {} have one centre", k + 1, other + 1);
            tensor += spherical_tide(&masses[other], away / distance, distance, gravity);
            let mass = whole(other);
            pulling += mass;
            middle += mass * (place - away);
            drift += mass * Vector3::from(centre.velocity);
        }
        if pulling > 0.0 {
            (middle, drift) = (middle / pulling, drift / pulling);
        }
        let away = place - middle;
        ensure!(away.norm() > 0.0, "galaxy {}: its centre is the place from which it is pulled", k + 1);
        // The derivative of the acceleration, by differences over a small part of the distance.
        let step = 1e-4 * away.norm();
        for axis in 0..3 {
            let mut ends = [place; 2];
            ends[0][axis] -= step;
            ends[1][axis] += step;
            let [a, b] = ends.map(|end| Vector3::from(moment.field(end.into()).acceleration));
            tensor.set_column(axis, &(tensor.column(axis) + (b - a) / (2.0 * step)));
        }
        let symmetric = 0.5 * (tensor + tensor.transpose());
        let strongest = SymmetricEigen::new(symmetric).eigenvalues.max();
        let turning = away.cross(&(motion - drift)).norm() / away.norm_squared();
        let [radius, mass] = within_tides(&masses[k], (turning * turning + strongest) / gravity);
        Ok(Tide { radius, mass, distance: away.norm() })
    };
    (0..satellites.len()).map(tide).collect()
}

/// Derivative of the acceleration by a sphere at a distance in a direction. Its mass within the
/// distance is taken from pairs of radius and mass, and the slope from its neighbourhood.
fn spherical_tide(mass: &[[f64; 2]], along: Vector3<f64>, distance: f64, gravity: f64) -> Matrix3<f64> {
    let within = |part: f64| mass_within(mass, part * distance);
    let pull = gravity * within(1.0) / distance.powi(3);
    let slope = if within(1.0) > 0.0 { (within(1.2) - within(0.8)) / (0.4 * within(1.0)) } else { 0.0 };
    pull * ((3.0 - slope) * along * along.transpose() - Matrix3::identity())
}

/// The greatest radius whose mean density m / r^3 is at least `density`, and the mass within it.
fn within_tides(mass: &[[f64; 2]], density: f64) -> [f64; 2] {
    if density.is_nan() || density <= 0.0 {
        return [f64::NAN; 2];
    }
    let dense = |pair: &&[f64; 2]| pair[1] >= density * pair[0].powi(3);
    let held = mass.iter().rev().find(dense).map_or(0.0, |pair| pair[1]);
    [(held / density).cbrt(), held]
}
