//! `heorot network`: predicts the time of steps on a network. It has tables of networks and nodes,
//! a model of messages, the replay of recorded steps, and a measurement of the network of this
//! machine.
#![allow(clippy::disallowed_methods)] // no result depends on network models

mod catalogue;
mod fabric;
mod measure;
mod replay;

use crate::console::say;
use anyhow::Result;
use catalogue::Catalogue;
use clap::Subcommand;
use std::path::PathBuf;

/// Predict the time of recorded steps on other networks, and measure this network.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP, arg_required_else_help = true)]
pub struct Arguments {
    /// The command.
    #[command(subcommand)]
    pub kind: Kind,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum Kind {
    /// List the known networks and nodes.
    List(List),
    /// Predict time, efficiency and price/performance of recorded steps on networks.
    Replay(replay::Arguments),
    /// Measure latency, bandwidth and overhead between the ranks of this job, and add the result to
    /// a file as a network.
    Measure(measure::Arguments),
}

/// Options of the list.
#[derive(Clone, Debug, clap::Args)]
pub struct List {
    /// File with more networks and nodes (TOML), in the form of `inputs/networks.toml`.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

const HELP: &str = "Examples:
  heorot network list
  heorot study virtual inputs/plummer.toml --set initial.bodies=1000000 --ranks 1,4,16,64 --output out/virtual
  heorot network replay out/virtual/trace-*.json --network all
  heorot network replay out/virtual/trace-*.json --network fast-ethernet,myrinet --output networks.svg
  mpirun -n 4 heorot network measure --name ours --file networks.toml
  heorot network replay out/virtual/trace-*.json --network ours --file networks.toml";

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or its content is wrong.
pub fn main(arguments: &Arguments) -> Result<()> {
    match &arguments.kind {
        Kind::List(list) => {
            let catalogue = Catalogue::load(list.file.as_deref())?;
            catalogue.lines().iter().for_each(|line| say(line));
            Ok(())
        }
        Kind::Replay(arguments) => replay::main(arguments),
        Kind::Measure(arguments) => measure::main(arguments),
    }
}
