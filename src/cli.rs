//! The command line: commands and global options.

use crate::console::all_said;
use crate::ending::Ending;
use crate::launch::on_leading_process;
use crate::{
    bench, convert, doctor, extract, force, halos, info, jobscript, make, network, plan, plot, poster,
    render, run, status, study, view,
};
use anyhow::Result;
use clap::{Parser, Subcommand};

/// Parallel Barnes-Hut N-body suite: a hashed oct-tree gravity code for clusters.
#[derive(Clone, Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage; of a run also 75 stopped by a limit or a signal, 76 stopped by a user. Under mpirun all ranks end with the same code."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Read other files that an HDF5 file refers to, wherever they are: external links, external raw storage, virtual datasets of other
    /// folders. Without it such a file is refused.
    #[arg(long, global = true)]
    pub follow_external: bool,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Evolve bodies as a parameter file says.
    Run(run::Arguments),
    /// Show how far a run is, and whether it lives.
    Status(status::Arguments),
    /// Tell memory, disk and time that a parameter file will need.
    Plan(plan::Arguments),
    /// Write a job script for Slurm or PBS.
    Jobscript(jobscript::Arguments),
    /// Examine this machine: MPI, cores, SIMD, HDF5, file system, memory.
    Doctor(doctor::Arguments),
    /// Compute accelerations and potentials of all bodies of a snapshot.
    Force(force::Arguments),
    /// Make initial conditions: spheres in equilibrium, disc galaxies, galaxies that meet, clumps and others.
    Model(Box<make::Arguments>),
    /// Draw snapshots: pictures and movies of surface density, types, galaxies or velocities.
    Render(Box<render::Arguments>),
    /// Draw the evolution of a sequence side by side, with times, for a paper.
    Poster(Box<poster::Arguments>),
    /// Make a page that shows bodies in a browser: to turn, zoom and play.
    View(view::Arguments),
    /// Plot runs and snapshots: energy, profiles, Lagrange radii, phase space, force errors, mass functions.
    Plot(plot::Arguments),
    /// Find haloes: groups of bodies that are friends of friends.
    Halos(halos::Arguments),
    /// Show what a snapshot holds, and check it.
    Info(info::Arguments),
    /// Read bodies from a file of any known format and write them as a snapshot.
    Convert(convert::Arguments),
    /// Write the bodies of a region of a snapshot, reading only the cells that it touches.
    Extract(extract::Arguments),
    /// Measure this machine: sustained Gflops of whole steps, at a checked force error and with checked bits.
    Bench(Box<bench::Arguments>),
    /// Study how a problem scales with the ranks.
    Study(study::Arguments),
    /// Predict what networks would make of recorded steps, and measure this one.
    Network(network::Arguments),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// The user's input is wrong, or a file cannot be read or written.
    pub fn run(&self) -> Result<Ending> {
        let mut ending = Ending::Done;
        match self {
            Command::Run(arguments) => run::main(arguments).map(|end| ending = end),
            Command::Status(arguments) => on_leading_process(|| status::main(arguments)),
            Command::Plan(arguments) => on_leading_process(|| plan::main(arguments)),
            Command::Jobscript(arguments) => on_leading_process(|| jobscript::main(arguments)),
            Command::Doctor(arguments) => doctor::main(arguments),
            Command::Force(arguments) => force::main(arguments),
            Command::Model(arguments) => on_leading_process(|| make::main(arguments)),
            Command::Render(arguments) => render::main(arguments),
            Command::Poster(arguments) => on_leading_process(|| poster::main(arguments)),
            Command::View(arguments) => on_leading_process(|| view::main(arguments)),
            Command::Plot(arguments) => on_leading_process(|| plot::main(arguments)),
            Command::Halos(arguments) => halos::main(arguments),
            Command::Info(arguments) => on_leading_process(|| info::main(arguments)),
            Command::Convert(arguments) => convert::main(arguments),
            Command::Extract(arguments) => on_leading_process(|| extract::main(arguments)),
            Command::Bench(arguments) => bench::main(arguments),
            Command::Study(arguments) => study::main(arguments),
            Command::Network(arguments) => network::main(arguments),
        }?;
        all_said()?;
        Ok(ending)
    }
}

/// Parses a finite number above 0 as the value of an option.
pub(crate) fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "must be above 0".to_owned())
}
