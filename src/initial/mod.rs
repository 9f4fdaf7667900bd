//! Initial state of a run: a snapshot, converted to the units of the run, or a model.

mod parts;
mod universe;

pub use nbody::model::{Keys, MODELS, ModelName};
pub use parts::Parts;

use crate::console::warn;
use crate::files::ids;
use crate::files::reading_options::ReadingOptions;
use crate::files::same_files;
use crate::parameters::cosmology;
use crate::ranks::crew::Crew;
use crate::ranks::memory;
use anyhow::{Result, anyhow, bail, ensure};
use decomposition::collective;
use io::Units;
use io::snapshot::{self, Header, Unsound, Wanted};
use nbody::Start;
use nbody::model::{self, Model};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use treecode::{Bodies, TYPES};

/// Least additional memory of a command per body [bytes]: a sorted copy, and messages.
const BESIDE: u64 = 160;

/// The `[initial]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys", untagged)]
#[allow(clippy::large_enum_variant)] // a run has one
pub enum Initial {
    /// A snapshot.
    File {
        /// Path of the file. For several files, it is the first one or their common base name.
        file: PathBuf,
        /// Whether the file is from a cosmological run. Without it, the header decides.
        #[serde(skip_serializing_if = "Option::is_none")]
        cosmological: Option<bool>,
        /// Types whose bodies get the mass 0.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        massless: Vec<u8>,
    },
    /// An encounter with galaxies from files, or with massless bodies.
    Parts(Parts),
    /// A model with massless bodies.
    Tracers(Tracers),
    /// A model.
    Model(Model),
}

/// A model of which some types have no mass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tracers {
    /// The model. Its velocities are those of bodies with mass.
    #[serde(flatten)]
    pub model: Model,
    /// Types whose bodies get the mass 0.
    massless: Vec<u8>,
}

impl Tracers {
    /// The model `name` of these keys, with types that have no mass.
    fn new(name: ModelName, mut keys: Keys) -> Result<Tracers, String> {
        let massless = parts::types(keys.massless.take())?;
        match name {
            ModelName::Encounter | ModelName::Collision => Err(
                "`massless` has no meaning for the whole of an encounter, whose orbit depends on the masses; give it to its galaxies: \
                 model = \"encounter\", [[initial.galaxies]]"
                    .to_owned(),
            ),
            ModelName::Cosmology => {
                Err("`massless` has no meaning for a universe, all of whose matter is in the bodies".to_owned())
            }
            _ => Ok(Tracers { model: keys.into_model(name)?, massless }),
        }
    }
}

impl TryFrom<Keys> for Initial {
    type Error = String;

    fn try_from(mut keys: Keys) -> Result<Initial, String> {
        if keys.file.is_none() && keys.galaxies.is_some() {
            keys.model.get_or_insert(ModelName::Encounter);
        }
        match (keys.file.take(), keys.model.take()) {
            (Some(file), None) => {
                let cosmological = keys.cosmological.take();
                let massless = parts::types(keys.massless.take())?;
                keys.finish(Initial::File { file, cosmological, massless }, "a file")
            }
            (None, Some(ModelName::Encounter)) if Parts::are_needed(&keys) => {
                Ok(Initial::Parts(Parts::new(keys)?))
            }
            (None, Some(model)) if keys.massless.is_some() => {
                Ok(Initial::Tracers(Tracers::new(model, keys)?))
            }
            (None, Some(model)) => Ok(Initial::Model(keys.into_model(model)?)),
            (Some(_), Some(_)) => Err("give either `file` or `model`, not both".to_owned()),
            (None, None) => Err(format!("give `file = \"...\"` or `model = \"...\"`, one of {MODELS}")),
        }
    }
}

/// The bodies of one rank and the properties of their file or model.
pub struct Loaded {
    /// Bodies and time.
    pub start: Start,
    /// Units of the bodies.
    pub units: Units,
    /// Whether neither a file nor a model has given the ids, see [`Header::has_invented_ids`].
    pub invented_ids: bool,
    /// Side of the box of the file [L]; 0 if it has none.
    pub box_side: f64,
}

impl Initial {
    /// Examines the file or the model, without reading or drawing the bodies. The time is in
    /// `units`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn survey(&self, units: &Units, cosmology: Option<&cosmology::Keys>) -> Result<Survey> {
        let log = |source| -> Result<Option<f64>> {
            let state = cosmology.map(|cosmology| cosmology.initial_state(source)).transpose()?;
            Ok(state.map(|(a, _)| treecode::math::ln(a)))
        };
        match self {
            Initial::File { file, cosmological, .. } => {
                let header = snapshot::read_header(file)?;
                check_kind(file, &header, *cosmological, cosmology.is_some())?;
                let theirs = header.units_or(Some(units));
                let time = header.time * theirs.time_ratio(units);
                Ok(Survey {
                    bodies: header.count.iter().sum(),
                    time: log(Some((file, &header)))?.unwrap_or(time),
                    column_bytes: header.column_bytes(),
                })
            }
            Initial::Model(model) | Initial::Tracers(Tracers { model, .. }) => {
                Ok(Survey { bodies: model.bodies(), time: log(None)?.unwrap_or(0.0), column_bytes: 0 })
            }
            Initial::Parts(parts) => {
                Ok(Survey { bodies: parts.survey()?, time: log(None)?.unwrap_or(0.0), column_bytes: 0 })
            }
        }
    }

    /// Path of the snapshot. `None` for a model or an encounter.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Initial::File { file, .. } => Some(file),
            Initial::Parts(_) | Initial::Model(_) | Initial::Tracers(_) => None,
        }
    }

    /// Paths of all files that are read.
    pub fn files(&self) -> Vec<&Path> {
        match self {
            Initial::File { file, .. } => vec![file],
            Initial::Parts(parts) => parts.files(),
            Initial::Model(_) | Initial::Tracers(_) => Vec::new(),
        }
    }

    /// Paths of tables with numbers of a model.
    pub fn tables(&self) -> Vec<PathBuf> {
        match self {
            Initial::Model(Model::Cosmology(model)) => model.spectrum.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// Reads or draws the bodies, in `units`, if a run of them fits into memory. Collective.
    ///
    /// # Errors
    /// The same on every rank, if it does not, or if the file cannot be read or holds an impossible body.
    pub fn load(&self, crew: &Crew, units: &Units, cosmology: Option<&cosmology::Keys>) -> Result<Loaded> {
        let expected = crew.lead_tells(|| {
            let Survey { bodies, column_bytes, .. } = self.survey(units, cosmology)?;
            Ok(vec![bodies, column_bytes])
        })?;
        let making = match self {
            Initial::Model(model) | Initial::Tracers(Tracers { model, .. }) => model.memory(),
            Initial::File { .. } | Initial::Parts(_) => 0.0,
        };
        memory::check(crew, expected[0], making + memory::of_columns(expected[1], crew.comm.size()))?;
        match self {
            Initial::File { file, cosmological, massless } => {
                let check = |header: &Header| check_kind(file, header, *cosmological, cosmology.is_some());
                let (header, mut start, units) = read_file(crew, file, Some(units), ALL, check)?;
                warn_of_gas(crew, file, &header);
                into_momenta(&mut start, cosmology, Some((file, &header)))?;
                make_massless(&mut start.bodies, massless);
                Ok(with_unique_ids(crew, file, &header, start, units))
            }
            Initial::Parts(parts) => {
                let mut loaded = parts.load(crew, units)?;
                into_momenta(&mut loaded.start, cosmology, None)?;
                Ok(loaded)
            }
            Initial::Model(model) | Initial::Tracers(Tracers { model, .. }) => {
                let mut bodies = model::generate(crew.comm, model, units.gravitational_constant());
                if let Initial::Tracers(Tracers { massless, .. }) = self {
                    make_massless(&mut bodies, massless);
                }
                let mut start = Start { bodies, time: 0.0 };
                into_momenta(&mut start, cosmology, None)?;
                Ok(Loaded { start, units: *units, invented_ids: false, box_side: 0.0 })
            }
        }
    }
}

/// What is known of the initial state before it is loaded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Survey {
    /// Number of bodies.
    pub bodies: u64,
    /// Initial time [T]; the logarithm of the scale factor in an expanding universe.
    pub time: f64,
    /// Memory of the further columns of a body [bytes].
    pub column_bytes: u64,
}

/// What is read of a file: bodies of these types, and whether with their further columns.
#[derive(Clone, Copy, Debug)]
struct Selection {
    kinds: [bool; TYPES],
    columns: bool,
}

/// All bodies with all their columns.
const ALL: Selection = Selection { kinds: [true; TYPES], columns: true };

/// In an expanding universe, sets the time of an initial state to ln a, and multiplies its velocities by a
/// factor to make them canonical momenta a^2 dx/dt. `source` is the file of the state.
fn into_momenta(
    start: &mut Start,
    cosmology: Option<&cosmology::Keys>,
    source: Option<(&Path, &Header)>,
) -> Result<()> {
    if let Some(cosmology) = cosmology {
        let (a, factor) = cosmology.initial_state(source)?;
        start.time = treecode::math::ln(a);
        start.bodies.vel.iter_mut().flatten().for_each(|v| *v *= factor);
    }
    Ok(())
}

/// Sets the masses of all bodies of these types to 0.
fn make_massless(bodies: &mut Bodies, kinds: &[u8]) {
    for i in (0..bodies.len()).filter(|&i| kinds.contains(&bodies.kind[i])) {
        bodies.mass[i] = 0.0;
    }
}

/// Says that the gas of a file moves without pressure.
fn warn_of_gas(crew: &Crew, file: &Path, header: &Header) {
    if header.count[0] > 0 && crew.leads() {
        warn(&format!(
            "{}: its {} bodies of gas (type 0) feel gravity alone here, as if they were collisionless",
            file.display(),
            header.count[0]
        ));
    }
}

/// Returns an error if the file is cosmological but the run is not, or the other way about.
/// `cosmological` overrides the header.
fn check_kind(path: &Path, header: &Header, cosmological: Option<bool>, expands: bool) -> Result<()> {
    match (cosmological, expands) {
        (Some(false), true) => {
            bail!("initial.cosmological = false: contradicts the table [cosmology]; leave out one of them")
        }
        (Some(true), false) => {
            bail!("initial.cosmological = true: give a table [cosmology] with the universe of the run")
        }
        (None, false) => {
            let remedy = "give a table [cosmology], or if it is an isolated system, say `cosmological = false` in [initial]";
            Ok(header.expect_isolated(path, remedy)?)
        }
        (Some(false), false) | (_, true) => Ok(()),
    }
}

/// Reads the bodies of this rank from a snapshot or a file of another program. Converts them to
/// `units`, or keeps the units of the file. Returns the units of the bodies. If the file names no
/// units, values are not converted. Further columns are not read. Collective.
///
/// # Errors
/// The file cannot be read, contains an invalid body, or is cosmological and not declared isolated.
/// Every rank returns the same error.
pub fn read(
    crew: &Crew,
    path: &Path,
    units: Option<&Units>,
    reading: &ReadingOptions,
) -> Result<(Start, Units)> {
    read_kinds(crew, path, units, [true; TYPES], reading)
}

/// As [`read`], but only reads bodies of the types `kinds`. Bodies of other types may be invalid.
/// Collective.
///
/// # Errors
/// As [`read`], or there are no such bodies.
pub fn read_kinds(
    crew: &Crew,
    path: &Path,
    units: Option<&Units>,
    kinds: [bool; TYPES],
    reading: &ReadingOptions,
) -> Result<(Start, Units)> {
    let selection = Selection { kinds, columns: false };
    let check = |header: &Header| Ok(reading.check(path, header)?);
    let (_, start, units) = read_file(crew, path, units, selection, check)?;
    Ok((start, units))
}

/// As [`read_kinds`], but with the further columns. Also returns the header and the source of the ids.
/// Collective.
///
/// # Errors
/// As [`read_kinds`].
pub fn read_as_it_is(
    crew: &Crew,
    path: &Path,
    units: Option<&Units>,
    kinds: [bool; TYPES],
    reading: &ReadingOptions,
) -> Result<(Header, Loaded)> {
    let check = |header: &Header| Ok(reading.check(path, header)?);
    let (header, start, units) = read_file(crew, path, units, Selection { kinds, columns: true }, check)?;
    let (invented_ids, box_side) = (header.has_invented_ids(), box_side(&header, &units));
    Ok((header, Loaded { start, units, invented_ids, box_side }))
}

/// As [`read`], but replaces ids if some are not unique. All bodies are then numbered in the order
/// of the file, with a warning. `columns` asks for the further columns. Collective.
///
/// # Errors
/// As [`read`].
pub fn read_with_unique_ids(
    crew: &Crew,
    path: &Path,
    units: Option<&Units>,
    columns: bool,
    reading: &ReadingOptions,
) -> Result<Loaded> {
    let check = |header: &Header| Ok(reading.check(path, header)?);
    let (header, start, units) = read_file(crew, path, units, Selection { columns, ..ALL }, check)?;
    Ok(with_unique_ids(crew, path, &header, start, units))
}

/// Numbers all bodies in the order of the file if their ids are not unique, and prints a warning.
/// Collective.
fn with_unique_ids(crew: &Crew, path: &Path, header: &Header, mut start: Start, units: Units) -> Loaded {
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
    Loaded { start, units, invented_ids, box_side: box_side(header, &units) }
}

/// Side of the box of a file [L], whose bodies have been converted to `units`.
fn box_side(header: &Header, units: &Units) -> f64 {
    header.box_size * header.units_or(Some(units)).length_in_cm / units.length_in_cm
}

/// Implements [`read_kinds`] and also returns the header. `check` may reject the header.
/// Collective.
fn read_file(
    crew: &Crew,
    path: &Path,
    units: Option<&Units>,
    Selection { kinds, columns }: Selection,
    check: impl Fn(&Header) -> Result<()>,
) -> Result<(Header, Start, Units)> {
    let (rank, size) = (crew.comm.rank(), crew.comm.size());
    let wanted = Wanted { rank, size, kinds, beside: BESIDE, columns, ..Wanted::default() };
    let (mut header, mut bodies) = crew.agree(|| {
        let (header, bodies) = snapshot::read_wanted_unchecked(path, &wanted)?;
        check(&header)?;
        Ok((header, bodies))
    })?;
    let lines = format!("{header:#?}").lines().map(|line| line.trim().to_owned()).collect();
    crew.ensure_alike(&format!("what {} says of itself", path.display()), lines)?;
    if size > 1 {
        let files = crew.agree(|| Ok(snapshot::files_of(path)?))?;
        same_files::check(crew, &files)?;
    }
    ensure!(header.count.iter().sum::<u64>() > 0, "{}: holds no bodies", path.display());
    ensure_kinds(path, &header.count, kinds)?;
    let unsound = unsound_anywhere(crew, &bodies);
    unsound.leave_out(&mut bodies);
    header.remarks.extend(unsound.remarks());
    let checked = bodies.check().map_err(|fault| anyhow!("{}: {fault}", path.display()));
    crew.agree(|| checked)?;
    if crew.leads() {
        tell_reading(path, &header);
    }
    let theirs = header.units_or(units);
    let ours = units.copied().unwrap_or(theirs);
    if columns && crew.leads() && theirs.differ_from(&ours) {
        tell_unknown_units(path, &header);
    }
    let converted = theirs.convert(&mut bodies, &ours);
    crew.agree(|| converted.map_err(|fault| anyhow!("{}: {fault}", path.display())))?;
    let time = header.time * theirs.time_ratio(&ours);
    Ok((header, Start { bodies, time }, ours))
}

/// Prints what the reader has assumed, changed or left out.
pub(crate) fn tell_reading(path: &Path, header: &Header) {
    let path = path.display();
    if header.numbered {
        warn(&format!("{path}: has no ids; bodies are numbered in the order of the file"));
    }
    header.remarks.iter().for_each(|remark| warn(&format!("{path}: {}", remark)));
    if !header.ignored.is_empty() {
        warn(&format!("{path}: what is not read: {}", header.shown_ignored()));
    }
}

/// Names the columns whose values are not converted to other units.
fn tell_unknown_units(path: &Path, header: &Header) {
    let unknown = header.columns.iter().filter(|about| about.unit.is_none());
    let names: Vec<String> = unknown.map(|about| about.name.escape_debug().to_string()).collect();
    if !names.is_empty() {
        let names = names.join(", ");
        warn(&format!("{}: the units of {names} are not known; the numbers are kept", path.display()));
    }
}

/// Fields with an invalid value on any rank. Collective.
fn unsound_anywhere(crew: &Crew, bodies: &Bodies) -> Unsound {
    let mine = Unsound::of(bodies);
    let [acceleration, potential] =
        [mine.acceleration, mine.potential].map(|unsound| collective::sum(crew.comm, u64::from(unsound)) > 0);
    Unsound { acceleration, potential }
}

/// Returns an error if a file has no bodies of the types `kinds`.
pub(crate) fn ensure_kinds(path: &Path, count: &[u64; TYPES], kinds: [bool; TYPES]) -> Result<()> {
    let there: Vec<String> =
        (0..TYPES).filter(|&kind| count[kind] > 0).map(|kind| kind.to_string()).collect();
    ensure!(
        (0..TYPES).any(|kind| kinds[kind] && count[kind] > 0),
        "{}: has no bodies of the types wanted, only of type {}",
        path.display(),
        there.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;
    use io::snapshot::Fields;

    /// Bodies of two types, in key order.
    fn bodies(n: usize) -> Bodies {
        let mut bodies = Bodies::zeroed(n);
        bodies.mass.fill(1.0);
        for i in 0..n {
            bodies.kind[i] = 1 + (2 * i / n) as u8;
            bodies.pos[0][i] = i as f64 / n as f64;
        }
        bodies
    }

    /// All bodies that the ranks read from a file, sorted by id, and whether the ids are invented.
    fn read_on(ranks: usize, path: &Path) -> (Bodies, bool) {
        let parts = threads::run(ranks, |comm| {
            let crew = Crew { comm, ..Crew::alone() };
            let reading = ReadingOptions::default();
            let Loaded { start, invented_ids, .. } =
                read_with_unique_ids(&crew, path, None, false, &reading).unwrap();
            (start.bodies, invented_ids)
        });
        let mut all = Bodies::default();
        parts.iter().for_each(|(bodies, _)| all.append(bodies));
        let mut order: Vec<u32> = (0..all.len() as u32).collect();
        order.sort_by_key(|i| all.id[*i as usize]);
        all.permute(&order);
        (all, parts[0].1)
    }

    /// Tracers have the places and velocities of bodies with mass.
    #[test]
    fn types_of_a_model_may_have_no_mass() {
        #[derive(serde::Deserialize)]
        struct Table {
            initial: Initial,
        }
        let read = |keys: &str| -> Result<Initial, String> {
            let text = format!("[initial]\n{keys}\n");
            let table = io::parameters::from_str::<Table>(&text, "run.toml", &[]);
            table.map(|table| table.initial).map_err(|error| error.to_string())
        };
        let load =
            |initial: &Initial| initial.load(&Crew::alone(), &Units::GALACTIC, None).unwrap().start.bodies;
        let keys = "model = \"disc-galaxy\"\nbodies = 500";
        let whole = load(&read(keys).unwrap());
        let initial = read(&format!("{keys}\nmassless = [\"disc\", 3]")).unwrap();
        let tracers = load(&initial);
        assert_eq!((&tracers.pos, &tracers.vel, &tracers.kind), (&whole.pos, &whole.vel, &whole.kind));
        let expected: Vec<f64> =
            (0..500).map(|i| if whole.kind[i] == 1 { whole.mass[i] } else { 0.0 }).collect();
        assert!(tracers.mass == expected && expected.contains(&0.0));
        assert_eq!(initial.survey(&Units::GALACTIC, None).unwrap().bodies, 500);
        // What a run stores is read again.
        let lines = io::parameters::echo(&initial).into_iter();
        let stored: String = lines.map(|(key, value)| format!("{key} = {value}\n")).collect();
        assert_eq!(read(&stored).unwrap(), initial, "{stored}");
        for (keys, words) in [
            ("model = \"plummer\"\nbodies = 9\nmassless = [\"dust\"]", "massless"),
            ("model = \"collision\"\nbodies = 9\nmassless = [2]", "give it to its galaxies"),
            ("model = \"cosmology\"\nper_side = 8\nmassless = [1]", "has no meaning for a universe"),
        ] {
            let fault = read(keys).unwrap_err();
            assert!(fault.contains(words), "{keys}: {fault}");
        }
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
