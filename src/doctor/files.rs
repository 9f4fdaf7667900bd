//! Checks the file system: all ranks write a snapshot and a checkpoint, time them, and read them
//! back.

use super::Finding;
use crate::ranks::crew::Crew;
use anyhow::{Result, ensure};
use decomposition::collective;
use io::checkpoint::Checkpoint;
use io::snapshot::{self, Fields, Header, Layout};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::time::Instant;
use treecode::Bodies;

/// Number of bodies in the test files, over all ranks.
const BODIES: usize = 500_000;

/// Below this speed, a checkpoint of a large run takes long [bytes/s].
const SLOW: f64 = 5e7;

/// Tests a folder. Findings are the same on all ranks. Collective.
pub(super) fn examine(crew: &Crew, folder: &Path) -> Vec<Finding> {
    let mut findings = vec![limit(crew)];
    findings.extend([("snapshot", try_snapshot as Try), ("checkpoint", try_checkpoint)].map(
        |(what, attempt)| {
            let path = folder.join(format!("heorot-doctor-{:016x}-{what}.tmp", number(crew)));
            let finding = match attempt(crew, &path) {
                Ok(speed) if speed < SLOW => Finding::Warning(
                    format!(
                        "{}: all ranks wrote a {what} together at {:.0} MB/s only",
                        folder.display(),
                        speed * 1e-6
                    ),
                    "write to the parallel or local file system of the cluster, not to home folders"
                        .to_owned(),
                ),
                Ok(speed) => Finding::Well(format!(
                    "{}: all ranks wrote a {what} together at {:.0} MB/s and read it back",
                    folder.display(),
                    speed * 1e-6
                )),
                Err(error) => Finding::Fault(
                    format!("{error:#}"),
                    "choose another --folder; on network file systems HDF5_USE_FILE_LOCKING=FALSE may help"
                        .to_owned(),
                ),
            };
            let _ = crew.lead(|| {
                let _ = std::fs::remove_file(&path);
                Ok(())
            });
            finding
        },
    ));
    findings
}

type Try = fn(&Crew, &Path) -> Result<f64>;

/// A random number for file names, the same on all ranks.
fn number(crew: &Crew) -> u64 {
    collective::gather(crew.comm, &[RandomState::new().hash_one(std::process::id())])[0][0]
}

fn limit(crew: &Crew) -> Finding {
    let limits = collective::gather(crew.comm, &[io::file_size_limit().unwrap_or(u64::MAX)]).concat();
    match limits.iter().min() {
        Some(&least) if least < 1 << 40 => Finding::Warning(
            format!("a rank may write no file larger than {} MB", least >> 20),
            "ulimit -f unlimited, in the job script too".to_owned(),
        ),
        _ => Finding::Well("files may be as large as needed".to_owned()),
    }
}

/// This rank's bodies. No id occurs on two ranks.
fn bodies(crew: &Crew) -> Bodies {
    let (rank, size) = (crew.comm.rank(), crew.comm.size());
    let (first, last) = (BODIES * rank / size, BODIES * (rank + 1) / size);
    let mut bodies = Bodies::zeroed(last - first);
    bodies.id.iter_mut().for_each(|id| *id += first as u64);
    bodies.mass.fill(1.0);
    bodies
}

/// Writes and reads a snapshot. Returns the writing speed [bytes/s].
fn try_snapshot(crew: &Crew, path: &Path) -> Result<f64> {
    let bodies = bodies(crew);
    let clock = Instant::now();
    crew.write_snapshot(
        &io::Target::own(path),
        &Header::default(),
        &bodies,
        Fields::default(),
        &Layout::default(),
    )?;
    let speed = length(path) / clock.elapsed().as_secs_f64();
    let read = || Ok(snapshot::read(path, crew.comm.rank(), crew.comm.size())?.1);
    whole(crew, crew.agree(read)?)?;
    Ok(speed)
}

/// Writes and reads a checkpoint. Returns the writing speed [bytes/s].
fn try_checkpoint(crew: &Crew, path: &Path) -> Result<f64> {
    let bodies = bodies(crew);
    let clock = Instant::now();
    crew.write_checkpoint(path, &(), &bodies)?;
    let speed = length(path) / clock.elapsed().as_secs_f64();
    let read = || Ok(Checkpoint::<()>::open(path)?.read(crew.comm.rank(), crew.comm.size())?);
    whole(crew, crew.agree(read)?)?;
    Ok(speed)
}

fn length(path: &Path) -> f64 {
    std::fs::metadata(path).map_or(0.0, |data| data.len() as f64)
}

/// Checks that every body was read exactly once.
fn whole(crew: &Crew, bodies: Bodies) -> Result<()> {
    let sum = collective::sum(crew.comm, bodies.id.iter().sum());
    let expected = (0..BODIES as u64).sum::<u64>();
    ensure!(sum == expected, "what was read back is not what was written");
    Ok(())
}
