//! The bodies that may have neighbours in other boxes.

use super::{Neighbours, Node};
use crate::Bounds;
use crate::geometry::domain::{Space, with_space};
use rayon::prelude::*;

impl Neighbours<'_> {
    /// For each list of boxes, the indices of the bodies that are near one of its boxes: the square
    /// of the distance [L^2] is at most the body's entry in `squares`, which are in the order of
    /// the positions given. A cell far from all boxes is skipped with all its bodies.
    pub fn near(&self, lists: &[Vec<Bounds>], squares: &[f64]) -> Vec<Vec<usize>> {
        if self.nodes.is_empty() {
            return vec![Vec::new(); lists.len()];
        }
        let greatest = |node: &Node| match node.is_leaf() {
            true => node.bodies.clone().map(|i| squares[self.name(i) as usize]).fold(0.0, f64::max),
            false => 0.0,
        };
        let mut farthest: Vec<f64> = self.nodes.par_iter().with_min_len(1 << 9).map(greatest).collect();
        for parent in (0..self.nodes.len()).rev() {
            for child in self.nodes[parent].children.clone() {
                farthest[parent] = farthest[parent].max(farthest[child as usize]);
            }
        }
        let near = |boxes: &Vec<Bounds>| {
            let mut found = Vec::new();
            with_space!(self.domain, space => self.near_below(space, 0, boxes, squares, &farthest, &mut found));
            found
        };
        lists.par_iter().map(near).collect()
    }

    /// Appends the bodies of a node that are near one of the boxes. `farthest` is the greatest of the
    /// squares of each node.
    fn near_below(
        &self,
        space: impl Space,
        node: u32,
        boxes: &[Bounds],
        squares: &[f64],
        farthest: &[f64],
        found: &mut Vec<usize>,
    ) {
        let Node { bounds, bodies, children } = &self.nodes[node as usize];
        let is_near = |around: &Bounds| space.gap(around, bounds) <= farthest[node as usize];
        let close: Vec<Bounds> = boxes.iter().copied().filter(is_near).collect();
        if close.is_empty() {
            return;
        }
        children.clone().for_each(|child| self.near_below(space, child, &close, squares, farthest, found));
        if children.is_empty() {
            found.extend(bodies.clone().filter_map(|place| {
                let (index, at) = (self.name(place) as usize, Bounds::at(self.position(place)));
                close.iter().any(|around| space.gap(around, &at) <= squares[index]).then_some(index)
            }));
        }
    }
}
