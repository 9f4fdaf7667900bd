//! Keys of bodies, and the sort of bodies by key.

use crate::{Bodies, Cube, bodies::radix::sort_keys};
use rayon::prelude::*;
use std::cmp::Ordering;

/// Sorts bodies by their keys in `cube`, which must contain all of them; bodies with equal keys by
/// id. Returns the curve indices ([`Key::curve`](crate::Key::curve)).
pub fn sort(bodies: &mut Bodies, cube: &Cube) -> Vec<u64> {
    let keys = keys(bodies, cube);
    if is_sorted(&keys, &bodies.id) {
        return keys;
    }
    let (sorted, order) = sort_keys(&keys, &|a, b| compare(bodies, a as usize, b as usize));
    bodies.permute_with(&order, keys);
    sorted
}

/// Curve indices of the bodies in `cube`, which must contain all of them, in the order of the
/// bodies.
pub fn keys(bodies: &Bodies, cube: &Cube) -> Vec<u64> {
    const SPAN: usize = 1 << 13;
    let mut keys = vec![0; bodies.len()];
    let [x, y, z] = bodies.pos.each_ref().map(|x| x.par_chunks(SPAN));
    (keys.par_chunks_mut(SPAN), x, y, z)
        .into_par_iter()
        .for_each(|(keys, x, y, z)| cube.keys([x, y, z], keys));
    keys
}

/// Whether bodies with these keys and ids are in order. False if two bodies have the same key and
/// id, since their other values decide then.
pub fn is_sorted(keys: &[u64], ids: &[u64]) -> bool {
    let ascending = |i: usize| (keys[i], ids[i]) < (keys[i + 1], ids[i + 1]);
    (1..keys.len()).into_par_iter().with_min_len(1 << 13).all(|i| ascending(i - 1))
}

/// Order of bodies with equal keys: by id, then by position, velocity and mass, then by index.
fn compare(bodies: &Bodies, a: usize, b: usize) -> Ordering {
    let rest = |i: usize| {
        let (x, v) = (bodies.position(i), bodies.velocity(i));
        [x[0], x[1], x[2], v[0], v[1], v[2], bodies.mass[i]].map(f64::to_bits)
    };
    bodies.id[a].cmp(&bodies.id[b]).then_with(|| rest(a).cmp(&rest(b))).then(a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bodies at few places, so that many have equal keys. Some share an id, and some of those
    /// differ only in mass.
    fn crowded() -> impl Strategy<Value = Bodies> {
        let body = (prop::array::uniform3(0u8..4), 0u64..400, 0u8..3);
        prop::collection::vec(body, 0..300).prop_map(|list| {
            let mut bodies = Bodies::zeroed(list.len());
            for (i, (place, id, mass)) in list.iter().enumerate() {
                (bodies.id[i], bodies.mass[i]) = (*id, f64::from(*mass));
                (0..3).for_each(|axis| bodies.pos[axis][i] = f64::from(place[axis]));
            }
            bodies
        })
    }

    proptest! {
        #[test]
        fn sort_is_a_stable_sort_by_key_id_and_the_rest(mut bodies in crowded()) {
            let cube = Cube::around([0.0; 3], [4.0; 3]);
            let key = |bodies: &Bodies, i: u32| cube.key(bodies.position(i as usize)).index();
            let mut order: Vec<u32> = (0..bodies.len() as u32).collect();
            order.sort_by(|a, b| {
                key(&bodies, *a).cmp(&key(&bodies, *b)).then(compare(&bodies, *a as usize, *b as usize))
            });
            let mut expected = bodies.clone();
            expected.permute(&order);
            let keys = sort(&mut bodies, &cube);
            bodies.assert_well_formed();
            prop_assert!(keys.iter().zip(0..).all(|(bits, i)| *bits == key(&bodies, i)));
            prop_assert_eq!(&bodies, &expected);
            sort(&mut bodies, &cube);
            prop_assert_eq!(bodies, expected, "a second sort changed something");
        }
    }

    #[test]
    fn order_of_the_input_and_threads_leave_no_trace() {
        let n = 70_000u64;
        let mut bodies = Bodies::zeroed(n as usize);
        for i in 0..n {
            // Clumped bodies, half of them in the plane x = 0.
            let place = |salt: u64| ((i * 7919 + salt) * 104_729 % 65_537) as f64 / 65_537.0;
            let position = [(place(1) - 0.5).max(0.0).powi(6), place(2).powi(4), (place(3) * 8.0).floor()];
            (0..3).for_each(|axis| bodies.pos[axis][i as usize] = position[axis]);
            bodies.mass[i as usize] = i as f64;
        }
        let cube = Cube::around([0.0; 3], [8.0; 3]);
        let mut backward = bodies.clone();
        backward.permute(&(0..n as u32).rev().collect::<Vec<_>>());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads can be started");
        let keys = sort(&mut bodies, &cube);
        assert_eq!(pool.install(|| sort(&mut backward, &cube)), keys);
        assert_eq!(backward, bodies);
        assert!(is_sorted(&keys, &bodies.id));
    }
}
