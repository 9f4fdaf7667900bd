//! Tests of splitters.

use super::limits::BODY_CAP;
use super::*;
use crate::{Balancing, Sharing, threads};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Keys of bodies, more clumped for higher `power`.
fn keys(n: usize, power: i32) -> Vec<u64> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut place = || (rng.random::<f64>().powi(power) * f64::from(1u32 << 21)) as u32;
    let mut keys: Vec<u64> =
        (0..n).map(|_| Key::from_place([place(), place(), place()]).curve().start).collect();
    keys.sort_unstable();
    keys
}

/// Splitters for bodies that are distributed round-robin. All ranks must find the same.
fn split(keys: &[u64], work: &[f32], ranks: usize, group_size: usize) -> Splitters {
    let found = threads::run(ranks, |comm| {
        let mine = |i: &usize| i % ranks == comm.rank();
        let indices: Vec<usize> = (0..keys.len()).filter(mine).collect();
        let keys: Vec<u64> = indices.iter().map(|i| keys[*i]).collect();
        let work: Vec<f32> = indices.iter().map(|i| work[*i]).collect();
        splitters(comm, &keys, &work, group_size, ranks).0
    });
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    found.into_iter().next().expect("there is a rank")
}

/// Splitters for bodies in the order of other splitters. One in `stray` bodies is on an
/// arbitrary rank.
fn split_again(
    keys: &[u64],
    work: &[f32],
    last: &Splitters,
    ranks: usize,
    stray: usize,
) -> (Splitters, bool) {
    let found = threads::run(ranks, |comm| {
        let share = last.share(comm.rank(), keys);
        let mine = |i: &usize| match (i * 7919) % stray {
            0 => i / stray % ranks == comm.rank(),
            _ => share.contains(i),
        };
        let indices: Vec<usize> = (0..keys.len()).filter(mine).collect();
        let keys: Vec<u64> = indices.iter().map(|i| keys[*i]).collect();
        let work: Vec<f32> = indices.iter().map(|i| work[*i]).collect();
        (splitters(comm, &keys, &work, 20, ranks).0, last_places(comm, &keys, &[]).0.is_some())
    });
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    found.into_iter().next().expect("there is a rank")
}

#[test]
fn bodies_in_order_get_the_splitters_of_bodies_anywhere() {
    let keys = [keys(20_000, 3), vec![Key::ROOT.curve().start; 100]].concat();
    let keys = {
        let mut keys = keys;
        keys.sort_unstable();
        keys
    };
    let work: Vec<f32> = (0..keys.len()).map(|i| 10.0 + (i * i / 500 % 90) as f32).collect();
    for ranks in [1, 2, 3, 7, 16, 33] {
        let expected = split(&keys, &work, ranks, 20);
        let others = split(&keys, &vec![1.0; keys.len()], ranks, 50);
        for (last, stray) in [(&expected, usize::MAX), (&others, 40), (&others, 10)] {
            assert_eq!(split_again(&keys, &work, last, ranks, stray), (expected.clone(), true), "{ranks}");
        }
        // Bodies on arbitrary ranks. With few ranks, they may be in order by chance.
        let (found, in_order) = split_again(&keys, &work, &others, ranks, 1);
        assert!(found == expected && (ranks < 7 || !in_order), "{ranks}");
    }
}

#[test]
fn work_is_equal_to_within_a_group_and_the_slack() {
    let keys = keys(20_000, 3);
    let work: Vec<f32> = (0..keys.len()).map(|i| 100.0 + (i / 100 % 7) as f32 * 30.0).collect();
    for ranks in [1, 2, 3, 7, 16] {
        let splitters = split(&keys, &work, ranks, 32);
        let shares: Vec<f32> =
            (0..ranks).map(|rank| work[splitters.share(rank, &keys)].iter().sum::<f32>()).collect();
        let mean = shares.iter().sum::<f32>() / ranks as f32;
        let most = mean * 2.0 / SLACK as f32 + 32.0 * 281.0;
        assert!(shares.iter().all(|share| (share - mean).abs() <= most), "{ranks}: {shares:?}");
    }
}

#[test]
fn no_splitter_lies_inside_a_group() {
    for (keys, group_size) in [(keys(5_000, 4), 20), (keys(3_000, 1), 64), (vec![keys(1, 1)[0]; 500], 10)] {
        let splitters = split(&keys, &vec![1.0; keys.len()], 7, group_size);
        for bound in &splitters.bounds[1..7] {
            if *bound == Key::END {
                continue;
            }
            let body = Key::from_curve(*bound);
            for level in 0..=Key::MAX_LEVEL {
                let range = body.ancestor(level).curve();
                let count = keys.iter().filter(|key| range.contains(key)).count();
                assert!(range.start == *bound || count > group_size, "{bound:x} cuts a cell of {count}");
            }
        }
    }
}

#[test]
fn no_rank_gets_too_many_bodies() {
    let keys = keys(10_000, 1);
    let mut work = vec![1.0; keys.len()];
    work[9_900..].fill(100_000.0);
    let splitters = split(&keys, &work, 8, 16);
    let most = (0..8).map(|rank| splitters.share(rank, &keys).len()).max().expect("there are ranks");
    assert!(most <= (BODY_CAP * 10_000.0 / 8.0) as usize, "{most} bodies on one rank");
}

#[test]
fn fewer_bodies_than_ranks_leave_ranks_empty() {
    let keys = keys(3, 1);
    let splitters = split(&keys, &[1.0; 3], 16, 4);
    assert_eq!((0..16).map(|rank| splitters.share(rank, &keys).len()).sum::<usize>(), 3);
}

/// Splitters for ranks of these speeds and limits. The bodies are in the order of `last`, or dealt
/// round-robin.
fn split_by_speed(
    keys: &[u64],
    work: &[f32],
    last: Option<&Splitters>,
    speeds: &[f64],
    most: Option<&[u64]>,
) -> Result<Splitters, Error> {
    let ranks = speeds.len();
    let mut found = threads::run(ranks, |comm| {
        let rank = comm.rank();
        let share = last.map(|last| last.share(rank, keys));
        let mine = |i: &usize| share.as_ref().map_or(i % ranks == rank, |share| share.contains(i));
        let indices: Vec<usize> = (0..keys.len()).filter(mine).collect();
        let keys: Vec<u64> = indices.iter().map(|i| keys[*i]).collect();
        let work: Vec<f32> = indices.iter().map(|i| work[*i]).collect();
        let most_bodies = most.map(|most| most[rank]);
        let mut measured = Speeds::new(Sharing { balancing: Balancing::Speed, most_bodies });
        measured.record(speeds[rank], 1.0);
        by_speed(comm, &keys, &work, 20, &mut measured).map(|(splitters, count)| {
            assert_eq!(count, 20_000);
            splitters
        })
    });
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    found.remove(0)
}

fn work_of_20_000() -> Vec<f32> {
    (0..20_000).map(|i| 100.0 + (i / 100 % 7) as f32 * 30.0).collect()
}

#[test]
fn work_is_shared_in_proportion_to_speed() {
    let (keys, work) = (keys(20_000, 3), work_of_20_000());
    for speeds in
        [&[1.0, 0.5][..], &[3.0, 1.0, 1.0, 2.0, 0.5, 1.5, 1.0], &[10.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]]
    {
        let found = split_by_speed(&keys, &work, None, speeds, None).unwrap();
        let all = work.iter().sum::<f32>() / speeds.iter().sum::<f64>() as f32;
        for (rank, speed) in speeds.iter().enumerate() {
            let share = work[found.share(rank, &keys)].iter().sum::<f32>();
            let wanted = all * *speed as f32;
            let most = wanted * 2.0 / SLACK as f32 + 20.0 * 281.0;
            assert!((share - wanted).abs() <= most, "{speeds:?}: {rank} has {share}, not {wanted}");
        }
        assert_eq!(split_by_speed(&keys, &work, Some(&found), speeds, None), Ok(found));
    }
    assert_eq!(split_by_speed(&keys, &work, None, &[1.0; 5], None), Ok(split(&keys, &work, 5, 20)));
}

#[test]
fn no_rank_gets_more_bodies_than_its_memory_holds() {
    let (keys, mut work) = (keys(20_000, 3), work_of_20_000());
    work[15_000..].fill(50_000.0);
    let speeds = [1.0, 3.0, 1.0, 1.0, 2.0, 1.0];
    for most in [
        [2_000, 20_000, 500, 20_000, 20_000, 20_000],
        [3_500; 6],
        [3_360; 6],
        [20, 0, 9_000, 9_000, 4_000, 100],
    ] {
        let found = split_by_speed(&keys, &work, None, &speeds, Some(&most)).unwrap();
        let counts: Vec<usize> = (0..6).map(|rank| found.share(rank, &keys).len()).collect();
        assert!(counts.iter().zip(most).all(|(count, most)| *count as u64 <= most), "{counts:?}, {most:?}");
        assert_eq!(counts.iter().sum::<usize>(), 20_000);
        assert_eq!(split_by_speed(&keys, &work, Some(&found), &speeds, Some(&most)), Ok(found));
    }
    // The ranks with room share the rest by speed.
    let most = [1_000, 20_000, 20_000, 20_000, 20_000, 20_000];
    let found = split_by_speed(&keys, &vec![10.0; 20_000], None, &[1.0; 6], Some(&most)).unwrap();
    let counts: Vec<usize> = (0..6).map(|rank| found.share(rank, &keys).len()).collect();
    assert!(counts[1..].iter().all(|count| count.abs_diff(3_800) < 150) && counts[0] > 800, "{counts:?}");
}

#[test]
fn too_little_memory_in_all_is_one_error() {
    let (keys, work) = (keys(20_000, 3), work_of_20_000());
    let found = split_by_speed(&keys, &work, None, &[1.0, 2.0, 1.0], Some(&[5_000, 5_000, 9_000]));
    let error = found.unwrap_err();
    assert_eq!(error, Error::Room { bodies: 20_000, room: 18_940 });
    assert!(error.to_string().contains("room for 18940 bodies, and there are 20000"), "{error}");
    // Bodies at one place are not divided.
    let found = split_by_speed(&vec![keys[0]; 20_000], &work, None, &[1.0; 4], Some(&[6_000; 4]));
    assert_eq!(found, Err(Error::Crowded { count: 20_000, room: 6_000 }));
}
