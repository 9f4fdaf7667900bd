//! Options for writing a snapshot.

use serde::{Deserialize, Serialize};
use treecode::{Cube, Key, TYPES};

/// Options for writing a snapshot. The default is one file of the GADGET-4 flavour in double
/// precision, without compression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Convention for names and attributes.
    pub flavour: Flavour,
    /// Whether all values except ids are rounded to single precision.
    pub single: bool,
    /// Level of gzip, 1 to 9, after a byte shuffle; 0 for none. Compression is lossless.
    pub compression: u8,
    /// Number of files, named `NAME.0.hdf5` and so on if there are several; 0 means 1.
    pub files: usize,
    /// Hints for MPI-IO, such as `cb_nodes`, with their values.
    pub hints: Vec<(String, String)>,
}

impl Layout {
    /// Greatest number of files of a snapshot. Each snapshot opens, fills and syncs all of them.
    pub const MOST_FILES: u16 = 1024;
}

/// Convention for names and attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flavour {
    /// GADGET-4; can be opened by yt and pynbody.
    #[default]
    Gadget,
    /// SWIFT; can be opened by swiftsimio, yt and pynbody.
    Swift,
}

/// Optional datasets, in addition to positions, velocities, masses and ids.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fields {
    /// `Acceleration` of the last force evaluation [L/T^2].
    pub acceleration: bool,
    /// `Potential` of the last force evaluation [L^2/T^2].
    pub potential: bool,
    /// `TimeStep` of every body [T]. The value is the step of rung 0.
    pub time_step: Option<f64>,
}

/// Index of rows by position. Its cells do not overlap, are in key order, and contain all bodies.
/// The rows of a type are those of the cells, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// The cube that the keys divide. Without it, the order of the bodies has no spatial meaning.
    pub cube: Option<Cube>,
    /// Key of each cell, and its number of bodies of each type.
    pub cells: Vec<(Key, [u64; TYPES])>,
}

impl Index {
    /// Index for bodies that are not in key order.
    pub fn without_order(count: [u64; TYPES]) -> Index {
        Index { cube: None, cells: vec![(Key::ROOT, count)] }
    }

    /// Number of bodies of each type.
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
