//! The kinds of plots, one in each file. A kind is a module with `Arguments` and `main`; `bar` and
//! `surface_density` share the arguments of `bodies::rings`.

mod bar;
mod force_error;
pub(super) mod lagrange;
pub(super) mod mass_function;
pub(super) mod phase;
pub(super) mod profile;
mod run;
pub(super) mod separation;
mod surface_density;
pub(super) mod tidal_radius;

use super::bodies::rings;
use anyhow::Result;
use clap::Subcommand;

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

/// Makes a plot.
pub(super) fn main(kind: &Kind) -> Result<()> {
    match kind {
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
