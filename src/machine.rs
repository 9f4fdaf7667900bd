//! What the system says about the machine under the program. Where it says nothing, the answer is "unknown", never an error.

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

/// The machine a report was made on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// Name of the leading rank's host.
    pub host: String,
    /// Its processor.
    pub processor: String,
    /// Hosts that took part.
    pub hosts: usize,
}

impl Machine {
    /// This one, given the name of each rank's host.
    pub fn of(hosts: &[String]) -> Machine {
        let hosts = hosts.iter().collect::<BTreeSet<_>>().len();
        Machine { host: host(), processor: processor(), hosts }
    }
}

/// Name of this host.
pub fn host() -> String {
    read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

/// Name of this host's processor.
pub fn processor() -> String {
    of_the_processor("model name")
}

/// Who made it, in the word that it gives itself, such as GenuineIntel.
pub fn vendor() -> String {
    of_the_processor("vendor_id")
}

/// Names the SIMD path to compute on, `scalar` or one that the processor has; without it the fastest is taken.
const SIMD_VARIABLE: &str = "HEOROT_SIMD";

/// Makes this process compute on the SIMD path that the environment asks for.
///
/// # Errors
/// If it asks for one that this processor does not have.
pub fn choose_arithmetic() -> Result<()> {
    let Some(wanted) = std::env::var_os(SIMD_VARIABLE) else { return Ok(()) };
    let wanted = wanted.to_string_lossy();
    treecode::choose_simd_path(&wanted).with_context(|| {
        format!(
            "environment variable {SIMD_VARIABLE} = {wanted}: must be one of {} on this processor, or unset",
            treecode::simd_paths().join(", ")
        )
    })
}

/// What decides the bits of a result: the SIMD path and, where it has estimates of 1 / sqrt(x), whose digits are up to the maker, the maker of the processor.
pub fn arithmetic() -> String {
    let path = treecode::simd_path();
    let family = if path.starts_with("avx") { vendor() } else { "any".to_owned() };
    format!("{path}, {family}")
}

fn of_the_processor(key: &str) -> String {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':'));
    value.map_or_else(|| "unknown".to_owned(), |(_, name)| name.trim().to_owned())
}

/// The cores this process may use, as text that is equal for processes bound to the same ones.
pub fn affinity() -> String {
    let text = read_to_string("/proc/self/status").unwrap_or_default();
    let list = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.unwrap_or_default().trim().to_owned()
}

/// Greatest memory this process has had [bytes], if the system tells.
pub fn peak_memory() -> Option<u64> {
    let text = read_to_string("/proc/self/status").ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// How many cores this process may use: its binding and the limits of its container are respected.
pub fn cores() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

/// All cores of this host, also those that this process may not use.
pub fn all_cores() -> usize {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count().max(cores())
}

/// Time that all threads of this process have computed [s].
pub fn process_seconds() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// Time that this thread has computed [s].
pub fn thread_seconds() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// What numbers of processes belong to: this start of this host, and the container in it, if the system tells. Hosts and containers may share a name.
pub fn place() -> Option<String> {
    let boot = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), processes.display()))
}

/// Whether there is such a process of another user, of which the system tells nothing else.
pub fn is_hidden(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::PERM)
}

/// When a process of this host began, in the system's ticks since its start; `None` if there is none, or only its remains.
pub fn process_start(pid: u32) -> Option<u64> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in brackets and may hold anything.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let began = fields.nth(18)?.parse().ok()?;
    (!["Z", "X"].contains(&state)).then_some(began)
}

/// Memory of this host, or of the part of it that this process may use [bytes].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What can still be had.
    pub available: u64,
}

/// Memory of this host, within the limits of its container, its job and this process, if the system tells.
pub fn memory() -> Option<Memory> {
    io::memory().map(|io::Memory { total, available }| Memory { total, available })
}

/// This program, for a second process of it: what runs, even if another program has taken its name meanwhile.
pub fn program() -> PathBuf {
    let running = Path::new("/proc/self/exe");
    if running.exists() { running.to_owned() } else { std::env::current_exe().unwrap_or_default() }
}

/// Something that tells one build of the program from another: length and time of its file.
pub fn fingerprint() -> String {
    let data = std::env::current_exe().and_then(std::fs::metadata);
    data.map_or("unknown".to_owned(), |data| {
        let time = data.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        format!("{}.{}", data.len(), time.map_or(0, |time| time.as_secs()))
    })
}
