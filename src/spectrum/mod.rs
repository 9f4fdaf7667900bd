//! `heorot spectrum`: measures power spectra of snapshots of periodic boxes.

use crate::cli::above_zero;
use crate::console::{give_way, say, warn};
use crate::files::kinds;
use crate::files::make;
use crate::files::outputs::Overwrite;
use crate::files::reading_options::ReadingOptions;
use crate::initial::{self, Initial, Loaded};
use crate::parameters::cosmology::{MEGAPARSEC_IN_CM, redshift_in_words};
use crate::parameters::quantities::{Quantity, length_above_zero};
use crate::plot::output::{LookOptions, Sheet, drawn, picture};
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_all_ranks};
use crate::ranks::memory;
use anyhow::{Context, Error, Result, anyhow, ensure};
use decomposition::collective;
use io::snapshot::{self, Universe};
use io::{Kind, Target, Units};
use nbody::Start;
use nbody::cosmology::Cosmology;
use nbody::linear::{HaloFit, LinearPower, tinker};
use nbody::model::{Cosmological, Model};
use nbody::spectral::{self, Assignment, Bin, Separation, Settings, Spectrum};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use treecode::Bodies;
use viz::plot::{Axis, Figure, Mark, Panel, Series, colours};

/// Measure the power spectrum of bodies in a periodic box; the result is the same on any number of
/// ranks.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Snapshots of any format that `heorot convert` reads, or the folder of a run.
    #[arg(value_name = "SNAPSHOT", required = true)]
    pub files: Vec<PathBuf>,
    /// Table to write.
    #[arg(long, short, value_name = "FILE.csv")]
    pub output: PathBuf,
    /// Plot to write, .png, .svg or .pdf.
    #[arg(long, value_name = "FILE", value_parser = picture)]
    pub plot: Option<PathBuf>,
    /// Also write the two-point correlation function as a table.
    #[arg(long, value_name = "FILE.csv")]
    pub correlation: Option<PathBuf>,
    /// Size, resolution and colours of the plot.
    #[command(flatten)]
    pub look: LookOptions,
    /// Whether existing files may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Side of the box, in the units of the snapshot or with a unit [default: that of the snapshot].
    #[arg(long = "box", value_name = "SIDE", value_parser = length_above_zero)]
    pub side: Option<Quantity>,
    /// How it is measured.
    #[command(flatten)]
    pub keys: Keys,
    /// Also compute the power of linear theory and the non-linear power of HaloFit, at the redshift
    /// of each snapshot. The cosmology is that of this parameter file, whose model must be
    /// "cosmology".
    #[arg(long, value_name = "FILE.toml")]
    pub linear: Option<PathBuf>,
    /// Hubble constant in units of 100 km/s/Mpc. Then k is in h/Mpc and P in (Mpc/h)^3 [default:
    /// that of the snapshot, if it states one].
    #[arg(long, value_name = "H", value_parser = above_zero)]
    pub hubble: Option<f64>,
    /// Particle types to measure, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

/// How a power spectrum is measured: options of the command, and keys of `[output.spectrum]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// Cells along a side of the grid, an even number.
    #[arg(long, value_name = "N", default_value_t = Keys::GRID)]
    pub grid: usize,
    /// Also fold the box into F parts along each axis, to measure wave numbers F times as high. A
    /// list must be in ascending order, such as 4,16.
    #[arg(long, value_name = "F", value_delimiter = ',')]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fold: Vec<u32>,
    /// How masses are assigned to the grid.
    #[arg(long, value_enum, default_value_t)]
    pub assignment: Assignment,
    /// Number of bins in a decade of k [default: bins as wide as the fundamental wave number].
    #[arg(long, value_name = "N")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_decade: Option<u32>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys { grid: Keys::GRID, fold: Vec::new(), assignment: Assignment::default(), per_decade: None }
    }
}

impl Keys {
    const GRID: usize = 256;

    /// The settings of the library.
    pub fn settings(&self) -> Settings {
        let Keys { grid, fold, assignment, per_decade } = self;
        Settings { grid: *grid, assignment: *assignment, folds: fold.clone(), bins_per_decade: *per_decade }
    }

    /// Checks the keys of a parameter file.
    ///
    /// # Errors
    /// A value is out of its range.
    pub(crate) fn check(&self) -> Result<()> {
        let name = |error: nbody::Error| {
            anyhow!("output.spectrum.{}", error.to_string().replacen("bins per decade", "per_decade", 1))
        };
        self.settings().check().map_err(name)
    }
}

const HELP: &str = "Examples:
  heorot spectrum box.hdf5 -o pk.csv --plot pk.svg
  heorot spectrum box.hdf5 -o power.csv --correlation xi.csv
  heorot spectrum box.hdf5 -o fine.csv --grid 512 --fold 4,16 --per-decade 20
  heorot model --from inputs/lcdm.toml -o universe.hdf5
  heorot spectrum universe.hdf5 -o linear.csv --plot linear.svg --linear inputs/lcdm.toml
  mpirun -n 4 heorot spectrum box.hdf5 -o finer.csv --grid 1024 --hubble 0.68

P(k) = V <|delta_k|^2>, with k = 2 pi / wavelength. Each row of the table is a bin. The columns are
the mean k, the power P, the error sqrt(2 / modes) P of a Gaussian field, the shot noise V sum m^2 /
(sum m)^2, the number of modes that were measured, and the number of parts into which each axis was
folded. The shot noise is not subtracted from P. With --linear, two more columns are linear theory
and HaloFit (Takahashi et al. 2012) at the mean k. The plot shows linear theory as dashed lines,
HaloFit as solid lines, and the measurement as dots.

--correlation writes the two-point correlation function without the shot noise, for distances from
two cells of the grid to half the side. It has 20 bins in a decade of distance, or --per-decade
bins. The box is not folded for it.

Masses are assigned to two grids that are shifted by half a cell (interlacing), and the modes are
divided by the window of the assignment. The relative error of the power is then at most 3e-4 up to
half the Nyquist wave number pi N / side, where N is --grid. From there on, the box folded by --fold
is used.";

/// Runs the command.
///
/// # Errors
/// If a snapshot cannot be read or has no box, the grid is out of range or does not fit into memory, or
/// a file cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| measure(crew, arguments))
}

/// Output files.
struct Targets {
    table: Target,
    correlation: Option<Target>,
    plot: Option<Target>,
}

fn measure(crew: &Crew, arguments: &Arguments) -> Result<()> {
    let targets = crew.agree(|| {
        let inputs = arguments.files.iter().chain(&arguments.linear);
        let mut outputs = arguments.overwrite.reading(inputs);
        let table = outputs.file(&arguments.output, Kind::TABLE)?;
        let correlation = &arguments.correlation;
        let correlation = correlation.as_ref().map(|path| outputs.file(path, Kind::TABLE)).transpose()?;
        let plot = arguments.plot.as_ref().map(|path| outputs.file(path, Kind::PLOT)).transpose()?;
        Ok(Targets { table, correlation, plot })
    })?;
    give_way([&targets.table].into_iter().chain(&targets.correlation).chain(&targets.plot));
    let settings = arguments.keys.settings();
    settings.check().map_err(name_option)?;
    let linear = crew.agree(|| arguments.linear.as_deref().map(Linear::read).transpose())?;
    let files = crew.agree(|| Ok(snapshot::distinct(&arguments.files)?))?;
    let mut measured = Vec::new();
    for path in &files {
        measured.push(one(crew, arguments, &settings, path, linear.as_ref())?);
    }
    crew.lead(|| {
        let scales: Vec<Scale> =
            measured.iter().map(|measured| Scale::new(measured, arguments.hubble)).collect();
        if let Some(other) = scales.iter().position(|scale| scale.length != scales[0].length) {
            let name = files[other].display();
            return Err(anyhow!(
                "{name}: is in {}, others in {}; measure them one by one, or give --hubble",
                scales[other].length,
                scales[0].length
            ));
        }
        let sheet = sheet(&measured, &scales);
        io::table::write(&targets.table, &sheet.columns, &sheet.rows)?;
        if let Some(target) = &targets.correlation {
            let sheet = separations(&measured, &scales);
            io::table::write(target, &sheet.columns, &sheet.rows)?;
        }
        if let Some(target) = &targets.plot {
            let bytes = drawn(&figure(&measured, &scales), target.path(), &arguments.look.look())?;
            target.write(&bytes)?;
        }
        measured.iter().zip(&scales).for_each(|(measured, scale)| tell(measured, scale));
        Ok(())
    })
}

/// The power spectrum of a snapshot.
struct Measured {
    name: String,
    time: f64,
    /// The expanding universe, if it is in one.
    universe: Option<Universe>,
    units: Units,
    spectrum: Spectrum,
    /// The correlation function. Empty if it is not asked for.
    correlation: Vec<Separation>,
    /// Power of linear theory and of HaloFit at the wave number of each bin [L^3]. Empty if the model is
    /// not known.
    theory: Vec<[f64; 2]>,
}

/// Linear theory of a universe.
pub(crate) struct Linear {
    power: LinearPower,
    cosmology: Cosmology,
    h: f64,
}

impl Linear {
    /// That of a model of a universe.
    ///
    /// # Errors
    /// It has no power spectrum.
    pub(crate) fn of(model: &Cosmological) -> Result<Linear> {
        let power = model.power().map_err(Error::msg)?;
        let universe = model.universe.expect("a model with a power spectrum has a universe");
        Ok(Linear { power, cosmology: universe.cosmology, h: universe.h })
    }

    /// The model of a parameter file.
    ///
    /// # Errors
    /// The file cannot be read, or has another model.
    pub(crate) fn read(path: &Path) -> Result<Linear> {
        match make::model_of(path)?.initial {
            Initial::Model(Model::Cosmology(model)) => {
                Linear::of(&model).with_context(|| path.display().to_string())
            }
            _ => Err(anyhow!("--linear {}: its model must be \"cosmology\"", path.display())),
        }
    }

    /// Number of haloes per volume and ln M [(h/Mpc)^3] at a mass [Msun/h], by Tinker et al. (2008).
    ///
    /// # Errors
    /// A table of the linear power does not reach far enough.
    pub(crate) fn mass_function(&self, mass: f64, a: f64) -> Result<f64> {
        let growth = self.cosmology.growth(a).d1 / self.cosmology.growth(1.0).d1;
        tinker(&self.power, self.cosmology.omega_m, mass, 1.0 / a - 1.0, growth).map_err(Error::msg)
    }

    /// The Hubble constant [100 km/s/Mpc].
    pub(crate) fn h(&self) -> f64 {
        self.h
    }

    /// Power of linear theory and of HaloFit at the wave numbers of these bins at the scale factor `a`
    /// [L^3]. It is not a number where a table of the linear power ends. Where all scales are linear, HaloFit
    /// is linear theory.
    fn at(&self, bins: &[Bin], units: &Units, a: f64) -> Vec<[f64; 2]> {
        let growth = self.cosmology.growth(a).d1 / self.cosmology.growth(1.0).d1;
        let fit = HaloFit::new(&self.power, growth, &self.cosmology, a);
        let megaparsec = MEGAPARSEC_IN_CM / self.h / units.length_in_cm;
        let [low, high] = self.power.range();
        let one = |bin: &Bin| match bin.k * megaparsec {
            k if (low..=high).contains(&k) => {
                let linear = growth * growth * self.power.at(k);
                [linear, fit.map_or(linear, |fit| fit.at(k, linear))].map(|power| power * megaparsec.powi(3))
            }
            _ => [f64::NAN; 2],
        };
        bins.iter().map(one).collect()
    }
}

/// Measures the bodies of a run in a periodic box and writes a table. Collective.
///
/// # Errors
/// The grid does not fit into memory, or the file cannot be written.
pub(crate) fn write(
    crew: &Crew,
    keys: &Keys,
    target: &Target,
    sample: &Sample,
    linear: Option<&Linear>,
) -> Result<()> {
    let Sample { bodies, time, universe, side, units } = *sample;
    let count = collective::sum(crew.comm, bodies.len() as u64);
    memory::check_grid(crew, &format!("output.spectrum.grid = {}", keys.grid), keys.grid, count)?;
    let spectrum = spectral::measure(crew.comm, bodies, side, &keys.settings())?;
    crew.lead(|| {
        let name = target.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let theory = match (linear, universe) {
            (Some(linear), Some(universe)) => linear.at(&spectrum.bins, &units, universe.scale_factor),
            _ => Vec::new(),
        };
        let correlation = Vec::new();
        let measured = Measured { name, time, universe, units, spectrum, correlation, theory };
        let scale = Scale::new(&measured, None);
        let sheet = sheet(&[measured], &[scale]);
        Ok(io::table::write(target, &sheet.columns, &sheet.rows)?)
    })
}

/// The state of a run in a periodic box.
pub(crate) struct Sample<'a> {
    /// The bodies of this rank.
    pub(crate) bodies: &'a Bodies,
    /// Time [T].
    pub(crate) time: f64,
    /// The expanding universe, if it is in one.
    pub(crate) universe: Option<Universe>,
    /// Side of the box [L].
    pub(crate) side: f64,
    /// Units of the bodies.
    pub(crate) units: Units,
}

/// Measures one snapshot. Collective.
fn one(
    crew: &Crew,
    arguments: &Arguments,
    settings: &Settings,
    path: &Path,
    linear: Option<&Linear>,
) -> Result<Measured> {
    // Comoving positions are as good as others here.
    let reading = ReadingOptions { isolated: true };
    let kinds = kinds::chosen(&arguments.types);
    let (_, Loaded { start, units, box_side, .. }) =
        initial::read_as_it_is(crew, path, None, kinds, &reading)?;
    let Start { bodies, time } = start;
    let shown = path.display();
    let universe = crew.agree(|| Ok(snapshot::read_header(path)?))?.universe;
    let side = match &arguments.side {
        Some(side) => crew.agree(|| side.of_option("--box", &units))?,
        None if box_side > 0.0 => box_side,
        None => return Err(anyhow!("{shown}: has no periodic box; give its side as --box")),
    };
    ensure!(
        box_side == 0.0 || (side / box_side - 1.0).abs() < 1e-6,
        "--box {side:?}: the box of {shown} has a side of {box_side:?}"
    );
    let count = collective::sum(crew.comm, bodies.len() as u64);
    memory::check_grid(crew, &format!("--grid {}", settings.grid), settings.grid, count)?;
    let is_outside = |&i: &usize| bodies.position(i).iter().any(|x| !(0.0..=side).contains(x));
    let outside = collective::sum(crew.comm, (0..bodies.len()).filter(is_outside).count() as u64);
    if outside > 0 && crew.leads() {
        warn(&format!(
            "{shown}: {outside} of {count} bodies are outside the box from 0 to {side:?}; their images inside it are measured"
        ));
    }
    let spectrum = spectral::measure(crew.comm, &bodies, side, settings)
        .map_err(name_option)
        .with_context(|| shown.to_string())?;
    let theory = match (linear, universe) {
        (Some(linear), Some(universe)) => linear.at(&spectrum.bins, &units, universe.scale_factor),
        (Some(_), None) => return Err(anyhow!("--linear: {shown} does not say its redshift")),
        (None, _) => Vec::new(),
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let correlation = match arguments.correlation {
        Some(_) => spectral::correlate(crew.comm, &bodies, side, settings)?,
        None => Vec::new(),
    };
    Ok(Measured { name, time, universe, units, spectrum, correlation, theory })
}

/// The error with the option that causes it.
fn name_option(error: nbody::Error) -> Error {
    let text = error.to_string().replacen("bins per decade", "per-decade", 1);
    let is_option =
        ["grid", "fold", "per-decade", "box"].iter().any(|name| text.starts_with(&format!("{name} = ")));
    if is_option { anyhow!("--{text}") } else { anyhow!(text) }
}

/// The units in which a spectrum is shown.
struct Scale {
    /// Name of the unit of length.
    length: &'static str,
    /// Name of the unit of wave numbers.
    wave: &'static str,
    /// The unit of the bodies in it.
    factor: f64,
}

impl Scale {
    /// `hubble` has precedence over the Hubble constant of the snapshot.
    fn new(measured: &Measured, hubble: Option<f64>) -> Scale {
        let Measured { units, universe, .. } = measured;
        let stated = universe.map(|universe| universe.h).filter(|&h| h > 0.0);
        let megaparsecs = units.length_in_cm / MEGAPARSEC_IN_CM;
        match hubble.or(stated) {
            _ if *units == Units::NBODY => Scale { length: "L", wave: "1/L", factor: 1.0 },
            None => Scale { length: "Mpc", wave: "1/Mpc", factor: megaparsecs },
            Some(h) => Scale { length: "Mpc/h", wave: "h/Mpc", factor: megaparsecs * h },
        }
    }

    fn power(&self) -> String {
        if self.length.contains('/') { format!("({})^3", self.length) } else { format!("{}^3", self.length) }
    }
}

fn sheet(measured: &[Measured], scales: &[Scale]) -> Sheet {
    let (wave, power) = (scales[0].wave, scales[0].power());
    let expands = measured.iter().all(|measured| measured.universe.is_some());
    let has_theory = measured.iter().all(|measured| !measured.theory.is_empty());
    let mut columns = vec![
        "snapshot".to_owned(),
        if expands { "redshift" } else { "time" }.to_owned(),
        format!("k [{wave}]"),
        format!("power [{power}]"),
        format!("error [{power}]"),
        format!("shot noise [{power}]"),
        "modes".to_owned(),
        "fold".to_owned(),
    ];
    if has_theory {
        columns.extend([format!("linear [{power}]"), format!("halofit [{power}]")]);
    }
    let mut sheet = Sheet::new(&columns);
    for (Measured { name, time, universe, spectrum, theory, .. }, scale) in measured.iter().zip(scales) {
        let volume = scale.factor.powi(3);
        for (i, bin) in spectrum.bins.iter().enumerate() {
            let mut numbers = vec![
                universe.filter(|_| expands).map_or(*time, |universe| universe.redshift()),
                bin.k / scale.factor,
                bin.power * volume,
                bin.error() * volume,
                spectrum.shot_noise * volume,
                bin.modes as f64,
                f64::from(bin.fold),
            ];
            numbers.extend(
                theory.get(i).filter(|_| has_theory).into_iter().flatten().map(|power| power * volume),
            );
            sheet.row(&[name], &numbers);
        }
    }
    sheet
}

/// The correlation functions as a table.
fn separations(measured: &[Measured], scales: &[Scale]) -> Sheet {
    let expands = measured.iter().all(|measured| measured.universe.is_some());
    let time = if expands { "redshift" } else { "time" };
    let distance = format!("r [{}]", scales[0].length);
    let mut sheet = Sheet::new(&["snapshot", time, &distance, "correlation", "vectors"]);
    for (Measured { name, time, universe, correlation, .. }, scale) in measured.iter().zip(scales) {
        let time = universe.filter(|_| expands).map_or(*time, |universe| universe.redshift());
        for Separation { distance, correlation, vectors } in correlation {
            sheet.row(&[name], &[time, distance * scale.factor, *correlation, *vectors as f64]);
        }
    }
    sheet
}

fn figure(measured: &[Measured], scales: &[Scale]) -> Figure {
    let pretty = |text: &str| text.replace("^3", "³");
    let mut panel = Panel::new(
        Axis::log(format!("k [{}]", scales[0].wave)),
        Axis::log(format!("P(k) [{}]", pretty(&scales[0].power()))),
    );
    for ((Measured { name, spectrum, universe, theory, .. }, scale), colour) in
        measured.iter().zip(scales).zip(colours(measured.len()))
    {
        let volume = scale.factor.powi(3);
        let points: Vec<[f64; 2]> =
            spectrum.bins.iter().map(|bin| [bin.k / scale.factor, bin.power * volume]).collect();
        let noise = [points.first(), points.last()].into_iter().flatten();
        let noise: Vec<[f64; 2]> = noise.map(|point| [point[0], spectrum.shot_noise * volume]).collect();
        let label = match universe {
            Some(universe) => format!("z = {}", redshift_in_words(universe.scale_factor)),
            None => name.clone(),
        };
        if theory.is_empty() {
            panel.series.push(Series::new(label, colour, Mark::Line, points));
            panel.series.push(Series::new("", colour, Mark::Dashes, noise));
            continue;
        }
        // Linear theory is dashed, HaloFit a line.
        for (which, mark) in [Mark::Dashes, Mark::Line].into_iter().enumerate() {
            let curve = points.iter().zip(theory).map(|(point, power)| [point[0], power[which] * volume]);
            panel.series.push(Series::new("", colour, mark, curve.collect()));
        }
        panel.series.push(Series::new(label, colour, Mark::Points, points));
    }
    Figure { frame: [430.0, 330.0], ..Figure::new(vec![panel]) }
}

fn tell(Measured { name, spectrum, .. }: &Measured, scale: &Scale) {
    let bins = &spectrum.bins;
    let [first, last] = [bins.first(), bins.last()].map(|bin| bin.map_or(0.0, |bin| bin.k / scale.factor));
    say(&format!(
        "{name}: {} bins from k = {first:.4} to {last:.4} {}, shot noise {:.4e} {}",
        bins.len(),
        scale.wave,
        spectrum.shot_noise * scale.factor.powi(3),
        scale.power()
    ));
}

#[cfg(test)]
mod tests;
