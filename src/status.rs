//! `heorot status`: how far a run is, from the small file that it rewrites each second; tells a dead run from a living one.

use crate::console::{duration, say, say_text};
use crate::machine;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Show the progress of a run: step, time, energy error, load balance, last checkpoint, and whether
/// it is still alive.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 the run is alive, done or stopped; 1 it is dead or has failed, or the folder has no run."
)]
pub struct Arguments {
    /// Output folder of the run.
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Print the status file unchanged (JSON).
    #[arg(long)]
    pub json: bool,
}

/// Silence after which a run on another host is taken for dead [s]; its file is rewritten each second.
const SILENCE: u64 = 60;

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What it is doing.
    pub phase: Phase,
    /// Host of the leading rank.
    pub host: String,
    /// What numbers of processes belong to: hosts and containers may share a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Its process there.
    pub pid: u32,
    /// When that process began, in the system's ticks since its start: another process of the same number has another one.
    pub pid_began: Option<u64>,
    /// When the file was written [s since 1970].
    pub heartbeat: u64,
    /// When this start of the program began [s since 1970].
    pub began: u64,
    /// When the run must end [s since 1970].
    pub limit: Option<u64>,
    /// Ranks.
    pub ranks: usize,
    /// Threads of each.
    pub threads: usize,
    /// Bodies.
    pub bodies: u64,
    /// Steps done.
    pub step: u64,
    /// Steps to do.
    pub steps: u64,
    /// The time [T].
    pub time: f64,
    /// When the last step ended [s since 1970].
    pub step_ended: u64,
    /// What the last step took [s].
    pub step_seconds: f64,
    /// Wall time to the end at the speed so far [s].
    pub eta_seconds: Option<u64>,
    /// Relative energy error.
    pub energy_error: f64,
    /// Mean over greatest time that a rank computed.
    pub load_balance: f64,
    /// Speed of the last step by the gordon-bell convention.
    pub gflops: f64,
    /// Snapshots written.
    pub snapshots: u64,
    /// The last checkpoint.
    pub checkpoint: Option<LastCheckpoint>,
}

/// The last checkpoint of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastCheckpoint {
    /// The file.
    pub file: PathBuf,
    /// Steps done by then.
    pub step: u64,
    /// When it was written [s since 1970].
    pub at: u64,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It computes, or was killed while it did.
    Running,
    /// It has come to its end.
    Done,
    /// It was stopped by a limit or a signal, with a checkpoint.
    Interrupted,
    /// It was stopped by a `stop` file, with a checkpoint.
    Stopped,
    /// It ended with an error.
    Failed,
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl Status {
    /// The file in an output folder.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join("status.json")
    }

    /// Reads it.
    ///
    /// # Errors
    /// If there is none, or it is no status.
    pub fn load(folder: &Path) -> Result<Status> {
        let path = Status::path_in(folder);
        let text = io::read_text(&path)
            .with_context(|| format!("{}: no run has left its status here", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{}: is no status of a run", path.display()))
    }

    /// Why it cannot be going on, if it says that it is running and is not.
    pub fn cause_of_death(&self) -> Option<String> {
        if self.phase != Phase::Running {
            return None;
        }
        let silence = now().saturating_sub(self.heartbeat);
        if self.is_here() {
            let began = machine::process_start(self.pid);
            let gone = began.is_none() || (self.pid_began.is_some() && began != self.pid_began);
            return gone.then(|| format!("its process {} is gone, last seen {} ago", self.pid, ago(silence)));
        }
        (silence > SILENCE).then(|| format!("no sign of life from {} for {}", self.host, ago(silence)))
    }

    /// Whether processes here have the numbers that it tells.
    fn is_here(&self) -> bool {
        self.host == machine::host() && (self.place.is_none() || self.place == machine::place())
    }

    /// Says it in a few lines.
    fn lines(&self) -> Vec<String> {
        let Status { host, pid, ranks, threads, bodies, step, steps, time, .. } = self;
        let what = match self.phase {
            Phase::Running => "running",
            Phase::Done => "done",
            Phase::Interrupted => "stopped by a limit or a signal; --restart goes on",
            Phase::Stopped => "stopped by a stop file; --restart goes on",
            Phase::Failed => "failed",
        };
        let eta = self
            .eta_seconds
            .filter(|_| self.phase == Phase::Running)
            .map_or(String::new(), |eta| format!(", ETA {}", ago(eta)));
        let since = now().saturating_sub(self.step_ended);
        let mut lines = vec![
            format!(
                "{what}: {bodies} bodies on {ranks} ranks x {threads} threads, host {host}, process {pid}"
            ),
            format!(
                "step {step} of {steps}, t {time:.6}, ended {} ago and took {:.2} s{eta}",
                ago(since),
                self.step_seconds
            ),
            format!(
                "energy error {:+.2e}, load balance {:.2}, {:.2} Gflops, {} snapshots",
                self.energy_error, self.load_balance, self.gflops, self.snapshots
            ),
        ];
        if let Some(limit) = self.limit.filter(|_| self.phase == Phase::Running) {
            lines.push(format!("{} of wall time left", ago(limit.saturating_sub(now()))));
        }
        lines.push(match &self.checkpoint {
            Some(last) => {
                format!(
                    "last checkpoint {} after step {}, {} ago",
                    last.file.display(),
                    last.step,
                    ago(now().saturating_sub(last.at))
                )
            }
            None => "no checkpoint yet".to_owned(),
        });
        lines
    }
}

fn ago(seconds: u64) -> String {
    duration(Duration::from_secs(seconds))
}

/// Does the command.
///
/// # Errors
/// If no run was there, or it is dead or has failed.
pub fn main(arguments: &Arguments) -> Result<()> {
    let status = Status::load(&arguments.folder)?;
    if arguments.json {
        say_text(&serde_json::to_string_pretty(&status)?);
    } else {
        status.lines().iter().for_each(|line| say(line));
    }
    let folder = arguments.folder.display();
    match status.cause_of_death() {
        Some(cause) => {
            bail!("{folder}: the run is dead: {cause}; --restart goes on from its last checkpoint")
        }
        None if status.phase == Phase::Failed => bail!("{folder}: the run has failed; its log says why"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        Status {
            phase: Phase::Running,
            host: machine::host(),
            place: machine::place(),
            pid: std::process::id(),
            pid_began: machine::process_start(std::process::id()),
            heartbeat: now(),
            began: now(),
            limit: None,
            ranks: 1,
            threads: 1,
            bodies: 2,
            step: 1,
            steps: 2,
            time: 0.5,
            step_ended: now(),
            step_seconds: 0.1,
            eta_seconds: Some(1),
            energy_error: 0.0,
            load_balance: 1.0,
            gflops: 1.0,
            snapshots: 1,
            checkpoint: None,
        }
    }

    #[test]
    fn the_dead_are_told_from_the_living() {
        let living = status();
        assert!(living.pid_began.is_some());
        assert_eq!(living.cause_of_death(), None);
        let reused = Status { pid_began: Some(1), ..status() };
        assert!(reused.cause_of_death().unwrap().contains("is gone"));
        let gone = Status { pid: u32::MAX, ..status() };
        assert!(gone.cause_of_death().unwrap().contains("is gone"));
        let container = Status { place: Some("another".to_owned()), ..gone };
        assert_eq!(container.cause_of_death(), None);
        let silent = Status { host: "elsewhere".to_owned(), heartbeat: now() - 2 * SILENCE, ..status() };
        assert!(silent.cause_of_death().unwrap().starts_with("no sign of life from elsewhere for 2m"));
        let talking = Status { host: "elsewhere".to_owned(), ..status() };
        assert_eq!(talking.cause_of_death(), None);
        assert_eq!(Status { phase: Phase::Done, ..reused }.cause_of_death(), None);
    }

    #[test]
    fn no_status_is_told_from_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Status::load(folder.path()).unwrap_err().to_string().contains("no run has left its status"));
        std::fs::write(Status::path_in(folder.path()), "{}").unwrap();
        assert!(Status::load(folder.path()).unwrap_err().to_string().contains("is no status"));
    }
}
