//! The command writes what the library finds.

use super::*;
use decomposition::Solo;
use io::Units;
use io::snapshot::{Fields, Header, Layout};
use treecode::math::hash;

/// Clumps, some of them close together, on a sparse background. The ids are not ordered by
/// position.
fn field(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    let mut state = 12_345u64;
    let mut random = move || {
        state = hash(state);
        state as f64 / u64::MAX as f64
    };
    for i in 0..n {
        let clump = i % 16;
        let wide = if clump < 12 { 0.03 } else { 1.0 };
        for axis in 0..3 {
            let centre = if clump < 12 { (clump * (axis + 3) % 7) as f64 / 7.0 } else { 0.0 };
            bodies.pos[axis][i] = centre + wide * random();
            bodies.vel[axis][i] = random() - 0.5;
        }
        bodies.mass[i] = 0.5 + random();
        bodies.id[i] = (i as u64 * 7919 + 17) % 1_000_003;
    }
    bodies
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
    (twins.id[1], twins.id[2]) = (5, 5);
    write("twins.hdf5", &twins);
    halos(folder.path(), "@/a.hdf5 -o @/h.hdf5 --linking-length 0.02 --min-members 20").unwrap();
    let catalogue = catalogue::read(&folder.path().join("h.hdf5")).unwrap();
    let (found, ids) = census(&Solo, &label(&Solo, Domain::Open, field(3000), 0.02), 20);
    let groups: Vec<Group> = found.iter().map(group).collect();
    assert_eq!((catalogue.time, catalogue.units, catalogue.linking_length), (2.5, Units::NBODY, 0.02));
    assert_eq!((catalogue.groups, catalogue.ids), (groups, ids));
    // The clumps extend from 0 to about 1.03, so 0.2 mean separations of 3000 bodies are 0.014.
    halos(folder.path(), "@/a.hdf5 -o @/b.hdf5").unwrap();
    let length = catalogue::read(&folder.path().join("b.hdf5")).unwrap().linking_length;
    assert!((length / (0.2 / 3000f64.cbrt()) - 1.0).abs() < 0.05, "{length}");
    halos(folder.path(), "@/a.hdf5 -o @/none.hdf5 --linking-length 1e-9").unwrap();
    for (line, expected) in [
        ("@/flat.hdf5 -o @/x.hdf5", "no mean separation; give the length as --linking-length"),
        (
            "@/twins.hdf5 -o @/x.hdf5 --linking-length 0.02",
            "twins.hdf5: 2 bodies have an id that another one has, too, such as 5; a catalogue names",
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
