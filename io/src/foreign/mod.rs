//! Bodies in files other than HDF5: GADGET binary, Tipsy, NumPy arrays, text tables.
//!
//! The module of a format finds the location of each value of each body in the file ([`Piece`]).
//! `source` then reads a rank's share of the values. Text tables have no such locations and are
//! read line by line. Memory is allocated only after a check that the promised bytes exist.

mod columns;
mod ecsv;
mod gadget;
mod literal;
mod number;
mod numpy;
mod passengers;
mod pieces;
pub(crate) mod series;
mod source;
mod table;
mod text;
mod tipsy;
pub(crate) mod unit;

#[cfg(test)]
mod tests;

use crate::Error;
use crate::file::open;
use crate::snapshot::{Format, Header};
pub(crate) use number::whole;
use pieces::Piece;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use table::Table;
use treecode::Bodies;

/// A file other than HDF5, with the contents of its header.
pub(crate) struct Foreign {
    pub(crate) header: Header,
    content: Content,
}

enum Content {
    Pieces(Vec<Piece>),
    Table(Table),
}

impl Foreign {
    /// Opens a file with the given format.
    pub(crate) fn open(path: &Path, format: Format) -> Result<Foreign, Error> {
        match format {
            Format::GadgetBinary => gadget::open(path),
            Format::Tipsy => tipsy::open(path),
            Format::Numpy => numpy::open(path),
            Format::NumpyZip => numpy::open_zip(path),
            Format::Table => table::open(path),
            Format::Gadget | Format::Swift => unreachable!("HDF5 has a reader of its own"),
        }
    }

    /// The first file of the snapshot to which `path` belongs.
    pub(crate) fn first_file(path: &Path, format: Format) -> Result<PathBuf, Error> {
        if format == Format::GadgetBinary { gadget::first_file(path) } else { Ok(path.to_owned()) }
    }

    /// Reads the share of rank `rank` of `size`: a contiguous range, in file order. `empty` has no
    /// bodies, and the further columns to read.
    pub(crate) fn read(&self, path: &Path, rank: usize, size: usize, empty: Bodies) -> Result<Bodies, Error> {
        let share = |total| share(total, rank, size);
        let bodies = match &self.content {
            Content::Pieces(list) => pieces::read(path, list, share(pieces::rows(list)), empty)?,
            Content::Table(table) => table.read(path, share(table.rows), empty)?,
        };
        bodies.assert_well_formed();
        Ok(bodies)
    }
}

/// The range of `total` for rank `rank` of `size`.
pub(crate) fn share(total: u64, rank: usize, size: usize) -> Range<u64> {
    let bound = |rank: usize| (u128::from(total) * rank as u128 / size as u128) as u64;
    bound(rank)..bound(rank + 1)
}

/// Detects the format of a file from its first bytes. HDF5 counts as [`Format::Gadget`].
pub(crate) fn recognize(path: &Path) -> Result<Format, Error> {
    if let Some(snapshot) = crate::snapshot::of_run(path).last() {
        let fault =
            format!("is a folder, not a file; give one of its snapshots, such as {}", snapshot.display());
        return Err(Error::snapshot(path, fault));
    }
    let mut file = open(path)?;
    let metadata = file.metadata().map_err(Error::system(path, "read"))?;
    let mut start = Vec::new();
    file.by_ref().take(64).read_to_end(&mut start).map_err(Error::system(path, "read"))?;
    if start.is_empty() {
        return Err(Error::snapshot(path, "is empty"));
    }
    let named_hdf5 = path.extension().is_some_and(|extension| extension == "hdf5" || extension == "h5");
    Ok(match &start[..] {
        [0x89, b'H', b'D', b'F', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Format::Gadget,
        _ if named_hdf5 => Format::Gadget, // the HDF5 reader reports the fault
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Format::Numpy,
        [b'P', b'K', 3, 4, ..] => Format::NumpyZip,
        _ if gadget::recognize(&start) => Format::GadgetBinary,
        _ if tipsy::recognize(&start, metadata.len()) => Format::Tipsy,
        // A NEMO file begins with a number that distinguishes one item from several, in either byte
        // order.
        [0x92, 0x09 | 0x0b, ..] | [0x09 | 0x0b, 0x92, ..] => {
            return Err(Error::snapshot(
                path,
                "is a file of NEMO, which is not read; convert it to a table with NEMO's \
                 `snapprint FILE m,x,y,z,vx,vy,vz`, and write `mass x y z vx vy vz` before its first line",
            ));
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return Err(Error::snapshot(path, "is text in UTF-16; save it as UTF-8"));
        }
        _ if start.contains(&0) => {
            return Err(Error::snapshot(
                path,
                "is of no known format: not GADGET (HDF5 or binary), Tipsy, NumPy, nor a table of text",
            ));
        }
        _ => Format::Table,
    })
}
