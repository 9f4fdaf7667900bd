//! Links between bodies within a distance, for friends-of-friends groups.

use crate::geometry::domain::{Space, with_space};
use crate::neighbours::{Neighbours, Node};
use rayon::prelude::*;

/// The links inside a cell with more bodies than this are divided into tasks.
const MANY: usize = 1 << 12;

impl Neighbours<'_> {
    /// Calls `visit(i, j)` for pairs of bodies within `radius` [L] of each other.
    ///
    /// Not all such pairs are visited, but enough: bodies that all pairs connect are also connected
    /// by the visited ones (friends-of-friends, Davis et al. 1985). So dense regions cost no more
    /// than others. The calls come from several threads, in no order.
    pub fn links(&self, radius: f64, visit: &(impl Fn(usize, usize) + Sync)) {
        let call = |a: u32, b: u32| visit(self.name(a) as usize, self.name(b) as usize);
        if !self.nodes.is_empty() {
            with_space!(self.domain, space => self.link_inside(space, &self.nodes[0], radius * radius, &call));
        }
    }

    fn link_inside(&self, space: impl Space, node: &Node, square: f64, visit: &(impl Fn(u32, u32) + Sync)) {
        let bodies = || node.bodies.clone();
        if is_linked(space, node, square) {
            bodies().skip(1).for_each(|b| visit(b - 1, b));
        } else if node.is_leaf() {
            for (a, b) in bodies().flat_map(|a| (a + 1..node.bodies.end).map(move |b| (a, b))) {
                if space.square(self.difference(a, b)) <= square {
                    visit(a, b);
                }
            }
        } else {
            let children = self.children(node);
            let pairs: Vec<(usize, usize)> =
                (0..children.len()).flat_map(|a| (a..children.len()).map(move |b| (a, b))).collect();
            let link = |(a, b): (usize, usize)| match a == b {
                true => self.link_inside(space, &children[a], square, visit),
                false => self.link_between(space, &children[a], &children[b], square, visit),
            };
            match node.bodies.len() > MANY {
                true => pairs.into_par_iter().with_max_len(1).for_each(link),
                false => pairs.into_iter().for_each(link),
            }
        }
    }

    fn link_between(
        &self,
        space: impl Space,
        a: &Node,
        b: &Node,
        square: f64,
        visit: &(impl Fn(u32, u32) + Sync),
    ) {
        if space.gap(&a.bounds, &b.bounds) > square {
            return;
        }
        if is_linked(space, a, square) && is_linked(space, b, square) {
            self.first_pair(space, a, b, square).into_iter().for_each(|(a, b)| visit(a, b));
        } else if space.farthest(&a.bounds, &b.bounds) <= square {
            b.bodies.clone().for_each(|j| visit(a.bodies.start, j));
            a.bodies.clone().skip(1).for_each(|i| visit(i, b.bodies.start));
        } else if a.is_leaf() && b.is_leaf() {
            self.pairs(space, a, b, square).for_each(|(a, b)| visit(a, b));
        } else {
            let (wide, other) = in_order_of_division(a, b);
            for child in self.children(wide) {
                self.link_between(space, child, other, square, visit);
            }
        }
    }

    /// A pair of bodies within the distance, one from each cell, if there is one.
    fn first_pair(&self, space: impl Space, a: &Node, b: &Node, square: f64) -> Option<(u32, u32)> {
        if space.gap(&a.bounds, &b.bounds) > square {
            None
        } else if space.farthest(&a.bounds, &b.bounds) <= square {
            Some((a.bodies.start, b.bodies.start))
        } else if a.is_leaf() && b.is_leaf() {
            self.pairs(space, a, b, square).next()
        } else {
            let (wide, other) = in_order_of_division(a, b);
            self.children(wide).iter().find_map(|child| self.first_pair(space, child, other, square))
        }
    }

    /// All pairs of bodies within the distance, one from each cell.
    fn pairs(&self, space: impl Space, a: &Node, b: &Node, square: f64) -> impl Iterator<Item = (u32, u32)> {
        let others = b.bodies.clone();
        let all = a.bodies.clone().flat_map(move |a| others.clone().map(move |b| (a, b)));
        all.filter(move |&(a, b)| space.square(self.difference(a, b)) <= square)
    }
}

/// Whether all bodies are within the distance of each other.
fn is_linked(space: impl Space, node: &Node, square: f64) -> bool {
    space.farthest(&node.bounds, &node.bounds) <= square
}

/// The cell to divide, and the other. At least one of them must not be a leaf.
fn in_order_of_division<'a>(a: &'a Node, b: &'a Node) -> (&'a Node, &'a Node) {
    if b.is_leaf() || (!a.is_leaf() && a.extent() >= b.extent()) { (a, b) } else { (b, a) }
}
