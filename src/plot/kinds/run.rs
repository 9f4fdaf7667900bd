//! `heorot plot run`: plots the log of a run over time.

use crate::parameters::UnitSystem;
use crate::plot::output::{Output, Sheet, refused};
use crate::plot::panels::{self, Named};
use crate::plot::units::{AxisUnits, with_unit};
use crate::run::folder::Folder;
use anyhow::{Context, Result, bail, ensure};
use io::Units;
use io::table::Columns;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use viz::Rgb;
use viz::plot::{Axis, COLOURS, Figure, Mark, Panel, Series};

/// Records of a run over time: energy, momenta and virial ratio, or rungs, seconds of a step and load
/// balance.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// Output folder of the run, or its energy.csv. If they exist, steps.csv gives the cost of
    /// steps, and report.json the units and the rungs.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Panels to draw, from top to bottom.
    #[arg(long, value_enum, value_name = "PANELS", value_delimiter = ',', default_value = "science")]
    pub panels: Vec<Part>,
    /// Refused, with the reason.
    #[arg(long, hide = true, value_name = "IDS", value_parser = refused(NO_GALAXIES))]
    pub galaxies: Option<Infallible>,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

/// Why the plot has no option `--galaxies`, which those of bodies have.
const NO_GALAXIES: &str = "the records of a run are sums over all bodies; for galaxies, use `heorot plot separation`, `lagrange` or `profile` with its snapshots";

/// A panel, or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// All panels on physics: from energy to virial-ratio
    Science,
    /// All panels on the cost: from finest-rung to rungs
    Timings,
    /// All panels
    All,
    /// Kinetic, potential and total energy
    Energy,
    /// Relative error of the total energy, or its change if potentials depend on time
    EnergyError,
    /// Error of the energy equation of an expanding universe (Layzer 1963, Irvine 1961)
    LayzerIrvine,
    /// Total momentum
    Momentum,
    /// Relative change of the total angular momentum
    AngularMomentum,
    /// Virial ratio 2 K / |W|
    VirialRatio,
    /// Finest rung of block steps, that of the shortest timestep
    FinestRung,
    /// Number of substeps of a full step, and mean number of steps of a body
    Substeps,
    /// Time of a step by phase, in seconds
    Seconds,
    /// Load balance of the ranks
    LoadBalance,
    /// Number of steps of bodies on each rung
    Rungs,
}

impl Part {
    fn is_science(self) -> bool {
        use Part::{AngularMomentum, Energy, EnergyError, LayzerIrvine, Momentum, VirialRatio};
        matches!(self, Energy | EnergyError | LayzerIrvine | Momentum | AngularMomentum | VirialRatio)
    }
}

/// The panels that are asked for. Those of a group may be missing.
///
/// # Errors
/// If a panel that is named, or a whole group, has no numbers.
fn wanted(all: Vec<Named<Part>>, parts: &[Part]) -> Result<Vec<Panel>> {
    let mut keys = Vec::new();
    for part in parts {
        let group: Vec<Part> = match part {
            Part::All => all.iter().map(|(key, _)| *key).collect(),
            Part::Science => all.iter().map(|(key, _)| *key).filter(|key| key.is_science()).collect(),
            Part::Timings => all.iter().map(|(key, _)| *key).filter(|key| !key.is_science()).collect(),
            single => vec![*single],
        };
        keys.extend(group);
    }
    let asked = || parts.iter().map(|part| panels::word(*part)).collect::<Vec<_>>().join(",");
    ensure!(!keys.is_empty(), "--panels {}: the run has no records for it", asked());
    panels::chosen(&all, &keys)
}

/// Runs the command.
///
/// # Errors
/// If the folder has no energy log, or a file cannot be written.
pub(super) fn main(arguments: &Arguments) -> Result<()> {
    let folder = Folder::new(folder_of(&arguments.folder)?);
    let path = folder.energy();
    let targets = arguments.output.claim([&path, &folder.steps(), &folder.report()])?;
    let columns = io::table::read(&path)?;
    let costs = folder.steps().exists().then(|| io::table::read(&folder.steps())).transpose()?;
    ensure!(
        ["time", EXPANDING].iter().any(|name| columns.get(name).is_some_and(|time| !time.is_empty())),
        "{}: has no row with a time",
        path.display()
    );
    let report = Summary::read(&folder.report());
    let all = panels(&columns, costs.as_ref(), &report);
    ensure!(!all.is_empty(), "{}: has none of the columns of a run's energy log", path.display());
    let shown = wanted(all, &arguments.panels).with_context(|| arguments.folder.display().to_string())?;
    targets.write(&Figure::stacked(shown), &sheet(&columns, costs.as_ref()))
}

/// The column of times of a run in an expanding universe.
const EXPANDING: &str = "scale_factor";

/// The folder of a run, if its energy log is given in place of the folder.
///
/// # Errors
/// If another file is given.
fn folder_of(given: &Path) -> Result<&Path> {
    if !given.is_file() {
        return Ok(given);
    }
    let parent = given.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if given.file_name().is_some_and(|name| name == "energy.csv") {
        return Ok(parent);
    }
    let shown = given.display();
    match Folder::new(parent).energy().is_file() {
        true => bail!("{shown}: is one file of a run; give its folder: heorot plot run {}", parent.display()),
        false => bail!("{shown}: is a file; give the output folder of a run, or its energy.csv"),
    }
}

/// All numbers: the rows of the energy log, each with the cost of its step.
fn sheet(columns: &Columns, costs: Option<&Columns>) -> Sheet {
    let of_costs = costs.iter().flat_map(|costs| costs.names()).filter(|name| columns.get(name).is_none());
    let mut sheet = Sheet::new(&columns.names().iter().chain(of_costs.clone()).collect::<Vec<_>>());
    let steps = |columns: &Columns| columns.get("step").unwrap_or_default().to_vec();
    let (step, step_of_costs) = (steps(columns), costs.map(steps).unwrap_or_default());
    for row in 0..columns.rows() {
        // Step numbers rise in both tables.
        let find = |step: &f64| step_of_costs.binary_search_by(|other| other.total_cmp(step)).ok();
        let in_costs = step.get(row).and_then(find);
        let cost = |name: &String| {
            in_costs.map_or(f64::NAN, |at| costs.and_then(|c| c.get(name)).map_or(f64::NAN, |c| c[at]))
        };
        let own = columns.names().iter().filter_map(|name| columns.get(name)).map(|column| column[row]);
        sheet.row(&[], &own.chain(of_costs.clone().map(cost)).collect::<Vec<f64>>());
    }
    sheet
}

/// Values from the report. An unfinished run has none.
#[derive(Default)]
struct Summary {
    units: Option<Units>,
    /// Number of body steps on each rung, from the coarsest.
    rungs: Vec<f64>,
}

impl Summary {
    fn read(path: &Path) -> Summary {
        let text = io::read_text(path).unwrap_or_default();
        let report: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let units = report.pointer("/parameters/units").cloned();
        let rungs = report.pointer("/time_steps/rungs").and_then(|rungs| rungs.as_array());
        Summary {
            units: units
                .and_then(|units| serde_json::from_value::<UnitSystem>(units).ok())
                .map(|units| units.units()),
            rungs: rungs.into_iter().flatten().filter_map(|rung| rung.get("body_steps")?.as_f64()).collect(),
        }
    }
}

/// One panel for each available quantity, those on physics first.
fn panels(columns: &Columns, costs: Option<&Columns>, report: &Summary) -> Vec<Named<Part>> {
    let own = report.units == Some(Units::NBODY);
    let units = report.units.filter(|_| !own).map(|units| AxisUnits::of(&units));
    let latest = columns.get("time").and_then(|times| times.last().copied()).unwrap_or_default();
    let units = units.map(|units| units.fitting(0.0, latest));
    let none = if own { "" } else { "code units" };
    let (name, size) = units.map_or((none, 1.0), |units| (units.time.name, units.time.size));
    let expands = columns.get(EXPANDING).is_some();
    let (clock, size) = if expands { (EXPANDING, 1.0) } else { ("time", size) };
    let (mass, speed) = units.map_or((1.0, 1.0), |units| (units.mass.size, units.velocity.size));
    let labelled = |what: &str, unit: &str| with_unit(what, units.map_or(none, |_| unit));
    let times = columns.get(clock).unwrap_or_default();
    let over_time = |values: &[f64]| -> Vec<[f64; 2]> {
        times.iter().zip(values).map(|(time, value)| [time * size, *value]).collect()
    };
    // All panels have the same time axis, even if some of their values cannot be shown.
    let ends = [times.first(), times.last()].map(|time| size * time.copied().unwrap_or_default());
    let label = if expands { "Scale factor".to_owned() } else { with_unit("Time", name) };
    let time = || Axis::linear(label.clone()).reaching(ends[0]).reaching(ends[1]);
    let line =
        |name: &str, colour: Rgb, values: &[f64]| Series::new(name, colour, Mark::Line, over_time(values));
    let mut panels = Vec::new();
    let mut add = |key: Part, y: Axis, series: Vec<Series>| {
        if !series.is_empty() {
            panels.push((key, Panel { series, ..Panel::new(time(), y) }));
        }
    };
    let named = |names: &[(&str, &str)], scale: f64| -> Vec<Series> {
        let scaled =
            |column: &str| Some(columns.get(column)?.iter().map(|x| x * scale).collect::<Vec<f64>>());
        let there = names.iter().zip(COLOURS);
        there.filter_map(|((column, name), colour)| Some(line(name, colour, &scaled(column)?))).collect()
    };
    // A value of exactly zero cannot be shown on a logarithmic axis and leaves a gap.
    let size_of = |values: Vec<f64>| vec![line("", COLOURS[0], &values)];
    add(
        Part::Energy,
        Axis::linear(labelled("Energy", "M☉ km² s⁻²")),
        named(
            &[
                ("kinetic", "kinetic"),
                ("potential", "potential"),
                ("energy", "total"),
                ("external", "in external potentials"),
            ],
            mass * speed * speed,
        ),
    );
    // With potentials that depend on time, the energy is not conserved.
    if let Some(error) = columns.get("energy_error").or(columns.get("energy_change")) {
        add(Part::EnergyError, Axis::log("|ΔE / E|"), size_of(error.iter().map(|x| x.abs()).collect()));
    }
    if let Some(error) = columns.get("layzer_irvine_error") {
        add(
            Part::LayzerIrvine,
            Axis::log("|Layzer-Irvine error|"),
            size_of(error.iter().map(|x| x.abs()).collect()),
        );
    }
    if let Some(momentum) = vector(columns, "momentum") {
        add(
            Part::Momentum,
            Axis::log(labelled("|Momentum|", "M☉ km/s")),
            size_of(momentum.iter().map(|&p| mass * speed * treecode::math::norm(p)).collect()),
        );
    }
    if let Some(momentum) = vector(columns, "angular_momentum") {
        add(Part::AngularMomentum, Axis::log("|ΔL| / |L|"), size_of(change(&momentum)));
    }
    add(Part::VirialRatio, Axis::linear("2 K / |W|").reaching(1.0), named(&[("virial_ratio", "")], 1.0));
    // With fixed steps there is nothing to show.
    if columns.get("finest_rung").is_some_and(|rungs| rungs.iter().any(|&rung| rung > 0.0)) {
        add(Part::FinestRung, Axis::whole("Finest rung").reaching(0.0), named(&[("finest_rung", "")], 1.0));
        add(
            Part::Substeps,
            Axis::log("In a full step"),
            named(&[("substeps", "substeps"), ("steps_per_body", "steps of a body")], 1.0),
        );
    }
    // Costs belong to steps, and the first state has none.
    let over_steps = |names: &[(&str, &str)]| -> Vec<Series> {
        let steps = costs.and_then(|costs| Some((costs, costs.get(clock)?)));
        let there = steps.into_iter().flat_map(|(costs, times)| {
            names.iter().zip(COLOURS).filter_map(move |((column, name), colour)| {
                let points = times.iter().zip(costs.get(column)?).map(|(time, value)| [time * size, *value]);
                Some(Series::new(*name, colour, Mark::Line, points.collect::<Vec<_>>()))
            })
        });
        there.collect()
    };
    let phases = ["total", "kernels", "walk", "moments", "exchange", "sort"].map(|phase| (phase, phase));
    add(Part::Seconds, Axis::log("Seconds of a step"), over_steps(&phases));
    let balance = Axis::linear("Load balance").reaching(0.0).reaching(1.0);
    add(Part::LoadBalance, balance, over_steps(&[("load_balance", "")]));
    if report.rungs.iter().any(|&steps| steps > 0.0) {
        panels.push((Part::Rungs, rungs(&report.rungs)));
    }
    panels
}

/// Panel with the number of body steps on each rung.
fn rungs(steps: &[f64]) -> Panel {
    let edges: Vec<f64> = (0..=steps.len()).map(|rung| rung as f64 - 0.5).collect();
    let mut panel = Panel::new(Axis::whole("Rung"), Axis::log("Steps of bodies"));
    panel.series.push(Series::steps("", COLOURS[0], &edges, steps));
    panel
}

/// A vector from its three columns.
fn vector(columns: &Columns, name: &str) -> Option<Vec<[f64; 3]>> {
    let [x, y, z] = ["x", "y", "z"].map(|axis| columns.get(&format!("{name}_{axis}")));
    let (x, y, z) = (x?, y?, z?);
    Some((0..x.len()).map(|i| [x[i], y[i], z[i]]).collect())
}

/// Distance of each vector from the first, relative to the length of the first, or absolute if that
/// is zero.
fn change(vectors: &[[f64; 3]]) -> Vec<f64> {
    let first = vectors[0];
    let length = treecode::math::norm(first);
    let scale = if length > 0.0 { length } else { 1.0 };
    let apart = |v: &[f64; 3]| treecode::math::norm(std::array::from_fn(|k| v[k] - first[k])) / scale;
    vectors.iter().map(apart).collect()
}
