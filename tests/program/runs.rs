//! Runs: their files, bits, restarts and mistakes.

use super::*;

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
