//! `heorot completions`: completions for a shell.

use crate::cli::Cli;
use crate::console::say_text;
use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print completions of commands and options for a shell.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

const HELP: &str = "For bash, put this line into ~/.bashrc:
  source <(heorot completions bash)
For zsh, write the output as _heorot into a folder of $fpath; for fish, as heorot.fish into
~/.config/fish/completions.";

/// Runs the command.
///
/// # Errors
/// None is expected: the completions are text.
pub fn main(arguments: &Arguments) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "heorot", &mut script);
    say_text(&String::from_utf8(script).context("completions are UTF-8")?);
    Ok(())
}
