//! Tests of `heorot render` through its command line.

use super::*;
use crate::ranks::crew::Crew;
use clap::Parser;
use io::Units;
use io::snapshot::{Fields, Header, Layout};
use std::fs;
use std::path::Path;
use treecode::TYPES;
use treecode::{Bodies, Domain};
use viz::{Colours, Shade};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &[&str]) -> Result<Arguments, String> {
    let parsed = Line::try_parse_from(["render"].iter().chain(line));
    parsed.map(|line| line.arguments).map_err(|error| error.to_string())
}

/// A cross of bodies of type 2 around (10, 0, 0), half of them `apart` from it.
fn write_snapshot(path: &Path, time: f64, apart: f64, units: Units) {
    write_bodies(path, time, &bodies(apart), units);
}

fn write_bodies(path: &Path, time: f64, bodies: &Bodies, units: Units) {
    let header = Header { time, units: Some(units), ..Header::default() };
    Crew::alone()
        .write_snapshot(&io::Target::own(path), &header, bodies, Fields::default(), &Layout::default())
        .unwrap();
}

fn bodies(apart: f64) -> Bodies {
    let mut bodies = Bodies::zeroed(400);
    bodies.kind.fill(2);
    bodies.mass.fill(0.01);
    for i in 0..400 {
        bodies.pos[i % 2][i] = (i as f64 - 199.5) / 400.0;
        bodies.pos[0][i] += 10.0 + if i % 4 < 2 { apart } else { -apart };
    }
    bodies
}

/// A folder with two snapshots whose names are in the opposite order of their times.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_snapshot(&folder.path().join("a.hdf5"), 2.0, 1.0, Units::GALACTIC);
    write_snapshot(&folder.path().join("b.hdf5"), 1.0, 3.0, Units::GALACTIC);
    folder
}

/// Runs `heorot render` in `folder`, with pictures of 160x160 pixels in `folder/out`. `@` stands
/// for the folder.
fn render(folder: &Path, line: &[&str]) -> Result<(), String> {
    let place = |word: &&str| word.replace('@', &folder.to_string_lossy());
    let words: Vec<String> = line.iter().chain(&["-o", "@/out"]).map(place).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    if !line.contains(&"--size") {
        words.extend(["--size", "160"]);
    }
    draw(&Crew::alone(), &arguments(&words)?).map_err(|error| format!("{error:#}"))
}

#[test]
fn every_snapshot_becomes_a_picture_and_all_become_a_movie() {
    let folder = scene();
    render(folder.path(), &["@/a.hdf5", "@/b.hdf5"]).unwrap();
    let mut names: Vec<_> =
        fs::read_dir(folder.path().join("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a.png", "b.png", "movie.gif"]);
    let bytes = |name: &str| fs::read(folder.path().join("out").join(name)).unwrap();
    assert_eq!(&bytes("a.png")[1..4], b"PNG");
    assert_eq!(&bytes("movie.gif")[..6], b"GIF89a");
    assert_ne!(bytes("a.png"), bytes("b.png"));
}

#[test]
fn the_frame_is_centred_on_the_mass_and_holds_all_snapshots() {
    let folder = scene();
    let paths = ["a.hdf5", "b.hdf5"].map(|name| folder.path().join(name));
    let alone = Crew::alone();
    let sequence = Sequence::open(&paths, [true; TYPES], false).unwrap();
    assert_eq!(sequence.entries.iter().map(|entry| entry.time).collect::<Vec<_>>(), [1.0, 2.0]);
    let wished = arguments(&["x", "-o", "y"]).unwrap();
    let view =
        *Studio::new(&alone, &wished.look, &sequence, wished.size, None).unwrap().draw(0).unwrap().view();
    let point = |x: f64| view.project([x, 0.0, 0.0]).unwrap().point;
    assert!(point(10.0).iter().all(|x| (x - 512.0).abs() < 1.0), "the centre is at {:?}", point(10.0));
    assert!(view.shows(point(6.7)) && view.shows(point(13.3)));
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
    let alone = Crew::alone();
    let sequence = Sequence::open(&[folder.path().join("a.hdf5")], [true; TYPES], false).unwrap();
    let mut studio = Studio::new(&alone, &wished.look, &sequence, wished.size, None).unwrap();
    let view = *studio.draw(0).unwrap().view();
    assert_eq!(view.project([-1.0, 0.0, 3.0]).unwrap().point, [150.0, 100.0]);
    assert_eq!(view.width(), 6.0);
    let range = studio.style(wished.decorations(), false).unwrap().range;
    assert!((range.low() / 1e-4 - 1.0).abs() < 1e-6, "1e6 Msun/kpc^2 are 1e-4 units, not {}", range.low());
    let wished = arguments(&["x", "-o", "y", "--range", "1 Msun/pc^2:1e9 Msun/kpc^2"]).unwrap();
    let mut studio = Studio::new(&alone, &wished.look, &sequence, wished.size, None).unwrap();
    let range = studio.style(wished.decorations(), false).unwrap().range;
    let [low, high] = [range.low() / 1e-4, range.high() / 0.1];
    assert!((low - 1.0).abs() < 1e-6 && (high - 1.0).abs() < 1e-6, "{low} {high}");
    let wished = arguments(&["x", "-o", "y", "--colour-by", "speed", "--values", "1e5 m/s:250"]).unwrap();
    let mut studio = Studio::new(&alone, &wished.look, &sequence, wished.size, None).unwrap();
    let colours = studio.style(wished.decorations(), false).unwrap().colours;
    let Colours::Value { range, per_unit, .. } = colours else { panic!("{colours:?}") };
    assert!(range.map(|value| value * per_unit) == [100.0, 250.0], "{range:?} {per_unit}");
}

#[test]
fn what_cannot_be_drawn_is_said_in_one_line() {
    let folder = scene();
    fs::create_dir(folder.path().join("more")).unwrap();
    write_snapshot(&folder.path().join("more/a.hdf5"), 3.0, 1.0, Units::GALACTIC);
    write_snapshot(&folder.path().join("nbody.hdf5"), 3.0, 1.0, Units::NBODY);
    fs::write(folder.path().join("text.hdf5"), "not HDF5").unwrap();
    fs::write(folder.path().join("falling.toml"), "[[key]]\nat = 0.5\n[[key]]\nat = 0.25\n").unwrap();
    let mut other = bodies(1.0);
    other.id[7] = 4711;
    write_bodies(&folder.path().join("other.hdf5"), 5.0, &other, Units::GALACTIC);
    let mut twins = bodies(1.0);
    twins.id[7] = twins.id[8];
    write_bodies(&folder.path().join("twins.hdf5"), 5.0, &twins, Units::GALACTIC);
    for (name, rows) in [("two.txt", 2), ("three.txt", 3)] {
        let rows = "1 0 0 0 0 0 0\n".repeat(rows);
        fs::write(folder.path().join(name), format!("mass x y z vx vy vz\n{rows}")).unwrap();
    }
    for (line, expected) in [
        (&["@/none.hdf5"][..], "none.hdf5"),
        (&["@/text.hdf5"], "text.hdf5"),
        (&["@/a.hdf5", "@/nbody.hdf5"], "nbody.hdf5: its units are not those of"),
        (&["@/a.hdf5", "@/more/a.hdf5"], "would both be drawn as"),
        (&["@/a.hdf5", "--types", "1,3"], "no bodies of type 1, 3 to draw, only of type 2"),
        (&["@/a.hdf5", "--width", "1", "--centre", "0,0,0"], "no body with a mass lies in the frame"),
        (&["@/a.hdf5", "--width", "-1"], "the width of the picture is -1"),
        (&["@/a.hdf5", "--range", "1e9:1 Msun/pc^2"], "--range: 1e9 is not below 1 Msun/pc^2"),
        (
            &["@/nbody.hdf5", "--range", "1 Msun/pc^2:2 Msun/pc^2"],
            "--range: 1 Msun/pc^2: the units here have G = 1",
        ),
        (&["@/a.hdf5", "--values", "0:9"], "--values: needs --colour-by speed, velocity or arrival"),
        (
            &["@/a.hdf5", "--colour-by", "speed", "--values", "0:9 Myr"],
            "--values: 9 Myr is a time, where a speed is needed",
        ),
        (
            &["@/nbody.hdf5", "--colour-by", "speed", "--values", "0:9 km/s"],
            "--values: 9 km/s: the units here have G = 1",
        ),
        (&["@/a.hdf5", "--size", "10x200"], "a picture of 10x200 pixels: each side must be from 160 to 8192"),
        (&["@/a.hdf5", "--frames-per-second", "0"], "0 frames per second"),
        (&["@/a.hdf5", "--frames", "5"], "--frames of one snapshot"),
        (&["@/a.hdf5", "--perspective", "170"], "an angle of view of 170.0 degrees"),
        (&["@/a.hdf5", "--range", "90%:10%"], "the range of the colours is 90.0 % to 10.0 %"),
        (&["@/a.hdf5", "--follow", "400", "--width", "3"], "there is no body with id 400 to follow"),
        (&["@/a.hdf5", "--colour-by", "galaxy"], "a.hdf5: does not say which galaxies its bodies came from"),
        (&["@/a.hdf5", "--colour-by", "galaxy", "--galaxies", "0-9"], "the body with id 10 is of none"),
        (&["@/a.hdf5", "--colour-by", "type", "--galaxies", "0-9"], "--galaxies: needs --colour-by galaxy"),
        (
            &["@/a.hdf5", "--colour-by", "speed", "--arrival-radius", "1"],
            "--arrival-radius: needs --colour-by arrival",
        ),
        (
            &["@/a.hdf5", "--colour-by", "galaxy", "--galaxies", "A=0-99,B=90-100"],
            "--galaxies: two galaxies share the ids from 90 to 99",
        ),
        (&["@/a.hdf5", "--colour-by", "arrival", "--arrival-radius", "1"], "needs a sequence"),
        (&["@/a.hdf5", "@/b.hdf5", "-o", "@/two.png"], "two.png: one picture cannot hold 2"),
        (&["@/a.hdf5", "-o", "@/picture.tiff"], "picture.tiff: tiff is not made"),
        (&["@/a.hdf5", "@/other.hdf5", "--frames", "3"], "its bodies are not those of"),
        (&["@/a.hdf5", "@/twins.hdf5", "--frames", "3"], "2 bodies have an id that another one has, too"),
        (&["@/twins.hdf5", "--follow", "8"], "several bodies have the id 8"),
        (
            &["@/two.txt", "@/three.txt", "--frames", "3"],
            "three.txt: its bodies cannot be told to be those of",
        ),
        (&["@/two.txt", "@/three.txt", "--follow", "1"], "its bodies cannot be told to be those of"),
        (&["@/a.hdf5", "--trails"], "draws the paths of types with at most 32 bodies"),
        (&["@/a.hdf5", "--camera", "@/none.toml"], "none.toml"),
        (&["@/a.hdf5", "--camera", "@/falling.toml"], "falling.toml: key.at = 0.25: must rise"),
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
        (&["x", "-o", "y", "--range", "5:1"], "5 is not below 1"),
        (&["x", "-o", "y", "--size", "big"], "1024x768"),
        (&["x", "-o", "y", "--centre", "1,2"], "1.5,0,-2"),
        (&["x", "-o", "y", "--range", "7"], "1e5:1e9"),
        (&["x", "-o", "y", "--range", "1 pc:2 pc"], "is a length, where a surface density is needed"),
        (&["x", "-o", "y", "--range", "0:2 Msun/pc^2"], "must be a surface density above 0"),
        (&["x", "-o", "y", "--axis", "w"], "possible values: x, y, z"),
        (&["x", "-o", "y", "--colours", "jet"], "inferno, magma, viridis, cividis, galaxy"),
        (&["x", "-o", "y", "--colour-by", "speed", "--values", "9:2"], "0:250"),
        (&["x", "-o", "y", "--colour-by", "arrival"], "--arrival-radius"),
        (&["x", "-o", "y", "--galaxies", "0-9,4"], "0-59999,60000-119999"),
        (&["x", "-o", "y", "--follow", "middle"], "the id of a body"),
        (&["x", "-o", "y", "--axes", "--transparent"], "cannot be used with"),
        (&["x", "-o", "y", "--orbit", "90", "--camera", "path.toml"], "cannot be used with"),
        (&["x", "-o", "y", "--types", "6"], "6"),
    ] {
        let error = arguments(line).unwrap_err();
        assert!(error.contains(expected), "{line:?} gave: {error}");
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn outputs_are_what_their_names_say() {
    let folder = scene();
    render(folder.path(), &["@/a.hdf5", "-o", "@/one.png", "-o", "@/turn.apng", "--transparent"]).unwrap();
    let bytes = |name: &str| fs::read(folder.path().join(name)).unwrap();
    assert_eq!([&bytes("one.png")[1..4], &bytes("turn.apng")[1..4]], [b"PNG"; 2]);
    assert_eq!(entries(&folder.path().join("out")), ["a.png"], "one picture makes no movie");
    render(folder.path(), &["@/a.hdf5", "@/b.hdf5", "--frames", "5", "-o", "@/five.gif"]).unwrap();
    assert_eq!(&bytes("five.gif")[..6], b"GIF89a");
    let frames: Vec<String> =
        (0..5).map(|i| format!("frame_{i:05}.png")).chain(["movie.gif".into()]).collect();
    assert_eq!(entries(&folder.path().join("out"))[1..], frames);
}

/// At half the time between two snapshots, bodies in uniform motion are half-way.
#[test]
fn frames_between_snapshots_show_bodies_on_their_way() {
    let folder = tempfile::tempdir().unwrap();
    for (name, time, x) in [("a.hdf5", 0.0, -2.0), ("b.hdf5", 1.0, 2.0)] {
        let mut bodies = bodies(0.0);
        bodies.pos.iter_mut().for_each(|axis| axis.fill(0.0));
        bodies.pos[0].fill(x);
        bodies.vel[0].fill(4.0);
        let backward: Vec<u32> = (0..400).rev().collect();
        if name == "b.hdf5" {
            bodies.permute(&backward);
        }
        write_bodies(&folder.path().join(name), time, &bodies, Units::GALACTIC);
    }
    let paths = ["a.hdf5", "b.hdf5"].map(|name| folder.path().join(name));
    let alone = Crew::alone();
    let sequence = Sequence::open(&paths, [true; TYPES], false).unwrap();
    let wished = arguments(&["x", "-o", "y", "--width", "8", "--centre", "0,0,0", "--size", "160"]).unwrap();
    let mut studio = Studio::new(&alone, &wished.look, &sequence, wished.size, Some(5)).unwrap();
    for (frame, x) in [40.0, 60.0, 80.0, 100.0, 120.0].into_iter().enumerate() {
        let density = studio.draw(frame).unwrap();
        let mass: f64 = density.values().iter().sum();
        let mean: f64 =
            density.values().iter().enumerate().map(|(i, m)| ((i % 160) as f64 + 0.5) * m).sum::<f64>()
                / mass;
        assert!((mean - x).abs() < 1e-6, "frame {frame} has its bodies at {mean}, not {x}");
    }
}

#[test]
fn the_camera_follows_turns_and_comes_nearer() {
    let folder = scene();
    let path = folder.path().join("path.toml");
    fs::write(
        &path,
        "perspective = 30\n[[key]]\nat = 0\nwidth = \"8 kpc\"\nelevation = 0\n[[key]]\nat = 1\nwidth = 2\nazimuth = 90\n",
    )
    .unwrap();
    let alone = Crew::alone();
    let sequence = Sequence::open(&[folder.path().join("a.hdf5")], [true; TYPES], false).unwrap();
    let wished = arguments(&["x", "-o", "y", "--follow", "mass", "--azimuth", "0", "--size", "160"]).unwrap();
    let mut studio = Studio::new(&alone, &wished.look, &sequence, wished.size, Some(3)).unwrap();
    studio.move_camera_along(&path).unwrap();
    for (frame, width) in [8.0, 4.0, 2.0].into_iter().enumerate() {
        let view = *studio.draw(frame).unwrap().view();
        assert!((view.width() - width).abs() < 1e-9);
        assert!((0..3).all(|axis| (view.target()[axis] - [10.0, 0.0, 0.0][axis]).abs() < 0.1));
        // The camera is at azimuth 0, 45 and 90 degrees.
        let angle = 45f64.to_radians() * frame as f64;
        assert!((view.away([1.0, 0.0, 0.0]) + angle.cos()).abs() < 1e-12);
    }
    let mut turning = Studio::new(&alone, &wished.look, &sequence, wished.size, Some(2)).unwrap();
    turning.move_camera(90.0, 2.0);
    let views = [0, 1].map(|frame| *turning.draw(frame).unwrap().view());
    assert!((views[0].width() / views[1].width() - 2.0).abs() < 1e-12);
}

#[test]
fn colours_tell_types_galaxies_motion_and_arrivals() {
    let folder = tempfile::tempdir().unwrap();
    for (name, time, x) in [("a.hdf5", 0.0, 3.0), ("b.hdf5", 2.0, 0.1), ("c.hdf5", 5.0, 0.0)] {
        let mut bodies = Bodies::zeroed(80);
        bodies.mass.fill(1.0);
        for i in 0..80 {
            (bodies.kind[i], bodies.pos[0][i], bodies.vel[2][i]) =
                if i < 40 { (1, x, -30.0) } else { (4, -3.0, 40.0) };
        }
        write_bodies(&folder.path().join(name), time, &bodies, Units::GALACTIC);
    }
    let paths = ["a.hdf5", "b.hdf5", "c.hdf5"].map(|name| folder.path().join(name));
    let alone = Crew::alone();
    let sequence = Sequence::open(&paths, [true; TYPES], false).unwrap();
    let draw = |words: &[&str], frame: usize| {
        let line = [&["x", "-o", "y", "--width", "8", "--centre", "0,0,0", "--size", "160"], words].concat();
        let wished = arguments(&line).unwrap();
        let mut studio = Studio::new(&alone, &wished.look, &sequence, wished.size, None).unwrap();
        let style = studio.style(wished.decorations(), false).unwrap();
        let density = (0..=frame).map(|frame| studio.draw(frame).unwrap()).last().unwrap();
        (style.colours, density)
    };
    // The pixels of the body that arrives and of the one that stays away.
    let at = |values: &[f32], x: usize| values[80 * 160 + x];
    let (Colours::Groups(names), density) = draw(&["--colour-by", "type"], 0) else { panic!("no groups") };
    assert_eq!(names, ["halo", "stars"]);
    let Shade::Parts(parts) = density.shade() else { panic!("no parts") };
    assert!(at(&parts[0], 140) > 0.99 && at(&parts[1], 20) > 0.99);
    let (Colours::Groups(names), _) = draw(&["--galaxies", "40-79,0-39"], 0) else { panic!("no groups") };
    assert_eq!(names, ["galaxy 1", "galaxy 2"]);
    for (word, expected) in [("speed", [30.0, 40.0]), ("velocity", [30.0, -40.0])] {
        let (Colours::Value { signed, per_unit, .. }, density) = draw(&["--colour-by", word], 0) else {
            panic!("no value")
        };
        assert_eq!((signed, (per_unit - 1.0).abs() < 1e-9), (word == "velocity", true));
        let Shade::Mean(means) = density.shade() else { panic!("no mean") };
        assert!(
            (f64::from(at(means, 140)) - expected[0]).abs() < 0.5
                && (f64::from(at(means, 20)) - expected[1]).abs() < 0.5
        );
    }
    let (colours, density) = draw(&["--colour-by", "arrival", "--arrival-radius", "1"], 2);
    assert!(matches!(colours, Colours::Value { range: [0.0, 5.0], .. }));
    let Shade::Mean(means) = density.shade() else { panic!("no mean") };
    assert!((at(means, 80) - 3.0).abs() < 0.1 && at(means, 20).abs() < 0.1, "it came at 2, now is 5");
}

/// The ids of each galaxy follow from the model that generated them.
#[test]
fn galaxies_are_known_from_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("merger.hdf5");
    for prefix in ["initial.", ""] {
        let parameters = [("model", "\"collision\""), ("bodies", "400"), ("mass_ratio", "0.25")];
        let parameters = parameters.map(|(key, value)| (format!("{prefix}{key}"), value.to_owned())).to_vec();
        let header = Header { units: Some(Units::GALACTIC), parameters, ..Header::default() };
        let (fields, layout) = (Fields::default(), Layout::default());
        Crew::alone()
            .write_snapshot(&io::Target::own(&path), &header, &bodies(1.0), fields, &layout)
            .unwrap();
        let sequence = Sequence::open(std::slice::from_ref(&path), [true; TYPES], false).unwrap();
        let wished = arguments(&["x", "-o", "y", "--colour-by", "galaxy"]).unwrap();
        let Ok(tint::Tinter::Galaxies(galaxies)) = tint::Tinter::new(&wished.look, None, &sequence) else {
            panic!("no galaxies")
        };
        assert_eq!(galaxies, [(None, 0..=319), (None, 320..=399)]);
    }
}

/// A clump that lies across the faces of a box is drawn whole, as is one in the middle; a slab leaves out
/// what is before and behind it.
#[test]
fn a_periodic_box_is_drawn_around_its_centre() {
    let folder = tempfile::tempdir().unwrap();
    let side = 8.0;
    let mut bodies = bodies(0.0); // a cross about (10, 0, 0)
    let place = |bodies: &mut Bodies, to: [f64; 3]| {
        for axis in 0..3 {
            let shift = to[axis] - if axis == 0 { 10.0 } else { 0.0 };
            bodies.pos[axis].iter_mut().for_each(|x| *x += shift);
        }
    };
    let write = |name: &str, bodies: &Bodies| {
        let path = folder.path().join(name);
        let header = Header { units: Some(Units::GALACTIC), box_size: side, ..Header::default() };
        let (fields, layout) = (Fields::default(), Layout::default());
        Crew::alone().write_snapshot(&io::Target::own(&path), &header, bodies, fields, &layout).unwrap();
    };
    place(&mut bodies, [4.0, 4.0, 4.0]);
    write("middle.hdf5", &bodies);
    let mut moved = bodies.clone();
    moved.pos.iter_mut().flatten().for_each(|x| *x += 4.0);
    moved.wrap(Domain::Periodic { side });
    write("corner.hdf5", &moved);
    let draw = |name: &str, more: &[&str]| {
        let line = [&["@/in.hdf5", "--plain", "--range", "1e3:1e12", "--overwrite"], more].concat();
        fs::copy(folder.path().join(name), folder.path().join("in.hdf5")).unwrap();
        render(folder.path(), &line).unwrap();
        let picture = fs::read_dir(folder.path().join("out")).unwrap().find_map(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|ending| ending == "png").then_some(path)
        });
        viz::decode_png(&fs::read(picture.unwrap()).unwrap()).unwrap().pixels().to_vec()
    };
    let middle = draw("middle.hdf5", &[]);
    assert_eq!(draw("corner.hdf5", &["--centre", "0,0,0"]), middle);
    assert_ne!(draw("corner.hdf5", &[]), middle);
    assert_eq!(draw("middle.hdf5", &["--depth", "1"]), middle);
    let empty = draw("corner.hdf5", &["--depth", "1"]);
    assert!(empty.iter().all(|pixel| *pixel == empty[0]), "bodies outside the slab are drawn");
}

/// A black hole of a type of its own is a dot that moves. Its mass is not in the surface density.
#[test]
fn a_few_bodies_are_dots_with_paths() {
    let folder = tempfile::tempdir().unwrap();
    for (k, name) in ["a.hdf5", "b.hdf5", "c.hdf5"].into_iter().enumerate() {
        let mut all = bodies(1.0);
        let mut hole = Bodies::zeroed(1);
        (hole.kind[0], hole.mass[0], hole.id[0]) = (5, 100.0, 4711);
        (hole.pos[0][0], hole.pos[1][0]) = (8.0 + 2.0 * k as f64, 3.0);
        all.append(&hole);
        write_bodies(&folder.path().join(name), k as f64, &all, Units::GALACTIC);
    }
    let paths = ["a.hdf5", "b.hdf5", "c.hdf5"].map(|name| folder.path().join(name));
    let draw = |ranks: usize| {
        let all = decomposition::threads::run(ranks, |comm| {
            let crew = Crew { comm, ..Crew::alone() };
            let sequence = Sequence::open(&paths, [true; TYPES], false).unwrap();
            let line = ["x", "-o", "y", "--width", "8", "--centre", "10,0,0", "--size", "160", "--trails"];
            let wished = arguments(&line).unwrap();
            let mut studio = Studio::new(&crew, &wished.look, &sequence, wished.size, None).unwrap();
            let style = studio.style(wished.decorations(), false).unwrap();
            let density = (0..3).map(|frame| studio.draw(frame).unwrap()).last().unwrap();
            let picture = viz::render(&density, &style, "").pixels().to_vec();
            (density.marks().to_vec(), density.mass(), picture)
        });
        all.into_iter().next().unwrap()
    };
    let (marks, mass, picture) = draw(1);
    assert_eq!(marks.len(), 1);
    let is_near = |found: &[f64; 2], x: f64| (found[0] - x).hypot(found[1] - 20.0) < 1e-9;
    let (point, path) = (&marks[0].point, &marks[0].path);
    assert!(is_near(point, 120.0), "{point:?}");
    assert!(path.len() == 2 && is_near(&path[0], 40.0) && is_near(&path[1], 80.0), "{path:?}");
    assert!((mass - 4.0).abs() < 1e-9, "{mass}");
    assert!(picture[20 * 160 + 60] != picture[10 * 160 + 60], "the path is seen");
    assert_eq!(draw(3), (marks, mass, picture));
}

/// Most bodies are in one clump; the centre of mass is elsewhere.
#[test]
fn the_camera_follows_the_densest_place() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = bodies(0.0);
    let mut far = bodies(0.0);
    far.keep(0..100);
    far.id.iter_mut().for_each(|id| *id += 400);
    far.pos[0].iter_mut().for_each(|x| *x += 40.0);
    all.append(&far);
    let path = folder.path().join("a.hdf5");
    write_bodies(&path, 0.0, &all, Units::GALACTIC);
    let targets = [1, 3].map(|ranks| {
        let all = decomposition::threads::run(ranks, |comm| {
            let crew = Crew { comm, ..Crew::alone() };
            let sequence = Sequence::open(std::slice::from_ref(&path), [true; TYPES], false).unwrap();
            let wished = arguments(&["x", "-o", "y", "--width", "8", "--follow", "centre"]).unwrap();
            let mut studio = Studio::new(&crew, &wished.look, &sequence, [160; 2], None).unwrap();
            studio.draw(0).unwrap().view().target()
        });
        all[0]
    });
    assert_eq!(targets[0], targets[1]);
    assert!((targets[0][0] - 10.0).abs() < 0.1 && targets[0][1].abs() < 0.1, "{targets:?}");
}

/// With axes the picture has margins, and everything else is as it was.
#[test]
fn axes_enlarge_the_picture() {
    let folder = scene();
    for (name, more) in [("plain.png", &["--no-scale-bar"][..]), ("axes.png", &["--axes"])] {
        let place = format!("@/{name}");
        render(folder.path(), &[&["@/a.hdf5", "-o", &place, "--overwrite"], more].concat()).unwrap();
    }
    let [plain, axes] = ["plain.png", "axes.png"]
        .map(|name| viz::decode_png(&fs::read(folder.path().join(name)).unwrap()).unwrap());
    let size = viz::size_with_axes([160; 2], viz::AxesLook::default());
    assert_eq!((plain.size(), axes.size()), ([160; 2], size));
    let rows = axes.pixels().chunks(size[0]);
    let found = rows.clone().any(|row| row.windows(160).any(|part| part == &plain.pixels()[..160]));
    assert!(found, "the picture inside is another");
    let line =
        ["@/a.hdf5", "-o", "@/paper.png", "--axes", "--width-mm", "88", "--font-size", "8", "--overwrite"];
    render(folder.path(), &[&line[..], &["--dpi", "200", "--theme", "dark"]].concat()).unwrap();
    let paper = viz::decode_png(&fs::read(folder.path().join("paper.png")).unwrap()).unwrap();
    assert!(paper.size()[0].abs_diff((88.0 / 25.4 * 200.0) as usize) < 3, "{:?}", paper.size());
    assert_eq!(paper.pixels()[0], [20, 22, 28]);
    let error = render(folder.path(), &["@/a.hdf5", "-o", "@/no.png", "--theme", "dark"]).unwrap_err();
    assert!(error.to_string().contains("--axes"), "{error}");
}

/// A star of type 4, two planets of type 5, and `tracers` bodies of type 2 without mass at the radius 3.
fn planets(tracers: usize) -> Bodies {
    let mut all = Bodies::zeroed(3 + tracers);
    all.kind[..3].copy_from_slice(&[4, 5, 5]);
    all.mass[..3].copy_from_slice(&[1.0, 1e-3, 1e-4]);
    (all.pos[0][1], all.pos[1][2]) = (5.0, -30.0);
    for i in 3..all.len() {
        let (sin, cos) = (i as f64).sin_cos();
        (all.pos[0][i], all.pos[1][i], all.kind[i]) = (3.0 * cos, 3.0 * sin, 2);
    }
    all
}

/// The frame shows the stars, not the halo about them, and each galaxy if colours show galaxies.
#[test]
fn the_default_frame_holds_the_stars_of_all_galaxies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.hdf5");
    let mut all = Bodies::zeroed(1000);
    for i in 0..1000 {
        let (y, x) = (2.4 * i as f64).sin_cos();
        let (kind, mass, radius) = if i < 500 { (1, 1.0, 300.0) } else { (2, 0.01, 8.0) };
        (all.kind[i], all.mass[i], all.id[i]) = (kind, mass, i as u64);
        (all.pos[0][i], all.pos[1][i]) = (radius * x, radius * y);
    }
    // A light galaxy far away, without stars.
    for i in 950..1000 {
        (all.kind[i], all.mass[i], all.pos[0][i], all.pos[1][i]) = (1, 1e-4, 60.0, 0.0);
    }
    write_bodies(&path, 0.0, &all, Units::GALACTIC);
    for (line, [least, most]) in [
        (&[][..], [16.0, 24.0]),
        (&["--types", "halo"], [500.0, 900.0]),
        (&["--galaxies", "A=0-949,B=950-999"], [120.0, 180.0]),
    ] {
        for ranks in [1, 3] {
            let width = decomposition::threads::run(ranks, |comm| {
                let crew = Crew { comm, ..Crew::alone() };
                let wished = arguments(&[&["x", "-o", "y", "--centre", "0,0,0"], line].concat()).unwrap();
                let sequence =
                    Sequence::open(std::slice::from_ref(&path), wished.look.kinds(), false).unwrap();
                let mut studio = Studio::new(&crew, &wished.look, &sequence, [160; 2], None).unwrap();
                studio.draw(0).unwrap().view().width()
            });
            assert!(width.iter().all(|width| (least..most).contains(width)), "{line:?}: {width:?}");
        }
    }
}

/// The picture of a planetary system with its default width, as the given number of ranks draws it.
fn drawn(tracers: usize, line: &[&str], ranks: usize) -> Result<(viz::Style, viz::SurfaceDensity), String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.hdf5");
    write_bodies(&path, 0.0, &planets(tracers), Units::PLANETARY);
    let all = decomposition::threads::run(ranks, |comm| {
        let crew = Crew { comm, ..Crew::alone() };
        let wished = arguments(&[&["x", "-o", "y"], line].concat()).unwrap();
        let sequence = Sequence::open(std::slice::from_ref(&path), wished.look.kinds(), false).unwrap();
        let mut studio = Studio::new(&crew, &wished.look, &sequence, [160; 2], None).unwrap();
        let style = studio.style(wished.decorations(), false).map_err(|error| error.to_string())?;
        Ok((style, studio.draw(0).unwrap()))
    });
    all.into_iter().next().unwrap()
}

/// If only a few bodies have mass, they and the tracers are dots, and the frame holds all of them
/// although nearly all mass is in one.
#[test]
fn bodies_of_a_planetary_system_are_dots_in_a_frame_that_holds_the_planets() {
    for tracers in [0, 200] {
        let (style, density) = drawn(tracers, &[], 1).unwrap();
        assert!(!style.decorations.colour_bar && density.marks().len() == 3 + tracers);
        let width = density.view().width();
        assert!(60.0 < width && width < 100.0, "{width}");
        assert!(density.marks().iter().all(|mark| density.view().shows(mark.point)));
        // The planets are drawn over the tracers, and are larger.
        let radii: Vec<f64> = density.marks().iter().map(|mark| mark.radius).collect();
        let (small, large) = radii.split_at(tracers);
        assert!(small.iter().all(|radius| large.iter().all(|other| radius < other)));
        let (_, other) = drawn(tracers, &[], 3).unwrap();
        assert_eq!((density.marks(), density.view()), (other.marks(), other.view()));
    }
    let (style, _) = drawn(0, &["--colour-by", "type"], 1).unwrap();
    assert!(style.decorations.colour_bar && matches!(style.colours, Colours::Groups(_)));
    // A slab leaves out dots as it does other bodies.
    let (_, slab) = drawn(200, &["--depth", "1", "--axis", "y"], 1).unwrap();
    assert!((1..100).contains(&slab.marks().len()), "{}", slab.marks().len());
    let error = drawn(200, &["--width", "1", "--centre", "9,9,9"], 1).unwrap_err();
    assert!(error.contains("no body lies in the frame"), "{error}");
}

#[test]
fn many_tracers_are_counted_and_the_bar_says_so() {
    let (style, density) = drawn(12_000, &[], 1).unwrap();
    assert!(matches!(style.colours, Colours::Numbers(_)) && style.decorations.colour_bar);
    assert_eq!(density.marks().len(), 3);
    assert!((density.mass() - 12_000.0).abs() < 1e-6 && density.view().width() > 60.0);
    let (_, other) = drawn(12_000, &[], 3).unwrap();
    assert_eq!(density.view(), other.view());
    assert!(viz::render(&density, &style, "").pixels() == viz::render(&other, &style, "").pixels());
    // Tracers that are drawn alone are counted, too.
    let (style, density) = drawn(200, &["--types", "2"], 1).unwrap();
    assert!(matches!(style.colours, Colours::Numbers(_)) && density.marks().is_empty());
    assert!(matches!(
        drawn(200, &["--range", "1:9", "--types", "2"], 1).unwrap().0.colours,
        Colours::Numbers(_)
    ));
}
