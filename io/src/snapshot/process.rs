//! HDF5 files are read in a separate process. The HDF5 library trusts its files. A damaged one can
//! make it crash, exhaust the memory, or compute without end, and nothing inside the process can
//! prevent that. To check the file beforehand would require a second implementation of all versions
//! of the format.
//!
//! So a second process of this program reads the file, with limits on its memory and time, and
//! sends the data through a pipe. If it dies, the first process reports that in one line.
//!
//! A program enables this with [`use_process`], and must begin its `main` with [`serve_if_asked`].
//! Otherwise, as in the tests of this crate, the same code reads files in the calling process.

use super::read::{Wanted, send_bodies};
use super::region::{Found, Region, send_region};
use super::set::{Set, first_file};
use super::{Header, outside};
use crate::Error;
use crate::catalogue::{self, Catalogue};
use crate::memory::{self, addresses_in_use};
use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use treecode::{Bodies, TYPES};

/// The argument that starts this program as a reader.
const ARGUMENT: &str = "--read-for-parent";
/// A reader without requests ends after this time.
const IDLE: Duration = Duration::from_secs(3);
/// Interval at which a reader checks whether it is still needed.
const LOOK: Duration = Duration::from_millis(250);
/// Limit on the processor time of one request [s], and file length that adds one second [bytes].
const SECONDS: u64 = 10;
const BYTES_A_SECOND: u64 = 20 << 20;
/// Limit on the memory of one request [bytes], in addition to the uncompressed data.
const MEMORY: u64 = 1 << 30;
/// Greatest compression ratio.
const MOST_INFLATED: u64 = 1 << 11;
/// Greatest number of bodies per message.
const MESSAGE: usize = 1 << 18;
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
    /// Announces that this many rows are now read at once.
    fn expect_work(&mut self, _rows: u64) {}
    /// Some bodies, in order.
    fn bodies(&mut self, bodies: &Bodies) -> Result<(), Error>;
}

impl Answer {
    /// Checks that there is room for the bodies, before memory is allocated.
    fn expect(&mut self, path: &Path, rows: Option<u64>, beside: u64) -> Result<(), Error> {
        let rows = rows.unwrap_or_default();
        memory::expect_room(path, rows, beside)?;
        memory::reserve(path, &mut self.bodies, rows)
    }

    /// Like [`Answer::expect`], for bodies that were not announced.
    fn make_room(&mut self, path: &Path, more: u64, beside: u64) -> Result<(), Error> {
        let spare = self.bodies.id.capacity() - self.bodies.len();
        // The arrays grow by doubling, and are copied.
        if (spare as u64) < more {
            memory::expect_room(path, 2 * self.bodies.len() as u64 + more, beside)
        } else {
            Ok(())
        }
    }
}

/// Collects the data in this process.
struct Here<'a> {
    path: &'a Path,
    beside: u64,
    answer: Answer,
}

impl Sink for Here<'_> {
    fn header(&mut self, header: &Header, rows: Option<u64>) -> Result<(), Error> {
        self.answer.header = header.clone();
        self.answer.expect(self.path, rows, self.beside)
    }

    fn bodies(&mut self, bodies: &Bodies) -> Result<(), Error> {
        self.answer.make_room(self.path, bodies.len() as u64, self.beside)?;
        self.answer.bodies.append(bodies);
        Ok(())
    }
}

static READER: Mutex<Option<Reader>> = Mutex::new(None);

/// Reads HDF5 files in a separate process from now on. `program` must begin with
/// [`serve_if_asked`].
pub fn use_process(program: PathBuf) {
    *READER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Reader { program, running: None });
}

/// Reads what `what` requests.
pub(super) fn ask(path: &Path, what: What) -> Result<Answer, Error> {
    let mut reader = READER.lock().unwrap_or_else(PoisonError::into_inner);
    // If no process can be started, files are read in this one.
    let started = reader.as_mut().is_some_and(|reader| reader.start().is_ok());
    match reader.as_mut().filter(|_| started) {
        Some(reader) => reader.ask(path, what),
        None => {
            if reader.is_some() {
                outside::close_links();
            }
            drop(reader);
            let beside = what.beside();
            let mut here = Here { path, beside, answer: Answer::default() };
            let rest = perform(path, &what, &mut here)?;
            Ok(Answer { files: rest.files(), found: rest.found, catalogue: rest.catalogue, ..here.answer })
        }
    }
}

impl What {
    fn beside(&self) -> u64 {
        match self {
            What::Bodies(wanted) | What::Region(_, wanted) => wanted.beside,
            What::Header | What::First | What::Catalogue => 0,
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

/// The reader process, as seen by this process.
struct Reader {
    program: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Why there is no answer.
enum Failure {
    /// An error of the file or the memory.
    Told(Error),
    /// The process has ended. `silent` means that it had sent nothing.
    Ended { silent: bool },
    /// The data are not a valid message.
    Garbled,
}

const GARBLED: &str = "is damaged: what was read of it makes no sense";

impl Reader {
    fn ask(&mut self, path: &Path, what: What) -> Result<Answer, Error> {
        let beside = what.beside();
        let request = Request { path: outside::path_bytes(path), what, follow: outside::follows() };
        let request = serde_json::to_vec(&request).expect("a request has string keys");
        // The reader may just have ended after idling, so the request is repeated once with a new
        // one.
        for last in [false, true] {
            let failure = match self.exchange(&request, path, beside) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Told(error)) => return Err(error),
                Err(failure) => failure,
            };
            let ended = self.end().map_err(Error::system(path, "wait for the process that reads"))?;
            match failure {
                Failure::Ended { silent: true }
                    if !last && ended.is_some_and(|status| status.signal() == Some(9)) => {}
                Failure::Ended { .. } => return Err(Error::snapshot(path, cause_of_death(ended))),
                _ => return Err(Error::snapshot(path, GARBLED)),
            }
        }
        unreachable!("the second turn returns")
    }

    fn start(&mut self) -> io::Result<&mut Running> {
        match &mut self.running {
            Some(running) => Ok(running),
            stopped => Ok(stopped.insert(Running::start(&self.program)?)),
        }
    }

    fn exchange(&mut self, request: &[u8], path: &Path, beside: u64) -> Result<Answer, Failure> {
        let cannot = |cause| Failure::Told(Error::system(path, "start a process to read")(cause));
        let running = self.start().map_err(cannot)?;
        let answer = running.exchange(request, path, beside);
        // After an error in this process, the remaining data are useless. After one in the reader,
        // the library may be in an undefined state.
        if let Err(Failure::Told(_)) = &answer {
            let _ = self.end();
        }
        answer
    }

    /// Ends the process. Returns its exit status if it had already ended by itself.
    fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        let Some(Running { mut child, input, output }) = self.running.take() else { return Ok(None) };
        drop((input, output));
        // A process that has closed its pipe is about to end.
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(2) {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill()?;
        child.wait().map(Some)
    }
}

fn cause_of_death(status: Option<ExitStatus>) -> String {
    let signal = status.and_then(|status| status.signal());
    match signal {
        Some(24) => "is damaged: the HDF5 library computes without end on it".to_owned(), // SIGXCPU
        Some(9) => "the process that read it was killed; perhaps memory ran out".to_owned(),
        Some(signal) => format!("is damaged: the HDF5 library crashed on it (signal {signal})"),
        None => "is damaged: the HDF5 library crashed on it".to_owned(),
    }
}

impl Running {
    fn start(program: &Path) -> io::Result<Running> {
        let mut command = Command::new(program);
        command.arg(ARGUMENT).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C must reach only the process that interacts with the user.
        command.process_group(0);
        for name in ["HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX", "HDF5_EXT_PREFIX"] {
            command.env_remove(name); // they lead to files other than those that were checked
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take().expect("it has a pipe");
        let output = BufReader::with_capacity(1 << 18, child.stdout.take().expect("it has a pipe"));
        Ok(Running { child, input, output })
    }

    fn exchange(&mut self, request: &[u8], path: &Path, beside: u64) -> Result<Answer, Failure> {
        let mut silent = true;
        let ended = |silent: bool| move |_: io::Error| Failure::Ended { silent };
        send(&mut self.input, b'?', request).map_err(ended(true))?;
        let mut answer = Answer::default();
        let mut message = Vec::new();
        loop {
            let kind = receive(&mut self.output, &mut message).map_err(ended(silent))?;
            silent = false;
            match kind {
                b'H' => {
                    let (header, rows) = decoded(&message)?;
                    answer.header = header;
                    answer.expect(path, rows, beside).map_err(Failure::Told)?;
                }
                b'B' => {
                    let count = message.first_chunk().map_or(0, |count| u64::from_ne_bytes(*count));
                    if count > message.len() as u64 {
                        return Err(Failure::Garbled);
                    }
                    answer.make_room(path, count, beside).map_err(Failure::Told)?;
                    take_bodies(&message, &mut answer.bodies).ok_or(Failure::Garbled)?;
                }
                b'E' => return Err(Failure::Told(Error::Told(decoded(&message)?))),
                b'.' => {
                    let rest: Rest = decoded(&message)?;
                    answer.files = rest.files();
                    (answer.found, answer.catalogue) = (rest.found, rest.catalogue);
                    return Ok(answer);
                }
                _ => return Err(Failure::Garbled),
            }
        }
    }
}

fn decoded<'a, T: Deserialize<'a>>(message: &'a [u8]) -> Result<T, Failure> {
    serde_json::from_slice(message).map_err(|_| Failure::Garbled)
}

/// Appends the bodies of a message; `None` if the message is invalid.
fn take_bodies(message: &[u8], bodies: &mut Bodies) -> Option<()> {
    let before = bodies.len();
    bodies.try_read(message)?;
    bodies.kind[before..].iter().all(|&kind| usize::from(kind) < TYPES).then_some(())
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

/// If this process was started as a reader, serves its parent and never returns.
pub fn serve_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) {
        serve();
        die();
    }
}

/// Ends this process without the clean-up of the library, which a damaged file may have made
/// impossible.
fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
}

/// Time since which the process is idle [ms since its start]; 0 while it works.
static IDLE_SINCE: AtomicU64 = AtomicU64::new(1);

fn serve() {
    let began = Instant::now();
    let now = move || began.elapsed().as_millis() as u64 + 1;
    let parent = getppid();
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
    std::thread::spawn(move || watch(parent, now));
    let (mut input, mut output) =
        (io::stdin().lock(), BufWriter::with_capacity(1 << 18, io::stdout().lock()));
    let mut message = Vec::new();
    while let Ok(b'?') = receive(&mut input, &mut message) {
        IDLE_SINCE.store(0, Ordering::Relaxed);
        if answer(&message, &mut output).is_err() {
            return;
        }
        IDLE_SINCE.store(now(), Ordering::Relaxed);
    }
}

/// Ends this process when its parent has ended, or after a time without requests.
fn watch(parent: Option<Pid>, now: impl Fn() -> u64) {
    loop {
        std::thread::sleep(LOOK);
        let since = IDLE_SINCE.load(Ordering::Relaxed);
        let idle = since > 0 && now().saturating_sub(since) > IDLE.as_millis() as u64;
        // A request that arrives now gets a new reader.
        if idle || getppid() != parent {
            die();
        }
    }
}

fn answer(request: &[u8], output: &mut impl Write) -> io::Result<()> {
    let Request { path, what, follow } = serde_json::from_slice(request)?;
    outside::follow_external(follow);
    outside::close_links();
    let path = outside::path_of(&path);
    let length = std::fs::metadata(&path).map_or(0, |data| data.len());
    bound_memory(length);
    bound_time(length);
    let mut there = There { output, length, failed: None };
    let rest = perform(&path, &what, &mut there);
    let There { output, failed, .. } = there;
    match (failed, rest) {
        (Some(error), _) => Err(error),
        (None, Ok(rest)) => send(output, b'.', &serde_json::to_vec(&rest)?),
        (None, Err(error)) => send(output, b'E', &serde_json::to_vec(&error.to_string())?),
    }
}

/// Sends the data to the parent process.
struct There<'a, W: Write> {
    output: &'a mut W,
    length: u64,
    /// The first error of the pipe.
    failed: Option<io::Error>,
}

impl<W: Write> There<'_, W> {
    fn send(&mut self, kind: u8, bytes: &[u8]) -> Result<(), Error> {
        let sent = send(self.output, kind, bytes);
        bound_time(self.length);
        sent.map_err(|error| {
            let told = Error::Told(error.to_string());
            self.failed = Some(error);
            told
        })
    }
}

impl<W: Write> Sink for There<'_, W> {
    fn header(&mut self, header: &Header, rows: Option<u64>) -> Result<(), Error> {
        let text = serde_json::to_vec(&(header, rows)).expect("a header has string keys");
        self.send(b'H', &text)
    }

    fn expect_work(&mut self, rows: u64) {
        bound_time(self.length.saturating_add(rows.saturating_mul(memory::BODY)));
    }

    fn bodies(&mut self, bodies: &Bodies) -> Result<(), Error> {
        let mut message = Vec::new();
        for start in (0..bodies.len()).step_by(MESSAGE) {
            message.clear();
            bodies.write(start..(start + MESSAGE).min(bodies.len()), &mut message);
            self.send(b'B', &message)?;
        }
        Ok(())
    }
}

/// Allows this process the processor time of one more request.
fn bound_time(length: u64) {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec as u64;
    let limit = used + SECONDS + length / BYTES_A_SECOND;
    lower(Resource::Cpu, limit);
}

/// Limits the memory of this process to what the data of a file of this length may need.
fn bound_memory(length: u64) {
    let most = MEMORY.saturating_add(length.saturating_mul(MOST_INFLATED));
    // Lifts the limit of an earlier request, which `memory` would take into account.
    let none = Rlimit { current: getrlimit(Resource::As).maximum, ..getrlimit(Resource::As) };
    let _ = setrlimit(Resource::As, none);
    let free = memory::memory().map_or(u64::MAX, |memory| memory.available);
    if let Some(used) = addresses_in_use() {
        lower(Resource::As, used.saturating_add(most.min(free)));
    }
}

/// Lowers a soft limit, within the hard limit.
fn lower(resource: Resource, limit: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(limit, |maximum| maximum.min(limit)));
    let _ = setrlimit(resource, Rlimit { current, maximum });
}
