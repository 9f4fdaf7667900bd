//! How a snapshot is written.

use serde::{Deserialize, Serialize};
use treecode::{Cube, Key, TYPES};

/// How a snapshot is written; the default is one file of the GADGET-4 flavour in double precision, without compression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Names and attributes.
    pub flavour: Flavour,
    /// Whether all numbers but ids are rounded to single precision.
    pub single: bool,
    /// Level of gzip, 1 to 9, after a shuffle of the bytes; 0 for none. Nothing is lost by it.
    pub compression: u8,
    /// Number of files, named `NAME.0.hdf5` and so on if there are several; 0 is taken as 1.
    pub files: usize,
    /// Hints for MPI-IO, such as `cb_nodes`, with their values.
    pub hints: Vec<(String, String)>,
}

impl Layout {
    /// Files of a snapshot at most: all of them are opened, filled and forced to the disk each time.
    pub const MOST_FILES: u16 = 1024;
}

/// Whose layout of names and attributes a snapshot has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// GADGET-4's, which yt and pynbody open.
    #[default]
    Gadget,
    /// SWIFT's, which swiftsimio opens, and yt and pynbody too.
    Swift,
}

/// What a snapshot holds beside positions, velocities, masses and ids.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fields {
    /// `Acceleration` of the last force evaluation [L/T^2].
    pub acceleration: bool,
    /// `Potential` of the last force evaluation [L^2/T^2].
    pub potential: bool,
    /// `TimeStep` of every body [T], given that of rung 0.
    pub time_step: Option<f64>,
}

/// Which rows lie where: cells that do not overlap, in the order of their keys, and with all bodies in them. The rows of a type are those of
/// the cells, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// The cube that the keys divide; without it, the order of the bodies says nothing of where they are.
    pub cube: Option<Cube>,
    /// Key of each cell, and its bodies of each type.
    pub cells: Vec<(Key, [u64; TYPES])>,
}

impl Index {
    /// Bodies that are in no order.
    pub fn without_order(count: [u64; TYPES]) -> Index {
        Index { cube: None, cells: vec![(Key::ROOT, count)] }
    }

    /// Bodies of each type.
    pub fn total(&self) -> [u64; TYPES] {
        let mut total = [0; TYPES];
        self.cells.iter().for_each(|(_, count)| add(&mut total, count));
        total
    }
}

/// Adds the counts of each type.
pub(super) fn add(sum: &mut [u64; TYPES], count: &[u64; TYPES]) {
    sum.iter_mut().zip(count).for_each(|(sum, count)| *sum += count);
}
