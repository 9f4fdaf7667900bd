//! Writes checkpoints. One rank creates the file and reserves its space. Then the pieces of all ranks are
//! written. At the end, one rank writes the header and renames the file.
//!
//! MPI processes write their own pieces with MPI-IO (feature `hdf5-mpio`). Otherwise the other
//! ranks send their pieces one by one, and the first rank writes them. The bytes of the file are
//! the same.

#[cfg(feature = "hdf5-mpio")]
use super::shared_file::SharedFile;
use super::{Header, Lengths, PIECE, Piece, TITLE, TRAILER, checksum, stored_columns, wrong};
use crate::Error;
use crate::file::{discard, finish, part_of, reserve};
use decomposition::{Comm, agree, collective};
use serde::Serialize;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use treecode::Bodies;

/// Space for the state without the bodies, and for the record of a piece in the header [bytes].
const STATE: u64 = 1 << 16;
const RECORD: u64 = 64;
/// Space for the record of a column: its name and description, and a margin [bytes].
const COLUMN: u64 = 2048;

/// Writes a checkpoint of the bodies of all ranks. `state` is that of the first rank. The file appears
/// under its name when it is complete and on the disk. Returns its length [bytes] on the first rank, and
/// 0 on the others. Collective.
///
/// # Errors
/// If the file cannot be written. Every rank then returns the same error, and no file remains.
pub fn write<S: Serialize>(path: &Path, state: &S, bodies: &Bodies, comm: &dyn Comm) -> Result<u64, Error> {
    let part = part_of(path);
    let written = write_part(&part, state, bodies, comm).and_then(|length| {
        agree(comm, || once(comm, || finish(&part, path).map_err(text)))?;
        Ok(length)
    });
    written.map_err(|fault| {
        if comm.rank() == 0 {
            discard(&part);
        }
        comm.barrier(); // the part is gone before any rank goes on
        wrong(path, format!("cannot write: {fault}"))
    })
}

fn write_part<S: Serialize>(part: &Path, state: &S, bodies: &Bodies, comm: &dyn Comm) -> Result<u64, String> {
    let mine: Vec<u64> = pieces_of(bodies.len()).iter().map(|piece| piece.bodies).collect();
    let counts: Vec<Vec<u64>> = collective::gather(comm, &mine);
    let lengths = Lengths::of(bodies);
    let pieces = counts.iter().flatten().map(|&bodies| Piece { bodies, checksum: 0 });
    let all = TITLE.len() as u64 + pieces.map(|piece| lengths.piece(piece)).sum::<u64>();
    let number = counts.iter().flatten().count() as u64;
    let columns = stored_columns(bodies).len() as u64;
    agree(comm, || once(comm, || begin(part, all + number * RECORD + columns * COLUMN + STATE)))?;
    let sums = fill(part, bodies, &counts, lengths, comm)?;
    let sums = collective::gather(comm, &sums).concat();
    let pieces: Vec<Piece> = counts.iter().flatten().zip(sums).map(Piece::from).collect();
    let mut length = 0;
    agree(comm, || {
        once(comm, || {
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

fn once(comm: &dyn Comm, act: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    if comm.rank() == 0 { act() } else { Ok(()) }
}

/// Makes the file. A full disk must show here, and not in the midst of a collective call.
fn begin(part: &Path, size: u64) -> Result<(), String> {
    let mut file = File::create(part).map_err(text)?;
    reserve(&file, size)?;
    file.write_all(TITLE).map_err(text)
}

/// Writes the pieces of all ranks, each with these `lengths`, and returns the checksums of those of this
/// rank. Collective.
fn fill(
    part: &Path,
    bodies: &Bodies,
    counts: &[Vec<u64>],
    lengths: Lengths,
    comm: &dyn Comm,
) -> Result<Vec<u64>, String> {
    #[cfg(feature = "hdf5-mpio")]
    if let Some(processes) = comm.communicator().filter(|_| comm.size() > 1) {
        let mut file = agree(comm, || SharedFile::open(part, processes))?;
        let mut sums = Vec::new();
        let filled =
            pieces_in_file(counts, lengths).filter(|place| place.rank == comm.rank()).try_for_each(|place| {
                let message = message(bodies, &place);
                sums.push(checksum(&message));
                file.write_at(place.offset, &message)
            });
        let closed = file.close();
        // Written data may wait in the memory of a node, so each rank forces its own to the disk.
        let on_disk = || File::open(part).and_then(|file| file.sync_all()).map_err(text);
        agree(comm, || filled.and(closed).and_then(|()| on_disk()))?;
        return Ok(sums);
    }
    let leads = comm.rank() == 0;
    let open = || OpenOptions::new().write(true).open(part).map_err(text);
    let file = agree(comm, || leads.then(open).transpose())?;
    let (mut sums, mut filled) = (Vec::new(), Ok(()));
    for place in pieces_in_file(counts, lengths) {
        let mut piece = Vec::new();
        if place.rank == comm.rank() {
            piece = message(bodies, &place);
            sums.push(checksum(&piece));
        }
        if place.rank > 0 {
            let mut out = vec![Vec::new(); comm.size()];
            out[0] = piece;
            piece = comm.exchange(out).swap_remove(place.rank);
        }
        // After an error the other ranks go on to send.
        if let Some(file) = file.as_ref().filter(|_| filled.is_ok()) {
            filled = file.write_all_at(&piece, place.offset).map_err(text);
        }
    }
    agree(comm, || filled)?;
    Ok(sums)
}

/// A piece and its place.
struct Place {
    /// The rank that has the bodies.
    rank: usize,
    /// The first of them among the bodies of the rank.
    first: usize,
    piece: Piece,
    /// The place of the piece in the file [bytes].
    offset: u64,
}

/// All pieces of a file in their order, given the bodies of each piece of each rank.
fn pieces_in_file(counts: &[Vec<u64>], lengths: Lengths) -> impl Iterator<Item = Place> {
    let ranks = counts.iter().enumerate();
    let pieces = ranks.flat_map(|(rank, counts)| {
        counts.iter().scan(0, move |first, &bodies| {
            let piece = Piece { bodies, checksum: 0 };
            *first += bodies as usize;
            Some((rank, *first - bodies as usize, piece))
        })
    });
    pieces.scan(TITLE.len() as u64, move |end, (rank, first, piece)| {
        *end += lengths.piece(piece);
        Some(Place { rank, first, piece, offset: *end - lengths.piece(piece) })
    })
}

fn message(bodies: &Bodies, place: &Place) -> Vec<u8> {
    let mut message = Vec::new();
    bodies.write(place.first..place.first + place.piece.bodies as usize, &mut message);
    message
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
