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

/// Study the scaling of a problem with the number of ranks.
#[derive(Clone, Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Arguments {
    /// The kind of study.
    #[command(subcommand)]
    pub kind: Kind,
}

/// Kinds of studies.
#[derive(Clone, Debug, Subcommand)]
pub enum Kind {
    /// Run one problem on several numbers of ranks, and write a page of the results (HTML).
    Strong(scaling::Arguments),
    /// Run a problem that grows with the number of ranks, and write a page of the results (HTML).
    Weak(scaling::Arguments),
    /// Record the messages of a step on up to 4096 virtual ranks, inside this process.
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
