//! `heorot study`: scaling studies over the number of ranks.
//!
//! Each kind of study is a module with `Arguments` and `main`.
#![allow(clippy::disallowed_methods)] // no result depends on pages of studies

mod page;
mod point;
mod scaling;
pub mod trace;
mod virtual_ranks;

use anyhow::Result;
use clap::Subcommand;
use scaling::Scaling;

/// Study how a problem scales.
#[derive(Clone, Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    /// What to study.
    #[command(subcommand)]
    pub kind: Kind,
}

/// Kinds of studies.
#[derive(Clone, Debug, Subcommand)]
pub enum Kind {
    /// Run one problem on more and more ranks, and make a page of it.
    Strong(scaling::Arguments),
    /// Run a problem that grows with the ranks, and make a page of it.
    Weak(scaling::Arguments),
    /// Record what up to 4096 ranks say to each other in a step, all inside this process.
    Virtual(virtual_ranks::Arguments),
}

/// Runs the command.
///
/// # Errors
/// If a file cannot be read or written, or its content is wrong.
pub fn main(arguments: &Arguments) -> Result<()> {
    match &arguments.kind {
        Kind::Strong(arguments) => scaling::main(Scaling::Strong, arguments),
        Kind::Weak(arguments) => scaling::main(Scaling::Weak, arguments),
        Kind::Virtual(arguments) => virtual_ranks::main(arguments),
    }
}
