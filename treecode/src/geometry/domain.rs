//! The space that bodies live in: open, or a box that repeats. All distances between bodies, boxes
//! and cells are measured here.
//!
//! The loops over bodies and boxes are generic over a [`Space`] and compiled once for each, so open
//! space costs nothing. The walks do not measure across the faces of the box: they see each image of
//! the box as a source at another place ([`Image`]).

use crate::{Bounds, Error};
use serde::{Deserialize, Serialize};

/// The space that bodies live in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Domain {
    /// Space without boundaries.
    #[default]
    Open,
    /// A cube from 0 to `side` [L] on each axis that repeats without end in all directions.
    Periodic {
        /// Side of the cube [L].
        side: f64,
    },
}

impl Domain {
    /// Whether the space repeats.
    #[must_use]
    pub fn is_periodic(&self) -> bool {
        matches!(self, Domain::Periodic { .. })
    }

    /// Checks the side of the box.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the side is not above 0 and finite.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Domain::Periodic { side } if !(*side > 0.0 && side.is_finite()) => Err(Error::Parameter {
                name: "side",
                value: side.to_string(),
                expected: "above 0 and finite",
            }),
            _ => Ok(()),
        }
    }

    /// The coordinate [L] of the image inside the box: from 0 to the side, exclusive.
    #[must_use]
    pub fn wrap(&self, x: f64) -> f64 {
        match *self {
            Domain::Open => x,
            Domain::Periodic { side } => {
                let inside = x - side * (x / side).floor();
                // Rounding leads from just below 0, or from far away, to the side itself or beyond.
                if (0.0..side).contains(&inside) { inside } else { 0.0 }
            }
        }
    }

    /// The shortest vector [L] from one position to any image of another.
    #[must_use]
    pub fn displacement(&self, from: [f64; 3], to: [f64; 3]) -> [f64; 3] {
        let difference = std::array::from_fn(|axis| to[axis] - from[axis]);
        match *self {
            Domain::Open => difference,
            Domain::Periodic { side } => difference.map(|d| Periodic::new(side).shortest(d)),
        }
    }

    /// Square of the least distance [L^2] between two boxes, or of their images.
    #[must_use]
    pub fn gap(&self, a: &Bounds, b: &Bounds) -> f64 {
        match *self {
            Domain::Open => Open.gap(a, b),
            Domain::Periodic { side } => Periodic::new(side).gap(a, b),
        }
    }
}

/// Runs `$body` with `$space` for the [`Space`] of a [`Domain`].
macro_rules! with_space {
    ($domain:expr, $space:ident => $body:expr) => {
        match $domain {
            $crate::Domain::Open => {
                let $space = $crate::geometry::domain::Open;
                $body
            }
            $crate::Domain::Periodic { side } => {
                let $space = $crate::geometry::domain::Periodic::new(side);
                $body
            }
        }
    };
}
pub(crate) use with_space;

/// Distances as loops measure them.
pub(crate) trait Space: Copy + Send + Sync {
    /// The shortest difference of two coordinates, given the difference of those of any images. It
    /// is odd: exchanging the two changes the sign only.
    fn shortest(self, difference: f64) -> f64;
    /// Lower bound of `shortest` between two intervals.
    fn gap_along(self, a: [f64; 2], b: [f64; 2]) -> f64;
    /// Upper bound of `shortest` between two intervals.
    fn farthest_along(self, a: [f64; 2], b: [f64; 2]) -> f64;

    /// Square of a distance [L^2], given the differences of the coordinates. All comparisons use
    /// this function.
    #[inline(always)]
    fn square(self, difference: [f64; 3]) -> f64 {
        let [x, y, z] = difference.map(|d| self.shortest(d));
        x * x + y * y + z * z
    }

    /// Lower bound of the square of the distance between positions in two boxes [L^2].
    #[inline(always)]
    fn gap(self, a: &Bounds, b: &Bounds) -> f64 {
        let [x, y, z] =
            std::array::from_fn(|axis| self.gap_along([a.lo[axis], a.hi[axis]], [b.lo[axis], b.hi[axis]]));
        x * x + y * y + z * z
    }

    /// Upper bound of the square of the distance between positions in two boxes [L^2].
    #[inline(always)]
    fn farthest(self, a: &Bounds, b: &Bounds) -> f64 {
        let [x, y, z] = std::array::from_fn(|axis| {
            self.farthest_along([a.lo[axis], a.hi[axis]], [b.lo[axis], b.hi[axis]])
        });
        x * x + y * y + z * z
    }
}

/// Open space.
#[derive(Clone, Copy)]
pub(crate) struct Open;

impl Space for Open {
    #[inline(always)]
    fn shortest(self, difference: f64) -> f64 {
        difference
    }
    #[inline(always)]
    fn gap_along(self, [lo, hi]: [f64; 2], [other_lo, other_hi]: [f64; 2]) -> f64 {
        (other_lo - hi).max(lo - other_hi).max(0.0)
    }
    #[inline(always)]
    fn farthest_along(self, [lo, hi]: [f64; 2], [other_lo, other_hi]: [f64; 2]) -> f64 {
        (other_hi - lo).max(hi - other_lo)
    }
}

/// A cube that repeats.
#[derive(Clone, Copy)]
pub(crate) struct Periodic {
    side: f64,
    per_side: f64,
}

/// Relative room for rounding in the bounds of distances.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

impl Periodic {
    pub(crate) fn new(side: f64) -> Periodic {
        Periodic { side, per_side: 1.0 / side }
    }

    /// The whole number of sides that is nearest to a length, and to one side more at a tie.
    #[inline(always)]
    fn sides(self, length: f64) -> f64 {
        self.side * (length * self.per_side).round()
    }
}

impl Space for Periodic {
    #[inline(always)]
    fn shortest(self, difference: f64) -> f64 {
        difference - self.sides(difference)
    }

    #[inline(always)]
    fn gap_along(self, [lo, hi]: [f64; 2], [other_lo, other_hi]: [f64; 2]) -> f64 {
        // Differences lie between these two. The image nearest to their middle is nearest to all of
        // them, if they extend over less than a side.
        let (least, most) = (other_lo - hi, other_hi - lo);
        let image = self.sides(0.5 * (least + most));
        let gap = (least - image).max(image - most).max(0.0);
        (gap - ROUNDING * (self.side + least.abs() + most.abs())).max(0.0)
    }

    #[inline(always)]
    fn farthest_along(self, [lo, hi]: [f64; 2], [other_lo, other_hi]: [f64; 2]) -> f64 {
        let (least, most) = (other_lo - hi, other_hi - lo);
        let image = self.sides(0.5 * (least + most));
        let farthest = (most - image).max(image - least);
        farthest.min(0.5 * self.side) + ROUNDING * (self.side + least.abs() + most.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIDE: f64 = 3.7;

    fn domain() -> Domain {
        Domain::Periodic { side: SIDE }
    }

    /// The shortest of all vectors to the images of a position within two sides.
    fn shortest_of_all(from: [f64; 3], to: [f64; 3]) -> f64 {
        let along = |axis: usize| {
            (-3..=3).map(|n| (to[axis] - from[axis] + f64::from(n) * SIDE).abs()).fold(f64::MAX, f64::min)
        };
        (0..3).map(|axis| along(axis).powi(2)).sum()
    }

    fn inside(corner: [f64; 3], size: [f64; 3], at: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|axis| corner[axis] + size[axis] * at[axis])
    }

    proptest! {
        #[test]
        fn a_displacement_leads_to_the_nearest_image(
            from in prop::array::uniform3(-SIDE..2.0 * SIDE), to in prop::array::uniform3(-SIDE..2.0 * SIDE)
        ) {
            let [there, back] = [domain().displacement(from, to), domain().displacement(to, from)];
            prop_assert_eq!(there, back.map(|d| -d));
            let square: f64 = there.iter().map(|d| d * d).sum();
            prop_assert!((square - shortest_of_all(from, to)).abs() < 1e-12);
        }

        #[test]
        fn every_distance_is_between_gap_and_farthest(
            a in prop::array::uniform3(0.0..SIDE), sizes in prop::array::uniform3(0.0..SIDE),
            b in prop::array::uniform3(0.0..SIDE), others in prop::array::uniform3(0.0..SIDE),
            at in prop::array::uniform3(0.0..1.0f64), to in prop::array::uniform3(0.0..1.0f64),
            shrink in 1e-3..1.0f64,
        ) {
            let (sizes, others) = (sizes.map(|s| s * shrink), others.map(|s| s * shrink));
            let boxes = [(a, sizes), (b, others)].map(|(lo, size)| {
                let hi = std::array::from_fn(|axis| (lo[axis] + size[axis]).min(SIDE));
                Bounds { lo, hi }
            });
            let size = |b: &Bounds| std::array::from_fn(|axis| b.hi[axis] - b.lo[axis]);
            let (p, q) = (inside(a, size(&boxes[0]), at), inside(b, size(&boxes[1]), to));
            let space = Periodic::new(SIDE);
            let square = space.square(std::array::from_fn(|axis| q[axis] - p[axis]));
            prop_assert!(space.gap(&boxes[0], &boxes[1]) <= square);
            prop_assert!(space.farthest(&boxes[0], &boxes[1]) >= square);
            prop_assert_eq!(space.gap(&boxes[0], &boxes[1]), domain().gap(&boxes[0], &boxes[1]));
        }

        #[test]
        fn wrapped_coordinates_are_inside(x in -1e3..1e3f64) {
            let wrapped = domain().wrap(x);
            prop_assert!((0.0..SIDE).contains(&wrapped));
            prop_assert!(Periodic::new(SIDE).shortest(wrapped - x).abs() < 1e-12);
        }
    }

    #[test]
    fn coordinates_at_the_faces_are_wrapped_inside() {
        for x in [-0.0, 0.0, SIDE, -SIDE, 2.0 * SIDE, -1e-20, -f64::MIN_POSITIVE, SIDE.next_up(), 1e30] {
            let wrapped = domain().wrap(x);
            assert!((0.0..SIDE).contains(&wrapped), "{x:e}: {wrapped:e}");
        }
        assert_eq!(domain().wrap(SIDE.next_down()), SIDE.next_down());
        assert_eq!(Domain::Open.wrap(-5.0), -5.0);
    }

    #[test]
    fn a_box_needs_a_side() {
        for side in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Domain::Periodic { side }.check().is_err());
        }
        assert_eq!((domain().check(), Domain::Open.check()), (Ok(()), Ok(())));
    }
}
