//! `heorot doctor`: checks MPI, cores, SIMD, HDF5, file system and memory of this machine, and
//! suggests a remedy for each fault.
//!
//! Each rank describes its own process ([`Patient`]). The leading rank checks all descriptions
//! ([`examine`]) and prints the findings. [`cosmology`] solves problems of known solution.

mod cosmology;
mod examine;
mod files;

use crate::console::{Tone, plural, say, say_text, say_with_tone};
use crate::help::version::{self, Build};
use crate::ranks::crew::Crew;
use crate::ranks::launch::{Launch, on_all_ranks};
use crate::ranks::machine;
use crate::ranks::processes::{launched, library};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Check this machine: MPI, cores and binding, SIMD path, HDF5, file system, memory. Says how to
/// correct each fault.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folder on the file system of future runs; test files are written there and removed.
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub folder: PathBuf,
    /// Print the findings as JSON.
    #[arg(long)]
    pub json: bool,
    /// Also test periodic boxes in static and expanding space with problems of known solution: a
    /// lattice, a plane wave and a Zel'dovich pancake. This takes about a minute.
    #[arg(long)]
    pub cosmology: bool,
    /// Ranks and threads.
    #[command(flatten)]
    pub launch: Launch,
}

const EXAMPLES: &str = "Examples:
  heorot doctor
  mpirun -n 8 heorot doctor --threads 4 --folder /scratch/me
  heorot doctor --cosmology

Start it in the same way as a run: with the same mpirun, ranks, threads and hosts. Exit codes: 0 no
fault, 1 otherwise.";

/// Description of a rank's process and host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Patient {
    host: String,
    process: u32,
    /// Cores that the process may use, as a list such as `0-3,8`.
    cores: String,
    threads: usize,
    program: String,
    simd: String,
    processor: String,
    memory: Option<machine::Memory>,
    /// Free space in `/dev/shm`, where MPI places the shared memory of a host [bytes].
    shared_memory: Option<u64>,
    /// Number of ranks according to the launcher.
    launched: Option<usize>,
}

/// Result of a check.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Finding {
    /// As it should be.
    Well(String),
    /// It works, but not optimally. With a remedy.
    Warning(String, String),
    /// It does not work. With a remedy.
    Fault(String, String),
}

impl Patient {
    fn new(crew: &Crew) -> Patient {
        Patient {
            host: machine::host(),
            process: std::process::id(),
            cores: machine::affinity(),
            threads: crew.threads,
            program: format!("{} {}", version::PROGRAM, machine::fingerprint()),
            simd: treecode::simd_path().to_owned(),
            processor: machine::processor(),
            memory: machine::memory(),
            shared_memory: io::free_space(std::path::Path::new("/dev/shm")),
            launched: launched(),
        }
    }
}

/// Does the command.
///
/// # Errors
/// If there is a fault.
pub fn main(arguments: &Arguments) -> Result<()> {
    on_all_ranks(&arguments.launch, |crew| {
        let mine = serde_json::to_vec(&Patient::new(crew)).context("a patient is plain data")?;
        let all = crew.comm.all_gather(&mine);
        let patients: Vec<Patient> =
            all.iter().filter_map(|text| serde_json::from_slice(text).ok()).collect();
        let mut findings = examine::all(&patients);
        findings.extend(files::examine(crew, &arguments.folder));
        let solved = if arguments.cosmology { cosmology::examine(crew)? } else { Vec::new() };
        let passed = solved.iter().all(|finding| matches!(finding, Finding::Well(_)));
        findings.extend(solved);
        let faults = findings.iter().filter(|finding| matches!(finding, Finding::Fault(..))).count();
        if crew.leads() && arguments.json {
            let findings = findings.iter().map(Finding::json).collect();
            say_text(&serde_json::to_string_pretty(&Findings { build: Build::new(), findings })?);
        } else if crew.leads() {
            say(&format!("{} (features: {})", version::PROGRAM, version::FEATURES));
            say(&library());
            let together = if cfg!(feature = "hdf5-mpio") { "with" } else { "without" };
            say(&format!("HDF5 {}, {together} MPI-IO", io::hdf5_version()));
            findings.iter().for_each(Finding::say);
            if arguments.cosmology {
                say(if passed { "cosmology: PASSED" } else { "cosmology: FAILED" });
            }
        }
        if faults > 0 {
            bail!("{faults} fault{} found", plural(faults));
        }
        Ok(())
    })
}

/// Content of `--json`.
#[derive(Serialize)]
struct Findings<'a> {
    build: Build,
    findings: Vec<FindingJson<'a>>,
}

/// A finding as JSON.
#[derive(Serialize)]
struct FindingJson<'a> {
    /// `ok`, `warning` or `fault`.
    status: &'static str,
    finding: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a str>,
}

impl Finding {
    fn say(&self) {
        let (tone, word, what, advice) = match self {
            Finding::Well(what) => (Tone::Good, "ok   ", what, None),
            Finding::Warning(what, advice) => (Tone::Warning, "WARN ", what, Some(advice)),
            Finding::Fault(what, advice) => (Tone::Error, "FAULT", what, Some(advice)),
        };
        say_with_tone(tone, word, &format!(" {what}"));
        advice.iter().for_each(|advice| say(&format!("      -> {advice}")));
    }

    fn json(&self) -> FindingJson<'_> {
        let (status, finding, advice) = match self {
            Finding::Well(what) => ("ok", what, None),
            Finding::Warning(what, advice) => ("warning", what, Some(advice.as_str())),
            Finding::Fault(what, advice) => ("fault", what, Some(advice.as_str())),
        };
        FindingJson { status, finding, advice }
    }
}
