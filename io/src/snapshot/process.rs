//! HDF5 files are read in a process of their own. The HDF5 library was written for files that HDF5 wrote: a damaged one can make it crash,
//! take all memory, or compute without end, and nothing inside a process can undo that. (A check of the file beforehand would have to
//! know every structure of every version of the format, and to be right about what the library does with it.) So a second process of this
//! program reads, with bounds on its memory and its time, and sends what it finds through a pipe; if it dies, that is one line.
//!
//! A program asks for this with [`use_process`], and begins its `main` with [`serve_if_asked`]. Without it, as in tests of this crate, files are
//! read where they are asked for, by the same code.

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

/// The argument by which this program knows that it is to read for another process of it.
const ARGUMENT: &str = "--read-for-parent";
/// A reader that is asked for nothing ends after this time.
const IDLE: Duration = Duration::from_secs(3);
/// How often a reader looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(250);
/// Processor time for one piece of work [s], and bytes of the file for which there is one more second.
const SECONDS: u64 = 10;
const BYTES_A_SECOND: u64 = 20 << 20;
/// Memory for one piece of work [bytes], beside what the data of the file can grow to.
const MEMORY: u64 = 1 << 30;
/// What the best compression makes of one byte.
const MOST_INFLATED: u64 = 1 << 11;
/// Bodies in a message, at most.
const MESSAGE: usize = 1 << 18;
/// A longer message is none [bytes].
const LONGEST: u64 = 1 << 33;

/// What is to be read.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum What {
    /// The header, and the files of the snapshot.
    Header,
    /// The file that stands for the snapshot: see [`super::distinct`].
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

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) header: Header,
    pub(super) files: Vec<PathBuf>,
    pub(super) bodies: Bodies,
    pub(super) found: Found,
    pub(super) catalogue: Vec<u64>,
}

/// Takes what is found, piece by piece.
pub(super) trait Sink {
    /// The header, before any bodies, and how many of them are to come; none is known of a region.
    fn header(&mut self, header: &Header, rows: Option<u64>) -> Result<(), Error>;
    /// So many rows will now be read at once.
    fn expect_work(&mut self, _rows: u64) {}
    /// Some bodies, in their order.
    fn bodies(&mut self, bodies: &Bodies) -> Result<(), Error>;
}

impl Answer {
    /// Fails before memory is taken for bodies that have no room.
    fn expect(&mut self, path: &Path, rows: Option<u64>, beside: u64) -> Result<(), Error> {
        let rows = rows.unwrap_or_default();
        memory::expect_room(path, rows, beside)?;
        memory::reserve(path, &mut self.bodies, rows)
    }

    /// The same for bodies that were not announced.
    fn make_room(&mut self, path: &Path, more: u64, beside: u64) -> Result<(), Error> {
        let spare = self.bodies.id.capacity() - self.bodies.len();
        // The arrays double, and are copied as they grow.
        if (spare as u64) < more {
            memory::expect_room(path, 2 * self.bodies.len() as u64 + more, beside)
        } else {
            Ok(())
        }
    }
}

/// Reads where it is asked for.
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

/// Reads HDF5 files in a process of their own from now on. `program` must begin with [`serve_if_asked`].
pub fn use_process(program: PathBuf) {
    *READER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Reader { program, running: None });
}

/// Reads what `what` asks for.
pub(super) fn ask(path: &Path, what: What) -> Result<Answer, Error> {
    let mut reader = READER.lock().unwrap_or_else(PoisonError::into_inner);
    // Where no process can be started, files are still read.
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

/// What is known at the end.
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

/// Reads a catalogue of haloes.
pub(crate) fn read_catalogue(path: &Path) -> Result<Catalogue, Error> {
    let answer = ask(path, What::Catalogue)?;
    Catalogue::from_numbers(&answer.catalogue).ok_or_else(|| Error::snapshot(path, GARBLED))
}

/// The process that reads, as this one sees it.
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
    /// Something is wrong with the file or the memory.
    Told(Error),
    /// The process has ended, before or after it sent something.
    Ended { silent: bool },
    /// What was sent is no message.
    Garbled,
}

const GARBLED: &str = "is damaged: what was read of it makes no sense";

impl Reader {
    fn ask(&mut self, path: &Path, what: What) -> Result<Answer, Error> {
        let beside = what.beside();
        let request = Request { path: outside::path_bytes(path), what, follow: outside::follows() };
        let request = serde_json::to_vec(&request).expect("a request has string keys");
        // A reader that has just ended for want of work is replaced, once.
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
        // After an error on this side the rest of what is sent is of no use; after one on the other, the library may be in disorder.
        if let Err(Failure::Told(_)) = &answer {
            let _ = self.end();
        }
        answer
    }

    /// Ends the process; how it had ended by itself.
    fn end(&mut self) -> io::Result<Option<ExitStatus>> {
        let Some(Running { mut child, input, output }) = self.running.take() else { return Ok(None) };
        drop((input, output));
        // One that has closed its pipe is about to end.
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
        // Ctrl-C is for the process that speaks with the user.
        command.process_group(0);
        for name in ["HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX", "HDF5_EXT_PREFIX"] {
            command.env_remove(name); // they lead to other files than those that were checked
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
                    answer
                        .make_room(path, (message.len() as u64) / memory::BODY, beside)
                        .map_err(Failure::Told)?;
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

/// Appends the bodies of a message, unless a process that went wrong made it.
fn take_bodies(message: &[u8], bodies: &mut Bodies) -> Option<()> {
    let (count, rest) = message.split_first_chunk::<8>()?;
    let count = u64::from_ne_bytes(*count);
    if count.checked_mul(memory::BODY)? != rest.len() as u64 {
        return None;
    }
    let before = bodies.len();
    bodies.read(message);
    bodies.kind[before..].iter().all(|&kind| usize::from(kind) < TYPES).then_some(())
}

/// A kind, a length, and the bytes.
fn send(to: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    to.write_all(&[kind])?;
    to.write_all(&(bytes.len() as u64).to_ne_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// What [`send`] sent, into `message`; its kind.
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

/// If this process was started to read for another, does so until that wants no more, and never returns.
pub fn serve_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) {
        serve();
        die();
    }
}

/// Ends this process without the library's clean-up, which a damaged file may have made impossible.
fn die() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
}

/// When this process last had something to do, in milliseconds since it began; 0 while it works.
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

/// Ends this process when its parent has ended, or has asked for nothing for a while.
fn watch(parent: Option<Pid>, now: impl Fn() -> u64) {
    loop {
        std::thread::sleep(LOOK);
        let since = IDLE_SINCE.load(Ordering::Relaxed);
        let idle = since > 0 && now().saturating_sub(since) > IDLE.as_millis() as u64;
        // Who asks meanwhile gets another reader.
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

/// Sends what is found to the process that asked.
struct There<'a, W: Write> {
    output: &'a mut W,
    length: u64,
    /// What happened to the pipe.
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

/// From now on this process gets processor time for one more piece of work.
fn bound_time(length: u64) {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime).tv_sec as u64;
    let limit = used + SECONDS + length / BYTES_A_SECOND;
    lower(Resource::Cpu, limit);
}

/// Bounds the memory of this process by what the data of a file of this length may take.
fn bound_memory(length: u64) {
    let most = MEMORY.saturating_add(length.saturating_mul(MOST_INFLATED));
    // What this process holds back is no bound for itself.
    let none = Rlimit { current: getrlimit(Resource::As).maximum, ..getrlimit(Resource::As) };
    let _ = setrlimit(Resource::As, none);
    let free = memory::memory().map_or(u64::MAX, |memory| memory.available);
    if let Some(used) = addresses_in_use() {
        lower(Resource::As, used.saturating_add(most.min(free)));
    }
}

/// Sets a limit, within the one that is set for good.
fn lower(resource: Resource, limit: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = Some(maximum.map_or(limit, |maximum| maximum.min(limit)));
    let _ = setrlimit(resource, Rlimit { current, maximum });
}
