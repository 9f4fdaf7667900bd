//! Output files of a plot: a picture, and its numbers beside it.

use crate::console::say;
use crate::outputs::Overwrite;
use anyhow::Result;
use io::{Kind, Outputs, Target};
use std::path::{Path, PathBuf};
use viz::plot::Figure;

/// Options of every plot.
#[derive(Clone, Debug, clap::Args)]
pub struct Output {
    /// Picture to write, .png or .svg; its numbers are written to a .csv of the same name.
    #[arg(long = "output", short = 'o', value_name = "FILE", value_parser = picture)]
    pub path: PathBuf,
    /// Whether existing files may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
}

/// A table of the plotted numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sheet {
    /// Names of the columns, with units in brackets.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

/// Parses a path whose ending is that of a picture format.
pub(crate) fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is = |ending: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending));
    if is("png") || is("svg") { Ok(path) } else { Err("must end in .png or .svg".to_owned()) }
}

impl Output {
    /// Reserves both output files before anything is computed. `inputs` are the files that the plot
    /// reads.
    ///
    /// # Errors
    /// If one of the output files must not be written.
    pub fn claim<P: Into<PathBuf>>(&self, inputs: impl IntoIterator<Item = P>) -> Result<Targets> {
        Targets::new(&self.path, &mut self.overwrite.reading(inputs))
    }
}

/// The output files of a plot.
pub struct Targets {
    picture: Target,
    table: Target,
}

impl Targets {
    /// The output files for a picture with this name.
    ///
    /// # Errors
    /// If one of them must not be written.
    pub fn new(path: &Path, outputs: &mut Outputs) -> Result<Targets> {
        let picture = outputs.file(path, Kind::PLOT)?;
        Ok(Targets { picture, table: outputs.file(&path.with_extension("csv"), Kind::TABLE)? })
    }

    /// Writes both files.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, figure: &Figure, sheet: &Sheet) -> Result<()> {
        let Targets { picture, table } = self;
        let is_svg =
            picture.path().extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
        let bytes = if is_svg { figure.svg().into_bytes() } else { figure.png()? };
        io::table::write(table, &sheet.columns, &sheet.rows)?;
        picture.write(&bytes)?;
        say(&format!("{}  {}", picture.path().display(), table.path().display()));
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
