//! Tests of text tables.

use super::*;
use crate::Units;
use treecode::{Dimension, Number};

#[test]
fn tables_with_columns_in_any_order() {
    for text in [
        "# a galaxy\n# vz vy vx  z y x   mass name type id\n6 5 4 3 2 1 1.5 sun 2 7\n\n# a remark\n-6 5 4 3 2 1e0 2.5 moon 4 3\n",
        "vz, vy, vx, z, y, x, Mass, name, type, id\n# kpc\r\n6,5,4,3,2,1,1.5,sun,2,7\r\n-6,5,4,3,2,1,2.5,,4,3",
    ] {
        let (_folder, path) = written("table.txt", text.as_bytes());
        let (header, bodies) = read_all(&path);
        assert_eq!(
            (header.format, header.ignored),
            (Format::Table, vec!["name (has other data than numbers)".to_owned()])
        );
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
        with("mass x y z vx vy vz\n0 2 3 4 5 6 7\n-1 2 3 4 5 6 7\n"),
        "body with id 1: mass is -1, must be 0 or above, and finite"
    );
    assert_eq!(with(&"x".repeat(1 << 17)), "line 1 is longer than any row of a table");
    assert_eq!(fault_of("table", b"mass\n\xff\xfe\n"), "line 2 is not text");
    assert_eq!(fault_of("table", b""), "is empty");
    assert!(fault_of("table", b"\0\0\0\0\x01").starts_with("is of no known format"));
}

const NAMES: &str = "mass x y z vx vy vz";

/// Reads a table of `n` bodies, of which body i has the mass i + 1 and the position (2, 3, 4).
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
        // The numbers of a column in another unit than the first of its quantity are brought to that one.
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

#[test]
fn further_columns_of_a_table() {
    let text = "id,mass,x,y,z,vx,vy,vz,tag,big,metals,age[Myr],T[K],name,none,Potential,tag\n\
                1,1,2,3,4,5,6,7,-5,3,0.02,10,1e4,a,,1,1\n\
                2,1,2,3,4,5,6,7,6,18446744073709551615,,20,2e4,b,,2,2\n";
    let (_folder, path) = written("table.csv", text.as_bytes());
    // An absent value is NaN, which differs from itself, so the parts of ranks are not compared.
    let (header, bodies) = read(&path, 0, 1).unwrap();
    let kept: Vec<_> = header.columns.iter().map(|about| (&about.name[..], about.number)).collect();
    assert_eq!(
        kept,
        [
            ("tag", Number::I64),
            ("big", Number::U64),
            ("metals", Number::F64),
            ("age", Number::I64),
            ("T", Number::F64)
        ]
    );
    assert_eq!(bodies.column::<i64>("tag").unwrap(), [-5, 6]);
    assert_eq!(bodies.column::<u64>("big").unwrap(), [3, u64::MAX]);
    let metals = bodies.column::<f64>("metals").unwrap();
    assert!(metals[0] == 0.02 && metals[1].is_nan(), "{metals:?}");
    assert_eq!(header.columns[3].unit, Some(Dimension::new(0, 0, 1)));
    let size = header.columns[3].in_cgs.unwrap();
    assert!((size / 3.155_76e13 - 1.0).abs() < 1e-14, "{size}");
    assert_eq!((header.columns[4].unit, &header.columns[4].description[..]), (None, "in K"));
    assert_eq!(
        header.ignored,
        [
            "name (has other data than numbers)",
            "none (has no values)",
            "Potential (a dataset of this name is written by this program)",
            "tag (it is there twice)",
        ]
    );
    // The head of an ECSV file, and units behind the names.
    let head = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: age, unit: Myr, datatype: float64}\n";
    for text in [
        format!("{head}{NAMES} age\n1 2 3 4 5 6 7 1.5\n"),
        format!("{} age[Myr]\n1 2 3 4 5 6 7 1.5\n", NAMES),
        format!("{},age (Myr)\n1,2,3,4,5,6,7,1.5\n", NAMES.replace(' ', ",")),
    ] {
        let (_folder, path) = written("table", text.as_bytes());
        let column = &read_all(&path).0.columns[0];
        assert_eq!((&column.name[..], column.in_cgs), ("age", Some(size)), "{text}");
    }
}
