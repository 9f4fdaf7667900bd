//! The multipole acceptance criteria of the tree walk. `accepts` is always true if a cell is far
//! enough to stand for its bodies.
//!
//! d is the distance from the nearest point of the sinks' box to the centre of mass of the cell. b
//! is the radius of the cell. If a region accepts a cell, every sink inside the region accepts it
//! too. Every criterion requires that `d - b` is beyond the reach of the softening of cells (see
//! `kernel/softening.rs`), and
//! - angle: `d > side / theta + |com - centre|` (Barnes & Hut 1986; the offset is the guard of
//!   Barnes 1994);
//! - absolute: `(p + 2) B / (d^(p+1) (d - b)^2) < tolerance`, where B bounds `sum m r^(p+1)`. This
//!   is the error bound of Salmon & Warren (1994, eq. 9 without its negative term) for the field of
//!   moments up to order p;
//! - relative: the same with `tolerance` times the least last acceleration of the sinks.

use crate::message::take;
use crate::tree::summary::{Extent, Summary, square};
use crate::{
    Bounds, Criterion, Expansion, Frame, Gravity, Key, SofteningKernel, Walk, kernel::simd::Lanes,
    kernel::softening::Softened, math, tree::tile::Tile,
};

/// A criterion in the units of a [`Frame`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opening {
    pub(crate) walk: Walk,
    pub(crate) criterion: Criterion,
    pub(crate) theta: f64,
    /// Acceleration error allowed for one cell, or its fraction of the last acceleration.
    tolerance: f64,
    /// Converts a physical acceleration to units of the frame.
    per_acceleration: f64,
    /// The softening kernel.
    pub(crate) kernel: SofteningKernel,
    /// Whether the expansions of cells are softened.
    softens_cells: bool,
    /// Cells of this reach or a longer one are not softened: see [`Softened::unsoftened_from`].
    unsoftened_from: f64,
    /// Whether the cube of the tree is a periodic box.
    pub(crate) periodic: bool,
    /// Least acceleration that the relative criterion uses, in units of the frame.
    floor: f64,
}

/// Sinks that walk the tree together, or a box that may hold such sinks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Region {
    /// Centre of the box around the sinks, in length units of the [`Frame`].
    pub centre: [f64; 3],
    /// Half extent of that box.
    pub half: [f32; 3],
    /// Error allowed for one cell, in acceleration units of the frame.
    pub error: f32,
    /// Distance within which the softening of the sinks forbids to accept a cell.
    pub reach: f32,
    /// Greatest distance at which the spline softening of a sink acts. Not sent: other ranks ask what
    /// is accepted, not how bodies pull.
    pub support: f32,
    /// Fraction by which distances are shortened. Zero for sinks that walk; for a region that
    /// stands for the sinks inside it, a bound of the rounding error.
    pub slack: f32,
}

/// From this relative tolerance on, the force error of the fmm walk at order 3 is above 5e-4 (root
/// mean square). Order 3 is the usual one for such errors.
const ROUGH: f64 = 1e-3;
/// [`Region::slack`] of a region that stands for the sinks inside it.
const SLACK: f32 = 4e-6;
/// Room for rounding a half extent to single precision.
const ROUND_UP: f64 = 1.0 + 1e-6;

impl Opening {
    pub(crate) fn new(gravity: &Gravity, frame: &Frame) -> Opening {
        let per_acceleration = 1.0 / frame.acceleration(gravity.constant);
        let tolerance = match gravity.criterion {
            Criterion::Absolute => gravity.tolerance * per_acceleration,
            _ => gravity.tolerance,
        };
        Opening {
            walk: gravity.walk,
            criterion: gravity.criterion,
            theta: gravity.theta,
            tolerance,
            per_acceleration,
            kernel: gravity.softening.kernel,
            softens_cells: gravity.softens_cells(),
            unsoftened_from: Softened::new(&gravity.softening, frame).unsoftened_from(),
            periodic: gravity.domain.is_periodic(),
            floor: frame.floor,
        }
    }

    /// The number of a cell that the criterion compares.
    ///
    /// For groups of sinks it is a distance (angle) or `(p + 2) B` (error bounds). For sink cells
    /// it is the typical distance of the cell's mass from its centre of mass: the mean of `r^n`, to
    /// the power `1/n`, for the highest even n up to the order.
    pub(crate) fn limit<E: Expansion>(&self, key: Key, summary: &Summary<E::Moments>) -> f64 {
        let even = E::ORDER / 2 * 2;
        match (self.walk, self.criterion) {
            (Walk::Fmm, _) if summary.mass == 0.0 => 0.0,
            (Walk::Fmm, _) => {
                let mean = E::radial(&summary.moments) / summary.mass;
                match even {
                    0 => summary.radius,
                    2 => mean.sqrt(),
                    4 => mean.sqrt().sqrt(),
                    even => math::powf(mean, 1.0 / even as f64),
                }
            }
            (Walk::Tree, Criterion::Angle) => self.angle_limit(key, summary.com),
            (Walk::Tree | Walk::Direct, _) => {
                // The highest even moment is exact. Each missing power of r is at most the radius.
                let bound = E::radial(&summary.moments) * summary.radius.powi((E::ORDER + 1 - even) as i32);
                (E::ORDER + 2) as f64 * bound
            }
        }
    }

    /// The limit of a cell whose bodies have drifted to another centre of mass and radius while its
    /// moments stay. Starts from the old limit and scales it with the `growth` of the radius.
    pub(crate) fn moved_limit<E: Expansion>(&self, key: Key, com: [f64; 3], limit: f64, growth: f64) -> f64 {
        let growth = if growth.is_finite() { growth } else { 1.0 };
        match (self.walk, self.criterion) {
            (Walk::Fmm, _) => limit * growth,
            (Walk::Tree, Criterion::Angle) => self.angle_limit(key, com),
            (Walk::Tree | Walk::Direct, _) => limit * growth.powi(E::ORDER as i32 + 1),
        }
    }

    /// Distance from which a group accepts a cell by its angle.
    fn angle_limit(&self, key: Key, com: [f64; 3]) -> f64 {
        let centre = Frame::centre(key);
        let offset = std::array::from_fn(|axis| com[axis] - centre[axis]);
        Frame::cell_side(key.level()) / self.theta + square(offset).sqrt()
    }

    /// Error allowed for one cell, in acceleration units of the frame. `min_acc` is the least last
    /// acceleration of the sinks [L/T^2].
    pub(crate) fn error(&self, min_acc: f64) -> f32 {
        let error = match self.criterion {
            Criterion::Angle => 0.0,
            Criterion::Absolute => self.tolerance,
            Criterion::Relative => self.tolerance * (min_acc * self.per_acceleration).max(self.floor),
        };
        error as f32
    }

    /// Distance within which a cell is opened because of the softening of its bodies.
    pub(crate) fn reach(&self, bodies: &Extent) -> f64 {
        let is_softened = bodies.is_of_one_reach() && bodies.reach[1] < self.unsoftened_from;
        if self.softens_cells && is_softened { 0.0 } else { bodies.reach[1] }
    }

    /// Whether the allowed errors are so large that pairs may add 1e-4 (root mean square) to them.
    pub(crate) fn rough(&self) -> bool {
        self.walk == Walk::Fmm && self.criterion == Criterion::Relative && self.tolerance >= ROUGH
    }

    /// The region of bodies as sinks.
    pub(crate) fn sinks(&self, cell: &Extent) -> Region {
        let Bounds { lo, hi } = cell.bounds;
        let is_spline = self.kernel == SofteningKernel::Spline;
        let support = if is_spline { (cell.reach[1] * ROUND_UP) as f32 } else { 0.0 };
        Region {
            centre: std::array::from_fn(|axis| 0.5 * (lo[axis] + hi[axis])),
            half: std::array::from_fn(|axis| (0.5 * (hi[axis] - lo[axis]) * ROUND_UP) as f32),
            error: self.error(cell.min_acc),
            // A softened cell acts on each sink with the sink's own length.
            reach: if self.softens_cells { 0.0 } else { support },
            support,
            slack: 0.0,
        }
    }

    /// Returns two masks with one bit per lane: the cells that a region accepts, and the cells
    /// whose bodies are all beyond the softening.
    #[inline(always)]
    pub(crate) fn test<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, region: &Region) -> (u8, u8) {
        let mut distance2 = L::splat(0.0);
        for axis in 0..3 {
            let offset = L::splat((region.centre[axis] - tile.centre[axis]) as f32);
            let beyond = (L::load(&tile.com[axis]) - offset).abs() - L::splat(region.half[axis]);
            let beyond = beyond.max(L::splat(0.0));
            distance2 = beyond.mul_add(beyond, distance2);
        }
        self.test_at::<L, E>(tile, region, distance2, 0.0)
    }

    /// The cells of a tile that a region accepts in every image of a periodic box: those that it
    /// accepts at the least distance.
    #[inline(always)]
    pub(crate) fn test_images<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, region: &Region) -> u8 {
        let side = L::splat(Frame::SIDE as f32);
        let mut distance2 = L::splat(0.0);
        for axis in 0..3 {
            let offset = L::splat((region.centre[axis] - tile.centre[axis]) as f32);
            let offset = (L::load(&tile.com[axis]) - offset).abs();
            let beyond = offset.min((side - offset).abs()) - L::splat(region.half[axis]);
            let beyond = beyond.max(L::splat(0.0));
            distance2 = beyond.mul_add(beyond, distance2);
        }
        self.test_at::<L, E>(tile, region, distance2, Frame::SIDE as f32).0
    }

    /// [`Opening::test`], given the squares of the distances, and the greatest number beside the
    /// region's extent that was rounded on the way to them.
    #[inline(always)]
    fn test_at<L: Lanes, E: Expansion>(
        &self,
        tile: &Tile<E>,
        region: &Region,
        distance2: L,
        rounded: f32,
    ) -> (u8, u8) {
        let radius = L::load(&tile.radius);
        let extent = region.half[0] + region.half[1] + region.half[2] + rounded;
        let distance = distance2.sqrt();
        let rounding = (distance + radius + L::splat(extent)) * L::splat(region.slack);
        let distance = distance - rounding;
        let gap = distance - radius;
        let apart = L::load(&tile.reach).max(L::splat(region.reach)).below(gap);
        let limit = L::load(&tile.limit);
        let accurate = match self.criterion {
            Criterion::Angle => limit.below(distance),
            Criterion::Absolute | Criterion::Relative => {
                let mut allowed = gap * gap * L::splat(region.error);
                for _ in 0..=E::ORDER {
                    allowed = allowed * distance;
                }
                limit.below(allowed)
            }
        };
        (apart & accurate, apart & self.beyond_softening(tile, L::splat(region.support), gap))
    }

    /// The cells of a tile whose bodies are beyond the softening of sinks at this least distance from
    /// the bodies, and beyond their own. `support` is where the softening of the sinks ends.
    #[inline(always)]
    pub(crate) fn beyond_softening<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, support: L, gap: L) -> u8 {
        // Without softened expansions, the reach of the cells is that of the softening.
        if !E::SOFTENED || self.kernel == SofteningKernel::Plummer {
            return 0xff;
        }
        support.below(gap) & L::splat(1.0 + SLACK).below(gap * L::load(&tile.softening))
    }
}

impl Region {
    /// The same region, standing for any sinks inside it.
    pub(crate) fn around_any(mut self) -> Region {
        self.slack = SLACK;
        self
    }

    /// Appends the region to a message.
    pub(crate) fn write(&self, message: &mut Vec<u8>) {
        let [x, y, z] = self.half;
        message.extend_from_slice(bytemuck::cast_slice(&self.centre));
        message.extend_from_slice(bytemuck::cast_slice(&[x, y, z, self.error, self.reach, self.slack]));
    }

    /// Removes a region from the front of a message and returns it.
    pub(crate) fn read(message: &mut &[u8]) -> Region {
        let centre = take(message);
        let [x, y, z, error, reach, slack] = take::<[f32; 6]>(message);
        Region { centre, half: [x, y, z], error, reach, support: 0.0, slack }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::simd::{Path, Task, dispatch};
    use crate::{Cube, tree::expansion::Harmonic};
    use proptest::prelude::*;

    struct Test<'a>(&'a Opening, &'a Tile<Harmonic<2>>, &'a Region);

    impl Task for Test<'_> {
        type Output = (u8, u8);
        #[inline(always)]
        fn run<L: Lanes>(self) -> (u8, u8) {
            self.0.test::<L, Harmonic<2>>(self.1, self.2)
        }
    }

    fn extent(lo: [f64; 3], size: [f64; 3], min_acc: f64) -> Extent {
        let bounds = Bounds { lo, hi: std::array::from_fn(|a| lo[a] + size[a]) };
        Extent { bounds, min_acc, reach: [0.0; 2] }
    }

    proptest! {
        /// Every sink inside a region accepts what the region accepts. Otherwise an essential tree
        /// would lack a cell.
        #[test]
        fn a_region_accepts_no_more_than_the_sinks_inside_it(
            lo in prop::array::uniform3(0f64..900.0),
            size in prop::array::uniform3(0f64..100.0),
            at in prop::array::uniform3(0f64..0.5),
            part in prop::array::uniform3(0f64..0.5),
            coms in prop::collection::vec(prop::array::uniform3(0f64..1024.0), 8),
            radius in 0f64..60.0,
            criterion in 0usize..3,
        ) {
            let criterion = [Criterion::Angle, Criterion::Absolute, Criterion::Relative][criterion];
            let gravity = Gravity { criterion, theta: 0.7, tolerance: 3e-6, order: 2, ..Gravity::default() };
            let frame = Frame::new(Cube::around([0.0; 3], [1000.0; 3]), 1.0);
            let opening = Opening::new(&gravity, &frame);
            let mut tile = Tile::<Harmonic<2>>::empty(None);
            for (lane, com) in coms.iter().enumerate() {
                (0..3).for_each(|axis| tile.com[axis][lane] = (com[axis] - tile.centre[axis]) as f32);
                tile.radius[lane] = radius as f32;
                tile.limit[lane] = if criterion == Criterion::Angle { 2.0 * radius as f32 } else { (radius * radius * radius) as f32 };
            }
            let inner_lo = std::array::from_fn(|a| lo[a] + at[a] * size[a]);
            let inner = extent(inner_lo, std::array::from_fn(|a| part[a] * size[a]), 2.0);
            let region = opening.sinks(&extent(lo, size, 1.0)).around_any();
            let sinks = opening.sinks(&inner);
            let (by_region, _) = dispatch(Path::detect(), Test(&opening, &tile, &region));
            let (by_sinks, _) = dispatch(Path::detect(), Test(&opening, &tile, &sinks));
            prop_assert_eq!(by_region & !by_sinks, 0);
        }
    }
}
