//! What the system says about the machine under the program. Where it says nothing, the answer is "unknown", never an error.

use serde::Serialize;
use std::fs::read_to_string;
use std::num::NonZeroUsize;
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

/// Name of this host.
pub fn host() -> String {
    read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

/// Name of this host's processor.
pub fn processor() -> String {
    let text = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
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
