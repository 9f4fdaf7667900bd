//! The snapshots of a page and their chosen bodies.

use crate::console::printable;
use crate::render::sequence::{Entry, Sequence};
use anyhow::{Result, anyhow};
use io::snapshot::Wanted;
use std::path::Path;
use treecode::Bodies;
use viz::page::{Chooser, Description, Frame, FrameName};

/// Approximate memory for the choice per body, in addition to the body [bytes].
const BESIDE: u64 = 60;

/// Snapshots, and the description of the page that shows them.
pub(super) struct Clip {
    sequence: Sequence,
    /// The chosen bodies, and everything else that the page needs beside them.
    pub description: Description,
}

impl Clip {
    /// Reads all snapshots and chooses at most `most` bodies.
    ///
    /// # Errors
    /// If a snapshot cannot be read, or if bodies must be followed and an id occurs twice.
    pub(super) fn new(sequence: Sequence, most: usize) -> Result<Clip> {
        sequence.check_naming("view each snapshot alone")?;
        let mut chooser = Chooser::new(most, sequence.entries.len() == 1);
        for Entry { path, .. } in &sequence.entries {
            let taken = chooser.take(&read(path, &sequence)?);
            taken.map_err(|fault| anyhow!("{}: {fault}; view this snapshot alone", path.display()))?;
        }
        let name = |entry: &Entry| FrameName {
            name: printable(&entry.path.file_name().unwrap_or_default().to_string_lossy()).into_owned(),
            time: entry.time,
        };
        let description = Description {
            program: crate::version::PROGRAM,
            choice: chooser.choice()?,
            frames: sequence.entries.iter().map(name).collect(),
            units: sequence.units,
        };
        Ok(Clip { sequence, description })
    }

    /// Number of snapshots.
    pub(super) fn frames(&self) -> usize {
        self.sequence.entries.len()
    }

    /// Reads and encodes a snapshot.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn frame(&self, number: usize) -> Result<Frame> {
        let bodies = read(&self.sequence.entries[number].path, &self.sequence)?;
        Ok(Frame::of(&self.description.choice, &bodies))
    }
}

/// The bodies of the wanted types in a snapshot.
///
/// # Errors
/// If it cannot be read.
fn read(path: &Path, sequence: &Sequence) -> Result<Bodies> {
    let wanted =
        Wanted { kinds: sequence.kinds, beside: BESIDE, massless: true, columns: false, ..Wanted::default() };
    Ok(io::snapshot::read_wanted(path, &wanted)?.1)
}
