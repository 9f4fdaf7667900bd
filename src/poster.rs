//! `heorot poster`: draws small multiples of an evolution for a paper.

use crate::console::{Progress, say};
use crate::files::outputs::Overwrite;
use crate::ranks::crew::Crew;
use crate::render::{AxesOptions, Look, Sequence, Studio, size};
use anyhow::{Context, Result};
use io::Kind;
use std::path::PathBuf;
use viz::{Decorations, Poster};

const EXAMPLES: &str = "Examples:
  heorot poster out/snapshot_*.hdf5 -o merger.png --panels 6 --colour-by galaxy --types 2,3
  heorot poster a.hdf5 b.hdf5 c.hdf5 -o evolution.svg --columns 3 --size 400
  heorot poster out/snapshot_010.hdf5 -o figure.pdf --axes --size 800
  heorot poster out/snapshot_*.hdf5 -o figure.pdf --panels 4 --columns 2 --axes --width-mm 180 --font-size 8";

/// Options of `heorot poster`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES, mut_arg("dpi", |dpi| dpi.help(DPI)))]
pub struct Arguments {
    /// Snapshots of this program or another one. If a snapshot has several files, give any or all
    /// of them; they count as one snapshot
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Picture to write: FILE.png, FILE.svg or FILE.pdf
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: PathBuf,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
    /// Number of panels, evenly spaced in time from the first to the last snapshot [default: one
    /// for each snapshot]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=400))]
    pub panels: Option<u32>,
    /// Panels in a row
    #[arg(long, value_name = "NUMBER", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=400))]
    pub columns: u32,
    /// Width and height of a panel in pixels; one number for both
    #[arg(long, value_name = "WIDTHxHEIGHT", default_value = "480x480", value_parser = size)]
    pub size: [usize; 2],
    /// Axes around the panels.
    #[command(flatten)]
    pub axes: AxesOptions,
    /// Bodies, camera and colours.
    #[command(flatten)]
    pub look: Look,
}

/// Help of `--dpi`.
const DPI: &str = "Pixels per inch [default: PNG 144; SVG and PDF 300 with --width-mm, 96 without]";

/// Draws the panels and writes the file.
///
/// # Errors
/// If a snapshot cannot be read, an option cannot be satisfied, or the file cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    let path = &arguments.output;
    let look = &arguments.look;
    let target = arguments.overwrite.reading(&arguments.snapshots).file(path, Kind::PLOT)?;
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let sequence = Sequence::open(&arguments.snapshots, look.kinds(), look.reading.isolated)?;
    let panels = arguments.panels.map(|panels| panels as usize);
    let count = panels.unwrap_or(sequence.entries.len());
    let columns = arguments.columns as usize;
    let is_vector = matches!(ending.to_str(), Some("svg" | "pdf"));
    let size = arguments.axes.size(arguments.size, columns.min(count), is_vector)?;
    let axes = arguments.axes.look(is_vector);
    Poster::check(size, count, columns, axes).with_context(|| path.display().to_string())?;
    let alone = Crew::alone();
    let mut studio = Studio::new(&alone, look, &sequence, size, panels)?;
    let decorations = Decorations { axes, scale_bar: axes.is_none(), ..Decorations::ALL };
    let style = studio.style(decorations, false)?;
    let mut poster = Poster::new(style, columns);
    if let Some(dpi) = arguments.axes.paper_dpi(is_vector) {
        poster = poster.with_dpi(dpi);
    }
    let progress = Progress::new(studio.count() as u64);
    for i in 0..studio.count() {
        let label = studio.label(i);
        poster.push(&studio.draw(i)?, &label)?;
        progress.step(
            i as u64 + 1,
            &format!("panel {} of {}  {label}", i + 1, studio.count()),
            label.clone(),
        );
    }
    drop(progress);
    let named = || path.display().to_string();
    let bytes = match ending.to_str() {
        Some("svg") => poster.svg().map(String::into_bytes),
        Some("pdf") => poster.pdf(),
        _ => poster.png(),
    };
    let bytes = bytes.with_context(named)?;
    target.write(&bytes)?;
    say(&named());
    Ok(())
}
