//! No command writes to an unexpected place. The tests list every option of every command that
//! names a file, and test those that are written.

use clap::{Arg, CommandFactory};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Use of a path option.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Use {
    /// A file that is read.
    Input,
    /// The command's own folder, or a file that grows. Has a separate test below or elsewhere.
    Own,
    /// Files that are written, listed in [`WRITERS`].
    Output,
}
use Use::{Input, Output as Written, Own};

/// Every option of every command whose value is a path.
const PATHS: [(&str, &str, Use); 69] = [
    ("run", "file", Input),
    ("status", "folder", Input),
    ("plan", "file", Input),
    ("jobscript", "file", Input),
    ("jobscript", "machine", Input),
    ("jobscript", "output", Written),
    ("doctor", "folder", Own),
    ("man", "folder", Own),
    ("force", "file", Input),
    ("force", "reference", Input),
    ("force", "output", Written),
    ("force", "errors", Written),
    ("force", "report", Written),
    ("model", "from", Input),
    ("model", "output", Written),
    ("render", "snapshots", Input),
    ("render", "camera", Input),
    ("render", "outputs", Written),
    ("poster", "snapshots", Input),
    ("poster", "output", Written),
    ("view", "snapshots", Input),
    ("view", "output", Written),
    ("plot run", "folder", Input),
    ("plot run", "path", Written),
    ("plot profile", "snapshots", Input),
    ("plot profile", "path", Written),
    ("plot surface-density", "snapshots", Input),
    ("plot surface-density", "path", Written),
    ("plot tidal-radius", "snapshots", Input),
    ("plot tidal-radius", "path", Written),
    ("plot bar", "snapshots", Input),
    ("plot bar", "path", Written),
    ("plot separation", "snapshots", Input),
    ("plot separation", "path", Written),
    ("plot lagrange", "snapshots", Input),
    ("plot lagrange", "path", Written),
    ("plot phase", "snapshot", Input),
    ("plot phase", "path", Written),
    ("plot force-error", "file", Input),
    ("plot force-error", "path", Written),
    ("plot mass-function", "catalogues", Input),
    ("plot mass-function", "linear", Input),
    ("plot mass-function", "path", Written),
    ("halos", "file", Input),
    ("halos", "output", Written),
    ("spectrum", "files", Input),
    ("spectrum", "linear", Input),
    ("spectrum", "output", Written),
    ("spectrum", "correlation", Written),
    ("spectrum", "plot", Written),
    ("info", "file", Input),
    ("convert", "input", Input),
    ("convert", "output", Written),
    ("combine", "first", Input),
    ("combine", "second", Input),
    ("combine", "output", Written),
    ("extract", "input", Input),
    ("extract", "output", Written),
    ("bench", "json", Written),
    ("bench", "csv", Written),
    ("bench", "plot", Written),
    ("bench", "references", Own),
    ("study strong", "file", Input),
    ("study strong", "output", Written),
    ("study strong", "machine", Input),
    ("study virtual", "file", Input),
    ("study virtual", "output", Written),
    ("network replay", "output", Written),
    ("network measure", "file", Own),
];

/// A command line that writes. `OUT` is the output name without its ending, and `DIR` is the folder
/// of the inputs.
struct Writer {
    line: &'static str,
    /// Allowed endings of the output. The first one is used here.
    endings: &'static [&'static str],
    /// Endings of files that are written beside it.
    beside: &'static [&'static str],
    /// An input of the command, which must not be overwritten under any name.
    input: &'static str,
    /// Whether the command is run to its end here. A benchmark and a study take too long.
    runs: bool,
}

const fn writer(line: &'static str, endings: &'static [&'static str], input: &'static str) -> Writer {
    Writer { line, endings, beside: &[], input, runs: true }
}

const fn plot(line: &'static str, input: &'static str) -> Writer {
    Writer { line, endings: &["svg", "png", "pdf"], beside: &["csv"], input, runs: true }
}

const HDF5: &[&str] = &["hdf5", "h5"];

const WRITERS: [Writer; 32] = [
    writer("jobscript DIR/run.toml --scheduler slurm --time 1:00:00 -o OUT", &["job", "sh"], "run.toml"),
    writer("force DIR/a.hdf5 -o OUT", HDF5, "a.hdf5"),
    writer("force DIR/a.hdf5 --report OUT", &["json"], "a.hdf5"),
    writer("force DIR/a.hdf5 --reference DIR/f.hdf5 --errors OUT", &["csv"], "f.hdf5"),
    writer("model two-body --eccentricity 0.5 --units nbody -o OUT", HDF5, ""),
    writer("model --from DIR/run.toml -o OUT", HDF5, "run.toml"),
    writer("model two-body --eccentricity 0.5 --units nbody --files 3 -o OUT", HDF5, ""),
    writer("render DIR/a.hdf5 --size 160 -o OUT", &["png"], "a.hdf5"),
    writer("render DIR/a.hdf5 DIR/b.hdf5 --size 160 -o OUT", &["gif"], "b.hdf5"),
    writer("render DIR/a.hdf5 DIR/b.hdf5 --size 160 -o OUT", &["apng"], "a.hdf5"),
    writer("poster DIR/a.hdf5 DIR/b.hdf5 --size 160 -o OUT", &["png", "svg", "pdf"], "b.hdf5"),
    writer("view DIR/a.hdf5 DIR/b.hdf5 -o OUT", &["html"], "b.hdf5"),
    plot("plot run DIR -o OUT", "energy.csv"),
    plot("plot profile DIR/a.hdf5 -o OUT", "a.hdf5"),
    plot("plot surface-density DIR/a.hdf5 -o OUT", "a.hdf5"),
    // 50 bodies are too few for a bar.
    Writer { runs: false, ..plot("plot bar DIR/a.hdf5 DIR/b.hdf5 -o OUT", "b.hdf5") },
    plot("plot separation DIR/a.hdf5 DIR/b.hdf5 --galaxies 0-24,25-49 -o OUT", "b.hdf5"),
    plot("plot tidal-radius DIR/a.hdf5 DIR/b.hdf5 --galaxies 0-24,25-49 -o OUT", "b.hdf5"),
    plot("plot lagrange DIR/a.hdf5 DIR/b.hdf5 -o OUT", "b.hdf5"),
    plot("plot phase DIR/a.hdf5 -o OUT", "a.hdf5"),
    plot("plot force-error DIR/a.hdf5 --sample 9 --orders 1 --thetas 1 --tolerances 0.1 -o OUT", "a.hdf5"),
    plot("plot mass-function DIR/h.hdf5 -o OUT", "h.hdf5"),
    writer("halos DIR/a.hdf5 --linking-length 0.5 --min-members 2 -o OUT", HDF5, "a.hdf5"),
    writer("spectrum DIR/a.hdf5 --box 1 --grid 4 -o OUT", &["csv"], "a.hdf5"),
    Writer {
        beside: &["svg.csv"],
        ..plot("spectrum DIR/a.hdf5 --box 1 --grid 4 -o OUT.csv --plot OUT", "a.hdf5")
    },
    writer("convert DIR/set.0.hdf5 OUT", HDF5, "set.1.hdf5"),
    writer("combine DIR/a.hdf5 DIR/b.hdf5 -o OUT", HDF5, "b.hdf5"),
    writer("extract DIR/set.1.hdf5 OUT --region sphere:0,0,0,9", HDF5, "set.0.hdf5"),
    Writer { runs: false, ..writer("bench --bodies 1000 --json OUT", &["json"], "") },
    Writer { runs: false, ..writer("bench --bodies 1000 --csv OUT", &["csv"], "") },
    Writer { runs: false, ..plot("bench --bodies 1000 --plot OUT", "") },
    Writer {
        beside: &["csv"],
        ..writer(
            "network replay DIR/trace.json --network myrinet -o OUT",
            &["svg", "png", "pdf"],
            "trace.json",
        )
    },
];

fn heorot(line: &str) -> Output {
    let words = line.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_heorot")).args(words).stdin(Stdio::null()).output().unwrap()
}

fn succeed(line: &str) {
    let output = heorot(line);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Runs a command that must fail. Returns its one-line error.
fn fail(line: &str) -> String {
    let output = heorot(line);
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && output.status.code().is_some(), "{line} succeeds");
    let errors: Vec<&str> = text.lines().filter(|line| !line.contains("warning:")).collect();
    assert!(errors.len() == 1 && errors[0].starts_with("heorot: "), "{line}: {text}");
    errors[0].to_owned()
}

/// A folder with one of each kind of input.
fn inputs() -> &'static Path {
    static INPUTS: OnceLock<TempDir> = OnceLock::new();
    let folder = INPUTS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().display().to_string();
        let parameters = "[initial]\nmodel = \"plummer\"\nbodies = 50\n[units]\nsystem = \"nbody\"\n\
                          [time]\nsteps = 1\nstep = 0.01\n[output]\nfolder = \"out\"\n";
        fs::write(folder.path().join("run.toml"), parameters).unwrap();
        succeed(&format!("model plummer --bodies 50 --units nbody -o {dir}/a.hdf5"));
        succeed(&format!("model plummer --bodies 50 --units nbody --files 2 -o {dir}/set.hdf5"));
        succeed(&format!("force {dir}/a.hdf5 -o {dir}/f.hdf5"));
        succeed(&format!("halos {dir}/a.hdf5 --linking-length 0.5 --min-members 2 -o {dir}/h.hdf5"));
        fs::copy(folder.path().join("a.hdf5"), folder.path().join("b.hdf5")).unwrap();
        fs::write(folder.path().join("energy.csv"), "step,time,energy\n0,0,-1\n1,0.1,-1.01\n").unwrap();
        succeed(&format!(
            "study virtual {dir}/run.toml --set gravity.walk=\"tree\" --ranks 2 -o {dir}/virtual"
        ));
        fs::rename(folder.path().join("virtual/trace-00002.json"), folder.path().join("trace.json")).unwrap();
        folder
    });
    folder.path()
}

fn names(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

impl Writer {
    fn line(&self, out: &Path) -> String {
        self.line.replace("DIR", inputs().to_str().unwrap()).replace("OUT", out.to_str().unwrap())
    }

    /// The files that the command writes under a name.
    fn files(&self, out: &Path) -> Vec<PathBuf> {
        if self.line.contains("--files 3") {
            return io::snapshot::names(out, 3);
        }
        std::iter::once(out.to_owned()).chain(self.beside.iter().map(|end| out.with_extension(end))).collect()
    }
}

#[test]
fn every_option_that_names_a_file_is_known() {
    fn walk(command: &clap::Command, name: &str, found: &mut Vec<(String, String)>) {
        let is_path = |arg: &&Arg| arg.get_value_parser().type_id() == std::any::TypeId::of::<PathBuf>();
        let paths = command.get_arguments().filter(is_path).map(|arg| arg.get_id().to_string());
        found.extend(paths.map(|id| (name.to_owned(), id)));
        for sub in command.get_subcommands() {
            walk(sub, format!("{name} {}", sub.get_name()).trim(), found);
        }
    }
    let mut found = Vec::new();
    walk(&heorot::cli::Cli::command(), "", &mut found);
    assert!(found.len() > 40, "{found:?}");
    // Options shared by strong and weak studies, and by network list and replay, are listed once.
    let same = ["study weak", "network list"];
    for (command, id) in found.iter().filter(|(command, _)| !same.contains(&command.as_str())) {
        let known = PATHS.iter().find(|(name, other, _)| name == command && other == id);
        let replay_input = command == "network replay" && (id == "traces" || id == "file");
        assert!(
            known.is_some() || replay_input,
            "{command}: is {id} read or written? Say so here, and test it"
        );
        if known.is_some_and(|(_, _, what)| *what == Written) && !command.starts_with("study") {
            let tested = WRITERS.iter().filter(|writer| writer.line.starts_with(command.as_str()));
            assert!(tested.count() > 0, "{command} {id} is not tested");
        }
    }
    for (command, id, _) in PATHS {
        assert!(found.iter().any(|(name, other)| name == command && other == id), "{command} has no {id}");
    }
}

#[test]
fn a_file_that_is_there_is_replaced_only_if_told_so() {
    for writer in &WRITERS {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join(format!("out.{}", writer.endings[0]));
        for taken in writer.files(&out) {
            fs::write(&taken, "precious").unwrap();
            let message = fail(&writer.line(&out));
            let expected = format!("{}: exists already", taken.display());
            assert!(message.contains(&expected) && message.contains("--overwrite"), "{message}");
            assert_eq!(fs::read(&taken).unwrap(), b"precious", "{}", writer.line);
            assert_eq!(names(folder.path()).len(), 1, "{}: {:?}", writer.line, names(folder.path()));
            fs::remove_file(&taken).unwrap();
        }
        if !writer.runs {
            continue;
        }
        // The output is new, and then it is overwritten as requested.
        succeed(&writer.line(&out));
        let files = writer.files(&out);
        assert_eq!(names(folder.path()).len(), files.len(), "{}: {:?}", writer.line, names(folder.path()));
        files.iter().for_each(|file| fs::write(file, "old").unwrap());
        succeed(&format!("{} --overwrite", writer.line(&out)));
        assert!(files.iter().all(|file| fs::read(file).unwrap() != b"old"), "{}", writer.line);
        assert_eq!(names(folder.path()).len(), files.len());
    }
}

#[test]
fn an_input_is_never_an_output() {
    for writer in WRITERS.iter().filter(|writer| !writer.input.is_empty()) {
        let folder = tempfile::tempdir().unwrap();
        let input = inputs().join(writer.input);
        let before = fs::read(&input).unwrap();
        let out = folder.path().join(format!("out.{}", writer.endings[0]));
        for place in writer.files(&out) {
            for hard in [true, false] {
                if hard {
                    fs::hard_link(&input, &place).unwrap()
                } else {
                    symlink(&input, &place).unwrap()
                }
                for more in ["", " --overwrite"] {
                    let message = fail(&(writer.line(&out) + more));
                    assert!(message.contains("input"), "{}: {message}", writer.line);
                }
                assert_eq!(fs::read(&input).unwrap(), before, "{}", writer.line);
                assert_eq!(fs::read(&place).unwrap(), before, "{}", writer.line);
                fs::remove_file(&place).unwrap();
            }
        }
    }
    // The input under its own name.
    let a = inputs().join("a.hdf5");
    let (name, before) = (a.display(), fs::read(&a).unwrap());
    for line in [format!("extract {name} {name} --region sphere:0,0,0,0.1"), format!("convert {name} {name}")]
    {
        for more in ["", " --overwrite"] {
            assert!(fail(&(line.clone() + more)).contains("is an input of this command"));
            assert_eq!(fs::read(&a).unwrap(), before);
        }
    }
}

#[test]
fn the_ending_fits_what_is_written_and_the_place_is_a_file() {
    for writer in &WRITERS {
        let folder = tempfile::tempdir().unwrap();
        for ending in ["npy", "hdf5", "csv", "png"].iter().filter(|ending| !writer.endings.contains(ending)) {
            let out = folder.path().join(format!("out.{ending}"));
            let message = fail(&writer.line(&out));
            assert!(
                message.contains("must")
                    || message.contains("is not made")
                    || message.contains("one picture cannot"),
                "{}: {message}",
                writer.line
            );
            assert!(names(folder.path()).is_empty(), "{}: {:?}", writer.line, names(folder.path()));
        }
        let out = folder.path().join(format!("out.{}", writer.endings[0]));
        let place = writer.files(&out).swap_remove(0);
        let made = Command::new("mkfifo").arg(&place).status().unwrap();
        assert!(made.success());
        let streams = ["jobscript", "--report", "--errors", "--json", "--csv"];
        if writer.runs || !streams.iter().any(|word| writer.line.contains(word)) {
            fail(&format!("{} --overwrite", writer.line(&out)));
        }
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        let message = fail(&format!("{} --overwrite", writer.line(&out)));
        assert!(message.contains("is the name of a folder") || message.contains("is a folder"), "{message}");
        assert!(fs::read_dir(&place).unwrap().next().is_none());
    }
    for line in
        ["force DIR/a.hdf5 -o /dev/stdout", "view DIR/a.hdf5 -o /dev/stdout", "convert DIR/a.hdf5 /dev/null"]
    {
        let message = fail(&line.replace("DIR", inputs().to_str().unwrap()));
        assert!(message.contains("needs a regular file"), "{message}");
    }
    let report = heorot(&format!("force {}/a.hdf5 --report /dev/stdout", inputs().display()));
    let found: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(found["bodies"], 50);
    let script = heorot(&format!(
        "jobscript {}/run.toml --scheduler pbs --time 1:00:00 -o /dev/stdout",
        inputs().display()
    ));
    let text = String::from_utf8(script.stdout).unwrap();
    assert!(
        script.status.success() && text.starts_with("#!") && text.trim_end().ends_with("run.toml'"),
        "{text}"
    );
}

#[test]
fn folders_of_pictures_and_studies_keep_what_is_there() {
    let dir = inputs().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let render = format!("render {dir}/a.hdf5 {dir}/b.hdf5 --size 160 -o {out}");
    for name in ["b.png", "movie.gif"] {
        fs::write(folder.path().join(name), "precious").unwrap();
        assert!(fail(&render).contains(&format!("{name}: exists already")));
        assert_eq!(
            (fs::read(folder.path().join(name)).unwrap(), names(folder.path()).len()),
            (b"precious".into(), 1)
        );
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    for name in ["virtual.csv", "trace-00002.json", "virtual.svg"] {
        fs::write(folder.path().join(name), "precious").unwrap();
        let line = format!("study virtual {dir}/run.toml --set gravity.walk=\"tree\" --ranks 1,2 -o {out}");
        assert!(fail(&line).contains(&format!("{name}: exists already")));
        assert_eq!(
            (fs::read(folder.path().join(name)).unwrap(), names(folder.path()).len()),
            (b"precious".into(), 1)
        );
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    for (name, scaling) in [("index.html", "strong"), ("study.csv", "weak")] {
        fs::write(folder.path().join(name), "precious").unwrap();
        let line = format!("study {scaling} {dir}/run.toml --ranks 1 -o {out}");
        assert!(fail(&line).contains(&format!("{name}: exists already")));
        assert_eq!(
            (fs::read(folder.path().join(name)).unwrap(), names(folder.path()).len()),
            (b"precious".into(), 1)
        );
        fs::remove_file(folder.path().join(name)).unwrap();
    }
}

/// If two commands write one file at the same time, one succeeds and the other reports an error.
#[test]
fn of_two_at_once_one_says_so() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..4 {
        let out = folder.path().join(format!("{round}.hdf5"));
        let line = format!("convert {}/a.hdf5 {}", inputs().display(), out.display());
        let start = || {
            Command::new(env!("CARGO_BIN_EXE_heorot"))
                .args(line.split(' '))
                .stderr(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let both: Vec<Output> = [start(), start()].map(|child| child.wait_with_output().unwrap()).into();
        assert_eq!(both.iter().filter(|output| output.status.success()).count(), 1, "{both:?}");
        assert_eq!(io::snapshot::read(&out, 0, 1).unwrap().1.len(), 50);
    }
    assert_eq!(names(folder.path()).len(), 4, "{:?}", names(folder.path()));
}

/// For every command, a full output device is a one-line error, and a closed pipe is not an error.
#[test]
fn text_that_cannot_be_printed_is_an_error() {
    let dir = inputs().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).display().to_string();
    let lines = [
        format!("info {dir}/a.hdf5"),
        format!("plan {dir}/run.toml"),
        format!("jobscript {dir}/run.toml --scheduler slurm --time 1:00:00"),
        "network list".to_owned(),
        format!("network replay {dir}/trace.json --network myrinet"),
        format!("force {dir}/a.hdf5"),
        format!("convert {dir}/a.hdf5 {}", out("a.hdf5")),
        format!("extract {dir}/a.hdf5 {} --region sphere:0,0,0,9", out("b.hdf5")),
        format!("model two-body --eccentricity 0.5 --units nbody -o {}", out("c.hdf5")),
        format!("halos {dir}/a.hdf5 --linking-length 0.5 -o {}", out("d.hdf5")),
        format!("view {dir}/a.hdf5 -o {}", out("e.html")),
        format!("render {dir}/a.hdf5 --size 160 -o {}", out("f.png")),
        format!("poster {dir}/a.hdf5 --size 160 -o {}", out("g.png")),
        format!("plot profile {dir}/a.hdf5 -o {}", out("h.svg")),
        format!("run {dir}/run.toml --set output.folder='{}'", out("run")),
        format!("status {}", out("run")),
        "--help".to_owned(),
        "--version".to_owned(),
        "plot".to_owned(),
    ];
    for line in lines.iter().filter(|line| *line != "plot") {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output =
            Command::new(env!("CARGO_BIN_EXE_heorot")).args(line.split(' ')).stdout(full).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}: {text}");
        let errors: Vec<&str> = text.lines().filter(|line| !line.contains("warning:")).collect();
        assert_eq!(
            errors,
            ["heorot: standard output: cannot write: No space left on device (os error 28)"],
            "{line}"
        );
    }
    // The output file is complete nevertheless.
    assert_eq!(io::snapshot::read(&folder.path().join("a.hdf5"), 0, 1).unwrap().1.len(), 50);
    for line in [&lines[0], &lines[2], &lines[3]] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_heorot"));
        let mut child =
            child.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(0), true), "{line}");
    }
}

/// Control characters in names are escaped on the terminal and on pages.
#[test]
fn names_do_not_act() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a\u{1b}]0;x\u{7}\n\u{9b}31m<b>.hdf5");
    fs::copy(inputs().join("a.hdf5"), &odd).unwrap();
    let output = |name: &str| folder.path().join(name).display().to_string();
    let (svg, html, copy) = (output("a.svg"), output("a.html"), output("\u{1b}[1m.hdf5"));
    let other = inputs().join("b.hdf5");
    let other = other.to_str().unwrap();
    let odd = odd.to_str().unwrap();
    let acts = |text: &str| text.chars().any(|c| c.is_control() && c != '\n');
    for line in [
        &["info", odd][..],
        &["info", "none\u{1b}[2J\n.hdf5"],
        &["plot", "profile", odd, other, "-o", &svg],
        &["view", odd, "-o", &html],
        &["convert", odd, &copy],
        &["da\u{1b}[2Jnce"],
        &["info", odd, "--\u{1b}[2J\nx"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_heorot")).args(line).output().unwrap();
        for stream in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(stream);
            assert!(!acts(&text), "{line:?}: {text:?}");
        }
        assert!(output.stderr.iter().filter(|&&byte| byte == b'\n').count() <= 1, "{line:?}: {output:?}");
    }
    for file in [&svg, &html] {
        let text = fs::read_to_string(file).unwrap();
        assert!(!acts(&text.replace('\t', "")) && !text.contains("31m<b>"), "{file}");
    }
    assert!(fs::read_to_string(&html).unwrap().contains("u{1b}]0;x"), "the name is not shown");
}

#[test]
fn an_end_of_the_job_that_is_no_time_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for end in ["abc", "", "-1", "1e9", "99999999999999999999999", "12:00"] {
        let output = Command::new(env!("CARGO_BIN_EXE_heorot"))
            .args(["run", inputs().join("run.toml").to_str().unwrap(), "--set"])
            .arg(format!("output.folder='{}'", folder.path().join("out").display()))
            .env("HEOROT_JOB_END", end)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.starts_with(&format!("heorot: HEOROT_JOB_END = {end:?}: must be")), "{text}");
        assert_eq!((output.status.code(), text.lines().count()), (Some(1), 1));
        assert!(!folder.path().join("out").exists());
    }
}
