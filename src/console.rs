//! Output of the leading rank: lines for a batch log, or a progress bar on a terminal.

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use io::Target;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use viz::printable;

/// Whether lines go to standard error instead of standard output.
static GIVES_WAY: AtomicBool = AtomicBool::new(false);

/// Sends lines to standard error from now on if one of these files is the standard output.
pub fn give_way<'a>(files: impl IntoIterator<Item = &'a Target>) {
    if files.into_iter().any(Target::is_standard_output) {
        GIVES_WAY.store(true, Ordering::Relaxed);
    }
}

/// The first error that prevented a write to standard output.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// Prints a line. A failure (a closed pipe or a full disk) does not end the program. [`all_said`]
/// reports it at the end. Control characters, for example in file names, are shown as `\u{1b}`.
pub fn say(line: &str) {
    if GIVES_WAY.load(Ordering::Relaxed) {
        let _ = stderr().lock().write_all(format!("{}\n", printable(line)).as_bytes());
        return;
    }
    let mut out = stdout().lock();
    let written = out.write_all(format!("{}\n", printable(line)).as_bytes()).and_then(|()| out.flush());
    written.unwrap_or_else(|error| lose(&error));
}

/// Writes a file to standard output as it is, such as a script that a user saves or pipes on.
pub fn give(text: &str) {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).unwrap_or_else(|error| lose(&error));
}

/// Prints each line of a text.
pub fn say_text(text: &str) {
    text.lines().for_each(say);
}

/// Records that output was lost. A closed pipe does not count: programs such as `head` close it
/// when they have enough.
pub fn lose(error: &std::io::Error) {
    if error.kind() != ErrorKind::BrokenPipe {
        LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
    }
}

/// Whether all output has reached the standard output. Reports a failure once.
///
/// # Errors
/// If output was lost other than by a closed pipe.
pub fn all_said() -> Result<()> {
    match LOST.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(fault) => bail!("standard output: cannot write: {fault}"),
        None => Ok(()),
    }
}

/// Prints a warning beside the log.
pub fn warn(line: &str) {
    complain(&format!("warning: {line}"));
}

/// Prints an error as one line in one write. Under `mpirun`, several processes share the stream,
/// and pieces of lines would mix.
pub fn complain(text: &str) {
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let _ = stderr().lock().write_all(format!("heorot: {}\n", printable(line.trim_end())).as_bytes());
}

/// Reports the progress of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
}

impl Progress {
    /// Shows a bar if standard error is a terminal. Lines are printed, too, unless both would go to
    /// the same terminal.
    pub fn new(steps: u64) -> Progress {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}")
                .expect("the template is right");
            ProgressBar::new(steps).with_style(style)
        });
        let lines = bar.is_none() || !stdout().is_terminal();
        Progress { bar, lines }
    }

    /// Reports a step: as `line`, or as a `short` text beside the bar.
    pub fn step(&self, done: u64, line: &str, short: String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(printable(&short).into_owned());
        }
        if self.lines {
            say(line);
        }
    }

    /// Prints a line that stays visible above the bar.
    pub fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) if !self.lines => bar.suspend(|| say(line)),
            _ => say(line),
        }
    }
}

impl Drop for Progress {
    /// Removes the bar.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Formats a duration: `1h02m`, `3m07s`, `12s`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}
