//! Checksums of the state of all bodies: whole numbers that are equal on any ranks and threads, and those that are known to be right.

use crate::accuracy::hash;
use anyhow::Result;
use decomposition::{Comm, collective};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use treecode::Bodies;

/// Sum over the bodies of a hash of all bits that a step leaves of each. The sum over all ranks, too, wraps around.
pub fn of(bodies: &Bodies) -> u64 {
    let one = |i: usize| {
        let (pos, vel, acc) = (bodies.position(i), bodies.velocity(i), bodies.acceleration(i));
        let numbers = pos.into_iter().chain(vel).chain(acc).chain([bodies.mass[i], bodies.pot[i]]);
        numbers.fold(hash(bodies.id[i]), |sum, x| hash(sum ^ x.to_bits()))
    };
    (0..bodies.len()).into_par_iter().with_min_len(1 << 12).map(one).reduce(|| 0, u64::wrapping_add)
}

/// Where ranks first have other checksums than before, step by step: the step, from 1, and those ranks. Later differences say nothing, since bodies feel
/// each other. Collective.
pub fn first_difference(comm: &dyn Comm, expected: &[u64], found: &[u64]) -> Option<(usize, Vec<usize>)> {
    let differs = expected.iter().zip(found).position(|(expected, found)| expected != found);
    let mine = differs.map_or(u64::MAX, |step| step as u64);
    let all: Vec<u64> = collective::gather(comm, &[mine]).concat();
    let first = all.iter().copied().min().filter(|&step| step != u64::MAX)?;
    let ranks = (0..all.len()).filter(|&rank| all[rank] == first).collect();
    Some((first as usize + 1, ranks))
}

/// Checksums that are known to be right, by what they are of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct References(BTreeMap<String, String>);

impl References {
    /// Those of the project.
    pub fn built_in() -> References {
        let text = include_str!("../../inputs/bench/checksums.toml");
        References::parse(text, "inputs/bench/checksums.toml").expect("a test has read it")
    }

    /// Those of a file; none if there is no file.
    ///
    /// # Errors
    /// If the file cannot be read, or holds something else.
    pub fn read(path: &Path) -> Result<References> {
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

    /// That of a state.
    pub fn get(&self, what: &str) -> Option<&str> {
        self.0.get(what).map(String::as_str)
    }

    /// Adds one, unless there is one.
    pub fn add(&mut self, what: &str, checksum: &str) {
        self.0.entry(what.to_owned()).or_insert_with(|| checksum.to_owned());
    }

    /// Adds to a file those that it lacks; what it holds, remarks too, stays.
    ///
    /// # Errors
    /// If it cannot be written, or holds something else.
    pub fn add_to(&self, path: &Path) -> Result<()> {
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

/// As people read it.
pub fn words(checksum: u64) -> String {
    format!("{checksum:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;

    fn bodies() -> Bodies {
        let mut bodies = Bodies::zeroed(1000);
        bodies.pos[1].iter_mut().zip(0..).for_each(|(y, i)| *y = f64::from(i).sqrt());
        bodies
    }

    #[test]
    fn a_checksum_sees_each_bit_but_not_the_order() {
        let all = bodies();
        let mut halves = [all.clone(), all.clone()];
        halves[0].keep(0..300);
        halves[1].keep(300..1000);
        let sum = halves.iter().map(of).fold(0, u64::wrapping_add);
        assert_eq!(of(&all), sum);
        let changes: [fn(&mut Bodies) -> &mut f64; 5] = [
            |b| &mut b.pos[0][7],
            |b| &mut b.vel[2][0],
            |b| &mut b.acc[1][999],
            |b| &mut b.mass[500],
            |b| &mut b.pot[3],
        ];
        for change in changes {
            let mut other = all.clone();
            let number = change(&mut other);
            *number = f64::from_bits(number.to_bits() ^ 1);
            assert_ne!(of(&other), of(&all));
        }
        let mut swapped = all.clone();
        swapped.pos[1].swap(3, 4);
        assert_ne!(of(&swapped), of(&all), "places belong to ids");
    }

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
        assert_eq!(found, vec![(Some((2, vec![2])), None); 4]);
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
