//! The distance of each body to its k-th nearest neighbour. Bodies that are close together search
//! the same candidates.

use crate::Bounds;
use crate::geometry::domain::{Space, with_space};
use crate::kernel::simd::{Lanes, Path, Task, dispatch};
use crate::neighbours::{GROUP_SIZE, Neighbours};
use crate::walk::split::for_each_part;

/// The number of groups of a task.
const GROUPS: usize = 64;

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

impl Neighbours<'_> {
    /// Distance of each body to the `k`-th nearest other body [L], in the order of the positions
    /// given. If there are fewer others, the distance to the farthest; if there are none, infinity.
    pub fn distances(&self, k: usize) -> Vec<f64> {
        match self.len() {
            0 | 1 => vec![f64::INFINITY; self.len()],
            _ => self.squares(k).into_iter().map(f64::sqrt).collect(),
        }
    }

    /// Square of the distance of each body to the `k`-th nearest other body [L^2]. If there are
    /// fewer others, to the farthest body, which may be the body itself.
    pub fn squares(&self, k: usize) -> Vec<f64> {
        self.squares_up_to(k, f64::INFINITY)
    }

    /// As [`Neighbours::squares`], but infinity if the square is greater than `within` [L^2]. It
    /// takes less time.
    pub fn squares_up_to(&self, k: usize, within: f64) -> Vec<f64> {
        let n = self.len();
        let rank = k.min(n.saturating_sub(1)); // rank by distance; the body itself has rank 0
        let mut sorted = vec![0.0; n];
        let groups = self.groups(rank + 1);
        let tasks: Vec<&[Group]> = groups.chunks(GROUPS).collect();
        let places = |group: &Group| self.nodes[group.node as usize].bodies.clone();
        let range =
            |task: &&[Group]| places(&task[0]).start as usize..places(&task[task.len() - 1]).end as usize;
        let work = |task: &&[Group], out: &mut [f64]| {
            with_space!(self.domain, space => self.serve(space, task, rank, within, out));
        };
        for_each_part(&tasks, &range, 0, &mut sorted[..], &work, &|(), ()| ());
        let Some(order) = &self.order else { return sorted };
        let mut squares = vec![0.0; n];
        for (place, square) in order.iter().zip(sorted) {
            squares[*place as usize] = square;
        }
        squares
    }

    /// Squares of the distances [L^2] from a position to the `most` nearest bodies. Only those of
    /// at most `within` are included. They are in no order.
    pub fn squares_within(&self, from: [f64; 3], within: f64, most: usize) -> Vec<f64> {
        let mut candidates = Candidates::default();
        with_space!(self.domain, space => {
            if !self.nodes.is_empty() {
                self.gather(space, &Bounds::at(from), within, most, &mut candidates);
            }
            candidates.measure(space, from);
        });
        let mut squares = candidates.squares;
        squares.retain(|square| *square <= within);
        if squares.len() > most && most > 0 {
            squares.select_nth_unstable_by(most - 1, f64::total_cmp);
        }
        squares.truncate(most);
        squares
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

    /// Computes the squares of the distances for adjacent groups. Those above `within` are infinity.
    fn serve(&self, space: impl Space, groups: &[Group], rank: usize, within: f64, mut out: &mut [f64]) {
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
            let square = (factor * even).powi(2).min(within);
            self.gather(space, &group.bounds, square, rank + 1, &mut candidates);
            let mut alone = Vec::new();
            for (place, out) in group.bodies.clone().zip(&mut *squares) {
                *out = candidates.nearest(space, self.position(place), square, rank).unwrap_or_else(|| {
                    if square < within {
                        alone.push((place, candidates.bound(rank)));
                    }
                    f64::INFINITY
                });
            }
            for (place, bound) in alone {
                let (position, body) = (self.position(place), Bounds::at(self.position(place)));
                let bound = bound.unwrap_or_else(|| space.farthest(&body, &about.bounds)).min(within);
                self.gather(space, &body, bound, rank + 1, &mut candidates);
                let square = candidates.nearest(space, position, bound, rank);
                assert!(square.is_some() || bound == within, "the bound holds enough bodies");
                squares[(place - group.bodies.start) as usize] = square.unwrap_or(f64::INFINITY);
            }
            let farthest = squares.iter().copied().fold(0.0, f64::max).sqrt();
            if even > 0.0 && square < within {
                factor = (0.75 * factor + 0.25 * 1.05 * farthest / even).clamp(0.4, 1.5);
            }
        }
    }

    /// Collects all bodies that may lie within a distance of those of `group`. Collects at most
    /// `enough` bodies of one place.
    fn gather(
        &self,
        space: impl Space,
        group: &Bounds,
        square: f64,
        enough: usize,
        candidates: &mut Candidates,
    ) {
        let Candidates { pos, stack, .. } = candidates;
        pos.iter_mut().for_each(Vec::clear);
        stack.push(0);
        while let Some(node) = stack.pop() {
            let node = &self.nodes[node as usize];
            if space.gap(&node.bounds, group) > square {
                continue;
            }
            if node.is_leaf() {
                let most = if node.extent() == 0.0 { enough } else { usize::MAX };
                for place in node.bodies.clone().take(most) {
                    let position = self.position(place);
                    if space.gap(&Bounds::at(position), group) <= square {
                        pos.iter_mut().zip(position).for_each(|(found, x)| found.push(x));
                    }
                }
            } else {
                stack.extend(node.children.clone());
            }
        }
    }
}

impl Candidates {
    /// Computes the squares of the distances of all candidates from a position.
    fn measure(&mut self, space: impl Space, from: [f64; 3]) {
        let Candidates { pos: [x, y, z], squares, .. } = self;
        squares.resize(x.len(), 0.0);
        dispatch(Path::detect(), Squares { space, from, to: [x, y, z], out: squares });
    }

    /// Square of the distance from a position to the candidate of `rank` (from 0). `None` unless more
    /// than `rank` candidates are within `within`.
    fn nearest(&mut self, space: impl Space, from: [f64; 3], within: f64, rank: usize) -> Option<f64> {
        self.measure(space, from);
        let Candidates { squares, near, .. } = self;
        near.resize(near.len().max(squares.len()), 0);
        let mut count = 0;
        for square in &*squares {
            near[count] = square.to_bits(); // bits of numbers without a sign sort as the numbers
            count += usize::from(*square <= within);
        }
        (count > rank).then(|| kth(&mut near[..count], rank))
    }

    /// Square of the distance from the last position to the candidate of `rank`, if there are enough:
    /// an upper bound of that to the body of `rank`.
    fn bound(&mut self, rank: usize) -> Option<f64> {
        let Candidates { squares, near, .. } = self;
        near.iter_mut().zip(&*squares).for_each(|(near, square)| *near = square.to_bits());
        (squares.len() > rank).then(|| kth(&mut near[..squares.len()], rank))
    }
}

/// The number of this rank by size (from 0), given the bits of numbers without a sign.
fn kth(bits: &mut [u64], rank: usize) -> f64 {
    f64::from_bits(*bits.select_nth_unstable(rank).1)
}

/// The task that computes the squares of the distances from one position to many.
struct Squares<'a, S> {
    space: S,
    from: [f64; 3],
    to: [&'a [f64]; 3],
    out: &'a mut [f64],
}

impl<S: Space> Task for Squares<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Squares { space, from, to: [x, y, z], out } = self;
        for (((out, x), y), z) in out.iter_mut().zip(x).zip(y).zip(z) {
            *out = space.square([x - from[0], y - from[1], z - from[2]]);
        }
    }
}
