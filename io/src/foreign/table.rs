//! Tables of text: a line with the names of the columns, in any order, perhaps after a `#`, then a row a body. Columns are parted by commas
//! or by blanks. Lines before the names, empty lines and lines that begin with `#` are passed over.

use super::columns::{Column, Columns, Meaning, meaning};
use super::number::whole;
use super::pieces::kind;
use super::{Content, Foreign};
use crate::Error;
use crate::snapshot::{Format, Header};
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use treecode::{Bodies, TYPES};

/// A longer line is no row of a table [bytes].
const LONGEST_LINE: u64 = 1 << 16;

/// A table whose columns are known.
pub(super) struct Table {
    pub(super) rows: u64,
    columns: Columns<usize>,
    width: usize,
    separator: Separator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Separator {
    Comma,
    Blank,
}

impl Separator {
    fn of(line: &str) -> Separator {
        if line.contains(',') { Separator::Comma } else { Separator::Blank }
    }

    fn split(self, line: &str) -> impl Iterator<Item = &str> {
        let (by_comma, by_blank) = match self {
            Separator::Comma => (Some(line.split(',').map(str::trim)), None),
            Separator::Blank => (None, Some(line.split_whitespace())),
        };
        by_comma.into_iter().flatten().chain(by_blank.into_iter().flatten())
    }
}

/// Reads the header and all types.
pub(super) fn open(path: &Path) -> Result<Foreign, Error> {
    let mut names = None;
    let mut table: Option<Table> = None;
    let mut count = [0; TYPES];
    each_line(path, |number, line| {
        if table.is_none() {
            if !is_row(line) {
                // A remark may follow the names.
                let candidate = (number, line.trim_start_matches('#').trim().to_owned());
                if names.is_none() || Table::describe(Some(&candidate)).is_ok() {
                    names = Some(candidate);
                }
                return Ok(true);
            }
            table = Some(Table::describe(names.as_ref())?);
        }
        if let Some(table) = table.as_mut().filter(|_| !line.starts_with('#')) {
            let row: Vec<&str> = table.separator.split(line).collect();
            count[usize::from(table.kind(number, &row)?)] += 1;
            table.rows += 1;
        }
        Ok(true)
    })?;
    let Some(table) = table else {
        return Err(Error::snapshot(path, "has no rows of numbers, so it is no table of bodies"));
    };
    let header = Header {
        format: Format::Table,
        count,
        files: 1,
        numbered: table.columns.get(Column::Id).is_none(),
        ignored: table.columns.ignored.clone(),
        ..Header::default()
    };
    Ok(Foreign { header, content: Content::Table(table) })
}

/// Whether a line has numbers in it, not names.
fn is_row(line: &str) -> bool {
    let first = Separator::of(line).split(line).next();
    first.is_some_and(|first| first.parse::<f64>().is_ok())
}

impl Table {
    fn describe(names: Option<&(u64, String)>) -> Result<Table, String> {
        let (number, names) = names
            .ok_or("has no line that names its columns, such as `mass x y z vx vy vz`, before its rows")?;
        let separator = Separator::of(names);
        let mut columns = Columns::default();
        let mut width = 0;
        for (place, name) in separator.split(names).enumerate() {
            match meaning(name) {
                Some(Meaning::Number(column)) => {
                    columns.add(column, place).map_err(|fault| format!("line {number} {fault}"))?
                }
                Some(Meaning::Vector(_)) => {
                    return Err(format!("line {number}: `{name}` must be three columns, such as x y z"));
                }
                None => columns.ignored.push(name.to_owned()),
            }
            width = place + 1;
        }
        columns.check().map_err(|fault| format!("line {number} {fault}"))?;
        Ok(Table { rows: 0, columns, width, separator })
    }

    /// The rows of `share`, which are numbered over the whole file.
    pub(super) fn read(&self, path: &Path, share: Range<u64>) -> Result<Bodies, Error> {
        let mut bodies = Bodies::default();
        let (mut row, mut begun) = (0, false);
        each_line(path, |number, line| {
            begun = begun || is_row(line);
            if !begun || line.starts_with('#') {
                return Ok(true);
            }
            if share.contains(&row) {
                self.append(number, row, line, &mut bodies)?;
            }
            row += 1;
            Ok(row < share.end)
        })?;
        bodies.fill_up();
        Ok(bodies)
    }

    /// Appends what a row tells of a body; arrays of what no row tells stay as they are.
    fn append(&self, number: u64, row: u64, line: &str, bodies: &mut Bodies) -> Result<(), String> {
        let cells: Vec<&str> = self.separator.split(line).collect();
        let kind = self.kind(number, &cells)?;
        let value = |column: Column| {
            let cell = cells[*self.columns.get(column).expect("the columns were checked")];
            cell.parse::<f64>().map_err(|_| format!("line {number}: `{}` is no number", shown(cell)))
        };
        bodies.mass.push(value(Column::Mass)?);
        for axis in 0..3 {
            bodies.pos[axis].push(value(Column::Position(axis))?);
            bodies.vel[axis].push(value(Column::Velocity(axis))?);
        }
        bodies.id.push(match self.columns.get(Column::Id) {
            None => row,
            Some(&place) => name(cells[place])
                .ok_or_else(|| format!("line {number}: `{}` is no id", shown(cells[place])))?,
        });
        bodies.kind.push(kind);
        Ok(())
    }

    /// The type of a row, whose length is checked too.
    fn kind(&self, number: u64, cells: &[&str]) -> Result<u8, String> {
        if cells.len() != self.width {
            return Err(format!("line {number} has {} columns, but {} are named", cells.len(), self.width));
        }
        let Some(&place) = self.columns.get(Column::Type) else { return Ok(1) };
        let found = name(cells[place]).and_then(kind);
        found.ok_or_else(|| {
            format!("line {number}: the type is `{}`, must be 0 to {}", shown(cells[place]), TYPES - 1)
        })
    }
}

/// A whole number, perhaps written as a float.
fn name(cell: &str) -> Option<u64> {
    cell.parse().ok().or_else(|| cell.parse().ok().and_then(whole))
}

/// As much of a cell as a message can hold.
fn shown(cell: &str) -> String {
    cell.chars().take(40).collect()
}

/// Hands each line that is not empty to `take`, with its number from 1 on, until that says `false`.
fn each_line(path: &Path, mut take: impl FnMut(u64, &str) -> Result<bool, String>) -> Result<(), Error> {
    let mut reader = BufReader::with_capacity(1 << 18, crate::file::open(path)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line);
        let length = length.map_err(Error::system(path, "read"))?;
        if length == 0 {
            break;
        }
        let wrong = |fault: String| Error::snapshot(path, fault);
        if length as u64 == LONGEST_LINE {
            return Err(wrong(format!("line {number} is longer than any row of a table")));
        }
        let text =
            std::str::from_utf8(&line).map_err(|_| wrong(format!("line {number} is not text")))?.trim();
        if !text.is_empty() && !take(number, text).map_err(wrong)? {
            break;
        }
    }
    Ok(())
}
