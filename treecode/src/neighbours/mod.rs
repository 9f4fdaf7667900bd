//! Neighbours of bodies on the oct-tree: the distances to the nearest (`distances`, `nearest`), and the
//! pairs within a distance (`links`).
//!
//! Each cell has the box around its bodies, which is tighter than the cube of its key. All
//! comparisons use squares of distances that are computed by one function, so the results are those
//! of testing all pairs, bit by bit. A deepest cell with too many bodies (a compact clump in a wide
//! cube) gets keys and a tree of its own.
//!
//! This tree is not that of gravity. Its bodies are any bodies of one rank, for instance one type or
//! every fourth, in any order; its leaves hold 16 bodies and its boxes are in double precision,
//! because every comparison is exact.

mod distances;
mod links;
mod nearest;
#[cfg(test)]
mod tests;

use crate::bodies::radix::sort_keys;
use crate::tree::structure::{Cell, grow};
use crate::tree::tile::LEAF;
use crate::{Bounds, Cube, Domain, Key, math, tree::index};
use rayon::prelude::*;
use std::ops::Range;

/// The greatest number of bodies in a leaf.
const LEAF_SIZE: usize = 16;
/// The greatest number of bodies that search among shared candidates.
const GROUP_SIZE: usize = 32;

/// A tree over positions for neighbour searches. In a periodic box, the distance between two bodies
/// is that between their nearest images.
pub struct Neighbours {
    domain: Domain,
    /// Index of each body, in the order of the tree.
    order: Vec<u32>,
    /// Positions in the order of the tree [L].
    pos: [Vec<f64>; 3],
    /// The root comes first; children come after their parent.
    nodes: Vec<Node>,
}

/// A cell, or a single position without bodies.
#[derive(Clone, Debug)]
struct Node {
    bounds: Bounds,
    /// Range of its bodies in the order of the tree.
    bodies: Range<u32>,
    /// Range of its children in the list of nodes; empty for a leaf.
    children: Range<u32>,
}

impl Neighbours {
    /// Builds the tree over these positions [L], all finite; in a periodic box, all inside it. It
    /// takes 40 bytes per body.
    ///
    /// # Panics
    /// If the numbers of x, y and z coordinates differ, or there are more bodies than 32-bit
    /// indices can number.
    pub fn new(domain: Domain, pos: [&[f64]; 3]) -> Neighbours {
        let n = pos[0].len();
        assert!(pos.iter().all(|axis| axis.len() == n), "coordinates of another number of bodies");
        let order: Vec<u32> = (0..index::body(n)).collect();
        let mut all = Neighbours { domain, order, pos: pos.map(<[f64]>::to_vec), nodes: Vec::new() };
        if n > 0 {
            all.nodes.push(all.leaf(0..n as u32));
            all.plant();
        }
        all
    }

    /// Grows a tree below each leaf with too many bodies, as long as this divides the leaf.
    fn plant(&mut self) {
        let mut crowded = vec![(0, f64::INFINITY)];
        while let Some((node, extent)) = crowded.pop() {
            let own = self.nodes[node].extent();
            if self.nodes[node].bodies.len() > LEAF_SIZE && own > 0.0 && own < extent {
                let first = self.nodes.len();
                self.plant_below(node);
                let too_full =
                    |node: &usize| self.nodes[*node].is_leaf() && self.nodes[*node].bodies.len() > LEAF_SIZE;
                crowded.extend((first..self.nodes.len()).filter(too_full).map(|node| (node, own)));
            }
        }
    }

    /// Sorts the bodies of a leaf by their keys in a cube of their own, and grows a tree over them.
    fn plant_below(&mut self, node: usize) {
        let Node { bounds, bodies, .. } = self.nodes[node].clone();
        let range = bodies.start as usize..bodies.end as usize;
        let cube = Cube::around(bounds.lo, bounds.hi);
        let mut keys = vec![0; range.len()];
        const SPAN: usize = 1 << 13;
        let [x, y, z] = self.pos.each_ref().map(|axis| axis[range.clone()].par_chunks(SPAN));
        (keys.par_chunks_mut(SPAN), x, y, z)
            .into_par_iter()
            .for_each(|(keys, x, y, z)| cube.keys([x, y, z], keys));
        let (keys, order) = sort_keys(&keys, &|a, b| a.cmp(&b));
        reorder(&mut self.order[range.clone()], &order);
        self.pos.iter_mut().for_each(|axis| reorder(&mut axis[range.clone()], &order));

        let structure = grow(&keys, &Key::CURVE, LEAF_SIZE);
        let mut firsts = Vec::with_capacity(structure.tiles.len() + 1);
        firsts.push(self.nodes.len() as u32);
        for tile in &structure.tiles {
            firsts.push(firsts[firsts.len() - 1] + tile.cells().count() as u32);
        }
        let children = |tile: u32| firsts[tile as usize]..firsts[tile as usize + 1];
        let grown: Vec<Vec<Node>> = structure
            .tiles
            .par_iter()
            .with_min_len(64)
            .map(|tile| {
                let node = |cell: Cell| {
                    let places = bodies.start + cell.bodies.start..bodies.start + cell.bodies.end;
                    match cell.child {
                        LEAF => self.leaf(places),
                        child => Node { bodies: places, children: children(child), ..Node::NOWHERE },
                    }
                };
                tile.cells().map(node).collect()
            })
            .collect();
        if !structure.tiles.is_empty() {
            self.nodes[node].children = children(0);
        }
        let first = self.nodes.len();
        self.nodes.extend(grown.into_iter().flatten());
        for parent in (first..self.nodes.len()).rev() {
            for child in self.nodes[parent].children.clone() {
                self.nodes[parent].bounds = self.nodes[parent].bounds.and(&self.nodes[child as usize].bounds);
            }
        }
    }

    /// A leaf with these bodies.
    fn leaf(&self, bodies: Range<u32>) -> Node {
        let bounds = bodies.clone().map(|place| self.position(place)).collect();
        Node { bounds, bodies, ..Node::NOWHERE }
    }

    fn position(&self, place: u32) -> [f64; 3] {
        self.pos.each_ref().map(|axis| axis[place as usize])
    }

    fn children(&self, node: &Node) -> &[Node] {
        &self.nodes[node.children.start as usize..node.children.end as usize]
    }

    /// The difference of the coordinates of two bodies.
    fn difference(&self, a: u32, b: u32) -> [f64; 3] {
        let (a, b) = (self.position(a), self.position(b));
        std::array::from_fn(|axis| a[axis] - b[axis])
    }

    /// At least one and at most `most` boxes that together contain all bodies. None if there are no
    /// bodies.
    pub fn boxes(&self, most: usize) -> Vec<Bounds> {
        let mut cells: Vec<&Node> = self.nodes.first().into_iter().collect();
        while let Some(place) = (0..cells.len())
            .filter(|i| !cells[*i].is_leaf())
            .max_by(|a, b| cells[*a].extent().total_cmp(&cells[*b].extent()))
        {
            let children = self.children(cells[place]);
            if cells.len() - 1 + children.len() > most {
                break;
            }
            cells.swap_remove(place);
            cells.extend(children);
        }
        cells.iter().map(|node| node.bounds).collect()
    }
}

fn reorder<T: Copy + Send + Sync>(values: &mut [T], order: &[u32]) {
    let before = values.to_vec();
    values
        .par_iter_mut()
        .with_min_len(1 << 13)
        .zip(order)
        .for_each(|(value, from)| *value = before[*from as usize]);
}

impl Node {
    /// A box that contains nothing.
    const NOWHERE: Node = Node { bounds: Bounds::NOTHING, bodies: 0..0, children: 0..0 };

    fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// The longest side of the box.
    fn extent(&self) -> f64 {
        self.bounds.extent()
    }

    /// Side of the cube that would hold `count` of the bodies if they were spread evenly. A very
    /// flat box counts as a thicker one.
    fn even_distance(&self, count: usize) -> f64 {
        let (longest, Bounds { lo, hi }) = (self.extent(), self.bounds);
        let volume: f64 = (0..3).map(|axis| (hi[axis] - lo[axis]).max(0.1 * longest)).product();
        math::cbrt(volume * count as f64 / self.bodies.len() as f64)
    }
}
