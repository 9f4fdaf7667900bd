//! NumPy arrays. `.npy`: a structured array with named columns, or rows of `mass x y z vx vy vz`.
//! `.npz`: an archive with one array per column, or with a single array as in a `.npy`.

use super::columns::{Column, Columns, Meaning, NEEDED, NEEDED_NAMES, meaning};
use super::literal::Literal;
use super::number::{Kind, Number};
use super::passengers::{self, Passenger};
use super::pieces::{Or, Piece, count};
use super::source::{Component, Shared, Source};
use super::{Content, Foreign};
use crate::Error;
use crate::snapshot::{Format, Header, WIDEST};
use std::io;
use std::path::Path;
use std::rc::Rc;
use treecode::{About, Purpose};
use zip::ZipArchive;

/// Greatest length of a valid header [bytes].
const LONGEST_HEADER: usize = 1 << 20;
/// Greatest compression ratio of an archive. A larger array cannot be in the file.
const MOST_INFLATED: u64 = 1 << 11;

/// An array as described by its header.
struct Array {
    source: Rc<Source>,
    /// Offset of its values in the source [bytes].
    start: u64,
    shape: Vec<u64>,
    columns_first: bool,
    numbers: Numbers,
}

/// Type of an array's entries.
enum Numbers {
    /// One number.
    One(Number),
    /// A record of named fields.
    Record { fields: Vec<Field>, bytes: u64 },
}

/// A field of a record. Only numbers and vectors of three are used.
struct Field {
    name: String,
    offset: u64,
    number: Option<Number>,
    width: u64,
}

impl Array {
    fn open(source: Rc<Source>) -> Result<Array, Error> {
        let start = source.bytes(0, 10)?;
        let short = Number::new(Kind::Unsigned, 2, false).expect("whole numbers of 2 bytes exist");
        let long = Number::new(Kind::Unsigned, 4, false).expect("whole numbers of 4 bytes exist");
        let (at, length) = match &start[..8] {
            [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => (10, short.name(&start[8..])),
            [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => (12, long.name(&source.bytes(8, 4)?)),
            _ => return Err(source.wrong("is no NumPy array of version 1, 2 or 3")),
        };
        let length = length.expect("whole numbers are names") as usize;
        if length > LONGEST_HEADER {
            return Err(source.wrong("has a damaged header"));
        }
        let text = source.bytes(at, length)?;
        let header = std::str::from_utf8(&text).ok().and_then(Literal::parse);
        let header = header.ok_or_else(|| source.wrong("has a damaged header"))?;
        Array::describe(&source, &header, at + length as u64)
    }

    fn describe(source: &Rc<Source>, header: &Literal, start: u64) -> Result<Array, Error> {
        let lacks = |key: &str| source.wrong(format!("has a header without a sound `{key}`"));
        let shape = header.get("shape").and_then(Literal::list);
        let shape = shape.and_then(|shape| shape.iter().map(Literal::whole).collect::<Option<Vec<u64>>>());
        let columns_first = match header.get("fortran_order") {
            Some(Literal::Truth(truth)) => *truth,
            _ => return Err(lacks("fortran_order")),
        };
        let numbers = match header.get("descr") {
            Some(Literal::Text(code)) => Numbers::One(number(code).ok_or_else(|| {
                source.wrong(format!("holds numbers of type `{code}`, which cannot be read"))
            })?),
            Some(Literal::List(list)) => record(list).ok_or_else(|| lacks("descr"))?,
            _ => return Err(lacks("descr")),
        };
        let shape = shape.ok_or_else(|| lacks("shape"))?;
        Ok(Array { source: source.clone(), start, shape, columns_first, numbers })
    }

    /// Whether the array has a single number.
    fn is_one(&self) -> bool {
        matches!(self.numbers, Numbers::One(_)) && self.shape.iter().all(|n| *n == 1)
    }

    /// Its single number, used for all rows.
    fn for_all(&self) -> Result<Component, Error> {
        let Numbers::One(number) = self.numbers else { unreachable!("it has one number") };
        Component::new(&self.source, number, self.start, 0, 1)
    }

    /// A one-dimensional array of `rows` numbers.
    fn list(&self, rows: u64) -> Result<Component, Error> {
        match (&self.numbers, &self.shape[..]) {
            (Numbers::One(number), [n]) if *n == rows => {
                Component::new(&self.source, *number, self.start, number.bytes() as u64, rows)
            }
            _ => Err(self.source.wrong(format!("has shape {:?}, must be [{rows}]", self.shape))),
        }
    }

    /// One column of an array of `rows` rows and `width` columns.
    fn column(&self, column: u64, rows: u64, width: u64) -> Result<Component, Error> {
        let (Numbers::One(number), [n, w]) = (&self.numbers, &self.shape[..]) else {
            return Err(self.source.wrong(format!("has shape {:?}, must be [{rows}, {width}]", self.shape)));
        };
        if (*n, *w) != (rows, width) {
            return Err(self.source.wrong(format!("has shape {:?}, must be [{rows}, {width}]", self.shape)));
        }
        let bytes = number.bytes() as u64;
        let (entry, stride) = if self.columns_first {
            (rows.checked_mul(column), bytes)
        } else {
            (Some(column), width * bytes)
        };
        let base =
            entry.and_then(|entry| entry.checked_mul(bytes)).and_then(|way| way.checked_add(self.start));
        let base =
            base.ok_or_else(|| self.source.wrong(format!("has a damaged header: shape {:?}", self.shape)))?;
        Component::new(&self.source, *number, base, stride, rows)
    }

    /// A further column of this name, of bodies of this number.
    fn passenger(&self, name: &str, rows: u64) -> Result<Passenger, String> {
        let Numbers::One(number) = self.numbers else { return Err("its rows are records".to_owned()) };
        let width = match self.shape[..] {
            [n] if n == rows => 1,
            [n, width] if n == rows && (1..=WIDEST as u64).contains(&width) => width,
            _ => return Err(format!("has shape {:?} for {rows} bodies", self.shape)),
        };
        let bytes = number.bytes() as u64;
        let part = |width: u64, base: Option<u64>, stride: u64| {
            let base = base.and_then(|base| base.checked_add(self.start)).ok_or("has a damaged header")?;
            let part = Component::wide(&self.source, number, width as usize, base, stride, rows);
            part.map_err(|_| "is cut short".to_owned())
        };
        let parts = if self.columns_first && width > 1 {
            let start = |column: u64| rows.checked_mul(column)?.checked_mul(bytes);
            (0..width).map(|column| part(1, start(column), bytes)).collect::<Result<_, String>>()?
        } else {
            vec![part(width, Some(0), width * bytes)?]
        };
        Ok(Passenger { about: about(name, number, width), parts })
    }

    /// All columns of a single array.
    fn columns(&self) -> Result<(u64, Found), Error> {
        let (mut columns, mut further) = (Columns::default(), Further::default());
        let add = |columns: &mut Columns<Component>, column, place| {
            columns.add(column, place).map_err(|fault| self.source.wrong(fault))
        };
        match (&self.numbers, &self.shape[..]) {
            (Numbers::One(_), [rows, 7]) => {
                for (column, place) in NEEDED.into_iter().zip(0..) {
                    add(&mut columns, column, self.column(place, *rows, 7)?)?;
                }
                Ok((*rows, Found { columns, further }))
            }
            (Numbers::Record { fields, bytes }, [rows]) => {
                for field in fields {
                    let place = |i: u64| {
                        let number = field.number.ok_or_else(|| {
                            self.source.wrong(format!("the field `{}` holds no numbers", field.name))
                        })?;
                        let base = self.start + field.offset + i * number.bytes() as u64;
                        Component::new(&self.source, number, base, *bytes, *rows)
                    };
                    match meaning(&field.name) {
                        Some(Meaning::Number(column)) if field.width == 1 => {
                            add(&mut columns, column, place(0)?)?
                        }
                        Some(Meaning::Vector(column)) if field.width == 3 => {
                            (0..3)
                                .try_for_each(|axis| add(&mut columns, column(axis), place(axis as u64)?))?;
                        }
                        Some(_) => {
                            return Err(self
                                .source
                                .wrong(format!("the field `{}` holds {} numbers", field.name, field.width)));
                        }
                        None => further.add(&field.name, || self.field(field, *bytes, *rows)),
                    }
                }
                Ok((*rows, Found { columns, further }))
            }
            _ => Err(self.source.wrong(format!(
                "has shape {:?}, must have the rows `{NEEDED_NAMES}`, or named fields with these names",
                self.shape
            ))),
        }
    }
}

impl Array {
    /// A field of a record of `bytes` bytes as a further column.
    fn field(&self, field: &Field, bytes: u64, rows: u64) -> Result<Passenger, String> {
        let number = field.number.ok_or("has other data than numbers")?;
        if !(1..=WIDEST as u64).contains(&field.width) {
            return Err(format!("has {} numbers per body, at most {WIDEST} are read", field.width));
        }
        let base = self.start + field.offset;
        let part = Component::wide(&self.source, number, field.width as usize, base, bytes, rows);
        let part = part.map_err(|_| "is cut short".to_owned())?;
        Ok(Passenger { about: about(&field.name, number, field.width), parts: vec![part] })
    }
}

fn about(name: &str, number: Number, width: u64) -> About {
    About { width: width as usize, ..About::new(name, number.stored(), None, Purpose::Passenger) }
}

/// The columns of the bodies, and the others.
struct Found {
    columns: Columns<Component>,
    further: Further,
}

/// Further columns.
#[derive(Default)]
struct Further {
    passengers: Vec<Passenger>,
    /// Names of those that are not read, with the reasons.
    ignored: Vec<String>,
}

impl Further {
    fn add(&mut self, name: &str, column: impl FnOnce() -> Result<Passenger, String>) {
        let before = self.passengers.iter().map(|passenger| &passenger.about.name);
        let fault = passengers::fault(name, before).map_or(Ok(()), Err);
        match fault.and_then(|()| column()) {
            Ok(passenger) => self.passengers.push(passenger),
            Err(fault) => self.ignored.push(format!("{name} ({fault})")),
        }
    }
}

/// Parses a type code such as `<f8`.
fn number(code: &str) -> Option<Number> {
    let (order, rest) = code.split_at_checked(1)?;
    let (kind, bytes) = rest.split_at_checked(1)?;
    let kind = match kind {
        "f" => Kind::Float,
        "i" => Kind::Signed,
        "u" => Kind::Unsigned,
        _ => return None,
    };
    let big_endian = match order {
        "<" | "|" => false,
        ">" => true,
        "=" => cfg!(target_endian = "big"),
        _ => return None,
    };
    Number::new(kind, bytes.parse().ok()?, big_endian)
}

/// Size of an entry from its type code, for any kind [bytes].
fn length(code: &str) -> Option<u64> {
    let (kind, bytes) = code.get(1..)?.split_at_checked(1)?;
    let characters = if kind == "U" { 4 } else { 1 };
    bytes.split('[').next()?.parse::<u64>().ok()?.checked_mul(characters)
}

/// The fields of a structured array; `None` if the description is invalid.
fn record(list: &[Literal]) -> Option<Numbers> {
    let (mut fields, mut offset) = (Vec::new(), 0u64);
    for entry in list {
        let entry = entry.list()?;
        let name = match entry.first()? {
            Literal::List(both) => both.last()?.text()?, // a title and a name
            name => name.text()?,
        };
        let code = entry.get(1)?.text()?;
        let shape = match entry.get(2) {
            None => &[],
            Some(shape) => shape.list()?,
        };
        let width = shape.iter().try_fold(1u64, |width, n| width.checked_mul(n.whole()?))?;
        fields.push(Field { name: name.to_owned(), offset, number: number(code), width });
        offset = length(code)?.checked_mul(width)?.checked_add(offset)?;
    }
    // Offsets are added to file positions. This limit prevents overflow.
    (1..=u64::from(u32::MAX)).contains(&offset).then_some(Numbers::Record { fields, bytes: offset })
}

pub(super) fn open(path: &Path) -> Result<Foreign, Error> {
    let array = Array::open(Source::open(path)?)?;
    let (rows, found) = array.columns()?;
    finish(path, Format::Numpy, rows, found, 0.0)
}

pub(super) fn open_zip(path: &Path) -> Result<Foreign, Error> {
    let Members { mut arrays, others } = members(path)?;
    if let [(_, array)] = &arrays[..]
        && others.is_empty()
        && array.shape.len() == 2 | usize::from(matches!(array.numbers, Numbers::Record { .. }))
    {
        let (rows, found) = array.columns()?;
        return finish(path, Format::NumpyZip, rows, found, 0.0);
    }
    let mut time = 0.0;
    if let Some(place) =
        arrays.iter().position(|(name, array)| name == "time" && array.shape.iter().all(|n| *n == 1))
    {
        let (_, array) = arrays.remove(place);
        if let Numbers::One(number) = array.numbers {
            let mut values = Vec::new();
            Component::new(&array.source, number, array.start, number.bytes() as u64, 1)?
                .values(&(0..1), &mut values)?;
            time = values[0];
        }
    }
    // A mass or a type may be a single number for all bodies.
    let of_bodies = || arrays.iter().filter(|(name, _)| meaning(name).is_some());
    let first = of_bodies().find(|(_, array)| !array.is_one()).or_else(|| of_bodies().next());
    let rows = first.and_then(|(_, array)| array.shape.first().copied()).unwrap_or_default();
    let (mut columns, mut further) = (Columns::default(), Further::default());
    for (name, array) in &others {
        further.add(name, || array.as_ref().map_err(Clone::clone)?.passenger(name, rows));
    }
    for (name, array) in &arrays {
        let wrong = |fault| array.source.wrong(fault);
        match meaning(name) {
            Some(Meaning::Number(column @ (Column::Mass | Column::Type))) if array.is_one() => {
                columns.add(column, array.for_all()?).map_err(wrong)?
            }
            Some(Meaning::Number(column)) => columns.add(column, array.list(rows)?).map_err(wrong)?,
            Some(Meaning::Vector(column)) => (0..3).try_for_each(|axis| {
                columns.add(column(axis), array.column(axis as u64, rows, 3)?).map_err(wrong)
            })?,
            None => further.add(name, || array.passenger(name, rows)),
        }
    }
    finish(path, Format::NumpyZip, rows, Found { columns, further }, time)
}

/// Contents of an archive.
struct Members {
    /// Usable arrays and their names.
    arrays: Vec<(String, Array)>,
    /// The other arrays with their names, or why an array cannot be read.
    others: Vec<(String, Result<Array, String>)>,
}

/// Reads the directory of an archive and the headers of the usable arrays. A single array may have
/// any name.
fn members(path: &Path) -> Result<Members, Error> {
    let file = crate::file::open(path)?;
    let length = file.metadata().map_err(Error::system(path, "read"))?.len();
    let damaged = |error| Error::snapshot(path, format!("is damaged: {}", io::Error::from(error)));
    let mut archive = ZipArchive::new(Shared::new(file, length)).map_err(damaged)?;
    let shared = archive.clone();
    let alone = archive.len() == 1;
    let (mut arrays, mut others) = (Vec::new(), Vec::new());
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(damaged)?;
        let (name, size) = (member.name().map_err(damaged)?.into_owned(), member.size());
        if size > length.saturating_mul(MOST_INFLATED) {
            return Err(Error::snapshot(
                path,
                format!("is damaged: the {size} bytes of {name} cannot be in it"),
            ));
        }
        drop(member);
        if let Some(stem) = name.strip_suffix(".npy") {
            if alone || stem == "time" || meaning(stem).is_some() {
                arrays.push((stem.to_owned(), Array::open(Source::member(path, &shared, &name, size))?));
            } else {
                let array = Array::open(Source::member(path, &shared, &name, size));
                let start = format!("{}: {name}: ", path.display());
                let bare = |error: Error| {
                    let text = error.to_string();
                    text.strip_prefix(&start).unwrap_or(&text).to_owned()
                };
                others.push((stem.to_owned(), array.map_err(bare)));
            }
        }
    }
    Ok(Members { arrays, others })
}

fn finish(
    path: &Path,
    format: Format,
    rows: u64,
    Found { columns, further: Further { passengers, ignored } }: Found,
    time: f64,
) -> Result<Foreign, Error> {
    columns.check().map_err(|fault| Error::snapshot(path, fault))?;
    if !time.is_finite() {
        return Err(Error::snapshot(path, format!("has the time {time:?}, must be finite")));
    }
    let needed = |column: Column| columns.get(column).cloned().expect("the columns were checked");
    let piece = Piece {
        rows,
        kind: columns.get(Column::Type).cloned().map_or(Or::All(1), Or::Each),
        mass: Or::Each(needed(Column::Mass)),
        position: std::array::from_fn(|axis| needed(Column::Position(axis))),
        velocity: std::array::from_fn(|axis| needed(Column::Velocity(axis))),
        id: columns.get(Column::Id).cloned(),
        acceleration: None,
        potential: None,
        passengers,
    };
    if let Or::Each(_) = piece.kind {
        // Counting the types reads all of them.
        crate::memory::expect_room(path, rows, 0)?;
    }
    let numbered = piece.id.is_none();
    let further = piece.passengers.iter().map(|passenger| passenger.about.clone()).collect();
    let pieces = vec![piece];
    let header = Header {
        format,
        time,
        count: count(&pieces)?,
        files: 1,
        numbered,
        columns: further,
        ignored,
        ..Header::default()
    };
    Ok(Foreign { header, content: Content::Pieces(pieces) })
}
