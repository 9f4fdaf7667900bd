//! Further columns of the bodies, from file to file.

use super::foreign::Builder;
use super::{ALL, by_type, count, folder, header, sample, write_as};
use crate::Target;
use crate::snapshot::{
    Flavour, Header, Index, Layout, Region, Rows, Wanted, names, read, read_header, read_region, read_wanted,
    write,
};
use crate::{Units, snapshot};
use decomposition::threads;
use std::path::Path;
use treecode::{About, ArrayMut, Bodies, Dimension, Number, Purpose, TYPES};

const NUMBERS: [Number; 10] = {
    use Number::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    [F32, F64, I8, I16, I32, I64, U8, U16, U32, U64]
};

/// Bodies of types 1, 2 and 4 with a column of every type, of several widths, units and types of
/// bodies.
fn with_columns(n: usize) -> Bodies {
    let mut bodies = sample(n);
    for (k, number) in NUMBERS.into_iter().enumerate() {
        let units = [None, Some(Dimension::NONE), Some(Dimension::new(2, -1, -2))];
        let about = About::new(&format!("column {k:02}"), number, units[k % 3], Purpose::Passenger);
        bodies.add_column(About {
            width: [1, 3, 2][k % 3],
            // The unit of integers is fixed.
            in_cgs: (k % 3 == 2 && number.is_integer()).then_some(1e20),
            description: if k == 4 { "the column of \"four\", é".to_owned() } else { String::new() },
            kinds: if k % 2 == 0 {
                [false, true, true, false, true, false]
            } else {
                [false, false, true, false, false, false]
            },
            ..about
        });
    }
    let kinds = bodies.kind.clone();
    for (about, array) in bodies.columns_mut() {
        let of = |i: usize| about.kinds[usize::from(kinds[i / about.width])];
        let number = |i: usize| if of(i) { (i as f64 * 0.37).sin() * 1e4 } else { 0.0 };
        match array {
            ArrayMut::F32(values) => (0..values.len()).for_each(|i| values[i] = number(i) as f32),
            ArrayMut::F64(values) => (0..values.len()).for_each(|i| values[i] = number(i)),
            ArrayMut::I8(values) => (0..values.len()).for_each(|i| values[i] = number(i) as i8),
            ArrayMut::I16(values) => (0..values.len()).for_each(|i| values[i] = number(i) as i16),
            ArrayMut::I32(values) => (0..values.len()).for_each(|i| values[i] = number(i) as i32),
            ArrayMut::I64(values) => (0..values.len())
                .for_each(|i| values[i] = i64::MIN * i64::from(of(i)) + i as i64 * i64::from(of(i))),
            ArrayMut::U8(values) => (0..values.len()).for_each(|i| values[i] = number(i) as u8),
            ArrayMut::U16(values) => (0..values.len()).for_each(|i| values[i] = number(i) as u16),
            ArrayMut::U32(values) => (0..values.len()).for_each(|i| values[i] = number(i) as u32),
            ArrayMut::U64(values) => {
                (0..values.len()).for_each(|i| values[i] = if of(i) { u64::MAX - i as u64 } else { 0 })
            }
        }
    }
    // The engine's own columns are not written.
    bodies.add_column(About::new("rate", Number::F32, None, Purpose::Integrator));
    bodies
}

/// The bodies as they are read: without the columns of the engine.
fn without_own(bodies: &Bodies) -> Bodies {
    let mut found = Bodies::zeroed(bodies.len());
    (found.id, found.kind, found.mass) = (bodies.id.clone(), bodies.kind.clone(), bodies.mass.clone());
    (found.pos, found.vel) = (bodies.pos.clone(), bodies.vel.clone());
    (found.acc, found.pot) = (bodies.acc.clone(), bodies.pot.clone());
    for column in bodies.columns().iter().filter(|column| column.about().purpose == Purpose::Passenger) {
        found.add_column(column.about().clone());
    }
    // Columns of the same type and width are copied by their bytes.
    for ((_, into), from) in found.columns_mut().zip(bodies.columns()) {
        snapshot::format::column::by_type!(ArrayMut, into, into => into.copy_from_slice(bytemuck::cast_slice(from.array().bytes())));
    }
    found
}

fn unordered(bodies: &Bodies) -> Index {
    Index::without_order(count(bodies))
}

fn columns_of(bodies: &Bodies) -> Vec<About> {
    let abouts = bodies.columns().iter().map(|column| column.about().clone());
    abouts.filter(|about| about.purpose == Purpose::Passenger).collect()
}

fn read_on(path: &Path, ranks: usize) -> Bodies {
    let mut all = Bodies::default();
    (0..ranks).for_each(|rank| all.append(&read(path, rank, ranks).unwrap().1));
    by_type(&all)
}

#[test]
fn further_columns_keep_every_bit_in_every_layout() {
    let bodies = with_columns(3000);
    let expected = by_type(&without_own(&bodies));
    for flavour in [Flavour::Gadget, Flavour::Swift] {
        for (single, compression, files) in [(false, 0, 1), (true, 0, 1), (false, 6, 1)] {
            let (folder, path) = folder();
            let layout = Layout { flavour, single, compression, files, hints: Vec::new() };
            write_as(&path, &header(), &bodies, ALL, &layout, &unordered(&bodies)).unwrap();
            let found = read_header(&path).unwrap();
            let mut columns = columns_of(&bodies);
            if flavour == Flavour::Swift {
                // Its readers require units.
                columns.iter_mut().for_each(|about| about.unit = about.unit.or(Some(Dimension::NONE)));
            }
            assert_eq!((&found.columns, found.ignored.len()), (&columns, 0), "{layout:?}");
            for ranks in [1, 4] {
                let found = read_on(&path, ranks);
                for (found, expected) in found.columns().iter().zip(expected.columns()) {
                    assert_eq!(
                        found.array(),
                        expected.array(),
                        "{layout:?} on {ranks} ranks: {:?}",
                        found.about()
                    );
                }
                assert_eq!(found.id, expected.id);
            }
            let file = hdf5::File::open(&path).unwrap();
            assert!(file.link_exists("PartType2/column 01") && !file.link_exists("PartType1/column 01"));
            assert!(!file.link_exists("PartType2/rate"));
            // What is read is written again, with the same bytes.
            let again = folder.path().join("again.hdf5");
            let (_, bodies) = read(&path, 0, 1).unwrap();
            write_as(&again, &header(), &bodies, ALL, &layout, &unordered(&bodies)).unwrap();
            let bytes = [&path, &again].map(|path| std::fs::read(path).unwrap());
            assert!(bytes[0] == bytes[1], "{layout:?}: another file is written of what was read");
        }
    }
}

#[test]
fn any_ranks_write_the_same_further_columns() {
    let folder = tempfile::tempdir().unwrap();
    let bodies = with_columns(40_000);
    let index = unordered(&bodies);
    for files in [1, 3] {
        let layout = Layout { files, ..Layout::default() };
        let bytes_on = |ranks: usize| {
            let path = folder.path().join(format!("{files}-{ranks}.hdf5"));
            let end = |rank: usize| bodies.len() * rank / ranks;
            threads::run(ranks, |comm| {
                let part = |range: std::ops::Range<usize>| {
                    let mut part = bodies.clone();
                    part.keep(range);
                    part
                };
                let mine = part(end(comm.rank())..end(comm.rank() + 1));
                let rows = Rows { bodies: &mine, offset: count(&part(0..end(comm.rank()))), index: &index };
                write(&Target::own(&path), &header(), &rows, ALL, &layout, comm).unwrap();
            });
            names(&path, files).iter().map(|name| std::fs::read(name).unwrap()).collect::<Vec<_>>()
        };
        let one = bytes_on(1);
        for ranks in [2, 3, 4] {
            assert!(bytes_on(ranks) == one, "{ranks} ranks, {files} files");
        }
    }
}

#[test]
fn regions_types_and_readers_without_interest_in_columns() {
    let (_folder, path) = folder();
    let bodies = with_columns(500);
    write_as(&path, &header(), &bodies, ALL, &Layout::default(), &unordered(&bodies)).unwrap();
    let region = Region::Box { lo: [-4e4, -1e5, -1e5], hi: [2e4, 1e5, 1e5] };
    let (_, found, _) = read_region(&path, &region, &Wanted::default()).unwrap();
    let all = by_type(&without_own(&bodies));
    let inside: Vec<u32> =
        (0..all.len() as u32).filter(|i| region.contains(all.position(*i as usize))).collect();
    let mut expected = all.clone();
    expected.permute(&inside);
    assert!(inside.len() > 50 && inside.len() < 450, "{} bodies are inside", inside.len());
    assert_eq!(found, expected);
    // No column that no wanted type has.
    let halo = Wanted { kinds: std::array::from_fn(|kind| kind == 1), ..Wanted::default() };
    let (_, found) = read_wanted(&path, &halo).unwrap();
    assert_eq!(found.columns().len(), 5);
    let none = Wanted { columns: false, ..Wanted::default() };
    let (header, found) = read_wanted(&path, &none).unwrap();
    assert_eq!((header.columns.len(), found.columns().len()), (10, 0));
    // The bodies need 106 bytes each, their columns 58.
    assert_eq!(header.column_bytes(), without_own(&bodies).column_bytes());
    let beside = (1u64 << 62) / 500;
    let wanted = Wanted { beside, ..Wanted::default() };
    let fault = read_wanted(&path, &wanted).unwrap_err().to_string();
    assert!(fault.contains("holds 500 bodies to read, which take"), "{fault}");
}

#[test]
fn units_of_foreign_datasets_are_read_and_written_again() {
    let (folder, path) = folder();
    let file = Builder::new(&path, &[2u64, 1]);
    file.list("Header", "MassTable", &[1.0, 1.0])
        .scalar("Header", "HubbleParam", 0.5f64)
        .scalar("Header", "UnitLength_in_cm", 2.0f64)
        .scalar("Header", "UnitMass_in_g", 8.0f64)
        .scalar("Header", "UnitVelocity_in_cm_per_s", 16.0f64)
        .gadget2("PartType0", 1, 2)
        .gadget2("PartType1", 3, 1)
        .rows("PartType0", "InternalEnergy", &[2], &[1.5f32, 2.5])
        .rows("PartType0", "Density", &[2], &[1.0f64, 2.0])
        .rows("PartType0", "Age", &[2], &[3.0f32, 4.0])
        .rows("PartType0", "Metallicity", &[2, 11], &[0.25f32; 22])
        .rows("PartType0", "Tag", &[2, 1], &[-3i16, 4])
        .rows("PartType1", "Tag", &[1], &[7i16]);
    let attributes = |name: &str, values: [f64; 5]| {
        let names = ["h_scaling", "length_scaling", "mass_scaling", "velocity_scaling", "to_cgs"];
        let dataset = file.0.dataset(&format!("PartType0/{name}")).unwrap();
        for (name, value) in names.into_iter().zip(values) {
            dataset.new_attr::<f64>().create(name).unwrap().write_scalar(&value).unwrap();
        }
    };
    // 8 g / (2 cm)^3 without h, and a unit of one second that is not that of the file.
    attributes("Density", [2.0, -3.0, 1.0, 0.0, 1.0]);
    attributes("Age", [0.0, 1.0, 0.0, -1.0, 1.0]);
    attributes("Metallicity", [0.0, 0.0, 0.0, 0.0, 0.0]);
    drop(file);
    let (header, bodies) = read(&path, 0, 1).unwrap();
    let find = |name: &str| header.columns.iter().find(|about| about.name == name).unwrap();
    let unit = |name: &str| (find(name).unit, find(name).in_cgs);
    assert_eq!(unit("InternalEnergy"), (Some(Dimension::new(2, 0, -2)), None));
    assert_eq!(unit("Density"), (Some(Dimension::new(-3, 1, 0)), None));
    assert_eq!(unit("Age"), (Some(Dimension::new(0, 0, 1)), Some(1.0)));
    assert_eq!(unit("Metallicity"), (Some(Dimension::NONE), None));
    assert_eq!(unit("Tag"), (None, None));
    assert_eq!((find("Metallicity").width, find("Tag").number), (11, Number::I16));
    assert_eq!(
        (find("Age").kinds[..2].to_vec(), find("Tag").kinds[..2].to_vec()),
        (vec![true, false], vec![true, true])
    );
    assert_eq!(bodies.column::<i16>("Tag").unwrap(), [-3, 4, 7]);
    assert_eq!(bodies.column::<f32>("InternalEnergy").unwrap(), [1.5, 2.5, 0.0]);
    // In other units, the numbers change and the physical values do not. Those of a fixed unit stay.
    let ours = Units { length_in_cm: 1.0, mass_in_g: 1.0, velocity_in_cm_per_s: 1.0 };
    let mut converted = bodies.clone();
    header.units.unwrap().convert(&mut converted, &ours).unwrap();
    assert_eq!(converted.column::<f32>("InternalEnergy").unwrap()[..2], [1.5 * 256.0, 2.5 * 256.0]);
    // h = 0.5: the unit of density is 8 g / 0.5 over (2 cm / 0.5)^3.
    assert_eq!(converted.column::<f64>("Density").unwrap()[..2], [0.25, 0.5]);
    assert_eq!(converted.column::<f32>("Age").unwrap()[..2], [3.0, 4.0]);
    for flavour in [Flavour::Gadget, Flavour::Swift] {
        let out = folder.path().join("out.hdf5");
        let written = Header { units: Some(ours), ..Header::default() };
        let layout = Layout { flavour, ..Layout::default() };
        write_as(&out, &written, &converted, ALL, &layout, &unordered(&converted)).unwrap();
        let (found, again) = read(&out, 0, 1).unwrap();
        let mut columns = header.columns.clone();
        if flavour == Flavour::Swift {
            columns.iter_mut().for_each(|about| about.unit = about.unit.or(Some(Dimension::NONE)));
        }
        // One second is the unit of time here, so that the age follows from the units.
        columns.iter_mut().for_each(|about| about.in_cgs = None);
        assert_eq!(found.columns, columns);
        assert_eq!(again.column::<f32>("Age"), converted.column::<f32>("Age"));
        let attribute = |name: &str, attribute: &str| {
            let file = hdf5::File::open(&out).unwrap();
            file.dataset(&format!("PartType0/{name}"))
                .unwrap()
                .attr(attribute)
                .unwrap()
                .read_raw::<f64>()
                .unwrap()[0]
        };
        match flavour {
            Flavour::Gadget => {
                assert_eq!(
                    (attribute("InternalEnergy", "velocity_scaling"), attribute("Metallicity", "to_cgs")),
                    (2.0, 0.0)
                );
                assert_eq!(
                    (attribute("Density", "length_scaling"), attribute("Density", "to_cgs")),
                    (-3.0, 1.0)
                );
            }
            Flavour::Swift => {
                assert_eq!(
                    (
                        attribute("InternalEnergy", "U_L exponent"),
                        attribute("InternalEnergy", "U_t exponent")
                    ),
                    (2.0, -2.0)
                );
            }
        }
        std::fs::remove_file(&out).unwrap();
    }
}

#[test]
fn what_is_not_read_is_named_with_the_reason() {
    let (_folder, path) = folder();
    let file = Builder::new(&path, &[2u64, 2, 0, 0, 1]);
    file.list("Header", "MassTable", &[1.0, 1.0, 0.0, 0.0, 1.0])
        .gadget2("PartType0", 1, 2)
        .gadget2("PartType1", 3, 2)
        .gadget2("PartType4", 5, 1)
        .rows("PartType0", "Kept", &[2], &[1.0, 2.0])
        .rows("PartType1", "Kept", &[2, 3], &[1.0; 6])
        .rows("PartType4", "Kept", &[1], &[3.0])
        .rows("PartType0", "Short", &[1], &[1.0])
        .rows("PartType0", "Cube", &[2, 2, 2], &[1.0; 8])
        .rows("PartType0", "Wide", &[2, 65], &[1.0; 130])
        .rows("PartType1", "Flag", &[2], &[true, false])
        .rows("PartType1", "TimeStep", &[2], &[1.0, 2.0]);
    let hollow = file.0.group("PartType1").unwrap().new_dataset::<f64>().chunk(2).shape(2);
    hollow.create("Hollow").unwrap();
    file.0.create_group("PartType1/Group").unwrap();
    drop(file);
    let (header, bodies) = read(&path, 0, 1).unwrap();
    assert_eq!(
        header.ignored,
        [
            "PartType0/Cube (has shape [2, 2, 2]; one row per body is read)",
            "PartType0/Short (has 1 rows, but /Header counts 2)",
            "PartType0/Wide (has shape [2, 65]; at most 64 numbers per body are read)",
            "PartType1/Flag (has other data than numbers)",
            "PartType1/Group (it is no dataset)",
            "PartType1/Hollow (has 2 rows, but their data are not in the file)",
            "PartType1/Kept (its numbers are of another type or width than those of another particle type)",
        ]
    );
    assert_eq!(header.columns.len(), 1);
    assert_eq!(header.columns[0].kinds, [true, false, false, false, true, false]);
    assert_eq!(bodies.column::<f64>("Kept").unwrap(), [1.0, 2.0, 0.0, 0.0, 3.0]);
}

#[test]
fn columns_of_several_files_and_of_types_that_are_read_as_another() {
    let folder = tempfile::tempdir().unwrap();
    for file in 0..2u32 {
        let path = folder.path().join(format!("snap.{file}.hdf5"));
        let builder = Builder::new(&path, &[0u32, 2, 0, 0, 0, 1, 1]);
        builder
            .list("Header", "NumPart_Total", &[0u32, 4, 0, 0, 0, 2, 2])
            .list("Header", "MassTable", &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0])
            .scalar("Header", "NumFilesPerSnapshot", 2i32)
            .gadget2("PartType1", 10 * file, 2)
            .gadget2("PartType5", 100 + 10 * file, 1)
            .gadget2("PartType6", 200 + 10 * file, 1)
            .rows("PartType1", "Tag", &[2], &[file, file + 5])
            .rows("PartType6", "Tag", &[1], &[file + 20]);
        if file == 1 {
            builder.rows("PartType1", "Late", &[2], &[1u8, 2]);
        }
    }
    let (header, bodies) = read(&folder.path().join("snap"), 0, 1).unwrap();
    assert_eq!(header.ignored, ["PartType1/Late (not all files have it)"]);
    assert_eq!(header.columns[0].kinds, [false, true, false, false, false, true]);
    assert_eq!(bodies.column::<u32>("Tag").unwrap(), [0, 5, 1, 6, 0, 0, 20, 21]);
    assert_eq!(bodies.kind, [1, 1, 1, 1, 5, 5, 5, 5]);
}

#[test]
fn ranks_with_other_columns_are_refused_on_all() {
    let (_folder, path) = folder();
    let faults = threads::run(3, |comm| {
        let mut bodies = sample(3);
        if comm.rank() == 2 {
            bodies.add_column(About::new("tag", Number::U8, None, Purpose::Passenger));
        }
        let index = Index::without_order([0; TYPES]);
        let rows = Rows { bodies: &bodies, offset: [0; TYPES], index: &index };
        write(&Target::own(&path), &header(), &rows, ALL, &Layout::default(), comm).unwrap_err().to_string()
    });
    let fault = "cannot write: the bodies of rank 2 have other columns than those of rank 0";
    assert!(faults.iter().all(|found| *found == format!("{}: {fault}", path.display())), "{faults:?}");
}
