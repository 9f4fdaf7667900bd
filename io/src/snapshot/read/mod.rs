//! Reads snapshots. Each rank reads its share of the bodies of each type, without communication.
//!
//! `set` finds the files of a snapshot, `header` reads the header of each, and `cosmology` decides
//! whether it is cosmological. `passengers` finds the further columns. `datasets` reads rows.
//! `region` reads the bodies of a region, with the index of rows from `cells`. `outside` checks
//! references to other files, and `parts` lists the parts of virtual datasets.

mod cells;
pub(super) mod cosmology;
pub(super) mod datasets;
mod header;
pub(super) mod outside;
mod parts;
pub(super) mod passengers;
pub(super) mod region;
pub(super) mod set;

use super::process::{self, Answer, Sink, What};
use super::{Format, Header};
use crate::Error;
use crate::foreign::{Foreign, recognize, share};
use crate::memory::expect_room;
use datasets::Source;
use serde::{Deserialize, Serialize};
use set::{Set, locate, open, sibling};
use std::path::{Path, PathBuf};
use treecode::{About, Bodies, TYPES};

/// Reads everything in a snapshot except its bodies.
///
/// # Errors
/// If it cannot be read, is not a snapshot, or its counts are inconsistent.
pub fn read_header(path: &Path) -> Result<Header, Error> {
    let path = locate(path);
    match recognize(&path)? {
        Format::Gadget | Format::Swift => Ok(process::ask(&path, What::Header)?.header),
        format => Foreign::open(&path, format).map(|file| file.header),
    }
}

/// The files of the snapshot at `path`.
///
/// # Errors
/// If it cannot be read, is not a snapshot, or its counts are inconsistent.
pub fn files_of(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let path = locate(path);
    match recognize(&path)? {
        Format::Gadget | Format::Swift => Ok(process::ask(&path, What::Header)?.files),
        format => match Foreign::open(&path, format)?.header.files as u64 {
            0 | 1 => Ok(vec![path]),
            files => (0..files).map(|index| sibling(&path, index, files)).collect(),
        },
    }
}

/// Reads the share of rank `rank` of `size` from a file of any [`Format`]. A share is a contiguous
/// range of nearly equal length, in HDF5 one range per type. Together, the shares contain all
/// bodies.
///
/// `path` is a file, any of several files, or the beginning of their names. Potential and
/// acceleration are read if the file has them.
///
/// # Errors
/// If the snapshot cannot be read or is inconsistent, or if its bodies do not fit into memory. Also
/// if a body of the share has a position or velocity that is not finite, or a mass that is
/// negative or not finite.
pub fn read(path: &Path, rank: usize, size: usize) -> Result<(Header, Bodies), Error> {
    read_wanted(path, &Wanted { rank, size, ..Wanted::default() })
}

/// Like [`read`], for the wanted bodies only. Other bodies may have invalid values.
///
/// # Errors
/// As [`read`].
pub fn read_wanted(path: &Path, wanted: &Wanted) -> Result<(Header, Bodies), Error> {
    let (mut header, mut bodies) = read_wanted_unchecked(path, wanted)?;
    check(path, wanted, &mut header, &mut bodies)?;
    Ok((header, bodies))
}

/// Selection of bodies to read, and the memory that they need.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// The share of this rank ...
    pub rank: usize,
    /// ... of this number of ranks.
    pub size: usize,
    /// Types that are read.
    pub kinds: [bool; TYPES],
    /// Additional memory that the caller needs per body [bytes]. Reading fails if it is not
    /// available.
    pub beside: u64,
    /// Whether masses are not used and may be invalid.
    pub massless: bool,
    /// Whether the bodies get the further columns of the file ([`Header::columns`]).
    pub columns: bool,
}

impl Default for Wanted {
    /// All bodies with all their columns.
    fn default() -> Wanted {
        Wanted { rank: 0, size: 1, kinds: [true; TYPES], beside: 0, massless: false, columns: true }
    }
}

impl Wanted {
    /// No bodies, with those of these further columns that are wanted.
    pub(super) fn empty(&self, columns: &[About]) -> Bodies {
        let mut bodies = Bodies::default();
        let has = |about: &&About| (0..TYPES).any(|kind| about.kinds[kind] && self.kinds[kind]);
        let wanted = columns.iter().filter(|about| self.columns && has(about));
        wanted.for_each(|about| bodies.add_column(about.clone()));
        bodies
    }

    /// Keeps the bodies of the wanted types.
    pub(super) fn keep(&self, bodies: &mut Bodies) {
        if bodies.kind.iter().all(|&kind| self.kinds[usize::from(kind)]) {
            return;
        }
        let wanted = bodies.kind.iter().zip(0..).filter(|(kind, _)| self.kinds[usize::from(**kind)]);
        let order: Vec<u32> = wanted.map(|(_, i)| i).collect();
        bodies.permute(&order);
    }
}

/// Checks that bodies are valid. Accelerations and potentials are not part of their state. If any
/// is invalid, all are left out.
pub(super) fn check(
    path: &Path,
    wanted: &Wanted,
    header: &mut Header,
    bodies: &mut Bodies,
) -> Result<(), Error> {
    let unsound = Unsound::of(bodies);
    unsound.leave_out(bodies);
    header.remarks.extend(unsound.remarks());
    // Unused masses are not checked.
    let ones = if wanted.massless { vec![1.0; bodies.len()] } else { Vec::new() };
    let masses = wanted.massless.then(|| std::mem::replace(&mut bodies.mass, ones));
    let checked = bodies.check();
    bodies.mass = masses.unwrap_or_else(|| std::mem::take(&mut bodies.mass));
    checked.map_err(|fault| Error::snapshot(path, fault.to_string()))
}

/// The fields outside the state of the bodies that have values that are not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsound {
    /// Whether accelerations are invalid.
    pub acceleration: bool,
    /// Whether potentials are invalid.
    pub potential: bool,
}

impl Unsound {
    /// Checks all bodies.
    pub fn of(bodies: &Bodies) -> Unsound {
        let is_unsound = |array: &Vec<f64>| array.iter().any(|x| !x.is_finite());
        Unsound { acceleration: bodies.acc.iter().any(is_unsound), potential: is_unsound(&bodies.pot) }
    }

    /// Sets the invalid fields to zero, as if the file had none.
    pub fn leave_out(self, bodies: &mut Bodies) {
        if self.acceleration {
            bodies.acc.iter_mut().for_each(|axis| axis.fill(0.0));
        }
        if self.potential {
            bodies.pot.fill(0.0);
        }
    }

    /// Remarks for the user.
    pub fn remarks(self) -> impl Iterator<Item = String> {
        let fields = [(self.acceleration, "accelerations"), (self.potential, "potentials")];
        fields
            .into_iter()
            .filter(|(unsound, _)| *unsound)
            .map(|(_, what)| format!("some {what} are not finite; all {what} are left out"))
    }
}

/// Like [`read`], but accepts bodies with invalid values.
///
/// # Errors
/// If the snapshot cannot be read or is inconsistent.
pub fn read_unchecked(path: &Path, rank: usize, size: usize) -> Result<(Header, Bodies), Error> {
    read_wanted_unchecked(path, &Wanted { rank, size, ..Wanted::default() })
}

/// Like [`read_wanted`], but accepts bodies with invalid values.
///
/// # Errors
/// If the snapshot cannot be read or is inconsistent, or its bodies do not fit into memory.
pub fn read_wanted_unchecked(path: &Path, wanted: &Wanted) -> Result<(Header, Bodies), Error> {
    let Wanted { rank, size, beside, .. } = *wanted;
    assert!(rank < size, "rank {rank} of {size}");
    let path = locate(path);
    match recognize(&path)? {
        Format::Gadget | Format::Swift => {
            let Answer { header, bodies, .. } = process::ask(&path, What::Bodies(*wanted))?;
            bodies.assert_well_formed();
            Ok((header, bodies))
        }
        format => {
            let file = Foreign::open(&path, format)?;
            let rows = share(file.header.count.iter().sum(), rank, size);
            let empty = wanted.empty(&file.header.columns);
            expect_room(&path, rows.end - rows.start, beside + empty.column_bytes())?;
            let mut bodies = file.read(&path, rank, size, empty)?;
            wanted.keep(&mut bodies);
            Ok((file.header, bodies))
        }
    }
}

/// Reads the wanted bodies of an HDF5 snapshot and sends them block by block.
pub(super) fn send_bodies(path: &Path, wanted: &Wanted, sink: &mut impl Sink) -> Result<(), Error> {
    let set = Set::open(path)?;
    let kinds = || (0..TYPES).filter(|&kind| wanted.kinds[kind]);
    let share = |kind: usize| share(set.header.count[kind], wanted.rank, wanted.size);
    let rows = kinds().map(|kind| share(kind).end - share(kind).start).sum();
    // Memory is allocated only after a check that the files hold as many rows as the header states.
    for kind in kinds() {
        set.members
            .iter()
            .try_for_each(|member| Source::new(&open(&member.path)?, member, kind).expect_all())?;
    }
    sink.header(&set.header, Some(rows))?;
    let empty = wanted.empty(&set.header.columns);
    for kind in kinds() {
        let share = share(kind);
        let mut first = 0;
        for member in &set.members {
            let within = |row: u64| row.clamp(first, first + member.count[kind]) - first;
            let rows = within(share.start)..within(share.end);
            let before: u64 = set.header.count[..kind].iter().sum();
            let numbering = set.header.numbered.then_some(before + first);
            let file = open(&member.path)?;
            let source = Source::new(&file, member, kind);
            let length = source.block(&empty)?;
            for start in rows.clone().step_by(length as usize) {
                let mut block = empty.clone();
                let range = start..(start + length).min(rows.end);
                sink.expect_work(range.end - range.start, empty.column_bytes());
                source.append(&range, numbering, &mut block)?;
                sink.bodies(&block)?;
            }
            first += member.count[kind];
        }
    }
    Ok(())
}
