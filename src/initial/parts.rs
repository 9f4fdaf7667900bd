//! Encounters of galaxies of which some come from files, or have massless bodies.

use super::{ALL, Loaded, Selection, check_kind, make_massless, read_file, warn_of_gas};
use crate::files::kinds;
use crate::ranks::crew::Crew;
use crate::ranks::spread::means;
use anyhow::{Result, ensure};
use decomposition::{Comm, collective};
use io::Units;
use io::snapshot;
use nbody::Start;
use nbody::model::{self, Keys, MODELS, Model, ModelName, Move, Orbit, Placement, State, TypeKey};
use serde::Serialize;
use std::path::{Path, PathBuf};
use treecode::Bodies;

/// An encounter whose galaxies are files and models.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Parts {
    model: ModelName,
    seed: u64,
    #[serde(flatten)]
    orbit: Option<Orbit>,
    galaxies: Vec<Part>,
}

/// A galaxy of such an encounter.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Part {
    /// Name in legends.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(flatten)]
    source: Source,
    #[serde(flatten)]
    placement: Placement,
    /// Types whose bodies get the mass 0.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    massless: Vec<u8>,
}

/// Where the bodies of a galaxy come from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant)] // an encounter has a few
enum Source {
    File {
        file: PathBuf,
        #[serde(skip_serializing_if = "Option::is_none")]
        cosmological: Option<bool>,
        /// Number of its bodies, if the parameter file has it. Pictures by galaxy need it.
        #[serde(skip_serializing_if = "Option::is_none")]
        bodies: Option<u64>,
    },
    Model(Model),
}

/// The types of a list of numbers and names.
///
/// # Errors
/// Names what is no type.
pub(super) fn types(list: Option<Vec<TypeKey>>) -> Result<Vec<u8>, String> {
    let text = |key: TypeKey| match key {
        TypeKey::Number(number) => number.to_string(),
        TypeKey::Name(name) => name,
    };
    let kind = |key| kinds::kind(&text(key)).map_err(|fault| format!("massless: {fault}"));
    list.unwrap_or_default().into_iter().map(kind).collect()
}

impl Parts {
    /// Whether an encounter of these keys has galaxies that a [`Model`] cannot have.
    pub(super) fn are_needed(keys: &Keys) -> bool {
        keys.galaxies.iter().flatten().any(|keys| keys.file.is_some() || keys.massless.is_some())
    }

    /// The encounter of these keys.
    ///
    /// # Errors
    /// A value is out of range, or a key has no meaning.
    pub(super) fn new(mut keys: Keys) -> Result<Parts, String> {
        let (seed, orbit, parts) = keys.parts()?;
        let part = |(k, (placement, keys))| {
            Part::new(placement, keys).map_err(|fault| format!("galaxies.{k}: {fault}"))
        };
        let galaxies = parts.into_iter().enumerate().map(part).collect::<Result<_, _>>()?;
        keys.finish(Parts { model: ModelName::Encounter, seed, orbit, galaxies }, "this model")
    }

    /// The files of the galaxies.
    pub(super) fn files(&self) -> Vec<&Path> {
        let files = self.galaxies.iter().filter_map(|part| match &part.source {
            Source::File { file, .. } => Some(file.as_path()),
            Source::Model(_) => None,
        });
        files.collect()
    }

    /// Number of bodies of each galaxy; `None` of a file that must be read for it.
    fn counts(&self) -> Vec<Option<u64>> {
        let count = |part: &Part| match &part.source {
            Source::File { bodies, .. } => *bodies,
            Source::Model(model) => Some(model.bodies()),
        };
        self.galaxies.iter().map(count).collect()
    }

    /// Number of bodies of each galaxy, given that of all: at most one may be unknown.
    pub fn galaxies(&self, all: u64) -> Option<Vec<u64>> {
        let counts = self.counts();
        let known: u64 = counts.iter().flatten().sum();
        let unknown = counts.iter().filter(|count| count.is_none()).count();
        let rest =
            all.checked_sub(known).filter(|rest| if unknown == 0 { *rest == 0 } else { unknown == 1 })?;
        Some(counts.into_iter().map(|count| count.unwrap_or(rest)).collect())
    }

    /// Names of the galaxies, as far as they have some.
    pub fn galaxy_names(&self) -> Vec<Option<String>> {
        self.galaxies.iter().map(|part| part.name.clone()).collect()
    }

    /// Number of all bodies, from the headers of the files.
    pub(super) fn survey(&self) -> Result<u64> {
        let mut sum = 0;
        for part in &self.galaxies {
            sum += match &part.source {
                Source::File { file, cosmological, .. } => {
                    let header = snapshot::read_header(file)?;
                    check_kind(file, &header, *cosmological, false)?;
                    header.count.iter().sum()
                }
                Source::Model(model) => model.bodies(),
            };
        }
        Ok(sum)
    }

    /// Reads and draws the bodies, in `units`. The ids are numbered galaxy by galaxy. Collective.
    pub(super) fn load(&self, crew: &Crew, units: &Units) -> Result<Loaded> {
        let constant = units.gravitational_constant();
        let (mut parts, mut masses, mut centres) = (Vec::new(), Vec::new(), Vec::new());
        let mut first = 0;
        for (k, part) in self.galaxies.iter().enumerate() {
            let mut bodies = part.bodies(crew, units, constant, first, k)?;
            make_massless(&mut bodies, &part.massless);
            first += collective::sum(crew.comm, bodies.len() as u64);
            let (mass, centre) = centre(crew.comm, &bodies);
            // The bodies of a model are about the origin already.
            let centre = if matches!(part.source, Source::File { .. }) { centre } else { State::default() };
            parts.push(bodies);
            masses.push(mass);
            centres.push(centre);
        }
        ensure!(
            self.orbit.is_none() || masses.iter().sum::<f64>() > 0.0,
            "initial.galaxies: both are massless, so there is no orbit; give each a `position`"
        );
        let placements: Vec<Placement> = self.galaxies.iter().map(|part| part.placement).collect();
        let moves = Move::of_all(self.orbit.as_ref(), &placements, constant, &masses);
        let mut all = Bodies::default();
        for ((mut bodies, centre), to) in parts.into_iter().zip(&centres).zip(&moves) {
            for i in 0..bodies.len() {
                let minus = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|axis| a[axis] - b[axis]);
                let about = State {
                    pos: minus(bodies.position(i), centre.pos),
                    vel: minus(bodies.velocity(i), centre.vel),
                };
                let State { pos, vel } = to.apply(&about);
                (0..3).for_each(|axis| (bodies.pos[axis][i], bodies.vel[axis][i]) = (pos[axis], vel[axis]));
            }
            bodies.acc.iter_mut().for_each(|axis| axis.fill(0.0));
            bodies.pot.fill(0.0);
            all.append(&bodies);
        }
        let start = Start { bodies: all, time: 0.0 };
        Ok(Loaded { start, units: *units, invented_ids: false, box_side: 0.0 })
    }
}

impl Part {
    fn new(placement: Placement, mut keys: Keys) -> Result<Part, String> {
        let massless = types(keys.massless.take())?;
        let name = keys.galaxy_name()?;
        let source = match (keys.file.take(), keys.model.take()) {
            (Some(file), None) => {
                let (cosmological, bodies) = (keys.cosmological.take(), keys.bodies.take());
                keys.finish(Source::File { file, cosmological, bodies }, "a file")?
            }
            (None, Some(name)) => Source::Model(keys.into_model(name)?),
            (Some(_), Some(_)) => return Err("give either `file` or `model`, not both".to_owned()),
            (None, None) => {
                return Err(format!("give `file = \"...\"` or `model = \"...\"`, one of {MODELS}"));
            }
        };
        Ok(Part { name, source, placement, massless })
    }

    /// The bodies of this rank, with ids from `first` on. Collective.
    fn bodies(&self, crew: &Crew, units: &Units, constant: f64, first: u64, k: usize) -> Result<Bodies> {
        match &self.source {
            Source::Model(model) => Ok(model::generate_from(crew.comm, model, constant, first)),
            Source::File { file, cosmological, bodies: expected } => {
                // Galaxies may have different further columns.
                let wanted = Selection { columns: false, ..ALL };
                let check = |header: &snapshot::Header| check_kind(file, header, *cosmological, false);
                let (header, start, _) = read_file(crew, file, Some(units), wanted, check)?;
                let count: u64 = header.count.iter().sum();
                if let Some(expected) = expected {
                    ensure!(
                        count == *expected,
                        "initial.galaxies.{k}.bodies = {expected}: {} has {count} bodies",
                        file.display()
                    );
                }
                warn_of_gas(crew, file, &header);
                let mut bodies = start.bodies;
                bodies.id = header.numbering(crew.comm.rank(), crew.comm.size());
                bodies.id.iter_mut().for_each(|id| *id += first);
                bodies.assert_well_formed();
                Ok(bodies)
            }
        }
    }
}

/// Mass of the bodies of all ranks [M], and state of their centre of mass. Massless bodies count alike
/// if no body has mass. Collective.
fn centre(comm: &dyn Comm, bodies: &Bodies) -> (f64, State) {
    let [x, y, z] = bodies.pos.each_ref().map(Vec::as_slice);
    let [u, v, w] = bodies.vel.each_ref().map(Vec::as_slice);
    let all: Vec<u32> = (0..bodies.len() as u32).collect();
    let (mass, [x, y, z, u, v, w]) =
        means(comm, &bodies.mass, [x, y, z, u, v, w], &all).unwrap_or((0.0, [0.0; 6]));
    (mass, State { pos: [x, y, z], vel: [u, v, w] })
}

#[cfg(test)]
mod tests {
    use super::super::Initial;
    use super::*;
    use decomposition::threads;
    use io::snapshot::{Fields, Header, Layout};
    use std::fmt::Write;
    use treecode::math;

    #[derive(serde::Deserialize)]
    struct Table {
        initial: Initial,
    }

    fn read(text: &str) -> Result<Initial, String> {
        let table = io::parameters::from_str::<Table>(text, "run.toml", &[]);
        table.map(|table| table.initial).map_err(|error| error.to_string())
    }

    /// An encounter of a file and a model with massless discs, in a folder with the file.
    fn encounter() -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.hdf5");
        let mut bodies = Bodies::zeroed(300);
        for i in 0..300 {
            let x = |k: u64| math::hash(6 * i as u64 + k) as f64 / u64::MAX as f64;
            (0..3).for_each(|axis| bodies.pos[axis][i] = 7.0 + x(axis as u64));
            (0..3).for_each(|axis| bodies.vel[axis][i] = -3.0 + x(3 + axis as u64));
            (bodies.id[i], bodies.mass[i], bodies.kind[i]) = (5 * i as u64, 1.0 + x(1), 1 + (i % 2) as u8);
        }
        let header = Header { units: Some(Units::NBODY), ..Header::default() };
        let target = io::Target::own(&path);
        Crew::alone()
            .write_snapshot(&target, &header, &bodies, Fields::default(), &Layout::default())
            .unwrap();
        let text = format!(
            "[initial]\nmodel = \"encounter\"\nseed = 2\npericentre = 1.0\ndistance = 15.0\neccentricity = 0.9\n\
             [[initial.galaxies]]\nfile = {path:?}\norientation = [30.0, 10.0]\nmassless = [\"halo\"]\n\
             [[initial.galaxies]]\nmodel = \"plummer\"\nbodies = 100\nmass = 100.0\n"
        );
        (folder, text)
    }

    fn loaded(initial: &Initial, ranks: usize) -> Bodies {
        let parts = threads::run(ranks, |comm| {
            let crew = Crew { comm, ..Crew::alone() };
            initial.load(&crew, &Units::NBODY, None).unwrap().start.bodies
        });
        let mut all = Bodies::default();
        parts.iter().for_each(|part| all.append(part));
        let mut order: Vec<u32> = (0..all.len() as u32).collect();
        order.sort_by_key(|i| all.id[*i as usize]);
        all.permute(&order);
        all
    }

    #[test]
    fn a_file_and_a_model_meet_on_their_orbit() {
        let (_folder, text) = encounter();
        let initial = read(&text).unwrap();
        assert_eq!(initial.survey(&Units::NBODY, None).unwrap().bodies, 400);
        let one = loaded(&initial, 1);
        assert_eq!(loaded(&initial, 3), one);
        assert_eq!(one.id, (0..400).collect::<Vec<_>>());
        assert!((0..300).all(|i| (one.mass[i] == 0.0) == (one.kind[i] == 1)));
        let centre = |range: std::ops::Range<usize>, vectors: &[Vec<f64>; 3]| {
            let mass: f64 = one.mass[range.clone()].iter().sum();
            let mean =
                |axis: usize| range.clone().map(|i| one.mass[i] * vectors[axis][i]).sum::<f64>() / mass;
            ([mean(0), mean(1), mean(2)], mass)
        };
        let ((a, heavy), (b, light)) = (centre(0..300, &one.pos), centre(300..400, &one.pos));
        assert!((light - 100.0).abs() < 1e-12 && heavy > 150.0);
        let norm = math::norm;
        let apart = norm(std::array::from_fn(|axis| a[axis] - b[axis]));
        assert!((apart - 15.0).abs() < 1e-9, "{apart}");
        assert!(norm(std::array::from_fn(|axis| heavy * a[axis] + light * b[axis])) < 1e-8);
        let (u, v) = (centre(0..300, &one.vel).0, centre(300..400, &one.vel).0);
        let speed = norm(std::array::from_fn(|axis| u[axis] - v[axis]));
        let expected = (2.0 * (heavy + light) * (1.0 / 15.0 - 0.1 / 2.0)).max(0.0).sqrt();
        assert!((speed - expected).abs() < 1e-6 * (1.0 + expected), "{speed} {expected}");
    }

    /// A run stores its parameters, and reads them again when it continues.
    #[test]
    fn what_is_stored_is_read_again() {
        let (_folder, text) = encounter();
        let initial = read(&text).unwrap();
        let mut stored = String::new();
        for (key, value) in io::parameters::echo(&initial) {
            writeln!(stored, "initial.{key} = {value}").unwrap();
        }
        assert_eq!(read(&stored).unwrap(), initial, "{stored}");
        let Initial::Parts(parts) = initial else { panic!("it has a file") };
        assert_eq!((parts.galaxies(400), parts.galaxies(90)), (Some(vec![300, 100]), None));
        assert_eq!(parts.galaxy_names(), [Some("a".to_owned()), None], "the stem of the file");
        let named = text.replace("bodies = 100", "bodies = 100\nname = \"the intruder\"");
        let Initial::Parts(parts) = read(&named).unwrap() else { panic!("it has a file") };
        assert_eq!(parts.galaxy_names()[1].as_deref(), Some("the intruder"));
        for keys in [
            "planetary-system\"\nplanets = [{ mass = 1e-3, semi_major_axis = 5.2 }]\nbodies = 5\nbelt = [2.0, 3.0]",
            "star-cluster\"\nbodies = 40\nbinaries = 0.5\nbinary_axis = [1e-4, 1e-3]",
        ] {
            let initial = read(&format!("[initial]\nmodel = \"{keys}\n")).unwrap();
            let lines = io::parameters::echo(&initial).into_iter();
            let stored: String = lines.map(|(key, value)| format!("initial.{key} = {value}\n")).collect();
            assert_eq!(read(&stored).unwrap(), initial, "{stored}");
        }
    }

    #[test]
    fn faults_name_the_galaxy_and_the_key() {
        let (_folder, text) = encounter();
        let fault = |from: &str, to: &str| {
            let initial = read(&text.replace(from, to))?;
            initial.load(&Crew::alone(), &Units::NBODY, None).map(|_| ()).map_err(|error| error.to_string())
        };
        assert_eq!(fault("", ""), Ok(()));
        for (from, to, words) in [
            ("[\"halo\"]", "[\"moon\"]", "galaxies.0: massless: moon is no particle type"),
            ("massless = [\"halo\"]", "bodies = 299", "initial.galaxies.0.bodies = 299: "),
            ("massless = [\"halo\"]", "mass = 2.0", "galaxies.0: `mass` has no meaning for a file"),
            ("bodies = 100", "bodies = 0", "galaxies.1: bodies = 0"),
            (
                "bodies = 100",
                "bodies = 100\nname = \" \"",
                "galaxies.1: name = \" \": must have from 1 to 60",
            ),
            ("pericentre = 1.0", "pericentre = 1.0\nname = \"x\"", "`name` has no meaning"),
            ("a.hdf5", "b.hdf5", "b.hdf5: "),
        ] {
            let message = fault(from, to).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
    }
}
