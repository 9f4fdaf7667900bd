//! Output files of a plot: a picture, and its numbers beside it.

use crate::console::say;
use crate::files::outputs::Overwrite;
use anyhow::Result;
use io::{Kind, Outputs, Target};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use viz::plot::{Figure, Look, Theme};

/// Options of every plot.
#[derive(Clone, Debug, clap::Args)]
pub struct Output {
    /// Picture to write, .png, .svg or .pdf; its numbers are written to a .csv of the same name.
    #[arg(long = "output", short = 'o', value_name = "FILE", value_parser = picture)]
    pub path: PathBuf,
    /// Size, resolution and colours.
    #[command(flatten)]
    pub look: LookOptions,
    /// Whether existing files may be replaced.
    #[command(flatten)]
    pub overwrite: Overwrite,
}

/// Options for the look of a figure.
#[derive(Clone, Debug, clap::Args)]
pub struct LookOptions {
    /// Colours of the figure: dark lines on white, or bright lines on a dark background.
    #[arg(long, value_enum, default_value_t)]
    pub theme: ThemeName,
    /// Width of the figure in millimetres [default: that of its panels].
    #[arg(long, value_name = "MM", value_parser = millimetres)]
    pub width_mm: Option<f64>,
    /// Size of the labels in points [default: 13].
    #[arg(long, value_name = "POINTS", value_parser = font_size)]
    pub font_size: Option<f64>,
    /// Pixels per inch of a PNG [default: 144].
    #[arg(long, value_name = "DPI", value_parser = dpi)]
    pub dpi: Option<f64>,
}

/// A theme by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ThemeName {
    /// Dark lines on white
    #[default]
    Light,
    /// Bright lines on a dark background
    Dark,
}

impl ThemeName {
    /// The theme of this name.
    pub(crate) fn theme(self) -> Theme {
        match self {
            ThemeName::Light => Theme::Light,
            ThemeName::Dark => Theme::Dark,
        }
    }
}

/// Parses a number between limits.
fn between(text: &str, [least, most]: [f64; 2]) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|x| (least..=most).contains(x));
    number.ok_or_else(|| format!("must be a number from {least} to {most}"))
}

pub(crate) fn millimetres(text: &str) -> Result<f64, String> {
    between(text, [20.0, 2000.0])
}

pub(crate) fn font_size(text: &str) -> Result<f64, String> {
    between(text, [4.0, 72.0])
}

pub(crate) fn dpi(text: &str) -> Result<f64, String> {
    between(text, [30.0, 2400.0])
}

impl LookOptions {
    /// The look of a figure with these options.
    pub(crate) fn look(&self) -> Look {
        let usual = Look::default();
        Look {
            theme: self.theme.theme(),
            width: self.width_mm,
            font_size: self.font_size.unwrap_or(usual.font_size),
            dpi: self.dpi.unwrap_or(usual.dpi),
        }
    }
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
    let known = ["png", "svg", "pdf"].into_iter().any(is);
    if known { Ok(path) } else { Err("must end in .png, .svg or .pdf".to_owned()) }
}

impl Output {
    /// Reserves both output files before anything is computed. `inputs` are the files that the plot
    /// reads.
    ///
    /// # Errors
    /// If one of the output files must not be written.
    pub fn claim<P: Into<PathBuf>>(&self, inputs: impl IntoIterator<Item = P>) -> Result<Targets> {
        let targets = Targets::new(&self.path, &mut self.overwrite.reading(inputs))?;
        Ok(Targets { look: self.look.look(), ..targets })
    }
}

/// A parser for an option that a plot does not have, unlike others. It refuses any value with the reason.
pub(super) fn refused(reason: &'static str) -> impl Fn(&str) -> Result<Infallible, String> + Clone {
    move |_| Err(reason.to_owned())
}

/// The output files of a plot.
pub struct Targets {
    picture: Target,
    table: Target,
    look: Look,
}

impl Targets {
    /// The output files for a picture with this name.
    ///
    /// # Errors
    /// If one of them must not be written.
    pub fn new(path: &Path, outputs: &mut Outputs) -> Result<Targets> {
        let picture = outputs.file(path, Kind::PLOT)?;
        let table = outputs.file(&path.with_extension("csv"), Kind::TABLE)?;
        Ok(Targets { picture, table, look: Look::default() })
    }

    /// Writes both files.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn write(&self, figure: &Figure, sheet: &Sheet) -> Result<()> {
        let Targets { picture, table, look } = self;
        let bytes = drawn(figure, picture.path(), look)?;
        io::table::write(table, &sheet.columns, &sheet.rows)?;
        picture.write(&bytes)?;
        say(&format!("{}  {}", picture.path().display(), table.path().display()));
        Ok(())
    }
}

/// A figure in the format of this file name.
///
/// # Errors
/// If the figure cannot be drawn.
pub(crate) fn drawn(figure: &Figure, path: &Path, look: &Look) -> Result<Vec<u8>> {
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    Ok(match ending.to_str() {
        Some("svg") => figure.svg_as(look)?.into_bytes(),
        Some("pdf") => figure.pdf(look)?,
        _ => figure.png_as(look)?,
    })
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
