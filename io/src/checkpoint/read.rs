//! Reads checkpoints. Each rank checks the header, and reads and checks its share of the pieces.

use super::{Header, Lengths, PIECE, Piece, TITLE, TRAILER, checksum, template, wrong};
use crate::Error;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use treecode::{Bodies, TYPES};

/// A checkpoint with a valid header.
#[derive(Debug)]
pub struct Checkpoint<S> {
    /// The state without the bodies.
    pub state: S,
    path: PathBuf,
    file: File,
    /// An empty set of bodies with the columns of the file.
    like: Bodies,
    lengths: Lengths,
    pieces: Vec<Piece>,
}

impl<S: DeserializeOwned> Checkpoint<S> {
    /// Opens a checkpoint and checks its header.
    ///
    /// # Errors
    /// If it cannot be read, has another layout or byte order, or is damaged.
    pub fn open(path: &Path) -> Result<Checkpoint<S>, Error> {
        let file = crate::file::open(path)?;
        let length = file.metadata().map_err(Error::system(path, "read"))?.len();
        let read = |offset: u64, bytes: &mut [u8]| {
            file.read_exact_at(bytes, offset).map_err(Error::system(path, "read"))
        };
        let least = (TITLE.len() + TRAILER) as u64;
        let mut title = [0; TITLE.len()];
        if length >= least {
            read(0, &mut title)?;
        }
        if title != TITLE {
            return Err(wrong(path, unlike(&title)));
        }
        let mut trailer = [0; TRAILER];
        read(length - TRAILER as u64, &mut trailer)?;
        let word = |at: usize| u64::from_le_bytes(trailer[at..at + 8].try_into().expect("eight bytes"));
        let (header_length, sum) = (word(0), word(8));
        if header_length > length - least {
            return Err(wrong(path, "is damaged: it has no end"));
        }
        let mut header = vec![0; header_length as usize];
        read(length - TRAILER as u64 - header_length, &mut header)?;
        if checksum(&header) != sum {
            return Err(wrong(path, "is damaged: the checksum of its header is wrong"));
        }
        let header: Header<S> = serde_json::from_slice(&header).map_err(|error| {
            wrong(path, format!("was written by another version of the program: {error}"))
        })?;
        let Some(like) = template(&header.columns) else {
            return Err(wrong(
                path,
                "was written by another version of the program: its bodies have other columns",
            ));
        };
        let lengths = Lengths::of(&like);
        let bytes: u128 = header
            .pieces
            .iter()
            .map(|piece| u128::from(lengths.empty) + u128::from(piece.bodies) * u128::from(lengths.body))
            .sum();
        let too_long = header.pieces.iter().any(|piece| piece.bodies > PIECE as u64);
        if too_long || bytes != u128::from(length - least - header_length) {
            return Err(wrong(
                path,
                "was written by another version of the program: its bodies have another length",
            ));
        }
        Ok(Checkpoint {
            state: header.state,
            path: path.to_owned(),
            file,
            like,
            lengths,
            pieces: header.pieces,
        })
    }

    /// How many bodies it holds.
    pub fn bodies(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.bodies).sum()
    }

    /// Memory of the added columns of one body [bytes].
    pub fn column_bytes(&self) -> u64 {
        self.like.column_bytes()
    }

    /// The share of rank `rank` of `size`; all shares together are all bodies.
    ///
    /// # Errors
    /// If a piece of the share cannot be read or is damaged.
    pub fn read(&self, rank: usize, size: usize) -> Result<Bodies, Error> {
        let bound = |rank: usize| self.pieces.len() * rank / size;
        let (first, last) = (bound(rank), bound(rank + 1));
        let mut offset = TITLE.len() as u64
            + self.pieces[..first].iter().map(|piece| self.lengths.piece(*piece)).sum::<u64>();
        let mut bodies = self.like.clone();
        let mut message = Vec::new();
        for (number, piece) in self.pieces.iter().enumerate().take(last).skip(first) {
            message.resize(self.lengths.piece(*piece) as usize, 0);
            self.file.read_exact_at(&mut message, offset).map_err(Error::system(&self.path, "read"))?;
            let whole = checksum(&message) == piece.checksum && message[..8] == piece.bodies.to_ne_bytes();
            if !whole {
                let fault = format!(
                    "is damaged: the checksum of piece {} of {} is wrong",
                    number + 1,
                    self.pieces.len()
                );
                return Err(wrong(&self.path, fault));
            }
            bodies.read(&message);
            offset += self.lengths.piece(*piece);
        }
        if bodies.kind.iter().any(|&kind| usize::from(kind) >= TYPES) {
            return Err(wrong(&self.path, "holds a body of no known type"));
        }
        Ok(bodies)
    }
}

/// What is wrong with a file of another title.
fn unlike(title: &[u8]) -> &'static str {
    let known = TITLE.len() - 5; // up to the number of the layout
    if title[..known] != TITLE[..known] {
        "is no checkpoint, or is damaged"
    } else if title[..known + 2] == TITLE[..known + 2] {
        "was written by a machine of another byte order"
    } else {
        "was written by another version of the program"
    }
}
