//! The opening criteria between cells, for the fmm walk.
//!
//! With d the distance of the centres of mass of a sink cell A and a source cell B, r their radii, s_B the typical distance of B's mass from its centre
//! and p the order of the local expansion, B may act on A as cell on cell if (r_A + r_B) < d, the gap between them is beyond the softening, and
//! - angle: `r_A + r_B < theta d` (Dehnen 2002);
//! - absolute: `M max(r_A, s_B) (r_A + s_B)^(p-1) / d^p / (d - r_A - r_B)^2 < tolerance / SHARE`, after Dehnen (2014, eq. 13 to 16), who
//!   weighs the powers of the two radii binomially by the powers of the source's multipoles: a mean distance s_B that is at
//!   least the true one for each power does so in one number;
//! - relative: the same with `tolerance` times the least last acceleration of A's bodies.
//!
//! A refused pair is split. The sink is split unless the source is *much* larger: many small pieces of a source, each accepted for its small
//! mass, would add up their errors over a large sink. For the same reason a leaf's bodies feel much smaller cells one by one.

use crate::opening::Opening;
use crate::summary::take;
use crate::{Criterion, Expansion, simd::Lanes, tile::Tile};

/// A cell as sinks of the field of others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SinkCell {
    /// Centre of its local expansion, in length units of the [`crate::Frame`].
    pub(crate) centre: [f64; 3],
    /// Bound of its bodies' distance from there.
    pub(crate) radius: f32,
    /// Error allowed for one cell, in acceleration units of the frame.
    pub(crate) error: f32,
    /// Distance within which its bodies' softening forbids to accept a cell.
    pub(crate) reach: f32,
    /// Half the mean squared Plummer softening length.
    pub(crate) softening: f32,
}

/// A cell as sinks, seen from another rank.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinkRegion {
    pub(crate) cell: SinkCell,
    /// For a region that stands for all sink cells below: greatest radius of a leaf and of any cell there. `None` for a cell that stands for
    /// itself alone.
    pub(crate) below: Option<[f32; 2]>,
}

impl SinkRegion {
    /// Appends the region to a message.
    pub(crate) fn write(&self, message: &mut Vec<u8>) {
        let SinkCell { centre, radius, error, reach, softening } = self.cell;
        let [leaf, any] = self.below.unwrap_or([f32::NAN; 2]);
        message.extend_from_slice(bytemuck::cast_slice(&centre));
        message.extend_from_slice(bytemuck::cast_slice(&[radius, error, reach, softening, leaf, any]));
    }

    /// Takes a region from the front of a message.
    pub(crate) fn read(message: &mut &[u8]) -> SinkRegion {
        let centre = take(message);
        let [radius, error, reach, softening, leaf, any] = take::<[f32; 6]>(message);
        let below = (!leaf.is_nan()).then_some([leaf, any]);
        SinkRegion { cell: SinkCell { centre, radius, error, reach, softening }, below }
    }
}

/// What a sink cell makes of the cells of a tile, one bit a lane.
pub(crate) struct Verdict<L> {
    /// Far enough to act as cell on cell.
    pub(crate) accepted: u8,
    /// Much larger than the sinks.
    pub(crate) larger: u8,
    /// From each cell to the centre of the sinks.
    pub(crate) offset: [L; 3],
    distance: L,
}

/// What a leaf makes of the cells of a tile besides, one bit a lane.
pub(crate) struct LeafVerdict {
    /// Much smaller than the leaf.
    pub(crate) smaller: u8,
    /// Far enough to act on the bodies one by one.
    pub(crate) on_bodies: u8,
    /// All bodies beyond the softening of all of the leaf's.
    pub(crate) apart: u8,
}

/// A source is split rather than the sinks if its radius is larger by this factor.
const MUCH_LARGER: f32 = 1.6;
/// A leaf's bodies feel a cell one by one if its radius is smaller by this factor.
const MUCH_SMALLER: f32 = 0.3;
/// Share of the bound that turns up as error, found by trial: with it `tolerance` is near the error that one cell makes.
const SHARE: f32 = 0.1;
/// Room for rounding where a region stands for the sinks inside.
const SLACK: f32 = 1e-5;
/// Greatest sum of the radii in units of the distance.
const CLOSEST: f32 = 0.97;

impl Opening {
    /// Judges the cells of a tile as sources for a sink cell.
    #[inline(always)]
    pub(crate) fn judge<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, sink: &SinkCell) -> Verdict<L> {
        let offset: [L; 3] = std::array::from_fn(|axis| {
            L::splat((sink.centre[axis] - tile.centre[axis]) as f32) - L::load(&tile.com[axis])
        });
        let r2 = offset[2].mul_add(offset[2], offset[1].mul_add(offset[1], offset[0] * offset[0]));
        let distance = r2.sqrt();
        let accepted = self.accepts::<L, E>(tile, sink, L::splat(sink.radius), distance);
        let larger = L::splat(sink.radius * MUCH_LARGER).below(L::load(&tile.radius));
        Verdict { accepted, larger, offset, distance }
    }

    /// Which cells of a tile sinks of these radii at these distances accept, given the error and the reach of `sink`.
    #[inline(always)]
    fn accepts<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, sink: &SinkCell, rim: L, distance: L) -> u8 {
        let radius = L::load(&tile.radius);
        let gap = distance - radius - rim;
        let apart = L::load(&tile.reach).max(L::splat(sink.reach)).below(gap);
        let accurate = match self.criterion {
            Criterion::Angle => (radius + rim).below(distance * L::splat(self.theta as f32)),
            Criterion::Absolute | Criterion::Relative => {
                let spread = L::load(&tile.limit);
                let error = self.bound::<L, E>(tile, rim.max(spread), rim + spread, distance);
                error.below(gap * gap * L::splat(sink.error / SHARE))
                    & (radius + rim).below(distance * L::splat(CLOSEST))
            }
        };
        apart & accurate
    }

    /// Which cells of a tile sinks of a region may open.
    #[inline(always)]
    pub(crate) fn may_open<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, region: &SinkRegion) -> u8 {
        let verdict = self.judge::<L, E>(tile, &region.cell);
        let Some([leaf, any]) = region.below else {
            return !verdict.accepted & verdict.larger & !tile.leaves;
        };
        // Sinks larger than this are split before the source is; sinks nearer than this there are none. Both with room for rounding.
        let radius = L::load(&tile.radius) * L::splat(1.0 / MUCH_LARGER);
        let rim = radius.max(L::splat(leaf)).min(L::splat(any)) * L::splat(1.0 + SLACK);
        let nearest = verdict.distance * L::splat(1.0 - SLACK) - L::splat(region.cell.radius * (1.0 + SLACK));
        !self.accepts::<L, E>(tile, &region.cell, rim, nearest.max(L::splat(0.0)))
    }

    /// Judges the cells of a tile as sources for the bodies of a leaf.
    #[inline(always)]
    pub(crate) fn judge_for_leaf<L: Lanes, E: Expansion>(
        &self,
        tile: &Tile<E>,
        sink: &SinkCell,
        verdict: &Verdict<L>,
    ) -> LeafVerdict {
        let radius = L::load(&tile.radius);
        let nearest = verdict.distance - L::splat(sink.radius);
        let gap = nearest - radius;
        let apart = L::load(&tile.reach).max(L::splat(sink.reach)).below(gap);
        let accurate = match self.criterion {
            Criterion::Angle => radius.below(nearest * L::splat(self.theta as f32)),
            Criterion::Absolute | Criterion::Relative => {
                let spread = L::load(&tile.limit);
                let error = self.bound::<L, E>(tile, spread, spread, nearest);
                error.below(gap * gap * L::splat(sink.error / SHARE))
                    & radius.below(nearest * L::splat(CLOSEST))
            }
        };
        let smaller = radius.below(L::splat(sink.radius * MUCH_SMALLER));
        LeafVerdict { smaller, on_bodies: apart & accurate, apart }
    }

    /// `M larger both^(p-1) / d^p`.
    #[inline(always)]
    fn bound<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, larger: L, both: L, distance: L) -> L {
        let per_distance = L::splat(1.0).div(distance);
        let ratio = both * per_distance;
        let mut bound = L::load(&tile.moments.as_ref()[0]) * larger * per_distance;
        for _ in 0..E::ORDER {
            bound = bound * ratio;
        }
        bound
    }
}
