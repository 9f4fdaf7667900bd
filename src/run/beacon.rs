//! Keeps the status file of a run up to date. A thread of the leading rank rewrites it each second, even
//! while a step lasts for hours.

use super::lock::Handle;
use crate::batch::status::{self, Phase, Status};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};

/// Time between two writings.
const PERIOD: Duration = Duration::from_secs(1);

/// The writer of the status file. If it is dropped without [`Beacon::end`], the status says that the run
/// has failed.
pub(super) struct Beacon {
    status: Status,
    sender: Option<Sender<Status>>,
    thread: Option<JoinHandle<()>>,
}

impl Beacon {
    /// Starts the thread. It writes as long as this run holds the lock of the folder.
    pub(super) fn light(path: PathBuf, status: Status, lock: Option<Handle>) -> Beacon {
        let (sender, receiver) = channel();
        let first = status.clone();
        let thread = spawn(move || keep(&path, first, &receiver, lock.as_ref()));
        Beacon { status, sender: Some(sender), thread: Some(thread) }
    }

    /// Changes the status.
    pub(super) fn tell(&mut self, change: impl FnOnce(&mut Status)) {
        change(&mut self.status);
        if let Some(sender) = &self.sender {
            let _ = sender.send(self.status.clone()); // the thread lives as long as the sender
        }
    }

    /// Writes the final status and ends the thread.
    pub(super) fn end(mut self, phase: Phase) {
        self.tell(|status| status.phase = phase);
    }
}

impl Drop for Beacon {
    fn drop(&mut self) {
        if self.status.phase == Phase::Running {
            self.tell(|status| status.phase = Phase::Failed);
        }
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes the latest status each period and at the end. An error of writing does not end the run.
fn keep(path: &std::path::Path, mut status: Status, receiver: &Receiver<Status>, lock: Option<&Handle>) {
    let write = |status: &mut Status| {
        if !lock.is_some_and(Handle::is_lost) {
            status.heartbeat = status::now();
            let _ = io::write_json_for_readers(path, status);
        }
    };
    let mut due = Instant::now();
    loop {
        match receiver.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(latest) => status = latest,
            Err(RecvTimeoutError::Timeout) => {
                write(&mut status);
                due = Instant::now() + PERIOD;
            }
            Err(RecvTimeoutError::Disconnected) => return write(&mut status),
        }
    }
}
