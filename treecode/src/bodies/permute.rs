//! Reordering of bodies.
//!
//! Bodies that are sorted at every step mostly stay close to their places. Their arrays are
//! reordered in place, block by block, through a copy of the block in cache. This moves half as
//! much memory as a gather into a second array. For any other order, each array is gathered into
//! the memory of the array before it. An array of equal entries stays as it is. So untouched zeros
//! take no memory, for instance the velocities if only forces are wanted.

use super::columns::{ArrayMut, with_array};
use crate::Bodies;
use bytemuck::Pod;
use rayon::prelude::*;
use std::ops::Range;

/// The number of entries of an array that are reordered at once. Twice this number must fit 16
/// bits.
const BLOCK: usize = 1 << 13;
/// Arrays are reordered in place if at most one in this number of entries comes from another block.
const STRAY: usize = 5;

impl Bodies {
    /// Reorders the bodies: the new entry `i` is the old entry `order[i]`. A shorter `order` drops
    /// the other bodies.
    ///
    /// # Panics
    /// If an entry of `order` is not the index of a body.
    pub fn permute(&mut self, order: &[u32]) {
        self.permute_with(order, Vec::new());
    }

    /// [`Bodies::permute`], with the memory of a vector that is no longer needed.
    pub(crate) fn permute_with(&mut self, order: &[u32], spare: Vec<u64>) {
        let near = if order.len() == self.len() { Near::new(order) } else { None };
        if let Some(near) = near {
            drop(spare);
            for (width, _, array) in self.arrays_mut() {
                with_array!(array, array => if has_equal_entries(array) {
                } else if width == 1 {
                    near.apply(array)
                } else {
                    gather_rows(array, order, width)
                });
            }
            return;
        }
        // Arrays of eight-byte numbers reuse the memory of the one before.
        let mut spare = spare;
        for (width, _, array) in self.arrays_mut() {
            match array {
                array if with_array!(&array, array => has_equal_entries(array)) => {
                    with_array!(array, array => array.truncate(width * order.len()));
                }
                ArrayMut::U64(array) if width == 1 => spare = gather(array, order, spare),
                ArrayMut::F64(array) if width == 1 => {
                    spare = bytemuck::cast_vec(gather(array, order, bytemuck::cast_vec(spare)));
                }
                array => with_array!(array, array => if width == 1 {
                    gather(array, order, Vec::new());
                } else {
                    gather_rows(array, order, width);
                }),
            }
        }
    }
}

/// Whether all entries have the same bits, so that their order does not matter.
fn has_equal_entries<T: Pod>(array: &[T]) -> bool {
    let bytes: &[u8] = bytemuck::cast_slice(array);
    let from_second = size_of::<T>().min(bytes.len());
    bytes[from_second..] == bytes[..bytes.len() - from_second]
}

/// Reorders an array with several numbers per body.
fn gather_rows<T: Pod>(array: &mut Vec<T>, order: &[u32], width: usize) {
    let row = |i: &u32| &array[*i as usize * width..(*i as usize + 1) * width];
    *array = order.iter().flat_map(row).copied().collect();
}

/// Copies the entries `order` of an array to `spare`, which becomes the array. Returns the memory
/// of the old array.
fn gather<T: Pod + Send + Sync>(array: &mut Vec<T>, order: &[u32], mut spare: Vec<T>) -> Vec<T> {
    spare.resize(order.len(), T::zeroed());
    spare.par_chunks_mut(BLOCK).zip(order.par_chunks(BLOCK)).for_each(|(out, order)| {
        out.iter_mut().zip(order).for_each(|(out, i)| *out = array[*i as usize]);
    });
    std::mem::replace(array, spare)
}

/// A reordering in which most entries stay in their block.
struct Near {
    /// Source of each entry: a place in its block or, from the end of the block on, one of its
    /// strays.
    from: Vec<u16>,
    /// Entries that come from another block, in the order of their targets.
    strays: Vec<u32>,
    /// The strays of each block; `None` if nothing in the block changes.
    blocks: Vec<Option<Range<usize>>>,
}

impl Near {
    /// Returns `None` if too many entries leave their block.
    fn new(order: &[u32]) -> Option<Near> {
        let strays = |(block, order): (usize, &[u32])| order.iter().filter(|i| is_stray(**i, block)).count();
        let counts: Vec<usize> = order.par_chunks(BLOCK).enumerate().map(strays).collect();
        if counts.iter().sum::<usize>() * STRAY > order.len() {
            return None;
        }
        let mut from = vec![0; order.len()];
        let blocks = order.par_chunks(BLOCK).zip(from.par_chunks_mut(BLOCK)).enumerate();
        let changes: Vec<(bool, Vec<u32>)> =
            blocks.map(|(block, (order, from))| sources(block, order, from)).collect();
        let mut end = 0;
        let mut range = |(changes, strays): &(bool, Vec<u32>)| {
            let start = end;
            end += strays.len();
            changes.then_some(start..end)
        };
        let blocks = changes.iter().map(&mut range).collect();
        let strays = changes.into_iter().flat_map(|(_, strays)| strays).collect();
        Some(Near { from, strays, blocks })
    }

    /// Reorders an array.
    fn apply<T: Pod + Send + Sync>(&self, array: &mut [T]) {
        let strays: Vec<T> = self.strays.iter().map(|i| array[*i as usize]).collect();
        let blocks = array.par_chunks_mut(BLOCK).zip(self.from.par_chunks(BLOCK)).zip(&self.blocks);
        blocks.for_each_init(Vec::new, |old, ((block, from), change)| {
            if let Some(range) = change {
                old.clear();
                old.extend_from_slice(block);
                old.extend_from_slice(&strays[range.clone()]);
                block.iter_mut().zip(from).for_each(|(entry, i)| *entry = old[usize::from(*i)]);
            }
        });
    }
}

/// Whether entry `i` lies outside a block.
fn is_stray(i: u32, block: usize) -> bool {
    i as usize / BLOCK != block
}

/// Fills in the sources of the entries of a block. Returns whether the block changes, and its
/// strays.
fn sources(block: usize, order: &[u32], from: &mut [u16]) -> (bool, Vec<u32>) {
    let mut strays = Vec::new();
    for (from, i) in from.iter_mut().zip(order) {
        let place = if is_stray(*i, block) {
            strays.push(*i);
            order.len() + strays.len() - 1
        } else {
            *i as usize % BLOCK
        };
        *from = place as u16;
    }
    (from.iter().zip(0..).any(|(from, i)| *from != i), strays)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// Bodies whose arrays all encode the number of the body.
    fn named(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        for i in 0..n {
            bodies.kind[i] = (i % 6) as u8;
            (bodies.mass[i], bodies.pot[i], bodies.work[i]) = (i as f64, -(i as f64), i as f32);
            (bodies.change[i], bodies.rung[i]) = (2.0 * i as f32, (i % 30) as u8);
            for axis in 0..3 {
                bodies.pos[axis][i] = (10 * i + axis) as f64;
                bodies.vel[axis][i] = (10 * i + axis + 3) as f64;
                bodies.acc[axis][i] = (10 * i + axis + 6) as f64;
            }
        }
        bodies
    }

    #[test]
    fn every_array_follows_an_order_far_or_near() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for n in [0, 1, 2, BLOCK, 5 * BLOCK + 77] {
            let far: Vec<u32> = (0..n as u32).rev().collect();
            let same: Vec<u32> = (0..n as u32).collect();
            // Neighbours swap, and a few bodies swap with any other.
            let mut near = same.clone();
            for i in 0..n {
                let j = if i % 40 == 0 { rng.random_range(0..n) } else { rng.random_range(i..n.min(i + 9)) };
                near.swap(i, j);
            }
            assert!(Near::new(&near).is_some() && (n <= BLOCK || Near::new(&far).is_none()));
            assert!(Near::new(&same).is_some_and(|near| near.blocks.iter().all(Option::is_none)));
            for order in [&far, &same, &near, &near[..n / 3].to_vec()] {
                let mut bodies = named(n);
                bodies.permute(order);
                let all = named(n);
                let expected = |i: usize| {
                    let k = order[i] as usize;
                    (
                        all.id[k],
                        all.kind[k],
                        all.mass[k],
                        all.position(k),
                        all.velocity(k),
                        all.acceleration(k),
                    )
                };
                bodies.assert_well_formed();
                assert_eq!(bodies.len(), order.len());
                for i in 0..order.len() {
                    let (place, velocity) = (bodies.position(i), bodies.velocity(i));
                    let found = (
                        bodies.id[i],
                        bodies.kind[i],
                        bodies.mass[i],
                        place,
                        velocity,
                        bodies.acceleration(i),
                    );
                    assert_eq!(found, expected(i));
                    assert_eq!((bodies.pot[i], bodies.work[i]), (-bodies.mass[i], bodies.mass[i] as f32));
                    assert_eq!(
                        (bodies.change[i], bodies.rung[i]),
                        (2.0 * bodies.work[i], (order[i] % 30) as u8)
                    );
                }
            }
        }
    }

    #[test]
    fn arrays_of_equal_entries_stay_where_they_are() {
        let n = 3 * BLOCK;
        for order in [(0..n as u32).rev().collect::<Vec<_>>(), vec![7, 3]] {
            let mut bodies = Bodies::zeroed(n);
            bodies.id = (0..n as u64).collect();
            bodies.mass.fill(-0.0);
            bodies.acc[1].fill(2.0);
            bodies.acc[1][n - 1] = 1.0;
            let places = |bodies: &Bodies| [bodies.vel[2].as_ptr(), bodies.mass.as_ptr()];
            let before = places(&bodies);
            bodies.permute(&order);
            bodies.assert_well_formed();
            assert_eq!(places(&bodies), before);
            assert!(bodies.id.iter().zip(&order).all(|(id, place)| *id == u64::from(*place)));
            let one = |place: &u32| if *place as usize == n - 1 { 1.0 } else { 2.0 };
            assert!(bodies.acc[1].iter().zip(&order).all(|(found, place)| *found == one(place)));
        }
    }
}
