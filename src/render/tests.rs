use super::*;
use crate::crew::Crew;
use clap::Parser;
use io::Units;
use io::snapshot::{Fields, Header, Layout};
use treecode::Bodies;
use treecode::TYPES;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &[&str]) -> Result<Arguments, String> {
    let parsed = Line::try_parse_from(["render"].iter().chain(line));
    parsed.map(|line| line.arguments).map_err(|error| error.to_string())
}

/// A cross of bodies of type 2 about (10, 0, 0), half of which are `apart` from it.
fn write_snapshot(path: &Path, time: f64, apart: f64, units: Units) {
    let mut bodies = Bodies::zeroed(400);
    bodies.kind.fill(2);
    bodies.mass.fill(0.01);
    for i in 0..400 {
        bodies.pos[i % 2][i] = (i as f64 - 199.5) / 400.0;
        bodies.pos[0][i] += 10.0 + if i % 4 < 2 { apart } else { -apart };
    }
    let header = Header { time, units: Some(units), ..Header::default() };
    Crew::alone().write_snapshot(path, &header, &bodies, Fields::default(), &Layout::default()).unwrap();
}

/// A folder with two snapshots, named against the order of their times.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_snapshot(&folder.path().join("a.hdf5"), 2.0, 1.0, Units::GALACTIC);
    write_snapshot(&folder.path().join("b.hdf5"), 1.0, 3.0, Units::GALACTIC);
    folder
}

/// Runs `heorot render` in `folder` with pictures of 160x160 pixels in `folder/out`; `@` stands for the folder.
fn render(folder: &Path, line: &[&str]) -> Result<(), String> {
    let place = |word: &&str| word.replace('@', &folder.to_string_lossy());
    let words: Vec<String> = line.iter().chain(&["-o", "@/out"]).map(place).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if !line.contains(&"--size") {
        words.extend(["--size", "160"]);
    }
    main(&arguments(&words)?).map_err(|error| format!("{error:#}"))
}

#[test]
fn every_snapshot_becomes_a_picture_and_all_become_a_movie() {
    let folder = scene();
    render(folder.path(), &["@/a.hdf5", "@/b.hdf5"]).unwrap();
    let mut names: Vec<_> =
        std::fs::read_dir(folder.path().join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.png", "b.png", "movie.gif"]);
    let bytes = |name: &str| std::fs::read(folder.path().join("out").join(name)).unwrap();
    assert_eq!(&bytes("a.png")[1..4], b"PNG");
    assert_eq!(&bytes("movie.gif")[..6], b"GIF89a");
    assert_ne!(bytes("a.png"), bytes("b.png"));
}

#[test]
fn the_frame_is_centred_on_the_mass_and_holds_all_snapshots() {
    let folder = scene();
    let paths = ["a.hdf5", "b.hdf5"].map(|name| folder.path().join(name));
    let sequence = Sequence::open(&paths, [true; TYPES]).unwrap();
    assert_eq!(sequence.entries.iter().map(|entry| entry.time).collect::<Vec<_>>(), [1.0, 2.0]);
    let view = view(&arguments(&["x", "-o", "y"]).unwrap(), &sequence).unwrap();
    let middle = view.project([10.0, 0.0, 0.0]);
    assert!(middle.iter().all(|x| (x - 512.0).abs() < 1.0), "the centre is at {middle:?}");
    assert!(view.shows(view.project([6.7, 0.0, 0.0])) && view.shows(view.project([13.3, 0.0, 0.0])));
    assert!(view.width() < 9.0);
}

#[test]
fn wishes_for_the_frame_and_the_colours_are_kept() {
    let folder = scene();
    let line = [
        "x",
        "-o",
        "y",
        "--width",
        "6",
        "--centre=-1,2,3",
        "--axis",
        "y",
        "--range",
        "1e6:1e9",
        "--size",
        "300x200",
    ];
    let wished = arguments(&line).unwrap();
    let sequence = Sequence::open(&[folder.path().join("a.hdf5")], [true; TYPES]).unwrap();
    let view = view(&wished, &sequence).unwrap();
    assert_eq!(view.project([-1.0, 0.0, 3.0]), [150.0, 100.0]);
    assert_eq!(view.width(), 6.0);
    let range = range(&wished, &sequence, &view).unwrap();
    assert!((range.low() / 1e-4 - 1.0).abs() < 1e-6, "1e6 Msun/kpc^2 are 1e-4 units, not {}", range.low());
}

#[test]
fn what_cannot_be_drawn_is_said_in_one_line() {
    let folder = scene();
    std::fs::create_dir(folder.path().join("more")).unwrap();
    write_snapshot(&folder.path().join("more/a.hdf5"), 3.0, 1.0, Units::GALACTIC);
    write_snapshot(&folder.path().join("nbody.hdf5"), 3.0, 1.0, Units::NBODY);
    std::fs::write(folder.path().join("text.hdf5"), "not HDF5").unwrap();
    for (line, expected) in [
        (&["@/none.hdf5"][..], "none.hdf5"),
        (&["@/text.hdf5"], "text.hdf5"),
        (&["@/a.hdf5", "@/nbody.hdf5"], "nbody.hdf5: its units are not those of"),
        (&["@/a.hdf5", "@/more/a.hdf5"], "would both be drawn as"),
        (&["@/a.hdf5", "--types", "1,3"], "no bodies of type 1, 3 to draw, only of type 2"),
        (&["@/a.hdf5", "--width", "1", "--centre", "0,0,0"], "no body with a mass lies in the frame"),
        (&["@/a.hdf5", "--width", "-1"], "the width of the picture is -1"),
        (&["@/a.hdf5", "--range", "5:1"], "the range of the colours"),
        (&["@/a.hdf5", "--size", "10x200"], "a picture of 10x200 pixels: each side must be from 160 to 8192"),
        (&["@/a.hdf5", "--frames-per-second", "0"], "0 frames per second"),
    ] {
        let error = render(folder.path(), line).unwrap_err();
        assert!(error.contains(expected) && error.lines().count() == 1, "{line:?} gave: {error}");
    }
    assert!(!folder.path().join("out").exists(), "a folder was made although nothing could be drawn");
}

#[test]
fn malformed_options_are_refused_with_an_example() {
    for (line, expected) in [
        (&["-o", "y"][..], "SNAPSHOT"),
        (&["x"], "--output"),
        (&["x", "-o", "y", "--size", "big"], "1024x768"),
        (&["x", "-o", "y", "--centre", "1,2"], "1.5,0,-2"),
        (&["x", "-o", "y", "--range", "7"], "1e5:1e9"),
        (&["x", "-o", "y", "--axis", "w"], "possible values: x, y, z"),
        (&["x", "-o", "y", "--colours", "jet"], "inferno, magma, viridis, cividis"),
        (&["x", "-o", "y", "--types", "6"], "6"),
    ] {
        let error = arguments(line).unwrap_err();
        assert!(error.contains(expected), "{line:?} gave: {error}");
    }
}
