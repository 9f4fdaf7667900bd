//! Groups of ranks that lie side by side: all ranks, the halves of these, their halves, down to single ranks.
//!
//! The keys of a group are an interval, as those of a rank are; the cells of a group, like the branches of a rank, are the largest ones inside it that
//! hold bodies. So what all ranks must have together goes up from group to group, in as many stages as there are halvings: each rank
//! gets what is known of the other half from one rank of it. What is larger than a group is known to all its ranks alike.

use crate::{Comm, splitters::Splitters};
use bytemuck::Pod;
use std::ops::Range;
use treecode::Key;
use treecode::structure::fold_inside;

/// A halving: the half that this rank is in, and the other one. Its ranks stand opposite each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    rank: usize,
    own: Range<usize>,
    /// The other half. Empty only where a group of one rank is not halved, while larger ones are.
    pub other: Range<usize>,
}

/// The halvings on the way from all ranks to this one; as many on every rank.
pub fn stages(comm: &dyn Comm) -> Vec<Stage> {
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
    /// The rank of the other half opposite this one.
    fn opposite(&self) -> Option<usize> {
        let last = self.other.len().checked_sub(1)?;
        Some(self.other.start + (self.rank - self.own.start).min(last))
    }

    /// The ranks of the other half that this one is opposite of: halves differ by a rank at most, so there are up to two.
    fn facing(&self) -> Vec<usize> {
        let Range { start, end } = self.other;
        let first = start + (self.rank - self.own.start);
        let next = if self.rank + 1 == self.own.end { end } else { first + 1 };
        (first.min(end)..next.min(end)).collect()
    }

    /// Gets what the rank opposite says, while those facing this rank get what it says. `None` without another half.
    fn ask(&self, comm: &dyn Comm, mine: &[u8]) -> Option<Vec<u8>> {
        let from: Vec<usize> = self.opposite().into_iter().collect();
        comm.send_receive(&self.facing(), mine, &from).pop()
    }

    /// Hands something on to the rank opposite; what those facing this rank hand on to it.
    pub fn hand_on(&self, comm: &dyn Comm, mine: &[u8]) -> Vec<Vec<u8>> {
        let to: Vec<usize> = self.opposite().into_iter().collect();
        comm.send_receive(&to, mine, &self.facing())
    }
}

/// Goes up from this rank to all: what is known of a group says what its other half must know of it, and takes in, given the ranks of both, what
/// that half says.
pub fn climb<T>(
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

/// Carries values of the branches of all ranks, each in key order, up to the root, as [`fold_inside`] does. `None` without bodies.
pub fn fold<T: Pod>(
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
