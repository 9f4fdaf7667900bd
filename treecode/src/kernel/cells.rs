//! The cells that act on one sink cell, packed for the cell-cell kernel so that none of its lanes
//! is idle.

use crate::kernel::bodies::room_for_eight;
use crate::kernel::simd::{Block, LANES, Lanes, Path, Task, dispatch, lanes};
use crate::kernel::softening::Pair;
use crate::tree::{expansion::rounded, tile::Tile};
use crate::{Expansion, SofteningKernel};
use std::hint::black_box;

/// Source cells in columns. The rows are the offset to the sinks, the softening and the moments.
#[derive(Default)]
struct Columns {
    rows: Vec<Row>,
    len: usize,
}

/// One number of each cell, aligned so that registers of any size load it from one line of the cache.
#[derive(Clone)]
#[repr(align(64))]
struct Row([f32; COLUMNS + WIDEST]);

/// The number of cells that act at once.
const COLUMNS: usize = 64;
/// The number of lanes in the largest registers.
const WIDEST: usize = 2 * LANES;

/// The number of rows: offset, softening, moments.
const fn rows<E: Expansion>() -> usize {
    4 + size_of::<E::Tile>() / size_of::<[f32; LANES]>()
}

impl Columns {
    /// Removes all cells.
    fn clear<E: Expansion>(&mut self) {
        self.rows.resize(rows::<E>(), Row([0.0; COLUMNS + WIDEST]));
        self.len = 0;
    }

    /// Appends cells of a tile with these moments. Returns true if there is no room for another tile.
    #[inline(always)]
    fn push<L: Lanes>(
        &mut self,
        offset: [L; 3],
        softening: &[f32; LANES],
        moments: impl Iterator<Item = L>,
        lanes: u8,
    ) -> bool {
        let at = self.len;
        let mut rows = self.rows.iter_mut().map(|row| &mut row.0);
        for offset in offset {
            offset.compress(lanes, room_for_eight(rows.next().expect("a row"), at));
        }
        L::load(softening).compress(lanes, room_for_eight(rows.next().expect("a row"), at));
        for (row, moments) in rows.zip(moments) {
            moments.compress(lanes, room_for_eight(row, at));
        }
        self.len += lanes.count_ones() as usize;
        self.len > COLUMNS - LANES
    }

    /// Adds the field of all cells to a local expansion, lane by lane, and removes them.
    fn act<E: Expansion>(&mut self, sink: &CellSink, local: &mut E::Local<[f32; WIDEST]>) {
        dispatch(sink.path, Act::<E> { columns: self, sink, local });
        self.len = 0;
    }
}

/// What the kernels know of a sink cell.
#[derive(Clone, Copy)]
pub(crate) struct CellSink {
    pub(crate) path: Path,
    pub(crate) kernel: SofteningKernel,
    /// As of [`Tile::softening`].
    pub(crate) softening: f32,
    /// Whether so much of the field cancels that cells act in double precision.
    pub(crate) is_large: bool,
}

/// The cells that wait to act on a sink cell.
#[derive(Default)]
pub(crate) struct Cells {
    columns: Columns,
    /// Cells beyond the spline, if the expansion is softened. They act in the harmonic form, which has
    /// fewer terms.
    far: Columns,
}

/// The field of cells at a sink cell: that of its ancestors with that of cells in double precision, and
/// that of each lane.
pub(crate) struct CellField<E: Expansion> {
    sum: E::Local<f64>,
    local: E::Local<[f32; WIDEST]>,
    far: <E::Far as Expansion>::Local<[f32; WIDEST]>,
    /// The number of cells that act.
    pub(crate) count: u64,
}

impl<E: Expansion> CellField<E> {
    /// The field of the ancestors of the sink cell, and no cells.
    pub(crate) fn start(cells: &mut Cells, above: E::Local<f64>) -> Self {
        cells.columns.clear::<E>();
        cells.far.clear::<E::Far>();
        CellField { sum: above, local: E::local([0.0; WIDEST]), far: E::Far::local([0.0; WIDEST]), count: 0 }
    }

    /// Adds accepted cells of a tile. `offset` leads from each cell to the sink; the cells in the lanes
    /// `beyond` are beyond the softening.
    #[inline(always)]
    pub(crate) fn push<L: Lanes>(
        &mut self,
        cells: &mut Cells,
        sink: &CellSink,
        tile: &Tile<E>,
        offset: [L; 3],
        [accepted, beyond]: [u8; 2],
    ) {
        self.count += u64::from(accepted.count_ones());
        let is_spline = E::SOFTENED && sink.kernel == SofteningKernel::Spline;
        let far = if is_spline { accepted & beyond } else { 0 };
        let within = accepted & !far;
        if far != 0 {
            let moments = E::far_moments::<L>(&tile.moments);
            if cells.far.push(offset, &tile.softening, moments.as_ref().iter().copied(), far) {
                cells.far.act::<E::Far>(sink, &mut self.far);
            }
        }
        if within != 0 {
            let moments = tile.moments.as_ref().iter().map(L::load);
            if cells.columns.push(offset, &tile.softening, moments, within) {
                cells.columns.act::<E>(sink, &mut self.local);
            }
        }
    }

    /// As [`CellField::push`], in double precision and one cell after the other. `centre` is that of the
    /// sink, as seen from the cells.
    pub(crate) fn push_precisely(&mut self, sink: &CellSink, tile: &Tile<E>, centre: [f64; 3], accepted: u8) {
        self.count += u64::from(accepted.count_ones());
        let moments = tile.moments.as_ref();
        for lane in lanes(accepted) {
            let place = tile.place(lane);
            let offset = std::array::from_fn(|axis| centre[axis] - place[axis]);
            let terms = [sink.softening, tile.softening[lane]].map(f64::from);
            let pair = Pair { kernel: sink.kernel, terms };
            E::add_cells(&mut self.sum, 1, offset, pair, |k| f64::from(moments[k][lane]));
        }
    }

    /// The field of the ancestors and of all cells.
    #[inline(always)]
    pub(crate) fn finish<L: Lanes>(mut self, cells: &mut Cells, sink: &CellSink) -> E::Local<f64> {
        if sink.is_large {
            return self.sum;
        }
        cells.columns.act::<E>(sink, &mut self.local);
        let has_far = E::SOFTENED && sink.kernel == SofteningKernel::Spline;
        if has_far {
            cells.far.act::<E::Far>(sink, &mut self.far);
        }
        let mut local = rounded::<E>(&self.sum);
        local.as_mut().iter_mut().zip(self.local.as_ref()).for_each(|(x, row)| *x += sum_of::<L>(row));
        if has_far {
            let mut far = E::Far::local(0.0f32);
            far.as_mut().iter_mut().zip(self.far.as_ref()).for_each(|(x, row)| *x = sum_of::<L>(row));
            E::add_far(&mut local, &far);
        }
        self.sum.as_mut().iter_mut().zip(local.as_ref()).for_each(|(x, single)| *x = f64::from(*single));
        self.sum
    }
}

/// The sum of all lanes.
#[inline(always)]
fn sum_of<L: Lanes>(row: &[f32; WIDEST]) -> f32 {
    let first = L::read(row);
    if L::Widest::WIDTH > LANES { (first + L::read(&row[LANES..])).sum() } else { first.sum() }
}

/// The task of [`Columns::act`].
struct Act<'a, E: Expansion> {
    columns: &'a Columns,
    sink: &'a CellSink,
    local: &'a mut E::Local<[f32; WIDEST]>,
}

impl<E: Expansion> Task for Act<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self) {
        self.with::<L::Widest>();
    }
}

impl<E: Expansion> Act<'_, E> {
    #[inline(always)]
    fn with<B: Block>(self) {
        let Columns { rows, len } = self.columns;
        let mut local = E::local(B::splat(0.0));
        local.as_mut().iter_mut().zip(self.local.as_ref()).for_each(|(x, row)| *x = B::read(row));
        let rows = &rows[..self::rows::<E>()];
        // The number of cells is hidden from the compiler. If it knew that they are few, it would
        // unroll a long loop beyond the instruction cache.
        let len = black_box(*len);
        assert!(len <= COLUMNS);
        for at in (0..len).step_by(B::WIDTH) {
            let row = |k: usize| B::read(&rows[k].0[at..]);
            let lanes = if len - at >= B::WIDTH { u32::MAX } else { (1 << (len - at)) - 1 };
            let pair = Pair { kernel: self.sink.kernel, terms: [B::splat(self.sink.softening), row(3)] };
            E::add_cells::<B>(&mut local, lanes, [row(0), row(1), row(2)], pair, |k| row(k + 4));
        }
        self.local.as_mut().iter_mut().zip(local.as_ref()).for_each(|(row, x)| x.write(row));
    }
}
