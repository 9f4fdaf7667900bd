//! `heorot reference`: pages of the reference that follow from the code, as Markdown. The suite
//! `docs` compares them with `docs/reference`.

use crate::cli::Cli;
use crate::console::say_text;
use crate::run;
use anyhow::Result;
use clap::{Arg, Command, CommandFactory};
use std::fmt::Write;

/// Print a page of the reference as Markdown.
#[derive(Clone, Debug, clap::Args)]
pub struct Arguments {
    /// The page.
    #[arg(value_enum)]
    pub page: Page,
}

/// Pages of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Page {
    /// All commands with their options.
    Commands,
    /// Columns of the tables that a run writes.
    Tables,
}

/// Runs the command.
///
/// # Errors
/// None.
pub fn main(arguments: &Arguments) -> Result<()> {
    say_text(&match arguments.page {
        Page::Commands => commands(),
        Page::Tables => tables(),
    });
    Ok(())
}

fn commands() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = "# Commands\n\n`heorot COMMAND --help` prints the same with examples. `heorot reference commands` has written this page.\n".to_owned();
    page += "\n## Options of every command\n\n";
    options(&mut page, root.get_arguments().filter(|argument| argument.is_global_set()));
    root.get_subcommands().for_each(|command| section(&mut page, command, "heorot"));
    page
}

/// The section of a command, and those of the commands below it.
fn section(page: &mut String, command: &Command, above: &str) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    let about = command.get_about().map(|about| about.to_string()).unwrap_or_default();
    let _ = write!(page, "\n## {name}\n\n{}.\n\n", about.trim_end_matches('.'));
    let own: Vec<&Arg> = command.get_arguments().filter(|argument| is_own(argument)).collect();
    if !own.is_empty() {
        options(page, own.into_iter());
    }
    command.get_subcommands().for_each(|below| section(page, below, &name));
}

/// Whether an argument is not one of all commands.
fn is_own(argument: &Arg) -> bool {
    !argument.is_global_set()
        && !argument.is_hide_set()
        && !["help", "version"].contains(&argument.get_id().as_str())
}

/// A table of arguments.
fn options<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    page.push_str("| argument | meaning |\n|---|---|\n");
    for argument in arguments {
        let values = argument.get_value_names().unwrap_or_default().join(" ");
        let takes = argument.get_action().takes_values() && !values.is_empty();
        let value = if takes { format!(" {values}") } else { String::new() };
        let name = match (argument.get_long(), argument.get_short()) {
            (Some(long), Some(short)) => format!("-{short}, --{long}{value}"),
            (Some(long), None) => format!("--{long}{value}"),
            (None, Some(short)) => format!("-{short}{value}"),
            (None, None) => value.trim().to_owned(),
        };
        let help = argument.get_long_help().or(argument.get_help()).map(|help| help.to_string());
        let mut meaning = help.unwrap_or_default().replace("\n\n", " ").replace('\n', " ");
        let listed: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| value.get_name().to_owned())
            .collect();
        if takes && !listed.is_empty() {
            meaning = meaning.trim_end_matches('.').to_owned();
            let _ = write!(meaning, ". One of {}.", listed.join(", "));
        }
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if takes && !defaults.is_empty() {
            let _ = write!(meaning, " [default: {}]", defaults.join(","));
        }
        let _ = writeln!(page, "| `{}` | {} |", cell(&name), cell(meaning.trim()));
    }
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn tables() -> String {
    let mut page = "# Tables of a run\n\nA run writes two tables (CSV) into its folder. Numbers are in the units of the run. `heorot reference tables` has \
         written this page.\n"
        .to_owned();
    for run::TableOfRun { file, purpose, columns } in run::tables() {
        let _ = write!(page, "\n## {file}\n\n{purpose}\n\n| column | meaning |\n|---|---|\n");
        for (name, meaning) in columns {
            let _ = writeln!(page, "| `{name}` | {} |", cell(&meaning));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_command_and_its_options() {
        let page = commands();
        for part in
            ["## heorot run", "| `--set KEY=VALUE` |", "## heorot plot profile", "## heorot study virtual"]
        {
            assert!(page.contains(part), "no `{part}`");
        }
        assert!(!page.contains("## heorot reference"));
        assert!(page.lines().filter(|line| line.starts_with('|')).all(|line| line.ends_with('|')));
    }

    #[test]
    fn the_tables_have_a_meaning_for_each_column() {
        let page = tables();
        assert!(page.contains("| `virial_ratio` |") && page.contains("| `load_balance` |"));
        assert!(!page.contains("|  |"), "{page}");
    }
}
