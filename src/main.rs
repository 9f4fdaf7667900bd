//! The program `heorot`: reads the command line, runs the command and prints an error as one line.

use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, InvalidSubcommand};
use heorot::cli::{self, Cli};
use heorot::console::{all_said, be_quiet, complain, lose};
use heorot::ending::Ending;
use heorot::ranks::launch::{self, Reported};
use heorot::ranks::processes::{HAS_MPI, is_leading_process};
use std::io::{Write, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    io::snapshot::serve_if_asked();
    io::snapshot::use_process(heorot::ranks::machine::program());
    match Cli::read() {
        Ok(cli) => run(&cli),
        Err(usage) => explain(&usage),
    }
}

fn run(cli: &Cli) -> ExitCode {
    io::snapshot::follow_external(cli.follow_external);
    if cli.quiet && !cli.command.answers() {
        be_quiet();
    }
    finish(cli.command.run().map(Ending::code))
}

/// The commands that are known, after an unknown one.
fn known_commands(usage: &clap::Error) -> String {
    if usage.kind() != InvalidSubcommand {
        return String::new();
    }
    // The usage line names the command that takes the others, as in `Usage: heorot plot <COMMAND>`.
    let text = usage.to_string();
    let line = text.lines().find_map(|line| line.trim().strip_prefix("Usage: ")).unwrap_or_default();
    let mut command = cli::command();
    for word in line.split_whitespace().skip(1) {
        match command.find_subcommand(word) {
            Some(below) => command = below.clone(),
            None => break,
        }
    }
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set());
    let names: Vec<&str> = shown.map(|below| below.get_name()).collect();
    format!(" (known: {})", names.join(", "))
}

/// Prints the requested help, or an error in the command line as one line.
fn explain(usage: &clap::Error) -> ExitCode {
    if usage.use_stderr() && usage.kind() != DisplayHelpOnMissingArgumentOrSubcommand {
        let text = usage.to_string();
        let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
        let said = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
        let line = said.collect::<Vec<_>>().join(" ");
        let line = line.trim_start_matches("error: ");
        launch::complain_once(&format!("{line}{}; see --help", known_commands(usage)));
        return ExitCode::from(usage.exit_code() as u8);
    }
    // A process that ended here alone would leave the others waiting for it.
    let print = || {
        usage.print().and_then(|()| stdout().flush()).unwrap_or_else(|error| lose(&error));
        all_said()
    };
    let done = match HAS_MPI {
        true => launch::on_leading_process(print),
        false if is_leading_process() => print(),
        false => Ok(()),
    };
    finish(done.map(|()| usage.exit_code() as u8))
}

/// Prints an error that is not yet printed.
fn finish(code: Result<u8, anyhow::Error>) -> ExitCode {
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            if !error.is::<Reported>() {
                complain(&format!("{error:#}"));
            }
            ExitCode::FAILURE
        }
    }
}
