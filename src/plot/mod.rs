//! `heorot plot`: plots of runs and snapshots as PNG, SVG or PDF, with the numbers as CSV.
//!
//! `kinds/` has a file for each kind of plot, and `bodies/` reads and measures the bodies that it
//! shows. All kinds use `units` (of axes), `legend` (labels of snapshots, softening lengths), `panels`
//! (chosen by name) and `output`: each ends in [`output::Targets::write`].
#![allow(clippy::disallowed_methods)] // no result depends on plots

mod bodies;
mod kinds;
mod legend;
pub(crate) mod output;
mod panels;
mod units;

use anyhow::Result;
use kinds::Kind;

/// Plot runs and snapshots.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP, arg_required_else_help = true)]
pub struct Arguments {
    /// The kind of plot.
    #[command(subcommand)]
    pub kind: Kind,
}

const HELP: &str = "Examples:
  heorot plot run out -o energy.png
  heorot plot run out -o cost.png --panels timings
  heorot plot profile out/snapshot_000.hdf5 out/snapshot_010.hdf5 -o profile.svg
  heorot plot surface-density out/snapshot_010.hdf5 -o sigma.svg --types disc
  heorot plot bar out/snapshot_*.hdf5 -o bar.png --types disc
  heorot plot separation out/snapshot_*.hdf5 -o separation.png
  heorot plot tidal-radius out/snapshot_*.hdf5 -o tides.png --galaxies model
  heorot plot lagrange out/snapshot_*.hdf5 -o lagrange.png --fractions 0.1,0.5,0.9
  heorot plot phase out/snapshot_010.hdf5 -o phase.png --centre 0,0,0
  heorot plot force-error ic.hdf5 -o error.png --sample 1000
  heorot plot mass-function haloes.hdf5 -o haloes.png

  heorot plot run out -o figure.pdf --panels energy,energy-error --width-mm 88 --font-size 8
  heorot plot profile out/snapshot_010.hdf5 -o slide.png --theme dark --dpi 200

The name of the output decides the format, .png, .svg or .pdf. The numbers are written beside it, under
the same name with .csv. --width-mm and --font-size are the sizes on paper.";

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or does not contain the quantities to plot.
pub fn main(arguments: &Arguments) -> Result<()> {
    kinds::main(&arguments.kind)
}

#[cfg(test)]
mod tests;
