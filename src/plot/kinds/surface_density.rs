//! `heorot plot surface-density`: plots the surface density in rings.

use crate::plot::bodies::rings::{Arguments, RINGS, Ring, RingOptions, rings};
use crate::plot::legend;
use crate::plot::output::Sheet;
use crate::plot::units::with_unit;
use anyhow::Result;
use viz::plot::{Axis, Figure, Mark, Panel, Series};

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.common.claim()?;
    let RingOptions { rings: count, axis, .. } = arguments.rings;
    let count = count.unwrap_or(RINGS);
    let of = |snapshot: &_| {
        let radius = arguments.rings.radius(snapshot)?;
        Ok((rings(snapshot, count.into(), radius, axis)?, legend::softening(snapshot)))
    };
    let measured = arguments.each(of)?;
    let (units, all) = (measured.units, &measured.all);
    let length = units.length;
    let (name, plain, size) = units.density(2);
    let mut panel = Panel::new(
        Axis::linear(with_unit("Radius", length.name)).reaching(0.0),
        Axis::log(with_unit("Surface density", &name)),
    );
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        "galaxy".to_owned(),
        with_unit("time", units.time.name),
        with_unit("inner_radius", length.name),
        with_unit("outer_radius", length.name),
        "bodies".to_owned(),
        with_unit("surface_density", &plain),
        with_unit("poisson_error", &plain),
    ]);
    for (one, (label, colour)) in all.iter().zip(measured.lines()) {
        let (rings, softening) = &one.taken.1;
        let point = |ring: &Ring| [ring.radius() * length.size, ring.surface_density() * size];
        let error = |ring: &Ring| ring.surface_density_error() * size;
        let line = Series::new(label, colour, Mark::LinePoints, rings.iter().map(point).collect());
        panel.series.push(line.with_errors(rings.iter().map(error).collect()));
        legend::add_softening(&mut panel, softening.iter(), length.size);
        let [name, galaxy] = measured.words(one);
        for ring in rings {
            let [inner, outer] = ring.ends.map(|end| end * length.size);
            let numbers = [
                one.time * units.time.size,
                inner,
                outer,
                ring.bodies as f64,
                ring.surface_density() * size,
                error(ring),
            ];
            sheet.row(&[&name, &galaxy], &numbers);
        }
    }
    targets.write(&Figure { frame: [460.0, 320.0], ..Figure::new(vec![panel]) }, &sheet)
}
