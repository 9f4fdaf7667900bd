//! Friends-of-friends groups (Davis et al. 1985) over all ranks. Bodies that are linked by steps no
//! longer than the linking length get one label: the smallest index in the group. An index is a
//! body's position in the key order of all ranks. Ids are not used, because bodies of two groups
//! may share an id.
//!
//! Each rank groups its own bodies together with ghosts, copies of nearby bodies from other ranks.
//! Ranks then exchange the labels of shared bodies until no label changes. The result is the same
//! on any number of ranks.

use decomposition::{Comm, collective, in_key_order};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use treecode::{Bodies, Bounds, Cube, Domain, Neighbours};

/// Greatest number of boxes around its bodies that a rank sends to the others.
const BOXES: usize = 128;
/// Number of consecutive bodies in key order that are tested against a box together.
const RUN: usize = 64;
/// Margin for rounding in the test for possible friends.
const SAFE: f64 = 1.0 + 1e-9;

/// Bodies of one rank and their groups.
pub struct Labelled {
    /// The bodies, in key order over all ranks.
    pub bodies: Bodies,
    /// Label of each body: the smallest index in its group, over all ranks.
    pub labels: Vec<u64>,
}

/// A ghost: a copy of a body from another rank.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Guest {
    index: u64,
    position: [f64; 3],
}

/// Labels the bodies of all ranks. There must be at least one body, and all positions must be
/// finite. Collective.
pub fn label(comm: &dyn Comm, domain: Domain, bodies: Bodies, length: f64) -> Labelled {
    let mine: Bounds = (0..bodies.len()).map(|i| bodies.position(i)).collect();
    let all = collective::bounds(comm, mine);
    let bodies = in_key_order(comm, &Cube::around(all.lo, all.hi), &bodies).bodies.into_owned();
    let first = collective::first_index(comm, bodies.len());
    let shared = shared_bodies(comm, domain, &bodies, length);
    let guests: Vec<_> = shared.iter().map(|some| guests(&bodies, first, some)).collect();
    let guests = collective::exchange(comm, &guests);

    let places = |axis: usize| -> Vec<f64> {
        let others = guests.iter().flatten().map(|guest| guest.position[axis]);
        bodies.pos[axis].iter().copied().chain(others).collect()
    };
    let indices =
        (first..first + bodies.len() as u64).chain(guests.iter().flatten().map(|guest| guest.index));
    let roots = groups(domain, &[0, 1, 2].map(places), length);
    let mut labels = vec![u64::MAX; roots.len()];
    for (&root, index) in roots.iter().zip(indices) {
        labels[root as usize] = labels[root as usize].min(index);
    }
    loop {
        let known: Vec<Vec<u64>> = shared
            .iter()
            .map(|some| some.iter().map(|&i| labels[roots[i as usize] as usize]).collect())
            .collect();
        let told = collective::exchange(comm, &known).concat();
        let mut changes = 0;
        for (&root, label) in roots[bodies.len()..].iter().zip(told) {
            changes += u64::from(label < labels[root as usize]);
            labels[root as usize] = labels[root as usize].min(label);
        }
        if collective::sum(comm, changes) == 0 {
            break;
        }
    }
    let labels = roots[..bodies.len()].iter().map(|&root| labels[root as usize]).collect();
    Labelled { bodies, labels }
}

/// The first member of the group of each position. Positions are linked by steps no longer than
/// `length`.
fn groups(domain: Domain, places: &[Vec<f64>; 3], length: f64) -> Vec<u32> {
    let forest = Forest((0..places[0].len() as u32).map(AtomicU32::new).collect());
    let neighbours = Neighbours::new(domain, places.each_ref().map(Vec::as_slice));
    neighbours.links(length, &|a, b| forest.join(a as u32, b as u32));
    (0..places[0].len() as u32).map(|i| forest.root(i)).collect()
}

/// Disjoint sets. Each entry points to a member with a lower or the same number, and the lowest
/// member is the root. Threads may join sets concurrently: a root is only linked to a lower one,
/// and only if it is still a root.
struct Forest(Vec<AtomicU32>);

impl Forest {
    fn above(&self, i: u32) -> u32 {
        self.0[i as usize].load(Relaxed)
    }

    fn root(&self, mut i: u32) -> u32 {
        loop {
            let parent = self.above(i);
            let grandparent = self.above(parent);
            if parent == grandparent {
                return parent;
            }
            // Path halving shortens later searches.
            self.0[i as usize].store(grandparent, Relaxed);
            i = grandparent;
        }
    }

    fn join(&self, a: u32, b: u32) {
        let (mut a, mut b) = (a, b);
        loop {
            (a, b) = (self.root(a), self.root(b));
            if a == b {
                return;
            }
            let (low, high) = (a.min(b), a.max(b));
            if self.0[high as usize].compare_exchange(high, low, Relaxed, Relaxed).is_ok() {
                return;
            }
        }
    }
}

/// The bodies of this rank that each other rank needs: those near one of its boxes.
fn shared_bodies(comm: &dyn Comm, domain: Domain, bodies: &Bodies, length: f64) -> Vec<Vec<u32>> {
    let indices: Vec<u32> = (0..bodies.len() as u32).collect();
    let size = bodies.len().div_ceil(BOXES).max(1);
    let around = |run: &[u32]| run.iter().map(|&i| bodies.position(i as usize)).collect::<Bounds>();
    let mine: Vec<[f64; 6]> = indices.chunks(size).map(|run| around(run).to_array()).collect();
    let all = collective::gather(comm, &mine);
    let square = length * length * SAFE;
    let runs: Vec<(Bounds, &[u32])> = indices.chunks(RUN).map(|run| (around(run), run)).collect();
    let near = |boxes: &Vec<[f64; 6]>| -> Vec<u32> {
        let boxes: Vec<Bounds> = boxes.iter().copied().map(Bounds::from).collect();
        let mut some = Vec::new();
        for (bounds, run) in &runs {
            let close: Vec<&Bounds> =
                boxes.iter().filter(|other| domain.gap(other, bounds) <= square).collect();
            let is_near = |i: u32| {
                let place = Bounds::at(bodies.position(i as usize));
                close.iter().any(|other| domain.gap(other, &place) <= square)
            };
            some.extend(run.iter().copied().filter(|&i| is_near(i)));
        }
        some
    };
    let others = all.iter().enumerate();
    others.map(|(rank, boxes)| if rank == comm.rank() { Vec::new() } else { near(boxes) }).collect()
}

fn guests(bodies: &Bodies, first: u64, some: &[u32]) -> Vec<Guest> {
    let guest = |&i: &u32| Guest { index: first + u64::from(i), position: bodies.position(i as usize) };
    some.iter().map(guest).collect()
}
