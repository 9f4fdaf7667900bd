//! The tree walk: each sink group walks the tree into an interaction list, then kernels run over the list (Barnes 1990).
//!
//! A list is in the order of the walk, which visits cells in key order and does not depend on which rank they came from; each
//! group is summed by one task. So the bits of the result do not depend on ranks or threads.

use crate::kernel::{Law, Newton, Plummer, Sinks, Sources, Spline};
use crate::particles::Leaf;
use crate::parts::for_each_part;
use crate::simd::{LANES, Lanes, Task, dispatch};
use crate::tile::{CLOSED, EMPTY, LEAF};
use crate::tree::{Group, Tree};
use crate::{Bodies, Census, Expansion, Interactions, SofteningKernel};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// What tasks did.
#[derive(Default)]
struct Done {
    interactions: Interactions,
    operations: u64,
    walk: Duration,
    kernels: Duration,
    /// Groups that need cells which are not here yet.
    waiting: Vec<u32>,
}

impl Done {
    fn and(mut self, mut other: Done) -> Done {
        self.interactions.add(&other.interactions);
        self.operations += other.operations;
        self.walk += other.walk;
        self.kernels += other.kernels;
        self.waiting.append(&mut other.waiting);
        self
    }
}

/// Lists and buffers that a thread uses again and again.
#[derive(Default)]
struct Scratch {
    /// Tiles to visit.
    stack: Vec<u32>,
    /// Accepted cells, as `tile << 3 | lane`.
    cells: Vec<u32>,
    /// Leaves that were not accepted, within reach of the softening.
    near: Vec<Leaf>,
    /// Leaves that were not accepted, beyond the softening.
    far: Vec<Leaf>,
    sources: Sources,
    sinks: Sinks,
    /// Work of each sink, in body-body interactions.
    work: f32,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl<E: Expansion> Tree<E> {
    /// Names of all sink groups of this rank, in key order.
    pub fn sink_groups(&self) -> Vec<u32> {
        (0..self.groups.len() as u32).collect()
    }

    /// Computes acceleration [L/T^2], potential [L^2/T^2] and work of the bodies of these groups, in parallel; `bodies` are this rank's, in key
    /// order, `constant` is that of gravity. Returns the groups that could not be computed, since they need cells that have not
    /// been grafted yet.
    ///
    /// # Panics
    /// If the tree is `complete`, all having been grafted, and a group needs a closed cell: its owner left out something essential.
    pub fn gravity(
        &self,
        groups: &[u32],
        complete: bool,
        constant: f64,
        bodies: &mut Bodies,
        census: &mut Census,
    ) -> Vec<u32> {
        let started = Instant::now();
        let units = (self.frame.acceleration(constant), self.frame.potential(constant));
        let Bodies { acc: [x, y, z], pot, work, kind, mass, .. } = bodies;
        let (kind, mass): (&[u8], &[f64]) = (kind, mass);
        let range = |group: &u32| {
            let bodies = &self.groups[*group as usize].bodies;
            bodies.start as usize..bodies.end as usize
        };
        let done = for_each_part(
            groups,
            &range,
            0,
            ([&mut x[..], y, z], &mut pot[..], &mut work[..]),
            &|&index, (acc, pot, work)| {
                SCRATCH.with_borrow_mut(|scratch| {
                    let group = &self.groups[index as usize];
                    let Some(done) = dispatch(self.path, GroupTask { tree: self, group, scratch }) else {
                        assert!(!complete, "a walk must open a closed cell: an essential tree lacks it");
                        return Done { waiting: vec![index], ..Done::default() };
                    };
                    let own = |k: usize| {
                        let body = group.bodies.start as usize + k;
                        mass[body] / self.frame.mass * self.softened.own_potential(kind[body])
                    };
                    work.fill(scratch.work);
                    scratch.write(units, own, acc, pot);
                    done
                })
            },
            &Done::and,
        );
        census.interactions.add(&done.interactions);
        census.operations += done.operations;
        census.share_walk_and_kernels(started.elapsed(), done.walk, done.kernels);
        done.waiting
    }
}

impl Scratch {
    /// Writes the sums of a group in physical units; `own` is the part of the potential that a sink has of itself.
    fn write(
        &self,
        (acceleration, potential): (f64, f64),
        own: impl Fn(usize) -> f64,
        [x, y, z]: [&mut [f64]; 3],
        pot: &mut [f64],
    ) {
        for k in 0..pot.len() {
            let sum = |row: usize| self.sinks.sum[k / LANES][row][k % LANES];
            pot[k] = (own(k) - sum(0)) * potential;
            (x[k], y[k], z[k]) = (sum(1) * acceleration, sum(2) * acceleration, sum(3) * acceleration);
        }
    }
}

/// Walk and kernels of one group; `None` if the walk needs a closed cell.
struct GroupTask<'a, E: Expansion> {
    tree: &'a Tree<E>,
    group: &'a Group,
    scratch: &'a mut Scratch,
}

impl<E: Expansion> Task for GroupTask<'_, E> {
    type Output = Option<Done>;

    #[inline(always)]
    fn run<L: Lanes>(mut self) -> Option<Done> {
        let started = Instant::now();
        if !self.walk::<L>() {
            return None;
        }
        let walked = Instant::now();
        let mut done = Done { walk: walked - started, ..Done::default() };
        self.interact::<L>(&mut done);
        done.kernels = walked.elapsed();
        Some(done)
    }
}

impl<E: Expansion> GroupTask<'_, E> {
    /// Fills the interaction lists; false if a closed cell must be opened.
    #[inline(always)]
    fn walk<L: Lanes>(&mut self) -> bool {
        let Scratch { stack, cells, near, far, .. } = &mut *self.scratch;
        cells.clear();
        near.clear();
        far.clear();
        stack.clear();
        stack.push(self.tree.root);
        while let Some(index) = stack.pop() {
            let tile = &self.tree.tiles[index as usize];
            let (accepted, apart) = self.tree.opening.test::<L, E>(tile, &self.group.region);
            let descend = stack.len();
            for lane in 0..LANES {
                let child = tile.child[lane];
                if child == EMPTY {
                } else if accepted >> lane & 1 == 1 {
                    cells.push(index << 3 | lane as u32);
                } else if child == LEAF {
                    let leaf = tile.leaf(lane);
                    if apart >> lane & 1 == 1 { far.push(leaf) } else { near.push(leaf) }
                } else if child == CLOSED {
                    return false;
                } else {
                    stack.push(child);
                }
            }
            // The first octant is to be visited first.
            stack[descend..].reverse();
        }
        true
    }

    /// Runs the kernels over the lists.
    #[inline(always)]
    fn interact<L: Lanes>(&mut self, done: &mut Done) {
        let softened = &self.tree.softened;
        self.gather(|task| &task.group.leaves);
        self.scratch.sinks.set(&self.scratch.sources);
        let centre = self.group.region.centre;
        self.scratch.sinks.feel_cells::<L, E>(&self.tree.tiles, &self.scratch.cells, centre);

        self.gather(|task| &task.scratch.near);
        let near = self.scratch.sources.len();
        let Scratch { sources, sinks, .. } = &mut *self.scratch;
        let mut operations = match softened.kernel {
            _ if softened.none => feel::<L, Newton>(sinks, sources),
            SofteningKernel::Plummer => feel::<L, Plummer>(sinks, sources),
            SofteningKernel::Spline => feel::<L, Spline>(sinks, sources),
        };
        self.gather(|task| &task.scratch.far);
        let Scratch { sources, sinks, .. } = &mut *self.scratch;
        operations += match softened.kernel {
            SofteningKernel::Plummer if !softened.none => feel::<L, Plummer>(sinks, sources),
            _ => feel::<L, Newton>(sinks, sources),
        };
        let count = self.group.bodies.len() as u64;
        let bodies = (near + self.scratch.sources.len()) as u64;
        let cells = self.scratch.cells.len() as u64;
        done.interactions =
            Interactions { body_body: count * bodies, body_cell: count * cells, cell_cell: 0 };
        done.operations = count * (operations + cells * E::OPERATIONS);
        let cell_cost = E::OPERATIONS as f32 / Newton::OPERATIONS as f32;
        self.scratch.work = bodies as f32 + cells as f32 * cell_cost;
    }

    /// Copies the bodies of leaves into the sources, relative to the centre of the group.
    #[inline(always)]
    fn gather(&mut self, leaves: impl Fn(&Self) -> &[Leaf]) {
        let centre = self.group.region.centre;
        let mut sources = std::mem::take(&mut self.scratch.sources);
        sources.clear();
        for leaf in leaves(self) {
            let shift = std::array::from_fn(|axis| (leaf.reference[axis] - centre[axis]) as f32);
            sources.push(&self.tree.particles, leaf.first, leaf.count, shift);
        }
        self.scratch.sources = sources;
    }
}

/// All sources pull all sinks by one law; operations for each sink.
#[inline(always)]
fn feel<L: Lanes, W: Law>(sinks: &mut Sinks, sources: &Sources) -> u64 {
    sinks.feel_bodies::<L, W>(sources);
    sources.len() as u64 * W::OPERATIONS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::Path;
    use crate::structure;
    use crate::{Criterion, Cube, Frame, Gravity, Key, Part, Softening, with_expansion};

    /// Bodies on a spiral that winds through all scales.
    fn spiral(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        for i in 0..n {
            let t = i as f64 / n as f64;
            let (r, phi) = (t * t * t, 40.0 * t);
            let place = [r * phi.cos(), r * phi.sin(), 0.3 * r * (7.0 * phi).sin()];
            (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
            bodies.mass[i] = 1.0 + (i % 3) as f64;
            bodies.kind[i] = (i % 4) as u8;
        }
        bodies
    }

    fn field(gravity: &Gravity, path: Path) -> (Bodies, Census) {
        let mut bodies = spiral(1_500);
        let frame = Frame::new(Cube::around([-1.0; 3], [1.0; 3]), 6_000.0);
        let keys = crate::sort(&mut bodies, &frame.cube);
        let structure = structure::grow(&keys, &(1 << 63..Key::END), gravity.leaf_size);
        with_expansion!(gravity, E => {
            let part = Part::<E>::new(frame, gravity, &bodies, &structure);
            let branches = part.branches.clone();
            let mut tree = Tree::new(part, &branches);
            tree.path = path;
            let mut census = Census::default();
            tree.gravity(&tree.sink_groups(), true, 1.0, &mut bodies, &mut census);
            (bodies, census)
        })
    }

    #[test]
    fn every_path_agrees_with_the_scalar_reference() {
        for kernel in [SofteningKernel::Spline, SofteningKernel::Plummer] {
            for length in [[0.0; 6], [0.0, 0.01, 0.02, 0.05, 0.0, 0.0]] {
                for order in 1..=4 {
                    let softening = Softening { kernel, length };
                    let gravity =
                        Gravity { criterion: Criterion::Angle, order, softening, ..Gravity::default() };
                    let (got, counted) = field(&gravity, Path::detect());
                    let (want, reference) = field(&gravity, Path::Scalar);
                    assert_eq!(counted.interactions, reference.interactions, "{gravity:?}");
                    for i in 0..want.len() {
                        let (a, b) = (got.acceleration(i), want.acceleration(i));
                        let size = b.iter().map(|x| x * x).sum::<f64>().sqrt();
                        for axis in 0..3 {
                            assert!((a[axis] - b[axis]).abs() <= 4e-5 * size, "{gravity:?}: {a:?} not {b:?}");
                        }
                        assert!((got.pot[i] - want.pot[i]).abs() <= 4e-5 * want.pot[i].abs());
                    }
                }
            }
        }
    }
}
