//! Essential trees: the cells of this rank's tree that the sinks of another rank may need.
//!
//! A [`Visit`] goes from rank to rank. It starts with the sinks of one rank and the cells of other
//! ranks that they may open. [`Tree::request`] sends it to a rank that has some of these cells.
//! There [`Tree::visit`] looks inside them and finds further cells of other ranks, and so on. Each
//! rank on the route sends the opened cells that no earlier rank on the route has sent
//! ([`Tree::essential`]). The rank of the sinks grafts them onto its tree ([`Tree::graft`]).

use crate::kernel::simd::{self, LANES, Lanes, Task, dispatch};
use crate::message::take;
use crate::tree::build::Tree;
use crate::tree::expansion::Expansion;
use crate::tree::index;
use crate::tree::tile::{CLOSED, LEAF, Tile};
use crate::walk::cell_opening::{SinkBox, SinkRegion, radius_inside};
use crate::walk::opening::Opening;
use crate::walk::regions::{Regions, Wanted};
use crate::{Frame, Key};
use std::ops::Range;

/// Sinks of some rank, and the cells that they may open, as far as this rank has them.
pub struct Visit {
    regions: Regions,
    /// Cells found above the cells of this rank, as part of the message to the sinks' rank.
    found: Vec<u8>,
    /// Cells of this rank to open.
    inside: Vec<Open>,
    /// Cells to open whose inside only other ranks have.
    closed: Vec<Key>,
}

/// Splits a request into its cells and the regions of its sinks. Requests for the same cells are joined
/// by appending regions.
///
/// # Panics
/// If [`Tree::request`] did not write it.
pub fn split_request(request: &[u8]) -> (&[u8], &[u8]) {
    let cells: u64 = take(&mut &*request);
    request.split_at((1 + cells as usize) * size_of::<u64>())
}

/// A cell to open, and the first region that may open it.
struct Open {
    key: Key,
    tile: u32,
    lane: usize,
    region: usize,
}

impl<E: Expansion> Tree<E> {
    /// The sinks of this rank, and the cells of other ranks that they may open.
    pub(crate) fn own_visit(&self) -> Visit {
        let regions = self.all_regions();
        let mut closed: Vec<Key> = self.closed.iter().map(|(key, _)| *key).collect();
        let opens = dispatch(self.path, Cells { tree: self, regions: &regions, cells: &closed });
        let mut opens = opens.into_iter().map(|region| region.is_some());
        closed.retain(|_| opens.next() == Some(true));
        Visit { regions, found: Vec::new(), inside: Vec::new(), closed }
    }

    /// The regions of this rank. In the fmm walk, the cells above its branches are sinks as well if
    /// the rank has sinks. They come first, each before those inside it.
    fn all_regions(&self) -> Regions {
        let Regions::Cells(cells) = &self.regions else { return self.regions.clone() };
        if cells.is_empty() {
            return self.regions.clone();
        }
        let mut shared: Vec<Key> = Vec::new();
        for branch in &self.branches {
            let mut above = branch.parent();
            // The cells above a shared cell are in the list already.
            while let Some(key) = above.filter(|key| !shared.contains(key)) {
                shared.push(key);
                above = key.parent();
            }
        }
        shared.sort_unstable_by_key(|key| key.level());
        let alone = |key: Key| {
            let (tile, lane) = self.place(key);
            SinkRegion::Alone(self.tiles[tile as usize].sink(lane))
        };
        Regions::Cells(shared.into_iter().map(alone).chain(cells.iter().copied()).collect())
    }

    /// The request that continues a visit on a rank of the group with these keys. `None` if the
    /// visit opens no cell there.
    pub(crate) fn request(&self, visit: &Visit, keys: &Range<u64>) -> Option<Vec<u8>> {
        let inside = |key: &&Key| keys.contains(&key.curve().start);
        let cells: Vec<Key> = visit.closed.iter().filter(inside).copied().collect();
        if cells.is_empty() {
            return None;
        }
        let mut message = (cells.len() as u64).to_ne_bytes().to_vec();
        cells.iter().for_each(|key| message.extend_from_slice(&key.bits().to_ne_bytes()));
        let closed = cells.iter().map(|key| self.closed_cell(*key)).collect();
        let wanted = dispatch(self.path, Opens { tree: self, regions: &visit.regions, cells: closed });
        visit.regions.only(&wanted).write(&mut message);
        Some(message)
    }

    fn closed_cell(&self, key: Key) -> Closed {
        let at = self.closed.binary_search_by_key(&key.curve().start, |(key, _)| key.curve().start);
        let (_, leaf_side) = self.closed[at.expect("parts told of all cells that are closed")];
        let (tile, lane) = self.place(key);
        let (centre, half) = (Frame::centre(key), 0.5 * Frame::cell_side(key.level()));
        Closed { tile, lane, centre, half, leaf_side }
    }

    /// Continues the visit of a request. Looks inside its cells, down to the cells of this rank and
    /// to closed cells of other ranks.
    pub(crate) fn visit(&self, mut request: &[u8]) -> Visit {
        let count: u64 = take(&mut request);
        let key = |_| Key::from_bits(take(&mut request)).expect("requests name cells");
        let cells: Vec<Key> = (0..count).map(key).collect();
        let regions = self.regions.read(request);
        let openers = dispatch(self.path, Cells { tree: self, regions: &regions, cells: &cells });
        let open = |(key, region): (Key, Option<usize>)| {
            let (tile, lane) = self.place(key);
            Some(Open { key, tile, lane, region: region? })
        };
        let open = cells.into_iter().zip(openers).filter_map(open).collect();
        let (mut found, mut inside, mut closed) = (Vec::new(), Vec::new(), Vec::new());
        let elsewhere = Elsewhere { inside: &mut inside, closed: &mut closed };
        let task =
            Descent { tree: self, regions: &regions, open, found: &mut found, elsewhere: Some(elsewhere) };
        dispatch(self.path, task);
        Visit { regions, found, inside, closed }
    }

    /// Appends to a message the cells of this rank's tree that a visit needs. A cell stays closed
    /// only if no region can open it.
    pub(crate) fn essential(&self, visit: Visit, message: &mut Vec<u8>) {
        let Visit { regions, found, inside, .. } = visit;
        message.extend_from_slice(&found);
        let task = Descent { tree: self, regions: &regions, open: inside, found: message, elsewhere: None };
        dispatch(self.path, task);
    }

    /// Tile and lane of a cell. The tree must contain its parent.
    fn place(&self, key: Key) -> (u32, usize) {
        match key.parent() {
            None => (self.root, 0),
            Some(parent) => {
                (self.map.get(parent).expect("the parents of known cells are known"), key.octant())
            }
        }
    }

    /// Adds the essential tree that another rank has sent.
    pub(crate) fn graft(&mut self, mut message: &[u8]) {
        while !message.is_empty() {
            let key = Key::from_bits(take(&mut message)).expect("messages carry keys");
            let (index, lane) = self.place(key);
            let mut stack = vec![(key, index, lane)];
            while let Some((key, index, lane)) = stack.pop() {
                let parent = &self.tiles[index as usize];
                assert!(parent.child[lane] == CLOSED, "{key:?} came twice");
                let (child, bodies);
                if parent.leaves >> lane & 1 == 1 {
                    let (first, count) = self.particles.read(&mut message, &self.softened);
                    (child, bodies) = (LEAF, first..first + count);
                    self.imported[1] += u64::from(count);
                } else {
                    let (tile, follow) = Tile::read(key, &mut message);
                    (child, bodies) = (index::tile(self.tiles.len()), 0..0);
                    self.tiles.push(tile);
                    self.map.insert(key, child);
                    self.imported[0] += 1;
                    let below = (0..LANES).rev().filter(|lane| follow >> lane & 1 == 1);
                    stack.extend(below.map(|lane| (key.child(lane), child, lane)));
                }
                self.tiles[index as usize].link(lane, child, &bodies);
            }
        }
    }
}

/// The task that finds, for each of some cells, the first region that may open it.
struct Cells<'a, E: Expansion> {
    tree: &'a Tree<E>,
    regions: &'a Regions,
    cells: &'a [Key],
}

impl<E: Expansion> Task for Cells<'_, E> {
    type Output = Vec<Option<usize>>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Self::Output {
        // Cells of one tile often follow each other.
        let mut last = (u32::MAX, [None; LANES]);
        let mut found = Vec::with_capacity(self.cells.len());
        for key in self.cells {
            let (index, lane) = self.tree.place(*key);
            if last.0 != index {
                let tile = &self.tree.tiles[index as usize];
                last = (index, openers::<L, E>(&self.tree.opening, self.regions, tile, 0));
            }
            found.push(last.1[lane]);
        }
        found
    }
}

/// A cell whose inside only other ranks have.
struct Closed {
    tile: u32,
    lane: usize,
    centre: [f64; 3],
    half: f64,
    /// Approximate side of a leaf inside the cell.
    leaf_side: f64,
}

/// Limit of the extent of a box of sinks, as a fraction of its distance from a cell. Up to this
/// limit, or up to the side of a leaf of the cell, the box is sent without the regions inside it.
/// It then opens hardly more cells than the regions would.
const FAR: f64 = 0.25;

impl Closed {
    /// Whether the regions inside a box are worth sending.
    fn is_near(&self, sinks: &SinkBox, periodic: bool) -> bool {
        let (mut extent, mut gap2) = (0f64, 0f64);
        for axis in 0..3 {
            let [lo, hi] =
                [sinks.bounds.lo, sinks.bounds.hi].map(|corner| f64::from(corner[axis]) - self.centre[axis]);
            extent = extent.max(hi - lo);
            let gap = |shift: f64| (lo + shift - self.half).max(-self.half - hi - shift).max(0.0);
            let side = if periodic { Frame::SIDE } else { 0.0 };
            gap2 += gap(0.0).min(gap(side)).min(gap(-side)).powi(2);
        }
        extent > self.leaf_side.max(FAR * gap2.sqrt())
    }
}

/// The task that finds how much of each region another rank needs. That rank uses the regions to
/// find what they may open among some cells and inside them.
struct Opens<'a, E: Expansion> {
    tree: &'a Tree<E>,
    regions: &'a Regions,
    cells: Vec<Closed>,
}

impl<E: Expansion> Task for Opens<'_, E> {
    type Output = Vec<Wanted>;

    #[inline(always)]
    fn run<L: Lanes>(self) -> Vec<Wanted> {
        let Opens { tree, regions, cells } = self;
        let side_of_children = |cell: &Closed| if tree.drifted { f64::INFINITY } else { cell.half };
        // For cells of one tile: per lane, an upper bound of the radius of the cells inside.
        let radii = |cells: &[Closed]| {
            let tile = &tree.tiles[cells[0].tile as usize];
            let mut radii = [0.0; LANES];
            for cell in cells {
                radii[cell.lane] = radius_inside(tile.radius[cell.lane], side_of_children(cell) as f32);
            }
            radii
        };
        let of_one_tile = cells.chunk_by(|a, b| a.tile == b.tile);
        let chunks: Vec<_> = of_one_tile.map(|cells| (cells, radii(cells))).collect();
        let mut wanted = vec![Wanted::Nothing; regions.len()];
        // For each chunk, the lanes of its tile that a sink cell above the current region may open.
        // The region inherits the cells inside.
        let mut inherited = vec![0; chunks.len()];
        // Stack of the ends of the regions around the current one. Each end comes with the lanes
        // that are inherited behind it.
        let mut ends: Vec<(usize, Vec<u8>)> = Vec::new();
        let mut at = 0;
        while at < regions.len() {
            while let Some((_, behind)) = ends.pop_if(|(end, _)| *end == at) {
                inherited = behind;
            }
            let around = regions.around(at);
            for ((cells, radius), inherited) in chunks.iter().zip(&mut inherited) {
                let tile = &tree.tiles[cells[0].tile as usize];
                let asked = cells.iter().fold(0, |lanes, cell| lanes | 1 << cell.lane);
                let opened = may_open::<L, E>(&tree.opening, regions, tile, at) & asked;
                let mut concerned = opened;
                if *inherited & !opened != 0 {
                    concerned |=
                        *inherited & regions.may_open_inside::<L, E>(&tree.opening, tile, radius, at);
                }
                if regions.is_one_cell(at) {
                    *inherited |= opened;
                }
                if concerned != 0 && wanted[at] == Wanted::Nothing {
                    wanted[at] = Wanted::Whole;
                }
                if let Some((sinks, _)) = around
                    && cells.iter().any(|cell| {
                        concerned >> cell.lane & 1 == 1 && cell.is_near(sinks, tree.opening.periodic)
                    })
                {
                    wanted[at] = Wanted::Parts;
                    break;
                }
            }
            at += 1;
            if let Some((_, inside)) = around {
                if wanted[at - 1] == Wanted::Parts {
                    ends.push((at + inside, inherited.clone()));
                } else {
                    at += inside;
                }
            }
        }
        wanted
    }
}

/// Cells that a descent does not enter.
struct Elsewhere<'a> {
    inside: &'a mut Vec<Open>,
    closed: &'a mut Vec<Key>,
}

/// The task that writes open cells, and all cells inside that regions may open, each tile before
/// those below it.
///
/// Without `elsewhere` it writes all of them, otherwise only those above the cells of this rank. A
/// key comes before its cell, unless the tile above announces the cell.
struct Descent<'a, E: Expansion> {
    tree: &'a Tree<E>,
    regions: &'a Regions,
    open: Vec<Open>,
    found: &'a mut Vec<u8>,
    elsewhere: Option<Elsewhere<'a>>,
}

impl<E: Expansion> Descent<'_, E> {
    /// Returns the cell unless the descent does not enter it; then adds it to `elsewhere`.
    fn here(&mut self, open: Open) -> Option<Open> {
        let Some(elsewhere) = &mut self.elsewhere else { return Some(open) };
        match self.tree.tiles[open.tile as usize].child[open.lane] {
            CLOSED => elsewhere.closed.push(open.key),
            child if child == LEAF || child < self.tree.local => elsewhere.inside.push(open),
            _ => return Some(open),
        }
        None
    }
}

impl<E: Expansion> Task for Descent<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(mut self) {
        let (tree, regions) = (self.tree, self.regions);
        let mut stack: Vec<Open> = Vec::new();
        for open in std::mem::take(&mut self.open) {
            let Some(open) = self.here(open) else { continue };
            self.found.extend_from_slice(&open.key.bits().to_ne_bytes());
            stack.push(open);
            while let Some(Open { key, tile, lane, region }) = stack.pop() {
                let tile = &tree.tiles[tile as usize];
                let child = tile.child[lane];
                if child == LEAF {
                    tree.particles.write(tile.first[lane], tile.count[lane], self.found);
                    continue;
                }
                let children = &tree.tiles[child as usize];
                let (before, mut follow) = (stack.len(), 0);
                for (lane, region) in
                    openers::<L, E>(&tree.opening, regions, children, region).into_iter().enumerate()
                {
                    let open = region.map(|region| Open { key: key.child(lane), tile: child, lane, region });
                    if let Some(open) = open.and_then(|open| self.here(open)) {
                        follow |= 1 << lane;
                        stack.push(open);
                    }
                }
                stack[before..].reverse();
                children.write(follow, self.found);
            }
        }
    }
}

/// For each cell of a tile, the first region from `at` on that may open it.
///
/// Earlier regions need not be tested against the children of the cell. A sink group that accepts
/// the cell needs nothing inside it; for sink cells, `cell_opening` has the proof.
#[inline(always)]
fn openers<L: Lanes, E: Expansion>(
    opening: &Opening,
    regions: &Regions,
    tile: &Tile<E>,
    mut at: usize,
) -> [Option<usize>; LANES] {
    let (mut openers, mut left) = ([None; LANES], tile.sources);
    while left != 0 && at < regions.len() {
        let may_open = may_open::<L, E>(opening, regions, tile, at) & left;
        match regions.around(at) {
            Some((_, inside)) if may_open == 0 => at += inside,
            Some(_) => {}
            None => {
                simd::lanes(may_open).for_each(|lane| openers[lane] = Some(at));
                left &= !may_open;
            }
        }
        at += 1;
    }
    openers
}

/// The cells of a tile that a region, or any region inside it, may open.
#[inline(always)]
fn may_open<L: Lanes, E: Expansion>(opening: &Opening, regions: &Regions, tile: &Tile<E>, at: usize) -> u8 {
    match regions {
        Regions::Groups(regions) if opening.periodic => !opening.test_images::<L, E>(tile, &regions[at]),
        Regions::Groups(regions) => !opening.test::<L, E>(tile, &regions[at]).0,
        Regions::Cells(regions) => opening.may_open::<L, E>(tile, &regions[at]),
    }
}
