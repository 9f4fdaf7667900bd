//! Output files of commands. Before a command reads or computes anything, it gets a [`Target`] from
//! [`Outputs`] for each file that it will write. All functions of this crate that write a whole
//! file take a target. So no command replaces a file that it must not replace:
//!
//! - A file that exists is refused, unless the user gives `--overwrite`. An input, or a file of the
//!   same snapshot as an input, is always refused. Files are compared by device and inode, so links
//!   do not matter.
//! - The ending of the name must fit what is written.
//! - Only numbers and text may be written to a device or a pipe, such as `/dev/stdout`. They are
//!   written there directly.
//! - A file that appears after the check is not replaced either: the new file is renamed only if
//!   its name is free.

mod kind;
mod list;
mod outputs;
#[cfg(test)]
mod tests;

pub use kind::Kind;
pub use list::{may_update, update};
pub use outputs::Outputs;

use crate::Error;
use crate::file::{discard, sync_folder};
use rustix::fs::{Access, CWD, OFlags, RenameFlags, access, fcntl_getfl, fcntl_setfl, renameat_with};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A place that a file may be written to.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    place: Place,
    /// Part of the file's name until it is complete.
    token: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A file of a folder that belongs to the program, such as that of a run.
    Own,
    /// Nothing exists there, and nothing may exist there when the file is complete.
    New,
    /// The user allows the existing file to be replaced.
    Replaced,
    /// A device or a pipe.
    Stream,
    /// A stream that is the standard output of this process.
    StandardOutput,
}

impl Target {
    /// A file in a folder that belongs to the program, such as the output folder of a run. An
    /// existing file is replaced. Use [`Outputs`] for files that a user names.
    pub fn own(path: impl Into<PathBuf>) -> Target {
        Target { path: path.into(), place: Place::Own, token: 0 }
    }

    /// The name of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is the standard output of this process, where lines for people would become part of what is written.
    pub fn is_standard_output(&self) -> bool {
        self.place == Place::StandardOutput
    }

    /// A number for the name of the unfinished file. Ranks that write one file together must have the same one.
    pub fn token(&self) -> u64 {
        self.token
    }

    /// The same target with the token of another rank.
    pub fn with_token(&self, token: u64) -> Target {
        Target { token, ..self.clone() }
    }

    /// Writes `bytes`: a reader sees the old file or the new one, whatever happens meanwhile.
    ///
    /// # Errors
    /// If the folder cannot be written, the disk is full, or another program has made the file meanwhile; what was there is then as it was.
    pub fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        match self.place {
            Place::StandardOutput => {
                let mut out = io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush()).map_err(Error::system(&self.path, "write"))
            }
            Place::Stream => open_stream(&self.path)
                .and_then(|mut file| file.write_all(bytes))
                .map_err(Error::system(&self.path, "write")),
            Place::Own | Place::New | Place::Replaced => {
                let part = self.begin()?;
                OpenOptions::new()
                    .write(true)
                    .open(part.path())
                    .and_then(|mut file| file.write_all(bytes))
                    .map_err(Error::system(&self.path, "write"))?;
                part.finish()
            }
        }
    }

    /// Writes `value` as indented JSON, as [`Target::write`] does.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Panics
    /// If `value` has a map whose keys are no strings.
    pub fn write_json(&self, value: &impl serde::Serialize) -> Result<(), Error> {
        let mut text = serde_json::to_vec_pretty(value).expect("reports have string keys");
        text.push(b'\n');
        self.write(&text)
    }

    /// Makes the file under the name that it has until it is whole, for others to fill.
    ///
    /// # Errors
    /// If the folder cannot be written.
    ///
    /// # Panics
    /// If the target is a device or a pipe: only bytes go there.
    pub fn begin(&self) -> Result<Part, Error> {
        let is_stream = matches!(self.place, Place::Stream | Place::StandardOutput);
        assert!(!is_stream, "{}: only bytes go to a stream", self.path.display());
        let part = self.part_of(&self.path);
        self.create(&part).map_err(Error::system(&self.path, "write"))?;
        Ok(Part { target: self.clone(), path: part, done: false })
    }

    /// The name of a file of this target before it is whole. Beside files of users it is one that nobody else has.
    pub(crate) fn part_of(&self, path: &Path) -> PathBuf {
        let mut name = OsString::from(path);
        match self.place {
            Place::Own => name.push(".part"),
            _ => name.push(format!(".{:08x}.part", self.token as u32)),
        }
        PathBuf::from(name)
    }

    /// Makes an empty file with the name of a part.
    pub(crate) fn create(&self, part: &Path) -> io::Result<File> {
        match self.place {
            Place::Own => File::create(part),
            _ => OpenOptions::new().write(true).create_new(true).open(part),
        }
    }

    /// Forces the parts of this target to the disk and gives them their names, the first one last: all or none of them, if nothing was there before.
    pub(crate) fn settle(&self, files: &[(PathBuf, PathBuf)]) -> io::Result<()> {
        for (done, (part, path)) in files.iter().rev().enumerate() {
            let settled = File::open(part).and_then(|file| file.sync_all()).and_then(|()| match self.place {
                Place::New => rename_to_free_name(part, path),
                _ => fs::rename(part, path),
            });
            if let Err(error) = settled {
                let earlier = files.iter().rev().take(done).filter(|_| self.place == Place::New);
                earlier.for_each(|(_, path)| discard(path));
                return Err(match error.kind() {
                    ErrorKind::AlreadyExists => {
                        io::Error::other("another program has made this file meanwhile, which is kept")
                    }
                    _ => error,
                });
            }
            sync_folder(path);
        }
        Ok(())
    }
}

/// A file that is not whole yet; unless it is finished, it is removed.
pub struct Part {
    target: Target,
    path: PathBuf,
    done: bool,
}

impl Part {
    /// Its name until it is whole.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Forces it to the disk and gives it its name.
    ///
    /// # Errors
    /// If that fails; nothing is left of it then.
    pub fn finish(mut self) -> Result<(), Error> {
        let path = &self.target.path;
        self.target.settle(&[(self.path.clone(), path.clone())]).map_err(Error::system(path, "write"))?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.done {
            discard(&self.path);
        }
    }
}

/// Renames a file without replacing another one, as far as the file system can.
fn rename_to_free_name(part: &Path, path: &Path) -> io::Result<()> {
    match renameat_with(CWD, part, CWD, path, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM) => link_to_free_name(part, path),
        Err(error) => Err(error.into()),
    }
}

/// The same where a rename cannot do it: a second name is never given to two files, nor is an empty file made twice.
fn link_to_free_name(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Ok(()) => fs::remove_file(part),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) => take_free_name(part, path),
    }
}

/// The same on file systems without hard links: an empty file takes the name first.
fn take_free_name(part: &Path, path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?;
    fs::rename(part, path).inspect_err(|_| discard(path))
}

/// Device and inode of a file.
type Identity = (u64, u64);

fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// What a path is if it is a device or a pipe, or a standing name for one of the files that this process has open.
fn stream(path: &Path) -> Option<Place> {
    let there = fs::metadata(path).ok()?;
    let folder = fs::canonicalize(folder_of(path)).unwrap_or_default();
    let standing = there.is_file() && (folder.starts_with("/dev/fd") || folder.starts_with("/proc"));
    let standing = standing || (there.is_file() && folder == Path::new("/dev") && path.is_symlink());
    if !(standing || there.file_type().is_fifo() || there.file_type().is_char_device()) {
        return None;
    }
    let is_out =
        rustix::fs::fstat(io::stdout()).is_ok_and(|out| (out.st_dev, out.st_ino) == identity(&there));
    Some(if is_out { Place::StandardOutput } else { Place::Stream })
}

/// Opens a device or a pipe; a pipe that nobody reads is an error, since the program would wait for ever.
fn open_stream(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let opened = options.append(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == Errno::NXIO.raw_os_error() => io::Error::other("nobody reads this pipe"),
        _ => error,
    })?;
    fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
    Ok(file)
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn has_writable_folder(path: &Path) -> Result<(), Error> {
    let folder = folder_of(path);
    let writable = fs::metadata(&folder).and_then(|metadata| match metadata.is_dir() {
        true => Ok(access(&folder, Access::WRITE_OK | Access::EXEC_OK)?),
        false => Err(Errno::NOTDIR.into()),
    });
    writable.map_err(Error::system(path, "write"))
}

/// A number that no other process, nor this one, has had: the standard library's random seeds of hash tables.
fn token() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
