//! The one boundary to the cluster: a small trait that carries bytes, never physics.
//!
//! Every method of [`Comm`] but `rank`, `size`, `traffic`, `abort` and `communicator` is collective: all ranks call the same methods in the same order.
//! Three implementations, one a file: [`Solo`], [`threads`], and `mpi_world` with the feature `mpi`. They also carry single messages ([`Mail`]).
//! Three wrappers stand before them: [`Recorder`] notes what is sent, [`TwoLevel`] packs what ranks of one host send to ranks of another,
//! [`Shifted`] gives ranks other numbers. No algorithm asks which one it has.

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

    /// Combines `values` of all ranks, element by element; all ranks end with the same result. Whole numbers only, since their
    /// sum does not depend on the order of the ranks.
    fn all_reduce(&self, values: &mut [u64], reduction: Reduction);

    /// Starts to send `out[r]` to each rank `r` and returns at once; `out` has one entry a rank, which may be empty. Several
    /// exchanges may be under way; all ranks start them in the same order.
    fn start_exchange(&self, out: Vec<Vec<u8>>) -> Box<dyn Pending + '_>;

    /// Sends `out[r]` to each rank `r` and returns what each rank sent here, by rank.
    fn exchange(&self, out: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        self.start_exchange(out).wait()
    }

    /// Sends the same `bytes` to each rank of `to`, and returns what each rank of `from` sent here, in their order. Both sides know who sends to
    /// whom, so that no rank hears from one that has nothing for it. No list has this rank, or one twice.
    fn send_receive(&self, to: &[usize], bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>>;

    /// Waits until every rank is here.
    fn barrier(&self);

    /// What this rank has sent so far.
    fn traffic(&self) -> Traffic;

    /// Names what the following calls are for, for whoever records them.
    fn stage(&self, _name: &'static str) {}

    /// Ends all ranks with this exit code, after a panic or an error that only this rank has seen.
    fn abort(&self, code: i32) -> !;

    /// The MPI communicator of these ranks, for libraries that call MPI themselves, such as HDF5. `None` if the ranks are not MPI
    /// processes, have other numbers there, or are recorded.
    #[cfg(feature = "mpi")]
    fn communicator(&self) -> Option<&mpi::topology::SimpleCommunicator> {
        None
    }
}

/// Single messages between ranks, of which [`TwoLevel`] makes its exchanges. Algorithms use [`Comm`].
pub trait Mail: Comm {
    /// Sends each of these ranks some bytes, with a number by which it asks for them, and returns at once. All ranks call this with numbers of their
    /// own order, whether or not they send anything; none sends two messages of one number to the same rank, or one to itself. These messages are
    /// not counted as traffic.
    fn post(&self, number: u64, out: Vec<(usize, Vec<u8>)>);

    /// What that rank posts to this one with this number; it is given once. Waits for it, or else gives `None` while it has not come. Not collective.
    fn fetch(&self, number: u64, from: usize, waits: bool) -> Option<Vec<u8>>;

    /// Waits until all that this rank has posted with numbers below this one has left. Those that it is for must be about to fetch it. Not collective.
    fn settle(&self, below: u64);
}

/// An exchange under way.
#[must_use = "an exchange ends with `wait`, also where nothing is expected"]
pub trait Pending {
    /// Drives the exchange on without blocking; whether all has arrived.
    fn test(&mut self) -> bool;

    /// Blocks until all has arrived; what each rank sent here, by rank.
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

/// Bytes and messages sent to other ranks, counted alike by all implementations: an exchange sends its parts that are not empty, `send_receive` all,
/// `all_gather` sends its part to each other rank, a reduction or barrier sends log2(ranks) messages, rounded up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of payload.
    pub bytes: u64,
    /// Messages. One that had to be cut counts once.
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
