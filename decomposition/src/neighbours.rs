//! Distances to neighbours on all ranks. Their bits do not depend on the number of ranks.

use crate::{Comm, Evaluation, collective};
use rayon::prelude::*;
use std::collections::HashMap;
use treecode::{Bounds, Domain, Neighbours};

/// Greatest number of boxes that describe the positions of a rank's bodies to other ranks.
const BOXES: usize = 64;

/// Distance [L] of each body of this rank to the `k`-th nearest other body on all ranks. `pos` are
/// the positions [L]. With fewer than `k` others, it is the distance to the farthest; with none, it
/// is infinite. Collective.
pub fn neighbour_distances(comm: &dyn Comm, domain: Domain, pos: [&[f64]; 3], k: usize) -> Vec<f64> {
    distances(comm, &Neighbours::new(domain, pos), pos, k, f64::INFINITY)
}

impl Evaluation {
    /// Distance [L] of each body of this rank to the nearest other body on all ranks, or infinity
    /// if it is greater than about `within` [L]. The search uses the cells of the evaluation. The
    /// distances have the same bits as those of [`neighbour_distances`] for the positions in
    /// `bodies`. Collective.
    pub fn nearest_distances(&self, comm: &dyn Comm, domain: Domain, within: f64) -> Vec<f64> {
        let pos = self.bodies.pos.each_ref().map(Vec::as_slice);
        let tree = Neighbours::on_cells(domain, pos, &self.structure);
        distances(comm, &tree, pos, 1, within * within * (1.0 + 1e-9))
    }
}

/// Distance [L] of each body to the `k`-th nearest other body on all ranks. It is infinite if the
/// square is greater than `within` [L^2]. `tree` has the bodies of this rank, at `pos`. Collective.
fn distances(comm: &dyn Comm, tree: &Neighbours, pos: [&[f64]; 3], k: usize, within: f64) -> Vec<f64> {
    let all = collective::sum(comm, pos[0].len() as u64) as usize;
    // Index in the order of distance, in which the body itself is first.
    let rank = k.min(all.saturating_sub(1));
    if all < 2 {
        return vec![f64::INFINITY; pos[0].len()];
    }
    let mut squares = match pos[0].len() > rank {
        true => tree.squares_up_to(rank, within),
        false => vec![f64::INFINITY; pos[0].len()],
    };
    if comm.size() > 1 {
        look_on_other_ranks(comm, tree, pos, rank, within, &mut squares);
    }
    squares.iter_mut().for_each(|square| *square = square.sqrt());
    squares
}

/// Lowers the squares of bodies that have nearer neighbours on other ranks. Collective.
fn look_on_other_ranks(
    comm: &dyn Comm,
    tree: &Neighbours,
    pos: [&[f64]; 3],
    rank: usize,
    within: f64,
    squares: &mut [f64],
) {
    let position = |i: usize| pos.map(|axis| axis[i]);
    // Ranks that may have nearer bodies return the squares of distances up to the bound. The
    // `rank + 1` least of each rank are enough.
    let bounds: Vec<f64> = squares.iter().map(|square| square.min(within)).collect();
    let asked = asked(comm, tree, &bounds);
    let question = |i: &usize| {
        let [x, y, z] = position(*i);
        [x, y, z, bounds[*i]]
    };
    let questions: Vec<Vec<[f64; 4]>> =
        asked.iter().map(|list| list.iter().map(question).collect()).collect();
    let answers: Vec<Vec<f64>> = collective::exchange(comm, &questions)
        .into_iter()
        .map(|questions| {
            let answer = |[x, y, z, within]: &[f64; 4]| {
                let mut found = tree.squares_within([*x, *y, *z], *within, rank + 1);
                found.insert(0, found.len() as f64);
                found
            };
            questions.par_iter().map(answer).flatten_iter().collect()
        })
        .collect();
    let mut theirs: HashMap<usize, Vec<f64>> = HashMap::new();
    for (list, answer) in asked.iter().zip(collective::exchange(comm, &answers)) {
        let mut rest = &answer[..];
        for i in list {
            let (found, others) = rest[1..].split_at(rest[0] as usize);
            theirs.entry(*i).or_default().extend(found);
            rest = others;
        }
    }
    let found: Vec<(usize, f64)> = theirs
        .into_par_iter()
        .filter(|(_, theirs)| !theirs.is_empty())
        .filter_map(|(i, mut found)| {
            found.extend(tree.squares_within(position(i), bounds[i], rank + 1));
            let square = (found.len() > rank).then(|| *found.select_nth_unstable_by(rank, f64::total_cmp).1);
            square.map(|square| (i, square))
        })
        .collect();
    found.into_iter().for_each(|(i, square)| squares[i] = square);
}

/// The bodies of this rank that may have a nearer neighbour on each other rank. `bounds` are the
/// squares of the distances up to which neighbours are looked for [L^2]. Collective.
fn asked(comm: &dyn Comm, tree: &Neighbours, bounds: &[f64]) -> Vec<Vec<usize>> {
    let mine: Vec<[f64; 6]> = tree.boxes(BOXES).iter().map(Bounds::to_array).collect();
    let boxes: Vec<Vec<Bounds>> = collective::gather(comm, &mine)
        .into_iter()
        .enumerate()
        .map(|(rank, boxes)| match rank == comm.rank() {
            true => Vec::new(),
            false => boxes.into_iter().map(Bounds::from).collect(),
        })
        .collect();
    tree.near(&boxes, bounds)
}

/// Approximate distance [L] of each body of this rank to the `k`-th nearest other body on all
/// ranks. `pos` are the positions [L]. It takes a fraction of the time of [`neighbour_distances`].
///
/// The first of every `stride` consecutive bodies is sampled. Its distance to the `k / stride`-th
/// nearest sampled body is computed, where `k / stride` is rounded up. Each body gets the weighted
/// mean of three such distances: of its own sample, the one before and the one after. Nearby
/// samples have larger weights.
///
/// In a region of constant density, the result is within about 10 % of the exact distance. It is
/// infinite if fewer than two bodies are sampled.
///
/// Bodies that are consecutive, over all ranks, must be close together, as in key order. The
/// results depend on this order, but not on its division into ranks. Collective.
pub fn sampled_distances(
    comm: &dyn Comm,
    domain: Domain,
    pos: [&[f64]; 3],
    k: usize,
    stride: usize,
) -> Vec<f64> {
    let counts = collective::gather(comm, &[pos[0].len() as u64]).concat();
    let first = counts[..comm.rank()].iter().sum::<u64>() as usize;
    let asked = first.div_ceil(stride); // number of samples on lower ranks
    let places = (asked * stride - first..pos[0].len()).step_by(stride);
    let own = pos.map(|axis| places.clone().map(|i| axis[i]).collect::<Vec<f64>>());
    let distances = neighbour_distances(comm, domain, own.each_ref().map(Vec::as_slice), k.div_ceil(stride));
    let found = distances.into_iter().enumerate().map(|(i, distance)| {
        let at = own.each_ref().map(|axis| axis[i]);
        Found { at, distance }
    });
    let (found, before) = with_those_beside(comm, found.collect());
    if counts.iter().sum::<u64>() as usize <= stride {
        return vec![f64::INFINITY; pos[0].len()];
    }
    let mean = |i: usize| {
        // Index in `found` of the body's own sample.
        let behind = (first + i) / stride + before - asked;
        let near = &found[behind.saturating_sub(1)..(behind + 2).min(found.len())];
        mean_distance(domain, near, pos.map(|axis| axis[i])).unwrap_or(found[behind].distance)
    };
    (0..pos[0].len()).into_par_iter().with_min_len(1 << 12).map(mean).collect()
}

/// A sampled body.
#[derive(Clone, Copy)]
struct Found {
    /// Position [L].
    at: [f64; 3],
    /// Distance to its neighbour [L].
    distance: f64,
}

/// Samples of this rank, with the last two of the ranks before and the first of the ranks after.
/// Also the number of samples before those of this rank. Collective.
fn with_those_beside(comm: &dyn Comm, mut found: Vec<Found>) -> (Vec<Found>, usize) {
    let last = found.len().saturating_sub(2).max(1).min(found.len());
    let ends = found[..found.len().min(1)].iter().chain(&found[last..]);
    let ends: Vec<[f64; 4]> = ends.map(|Found { at: [x, y, z], distance }| [*x, *y, *z, *distance]).collect();
    let ranks = collective::gather(comm, &ends);
    let taken = |[x, y, z, distance]: &[f64; 4]| Found { at: [*x, *y, *z], distance: *distance };
    let earlier: Vec<Found> = ranks[..comm.rank()].iter().flatten().map(taken).collect();
    let before = &earlier[earlier.len().saturating_sub(2)..];
    found.splice(0..0, before.iter().copied());
    found.extend(ranks[comm.rank() + 1..].iter().flatten().map(taken).next());
    (found, before.len())
}

/// Weighted mean of the distances of `near`, for a body at `from`. The weight of a sample falls to
/// half of its greatest value at half of the sample's distance. `None` if all squared separations
/// overflow.
fn mean_distance(domain: Domain, near: &[Found], from: [f64; 3]) -> Option<f64> {
    let (mut sum, mut weights) = (0.0, 0.0);
    for Found { at, distance } in near {
        let square: f64 = domain.displacement(from, *at).iter().map(|d| d * d).sum();
        let weight = 1.0 / (square + 0.25 * distance * distance).max(f64::MIN_POSITIVE);
        if weight > 0.0 {
            sum += weight * distance;
            weights += weight;
        }
    }
    (weights > 0.0).then(|| sum / weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;
    use treecode::Domain::Open;

    /// A dense clump, some distant bodies, and some at one position.
    fn positions(n: usize) -> [Vec<f64>; 3] {
        std::array::from_fn(|axis| {
            let place = |i: usize| ((i * 7919 + axis * 31) * 104_729 % 65_537) as f64 / 65_537.0 - 0.5;
            (0..n)
                .map(
                    |i| {
                        if i % 50 == 0 {
                            0.125
                        } else {
                            place(i).powi(3) * if i % 7 == 0 { 40.0 } else { 1.0 }
                        }
                    },
                )
                .collect()
        })
    }

    /// The positions in key order.
    fn in_order(pos: [Vec<f64>; 3]) -> [Vec<f64>; 3] {
        let mut bodies = treecode::Bodies::zeroed(pos[0].len());
        bodies.pos = pos;
        let (lo, hi) =
            bodies.pos.iter().flatten().fold((0.0f64, 0.0f64), |(lo, hi), x| (lo.min(*x), hi.max(*x)));
        treecode::sort(&mut bodies, &treecode::Cube::around([lo; 3], [hi; 3]));
        bodies.pos
    }

    #[test]
    fn where_ranks_divide_the_order_does_not_change_sampled_distances() {
        for (n, k, stride) in
            [(3000, 32, 4), (3000, 32, 32), (37, 100, 5), (9, 8, 4), (4, 8, 4), (1, 5, 4), (0, 3, 4)]
        {
            let all = in_order(positions(n));
            let expected =
                sampled_distances(&crate::Solo, Open, all.each_ref().map(Vec::as_slice), k, stride);
            assert_eq!(expected.len(), n);
            assert!(expected.iter().all(|distance| *distance >= 0.0 && distance.is_finite() == (n > stride)));
            for ranks in [2, 3, 7, 12] {
                // Ranks of very different sizes, some without bodies or without sampled bodies.
                let end = |rank: usize| n * (rank * rank) / (ranks * ranks) / 2 * 2;
                let parts = threads::run(ranks, |comm| {
                    let last = if comm.rank() + 1 == ranks { n } else { end(comm.rank() + 1) };
                    let mine = all.each_ref().map(|axis| &axis[end(comm.rank())..last]);
                    sampled_distances(comm, Open, mine, k, stride)
                });
                assert!(parts.concat() == expected, "{n} bodies on {ranks} ranks");
            }
        }
    }

    /// Comparison with exact distances in a cloud with a large range of densities and in a thin
    /// sheet.
    #[test]
    fn sampled_distances_are_near_the_exact_ones() {
        let number = |i: usize, salt: usize| {
            let mixed = ((i as u64) << 3 | salt as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            ((mixed ^ (mixed >> 32)) >> 11) as f64 / (1u64 << 53) as f64
        };
        let n = 40_000;
        let cloud = [0, 1, 2].map(|axis| {
            let direction = |i: usize, axis: usize| number(i, axis) - 0.5;
            let place = |i: usize| {
                let length = (0..3).map(|axis| direction(i, axis).powi(2)).sum::<f64>().sqrt();
                direction(i, axis) / length * (number(i, 3).powf(-2.0 / 3.0) - 1.0).powf(-0.5)
            };
            (1..=n).map(place).collect::<Vec<f64>>()
        });
        let sheet = [0, 1, 2].map(|axis| {
            let thickness = if axis == 2 { 1e-4 } else { 1.0 };
            (1..=n).map(|i| thickness * number(i, axis)).collect::<Vec<f64>>()
        });
        for (name, pos) in [("cloud", cloud), ("sheet", sheet)] {
            let pos = in_order(pos);
            let pos = pos.each_ref().map(Vec::as_slice);
            let exact = neighbour_distances(&crate::Solo, Open, pos, 32);
            let sampled = sampled_distances(&crate::Solo, Open, pos, 32, 4);
            let mut ratios: Vec<f64> = sampled.iter().zip(&exact).map(|(a, b)| a / b).collect();
            ratios.sort_unstable_by(f64::total_cmp);
            let at = |part: f64| ratios[(part * (n - 1) as f64) as usize];
            let spread = [0.001, 0.01, 0.16, 0.5, 0.84, 0.99, 0.999].map(at);
            println!("{name}: {spread:.3?}");
            assert!((0.97..1.03).contains(&spread[3]), "{name}: biased, {spread:?}");
            assert!(spread[4] - spread[2] < 0.2, "{name}: one sigma is too wide, {spread:?}");
            assert!(spread[1] > 0.7 && spread[5] < 1.4, "{name}: tails, {spread:?}");
        }
    }

    #[test]
    fn bodies_at_one_place_have_no_distance_and_far_ones_a_finite_one() {
        let place = |i: usize| if i < 200 { 0.5 } else { 1e100 * (i - 199) as f64 };
        let axis: Vec<f64> = (0..220).map(place).collect();
        let found = sampled_distances(&crate::Solo, Open, [&axis, &axis, &axis], 16, 4);
        assert!(found[..190].iter().all(|distance| *distance == 0.0));
        assert!(found.iter().all(|distance| distance.is_finite()));
        assert!(found[204..].iter().all(|distance| (1e100..1e102).contains(distance)));
    }

    fn cases() -> impl Iterator<Item = ((usize, usize), Domain)> {
        let numbers = [(3000, 32), (40, 100), (2, 1), (1, 5), (0, 3)];
        let domains = [Open, Domain::Periodic { side: 0.7 }];
        numbers.into_iter().flat_map(move |numbers| domains.map(|domain| (numbers, domain)))
    }

    /// Searches on the cells of an evaluation and on a separate tree give the same distances, up to
    /// the limit.
    #[test]
    fn cells_of_an_evaluation_find_the_same_neighbours() {
        for ((n, _), domain) in cases().filter(|((n, _), _)| *n > 0) {
            let all = positions(n).map(|axis| axis.into_iter().map(|x| domain.wrap(x)).collect::<Vec<_>>());
            let mut sorted = neighbour_distances(&crate::Solo, domain, all.each_ref().map(Vec::as_slice), 1);
            sorted.sort_unstable_by(f64::total_cmp);
            for (within, ranks) in [(0.0, 2), (sorted[n / 10], 3), (sorted[n / 2], 1), (1e3, 7), (1e300, 4)] {
                let gravity = treecode::Gravity { domain, leaf_size: 8, ..treecode::Gravity::default() };
                let parts = threads::run(ranks, |comm| {
                    let mine: Vec<usize> = (0..n).filter(|i| i % ranks == comm.rank()).collect();
                    let mut bodies = treecode::Bodies::zeroed(mine.len());
                    for (row, i) in mine.iter().enumerate() {
                        (0..3).for_each(|axis| bodies.pos[axis][row] = all[axis][*i]);
                        (bodies.id[row], bodies.mass[row]) = (*i as u64, 1.0);
                    }
                    let evaluation = crate::rehearse(comm, &gravity, bodies, 3).unwrap();
                    let found = evaluation.nearest_distances(comm, domain, within);
                    (0..found.len()).map(|i| (evaluation.bodies.position(i), found[i])).collect::<Vec<_>>()
                });
                let (places, found): (Vec<[f64; 3]>, Vec<f64>) = parts.concat().into_iter().unzip();
                assert_eq!(found.len(), n);
                // The sort has moved bodies of a box into the cube of the tree.
                let moved: [Vec<f64>; 3] =
                    std::array::from_fn(|axis| places.iter().map(|place| place[axis]).collect());
                let exact = neighbour_distances(&crate::Solo, domain, moved.each_ref().map(Vec::as_slice), 1);
                for (distance, exact) in found.into_iter().zip(exact) {
                    let is_far = distance == f64::INFINITY && exact > within;
                    assert!(distance == exact || is_far, "{n} bodies, {ranks} ranks: {distance} {exact}");
                    assert!(exact > within * (1.0 + 1e-8) || distance == exact, "{exact} is within {within}");
                }
            }
        }
    }

    #[test]
    fn any_number_of_ranks_finds_the_same_distances() {
        for ((n, k), domain) in cases() {
            let all = positions(n).map(|axis| axis.into_iter().map(|x| domain.wrap(x)).collect::<Vec<_>>());
            let expected = neighbour_distances(&crate::Solo, domain, all.each_ref().map(Vec::as_slice), k);
            if n > 1 {
                assert_eq!(expected, Neighbours::new(domain, all.each_ref().map(Vec::as_slice)).distances(k));
            }
            for (ranks, scattered) in [(2, false), (3, true), (7, false), (7, true)] {
                let parts = threads::run(ranks, |comm| {
                    // Round-robin, or by position with no bodies on the last rank.
                    let owner = |i: usize| match scattered {
                        true => i % ranks,
                        false => ((all[0][i] + 0.1).clamp(0.0, 0.19) / 0.2 * (ranks - 1) as f64) as usize,
                    };
                    let mine: Vec<usize> = (0..n).filter(|i| owner(*i) == comm.rank()).collect();
                    let of = |axis: &Vec<f64>| mine.iter().map(|i| axis[*i]).collect::<Vec<_>>();
                    let pos = all.each_ref().map(of);
                    let found = neighbour_distances(comm, domain, pos.each_ref().map(Vec::as_slice), k);
                    mine.into_iter().zip(found).collect::<Vec<_>>()
                });
                let mut found = parts.concat();
                found.sort_by_key(|(i, _)| *i);
                assert_eq!(found.len(), n);
                assert!(
                    found.into_iter().all(|(i, distance)| distance == expected[i]),
                    "{n} bodies on {ranks} ranks"
                );
            }
        }
    }
}
