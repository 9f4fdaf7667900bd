//! Comparison of checksums between ranks, and the list of reference checksums.

use anyhow::Result;
use decomposition::{Comm, collective};
use std::collections::BTreeMap;
use std::path::Path;

/// The first difference between two lists of checksums, and the ranks that have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Index in the list, from 0.
    pub place: usize,
    /// Ranks whose checksums differ there.
    pub ranks: Vec<usize>,
}

/// Finds the first checksum that differs from the expected one on any rank. Later differences carry
/// no information, since all bodies interact. Collective.
pub(super) fn first_difference(comm: &dyn Comm, expected: &[u64], found: &[u64]) -> Option<Compared> {
    first_shifted_difference(comm, 0, expected, found)
}

/// Like [`first_difference`] if each rank has computed the bodies of the rank `shift` before it.
/// The result names the ranks that expected another checksum. Collective.
pub(super) fn first_shifted_difference(
    comm: &dyn Comm,
    shift: usize,
    expected: &[u64],
    found: &[u64],
) -> Option<Compared> {
    assert_eq!(expected.len(), found.len(), "lists of checksums have different lengths");
    let all = collective::gather(comm, &[expected, found].concat());
    let differs = |rank: usize| {
        let (expected, _) = all[rank].split_at(found.len());
        let (_, found) = all[(rank + shift) % all.len()].split_at(found.len());
        expected.iter().zip(found).position(|(expected, found)| expected != found)
    };
    let places: Vec<Option<usize>> = (0..all.len()).map(differs).collect();
    let place = places.iter().flatten().copied().min()?;
    Some(Compared { place, ranks: (0..all.len()).filter(|&rank| places[rank] == Some(place)).collect() })
}

/// Reference checksums by the description of their state.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct References(BTreeMap<String, String>);

impl References {
    /// The references that are built into the program.
    pub(super) fn built_in() -> References {
        let text = include_str!("../../inputs/bench/checksums.toml");
        References::parse(text, "inputs/bench/checksums.toml").expect("a test has read it")
    }

    /// Reads the references of a file. The list is empty if there is no file.
    ///
    /// # Errors
    /// If the file cannot be read or is not a list of checksums.
    pub(super) fn read(path: &Path) -> Result<References> {
        match io::read_text(path) {
            Ok(text) => References::parse(&text, &path.display().to_string()),
            Err(io::Error::System { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound => {
                Ok(References::default())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn parse(text: &str, name: &str) -> Result<References> {
        Ok(References(io::parameters::from_str(text, name, &[])?))
    }

    /// The reference checksum of a state.
    pub(super) fn get(&self, what: &str) -> Option<&str> {
        self.0.get(what).map(String::as_str)
    }

    /// Adds a checksum if the state has none yet.
    pub(super) fn add(&mut self, what: &str, checksum: &str) {
        self.0.entry(what.to_owned()).or_insert_with(|| checksum.to_owned());
    }

    /// Adds to a file the checksums that it lacks. Everything in the file is kept, including
    /// comments.
    ///
    /// # Errors
    /// If the file cannot be written or is not a list of checksums.
    pub(super) fn add_to(&self, path: &Path) -> Result<()> {
        const HEAD: &str = "# Checksums of heorot bench: problem and version, walk, bodies, steps, SIMD path, processor family.\n";
        io::update(path, |old| {
            let known = References::parse(old, &path.display().to_string())?;
            let mut text = if old.is_empty() { HEAD.to_owned() } else { old.to_owned() };
            if !text.ends_with('\n') {
                text.push('\n');
            }
            for (what, checksum) in self.0.iter().filter(|(what, _)| known.get(what).is_none()) {
                text += &format!("\"{what}\" = \"{checksum}\"\n");
            }
            Ok(text)
        })
    }
}

/// Formats a checksum for people.
pub(super) fn words(checksum: u64) -> String {
    format!("{checksum:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;

    #[test]
    fn the_rank_that_differs_first_is_named() {
        let found = threads::run(4, |comm| {
            let expected = [10, 20, 30, 40];
            let mut mine = expected;
            match comm.rank() {
                1 => mine[2] = 0,
                2 => mine[1] = 0,
                3 => mine[3] = 0,
                _ => (),
            }
            (first_difference(comm, &expected, &mine), first_difference(comm, &expected, &expected))
        });
        assert_eq!(found, vec![(Some(Compared { place: 1, ranks: vec![2] }), None); 4]);
        // Each rank has found what the rank before it expected, except rank 0: it checked rank 3
        // and found another value.
        let found = threads::run(4, |comm| {
            let rank = comm.rank() as u64;
            let mine = [10 + (rank + 3) % 4, if rank == 0 { 99 } else { 20 }];
            first_shifted_difference(comm, 1, &[10 + rank, 20], &mine)
        });
        assert_eq!(found, vec![Some(Compared { place: 1, ranks: vec![3] }); 4]);
    }

    #[test]
    fn references_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("references.toml");
        let mut references = References::read(&path).unwrap();
        assert_eq!(references, References::default());
        references.add("plummer 1, fmm", "00ff");
        references.add_to(&path).unwrap();
        assert_eq!(References::read(&path).unwrap().get("plummer 1, fmm"), Some("00ff"));
        std::fs::write(&path, "\"a\" = 3\n").unwrap();
        assert!(References::read(&path).unwrap_err().to_string().contains("references.toml:1"));
        References::built_in();
    }
}
