//! `heorot render`: pictures of snapshots, and a movie of them.
//!
//! All pictures of a call share one frame and one brightness scale. Snapshots are read one at a time, as often as the
//! wishes leave open what the whole sequence must answer: once for the frame, once for the scale, once to be drawn.

mod options;
mod sequence;

use crate::console::say;
use anyhow::{Context, Result, bail};
use io::replace_atomically;
pub use options::Arguments;
use sequence::{Entry, Sequence};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use viz::{DensityUnit, Movie, Range, Style, SurfaceDensity, TimeScale, View, encode_png};

/// Draws every snapshot to `FOLDER/STEM.png` and all of them, in order of time, to `FOLDER/movie.gif`.
///
/// # Errors
/// If a snapshot cannot be read, a wish cannot be met, or a file cannot be written.
pub fn main(arguments: &Arguments) -> Result<()> {
    let sequence = Sequence::open(&arguments.snapshots, arguments.kinds())?;
    let pictures = picture_paths(&sequence.entries, &arguments.folder)?;
    let mut movie = Movie::new(arguments.size, arguments.colours, arguments.frames_per_second)?;
    let view = view(arguments, &sequence)?;
    let style = Style {
        colours: arguments.colours,
        range: range(arguments, &sequence, &view)?,
        units: sequence.units,
    };
    let times: Vec<f64> = sequence.entries.iter().map(|entry| entry.time).collect();
    let time_scale = TimeScale::for_times(&times, sequence.units);

    std::fs::create_dir_all(&arguments.folder)
        .with_context(|| format!("{}: cannot make this folder", arguments.folder.display()))?;
    for (entry, path) in sequence.entries.iter().zip(&pictures) {
        let label = time_scale.label(entry.time);
        let picture = viz::render(&density(&sequence, entry, &view)?, &style, &label);
        replace_atomically(path, &encode_png(&picture)?)?;
        movie.push(&picture)?;
        say(&format!("{}  {label}", path.display()));
    }
    let path = arguments.folder.join("movie.gif");
    replace_atomically(&path, &movie.finish()?)?;
    say(&format!("{}  {} frames", path.display(), pictures.len()));
    Ok(())
}

/// Where each picture goes. Two snapshots of one name would overwrite each other: that is refused.
fn picture_paths(entries: &[Entry], folder: &Path) -> Result<Vec<PathBuf>> {
    let mut taken: BTreeMap<PathBuf, &Path> = BTreeMap::new();
    let mut paths = Vec::new();
    for Entry { path, .. } in entries {
        let stem = path.file_stem().with_context(|| format!("{}: not the name of a file", path.display()))?;
        let mut name = stem.to_owned();
        name.push(".png");
        let picture = folder.join(name);
        if let Some(other) = taken.insert(picture.clone(), path) {
            bail!("{} and {} would both be drawn as {}", other.display(), path.display(), picture.display());
        }
        paths.push(picture);
    }
    Ok(paths)
}

/// What all pictures show: as wished, else what the bodies of the sequence fill.
fn view(arguments: &Arguments, sequence: &Sequence) -> Result<View> {
    let (centre, width) = match (arguments.centre, arguments.width) {
        (Some(centre), Some(width)) => (centre, width),
        (centre, width) => {
            let extent = sequence.extent()?;
            let centre = centre.unwrap_or(extent.centre);
            (centre, width.unwrap_or_else(|| extent.width(centre, arguments.axis, arguments.size)))
        }
    };
    Ok(View::new(arguments.size, centre, width, arguments.axis)?)
}

/// What the colours of all pictures span: as wished, else so that each picture is shown well.
fn range(arguments: &Arguments, sequence: &Sequence, view: &View) -> Result<Range> {
    if let Some([low, high]) = arguments.range {
        let unit = DensityUnit::for_width(view.width(), sequence.units).per_code_unit;
        return Ok(Range::new(low / unit, high / unit)?);
    }
    let mut common = None;
    for entry in &sequence.entries {
        let range = Range::of(&density(sequence, entry, view)?);
        common = match (common, range) {
            (Some(a), Some(b)) => Some(Range::union(a, b)),
            (a, b) => a.or(b),
        };
    }
    common.context("no body with a mass lies in the frame: choose another --centre or a larger --width")
}

fn density(sequence: &Sequence, entry: &Entry, view: &View) -> Result<SurfaceDensity> {
    let bodies = sequence.read(entry)?;
    SurfaceDensity::project(&bodies, sequence.kinds, view).with_context(|| entry.path.display().to_string())
}

#[cfg(test)]
mod tests;
