//! The one boundary to the cluster: a small trait that carries bytes, never physics.
//!
//! Every method but `rank`, `size` and `traffic` is collective: all ranks call the same methods in the same order.

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

    /// Starts to send `out[r]` to each rank `r` and returns at once; `out` has one entry a rank and may be empty in places.
    fn start_exchange(&self, out: Vec<Vec<u8>>) -> Box<dyn Pending + '_>;

    /// Sends `out[r]` to each rank `r` and returns what each rank sent here, by rank.
    fn exchange(&self, out: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        self.start_exchange(out).wait()
    }

    /// Waits until every rank is here.
    fn barrier(&self);

    /// What this rank has sent so far.
    fn traffic(&self) -> Traffic;

    /// Ends all ranks with this exit code, after a panic or an error that only this rank has seen.
    fn abort(&self, code: i32) -> !;
}

/// An exchange under way.
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

/// Bytes and messages sent to other ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes of payload.
    pub bytes: u64,
    /// Messages; a collective counts as the messages of a plain implementation.
    pub messages: u64,
}
