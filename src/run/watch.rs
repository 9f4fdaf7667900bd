//! What may end a run early, or ask for a file at once: limits of wall time, signals, and files that a user puts into the output folder.
//!
//! Each rank asks its own [`Watch`] at the end of a step. The answers of all ranks are combined, so that all ranks do the same; only the
//! leading rank looks at clocks and files.

use super::folder::Folder;
use crate::parameters::Batch;
use anyhow::{Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What is asked for: the greatest of all ranks counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Why the run is to stop.
    pub stop: Option<Reason>,
    /// A checkpoint, and a snapshot.
    pub files: [bool; 2],
}

/// Why a run stops; the later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The wall time is nearly used up.
    Limit = 1,
    /// SIGTERM, SIGUSR1 or SIGINT.
    Signal = 2,
    /// A `stop` file.
    File = 3,
}

impl Requests {
    /// As numbers of which the greatest of all ranks is taken.
    pub fn to_numbers(self) -> [u64; 3] {
        let [checkpoint, snapshot] = self.files.map(u64::from);
        [self.stop.map_or(0, |reason| reason as u64), checkpoint, snapshot]
    }

    /// The other way.
    pub fn from_numbers([stop, checkpoint, snapshot]: [u64; 3]) -> Requests {
        let stop = match stop {
            0 => None,
            1 => Some(Reason::Limit),
            2 => Some(Reason::Signal),
            _ => Some(Reason::File),
        };
        Requests { stop, files: [checkpoint > 0, snapshot > 0] }
    }
}

/// Names of the files that ask for something.
const WISHES: [&str; 3] = ["stop", "checkpoint", "snapshot"];
/// Time between two looks for them.
const LOOK: Duration = Duration::from_millis(500);

/// Time that the end of the program may take beside what is measured: at most this, and at most this part of the limit.
const MARGIN: Duration = Duration::from_secs(5);
const MARGIN_SHARE: f64 = 0.1;

/// Writes a checkpoint's bytes at least this fast until it is known better [bytes/s].
const ASSUMED_SPEED: f64 = 2e8;

/// Watches on one rank.
pub struct Watch {
    leads: bool,
    folder: Folder,
    batch: Batch,
    limit: Option<Limit>,
    looked: Instant,
    saved: Instant,
    cost: Costs,
}

/// What things have taken so far [s].
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// The longest of the last steps.
    step: f64,
    checkpoint: f64,
    snapshot: f64,
}

/// When the run must have ended, and who says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The end.
    pub end: Instant,
    /// Time from the start of the run to it.
    whole: Duration,
    /// Where it comes from.
    pub origin: &'static str,
}

impl Watch {
    /// From now on signals ask instead of ending the program; a second SIGINT still ends it. `bytes` is the length of a checkpoint.
    pub fn begin(leads: bool, folder: &Folder, batch: &Batch, bytes: u64) -> Watch {
        signals();
        let now = Instant::now();
        let limit = if leads { limit(batch, now) } else { None };
        let cost = Costs { step: 0.0, checkpoint: bytes as f64 / ASSUMED_SPEED, snapshot: 0.0 };
        Watch { leads, folder: folder.clone(), batch: *batch, limit, looked: now, saved: now, cost }
    }

    /// The limit of wall time, if there is one.
    pub fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// What this rank knows to be asked for after this step, which took so long.
    pub fn ask(&mut self, step: u64, took: Duration) -> Requests {
        let mut requests = Requests::default();
        if signals().load(Ordering::Relaxed) {
            requests.stop = Some(Reason::Signal);
        }
        if !self.leads {
            return requests;
        }
        // Measurements of the force error make a step longer now and then: the longest is forgotten slowly.
        self.cost.step = took.as_secs_f64().max(0.99 * self.cost.step);
        if requests.stop.is_none()
            && self.limit.is_some_and(|limit| limit.is_near(Instant::now(), &self.cost))
        {
            requests.stop = Some(Reason::Limit);
        }
        let by_time =
            self.batch.checkpoint_every.0.is_some_and(|every| self.saved.elapsed() >= every.duration());
        let by_steps = self.batch.checkpoint_steps.is_some_and(|every| step.is_multiple_of(every));
        let [stop, checkpoint, snapshot] = self.wishes();
        if stop {
            requests.stop = Some(Reason::File);
        }
        requests.files = [checkpoint || by_time || by_steps, snapshot];
        requests
    }

    /// Which of the files are there, if it is time to look.
    fn wishes(&mut self) -> [bool; 3] {
        if self.looked.elapsed() < LOOK {
            return [false; 3];
        }
        self.looked = Instant::now();
        WISHES.map(|name| self.folder.wish(name).exists())
    }

    /// A checkpoint was written, which took so long: that wish is fulfilled.
    pub fn checkpoint_took(&mut self, time: Duration) {
        self.saved = Instant::now();
        self.cost.checkpoint = time.as_secs_f64();
        self.fulfil("checkpoint");
    }

    /// A snapshot was written, which took so long.
    pub fn snapshot_took(&mut self, time: Duration) {
        self.cost.snapshot = time.as_secs_f64().max(self.cost.snapshot);
    }

    /// Takes the file away that asked for something. That it is not there, or cannot be removed, is no matter.
    pub fn fulfil(&self, name: &str) {
        if self.leads {
            let _ = std::fs::remove_file(self.folder.wish(name));
        }
    }
}

impl Limit {
    fn new(now: Instant, left: Duration, origin: &'static str) -> Limit {
        Limit { end: now + left, whole: left, origin }
    }

    /// Whether another step might leave too little time for a checkpoint.
    fn is_near(&self, now: Instant, cost: &Costs) -> bool {
        let margin = MARGIN.as_secs_f64().min(MARGIN_SHARE * self.whole.as_secs_f64());
        let needed = 1.5 * cost.step + 2.0 * cost.checkpoint + cost.snapshot + margin;
        self.end.saturating_duration_since(now).as_secs_f64() < needed
    }
}

/// Refuses an end of the job that a user has set and nobody can read, before anything is done.
///
/// # Errors
/// If `HEOROT_JOB_END` is no time.
pub fn check_environment() -> Result<()> {
    let Some(end) = std::env::var_os("HEOROT_JOB_END") else { return Ok(()) };
    match end.to_str().map(str::parse::<u64>) {
        Some(Ok(_)) => Ok(()),
        _ => bail!(
            "HEOROT_JOB_END = {end:?}: must be the end of the job in seconds since 1970, a whole number"
        ),
    }
}

/// The nearest of all limits that are known.
fn limit(batch: &Batch, now: Instant) -> Option<Limit> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let until = |name: &str| {
        let end = UNIX_EPOCH + Duration::from_secs(number(name)?);
        Some(end.duration_since(SystemTime::now()).unwrap_or_default())
    };
    let limits = [
        batch.walltime.map(|time| Limit::new(now, time.duration(), "the wall time of the run")),
        until("SLURM_JOB_END_TIME").map(|left| Limit::new(now, left, "Slurm's limit")),
        until("HEOROT_JOB_END").map(|left| Limit::new(now, left, "the job's limit")),
        number("PBS_WALLTIME").map(|left| Limit::new(now, Duration::from_secs(left), "the limit of PBS")),
    ];
    limits.into_iter().flatten().min_by_key(|limit| limit.end)
}

/// Whether a signal has asked to stop.
fn signals() -> &'static AtomicBool {
    static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    ASKED.get_or_init(|| {
        let asked = Arc::new(AtomicBool::new(false));
        // A person who asks twice does not want to wait.
        let _ = signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&asked));
        for signal in [SIGTERM, SIGUSR1, SIGINT] {
            // It fails for signals that cannot be caught only.
            let _ = signal_hook::flag::register(signal, Arc::clone(&asked));
        }
        asked
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_all_ranks_are_combined_as_numbers() {
        for stop in [None, Some(Reason::Limit), Some(Reason::Signal), Some(Reason::File)] {
            for files in [[false, false], [true, false], [false, true]] {
                let requests = Requests { stop, files };
                assert_eq!(Requests::from_numbers(requests.to_numbers()), requests);
            }
        }
    }

    #[test]
    fn a_limit_is_near_when_another_step_and_a_checkpoint_might_not_fit() {
        let now = Instant::now();
        let limit = Limit::new(now, Duration::from_secs(1000), "a test");
        let cost = Costs { step: 10.0, checkpoint: 20.0, snapshot: 4.0 };
        let needed = 15.0 + 40.0 + 4.0 + 5.0;
        assert!(!limit.is_near(now + Duration::from_secs_f64(1000.0 - needed - 0.1), &cost));
        assert!(limit.is_near(now + Duration::from_secs_f64(1000.0 - needed + 0.1), &cost));
        assert!(limit.is_near(now + Duration::from_secs(2000), &cost));
    }
}
