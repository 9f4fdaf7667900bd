//! `heorot model`: writes initial conditions.

use crate::console::say;
use crate::files::layout_options::LayoutOptions;
use crate::files::outputs::Overwrite;
use crate::initial::{Initial, Keys, MODELS, ModelName};
use crate::parameters::cosmology;
use crate::parameters::periodic_box::PeriodicBox;
use crate::parameters::quantities::{self, Quantity, sized};
use crate::parameters::{SystemName, UnitSystem};
use crate::ranks::crew::Crew;
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::{Args, FromArgMatches};
use io::Units;
use io::parameters::Dimension;
use io::snapshot::{Fields, Header};
use nbody::Start;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::any::TypeId;
use std::path::{Path, PathBuf};

/// Make initial conditions: spheres in equilibrium, disc galaxies, galaxy encounters, clumps and
/// others.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// The model and its parameters.
    #[command(flatten)]
    keys: ModelOptions,
    /// Read [initial] and [units] from this parameter file instead of options, and for a
    /// cosmological box also [cosmology] and [box]. The other tables are ignored and may be
    /// missing. Encounters, planets and cosmological boxes are possible only with this option.
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["model", "units"])]
    pub from: Option<PathBuf>,
    /// Units of the snapshot, and of lengths and masses that are given without a unit [default:
    /// galactic; star-cluster: pc-msun-kms; planetary-system: au-msun-yr].
    #[arg(long, value_enum)]
    pub units: Option<SystemName>,
    /// Snapshot to write.
    #[arg(long, short, value_name = "IC.hdf5")]
    pub output: PathBuf,
    /// Layout of the snapshot.
    #[command(flatten)]
    pub layout: LayoutOptions,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
}

const EXAMPLES: &str = "Examples:
  heorot model plummer --bodies 100000 --seed 1 --units nbody -o plummer.hdf5
  heorot model king --w0 7 --bodies 50000 --units nbody -o cluster.hdf5
  heorot model star-cluster --bodies 20000 --radius 1 --binaries 0.2 --binary-axis 1e-5,1e-3 -o stars.hdf5
  heorot model planetary-system --bodies 1000 --belt 2.1,3.3 -o belt.hdf5
  heorot model disc-galaxy --preset andromeda --bodies 500000 -o andromeda.hdf5
  heorot model --from inputs/antennae.toml -o antennae.hdf5
  heorot model --from inputs/lcdm.toml -o universe.hdf5
  heorot model two-body --eccentricity 0.5 --units nbody -o kepler.hdf5
  heorot model clumps --bodies 1000000 --seed 1 --units nbody -o clumps.hdf5
  heorot model hernquist --bodies 100000 --mass \"1e12 Msun\" --radius \"30 kpc\" -o halo.hdf5
  heorot model collision --bodies 200000 --seed 1 --mass 20 --radius 3 --pericentre 6 --distance 60 -o ic.hdf5

Numbers without a unit are in kpc, 1e10 solar masses and km/s (galactic units). Those of a star
cluster are in pc, solar masses and km/s, and those of a planetary system in au, solar masses and
au/yr. --units chooses other units. The bodies of a collision have type 2 (first galaxy) and 3
(second), those of a disc galaxy type 1 (halo), 2 (disc) and 3 (bulge). Stars of a cluster have type
4; a planetary system has its star in type 4, planets in 5 and small bodies in 2. The [initial]
table of a parameter file has the same options as keys, with _ instead of -.";

/// Runs the command.
///
/// # Errors
/// If a parameter is out of range or the file cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    let layout = arguments.layout.layout();
    let Wanted { initial, units, cosmology, side } = arguments.wanted()?;
    let mut outputs = arguments.overwrite.reading(&arguments.from).reading(initial.files());
    let target = outputs.snapshot(&arguments.output, layout.files)?;
    let Start { bodies, time } = initial.load(&Crew::alone(), &units, cosmology.as_ref())?.start;
    let parameters = io::parameters::echo(&initial);
    let mut header =
        Header { units: Some(units), parameters, box_size: side.unwrap_or(0.0), ..Header::default() };
    if let Some(cosmology) = cosmology {
        // Snapshots of a universe are written from canonical momenta, and the time is ln a.
        let (universe, age) = cosmology.universe(&units, time);
        header = Header { time: age, universe: Some(universe), ..header };
    }
    Crew::alone().write_snapshot(&target, &header, &bodies, Fields::default(), &layout)?;
    say(&format!("{}: {} bodies", arguments.output.display(), bodies.len()));
    Ok(())
}

/// The tables of a parameter file that a model needs; the others have any content.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    initial: Initial,
    #[serde(default)]
    units: UnitSystem,
    #[serde(default, rename = "box")]
    periodic_box: Option<PeriodicBox>,
    #[serde(default)]
    cosmology: Option<cosmology::Keys>,
    #[serde(default, rename = "gravity")]
    _gravity: IgnoredAny,
    #[serde(default, rename = "potential")]
    _potential: IgnoredAny,
    #[serde(default, rename = "time")]
    _time: IgnoredAny,
    #[serde(default, rename = "output")]
    _output: IgnoredAny,
    #[serde(default, rename = "batch")]
    _batch: IgnoredAny,
    #[serde(default, rename = "movie")]
    _movie: IgnoredAny,
}

/// An initial state to make, with its units and, for a universe, its expansion and the side of its box [L].
pub(crate) struct Wanted {
    pub(crate) initial: Initial,
    pub(crate) units: Units,
    pub(crate) cosmology: Option<cosmology::Keys>,
    pub(crate) side: Option<f64>,
}

/// Reads the initial state of a parameter file, checked.
///
/// # Errors
/// The file cannot be read, or its model cannot be made.
pub(crate) fn model_of(file: &Path) -> Result<Wanted> {
    if let Some(format) = io::snapshot::format_of(file) {
        bail!(
            "{0}: is a snapshot ({1}), not a parameter file with a model; `heorot convert` and `heorot combine` copy its bodies",
            file.display(),
            format.name()
        );
    }
    let ModelFile { mut initial, units, periodic_box, mut cosmology, .. } = load(file)?;
    let (units, side) = (units.units(), periodic_box.map(|periodic| periodic.side));
    let mut check = || -> Result<()> {
        if let Some(cosmology) = &cosmology {
            cosmology.check()?;
            cosmology.cosmology(&units).check(1.0).map_err(|fault| anyhow!("cosmology.{fault}"))?;
        }
        PeriodicBox::domain(periodic_box).check().map_err(|fault| anyhow!("box.{fault}"))?;
        initial.settle(cosmology.as_mut(), side, &units)
    };
    check().with_context(|| file.display().to_string())?;
    Ok(Wanted { initial, units, cosmology, side })
}

/// Reads the tables of a parameter file that a model needs.
fn load(file: &Path) -> Result<ModelFile, io::Error> {
    io::parameters::load_in_units(file, &[], &[], &quantities::keys(), UnitSystem::sizes)
}

/// The units of the numbers of a model on a command line that does not name them.
fn usual_units(model: ModelName) -> SystemName {
    match model {
        ModelName::StarCluster => SystemName::PcMsunKms,
        ModelName::PlanetarySystem => SystemName::AuMsunYr,
        _ => SystemName::Galactic,
    }
}

/// The keys of a model as options. Those with a dimension may have a unit.
#[derive(Clone, Debug)]
struct ModelOptions {
    /// The keys without a dimension.
    keys: Keys,
    /// The keys with a dimension, by name.
    quantities: Vec<(String, Vec<Quantity>)>,
}

/// The options of a model with a dimension, by the name of their key.
fn dimensional() -> Vec<(String, Dimension)> {
    let command = Keys::augment_args(clap::Command::new("model"));
    let names = command.get_arguments().map(|option| option.get_id().to_string());
    names.filter_map(|name| Some((name.clone(), quantities::of_model(&name)?))).collect()
}

/// Parses a number of a model. JSON has no others, see `with_quantities`.
fn finite(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|fault| format!("{fault}"))?;
    if number.is_finite() { Ok(number) } else { Err("must be a finite number".to_owned()) }
}

impl Args for ModelOptions {
    fn augment_args(command: clap::Command) -> clap::Command {
        let plain = Keys::augment_args(command).mut_args(|option| {
            let is_number = option.get_value_parser().type_id() == TypeId::of::<f64>();
            if is_number { option.value_parser(finite) } else { option }
        });
        dimensional().into_iter().fold(plain, |command, (name, dimension)| {
            command.mut_arg(name, |option| {
                option.value_parser(move |text: &str| quantities::model_values(text, dimension))
            })
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        ModelOptions::augment_args(command)
    }
}

impl FromArgMatches for ModelOptions {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<ModelOptions, clap::Error> {
        ModelOptions::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut clap::ArgMatches) -> Result<ModelOptions, clap::Error> {
        let mut quantities = Vec::new();
        for (name, _) in dimensional() {
            if let Some(values) = matches.remove_one::<Vec<Quantity>>(&name) {
                quantities.push((name, values));
            }
        }
        Ok(ModelOptions { keys: Keys::from_arg_matches_mut(matches)?, quantities })
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        *self = ModelOptions::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ModelOptions {
    /// The first option that is given.
    fn given(&self) -> Option<String> {
        let plain = io::parameters::echo(&self.keys).into_iter().map(|(key, _)| key);
        let first = plain.chain(self.quantities.iter().map(|(key, _)| key.clone())).next()?;
        Some(first.replace('_', "-"))
    }
}

/// A message with the names of options in place of those of their keys.
fn with_options(message: String) -> String {
    let command = Keys::augment_args(clap::Command::new("model"));
    command
        .get_arguments()
        .filter_map(|option| Some((option.get_id(), option.get_long()?)))
        .fold(message, |message, (key, option)| message.replace(&format!("`{key}`"), &format!("--{option}")))
}

/// The keys with the values of quantities in these units.
fn with_quantities(keys: Keys, quantities: &[(String, Vec<Quantity>)], units: &Units) -> Result<Keys> {
    let mut table = serde_json::to_value(keys)?;
    for (name, values) in quantities {
        let option = name.replace('_', "-");
        let numbers = values.iter().map(|value| value.value(sized(units))).collect::<Result<Vec<f64>, _>>();
        let numbers = numbers.map_err(|fault| anyhow!("--{option}: {fault}"))?;
        // Keys with two numbers are lists of two.
        let is_pair = matches!(name.as_str(), "binary_axis" | "belt" | "inclination" | "azimuth");
        table[name] = match (is_pair, &numbers[..]) {
            (false, [number]) => serde_json::json!(number),
            (true, [first, second]) => serde_json::json!([first, second]),
            (true, _) => bail!("--{option}: must be two numbers with a comma between, such as 2,3.5"),
            (false, _) => bail!("--{option}: must be one number"),
        };
    }
    Ok(serde_json::from_value(table)?)
}

impl Arguments {
    /// The requested initial state, checked.
    fn wanted(&self) -> Result<Wanted> {
        if let Some(file) = &self.from {
            if let Some(unused) = self.keys.given() {
                bail!("--from takes the model from {}: leave out --{unused}", file.display());
            }
            let wanted = model_of(file)?;
            ensure!(
                wanted.initial.file().is_none(),
                "{}: starts from a file, not from a model; `heorot convert` copies its bodies",
                file.display()
            );
            return Ok(wanted);
        }
        let ModelOptions { keys, quantities } = &self.keys;
        let name = keys.model.with_context(|| format!("a model is needed: one of {MODELS}"))?;
        let units = self.units.unwrap_or(usual_units(name)).units();
        let mut keys = with_quantities(keys.clone(), quantities, &units)?;
        let initial = keys.complete(units.physical().as_ref()).and_then(|()| Initial::try_from(keys));
        let initial = initial.map_err(|fault| anyhow!(with_options(fault)))?;
        Ok(Wanted { initial, units, cosmology: None, side: None })
    }
}

#[cfg(test)]
mod tests;
