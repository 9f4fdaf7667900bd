//! The program as users run it: its output files, the same bits on any number of ranks, and
//! one-line errors.

#![allow(clippy::disallowed_methods)] // tests hold results against bounds, not bits

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

mod forces;
mod movies;
mod potentials;
mod runs;
mod universe;

const RUN: &str = r#"
[initial]
model = "collision"
bodies = 600
seed = 4
spin = 0.5
[units]
system = "nbody"
[gravity]
softening = 0.1
[time]
end = 0.5
step = 0.04
[output]
folder = "FOLDER"
snapshot_every = 0.2
acceleration = true
potential = true
"#;

fn heorot(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heorot")).args(arguments).output().unwrap()
}

fn succeed(arguments: &[&str]) -> String {
    let output = heorot(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail. Returns its one-line error.
fn fail(arguments: &[&str], code: i32) -> String {
    let output = heorot(arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    text
}

/// A folder with `run.toml`, and the output folder of that run.
fn prepare(text: &str) -> (TempDir, String, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    let file = root.path().join("run.toml");
    fs::write(&file, text.replace("FOLDER", folder.to_str().unwrap())).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (root, file, folder)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}
