//! Snapshots: the bodies of all ranks at one time, in one HDF5 file of the GADGET-4 flavour, which yt, pynbody and h5py open as
//! it is. Snapshots of other programs are read too, as initial conditions.
//!
//! In the file, bodies lie by type, `/PartType0` to `/PartType5`; a type without bodies has no group. `/Header` and `/Parameters`
//! hold what readers need, and `/Parameters` the run's own parameters too, each as `heorot.` and its dotted key.

mod header;
mod layout;
mod raw;
mod read;
mod set;
mod write;

#[cfg(test)]
mod tests;

use crate::Units;
use treecode::TYPES;

pub use raw::Writers;
pub use read::{read, read_header, read_unchecked};
pub use write::write;

/// What a snapshot says beside its bodies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// Time [T].
    pub time: f64,
    /// Units of all numbers; `None` if the file does not say. A Hubble parameter h of the file is part of them: lengths in kpc/h
    /// have a larger unit than lengths in kpc.
    pub units: Option<Units>,
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
}

/// Which results of the last force evaluation a snapshot holds beside positions, velocities, masses and ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields {
    /// `Acceleration` [L/T^2].
    pub acceleration: bool,
    /// `Potential` [L^2/T^2].
    pub potential: bool,
}

/// The message of the HDF5 library as one line; of a system call that failed, only what the system said.
fn plain(error: hdf5::Error) -> String {
    let text = error.to_string();
    let said = text.split_once("error message = '").and_then(|(_, rest)| rest.split_once('\''));
    match said {
        Some((said, _)) => said.to_owned(),
        None => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}
