//! `heorot model`: writes initial conditions.

use crate::console::say;
use crate::initial::{Keys, MODELS};
use crate::model;
use crate::parameters::SystemName;
use anyhow::{Context, Result};
use decomposition::Solo;
use io::snapshot::{self, Fields, Header, Writers};
use std::path::PathBuf;
use treecode::TYPES;

/// Make initial conditions: a Plummer sphere, two bodies on an ellipse, two colliding galaxies, clumps or uniform bodies.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, allow_negative_numbers = true)]
pub struct Arguments {
    /// The model and its parameters.
    #[command(flatten)]
    pub keys: Keys,
    /// Units of the numbers.
    #[arg(long, value_enum, default_value_t = SystemName::Galactic)]
    pub units: SystemName,
    /// Snapshot to write.
    #[arg(long, short, value_name = "IC.hdf5")]
    pub output: PathBuf,
}

const EXAMPLES: &str = "Examples:
  heorot model plummer --bodies 100000 --seed 1 --units nbody -o plummer.hdf5
  heorot model two-body --eccentricity 0.5 --units nbody -o kepler.hdf5
  heorot model clumps --bodies 1000000 --seed 1 --units nbody -o clumps.hdf5
  heorot model collision --bodies 200000 --seed 1 --mass 20 --radius 3 --pericentre 6 --distance 60 -o ic.hdf5

Galactic units are kpc, 1e10 solar masses and km/s. The bodies of a collision are of type 2 (first galaxy) and 3 (second).
The same options are keys of the [initial] table of a parameter file, with _ for -.";

/// Does the command.
///
/// # Errors
/// If a parameter is out of its range or the file cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    let mut keys = arguments.keys.clone();
    let name = keys.model.take().with_context(|| format!("a model is needed: one of {MODELS}"))?;
    let model = keys.into_model(name).map_err(anyhow::Error::msg)?;
    let units = arguments.units.units();
    let bodies = model::generate(&Solo, &model, units.gravitational_constant());
    let mut total = [0; TYPES];
    bodies.kind.iter().for_each(|&kind| total[usize::from(kind)] += 1);
    let header = Header { units: Some(units), parameters: io::parameters::echo(&model), ..Header::default() };
    let none = Fields { acceleration: false, potential: false };
    snapshot::write(&arguments.output, &header, &bodies, none, &Writers::One, [0; TYPES], total)?;
    say(&format!("{}: {} bodies", arguments.output.display(), bodies.len()));
    Ok(())
}
