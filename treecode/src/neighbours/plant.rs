//! Builds the neighbour tree over bodies in any order.

use super::{LEAF_SIZE, Neighbours, Node, bound_parents, bounds, count};
use crate::bodies::radix::sort_keys;
use crate::tree::structure::{Cell, grow};
use crate::tree::tile::LEAF;
use crate::{Cube, Domain, Key};
use rayon::prelude::*;
use std::borrow::Cow;

/// A tree under construction. The fields are those of [`Neighbours`].
struct Growing {
    order: Vec<u32>,
    pos: [Vec<f64>; 3],
    nodes: Vec<Node>,
}

impl Neighbours<'_> {
    /// Builds the tree over these positions [L], all finite; in a periodic box, all inside it. It
    /// takes 40 bytes per body.
    ///
    /// # Panics
    /// If the numbers of x, y and z coordinates differ, or there are more bodies than 32-bit
    /// indices can number.
    pub fn new(domain: Domain, pos: [&[f64]; 3]) -> Neighbours<'static> {
        let n = count(pos);
        let mut tree = Growing { order: (0..n).collect(), pos: pos.map(<[f64]>::to_vec), nodes: Vec::new() };
        if n > 0 {
            tree.nodes.push(Node { bounds: bounds(pos, 0..n), bodies: 0..n, ..Node::NOWHERE });
            tree.plant();
        }
        Neighbours { domain, order: Some(tree.order), pos: tree.pos.map(Cow::Owned), nodes: tree.nodes }
    }
}

impl Growing {
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
        let Node { bounds: around, bodies, .. } = self.nodes[node].clone();
        let range = bodies.start as usize..bodies.end as usize;
        let cube = Cube::around(around.lo, around.hi);
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
        let pos = self.pos.each_ref().map(Vec::as_slice);
        let grown: Vec<Vec<Node>> = structure
            .tiles
            .par_iter()
            .with_min_len(64)
            .map(|tile| {
                let node = |cell: Cell| {
                    let places = bodies.start + cell.bodies.start..bodies.start + cell.bodies.end;
                    match cell.child {
                        LEAF => Node { bounds: bounds(pos, places.clone()), bodies: places, ..Node::NOWHERE },
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
        bound_parents(&mut self.nodes, first);
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
