//! `heorot plot profile`: plots the radial profiles of a system.

use crate::console::warn;
use crate::parameters::quantities::{Quantity, rising_lengths};
use crate::plot::bodies::circular::{self, Circular};
use crate::plot::bodies::galaxies::{Common, Measured};
use crate::plot::bodies::shape::{self, Shape};
use crate::plot::bodies::snapshot::{Selection, Snapshot};
use crate::plot::bodies::source::external_of;
use crate::plot::legend::{self, Softened};
use crate::plot::output::Sheet;
use crate::plot::panels::{self, Named};
use crate::plot::units::with_unit;
use anyhow::{Result, ensure};
use nbody::potential::External;
pub(in crate::plot) use nbody::profile::Shell;
use viz::Rgb;
use viz::plot::{Axis, COLOURS, Figure, Mark, Panel, Series};

/// Radial profiles: density, enclosed mass, velocity dispersion, anisotropy, rotation and shape.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshots, galaxies and output.
    #[command(flatten)]
    pub common: Common,
    /// Number of shells, of equal thickness in log radius.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(2..=1000))]
    pub shells: u16,
    /// Inner and outer radius, in the units of the snapshot or each with a unit [default: encloses nearly
    /// all bodies].
    #[arg(long, value_name = "MIN:MAX", value_parser = rising_lengths)]
    pub radius: Option<[Quantity; 2]>,
    /// Panels to draw, in this order [default: all].
    #[arg(long, value_enum, value_name = "PANELS", value_delimiter = ',')]
    pub panels: Vec<Part>,
    /// Bodies and centre.
    #[command(flatten)]
    pub selection: Selection,
}

/// A panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Density of the bodies shown
    Density,
    /// Enclosed mass of the bodies shown
    Mass,
    /// One-dimensional velocity dispersion
    Dispersion,
    /// Anisotropy of the velocity dispersion
    Anisotropy,
    /// Circular speed of the total mass and of its components, and mean rotation of the bodies
    /// shown
    Rotation,
    /// Axis ratios
    Shape,
}

/// Shells between two radii [L].
///
/// # Errors
/// If no body lies there, or all lie at one place.
pub(in crate::plot) fn shells(
    snapshot: &Snapshot,
    count: usize,
    radius: Option<[f64; 2]>,
) -> Result<Vec<Shell>> {
    nbody::profile::shells(&snapshot.bodies, count, radius).map_err(anyhow::Error::msg)
}

/// Inner and outer radius in the units of a snapshot.
fn radii(snapshot: &Snapshot, ends: &[Quantity; 2]) -> Result<[f64; 2]> {
    let units = snapshot.source.units();
    let [low, high] = [ends[0].of_option("--radius", &units)?, ends[1].of_option("--radius", &units)?];
    ensure!(low < high, "--radius: must rise from {low:?} to {high:?} in the units of the snapshot");
    Ok([low, high])
}

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.common.claim()?;
    let of = |snapshot: &Snapshot| {
        let radius = arguments.radius.as_ref().map(|ends| radii(snapshot, ends)).transpose()?;
        let shells = shells(snapshot, arguments.shells.into(), radius)?;
        let ends: Vec<f64> = shells.iter().map(|shell| shell.ends[1]).collect();
        let circular = circular::speeds(snapshot, &ends, &external(snapshot))?;
        let (shapes, softening) = (shape::profile(snapshot), legend::softening(snapshot));
        Ok(Curves { shells, shapes, circular, softening })
    };
    let measured = arguments.common.each(&arguments.selection, of)?;
    let first = arguments.panels.first().copied().unwrap_or(Part::Density);
    let panels = panels::chosen(&all_panels(&measured, first), &arguments.panels)?;
    targets.write(&Figure::new(panels), &sheet(&measured))
}

/// The external potentials of the run; none, with a warning, if they cannot be read again.
fn external(snapshot: &Snapshot) -> External {
    external_of(&snapshot.source.header, snapshot.time).unwrap_or_else(|error| {
        warn(&format!("the circular speed is without the external potentials of the run: {error:#}"));
        External::default()
    })
}

/// The curves of one snapshot or galaxy.
struct Curves {
    shells: Vec<Shell>,
    shapes: Vec<Shape>,
    /// At the outer radii of the shells.
    circular: Circular,
    softening: Vec<Softened>,
}

/// A line of some shells: radii, values and errors.
fn line(name: &str, colour: Rgb, mark: Mark, shells: &[Shell], of: impl Fn(&Shell) -> [f64; 3]) -> Series {
    let all: Vec<[f64; 3]> = shells.iter().map(of).collect();
    let points = all.iter().map(|[x, y, _]| [*x, *y]).collect();
    Series::new(name, colour, mark, points).with_errors(all.iter().map(|[.., error]| *error).collect())
}

/// All panels. The panel `first` names the snapshots or galaxies, whose colours are the same in all.
fn all_panels(measured: &Measured<Curves>, first: Part) -> Vec<Named<Part>> {
    let units = &measured.units;
    let radius = || Axis::log(with_unit("Radius", units.length.name));
    let (density, _, density_size) = units.density(3);
    let speed = |what: &str| Axis::linear(with_unit(what, units.velocity.name));
    let mut panels = [
        (Part::Density, Panel::new(radius(), Axis::log(with_unit("Density", &density)))),
        (Part::Mass, Panel::new(radius(), Axis::log(with_unit("Enclosed mass", units.mass.name)))),
        (Part::Dispersion, Panel::new(radius(), speed("Velocity dispersion").from_least(0.0))),
        (Part::Anisotropy, Panel::new(radius(), Axis::linear("Anisotropy β").reaching(0.0))),
        (Part::Rotation, Panel::new(radius(), speed("Rotation speed").reaching(0.0))),
        (Part::Shape, Panel::new(radius(), Axis::linear("Axis ratios").reaching(0.0).reaching(1.0))),
    ];
    let (length, mass, velocity) = (units.length.size, units.mass.size, units.velocity.size);
    let alone = measured.all.len() == 1;
    for (one, (label, colour)) in measured.all.iter().zip(measured.lines()) {
        let curve = &one.taken.1;
        let mut add = |part: Part, series: Series| panels[part as usize].1.series.push(series);
        let named = |part: Part| if part == first { label.clone() } else { String::new() };
        let name = |what: &str| if alone { what.to_owned() } else { String::new() };
        let main = |part: Part, what: &str| if alone { what.to_owned() } else { named(part) };
        let shells = &curve.shells;
        let of_density = |shell: &Shell| {
            [shell.radius() * length, shell.density() * density_size, shell.density_error() * density_size]
        };
        add(Part::Density, line(&named(Part::Density), colour, Mark::LinePoints, shells, of_density));
        let of_mass = |shell: &Shell| [shell.ends[1] * length, shell.enclosed * mass, 0.0];
        add(Part::Mass, line(&named(Part::Mass), colour, Mark::Line, shells, of_mass));
        let dispersed: Vec<Shell> =
            curve.shells.iter().copied().filter(|shell| shell.bodies >= FEWEST).collect();
        let of_dispersion = |shell: &Shell| {
            [
                shell.radius() * length,
                shell.total_dispersion() * velocity,
                shell.dispersion_error() * velocity,
            ]
        };
        add(Part::Dispersion, line(&named(Part::Dispersion), colour, Mark::Line, &dispersed, of_dispersion));
        let of_anisotropy =
            |shell: &Shell| [shell.radius() * length, shell.anisotropy(), shell.anisotropy_error()];
        add(Part::Anisotropy, line(&named(Part::Anisotropy), colour, Mark::Line, &dispersed, of_anisotropy));
        let circular = |speeds: &[f64]| {
            let points = shells.iter().zip(speeds);
            points.map(|(shell, speed)| [shell.ends[1] * length, speed * velocity]).collect::<Vec<_>>()
        };
        let total = circular(&curve.circular.total);
        add(Part::Rotation, Series::new(main(Part::Rotation, "circular speed"), colour, Mark::Line, total));
        let of_rotation = |shell: &Shell| {
            [shell.radius() * length, shell.velocity[2] * velocity, shell.rotation_error() * velocity]
        };
        let rotation = line(&name("mean rotation"), colour, Mark::Dashes, &dispersed, of_rotation);
        add(Part::Rotation, rotation);
        if let Some(own) = &curve.circular.own {
            add(Part::Rotation, Series::new(name(OWN), colour, Mark::Dots, circular(own)));
        }
        let ratio = |k: usize| {
            curve.shapes.iter().map(|shape| [shape.semi_major * length, shape.ratios[k]]).collect()
        };
        add(Part::Shape, Series::new(main(Part::Shape, "b/a"), colour, Mark::LinePoints, ratio(0)));
        add(Part::Shape, Series::new(name("c/a"), colour, Mark::Dashes, ratio(1)));
        if alone {
            for ((part, speeds), colour) in curve.circular.parts().iter().zip(COLOURS[1..].iter().cycle()) {
                add(Part::Rotation, Series::new(format!("of {part}"), *colour, Mark::Line, circular(speeds)));
            }
        }
        for (_, panel) in &mut panels {
            legend::add_softening(panel, curve.softening.iter(), length);
        }
    }
    if !alone {
        // Colours mean snapshots or galaxies. The meaning of the lines is shown once, without a colour.
        let mut names = vec![
            (Part::Rotation, "circular speed", Mark::Line),
            (Part::Rotation, "mean rotation", Mark::Dashes),
            (Part::Shape, "b/a", Mark::LinePoints),
            (Part::Shape, "c/a", Mark::Dashes),
        ];
        if measured.all.iter().any(|one| one.taken.1.circular.own.is_some()) {
            names.insert(2, (Part::Rotation, OWN, Mark::Dots));
        }
        for (part, name, mark) in names {
            let sample = Series::new(name, COLOURS[COLOURS.len() - 1], mark, Vec::new());
            panels[part as usize].1.series.push(sample);
        }
    }
    panels.into()
}

/// Name of the circular speed of the bodies of a galaxy alone.
const OWN: &str = "of the galaxy alone";

/// Least number of bodies in a shell for a velocity dispersion.
const FEWEST: u64 = 5;

fn sheet(measured: &Measured<Curves>) -> Sheet {
    let units = &measured.units;
    let (length, velocity, mass) = (units.length.name, units.velocity.name, units.mass.plain());
    let (_, density, density_size) = units.density(3);
    let mut parts: Vec<&str> = Vec::new();
    for (name, _) in measured.all.iter().flat_map(|one| one.taken.1.circular.parts()) {
        if !parts.contains(&name) {
            parts.push(name);
        }
    }
    let has_own = measured.all.iter().any(|one| one.taken.1.circular.own.is_some());
    let of_parts = parts.iter().map(|name| name.replace(' ', "_")).chain(has_own.then(|| "own".to_owned()));
    let columns = [
        "snapshot".to_owned(),
        "galaxy".to_owned(),
        with_unit("time", units.time.name),
        with_unit("inner_radius", length),
        with_unit("outer_radius", length),
        "bodies".to_owned(),
        with_unit("density", &density),
        with_unit("density_error", &density),
        with_unit("enclosed_mass", mass),
        with_unit("dispersion_r", velocity),
        with_unit("dispersion_theta", velocity),
        with_unit("dispersion_phi", velocity),
        with_unit("dispersion_r_error", velocity),
        with_unit("dispersion_theta_error", velocity),
        with_unit("dispersion_phi_error", velocity),
        "anisotropy".to_owned(),
        "anisotropy_error".to_owned(),
        with_unit("circular_speed", velocity),
        with_unit("mean_rotation", velocity),
        with_unit("mean_rotation_error", velocity),
        with_unit("semi_major_axis", length),
        "b_over_a".to_owned(),
        "c_over_a".to_owned(),
    ];
    let of_parts = of_parts.map(|name| with_unit(&format!("circular_speed_{name}"), velocity));
    let mut sheet = Sheet::new(&columns.into_iter().chain(of_parts).collect::<Vec<_>>());
    let (length, mass, velocity) = (units.length.size, units.mass.size, units.velocity.size);
    let none = Shape { semi_major: f64::NAN, ratios: [f64::NAN; 2] };
    for one in &measured.all {
        let curve = &one.taken.1;
        let own_parts = curve.circular.parts();
        for (i, shell) in curve.shells.iter().enumerate() {
            let [r, theta, phi] = shell.dispersion.map(|sigma| sigma * velocity);
            let [r_error, theta_error, phi_error] = shell.dispersion_errors().map(|sigma| sigma * velocity);
            // The shape is that of the largest ellipsoid whose longest semi-axis ends in this
            // shell.
            let inside = curve.shapes.iter().take_while(|shape| shape.semi_major <= shell.ends[1]).last();
            let inside = inside.filter(|shape| shape.semi_major > shell.ends[0]).unwrap_or(&none);
            let mut numbers = vec![
                one.time * units.time.size,
                shell.ends[0] * length,
                shell.ends[1] * length,
                shell.bodies as f64,
                shell.density() * density_size,
                shell.density_error() * density_size,
                shell.enclosed * mass,
                r,
                theta,
                phi,
                r_error,
                theta_error,
                phi_error,
                shell.anisotropy(),
                shell.anisotropy_error(),
                curve.circular.total[i] * velocity,
                shell.velocity[2] * velocity,
                shell.rotation_error() * velocity,
                inside.semi_major * length,
                inside.ratios[0],
                inside.ratios[1],
            ];
            let part = |name: &&str| own_parts.iter().find(|(other, _)| other == name);
            let speeds = parts.iter().map(|name| part(name).map_or(f64::NAN, |(_, speeds)| speeds[i]));
            numbers.extend(speeds.map(|speed| speed * velocity));
            if has_own {
                numbers.push(curve.circular.own.as_ref().map_or(f64::NAN, |own| own[i] * velocity));
            }
            let [name, galaxy] = measured.words(one);
            sheet.row(&[&name, &galaxy], &numbers);
        }
    }
    sheet
}
