//! Tests that `heorot halos` writes the haloes that the library finds.

use super::*;
use decomposition::Solo;
use io::Units;
use io::snapshot::{Fields, Header, Layout};
use nbody::model::{Clumps, Model, generate};

/// Clumps on a sparse background.
fn field(n: u64) -> Bodies {
    let clumps = Clumps {
        bodies: n,
        seed: 7,
        mass: 1.0,
        clumps: 12,
        background: 0.25,
        slope: 2.0,
        side: 1.0,
        radius: 0.02,
        cut: 20.0,
    };
    generate(&Solo, &Model::Clumps(clumps), 1.0)
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// Runs `heorot halos` in `folder`; `@` stands for the folder.
fn halos(folder: &std::path::Path, line: &str) -> Result<(), String> {
    use clap::Parser;
    let words = line.replace('@', &folder.to_string_lossy());
    let parsed = Line::try_parse_from(["halos"].into_iter().chain(words.split_whitespace()));
    let arguments = parsed.map_err(|error| error.to_string())?.arguments;
    find(&Crew::alone(), &arguments).map_err(|error| format!("{error:#}"))
}

#[test]
fn the_command_writes_a_catalogue_or_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let header = Header { time: 2.5, units: Some(Units::NBODY), ..Header::default() };
    let write = |name: &str, bodies: &Bodies| {
        let path = folder.path().join(name);
        Crew::alone()
            .write_snapshot(&io::Target::own(&path), &header, bodies, Fields::default(), &Layout::default())
            .unwrap();
    };
    write("a.hdf5", &field(3000));
    let mut flat = field(100);
    flat.pos[2].fill(0.0);
    write("flat.hdf5", &flat);
    // Bodies with the same id, in different haloes or in none.
    let mut twins = field(3000);
    (twins.id[1], twins.id[2]) = (9999, 9999);
    write("twins.hdf5", &twins);
    halos(folder.path(), "@/a.hdf5 -o @/h.hdf5 --linking-length 0.02 --min-members 20").unwrap();
    let catalogue = catalogue::read(&folder.path().join("h.hdf5")).unwrap();
    let (found, ids) = census(&Solo, Domain::Open, &label(&Solo, Domain::Open, field(3000), 0.02), 20);
    assert_eq!((catalogue.time, catalogue.units, catalogue.linking_length), (2.5, Units::NBODY, 0.02));
    assert_eq!((catalogue.groups, catalogue.ids), (found, ids));
    // 0.2 mean separations in the box around all bodies.
    halos(folder.path(), "@/a.hdf5 -o @/b.hdf5").unwrap();
    let length = catalogue::read(&folder.path().join("b.hdf5")).unwrap().linking_length;
    let extent = |axis: Vec<f64>| {
        axis.iter().copied().fold(f64::MIN, f64::max) - axis.iter().copied().fold(f64::MAX, f64::min)
    };
    let volume: f64 = field(3000).pos.map(extent).iter().product();
    assert!((length / (0.2 * (volume / 3000.0).cbrt()) - 1.0).abs() < 1e-12, "{length}");
    halos(folder.path(), "@/a.hdf5 -o @/none.hdf5 --linking-length 1e-9").unwrap();
    for (line, expected) in [
        ("@/flat.hdf5 -o @/x.hdf5", "no mean separation; give the length as --linking-length"),
        (
            "@/twins.hdf5 -o @/x.hdf5 --linking-length 0.02",
            "twins.hdf5: 2 bodies have an id that another one has, too, such as 9999; a catalogue names",
        ),
        ("@/a.hdf5 -o @/x.hdf5 --types 4", "has no bodies of the types wanted"),
        ("@/a.hdf5 -o @/no/x.hdf5", "No such file or directory"),
        ("@/missing.hdf5 -o @/x.hdf5", "missing.hdf5"),
        ("@/a.hdf5 -o @/x.hdf5 --linking 0", "must be above 0"),
        ("@/a.hdf5 -o @/x.hdf5 --linking 0.2 --linking-length 1", "cannot be used with"),
        ("@/a.hdf5", "--output"),
    ] {
        let error = halos(folder.path(), line).unwrap_err();
        assert!(error.contains(expected), "{line} gave: {error}");
    }
    assert!(!folder.path().join("x.hdf5").exists());
}
