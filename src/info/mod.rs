//! `heorot info`: describes the contents of a snapshot and checks them.
#![allow(clippy::disallowed_methods)] // no result depends on messages

mod checks;
mod open_with;

use crate::console::{Tone, plural, printable, say, say_text, say_with_tone};
use crate::files::kinds;
use anyhow::{Result, bail};
use checks::{Check, checks};
use io::Units;
use io::snapshot::{self, Header, Unsound, Wanted};
use open_with::{Opener, openers};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use treecode::{About, Bodies, Dimension, TYPES};

/// Show the content of a snapshot: header, units, types, ranges. Fails if bodies have impossible
/// values or share an id. The last lines open the file with other programs.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Snapshot of any format that `heorot convert` reads; if it has several files, any one of
    /// them.
    #[arg(value_name = "SNAPSHOT")]
    pub file: PathBuf,
    /// Print everything as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Memory for the checks, per body and in addition to the body [bytes].
const BESIDE: u64 = 16;

/// Runs the command.
///
/// # Errors
/// If the file cannot be read or a check fails.
pub fn main(arguments: &Arguments) -> Result<()> {
    let path = &arguments.file;
    let wanted = Wanted { beside: BESIDE, columns: false, ..Wanted::default() };
    let (mut header, bodies) = snapshot::read_wanted_unchecked(path, &wanted)?;
    header.remarks.extend(Unsound::of(&bodies).remarks());
    let description = Description::of(path, &snapshot::files_of(path)?, &header, &bodies);
    if arguments.json {
        say_text(&serde_json::to_string_pretty(&description)?);
    } else {
        description.say();
    }
    match description.checks.iter().filter(|check| check.bodies > 0).count() {
        0 => Ok(()),
        failed => bail!("{}: {failed} of {} checks failed", path.display(), description.checks.len()),
    }
}

/// The content of a snapshot. Without an explicit unit, numbers are in the units of the file.
#[derive(Clone, Debug, Serialize)]
struct Description {
    file: String,
    files: usize,
    format: &'static str,
    /// Columns beside those of the state, which follow their bodies from file to file.
    further_columns: Vec<String>,
    /// Columns that are not read.
    not_read: Vec<String>,
    /// Why it is taken for a cosmological run.
    cosmological: Option<String>,
    /// Redshift of a cosmological file.
    #[serde(skip_serializing_if = "Option::is_none")]
    redshift: Option<f64>,
    remarks: Vec<String>,
    time: f64,
    time_in_million_years: Option<f64>,
    units: Option<Units>,
    unit_of_time_in_million_years: Option<f64>,
    gravitational_constant: Option<f64>,
    /// Side of the periodic box; 0 if there is none.
    box_size: f64,
    types: Vec<OfType>,
    bodies: usize,
    mass: f64,
    /// Whether the file has no ids.
    numbered: bool,
    /// Least and greatest value on each axis.
    position: Option<[[f64; 2]; 3]>,
    velocity: Option<[[f64; 2]; 3]>,
    centre_of_mass: Option<[f64; 3]>,
    mean_velocity: Option<[f64; 3]>,
    parameters: BTreeMap<String, String>,
    checks: Vec<Check>,
    open_with: Vec<Opener>,
}

/// The bodies of a type.
#[derive(Clone, Debug, Serialize)]
struct OfType {
    #[serde(rename = "type")]
    kind: usize,
    name: &'static str,
    bodies: u64,
    mass: f64,
}

impl Description {
    fn of(path: &Path, files: &[PathBuf], header: &Header, bodies: &Bodies) -> Description {
        let of_type = |kind: usize| {
            let ours = bodies.kind.iter().zip(&bodies.mass).filter(|(other, _)| usize::from(**other) == kind);
            let mass = ours.map(|(_, mass)| mass).sum();
            OfType { kind, name: kinds::NAMES[kind], bodies: header.count[kind], mass }
        };
        let there = (!bodies.is_empty()).then_some(());
        let million_years = header.units.map(|units| units.time_in_s() / (1e6 * 365.25 * 86400.0));
        let position = there.map(|()| ranges(&bodies.pos));
        Description {
            file: path.display().to_string(),
            files: header.files,
            format: header.format.name(),
            further_columns: header.columns.iter().map(column).collect(),
            not_read: header.ignored.clone(),
            cosmological: header.cosmological.clone(),
            remarks: header.remarks.clone(),
            time: header.time,
            redshift: header.universe.map(|universe| universe.redshift()),
            // The time of a cosmological file may be the scale factor.
            time_in_million_years: million_years
                .filter(|_| header.universe.is_none())
                .map(|unit| header.time * unit),
            units: header.units,
            unit_of_time_in_million_years: million_years,
            gravitational_constant: header
                .units
                .map(|units| units.gravitational_constant())
                .or(header.gravity),
            box_size: header.box_size,
            types: (0..TYPES).filter(|&kind| header.count[kind] > 0).map(of_type).collect(),
            bodies: bodies.len(),
            mass: bodies.mass.iter().sum(),
            numbered: header.numbered,
            position,
            velocity: there.map(|()| ranges(&bodies.vel)),
            centre_of_mass: there.map(|()| mean(&bodies.pos, &bodies.mass)),
            mean_velocity: there.map(|()| mean(&bodies.vel, &bodies.mass)),
            parameters: header.parameters.iter().cloned().collect(),
            checks: checks(bodies),
            open_with: openers(files, header, position),
        }
    }

    fn say(&self) {
        say_text(&self.text());
        for check in &self.checks {
            let (tone, word) = if check.bodies == 0 { (Tone::Good, "ok  ") } else { (Tone::Error, "FAIL") };
            say_with_tone(tone, word, &format!(" {}", check.text()));
        }
        for Opener { program, lines } in &self.open_with {
            say(&format!("open with {program}:"));
            lines.iter().for_each(|line| say(&format!("  {line}")));
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |label: &str, rest: String| {
            writeln!(text, "{label:<16} {}", printable(&rest)).expect("text takes every line")
        };
        line("snapshot", format!("{} ({} file{})", self.file, self.files, plural(self.files)));
        line("format", self.format.to_owned());
        self.further_columns.iter().for_each(|column| line("further column", column.clone()));
        if !self.not_read.is_empty() {
            let header = Header { ignored: self.not_read.clone(), ..Header::default() };
            line("not read", header.shown_ignored());
        }
        if let Some(why) = &self.cosmological {
            line("cosmological", format!("yes: {why}"));
        }
        self.redshift.iter().for_each(|z| line("redshift", number(*z)));
        self.remarks.iter().for_each(|remark| line("remark", remark.clone()));
        self.describe_units(&mut line);
        let is_isolated = self.box_size <= 0.0;
        let box_size = if is_isolated { "none, isolated".to_owned() } else { self.box_size.to_string() };
        line("periodic box", box_size);
        for OfType { kind, name, bodies, mass } in &self.types {
            line(&format!("type {kind}, {name}"), format!("{bodies} bodies, mass {}", number(*mass)));
        }
        line("all", format!("{} bodies, mass {}", self.bodies, number(self.mass)));
        if self.numbered {
            line("ids", "none in the file; bodies are numbered in its order".to_owned());
        }
        let ranges = |ranges: &[[f64; 2]; 3]| {
            let shown = |axis: usize| {
                let [least, greatest] = ranges[axis].map(number);
                format!("{} {least} to {greatest}", ["x", "y", "z"][axis])
            };
            [0, 1, 2].map(shown).join(", ")
        };
        self.position.iter().for_each(|position| line("position", ranges(position)));
        self.velocity.iter().for_each(|velocity| line("velocity", ranges(velocity)));
        self.centre_of_mass.iter().for_each(|centre| line("centre of mass", centre.map(number).join(", ")));
        self.mean_velocity.iter().for_each(|mean| line("mean velocity", mean.map(number).join(", ")));
        self.parameters.iter().for_each(|(key, value)| line("parameter", format!("{key} = {value}")));
        text
    }

    fn describe_units(&self, line: &mut impl FnMut(&str, String)) {
        match (self.units, self.time_in_million_years, self.unit_of_time_in_million_years) {
            (Some(units), time, Some(unit)) => {
                let years = time.map_or(String::new(), |time| format!(" ({} million years)", number(time)));
                line("time", format!("{:?}{years}", self.time));
                line("unit of length", format!("{:e} cm", units.length_in_cm));
                line("unit of mass", format!("{:e} g", units.mass_in_g));
                line("unit of velocity", format!("{:e} cm/s", units.velocity_in_cm_per_s));
                line("unit of time", format!("{} million years", number(unit)));
            }
            _ => {
                line("time", format!("{:?}", self.time));
                line("units", "not in the file".to_owned());
            }
        }
        if let Some(gravity) = self.gravitational_constant {
            line("gravity", format!("G = {gravity:?}"));
        }
    }
}

/// A further column: name, type, types of bodies, unit.
fn column(about: &About) -> String {
    let number = format!("{:?}", about.number).to_lowercase();
    let width = if about.width > 1 { format!(" x {}", about.width) } else { String::new() };
    let kinds: Vec<String> =
        (0..TYPES).filter(|&kind| about.kinds[kind]).map(|kind| kind.to_string()).collect();
    let of = if kinds.len() < TYPES { format!(", type {}", kinds.join(", ")) } else { String::new() };
    let unit = match (about.unit, about.in_cgs) {
        (None, _) => "unit unknown".to_owned(),
        (Some(Dimension::NONE), None) => "no unit".to_owned(),
        (Some(unit), fixed) => {
            let powers = [("L", unit.length), ("M", unit.mass), ("T", unit.time)];
            let powers = powers.iter().filter(|(_, power)| *power != 0);
            let powers: Vec<String> = powers
                .map(|(name, power)| if *power == 1 { (*name).to_owned() } else { format!("{name}^{power}") })
                .collect();
            let fixed = fixed.map(|size| format!("{size:e} in cgs"));
            let words = [(!powers.is_empty()).then(|| format!("[{}]", powers.join(" "))), fixed];
            words.into_iter().flatten().collect::<Vec<_>>().join(" of ")
        }
    };
    let said = if about.description.is_empty() { String::new() } else { format!(": {}", about.description) };
    format!("{} {number}{width}{of}, {unit}{said}", about.name)
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

/// Least and greatest value on each axis, without NaN.
fn ranges(vector: &[Vec<f64>; 3]) -> [[f64; 2]; 3] {
    vector.each_ref().map(|axis| {
        let least = axis.iter().copied().fold(f64::NAN, f64::min);
        [least, axis.iter().copied().fold(f64::NAN, f64::max)]
    })
}

/// Mass-weighted mean of a vector.
fn mean(vector: &[Vec<f64>; 3], mass: &[f64]) -> [f64; 3] {
    let total: f64 = mass.iter().sum();
    let mean = |axis: &Vec<f64>| axis.iter().zip(mass).map(|(x, m)| x * m).sum::<f64>() / total;
    vector.each_ref().map(mean)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let units = Some(Units::NBODY);
        let header = Header { time: 2.0, units, count: [0, 2, 0, 0, 1, 0], files: 1, ..Header::default() };
        let text = Description::of(Path::new("a.hdf5"), &["a.hdf5".into()], &header, &bodies).text();
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
