//! Single force evaluations, and the benchmark.

use super::*;

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
