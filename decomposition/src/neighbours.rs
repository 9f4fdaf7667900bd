//! Distances to neighbours, wherever these are: the same bits on any number of ranks.

use crate::{Comm, collective};
use rayon::prelude::*;
use treecode::Neighbours;

/// Boxes that tell other ranks where a rank has bodies, at most.
const BOXES: usize = 64;

/// Distance of each of this rank's bodies at `pos` [L] to the `k`-th nearest of all others on all ranks [L]; to the farthest if there are
/// fewer; infinite if there are none. Quickest when the bodies of a rank lie together. Collective.
pub fn neighbour_distances(comm: &dyn Comm, pos: [&[f64]; 3], k: usize) -> Vec<f64> {
    let tree = Neighbours::new(pos);
    let all = collective::sum(comm, pos[0].len() as u64) as usize;
    let rank = k.min(all.saturating_sub(1)); // of all bodies by distance: the first is the body itself
    if all < 2 {
        return vec![f64::INFINITY; pos[0].len()];
    }
    let mut squares = match pos[0].len() > rank {
        true => tree.squares(rank),
        false => vec![f64::INFINITY; pos[0].len()],
    };
    if comm.size() > 1 {
        let position = |i: usize| pos.map(|axis| axis[i]);
        let boxes: Vec<Vec<[f64; 6]>> = collective::gather(comm, &tree.boxes(BOXES));
        // Who may have nearer ones is asked for the squares of all distances up to the bound.
        let asked: Vec<Vec<usize>> = (0..comm.size())
            .map(|other| {
                let near =
                    |i: &usize| boxes[other].iter().any(|b| Neighbours::gap(b, position(*i)) <= squares[*i]);
                let mine = (0..squares.len()).into_par_iter().with_min_len(1 << 10);
                if other == comm.rank() { Vec::new() } else { mine.filter(near).collect() }
            })
            .collect();
        let question = |i: &usize| {
            let [x, y, z] = position(*i);
            [x, y, z, squares[*i]]
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
        let mut theirs: Vec<Vec<f64>> = vec![Vec::new(); squares.len()];
        for (list, answer) in asked.iter().zip(collective::exchange(comm, &answers)) {
            let mut rest = &answer[..];
            for i in list {
                let (found, others) = rest[1..].split_at(rest[0] as usize);
                theirs[*i].extend(found);
                rest = others;
            }
        }
        squares
            .par_iter_mut()
            .zip(theirs)
            .enumerate()
            .filter(|(_, (_, theirs))| !theirs.is_empty())
            .for_each(|(i, (square, mut found))| {
                found.extend(tree.squares_within(position(i), *square, rank + 1));
                *square = *found.select_nth_unstable_by(rank, f64::total_cmp).1;
            });
    }
    squares.into_iter().map(f64::sqrt).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads;

    /// A steep clump, some bodies far away, and some at one place.
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

    #[test]
    fn any_number_of_ranks_finds_the_same_distances() {
        for (n, k) in [(3000, 32), (40, 100), (2, 1), (1, 5), (0, 3)] {
            let all = positions(n);
            let expected = neighbour_distances(&crate::Solo, all.each_ref().map(Vec::as_slice), k);
            if n > 1 {
                assert_eq!(expected, Neighbours::new(all.each_ref().map(Vec::as_slice)).distances(k));
            }
            for (ranks, scattered) in [(2, false), (3, true), (7, false), (7, true)] {
                let parts = threads::run(ranks, |comm| {
                    // In turn, or those that lie together, with nothing on the last rank.
                    let owner = |i: usize| match scattered {
                        true => i % ranks,
                        false => ((all[0][i] + 0.1).clamp(0.0, 0.19) / 0.2 * (ranks - 1) as f64) as usize,
                    };
                    let mine: Vec<usize> = (0..n).filter(|i| owner(*i) == comm.rank()).collect();
                    let of = |axis: &Vec<f64>| mine.iter().map(|i| axis[*i]).collect::<Vec<_>>();
                    let pos = all.each_ref().map(of);
                    let found = neighbour_distances(comm, pos.each_ref().map(Vec::as_slice), k);
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
