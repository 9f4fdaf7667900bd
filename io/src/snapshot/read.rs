//! Reading: each rank takes its share of each type, on its own.

use super::column::Column;
use super::layout::group_name;
use super::outside::{self, Storage};
use super::process::{self, Answer, Sink, What};
use super::raw::{Numbers, numbers_of};
use super::set::{Member, Set, locate, open, sibling};
use super::{Format, Header, plain};
use crate::Error;
use crate::foreign::{Foreign, recognize, share};
use crate::memory::{BODY, expect_room, memory};
use hdf5::{Dataset, File};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::{Path, PathBuf};
use treecode::{Bodies, TYPES};

/// Rows read at once.
const ROWS: usize = 1 << 18;
/// The same of chunks that are larger, at most.
const MOST_ROWS: usize = 1 << 24;
/// Rows of all columns read at once, at least.
const BLOCK: u64 = 1 << 20;
/// Numbers that the best compression makes of one byte.
const MOST_INFLATED: u64 = 1 << 11;

/// What a snapshot says beside its bodies.
///
/// # Errors
/// If it cannot be read, is no snapshot, or its counts disagree.
pub fn read_header(path: &Path) -> Result<Header, Error> {
    let path = locate(path);
    match recognize(&path)? {
        Format::Gadget | Format::Swift => Ok(process::ask(&path, What::Header)?.header),
        format => Foreign::open(&path, format).map(|file| file.header),
    }
}

/// The files of the snapshot that `path` names.
///
/// # Errors
/// If it cannot be read, is no snapshot, or its counts disagree.
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

/// The share of rank `rank` of `size`, of a file of any [`Format`]: contiguous parts of nearly equal length, of HDF5 one of each type. All
/// shares together are all bodies. `path` is a file, any of several files, or what their names begin with. Potential and acceleration
/// are read where the file has them.
///
/// # Errors
/// If the snapshot cannot be read or is at odds with itself, if its bodies do not fit into memory, or if a body of the share has a position or
/// velocity that is not finite, or a mass that is not above 0.
pub fn read(path: &Path, rank: usize, size: usize) -> Result<(Header, Bodies), Error> {
    read_wanted(path, &Wanted { rank, size, ..Wanted::default() })
}

/// As [`read`], of the bodies that are wanted: others may be as impossible as they like.
///
/// # Errors
/// As [`read`].
pub fn read_wanted(path: &Path, wanted: &Wanted) -> Result<(Header, Bodies), Error> {
    let (mut header, mut bodies) = read_wanted_unchecked(path, wanted)?;
    check(path, wanted, &mut header, &mut bodies)?;
    Ok((header, bodies))
}

/// Which bodies are read, and what memory they need.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Wanted {
    /// The share of this rank ...
    pub rank: usize,
    /// ... of so many.
    pub size: usize,
    /// Types that are read.
    pub kinds: [bool; TYPES],
    /// What will be needed for each body beside itself [bytes]: reading fails if there is not as much memory.
    pub beside: u64,
    /// Whether masses are of no use, and may be whatever they are.
    pub massless: bool,
}

impl Default for Wanted {
    /// All bodies.
    fn default() -> Wanted {
        Wanted { rank: 0, size: 1, kinds: [true; TYPES], beside: 0, massless: false }
    }
}

impl Wanted {
    /// Keeps the bodies of the types wanted.
    pub(super) fn keep(&self, bodies: &mut Bodies) {
        if bodies.kind.iter().all(|&kind| self.kinds[usize::from(kind)]) {
            return;
        }
        let wanted = bodies.kind.iter().zip(0..).filter(|(kind, _)| self.kinds[usize::from(**kind)]);
        let order: Vec<u32> = wanted.map(|(_, i)| i).collect();
        bodies.permute(&order);
    }
}

/// Makes sure that bodies can be used. Accelerations and potentials are no part of their state: if any is impossible, all are left out.
pub(super) fn check(
    path: &Path,
    wanted: &Wanted,
    header: &mut Header,
    bodies: &mut Bodies,
) -> Result<(), Error> {
    let unsound = Unsound::of(bodies);
    unsound.leave_out(bodies);
    header.remarks.extend(unsound.remarks());
    // What is not used is not looked at.
    let ones = if wanted.massless { vec![1.0; bodies.len()] } else { Vec::new() };
    let masses = wanted.massless.then(|| std::mem::replace(&mut bodies.mass, ones));
    let checked = bodies.check();
    bodies.mass = masses.unwrap_or_else(|| std::mem::take(&mut bodies.mass));
    checked.map_err(|fault| Error::snapshot(path, fault.to_string()))
}

/// Which of the fields that are no part of the state of bodies have a value that is not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsound {
    /// Accelerations.
    pub acceleration: bool,
    /// Potentials.
    pub potential: bool,
}

impl Unsound {
    /// Looks at all bodies.
    pub fn of(bodies: &Bodies) -> Unsound {
        let is_unsound = |array: &Vec<f64>| array.iter().any(|x| !x.is_finite());
        Unsound { acceleration: bodies.acc.iter().any(is_unsound), potential: is_unsound(&bodies.pot) }
    }

    /// Sets these fields to zero, as if the file had none.
    pub fn leave_out(self, bodies: &mut Bodies) {
        if self.acceleration {
            bodies.acc.iter_mut().for_each(|axis| axis.fill(0.0));
        }
        if self.potential {
            bodies.pot.fill(0.0);
        }
    }

    /// What a user should know of it.
    pub fn remarks(self) -> impl Iterator<Item = String> {
        let fields = [(self.acceleration, "accelerations"), (self.potential, "potentials")];
        fields
            .into_iter()
            .filter(|(unsound, _)| *unsound)
            .map(|(_, what)| format!("some {what} are not finite; all {what} are left out"))
    }
}

/// As [`read`], but takes bodies with impossible values as they are.
///
/// # Errors
/// If the snapshot cannot be read or is at odds with itself.
pub fn read_unchecked(path: &Path, rank: usize, size: usize) -> Result<(Header, Bodies), Error> {
    read_wanted_unchecked(path, &Wanted { rank, size, ..Wanted::default() })
}

/// As [`read_wanted`], but takes bodies with impossible values as they are.
///
/// # Errors
/// If the snapshot cannot be read or is at odds with itself, or its bodies do not fit into memory.
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
            expect_room(&path, rows.end - rows.start, beside)?;
            let mut bodies = file.read(&path, rank, size)?;
            wanted.keep(&mut bodies);
            Ok((file.header, bodies))
        }
    }
}

/// Sends the bodies that are wanted of an HDF5 snapshot, block by block.
pub(super) fn send_bodies(path: &Path, wanted: &Wanted, sink: &mut impl Sink) -> Result<(), Error> {
    let set = Set::open(path)?;
    let kinds = || (0..TYPES).filter(|&kind| wanted.kinds[kind]);
    let share = |kind: usize| share(set.header.count[kind], wanted.rank, wanted.size);
    let rows = kinds().map(|kind| share(kind).end - share(kind).start).sum();
    // What the header counts must be in the files before anyone takes memory for it.
    for kind in kinds() {
        set.members
            .iter()
            .try_for_each(|member| Source::new(&open(&member.path)?, member, kind).expect_all())?;
    }
    sink.header(&set.header, Some(rows))?;
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
            let length = source.block()?;
            for start in rows.clone().step_by(length as usize) {
                let mut block = Bodies::default();
                let range = start..(start + length).min(rows.end);
                sink.expect_work(range.end - range.start);
                source.append(&range, numbering, &mut block)?;
                sink.bodies(&block)?;
            }
            first += member.count[kind];
        }
    }
    Ok(())
}

/// What to do about a filter that the library does not have. The names are those of the register of filters of the HDF Group.
fn unknown_filter(id: i32) -> String {
    let name = match id {
        4 => "szip",
        305 => "LZO",
        307 => "bzip2",
        32000 => "LZF",
        32001 => "Blosc",
        32004 => "LZ4",
        32008 => "bitshuffle",
        32013 => "ZFP",
        32015 => "Zstandard",
        32017 => "SZ",
        32026 => "Blosc2",
        _ => "of another program",
    };
    format!(
        "is compressed with the filter {id} ({name}), which the HDF5 library lacks; read it with h5py and write it with \
         compression=\"gzip\", or name a folder with the plugin of the filter in HDF5_PLUGIN_PATH"
    )
}

/// The datasets of one type in one file.
pub(super) struct Source<'a> {
    file: &'a File,
    member: &'a Member,
    kind: usize,
    group: String,
}

/// A dataset whose shape is right.
struct Rows {
    column: Column,
    dataset: Dataset,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a File, member: &'a Member, kind: usize) -> Source<'a> {
        Source { file, member, kind, group: group_name(member.group.unwrap_or(kind)) }
    }

    /// Appends these rows; without ids, the rows of the file are numbered from `numbering` on.
    pub(super) fn append(
        &self,
        rows: &Range<u64>,
        numbering: Option<u64>,
        bodies: &mut Bodies,
    ) -> Result<(), Error> {
        let before = bodies.pos[0].len();
        self.vectors(&self.required(Column::Coordinates)?, rows, &mut bodies.pos)?;
        for (axis, origin) in
            bodies.pos.iter_mut().zip(self.member.origin).filter(|(_, origin)| *origin != 0.0)
        {
            axis[before..].iter_mut().for_each(|x| *x += origin);
        }
        self.vectors(&self.required(Column::Velocities)?, rows, &mut bodies.vel)?;
        let length = bodies.pos[0].len();
        match numbering {
            Some(first) => bodies.id.extend(rows.clone().map(|row| first + row)),
            None => self.ids(&self.required(Column::Ids)?, rows, &mut bodies.id)?,
        }
        match (self.open(Column::Masses)?, self.member.mass_table[self.kind]) {
            (Some(masses), 0.0) => self.numbers(&masses, rows, &mut bodies.mass)?,
            (None, 0.0) => {
                let fault = format!("is missing, and /Header MassTable[{}] is 0", self.kind);
                return Err(self.wrong(Column::Masses, &fault));
            }
            (_, mass) => bodies.mass.resize(length, mass),
        }
        if let Some(acceleration) = self.open(Column::Acceleration)? {
            self.vectors(&acceleration, rows, &mut bodies.acc)?;
        }
        if let Some(potential) = self.open(Column::Potential)? {
            self.numbers(&potential, rows, &mut bodies.pot)?;
        }
        bodies.kind.resize(length, self.kind as u8);
        bodies.fill_up();
        Ok(())
    }

    fn wrong(&self, column: Column, fault: &str) -> Error {
        Error::snapshot(&self.member.path, format!("/{}/{} {fault}", self.group, self.name(column)))
    }

    fn name(&self, column: Column) -> &'static str {
        column.name(self.member.flavour)
    }

    /// Rows to read at once: those of large chunks, if there is memory for them.
    pub(super) fn block(&self) -> Result<u64, Error> {
        if self.member.count[self.kind] == 0 {
            return Ok(BLOCK);
        }
        let rows = rows_at_once(&self.required(Column::Coordinates)?.dataset) as u64;
        let room = memory().map_or(u64::MAX, |memory| memory.available / (8 * BODY));
        Ok(rows.min(room).max(BLOCK))
    }

    /// What the header counts must be there, and no more.
    fn expect_all(&self) -> Result<(), Error> {
        if self.member.count[self.kind] == 0 {
            return self.expect_no_more();
        }
        [Column::Coordinates, Column::Velocities]
            .into_iter()
            .try_for_each(|column| self.required(column).map(|_| ()))
    }

    /// A type that the header does not count must not be there.
    fn expect_no_more(&self) -> Result<(), Error> {
        if self.member.group.is_some() {
            return Ok(()); // which stands for one type only
        }
        let name = format!("{}/Coordinates", self.group);
        let has_rows = self.file.link_exists(&self.group)
            && self.file.dataset(&name).is_ok_and(|dataset| dataset.size() > 0);
        if has_rows {
            Err(self.wrong(Column::Coordinates, "has rows, but /Header counts none"))
        } else {
            Ok(())
        }
    }

    fn required(&self, column: Column) -> Result<Rows, Error> {
        self.open(column)?.ok_or_else(|| self.wrong(column, "is missing"))
    }

    /// The dataset if it is there. Its shape must be what the header says and its bytes must be there before memory is taken for it.
    fn open(&self, column: Column) -> Result<Option<Rows>, Error> {
        let count = self.member.count[self.kind];
        let name = format!("{}/{}", self.group, self.name(column));
        outside::check_link(self.file, &self.member.path, &name)
            .map_err(|fault| Error::snapshot(&self.member.path, fault))?;
        if !self.file.link_exists(&name) {
            return Ok(None);
        }
        let dataset = self.file.dataset(&name).map_err(|error| self.wrong(column, &plain(error)))?;
        let shape = dataset.shape();
        let fits = match column.width() {
            1 => shape.len() == 1,
            width => shape.len() == 2 && shape[1] == width,
        };
        if !fits {
            let expected = if column.width() == 1 {
                format!("[{count}]")
            } else {
                format!("[{count}, {}]", column.width())
            };
            return Err(self.wrong(column, &format!("has shape {shape:?}, must be {expected}")));
        }
        if shape[0] as u64 != count {
            return Err(self.wrong(column, &format!("has {} rows, but /Header counts {count}", shape[0])));
        }
        // Chunks may be compressed, or not there at all; then the library would make up numbers.
        let storage = outside::check_storage(&dataset, &self.member.path);
        let (bytes, length) = match storage.map_err(|fault| self.wrong(column, &fault))? {
            Storage::Inside => (dataset.storage_size(), self.file.size()),
            Storage::Outside { bytes } => (bytes, bytes),
        };
        if dataset.size() as u64 > bytes.saturating_mul(MOST_INFLATED) || bytes > length {
            return Err(self.wrong(column, &format!("has {count} rows, but their data are not in the file")));
        }
        if let Some(filter) = dataset.filters().iter().find(|filter| !filter.is_available()) {
            return Err(self.wrong(column, &unknown_filter(filter.id())));
        }
        Ok(Some(Rows { column, dataset }))
    }

    fn vectors(&self, rows: &Rows, range: &Range<u64>, vector: &mut [Vec<f64>; 3]) -> Result<(), Error> {
        self.expect_numbers(rows)?;
        vector.iter_mut().try_for_each(|axis| self.reserve(rows, range, axis))?;
        for block in blocks(range, rows_at_once(&rows.dataset)) {
            let values = rows.dataset.read_slice_2d::<f64, _>((block, ..));
            let values = values.map_err(|error| self.unreadable(rows, error))?;
            for (axis, column) in vector.iter_mut().zip(values.columns()) {
                axis.extend(column);
            }
        }
        Ok(())
    }

    fn numbers(&self, rows: &Rows, range: &Range<u64>, array: &mut Vec<f64>) -> Result<(), Error> {
        self.expect_numbers(rows)?;
        self.read_into(rows, range, array, |value: f64| value)
    }

    fn ids(&self, rows: &Rows, range: &Range<u64>, array: &mut Vec<u64>) -> Result<(), Error> {
        match self.kind_of(rows)? {
            Numbers::Unsigned { bytes: ..=8 } => self.read_into(rows, range, array, |id: u64| id),
            // The bits of a negative id are as good a name.
            Numbers::Signed { bytes: ..=8 } => self.read_into(rows, range, array, |id: i64| id as u64),
            Numbers::Unsigned { bytes } | Numbers::Signed { bytes } => {
                Err(self.wrong(rows.column, &format!("has numbers of {bytes} bytes, must be of at most 8")))
            }
            Numbers::Floats | Numbers::None => {
                Err(self.wrong(rows.column, "has other data than whole numbers"))
            }
        }
    }

    fn read_into<S: hdf5::H5Type + Copy, T>(
        &self,
        rows: &Rows,
        range: &Range<u64>,
        array: &mut Vec<T>,
        convert: impl Fn(S) -> T,
    ) -> Result<(), Error> {
        self.reserve(rows, range, array)?;
        for block in blocks(range, rows_at_once(&rows.dataset)) {
            let values = rows.dataset.read_slice_1d::<S, _>(block);
            array.extend(
                values.map_err(|error| self.unreadable(rows, error))?.iter().map(|&value| convert(value)),
            );
        }
        Ok(())
    }

    fn reserve<T>(&self, rows: &Rows, range: &Range<u64>, array: &mut Vec<T>) -> Result<(), Error> {
        let length = range.end - range.start;
        let full =
            || self.wrong(rows.column, &format!("has {length} rows to read, which do not fit in memory"));
        array.try_reserve_exact(usize::try_from(length).map_err(|_| full())?).map_err(|_| full())
    }

    fn expect_numbers(&self, rows: &Rows) -> Result<(), Error> {
        match self.kind_of(rows)? {
            Numbers::None => Err(self.wrong(rows.column, "has other data than numbers")),
            _ => Ok(()),
        }
    }

    fn kind_of(&self, rows: &Rows) -> Result<Numbers, Error> {
        numbers_of(&rows.dataset).map_err(|error| self.unreadable(rows, error))
    }

    fn unreadable(&self, rows: &Rows, error: hdf5::Error) -> Error {
        self.wrong(rows.column, &format!("cannot be read: {}", plain(error)))
    }
}

/// How many rows of a dataset are read at once: those of a large chunk, since the library unpacks all of it for each part.
fn rows_at_once(dataset: &Dataset) -> usize {
    dataset.chunk().and_then(|chunk| chunk.first().copied()).map_or(ROWS, |rows| rows.clamp(ROWS, MOST_ROWS))
}

/// `rows` cut into parts of at most `length`.
fn blocks(rows: &Range<u64>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = rows.start as usize..rows.end as usize;
    rows.clone().step_by(length).map(move |start| start..(start + length).min(rows.end))
}

/// A dataset whose numbers are in the file, so that memory may be taken for them.
pub(crate) fn expect_data(file: &File, path: &Path, name: &str) -> hdf5::Result<Dataset> {
    outside::check_link(file, path, name)?;
    let dataset = file.dataset(name)?;
    let inside = outside::check_storage(&dataset, path)? == Storage::Inside;
    let bytes = dataset.storage_size();
    if inside && bytes <= file.size() && dataset.size() as u64 <= bytes.saturating_mul(MOST_INFLATED) {
        Ok(dataset)
    } else {
        Err(format!("the data of /{name} are not in the file").into())
    }
}
