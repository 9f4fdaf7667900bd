//! The tree that sinks walk: this rank's part, the cells above all ranks' branches, and what other ranks have sent.
//!
//! Steps, each needing the one before: [`Part::new`] summarises this rank's bodies; [`Part::join`] makes a [`Tree`] of the
//! branches of all ranks; [`Tree::requests`] tells the ranks near enough where the sinks are, [`Tree::essential`] writes what those of another rank
//! can need, [`Tree::graft`] takes it in. With block time
//! steps [`Tree::drifted`] goes back to the part, whose cells follow their bodies while their moments stay.

use crate::dual::{SinkBox, SinkRegion};
use crate::keymap::KeyMap;
use crate::opening::{Opening, Region};
use crate::particles::{Leaf, Particles};
use crate::simd::{self, LANES, Lanes, Path, Task, dispatch};
use crate::softening::Softened;
use crate::structure::{Cell, Structure, fold_above};
use crate::summary::{self, Extent, Place, Summary, take};
use crate::tile::{CLOSED, EMPTY, LEAF, Tile};
use crate::{Active, Bodies, Expansion, Frame, Gravity, Key, Regions, Selection, Walk, active};
use rayon::prelude::*;
use std::ops::Range;

/// A region holds at most this fraction of a rank's bodies, or [`REGION_BODIES`]: smaller regions are tighter, and longer to send.
const REGION_SHARE: usize = 1024;
const REGION_BODIES: usize = 256;
/// The same of regions of sink groups.
const GROUP_REGION_SHARE: usize = 128;

/// One rank's part of the tree.
pub(crate) struct Part<E: Expansion> {
    branches: Vec<Cell>,
    leaf_size: u64,
    /// Where the branches have drifted to since the tree was joined with other moments; `None` for fresh ones.
    moved: Option<Vec<Summary<()>>>,
    pub(crate) tree: Tree<E>,
}

/// The tree of one rank: its own cells, the cells above, and what was grafted.
pub(crate) struct Tree<E: Expansion> {
    pub(crate) tiles: Vec<Tile<E>>,
    /// The tile whose lane 0 is the root.
    pub(crate) root: u32,
    pub(crate) particles: Particles,
    pub(crate) groups: Vec<Group>,
    pub(crate) opening: Opening,
    pub(crate) softened: Softened,
    pub(crate) frame: Frame,
    /// Key of a split cell -> tile of its children.
    map: KeyMap,
    /// Summary of each branch of this rank, in key order.
    pub(crate) summaries: Vec<Summary<E::Moments>>,
    /// Key, tile and lane of each branch of this rank.
    branches: Vec<(Key, u32, usize)>,
    /// The branches of each rank.
    ranks: Vec<Vec<Key>>,
    /// Where the sinks of this rank are.
    regions: Regions,
    /// The bodies of this rank that are to feel the field.
    pub(crate) active: Active,
    /// Whether changes of acceleration are wanted.
    pub(crate) changes: bool,
    pub(crate) path: Path,
    /// Cells and bodies grafted.
    pub(crate) imported: [u64; 2],
    /// The tiles above the branches and the map as they were before anything was grafted.
    ungrafted: (Vec<Tile<E>>, KeyMap),
}

/// Sinks that walk together.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) bodies: Range<u32>,
    pub(crate) region: Region,
    pub(crate) leaves: Vec<Leaf>,
}

impl<E: Expansion> Part<E> {
    /// Carries moments upward from the bodies to this rank's branches, and finds the groups and regions of its sinks.
    pub(crate) fn new(
        frame: Frame,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part<E> {
        let (opening, softened) = (Opening::new(gravity, &frame), Softened::new(&gravity.softening, &frame));
        let path = Path::detect();
        let mut tiles = vec![Tile::empty(None); structure.tiles.len()];
        let summaries = structure.fold(
            &mut tiles,
            |leaf| summary::of_bodies::<E>(&frame, bodies, &softened, path, indices(&leaf.bodies)),
            |split, children, tile| {
                *tile = Tile::empty(Some(split.key));
                for (cell, summary) in children {
                    let lane = cell.key.octant();
                    tile.fill(lane, cell.key, summary, &opening);
                    tile.link(lane, cell.child, &cell.bodies);
                }
                summary::of_children::<E>(children.iter().map(|(_, summary)| *summary))
            },
        );
        let particles = Particles::new(bodies, &softened);
        let mut tree = Tree {
            tiles,
            root: EMPTY,
            particles,
            groups: Vec::new(),
            opening,
            softened,
            frame,
            map: KeyMap::with_capacity(structure.tiles.len()),
            summaries,
            branches: Vec::new(),
            ranks: Vec::new(),
            regions: Regions::Groups(Vec::new()),
            active: Active::All,
            changes: false,
            path,
            imported: [0; 2],
            ungrafted: Default::default(),
        };
        for (split, index) in structure.tiles.iter().zip(0..) {
            tree.map.insert(split.key, index);
        }
        Part::with_sinks(tree, gravity, bodies, structure, selection, None)
    }

    /// What is left to do where the cells of this rank know their place: particles relative to them, and the sinks.
    fn with_sinks(
        mut tree: Tree<E>,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
        moved: Option<Vec<Summary<()>>>,
    ) -> Part<E> {
        (tree.active, tree.changes) = (Active::new(bodies, selection), selection.changes);
        let branches = || structure.branches.iter().zip(&tree.summaries);
        match &tree.active {
            Active::All => tree.tiles.iter_mut().for_each(|tile| tile.sinks = tile.present),
            Active::Some(all) => {
                tree.tiles.iter_mut().for_each(|tile| tile.sinks = 0);
                for branch in structure.branches.iter().filter(|branch| branch.child != LEAF) {
                    mark_sinks(&mut tree.tiles, branch.child, active::within(all, &branch.bodies));
                }
            }
        }
        let leaves = leaves(&tree.tiles[..structure.tiles.len()], branches(), &tree.opening);
        tree.particles.place(&tree.frame, bodies, &leaves);
        tree.regions = match gravity.walk {
            Walk::Tree => {
                let (groups, regions) = sink_groups(&tree, gravity, bodies, structure, leaves);
                tree.groups = groups;
                regions
            }
            Walk::Fmm => {
                let size = (bodies.len() / REGION_SHARE).max(REGION_BODIES);
                let mut regions = Vec::new();
                for (branch, summary) in
                    branches().filter(|(branch, _)| tree.active.count(&branch.bodies) > 0)
                {
                    let tile = lone(branch, summary, &tree.opening);
                    sink_regions(&tree.tiles, &tile, branch.key.octant(), size, &mut regions);
                }
                Regions::Cells(regions)
            }
            Walk::Direct => unreachable!("direct summation has no tree"),
        };
        let (branches, leaf_size) = (structure.branches.clone(), gravity.leaf_size as u64);
        Part { branches, leaf_size, moved, tree }
    }

    /// The branches, for all ranks.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut message = Vec::new();
        for (i, branch) in self.branches.iter().enumerate() {
            message.extend_from_slice(&branch.key.bits().to_ne_bytes());
            match &self.moved {
                None => self.tree.summaries[i].write(&mut message),
                Some(places) => places[i].write(&mut message),
            }
        }
        message
    }

    /// Joins the parts of all ranks, by rank: hangs all branches below the cells above them, which every rank computes from the same numbers
    /// in the same order.
    pub(crate) fn join(self, messages: &[Vec<u8>]) -> Tree<E> {
        let local = self.tree.tiles.len() - self.tree.ungrafted.0.len();
        let (mut tree, ranks) = if self.moved.is_some() {
            let (branches, ranks) = read_branches(messages);
            (Tree::follow(self.tree, &branches), ranks)
        } else {
            let (branches, ranks) = read_branches(messages);
            (Tree::new(self, &branches), ranks)
        };
        tree.ranks = ranks;
        tree.ungrafted = (tree.tiles[local..].to_vec(), tree.map.clone());
        tree
    }
}

/// The branches of all ranks with their summaries, and of each rank its branches, from what each said.
#[allow(clippy::type_complexity)]
fn read_branches<M: bytemuck::Pod>(messages: &[Vec<u8>]) -> (Vec<(Key, Summary<M>)>, Vec<Vec<Key>>) {
    let (mut branches, mut ranks) = (Vec::new(), Vec::new());
    for message in messages {
        let (mut message, first) = (&message[..], branches.len());
        while !message.is_empty() {
            let key = Key::from_bits(take(&mut message)).expect("branches have keys");
            branches.push((key, Summary::read(&mut message)));
        }
        ranks.push(branches[first..].iter().map(|(key, _)| *key).collect());
    }
    (branches, ranks)
}

/// A branch in a tile of its own, as it will be in one above this rank's part.
fn lone<E: Expansion>(branch: &Cell, summary: &Summary<E::Moments>, opening: &Opening) -> Tile<E> {
    let mut tile = Tile::empty(branch.key.parent());
    tile.fill(branch.key.octant(), branch.key, summary, opening);
    tile.link(branch.key.octant(), branch.child, &branch.bodies);
    tile
}

/// Marks the lanes of a tile and of all below that hold sinks, given all sinks among its bodies.
fn mark_sinks<E: Expansion>(tiles: &mut [Tile<E>], index: u32, active: &[u32]) {
    if active.is_empty() {
        return;
    }
    let Tile { present, first, count, child, .. } = tiles[index as usize];
    for lane in simd::lanes(present) {
        let some = active::within(active, &(first[lane]..first[lane] + count[lane]));
        tiles[index as usize].sinks |= u8::from(!some.is_empty()) << lane;
        if child[lane] != LEAF {
            mark_sinks(tiles, child[lane], some);
        }
    }
}

/// This rank's leaves, in key order.
fn leaves<'a, E: Expansion>(
    tiles: &[Tile<E>],
    branches: impl Iterator<Item = (&'a Cell, &'a Summary<E::Moments>)>,
    opening: &Opening,
) -> Vec<Leaf> {
    let whole = branches.filter(|(branch, _)| branch.child == LEAF);
    let whole = whole.map(|(branch, summary)| lone::<E>(branch, summary, opening).leaf(branch.key.octant()));
    let mut leaves: Vec<Leaf> = whole.collect();
    for tile in tiles {
        leaves.extend((0..8).filter(|lane| tile.child[*lane] == LEAF).map(|lane| tile.leaf(lane)));
    }
    leaves.par_sort_unstable_by_key(|leaf| leaf.first);
    leaves
}

/// The sink groups of this rank with active bodies, and regions that hold them.
fn sink_groups<E: Expansion>(
    tree: &Tree<E>,
    gravity: &Gravity,
    bodies: &Bodies,
    structure: &Structure,
    leaves: Vec<Leaf>,
) -> (Vec<Group>, Regions) {
    let Tree { frame, opening, softened, active, .. } = tree;
    let mut cells = structure.cells_up_to(gravity.group_size);
    cells.retain(|cell| active.count(&cell.bodies) > 0);
    let extents: Vec<Extent> =
        cells.par_iter().map(|cell| Extent::of(frame, bodies, softened, indices(&cell.bodies))).collect();
    let mut leaves = leaves.into_iter().peekable();
    let groups = cells.iter().zip(&extents).map(|(cell, extent)| {
        let until_end = std::iter::from_fn(|| leaves.next_if(|leaf| leaf.first < cell.bodies.end));
        let mine = until_end.filter(|leaf| leaf.first >= cell.bodies.start).collect();
        Group { bodies: cell.bodies.clone(), region: opening.sinks(extent), leaves: mine }
    });
    let groups = groups.collect();

    let mut extents = cells.iter().zip(extents).peekable();
    let mut regions = Vec::new();
    for region in structure.cells_up_to(gravity.group_size.max(bodies.len() / GROUP_REGION_SHARE)) {
        let mut extent = None;
        while let Some((_, group)) = extents.next_if(|(group, _)| group.bodies.start < region.bodies.end) {
            extent = Some(extent.unwrap_or(Extent::NOTHING).and(&group));
        }
        regions.extend(extent.map(|extent| opening.sinks(&extent).around_any()));
    }
    (groups, Regions::Groups(regions))
}

/// Appends the sink cells from one downward: each with more than `size` bodies by itself, the others together with all below them. Returns the
/// box around all of them.
fn sink_regions<E: Expansion>(
    tiles: &[Tile<E>],
    tile: &Tile<E>,
    lane: usize,
    size: usize,
    regions: &mut Vec<SinkRegion>,
) -> SinkBox {
    if tile.count[lane] as usize <= size || tile.child[lane] == LEAF {
        let sinks = SinkBox::around(tiles, tile, lane);
        regions.push(SinkRegion::Below(sinks));
        return sinks;
    }
    let (start, cell) = (regions.len(), tile.sink(lane));
    regions.extend([SinkRegion::Alone(cell); 2]);
    let below = &tiles[tile.child[lane] as usize];
    let children = simd::lanes(below.sinks).map(|lane| sink_regions(tiles, below, lane, size, regions));
    let sinks = SinkBox::above(&cell, children);
    regions[start] = SinkRegion::Around(sinks, (regions.len() - start - 1) as u32);
    sinks
}

fn indices(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// A cell on its way up to the root.
#[derive(Clone)]
struct Rising<M> {
    summary: Summary<M>,
    child: u32,
    /// Its bodies on this rank.
    bodies: Range<u32>,
    /// Whether it is one of this rank's branches.
    branch: bool,
    /// Whether it is not split.
    leaf: bool,
}

impl<E: Expansion> Tree<E> {
    /// The part of this rank again after its bodies, in the same order, have drifted: cells and particles follow them, moments stay.
    pub(crate) fn drifted(
        mut self,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
    ) -> Part<E> {
        self.tiles.truncate(structure.tiles.len());
        self.particles.truncate(bodies.len());
        self.imported = [0; 2];
        let Tree { tiles, frame, opening, path, .. } = &mut self;
        let places = structure.fold(
            tiles,
            |leaf| summary::place_of_bodies(frame, bodies, *path, indices(&leaf.bodies)),
            |_, children, tile| {
                for (cell, place) in children {
                    tile.shift(cell.key.octant(), cell.key, place, opening);
                }
                summary::of_children::<Place>(children.iter().map(|(_, place)| *place))
            },
        );
        for (summary, place) in self.summaries.iter_mut().zip(&places) {
            (summary.com, summary.radius) = (place.com, place.radius);
        }
        self.tiles.extend_from_slice(&self.ungrafted.0);
        self.map.clone_from(&self.ungrafted.1);
        Part::with_sinks(self, gravity, bodies, structure, selection, Some(places))
    }

    /// The cells above the branches of all ranks follow them, too.
    fn follow(mut tree: Tree<E>, all: &[(Key, Summary<()>)]) -> Tree<E> {
        let top = fold_above(all, &mut |cell, children: &[(usize, Summary<()>)]| {
            let index = tree.map.get(cell).expect("the cells above the branches stay") as usize;
            for (lane, place) in children {
                tree.tiles[index].shift(*lane, cell.child(*lane), place, &tree.opening);
            }
            summary::of_children::<Place>(children.iter().map(|(_, place)| place))
        });
        let root = &mut tree.tiles[tree.root as usize];
        root.shift(0, Key::ROOT, &top.expect("there are bodies"), &tree.opening);
        let above = tree.tiles.len() - tree.ungrafted.0.len();
        for tile in &mut tree.tiles[above..] {
            let bodies = |lane: usize| tile.first[lane]..tile.first[lane] + tile.count[lane];
            let has_sinks = |lane: &usize| tree.active.count(&bodies(*lane)) > 0;
            tile.sinks = simd::lanes(tile.present).filter(has_sinks).fold(0, |bits, lane| bits | 1 << lane);
        }
        tree
    }

    /// A part below the branches of all ranks, in key order.
    fn new(part: Part<E>, all: &[(Key, Summary<E::Moments>)]) -> Tree<E> {
        let Part { branches, mut tree, leaf_size, .. } = part;
        let mut mine = branches.into_iter().peekable();
        let rising: Vec<_> = all
            .iter()
            .map(|(key, summary)| {
                let leaf = summary.count <= leaf_size || key.level() == Key::MAX_LEVEL;
                let rising = match mine.next_if(|cell| cell.key == *key) {
                    Some(cell) => Rising {
                        summary: *summary,
                        child: cell.child,
                        bodies: cell.bodies,
                        branch: true,
                        leaf,
                    },
                    None => Rising { summary: *summary, child: CLOSED, bodies: 0..0, branch: false, leaf },
                };
                (*key, rising)
            })
            .collect();
        assert!(mine.next().is_none(), "this rank's branches are among all");
        let top = fold_above(&rising, &mut |cell, children: &[(usize, Rising<E::Moments>)]| {
            let index = tree.hang(Some(cell), children);
            tree.map.insert(cell, index);
            let summary = summary::of_children::<E>(children.iter().map(|(_, child)| &child.summary));
            let mine = children.iter().map(|(_, child)| &child.bodies).filter(|bodies| !bodies.is_empty());
            let bodies = mine.cloned().reduce(|a, b| a.start..b.end).unwrap_or(0..0);
            Rising { summary, child: index, bodies, branch: false, leaf: false }
        });
        tree.root = tree.hang(None, &[(0, top.expect("there are bodies"))]);
        tree
    }

    /// Adds a tile with these cells as children of `parent`; where it is.
    fn hang(&mut self, parent: Option<Key>, children: &[(usize, Rising<E::Moments>)]) -> u32 {
        let index = self.tiles.len() as u32;
        let mut tile = Tile::empty(parent);
        for (lane, child) in children {
            let key = parent.map_or(Key::ROOT, |parent| parent.child(*lane));
            tile.fill(*lane, key, &child.summary, &self.opening);
            tile.link(*lane, child.child, &child.bodies);
            tile.leaves |= u8::from(child.leaf) << lane;
            tile.sinks |= u8::from(self.active.count(&child.bodies) > 0) << lane;
            if child.branch {
                self.branches.push((key, index, *lane));
            }
        }
        self.tiles.push(tile);
        index
    }

    /// What this `rank` is to tell each rank of its sinks: where they are if they can need anything inside of that rank's branches, else nothing.
    pub(crate) fn requests(&self, rank: usize) -> Vec<Vec<u8>> {
        let mut message = Vec::new();
        self.regions.write(&mut message);
        let regions = self.with_shared(self.regions.clone(), &self.ranks[rank]);
        let wanted = dispatch(self.path, Wanted(Essential { tree: self, regions }));
        let asked = |other: usize| !message.is_empty() && other != rank && wanted[other];
        let request = |other| if asked(other) { message.clone() } else { Vec::new() };
        (0..self.ranks.len()).map(request).collect()
    }

    /// What the sinks of another rank can need of this rank's cells, given its request: a cell stays closed only if no region of theirs can open it.
    pub(crate) fn essential(&self, rank: usize, request: &[u8]) -> Vec<u8> {
        if request.is_empty() {
            return Vec::new();
        }
        let regions = self.with_shared(self.regions.read(request), &self.ranks[rank]);
        dispatch(self.path, Essential { tree: self, regions })
    }

    /// Regions of a rank with these branches; the cells above its branches are sinks as well.
    fn with_shared(&self, mut regions: Regions, branches: &[Key]) -> Regions {
        if let Regions::Cells(cells) = &mut regions {
            let mut shared: Vec<Key> = Vec::new();
            for branch in branches {
                let mut above = branch.parent();
                // Cells above a shared one are there already.
                while let Some(key) = above.filter(|key| !shared.contains(key)) {
                    shared.push(key);
                    above = key.parent();
                }
            }
            cells.extend(shared.into_iter().map(|key| {
                let (tile, lane) = self.place(key);
                SinkRegion::Alone(self.tiles[tile as usize].sink(lane))
            }));
        }
        regions
    }

    /// Tile and lane of a cell whose parent is known.
    fn place(&self, key: Key) -> (u32, usize) {
        match key.parent() {
            None => (self.root, 0),
            Some(parent) => {
                (self.map.get(parent).expect("the parents of known cells are known"), key.octant())
            }
        }
    }

    /// Takes in what another rank found essential for this one.
    pub(crate) fn graft(&mut self, mut message: &[u8]) {
        while !message.is_empty() {
            let key = Key::from_bits(take(&mut message)).expect("messages carry keys");
            let (index, lane) = self.place(key);
            let (child, first, count);
            if take::<u64>(&mut message) == AS_TILE {
                child = self.tiles.len() as u32;
                (first, count) = (0, 0);
                self.tiles.push(Tile::read(key, &mut message));
                self.map.insert(key, child);
                self.imported[0] += 1;
            } else {
                child = LEAF;
                (first, count) = self.particles.read(&mut message, &self.softened);
                self.imported[1] += u64::from(count);
            }
            let parent = &mut self.tiles[index as usize];
            assert!(parent.child[lane] == CLOSED, "{key:?} came twice");
            parent.link(lane, child, &(first..first + count));
        }
    }
}

/// What follows a key in a message: the tile of the cell's children, or the particles of a leaf.
const AS_TILE: u64 = 0;
const AS_BODIES: u64 = 1;

/// The task of [`Tree::requests`]: for each rank, whether the regions can open any of its branches.
struct Wanted<'a, E: Expansion>(Essential<'a, E>);

impl<E: Expansion> Task for Wanted<'_, E> {
    type Output = Vec<bool>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<bool> {
        let tree = self.0.tree;
        // Branches of one tile often follow each other.
        let mut last = (EMPTY, [None; LANES]);
        let mut opens = |key: &Key| {
            let (index, lane) = tree.place(*key);
            if last.0 != index {
                last = (index, self.0.openers::<L>(&tree.tiles[index as usize], 0));
            }
            last.1[lane].is_some()
        };
        tree.ranks.iter().map(|branches| branches.iter().any(&mut opens)).collect()
    }
}

/// The task of [`Tree::essential`].
struct Essential<'a, E: Expansion> {
    tree: &'a Tree<E>,
    regions: Regions,
}

impl<E: Expansion> Task for Essential<'_, E> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<u8> {
        let tree = self.tree;
        let mut message = Vec::new();
        // Cells to open, with the first region that may do so.
        let mut stack: Vec<(Key, u32, usize, usize)> = Vec::new();
        for (key, index, lane) in tree.branches.iter().rev() {
            let opener = self.openers::<L>(&tree.tiles[*index as usize], 0)[*lane];
            stack.extend(opener.map(|opener| (*key, *index, *lane, opener)));
        }
        while let Some((key, index, lane, opener)) = stack.pop() {
            let tile = &tree.tiles[index as usize];
            message.extend_from_slice(bytemuck::bytes_of(&key.bits()));
            if tile.child[lane] == LEAF {
                message.extend_from_slice(bytemuck::bytes_of(&AS_BODIES));
                tree.particles.write(tile.first[lane], tile.count[lane], &mut message);
                continue;
            }
            let index = tile.child[lane];
            let children = &tree.tiles[index as usize];
            message.extend_from_slice(bytemuck::bytes_of(&AS_TILE));
            children.write(&mut message);
            let openers = self.openers::<L>(children, opener).into_iter().enumerate().rev();
            stack.extend(openers.filter_map(|(lane, opener)| Some((key.child(lane), index, lane, opener?))));
        }
        message
    }
}

impl<E: Expansion> Essential<'_, E> {
    /// For each cell of a tile, the first region from `at` on that may open it. Regions before it need not be asked about the cell's children,
    /// since what accepts a cell needs nothing inside.
    #[inline(always)]
    fn openers<L: Lanes>(&self, tile: &Tile<E>, mut at: usize) -> [Option<usize>; LANES] {
        let opening = &self.tree.opening;
        let (mut openers, mut left) = ([None; LANES], tile.present);
        while left != 0 && at < self.regions.len() {
            let (may_open, inside) = match &self.regions {
                Regions::Groups(regions) => (!opening.test::<L, E>(tile, &regions[at]).0, None),
                Regions::Cells(regions) => match &regions[at] {
                    region @ SinkRegion::Around(_, inside) => {
                        (opening.may_open::<L, E>(tile, region), Some(*inside))
                    }
                    region => (opening.may_open::<L, E>(tile, region), None),
                },
            };
            match inside {
                Some(inside) if may_open & left == 0 => at += inside as usize,
                Some(_) => {}
                None => {
                    simd::lanes(may_open & left).for_each(|lane| openers[lane] = Some(at));
                    left &= !may_open;
                }
            }
            at += 1;
        }
        openers
    }
}
