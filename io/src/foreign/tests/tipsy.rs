//! Tests of Tipsy files.

use super::*;

/// A Tipsy file of 2 gas, 3 dark and 1 star bodies.
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
