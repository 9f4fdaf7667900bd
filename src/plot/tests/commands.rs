//! Makes every kind of plot through its command line.

use super::*;

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

/// A star with few planets and a belt of massless bodies, and two galaxies of which one has no disc.
#[test]
fn tracers_are_counted_about_what_has_mass_and_galaxies_without_a_type_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut belt = Bodies::zeroed(400);
    belt.mass[0] = 1.0;
    for i in 0..400 {
        let (y, x) = (2.4 * i as f64).sin_cos();
        belt.id[i] = i as u64;
        belt.kind[i] = if i == 0 { 1 } else { 2 };
        (belt.pos[0][i], belt.pos[1][i]) = if i == 0 { (1.0, 0.0) } else { (1.0 + 3.0 * x, 3.0 * y) };
    }
    write(folder.path(), "belt.hdf5", &Header { units: Some(Units::PLANETARY), ..Header::default() }, &belt);
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    plot(folder.path(), "surface-density @/belt.hdf5 -o @/belt.svg --types 2 --rings 5 --radius 6").unwrap();
    assert!(text("belt.svg").contains("bodies AU⁻²"));
    let table = text("belt.csv");
    assert!(table.contains("surface_density [bodies/AU^2]") && table.lines().count() <= 3, "{table}");
    assert!(table.contains(",399,"), "all are 3 AU from the star: {table}");

    let mut two = Bodies::zeroed(300);
    two.mass.fill(1.0);
    for i in 0..300 {
        (two.id[i], two.kind[i]) = (i as u64, if i < 200 && i % 2 == 0 { 2 } else { 1 });
        two.pos[0][i] = (i as f64).sqrt();
    }
    write(folder.path(), "two.hdf5", &Header { units: Some(Units::NBODY), ..Header::default() }, &two);
    let galaxies = "--galaxies Big=0-199,Small=200-299";
    plot(folder.path(), &format!("lagrange @/two.hdf5 -o @/two.svg --types disc {galaxies}")).unwrap();
    assert!(text("two.svg").contains("Big") && !text("two.svg").contains("Small"));
    assert!(text("two.svg").contains("Radius") && !text("two.svg").contains("Radius ["));
    let error = plot(folder.path(), &format!("separation @/two.hdf5 -o @/x.svg --types disc {galaxies}"))
        .unwrap_err();
    assert!(error.contains("has no body of type disc of Small, ids 200 to 299"), "{error}");
    let error = plot(folder.path(), "bar @/two.hdf5 -o @/x.svg --galaxies 0-299,900-999").unwrap_err();
    assert!(error.contains("has no body of galaxy 2, ids 900 to 999"), "{error}");
}

/// At several times, each galaxy has one colour, and its first and last time are named.
#[test]
fn galaxies_at_several_times_have_shades() {
    let folder = scene();
    let line = "bar @/a.hdf5 @/b.hdf5 -o @/x.svg --galaxies A=0-1499,B=1500-2999 --rings 4";
    plot(folder.path(), line).unwrap();
    let text = std::fs::read_to_string(folder.path().join("x.svg")).unwrap().to_lowercase();
    assert!(["a, strongest ring", "b, all rings", "a, 0.978 gyr"].iter().all(|word| text.contains(word)));
    let [first, second] = [0, 1].map(|k| viz::plot::COLOURS[k].map(|c| format!("{c:02x}")).concat());
    let third = viz::plot::COLOURS[2].map(|c| format!("{c:02x}")).concat();
    assert!(text.contains(&first) && text.contains(&second) && !text.contains(&third));
}

#[test]
fn energies_of_external_potentials_have_a_line() {
    let folder = scene();
    let log =
        "step,time,kinetic,potential,energy,energy_change,external\n0,0,1,-1,-2,0,-2\n1,1,1,-1,-2,1e-3,-2\n";
    std::fs::write(folder.path().join("energy.csv"), log).unwrap();
    plot(folder.path(), "run @ -o @/x.svg --panels energy,energy-error").unwrap();
    let text = std::fs::read_to_string(folder.path().join("x.svg")).unwrap();
    assert!(text.contains("in external potentials"));
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
        ("bar @/a.hdf5 -o @/x.png --galaxies 0-49,50-99", "too few: a ring needs 100"),
        ("run @ -o @/x.png --galaxies model", "the records of a run are sums over all bodies"),
        ("force-error @/a.hdf5 -o @/x.png --galaxies 0-9", "a random sample of all bodies"),
        ("mass-function @/haloes.hdf5 -o @/x.png --galaxies 0-9", "a halo may hold bodies of several"),
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
