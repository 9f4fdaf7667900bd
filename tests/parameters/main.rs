//! Parameter files: valid contents, and the errors for invalid ones.

#![allow(clippy::disallowed_methods)] // tests hold results against bounds, not bits

mod potentials;
mod softening;
mod units;
mod universe;

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
fn the_parameter_files_of_the_project_are_sound() {
    let files = std::fs::read_dir("inputs").unwrap().map(|entry| entry.unwrap().path());
    let tables = files.filter(|path| path.extension().is_some_and(|end| end == "toml"));
    let runs: Vec<_> = tables.filter(|path| !path.ends_with("networks.toml")).collect();
    assert!(runs.len() >= 3, "{runs:?}");
    for path in runs {
        Parameters::load(&path, &[]).unwrap();
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
