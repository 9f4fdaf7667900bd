//! The first of two steps of writing. One rank lays out a file, and then all ranks fill in their
//! rows. Errors of the folder or the disk occur in this step, on one rank, before any collective
//! call.

use super::division::Share;
use super::{cells, gadget, swift};
use crate::Target;
use crate::file::reserve;
use crate::snapshot::format::column::{Column, Content, group_name};
use crate::snapshot::{Fields, Flavour, Header, Index, Layout, plain};
use hdf5::dataset::{AllocTime, FillTime};
use hdf5::types::{FloatSize, IntSize, TypeDescriptor};
use hdf5::{Group, H5Type, Location};
use treecode::{About, Cube, Number, TYPES};

/// Everything in a file except its rows.
pub(super) struct Frame<'a> {
    pub(super) header: &'a Header,
    pub(super) fields: Fields,
    /// Further columns, the same on all ranks.
    pub(super) passengers: &'a [About],
    pub(super) layout: &'a Layout,
    /// Destination of the files.
    pub(super) target: &'a Target,
    pub(super) index: &'a Index,
    /// All files of the snapshot.
    pub(super) shares: &'a [Share],
}

impl<'a> Frame<'a> {
    /// The datasets of a type, in the order in which they are written.
    pub(super) fn contents(&self, kind: usize) -> impl Iterator<Item = Content<'a>> + use<'a> {
        let passengers = self.passengers.iter().map(Content::Passenger);
        Column::all(self.fields)
            .map(Content::State)
            .chain(passengers)
            .filter(move |content| content.is_of(kind))
    }

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

/// Upper bound on the size of header, parameters and dataset headers, without the run's own
/// parameters and the index [bytes].
const FRAME: u64 = 1 << 17;
/// Upper bound on the size of one cell in the index [bytes].
const CELL: u64 = 600;
/// Upper bound on the size of the header of one further column, without its description [bytes].
const COLUMN: usize = 1 << 12;
/// Rows per chunk of a compressed dataset. Chunks are large enough to compress well, and small
/// enough that a region needs few.
pub(super) const CHUNK: usize = 1 << 14;

/// Creates a file with everything except its rows, and reserves disk space for them. The size of
/// compressed rows is not known yet, so space is checked for uncompressed rows.
///
/// A full disk must be detected here. Open MPI 4.1 has been seen to report success for a collective
/// write on a full disk. HDF5 cannot release a file that it fails to close.
pub(super) fn lay_out(frame: &Frame, share: &Share) -> Result<(), String> {
    let bytes = |content: Content| content.width() * content.number(frame.layout.single).bytes();
    let row = |kind: usize| frame.contents(kind).map(bytes).sum::<usize>() as u64;
    let rows =
        (0..TYPES).fold(0u64, |sum, kind| sum.saturating_add(share.count[kind].saturating_mul(row(kind))));
    let passengers: usize = frame.passengers.iter().map(|about| COLUMN + about.description.len()).sum();
    let text: usize = frame.header.parameters.iter().map(|(key, value)| 256 + key.len() + value.len()).sum();
    let frame_size = FRAME + (text + TYPES * passengers) as u64 + CELL * frame.index.cells.len() as u64;
    let size = rows.saturating_add(frame_size);
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
        frame
            .contents(kind)
            .try_for_each(|content| create(&group, frame, content, share.count[kind] as usize))?;
    }
    file.close()
}

fn create(group: &Group, frame: &Frame, content: Content, rows: usize) -> hdf5::Result<()> {
    let layout = frame.layout;
    // Timestamps are not stored, so that the same bodies give the same bytes.
    let builder = group.new_dataset_builder().obj_track_times(false).fill_time(FillTime::Never);
    let builder = builder.empty_as(descriptor(content.number(layout.single)));
    let name = content.name(layout.flavour);
    let dataset = if layout.compression == 0 {
        let builder = builder.alloc_time(Some(AllocTime::Early));
        match content.width() {
            1 => builder.shape(rows).create(name),
            width => builder.shape((rows, width)).create(name),
        }
    } else {
        let builder = builder.alloc_time(Some(AllocTime::Incr)).shuffle().deflate(layout.compression);
        let chunk = rows.min(CHUNK);
        match content.width() {
            1 => builder.chunk(chunk).shape(rows).create(name),
            width => builder.chunk((chunk, width)).shape((rows, width)).create(name),
        }
    }?;
    let units = frame.header.units.unwrap_or_default();
    match layout.flavour {
        Flavour::Gadget => gadget::describe(&dataset, content, units, frame.header.universe),
        Flavour::Swift => swift::describe(&dataset, content, units, frame.header.universe),
    }
}

/// The type of numbers in a file.
fn descriptor(number: Number) -> TypeDescriptor {
    match number {
        Number::I8 => TypeDescriptor::Integer(IntSize::U1),
        Number::I16 => TypeDescriptor::Integer(IntSize::U2),
        Number::I32 => TypeDescriptor::Integer(IntSize::U4),
        Number::I64 => TypeDescriptor::Integer(IntSize::U8),
        Number::U8 => TypeDescriptor::Unsigned(IntSize::U1),
        Number::U16 => TypeDescriptor::Unsigned(IntSize::U2),
        Number::U32 => TypeDescriptor::Unsigned(IntSize::U4),
        Number::U64 => TypeDescriptor::Unsigned(IntSize::U8),
        Number::F32 => TypeDescriptor::Float(FloatSize::U4),
        Number::F64 => TypeDescriptor::Float(FloatSize::U8),
    }
}

pub(super) fn scalar<T: H5Type>(place: &Location, name: &str, value: T) -> hdf5::Result<()> {
    place.new_attr::<T>().create(name)?.write_scalar(&value)
}

pub(super) fn list<T: H5Type>(place: &Location, name: &str, values: &[T]) -> hdf5::Result<()> {
    place.new_attr::<T>().shape(values.len()).create(name)?.write_raw(values)
}
