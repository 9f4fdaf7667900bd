//! The datasets of a particle type in one file: checks that their rows exist, and reads ranges of
//! rows.

use super::outside::{self, Storage};
use super::set::Member;
use crate::Error;
use crate::memory::{BODY, memory};
use crate::snapshot::format::column::{Column, by_type, group_name};
use crate::snapshot::format::raw::{Numbers, numbers_of};
use crate::snapshot::plain;
use hdf5::{Dataset, File};
use std::ops::Range;
use std::path::Path;
use treecode::{ArrayMut, Bodies};

/// Number of rows read at once.
const ROWS: usize = 1 << 18;
/// Greatest number of rows read at once if chunks are larger.
const MOST_ROWS: usize = 1 << 24;
/// Least number of rows of all columns that are read at once.
const BLOCK: u64 = 1 << 20;
/// Greatest number of values that a compressed byte can hold.
const MOST_INFLATED: u64 = 1 << 11;

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
    pub(super) fn expect_all(&self) -> Result<(), Error> {
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
