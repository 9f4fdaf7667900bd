//! Galaxies of a snapshot by the ids of their bodies.

use super::snapshot::{self, Selection, Snapshot, Taken};
use crate::console::warn;
use crate::files::kinds::NAMES;
use crate::plot::output::{Output, Targets};
use crate::plot::units::AxisUnits;
use crate::render::{options, tint};
use anyhow::{Result, ensure};
use nbody::profile::Centre;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use viz::Rgb;
use viz::plot::{colours, shades};

/// A result from one snapshot and galaxy, or from the whole.
pub(in crate::plot) type OfGalaxy<T> = Taken<(Option<usize>, T)>;

/// Option of plots that show galaxies apart.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct GalaxyOptions {
    /// Galaxies, each of which is measured by itself: `model` for those of the model of the run, or
    /// the first and last id of each, as 0-59999,60000-119999 or with names as
    /// A=0-59999,B=60000-119999 [default: all bodies together; for `separation` the galaxies of the
    /// model].
    #[arg(long, value_name = "model|[NAME=]FIRST-LAST,...", value_delimiter = ',', value_parser = wanted)]
    pub galaxies: Vec<Wanted>,
}

/// Options of plots of bodies that show galaxies apart.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// Snapshots of any format that `heorot convert` reads. If a snapshot has several files, give
    /// any or all of them; they count as one snapshot.
    #[arg(required = true, value_name = "SNAPSHOT")]
    pub snapshots: Vec<PathBuf>,
    /// Galaxies that are shown apart.
    #[command(flatten)]
    pub galaxies: GalaxyOptions,
    /// Output files.
    #[command(flatten)]
    pub output: Output,
}

impl Common {
    /// Reserves the output files.
    ///
    /// # Errors
    /// If one of them must not be written.
    pub(in crate::plot) fn claim(&self) -> Result<Targets> {
        self.output.claim(&self.snapshots)
    }

    /// Results from all snapshots, as [`GalaxyOptions::each`].
    ///
    /// # Errors
    /// As there.
    pub(in crate::plot) fn each<T>(
        &self,
        selection: &Selection,
        of: impl Fn(&Snapshot) -> Result<T>,
    ) -> Result<Measured<T>> {
        self.galaxies.each(selection, &self.snapshots, of)
    }
}

/// Galaxies of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those of the model.
    Model,
    /// One galaxy.
    One(Galaxy),
}

/// A galaxy by the ids of its bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Galaxy {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Ids of its bodies.
    pub ids: RangeInclusive<u64>,
}

/// Galaxies that are shown apart; none if all bodies are shown together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::plot) struct Galaxies(pub Vec<Galaxy>);

fn wanted(text: &str) -> Result<Wanted, String> {
    if text == "model" {
        return Ok(Wanted::Model);
    }
    let (name, ids) = options::galaxy(text)?;
    Ok(Wanted::One(Galaxy { name, ids }))
}

impl GalaxyOptions {
    /// The galaxies.
    ///
    /// # Errors
    /// If this snapshot does not name the galaxies of its model, or two galaxies share ids.
    pub(in crate::plot) fn galaxies(&self, first: &Path) -> Result<Galaxies> {
        let of = |wanted: &Wanted| match wanted {
            Wanted::Model => Ok(of_model(first)?.0),
            Wanted::One(galaxy) => Ok(vec![galaxy.clone()]),
        };
        let all = self.galaxies.iter().map(of).collect::<Result<Vec<_>>>()?.concat();
        tint::refuse_equal_names(all.iter().map(|galaxy| &galaxy.name))?;
        tint::refuse_shared_ids(all.iter().map(|galaxy| &galaxy.ids))?;
        Ok(Galaxies(all))
    }

    /// Reads snapshots and applies `of` to each galaxy about its own centre, or to the whole if
    /// galaxies are not shown apart. Each result has its galaxy. Results are ordered by time.
    ///
    /// # Errors
    /// As [`Selection::each`], and if a galaxy has no bodies. One that has none of the wanted types is left
    /// out with a warning, unless that leaves none.
    pub(in crate::plot) fn each<T>(
        &self,
        selection: &Selection,
        paths: &[PathBuf],
        of: impl Fn(&Snapshot) -> Result<T>,
    ) -> Result<Measured<T>> {
        let paths = snapshot::distinct(paths)?;
        let galaxies = self.galaxies(&paths[0])?;
        let noted = RefCell::new(BTreeSet::new());
        let parts = |snapshot: &Snapshot| {
            if galaxies.0.is_empty() {
                return Ok(vec![(None, of(snapshot)?)]);
            }
            let has = |k: &usize| !galaxies.members(snapshot, *k).is_empty();
            let (mut there, missing): (Vec<usize>, Vec<usize>) = (0..galaxies.0.len()).partition(has);
            if there.is_empty() || snapshot.types.is_empty() {
                there = (0..galaxies.0.len()).collect();
            } else {
                let new = missing.into_iter().filter(|k| noted.borrow_mut().insert(*k));
                new.for_each(|k| {
                    warn(&format!(
                        "{}: {}; it is left out",
                        snapshot.source.path.display(),
                        galaxies.lack(snapshot, k)
                    ))
                });
            }
            let part = |k| Ok((Some(k), of(&galaxies.of(snapshot, k)?)?));
            there.into_iter().map(part).collect()
        };
        let (units, all) = selection.each(&paths, parts)?;
        let each = all.into_iter().flat_map(|Taken { time, name, label, taken }| {
            taken.into_iter().map(move |part| Taken {
                time,
                name: name.clone(),
                label: label.clone(),
                taken: part,
            })
        });
        let all = each.collect();
        Ok(Measured { units, galaxies, all })
    }
}

/// Results from snapshots and galaxies.
pub(in crate::plot) struct Measured<T> {
    /// Units of the axes.
    pub units: AxisUnits,
    /// The galaxies.
    pub galaxies: Galaxies,
    /// The results, ordered by time, and those of one snapshot by galaxy.
    pub all: Vec<OfGalaxy<T>>,
}

impl<T> Measured<T> {
    /// Label of the line of a snapshot and a galaxy.
    pub(in crate::plot) fn label(&self, one: &OfGalaxy<T>) -> String {
        self.galaxies.label(one.taken.0, &one.label)
    }

    /// Label and colour of the line of each result. At several times, a galaxy has shades of one colour,
    /// and only the first and the last time are named.
    pub(in crate::plot) fn lines(&self) -> Vec<(String, Rgb)> {
        let own = |place: Option<usize>| self.all.iter().filter(move |one| one.taken.0 == place).count();
        let plain = colours(self.all.len()).into_iter();
        if self.galaxies.0.is_empty() || self.all.len() == self.places().len() {
            return self.all.iter().map(|one| self.label(one)).zip(plain).collect();
        }
        let mut left: BTreeMap<Option<usize>, std::vec::IntoIter<Rgb>> = BTreeMap::new();
        for (place, colour) in self.places().into_iter().zip(colours(self.places().len())) {
            left.insert(place, shades(colour, own(place)).into_iter());
        }
        let line = |one: &OfGalaxy<T>| {
            let shades = left.get_mut(&one.taken.0).expect("all places have shades");
            let is_first = shades.len() == own(one.taken.0);
            let colour = shades.next().expect("there is a shade for each result");
            let is_end = is_first || shades.len() == 0;
            (if is_end { self.label(one) } else { String::new() }, colour)
        };
        self.all.iter().map(line).collect()
    }

    /// The galaxies with a result, or none for the whole.
    pub(in crate::plot) fn places(&self) -> Vec<Option<usize>> {
        let shown: BTreeSet<Option<usize>> = self.all.iter().map(|one| one.taken.0).collect();
        shown.into_iter().collect()
    }

    /// Snapshot and galaxy of a row of a table.
    pub(in crate::plot) fn words<'a>(&self, one: &'a OfGalaxy<T>) -> [std::borrow::Cow<'a, str>; 2] {
        [one.name.as_str().into(), self.galaxies.key(one.taken.0).into()]
    }
}

impl Galaxies {
    /// Name of a galaxy in legends.
    pub(in crate::plot) fn name(&self, k: usize) -> String {
        tint::name(k, self.0[k].name.as_ref())
    }

    /// Name of a galaxy in tables, or its number counted from 1; `all` for the whole.
    pub(in crate::plot) fn key(&self, galaxy: Option<usize>) -> String {
        let name = |k: usize| self.0[k].name.clone().unwrap_or_else(|| (k + 1).to_string());
        galaxy.map_or("all".to_owned(), name)
    }

    /// Label of a line of a galaxy, with this remark.
    pub(in crate::plot) fn label(&self, galaxy: Option<usize>, remark: &str) -> String {
        let name = galaxy.map_or_else(String::new, |k| self.name(k));
        [name.as_str(), remark].into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// The galaxies as they are counted, or none for the whole.
    pub(in crate::plot) fn places(&self) -> Vec<Option<usize>> {
        if self.0.is_empty() { vec![None] } else { (0..self.0.len()).map(Some).collect() }
    }

    /// Indices of the bodies of a galaxy.
    fn members(&self, snapshot: &Snapshot, k: usize) -> Vec<u32> {
        let all = &snapshot.bodies;
        (0..all.len() as u32).filter(|&i| self.0[k].ids.contains(&all.id[i as usize])).collect()
    }

    /// Says that a galaxy has no bodies, of the wanted types or at all.
    fn lack(&self, snapshot: &Snapshot, k: usize) -> String {
        let ids = &self.0[k].ids;
        let types: Vec<&str> = snapshot.types.iter().map(|kind| NAMES[usize::from(*kind)]).collect();
        let of_types =
            if types.is_empty() { String::new() } else { format!(" of type {}", types.join(" or ")) };
        format!("has no body{of_types} of {}, ids {} to {}", self.name(k), ids.start(), ids.end())
    }

    /// The bodies of a galaxy about its own centre.
    ///
    /// # Errors
    /// If there are none.
    pub(in crate::plot) fn of(&self, snapshot: &Snapshot, k: usize) -> Result<Snapshot> {
        let ids = &self.0[k].ids;
        let members = self.members(snapshot, k);
        ensure!(!members.is_empty(), self.lack(snapshot, k));
        let mut bodies = snapshot.bodies.clone();
        bodies.permute(&members);
        let own = match snapshot.source.centre_if_counted(snapshot.is_counted, snapshot.domain, Some(ids))? {
            Some(centre) => centre.seen_from(&snapshot.centre, snapshot.domain),
            None => Centre::find_in(&bodies, snapshot.domain),
        };
        own.subtract_from(&mut bodies, snapshot.domain);
        let sum = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|axis| a[axis] + b[axis]);
        let centre = Centre {
            position: sum(snapshot.centre.position, own.position),
            velocity: sum(snapshot.centre.velocity, own.velocity),
        };
        let (source, types) = (snapshot.source.clone(), snapshot.types.clone());
        Ok(Snapshot { source, centre, bodies, is_whole: false, types, ids: Some(ids.clone()), ..*snapshot })
    }
}

/// The galaxies of the model in a snapshot.
///
/// # Errors
/// If it cannot be read or does not name them.
pub(in crate::plot) fn of_model(path: &Path) -> Result<Galaxies> {
    let header = io::snapshot::read_header(path)?;
    let shown = path.display().to_string();
    let all = crate::files::galaxies::of(&header.parameters, header.count.iter().sum(), &shown)?;
    ensure!(
        all.len() > 1,
        "{shown}: its model is one galaxy alone; give the ids of the bodies of each galaxy with --galaxies 0-59999,60000-119999"
    );
    Ok(Galaxies(all.into_iter().map(|(name, ids)| Galaxy { name, ids }).collect()))
}
