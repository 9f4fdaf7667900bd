//! The tree that sinks walk: the part of this rank, the cells above the branches of all ranks, and
//! the essential trees of other ranks.
//!
//! Each step needs the one before:
//! 1. [`Part::new`] sums the moments of this rank's bodies.
//! 2. [`Part::join`] adds the largest cells of other ranks, until all parts are joined.
//! 3. [`Part::complete`] makes a [`Tree`] of them.
//! 4. Essential trees add the inside of other ranks' cells (`essential`).
//!
//! With block timesteps, [`Tree::drifted`] returns from the tree to the part: the cells follow
//! their bodies, and the moments stay.

use crate::kernel::lattice::{self, Lattice};
use crate::kernel::simd::{self, Path};
use crate::kernel::softening::Softened;
use crate::message::take;
use crate::tree::index;
use crate::tree::keymap::KeyMap;
use crate::tree::particles::{Leaf, Particles};
use crate::tree::structure::{Cell, Structure, fold_inside};
use crate::tree::summary::{self, Extent, Place, Spread, Summary};
use crate::tree::tile::{CLOSED, EMPTY, LEAF, Tile};
use crate::walk::cell_opening::{SinkBox, SinkRegion};
use crate::walk::opening::{Opening, Region};
use crate::{Active, Bodies, Expansion, Frame, Gravity, Key, Regions, Selection, Walk, bodies::active, math};
use rayon::prelude::*;
use std::ops::Range;

/// A region of sink cells holds at most this fraction of a rank's bodies, or [`REGION_BODIES`].
/// Smaller regions are tighter, but take longer to send.
const REGION_SHARE: usize = 1024;
const REGION_BODIES: usize = 256;
/// The same fraction for regions of sink groups.
const GROUP_REGION_SHARE: usize = 128;

/// The part of the tree of one rank or of a group of ranks.
pub(crate) struct Part<E: Expansion> {
    largest: Largest<E::Moments>,
    leaf_size: u64,
    pub(crate) tree: Tree<E>,
}

/// The largest cells of a part, in key order.
enum Largest<M> {
    /// With fresh moments.
    Fresh(Vec<(Key, Rising<M>)>),
    /// Their places after a drift, if the tree was joined earlier with their moments.
    Moved(Vec<(Key, Summary<Spread>)>),
}

/// The tree of one rank: its own cells, the cells above them, and the grafted cells.
pub(crate) struct Tree<E: Expansion> {
    pub(crate) tiles: Vec<Tile<E>>,
    /// The tile that holds the root in lane 0.
    pub(crate) root: u32,
    pub(crate) particles: Particles,
    pub(crate) groups: Vec<Group>,
    pub(crate) opening: Opening,
    pub(crate) softened: Softened,
    pub(crate) frame: Frame,
    /// Gravitational constant [L^3/(M T^2)].
    pub(crate) constant: f64,
    /// The far images of a periodic box.
    pub(crate) lattice: Option<Lattice>,
    /// Maps the key of a split cell to the tile of its children.
    pub(crate) map: KeyMap,
    /// The number of tiles of this rank's cells. These tiles come first.
    pub(crate) local: u32,
    /// Summary of each branch of this rank, in key order.
    pub(crate) summaries: Vec<Summary<E::Moments>>,
    /// The branches of this rank.
    pub(crate) branches: Vec<Key>,
    /// The largest cells of other ranks, received with their parts, in key order. The number is the
    /// approximate side of a leaf inside the cell, in length units of the frame.
    pub(crate) closed: Vec<(Key, f64)>,
    /// The regions of the sinks of this rank.
    pub(crate) regions: Regions,
    /// The bodies of this rank that are sinks.
    pub(crate) active: Active,
    /// Whether changes of acceleration are written.
    pub(crate) changes: bool,
    pub(crate) path: Path,
    /// Whether bodies have drifted since they were sorted, so that they may have left their cells.
    pub(crate) drifted: bool,
    /// The number of cells and the number of bodies grafted.
    pub(crate) imported: [u64; 2],
    /// Copies of the tiles above the branches and of the map, from before the first graft.
    ungrafted: (Vec<Tile<E>>, KeyMap),
}

/// A cell as a source, in units of its [`Frame`].
#[derive(Clone, Debug)]
pub struct LargestCell {
    /// Centre of mass.
    pub com: [f64; 3],
    /// Upper bound of the distance of a body from the centre of mass.
    pub radius: f64,
    /// Moments `sum m x^a y^b z^c / (a! b! c!)` about the centre of mass, sorted by order, then by
    /// descending a, then by descending b.
    pub moments: Vec<f64>,
    /// `sum m r^n` for the highest even n up to the order.
    pub radial: f64,
}

/// Sinks that share one walk.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) bodies: Range<u32>,
    pub(crate) region: Region,
    pub(crate) leaves: Vec<Leaf>,
}

impl<E: Expansion> Part<E> {
    /// Sums moments upward, from the bodies to the branches of this rank. Finds the groups and
    /// regions of its sinks.
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
            constant: gravity.constant,
            lattice: None,
            map: KeyMap::with_capacity(structure.tiles.len()),
            local: index::tile(structure.tiles.len()),
            summaries,
            branches: structure.branches.iter().map(|branch| branch.key).collect(),
            closed: Vec::new(),
            regions: Regions::Groups(Vec::new()),
            active: Active::All,
            changes: false,
            path,
            drifted: false,
            imported: [0; 2],
            ungrafted: Default::default(),
        };
        for (split, index) in structure.tiles.iter().zip(0..) {
            tree.map.insert(split.key, index);
        }
        Part::with_sinks(tree, gravity, bodies, structure, selection, None)
    }

    /// The steps that remain when the cells of this rank have their places: particles relative to
    /// the cells, and the sinks.
    fn with_sinks(
        mut tree: Tree<E>,
        gravity: &Gravity,
        bodies: &Bodies,
        structure: &Structure,
        selection: Selection,
        moved: Option<Vec<Summary<Spread>>>,
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
        let keys = tree.branches.iter().copied();
        let largest = match moved {
            Some(places) => Largest::Moved(keys.zip(places).collect()),
            None => {
                let rising = |(branch, summary): (&Cell, &Summary<E::Moments>)| {
                    let (child, bodies) = (branch.child, branch.bodies.clone());
                    Rising { summary: *summary, child, bodies, leaf: child == LEAF }
                };
                Largest::Fresh(keys.zip(branches().map(rising)).collect())
            }
        };
        Part { largest, leaf_size: gravity.leaf_size as u64, tree }
    }

    /// Marks the bodies as having drifted since they were sorted.
    pub(crate) fn has_drifted(&mut self) {
        self.tree.drifted = true;
    }

    /// The largest cells, as a message to other ranks.
    pub(crate) fn message(&self) -> Vec<u8> {
        let mut message = Vec::new();
        match &self.largest {
            Largest::Fresh(cells) => cells.iter().for_each(|(key, cell)| {
                message.extend_from_slice(&key.bits().to_ne_bytes());
                cell.summary.write(&mut message);
            }),
            Largest::Moved(cells) => cells.iter().for_each(|(key, place)| {
                message.extend_from_slice(&key.bits().to_ne_bytes());
                place.write(&mut message);
            }),
        }
        message
    }

    /// See [`crate::AnyPart::largest_cell`].
    pub(crate) fn largest_cell(&self) -> LargestCell {
        let summary = &self.tree.summaries[0];
        let moments: &[f64] = bytemuck::cast_slice(std::slice::from_ref(&summary.moments));
        LargestCell {
            com: summary.com,
            radius: summary.radius,
            moments: moments.to_vec(),
            radial: E::radial(&summary.moments),
        }
    }

    /// Joins the largest cells of another part to those of this one; the result holds all bodies
    /// with these keys. Builds the cells above them. Every rank computes these from the same
    /// numbers in the same order.
    pub(crate) fn join(mut self, keys: &Range<u64>, message: &[u8]) -> Part<E> {
        let (tree, leaf_size) = (&mut self.tree, self.leaf_size);
        self.largest = match self.largest {
            Largest::Fresh(mut cells) => {
                for (key, summary) in read(message) {
                    let leaf = summary.count <= leaf_size || key.level() == Key::MAX_LEVEL;
                    let leaves = (summary.count as f64 / leaf_size as f64).max(1.0);
                    tree.closed.push((key, Frame::cell_side(key.level()) / math::cbrt(leaves)));
                    cells.push((key, Rising { summary, child: CLOSED, bodies: 0..0, leaf }));
                }
                Largest::Fresh(fold_inside(cells, keys, &mut |cell, children| tree.merge(cell, children)))
            }
            Largest::Moved(mut cells) => {
                cells.extend(read(message));
                Largest::Moved(fold_inside(cells, keys, &mut |cell, children| tree.follow(cell, children)))
            }
        };
        self
    }

    /// Makes the tree when the parts of all ranks are joined. `bodies` is the total number of
    /// bodies.
    pub(crate) fn complete(self, bodies: u64) -> Tree<E> {
        let Part { largest, mut tree, .. } = self;
        let is_root = |keys: &[Key], counted: u64| {
            assert_eq!(keys, [Key::ROOT], "a part is missing, or there are no bodies");
            assert_eq!(counted, bodies, "bodies of all ranks in the tree, and in all");
        };
        match largest {
            Largest::Fresh(cells) => {
                let (keys, cells): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
                is_root(&keys, cells.iter().map(|cell| cell.summary.count).sum());
                tree.root = tree.hang(None, cells.iter().map(|cell| (0, cell)));
            }
            Largest::Moved(cells) => {
                let (keys, cells): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
                is_root(&keys, cells.iter().map(|cell| cell.count).sum());
                tree.tiles[tree.root as usize].shift(0, Key::ROOT, &cells[0], &tree.opening);
                for tile in &mut tree.tiles[tree.local as usize..] {
                    let bodies = |lane: usize| tile.first[lane]..tile.first[lane] + tile.count[lane];
                    let has_sinks = |lane: &usize| tree.active.count(&bodies(*lane)) > 0;
                    tile.sinks =
                        simd::lanes(tile.present).filter(has_sinks).fold(0, |bits, lane| bits | 1 << lane);
                }
            }
        }
        tree.closed.sort_unstable_by_key(|(key, _)| key.curve().start);
        tree.ungrafted = (tree.tiles[tree.local as usize..].to_vec(), tree.map.clone());
        tree
    }
}

impl<E: Expansion> Tree<E> {
    /// See [`crate::AnyTree::set_far_images`].
    pub(crate) fn set_far_images(&mut self, moments: &lattice::Moments) {
        self.lattice = Some(Lattice::new(moments));
    }
}

/// Reads the largest cells of another part.
fn read<M: bytemuck::Pod>(mut message: &[u8]) -> Vec<(Key, Summary<M>)> {
    let mut cells = Vec::new();
    while !message.is_empty() {
        let key = Key::from_bits(take(&mut message)).expect("cells have keys");
        cells.push((key, Summary::read(&mut message)));
    }
    cells
}

/// A branch in a tile of its own, with the values that it will have in the tile above this rank's
/// part.
fn lone<E: Expansion>(branch: &Cell, summary: &Summary<E::Moments>, opening: &Opening) -> Tile<E> {
    let mut tile = Tile::empty(branch.key.parent());
    tile.fill(branch.key.octant(), branch.key, summary, opening);
    tile.link(branch.key.octant(), branch.child, &branch.bodies);
    tile
}

/// Marks the lanes of a tile, and of all tiles below, that hold sinks. `active` are the sinks among
/// its bodies.
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

/// Appends the sink cells from one cell downward. Each cell with more than `size` bodies has its
/// own region; the others share one with all cells below them. Returns the box around all of them.
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

/// A cell during the upward pass to the root.
#[derive(Clone)]
struct Rising<M> {
    summary: Summary<M>,
    child: u32,
    /// Its bodies on this rank.
    bodies: Range<u32>,
    /// Whether the cell is not split.
    leaf: bool,
}

impl<E: Expansion> Tree<E> {
    /// Returns the part of this rank after its bodies have drifted, in the same order. The cells
    /// and particles follow the bodies; the moments keep their shape ([`Tile::shift`]).
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
        self.drifted = true;
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

    /// Moves a cell above the parts after its children have moved.
    fn follow(&mut self, cell: Key, children: &[(usize, Summary<Spread>)]) -> Summary<Spread> {
        let index = self.map.get(cell).expect("the cells above the parts stay") as usize;
        for (lane, place) in children {
            self.tiles[index].shift(*lane, cell.child(*lane), place, &self.opening);
        }
        summary::of_children::<Place>(children.iter().map(|(_, place)| place))
    }

    /// Builds a cell from its children.
    fn merge(&mut self, cell: Key, children: &[(usize, Rising<E::Moments>)]) -> Rising<E::Moments> {
        let child = self.hang(Some(cell), children.iter().map(|(lane, child)| (*lane, child)));
        self.map.insert(cell, child);
        let summary = summary::of_children::<E>(children.iter().map(|(_, child)| &child.summary));
        let mine = children.iter().map(|(_, child)| &child.bodies).filter(|bodies| !bodies.is_empty());
        let bodies = mine.cloned().reduce(|a, b| a.start..b.end).unwrap_or(0..0);
        Rising { summary, child, bodies, leaf: false }
    }

    /// Adds a tile with these cells as children of `parent`. Returns the index of the tile.
    fn hang<'a>(
        &mut self,
        parent: Option<Key>,
        children: impl Iterator<Item = (usize, &'a Rising<E::Moments>)>,
    ) -> u32 {
        let mut tile = Tile::empty(parent);
        for (lane, child) in children {
            let key = parent.map_or(Key::ROOT, |parent| parent.child(lane));
            tile.fill(lane, key, &child.summary, &self.opening);
            tile.link(lane, child.child, &child.bodies);
            tile.leaves |= u8::from(child.leaf) << lane;
            tile.sinks |= u8::from(self.active.count(&child.bodies) > 0) << lane;
        }
        self.tiles.push(tile);
        index::tile(self.tiles.len() - 1)
    }
}
