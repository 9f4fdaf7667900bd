//! Sort of keys. It returns the sorted keys and the old index of each.
//!
//! Splitters from a sample distribute the keys to *blocks* of a few thousand. A radix sort then
//! sorts each block in cache, by the bits in which the keys of the block differ. If the keys are
//! nearly in order, the distribution is little more than a copy. The blocks are of similar size
//! however clumped the bodies are; digits of the keys would not give such blocks. The result is
//! unique: it depends neither on threads nor on the sample.

use crate::tree::index;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::slice::IterMut;

/// Mean number of keys in a block. The block, its indices and the copy of both fit the second-level
/// cache.
const BLOCK: usize = 4096;
/// The number of sampled keys for each splitter. With this number, few blocks are twice the mean.
const SAMPLES: usize = 8;
/// At most this number of keys is sorted by insertion.
const FEW: usize = 24;
/// Bits of a digit of the radix sort. Each pass sorts by two digits.
const DIGIT: u32 = 8;

/// The keys in ascending order, and the old index of each. `tie` orders the indices of equal keys;
/// it must not find two of them equal.
pub(crate) fn sort_keys(keys: &[u64], tie: &(impl Fn(u32, u32) -> Ordering + Sync)) -> (Vec<u64>, Vec<u32>) {
    index::body(keys.len());
    let (mut sorted, mut order) = (vec![0; keys.len()], vec![0; keys.len()]);
    deal(keys, &mut sorted, &mut order)
        .into_par_iter()
        .for_each_init(Spare::default, |spare, (keys, order)| finish(keys, order, spare, tie));
    (sorted, order)
}

/// Adjacent keys, and their old indices.
type Block<'a> = (&'a mut [u64], &'a mut [u32]);

/// Distributes keys to blocks: no key of a block is above a key of a later block.
fn deal<'a>(keys: &[u64], sorted: &'a mut [u64], order: &'a mut [u32]) -> Vec<Block<'a>> {
    let splitters = splitters(keys);
    let blocks = splitters.len() + 1;
    let span = keys.len().div_ceil(2 * rayon::current_num_threads()).max(2 * BLOCK);
    let counted: Vec<(Vec<u16>, Vec<usize>)> =
        keys.par_chunks(span).map(|keys| classify(keys, &splitters)).collect();

    // For each span of the input and each block: the places for the keys that the span sends to the
    // block.
    let mut outs: Vec<Vec<(IterMut<u64>, IterMut<u32>)>> =
        counted.iter().map(|_| Vec::with_capacity(blocks)).collect();
    let (mut keys_left, mut order_left) = (&mut sorted[..], &mut order[..]);
    for block in 0..blocks {
        for (out, (_, counts)) in outs.iter_mut().zip(&counted) {
            let key = keys_left.split_off_mut(..counts[block]).expect("counts add up");
            let index = order_left.split_off_mut(..counts[block]).expect("counts add up");
            out.push((key.iter_mut(), index.iter_mut()));
        }
    }
    keys.par_chunks(span).zip(&counted).zip(outs).enumerate().for_each(
        |(i, ((keys, (block, _)), mut outs))| {
            for ((key, block), index) in keys.iter().zip(block).zip((i * span) as u32..) {
                let (keys, order) = &mut outs[usize::from(*block)];
                *keys.next().expect("counted") = *key;
                *order.next().expect("counted") = index;
            }
        },
    );

    let sizes = (0..blocks).map(|block| counted.iter().map(|(_, counts)| counts[block]).sum());
    let (mut keys_left, mut order_left) = (sorted, order);
    sizes
        .map(|size: usize| {
            let keys = keys_left.split_off_mut(..size).expect("counts add up");
            (keys, order_left.split_off_mut(..size).expect("counts add up"))
        })
        .collect()
}

/// Ascending keys that divide the keys into blocks of similar size.
fn splitters(keys: &[u64]) -> Vec<u64> {
    let blocks = (keys.len() / BLOCK).clamp(1, usize::from(u16::MAX));
    let samples = blocks * SAMPLES;
    let mut sample: Vec<u64> =
        (0..samples).filter_map(|i| keys.get(keys.len() * i / samples).copied()).collect();
    sample.sort_unstable();
    (1..blocks).map(|block| sample[block * SAMPLES]).collect()
}

/// The block of each key, and the number of keys in each block.
fn classify(keys: &[u64], splitters: &[u64]) -> (Vec<u16>, Vec<usize>) {
    let mut counts = vec![0; splitters.len() + 1];
    let mut last = 0;
    let block = |key: &u64| {
        // The key before often has the same block.
        let here =
            (last == 0 || splitters[last - 1] <= *key) && splitters.get(last).is_none_or(|end| key < end);
        if !here {
            last = splitters.partition_point(|splitter| splitter <= key);
        }
        counts[last] += 1;
        last as u16
    };
    let blocks = keys.iter().map(block).collect();
    (blocks, counts)
}

/// Buffers for a copy of a block.
#[derive(Default)]
struct Spare {
    keys: Vec<u64>,
    order: Vec<u32>,
}

/// Sorts a block by the sixteen highest bits in which its keys differ. Then sorts runs of keys with
/// equal bits in the same way.
fn finish(keys: &mut [u64], order: &mut [u32], spare: &mut Spare, tie: &impl Fn(u32, u32) -> Ordering) {
    if keys.len() <= FEW {
        return insert(keys, order, tie);
    }
    let differing = keys.iter().fold(0, |bits, key| bits | (key ^ keys[0]));
    if differing == 0 {
        return order.sort_unstable_by(|a, b| tie(*a, *b));
    }
    let shift = (u64::BITS - differing.leading_zeros()).saturating_sub(2 * DIGIT);
    radix(keys, order, spare, shift);
    let mut start = 0;
    while start < keys.len() {
        let digits = keys[start] >> shift;
        let len = keys[start..].iter().take_while(|key| **key >> shift == digits).count();
        let run = start..start + len;
        if len > 1 {
            finish(&mut keys[run.clone()], &mut order[run], spare, tie);
        }
        start += len;
    }
}

/// Stable radix sort by the two digits of the keys above `shift`, the lower digit first.
fn radix(keys: &mut [u64], order: &mut [u32], spare: &mut Spare, shift: u32) {
    const DIGITS: usize = 1 << DIGIT;
    let digit = |key: u64, which: u32| (key >> (shift + which * DIGIT)) as usize % DIGITS;
    let mut starts = [[0u32; DIGITS]; 2];
    for key in keys.iter() {
        starts[0][digit(*key, 0)] += 1;
        starts[1][digit(*key, 1)] += 1;
    }
    for starts in &mut starts {
        starts.iter_mut().fold(0, |sum, start| sum + std::mem::replace(start, sum));
    }
    if spare.keys.len() < keys.len() {
        spare.keys.resize(keys.len(), 0);
        spare.order.resize(keys.len(), 0);
    }
    let (spare_keys, spare_order) = (&mut spare.keys[..keys.len()], &mut spare.order[..keys.len()]);
    scatter(keys, order, spare_keys, spare_order, &mut starts[0], |key| digit(key, 0));
    scatter(spare_keys, spare_order, keys, order, &mut starts[1], |key| digit(key, 1));
}

/// Moves each key and its index to the next free place of its digit.
fn scatter(
    keys: &[u64],
    order: &[u32],
    out_keys: &mut [u64],
    out_order: &mut [u32],
    next: &mut [u32; 1 << DIGIT],
    digit: impl Fn(u64) -> usize,
) {
    for (key, index) in keys.iter().zip(order) {
        let place = &mut next[digit(*key)];
        out_keys[*place as usize] = *key;
        out_order[*place as usize] = *index;
        *place += 1;
    }
}

/// Insertion sort.
fn insert(keys: &mut [u64], order: &mut [u32], tie: &impl Fn(u32, u32) -> Ordering) {
    for i in 1..keys.len() {
        let (key, index) = (keys[i], order[i]);
        let mut hole = i;
        while hole > 0
            && (keys[hole - 1] > key || keys[hole - 1] == key && tie(order[hole - 1], index).is_gt())
        {
            (keys[hole], order[hole]) = (keys[hole - 1], order[hole - 1]);
            hole -= 1;
        }
        (keys[hole], order[hole]) = (key, index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Compares the sort with a plain stable sort. Indices of equal keys must descend.
    fn check(keys: &[u64]) {
        let mut expected: Vec<(u64, u32)> = keys.iter().copied().zip(0..keys.len() as u32).rev().collect();
        expected.sort_by_key(|(key, _)| *key);
        let (sorted, order) = sort_keys(keys, &|a, b| b.cmp(&a));
        let found: Vec<(u64, u32)> = sorted.into_iter().zip(order).collect();
        assert!(found == expected, "{} keys are in another order than by a plain sort", keys.len());
    }

    proptest! {
        #[test]
        fn any_keys_are_sorted(keys in prop::collection::vec(0u64..1 << 63, 0..400), shift in 0u32..64) {
            // The higher the shift, the more keys are equal.
            check(&keys.iter().map(|key| 1 << 63 | key >> shift).collect::<Vec<_>>());
        }
    }

    #[test]
    fn long_lists_of_every_kind_are_sorted() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let n = 3 * BLOCK as u64 + (1 << 16);
        let random: Vec<u64> = (0..n).map(|_| rng.random()).collect();
        let clumped: Vec<u64> = (0..n).map(|_| rng.random::<u64>() >> (rng.random::<u32>() % 64)).collect();
        let displaced: Vec<u64> = (0..n).map(|i| 1000 * i + rng.random::<u64>() % 9_000_000).collect();
        let mut one_of_two = random.clone();
        one_of_two.iter_mut().for_each(|key| *key &= 1 << 40);
        for keys in [
            random,
            clumped,
            displaced,
            one_of_two,
            vec![7; n as usize],
            (0..n).collect(),
            (0..n).rev().collect(),
        ] {
            check(&keys);
        }
    }
}
