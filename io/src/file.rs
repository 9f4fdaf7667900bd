//! Reads regular files. Writes files so that they appear complete or not at all.

use crate::Error;
use rustix::fs::{FallocateFlags, OFlags, fallocate, fstatvfs};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::ffi::OsString;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Opens a regular file for reading. A folder, a pipe, a device or a socket is an error: a device
/// may have no end, and a pipe may never get a writer.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    let expect_file = |kind: FileType| match what_it_is(kind) {
        None => Ok(()),
        Some(what) => Err(Error::NotAFile { path: path.to_owned(), what }),
    };
    // Opening a device can have side effects, so the type is checked first. It is checked again in
    // case the path changes in between.
    expect_file(fs::metadata(path).map_err(Error::system(path, "read"))?.file_type())?;
    let flags = OFlags::NONBLOCK.bits() as i32; // does not wait for the writer of a pipe
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = file.map_err(Error::system(path, "read"))?;
    expect_file(file.metadata().map_err(Error::system(path, "read"))?.file_type())?;
    Ok(file)
}

/// Describes the type of a path that is not a regular file; `None` for a regular file.
pub(crate) fn what_it_is(kind: FileType) -> Option<&'static str> {
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_fifo() {
        Some("a pipe")
    } else if kind.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// Reads a whole file of at most `most` bytes.
///
/// # Errors
/// If it is longer, is not a regular file, or cannot be read.
pub fn read_bytes(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let file = open(path)?;
    let length = file.metadata().map_err(Error::system(path, "read"))?.len();
    let too_long = |length: u64| Error::TooLong { path: path.to_owned(), length, most };
    if length > most {
        return Err(too_long(length));
    }
    let mut bytes = Vec::new();
    // Files in /proc report a length of 0, and other files may grow.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(Error::system(path, "read"))?;
    if bytes.len() as u64 > most { Err(too_long(bytes.len() as u64)) } else { Ok(bytes) }
}

/// Reads a whole text file of at most [`LONGEST_TEXT`] bytes.
///
/// # Errors
/// If it is longer, is not a regular file, is not UTF-8, or cannot be read.
pub fn read_text(path: &Path) -> Result<String, Error> {
    let text = String::from_utf8(read_bytes(path, LONGEST_TEXT)?);
    text.map_err(|_| Error::NotText { path: path.to_owned() })
}

/// Limit for tables, reports and traces that are read whole [bytes].
pub const LONGEST_TEXT: u64 = 1 << 30;

/// Replaces the content of `path`. Readers see either the old or the new file. The data are not
/// synced to disk, so frequent calls are cheap. After a system crash the file may be empty.
///
/// # Errors
/// If the file cannot be written.
pub fn replace_for_readers(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = part_of(path);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    written.inspect_err(|_| discard(&part)).map_err(Error::system(path, "write"))
}

/// Writes `value` as indented JSON to `path`, like [`replace_for_readers`].
///
/// # Errors
/// If the file cannot be written.
///
/// # Panics
/// If `value` has a map whose keys are not strings.
pub fn write_json_for_readers(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec_pretty(value).expect("reports have string keys");
    text.push(b'\n');
    replace_for_readers(path, &text)
}

/// Free space on the file system of a folder [bytes], if the system reports it.
pub fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The greatest size of a file that this process may write [bytes], if there is a limit.
pub fn file_size_limit() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

/// Name of the file during writing.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".part");
    PathBuf::from(name)
}

/// Syncs `part` to disk and renames it to `path`.
pub(crate) fn finish(part: &Path, path: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, path)?;
    sync_folder(path);
    Ok(())
}

/// Syncs the folder of a file, which holds its name, to disk. Errors are ignored: some file systems
/// cannot sync folders, and the content of the file is safe.
pub(crate) fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Removes an unfinished file, if it exists.
pub(crate) fn discard(part: &Path) {
    let _ = fs::remove_file(part);
}

/// Reserves disk space for a file of `size` bytes.
pub(crate) fn reserve(file: &File, size: u64) -> Result<(), String> {
    let full = |error: Errno| format!("{}; {size} bytes are needed", std::io::Error::from(error));
    // Beyond this limit the system would kill the process.
    if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < size) {
        return Err(full(Errno::FBIG));
    }
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        Ok(()) => Ok(()),
        // Some file systems cannot reserve space, but all report the free space.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => match fstatvfs(file) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < size => Err(full(Errno::NOSPC)),
            _ => Ok(()),
        },
        Err(error) => Err(full(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_read_and_none_that_are_too_long() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| read_bytes(path, 10).unwrap_err().to_string();
        let pipe = folder.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
        assert_eq!(said(&pipe), format!("{}: is a pipe, not a file", pipe.display()));
        assert_eq!(said(Path::new("/dev/zero")), "/dev/zero: is a device, not a file");
        assert_eq!(said(folder.path()), format!("{}: is a folder, not a file", folder.path().display()));
        let long = folder.path().join("long");
        fs::write(&long, b"eleven byte").unwrap();
        assert_eq!(said(&long), format!("{}: has 11 bytes, must have at most 10", long.display()));
        assert!(said(Path::new("/proc/self/status")).ends_with("must have at most 10"));
        assert_eq!(read_bytes(&long, 11).unwrap(), b"eleven byte");
        fs::write(&long, [0xff; 3]).unwrap();
        assert_eq!(
            read_text(&long).unwrap_err().to_string(),
            format!("{}: is not UTF-8 text", long.display())
        );
    }
}
