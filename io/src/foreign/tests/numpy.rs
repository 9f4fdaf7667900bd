//! Tests of NumPy arrays and archives.

use super::*;
use std::io::Write;
use treecode::{About, Number};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// An array as NumPy saves it.
fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn doubles(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn numpy_rows_of_seven_in_either_order() {
    let value = |row: usize, column: usize| f64::from(number(row, column));
    let by_row: Vec<f64> = (0..20).flat_map(|row| (0..7).map(move |column| value(row, column))).collect();
    let by_column: Vec<f64> = (0..7).flat_map(|column| (0..20).map(move |row| value(row, column))).collect();
    for (fortran, values) in [(false, by_row), (true, by_column)] {
        let bytes = npy("'<f8'", fortran, "(20, 7)", &doubles(&values));
        let (_folder, path) = written("bodies.npy", &bytes);
        let (header, bodies) = read_all(&path);
        assert_eq!(
            (header.format, header.count, header.numbered),
            (Format::Numpy, [0, 20, 0, 0, 0, 0], true)
        );
        require_numbers(&bodies, |i| value(i, 0));
        refuses_cuts("bodies.npy", &bytes);
        bears_changes("bodies.npy", &bytes);
    }
}

#[test]
fn numpy_records_of_many_types() {
    let descr = "[('id', '>i2'), ('name', '<U2'), ('pos', '<f4', (3,)), ('vel', '>f8', (3,)), ('mass', '<i4'), ('type', '|u1')]";
    let mut data = Vec::new();
    for row in 0..5i16 {
        data.extend((row - 2).to_be_bytes());
        data.extend([0; 8]);
        (1..4).for_each(|place| data.extend(number(row as usize, place).to_le_bytes()));
        (4..7).for_each(|place| data.extend(f64::from(number(row as usize, place)).to_be_bytes()));
        data.extend((i32::from(row) + 1).to_le_bytes());
        data.push(row as u8);
    }
    let bytes = npy(descr, false, "(5,)", &data);
    let (_folder, path) = written("bodies.npy", &bytes);
    let (header, bodies) = read_all(&path);
    assert_eq!(
        (header.count, header.ignored),
        ([1, 1, 1, 1, 1, 0], vec!["name (has other data than numbers)".to_owned()])
    );
    assert_eq!(bodies.id, [-2i64 as u64, u64::MAX, 0, 1, 2]);
    require_numbers(&bodies, |i| i as f64 + 1.0);
    bears_changes("bodies.npy", &bytes);
    refuses_cuts("bodies.npy", &bytes);
}

fn npz(method: CompressionMethod, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn numpy_archives_stored_and_compressed() {
    let n = 1000;
    let numbers = |places: std::ops::Range<usize>| -> Vec<f64> {
        (0..n).flat_map(|row| places.clone().map(move |place| f64::from(number(row, place)))).collect()
    };
    let members = [
        ("mass.npy", npy("'<f8'", false, "(1000,)", &doubles(&numbers(0..1)))),
        ("pos.npy", npy("'<f8'", false, "(1000, 3)", &doubles(&numbers(1..4)))),
        ("vel.npy", npy("'<f8'", false, "(1000, 3)", &doubles(&numbers(4..7)))),
        ("colour.npy", npy("'<f8'", false, "()", &doubles(&[1.0]))),
        ("time.npy", npy("'<f8'", false, "()", &doubles(&[2.5]))),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = npz(method, &members);
        let (_folder, path) = written("bodies.npz", &bytes);
        let (header, bodies) = read_all(&path);
        assert_eq!((header.format, header.time), (Format::NumpyZip, 2.5));
        assert_eq!(
            (header.count[1], header.ignored),
            (1000, vec!["colour (has shape [] for 1000 bodies)".to_owned()])
        );
        require_numbers(&bodies, |i| f64::from(number(i, 0)));
        refuses_cuts("bodies.npz", &bytes);
        bears_changes("bodies.npz", &bytes);
    }
    let name = [("x\ny.npy", vec![1; 20])];
    let expected = "x\\ny.npy: is no NumPy array of version 1, 2 or 3"; // found by fuzzing: a message of two lines
    assert_eq!(fault_of("a.npz", &npz(CompressionMethod::Stored, &name)), expected);
    let short = [members[0].clone(), ("x.npy", npy("'<f8'", false, "(999,)", &doubles(&[0.0; 999])))];
    assert_eq!(
        fault_of("a.npz", &npz(CompressionMethod::Stored, &short)),
        "x.npy: has shape [999], must be [1000]"
    );
    let needed = "needed are mass x y z vx vy vz";
    assert_eq!(
        fault_of("a.npz", &npz(CompressionMethod::Stored, &members[..2])),
        format!("has no column `vx`; {needed}")
    );
}

#[test]
fn one_mass_of_an_archive_is_that_of_all_bodies() {
    let n = 30_000;
    let vectors = doubles(&vec![1.5; 3 * n]);
    for (shape, name) in [("()", "mass"), ("(1,)", "masses"), ("(1, 1)", "m")] {
        let members = [
            (format!("{name}.npy"), npy("'<f8'", false, shape, &doubles(&[0.25]))),
            ("pos.npy".to_owned(), npy("'<f8'", false, "(30000, 3)", &vectors)),
            ("vel.npy".to_owned(), npy("'<f8'", false, "(30000, 3)", &vectors)),
            ("type.npy".to_owned(), npy("'<i4'", false, shape, &4i32.to_le_bytes())),
        ];
        let members: Vec<(&str, Vec<u8>)> =
            members.iter().map(|(name, bytes)| (&**name, bytes.clone())).collect();
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let (_folder, path) = written("bodies.npz", &npz(method, &members));
            let (header, bodies) = read_all(&path);
            assert_eq!(header.count[4], n as u64);
            assert!(bodies.mass.iter().all(|mass| *mass == 0.25));
        }
        let without = npz(CompressionMethod::Stored, &members[..2]);
        assert!(fault_of("a.npz", &without).starts_with("has no column `vx`"));
    }
    let halves: Vec<u8> = (0..14).flat_map(|_| 0x3e00u16.to_le_bytes()).collect();
    let (_folder, path) = written("a.npy", &npy("'<f2'", false, "(2, 7)", &halves));
    assert_eq!(read_all(&path).1.mass, [1.5; 2]);
}

#[test]
fn numpy_arrays_that_promise_too_much() {
    let huge = npy("'<f8'", false, "(1152921504606846976, 7)", &[0; 56]);
    assert!(fault_of("a.npy", &huge).starts_with("is cut short: it has "));
    let none = npy("'<c8'", false, "(1, 7)", &[0; 56]);
    assert_eq!(fault_of("a.npy", &none), "holds numbers of type `<c8`, which cannot be read");
    let shape = npy("'<f8'", false, "(7,)", &[0; 56]);
    assert!(fault_of("a.npy", &shape).starts_with("has shape [7], must have the rows `mass x y z vx vy vz`"));
}

/// The directory is read once, and headers of other arrays not at all.
#[test]
fn an_archive_with_many_members_is_read_in_no_time() {
    let (_folder, path) = folder("many.npz");
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }";
    let array = |shape: &str, values: &[f64]| {
        let header = header.replace("(1,)", shape);
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
        bytes
    };
    let mut archive = ZipWriter::new(fs::File::create(&path).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut add = |name: &str, bytes: &[u8]| {
        archive.start_file(name, options).unwrap();
        archive.write_all(bytes).unwrap();
    };
    add("mass.npy", &array("(2,)", &[1.0, 2.0]));
    (0..20_000).for_each(|i| add(&format!("other{i}.npy"), b"no array at all"));
    add("pos.npy", &array("(2, 3)", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]));
    add("vel.npy", &array("(2, 3)", &[0.0; 6]));
    archive.finish().unwrap();
    let since = std::time::Instant::now();
    let (header, bodies) = read(&path, 0, 1).unwrap();
    assert!(since.elapsed().as_secs_f64() < 5.0, "{:?}", since.elapsed());
    assert_eq!((bodies.mass, bodies.pos[2].clone()), (vec![1.0, 2.0], vec![3.0, 6.0]));
    assert_eq!(header.ignored.len(), 20_000);
    assert!(header.shown_ignored().ends_with("and 19980 more"), "{}", header.shown_ignored());
}

/// The further columns of a file: name, type and width.
fn further(columns: &[About]) -> Vec<(&str, Number, usize)> {
    columns.iter().map(|about| (&about.name[..], about.number, about.width)).collect()
}

#[test]
fn further_columns_of_arrays_keep_their_types() {
    let bytes = |values: &[i64], width: usize| -> Vec<u8> {
        values.iter().flat_map(|value| value.to_le_bytes()[..width].to_vec()).collect()
    };
    let singles: Vec<u8> = [1.5f32, f32::NAN, -2.5].iter().flat_map(|x| x.to_be_bytes()).collect();
    let seven = |places: std::ops::Range<usize>| -> Vec<f64> {
        (0..3).flat_map(|row| places.clone().map(move |place| f64::from(number(row, place)))).collect()
    };
    let members = [
        ("mass.npy", npy("'<f8'", false, "(3,)", &doubles(&seven(0..1)))),
        ("pos.npy", npy("'<f8'", false, "(3, 3)", &doubles(&seven(1..4)))),
        ("vel.npy", npy("'<f8'", false, "(3, 3)", &doubles(&seven(4..7)))),
        ("tag.npy", npy("'<i2'", false, "(3,)", &bytes(&[-1, 2, -3], 2))),
        ("big.npy", npy("'<u8'", false, "(3,)", &bytes(&[-1, 2, -3], 8))),
        ("u.npy", npy("'>f4'", false, "(3,)", &singles)),
        ("rows.npy", npy("'<i8'", false, "(3, 2)", &bytes(&[1, 2, 3, 4, 5, 6], 8))),
        ("columns.npy", npy("'<i8'", true, "(3, 2)", &bytes(&[1, 3, 5, 2, 4, 6], 8))),
        ("short.npy", npy("'<i8'", false, "(2,)", &bytes(&[1, 2], 8))),
        ("a/b.npy", npy("'<i8'", false, "(3,)", &bytes(&[1, 2, 3], 8))),
        ("text.npy", npy("'<U3'", false, "(3,)", &[0; 36])),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let whole = npz(method, &members);
        let (_folder, path) = written("bodies.npz", &whole);
        let (header, bodies) = read(&path, 0, 1).unwrap();
        let mut columns = further(&header.columns);
        columns.sort_unstable_by_key(|(name, ..)| *name);
        let expected = [
            ("big", Number::U64, 1),
            ("columns", Number::I64, 2),
            ("rows", Number::I64, 2),
            ("tag", Number::I16, 1),
            ("u", Number::F32, 1),
        ];
        assert_eq!(columns, expected);
        assert_eq!(bodies.column::<i16>("tag").unwrap(), [-1, 2, -3]);
        assert_eq!(bodies.column::<u64>("big").unwrap(), [u64::MAX, 2, u64::MAX - 2]);
        let singles = bodies.column::<f32>("u").unwrap();
        assert!(singles[0] == 1.5 && singles[1].is_nan() && singles[2] == -2.5);
        for name in ["rows", "columns"] {
            assert_eq!(bodies.column::<i64>(name).unwrap(), [1, 2, 3, 4, 5, 6]);
        }
        let shares = [0, 1].map(|rank| read(&path, rank, 2).unwrap().1);
        assert_eq!(shares[1].column::<i64>("columns").unwrap(), [3, 4, 5, 6]);
        assert_eq!(
            header.ignored,
            [
                "short (has shape [2] for 3 bodies)",
                "a/b (its name cannot be that of a dataset)",
                "text (holds numbers of type `<U3`, which cannot be read)",
            ]
        );
        bears_changes("bodies.npz", &whole);
    }
    let descr = "[('pos', '<f8', (3,)), ('vel', '<f8', (3,)), ('mass', '<f8'), ('metals', '<f4', (2,)), ('tag', '|i1')]";
    let mut data = Vec::new();
    for row in 0..2usize {
        (1..7).chain([0]).for_each(|place| data.extend(f64::from(number(row, place)).to_le_bytes()));
        [0.5f32, row as f32].iter().for_each(|x| data.extend(x.to_le_bytes()));
        data.push(0xfe + row as u8);
    }
    let (_folder, path) = written("bodies.npy", &npy(descr, false, "(2,)", &data));
    let (header, bodies) = read_all(&path);
    assert_eq!(further(&header.columns), [("metals", Number::F32, 2), ("tag", Number::I8, 1)]);
    assert_eq!(bodies.column::<f32>("metals").unwrap(), [0.5, 0.0, 0.5, 1.0]);
    assert_eq!(bodies.column::<i8>("tag").unwrap(), [-2, -1]);
    assert_eq!(header.ignored, Vec::<String>::new());
}
