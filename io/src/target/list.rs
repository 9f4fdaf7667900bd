//! Updates of files that hold a list. Several programs may update a list at the same time.

use super::{Kind, Place, Target, has_writable_folder, identity, stream, token};
use crate::Error;
use crate::file::{discard, what_it_is};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Updates a file that holds a list, such as measurements. `change` gets the text of the file,
/// empty if there is none, and returns the new text. If several programs update the file at the
/// same time, each one sees the changes of those before it.
///
/// # Errors
/// If the file cannot be read or written, or `change` fails. The file is then unchanged.
pub fn update<E: From<Error>>(path: &Path, change: impl FnOnce(&str) -> Result<String, E>) -> Result<(), E> {
    may_update(path)?;
    // If the path is a link, its target is changed.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (mut file, made) = lock(path)?;
    let mut text = String::new();
    let changed = file.read_to_string(&mut text).map_err(|cause| E::from(Error::system(path, "read")(cause)));
    let changed = changed.and_then(|_| change(&text)).and_then(|new| {
        let target = Target { path: path.clone(), place: Place::Replaced, token: token() };
        Ok(target.write(new.as_bytes())?)
    });
    if changed.is_err() && made {
        discard(path);
    }
    changed
}

/// Checks that [`update`] can change this file.
///
/// # Errors
/// If the ending of the name is wrong, it is not a regular file, or its folder cannot be written.
pub fn may_update(path: &Path) -> Result<(), Error> {
    let kind = fs::metadata(path).ok().and_then(|there| what_it_is(there.file_type()));
    let stream = stream(path).map(|_| "a stream of this process");
    if let Some(what) = kind.or(stream) {
        return Err(Error::NotAFile { path: path.to_owned(), what });
    }
    Kind::SETTINGS.check_ending(path)?;
    has_writable_folder(path)
}

/// Opens and locks the file of a list until it is closed. Also returns whether the file was created
/// here.
fn lock(path: &Path) -> Result<(File, bool), Error> {
    loop {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let (file, made) = match options.clone().create_new(true).open(path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                (options.open(path).map_err(Error::system(path, "write"))?, false)
            }
            Err(error) => return Err(Error::system(path, "write")(error)),
        };
        // Some file systems have no locks. There, only one program at a time should update a list.
        let _ = flock(&file, FlockOperation::LockExclusive);
        // Whoever had the lock before may have put another file in this place.
        let held = file.metadata().map_err(Error::system(path, "read"))?;
        if fs::metadata(path).is_ok_and(|there| identity(&there) == identity(&held)) {
            return Ok((file, made));
        }
    }
}
