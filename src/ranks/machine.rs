//! What the system reports about this machine. Missing information becomes "unknown" or `None`,
//! never an error.

use anyhow::{Context, Result};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

/// The machine of a report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Machine {
    /// Name of the leading rank's host.
    pub host: String,
    /// Processor of the leading rank's host.
    pub processor: String,
    /// Number of hosts in use.
    pub hosts: usize,
}

impl Machine {
    /// This machine, from the host name of each rank.
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

/// Vendor id of the processor, such as GenuineIntel.
pub fn vendor() -> String {
    of_the_processor("vendor_id")
}

/// Environment variable with the SIMD path: `scalar`, or one that the processor has. Without it, the
/// fastest path is used.
const SIMD_VARIABLE: &str = "HEOROT_SIMD";

/// Selects the SIMD path that the environment requests.
///
/// # Errors
/// If this processor does not have the path.
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

/// The properties that determine the bits of a result: the SIMD path and, if this path has estimates of
/// 1 / sqrt(x), the maker of the processor, because the digits of the estimates differ.
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

/// The cores that this process may use, as text. The text is the same for processes bound to the
/// same cores.
pub fn affinity() -> String {
    let text = read_to_string("/proc/self/status").unwrap_or_default();
    let list = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.unwrap_or_default().trim().to_owned()
}

/// Peak memory of this process [bytes], if the system reports it.
pub fn peak_memory() -> Option<u64> {
    let text = read_to_string("/proc/self/status").ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Number of cores that this process may use. Binding and container limits are respected.
pub fn cores() -> usize {
    available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Number of all cores of this host, including those that this process may not use.
pub fn all_cores() -> usize {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().filter(|line| line.starts_with("processor")).count().max(cores())
}

/// Processor time of all threads of this process [s].
pub fn process_seconds() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// Processor time of this thread [s].
pub fn thread_seconds() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Identifies the scope in which process ids are valid: this boot of this host and the container,
/// if the system reports them. Host names would not do, because hosts and containers may share one.
pub fn place() -> Option<String> {
    let boot = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let processes = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", boot.trim(), processes.display()))
}

/// Whether a process exists but belongs to another user, so that the system hides everything else
/// about it.
pub fn is_hidden(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::PERM)
}

/// Start time of a process on this host, in clock ticks since boot. `None` if it does not exist or
/// is a zombie.
pub fn process_start(pid: u32) -> Option<u64> {
    let text = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The program name stands in parentheses and may contain any character.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let began = fields.nth(18)?.parse().ok()?;
    (!["Z", "X"].contains(&state)).then_some(began)
}

/// Memory of this host, or the part that this process may use [bytes].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Total memory.
    pub total: u64,
    /// Memory that is still available.
    pub available: u64,
}

/// Memory of this host within the limits of its container, its job and this process, if the system
/// reports it.
pub fn memory() -> Option<Memory> {
    io::memory().map(|io::Memory { total, available }| Memory { total, available })
}

/// The running executable, for starting a second process. It is valid even if another file has
/// taken its name meanwhile.
pub fn program() -> PathBuf {
    let running = Path::new("/proc/self/exe");
    if running.exists() { running.to_owned() } else { std::env::current_exe().unwrap_or_default() }
}

/// Identifies a build of the program: length and time of its file.
pub fn fingerprint() -> String {
    let data = std::env::current_exe().and_then(std::fs::metadata);
    data.map_or("unknown".to_owned(), |data| {
        let time = data.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        format!("{}.{}", data.len(), time.map_or(0, |time| time.as_secs()))
    })
}
