//! The key order of the bodies of all ranks, and the cells that contain them.

use crate::migrate::migrate;
use crate::splitters::splitters;
use crate::{Comm, Reduction, collective};
use std::borrow::Cow;
use treecode::{Bodies, Cube, Key, TYPES};

/// Bodies of one rank, sorted by key, and by id for equal keys. Bodies of higher ranks come later
/// in the order.
pub struct Ordered<'a> {
    /// The bodies.
    pub bodies: Cow<'a, Bodies>,
    /// Index of each body on the space-filling curve.
    pub keys: Vec<u64>,
}

/// Sorts the bodies of all ranks by their keys in `cube`, which must contain all bodies. Bodies
/// that are sorted already, as after a force evaluation, are borrowed. Collective.
pub fn in_key_order<'a>(comm: &dyn Comm, cube: &Cube, bodies: &'a Bodies) -> Ordered<'a> {
    let keys = treecode::keys(bodies, cube);
    if are_ordered(comm, &keys, &bodies.id) {
        return Ordered { bodies: Cow::Borrowed(bodies), keys };
    }
    let mut bodies = bodies.clone();
    let keys = treecode::sort(&mut bodies, cube);
    let (splits, count) = splitters(comm, &keys, &bodies.work, 1, comm.size());
    let (bodies, keys) = migrate(comm, cube, bodies, keys, &splits);
    assert_eq!(collective::sum(comm, bodies.len() as u64), count, "bodies after the migration, and before");
    Ordered { bodies: Cow::Owned(bodies), keys }
}

/// Whether keys and ids ascend over all ranks. Collective.
fn are_ordered(comm: &dyn Comm, keys: &[u64], ids: &[u64]) -> bool {
    let mut ends = vec![u64::from(treecode::is_sorted(keys, ids))];
    if let (Some(last), false) = (keys.len().checked_sub(1), keys.is_empty()) {
        ends.extend([keys[0], ids[0], keys[last], ids[last]]);
    }
    let ranks = collective::gather(comm, &ends);
    let edges: Vec<(u64, u64)> =
        ranks.iter().flat_map(|ends| ends[1..].chunks(2)).map(|end| (end[0], end[1])).collect();
    // A rank with one body has it at both ends.
    let between = edges.chunks(2).zip(edges.chunks(2).skip(1));
    ranks.iter().all(|ends| ends[0] == 1) && between.into_iter().all(|(before, after)| before[1] < after[0])
}

/// Cells that divide the cube, in key order, with the number of bodies of each type on all ranks. A
/// cell with `count` bodies is divided if `divides(level, count)` is true. `divides` must be the
/// same on all ranks. Collective.
pub fn cells(
    comm: &dyn Comm,
    ordered: &Ordered,
    divides: impl Fn(u32, u64) -> bool,
) -> Vec<(Key, [u64; TYPES])> {
    let places = |key: Key| {
        let range = key.curve();
        let place = |bits: u64| ordered.keys.partition_point(|key| *key < bits);
        place(range.start)..place(range.end)
    };
    let mut open = vec![Key::ROOT];
    let mut closed = Vec::new();
    while !open.is_empty() {
        let mut counts: Vec<u64> = open.iter().map(|key| places(*key).len() as u64).collect();
        comm.all_reduce(&mut counts, Reduction::Sum);
        let mut next = Vec::new();
        for (key, count) in open.into_iter().zip(counts) {
            if key.level() < Key::MAX_LEVEL && divides(key.level(), count) {
                next.extend((0..8).map(|octant| key.child(octant)));
            } else {
                closed.push(key);
            }
        }
        open = next;
    }
    closed.sort_unstable_by_key(|key| key.curve().start);
    let mut counts = vec![0; TYPES * closed.len()];
    for (count, key) in counts.chunks_mut(TYPES).zip(&closed) {
        ordered.bodies.kind[places(*key)].iter().for_each(|&kind| count[usize::from(kind)] += 1);
    }
    comm.all_reduce(&mut counts, Reduction::Sum);
    let count_of = |count: &[u64]| std::array::from_fn(|kind| count[kind]);
    closed.into_iter().zip(counts.chunks(TYPES).map(count_of)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;

    /// Clumped bodies of three types. Two bodies share one position.
    fn bodies(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        for i in 0..n {
            let place = |salt: usize| ((i * 7919 + salt) * 104_729 % 65_537) as f64 / 65_537.0;
            (0..3).for_each(|axis| bodies.pos[axis][i] = place(axis).powi(4) - 0.5);
            bodies.kind[i] = [1, 2, 4][i % 3];
            bodies.mass[i] = i as f64 + 1.0;
        }
        (0..3).for_each(|axis| bodies.pos[axis][n / 2] = bodies.pos[axis][1]);
        bodies
    }

    /// Bodies and cells of all ranks, if bodies are distributed round-robin.
    fn arrange(ranks: usize, n: usize, most: u64) -> (Bodies, Vec<(Key, [u64; TYPES])>) {
        let (all, cube) = (bodies(n), Cube::around([-0.5; 3], [0.5; 3]));
        let parts = threads::run(ranks, |comm| {
            let mut mine = all.clone();
            mine.permute(
                &(0..n as u32).rev().filter(|i| *i as usize % ranks == comm.rank()).collect::<Vec<_>>(),
            );
            let once = in_key_order(comm, &cube, &mine);
            let twice = in_key_order(comm, &cube, &once.bodies);
            assert!(matches!(twice.bodies, Cow::Borrowed(_)), "what is in order is sorted again");
            (once.bodies.clone().into_owned(), cells(comm, &once, |_, count| count > most))
        });
        let mut joined = Bodies::default();
        parts.iter().for_each(|(bodies, _)| joined.append(bodies));
        assert!(parts.windows(2).all(|pair| pair[0].1 == pair[1].1), "ranks have other cells");
        (joined, parts.into_iter().next().expect("there is a rank").1)
    }

    #[test]
    fn any_number_of_ranks_gives_one_order_and_one_set_of_cells() {
        let (expected, cells) = arrange(1, 3000, 50);
        assert!(cells.len() > 60 && cells.iter().all(|(_, count)| count.iter().sum::<u64>() <= 50));
        assert!(
            cells.windows(2).all(|pair| pair[0].0.curve().end == pair[1].0.curve().start),
            "cells leave gaps"
        );
        for ranks in [2, 3, 8] {
            let (found, found_cells) = arrange(ranks, 3000, 50);
            assert!(found == expected, "{ranks} ranks have another order");
            assert_eq!(found_cells, cells);
        }
        let cube = Cube::around([-0.5; 3], [0.5; 3]);
        let mut first = 0;
        for (key, count) in &cells {
            let end = first + count.iter().sum::<u64>() as usize;
            assert!((first..end).all(|i| key.contains(cube.key(expected.position(i)))), "{key:?}");
            first = end;
        }
        assert_eq!(first, 3000);
    }

    #[test]
    fn fewer_bodies_than_ranks_and_none() {
        assert_eq!(arrange(5, 3, 1).0.id.len(), 3);
        let none = threads::run(3, |comm| {
            let bodies = Bodies::default();
            let ordered = in_key_order(comm, &Cube::around([0.0; 3], [1.0; 3]), &bodies);
            cells(comm, &ordered, |level, _| level < 1).len()
        });
        assert_eq!(none, [8, 8, 8]);
    }
}
