//! The eight children of a cell, side by side: eight lanes, so that one SIMD instruction serves all
//! of them.
//!
//! Lane k is octant k. Positions are single precision, relative to the centre of the parent cell.
//! The root is lane 0 of its own tile, relative to its own centre. An octant without bodies is
//! [`EMPTY`] and has zero mass. A cell of massless bodies has zero mass too: its bodies are sinks, but
//! no walk visits it as a source.

use crate::message::{pack, take, unpack};
use crate::{
    Expansion, Frame, Key, SofteningKernel,
    kernel::simd,
    kernel::simd::LANES,
    kernel::softening::spline_term,
    tree::particles::Leaf,
    tree::summary::{Spread, Summary},
    walk::cell_opening::SinkCell,
    walk::opening::Opening,
};
use std::ops::Range;

/// An octant without bodies.
pub(crate) const EMPTY: u32 = u32::MAX;
/// A cell that is not split. Its bodies are among the particles of this rank.
pub(crate) const LEAF: u32 = u32::MAX - 1;
/// A cell of another rank whose inside has not been grafted. No sink of this rank may open it.
pub(crate) const CLOSED: u32 = u32::MAX - 2;

/// Eight cells as sources of gravity.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(crate) struct Tile<E: Expansion> {
    /// Centres of mass, relative to [`Tile::centre`].
    pub com: [[f32; LANES]; 3],
    /// Upper bounds of the distance of a body from the centre of mass.
    pub radius: [f32; LANES],
    /// The number that the opening criterion compares: see [`Opening::limit`].
    pub limit: [f32; LANES],
    /// Error that the cell, as a sink, allows one source cell.
    pub error: [f32; LANES],
    /// Distance within which the cell is not accepted, because of the softening or of the rounding
    /// of its place.
    pub reach: [f32; LANES],
    /// The number that the kernels combine with that of the sinks: half the mean squared softening
    /// length (Plummer), or 1/h of the greatest length (spline).
    pub softening: [f32; LANES],
    /// Moments, masses first.
    pub moments: E::Tile,
    /// The origin of the positions, in length units of the [`Frame`].
    pub centre: [f64; 3],
    /// The tile of the cell's children, or [`EMPTY`], [`LEAF`] or [`CLOSED`].
    pub child: [u32; LANES],
    /// Index of the first body of a leaf, or of a cell of this rank.
    pub first: [u32; LANES],
    /// The number of bodies.
    pub count: [u32; LANES],
    /// Lanes that hold a cell, one bit each.
    pub present: u8,
    /// Lanes that hold a cell with mass: the sources.
    pub sources: u8,
    /// Lanes that hold a leaf, closed or not.
    pub leaves: u8,
    /// Lanes of leaves with so few bodies that these act on a body faster one by one than their
    /// moments do.
    pub few: u8,
    /// Lanes with sinks of this rank.
    pub sinks: u8,
}

/// A cell is opened for sinks nearer than this fraction of its side, because its place is rounded
/// to 2^-24 of the side.
const NEAREST: f64 = 1e-3;
/// The number of bodies that take about as long to act as the moments of a cell.
const FEW: usize = 24;
/// Room for rounding positions and radii to single precision.
const ROUND_UP: f64 = 1.0 + 1e-6;

impl<E: Expansion> Tile<E> {
    /// A tile without cells, for the children of `parent`. With `None`, the tile of the root.
    pub(crate) fn empty(parent: Option<Key>) -> Self {
        let centre = Frame::centre(parent.unwrap_or(Key::ROOT));
        Tile {
            com: [[0.0; LANES]; 3],
            radius: [0.0; LANES],
            limit: [0.0; LANES],
            error: [0.0; LANES],
            reach: [0.0; LANES],
            softening: [0.0; LANES],
            moments: bytemuck::Zeroable::zeroed(),
            centre,
            child: [EMPTY; LANES],
            first: [0; LANES],
            count: [0; LANES],
            present: 0,
            sources: 0,
            leaves: 0,
            few: 0,
            sinks: 0,
        }
    }

    /// Writes the values of a cell that the kernels need into a lane. `key` is the key of that
    /// cell.
    pub(crate) fn fill(&mut self, lane: usize, key: Key, summary: &Summary<E::Moments>, opening: &Opening) {
        for axis in 0..3 {
            self.com[axis][lane] = (summary.com[axis] - self.centre[axis]) as f32;
        }
        self.radius[lane] = (summary.radius * ROUND_UP) as f32;
        self.limit[lane] = opening.limit::<E>(key, summary) as f32;
        self.error[lane] = opening.error(summary.extent.min_acc);
        let nearest = NEAREST * Frame::cell_side(key.level());
        self.reach[lane] = (opening.reach(&summary.extent) * ROUND_UP).max(nearest) as f32;
        self.softening[lane] = match opening.kernel {
            SofteningKernel::Spline => spline_term(summary.extent.reach[1]),
            SofteningKernel::Plummer => (0.5 * summary.softening2) as f32,
        };
        E::fill(&mut self.moments, lane, &summary.moments);
        let bit = u8::from(self.mass(lane) > 0.0) << lane;
        self.sources = self.sources & !(1 << lane) | bit;
    }

    /// Mass of a cell, in mass units of the [`Frame`].
    fn mass(&self, lane: usize) -> f32 {
        self.moments.as_ref()[0][lane]
    }

    /// Moves a cell to the place of its drifted bodies. Its moments keep their shape, and their
    /// size follows the spread of the bodies if the field is softened.
    pub(crate) fn shift(&mut self, lane: usize, key: Key, moved: &Summary<Spread>, opening: &Opening) {
        for axis in 0..3 {
            self.com[axis][lane] = (moved.com[axis] - self.centre[axis]) as f32;
        }
        E::rescale(&mut self.moments, lane, moved.moments.second);
        let before = std::mem::replace(&mut self.radius[lane], (moved.radius * ROUND_UP) as f32);
        self.limit[lane] = opening.moved_limit::<E>(
            key,
            moved.com,
            f64::from(self.limit[lane]),
            moved.radius / f64::from(before),
        ) as f32;
    }

    /// Sets the children and bodies of the cell in a lane.
    pub(crate) fn link(&mut self, lane: usize, child: u32, bodies: &Range<u32>) {
        self.child[lane] = child;
        self.first[lane] = bodies.start;
        self.count[lane] = bodies.end - bodies.start;
        let bit = 1 << lane;
        self.present |= bit;
        self.leaves = if child == LEAF { self.leaves | bit } else { self.leaves & !bit };
        let few = child == LEAF && bodies.len() <= FEW;
        self.few = if few { self.few | bit } else { self.few & !bit };
    }

    /// The particles of the leaf in a lane, relative to its centre of mass in single precision.
    #[inline]
    pub(crate) fn leaf(&self, lane: usize) -> Leaf {
        assert!(self.child[lane] == LEAF, "a walk must read a closed leaf: an essential tree lacks it");
        Leaf { first: self.first[lane], count: self.count[lane], reference: self.place(lane) }
    }

    /// Centre of mass of a cell, as rounded to single precision.
    #[inline]
    pub(crate) fn place(&self, lane: usize) -> [f64; 3] {
        std::array::from_fn(|axis| self.centre[axis] + f64::from(self.com[axis][lane]))
    }

    /// The cell in a lane as a sink.
    #[inline]
    pub(crate) fn sink(&self, lane: usize) -> SinkCell {
        SinkCell {
            centre: self.place(lane),
            radius: self.radius[lane],
            error: self.error[lane],
            reach: self.reach[lane],
            softening: self.softening[lane],
        }
    }

    /// Appends the values of the tile that other ranks need to a message: the lanes that hold a
    /// cell, those of them whose inside will `follow`, and the cells.
    pub(crate) fn write(&self, follow: u8, message: &mut Vec<u8>) {
        let lanes = || simd::lanes(self.present);
        message.extend_from_slice(&[self.present, self.leaves, follow]);
        for row in [&self.reach, &self.softening] {
            pack(lanes().map(|lane| row[lane]), message);
        }
        for row in self.com.iter().chain([&self.radius, &self.limit]).chain(self.moments.as_ref()) {
            lanes().for_each(|lane| message.extend_from_slice(&row[lane].to_ne_bytes()));
        }
    }

    /// Removes the tile of the children of `parent` from the front of a message. Returns it with
    /// the lanes whose inside follows.
    pub(crate) fn read(parent: Key, message: &mut &[u8]) -> (Self, u8) {
        let [present, leaves, follow] = take(message);
        let mut tile = Tile { present, leaves, ..Tile::empty(Some(parent)) };
        let here = |lane: &usize| present >> lane & 1 == 1;
        for row in [&mut tile.reach, &mut tile.softening] {
            let cells = row.iter_mut().enumerate().filter(|(lane, _)| here(lane));
            unpack(cells.map(|(_, value)| value), message);
        }
        let moments = bytemuck::cast_slice_mut(std::slice::from_mut(&mut tile.moments));
        for row in tile.com.iter_mut().chain([&mut tile.radius, &mut tile.limit]).chain(moments) {
            let row: &mut [f32; LANES] = row;
            simd::lanes(present).for_each(|lane| row[lane] = take(message));
        }
        for lane in simd::lanes(present) {
            tile.child[lane] = CLOSED;
            tile.sources |= u8::from(tile.mass(lane) > 0.0) << lane;
        }
        (tile, follow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::expansion::Harmonic;

    #[test]
    fn a_tile_is_read_as_it_was_written_without_what_is_below() {
        let mut tile = Tile::<Harmonic<2>>::empty(Some(Key::ROOT));
        (tile.present, tile.leaves) = (0b1010_0110, 0b1000_0100);
        for lane in simd::lanes(tile.present) {
            let x = lane as f32 + 0.5;
            tile.sources |= 1 << lane;
            (0..3).for_each(|axis| tile.com[axis][lane] = x - axis as f32);
            (tile.radius[lane], tile.limit[lane], tile.reach[lane]) = (x * x, 7.0 * x, x);
            tile.softening[lane] = 0.25;
            let moments =
                bytemuck::cast_slice_mut::<_, [f32; LANES]>(std::slice::from_mut(&mut tile.moments));
            moments.iter_mut().enumerate().for_each(|(k, row)| row[lane] = x + k as f32);
            tile.child[lane] = 5;
        }
        // Each of four cells has three coordinates, radius, limit and six moments. The two further
        // rows are packed: one or both hold the same number in all lanes.
        for (reach, bytes) in [(tile.reach, 16), ([0.0, 2.0, 2.0, 0.0, 0.0, 2.0, 0.0, 2.0], 4)] {
            tile.reach = reach;
            let mut message = Vec::new();
            tile.write(0b10, &mut message);
            assert_eq!(message.len(), 3 + 1 + bytes + 1 + 4 + 4 * 4 * 11);
            let mut rest = &message[..];
            let (read, follow) = Tile::<Harmonic<2>>::read(Key::ROOT, &mut rest);
            assert!(rest.is_empty() && follow == 0b10);
            assert_eq!((read.present, read.leaves, read.centre), (tile.present, tile.leaves, tile.centre));
            assert_eq!(read.sources, tile.sources);
            let rows = |tile: &Tile<Harmonic<2>>| {
                let rows = tile.com.iter().chain([&tile.radius, &tile.limit, &tile.reach, &tile.softening]);
                rows.chain(tile.moments.as_ref()).copied().collect::<Vec<_>>()
            };
            assert_eq!(rows(&read), rows(&tile));
            assert_eq!(read.child, tile.child.map(|child| if child == EMPTY { EMPTY } else { CLOSED }));
        }
    }
}
