//! GADGET binary files: Fortran records, each between two markers with its length, in either byte
//! order. In format 2, a short record with a name precedes each record. In format 1, the order is
//! fixed: header, positions, velocities, ids, masses.

use super::number::{Kind, Number};
use super::pieces::{Or, Piece, count};
use super::source::{Component, Source};
use super::{Content, Foreign};
use crate::Error;
use crate::snapshot::{Evidence, Format, Header, Universe, sibling};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use treecode::TYPES;

/// Length of the header [bytes].
const HEADER: u32 = 256;
/// Length of a name record [bytes].
const NAME: u32 = 8;
/// Greatest number of records. No valid file has more.
const MOST_RECORDS: usize = 64;
/// Greatest number of files. No valid snapshot has more.
const MOST_FILES: u64 = 1 << 16;

/// Whether the first bytes are those of a GADGET file.
pub(super) fn recognize(start: &[u8]) -> bool {
    Style::of(start).is_some()
}

/// Byte order and format of the records.
#[derive(Clone, Copy, Debug)]
struct Style {
    big_endian: bool,
    /// Whether each record is preceded by its name: format 2.
    named: bool,
}

impl Style {
    fn of(start: &[u8]) -> Option<Style> {
        [false, true].into_iter().find_map(|big_endian| {
            let style = Style { big_endian, named: false };
            match style.whole().name(start.get(..4)?)? as u32 {
                HEADER => Some(style),
                NAME if start.get(4..8) == Some(b"HEAD") => Some(Style { named: true, ..style }),
                _ => None,
            }
        })
    }

    fn whole(self) -> Number {
        Number::new(Kind::Unsigned, 4, self.big_endian).expect("whole numbers of 4 bytes exist")
    }

    fn float(self, bytes: u64) -> Number {
        Number::new(Kind::Float, bytes as usize, self.big_endian).expect("floats of 4 and 8 bytes exist")
    }
}

/// The header of one file.
struct FileHeader {
    count: [u64; TYPES],
    mass: [f64; TYPES],
    time: f64,
    redshift: f64,
    total: [u64; TYPES],
    files: u64,
    box_size: f64,
    omega_matter: f64,
    omega_lambda: f64,
    hubble: f64,
}

impl FileHeader {
    fn read(bytes: &[u8], style: Style) -> FileHeader {
        let whole = |at: usize| style.whole().name(&bytes[at..]).expect("whole numbers are names");
        let double = |at: usize| style.float(8).value(&bytes[at..]);
        FileHeader {
            count: std::array::from_fn(|kind| whole(4 * kind)),
            mass: std::array::from_fn(|kind| double(24 + 8 * kind)),
            time: double(72),
            redshift: double(80),
            total: std::array::from_fn(|kind| whole(96 + 4 * kind) | whole(168 + 4 * kind) << 32),
            files: whole(124).max(1),
            box_size: double(128),
            omega_matter: double(136),
            omega_lambda: double(144),
            hubble: double(152),
        }
    }

    fn check(&self, source: &Source) -> Result<(), Error> {
        let numbers = [self.time, self.redshift, self.box_size, self.omega_matter, self.omega_lambda];
        let mut numbers = self.mass.iter().chain(&numbers);
        if numbers.any(|number| !number.is_finite()) || self.mass.iter().any(|&mass| mass < 0.0) {
            return Err(source.wrong("is damaged: its GADGET header has impossible numbers"));
        }
        if self.files > MOST_FILES {
            return Err(source.wrong(format!("is damaged: it is one of {} files", self.files)));
        }
        Ok(())
    }

    fn evidence(&self) -> Evidence {
        Evidence {
            said: None,
            scale_factor: self.time,
            redshift: self.redshift,
            omega_matter: self.omega_matter,
            omega_lambda: self.omega_lambda,
            box_size: self.box_size,
        }
    }

    fn bodies(&self) -> u64 {
        self.count.iter().sum()
    }

    /// Number of rows in the mass record.
    fn single_masses(&self) -> u64 {
        (0..TYPES).filter(|&kind| self.mass[kind] == 0.0).map(|kind| self.count[kind]).sum()
    }
}

/// The records that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Positions,
    Velocities,
    Ids,
    Masses,
    Potentials,
    Accelerations,
}

/// The order of format 1, as far as it is defined.
const ORDER: [Block; 4] = [Block::Positions, Block::Velocities, Block::Ids, Block::Masses];

impl Block {
    fn named(name: &[u8]) -> Option<Block> {
        Some(match name {
            b"POS " => Block::Positions,
            b"VEL " => Block::Velocities,
            b"ID  " => Block::Ids,
            b"MASS" => Block::Masses,
            b"POT " => Block::Potentials,
            b"ACCE" => Block::Accelerations,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Block::Positions => "POS",
            Block::Velocities => "VEL",
            Block::Ids => "ID",
            Block::Masses => "MASS",
            Block::Potentials => "POT",
            Block::Accelerations => "ACCE",
        }
    }

    /// Number of values in this block.
    fn numbers(self, header: &FileHeader) -> u64 {
        match self {
            Block::Positions | Block::Velocities | Block::Accelerations => 3 * header.bodies(),
            Block::Ids | Block::Potentials => header.bodies(),
            Block::Masses => header.single_masses(),
        }
    }
}

/// A record and its position.
#[derive(Clone, Copy, Debug)]
struct Found {
    block: Block,
    start: u64,
    /// Size of one value: 4 or 8 bytes.
    width: u64,
}

/// Iterates over the records.
struct Walk<'a> {
    source: &'a Source,
    style: Style,
    place: u64,
}

impl Walk<'_> {
    fn ended(&self) -> bool {
        self.place >= self.source.length
    }

    fn marker(&self, place: u64) -> Result<u32, Error> {
        let bytes = self.source.bytes(place, 4)?;
        Ok(self.style.whole().name(&bytes).expect("whole numbers are names") as u32)
    }

    /// Whether a record of `length` bytes ends with the same marker as it begins. A marker is the
    /// length modulo 2^32.
    fn fits(&self, length: u64) -> Result<bool, Error> {
        let (begin, end) = (self.marker(self.place)?, self.place + 4 + length);
        let inside = end.checked_add(4).is_some_and(|end| end <= self.source.length);
        Ok(begin == length as u32 && inside && self.marker(end)? == begin)
    }

    /// Moves past a record of `length` bytes. Returns the start of its content.
    fn take(&mut self, length: u64, what: &str) -> Result<u64, Error> {
        if !self.fits(length)? {
            return Err(self.source.wrong(format!("the record {what} is cut short or damaged")));
        }
        let start = self.place + 4;
        self.place = start + length + 4;
        Ok(start)
    }

    /// The complete records from here on. `before` records are already passed.
    fn rest(&mut self, before: usize) -> Vec<Rest> {
        let mut rest = Vec::new();
        while !self.ended() && rest.len() < MOST_RECORDS {
            let Ok(length) = self.marker(self.place).map(u64::from) else { break };
            let Ok(start) = self.take(length, "") else { break };
            rest.push(Rest { number: before + rest.len() + 1, start, length });
        }
        rest
    }

    fn name(&mut self) -> Result<[u8; 4], Error> {
        let start = self.take(u64::from(NAME), "with the name of the next")?;
        Ok(self.source.bytes(start, 4)?.try_into().expect("four bytes were read"))
    }

    /// Finds the record of a block. Its values may have 4 or 8 bytes.
    fn find(&mut self, block: Block, header: &FileHeader) -> Result<Found, Error> {
        let numbers = block.numbers(header);
        for width in [4, 8] {
            let length = numbers * width;
            if self.fits(length)? {
                return Ok(Found { block, start: self.take(length, block.name())?, width });
            }
        }
        Err(self.source.wrong(format!(
            "the record {} has {} bytes or is cut short, must have {} or {} for {} bodies",
            block.name(),
            self.marker(self.place)?,
            4 * numbers,
            8 * numbers,
            header.bodies()
        )))
    }
}

/// A file and its records.
struct Member {
    source: Rc<Source>,
    style: Style,
    header: FileHeader,
    found: Vec<Found>,
    /// Names of records that are not read.
    ignored: Vec<String>,
}

impl Member {
    fn open(path: &Path) -> Result<Member, Error> {
        let source = Source::open(path)?;
        let style = Style::of(&source.bytes(0, 8)?).ok_or_else(|| source.wrong("is no GADGET file"))?;
        let mut walk = Walk { source: &source, style, place: 0 };
        if style.named {
            walk.name()?;
        }
        let start = walk.take(u64::from(HEADER), "HEAD")?;
        let header = FileHeader::read(&source.bytes(start, HEADER as usize)?, style);
        header.check(&source)?;
        if style.named {
            let (found, ignored) = named(&mut walk, &header)?;
            return Ok(Member { source, style, header, found, ignored });
        }
        let found = in_order(&mut walk, &header)?;
        let rest = walk.rest(1 + found.len());
        let ignored =
            rest.iter().map(|rest| format!("record {} of {} bytes", rest.number, rest.length)).collect();
        let member = Member { source, style, header, found, ignored };
        member.check_masses(&rest)?;
        Ok(member)
    }

    fn block(&self, block: Block) -> Option<Found> {
        self.found.iter().copied().find(|found| found.block == block)
    }

    fn required(&self, block: Block) -> Result<Found, Error> {
        self.block(block).ok_or_else(|| self.source.wrong(format!("has no record {}", block.name())))
    }

    /// A vector of `rows` rows of a block, starting at row `first`.
    fn vector(&self, found: Found, first: u64, rows: u64) -> Result<[Component; 3], Error> {
        let axis = |axis: u64| {
            let base = found.start + (3 * first + axis) * found.width;
            Component::new(&self.source, self.style.float(found.width), base, 3 * found.width, rows)
        };
        Ok([axis(0)?, axis(1)?, axis(2)?])
    }

    /// One value per row for `rows` rows of a block, starting at row `first`.
    fn number(&self, found: Found, first: u64, rows: u64) -> Result<Component, Error> {
        let number = match found.block {
            Block::Ids => Number::new(Kind::Unsigned, found.width as usize, self.style.big_endian),
            _ => Number::new(Kind::Float, found.width as usize, self.style.big_endian),
        };
        let number = number.expect("numbers of 4 and 8 bytes exist");
        Component::new(&self.source, number, found.start + first * found.width, found.width, rows)
    }

    /// Adds one piece for the bodies of each type.
    fn pieces(&self, pieces: &mut Vec<Piece>) -> Result<(), Error> {
        let (mut first, mut first_mass) = (0, 0);
        for kind in (0..TYPES).filter(|&kind| self.header.count[kind] > 0) {
            let rows = self.header.count[kind];
            let optional =
                |block: Block| self.block(block).map(|found| self.number(found, first, rows)).transpose();
            let acceleration = self.block(Block::Accelerations);
            let mass = match self.header.mass[kind] {
                0.0 => Or::Each(self.number(self.required(Block::Masses)?, first_mass, rows)?),
                mass => Or::All(mass),
            };
            first_mass += if let Or::Each(_) = mass { rows } else { 0 };
            pieces.push(Piece {
                rows,
                kind: Or::All(kind as u8),
                mass,
                position: self.vector(self.required(Block::Positions)?, first, rows)?,
                velocity: self.vector(self.required(Block::Velocities)?, first, rows)?,
                id: optional(Block::Ids)?,
                acceleration: acceleration.map(|found| self.vector(found, first, rows)).transpose()?,
                potential: optional(Block::Potentials)?,
                passengers: Vec::new(),
            });
            first += rows;
        }
        Ok(())
    }
}

/// A record of format 1 after those that are known.
struct Rest {
    /// Number of the record in the file, from 1.
    number: usize,
    start: u64,
    length: u64,
}

/// Number of rows that are examined to classify a record.
const SAMPLE: u64 = 1 << 14;

impl Member {
    /// Checks that the mass record holds the masses. Format 1 does not name records. If a later
    /// record has the same length, either may hold the masses: GIZMO writes two others before them.
    /// Accepted are only the records of GADGET itself: gas quantities, then potentials, then
    /// timesteps.
    fn check_masses(&self, rest: &[Rest]) -> Result<(), Error> {
        let rows = self.header.single_masses();
        let is_rival = |rest: &Rest| rest.length == 4 * rows || rest.length == 8 * rows;
        let (Some(masses), true) = (self.block(Block::Masses), rest.iter().any(is_rival)) else {
            return Ok(());
        };
        let values = |start: u64, width: u64| {
            let (mut values, sample) = (Vec::new(), rows.min(SAMPLE));
            let component = Component::new(&self.source, self.style.float(width), start, width, rows)?;
            component.values(&(0..sample), &mut values)?;
            Ok::<_, Error>(values)
        };
        let fault = |number: usize| {
            self.source.wrong(format!(
                "has records that format 1 cannot tell apart: the masses may be record {number} or another one that is as long; \
                 write the file as format 2 or HDF5"
            ))
        };
        let place = 1 + self.found.len();
        // Integers read as floats are smaller than these.
        let least = if masses.width == 4 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE };
        if values(masses.start, masses.width)?.iter().any(|mass| !(*mass >= least && mass.is_finite())) {
            return Err(fault(place));
        }
        let of_gas = rows == self.header.count[0];
        let rivals = rest.iter().filter(|rest| is_rival(rest)).count();
        let mut has_field = false;
        for (i, record) in rest.iter().enumerate() {
            has_field |= [12, 24].contains(&(record.length / rows)) && record.length.is_multiple_of(rows);
            if !is_rival(record) {
                continue;
            }
            let values = values(record.start, record.length / rows)?;
            let is_potential = values.iter().all(|value| *value < 0.0 && value.is_finite());
            let is_time_step = has_field && i + 1 == rest.len() && values.iter().all(|value| *value > 0.0);
            // In initial conditions, which have no densities, all gas energies may be 0.
            let is_of_gas = of_gas && !(rivals > 1 && i == 0 && values.iter().all(|value| *value == 0.0));
            has_field |= is_potential;
            if !(is_potential || is_time_step || is_of_gas) {
                return Err(fault(place));
            }
        }
        Ok(())
    }
}

/// The records of format 1.
fn in_order(walk: &mut Walk, header: &FileHeader) -> Result<Vec<Found>, Error> {
    let wanted = ORDER.into_iter().filter(|block| block.numbers(header) > 0);
    wanted.map(|block| walk.find(block, header)).collect()
}

/// The known records of format 2, in any order, and the names of the others.
fn named(walk: &mut Walk, header: &FileHeader) -> Result<(Vec<Found>, Vec<String>), Error> {
    let mut found: Vec<Found> = Vec::new();
    let mut ignored = Vec::new();
    while !walk.ended() {
        let name = walk.name()?;
        match Block::named(&name).filter(|block| block.numbers(header) > 0) {
            Some(block) if found.iter().any(|found| found.block == block) => {
                return Err(walk.source.wrong(format!("has the record {} twice", block.name())));
            }
            Some(block) => found.push(walk.find(block, header)?),
            None => {
                let length = walk.marker(walk.place)?;
                let name = String::from_utf8_lossy(&name).trim().escape_debug().to_string();
                walk.take(u64::from(length), &format!("`{name}`"))?;
                if length > 0 {
                    ignored.push(name);
                }
            }
        }
    }
    Ok((found, ignored))
}

/// The first file of the snapshot to which `path` belongs.
pub(super) fn first_file(path: &Path) -> Result<PathBuf, Error> {
    let files = Member::open(path)?.header.files;
    if files > 1 { sibling(path, 0, files) } else { Ok(path.to_owned()) }
}

pub(super) fn open(path: &Path) -> Result<Foreign, Error> {
    let first = Member::open(path)?;
    let files = first.header.files;
    let (mut pieces, mut count_by_header) = (Vec::new(), [0u64; TYPES]);
    let mut ids = None;
    let mut ignored: Vec<String> = Vec::new();
    for index in 0..files {
        let member =
            if files == 1 { Member::open(path)? } else { Member::open(&sibling(path, index, files)?)? };
        if member.header.files != files || member.header.total != first.header.total {
            let fault = "belongs to another snapshot than the files beside it: their totals differ";
            return Err(member.source.wrong(fault));
        }
        let has = member.block(Block::Ids).is_some();
        if member.header.bodies() > 0 && *ids.get_or_insert(has) != has {
            return Err(member.source.wrong("some files have ids, others do not"));
        }
        count_by_header.iter_mut().zip(member.header.count).for_each(|(sum, count)| *sum += count);
        member.pieces(&mut pieces)?;
        let new: Vec<String> = member.ignored.into_iter().filter(|name| !ignored.contains(name)).collect();
        ignored.extend(new.into_iter().take(MOST_RECORDS));
    }
    let total = first.header.total;
    if total != count_by_header && (files > 1 || total != [0; TYPES]) {
        let fault = format!("counts {count_by_header:?} bodies, but {total:?} in all files");
        return Err(first.source.wrong(fault));
    }
    let evidence = first.header.evidence();
    let h = if first.header.hubble.is_finite() { first.header.hubble } else { 0.0 };
    let mut header = Header {
        format: Format::GadgetBinary,
        time: first.header.time,
        box_size: first.header.box_size,
        universe: evidence.verdict().map(|_| Universe { h, ..evidence.universe() }),
        cosmological: evidence.verdict(),
        count: count(&pieces)?,
        files: files as usize,
        numbered: ids == Some(false),
        ignored,
        ..Header::default()
    };
    header.remarks.extend(header.remark_on_units());
    Ok(Foreign { header, content: Content::Pieces(pieces) })
}
