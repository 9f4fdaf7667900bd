//! Memory that is still available to this process.

use crate::Error;
use rustix::process::{Resource, getrlimit};
use std::fs::read_to_string;
use std::path::Path;
use treecode::Bodies;

/// Memory of this host, or the part that this process may use [bytes].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Total memory.
    pub total: u64,
    /// Memory that is still available.
    pub available: u64,
}

/// Memory of this host within the limits of its container, its job and this process, if the system
/// reports it.
pub fn memory() -> Option<Memory> {
    let text = read_to_string("/proc/meminfo").ok()?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(1024 * line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?)
    };
    let host = Memory { total: value("MemTotal:")?, available: value("MemAvailable:")? };
    let limits = [control_group(), address_space()];
    Some(limits.into_iter().flatten().fold(host, |least, limit| Memory {
        total: least.total.min(limit.total),
        available: least.available.min(limit.available),
    }))
}

/// The limit of this process's control group (version 2), if there is one.
fn control_group() -> Option<Memory> {
    let path = read_to_string("/proc/self/cgroup").ok()?;
    let path = path.lines().find_map(|line| line.strip_prefix("0::"))?;
    let number =
        |name: &str| read_to_string(format!("/sys/fs/cgroup{path}/{name}")).ok()?.trim().parse::<u64>().ok();
    let total = number("memory.max")?;
    Some(Memory { total, available: total.saturating_sub(number("memory.current")?) })
}

/// The limit on the address space of this process (`ulimit -v`), if there is one.
fn address_space() -> Option<Memory> {
    let total = getrlimit(Resource::As).current?;
    Some(Memory { total, available: total.saturating_sub(addresses_in_use()?) })
}

/// Address space that this process has mapped [bytes].
pub(crate) fn addresses_in_use() -> Option<u64> {
    let text = read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
    Some(1024 * line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?)
}

/// Memory per body without added columns [bytes].
pub const BODY: u64 = 106;

/// Checks that `bodies` bodies fit into memory, with `beside` additional bytes each.
pub(crate) fn expect_room(path: &Path, bodies: u64, beside: u64) -> Result<(), Error> {
    let needed = u128::from(bodies) * (u128::from(BODY) + u128::from(beside));
    match memory() {
        Some(Memory { available, .. }) if needed > u128::from(available) => {
            Err(Error::snapshot(path, no_room(bodies, needed, available)))
        }
        _ => Ok(()),
    }
}

fn no_room(bodies: u64, needed: u128, available: u64) -> String {
    let [needed, available] = [needed as f64, available as f64].map(|bytes| bytes * 1e-9);
    format!("holds {bodies} bodies to read, which take {needed:.1} GB of memory; {available:.1} GB are free")
}

/// Allocates memory for `more` bodies. Returns an error if there is none.
pub(crate) fn reserve(path: &Path, bodies: &mut Bodies, more: u64) -> Result<(), Error> {
    let full = || Error::snapshot(path, format!("holds {more} bodies to read, which do not fit into memory"));
    let more = usize::try_from(more).map_err(|_| full())?;
    bodies.try_reserve(more).map_err(|_| full())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_takes_what_it_is_said_to_take() {
        let bytes: usize = Bodies::zeroed(1).arrays().map(|(_, _, _, array)| array.bytes().len()).sum();
        assert_eq!(bytes as u64, BODY);
    }

    #[test]
    fn bodies_that_do_not_fit_are_refused_before_memory_is_taken() {
        let path = Path::new("a.hdf5");
        expect_room(path, 1000, 1000).unwrap();
        let message = expect_room(path, 1 << 60, 0).unwrap_err().to_string();
        assert!(
            message.starts_with("a.hdf5: holds 1152921504606846976 bodies to read, which take"),
            "{message}"
        );
        let mut bodies = Bodies::default();
        reserve(path, &mut bodies, 1000).unwrap();
        assert!(bodies.pos[2].capacity() >= 1000 && bodies.rung.capacity() >= 1000);
        assert!(
            reserve(path, &mut bodies, u64::MAX).unwrap_err().to_string().contains("do not fit into memory")
        );
    }
}
