//! Tables of numbers as CSV, one row at a time: a run that is killed leaves whole rows.

use crate::Error;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A CSV file that grows row by row.
pub struct Table {
    path: PathBuf,
    file: File,
    columns: usize,
}

impl Table {
    /// Creates the file, or empties it, and writes its header.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path, columns: &[&str]) -> Result<Table, Error> {
        let file = File::create(path).map_err(Error::system(path, "write"))?;
        let mut table = Table { path: path.to_owned(), file, columns: columns.len() };
        table.line(columns.join(","))?;
        Ok(table)
    }

    /// Goes on with a file that has this header: rows are kept from the first one on as long as `keep` says so of their first value, and what
    /// comes behind is cut away. Also returns the first value of the last row that is kept.
    ///
    /// # Errors
    /// If the file cannot be read or written, or has another header.
    pub fn resume(
        path: &Path,
        columns: &[&str],
        keep: impl Fn(f64) -> bool,
    ) -> Result<(Table, Option<f64>), Error> {
        let file =
            OpenOptions::new().read(true).write(true).open(path).map_err(Error::system(path, "read"))?;
        let (mut lines, mut line) = (BufReader::new(&file), String::new());
        let mut next = |line: &mut String| {
            line.clear();
            lines.read_line(line).map_err(Error::system(path, "read")).map(|length| length as u64)
        };
        let mut end = next(&mut line)?;
        if line.trim_end() != columns.join(",") {
            let cause = std::io::Error::other("its first line is not that of this table");
            return Err(Error::System { path: path.to_owned(), action: "go on", cause });
        }
        let mut last = None;
        loop {
            let length = next(&mut line)?;
            let first = line.ends_with('\n').then(|| line.split(',').next()?.parse().ok()).flatten();
            let Some(first) = first.filter(|&first| keep(first)) else { break };
            end += length;
            last = Some(first);
        }
        let mut cut = &file;
        file.set_len(end)
            .and_then(|()| cut.seek(SeekFrom::Start(end)))
            .map_err(Error::system(path, "write"))?;
        Ok((Table { path: path.to_owned(), file, columns: columns.len() }, last))
    }

    /// Forces all rows to the disk.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::system(&self.path, "write"))
    }

    /// Appends a row, one value a column; a value reads back to the same bits.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn row(&mut self, values: &[f64]) -> Result<(), Error> {
        assert_eq!(
            values.len(),
            self.columns,
            "a row of {} has another length than its header",
            self.path.display()
        );
        self.line(values.iter().map(|&value| number(value)).collect::<Vec<_>>().join(","))
    }

    /// One write a line: the system appends it whole.
    fn line(&mut self, mut text: String) -> Result<(), Error> {
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(Error::system(&self.path, "write"))
    }
}

/// Shortest text that reads back to the same bits; whole numbers without a point.
fn number(value: f64) -> String {
    let plain = value == 0.0 || (1e-4..1e15).contains(&value.abs());
    if plain { value.to_string() } else { format!("{value:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_to_the_same_bits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("energy.csv");
        let rows = [[0.0, -0.1, 1.0 / 3.0], [20.0, f64::MIN_POSITIVE, -1e300]];
        let mut table = Table::create(&path, &["step", "energy", "error"]).unwrap();
        rows.iter().for_each(|row| table.row(row).unwrap());
        let text = std::fs::read_to_string(&path).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("step,energy,error"));
        for (line, row) in lines.zip(rows) {
            assert_eq!(line.split(',').map(|x| x.parse::<f64>().unwrap()).collect::<Vec<_>>(), row);
        }
        assert!(text.ends_with("\n20,2.2250738585072014e-308,-1e300\n"));
    }

    #[test]
    fn a_table_goes_on_behind_the_row_it_is_cut_at() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("energy.csv");
        let columns = ["step", "energy"];
        let mut table = Table::create(&path, &columns).unwrap();
        (0..4).for_each(|step| table.row(&[f64::from(step), 0.5]).unwrap());
        table.line("4,0.".to_owned()).unwrap();
        let (mut table, last) = Table::resume(&path, &columns, |step| step <= 2.0).unwrap();
        assert_eq!(last, Some(2.0));
        table.row(&[3.0, 0.25]).unwrap();
        table.sync().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,energy\n0,0.5\n1,0.5\n2,0.5\n3,0.25\n");
        let message = Table::resume(&path, &["step", "mass"], |_| true).err().unwrap().to_string();
        assert_eq!(
            message,
            format!("{}: cannot go on: its first line is not that of this table", path.display())
        );
    }

    #[test]
    fn a_row_that_was_torn_is_cut_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("energy.csv");
        std::fs::write(&path, "step,energy\n0,0.5\n1,0.").unwrap();
        let (_, last) = Table::resume(&path, &["step", "energy"], |_| true).unwrap();
        assert_eq!(last, Some(0.0));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "step,energy\n0,0.5\n");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let message = Table::create(Path::new("/dev/full"), &["step"]).err().unwrap().to_string();
        assert_eq!(message, "/dev/full: cannot write: No space left on device (os error 28)");
    }
}
