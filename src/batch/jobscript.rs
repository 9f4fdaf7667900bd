//! `heorot jobscript`: writes a self-contained job script for a scheduler that runs a parameter
//! file until it is done.
//!
//! The script consists of the same pieces as those in `scripts/jobs`: the settings of the machine,
//! and the function that runs Heorot in a job.

use crate::batch::walltime::WallTime;
use crate::console::{give, printable, say};
use crate::files::outputs::Overwrite;
use crate::parameters::Parameters;
use anyhow::{Context, Result, ensure};
use io::Kind;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Write a job script for Slurm or PBS. It runs a parameter file, and submits itself again until
/// the run is done.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Parameter file (TOML). With --array, a list of runs: each line has a FILE.toml and options
    /// of `heorot run`.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The scheduler.
    #[arg(long, value_enum)]
    pub scheduler: Scheduler,
    /// Number of nodes.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub nodes: u32,
    /// Wall time of one job, such as 12:00:00. If the run needs more time, the job submits itself
    /// again.
    #[arg(long, value_name = "TIME")]
    pub time: WallTime,
    /// Cores to request on each node.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub cores_per_node: u32,
    /// Ranks on each node [default: one for every 8 cores of the node, or one for every --threads
    /// cores].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub ranks_per_node: Option<u32>,
    /// Threads of each rank [default: the cores of a node divided among its ranks].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub threads: Option<u32>,
    /// Name of the job.
    #[arg(long, default_value = "heorot", value_parser = one_word)]
    pub name: String,
    /// Partition or queue.
    #[arg(long, value_parser = one_word)]
    pub queue: Option<String>,
    /// Account to charge.
    #[arg(long, value_parser = one_word)]
    pub account: Option<String>,
    /// Indices of a job array, such as 1-8. Each element runs one line of the list.
    #[arg(long, value_name = "RANGE", value_parser = one_word, conflicts_with = "set")]
    pub array: Option<String>,
    /// File of machine settings (modules and launch command), used instead of scripts/jobs/machine.
    #[arg(long, value_name = "FILE")]
    pub machine: Option<PathBuf>,
    /// Override a parameter, as in `heorot run`.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Script to write [default: print it].
    #[arg(long, short, value_name = "JOB")]
    pub output: Option<PathBuf>,
    /// Whether it may replace an existing file.
    #[command(flatten)]
    pub overwrite: Overwrite,
}

const EXAMPLES: &str = "Examples:
  heorot jobscript --scheduler slurm --nodes 4 --cores-per-node 64 --time 12:00:00 inputs/collision.toml -o collision.job
  heorot jobscript --scheduler slurm --array 1-8 --time 1:00:00 study.txt | sbatch
  heorot jobscript --scheduler pbs --nodes 2 --cores-per-node 32 --queue long --time 2-00:00:00 run.toml -o run.job

Paths in the parameter file are relative to the folder from which you submit the script.";

/// Supported schedulers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheduler {
    /// Slurm (sbatch).
    Slurm,
    /// PBS Professional or OpenPBS (qsub).
    Pbs,
}

const MACHINE: &str = include_str!("../../scripts/jobs/machine");
const LAUNCH: &str = include_str!("../../scripts/jobs/launch");

/// Checks that a name can stand in a scheduler line of a script.
pub(crate) fn one_word(text: &str) -> Result<String, String> {
    let is_word = !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.,:%@+".contains(c));
    if is_word {
        Ok(text.to_owned())
    } else {
        Err("must be one word of letters, digits and -_.,:%@+ that does not begin with -".to_owned())
    }
}

/// Runs the command.
///
/// # Errors
/// If the parameter file is wrong, or a file cannot be read or written.
pub fn main(arguments: &Arguments) -> Result<()> {
    let inputs = arguments.machine.iter().chain([&arguments.file]);
    let mut outputs = arguments.overwrite.reading(inputs);
    if arguments.array.is_none() {
        let parameters = Parameters::load(&arguments.file, &arguments.set)?;
        outputs = outputs.reading(parameters.initial.files());
    } else {
        std::fs::metadata(&arguments.file)
            .with_context(|| format!("{}: cannot read", arguments.file.display()))?;
    }
    let target = arguments.output.as_ref().map(|path| outputs.file(path, Kind::SCRIPT)).transpose()?;
    let machine = match &arguments.machine {
        Some(path) => io::read_text(path)?,
        None => MACHINE.to_owned(),
    };
    let script = script(arguments, &machine, &program()?)?;
    match target {
        Some(target) => {
            target.write(script.as_bytes())?;
            // If the script goes to standard output, a message would become part of it.
            if !target.is_standard_output() {
                say(&format!("{}", target.path().display()));
            }
        }
        None => give(&script),
    }
    Ok(())
}

/// The path of this program.
fn program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find the program itself")
}

fn script(arguments: &Arguments, machine: &str, program: &Path) -> Result<String> {
    let (program, file) = (one_line(program)?, one_line(&arguments.file)?);
    for set in &arguments.set {
        ensure!(
            !has_control(set),
            "--set {}: must be one line without control characters",
            set.escape_debug()
        );
    }
    let mut text = String::from("#!/usr/bin/env bash\n");
    let mut line = |line: String| writeln!(text, "{line}").expect("a string takes everything");
    line(format!("# Runs {file} until it is done; written by heorot jobscript."));
    header(arguments).into_iter().for_each(&mut line);
    let folder = if arguments.scheduler == Scheduler::Slurm { "SLURM_SUBMIT_DIR" } else { "PBS_O_WORKDIR" };
    line(format!("cd \"${folder}\" || exit 1"));
    line(format!("[ -n \"${{HEOROT:-}}\" ] || HEOROT={}", quoted(program)));
    let layout = [("RANKS_PER_NODE", arguments.ranks_per_node), ("THREADS", arguments.threads)];
    layout.iter().filter_map(|(name, value)| Some(format!("{name}={}", (*value)?))).for_each(&mut line);
    line(format!("JOB_SECONDS={}", arguments.time.duration().as_secs()));
    line(format!("\n# ---- the machine\n{}", machine.trim_end()));
    line(format!("\n# ---- the job\n{}", LAUNCH.trim_end()));
    line(String::new());
    let mut words = vec!["job".to_owned()];
    words.extend(arguments.array.is_some().then(|| "--study".to_owned()));
    words.push(quoted(file));
    words.extend(arguments.set.iter().flat_map(|set| ["--set".to_owned(), quoted(set)]));
    line(words.join(" "));
    Ok(text)
}

/// A path as text on one line, for use in a script.
///
/// # Errors
/// If it has control characters, those of the direction of text among them, or is not valid UTF-8.
pub(crate) fn one_line(path: &Path) -> Result<&str> {
    let text = path.to_str().filter(|text| !has_control(text));
    text.with_context(|| {
        format!("{path:?}: a job script cannot hold this name; it must be text without control characters")
    })
}

/// Whether a text has characters that act on a terminal, or change the direction of text.
pub(crate) fn has_control(text: &str) -> bool {
    printable(text) != text
}

/// The lines that the scheduler reads.
fn header(arguments: &Arguments) -> Vec<String> {
    let Arguments {
        nodes,
        time,
        cores_per_node: cores,
        name,
        queue,
        account,
        array,
        ranks_per_node,
        threads,
        ..
    } = arguments;
    let given = |option: &str, value: &Option<String>| value.as_ref().map(|value| format!("{option}{value}"));
    let ranks =
        ranks_per_node.or(threads.map(|threads| (cores / threads).max(1))).unwrap_or(cores.div_ceil(8));
    let (mark, lines) = match arguments.scheduler {
        Scheduler::Slurm => {
            let fixed = [
                format!("--job-name={name}"),
                format!("--nodes={nodes}"),
                format!("--ntasks-per-node={ranks}"),
                format!("--cpus-per-task={}", (cores / ranks).max(1)),
                format!("--time={time}"),
                "--requeue".to_owned(),
                "--open-mode=append".to_owned(),
            ];
            let chosen =
                [given("--partition=", queue), given("--account=", account), given("--array=", array)];
            ("#SBATCH", fixed.into_iter().chain(chosen.into_iter().flatten()).collect::<Vec<_>>())
        }
        Scheduler::Pbs => {
            let fixed = [
                format!("-N {name}"),
                format!("-l select={nodes}:ncpus={cores}:mpiprocs={ranks}"),
                format!("-l walltime={time}"),
                "-j oe".to_owned(),
                "-V".to_owned(),
            ];
            let chosen = [given("-q ", queue), given("-A ", account), given("-J ", array)];
            ("#PBS", fixed.into_iter().chain(chosen.into_iter().flatten()).collect())
        }
    };
    lines.into_iter().map(|line| format!("{mark} {line}")).collect()
}

/// Quotes a word for the shell.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn written(line: &str) -> String {
        let arguments = Line::try_parse_from(std::iter::once("x").chain(line.split(' '))).unwrap().arguments;
        script(&arguments, MACHINE, Path::new("/opt/heorot")).unwrap()
    }

    #[test]
    fn the_lines_for_the_scheduler_come_before_any_command() {
        let common =
            "--nodes 4 --time 2-00:00:00 --cores-per-node 16 --queue long --set time.steps=20 run.toml";
        let slurm = written(&format!("--scheduler slurm {common}"));
        let pbs = written(&format!("--scheduler pbs {common}"));
        for (text, mark, lines) in [
            (
                &slurm,
                "#SBATCH",
                [
                    "--nodes=4",
                    "--time=48:00:00",
                    "--ntasks-per-node=2",
                    "--cpus-per-task=8",
                    "--partition=long",
                ],
            ),
            (
                &pbs,
                "#PBS",
                ["select=4:ncpus=16:mpiprocs=2", "walltime=48:00:00", "-q long", "-j oe", "-N heorot"],
            ),
        ] {
            let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
            assert_eq!(text.lines().filter(|line| line.starts_with(mark)).count(), head.len() - 2);
            for line in lines {
                assert!(
                    head.iter().any(|head| head.starts_with(mark) && head.contains(line)),
                    "{line} is not in {head:?}"
                );
            }
            assert!(text.ends_with("\njob 'run.toml' --set 'time.steps=20'\n"), "{text}");
        }
    }

    #[test]
    fn what_the_shell_might_take_otherwise_is_quoted() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert!(one_word("a;b").is_err() && one_word("").is_err() && one_word("1-8%2").is_ok());
        assert!(one_word("-x").is_err() && one_word("a\nb").is_err());
    }

    fn of(file: &str, set: &str, program: &str) -> Result<String> {
        let line = ["x", "--scheduler", "slurm", "--time", "1:00:00", "--set", set, "--", file];
        let arguments = Line::try_parse_from(line).unwrap().arguments;
        script(&arguments, "launch() { printf '%s\\n' \"$@\"; exit; }", Path::new(program))
    }

    /// Bash runs the script with a launcher that prints its arguments. All of them must arrive
    /// unchanged, and nothing else may be executed.
    #[test]
    fn names_are_words_of_the_script_whatever_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let odd = [
            "a b",
            "$(touch x)",
            "`touch x`",
            "it's",
            "\"q\"",
            "a}b",
            "${HOME}",
            "back\\slash",
            "a;touch x",
            "*",
            "!!",
            "~",
            "#",
        ];
        for name in odd {
            let (file, set) = (format!("run {name}.toml"), format!("output.folder={name:?}"));
            let program = format!("/opt/{name}/heorot");
            let script = of(&file, &set, &program).unwrap();
            let path = folder.path().join("job");
            std::fs::write(&path, &script).unwrap();
            let mut bash = std::process::Command::new("bash");
            let bash = bash
                .arg(&path)
                .env("SLURM_SUBMIT_DIR", folder.path())
                .env_remove("HEOROT")
                .env("RANKS_PER_NODE", "1");
            let out = bash.env("THREADS", "1").current_dir(folder.path()).output().unwrap();
            let said = String::from_utf8(out.stdout).unwrap();
            let words: Vec<&str> = said.lines().skip(1).collect();
            let expected =
                [program.as_str(), "run", &file, "--set", &set, "--restart=auto", "--threads", "1"];
            assert_eq!(words, expected, "{name}: {said}{}", String::from_utf8_lossy(&out.stderr));
            let left: Vec<_> =
                std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(left, ["job"], "{name}");
        }
    }

    #[test]
    fn control_characters_are_refused() {
        for bad in [
            "a\ntouch x",
            "a\n#SBATCH --nodes=99",
            "a\rb",
            "a\u{1b}[2Jb",
            "a\u{7f}",
            "a\u{85}b",
            "a\tb",
            "a\u{202e}b",
        ] {
            for [file, set, program] in [[bad, "a=1", "/p"], ["f", bad, "/p"], ["f", "a=1", bad]] {
                let message = format!("{:#}", of(file, set, program).unwrap_err());
                assert!(message.contains("control characters") && !has_control(&message), "{message:?}");
            }
        }
        let bytes: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"a\xff");
        assert!(one_line(Path::new(bytes)).is_err());
    }

    /// The lines of a study are quoted, too: none of their words is executed.
    #[test]
    fn the_lines_of_a_study_are_words() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list");
        let line = [
            "--ranks",
            "1",
            &quoted("a $(touch x) it's \"q\".toml"),
            "--set",
            &quoted("a=`touch x`"),
            "b;touch x $(touch x)",
        ];
        std::fs::write(&list, format!("# a remark\n\n{}\n", line.join(" "))).unwrap();
        let text = format!(
            "HEOROT=heorot MODULES= RANKS_PER_NODE=1 THREADS=1\nlaunch() {{ printf '%s\\n' \"$@\"; exit; }}\n{LAUNCH}\njob --study list\n"
        );
        let mut bash = std::process::Command::new("bash");
        let out = bash.args(["-c", &text]).current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        let words: Vec<&str> = said.lines().skip(1).collect();
        let expected = [
            "heorot",
            "run",
            "a $(touch x) it's \"q\".toml",
            "--set",
            "a=`touch x`",
            "b;touch",
            "x",
            "$(touch",
            "x)",
            "--restart=auto",
            "--threads",
            "1",
        ];
        assert_eq!(words, expected, "{said}{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
