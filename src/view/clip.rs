//! The snapshots of a page and their chosen bodies.

use crate::console::printable;
use crate::files::galaxies::Named;
use crate::render::redshift_label;
use crate::render::sequence::{Entry, Sequence};
use crate::render::tint;
use anyhow::{Result, anyhow};
use io::snapshot::Wanted;
use std::path::Path;
use treecode::Bodies;
use viz::GROUP_TONES;
use viz::page::{Chooser, Description, Frame, FrameName};

/// Types with at most this number of bodies are all shown, as larger points.
const FEW: u64 = viz::NEIGHBOURS as u64;

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
    pub(super) fn new(sequence: Sequence, most: usize, galaxies: &[Named]) -> Result<Clip> {
        sequence.check_naming("view each snapshot alone")?;
        let alone = sequence.entries.len() == 1;
        let mut chooser = Chooser::new(most, alone, sequence.sparse(FEW)).in_domain(sequence.domain);
        let mut ids = Vec::new();
        for Entry { path, .. } in &sequence.entries {
            let bodies = read(path, &sequence)?;
            let taken = chooser.take(&bodies);
            if alone {
                ids = bodies.id;
            }
            taken.map_err(|fault| anyhow!("{}: {fault}; view this snapshot alone", path.display()))?;
        }
        let name = |entry: &Entry| FrameName {
            name: printable(&entry.path.file_name().unwrap_or_default().to_string_lossy()).into_owned(),
            time: entry.time,
            label: sequence.expands.then(|| redshift_label(entry.time)),
        };
        let choice = chooser.choice()?;
        // Without --galaxies, those of the model, if it has some.
        let of_model = || tint::galaxies(&sequence).ok().filter(|list| list.len() <= GROUP_TONES);
        let list = match galaxies.is_empty() {
            true => of_model(),
            false => Some(tint::checked(galaxies.to_vec(), |(_, ids)| ids)?),
        };
        let of = |list: Vec<Named>| {
            let id = |name: &u64| if alone { ids[*name as usize] } else { *name };
            let galaxy = |name: &u64| {
                let place = list.iter().position(|(_, ids)| ids.contains(&id(name)));
                place.unwrap_or(list.len()) as u8
            };
            (choice.ids.iter().map(galaxy).collect(), tint::names(&list))
        };
        let galaxies = list.map(of);
        let description = Description {
            program: crate::help::version::PROGRAM,
            choice,
            frames: sequence.entries.iter().map(name).collect(),
            units: sequence.units,
            galaxies,
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

/// The bodies of the wanted types in a snapshot, inside the box if there is one.
///
/// # Errors
/// If it cannot be read.
fn read(path: &Path, sequence: &Sequence) -> Result<Bodies> {
    let wanted =
        Wanted { kinds: sequence.kinds, beside: BESIDE, massless: true, columns: false, ..Wanted::default() };
    let (_, mut bodies) = io::snapshot::read_wanted(path, &wanted)?;
    bodies.wrap(sequence.domain);
    Ok(bodies)
}
