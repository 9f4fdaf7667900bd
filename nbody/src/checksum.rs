//! Checksums of the state of all bodies: integers that do not depend on the order of the bodies, and
//! add up over ranks.

use rayon::prelude::*;
use treecode::Bodies;
use treecode::math::hash;

/// Sum over the bodies of a hash of all state that a step leaves behind. Sums wrap around, also
/// over ranks.
pub fn of_state(bodies: &Bodies) -> u64 {
    let one = |i: usize| {
        let (pos, vel, acc) = (bodies.position(i), bodies.velocity(i), bodies.acceleration(i));
        let numbers = pos.into_iter().chain(vel).chain(acc).chain([bodies.mass[i], bodies.pot[i]]);
        numbers.fold(hash(bodies.id[i]), |sum, x| hash(sum ^ x.to_bits()))
    };
    (0..bodies.len()).into_par_iter().with_min_len(1 << 12).map(one).reduce(|| 0, u64::wrapping_add)
}

/// A checksum of every column of the bodies, including those that no step reads. Use it for copies,
/// which must agree in all columns.
pub fn of_every_column(bodies: &Bodies) -> u64 {
    let columns: Vec<_> = bodies.arrays().collect();
    let one = |i: usize| {
        let numbers = columns
            .iter()
            .flat_map(|(_, width, _, array)| (i * width..(i + 1) * width).map(|number| array.bits(number)));
        numbers.fold(hash(!bodies.id[i]), |sum, bits| hash(sum ^ bits))
    };
    (0..bodies.len()).into_par_iter().with_min_len(1 << 12).map(one).reduce(|| 0, u64::wrapping_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies() -> Bodies {
        let mut bodies = Bodies::zeroed(1000);
        bodies.pos[1].iter_mut().zip(0..).for_each(|(y, i)| *y = f64::from(i).sqrt());
        bodies
    }

    #[test]
    fn a_checksum_sees_each_bit_but_not_the_order() {
        let all = bodies();
        let mut halves = [all.clone(), all.clone()];
        halves[0].keep(0..300);
        halves[1].keep(300..1000);
        let sum = halves.iter().map(of_state).fold(0, u64::wrapping_add);
        assert_eq!(of_state(&all), sum);
        let changes: [fn(&mut Bodies) -> &mut f64; 5] = [
            |b| &mut b.pos[0][7],
            |b| &mut b.vel[2][0],
            |b| &mut b.acc[1][999],
            |b| &mut b.mass[500],
            |b| &mut b.pot[3],
        ];
        for change in changes {
            let mut other = all.clone();
            let number = change(&mut other);
            *number = f64::from_bits(number.to_bits() ^ 1);
            assert_ne!(of_state(&other), of_state(&all));
            assert_ne!(of_every_column(&other), of_every_column(&all));
        }
        let mut message = Vec::new();
        let two = {
            let mut two = all.clone();
            two.keep(1..3);
            two
        };
        two.write(0..2, &mut message);
        const HEAD: usize = 12; // number of bodies, length of the names of columns
        for byte in HEAD..message.len() {
            let (mut changed, mut other) = (message.clone(), Bodies::default());
            changed[byte] ^= 1 << (byte % 8);
            other.read(&changed);
            assert_ne!(of_every_column(&other), of_every_column(&two), "byte {byte}");
        }
        let mut swapped = all.clone();
        swapped.pos[1].swap(3, 4);
        assert_ne!(of_state(&swapped), of_state(&all), "places belong to ids");
    }
}
