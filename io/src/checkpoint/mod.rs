//! Checkpoints: the exact state of a run in one file. Any number of ranks writes it, and any number of
//! ranks reads it.
//!
//! The file has these parts, in this order:
//!
//! 1. a line with the format and the byte order of the machine, in which all numbers are written;
//! 2. *pieces* of bodies, in the order of ranks, each as [`treecode::Bodies::write`] makes it;
//! 3. a header in JSON: the state without the bodies, and length and checksum of every piece;
//! 4. length and checksum of the header.
//!
//! Every piece is checked when it is read, so that damage never goes unnoticed.

mod read;
#[cfg(feature = "hdf5-mpio")]
mod shared_file;
mod write;

#[cfg(test)]
mod tests;

use crate::Error;
use serde::{Deserialize, Serialize};
use std::path::Path;
use treecode::{About, Bodies, FIXED};

pub use read::Checkpoint;
pub use write::write;

/// Greatest number of bodies in a piece. A piece is checked, written and read at once.
const PIECE: usize = 1 << 16;

/// The first line, with the version of the layout.
const TITLE: &[u8] =
    if cfg!(target_endian = "little") { b"heorot checkpoint 2 le\n" } else { b"heorot checkpoint 2 be\n" };

/// The end of the file: length and checksum of the header, as little-endian words.
const TRAILER: usize = 16;

/// The header, which follows the pieces.
#[derive(Serialize, Deserialize)]
struct Header<S> {
    state: S,
    /// The columns of the bodies that are stored, in their order.
    columns: Vec<About>,
    pieces: Vec<Piece>,
}

/// One piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    bodies: u64,
    checksum: u64,
}

/// The columns of bodies that are stored, in their order.
fn stored_columns(bodies: &Bodies) -> Vec<About> {
    let fixed =
        FIXED.iter().map(|&(name, number, unit, purpose)| About::new(name, number, Some(unit), purpose));
    fixed.chain(bodies.columns().iter().map(|column| column.about().clone())).collect()
}

/// An empty set of bodies with these stored columns. `None` if this program has other columns.
fn template(columns: &[About]) -> Option<Bodies> {
    let mut bodies = Bodies::default();
    let fixed = stored_columns(&bodies).len();
    columns.get(fixed..)?.iter().for_each(|about| bodies.add_column(about.clone()));
    (stored_columns(&bodies) == columns).then_some(bodies)
}

/// Length of pieces in the file.
#[derive(Clone, Copy, Debug)]
struct Lengths {
    /// Of a piece without bodies [bytes].
    empty: u64,
    /// Of each body [bytes].
    body: u64,
}

impl Lengths {
    /// Of pieces of bodies with the columns of these.
    fn of(bodies: &Bodies) -> Lengths {
        let length = |count: usize| {
            let (mut some, mut message) = (bodies.like(), Vec::new());
            some.id.resize(count, 0);
            some.fill_up();
            some.write(0..count, &mut message);
            message.len() as u64
        };
        Lengths { empty: length(0), body: length(1) - length(0) }
    }

    /// Of a piece [bytes].
    fn piece(self, piece: Piece) -> u64 {
        self.empty + piece.bodies * self.body
    }
}

/// Size of a checkpoint of this many bodies with `columns` more bytes each in added columns, but for
/// the state that belongs to no body [bytes].
pub fn size(bodies: u64, columns: u64) -> u64 {
    bodies * (Lengths::of(&Bodies::default()).body + columns) + bodies.div_ceil(PIECE as u64) * 64
}

fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

fn wrong(path: &Path, fault: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_owned(), fault: fault.into() }
}
