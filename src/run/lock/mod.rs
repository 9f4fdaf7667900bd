//! One run at a time in an output folder: a lock file, on any file system that several hosts share.
//!
//! The lock names its owner: host, process and a token that no other lock has. It appears with its content, under a name that nobody has: as a hard link, or
//! created exclusively where a file system has no links. The owner touches it every few seconds. Ages are differences between two modification times of the
//! same file system, so clocks of hosts need not agree. On the owner's host its process says whether it lives, elsewhere the age of the lock.
//!
//! A dead owner's lock is taken over by a *claim*, a file whose name holds the token of that lock. Of several that claim one lock, one creates the file. It then
//! makes sure that the lock is still the one that it claims, and renames the claim onto it. A claim whose owner died may itself be claimed.
//! An owner that was silent for so long that others took it for dead finds another token in its lock, and must end without touching the folder.

use crate::console::warn;
use crate::machine;
use anyhow::{Context, Result, anyhow, bail};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

/// The name of the lock; names of claims, and of locks before they are complete, begin with it.
const NAME: &str = "heorot.lock";
/// Age from which the owner of a lock on another host is taken for dead, as `heorot status` does.
const SILENCE: Duration = Duration::from_secs(60);
/// Time between two touches of a lock.
const BEAT: Duration = Duration::from_secs(2);
/// Time between two looks at a lock that may be dead.
const LOOK: Duration = Duration::from_millis(500);
/// Attempts that others may foil before something must be wrong with the file system.
const ATTEMPTS: usize = 100;
/// A lock is shorter than this [bytes]: other files of the name are not read as a whole.
const LONGEST: u64 = 1 << 12;

/// Who has a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Owner {
    host: String,
    /// What numbers of processes belong to.
    place: Option<String>,
    pid: u32,
    pid_began: Option<u64>,
    /// Seconds since 1970, for people.
    since: u64,
    token: String,
}

impl Owner {
    /// This process, with a token of its own.
    fn new() -> Owner {
        let pid = std::process::id();
        Owner {
            host: machine::host(),
            place: machine::place(),
            pid,
            pid_began: machine::process_start(pid),
            since: crate::status::now(),
            token: format!("{:016x}", RandomState::new().build_hasher().finish()),
        }
    }

    /// What is known about a lock of this owner and age.
    fn fate(&self, age: Duration) -> Fate {
        if self.place.is_some() && self.place == machine::place() {
            let began = machine::process_start(self.pid);
            if began.is_none() && !machine::is_hidden(self.pid) {
                return Fate::Dead;
            }
            if began.is_some() && self.pid_began.is_some() {
                return if began == self.pid_began { Fate::Alive } else { Fate::Dead };
            }
        }
        if age > SILENCE { Fate::Dead } else { Fate::Unsure }
    }
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Alive,
    Dead,
    /// It may live on another host.
    Unsure,
}

/// A lock or claim as it was read.
#[derive(Clone, Debug)]
struct Entry {
    /// Nobody, if the file is empty: its writer has not come any further.
    owner: Option<Owner>,
    touched: SystemTime,
}

impl Entry {
    /// Reads a lock or claim; nothing if there is none.
    fn read(path: &Path) -> Result<Option<Entry>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("{}: cannot read", path.display())),
        };
        let read = || format!("{}: cannot read", path.display());
        let data = file.metadata().with_context(read)?;
        let mut text = String::new();
        let taken = (&mut file).take(LONGEST).read_to_string(&mut text);
        let is_text = data.is_file() && taken.is_ok();
        let owner = match serde_json::from_str(&text) {
            Ok(owner) => Some(owner),
            Err(_) if is_text && text.trim_matches('\0').is_empty() => None,
            Err(_) => {
                bail!("{}: is no lock of a run; move it away if no run is under way here", path.display())
            }
        };
        Ok(Some(Entry { owner, touched: data.modified().with_context(read)? }))
    }

    fn token(&self) -> &str {
        self.owner.as_ref().map_or("nobody", |owner| &owner.token)
    }

    fn fate(&self, now: SystemTime) -> Fate {
        let age = now.duration_since(self.touched).unwrap_or_default();
        match &self.owner {
            Some(owner) => owner.fate(age),
            None if age > SILENCE => Fate::Dead,
            None => Fate::Unsure,
        }
    }
}

/// A lock that this process has. Dropping it removes it, and folders that were made for it if nothing else is in them.
pub struct Lock {
    held: Arc<Held>,
    beat: Option<(Sender<()>, JoinHandle<()>)>,
    /// Folders that were made, the outermost one first.
    made: Vec<PathBuf>,
}

/// What is shared with the thread that touches the lock, and with those that ask for it.
struct Held {
    folder: PathBuf,
    owner: Owner,
    file: Mutex<File>,
    lost: AtomicBool,
    released: AtomicBool,
}

/// A way to ask for a lock from other threads, and to give it up when the process is about to end.
#[derive(Clone)]
pub struct Handle(Arc<Held>);

impl Handle {
    /// Whether another run has taken the folder.
    pub fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Relaxed)
    }

    /// Removes the lock.
    pub fn release(&self) {
        self.0.release();
    }
}

impl Lock {
    /// Takes the lock of a folder, which is made if it does not exist. Waits for a minute at most if the owner may live on another host and gives no sign.
    ///
    /// # Errors
    /// If another run is under way, or the folder cannot be made or written.
    pub fn take(folder: &Path) -> Result<Lock> {
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

    /// A way to ask for it from other threads.
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.held))
    }

    /// Makes sure that the folder still belongs to this run.
    ///
    /// # Errors
    /// If this run was taken for dead and another one has begun.
    pub fn check(&self) -> Result<()> {
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

/// How an attempt to take a lock ended.
enum Attempt {
    Taken(File),
    /// By this one, which lives.
    Refused(Owner),
    /// Its owner may live.
    Unsure(Entry, SystemTime),
    /// Something has changed meanwhile.
    Foiled,
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
        // What was first seen of a lock whose owner may live.
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
                            // A living one is seen within some seconds.
                            warn(&format!(
                                "{}: is held by {}; waits for {left} s at most to see whether it lives",
                                path.display(),
                                who()
                            ));
                            seen = Some((entry, Instant::now()));
                        }
                    }
                    // A clock of the file system that is wrong, or that stands still, must not let this wait for ever.
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

    /// Touches the lock, and finds out if it is lost.
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
            // Somebody has removed it: it is made again, unless somebody has taken it meanwhile.
            (Err(error), _) if error.kind() == ErrorKind::NotFound => {
                if let Ok(made) = create(&path, &self.owner) {
                    *file = made;
                }
            }
            // The file system is in trouble, or numbers files anew: the content tells.
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

    /// Removes the lock, unless it is lost: it is claimed before, so that nobody takes it over meanwhile.
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

    /// Removes what dead processes have left beside the lock.
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
            // A candidate that names nobody was left by a process that was killed; a living one makes it again.
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

/// Whether a name that begins as the lock does and ends so is one of ours.
fn is_suffix(suffix: &str) -> bool {
    let token = suffix.strip_prefix(".after").unwrap_or(suffix).strip_prefix('.').unwrap_or_default();
    token == "nobody" || (token.len() == 16 && token.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The claim on the lock or claim of that token.
fn claim_on(folder: &Path, token: &str) -> PathBuf {
    folder.join(format!("{NAME}.after.{token}"))
}

fn attempt(folder: &Path, me: &Owner, candidate: &Path) -> Result<Attempt> {
    let path = folder.join(NAME);
    let cannot = || format!("{}: cannot write", path.display());
    // The candidate's time is that of the file system.
    let file = match create(candidate, me) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(candidate).with_context(cannot)?
        }
        Err(error) => return Err(error).with_context(cannot),
    };
    touch(&file).with_context(cannot)?;
    let now = file.metadata().and_then(|data| data.modified()).with_context(cannot)?;
    if appear(candidate, &path, me).with_context(cannot)? {
        return taken(&path);
    }
    let chain = chain(folder)?;
    let Some((last, others)) = chain.split_last() else { return Ok(Attempt::Foiled) };
    if last.token() == me.token && others.is_empty() {
        return taken(&path); // the reply of a server was lost
    }
    match last.fate(now) {
        Fate::Alive => return Ok(last.owner.clone().map_or(Attempt::Foiled, Attempt::Refused)),
        Fate::Unsure => return Ok(Attempt::Unsure(last.clone(), now)),
        Fate::Dead => {}
    }
    let claim = claim_on(folder, last.token());
    if !appear(candidate, &claim, me).with_context(cannot)? {
        return Ok(Attempt::Foiled);
    }
    // The lock may have been taken over, or removed, since it was read: then this claim is void.
    let is_valid = self::chain(folder)?.last().is_some_and(|last| last.token() == me.token);
    if !is_valid {
        let _ = fs::remove_file(&claim);
        return Ok(Attempt::Foiled);
    }
    fs::rename(&claim, &path).with_context(cannot)?;
    for entry in others {
        let _ = fs::remove_file(claim_on(folder, entry.token()));
    }
    taken(&path)
}

fn taken(path: &Path) -> Result<Attempt> {
    let file = OpenOptions::new().write(true).open(path);
    Ok(Attempt::Taken(file.with_context(|| format!("{}: cannot write", path.display()))?))
}

/// The lock, the claim on it, the claim on that, and so on.
fn chain(folder: &Path) -> Result<Vec<Entry>> {
    let mut chain: Vec<Entry> = Vec::new();
    let mut path = folder.join(NAME);
    while let Some(entry) = Entry::read(&path)? {
        if chain.iter().any(|before| before.token() == entry.token()) {
            break;
        }
        path = claim_on(folder, entry.token());
        chain.push(entry);
    }
    Ok(chain)
}

/// Creates a file that is not there yet, with its owner in it.
fn create(path: &Path, owner: &Owner) -> std::io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let text = serde_json::to_string_pretty(owner).expect("an owner is plain data") + "\n";
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Gives the candidate this name too, if nobody has it.
fn appear(candidate: &Path, path: &Path, me: &Owner) -> std::io::Result<bool> {
    match fs::hard_link(candidate, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        // Somebody has taken the candidate for what a dead process has left: it is made again.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // No links here.
        Err(_) => match create(path, me) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// Sets the time of the last modification to that of the file system.
fn touch(file: &File) -> Result<(), Errno> {
    rustix::fs::futimens(
        file,
        &Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        },
    )
}

/// Makes the folder and those above it, and notes which were made.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, owner: &Owner, age: Duration) {
        let file = create(path, owner).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }

    fn elsewhere() -> Owner {
        Owner { host: "elsewhere".to_owned(), place: Some("elsewhere".to_owned()), ..Owner::new() }
    }

    fn gone() -> Owner {
        Owner { pid_began: Some(1), ..Owner::new() }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    const LONG: Duration = Duration::from_secs(100);

    #[test]
    fn a_folder_is_locked_once_and_left_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b");
        let lock = Lock::take(&folder).unwrap();
        assert_eq!(names(&folder), [NAME]);
        let message = Lock::take(&folder).err().unwrap().to_string();
        assert!(message.contains("a run is under way here, process "), "{message}");
        lock.check().unwrap();
        drop(lock);
        assert_eq!(names(root.path()), [""; 0], "folders that were made are left");
        let lock = Lock::take(&folder).unwrap();
        fs::write(folder.join("energy.csv"), "").unwrap();
        drop(lock);
        assert_eq!(names(&folder), ["energy.csv"]);
    }

    #[test]
    fn the_dead_are_told_from_the_living() {
        assert_eq!(Owner::new().fate(LONG), Fate::Alive);
        assert_eq!(gone().fate(Duration::ZERO), Fate::Dead);
        assert_eq!(Owner { pid: u32::MAX, ..Owner::new() }.fate(Duration::ZERO), Fate::Dead);
        assert_eq!(elsewhere().fate(Duration::ZERO), Fate::Unsure);
        assert_eq!(elsewhere().fate(LONG), Fate::Dead);
        // A container may have the name of its host, but not its processes.
        let container = Owner { host: machine::host(), pid: 1, ..elsewhere() };
        assert_eq!(container.fate(Duration::ZERO), Fate::Unsure);
    }

    #[test]
    fn a_dead_lock_is_taken_over_with_all_that_the_dead_have_left() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second, third) = (gone(), gone(), gone());
        let place = |name: &str| folder.path().join(name);
        write(&place(NAME), &first, Duration::ZERO);
        write(&claim_on(folder.path(), &first.token), &second, Duration::ZERO);
        write(&place(&format!("{NAME}.{}", third.token)), &third, Duration::ZERO);
        fs::write(place("heorot.lock.mine"), "my own").unwrap();
        fs::write(place(&format!("{NAME}.0123456789abcdef")), "").unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        let mut left = names(folder.path());
        left.sort();
        assert_eq!(left, [NAME, "heorot.lock.mine"]);
        drop(lock);
        assert_eq!(names(folder.path()), ["heorot.lock.mine"]);
    }

    #[test]
    fn a_lock_of_another_host_is_left_if_it_is_touched_and_taken_if_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        write(&path, &elsewhere(), Duration::from_secs(5));
        let touched = path.clone();
        let other = std::thread::spawn(move || {
            std::thread::sleep(2 * LOOK);
            File::options().write(true).open(touched).unwrap().set_modified(SystemTime::now()).unwrap();
        });
        let message = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(message.contains("under way here") && message.contains("on elsewhere"), "{message}");
        other.join().unwrap();
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - LONG).unwrap();
        Lock::take(folder.path()).unwrap();
        // A writer that was killed before it wrote its name.
        for (text, age) in [("", LONG), ("\0\0", LONG)] {
            fs::write(&path, text).unwrap();
            File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
            Lock::take(folder.path()).unwrap();
        }
    }

    #[test]
    fn a_file_of_that_name_that_is_no_lock_is_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "my own notes").unwrap();
        let message = Lock::take(folder.path()).err().unwrap().to_string();
        assert!(message.contains("is no lock of a run"), "{message}");
        assert_eq!(names(folder.path()), [NAME]);
        fs::remove_file(folder.path().join(NAME)).unwrap();
        fs::create_dir(folder.path().join(NAME)).unwrap();
        Lock::take(folder.path()).err().unwrap();
    }

    #[test]
    fn whoever_was_taken_for_dead_finds_out() {
        let folder = tempfile::tempdir().unwrap();
        let lock = Lock::take(folder.path()).unwrap();
        fs::remove_file(folder.path().join(NAME)).unwrap();
        lock.check().unwrap();
        assert_eq!(names(folder.path()), [NAME], "it was not made again");
        let other = elsewhere();
        fs::remove_file(folder.path().join(NAME)).unwrap();
        write(&folder.path().join(NAME), &other, Duration::ZERO);
        let message = lock.check().unwrap_err().to_string();
        assert!(message.contains("on elsewhere has taken over the folder"), "{message}");
        drop(lock);
        let entry = Entry::read(&folder.path().join(NAME)).unwrap().unwrap();
        assert_eq!(entry.owner, Some(other), "the other's lock was touched");
    }

    #[test]
    fn of_many_takers_at_once_one_wins() {
        let folder = tempfile::tempdir().unwrap();
        let holders = std::sync::atomic::AtomicUsize::new(0);
        let wins = std::sync::atomic::AtomicUsize::new(0);
        for round in 0..40 {
            // Every other round finds a dead lock, or a dead claim on one.
            let dead = gone();
            if round % 2 == 1 {
                write(&folder.path().join(NAME), &dead, Duration::ZERO);
            }
            if round % 4 == 3 {
                write(&claim_on(folder.path(), &dead.token), &gone(), Duration::ZERO);
            }
            std::thread::scope(|scope| {
                for _ in 0..6 {
                    scope.spawn(|| {
                        let Ok(lock) = Lock::take(folder.path()) else { return };
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0, "two hold the lock");
                        std::thread::sleep(Duration::from_millis(1));
                        lock.check().unwrap();
                        holders.fetch_sub(1, Ordering::SeqCst);
                        wins.fetch_add(1, Ordering::SeqCst);
                    });
                }
            });
            assert_eq!(names(folder.path()), [""; 0], "round {round}");
        }
        assert!(wins.load(Ordering::SeqCst) >= 40);
    }
}
