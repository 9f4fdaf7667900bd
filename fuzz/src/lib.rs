//! What the fuzz targets share: a file in memory, and what must hold of every reader.

use std::path::{Path, PathBuf};

/// A file of this process with these bytes.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = place(name);
    std::fs::write(&path, bytes).expect("the file in memory can be written");
    path
}

/// Where a file of this process is.
pub fn place(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    folder.join(format!("heorot-fuzz-{}-{name}", std::process::id()))
}

/// Reads a file of any format: it is read, as a whole or a region, or refused in one line that names it; two ranks read what one reads.
pub fn read(path: &Path) {
    let region = io::snapshot::Region::Sphere { centre: [0.0; 3], radius: 2.0 };
    if let Err(error) = io::snapshot::read_region(path, &region, &io::snapshot::Wanted::default()) {
        require_one_line(path, &error.to_string());
    }
    match io::snapshot::read_unchecked(path, 0, 1) {
        Err(error) => require_one_line(path, &error.to_string()),
        Ok((header, bodies)) => {
            assert_eq!(header.count.iter().sum::<u64>(), bodies.len() as u64, "the header counts other bodies");
            let halves = [0, 1].map(|rank| io::snapshot::read_unchecked(path, rank, 2).expect("one rank could read it").1);
            let mut ids: Vec<u64> = halves.iter().flat_map(|half| half.id.iter().copied()).collect();
            let mut expected = bodies.id;
            ids.sort_unstable();
            expected.sort_unstable();
            assert_eq!(ids, expected, "two ranks read other bodies than one");
        }
    }
}

/// A message is one line and begins with the path, or with that of a file beside it.
pub fn require_one_line(path: &Path, message: &str) {
    let folder = path.parent().expect("the file is in a folder").display().to_string();
    assert!(message.starts_with(&folder), "names no file: {message}");
    assert_eq!(message.lines().count(), 1, "is not one line: {message}");
}
