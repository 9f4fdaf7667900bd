//! `heorot study strong` and `heorot study weak`: run a parameter file on several numbers of ranks,
//! here or as submitted jobs, and write a report page.
//!
//! Each run has its own folder inside that of the study. A completed run is not repeated.

use super::page;
use super::point::Point;
use crate::batch::jobscript::{self, Scheduler, quoted};
use crate::batch::walltime::WallTime;
use crate::console::{say, warn, workers};
use crate::files::outputs::Overwrite;
use crate::initial::Initial;
use crate::parameters::Parameters;
use crate::ranks::machine;
use crate::ranks::processes::HAS_MPI;
use crate::run::folder::Folder;
use anyhow::{Context, Result, bail, ensure};
use io::{Kind, Outputs};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Kind of scaling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scaling {
    /// The same problem on more ranks.
    Strong,
    /// The same number of bodies on each rank.
    Weak,
}

/// Run a parameter file on several numbers of ranks, and make a page of the results: time by phase,
/// speed-up, parallel efficiency, Karp-Flatt serial fraction, load balance, traffic, memory.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Parameter file (TOML). In a weak study, its initial.bodies is the number of bodies on each
    /// rank.
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Numbers of ranks.
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "1,2,4,8", value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks: Vec<u32>,
    /// Threads of each rank.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: u32,
    /// Override a parameter, as in `heorot run`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder of the study [default: out/study-strong-FILE or out/study-weak-FILE].
    #[arg(long, short, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Replace the page of an earlier study. Finished runs are kept.
    #[arg(long, conflicts_with = "submit")]
    pub overwrite: bool,
    /// Run nothing; make the page from the existing runs.
    #[arg(long, conflicts_with = "submit")]
    pub gather: bool,
    /// Submit the missing runs, as a job array for each number of nodes. When they are done,
    /// --gather makes the page.
    #[arg(long, value_enum, requires = "time")]
    pub submit: Option<Submit>,
    /// Wall time of a submitted job.
    #[arg(long, value_name = "TIME")]
    pub time: Option<WallTime>,
    /// Ranks on each node of submitted jobs.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks_per_node: u32,
    /// Partition of submitted jobs.
    #[arg(long, requires = "submit", value_parser = jobscript::one_word)]
    pub queue: Option<String>,
    /// Account to charge for submitted jobs.
    #[arg(long, requires = "submit", value_parser = jobscript::one_word)]
    pub account: Option<String>,
    /// File of machine settings for submitted jobs, used instead of scripts/jobs/machine.
    #[arg(long, value_name = "FILE", requires = "submit")]
    pub machine: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  heorot study strong inputs/plummer.toml --ranks 1,2,4,8 --set time.end=0.2
  heorot study weak big.toml --ranks 1,4,16,64 --threads 8 --submit slurm --ranks-per-node 4 --time 1:00:00
  heorot study weak big.toml --ranks 1,4,16,64 --threads 8 --gather

Runs are started with mpirun, or with the launcher in the environment variable MPIRUN. A run whose
report.json exists is not repeated; an interrupted run continues from its checkpoint. The folder of the
study receives index.html, study.md, study.csv, scaling.svg and scaling.pdf.";

/// Schedulers for a study.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Submit {
    /// Slurm (sbatch).
    Slurm,
}

/// One run of a study.
struct Case {
    ranks: u32,
    folder: PathBuf,
    /// Overrides of the parameter file for this run.
    set: Vec<String>,
    parameters: Parameters,
}

impl Scaling {
    /// Name on the command line.
    pub(super) fn name(self) -> &'static str {
        match self {
            Scaling::Strong => "strong",
            Scaling::Weak => "weak",
        }
    }
}

/// Runs the command.
///
/// # Errors
/// If the parameter file is wrong, a run fails, or a folder contains another run.
pub(super) fn main(scaling: Scaling, arguments: &Arguments) -> Result<()> {
    let folder = folder(scaling, arguments)?;
    let cases = cases(scaling, arguments, &folder)?;
    let mut points = Vec::new();
    let mut missing = Vec::new();
    for case in &cases {
        match case.point(arguments.threads)? {
            Some(point) => points.push(point),
            None => missing.push(case),
        }
    }
    let widest = missing.iter().map(|case| case.ranks).max().unwrap_or(1);
    ensure!(
        HAS_MPI || widest == 1 || arguments.gather,
        "--ranks {widest}: this build has no MPI (feature mpi), so that a run is one rank; heorot study virtual needs none"
    );
    if arguments.submit.is_some() {
        // The paths become lines of a list.
        jobscript::one_line(&arguments.file)?;
        jobscript::one_line(&folder)?;
        let bad = arguments.set.iter().find(|set| jobscript::has_control(set));
        ensure!(bad.is_none(), "--set {bad:?}: must be one line without control characters");
        return submit(arguments, &folder, &missing);
    }
    if arguments.gather {
        ensure!(!points.is_empty(), "{}: no run has left a report", folder.display());
    } else {
        make(&folder)?;
    }
    // Runs take hours, so errors of the page are reported first.
    let sources = cases.iter().flat_map(|case| case.parameters.initial.files());
    let mut outputs = Outputs::new(arguments.overwrite).reading([&arguments.file]).reading(sources);
    let targets = page::Targets::new(&folder, &mut outputs)?;
    if arguments.gather {
        missing.iter().for_each(|case| warn(&format!("{}: no report yet", case.folder.display())));
    } else {
        for case in missing {
            case.run(arguments)?;
            let point = case.point(arguments.threads)?;
            points.push(point.with_context(|| format!("{}: the run left no report", case.folder.display()))?);
        }
    }
    points.sort_by_key(|point| point.ranks);
    page::write(scaling, &arguments.file, &targets, &points)
}

fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot make the folder", folder.display()))
}

/// Absolute path of the study's folder. Jobs may start in another folder.
fn folder(scaling: Scaling, arguments: &Arguments) -> Result<PathBuf> {
    let stem = arguments.file.file_stem().unwrap_or_default().to_string_lossy();
    let default = || PathBuf::from(format!("out/study-{}-{stem}", scaling.name()));
    let path = arguments.output.clone().unwrap_or_else(default);
    std::path::absolute(&path).with_context(|| format!("{}: no such folder", path.display()))
}

fn cases(scaling: Scaling, arguments: &Arguments, folder: &Path) -> Result<Vec<Case>> {
    let mut ranks = arguments.ranks.clone();
    ranks.sort_unstable();
    ranks.dedup();
    ranks.into_iter().map(|ranks| Case::new(scaling, arguments, folder, ranks)).collect()
}

impl Case {
    fn new(scaling: Scaling, arguments: &Arguments, study: &Path, ranks: u32) -> Result<Case> {
        let file = &arguments.file;
        let folder = study.join(format!("ranks-{ranks:05}"));
        let mut set = arguments.set.clone();
        set.push(format!("output.folder={:?}", folder.display().to_string()));
        if scaling == Scaling::Weak {
            let one = Parameters::load(file, &set)?;
            let Initial::Model(model) = &one.initial else {
                bail!(
                    "{}: a weak study needs a model, whose bodies it can multiply, and not a file",
                    file.display()
                )
            };
            set.push(format!("initial.bodies={}", u64::from(ranks) * model.bodies()));
        }
        let parameters = Parameters::load(file, &set)?;
        Ok(Case { ranks, folder, set, parameters })
    }

    /// The results of the run, if it is complete.
    fn point(&self, threads: u32) -> Result<Option<Point>> {
        let path = Folder::new(&self.folder).report();
        if !path.exists() {
            return Ok(None);
        }
        let text = io::read_text(&path)?;
        let report: serde_json::Value =
            serde_json::from_str(&text).with_context(|| format!("{}: no report", path.display()))?;
        let expected = serde_json::to_value(&self.parameters).expect("parameters have string keys");
        for table in ["initial", "units", "gravity", "time"] {
            let found = &report["parameters"][table];
            ensure!(
                found == &expected[table],
                "{}: is of a run with other parameters ([{table}]); choose another --output, or remove it",
                path.display()
            );
        }
        for (what, expected) in [("ranks", self.ranks), ("threads", threads)] {
            ensure!(
                report[what] == expected,
                "{}: is of a run on {} {what} instead of {expected}; choose another --output, or remove it",
                path.display(),
                report[what]
            );
        }
        let point =
            Point::new(&report).with_context(|| format!("{}: lacks what a report has", path.display()));
        point.map(Some)
    }

    /// Runs the case on this machine.
    fn run(&self, arguments: &Arguments) -> Result<()> {
        let (ranks, threads) = (self.ranks, arguments.threads);
        if (ranks * threads) as usize > machine::cores() {
            warn(&format!(
                "{} share {} cores, so the computing time cannot decrease in proportion to the ranks",
                workers(ranks as usize, threads as usize),
                machine::cores()
            ));
        }
        let launcher = std::env::var("MPIRUN").unwrap_or_else(|_| "mpirun".to_owned());
        let program = std::env::current_exe().context("cannot find the program itself")?;
        make(&self.folder)?;
        let log = self.folder.with_extension("log");
        // Output of an earlier attempt is kept.
        let output = fs::OpenOptions::new().append(true).create(true).open(&log);
        let output = output.with_context(|| format!("{}: cannot write", log.display()))?;
        let before = output.metadata().map_or(0, |metadata| metadata.len());
        let both = output.try_clone().with_context(|| format!("{}: cannot write", log.display()))?;
        say(&format!("{}; log in {}", workers(ranks as usize, threads as usize), log.display()));
        let mut command = Command::new(&launcher);
        command.args(["-n", &ranks.to_string()]).arg(program);
        command.arg("run").arg(&arguments.file).args(["--restart=auto", "--threads", &threads.to_string()]);
        self.set.iter().for_each(|set| {
            command.args(["--set", set]);
        });
        let status = command.stdout(output).stderr(both).status();
        let status =
            status.with_context(|| format!("{launcher}: cannot be started; MPIRUN may name another"))?;
        ensure!(
            status.success(),
            "the run on {} failed ({status}); {} says why: {}",
            workers(ranks as usize, threads as usize),
            log.display(),
            last_line(&log, before)
        );
        Ok(())
    }

    /// The line of this run in a list. Each element of a job array runs one line.
    fn line(&self, file: &Path) -> String {
        let sets = self.set.iter().flat_map(|set| ["--set".to_owned(), quoted(set)]);
        let words: Vec<String> =
            ["--ranks".to_owned(), self.ranks.to_string(), quoted(&file.display().to_string())]
                .into_iter()
                .chain(sets)
                .collect();
        words.join(" ") + "\n"
    }
}

/// The last line that the failed run has added to a log of `before` bytes.
fn last_line(log: &Path, before: u64) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(text.get(before as usize..).unwrap_or_default());
    let said = text.lines().rev().find(|line| line.starts_with("heorot:"));
    said.or(text.lines().last()).unwrap_or("nothing").to_owned()
}

/// An unused name for the list and the script of a job. Waiting jobs still read the files of
/// earlier names.
fn free_stem(folder: &Path, name: &str) -> String {
    let is_free = |stem: &String| {
        ["txt", "job"].iter().all(|end| fs::symlink_metadata(folder.join(format!("{stem}.{end}"))).is_err())
    };
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(is_free).expect("there are free names")
}

/// Submits the runs. Runs with the same number of nodes form one job array.
fn submit(arguments: &Arguments, folder: &Path, missing: &[&Case]) -> Result<()> {
    let time = arguments.time.context("--submit needs --time")?;
    let mut arrays: BTreeMap<u32, Vec<&Case>> = BTreeMap::new();
    for &case in missing {
        arrays.entry(case.ranks.div_ceil(arguments.ranks_per_node)).or_default().push(case);
    }
    if arrays.is_empty() {
        say("all runs are there; --gather makes the page");
        return Ok(());
    }
    make(folder)?;
    for (nodes, cases) in arrays {
        let stem = free_stem(folder, &format!("nodes-{nodes:05}"));
        let list = folder.join(format!("{stem}.txt"));
        let lines: String = cases.iter().map(|case| case.line(&arguments.file)).collect();
        Outputs::new(false).file(&list, Kind::SCRIPT)?.write(lines.as_bytes())?;
        let script = list.with_extension("job");
        jobscript::main(&jobscript::Arguments {
            file: list,
            scheduler: Scheduler::Slurm,
            nodes,
            time,
            cores_per_node: arguments.ranks_per_node * arguments.threads,
            ranks_per_node: Some(arguments.ranks_per_node),
            threads: Some(arguments.threads),
            name: format!("study-{nodes}"),
            queue: arguments.queue.clone(),
            account: arguments.account.clone(),
            array: Some(format!("1-{}", cases.len())),
            machine: arguments.machine.clone(),
            set: Vec::new(),
            output: Some(script.clone()),
            overwrite: Overwrite::default(),
        })?;
        // Slurm replaces %a by the index of the array element, and %% by %.
        let log = format!("{}/{stem}-%a.log", folder.display().to_string().replace('%', "%%"));
        let mut sbatch = Command::new("sbatch");
        sbatch.arg("--output").arg(log).arg(&script);
        let status = sbatch.status().context("sbatch: cannot be started")?;
        ensure!(status.success(), "sbatch {}: {status}", script.display());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(folder: &Path, initial: &str) -> Arguments {
        let file = folder.join("a study.toml");
        let text = format!("{initial}\n[time]\nsteps = 2\nstep = 0.01\n[output]\nfolder = \"elsewhere\"\n");
        fs::write(&file, text).unwrap();
        Arguments {
            file,
            ranks: vec![4, 1, 2, 2],
            threads: 1,
            set: vec!["time.steps=3".to_owned()],
            output: Some(folder.join("study")),
            overwrite: false,
            gather: false,
            submit: None,
            time: None,
            ranks_per_node: 2,
            queue: None,
            account: None,
            machine: None,
        }
    }

    #[test]
    fn a_weak_study_multiplies_the_bodies() {
        let root = tempfile::tempdir().unwrap();
        let arguments = arguments(root.path(), "initial = { model = \"plummer\", bodies = 100 }");
        let study = folder(Scaling::Weak, &arguments).unwrap();
        let bodies = |scaling| -> Vec<(u32, u64)> {
            let cases = cases(scaling, &arguments, &study).unwrap();
            let one = |case: &Case| match &case.parameters.initial {
                Initial::Model(model) => (case.ranks, model.bodies()),
                _ => unreachable!("it is a model"),
            };
            cases.iter().map(one).collect()
        };
        assert_eq!(bodies(Scaling::Weak), [(1, 100), (2, 200), (4, 400)]);
        assert_eq!(bodies(Scaling::Strong), [(1, 100), (2, 100), (4, 100)]);
        let cases = cases(Scaling::Weak, &arguments, &study).unwrap();
        let line = cases[2].line(&arguments.file);
        assert!(
            line.starts_with("--ranks 4 '") && line.contains("a study.toml' --set 'time.steps=3' --set"),
            "{line}"
        );
        assert!(
            line.contains("study/ranks-00004") && line.ends_with("--set 'initial.bodies=400'\n"),
            "{line}"
        );
        assert_eq!(cases[2].parameters.time.steps, Some(3));
    }

    #[test]
    fn a_file_has_no_bodies_to_multiply() {
        let root = tempfile::tempdir().unwrap();
        let arguments = arguments(root.path(), "initial = { file = \"ic.hdf5\" }");
        let message = cases(Scaling::Weak, &arguments, root.path()).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains("a weak study needs a model"), "{message}");
    }

    #[test]
    fn another_run_is_not_taken_for_this_one() {
        let root = tempfile::tempdir().unwrap();
        let arguments = arguments(root.path(), "initial = { model = \"plummer\", bodies = 100 }");
        let case = Case::new(Scaling::Strong, &arguments, root.path(), 2).unwrap();
        assert!(case.point(1).unwrap().is_none());
        fs::create_dir_all(&case.folder).unwrap();
        let write = |report: serde_json::Value| {
            fs::write(case.folder.join("report.json"), report.to_string()).unwrap();
            format!("{:#}", case.point(1).map(|_| ()).unwrap_err())
        };
        let mut parameters = serde_json::to_value(&case.parameters).unwrap();
        let mut report = serde_json::json!({ "parameters": parameters, "ranks": 3, "threads": 1 });
        assert!(write(report.clone()).contains("a run on 3 ranks instead of 2"));
        report["ranks"] = 2.into();
        assert!(write(report.clone()).contains("lacks what a report has"));
        parameters["time"]["steps"] = 9.into();
        report["parameters"] = parameters;
        assert!(write(report).contains("other parameters ([time])"));
    }
}
