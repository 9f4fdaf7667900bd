//! `heorot plot bar`: plots the strength of a bar by radius, and over time.

use super::galaxies;
use super::output::Sheet;
use super::rings::{Arguments, Ring, RingOptions, rings};
use super::snapshot::Taken;
use anyhow::Result;
use viz::plot::{Axis, COLOURS, Figure, Mark, Panel, Series, colours};

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
    let (units, all) =
        arguments.each(|snapshot| Ok(Bar::of(rings(snapshot, count.into(), radius, axis)?)))?;
    let (length, time) = (units.length, units.time);
    let strength = || Axis::linear("A₂ / A₀").reaching(0.0);
    let mut by_radius =
        Panel::new(Axis::linear(format!("Radius [{}]", length.name)).reaching(0.0), strength());
    let mut over_time = Panel::new(Axis::linear(format!("Time [{}]", time.name)), strength());
    let mut sheet = Sheet::new(&[
        "snapshot".to_owned(),
        "galaxy".to_owned(),
        format!("time [{}]", time.name),
        format!("inner_radius [{}]", length.name),
        format!("outer_radius [{}]", length.name),
        "bodies".to_owned(),
        "a2_over_a0".to_owned(),
        "angle [deg]".to_owned(),
    ]);
    for (Taken { time: t, name, taken: (galaxy, taken) }, colour) in all.iter().zip(colours(all.len())) {
        let label = galaxies::label(*galaxy, arguments.time_label(*t, &units));
        let enough = taken.rings.iter().filter(|ring| ring.bodies >= FEWEST);
        let points = enough.map(|ring| [ring.radius() * length.size, ring.strength()]).collect();
        by_radius.series.push(Series::new(label, colour, Mark::LinePoints, points));
        for ring in &taken.rings {
            let [inner, outer] = ring.ends.map(|end| end * length.size);
            let numbers = [t * time.size, inner, outer, ring.bodies as f64, ring.strength(), ring.angle()];
            sheet.row(&[name, &galaxies::number(*galaxy)], &numbers);
        }
    }
    let mut panels = vec![by_radius];
    let mut shown: Vec<Option<usize>> = all.iter().map(|one| one.taken.0).collect();
    shown.sort_unstable();
    shown.dedup();
    if all.len() > shown.len() {
        for (k, galaxy) in shown.into_iter().enumerate() {
            let line = |of: &dyn Fn(&Bar) -> f64| {
                let own = all.iter().filter(|one| one.taken.0 == galaxy);
                own.map(|one| [one.time * time.size, of(&one.taken.1)]).collect::<Vec<_>>()
            };
            let [first, second] = [2 * k, 2 * k + 1].map(|place| COLOURS[place % COLOURS.len()]);
            let greatest = line(&|bar| bar.strongest.map_or(f64::NAN, |ring| ring.strength()));
            let name = |what: &str| galaxies::label(galaxy, what.to_owned());
            over_time.series.push(Series::new(name("strongest ring"), first, Mark::LinePoints, greatest));
            let whole = line(&|bar| bar.whole.strength());
            over_time.series.push(Series::new(name("all rings"), second, Mark::LinePoints, whole));
        }
        panels.push(over_time);
    }
    targets.write(&Figure { frame: [400.0, 300.0], ..Figure::new(panels) }, &sheet)
}
