//! Divides the rows of a snapshot among its files. Each file gets consecutive whole cells and about
//! the same number of bodies.

use crate::Target;
use crate::snapshot::Index;
use crate::snapshot::options::add;
use std::ops::Range;
use std::path::{Path, PathBuf};
use treecode::TYPES;

/// One file of a snapshot to write.
pub(super) struct Share {
    pub(super) path: PathBuf,
    /// Name of the file until it is complete.
    pub(super) part: PathBuf,
    pub(super) number: usize,
    /// First row of each type, counted over all files.
    pub(super) first: [u64; TYPES],
    /// Number of rows of each type.
    pub(super) count: [u64; TYPES],
    /// Range of its cells.
    pub(super) cells: Range<usize>,
}

impl Share {
    pub(super) fn is_empty(&self) -> bool {
        self.count == [0; TYPES]
    }
}

/// Assigns cells to `files` files by the position of their first body. The result does not depend
/// on the number of ranks.
pub(super) fn divide(target: &Target, index: &Index, files: usize) -> Vec<Share> {
    let files = files.max(1);
    let all: u64 = index.total().iter().sum();
    let (mut first, mut before, mut cell) = ([0; TYPES], 0u64, 0);
    let share = |number: usize| {
        let (mut count, start) = ([0; TYPES], cell);
        let end = (u128::from(all) * (number as u128 + 1) / files as u128) as u64;
        while cell < index.cells.len() && (before < end || number + 1 == files) {
            add(&mut count, &index.cells[cell].1);
            before += index.cells[cell].1.iter().sum::<u64>();
            cell += 1;
        }
        let path = name(target.path(), number, files);
        let part = target.part_of(&path);
        let share = Share { path, part, number, first, count, cells: start..cell };
        add(&mut first, &count);
        share
    };
    (0..files).map(share).collect()
}

/// The file names of a snapshot that is written to `path`.
pub fn names(path: &Path, files: usize) -> Vec<PathBuf> {
    let files = files.max(1);
    (0..files).map(|number| name(path, number, files)).collect()
}

fn name(path: &Path, number: usize, files: usize) -> PathBuf {
    if files == 1 {
        return path.to_owned();
    }
    let stem = if path.extension().is_some_and(|extension| extension == "hdf5") {
        path.with_extension("")
    } else {
        path.into()
    };
    let mut name = stem.into_os_string();
    name.push(format!(".{number}.hdf5"));
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use treecode::Key;

    #[test]
    fn every_cell_is_in_one_file_and_files_are_about_equal() {
        let cell = |count: u64| (Key::ROOT, [0, count, 0, 2 * count, 0, 0]);
        let index = Index { cube: None, cells: (0..100).map(|i| cell(i % 7)).collect() };
        for files in [1, 2, 3, 7, 200] {
            let shares = divide(&Target::own("a.hdf5"), &index, files);
            assert_eq!(shares.len(), files);
            let (mut first, mut cell) = ([0; TYPES], 0);
            for share in &shares {
                assert_eq!((share.first, share.cells.start), (first, cell));
                let bodies: u64 = share.count.iter().sum();
                assert!(
                    bodies.abs_diff(297 * 3 / files as u64) <= 20,
                    "{bodies} bodies in one of {files} files"
                );
                add(&mut first, &share.count);
                cell = share.cells.end;
            }
            assert_eq!((first, cell), (index.total(), 100));
        }
        assert_eq!(names(Path::new("out/snapshot_000.hdf5"), 2)[1], Path::new("out/snapshot_000.1.hdf5"));
        assert_eq!(names(Path::new("out/snapshot_000.hdf5"), 1)[0], Path::new("out/snapshot_000.hdf5"));
    }
}
