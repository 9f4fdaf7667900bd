//! Tests of `heorot model`: parameter files, options, units and defaults.

use super::*;

#[test]
fn a_model_needs_no_tables_of_a_run_and_ignores_them() {
    let text = "[initial]\nmodel = \"plummer\"\nbodies = 1e3\n[units]\nsystem = \"nbody\"\n";
    let read = |text: &str| io::parameters::from_str::<ModelFile>(text, "model.toml", &[]);
    let alone = read(text).unwrap();
    assert_eq!(alone.units.units(), Units::NBODY);
    assert!(matches!(alone.initial, Initial::Model(model) if model.bodies() == 1000));
    assert!(read(&format!("{text}[output]\nfolder = \"out\"\n")).is_ok());
    let message = read(&format!("{text}[unitz]\n")).unwrap_err().to_string();
    assert!(message.contains("did you mean `units`?"), "{message}");
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

#[test]
fn a_universe_is_written_with_its_redshift_and_box() {
    use clap::Parser;
    use decomposition::Solo;
    let folder = tempfile::tempdir().unwrap();
    let [file, path] = ["run.toml", "ic.hdf5"].map(|name| folder.path().join(name));
    let text = std::fs::read_to_string("inputs/lcdm.toml").unwrap();
    let make = |text: &str, output: &Path| {
        std::fs::write(&file, text).unwrap();
        let words = ["model", "--from", file.to_str().unwrap(), "-o", output.to_str().unwrap()];
        main(&Line::try_parse_from(words).unwrap().arguments).map_err(|error| format!("{error:#}"))
    };
    make(&text.replace("per_side = 64", "per_side = 8"), &path).unwrap();
    let (header, read) = io::snapshot::read(&path, 0, 1).unwrap();
    let Wanted { initial: Initial::Model(model), units, .. } = model_of(&file).unwrap() else {
        panic!("no model")
    };
    let universe = header.universe.unwrap();
    assert!((universe.redshift() - 49.0).abs() < 1e-9 && (universe.h - 0.6766).abs() < 1e-12);
    // Lengths in GADGET's files are in Mpc/h.
    let length = header.units.unwrap().length_in_cm / units.length_in_cm;
    assert!((length * 0.6766 - 1.0).abs() < 1e-9, "{length}");
    assert!((header.box_size * length - 147.797813).abs() < 1e-6, "{}", header.box_size);
    // The file has the bodies of a run: with GADGET's factor, its velocities are canonical momenta.
    let drawn = nbody::model::generate(&Solo, &model, units.gravitational_constant());
    for i in 0..512 {
        let id = read.id[i] as usize;
        for axis in 0..3 {
            assert!((read.pos[axis][i] * length - drawn.pos[axis][id]).abs() < 1e-6);
            let (momentum, peculiar) =
                (read.vel[axis][i] * universe.momentum_of(header.format), drawn.vel[axis][id]);
            assert!((momentum - 0.02 * peculiar).abs() < 1e-9 * peculiar.abs(), "{momentum} {peculiar}");
        }
    }
    for (lpt, redshift) in [(1, 99.0), (2, 49.0), (3, 24.0)] {
        let text = text.replace("start_redshift = 49", "").replace("seed = 1", &format!("lpt = {lpt}"));
        let path = folder.path().join(format!("{lpt}.hdf5"));
        make(&text.replace("per_side = 64", "per_side = 8"), &path).unwrap();
        let universe = io::snapshot::read(&path, 0, 1).unwrap().0.universe.unwrap();
        assert!((universe.redshift() - redshift).abs() < 1e-9, "order {lpt}");
    }
    let other = folder.path().join("other.hdf5");
    let wave =
        text.replace("sigma8 = 0.81", "wave = [1, 0, 0]\ncaustic_redshift = 1").replace("seed = 1", "");
    let wave = wave.replace("n_s = 0.9665", "").replace("omega_b = 0.04897", "");
    for (text, expected) in [
        (wave.replace("start_redshift = 49", ""), "cosmology.start_redshift: is missing"),
        (text.replace("[box]", "[boxes]"), "boxes"),
        (text.replace("side = 147.797813", "side = 0"), "box.side = 0: must be above 0"),
        (text.replace("omega_m = 0.3111", "omega_m = -1"), "cosmology.omega_m = -1.0: must be above 0"),
    ] {
        let error = make(&text, &other).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    let words = ["model", "cosmology", "-o", other.to_str().unwrap()];
    let error = main(&Line::try_parse_from(words).unwrap().arguments).unwrap_err().to_string();
    assert!(error.contains("per_side"), "{error}");
    assert!(!other.exists());
}

/// The units of a snapshot of the model that a command line asks for.
fn units_of(line: &[&str]) -> Units {
    use clap::Parser;
    let words = ["model"].iter().chain(line).chain(&["-o", "ic.hdf5"]);
    Line::try_parse_from(words).unwrap().arguments.wanted().unwrap().units
}

fn wanted(line: &[&str]) -> Result<nbody::model::Model, String> {
    use clap::Parser;
    let words = ["model"].iter().chain(line).chain(&["-o", "ic.hdf5"]);
    let line = Line::try_parse_from(words).map_err(|error| error.to_string())?;
    match line.arguments.wanted().map_err(|error| format!("{error:#}"))?.initial {
        Initial::Model(model) => Ok(model),
        _ => panic!("no model"),
    }
}

#[test]
fn options_of_a_model_may_have_units() {
    use nbody::model::Model;
    let sphere = ["plummer", "--bodies", "10", "--mass", "1e12 Msun", "--radius", "3kpc"];
    let Model::Plummer(galactic) = wanted(&sphere).unwrap() else { panic!("another model") };
    assert!((galactic.mass / 100.0 - 1.0).abs() < 1e-9 && galactic.radius == 3.0);
    let parsecs = [&sphere[..], &["--units", "pc-msun-kms"]].concat();
    let Model::Plummer(parsecs) = wanted(&parsecs).unwrap() else { panic!("another model") };
    assert!((parsecs.mass / 1e12 - 1.0).abs() < 1e-9 && (parsecs.radius / 3000.0 - 1.0).abs() < 1e-9);
    let tilted = ["collision", "--bodies", "10", "--units", "nbody", "--inclination"];
    let plain = wanted(&[&tilted[..], &["-30,60"]].concat()).unwrap();
    assert_eq!(wanted(&[&tilted[..], &["-30 deg, 60 deg"]].concat()).unwrap(), plain);
    let belt = ["planetary-system", "--bodies", "10", "--belt"];
    let plain = wanted(&[&belt[..], &["2.1,3.3"]].concat()).unwrap();
    assert_eq!(wanted(&[&belt[..], &["2.1 AU, 3.3 AU"]].concat()).unwrap(), plain);
    for (line, words) in [
        (&["plummer", "--bodies", "10", "--mass", "3 kpc"][..], "is a length, where a mass is needed"),
        (&["plummer", "--bodies", "10", "--radius", "far"], "is no number with a unit"),
        (
            &["plummer", "--bodies", "10", "--radius", "3 kpc", "--units", "nbody"],
            "--radius: 3 kpc: the units here have G = 1",
        ),
        (&["plummer", "--bodies", "10", "--radius", "3,4"], "--radius: must be one number"),
        (&["planetary-system", "--bodies", "10", "--belt", "2"], "--belt: must be two numbers"),
        (&["--from", "inputs/plummer.toml", "--radius", "3 kpc"], "leave out --radius"),
    ] {
        let fault = wanted(line).unwrap_err();
        assert!(fault.contains(words), "{line:?}: {fault}");
    }
}

#[test]
fn defaults_are_the_same_quantities_in_all_units() {
    use nbody::model::Model;
    let close = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-9, "{a} and {b}");
    for system in ["galactic", "pc-msun-kms", "au-msun-yr", "si", "cgs"] {
        let units = units_of(&["plummer", "--bodies", "10", "--units", system]);
        let [mass, parsec] = [1.988_409_870_7e33 / units.mass_in_g, 3.085_677_581_5e18 / units.length_in_cm];
        let made = |line: &[&str]| wanted(&[line, &["--units", system]].concat()).unwrap();
        let cluster = made(&["star-cluster", "--bodies", "1000", "--binaries", "0.2"]);
        let Model::StarCluster(cluster) = cluster else { panic!("another model") };
        close(cluster.mass, 573.864_803_036 * mass);
        close(cluster.radius, parsec);
        close(cluster.binary_axis.unwrap()[1], 1000.0 * 1.495_978_707e13 / units.length_in_cm);
        for (preset, disc, length) in [("milky-way", 4.5e10, 2600.0), ("andromeda", 3.66e10, 5400.0)] {
            let galaxy = made(&["disc-galaxy", "--bodies", "1000", "--preset", preset]);
            let Model::DiscGalaxy(galaxy) = galaxy else { panic!("another model") };
            close(galaxy.disc_mass, disc * mass);
            close(galaxy.disc_length, length * parsec);
        }
        let star = made(&["planetary-system", "--bodies", "10", "--belt", "2 AU,3 AU"]);
        let Model::PlanetarySystem(star) = star else { panic!("another model") };
        close(star.mass, mass);
    }
    // The numbers of the presets are those of galactic units to the bit.
    let Model::DiscGalaxy(galaxy) = wanted(&["disc-galaxy", "--bodies", "1000"]).unwrap() else {
        panic!("another model")
    };
    let preset = nbody::model::Preset::MilkyWay.galaxy();
    assert_eq!(galaxy, nbody::model::DiscGalaxy { bodies: 1000, ..preset });
}

#[test]
fn a_default_that_needs_units_is_refused_without_them() {
    let galaxy = ["disc-galaxy", "--bodies", "100", "--units", "nbody"];
    let numbers =
        "--disc-mass 1 --disc-length 1 --disc-height 0.2 --halo-mass 20 --halo-radius 5 --bulge-mass 0";
    assert!(wanted(&[&galaxy[..], &numbers.split(' ').collect::<Vec<_>>()].concat()).is_ok());
    let cluster = ["star-cluster", "--bodies", "100", "--units", "nbody"];
    assert!(wanted(&cluster).is_ok());
    for (line, words) in [
        (
            &galaxy[..],
            "--disc-mass is missing: its default is in kpc or solar masses, and the units here have G = 1",
        ),
        (&[&cluster[..], &["--binaries", "0.2"]].concat(), "--binary-axis is missing"),
        (
            &[&cluster[..], &["--binary-axis", "1,2"]].concat(),
            "--binary-axis has no meaning without --binaries",
        ),
    ] {
        let fault = wanted(line).unwrap_err();
        assert!(fault.contains(words), "{line:?}: {fault}");
    }
}

/// A number that is not finite is an error, and does not count as left out.
#[test]
fn numbers_of_a_model_are_finite() {
    let command = ModelOptions::augment_args(clap::Command::new("model"));
    let names =
        command.get_arguments().filter(|option| option.get_value_parser().type_id() == TypeId::of::<f64>());
    let mut names: Vec<&str> = names.filter_map(|option| option.get_long()).collect();
    assert!(
        names.len() > 8 && ["w0", "binaries", "stars"].iter().all(|name| names.contains(name)),
        "{names:?}"
    );
    names.extend(["inclination", "azimuth"]);
    for name in names {
        for wrong in ["nan", "inf", "-inf", "nan,1"] {
            let option = format!("--{name}={wrong}");
            let fault = wanted(&["plummer", "--bodies", "10", &option]).unwrap_err();
            assert!(fault.contains(&format!("--{name}")), "{option}: {fault}");
        }
    }
}

#[test]
fn each_model_has_units_in_which_its_default_numbers_make_sense() {
    let cluster = ["star-cluster", "--bodies", "10"];
    assert_eq!(units_of(&cluster), Units::PARSEC);
    assert_eq!(units_of(&["planetary-system", "--bodies", "10", "--belt", "2,3"]), Units::PLANETARY);
    assert_eq!(units_of(&["plummer", "--bodies", "10"]), Units::GALACTIC);
    assert_eq!(units_of(&[&cluster[..], &["--units", "galactic"]].concat()), Units::GALACTIC);
}

#[test]
fn every_input_can_be_read_for_its_model() {
    for entry in std::fs::read_dir("inputs").unwrap().map(|entry| entry.unwrap().path()) {
        let is_run =
            entry.extension().is_some_and(|ending| ending == "toml") && !entry.ends_with("networks.toml");
        if is_run {
            load(&entry).unwrap();
        }
    }
}
