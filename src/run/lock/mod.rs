//! One run at a time in an output folder: a lock file, on any file system that several hosts share.
//!
//! The lock names its owner: host, process and a unique token. It appears together with its content, as
//! a hard link, or by exclusive creation on a file system without links. The owner touches it every few
//! seconds. An age is the difference between two modification times of the same file system, so the
//! clocks of hosts need not agree. On the host of the owner, its process id shows whether it is alive; on
//! other hosts, the age of the lock does.
//!
//! The lock of a dead owner is taken over with a *claim*, a file whose name contains the token of that
//! lock. If several processes claim a lock, only one of them can create this file. It checks that the
//! lock still has the claimed token, and renames the claim to the lock. The claim of a dead process can
//! be claimed in the same way. If an owner was silent for so long that another process took its lock, it
//! finds another token in it and must end without touching the folder.

mod claim;
mod owner;
#[cfg(test)]
mod tests;

use crate::console::warn;
use anyhow::{Context, Result, anyhow, bail};
use claim::{Attempt, attempt, claim_on, create, is_suffix, touch};
use owner::{Entry, Fate, Owner};
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The name of the lock. Names of claims and of incomplete locks begin with it.
const NAME: &str = "heorot.lock";
/// An owner on another host is considered dead if its lock is older than this, as in `heorot status`.
const SILENCE: Duration = Duration::from_secs(60);
/// Time between two touches of a lock.
const BEAT: Duration = Duration::from_secs(2);
/// Time between two checks of a lock whose owner may be dead.
const LOOK: Duration = Duration::from_millis(500);
/// Number of attempts that may fail because of other processes. If more fail, the file system is faulty.
const ATTEMPTS: usize = 100;
/// Greatest length of a lock [bytes]. A longer file of this name is not a lock.
const LONGEST: u64 = 1 << 12;

/// A lock that this process holds. Dropping it removes the lock, and the folders that were created for
/// it if they are empty.
pub(crate) struct Lock {
    held: Arc<Held>,
    beat: Option<(Sender<()>, JoinHandle<()>)>,
    /// Folders that were created, the outermost one first.
    made: Vec<PathBuf>,
}

/// State shared with the thread that touches the lock, and with the handles of other threads.
struct Held {
    folder: PathBuf,
    owner: Owner,
    file: Mutex<File>,
    lost: AtomicBool,
    released: AtomicBool,
}

/// Access to a lock from other threads: to check it, and to release it before the process ends.
#[derive(Clone)]
pub(crate) struct Handle(Arc<Held>);

impl Handle {
    /// Whether another run has taken the folder.
    pub(crate) fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Removes the lock.
    pub(crate) fn release(&self) {
        self.0.release();
    }
}

impl Lock {
    /// Acquires the lock of a folder, and creates the folder if it does not exist. Waits for at most a
    /// minute if an owner on another host is silent but may be alive.
    ///
    /// # Errors
    /// If another run is under way, or the folder cannot be created or written.
    pub(crate) fn take(folder: &Path) -> Result<Lock> {
        let mut made = Vec::new();
        let taken = make_folder(folder, &mut made).and_then(|()| Held::take(folder));
        let held = Arc::new(taken.inspect_err(|_| remove_folders(&made))?);
        held.sweep();
        let (sender, receiver) = channel::<()>();
        let beating = Arc::clone(&held);
        let thread = std::thread::spawn(move || {
            while receiver.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                beating.beat();
            }
        });
        Ok(Lock { held, beat: Some((sender, thread)), made })
    }

    /// Access to the lock from other threads.
    pub(crate) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.held))
    }

    /// Makes sure that the folder still belongs to this run.
    ///
    /// # Errors
    /// If another run has taken over the lock.
    pub(crate) fn check(&self) -> Result<()> {
        self.held.beat();
        if !self.held.lost.load(Ordering::Relaxed) {
            return Ok(());
        }
        let path = self.held.lock();
        let by = Entry::read(&path).ok().flatten().and_then(|entry| entry.owner);
        let by = by.map_or("another run".to_owned(), |owner| format!("the run of {owner}"));
        bail!(
            "{}: this run gave no sign of life for {} s, and {by} has taken over the folder; this one ends and writes nothing more",
            path.display(),
            SILENCE.as_secs()
        )
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.beat.take() {
            drop(sender);
            let _ = thread.join();
        }
        self.held.release();
        remove_folders(&self.made);
    }
}

impl Held {
    fn take(folder: &Path) -> Result<Held> {
        let owner = Owner::new();
        let candidate = folder.join(format!("{NAME}.{}", owner.token));
        let taken = Held::attempts(folder, &owner, &candidate);
        let _ = fs::remove_file(&candidate);
        let file = Mutex::new(taken?);
        let (lost, released) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Held { folder: folder.to_owned(), owner, file, lost, released })
    }

    fn attempts(folder: &Path, owner: &Owner, candidate: &Path) -> Result<File> {
        let path = folder.join(NAME);
        // The first observation of a lock whose owner may be alive.
        let mut seen: Option<(Entry, Instant)> = None;
        let mut attempts = 0;
        loop {
            match attempt(folder, owner, candidate)? {
                Attempt::Taken(file) => return Ok(file),
                Attempt::Refused(owner) => bail!("{}", under_way(folder, &owner.to_string())),
                Attempt::Foiled => {
                    attempts += 1;
                    if attempts == ATTEMPTS {
                        bail!("{}: cannot be taken: other runs begin here again and again", path.display());
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
                Attempt::Unsure(entry, now) => {
                    let who =
                        || entry.owner.as_ref().map_or("a run that begins".to_owned(), Owner::to_string);
                    match &seen {
                        Some((first, _)) if first.token() == entry.token() => {
                            if first.touched != entry.touched {
                                bail!("{}", under_way(folder, &who()));
                            }
                        }
                        _ => {
                            let age = now.duration_since(entry.touched).unwrap_or_default();
                            let left = SILENCE.saturating_sub(age).as_secs() + 1;
                            // A living owner touches the lock within some seconds.
                            warn(&format!(
                                "{}: is held by {}; waits for {left} s at most to see whether it lives",
                                path.display(),
                                who()
                            ));
                            seen = Some((entry, Instant::now()));
                        }
                    }
                    // A wrong or stopped clock of the file system must not make this wait for ever.
                    if let Some((entry, since)) = &seen
                        && since.elapsed() > 2 * SILENCE
                    {
                        let who =
                            entry.owner.as_ref().map_or("a run that began".to_owned(), Owner::to_string);
                        bail!(
                            "{}: is held by {who}, which gives no sign of life; remove it if that run is gone",
                            path.display()
                        );
                    }
                    std::thread::sleep(LOOK);
                }
            }
        }
    }

    fn lock(&self) -> PathBuf {
        self.folder.join(NAME)
    }

    /// Touches the lock, and records if it is lost.
    fn beat(&self) {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lost.load(Ordering::Relaxed) || self.released.load(Ordering::Relaxed) {
            return;
        }
        let _ = touch(&file);
        let path = self.lock();
        let same = |a: &fs::Metadata, b: &fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
        match (fs::metadata(&path), file.metadata()) {
            (Ok(there), Ok(mine)) if same(&there, &mine) => {}
            // The lock was removed. Create it again, unless another process has acquired it.
            (Err(error), _) if error.kind() == ErrorKind::NotFound => {
                if let Ok(made) = create(&path, &self.owner) {
                    *file = made;
                }
            }
            // The file system is faulty or has renumbered its files. The content decides.
            _ => match Entry::read(&path) {
                Ok(Some(entry)) if entry.token() == self.owner.token => {
                    if let Ok(opened) = OpenOptions::new().write(true).open(&path) {
                        *file = opened;
                    }
                }
                Ok(None) => {}
                Err(error) if error.root_cause().downcast_ref::<std::io::Error>().is_some() => {}
                Ok(Some(_)) | Err(_) => self.lost.store(true, Ordering::Relaxed),
            },
        }
    }

    /// Removes the lock, unless it is lost. Claims it first, so that no other process takes it over.
    fn release(&self) {
        let _file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if self.released.swap(true, Ordering::Relaxed) || self.lost.load(Ordering::Relaxed) {
            return;
        }
        let (path, claim) = (self.lock(), claim_on(&self.folder, &self.owner.token));
        let last = Owner::new();
        if create(&claim, &last).is_err() {
            return;
        }
        if Entry::read(&path).is_ok_and(|entry| entry.is_some_and(|entry| entry.token() == self.owner.token))
        {
            let _ = fs::remove_file(&path);
        }
        let _ = fs::remove_file(&claim);
    }

    /// Removes the files that dead processes have left beside the lock.
    fn sweep(&self) {
        let Ok(now) = self
            .file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .metadata()
            .and_then(|data| data.modified())
        else {
            return;
        };
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let is_ours = name.to_str().and_then(|name| name.strip_prefix(NAME)).is_some_and(is_suffix);
            // A candidate without an owner is of a killed process. A living one creates it again.
            let is_candidate = name.to_str().is_some_and(|name| !name.contains(".after."));
            let is_dead = |e: Entry| e.fate(now) == Fate::Dead || (is_candidate && e.owner.is_none());
            if is_ours && Entry::read(&entry.path()).is_ok_and(|e| e.is_some_and(is_dead)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

fn under_way(folder: &Path, who: &str) -> String {
    format!(
        "{}: a run is under way here, {who}; put a file `stop` into the folder to end it",
        folder.display()
    )
}

/// Creates the folder and those above it, and returns the created ones.
fn make_folder(folder: &Path, made: &mut Vec<PathBuf>) -> Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().filter(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    for path in missing.into_iter().rev() {
        match fs::create_dir(path) {
            Ok(()) => made.push(path.to_owned()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
            Err(error) => {
                return Err(anyhow!(error))
                    .with_context(|| format!("{}: cannot make the output folder", folder.display()));
            }
        }
    }
    if folder.is_dir() {
        return Ok(());
    }
    bail!("{}: cannot make the output folder: a file has this name", folder.display())
}

/// Removes folders that are empty.
fn remove_folders(made: &[PathBuf]) {
    made.iter().rev().for_each(|path| drop(fs::remove_dir(path)));
}
