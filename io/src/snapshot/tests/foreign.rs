//! Files as other programs write them.

use super::{ALL, count, folder, sample, write_alone};
use crate::Units;
use crate::snapshot::{Header, read, read_header};
use hdf5::{File, H5Type};
use std::path::Path;
use treecode::Bodies;

/// A file built by hand, with attributes and datasets of any type.
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

    /// `n` bodies of a type in single precision, numbered from `first`, as GADGET-2 writes them.
    /// Without masses.
    pub(super) fn gadget2(&self, group: &str, first: u32, n: u32) -> &Builder {
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

/// The header of a file with these values in `/Header` and `/Parameters`.
fn header_with(header: &[(&str, f64)], parameters: &[(&str, f64)]) -> Result<Header, String> {
    let (_folder, path) = folder();
    let file = Builder::new(&path, &[0u64; 6]);
    for (group, numbers) in [("Header", header), ("Parameters", parameters)] {
        for (name, value) in numbers {
            file.scalar(group, name, *value);
        }
    }
    drop(file);
    read_header(&path).map_err(|error| error.to_string())
}

#[test]
fn a_file_is_cosmological_if_it_says_so_or_if_all_else_says_so() {
    let cosmological = |header: &[(&str, f64)], parameters: &[(&str, f64)]| {
        let header = header_with(header, parameters).unwrap();
        let refused = header.expect_isolated(Path::new("a"), "do something");
        assert_eq!(header.cosmological.is_some(), refused.is_err());
        refused.is_err()
    };
    let early = [("Time", 1.0 / 51.0), ("Redshift", 50.0), ("Omega0", 0.3)];
    let today = [("Time", 1.0), ("Redshift", 0.0), ("Omega0", 0.3), ("OmegaLambda", 0.7)];
    let boxed = [&today[..], &[("BoxSize", 100.0)]].concat();
    assert!(cosmological(&early, &[]) && cosmological(&boxed, &[]) && !cosmological(&today, &[]));
    assert!(!cosmological(&early, &[("ComovingIntegrationOn", 0.0)]));
    assert!(cosmological(&today, &[("ComovingIntegrationOn", 1.0)]));
    assert!(!cosmological(&boxed, &[("PeriodicBoundariesOn", 0.0)]));
    let other = [("Time", 1.0), ("Omega_Matter", 0.3), ("BoxSize", 100.0), ("ComovingIntegrationOn", 0.0)];
    assert!(cosmological(&other[..3], &[]) && !cosmological(&other, &[]));
}

#[test]
fn a_cosmological_file_without_units_has_lengths_and_masses_over_h() {
    let early = [("Time", 0.02), ("Redshift", 49.0), ("Omega0", 0.3), ("HubbleParam", 0.5)];
    let header = header_with(&early, &[]).unwrap();
    let universe = header.universe.unwrap();
    assert_eq!((universe.scale_factor, universe.omega_m, universe.h), (0.02, 0.3, 0.5));
    let Units { length_in_cm, mass_in_g, velocity_in_cm_per_s } = Units::PARSEC;
    let doubled =
        Units { length_in_cm: 2.0 * length_in_cm, mass_in_g: 2.0 * mass_in_g, velocity_in_cm_per_s };
    assert_eq!(header.units_or(Some(&Units::PARSEC)), doubled);
    assert!(header.remarks[0].contains("1/h, with h = 0.5"), "{:?}", header.remarks);
    // An isolated system has no such units.
    let today = header_with(&[("Time", 1.0), ("HubbleParam", 0.5)], &[]).unwrap();
    assert_eq!((today.units_or(Some(&Units::PARSEC)), today.remarks.len()), (Units::PARSEC, 0));
}

#[test]
fn a_box_is_periodic_unless_the_file_denies_it() {
    let side = |parameters: &[(&str, f64)]| header_with(&[("BoxSize", 5.0)], parameters).unwrap().box_size;
    assert_eq!(
        [side(&[]), side(&[("PeriodicBoundariesOn", 1.0)]), side(&[("PeriodicBoundariesOn", 0.0)])],
        [5.0, 5.0, 0.0]
    );
}

#[test]
fn the_constant_of_gravitation_of_a_file_is_kept() {
    let names = ["UnitLength_in_cm", "UnitMass_in_g", "UnitVelocity_in_cm_per_s"];
    let read = |units: [f64; 3], gravity: f64| {
        let units = names.into_iter().zip(units);
        header_with(&[], &units.chain([("GravityConstantInternal", gravity)]).collect::<Vec<_>>())
    };
    let Units { length_in_cm: length, mass_in_g: mass, velocity_in_cm_per_s: velocity } = Units::GALACTIC;
    // 0 means the value that follows from the units. Programs agree on it to about four digits.
    for same in [0.0, 43018.7, 43007.1] {
        let header = read([length, mass, velocity], same).unwrap();
        assert_eq!((header.units, header.gravity, header.remarks.len()), (Some(Units::GALACTIC), None, 0));
    }
    let header = read([length, mass, velocity], 1.0).unwrap();
    let units = header.units.unwrap();
    assert!((units.gravitational_constant() - 1.0).abs() < 1e-12);
    assert_eq!((units.length_in_cm, units.velocity_in_cm_per_s, header.remarks.len()), (length, velocity, 1));
    let header = read([1.0; 3], 1.0).unwrap();
    assert_eq!((header.units, header.gravity), (None, Some(1.0)));
    assert_eq!(header.units_or(None), Units::NBODY);
    assert_eq!(header.units_or(Some(&Units::NBODY)), Units::NBODY);
    let galactic = header.units_or(Some(&Units::GALACTIC));
    assert!((galactic.gravitational_constant() - 1.0).abs() < 1e-12 && galactic.length_in_cm == length);
    assert_eq!(read([1.0; 3], 6.6743e-8).unwrap().units.unwrap().length_in_cm, 1.0);
    assert!(
        read([1.0; 3], -1.0).unwrap_err().ends_with("has the constant of gravitation -1.0, must be above 0")
    );
}

#[test]
fn units_of_gizmo_are_read_by_its_names() {
    let header = header_with(
        &[
            ("UnitLength_In_CGS", 3e18),
            ("UnitMass_In_CGS", 2e33),
            ("UnitVelocity_In_CGS", 100.0),
            ("Gravitational_Constant_In_Code_Inits", 4450.0),
        ],
        &[],
    );
    let header = header.unwrap();
    let expected = Units { length_in_cm: 3e18, mass_in_g: 2e33, velocity_in_cm_per_s: 100.0 };
    assert_eq!((header.units, header.gravity), (Some(expected), None));
}

#[test]
fn counts_may_be_floats_if_they_are_whole() {
    let (_folder, path) = folder();
    Builder::new(&path, &[0.0f64, 2.0])
        .list("Header", "NumPart_Total", &[0.0f32, 2.0])
        .list("Header", "MassTable", &[0.0, 1.0])
        .gadget2("PartType1", 1, 2);
    assert_eq!(read(&path, 0, 1).unwrap().0.count, [0, 2, 0, 0, 0, 0]);
    for wrong in [1.5, -1.0, f64::NAN, 1e300] {
        let (_folder, path) = folder();
        drop(Builder::new(&path, &[0.0, wrong]));
        let fault = read_header(&path).unwrap_err().to_string();
        assert!(
            fault.ends_with("NumPart_ThisFile has a count that is negative or no whole number"),
            "{fault}"
        );
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
fn masses_and_ids_may_be_columns_floats_or_one_mass_for_all() {
    for (shape, masses) in
        [(vec![], vec![0.25]), (vec![1], vec![0.25]), (vec![1, 1], vec![0.25]), (vec![3, 1], vec![0.25; 3])]
    {
        let (_folder, path) = folder();
        let builder = Builder::new(&path, &[0, 3]);
        builder
            .rows("PartType1", "Coordinates", &[3, 3], &[0.0f32, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
            .rows("PartType1", "Velocities", &[3, 3], &[0.0; 9])
            .rows("PartType1", "ParticleIDs", &[3, 1], &[5.0, 9_007_199_254_740_991.0, 7.0])
            .rows("PartType1", "Masses", &shape, &masses);
        drop(builder);
        let (_, bodies) = read(&path, 0, 1).unwrap();
        assert_eq!(bodies.mass, [0.25; 3], "{shape:?}");
        assert_eq!(bodies.id, [5, (1 << 53) - 1, 7]);
    }
}

fn case(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name)
}

#[test]
fn halves_and_ids_of_six_bytes_are_read() {
    let (_, bodies) = read(&case("half_and_six_bytes.hdf5"), 0, 1).unwrap();
    assert_eq!(bodies.id, [7, 1 << 40, (1 << 48) - 1, 3]);
    assert_eq!(bodies.position(3), [2.25, 2.5, 2.75]);
}

#[test]
fn a_filter_that_the_library_lacks_is_named() {
    let fault = read(&case("lzf.hdf5"), 0, 1).unwrap_err().to_string();
    assert!(fault.contains("/PartType1/Coordinates is compressed with the filter 32000 (LZF)"), "{fault}");
    assert_eq!(fault.lines().count(), 1);
}

#[test]
fn types_that_are_not_known_are_taken_for_the_last_one() {
    let folder = tempfile::tempdir().unwrap();
    for (file, sixth, seventh) in [(0u32, 2u32, 3u32), (1, 1, 0)] {
        let path = folder.path().join(format!("snap.{file}.hdf5"));
        let builder = Builder::new(&path, &[0, 1, 0, 0, 0, sixth, seventh]);
        builder
            .list("Header", "NumPart_Total", &[0u32, 2, 0, 0, 0, 3, 3])
            .list("Header", "MassTable", &[0.0, 1.0, 0.0, 0.0, 0.0, 2.0, 3.0])
            .scalar("Header", "NumFilesPerSnapshot", 2i32)
            .gadget2("PartType1", 10 * file, 1);
        for (kind, n) in [(5, sixth), (6, seventh)] {
            if n > 0 {
                builder.gadget2(&format!("PartType{kind}"), 100 * kind + 10 * file, n);
            }
        }
    }
    let path = folder.path().join("snap");
    let (header, bodies) = read(&path, 0, 1).unwrap();
    assert_eq!((header.count, header.files), ([0, 2, 0, 0, 0, 6], 2));
    assert_eq!(header.remarks, ["has 3 bodies of type 6, which are taken for type 5"]);
    assert_eq!(bodies.id, [0, 10, 500, 501, 510, 600, 601, 602]);
    assert_eq!(bodies.mass, [1.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0, 3.0]);
    for size in 2..6 {
        let mut all = Bodies::default();
        (0..size).for_each(|rank| all.append(&read(&path, rank, size).unwrap().1));
        all.id.sort_unstable();
        assert_eq!(all.id, [0, 10, 500, 501, 510, 600, 601, 602], "{size} ranks");
    }
}

#[test]
fn a_file_of_amuse_is_recognized() {
    let (_folder, path) = folder();
    let file = File::create(&path).unwrap();
    file.create_group("data")
        .unwrap()
        .create_group("0000000001")
        .unwrap()
        .create_group("attributes")
        .unwrap();
    drop(file);
    let fault = read_header(&path).unwrap_err().to_string();
    assert!(fault.contains("is a file of AMUSE") && fault.contains("write_set_to_file"), "{fault}");
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
