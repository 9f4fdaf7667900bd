//! Domain decomposition: intervals of the space-filling curve with equal work, cut at edges of sink
//! groups.
//!
//! The search for a splitter goes down from the root. On each level, ranks sum count and work of
//! the eight children of the cell that contains the splitter. The search continues in the child
//! that contains the target work. It ends at a sink group: the topmost cell with at most
//! `group_size` bodies, or a deepest cell. The splitter is the nearer edge of that group.
//!
//! So ranks share no leaf and no sink group, and each shared cell has more than `group_size`
//! bodies. If an edge of a larger cell is near enough, it is the splitter. The interval of a rank
//! then consists of fewer and larger cells (branches), which other ranks must store.
//!
//! The target of a splitter follows from the shares of the ranks ([`Speeds`]). `limits` keeps the
//! number of bodies of each rank within its limits.
//!
//! If all but a few bodies are still in key order over the ranks, the search needs less
//! communication ([`last_places`], [`few_strays`]). Each rank collects the bodies between its last
//! splitters, and the sums of the cells above them. Most searches then end on one rank. Otherwise,
//! all ranks sum each level together.

mod limits;

use crate::speeds::{Shares, Speeds};
use crate::{Comm, Error, Reduction, collective, groups};
use rayon::prelude::*;
use std::collections::HashMap;
use std::ops::Range;
use treecode::Key;

/// Tolerance of a splitter: the lesser target work of the two ranks beside it, divided by this.
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

/// One in this many bodies may be out of order at each end of a rank. The second value is tried if
/// more are out of order than the first one allows.
const MARGINS: [usize; 2] = [16, 4];

/// Number of bodies whose keys and work need as many bytes as the sums of all levels for one
/// splitter. These are about 750 bytes, as measured.
const STRAYS: u64 = 64;

/// Parameters of a search for splitters.
#[derive(Clone, Copy)]
pub(super) struct Goal<'a> {
    pub(super) group_size: u64,
    pub(super) measure: Measure,
    pub(super) targets: Targets<'a>,
}

/// What a search counts.
#[derive(Clone, Copy)]
pub(super) enum Measure {
    /// Work, with this extra work per body.
    Work(u64),
    /// Bodies.
    Bodies,
}

/// Where the splitters are to be.
#[derive(Clone, Copy)]
pub(super) enum Targets<'a> {
    /// In proportion to the weights of the ranks.
    Weights(&'a [u64]),
    /// After these amounts of the measure. Each splitter is at the nearer edge of the sink group
    /// there.
    At(&'a [u64]),
}

/// Result of a search for splitters.
pub(super) struct Found {
    pub(super) splitters: Splitters,
    /// Number of bodies before the interval of each rank, and in all.
    pub(super) ends: Vec<u64>,
}

/// State of the search for one splitter.
struct Search {
    cell: Key,
    /// Count and measure of all bodies before the cell.
    before: [u64; 2],
    /// Target of the measure of all bodies before the splitter.
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

/// Finds splitters that divide the bodies of all ranks into equal work for `ranks` ranks. Also
/// returns the number of bodies. `keys` must be sorted, and `work` is the work of each body.
/// Collective.
pub(crate) fn splitters(
    comm: &dyn Comm,
    keys: &[u64],
    work: &[f32],
    group_size: usize,
    ranks: usize,
) -> (Splitters, u64) {
    let shares = |_: &[Vec<u8>]| Shares::equal(ranks);
    shared(comm, keys, work, group_size, &[], shares).expect("there are no limits")
}

/// As [`splitters`], for the ranks of `comm`. The share of a rank follows from its speed, and its
/// number of bodies is limited. Collective.
///
/// # Errors
/// [`Error::Room`], [`Error::Crowded`]. Every rank returns the same error.
pub(crate) fn by_speed(
    comm: &dyn Comm,
    keys: &[u64],
    work: &[f32],
    group_size: usize,
    speeds: &mut Speeds,
) -> Result<(Splitters, u64), Error> {
    let report = speeds.report();
    let shares = |reports: &[Vec<u8>]| speeds.settle(reports.iter().map(Vec::as_slice));
    shared(comm, keys, work, group_size, &report, shares)
}

/// Splitters for the shares that follow from the reports of all ranks.
fn shared(
    comm: &dyn Comm,
    keys: &[u64],
    work: &[f32],
    group_size: usize,
    report: &[u8],
    shares: impl FnOnce(&[Vec<u8>]) -> Shares,
) -> Result<(Splitters, u64), Error> {
    let (places, reports) = last_places(comm, keys, report);
    let shares = shares(&reports);
    let group_size = group_size as u64;
    let Some(places) = places.filter(|places| few_strays(comm, places, keys)) else {
        let bodies = Sorted::new(keys, work);
        let mut totals = bodies.all();
        comm.all_reduce(&mut totals, Reduction::Sum);
        let find = |goal: Goal| level_by_level(comm, &bodies, totals, goal);
        return limits::hold(totals, group_size, &shares, find).map(|splitters| (splitters, totals[0]));
    };
    let (strays, work_of_strays) = exchange_strays(comm, &places, keys, work);
    let own = places.share(comm.rank(), keys);
    let bodies = [Sorted::new(&keys[own.clone()], &work[own]), Sorted::new(&strays, &work_of_strays)];
    let known = Known::new(comm, &places, bodies);
    let find = |goal: Goal| known.find(comm, goal);
    limits::hold(known.totals, group_size, &shares, find).map(|splitters| (splitters, known.totals[0]))
}

/// Approximate splitters of the last decomposition, from the present order of the bodies. Each is
/// an edge of the largest possible cell, after nearly all bodies of a rank and before nearly all
/// bodies of the next. If too many bodies have moved, it is between the middle halves of the bodies
/// of both ranks. `None` if even these are not in order. Also returns the reports of all ranks,
/// which must have the same length. Collective.
fn last_places(comm: &dyn Comm, keys: &[u64], report: &[u8]) -> (Option<Splitters>, Vec<Vec<u8>>) {
    let ends = |margin: usize| [keys[keys.len() / margin], keys[keys.len() - 1 - keys.len() / margin]];
    let mine = if keys.is_empty() { vec![] } else { MARGINS.map(ends).to_vec() };
    let mut reports = comm.all_gather(&[report, bytemuck::cast_slice(&mine)].concat());
    let ends = reports.iter_mut().map(|both| collective::from_bytes(&both.split_off(report.len())));
    let ends: Vec<Vec<[u64; 2]>> = ends.collect();
    (places_between(comm.size(), &ends), reports)
}

/// The splitters of [`last_places`], from keys near both ends of the bodies of each rank.
fn places_between(ranks: usize, all: &[Vec<[u64; 2]>]) -> Option<Splitters> {
    let mut bounds = vec![Key::END; ranks + 1];
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
fn level_by_level(comm: &dyn Comm, bodies: &Sorted, totals: [u64; 2], goal: Goal) -> Found {
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

impl Goal<'_> {
    /// Count, and what the search measures.
    fn measured(&self, [count, work]: [u64; 2]) -> [u64; 2] {
        match self.measure {
            Measure::Work(extra) => [count, work + extra * count],
            Measure::Bodies => [count, count],
        }
    }

    /// One search per splitter, from count and work of all bodies.
    fn searches(&self, totals: [u64; 2]) -> Vec<Search> {
        let [_, all] = self.measured(totals);
        let start = |(target, slack)| {
            let mut search = Search { cell: Key::ROOT, before: [0, 0], target, slack, found: None };
            search.snap(self.measured(totals), self.group_size);
            search
        };
        match self.targets {
            Targets::At(targets) => targets.iter().map(|&target| start((target, 0))).collect(),
            Targets::Weights(weights) => {
                let sum: u64 = weights.iter().sum();
                let part = |weight: u64| (u128::from(all) * u128::from(weight) / u128::from(sum)) as u64;
                let mut before = 0;
                let target = |pair: &[u64]| {
                    before += pair[0];
                    (part(before), part(pair[0].min(pair[1])) / SLACK)
                };
                weights.windows(2).map(target).map(start).collect()
            }
        }
    }

    /// The result of a search. `splitters` has each splitter with the number of bodies before it.
    fn found(&self, totals: [u64; 2], splitters: impl Iterator<Item = (u64, u64)>) -> Found {
        let (mut bounds, mut ends): (Vec<u64>, Vec<u64>) =
            std::iter::once((Key::ROOT.curve().start, 0)).chain(splitters).unzip();
        bounds.push(Key::END);
        ends.push(totals[0]);
        Found { splitters: Splitters { bounds }, ends }
    }
}

impl Search {
    /// Continues in the child that contains the target. `sums` are count and work of all eight
    /// children.
    fn descend(&mut self, sums: &[[u64; 2]], goal: Goal<'_>) {
        let mut before = self.before;
        for (octant, sum) in sums.iter().enumerate() {
            let [count, work] = goal.measured(*sum);
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
    /// sink group. The arguments are count and measure of the cell.
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
mod tests;
