//! `heorot convert`: converts bodies from a file of any known format to a snapshot.

use crate::console::say;
use crate::files::kinds;
use crate::files::layout_options::LayoutOptions;
use crate::files::outputs::Overwrite;
use crate::files::reading_options::ReadingOptions;
use crate::initial::{self, Loaded};
use crate::parameters::SystemName;
use crate::ranks::launch::{Launch, on_all_ranks};
use anyhow::Result;
use decomposition::collective;
use io::snapshot::{Fields, Header, IDS_INVENTED};
use nbody::Start;
use std::path::PathBuf;

/// Convert a file of any known format to a snapshot.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// File to read: GADGET (HDF5, binary format 1 or 2), SWIFT, Tipsy, a text table, .npy or .npz;
    /// if a snapshot has several files, any one of them.
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Snapshot to write.
    #[arg(value_name = "OUT.hdf5")]
    pub output: PathBuf,
    /// Units of the output [default: those of the file, or galactic if it has none]. A file without
    /// units is assumed to be in these units.
    #[arg(long, value_enum)]
    pub units: Option<SystemName>,
    /// Particle types to convert, as 1,2 or halo,disc [default: all].
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = kinds::kind)]
    pub types: Vec<u8>,
    /// Layout of the snapshot.
    #[command(flatten)]
    pub layout: LayoutOptions,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
    /// How the file is interpreted.
    #[command(flatten)]
    pub reading: ReadingOptions,
}

const HELP: &str = "Examples:
  heorot convert galaxy.std ic.hdf5 --units nbody
  heorot convert snapdir_005/snap_005.0 ic.hdf5 --compression 4
  heorot convert table.txt ic.hdf5 --format swift
  heorot convert snap_005.hdf5 stars.hdf5 --types 4

The format is recognised from the content of the file. A table has a line with the names of its
columns, in any order, followed by one row for each body:
  mass x y z vx vy vz       (also id, and type: 0 gas, 1 halo, 2 disc, 3 bulge, 4 stars, 5 other)
Units may be in a row below the names, or after them, as in x [kpc].
Further columns, such as the energy of gas or your own tags, are written again with their types.
A .npy has an array of fields with these names, or of rows with 7 numbers in this order. A .npz has
one array of each name, or mass, pos and vel. Bodies without a type have type 1. Bodies without an id
are numbered in file order.";

/// Runs the command.
///
/// # Errors
/// If the file cannot be read, holds invalid bodies, or the snapshot cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| {
        let layout = arguments.layout.layout();
        let target = crew.agree(|| {
            let mut outputs = arguments.overwrite.reading([&arguments.input]);
            Ok(outputs.snapshot(&arguments.output, layout.files)?)
        })?;
        let wanted = arguments.units.map(SystemName::units);
        let kinds = kinds::chosen(&arguments.types);
        let (_, Loaded { start: Start { bodies, time }, units, invented_ids, box_side }) =
            initial::read_as_it_is(crew, &arguments.input, wanted.as_ref(), kinds, &arguments.reading)?;
        let mut parameters = vec![("initial.file".to_owned(), arguments.input.display().to_string())];
        if invented_ids {
            parameters.push((IDS_INVENTED.to_owned(), "true".to_owned()));
        }
        let header = Header { time, units: Some(units), parameters, box_size: box_side, ..Header::default() };
        // The accelerations and potentials of the file may not match these units and this gravity.
        crew.write_snapshot(&target, &header, &bodies, Fields::default(), &layout)?;
        let count = collective::sum(crew.comm, bodies.len() as u64);
        if crew.leads() {
            say(&format!("{}: {count} bodies", arguments.output.display()));
        }
        Ok(())
    })
}
