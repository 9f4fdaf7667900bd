//! Reading: each rank takes its share of each type, on its own.

use super::column::Column;
use super::layout::group_name;
use super::set::{Member, Set, locate, open, sibling};
use super::{Format, Header, plain};
use crate::Error;
use crate::foreign::{Foreign, recognize, share};
use hdf5::types::TypeDescriptor;
use hdf5::{Dataset, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use treecode::{Bodies, TYPES};

/// Rows read at once.
const ROWS: usize = 1 << 18;
/// Numbers that the best compression makes of one byte.
const MOST_INFLATED: u64 = 1 << 11;

/// What a snapshot says beside its bodies.
///
/// # Errors
/// If it cannot be read, is no snapshot, or its counts disagree.
pub fn read_header(path: &Path) -> Result<Header, Error> {
    let path = locate(path);
    match recognize(&path)? {
        Format::Gadget | Format::Swift => Set::open(&path).map(|set| set.header),
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
        Format::Gadget | Format::Swift => {
            Ok(Set::open(&path)?.members.into_iter().map(|member| member.path).collect())
        }
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
/// If the snapshot cannot be read or is at odds with itself, or if a body of the share has a position, velocity, acceleration or
/// potential that is not finite, or a mass that is not above 0.
pub fn read(path: &Path, rank: usize, size: usize) -> Result<(Header, Bodies), Error> {
    let (header, bodies) = read_unchecked(path, rank, size)?;
    bodies.check().map_err(|fault| Error::snapshot(path, fault.to_string()))?;
    Ok((header, bodies))
}

/// As [`read`], but takes bodies with impossible values as they are.
///
/// # Errors
/// If the snapshot cannot be read or is at odds with itself.
pub fn read_unchecked(path: &Path, rank: usize, size: usize) -> Result<(Header, Bodies), Error> {
    assert!(rank < size, "rank {rank} of {size}");
    let path = locate(path);
    match recognize(&path)? {
        Format::Gadget | Format::Swift => read_hdf5(&path, rank, size),
        format => {
            let file = Foreign::open(&path, format)?;
            let bodies = file.read(&path, rank, size)?;
            Ok((file.header, bodies))
        }
    }
}

fn read_hdf5(path: &Path, rank: usize, size: usize) -> Result<(Header, Bodies), Error> {
    let set = Set::open(path)?;
    let mut bodies = Bodies::default();
    for kind in 0..TYPES {
        let share = share(set.header.count[kind], rank, size);
        let mut first = 0;
        for member in &set.members {
            let within = |row: u64| row.clamp(first, first + member.count[kind]) - first;
            let rows = within(share.start)..within(share.end);
            let before: u64 = set.header.count[..kind].iter().sum();
            let numbering = set.header.numbered.then_some(before + first);
            read_type(member, kind, &rows, numbering, &mut bodies)?;
            first += member.count[kind];
        }
    }
    bodies.assert_well_formed();
    Ok((set.header, bodies))
}

/// Appends rows of one type of one file; without ids, its rows are numbered from `numbering` on.
fn read_type(
    member: &Member,
    kind: usize,
    rows: &Range<u64>,
    numbering: Option<u64>,
    bodies: &mut Bodies,
) -> Result<(), Error> {
    let file = open(&member.path)?;
    let source = Source::new(&file, member, kind);
    if rows.is_empty() { source.expect_no_more() } else { source.append(rows, numbering, bodies) }
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
        Source { file, member, kind, group: group_name(kind) }
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

    /// A type that the header does not count must not be there.
    fn expect_no_more(&self) -> Result<(), Error> {
        let has_rows = self.member.count[self.kind] == 0
            && self.file.link_exists(&self.group)
            && self
                .file
                .dataset(&format!("{}/Coordinates", self.group))
                .is_ok_and(|dataset| dataset.size() > 0);
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
        let most = dataset.storage_size().saturating_mul(MOST_INFLATED);
        if dataset.size() as u64 > most || dataset.storage_size() > self.file.size() {
            return Err(self.wrong(column, &format!("has {count} rows, but their data are not in the file")));
        }
        Ok(Some(Rows { column, dataset }))
    }

    fn vectors(&self, rows: &Rows, range: &Range<u64>, vector: &mut [Vec<f64>; 3]) -> Result<(), Error> {
        self.expect_numbers(rows)?;
        vector.iter_mut().try_for_each(|axis| self.reserve(rows, range, axis))?;
        for block in blocks(range) {
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
            TypeDescriptor::Unsigned(_) => self.read_into(rows, range, array, |id: u64| id),
            // The bits of a negative id are as good a name.
            TypeDescriptor::Integer(_) => self.read_into(rows, range, array, |id: i64| id as u64),
            other => Err(self.wrong(rows.column, &format!("has type {other}, must be whole numbers"))),
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
        for block in blocks(range) {
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
            TypeDescriptor::Float(_) | TypeDescriptor::Integer(_) | TypeDescriptor::Unsigned(_) => Ok(()),
            other => Err(self.wrong(rows.column, &format!("has type {other}, must be numbers"))),
        }
    }

    fn kind_of(&self, rows: &Rows) -> Result<TypeDescriptor, Error> {
        let kind = rows.dataset.dtype().and_then(|kind| kind.to_descriptor());
        kind.map_err(|error| self.unreadable(rows, error))
    }

    fn unreadable(&self, rows: &Rows, error: hdf5::Error) -> Error {
        self.wrong(rows.column, &format!("cannot be read: {}", plain(error)))
    }
}

/// `rows` cut into parts of at most [`ROWS`].
fn blocks(rows: &Range<u64>) -> impl Iterator<Item = Range<usize>> {
    let rows = rows.start as usize..rows.end as usize;
    rows.clone().step_by(ROWS).map(move |start| start..(start + ROWS).min(rows.end))
}
