//! Files that appear whole or not at all.

use crate::Error;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes `bytes` to `path`, replacing what was there: a reader sees the old file or the new one, whatever happens meanwhile.
///
/// # Errors
/// If the folder cannot be written or the disk is full; the old file is then as it was.
pub fn replace_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let part = part_of(path);
    let written =
        File::create(&part).and_then(|mut file| file.write_all(bytes)).and_then(|()| finish(&part, path));
    written.inspect_err(|_| discard(&part)).map_err(Error::system(path, "write"))
}

/// Writes `value` as indented JSON to `path`, as [`replace_atomically`] does.
///
/// # Errors
/// If the file cannot be written.
///
/// # Panics
/// If `value` has a map whose keys are no strings.
pub fn write_json_atomically(path: &Path, value: &impl serde::Serialize) -> Result<(), Error> {
    let mut text = serde_json::to_vec_pretty(value).expect("reports have string keys");
    text.push(b'\n');
    replace_atomically(path, &text)
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
    // The new name lives in the folder: it must reach the disk too. Some file systems cannot sync a folder; the file is whole anyway.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Removes a part that will not be finished; that it may not exist is no matter.
pub(crate) fn discard(part: &Path) {
    let _ = fs::remove_file(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_leaves_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        replace_atomically(&path, b"old").unwrap();
        write_json_atomically(&path, &serde_json::json!({ "seconds": 1.5 })).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"seconds\": 1.5\n}\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("report.json");
        let message = replace_atomically(&path, b"{}").unwrap_err().to_string();
        assert_eq!(
            message,
            format!("{}: cannot write: No such file or directory (os error 2)", path.display())
        );
    }

    #[test]
    fn what_cannot_take_the_name_leaves_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        fs::create_dir(&path).unwrap();
        replace_atomically(&path, b"{}").unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
