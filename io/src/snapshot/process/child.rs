//! The side of the process that reads (the reader), with limits on its memory and time.

use super::{ARGUMENT, Request, Sink, perform, receive, send};
use crate::Error;
use crate::memory::{self, addresses_in_use};
use crate::snapshot::Header;
use crate::snapshot::read::outside;
use rustix::process::{Pid, Resource, Rlimit, Signal, getppid, getrlimit, setrlimit};
use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use treecode::Bodies;

/// A reader without requests ends after this time.
const IDLE: Duration = Duration::from_secs(3);
/// Interval at which a reader checks whether it is still needed.
const LOOK: Duration = Duration::from_millis(250);
/// Limit on the processor time of one request [s]. Each `BYTES_A_SECOND` of the file add one
/// second.
const SECONDS: u64 = 10;
const BYTES_A_SECOND: u64 = 20 << 20;
/// Limit on the memory of one request [bytes], in addition to the uncompressed data.
const MEMORY: u64 = 1 << 30;
/// Greatest compression ratio.
const MOST_INFLATED: u64 = 1 << 11;
/// Greatest number of bodies per message, and about the greatest length of one [bytes].
const MESSAGE: usize = 1 << 18;
const MESSAGE_BYTES: u64 = 1 << 28;

/// If this process was started as a reader, serves its parent and never returns.
pub fn serve_if_asked() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == ARGUMENT) {
        serve_parent();
    }
}

/// Serves the process that started this one with the command of [`super::use_command`]. Ends this
/// process.
pub fn serve_parent() {
    serve();
    die();
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

    fn expect_work(&mut self, rows: u64, columns: u64) {
        bound_time(self.length.saturating_add(rows.saturating_mul(memory::BODY + columns)));
    }

    fn bodies(&mut self, bodies: &Bodies) -> Result<(), Error> {
        let mut message = Vec::new();
        let most = MESSAGE_BYTES / (memory::BODY + bodies.column_bytes());
        let most = MESSAGE.min(most.max(1) as usize);
        for start in (0..bodies.len()).step_by(most) {
            message.clear();
            bodies.write(start..(start + most).min(bodies.len()), &mut message);
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
