//! The command line: commands and global options.

use crate::batch::{jobscript, plan, status};
use crate::console::all_said;
use crate::ending::Ending;
use crate::files::{combine, convert, extract, make};
use crate::help::{completions, man, reference, version};
use crate::ranks::launch::on_leading_process;
use crate::ranks::processes::expect_served;
use crate::{bench, doctor, force, halos, info, network, plot, poster, render, run, spectrum, study, view};
use anyhow::Result;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use nbody::model::whole_number;

/// Parallel Barnes-Hut N-body suite: a hashed oct-tree gravity code for computer clusters.
#[derive(Clone, Debug, Parser)]
#[command(
    version = version::SHORT.as_str(),
    long_version = version::LONG.as_str(),
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage. A run ends with 75 if a limit or a signal stopped it, and with 76 if a `stop` file stopped it. Under mpirun all ranks end with the same code."
)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Also read other files to which an HDF5 file refers, in any folder: external links, external
    /// raw storage, and sources of virtual datasets in other folders. Without this option, a file
    /// that needs them is refused.
    #[arg(long, global = true, help_heading = GLOBAL)]
    pub follow_external: bool,
    /// Print only warnings and errors. Commands that answer a question, such as info, still print
    /// their answer.
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    pub quiet: bool,
}

/// Heading of the options of all commands, after those of a command.
const GLOBAL: &str = "Options of all commands";

impl Cli {
    /// Reads the command line of this process.
    ///
    /// # Errors
    /// It is wrong, or asks for help.
    pub fn read() -> Result<Cli, clap::Error> {
        Cli::from_arg_matches_mut(&mut command().try_get_matches()?)
    }
}

/// The program as a command of clap, which wraps the paragraphs of its help.
pub fn command() -> clap::Command {
    with_negative_numbers(with_whole_paragraphs(Cli::command()))
}

/// Lets each option take a negative number as its value, so that the option itself says what would be right.
fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let command = command.mut_subcommands(with_negative_numbers);
    command.mut_args(|arg| {
        let is_option = !arg.is_positional() && arg.get_action().takes_values();
        if is_option { arg.allow_negative_numbers(true) } else { arg }
    })
}

fn with_whole_paragraphs(command: clap::Command) -> clap::Command {
    let after = command.get_after_help().map(|text| whole_paragraphs(&text.to_string()));
    let command = command.mut_subcommands(with_whole_paragraphs);
    match after {
        Some(text) => command.after_help(text),
        None => command,
    }
}

/// Text in which each paragraph is one line. Indented lines and those before them stay.
fn whole_paragraphs(text: &str) -> String {
    let mut whole = String::new();
    let mut open = false; // whether the last line may go on
    for line in text.lines() {
        let is_plain = !line.is_empty() && !line.starts_with(' ');
        if !whole.is_empty() {
            whole.push(if open && is_plain { ' ' } else { '\n' });
        }
        whole.push_str(line);
        open = is_plain && !line.ends_with(':');
    }
    whole
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Run a simulation from a parameter file.
    Run(run::Arguments),
    /// Show the progress of a run, and whether it is still alive.
    Status(status::Arguments),
    /// Estimate the memory, disk space and time of a run.
    Plan(plan::Arguments),
    /// Write a job script for Slurm or PBS.
    Jobscript(jobscript::Arguments),
    /// Check this machine: MPI, cores, SIMD, HDF5, file system, memory.
    Doctor(doctor::Arguments),
    /// Compute accelerations and potentials of all bodies in a snapshot.
    Force(force::Arguments),
    /// Make initial conditions: spheres in equilibrium, disc galaxies, galaxy encounters, clumps
    /// and others.
    Model(Box<make::Arguments>),
    /// Draw pictures and movies of snapshots: surface density, types, galaxies or velocities.
    Render(Box<render::Arguments>),
    /// Draw a run at several times side by side, for a paper.
    Poster(Box<poster::Arguments>),
    /// Make a page that shows bodies in a browser: turn, zoom and play.
    View(view::Arguments),
    /// Plot runs and snapshots: energy, profiles, Lagrange radii, phase space, force errors, mass
    /// functions.
    Plot(plot::Arguments),
    /// Find friends-of-friends haloes.
    Halos(halos::Arguments),
    /// Measure the power spectrum of a periodic box.
    Spectrum(spectrum::Arguments),
    /// Show the content of a snapshot, and check it.
    Info(info::Arguments),
    /// Convert a file of any known format to a snapshot.
    Convert(convert::Arguments),
    /// Combine two files of bodies into one snapshot, with the second one rotated, shifted and
    /// boosted.
    Combine(combine::Arguments),
    /// Extract the bodies of a region or of some types from a snapshot. Only the cells of the file
    /// that overlap the region are read.
    Extract(extract::Arguments),
    /// Measure the speed of this machine: sustained Gflops over whole steps, with checks of the
    /// force error and of every bit of the result.
    Bench(Box<bench::Arguments>),
    /// Study the scaling of a problem with the number of ranks.
    Study(study::Arguments),
    /// Predict the time of recorded steps on other networks, or measure the network of this
    /// machine.
    Network(network::Arguments),
    /// Print completions of commands and options for a shell.
    Completions(completions::Arguments),
    /// Write the manual pages of all commands.
    Man(man::Arguments),
    /// Print a page of the reference as Markdown.
    #[command(hide = true)]
    Reference(reference::Arguments),
}

impl Command {
    /// Whether the purpose of the command is what it prints.
    pub fn answers(&self) -> bool {
        match self {
            Command::Status(_)
            | Command::Plan(_)
            | Command::Jobscript(_)
            | Command::Doctor(_)
            | Command::Force(_)
            | Command::Info(_)
            | Command::Bench(_)
            | Command::Network(_)
            | Command::Completions(_)
            | Command::Reference(_) => true,
            Command::View(arguments) => arguments.serve,
            Command::Run(_)
            | Command::Model(_)
            | Command::Render(_)
            | Command::Poster(_)
            | Command::Plot(_)
            | Command::Halos(_)
            | Command::Spectrum(_)
            | Command::Convert(_)
            | Command::Combine(_)
            | Command::Extract(_)
            | Command::Study(_)
            | Command::Man(_) => false,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// The user's input is wrong, or a file cannot be read or written.
    pub fn run(&self) -> Result<Ending> {
        expect_served()?;
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
            Command::Spectrum(arguments) => spectrum::main(arguments),
            Command::Info(arguments) => on_leading_process(|| info::main(arguments)),
            Command::Convert(arguments) => convert::main(arguments),
            Command::Combine(arguments) => combine::main(arguments),
            Command::Extract(arguments) => on_leading_process(|| extract::main(arguments)),
            Command::Bench(arguments) => bench::main(arguments),
            Command::Study(arguments) => study::main(arguments),
            Command::Network(arguments) => network::main(arguments),
            Command::Completions(arguments) => on_leading_process(|| completions::main(arguments)),
            Command::Man(arguments) => on_leading_process(|| man::main(arguments)),
            Command::Reference(arguments) => on_leading_process(|| reference::main(arguments)),
        }?;
        all_said()?;
        Ok(ending)
    }
}

/// Parses a number of bodies from `LEAST` to `MOST`: `100000`, `100_000` or `1e5`.
pub(crate) fn bodies_in<const LEAST: u64, const MOST: u64>(text: &str) -> Result<u64, String> {
    match whole_number(text)? {
        number if (LEAST..=MOST).contains(&number) => Ok(number),
        number if MOST == u64::MAX => Err(format!("{number}: must be at least {LEAST}")),
        number => Err(format!("{number}: must be from {LEAST} to {MOST}")),
    }
}

/// Parses the value of an option, a number above 0.
pub(crate) fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0 && number.is_finite());
    number.ok_or_else(|| "must be above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_whole_and_examples_stay() {
        let text =
            "Examples:\n  heorot a\n  heorot b\n\nOne line\nand its end.\nExit codes:\n  0 done\nMore.";
        let whole = "Examples:\n  heorot a\n  heorot b\n\nOne line and its end. Exit codes:\n  0 done\nMore.";
        assert_eq!(whole_paragraphs(text), whole);
    }

    /// A line of a paragraph that is broken by hand, and again by clap, leaves a word alone on a line.
    #[test]
    fn no_line_of_help_is_much_shorter_than_the_next_needs() {
        let mut root = command();
        root.build();
        fn visit(command: &clap::Command, found: &mut Vec<String>) {
            let text = command.clone().render_long_help().to_string();
            let after = text.rsplit("Options of all commands:").next().unwrap_or_default();
            let lines: Vec<&str> = after.lines().collect();
            for pair in lines.windows(2) {
                let first_word = pair[1].split_whitespace().next().unwrap_or_default();
                let is_plain =
                    |line: &str| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(':');
                if is_plain(pair[0]) && is_plain(pair[1]) && pair[0].len() + 1 + first_word.len() < 100 {
                    found.push(format!("{}: {}", command.get_name(), pair[0]));
                }
            }
            command.get_subcommands().for_each(|below| visit(below, found));
        }
        let mut found = Vec::new();
        visit(&root, &mut found);
        assert!(found.is_empty(), "{found:?}");
    }
}
