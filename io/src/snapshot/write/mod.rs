//! Writes snapshots. One rank lays out each file. Then the rows of all ranks are written, and the files are
//! renamed.
//!
//! MPI processes write their own rows with MPI-IO (feature `hdf5-mpio`). Otherwise the other ranks
//! send their rows block by block, and the first rank writes them. The bytes of the files are the
//! same, unless they are compressed.
//!
//! `ordered` sorts bodies into key order and makes the index before it writes. `division` divides
//! rows among files. `layout` creates a file with everything except its rows: `gadget` or `swift`
//! writes header and attributes, and `cells` the index. `together` writes with MPI-IO; `apart`
//! replaces it in builds without MPI-IO.

mod cells;
mod division;
mod gadget;
mod layout;
mod ordered;
mod swift;
#[cfg(feature = "hdf5-mpio")]
mod together;
#[cfg(not(feature = "hdf5-mpio"))]
#[path = "apart.rs"]
mod together;

pub use division::names;
pub use ordered::write_in_key_order;

use super::format::column::{Column, Content, by_type, group_name};
use super::format::raw::Transfer;
use super::{Fields, Header, Index, Layout, plain};
use crate::file::discard;
use crate::{Error, Target};
use bytemuck::Pod;
use decomposition::{Comm, Reduction, agree, collective};
use division::{Share, divide};
use hdf5::{Dataset, File, H5Type};
use layout::{CHUNK, Frame, lay_out};
use std::ops::Range;
use together::Team;
use treecode::{About, Array, Bodies, Purpose, TYPES};

/// Number of rows in the buffer that is passed to HDF5. Bodies are never copied as a whole. Tests
/// use a smaller number to get several blocks.
const ROWS: usize = if cfg!(test) { CHUNK } else { 1 << 18 };
const _: () = assert!(ROWS.is_multiple_of(CHUNK), "a compressed chunk is written by one block");

/// The bodies of a snapshot on one rank.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The bodies. The bodies of each type are written, in their order, to the rows of that type
    /// from `offset` on.
    pub bodies: &'a Bodies,
    /// First row of each type. The rows of all ranks fill the file in the order of ranks, without gap or
    /// overlap.
    pub offset: [u64; TYPES],
    /// The index of rows by position, the same on all ranks.
    pub index: &'a Index,
}

/// Writes a snapshot. `target` with its token, `header`, `fields` and `layout` must be the same on all
/// ranks. Files appear under their names when all are complete and on the disk, the first file last.
/// Collective.
///
/// # Errors
/// If a file cannot be written. Every rank then returns the same error, and no file remains.
pub fn write(
    target: &Target,
    header: &Header,
    rows: &Rows,
    fields: Fields,
    layout: &Layout,
    comm: &dyn Comm,
) -> Result<(), Error> {
    let shares = divide(target, rows.index, layout.files);
    let passengers = passengers(rows.bodies, comm).map_err(|fault| Error::snapshot(target.path(), fault))?;
    let frame =
        Frame { header, fields, passengers: &passengers, layout, target, index: rows.index, shares: &shares };
    let slab = Slab { bodies: rows.bodies, places: places_by_type(rows.bodies), offset: rows.offset };
    let leads = comm.rank() == 0;
    let written = Writing::new(&frame, &slab, comm).all().and_then(|()| {
        let files =
            || shares.iter().map(|share| (share.part.clone(), share.path.clone())).collect::<Vec<_>>();
        let settle = || target.settle(&files()).map_err(|error| error.to_string());
        agree(comm, || if leads { settle() } else { Ok(()) })
    });
    written.map_err(|fault| {
        if leads {
            shares.iter().for_each(|share| discard(&share.part));
        }
        comm.barrier(); // the parts are gone before any rank goes on
        Error::snapshot(target.path(), format!("cannot write: {fault}"))
    })
}

/// The further columns of the bodies, which must be the same on all ranks. Collective.
fn passengers(bodies: &Bodies, comm: &dyn Comm) -> Result<Vec<About>, String> {
    let abouts = bodies.columns().iter().map(|column| column.about().clone());
    let mine: Vec<About> = abouts.filter(|about| about.purpose == Purpose::Passenger).collect();
    let text = serde_json::to_vec(&mine).map_err(|error| error.to_string())?;
    let all = comm.all_gather(&text);
    match all.iter().position(|theirs| *theirs != all[0]) {
        None => Ok(mine),
        Some(rank) => {
            Err(format!("cannot write: the bodies of rank {rank} have other columns than those of rank 0"))
        }
    }
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
    /// Which of this rank's places of a type are these rows of all files.
    fn within(&self, rows: Range<u64>, kind: usize) -> Range<usize> {
        let mine = self.places[kind].len() as u64;
        let place = |row: u64| (row.max(self.offset[kind]) - self.offset[kind]).min(mine) as usize;
        place(rows.start)..place(rows.end)
    }

    /// Which of this rank's places of a type go to a file.
    fn within_file(&self, share: &Share, kind: usize) -> Range<usize> {
        self.within(share.first[kind]..share.first[kind] + share.count[kind], kind)
    }

    /// Whether this rank has rows in a file.
    fn reaches(&self, share: &Share) -> bool {
        (0..TYPES).any(|kind| !self.within_file(share, kind).is_empty())
    }
}

fn places_by_type(bodies: &Bodies) -> [Vec<u32>; TYPES] {
    let mut places = [const { Vec::new() }; TYPES];
    bodies.kind.iter().zip(0..).for_each(|(&kind, place)| places[usize::from(kind)].push(place));
    places
}

/// Open files. All methods are collective: every rank makes the same calls in the same order, so that no
/// rank waits for another for ever.
struct Writing<'a> {
    frame: &'a Frame<'a>,
    slab: &'a Slab<'a>,
    comm: &'a dyn Comm,
    /// The processes that write each file together with this rank. `None` if the first rank writes all
    /// files.
    teams: Option<Vec<Option<Team<'a>>>>,
}

impl<'a> Writing<'a> {
    fn new(frame: &'a Frame<'a>, slab: &'a Slab<'a>, comm: &'a dyn Comm) -> Writing<'a> {
        // A file without rows is the first rank's.
        let leads = comm.rank() == 0;
        let takes_part = |share: &Share| slab.reaches(share) || (share.is_empty() && leads);
        let takes_part: Vec<bool> = frame.shares.iter().map(takes_part).collect();
        Writing { frame, slab, comm, teams: Team::all(comm, &takes_part) }
    }

    /// Writes all files.
    fn all(&self) -> Result<(), String> {
        agree(self.comm, || {
            let mut own = self.frame.shares.iter().enumerate().filter(|(number, _)| self.lays_out(*number));
            own.try_for_each(|(_, share)| lay_out(self.frame, share))
        })?;
        let files = agree(self.comm, || self.open().map_err(plain))?;
        let filled = agree(self.comm, || self.transfer().map_err(plain))
            .and_then(|transfer| self.fill(&files, &transfer));
        // Every rank closes all of its files: others of their teams wait for that.
        let closed: Vec<_> = files.into_iter().flatten().map(File::close).collect();
        let closed = closed.into_iter().collect::<hdf5::Result<()>>().map_err(plain);
        agree(self.comm, || filled.and(closed).and_then(|()| self.on_disk()))
    }

    fn lays_out(&self, number: usize) -> bool {
        match &self.teams {
            Some(teams) => teams[number].as_ref().is_some_and(Team::is_first),
            None => self.comm.rank() == 0,
        }
    }

    /// Opens the files that this rank writes.
    fn open(&self) -> hdf5::Result<Vec<Option<File>>> {
        let hints = &self.frame.layout.hints;
        let open = |(number, share): (usize, &Share)| match &self.teams {
            Some(teams) => teams[number].as_ref().map(|team| team.open(&share.part, hints)).transpose(),
            None => (self.comm.rank() == 0).then(|| File::open_rw(&share.part)).transpose(),
        };
        // No rank leaves out a file after an error: others of its team count on it.
        let opened: Vec<_> = self.frame.shares.iter().enumerate().map(open).collect();
        opened.into_iter().collect()
    }

    fn transfer(&self) -> hdf5::Result<Transfer> {
        if self.teams.is_some() { Team::transfer() } else { Transfer::new() }
    }

    /// A rank's rows may wait in the memory of its own node: each rank forces them to the disk.
    fn on_disk(&self) -> Result<(), String> {
        let is_own = |number: usize| match &self.teams {
            Some(teams) => teams[number].is_some(),
            None => self.comm.rank() == 0,
        };
        let own = self.frame.shares.iter().enumerate().filter(|(number, _)| is_own(*number));
        let sync = |share: &Share| std::fs::File::open(&share.part).and_then(|file| file.sync_all());
        own.map(|(_, share)| share).try_for_each(sync).map_err(|error| error.to_string())
    }

    /// Writes all rows.
    fn fill(&self, files: &[Option<File>], transfer: &Transfer) -> Result<(), String> {
        let all = self.frame.index.total();
        (0..TYPES).filter(|&kind| all[kind] > 0).try_for_each(|kind| {
            let mut contents = self.frame.contents(kind);
            contents.try_for_each(|content| self.fill_column(files, transfer, kind, content))
        })
    }

    /// Writes the datasets of one column of one type.
    fn fill_column(
        &self,
        files: &[Option<File>],
        transfer: &Transfer,
        kind: usize,
        content: Content,
    ) -> Result<(), String> {
        let Frame { layout, .. } = *self.frame;
        let name = content.name(layout.flavour);
        let path = format!("{}/{name}", group_name(kind));
        let open = |(file, share): (&Option<File>, &Share)| {
            let file = file.as_ref().filter(|_| share.count[kind] > 0);
            file.map(|file| file.dataset(&path)).transpose()
        };
        let datasets = || files.iter().zip(self.frame.shares).map(open).collect::<hdf5::Result<Vec<_>>>();
        let datasets = agree(self.comm, || datasets().map_err(plain))?;
        let target = ColumnOfType { datasets: &datasets, transfer, kind };
        let bodies = self.slab.bodies;
        match content {
            Content::State(Column::Ids) => self.fill_rows(&target, |places| (pick(&bodies.id, places), None)),
            Content::State(column) if layout.single => self
                .fill_rows(&target, |places| round_all(&numbers(column, self.frame, bodies, places), name)),
            Content::State(column) => {
                self.fill_rows(&target, |places| (numbers(column, self.frame, bodies, places), None))
            }
            Content::Passenger(about) => {
                let column = bodies.columns().iter().find(|column| column.about() == about);
                let array = column.expect("the columns of the frame are those of the bodies").array();
                by_type!(Array, array, array => {
                    self.fill_rows(&target, |places| (pick_rows(array, about.width, places), None))
                })
            }
        }
    }

    /// Writes the rows of a column. `values` takes them from the bodies at these places, or returns an error.
    fn fill_rows<T: Pod + H5Type>(
        &self,
        target: &ColumnOfType,
        values: impl Fn(&[u32]) -> (Vec<T>, Option<String>),
    ) -> Result<(), String> {
        let filled = match &self.teams {
            Some(_) => self.fill_own_rows(target, values),
            None => self.fill_rows_of_all(target, values),
        };
        agree(self.comm, || filled)
    }

    /// Each rank writes its own rows, together with the others.
    fn fill_own_rows<T: Pod + H5Type>(
        &self,
        target: &ColumnOfType,
        values: impl Fn(&[u32]) -> (Vec<T>, Option<String>),
    ) -> Result<(), String> {
        let kind = target.kind;
        // All rows of a compressed chunk are written at once. Otherwise it would be compressed again and
        // leave a hole in the file.
        let at_once = if self.frame.layout.compression > 0 { usize::MAX } else { ROWS };
        let files = || self.frame.shares.iter().zip(target.datasets);
        let own = |share: &Share| self.slab.within_file(share, kind);
        // All ranks call HDF5 equally often, also after an error.
        let longest = files().map(|(share, _)| own(share).len()).max().unwrap_or(0);
        let mut rounds = [longest.div_ceil(at_once) as u64];
        self.comm.all_reduce(&mut rounds, Reduction::Max);
        let mut filled = Ok(());
        for round in 0..rounds[0] as usize {
            for (share, dataset) in files() {
                let (own, Some(dataset)) = (own(share), dataset) else { continue };
                let first = round.saturating_mul(at_once).min(own.len());
                let places = own.start + first..own.start + first.saturating_add(at_once).min(own.len());
                let row = self.slab.offset[kind] + places.start as u64;
                let row = row.saturating_sub(share.first[kind]) as usize;
                let rows = if places.is_empty() { 0..0 } else { row..row + places.len() };
                let (values, fault) = values(&self.slab.places[kind][places]);
                let done = target.transfer.write(dataset, rows, &values).map_err(plain);
                filled = filled.and(done).and(fault.map_or(Ok(()), Err));
            }
        }
        filled
    }

    /// The first rank writes the rows of all, a block at a time.
    fn fill_rows_of_all<T: Pod + H5Type>(
        &self,
        target: &ColumnOfType,
        values: impl Fn(&[u32]) -> (Vec<T>, Option<String>),
    ) -> Result<(), String> {
        let kind = target.kind;
        let mut filled = Ok(());
        for (share, dataset) in self.frame.shares.iter().zip(target.datasets) {
            for first in (0..share.count[kind]).step_by(ROWS) {
                let rows = first..(first + ROWS as u64).min(share.count[kind]);
                let of_all = share.first[kind] + rows.start..share.first[kind] + rows.end;
                let places = self.slab.within(of_all, kind);
                let (values, fault) = values(&self.slab.places[kind][places]);
                let values = self.to_first(values);
                // After an error the blocks go on: the other ranks send theirs.
                let done = match dataset {
                    Some(dataset) if filled.is_ok() => {
                        let rows = rows.start as usize..rows.end as usize;
                        target.transfer.write(dataset, rows, &values).map_err(plain)
                    }
                    _ => Ok(()),
                };
                filled = filled.and(done).and(fault.map_or(Ok(()), Err));
            }
        }
        filled
    }

    /// What all ranks have, in the order of ranks, on the first rank.
    fn to_first<T: Pod>(&self, mut mine: Vec<T>) -> Vec<T> {
        let mut out = vec![Vec::new(); self.comm.size()];
        if self.comm.rank() > 0 {
            out[0] = bytemuck::cast_slice(&mine).to_vec();
            mine.clear();
        }
        let others = self.comm.exchange(out);
        others.iter().for_each(|bytes| mine.extend(collective::from_bytes::<T>(bytes)));
        mine
    }
}

/// Where the rows of one column of one type go.
struct ColumnOfType<'a> {
    /// The dataset in each file, on the ranks that write the file, if it has bodies of the type.
    datasets: &'a [Option<Dataset>],
    transfer: &'a Transfer,
    kind: usize,
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
    let mut numbers = unscaled(column, frame, bodies, places);
    let factor = frame.factor(column);
    if factor != 1.0 {
        numbers.iter_mut().for_each(|number| *number *= factor);
    }
    numbers
}

/// The same without the factors of an expanding universe.
fn unscaled(column: Column, frame: &Frame, bodies: &Bodies, places: &[u32]) -> Vec<f64> {
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

/// Positions relative to the origin of the file. They stay below the side of its box even if single
/// precision rounds them up.
fn moved(frame: &Frame, bodies: &Bodies, places: &[u32]) -> Vec<f64> {
    let (origin, last) = (frame.origin(), frame.box_size() * (1.0 - f64::from(f32::EPSILON)));
    let place = |place: &u32, axis: usize| (bodies.pos[axis][*place as usize] - origin[axis]).min(last);
    places.iter().flat_map(|i| [0, 1, 2].map(|axis| place(i, axis))).collect()
}

fn pick<T: Copy>(array: &[T], places: &[u32]) -> Vec<T> {
    places.iter().map(|&place| array[place as usize]).collect()
}

/// The values of these bodies in an array with `width` values each.
fn pick_rows<T: Copy>(array: &[T], width: usize, places: &[u32]) -> Vec<T> {
    let row = |&place: &u32| &array[place as usize * width..(place as usize + 1) * width];
    places.iter().flat_map(row).copied().collect()
}

fn interleave(vector: &[Vec<f64>; 3], places: &[u32]) -> Vec<f64> {
    places.iter().flat_map(|&place| [0, 1, 2].map(|axis| vector[axis][place as usize])).collect()
}
