//! The fmm walk: cells act on cells, and local expansions pass down to the bodies (Dehnen 2002).
//! Interactions are not mutual, so each sink is summed by one task.
//!
//! A sink cell receives a list of source cells that its parent left undecided, and applies the
//! criterion of `cell_opening` tile by tile. A source that it accepts acts as cell on cell. A
//! refused source that is much larger is opened. The others are left to the children of the sink
//! cell. A leaf ends the descent: it opens what is left, down to bodies and to cells that act on
//! its bodies one by one.
//!
//! A decision depends on the two cells only, and the lists are in the order of the descent. The
//! bits of the result therefore depend on neither ranks nor threads.

use crate::kernel::cells::{CellField, CellSink, Cells};
use crate::kernel::simd::{self, LANES, Lanes, Task, dispatch};
use crate::tree::build::Tree;
use crate::tree::expansion::rounded;
use crate::tree::tile::{CLOSED, LEAF, Tile};
use crate::walk::cell_opening::SinkCell;
use crate::walk::images::{Image, LATTICE_LEVEL};
use crate::walk::lists::{Out, Pairs, Units, in_pairs};
use crate::walk::split::for_each_part;
use crate::{Bodies, Census, Expansion, Interactions};
use std::cell::RefCell;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A sink cell with at most this number of bodies is one task.
const TASK_BODIES: usize = 4096;
/// The same limit for active bodies, if not all are active. It is smaller, because they share less
/// of their lists.
const TASK_ACTIVE: usize = 256;
/// The time of one in this number of leaves is measured, to divide the time of the evaluation
/// between lists and kernels.
const TIMED: u64 = 16;

/// Source cells: some lanes of a tile, in an image of the box.
#[derive(Clone, Copy, Debug)]
struct Item {
    tile: u32,
    lanes: u8,
    image: Image,
}

/// Counts and times of tasks.
#[derive(Default)]
struct Done {
    interactions: Interactions,
    operations: u64,
    leaves: u64,
    lists: Duration,
    kernels: Duration,
}

impl Done {
    fn and(mut self, other: Done) -> Done {
        self.interactions.add(&other.interactions);
        self.operations += other.operations;
        self.leaves += other.leaves;
        self.lists += other.lists;
        self.kernels += other.kernels;
        self
    }
}

/// Lists and buffers that a thread reuses.
#[derive(Default)]
struct Scratch {
    /// Lists of sources. The list of a cell lies behind that of its parent.
    lists: Vec<Item>,
    /// Tiles that the current sink cell opened.
    opened: Vec<Item>,
    /// Cells that act on the current sink cell.
    cells: Cells,
    /// Cells and bodies that act on the bodies of the current leaf.
    pairs: Pairs,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// A sink cell during the descent.
struct Sink<E: Expansion> {
    tile: u32,
    lane: usize,
    level: u32,
    /// Field of all sources that its ancestors accepted, expanded about its centre.
    local: E::Local<f64>,
    /// Centre about which `local` contains the background of a periodic box to first order; `None` if it does
    /// not contain it yet.
    anchor: Option<[f64; 3]>,
}

/// Result for a split sink cell.
struct Children<E: Expansion> {
    /// The field at the centre of each child.
    local: E::Local<[f64; LANES]>,
    /// As of [`Sink`].
    anchor: Option<[f64; 3]>,
}

/// Level of the sink cells that add the background, to first order. In a periodic box, the potentials of
/// images and background are about 60 M/side each and nearly cancel. So at the larger cells, of lower levels,
/// fields are computed, summed and shifted in double precision. The small rest is rounded to single
/// precision.
const ANCHOR_LEVEL: u32 = 3;

impl<E: Expansion> Tree<E> {
    /// The fmm walk of [`crate::AnyTree::compute`].
    pub(crate) fn fmm(&self, bodies: &mut Bodies, census: &mut Census) {
        if self.active.count(&(0..bodies.len() as u32)) == 0 {
            return;
        }
        let started = Instant::now();
        let (units, out) = Units::of(self, bodies);
        let root = Sink { tile: self.root, lane: 0, level: 0, local: E::local(0.0), anchor: None };
        let item = |image| Item { tile: self.root, lanes: 1, image };
        let list: Vec<Item> = Image::all(self.opening.periodic).map(item).collect();
        let done = Pass { tree: self, units }.descend(&root, &list, 0, out);
        census.interactions.add(&done.interactions);
        census.operations += done.operations;
        census.share_walk_and_kernels(started.elapsed(), done.lists, done.kernels);
    }
}

/// One evaluation.
struct Pass<'a, E: Expansion> {
    tree: &'a Tree<E>,
    units: Units<'a>,
}

impl<E: Expansion> Pass<'_, E> {
    /// Computes the sinks of a cell, in parallel if there are many. `list` is what its parent left;
    /// `out` begins with body `base`.
    fn descend(&self, sink: &Sink<E>, list: &[Item], base: usize, mut out: Out) -> Done {
        let tile = &self.tree.tiles[sink.tile as usize];
        let child = tile.child[sink.lane];
        let (split, done) = SCRATCH.with_borrow_mut(|scratch| {
            scratch.lists.clear();
            scratch.lists.extend_from_slice(list);
            let mut worker = Worker { pass: self, scratch, done: Done::default() };
            if child == LEAF || self.is_one_task(tile, sink.lane) {
                worker.descend(sink, 0..list.len(), base, &mut out);
                return (None, worker.done);
            }
            let children = worker.split(sink, 0..list.len());
            (Some((children, worker.scratch.lists[list.len()..].to_vec())), worker.done)
        });
        let Some((children, left)) = split else { return done };
        let below = &self.tree.tiles[child as usize];
        let lanes: Vec<usize> = simd::lanes(below.sinks).collect();
        let rest = for_each_part(
            &lanes,
            &|&lane| below.first[lane] as usize..(below.first[lane] + below.count[lane]) as usize,
            base,
            out,
            &|&lane, out| {
                self.descend(&sink.below(child, lane, &children), &left, below.first[lane] as usize, out)
            },
            &Done::and,
        );
        done.and(rest)
    }

    fn is_one_task(&self, tile: &Tile<E>, lane: usize) -> bool {
        let bodies = tile.first[lane]..tile.first[lane] + tile.count[lane];
        match self.tree.active.among(&bodies) {
            None => bodies.len() <= TASK_BODIES,
            Some(some) => some.len() <= TASK_ACTIVE,
        }
    }
}

impl<E: Expansion> Sink<E> {
    /// The child in a lane of a tile.
    fn below(&self, tile: u32, lane: usize, children: &Children<E>) -> Sink<E> {
        let mut local = E::local(0.0);
        local.as_mut().iter_mut().zip(children.local.as_ref()).for_each(|(x, row)| *x = row[lane]);
        Sink { tile, lane, level: self.level + 1, local, anchor: children.anchor }
    }
}

/// The state of a thread that works on the sinks of a cell.
struct Worker<'a, E: Expansion> {
    pass: &'a Pass<'a, E>,
    scratch: &'a mut Scratch,
    done: Done,
}

impl<E: Expansion> Worker<'_, E> {
    /// Computes the sinks of a cell. `list` is the range of its sources in the lists.
    fn descend(&mut self, sink: &Sink<E>, list: Range<usize>, base: usize, out: &mut Out) {
        let tree = self.pass.tree;
        let child = tree.tiles[sink.tile as usize].child[sink.lane];
        if child == LEAF {
            return dispatch(tree.path, AtLeaf { worker: self, sink, list, base, out });
        }
        let start = self.scratch.lists.len();
        let children = self.split(sink, list);
        let end = self.scratch.lists.len();
        for lane in simd::lanes(tree.tiles[child as usize].sinks) {
            self.descend(&sink.below(child, lane, &children), start..end, base, out);
        }
        self.scratch.lists.truncate(start);
    }

    /// Computes the field at a split cell and shifts it to the centres of its children. Sources
    /// that the cell neither accepts nor opens are appended to the lists.
    fn split(&mut self, sink: &Sink<E>, list: Range<usize>) -> Children<E> {
        dispatch(self.pass.tree.path, AtCell { worker: self, sink, list })
    }

    /// The field at a sink cell: that of its ancestors plus that of the accepted cells. And the place about
    /// which it contains the background.
    #[inline(always)]
    fn field<L: Lanes>(
        &mut self,
        sink: &Sink<E>,
        cell: &SinkCell,
        cells: CellField<E>,
        is_leaf: bool,
    ) -> (E::Local<f64>, Option<[f64; 3]>) {
        self.count_cells(cells.count);
        let target = self.cell_sink(sink, cell);
        let mut local = cells.finish::<L>(&mut self.scratch.cells, &target);
        let Some(lattice) = &self.pass.tree.lattice else { return (local, None) };
        let mut add = |field: &[f64]| local.as_mut().iter_mut().zip(field).for_each(|(x, far)| *x += far);
        if sink.level == LATTICE_LEVEL {
            add(lattice.local::<E>(cell.centre).as_ref());
        }
        if sink.anchor.is_none() && (is_leaf || sink.level == ANCHOR_LEVEL) {
            add(&lattice.background.field(cell.centre));
            return (local, Some(cell.centre));
        }
        (local, sink.anchor)
    }

    /// Whether a sink cell is one of the large cells at which images and background nearly cancel.
    fn is_large(&self, sink: &Sink<E>) -> bool {
        self.pass.tree.lattice.is_some() && sink.level < ANCHOR_LEVEL
    }

    fn cell_sink(&self, sink: &Sink<E>, cell: &SinkCell) -> CellSink {
        let (path, kernel) = (self.pass.tree.path, self.pass.tree.softened.kernel);
        CellSink { path, kernel, softening: cell.softening, is_large: self.is_large(sink) }
    }

    #[inline(always)]
    fn count_cells(&mut self, cells: u64) {
        self.done.interactions.cell_cell += cells;
        self.done.operations += cells * E::CELL_OPERATIONS;
    }
}

/// The next item to test: first those that the parent left, then those that are opened on the way.
#[inline(always)]
fn next(lists: &[Item], list: &mut Range<usize>, opened: &[Item], at: &mut usize) -> Option<Item> {
    if let Some(k) = list.next() {
        return Some(lists[k]);
    }
    let item = opened.get(*at).copied();
    *at += 1;
    item
}

/// Appends the children of the cells in some lanes to a list.
#[inline(always)]
fn open<E: Expansion>(tree: &Tree<E>, tile: &Tile<E>, mut lanes: u8, image: Image, opened: &mut Vec<Item>) {
    while lanes != 0 {
        let child = tile.child[lanes.trailing_zeros() as usize];
        assert!(child != CLOSED, "a walk must open a closed cell: an essential tree lacks it");
        opened.push(Item { tile: child, lanes: tree.tiles[child as usize].sources, image });
        lanes &= lanes - 1;
    }
}

/// The task of a split sink cell.
struct AtCell<'a, 'b, E: Expansion> {
    worker: &'a mut Worker<'b, E>,
    sink: &'a Sink<E>,
    list: Range<usize>,
}

impl<E: Expansion> Task for AtCell<'_, '_, E> {
    type Output = Children<E>;

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> Self::Output {
        let worker = self.worker;
        let tree = worker.pass.tree;
        let own = &tree.tiles[self.sink.tile as usize];
        let cell = own.sink(self.sink.lane);
        let target = worker.cell_sink(self.sink, &cell);
        let Scratch { lists, opened, cells, .. } = &mut *worker.scratch;
        opened.clear();
        let (mut field, mut at) = (CellField::start(cells, self.sink.local), 0);
        let (mut seen, mut image) = (cell, Image::HOME);
        while let Some(item) = next(lists, &mut self.list, opened, &mut at) {
            if item.image != image {
                (image, seen.centre) = (item.image, item.image.sees(cell.centre));
            }
            let tile = &tree.tiles[item.tile as usize];
            let verdict = tree.opening.judge::<L, E>(tile, &seen);
            let accepted = verdict.accepted & item.lanes;
            if target.is_large {
                field.push_precisely(&target, tile, seen.centre, accepted);
            } else if accepted != 0 {
                field.push::<L>(cells, &target, tile, verdict.offset, [accepted, verdict.beyond]);
            }
            let refused = item.lanes & !accepted;
            let larger = refused & verdict.larger & !tile.leaves;
            let left = refused & !larger;
            if left != 0 {
                lists.push(Item { lanes: left, ..item });
            }
            open(tree, tile, larger, item.image, opened);
        }
        let (local, anchor) = worker.field::<L>(self.sink, &cell, field, false);

        let below = &tree.tiles[own.child[self.sink.lane] as usize];
        let mut children: Children<E> = Children { local: E::local([0.0; LANES]), anchor };
        let rows = children.local.as_mut();
        if worker.is_large(self.sink) {
            for lane in 0..LANES {
                let shift = std::array::from_fn(|axis| {
                    f64::from(below.com[axis][lane]) + (below.centre[axis] - cell.centre[axis])
                });
                let shifted = E::shift_precisely(&local, shift);
                rows.iter_mut().zip(shifted.as_ref()).for_each(|(row, x)| row[lane] = *x);
            }
        } else {
            let shift = std::array::from_fn(|axis| {
                L::load(&below.com[axis]) + L::splat((below.centre[axis] - cell.centre[axis]) as f32)
            });
            let shifted = E::shift_local::<L>(&rounded::<E>(&local), shift);
            for (row, x) in rows.iter_mut().zip(shifted.as_ref()) {
                let mut single = [0.0; LANES];
                x.store(&mut single);
                *row = single.map(f64::from);
            }
        }
        children
    }
}

/// The task of a leaf.
struct AtLeaf<'a, 'b, 'c, E: Expansion> {
    worker: &'a mut Worker<'b, E>,
    sink: &'a Sink<E>,
    list: Range<usize>,
    base: usize,
    out: &'a mut Out<'c>,
}

impl<E: Expansion> Task for AtLeaf<'_, '_, '_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let worker = self.worker;
        let tree = worker.pass.tree;
        worker.done.leaves += 1;
        let started = worker.done.leaves.is_multiple_of(TIMED).then(Instant::now);
        let own = &tree.tiles[self.sink.tile as usize];
        let (cell, leaf) = (own.sink(self.sink.lane), own.leaf(self.sink.lane));
        let softened = !tree.softened.none;
        let target = worker.cell_sink(self.sink, &cell);
        let Scratch { lists, opened, cells, pairs } = &mut *worker.scratch;
        opened.clear();
        pairs.clear();
        let (mut field, mut at) = (CellField::start(cells, self.sink.local), 0);
        let (mut seen, mut image) = (cell, Image::HOME);
        while let Some(item) = next(lists, &mut self.list, opened, &mut at) {
            if item.image != image {
                (image, seen.centre) = (item.image, item.image.sees(cell.centre));
                pairs.begin(image);
            }
            let tile = &tree.tiles[item.tile as usize];
            let verdict = tree.opening.judge::<L, E>(tile, &seen);
            let for_leaf = tree.opening.judge_for_leaf::<L, E>(tile, &seen, &verdict);
            let accepted = verdict.accepted & !for_leaf.smaller & item.lanes;
            if target.is_large {
                field.push_precisely(&target, tile, seen.centre, accepted);
            } else if accepted != 0 {
                field.push::<L>(cells, &target, tile, verdict.offset, [accepted, verdict.beyond]);
            }
            let refused = item.lanes & !accepted;
            let on_bodies = refused & (verdict.accepted | for_leaf.on_bodies & !tile.few);
            pairs.cells.append(item.tile, on_bodies);
            let bodies = refused & !on_bodies & tile.leaves;
            // Without softening, only the leaf's own bodies can be at distance zero.
            let at_home = item.tile == self.sink.tile && image == Image::HOME;
            let own_lane = u8::from(at_home) << self.sink.lane;
            let far = bodies & if softened { for_leaf.apart } else { !own_lane };
            pairs.far.append(item.tile, far);
            pairs.near.append(item.tile, bodies & !far);
            open(tree, tile, refused & !on_bodies & !tile.leaves, item.image, opened);
        }
        let listed = started.map(|_| Instant::now());
        let count = field.count;
        let (local, anchor) = worker.field::<L>(self.sink, &cell, field, true);

        let pairs = &mut worker.scratch.pairs;
        let some = tree.active.among(&(leaf.first..leaf.first + leaf.count));
        pairs.set_sinks::<L, E>(tree, &[leaf], some, cell.centre);
        pairs.sinks.feel_local::<L, E>(&rounded::<E>(&local));
        if let Some(lattice) = &tree.lattice
            && self.sink.level < LATTICE_LEVEL
        {
            pairs.feel_far_images(lattice, cell.centre);
        }
        let felt = pairs.interact::<L, E>(tree, cell.centre);
        let sinks = pairs.sinks.len() as u64;
        let shared = count as f32 * in_pairs(E::CELL_OPERATIONS) / sinks as f32;
        worker.pass.units.write(
            &pairs.sinks,
            leaf.first as usize,
            some,
            anchor,
            self.base,
            felt.work::<E>() + shared,
            self.out,
        );
        worker.done.interactions.add(&felt.interactions(sinks));
        worker.done.operations += sinks * felt.operations;
        if let (Some(started), Some(listed)) = (started, listed) {
            worker.done.lists += listed - started;
            worker.done.kernels += listed.elapsed();
        }
    }
}
