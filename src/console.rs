//! Output of the leading rank: lines for a batch log, or a progress bar on a terminal.

use crate::ranks::processes::is_launched;
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use io::Target;
use std::cell::Cell;
use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

pub use viz::printable;

/// The ending of a noun after this number.
pub fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// Numbers of ranks and threads, such as "1 rank x 2 threads".
pub fn workers(ranks: usize, threads: usize) -> String {
    format!("{ranks} rank{} x {threads} thread{}", plural(ranks), plural(threads))
}

/// Whether lines about progress and results are left out.
static QUIET: AtomicBool = AtomicBool::new(false);
/// Whether the log of a run has a line for each step.
static EACH_STEP: AtomicBool = AtomicBool::new(false);
/// Wall time between two lines of the log of a run.
const LOG_PERIOD: Duration = Duration::from_secs(5);

/// Leaves out lines about progress and results from now on. Warnings and errors stay.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Logs each step of a run from now on, instead of one in [`LOG_PERIOD`].
pub fn log_each_step() {
    EACH_STEP.store(true, Ordering::Relaxed);
}

/// Meaning of a word that is shown in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be: green.
    Good,
    /// A warning: yellow.
    Warning,
    /// An error: red.
    Error,
}

impl Tone {
    /// The word in bold colour, for a terminal that shows colours.
    fn paint(self, word: &str, colours: bool) -> String {
        let code = match self {
            Tone::Good => 32,
            Tone::Warning => 33,
            Tone::Error => 31,
        };
        if colours { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word.to_owned() }
    }
}

/// Whether a stream shows colours: it is a terminal, and the user has not set `NO_COLOR`
/// (no-color.org). The terminals that a launcher of MPI gives to its ranks do not count, since its own
/// output may go to a file.
fn has_colours(stream: &impl IsTerminal) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|name| name == "dumb");
    stream.is_terminal() && !set("NO_COLOR") && !is_dumb && !is_launched()
}

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
    if QUIET.load(Ordering::Relaxed) {
        return;
    }
    say_as_it_is(&printable(line));
}

/// Prints a line that begins with a word in colour, if standard output shows colours.
pub fn say_with_tone(tone: Tone, word: &str, rest: &str) {
    if !QUIET.load(Ordering::Relaxed) {
        say_as_it_is(&format!("{}{}", tone.paint(word, has_colours(&stdout())), printable(rest)));
    }
}

fn say_as_it_is(line: &str) {
    if GIVES_WAY.load(Ordering::Relaxed) {
        let _ = stderr().lock().write_all(format!("{line}\n").as_bytes());
        return;
    }
    let mut out = stdout().lock();
    let written = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
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
    complain_with_tone(Tone::Warning, "heorot: warning:", line);
}

/// Prints an error as one line in one write. Under `mpirun`, several processes share the stream,
/// and pieces of lines would mix.
pub fn complain(text: &str) {
    complain_with_tone(Tone::Error, "heorot:", text);
}

fn complain_with_tone(tone: Tone, word: &str, text: &str) {
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let word = tone.paint(word, has_colours(&stderr()));
    let _ = stderr().lock().write_all(format!("{word} {}\n", printable(line.trim_end())).as_bytes());
}

/// Reports the progress of a run.
pub struct Progress {
    bar: Option<ProgressBar>,
    lines: bool,
    steps: u64,
    /// Wall time between two lines, and time of the last one.
    period: Duration,
    last: Cell<Option<Instant>>,
    begun: Instant,
}

impl Progress {
    /// Shows a bar if standard error is a terminal. Lines are printed, too, unless both would go to
    /// the same terminal.
    pub fn new(steps: u64) -> Progress {
        let shows_bar = stderr().is_terminal() && !QUIET.load(Ordering::Relaxed);
        let bar = shows_bar.then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}")
                .expect("the template is right");
            ProgressBar::new(steps).with_style(style)
        });
        let lines = bar.is_none() || !stdout().is_terminal();
        Progress { bar, lines, steps, period: Duration::ZERO, last: Cell::new(None), begun: Instant::now() }
    }

    /// As [`Progress::new`], for the log of a run: lines of the first and the last step, and one
    /// every few seconds between them.
    pub fn of_run(steps: u64) -> Progress {
        let mut progress = Progress::new(steps);
        progress.period = if EACH_STEP.load(Ordering::Relaxed) { Duration::ZERO } else { LOG_PERIOD };
        progress
    }

    /// Reports a step: as `line`, if one is due, or as a `short` text beside the bar.
    pub fn step(&self, done: u64, line: &str, short: String) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
            bar.set_message(printable(&short).into_owned());
        }
        let is_due = self.last.get().is_none_or(|last| last.elapsed() >= self.period);
        if self.lines && (is_due || done >= self.steps) {
            self.last.set(Some(Instant::now()));
            say(line);
        }
    }

    /// Reports progress within a step: as `line`, if one is due, or as a `short` text beside the bar.
    pub fn within(&self, line: &str, short: String) {
        if let Some(bar) = &self.bar {
            bar.set_message(printable(&short).into_owned());
        }
        let now = Instant::now();
        let last = self.last.get().unwrap_or(self.begun);
        if self.lines && now.duration_since(last) >= LOG_PERIOD {
            self.last.set(Some(now));
            say(line);
        }
    }

    /// Prints a warning in the log; without a log, beside it.
    pub fn warn(&self, line: &str) {
        if QUIET.load(Ordering::Relaxed) {
            warn(line);
        } else {
            self.note(&format!("WARNING: {line}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_a_colour_where_colours_are_shown() {
        assert_eq!(Tone::Error.paint("heorot:", false), "heorot:");
        assert_eq!(Tone::Warning.paint("warning", true), "\u{1b}[1;33mwarning\u{1b}[0m");
        assert!(!has_colours(&std::fs::File::open("/dev/null").unwrap()));
    }
}
