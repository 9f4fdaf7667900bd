//! Tests of readers for files other than HDF5: what they read, and which errors bad files give.

mod gadget;
mod numpy;
mod table;
mod tipsy;

use crate::snapshot::{Format, Header, read, read_header};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use treecode::Bodies;

fn folder(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

fn written(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let (folder, path) = folder(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The one line that reading gives, without the path that it begins with.
fn fault(path: &Path) -> String {
    let message = read(path, 0, 1).expect_err("reading must fail").to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    let rest = message.strip_prefix(&path.display().to_string());
    rest.unwrap_or_else(|| panic!("{message} names no file")).trim_start_matches(": ").to_owned()
}

fn fault_of(name: &str, bytes: &[u8]) -> String {
    let (_folder, path) = written(name, bytes);
    fault(&path)
}

/// Reads on one rank and on several: all together are the same bodies with the same ids.
fn read_all(path: &Path) -> (Header, Bodies) {
    let (header, bodies) = read(path, 0, 1).unwrap();
    for size in [2, 3, 7] {
        let mut all = Bodies::default();
        for rank in 0..size {
            let share = read(path, rank, size).unwrap().1;
            assert!(!header.numbered || header.numbering(rank, size) == share.id, "{size} ranks");
            all.append(&share);
        }
        assert_eq!(all, bodies, "{size} ranks");
    }
    assert_eq!(header, read_header(path).unwrap());
    (header, bodies)
}

/// Whatever is cut off a file, it is refused in one line.
fn refuses_cuts(name: &str, whole: &[u8]) {
    let (_folder, path) = folder(name);
    for length in (1..whole.len()).step_by(1 + whole.len() / 100) {
        fs::write(&path, &whole[..length]).unwrap();
        fault(&path);
    }
}

/// Whatever one byte of a file becomes, it is read or refused in one line, without a panic.
fn bears_changes(name: &str, whole: &[u8]) {
    let (_folder, path) = folder(name);
    for place in (0..whole.len().min(700)).step_by(3) {
        for change in [0x01, 0xff] {
            let mut bytes = whole.to_vec();
            bytes[place] ^= change;
            fs::write(&path, &bytes).unwrap();
            if let Err(error) = read(&path, 0, 1) {
                assert_eq!(error.to_string().lines().count(), 1, "byte {place}: {error}");
            }
        }
    }
}

/// Numbers of a body that tell which body and which number they are.
fn number(body: usize, place: usize) -> f32 {
    (body * 10 + place) as f32 + 0.25
}

fn require_numbers(bodies: &Bodies, mass: impl Fn(usize) -> f64) {
    for i in 0..bodies.len() {
        assert_eq!(bodies.mass[i], mass(i), "mass of {i}");
        assert_eq!(bodies.position(i), [1, 2, 3].map(|place| f64::from(number(i, place))));
        assert_eq!(bodies.velocity(i), [4, 5, 6].map(|place| f64::from(number(i, place))));
    }
}

#[test]
fn files_of_programs_that_are_not_read_are_recognized() {
    for start in [[0x92, 0x09], [0x92, 0x0b], [0x09, 0x92], [0x0b, 0x92]] {
        let fault = fault_of("a", &[&start[..], b"c\0History\0"].concat());
        assert!(fault.starts_with("is a file of NEMO") && fault.contains("snapprint"), "{fault}");
    }
    assert_eq!(fault_of("a", b"\xff\xfem\0a\0"), "is text in UTF-16; save it as UTF-8");
}
