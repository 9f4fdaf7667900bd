//! Tests of GADGET binary files.

use super::*;

/// Parts of a GADGET binary file.
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

    /// One file of several: 2 gas bodies with their own masses, `disc` of the mass 0.5, 1 star with its own.
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
        // What comes last, the heat, is not needed in format 1.
        let needed = if named { bytes.len() } else { bytes.len() - 8 - if double { 16 } else { 8 } };
        refuses_cuts("snap", &bytes[..needed]);
    }
}

/// A file of format 1 of `n` bodies of type 1 and `gas` of gas, with these records behind the ids, each the same number over and over: the
/// number, and how often it occurs for `n + gas` bodies.
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
        // As GIZMO writes them: numbers of children and generations before the masses.
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
    // Time, redshift, box, densities of matter and dark energy.
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
