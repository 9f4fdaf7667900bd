//! `heorot plot surface-density`: plots the surface density in rings.

use super::galaxies;
use super::output::Sheet;
use super::rings::{Arguments, Ring, RingOptions, rings};
use super::snapshot::Taken;
use anyhow::Result;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.output.claim(&arguments.snapshots)?;
    let RingOptions { rings: count, radius, axis } = arguments.rings;
    let (units, all) = arguments.each(|snapshot| rings(snapshot, count.into(), radius, axis))?;
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
        "galaxy".to_owned(),
        format!("time [{}]", units.time.name),
        format!("inner_radius [{}]", length.name),
        format!("outer_radius [{}]", length.name),
        "bodies".to_owned(),
        format!("surface_density [{plain}]"),
        format!("poisson_error [{plain}]"),
    ]);
    for (Taken { time, name, taken: (galaxy, taken) }, colour) in all.iter().zip(colours(all.len())) {
        let label = galaxies::label(*galaxy, arguments.time_label(*time, &units));
        let point = |ring: &Ring| [ring.radius() * length.size, ring.surface_density() * size];
        panel.series.push(Series::new(label, colour, Mark::LinePoints, taken.iter().map(point).collect()));
        for ring in taken {
            let density = ring.surface_density() * size;
            let [inner, outer] = ring.ends.map(|end| end * length.size);
            let bodies = ring.bodies as f64;
            sheet.row(
                &[name, &galaxies::number(*galaxy)],
                &[time * units.time.size, inner, outer, bodies, density, density / bodies.sqrt()],
            );
        }
    }
    targets.write(&Figure { frame: [460.0, 320.0], ..Figure::new(vec![panel]) }, &sheet)
}
