//! Writing: one rank lays out the file, all ranks fill in their rows, and the file gets its name.

use super::layout::{Column, group_name, lay_out};
use super::raw::{Transfer, Writers};
use super::{Fields, Header, plain};
use crate::Error;
use crate::file::{discard, finish, part_of};
use hdf5::File;
use std::path::Path;
use treecode::{Bodies, TYPES};

/// Rows handed to HDF5 at once: bodies stream through a buffer of this many and are never copied as a whole.
const ROWS: usize = 1 << 18;

/// Writes a snapshot; collective over `writers`. This rank's bodies of each type, in their order, become the rows of that type from
/// `offset` on, of `total` over all ranks; the ranks' rows must fill the file without gap or overlap. `fields` and `header` must be
/// the same on all ranks. The file appears under its name when it is whole and on the disk.
///
/// # Errors
/// If the file cannot be written; every rank then returns the same error, and nothing is left behind.
pub fn write(
    path: &Path,
    header: &Header,
    bodies: &Bodies,
    fields: Fields,
    writers: &Writers,
    offset: [u64; TYPES],
    total: [u64; TYPES],
) -> Result<(), Error> {
    let part = part_of(path);
    let slab = Slab { bodies, places: places_by_type(bodies), offset, total };
    let once = |act: &dyn Fn() -> Result<(), String>| if writers.is_first() { act() } else { Ok(()) };
    let written = writers
        .agree(once(&|| lay_out(&part, header, fields, total)))
        .and_then(|()| fill(&part, &slab, fields, writers))
        .and_then(|()| writers.agree(once(&|| finish(&part, path).map_err(|error| error.to_string()))));
    written.map_err(|fault| {
        if writers.is_first() {
            discard(&part);
        }
        writers.agree(Ok(())).expect("nobody fails here"); // it is gone before any rank goes on
        Error::snapshot(path, format!("cannot write: {fault}"))
    })
}

/// One rank's bodies and their rows.
struct Slab<'a> {
    bodies: &'a Bodies,
    /// Places of the bodies of each type, in their order.
    places: [Vec<u32>; TYPES],
    /// First row of each type.
    offset: [u64; TYPES],
    /// Rows of each type over all ranks.
    total: [u64; TYPES],
}

fn places_by_type(bodies: &Bodies) -> [Vec<u32>; TYPES] {
    let mut places = [const { Vec::new() }; TYPES];
    bodies.kind.iter().zip(0..).for_each(|(&kind, place)| places[usize::from(kind)].push(place));
    places
}

/// Collective: writes all rows and closes the file.
fn fill(part: &Path, slab: &Slab<'_>, fields: Fields, writers: &Writers) -> Result<(), String> {
    let file = agreed(writers, writers.open(part))?;
    let filled = (0..TYPES).filter(|&kind| slab.total[kind] > 0).try_for_each(|kind| {
        Column::all(fields).try_for_each(|column| fill_column(&file, column, kind, slab, writers))
    });
    let closed = file.close().map_err(plain);
    // A rank's rows may wait in the memory of its own node: each rank forces them to the disk.
    let on_disk =
        || std::fs::File::open(part).and_then(|file| file.sync_all()).map_err(|error| error.to_string());
    writers.agree(filled.and(closed).and_then(|()| on_disk()))
}

/// Collective: the result of each rank's own step, if all ranks succeeded.
fn agreed<T>(writers: &Writers, result: hdf5::Result<T>) -> Result<T, String> {
    let (value, fault) = match result {
        Ok(value) => (Some(value), Ok(())),
        Err(error) => (None, Err(plain(error))),
    };
    writers.agree(fault)?;
    Ok(value.expect("this rank has no fault, since no rank has"))
}

/// Collective: writes one dataset of one type.
fn fill_column(
    file: &File,
    column: Column,
    kind: usize,
    slab: &Slab<'_>,
    writers: &Writers,
) -> Result<(), String> {
    let dataset = file.dataset(&format!("{}/{}", group_name(kind), column.name()));
    let dataset = agreed(writers, dataset)?;
    let transfer = agreed(writers, Transfer::new(writers))?;
    let (places, start) = (&slab.places[kind], slab.offset[kind] as usize);
    // All ranks call HDF5 equally often, also after an error, so that no rank waits for another for ever.
    let rounds = writers.largest(places.len().div_ceil(ROWS) as u64) as usize;
    let mut filled = Ok(());
    for round in 0..rounds {
        let first = (round * ROWS).min(places.len());
        let places = &places[first..(first + ROWS).min(places.len())];
        let rows = start + first..start + first + places.len();
        filled = filled.and(match column {
            Column::Ids => transfer.write(&dataset, rows, &pick(&slab.bodies.id, places)),
            _ => transfer.write(&dataset, rows, &numbers(column, slab.bodies, places)),
        });
    }
    agreed(writers, filled)
}

/// The rows of a dataset of numbers, one after the other.
fn numbers(column: Column, bodies: &Bodies, places: &[u32]) -> Vec<f64> {
    match column {
        Column::Coordinates => interleave(&bodies.pos, places),
        Column::Velocities => interleave(&bodies.vel, places),
        Column::Acceleration => interleave(&bodies.acc, places),
        Column::Masses => pick(&bodies.mass, places),
        Column::Potential => pick(&bodies.pot, places),
        Column::Ids => unreachable!("ids are not f64"),
    }
}

fn pick<T: Copy>(array: &[T], places: &[u32]) -> Vec<T> {
    places.iter().map(|&place| array[place as usize]).collect()
}

fn interleave(vector: &[Vec<f64>; 3], places: &[u32]) -> Vec<f64> {
    places.iter().flat_map(|&place| [0, 1, 2].map(|axis| vector[axis][place as usize])).collect()
}
