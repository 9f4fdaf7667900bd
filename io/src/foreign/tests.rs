use crate::Units;
use crate::snapshot::{Format, Header, read, read_header};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use treecode::Bodies;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn folder(name: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

fn written(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let (folder, path) = folder(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// The one-line error of reading, without the path at its beginning.
fn fault(path: &Path) -> String {
    let message = read(path, 0, 1).expect_err("reading must fail").to_string();
    assert_eq!(message.lines().count(), 1, "{message}");
    let rest = message.strip_prefix(&path.display().to_string());
    rest.unwrap_or_else(|| panic!("{message} names no file")).trim_start_matches(": ").to_owned()
}

fn fault_of(name: &str, bytes: &[u8]) -> String {
    let (_folder, path) = written(name, bytes);
    fault(&path)
}

/// Reads on one rank and on several. All must give the same bodies with the same ids.
fn read_all(path: &Path) -> (Header, Bodies) {
    let (header, bodies) = read(path, 0, 1).unwrap();
    for size in [2, 3, 7] {
        let mut all = Bodies::default();
        for rank in 0..size {
            let share = read(path, rank, size).unwrap().1;
            assert!(!header.numbered || header.numbering(rank, size) == share.id, "{size} ranks");
            all.append(&share);
        }
        assert_eq!(all, bodies, "{size} ranks");
    }
    assert_eq!(header, read_header(path).unwrap());
    (header, bodies)
}

/// Wherever a file is truncated, it is refused with a one-line error.
fn refuses_cuts(name: &str, whole: &[u8]) {
    let (_folder, path) = folder(name);
    for length in (1..whole.len()).step_by(1 + whole.len() / 100) {
        fs::write(&path, &whole[..length]).unwrap();
        fault(&path);
    }
}

/// If any byte of a file is changed, reading succeeds or fails with a one-line error, and does not
/// panic.
fn bears_changes(name: &str, whole: &[u8]) {
    let (_folder, path) = folder(name);
    for place in (0..whole.len().min(700)).step_by(3) {
        for change in [0x01, 0xff] {
            let mut bytes = whole.to_vec();
            bytes[place] ^= change;
            fs::write(&path, &bytes).unwrap();
            if let Err(error) = read(&path, 0, 1) {
                assert_eq!(error.to_string().lines().count(), 1, "byte {place}: {error}");
            }
        }
    }
}

/// A number that identifies the body and the position among its values.
fn number(body: usize, place: usize) -> f32 {
    (body * 10 + place) as f32 + 0.25
}

fn require_numbers(bodies: &Bodies, mass: impl Fn(usize) -> f64) {
    for i in 0..bodies.len() {
        assert_eq!(bodies.mass[i], mass(i), "mass of {i}");
        assert_eq!(bodies.position(i), [1, 2, 3].map(|place| f64::from(number(i, place))));
        assert_eq!(bodies.velocity(i), [4, 5, 6].map(|place| f64::from(number(i, place))));
    }
}

/// A Tipsy file with 2 gas, 3 dark matter and 1 star bodies.
fn tipsy(big_endian: bool, padded: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut put = |bytes: &mut [u8]| {
        if !big_endian {
            bytes.reverse();
        }
        file.extend_from_slice(bytes);
    };
    put(&mut 0.75f64.to_be_bytes());
    [6u32, 3, 2, 3, 1].iter().for_each(|n| put(&mut n.to_be_bytes()));
    if padded {
        put(&mut [0; 4]);
    }
    let numbers_of = [12, 12, 9, 9, 9, 11];
    for (body, numbers) in numbers_of.into_iter().enumerate() {
        for place in 0..numbers {
            let value = if place == numbers - 1 { -number(body, 9) } else { number(body, place) };
            put(&mut value.to_be_bytes());
        }
    }
    file
}

#[test]
fn tipsy_of_either_order_and_header() {
    for (big_endian, padded) in [(true, true), (true, false), (false, true), (false, false)] {
        let bytes = tipsy(big_endian, padded);
        let (_folder, path) = written("galaxy.std", &bytes);
        let (header, bodies) = read_all(&path);
        assert_eq!((header.format, header.time, header.numbered), (Format::Tipsy, 0.75, true));
        assert_eq!(header.count, [2, 3, 0, 0, 1, 0]);
        assert_eq!(header.ignored, ["rho", "temp", "hsmooth", "metals", "eps", "tform"]);
        assert_eq!(bodies.kind, [0, 0, 1, 1, 1, 4]);
        assert_eq!(bodies.id, [0, 1, 2, 3, 4, 5]);
        require_numbers(&bodies, |i| f64::from(number(i, 0)));
        assert_eq!(bodies.pot, (0..6).map(|i| -f64::from(number(i, 9))).collect::<Vec<_>>());
        refuses_cuts("galaxy.std", &bytes);
        bears_changes("galaxy.std", &bytes);
    }
    let mut short = tipsy(true, true);
    short.truncate(100);
    assert!(fault_of("a", &short).starts_with("is cut short or damaged: its Tipsy header counts [2, 3, 1]"));
}

/// A GADGET binary file under construction.
struct Gadget {
    big_endian: bool,
    named: bool,
    double: bool,
    bytes: Vec<u8>,
}

impl Gadget {
    fn ordered(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.big_endian {
            bytes.reverse();
        }
        bytes
    }

    fn record(&mut self, name: &str, content: &[u8]) {
        let marker = |length: usize| (length as u32).to_le_bytes().to_vec();
        if self.named {
            let next = self.ordered(marker(content.len() + 8));
            let eight = self.ordered(marker(8));
            self.bytes.extend([&eight[..], name.as_bytes(), &next, &eight].concat());
        }
        let length = self.ordered(marker(content.len()));
        self.bytes.extend([&length, content, &length].concat());
    }

    fn floats(&self, values: impl Iterator<Item = f32>) -> Vec<u8> {
        let bytes = |value: f32| match self.double {
            true => self.ordered(f64::from(value).to_le_bytes().to_vec()),
            false => self.ordered(value.to_le_bytes().to_vec()),
        };
        values.flat_map(bytes).collect()
    }

    /// One of several files: 2 gas bodies with individual masses, `disc` bodies of mass 0.5, and 1
    /// star with an individual mass.
    fn file(
        big_endian: bool,
        named: bool,
        double: bool,
        disc: u32,
        first: usize,
        files: u32,
        total: u32,
    ) -> Vec<u8> {
        let mut file = Gadget { big_endian, named, double, bytes: Vec::new() };
        let counts = [2, 0, disc, 0, 1, 0];
        let mut header = Vec::new();
        let mut whole = |file: &Gadget, value: u32| header.extend(file.ordered(value.to_le_bytes().to_vec()));
        counts.iter().for_each(|&count| whole(&file, count));
        for value in [0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 1.5, 0.0] {
            header.extend(file.ordered(f64::to_le_bytes(value).to_vec()));
        }
        let mut whole = |value: u32| header.extend(file.ordered(value.to_le_bytes().to_vec()));
        [0, 0].into_iter().for_each(&mut whole);
        [2 * files, 0, total, 0, files, 0].into_iter().for_each(&mut whole);
        [0, files].into_iter().for_each(&mut whole);
        header.resize(256, 0);
        file.record("HEAD", &header);
        let n = disc as usize + 3;
        let vectors =
            |from: usize| (0..n).flat_map(move |i| (0..3).map(move |axis| number(first + i, from + axis)));
        let (positions, velocities) = (file.floats(vectors(1)), file.floats(vectors(4)));
        file.record("POS ", &positions);
        file.record("VEL ", &velocities);
        let id = |i: usize| match double {
            true => file.ordered((100 + (first + i) as u64).to_le_bytes().to_vec()),
            false => file.ordered((100 + (first + i) as u32).to_le_bytes().to_vec()),
        };
        let ids: Vec<u8> = (0..n).flat_map(id).collect();
        file.record("ID  ", &ids);
        let masses = file.floats([0, 1, n - 1].into_iter().map(|i| number(first + i, 0)));
        file.record("MASS", &masses);
        let heat = file.floats([3.0, 4.0].into_iter());
        file.record("U   ", &heat);
        file.bytes
    }
}

#[test]
fn gadget_binary_of_either_order_format_and_precision() {
    for code in 0..8 {
        let [big_endian, named, double] = [1, 2, 4].map(|bit| code & bit != 0);
        let bytes = Gadget::file(big_endian, named, double, 4, 0, 1, 4);
        let (_folder, path) = written("snap", &bytes);
        let (header, bodies) = read_all(&path);
        assert_eq!((header.format, header.time, header.numbered), (Format::GadgetBinary, 1.5, false));
        assert_eq!((header.count, header.units), ([2, 0, 4, 0, 1, 0], None));
        let heat = if double { "record 6 of 16 bytes" } else { "record 6 of 8 bytes" };
        assert_eq!(header.ignored, [if named { "U" } else { heat }]);
        assert_eq!(bodies.kind, [0, 0, 2, 2, 2, 2, 4]);
        assert_eq!(bodies.id, [100, 101, 102, 103, 104, 105, 106]);
        require_numbers(&bodies, |i| if (2..6).contains(&i) { 0.5 } else { f64::from(number(i, 0)) });
        bears_changes("snap", &bytes);
        // The last record, the internal energy, is not needed in format 1.
        let needed = if named { bytes.len() } else { bytes.len() - 8 - if double { 16 } else { 8 } };
        refuses_cuts("snap", &bytes[..needed]);
    }
}

/// A file of format 1 with `n` bodies of type 1 and `gas` gas bodies. Each entry of `records` adds
/// a record after the ids that repeats one number: the number, and how often it occurs for `n +
/// gas` bodies.
fn format_one(gas: u32, n: u32, records: &[(f32, usize)]) -> Vec<u8> {
    let mut file = Gadget { big_endian: false, named: false, double: false, bytes: Vec::new() };
    let mut header = vec![0; 256];
    header[..8].copy_from_slice(&[gas.to_le_bytes(), n.to_le_bytes()].concat());
    file.record("", &header);
    let all = (n + gas) as usize;
    for values in [1.0, 2.0] {
        file.record("", &f32::to_le_bytes(values).repeat(3 * all));
    }
    file.record("", &(1..=n + gas).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    for (value, each) in records {
        file.record("", &value.to_le_bytes().repeat(each * all));
    }
    file.bytes
}

#[test]
fn records_that_format_one_cannot_tell_apart_are_refused() {
    let child = f32::from_bits(1 << 30);
    for records in [
        // As in GIZMO files: numbers of children and generations before the masses.
        &[(child, 1), (0.0, 1), (0.01, 1)][..],
        &[(0.0, 1), (0.0, 1), (0.01, 1)],
        &[(f32::from_bits(3), 1), (0.01, 1)],
        &[(child, 1), (0.01, 1)],
    ] {
        for (gas, n) in [(0, 150), (0, 1)] {
            let fault = fault_of("snap", &format_one(gas, n, records));
            assert!(fault.starts_with("has records that format 1 cannot tell apart"), "{records:?}: {fault}");
        }
    }
    let fault = fault_of("snap", &format_one(150, 0, &[(child, 1), (0.0, 1), (0.01, 1), (5.0, 1)]));
    assert!(fault.starts_with("has records that format 1 cannot tell apart"), "{fault}");
    for records in [
        &[(0.5, 1)][..],
        &[(0.5, 1), (-2.0, 1)],
        &[(0.5, 1), (-2.0, 1), (1.0, 3), (0.01, 1)],
        &[(0.5, 1), (1.0, 3), (0.01, 1)],
    ] {
        let (_folder, path) = written("snap", &format_one(0, 150, records));
        let (header, bodies) = read_all(&path);
        assert_eq!((bodies.mass, header.ignored.len()), (vec![0.5; 150], records.len() - 1));
    }
    for records in [&[(0.5, 1), (0.0, 1)][..], &[(0.5, 1), (3.0, 1), (1.0, 1), (0.1, 1)]] {
        let (_folder, path) = written("snap", &format_one(150, 0, records));
        assert_eq!(read_all(&path).1.mass, vec![0.5; 150]);
    }
}

#[test]
fn files_of_programs_that_are_not_read_are_recognized() {
    for start in [[0x92, 0x09], [0x92, 0x0b], [0x09, 0x92], [0x0b, 0x92]] {
        let fault = fault_of("a", &[&start[..], b"c\0History\0"].concat());
        assert!(fault.starts_with("is a file of NEMO") && fault.contains("snapprint"), "{fault}");
    }
    assert_eq!(fault_of("a", b"\xff\xfem\0a\0"), "is text in UTF-16; save it as UTF-8");
}

#[test]
fn gadget_binary_in_several_files() {
    let folder = tempfile::tempdir().unwrap();
    let write = |number: usize, disc: u32, first: usize, total: u32| {
        let bytes = Gadget::file(false, number == 1, false, disc, first, 2, total);
        fs::write(folder.path().join(format!("snap_003.{number}")), bytes).unwrap();
    };
    write(0, 4, 0, 5);
    write(1, 1, 7, 5);
    for name in ["snap_003", "snap_003.0", "snap_003.1"] {
        let (header, bodies) = read_all(&folder.path().join(name));
        assert_eq!((header.count, header.files), ([4, 0, 5, 0, 2, 0], 2));
        assert_eq!(bodies.id, (100..111).collect::<Vec<_>>());
        assert_eq!(bodies.kind, [0, 0, 2, 2, 2, 2, 4, 0, 0, 2, 4]);
    }
    write(1, 2, 7, 5);
    let message = read(&folder.path().join("snap_003"), 0, 1).unwrap_err().to_string();
    assert!(
        message.ends_with("counts [4, 0, 6, 0, 2, 0] bodies, but [4, 0, 5, 0, 2, 0] in all files"),
        "{message}"
    );
    fs::remove_file(folder.path().join("snap_003.1")).unwrap();
    let message = read(&folder.path().join("snap_003"), 0, 1).unwrap_err().to_string();
    assert!(
        message.ends_with("snap_003.1: cannot read: No such file or directory (os error 2)"),
        "{message}"
    );
}

#[test]
fn gadget_binary_that_is_wrong() {
    let whole = Gadget::file(false, false, false, 4, 0, 1, 4);
    let mut other = whole.clone();
    other[264..268].copy_from_slice(&99u32.to_le_bytes());
    let expected = "the record POS has 99 bytes or is cut short, must have 84 or 168 for 7 bodies";
    assert_eq!(fault_of("snap", &other), expected);
}

#[test]
fn gadget_binary_is_cosmological_if_all_its_header_says_so() {
    // Time, redshift, box size, densities of matter and dark energy.
    let read = |numbers: [f64; 5]| {
        let mut bytes = Gadget::file(false, false, false, 4, 0, 1, 4);
        for (place, number) in [72, 80, 128, 136, 144].into_iter().zip(numbers) {
            bytes[4 + place..12 + place].copy_from_slice(&number.to_le_bytes());
        }
        let (_folder, path) = written("snap", &bytes);
        read(&path, 0, 1).unwrap().0.cosmological.is_some()
    };
    for numbers in [
        [0.25, 3.0, 100.0, 0.3, 0.7],
        [1.0 / 11.0, 10.0, 0.0, 0.0, 0.0],
        [1.0 / 51.0, 50.0, 100.0, 1.0, 0.0],
        [1.0, 0.0, 100.0, 0.3, 0.7],
    ] {
        assert!(read(numbers), "{numbers:?}");
    }
    for numbers in [[1.0, 0.0, 0.0, 0.3, 0.7], [0.0, 0.0, 100.0, 0.3, 0.7], [2.5, 0.0, 0.0, 0.0, 0.0]] {
        assert!(!read(numbers), "{numbers:?}");
    }
}

#[test]
fn tables_with_columns_in_any_order() {
    for text in [
        "# a galaxy\n# vz vy vx  z y x   mass name type id\n6 5 4 3 2 1 1.5 sun 2 7\n\n# a remark\n-6 5 4 3 2 1e0 2.5 moon 4 3\n",
        "vz, vy, vx, z, y, x, Mass, name, type, id\n# kpc\r\n6,5,4,3,2,1,1.5,sun,2,7\r\n-6,5,4,3,2,1,2.5,,4,3",
    ] {
        let (_folder, path) = written("table.txt", text.as_bytes());
        let (header, bodies) = read_all(&path);
        assert_eq!((header.format, header.ignored), (Format::Table, vec!["name".to_owned()]));
        assert_eq!(header.count, [0, 0, 1, 0, 1, 0]);
        assert_eq!((bodies.id, bodies.kind, bodies.mass), (vec![7, 3], vec![2, 4], vec![1.5, 2.5]));
        assert_eq!(
            (bodies.pos, bodies.vel[2].clone()),
            ([vec![1.0; 2], vec![2.0; 2], vec![3.0; 2]], vec![6.0, -6.0])
        );
    }
    let (_folder, path) =
        written("table", b"mass x y z vx vy vz\n1 2 3 4 5 6 7\n1 2 3 4 5 6 7\n1 2 3 4 5 6 7\n");
    let (header, bodies) = read_all(&path);
    assert!(header.numbered);
    assert_eq!((bodies.id, bodies.kind), (vec![0, 1, 2], vec![1, 1, 1]));
}

#[test]
fn tables_that_are_wrong() {
    let with = |text: &str| fault_of("table.txt", text.as_bytes());
    let needed = "needed are mass x y z vx vy vz";
    assert_eq!(with("mass x y z vx vy\n1 2 3 4 5 6\n"), format!("line 1 has no column `vz`; {needed}"));
    assert_eq!(with("mass x y z vx vy vz x\n1 2 3 4 5 6 7 8\n"), "line 1 has x twice");
    assert_eq!(with("mass x y z vx vy vz\n1 2 3 4 5 6\n"), "line 2 has 6 columns, but 7 are named");
    assert_eq!(with("mass x y z vx vy vz\n1 2 3 four 5 6 7\n"), "line 2: `four` is no number");
    assert_eq!(
        with("mass x y z vx vy vz type\n1 2 3 4 5 6 7 6\n"),
        "line 2: the type is `6`, must be 0 to 5"
    );
    assert_eq!(with("mass x y z vx vy vz id\n1 2 3 4 5 6 7 1.5\n"), "line 2: `1.5` is no id");
    let missing = "has no line that names its columns, such as `mass x y z vx vy vz`, before its rows";
    assert_eq!(with("1 2 3 4 5 6 7\n"), missing);
    assert_eq!(with("[gravity]\ntheta\n"), "has no rows of numbers, so it is no table of bodies");
    assert_eq!(
        with("mass x y z vx vy vz\n0 2 3 4 5 6 7\n"),
        "body with id 0: mass is 0, must be above 0 and finite"
    );
    assert_eq!(with(&"x".repeat(1 << 17)), "line 1 is longer than any row of a table");
    assert_eq!(fault_of("table", b"mass\n\xff\xfe\n"), "line 2 is not text");
    assert_eq!(fault_of("table", b""), "is empty");
    assert!(fault_of("table", b"\0\0\0\0\x01").starts_with("is of no known format"));
}

const NAMES: &str = "mass x y z vx vy vz";

/// Reads a table of `n` bodies in which body i has mass i + 1 and position (2, 3, 4).
fn table_of(n: usize, text: &str) -> Header {
    let (_folder, path) = written("table.txt", text.as_bytes());
    let (header, bodies) = read_all(&path);
    assert_eq!(bodies.mass, (1..=n).map(|mass| mass as f64).collect::<Vec<_>>(), "{text}");
    for (array, expected) in bodies.pos.iter().chain(&bodies.vel).zip([2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) {
        assert!(array.iter().all(|x| (x / expected - 1.0).abs() < 1e-14), "{text}: {array:?}");
    }
    header
}

#[test]
fn the_first_row_of_a_table_is_a_row_however_it_is_written() {
    let commas = NAMES.replace(' ', ",");
    for text in [
        format!("{NAMES}\n1.0D+00 2d0 3 4 5 6 7\n2 2 3 4 5 6 7\n"),
        format!("{NAMES}\n0.1+001 2 3 4 5 6 7\n2 2 3 4 5 6 7\n"),
        format!("\u{feff}{commas}\n1,2,3,4,5,6,7\n2,2,3,4,5,6,7\n"),
        format!("\u{feff}#{commas}\r\n1,2,3,4,5,6,7\r\n2,2,3,4,5,6,7\r\n"),
        format!("\"{}\"\n1,2,3,4,5,6,7\n2,2,3,4,5,6,7\n", commas.replace(',', "\",\"")),
        format!("\"\",{commas}\n\"1\",1,\"2\",3,4,5,6,7\n\"2\",2,2,3,4,5,6,7\n"),
        format!("name,{commas}\nSun,1,2,3,4,5,6,7\n\"Moon, the\",2,2,3,4,5,6,7\n"),
        format!("{NAMES} name\n1 2 3 4 5 6 7 Sun\n2 2 3 4 5 6 7 \"Alpha Cen\"\n"),
        format!("name {NAMES}\nSun 1 2 3 4 5 6 7\nMoon 2 2 3 4 5 6 7\n"),
        format!("{}\n1;2;3;4;5;6;7\n2;2;3;4;5;6;7;\n", NAMES.replace(' ', ";") + ";")
            .replace("7\n2", "7;\n2"),
        format!(
            "{}\tname\n1\t2\t3\t4\t5\t6\t7\t\n2\t2\t3\t4\t5\t6\t7\tAlpha Cen\n",
            NAMES.replace(' ', "\t")
        ),
        format!("\t{}\n0\t1\t2\t3\t4\t5\t6\t7\n1\t2\t2\t3\t4\t5\t6\t7\n", NAMES.replace(' ', "\t")),
        format!("# {commas}\n1 2 3 4 5 6 7\n2 2 3 4 5 6 7\n"),
        format!("# {NAMES}\n1,2,3,4,5,6,7\n2,2,3,4,5,6,7\n"),
        format!("2\n3 galaxies\n# {NAMES}\n#\n1 2 3 4 5 6 7\n# {NAMES}\n2 2 3 4 5 6 7\n"),
    ] {
        assert_eq!(table_of(2, &text).units, None);
    }
}

#[test]
fn what_is_wrong_with_the_first_row_of_a_table_is_said() {
    let with = |text: &str| fault_of("table.txt", text.as_bytes());
    let commas = NAMES.replace(' ', ",");
    for (text, fault) in [
        (format!("{commas}\n,2,3,4,5,6,7\n2,2,3,4,5,6,7\n"), "line 2 has an empty cell for mass"),
        (format!("{commas}\n,,,,,,\n2,2,3,4,5,6,7\n"), "line 2 has an empty cell for mass"),
        (format!("{commas}\nnull,null,-,-,None,--,-\n2,2,3,4,5,6,7\n"), "line 2: `null` is no number"),
        (format!("{NAMES}\nSun 2 3 4 5 6 7\n2 2 3 4 5 6 7\n"), "line 2: `Sun` is no number"),
        (
            format!("{NAMES}\none two three four five six seven\n2 2 3 4 5 6 7\n"),
            "line 2: `one` is no number",
        ),
        (format!("{NAMES}\nSun 1 2 3 4 5 6 7\n"), "line 2 has 8 columns, but 7 are named"),
        (format!("{NAMES}\n1,5 2 3 4 5 6 7\n"), "line 2: `1,5` is no number"),
        (format!("{NAMES}\n1 2 3 4 5 6 7\n{NAMES}\n"), "line 3: `mass` is no number"),
        (
            format!("1 2 3 4 5 6 7\n{NAMES}\n2 2 3 4 5 6 7\n"),
            "has no line that names its columns, such as `mass x y z vx vy vz`, before its rows",
        ),
        (
            format!("{NAMES}\n1 2 3 4 5 6 7\n# x y z mass vx vy vz\n2 3 4 1 5 6 7\n"),
            "line 3 names the columns again, in another order",
        ),
        (format!("{NAMES}\n"), "has no rows of numbers, so it is no table of bodies"),
        (
            "name mass x y z vx vy\nSun 1 2 3 4 5 6\n".to_owned(),
            "line 1 has no column `vz`; needed are mass x y z vx vy vz",
        ),
        (format!("{commas}\n\"1,2,3,4,5,6,7\n"), "line 2 has a quote that is not closed"),
    ] {
        assert_eq!(with(&text), fault, "{text}");
    }
}

#[test]
fn units_of_a_table_stand_below_the_names_behind_them_or_in_the_head_of_an_ecsv() {
    let commas = NAMES.replace(' ', ",");
    let units = Units {
        length_in_cm: Units::GALACTIC.length_in_cm,
        mass_in_g: Units::GALACTIC.mass_in_g,
        velocity_in_cm_per_s: 1e5,
    };
    let of = |quantities: [&str; 3]| {
        let [mass, length, velocity] = quantities;
        [mass, length, length, length, velocity, velocity, velocity].map(str::to_owned)
    };
    let named = |[mass, length, velocity]: [&str; 3], separator: &str| {
        let units = of([mass, length, velocity]);
        let list: Vec<String> =
            NAMES.split(' ').zip(units).map(|(name, unit)| format!("{name} [{unit}]")).collect();
        list.join(separator)
    };
    let galactic = ["1e10 Msun", "kpc", "km/s"];
    let head = |quantities| -> String {
        let list = NAMES.split(' ').zip(of(quantities));
        let list =
            list.map(|(name, unit)| format!("# - {{name: {name}, unit: {unit}, datatype: float64}}\n"));
        format!("# %ECSV 1.0\n# ---\n# datatype:\n{}# schema: astropy-2.0\n", list.collect::<String>())
    };
    for text in [
        format!("{commas}\n{}\n1,2,3,4,5,6,7\n", of(galactic).join(",")),
        format!("#{commas}\n#{}\n1,2,3,4,5,6,7\n", of(galactic).join(",")),
        format!(
            "{commas}\n\n{}\n1,2,3,4,5,6,7\n",
            of(["1e10 Msun", "pc", "km/s"]).join(",").replacen("pc", "kpc", 3)
        ),
        format!("{}\n1,2,3,4,5,6,7\n", named(galactic, ",")),
        format!("# {}\n1 2 3 4 5 6 7\n", named(galactic, "  ")),
        format!("{}{NAMES}\n1 2 3 4 5 6 7\n", head(["10000000000.0 solMass", "kpc", "km / s"])),
        format!("{}{commas}\n1,2,3,4,5,6,7\n", head(galactic)),
        // Values in another unit than the first of their quantity are converted to the first.
        format!("{commas}\n1e10 Msun,kpc,pc,kpc,km/s,m/s,cm/s\n1,2,3000,4,5,6000,700000\n"),
    ] {
        let header = table_of(1, &text);
        let found = header.units.unwrap();
        let near = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-14;
        assert!(
            near(found.length_in_cm, units.length_in_cm)
                && near(found.mass_in_g, units.mass_in_g)
                && near(found.velocity_in_cm_per_s, units.velocity_in_cm_per_s),
            "{text}: {found:?}"
        );
        assert_eq!(header.remarks, Vec::<String>::new());
    }
    let part = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: mass, unit: solMass}\n# - {name: x, unit: kpc}\n";
    let header = table_of(1, &format!("{part}{NAMES}\n1 2 3 4 5 6 7\n"));
    let expected = Units { mass_in_g: Units::GALACTIC.mass_in_g * 1e-10, ..Units::GALACTIC };
    assert_eq!(header.units, Some(expected));
    assert_eq!(header.remarks, ["names units, but none of velocity: km/s is assumed"]);
    for none in ["--- --- --- --- --- --- ---", "mass length length length speed speed speed", "# a remark"] {
        assert_eq!(table_of(1, &format!("{NAMES}\n{none}\n1 2 3 4 5 6 7\n")).units, None);
    }
    let with = |text: &str| fault_of("table.txt", text.as_bytes());
    assert_eq!(
        with(&format!("{NAMES}\nMsun kpc kpc kpc km/s km/s furlong\n1 2 3 4 5 6 7\n")),
        "line 2: `furlong` as the unit of vz is not known here; use a velocity such as km/s, pc/Myr, cm/s"
    );
    assert_eq!(
        with(&format!("{NAMES}\nkpc kpc kpc kpc km/s km/s km/s\n1 2 3 4 5 6 7\n")),
        "line 2: `kpc` as the unit of mass is no mass"
    );
    assert_eq!(
        with("mass[kpc/h] x y z vx vy vz\n1 2 3 4 5 6 7\n"),
        "line 1: `kpc/h` as the unit of mass is not known here; use a mass such as Msun, 1e10 Msun, g"
    );
    assert_eq!(
        with(&format!("{NAMES}\nMsun kpc kpc kpc km/s km/s km/s\nMsun kpc kpc kpc km/s km/s km/s\n")),
        "line 3: `Msun` is no number"
    );
}

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
    assert_eq!((header.count, header.ignored), ([1, 1, 1, 1, 1, 0], vec!["name".to_owned()]));
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
        assert_eq!((header.count[1], header.ignored), (1000, vec!["colour".to_owned()]));
        require_numbers(&bodies, |i| f64::from(number(i, 0)));
        refuses_cuts("bodies.npz", &bytes);
        bears_changes("bodies.npz", &bytes);
    }
    let name = [("x\ny.npy", vec![1; 20])];
    let expected = "x\\ny.npy: is no NumPy array of version 1, 2 or 3"; // had two lines
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

/// The directory is read once, and headers of unused arrays are not read.
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
    assert!(header.shown_ignored().ends_with("other19 and 19980 more"), "{}", header.shown_ignored());
}
