//! Further columns: datasets of a particle type that are not part of the state of a body, such as
//! the energy of gas or a user's tags. They travel with their bodies from file to file
//! ([`Purpose::Passenger`]).
//!
//! A dataset is read if it has one row per body, of one to [`WIDEST`] numbers. Its name and the
//! type of its numbers are kept. All other datasets are reported to the user, with the reason.

use super::datasets::expect_rows;
use super::header::MOST_TYPES;
use super::outside;
use crate::Units;
use crate::snapshot::format::column::{FROM_FILE, group_name, is_of_state};
use crate::snapshot::format::raw::{Numbers, has_attribute, numbers_of, read_text};
use crate::snapshot::{Flavour, plain};
use hdf5::{Dataset, File, Location};
use std::collections::BTreeMap;
use std::path::Path;
use treecode::{About, Dimension, Number, Purpose, TYPES, math};

/// Greatest number of further columns.
pub(crate) const MOST_COLUMNS: usize = 256;
/// Greatest number of values per body in a column.
pub(crate) const WIDEST: usize = 64;
/// Greatest length of a name [bytes].
const LONGEST_NAME: usize = 255;
/// Greatest length of a description [bytes].
const LONGEST_DESCRIPTION: usize = 1000;
/// Greatest number of datasets that are listed as not read.
const MOST_DROPPED: usize = 1000;

/// The reason why a column of this name cannot be written to a snapshot, if there is one.
pub(crate) fn name_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() || name == "." || name.contains(['/', '\0']) {
        Some("its name cannot be that of a dataset")
    } else if name.len() > LONGEST_NAME {
        Some("its name is too long")
    } else if is_of_state(name) {
        Some("a dataset of this name is written by this program")
    } else {
        None
    }
}

/// Collects the further columns of the files of a snapshot.
pub(super) struct Collector {
    /// Units of the values of the first file.
    units: Option<Units>,
    /// Hubble parameter h that these units contain.
    hubble: f64,
    flavour: Flavour,
    /// Number of groups of each type so far, one for each file.
    groups: [usize; MOST_TYPES],
    columns: BTreeMap<String, Candidate>,
    /// Datasets that are not read: type and name, and why.
    dropped: BTreeMap<(usize, String), String>,
}

/// A column, and the number of files that have it, for each type.
struct Candidate {
    about: About,
    files: [usize; MOST_TYPES],
}

impl Collector {
    pub(super) fn new(units: Option<Units>, hubble: f64, flavour: Flavour) -> Collector {
        Collector {
            units,
            hubble,
            flavour,
            groups: [0; MOST_TYPES],
            columns: BTreeMap::new(),
            dropped: BTreeMap::new(),
        }
    }

    /// Examines the datasets of type `kind` in a file, which has `rows` bodies of it.
    pub(super) fn add(&mut self, file: &File, path: &Path, kind: usize, rows: u64) {
        self.groups[kind] += 1;
        // Errors of the group are reported when the state is read.
        let names = file.group(&group_name(kind)).and_then(|group| group.member_names()).unwrap_or_default();
        for name in names.into_iter().filter(|name| !is_of_state(name)) {
            let fault = name_fault(&name).map_or(Ok(()), |fault| Err(fault.to_owned()));
            let about = fault.and_then(|()| self.describe(file, path, kind, &name, rows));
            if let Err(fault) = about.and_then(|about| self.join(kind, about)) {
                self.drop(kind, name, fault);
            }
        }
    }

    fn drop(&mut self, kind: usize, name: String, fault: String) {
        if self.dropped.len() < MOST_DROPPED {
            self.dropped.entry((kind, name)).or_insert(fault);
        }
    }

    /// The columns, and the datasets that are not read, each with the reason.
    pub(super) fn finish(mut self) -> (Vec<About>, Vec<String>) {
        let mut columns = Vec::new();
        for (name, Candidate { mut about, files }) in std::mem::take(&mut self.columns) {
            for kind in 0..MOST_TYPES {
                if files[kind] > 0 && files[kind] < self.groups[kind] {
                    self.drop(kind, name.clone(), "not all files have it".to_owned());
                }
            }
            let is_dropped = |kind: usize| self.dropped.contains_key(&(kind, name.clone()));
            let is_whole = |kind: usize| files[kind] == self.groups[kind] && files[kind] > 0;
            about.kinds = std::array::from_fn(|kind| {
                // Types that are not supported here are read as the last one.
                let mut own = kind..if kind == TYPES - 1 { MOST_TYPES } else { kind + 1 };
                own.clone().any(is_whole) && !own.any(is_dropped)
            });
            if about.kinds != [false; TYPES] {
                columns.push(about);
            }
        }
        let shown =
            |((kind, name), fault): (&(usize, String), &String)| format!("PartType{kind}/{name} ({fault})");
        (columns, self.dropped.iter().map(shown).collect())
    }

    /// Adds a column of a type, which must be like that of the types before.
    fn join(&mut self, kind: usize, about: About) -> Result<(), String> {
        if !self.columns.contains_key(&about.name) && self.columns.len() >= MOST_COLUMNS {
            return Err(format!("more than {MOST_COLUMNS} further datasets"));
        }
        let candidate = self
            .columns
            .entry(about.name.clone())
            .or_insert_with(|| Candidate { about: about.clone(), files: [0; MOST_TYPES] });
        let known = &candidate.about;
        if (known.number, known.width) != (about.number, about.width) {
            return Err(
                "its numbers are of another type or width than those of another particle type".to_owned()
            );
        }
        if (known.unit, known.in_cgs) != (about.unit, about.in_cgs) {
            return Err("its unit is another one than that of another particle type".to_owned());
        }
        candidate.files[kind] += 1;
        Ok(())
    }

    /// Describes a dataset that can be read.
    fn describe(
        &self,
        file: &File,
        path: &Path,
        kind: usize,
        name: &str,
        rows: u64,
    ) -> Result<About, String> {
        let full_name = format!("{}/{name}", group_name(kind));
        outside::check_link(file, path, &full_name)?;
        let dataset = file.dataset(&full_name).map_err(|_| "it is no dataset".to_owned())?;
        let width = width(&dataset.shape(), rows)?;
        let number = match numbers_of(&dataset).map_err(plain)? {
            Numbers::Floats { bytes: ..=4 } => Number::F32,
            Numbers::Floats { bytes: 8 } => Number::F64,
            Numbers::Signed { bytes: 1 } => Number::I8,
            Numbers::Signed { bytes: 2 } => Number::I16,
            Numbers::Signed { bytes: 4 } => Number::I32,
            Numbers::Signed { bytes: 8 } => Number::I64,
            Numbers::Unsigned { bytes: 1 } => Number::U8,
            Numbers::Unsigned { bytes: 2 } => Number::U16,
            Numbers::Unsigned { bytes: 4 } => Number::U32,
            Numbers::Unsigned { bytes: 8 } => Number::U64,
            Numbers::Floats { bytes } | Numbers::Signed { bytes } | Numbers::Unsigned { bytes } => {
                return Err(format!("has numbers of {bytes} bytes"));
            }
            Numbers::None => return Err("has other data than numbers".to_owned()),
        };
        expect_rows(&dataset, file, path)?;
        let stated = match self.flavour {
            Flavour::Gadget => stated_by_gadget(&dataset, self.hubble),
            Flavour::Swift => stated_by_swift(&dataset),
        };
        let stated = stated.or(conventional(name).map(|unit| Stated { unit, in_cgs: None }));
        let (unit, in_cgs) = settle(stated, self.units, number);
        let description = dataset.attr("Description").ok().filter(|_| has(&dataset, "Description"));
        let description = description.and_then(|attribute| read_text(&attribute).ok().flatten());
        Ok(About {
            width,
            in_cgs,
            description: description.filter(|text| is_kept(text)).unwrap_or_default(),
            ..About::new(name, number, unit, Purpose::Passenger)
        })
    }
}

/// Whether a description is one of the user, and not too long.
fn is_kept(description: &str) -> bool {
    description.len() <= LONGEST_DESCRIPTION && description != FROM_FILE
}

/// Numbers per row of a dataset of this shape.
fn width(shape: &[usize], rows: u64) -> Result<usize, String> {
    let width = match shape {
        [_] => 1,
        [_, width @ 1..=WIDEST] => *width,
        [_, _] => return Err(format!("has shape {shape:?}; at most {WIDEST} numbers per body are read")),
        _ => return Err(format!("has shape {shape:?}; one row per body is read")),
    };
    if shape[0] as u64 == rows {
        Ok(width)
    } else {
        Err(format!("has {} rows, but /Header counts {rows}", shape[0]))
    }
}

/// A unit as the attributes of a dataset state it.
struct Stated {
    unit: Dimension,
    in_cgs: Option<f64>,
}

/// The attributes of GADGET-4. The units of the file contain h, but `to_cgs` does not.
fn stated_by_gadget(dataset: &Dataset, hubble: f64) -> Option<Stated> {
    let power = |name: &str| number(dataset, name).and_then(exponent);
    let (length, mass, velocity) =
        (power("length_scaling")?, power("mass_scaling")?, power("velocity_scaling")?);
    let unit = Dimension::new(length.checked_add(velocity)?, mass, velocity.checked_neg()?);
    let h = math::powf(hubble, number(dataset, "h_scaling").unwrap_or(0.0));
    let in_cgs = number(dataset, "to_cgs").map(|to_cgs| to_cgs * h);
    Some(Stated { unit, in_cgs })
}

/// The attributes of SWIFT. A unit with a temperature or an electric current is not kept.
fn stated_by_swift(dataset: &Dataset) -> Option<Stated> {
    let power = |name: &str| number(dataset, name).and_then(exponent);
    let [current, temperature] = [power("U_I exponent")?, power("U_T exponent")?];
    let unit = Dimension::new(power("U_L exponent")?, power("U_M exponent")?, power("U_t exponent")?);
    let factor = number(dataset, "Conversion factor to CGS (not including cosmological corrections)");
    ([current, temperature] == [0, 0]).then_some(Stated { unit, in_cgs: factor })
}

/// Units that the names of GADGET and SWIFT imply, for files without attributes.
fn conventional(name: &str) -> Option<Dimension> {
    Some(match name {
        "InternalEnergy" | "InternalEnergies" => Dimension::new(2, 0, -2),
        "Density" | "Densities" => Dimension::new(-3, 1, 0),
        "Pressure" | "Pressures" => Dimension::new(-1, 1, -2),
        "SmoothingLength" | "SmoothingLengths" => Dimension::new(1, 0, 0),
        _ => return None,
    })
}

/// Relative tolerance of a stated size of a unit against that which follows from the units of the
/// file.
const TOLERANCE: f64 = 1e-6;

/// The unit of a column, and its size if that is fixed. `units` are those of the file.
fn settle(stated: Option<Stated>, units: Option<Units>, number: Number) -> (Option<Dimension>, Option<f64>) {
    let Some(Stated { unit, in_cgs }) = stated else { return (None, None) };
    let follows = if unit == Dimension::NONE { Some(1.0) } else { units.map(|units| units.in_cgs(unit)) };
    // In GADGET, 0 means a pure number.
    let stated = in_cgs.filter(|size| *size > 0.0 && size.is_finite());
    let is_other = |size: &f64| follows.is_none_or(|follows| (size / follows - 1.0).abs() > TOLERANCE);
    match stated.filter(is_other) {
        Some(size) => (Some(unit), Some(size)),
        // Integers are never converted.
        None if number.is_integer() && unit != Dimension::NONE => (follows.map(|_| unit), follows),
        None => (Some(unit), None),
    }
}

fn exponent(value: f64) -> Option<i8> {
    const MOST: f64 = 20.0;
    (value.fract() == 0.0 && value.abs() <= MOST).then_some(value as i8)
}

fn has(place: &Location, name: &str) -> bool {
    has_attribute(place, name).unwrap_or(false)
}

/// A finite number, or the first of a few.
fn number(place: &Location, name: &str) -> Option<f64> {
    const FEW: usize = 16;
    let attribute = place.attr(name).ok().filter(|_| has(place, name))?;
    let values = (attribute.size() <= FEW).then(|| attribute.read_raw::<f64>().ok())??;
    values.first().copied().filter(|value| value.is_finite())
}
