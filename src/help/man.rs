//! `heorot man`: the manual pages of all commands.

use crate::cli;
use crate::console::say;
use crate::files::outputs::Overwrite;
use anyhow::{Context, Result};
use clap::Command;
use io::{Kind, Target};
use std::fs::create_dir_all;
use std::path::PathBuf;

/// Write the manual pages of all commands: heorot.1, heorot-run.1 and so on.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Arguments {
    /// Folder for the pages. It is created if it does not exist.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Whether existing pages may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
}

const HELP: &str = "Examples:
  heorot man man1
  man man1/heorot-run.1

If the folder is on the search path of man, such as ~/.local/share/man/man1, `man heorot-run` finds them.";

/// Runs the command.
///
/// # Errors
/// If a page cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    let Arguments { folder, overwrite } = arguments;
    create_dir_all(folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
    let mut root = cli::command();
    root.build();
    let mut outputs = overwrite.reading::<PathBuf>([]);
    let mut pages = Vec::new();
    collect(&root, "heorot", &mut |name, page| {
        pages.push((outputs.file(&folder.join(format!("{name}.1")), Kind::MANUAL)?, page));
        Ok(())
    })?;
    pages.iter().try_for_each(|(target, page): &(Target, Vec<u8>)| target.write(page))?;
    say(&format!("{}: {} pages", folder.display(), pages.len()));
    Ok(())
}

/// Renders the page of a command and of those below it, except hidden ones.
fn collect(command: &Command, name: &str, take: &mut impl FnMut(&str, Vec<u8>) -> Result<()>) -> Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().display_name(name)).title(name).render(&mut page)?;
    take(name, page)?;
    let shown = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    command
        .get_subcommands()
        .filter(shown)
        .try_for_each(|below| collect(below, &format!("{name}-{}", below.get_name()), take))
}
