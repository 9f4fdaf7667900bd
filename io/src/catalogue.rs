//! Halo catalogues in HDF5, with the field names of GADGET-4 groups.

use crate::snapshot::{expect_data, open_hdf5, plain, read_catalogue};
use crate::{Error, Target, Units};
use hdf5::{File, H5Type, Location};
use nbody::halos::Halo;
use std::path::Path;

/// Haloes and their members.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalogue {
    /// Time [T].
    pub time: f64,
    /// Units of all values.
    pub units: Units,
    /// Linking length [L].
    pub linking_length: f64,
    /// Least number of members of a halo.
    pub least_members: u64,
    /// The haloes.
    pub groups: Vec<Halo>,
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
    let Catalogue { time, units, linking_length, least_members, groups, ids } = catalogue;
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
        let parameters = file.create_group("Parameters")?;
        attribute(&parameters, "UnitLength_in_cm", units.length_in_cm)?;
        attribute(&parameters, "UnitMass_in_g", units.mass_in_g)?;
        attribute(&parameters, "UnitVelocity_in_cm_per_s", units.velocity_in_cm_per_s)?;
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
        column(&place, "GroupVel", 3, &vectors(|group| group.velocity))?;
        column(&place, "GroupRadius", 1, &numbers(|group| group.radius))?;
        column(&place, "GroupHalfMassRadius", 1, &numbers(|group| group.half_mass_radius))?;
        column(&place, "GroupVelDisp", 1, &numbers(|group| group.dispersion))?;
        column(&file.create_group("IDs")?, "ID", 1, ids)?;
    }
    file.close()
}

fn attribute<T: H5Type>(place: &Location, name: &str, value: T) -> hdf5::Result<()> {
    place.new_attr::<T>().create(name)?.write_scalar(&value)
}

fn column<T: H5Type>(place: &hdf5::Group, name: &str, width: usize, values: &[T]) -> hdf5::Result<()> {
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
    let row = |vectors: &[f64], i: usize| std::array::from_fn(|axis| vectors[3 * i + axis]);
    let group = |i: usize| Halo {
        id: id[i],
        members: members[i],
        mass: mass[i],
        position: row(&position, i),
        velocity: row(&velocity, i),
        radius: radius[i],
        half_mass_radius: half[i],
        dispersion: dispersion[i],
    };
    Ok(Catalogue {
        time: header.attr("Time")?.read_scalar()?,
        units,
        linking_length: header.attr("LinkingLength")?.read_scalar()?,
        least_members: header.attr("MinimumMembers")?.read_scalar()?,
        groups: (0..rows).map(group).collect(),
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
        let Catalogue { time, units, linking_length, least_members, groups, ids } = self;
        let Units { length_in_cm, mass_in_g, velocity_in_cm_per_s } = *units;
        let head = [*time, length_in_cm, mass_in_g, velocity_in_cm_per_s, *linking_length].map(f64::to_bits);
        let mut numbers = head.to_vec();
        numbers.extend([*least_members, groups.len() as u64]);
        for group in groups {
            numbers.extend([group.id, group.members]);
            let vectors = group.position.into_iter().chain(group.velocity);
            let others = [group.mass, group.radius, group.half_mass_radius, group.dispersion];
            numbers.extend(vectors.chain(others).map(f64::to_bits));
        }
        numbers.extend(ids);
        numbers
    }

    /// Decodes [`Catalogue::to_numbers`]; `None` if the numbers are not a catalogue.
    pub(crate) fn from_numbers(numbers: &[u64]) -> Option<Catalogue> {
        let (head, rest) = numbers.split_first_chunk::<7>()?;
        let number = |k: usize| f64::from_bits(head[k]);
        let (groups, ids) = rest.split_at_checked(usize::try_from(head[6]).ok()?.checked_mul(12)?)?;
        let group = |row: &[u64; 12]| {
            let number = |k: usize| f64::from_bits(row[k]);
            Halo {
                id: row[0],
                members: row[1],
                position: [2, 3, 4].map(number),
                velocity: [5, 6, 7].map(number),
                mass: number(8),
                radius: number(9),
                half_mass_radius: number(10),
                dispersion: number(11),
            }
        };
        Some(Catalogue {
            time: number(0),
            units: Units { length_in_cm: number(1), mass_in_g: number(2), velocity_in_cm_per_s: number(3) },
            linking_length: number(4),
            least_members: head[5],
            groups: groups.as_chunks::<12>().0.iter().map(group).collect(),
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
            linking_length: 0.2,
            least_members: 3,
            groups: (0..groups).map(group).collect(),
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
        assert_eq!(Catalogue::from_numbers(&[0, 0, 0, 0, 0, 0, u64::MAX]), None);
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
