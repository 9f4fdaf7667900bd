//! Tests of snapshots. This file has the bodies and helpers that all of them use.

mod errors;
mod foreign;
mod layouts;
mod outside;
mod passengers;

use super::*;
use decomposition::Solo;
use hdf5::File;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use treecode::Bodies;

/// Bodies of types 4, 1 and 2 in mixed order. All fields have values that need every bit.
fn sample(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    let number = |i: usize, seed: f64| ((i as f64 + seed) * 12.9898).sin() * 43758.547;
    for i in 0..n {
        bodies.id[i] = u64::MAX - 3 * i as u64;
        bodies.kind[i] = [4, 1, 2][i * 7 % 3];
        bodies.mass[i] = number(i, 0.1).abs() + 1e-9;
        bodies.pot[i] = number(i, 0.2);
        for axis in 0..3 {
            bodies.pos[axis][i] = number(i, 1.0 + axis as f64);
            bodies.vel[axis][i] = number(i, 4.0 + axis as f64);
            bodies.acc[axis][i] = number(i, 7.0 + axis as f64);
        }
    }
    bodies
}

/// The bodies sorted by type, as in a snapshot. The order within each type is kept.
fn by_type(bodies: &Bodies) -> Bodies {
    let mut sorted = bodies.clone();
    let mut order: Vec<u32> = (0..bodies.len() as u32).collect();
    order.sort_by_key(|&i| bodies.kind[i as usize]);
    sorted.permute(&order);
    sorted
}

fn count(bodies: &Bodies) -> [u64; TYPES] {
    std::array::from_fn(|kind| bodies.kind.iter().filter(|&&other| usize::from(other) == kind).count() as u64)
}

const ALL: Fields = Fields { acceleration: true, potential: true, time_step: None };

fn write_alone(path: &Path, header: &Header, bodies: &Bodies, fields: Fields) -> Result<(), String> {
    write_as(path, header, bodies, fields, &Layout::default(), &Index::without_order(count(bodies)))
}

fn write_as(
    path: &Path,
    header: &Header,
    bodies: &Bodies,
    fields: Fields,
    layout: &Layout,
    index: &Index,
) -> Result<(), String> {
    let rows = Rows { bodies, offset: [0; TYPES], index };
    write(&crate::Target::own(path), header, &rows, fields, layout, &Solo).map_err(|error| error.to_string())
}

fn header() -> Header {
    Header {
        time: 0.1 + 0.2,
        units: Some(Units { velocity_in_cm_per_s: 1.5e5, ..Units::GALACTIC }),
        box_size: 12.5,
        parameters: vec![
            ("gravity.theta".into(), "0.5".into()),
            ("name".into(), "\"é\"".into()),
            ("none".into(), "".into()),
        ],
        ..Header::default()
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("snapshot.hdf5");
    (folder, path)
}

fn files_in(folder: &TempDir) -> usize {
    std::fs::read_dir(folder.path()).unwrap().count()
}

#[test]
fn what_is_written_is_read_to_the_last_bit() {
    let (folder, path) = folder();
    let bodies = sample(1000);
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    assert_eq!(files_in(&folder), 1, "no part is left");
    let (read_header, read_bodies) = read(&path, 0, 1).unwrap();
    assert_eq!(read_bodies, by_type(&bodies));
    assert_eq!(read_header, Header { count: count(&bodies), files: 1, ..header() });
}

#[test]
fn fields_that_are_not_wanted_are_not_there() {
    let (_folder, path) = folder();
    let bodies = sample(10);
    write_alone(&path, &header(), &bodies, Fields::default()).unwrap();
    let (_, read) = read(&path, 0, 1).unwrap();
    assert!(read.pot.iter().all(|&pot| pot == 0.0) && read.acc[2].iter().all(|&acc| acc == 0.0));
    assert_eq!(read.vel, by_type(&bodies).vel);
    assert_eq!(File::open(&path).unwrap().group("PartType1").unwrap().member_names().unwrap().len(), 4);
}

#[test]
fn shares_of_any_number_of_ranks_are_all_bodies() {
    let (_folder, path) = folder();
    let bodies = sample(50);
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    for size in [1, 2, 3, 7, 64] {
        let mut all = Bodies::default();
        for rank in 0..size {
            let (header, share) = read(&path, rank, size).unwrap();
            assert_eq!(header.count, count(&bodies));
            assert!(share.len() <= 50 / size + 3, "{} of 50 bodies on one of {size} ranks", share.len());
            all.append(&share);
        }
        // The types are interleaved in the shares, so they are sorted again.
        assert_eq!(by_type(&all), by_type(&bodies));
    }
}

#[test]
fn the_same_bodies_give_the_same_bytes() {
    let (folder, path) = folder();
    let bodies = sample(100);
    write_alone(&path, &header(), &bodies, ALL).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let later = folder.path().join("later.hdf5");
    write_alone(&later, &header(), &bodies, ALL).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&later).unwrap());
}

#[test]
fn no_bodies_make_a_snapshot_without_groups() {
    let (_folder, path) = folder();
    write_alone(&path, &header(), &Bodies::default(), ALL).unwrap();
    assert_eq!(File::open(&path).unwrap().member_names().unwrap(), ["Header", "Parameters"]);
    assert!(read(&path, 0, 1).unwrap().1.is_empty());
}
