//! Tipsy files: a header with three counts, then gas, dark matter and stars. Each body is a record
//! of single-precision numbers.
//!
//! Standard files are big-endian. Native files have the byte order of the machine that wrote them.
//! The header has 28 bytes, or 32 with padding.

use super::number::{Kind, Number};
use super::pieces::{Or, Piece, count};
use super::source::{Component, Source};
use super::{Content, Foreign};
use crate::Error;
use crate::snapshot::{Format, Header};
use std::path::Path;
use std::rc::Rc;

/// One of the three kinds of records.
struct Record {
    /// Particle type in GADGET.
    kind: u8,
    bytes: u64,
    /// Index of the potential among the numbers of a record.
    potential: u64,
    /// Names of the numbers that are not read.
    ignored: &'static [&'static str],
}

/// In file order. All begin with mass, position and velocity.
const RECORDS: [Record; 3] = [
    Record { kind: 0, bytes: 48, potential: 11, ignored: &["rho", "temp", "hsmooth", "metals"] },
    Record { kind: 1, bytes: 36, potential: 8, ignored: &["eps"] },
    Record { kind: 4, bytes: 44, potential: 10, ignored: &["metals", "tform", "eps"] },
];

struct Counts {
    big_endian: bool,
    rows: [u64; 3],
    time: f64,
}

impl Counts {
    /// Reads the header in one byte order; `None` if it is not plausible in this order.
    fn read(start: &[u8], big_endian: bool) -> Option<Counts> {
        let time = Number::new(Kind::Float, 8, big_endian)?.value(start.get(..8)?);
        let whole = Number::new(Kind::Unsigned, 4, big_endian)?;
        let count = |i: usize| whole.name(start.get(8 + 4 * i..12 + 4 * i)?);
        let (total, dimensions) = (count(0)?, count(1)?);
        let rows = [count(2)?, count(3)?, count(4)?];
        let sound = (1..=3).contains(&dimensions) && rows.iter().sum::<u64>() == total && total > 0;
        (sound && time.is_finite()).then_some(Counts { big_endian, rows, time })
    }

    fn either(start: &[u8]) -> Option<Counts> {
        Counts::read(start, true).or_else(|| Counts::read(start, false))
    }

    /// Size of all records [bytes].
    fn bytes(&self) -> u64 {
        RECORDS.iter().zip(self.rows).map(|(record, rows)| record.bytes * rows).sum()
    }
}

/// Whether a file of `length` bytes with this start is a Tipsy file. Truncated files count, too.
pub(super) fn recognize(start: &[u8], length: u64) -> bool {
    length >= 28 && Counts::either(start).is_some()
}

pub(super) fn open(path: &Path) -> Result<Foreign, Error> {
    let source = Source::open(path)?;
    let counts = Counts::either(&source.bytes(0, 28)?).ok_or_else(|| source.wrong("is no Tipsy file"))?;
    let header = source.length.checked_sub(counts.bytes()).filter(|header| matches!(header, 28 | 32));
    let Some(header) = header else {
        return Err(source.wrong(format!(
            "is cut short or damaged: its Tipsy header counts {:?} bodies (gas, dark, stars), which take {} bytes after the header, \
             but the file has {}",
            counts.rows,
            counts.bytes(),
            source.length
        )));
    };
    let mut pieces = Vec::new();
    let mut start = header;
    for (record, rows) in RECORDS.iter().zip(counts.rows) {
        pieces.push(piece(&source, record, start, rows, counts.big_endian)?);
        start += rows * record.bytes;
    }
    let header = Header {
        format: Format::Tipsy,
        time: counts.time,
        count: count(&pieces)?,
        files: 1,
        numbered: true,
        ignored: ignored(&counts),
        ..Header::default()
    };
    Ok(Foreign { header, content: Content::Pieces(pieces) })
}

/// The quantities that are not read, of the types that have bodies.
fn ignored(counts: &Counts) -> Vec<String> {
    let mut ignored: Vec<String> = Vec::new();
    for (record, _) in RECORDS.iter().zip(counts.rows).filter(|(_, rows)| *rows > 0) {
        for name in record
            .ignored
            .iter()
            .filter(|name| !ignored.iter().any(|known| known == *name))
            .collect::<Vec<_>>()
        {
            ignored.push((*name).to_owned());
        }
    }
    ignored
}

fn piece(
    source: &Rc<Source>,
    record: &Record,
    start: u64,
    rows: u64,
    big_endian: bool,
) -> Result<Piece, Error> {
    let single = Number::new(Kind::Float, 4, big_endian).expect("floats of 4 bytes exist");
    let number = |place: u64| Component::new(source, single, start + 4 * place, record.bytes, rows);
    Ok(Piece {
        rows,
        kind: Or::All(record.kind),
        mass: Or::Each(number(0)?),
        position: [number(1)?, number(2)?, number(3)?],
        velocity: [number(4)?, number(5)?, number(6)?],
        id: None,
        acceleration: None,
        potential: Some(number(record.potential)?),
        passengers: Vec::new(),
    })
}
