//! What the leading rank says: lines for a batch log, or a progress bar on a terminal.

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use io::Target;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use viz::printable;

/// Whether lines go to standard error instead.
static GIVES_WAY: AtomicBool = AtomicBool::new(false);

/// From now on lines go to standard error: the standard output is for one of these files alone, if one of them is to go there.
pub fn give_way<'a>(files: impl IntoIterator<Item = &'a Target>) {
    if files.into_iter().any(Target::is_standard_output) {
        GIVES_WAY.store(true, Ordering::Relaxed);
    }
}

/// What has kept text from the standard output.
static LOST: Mutex<Option<String>> = Mutex::new(None);

/// Prints a line. A log that nobody can take any more, as a closed pipe or a full disk, does not end what is being done; [`all_said`] tells of it
/// at the end. Control characters, as in the name of a file, are shown as `\u{1b}`.
pub fn say(line: &str) {
    if GIVES_WAY.load(Ordering::Relaxed) {
        let _ = stderr().lock().write_all(format!("{}\n", printable(line)).as_bytes());
        return;
    }
    let mut out = stdout().lock();
    let written = out.write_all(format!("{}\n", printable(line)).as_bytes()).and_then(|()| out.flush());
    written.unwrap_or_else(|error| lose(&error));
}

/// Prints the lines of a text.
pub fn say_text(text: &str) {
    text.lines().for_each(say);
}

/// Takes down that text for the standard output is lost. Whoever closes a pipe, as `head` does, wants no more.
pub fn lose(error: &std::io::Error) {
    if error.kind() != ErrorKind::BrokenPipe {
        LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
    }
}

/// Whether all that was said has reached the standard output; tells of a fault once.
///
/// # Errors
/// If some of it was lost, other than by a closed pipe.
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

/// Prints what is wrong, as one line in one write: under `mpirun` several processes share the stream, and pieces of lines would mix.
pub fn complain(text: &str) {
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let _ = stderr().lock().write_all(format!("heorot: {}\n", printable(line.trim_end())).as_bytes());
}

/// Where a run tells how far it is.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
}

impl Progress {
    /// A bar if standard error is a terminal; lines unless the bar has the terminal to itself.
    pub fn new(steps: u64) -> Progress {
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}")
                .expect("the template is right");
            ProgressBar::new(steps).with_style(style)
        });
        let lines = bar.is_none() || !stdout().is_terminal();
        Progress { bar, lines }
    }

    /// Tells of a step: in a whole `line`, or beside the bar in a `short` one.
    pub fn step(&self, done: u64, line: &str, short: String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(printable(&short).into_owned());
        }
        if self.lines {
            say(line);
        }
    }

    /// Tells of something that is to stay in sight.
    pub fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) if !self.lines => bar.suspend(|| say(line)),
            _ => say(line),
        }
    }
}

impl Drop for Progress {
    /// Takes the bar away, so that what is said next stands alone.
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A duration as people read it: `1h02m`, `3m07s`, `12s`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s:02}s"),
        (h, m, _) => format!("{h}h{m:02}m"),
    }
}
