//! `heorot plot profile`: plots the radial profiles of a system.

use super::output::{Output, Sheet};
use super::shape::{self, Shape};
use super::snapshot::{AllMass, Selection, Snapshot, Taken, mass_within};
use super::units::AxisUnits;
use crate::kinds::NAMES;
use anyhow::Result;
pub(super) use nbody::profile::Shell;
use std::path::PathBuf;
use viz::plot::{Axis, COLOURS, Figure, Mark, Panel, Series, colours};

/// Radial profiles: density, enclosed mass, velocity dispersion, anisotropy, rotation and shape.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots of any format that `heorot convert` reads; if a snapshot has several files, any or
    /// all of them, which count as one.
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Number of shells, of equal thickness in log radius.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub shells: u16,
    /// Inner and outer radius, in the units of the snapshot [default: encloses nearly all bodies].
    #[arg(long, value_name = "MIN:MAX", value_parser = range)]
    pub radius: Option<[f64; 2]>,
    /// Bodies and centre.
    #[command(flatten)]
    pub selection: Selection,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

fn range(text: &str) -> Result<[f64; 2], String> {
    let ends =
        text.split_once(':').and_then(|(lo, hi)| Some([lo.trim().parse().ok()?, hi.trim().parse().ok()?]));
    ends.filter(|[lo, hi]: &[f64; 2]| *lo > 0.0 && lo < hi && hi.is_finite())
        .ok_or_else(|| "give two rising radii above 0 as 0.1:50".to_owned())
}

/// Shells between two radii [L].
///
/// # Errors
/// If no body lies there, or all lie at one place.
pub(super) fn shells(snapshot: &Snapshot, count: usize, radius: Option<[f64; 2]>) -> Result<Vec<Shell>> {
    nbody::profile::shells(&snapshot.bodies, count, radius).map_err(anyhow::Error::msg)
}

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim(&arguments.snapshots)?;
    let of = |snapshot: &Snapshot| {
        let shells = shells(snapshot, arguments.shells.into(), arguments.radius)?;
        Ok((shells, shape::profile(snapshot), snapshot.all_mass()?))
    };
    let (units, all) = arguments.selection.each(&arguments.snapshots, of)?;
    let curves: Vec<Curves> = all
        .into_iter()
        .map(|Taken { time, name, taken: (shells, shapes, mass) }| Curves {
            time,
            name,
            shells,
            shapes,
            mass,
        })
        .collect();
    targets.write(&figure(&curves, &units), &sheet(&curves, &units))
}

/// The curves of one snapshot.
struct Curves {
    time: f64,
    name: String,
    shells: Vec<Shell>,
    shapes: Vec<Shape>,
    /// Mass of all types, also of those that are not shown.
    mass: AllMass,
}

/// Speed of a circular orbit in a spherical mass distribution [L/T].
fn circular_speed(mass: &[[f64; 2]], radius: f64, units: &AxisUnits) -> f64 {
    (units.gravity * mass_within(mass, radius) / radius).sqrt()
}

fn figure(curves: &[Curves], units: &AxisUnits) -> Figure {
    let radius = || Axis::log(format!("Radius [{}]", units.length.name));
    let (density, density_size) = units.density();
    let speed = |what: &str| Axis::linear(format!("{what} [{}]", units.velocity.name)).reaching(0.0);
    let mut panels = [
        Panel::new(radius(), Axis::log(format!("Density [{density}]"))),
        Panel::new(radius(), Axis::log(format!("Enclosed mass [{}]", units.mass.name))),
        Panel::new(radius(), speed("Velocity dispersion")),
        Panel::new(radius(), Axis::linear("Anisotropy β").reaching(0.0)),
        Panel::new(radius(), speed("Rotation")),
        Panel::new(radius(), Axis::linear("Axis ratios").reaching(0.0).reaching(1.0)),
    ];
    let (length, mass, velocity) = (units.length.size, units.mass.size, units.velocity.size);
    let alone = curves.len() == 1;
    for (curve, colour) in curves.iter().zip(colours(curves.len())) {
        let label = if alone { String::new() } else { time_label(curve.time, units) };
        let mut add = |panel: usize, name: &str, mark, points| {
            panels[panel].series.push(Series::new(name, colour, mark, points));
        };
        let over = |of: &dyn Fn(&Shell) -> [f64; 2]| curve.shells.iter().map(of).collect::<Vec<_>>();
        let name = |what: &str| if alone { what.to_owned() } else { String::new() };
        add(
            0,
            &label,
            Mark::LinePoints,
            over(&|shell| [shell.radius() * length, shell.density() * density_size]),
        );
        add(1, "", Mark::Line, over(&|shell| [shell.ends[1] * length, shell.enclosed * mass]));
        let dispersed: Vec<Shell> =
            curve.shells.iter().copied().filter(|shell| shell.bodies >= FEWEST).collect();
        let moving = |of: &dyn Fn(&Shell) -> f64| {
            dispersed.iter().map(|shell| [shell.radius() * length, of(shell)]).collect::<Vec<_>>()
        };
        add(2, "", Mark::Line, moving(&|shell| shell.total_dispersion() * velocity));
        add(3, "", Mark::Line, moving(&Shell::anisotropy));
        let circular = |mass: &[[f64; 2]]| {
            over(&|shell| [shell.ends[1] * length, circular_speed(mass, shell.ends[1], units) * velocity])
        };
        add(4, &name("circular speed"), Mark::Line, circular(&curve.mass.all));
        add(4, &name("mean rotation"), Mark::Dashes, moving(&|shell| shell.velocity[2] * velocity));
        let ratio = |k: usize| {
            curve.shapes.iter().map(|shape| [shape.semi_major * length, shape.ratios[k]]).collect()
        };
        add(5, &name("b/a"), Mark::LinePoints, ratio(0));
        add(5, &name("c/a"), Mark::Dashes, ratio(1));
        // The parts of the circular speed, each type by itself.
        if alone && curve.mass.parts.len() > 1 {
            for ((kind, mass), colour) in curve.mass.parts.iter().zip(COLOURS[1..].iter().cycle()) {
                let name = format!("of {}", NAMES[*kind]);
                panels[4].series.push(Series::new(name, *colour, Mark::Line, circular(mass)));
            }
        }
    }
    if !alone {
        // Colours mean times. The meaning of the lines is shown once, without a colour.
        let names = [
            (4, "circular speed", Mark::Line),
            (4, "mean rotation", Mark::Dashes),
            (5, "b/a", Mark::LinePoints),
            (5, "c/a", Mark::Dashes),
        ];
        for (panel, name, mark) in names {
            panels[panel].series.push(Series::new(name, COLOURS[COLOURS.len() - 1], mark, Vec::new()));
        }
    }
    Figure::new(panels.into())
}

/// Least number of bodies in a shell for a velocity dispersion.
const FEWEST: u64 = 5;

/// A time with its unit.
pub(super) fn time_label(time: f64, units: &AxisUnits) -> String {
    format!("{:.3} {}", time * units.time.size, units.time.name)
}

fn sheet(curves: &[Curves], units: &AxisUnits) -> Sheet {
    let (length, velocity, mass) = (units.length.name, units.velocity.name, units.mass.plain());
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        format!("time [{}]", units.time.name),
        format!("inner_radius [{length}]"),
        format!("outer_radius [{length}]"),
        "bodies".to_owned(),
        if mass == "Msun" { format!("density [Msun/{length}^3]") } else { format!("density [{mass}]") },
        format!("enclosed_mass [{mass}]"),
        format!("dispersion_r [{velocity}]"),
        format!("dispersion_theta [{velocity}]"),
        format!("dispersion_phi [{velocity}]"),
        "anisotropy".to_owned(),
        format!("circular_speed [{velocity}]"),
        format!("mean_rotation [{velocity}]"),
        format!("semi_major_axis [{length}]"),
        "b_over_a".to_owned(),
        "c_over_a".to_owned(),
    ]);
    let (length, mass, velocity) = (units.length.size, units.mass.size, units.velocity.size);
    let none = Shape { semi_major: f64::NAN, ratios: [f64::NAN; 2] };
    for curve in curves {
        for shell in &curve.shells {
            let [r, theta, phi] = shell.dispersion.map(|sigma| sigma * velocity);
            // The shape is that of the largest ellipsoid whose longest semi-axis ends in this
            // shell.
            let inside = curve.shapes.iter().take_while(|shape| shape.semi_major <= shell.ends[1]).last();
            let inside = inside.filter(|shape| shape.semi_major > shell.ends[0]).unwrap_or(&none);
            sheet.row(
                &[&curve.name],
                &[
                    curve.time * units.time.size,
                    shell.ends[0] * length,
                    shell.ends[1] * length,
                    shell.bodies as f64,
                    shell.density() * units.density().1,
                    shell.enclosed * mass,
                    r,
                    theta,
                    phi,
                    shell.anisotropy(),
                    circular_speed(&curve.mass.all, shell.ends[1], units) * velocity,
                    shell.velocity[2] * velocity,
                    inside.semi_major * length,
                    inside.ratios[0],
                    inside.ratios[1],
                ],
            );
        }
    }
    sheet
}
