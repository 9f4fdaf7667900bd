//! Writes the cell index `/Cells` of a file, which allows a region to be read without the rest. It
//! has SWIFT's groups `Centres`, `Counts`, `Files` and `OffsetsInFile`, the key of each cell, and the
//! cube that the keys divide. Cells may differ in size, except in the SWIFT flavour.

use super::layout::{Frame, list};
use crate::snapshot::format::column::group_name;
use hdf5::{File, Group, H5Type};
use treecode::{Cube, Key, TYPES};

/// Writes the index of all files of a snapshot, if its bodies are in key order.
pub(super) fn write(file: &File, frame: &Frame) -> hdf5::Result<()> {
    let Some(cube) = frame.cube() else { return Ok(()) };
    let cells = &frame.index.cells;
    let group = file.create_group("Cells")?;
    write_grid(&group, &cube, cells.iter().map(|(key, _)| *key).collect())?;
    let [counts, files, offsets] = ["Counts", "Files", "OffsetsInFile"].map(|name| group.create_group(name));
    let (counts, files, offsets) = (counts?, files?, offsets?);
    let total = frame.index.total();
    for kind in (0..TYPES).filter(|&kind| total[kind] > 0) {
        let name = group_name(kind);
        let count: Vec<i64> = cells.iter().map(|(_, count)| count[kind] as i64).collect();
        let (mut file_of, mut offset) = (vec![0i32; cells.len()], vec![0i64; cells.len()]);
        for share in frame.shares {
            let mut row = 0;
            for cell in share.cells.clone() {
                (file_of[cell], offset[cell]) = (share.number as i32, row);
                row += count[cell];
            }
        }
        dataset(&counts, &name, &count, 1)?;
        dataset(&files, &name, &file_of, 1)?;
        dataset(&offsets, &name, &offset, 1)?;
    }
    Ok(())
}

fn write_grid(group: &Group, cube: &Cube, keys: Vec<Key>) -> hdf5::Result<()> {
    let sides: Vec<f64> = keys.iter().map(|key| cube.cell_side(key.level())).collect();
    let centres: Vec<f64> = keys.iter().flat_map(|key| cube.centre(*key)).collect();
    dataset(group, "Keys", &keys.iter().map(|key| key.bits()).collect::<Vec<_>>(), 1)?;
    dataset(group, "Sizes", &sides, 1)?;
    dataset(group, "Centres", &centres, 3)?;
    let meta = group.create_group("Meta-data")?;
    // SWIFT's readers expect one size for all cells.
    let smallest = sides.iter().copied().fold(cube.side, f64::min);
    list(&meta, "size", &[smallest; 3])?;
    list(&meta, "dimension", &[(cube.side / smallest) as i32; 3])?;
    list(&meta, "nr_cells", &[keys.len() as i32])?;
    list(&meta, "corner", &cube.corner)?;
    list(&meta, "side", &[cube.side])
}

fn dataset<T: H5Type>(group: &Group, name: &str, values: &[T], width: usize) -> hdf5::Result<()> {
    let builder = group.new_dataset::<T>().obj_track_times(false);
    let dataset = match width {
        1 => builder.shape(values.len()).create(name)?,
        width => builder.shape((values.len() / width, width)).create(name)?,
    };
    dataset.write_raw(values)
}
