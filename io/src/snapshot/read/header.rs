//! Reads the header of one file of a snapshot. Supports the programs of the GADGET family.

use super::cosmology::Evidence;
use super::outside;
use crate::foreign::whole;
use crate::snapshot::format::raw::{has_attribute, read_text};
use crate::snapshot::{Format, Universe, plain};
use crate::{Error, Units};
use hdf5::types::TypeDescriptor;
use hdf5::{Attribute, File, Group};
use std::path::Path;
use treecode::TYPES;

/// Contents of `/Header` and `/Parameters` of one file.
pub(super) struct FileHeader {
    pub(super) count: [u64; TYPES],
    pub(super) total: Option<[u64; TYPES]>,
    pub(super) mass_table: [f64; TYPES],
    /// Bodies of particle types that are not supported here.
    pub(super) extra: Vec<Extra>,
    pub(super) files: u64,
    pub(super) time: f64,
    pub(super) box_size: f64,
    pub(super) units: Option<Units>,
    /// The Hubble parameter h that the units contain.
    pub(super) hubble: f64,
    pub(super) gravity: Option<f64>,
    /// The reason why the file is cosmological, if it is.
    pub(super) cosmological: Option<String>,
    /// The universe, if the file is cosmological.
    pub(super) universe: Option<Universe>,
    pub(super) remarks: Vec<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) format: Format,
    /// Origin of the positions [L]; zero in files of other programs.
    pub(super) origin: [f64; 3],
}

/// A particle type that is not supported here.
pub(super) struct Extra {
    pub(super) kind: usize,
    pub(super) count: u64,
    /// Mass of a body in `MassTable`.
    pub(super) mass: f64,
}

/// Greatest number of types. No valid file has more.
pub(super) const MOST_TYPES: usize = 16;

impl FileHeader {
    /// Only `NumPart_ThisFile` is required. Without the rest, the snapshot has one file, is
    /// isolated, is at time 0, and stores its masses per body.
    pub(super) fn read(file: &File, path: &Path) -> Result<FileHeader, Error> {
        let Some(header) = Attributes::of(file, path, "Header")? else {
            let fault = if is_amuse(file) {
                "is a file of AMUSE, which is not read; write the particles with AMUSE's \
                 `write_set_to_file(particles, \"bodies.csv\", \"csv\", attribute_names=(\"mass\", \"x\", \"y\", \"z\", \"vx\", \"vy\", \"vz\"))`"
            } else {
                "has no group /Header, so it is no snapshot of the GADGET family"
            };
            return Err(Error::snapshot(path, fault));
        };
        let parameters = Attributes::of(file, path, "Parameters")?;
        let units = Attributes::of(file, path, "Units")?;
        let cosmology = Attributes::of(file, path, "Cosmology")?;
        let config = Attributes::of(file, path, "Config")?;
        let constants = match file.link_exists("PhysicalConstants") {
            true => Attributes::of(file, path, "PhysicalConstants/InternalUnits")?,
            false => None,
        };
        let places: Vec<&Attributes> =
            parameters.iter().chain(&units).chain([&header]).chain(&cosmology).chain(&constants).collect();
        let swift = units.as_ref().map_or(Ok(None), |units| swift_units(units, parameters.as_ref()))?;
        let format = if swift.is_some() { Format::Swift } else { Format::Gadget };
        let hubble = if swift.is_some() { 1.0 } else { read_hubble(&places)? };
        let Gravity { units, gravity, remarks } = Gravity::read(&places, swift)?;
        let origin = match &parameters {
            Some(parameters) => parameters.vector("Origin")?,
            None => None,
        };
        // A box that only defines the origin is not periodic.
        let has_box = origin.is_none() && is_periodic(&places, config.as_ref())?;
        let box_size = header.number("BoxSize")?.filter(|_| has_box).unwrap_or(0.0);
        let evidence = evidence(&header, &places, box_size)?;
        let count = header.counts("NumPart_ThisFile")?;
        let count = count.ok_or_else(|| header.wrong("NumPart_ThisFile", "is missing"))?;
        let high = header.counts("NumPart_Total_HighWord")?.unwrap_or_default();
        let total = header.counts("NumPart_Total")?;
        let masses = header.list("MassTable")?.unwrap_or_default();
        let extra = (TYPES..MOST_TYPES).filter(|&kind| count[kind] > 0);
        let extra = extra.map(|kind| Extra { kind, count: count[kind], mass: masses[kind] }).collect();
        Ok(FileHeader {
            count: std::array::from_fn(|kind| count[kind]),
            total: total.map(|total| total_of(&total, &high)),
            mass_table: std::array::from_fn(|kind| masses[kind]),
            extra,
            files: header.number("NumFilesPerSnapshot")?.unwrap_or(1.0).max(1.0) as u64,
            time: header.number("Time")?.unwrap_or(0.0),
            box_size,
            origin: origin.unwrap_or_default(),
            format,
            units,
            hubble,
            gravity,
            universe: evidence.verdict().map(|_| universe(&evidence, &places)).transpose()?,
            cosmological: evidence.verdict(),
            remarks,
            parameters: parameters.map_or(Ok(Vec::new()), |parameters| parameters.echo())?,
        })
    }
}

/// Number of bodies of each type in all files. Unsupported types count as the last one.
fn total_of(low: &[u64; MOST_TYPES], high: &[u64; MOST_TYPES]) -> [u64; TYPES] {
    let all: [u64; MOST_TYPES] = std::array::from_fn(|kind| with_high_word(low[kind], high[kind]));
    let mut total = std::array::from_fn(|kind| all[kind]);
    let last = all[TYPES - 1..].iter().fold(0u64, |sum, count| sum.saturating_add(*count));
    total[TYPES - 1] = last;
    total
}

/// Adds the high word to a 32-bit count. A 64-bit count is complete without it.
fn with_high_word(low: u64, high: u64) -> u64 {
    if low >> 32 == 0 { low | (high & u64::from(u32::MAX)) << 32 } else { low }
}

/// Whether AMUSE wrote the file. Such a file has numbered particle sets.
fn is_amuse(file: &File) -> bool {
    ["data", "particles"].iter().any(|group| {
        let set = format!("{group}/0000000001");
        file.link_exists(group)
            && file.link_exists(&set)
            && file
                .group(&set)
                .is_ok_and(|set| ["attributes", "keys"].iter().any(|name| set.link_exists(name)))
    })
}

/// Collects the statements about cosmology.
fn evidence(header: &Attributes, places: &[&Attributes], box_size: f64) -> Result<Evidence, Error> {
    let said = first(places, &["ComovingIntegrationOn", "Cosmological run"])?;
    let scale_factor = first(&[header], &["ExpansionFactor", "ScaleFactor", "Scale-factor"])?;
    let time = header.number("Time")?.unwrap_or(0.0);
    Ok(Evidence {
        said: said.map(|flag| flag != 0.0),
        // In SWIFT, the scale factor of an isolated system is 1.
        scale_factor: scale_factor.filter(|&factor| factor != 1.0).unwrap_or(time),
        redshift: header.number("Redshift")?.unwrap_or(0.0),
        omega_matter: first(places, &["Omega0", "Omega_Matter", "OmegaMatter", "Omega_m"])?.unwrap_or(0.0),
        omega_lambda: first(places, &["OmegaLambda", "Omega_Lambda", "Omega_lambda"])?.unwrap_or(0.0),
        box_size,
    })
}

/// The universe that a cosmological header states.
fn universe(evidence: &Evidence, places: &[&Attributes]) -> Result<Universe, Error> {
    let number = |names: &[&str], default: f64| Ok::<_, Error>(first(places, names)?.unwrap_or(default));
    let scale_factor = first(places, &["Scale-factor", "ExpansionFactor", "ScaleFactor"])?;
    let universe = evidence.universe();
    Ok(Universe {
        scale_factor: scale_factor.unwrap_or(universe.scale_factor),
        omega_r: number(&["Omega_r", "OmegaRadiation"], 0.0)?,
        w0: number(&["w_0"], -1.0)?,
        wa: number(&["w_a"], 0.0)?,
        h: number(&["HubbleParam", "h"], 0.0)?,
        ..universe
    })
}

/// Whether the box is periodic, which is the default. GADGET-4 and AREPO list their compile-time
/// options.
fn is_periodic(places: &[&Attributes], config: Option<&Attributes>) -> Result<bool, Error> {
    let said = first(places, &["PeriodicBoundariesOn"])?;
    let swift =
        places.iter().find_map(|place| place.text("InitialConditions:periodic").transpose()).transpose()?;
    let compiled = config.is_none_or(|config| {
        let has = |name: &str| config.has(name);
        !has("GRAVITY_NOT_PERIODIC") && (has("PERIODIC") || !has("SELFGRAVITY") || has("VORONOI"))
    });
    Ok(said != Some(0.0) && swift.as_deref().map(str::trim) != Some("0") && compiled)
}

/// Units, and the gravitational constant of the values.
struct Gravity {
    units: Option<Units>,
    gravity: Option<f64>,
    remarks: Vec<String>,
}

/// Relative tolerance of the gravitational constant. Programs know G and the solar mass to about
/// four digits, so the constant does not follow exactly from the units.
const TOLERANCE: f64 = 0.01;

impl Gravity {
    fn read(places: &[&Attributes], swift: Option<Units>) -> Result<Gravity, Error> {
        let units = if swift.is_some() { swift } else { read_units(places)? };
        const NAMES: [&str; 3] =
            ["GravityConstantInternal", "Gravitational_Constant_In_Code_Inits", "newton_G"];
        // In GADGET, 0 means the constant that follows from the units.
        let gravity = first(places, &NAMES)?.filter(|&gravity| gravity != 0.0);
        let Some(gravity) = gravity else { return Ok(Gravity { units, gravity: None, remarks: Vec::new() }) };
        if gravity < 0.0 {
            return Err(
                places[0].error(format!("has the constant of gravitation {gravity:?}, must be above 0"))
            );
        }
        let Some(named) = units else {
            let remark =
                format!("names no units, but its constant of gravitation is {gravity:?}, which is kept");
            return Ok(Gravity { units: None, gravity: Some(gravity), remarks: vec![remark] });
        };
        let ratio = gravity / named.gravitational_constant();
        if !(ratio.is_finite() && ratio > 0.0) {
            return Err(places[0]
                .error(format!("has the constant of gravitation {gravity:?}, which no unit of mass gives")));
        }
        if (ratio - 1.0).abs() < TOLERANCE {
            return Ok(Gravity { units, gravity: None, remarks: Vec::new() });
        }
        if named == (Units { length_in_cm: 1.0, mass_in_g: 1.0, velocity_in_cm_per_s: 1.0 }) {
            let remark = format!("has numbers without units, with G = {gravity:?}, which is kept");
            return Ok(Gravity { units: None, gravity: Some(gravity), remarks: vec![remark] });
        }
        let remark = format!(
            "was made with G = {gravity:?}, but that of its units is {:?}: its unit of mass is taken {ratio:?} times as large, so that bodies move as they did",
            named.gravitational_constant()
        );
        let units = above_zero(places[0], Units { mass_in_g: named.mass_in_g * ratio, ..named })?;
        Ok(Gravity { units, gravity: None, remarks: vec![remark] })
    }
}

fn read_hubble(places: &[&Attributes]) -> Result<f64, Error> {
    Ok(first(places, &["HubbleParam"])?.filter(|&hubble| hubble > 0.0).unwrap_or(1.0))
}

/// Units including the Hubble parameter. GADGET's unit of length is kpc/h if h is not 1.
fn read_units(places: &[&Attributes]) -> Result<Option<Units>, Error> {
    let hubble = read_hubble(places)?;
    // The second name is that of GIZMO.
    let (Some(length), Some(mass), Some(velocity)) = (
        first(places, &["UnitLength_in_cm", "UnitLength_In_CGS"])?,
        first(places, &["UnitMass_in_g", "UnitMass_In_CGS"])?,
        first(places, &["UnitVelocity_in_cm_per_s", "UnitVelocity_In_CGS"])?,
    ) else {
        return Ok(None);
    };
    let (length_in_cm, mass_in_g) = (length / hubble, mass / hubble);
    above_zero(places[0], Units { length_in_cm, mass_in_g, velocity_in_cm_per_s: velocity })
}

/// Units from SWIFT's attributes, which state the unit of time instead of velocity.
fn swift_units(units: &Attributes, parameters: Option<&Attributes>) -> Result<Option<Units>, Error> {
    let unit = |name| units.number(name);
    let (Some(length_in_cm), Some(mass_in_g), Some(time)) =
        (unit("Unit length in cgs (U_L)")?, unit("Unit mass in cgs (U_M)")?, unit("Unit time in cgs (U_t)")?)
    else {
        return Ok(None);
    };
    // Files of this program also state the unit of velocity, which avoids the rounding error of a
    // division.
    let velocity = parameters.map_or(Ok(None), |place| place.number("UnitVelocity_in_cm_per_s"))?;
    let velocity_in_cm_per_s = velocity.unwrap_or(length_in_cm / time);
    above_zero(units, Units { length_in_cm, mass_in_g, velocity_in_cm_per_s })
}

fn above_zero(place: &Attributes, units: Units) -> Result<Option<Units>, Error> {
    let Units { length_in_cm: length, mass_in_g: mass, velocity_in_cm_per_s: velocity } = units;
    if [length, mass, velocity].iter().all(|&unit| unit > 0.0 && unit.is_finite()) {
        Ok(Some(units))
    } else {
        let fault =
            format!("has the units {length:?} cm, {mass:?} g, {velocity:?} cm/s: all must be above 0");
        Err(place.error(fault))
    }
}

/// The first value found under any of these names in any of these groups.
fn first(places: &[&Attributes], names: &[&str]) -> Result<Option<f64>, Error> {
    let mut all = names.iter().flat_map(|name| places.iter().map(move |place| place.number(name)));
    all.find_map(Result::transpose).transpose()
}

/// Greatest number of values in an attribute that is read.
const LONGEST_LIST: usize = 1 << 10;

/// The attributes of one group.
struct Attributes<'a> {
    path: &'a Path,
    group: Group,
    name: &'static str,
}

impl<'a> Attributes<'a> {
    fn of(file: &File, path: &'a Path, name: &'static str) -> Result<Option<Attributes<'a>>, Error> {
        outside::check_link(file, path, name).map_err(|fault| Error::snapshot(path, fault))?;
        if !file.link_exists(name) {
            return Ok(None);
        }
        let group = file.group(name);
        let group = group.map_err(|error| Error::snapshot(path, format!("/{name}: {}", plain(error))))?;
        Ok(Some(Attributes { path, group, name }))
    }

    fn error(&self, fault: impl Into<String>) -> Error {
        Error::snapshot(self.path, fault)
    }

    fn wrong(&self, name: &str, fault: &str) -> Error {
        self.error(format!("/{} attribute {name} {fault}", self.name))
    }

    fn get<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Attribute) -> hdf5::Result<T>,
    ) -> Result<Option<T>, Error> {
        // Attributes are read by name. To list them, the library would walk through possibly
        // damaged structures.
        let there = has_attribute(&self.group, name);
        let value = there.and_then(|there| if there { self.read(name, read).map(Some) } else { Ok(None) });
        let Some(value) = value.transpose() else { return Ok(None) };
        value.map(Some).map_err(|error| self.wrong(name, &format!("cannot be read: {}", plain(error))))
    }

    fn read<T>(&self, name: &str, read: impl FnOnce(&Attribute) -> hdf5::Result<T>) -> hdf5::Result<T> {
        let attribute = self.group.attr(name)?;
        if attribute.size() > LONGEST_LIST {
            return Err(format!("it holds {} numbers", attribute.size()).into());
        }
        read(&attribute)
    }

    fn has(&self, name: &str) -> bool {
        has_attribute(&self.group, name).unwrap_or(false)
    }

    /// Reads a text of fixed length.
    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.get(name, read_text)?.flatten())
    }

    /// Reads a finite number, or the first of a list.
    fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        let Some(values) = self.get(name, |attribute| attribute.read_raw::<f64>())? else { return Ok(None) };
        match values.first() {
            Some(value) if value.is_finite() => Ok(Some(*value)),
            Some(value) => Err(self.wrong(name, &format!("is {value:?}, must be finite"))),
            None => Err(self.wrong(name, "is empty")),
        }
    }

    /// Reads three finite numbers.
    fn vector(&self, name: &str) -> Result<Option<[f64; 3]>, Error> {
        let Some(values) = self.get(name, |attribute| attribute.read_raw::<f64>())? else { return Ok(None) };
        match values[..] {
            [x, y, z] if [x, y, z].iter().all(|x| x.is_finite()) => Ok(Some([x, y, z])),
            _ => Err(self.wrong(name, &format!("is {values:?}, must be three numbers"))),
        }
    }

    /// Reads one number per type, for any number of types.
    fn list(&self, name: &str) -> Result<Option<[f64; MOST_TYPES]>, Error> {
        let values = self.get(name, |attribute| attribute.read_raw::<f64>())?;
        values.map(|values| self.by_type(name, &values)).transpose()
    }

    /// Reads one count per type.
    fn counts(&self, name: &str) -> Result<Option<[u64; MOST_TYPES]>, Error> {
        let signed = |attribute: &Attribute| -> hdf5::Result<Vec<Option<u64>>> {
            Ok(match attribute.dtype()?.to_descriptor()? {
                TypeDescriptor::Unsigned(_) => attribute.read_raw::<u64>()?.into_iter().map(Some).collect(),
                TypeDescriptor::Integer(_) => {
                    attribute.read_raw::<i64>()?.into_iter().map(|count| count.try_into().ok()).collect()
                }
                TypeDescriptor::Float(_) => attribute.read_raw::<f64>()?.into_iter().map(whole).collect(),
                other => return Err(format!("it is {other}, must be whole numbers").into()),
            })
        };
        let Some(counts) = self.get(name, signed)? else { return Ok(None) };
        let counts: Option<Vec<u64>> = counts.into_iter().collect();
        let counts =
            counts.ok_or_else(|| self.wrong(name, "has a count that is negative or no whole number"))?;
        self.by_type(name, &counts).map(Some)
    }

    fn by_type<T: Copy + Default + PartialEq>(
        &self,
        name: &str,
        values: &[T],
    ) -> Result<[T; MOST_TYPES], Error> {
        if values.is_empty()
            || values[MOST_TYPES.min(values.len())..].iter().any(|&value| value != T::default())
        {
            return Err(self.wrong(
                name,
                &format!(
                    "has {} entries, must have one for each of at most {MOST_TYPES} types",
                    values.len()
                ),
            ));
        }
        Ok(std::array::from_fn(|kind| values.get(kind).copied().unwrap_or_default()))
    }

    /// The parameters of the run, as this program writes them.
    fn echo(&self) -> Result<Vec<(String, String)>, Error> {
        let mut list = Vec::new();
        // The names of these keys are not known, so they must be listed.
        let names = self.group.attr_names().map_err(|error| {
            self.error(format!("/{}: its attributes cannot be listed: {}", self.name, plain(error)))
        })?;
        for name in &names {
            if let Some(key) = name.strip_prefix("heorot.")
                && let Some(Some(value)) = self.get(name, read_text)?
            {
                list.push((key.to_owned(), value));
            }
        }
        Ok(list)
    }
}
