//! Neighbours of bodies: the distances to the nearest (`distances`, `nearest`), the pairs within a
//! distance (`links`), and the bodies that may have neighbours in other boxes (`near`).
//!
//! Each cell has the box around its bodies, which is tighter than the cube of its key. All
//! comparisons use squared distances from one function, so the results equal those of testing all
//! pairs, bit for bit. A deepest cell with too many bodies (a compact clump in a wide cube) gets
//! keys and a tree of its own.
//!
//! `plant` builds a tree of its own over any bodies of one rank in any order, for instance those of
//! one type. Its leaves hold 16 bodies. `cells` uses the cells of the gravity tree instead. Boxes
//! are in double precision, because every comparison is exact.

mod cells;
mod distances;
mod links;
mod near;
mod nearest;
mod plant;
#[cfg(test)]
mod tests;

use crate::tree::index;
use crate::{Bounds, Domain, math};
use std::borrow::Cow;
use std::ops::Range;

/// The greatest number of bodies in a leaf.
const LEAF_SIZE: usize = 16;
/// The greatest number of bodies that search among shared candidates.
const GROUP_SIZE: usize = 32;

/// A tree over positions for neighbour searches. In a periodic box, the distance between two bodies
/// is that between their nearest images.
pub struct Neighbours<'a> {
    domain: Domain,
    /// Index of each body, in the order of the tree. `None` if that is the order given.
    order: Option<Vec<u32>>,
    /// Positions in the order of the tree [L].
    pos: [Cow<'a, [f64]>; 3],
    /// The root comes first; children come after their parent.
    nodes: Vec<Node>,
}

/// A cell, or several cells that are joined.
#[derive(Clone, Debug)]
struct Node {
    bounds: Bounds,
    /// Range of its bodies in the order of the tree.
    bodies: Range<u32>,
    /// Range of its children in the list of nodes; empty for a leaf.
    children: Range<u32>,
}

impl Neighbours<'_> {
    fn len(&self) -> usize {
        self.pos[0].len()
    }

    /// The index that was given to the body at a place of the tree.
    fn name(&self, place: u32) -> u32 {
        self.order.as_ref().map_or(place, |order| order[place as usize])
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

/// The number of bodies with these coordinates.
///
/// # Panics
/// If the numbers of x, y and z coordinates differ, or 32-bit indices cannot number the bodies.
fn count(pos: [&[f64]; 3]) -> u32 {
    let n = pos[0].len();
    assert!(pos.iter().all(|axis| axis.len() == n), "coordinates of another number of bodies");
    index::body(n)
}

/// The box around some bodies.
fn bounds(pos: [&[f64]; 3], bodies: Range<u32>) -> Bounds {
    bodies.map(|place| pos.map(|axis| axis[place as usize])).collect()
}

/// Computes the boxes of all nodes from `first` on that have children.
fn bound_parents(nodes: &mut [Node], first: usize) {
    for parent in (first..nodes.len()).rev() {
        for child in nodes[parent].children.clone() {
            nodes[parent].bounds = nodes[parent].bounds.and(&nodes[child as usize].bounds);
        }
    }
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
