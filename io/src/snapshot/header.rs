//! What one file of a snapshot says of itself, by whatever program of the GADGET family it was written.

use super::raw::{has_attribute, read_text};
use super::{Format, outside, plain};
use crate::{Error, Units};
use hdf5::types::TypeDescriptor;
use hdf5::{Attribute, File, Group};
use std::path::Path;
use treecode::TYPES;

/// `/Header` and `/Parameters` of one file.
pub(super) struct FileHeader {
    pub(super) count: [u64; TYPES],
    pub(super) total: Option<[u64; TYPES]>,
    pub(super) mass_table: [f64; TYPES],
    pub(super) files: u64,
    pub(super) time: f64,
    pub(super) box_size: f64,
    pub(super) units: Option<Units>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) format: Format,
    /// What positions are relative to [L]; zero in files of other programs.
    pub(super) origin: [f64; 3],
}

impl FileHeader {
    /// Only `NumPart_ThisFile` must be there: without the rest the file is alone, isolated, at time 0, and has its masses beside its
    /// positions.
    pub(super) fn read(file: &File, path: &Path) -> Result<FileHeader, Error> {
        let Some(header) = Attributes::of(file, path, "Header")? else {
            return Err(Error::snapshot(
                path,
                "has no group /Header, so it is no snapshot of the GADGET family",
            ));
        };
        let parameters = Attributes::of(file, path, "Parameters")?;
        let units = Attributes::of(file, path, "Units")?;
        let cosmology = Attributes::of(file, path, "Cosmology")?;
        let places: Vec<&Attributes> =
            parameters.iter().chain(&units).chain([&header]).chain(&cosmology).collect();
        refuse_cosmology(&header, &places)?;
        let swift = units.as_ref().map_or(Ok(None), |units| swift_units(units, parameters.as_ref()))?;
        let origin = match &parameters {
            Some(parameters) => parameters.vector("Origin")?,
            None => None,
        };
        let count = header.counts("NumPart_ThisFile")?;
        let high = header.counts("NumPart_Total_HighWord")?.unwrap_or_default();
        let total = header.counts("NumPart_Total")?;
        Ok(FileHeader {
            count: count.ok_or_else(|| header.wrong("NumPart_ThisFile", "is missing"))?,
            total: total.map(|total| std::array::from_fn(|kind| with_high_word(total[kind], high[kind]))),
            mass_table: header.list("MassTable")?.unwrap_or_default(),
            files: header.number("NumFilesPerSnapshot")?.unwrap_or(1.0).max(1.0) as u64,
            time: header.number("Time")?.unwrap_or(0.0),
            // A box that is only there for the origin is none.
            box_size: if origin.is_some() { 0.0 } else { header.number("BoxSize")?.unwrap_or(0.0) },
            origin: origin.unwrap_or_default(),
            format: if swift.is_some() { Format::Swift } else { Format::Gadget },
            units: if swift.is_some() { swift } else { read_units(&places)? },
            parameters: parameters.map_or(Ok(Vec::new()), |parameters| parameters.echo())?,
        })
    }
}

/// The high word of a count of 32 bits; a total of 64 bits is whole without it.
fn with_high_word(low: u64, high: u64) -> u64 {
    if low >> 32 == 0 { low | (high & u64::from(u32::MAX)) << 32 } else { low }
}

/// A file is cosmological if it says so (`ComovingIntegrationOn`; `Cosmological run` of SWIFT), or else if it has a cosmological constant and its time is the
/// scale factor of its redshift. Many isolated files carry a cosmological constant that means nothing.
fn refuse_cosmology(header: &Attributes, places: &[&Attributes]) -> Result<(), Error> {
    let said = match first(places, "ComovingIntegrationOn")? {
        None => first(places, "Cosmological run")?,
        said => said,
    };
    let comoving = match said {
        Some(flag) => flag != 0.0,
        None => {
            let time = header.number("Time")?.unwrap_or(0.0);
            let redshift = header.number("Redshift")?.unwrap_or(0.0);
            let expands = first(places, "OmegaLambda")?.is_some_and(|omega| omega != 0.0);
            expands && (time * (1.0 + redshift) - 1.0).abs() < 1e-3
        }
    };
    if comoving {
        Err(header.error("is a cosmological snapshot; only isolated systems can be read"))
    } else {
        Ok(())
    }
}

/// Units with the Hubble parameter in them: GADGET gives lengths in kpc/h where h is not 1.
fn read_units(places: &[&Attributes]) -> Result<Option<Units>, Error> {
    let hubble = first(places, "HubbleParam")?.filter(|&hubble| hubble > 0.0).unwrap_or(1.0);
    let unit = |name| first(places, name);
    let (Some(length), Some(mass), Some(velocity)) =
        (unit("UnitLength_in_cm")?, unit("UnitMass_in_g")?, unit("UnitVelocity_in_cm_per_s")?)
    else {
        return Ok(None);
    };
    let (length_in_cm, mass_in_g) = (length / hubble, mass / hubble);
    above_zero(places[0], Units { length_in_cm, mass_in_g, velocity_in_cm_per_s: velocity })
}

/// Units as SWIFT names them, which has one of time instead of velocity.
fn swift_units(units: &Attributes, parameters: Option<&Attributes>) -> Result<Option<Units>, Error> {
    let unit = |name| units.number(name);
    let (Some(length_in_cm), Some(mass_in_g), Some(time)) =
        (unit("Unit length in cgs (U_L)")?, unit("Unit mass in cgs (U_M)")?, unit("Unit time in cgs (U_t)")?)
    else {
        return Ok(None);
    };
    // This program's own files name the velocity elsewhere, so that nothing is lost by a division.
    let velocity = parameters.map_or(Ok(None), |place| place.number("UnitVelocity_in_cm_per_s"))?;
    let velocity_in_cm_per_s = velocity.unwrap_or(length_in_cm / time);
    above_zero(units, Units { length_in_cm, mass_in_g, velocity_in_cm_per_s })
}

fn above_zero(place: &Attributes, units: Units) -> Result<Option<Units>, Error> {
    let Units { length_in_cm: length, mass_in_g: mass, velocity_in_cm_per_s: velocity } = units;
    if [length, mass, velocity].iter().all(|&unit| unit > 0.0 && unit.is_finite()) {
        Ok(Some(units))
    } else {
        let fault = format!("has the units {length} cm, {mass} g, {velocity} cm/s: all must be above 0");
        Err(place.error(fault))
    }
}

fn first(places: &[&Attributes], name: &str) -> Result<Option<f64>, Error> {
    places.iter().find_map(|place| place.number(name).transpose()).transpose()
}

/// More numbers than any attribute has that is read.
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
        // Only attributes that are known are asked for: to list them all, the library walks through what may be damaged.
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

    /// A finite number, or the first of a list.
    fn number(&self, name: &str) -> Result<Option<f64>, Error> {
        let Some(values) = self.get(name, |attribute| attribute.read_raw::<f64>())? else { return Ok(None) };
        match values.first() {
            Some(value) if value.is_finite() => Ok(Some(*value)),
            Some(value) => Err(self.wrong(name, &format!("is {value}, must be finite"))),
            None => Err(self.wrong(name, "is empty")),
        }
    }

    /// Three finite numbers.
    fn vector(&self, name: &str) -> Result<Option<[f64; 3]>, Error> {
        let Some(values) = self.get(name, |attribute| attribute.read_raw::<f64>())? else { return Ok(None) };
        match values[..] {
            [x, y, z] if [x, y, z].iter().all(|x| x.is_finite()) => Ok(Some([x, y, z])),
            _ => Err(self.wrong(name, &format!("is {values:?}, must be three numbers"))),
        }
    }

    /// One number for each type, however many types the file knows.
    fn list(&self, name: &str) -> Result<Option<[f64; TYPES]>, Error> {
        let values = self.get(name, |attribute| attribute.read_raw::<f64>())?;
        values.map(|values| self.by_type(name, &values)).transpose()
    }

    /// One count for each type.
    fn counts(&self, name: &str) -> Result<Option<[u64; TYPES]>, Error> {
        let signed = |attribute: &Attribute| -> hdf5::Result<Vec<Option<u64>>> {
            Ok(match attribute.dtype()?.to_descriptor()? {
                TypeDescriptor::Unsigned(_) => attribute.read_raw::<u64>()?.into_iter().map(Some).collect(),
                TypeDescriptor::Integer(_) => {
                    attribute.read_raw::<i64>()?.into_iter().map(|count| count.try_into().ok()).collect()
                }
                other => return Err(format!("it is {other}, must be whole numbers").into()),
            })
        };
        let Some(counts) = self.get(name, signed)? else { return Ok(None) };
        let counts: Option<Vec<u64>> = counts.into_iter().collect();
        let counts = counts.ok_or_else(|| self.wrong(name, "has a negative count"))?;
        self.by_type(name, &counts).map(Some)
    }

    fn by_type<T: Copy + Default + PartialEq>(&self, name: &str, values: &[T]) -> Result<[T; TYPES], Error> {
        if values.is_empty() || values[TYPES.min(values.len())..].iter().any(|&value| value != T::default()) {
            return Err(self.wrong(
                name,
                &format!("has {} entries, must have one for each of {TYPES} types", values.len()),
            ));
        }
        Ok(std::array::from_fn(|kind| values.get(kind).copied().unwrap_or_default()))
    }

    /// The parameters of the run, as this program writes them.
    fn echo(&self) -> Result<Vec<(String, String)>, Error> {
        let mut list = Vec::new();
        // Whose keys these are, nobody else knows: there is no way but to list them.
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
