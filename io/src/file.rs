//! Files that appear whole or not at all.

use crate::Error;
use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path`: a reader sees the old file or the new one. They are not forced to the disk, so that it may be done often; after a
/// crash of the system the file may be empty.
///
/// # Errors
/// If the file cannot be written.
pub fn replace_for_readers(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = part_of(path);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    written.inspect_err(|_| discard(&part)).map_err(Error::system(path, "write"))
}

/// Writes `value` as indented JSON to `path`, as [`replace_for_readers`] does.
///
/// # Errors
/// If the file cannot be written.
///
/// # Panics
/// If `value` has a map whose keys are no strings.
pub fn write_json_for_readers(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec_pretty(value).expect("reports have string keys");
    text.push(b'\n');
    replace_for_readers(path, &text)
}

/// Space that files may still take on the file system of a folder [bytes], if the system tells.
pub fn free_space(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The largest file that this process may write [bytes], if there is a limit.
pub fn file_size_limit() -> Option<u64> {
    getrlimit(Resource::Fsize).current
}

/// The name under which `path` is written before it is whole.
pub(crate) fn part_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".part");
    PathBuf::from(name)
}

/// Forces `part` to the disk and gives it its name.
pub(crate) fn finish(part: &Path, path: &Path) -> std::io::Result<()> {
    File::open(part)?.sync_all()?;
    fs::rename(part, path)?;
    sync_folder(path);
    Ok(())
}

/// Forces the name of a file, which lives in its folder, to the disk. Some file systems cannot sync a folder; the file is whole anyway.
pub(crate) fn sync_folder(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Removes a part that will not be finished; that it may not exist is no matter.
pub(crate) fn discard(part: &Path) {
    let _ = fs::remove_file(part);
}

/// Makes sure that the file can grow to `size` bytes.
pub(crate) fn reserve(file: &File, size: u64) -> Result<(), String> {
    let full = |error: Errno| format!("{}; {size} bytes are needed", std::io::Error::from(error));
    // Beyond this limit the system would end the process.
    if getrlimit(Resource::Fsize).current.is_some_and(|limit| limit < size) {
        return Err(full(Errno::FBIG));
    }
    match fallocate(file, FallocateFlags::empty(), 0, size) {
        Ok(()) => Ok(()),
        // Not every file system can reserve; all can say what is free.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => match fstatvfs(file) {
            Ok(disk) if disk.f_bavail.saturating_mul(disk.f_frsize) < size => Err(full(Errno::NOSPC)),
            _ => Ok(()),
        },
        Err(error) => Err(full(error)),
    }
}
