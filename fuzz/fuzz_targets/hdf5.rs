//! HDF5 files with every mistake that a program could make which writes them through the library: attributes and datasets of any type and
//! shape, or none, under the names that are looked for. (Damaged bytes are the library's own matter.)
#![no_main]

use arbitrary::Arbitrary;
use hdf5::{File, Group, H5Type};

/// Groups that readers look into.
const GROUPS: [&str; 15] = [
    "Header",
    "Parameters",
    "Units",
    "Cosmology",
    "Cells",
    "Cells/Meta-data",
    "Cells/Counts",
    "Cells/Files",
    "Cells/OffsetsInFile",
    "PartType0",
    "PartType1",
    "PartType4",
    "PartType6",
    "Config",
    "PhysicalConstants/InternalUnits",
];

/// Attributes that readers look for.
const ATTRIBUTES: [&str; 33] = [
    "Origin",
    "corner",
    "side",
    "NumPart_ThisFile",
    "NumPart_Total",
    "NumPart_Total_HighWord",
    "MassTable",
    "Time",
    "Redshift",
    "BoxSize",
    "NumFilesPerSnapshot",
    "OmegaLambda",
    "HubbleParam",
    "ComovingIntegrationOn",
    "Cosmological run",
    "UnitLength_in_cm",
    "UnitMass_in_g",
    "UnitVelocity_in_cm_per_s",
    "Unit length in cgs (U_L)",
    "Unit mass in cgs (U_M)",
    "Unit time in cgs (U_t)",
    "heorot.time.step",
    "Code",
    "GravityConstantInternal",
    "Gravitational_Constant_In_Code_Inits",
    "newton_G",
    "UnitLength_In_CGS",
    "UnitMass_In_CGS",
    "UnitVelocity_In_CGS",
    "PeriodicBoundariesOn",
    "InitialConditions:periodic",
    "Omega0",
    "ExpansionFactor",
];

/// Datasets that readers look for.
const DATASETS: [&str; 13] = [
    "PartType0",
    "PartType1",
    "Coordinates",
    "Velocities",
    "ParticleIDs",
    "Masses",
    "Acceleration",
    "Accelerations",
    "Potential",
    "Potentials",
    "TimeStep",
    "Keys",
    "PartType4",
];

#[derive(Arbitrary, Debug)]
struct Spoilt {
    /// Bodies of types 0, 1 and 4 that a sound file has.
    rows: [u8; 3],
    changes: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
enum Change {
    Attribute { group: u8, name: u8, shape: Shape, values: Values },
    Dataset { group: u8, name: u8, shape: Shape, values: Values, chunked: bool },
    NoAttribute { group: u8, name: u8 },
    NoDataset { group: u8, name: u8 },
    NoGroup { group: u8 },
}

#[derive(Arbitrary, Debug)]
enum Shape {
    Scalar,
    List(u8),
    Table(u8, u8),
    /// More rows than there are bytes.
    Huge(u8),
}

#[derive(Arbitrary, Debug)]
enum Values {
    Float(f64),
    Single(f32),
    Signed(i64),
    Unsigned(u64),
    Short(i16),
    Truth(bool),
}

fn choose<'a>(names: &[&'a str], index: u8) -> &'a str {
    names[usize::from(index) % names.len()]
}

/// A file that is sound but for its changes.
fn build(spoilt: &Spoilt) -> hdf5::Result<()> {
    let file = File::create(heorot_fuzz::place("snapshot.hdf5"))?;
    let header = file.create_group("Header")?;
    let rows = spoilt.rows.map(|rows| u64::from(rows % 20));
    let counts = [rows[0], rows[1], 0, 0, rows[2], 0];
    header.new_attr::<u64>().shape(6).create("NumPart_ThisFile")?.write_raw(&counts)?;
    header.new_attr::<u64>().shape(6).create("NumPart_Total")?.write_raw(&counts)?;
    for (kind, rows) in [0, 1, 4].into_iter().zip(rows) {
        let group = file.create_group(&format!("PartType{kind}"))?;
        let rows = rows as usize;
        for name in ["Coordinates", "Velocities"] {
            group.new_dataset::<f32>().shape((rows, 3)).create(name)?.write_raw(&vec![1.5f32; 3 * rows])?;
        }
        group.new_dataset::<f64>().shape(rows).create("Masses")?.write_raw(&vec![1.0; rows])?;
        group.new_dataset::<u32>().shape(rows).create("ParticleIDs")?.write_raw(&vec![7u32; rows])?;
    }
    build_cells(&file, rows)?;
    for change in spoilt.changes.iter().take(12) {
        let _ = apply(&file, change);
    }
    file.close()
}

/// A sound index of one cell.
fn build_cells(file: &File, rows: [u64; 3]) -> hdf5::Result<()> {
    let cells = file.create_group("Cells")?;
    cells.new_dataset::<u64>().shape(1).create("Keys")?.write_raw(&[1u64])?;
    let meta = cells.create_group("Meta-data")?;
    meta.new_attr::<f64>().shape(3).create("corner")?.write_raw(&[0.0; 3])?;
    meta.new_attr::<f64>().shape(1).create("side")?.write_raw(&[4.0])?;
    for name in ["Counts", "Files", "OffsetsInFile"] {
        let group = cells.create_group(name)?;
        for (kind, rows) in [0, 1, 4].into_iter().zip(rows) {
            let value = if name == "Counts" { rows as i64 } else { 0 };
            group.new_dataset::<i64>().shape(1).create(format!("PartType{kind}").as_str())?.write_raw(&[value])?;
        }
    }
    Ok(())
}

fn apply(file: &File, change: &Change) -> hdf5::Result<()> {
    let open = |group: u8| {
        let name = choose(&GROUPS, group);
        file.group(name).or_else(|_| file.create_group(name))
    };
    match change {
        Change::Attribute { group, name, shape, values } => {
            let (group, name) = (open(*group)?, choose(&ATTRIBUTES, *name));
            let _ = group.delete_attr(name);
            match values {
                Values::Float(value) => attribute(&group, name, shape, *value),
                Values::Single(value) => attribute(&group, name, shape, *value),
                Values::Signed(value) => attribute(&group, name, shape, *value),
                Values::Unsigned(value) => attribute(&group, name, shape, *value),
                Values::Short(value) => attribute(&group, name, shape, *value),
                Values::Truth(value) => attribute(&group, name, shape, *value),
            }
        }
        Change::Dataset { group, name, shape, values, chunked } => {
            let (group, name) = (open(*group)?, choose(&DATASETS, *name));
            let _ = group.unlink(name);
            match values {
                Values::Float(value) => dataset(&group, name, shape, *value, *chunked),
                Values::Single(value) => dataset(&group, name, shape, *value, *chunked),
                Values::Signed(value) => dataset(&group, name, shape, *value, *chunked),
                Values::Unsigned(value) => dataset(&group, name, shape, *value, *chunked),
                Values::Short(value) => dataset(&group, name, shape, *value, *chunked),
                Values::Truth(value) => dataset(&group, name, shape, *value, *chunked),
            }
        }
        Change::NoAttribute { group, name } => open(*group)?.delete_attr(choose(&ATTRIBUTES, *name)),
        Change::NoDataset { group, name } => open(*group)?.unlink(choose(&DATASETS, *name)),
        Change::NoGroup { group } => file.unlink(choose(&GROUPS, *group)),
    }
}

fn attribute<T: H5Type + Copy>(group: &Group, name: &str, shape: &Shape, value: T) -> hdf5::Result<()> {
    let builder = group.new_attr::<T>();
    match shape {
        Shape::Scalar | Shape::Huge(_) => builder.create(name)?.write_scalar(&value),
        Shape::List(n) => builder.shape(usize::from(*n)).create(name)?.write_raw(&vec![value; usize::from(*n)]),
        Shape::Table(n, m) => {
            let (n, m) = (usize::from(*n), usize::from(*m % 8));
            builder.shape((n, m)).create(name)?.write_raw(&vec![value; n * m])
        }
    }
}

fn dataset<T: H5Type + Copy>(group: &Group, name: &str, shape: &Shape, value: T, chunked: bool) -> hdf5::Result<()> {
    let builder = group.new_dataset::<T>();
    match shape {
        Shape::Scalar => builder.create(name)?.write_scalar(&value),
        Shape::List(n) if chunked => {
            builder.chunk(8).deflate(1).shape(usize::from(*n)).create(name)?.write_raw(&vec![value; usize::from(*n)])
        }
        Shape::List(n) => builder.shape(usize::from(*n)).create(name)?.write_raw(&vec![value; usize::from(*n)]),
        Shape::Table(n, m) => {
            let (n, m) = (usize::from(*n), usize::from(*m % 8));
            builder.shape((n, m)).create(name)?.write_raw(&vec![value; n * m])
        }
        Shape::Huge(bits) => builder.chunk((1024, 3)).shape((1usize << (bits % 60), 3)).create(name).map(|_| ()),
    }
}

libfuzzer_sys::fuzz_target!(|spoilt: Spoilt| {
    if build(&spoilt).is_ok() {
        heorot_fuzz::read(&heorot_fuzz::place("snapshot.hdf5"));
    }
});
