//! The cells that act on one sink cell, packed for the cell-cell kernel so that none of its lanes
//! is idle.

use crate::kernel::bodies::room_for_eight;
use crate::kernel::simd::{LANES, Lanes, Path, Task, dispatch, square};
use crate::{Expansion, tree::tile::Tile};
use std::hint::black_box;

/// Source cells in columns. The rows are the offset to the sinks, the softening and the moments.
#[derive(Default)]
pub(crate) struct Columns {
    rows: Vec<[f32; COLUMNS + LANES]>,
    len: usize,
}

/// The number of cells that act at once.
const COLUMNS: usize = 64;

/// The number of rows: offset, softening, moments.
const fn rows<E: Expansion>() -> usize {
    4 + size_of::<E::Tile>() / size_of::<[f32; LANES]>()
}

impl Columns {
    /// Removes all cells.
    pub(crate) fn clear<E: Expansion>(&mut self) {
        self.rows.resize(rows::<E>(), [0.0; COLUMNS + LANES]);
        self.len = 0;
    }

    /// Appends cells of a tile. Returns true if there is no room for another tile.
    #[inline(always)]
    pub(crate) fn push<L: Lanes, E: Expansion>(&mut self, tile: &Tile<E>, lanes: u8, offset: [L; 3]) -> bool {
        let at = self.len;
        let mut rows = self.rows.iter_mut().map(|row| room_for_eight(row, at));
        for offset in offset {
            offset.compress(lanes, rows.next().expect("a row"));
        }
        L::load(&tile.softening).compress(lanes, rows.next().expect("a row"));
        for (row, moments) in rows.zip(tile.moments.as_ref()) {
            L::load(moments).compress(lanes, row);
        }
        self.len += lanes.count_ones() as usize;
        self.len > COLUMNS - LANES
    }

    /// Adds the field of all cells to a local expansion, lane by lane, and removes them.
    pub(crate) fn act<E: Expansion>(
        &mut self,
        path: Path,
        softening: f32,
        local: &mut E::Local<[f32; LANES]>,
    ) {
        dispatch(path, Act::<E> { columns: self, softening, local });
        self.len = 0;
    }
}

/// The task of [`Columns::act`].
struct Act<'a, E: Expansion> {
    columns: &'a Columns,
    softening: f32,
    local: &'a mut E::Local<[f32; LANES]>,
}

impl<E: Expansion> Task for Act<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        let Columns { rows, len } = self.columns;
        let mut local = E::local(L::splat(0.0));
        local.as_mut().iter_mut().zip(self.local.as_ref()).for_each(|(x, row)| *x = L::load(row));
        let rows = &rows[..self::rows::<E>()];
        // The number of cells is hidden from the compiler. If it knew that they are few, it would
        // unroll a long loop beyond the instruction cache.
        let len = black_box(*len);
        for at in (0..len).step_by(LANES) {
            let row = |k: usize| L::load(rows[k][at..at + LANES].try_into().expect("eight numbers"));
            let lanes = if len - at >= LANES { 0xff } else { (1u8 << (len - at)) - 1 };
            let offset = [row(0), row(1), row(2)];
            let mut r2 = square(offset);
            if E::SOFTENED {
                r2 = r2 + (row(3) + L::splat(self.softening));
            }
            E::add_cells::<L>(&mut local, lanes, offset, r2, |k| row(k + 4));
        }
        self.local.as_mut().iter_mut().zip(local.as_ref()).for_each(|(row, x)| x.store(row));
    }
}
