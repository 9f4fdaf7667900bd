//! Domain decomposition: intervals of the space-filling curve with equal work, cut at edges of sink
//! groups.
//!
//! The search for a splitter goes down from the root. On each level, ranks sum count and work of
//! the eight children of the cell that contains the splitter. The search continues in the child
//! that contains the target work. It ends at a sink group: the topmost cell with at most
//! `group_size` bodies, or a deepest cell. The splitter is the nearer edge of that group.
//!
//! So ranks share no leaf and no sink group, and each shared cell has more than `group_size`
//! bodies. If an edge of a larger cell is near enough, it is the splitter. Larger cells make fewer
//! branches, which other ranks must store.
//!
//! If all but a few bodies are still in key order over the ranks, the search needs less
//! communication ([`last_places`], [`few_strays`]). Each rank collects the bodies between its last
//! splitters, and the sums of the cells above them. Most searches then end on one rank. Otherwise,
//! all ranks sum each level together.

use crate::{Comm, Reduction, collective, groups};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;
use treecode::Key;

/// Greatest number of bodies of a rank, as a multiple of the mean. It limits the memory of a rank.
const BODY_CAP: u64 = 4;
/// Extra work per body if the cap is exceeded, as a fraction f of the mean. It limits the number of
/// bodies of a rank to `(1 + f) / f` times the mean, which is at most [`BODY_CAP`].
const CAP_SHARE: f64 = 0.4;

/// Tolerance of a splitter: the mean work of a rank divided by this.
const SLACK: u64 = 64;

/// Intervals of the curve indices of each rank, ascending and without gaps. Some may be empty.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Splitters {
    /// `bounds[r]..bounds[r + 1]` are the curve indices of rank r. The first bound is 0, and the
    /// last is [`Key::END`].
    bounds: Vec<u64>,
}

impl Splitters {
    /// Curve indices of a rank.
    pub(crate) fn interval(&self, rank: usize) -> Range<u64> {
        self.bounds[rank]..self.bounds[rank + 1]
    }

    /// Curve indices of consecutive ranks.
    pub(crate) fn span(&self, ranks: &Range<usize>) -> Range<u64> {
        self.bounds[ranks.start]..self.bounds[ranks.end]
    }

    /// The range of these sorted keys that belongs to a rank.
    pub(crate) fn share(&self, rank: usize, keys: &[u64]) -> Range<usize> {
        let Range { start, end } = self.interval(rank);
        keys.partition_point(|key| *key < start)..keys.partition_point(|key| *key < end)
    }
}

/// At either end of a rank, one in this many bodies may be out of order: first choice and limit.
const MARGINS: [usize; 2] = [16, 4];

/// Number of bodies whose keys and work need as many bytes as the sums of all levels for one
/// splitter. These are about 750 bytes, as measured.
const STRAYS: u64 = 64;

/// Parameters of a search for splitters.
#[derive(Clone, Copy)]
struct Goal {
    ranks: u64,
    group_size: u64,
    /// Extra work per body.
    extra: u64,
}

/// Result of a search for splitters.
struct Found {
    splitters: Splitters,
    /// Greatest number of bodies of a rank.
    most: u64,
    /// Count and work of all bodies.
    totals: [u64; 2],
}

/// State of the search for one splitter.
struct Search {
    cell: Key,
    /// Count and work of all bodies before the cell.
    before: [u64; 2],
    /// Target of the work before the splitter.
    target: u64,
    slack: u64,
    found: Option<u64>,
}

/// Bodies in key order with integer work, so that sums do not depend on the order of addition.
struct Sorted<'a> {
    keys: &'a [u64],
    work: &'a [f32],
    /// Work before each span of [`Sorted::SPAN`] bodies, and in total.
    before: Vec<u64>,
}

impl<'a> Sorted<'a> {
    /// Number of bodies per span. Sums within a span are computed on request.
    const SPAN: usize = 256;

    fn new(keys: &'a [u64], work: &'a [f32]) -> Sorted<'a> {
        let spans = work.par_chunks(Self::SPAN).with_min_len(64).map(sum);
        let mut before: Vec<u64> = spans.collect();
        before.push(0);
        before.iter_mut().fold(0, |sum, before| sum + std::mem::replace(before, sum));
        Sorted { keys, work, before }
    }

    /// Count and work of the bodies before a key.
    fn before(&self, key: u64) -> [u64; 2] {
        let count = self.keys.partition_point(|other| *other < key);
        let span = count / Self::SPAN;
        [count as u64, self.before[span] + sum(&self.work[span * Self::SPAN..count])]
    }

    /// Count and work of all bodies.
    fn all(&self) -> [u64; 2] {
        self.inside(Key::ROOT)
    }

    /// Count and work of the bodies in a cell.
    fn inside(&self, cell: Key) -> [u64; 2] {
        let [before, after] = [cell.curve().start, cell.curve().end].map(|key| self.before(key));
        [after[0] - before[0], after[1] - before[1]]
    }
}

fn sum(work: &[f32]) -> u64 {
    work.iter().map(|work| *work as u64).sum()
}

fn children(cell: Key) -> impl Iterator<Item = Key> {
    (0..8).map(move |octant| cell.child(octant))
}

/// Finds splitters that divide the bodies of all ranks into `ranks` intervals. Also returns the
/// number of bodies. `keys` must be sorted, and `work` is the work of each body. Collective.
pub(crate) fn splitters(
    comm: &dyn Comm,
    keys: &[u64],
    work: &[f32],
    group_size: usize,
    ranks: usize,
) -> (Splitters, u64) {
    let (ranks, group_size) = (ranks as u64, group_size as u64);
    let capped = |find: &dyn Fn(Goal) -> Found| {
        let Found { splitters, most, totals: [bodies, total] } = find(Goal { ranks, group_size, extra: 1 });
        if most <= BODY_CAP * bodies.div_ceil(ranks) {
            return (splitters, bodies);
        }
        let extra = 1 + (total as f64 / bodies as f64 * CAP_SHARE) as u64;
        (find(Goal { ranks, group_size, extra }).splitters, bodies)
    };
    let Some(places) = last_places(comm, keys).filter(|places| few_strays(comm, places, keys)) else {
        let bodies = Sorted::new(keys, work);
        return capped(&|goal| level_by_level(comm, &bodies, goal));
    };
    let (strays, work_of_strays) = exchange_strays(comm, &places, keys, work);
    let own = places.share(comm.rank(), keys);
    let bodies = [Sorted::new(&keys[own.clone()], &work[own]), Sorted::new(&strays, &work_of_strays)];
    let known = Known::new(comm, &places, bodies);
    capped(&|goal| known.find(comm, goal))
}

/// Approximate splitters of the last decomposition, from the present order of the bodies. They are
/// edges of the largest cells between nearly all bodies of one rank and of the next. If too many
/// bodies have moved, they are between half of the bodies of each. `None` if even these are not in
/// order. Collective.
fn last_places(comm: &dyn Comm, keys: &[u64]) -> Option<Splitters> {
    let ends = |margin: usize| [keys[keys.len() / margin], keys[keys.len() - 1 - keys.len() / margin]];
    let mine = if keys.is_empty() { vec![] } else { MARGINS.map(ends).to_vec() };
    let all = collective::gather(comm, &mine);
    let mut bounds = vec![Key::END; comm.size() + 1];
    bounds[0] = Key::ROOT.curve().start;
    let mut last: Option<(usize, &[[u64; 2]])> = None;
    for (rank, ends) in all.iter().enumerate().filter(|(_, ends)| !ends.is_empty()) {
        let (after, edge) = match last {
            None => (0, bounds[0]),
            Some((before, last)) => {
                let mut between = last.iter().zip(ends).map(|(before, after)| (before[1], after[0]));
                let (end, start) = between.find(|(end, start)| end < start)?;
                let differing = (end ^ start).ilog2();
                (before + 1, start >> differing << differing)
            }
        };
        bounds[after..=rank].fill(edge);
        last = Some((rank, ends));
    }
    Some(Splitters { bounds })
}

/// Whether sending the bodies that are outside their rank's interval needs less traffic than sums
/// on each level. Collective.
fn few_strays(comm: &dyn Comm, places: &Splitters, keys: &[u64]) -> bool {
    let strays = keys.len() - places.share(comm.rank(), keys).len();
    let ranks = comm.size() as u64;
    collective::sum(comm, strays as u64) <= ranks * ranks * STRAYS
}

/// Sends keys and work of bodies to the ranks whose intervals contain them. Returns the received
/// ones in key order. Collective.
fn exchange_strays(comm: &dyn Comm, places: &Splitters, keys: &[u64], work: &[f32]) -> (Vec<u64>, Vec<f32>) {
    let stray = |rank: usize| {
        let share = if rank == comm.rank() { 0..0 } else { places.share(rank, keys) };
        let body = |(key, work): (&u64, &f32)| [*key as u32, (*key >> 32) as u32, work.to_bits()];
        keys[share.clone()].iter().zip(&work[share]).map(body).collect()
    };
    let out: Vec<Vec<[u32; 3]>> = (0..comm.size()).map(stray).collect();
    let body = |[low, high, work]: [u32; 3]| (u64::from(high) << 32 | u64::from(low), f32::from_bits(work));
    let mut all: Vec<(u64, f32)> = collective::exchange(comm, &out).concat().into_iter().map(body).collect();
    all.sort_unstable_by_key(|(key, _)| *key);
    all.into_iter().unzip()
}

/// Data of a rank about the bodies of all ranks: bodies in its interval, and the cells above.
struct Known<'a> {
    place: Range<u64>,
    bodies: [Sorted<'a>; 2],
    /// Count and work of the children of cells that extend over several intervals.
    above: HashMap<Key, [[u64; 2]; 8]>,
    totals: [u64; 2],
}

impl Known<'_> {
    fn new<'a>(comm: &dyn Comm, places: &Splitters, bodies: [Sorted<'a>; 2]) -> Known<'a> {
        let place = places.interval(comm.rank());
        let mut known = Known { place, bodies, above: HashMap::new(), totals: [0; 2] };
        let mut branches = Vec::new();
        known.cover(Key::ROOT, &mut branches);
        let mut above = HashMap::new();
        let merge = &mut |cell: Key, children: &[(usize, [u64; 2])]| {
            let sums: &mut [[u64; 2]; 8] = above.entry(cell).or_default();
            children.iter().for_each(|(octant, sum)| sums[*octant] = *sum);
            children.iter().fold([0; 2], |sum, (_, child)| add(sum, *child))
        };
        known.totals = groups::fold(comm, places, branches, merge).unwrap_or([0; 2]);
        known.above = above;
        known
    }

    /// Count and work of the bodies of a cell in this interval.
    fn inside(&self, cell: Key) -> [u64; 2] {
        let [here, strays] = &self.bodies;
        add(here.inside(cell), strays.inside(cell))
    }

    /// Whether a cell is in this interval.
    fn is_here(&self, cell: Key) -> bool {
        self.place.start <= cell.curve().start && cell.curve().end <= self.place.end
    }

    /// Appends the largest cells in this interval that contain bodies.
    fn cover(&self, cell: Key, branches: &mut Vec<(Key, [u64; 2])>) {
        match self.inside(cell) {
            [0, _] => {}
            sum if self.is_here(cell) => branches.push((cell, sum)),
            _ => children(cell).for_each(|child| self.cover(child, branches)),
        }
    }

    fn find(&self, comm: &dyn Comm, goal: Goal) -> Found {
        let mut searches = goal.searches(self.totals);
        let mut found = Vec::new();
        for search in &mut searches {
            while search.found.is_none() {
                if self.is_here(search.cell) {
                    let sums: Vec<_> = children(search.cell).map(|child| self.inside(child)).collect();
                    search.descend(&sums, goal);
                } else if let Some(sums) = self.above.get(&search.cell) {
                    search.descend(sums, goal);
                } else {
                    break; // another rank continues
                }
            }
            found.extend(search.found.map_or([0; 2], |bound| [bound, search.before[0]]));
        }
        comm.all_reduce(&mut found, Reduction::Max);
        goal.found(self.totals, found.chunks_exact(2).map(|found| (found[0], found[1])))
    }
}

/// Finds splitters for bodies in any order on any ranks.
fn level_by_level(comm: &dyn Comm, bodies: &Sorted, goal: Goal) -> Found {
    let mut totals = bodies.all();
    comm.all_reduce(&mut totals, Reduction::Sum);
    let mut searches = goal.searches(totals);
    while searches.iter().any(|search| search.found.is_none()) {
        let open: Vec<&mut Search> = searches.iter_mut().filter(|search| search.found.is_none()).collect();
        // Searches in the same cell are consecutive.
        let mut cells: Vec<Key> = open.iter().map(|search| search.cell).collect();
        cells.dedup();
        let sums = |cell: &Key| children(*cell).flat_map(|child| bodies.inside(child));
        let mut sums: Vec<u64> = cells.iter().flat_map(sums).collect();
        comm.all_reduce(&mut sums, Reduction::Sum);
        let sums: Vec<[u64; 2]> = sums.chunks_exact(2).map(|sum| [sum[0], sum[1]]).collect();
        let mut sums = cells.into_iter().zip(sums.chunks_exact(8)).peekable();
        for search in open {
            while sums.next_if(|(cell, _)| *cell != search.cell).is_some() {}
            let (_, sums) = sums.peek().expect("each search has its cell");
            search.descend(sums, goal);
        }
    }
    let found = |search: Search| (search.found.expect("the loop ended"), search.before[0]);
    goal.found(totals, searches.into_iter().map(found))
}

fn add(a: [u64; 2], b: [u64; 2]) -> [u64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

impl Goal {
    /// Count, and work with the extra work per body.
    fn with_extra(&self, [count, work]: [u64; 2]) -> [u64; 2] {
        [count, work + self.extra * count]
    }

    /// One search per splitter, from count and work of all bodies.
    fn searches(&self, totals: [u64; 2]) -> Vec<Search> {
        let [_, work] = self.with_extra(totals);
        let start = |rank: u64| {
            let target = (u128::from(work) * u128::from(rank) / u128::from(self.ranks)) as u64;
            let slack = work / self.ranks / SLACK;
            let mut search = Search { cell: Key::ROOT, before: [0, 0], target, slack, found: None };
            search.snap(self.with_extra(totals), self.group_size);
            search
        };
        (1..self.ranks).map(start).collect()
    }

    /// The splitters, from each with the number of bodies before it.
    fn found(&self, totals: [u64; 2], splitters: impl Iterator<Item = (u64, u64)>) -> Found {
        let (mut bounds, mut ends): (Vec<u64>, Vec<u64>) =
            std::iter::once((Key::ROOT.curve().start, 0)).chain(splitters).unzip();
        bounds.push(Key::END);
        ends.push(totals[0]);
        let most = ends.windows(2).map(|pair| pair[1] - pair[0]).max().expect("there is a rank");
        Found { splitters: Splitters { bounds }, most, totals: self.with_extra(totals) }
    }
}

impl Search {
    /// Continues in the child that contains the target. `sums` are count and work of all eight
    /// children.
    fn descend(&mut self, sums: &[[u64; 2]], goal: Goal) {
        let mut before = self.before;
        for (octant, sum) in sums.iter().enumerate() {
            let [count, work] = goal.with_extra(*sum);
            if self.target >= before[1] + work && octant < 7 {
                before = [before[0] + count, before[1] + work];
                continue;
            }
            (self.cell, self.before) = (self.cell.child(octant), before);
            self.snap([count, work], goal.group_size);
            return;
        }
    }

    /// Ends the search at the nearer edge of the cell, if that edge is near enough or the cell is a
    /// sink group. The arguments are count and work of the cell.
    fn snap(&mut self, [count, work]: [u64; 2], group_size: u64) {
        let from_start = self.target - self.before[1].min(self.target);
        let nearer = from_start.min(work - from_start.min(work));
        if count <= group_size || nearer <= self.slack || self.cell.level() == Key::MAX_LEVEL {
            let range = self.cell.curve();
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

    /// Keys of bodies, more clumped for higher `power`.
    fn keys(n: usize, power: i32) -> Vec<u64> {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut place = || (rng.random::<f64>().powi(power) * f64::from(1u32 << 21)) as u32;
        let mut keys: Vec<u64> =
            (0..n).map(|_| Key::from_place([place(), place(), place()]).curve().start).collect();
        keys.sort_unstable();
        keys
    }

    /// Splitters for bodies that are distributed round-robin. All ranks must find the same.
    fn split(keys: &[u64], work: &[f32], ranks: usize, group_size: usize) -> Splitters {
        let found = threads::run(ranks, |comm| {
            let mine = |i: &usize| i % ranks == comm.rank();
            let indices: Vec<usize> = (0..keys.len()).filter(mine).collect();
            let keys: Vec<u64> = indices.iter().map(|i| keys[*i]).collect();
            let work: Vec<f32> = indices.iter().map(|i| work[*i]).collect();
            splitters(comm, &keys, &work, group_size, ranks).0
        });
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
        found.into_iter().next().expect("there is a rank")
    }

    /// Splitters for bodies in the order of other splitters. One in `stray` bodies is on an
    /// arbitrary rank.
    fn split_again(
        keys: &[u64],
        work: &[f32],
        last: &Splitters,
        ranks: usize,
        stray: usize,
    ) -> (Splitters, bool) {
        let found = threads::run(ranks, |comm| {
            let share = last.share(comm.rank(), keys);
            let mine = |i: &usize| match (i * 7919) % stray {
                0 => i / stray % ranks == comm.rank(),
                _ => share.contains(i),
            };
            let indices: Vec<usize> = (0..keys.len()).filter(mine).collect();
            let keys: Vec<u64> = indices.iter().map(|i| keys[*i]).collect();
            let work: Vec<f32> = indices.iter().map(|i| work[*i]).collect();
            (splitters(comm, &keys, &work, 20, ranks).0, last_places(comm, &keys).is_some())
        });
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
        found.into_iter().next().expect("there is a rank")
    }

    #[test]
    fn bodies_in_order_get_the_splitters_of_bodies_anywhere() {
        let keys = [keys(20_000, 3), vec![Key::ROOT.curve().start; 100]].concat();
        let keys = {
            let mut keys = keys;
            keys.sort_unstable();
            keys
        };
        let work: Vec<f32> = (0..keys.len()).map(|i| 10.0 + (i * i / 500 % 90) as f32).collect();
        for ranks in [1, 2, 3, 7, 16, 33] {
            let expected = split(&keys, &work, ranks, 20);
            let others = split(&keys, &vec![1.0; keys.len()], ranks, 50);
            for (last, stray) in [(&expected, usize::MAX), (&others, 40), (&others, 10)] {
                assert_eq!(
                    split_again(&keys, &work, last, ranks, stray),
                    (expected.clone(), true),
                    "{ranks}"
                );
            }
            // Bodies on arbitrary ranks. With few ranks, they may be in order by chance.
            let (found, in_order) = split_again(&keys, &work, &others, ranks, 1);
            assert!(found == expected && (ranks < 7 || !in_order), "{ranks}");
        }
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
                let body = Key::from_curve(*bound);
                for level in 0..=Key::MAX_LEVEL {
                    let range = body.ancestor(level).curve();
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
