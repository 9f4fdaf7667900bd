//! `heorot info`: describes the contents of a snapshot and checks them.
#![allow(clippy::disallowed_methods)] // no result depends on messages

use crate::console::{printable, say, say_text};
use anyhow::{Result, bail};
use io::snapshot::{self, Header, Unsound, Wanted};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use treecode::{Bodies, TYPES};

/// Show the content of a snapshot: header, units, types, ranges. Fails if bodies have impossible
/// values or share an id.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshot of any format that `heorot convert` reads; if it has several files, any one of
    /// them.
    #[arg(value_name = "SNAPSHOT")]
    pub file: PathBuf,
}

/// Memory for the checks, per body and in addition to the body [bytes].
const BESIDE: u64 = 16;

/// Runs the command.
///
/// # Errors
/// If the file cannot be read or a check fails.
pub fn main(arguments: &Arguments) -> Result<()> {
    let path = &arguments.file;
    let wanted = Wanted { beside: BESIDE, ..Wanted::default() };
    let (mut header, bodies) = snapshot::read_wanted_unchecked(path, &wanted)?;
    header.remarks.extend(Unsound::of(&bodies).remarks());
    say_text(&describe(path, &header, &bodies));
    let checks = checks(&bodies);
    for check in &checks {
        say(&format!("{} {}", if check.bodies == 0 { "ok  " } else { "FAIL" }, check.text()));
    }
    match checks.iter().filter(|check| check.bodies > 0).count() {
        0 => Ok(()),
        failed => bail!("{}: {failed} of {} checks failed", path.display(), checks.len()),
    }
}

pub(crate) const TYPE_NAMES: [&str; TYPES] = ["gas", "halo", "disc", "bulge", "stars", "other"];

fn describe(path: &Path, header: &Header, bodies: &Bodies) -> String {
    let mut text = String::new();
    let mut line = |label: &str, rest: String| {
        writeln!(text, "{label:<16} {}", printable(&rest)).expect("text takes every line")
    };
    line(
        "snapshot",
        format!("{} ({} file{})", path.display(), header.files, if header.files == 1 { "" } else { "s" }),
    );
    line("format", header.format.name().to_owned());
    if !header.ignored.is_empty() {
        line("not read", header.shown_ignored());
    }
    if let Some(why) = &header.cosmological {
        line("cosmological", format!("yes: {why}"));
    }
    header.remarks.iter().for_each(|remark| line("remark", remark.clone()));
    describe_units(header, &mut line);
    let box_size =
        if header.box_size > 0.0 { header.box_size.to_string() } else { "none, isolated".to_owned() };
    line("periodic box", box_size);
    for kind in (0..TYPES).filter(|&kind| header.count[kind] > 0) {
        let ours = bodies.kind.iter().zip(&bodies.mass).filter(|(other, _)| usize::from(**other) == kind);
        let mass: f64 = ours.map(|(_, mass)| mass).sum();
        line(
            &format!("type {kind}, {}", TYPE_NAMES[kind]),
            format!("{} bodies, mass {}", header.count[kind], number(mass)),
        );
    }
    line("all", format!("{} bodies, mass {}", bodies.len(), number(bodies.mass.iter().sum())));
    if header.numbered {
        line("ids", "none in the file; bodies are numbered in its order".to_owned());
    }
    if !bodies.is_empty() {
        line("position", ranges(&bodies.pos));
        line("velocity", ranges(&bodies.vel));
        line("centre of mass", mean(&bodies.pos, &bodies.mass));
        line("mean velocity", mean(&bodies.vel, &bodies.mass));
    }
    header.parameters.iter().for_each(|(key, value)| line("parameter", format!("{key} = {value}")));
    text
}

fn describe_units(header: &Header, line: &mut impl FnMut(&str, String)) {
    let Some(units) = header.units else {
        line("time", format!("{:?}", header.time));
        line("units", "not in the file".to_owned());
        if let Some(gravity) = header.gravity {
            line("gravity", format!("G = {gravity:?}"));
        }
        return;
    };
    let million_years = units.time_in_s() / (1e6 * 365.25 * 86400.0);
    line("time", format!("{:?} ({} million years)", header.time, number(header.time * million_years)));
    line("unit of length", format!("{:e} cm", units.length_in_cm));
    line("unit of mass", format!("{:e} g", units.mass_in_g));
    line("unit of velocity", format!("{:e} cm/s", units.velocity_in_cm_per_s));
    line("unit of time", format!("{} million years", number(million_years)));
    line("gravity", format!("G = {:?}", units.gravitational_constant()));
}

/// Formats a number with seven digits.
fn number(value: f64) -> String {
    if value != 0.0 && !(1e-4..1e7).contains(&value.abs()) {
        return format!("{value:.6e}");
    }
    let digits = if value == 0.0 { 0 } else { 6 - value.abs().log10().floor() as i32 };
    let text = format!("{value:.0$}", digits.max(0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Smallest and greatest value along each axis, without NaN.
fn ranges(vector: &[Vec<f64>; 3]) -> String {
    let range = |axis: usize| {
        let least = vector[axis].iter().copied().fold(f64::NAN, f64::min);
        let greatest = vector[axis].iter().copied().fold(f64::NAN, f64::max);
        format!("{} {} to {}", ["x", "y", "z"][axis], number(least), number(greatest))
    };
    [0, 1, 2].map(range).join(", ")
}

/// Mass-weighted mean of a vector.
fn mean(vector: &[Vec<f64>; 3], mass: &[f64]) -> String {
    let total: f64 = mass.iter().sum();
    let mean = |axis: &Vec<f64>| axis.iter().zip(mass).map(|(x, m)| x * m).sum::<f64>() / total;
    vector.each_ref().map(mean).map(number).join(", ")
}

/// A condition on all bodies.
struct Check {
    holds: &'static str,
    fails: &'static str,
    /// Number of bodies that violate it, and the smallest id among them.
    bodies: usize,
    id: u64,
}

impl Check {
    fn text(&self) -> String {
        match self.bodies {
            0 => self.holds.to_owned(),
            1 => format!("{}: the body with id {}", self.fails, self.id),
            n => format!("{}: {n} bodies, the first with id {}", self.fails, self.id),
        }
    }
}

fn checks(bodies: &Bodies) -> Vec<Check> {
    let is_finite = |vector: [f64; 3]| vector.iter().all(|x| x.is_finite());
    let ids_where = |fails: &dyn Fn(usize) -> bool| -> Vec<u64> {
        (0..bodies.len()).filter(|&i| fails(i)).map(|i| bodies.id[i]).collect()
    };
    let check = |holds, fails, ids: Vec<u64>| Check {
        holds,
        fails,
        bodies: ids.len(),
        id: ids.iter().copied().min().unwrap_or_default(),
    };
    vec![
        check(
            "all positions are finite",
            "position not finite, or beyond 1e300",
            // What no command takes, see `Bodies::check`.
            ids_where(&|i| bodies.position(i).iter().any(|x| !x.is_finite() || x.abs() > 1e300)),
        ),
        check(
            "all velocities are finite",
            "velocity not finite",
            ids_where(&|i| !is_finite(bodies.velocity(i))),
        ),
        check(
            "all masses are above 0",
            "mass not above 0 and finite",
            ids_where(&|i| !(bodies.mass[i] > 0.0 && bodies.mass[i].is_finite())),
        ),
        check("all ids are unique", "id not unique", duplicates(&bodies.id)),
    ]
}

/// The ids that occur more than once, one entry per body.
fn duplicates(ids: &[u64]) -> Vec<u64> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.chunk_by(|a, b| a == b).filter(|same| same.len() > 1).flatten().copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_counts_its_bodies_and_names_the_first() {
        let mut bodies = Bodies::zeroed(5);
        bodies.mass.fill(1.0);
        assert!(checks(&bodies).iter().all(|check| check.bodies == 0));
        bodies.pos[1][4] = f64::NAN;
        bodies.pos[0][1] = -1e301;
        bodies.vel[2][3] = f64::INFINITY;
        bodies.mass[2] = -1.0;
        bodies.mass[1] = 0.0;
        bodies.id[4] = 0;
        let text: Vec<String> = checks(&bodies).iter().map(Check::text).collect();
        assert_eq!(
            text,
            [
                "position not finite, or beyond 1e300: 2 bodies, the first with id 0",
                "velocity not finite: the body with id 3",
                "mass not above 0 and finite: 2 bodies, the first with id 1",
                "id not unique: 2 bodies, the first with id 0",
            ]
        );
    }

    #[test]
    fn numbers_have_seven_digits() {
        let shown = [0.0, -0.5, 1234.56789, 9999999.9, 20.000000000000327, 1e-17, f64::NAN, 3e21].map(number);
        assert_eq!(shown, ["0", "-0.5", "1234.568", "10000000", "20", "1.000000e-17", "NaN", "3.000000e21"]);
    }

    #[test]
    fn a_description_states_units_types_and_ranges() {
        let mut bodies = Bodies::zeroed(3);
        bodies.mass.copy_from_slice(&[1.0, 2.0, 1.0]);
        bodies.pos[0].copy_from_slice(&[-1.0, 0.5, 2.0]);
        bodies.kind[2] = 4;
        let units = Some(io::Units::NBODY);
        let header = Header { time: 2.0, units, count: [0, 2, 0, 0, 1, 0], files: 1, ..Header::default() };
        let text = describe(Path::new("a.hdf5"), &header, &bodies);
        let lines: Vec<&str> = text.lines().collect();
        for line in [
            "snapshot         a.hdf5 (1 file)",
            "gravity          G = 1.0",
            "type 1, halo     2 bodies, mass 3",
            "type 4, stars    1 bodies, mass 1",
            "position         x -1 to 2, y 0 to 0, z 0 to 0",
            "centre of mass   0.5, 0, 0",
        ] {
            assert!(lines.contains(&line), "no `{line}` in\n{text}");
        }
    }
}
