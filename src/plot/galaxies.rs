//! Galaxies of a snapshot by the ids of their bodies.

use super::snapshot::{Selection, Snapshot, Taken};
use super::units::AxisUnits;
use crate::render::{options, tint};
use anyhow::{Result, bail, ensure};
use nbody::profile::Centre;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// A result from one snapshot and galaxy, or from the whole.
pub(super) type OfGalaxy<T> = Taken<(Option<usize>, T)>;

/// Option of plots that show galaxies apart.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GalaxyOptions {
    /// Galaxies that are measured one by one: `model` for those of the model of the run, or the ids of
    /// each, as 0-59999,60000-119999 [default: all bodies together; for `separation` the galaxies of the
    /// model].
    #[arg(long, value_name = "model|FIRST-LAST,...", value_delimiter = ',', value_parser = wanted)]
    pub galaxies: Vec<Wanted>,
}

/// Galaxies of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of the model.
    Model,
    /// One with these ids.
    Ids(RangeInclusive<u64>),
}

fn wanted(text: &str) -> Result<Wanted, String> {
    if text == "model" { Ok(Wanted::Model) } else { options::ids(text).map(Wanted::Ids) }
}

impl GalaxyOptions {
    /// The ids of each galaxy; none if galaxies are not shown apart.
    ///
    /// # Errors
    /// If this snapshot does not name the galaxies of its model, or two galaxies share ids.
    pub(super) fn ids(&self, first: &Path) -> Result<Vec<RangeInclusive<u64>>> {
        let of = |wanted: &Wanted| match wanted {
            Wanted::Model => of_model(first),
            Wanted::Ids(ids) => Ok(vec![ids.clone()]),
        };
        let all = self.galaxies.iter().map(of).collect::<Result<Vec<_>>>()?.concat();
        for (k, a) in all.iter().enumerate() {
            for b in &all[..k] {
                let (first, last) = (a.start().max(b.start()), a.end().min(b.end()));
                ensure!(first > last, "--galaxies: two galaxies share the ids from {first} to {last}");
            }
        }
        Ok(all)
    }

    /// Reads snapshots and applies `of` to each galaxy about its own centre, or to the whole if
    /// galaxies are not shown apart. Each result has its galaxy. Results are ordered by time.
    ///
    /// # Errors
    /// As [`Selection::each`], and if a galaxy has no bodies.
    pub(super) fn each<T>(
        &self,
        selection: &Selection,
        paths: &[PathBuf],
        of: impl Fn(&Snapshot) -> Result<T>,
    ) -> Result<(AxisUnits, Vec<OfGalaxy<T>>)> {
        let galaxies = self.ids(&paths[0])?;
        let parts = |snapshot: &Snapshot| {
            if galaxies.is_empty() {
                return Ok(vec![(None, of(snapshot)?)]);
            }
            let part = |(k, ids)| Ok((Some(k), of(&galaxy(snapshot, k, ids)?)?));
            galaxies.iter().enumerate().map(part).collect()
        };
        let (units, all) = selection.each(paths, parts)?;
        let each = all.into_iter().flat_map(|Taken { time, name, taken }| {
            taken.into_iter().map(move |part| Taken { time, name: name.clone(), taken: part })
        });
        Ok((units, each.collect()))
    }
}

/// Name of a galaxy in tables, counted from 1; `all` for the whole.
pub(super) fn number(galaxy: Option<usize>) -> String {
    galaxy.map_or("all".to_owned(), |k| (k + 1).to_string())
}

/// Label of a line of a snapshot and a galaxy.
pub(super) fn label(galaxy: Option<usize>, time: String) -> String {
    match galaxy {
        None => time,
        Some(k) if time.is_empty() => format!("galaxy {}", k + 1),
        Some(k) => format!("galaxy {}, {time}", k + 1),
    }
}

/// The ids of the galaxies of the model in a snapshot.
///
/// # Errors
/// If it cannot be read or does not name them.
pub(super) fn of_model(path: &Path) -> Result<Vec<RangeInclusive<u64>>> {
    let header = io::snapshot::read_header(path)?;
    tint::galaxies_of(&header.parameters, header.count.iter().sum(), &path.display().to_string())
}

/// The bodies of a galaxy about its own centre. Galaxies are counted from 0.
///
/// # Errors
/// If there are none.
pub(super) fn galaxy(snapshot: &Snapshot, k: usize, ids: &RangeInclusive<u64>) -> Result<Snapshot> {
    let all = &snapshot.bodies;
    let members: Vec<u32> = (0..all.len() as u32).filter(|&i| ids.contains(&all.id[i as usize])).collect();
    if members.is_empty() {
        bail!("{}: has no body of galaxy {}, ids {} to {}", snapshot.name, k + 1, ids.start(), ids.end());
    }
    let mut bodies = all.clone();
    bodies.permute(&members);
    let own = Centre::find(&bodies);
    for axis in 0..3 {
        bodies.pos[axis].iter_mut().for_each(|x| *x -= own.position[axis]);
        bodies.vel[axis].iter_mut().for_each(|v| *v -= own.velocity[axis]);
    }
    let sum = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|axis| a[axis] + b[axis]);
    let centre = Centre {
        position: sum(snapshot.centre.position, own.position),
        velocity: sum(snapshot.centre.velocity, own.velocity),
    };
    Ok(Snapshot { name: snapshot.name.clone(), centre, bodies, whole: None, ..*snapshot })
}
