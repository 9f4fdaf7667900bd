//! Text tables: a line with the names of the columns in any order, perhaps after a `#`, then one
//! row per body. Columns are separated by semicolons, commas, tabs or blanks, and cells may be
//! quoted.
//!
//! Everything before the names is a comment. After them every line is a row, unless it is empty or
//! begins with `#`. The first line after the names may hold the units of the columns. Units may
//! also follow the names, as in `x [kpc]`, or stand in the header of an ECSV file.

use super::columns::{Column, Columns, Meaning, meaning};
use super::number::whole;
use super::passengers::fault;
use super::pieces::kind;
use super::text::{Separator, number};
use super::unit::{Said, Unit, said};
use super::{Content, Foreign, ecsv};
use crate::snapshot::{Format, Header};
use crate::{Error, Units};
use std::borrow::Cow;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use treecode::{About, ArrayMut, Bodies, Dimension, Number, Purpose, TYPES};

/// Greatest length of a line [bytes]. No valid row is longer.
const LONGEST_LINE: u64 = 1 << 16;
/// Characters that may precede the names, and that begin a comment before them.
pub(super) const REMARK: [char; 3] = ['#', '%', '!'];

/// A table whose columns are known.
pub(super) struct Table {
    pub(super) rows: u64,
    /// Number of the line with the names or, if there is one, of the line with the units.
    head: u64,
    /// Whether there is a line with units.
    has_units: bool,
    columns: Columns<Place>,
    /// Columns without a meaning here.
    further: Vec<Further>,
    width: usize,
    separator: Separator,
}

/// A further column.
struct Further {
    name: String,
    cell: usize,
    /// Unit, if the table states one.
    unit: Option<String>,
    /// What the cells of all rows may be.
    integers: bool,
    naturals: bool,
    numbers: bool,
    /// Whether a cell is not empty.
    any: bool,
}

impl Further {
    fn new(name: &str, cell: usize, unit: Option<&str>) -> Further {
        let (name, unit) = (name.to_owned(), unit.map(str::to_owned));
        Further { name, cell, unit, integers: true, naturals: true, numbers: true, any: false }
    }

    /// Takes the cell of a row into account.
    fn examine(&mut self, cell: &str) {
        if !self.numbers {
            return;
        }
        self.integers = self.integers && cell.parse::<i64>().is_ok();
        self.naturals = self.naturals && cell.parse::<u64>().is_ok();
        self.any |= !is_missing(cell);
        self.numbers = self.integers || self.naturals || real(cell).is_some();
    }

    /// The column as one of the bodies, or why it is none.
    fn about(&self) -> Result<About, String> {
        if !self.numbers || !self.any {
            return Err(if self.numbers { "has no values" } else { "has other data than numbers" }.to_owned());
        }
        let number = match (self.integers, self.naturals) {
            (true, _) => Number::I64,
            (false, true) => Number::U64,
            (false, false) => Number::F64,
        };
        let about = About::new(&self.name, number, None, Purpose::Passenger);
        let Some(text) = &self.unit else { return Ok(about) };
        Ok(match said(text) {
            // The number of the column.
            Said::Unit(Unit { dimension: [0, 0, 0], .. }) if text.parse::<u16>().is_ok() => about,
            Said::Unit(Unit { dimension, in_cgs }) => {
                let [length, mass, time] = dimension.map(|power| i8::try_from(power).ok());
                let unit = length.zip(mass).zip(time);
                let unit = unit.map(|((length, mass), time)| Dimension::new(length, mass, time));
                About { unit, in_cgs: unit.map(|_| in_cgs), ..about }
            }
            Said::Unknown => About { description: format!("in {}", shown(text)), ..about },
            Said::Nothing | Said::Code => about,
        })
    }
}

/// A cell of a further column. A missing value is not a number.
fn real(cell: &str) -> Option<f64> {
    number(cell).or_else(|| is_missing(cell).then_some(f64::NAN))
}

fn is_missing(cell: &str) -> bool {
    said(cell) == Said::Nothing && number(cell).is_none()
}

/// Position of a column in a row, its unit, and the factor to the unit of the table.
#[derive(Clone, Debug)]
struct Place {
    cell: usize,
    unit: Option<Unit>,
    factor: f64,
}

/// Reads the header and the types of all rows.
pub(super) fn open(path: &Path) -> Result<Foreign, Error> {
    let mut search = Search::default();
    let mut table: Option<Table> = None;
    let mut count = [0; TYPES];
    each_line(path, |number, line| {
        let Some(table) = &mut table else {
            table = search.take(number, line)?;
            return Ok(true);
        };
        if is_remark(line) {
            table.take_remark(number, line)?;
        } else if !table.take_units(number, line)? {
            let cells = table.cells(number, line)?;
            count[usize::from(table.kind(number, &cells)?)] += 1;
            table.further.iter_mut().for_each(|column| column.examine(&cells[column.cell]));
            table.rows += 1;
        }
        Ok(true)
    })?;
    let Some(mut table) = table.filter(|table| table.rows > 0) else {
        let fault =
            search.fault.unwrap_or_else(|| "has no rows of numbers, so it is no table of bodies".to_owned());
        return Err(Error::snapshot(path, fault));
    };
    let (units, remarks) = table.settle_units();
    let (columns, ignored) = table.settle_further();
    let header = Header {
        format: Format::Table,
        units,
        count,
        files: 1,
        numbered: table.columns.get(Column::Id).is_none(),
        columns,
        ignored,
        remarks,
        ..Header::default()
    };
    Ok(Foreign { header, content: Content::Table(table) })
}

/// The search for the line with the names.
#[derive(Default)]
struct Search {
    ecsv: Option<ecsv::Head>,
    /// The fault of the first line that looks like names.
    fault: Option<String>,
}

impl Search {
    /// Examines a line. Returns the table if the line names all required columns.
    fn take(&mut self, number: u64, line: &str) -> Result<Option<Table>, String> {
        if number == 1 && line.starts_with(ecsv::MARK) {
            self.ecsv = Some(ecsv::Head::default());
        }
        if let Some(head) = self.ecsv.as_mut().filter(|_| line.starts_with('#')) {
            head.take(line);
            return Ok(None);
        }
        let bare = line.trim_start_matches(REMARK);
        // An empty name may be followed by a tab.
        let names = if bare.len() < line.len() { bare.trim() } else { line };
        for separator in Separator::candidates(names) {
            match Table::describe(number, names, separator) {
                Ok(mut table) => {
                    if let Some(head) = &self.ecsv {
                        table.take_ecsv(number, names, head)?;
                    }
                    return Ok(Some(table));
                }
                Err(Fault { known, text }) if known > 2 => {
                    self.fault.get_or_insert(text);
                }
                Err(_) => {}
            }
        }
        if is_row(line) {
            let missing =
                "has no line that names its columns, such as `mass x y z vx vy vz`, before its rows";
            return Err(self.fault.take().unwrap_or_else(|| missing.to_owned()));
        }
        Ok(None)
    }
}

pub(super) fn is_remark(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// Whether a line has only numbers, and more than a single one, which could be a count of bodies.
pub(super) fn is_row(line: &str) -> bool {
    Separator::candidates(line).any(|separator| {
        separator
            .split(line)
            .is_ok_and(|cells| cells.len() > 1 && cells.iter().all(|cell| number(cell).is_some()))
    })
}

/// Why a line does not name the columns of bodies.
struct Fault {
    /// Number of known names in the line.
    known: usize,
    text: String,
}

impl Table {
    /// The table with these names of columns.
    fn describe(number: u64, names: &str, separator: Separator) -> Result<Table, Fault> {
        let (mut columns, mut further) = (Columns::default(), Vec::new());
        let mut width = 0;
        let fault = |known, text| Err(Fault { known, text });
        let cells = match separator.split(names) {
            Ok(cells) => joined(separator, cells),
            Err(text) => return fault(0, format!("line {number} {text}")),
        };
        let known = cells.iter().filter(|text| meaning(parted(text).0).is_some()).count();
        for (cell, text) in cells.iter().enumerate() {
            width = cell + 1;
            let (name, unit) = parted(text);
            let meaning = meaning(name);
            match meaning {
                Some(Meaning::Number(column)) => {
                    let unit = match unit.map_or(Ok(None), |unit| column_unit(column, unit, true)) {
                        Ok(unit) => unit,
                        Err(text) => return fault(known, format!("line {number}: {text}")),
                    };
                    if let Err(text) = columns.add(column, Place { cell, unit, factor: 1.0 }) {
                        return fault(known, format!("line {number} {text}"));
                    }
                }
                Some(Meaning::Vector(_)) => {
                    let text = format!("line {number}: `{name}` must be three columns, such as x y z");
                    return fault(known, text);
                }
                // Some programs end each line with a separator, or number the rows without naming
                // that column.
                None if text.is_empty() => {}
                None => further.push(Further::new(name, cell, unit)),
            }
        }
        match columns.check() {
            Ok(()) => {
                Ok(Table { rows: 0, head: number, has_units: false, columns, further, width, separator })
            }
            Err(text) => fault(known, format!("line {number} {text}")),
        }
    }

    /// Applies the units and the separator of an ECSV header.
    fn take_ecsv(&mut self, number: u64, names: &str, head: &ecsv::Head) -> Result<(), String> {
        let names: Vec<String> =
            self.separator.split(names)?.into_iter().map(|name| name.to_ascii_lowercase()).collect();
        for (name, unit_text) in head.units() {
            let cell = names.iter().position(|other| *other == name.to_ascii_lowercase());
            for (column, place) in self.columns.iter_mut().filter(|(_, place)| Some(place.cell) == cell) {
                let unit = column_unit(column, &unit_text, false);
                place.unit = unit.map_err(|text| format!("the head before line {number}: {text}"))?;
            }
            let further = self.further.iter_mut().filter(|column| Some(column.cell) == cell);
            further.for_each(|column| column.unit = Some(unit_text.clone()));
        }
        Ok(())
    }

    /// Examines the first line after the names. Returns true, and applies the units, if it holds
    /// units and no numbers.
    fn take_units(&mut self, number: u64, line: &str) -> Result<bool, String> {
        if self.rows > 0 || self.has_units {
            return Ok(false);
        }
        let cells = self.cells(number, line)?;
        let said = |place: &Place| said(&cells[place.cell]);
        let is_number =
            |place: &Place| said(place) != Said::Nothing && super::text::number(&cells[place.cell]).is_some();
        let is_unit = |place: &Place| matches!(said(place), Said::Unit(_) | Said::Code);
        if !self.measures().any(is_unit) || self.measures().any(is_number) {
            return Ok(false);
        }
        for (column, place) in self.columns.iter_mut() {
            let unit = column_unit(column, &cells[place.cell], false);
            place.unit = unit.map_err(|text| format!("line {number}: {text}"))?.or(place.unit);
        }
        for column in &mut self.further {
            let unit = &cells[column.cell];
            if super::unit::said(unit) != Said::Nothing {
                column.unit = Some(unit.clone().into_owned());
            }
        }
        (self.head, self.has_units) = (number, true);
        Ok(true)
    }

    /// The columns that have units.
    fn measures(&self) -> impl Iterator<Item = &Place> {
        self.columns.iter().filter(|(column, _)| Quantity::of(*column).is_some()).map(|(_, place)| place)
    }

    /// Examines a line that begins with `#`, which may hold the units of the columns.
    fn take_remark(&mut self, number: u64, line: &str) -> Result<(), String> {
        let line = line.trim_start().trim_start_matches(REMARK).trim();
        let cells = match self.separator.split(line) {
            Ok(cells) if cells.len() == self.width => cells,
            _ => return Ok(()),
        };
        let is_unit = |place: &Place| said(&cells[place.cell]) != Said::Unknown;
        if self.measures().all(is_unit) && self.take_units(number, line)? {
            return Ok(());
        }
        // If tables with different columns were concatenated, the file is refused.
        let Ok(other) = Table::describe(number, line, self.separator) else { return Ok(()) };
        let is_here = |(column, place): (Column, &Place)| {
            self.columns.get(column).is_some_and(|ours| ours.cell == place.cell)
        };
        if other.columns.iter().all(is_here) {
            Ok(())
        } else {
            Err(format!("line {number} names the columns again, in another order"))
        }
    }

    /// The units of the values, and remarks on assumptions. If columns of one quantity have
    /// different units, all values are converted to the first.
    fn settle_units(&mut self) -> (Option<Units>, Vec<String>) {
        let first = |quantity: Quantity| {
            let mut of_quantity =
                self.columns.iter().filter(|(column, _)| Quantity::of(*column) == Some(quantity));
            of_quantity.find_map(|(_, place)| place.unit.map(|unit| unit.in_cgs))
        };
        let found = [Quantity::Length, Quantity::Mass, Quantity::Velocity].map(first);
        if found.iter().all(Option::is_none) {
            return (None, Vec::new());
        }
        let defaults = [
            ("position", Units::GALACTIC.length_in_cm, "kpc"),
            ("mass", Units::GALACTIC.mass_in_g, "1e10 solar masses"),
            ("velocity", Units::GALACTIC.velocity_in_cm_per_s, "km/s"),
        ];
        let mut remarks = Vec::new();
        let mut unit = [0.0; 3];
        for (i, (what, default, name)) in defaults.into_iter().enumerate() {
            unit[i] = found[i].unwrap_or(default);
            if found[i].is_none() {
                remarks.push(format!("names units, but none of {what}: {name} is assumed"));
            }
        }
        for (column, place) in self.columns.iter_mut() {
            if let (Some(quantity), Some(own)) = (Quantity::of(column), place.unit) {
                place.factor = own.in_cgs / unit[quantity as usize];
            }
        }
        let [length_in_cm, mass_in_g, velocity_in_cm_per_s] = unit;
        (Some(Units { length_in_cm, mass_in_g, velocity_in_cm_per_s }), remarks)
    }

    /// The further columns that the bodies can have, and the names of the others with the reasons.
    fn settle_further(&self) -> (Vec<About>, Vec<String>) {
        let (mut columns, mut ignored) = (Vec::<About>::new(), Vec::new());
        for column in &self.further {
            let twice = fault(&column.name, columns.iter().map(|about| &about.name)).map_or(Ok(()), Err);
            match twice.and_then(|()| column.about()) {
                Ok(about) => columns.push(about),
                Err(fault) => ignored.push(format!("{} ({fault})", column.name)),
            }
        }
        (columns, ignored)
    }

    /// Appends the rows in `share`. Rows are numbered over the whole file.
    pub(super) fn read(&self, path: &Path, share: Range<u64>, mut bodies: Bodies) -> Result<Bodies, Error> {
        let mut row = 0;
        each_line(path, |number, line| {
            if number <= self.head || is_remark(line) {
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

    /// Appends one body. Arrays for which the table has no column are not changed.
    fn append(&self, number: u64, row: u64, line: &str, bodies: &mut Bodies) -> Result<(), String> {
        let cells = self.cells(number, line)?;
        let kind = self.kind(number, &cells)?;
        let value = |column: Column| {
            let place = self.columns.get(column).expect("the columns were checked");
            let cell = &cells[place.cell];
            match super::text::number(cell) {
                Some(value) => Ok(value * place.factor),
                None if cell.is_empty() => {
                    Err(format!("line {number} has an empty cell for {}", column.name()))
                }
                None => Err(format!("line {number}: `{}` is no number", shown(cell))),
            }
        };
        bodies.mass.push(value(Column::Mass)?);
        for axis in 0..3 {
            bodies.pos[axis].push(value(Column::Position(axis))?);
            bodies.vel[axis].push(value(Column::Velocity(axis))?);
        }
        bodies.id.push(match self.columns.get(Column::Id) {
            None => row,
            Some(place) => name(&cells[place.cell])
                .ok_or_else(|| format!("line {number}: `{}` is no id", shown(&cells[place.cell])))?,
        });
        bodies.kind.push(kind);
        for (about, array) in bodies.columns_mut() {
            let column = self.further.iter().find(|column| column.name == about.name);
            let cell = &cells[column.expect("the columns are those of the table").cell];
            let pushed = match array {
                ArrayMut::I64(values) => cell.parse().ok().map(|value| values.push(value)),
                ArrayMut::U64(values) => cell.parse().ok().map(|value| values.push(value)),
                ArrayMut::F64(values) => real(cell).map(|value| values.push(value)),
                _ => unreachable!("a table has no other types"),
            };
            pushed.ok_or_else(|| format!("line {number}: `{}` is no number", shown(cell)))?;
        }
        Ok(())
    }

    /// Splits a row into cells and checks their number.
    fn cells<'a>(&self, number: u64, line: &'a str) -> Result<Vec<Cow<'a, str>>, String> {
        // Some programs separate the names differently from the numbers.
        let separator = match self.separator {
            separator if separator.is_in(line) => separator,
            separator => Separator::candidates(line).next().unwrap_or(separator),
        };
        let cells = separator.split(line).map_err(|fault| format!("line {number} {fault}"))?;
        if cells.len() != self.width {
            return Err(format!("line {number} has {} columns, but {} are named", cells.len(), self.width));
        }
        Ok(cells)
    }

    /// The particle type of a row.
    fn kind(&self, number: u64, cells: &[Cow<str>]) -> Result<u8, String> {
        let Some(place) = self.columns.get(Column::Type) else { return Ok(1) };
        let found = name(&cells[place.cell]).and_then(kind);
        found.ok_or_else(|| {
            format!("line {number}: the type is `{}`, must be 0 to {}", shown(&cells[place.cell]), TYPES - 1)
        })
    }
}

/// The quantity that a value measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Length,
    Mass,
    Velocity,
}

impl Quantity {
    fn of(column: Column) -> Option<Quantity> {
        match column {
            Column::Mass => Some(Quantity::Mass),
            Column::Position(_) => Some(Quantity::Length),
            Column::Velocity(_) => Some(Quantity::Velocity),
            Column::Id | Column::Type => None,
        }
    }
}

/// Parses the unit of a column. A number in parentheses after a name is a column number, not a
/// unit.
fn column_unit(column: Column, text: &str, behind_name: bool) -> Result<Option<Unit>, String> {
    let (dimension, what) = match Quantity::of(column) {
        Some(Quantity::Length) => (Unit::LENGTH, "length"),
        Some(Quantity::Mass) => (Unit::MASS, "mass"),
        Some(Quantity::Velocity) => (Unit::VELOCITY, "velocity"),
        None => return Ok(None),
    };
    stated_unit(dimension, what, column.name(), text, behind_name)
}

/// Parses the unit of a column of this name, which is a `what` of this dimension. `None` if the text states
/// none.
///
/// # Errors
/// The unit is not known, or has another dimension.
pub(super) fn stated_unit(
    dimension: [i32; 3],
    what: &str,
    name: &str,
    text: &str,
    behind_name: bool,
) -> Result<Option<Unit>, String> {
    let place = format!("`{}` as the unit of {name}", shown(text));
    match said(text) {
        Said::Nothing | Said::Code => Ok(None),
        Said::Unit(Unit { dimension: [0, 0, 0], .. }) if behind_name && text.parse::<u16>().is_ok() => {
            Ok(None)
        }
        Said::Unit(unit) if unit.dimension == dimension => Ok(Some(unit)),
        Said::Unit(_) => Err(format!("{place} is no {what}")),
        Said::Unknown => Err(format!("{place} is not known here; use a {what} such as {}", examples(what))),
    }
}

fn examples(what: &str) -> &'static str {
    match what {
        "length" => "pc, kpc, AU, cm",
        "mass" => "Msun, 1e10 Msun, g",
        "time" => "Myr, Gyr, yr, s",
        _ => "km/s, pc/Myr, cm/s",
    }
}

/// Joins cells of names whose blanks are inside `[ ]` or `( )`, or directly before these.
pub(super) fn joined(separator: Separator, cells: Vec<Cow<'_, str>>) -> Vec<Cow<'_, str>> {
    if separator != Separator::Blank {
        return cells;
    }
    let mut joined: Vec<Cow<str>> = Vec::new();
    for cell in cells {
        let open = |text: &str| text.matches(['[', '(']).count() > text.matches([']', ')']).count();
        match joined.last_mut() {
            Some(last) if open(last) || cell.starts_with(['[', '(']) => {
                *last = Cow::Owned(format!("{last} {cell}"));
            }
            _ => joined.push(cell),
        }
    }
    joined
}

/// Splits a name from the unit in brackets after it.
pub(super) fn parted(text: &str) -> (&str, Option<&str>) {
    let unquoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text).trim();
    let part = |open: char, close: char| {
        let (name, unit) = unquoted.strip_suffix(close)?.split_once(open)?;
        Some((name.trim(), Some(unit)))
    };
    part('[', ']').or_else(|| part('(', ')')).unwrap_or((unquoted, None))
}

/// Parses an id. It may be written as a float. Negative integers are accepted with their bits.
fn name(cell: &str) -> Option<u64> {
    let signed = || cell.parse::<i64>().ok().map(|id| id as u64);
    cell.parse().ok().or_else(signed).or_else(|| number(cell).and_then(whole))
}

/// Truncates a cell for a message.
pub(super) fn shown(cell: &str) -> String {
    cell.chars().take(40).collect()
}

/// Calls `take` with each non-empty line and its number, from 1, until it returns `false`.
pub(super) fn each_line(
    path: &Path,
    mut take: impl FnMut(u64, &str) -> Result<bool, String>,
) -> Result<(), Error> {
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
        let text = std::str::from_utf8(&line).map_err(|_| wrong(format!("line {number} is not text")))?;
        // Some programs write a byte order mark.
        let text = text.strip_prefix('\u{feff}').filter(|_| number == 1).unwrap_or(text);
        // Tabs may separate empty cells, so they are kept.
        let text = text.trim_matches(|c: char| c.is_whitespace() && c != '\t');
        if !text.trim().is_empty() && !take(number, text).map_err(wrong)? {
            break;
        }
    }
    Ok(())
}
