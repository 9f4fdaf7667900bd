//! What a file says of its numbers, in files that are sound: units in a table, whether the system expands, ids.
//!
//! The other targets ask only that whatever is damaged is refused. Here the right answer is known, since it is worked out from the input apart from the reader.
#![no_main]

use arbitrary::Arbitrary;
use hdf5::{File, Group, H5Type};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{H5S_ALL, H5Sclose, H5Screate_simple};
use hdf5_sys::h5t::{H5T_STD_U64LE, H5Tclose, H5Tcopy, H5Tset_precision, H5Tset_size};
use hdf5_sys::{h5d, h5t};
use io::Units;
use io::snapshot::{Header, read_unchecked};
use std::collections::HashMap;
use std::path::Path;
use treecode::Bodies;

#[derive(Arbitrary, Debug)]
enum Facts {
    Units(Columns),
    Text { position: String, mass: String, velocity: String },
    Universe(Universe),
    Ids(Ids),
}

// ---- Units ----

/// Units of some columns of a table.
#[derive(Arbitrary, Debug)]
struct Columns {
    /// In a row of their own, or behind the names.
    row: bool,
    mass: Spelling,
    x: Spelling,
    y: Option<Spelling>,
    vx: Spelling,
}

/// A unit of the right dimension, and factors around it.
#[derive(Arbitrary, Debug)]
struct Spelling {
    base: u8,
    number: Option<(u8, i8)>,
    /// Two units of one dimension whose powers cancel.
    pairs: Vec<(u8, u8, i8, Style)>,
    /// A factor that makes the dimension wrong.
    stray: Option<(u8, i8)>,
    joiner: u8,
    grouped: bool,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Style {
    Caret,
    Stars,
    Parentheses,
    Bare,
    Raised,
}

const AU: f64 = 1.495_978_707e13;
const YEAR: f64 = 31_557_600.0;
/// Size in cgs and dimension of each unit: as powers of length, mass and time.
const LENGTHS: [(&str, f64); 7] =
    [("kpc", 3.085_677_581_491_367e21), ("Mpc", 3.085_677_581_491_367e24), ("cm", 1.0), ("m", 100.0), ("km", 1e5), ("AU", AU), ("ly", 9.460_730_472_580_8e17)];
const MASSES: [(&str, f64); 4] = [("Msun", 1.988_409_870_698_051e33), ("g", 1.0), ("kg", 1e3), ("solMass", 1.988_409_870_698_051e33)];
const TIMES: [(&str, f64); 5] = [("s", 1.0), ("yr", YEAR), ("Gyr", 1e9 * YEAR), ("day", 86400.0), ("hr", 3600.0)];
const VELOCITIES: [(&str, f64); 4] =
    [("km/s", 1e5), ("pc / Myr", 3.085_677_581_491_367e18 / (1e6 * YEAR)), ("cm s^-1", 1.0), ("AU yr**-1", AU / YEAR)];
const JOINERS: [&str; 4] = [" ", " * ", "*", " · "];

/// A product of units: its text, the logarithm of its size, and whether its dimension is the one that is wanted.
struct Product {
    text: String,
    log: f64,
    fits: bool,
    /// The greatest size on the way.
    extent: f64,
}

fn pick<T: Copy>(list: &[T], index: u8) -> T {
    list[usize::from(index) % list.len()]
}

fn powered(name: &str, power: i32, style: Style) -> String {
    match (style, power) {
        (_, 1) => name.to_owned(),
        (Style::Raised, -1) => format!("{name}⁻¹"),
        (Style::Raised, 2) => format!("{name}²"),
        (Style::Raised, 3) => format!("{name}³"),
        (Style::Caret | Style::Raised, _) => format!("{name}^{power}"),
        (Style::Stars, _) => format!("{name}**{power}"),
        (Style::Parentheses, _) => format!("{name}^({power})"),
        (Style::Bare, _) => format!("{name}{power}"),
    }
}

impl Spelling {
    fn product(&self, bases: &[(&str, f64)]) -> Product {
        let (name, size) = pick(bases, self.base);
        let mut parts = vec![name.to_owned()];
        let mut log = size.log10();
        let mut extent = log.abs();
        if let Some((digits, exponent)) = self.number {
            let number = format!("{}e{}", u32::from(digits) + 1, exponent % 30);
            log += (f64::from(digits) + 1.0).log10() + f64::from(exponent % 30);
            extent += 35.0;
            parts.insert(0, number);
        }
        for &(a, b, power, style) in self.pairs.iter().take(3) {
            let list = pick(&[&LENGTHS[..], &MASSES[..], &TIMES[..]], a);
            let ((first, large), (second, small)) = (pick(list, a / 3), pick(list, b));
            let power = i32::from(power % 4);
            if power == 0 {
                continue;
            }
            parts.push(powered(first, power, style));
            parts.push(powered(second, -power, style));
            log += f64::from(power) * (large.log10() - small.log10());
            extent += f64::from(power.abs()) * (large.log10().abs() + small.log10().abs());
        }
        let mut fits = true;
        if let Some((unit, power)) = self.stray {
            let (name, size) = pick(&TIMES, unit);
            let power = i32::from(power % 4);
            if power != 0 {
                fits = false;
                parts.push(powered(name, power, Style::Caret));
                log += f64::from(power) * size.log10();
                extent += 60.0;
            }
        }
        let text = parts.join(pick(&JOINERS, self.joiner));
        let text = if self.grouped { format!("({text})") } else { text };
        Product { text, log, fits, extent }
    }
}

/// Whether two sizes agree, given one of them and the logarithm of the other.
fn require_size(found: f64, log: f64, what: &str, table: &str) {
    assert!(found.is_finite() && found > 0.0, "{what} is {found}: {table}");
    // A logarithm of some hundred loses three digits.
    assert!((found.log10() - log).abs() < 1e-9, "{what}: 10^{} instead of 10^{log}: {table}", found.log10());
}

fn units(columns: &Columns) {
    let mass = columns.mass.product(&MASSES);
    let x = columns.x.product(&LENGTHS);
    let y = columns.y.as_ref().map(|y| y.product(&LENGTHS));
    let vx = columns.vx.product(&VELOCITIES);
    let unit_of_y = y.as_ref().map_or("", |y| &y.text);
    let table = if columns.row {
        format!("mass;x;y;z;vx;vy;vz\n{};{};{unit_of_y};;{};;\n2;3;5;7;11;13;17\n", mass.text, x.text, vx.text)
    } else {
        let y = if unit_of_y.is_empty() { String::new() } else { format!(" [{unit_of_y}]") };
        format!("mass [{}];x [{}];y{y};z;vx [{}];vy;vz\n2;3;5;7;11;13;17\n", mass.text, x.text, vx.text)
    };
    let all = || [&mass, &x, &vx].into_iter().chain(&y);
    let path = heorot_fuzz::file("units", table.as_bytes());
    let read = read_unchecked(&path, 0, 1);
    if all().any(|unit| unit.extent > 290.0) {
        return; // may be beyond what a number can hold, on the way
    }
    let (header, bodies) = match read {
        Ok(_) if all().any(|unit| !unit.fits) => panic!("a wrong dimension is taken: {table}"),
        Ok(read) => read,
        Err(error) => {
            heorot_fuzz::require_one_line(&path, &error.to_string());
            assert!(all().any(|unit| !unit.fits), "{error}: {table}");
            return;
        }
    };
    let Some(Units { length_in_cm, mass_in_g, velocity_in_cm_per_s }) = header.units else {
        panic!("the units are lost: {table}")
    };
    assert_eq!(bodies.len(), 1, "{table}");
    require_size(bodies.mass[0] * mass_in_g / 2.0, mass.log, "the mass", &table);
    require_size(bodies.pos[0][0] * length_in_cm / 3.0, x.log, "x", &table);
    require_size(bodies.vel[0][0] * velocity_in_cm_per_s / 11.0, vx.log, "vx", &table);
    // What has no unit of its own has that of its quantity, whose first one counts.
    require_size(bodies.pos[1][0] * length_in_cm / 5.0, y.map_or(x.log, |y| y.log), "y", &table);
    require_size(bodies.pos[2][0] * length_in_cm / 7.0, x.log, "z", &table);
    require_size(bodies.vel[2][0] * velocity_in_cm_per_s / 17.0, vx.log, "vz", &table);
}

/// Any text in the place of a unit: numbers stay numbers.
fn text(texts: [&str; 3]) {
    let [position, mass, velocity] = texts.map(|text| text.replace(['\n', '\r', ';', '"'], " "));
    let table = format!("mass [{mass}];x [{position}];y;z;vx [{velocity}];vy;vz\n2;3;5;7;11;13;17\n");
    let path = heorot_fuzz::file("text", table.as_bytes());
    match read_unchecked(&path, 0, 1) {
        Err(error) => heorot_fuzz::require_one_line(&path, &error.to_string()),
        Ok((header, bodies)) => {
            if let Some(units) = header.units {
                let all = [units.length_in_cm, units.mass_in_g, units.velocity_in_cm_per_s];
                assert!(all.iter().all(|unit| unit.is_finite() && *unit > 0.0), "{units:?}: {table}");
            }
            let numbers = [bodies.mass[0], bodies.pos[0][0], bodies.pos[2][0], bodies.vel[0][0], bodies.vel[2][0]];
            assert_eq!(numbers, [2.0, 3.0, 7.0, 11.0, 17.0], "{table}");
        }
    }
}

// ---- Whether the system expands ----

#[derive(Arbitrary, Debug)]
struct Universe {
    said: Option<bool>,
    periodic: Option<bool>,
    time: Number,
    scale_factor: Option<Number>,
    redshift: Number,
    omega_matter: Option<Number>,
    omega_lambda: Option<Number>,
    box_size: Option<Number>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    Zero,
    One,
    Simple(u8),
    Any(f64),
    /// The scale factor of the redshift; for the redshift that of a small number.
    Matching(u8),
}

impl Universe {
    fn redshift(&self) -> f64 {
        match self.redshift {
            Number::Matching(x) => f64::from(x) / 8.0 + 0.01,
            other => other.value(0.0),
        }
    }
}

impl Number {
    fn value(self, redshift: f64) -> f64 {
        match self {
            Number::Zero => 0.0,
            Number::One => 1.0,
            Number::Simple(x) => f64::from(x) / 16.0,
            Number::Any(x) => x,
            Number::Matching(_) => 1.0 / (1.0 + redshift),
        }
    }
}

fn attribute<T: H5Type>(group: &Group, name: &str, value: &T) -> hdf5::Result<()> {
    group.new_attr::<T>().create(name)?.write_scalar(value)
}

/// A file with the header of one body.
fn start(path: &Path, counts: [u64; 6]) -> hdf5::Result<(File, Group)> {
    let file = File::create(path)?;
    let header = file.create_group("Header")?;
    header.new_attr::<u64>().shape(6).create("NumPart_ThisFile")?.write_raw(&counts)?;
    header.new_attr::<u64>().shape(6).create("NumPart_Total")?.write_raw(&counts)?;
    header.new_attr::<f64>().shape(6).create("MassTable")?.write_raw(&[1.0; 6])?;
    Ok((file, header))
}

fn build_universe(path: &Path, universe: &Universe) -> hdf5::Result<()> {
    let (file, header) = start(path, [0, 1, 0, 0, 0, 0])?;
    let redshift = universe.redshift();
    attribute(&header, "Time", &universe.time.value(redshift))?;
    attribute(&header, "Redshift", &redshift)?;
    let numbers = [
        ("ExpansionFactor", universe.scale_factor),
        ("Omega0", universe.omega_matter),
        ("OmegaLambda", universe.omega_lambda),
        ("BoxSize", universe.box_size),
    ];
    for (name, number) in numbers {
        number.map_or(Ok(()), |number| attribute(&header, name, &number.value(redshift)))?;
    }
    for (name, flag) in [("ComovingIntegrationOn", universe.said), ("PeriodicBoundariesOn", universe.periodic)] {
        flag.map_or(Ok(()), |flag| attribute(&header, name, &i32::from(flag)))?;
    }
    let group = file.create_group("PartType1")?;
    for name in ["Coordinates", "Velocities"] {
        group.new_dataset::<f32>().shape((1, 3)).create(name)?.write_raw(&[1.5f32; 3])?;
    }
    file.close()
}

fn universe(universe: &Universe) {
    let path = heorot_fuzz::place("universe.hdf5");
    build_universe(&path, universe).expect("the file can be written");
    let redshift = universe.redshift();
    let value = |number: Option<Number>| number.map_or(0.0, |number| number.value(redshift));
    let (time, factor) = (universe.time.value(redshift), value(universe.scale_factor));
    let (matter, lambda, side) = (value(universe.omega_matter), value(universe.omega_lambda), value(universe.box_size));
    let all_finite = [time, factor, redshift, matter, lambda, side].iter().all(|x| x.is_finite());
    let header: Header = match read_unchecked(&path, 0, 1) {
        Ok((header, _)) => header,
        Err(error) => {
            heorot_fuzz::require_one_line(&path, &error.to_string());
            assert!(!all_finite || side < 0.0, "{error}: {universe:?}");
            return;
        }
    };
    let why = &header.cosmological;
    assert_eq!(why.is_none(), header.expect_isolated(&path, "say so").is_ok());
    if let Some(said) = universe.said {
        assert_eq!(why.is_some(), said, "it says so itself: {universe:?}");
        return;
    }
    assert_eq!(header.box_size, if universe.periodic == Some(false) { 0.0 } else { side }, "{universe:?}");
    // A scale factor of 1 says nothing.
    let factor = if universe.scale_factor.is_some() && factor != 1.0 { factor } else { time };
    let belong = (factor * (1.0 + redshift) - 1.0).abs();
    let is_empty = (matter <= 0.0 && lambda == 0.0) || header.box_size <= 0.0;
    if redshift == 0.0 && (is_empty || belong > 0.002) {
        assert!(why.is_none(), "an isolated system: {why:?} {universe:?}");
    }
    if redshift != 0.0 && belong < 0.0005 {
        assert!(why.is_some(), "time and redshift belong together: {universe:?}");
    }
    if redshift != 0.0 && belong > 0.002 && is_empty {
        assert!(why.is_none(), "nothing but a redshift: {why:?} {universe:?}");
    }
    if redshift == 0.0 && belong < 0.0005 && !is_empty {
        assert!(why.is_some(), "a universe of today: {universe:?}");
    }
}

// ---- Ids ----

#[derive(Arbitrary, Debug)]
struct Ids {
    width: Width,
    /// Bodies of types 1 and 4.
    rows: [u8; 2],
    ids: Vec<u64>,
    /// Ids are taken modulo a power of two, so that some are shared.
    bits: u8,
    ranks: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Width {
    None,
    Four,
    Six,
    Eight,
    Signed,
    Float,
    Table,
    TableWithout,
}

impl Ids {
    fn rows(&self) -> [usize; 2] {
        self.rows.map(|rows| usize::from(rows % 24))
    }

    fn has_ids(&self) -> bool {
        !matches!(self.width, Width::None | Width::TableWithout)
    }

    fn bits(&self) -> u32 {
        let most = match self.width {
            Width::Four => 32,
            Width::Six => 48,
            Width::Float => 53,
            _ => 64,
        };
        1 + u32::from(self.bits) % most
    }

    /// Those in the file, in its order.
    fn list(&self) -> Vec<u64> {
        let id = |i: usize| {
            // Beyond the list ids are numbers, so that few bytes make many unique ones.
            let id = self.ids.get(i).copied().unwrap_or(i as u64 + 1);
            id & (u64::MAX >> (64 - self.bits()))
        };
        (0..self.rows().iter().sum()).map(id).collect()
    }
}

/// Ids of six bytes, as some programs of simulations with few bits to spare write them.
fn write_six_bytes(group: &Group, ids: &[u64]) {
    let length = [ids.len() as u64];
    hdf5::sync::sync(|| {
        // SAFETY: all handles are of this call, names end with a zero, and `ids` has as many numbers as the space.
        unsafe {
            let six = H5Tcopy(*H5T_STD_U64LE);
            assert!(H5Tset_precision(six, 48) >= 0 && H5Tset_size(six, 6) >= 0);
            let space = H5Screate_simple(1, length.as_ptr(), std::ptr::null());
            let (name, default) = (c"ParticleIDs".as_ptr(), H5P_DEFAULT);
            let set = h5d::H5Dcreate2(group.id(), name, six, space, default, default, default);
            assert!(set >= 0);
            let numbers = ids.as_ptr().cast();
            assert!(h5d::H5Dwrite(set, *h5t::H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, default, numbers) >= 0);
            h5d::H5Dclose(set);
            H5Sclose(space);
            H5Tclose(six);
        }
    });
}

fn build_ids(path: &Path, ids: &Ids) -> hdf5::Result<()> {
    let rows = ids.rows();
    let (file, _) = start(path, [0, rows[0] as u64, 0, 0, rows[1] as u64, 0])?;
    let list = ids.list();
    let mut first = 0;
    for (kind, rows) in [1, 4].into_iter().zip(rows).filter(|(_, rows)| *rows > 0) {
        let group = file.create_group(&format!("PartType{kind}"))?;
        let place: Vec<f64> = (first..first + rows).flat_map(|i| [i as f64, 0.0, 0.0]).collect();
        group.new_dataset::<f64>().shape((rows, 3)).create("Coordinates")?.write_raw(&place)?;
        group.new_dataset::<f64>().shape((rows, 3)).create("Velocities")?.write_raw(&place)?;
        let mine = &list[first..first + rows];
        let name = "ParticleIDs";
        match ids.width {
            Width::None | Width::Table | Width::TableWithout => {}
            Width::Four => {
                let mine: Vec<u32> = mine.iter().map(|&id| id as u32).collect();
                group.new_dataset::<u32>().shape(rows).create(name)?.write_raw(&mine)?;
            }
            Width::Six => write_six_bytes(&group, mine),
            Width::Eight => group.new_dataset::<u64>().shape(rows).create(name)?.write_raw(mine)?,
            Width::Signed => {
                let mine: Vec<i64> = mine.iter().map(|&id| id as i64).collect();
                group.new_dataset::<i64>().shape(rows).create(name)?.write_raw(&mine)?;
            }
            Width::Float => {
                let mine: Vec<f64> = mine.iter().map(|&id| id as f64).collect();
                group.new_dataset::<f64>().shape(rows).create(name)?.write_raw(&mine)?;
            }
        }
        first += rows;
    }
    file.close()
}

fn table_of_ids(ids: &Ids) -> String {
    let with = ids.width == Width::Table;
    let rows = ids.list().into_iter().zip(0..).map(|(id, i)| {
        // Some programs write ids as signed numbers.
        let id = if i % 2 == 0 { format!(" {}", id as i64) } else { format!(" {id}") };
        format!("1 {i} 0 0 {i} 0 0{}\n", if with { &id } else { "" })
    });
    format!("m x y z vx vy vz{}\n", if with { " id" } else { "" }) + &rows.collect::<String>()
}

/// Places, which number the bodies in the order of the file, and ids.
fn named(bodies: &Bodies) -> Vec<(u64, u64)> {
    bodies.pos[0].iter().map(|&x| x as u64).zip(bodies.id.iter().copied()).collect()
}

fn ids(ids: &Ids) {
    let path = match ids.width {
        Width::Table | Width::TableWithout => heorot_fuzz::file("ids", table_of_ids(ids).as_bytes()),
        _ => {
            let path = heorot_fuzz::place("ids.hdf5");
            build_ids(&path, ids).expect("the file can be written");
            path
        }
    };
    let list = ids.list();
    let (header, bodies) = match read_unchecked(&path, 0, 1) {
        Ok(read) => read,
        Err(error) => {
            heorot_fuzz::require_one_line(&path, &error.to_string());
            assert!(list.is_empty(), "{error}: {ids:?}");
            return;
        }
    };
    if list.is_empty() {
        return assert_eq!(bodies.len(), 0); // and nothing is said of ids
    }
    let expected: Vec<(u64, u64)> =
        (0..).zip(&list).map(|(i, &id)| (i, if ids.has_ids() { id } else { i })).collect();
    assert_eq!(named(&bodies), expected, "{ids:?}");
    assert_eq!(header.has_invented_ids(), !ids.has_ids(), "{ids:?}");

    let ranks = 1 + usize::from(ids.ranks % 8);
    let parts: Vec<Bodies> =
        (0..ranks).map(|rank| read_unchecked(&path, rank, ranks).expect("one rank could read it").1).collect();
    let mut all: Vec<(u64, u64)> = parts.iter().flat_map(named).collect();
    all.sort_unstable();
    assert_eq!(all, expected, "{ranks} ranks: {ids:?}");

    // Those that are shared, found on ranks and by counting.
    let found = decomposition::threads::run(ranks, |comm| heorot::files::ids::shared(comm, &parts[comm.rank()].id));
    let mut times: HashMap<u64, u64> = HashMap::new();
    expected.iter().for_each(|(_, id)| *times.entry(*id).or_default() += 1);
    let shared = || times.iter().filter(|(_, times)| **times > 1);
    let bodies: u64 = shared().map(|(_, times)| times).sum();
    let least = shared().map(|(id, _)| *id).min();
    assert!(found.iter().all(|one| *one == found[0]), "ranks disagree: {ids:?}");
    assert_eq!(found[0].map(|shared| (shared.bodies, shared.id)), least.map(|id| (bodies, id)), "{ids:?}");

    // New numbers are those of the file's order, on any ranks.
    for (rank, part) in parts.iter().enumerate() {
        let places: Vec<u64> = named(part).into_iter().map(|(place, _)| place).collect();
        assert_eq!(header.numbering(rank, ranks), places, "rank {rank} of {ranks}: {ids:?}");
    }
}

libfuzzer_sys::fuzz_target!(|facts: Facts| {
    match &facts {
        Facts::Units(columns) => units(columns),
        Facts::Text { position, mass, velocity } => text([position, mass, velocity]),
        Facts::Universe(one) => universe(one),
        Facts::Ids(one) => ids(one),
    }
});
