//! Parameter files: valid contents, and the errors for invalid ones.

#![allow(clippy::disallowed_methods)] // tests hold results against bounds, not bits

use heorot::initial::Initial;
use heorot::parameters::{Parameters, Times};
use io::Units;
use nbody::model::{Model, Profile};
use nbody::stepping::{StepCriterion, Stepping};
use std::io::Write;
use treecode::{Criterion, SofteningKernel, Walk};

const GOOD: &str = r#"
[initial]
file = "ic.hdf5"
[time]
end = 3.0
step = 0.005
[output]
folder = "out"
"#;

fn load(text: &str, set: &[&str]) -> Result<Parameters, String> {
    let mut file = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let set: Vec<String> = set.iter().map(|&entry| entry.to_owned()).collect();
    Parameters::load(file.path(), &set).map_err(|error| format!("{error:#}"))
}

fn with(set: &[&str]) -> Parameters {
    load(GOOD, set).unwrap()
}

#[test]
fn a_short_file_has_sound_defaults() {
    let parameters = with(&[]);
    assert_eq!(
        parameters.initial,
        Initial::File { file: "ic.hdf5".into(), cosmological: None, massless: vec![] }
    );
    assert_eq!(parameters.units.units(), Units::GALACTIC);
    assert_eq!(parameters.gravity.gravity.constant, Units::GALACTIC.gravitational_constant());
    assert_eq!((parameters.time.end, parameters.time.steps, parameters.time.step), (Some(3.0), None, 0.005));
    assert_eq!(parameters.output.snapshot_every, None);
    assert_eq!((parameters.gravity.accuracy, parameters.gravity.gravity.walk), (Some(1e-3), Walk::Fmm));
}

#[test]
fn every_value_that_is_echoed_reads_back_to_the_same_run() {
    let model = r#"
        [initial]
        model = "collision"
        bodies = 1000
        inclination = [10.0, -20.5]
        cut = 12
        [units]
        length_in_cm = 1.5e20
        mass_in_g = 2e33
        velocity_in_cm_per_s = 1e5
        [gravity]
        criterion = "angle"
        softening = { kernel = "plummer", length = { disc = 0.1, bulge = 0.3 } }
        [time]
        steps = 20
        step = 0.1
        [output]
        folder = "a/b"
        snapshot_every = 0.3
        potential = true
    "#;
    let controlled =
        GOOD.replace("[time]", "[gravity]\naccuracy = 2e-5\nwalk = \"tree\"\nleaf_size = 20\n[time]");
    let encounter = GOOD.replace(
        "file = \"ic.hdf5\"",
        "model = \"encounter\"\nseed = 4\npericentre = 3.0\neccentricity = 0.5\ndistance = 8\n\
         [[initial.galaxies]]\nmodel = \"disc-galaxy\"\nbodies = 100\nbulge_mass = 0\norientation = [60, -30]\n\
         [[initial.galaxies]]\nmodel = \"king\"\nbodies = 10",
    );
    let outside = GOOD.replace(
        "[time]",
        "[[potential]]\nkind = \"MWPotential2014\"\n[[potential]]\nkind = \"bar\"\nstrength = 0.01\nspeed = 220\n\
         radius = 8\nlength = 3.5\npattern_speed = 50\nangle = 25\ngrowth = { start = 0, duration = 1 }\n\
         [[potential]]\nkind = \"nfw\"\nmass = 3\nscale = 5\norbit = { radius = 50, period = -3 }\n[time]",
    );
    let universe = std::fs::read_to_string("inputs/lcdm.toml").unwrap();
    let universe = universe.replace("\"block\"", "\"block\"\ncriterion = \"acceleration\"");
    let paired = universe.replace("n_s = ", "fixed_amplitude = true\nopposite = true\nlpt = 1\nn_s = ");
    for text in [GOOD, model, &controlled, &encounter, &outside, &universe, &paired] {
        let parameters = load(text, &[]).unwrap();
        let echo = io::parameters::echo(&parameters);
        let file: String = echo.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        assert_eq!(load(&file, &[]).unwrap(), parameters, "{file}");
    }
}

#[test]
fn units_are_named_or_numbered() {
    assert_eq!(with(&["units.system=nbody"]).gravity.gravity.constant, 1.0);
    let own = with(&["units.length_in_cm=2.0", "units.mass_in_g=3.0", "units.velocity_in_cm_per_s=5.0"]);
    assert_eq!(own.units.units(), Units { length_in_cm: 2.0, mass_in_g: 3.0, velocity_in_cm_per_s: 5.0 });
}

#[test]
fn potentials_are_in_the_units_of_the_run() {
    let with = |units: &str| {
        let text = GOOD.replace(
            "[time]",
            &format!("[[potential]]\nkind = \"MWPotential2014\"\n[[potential]]\nkind = \"McMillan2017\"\n{units}\n[time]"),
        );
        load(&text, &[]).unwrap().gravity.external
    };
    let galactic = with("").at(0.0).field([8.0, 0.0, 0.5]);
    // pc and km/s.
    let own =
        with("[units]\nlength_in_cm = 3.0856775814913673e18\nmass_in_g = 2e33\nvelocity_in_cm_per_s = 1e5");
    let own = own.at(0.0).field([8000.0, 0.0, 500.0]);
    assert!((own.potential / galactic.potential - 1.0).abs() < 1e-9);
    assert!((1000.0 * own.acceleration[0] / galactic.acceleration[0] - 1.0).abs() < 1e-9);
}

#[test]
fn angles_may_have_units() {
    let with = |deg: &str, half: &str| {
        let encounter = format!(
            "model = \"encounter\"\npericentre = 3.0\ndistance = 8\ngalaxies = [{{ model = \"king\", bodies = 9, orientation = [{deg}, {half}] }}, \
             {{ model = \"planetary-system\", planets = [{{ semi_major_axis = 1, node = {deg} }}] }}]"
        );
        let more = format!(
            "[units]\nsystem = \"nbody\"\n[movie]\nevery = 1\nazimuth = {deg}\n[[potential]]\nkind = \"bar\"\nstrength = 0.01\nspeed = 220\n\
             radius = 8\nlength = 3.5\nangle = {half}\norbit = {{ radius = 1, period = 2, inclination = {deg} }}"
        );
        load(&(GOOD.replace("file = \"ic.hdf5\"", &encounter) + &more), &[])
    };
    assert_eq!(with("\"30 deg\"", "\"0 rad\"").unwrap(), with("30.0", "0.0").unwrap());
    let fault = with("\"30 kpc\"", "0.0").unwrap_err();
    assert!(fault.contains("\"kpc\" is no unit of an angle; use deg or rad"), "{fault}");
}

#[test]
fn tables_of_tracks_may_have_units() {
    let track = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    let path = track.path().to_owned();
    let field = |table: &str, system: &str, at: [f64; 3]| {
        std::fs::write(&path, table).unwrap();
        let potential = format!("[[potential]]\nkind = \"point-mass\"\nmass = 1\ntrack = {path:?}\n[time]");
        let text = GOOD.replace("[time]", &potential);
        let parameters = load(&format!("{text}[units]\nsystem = \"{system}\""), &[])?;
        Ok::<_, String>(parameters.gravity.external.at(1.0).field(at).potential)
    };
    let plain = field("time,x,y,z\n0,0,0,0\n2,4,0,0\n", "pc-msun-kms", [2.0, 1.0, 0.0]).unwrap();
    for table in [
        "# of a run\ntime [Myr]; x [kpc]; y [pc]; z [pc]\n0;0;0;0\n1.955584443;0.004;0;0",
        "x y z time\npc pc pc Myr\n0 0 0 0\n4 0 0 1.955584443\n",
        "step,time,x,y,z\n0,0,0,0,0\n1,2,4,0,0",
    ] {
        let found = field(table, "pc-msun-kms", [2.0, 1.0, 0.0]).unwrap();
        assert!((found / plain - 1.0).abs() < 1e-8, "{table}: {found} {plain}");
    }
    let first = "time [Myr],x [kpc],y,z\n0,0,0,0\n2,4,0,0\n";
    for (table, system, words) in [
        (first, "nbody", "its column time has a unit, and the units here have G = 1"),
        (&first.replace("[Myr]", "[kpc]"), "si", "line 1: `kpc` as the unit of time is no time"),
        (&first.replace("time", "age"), "si", "must have the columns time,x,y,z"),
        (&first.replace("2,4", "2,four"), "si", "line 3: x = \"four\" is no number"),
        (&first.replace("2,4", "2"), "si", "line 3: must hold 4 values"),
    ] {
        let fault = field(table, system, [0.0; 3]).unwrap_err();
        assert!(fault.contains(words) && fault.contains("potential.0.track = "), "{fault}");
    }
}

#[test]
fn galaxies_and_stars_have_the_units_of_the_run() {
    let with = |model: &str, system: &str| {
        let initial = GOOD.replace("file = \"ic.hdf5\"", model);
        load(&format!("{initial}[units]\nsystem = \"{system}\""), &[])
    };
    let models = "galaxies = [{ model = \"star-cluster\", bodies = 90, position = [0, 0, 0] }, \
                  { model = \"disc-galaxy\", bodies = 90, position = [1, 0, 0] }]";
    let Initial::Model(Model::Encounter(encounter)) = with(models, "pc-msun-kms").unwrap().initial else {
        panic!("no encounter")
    };
    let [Model::StarCluster(cluster), Model::DiscGalaxy(galaxy)] =
        [0, 1].map(|k| encounter.galaxies[k].model.clone())
    else {
        panic!("other galaxies")
    };
    assert!(cluster.radius == 1.0 && (cluster.mass / 90.0 - 0.5739).abs() < 1e-3, "{cluster:?}");
    assert!(
        (galaxy.disc_mass / 4.5e10 - 1.0).abs() < 1e-9 && (galaxy.disc_length / 2600.0 - 1.0).abs() < 1e-9
    );
    let potential = GOOD.replace("[time]", "[[potential]]\nkind = \"MWPotential2014\"\n[time]");
    let of_potential = load(&format!("{potential}[units]\nsystem = \"nbody\""), &[]);
    for (outcome, words) in [
        (with(models, "nbody"), "initial: galaxies.1: `disc_mass` is missing: its default is in kpc"),
        (
            of_potential,
            "potential.0.kind: is given in kpc, km/s and solar masses, and the units here have G = 1",
        ),
    ] {
        let fault = outcome.unwrap_err();
        assert!(fault.contains(words), "{fault}");
    }
}

#[test]
fn a_wrong_table_of_units_is_named_before_numbers_with_units() {
    let sphere = GOOD.replace("file = \"ic.hdf5\"", "model = \"plummer\"\nbodies = 9\nmass = \"1 Msun\"");
    for (units, words) in [
        ("system = \"kpc\"", "units.system = \"kpc\": unknown value"),
        ("length_in_cm = 1.0\nvelocity_in_cm_per_s = 1.0", "units: give `system"),
    ] {
        let fault = load(&format!("{sphere}[units]\n{units}"), &[]).unwrap_err();
        assert!(fault.contains(words), "{fault}");
    }
}

#[test]
fn wrong_potentials_are_named_in_one_line() {
    let track = tempfile::NamedTempFile::with_suffix(".csv").unwrap();
    std::fs::write(track.path(), "time,x,y,z\n0,1,2,3\n0,1,2,3\n").unwrap();
    let path = track.path().display().to_string();
    let cases = [
        ("", "kind is missing"),
        ("kind = \"nwf\"", "did you mean `nfw`"),
        ("kind = \"nfw\"\nmass = 1", "potential.0.scale is missing"),
        ("kind = \"nfw\"\nmass = -1\nscale = 1", "potential.0.mass = -1.0: must be above 0"),
        ("kind = \"nfw\"\nmass = 1e300\nscale = 1", "potential.0.mass = 1e300"),
        (
            "kind = \"nfw\"\nmass = 1\nscale = 1\nheight = 2",
            "potential.0.height: has no meaning for this kind",
        ),
        ("kind = \"nfw\"\nmas = 1", "did you mean `mass`"),
        ("kind = \"MWPotential2014\"\nmass = 1", "potential.0.mass: has no meaning"),
        (
            "kind = \"power-law-cutoff\"\nmass = 1\ncut = 1\nslope = 2",
            "potential.0.slope = 2.0: must be from 0 to 1.99",
        ),
        ("kind = \"point-mass\"\nmass = 1\ncentre = [1, nan, 0]", "potential.0.centre = NaN"),
        (
            "kind = \"point-mass\"\nmass = 1\nvelocity = [1, 0, 0]\norbit = { radius = 1, period = 1 }",
            "give one of `velocity`, `orbit` and `track`",
        ),
        (
            "kind = \"point-mass\"\nmass = 1\norbit = { radius = 1, period = 0 }",
            "orbit.period = 0.0: must be other than 0",
        ),
        (
            "kind = \"point-mass\"\nmass = 1\ngrowth = { start = 0, duration = 0 }",
            "growth.duration = 0.0: must be above 0",
        ),
        ("kind = \"point-mass\"\nmass = 1\ntrack = \"nowhere.csv\"", "nowhere.csv"),
        (
            "kind = \"point-mass\"\nmass = 1\nfriction = {}",
            "potential.0.friction: there is no other potential",
        ),
        ("kind = \"nfw\"\nmass = 1\nscale = 1\nfriction = {}", "potential.0.friction: is for a point mass"),
        (
            "kind = \"point-mass\"\nmass = 1\nfriction = { coulomb = -1 }",
            "potential.0.friction.coulomb = -1.0",
        ),
        (
            "kind = \"point-mass\"\nmass = 1\norbit = { radius = 1, period = 1 }\nfriction = {}",
            "potential.0.friction: has no meaning beside `orbit`",
        ),
        (&format!("kind = \"point-mass\"\nmass = 1\ntrack = {path:?}"), "times must increase"),
    ];
    for (keys, words) in cases {
        let text = GOOD.replace("[time]", &format!("[[potential]]\n{keys}\n[time]"));
        let error = load(&text, &[]).unwrap_err();
        assert!(error.contains(words) && error.lines().count() == 1, "{keys}: {error}");
    }
}

#[test]
fn numbers_may_have_units() {
    let text = r#"
        [initial]
        model = "encounter"
        [[initial.galaxies]]
        model = "plummer"
        bodies = 10
        mass = "1e4 Msun"
        radius = "10 pc"
        position = ["8 kpc", 0.0, "-3e3 pc"]
        velocity = [0.0, "200 km/s", 0.0]
        [[potential]]
        kind = "nfw"
        mass = "1e12 Msun"
        scale = "16 kpc"
        growth = { start = 0.0, duration = "977.792221 Myr" }
        [gravity]
        softening = { length = { stars = "2 pc" } }
        [time]
        end = "2 Gyr"
        step = "5 Myr"
        [output]
        folder = "out"
        at = ["0.5 Gyr", 1.0]
    "#;
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-7, "{a} and {b}");
    let parameters = load(text, &["time.step=10 Myr"]).unwrap();
    close(parameters.time.step, 0.010_227_121_65);
    close(parameters.time.end.unwrap(), 2.045_424_36);
    close(parameters.gravity.gravity.softening.length[4], 0.002);
    close(parameters.potentials[0].mass.unwrap(), 100.0);
    close(parameters.potentials[0].growth.unwrap().duration, 1.0);
    let times: Vec<f64> =
        parameters.schedule(0.0).unwrap().steps().filter(|s| s.snapshot).map(|s| s.time).collect();
    assert_eq!(times.len(), 3);
    close(times[0], 0.511_356_09);
    assert_eq!((times[1], Some(times[2])), (1.0, parameters.time.end));
    let Initial::Model(Model::Encounter(encounter)) = parameters.initial else { panic!("no encounter") };
    let echo = format!("{encounter:?}");
    assert!(echo.contains("[8.0, 0.0, -3.0") && echo.contains("[0.0, 200.0, 0.0]"), "{echo}");
}

#[test]
fn times_of_snapshots_are_in_a_file() {
    let file = tempfile::NamedTempFile::with_suffix(".txt").unwrap();
    std::fs::write(file.path(), "# times\n0.5\n\n977.792221 Myr # one\n").unwrap();
    let set = format!("output.at={:?}", file.path().display().to_string());
    let parameters = with(&[&set]);
    let Some(Times::List(times)) = &parameters.output.at else { panic!("the file is not read") };
    assert!(times[0] == 0.5 && (times[1] - 1.0).abs() < 1e-8, "{times:?}");
    std::fs::write(file.path(), "0.5\nsoon\n").unwrap();
    assert!(load(GOOD, &[&set]).unwrap_err().contains(":2: \"soon\" is no time"));
}

#[test]
fn softening_is_one_number_or_a_table() {
    let length = |set: &str| with(&[set]).gravity.gravity.softening.length;
    assert_eq!(length("gravity.softening=0.05"), [0.05; 6]);
    assert_eq!(length("gravity.softening=1"), [1.0; 6]);
    assert_eq!(length("gravity.softening.length=0.05"), [0.05; 6]);
    assert_eq!(length("gravity.softening.length.halo=0.1"), [0.0, 0.1, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(length("gravity.softening.length=[1, 2, 3, 4, 5, 6]"), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let table =
        with(&[r#"gravity.softening={ kernel = "plummer", length = 0.2 }"#]).gravity.gravity.softening;
    assert_eq!((table.kernel, table.length), (SofteningKernel::Plummer, [0.2; 6]));
}

#[test]
fn softening_has_lengths_of_pairs_of_types() {
    let pairs = r#"
        [[gravity.softening.pairs]]
        types = ["stars", "other"]
        length = "5 pc"
        [[gravity.softening.pairs]]
        types = [5, 5]
        length = 0.001
        [gravity.softening.length]
        stars = 0.1
    "#;
    let softening = load(&format!("{GOOD}{pairs}"), &[]).unwrap().gravity.gravity.softening;
    assert!((softening.of_pair(5, 4) - 0.005).abs() < 1e-9 && softening.of_pair(5, 5) == 0.001);
    assert_eq!((softening.of_pair(4, 4), softening.of_pair(4, 1)), (0.1, 0.1));
    // What a snapshot records reads back to the same table.
    let parameters = load(&format!("{GOOD}{pairs}"), &[]).unwrap();
    let echo = io::parameters::echo(&parameters);
    let text: String = echo.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    assert!(text.contains("gravity.softening.pairs = [{"), "{text}");
    assert_eq!(load(&text, &[]).unwrap().gravity.gravity.softening, softening);
    for (wrong, words) in [
        (
            r#"types = ["stars", "moons"]
length = 1"#,
            "moons is no particle type",
        ),
        (
            r#"types = ["stars"]
length = 1"#,
            "array of length 2",
        ),
        (r#"types = ["stars", "other"]"#, "length"),
        (
            r#"types = ["stars", "other"]
length = -1"#,
            "gravity.softening.pairs: number 0, of stars and other: length = -1.0: must be finite",
        ),
        (
            r#"types = ["stars", "other"]
length = "5 Msun""#,
            "a length is needed",
        ),
        (
            r#"types = ["stars", "other"]
size = 1"#,
            "size",
        ),
        (
            "types = [4, 5]\nlength = 1\n[[gravity.softening.pairs]]\ntypes = [5, 4]\nlength = 2",
            "gravity.softening.pairs: number 1, of other and stars: number 0 is of the same types",
        ),
        ("types = [4, 5]\nlength = 1\n[gravity.softening]\nkernel = \"plummer\"", "kernel plummer"),
    ] {
        let fault = load(&format!("{GOOD}\n[[gravity.softening.pairs]]\n{wrong}\n"), &[]).unwrap_err();
        assert!(fault.contains(words), "{wrong}: {fault}");
    }
}

#[test]
fn models_have_their_own_keys_and_defaults() {
    let text = GOOD.replace("file = \"ic.hdf5\"", "model = \"collision\"\nbodies = 10\nradius = 3.0");
    let Initial::Model(Model::Collision(collision)) = load(&text, &[]).unwrap().initial else {
        panic!("no collision")
    };
    assert_eq!((collision.bodies, collision.seed, collision.profile), (10, 0, Profile::Hernquist));
    let orbit = collision.orbit;
    assert_eq!((orbit.pericentre, orbit.distance, orbit.eccentricity, collision.cut), (6.0, 60.0, 1.0, 20.0));
    assert_eq!(
        load(&text, &["gravity.criterion=angle"]).unwrap().gravity.gravity.criterion,
        Criterion::Angle
    );
}

#[test]
fn a_universe_has_its_cosmology_and_box() {
    let text = std::fs::read_to_string("inputs/lcdm.toml").unwrap();
    let Initial::Model(Model::Cosmology(model)) = load(&text, &[]).unwrap().initial else {
        panic!("no universe")
    };
    let universe = model.universe.unwrap();
    assert!((universe.side / universe.megaparsec / 100.0 - 1.0).abs() < 1e-6, "100 Mpc/h");
    assert!((universe.scale_factor - 0.02).abs() < 1e-15 && universe.h == 0.6766);
    assert!((model.power().unwrap().sigma8().unwrap() / 0.81 - 1.0).abs() < 1e-12);

    // A table of the same power at redshift 9 gives the same power today.
    let power = model.power().unwrap();
    let growth = |z: f64| universe.cosmology.growth(1.0 / (1.0 + z)).d1;
    let then = (growth(9.0) / growth(0.0)).powi(2);
    let file = tempfile::NamedTempFile::with_suffix(".dat").unwrap();
    let rows = (0..600).map(|i| 1e-3 * 10f64.powf(0.01 * f64::from(i)));
    let rows: String = rows.map(|k| format!(" {k:e}  {:e}\n", power.at(k) * then)).collect();
    std::fs::write(file.path(), format!("# k (h/Mpc)  P ((Mpc/h)^3)\n{rows}")).unwrap();
    let path = file.path().display().to_string();
    let shape = "sigma8 = 0.81\nn_s = 0.9665\nomega_b = 0.04897\n";
    assert!(text.contains(shape));
    let table = |keys: &str| text.replace(shape, &format!("spectrum = {path:?}\n{keys}\n"));
    let of_table = |keys: &str| match load(&table(keys), &[]).map(|parameters| parameters.initial) {
        Ok(Initial::Model(Model::Cosmology(model))) => Ok(model.power().unwrap()),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    let kept = of_table("spectrum_redshift = 9").unwrap();
    let scaled = of_table("spectrum_redshift = 0\nsigma8 = 0.405").unwrap();
    for k in [0.063, 0.2, 1.0, 3.0] {
        assert!((kept.at(k) / power.at(k) - 1.0).abs() < 1e-4, "{k}");
        assert!((scaled.at(k) / power.at(k) * 4.0 - 1.0).abs() < 1e-3, "{k}");
    }
    let missing = of_table("").unwrap_err();
    assert!(missing.contains("`spectrum_redshift` is missing"), "{missing}");
    let a_s = of_table("spectrum_redshift = 0\na_s = 2e-9").unwrap_err();
    assert!(a_s.contains("`a_s` has no meaning with `spectrum`"), "{a_s}");
    let large = load(&table("spectrum_redshift = 0"), &["box.side=50000"]).unwrap_err();
    assert!(large.contains("initial.spectrum: is given from k = 1e-3 to"), "{large}");
    std::fs::write(file.path(), "# k\n1e-3 5\n1e-2 7 3\n").unwrap();
    let wrong = of_table("spectrum_redshift = 0").unwrap_err();
    assert!(wrong.contains("line 3: must hold two numbers, k [h/Mpc] and P [(Mpc/h)^3]"), "{wrong}");
    std::fs::write(file.path(), "1e-3 5\n1e-2 7\n").unwrap();
    let short = of_table("spectrum_redshift = 0").unwrap_err();
    assert!(short.contains("has 2 rows of k and P, must have 4 or more"), "{short}");
}

#[test]
fn what_is_wrong_with_a_universe_is_named_in_one_line() {
    let text = std::fs::read_to_string("inputs/lcdm.toml").unwrap();
    let without = |key: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(key));
        lines.collect::<Vec<_>>().join("\n")
    };
    let cases = [
        (without("per_side"), "", "`per_side` is missing"),
        (text.clone(), "initial.per_side=7", "per_side = 7: must be an even number from 2"),
        (text.clone(), "initial.per_side=0", "per_side = 0: must be an even number from 2"),
        (text.clone(), "initial.bodies=10", "`bodies` has no meaning for this model"),
        (text.clone(), "initial.lpt=4", "lpt = 4: must be 1 (Zel'dovich), 2 or 3"),
        (
            text.replace("per_side = 64", "per_side = 24\nlattice = \"glass\""),
            "",
            "initial.per_side = 24: must be a multiple of 16 with lattice",
        ),
        (text.replace("sigma8 = ", "a_s = 2e-9\nsigma8 = "), "", "give either `sigma8` or `a_s`, not both"),
        (without("sigma8"), "", "give the amplitude as `sigma8` or `a_s`"),
        (without("omega_b"), "", "`omega_b` is missing"),
        (
            text.clone(),
            "initial.omega_b=0.4",
            "initial.omega_b = 0.4: must be above 0 and below cosmology.omega_m",
        ),
        (text.clone(), "initial.sigma8=-1", "sigma8 = -1.0: must be from 1e-6 to 100"),
        (
            text.clone(),
            "output.lightcone={ redshift_max = 0 }",
            "output.lightcone.redshift_max = 0.0: must be above 0",
        ),
        (
            text.clone(),
            "output.lightcone={ redshift_max = 0.1, nside = 12 }",
            "output.lightcone.nside = 12: must be a power of two",
        ),
        (
            GOOD.to_owned(),
            "output.lightcone={ redshift_max = 1 }",
            "output.lightcone: needs an expanding universe, the tables [cosmology] and [box]",
        ),
        (text.clone(), "output.spectrum={ grid = 7 }", "output.spectrum.grid = 7: must be an even number"),
        (text.clone(), "output.spectrum={ gird = 8 }", "gird"),
        (text.clone(), "output.spectrum={ per_decade = 0 }", "output.spectrum.per_decade = 0: must be"),
        (GOOD.to_owned(), "output.spectrum={}", "output.spectrum: needs a periodic box"),
        (
            GOOD.replace(
                "file = \"ic.hdf5\"",
                "model = \"cosmology\"\nper_side = 8\nsigma8 = 1\nomega_b = 0.05",
            ),
            "",
            "initial.model = \"cosmology\": needs the tables [cosmology] and [box]",
        ),
    ];
    for (text, set, expected) in cases {
        let set: &[&str] = if set.is_empty() { &[] } else { &[set] };
        let error = load(&text, set).unwrap_err();
        assert!(error.contains(expected) && error.lines().count() == 1, "{set:?}: {error}");
    }
}

#[test]
fn the_parameter_files_of_the_project_are_sound() {
    let files = std::fs::read_dir("inputs").unwrap().map(|entry| entry.unwrap().path());
    let tables = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let runs: Vec<_> = tables.filter(|path| !path.ends_with("networks.toml")).collect();
    assert!(runs.len() >= 3, "{runs:?}");
    for path in runs {
        Parameters::load(&path, &[]).unwrap();
    }
}

const EXPANDING: &str = r#"
[initial]
file = "ic.hdf5"
[box]
side = "100 Mpc"
[cosmology]
omega_m = 0.3
omega_lambda = 0.7
h = 0.7
start_redshift = 49
softening_max_physical = "5 kpc"
[gravity]
softening = "20 kpc"
[time]
end_redshift = 0
step = 0.05
timestep = "block"
[output]
folder = "out"
redshifts = [9, 4, 1.5]
"#;

#[test]
fn a_universe_has_its_own_times_and_defaults() {
    let parameters = load(EXPANDING, &[]).unwrap();
    let comoving = *parameters.gravity.expansion.comoving().unwrap();
    assert!((comoving.cosmology.hubble / 0.07 - 1.0).abs() < 1e-12);
    assert_eq!((comoving.softening_max_physical, comoving.displacement), (5.0, 0.25));
    let Stepping::Adaptive(adaptive) = parameters.time.stepping else { panic!("no block steps") };
    assert_eq!(adaptive.criterion, StepCriterion::Acceleration);
    assert_eq!(parameters.time.end_time(), Some(0.0));
    let start = (0.02f64).ln();
    let schedule = parameters.schedule(start).unwrap();
    let snapshots: Vec<f64> =
        schedule.steps().filter(|step| step.snapshot).map(|step| step.time.exp()).collect();
    let near = |(a, b): (&f64, f64)| (a - b).abs() < 1e-15;
    assert!(snapshots.len() == 4 && snapshots.iter().zip([0.1, 0.2, 0.4, 1.0]).all(near), "{snapshots:?}");
    assert!(schedule.steps().all(|step| step.length <= 0.05));
    let listed = EXPANDING.replace("redshifts = [9, 4, 1.5]", "scale_factors = [0.1, 0.2, 0.4]");
    let listed = load(&listed, &["time.end_scale_factor=1.0"]).unwrap();
    assert_eq!(listed.time.end_redshift, None);
    assert_eq!(listed.schedule(start).unwrap().count(), schedule.count());
    assert!(load(EXPANDING, &["time.steps=3"]).unwrap().time.end_time().is_none());
}

#[test]
fn what_does_not_go_with_a_universe_is_named() {
    let whole = EXPANDING.to_owned();
    let cases = [
        (whole.clone(), "cosmology.omega_m=-1", "cosmology.omega_m = -1.0: must be above 0 and at most 10"),
        (whole.clone(), "cosmology.omega_lambda=3", "omega_lambda = 3.0: this universe does not expand"),
        (whole.clone(), "cosmology.wa=1.5", "cosmology.w0 + wa = 0.5: must be below 0"),
        (whole.clone(), "cosmology.h=70", "cosmology.h = 70.0: must be above 0 and at most 10"),
        (whole.clone(), "cosmology.start_redshift=-2", "cosmology.start_redshift = -2.0: must be above -1"),
        (whole.clone(), "cosmology.max_displacement=0", "cosmology.max_displacement = 0.0: must be above 0"),
        (whole.clone(), "cosmology.hubble=0.7", "cosmology.hubble: unknown key"),
        (
            whole.replace("[box]\nside = \"100 Mpc\"", ""),
            "time.step=0.1",
            "cosmology: an expanding universe needs a periodic box; give [box] with its side",
        ),
        (
            whole.replace("end_redshift = 0", "end = 1.0"),
            "time.step=0.1",
            "time.end: has no meaning with [cosmology]",
        ),
        (whole.clone(), "time.step=\"5 Myr\"", "time.step"),
        (whole.clone(), "time.criterion=both", "time.criterion: only the acceleration criterion"),
        (whole.clone(), "output.redshifts=[1, 4]", "output.redshifts: 4.0 follows 1.0; times must increase"),
        (whole.clone(), "output.redshifts=[]", "output.redshifts: holds no times"),
        (whole.clone(), "output.at=[1.0]", "output.at: has no meaning with [cosmology]"),
        (
            whole.replace("redshifts = ", "snapshot_every = 0.1\nredshifts = "),
            "time.step=0.1",
            "give one of `snapshot_every`, `redshifts`",
        ),
        (
            whole.clone() + "[[potential]]\nkind = \"point-mass\"\nmass = 1.0\n",
            "time.step=0.1",
            "box: external potentials are not possible in a periodic box",
        ),
        (
            GOOD.replace("end = 3.0", "end_redshift = 0"),
            "time.step=0.1",
            "time.end_redshift: goes with a table [cosmology]",
        ),
        (GOOD.to_owned(), "output.redshifts=[1]", "output.redshifts: goes with a table [cosmology]"),
    ];
    for (text, set, expected) in cases {
        let message = load(&text, &[set]).expect_err(set);
        assert!(message.contains(expected), "{set}: {message}");
        assert_eq!(message.lines().count(), 1, "{set}: {message}");
    }
}

#[test]
fn what_is_wrong_is_named_in_one_line() {
    let model = |keys: &str| GOOD.replace("file = \"ic.hdf5\"", keys);
    let cases = [
        (GOOD.to_owned(), "time.stepp=1", "time.stepp: unknown key, did you mean `step"),
        (GOOD.to_owned(), "tiem.step=1", "tiem"),
        (GOOD.to_owned(), "time.end=\"3 kpc\"", "time.end = \"3 kpc\": is a length, where a time is needed"),
        (GOOD.to_owned(), "time.end=\"3 foo\"", "\"foo\" is no unit that is known"),
        (GOOD.to_owned(), "output.at=[]", "output.at: holds no times"),
        (GOOD.to_owned(), "output.at=[1, 0.5]", "output.at: 0.5 follows 1.0; times must increase"),
        (GOOD.to_owned(), "output.at=[1, \"x\"]", "output.at.1 = \"x\": expected a number"),
        (GOOD.to_owned(), "output.at=nowhere.txt", "nowhere.txt"),
        (
            GOOD.to_owned(),
            "output={ folder = \"out\", at = [1], snapshot_every = 1 }",
            "give either `snapshot_every` or `at`, not both",
        ),
        (
            GOOD.replace("[time]", "[units]\nsystem = \"nbody\"\n[time]"),
            "gravity.softening=\"1 kpc\"",
            "the units of this run have G = 1 and no size",
        ),
        (GOOD.to_owned(), "time.step=fast", "fast"),
        (GOOD.to_owned(), "time.step=0", "time.step = 0.0: must be above 0 and finite"),
        (GOOD.to_owned(), "time.step=nan", "time.step = NaN: must be above 0 and finite"),
        (
            GOOD.replace("end = 3.0", "end = 3.0\nsteps = 5"),
            "time.step=1.0",
            "time: give either `end` or `steps`, not both",
        ),
        (GOOD.replace("end = 3.0", ""), "time.step=1.0", "time: give `end` (a time) or `steps` (a number)"),
        (GOOD.replace("end = 3.0", "steps = 0"), "time.step=1.0", "time.steps = 0: must be at least 1"),
        (GOOD.to_owned(), "time.end=inf", "time.end = inf: must be finite"),
        (
            GOOD.to_owned(),
            "output.snapshot_every=-1",
            "output.snapshot_every = -1.0: must be above 0 and finite",
        ),
        (GOOD.to_owned(), "gravity.theta=0.0", "gravity.theta = 0: must be above 0 and at most 1"),
        (GOOD.to_owned(), "gravity.accuracy=1e-9", "gravity.accuracy = 1e-9: must be from 1e-6"),
        (
            GOOD.to_owned(),
            "gravity={ accuracy = 1e-3, theta = 0.5 }",
            "give either `accuracy` or `theta`, not both",
        ),
        (GOOD.to_owned(), "gravity.acuracy=1e-3", "accuracy"),
        (GOOD.to_owned(), "gravity.softening.length.hallo=0.1", "halo"),
        (
            GOOD.to_owned(),
            "gravity.softening=soft",
            "a length, or a table with `kernel`, `length` and `pairs`",
        ),
        (
            GOOD.to_owned(),
            "gravity.softening=-1.0",
            "gravity.softening.length = -1: must be finite and not negative",
        ),
        (GOOD.to_owned(), "units.system=metric", "metric"),
        (GOOD.to_owned(), "units.mass_in_g=1.0", "give `system = \"galactic\"` or another name, or all of"),
        (model(""), "time.step=1.0", "give `file = \"...\"` or `model ="),
        (model("file = \"\""), "time.step=1.0", "initial.file: is empty: give the name of a file"),
        (
            model("galaxies = [{ model = \"plummer\", bodies = 9 }, { file = \"\" }]"),
            "time.step=1.0",
            "galaxies.1.file: is empty: give the name of a file",
        ),
        (GOOD.to_owned(), "output.at=\"\"", "output.at: is empty: give a list of times, or the name"),
        (model("model = \"plummer\""), "time.step=1.0", "`bodies` is missing"),
        (model("model = \"plummer\"\nbodies = 0"), "time.step=1.0", "bodies = 0: must be at least 1"),
        (model("model = \"plummer\"\nbodies = -3"), "time.step=1.0", "-3"),
        (
            model("model = \"plummer\"\nbodies = 9\nspin = 1.0"),
            "time.step=1.0",
            "`spin` has no meaning for this model",
        ),
        (
            model("model = \"plummer\"\nbodies = 9\ncut = inf"),
            "time.step=1.0",
            "cut = inf: must be above 0, from 1e-60 to 1e60",
        ),
        (model("model = \"galaxy\""), "time.step=1.0", "galaxy"),
        (
            model("model = \"two-body\"\neccentricity = 1.0"),
            "time.step=1.0",
            "eccentricity = 1.0: must be from 0 to below 1",
        ),
        (
            model("model = \"collision\"\nbodies = 9\ndistance = 1.0"),
            "time.step=1.0",
            "distance = 1.0: must not be below the pericentre 2.0",
        ),
        (
            model("model = \"clumps\"\nbodies = 9\nslope = 1.0"),
            "time.step=1.0",
            "slope = 1.0: must be above 1, below 1000",
        ),
        (
            model("model = \"clumps\"\nbodies = 9\nclumps = 0"),
            "time.step=1.0",
            "clumps = 0: must be from 1 to 10000",
        ),
        (
            model("model = \"uniform\"\nbodies = 9\nradius = 1.0"),
            "time.step=1.0",
            "`radius` has no meaning for this model",
        ),
        (
            model("model = \"uniform\"\nbodies = 9\nvirial_ratio = 1.0"),
            "time.step=1.0",
            "virial_ratio = 1.0: has no meaning for a box",
        ),
        (
            model("model = \"king\"\nbodies = 9\nw0 = 20.0"),
            "time.step=1.0",
            "w0 = 20.0: must be from 0.1 to 15",
        ),
        (
            model("model = \"nfw\"\nbodies = 9\ncut = 0.0"),
            "time.step=1.0",
            "cut = 0.0: must be from 0.01 to below 1e6",
        ),
        (
            model("model = \"disc-galaxy\"\nbodies = 90\nhalo_profile = \"plummer\"\nbulge_mass = 500.0"),
            "time.step=1.0",
            "halo: a sphere of scale radius 19.6 has no isotropic equilibrium here",
        ),
        (
            model("model = \"collision\"\nbodies = 9\neccentricity = 0.5\ndistance = 7.0"),
            "time.step=1.0",
            "distance = 7.0: must not be above the apocentre 6.0",
        ),
        (model("model = \"encounter\""), "time.step=1.0", "`galaxies` is missing"),
        (
            model("model = \"encounter\"\ngalaxies = [{ model = \"king\" }, { model = \"king\" }]"),
            "time.step=1.0",
            "give `pericentre` and `distance`",
        ),
        (
            model(
                "model = \"encounter\"\npericentre = 1.0\ndistance = 2.0\ngalaxies = [{ model = \"king\" }, {}]",
            ),
            "time.step=1.0",
            "galaxies.0: `bodies` is missing",
        ),
        (
            GOOD.replace("file = ", "model = \"plummer\"\nfile = "),
            "time.step=1.0",
            "give either `file` or `model`, not both",
        ),
        (GOOD.to_owned(), "initial.bodies=5", "`bodies` has no meaning for a file"),
    ];
    for (text, set, expected) in cases {
        let message = load(&text, &[set]).expect_err(set);
        assert!(message.contains(expected), "{set}: {message}");
        assert_eq!(message.lines().count(), 1, "{set}: {message}");
    }
}
