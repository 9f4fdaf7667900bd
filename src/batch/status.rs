//! `heorot status`: reports the progress of a run from a small file that the run rewrites each
//! second. Detects runs that have died.

use crate::console::{duration, say, say_text, workers};
use crate::parameters::BalanceBy;
use crate::parameters::cosmology::redshift_in_words;
use crate::ranks::machine;
use anyhow::{Context, Result, bail};
use nbody::cosmology::scale_factor_of;
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
    /// Print the status file (JSON) with two more keys, `state` and `cause_of_death`. The state is
    /// `dead` if the file says `running`, but the process is gone or, on another host, has not
    /// updated the file for 60 s.
    #[arg(long)]
    pub json: bool,
}

/// A run on another host is considered dead if its file is older than this [s]. A run rewrites the
/// file each second.
const SILENCE: u64 = 60;

/// Progress of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// State of the run.
    pub phase: Phase,
    /// Host of the leading rank.
    pub host: String,
    /// Scope in which process ids are valid, see [`machine::place`]. Hosts and containers may share
    /// a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Process id of the leading rank on its host.
    pub pid: u32,
    /// Start time of that process, in clock ticks since boot. It differs if another process has the
    /// same id later.
    pub pid_began: Option<u64>,
    /// Time at which the file was written [s since 1970].
    pub heartbeat: u64,
    /// Time at which this start of the program began [s since 1970].
    pub began: u64,
    /// Time at which the run must end [s since 1970].
    pub limit: Option<u64>,
    /// Number of ranks.
    pub ranks: usize,
    /// Number of threads per process.
    pub threads: usize,
    /// Number of bodies.
    pub bodies: u64,
    /// Number of steps done.
    pub step: u64,
    /// Number of steps in total.
    pub steps: u64,
    /// How much of the next full step is done, from 0 to 1, if bodies divide it.
    #[serde(default)]
    pub part: f64,
    /// Simulation time [T]. In an expanding universe, ln a.
    pub time: f64,
    /// Redshift, in an expanding universe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redshift: Option<f64>,
    /// Time at which the last step ended [s since 1970].
    pub step_ended: u64,
    /// Duration of the last step [s].
    pub step_seconds: f64,
    /// Remaining wall time at the speed so far [s].
    pub eta_seconds: Option<u64>,
    /// Relative energy error, or that of the Layzer-Irvine integral.
    pub energy_error: f64,
    /// Mean compute time of the ranks, divided by the greatest.
    pub load_balance: f64,
    /// What the load balance makes equal.
    #[serde(default)]
    pub balance: BalanceBy,
    /// Speed of the last step, convention gordon-bell [Gflop/s].
    pub gflops: f64,
    /// Number of snapshots written.
    pub snapshots: u64,
    /// The last checkpoint.
    pub checkpoint: Option<LastCheckpoint>,
}

/// The last checkpoint of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastCheckpoint {
    /// Path of the file.
    pub file: PathBuf,
    /// Number of steps done at that point.
    pub step: u64,
    /// Time at which it was written [s since 1970].
    pub at: u64,
}

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The run is computing, or was killed while it was.
    Running,
    /// The run is complete.
    Done,
    /// A limit or a signal stopped it after a checkpoint.
    Interrupted,
    /// A `stop` file stopped it after a checkpoint.
    Stopped,
    /// It ended with an error.
    Failed,
}

/// Current time [s since 1970].
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl Status {
    /// Path of the status file in an output folder.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join("status.json")
    }

    /// Reads the status file.
    ///
    /// # Errors
    /// If there is none, or it is invalid.
    pub fn load(folder: &Path) -> Result<Status> {
        let path = Status::path_in(folder);
        if folder.is_file() {
            bail!("{}: is a file, not the output folder of a run", folder.display());
        }
        if !path.exists() {
            bail!("{}: no run has left its status here", path.display());
        }
        let text = io::read_text(&path)?;
        serde_json::from_str(&text).with_context(|| format!("{}: is no status of a run", path.display()))
    }

    /// The reason why a run with state `Running` cannot be alive, if there is one.
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

    /// Whether the recorded process id is valid in this host and container.
    fn is_here(&self) -> bool {
        self.host == machine::host() && (self.place.is_none() || self.place == machine::place())
    }

    /// The status as a few lines of text.
    fn lines(&self) -> Vec<String> {
        let Status { host, pid, ranks, threads, bodies, step, steps, .. } = self;
        let time = match self.redshift {
            Some(z) => format!("z {}", redshift_in_words(scale_factor_of(z))),
            None => format!("t {:.6}", self.time),
        };
        let what = match self.phase {
            Phase::Running => "running",
            Phase::Done => "done",
            Phase::Interrupted => "stopped by a limit or a signal; --restart continues it",
            Phase::Stopped => "stopped by a stop file; --restart continues it",
            Phase::Failed => "failed",
        };
        let eta = self
            .eta_seconds
            .filter(|_| self.phase == Phase::Running)
            .map_or(String::new(), |eta| format!(", ETA {}", ago(eta)));
        let since = now().saturating_sub(self.step_ended);
        let mut lines = vec![
            format!("{what}: {bodies} bodies on {}, host {host}, process {pid}", workers(*ranks, *threads)),
            format!(
                "step {step} of {steps}, {time}, ended {} ago and took {:.2} s{eta}",
                ago(since),
                self.step_seconds
            ),
            format!(
                "{} {:+.2e}, load balance {:.2} by {}, {:.2} Gflops, {} snapshots",
                if self.redshift.is_some() { "Layzer-Irvine error" } else { "energy error" },
                self.energy_error,
                self.load_balance,
                self.balance.name(),
                self.gflops,
                self.snapshots
            ),
        ];
        if self.part > 0.0 {
            let percent = (100.0 * self.part).floor();
            lines.insert(2, format!("step {} is under way: {percent} % of its time is done", step + 1));
        }
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

/// A status and what it means now.
#[derive(Serialize)]
struct Judged<'a> {
    /// The phase, or `dead`.
    state: State,
    /// Why the run cannot be alive, if it is dead.
    cause_of_death: Option<&'a str>,
    #[serde(flatten)]
    status: &'a Status,
}

/// State of a run, judged from outside.
#[derive(Serialize)]
#[serde(untagged)]
enum State {
    Phase(Phase),
    Dead(&'static str),
}

impl Status {
    /// The status as JSON, with the state of the run.
    fn json(&self, cause_of_death: Option<&str>) -> Result<String> {
        let state = if cause_of_death.is_some() { State::Dead("dead") } else { State::Phase(self.phase) };
        Ok(serde_json::to_string_pretty(&Judged { state, cause_of_death, status: self })?)
    }
}

/// Runs the command.
///
/// # Errors
/// If there is no run, or it is dead or has failed.
pub fn main(arguments: &Arguments) -> Result<()> {
    let status = Status::load(&arguments.folder)?;
    let cause = status.cause_of_death();
    if arguments.json {
        say_text(&status.json(cause.as_deref())?);
    } else {
        status.lines().iter().for_each(|line| say(line));
    }
    let folder = arguments.folder.display();
    match cause {
        Some(cause) => {
            bail!("{folder}: the run is dead: {cause}; --restart continues it from its last checkpoint")
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
            part: 0.0,
            time: 0.5,
            redshift: None,
            step_ended: now(),
            step_seconds: 0.1,
            eta_seconds: Some(1),
            energy_error: 0.0,
            load_balance: 1.0,
            balance: BalanceBy::Speed,
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
    fn the_json_says_that_a_run_is_dead() {
        let json = |status: &Status| -> serde_json::Value {
            serde_json::from_str(&status.json(status.cause_of_death().as_deref()).unwrap()).unwrap()
        };
        let living = json(&status());
        assert_eq!((&living["state"], &living["phase"]), (&"running".into(), &"running".into()));
        assert!(living["cause_of_death"].is_null());
        let dead = json(&Status { pid: u32::MAX, ..status() });
        assert_eq!((&dead["state"], &dead["phase"]), (&"dead".into(), &"running".into()));
        assert!(dead["cause_of_death"].as_str().unwrap().contains("is gone"));
        assert_eq!(json(&Status { phase: Phase::Done, ..status() })["state"], "done");
    }

    #[test]
    fn a_step_under_way_is_shown() {
        assert_eq!(status().lines().len(), 4);
        assert!(status().lines()[1].contains("step 1 of 2, t 0.500000, ended"));
        let expanding = Status { redshift: Some(3.0), ..status() }.lines();
        assert!(
            expanding[1].contains("step 1 of 2, z 3.0000, ended") && expanding[2].contains("Layzer-Irvine")
        );
        let lines = Status { part: 0.375, ..status() }.lines();
        assert_eq!(lines[2], "step 2 is under way: 37 % of its time is done");
    }

    #[test]
    fn no_status_is_told_from_a_broken_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Status::load(folder.path()).unwrap_err().to_string().contains("no run has left its status"));
        let file = folder.path().join("run.toml");
        std::fs::write(&file, "").unwrap();
        let message = format!("{:#}", Status::load(&file).unwrap_err());
        assert_eq!(message, format!("{}: is a file, not the output folder of a run", file.display()));
        std::fs::write(Status::path_in(folder.path()), "{}").unwrap();
        assert!(Status::load(folder.path()).unwrap_err().to_string().contains("is no status"));
    }
}
