//! The owner of a lock, and whether its process is alive.

use super::{LONGEST, SILENCE};
use crate::ranks::machine;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// The owner of a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) host: String,
    /// Scope in which process ids are valid.
    pub(super) place: Option<String>,
    pub(super) pid: u32,
    pub(super) pid_began: Option<u64>,
    /// Time of the lock [s since 1970], for people who read the file.
    pub(super) since: u64,
    pub(super) token: String,
}

impl Owner {
    /// This process, with a new token.
    pub(super) fn new() -> Owner {
        let pid = std::process::id();
        Owner {
            host: machine::host(),
            place: machine::place(),
            pid,
            pid_began: machine::process_start(pid),
            since: crate::batch::status::now(),
            token: format!("{:016x}", RandomState::new().build_hasher().finish()),
        }
    }

    /// Whether the owner is alive, given the age of its lock.
    pub(super) fn fate(&self, age: Duration) -> Fate {
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
pub(super) enum Fate {
    Alive,
    Dead,
    /// The owner may be alive on another host.
    Unsure,
}

/// The content of a lock or claim.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// `None` if the file is still empty.
    pub(super) owner: Option<Owner>,
    pub(super) touched: SystemTime,
}

impl Entry {
    /// Reads a lock or claim. `None` if it does not exist.
    pub(super) fn read(path: &Path) -> Result<Option<Entry>> {
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

    pub(super) fn token(&self) -> &str {
        self.owner.as_ref().map_or("nobody", |owner| &owner.token)
    }

    pub(super) fn fate(&self, now: SystemTime) -> Fate {
        let age = now.duration_since(self.touched).unwrap_or_default();
        match &self.owner {
            Some(owner) => owner.fate(age),
            None if age > SILENCE => Fate::Dead,
            None => Fate::Unsure,
        }
    }
}
