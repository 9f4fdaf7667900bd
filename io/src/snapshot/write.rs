//! Writing: one rank lays out each file, all ranks fill in their rows, and the files get their names.

use super::column::Column;
use super::division::{Share, divide};
use super::layout::{Frame, group_name, lay_out};
use super::raw::{Group, Transfer, Writers};
use super::{Fields, Header, Index, Layout, plain};
use crate::file::discard;
use crate::{Error, Target};
use hdf5::File;
use std::ops::Range;
use treecode::{Bodies, TYPES};

/// Rows handed to HDF5 at once: bodies stream through a buffer of this many and are never copied as a whole.
const ROWS: usize = 1 << 18;

/// One rank's part of the bodies of a snapshot.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Its bodies. Those of each type, in their order, become the rows of that type from `offset` on.
    pub bodies: &'a Bodies,
    /// First row of each type; the ranks' rows must fill all rows without gap or overlap.
    pub offset: [u64; TYPES],
    /// Which rows of all ranks lie where; the same on all ranks.
    pub index: &'a Index,
}

/// Writes a snapshot; collective over `writers`. `target` with its token, `header`, `fields` and `layout` must be the same on all ranks. Files
/// appear under their names when all are whole and on the disk, the first file last.
///
/// # Errors
/// If a file cannot be written; every rank then returns the same error, and nothing is left behind.
pub fn write(
    target: &Target,
    header: &Header,
    rows: &Rows,
    fields: Fields,
    layout: &Layout,
    writers: &Writers,
) -> Result<(), Error> {
    let shares = divide(target, rows.index, layout.files);
    let frame = Frame { header, fields, layout, target, index: rows.index, shares: &shares };
    let slab = Slab { bodies: rows.bodies, places: places_by_type(rows.bodies), offset: rows.offset };
    let written = writers.agree(|| write_parts(&frame, &slab, writers)).and_then(|()| {
        let files =
            || shares.iter().map(|share| (share.part.clone(), share.path.clone())).collect::<Vec<_>>();
        let settle = || target.settle(&files()).map_err(|error| error.to_string());
        writers.agree(|| if writers.is_first() { settle() } else { Ok(()) })
    });
    written.map_err(|fault| {
        if writers.is_first() {
            shares.iter().for_each(|share| discard(&share.part));
        }
        writers.agree(|| Ok(())).expect("nobody fails here"); // it is gone before any rank goes on
        Error::snapshot(target.path(), format!("cannot write: {fault}"))
    })
}

/// One rank's bodies and their rows.
struct Slab<'a> {
    bodies: &'a Bodies,
    /// Places of the bodies of each type, in their order.
    places: [Vec<u32>; TYPES],
    /// First row of each type.
    offset: [u64; TYPES],
}

impl Slab<'_> {
    /// Which of this rank's places of a type go to a file.
    fn within(&self, share: &Share, kind: usize) -> Range<usize> {
        let mine = self.places[kind].len() as u64;
        let place = |row: u64| (row.max(self.offset[kind]) - self.offset[kind]).min(mine) as usize;
        place(share.first[kind])..place(share.first[kind] + share.count[kind])
    }

    /// Whether this rank has rows in a file.
    fn reaches(&self, share: &Share) -> bool {
        (0..TYPES).any(|kind| !self.within(share, kind).is_empty())
    }
}

fn places_by_type(bodies: &Bodies) -> [Vec<u32>; TYPES] {
    let mut places = [const { Vec::new() }; TYPES];
    bodies.kind.iter().zip(0..).for_each(|(&kind, place)| places[usize::from(kind)].push(place));
    places
}

/// Writes all files that this rank has a part in, each together with the other ranks that have, so that several files are written at a time.
fn write_parts(frame: &Frame, slab: &Slab, writers: &Writers) -> Result<(), String> {
    if let [share] = frame.shares {
        return write_part(frame, share, slab, writers);
    }
    let takes_part = |share: &Share| slab.reaches(share) || (share.is_empty() && writers.is_first());
    let groups: Vec<Option<Group>> =
        frame.shares.iter().map(|share| writers.subset(takes_part(share))).collect();
    // No rank leaves out a file after an error: others count on it.
    let mut written = Ok(());
    for (share, group) in frame.shares.iter().zip(&groups) {
        if let Some(group) = group {
            written = written.and(write_part(frame, share, slab, &group.writers()));
        }
    }
    written
}

/// Collective: lays out a file and fills it.
fn write_part(frame: &Frame, share: &Share, slab: &Slab, writers: &Writers) -> Result<(), String> {
    writers.agree(|| if writers.is_first() { lay_out(frame, share) } else { Ok(()) })?;
    fill(frame, share, slab, writers)
}

/// Collective: writes all rows and closes the file.
fn fill(frame: &Frame, share: &Share, slab: &Slab, writers: &Writers) -> Result<(), String> {
    let part = &share.part;
    let file = agreed(writers, || writers.open(part, &frame.layout.hints))?;
    let filled = (0..TYPES).filter(|&kind| share.count[kind] > 0).try_for_each(|kind| {
        let place = TypeInFile {
            file: &file,
            frame,
            kind,
            places: slab.within(share, kind),
            first: share.first[kind],
        };
        Column::all(frame.fields).try_for_each(|column| fill_column(&place, column, slab, writers))
    });
    let closed = file.close().map_err(plain);
    // A rank's rows may wait in the memory of its own node: each rank forces them to the disk.
    let on_disk =
        || std::fs::File::open(part).and_then(|file| file.sync_all()).map_err(|error| error.to_string());
    writers.agree(|| filled.and(closed).and_then(|()| on_disk()))
}

/// Collective: the result of each rank's own step, if all ranks succeeded.
fn agreed<T>(writers: &Writers, step: impl FnOnce() -> hdf5::Result<T>) -> Result<T, String> {
    let mut value = None;
    writers.agree(|| {
        value = Some(step().map_err(plain)?);
        Ok(())
    })?;
    Ok(value.expect("this rank has no fault, since no rank has"))
}

/// One type in one file.
struct TypeInFile<'a> {
    file: &'a File,
    frame: &'a Frame<'a>,
    kind: usize,
    /// Those of this rank's places of the type that go to the file.
    places: Range<usize>,
    /// The row of all files that is the first of this one.
    first: u64,
}

/// Collective: writes one dataset of one type.
fn fill_column(place: &TypeInFile, column: Column, slab: &Slab, writers: &Writers) -> Result<(), String> {
    let Frame { layout, .. } = *place.frame;
    let name = column.name(layout.flavour);
    let dataset = agreed(writers, || place.file.dataset(&format!("{}/{name}", group_name(place.kind))))?;
    let transfer = agreed(writers, || Transfer::new(writers))?;
    let places = &slab.places[place.kind][place.places.clone()];
    let start = (slab.offset[place.kind] + place.places.start as u64).saturating_sub(place.first) as usize;
    // A compressed chunk is written once, or it would be compressed anew and leave a hole behind: its rows come all at once.
    let at_once = if layout.compression > 0 { usize::MAX } else { ROWS };
    // All ranks call HDF5 equally often, also after an error, so that no rank waits for another for ever.
    let rounds = writers.largest(places.len().div_ceil(at_once) as u64) as usize;
    let mut filled = Ok(());
    for round in 0..rounds {
        let first = round.saturating_mul(at_once).min(places.len());
        let places = &places[first..first.saturating_add(at_once).min(places.len())];
        let rows = if places.is_empty() { 0..0 } else { start + first..start + first + places.len() };
        let done = match column {
            Column::Ids => transfer.write(&dataset, rows, &pick(&slab.bodies.id, places)),
            _ if layout.single => {
                let (rounded, fault) = round_all(&numbers(column, place.frame, slab.bodies, places), name);
                transfer.write(&dataset, rows, &rounded).and(fault.map_or(Ok(()), |fault| Err(fault.into())))
            }
            _ => transfer.write(&dataset, rows, &numbers(column, place.frame, slab.bodies, places)),
        };
        filled = filled.and(done);
    }
    agreed(writers, || filled)
}

/// Numbers in single precision, and what is wrong if one of them cannot be told in it.
fn round_all(values: &[f64], name: &str) -> (Vec<f32>, Option<String>) {
    let rounded: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let lost = |value: f64, rounded: f32| {
        !rounded.is_finite() || (rounded == 0.0 && value != 0.0 && name == "Masses")
    };
    let first = values.iter().zip(&rounded).find(|(value, rounded)| lost(**value, **rounded));
    (
        rounded.clone(),
        first.map(|(value, _)| format!("{name} has the number {value:e}, which is beyond single precision")),
    )
}

/// The rows of a dataset of numbers, one after the other.
fn numbers(column: Column, frame: &Frame, bodies: &Bodies, places: &[u32]) -> Vec<f64> {
    match column {
        Column::Coordinates if frame.is_moved() => moved(frame, bodies, places),
        Column::Coordinates => interleave(&bodies.pos, places),
        Column::Velocities => interleave(&bodies.vel, places),
        Column::Acceleration => interleave(&bodies.acc, places),
        Column::Masses => pick(&bodies.mass, places),
        Column::Potential => pick(&bodies.pot, places),
        Column::TimeStep => {
            let longest = frame.fields.time_step.unwrap_or_default();
            places.iter().map(|&i| longest * 0.5f64.powi(i32::from(bodies.rung[i as usize]))).collect()
        }
        Column::Ids => unreachable!("ids are not f64"),
    }
}

/// Positions relative to the origin of the file, below the side of its box even where single precision rounds them up.
fn moved(frame: &Frame, bodies: &Bodies, places: &[u32]) -> Vec<f64> {
    let (origin, last) = (frame.origin(), frame.box_size() * (1.0 - f64::from(f32::EPSILON)));
    let place = |place: &u32, axis: usize| (bodies.pos[axis][*place as usize] - origin[axis]).min(last);
    places.iter().flat_map(|i| [0, 1, 2].map(|axis| place(i, axis))).collect()
}

fn pick<T: Copy>(array: &[T], places: &[u32]) -> Vec<T> {
    places.iter().map(|&place| array[place as usize]).collect()
}

fn interleave(vector: &[Vec<f64>; 3], places: &[u32]) -> Vec<f64> {
    places.iter().flat_map(|&place| [0, 1, 2].map(|axis| vector[axis][place as usize])).collect()
}
