//! References to other files are not followed by default, except virtual datasets in the same
//! folder. Also tests which files form one snapshot.

use super::foreign::Builder;
use super::{ALL, Index, Layout, count, folder, header, sample, write_alone, write_as};
use crate::snapshot::{distinct, read};
use hdf5::{Extents, File, Hyperslab, Selection, SliceOrIndex};
use std::path::{Path, PathBuf};

/// Replaces the coordinates of type 1 by a virtual dataset that refers to another file.
fn make_virtual(path: &Path, source: &str) {
    let file = File::open_rw(path).unwrap();
    let group = file.group("PartType1").unwrap();
    let rows = group.dataset("Coordinates").unwrap().shape()[0];
    group.unlink("Coordinates").unwrap();
    let extents = || Extents::from((rows, 3));
    let all = || Selection::All;
    let builder = group.new_dataset::<f64>();
    let builder = builder.with_dcpl(|properties| {
        properties.virtual_map(source, "PartType1/Coordinates", extents(), all(), extents(), all())
    });
    builder.shape((rows, 3)).create("Coordinates").unwrap();
}

fn fault(path: &Path) -> String {
    let message = read(path, 0, 1).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    message
}

#[test]
fn virtual_datasets_are_read_from_the_same_folder_only() {
    let (folder, path) = folder();
    let bodies = sample(12);
    let part = folder.path().join("part.hdf5");
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    let expected = read(&path, 0, 1).unwrap();
    std::fs::copy(&path, &part).unwrap();
    make_virtual(&path, "part.hdf5");
    assert_eq!(read(&path, 0, 1).unwrap(), expected);

    std::fs::remove_file(&part).unwrap();
    assert!(fault(&path).contains("a part in part.hdf5: cannot read: No such file"), "{}", fault(&path));
    // No process writes into the pipe, and reading must not wait.
    rustix::fs::mkfifoat(rustix::fs::CWD, &part, rustix::fs::Mode::RWXU).unwrap();
    assert!(fault(&path).ends_with("a part in part.hdf5: is a pipe, not a file"), "{}", fault(&path));

    let elsewhere = tempfile::tempdir().unwrap();
    let other = elsewhere.path().join("other.hdf5");
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    std::fs::copy(&path, &other).unwrap();
    make_virtual(&path, other.to_str().unwrap());
    assert!(fault(&path).contains("another folder") && fault(&path).contains("--follow-external"));
    // A symbolic link in the same folder leads there, too.
    std::fs::remove_file(&part).unwrap();
    std::os::unix::fs::symlink(&other, &part).unwrap();
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    make_virtual(&path, "part.hdf5");
    assert!(fault(&path).contains("--follow-external"));
}

/// A virtual dataset of parts, each the rows of a range filled by the first rows of a file of so many.
fn make_parts(path: &Path, rows: usize, parts: &[(std::ops::Range<usize>, &str, usize)]) {
    let file = File::open_rw(path).unwrap();
    let group = file.group("PartType1").unwrap();
    group.unlink("Coordinates").unwrap();
    let builder = group.new_dataset::<f64>();
    let builder = builder.with_dcpl(|properties| {
        parts.iter().fold(properties, |properties, (range, source, length)| {
            let (of_source, of_all) = (Extents::from((*length, 3)), Extents::from((rows, 3)));
            let taken = Selection::try_new((0..range.len(), ..)).unwrap();
            let filled = Selection::try_new((range.clone(), ..)).unwrap();
            properties.virtual_map(*source, "PartType1/Coordinates", of_source, taken, of_all, filled)
        })
    });
    builder.shape((rows, 3)).create("Coordinates").unwrap();
}

#[test]
fn virtual_datasets_must_be_filled_by_their_parts() {
    let (folder, path) = folder();
    let bodies = sample(12);
    let rows = count(&bodies)[1] as usize;
    assert!(rows >= 2, "too few to be parted");
    write_alone(&folder.path().join("part.hdf5"), &header(), &bodies, ALL).unwrap();
    let with = |parts: &[(std::ops::Range<usize>, &str, usize)]| {
        write_alone(&path, &header(), &bodies, ALL).unwrap();
        make_parts(&path, rows, parts);
        read(&path, 0, 1).map_err(|error| error.to_string())
    };
    let part = "part.hdf5";
    with(&[(1..rows, part, rows), (0..1, part, rows)]).unwrap();
    with(&[(0..rows, part, rows), (0..1, part, rows)]).unwrap();
    for (parts, words) in [
        (vec![(0..rows - 1, part, rows)], format!("numbers that no part has, from row {} on", rows - 1)),
        (vec![(1..rows, part, rows)], "numbers that no part has, from row 0 on".to_owned()),
        // More is wanted of the source than it has.
        (vec![(0..rows, "short.hdf5", rows)], "but more is wanted of it".to_owned()),
    ] {
        let short = sample(6);
        assert!((count(&short)[1] as usize) < rows);
        write_alone(&folder.path().join("short.hdf5"), &header(), &short, ALL).unwrap();
        let message = with(&parts).unwrap_err();
        assert!(message.contains("/PartType1/Coordinates") && message.contains(&words), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

/// Parts that are columns, strided rows or blocks, in any overlap.
#[test]
fn parts_of_a_virtual_dataset_may_have_any_form() {
    type Form = (SelectionOfRows, std::ops::Range<usize>);
    let (folder, path) = folder();
    let bodies = sample(12);
    let rows = count(&bodies)[1] as usize;
    assert!(rows >= 4, "too few to be parted");
    write_alone(&folder.path().join("part.hdf5"), &header(), &bodies, ALL).unwrap();
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    let expected = read(&path, 0, 1).unwrap();
    let with = |forms: &[Form]| {
        write_alone(&path, &header(), &bodies, ALL).unwrap();
        let file = File::open_rw(&path).unwrap();
        let group = file.group("PartType1").unwrap();
        group.unlink("Coordinates").unwrap();
        let builder = group.new_dataset::<f64>().with_dcpl(|properties| {
            forms.iter().fold(properties, |properties, ((first, end, step), columns)| {
                let extents = || Extents::from((rows, 3));
                let places = || {
                    let rows = SliceOrIndex::SliceTo { start: *first, step: *step, end: *end, block: 1 };
                    let columns = SliceOrIndex::from(columns.clone());
                    Selection::try_new(Hyperslab::from(vec![rows, columns])).unwrap()
                };
                let name = "PartType1/Coordinates";
                properties.virtual_map("part.hdf5", name, extents(), places(), extents(), places())
            })
        });
        builder.shape((rows, 3)).create("Coordinates").unwrap();
        drop((group, file));
        read(&path, 0, 1).map_err(|error| error.to_string())
    };
    let all = 0..rows;
    let column = |k: usize| ((all.start, all.end, 1), k..k + 1);
    for whole in [
        vec![column(0), column(1), column(2)],
        vec![column(2), ((0, rows, 1), 0..2), column(1)],
        vec![((0, rows, 2), 0..3), ((1, rows, 2), 0..3)],
        vec![((0, rows, 3), 0..3), ((2, rows, 3), 0..3), ((1, rows, 3), 0..2), ((1, rows, 3), 2..3)],
        vec![((0, 2, 1), 0..3), ((2, rows, 1), 1..3), ((1, rows, 1), 0..1)],
    ] {
        assert_eq!(with(&whole).unwrap(), expected, "{whole:?}");
    }
    for (parted, row) in [
        // As many numbers as the dataset has, but some twice.
        (vec![column(0), column(1), column(1)], 0),
        (vec![((0, rows, 2), 0..3), ((0, rows, 2), 0..3), ((1, 2, 1), 0..3)], 3),
        (vec![((0, 2, 1), 0..3), ((2, rows, 1), 1..3), ((0, rows - 1, 1), 0..1)], rows - 1),
        (vec![column(0), column(1), ((0, 1, 1), 2..3), ((2, rows, 1), 2..3)], 1),
    ] {
        let message = with(&parted).unwrap_err();
        let words = format!("numbers that no part has, from row {row} on");
        assert!(message.contains("/PartType1/Coordinates") && message.contains(&words), "{message}");
    }
}

/// First row, end and step.
type SelectionOfRows = (usize, usize, usize);

#[test]
fn external_links_are_refused_wherever_they_stand() {
    let (folder, path) = folder();
    let whole = folder.path().join("whole.hdf5");
    write_alone(&whole, &header(), &sample(12), ALL).unwrap();
    for place in
        ["Header", "Parameters", "PartType1", "PartType2/Velocities", "PartType4/ParticleIDs", "Cells"]
    {
        write_alone(&path, &header(), &sample(12), ALL).unwrap();
        let file = File::open_rw(&path).unwrap();
        if file.link_exists(place) {
            file.unlink(place).unwrap();
        }
        file.link_external("whole.hdf5", place, place).unwrap();
        drop(file);
        if place != "Cells" {
            let expected =
                format!("/{place} is a link to another file, whole.hdf5; --follow-external follows it");
            assert!(fault(&path).ends_with(&expected), "{}", fault(&path));
        }
    }
}

#[test]
fn raw_storage_of_other_files_is_refused() {
    let (folder, path) = folder();
    write_alone(&path, &header(), &sample(12), ALL).unwrap();
    let raw = folder.path().join("raw.bin");
    std::fs::write(&raw, [0; 96]).unwrap();
    let file = File::open_rw(&path).unwrap();
    let group = file.group("PartType1").unwrap();
    group.unlink("Masses").unwrap();
    let builder = group.new_dataset::<f64>();
    let builder = builder.with_dcpl(|properties| properties.external(raw.to_str().unwrap(), 0, 96));
    builder.shape(4).create("Masses").unwrap();
    drop((group, file));
    let message = fault(&path);
    assert!(
        message.contains("/PartType1/Masses has its numbers in another file")
            && message.contains("--follow-external")
    );
}

#[test]
fn the_files_of_a_snapshot_are_one_snapshot() {
    let (folder, _) = folder();
    let at = |name: &str| folder.path().join(name);
    let bodies = sample(12);
    let index = Index::without_order(count(&bodies));
    let layout = Layout { files: 1, ..Layout::default() };
    write_as(&at("alone.hdf5"), &header(), &bodies, ALL, &layout, &index).unwrap();
    for number in 0..3 {
        let file = Builder::new(&at(&format!("set.{number}.hdf5")), &[0u64; 6]);
        file.scalar("Header", "NumFilesPerSnapshot", 3).list("Header", "NumPart_Total", &[0u64; 6]);
    }
    let named = |names: &[&str]| names.iter().map(|name| at(name)).collect::<Vec<PathBuf>>();
    let kept =
        distinct(&named(&["set.1.hdf5", "alone.hdf5", "set.0.hdf5", "set", "set.2.hdf5", "alone"])).unwrap();
    assert_eq!(kept, named(&["set.1.hdf5", "alone.hdf5"]));
    std::os::unix::fs::symlink(at("alone.hdf5"), at("other.hdf5")).unwrap();
    assert_eq!(distinct(&named(&["alone.hdf5", "other.hdf5"])).unwrap(), named(&["alone.hdf5"]));
    std::fs::copy(at("alone.hdf5"), at("copy.hdf5")).unwrap();
    assert_eq!(distinct(&named(&["alone.hdf5", "copy.hdf5"])).unwrap().len(), 2);
    // A set of GADGET's binary files, whose headers tell how many they are.
    for number in 0..2u32 {
        let mut header = [0u8; 256];
        // One body of type 1 in this file, two in all, in two files.
        for (place, value) in [(4, 1u32), (100, 2), (124, 2)] {
            header[place..place + 4].copy_from_slice(&value.to_le_bytes());
        }
        header[8 + 16 + 8..8 + 16 + 16].copy_from_slice(&1.5f64.to_le_bytes());
        let mut bytes = Vec::new();
        for record in [&header[..], &[0; 12], &[0; 12], &number.to_le_bytes()] {
            let length = (record.len() as u32).to_le_bytes();
            bytes.extend([&length, record, &length].concat());
        }
        std::fs::write(at(&format!("binary.{number}")), bytes).unwrap();
    }
    assert_eq!(read(&at("binary.1"), 0, 1).unwrap().0.count, [0, 2, 0, 0, 0, 0]);
    let binary = named(&["binary.1", "alone.hdf5", "binary.0", "binary"]);
    assert_eq!(distinct(&binary).unwrap(), named(&["binary.1", "alone.hdf5"]));
    assert!(distinct(&named(&["none.hdf5"])).unwrap_err().to_string().contains("No such file"));
}
