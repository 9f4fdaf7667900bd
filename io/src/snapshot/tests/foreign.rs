//! Files as other programs write them.

use super::{ALL, count, folder, sample, write_alone};
use crate::Units;
use crate::snapshot::{Header, read, read_header};
use hdf5::{File, H5Type};
use std::path::Path;
use treecode::Bodies;

/// A file built by hand: attributes and datasets of any type.
pub(super) struct Builder(pub(super) File);

impl Builder {
    /// A file with `/Header` and a count for each type.
    pub(super) fn new<T: H5Type>(path: &Path, counts: &[T]) -> Builder {
        let builder = Builder(File::create(path).unwrap());
        builder.0.create_group("Header").unwrap();
        builder.list("Header", "NumPart_ThisFile", counts);
        builder
    }

    pub(super) fn list<T: H5Type>(&self, group: &str, name: &str, values: &[T]) -> &Builder {
        let attribute = self.group(group).new_attr::<T>().shape(values.len()).create(name).unwrap();
        attribute.write_raw(values).unwrap();
        self
    }

    pub(super) fn scalar<T: H5Type>(&self, group: &str, name: &str, value: T) -> &Builder {
        self.group(group).new_attr::<T>().create(name).unwrap().write_scalar(&value).unwrap();
        self
    }

    pub(super) fn rows<T: H5Type>(&self, group: &str, name: &str, shape: &[usize], values: &[T]) -> &Builder {
        let dataset = self.group(group).new_dataset::<T>().shape(shape).create(name).unwrap();
        dataset.write_raw(values).unwrap();
        self
    }

    fn group(&self, name: &str) -> hdf5::Group {
        self.0.group(name).or_else(|_| self.0.create_group(name)).unwrap()
    }

    /// `n` bodies of a type in single precision, numbered from `first` on, as GADGET-2 writes them; without masses.
    fn gadget2(&self, group: &str, first: u32, n: u32) -> &Builder {
        let vectors = |seed: u32| (0..3 * n).map(|i| (first * 3 + i + seed) as f32 / 3.0).collect::<Vec<_>>();
        let ids: Vec<u32> = (first..first + n).collect();
        self.rows(group, "Coordinates", &[n as usize, 3], &vectors(0))
            .rows(group, "Velocities", &[n as usize, 3], &vectors(7))
            .rows(group, "ParticleIDs", &[n as usize], &ids)
    }
}

#[test]
fn single_precision_and_mass_table() {
    let (_folder, path) = folder();
    Builder::new(&path, &[2i32, 0, 0, 0, 0, 3])
        .list("Header", "NumPart_Total", &[2u32, 0, 0, 0, 0, 3])
        .list("Header", "NumPart_Total_HighWord", &[0u32; 6])
        .list("Header", "MassTable", &[0.0, 9.0, 0.0, 0.0, 0.0, 0.25])
        .scalar("Header", "Time", 0.5f64)
        .scalar("Header", "NumFilesPerSnapshot", 1i32)
        .gadget2("PartType0", 10, 2)
        .rows("PartType0", "Masses", &[2], &[1.5f32, 2.5])
        .gadget2("PartType5", 20, 3);
    let (header, bodies) = read(&path, 0, 1).unwrap();
    assert_eq!(header, Header { time: 0.5, count: [2, 0, 0, 0, 0, 3], files: 1, ..Header::default() });
    assert_eq!(bodies.kind, [0, 0, 5, 5, 5]);
    assert_eq!(bodies.id, [10, 11, 20, 21, 22]);
    assert_eq!(bodies.mass, [1.5, 2.5, 0.25, 0.25, 0.25]);
    assert_eq!(bodies.position(3), [63f32 / 3.0, 64f32 / 3.0, 65f32 / 3.0].map(f64::from));
    assert_eq!(bodies.velocity(0), [37f32 / 3.0, 38f32 / 3.0, 39f32 / 3.0].map(f64::from));
    assert_eq!((&bodies.acc[0], &bodies.pot), (&vec![0.0; 5], &vec![0.0; 5]));
}

#[test]
fn the_least_that_makes_a_snapshot() {
    let (_folder, path) = folder();
    Builder::new(&path, &[0u64, 2])
        .rows("PartType1", "Coordinates", &[2, 3], &[1.0f64, 2.0, 3.0, 4.0, 5.0, 6.0])
        .rows("PartType1", "Velocities", &[2, 3], &[0i32; 6])
        .rows("PartType1", "ParticleIDs", &[2], &[-1i64, 7])
        .rows("PartType1", "Masses", &[2], &[1.0f64, 0.1])
        .rows("PartType1", "Acceleration", &[2, 3], &[1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0])
        .rows("PartType1", "Potential", &[2], &[-1.0f32, -2.0]);
    let (header, bodies) = read(&path, 0, 1).unwrap();
    assert_eq!((header.time, header.units, header.numbered), (0.0, None, false));
    assert_eq!(bodies.id, [u64::MAX, 7]);
    assert_eq!(bodies.acceleration(1), [4.0, 5.0, 6.0]);
    assert_eq!(bodies.pot, [-1.0, -2.0]);
}

/// Three files: 4, 0 and 3 bodies of type 1; 0, 2 and 1 of type 2.
fn write_three(folder: &Path, stem: &str, ids: bool) {
    for (file, ones, twos) in [(0u32, 4u32, 0u32), (1, 0, 2), (2, 3, 1)] {
        let builder = Builder::new(&folder.join(format!("{stem}.{file}.hdf5")), &[0, ones, twos]);
        builder
            .list("Header", "NumPart_Total", &[0u32, 7, 3])
            .list("Header", "MassTable", &[1.0, 1.0, 2.0])
            .scalar("Header", "NumFilesPerSnapshot", 3i32);
        for (kind, n) in [(1, ones), (2, twos)] {
            if n > 0 {
                builder.gadget2(&format!("PartType{kind}"), 100 * kind + 10 * file, n);
                if !ids {
                    builder.0.group(&format!("PartType{kind}")).unwrap().unlink("ParticleIDs").unwrap();
                }
            }
        }
    }
}

#[test]
fn several_files_are_named_by_any_of_them_or_by_their_beginning() {
    let folder = tempfile::tempdir().unwrap();
    write_three(folder.path(), "snap_003.5", true);
    for name in ["snap_003.5.0.hdf5", "snap_003.5.2.hdf5", "snap_003.5", "snap_003.5.hdf5"] {
        let (header, bodies) = read(&folder.path().join(name), 0, 1).unwrap();
        assert_eq!((header.count, header.files), ([0, 7, 3, 0, 0, 0], 3));
        assert_eq!(bodies.id, [100, 101, 102, 103, 120, 121, 122, 210, 211, 220], "{name}");
        assert_eq!(bodies.mass[6..8], [1.0, 2.0]);
    }
}

#[test]
fn shares_cross_the_borders_of_files() {
    let folder = tempfile::tempdir().unwrap();
    write_three(folder.path(), "snap", true);
    for size in 1..9 {
        let mut all = Bodies::default();
        (0..size).for_each(|rank| all.append(&read(&folder.path().join("snap"), rank, size).unwrap().1));
        all.id.sort_unstable();
        assert_eq!(all.id, [100, 101, 102, 103, 120, 121, 122, 210, 211, 220], "{size} ranks");
    }
}

#[test]
fn bodies_without_ids_are_numbered_alike_on_any_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    write_three(folder.path(), "snap", false);
    let (header, bodies) = read(&folder.path().join("snap"), 0, 1).unwrap();
    assert!(header.numbered);
    assert_eq!(bodies.id, (0..10).collect::<Vec<_>>());
    for rank in 0..3 {
        let (_, share) = read(&folder.path().join("snap"), rank, 3).unwrap();
        assert_eq!(header.numbering(rank, 3), share.id);
        for i in 0..share.len() {
            let same =
                (0..10).find(|&j| bodies.position(j) == share.position(i) && bodies.kind[j] == share.kind[i]);
            assert_eq!(Some(share.id[i]), same.map(|j| bodies.id[j]));
        }
    }
}

#[test]
fn units_are_found_where_programs_put_them() {
    let bare = Units { length_in_cm: 3e21, mass_in_g: 2e43, velocity_in_cm_per_s: 1e5 };
    let with_hubble = Units { length_in_cm: 6e21, mass_in_g: 4e43, velocity_in_cm_per_s: 1e5 };
    for (group, hubble, expected) in [
        ("Parameters", 1.0, bare),
        ("Units", 0.5, with_hubble),
        ("Header", 0.0, bare),
        ("Header", 0.5, with_hubble),
    ] {
        let (_folder, path) = folder();
        let file = Builder::new(&path, &[0u64; 6]);
        file.scalar("Header", "HubbleParam", hubble)
            .scalar(group, "UnitLength_in_cm", 3e21)
            .scalar(group, "UnitMass_in_g", 2e43)
            .list(group, "UnitVelocity_in_cm_per_s", &[1e5]);
        drop(file);
        assert_eq!(read_header(&path).unwrap().units, Some(expected), "{group}");
    }
}

#[test]
fn a_file_is_cosmological_if_it_says_so_or_if_its_time_is_a_scale_factor() {
    let read = |time: f64, redshift: f64, lambda: f64, comoving: Option<i32>| {
        let (_folder, path) = folder();
        let file = Builder::new(&path, &[0u64; 6]);
        file.scalar("Header", "Time", time).scalar("Header", "Redshift", redshift).scalar(
            "Header",
            "OmegaLambda",
            lambda,
        );
        if let Some(flag) = comoving {
            file.scalar("Parameters", "ComovingIntegrationOn", flag);
        }
        drop(file);
        read_header(&path).map_err(|error| error.to_string())
    };
    for (time, redshift, comoving) in [(0.25, 3.0, None), (1.0, 0.0, None), (0.5, 0.0, Some(1))] {
        let fault = read(time, redshift, 0.7, comoving).unwrap_err();
        assert!(fault.ends_with("is a cosmological snapshot; only isolated systems can be read"), "{fault}");
    }
    for (time, redshift, lambda, comoving) in
        [(0.0, 0.0, 0.7, None), (3.5, 0.0, 0.7, None), (1.0, 0.0, 0.0, None), (1.0, 0.0, 0.7, Some(0))]
    {
        assert_eq!(read(time, redshift, lambda, comoving).unwrap().time, time);
    }
}

#[test]
fn counts_beyond_32_bits_have_a_high_word_or_need_none() {
    let read = |low: u64, high: u32| {
        let (_folder, path) = folder();
        let file = Builder::new(&path, &[0u64, 0]);
        file.list("Header", "NumPart_Total", &[0, low]).list("Header", "NumPart_Total_HighWord", &[0, high]);
        drop(file);
        read_header(&path).unwrap_err().to_string()
    };
    for (low, high) in [(5, 2), ((2 << 32) + 5, 0), ((2 << 32) + 5, 2)] {
        let fault = read(low, high);
        assert!(fault.contains("but [0, 8589934597, 0, 0, 0, 0] in NumPart_Total"), "{fault}");
    }
}

#[test]
fn a_seventh_type_without_bodies_does_not_matter() {
    let (_folder, path) = folder();
    let bodies = sample(9);
    write_alone(&path, &Header::default(), &bodies, ALL).unwrap();
    let file = File::open_rw(&path).unwrap();
    let header = file.group("Header").unwrap();
    for name in ["NumPart_ThisFile", "NumPart_Total"] {
        header.delete_attr(name).unwrap();
        let seven: Vec<u64> = count(&bodies).into_iter().chain([0]).collect();
        header.new_attr::<u64>().shape(7).create(name).unwrap().write_raw(&seven).unwrap();
    }
    drop((header, file));
    assert_eq!(read(&path, 0, 1).unwrap().1.len(), 9);
}
