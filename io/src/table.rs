//! Tables of numbers as CSV, one row at a time: a run that is killed leaves whole rows.

use crate::Error;
use std::fs::File;
use std::io::Write;
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
    fn a_full_disk_is_an_error() {
        let message = Table::create(Path::new("/dev/full"), &["step"]).err().unwrap().to_string();
        assert_eq!(message, "/dev/full: cannot write: No space left on device (os error 28)");
    }
}
