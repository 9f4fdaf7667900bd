//! Text tables with given columns of numbers, such as the track of a potential. Names, separators,
//! comments and units are as in tables of bodies.

use super::ecsv;
use super::table::{REMARK, each_line, is_remark, is_row, joined, parted, stated_unit};
use super::text::{Separator, number};
use super::unit::{Said, Unit, said};
use crate::Error;
use std::borrow::Cow;
use std::path::Path;

/// A column to read: its name, its dimension and the words for it in messages.
pub(crate) type Wanted = (&'static str, [i32; 3], &'static str);

/// A column of numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series {
    pub(crate) values: Vec<f64>,
    /// Unit, if the table states one.
    pub(crate) unit: Option<Unit>,
}

/// Places of the columns in a row.
struct Head<const N: usize> {
    separator: Separator,
    places: [usize; N],
    width: usize,
}

/// Reads these columns of a table. Other columns are skipped.
///
/// # Errors
/// If the file cannot be read, has no line with these names, or a value of a row is not a number.
pub(crate) fn read<const N: usize>(path: &Path, wanted: &[Wanted; N]) -> Result<[Series; N], Error> {
    let mut series: [Series; N] = std::array::from_fn(|_| Series::default());
    let (mut head, mut ecsv): (Option<Head<N>>, Option<ecsv::Head>) = (None, None);
    let nameless = || {
        let names = wanted.map(|(name, ..)| name).join(",");
        format!("has no line with the names of its columns; it must have the columns {names}")
    };
    each_line(path, |line_number, line| {
        let at_line = |fault: String| format!("line {line_number}: {fault}");
        let Some(Head { separator, places, width }) = &head else {
            if line.starts_with(ecsv::MARK) {
                ecsv = Some(ecsv::Head::default());
            }
            if let Some(ecsv) = ecsv.as_mut().filter(|_| line.starts_with('#')) {
                ecsv.take(line);
                return Ok(true);
            }
            let names = line.trim_start_matches(REMARK).trim();
            for separator in Separator::candidates(names) {
                let Ok(cells) = separator.split(names) else { continue };
                let cells = joined(separator, cells);
                let is_at = |cell: &Cow<str>, name: &str| parted(cell).0.eq_ignore_ascii_case(name);
                let place = |(name, ..): &Wanted| cells.iter().position(|cell| is_at(cell, name));
                let places: Option<Vec<usize>> = wanted.iter().map(place).collect();
                let Some(places) = places.and_then(|places| places.try_into().ok()) else { continue };
                let places: [usize; N] = places;
                for (k, series) in series.iter_mut().enumerate() {
                    let behind = parted(&cells[places[k]]).1;
                    let units = ecsv.as_ref().map_or_else(Vec::new, ecsv::Head::units);
                    let in_head = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted[k].0));
                    let (_, dimension, what) = wanted[k];
                    let text = behind.or(in_head.map(|(_, unit)| unit.as_str()));
                    let unit = |text| stated_unit(dimension, what, wanted[k].0, text, behind.is_some());
                    series.unit = text.map_or(Ok(None), unit).map_err(at_line)?;
                }
                head = Some(Head { separator, places, width: cells.len() });
                return Ok(true);
            }
            return if is_row(line) { Err(nameless()) } else { Ok(true) };
        };
        if is_remark(line) {
            return Ok(true);
        }
        let cells = separator.split(line).map_err(|fault| format!("line {line_number} {fault}"))?;
        if cells.len() < *width || cells[*width..].iter().any(|cell| !cell.is_empty()) {
            return Err(at_line(format!("must hold {width} values, as the line of names")));
        }
        let is_unit = |place: &usize| matches!(said(&cells[*place]), Said::Unit(_) | Said::Code);
        let is_number = |place: &usize| number(&cells[*place]).is_some();
        if series[0].values.is_empty() && places.iter().all(|place| is_unit(place) && !is_number(place)) {
            for ((series, place), (name, dimension, what)) in series.iter_mut().zip(places).zip(wanted) {
                let unit = stated_unit(*dimension, what, name, &cells[*place], false);
                series.unit = unit.map_err(at_line)?.or(series.unit);
            }
            return Ok(true);
        }
        for ((series, place), (name, ..)) in series.iter_mut().zip(places).zip(wanted) {
            let cell = &cells[*place];
            let fault = || at_line(format!("{name} = {:?} is no number", super::table::shown(cell)));
            series.values.push(number(cell).ok_or_else(fault)?);
        }
        Ok(true)
    })?;
    if head.is_none() { Err(Error::snapshot(path, nameless())) } else { Ok(series) }
}
