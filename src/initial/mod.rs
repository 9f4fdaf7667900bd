//! Where a run starts: a snapshot, converted to the units of the run, or a model.

mod keys;

pub use keys::{Keys, MODELS, ModelName};

use crate::console::warn;
use crate::crew::Crew;
use crate::ids;
use crate::model::{self, Model};
use anyhow::{Result, ensure};
use io::Units;
use io::snapshot::{self, Header};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use treecode::Bodies;

/// The `[initial]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys", untagged)]
pub enum Initial {
    /// A snapshot.
    File {
        /// One file, or the first or the base name of several.
        file: PathBuf,
    },
    /// A model.
    Model(Model),
}

/// A rank's share of the bodies a run starts with.
pub struct Start {
    /// The bodies, on any rank in any order.
    pub bodies: Bodies,
    /// Their time [T].
    pub time: f64,
}

/// A rank's share of bodies, and what is known of their numbers.
pub struct Loaded {
    /// The bodies and their time.
    pub start: Start,
    /// Their units.
    pub units: Units,
    /// Whether the ids are none that a file or a model gave them, see [`Header::has_invented_ids`].
    pub invented_ids: bool,
}

impl Initial {
    /// How many bodies a run starts with and at which time in `units` [T], without reading or drawing them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn survey(&self, units: &Units) -> Result<(u64, f64)> {
        match self {
            Initial::File { file } => {
                let header = snapshot::read_header(file)?;
                let scale = header.units.map_or(1.0, |theirs| ratio(theirs.time_in_s(), units.time_in_s()));
                Ok((header.count.iter().sum(), header.time * scale))
            }
            Initial::Model(model) => Ok((model.bodies(), 0.0)),
        }
    }

    /// The file that the bodies come from, if they do.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Initial::File { file } => Some(file),
            Initial::Model(_) => None,
        }
    }

    /// Reads or draws the bodies, in `units`. Collective.
    ///
    /// # Errors
    /// The same on every rank, if the file cannot be read or holds an impossible body.
    pub fn load(&self, crew: &Crew, units: &Units) -> Result<Loaded> {
        match self {
            Initial::File { file } => read_with_unique_ids(crew, file, Some(units)),
            Initial::Model(model) => {
                let bodies = model::generate(crew.comm, model, units.gravitational_constant());
                let start = Start { bodies, time: 0.0 };
                Ok(Loaded { start, units: *units, invented_ids: false })
            }
        }
    }
}

/// Reads a rank's share of a snapshot, or of a file of another program, and converts it to `units`, or leaves it in its own; says which units they are. A file that
/// names none is taken as it is. Collective.
///
/// # Errors
/// The same on every rank, if the file cannot be read or holds an impossible body.
pub fn read(crew: &Crew, path: &Path, units: Option<&Units>) -> Result<(Start, Units)> {
    let (_, start, units) = read_file(crew, path, units)?;
    Ok((start, units))
}

/// As [`read`], and says where the ids are from. Collective.
///
/// # Errors
/// As [`read`].
pub fn read_as_it_is(crew: &Crew, path: &Path, units: Option<&Units>) -> Result<Loaded> {
    let (header, start, units) = read_file(crew, path, units)?;
    Ok(Loaded { start, units, invented_ids: header.has_invented_ids() })
}

/// As [`read`], but bodies that share ids get others: all bodies are then numbered in the order of the file, and a warning says so. Collective.
///
/// # Errors
/// As [`read`].
pub fn read_with_unique_ids(crew: &Crew, path: &Path, units: Option<&Units>) -> Result<Loaded> {
    let (header, mut start, units) = read_file(crew, path, units)?;
    let mut invented_ids = header.has_invented_ids();
    if let Some(shared) = ids::shared(crew.comm, &start.bodies.id) {
        invented_ids = true;
        start.bodies.id = header.numbering(crew.comm.rank(), crew.comm.size());
        start.bodies.assert_well_formed();
        if crew.leads() {
            warn(&format!(
                "{}: {}; all bodies are numbered anew in the order of the file",
                path.display(),
                shared.words()
            ));
        }
    }
    Ok(Loaded { start, units, invented_ids })
}

/// What [`read`] does, with the header of the file.
fn read_file(crew: &Crew, path: &Path, units: Option<&Units>) -> Result<(Header, Start, Units)> {
    let (rank, size) = (crew.comm.rank(), crew.comm.size());
    let (header, mut bodies) = crew.agree(|| Ok(snapshot::read(path, rank, size)?))?;
    let lines = format!("{header:#?}").lines().map(|line| line.trim().to_owned()).collect();
    crew.ensure_alike(&format!("what {} says of itself", path.display()), lines)?;
    ensure!(header.count.iter().sum::<u64>() > 0, "{}: holds no bodies", path.display());
    if header.numbered && crew.leads() {
        warn(&format!("{}: has no ids; bodies are numbered in the order of the file", path.display()));
    }
    if !header.ignored.is_empty() && crew.leads() {
        warn(&format!("{}: columns without a meaning here: {}", path.display(), header.ignored.join(", ")));
    }
    if header.box_size > 0.0 && crew.leads() {
        warn(&format!(
            "{}: its box of {} is not periodic here; bodies feel each other only",
            path.display(),
            header.box_size
        ));
    }
    let theirs = header.units.or(units.copied()).unwrap_or_default();
    let ours = units.copied().unwrap_or(theirs);
    convert(&mut bodies, &theirs, &ours);
    let time = header.time * ratio(theirs.time_in_s(), ours.time_in_s());
    Ok((header, Start { bodies, time }, ours))
}

/// `theirs / ours`, and exactly 1 where they differ by no more than the rounding of a number written in decimals.
fn ratio(theirs: f64, ours: f64) -> f64 {
    let ratio = theirs / ours;
    if (ratio - 1.0).abs() < 1e-12 { 1.0 } else { ratio }
}

fn convert(bodies: &mut Bodies, theirs: &Units, ours: &Units) {
    let length = ratio(theirs.length_in_cm, ours.length_in_cm);
    let mass = ratio(theirs.mass_in_g, ours.mass_in_g);
    let velocity = ratio(theirs.velocity_in_cm_per_s, ours.velocity_in_cm_per_s);
    let scale = |array: &mut Vec<f64>, factor: f64| array.iter_mut().for_each(|x| *x *= factor);
    scale(&mut bodies.mass, mass);
    scale(&mut bodies.pot, velocity * velocity);
    for axis in 0..3 {
        scale(&mut bodies.pos[axis], length);
        scale(&mut bodies.vel[axis], velocity);
        scale(&mut bodies.acc[axis], velocity * velocity / length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crew::Files;
    use crate::launch::Layout;
    use decomposition::threads;
    use io::snapshot::Fields;
    use std::sync::Mutex;

    /// Bodies of two types, in the order of their places.
    fn bodies(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        bodies.mass.fill(1.0);
        for i in 0..n {
            bodies.kind[i] = 1 + (2 * i / n) as u8;
            bodies.pos[0][i] = i as f64 / n as f64;
        }
        bodies
    }

    /// What ranks read of a file together, in the order of the ids, and whether these were invented.
    fn read_on(ranks: usize, path: &Path) -> (Bodies, bool) {
        let pool = Mutex::new(Vec::new());
        let parts = threads::run(ranks, |comm| {
            let crew = Crew::new(comm, Layout::ALONE, 1, Files::Pool(&pool));
            let Loaded { start, invented_ids, .. } = read_with_unique_ids(&crew, path, None).unwrap();
            (start.bodies, invented_ids)
        });
        let mut all = Bodies::default();
        parts.iter().for_each(|(bodies, _)| all.append(bodies));
        let mut order: Vec<u32> = (0..all.len() as u32).collect();
        order.sort_by_key(|i| all.id[*i as usize]);
        all.permute(&order);
        (all, parts[0].1)
    }

    #[test]
    fn bodies_that_share_ids_are_numbered_in_the_order_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let unique = bodies(40);
        for (name, change) in [
            ("unique.hdf5", (|_, id| id) as fn(usize, u64) -> u64),
            ("zero.hdf5", |_, _| 0),
            ("twins.hdf5", |i, id| if i == 30 { 104 } else { id }),
        ] {
            let path = folder.path().join(name);
            let mut written = unique.clone();
            (0..40).for_each(|i| written.id[i] = change(i, 100 + 2 * i as u64));
            let (header, layout) = (Header::default(), snapshot::Layout::default());
            let target = io::Target::own(&path);
            Crew::alone().write_snapshot(&target, &header, &written, Fields::default(), &layout).unwrap();
            for ranks in [1, 3] {
                let (found, invented) = read_on(ranks, &path);
                assert_eq!(invented, name != "unique.hdf5", "{name}");
                let expected: Vec<u64> = if invented { (0..40).collect() } else { written.id.clone() };
                assert_eq!(found.id, expected, "{name} on {ranks} ranks");
                assert_eq!((&found.pos, &found.kind), (&unique.pos, &unique.kind), "{name} on {ranks} ranks");
            }
        }
    }
}
