//! Communication between ranks: a small trait that transfers bytes. No other code of the project
//! sends messages.
//!
//! All methods of [`Comm`] are collective, except `rank`, `size`, `traffic`, `abort` and
//! `communicator`: all ranks call the same methods in the same order. There are three
//! implementations, each in its own file: [`Solo`], [`threads`], and `mpi_world` with the feature
//! `mpi`. They also send single messages ([`Mail`]). There are three wrappers: [`Recorder`] records
//! what is sent, [`TwoLevel`] packs the messages from one host to another, and [`Shifted`]
//! renumbers the ranks. No algorithm depends on the implementation.

pub mod collective;
mod hosts;
#[cfg(feature = "mpi")]
pub mod mpi_world;
mod recorder;
mod shifted;
mod solo;
pub mod threads;
mod two_level;

pub use hosts::Hosts;
pub use recorder::{Event, Operation, Recorder};
pub use shifted::Shifted;
pub use solo::Solo;
pub use two_level::TwoLevel;

use std::sync::atomic::{AtomicU64, Ordering};

/// Communication between the ranks of a run.
pub trait Comm: Sync {
    /// This rank, below [`Comm::size`].
    fn rank(&self) -> usize;

    /// Number of ranks, at least one.
    fn size(&self) -> usize;

    /// Gives every rank the bytes of every rank, by rank.
    fn all_gather(&self, mine: &[u8]) -> Vec<Vec<u8>>;

    /// Combines `values` of all ranks, element by element; all ranks get the same result. Values
    /// are integers, since a sum of integers does not depend on the order of the ranks.
    fn all_reduce(&self, values: &mut [u64], reduction: Reduction);

    /// Starts to send `out[r]` to each rank `r` and returns at once. `out` has one entry per rank,
    /// which may be empty. Several exchanges may be pending; all ranks start them in the same
    /// order.
    fn start_exchange(&self, out: Vec<Vec<u8>>) -> Box<dyn Pending + '_>;

    /// Sends `out[r]` to each rank `r` and returns what each rank sent here, by rank.
    fn exchange(&self, out: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        self.start_exchange(out).wait()
    }

    /// Sends the same `bytes` to each rank of `to`, and returns what each rank of `from` sent here,
    /// in the order of `from`. Sender and receiver must both list each other, so no empty messages
    /// are needed. A list must not contain this rank, or a rank twice.
    fn send_receive(&self, to: &[usize], bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>>;

    /// Waits until every rank has called this.
    fn barrier(&self);

    /// What this rank has sent so far.
    fn traffic(&self) -> Traffic;

    /// Names the purpose of the following calls, for a [`Recorder`].
    fn stage(&self, _name: &'static str) {}

    /// Ends all ranks with this exit code, after a panic or an error that only this rank has seen.
    fn abort(&self, code: i32) -> !;

    /// The MPI communicator of these ranks, for libraries that call MPI themselves, such as HDF5.
    /// `None` if the ranks are not MPI processes, or if a [`Shifted`] or [`Recorder`] wraps them.
    #[cfg(feature = "mpi")]
    fn communicator(&self) -> Option<&mpi::topology::SimpleCommunicator> {
        None
    }
}

/// Single messages between ranks. [`TwoLevel`] builds its exchanges from them; algorithms use
/// [`Comm`].
pub trait Mail: Comm {
    /// Starts to send bytes to each of these ranks and returns at once. The receiver fetches them
    /// by `number`. All ranks call this with the same numbers, even if they send nothing. No rank
    /// sends two messages of one number to the same rank, or one to itself. These messages are not
    /// counted as traffic.
    fn post(&self, number: u64, out: Vec<(usize, Vec<u8>)>);

    /// The message with this number from that rank. It can be fetched once. If it has not arrived,
    /// waits for it if `waits` is true, and returns `None` otherwise. Not collective.
    fn fetch(&self, number: u64, from: usize, waits: bool) -> Option<Vec<u8>>;

    /// Waits until all messages of this rank with lower numbers have been sent. This can take until
    /// their receivers fetch them. Not collective.
    fn settle(&self, below: u64);
}

/// A pending exchange.
#[must_use = "an exchange ends with `wait`, also where nothing is expected"]
pub trait Pending {
    /// Advances the exchange without blocking. Returns whether all data have arrived.
    fn test(&mut self) -> bool;

    /// Blocks until all data have arrived. Returns what each rank sent here, by rank.
    fn wait(self: Box<Self>) -> Vec<Vec<u8>>;
}

/// How [`Comm::all_reduce`] combines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// Sum, wrapping.
    Sum,
    /// Least.
    Min,
    /// Greatest.
    Max,
}

/// Bytes and messages sent to other ranks. All implementations count in the same way: an exchange
/// counts its parts that are not empty, `send_receive` all its messages, `all_gather` one message
/// to each other rank, and a reduction or barrier log2(ranks) messages, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of payload.
    pub bytes: u64,
    /// Number of messages. A message sent in several pieces counts once.
    pub messages: u64,
}

impl Reduction {
    fn apply(self, a: u64, b: u64) -> u64 {
        match self {
            Reduction::Sum => a.wrapping_add(b),
            Reduction::Min => a.min(b),
            Reduction::Max => a.max(b),
        }
    }
}

/// Counts the traffic of one rank.
#[derive(Default)]
struct Meter {
    bytes: AtomicU64,
    messages: AtomicU64,
}

impl Meter {
    fn add(&self, messages: usize, bytes: usize) {
        self.messages.fetch_add(messages as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn exchange(&self, rank: usize, out: &[Vec<u8>]) {
        let sent = out.iter().enumerate().filter(|(to, part)| *to != rank && !part.is_empty());
        sent.for_each(|(_, part)| self.add(1, part.len()));
    }

    fn send_receive(&self, to: &[usize], bytes: &[u8]) {
        self.add(to.len(), to.len() * bytes.len());
    }

    fn all_gather(&self, size: usize, bytes: usize) {
        self.add(size - 1, (size - 1) * bytes);
    }

    fn all_reduce(&self, size: usize, bytes: usize) {
        let messages = size.next_power_of_two().ilog2() as usize;
        self.add(messages, messages * bytes);
    }

    fn read(&self) -> Traffic {
        Traffic { bytes: self.bytes.load(Ordering::Relaxed), messages: self.messages.load(Ordering::Relaxed) }
    }
}
