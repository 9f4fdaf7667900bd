//! External potentials and the tables of their tracks.

use super::*;

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
