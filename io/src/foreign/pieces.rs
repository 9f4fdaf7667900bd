//! Bodies whose values have known locations in a file.

use super::passengers::Passenger;
use super::source::Component;
use crate::Error;
use std::ops::Range;
use std::path::Path;
use treecode::{Bodies, TYPES};

/// Consecutive bodies with the same storage layout.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) rows: u64,
    pub(super) kind: Or<u8>,
    pub(super) mass: Or<f64>,
    pub(super) position: [Component; 3],
    pub(super) velocity: [Component; 3],
    /// Without ids, bodies are numbered in file order.
    pub(super) id: Option<Component>,
    pub(super) acceleration: Option<[Component; 3]>,
    pub(super) potential: Option<Component>,
    pub(super) passengers: Vec<Passenger>,
}

/// One value for all rows, or one per row.
#[derive(Debug)]
pub(super) enum Or<T> {
    All(T),
    Each(Component),
}

/// Total number of rows.
pub(super) fn rows(pieces: &[Piece]) -> u64 {
    pieces.iter().map(|piece| piece.rows).sum()
}

/// Number of bodies of each type. Reads the types of all bodies if they are stored per body.
pub(super) fn count(pieces: &[Piece]) -> Result<[u64; TYPES], Error> {
    let mut count = [0; TYPES];
    for piece in pieces {
        match &piece.kind {
            Or::All(kind) => count[usize::from(*kind)] += piece.rows,
            Or::Each(_) => {
                piece.kinds(&(0..piece.rows))?.iter().for_each(|&kind| count[usize::from(kind)] += 1)
            }
        }
    }
    Ok(count)
}

/// Appends the bodies in `share`, counted over the rows of all pieces.
pub(super) fn read(
    path: &Path,
    pieces: &[Piece],
    share: Range<u64>,
    mut bodies: Bodies,
) -> Result<Bodies, Error> {
    let mut first = 0;
    for piece in pieces {
        let within = |row: u64| row.clamp(first, first + piece.rows) - first;
        let rows = within(share.start)..within(share.end);
        if !rows.is_empty() {
            piece.read(&rows, first, &mut bodies)?;
        }
        first += piece.rows;
    }
    if bodies.len() as u64 != share.end - share.start {
        return Err(Error::snapshot(path, "has other rows than it counts"));
    }
    Ok(bodies)
}

impl Piece {
    /// Appends these rows. The first row of the piece is row `first` of all.
    fn read(&self, rows: &Range<u64>, first: u64, bodies: &mut Bodies) -> Result<(), Error> {
        for axis in 0..3 {
            self.position[axis].values(rows, &mut bodies.pos[axis])?;
            self.velocity[axis].values(rows, &mut bodies.vel[axis])?;
            if let Some(acceleration) = &self.acceleration {
                acceleration[axis].values(rows, &mut bodies.acc[axis])?;
            }
        }
        let length = bodies.pos[0].len();
        match &self.mass {
            Or::All(mass) => bodies.mass.resize(length, *mass),
            Or::Each(mass) => mass.values(rows, &mut bodies.mass)?,
        }
        match &self.id {
            Some(id) => id.names(rows, &mut bodies.id, "the id")?,
            None => bodies.id.extend(rows.clone().map(|row| first + row)),
        }
        if let Some(potential) = &self.potential {
            potential.values(rows, &mut bodies.pot)?;
        }
        for (about, array) in bodies.columns_mut() {
            if let Some(passenger) = self.passengers.iter().find(|other| other.about.name == about.name) {
                passenger.read(rows, array)?;
            }
        }
        bodies.kind.extend(self.kinds(rows)?);
        bodies.fill_up();
        Ok(())
    }

    fn kinds(&self, rows: &Range<u64>) -> Result<Vec<u8>, Error> {
        let kinds = match &self.kind {
            Or::All(kind) => return Ok(vec![*kind; (rows.end - rows.start) as usize]),
            Or::Each(kinds) => kinds,
        };
        let mut names = Vec::new();
        kinds.names(rows, &mut names, "the type")?;
        names
            .iter()
            .zip(rows.clone())
            .map(|(&name, row)| kind(name).ok_or_else(|| kinds.wrong(bad_kind(row, name))))
            .collect()
    }
}

/// Converts a number to a particle type, if it is valid.
pub(super) fn kind(name: u64) -> Option<u8> {
    u8::try_from(name).ok().filter(|&kind| usize::from(kind) < TYPES)
}

fn bad_kind(row: u64, name: u64) -> String {
    format!("the type of row {row} is {name}, must be 0 to {}", TYPES - 1)
}
