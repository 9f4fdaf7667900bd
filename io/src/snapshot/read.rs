//! Reads snapshots. Each rank reads its share of the bodies of each type, without communication.

use super::column::Column;
use super::layout::group_name;
use super::outside::{self, Storage};
use super::passengers::by_type;
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
use treecode::{About, ArrayMut, Bodies, TYPES};

/// Number of rows read at once.
const ROWS: usize = 1 << 18;
/// Greatest number of rows read at once if chunks are larger.
const MOST_ROWS: usize = 1 << 24;
/// Least number of rows of all columns that are read at once.
const BLOCK: u64 = 1 << 20;
/// Greatest number of values that a compressed byte can hold.
const MOST_INFLATED: u64 = 1 << 11;

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

/// Message about a filter that the library lacks. The names are those of the HDF Group's filter
/// registry.
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

/// A dataset whose shape was checked, and its name.
struct Rows {
    name: String,
    dataset: Dataset,
    /// Whether its only number is that of all bodies.
    for_all: bool,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a File, member: &'a Member, kind: usize) -> Source<'a> {
        Source { file, member, kind, group: group_name(member.group.unwrap_or(kind)) }
    }

    /// Appends these rows. Without ids, the rows of the file are numbered from `numbering`.
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
        for (about, array) in bodies.columns_mut().filter(|(about, _)| about.kinds[self.kind]) {
            // A type that is read as another one may lack it.
            if let Some(values) = self.open_as(&about.name, about.width)? {
                by_type!(ArrayMut, array, array => self.values(&values, rows, about.width, array)?);
            }
        }
        bodies.kind.resize(length, self.kind as u8);
        bodies.fill_up();
        Ok(())
    }

    fn wrong(&self, column: Column, fault: &str) -> Error {
        self.fault(self.name(column), fault)
    }

    fn fault(&self, name: &str, fault: &str) -> Error {
        Error::snapshot(&self.member.path, format!("/{}/{} {fault}", self.group, name.escape_debug()))
    }

    fn name(&self, column: Column) -> &'static str {
        column.name(self.member.flavour)
    }

    /// Number of rows of bodies like these to read at once: those of large chunks, if they fit into
    /// memory.
    pub(super) fn block(&self, like: &Bodies) -> Result<u64, Error> {
        if self.member.count[self.kind] == 0 {
            return Ok(BLOCK);
        }
        let rows = rows_at_once(&self.required(Column::Coordinates)?.dataset) as u64;
        let body = BODY + like.column_bytes();
        let room = memory().map_or(u64::MAX, |memory| memory.available / (8 * body));
        // With many columns, fewer rows than usual are a block.
        Ok(rows.min(room).max(BLOCK * BODY / body))
    }

    /// Checks that the file holds exactly as many rows as the header states.
    fn expect_all(&self) -> Result<(), Error> {
        if self.member.count[self.kind] == 0 {
            return self.expect_no_more();
        }
        [Column::Coordinates, Column::Velocities]
            .into_iter()
            .try_for_each(|column| self.required(column).map(|_| ()))
    }

    /// Checks that the file holds no rows of a type that the header does not count.
    fn expect_no_more(&self) -> Result<(), Error> {
        if self.member.group.is_some() {
            return Ok(()); // the member stands for one type only
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

    fn open(&self, column: Column) -> Result<Option<Rows>, Error> {
        self.open_as(self.name(column), column.width())
    }

    /// Opens a dataset, if it exists. Checks its shape and that its bytes exist, before memory is
    /// allocated for it.
    fn open_as(&self, name: &str, width: usize) -> Result<Option<Rows>, Error> {
        let count = self.member.count[self.kind];
        let wrong = |fault: &str| self.fault(name, fault);
        let full_name = format!("{}/{name}", self.group);
        outside::check_link(self.file, &self.member.path, &full_name)
            .map_err(|fault| Error::snapshot(&self.member.path, fault))?;
        if !self.file.link_exists(&full_name) {
            return Ok(None);
        }
        let dataset = self.file.dataset(&full_name).map_err(|error| wrong(&plain(error)))?;
        let shape = dataset.shape();
        // Some programs write one mass for all bodies.
        let for_all = name == self.name(Column::Masses) && count != 1 && dataset.size() == 1;
        let fits = match width {
            1 => for_all || matches!(shape[..], [_] | [_, 1]),
            width => shape.len() == 2 && shape[1] == width,
        };
        if !fits {
            let expected = if width == 1 { format!("[{count}]") } else { format!("[{count}, {width}]") };
            return Err(wrong(&format!("has shape {shape:?}, must be {expected}")));
        }
        if !for_all && shape[0] as u64 != count {
            return Err(wrong(&format!("has {} rows, but /Header counts {count}", shape[0])));
        }
        expect_rows(&dataset, self.file, &self.member.path).map_err(|fault| wrong(&fault))?;
        Ok(Some(Rows { name: name.to_owned(), dataset, for_all }))
    }

    /// Appends the numbers of these rows of a further column.
    fn values<T: hdf5::H5Type + Copy>(
        &self,
        rows: &Rows,
        range: &Range<u64>,
        width: usize,
        array: &mut Vec<T>,
    ) -> Result<(), Error> {
        if rows.dataset.ndim() == 1 {
            return self.read_into(rows, range, array, |value: T| value);
        }
        self.reserve(rows, &(0..(range.end - range.start) * width as u64), array)?;
        for block in blocks(range, rows_at_once(&rows.dataset)) {
            let values = rows.dataset.read_slice_2d::<T, _>((block, ..));
            array.extend(values.map_err(|error| self.unreadable(rows, error))?.iter());
        }
        Ok(())
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
        if !rows.for_all {
            return self.read_into(rows, range, array, |value: f64| value);
        }
        let value = rows.dataset.read_raw::<f64>().map_err(|error| self.unreadable(rows, error))?[0];
        self.reserve(rows, range, array)?;
        array.extend(range.clone().map(|_| value));
        Ok(())
    }

    fn ids(&self, rows: &Rows, range: &Range<u64>, array: &mut Vec<u64>) -> Result<(), Error> {
        match self.kind_of(rows)? {
            Numbers::Unsigned { bytes: ..=8 } => self.read_into(rows, range, array, |id: u64| id),
            // A negative id keeps its bits.
            Numbers::Signed { bytes: ..=8 } => self.read_into(rows, range, array, |id: i64| id as u64),
            Numbers::Unsigned { bytes } | Numbers::Signed { bytes } => {
                Err(self.fault(&rows.name, &format!("has numbers of {bytes} bytes, must be of at most 8")))
            }
            Numbers::Floats { .. } => self.float_ids(rows, range, array),
            Numbers::None => Err(self.fault(&rows.name, "has other data than whole numbers")),
        }
    }

    /// Ids that are stored as floats, which must be exact.
    fn float_ids(&self, rows: &Rows, range: &Range<u64>, array: &mut Vec<u64>) -> Result<(), Error> {
        const MOST: f64 = (1u64 << 53) as f64;
        let mut values = Vec::new();
        self.read_into(rows, range, &mut values, |value: f64| value)?;
        match values.iter().find(|id| !(id.fract() == 0.0 && (0.0..MOST).contains(*id))) {
            Some(id) => {
                Err(self.fault(&rows.name, &format!("has the id {id:?}, must be whole numbers below 2^53")))
            }
            None => {
                array.extend(values.iter().map(|&id| id as u64));
                Ok(())
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
            let values = match rows.dataset.ndim() {
                1 => rows.dataset.read_slice_1d::<S, _>(block).map(|values| values.to_vec()),
                _ => rows
                    .dataset
                    .read_slice_2d::<S, _>((block, ..))
                    .map(|values| values.iter().copied().collect()),
            };
            array.extend(values.map_err(|error| self.unreadable(rows, error))?.into_iter().map(&convert));
        }
        Ok(())
    }

    fn reserve<T>(&self, rows: &Rows, range: &Range<u64>, array: &mut Vec<T>) -> Result<(), Error> {
        let length = range.end - range.start;
        let full =
            || self.fault(&rows.name, &format!("has {length} rows to read, which do not fit in memory"));
        array.try_reserve_exact(usize::try_from(length).map_err(|_| full())?).map_err(|_| full())
    }

    fn expect_numbers(&self, rows: &Rows) -> Result<(), Error> {
        match self.kind_of(rows)? {
            Numbers::None => Err(self.fault(&rows.name, "has other data than numbers")),
            _ => Ok(()),
        }
    }

    fn kind_of(&self, rows: &Rows) -> Result<Numbers, Error> {
        numbers_of(&rows.dataset).map_err(|error| self.unreadable(rows, error))
    }

    fn unreadable(&self, rows: &Rows, error: hdf5::Error) -> Error {
        self.fault(&rows.name, &format!("cannot be read: {}", plain(error)))
    }
}

/// Checks that the values of a dataset exist, and that the library can decompress them.
pub(super) fn expect_rows(dataset: &Dataset, file: &File, path: &Path) -> Result<(), String> {
    // Chunks may be compressed. If chunks are missing, the library would return fill values.
    let (bytes, length) = match outside::check_storage(dataset, path)? {
        Storage::Inside => (dataset.storage_size(), file.size()),
        Storage::Outside { bytes } => (bytes, bytes),
    };
    if dataset.size() as u64 > bytes.saturating_mul(MOST_INFLATED) || bytes > length {
        let rows = dataset.shape().first().copied().unwrap_or(1);
        return Err(format!("has {rows} rows, but their data are not in the file"));
    }
    match dataset.filters().iter().find(|filter| !filter.is_available()) {
        Some(filter) => Err(unknown_filter(filter.id())),
        None => Ok(()),
    }
}

/// Number of rows of a dataset to read at once. It covers a large chunk, because the library
/// decompresses the whole chunk for each read.
fn rows_at_once(dataset: &Dataset) -> usize {
    dataset.chunk().and_then(|chunk| chunk.first().copied()).map_or(ROWS, |rows| rows.clamp(ROWS, MOST_ROWS))
}

/// Divides `rows` into blocks of at most `length`.
fn blocks(rows: &Range<u64>, length: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = rows.start as usize..rows.end as usize;
    rows.clone().step_by(length).map(move |start| start..(start + length).min(rows.end))
}

/// Opens a dataset after a check that its values are in the file, so that memory may be allocated
/// for them.
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
