//! The tree walk: each sink group walks the tree and fills its interaction lists, then kernels sum
//! the lists (Barnes 1990).
//!
//! A list is in the order of the walk. The walk visits cells in key order, no matter which rank
//! they came from, and each group is summed by one task. The bits of the result therefore depend on
//! neither ranks nor threads.

use crate::kernel::simd::{LANES, Lanes, Task, dispatch};
use crate::tree::build::{Group, Tree};
use crate::tree::expansion::rounded;
use crate::tree::tile::{CLOSED, EMPTY, LEAF};
use crate::walk::images::{Image, LATTICE_HALF};
use crate::walk::lists::{Out, Pairs, Units};
use crate::walk::opening::Region;
use crate::walk::split::for_each_part;
use crate::{Bodies, Census, Expansion, Interactions, Walk};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Counts and times of tasks.
#[derive(Default)]
struct Done {
    interactions: Interactions,
    operations: u64,
    walk: Duration,
    kernels: Duration,
    /// Groups that need cells which have not been grafted yet.
    waiting: Vec<u32>,
}

impl Done {
    fn and(mut self, mut other: Done) -> Done {
        self.interactions.add(&other.interactions);
        self.operations += other.operations;
        self.walk += other.walk;
        self.kernels += other.kernels;
        self.waiting.append(&mut other.waiting);
        self
    }
}

/// Lists and buffers that a thread reuses.
#[derive(Default)]
struct Scratch {
    /// Tiles to visit, each in an image of the box.
    stack: Vec<(u32, Image)>,
    pairs: Pairs,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl<E: Expansion> Tree<E> {
    /// See [`crate::AnyTree::imported`].
    pub(crate) fn imported(&self) -> [u64; 2] {
        self.imported
    }

    /// See [`crate::AnyTree::sink_groups`].
    pub(crate) fn sink_groups(&self) -> Vec<u32> {
        (0..self.groups.len() as u32).collect()
    }

    /// See [`crate::AnyTree::compute`].
    pub(crate) fn compute(&self, bodies: &mut Bodies, census: &mut Census) {
        match self.opening.walk {
            Walk::Fmm => self.fmm(bodies, census),
            Walk::Tree | Walk::Direct => {
                let waiting = self.compute_groups(&self.sink_groups(), true, bodies, census);
                assert!(waiting.is_empty(), "a complete tree has no waiting groups");
            }
        }
    }

    /// See [`crate::AnyTree::compute_groups`].
    pub(crate) fn compute_groups(
        &self,
        groups: &[u32],
        complete: bool,
        bodies: &mut Bodies,
        census: &mut Census,
    ) -> Vec<u32> {
        let started = Instant::now();
        assert!(self.opening.walk == Walk::Tree, "a tree for another walk has no sink groups");
        let (units, out) = Units::of(self, bodies);
        let range = |group: &u32| {
            let bodies = &self.groups[*group as usize].bodies;
            bodies.start as usize..bodies.end as usize
        };
        let done = for_each_part(
            groups,
            &range,
            0,
            out,
            &|&index, out| {
                SCRATCH.with_borrow_mut(|scratch| {
                    let group = &self.groups[index as usize];
                    let task = GroupTask { tree: self, group, units: &units, out, scratch };
                    dispatch(self.path, task).unwrap_or_else(|| {
                        assert!(!complete, "a walk must open a closed cell: an essential tree lacks it");
                        Done { waiting: vec![index], ..Done::default() }
                    })
                })
            },
            &Done::and,
        );
        census.interactions.add(&done.interactions);
        census.operations += done.operations;
        census.share_walk_and_kernels(started.elapsed(), done.walk, done.kernels);
        done.waiting
    }
}

/// Walk and kernels of one group. Returns `None` if the walk needs a closed cell.
struct GroupTask<'a, E: Expansion> {
    tree: &'a Tree<E>,
    group: &'a Group,
    units: &'a Units<'a>,
    out: Out<'a>,
    scratch: &'a mut Scratch,
}

impl<E: Expansion> Task for GroupTask<'_, E> {
    type Output = Option<Done>;

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> Option<Done> {
        let started = Instant::now();
        if !self.walk::<L>() {
            return None;
        }
        let walked = Instant::now();
        let (group, pairs) = (self.group, &mut self.scratch.pairs);
        let some = self.tree.active.among(&group.bodies);
        pairs.set_sinks::<L, E>(self.tree, &group.leaves, some, group.region.centre);
        if let Some(lattice) = &self.tree.lattice {
            let Region { centre, half, .. } = group.region;
            if half.iter().all(|half| *half < LATTICE_HALF) {
                pairs.sinks.feel_local::<L, E>(&rounded::<E>(&lattice.local::<E>(centre)));
            } else {
                pairs.feel_far_images(lattice, centre);
            }
        }
        let felt = pairs.interact::<L, E>(self.tree, group.region.centre);
        let first = group.bodies.start as usize;
        self.units.write(&pairs.sinks, first, some, None, first, felt.work::<E>(), &mut self.out);
        let count = pairs.sinks.len() as u64;
        Some(Done {
            interactions: felt.interactions(count),
            operations: count * felt.operations,
            walk: walked - started,
            kernels: walked.elapsed(),
            waiting: Vec::new(),
        })
    }
}

impl<E: Expansion> GroupTask<'_, E> {
    /// Fills the interaction lists. Returns false if a closed cell must be opened.
    #[inline(always)]
    fn walk<L: Lanes>(&mut self) -> bool {
        let Scratch { stack, pairs } = &mut *self.scratch;
        pairs.clear();
        stack.clear();
        stack.extend(Image::all(self.tree.opening.periodic).rev().map(|image| (self.tree.root, image)));
        let (mut seen, mut from) = (self.group.region, Image::HOME);
        while let Some((index, image)) = stack.pop() {
            if image != from {
                (from, seen.centre) = (image, image.sees(self.group.region.centre));
                pairs.begin(image);
            }
            let tile = &self.tree.tiles[index as usize];
            let (accepted, apart) = self.tree.opening.test::<L, E>(tile, &seen);
            let descend = stack.len();
            for lane in 0..LANES {
                let (child, cell) = (tile.child[lane], index << 3 | lane as u32);
                if child == EMPTY || tile.sources >> lane & 1 == 0 {
                } else if accepted >> lane & 1 == 1 {
                    pairs.cells.push(cell);
                } else if child == LEAF {
                    if apart >> lane & 1 == 1 { pairs.far.push(cell) } else { pairs.near.push(cell) }
                } else if child == CLOSED {
                    return false;
                } else {
                    stack.push((child, image));
                }
            }
            // The stack is popped from its end: reverse it, to visit the first octant first.
            stack[descend..].reverse();
        }
        true
    }
}
