//! Groups of consecutive ranks: all ranks, the two halves, their halves, down to single ranks.
//!
//! The keys of a group are an interval. The branches of a group are the largest cells in this
//! interval that contain bodies. To combine data of all ranks, each rank exchanges data with the
//! other half of each of its groups, from small groups to large ones.
//!
//! The number of stages is the number of halvings. In each stage, a rank gets the data of the other
//! half from one rank of that half. All ranks of a group have the same data about its branches.

use crate::{Comm, splitters::Splitters};
use bytemuck::Pod;
use std::ops::Range;
use treecode::Key;
use treecode::structure::fold_inside;

/// A halving of a group: the half with this rank, and the other half. Each rank of a half has an
/// opposite rank in the other half.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    rank: usize,
    own: Range<usize>,
    /// Ranks of the other half. It is empty only if a group of one rank is not divided while larger
    /// groups are.
    pub other: Range<usize>,
}

/// The halvings from all ranks down to this rank. All ranks have the same number of stages.
pub(crate) fn stages(comm: &dyn Comm) -> Vec<Stage> {
    let (rank, size) = (comm.rank(), comm.size());
    let depth = size.next_power_of_two().ilog2();
    let group = |depth: u32, number: usize| (number * size) >> depth..((number + 1) * size) >> depth;
    let single = ((rank + 1) << depth).div_ceil(size) - 1;
    let stage = |level: u32| {
        let number = single >> (depth - level);
        Stage { rank, own: group(level, number), other: group(level, number ^ 1) }
    };
    (1..=depth).map(stage).collect()
}

impl Stage {
    /// The opposite rank of this rank.
    fn opposite(&self) -> Option<usize> {
        let last = self.other.len().checked_sub(1)?;
        Some(self.other.start + (self.rank - self.own.start).min(last))
    }

    /// The ranks whose opposite rank is this one. The sizes of the halves differ by at most one, so
    /// there are at most two.
    fn facing(&self) -> Vec<usize> {
        let Range { start, end } = self.other;
        let first = start + (self.rank - self.own.start);
        let next = if self.rank + 1 == self.own.end { end } else { first + 1 };
        (first.min(end)..next.min(end)).collect()
    }

    /// Receives the message of the opposite rank, and sends `mine` to the ranks whose opposite rank
    /// is this one. `None` if the other half is empty.
    fn ask(&self, comm: &dyn Comm, mine: &[u8]) -> Option<Vec<u8>> {
        let from: Vec<usize> = self.opposite().into_iter().collect();
        comm.send_receive(&self.facing(), mine, &from).pop()
    }

    /// Sends `mine` to the opposite rank. Returns the messages from the ranks whose opposite rank
    /// is this one.
    pub(crate) fn hand_on(&self, comm: &dyn Comm, mine: &[u8]) -> Vec<Vec<u8>> {
        let to: Vec<usize> = self.opposite().into_iter().collect();
        comm.send_receive(&to, mine, &self.facing())
    }
}

/// Combines data from this rank up to all ranks. In each stage, `say` makes the message for the
/// other half of a group. `join` adds the message of that half, given the ranks of both halves.
/// Collective.
pub(crate) fn climb<T>(
    comm: &dyn Comm,
    mine: T,
    say: impl Fn(&T) -> Vec<u8>,
    mut join: impl FnMut(T, Range<usize>, &[u8]) -> T,
) -> T {
    stages(comm).iter().rev().fold(mine, |mine, stage| match stage.ask(comm, &say(&mine)) {
        Some(theirs) => {
            let both = stage.own.start.min(stage.other.start)..stage.own.end.max(stage.other.end);
            join(mine, both, &theirs)
        }
        None => mine,
    })
}

/// Combines values of the branches of all ranks up to the root, as [`fold_inside`] does. Branches
/// must be in key order. `None` if there are no bodies. Collective.
pub(crate) fn fold<T: Pod>(
    comm: &dyn Comm,
    splits: &Splitters,
    branches: Vec<(Key, T)>,
    merge: &mut impl FnMut(Key, &[(usize, T)]) -> T,
) -> Option<T> {
    let say = |branches: &Vec<(Key, T)>| {
        let bytes = |(key, value): &(Key, T)| [&key.bits().to_ne_bytes(), bytemuck::bytes_of(value)].concat();
        branches.iter().flat_map(bytes).collect()
    };
    let mut all = climb(comm, branches, say, |mut cells, group, theirs| {
        cells.extend(theirs.chunks_exact(8 + size_of::<T>()).map(|cell| {
            let (key, value) = cell.split_at(8);
            let key = Key::from_bits(bytemuck::pod_read_unaligned(key)).expect("branches have keys");
            (key, bytemuck::pod_read_unaligned(value))
        }));
        fold_inside(cells, &splits.span(&group), merge)
    });
    let root = all.pop()?;
    assert!(root.0 == Key::ROOT && all.is_empty(), "the branch of all ranks is the root");
    Some(root.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;

    #[test]
    fn every_rank_hears_of_each_other_one_once() {
        for ranks in (1..20).chain([31, 32, 33, 100]) {
            threads::run(ranks, |comm| {
                let say = |known: &Vec<u8>| known.clone();
                let known = climb(comm, vec![comm.rank() as u8], say, |mut known, group, theirs| {
                    known.extend(theirs);
                    known.sort_unstable();
                    assert!(known.iter().map(|rank| usize::from(*rank)).eq(group), "{known:?}");
                    known
                });
                assert_eq!(known.len(), ranks);
            });
        }
    }

    #[test]
    fn what_is_handed_on_to_every_half_reaches_each_rank_once() {
        for ranks in (1..20).chain([31, 32, 33, 100]) {
            let reached = threads::run(ranks, |comm| {
                let mut held = vec![comm.rank() as u8];
                for stage in stages(comm) {
                    held.extend(stage.hand_on(comm, &held).concat());
                }
                held.sort_unstable();
                held
            });
            assert!(reached.iter().all(|held| held.iter().copied().eq(0..ranks as u8)), "{reached:?}");
        }
    }
}
