//! Checkpoints: the exact state of a run in one file, which any number of ranks writes and any number reads back.
//!
//! The file is a line that says what it is; *pieces* of bodies, in the order of ranks, each as [`treecode::Bodies::write`] makes it; a header in JSON
//! with the state that is no body's and with length and checksum of every piece; length and checksum of the header. Whoever reads a piece
//! checks it, so that nothing damaged is ever taken for whole. Numbers have the byte order of the machine, which the first line names.

mod read;
#[cfg(feature = "hdf5-mpio")]
mod shared_file;
mod write;

#[cfg(test)]
mod tests;

use crate::Error;
use serde::{Deserialize, Serialize};
use std::path::Path;
use treecode::{About, Bodies, FIXED, Purpose};

pub use read::Checkpoint;
pub use write::write;

/// Bodies of a piece, at most: what is checked, written and read at once.
const PIECE: usize = 1 << 16;

/// The first line; the number is that of the layout.
const TITLE: &[u8] =
    if cfg!(target_endian = "little") { b"heorot checkpoint 2 le\n" } else { b"heorot checkpoint 2 be\n" };

/// The end of the file: length and checksum of the header, as little-endian words.
const TRAILER: usize = 16;

/// What stands behind the pieces.
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
    let fixed = FIXED.iter().filter(|(.., purpose)| *purpose != Purpose::Scratch);
    let fixed = fixed.map(|&(name, number, unit, purpose)| About::new(name, number, Some(unit), purpose));
    fixed.chain(bodies.columns().iter().map(|column| column.about().clone())).collect()
}

/// Bodies without any body whose stored columns are these; `None` if this program has other ones.
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
