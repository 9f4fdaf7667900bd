//! Where commands write. A command asks [`Outputs`] for a [`Target`] for each of its files before it reads or computes anything, and everything
//! in this crate that writes a whole file takes a target. So no command replaces what it was not told to replace:
//!
//! - A file that exists is refused unless the user says `--overwrite`; an input, or a file of the set that an input belongs to, is always refused.
//!   Files are compared by device and inode, so names, links and hard links do not matter.
//! - The ending of the name must fit what is written.
//! - Only numbers and text may go to a device or a pipe, such as `/dev/stdout`; they are then written there and not renamed.
//! - A file that appears after the check is not replaced either: the new file takes its name only if the name is free.

use crate::Error;
use crate::file::{discard, sync_folder, what_it_is};
use rustix::fs::{
    Access, CWD, FlockOperation, OFlags, RenameFlags, access, fcntl_getfl, fcntl_setfl, flock, renameat_with,
};
use rustix::io::Errno;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What is written, the endings that its name may have, and whether it may go to a device or a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    what: &'static str,
    /// None: any that is not the ending of another kind.
    endings: &'static [&'static str],
    streams: bool,
}

/// Endings that say what a file is.
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
    pub const PLOT: Kind = Kind::new("a plot is a PNG or an SVG", &["png", "svg"], false);
    /// A plot that is made as SVG only.
    pub const DRAWING: Kind = Kind::new("this plot is an SVG", &["svg"], false);
    /// A picture.
    pub const PICTURE: Kind = Kind::new("a picture is a PNG", &["png"], false);
    /// A movie.
    pub const MOVIE: Kind =
        Kind::new("a movie is a GIF, an animated PNG or an MP4", &["gif", "apng", "mp4"], false);
    /// A page for a browser.
    pub const PAGE: Kind = Kind::new("a page is HTML", &["html", "htm"], false);
    /// A page as Markdown.
    pub const MARKDOWN: Kind = Kind::new("this page is Markdown", &["md"], false);
    /// A list of settings or results that grows, in TOML.
    pub const SETTINGS: Kind = Kind::new("this file is TOML", &["toml"], false);
    /// A script or a list of lines, whose name is up to the user.
    pub const SCRIPT: Kind = Kind::new("a job script is text", &[], true);

    const fn new(what: &'static str, endings: &'static [&'static str], streams: bool) -> Kind {
        Kind { what, endings, streams }
    }

    fn check_ending(&self, path: &Path) -> Result<(), Error> {
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

/// A place that a file may be written to.
#[derive(Clone, Debug)]
pub struct Target {
    path: PathBuf,
    place: Place,
    /// Part of the name under which the file is written before it is whole.
    token: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A file of a folder that belongs to the program, such as that of a run.
    Own,
    /// Nothing is there, and nothing may be there when the file is whole.
    New,
    /// The user wants what is there to be replaced.
    Replaced,
    /// A device or a pipe.
    Stream,
    /// The same, and it is the standard output of this process.
    StandardOutput,
}

impl Target {
    /// A file in a folder that belongs to the program, such as the output folder of a run: it is replaced. What a user names goes through
    /// [`Outputs`] instead.
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

/// The files that a command writes, checked against those that it reads and against each other.
#[derive(Debug, Default)]
pub struct Outputs {
    overwrite: bool,
    inputs: Vec<PathBuf>,
    taken: Vec<PathBuf>,
}

impl Outputs {
    /// Of a command that may replace files, or not.
    pub fn new(overwrite: bool) -> Outputs {
        Outputs { overwrite, ..Outputs::default() }
    }

    /// Of one that also reads these files, each perhaps one of several files of a snapshot.
    pub fn reading<P: Into<PathBuf>>(mut self, inputs: impl IntoIterator<Item = P>) -> Outputs {
        self.inputs.extend(inputs.into_iter().map(Into::into));
        self
    }

    /// The place of a file that a user names.
    ///
    /// # Errors
    /// If such a file must not be written there; nothing is changed.
    pub fn file(&mut self, path: &Path, kind: Kind) -> Result<Target, Error> {
        let place = self.place(path, kind)?;
        Ok(Target { path: path.to_owned(), place, token: token() })
    }

    /// The place of a file in a folder that the command makes if it is not there.
    ///
    /// # Errors
    /// If such a file must not be written there, or the folder cannot be made.
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

    /// The place of a snapshot of so many files.
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

/// Changes a list that a file keeps, such as measurements to which each call adds one: from its text, empty if there is no file, to the new
/// one. Several programs may do so at the same time, each one finds what the others have added.
///
/// # Errors
/// If the file cannot be read or written, or what `change` says; the file is then as it was.
pub fn update<E: From<Error>>(path: &Path, change: impl FnOnce(&str) -> Result<String, E>) -> Result<(), E> {
    may_update(path)?;
    // Behind a link, the file itself is changed.
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

/// Whether [`update`] can change this file.
///
/// # Errors
/// If the name does not end as that of such a list, it is no regular file, or its folder cannot be written.
pub fn may_update(path: &Path) -> Result<(), Error> {
    let kind = fs::metadata(path).ok().and_then(|there| what_it_is(there.file_type()));
    let stream = stream(path).map(|_| "a stream of this process");
    if let Some(what) = kind.or(stream) {
        return Err(Error::NotAFile { path: path.to_owned(), what });
    }
    Kind::SETTINGS.check_ending(path)?;
    has_writable_folder(path)
}

/// Opens the file of a list and keeps others from changing it until it is closed; whether it was made for that.
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
        // Some file systems have no locks: there, only one program at a time should do this.
        let _ = flock(&file, FlockOperation::LockExclusive);
        // Whoever had the lock before may have put another file in this place.
        let held = file.metadata().map_err(Error::system(path, "read"))?;
        if fs::metadata(path).is_ok_and(|there| identity(&there) == identity(&held)) {
            return Ok((file, made));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::sync::Barrier;

    fn entries(folder: &Path) -> Vec<String> {
        let names =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn fault(outputs: Outputs, path: &Path, kind: Kind) -> String {
        let mut outputs = outputs;
        let message = outputs.file(path, kind).unwrap_err().to_string();
        assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
        message
    }

    #[test]
    fn a_file_of_the_program_is_replaced_and_leaves_no_part() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::own(folder.path().join("report.json"));
        target.write(b"old").unwrap();
        target.write_json(&serde_json::json!({ "seconds": 1.5 })).unwrap();
        assert_eq!(fs::read_to_string(target.path()).unwrap(), "{\n  \"seconds\": 1.5\n}\n");
        assert_eq!(entries(folder.path()), ["report.json"]);
        let missing = Target::own(folder.path().join("none/report.json"));
        let message = missing.write(b"{}").unwrap_err().to_string();
        let expected =
            format!("{}: cannot write: No such file or directory (os error 2)", missing.path().display());
        assert_eq!(message, expected);
        fs::create_dir(folder.path().join("taken")).unwrap();
        Target::own(folder.path().join("taken")).write(b"{}").unwrap_err();
        assert_eq!(entries(folder.path()), ["report.json", "taken"]);
    }

    #[test]
    fn what_is_there_stays_unless_the_user_says_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("there.csv"), "precious").unwrap();
        symlink(at("there.csv"), at("link.csv")).unwrap();
        symlink(at("nothing"), at("dangling.csv")).unwrap();
        fs::create_dir(at("folder.csv")).unwrap();
        for name in ["there.csv", "link.csv", "dangling.csv"] {
            assert!(fault(Outputs::new(false), &at(name), Kind::TABLE).contains("--overwrite"), "{name}");
            Outputs::new(true).file(&at(name), Kind::TABLE).unwrap();
        }
        for overwrite in [false, true] {
            for name in ["folder.csv", "folder.csv/", "..", "new.csv/"] {
                assert!(
                    fault(Outputs::new(overwrite), &at(name), Kind::TABLE).contains("a folder"),
                    "{name}"
                );
            }
            let message = fault(Outputs::new(overwrite), &at("none/new.csv"), Kind::TABLE);
            assert!(message.contains("cannot write: No such file"), "{message}");
            let message = fault(Outputs::new(overwrite), &at("there.csv/new.csv"), Kind::TABLE);
            assert!(message.contains("cannot write: Not a directory"), "{message}");
        }
        // A link is replaced, not what it points to.
        Outputs::new(true).file(&at("link.csv"), Kind::TABLE).unwrap().write(b"new").unwrap();
        assert_eq!(fs::read(at("there.csv")).unwrap(), b"precious");
        assert_eq!(fs::read(at("link.csv")).unwrap(), b"new");
    }

    #[test]
    fn an_input_is_never_written_under_any_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("in.csv"), "precious").unwrap();
        symlink(at("in.csv"), at("link.csv")).unwrap();
        symlink(at("link.csv"), at("second.csv")).unwrap();
        fs::hard_link(at("in.csv"), at("hard.csv")).unwrap();
        symlink(folder.path(), at("again")).unwrap();
        let names = ["in.csv", "link.csv", "second.csv", "hard.csv", "again/in.csv"];
        for input in names {
            for output in names {
                for overwrite in [false, true] {
                    let outputs = Outputs::new(overwrite).reading([at(input)]);
                    let message = fault(outputs, &at(output), Kind::TABLE);
                    assert!(message.contains("input"), "{input} to {output}: {message}");
                }
            }
        }
        assert_eq!(fs::read(at("in.csv")).unwrap(), b"precious");
    }

    #[test]
    fn two_outputs_of_one_command_have_two_names() {
        let folder = tempfile::tempdir().unwrap();
        let mut outputs = Outputs::new(true);
        outputs.file(&folder.path().join("a.csv"), Kind::TABLE).unwrap();
        let message = outputs.file(&folder.path().join("./a.csv"), Kind::TABLE).unwrap_err().to_string();
        assert!(message.contains("named twice"), "{message}");
        outputs.snapshot(&folder.path().join("b.hdf5"), 3).unwrap();
        outputs.file(&folder.path().join("b.1.hdf5"), Kind::CATALOGUE).unwrap_err();
    }

    #[test]
    fn names_must_end_as_what_is_written() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, fine, wrong) in [
            (
                Kind::SNAPSHOT,
                &["a.hdf5", "a.h5", "a.HDF5", "a.b.hdf5"][..],
                &["a.npy", "a.txt", "a", "hdf5", ".hdf5"][..],
            ),
            (Kind::REPORT, &["a.json"], &["a.csv", "a.jsonx", "json"]),
            (Kind::PLOT, &["a.png", "a.SVG"], &["a.pdf", "a.gif", "a.png.txt"]),
            (Kind::SCRIPT, &["a", "a.job", "run.slurm", "a.txt"], &["a.hdf5", "a.toml", "a.PNG"]),
        ] {
            for name in fine {
                Outputs::new(false).file(&folder.path().join(name), kind).unwrap();
            }
            for name in wrong {
                let message = fault(Outputs::new(true), &folder.path().join(name), kind);
                let endings_named = kind.endings.iter().all(|ending| message.contains(&format!(".{ending}")));
                assert!(message.contains("must") && endings_named, "{message}");
            }
        }
    }

    #[test]
    fn only_text_goes_to_devices_and_pipes() {
        for path in ["/dev/null", "/dev/full", "/dev/zero"].map(Path::new) {
            assert!(fault(Outputs::new(true), path, Kind::SNAPSHOT).contains("regular file"));
        }
        Outputs::new(false).file(Path::new("/dev/null"), Kind::REPORT).unwrap().write(b"{}").unwrap();
        let full = Outputs::new(false).file(Path::new("/dev/full"), Kind::REPORT).unwrap();
        assert!(full.write(b"{}").unwrap_err().to_string().contains("cannot write: No space left"));
        assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
        let target = Outputs::new(true).file(&pipe, Kind::TABLE).unwrap();
        assert!(target.write(b"1").unwrap_err().to_string().contains("nobody reads"));
        let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        target.write(b"1\n").unwrap();
        let mut got = [0; 2];
        (&reader).read_exact(&mut got).unwrap();
        assert_eq!((&got, entries(folder.path())), (b"1\n", vec!["pipe".to_owned()]));
        // A file that this process has open, under its standing name.
        let open = File::create(folder.path().join("open.csv")).unwrap();
        let name = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open)));
        assert!(fault(Outputs::new(true), &name, Kind::SNAPSHOT).contains("regular file"));
        Outputs::new(true).file(&name, Kind::TABLE).unwrap().write(b"2\n").unwrap();
        assert_eq!(fs::read(folder.path().join("open.csv")).unwrap(), b"2\n");
        let socket = folder.path().join("socket.csv");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(fault(Outputs::new(true), &socket, Kind::TABLE).contains("not a regular file"));
    }

    /// Of programs that write one new file at the same time, one does and the others say that they did not; and they do not share their parts.
    #[test]
    fn of_two_that_make_a_file_at_once_one_is_told() {
        type Rename = fn(&Path, &Path) -> io::Result<()>;
        let ways: [(&str, Rename); 3] =
            [("rename", rename_to_free_name), ("link", link_to_free_name), ("take", take_free_name)];
        for (name, rename) in ways {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(name);
            let parts = [0, 1, 2, 3].map(|i| folder.path().join(format!("part{i}")));
            parts.iter().for_each(|part| fs::write(part, part.to_str().unwrap()).unwrap());
            let start = Barrier::new(parts.len());
            let ends: Vec<io::Result<()>> = std::thread::scope(|scope| {
                let run = |part: &PathBuf| {
                    start.wait();
                    rename(part, &path)
                };
                let threads: Vec<_> = parts.iter().map(|part| scope.spawn(move || run(part))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let winners: Vec<usize> = (0..4).filter(|&i| ends[i].is_ok()).collect();
            assert_eq!(winners.len(), 1, "{name}: {ends:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), parts[winners[0]].to_str().unwrap());
            let told = ends.iter().filter_map(|end| end.as_ref().err());
            assert!(told.into_iter().all(|error| error.kind() == ErrorKind::AlreadyExists), "{name}");
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let targets = [0, 1].map(|_| Outputs::new(false).file(&path, Kind::TABLE).unwrap());
        targets[0].write(b"first").unwrap();
        assert!(targets[1].write(b"second").unwrap_err().to_string().contains("meanwhile"));
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(entries(folder.path()), ["a.csv"]);
    }

    #[test]
    fn a_part_does_not_replace_a_file_of_that_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.csv.part"), "precious").unwrap();
        let target = Outputs::new(false).file(&folder.path().join("a.csv"), Kind::TABLE).unwrap();
        target.write(b"1").unwrap();
        drop(Outputs::new(true).file(target.path(), Kind::TABLE).unwrap().begin().unwrap());
        assert_eq!(entries(folder.path()), ["a.csv", "a.csv.part"]);
        assert_eq!(fs::read(folder.path().join("a.csv.part")).unwrap(), b"precious");
        fs::write(target.part_of(target.path()), "another's").unwrap();
        assert!(target.begin().is_err());
    }

    #[test]
    fn all_files_of_a_set_take_their_names_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let target = Outputs::new(false).snapshot(&folder.path().join("a.hdf5"), 3).unwrap();
        let files: Vec<(PathBuf, PathBuf)> = crate::snapshot::names(target.path(), 3)
            .into_iter()
            .map(|path| (target.part_of(&path), path))
            .collect();
        files.iter().for_each(|(part, _)| fs::write(part, "new").unwrap());
        fs::write(&files[1].1, "another's").unwrap();
        assert!(target.settle(&files).unwrap_err().to_string().contains("meanwhile"));
        let left = files.iter().map(|(_, path)| fs::read_to_string(path).ok());
        assert_eq!(left.collect::<Vec<_>>(), [None, Some("another's".to_owned()), None]);
    }

    #[test]
    fn additions_of_many_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.toml");
        std::thread::scope(|scope| {
            for i in 0..16 {
                let path = &path;
                scope.spawn(move || {
                    update(path, |old| Ok::<_, Error>(format!("{old}a{i:02} = 1\n"))).unwrap()
                });
            }
        });
        let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, (0..16).map(|i| format!("a{i:02} = 1")).collect::<Vec<_>>());
        let refused = |path: &Path| update(path, |_| Err(Error::output(path, "no"))).unwrap_err().to_string();
        assert!(refused(&path).ends_with("no") && refused(&folder.path().join("b.toml")).ends_with("no"));
        assert!(refused(&folder.path().join("b.json")).contains(".toml"));
        fs::create_dir(folder.path().join("c.toml")).unwrap();
        assert!(refused(&folder.path().join("c.toml")).contains("is a folder, not a file"));
        assert_eq!(entries(folder.path()), ["c.toml", "list.toml"]);
    }
}
