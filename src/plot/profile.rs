//! `heorot plot profile`: plots the radial profiles of a system.

use super::output::{Output, Sheet};
use super::shape::{self, Shape};
use super::snapshot::{Selection, Snapshot, Taken, enclosing};
use super::units::AxisUnits;
use anyhow::{Result, ensure};
use nalgebra::Vector3;
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

/// Approximate number of bodies inside the innermost shell, and fraction of the mass outside the
/// outermost one.
const INNERMOST: f64 = 20.0;
const OUTSIDE: f64 = 0.005;

fn range(text: &str) -> Result<[f64; 2], String> {
    let ends =
        text.split_once(':').and_then(|(lo, hi)| Some([lo.trim().parse().ok()?, hi.trim().parse().ok()?]));
    ends.filter(|[lo, hi]: &[f64; 2]| *lo > 0.0 && lo < hi && hi.is_finite())
        .ok_or_else(|| "give two rising radii above 0 as 0.1:50".to_owned())
}

/// A spherical shell about the centre. Means are weighted by mass.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Shell {
    /// Inner and outer radius [L].
    pub ends: [f64; 2],
    /// Number of bodies.
    pub bodies: u64,
    /// Mass [M].
    pub mass: f64,
    /// Mass within the outer radius [M].
    pub enclosed: f64,
    /// Mean velocity [L/T]: radial, polar and azimuthal. The axis is the angular momentum of all
    /// bodies.
    pub velocity: [f64; 3],
    /// Velocity dispersion in the same directions [L/T].
    pub dispersion: [f64; 3],
}

impl Shell {
    /// Geometric mean of the inner and outer radius [L].
    pub(super) fn radius(&self) -> f64 {
        (self.ends[0] * self.ends[1]).sqrt()
    }

    /// Mean density [M/L^3].
    pub(super) fn density(&self) -> f64 {
        let volume = 4.0 / 3.0 * std::f64::consts::PI * (self.ends[1].powi(3) - self.ends[0].powi(3));
        self.mass / volume
    }

    /// One-dimensional velocity dispersion, the root mean square of the three [L/T].
    pub(super) fn total_dispersion(&self) -> f64 {
        (self.dispersion.iter().map(|sigma| sigma * sigma).sum::<f64>() / 3.0).sqrt()
    }

    /// 1 - (sigma_theta^2 + sigma_phi^2) / (2 sigma_r^2): Binney & Tremaine (2008) eq. 4.61.
    pub(super) fn anisotropy(&self) -> f64 {
        let [r, theta, phi] = self.dispersion.map(|sigma| sigma * sigma);
        1.0 - (theta + phi) / (2.0 * r)
    }

    /// Speed of a circular orbit at the outer radius for a spherical mass distribution [L/T].
    pub(super) fn circular_speed(&self, gravity: f64) -> f64 {
        (gravity * self.enclosed / self.ends[1]).sqrt()
    }
}

/// Shells between two radii [L].
///
/// # Errors
/// If no body lies there, or all lie at one place.
pub(super) fn shells(snapshot: &Snapshot, count: usize, radius: Option<[f64; 2]>) -> Result<Vec<Shell>> {
    let [inner, outer] = match radius {
        Some(ends) => ends,
        None => {
            let cumulative = snapshot.cumulative_mass();
            let inner = enclosing(&cumulative, (INNERMOST / cumulative.len() as f64).min(0.1));
            let least = cumulative.iter().map(|pair| pair[0]).find(|&radius| radius > 0.0);
            ensure!(least.is_some(), "all bodies are at one place, so there is no profile");
            [inner.max(least.unwrap_or(0.0)), enclosing(&cumulative, 1.0 - OUTSIDE)]
        }
    };
    // A single body, or bodies at one distance.
    let outer = if outer > inner { outer * (1.0 + 1e-9) } else { 2.0 * inner };
    let ratio = (outer / inner).ln();
    let edge = |i: usize| inner * (ratio * i as f64 / count as f64).exp();
    let mut shells: Vec<Shell> =
        (0..count).map(|i| Shell { ends: [edge(i), edge(i + 1)], ..Shell::default() }).collect();
    let mut squares = vec![[0.0; 3]; count];
    let axis = spin(snapshot);
    let mut core = 0.0;
    for i in 0..snapshot.bodies.len() {
        let (radius, mass) = (snapshot.radius(i), snapshot.bodies.mass[i]);
        if radius < inner {
            core += mass;
            continue;
        }
        let at = ((radius / inner).ln() / ratio * count as f64) as usize;
        let Some(shell) = shells.get_mut(at) else { continue };
        let velocity = spherical(snapshot, i, radius, axis);
        shell.bodies += 1;
        shell.mass += mass;
        for k in 0..3 {
            shell.velocity[k] += mass * velocity[k];
            squares[at][k] += mass * velocity[k] * velocity[k];
        }
    }
    let mut enclosed = core;
    for (shell, squares) in shells.iter_mut().zip(squares) {
        enclosed += shell.mass;
        shell.enclosed = enclosed;
        if shell.bodies > 0 {
            shell.velocity = shell.velocity.map(|sum| sum / shell.mass);
            shell.dispersion = std::array::from_fn(|k| {
                (squares[k] / shell.mass - shell.velocity[k].powi(2)).max(0.0).sqrt()
            });
        }
    }
    shells.retain(|shell| shell.bodies > 0);
    ensure!(!shells.is_empty(), "no body lies between the radii {inner} and {outer}");
    Ok(shells)
}

/// Direction of the angular momentum of all bodies, or z if it is zero.
fn spin(snapshot: &Snapshot) -> Vector3<f64> {
    let bodies = &snapshot.bodies;
    let momentum = |i: usize| {
        bodies.mass[i] * Vector3::from(bodies.position(i)).cross(&Vector3::from(bodies.velocity(i)))
    };
    let sum: Vector3<f64> = (0..bodies.len()).map(momentum).sum();
    sum.try_normalize(0.0).unwrap_or(Vector3::z())
}

/// Velocity of a body [L/T]: radial, polar and azimuthal about an axis.
fn spherical(snapshot: &Snapshot, i: usize, radius: f64, axis: Vector3<f64>) -> [f64; 3] {
    let velocity = Vector3::from(snapshot.bodies.velocity(i));
    let outward = Vector3::from(snapshot.bodies.position(i)) / radius;
    let east = axis.cross(&outward).try_normalize(0.0);
    // On the axis itself, any perpendicular direction will do.
    let east = east.unwrap_or_else(|| axis.cross(&Vector3::x()).try_normalize(0.0).unwrap_or(Vector3::y()));
    [outward, east.cross(&outward), east].map(|direction| direction.dot(&velocity))
}

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim(&arguments.snapshots)?;
    let of = |snapshot: &Snapshot| {
        let shells = shells(snapshot, arguments.shells.into(), arguments.radius)?;
        Ok((shells, shape::profile(snapshot)))
    };
    let (units, all) = arguments.selection.each(&arguments.snapshots, of)?;
    let curves: Vec<Curves> = all
        .into_iter()
        .map(|Taken { time, name, taken: (shells, shapes) }| Curves { time, name, shells, shapes })
        .collect();
    targets.write(&figure(&curves, &units), &sheet(&curves, &units))
}

/// The curves of one snapshot.
struct Curves {
    time: f64,
    name: String,
    shells: Vec<Shell>,
    shapes: Vec<Shape>,
}

fn figure(curves: &[Curves], units: &AxisUnits) -> Figure {
    let radius = || Axis::log(format!("Radius [{}]", units.length.name));
    let (density, density_size) = units.density();
    let speed = |what: &str| Axis::linear(format!("{what} [{}]", units.velocity.name)).reaching(0.0);
    let mut panels = [
        Panel::new(radius(), Axis::log(format!("Density [{density}]"))),
        Panel::new(radius(), Axis::log("Enclosed mass [M☉]")),
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
        let circular =
            |shell: &Shell| [shell.ends[1] * length, shell.circular_speed(units.gravity) * velocity];
        add(4, &name("circular speed"), Mark::Line, over(&circular));
        add(4, &name("mean rotation"), Mark::Dashes, moving(&|shell| shell.velocity[2] * velocity));
        let ratio = |k: usize| {
            curve.shapes.iter().map(|shape| [shape.semi_major * length, shape.ratios[k]]).collect()
        };
        add(5, &name("b/a"), Mark::LinePoints, ratio(0));
        add(5, &name("c/a"), Mark::Dashes, ratio(1));
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
    let (length, velocity) = (units.length.name, units.velocity.name);
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        format!("time [{}]", units.time.name),
        format!("inner_radius [{length}]"),
        format!("outer_radius [{length}]"),
        "bodies".to_owned(),
        format!("density [Msun/{length}^3]"),
        "enclosed_mass [Msun]".to_owned(),
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
                    shell.circular_speed(units.gravity) * velocity,
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
