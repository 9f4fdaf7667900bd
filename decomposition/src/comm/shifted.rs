//! The same ranks with other numbers. Another process then does the work of rank r. The results
//! of both can then be compared.

use super::{Comm, Pending, Reduction, Traffic};

/// Ranks whose numbers are shifted cyclically: rank r here is rank r + `by` of the inner ranks,
/// modulo the number of ranks.
pub struct Shifted<'a> {
    inner: &'a dyn Comm,
    by: usize,
}

impl<'a> Shifted<'a> {
    /// Shifts the numbers of these ranks; the shift must be the same on all.
    pub fn new(inner: &'a dyn Comm, by: usize) -> Shifted<'a> {
        Shifted { inner, by: by % inner.size() }
    }

    /// The inner number of a rank.
    pub fn original(&self, rank: usize) -> usize {
        (rank + self.by) % self.inner.size()
    }

    fn originals(&self, ranks: &[usize]) -> Vec<usize> {
        ranks.iter().map(|&rank| self.original(rank)).collect()
    }
}

impl Comm for Shifted<'_> {
    fn rank(&self) -> usize {
        (self.inner.rank() + self.inner.size() - self.by) % self.inner.size()
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn all_gather(&self, mine: &[u8]) -> Vec<Vec<u8>> {
        let mut all = self.inner.all_gather(mine);
        all.rotate_left(self.by);
        all
    }

    fn all_reduce(&self, values: &mut [u64], reduction: Reduction) {
        self.inner.all_reduce(values, reduction);
    }

    fn start_exchange(&self, mut out: Vec<Vec<u8>>) -> Box<dyn Pending + '_> {
        out.rotate_right(self.by);
        Box::new(Turned { pending: self.inner.start_exchange(out), by: self.by })
    }

    fn send_receive(&self, to: &[usize], bytes: &[u8], from: &[usize]) -> Vec<Vec<u8>> {
        self.inner.send_receive(&self.originals(to), bytes, &self.originals(from))
    }

    fn barrier(&self) {
        self.inner.barrier();
    }

    fn traffic(&self) -> Traffic {
        self.inner.traffic()
    }

    fn stage(&self, name: &'static str) {
        self.inner.stage(name);
    }

    fn abort(&self, code: i32) -> ! {
        self.inner.abort(code)
    }
}

/// A pending exchange of the inner ranks. The received parts are put in the order of the shifted
/// numbers.
struct Turned<'a> {
    pending: Box<dyn Pending + 'a>,
    by: usize,
}

impl Pending for Turned<'_> {
    fn test(&mut self) -> bool {
        self.pending.test()
    }

    fn wait(self: Box<Self>) -> Vec<Vec<u8>> {
        let mut received = self.pending.wait();
        received.rotate_left(self.by);
        received
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{collective, threads};

    #[test]
    fn another_process_has_the_number() {
        for by in 0..8 {
            let numbers = threads::run(5, |comm| {
                let shifted = Shifted::new(comm, by);
                assert_eq!(shifted.original(shifted.rank()), comm.rank());
                let all = collective::gather(&shifted, &[shifted.rank() as u64]).concat();
                assert_eq!(all, [0, 1, 2, 3, 4]);
                shifted.rank()
            });
            assert_eq!(numbers[by % 5], 0);
        }
    }
}
