//! Where the ranks' shares of the curve end: equal work, snapped to the edges of sink groups.
//!
//! A splitter's place is found from the root downward. On each level the ranks sum count and work of the eight children of the cell in
//! which the splitter falls, and go on in the child that its share of the work falls into, until that child is a sink group: the
//! topmost cell with at most `group_size` bodies, or a deepest one. The nearer edge of the group is the splitter. So no leaf and no
//! group is ever shared, and every cell that is shared has more than `group_size` bodies. An edge of a larger cell that is near enough is as good,
//! and better for others: the larger the cells, the fewer are a rank's branches, which all ranks must know.

use crate::{Comm, Reduction};
use rayon::prelude::*;
use std::ops::Range;
use treecode::Key;

/// The most bodies of a rank, as a multiple of the mean: equal work must not exhaust the memory of one.
const BODY_CAP: u64 = 4;
/// Work added to each body when the cap is exceeded, as a fraction of the mean: it keeps any rank below `(1 + f) / f` times the
/// mean number of bodies, and that is at most [`BODY_CAP`].
const CAP_SHARE: f64 = 0.4;

/// A splitter may be off by this part of the mean work of a rank.
const SLACK: u64 = 64;

/// Intervals of the keys of the bodies of each rank: ascending, without gaps, some perhaps empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Splitters {
    /// `bounds[r]..bounds[r + 1]` are the keys of rank r.
    bounds: Vec<u64>,
}

impl Splitters {
    /// The keys of a rank.
    pub fn interval(&self, rank: usize) -> Range<u64> {
        self.bounds[rank]..self.bounds[rank + 1]
    }

    /// The keys of ranks that follow each other.
    pub fn span(&self, ranks: &Range<usize>) -> Range<u64> {
        self.bounds[ranks.start]..self.bounds[ranks.end]
    }

    /// Which of these sorted keys belong to a rank.
    pub fn share(&self, rank: usize, keys: &[u64]) -> Range<usize> {
        let Range { start, end } = self.interval(rank);
        keys.partition_point(|key| *key < start)..keys.partition_point(|key| *key < end)
    }
}

/// A splitter on its way down.
struct Search {
    cell: Key,
    /// Count and work of all bodies before the cell.
    before: [u64; 2],
    /// Work that is to lie before the splitter, about.
    target: u64,
    slack: u64,
    found: Option<u64>,
}

/// Work of sorted bodies, in whole numbers, so that sums are the same in any order.
struct Work<'a> {
    work: &'a [f32],
    /// Work of a body besides its own.
    extra: u64,
    /// Work of the bodies before each span of [`Work::SPAN`] bodies, and of all.
    before: Vec<u64>,
}

impl Work<'_> {
    /// Bodies between sums: what lies between is added when it is asked for.
    const SPAN: usize = 256;

    fn new(work: &[f32], extra: u64) -> Work<'_> {
        let spans = work.par_chunks(Self::SPAN).with_min_len(64).map(|span| sum(span, extra));
        let mut before: Vec<u64> = spans.collect();
        before.push(0);
        before.iter_mut().fold(0, |sum, before| sum + std::mem::replace(before, sum));
        Work { work, extra, before }
    }

    /// Work of the first `count` bodies.
    fn of_first(&self, count: usize) -> u64 {
        let span = count / Self::SPAN;
        self.before[span] + sum(&self.work[span * Self::SPAN..count], self.extra)
    }
}

fn sum(work: &[f32], extra: u64) -> u64 {
    work.iter().map(|work| extra + *work as u64).sum()
}

/// Finds splitters that share the bodies of all ranks among so many `ranks`: each rank has sorted keys and the work of its bodies.
pub fn splitters(comm: &dyn Comm, keys: &[u64], work: &[f32], group_size: usize, ranks: usize) -> Splitters {
    let ranks = ranks as u64;
    let (splitters, most, [bodies, total]) = find(comm, keys, &Work::new(work, 1), group_size, ranks);
    if most <= BODY_CAP * bodies.div_ceil(ranks) {
        return splitters;
    }
    let extra = (total as f64 / bodies as f64 * CAP_SHARE) as u64;
    find(comm, keys, &Work::new(work, 1 + extra), group_size, ranks).0
}

/// The splitters for these amounts of work, the most bodies of a rank, and count and work of all bodies.
fn find(
    comm: &dyn Comm,
    keys: &[u64],
    work: &Work,
    group_size: usize,
    ranks: u64,
) -> (Splitters, u64, [u64; 2]) {
    let mut totals = [keys.len() as u64, work.of_first(keys.len())];
    comm.all_reduce(&mut totals, Reduction::Sum);

    let start = |rank: u64| {
        let target = (u128::from(totals[1]) * u128::from(rank) / u128::from(ranks)) as u64;
        let slack = totals[1] / ranks / SLACK;
        let mut search = Search { cell: Key::ROOT, before: [0, 0], target, slack, found: None };
        search.snap(totals, group_size as u64);
        search
    };
    let mut searches: Vec<Search> = (1..ranks).map(start).collect();
    while searches.iter().any(|search| search.found.is_none()) {
        let open: Vec<&mut Search> = searches.iter_mut().filter(|search| search.found.is_none()).collect();
        // Searches in the same cell follow each other.
        let mut cells: Vec<Key> = open.iter().map(|search| search.cell).collect();
        cells.dedup();
        let mut sums: Vec<u64> =
            cells.iter().flat_map(|cell| children(*cell, keys, work)).flatten().collect();
        comm.all_reduce(&mut sums, Reduction::Sum);
        let mut sums = cells.into_iter().zip(sums.chunks_exact(16)).peekable();
        for search in open {
            while sums.next_if(|(cell, _)| *cell != search.cell).is_some() {}
            let (_, sums) = sums.peek().expect("each search has its cell");
            search.descend(sums, group_size as u64);
        }
    }

    let mut bounds = vec![Key::ROOT.bodies().start];
    bounds.extend(searches.iter().map(|search| search.found.expect("the loop ended")));
    bounds.push(Key::END);
    let mut ends: Vec<u64> = searches.iter().map(|search| search.before[0]).collect();
    ends.insert(0, 0);
    ends.push(totals[0]);
    let most = ends.windows(2).map(|pair| pair[1] - pair[0]).max().expect("there is a rank");
    (Splitters { bounds }, most, totals)
}

/// Count and work of this rank's bodies in the children of a cell.
fn children(cell: Key, keys: &[u64], work: &Work) -> [[u64; 2]; 8] {
    let mut end = keys.partition_point(|key| *key < cell.bodies().start);
    std::array::from_fn(|octant| {
        let start = end;
        let last = cell.child(octant).bodies().end;
        end = start + keys[start..].partition_point(|key| *key < last);
        [(end - start) as u64, work.of_first(end) - work.of_first(start)]
    })
}

impl Search {
    /// Goes on in the child that the target falls into, whose eight pairs of count and work are `sums`.
    fn descend(&mut self, sums: &[u64], group_size: u64) {
        let mut before = self.before;
        for (octant, sum) in sums.chunks_exact(2).enumerate() {
            let (count, work) = (sum[0], sum[1]);
            if self.target >= before[1] + work && octant < 7 {
                before = [before[0] + count, before[1] + work];
                continue;
            }
            (self.cell, self.before) = (self.cell.child(octant), before);
            self.snap([count, work], group_size);
            return;
        }
    }

    /// Ends the search at the nearer edge of the cell, with this count and work, if that is near enough or the cell is a sink group.
    fn snap(&mut self, [count, work]: [u64; 2], group_size: u64) {
        let from_start = self.target - self.before[1].min(self.target);
        let nearer = from_start.min(work - from_start.min(work));
        if count <= group_size || nearer <= self.slack || self.cell.level() == Key::MAX_LEVEL {
            let range = self.cell.bodies();
            let nearer_end = 2 * from_start > work;
            self.found = Some(if nearer_end { range.end } else { range.start });
            self.before[0] += if nearer_end { count } else { 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Keys of bodies, clumped the more the higher `power`.
    fn keys(n: usize, power: i32) -> Vec<u64> {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut place = || (rng.random::<f64>().powi(power) * f64::from(1u32 << 21)) as u32;
        let mut keys: Vec<u64> =
            (0..n).map(|_| Key::from_place([place(), place(), place()]).bits()).collect();
        keys.sort_unstable();
        keys
    }

    /// Splitters for bodies that are dealt out to ranks in turn; all ranks must find the same.
    fn split(keys: &[u64], work: &[f32], ranks: usize, group_size: usize) -> Splitters {
        let found = threads::run(ranks, |comm| {
            let mine = |i: &usize| i % ranks == comm.rank();
            let indices: Vec<usize> = (0..keys.len()).filter(mine).collect();
            let keys: Vec<u64> = indices.iter().map(|i| keys[*i]).collect();
            let work: Vec<f32> = indices.iter().map(|i| work[*i]).collect();
            splitters(comm, &keys, &work, group_size, ranks)
        });
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
        found.into_iter().next().expect("there is a rank")
    }

    #[test]
    fn work_is_equal_to_within_a_group_and_the_slack() {
        let keys = keys(20_000, 3);
        let work: Vec<f32> = (0..keys.len()).map(|i| 100.0 + (i / 100 % 7) as f32 * 30.0).collect();
        for ranks in [1, 2, 3, 7, 16] {
            let splitters = split(&keys, &work, ranks, 32);
            let shares: Vec<f32> =
                (0..ranks).map(|rank| work[splitters.share(rank, &keys)].iter().sum::<f32>()).collect();
            let mean = shares.iter().sum::<f32>() / ranks as f32;
            let most = mean * 2.0 / SLACK as f32 + 32.0 * 281.0;
            assert!(shares.iter().all(|share| (share - mean).abs() <= most), "{ranks}: {shares:?}");
        }
    }

    #[test]
    fn no_splitter_lies_inside_a_group() {
        for (keys, group_size) in [(keys(5_000, 4), 20), (keys(3_000, 1), 64), (vec![keys(1, 1)[0]; 500], 10)]
        {
            let splitters = split(&keys, &vec![1.0; keys.len()], 7, group_size);
            for bound in &splitters.bounds[1..7] {
                if *bound == Key::END {
                    continue;
                }
                let body = Key::from_bits(*bound).expect("a bound is the first key of a cell");
                for level in 0..=Key::MAX_LEVEL {
                    let range = body.ancestor(level).bodies();
                    let count = keys.iter().filter(|key| range.contains(key)).count();
                    assert!(range.start == *bound || count > group_size, "{bound:x} cuts a cell of {count}");
                }
            }
        }
    }

    #[test]
    fn no_rank_gets_too_many_bodies() {
        let keys = keys(10_000, 1);
        let mut work = vec![1.0; keys.len()];
        work[9_900..].fill(100_000.0);
        let splitters = split(&keys, &work, 8, 16);
        let most = (0..8).map(|rank| splitters.share(rank, &keys).len()).max().expect("there are ranks");
        assert!(most <= BODY_CAP as usize * 10_000 / 8, "{most} bodies on one rank");
    }

    #[test]
    fn fewer_bodies_than_ranks_leave_ranks_empty() {
        let keys = keys(3, 1);
        let splitters = split(&keys, &[1.0; 3], 16, 4);
        assert_eq!((0..16).map(|rank| splitters.share(rank, &keys).len()).sum::<usize>(), 3);
    }
}
