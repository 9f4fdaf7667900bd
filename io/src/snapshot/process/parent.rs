//! The side of the process that asks for bodies. It starts the reader, sends requests and receives
//! the answers.

use super::{Answer, Request, Rest, What, receive, send};
use crate::Error;
use crate::snapshot::read::{Wanted, outside};
use serde::Deserialize;
use std::ffi::OsString;
use std::io::{self, BufReader};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use treecode::{Bodies, TYPES};

/// The process that reads, and its pipes.
pub(super) struct Running {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The process that started it. A fork of that process has the same pipes, but must not use
    /// them.
    owner: u32,
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

pub(super) const GARBLED: &str = "is damaged: what was read of it makes no sense";

/// Asks a reader, started with `command` unless one is `running`. Returns the reader too, if it can
/// serve another request.
pub(super) fn ask(
    command: &[OsString],
    mut running: Option<Running>,
    path: &Path,
    what: What,
) -> (Option<Running>, Result<Answer, Error>) {
    let wanted = what.wanted();
    let request = Request { path: outside::path_bytes(path), what, follow: outside::follows() };
    let request = serde_json::to_vec(&request).expect("a request has string keys");
    // The reader may just have ended after idling, so the request is repeated once with a new one.
    for last in [false, true] {
        let started = running.take().map_or_else(|| Running::start(command), Ok);
        let mut reader = match started.map_err(Error::system(path, "start a process to read")) {
            Ok(reader) => reader,
            Err(error) => return (None, Err(error)),
        };
        let failure = match reader.exchange(&request, path, &wanted) {
            Ok(answer) => return (Some(reader), Ok(answer)),
            Err(failure) => failure,
        };
        // After an error in this process, the remaining data are useless. After one in the reader,
        // the library may be in an undefined state.
        let ended = reader.end().map_err(Error::system(path, "wait for the process that reads"));
        let error = match (failure, ended) {
            (Failure::Told(error), _) | (_, Err(error)) => error,
            (Failure::Ended { silent: true }, Ok(status))
                if !last && status.is_some_and(|status| status.signal() == Some(9)) =>
            {
                continue;
            }
            (Failure::Ended { .. }, Ok(status)) => Error::snapshot(path, cause_of_death(status)),
            (Failure::Garbled, Ok(_)) => Error::snapshot(path, GARBLED),
        };
        return (None, Err(error));
    }
    unreachable!("the second turn returns")
}

fn cause_of_death(status: Option<ExitStatus>) -> String {
    let signal = status.and_then(|status| status.signal());
    match signal {
        Some(24) => "is damaged: the HDF5 library computes without end on it".to_owned(), // SIGXCPU
        Some(9) => "the process that read it was killed; perhaps memory ran out".to_owned(),
        // SIGABRT: an allocation that fails ends a process so, and the library's own checks do.
        Some(6) => "cannot be read: it is damaged, or there is too little memory (the process that read it broke off)".to_owned(),
        Some(signal) => format!("is damaged: the HDF5 library crashed on it (signal {signal})"),
        None => "is damaged: the HDF5 library crashed on it".to_owned(),
    }
}

impl Running {
    /// Starts a reader with this program and arguments.
    pub(super) fn start(command: &[OsString]) -> io::Result<Running> {
        let (program, arguments) =
            command.split_first().ok_or_else(|| io::Error::other("no program is given"))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        // Ctrl-C must reach only the process that interacts with the user.
        command.process_group(0);
        for name in ["HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX", "HDF5_EXT_PREFIX"] {
            command.env_remove(name); // they lead to files other than those that were checked
        }
        let mut child = command.spawn()?;
        let input = child.stdin.take().expect("it has a pipe");
        let output = BufReader::with_capacity(1 << 18, child.stdout.take().expect("it has a pipe"));
        Ok(Running { child, input, output, owner: std::process::id() })
    }

    /// Whether this process has started it.
    pub(super) fn is_own(&self) -> bool {
        self.owner == std::process::id()
    }

    /// Ends the process. Returns its exit status if it had already ended by itself.
    pub(super) fn end(self) -> io::Result<Option<ExitStatus>> {
        let Running { mut child, input, output, .. } = self;
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

    fn exchange(&mut self, request: &[u8], path: &Path, wanted: &Wanted) -> Result<Answer, Failure> {
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
                    answer.expect(path, rows, wanted).map_err(Failure::Told)?;
                }
                b'B' => {
                    let count = message.first_chunk().map_or(0, |count| u64::from_ne_bytes(*count));
                    if count > message.len() as u64 {
                        return Err(Failure::Garbled);
                    }
                    answer.make_room(path, count, wanted).map_err(Failure::Told)?;
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
