//! Kinds of output files, and the endings that their names must have.

use crate::Error;
use std::path::Path;

/// A kind of output: what it is, the allowed endings of its name, and whether it may be written to
/// a device or a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub(super) what: &'static str,
    /// If empty, any ending that does not belong to another kind.
    pub(super) endings: &'static [&'static str],
    pub(super) streams: bool,
}

/// Endings that belong to a kind of file.
const KNOWN: [&str; 27] = [
    "hdf5", "h5", "npy", "npz", "std", "fits", "csv", "ecsv", "json", "toml", "png", "apng", "gif", "svg",
    "jpg", "jpeg", "tif", "tiff", "webp", "pdf", "mp4", "avi", "mkv", "mov", "webm", "html", "md",
];

impl Kind {
    /// A snapshot.
    pub const SNAPSHOT: Kind = Kind::new("a snapshot is HDF5", &["hdf5", "h5"], false);
    /// A catalogue of haloes.
    pub const CATALOGUE: Kind = Kind::new("a catalogue is HDF5", &["hdf5", "h5"], false);
    /// A table of numbers.
    pub const TABLE: Kind = Kind::new("a table is CSV", &["csv"], true);
    /// A report.
    pub const REPORT: Kind = Kind::new("a report is JSON", &["json"], true);
    /// A plot.
    pub const PLOT: Kind = Kind::new("a plot is a PNG, an SVG or a PDF", &["png", "svg", "pdf"], false);
    /// A picture.
    pub const PICTURE: Kind = Kind::new("a picture is a PNG", &["png"], false);
    /// A movie.
    pub const MOVIE: Kind =
        Kind::new("a movie is a GIF, an animated PNG or an MP4", &["gif", "apng", "mp4"], false);
    /// A page for a browser.
    pub const PAGE: Kind = Kind::new("a page is HTML", &["html", "htm"], false);
    /// A page as Markdown.
    pub const MARKDOWN: Kind = Kind::new("this page is Markdown", &["md"], false);
    /// A page of the manual.
    pub const MANUAL: Kind = Kind::new("a page of the manual is section 1", &["1"], false);
    /// A list of settings or results that grows, in TOML.
    pub const SETTINGS: Kind = Kind::new("this file is TOML", &["toml"], false);
    /// A script or a list of lines, whose name is up to the user.
    pub const SCRIPT: Kind = Kind::new("a job script is text", &[], true);

    const fn new(what: &'static str, endings: &'static [&'static str], streams: bool) -> Kind {
        Kind { what, endings, streams }
    }

    pub(super) fn check_ending(&self, path: &Path) -> Result<(), Error> {
        let ending =
            path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        let all = |join: &str| {
            self.endings.iter().map(|ending| format!(".{ending}")).collect::<Vec<_>>().join(join)
        };
        match self.endings {
            [] if KNOWN.contains(&&*ending) => {
                Err(Error::output(path, format!("{}, so its name must not end in .{ending}", self.what)))
            }
            [] => Ok(()),
            endings if endings.contains(&&*ending) => Ok(()),
            _ => Err(Error::output(path, format!("{}: its name must end in {}", self.what, all(" or ")))),
        }
    }
}
