//! One attempt to acquire a lock, or to take over the lock of a dead process.

use super::NAME;
use super::owner::{Entry, Fate, Owner};
use anyhow::{Context, Result};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use rustix::io::Errno;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Result of an attempt to acquire a lock.
pub(super) enum Attempt {
    Taken(File),
    /// A living process holds the lock.
    Refused(Owner),
    /// The owner may be alive.
    Unsure(Entry, SystemTime),
    /// The lock has changed during the attempt.
    Foiled,
}

/// Whether a name that begins with the name of the lock and has this ending belongs to a lock.
pub(super) fn is_suffix(suffix: &str) -> bool {
    let token = suffix.strip_prefix(".after").unwrap_or(suffix).strip_prefix('.').unwrap_or_default();
    token == "nobody" || (token.len() == 16 && token.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Path of the claim on the lock, or on the claim, with this token.
pub(super) fn claim_on(folder: &Path, token: &str) -> PathBuf {
    folder.join(format!("{NAME}.after.{token}"))
}

pub(super) fn attempt(folder: &Path, me: &Owner, candidate: &Path) -> Result<Attempt> {
    let path = folder.join(NAME);
    let cannot = || format!("{}: cannot write", path.display());
    // The modification time of the candidate is the time of the file system.
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

/// Creates a file that does not exist yet, with its owner as content.
pub(super) fn create(path: &Path, owner: &Owner) -> std::io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let text = serde_json::to_string_pretty(owner).expect("an owner is plain data") + "\n";
    file.write_all(text.as_bytes())?;
    Ok(file)
}

/// Links the candidate to this name, if no file has the name.
fn appear(candidate: &Path, path: &Path, me: &Owner) -> std::io::Result<bool> {
    match fs::hard_link(candidate, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        // Another process has removed the candidate as the remains of a dead one. Create it again.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        // This file system has no links.
        Err(_) => match create(path, me) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    }
}

/// Sets the time of the last modification to that of the file system.
pub(super) fn touch(file: &File) -> Result<(), Errno> {
    rustix::fs::futimens(
        file,
        &Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        },
    )
}
