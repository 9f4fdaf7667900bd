//! The cube of the tree. In open space it is a cube around all bodies on a coarse grid, so that it
//! seldom changes from step to step. In a periodic box it is as large as the box, and each sort
//! moves it to another place.

use crate::math::hash;
use crate::{Bounds, Domain, Key};

/// A cube. In open space its side is a power of two and its corner a multiple of an eighth of the
/// side, so division by the side is exact. Bodies that do not move keep their keys as long as the
/// cube stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cube {
    /// Lowest corner [L].
    pub corner: [f64; 3],
    /// Side [L].
    pub side: f64,
}

impl Cube {
    /// The smallest such cube around the box from `lo` to `hi` [L].
    ///
    /// # Panics
    /// If a corner is not finite, or `lo` is above `hi` on an axis.
    pub fn around(lo: [f64; 3], hi: [f64; 3]) -> Cube {
        assert!(
            (0..3).all(|a| lo[a].is_finite() && hi[a].is_finite() && lo[a] <= hi[a]),
            "no box: {lo:?} {hi:?}"
        );
        let extent = (0..3).map(|a| hi[a] - lo[a]).fold(0.0, f64::max);
        // Coincident bodies have no extent, but the grid must resolve their position. If all are at
        // the origin, any cube will do.
        let reach = (0..3).map(|a| lo[a].abs().max(hi[a].abs())).fold(0.0, f64::max);
        let smallest = if reach > 0.0 { (reach * 1e-9).max(f64::MIN_POSITIVE * 1e30) } else { 1.0 };
        let mut side = 2f64.powi(crate::math::log2(extent.max(smallest)).floor() as i32);
        loop {
            let grid = side / 8.0;
            let corner = lo.map(|x| (x / grid).floor() * grid);
            if (0..3).all(|a| hi[a] < corner[a] + side) {
                return Cube { corner, side };
            }
            side *= 2.0;
        }
    }

    /// The cube of the tree for bodies with these bounds: the smallest cube around them, or one as
    /// large as a periodic box. In a periodic box, its corner depends on the number of the sort.
    ///
    /// Errors of forces are aligned with the cells. If the cells lay at the same places in all
    /// steps, bodies near their faces would be pulled in one direction for a whole run. The corner
    /// is at 0 for sort 0, and at pseudo-random places from -side/2 to 0 for others. Shifts beyond
    /// half a side would add nothing, since the children of the root are half as long.
    ///
    /// # Panics
    /// In open space, as [`Cube::around`].
    pub fn of(domain: Domain, bounds: &Bounds, sort: u64) -> Cube {
        match domain {
            Domain::Open => Cube::around(bounds.lo, bounds.hi),
            Domain::Periodic { side } => {
                let fraction = |axis: u64| (hash(3 * sort + axis) >> 32) as f64 / (1u64 << 33) as f64;
                let corner = if sort == 0 { [0.0; 3] } else { [0, 1, 2].map(|axis| -side * fraction(axis)) };
                Cube { corner, side }
            }
        }
    }

    /// The key of a body at `position` [L], which must lie in the cube.
    #[inline]
    pub fn key(&self, position: [f64; 3]) -> Key {
        let scale = f64::from(1u32 << Key::MAX_LEVEL) / self.side;
        let last = (1u32 << Key::MAX_LEVEL) - 1;
        Key::from_place(std::array::from_fn(|a| (((position[a] - self.corner[a]) * scale) as u32).min(last)))
    }

    /// Curve indices ([`Key::curve`]) of bodies at these coordinates [L].
    pub(crate) fn keys(&self, [x, y, z]: [&[f64]; 3], keys: &mut [u64]) {
        for (((key, x), y), z) in keys.iter_mut().zip(x).zip(y).zip(z) {
            *key = self.key([*x, *y, *z]).index();
        }
    }

    /// Centre of the cell `key` [L].
    pub fn centre(&self, key: Key) -> [f64; 3] {
        let (place, side) = (key.place(), self.cell_side(key.level()));
        std::array::from_fn(|a| self.corner[a] + (f64::from(place[a]) + 0.5) * side)
    }

    /// Side [L] of a cell at `level`.
    pub fn cell_side(&self, level: u32) -> f64 {
        self.side / f64::from(1u32 << level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cube_holds_its_box_and_is_not_much_larger(a in prop::array::uniform3(-1e6f64..1e6), size in 1e-3f64..1e6) {
            let hi = a.map(|x| x + size);
            let cube = Cube::around(a, hi);
            for axis in 0..3 {
                prop_assert!(cube.corner[axis] <= a[axis] && hi[axis] < cube.corner[axis] + cube.side);
            }
            prop_assert!(cube.side <= 4.0 * size);
        }

        #[test]
        fn a_body_lies_in_the_cell_of_its_key(p in prop::array::uniform3(-1f64..1.0), level in 0u32..=21) {
            let cube = Cube::around([-1.0; 3], [1.0; 3]);
            let cell = cube.key(p).ancestor(level);
            let (centre, half) = (cube.centre(cell), 0.5 * cube.cell_side(level));
            for axis in 0..3 {
                prop_assert!((p[axis] - centre[axis]).abs() <= half);
            }
        }
    }

    #[test]
    fn the_cube_of_a_box_is_at_another_place_for_each_sort() {
        let (bounds, side) = (Bounds { lo: [0.1; 3], hi: [0.7; 3] }, 3.7);
        let of = |sort| Cube::of(Domain::Periodic { side }, &bounds, sort);
        assert_eq!(of(0), Cube { corner: [0.0; 3], side });
        let mut places: Vec<f64> = (1..=1000).flat_map(|sort| of(sort).corner).map(|x| -x / side).collect();
        places.sort_by(f64::total_cmp);
        // Uniform from 0 to a half: the greatest difference to that, by Kolmogorov's test.
        let uniform = |k: usize| (k as f64 + 0.5) / 3000.0 * 0.5;
        let off = places.iter().enumerate().map(|(k, x)| 2.0 * (x - uniform(k)).abs()).fold(0.0, f64::max);
        assert!(places[0] >= 0.0 && places[2999] < 0.5 && off < 1.63 / 3000f64.sqrt(), "{off}");
        assert_eq!(Cube::of(Domain::Open, &bounds, 7), Cube::of(Domain::Open, &bounds, 0));
    }

    #[test]
    fn coincident_bodies_have_a_cube() {
        for p in [[0.0; 3], [-0.0; 3], [1e300, -3.0, 2.0], [1.0, 1.0, 1.0]] {
            let cube = Cube::around(p, p);
            assert!(cube.side > 0.0 && cube.side.is_finite());
            cube.key(p);
        }
    }
}
