//! CSV tables. A table is written at once, or row by row, so that a killed run leaves complete
//! rows. It is read at once.

use crate::error::one_line;
use crate::{Error, Target};
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
    /// Creates or truncates the file, and writes its header.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(path: &Path, columns: &[&str]) -> Result<Table, Error> {
        let file = File::create(path).map_err(Error::system(path, "write"))?;
        let mut table = Table { path: path.to_owned(), file, columns: columns.len() };
        table.line(columns.join(","))?;
        Ok(table)
    }

    /// Continues a file that has this header. Rows are kept from the first one as long as `keep`
    /// accepts their first value, and the rest is removed. Also returns the first value of the last
    /// row that is kept.
    ///
    /// # Errors
    /// If the file cannot be read or written, or has another header.
    pub fn resume(
        path: &Path,
        columns: &[&str],
        keep: impl Fn(f64) -> bool,
    ) -> Result<(Table, Option<f64>), Error> {
        crate::file::open(path)?;
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

    /// Syncs all rows to disk.
    ///
    /// # Errors
    /// If the disk fails.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(Error::system(&self.path, "write"))
    }

    /// Appends a row with one value per column. Reading a value returns the same bits.
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

    /// One write call per line, so that the line is appended whole.
    fn line(&mut self, mut text: String) -> Result<(), Error> {
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(Error::system(&self.path, "write"))
    }
}

/// Columns of numbers, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    names: Vec<String>,
    values: Vec<Vec<f64>>,
}

impl Columns {
    /// The names, in file order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The column with this name.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        let place = self.names.iter().position(|other| other == name)?;
        Some(&self.values[place])
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.values.first().map_or(0, Vec::len)
    }
}

/// Reads a table of numbers. A last line without a line end is left out, because a run may still be
/// writing it.
///
/// # Errors
/// If the file cannot be read, or a row does not have one number per column.
pub fn read(path: &Path) -> Result<Columns, Error> {
    let text = crate::read_text(path)?;
    let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::trim_end);
    let header =
        lines.next().ok_or_else(|| Error::snapshot(path, "has no line with the names of its columns"))?;
    let names: Vec<String> = header.split(',').map(str::to_owned).collect();
    let mut values = vec![Vec::new(); names.len()];
    for (line, number) in lines.zip(2..) {
        let row: Option<Vec<f64>> = line.split(',').map(|text| text.trim().parse().ok()).collect();
        let row = row.filter(|row| row.len() == names.len());
        let fault =
            || format!("line {number}: must hold {} numbers, as the first line has names", names.len());
        let row = row.ok_or_else(|| Error::snapshot(path, fault()))?;
        values.iter_mut().zip(row).for_each(|(column, value)| column.push(value));
    }
    Ok(Columns { names, values })
}

/// Reads two columns of numbers without a line of names, such as the power spectra of CAMB and CLASS.
/// Blanks, commas or semicolons separate numbers. What follows a `#` is a comment.
///
/// # Errors
/// If the file cannot be read, or a line does not hold two numbers. `names` are those of the columns
/// in the message.
pub fn read_pairs(path: &Path, names: [&str; 2]) -> Result<[Vec<f64>; 2], Error> {
    let text = crate::read_text(path)?;
    let mut columns = [Vec::new(), Vec::new()];
    for (line, number) in text.lines().zip(1..) {
        let cells = line.split('#').next().unwrap_or_default();
        let cells = cells.split([' ', '\t', ',', ';', '\r']).filter(|cell| !cell.is_empty());
        let row: Option<Vec<f64>> = cells.map(|cell| cell.parse().ok()).collect();
        match row.as_deref() {
            Some([]) => {}
            Some(&[first, second]) => {
                columns[0].push(first);
                columns[1].push(second);
            }
            _ => {
                let [first, second] = names;
                let fault = format!("line {number}: must hold two numbers, {first} and {second}");
                return Err(Error::snapshot(path, fault));
            }
        }
    }
    Ok(columns)
}

/// Writes a whole table, as [`Target::write`] does. What holds a comma or a quotation mark is quoted. Control characters, as names of files may have them,
/// are escaped: whoever prints the table must not send them to a terminal, and a row is one line.
///
/// # Errors
/// If the file cannot be written.
pub fn write(target: &Target, columns: &[String], rows: &[Vec<String>]) -> Result<(), Error> {
    let quoted = |cell: &String| {
        let cell = one_line(cell);
        if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    let line = |cells: &[String]| cells.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n";
    let text: String = std::iter::once(columns).chain(rows.iter().map(Vec::as_slice)).map(line).collect();
    target.write(text.as_bytes())
}

/// The shortest text that reads back to the same bits. Integers have no decimal point.
pub fn number(value: f64) -> String {
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
    fn pairs_have_two_numbers_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pk.dat");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_pairs(&path, ["k [h/Mpc]", "P [(Mpc/h)^3]"]).map_err(|error| error.to_string())
        };
        let text = "# k P\n\n 1e-3\t 2.5E3\r\n0.1, 7 # peak\n1;0.5";
        assert_eq!(read(text).unwrap(), [vec![1e-3, 0.1, 1.0], vec![2500.0, 7.0, 0.5]]);
        for text in ["1 2\n3 4 5\n", "1 2\n3\n", "1 2\nk P\n"] {
            let error = read(text).unwrap_err();
            assert!(error.ends_with("line 2: must hold two numbers, k [h/Mpc] and P [(Mpc/h)^3]"), "{error}");
        }
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
    fn what_was_written_is_read_by_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("energy.csv");
        std::fs::write(&path, "step,energy\n0,0.5\n1,-1e300\n2,0.").unwrap();
        let columns = read(&path).unwrap();
        assert_eq!((columns.get("energy"), columns.rows()), (Some(&[0.5, -1e300][..]), 2));
        assert_eq!(columns.get("momentum"), None);
        std::fs::write(&path, "step,energy\n0,0.5\n1\n").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(
            message.ends_with("energy.csv: line 3: must hold 2 numbers, as the first line has names"),
            "{message}"
        );
        std::fs::write(&path, "").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("no line with the names"));
    }

    #[test]
    fn words_with_commas_are_quoted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plot.csv");
        let row = ["a,b", "say \"c\"", "3"].map(str::to_owned).to_vec();
        write(&Target::own(&path), &["name", "word", "number"].map(str::to_owned), &[row]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "name,word,number\n\"a,b\",\"say \"\"c\"\"\",3\n");
        let row = ["a\nb\r", "\u{1b}[31m,\u{9b}", "ä"].map(str::to_owned).to_vec();
        write(&Target::own(&path), &["na\tme".to_owned()], &[row]).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "na\\tme\na\\nb\\r,\"\\u{1b}[31m,\\u{9b}\",ä\n");
    }

    #[test]
    fn a_full_disk_is_an_error() {
        let message = Table::create(Path::new("/dev/full"), &["step"]).err().unwrap().to_string();
        assert_eq!(message, "/dev/full: cannot write: No space left on device (os error 28)");
    }
}
