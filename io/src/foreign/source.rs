//! Random access to the bytes of a file or of an array inside a zip archive.

use super::number::Number;
use crate::Error;
use crate::file::open;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use treecode::ArrayMut;
use zip::ZipArchive;

/// Number of rows decoded at a time.
const ROWS: usize = 1 << 14;

/// A file or an archive member.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// The archive and the name of the member, if it is one.
    member: Option<(Archive, String)>,
    /// Number of bytes. For a member, as stated by the archive.
    pub(super) length: u64,
}

impl Source {
    pub(super) fn open(path: &Path) -> Result<Rc<Source>, Error> {
        let length = open(path)?.metadata().map_err(Error::system(path, "read"))?.len();
        Ok(Rc::new(Source { path: path.to_owned(), member: None, length }))
    }

    /// A member of an archive.
    pub(super) fn member(path: &Path, archive: &Archive, name: &str, length: u64) -> Rc<Source> {
        Rc::new(Source { path: path.to_owned(), member: Some((archive.clone(), name.to_owned())), length })
    }

    pub(super) fn wrong(&self, fault: impl std::fmt::Display) -> Error {
        match &self.member {
            None => Error::snapshot(&self.path, fault.to_string()),
            Some((_, name)) => Error::snapshot(&self.path, format!("{name}: {fault}")),
        }
    }

    /// Reads `length` bytes from offset `start`.
    pub(super) fn bytes(&self, start: u64, length: usize) -> Result<Vec<u8>, Error> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(self.wrong(format!("is cut short: it has {} bytes", self.length)));
        }
        let mut bytes = vec![0; length];
        self.read_from(start, |reader| reader.read_exact(&mut bytes))?;
        Ok(bytes)
    }

    /// Calls `read` with a reader that starts at offset `start`.
    fn read_from(&self, start: u64, read: impl FnOnce(&mut dyn Read) -> io::Result<()>) -> Result<(), Error> {
        let result = match &self.member {
            None => {
                let mut reader = BufReader::with_capacity(1 << 18, open(&self.path)?);
                reader.seek(SeekFrom::Start(start)).and_then(|_| read(&mut reader))
            }
            Some((archive, name)) => {
                let mut archive = archive.clone();
                archive.by_name(name).map_err(io::Error::from).and_then(|mut member| {
                    let skipped = io::copy(&mut member.by_ref().take(start), &mut io::sink())?;
                    if skipped < start { Err(io::ErrorKind::UnexpectedEof.into()) } else { read(&mut member) }
                })
            }
        };
        result.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => self.wrong("is cut short"),
            _ => self.wrong(format!("cannot be read: {error}")),
        })
    }
}

/// An archive whose directory has been read. Clones share it.
pub(super) type Archive = ZipArchive<Shared>;

/// An open file, shared by its clones, with a position of its own.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    file: Rc<File>,
    length: u64,
    place: u64,
}

impl Shared {
    /// The start of a file of this length.
    pub(super) fn new(file: File, length: u64) -> Shared {
        Shared { file: Rc::new(file), length, place: 0 }
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.place)?;
        self.place += count as u64;
        Ok(count)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(way) => self.length.checked_add_signed(way),
            SeekFrom::Current(way) => self.place.checked_add_signed(way),
        };
        self.place = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.place)
    }
}

/// Values of each row: their offset in row 0 and the stride between rows.
#[derive(Clone, Debug)]
pub(super) struct Component {
    source: Rc<Source>,
    number: Number,
    /// Number of values in a row, side by side.
    width: usize,
    base: u64,
    stride: u64,
}

impl Component {
    /// One value in each of `rows` rows from offset `base`, `stride` bytes apart.
    ///
    /// # Errors
    /// If the source is too short.
    pub(super) fn new(
        source: &Rc<Source>,
        number: Number,
        base: u64,
        stride: u64,
        rows: u64,
    ) -> Result<Component, Error> {
        Component::wide(source, number, 1, base, stride, rows)
    }

    /// As [`Component::new`], with `width` values in each row, side by side.
    pub(super) fn wide(
        source: &Rc<Source>,
        number: Number,
        width: usize,
        base: u64,
        stride: u64,
        rows: u64,
    ) -> Result<Component, Error> {
        let last = rows.saturating_sub(1).checked_mul(stride).and_then(|way| way.checked_add(base));
        let end = last.and_then(|last| last.checked_add((width * number.bytes()) as u64));
        if rows > 0 && end.is_none_or(|end| end > source.length) {
            return Err(source
                .wrong(format!("is cut short: it has {} bytes, too few for {rows} bodies", source.length)));
        }
        Ok(Component { source: source.clone(), number, width, base, stride })
    }

    pub(super) fn wrong(&self, fault: impl std::fmt::Display) -> Error {
        self.source.wrong(fault)
    }

    pub(super) fn number(&self) -> Number {
        self.number
    }

    /// Appends all numbers of these rows to a column of the type [`Number::stored`].
    pub(super) fn append(&self, rows: &Range<u64>, array: &mut ArrayMut) -> Result<(), Error> {
        self.each(rows, |bytes| {
            bytes
                .chunks_exact(self.number.bytes())
                .for_each(|bytes| self.number.push(self.number.bits(bytes), array));
            Ok(())
        })
    }

    /// The bits of the numbers of these rows.
    pub(super) fn words(&self, rows: &Range<u64>) -> Result<Vec<u64>, Error> {
        let mut words = Vec::new();
        self.each(rows, |bytes| {
            words.push(self.number.bits(bytes));
            Ok(())
        })?;
        Ok(words)
    }

    /// Appends the values of these rows.
    pub(super) fn values(&self, rows: &Range<u64>, values: &mut Vec<f64>) -> Result<(), Error> {
        self.each(rows, |bytes| {
            values.push(self.number.value(bytes));
            Ok(())
        })
    }

    /// Appends the values of these rows as ids. Errors name the row.
    pub(super) fn names(&self, rows: &Range<u64>, names: &mut Vec<u64>, what: &str) -> Result<(), Error> {
        let mut row = rows.start;
        self.each(rows, |bytes| {
            let name = self.number.name(bytes).ok_or_else(|| {
                self.wrong(format!(
                    "{what} of row {row} is {:?}, must be a whole number",
                    self.number.value(bytes)
                ))
            })?;
            names.push(name);
            row += 1;
            Ok(())
        })
    }

    fn each(&self, rows: &Range<u64>, mut take: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let (stride, width) = (self.stride as usize, self.width * self.number.bytes());
        let mut outcome = Ok(());
        self.source.read_from(self.base + rows.start * self.stride, |reader| {
            if stride == 0 {
                // One number for all rows.
                let mut bytes = vec![0; width];
                reader.read_exact(&mut bytes)?;
                outcome = rows.clone().try_for_each(|_| take(&bytes));
                return Ok(());
            }
            let mut left = rows.end - rows.start;
            let mut buffer = Vec::new();
            while left > 0 && outcome.is_ok() {
                let count = left.min(ROWS as u64) as usize;
                // The last row may lack the rest of its stride.
                let length = if left == count as u64 { (count - 1) * stride + width } else { count * stride };
                buffer.resize(length, 0);
                reader.read_exact(&mut buffer)?;
                outcome = (0..count).try_for_each(|row| take(&buffer[row * stride..row * stride + width]));
                left -= count as u64;
            }
            Ok(())
        })?;
        outcome
    }
}
