//! Errors of input and output.

use std::path::{Path, PathBuf};

/// A file cannot be read or written, or its content is invalid. Each message is one line that names
/// the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system reported an error.
    #[error("{}: cannot {action}: {cause}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// The attempted action, as in "cannot *read*".
        action: &'static str,
        /// The error of the system.
        cause: std::io::Error,
    },
    /// A folder, a pipe or a device is in the place of a file.
    #[error("{}: is {what}, not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// The type of the object there, as "a pipe".
        what: &'static str,
    },
    /// A file is longer than allowed for its kind.
    #[error("{}: has {length} bytes, must have at most {most}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length, or the number of bytes read so far [bytes].
        length: u64,
        /// The greatest allowed length [bytes].
        most: u64,
    },
    /// A text file is not valid UTF-8.
    #[error("{}: is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// An error reported by the process that reads HDF5 files: a complete message, which names the
    /// file.
    #[error("{0}")]
    Told(String),
    /// A parameter file or a `--set` is wrong.
    #[error("{origin}: {fault}")]
    Parameter {
        /// File and line, or `--set`.
        origin: String,
        /// The key, its value, and what would be right.
        fault: String,
    },
    /// A snapshot is wrong, or could not be written.
    #[error("{}: {fault}", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// Description of the fault.
        fault: String,
    },
    /// A command must not write a file there.
    #[error("{}: {fault}", path.display())]
    Output {
        /// The path.
        path: PathBuf,
        /// The reason.
        fault: String,
    },
    /// A checkpoint is wrong, or could not be written.
    #[error("{}: {fault}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Description of the fault.
        fault: String,
    },
}

impl Error {
    pub(crate) fn system(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Error {
        move |cause| Error::System { path: path.to_owned(), action, cause }
    }

    pub(crate) fn output(path: &Path, fault: impl Into<String>) -> Error {
        Error::Output { path: path.to_owned(), fault: fault.into() }
    }

    pub(crate) fn snapshot(path: &Path, fault: impl Into<String>) -> Error {
        Error::Snapshot { path: path.to_owned(), fault: one_line(&fault.into()) }
    }
}

/// A message with names from a damaged file in it, on one line whatever they hold.
pub(crate) fn one_line(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}
