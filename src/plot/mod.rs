//! `heorot plot`: plots of runs and snapshots as PNG, SVG or PDF, with the numbers as CSV.
//!
//! Each kind of plot is a module with `Arguments` and `main`, which ends in
//! [`output::Targets::write`].
#![allow(clippy::disallowed_methods)] // no result depends on plots

mod bar;
mod circular;
mod force_error;
mod galaxies;
mod lagrange;
mod legend;
mod mass_function;
pub(crate) mod output;
mod panels;
mod phase;
mod profile;
mod rings;
mod run;
mod separation;
mod shape;
pub(crate) mod snapshot;
mod source;
mod surface_density;
mod tidal_radius;
mod units;

use anyhow::Result;
use clap::Subcommand;

/// Plot runs and snapshots.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP, arg_required_else_help = true)]
pub struct Arguments {
    /// The kind of plot.
    #[command(subcommand)]
    pub kind: Kind,
}

/// Kinds of plots.
#[derive(Clone, Debug, Subcommand)]
pub enum Kind {
    /// Energy, momentum, virial ratio and other records of a run over time.
    #[command(aliases = ["energy", "history", "log"])]
    Run(run::Arguments),
    /// Density, mass, dispersion, anisotropy, rotation and shape by radius.
    #[command(aliases = ["density", "rotation", "rotation-curve", "profiles"])]
    Profile(profile::Arguments),
    /// Surface density profile: the mass in rings about the centre, in projection.
    #[command(aliases = ["surface", "sigma"])]
    SurfaceDensity(rings::Arguments),
    /// Bar strength A2(R, t): the relative amplitude of the second Fourier mode of the surface density.
    #[command(aliases = ["a2", "A2", "bar-strength"])]
    Bar(rings::Arguments),
    /// Separation of galaxies: distance and relative speed of their centres over time.
    #[command(aliases = ["distance", "orbit"])]
    Separation(separation::Arguments),
    /// Tidal radius of satellites over time, and the mass within it.
    #[command(aliases = ["tidal", "jacobi-radius", "tides"])]
    TidalRadius(tidal_radius::Arguments),
    /// Lagrange radii over time.
    #[command(aliases = ["lagrangian", "lagrange-radii", "radii"])]
    Lagrange(lagrange::Arguments),
    /// Phase space: the mass in the plane of radius and radial velocity.
    #[command(alias = "phase-space")]
    Phase(phase::Arguments),
    /// Force errors for each criterion and order, against tolerance and time.
    #[command(aliases = ["error", "force-errors", "accuracy"])]
    ForceError(force_error::Arguments),
    /// Cumulative mass function of haloes.
    #[command(aliases = ["halos", "haloes", "mass"])]
    MassFunction(mass_function::Arguments),
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
    match &arguments.kind {
        Kind::Run(arguments) => run::main(arguments),
        Kind::Profile(arguments) => profile::main(arguments),
        Kind::SurfaceDensity(arguments) => surface_density::main(arguments),
        Kind::Bar(arguments) => bar::main(arguments),
        Kind::Separation(arguments) => separation::main(arguments),
        Kind::TidalRadius(arguments) => tidal_radius::main(arguments),
        Kind::Lagrange(arguments) => lagrange::main(arguments),
        Kind::Phase(arguments) => phase::main(arguments),
        Kind::ForceError(arguments) => force_error::main(arguments),
        Kind::MassFunction(arguments) => mass_function::main(arguments),
    }
}

#[cfg(test)]
mod tests;
