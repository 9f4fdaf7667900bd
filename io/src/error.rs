//! What a user's file can get wrong.

use std::path::{Path, PathBuf};

/// A file that cannot be read or written, or that says something impossible. Each message is one line that names the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{}: cannot {action}: {cause}", path.display())]
    System {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as in "cannot *read*".
        action: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A folder, a pipe or a device stands where a file must be.
    #[error("{}: is {what}, not a file", path.display())]
    NotAFile {
        /// The path that was given.
        path: PathBuf,
        /// What it leads to, as "a pipe".
        what: &'static str,
    },
    /// A file is longer than any of its kind.
    #[error("{}: has {length} bytes, must have at most {most}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length, or as much of it as was read [bytes].
        length: u64,
        /// The longest that is read [bytes].
        most: u64,
    },
    /// A file of text is none.
    #[error("{}: is not UTF-8 text", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// What the process that reads HDF5 files says is wrong: a whole message, which names the file.
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
        /// What is wrong in it.
        fault: String,
    },
    /// A command must not write a file there.
    #[error("{}: {fault}", path.display())]
    Output {
        /// The name that was given.
        path: PathBuf,
        /// Why not.
        fault: String,
    },
    /// A checkpoint is wrong, or could not be written.
    #[error("{}: {fault}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
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
