//! The tree that sinks walk: this rank's part, the cells above all ranks' branches, and what other ranks have sent.
//!
//! Steps, each needing the one before: [`Part::new`] summarises this rank's bodies; the summaries of the branches of all ranks make
//! a [`Tree`]; [`Tree::essential`] writes what the regions of another rank can need, [`Tree::graft`] takes it in.

use crate::keymap::KeyMap;
use crate::opening::{Opening, Region};
use crate::particles::{Leaf, Particles};
use crate::simd::{Lanes, Path, Task, dispatch};
use crate::softening::Softened;
use crate::structure::{Cell, Structure, fold_above};
use crate::summary::{self, Extent, Summary, take};
use crate::tile::{CLOSED, EMPTY, LEAF, Tile};
use crate::{Bodies, Expansion, Frame, Gravity, Key};
use rayon::prelude::*;
use std::ops::Range;

/// A region holds at most this fraction of a rank's bodies: smaller regions are tighter, and longer to send.
const REGION_SHARE: usize = 128;

/// One rank's part of the tree.
pub struct Part<E: Expansion> {
    /// Key and summary of each branch, in key order.
    pub branches: Vec<(Key, Summary<E::Moments>)>,
    /// Regions that hold all sinks of this rank.
    pub regions: Vec<Region>,
    cells: Vec<Cell>,
    tree: Tree<E>,
}

/// The tree of one rank: its own cells, the cells above, and what was grafted.
pub struct Tree<E: Expansion> {
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
    /// Key, tile and lane of each branch of this rank.
    branches: Vec<(Key, u32, usize)>,
    pub(crate) path: Path,
    /// Cells and bodies grafted.
    pub imported: [u64; 2],
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
    pub fn new(frame: Frame, gravity: &Gravity, bodies: &Bodies, structure: &Structure) -> Part<E> {
        let (opening, softened) = (Opening::new(gravity, &frame), Softened::new(&gravity.softening, &frame));
        let mut tiles = vec![Tile::empty(None); structure.tiles.len()];
        let summaries = structure.fold(
            &mut tiles,
            |leaf| summary::of_bodies::<E>(&frame, bodies, &softened, indices(&leaf.bodies)),
            |split, children, tile| {
                *tile = Tile::empty(Some(split.key));
                for (cell, summary) in children {
                    let lane = cell.key.octant();
                    tile.fill(lane, cell.key, summary, &opening);
                    tile.link(lane, cell.child, &cell.bodies);
                }
                summary::of_children::<E>(children.iter().map(|(_, summary)| summary))
            },
        );
        let mut map = KeyMap::with_capacity(tiles.len());
        structure.tiles.iter().zip(0..).for_each(|(split, tile)| map.insert(split.key, tile));
        let leaves = leaves(&tiles, &structure.branches, &summaries, &opening);
        let particles = Particles::new(&frame, bodies, &softened, &leaves);
        let (groups, regions) = sinks(&frame, &opening, &softened, gravity, bodies, structure, leaves);
        let tree = Tree {
            tiles,
            root: EMPTY,
            particles,
            groups,
            opening,
            softened,
            frame,
            map,
            branches: Vec::new(),
            path: Path::detect(),
            imported: [0; 2],
        };
        let cells = structure.branches.clone();
        let branches = cells.iter().map(|cell| cell.key).zip(summaries).collect();
        Part { branches, regions, cells, tree }
    }
}

/// This rank's leaves, in key order.
fn leaves<E: Expansion>(
    tiles: &[Tile<E>],
    branches: &[Cell],
    summaries: &[Summary<E::Moments>],
    opening: &Opening,
) -> Vec<Leaf> {
    // A branch that is a leaf lies in a tile above this rank's part; the lane that it will fill there is made here for once.
    let whole =
        branches.iter().zip(summaries).filter(|(branch, _)| branch.child == LEAF).map(|(branch, summary)| {
            let mut tile = Tile::<E>::empty(branch.key.parent());
            tile.fill(branch.key.octant(), branch.key, summary, opening);
            tile.link(branch.key.octant(), LEAF, &branch.bodies);
            tile.leaf(branch.key.octant())
        });
    let mut leaves: Vec<Leaf> = whole.collect();
    for tile in tiles {
        leaves.extend((0..8).filter(|lane| tile.child[*lane] == LEAF).map(|lane| tile.leaf(lane)));
    }
    leaves.par_sort_unstable_by_key(|leaf| leaf.first);
    leaves
}

/// The sink groups of this rank, and regions that hold them.
fn sinks(
    frame: &Frame,
    opening: &Opening,
    softened: &Softened,
    gravity: &Gravity,
    bodies: &Bodies,
    structure: &Structure,
    leaves: Vec<Leaf>,
) -> (Vec<Group>, Vec<Region>) {
    let cells = structure.cells_up_to(gravity.group_size);
    let extents: Vec<Extent> =
        cells.par_iter().map(|cell| Extent::of(frame, bodies, softened, indices(&cell.bodies))).collect();
    let mut leaves = leaves.into_iter().peekable();
    let groups = cells.iter().zip(&extents).map(|(cell, extent)| {
        let mine = std::iter::from_fn(|| leaves.next_if(|leaf| leaf.first < cell.bodies.end)).collect();
        Group { bodies: cell.bodies.clone(), region: opening.sinks(extent), leaves: mine }
    });
    let groups = groups.collect();

    let mut extents = cells.iter().zip(extents).peekable();
    let mut regions = Vec::new();
    for region in structure.cells_up_to(gravity.group_size.max(bodies.len() / REGION_SHARE)) {
        let mut extent = Extent::NOTHING;
        while let Some((_, group)) = extents.next_if(|(group, _)| group.bodies.start < region.bodies.end) {
            extent = extent.and(&group);
        }
        regions.push(opening.sinks(&extent).around_any());
    }
    (groups, regions)
}

fn indices(range: &Range<u32>) -> Range<usize> {
    range.start as usize..range.end as usize
}

/// A cell on its way up to the root.
#[derive(Clone)]
struct Rising<M> {
    summary: Summary<M>,
    child: u32,
    bodies: Range<u32>,
    mine: bool,
}

impl<E: Expansion> Tree<E> {
    /// Joins the branches of all ranks, in key order, above this rank's part. The cells above are computed from the same numbers in the
    /// same order on every rank.
    pub fn new(part: Part<E>, all: &[(Key, Summary<E::Moments>)]) -> Tree<E> {
        let Part { cells, mut tree, .. } = part;
        let mut mine = cells.into_iter().peekable();
        let rising: Vec<_> = all
            .iter()
            .map(|(key, summary)| {
                let rising = match mine.next_if(|cell| cell.key == *key) {
                    Some(cell) => {
                        Rising { summary: *summary, child: cell.child, bodies: cell.bodies, mine: true }
                    }
                    None => Rising { summary: *summary, child: CLOSED, bodies: 0..0, mine: false },
                };
                (*key, rising)
            })
            .collect();
        assert!(mine.next().is_none(), "this rank's branches are among all");
        let top = fold_above(&rising, &mut |cell, children: &[(usize, Rising<E::Moments>)]| {
            let index = tree.hang(Some(cell), children);
            tree.map.insert(cell, index);
            let summary = summary::of_children::<E>(children.iter().map(|(_, child)| &child.summary));
            Rising { summary, child: index, bodies: 0..0, mine: false }
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
            if child.mine {
                self.branches.push((key, index, *lane));
            }
        }
        self.tiles.push(tile);
        index
    }

    /// What sinks inside `regions` can need of this rank's cells: a cell stays closed only if every region accepts it.
    pub fn essential(&self, regions: &[Region]) -> Vec<u8> {
        dispatch(self.path, Essential { tree: self, regions })
    }

    /// Takes in what another rank found essential for this one.
    pub fn graft(&mut self, mut message: &[u8]) {
        while !message.is_empty() {
            let key = Key::from_bits(take(&mut message)).expect("messages carry keys");
            let (index, lane) = match key.parent() {
                None => (self.root, 0),
                Some(parent) => (self.map.get(parent).expect("parents travel first"), key.octant()),
            };
            let (child, first, count);
            if take::<u64>(&mut message) == AS_TILE {
                child = self.tiles.len() as u32;
                (first, count) = (0, 0);
                self.tiles.push(Tile::read(key, &mut message));
                self.map.insert(key, child);
                self.imported[0] += 1;
            } else {
                child = LEAF;
                (first, count) = self.particles.read(&mut message);
                self.imported[1] += u64::from(count);
            }
            let parent = &mut self.tiles[index as usize];
            assert!(parent.child[lane] == CLOSED, "{key:?} came twice");
            (parent.child[lane], parent.first[lane], parent.count[lane]) = (child, first, count);
        }
    }
}

/// What follows a key in a message: the tile of the cell's children, or the particles of a leaf.
const AS_TILE: u64 = 0;
const AS_BODIES: u64 = 1;

/// The task of [`Tree::essential`].
struct Essential<'a, E: Expansion> {
    tree: &'a Tree<E>,
    regions: &'a [Region],
}

impl<E: Expansion> Task for Essential<'_, E> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<u8> {
        let tree = self.tree;
        let mut message = Vec::new();
        // Cells to open, with the regions that do not accept them.
        let mut stack: Vec<(Key, u32, usize, Vec<u32>)> = Vec::new();
        let everyone: Vec<u32> = (0..self.regions.len() as u32).collect();
        for (key, index, lane) in tree.branches.iter().rev() {
            let refused = self.refusals::<L>(&tree.tiles[*index as usize], &everyone);
            stack.push((*key, *index, *lane, refused[*lane].clone()));
        }
        while let Some((key, index, lane, refused)) = stack.pop() {
            if refused.is_empty() {
                continue;
            }
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
            let refused = self.refusals::<L>(children, &refused);
            for (lane, refused) in refused.into_iter().enumerate().rev() {
                if children.child[lane] != EMPTY {
                    stack.push((key.child(lane), index, lane, refused));
                }
            }
        }
        message
    }
}

impl<E: Expansion> Essential<'_, E> {
    /// For each cell of a tile, which of these regions do not accept it.
    #[inline(always)]
    fn refusals<L: Lanes>(&self, tile: &Tile<E>, regions: &[u32]) -> [Vec<u32>; 8] {
        let mut refused = [const { Vec::new() }; 8];
        for &region in regions {
            let (accepted, _) = self.tree.opening.test::<L, E>(tile, &self.regions[region as usize]);
            for (lane, refused) in refused.iter_mut().enumerate() {
                if accepted >> lane & 1 == 0 {
                    refused.push(region);
                }
            }
        }
        refused
    }
}
