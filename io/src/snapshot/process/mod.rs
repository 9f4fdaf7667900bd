//! HDF5 files are read in a separate process. The HDF5 library trusts its files. A damaged file can
//! make it crash, exhaust the memory, or run without end, and nothing inside the process can
//! prevent that. A check of the file beforehand would need a second implementation of all versions
//! of the format.
//!
//! So a second process of this program reads the file, with limits on its memory and time, and
//! sends the data through a pipe. If it dies, the first process reports that in one line.
//!
//! A program enables this with [`use_process`], and must begin its `main` with [`serve_if_asked`]. A
//! library in another program, such as a module of Python, enables it with [`use_command`].
//! Otherwise, as in the tests of this crate, the same code reads files in the calling process.

mod child;
mod parent;

pub use child::{serve_if_asked, serve_parent};

use super::Header;
use super::read::region::{Found, Region, send_region};
use super::read::set::{Set, first_file};
use super::read::{Wanted, outside, send_bodies};
use crate::Error;
use crate::catalogue::{self, Catalogue};
use crate::memory;
use parent::{GARBLED, Running};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use treecode::Bodies;

/// The argument that starts this program as a reader.
const ARGUMENT: &str = "--read-for-parent";
/// Greatest length of a valid message [bytes].
const LONGEST: u64 = 1 << 33;

/// A request to read something.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum What {
    /// The header, and the files of the snapshot.
    Header,
    /// The first file of the snapshot, see [`super::distinct`].
    First,
    Bodies(Wanted),
    Region(Region, Wanted),
    Catalogue,
}

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    path: Vec<u8>,
    what: What,
    follow: bool,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) header: Header,
    pub(super) files: Vec<PathBuf>,
    pub(super) bodies: Bodies,
    pub(super) found: Found,
    pub(super) catalogue: Vec<u64>,
}

/// Receives data while a file is read.
pub(super) trait Sink {
    /// The header, before any bodies, and the number of bodies. That number is not known for a
    /// region.
    fn header(&mut self, header: &Header, rows: Option<u64>) -> Result<(), Error>;
    /// Announces that this many rows are now read at once, each with this many bytes of further
    /// columns.
    fn expect_work(&mut self, _rows: u64, _columns: u64) {}
    /// Some bodies, in order.
    fn bodies(&mut self, bodies: &Bodies) -> Result<(), Error>;
}

impl Answer {
    /// Checks that there is room for the bodies, before memory is allocated. Adds the further
    /// columns.
    fn expect(&mut self, path: &Path, rows: Option<u64>, wanted: &Wanted) -> Result<(), Error> {
        let rows = rows.unwrap_or_default();
        self.bodies = wanted.empty(&self.header.columns);
        memory::expect_room(path, rows, self.bodies.column_bytes() + wanted.beside)?;
        memory::reserve(path, &mut self.bodies, rows)
    }

    /// Like [`Answer::expect`], for bodies that were not announced.
    fn make_room(&mut self, path: &Path, more: u64, wanted: &Wanted) -> Result<(), Error> {
        let spare = self.bodies.id.capacity() - self.bodies.len();
        // The arrays grow by doubling, and are copied.
        if (spare as u64) < more {
            let beside = self.bodies.column_bytes() + wanted.beside;
            memory::expect_room(path, 2 * self.bodies.len() as u64 + more, beside)
        } else {
            Ok(())
        }
    }
}

/// Collects the data in this process.
struct Here<'a> {
    path: &'a Path,
    wanted: Wanted,
    answer: Answer,
}

impl Sink for Here<'_> {
    fn header(&mut self, header: &Header, rows: Option<u64>) -> Result<(), Error> {
        self.answer.header = header.clone();
        self.answer.expect(self.path, rows, &self.wanted)
    }

    fn bodies(&mut self, bodies: &Bodies) -> Result<(), Error> {
        self.answer.make_room(self.path, bodies.len() as u64, &self.wanted)?;
        self.answer.bodies.append(bodies);
        Ok(())
    }
}

/// How a reader is started, and one that is idle.
struct Reader {
    command: Vec<OsString>,
    idle: Option<Running>,
}

/// The lock is held for an instant only, and not while a file is read. So several threads read at
/// once, each with a reader of its own, and a fork can hardly meet a locked reader.
static READER: Mutex<Option<Reader>> = Mutex::new(None);

fn reader() -> MutexGuard<'static, Option<Reader>> {
    READER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads HDF5 files in a separate process from now on. `program` must begin with
/// [`serve_if_asked`].
pub fn use_process(program: PathBuf) {
    use_command(vec![program.into_os_string(), ARGUMENT.into()]);
}

/// Reads HDF5 files in a separate process from now on. This program with these arguments must call
/// [`serve_parent`].
pub fn use_command(command: Vec<OsString>) {
    *reader() = Some(Reader { command, idle: None });
}

/// Reads what `what` requests.
pub(super) fn ask(path: &Path, what: What) -> Result<Answer, Error> {
    let known = reader().as_mut().map(|reader| (reader.command.clone(), reader.idle.take()));
    let is_known = known.is_some();
    // If no process can be started, files are read in this one.
    let started = known.and_then(|(command, idle)| {
        let idle = idle.filter(Running::is_own);
        let running = idle.map_or_else(|| Running::start(&command), Ok).ok()?;
        Some((command, running))
    });
    let Some((command, running)) = started else {
        if is_known {
            outside::close_links();
        }
        let mut here = Here { path, wanted: what.wanted(), answer: Answer::default() };
        let rest = perform(path, &what, &mut here)?;
        return Ok(Answer {
            files: rest.files(),
            found: rest.found,
            catalogue: rest.catalogue,
            ..here.answer
        });
    };
    let (running, answer) = parent::ask(&command, Some(running), path, what);
    // Another thread may have left its reader there meanwhile. That one is enough.
    let surplus = match reader().as_mut() {
        Some(reader) if reader.idle.is_none() => {
            reader.idle = running;
            None
        }
        _ => running,
    };
    let _ = surplus.map(Running::end);
    answer
}

impl What {
    fn wanted(&self) -> Wanted {
        match self {
            What::Bodies(wanted) | What::Region(_, wanted) => *wanted,
            What::Header | What::First | What::Catalogue => Wanted::default(),
        }
    }
}

/// Data that is sent last.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Rest {
    files: Vec<Vec<u8>>,
    found: Found,
    catalogue: Vec<u64>,
}

impl Rest {
    fn files(&self) -> Vec<PathBuf> {
        self.files.iter().map(|bytes| outside::path_of(bytes)).collect()
    }
}

fn perform(path: &Path, what: &What, sink: &mut impl Sink) -> Result<Rest, Error> {
    match what {
        What::Header => {
            let set = Set::open(path)?;
            sink.header(&set.header, None)?;
            let files = set.members.iter().map(|member| outside::path_bytes(&member.path)).collect();
            Ok(Rest { files, ..Rest::default() })
        }
        What::First => {
            let files = vec![outside::path_bytes(&first_file(path)?)];
            Ok(Rest { files, ..Rest::default() })
        }
        What::Bodies(wanted) => send_bodies(path, wanted, sink).map(|()| Rest::default()),
        What::Region(region, wanted) => {
            let found = send_region(path, region, wanted, sink)?;
            Ok(Rest { found, ..Rest::default() })
        }
        What::Catalogue => {
            let catalogue = catalogue::read_here(path)?.to_numbers();
            Ok(Rest { catalogue, ..Rest::default() })
        }
    }
}

pub(crate) fn read_catalogue(path: &Path) -> Result<Catalogue, Error> {
    let answer = ask(path, What::Catalogue)?;
    Catalogue::from_numbers(&answer.catalogue).ok_or_else(|| Error::snapshot(path, GARBLED))
}

/// Sends a message: kind, length and bytes.
fn send(to: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&[kind])?;
    to.write_all(&(bytes.len() as u64).to_ne_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// Receives a message of [`send`]. Returns its kind.
fn receive(from: &mut impl Read, message: &mut Vec<u8>) -> io::Result<u8> {
    let (mut kind, mut length) = ([0], [0; 8]);
    from.read_exact(&mut kind)?;
    from.read_exact(&mut length)?;
    let length = u64::from_ne_bytes(length);
    let too_long = || io::Error::other("a message is too long");
    if length > LONGEST {
        return Err(too_long());
    }
    message.clear();
    message.try_reserve_exact(length as usize).map_err(|_| too_long())?;
    if from.take(length).read_to_end(message)? as u64 == length { Ok(kind[0]) } else { Err(too_long()) }
}
