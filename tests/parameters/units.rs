//! Units of numbers, and defaults that follow from them.

use super::*;

#[test]
fn units_are_named_or_numbered() {
    assert_eq!(with(&["units.system=nbody"]).gravity.gravity.constant, 1.0);
    let own = with(&["units.length_in_cm=2.0", "units.mass_in_g=3.0", "units.velocity_in_cm_per_s=5.0"]);
    assert_eq!(own.units.units(), Units { length_in_cm: 2.0, mass_in_g: 3.0, velocity_in_cm_per_s: 5.0 });
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
