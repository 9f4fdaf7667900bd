//! Snapshots: the bodies of all ranks at one time, in HDF5 files of the GADGET-4 or the SWIFT flavour, which yt, pynbody, swiftsimio and
//! h5py open as they are. Snapshots of other programs are read too, as initial conditions, and what `foreign` reads besides.
//!
//! In a file, bodies lie by type, `/PartType0` to `/PartType5`, and within a type in the order of their keys; a type without bodies has no
//! group. `/Cells` tells which rows lie where. `/Header` and `/Parameters` hold what readers need, and `/Parameters` the run's own
//! parameters too, each as `heorot.` and its dotted key.

mod cells;
mod column;
mod cosmology;
mod division;
mod gadget;
mod header;
mod layout;
mod options;
mod outside;
mod process;
mod raw;
mod read;
mod region;
mod set;
mod swift;
#[cfg(feature = "hdf5-mpio")]
mod together;
#[cfg(not(feature = "hdf5-mpio"))]
#[path = "apart.rs"]
mod together;
mod write;

#[cfg(test)]
mod tests;

use crate::foreign::share;
use crate::{Error, Units};
use serde::{Deserialize, Serialize};
use std::path::Path;
use treecode::TYPES;

pub(crate) use cosmology::Evidence;
pub use division::names;
pub use options::{Fields, Flavour, Index, Layout};
pub use outside::follow_external;
pub(crate) use process::read_catalogue;
pub use process::{serve_if_asked, use_process};
pub(crate) use read::expect_data;
pub use read::{
    Unsound, Wanted, files_of, read, read_header, read_unchecked, read_wanted, read_wanted_unchecked,
};
pub use region::{Found, Region, read_region};
pub use set::distinct;
pub(crate) use set::{open as open_hdf5, sibling};
pub use write::{Rows, write};

/// What a snapshot says beside its bodies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Time [T].
    pub time: f64,
    /// Units of all numbers; `None` if the file does not say. A Hubble parameter h of the file is part of them: lengths in kpc/h
    /// have a larger unit than lengths in kpc.
    pub units: Option<Units>,
    /// The constant of gravitation that its numbers go with, if it names one but no units [L^3/(M T^2)]. Set by reading.
    pub gravity: Option<f64>,
    /// Why its numbers are those of an expanding universe, if they are; see [`Header::expect_isolated`]. Set by reading.
    pub cosmological: Option<String>,
    /// Side of the periodic box [L]; 0 for an isolated system.
    pub box_size: f64,
    /// The parameters of the run that wrote the file, as [`crate::parameters::echo`] lists them; empty if another program did.
    pub parameters: Vec<(String, String)>,
    /// Bodies of each type, in all files of the snapshot. Set by reading; writing takes its own count.
    pub count: [u64; TYPES],
    /// Number of files that the snapshot was read from.
    pub files: usize,
    /// Whether the file has no ids, so that bodies were numbered in the order of the file. Set by reading.
    pub numbered: bool,
    /// What kind of file it was read from.
    pub format: Format,
    /// Columns of a table or an array whose names mean nothing here. Set by reading.
    pub ignored: Vec<String>,
    /// What reading had to assume or to change, one line each. Set by reading.
    pub remarks: Vec<String>,
}

impl Header {
    /// Names of what is not read, for a message; of many, the first ones.
    pub fn shown_ignored(&self) -> String {
        const MOST: usize = 20;
        let shown = |name: &String| name.chars().take(60).collect::<String>();
        let mut text = self.ignored.iter().take(MOST).map(shown).collect::<Vec<_>>().join(", ");
        if self.ignored.len() > MOST {
            text += &format!(" and {} more", self.ignored.len() - MOST);
        }
        text.escape_debug().to_string()
    }

    /// The units of the numbers. If the file names none, they are `default`, or galactic ones; if it names the constant of gravitation
    /// alone, the unit of mass is the one that goes with it.
    pub fn units_or(&self, default: Option<&Units>) -> Units {
        match (self.units, self.gravity) {
            (Some(units), _) => units,
            (None, None) => default.copied().unwrap_or_default(),
            (None, Some(gravity)) => {
                let base = default.copied().unwrap_or(Units::NBODY);
                let factor = gravity / base.gravitational_constant();
                Units { mass_in_g: base.mass_in_g * factor, ..base }
            }
        }
    }

    /// Fails if the file is cosmological: its positions, velocities and time are not those of bodies that feel each other only.
    ///
    /// # Errors
    /// If it is; the message ends with `remedy`.
    pub fn expect_isolated(&self, path: &Path, remedy: &str) -> Result<(), Error> {
        match &self.cosmological {
            None => Ok(()),
            Some(why) => Err(Error::snapshot(
                path,
                format!(
                    "is a cosmological snapshot ({why}); only isolated systems can be computed: {remedy}"
                ),
            )),
        }
    }
}

/// Parameter of a snapshot whose ids were not in the file that its bodies were read from; its value is `true`.
pub const IDS_INVENTED: &str = "ids.invented";

impl Header {
    /// Whether ids were not in the file, or not in the one that it was converted from, but are numbers in the order of that file. They are unique in this
    /// snapshot, and need not name the same bodies in another one.
    pub fn has_invented_ids(&self) -> bool {
        self.numbered || self.parameters.iter().any(|(key, value)| key == IDS_INVENTED && value == "true")
    }

    /// The names that the bodies of a share get from [`read`] where the file has no ids: their numbers in the order of the file, from 0 on.
    pub fn numbering(&self, rank: usize, size: usize) -> Vec<u64> {
        match self.format {
            Format::Gadget | Format::Swift => {
                let mut before = 0;
                let rows_of = |count: &u64| {
                    let rows = share(*count, rank, size);
                    let first = before;
                    before += count;
                    rows.map(move |row| first + row)
                };
                self.count.iter().flat_map(rows_of).collect()
            }
            _ => share(self.count.iter().sum(), rank, size).collect(),
        }
    }
}

/// Kinds of files that bodies are read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// HDF5 of the GADGET family.
    #[default]
    Gadget,
    /// HDF5 as SWIFT writes it.
    Swift,
    /// GADGET's binary formats 1 and 2.
    GadgetBinary,
    /// Tipsy, of either byte order.
    Tipsy,
    /// A NumPy array, `.npy`.
    Numpy,
    /// NumPy arrays in an archive, `.npz`.
    NumpyZip,
    /// A table of text.
    Table,
}

impl Format {
    /// What a person calls it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Gadget => "GADGET HDF5",
            Format::Swift => "SWIFT HDF5",
            Format::GadgetBinary => "GADGET binary",
            Format::Tipsy => "Tipsy",
            Format::Numpy => "NumPy array",
            Format::NumpyZip => "NumPy archive",
            Format::Table => "table of text",
        }
    }
}

/// The message of the HDF5 library as one line; of a system call that failed, only what the system said.
pub(crate) fn plain(error: hdf5::Error) -> String {
    let text = error.to_string();
    let said = text.split_once("error message = '").and_then(|(_, rest)| rest.split_once('\''));
    match said {
        Some((said, _)) => said.to_owned(),
        None => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}
