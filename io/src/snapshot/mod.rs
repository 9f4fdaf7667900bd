//! Snapshots: the bodies of all ranks at one time, in HDF5 files of the GADGET-4 or the SWIFT
//! flavour. yt, pynbody, swiftsimio and h5py open them without arguments. Snapshots of other
//! programs can be read as initial conditions. `foreign` reads other formats.
//!
//! Bodies of a file are grouped by type, `/PartType0` to `/PartType5`, and within a type they are
//! in key order. A type without bodies has no group. `/Cells` is an index of the rows by position.
//! `/Header` and `/Parameters` hold what readers need. `/Parameters` also holds the run's own
//! parameters, with the prefix `heorot.` and a dotted key.
//!
//! This file has [`Header`] and [`Format`], and `options` has what a caller of [`write`] chooses.
//! `read/` and `write/` are the two directions. `format/` is what both share: the names of datasets
//! and the conventions of the flavours. `process/` runs the reading in a process of its own.

mod format;
mod options;
mod process;
mod read;
mod write;

#[cfg(test)]
mod tests;

use crate::foreign::share;
use crate::{Error, Units};
use serde::{Deserialize, Serialize};
use std::path::Path;
use treecode::{About, TYPES};

pub(crate) use format::raw::write_text;
pub use format::universe::Universe;
pub use options::{Fields, Flavour, Index, Layout};
pub(crate) use process::read_catalogue;
pub use process::{serve_if_asked, serve_parent, use_command, use_process};
pub(crate) use read::cosmology::Evidence;
pub(crate) use read::datasets::expect_data;
pub use read::outside::follow_external;
pub(crate) use read::passengers::{MOST_COLUMNS, WIDEST, name_fault};
pub use read::region::{Found, Region, read_region};
pub use read::set::{distinct, format_of, of_run};
pub(crate) use read::set::{open as open_hdf5, sibling};
pub use read::{
    Unsound, Wanted, files_of, read, read_header, read_unchecked, read_wanted, read_wanted_unchecked,
};
pub use write::{Rows, names, write, write_in_key_order};

/// Everything in a snapshot except its bodies.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Time [T]. In a cosmological file, what the file states as its time: the scale factor, or the time
    /// since the beginning. Writing needs the time since the beginning.
    pub time: f64,
    /// The expanding universe of a cosmological snapshot. If it is set, [`write`] expects comoving
    /// positions and canonical momenta a^2 dx/dt as velocities, and converts them to the conventions of
    /// the flavour. Reading does not convert: see [`Universe::momentum_of`].
    #[serde(default)]
    pub universe: Option<Universe>,
    /// Units of all values; `None` if the file does not state them. They include the Hubble
    /// parameter h of the file: the unit kpc/h is larger than kpc.
    pub units: Option<Units>,
    /// The gravitational constant of the values [L^3/(M T^2)], if the file states it but no units.
    /// Set by reading.
    pub gravity: Option<f64>,
    /// The reason why the file is cosmological, if it is, see [`Header::expect_isolated`]. Set by
    /// reading.
    pub cosmological: Option<String>,
    /// Side of the periodic box [L]; 0 for an isolated system.
    pub box_size: f64,
    /// The parameters of the run that wrote the file, in the form of [`crate::parameters::echo`].
    /// Empty for files of other programs.
    pub parameters: Vec<(String, String)>,
    /// Number of bodies of each type in all files of the snapshot. Set by reading; writing counts
    /// the bodies itself.
    pub count: [u64; TYPES],
    /// Number of files from which the snapshot was read.
    pub files: usize,
    /// Whether the file has no ids, so that bodies were numbered in file order. Set by reading.
    pub numbered: bool,
    /// Format of the file from which it was read.
    pub format: Format,
    /// Further columns of the file, which travel with the bodies if they are wanted
    /// ([`Wanted::columns`]). Set by reading; writing takes those of the bodies.
    pub columns: Vec<About>,
    /// Names of the other columns and datasets of the file, which are not read, with the reasons.
    /// Set by reading.
    pub ignored: Vec<String>,
    /// Assumptions and changes made by reading, one line each. Set by reading.
    pub remarks: Vec<String>,
}

impl Header {
    /// Memory of the further columns of one body [bytes].
    pub fn column_bytes(&self) -> u64 {
        column_bytes(&self.columns)
    }

    /// The names of ignored columns for a message. Long lists are truncated.
    pub fn shown_ignored(&self) -> String {
        const MOST: usize = 20;
        let shown = |name: &String| name.chars().take(160).collect::<String>();
        let mut text = self.ignored.iter().take(MOST).map(shown).collect::<Vec<_>>().join(", ");
        if self.ignored.len() > MOST {
            text += &format!(" and {} more", self.ignored.len() - MOST);
        }
        text.escape_debug().to_string()
    }

    /// The units of the values. If the file states none, `default` or else galactic units. If it
    /// states only the gravitational constant, the unit of mass is adjusted to it. Cosmological files of
    /// GADGET without units have lengths and masses in units that include 1/h.
    pub fn units_or(&self, default: Option<&Units>) -> Units {
        match (self.units, self.gravity) {
            (Some(units), _) => units,
            (None, None) => {
                let base = default.copied().unwrap_or_default();
                let h = self.hubble_of_units().unwrap_or(1.0);
                Units { length_in_cm: base.length_in_cm / h, mass_in_g: base.mass_in_g / h, ..base }
            }
            (None, Some(gravity)) => {
                let base = default.copied().unwrap_or(Units::NBODY);
                let factor = gravity / base.gravitational_constant();
                Units { mass_in_g: base.mass_in_g * factor, ..base }
            }
        }
    }

    /// The Hubble parameter that the units of a cosmological GADGET file include, although it states no
    /// units.
    fn hubble_of_units(&self) -> Option<f64> {
        let is_gadget = matches!(self.format, Format::Gadget | Format::GadgetBinary);
        let unstated = is_gadget && self.units.is_none() && self.gravity.is_none();
        Some(self.universe?.h).filter(|&h| unstated && h > 0.0 && h != 1.0)
    }

    /// What is assumed of the units of a cosmological file that states none.
    pub(crate) fn remark_on_units(&self) -> Option<String> {
        let h = self.hubble_of_units()?;
        Some(format!(
            "names no units; its lengths and masses are taken to be in units that include 1/h, with h = {h:?}"
        ))
    }

    /// Fails if the file is cosmological. Its positions, velocities and time are not those of an
    /// isolated system.
    ///
    /// # Errors
    /// If it is cosmological. The message ends with `remedy`.
    pub fn expect_isolated(&self, path: &Path, remedy: &str) -> Result<(), Error> {
        match &self.cosmological {
            None => Ok(()),
            Some(why) => Err(Error::snapshot(
                path,
                format!("is a cosmological snapshot ({why}), which is not expected here: {remedy}"),
            )),
        }
    }
}

/// Memory of these columns for one body [bytes].
pub(crate) fn column_bytes(columns: &[About]) -> u64 {
    columns.iter().map(|about| about.bytes() as u64).sum()
}

/// Parameter of a snapshot with value `true`, if its ids were not in the file from which its bodies
/// were read.
pub const IDS_INVENTED: &str = "ids.invented";

impl Header {
    /// Whether the ids were not in the file, or not in the one that it was converted from. They
    /// then number the bodies in file order. They are unique in this snapshot, but do not identify
    /// the same bodies in others.
    pub fn has_invented_ids(&self) -> bool {
        self.numbered || self.parameters.iter().any(|(key, value)| key == IDS_INVENTED && value == "true")
    }

    /// The ids that [`read`] gives to a share of the bodies if the file has none: their index in
    /// the file, from 0.
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

/// File formats that can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// HDF5 of the GADGET family.
    #[default]
    Gadget,
    /// HDF5 as written by SWIFT.
    Swift,
    /// GADGET's binary formats 1 and 2.
    GadgetBinary,
    /// Tipsy in either byte order.
    Tipsy,
    /// A NumPy array, `.npy`.
    Numpy,
    /// An archive of NumPy arrays, `.npz`.
    NumpyZip,
    /// A text table.
    Table,
}

impl Format {
    /// Name of the format in messages.
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

/// The message of the HDF5 library as one line. For a failed system call, only the message of the
/// system.
pub(crate) fn plain(error: hdf5::Error) -> String {
    let text = error.to_string();
    let said = text.split_once("error message = '").and_then(|(_, rest)| rest.split_once('\''));
    match said {
        Some((said, _)) => said.to_owned(),
        None => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}
