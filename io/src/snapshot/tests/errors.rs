//! Invalid files give a one-line error that names the file and the cause. So do folders in which
//! nothing can be written.

use super::foreign::Builder;
use super::{ALL, Fields, count, files_in, folder, header, sample, write_alone, write_as};
use crate::snapshot::{Index, Layout, Region, Wanted, read, read_region, read_unchecked, read_wanted};
use hdf5::{File, Group};
use std::path::Path;
use treecode::{Bodies, TYPES};

/// The one-line error of reading `path`, without the path at its beginning.
fn fault(path: &Path) -> String {
    let message = read(path, 0, 1).expect_err("reading must fail").to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    let rest = message
        .strip_prefix(&path.display().to_string())
        .unwrap_or_else(|| panic!("{message} names no file"));
    rest.trim_start_matches(": ").to_owned()
}

/// The error of a valid snapshot of 12 bodies, 4 each of types 1, 2 and 4, after `spoil` has
/// changed it.
fn spoilt(spoil: impl Fn(&File)) -> String {
    let (_folder, path) = folder();
    write_alone(&path, &header(), &sample(12), ALL).unwrap();
    read(&path, 0, 1).unwrap();
    let file = File::open_rw(&path).unwrap();
    spoil(&file);
    file.close().unwrap();
    fault(&path)
}

fn replace<T: hdf5::H5Type>(group: &Group, name: &str, shape: &[usize], values: &[T]) {
    group.unlink(name).unwrap();
    group.new_dataset::<T>().shape(shape).create(name).unwrap().write_raw(values).unwrap();
}

fn counts(file: &File, name: &str, values: [i64; TYPES]) {
    let header = file.group("Header").unwrap();
    header.delete_attr(name).unwrap();
    header.new_attr::<i64>().shape(TYPES).create(name).unwrap().write_raw(&values).unwrap();
}

#[test]
fn what_is_no_snapshot() {
    let (folder, path) = folder();
    assert_eq!(fault(&path), "cannot read: No such file or directory (os error 2)");
    assert_eq!(fault(folder.path()), "is a folder, not a file");
    std::fs::write(&path, "").unwrap();
    assert_eq!(fault(&path), "is empty");
    std::fs::write(&path, "[gravity]\ntheta = 0.5\n".repeat(100)).unwrap();
    assert_eq!(fault(&path), "is not an HDF5 file");
    File::create(&path).unwrap().close().unwrap();
    assert_eq!(fault(&path), "has no group /Header, so it is no snapshot of the GADGET family");
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let (_folder, path) = folder();
    write_alone(&path, &header(), &sample(100), ALL).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in (8..whole.len()).step_by(whole.len() / 40).chain([whole.len() - 1]) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let fault = fault(&path);
        assert!(
            fault.starts_with("is damaged: ") || fault == "is not an HDF5 file",
            "{length} bytes: {fault}"
        );
    }
}

#[test]
fn parts_that_are_missing() {
    assert_eq!(
        spoilt(|file| file.unlink("Header").unwrap()),
        "has no group /Header, so it is no snapshot of the GADGET family"
    );
    assert_eq!(
        spoilt(|file| file.group("Header").unwrap().delete_attr("NumPart_ThisFile").unwrap()),
        "/Header attribute NumPart_ThisFile is missing"
    );
    assert_eq!(
        spoilt(|file| file.unlink("PartType2").unwrap()),
        "has no group /PartType2, but /Header counts 4 bodies of that type"
    );
    let without = |name: &str| spoilt(|file| file.group("PartType2").unwrap().unlink(name).unwrap());
    assert_eq!(without("Coordinates"), "/PartType2/Coordinates is missing");
    assert_eq!(without("Velocities"), "/PartType2/Velocities is missing");
    assert_eq!(without("Masses"), "/PartType2/Masses is missing, and /Header MassTable[2] is 0");
    assert_eq!(without("ParticleIDs"), "/PartType2: some types have ParticleIDs, others do not");
}

#[test]
fn shapes_and_types_that_are_wrong() {
    let with = |name: &str, shape: &[usize], values: &[f64]| {
        spoilt(|file| replace(&file.group("PartType4").unwrap(), name, shape, values))
    };
    assert_eq!(
        with("Coordinates", &[4, 2], &[1.0; 8]),
        "/PartType4/Coordinates has shape [4, 2], must be [4, 3]"
    );
    assert_eq!(
        with("Coordinates", &[12], &[1.0; 12]),
        "/PartType4/Coordinates has shape [12], must be [4, 3]"
    );
    assert_eq!(
        with("Velocities", &[3, 3], &[1.0; 9]),
        "/PartType4/Velocities has 3 rows, but /Header counts 4"
    );
    assert_eq!(with("Masses", &[4, 2], &[1.0; 8]), "/PartType4/Masses has shape [4, 2], must be [4]");
    assert_eq!(with("Potential", &[1], &[1.0]), "/PartType4/Potential has 1 rows, but /Header counts 4");
    assert_eq!(with("Potential", &[5], &[1.0; 5]), "/PartType4/Potential has 5 rows, but /Header counts 4");
    for (id, shown) in [(1.5, "1.5"), (-1.0, "-1.0"), (f64::NAN, "NaN"), (1e16, "1e16")] {
        let fault = with("ParticleIDs", &[4], &[1.0, 2.0, id, 3.0]);
        assert_eq!(
            fault,
            format!("/PartType4/ParticleIDs has the id {shown}, must be whole numbers below 2^53")
        );
    }
    let text = hdf5::types::FixedAscii::<4>::from_ascii("text").unwrap();
    let fault = spoilt(|file| replace(&file.group("PartType4").unwrap(), "Masses", &[4], &[text; 4]));
    assert_eq!(fault, "/PartType4/Masses has other data than numbers");
    let fault = spoilt(|file| {
        file.group("PartType4").unwrap().unlink("Masses").unwrap();
        file.create_group("PartType4/Masses").unwrap();
    });
    assert!(fault.starts_with("/PartType4/Masses "), "{fault}");
}

#[test]
fn counts_that_disagree() {
    let this_file = |values| spoilt(|file| counts(file, "NumPart_ThisFile", values));
    assert_eq!(
        this_file([0, 5, 4, 0, 4, 0]),
        "/Header counts [0, 5, 4, 0, 4, 0] bodies in NumPart_ThisFile, but [0, 4, 4, 0, 4, 0] in NumPart_Total"
    );
    assert_eq!(
        this_file([0, -4, 4, 0, 4, 0]),
        "/Header attribute NumPart_ThisFile has a count that is negative or no whole number"
    );
    let both = |values| {
        spoilt(|file| {
            ["NumPart_ThisFile", "NumPart_Total"].iter().for_each(|name| counts(file, name, values))
        })
    };
    assert_eq!(both([0, 5, 4, 0, 4, 0]), "/PartType1/Coordinates has 4 rows, but /Header counts 5");
    assert_eq!(both([0, 4, 0, 0, 4, 0]), "/PartType2/Coordinates has rows, but /Header counts none");
    assert_eq!(both([7, 4, 4, 0, 4, 0]), "has no group /PartType0, but /Header counts 7 bodies of that type");
    // A count that exceeds any memory is refused before memory is allocated.
    let huge = i64::MAX - 10;
    assert_eq!(
        both([0, huge, 4, 0, 4, 0]),
        format!("/PartType1/Coordinates has 4 rows, but /Header counts {huge}")
    );
}

#[test]
fn counts_that_are_too_large_to_add() {
    let (_folder, path) = folder();
    let file = Builder::new(&path, &[1 << 63, 1u64 << 63]);
    ["PartType0", "PartType1"].iter().for_each(|group| drop(file.0.create_group(group).unwrap()));
    drop(file);
    let expected = "/Header attribute NumPart_ThisFile counts more bodies than a number of 64 bits";
    assert_eq!(fault(&path), expected);
}

#[test]
fn rows_without_data_take_no_memory() {
    let (_folder, path) = folder();
    let rows = 1usize << 45;
    let file = Builder::new(&path, &[0, rows as u64]);
    let group = file.0.create_group("PartType1").unwrap();
    let dataset = group.new_dataset::<f64>().chunk((1024, 3)).shape((rows, 3)).create("Coordinates").unwrap();
    let expected = format!("/PartType1/Coordinates has {rows} rows, but their data are not in the file");
    assert_eq!(fault(&path), expected);
    // Now some of the rows have data.
    dataset.write_slice(&[1.0, 2.0, 3.0], (7, ..)).unwrap();
    drop((dataset, group, file));
    assert_eq!(fault(&path), expected);
}

#[test]
fn header_values_that_make_no_sense() {
    let with = |group: &str, name: &str, value: f64| {
        spoilt(|file| {
            let attribute = file.group(group).unwrap().attr(name).unwrap();
            attribute.write_scalar(&value).unwrap();
        })
    };
    assert_eq!(with("Header", "Time", f64::NAN), "/Header attribute Time is NaN, must be finite");
    let fault = with("Parameters", "UnitMass_in_g", -1.0);
    assert!(fault.starts_with("has the units") && fault.ends_with("all must be above 0"), "{fault}");
    let fault = spoilt(|file| {
        let header = file.group("Header").unwrap();
        header.delete_attr("MassTable").unwrap();
        header.new_attr::<f64>().shape(17).create("MassTable").unwrap().write_raw(&[1.0; 17]).unwrap();
    });
    assert_eq!(
        fault,
        "/Header attribute MassTable has 17 entries, must have one for each of at most 16 types"
    );
}

#[test]
fn bodies_that_are_impossible_are_named_by_id() {
    let with = |spoil: &dyn Fn(&mut Bodies)| {
        let (_folder, path) = folder();
        let mut bodies = sample(12);
        bodies.id = (100..112).collect();
        spoil(&mut bodies);
        write_alone(&path, &header(), &bodies, ALL).unwrap();
        assert_eq!(read_unchecked(&path, 0, 1).unwrap().1.len(), 12);
        fault(&path)
    };
    let nan = f64::NAN;
    assert_eq!(with(&|bodies| bodies.pos[1][5] = nan), "body with id 105: position is NaN, must be finite");
    assert_eq!(
        with(&|bodies| bodies.vel[2][6] = f64::INFINITY),
        "body with id 106: velocity is inf, must be finite"
    );
    assert_eq!(
        with(&|bodies| bodies.mass[9] = -2.5),
        "body with id 109: mass is -2.5, must be 0 or above, and finite"
    );
    assert_eq!(
        with(&|bodies| bodies.mass[9] = nan),
        "body with id 109: mass is NaN, must be 0 or above, and finite"
    );
}

/// Accelerations and potentials are recomputed from the state, so invalid ones do not make the
/// bodies unusable.
#[test]
fn impossible_accelerations_and_potentials_are_left_out_with_a_remark() {
    let (_folder, path) = folder();
    let mut bodies = sample(12);
    (bodies.acc[0][7], bodies.pot[8]) = (f64::NAN, f64::INFINITY);
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    let (header, found) = read(&path, 0, 1).unwrap();
    assert!(found.acc.iter().flatten().chain(&found.pot).all(|x| *x == 0.0));
    assert_eq!(
        header.remarks,
        [
            "some accelerations are not finite; all accelerations are left out",
            "some potentials are not finite; all potentials are left out"
        ]
    );
    bodies.acc[0][7] = 0.5;
    write_alone(&path, &super::header(), &bodies, ALL).unwrap();
    let (header, found) = read(&path, 0, 1).unwrap();
    assert_eq!((header.remarks.len(), found.acc[0].contains(&0.5), found.pot[3]), (1, true, 0.0));
}

#[test]
fn bodies_that_are_not_wanted_may_be_impossible() {
    let (_folder, path) = folder();
    let mut bodies = sample(12);
    bodies
        .mass
        .iter_mut()
        .zip(&bodies.kind)
        .filter(|(_, kind)| **kind == 2)
        .for_each(|(mass, _)| *mass = -1.0);
    let inside: Vec<usize> = (0..12).filter(|&i| bodies.kind[i] == 4).collect();
    bodies.pos[0][inside[1]] = f64::NAN;
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    let of =
        |kinds: &[usize]| Wanted { kinds: std::array::from_fn(|k| kinds.contains(&k)), ..Wanted::default() };
    let (header, found) = read_wanted(&path, &of(&[1])).unwrap();
    assert_eq!((found.len(), header.count), (4, [0, 4, 4, 0, 4, 0]));
    assert!(found.kind.iter().all(|kind| *kind == 1));
    let fault = |kinds: &[usize]| read_wanted(&path, &of(kinds)).unwrap_err().to_string();
    let massless = Wanted { massless: true, ..of(&[1, 2]) };
    assert_eq!(read_wanted(&path, &massless).unwrap().1.mass.iter().filter(|mass| **mass == -1.0).count(), 4);
    assert!(fault(&[1, 2]).contains("mass is -1,") && fault(&[4]).contains("position is NaN"));
    // Only bodies of the region are checked.
    let all = Region::Box { lo: [-1e9; 3], hi: [1e9; 3] };
    assert_eq!(read_region(&path, &all, &of(&[1, 4])).unwrap().1.len(), 7);
    assert!(read_region(&path, &all, &of(&[2])).unwrap_err().to_string().contains("mass is -1,"));
}

#[test]
fn an_attribute_that_holds_more_than_any_does_is_refused() {
    let fault = spoilt(|file| {
        let header = file.group("Header").unwrap();
        header.delete_attr("Time").unwrap();
        header.new_attr::<f64>().shape(4096).create("Time").unwrap();
    });
    assert_eq!(fault, "/Header attribute Time cannot be read: it holds 4096 numbers");
}

#[test]
fn more_bodies_than_memory_are_refused_before_any_is_read() {
    let (_folder, path) = folder();
    write_alone(&path, &header(), &sample(12), ALL).unwrap();
    let wanted = Wanted { beside: 1 << 58, ..Wanted::default() };
    let message = read_wanted(&path, &wanted).unwrap_err().to_string();
    assert!(
        message.contains("holds 12 bodies to read, which take") && message.contains("GB are free"),
        "{message}"
    );
}

#[test]
fn sets_of_files_that_do_not_belong_together() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, files: i32, total: u64| {
        let file = Builder::new(&folder.path().join(name), &[0u64; 6]);
        file.scalar("Header", "NumFilesPerSnapshot", files).list("Header", "NumPart_Total", &[total]);
    };
    write("snap.0.hdf5", 2, 0);
    let message = read(&folder.path().join("snap"), 0, 1).unwrap_err().to_string();
    let second = folder.path().join("snap.1.hdf5");
    assert_eq!(message, format!("{}: cannot read: No such file or directory (os error 2)", second.display()));
    write("snap.1.hdf5", 2, 9);
    let message = read(&folder.path().join("snap"), 0, 1).unwrap_err().to_string();
    let differ = "belongs to another snapshot than the files beside it: their totals differ";
    assert_eq!(message, format!("{}: {differ}", second.display()));
    write("alone.hdf5", 2, 0);
    let expected = "is one of 2 files of a snapshot, but its name has no number as in `name.0.hdf5`";
    assert_eq!(fault(&folder.path().join("alone.hdf5")), expected);
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let (folder, path) = folder();
    let missing = folder.path().join("none").join("snapshot.hdf5");
    let message = write_alone(&missing, &header(), &sample(3), ALL).unwrap_err();
    assert_eq!(
        message,
        format!("{}: cannot write: No such file or directory (os error 2)", missing.display())
    );
    write_alone(&path, &header(), &sample(3), ALL).unwrap();
    let before = std::fs::read(&path).unwrap();
    // More rows than fit on any disk.
    let total = [0, 1 << 50, 1, 0, 1, 0];
    let index = Index::without_order(total);
    let result = write_as(&path, &header(), &sample(3), Fields::default(), &Layout::default(), &index);
    let message = result.unwrap_err();
    let begins = format!("{}: cannot write: ", path.display());
    assert!(message.starts_with(&begins) && message.ends_with("bytes are needed"), "{message}");
    assert!(std::fs::read(&path).unwrap() == before);
    assert_eq!(files_in(&folder), 1);
    assert_eq!(count(&read(&path, 0, 1).unwrap().1), [0, 1, 1, 0, 1, 0]);
}
