//! The files that a command writes, checked before it reads or computes anything.

use super::{Identity, Kind, Place, Target, folder_of, has_writable_folder, identity, stream, token};
use crate::Error;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

/// The files that a command writes, checked against those that it reads and against each other.
#[derive(Debug, Default)]
pub struct Outputs {
    overwrite: bool,
    inputs: Vec<PathBuf>,
    taken: Vec<PathBuf>,
}

impl Outputs {
    /// The outputs of a command that may or may not replace files.
    pub fn new(overwrite: bool) -> Outputs {
        Outputs { overwrite, ..Outputs::default() }
    }

    /// Adds files that the command reads. Each may be one of several files of a snapshot.
    pub fn reading<P: Into<PathBuf>>(mut self, inputs: impl IntoIterator<Item = P>) -> Outputs {
        self.inputs.extend(inputs.into_iter().map(Into::into));
        self
    }

    /// The target for a file that a user names.
    ///
    /// # Errors
    /// If such a file must not be written there; nothing is changed.
    pub fn file(&mut self, path: &Path, kind: Kind) -> Result<Target, Error> {
        let place = self.place(path, kind)?;
        Ok(Target { path: path.to_owned(), place, token: token() })
    }

    /// The target for a file in a folder that the command creates if it does not exist.
    ///
    /// # Errors
    /// If such a file must not be written there, or the folder cannot be created.
    pub fn file_in(&mut self, folder: &Path, name: &str, kind: Kind) -> Result<Target, Error> {
        let path = folder.join(name);
        if fs::symlink_metadata(folder).is_ok() {
            return self.file(&path, kind);
        }
        kind.check_ending(&path)?;
        let above = folder.ancestors().find(|above| above.exists()).unwrap_or(Path::new("."));
        has_writable_folder(&above.join(name))?;
        self.take(&path, path.clone())?;
        Ok(Target { path, place: Place::New, token: token() })
    }

    /// The target for a snapshot of this number of files.
    ///
    /// # Errors
    /// If one of the files must not be written; nothing is changed.
    pub fn snapshot(&mut self, path: &Path, files: usize) -> Result<Target, Error> {
        if stream(path).is_some() {
            self.place(path, Kind::SNAPSHOT)?;
        }
        Kind::SNAPSHOT.check_ending(path)?;
        for name in crate::snapshot::names(path, files) {
            self.place(&name, Kind::SNAPSHOT)?;
        }
        let place = if self.overwrite { Place::Replaced } else { Place::New };
        Ok(Target { path: path.to_owned(), place, token: token() })
    }

    fn place(&mut self, path: &Path, kind: Kind) -> Result<Place, Error> {
        if let Some(stream) = stream(path) {
            return match kind.streams {
                true => Ok(stream),
                false => Err(Error::output(path, format!("{}, which needs a regular file", kind.what))),
            };
        }
        let ends_as_folder = path.as_os_str().as_encoded_bytes().ends_with(b"/");
        if path.is_dir() || ends_as_folder || path.file_name().is_none() {
            return Err(Error::output(path, "is the name of a folder, not of a file"));
        }
        kind.check_ending(path)?;
        // A link to nothing is there, too.
        if let Ok(there) = fs::metadata(path).or_else(|_| fs::symlink_metadata(path)) {
            self.may_replace(path, &there)?;
        }
        has_writable_folder(path)?;
        let folder = folder_of(path);
        let place = fs::canonicalize(&folder).unwrap_or(folder).join(path.file_name().unwrap_or_default());
        self.take(path, place)?;
        Ok(if self.overwrite { Place::Replaced } else { Place::New })
    }

    /// Takes a place that no other output has.
    fn take(&mut self, path: &Path, place: PathBuf) -> Result<(), Error> {
        if self.taken.contains(&place) {
            return Err(Error::output(
                path,
                "is named twice: two files of this command would be written to it",
            ));
        }
        self.taken.push(place);
        Ok(())
    }

    /// Whether the user wants to lose this file.
    fn may_replace(&self, path: &Path, there: &Metadata) -> Result<(), Error> {
        if let Some(input) = self.inputs.iter().find(|input| reads(input, identity(there))) {
            let fault = if input == path {
                "is an input of this command, so it cannot be its output".to_owned()
            } else {
                format!("is the input {}, or one of its files, so it cannot be an output", input.display())
            };
            return Err(Error::output(path, fault));
        }
        if !self.overwrite {
            return Err(Error::output(
                path,
                "exists already; choose another name, or --overwrite to replace it",
            ));
        }
        if !there.is_file() && !there.is_symlink() {
            return Err(Error::output(path, "is not a regular file, so it is not replaced"));
        }
        Ok(())
    }
}

/// Whether a file is an input, or one of the files of the snapshot that the input names.
fn reads(input: &Path, file: Identity) -> bool {
    let is_it = |path: &Path| fs::metadata(path).is_ok_and(|metadata| identity(&metadata) == file);
    // What cannot be read is only its name here: the command will say what is wrong with it.
    is_it(input) || crate::snapshot::files_of(input).is_ok_and(|files| files.iter().any(|path| is_it(path)))
}
