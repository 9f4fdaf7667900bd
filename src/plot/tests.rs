//! Profiles, shapes and radii agree with the theory of models. Every plot is made as a user makes
//! it.

use super::galaxies::{Galaxies, Galaxy};
use super::lagrange::radii;
use super::mass_function::mass_function;
use super::phase::Grid;
use super::profile::{Shell, shells};
use super::rings::{From, Ring, rings};
use super::separation::centres;
use super::shape::fit;
use super::snapshot::{Selection, Snapshot, enclosing};
use super::source::Source;
use super::tidal_radius::tides;
use super::units::AxisUnits;
use super::*;
use crate::ranks::crew::Crew;
use clap::Parser;
use decomposition::Solo;
use io::Units;
use io::catalogue::Catalogue;
use io::snapshot::{Fields, Header, Layout};
use nbody::halos::Halo;
use nbody::model::{self, Model, Spherical};
use nbody::potential::{Component, External, PointMass, Shape};
use nbody::profile::Centre;
use std::path::Path;
use treecode::{Bodies, Domain};

const BODIES: u64 = 60_000;

/// A sphere of mass and scale radius 1 in units with G = 1.
fn sphere(of: fn(Spherical) -> Model, cut: f64) -> Bodies {
    let spherical = Spherical { bodies: BODIES, seed: 7, mass: 1.0, radius: 1.0, cut, softening: 0.0 };
    model::generate(&Solo, &of(spherical), 1.0)
}

fn about_its_centre(bodies: Bodies) -> Snapshot {
    let centre = Centre { position: [0.0; 3], velocity: [0.0; 3] };
    let units = AxisUnits::of(&Units::NBODY);
    let source = std::rc::Rc::default();
    Snapshot { time: 0.0, units, domain: Domain::Open, centre, bodies, source, is_whole: true, ids: None }
}

/// Galaxies of these ids.
fn galaxies(ids: &[std::ops::RangeInclusive<u64>]) -> Galaxies {
    Galaxies(ids.iter().map(|ids| Galaxy { name: None, ids: ids.clone() }).collect())
}

/// Greatest deviation of shells from theory, in standard deviations of their Poisson noise.
fn worst(
    shells: &[Shell],
    found: impl Fn(&Shell) -> f64,
    expected: impl Fn(f64, &Shell) -> f64,
    noise: f64,
) -> f64 {
    let deviation = |shell: &Shell| {
        let expected = expected(shell.radius(), shell);
        ((found(shell) - expected) / expected).abs() * (shell.bodies as f64).sqrt() / noise
    };
    shells.iter().filter(|shell| shell.bodies > 300).map(deviation).fold(0.0, f64::max)
}

/// Plummer (1911): M(r) = r^3 (1 + r^2)^(-3/2). One-dimensional dispersion^2 = 1 / (6 sqrt(1 +
/// r^2)), isotropic.
#[test]
fn a_plummer_sphere_has_its_density_mass_and_dispersion() {
    let snapshot = about_its_centre(sphere(Model::Plummer, 1e3));
    let shells = shells(&snapshot, 25, None).unwrap();
    assert!(shells.iter().filter(|shell| shell.bodies > 300).count() > 15);
    let mass = |r: f64| r.powi(3) * (1.0 + r * r).powf(-1.5);
    let density = |_: f64, shell: &Shell| {
        let volume = 4.0 / 3.0 * std::f64::consts::PI * (shell.ends[1].powi(3) - shell.ends[0].powi(3));
        (mass(shell.ends[1]) - mass(shell.ends[0])) / volume
    };
    let deviations = [
        worst(&shells, Shell::density, density, 1.0),
        worst(&shells, |shell| shell.enclosed, |_, shell| mass(shell.ends[1]), 1.0),
        // The relative uncertainty of a dispersion of n bodies is 1/sqrt(6 n). The thickness of the
        // shell adds to it.
        worst(&shells, Shell::total_dispersion, |r, _| (1.0 / (6.0 * (1.0 + r * r).sqrt())).sqrt(), 0.6),
        worst(&shells, |shell| 1.0 - shell.anisotropy(), |_, _| 1.0, 2.0),
        worst(
            &shells,
            |shell| shell.circular_speed(1.0),
            |_, shell| (mass(shell.ends[1]) / shell.ends[1]).sqrt(),
            1.0,
        ),
    ];
    assert!(deviations.iter().all(|deviation| *deviation < 4.0), "{deviations:?}");
    let streaming =
        shells.iter().filter(|s| s.bodies > 300).map(|s| s.velocity[2].abs() * (s.bodies as f64).sqrt());
    assert!(streaming.fold(0.0, f64::max) < 2.0, "a sphere at rest rotates");
}

/// Hernquist (1990): M(r) = r^2 / (1 + r)^2, so a fraction f of the mass is within sqrt(f) / (1 -
/// sqrt(f)).
#[test]
fn a_hernquist_sphere_has_its_mass_and_lagrange_radii() {
    let cut = 200.0f64;
    let snapshot = about_its_centre(sphere(Model::Hernquist, cut));
    let all = cut * cut / (1.0 + cut).powi(2);
    let shells = shells(&snapshot, 25, None).unwrap();
    let mass = |_: f64, shell: &Shell| shell.ends[1].powi(2) / (1.0 + shell.ends[1]).powi(2) / all;
    assert!(worst(&shells, |shell| shell.enclosed, mass, 1.0) < 4.0);
    for (radius, part) in radii(&snapshot, &[0.1, 0.5, 0.9]).into_iter().zip([0.1f64, 0.5, 0.9]) {
        let root = (part * all).sqrt();
        assert!((radius / (root / (1.0 - root)) - 1.0).abs() < 0.03, "{part}: {radius}");
    }
}

#[test]
fn a_stretched_and_turned_sphere_has_its_axis_ratios() {
    let mut bodies = sphere(Model::Plummer, 10.0);
    let turn = nalgebra::Rotation3::from_euler_angles(0.3, -1.1, 2.0);
    for i in 0..bodies.len() {
        let [x, y, z] = bodies.position(i);
        let place = turn * nalgebra::Vector3::new(0.4 * x, y, 0.7 * z);
        (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
    }
    let snapshot = about_its_centre(bodies);
    // In the core the density is flat and the shape is undefined: ellipsoids keep their initial
    // ratios.
    for semi_major in [1.5, 3.0, 6.0] {
        let [b, c] = fit(&snapshot, semi_major).unwrap().ratios;
        assert!((b - 0.7).abs() < 0.02 && (c - 0.4).abs() < 0.02, "{semi_major}: {b}, {c}");
    }
    let round = about_its_centre(sphere(Model::Plummer, 10.0));
    let [b, c] = fit(&round, 1.5).unwrap().ratios;
    assert!(b > 0.97 && c > 0.96 && c <= b, "{b}, {c}");
    assert_eq!(fit(&round, 0.01), None, "too few bodies tell no shape");
}

/// A rotating ring: all of its motion is rotation about its axis, none is dispersion.
#[test]
fn rotation_is_told_from_dispersion() {
    let n = 2000;
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(1.0);
    for i in 0..n {
        let angle = std::f64::consts::TAU * i as f64 / n as f64;
        (bodies.pos[1][i], bodies.pos[2][i]) = (3.0 * angle.cos(), 3.0 * angle.sin());
        (bodies.vel[1][i], bodies.vel[2][i]) = (-5.0 * angle.sin(), 5.0 * angle.cos());
    }
    let shells = shells(&about_its_centre(bodies), 4, Some([1.0, 9.0])).unwrap();
    assert_eq!(shells.len(), 1);
    assert!((shells[0].velocity[2] - 5.0).abs() < 1e-9, "{shells:?}");
    assert!(shells[0].total_dispersion() < 1e-6);
}

#[test]
fn the_main_body_is_found_beside_a_satellite() {
    let mut bodies = sphere(Model::Plummer, 10.0);
    let main = bodies.len() * 7 / 10;
    for i in 0..main {
        (0..3).for_each(|axis| bodies.pos[axis][i] += [30.0, -4.0, 5.0][axis]);
        bodies.vel[0][i] += 7.0;
    }
    let Centre { position, velocity } = Centre::find(&bodies);
    // A thousand bodies of the core tell its middle to 0.02 along each axis, and its velocity as well.
    let off = treecode::math::norm([position[0] - 30.0, position[1] + 4.0, position[2] - 5.0]);
    assert!(off < 0.1, "{position:?}");
    assert!((velocity[0] - 7.0).abs() < 0.06 && velocity[1].abs() < 0.06, "{velocity:?}");
    assert!((Centre::at(&bodies, [30.0, -4.0, 5.0]).velocity[0] - 7.0).abs() < 0.1);
}

#[test]
fn a_centre_is_found_in_odd_sets_of_bodies() {
    let mut bodies = Bodies::zeroed(3);
    bodies.mass.fill(1.0);
    bodies.pos[0].fill(4.0);
    assert_eq!(Centre::find(&bodies).position, [4.0, 0.0, 0.0]);
    bodies.keep(0..1);
    assert_eq!(Centre::at(&bodies, [1.0; 3]).position, [1.0; 3]);
    let mut heap = Bodies::zeroed(5);
    heap.mass.fill(1.0);
    let error = shells(&about_its_centre(heap), 4, None).unwrap_err();
    assert!(error.to_string().contains("at one place"));
}

#[test]
fn the_phase_plane_holds_the_mass_where_it_is() {
    let mut bodies = Bodies::zeroed(1000);
    bodies.mass.fill(0.5);
    for i in 0..1000 {
        bodies.pos[2][i] = if i < 500 { 1.0 } else { 10.0 };
        bodies.vel[2][i] = if i < 500 { 30.0 } else { -60.0 };
    }
    let grid = Grid::of(&about_its_centre(bodies), 50).unwrap();
    let mut filled =
        (0..2500).filter(|&cell| grid.mass[cell] > 0.0).map(|cell| (grid.middle(cell), grid.mass[cell]));
    let (outer, inner) = (filled.next().unwrap(), filled.next().unwrap());
    assert_eq!((filled.next(), inner.1, outer.1), (None, 250.0, 250.0));
    assert!((inner.0[0].ln()).abs() < 0.06 && (inner.0[1] - 30.0).abs() < 2.0, "{inner:?}");
    assert!((outer.0[0] / 10.0).ln().abs() < 0.06 && (outer.0[1] + 60.0).abs() < 2.0, "{outer:?}");
}

#[test]
fn a_mass_function_counts_from_the_heaviest() {
    assert_eq!(mass_function(vec![2.0, 5.0, 2.0]), [[5.0, 1.0], [2.0, 2.0], [2.0, 3.0]]);
    assert_eq!(enclosing(&[[1.0, 1.0], [2.0, 4.0], [3.0, 5.0]], 0.5), 2.0);
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

/// Runs `heorot plot` in `folder`; `@` stands for the folder.
fn plot(folder: &Path, line: &str) -> Result<(), String> {
    let words = line.replace('@', &folder.to_string_lossy());
    let parsed = Line::try_parse_from(["plot"].into_iter().chain(words.split_whitespace()));
    let arguments = parsed.map_err(|error| error.to_string())?.arguments;
    main(&arguments).map_err(|error| format!("{error:#}"))
}

fn write(folder: &Path, name: &str, header: &Header, bodies: &Bodies) {
    let target = io::Target::own(folder.join(name));
    Crew::alone().write_snapshot(&target, header, bodies, Fields::default(), &Layout::default()).unwrap();
}

/// A folder with two snapshots of a small sphere, an energy log and a catalogue.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let spherical = Spherical { bodies: 3000, seed: 2, mass: 1.0, radius: 1.0, cut: 20.0, softening: 0.0 };
    let bodies = model::generate(&Solo, &Model::Plummer(spherical), 1.0);
    for (name, time) in [("a", 2.0), ("b", 1.0)] {
        let header = Header { time, units: Some(Units::GALACTIC), ..Header::default() };
        write(folder.path(), &format!("{name}.hdf5"), &header, &bodies);
    }
    let log = "step,time,later,energy_error,energy,momentum_x,momentum_y,momentum_z,virial_ratio,finest_rung\n\
               0,0,7,0,-1,0,0,0,1,0\n1,0.1,7,1e-5,-1.00001,1e-9,0,0,1.01,2\n2,0.2,7,-2e-5,-0.99998,0,2e-9,0,0.98,1\n3,0.";
    std::fs::write(folder.path().join("energy.csv"), log).unwrap();
    let steps = "step,time,load_balance,total\n1,0.1,0.9,2.5\n2,0.2,0.5,3\n";
    std::fs::write(folder.path().join("steps.csv"), steps).unwrap();
    let report = serde_json::json!({
        "parameters": { "units": Units::GALACTIC },
        "time_steps": { "rungs": [{ "body_steps": 10 }, { "body_steps": 300 }, { "body_steps": 7 }] },
    });
    std::fs::write(folder.path().join("report.json"), report.to_string()).unwrap();
    let group = |i: u64| Halo {
        id: i,
        members: 2,
        mass: 1.0 / i as f64,
        position: [0.0; 3],
        centre: [0.0; 3],
        velocity: [0.0; 3],
        radius: 1.0,
        half_mass_radius: 0.5,
        dispersion: 1.0,
    };
    let catalogue = Catalogue {
        time: 1.0,
        units: Units::GALACTIC,
        side: 0.0,
        universe: None,
        linking_length: 0.1,
        least_members: 2,
        groups: (1..9).map(group).collect(),
        spheres: Vec::new(),
        ids: (0..16).collect(),
    };
    io::catalogue::write(&io::Target::own(folder.path().join("haloes.hdf5")), &catalogue).unwrap();
    folder
}

#[test]
fn every_kind_of_plot_leaves_a_picture_and_its_numbers() {
    let folder = scene();
    for (line, rows, column) in [
        ("run @ -o @/1.png", 3, "energy_error"),
        ("run @ -o @/2.svg", 3, "later"),
        ("run @ -o @/9.svg", 3, "load_balance"),
        ("profile @/a.hdf5 -o @/3.svg --shells 10", 10, "density [Msun/kpc^3]"),
        (
            "profile @/a.hdf5 @/b.hdf5 -o @/4.png --centre 0,0pc,0 --radius 100pc:5 --shells 7",
            14,
            "anisotropy",
        ),
        ("lagrange @/a.hdf5 @/b.hdf5 -o @/5.png --fractions 0.5,1", 2, "radius_0.5 [kpc]"),
        (
            "surface-density @/a.hdf5 @/b.hdf5 -o @/10.svg --rings 5 --radius 5000pc",
            10,
            "surface_density [Msun/kpc^2]",
        ),
        ("bar @/a.hdf5 @/b.hdf5 -o @/11.png --rings 4 --axis y", 8, "a2_over_a0"),
        ("separation @/a.hdf5 @/b.hdf5 -o @/12.svg --galaxies 0-9,10-29,30-99", 2, "distance_1_3 [kpc]"),
        ("bar @/a.hdf5 @/b.hdf5 -o @/13.svg --rings 4 --galaxies 0-1499,1500-2999", 16, "a2_over_a0_error"),
        (
            "profile @/a.hdf5 -o @/15.svg --shells 9 --galaxies A=0-999,1000-2999 --panels rotation",
            18,
            "galaxy",
        ),
        ("lagrange @/a.hdf5 @/b.hdf5 -o @/16.svg --galaxies A=0-999,B=1000-2999", 4, "galaxy"),
        ("phase @/a.hdf5 -o @/17.svg --galaxies A=0-999,B=1000-2999", 0, "galaxy"),
        ("run @ -o @/18.svg --panels load-balance,rungs", 3, "load_balance"),
        ("tidal-radius @/a.hdf5 @/b.hdf5 -o @/14.png --galaxies 0-49,50-99", 4, "tidal_radius [kpc]"),
        ("phase @/a.hdf5 -o @/6.png --cells 20", 0, "radial_velocity [km/s]"),
        (
            "force-error @/a.hdf5 -o @/7.svg --orders 1,3 --thetas 0.9,0.5 --tolerances 0.01 --sample 50 --softening 1pc",
            8,
            "rms",
        ),
        ("mass-function @/haloes.hdf5 -o @/8.png", 8, "poisson_error"),
    ] {
        plot(folder.path(), line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let name = line.split("-o @/").nth(1).unwrap().split(' ').next().unwrap();
        let picture = folder.path().join(name);
        let bytes = std::fs::read(&picture).unwrap();
        let head: &[u8] = if name.ends_with("png") { b"\x89PNG" } else { b"<svg" };
        assert!(bytes.starts_with(head), "{line}");
        let table = std::fs::read_to_string(picture.with_extension("csv")).unwrap();
        let (header, rest) = table.split_once('\n').unwrap();
        assert!(header.split(',').any(|name| name == column), "{line}: {header}");
        assert!(
            rows == 0 || rest.lines().count() <= rows && rest.lines().count() * 10 >= rows * 8,
            "{line}: {rest}"
        );
    }
}

/// Order 3 at a small angle is better than order 1 at a large one.
#[test]
fn force_errors_fall_with_order_and_angle() {
    let folder = scene();
    plot(
        folder.path(),
        "force-error @/a.hdf5 -o @/e.png --orders 1,3 --thetas 1,0.5 --tolerances 0.1,0.001 --sample 200",
    )
    .unwrap();
    let table = std::fs::read_to_string(folder.path().join("e.csv")).unwrap();
    let rms = |start: &str| -> f64 {
        let row = table
            .lines()
            .find(|line| line.starts_with(start))
            .unwrap_or_else(|| panic!("no {start} in {table}"));
        row.split(',').nth(3).unwrap().parse().unwrap()
    };
    for criterion in ["angle", "relative", "absolute"] {
        let (loose, tight) = if criterion == "angle" { (1.0, 0.5) } else { (0.1, 0.001) };
        for (worse, better) in [((1, loose), (1, tight)), ((3, loose), (3, tight)), ((1, tight), (3, tight))]
        {
            let [worse, better] =
                [worse, better].map(|(order, setting)| rms(&format!("{criterion},{order},{setting},")));
            assert!(worse > better && better > 0.0, "{criterion}: {worse} and {better} in\n{table}");
        }
    }
}

#[test]
fn what_cannot_be_plotted_is_said_in_one_line_and_nothing_is_lost() {
    let folder = scene();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    std::fs::write(folder.path().join("empty/energy.csv"), "step,time\n").unwrap();
    std::fs::write(folder.path().join("empty/other.csv"), "step,time\n").unwrap();
    std::fs::create_dir(folder.path().join("plain")).unwrap();
    std::fs::write(folder.path().join("plain/energy.csv"), "time,energy\n0,1\n1,1\n").unwrap();
    std::fs::create_dir(folder.path().join("runs")).unwrap();
    for (from, to) in [("a.hdf5", "runs/snapshot_000.hdf5"), ("b.hdf5", "runs/snapshot_001.hdf5")] {
        std::fs::copy(folder.path().join(from), folder.path().join(to)).unwrap();
    }
    let parameters = [("model", "\"plummer\""), ("bodies", "10")];
    let parameters = parameters.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    write(folder.path(), "one.hdf5", &Header { parameters, ..Header::default() }, &Bodies::zeroed(10));
    std::fs::write(folder.path().join("heap.txt"), "mass x y z vx vy vz\n1 1 2 3 0 0 0\n1 1 2 3 0 0 0\n")
        .unwrap();
    let log = std::fs::read(folder.path().join("energy.csv")).unwrap();
    for (line, expected) in [
        ("run @/none -o @/x.png", "energy.csv: cannot read: No such file"),
        ("run @/empty -o @/x.png", "energy.csv: has no row with a time"),
        ("run @/a.hdf5 -o @/x.png", "a.hdf5: is one file of a run; give its folder: heorot plot run"),
        ("run @/empty/other.csv -o @/x.png", "other.csv: is one file of a run; give its folder"),
        (
            "run @ -o @/x.png --panels layzer-irvine",
            "--panels layzer-irvine: there are no numbers for it, only for",
        ),
        ("run @/plain -o @/x.png --panels timings", "--panels timings: the run has no records for it"),
        ("run @ -o @/x.png --panels momentm", "momentum"),
        (
            "bar @/a.hdf5 -o @/x.png --rings 1000",
            "no ring has the 100 bodies that it needs to show a bar: give fewer",
        ),
        ("bar @/a.hdf5 -o @/x.png --galaxies 0-49,50-99", "bodies are too few: a ring needs 100"),
        ("phase @/runs -o @/x.png", "runs: holds 2 snapshots; give one of them, such as"),
        ("profile @/a.hdf5 -o @/x.png --galaxies =0-9", "give a name before `=`"),
        ("separation @/one.hdf5 -o @/x.png", "its model is one galaxy alone; give the ids"),
        ("run @ -o @/energy.png", "energy.csv: is an input"),
        ("run @ -o @/steps.png --overwrite", "steps.csv: is an input"),
        ("run @ -o @/x.gif", "must end in .png, .svg or .pdf"),
        ("run @", "--output"),
        ("profile @/none.hdf5 -o @/x.png", "none.hdf5"),
        (
            "profile @/a.hdf5 -o @/x.png --types 3",
            "a.hdf5: has no bodies of the types wanted, only of type 1",
        ),
        ("profile @/a.hdf5 -o @/x.png --radius 5:1", "two rising radii"),
        ("profile @/a.hdf5 -o @/x.png --radius 5:1pc", "--radius: must rise"),
        ("profile @/a.hdf5 -o @/x.png --radius 1Msun:5", "a length is needed"),
        ("profile @/a.hdf5 -o @/x.png --radius 1e6:1e7", "no body lies between the radii"),
        ("profile @/a.hdf5 -o @/x.png --centre 1,2", "must be 3 numbers"),
        ("lagrange @/a.hdf5 -o @/x.png --fractions 0,1", "must be above 0 and at most 1"),
        ("surface-density @/a.hdf5 -o @/x.png --radius 0", "must be a length above 0"),
        ("separation @/a.hdf5 -o @/x.png --galaxies 0-9", "1 galaxies: must be from 2 to 6"),
        ("separation @/a.hdf5 -o @/x.png --galaxies 0-9,1000000-1000001", "a.hdf5: has no body of galaxy 2"),
        ("separation @/a.hdf5 -o @/x.png", "a.hdf5: does not say which galaxies its bodies came from"),
        ("phase @/a.hdf5 -o @/no/x.png", "No such file or directory"),
        ("force-error @/a.hdf5 -o @/x.png --thetas 2", "theta = 2"),
        ("force-error @/heap.txt -o @/x.png", "heap.txt: half of the bodies feel no force"),
        ("mass-function @/a.hdf5 -o @/x.png", "is no catalogue of haloes"),
    ] {
        let error = plot(folder.path(), line).unwrap_err();
        assert!(error.contains(expected), "{line} gave: {error}");
    }
    assert!(!folder.path().join("x.png").exists() && !folder.path().join("x.csv").exists());
    assert_eq!(std::fs::read(folder.path().join("energy.csv")).unwrap(), log);
}

/// Sums over bodies that are too far away overflow. The search for the centre must end
/// nevertheless.
#[test]
fn the_search_for_a_centre_ends_whatever_the_bodies_are() {
    for scale in [1e-300, 1e-160, 1.0, 1e160, 1e300] {
        let mut bodies = sphere(Model::Plummer, 10.0);
        bodies.keep(0..500);
        bodies.pos[0][3] = -scale;
        bodies.pos[1][4] = scale;
        bodies.mass[5] = scale;
        Centre::find(&bodies);
        (0..3).for_each(|axis| bodies.pos[axis].iter_mut().for_each(|x| *x *= scale));
        Centre::find(&bodies);
    }
}

#[test]
fn bodies_too_far_away_to_be_plotted_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("far.txt");
    std::fs::write(&path, "mass x y z vx vy vz\n1 0 0 0 0 0 0\n1 1 0 0 0 -1e41 0\n").unwrap();
    let message = Selection { types: Vec::new(), centre: None }.read(&path).err().unwrap().to_string();
    let expected = "the velocity of the body with id 1 is -1e41, must be within 1e40 to be plotted";
    assert_eq!(message, format!("{}: {expected}", path.display()));
}

/// An exponential disc has the surface density M / (2 pi h^2) exp(-R / h).
#[test]
fn an_exponential_disc_has_its_surface_density() {
    let galaxy =
        model::DiscGalaxy { bodies: 60_000, seed: 4, stars: 0.9, ..model::Preset::MilkyWay.galaxy() };
    let (mass, length) = (galaxy.disc_mass, galaxy.disc_length);
    let mut disc = model::generate(&Solo, &Model::DiscGalaxy(galaxy), 43_009.17);
    let members: Vec<u32> = (0..disc.len() as u32).filter(|&i| disc.kind[i as usize] == 2).collect();
    disc.permute(&members);
    let snapshot = about_its_centre(disc);
    for from in [From::Spin, From::Z] {
        let rings = rings(&snapshot, 20, Some(4.0 * length), from).unwrap();
        for ring in &rings {
            let within = |r: f64| mass * (1.0 - (1.0 + r / length) * (-r / length).exp());
            let expected = within(ring.ends[1]) - within(ring.ends[0]);
            let noise = expected / (ring.bodies as f64).sqrt();
            assert!((ring.mass - expected).abs() < 5.0 * noise, "{from:?}, {ring:?}: {expected}");
        }
        assert_eq!(rings.len(), 20);
    }
    // Edge-on, the same disc is a narrow band: its mass is at small heights.
    let edge = rings(&snapshot, 20, Some(4.0 * length), From::X).unwrap();
    assert!(Ring::sum(&edge).strength() > 0.5);
}

/// Rings of mass 1 + a cos 2 (phi - phi_0) have the strength a / 2 and the angle phi_0.
#[test]
fn a_bar_has_its_strength_and_angle() {
    let n = 3600;
    let mut bodies = Bodies::zeroed(n);
    let (a, angle) = (0.3, 25.0f64.to_radians());
    for i in 0..n {
        let phi = std::f64::consts::TAU * i as f64 / 1200.0;
        let radius = 0.5 + (i / 1200) as f64;
        (bodies.pos[0][i], bodies.pos[1][i]) = (radius * phi.cos(), radius * phi.sin());
        (bodies.vel[0][i], bodies.vel[1][i]) = (-phi.sin(), phi.cos());
        bodies.mass[i] = 1.0 + a * (2.0 * (phi - angle)).cos();
    }
    let snapshot = about_its_centre(bodies);
    for from in [From::Z, From::Spin] {
        let rings = rings(&snapshot, 3, Some(3.0), from).unwrap();
        assert_eq!(rings.len(), 3);
        for ring in rings.iter().chain([&Ring::sum(&rings)]) {
            assert!(
                (ring.strength() - 0.5 * a).abs() < 1e-9 && (ring.angle() - 25.0).abs() < 1e-6,
                "{ring:?}"
            );
        }
    }
}

#[test]
fn galaxies_are_as_far_apart_as_they_were_put() {
    let mut all = sphere(Model::Plummer, 10.0);
    let mut other = all.clone();
    other.id.iter_mut().for_each(|id| *id += BODIES);
    other.pos[0].iter_mut().for_each(|x| *x += 12.0);
    other.vel[1].iter_mut().for_each(|v| *v += 2.0);
    all.append(&other);
    let centres =
        centres(&about_its_centre(all), &galaxies(&[0..=BODIES - 1, BODIES..=2 * BODIES - 1])).unwrap();
    for axis in 0..3 {
        let gap = |of: fn(&Centre) -> [f64; 3]| of(&centres[1])[axis] - of(&centres[0])[axis];
        assert!((gap(|centre| centre.position) - [12.0, 0.0, 0.0][axis]).abs() < 1e-9);
        assert!((gap(|centre| centre.velocity) - [0.0, 2.0, 0.0][axis]).abs() < 1e-9);
    }
}

/// Two galaxies on both sides of a face of a periodic box are as far apart as their nearest images, and so
/// is what the tides on one of them come from.
#[test]
fn galaxies_across_a_face_of_a_box_are_close() {
    let side = 40.0;
    let domain = Domain::Periodic { side };
    let near = sphere(Model::Plummer, 10.0);
    let mut other = near.clone();
    other.id.iter_mut().for_each(|id| *id += BODIES);
    other.pos[0].iter_mut().for_each(|x| *x += 8.0);
    let mut all = near;
    all.append(&other);
    let ids = galaxies(&[0..=BODIES - 1, BODIES..=2 * BODIES - 1]);
    let of = |shift: f64| {
        let mut all = all.clone();
        all.pos.iter_mut().flatten().for_each(|x| *x += shift);
        all.wrap(domain);
        let centre = Centre::at_in(&all, domain, [0.5 * side; 3]);
        centre.subtract_from(&mut all, domain);
        let snapshot = Snapshot { domain, centre, ..about_its_centre(all) };
        let both = (domain, centres(&snapshot, &ids).unwrap());
        (separation::distance(&both, 0, 1), tides(&snapshot, &ids, &External::default()).unwrap()[0])
    };
    let (inside, across) = (of(16.0), of(36.0));
    assert!((inside.0 - 8.0).abs() < 0.5, "{inside:?}");
    assert!(
        (inside.0 - across.0).abs() < 1e-3 && (inside.1.distance - across.1.distance).abs() < 1e-3,
        "{inside:?} {across:?}"
    );
    assert!((inside.1.radius - across.1.radius).abs() < 1e-2, "{inside:?} {across:?}");
}

/// A satellite of mass m on a circle of radius D about a mass M has the tidal radius D (m / 3 M)^(1/3),
/// in the field of bodies and in an external potential.
#[test]
fn the_tidal_radius_is_that_of_king() {
    let mut satellite = sphere(Model::Plummer, 1e3);
    satellite.keep(0..1000);
    satellite.mass.fill(1e-3 / 1000.0);
    satellite.pos.iter_mut().chain(&mut satellite.vel).flatten().for_each(|x| *x *= 1e-3);
    let host = {
        let mut host = satellite.clone();
        host.id.iter_mut().for_each(|id| *id += BODIES);
        host.mass.fill(1.0 / 1000.0);
        host
    };
    let distance = 3.0;
    satellite.pos[0].iter_mut().for_each(|x| *x += distance);
    satellite.vel[1].iter_mut().for_each(|v| *v += (1.0f64 / distance).sqrt());
    let expected = distance * (1e-3f64 / 3.0).cbrt();
    let mut both = satellite.clone();
    both.append(&host);
    let units = AxisUnits::of(&Units::NBODY);
    let ids = galaxies(&[0..=BODIES - 1, BODIES..=2 * BODIES - 1]);
    let about = |bodies| Snapshot { units, ..about_its_centre(bodies) };
    let found = tides(&about(both), &ids, &External::default()).unwrap()[0];
    assert!((found.radius / expected - 1.0).abs() < 0.02 && (found.distance - 3.0).abs() < 0.01, "{found:?}");
    assert!((found.mass / 1e-3 - 1.0).abs() < 1e-6);
    let point = PointMass { gm: 1.0, softening: 0.0 };
    let external = External { components: vec![Component::fixed(Shape::PointMass(point))] };
    let centre = Centre::find(&satellite);
    let mut moved = satellite;
    for axis in 0..3 {
        moved.pos[axis].iter_mut().for_each(|x| *x -= centre.position[axis]);
        moved.vel[axis].iter_mut().for_each(|v| *v -= centre.velocity[axis]);
    }
    let alone = Snapshot { units, centre, ..about_its_centre(moved) };
    let found = tides(&alone, &Galaxies::default(), &external).unwrap()[0];
    assert!((found.radius / expected - 1.0).abs() < 0.02, "{found:?}");
}

/// The rotation curve of the disc alone shows the circular speed of all mass.
#[test]
fn the_circular_speed_is_that_of_all_types() {
    let folder = tempfile::tempdir().unwrap();
    let mut bodies = sphere(Model::Plummer, 1e3);
    bodies.keep(0..6000);
    bodies.mass.fill(1.0 / 6000.0);
    (0..bodies.len()).filter(|i| i % 3 == 0).for_each(|i| bodies.kind[i] = 2);
    let header = Header { units: Some(Units::NBODY), ..Header::default() };
    write(folder.path(), "two.hdf5", &header, &bodies);
    plot(
        folder.path(),
        "profile @/two.hdf5 -o @/p.svg --types disc --centre 0,0,0 --radius 0.5:5 --shells 9",
    )
    .unwrap();
    let table = std::fs::read_to_string(folder.path().join("p.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let place = |name: &str| rows[0].iter().position(|other| *other == name).unwrap();
    let (outer, speed) = (place("outer_radius [G = 1]"), place("circular_speed [G = 1]"));
    assert_eq!(rows.len(), 10);
    for row in &rows[1..] {
        let [r, v]: [f64; 2] = [outer, speed].map(|column| row[column].parse().unwrap());
        let expected = (r * r * (1.0 + r * r).powf(-1.5)).sqrt();
        assert!((v / expected - 1.0).abs() < 0.06, "at {r}: {v}, {expected}");
    }
}

/// Kuzmin's disc of scale length 1 and mass 1 has v^2 = R^2 (1 + R^2)^(-3/2). The mass within R would give
/// a speed that is 9 % too low at R = 1.
#[test]
fn the_circular_speed_of_a_disc_is_that_of_its_plane() {
    let n = 20_000;
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(1.0 / n as f64);
    let turn = nalgebra::Rotation3::from_euler_angles(0.4, 1.0, -0.7);
    for i in 0..n {
        let radius = ((1.0 - (i as f64 + 0.5) / n as f64).powi(-2) - 1.0).sqrt();
        let (y, x) = (2.399_963_2 * i as f64).sin_cos();
        let place = turn * nalgebra::Vector3::new(radius * x, radius * y, 0.0);
        let velocity = turn * nalgebra::Vector3::new(-y, x, 0.0);
        (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
        (0..3).for_each(|axis| bodies.vel[axis][i] = velocity[axis]);
        (bodies.kind[i], bodies.id[i]) = (2 + (i % 3 == 0) as u8, i as u64);
    }
    let length = ("gravity.softening.length".to_owned(), "[0.0, 0.0, 0.03, 0.03, 0.0, 0.0]".to_owned());
    let header = Header { units: Some(Units::NBODY), parameters: vec![length], ..Header::default() };
    let source = std::rc::Rc::new(Source::new("disc".into(), header));
    let snapshot = Snapshot { source, ids: Some(0..=n as u64 / 2), ..about_its_centre(bodies) };
    let point = PointMass { gm: 0.5, softening: 0.0 };
    let external = External { components: vec![Component::fixed(Shape::PointMass(point))] };
    let radii = [0.5, 1.0, 2.0, 4.0];
    let found = circular::speeds(&snapshot, &radii, &external).unwrap();
    let names: Vec<&str> = found.parts().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["disc", "bulge", "external potentials"]);
    for (i, radius) in radii.iter().enumerate() {
        let disc = (radius * radius * (1.0 + radius * radius).powf(-1.5)).sqrt();
        let of = |part: usize| found.parts()[part].1[i];
        assert!((of(0).hypot(of(1)) / disc - 1.0).abs() < 0.03, "{radius}: {found:?}");
        assert!((of(2) - (0.5 / radius).sqrt()).abs() < 1e-9);
        assert!((of(0).hypot(of(1)).hypot(of(2)) - found.total[i]).abs() < 1e-9);
    }
    // The inner half of the mass is the galaxy. Far outside it is a point.
    let own = found.own.unwrap();
    assert!((own[3] / (0.5f64 / 4.0).sqrt() - 1.0).abs() < 0.1 && own[0] < 0.5, "{own:?}");
    let inward = circular::speeds(&about_its_centre(snapshot.bodies), &[1.0], &External::default());
    assert_eq!(inward.unwrap().external, None);
}

/// Inside a ring of bodies the force is outward, and the speed has a minus sign.
#[test]
fn outward_forces_have_negative_speeds() {
    let n = 4000;
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(1.0 / n as f64);
    for i in 0..n {
        let (y, x) = (std::f64::consts::TAU * i as f64 / n as f64).sin_cos();
        (bodies.pos[0][i], bodies.pos[1][i], bodies.vel[0][i], bodies.vel[1][i]) = (x, y, -y, x);
    }
    let found = circular::speeds(&about_its_centre(bodies), &[0.7, 1.5], &External::default()).unwrap();
    assert!(found.total[0] < -0.1 && found.total[1] > 0.5, "{found:?}");
}

/// The scatter of many realizations of a sphere is that of the error bars.
#[test]
fn errors_are_those_of_many_realizations() {
    const TRIALS: u64 = 120;
    let trial = |seed: u64| {
        let spherical = Spherical { bodies: 1500, seed, mass: 1.0, radius: 1.0, cut: 20.0, softening: 0.0 };
        let mut bodies = model::generate(&Solo, &Model::Plummer(spherical), 1.0);
        // Half of the bodies have a third of the mass of the others.
        (0..bodies.len()).filter(|i| i % 2 == 0).for_each(|i| bodies.mass[i] /= 3.0);
        shells(&about_its_centre(bodies), 2, Some([0.5, 2.0])).unwrap()[0]
    };
    let all: Vec<Shell> = (0..TRIALS).map(trial).collect();
    type Of = fn(&Shell) -> f64;
    let quantities: [(&str, Of, Of); 5] = [
        ("density", Shell::density, Shell::density_error),
        ("dispersion", Shell::total_dispersion, Shell::dispersion_error),
        ("radial dispersion", |shell| shell.dispersion[0], |shell| shell.dispersion_errors()[0]),
        ("anisotropy", Shell::anisotropy, Shell::anisotropy_error),
        // The axis is the spin of the noise, so the mean of the azimuthal velocity is not zero.
        ("rotation", |shell| shell.velocity[0], |shell| shell.dispersion[0] / shell.effective.sqrt()),
    ];
    for (name, value, error) in quantities {
        let mean = all.iter().map(value).sum::<f64>() / all.len() as f64;
        let scatter = (all.iter().map(|shell| (value(shell) - mean).powi(2)).sum::<f64>()
            / (all.len() - 1) as f64)
            .sqrt();
        let expected = all.iter().map(error).sum::<f64>() / all.len() as f64;
        assert!((scatter / expected - 1.0).abs() < 0.25, "{name}: {scatter}, {expected}");
    }
}

/// A radial plot has a line at the softening length of the run, and several inputs of one time have the
/// names of their files.
#[test]
fn lines_and_names_tell_what_they_are() {
    let folder = scene();
    let bodies = {
        let mut bodies = sphere(Model::Plummer, 20.0);
        bodies.keep(0..3000);
        (0..bodies.len()).filter(|i| i % 3 == 0).for_each(|i| bodies.kind[i] = 2);
        bodies
    };
    let length = ("gravity.softening.length".to_owned(), "[0.1, 0.1, 0.05, 0.0, 0.0, 0.0]".to_owned());
    let header = Header { units: Some(Units::GALACTIC), parameters: vec![length], ..Header::default() };
    write(folder.path(), "c.hdf5", &header, &bodies);
    write(folder.path(), "d.hdf5", &header, &bodies);
    let text = |line: &str| {
        plot(folder.path(), &format!("{line} -o @/p.svg --overwrite")).unwrap();
        std::fs::read_to_string(folder.path().join("p.svg")).unwrap()
    };
    let profile = text("profile @/c.hdf5 @/d.hdf5");
    assert!(
        ["softening, disc", "softening, halo", "c.hdf5", "d.hdf5"].iter().all(|word| profile.contains(word))
    );
    let rings = text("surface-density @/c.hdf5 --types disc");
    assert!(rings.contains("softening") && !rings.contains("softening, "));
    let times = text("profile @/a.hdf5 @/b.hdf5 --panels mass");
    assert!(times.contains(" Gyr") && !times.contains("a.hdf5"));
    let named = text("profile @/a.hdf5 --galaxies near=0-999,far=1000-2999 --panels rotation,density");
    assert!(["near", "far", "of the galaxy alone"].iter().all(|word| named.contains(word)));
}
