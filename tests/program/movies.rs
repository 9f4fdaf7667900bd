//! Pictures and movies of runs.

use super::*;

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
