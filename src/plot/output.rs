//! Where a plot goes: a picture, and its numbers beside it.

use crate::console::say;
use anyhow::{Result, bail};
use std::fs::canonicalize;
use std::path::{Path, PathBuf};
use viz::plot::Figure;

/// Option of every plot.
#[derive(Clone, Debug, clap::Args)]
pub struct Output {
    /// Picture to write, a .png or .svg; its numbers go to a .csv of the same name.
    #[arg(long = "output", short = 'o', value_name = "FILE", value_parser = picture)]
    pub path: PathBuf,
}

/// Numbers and words in columns, as they are plotted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Names of the columns, with units in brackets.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// A path whose ending says which kind of picture it is.
pub fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("png" | "svg") => Ok(path),
        _ => Err("must end in .png or .svg".to_owned()),
    }
}

impl Output {
    /// Where the numbers go.
    pub fn table(&self) -> PathBuf {
        self.path.with_extension("csv")
    }

    /// Refuses names under which something that is read would be lost.
    ///
    /// # Errors
    /// If an input has the name of the table.
    pub fn spares(&self, inputs: &[PathBuf]) -> Result<()> {
        let same = |a: &Path, b: &Path| canonicalize(a).is_ok_and(|a| canonicalize(b).is_ok_and(|b| a == b));
        match inputs.iter().find(|input| same(input, &self.table())) {
            Some(input) => bail!(
                "{}: the numbers of {} would take its place; choose another --output",
                input.display(),
                self.path.display()
            ),
            None => Ok(()),
        }
    }

    /// Writes both.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, figure: &Figure, sheet: &Sheet) -> Result<()> {
        let is_svg = self.path.extension().is_some_and(|extension| extension == "svg");
        let bytes = if is_svg { figure.svg().into_bytes() } else { figure.png()? };
        io::table::write(&self.table(), &sheet.columns, &sheet.rows)?;
        io::replace_atomically(&self.path, &bytes)?;
        say(&format!("{}  {}", self.path.display(), self.table().display()));
        Ok(())
    }
}

impl Sheet {
    /// An empty sheet.
    pub fn new(columns: &[impl ToString]) -> Sheet {
        Sheet { columns: columns.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// Appends a row that begins with `words`.
    pub fn row(&mut self, words: &[&str], numbers: &[f64]) {
        let words = words.iter().map(|word| (*word).to_owned());
        self.rows.push(words.chain(numbers.iter().map(|&number| io::table::number(number))).collect());
    }
}
