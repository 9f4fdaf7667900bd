//! A universe that expands, and its periodic box.

use super::*;

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
