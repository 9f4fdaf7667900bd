//! The program: reads the command line, does the command, reports an error in one line.

use clap::Parser;
use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
use heorot::cli::Cli;
use heorot::console::{all_said, complain, lose};
use heorot::launch::{ReportedElsewhere, check_processes, is_leading_process};
use std::io::{Write, stdout};
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(cli) => run(&cli),
        Err(usage) => explain(&usage),
    }
}

fn run(cli: &Cli) -> ExitCode {
    match cli.command.run() {
        Ok(ending) => ExitCode::from(ending.code()),
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    if !error.is::<ReportedElsewhere>() {
        complain(&format!("{error:#}"));
    }
    ExitCode::FAILURE
}

/// Prints the help that was asked for, or in one line what is wrong with the command line.
fn explain(usage: &clap::Error) -> ExitCode {
    if usage.exit_code() != 0
        && let Err(error) = check_processes()
    {
        return fail(&error);
    }
    if is_leading_process() && usage.use_stderr() && usage.kind() != DisplayHelpOnMissingArgumentOrSubcommand
    {
        let text = usage.to_string();
        let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
        let said = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
        let line = said.collect::<Vec<_>>().join(" ");
        complain(&format!("{}; see --help", line.trim_start_matches("error: ")));
    } else if is_leading_process() {
        if let Err(error) = usage.print().and_then(|()| stdout().flush()) {
            lose(&error);
        }
        if let Err(error) = all_said() {
            complain(&format!("{error:#}"));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::from(usage.exit_code() as u8)
}
