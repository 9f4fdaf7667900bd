//! Requests to stop a run or to write a file: limits of wall time, signals, and files that a user
//! creates in the output folder.
//!
//! Each rank checks its own [`Watch`] at the end of a step, and within a step when a checkpoint can
//! be written. The requests of all ranks are combined, so that all ranks act alike. Only the
//! leading rank looks at clocks and files. If a step does not end in time, the [`Guard`] ends the
//! run.

use super::folder::Folder;
use crate::parameters::Batch;
use anyhow::{Result, bail};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Requests of a rank. The maximum over all ranks counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    /// The reason to stop, if there is one.
    pub stop: Option<Reason>,
    /// Whether a checkpoint and a snapshot are requested.
    pub files: [bool; 2],
}

/// The reason why a run stops. If there are several, the last one in this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The wall time is nearly used up.
    Limit = 1,
    /// SIGTERM, SIGUSR1 or SIGINT.
    Signal = 2,
    /// A `stop` file.
    File = 3,
}

impl Requests {
    /// The requests as numbers, for a maximum over all ranks.
    pub(super) fn to_numbers(self) -> [u64; 3] {
        let [checkpoint, snapshot] = self.files.map(u64::from);
        [self.stop.map_or(0, |reason| reason as u64), checkpoint, snapshot]
    }

    /// The inverse of [`Requests::to_numbers`].
    pub(super) fn from_numbers([stop, checkpoint, snapshot]: [u64; 3]) -> Requests {
        let stop = match stop {
            0 => None,
            1 => Some(Reason::Limit),
            2 => Some(Reason::Signal),
            _ => Some(Reason::File),
        };
        Requests { stop, files: [checkpoint > 0, snapshot > 0] }
    }
}

/// Names of the files with which a user requests something.
const WISHES: [&str; 3] = ["stop", "checkpoint", "snapshot"];
/// Time between two checks for these files.
const LOOK: Duration = Duration::from_millis(500);

/// Time for the end of the program, in addition to the measured times: at most this, and at most this
/// fraction of the limit.
const MARGIN: Duration = Duration::from_secs(5);
const MARGIN_SHARE: f64 = 0.1;

/// Assumed speed of writing before the first checkpoint [bytes/s].
const ASSUMED_SPEED: f64 = 2e8;

/// The watch of one rank.
pub(super) struct Watch {
    leads: bool,
    folder: Folder,
    batch: Batch,
    limit: Option<Limit>,
    busy: Arc<AtomicBool>,
    /// Whether a snapshot was requested within a step.
    wants_snapshot: bool,
    looked: Instant,
    saved: Instant,
    cost: Costs,
}

/// Measured times [s].
#[derive(Clone, Copy, Debug)]
struct Costs {
    /// The longest of the last steps, or parts of steps.
    step: f64,
    checkpoint: f64,
    snapshot: f64,
}

/// A limit of wall time and its origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    /// Time at which the run must have ended.
    pub end: Instant,
    /// Time from the start of the run to the limit.
    whole: Duration,
    /// Origin of the limit.
    pub origin: &'static str,
    /// Whether a scheduler kills the run at the limit.
    pub kills: bool,
}

/// From now on, a signal requests a stop instead of ending the program. A second SIGINT ends it.
pub(super) fn listen() {
    signals();
}

/// Whether this rank has received a signal to stop.
pub(super) fn is_asked() -> bool {
    signals().stop.load(Ordering::Relaxed)
}

impl Watch {
    /// A watch from the start of a run. The time of a checkpoint is not known yet.
    pub(super) fn begin(leads: bool, folder: &Folder, batch: &Batch) -> Watch {
        listen();
        let now = Instant::now();
        let limit = if leads { limit(batch, now) } else { None };
        let cost = Costs { step: 0.0, checkpoint: 0.0, snapshot: 0.0 };
        let (folder, busy) = (folder.clone(), Arc::default());
        let wants_snapshot = false;
        Watch { leads, folder, batch: *batch, limit, busy, wants_snapshot, looked: now, saved: now, cost }
    }

    /// Sets the expected size of a checkpoint [bytes].
    pub(super) fn expect(&mut self, bytes: u64) {
        self.cost.checkpoint = bytes as f64 / ASSUMED_SPEED;
        self.saved = Instant::now();
    }

    /// Sets whether files are being written. The guard does not end the run meanwhile.
    pub(super) fn writes(&self, writes: bool) {
        self.busy.store(writes, Ordering::Relaxed);
    }

    /// Ends the run in time even if a step does not end; see [`Guard`].
    pub(super) fn guard(&self, end: impl FnOnce(&str) + Send + 'static) -> Guard {
        let limit = self.limit.filter(|limit| limit.kills);
        let until =
            limit.and_then(|limit| limit.end.checked_sub(LAST_MOMENT.min(limit.whole.mul_f64(MARGIN_SHARE))));
        Guard::stand(until, Arc::clone(&self.busy), GRACE, || signals().term.load(Ordering::Relaxed), end)
    }

    /// The limit of wall time, if there is one.
    pub(super) fn limit(&self) -> Option<Limit> {
        self.limit
    }

    /// The requests that this rank knows of after a step. `took` is the time of the step, or of its last
    /// part.
    pub(super) fn ask(&mut self, step: u64, took: Duration) -> Requests {
        let mut requests = self.ask_within(took);
        if self.leads {
            let by_steps = self.batch.checkpoint_steps.is_some_and(|every| step.is_multiple_of(every));
            requests.files = [requests.files[0] || by_steps, std::mem::take(&mut self.wants_snapshot)];
        }
        requests
    }

    /// The requests that this rank knows of within a step, of which a part took this long. A snapshot is
    /// written at the end of the step.
    pub(super) fn ask_within(&mut self, took: Duration) -> Requests {
        let mut requests = Requests::default();
        if is_asked() {
            requests.stop = Some(Reason::Signal);
        }
        if !self.leads {
            return requests;
        }
        // Some steps are longer because the force error is measured, so the maximum decays slowly.
        self.cost.step = took.as_secs_f64().max(0.99 * self.cost.step);
        if requests.stop.is_none()
            && self.limit.is_some_and(|limit| limit.is_near(Instant::now(), &self.cost))
        {
            requests.stop = Some(Reason::Limit);
        }
        let by_time =
            self.batch.checkpoint_every.0.is_some_and(|every| self.saved.elapsed() >= every.duration());
        let [stop, checkpoint, snapshot] = self.wishes();
        self.wants_snapshot |= snapshot;
        if stop {
            requests.stop = Some(Reason::File);
        }
        requests.files[0] = checkpoint || by_time;
        requests
    }

    /// Which of the files exist, if a check is due.
    fn wishes(&mut self) -> [bool; 3] {
        if self.looked.elapsed() < LOOK {
            return [false; 3];
        }
        self.looked = Instant::now();
        WISHES.map(|name| self.folder.wish(name).exists())
    }

    /// Records the time of a checkpoint, and that its request is fulfilled.
    pub(super) fn checkpoint_took(&mut self, time: Duration) {
        self.saved = Instant::now();
        self.cost.checkpoint = time.as_secs_f64();
        self.fulfil("checkpoint");
    }

    /// Records the time of a snapshot.
    pub(super) fn snapshot_took(&mut self, time: Duration) {
        self.cost.snapshot = time.as_secs_f64().max(self.cost.snapshot);
    }

    /// Removes the file of a request, if it exists and can be removed.
    pub(super) fn fulfil(&self, name: &str) {
        if self.leads {
            let _ = std::fs::remove_file(self.folder.wish(name));
        }
    }
}

/// Limits that are farther away are ignored [s].
const NO_LIMIT: u64 = 100 * 365 * 86400;

impl Limit {
    fn new(now: Instant, left: Duration, origin: &'static str) -> Limit {
        let whole = left.min(Duration::from_secs(NO_LIMIT));
        Limit { end: now + whole, whole, origin, kills: true }
    }

    /// Whether too little time for a checkpoint might be left after another step.
    fn is_near(&self, now: Instant, cost: &Costs) -> bool {
        let margin = MARGIN.as_secs_f64().min(MARGIN_SHARE * self.whole.as_secs_f64());
        let needed = 1.5 * cost.step + 2.0 * cost.checkpoint + cost.snapshot + margin;
        self.end.saturating_duration_since(now).as_secs_f64() < needed
    }
}

/// Checks the end of the job that a user has set, before anything is computed.
///
/// # Errors
/// If `HEOROT_JOB_END` is no time.
pub(super) fn check_environment() -> Result<()> {
    let Some(end) = std::env::var_os("HEOROT_JOB_END") else { return Ok(()) };
    match end.to_str().map(str::parse::<u64>) {
        Some(Ok(_)) => Ok(()),
        _ => bail!(
            "HEOROT_JOB_END = {end:?}: must be the end of the job in seconds since 1970, a whole number"
        ),
    }
}

/// The earliest of all known limits.
fn limit(batch: &Batch, now: Instant) -> Option<Limit> {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let until = |name: &str| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(Duration::from_secs(number(name)?).saturating_sub(now))
    };
    let limits = [
        batch.walltime.map(|time| Limit {
            kills: false,
            ..Limit::new(now, time.duration(), "the wall time of the run")
        }),
        until("SLURM_JOB_END_TIME").map(|left| Limit::new(now, left, "Slurm's limit")),
        until("HEOROT_JOB_END").map(|left| Limit::new(now, left, "the job's limit")),
        number("PBS_WALLTIME").map(|left| Limit::new(now, Duration::from_secs(left), "the limit of PBS")),
    ];
    limits.into_iter().flatten().min_by_key(|limit| limit.end)
}

/// The signals received so far.
struct Signals {
    /// Any signal to stop.
    stop: Arc<AtomicBool>,
    /// SIGTERM.
    term: Arc<AtomicBool>,
}

fn signals() -> &'static Signals {
    static SIGNALS: OnceLock<Signals> = OnceLock::new();
    SIGNALS.get_or_init(|| {
        let (stop, term) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        // A person who asks twice does not want to wait.
        let _ = signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&stop));
        let _ = signal_hook::flag::register(SIGTERM, Arc::clone(&term));
        for signal in [SIGTERM, SIGUSR1, SIGINT] {
            // It fails for signals that cannot be caught only.
            let _ = signal_hook::flag::register(signal, Arc::clone(&stop));
        }
        Signals { stop, term }
    })
}

/// The run ends by itself at least this long before a scheduler kills it.
const LAST_MOMENT: Duration = Duration::from_secs(3);
/// The run also ends this long after SIGTERM. Schedulers kill it 30 seconds after SIGTERM.
const GRACE: Duration = Duration::from_secs(25);

/// Ends a run on the leading rank before it is killed within a step, unless a file is being written.
/// The exit code says that the run can continue from its last checkpoint.
pub(super) struct Guard {
    sender: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Guard {
    fn stand(
        until: Option<Instant>,
        busy: Arc<AtomicBool>,
        grace: Duration,
        is_terminated: impl Fn() -> bool + Send + 'static,
        end: impl FnOnce(&str) + Send + 'static,
    ) -> Guard {
        let (sender, receiver) = channel::<()>();
        let watch = move || {
            let mut terminated: Option<Instant> = None;
            loop {
                match receiver.recv_timeout(LOOK / 2) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
                let now = Instant::now();
                if is_terminated() {
                    terminated.get_or_insert(now);
                }
                let is_late = until.is_some_and(|until| now >= until);
                let is_over = terminated.is_some_and(|since| now.duration_since(since) >= grace);
                if (is_late || is_over) && !busy.load(Ordering::Relaxed) {
                    return end(if is_late { "the wall time is used up" } else { "a signal asked for it" });
                }
            }
        };
        Guard { sender: Some(sender), thread: Some(std::thread::spawn(watch)) }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
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
