//! Reads the bodies of a region. Uses the cell index if the snapshot has one.

use super::cells::Cells;
use super::datasets::Source;
use super::set::{Set, locate, open};
use super::{Wanted, check, read_wanted_unchecked};
use crate::Error;
use crate::foreign::recognize;
use crate::snapshot::process::{self, Answer, Sink, What};
use crate::snapshot::{Format, Header};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;
use treecode::{Bodies, TYPES};

/// A region of space, including its boundary.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Region {
    /// A box [L].
    Box {
        /// Lowest coordinates.
        lo: [f64; 3],
        /// Highest coordinates.
        hi: [f64; 3],
    },
    /// A sphere [L].
    Sphere {
        /// Its centre.
        centre: [f64; 3],
        /// Its radius.
        radius: f64,
    },
}

impl Region {
    /// Whether the region contains a position.
    pub fn contains(&self, position: [f64; 3]) -> bool {
        self.touches(position, position)
    }

    /// Whether the region overlaps a box.
    fn touches(&self, lo: [f64; 3], hi: [f64; 3]) -> bool {
        match self {
            Region::Box { lo: low, hi: high } => {
                (0..3).all(|axis| lo[axis] <= high[axis] && hi[axis] >= low[axis])
            }
            Region::Sphere { centre, radius } => {
                let nearest: [f64; 3] =
                    std::array::from_fn(|axis| centre[axis].max(lo[axis]).min(hi[axis]) - centre[axis]);
                nearest.iter().map(|x| x * x).sum::<f64>() <= radius * radius
            }
        }
    }
}

/// Amount of data that was read for a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Number of rows that were read.
    pub rows: u64,
    /// Number of cells that overlap the region, and of all cells in the index; both 0 without an
    /// index.
    pub cells: [usize; 2],
}

/// Reads the bodies of a region from a snapshot of any format. If the snapshot has a cell index,
/// only the cells that overlap the region are read. The counts of the header are those of the whole
/// snapshot.
///
/// # Errors
/// If the snapshot cannot be read or is inconsistent, or if a wanted body of the region has invalid
/// values.
pub fn read_region(path: &Path, region: &Region, wanted: &Wanted) -> Result<(Header, Bodies, Found), Error> {
    let located = locate(path);
    let (mut header, mut bodies, found) = match recognize(&located)? {
        Format::Gadget | Format::Swift => {
            let Answer { header, bodies, found, .. } =
                process::ask(&located, What::Region(*region, *wanted))?;
            (header, bodies, found)
        }
        _ => {
            let (header, mut bodies) = read_wanted_unchecked(path, wanted)?;
            let found = Found { rows: header.count.iter().sum(), cells: [0, 0] };
            keep(region, &mut bodies);
            (header, bodies, found)
        }
    };
    check(path, wanted, &mut header, &mut bodies)?;
    Ok((header, bodies, found))
}

/// Reads the bodies of a region from an HDF5 snapshot and sends them block by block.
pub(in crate::snapshot) fn send_region(
    path: &Path,
    region: &Region,
    wanted: &Wanted,
    sink: &mut impl Sink,
) -> Result<Found, Error> {
    let set = Set::open(path)?;
    let empty = wanted.empty(&set.header.columns);
    sink.header(&set.header, None)?;
    let counts: Vec<[u64; TYPES]> = set.members.iter().map(|member| member.count).collect();
    let index = match set.members.first() {
        Some(member) => Cells::read(&open(&member.path)?, &member.path, &counts, member.origin)?,
        None => None,
    };
    let touched = index.as_ref().map(|cells| cells.touched(|lo, hi| region.touches(lo, hi)));
    let cells = [touched.as_ref().map_or(0, Vec::len), index.as_ref().map_or(0, Cells::len)];
    let mut found = Found { rows: 0, cells };
    for kind in (0..TYPES).filter(|&kind| wanted.kinds[kind]) {
        let mut numbering: u64 = set.header.count[..kind].iter().sum();
        for (number, member) in set.members.iter().enumerate().filter(|(_, member)| member.count[kind] > 0) {
            let file = open(&member.path)?;
            let source = Source::new(&file, member, kind);
            let ranges = match (&index, &touched) {
                (Some(index), Some(touched)) => index.rows(touched, kind, number),
                _ => std::iter::once(0..member.count[kind]).collect(),
            };
            let length = source.block(&empty)?;
            for rows in ranges.into_iter().flat_map(|rows| blocks(rows, length)) {
                sink.expect_work(rows.end - rows.start, empty.column_bytes());
                let mut block = empty.clone();
                source.append(&rows, set.header.numbered.then_some(numbering), &mut block)?;
                found.rows += rows.end - rows.start;
                keep(region, &mut block);
                sink.bodies(&block)?;
            }
            numbering += member.count[kind];
        }
    }
    Ok(found)
}

/// Keeps the bodies that lie in the region.
fn keep(region: &Region, bodies: &mut Bodies) {
    let inside = (0..bodies.len()).filter(|&i| region.contains(bodies.position(i)));
    let order: Vec<u32> = inside.map(|i| i as u32).collect();
    bodies.permute(&order);
}

/// Divides rows into blocks of at most `length`.
fn blocks(rows: Range<u64>, length: u64) -> impl Iterator<Item = Range<u64>> {
    let end = rows.end;
    rows.step_by(length as usize).map(move |start| start..(start + length).min(end))
}
