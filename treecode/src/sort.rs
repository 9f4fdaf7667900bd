//! Keys of bodies and their sort into key order.

use crate::{Bodies, Cube};
use rayon::prelude::*;
use std::cmp::Ordering;

/// Puts bodies into the order of their keys in `cube`, which must hold them all; equal keys by id. Returns the bits of the keys.
pub fn sort(bodies: &mut Bodies, cube: &Cube) -> Vec<u64> {
    let keys: Vec<u64> =
        (0..bodies.len()).into_par_iter().map(|i| cube.key(bodies.position(i)).bits()).collect();
    if keys.windows(2).zip(bodies.id.windows(2)).all(|(key, id)| (key[0], id[0]) <= (key[1], id[1])) {
        return keys;
    }
    let mut order: Vec<(u64, u32)> = keys.into_iter().zip(0..).collect();
    order
        .par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare(bodies, a.1 as usize, b.1 as usize)));
    let (keys, order): (Vec<u64>, Vec<u32>) = order.into_iter().unzip();
    bodies.permute(&order);
    keys
}

/// Order of bodies with one key: by id; bodies that share even that by all that makes them differ.
fn compare(bodies: &Bodies, a: usize, b: usize) -> Ordering {
    let rest = |i: usize| {
        let (x, v) = (bodies.position(i), bodies.velocity(i));
        [x[0], x[1], x[2], v[0], v[1], v[2], bodies.mass[i]].map(f64::to_bits)
    };
    bodies.id[a].cmp(&bodies.id[b]).then_with(|| rest(a).cmp(&rest(b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sort_is_a_permutation_into_key_order(places in prop::collection::vec(prop::array::uniform3(0u8..4), 1..200)) {
            let mut bodies = Bodies::zeroed(places.len());
            for (i, place) in places.iter().enumerate() {
                bodies.id[i] = (i as u64 * 7919) % 1009;
                (0..3).for_each(|axis| bodies.pos[axis][i] = f64::from(place[axis]));
            }
            let cube = Cube::around([0.0; 3], [4.0; 3]);
            let before = bodies.clone();
            let keys = sort(&mut bodies, &cube);
            bodies.assert_well_formed();
            for i in 0..bodies.len() {
                prop_assert_eq!(keys[i], cube.key(bodies.position(i)).bits());
                prop_assert!(i == 0 || (keys[i - 1], bodies.id[i - 1]) < (keys[i], bodies.id[i]));
                let old = before.id.iter().position(|id| *id == bodies.id[i]).unwrap();
                prop_assert_eq!(before.position(old), bodies.position(i));
            }
        }
    }
}
