//! `heorot plot bar`: plots the strength of a bar by radius, and over time.

use crate::plot::bodies::rings::{Arguments, RINGS, Ring, RingOptions, rings};
use crate::plot::bodies::snapshot::Snapshot;
use crate::plot::legend::{self, Softened};
use crate::plot::output::Sheet;
use crate::plot::units::with_unit;
use anyhow::{Result, ensure};
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Rings with fewer bodies are not drawn, because their noise is above 10 %.
const FEWEST: u64 = 100;

/// The rings of one snapshot.
struct Bar {
    rings: Vec<Ring>,
    /// The ring with the greatest strength, of those with enough bodies.
    strongest: Option<Ring>,
    /// All rings together.
    whole: Ring,
    softening: Vec<Softened>,
}

impl Bar {
    fn of(rings: Vec<Ring>, softening: Vec<Softened>) -> Bar {
        let enough = rings.iter().filter(|ring| ring.bodies >= FEWEST);
        let strongest = enough.copied().max_by(|a, b| a.strength().total_cmp(&b.strength()));
        Bar { strongest, whole: Ring::sum(&rings), rings, softening }
    }
}

/// Number of rings for this number of bodies, so that each ring has enough of them.
fn suitable(bodies: u64, most: u16) -> u16 {
    (bodies / (3 * FEWEST)).clamp(2, most.into()) as u16
}

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read, has nothing to show, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let targets = arguments.common.claim()?;
    let RingOptions { rings: given, axis, .. } = arguments.rings;
    let of = |snapshot: &Snapshot| {
        let count = given.unwrap_or_else(|| suitable(snapshot.bodies.len() as u64, RINGS));
        Ok(Bar::of(
            rings(snapshot, count.into(), arguments.rings.radius(snapshot)?, axis)?,
            legend::softening(snapshot),
        ))
    };
    let measured = arguments.each(of)?;
    let (units, all) = (measured.units, &measured.all);
    if all.iter().all(|one| one.taken.1.strongest.is_none()) {
        let most = all.iter().map(|one| one.taken.1.whole.bodies).max().unwrap_or(0);
        ensure!(
            most >= 2 * FEWEST,
            "the rings hold {most} bodies, too few: a ring needs {FEWEST} to show a bar"
        );
        anyhow::bail!(
            "no ring has the {FEWEST} bodies that it needs to show a bar: give fewer rings, such as --rings {}",
            suitable(most, given.unwrap_or(RINGS).max(3) - 1)
        );
    }
    let (length, time) = (units.length, units.time);
    let strength = || Axis::linear("A₂ / A₀").from_least(0.0);
    let mut by_radius = Panel::new(Axis::linear(with_unit("Radius", length.name)).reaching(0.0), strength());
    let mut over_time = Panel::new(Axis::linear(with_unit("Time", time.name)), strength());
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        "galaxy".to_owned(),
        with_unit("time", time.name),
        with_unit("inner_radius", length.name),
        with_unit("outer_radius", length.name),
        "bodies".to_owned(),
        "a2_over_a0".to_owned(),
        "a2_over_a0_error".to_owned(),
        "angle [deg]".to_owned(),
    ]);
    for (one, (label, colour)) in all.iter().zip(measured.lines()) {
        let bar = &one.taken.1;
        let enough = || bar.rings.iter().filter(|ring| ring.bodies >= FEWEST);
        let points = enough().map(|ring| [ring.radius() * length.size, ring.strength()]).collect();
        let line = Series::new(label, colour, Mark::LinePoints, points);
        by_radius.series.push(line.with_errors(enough().map(Ring::strength_error).collect()));
        legend::add_softening(&mut by_radius, bar.softening.iter(), length.size);
        let [name, galaxy] = measured.words(one);
        for ring in &bar.rings {
            let [inner, outer] = ring.ends.map(|end| end * length.size);
            let (strength, error) = (ring.strength(), ring.strength_error());
            let numbers =
                [one.time * time.size, inner, outer, ring.bodies as f64, strength, error, ring.angle()];
            sheet.row(&[&name, &galaxy], &numbers);
        }
    }
    let mut panels = vec![by_radius];
    let shown = measured.places();
    if all.len() > shown.len() {
        for (galaxy, colour) in shown.iter().copied().zip(colours(shown.len())) {
            let line = |of: &dyn Fn(&Bar) -> f64| {
                let own = all.iter().filter(|one| one.taken.0 == galaxy);
                own.map(|one| [one.time * time.size, of(&one.taken.1)]).collect::<Vec<_>>()
            };
            let greatest = line(&|bar| bar.strongest.map_or(f64::NAN, |ring| ring.strength()));
            let name = |what: &str| measured.galaxies.label(galaxy, what);
            over_time.series.push(Series::new(name("strongest ring"), colour, Mark::LinePoints, greatest));
            let whole = line(&|bar| bar.whole.strength());
            over_time.series.push(Series::new(name("all rings"), colour, Mark::Dashes, whole));
        }
        panels.push(over_time);
    }
    targets.write(&Figure { frame: [400.0, 300.0], ..Figure::new(panels) }, &sheet)
}
