//! Halo catalogues in HDF5, with the field names of GADGET-4 groups.

use crate::snapshot::{Universe, expect_data, open_hdf5, plain, read_catalogue};
use crate::{Error, Target, Units};
use hdf5::{File, H5Type, Location};
use nbody::halos::{Halo, Sphere};
use std::path::Path;

/// Mean densities of the spheres in a catalogue, as in the names of their columns: 200 times the
/// mean density of matter, 200 times the critical density, and the density of a collapsed sphere
/// (Bryan & Norman 1998).
pub const SPHERES: [&str; 3] = ["Mean200", "Crit200", "TopHat200"];

/// Haloes and their members.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// Time [T].
    pub time: f64,
    /// Units of all values.
    pub units: Units,
    /// Side of the periodic box [L]; 0 for open space.
    pub side: f64,
    /// The expanding universe, if there is one. Lengths are then comoving.
    pub universe: Option<Universe>,
    /// Linking length [L].
    pub linking_length: f64,
    /// Least number of members of a halo.
    pub least_members: u64,
    /// The haloes.
    pub groups: Vec<Halo>,
    /// The spheres of each halo, with the mean densities of [`SPHERES`]. Empty if the density of
    /// the universe is not known.
    pub spheres: Vec<[Sphere; 3]>,
    /// Ids of all members, halo by halo.
    pub ids: Vec<u64>,
}

/// Writes a catalogue. The file appears complete or not at all.
///
/// # Errors
/// If it cannot be written.
pub fn write(target: &Target, catalogue: &Catalogue) -> Result<(), Error> {
    let part = target.begin()?;
    write_part(part.path(), catalogue)
        .map_err(|error| Error::snapshot(target.path(), format!("cannot write: {}", plain(error))))?;
    part.finish()
}

fn write_part(path: &Path, catalogue: &Catalogue) -> hdf5::Result<()> {
    let Catalogue { time, units, side, universe, linking_length, least_members, groups, spheres, ids } =
        catalogue;
    let file = File::create(path)?;
    {
        let header = file.create_group("Header")?;
        attribute(&header, "Ngroups_ThisFile", groups.len() as u64)?;
        attribute(&header, "Ngroups_Total", groups.len() as u64)?;
        attribute(&header, "Nids_ThisFile", ids.len() as u64)?;
        attribute(&header, "Nids_Total", ids.len() as u64)?;
        attribute(&header, "NumFiles", 1)?;
        attribute(&header, "Time", *time)?;
        attribute(&header, "LinkingLength", *linking_length)?;
        attribute(&header, "MinimumMembers", *least_members)?;
        attribute(&header, "BoxSize", *side)?;
        universe.iter().try_for_each(|universe| write_universe(&file, universe))?;
        write_units(&file, units)?;
        let place = file.create_group("Group")?;
        let mut end = 0;
        let mut advance = |members: u64| {
            end += members;
            end - members
        };
        let offsets: Vec<u64> = groups.iter().map(|group| advance(group.members)).collect();
        let numbers = |of: fn(&Halo) -> f64| groups.iter().map(of).collect::<Vec<_>>();
        let vectors = |of: fn(&Halo) -> [f64; 3]| groups.iter().flat_map(of).collect::<Vec<_>>();
        column(&place, "GroupID", 1, &groups.iter().map(|group| group.id).collect::<Vec<_>>())?;
        column(&place, "GroupLen", 1, &groups.iter().map(|group| group.members).collect::<Vec<_>>())?;
        column(&place, "GroupOffset", 1, &offsets)?;
        column(&place, "GroupMass", 1, &numbers(|group| group.mass))?;
        column(&place, "GroupPos", 3, &vectors(|group| group.position))?;
        column(&place, "GroupCentre", 3, &vectors(|group| group.centre))?;
        column(&place, "GroupVel", 3, &vectors(|group| group.velocity))?;
        column(&place, "GroupRadius", 1, &numbers(|group| group.radius))?;
        column(&place, "GroupHalfMassRadius", 1, &numbers(|group| group.half_mass_radius))?;
        column(&place, "GroupVelDisp", 1, &numbers(|group| group.dispersion))?;
        for (k, name) in SPHERES.iter().enumerate().filter(|_| !spheres.is_empty()) {
            let of =
                |number: fn(&Sphere) -> f64| spheres.iter().map(|some| number(&some[k])).collect::<Vec<_>>();
            column(&place, &format!("Group_M_{name}"), 1, &of(|sphere| sphere.mass))?;
            column(&place, &format!("Group_R_{name}"), 1, &of(|sphere| sphere.radius))?;
        }
        column(&file.create_group("IDs")?, "ID", 1, ids)?;
    }
    file.close()
}

/// Attributes of `/Cosmology`.
const COSMOLOGY: [&str; 7] = ["Scale-factor", "Omega_m", "Omega_lambda", "Omega_r", "w_0", "w_a", "h"];

fn numbers_of(universe: &Universe) -> [f64; 7] {
    let Universe { scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h, .. } = *universe;
    [scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h]
}

fn universe_of([scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h]: [f64; 7]) -> Universe {
    Universe { scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h, hubble: 0.0 }
}

/// Writes the group `/Cosmology`.
pub(crate) fn write_universe(file: &File, universe: &Universe) -> hdf5::Result<()> {
    let cosmology = file.create_group("Cosmology")?;
    let values = numbers_of(universe);
    COSMOLOGY.iter().zip(values).try_for_each(|(name, value)| attribute(&cosmology, name, value))?;
    attribute(&cosmology, "Redshift", universe.redshift())
}

/// Writes the group `/Parameters` with the units.
pub(crate) fn write_units(file: &File, units: &Units) -> hdf5::Result<()> {
    let parameters = file.create_group("Parameters")?;
    attribute(&parameters, "UnitLength_in_cm", units.length_in_cm)?;
    attribute(&parameters, "UnitMass_in_g", units.mass_in_g)?;
    attribute(&parameters, "UnitVelocity_in_cm_per_s", units.velocity_in_cm_per_s)
}

/// Writes a number as an attribute.
pub(crate) fn attribute<T: H5Type>(place: &Location, name: &str, value: T) -> hdf5::Result<()> {
    place.new_attr::<T>().create(name)?.write_scalar(&value)
}

/// Writes a dataset with `width` numbers in a row.
pub(crate) fn column<T: H5Type>(
    place: &hdf5::Group,
    name: &str,
    width: usize,
    values: &[T],
) -> hdf5::Result<()> {
    let rows = values.len() / width;
    let builder = place.new_dataset::<T>().obj_track_times(false);
    let dataset = if width == 1 {
        builder.shape(rows).create(name)?
    } else {
        builder.shape((rows, width)).create(name)?
    };
    if rows > 0 { dataset.write_raw(values) } else { Ok(()) }
}

/// Reads a catalogue.
///
/// # Errors
/// If it cannot be read, is not a catalogue, or is inconsistent.
pub fn read(path: &Path) -> Result<Catalogue, Error> {
    crate::file::open(path)?;
    read_catalogue(path)
}

/// Like [`read`], in this process.
pub(crate) fn read_here(path: &Path) -> Result<Catalogue, Error> {
    let file = open_hdf5(path)?;
    let names = ["Header", "Parameters", "Group", "IDs"];
    if let Some(name) = names.into_iter().find(|name| !file.link_exists(name)) {
        return Err(Error::snapshot(path, format!("is no catalogue of haloes: it has no group /{name}")));
    }
    let catalogue = read_file(&file, path)
        .map_err(|error| Error::snapshot(path, format!("is no catalogue of haloes: {}", plain(error))))?;
    let Catalogue { groups, ids, .. } = &catalogue;
    let members = groups.iter().try_fold(0u64, |sum, group| sum.checked_add(group.members));
    if members != Some(ids.len() as u64) {
        return Err(Error::snapshot(
            path,
            format!("has {} ids, but its haloes have other numbers of members", ids.len()),
        ));
    }
    Ok(catalogue)
}

fn read_file(file: &File, path: &Path) -> hdf5::Result<Catalogue> {
    let data = |name: &str| expect_data(file, path, name);
    let (header, parameters) = (file.group("Header")?, file.group("Parameters")?);
    let units = Units {
        length_in_cm: parameters.attr("UnitLength_in_cm")?.read_scalar()?,
        mass_in_g: parameters.attr("UnitMass_in_g")?.read_scalar()?,
        velocity_in_cm_per_s: parameters.attr("UnitVelocity_in_cm_per_s")?.read_scalar()?,
    };
    let rows = data("Group/GroupID")?.size();
    let numbers = |name: &str| of_length(name, data(&format!("Group/{name}"))?.read_raw::<f64>()?, rows);
    let vectors = |name: &str| of_length(name, data(&format!("Group/{name}"))?.read_raw::<f64>()?, 3 * rows);
    let whole = |name: &str| of_length(name, data(&format!("Group/{name}"))?.read_raw::<u64>()?, rows);
    let (id, members, mass) = (whole("GroupID")?, whole("GroupLen")?, numbers("GroupMass")?);
    let (position, velocity) = (vectors("GroupPos")?, vectors("GroupVel")?);
    let (radius, half, dispersion) =
        (numbers("GroupRadius")?, numbers("GroupHalfMassRadius")?, numbers("GroupVelDisp")?);
    let centre =
        if file.link_exists("Group/GroupCentre") { vectors("GroupCentre")? } else { position.clone() };
    let mut spheres = Vec::new();
    if file.link_exists(&format!("Group/Group_M_{}", SPHERES[0])) {
        spheres = vec![[Sphere::default(); 3]; rows];
        for (k, name) in SPHERES.iter().enumerate() {
            let (mass, radius) = (numbers(&format!("Group_M_{name}"))?, numbers(&format!("Group_R_{name}"))?);
            for (some, (mass, radius)) in spheres.iter_mut().zip(mass.into_iter().zip(radius)) {
                some[k] = Sphere { mass, radius };
            }
        }
    }
    let universe = if file.link_exists("Cosmology") {
        let place = file.group("Cosmology")?;
        let mut values = [0.0; 7];
        for (value, name) in values.iter_mut().zip(COSMOLOGY) {
            *value = place.attr(name)?.read_scalar()?;
        }
        Some(universe_of(values))
    } else {
        None
    };
    let row = |vectors: &[f64], i: usize| std::array::from_fn(|axis| vectors[3 * i + axis]);
    let group = |i: usize| Halo {
        id: id[i],
        members: members[i],
        mass: mass[i],
        position: row(&position, i),
        centre: row(&centre, i),
        velocity: row(&velocity, i),
        radius: radius[i],
        half_mass_radius: half[i],
        dispersion: dispersion[i],
    };
    Ok(Catalogue {
        time: header.attr("Time")?.read_scalar()?,
        units,
        side: header.attr("BoxSize").and_then(|side| side.read_scalar()).unwrap_or(0.0),
        universe,
        linking_length: header.attr("LinkingLength")?.read_scalar()?,
        least_members: header.attr("MinimumMembers")?.read_scalar()?,
        groups: (0..rows).map(group).collect(),
        spheres,
        ids: data("IDs/ID")?.read_raw()?,
    })
}

fn of_length<T>(name: &str, values: Vec<T>, length: usize) -> hdf5::Result<Vec<T>> {
    if values.len() == length {
        Ok(values)
    } else {
        Err(format!("{name} has {} numbers, must have {length}", values.len()).into())
    }
}

impl Catalogue {
    /// Encodes the catalogue as integers. Every value keeps its bits.
    pub(crate) fn to_numbers(&self) -> Vec<u64> {
        let Catalogue { time, units, side, universe, linking_length, least_members, groups, spheres, ids } =
            self;
        let Units { length_in_cm, mass_in_g, velocity_in_cm_per_s } = *units;
        let head = [*time, length_in_cm, mass_in_g, velocity_in_cm_per_s, *linking_length].map(f64::to_bits);
        let mut numbers = head.to_vec();
        numbers.extend([*least_members, groups.len() as u64]);
        numbers.extend([side.to_bits(), u64::from(universe.is_some()), u64::from(!spheres.is_empty())]);
        numbers.extend(numbers_of(&universe.unwrap_or_default()).map(f64::to_bits));
        for group in groups {
            numbers.extend([group.id, group.members]);
            let vectors = group.position.into_iter().chain(group.velocity).chain(group.centre);
            let others = [group.mass, group.radius, group.half_mass_radius, group.dispersion];
            numbers.extend(vectors.chain(others).map(f64::to_bits));
        }
        numbers.extend(
            spheres.iter().flatten().flat_map(|sphere| [sphere.mass, sphere.radius]).map(f64::to_bits),
        );
        numbers.extend(ids);
        numbers
    }

    /// Decodes [`Catalogue::to_numbers`]; `None` if the numbers are not a catalogue.
    pub(crate) fn from_numbers(numbers: &[u64]) -> Option<Catalogue> {
        let (head, rest) = numbers.split_first_chunk::<17>()?;
        let number = |k: usize| f64::from_bits(head[k]);
        let count = usize::try_from(head[6]).ok()?;
        let (groups, rest) = rest.split_at_checked(count.checked_mul(15)?)?;
        let (spheres, ids) = rest.split_at_checked(if head[9] == 1 { count.checked_mul(6)? } else { 0 })?;
        let sphere = |row: &[u64; 6]| {
            let number = |k: usize| f64::from_bits(row[k]);
            [0, 2, 4].map(|k| Sphere { mass: number(k), radius: number(k + 1) })
        };
        let group = |row: &[u64; 15]| {
            let number = |k: usize| f64::from_bits(row[k]);
            Halo {
                id: row[0],
                members: row[1],
                position: [2, 3, 4].map(number),
                velocity: [5, 6, 7].map(number),
                centre: [8, 9, 10].map(number),
                mass: number(11),
                radius: number(12),
                half_mass_radius: number(13),
                dispersion: number(14),
            }
        };
        Some(Catalogue {
            time: number(0),
            units: Units { length_in_cm: number(1), mass_in_g: number(2), velocity_in_cm_per_s: number(3) },
            side: number(7),
            universe: (head[8] == 1).then(|| universe_of(std::array::from_fn(|k| number(10 + k)))),
            linking_length: number(4),
            least_members: head[5],
            groups: groups.as_chunks::<15>().0.iter().map(group).collect(),
            spheres: spheres.as_chunks::<6>().0.iter().map(sphere).collect(),
            ids: ids.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue(groups: u64) -> Catalogue {
        let group = |i: u64| {
            let x = i as f64;
            Halo {
                id: 100 + i,
                members: 3 + i,
                mass: 0.5 * x,
                position: [x, x + 1.0, x + 2.0],
                centre: [x + 0.5, x, x],
                velocity: [-x, 0.0, 1.0 / 3.0],
                radius: x,
                half_mass_radius: 0.5 * x,
                dispersion: 2.0 * x,
            }
        };
        let ids = (0..(0..groups).map(|i| 3 + i).sum()).collect();
        Catalogue {
            time: 1.5,
            units: Units::NBODY,
            side: 9.0,
            universe: (groups > 1).then(|| universe_of([0.5, 0.3, 0.7, 0.0, -1.0, 0.0, 0.7])),
            linking_length: 0.2,
            least_members: 3,
            groups: (0..groups).map(group).collect(),
            spheres: (0..groups)
                .map(|i| [1.0, 2.0, 3.0].map(|x| Sphere { mass: x, radius: i as f64 }))
                .collect(),
            ids,
        }
    }

    #[test]
    fn a_catalogue_is_read_as_it_was_written_even_if_it_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("haloes.hdf5");
        for groups in [5, 1, 0] {
            write(&Target::own(&path), &catalogue(groups)).unwrap();
            assert_eq!(read(&path).unwrap(), catalogue(groups));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let file = File::open(&path).unwrap();
        assert_eq!(
            file.group("Header").unwrap().attr("Ngroups_Total").unwrap().read_scalar::<u64>().unwrap(),
            0
        );
    }

    #[test]
    fn what_is_no_catalogue_is_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.hdf5");
        assert!(read(&path).unwrap_err().to_string().contains("cannot read: No such file"));
        std::fs::write(&path, "not HDF5").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert_eq!(message, format!("{}: is not an HDF5 file", path.display()));
        File::create(&path).unwrap().close().unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.ends_with("is no catalogue of haloes: it has no group /Header"), "{message}");
        assert_eq!(Catalogue::from_numbers(&catalogue(3).to_numbers()), Some(catalogue(3)));
        assert_eq!(Catalogue::from_numbers(&[u64::MAX; 17]), None);
        let torn = Catalogue { ids: vec![1], ..catalogue(2) };
        write(&Target::own(&path), &torn).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("has 1 ids"));
        assert!(
            write(&Target::own(folder.path().join("none/x.hdf5")), &torn)
                .unwrap_err()
                .to_string()
                .contains("No such file")
        );
    }
}
