//! Writing: one rank makes the file and reserves its space, all ranks fill in their pieces, one rank ends the file and gives it its name.

use super::shared_file::SharedFile;
use super::{Header, Lengths, PIECE, Piece, TITLE, TRAILER, checksum, stored_columns, wrong};
use crate::Error;
use crate::file::{discard, finish, part_of, reserve};
use crate::snapshot::Writers;
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use treecode::Bodies;

/// Gives every writer the numbers of every writer, in the order of ranks. Collective.
pub type Gather<'a> = &'a dyn Fn(&[u64]) -> Vec<Vec<u64>>;

/// Room for the state that is no body's, and for the record of a piece in the header [bytes].
const STATE: u64 = 1 << 16;
const RECORD: u64 = 64;

/// Writes a checkpoint of all ranks' bodies; collective over `writers`, and `gather` is theirs. `state` is that of the first rank. The file appears
/// under its name when it is whole and on the disk. Returns its length [bytes] on the first rank, and 0 on others.
///
/// # Errors
/// If the file cannot be written; every rank then returns the same error, and nothing is left behind.
pub fn write<S: Serialize>(
    path: &Path,
    state: &S,
    bodies: &Bodies,
    writers: &Writers,
    gather: Gather<'_>,
) -> Result<u64, Error> {
    let part = part_of(path);
    let written = write_part(&part, state, bodies, writers, gather).and_then(|length| {
        writers.agree(|| once(writers, || finish(&part, path).map_err(text)))?;
        Ok(length)
    });
    written.map_err(|fault| {
        if writers.is_first() {
            discard(&part);
        }
        writers.agree(|| Ok(())).expect("nobody fails here"); // it is gone before any rank goes on
        wrong(path, format!("cannot write: {fault}"))
    })
}

fn write_part<S: Serialize>(
    part: &Path,
    state: &S,
    bodies: &Bodies,
    writers: &Writers,
    gather: Gather<'_>,
) -> Result<u64, String> {
    let (mine, of) = (pieces_of(bodies.len()), Lengths::of(bodies));
    let counts: Vec<Vec<u64>> = gather(&mine.iter().map(|piece| piece.bodies).collect::<Vec<_>>());
    let lengths = counts
        .iter()
        .map(|counts| counts.iter().map(|&bodies| of.piece(Piece { bodies, checksum: 0 })).sum::<u64>());
    let ends: Vec<u64> = lengths
        .scan(TITLE.len() as u64, |end, length| {
            Some({
                *end += length;
                *end
            })
        })
        .collect();
    let (all, pieces) =
        (ends.last().copied().expect("there is a rank"), counts.iter().flatten().count() as u64);
    writers.agree(|| once(writers, || begin(part, all + pieces * RECORD + STATE)))?;

    let own: u64 = mine.iter().map(|piece| of.piece(*piece)).sum();
    let rank = writers.rank();
    let sums = fill(part, bodies, mine, ends[rank] - own, writers)?;
    let pieces: Vec<Piece> = counts.iter().flatten().zip(gather(&sums).concat()).map(Piece::from).collect();
    let mut length = 0;
    writers.agree(|| {
        once(writers, || {
            length = end(part, all, &Header { state, columns: stored_columns(bodies), pieces })?;
            Ok(())
        })
    })?;
    Ok(length)
}

impl From<(&u64, u64)> for Piece {
    fn from((&bodies, checksum): (&u64, u64)) -> Piece {
        Piece { bodies, checksum }
    }
}

/// The pieces of one rank, without their checksums.
fn pieces_of(bodies: usize) -> Vec<Piece> {
    let length = |first: usize| PIECE.min(bodies - first) as u64;
    (0..bodies).step_by(PIECE).map(|first| Piece { bodies: length(first), checksum: 0 }).collect()
}

fn once(writers: &Writers, act: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    if writers.is_first() { act() } else { Ok(()) }
}

/// Makes the file. A full disk must show here, and not in the midst of a collective call.
fn begin(part: &Path, size: u64) -> Result<(), String> {
    let mut file = File::create(part).map_err(text)?;
    reserve(&file, size)?;
    file.write_all(TITLE).map_err(text)
}

/// Collective: writes this rank's pieces from `offset` on; their checksums.
fn fill(
    part: &Path,
    bodies: &Bodies,
    pieces: Vec<Piece>,
    offset: u64,
    writers: &Writers,
) -> Result<Vec<u64>, String> {
    let mut opened = None;
    writers.agree(|| {
        opened = Some(SharedFile::open(part, writers)?);
        Ok(())
    })?;
    let mut file = opened.expect("this rank has no fault, since no rank has");
    let (mut message, mut sums, mut place, mut first) = (Vec::new(), Vec::new(), offset, 0);
    let filled = pieces.into_iter().try_for_each(|piece| {
        message.clear();
        bodies.write(first..first + piece.bodies as usize, &mut message);
        sums.push(checksum(&message));
        file.write_at(place, &message)?;
        place += message.len() as u64;
        first += piece.bodies as usize;
        Ok(())
    });
    let closed = file.close();
    // What a rank has written may wait in the memory of its own node: each rank forces it to the disk.
    let on_disk = || File::open(part).and_then(|file| file.sync_all()).map_err(text);
    writers.agree(|| filled.and(closed).and_then(|()| on_disk()))?;
    Ok(sums)
}

/// Writes what comes behind the pieces; the length of the file.
fn end<S: Serialize>(part: &Path, offset: u64, header: &Header<S>) -> Result<u64, String> {
    let mut bytes = serde_json::to_vec(header).map_err(|error| error.to_string())?;
    let (length, sum) = (bytes.len() as u64, checksum(&bytes));
    bytes.extend(length.to_le_bytes());
    bytes.extend(sum.to_le_bytes());
    debug_assert_eq!(bytes.len(), length as usize + TRAILER);
    let file = OpenOptions::new().write(true).open(part).map_err(text)?;
    file.write_all_at(&bytes, offset).map_err(text)?;
    let end = offset + bytes.len() as u64;
    file.set_len(end).map_err(text)?; // more was reserved
    Ok(end)
}

fn text(error: std::io::Error) -> String {
    error.to_string()
}
