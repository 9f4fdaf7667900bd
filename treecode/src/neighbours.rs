//! Neighbours of bodies on the oct-tree: the distance to the k-th nearest, and the pairs within a
//! distance.
//!
//! Each cell has the box around its bodies, which is tighter than the cube of its key. All
//! comparisons use squares of distances that are computed by one function, so the results are those
//! of testing all pairs, bit by bit. A deepest cell with too many bodies (a compact clump in a wide
//! cube) gets keys and a tree of its own.

use crate::bodies::radix::sort_keys;
use crate::kernel::simd::{Lanes, Path, Task, dispatch};
use crate::tree::structure::{Cell, grow};
use crate::tree::tile::LEAF;
use crate::walk::split::for_each_part;
use crate::{Cube, Key, math, tree::index};
use rayon::prelude::*;
use std::ops::Range;

/// The greatest number of bodies in a leaf.
const LEAF_SIZE: usize = 16;
/// The greatest number of bodies that search among shared candidates.
const GROUP_SIZE: usize = 32;
/// The number of groups of a task.
const GROUPS: usize = 64;
/// The number of bodies from which the links of a cell are divided into tasks.
const MANY: usize = 1 << 12;

/// A tree over positions for neighbour searches.
pub struct Neighbours {
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
    lo: [f64; 3],
    hi: [f64; 3],
    /// Range of its bodies in the order of the tree.
    bodies: Range<u32>,
    /// Range of its children in the list of nodes; empty for a leaf.
    children: Range<u32>,
}

/// A cell whose bodies search for neighbours together (`node`), and the smallest cell around it
/// with enough bodies for all of them (`about`).
struct Group {
    node: u32,
    about: u32,
}

/// Bodies that may be neighbours, and buffers to select among them.
#[derive(Default)]
struct Candidates {
    pos: [Vec<f64>; 3],
    stack: Vec<u32>,
    squares: Vec<f64>,
    near: Vec<u64>,
}

impl Neighbours {
    /// Builds the tree over these positions [L], all finite. It takes 40 bytes per body.
    ///
    /// # Panics
    /// If the numbers of x, y and z coordinates differ, or there are more bodies than 32-bit
    /// indices can number.
    pub fn new(pos: [&[f64]; 3]) -> Neighbours {
        let n = pos[0].len();
        assert!(pos.iter().all(|axis| axis.len() == n), "coordinates of another number of bodies");
        let order: Vec<u32> = (0..index::body(n)).collect();
        let mut all = Neighbours { order, pos: pos.map(<[f64]>::to_vec), nodes: Vec::new() };
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
        let Node { lo, hi, bodies, .. } = self.nodes[node].clone();
        let range = bodies.start as usize..bodies.end as usize;
        let cube = Cube::around(lo, hi);
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
                let child = self.nodes[child as usize].clone();
                self.nodes[parent].cover(child.lo, child.hi);
            }
        }
    }

    /// A leaf with these bodies.
    fn leaf(&self, bodies: Range<u32>) -> Node {
        let mut node = Node { bodies: bodies.clone(), ..Node::NOWHERE };
        for place in bodies {
            let position = self.position(place);
            node.cover(position, position);
        }
        node
    }

    fn position(&self, place: u32) -> [f64; 3] {
        self.pos.each_ref().map(|axis| axis[place as usize])
    }

    /// Distance of each body to the `k`-th nearest other body [L], in the order of the positions
    /// given. If there are fewer others, the distance to the farthest; if there are none, infinity.
    pub fn distances(&self, k: usize) -> Vec<f64> {
        match self.order.len() {
            0 | 1 => vec![f64::INFINITY; self.order.len()],
            _ => self.squares(k).into_iter().map(f64::sqrt).collect(),
        }
    }

    /// Square of the distance of each body to the `k`-th nearest other body [L^2]. If there are
    /// fewer others, to the farthest body, which may be the body itself.
    pub fn squares(&self, k: usize) -> Vec<f64> {
        let n = self.order.len();
        let rank = k.min(n.saturating_sub(1)); // rank by distance; the body itself has rank 0
        let mut sorted = vec![0.0; n];
        let groups = self.groups(rank + 1);
        let tasks: Vec<&[Group]> = groups.chunks(GROUPS).collect();
        let places = |group: &Group| self.nodes[group.node as usize].bodies.clone();
        let range =
            |task: &&[Group]| places(&task[0]).start as usize..places(&task[task.len() - 1]).end as usize;
        let work = |task: &&[Group], out: &mut [f64]| self.serve(task, rank, out);
        for_each_part(&tasks, &range, 0, &mut sorted[..], &work, &|(), ()| ());
        let mut squares = vec![0.0; n];
        for (place, square) in self.order.iter().zip(sorted) {
            squares[*place as usize] = square;
        }
        squares
    }

    /// The `k` nearest of the other bodies for each body, nearest first: squares of distances [L^2] and indices, `k` a body, in the order
    /// in which positions were given. All others if there are fewer. Bodies at one distance stand in the order of their indices; of
    /// many in one place, any may be missing.
    pub fn nearest(&self, k: usize) -> (Vec<f64>, Vec<u32>) {
        let n = self.order.len();
        let k = k.min(n.saturating_sub(1));
        let mut rows = vec![(0.0, 0); n * k];
        if k == 0 {
            return (Vec::new(), Vec::new());
        }
        let find = |stack: &mut Vec<(f64, u32)>, (place, row): (usize, &mut [(f64, u32)])| {
            self.find_nearest(place as u32, row, stack);
        };
        rows.par_chunks_mut(k).enumerate().with_min_len(GROUP_SIZE).for_each_init(Vec::new, find);
        let (mut squares, mut indices) = (vec![0.0; n * k], vec![0; n * k]);
        for (&i, row) in self.order.iter().zip(rows.chunks_exact(k)) {
            let start = i as usize * k;
            for (slot, &(square, index)) in (start..).zip(row) {
                (squares[slot], indices[slot]) = (square, index);
            }
        }
        (squares, indices)
    }

    /// Fills `row` with the nearest of the other bodies; cells that are farther than its last entry are left out.
    fn find_nearest(&self, place: u32, row: &mut [(f64, u32)], stack: &mut Vec<(f64, u32)>) {
        let from = self.position(place);
        let here = Node::at(from);
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
                    node.children.clone().map(|child| (self.nodes[child as usize].gap(&here), child)),
                );
                stack[first..].sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
                continue;
            }
            let many = node.extent() == 0.0 && node.bodies.len() > row.len();
            let end = if many { node.bodies.start + row.len() as u32 + 1 } else { node.bodies.end };
            for other in (node.bodies.start..end).filter(|other| *other != place) {
                let found = (self.square(other, place), self.order[other as usize]);
                let slot = row.partition_point(|entry| before(*entry, found));
                if slot < row.len() {
                    row[slot..].rotate_right(1);
                    row[slot] = found;
                }
            }
        }
    }

    /// Squares of the distances [L^2] from a position to the `most` nearest bodies. Only those of
    /// at most `within` are included. They are in no order.
    pub fn squares_within(&self, from: [f64; 3], within: f64, most: usize) -> Vec<f64> {
        let mut candidates = Candidates::default();
        if !self.nodes.is_empty() {
            self.gather(&Node::at(from), within, most, &mut candidates);
        }
        candidates.measure(from);
        let mut squares = candidates.squares;
        squares.retain(|square| *square <= within);
        if squares.len() > most && most > 0 {
            squares.select_nth_unstable_by(most - 1, f64::total_cmp);
        }
        squares.truncate(most);
        squares
    }

    /// At least one and at most `most` boxes that together contain all bodies: the lowest
    /// coordinates, then the highest [L]. None if there are no bodies.
    pub fn boxes(&self, most: usize) -> Vec<[f64; 6]> {
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
        cells.iter().map(|Node { lo, hi, .. }| [lo[0], lo[1], lo[2], hi[0], hi[1], hi[2]]).collect()
    }

    /// Square of the distance [L^2] from a position to a box of [`Neighbours::boxes`]. No body in
    /// the box is nearer.
    pub fn gap([x0, y0, z0, x1, y1, z1]: &[f64; 6], position: [f64; 3]) -> f64 {
        Node { lo: [*x0, *y0, *z0], hi: [*x1, *y1, *z1], ..Node::NOWHERE }.gap(&Node::at(position))
    }

    /// The topmost cells that are small enough or leaves, in the order of the tree.
    fn groups(&self, enough: usize) -> Vec<Group> {
        let mut groups = Vec::new();
        let mut stack: Vec<Group> =
            if self.nodes.is_empty() { Vec::new() } else { vec![Group { node: 0, about: 0 }] };
        while let Some(Group { node, about }) = stack.pop() {
            let cell = &self.nodes[node as usize];
            let about = if cell.bodies.len() >= enough { node } else { about };
            if cell.is_leaf() || cell.bodies.len() <= GROUP_SIZE {
                groups.push(Group { node, about });
            } else {
                stack.extend(cell.children.clone().rev().map(|node| Group { node, about }));
            }
        }
        groups
    }

    /// Computes the squares of the distances for adjacent groups.
    fn serve(&self, groups: &[Group], rank: usize, mut out: &mut [f64]) {
        let mut candidates = Candidates::default();
        // Ratio of the neighbours' distance to that in an evenly filled cell. It is estimated from
        // the groups before; it affects speed, not results.
        let mut factor = 0.75;
        for Group { node, about } in groups {
            let (group, about) = (&self.nodes[*node as usize], &self.nodes[*about as usize]);
            let squares =
                out.split_off_mut(..group.bodies.len()).expect("groups are in the order of the tree");
            if group.extent() == 0.0 && group.bodies.len() > rank {
                squares.fill(0.0);
                continue;
            }
            let even = about.even_distance(rank);
            let square = (factor * even).powi(2);
            self.gather(group, square, rank + 1, &mut candidates);
            let mut alone = Vec::new();
            for (place, out) in group.bodies.clone().zip(&mut *squares) {
                match candidates.nearest(self.position(place), square, rank) {
                    Ok(square) => *out = square,
                    Err(bound) => alone.push((place, bound)),
                }
            }
            for (place, bound) in alone {
                let body = Node::at(self.position(place));
                let bound = bound.unwrap_or_else(|| body.farthest(about));
                self.gather(&body, bound, rank + 1, &mut candidates);
                let square = candidates.nearest(body.lo, bound, rank).expect("the bound holds enough bodies");
                squares[(place - group.bodies.start) as usize] = square;
            }
            let farthest = squares.iter().copied().fold(0.0, f64::max).sqrt();
            if even > 0.0 {
                factor = (0.75 * factor + 0.25 * 1.05 * farthest / even).clamp(0.4, 1.5);
            }
        }
    }

    /// Collects all bodies that may lie within a distance of those of `group`. Collects at most
    /// `enough` bodies of one place.
    fn gather(&self, group: &Node, square: f64, enough: usize, candidates: &mut Candidates) {
        let Candidates { pos, stack, .. } = candidates;
        pos.iter_mut().for_each(Vec::clear);
        stack.push(0);
        while let Some(node) = stack.pop() {
            let node = &self.nodes[node as usize];
            if node.gap(group) > square {
                continue;
            }
            if node.is_leaf() {
                let most = if node.extent() == 0.0 { enough } else { usize::MAX };
                let places =
                    node.bodies.start as usize..node.bodies.start as usize + node.bodies.len().min(most);
                for (found, axis) in pos.iter_mut().zip(&self.pos) {
                    found.extend_from_slice(&axis[places.clone()]);
                }
            } else {
                stack.extend(node.children.clone());
            }
        }
    }

    /// Calls `visit(i, j)` for pairs of bodies within `radius` [L] of each other.
    ///
    /// Not all such pairs are visited, but enough: bodies that all pairs connect are also connected
    /// by the visited ones (friends-of-friends, Davis et al. 1985). So dense regions cost no more
    /// than others. The calls come from several threads, in no order.
    pub fn links(&self, radius: f64, visit: &(impl Fn(usize, usize) + Sync)) {
        let call = |a: u32, b: u32| visit(self.order[a as usize] as usize, self.order[b as usize] as usize);
        if !self.nodes.is_empty() {
            self.link_inside(&self.nodes[0], radius * radius, &call);
        }
    }

    fn children(&self, node: &Node) -> &[Node] {
        &self.nodes[node.children.start as usize..node.children.end as usize]
    }

    fn link_inside(&self, node: &Node, square: f64, visit: &(impl Fn(u32, u32) + Sync)) {
        let bodies = || node.bodies.clone();
        if node.is_linked(square) {
            bodies().skip(1).for_each(|b| visit(b - 1, b));
        } else if node.is_leaf() {
            for (a, b) in bodies().flat_map(|a| (a + 1..node.bodies.end).map(move |b| (a, b))) {
                if self.square(a, b) <= square {
                    visit(a, b);
                }
            }
        } else {
            let children = self.children(node);
            let pairs: Vec<(usize, usize)> =
                (0..children.len()).flat_map(|a| (a..children.len()).map(move |b| (a, b))).collect();
            let link = |(a, b): (usize, usize)| match a == b {
                true => self.link_inside(&children[a], square, visit),
                false => self.link_between(&children[a], &children[b], square, visit),
            };
            match node.bodies.len() > MANY {
                true => pairs.into_par_iter().with_max_len(1).for_each(link),
                false => pairs.into_iter().for_each(link),
            }
        }
    }

    fn link_between(&self, a: &Node, b: &Node, square: f64, visit: &(impl Fn(u32, u32) + Sync)) {
        if a.gap(b) > square {
            return;
        }
        if a.is_linked(square) && b.is_linked(square) {
            self.first_pair(a, b, square).into_iter().for_each(|(a, b)| visit(a, b));
        } else if a.farthest(b) <= square {
            b.bodies.clone().for_each(|j| visit(a.bodies.start, j));
            a.bodies.clone().skip(1).for_each(|i| visit(i, b.bodies.start));
        } else if a.is_leaf() && b.is_leaf() {
            self.pairs(a, b, square).for_each(|(a, b)| visit(a, b));
        } else {
            let (wide, other) = in_order_of_division(a, b);
            for child in self.children(wide) {
                self.link_between(child, other, square, visit);
            }
        }
    }

    /// A pair of bodies within the distance, one from each cell, if there is one.
    fn first_pair(&self, a: &Node, b: &Node, square: f64) -> Option<(u32, u32)> {
        if a.gap(b) > square {
            None
        } else if a.farthest(b) <= square {
            Some((a.bodies.start, b.bodies.start))
        } else if a.is_leaf() && b.is_leaf() {
            self.pairs(a, b, square).next()
        } else {
            let (wide, other) = in_order_of_division(a, b);
            self.children(wide).iter().find_map(|child| self.first_pair(child, other, square))
        }
    }

    /// All pairs of bodies within the distance, one from each cell.
    fn pairs(&self, a: &Node, b: &Node, square: f64) -> impl Iterator<Item = (u32, u32)> {
        let others = b.bodies.clone();
        let all = a.bodies.clone().flat_map(move |a| others.clone().map(move |b| (a, b)));
        all.filter(move |&(a, b)| self.square(a, b) <= square)
    }

    fn square(&self, a: u32, b: u32) -> f64 {
        let (a, b) = (self.position(a), self.position(b));
        square(std::array::from_fn(|axis| a[axis] - b[axis]))
    }
}

/// The cell to divide, and the other. At least one of them must not be a leaf.
fn in_order_of_division<'a>(a: &'a Node, b: &'a Node) -> (&'a Node, &'a Node) {
    if b.is_leaf() || (!a.is_leaf() && a.extent() >= b.extent()) { (a, b) } else { (b, a) }
}

/// Square of a distance. All comparisons use this function.
#[inline(always)]
fn square([x, y, z]: [f64; 3]) -> f64 {
    x * x + y * y + z * z
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
    const NOWHERE: Node =
        Node { lo: [f64::INFINITY; 3], hi: [f64::NEG_INFINITY; 3], bodies: 0..0, children: 0..0 };

    /// The box of a single position.
    fn at(position: [f64; 3]) -> Node {
        Node { lo: position, hi: position, ..Node::NOWHERE }
    }

    /// Extends the box to include another.
    fn cover(&mut self, lo: [f64; 3], hi: [f64; 3]) {
        for axis in 0..3 {
            self.lo[axis] = self.lo[axis].min(lo[axis]);
            self.hi[axis] = self.hi[axis].max(hi[axis]);
        }
    }

    fn is_leaf(&self) -> bool {
        self.children.is_empty()
    }

    /// The longest side of the box.
    fn extent(&self) -> f64 {
        (0..3).map(|axis| self.hi[axis] - self.lo[axis]).fold(0.0, f64::max)
    }

    /// Whether all bodies are within the distance of each other.
    fn is_linked(&self, square: f64) -> bool {
        self.farthest(self) <= square
    }

    /// Square of the least distance between two boxes.
    #[inline(always)]
    fn gap(&self, other: &Node) -> f64 {
        let along =
            |axis: usize| (other.lo[axis] - self.hi[axis]).max(self.lo[axis] - other.hi[axis]).max(0.0);
        square(std::array::from_fn(along))
    }

    /// Square of the greatest distance between two boxes.
    fn farthest(&self, other: &Node) -> f64 {
        let along = |axis: usize| (other.hi[axis] - self.lo[axis]).max(self.hi[axis] - other.lo[axis]);
        square(std::array::from_fn(along))
    }

    /// Side of the cube that would hold `count` of the bodies if they were spread evenly. A very
    /// flat box counts as a thicker one.
    fn even_distance(&self, count: usize) -> f64 {
        let longest = self.extent();
        let volume: f64 = (0..3).map(|axis| (self.hi[axis] - self.lo[axis]).max(0.1 * longest)).product();
        math::cbrt(volume * count as f64 / self.bodies.len() as f64)
    }
}

impl Candidates {
    /// Computes the squares of the distances of all candidates from a position.
    fn measure(&mut self, from: [f64; 3]) {
        let Candidates { pos: [x, y, z], squares, .. } = self;
        squares.resize(x.len(), 0.0);
        dispatch(Path::detect(), Squares { from, to: [x, y, z], out: squares });
    }

    /// Square of the distance from a position to the candidate of `rank` (from 0), if more than
    /// `rank` candidates are within `within`. Otherwise an error with an upper bound of that
    /// square, if there are enough candidates.
    fn nearest(&mut self, from: [f64; 3], within: f64, rank: usize) -> Result<f64, Option<f64>> {
        self.measure(from);
        let Candidates { squares, near, .. } = self;
        near.resize(squares.len(), 0);
        let mut count = 0;
        for square in &*squares {
            near[count] = square.to_bits(); // bits of numbers without a sign sort as the numbers
            count += usize::from(*square <= within);
        }
        let kth = |near: &mut [u64]| f64::from_bits(*near.select_nth_unstable(rank).1);
        if count > rank {
            return Ok(kth(&mut near[..count]));
        }
        if squares.len() <= rank {
            return Err(None);
        }
        near.iter_mut().zip(&*squares).for_each(|(near, square)| *near = square.to_bits());
        Err(Some(kth(near)))
    }
}

/// The task that computes the squares of the distances from one position to many.
struct Squares<'a> {
    from: [f64; 3],
    to: [&'a [f64]; 3],
    out: &'a mut [f64],
}

impl Task for Squares<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Squares { from, to: [x, y, z], out } = self;
        for (((out, x), y), z) in out.iter_mut().zip(x).zip(y).zip(z) {
            *out = square([x - from[0], y - from[1], z - from[2]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::Mutex;

    type Places = Vec<[f64; 3]>;

    fn tree(places: &Places) -> Neighbours {
        let axes: [Vec<f64>; 3] =
            std::array::from_fn(|axis| places.iter().map(|place| place[axis]).collect());
        Neighbours::new(axes.each_ref().map(Vec::as_slice))
    }

    fn squares(places: &Places, i: usize) -> impl Iterator<Item = f64> {
        let from = places[i];
        places.iter().map(move |to| square(std::array::from_fn(|axis| to[axis] - from[axis])))
    }

    fn brute_distances(places: &Places, k: usize) -> Vec<f64> {
        let distance = |i: usize| {
            let mut squares: Vec<f64> = squares(places, i).collect();
            squares.sort_unstable_by(f64::total_cmp);
            if places.len() > 1 { squares[k.min(places.len() - 1)].sqrt() } else { f64::INFINITY }
        };
        (0..places.len()).map(distance).collect()
    }

    /// For each body, the first of the bodies connected with it.
    fn groups(n: usize, links: &[(usize, usize)]) -> Vec<usize> {
        let mut group: Vec<usize> = (0..n).collect();
        loop {
            let before = group.clone();
            for &(i, j) in links {
                let least = group[i].min(group[j]);
                (group[i], group[j]) = (least, least);
            }
            if group == before {
                return group;
            }
        }
    }

    fn check_nearest(tree: &Neighbours, places: &Places, k: usize) {
        let (found, indices) = tree.nearest(k);
        let k = k.min(places.len() - 1);
        assert_eq!((found.len(), indices.len()), (places.len() * k, places.len() * k));
        for i in 0..places.len() {
            let all: Vec<f64> = squares(places, i).collect();
            let mut others = all.clone();
            others.remove(i);
            others.sort_unstable_by(f64::total_cmp);
            let row = i * k..(i + 1) * k;
            assert_eq!(found[row.clone()], others[..k], "the {k} nearest of {i}");
            let mut names = indices[row.clone()].to_vec();
            assert!(names.iter().zip(&found[row]).all(|(j, square)| all[*j as usize] == *square));
            names.sort_unstable();
            names.dedup();
            assert!(names.len() == k && !names.contains(&(i as u32)), "a body twice, or itself");
        }
    }

    fn check(places: &Places, ks: &[usize], radii: &[f64]) {
        let tree = tree(places);
        for &k in ks {
            assert_eq!(tree.distances(k), brute_distances(places, k), "the {k} nearest");
            check_nearest(&tree, places, k);
        }
        for (i, &radius) in radii.iter().enumerate() {
            let (from, within) = (places[i % places.len()].map(|x| x + 0.5 * radius), radius * radius);
            let mut expected: Vec<f64> = places
                .iter()
                .map(|to| square(std::array::from_fn(|axis| to[axis] - from[axis])))
                .filter(|square| *square <= within)
                .collect();
            expected.sort_unstable_by(f64::total_cmp);
            expected.truncate(20);
            let mut found = tree.squares_within(from, within, 20);
            found.sort_unstable_by(f64::total_cmp);
            assert_eq!(found, expected, "within {radius}");
            let boxes = tree.boxes(10);
            let least = boxes.iter().map(|b| Neighbours::gap(b, from)).fold(f64::INFINITY, f64::min);
            assert!(
                (1..=10).contains(&boxes.len())
                    && least <= expected.first().copied().unwrap_or(f64::INFINITY)
            );
            let links = Mutex::new(Vec::new());
            tree.links(radius, &|i, j| links.lock().unwrap().push((i, j)));
            let links = links.into_inner().unwrap();
            let within = |i: usize, j: usize| squares(places, i).nth(j).unwrap() <= radius * radius;
            assert!(links.iter().all(|&(i, j)| i != j && within(i, j)), "a link longer than {radius}");
            let all = (0..places.len())
                .flat_map(|i| squares(places, i).enumerate().map(move |(j, square)| (i, j, square)))
                .filter_map(|(i, j, square)| (i < j && square <= radius * radius).then_some((i, j)));
            let expected = groups(places.len(), &all.collect::<Vec<_>>());
            assert_eq!(groups(places.len(), &links), expected, "links of {radius}");
        }
    }

    /// Few distinct coordinates, so that many bodies coincide or lie in one plane; and clumps of
    /// bodies in a wide space.
    fn scenes() -> impl Strategy<Value = Places> {
        let place = (prop::array::uniform3(0u8..6), prop::array::uniform3(-1f64..1.0), 0u8..4);
        prop::collection::vec(place, 1..400).prop_map(|list| {
            let coordinate = |lattice: u8, free: f64, kind: u8| match kind {
                0 => f64::from(lattice),
                1 => free.powi(5),
                2 => 1e3 * free,
                _ => 3.0 + 1e-9 * free,
            };
            let place = |(lattice, free, kind): &([u8; 3], [f64; 3], u8)| {
                std::array::from_fn(|axis| coordinate(lattice[axis], free[axis], *kind))
            };
            list.iter().map(place).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn all_pairs_give_the_same(places in scenes()) {
            check(&places, &[1, 2, 7, 32, 1000], &[0.0, 1e-9, 0.05, 1.0, 40.0, 1e4]);
        }
    }

    /// A steep clump of bodies.
    fn clump(n: u32, scale: f64) -> Places {
        let number = |i: u32, salt: u32| {
            f64::from((i * 7919 + salt).wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24)
        };
        let coordinate = |i: u32, axis: u32| scale * (2.0 * number(i, axis * 104_729) - 1.0).powi(3);
        (0..n).map(|i| [0, 1, 2].map(|axis| coordinate(i, axis))).collect()
    }

    #[test]
    fn a_steep_clump_of_several_tasks() {
        check(&clump(4000, 1.0), &[0, 1, 32], &[0.003, 0.02]);
    }

    #[test]
    fn a_compact_clump_beside_a_far_body_is_divided_all_the_same() {
        let mut places = clump(3000, 1e-6);
        places.push([1e9, -1e9, 1.0]);
        let tree = tree(&places);
        let fullest = tree.nodes.iter().filter(|node| node.is_leaf()).map(|node| node.bodies.len()).max();
        assert!(fullest.unwrap() <= LEAF_SIZE, "a leaf of {fullest:?} bodies");
        check(&places, &[8], &[1e-8]);
    }

    #[test]
    fn so_many_bodies_in_one_place_that_testing_all_pairs_would_not_end() {
        let n = 400_000;
        let mut places = vec![[0.1, 0.2, 0.3]; n];
        places.extend([[0.1, 0.2, 1.3], [0.1, 0.2, 1.4]]);
        let distances = tree(&places).distances(32);
        assert!(distances[..n].iter().all(|distance| *distance == 0.0));
        assert_eq!(distances[n..], [1.0, 1.4 - 0.3].map(|x: f64| (x * x).sqrt()));
        let count = std::sync::atomic::AtomicUsize::new(0);
        tree(&places).links(0.5, &|_, _| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), n);
    }

    #[test]
    fn one_body_and_none() {
        assert_eq!(tree(&vec![[1.0, 2.0, 3.0]]).distances(5), [f64::INFINITY]);
        assert_eq!(tree(&vec![]).distances(5), [0.0; 0]);
        assert_eq!(tree(&vec![[1.0, 2.0, 3.0]]).nearest(5), (vec![], vec![]));
        tree(&vec![]).links(1.0, &|_, _| panic!("no bodies have no links"));
    }
}
