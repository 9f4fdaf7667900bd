//! Reads the cell index `/Cells` of a snapshot, see `write/cells.rs`. A region needs only the rows of
//! the cells that it touches.

use super::outside::{self, Storage};
use crate::Error;
use crate::snapshot::format::column::group_name;
use crate::snapshot::plain;
use hdf5::{File, H5Type};
use std::ops::Range;
use std::path::Path;
use treecode::{Cube, Key, TYPES};

/// Greatest number of cells. No valid index has more.
const MOST: usize = 1 << 20;

/// An index that was read from a file.
pub(super) struct Cells {
    /// Lower and upper corner of each cell, slightly enlarged.
    bounds: Vec<([f64; 3], [f64; 3])>,
    /// File and range of rows of each cell, for each type.
    rows: [Vec<(u64, Range<u64>)>; TYPES],
}

impl Cells {
    /// Reads the index of a snapshot. Its files have these rows of each type, and positions
    /// relative to `origin`. `None` if there is no index of this program.
    ///
    /// # Errors
    /// If the index is inconsistent, or does not match the rows.
    pub(super) fn read(
        file: &File,
        path: &Path,
        count: &[[u64; TYPES]],
        origin: [f64; 3],
    ) -> Result<Option<Cells>, Error> {
        let names = ["Cells/Keys", "Cells/Meta-data"].iter();
        names.into_iter().try_for_each(|name| {
            outside::check_link(file, path, name).map_err(|fault| Error::snapshot(path, fault))
        })?;
        if !file.link_exists("Cells") || !file.link_exists("Cells/Keys") {
            return Ok(None);
        }
        let wrong = |fault: String| Error::snapshot(path, format!("/Cells {fault}"));
        let keys = list_of::<u64>(file, "Keys").map_err(wrong)?;
        let meta = |name: &str| {
            let attribute =
                file.group("Cells/Meta-data").and_then(|group| group.attr(name)?.read_raw::<f64>());
            attribute.map_err(|error| wrong(format!("attribute {name} cannot be read: {}", plain(error))))
        };
        let (corner, side) = (meta("corner")?, meta("side")?);
        let (&[x, y, z], &[side]) = (&corner[..], &side[..]) else {
            return Err(wrong("has no cube".to_owned()));
        };
        let cube = Cube { corner: [x + origin[0], y + origin[1], z + origin[2]], side };
        if !(cube.side > 0.0 && cube.side.is_finite() && cube.corner.iter().all(|x| x.is_finite())) {
            return Err(wrong(format!("has an impossible cube: {cube:?}")));
        }
        let keys: Option<Vec<Key>> = keys.into_iter().map(Key::from_bits).collect();
        let keys = keys.ok_or_else(|| wrong("has a key that is none".to_owned()))?;
        let mut rows = [const { Vec::new() }; TYPES];
        for kind in 0..TYPES {
            if count.iter().any(|count| count[kind] > 0) {
                rows[kind] = rows_of(file, kind, keys.len(), count).map_err(wrong)?;
            }
        }
        let bounds = keys.iter().map(|key| bounds(&cube, *key)).collect();
        Ok(Some(Cells { bounds, rows }))
    }

    pub(super) fn len(&self) -> usize {
        self.bounds.len()
    }

    /// The cells whose bounds `touches` accepts.
    pub(super) fn touched(&self, touches: impl Fn([f64; 3], [f64; 3]) -> bool) -> Vec<usize> {
        (0..self.len()).filter(|&cell| touches(self.bounds[cell].0, self.bounds[cell].1)).collect()
    }

    /// Rows of a type that belong to these cells in a file, in ascending order. Adjacent ranges are
    /// joined.
    pub(super) fn rows(&self, cells: &[usize], kind: usize, file: usize) -> Vec<Range<u64>> {
        let of_cell = |cell: &usize| self.rows[kind].get(*cell).cloned();
        let ranges = cells
            .iter()
            .filter_map(of_cell)
            .filter(|(number, rows)| *number == file as u64 && !rows.is_empty());
        let mut ranges: Vec<Range<u64>> = ranges.map(|(_, rows)| rows).collect();
        ranges.sort_by_key(|rows| rows.start);
        let mut joined: Vec<Range<u64>> = Vec::new();
        for rows in ranges {
            match joined.last_mut() {
                Some(last) if last.end >= rows.start => last.end = last.end.max(rows.end),
                _ => joined.push(rows),
            }
        }
        joined
    }
}

/// Bounds of a cell, enlarged by more than the rounding error of positions.
fn bounds(cube: &Cube, key: Key) -> ([f64; 3], [f64; 3]) {
    let half = 0.5 * cube.cell_side(key.level()) + cube.cell_side(Key::MAX_LEVEL);
    let centre = cube.centre(key);
    (centre.map(|x| x - half), centre.map(|x| x + half))
}

fn rows_of(
    file: &File,
    kind: usize,
    cells: usize,
    count: &[[u64; TYPES]],
) -> Result<Vec<(u64, Range<u64>)>, String> {
    let name = group_name(kind);
    let column = |what: &str| -> Result<Vec<u64>, String> {
        let values = list_of::<i64>(file, &format!("{what}/{name}"))?;
        let values: Option<Vec<u64>> = values.into_iter().map(|value| value.try_into().ok()).collect();
        match values {
            Some(values) if values.len() == cells => Ok(values),
            Some(values) => Err(format!("has {} {what}/{name} for {cells} cells", values.len())),
            None => Err(format!("has a negative number in {what}/{name}")),
        }
    };
    let (counts, files, offsets) = (column("Counts")?, column("Files")?, column("OffsetsInFile")?);
    let mut rows = Vec::new();
    for ((count_of_cell, number), offset) in counts.into_iter().zip(files).zip(offsets) {
        let end = offset.checked_add(count_of_cell);
        let inside =
            count.get(number as usize).is_some_and(|count| end.is_some_and(|end| end <= count[kind]));
        let end = end
            .filter(|_| inside)
            .ok_or_else(|| format!("has cells of {name} that reach beyond the files"))?;
        rows.push((number, offset..end));
    }
    let (indexed, all): (u128, u128) = (
        rows.iter().map(|(_, rows)| u128::from(rows.end - rows.start)).sum(),
        count.iter().map(|count| u128::from(count[kind])).sum(),
    );
    if indexed == all {
        Ok(rows)
    } else {
        Err(format!("has {indexed} bodies of {name}, but the files have {all}"))
    }
}

fn list_of<T: H5Type>(file: &File, name: &str) -> Result<Vec<T>, String> {
    let dataset =
        file.dataset(&format!("Cells/{name}")).map_err(|error| format!("has no {name}: {}", plain(error)))?;
    // An index never needs external storage. One that has it is ignored unread.
    let path = Path::new(name);
    if outside::check_storage(&dataset, path).ok() != Some(Storage::Inside) {
        return Err(format!("has a {name} that lies in another file"));
    }
    let in_file = dataset.storage_size() > 0 && dataset.storage_size() <= file.size();
    if dataset.ndim() != 1 || dataset.size() > MOST || !(in_file || dataset.size() == 0) {
        return Err(format!("has a {name} of shape {:?}, which is no list of its cells", dataset.shape()));
    }
    dataset.read_raw::<T>().map_err(|error| format!("has a {name} that cannot be read: {}", plain(error)))
}
