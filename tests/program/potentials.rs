//! External potentials.

use super::*;

const OUTSIDE: &str = r#"
[[potential]]
kind = "miyamoto-nagai"
mass = 3.0
scale = 2.0
height = 0.4
orbit = { radius = 5.0, period = 20.0 }
growth = { start = 0.1, duration = 0.3 }
[[potential]]
kind = "logarithmic"
speed = 0.5
core = 1.0
[time]
timestep = "block"
"#;

#[test]
fn external_potentials_are_in_the_energy_and_survive_a_restart() {
    let text = RUN.replace("[time]\n", OUTSIDE);
    let (_root, whole, whole_folder) = prepare(&text);
    succeed(&["run", &whole, "--threads", "1"]);
    let table = |folder: &Path| fs::read_to_string(folder.join("energy.csv")).unwrap();
    let head = table(&whole_folder).lines().next().unwrap().to_owned();
    assert!(head.contains(",energy_change,") && head.ends_with(",external"), "{head}");
    let report = json(&whole_folder.join("report.json"));
    assert_eq!(report["energy"]["conserved"], false);

    let (_root, half, half_folder) = prepare(&text);
    succeed(&["run", &half, "--threads", "2", "--set", "time.end=0.2"]);
    let message = fail(&["run", &half, "--restart", "--set", "time.step=0.02"], 1);
    assert!(message.contains("restart cannot change the physics"), "{message}");
    let changed = text.replace("mass = 3.0", "mass = 3.5").replace("FOLDER", half_folder.to_str().unwrap());
    fs::write(&half, &changed).unwrap();
    let message = fail(&["run", &half, "--restart"], 1);
    assert!(
        message.contains("potential.0.mass = 3.5") && message.contains("restart cannot change"),
        "{message}"
    );
    fs::write(&half, changed.replace("mass = 3.5", "mass = 3.0")).unwrap();
    succeed(&["run", &half, "--restart", "--virtual-ranks", "3", "--threads", "2"]);
    assert_eq!(table(&half_folder), table(&whole_folder));

    // A static potential keeps the energy.
    let fixed = text.replace("growth = { start = 0.1, duration = 0.3 }\n", "");
    let (_root, file, folder) = prepare(&fixed.replace("orbit = { radius = 5.0, period = 20.0 }\n", ""));
    succeed(&["run", &file]);
    let head = table(&folder).lines().next().unwrap().to_owned();
    assert!(head.contains(",energy_error,") && head.ends_with(",external"), "{head}");
    let error = json(&folder.join("report.json"))["energy"]["greatest_error"].as_f64().unwrap();
    assert!(error < 1e-3, "{error}");
}

#[test]
fn a_track_must_reach_over_the_run_and_stay_the_same() {
    let text = RUN
        .replace("[time]\n", "[[potential]]\nkind = \"point-mass\"\nmass = 1\ntrack = \"TRACK\"\n[time]\n");
    let (root, file, folder) = prepare(&text);
    let track = root.path().join("track.csv");
    let text = fs::read_to_string(&file).unwrap().replace("TRACK", track.to_str().unwrap());
    fs::write(&file, text).unwrap();
    fs::write(&track, "time,x,y,z\n0,9,0,0\n0.2,9,1,0\n0.4,9,2,0\n").unwrap();
    let message = fail(&["run", &file], 1);
    assert!(message.contains("the table goes from time 0 to 0.4, the run from 0 to 0.5"), "{message}");
    assert!(!folder.join("snapshot_000.hdf5").exists());
    succeed(&["run", &file, "--set", "time.end=0.2"]);
    fs::write(&track, "time,x,y,z\n0,9,0,0\n0.2,9,1,0\n0.6,9,2,0\n").unwrap();
    let message = fail(&["run", &file, "--restart"], 1);
    assert!(message.contains("track_checksum") && message.contains("restart cannot change"), "{message}");
}
