//! Records the revision of the source for `src/help/version.rs`: from git, from the file that
//! `cargo package` adds, or from the environment variable `HEOROT_REVISION` of a packager.

use std::path::Path;
use std::process::Command;

/// Everything that the program is compiled from. The revision is marked if any of it has changed.
const SOURCES: [&str; 10] = [
    "build.rs",
    "Cargo.toml",
    "Cargo.lock",
    "src",
    "treecode/build.rs",
    "treecode/src",
    "decomposition/src",
    "nbody/src",
    "io/src",
    "viz/src",
];

fn main() {
    println!("cargo::rerun-if-env-changed=HEOROT_REVISION");
    SOURCES.iter().for_each(|path| println!("cargo::rerun-if-changed={path}"));
    let given = std::env::var("HEOROT_REVISION").ok().map(|revision| (revision, String::new()));
    let (revision, date) = given.or_else(from_git).or_else(from_package).unwrap_or_default();
    println!("cargo::rustc-env=HEOROT_REVISION={revision}");
    println!("cargo::rustc-env=HEOROT_REVISION_DATE={date}");
}

/// Revision and day of the last commit. The revision ends in `+` if the sources have changed since.
fn from_git() -> Option<(String, String)> {
    // The package may lie inside the repository of something else.
    let here = Path::new(".").canonicalize().ok()?;
    let top = Path::new(&git(&["rev-parse", "--show-toplevel"])?).canonicalize().ok()?;
    if top != here {
        return None;
    }
    // Commits and checkouts change these files. A debug build keeps the revision at which its sources
    // last changed, since every commit would otherwise compile the program again.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        let branch = git(&["symbolic-ref", "--quiet", "HEAD"]).unwrap_or_default();
        for name in ["HEAD", "logs/HEAD", &branch] {
            let path = git(&["rev-parse", "--git-path", name]).unwrap_or_default();
            if Path::new(&path).is_file() {
                println!("cargo::rerun-if-changed={path}");
            }
        }
    }
    let revision = git(&["rev-parse", "--short=12", "HEAD"])?;
    let date = git(&["show", "--no-patch", "--format=%cs", "HEAD"])?;
    let status = ["status", "--porcelain", "--untracked-files=no", "--"];
    let changes = git(&[&status[..], &SOURCES[..]].concat())?;
    Some((format!("{revision}{}", if changes.is_empty() { "" } else { "+" }), date))
}

/// What git prints, without the line end. `None` if git or the repository is missing.
fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}

/// The revision in `.cargo_vcs_info.json`, `{"git": {"sha1": "..."}}`.
fn from_package() -> Option<(String, String)> {
    let text = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    let revision = rest.split('"').nth(1)?.get(..12)?;
    Some((revision.to_owned(), String::new()))
}
