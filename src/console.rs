//! What the leading rank says: lines for a batch log, or a progress bar on a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::Duration;

/// Prints a line. A log that nobody can take any more, as a closed pipe or a full disk, does not end a run.
pub fn say(line: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
}

/// Prints a warning beside the log.
pub fn warn(line: &str) {
    complain(&format!("warning: {line}"));
}

/// Prints what is wrong, as one line in one write: under `mpirun` several processes share the stream, and pieces of lines would mix.
pub fn complain(text: &str) {
    let line = text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let _ = stderr().lock().write_all(format!("heorot: {line}\n").as_bytes());
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
            bar.set_message(short);
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
