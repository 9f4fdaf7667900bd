//! Periodic boxes in an expanding universe.

use super::*;

/// A universe from its parameters: bodies, a step, and power spectra, with the same bits on any number
/// of ranks.
#[test]
fn a_universe_runs_from_its_parameters_and_measures_its_power() {
    let text = fs::read_to_string("inputs/lcdm.toml").unwrap();
    let settings = [
        "--set",
        "initial.per_side=8",
        "--set",
        "initial.fixed_amplitude=true",
        "--set",
        "output.folder=\"FOLDER\"",
        "--set",
        "output.redshifts=[47]",
        "--set",
        "output.spectrum={ grid = 24 }",
        "--set",
        "time.end_redshift=46",
    ];
    let runs = ["1", "3"].map(|ranks| {
        let (root, file, folder) = prepare(&text);
        let settings = settings.map(|word| word.replace("FOLDER", folder.to_str().unwrap()));
        let words: Vec<&str> = settings.iter().map(String::as_str).collect();
        succeed(&[&["run", &file, "--virtual-ranks", ranks][..], &words].concat());
        (root, folder)
    });
    let read = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let (_, folder) = &runs[0];
    for number in 0..3 {
        let name = format!("spectrum_{number:03}.csv");
        let table = read(folder, &name);
        let columns = "snapshot,redshift,k [h/Mpc],power [(Mpc/h)^3],error [(Mpc/h)^3],shot noise [(Mpc/h)^3],modes,fold,linear [(Mpc/h)^3],halofit [(Mpc/h)^3]";
        assert_eq!(table.lines().next(), Some(columns));
        // At half the Nyquist wave number of the bodies and below, the power is that of linear theory. Their
        // ratio is not 1, because theory is at the mean wave number of the bin.
        for line in table.lines().skip(1).take(2) {
            let numbers: Vec<f64> = line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
            assert!((numbers[0] - [49.0, 47.0, 46.0][number]).abs() < 1e-9, "{line}");
            assert!((numbers[2] / numbers[7] - 1.0).abs() < 0.08, "{line}");
        }
        assert_eq!(table, read(&runs[1].1, &name));
    }
    let last = |folder: &Path| io::snapshot::read(&folder.join("snapshot_002.hdf5"), 0, 1).unwrap().1;
    assert_eq!(last(folder), last(&runs[1].1));
    assert!(!folder.join("spectrum_003.csv").exists());
}

const EXPANDING: &str = r#"
[initial]
file = "TABLE"
[box]
side = 100e3
[cosmology]
omega_m = 1.0
omega_lambda = 0.0
h = 0.7
start_redshift = 19
softening_max_physical = "20 kpc"
[gravity]
softening = "100 kpc"
order = 5
tolerance = 1e-4
[time]
end_redshift = 3
step = 0.15
timestep = "block"
eta = 0.5
[output]
folder = "FOLDER"
redshifts = [9, 5]
"#;

/// Sheets, and bodies along an axis of a sheet, of the box in `EXPANDING`.
const SHEETS: [usize; 2] = [4, 10];

/// Amplitude of the wave at z = 19; its caustic is at the scale factor 1.
const WAVE: f64 = 0.05;

/// A table of the wave in `EXPANDING`, and the places of its sheets, by id.
fn sheets() -> (String, Vec<f64>) {
    let ([sheets, along], side, a) = (SHEETS, 100e3, 0.05f64);
    let constant = io::Units::GALACTIC.gravitational_constant();
    let hubble = 0.07; // km/s/kpc
    let mass = 3.0 * hubble * hubble / (8.0 * std::f64::consts::PI * constant) * f64::powi(side, 3);
    let (mut text, mut places) = ("id,mass,x,y,z,vx,vy,vz\n".to_owned(), Vec::new());
    for i in 0..sheets * along * along {
        let place = ((i / along / along) as f64 + 0.5) / sheets as f64;
        let wave = -(2.0 * std::f64::consts::PI * place).sin() * side / (2.0 * std::f64::consts::PI);
        let across = |n: usize| side * ((n % along) as f64 + 0.5) / along as f64;
        // The peculiar velocity is a H times the displacement in a universe of matter.
        let speed = a * hubble * a.powf(-1.5) * WAVE * wave;
        let mass = mass / (sheets * along * along) as f64;
        let (x, y, z) = (side * place + WAVE * wave, across(i / along), across(i));
        text += &format!("{i},{mass:e},{x:e},{y:e},{z:e},{speed:e},0,0\n");
        places.push(place);
    }
    (text, places)
}

#[test]
fn a_box_in_an_expanding_universe_runs_restarts_and_goes_on_from_its_snapshots() {
    let (table, places) = sheets();
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("wave.csv");
    fs::write(&path, table).unwrap();
    let text = EXPANDING.replace("TABLE", path.to_str().unwrap());
    let (_whole_root, whole_file, whole) = prepare(&text);
    let coarse = ["--set", "gravity.order=3", "--set", "gravity.tolerance=0.1"];
    let plan = succeed(&[&["plan", &whole_file], &coarse[..]].concat());
    assert!(plan.contains("steps from z 19.00 to z 3.0000"), "{plan}");
    let log = succeed(&["run", &whole_file, "--log-each-step"]);
    assert!(log.contains(" z 3.0000 ") && log.contains("Layzer-Irvine error"), "{log}");
    assert!(succeed(&["status", whole.to_str().unwrap()]).contains(", z 3.0000, ended"));
    // A restart on other ranks.
    let (_root, file, folder) = prepare(&text);
    succeed(&["run", &file, "--virtual-ranks", "3", "--set", "time.end_redshift=5"]);
    let message = fail(&["run", &file, "--restart", "--set", "time.end_redshift=9"], 1);
    assert!(message.contains("time.end_redshift = 9.0: the checkpoint is already at z 5.0000"), "{message}");
    let message = fail(&["run", &file, "--restart", "--set", "cosmology.h=0.71"], 1);
    assert!(message.contains("cosmology.h = 0.71"), "{message}");
    succeed(&["run", &file, "--restart", "--virtual-ranks", "2"]);
    let energy = |folder: &Path| fs::read_to_string(folder.join("energy.csv")).unwrap();
    assert_eq!(energy(&folder), energy(&whole));
    let snapshot = |folder: &Path, name: &str| io::snapshot::read(&folder.join(name), 0, 1).unwrap();
    let (header, last) = snapshot(&whole, "snapshot_003.hdf5");
    assert_eq!(last, snapshot(&folder, "snapshot_003.hdf5").1);
    let table = io::table::read(&whole.join("energy.csv")).unwrap();
    let ends = |name: &str| *table.get(name).unwrap().last().unwrap();
    assert!((ends("scale_factor") - 0.25).abs() < 1e-15 && (ends("redshift") - 3.0).abs() < 1e-14);
    assert!(ends("layzer_irvine_error").abs() < 0.01, "{}", ends("layzer_irvine_error"));
    // The sheets are where Zel'dovich puts them, with his velocities.
    let a = header.universe.unwrap().scale_factor;
    assert!((a - 0.25).abs() < 1e-15);
    let [mut far, mut fast] = [0.0f64; 2];
    for i in 0..last.len() {
        let place = places[last.id[i] as usize];
        let wave = -(2.0 * std::f64::consts::PI * place).sin() / (2.0 * std::f64::consts::PI);
        let moved = last.pos[0][i] / 100e3 / 0.7 - place - a * wave;
        far = far.max((moved - moved.round()).abs() / (a / std::f64::consts::TAU));
        // The peculiar velocity over sqrt(a) is a^(1/2) H0 a^(-3/2) a times the displacement at a = 1.
        fast = fast.max((last.vel[0][i] / (0.07 * 100e3) - wave).abs() * std::f64::consts::TAU);
    }
    assert!(far < 5e-3 && fast < 5e-3, "{far} {fast}");
    // From the snapshot at z = 5, in the other format too.
    let on = root.path().join("on");
    let go_on = |from: &str, set: &[&str]| {
        let initial = format!("initial={{ file = '{}' }}", whole.join(from).display());
        let output = format!("output.folder='{}'", on.display());
        let arguments = ["run", &file, "--overwrite", "--set", &initial, "--set", &output];
        let set = set.iter().flat_map(|set| ["--set", set]);
        heorot(&arguments.into_iter().chain(set).collect::<Vec<_>>())
    };
    let refused = go_on("snapshot_002.hdf5", &[]);
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(
        message.contains("cosmology.start_redshift = 19.0: ") && message.contains("has the redshift 5"),
        "{message}"
    );
    let output = go_on("snapshot_002.hdf5", &["cosmology.start_redshift=5", "output.format=swift"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (header, again) = snapshot(&on, "snapshot_001.hdf5");
    let universe = header.universe.unwrap();
    let factor = universe.momentum_of(header.format) / universe.scale_factor.powf(1.5);
    let places = |bodies: &treecode::Bodies| {
        let mut all: Vec<_> =
            (0..bodies.len()).map(|i| (bodies.id[i], bodies.pos[0][i], bodies.vel[0][i])).collect();
        all.sort_by_key(|(id, ..)| *id);
        all
    };
    for ((id, x, v), (other, y, w)) in places(&last).into_iter().zip(places(&again)) {
        assert_eq!(id, other);
        assert!(
            (x / 0.7 - y).abs() < 20.0 && (v - w * factor).abs() < 5.0,
            "{id}: {x} {y}, {v} {}",
            w * factor
        );
    }
}

#[test]
fn what_does_not_go_with_an_expanding_universe_is_named() {
    let (table, _) = sheets();
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("wave.csv");
    fs::write(&path, table).unwrap();
    let (_root, file, _) = prepare(&EXPANDING.replace("TABLE", path.to_str().unwrap()));
    for (set, expected) in [
        (
            "cosmology.omega_m=0.9",
            "cosmology.omega_m = 0.9: the bodies in the box have 1.111111 of the density of matter",
        ),
        ("time.end_redshift=30", "time.end_redshift = 30.0: must be later than the initial state at z 19.00"),
        ("initial.cosmological=false", "initial.cosmological = false: contradicts the table [cosmology]"),
    ] {
        let message = fail(&["run", &file, "--set", set], 1);
        assert!(message.contains(expected), "{set}: {message}");
    }
}
