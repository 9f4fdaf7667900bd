//! The program as users run it: its output files, the same bits on any number of ranks, and
//! one-line errors.

#![allow(clippy::disallowed_methods)] // tests hold results against bounds, not bits

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const RUN: &str = r#"
[initial]
model = "collision"
bodies = 600
seed = 4
spin = 0.5
[units]
system = "nbody"
[gravity]
softening = 0.1
[time]
end = 0.5
step = 0.04
[output]
folder = "FOLDER"
snapshot_every = 0.2
acceleration = true
potential = true
"#;

fn heorot(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_heorot")).args(arguments).output().unwrap()
}

fn succeed(arguments: &[&str]) -> String {
    let output = heorot(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that must fail. Returns its one-line error.
fn fail(arguments: &[&str], code: i32) -> String {
    let output = heorot(arguments);
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    text
}

/// A folder with `run.toml`, and the output folder of that run.
fn prepare(text: &str) -> (TempDir, String, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("out");
    let file = root.path().join("run.toml");
    fs::write(&file, text.replace("FOLDER", folder.to_str().unwrap())).unwrap();
    let file = file.to_str().unwrap().to_owned();
    (root, file, folder)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn a_run_leaves_snapshots_a_log_and_a_report() {
    let (_root, file, folder) = prepare(RUN);
    let log = succeed(&["run", &file, "--threads", "2", "--log-each-step"]);
    let snapshots = ["snapshot_000.hdf5", "snapshot_001.hdf5", "snapshot_002.hdf5", "snapshot_003.hdf5"];
    let (before, behind) =
        (["checkpoint_00000013.heorot", "energy.csv", "report.json"], ["status.json", "steps.csv"]);
    assert_eq!(names(&folder), [&before[..], &snapshots, &behind].concat());
    let times: Vec<f64> =
        snapshots.iter().map(|name| io::snapshot::read_header(&folder.join(name)).unwrap().time).collect();
    assert_eq!(times, [0.0, 0.2, 0.4, 0.5], "output times are hit exactly");

    let energy = fs::read_to_string(folder.join("energy.csv")).unwrap();
    assert_eq!(energy.lines().count(), 1 + 1 + 13, "a header, the first state and 13 steps");
    assert_eq!(log.lines().filter(|line| line.starts_with("step ")).count(), 13);

    let report = json(&folder.join("report.json"));
    assert_eq!(
        (&report["bodies"], &report["steps"], &report["threads"]),
        (&600.into(), &13.into(), &2.into())
    );
    assert_eq!(report["parameters"]["gravity"]["accuracy"], 1e-3, "defaults are echoed");
    assert!(report["accuracy"]["achieved"]["rms"].as_f64().unwrap() <= 1e-3);
    assert!(log.contains("force error rms"), "{log}");
    let total = report["seconds"]["total"].as_f64().unwrap();
    let parts = report["seconds"].as_object().unwrap().iter().filter(|(name, _)| *name != "total");
    let sum: f64 = parts.map(|(_, seconds)| seconds.as_f64().unwrap()).sum();
    assert!(sum > 0.0 && sum <= total, "the phases take {sum} of {total} s");
    assert!(report["energy"]["greatest_error"].as_f64().unwrap() < 1e-2);
}

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

/// The warning appears when the error exceeds the bound, and again at each doubling. It suggests a
/// remedy.
#[test]
fn an_energy_error_past_its_bound_is_warned_of() {
    let (_root, file, _) = prepare(RUN);
    let warnings = |arguments: &[&str]| -> Vec<String> {
        let log = succeed(&[&["run", &file, "--overwrite"][..], arguments].concat());
        log.lines().filter(|line| line.starts_with("WARNING")).map(str::to_owned).collect()
    };
    assert!(warnings(&[]).is_empty());
    let strict = ["--set", "time.energy_bound=1e-12", "--virtual-ranks", "2"];
    let said = warnings(&strict);
    assert!((1..=13).contains(&said.len()), "{said:?}");
    assert!(said[0].contains("is past time.energy_bound = 1e-12: take a shorter time.step than 0.04"));
    let block = ["--set", "time.timestep=\"block\"", "--set", "time.criterion=\"rate\""];
    let said = warnings(&[&strict[..], &block].concat());
    assert!(said[0].contains(
        "take a smaller time.eta_rate than 0.02; if that does not help, a smaller gravity.accuracy"
    ));
}

#[test]
fn virtual_ranks_give_the_same_bits() {
    let runs = ["1", "2", "4"].map(|ranks| {
        let (root, file, folder) = prepare(RUN);
        let balance = if ranks == "2" { "work" } else { "speed" };
        succeed(&["run", &file, "--virtual-ranks", ranks, "--balance", balance]);
        for (name, key) in [("report.json", "balanced_by"), ("status.json", "balance")] {
            let text = fs::read_to_string(folder.join(name)).unwrap();
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(value[key], balance, "{name}");
        }
        let said = succeed(&["status", folder.to_str().unwrap()]);
        assert!(said.contains(&format!(" by {balance}, ")), "{said}");
        (root, folder)
    });
    let last = |folder: &Path| io::snapshot::read(&folder.join("snapshot_003.hdf5"), 0, 1).unwrap().1;
    let energy = |folder: &Path| fs::read_to_string(folder.join("energy.csv")).unwrap();
    let (_, first) = &runs[0];
    assert_ne!(last(first).pos, io::snapshot::read(&first.join("snapshot_000.hdf5"), 0, 1).unwrap().1.pos);
    for (_, other) in &runs[1..] {
        assert_eq!(last(first), last(other));
        assert_eq!(energy(first), energy(other));
    }
}

#[test]
fn another_balance_is_refused() {
    let (_root, file, folder) = prepare(RUN);
    for command in
        [&["run", &file, "--balance", "fair"][..], &["run", &file, "--set", "batch.balance=\"fair\""]]
    {
        let ended = heorot(command);
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!([Some(1), Some(2)].contains(&ended.status.code()), "{command:?}: {said}");
        assert!(["fair", "speed", "work", "balance"].iter().all(|word| said.contains(word)), "{said}");
    }
    assert!(!folder.exists());
}

#[test]
fn a_wanted_error_is_met_with_the_same_bits_on_any_ranks_and_threads() {
    let text = RUN.replace("bodies = 600", "bodies = 3000").replace("snapshot_every = 0.2\n", "");
    let layouts = [["1", "1"], ["1", "2"], ["2", "1"], ["3", "2"]];
    let runs = layouts.map(|[ranks, threads]| {
        let (root, file, folder) = prepare(&text);
        // There are more steps than between two measurements of the force error.
        let set = ["--set", "gravity.accuracy=1e-4", "--set", "time.step=0.0075"];
        succeed(&[&["run", &file, "--virtual-ranks", ranks, "--threads", threads], &set[..]].concat());
        (root, folder)
    });
    let last = |folder: &Path| io::snapshot::read(&folder.join("snapshot_001.hdf5"), 0, 1).unwrap().1;
    let energy = |folder: &Path| fs::read_to_string(folder.join("energy.csv")).unwrap();
    let found = |folder: &Path| json(&folder.join("report.json"))["accuracy"].clone();
    let (_, first) = &runs[0];
    let accuracy = found(first);
    assert!(accuracy["adjustments"].as_u64().unwrap() > 0 && accuracy["checks"] == 2, "{accuracy}");
    let rms = accuracy["achieved"]["rms"].as_f64().unwrap();
    assert!((0.4 * 1e-4..=1e-4).contains(&rms), "{accuracy}");
    for (_, other) in &runs[1..] {
        assert_eq!(found(other), accuracy);
        assert_eq!(energy(other), energy(first));
        assert_eq!(last(other), last(first));
    }
}

#[test]
fn earlier_results_are_kept_unless_told_otherwise() {
    let (_root, file, folder) = prepare(RUN);
    succeed(&["run", &file]);
    let before = fs::read(folder.join("energy.csv")).unwrap();
    let message = fail(&["run", &file, "--set", "time.end=0.1"], 1);
    assert!(
        message.contains("heorot: is the result of an earlier run") && message.contains("--overwrite"),
        "{message}"
    );
    assert_eq!(fs::read(folder.join("energy.csv")).unwrap(), before);
    succeed(&["run", &file, "--set", "time.end=0.1", "--overwrite"]);
    let left =
        ["energy.csv", "report.json", "snapshot_000.hdf5", "snapshot_001.hdf5", "status.json", "steps.csv"];
    assert_eq!(names(&folder), [&["checkpoint_00000003.heorot"], &left[..]].concat());
}

#[test]
fn a_run_goes_on_from_its_checkpoint_on_other_ranks_as_if_it_had_not_stopped() {
    // There are more steps than between two measurements of the force error. The second measurement
    // is after the restart.
    let text = RUN.replace("step = 0.04", "step = 0.005");
    let (_root, file, folder) = prepare(&text);
    let (_whole_root, whole_file, whole) = prepare(&text);
    succeed(&["run", &file, "--virtual-ranks", "2", "--set", "time.end=0.2"]);
    let message = fail(&["run", &file, "--restart", "--set", "gravity.softening=0.2"], 1);
    assert!(
        message.contains("gravity.softening.length = ") && message.contains("0.1") && message.contains("0.2"),
        "{message}"
    );
    let log = succeed(&["run", &file, "--restart", "--virtual-ranks", "3", "--threads", "2"]);
    assert!(log.contains("time.end was 0.2 and is 0.5 from here on"), "{log}");
    succeed(&["run", &whole_file]);
    let energy = |folder: &Path| fs::read_to_string(folder.join("energy.csv")).unwrap();
    let found = |folder: &Path| json(&folder.join("report.json"));
    assert_eq!(energy(&folder), energy(&whole));
    let last = |folder: &Path| io::snapshot::read(&folder.join("snapshot_003.hdf5"), 0, 1).unwrap().1;
    assert_eq!(last(&folder), last(&whole));
    let (ours, theirs) = (found(&folder), found(&whole));
    for key in ["accuracy", "energy", "evaluations", "steps"] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    let count = |report: &serde_json::Value, kind: &str| report["interactions"][kind].as_u64().unwrap();
    for kind in ["body_body", "body_cell"] {
        assert_eq!(count(&ours, kind), count(&theirs, kind), "{kind}");
    }
    // Each of the ranks that share a cell computes its expansion, and the measured speeds of the ranks
    // decide which cells are shared.
    let cells = [&ours, &theirs].map(|report| count(report, "cell_cell"));
    assert!(cells[0].abs_diff(cells[1]) < cells[1] / 1000, "{cells:?}");
    assert!(ours["accuracy"]["checks"].as_u64().unwrap() > 1, "{}", ours["accuracy"]);
    assert_eq!((&ours["restarts"], &theirs["restarts"]), (&1.into(), &0.into()));
}

#[test]
fn a_run_goes_on_from_the_time_of_a_snapshot() {
    let (root, file, folder) = prepare(RUN);
    // With a requested accuracy, the error would be measured again and the tolerance chosen anew.
    succeed(&["run", &file, "--set", "gravity.order=3"]);
    let on = root.path().join("on");
    let initial = format!("initial={{ file = '{}' }}", folder.join("snapshot_002.hdf5").display());
    let output = format!("output.folder='{}'", on.display());
    let go_on = ["run", &file, "--set", &initial, "--set", &output, "--set", "gravity.order=3"];
    let message = fail(&[&go_on[..], &["--set", "time.end=0.3"]].concat(), 1);
    assert!(
        message.contains("time.end = 0.3: must be after 0.4, the time of the initial state"),
        "{message}"
    );
    succeed(&go_on);
    let last = |folder: &Path, name: &str| io::snapshot::read(&folder.join(name), 0, 1).unwrap();
    let ((old, whole), (new, parts)) = (last(&folder, "snapshot_003.hdf5"), last(&on, "snapshot_001.hdf5"));
    assert_eq!((old.time, new.time), (0.5, 0.5));
    assert_eq!(
        whole.pos, parts.pos,
        "with its accelerations in the snapshot, a run goes on as if it had not stopped"
    );
}

#[test]
fn a_snapshot_in_other_units_is_converted() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let (ic, file) = (path("ic.hdf5"), path("run.toml"));
    succeed(&["model", "plummer", "--bodies", "500", "--units", "nbody", "-o", &ic]);
    let ratio = io::Units::NBODY.velocity_in_cm_per_s / io::Units::GALACTIC.velocity_in_cm_per_s;
    let run = |system: &str, step: f64| {
        let folder = root.path().join(system);
        let text = format!(
            "[initial]\nfile = '{ic}'\n[units]\nsystem = '{system}'\n[time]\nsteps = 3\nstep = {step:?}\n[output]\nfolder = '{}'\n",
            folder.display()
        );
        fs::write(&file, text).unwrap();
        succeed(&["run", &file, "--set", "gravity.criterion=angle", "--set", "gravity.softening=0.1"]);
        io::snapshot::read(&folder.join("snapshot_001.hdf5"), 0, 1).unwrap()
    };
    let ((_, own), (header, converted)) = (run("nbody", 0.1), run("galactic", 0.1 / ratio));
    assert_eq!(header.units, Some(io::Units::GALACTIC));
    assert!((header.time * ratio - 0.3).abs() < 1e-12);
    for axis in 0..3 {
        for i in 0..500 {
            assert!((own.pos[axis][i] - converted.pos[axis][i]).abs() < 1e-5);
            assert!((own.vel[axis][i] - converted.vel[axis][i] / ratio).abs() < 1e-5);
        }
    }
}

#[test]
fn forces_are_checked_and_written() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let (ic, out, report) = (path("ic.hdf5"), path("f.hdf5"), path("f.json"));
    succeed(&["model", "plummer", "--bodies", "3000", "--seed", "2", "--units", "nbody", "-o", &ic]);
    let force = |more: &[&str]| {
        let outputs = ["--output", &out, "--report", &report, "--overwrite"];
        succeed(&[&["force", &ic, "--check", "500"], &outputs[..], more].concat());
        json(Path::new(&report))
    };
    let coarse = force(&["--criterion", "angle", "--theta", "0.8", "--order", "1"]);
    let fine = force(&["--criterion", "angle", "--theta", "0.4", "--order", "3", "--virtual-ranks", "3"]);
    let rms = |report: &serde_json::Value| report["force_error"]["rms"].as_f64().unwrap();
    assert_eq!((&coarse["force_error"]["sample"], &fine["ranks"]), (&500.into(), &3.into()));
    assert!(rms(&fine) < 1e-3 && rms(&coarse) > 10.0 * rms(&fine), "{} and {}", rms(&fine), rms(&coarse));

    let (_, bodies) = io::snapshot::read(Path::new(&out), 0, 1).unwrap();
    assert_eq!(bodies.len(), 3000);
    assert!(bodies.pot.iter().all(|&pot| pot < 0.0) && bodies.acc[0].iter().any(|&a| a != 0.0));
    assert_eq!(
        force(&[])["notes"].as_array().unwrap().len(),
        1,
        "how the relative criterion found its accelerations"
    );
}

#[test]
fn evaluations_are_repeated_and_held_against_a_reference() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let (ic, exact, other) = (path("ic.hdf5"), path("exact.hdf5"), path("other.hdf5"));
    let (report, table) = (path("f.json"), path("errors.csv"));
    succeed(&["model", "clumps", "--bodies", "3000", "--seed", "2", "--units", "nbody", "-o", &ic]);
    succeed(&["model", "uniform", "--bodies", "2999", "--units", "nbody", "-o", &other]);
    let fine = ["--criterion", "angle", "--theta", "0.2", "--order", "4"];
    succeed(&[&["force", &ic, "--output", &exact], &fine[..]].concat());

    let measured = ["--repeat", "3", "--report", &report, "--check", "3000"];
    let compared = ["--reference", &exact, "--errors", &table, "--virtual-ranks", "3"];
    let text = succeed(&[&["force", &ic], &measured[..], &compared[..]].concat());
    assert!(text.contains("FMA peak") && text.contains("against the reference of 3000 bodies"), "{text}");
    let report = json(Path::new(&report));
    assert_eq!(report["evaluations"], 3);
    assert_eq!(report["evaluation_seconds"]["all"].as_array().unwrap().len(), 3);
    let number = |pointer: &str| report.pointer(pointer).and_then(serde_json::Value::as_f64).unwrap();
    assert!(number("/evaluation_seconds/minimum") <= number("/evaluation_seconds/median"));
    // All bodies compared with direct sums, and with a much more accurate reference.
    let (direct, stored) = (number("/force_error/rms"), number("/reference_error/rms"));
    assert!((stored / direct - 1.0).abs() < 0.02, "{stored} and {direct}");
    assert!(number("/balance/force_sum") < direct);
    assert!(number("/force_error/bias").abs() < direct);
    assert!(number("/memory_bytes_per_body") > 100.0 && number("/fma_peak/sustained/arithmetic") > 0.0);

    let table = fs::read_to_string(table).unwrap();
    let rows: Vec<Vec<f64>> =
        table.lines().skip(1).map(|line| line.split(',').map(|x| x.parse().unwrap()).collect()).collect();
    assert!(
        rows.iter().map(|row| row[0]).eq((0..3000).map(f64::from)),
        "one row for each id, in their order"
    );
    let greatest = rows.iter().map(|row| row[5]).fold(0.0, f64::max);
    assert_eq!(greatest, number("/reference_error/greatest"));

    let message = fail(&["force", &ic, "--reference", &other], 1);
    assert!(message.contains("other.hdf5: has no accelerations"), "{message}");
    succeed(&["force", &other, "--output", &exact, "--overwrite"]);
    let message = fail(&["force", &ic, "--reference", &exact, "--virtual-ranks", "2"], 1);
    assert!(message.contains("exact.hdf5: holds another number of bodies"), "{message}");
}

#[test]
fn the_benchmark_reports_speed_at_a_checked_error() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    let small = ["bench", "--bodies", "3000", "--steps", "2", "--repeat", "2", "--problems", "plummer"];
    let references = path("references.toml");
    let base = [&small[..], &["--references", &references]].concat();
    let (json_file, csv, plot) = (path("bench.json"), path("bench.csv"), path("history.svg"));
    let outputs = ["--json", &json_file, "--csv", &csv, "--plot", &plot, "--price", "1000", "--power", "50"];
    let text = succeed(&[&base[..], &outputs].concat());
    assert!(text.contains("no reference is known") && text.contains("\nPASSED\n"), "{text}");
    let report = json(Path::new(&json_file));
    let results = report["results"].as_array().unwrap();
    let walks: Vec<&str> = results.iter().map(|result| result["walk"].as_str().unwrap()).collect();
    assert_eq!((walks, &report["passed"]), (vec!["fmm", "tree"], &true.into()));
    for result in results {
        let [least, median, greatest] =
            ["least", "median", "greatest"].map(|key| result["seconds_per_step"][key].as_f64().unwrap());
        assert!(0.0 < least && least <= median && median <= greatest);
        let pairs = &result["interactions_per_body"];
        let each: f64 =
            ["body_body", "body_cell", "cell_cell"].map(|kind| pairs[kind].as_f64().unwrap()).iter().sum();
        let gflops = 38.0 * each * 3000.0 * 1e-9 / median;
        assert!((result["gflops"]["gordon-bell"].as_f64().unwrap() / gflops - 1.0).abs() < 1e-9);
        assert!(result["force_error"]["rms"].as_f64().unwrap() < 1.1e-3);
    }
    let value = &report["values"][1];
    let [price, speed] = ["dollars_per_gflop", "gflops_per_watt"].map(|key| value[key].as_f64().unwrap());
    assert!((price * speed * 50.0 / 1000.0 - 1.0).abs() < 1e-12);
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().count(), 3);
    assert!(fs::read_to_string(&plot).unwrap().contains("this machine"));

    // The checksums of the first run are the references of the later ones, on any ranks.
    let text = succeed(&[&base[..], &["--virtual-ranks", "3"]].concat());
    assert!(text.contains("is that of the reference") && !text.contains("not compared"), "{text}");
    let message = fail(&[&base[..], &["--virtual-ranks", "3", "--flip-bit", "2"]].concat(), 1);
    assert!(
        message.contains("FAILED: plummer 1, fmm, 3000 bodies: repetition 2")
            && message.contains("on rank 2 ("),
        "{message}"
    );
    let text = fs::read_to_string(&references).unwrap();
    fs::write(&references, text.replace(" = \"", " = \"f")).unwrap();
    let message = fail(&base, 1);
    assert!(message.contains("but that of the reference is f"), "{message}");
    let text = succeed(&[&small[..], &["--walks", "fmm", "--burn-in", "0.0003"]].concat());
    assert!(text.contains("round 2, ") && text.contains("as in the first"), "{text}");
}

#[test]
fn failures_are_one_line() {
    let (root, file, folder) = prepare(RUN);
    let missing = root.path().join("none.hdf5");
    let from_missing = format!("initial={{ file = '{}' }}", missing.display());
    let inside_file = format!("output.folder='{file}/out'");
    let cases: [(&[&str], i32, &str); 9] = [
        (&["run", "nowhere.toml"], 1, "nowhere.toml: cannot read"),
        (&["run", &file, "--set", "time.stepp=1"], 1, "time.stepp: unknown key"),
        (&["run", &file, "--set", &from_missing], 1, "none.hdf5"),
        (&["run", &file, "--set", &inside_file], 1, "run.toml/out: cannot make the output folder"),
        (&["run", &file, "--threads", "0"], 2, "invalid value '0' for '--threads <N>'"),
        (&["run", &file, "--threads", "many"], 2, "invalid value 'many' for '--threads <N>'"),
        (&["force", &file], 1, "run.toml"),
        (&["model", "plummer", "--bodies", "0", "-o", "x.hdf5"], 1, "bodies = 0: must be at least 1"),
        (&["dance"], 2, "unrecognized subcommand 'dance'"),
    ];
    for (arguments, code, words) in cases {
        for ranks in [&[][..], &["--virtual-ranks", "3"]] {
            let collective = matches!(arguments[0], "run" | "force");
            let message =
                fail(&if collective { [arguments, ranks].concat() } else { arguments.to_vec() }, code);
            assert!(message.starts_with("heorot: ") && message.contains(words), "{arguments:?}: {message}");
        }
    }
    assert!(!folder.exists(), "a run that cannot start makes no folder");
}

#[test]
fn a_run_is_filmed_with_the_same_bits_on_any_ranks_and_after_a_restart() {
    let text = format!("{RUN}\n[movie]\nevery = 0.1\nsize = [200, 160]\nformat = \"apng\"\n");
    let frames = |folder: &Path| -> Vec<Vec<u8>> {
        (0..=5).map(|i| fs::read(folder.join(format!("frame_{i:05}.png"))).unwrap()).collect()
    };
    let (_root, file, folder) = prepare(&text);
    let log = succeed(&["run", &file, "--threads", "2"]);
    assert!(log.contains("frames.apng of 6 frames"), "{log}");
    let expected = frames(&folder);
    assert!(expected.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(!folder.join("frame_00006.png").exists());
    assert_eq!(&fs::read(folder.join("frames.apng")).unwrap()[1..4], b"PNG");
    let files = &json(&folder.join("report.json"))["files"];
    assert_eq!(files["frames"], 6);
    assert!(files["frame_seconds"].as_f64().unwrap() > 0.0);

    succeed(&[
        "run",
        &file,
        "--threads",
        "1",
        "--virtual-ranks",
        "3",
        "--overwrite",
        "--set",
        "time.end=0.4",
    ]);
    assert!(folder.join("frame_00004.png").exists() && !folder.join("frame_00005.png").exists());
    succeed(&["run", &file, "--threads", "1", "--virtual-ranks", "2", "--restart"]);
    assert!(frames(&folder) == expected, "frames differ");
}

#[test]
fn a_movie_that_cannot_be_made_is_refused_before_the_run() {
    for (keys, expected) in [
        ("every = 0", "movie.every = 0.0: must be above 0"),
        ("every = 1\nsize = [10, 200]", "a picture of 10x200 pixels"),
        ("every = 1\ntypes = [7]", "movie.types.0: 7 is no particle type"),
        ("every = 1\nrange = [2.0, 1.0]", "movie.range: 2.0 is not below 1.0"),
        ("every = 1\ncolour = \"inferno\"", "colours"),
        ("every = 1\nframes_per_second = 200", "movie.frames_per_second: 200.0 frames per second"),
        ("every = 1\nframes_per_second = 60", "can show from 0.1 to 50"),
        ("every = 1\nframes_per_second = 200\nformat = \"apng\"", "can show from 0.1 to 120"),
        ("every = 1\nframes_per_second = 0\nformat = \"none\"", "movie.frames_per_second: 0.0 frames"),
        ("every = 1\ntypes = [4]", "movie.types: there are no bodies of type 4"),
        ("every = 1\nwidth = 2.0\ntypes = [0, 4]", "movie.types: there are no bodies of type 0, 4"),
    ] {
        let (_root, file, folder) = prepare(&format!("{RUN}\n[movie]\n{keys}\n"));
        let line = fail(&["run", &file], 1);
        assert!(line.contains(expected), "{keys}: {line}");
        assert!(!folder.exists());
    }
}

/// A substitute for ffmpeg that records its arguments and counts its input.
#[cfg(unix)]
#[test]
fn ranks_draw_the_pictures_of_one() {
    let (folder, file, out) = prepare(RUN);
    succeed(&["run", &file]);
    let snapshots: Vec<String> =
        (0..3).map(|k| out.join(format!("snapshot_00{k}.hdf5")).display().to_string()).collect();
    let wishes: [(&str, &[&str]); 4] = [
        ("still.png", &["--colour-by", "galaxy", "--perspective", "40"]),
        ("between.gif", &["--frames", "5", "--colour-by", "velocity", "--follow", "mass"]),
        ("arrival.apng", &["--colour-by", "arrival", "--arrival-radius", "0.8", "--follow", "17"]),
        ("folder", &["--range", "5%:99%"]),
    ];
    for (name, wish) in wishes {
        let draw = |place: &str, more: &[&str]| {
            let path = folder.path().join(place).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let shown = path.display().to_string();
            let files = if name == "still.png" { &snapshots[2..] } else { &snapshots[..] };
            let mut line = vec!["render", "-o", &shown, "--size", "160"];
            line.extend(files.iter().map(String::as_str).chain(wish.iter().chain(more).copied()));
            succeed(&line);
            if path.is_dir() {
                names(&path).iter().map(|name| fs::read(path.join(name)).unwrap()).collect()
            } else {
                vec![fs::read(path).unwrap()]
            }
        };
        let one = draw("one", &[]);
        assert!(one == draw("three", &["--virtual-ranks", "3"]), "{name} on three ranks");
        assert!(one == draw("many", &["--virtual-ranks", "70", "--threads", "3"]), "{name} on many ranks");
    }
    let lost =
        fail(&["render", &snapshots[0], "-o", "never.png", "--follow", "600", "--virtual-ranks", "3"], 1);
    assert!(lost.contains("snapshot_000.hdf5") && lost.contains("id 600"), "{lost}");
}

#[test]
fn ffmpeg_makes_the_mp4_or_one_line_says_why_not() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name).to_str().unwrap().to_owned();
    for (seed, name) in [("1", "a.hdf5"), ("2", "b.hdf5")] {
        succeed(&[
            "model",
            "plummer",
            "--bodies",
            "500",
            "--seed",
            seed,
            "--units",
            "nbody",
            "-o",
            &path(name),
        ]);
    }
    let tool = |script: &str| {
        fs::write(root.path().join("ffmpeg"), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(root.path().join("ffmpeg"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let render = |search: &str| {
        Command::new(env!("CARGO_BIN_EXE_heorot"))
            .args([
                "render",
                &path("a.hdf5"),
                "--orbit",
                "90",
                "--frames",
                "3",
                "--size",
                "200x160",
                "-o",
                &path("film.mp4"),
            ])
            .env("PATH", search)
            .output()
            .unwrap()
    };
    let line = |output: &Output| String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let with_tool = format!("{}:/usr/bin:/bin", root.path().display());

    let missing = render("/nowhere");
    assert_eq!(missing.status.code(), Some(1));
    assert_eq!(
        line(&missing),
        "heorot: ffmpeg is not there, which .mp4 needs; .gif and .apng are made without it"
    );

    tool("[ \"$1\" = -version ] && exit\nfor last; do :; done\necho \"$@\" > \"$last\"\nwc -c >> \"$last\"");
    let made = render(&with_tool);
    assert!(made.status.success(), "{}", line(&made));
    let told = fs::read_to_string(root.path().join("film.mp4")).unwrap();
    assert!(told.contains("-video_size 200x160") && told.contains("-framerate 15"), "{told}");
    assert_eq!(told.lines().last().unwrap().trim(), (3 * 200 * 160 * 3).to_string(), "three frames of RGB");

    fs::remove_file(root.path().join("film.mp4")).unwrap();
    tool(
        "[ \"$1\" = -version ] && exit\nfor last; do :; done\necho half > \"$last\"\necho no such encoder >&2\nexit 3",
    );
    let failed = render(&with_tool);
    assert_eq!(failed.status.code(), Some(1));
    assert!(line(&failed).ends_with("film.mp4: ffmpeg failed: no such encoder"), "{}", line(&failed));
    assert!(!names(root.path()).iter().any(|name| name.starts_with("film")), "{:?}", names(root.path()));
}

/// A table of bodies that all have id 0, and the same without ids.
fn tables(folder: &Path, bodies: usize) -> [String; 2] {
    let row = |i: usize| {
        let place = |salt: usize| ((i * 7919 + salt) * 104_729 % 65_537) as f64 / 65_537.0;
        format!("1 {} {} {} 0 0 0", place(1), place(2), place(3))
    };
    [("zero.txt", " id", " 0"), ("none.txt", "", "")].map(|(name, head, id)| {
        let rows: String = (0..bodies).map(|i| format!("{}{id}\n", row(i))).collect();
        let path = folder.join(name);
        fs::write(&path, format!("mass x y z vx vy vz{head}\n{rows}")).unwrap();
        path.to_str().unwrap().to_owned()
    })
}

/// Bodies that share an id attract each other. They get new ids with a warning, and are compared
/// with the exact sum like all others.
#[test]
fn ids_that_are_shared_change_no_force() {
    let root = tempfile::tempdir().unwrap();
    let [zero, none] = tables(root.path(), 300);
    for walk in ["direct", "fmm"] {
        let of = |file: &str| {
            let out = root.path().join(format!("{walk}.hdf5"));
            let options = ["--walk", walk, "--units", "nbody", "--check", "300"];
            let output = heorot(&[&["force", file, "-o", out.to_str().unwrap()][..], &options].concat());
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{said}");
            let (header, bodies) = io::snapshot::read(&out, 0, 1).unwrap();
            fs::remove_file(&out).unwrap();
            assert!(header.has_invented_ids());
            (bodies, said)
        };
        let ((shared, said), (expected, _)) = (of(&zero), of(&none));
        assert!(
            said.contains("zero.txt: 300 bodies have an id that another one has, too, such as 0"),
            "{said}"
        );
        assert!(said.contains("numbered anew in the order of the file"), "{said}");
        assert!(shared.acc.iter().flatten().all(|a| *a != 0.0));
        assert_eq!(shared, expected, "{walk}");
    }
    // A reference must have the same bodies at the same positions.
    let [reference, moved] = ["reference.hdf5", "moved.txt"].map(|name| root.path().join(name));
    let reference = reference.to_str().unwrap();
    succeed(&["force", &none, "-o", reference, "--units", "nbody", "--walk", "direct"]);
    succeed(&["force", &zero, "--units", "nbody", "--reference", reference]);
    let text = fs::read_to_string(&none).unwrap();
    let (head, rows) = text.split_once('\n').unwrap();
    let turned: Vec<String> = rows.lines().rev().zip(0..).map(|(row, id)| format!("{row} {id}\n")).collect();
    fs::write(&moved, format!("{head} id\n{}", turned.concat())).unwrap();
    let line = fail(&["force", moved.to_str().unwrap(), "--units", "nbody", "--reference", reference], 1);
    assert!(line.contains("reference.hdf5") && line.contains("at another place"), "{line}");
}

/// Messages escape control characters. A script must not, since a machine file may have tabs.
#[test]
fn a_job_script_is_printed_as_it_is_written() {
    let (root, file, _) = prepare(RUN);
    let [machine, script] = ["machine", "job.sh"].map(|name| root.path().join(name));
    fs::write(&machine, "if true; then\n\tmodule load mpi # \u{202e}\nfi\n").unwrap();
    let command = ["jobscript", &file, "--scheduler", "slurm", "--time", "1:00:00", "--machine"];
    let command = [&command[..], &[machine.to_str().unwrap()]].concat();
    let printed = succeed(&command);
    assert!(printed.contains("\n\tmodule load mpi # \u{202e}\n"), "{printed}");
    succeed(&[&command[..], &["-o", script.to_str().unwrap()]].concat());
    assert_eq!(printed, fs::read_to_string(&script).unwrap());
}

/// All commands that draw a model check the memory first.
#[test]
fn a_model_of_too_many_bodies_is_refused_in_one_line() {
    let (root, file, _) = prepare(&RUN.replace("collision", "plummer").replace("spin = 0.5\n", ""));
    let output = root.path().join("model.hdf5");
    for bodies in ["1000000000000", "9000000000000000000"] {
        let set = format!("initial.bodies={bodies}");
        let study = root.path().join("study");
        for command in [
            &["model", "plummer", "--bodies", bodies, "-o", output.to_str().unwrap()][..],
            &["run", &file, "--set", &set],
            &["study", "virtual", &file, "--set", &set, "--ranks", "2", "-o", study.to_str().unwrap()],
        ] {
            let ended = heorot(command);
            let said = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(ended.status.code(), Some(1), "{command:?}: {said}");
            assert!(said.contains("GB of memory") && said.lines().count() == 1, "{command:?}: {said}");
        }
    }
    assert!(!output.exists());
}

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
    assert!(message.contains("potential = ") && message.contains("restart cannot change"), "{message}");
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
