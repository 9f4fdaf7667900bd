//! Writing bodies in the order of their keys, with an index of cells. The content does not depend
//! on the number of ranks.

use super::{Rows, write};
use crate::snapshot::{Fields, Flavour, Header, Index, Layout};
use crate::{Error, Target};
use decomposition::{Comm, Ordered, cells, collective, in_key_order, survey_all};
use treecode::{Bodies, Cube, Key, TYPES};

/// Approximate number of cells in the index of a snapshot. A reader can find a region and can read
/// the whole index at once.
const MOST_CELLS: u64 = 4096;
/// Approximate number of cells per file, so that files have similar sizes.
const CELLS_OF_A_FILE: u64 = 16;
/// A cell of the index with no more bodies than this is not divided. For cells of equal size, it is
/// the least mean number of bodies per cell.
const LEAST_BODIES: u64 = 16;

/// Writes a snapshot of the bodies of all ranks, which may be on any rank in any order. `header`,
/// `fields` and `layout` must be the same on all ranks. Collective.
///
/// # Errors
/// If a body has an invalid value, or a file cannot be written. The file is then removed, and every
/// rank returns the same error.
pub fn write_in_key_order(
    target: &Target,
    header: &Header,
    bodies: &Bodies,
    fields: Fields,
    layout: &Layout,
    comm: &dyn Comm,
) -> Result<(), Error> {
    // All ranks use the same name of the unfinished file, that of the first rank.
    let token = collective::gather(comm, &[target.token()])[0][0];
    let target = &target.with_token(token);
    let survey = survey_all(comm, bodies).map_err(Error::Told)?;
    let Some(survey) = survey else {
        let rows = Rows { bodies: &Bodies::default(), offset: [0; TYPES], index: &Index::default() };
        return write(target, header, &rows, fields, layout, comm);
    };
    let cube = Cube::around(survey.bounds.lo, survey.bounds.hi);
    let ordered = in_key_order(comm, &cube, bodies);
    let index = Index { cube: Some(cube), cells: cells_of(comm, &ordered, layout) };
    let rows = Rows { bodies: &ordered.bodies, offset: offset(comm, &ordered.bodies), index: &index };
    write(target, header, &rows, fields, layout, comm)
}

/// Cells of the index, up to a few thousand. They are smaller in dense regions, or have equal sizes
/// for the readers of SWIFT's format. Collective.
fn cells_of(comm: &dyn Comm, ordered: &Ordered, layout: &Layout) -> Vec<(Key, [u64; TYPES])> {
    let bodies = collective::sum(comm, ordered.keys.len() as u64);
    match layout.flavour {
        Flavour::Gadget => {
            let wanted = MOST_CELLS.max(CELLS_OF_A_FILE * layout.files as u64);
            let most = (bodies / wanted).max(LEAST_BODIES);
            let mut cells = cells(comm, ordered, |_, count| count > most);
            cells.retain(|(_, count)| *count != [0; TYPES]);
            cells
        }
        Flavour::Swift => {
            let level = (1..=4).take_while(|level| bodies >> (3 * level) >= LEAST_BODIES).last().unwrap_or(1);
            cells(comm, ordered, |depth, _| depth < level)
        }
    }
}

/// Index of this rank's first body of each type in a file of all bodies. Collective.
fn offset(comm: &dyn Comm, bodies: &Bodies) -> [u64; TYPES] {
    let mut count = [0; TYPES];
    bodies.kind.iter().for_each(|&kind| count[usize::from(kind)] += 1);
    let counts = collective::gather(comm, &count);
    let before = &counts[..comm.rank()];
    std::array::from_fn(|kind| before.iter().map(|count| count[kind]).sum())
}
