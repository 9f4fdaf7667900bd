//! Ranks as MPI processes.
//!
//! MPI is started with thread level Funneled: only the thread that started it may call it, and each
//! call checks this. Rayon's threads may compute meanwhile. On an error, the MPI library aborts all
//! ranks.

// Here, pending non-blocking calls own their buffers. The safe scopes of `mpi` cannot express this.
#![allow(unsafe_code)]

use super::{Comm, Hosts, Mail, Meter, Pending, Reduction, Traffic};
use crate::Error;
use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::ffi;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{
    AsRaw, Communicator, CommunicatorCollectives, Destination, Group, MatchedReceiveVec, Source,
};
use std::cell::RefCell;
use std::io::Write;
use std::os::raw::c_int;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// Longest message that is passed to MPI in one piece [bytes]. MPI counts with signed 32-bit
/// numbers, so longer messages are split.
pub const LONGEST_PIECE: usize = 1 << 30;

/// Exit code of a run in which a rank panicked. It is that of any Rust program that panics.
const PANICKED: i32 = 101;

/// MPI, from its start to its end. Dropping it ends MPI. It must be dropped on the thread that
/// started MPI, before the process exits.
pub struct World {
    comm: MpiComm, // declared first, so the communicator is freed before MPI ends
    _universe: Universe,
}

impl World {
    /// Starts MPI: with all ranks under `mpirun` or a scheduler, otherwise with this rank alone.
    /// From then on, a panic on any thread of any rank prints one line and ends all ranks with exit
    /// code 101.
    ///
    /// Only the thread that calls this may use [`World::comm`].
    ///
    /// # Errors
    /// [`Error::MpiStarted`], [`Error::MpiThreads`].
    pub fn start() -> Result<World, Error> {
        let wanted = mpi::Threading::Funneled;
        let (universe, offered) = mpi::initialize_with_threading(wanted).ok_or(Error::MpiStarted)?;
        if offered < wanted {
            return Err(Error::MpiThreads(format!("{offered:?}")));
        }
        let world = universe.world();
        end_all_ranks_on_panic(world.rank(), world.size());
        Ok(World { comm: MpiComm::new(world.duplicate()), _universe: universe })
    }

    /// Communication between all ranks.
    pub fn comm(&self) -> &dyn Mail {
        &self.comm
    }

    /// The hosts of all ranks. Ranks that can share memory, according to MPI, are on one host.
    /// Collective.
    pub fn hosts(&self) -> Hosts {
        let world = self.comm.here();
        let near = world.split_shared(self.comm.rank as c_int);
        let first = near.group().translate_rank(0, &world.group()).expect("a rank of a host is one of all");
        let first = first as u64;
        let all = self.comm.all_gather(&first.to_ne_bytes());
        Hosts::new(all.iter().map(|first| u64::from_ne_bytes(first[..].try_into().expect("a number"))))
    }

    /// Measures the network. Rank 0 sends `times` messages of `there` bytes to the last rank. The
    /// last rank answers with `back` bytes: to each message if `in_turn` is true, otherwise to the
    /// last one only. Returns two times [s] on rank 0: until the last send has returned, and until
    /// the last answer has arrived. Returns 0 on other ranks. Collective. Needs two ranks.
    pub fn ping_pong(&self, there: usize, back: usize, times: usize, in_turn: bool) -> [f64; 2] {
        let (comm, last) = (self.comm.here(), self.comm.size - 1);
        assert!(last > 0, "one rank has nobody to send to");
        let (mut ping, mut pong) = (vec![1u8; there], vec![2u8; back]);
        comm.barrier();
        let start = Instant::now();
        let mut left = 0.0;
        for round in 0..times {
            let answers = in_turn || round + 1 == times;
            if self.comm.rank == 0 {
                comm.process_at_rank(last as c_int).send(&ping[..]);
                left = start.elapsed().as_secs_f64();
                if answers {
                    comm.process_at_rank(last as c_int).receive_into(&mut pong[..]);
                }
            } else if self.comm.rank == last {
                comm.process_at_rank(0).receive_into(&mut ping[..]);
                if answers {
                    comm.process_at_rank(0).send(&pong[..]);
                }
            }
        }
        if self.comm.rank == 0 { [left, start.elapsed().as_secs_f64()] } else { [0.0; 2] }
    }

    /// Splits messages into pieces of at most `bytes` instead of [`LONGEST_PIECE`], for tests. All
    /// ranks must use the same value.
    pub fn cut_messages_at(&mut self, bytes: usize) {
        assert!((1..=LONGEST_PIECE).contains(&bytes), "a piece of {bytes} bytes cannot be sent");
        self.comm.longest_piece = bytes;
    }
}

/// Name and version of the MPI library, in one line.
pub fn library() -> String {
    mpi::environment::library_version().map_or("an unknown MPI".to_owned(), |text| {
        text.lines().next().unwrap_or_default().trim_end_matches('\0').trim().to_owned()
    })
}

/// The level of support for threads that the library offers, if it was started.
pub fn thread_level() -> Option<String> {
    mpi::environment::is_initialized().then(|| format!("{:?}", mpi::environment::threading_support()))
}

/// Whether a thread that may not call MPI has panicked. The thread that may call MPI then ends all
/// ranks at its next call.
static PANIC_ELSEWHERE: AtomicBool = AtomicBool::new(false);

/// Time for the thread that may call MPI to end all ranks after a panic on another thread.
const GRACE: Duration = Duration::from_secs(10);

unsafe extern "C" {
    /// Ends the process at once, without the clean-up that other threads could block.
    safe fn _exit(code: c_int) -> !;
}

/// Installs a panic hook that prints one line and ends all ranks. Otherwise the other ranks would
/// wait for the rank that panicked.
///
/// The home thread, which calls this function, is the only one that may call MPI. If it panics, the
/// hook aborts MPI. If another thread panics, the hook sets [`PANIC_ELSEWHERE`]. The home thread
/// then aborts MPI at its next call, or when the panic reaches it and it drops [`World`]. If it
/// does neither within [`GRACE`], for example in a long computation, the process exits. The
/// launcher then ends the other ranks.
fn end_all_ranks_on_panic(rank: c_int, size: c_int) {
    let home = std::thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        let text: Vec<&str> = panic.payload_as_str().unwrap_or("no message").lines().map(str::trim).collect();
        let place = panic.location().map_or(String::new(), |place| format!(" at {place}"));
        let mut line = format!("rank {rank} of {size} panicked{place}: {}\n", text.join(" "));
        let backtrace = std::backtrace::Backtrace::capture();
        if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
            line += &format!("{backtrace}\n");
        }
        // One write, so that lines of other ranks are not printed inside it. An error of this write
        // cannot be reported.
        let _ = std::io::stderr().write_all(line.as_bytes());
        if size == 1 {
            return;
        }
        if std::thread::current().id() == home {
            SimpleCommunicator::world().abort(PANICKED);
        }
        if !PANIC_ELSEWHERE.swap(true, Ordering::SeqCst) {
            std::thread::spawn(|| {
                std::thread::sleep(GRACE);
                _exit(PANICKED)
            });
        }
    }));
}

impl Drop for World {
    /// Aborts MPI during a panic. An orderly end would need the other ranks.
    fn drop(&mut self) {
        if std::thread::panicking() && self.comm.size > 1 {
            self.comm.here().abort(PANICKED);
        }
    }
}

struct MpiComm {
    comm: SimpleCommunicator,
    rank: usize,
    size: usize,
    home: ThreadId,
    longest_piece: usize,
    /// Number of calls of `next_tag` so far.
    tagged: AtomicU64,
    /// Posted messages that `settle` has not completed.
    posted: RefCell<Vec<Posted>>,
    meter: Meter,
}

// SAFETY: only the communicator's handle and `posted` are not Sync. `MpiComm::here` returns the
// handle on the home thread only. All functions that use `posted` call `here` first.
unsafe impl Sync for MpiComm {}

/// A posted message. MPI reads its bytes until its requests are complete.
struct Posted {
    number: u64,
    _bytes: Vec<u8>,
    requests: Vec<ffi::MPI_Request>,
}

impl Drop for MpiComm {
    fn drop(&mut self) {
        self.settle(u64::MAX);
    }
}

impl MpiComm {
    fn new(comm: SimpleCommunicator) -> MpiComm {
        MpiComm {
            rank: comm.rank() as usize,
            size: comm.size() as usize,
            comm,
            home: std::thread::current().id(),
            longest_piece: LONGEST_PIECE,
            tagged: AtomicU64::new(0),
            posted: RefCell::default(),
            meter: Meter::default(),
        }
    }

    /// The communicator. Panics on any thread but the home thread. Aborts MPI if another thread has
    /// panicked.
    fn here(&self) -> &SimpleCommunicator {
        assert_eq!(std::thread::current().id(), self.home, "MPI is called off the thread that started it");
        if PANIC_ELSEWHERE.load(Ordering::Relaxed) {
            self.comm.abort(PANICKED);
        }
        &self.comm
    }

    fn raw(&self) -> ffi::MPI_Comm {
        self.here().as_raw()
    }

    /// The tag of the next exchange or `send_receive`. All ranks make these calls in the same
    /// order. MPI guarantees tags up to 32767. These calls have even tags, and posted messages have
    /// odd ones.
    fn next_tag(&self) -> c_int {
        2 * (self.tagged.fetch_add(1, Ordering::Relaxed) % 16384) as c_int
    }

    /// The tag of posted messages with this number.
    fn tag_of(number: u64) -> c_int {
        2 * (number % 16384) as c_int + 1
    }

    /// Starts to send a piece of a message.
    ///
    /// # Safety
    /// The piece must stay unchanged in its place until the request is complete. It must have at
    /// most [`LONGEST_PIECE`] bytes.
    unsafe fn start_send(&self, piece: &[u8], to: usize, tag: c_int) -> ffi::MPI_Request {
        let (raw, count) = (self.raw(), piece.len() as c_int);
        // SAFETY: `piece` is initialised; the rest is promised by the caller.
        unsafe {
            let mut request = ffi::RSMPI_REQUEST_NULL;
            let bytes = ffi::RSMPI_UINT8_T;
            ffi::MPI_Isend(piece.as_ptr().cast(), count, bytes, to as c_int, tag, raw, &mut request);
            request
        }
    }

    /// Starts to send a message in pieces. All but the last have `longest_piece` bytes. The last
    /// has fewer, possibly none, so the receiver recognises it.
    ///
    /// # Safety
    /// The bytes must stay unchanged in their place until the requests are complete.
    unsafe fn start_pieces(&self, bytes: &[u8], to: usize, tag: c_int) -> Vec<ffi::MPI_Request> {
        let end: &[&[u8]] = if bytes.len().is_multiple_of(self.longest_piece) { &[&[]] } else { &[] };
        let pieces = bytes.chunks(self.longest_piece).chain(end.iter().copied());
        // SAFETY: no piece is longer than LONGEST_PIECE; the caller promises the rest.
        pieces.map(|piece| unsafe { self.start_send(piece, to, tag) }).collect()
    }

    /// Receives a message of which the first piece may have been received already.
    fn receive(&self, first: Option<Vec<u8>>, from: usize, tag: c_int) -> Vec<u8> {
        let source = self.here().process_at_rank(from as c_int);
        let piece = || source.receive_vec_with_tag::<u8>(tag).0;
        let mut message = first.unwrap_or_else(piece);
        let mut last = message.len() < self.longest_piece;
        while !last {
            let mut piece = piece();
            last = piece.len() < self.longest_piece;
            message.append(&mut piece);
        }
        message
    }

    /// Waits until these are complete.
    fn complete(mut requests: Vec<ffi::MPI_Request>) {
        // SAFETY: the count is right. Each request is active, or null, which counts as complete.
        unsafe {
            ffi::MPI_Waitall(requests.len() as c_int, requests.as_mut_ptr(), ffi::RSMPI_STATUSES_IGNORE)
        };
    }

    /// One round of an all-gather. The sum of `counts` must fit MPI's signed 32-bit counts.
    fn gather_pieces(&self, mine: &[u8], counts: &[usize], all: &mut [Vec<u8>]) {
        let counts: Vec<c_int> = counts.iter().map(|&count| count as c_int).collect();
        let starts: Vec<c_int> =
            counts.iter().scan(0, |end, count| Some(std::mem::replace(end, *end + count))).collect();
        let mut buffer = vec![0; counts.iter().map(|&count| count as usize).sum()];
        self.here().all_gather_varcount_into(
            mine,
            &mut PartitionMut::new(&mut buffer[..], &counts[..], &starts[..]),
        );
        for (rank, part) in all.iter_mut().enumerate() {
            part.extend_from_slice(&buffer[starts[rank] as usize..][..counts[rank] as usize]);
        }
    }
}

impl Comm for MpiComm {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn all_gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        self.meter.all_gather(self.size, mine.len());
        let mut lengths = vec![0u64; self.size];
        self.here().all_gather_into(&(mine.len() as u64), &mut lengths[..]);
        let mut all: Vec<Vec<u8>> =
            lengths.iter().map(|&length| Vec::with_capacity(length as usize)).collect();
        let longest = *lengths.iter().max().expect("there is at least one rank") as usize;
        let piece = self.longest_piece.div_ceil(self.size);
        for start in (0..longest).step_by(piece) {
            let span = |length: usize| start.min(length)..(start + piece).min(length);
            let counts: Vec<usize> = lengths.iter().map(|&length| span(length as usize).len()).collect();
            self.gather_pieces(&mine[span(mine.len())], &counts, &mut all);
        }
        all
    }

    fn all_reduce(&self, values: &mut [u64], reduction: Reduction) {
        self.meter.all_reduce(self.size, size_of_val(values));
        let operation = match reduction {
            Reduction::Sum => SystemOperation::sum(),
            Reduction::Min => SystemOperation::min(),
            Reduction::Max => SystemOperation::max(),
        };
        // Some MPI libraries, such as MPICH 4.0, compare unsigned numbers as if they were signed.
        // So signed numbers are sent. For comparisons, the flipped highest bit keeps their order.
        let shift = if reduction == Reduction::Sum { 0 } else { 1 << 63 };
        let mine: Vec<i64> = values.iter().map(|&value| (value ^ shift) as i64).collect();
        let mut all = vec![0i64; mine.len()];
        let piece = self.longest_piece.div_ceil(size_of::<u64>());
        for (mine, all) in mine.chunks(piece).zip(all.chunks_mut(piece)) {
            self.here().all_reduce_into(mine, all, operation);
        }
        values.iter_mut().zip(all).for_each(|(value, reduced)| *value = reduced as u64 ^ shift);
    }

    fn start_exchange(&self, out: Vec<Vec<u8>>) -> Box<dyn Pending + '_> {
        assert_eq!(out.len(), self.size, "an exchange needs one entry a rank");
        self.meter.exchange(self.rank, &out);
        Box::new(Exchange::start(self, out))
    }

    fn send_receive(&self, to: &[usize], bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>> {
        self.meter.send_receive(to, bytes);
        let tag = self.next_tag();
        // SAFETY: the bytes are borrowed until all requests are complete.
        let sends = to.iter().flat_map(|to| unsafe { self.start_pieces(bytes, *to, tag) }).collect();
        let received = from.iter().map(|from| self.receive(None, *from, tag)).collect();
        MpiComm::complete(sends);
        received
    }

    fn barrier(&self) {
        self.meter.all_reduce(self.size, 0);
        self.here().barrier();
    }

    fn traffic(&self) -> Traffic {
        self.meter.read()
    }

    fn abort(&self, code: i32) -> ! {
        if self.size == 1 {
            std::process::exit(code)
        }
        self.here().abort(code)
    }

    fn communicator(&self) -> Option<&SimpleCommunicator> {
        Some(self.here())
    }
}

impl Mail for MpiComm {
    fn post(&self, number: u64, out: Vec<(usize, Vec<u8>)>) {
        self.here();
        let posted = out.into_iter().map(|(to, bytes)| {
            // SAFETY: `Posted` owns the bytes until `settle` has completed the requests. They stay
            // at their place on the heap when the Vec moves.
            let requests = unsafe { self.start_pieces(&bytes, to, MpiComm::tag_of(number)) };
            Posted { number, _bytes: bytes, requests }
        });
        self.posted.borrow_mut().extend(posted);
    }

    fn fetch(&self, number: u64, from: usize, waits: bool) -> Option<Vec<u8>> {
        let tag = MpiComm::tag_of(number);
        if waits {
            return Some(self.receive(None, from, tag));
        }
        let source = self.here().process_at_rank(from as c_int);
        // If the first piece has arrived, the sender has started to send all.
        let (first, _) = source.immediate_matched_probe_with_tag(tag)?.matched_receive_vec();
        Some(self.receive(Some(first), from, tag))
    }

    fn settle(&self, below: u64) {
        self.here();
        let leaving: Vec<Posted> =
            self.posted.borrow_mut().extract_if(.., |posted| posted.number < below).collect();
        MpiComm::complete(leaving.iter().flat_map(|posted| posted.requests.iter().copied()).collect());
    }
}

/// A pending exchange. All sends start at once. Each rank first receives all lengths, and then the
/// parts that are not empty.
///
/// Invariant: this struct owns every buffer that a request uses. A buffer is not resized while its
/// request is active, and is freed only after [`Exchange::complete`].
struct Exchange<'a> {
    comm: &'a MpiComm,
    tag: c_int,
    out: Vec<Vec<u8>>,
    lengths_out: Vec<u64>,
    lengths_in: Vec<u64>,
    lengths_request: ffi::MPI_Request,
    received: Vec<Vec<u8>>,
    requests: Vec<ffi::MPI_Request>,
    stage: Stage,
}

#[derive(PartialEq)]
enum Stage {
    /// The lengths are on their way.
    Lengths,
    /// The lengths are known and all receives have been started.
    Payload,
    /// No request is active.
    Complete,
}

impl<'a> Exchange<'a> {
    fn start(comm: &'a MpiComm, mut out: Vec<Vec<u8>>) -> Exchange<'a> {
        let own = std::mem::take(&mut out[comm.rank]);
        let lengths_out: Vec<u64> = out.iter().map(|part| part.len() as u64).collect();
        let mut exchange = Exchange {
            comm,
            tag: comm.next_tag(),
            out,
            lengths_in: vec![0; lengths_out.len()],
            lengths_out,
            // SAFETY: a constant of the MPI library.
            lengths_request: unsafe { ffi::RSMPI_REQUEST_NULL },
            received: Vec::new(),
            requests: Vec::new(),
            stage: Stage::Lengths,
        };
        exchange.start_lengths();
        exchange.start_sends();
        exchange.out[comm.rank] = own;
        exchange
    }
}

impl Exchange<'_> {
    fn start_lengths(&mut self) {
        let (out, into) = (self.lengths_out.as_ptr(), self.lengths_in.as_mut_ptr());
        // SAFETY: both buffers have one entry a rank; see the invariant.
        unsafe {
            let u64s = ffi::RSMPI_UINT64_T;
            let raw = self.comm.raw();
            ffi::MPI_Ialltoall(out.cast(), 1, u64s, into.cast(), 1, u64s, raw, &mut self.lengths_request);
        }
    }

    fn start_sends(&mut self) {
        for (to, part) in self.out.iter().enumerate() {
            for piece in part.chunks(self.comm.longest_piece) {
                // SAFETY: see the invariant.
                self.requests.push(unsafe { self.comm.start_send(piece, to, self.tag) });
            }
        }
    }

    /// Starts to receive the pieces of each rank. The lengths must be known. MPI delivers the
    /// pieces of a rank in the order in which they were sent.
    fn start_receives(&mut self) {
        self.received = self.lengths_in.iter().map(|&length| vec![0; length as usize]).collect();
        for (from, part) in self.received.iter_mut().enumerate() {
            for piece in part.chunks_mut(self.comm.longest_piece) {
                // SAFETY: only this request uses `piece`, which is as long as the sent piece; see
                // the invariant.
                self.requests.push(unsafe {
                    let (bytes, count) = (ffi::RSMPI_UINT8_T, piece.len() as c_int);
                    let mut request = ffi::RSMPI_REQUEST_NULL;
                    let raw = self.comm.raw();
                    ffi::MPI_Irecv(
                        piece.as_mut_ptr().cast(),
                        count,
                        bytes,
                        from as c_int,
                        self.tag,
                        raw,
                        &mut request,
                    );
                    request
                });
            }
        }
        self.stage = Stage::Payload;
    }

    /// Blocks until no request is active.
    fn complete(&mut self) {
        self.comm.here();
        if self.stage == Stage::Lengths {
            // SAFETY: the request was started by MPI_Ialltoall.
            unsafe { ffi::MPI_Wait(&mut self.lengths_request, ffi::RSMPI_STATUS_IGNORE) };
            self.start_receives();
        }
        let count = self.requests.len() as c_int;
        // SAFETY: the count is right. Each request is active, or null, which counts as complete.
        unsafe { ffi::MPI_Waitall(count, self.requests.as_mut_ptr(), ffi::RSMPI_STATUSES_IGNORE) };
        self.stage = Stage::Complete;
    }
}

impl Pending for Exchange<'_> {
    fn test(&mut self) -> bool {
        self.comm.here();
        let mut done: c_int = 0;
        if self.stage == Stage::Lengths {
            // SAFETY: as in `complete`.
            unsafe { ffi::MPI_Test(&mut self.lengths_request, &mut done, ffi::RSMPI_STATUS_IGNORE) };
            if done == 0 {
                return false;
            }
            self.start_receives();
        }
        let (count, requests) = (self.requests.len() as c_int, self.requests.as_mut_ptr());
        // SAFETY: as in `complete`.
        unsafe { ffi::MPI_Testall(count, requests, &mut done, ffi::RSMPI_STATUSES_IGNORE) };
        done != 0
    }

    fn wait(mut self: Box<Self>) -> Vec<Vec<u8>> {
        self.complete();
        let rank = self.comm.rank;
        self.received[rank] = std::mem::take(&mut self.out[rank]);
        std::mem::take(&mut self.received)
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if self.stage != Stage::Complete {
            self.complete();
        }
    }
}
