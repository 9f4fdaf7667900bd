//! Tests of output files: what is replaced, what is refused, and what a failure leaves behind.

use super::*;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::sync::Barrier;

fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn fault(outputs: Outputs, path: &Path, kind: Kind) -> String {
    let mut outputs = outputs;
    let message = outputs.file(path, kind).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: ", path.display())), "{message}");
    message
}

#[test]
fn a_file_of_the_program_is_replaced_and_leaves_no_part() {
    let folder = tempfile::tempdir().unwrap();
    let target = Target::own(folder.path().join("report.json"));
    target.write(b"old").unwrap();
    target.write_json(&serde_json::json!({ "seconds": 1.5 })).unwrap();
    assert_eq!(fs::read_to_string(target.path()).unwrap(), "{\n  \"seconds\": 1.5\n}\n");
    assert_eq!(entries(folder.path()), ["report.json"]);
    let missing = Target::own(folder.path().join("none/report.json"));
    let message = missing.write(b"{}").unwrap_err().to_string();
    let expected =
        format!("{}: cannot write: No such file or directory (os error 2)", missing.path().display());
    assert_eq!(message, expected);
    fs::create_dir(folder.path().join("taken")).unwrap();
    Target::own(folder.path().join("taken")).write(b"{}").unwrap_err();
    assert_eq!(entries(folder.path()), ["report.json", "taken"]);
}

#[test]
fn what_is_there_stays_unless_the_user_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("there.csv"), "precious").unwrap();
    symlink(at("there.csv"), at("link.csv")).unwrap();
    symlink(at("nothing"), at("dangling.csv")).unwrap();
    fs::create_dir(at("folder.csv")).unwrap();
    for name in ["there.csv", "link.csv", "dangling.csv"] {
        assert!(fault(Outputs::new(false), &at(name), Kind::TABLE).contains("--overwrite"), "{name}");
        Outputs::new(true).file(&at(name), Kind::TABLE).unwrap();
    }
    for overwrite in [false, true] {
        for name in ["folder.csv", "folder.csv/", "..", "new.csv/"] {
            assert!(fault(Outputs::new(overwrite), &at(name), Kind::TABLE).contains("a folder"), "{name}");
        }
        let message = fault(Outputs::new(overwrite), &at("none/new.csv"), Kind::TABLE);
        assert!(message.contains("cannot write: No such file"), "{message}");
        let message = fault(Outputs::new(overwrite), &at("there.csv/new.csv"), Kind::TABLE);
        assert!(message.contains("cannot write: Not a directory"), "{message}");
    }
    // A link is replaced, not what it points to.
    Outputs::new(true).file(&at("link.csv"), Kind::TABLE).unwrap().write(b"new").unwrap();
    assert_eq!(fs::read(at("there.csv")).unwrap(), b"precious");
    assert_eq!(fs::read(at("link.csv")).unwrap(), b"new");
}

#[test]
fn an_input_is_never_written_under_any_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("in.csv"), "precious").unwrap();
    symlink(at("in.csv"), at("link.csv")).unwrap();
    symlink(at("link.csv"), at("second.csv")).unwrap();
    fs::hard_link(at("in.csv"), at("hard.csv")).unwrap();
    symlink(folder.path(), at("again")).unwrap();
    let names = ["in.csv", "link.csv", "second.csv", "hard.csv", "again/in.csv"];
    for input in names {
        for output in names {
            for overwrite in [false, true] {
                let outputs = Outputs::new(overwrite).reading([at(input)]);
                let message = fault(outputs, &at(output), Kind::TABLE);
                assert!(message.contains("input"), "{input} to {output}: {message}");
            }
        }
    }
    assert_eq!(fs::read(at("in.csv")).unwrap(), b"precious");
}

#[test]
fn two_outputs_of_one_command_have_two_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut outputs = Outputs::new(true);
    outputs.file(&folder.path().join("a.csv"), Kind::TABLE).unwrap();
    let message = outputs.file(&folder.path().join("./a.csv"), Kind::TABLE).unwrap_err().to_string();
    assert!(message.contains("named twice"), "{message}");
    outputs.snapshot(&folder.path().join("b.hdf5"), 3).unwrap();
    outputs.file(&folder.path().join("b.1.hdf5"), Kind::CATALOGUE).unwrap_err();
}

#[test]
fn names_must_end_as_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, fine, wrong) in [
        (
            Kind::SNAPSHOT,
            &["a.hdf5", "a.h5", "a.HDF5", "a.b.hdf5"][..],
            &["a.npy", "a.txt", "a", "hdf5", ".hdf5"][..],
        ),
        (Kind::REPORT, &["a.json"], &["a.csv", "a.jsonx", "json"]),
        (Kind::PLOT, &["a.png", "a.SVG", "a.pdf"], &["a.ps", "a.gif", "a.png.txt"]),
        (Kind::SCRIPT, &["a", "a.job", "run.slurm", "a.txt"], &["a.hdf5", "a.toml", "a.PNG"]),
    ] {
        for name in fine {
            Outputs::new(false).file(&folder.path().join(name), kind).unwrap();
        }
        for name in wrong {
            let message = fault(Outputs::new(true), &folder.path().join(name), kind);
            let endings_named = kind.endings.iter().all(|ending| message.contains(&format!(".{ending}")));
            assert!(message.contains("must") && endings_named, "{message}");
        }
    }
}

#[test]
fn only_text_goes_to_devices_and_pipes() {
    for path in ["/dev/null", "/dev/full", "/dev/zero"].map(Path::new) {
        assert!(fault(Outputs::new(true), path, Kind::SNAPSHOT).contains("regular file"));
    }
    Outputs::new(false).file(Path::new("/dev/null"), Kind::REPORT).unwrap().write(b"{}").unwrap();
    let full = Outputs::new(false).file(Path::new("/dev/full"), Kind::REPORT).unwrap();
    assert!(full.write(b"{}").unwrap_err().to_string().contains("cannot write: No space left"));
    assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());

    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    let target = Outputs::new(true).file(&pipe, Kind::TABLE).unwrap();
    assert!(target.write(b"1").unwrap_err().to_string().contains("nobody reads"));
    let reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
    target.write(b"1\n").unwrap();
    let mut got = [0; 2];
    (&reader).read_exact(&mut got).unwrap();
    assert_eq!((&got, entries(folder.path())), (b"1\n", vec!["pipe".to_owned()]));
    // A file that this process has open, under its standing name.
    let open = File::create(folder.path().join("open.csv")).unwrap();
    let name = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open)));
    assert!(fault(Outputs::new(true), &name, Kind::SNAPSHOT).contains("regular file"));
    Outputs::new(true).file(&name, Kind::TABLE).unwrap().write(b"2\n").unwrap();
    assert_eq!(fs::read(folder.path().join("open.csv")).unwrap(), b"2\n");
    let socket = folder.path().join("socket.csv");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    assert!(fault(Outputs::new(true), &socket, Kind::TABLE).contains("not a regular file"));
}

/// Of programs that write one new file at the same time, one does and the others say that they did not; and they do not share their parts.
#[test]
fn of_two_that_make_a_file_at_once_one_is_told() {
    type Rename = fn(&Path, &Path) -> io::Result<()>;
    let ways: [(&str, Rename); 3] =
        [("rename", rename_to_free_name), ("link", link_to_free_name), ("take", take_free_name)];
    for (name, rename) in ways {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let parts = [0, 1, 2, 3].map(|i| folder.path().join(format!("part{i}")));
        parts.iter().for_each(|part| fs::write(part, part.to_str().unwrap()).unwrap());
        let start = Barrier::new(parts.len());
        let ends: Vec<io::Result<()>> = std::thread::scope(|scope| {
            let run = |part: &PathBuf| {
                start.wait();
                rename(part, &path)
            };
            let threads: Vec<_> = parts.iter().map(|part| scope.spawn(move || run(part))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let winners: Vec<usize> = (0..4).filter(|&i| ends[i].is_ok()).collect();
        assert_eq!(winners.len(), 1, "{name}: {ends:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), parts[winners[0]].to_str().unwrap());
        let told = ends.iter().filter_map(|end| end.as_ref().err());
        assert!(told.into_iter().all(|error| error.kind() == ErrorKind::AlreadyExists), "{name}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let targets = [0, 1].map(|_| Outputs::new(false).file(&path, Kind::TABLE).unwrap());
    targets[0].write(b"first").unwrap();
    assert!(targets[1].write(b"second").unwrap_err().to_string().contains("meanwhile"));
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(entries(folder.path()), ["a.csv"]);
}

#[test]
fn a_part_does_not_replace_a_file_of_that_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv.part"), "precious").unwrap();
    let target = Outputs::new(false).file(&folder.path().join("a.csv"), Kind::TABLE).unwrap();
    target.write(b"1").unwrap();
    drop(Outputs::new(true).file(target.path(), Kind::TABLE).unwrap().begin().unwrap());
    assert_eq!(entries(folder.path()), ["a.csv", "a.csv.part"]);
    assert_eq!(fs::read(folder.path().join("a.csv.part")).unwrap(), b"precious");
    fs::write(target.part_of(target.path()), "another's").unwrap();
    assert!(target.begin().is_err());
}

#[test]
fn all_files_of_a_set_take_their_names_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let target = Outputs::new(false).snapshot(&folder.path().join("a.hdf5"), 3).unwrap();
    let files: Vec<(PathBuf, PathBuf)> = crate::snapshot::names(target.path(), 3)
        .into_iter()
        .map(|path| (target.part_of(&path), path))
        .collect();
    files.iter().for_each(|(part, _)| fs::write(part, "new").unwrap());
    fs::write(&files[1].1, "another's").unwrap();
    assert!(target.settle(&files).unwrap_err().to_string().contains("meanwhile"));
    let left = files.iter().map(|(_, path)| fs::read_to_string(path).ok());
    assert_eq!(left.collect::<Vec<_>>(), [None, Some("another's".to_owned()), None]);
}

#[test]
fn additions_of_many_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.toml");
    std::thread::scope(|scope| {
        for i in 0..16 {
            let path = &path;
            scope.spawn(move || update(path, |old| Ok::<_, Error>(format!("{old}a{i:02} = 1\n"))).unwrap());
        }
    });
    let mut lines: Vec<String> = fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, (0..16).map(|i| format!("a{i:02} = 1")).collect::<Vec<_>>());
    let refused = |path: &Path| update(path, |_| Err(Error::output(path, "no"))).unwrap_err().to_string();
    assert!(refused(&path).ends_with("no") && refused(&folder.path().join("b.toml")).ends_with("no"));
    assert!(refused(&folder.path().join("b.json")).contains(".toml"));
    fs::create_dir(folder.path().join("c.toml")).unwrap();
    assert!(refused(&folder.path().join("c.toml")).contains("is a folder, not a file"));
    assert_eq!(entries(folder.path()), ["c.toml", "list.toml"]);
}
