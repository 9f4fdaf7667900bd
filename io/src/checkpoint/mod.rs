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
use treecode::Bodies;

pub use read::Checkpoint;
pub use write::write;

/// Bodies of a piece, at most: what is checked, written and read at once.
const PIECE: usize = 1 << 16;

/// The first line; the number is that of the layout.
const TITLE: &[u8] =
    if cfg!(target_endian = "little") { b"heorot checkpoint 1 le\n" } else { b"heorot checkpoint 1 be\n" };

/// The end of the file: length and checksum of the header, as little-endian words.
const TRAILER: usize = 16;

/// What stands behind the pieces.
#[derive(Serialize, Deserialize)]
struct Header<S> {
    state: S,
    pieces: Vec<Piece>,
}

/// One piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    bodies: u64,
    checksum: u64,
}

impl Piece {
    /// Its length in the file [bytes].
    fn bytes(self) -> u64 {
        8 + self.bodies * bytes_per_body()
    }
}

/// What a checkpoint of this many bodies takes on the disk, but for the state that is no body's [bytes].
pub fn size(bodies: u64) -> u64 {
    bodies * bytes_per_body() + bodies.div_ceil(PIECE as u64) * 64
}

/// Length of a body in a piece [bytes].
fn bytes_per_body() -> u64 {
    let length = |bodies: usize| {
        let mut message = Vec::new();
        Bodies::zeroed(bodies).write(0..bodies, &mut message);
        message.len() as u64
    };
    length(1) - length(0)
}

fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

fn wrong(path: &Path, fault: impl Into<String>) -> Error {
    Error::Checkpoint { path: path.to_owned(), fault: fault.into() }
}
