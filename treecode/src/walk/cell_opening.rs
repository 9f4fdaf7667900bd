//! The multipole acceptance criteria between cells, for the fmm walk.
//!
//! A is a sink cell, B a source cell. M is the mass of B, d the distance between the centres of
//! mass, r_A and r_B the radii. s_B is the typical distance of B's mass from its centre of mass,
//! and p the order of the local expansion. B may act on A as cell on cell if `r_A + r_B < d`, the
//! gap `d - r_A - r_B` is beyond the reach of the softening (see `kernel/softening.rs`), and
//! - angle: `r_A + r_B < theta d` (Dehnen 2002);
//! - absolute: `M max(r_A, s_B) (r_A + s_B)^(p-1) / d^p / (d - r_A - r_B)^2 < tolerance / SHARE`,
//!   after Dehnen (2014, eq. 13 to 16). He adds the powers of the two radii with binomial weights,
//!   and takes the powers of the source from its multipoles. Here one number replaces them: a mean
//!   distance s_B that is at least the true one for each power;
//! - relative: the same with `tolerance` times the least last acceleration of A's bodies.
//!
//! Cells within the spline of each other are allowed `WITHIN` of the error.
//!
//! If B is refused, one of the two cells is split: B if it is *much* larger than A, otherwise A.
//! Without this rule, a large sink would accept many small pieces of B, each for its small mass,
//! and their errors would add up. For the same reason the bodies of a leaf interact one by one with
//! much smaller cells.
//!
//! # Which cells an essential tree must hold
//! A walk opens a source cell X for a sink cell q in one of two ways: q itself opens the parent of
//! X, or a sink cell above q does and q inherits X. So X is opened only if
//! 1. q, or a sink cell above q, opens the parent of X, and
//! 2. q opens X: it refuses X, and X is much larger than q or q is a leaf.
//!
//! It does *not* follow that q refuses the parent of X. A sink cell may accept a cell and refuse
//! one of its children, because the child's centre of mass is nearer. This happens where mass is
//! elongated.
//!
//! Three rules follow for the regions that stand for the sinks of a rank (`essential`, `regions`).
//! - Order. A region comes after all regions of sink cells above it. Let `first(X)` be the first
//!   region, from `first(parent of X)` on, that may open X. Then no region before `first(X)` opens
//!   X. The proof is by induction over the sources, from the root down. Let q open X. By (1) some
//!   region z, at or before q, opens the parent of X. By the induction hypothesis
//!   `first(parent of X)` is at or before z, hence at or before q. By (2) q opens X, so `first(X)`
//!   is at or before q.
//! - Boxes. A box is tested in place of all sinks inside it, because it accepts no more than each
//!   of them ([`Opening::may_open`]): it uses the distance of the nearest point and the worst
//!   radius, error and softening. So a box that opens nothing is skipped with all regions inside
//!   it.
//! - Requests. A region is sent to the owner of a closed cell in two cases. Either the region may
//!   open that cell; or a sink cell above the region may open it, and the region may open something
//!   inside it ([`Opening::may_open_inside`]).

use crate::kernel::simd::{self, LANES, Lanes, square};
use crate::message::take;
use crate::tree::tile::{LEAF, Tile};
use crate::walk::images::Image;
use crate::walk::opening::Opening;
use crate::{Bounds, Criterion, Expansion, Frame};

/// A cell as a sink: its bodies receive the field of others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SinkCell {
    /// Centre of its local expansion, in length units of the [`crate::Frame`].
    pub(crate) centre: [f64; 3],
    /// Upper bound of the distance of its bodies from `centre`.
    pub(crate) radius: f32,
    /// Error allowed for one cell, in acceleration units of the frame.
    pub(crate) error: f32,
    /// Distance within which the softening of its bodies forbids to accept a cell.
    pub(crate) reach: f32,
    /// As of [`Tile::softening`].
    pub(crate) softening: f32,
}

/// Sinks of one rank, as another rank needs them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum SinkRegion {
    /// One cell, without the cells below it.
    Alone(SinkCell),
    /// A cell and all cells below it.
    Below(SinkBox),
    /// The regions that follow; the number says how many.
    Around(SinkBox, u32),
}

/// Bounds of the properties of several sink cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SinkBox {
    /// The box around the centres of mass, in length units of the [`crate::Frame`]. Rounded outward,
    /// by at most an eighth of a deepest cell.
    pub(crate) bounds: Bounds<f32>,
    /// Greatest radius of a leaf; zero if there is none.
    pub(crate) leaf: f32,
    /// Greatest radius of any cell.
    pub(crate) any: f32,
    /// Least error allowed, in acceleration units of the frame.
    pub(crate) error: f32,
    /// Greatest distance within which the softening of the sinks forbids to accept a cell.
    pub(crate) reach: f32,
    /// Least softening term ([`Tile::softening`]).
    pub(crate) softening: f32,
}

impl SinkBox {
    /// The bounds of the cell in a lane and of all sinks below it.
    pub(crate) fn around<E: Expansion>(tiles: &[Tile<E>], tile: &Tile<E>, lane: usize) -> SinkBox {
        let cell = tile.sink(lane);
        if tile.child[lane] == LEAF {
            return SinkBox { leaf: cell.radius, ..SinkBox::of(&cell) };
        }
        let below = &tiles[tile.child[lane] as usize];
        SinkBox::above(&cell, simd::lanes(below.sinks).map(|lane| SinkBox::around(tiles, below, lane)))
    }

    /// The bounds of a cell, given those of its children that have sinks.
    pub(crate) fn above(cell: &SinkCell, children: impl Iterator<Item = SinkBox>) -> SinkBox {
        children.fold(SinkBox::of(cell), |a, b| SinkBox {
            bounds: a.bounds.and(&b.bounds),
            leaf: a.leaf.max(b.leaf),
            any: a.any.max(b.any),
            error: a.error.min(b.error),
            reach: a.reach.max(b.reach),
            softening: a.softening.min(b.softening),
        })
    }

    /// The bounds of one cell that is not a leaf.
    fn of(cell: &SinkCell) -> SinkBox {
        let SinkCell { centre, radius, error, reach, softening } = *cell;
        let (lo, hi) = (centre.map(round_down), centre.map(|x| -round_down(-x)));
        SinkBox { bounds: Bounds { lo, hi }, leaf: 0.0, any: radius, error, reach, softening }
    }

    /// Least possible distance between the sinks and the centres of mass of a tile's cells, or of
    /// their images in a periodic box, minus a bound of the rounding error.
    #[inline(always)]
    fn nearest<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, periodic: bool) -> L {
        // Sum over the axes of the largest number that is rounded.
        let mut magnitude = 0.0;
        let mut beyond = [L::splat(0.0); 3];
        for axis in 0..3 {
            let com = L::load(&tile.com[axis]);
            let [lo, hi] = [self.bounds.lo, self.bounds.hi]
                .map(|corner| (f64::from(corner[axis]) - tile.centre[axis]) as f32);
            magnitude += lo.abs().max(hi.abs());
            beyond[axis] = (L::splat(lo) - com).max(com - L::splat(hi)).max(L::splat(0.0));
            if periodic {
                // The box and the cell are both in the home, so their nearest images are at most a
                // side apart.
                let side = Frame::SIDE as f32;
                magnitude += side;
                let ahead = (com + L::splat(side) - L::splat(hi)).max(L::splat(0.0));
                let behind = (L::splat(lo) - com + L::splat(side)).max(L::splat(0.0));
                beyond[axis] = beyond[axis].min(ahead).min(behind);
            }
        }
        let distance = square(beyond).sqrt();
        distance - (distance + L::load(&tile.radius) + L::splat(magnitude)) * L::splat(SLACK)
    }

    /// Radius of the largest sinks that may open cells of these radii, with room for rounding.
    /// Larger sinks are split before the source is, unless they are leaves.
    #[inline(always)]
    fn rim<L: Lanes>(&self, radius: L) -> L {
        let larger = radius * L::splat(1.0 / MUCH_LARGER);
        larger.max(L::splat(self.leaf)).min(L::splat(self.any)) * L::splat(1.0 + SLACK)
    }

    fn write(&self, message: &mut Vec<u8>) {
        let SinkBox { bounds: Bounds { lo, hi }, leaf, any, error, reach, softening } = self;
        message.extend_from_slice(bytemuck::cast_slice(&[*lo, *hi]));
        message.extend_from_slice(bytemuck::cast_slice(&[*leaf, *any, *error, *reach, *softening]));
    }

    fn read(message: &mut &[u8]) -> SinkBox {
        let [lo, hi] = take::<[[f32; 3]; 2]>(message);
        let [leaf, any, error, reach, softening] = take::<[f32; 5]>(message);
        SinkBox { bounds: Bounds { lo, hi }, leaf, any, error, reach, softening }
    }
}

/// The greatest single-precision number that is not above `x`.
fn round_down(x: f64) -> f32 {
    let nearest = x as f32;
    if f64::from(nearest) > x { nearest.next_down() } else { nearest }
}

impl SinkRegion {
    /// Appends the region to a message.
    pub(crate) fn write(&self, message: &mut Vec<u8>) {
        match self {
            SinkRegion::Alone(SinkCell { centre, radius, error, reach, softening }) => {
                message.push(ALONE);
                message.extend_from_slice(bytemuck::bytes_of(centre));
                message.extend_from_slice(bytemuck::cast_slice(&[*radius, *error, *reach, *softening]));
            }
            SinkRegion::Below(sinks) => {
                message.push(BELOW);
                sinks.write(message);
            }
            SinkRegion::Around(sinks, inside) => {
                message.push(AROUND);
                message.extend_from_slice(&inside.to_ne_bytes());
                sinks.write(message);
            }
        }
    }

    /// Removes a region from the front of a message and returns it.
    pub(crate) fn read(message: &mut &[u8]) -> SinkRegion {
        match take::<u8>(message) {
            ALONE => {
                let centre = take(message);
                let [radius, error, reach, softening] = take::<[f32; 4]>(message);
                SinkRegion::Alone(SinkCell { centre, radius, error, reach, softening })
            }
            BELOW => SinkRegion::Below(SinkBox::read(message)),
            AROUND => {
                let inside = take(message);
                SinkRegion::Around(SinkBox::read(message), inside)
            }
            other => unreachable!("no region begins with {other}"),
        }
    }
}

/// First byte of a region in a message.
const ALONE: u8 = 0;
const BELOW: u8 = 1;
const AROUND: u8 = 2;

/// Upper bound of the radius of any cell inside a cell of radius `b`.
///
/// A radius is at most the distance from the centre of mass to the farthest corner of a box around
/// the bodies (`summary::of_children`). Along each axis that is at most `2 b`, and at most the side
/// of a child. `side_of_children` is infinite if bodies may have left their cells.
pub(crate) fn radius_inside(b: f32, side_of_children: f32) -> f32 {
    3f32.sqrt() * (2.0 * b).min(side_of_children)
}

/// Result of the criterion for one sink cell and the cells of a tile, one bit per lane.
pub(crate) struct Verdict<L> {
    /// Far enough to act as cell on cell.
    pub(crate) accepted: u8,
    /// Much larger than the sink cell.
    pub(crate) larger: u8,
    /// All bodies of the cell are beyond the softening of all bodies of the sink cell, if they are
    /// accepted.
    pub(crate) beyond: u8,
    /// Vector from each cell's centre of mass to the centre of the sinks.
    pub(crate) offset: [L; 3],
    distance: L,
}

/// Further results if the sink cell is a leaf, one bit per lane.
pub(crate) struct LeafVerdict {
    /// Much smaller than the leaf.
    pub(crate) smaller: u8,
    /// Far enough to act on the bodies one by one.
    pub(crate) on_bodies: u8,
    /// All bodies of the cell are beyond the softening of all bodies of the leaf.
    pub(crate) apart: u8,
}

/// A source is split before the sinks if its radius is larger than theirs by this factor.
const MUCH_LARGER: f32 = 1.6;
/// The bodies of a leaf interact one by one with a cell whose radius is smaller than the leaf's by
/// this factor.
const MUCH_SMALLER: f32 = 0.3;
/// The measured error in units of the bound, found by trial. With it `tolerance` is close to the
/// error that one cell makes.
const SHARE: f32 = 0.1;
/// Share of the allowed error for cells within the spline. There, errors add up at order 3: the
/// greatest energy error of a cold collapse is 7e-3 with the whole, 5.4e-3 with a quarter, 5.1e-3
/// with a tenth.
const WITHIN: f32 = 0.1;
/// Relative room for rounding if a box stands for the sinks inside it.
const SLACK: f32 = 1e-5;
/// Greatest sum of the radii, in units of the distance.
const CLOSEST: f32 = 0.97;

impl Opening {
    /// Applies the criterion to the cells of a tile as sources for a sink cell.
    #[inline(always)]
    pub(crate) fn judge<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, sink: &SinkCell) -> Verdict<L> {
        let offset: [L; 3] = std::array::from_fn(|axis| {
            L::splat((sink.centre[axis] - tile.centre[axis]) as f32) - L::load(&tile.com[axis])
        });
        let distance = square(offset).sqrt();
        let limits = [sink.error, sink.reach, sink.softening];
        let (accepted, beyond) = self.accepts::<L, E>(tile, limits, L::splat(sink.radius), distance);
        let larger = L::splat(sink.radius * MUCH_LARGER).below(L::load(&tile.radius));
        Verdict { accepted, larger, beyond, offset, distance }
    }

    /// The cells of a tile that sinks of radius `rim` at these distances accept, and those that are beyond
    /// the softening. `limits` are error, reach and softening of the sinks.
    #[inline(always)]
    fn accepts<L: Lanes, E: Expansion>(
        &self,
        tile: &Tile<E>,
        limits: [f32; 3],
        rim: L,
        distance: L,
    ) -> (u8, u8) {
        self.accepts_cells(tile, limits, [L::load(&tile.radius), rim], L::load(&tile.limit), distance)
    }

    /// [`Opening::accepts`] if the cells have these radii, and `spread` is the typical distance of their
    /// mass from the centre of mass.
    #[inline(always)]
    fn accepts_cells<L: Lanes, E: Expansion>(
        &self,
        tile: &Tile<E>,
        [error, reach, softening]: [f32; 3],
        [radius, rim]: [L; 2],
        spread: L,
        distance: L,
    ) -> (u8, u8) {
        let gap = distance - radius - rim;
        let beyond = self.beyond_softening(tile, L::splat(1.0 / softening), gap);
        let apart = L::load(&tile.reach).max(L::splat(reach)).below(gap);
        let accurate = match self.criterion {
            Criterion::Angle => (radius + rim).below(distance * L::splat(self.theta as f32)),
            Criterion::Absolute | Criterion::Relative => {
                let bound = self.bound::<L, E>(tile, rim.max(spread), rim + spread, distance);
                bound.below(gap * gap * allowed::<L, E>(error, beyond))
                    & (radius + rim).below(distance * L::splat(CLOSEST))
            }
        };
        (apart & accurate, beyond)
    }

    /// The cells of a tile that sinks of a region may open.
    #[inline(always)]
    pub(crate) fn may_open<L: Lanes, E: Expansion>(&self, tile: &Tile<E>, region: &SinkRegion) -> u8 {
        let sinks = match region {
            SinkRegion::Alone(cell) => {
                let mut opened = 0;
                for image in Image::nearest(self.periodic) {
                    let seen = SinkCell { centre: image.sees(cell.centre), ..*cell };
                    let verdict = self.judge::<L, E>(tile, &seen);
                    opened |= !verdict.accepted & verdict.larger & !tile.leaves;
                }
                return opened;
            }
            SinkRegion::Below(sinks) | SinkRegion::Around(sinks, _) => sinks,
        };
        let radius = L::load(&tile.radius);
        let nearest = sinks.nearest::<L, E>(tile, self.periodic).max(L::splat(0.0));
        let limits = [sinks.error, sinks.reach, sinks.softening];
        !self.accepts::<L, E>(tile, limits, sinks.rim(radius), nearest).0
    }

    /// The cells of a tile inside which sinks of a region may open a cell.
    ///
    /// Only bounds are available for a cell inside. Its mass and reach are at most those of the
    /// outer cell. Its centre of mass is at most the outer radius from that of the outer cell. Its
    /// own radius is at most `radius`.
    #[inline(always)]
    pub(crate) fn may_open_inside<L: Lanes, E: Expansion>(
        &self,
        tile: &Tile<E>,
        radius: &[f32; LANES],
        region: &SinkRegion,
    ) -> u8 {
        let sinks = match region {
            SinkRegion::Alone(cell) => SinkBox::of(cell),
            SinkRegion::Below(sinks) | SinkRegion::Around(sinks, _) => *sinks,
        };
        let own = L::load(&tile.radius);
        let nearest = (sinks.nearest::<L, E>(tile, self.periodic) - own).max(L::splat(0.0));
        let radius = L::load(radius) * L::splat(1.0 + SLACK);
        let rim = sinks.rim(radius);
        let limits = [sinks.error, sinks.reach, sinks.softening];
        !self.accepts_cells(tile, limits, [radius, rim], radius, nearest).0
    }

    /// Applies the criterion to the cells of a tile as sources for the bodies of a leaf.
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
        let beyond = self.beyond_softening(tile, L::splat(1.0 / sink.softening), gap);
        let accurate = match self.criterion {
            Criterion::Angle => radius.below(nearest * L::splat(self.theta as f32)),
            Criterion::Absolute | Criterion::Relative => {
                let spread = L::load(&tile.limit);
                let error = self.bound::<L, E>(tile, spread, spread, nearest);
                error.below(gap * gap * allowed::<L, E>(sink.error, beyond))
                    & radius.below(nearest * L::splat(CLOSEST))
            }
        };
        let smaller = radius.below(L::splat(sink.radius * MUCH_SMALLER));
        LeafVerdict { smaller, on_bodies: apart & accurate, apart: apart & beyond }
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

/// The error that a sink allows each cell of a tile, of which some are beyond the softening.
#[inline(always)]
fn allowed<L: Lanes, E: Expansion>(error: f32, beyond: u8) -> L {
    let whole = L::splat(error / SHARE);
    if !E::SOFTENED {
        return whole;
    }
    whole.in_lanes(beyond) + L::splat(error / SHARE * WITHIN).in_lanes(!beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::simd::{Path, Task, dispatch};
    use crate::{Cube, Frame, Gravity, Walk, tree::expansion::Harmonic};
    use proptest::prelude::*;

    /// Evaluates what a region may open, and what a cell accepts and finds larger.
    struct Judge<'a>(&'a Opening, &'a Tile<Harmonic<2>>, SinkRegion, SinkCell);

    impl Task for Judge<'_> {
        type Output = (u8, u8, u8);
        #[inline(always)]
        fn run<L: Lanes>(self) -> (u8, u8, u8) {
            let verdict = self.0.judge::<L, Harmonic<2>>(self.1, &self.3);
            (self.0.may_open::<L, Harmonic<2>>(self.1, &self.2), verdict.accepted, verdict.larger)
        }
    }

    /// Evaluates the cells inside which a region may open something.
    struct Inside<'a>(&'a Opening, &'a Tile<Harmonic<2>>, SinkRegion);

    impl Task for Inside<'_> {
        type Output = u8;
        #[inline(always)]
        fn run<L: Lanes>(self) -> u8 {
            let radius = self.1.radius.map(|radius| radius_inside(radius, f32::INFINITY));
            self.0.may_open_inside::<L, Harmonic<2>>(self.1, &radius, &self.2)
        }
    }

    proptest! {
        /// A leaf inside a box accepts every cell that the box does not open. A split cell inside
        /// it accepts that cell too, or the cell is not much larger. Otherwise an essential tree
        /// would lack a cell.
        #[test]
        fn a_box_opens_what_any_sink_inside_it_does(
            sinks in prop::collection::vec(
                (prop::array::uniform3(0f64..60.0), 0f32..9.0, 0f32..1.0, 0.5f32..2.0), 2..6),
            coms in prop::collection::vec(prop::array::uniform3(-500f32..500.0), 8),
            radius in prop::array::uniform8(0f32..60.0),
            criterion in 0usize..3,
        ) {
            let criterion = [Criterion::Angle, Criterion::Absolute, Criterion::Relative][criterion];
            let gravity = Gravity { walk: Walk::Fmm, criterion, theta: 0.7, order: 2, ..Gravity::default() };
            let frame = Frame::new(Cube::around([0.0; 3], [1000.0; 3]), 1.0);
            let opening = Opening::new(&gravity, &frame);
            let mut tile = Tile::<Harmonic<2>>::empty(None);
            for (lane, com) in coms.iter().enumerate() {
                (0..3).for_each(|axis| tile.com[axis][lane] = com[axis]);
                (tile.radius[lane], tile.limit[lane]) = (radius[lane], 0.6 * radius[lane]);
                bytemuck::cast_slice_mut::<_, f32>(std::slice::from_mut(&mut tile.moments))[lane] = 0.01;
            }
            // The first sink is a cell above the leaves, of any radius up to the box's.
            let cell = |(at, radius, reach, error): &([f64; 3], f32, f32, f32)| SinkCell {
                centre: at.map(|x| x + 480.0), radius: *radius, error: 1e-9 * error, reach: *reach, softening: 0.0,
            };
            let (above, leaves) = (cell(&sinks[0]), &sinks[1..]);
            let boxes = leaves.iter().map(cell).map(|cell| SinkBox { leaf: cell.radius, ..SinkBox::of(&cell) });
            let all = SinkBox::above(&above, boxes);
            for path in Path::available() {
                let judge = |cell| dispatch(path, Judge(&opening, &tile, SinkRegion::Below(all), cell));
                for leaf in leaves.iter().map(cell) {
                    let (may_open, accepted, _) = judge(leaf);
                    prop_assert_eq!(may_open | accepted, 0xff);
                }
                let (may_open, accepted, larger) = judge(above);
                prop_assert_eq!(may_open | accepted | !larger, 0xff);
            }
        }

        /// If a region opens nothing inside a cell, its sinks accept every cell inside, or do not
        /// open it. Otherwise an essential tree would lack cells that sinks inherit.
        #[test]
        fn nothing_is_opened_inside_of_what_may_not_be_opened_inside(
            sink in (prop::array::uniform3(0f64..60.0), 0f32..9.0, 0f32..1.0, 0.5f32..2.0),
            at in prop::array::uniform3(-200f32..200.0),
            thin in prop::array::uniform3(prop::sample::select(vec![0.0, 0.01, 1.0])),
            bodies in prop::collection::vec((prop::array::uniform3(-9f64..9.0), 0.01f64..1.0), 2..12),
            inside in prop::collection::vec(0usize..12, 1..6),
            criterion in 0usize..3,
        ) {
            let criterion = [Criterion::Angle, Criterion::Absolute, Criterion::Relative][criterion];
            let gravity = Gravity { walk: Walk::Fmm, criterion, theta: 0.7, order: 2, ..Gravity::default() };
            let frame = Frame::new(Cube::around([0.0; 3], [1000.0; 3]), 1.0);
            let opening = Opening::new(&gravity, &frame);
            let mut tile = Tile::<Harmonic<2>>::empty(None);
            // Lane 0 holds all bodies, lane 1 some of them.
            let some = inside.iter().map(|i| i % bodies.len()).collect::<std::collections::BTreeSet<_>>();
            for (lane, members) in [(0..bodies.len()).collect(), some].iter().enumerate() {
                let members: Vec<([f64; 3], f64)> = members.iter().map(|&i: &usize| bodies[i]).map(|(x, mass)| {
                    (std::array::from_fn(|axis| f64::from(at[axis]) + thin[axis] * x[axis]), mass)
                }).collect();
                let mass: f64 = members.iter().map(|(_, mass)| mass).sum();
                let com: [f64; 3] = std::array::from_fn(|axis| members.iter().map(|(x, m)| m * x[axis]).sum::<f64>() / mass);
                let farthest = |axis: usize| members.iter().map(|(x, _)| (x[axis] - com[axis]).abs()).fold(0.0, f64::max);
                let radius = match lane {
                    0 => members.iter().map(|(x, _)| (0..3).map(|a| (x[a] - com[a]).powi(2)).sum::<f64>().sqrt()).fold(0.0, f64::max),
                    _ => (0..3).map(|axis| farthest(axis).powi(2)).sum::<f64>().sqrt(),
                } * (1.0 + 1e-6);
                (0..3).for_each(|axis| tile.com[axis][lane] = com[axis] as f32);
                (tile.radius[lane], tile.limit[lane]) = (radius as f32, radius as f32);
                bytemuck::cast_slice_mut::<_, f32>(std::slice::from_mut(&mut tile.moments))[lane] = 1e-3 * mass as f32;
            }
            let (place, radius, reach, error) = sink;
            let cell = SinkCell {
                centre: place.map(|x| x + 480.0), radius, error: 1e-6 * error, reach, softening: 0.0,
            };
            let leaf = SinkBox { leaf: radius, ..SinkBox::of(&cell) };
            for path in Path::available() {
                let [below, alone] = [SinkRegion::Below(leaf), SinkRegion::Alone(cell)].map(|region| {
                    let inside = dispatch(path, Inside(&opening, &tile, region)) & 1 == 1;
                    let (_, accepted, larger) = dispatch(path, Judge(&opening, &tile, region, cell));
                    (inside, accepted >> 1 & 1 == 1, larger >> 1 & 1 == 1)
                });
                prop_assert!(below.0 || below.1, "{path:?}: a leaf refuses a cell inside");
                prop_assert!(alone.0 || alone.1 || !alone.2, "{path:?}: a cell opens a cell inside");
            }
        }
    }
}
