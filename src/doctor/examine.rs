//! Checks over all ranks. These functions are pure: their only input is what the ranks have
//! reported.

use super::{Finding, Patient};
use crate::console::plural;
use std::collections::{BTreeMap, BTreeSet};

/// Shared memory that MPI may need per rank on a host [bytes].
const SHARED_MEMORY: u64 = 16 << 20;

/// All findings, the most important first.
pub(super) fn all(patients: &[Patient]) -> Vec<Finding> {
    let mut findings = vec![ranks(patients)];
    findings.extend(hosts(patients));
    findings.push(alike(patients));
    findings.extend(memory(patients));
    findings
}

/// Whether all started processes belong to one MPI job.
fn ranks(patients: &[Patient]) -> Finding {
    let (seen, launched) = (patients.len(), patients[0].launched.unwrap_or(patients.len()));
    if launched > seen {
        return Finding::Fault(
            format!("{launched} processes were started, but this one sees {seen}"),
            "the launcher belongs to another MPI than the program was built with: call the mpirun of that MPI, or build again with scripts/setup"
                .to_owned(),
        );
    }
    let hosts = by_host(patients);
    let list: Vec<String> =
        hosts.iter().map(|(host, ranks)| format!("{} on {host}", numbers(ranks.keys()))).collect();
    Finding::Well(format!(
        "{seen} rank{} on {} host{}: {}",
        plural(seen),
        hosts.len(),
        plural(hosts.len()),
        list.join("; ")
    ))
}

/// Checks cores and binding on each host.
fn hosts(patients: &[Patient]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, ranks) in by_host(patients) {
        let own = |patient: &Patient| cores(&patient.cores).map_or(usize::MAX, |set| set.len());
        let pinned = ranks.iter().find(|(_, patient)| patient.threads > own(patient));
        let union: Option<BTreeSet<usize>> =
            ranks.values().map(|patient| cores(&patient.cores)).try_fold(BTreeSet::new(), |mut sum, set| {
                sum.extend(set?);
                Some(sum)
            });
        let processes: BTreeMap<u32, usize> =
            ranks.values().map(|patient| (patient.process, patient.threads)).collect();
        let threads: usize = processes.values().sum();
        if let Some((rank, patient)) = pinned {
            findings.push(Finding::Warning(
                format!("{host}: rank {rank} has {} threads, but is bound to core{} {}", patient.threads, plural(own(patient)), patient.cores),
                "give each rank its cores: mpirun --bind-to none, or --map-by node:PE=THREADS; with srun --cpus-per-task; or fewer --threads"
                    .to_owned(),
            ));
        } else if let Some(cores) = union.as_ref().filter(|cores| cores.len() < threads) {
            findings.push(Finding::Warning(
                format!("{host}: {threads} threads of {} ranks share {} cores ({})", ranks.len(), cores.len(), numbers(cores)),
                "start fewer ranks on a host, or fewer --threads; bind ranks to cores of their own with --map-by node:PE=THREADS".to_owned(),
            ));
        } else {
            let list = union.map_or("cores unknown".to_owned(), |cores| format!("cores {}", numbers(&cores)));
            findings.push(Finding::Well(format!(
                "{host}: {threads} threads on {list}; {}",
                ranks.values().next().map_or("", |p| &p.processor)
            )));
        }
    }
    findings
}

/// Whether all ranks run the same program with the same instructions.
fn alike(patients: &[Patient]) -> Finding {
    let distinct = |of: fn(&Patient) -> &String| patients.iter().map(of).collect::<BTreeSet<_>>();
    let (programs, paths) = (distinct(|patient| &patient.program), distinct(|patient| &patient.simd));
    let list =
        |set: &BTreeSet<&String>| set.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(" and ");
    if programs.len() > 1 {
        return Finding::Fault(
            format!("the ranks run different builds: {}", list(&programs)),
            "install one build on all hosts, or put it on a file system that they share".to_owned(),
        );
    }
    if paths.len() > 1 {
        return Finding::Warning(
            format!("the ranks use different instructions: {}", list(&paths)),
            "results are right, but not the same bits on other numbers of ranks; HEOROT_SIMD=avx2 (or scalar) on all hosts makes them alike".to_owned(),
        );
    }
    Finding::Well(format!("SIMD path {} on all ranks", list(&paths)))
}

/// Checks the memory and the shared memory of each host.
fn memory(patients: &[Patient]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (host, ranks) in by_host(patients) {
        let first = ranks.values().next().expect("a host has a rank");
        let Some(memory) = first.memory else { continue };
        let (available, total, n) = (memory.available as f64, memory.total as f64, ranks.len());
        let share = available / n as f64;
        findings.push(Finding::Well(format!(
            "{host}: {:.1} of {:.1} GB of memory free, {:.2} GB a rank: room for some {:.0} million bodies",
            available * 1e-9,
            total * 1e-9,
            share * 1e-9,
            crate::ranks::memory::most_bodies(available, n, 0.0) * 1e-6
        )));
        let wanted = SHARED_MEMORY * n as u64;
        if let Some(free) = first.shared_memory.filter(|&free| n > 1 && free < wanted) {
            findings.push(Finding::Warning(
                format!("{host}: /dev/shm has {} MB free, and {n} ranks may need {} MB", free >> 20, wanted >> 20),
                "give the container more (docker run --shm-size=1g), or set OMPI_MCA_btl_vader_backing_directory=/tmp".to_owned(),
            ));
        }
    }
    findings
}

fn by_host(patients: &[Patient]) -> BTreeMap<&str, BTreeMap<usize, &Patient>> {
    let mut hosts: BTreeMap<&str, BTreeMap<usize, &Patient>> = BTreeMap::new();
    patients.iter().enumerate().for_each(|(rank, patient)| {
        hosts.entry(&patient.host).or_default().insert(rank, patient);
    });
    hosts
}

/// Parses a list of cores such as `0-3,8`.
fn cores(list: &str) -> Option<BTreeSet<usize>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<usize>().ok()?..=last.parse().ok()?)
    };
    list.split(',')
        .map(range)
        .collect::<Option<Vec<_>>>()
        .map(|ranges| ranges.into_iter().flatten().collect())
}

/// Formats ascending numbers as a list such as `0-3,8`.
fn numbers<'a>(list: impl IntoIterator<Item = &'a usize>) -> String {
    let mut runs: Vec<[usize; 2]> = Vec::new();
    for &number in list {
        match runs.last_mut() {
            Some([_, last]) if *last + 1 == number => *last = number,
            _ => runs.push([number; 2]),
        }
    }
    let shown = |[first, last]: &[usize; 2]| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    runs.iter().map(shown).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::machine::Memory;

    fn patient(process: u32, cores: &str, threads: usize) -> Patient {
        Patient {
            host: "node1".to_owned(),
            process,
            cores: cores.to_owned(),
            threads,
            program: "heorot".to_owned(),
            simd: "avx2".to_owned(),
            processor: "Xeon".to_owned(),
            memory: Some(Memory { total: 8 << 30, available: 6 << 30 }),
            shared_memory: Some(1 << 30),
            launched: None,
        }
    }

    fn faults(patients: &[Patient]) -> Vec<String> {
        let text = |finding| match finding {
            Finding::Well(_) => None,
            Finding::Warning(what, _) | Finding::Fault(what, _) => Some(what),
        };
        all(patients).into_iter().filter_map(text).collect()
    }

    #[test]
    fn healthy_ranks_have_nothing() {
        assert!(faults(&[patient(1, "0-3", 4), patient(2, "4-7", 4)]).is_empty());
        assert!(faults(&[patient(1, "0-7", 4), patient(2, "0-7", 4)]).is_empty());
        assert!(
            faults(&[patient(1, "0-1", 2), patient(1, "0-1", 2)]).is_empty(),
            "ranks of one process share its threads"
        );
        assert!(faults(&[patient(1, "", 2)]).is_empty(), "where the system does not tell");
    }

    #[test]
    fn each_fault_is_found() {
        let shared = faults(&[patient(1, "0-1", 2), patient(2, "0-1", 2)]);
        assert_eq!(shared, ["node1: 4 threads of 2 ranks share 2 cores (0-1)"]);
        let pinned = faults(&[patient(1, "0", 1), patient(2, "3", 2)]);
        assert_eq!(pinned, ["node1: rank 1 has 2 threads, but is bound to core 3"]);
        let alone = faults(&[Patient { launched: Some(4), ..patient(1, "0-3", 4) }]);
        assert_eq!(alone, ["4 processes were started, but this one sees 1"]);
        let mixed =
            faults(&[patient(1, "0", 1), Patient { simd: "avx512".to_owned(), ..patient(2, "1", 1) }]);
        assert_eq!(mixed, ["the ranks use different instructions: avx2 and avx512"]);
        let builds =
            faults(&[patient(1, "0", 1), Patient { program: "old".to_owned(), ..patient(2, "1", 1) }]);
        assert_eq!(builds, ["the ranks run different builds: heorot and old"]);
        let small = Patient { shared_memory: Some(1 << 20), ..patient(1, "0", 1) };
        assert_eq!(
            faults(&[small, patient(2, "1", 1)]),
            ["node1: /dev/shm has 1 MB free, and 2 ranks may need 32 MB"]
        );
    }

    #[test]
    fn lists_of_cores_are_read_and_written() {
        assert_eq!(cores("0-2,7").unwrap().into_iter().collect::<Vec<_>>(), [0, 1, 2, 7]);
        assert_eq!(numbers(&[0, 1, 2, 7, 9, 10]), "0-2,7,9-10");
        assert_eq!(cores(""), None);
    }
}
