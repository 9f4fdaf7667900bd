//! The first of two steps of writing. One rank lays out a file, and then all ranks fill in their
//! rows. Errors of the folder or the disk occur in this step, on one rank, before any collective
//! call.

use super::column::Column;
use super::division::Share;
use super::{Fields, Flavour, Header, Index, Layout, cells, gadget, plain, swift};
use crate::Target;
use crate::file::reserve;
use hdf5::dataset::{AllocTime, FillTime};
use hdf5::{Dataset, Group, H5Type, Location};
use treecode::{Cube, TYPES};

/// Everything in a file except its rows.
pub(super) struct Frame<'a> {
    pub(super) header: &'a Header,
    pub(super) fields: Fields,
    pub(super) layout: &'a Layout,
    /// Destination of the files.
    pub(super) target: &'a Target,
    pub(super) index: &'a Index,
    /// All files of the snapshot.
    pub(super) shares: &'a [Share],
}

impl Frame<'_> {
    /// Origin of the positions in the file. SWIFT's readers ignore bodies outside the box from 0 to
    /// its side, so an isolated system is moved into it.
    pub(super) fn origin(&self) -> [f64; 3] {
        match self.index.cube {
            Some(cube) if self.is_moved() => cube.corner,
            _ => [0.0; 3],
        }
    }

    /// Side of the box in the file [L].
    pub(super) fn box_size(&self) -> f64 {
        match self.index.cube {
            Some(cube) if self.is_moved() => cube.side,
            _ => self.header.box_size * self.length_factor(),
        }
    }

    /// The cube that the keys divide, in positions of the file.
    pub(super) fn cube(&self) -> Option<Cube> {
        let origin = self.origin();
        let factor = self.length_factor();
        let corner = |cube: Cube| std::array::from_fn(|axis| (cube.corner[axis] - origin[axis]) * factor);
        self.index.cube.map(|cube| Cube { corner: corner(cube), side: cube.side * factor })
    }

    fn length_factor(&self) -> f64 {
        self.factor(Column::Coordinates)
    }

    /// Factor from the values of a column to those in the file. 1 without expansion.
    pub(super) fn factor(&self, column: Column) -> f64 {
        self.header.universe.map_or(1.0, |universe| universe.factor(column, self.layout.flavour))
    }

    pub(super) fn is_moved(&self) -> bool {
        self.layout.flavour == Flavour::Swift && self.header.box_size == 0.0 && self.index.cube.is_some()
    }
}

/// Name of the group of a particle type.
pub(super) fn group_name(kind: usize) -> String {
    format!("PartType{kind}")
}

/// Upper bound on the size of header, parameters and dataset headers, without the run's own
/// parameters and the index [bytes].
const FRAME: u64 = 1 << 17;
/// Upper bound on the size of one cell in the index [bytes].
const CELL: u64 = 600;
/// Rows per chunk of a compressed dataset. Chunks are large enough to compress well, and small
/// enough that a region needs few.
pub(super) const CHUNK: usize = 1 << 14;

/// Creates a file with everything except its rows, and reserves disk space for them. The size of
/// compressed rows is not known yet, so space is checked for uncompressed rows.
///
/// A full disk must be detected here. Open MPI 4.1 has been seen to report success for a collective
/// write on a full disk. HDF5 cannot release a file that it fails to close.
pub(super) fn lay_out(frame: &Frame, share: &Share) -> Result<(), String> {
    let number = if frame.layout.single { 4 } else { 8 };
    let bytes = |column: Column| if column == Column::Ids { 8 } else { number * column.width() as u64 };
    let row: u64 = Column::all(frame.fields).map(bytes).sum();
    let text: usize = frame.header.parameters.iter().map(|(key, value)| 256 + key.len() + value.len()).sum();
    let rows: u64 = share.count.iter().sum();
    let size =
        rows.saturating_mul(row).saturating_add(FRAME + text as u64 + CELL * frame.index.cells.len() as u64);
    let file = frame.target.create(&share.part).map_err(|error| error.to_string())?;
    reserve(&file, size)?;
    write_frame(frame, share).map_err(plain)?;
    reserve(&file, file.metadata().map_err(|error| error.to_string())?.len())
}

fn write_frame(frame: &Frame, share: &Share) -> hdf5::Result<()> {
    let file = hdf5::File::create(&share.part)?;
    match frame.layout.flavour {
        Flavour::Gadget => gadget::write(&file, frame, share)?,
        Flavour::Swift => swift::write(&file, frame, share)?,
    }
    cells::write(&file, frame)?;
    for kind in (0..TYPES).filter(|&kind| share.count[kind] > 0) {
        let group = file.create_group(&group_name(kind))?;
        Column::all(frame.fields)
            .try_for_each(|column| create(&group, frame, column, share.count[kind] as usize))?;
    }
    file.close()
}

fn create(group: &Group, frame: &Frame, column: Column, rows: usize) -> hdf5::Result<()> {
    let dataset = match column {
        Column::Ids => create_as::<u64>(group, frame.layout, column, rows)?,
        _ if frame.layout.single => create_as::<f32>(group, frame.layout, column, rows)?,
        _ => create_as::<f64>(group, frame.layout, column, rows)?,
    };
    let units = frame.header.units.unwrap_or_default();
    match frame.layout.flavour {
        Flavour::Gadget => gadget::describe(&dataset, column, units, frame.header.universe),
        Flavour::Swift => swift::describe(&dataset, column, units, frame.header.universe),
    }
}

fn create_as<T: H5Type>(
    group: &Group,
    layout: &Layout,
    column: Column,
    rows: usize,
) -> hdf5::Result<Dataset> {
    // Timestamps are not stored, so that the same bodies give the same bytes.
    let builder = group.new_dataset::<T>().obj_track_times(false).fill_time(FillTime::Never);
    let name = column.name(layout.flavour);
    if layout.compression == 0 {
        let builder = builder.alloc_time(Some(AllocTime::Early));
        return match column.width() {
            1 => builder.shape(rows).create(name),
            width => builder.shape((rows, width)).create(name),
        };
    }
    let builder = builder.alloc_time(Some(AllocTime::Incr)).shuffle().deflate(layout.compression);
    let chunk = rows.min(CHUNK);
    match column.width() {
        1 => builder.chunk(chunk).shape(rows).create(name),
        width => builder.chunk((chunk, width)).shape((rows, width)).create(name),
    }
}

pub(super) fn scalar<T: H5Type>(place: &Location, name: &str, value: T) -> hdf5::Result<()> {
    place.new_attr::<T>().create(name)?.write_scalar(&value)
}

pub(super) fn list<T: H5Type>(place: &Location, name: &str, values: &[T]) -> hdf5::Result<()> {
    place.new_attr::<T>().shape(values.len()).create(name)?.write_raw(values)
}
