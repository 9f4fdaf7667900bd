//! The nearest neighbours of each body, with their indices.

use crate::Bounds;
use crate::geometry::domain::{Space, with_space};
use crate::neighbours::{GROUP_SIZE, Neighbours};
use rayon::prelude::*;

impl Neighbours<'_> {
    /// The `k` nearest of the other bodies for each body, nearest first: squares of distances [L^2]
    /// and indices, `k` for each body, in the order in which positions were given. If there are
    /// fewer than `k` others, all of them. Bodies at equal distance are sorted by index; if many
    /// are at one place, any of them may be missing.
    pub fn nearest(&self, k: usize) -> (Vec<f64>, Vec<u32>) {
        let n = self.len();
        let k = k.min(n.saturating_sub(1));
        let mut rows = vec![(0.0, 0); n * k];
        if k == 0 {
            return (Vec::new(), Vec::new());
        }
        let find = |stack: &mut Vec<(f64, u32)>, (place, row): (usize, &mut [(f64, u32)])| {
            with_space!(self.domain, space => self.find_nearest(space, place as u32, row, stack));
        };
        rows.par_chunks_mut(k).enumerate().with_min_len(GROUP_SIZE).for_each_init(Vec::new, find);
        let (mut squares, mut indices) = (vec![0.0; n * k], vec![0; n * k]);
        for (place, row) in (0..).zip(rows.chunks_exact(k)) {
            let start = self.name(place) as usize * k;
            for (slot, &(square, index)) in (start..).zip(row) {
                (squares[slot], indices[slot]) = (square, index);
            }
        }
        (squares, indices)
    }

    /// Fills `row` with the nearest of the other bodies. Cells that are farther than its last entry are
    /// left out.
    fn find_nearest(
        &self,
        space: impl Space,
        place: u32,
        row: &mut [(f64, u32)],
        stack: &mut Vec<(f64, u32)>,
    ) {
        let here = Bounds::at(self.position(place));
        let before = |a: (f64, u32), b: (f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).is_lt();
        row.fill((f64::INFINITY, u32::MAX));
        stack.push((0.0, 0));
        while let Some((gap, node)) = stack.pop() {
            if gap > row[row.len() - 1].0 {
                continue;
            }
            let node = &self.nodes[node as usize];
            if !node.is_leaf() {
                let first = stack.len();
                stack.extend(
                    node.children
                        .clone()
                        .map(|child| (space.gap(&self.nodes[child as usize].bounds, &here), child)),
                );
                stack[first..].sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
                continue;
            }
            let many = node.extent() == 0.0 && node.bodies.len() > row.len();
            let end = if many { node.bodies.start + row.len() as u32 + 1 } else { node.bodies.end };
            for other in (node.bodies.start..end).filter(|other| *other != place) {
                let found = (space.square(self.difference(other, place)), self.name(other));
                let slot = row.partition_point(|entry| before(*entry, found));
                if slot < row.len() {
                    row[slot..].rotate_right(1);
                    row[slot] = found;
                }
            }
        }
    }
}
