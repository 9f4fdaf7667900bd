//! A neighbour tree made of the cells of a gravity tree, whose bodies are already sorted by key. It
//! needs no keys, no sort and no copies.

use super::{Neighbours, Node, bound_parents, bounds, count};
use crate::Domain;
use crate::tree::structure::Structure;
use crate::tree::tile::LEAF;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// The number of branches below one node, and of such nodes below one of the next level up.
const JOINED: usize = 8;
/// A deepest cell with more bodies than this is sorted anew.
const CROWDED: usize = 1 << 10;

impl<'a> Neighbours<'a> {
    /// The tree over these positions [L] with the cells of `structure`. Results are those of
    /// [`Neighbours::new`]. The positions are those of the structure's bodies, possibly after a
    /// drift, and are neither sorted nor copied. It takes a few bytes per body.
    ///
    /// # Panics
    /// As [`Neighbours::new`], or if the structure has another number of bodies.
    pub fn on_cells(domain: Domain, pos: [&'a [f64]; 3], structure: &Structure) -> Neighbours<'a> {
        let n = count(pos);
        let end = structure.branches.last().map_or(0, |branch| branch.bodies.end);
        assert_eq!(n, end, "bodies, and those of the cells");
        let branches = || structure.branches.iter().cloned();
        let cells = || branches().chain(structure.tiles.iter().flat_map(|tile| tile.cells()));
        // Bodies of a deepest cell are in no order.
        if n == 0 || cells().any(|cell| cell.child == LEAF && cell.bodies.len() > CROWDED) {
            return Neighbours::new(domain, pos);
        }
        // The root comes first, then nodes above the branches, the branches, the children of each tile.
        let mut levels = vec![structure.branches.len()];
        while levels[levels.len() - 1] > 1 {
            levels.push(levels[levels.len() - 1].div_ceil(JOINED));
        }
        let mut next = levels.iter().sum::<usize>() as u32;
        let run = |cells: usize| {
            next += cells as u32;
            next - cells as u32..next
        };
        let below: Vec<Range<u32>> =
            structure.tiles.iter().map(|tile| tile.cells().count()).map(run).collect();
        let mut nodes: Vec<Node> = Vec::with_capacity(next as usize);
        for pair in levels.windows(2).rev() {
            let [children, parents] = [pair[0], pair[1]];
            let first = nodes.len() + parents;
            let node = |parent: usize| {
                let of = parent * JOINED..((parent + 1) * JOINED).min(children);
                Node { children: (first + of.start) as u32..(first + of.end) as u32, ..Node::NOWHERE }
            };
            nodes.extend((0..parents).map(node));
        }
        let above = nodes.len();
        nodes.extend(cells().map(|cell| match cell.child {
            LEAF => Node { bodies: cell.bodies, ..Node::NOWHERE },
            tile => Node { bodies: cell.bodies, children: below[tile as usize].clone(), ..Node::NOWHERE },
        }));
        for parent in (0..above).rev() {
            let Range { start, end } = nodes[parent].children;
            nodes[parent].bodies = nodes[start as usize].bodies.start..nodes[end as usize - 1].bodies.end;
        }
        let bound = |node: &mut Node| node.bounds = bounds(pos, node.bodies.clone());
        nodes.par_iter_mut().with_min_len(1 << 8).filter(|node| node.is_leaf()).for_each(bound);
        bound_parents(&mut nodes, 0);
        Neighbours { domain, order: None, pos: pos.map(Cow::Borrowed), nodes }
    }
}
