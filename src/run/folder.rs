//! The output folder of a run: the names of its files, and the protection of earlier results.

use super::lock::Lock;
use crate::batch::status::Status;
use crate::parameters::Restart;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The output folder of a run. It holds these files:
///
/// - `snapshot_000.hdf5` and so on, `energy.csv`, `steps.csv`, `report.json`, `status.json`;
/// - `checkpoint_00000120.heorot` and so on;
/// - `spectrum_000.csv` and so on, if the run has power spectra;
/// - `lightcone_000.hdf5`, `lightcone_map_000.hdf5` and so on, if the run has a light cone;
/// - `crossings_00000120_bfd0000000000000.heorot` beside a checkpoint of such a run;
/// - of a movie, `frame_00000.png` and so on, `frames.json`, `trails.json`, and `frames.gif` or
///   `frames.apng`;
/// - `heorot.lock` while a run is under way;
/// - `heorot.begun` until the run has a checkpoint or is done.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

/// Content of `heorot.begun`. The file marks a folder that held no results when a run began, and in
/// which that run has no checkpoint yet. All results in the folder then belong to that run, which
/// would compute the same again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    /// Time at which the run began [s since 1970].
    at: u64,
    /// Whether `--overwrite` is removing the results of an earlier run.
    clearing: bool,
}

/// Name of this file.
const BEGUN: &str = "heorot.begun";

/// Files of a run are younger than its `heorot.begun`, up to this difference between the clocks of
/// hosts.
const SKEW: Duration = Duration::from_secs(60);

impl Folder {
    /// The folder of a run. This function does not access it.
    pub(crate) fn new(path: &Path) -> Folder {
        Folder { path: path.to_owned() }
    }

    /// Path of the `number`-th snapshot.
    pub(crate) fn snapshot(&self, number: u64) -> PathBuf {
        self.path.join(format!("snapshot_{number:03}.hdf5"))
    }

    /// Path of the power spectrum of the `number`-th snapshot.
    pub(crate) fn spectrum(&self, number: u64) -> PathBuf {
        self.path.join(format!("spectrum_{number:03}.csv"))
    }

    /// Path of the `number`-th shell of the light cone.
    pub(crate) fn shell(&self, number: u64) -> PathBuf {
        self.path.join(format!("lightcone_{number:03}.hdf5"))
    }

    /// Path of the map of the `number`-th shell of the light cone.
    pub(crate) fn shell_map(&self, number: u64) -> PathBuf {
        self.path.join(format!("lightcone_map_{number:03}.hdf5"))
    }

    /// Path of the crossings of the light cone that belong to the checkpoint after this step and have
    /// reached this time. Within a step there may be several checkpoints, and the time distinguishes them:
    /// a file never takes the place of another one that a checkpoint still needs.
    pub(crate) fn crossings(&self, step: u64, reached: f64) -> PathBuf {
        self.path.join(format!("crossings_{step:08}_{:016x}.heorot", reached.to_bits()))
    }

    /// Removes the crossings that do not belong to the checkpoints of these steps, and all of the last one
    /// of these steps but `last`.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub(crate) fn keep_crossings(&self, steps: &[u64], last: &Path) -> Result<()> {
        let is_kept = |path: &PathBuf| {
            let step = path.file_name().and_then(|name| crossings_step(name.to_str()?));
            step.is_none_or(|step| path == last || (steps.contains(&step) && steps.last() != Some(&step)))
        };
        self.all_results()?.into_iter().filter(|path| !is_kept(path)).try_for_each(|path| remove(&path))
    }

    /// Removes shells of the light cone from this number on. The run writes them again.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub(crate) fn remove_shells_from(&self, first: u64) -> Result<()> {
        let later = |path: &PathBuf| {
            path.file_name()
                .and_then(|name| shell_number(name.to_str()?))
                .is_some_and(|number| number >= first)
        };
        self.all_results()?.into_iter().filter(later).try_for_each(|path| remove(&path))
    }

    /// Path of a snapshot that the user has requested after this step.
    pub(crate) fn extra_snapshot(&self, step: u64) -> PathBuf {
        self.path.join(format!("snapshot_step_{step:08}.hdf5"))
    }

    /// Path of the checkpoint after this step.
    pub(crate) fn checkpoint(&self, step: u64) -> PathBuf {
        self.path.join(format!("checkpoint_{step:08}.heorot"))
    }

    /// Path of the status file.
    pub(crate) fn status(&self) -> PathBuf {
        Status::path_in(&self.path)
    }

    /// Path of a file with which a user requests something.
    pub(crate) fn wish(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Path of the table with energy and momenta of each step.
    pub(crate) fn energy(&self) -> PathBuf {
        self.path.join("energy.csv")
    }

    /// Path of the table with the cost of each step.
    pub(crate) fn steps(&self) -> PathBuf {
        self.path.join("steps.csv")
    }

    /// Path of a frame of the movie.
    pub(crate) fn frame(&self, number: u64) -> PathBuf {
        self.path.join(format!("frame_{number:05}.png"))
    }

    /// Path of the settings that all frames of the movie share.
    pub(crate) fn frames(&self) -> PathBuf {
        self.path.join("frames.json")
    }

    /// Path of the places of the dots in all frames.
    pub(crate) fn trails(&self) -> PathBuf {
        self.path.join("trails.json")
    }

    /// Path of the movie that is made from the frames at the end.
    pub(crate) fn movie(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The existing frames, in their order.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub(crate) fn all_frames(&self) -> Result<Vec<PathBuf>> {
        let results = self.all_results()?;
        let number = |path: &PathBuf| frame_number(path.file_name()?.to_str()?);
        let mut frames: Vec<(u64, PathBuf)> =
            results.into_iter().filter_map(|path| Some((number(&path)?, path))).collect();
        frames.sort();
        Ok(frames.into_iter().map(|(_, path)| path).collect())
    }

    /// Removes frames after this number. The run continues from there.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub(crate) fn remove_frames_after(&self, last: u64) -> Result<()> {
        let later = |path: &PathBuf| {
            path.file_name().and_then(|name| frame_number(name.to_str()?)).is_some_and(|number| number > last)
        };
        self.all_frames()?.into_iter().filter(later).try_for_each(|path| remove(&path))
    }

    /// Path of the report, which is written at the end.
    pub(crate) fn report(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Locks the folder for this run, and creates it if it does not exist.
    ///
    /// # Errors
    /// If another run is under way here, or the folder cannot be made or written.
    pub(crate) fn lock(&self) -> Result<Lock> {
        Lock::take(&self.path)
    }

    /// Makes sure that the locked folder holds no results, and records that a run has begun. Returns
    /// whether a run begins again.
    ///
    /// Results of an earlier run are removed if `overwrite` is set. Those of a run that was killed
    /// before its first checkpoint are removed if `restart` is [`Restart::Auto`]. In all other cases
    /// results are an error. The files of `sources`, which the run reads, are never removed, and
    /// neither are files with other names.
    ///
    /// # Errors
    /// If the folder cannot be written, or holds results that must not be removed.
    pub(crate) fn prepare(&self, overwrite: bool, restart: Restart, sources: &[PathBuf]) -> Result<bool> {
        self.clear_parts()?;
        let results = self.all_results()?;
        let begun = self.begun();
        let mut again = false;
        if let Some(first) = results.first().filter(|_| !overwrite) {
            let begun = begun.filter(|begun| begun.clearing || self.holds_a_start());
            match begun {
                Some(begun) if restart == Restart::Auto => {
                    if !begun.clearing {
                        self.refuse_what_is_older(&results)?;
                    }
                    again = true;
                }
                Some(_) => bail!(
                    "{}: a run was ended here before its first checkpoint; --restart=auto starts it afresh, --overwrite replaces all results in the folder",
                    first.display()
                ),
                None => bail!(
                    "{}: is the result of an earlier run; choose another output.folder, --restart to go on from its last checkpoint, or --overwrite to replace all results in it",
                    first.display()
                ),
            }
        }
        let sources: Vec<PathBuf> = sources.iter().filter_map(|file| fs::canonicalize(file).ok()).collect();
        let is_source = |file: &&PathBuf| fs::canonicalize(file).is_ok_and(|file| sources.contains(&file));
        if let Some(file) = results.iter().find(is_source) {
            anyhow::bail!(
                "{}: the run reads this file, so it must not be removed; move it away",
                file.display()
            );
        }
        if overwrite && !results.is_empty() {
            self.begin(Begun { clearing: true, ..Begun::default() })?;
        }
        results.iter().try_for_each(|file| remove(file))?;
        self.begin(Begun::default())?;
        Ok(again)
    }

    /// The record that a run has begun.
    fn begun_path(&self) -> PathBuf {
        self.path.join(BEGUN)
    }

    fn begun(&self) -> Option<Begun> {
        serde_json::from_slice(&fs::read(self.begun_path()).ok()?).ok()
    }

    fn begin(&self, begun: Begun) -> Result<()> {
        let begun = Begun { at: crate::batch::status::now(), ..begun };
        Ok(io::Target::own(self.begun_path()).write_json(&begun)?)
    }

    /// Removes the record that a run has begun: it has a checkpoint, is done, or has left nothing.
    ///
    /// # Errors
    /// If the record cannot be removed.
    pub(crate) fn forget_start(&self) -> Result<()> {
        match fs::remove_file(self.begun_path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("{}: cannot remove", self.begun_path().display()))
            }
            _ => Ok(()),
        }
    }

    /// Whether `--overwrite` was killed while it removed an earlier run. The rest of that run cannot
    /// be continued.
    pub(crate) fn is_being_cleared(&self) -> bool {
        self.begun().is_some_and(|begun| begun.clearing)
    }

    /// Whether a run has left neither a checkpoint nor a report.
    fn holds_a_start(&self) -> bool {
        !self.report().exists() && self.checkpoints().is_ok_and(|list| list.is_empty())
    }

    /// A file with the name of a result belongs to the user if it is older than the run, or if it is
    /// not a regular file.
    fn refuse_what_is_older(&self, results: &[PathBuf]) -> Result<()> {
        let time = |path: &Path| fs::symlink_metadata(path).and_then(|data| data.modified()).ok();
        let begun = time(&self.begun_path()).unwrap_or(SystemTime::UNIX_EPOCH);
        let is_its_own = |path: &&PathBuf| {
            let is_file = fs::symlink_metadata(path).is_ok_and(|data| data.is_file());
            is_file && time(path).is_some_and(|time| time + SKEW >= begun)
        };
        match results.iter().find(|path| !is_its_own(path)) {
            Some(other) => bail!(
                "{}: is older than the run that was ended in this folder before its first checkpoint; move it away, or give --overwrite to replace all results in the folder",
                other.display()
            ),
            None => Ok(()),
        }
    }

    /// The folder as text for messages.
    pub(crate) fn shown(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// Whether the folder exists.
    pub(crate) fn exists(&self) -> bool {
        self.path.exists()
    }

    /// The existing checkpoints with their steps, the last one first.
    ///
    /// # Errors
    /// If the folder exists and cannot be read.
    pub(crate) fn checkpoints(&self) -> Result<Vec<(u64, PathBuf)>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let results = self.all_results()?;
        let numbered = results.into_iter().filter_map(|path| {
            let number = checkpoint_step(path.file_name()?.to_str()?)?;
            Some((number, path))
        });
        let mut list: Vec<_> = numbered.collect();
        list.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
        Ok(list)
    }

    /// Removes all checkpoints except those of these steps.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub(crate) fn keep_checkpoints(&self, steps: &[u64]) -> Result<()> {
        let others = self.checkpoints()?.into_iter().filter(|(step, _)| !steps.contains(step));
        others.map(|(_, path)| path).try_for_each(|path| remove(&path))
    }

    /// Removes snapshots and power spectra from this number on. The present schedule will write other ones.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub(crate) fn remove_snapshots_from(&self, first: u64) -> Result<()> {
        let results = self.all_results()?;
        let later = |path: &PathBuf| {
            path.file_name()
                .and_then(|name| snapshot_number(name.to_str()?).or(spectrum_number(name.to_str()?)))
                .is_some_and(|number| number >= first)
        };
        results.into_iter().filter(later).try_for_each(|path| remove(&path))
    }

    /// Removes incomplete files that a killed run has left.
    ///
    /// # Errors
    /// If the folder cannot be read, or a file cannot be removed.
    pub(crate) fn clear_parts(&self) -> Result<()> {
        let read = || format!("{}: cannot read the output folder", self.path.display());
        for entry in fs::read_dir(&self.path).with_context(read)? {
            let name = entry.with_context(read)?.file_name();
            // MPI creates a file beside it to test locks.
            let is_part = |rest: &str| rest.is_empty() || rest.starts_with(".locktest.");
            let parts = name.to_str().and_then(|name| name.split_once(".part"));
            let whole = parts.filter(|(_, rest)| is_part(rest)).map(|(whole, _)| whole);
            if whole.is_some_and(|name| is_result(name) || name == BEGUN) {
                remove(&self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// [`Folder::results`], with an error for a user.
    fn all_results(&self) -> Result<Vec<PathBuf>> {
        self.results().with_context(|| format!("{}: cannot read the output folder", self.shown()))
    }

    /// The existing files of a run, in the order of their names.
    fn results(&self) -> std::io::Result<Vec<PathBuf>> {
        let mut results = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            if name.to_str().is_some_and(is_result) {
                results.push(self.path.join(name));
            }
        }
        results.sort();
        Ok(results)
    }
}

fn is_result(name: &str) -> bool {
    let is_extra = || hdf5_stem(name).and_then(|stem| between(stem, "snapshot_step_", 8, ""));
    let is_snapshot = snapshot_number(name).or_else(is_extra).is_some();
    is_snapshot
        || spectrum_number(name).is_some()
        || shell_number(name).is_some()
        || crossings_step(name).is_some()
        || checkpoint_step(name).is_some()
        || frame_number(name).is_some()
        || [
            "energy.csv",
            "steps.csv",
            "report.json",
            "status.json",
            "frames.json",
            "trails.json",
            "frames.gif",
            "frames.apng",
        ]
        .contains(&name)
}

fn snapshot_number(name: &str) -> Option<u64> {
    between(hdf5_stem(name)?, "snapshot_", 3, "")
}

fn spectrum_number(name: &str) -> Option<u64> {
    between(name, "spectrum_", 3, ".csv")
}

fn shell_number(name: &str) -> Option<u64> {
    let stem = hdf5_stem(name)?;
    between(stem, "lightcone_", 3, "").or_else(|| between(stem, "lightcone_map_", 3, ""))
}

/// The step of a file of crossings, whose name ends with a number of 16 hexadecimal digits.
fn crossings_step(name: &str) -> Option<u64> {
    let (step, reached) = name.strip_prefix("crossings_")?.strip_suffix(".heorot")?.split_once('_')?;
    let is_hexadecimal = reached.len() == 16 && reached.bytes().all(|byte| byte.is_ascii_hexdigit());
    between(step, "", 8, "").filter(|_| is_hexadecimal)
}

/// A name without its ending, and without the number of the file if there are several files.
fn hdf5_stem(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".hdf5")?;
    let Some((stem, file)) = stem.split_once('.') else { return Some(stem) };
    (!file.is_empty() && file.bytes().all(|byte| byte.is_ascii_digit())).then_some(stem)
}

fn frame_number(name: &str) -> Option<u64> {
    between(name, "frame_", 5, ".png")
}

fn checkpoint_step(name: &str) -> Option<u64> {
    between(name, "checkpoint_", 8, ".heorot")
}

/// The number between two texts, which has at least this many digits.
fn between(name: &str, before: &str, digits: usize, behind: &str) -> Option<u64> {
    let number = name.strip_prefix(before)?.strip_suffix(behind)?;
    let is_number = number.len() >= digits && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| number.parse().ok()).flatten()
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("{}: cannot remove", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranks::crew::Crew;
    use io::snapshot::{Fields, Header, Layout};
    use treecode::Bodies;

    fn with(names: &[&str]) -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(&root.path().join("out"));
        fs::create_dir(&folder.path).unwrap();
        names.iter().for_each(|name| fs::write(folder.path.join(name), "").unwrap());
        (root, folder)
    }

    fn names(folder: &Folder) -> Vec<String> {
        let entries = fs::read_dir(&folder.path).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn prepare(folder: &Folder, overwrite: bool, restart: Restart) -> Result<bool> {
        folder.prepare(overwrite, restart, &[])
    }

    fn results_of(folder: &Folder) -> Vec<String> {
        names(folder).into_iter().filter(|name| name != "heorot.begun").collect()
    }

    #[test]
    fn earlier_results_are_refused_or_removed_but_nothing_else() {
        let kept = ["ic.hdf5", "movie.gif", "snapshot_01.hdf5", "snapshot_abc.hdf5"];
        let results =
            ["energy.csv", "report.json", "snapshot_000.hdf5", "snapshot_001.12.hdf5", "spectrum_000.csv"];
        let (_root, folder) = with(&[&kept[..], &results].concat());
        for restart in [Restart::Never, Restart::Auto] {
            let message = prepare(&folder, false, restart).unwrap_err().to_string();
            assert!(message.contains("energy.csv: is the result of an earlier run"), "{message}");
        }
        assert_eq!(names(&folder).len(), 9);
        assert!(!prepare(&folder, true, Restart::Never).unwrap());
        assert_eq!(results_of(&folder), kept);
    }

    #[test]
    fn a_run_that_was_killed_before_its_first_checkpoint_begins_again() {
        let left = ["energy.csv", "frame_00000.png", "snapshot_000.hdf5", "status.json", "steps.csv"];
        // Any part of it may be there.
        for count in 0..=left.len() {
            let (_root, folder) = with(&["mine.txt"]);
            assert!(!prepare(&folder, false, Restart::Auto).unwrap());
            left[..count].iter().for_each(|name| fs::write(folder.path.join(name), "").unwrap());
            if count > 0 {
                let message = prepare(&folder, false, Restart::Never).unwrap_err().to_string();
                assert!(message.contains("--restart=auto starts it afresh"), "{message}");
            }
            assert_eq!(prepare(&folder, false, Restart::Auto).unwrap(), count > 0);
            assert_eq!(names(&folder), ["heorot.begun", "mine.txt"]);
        }
    }

    #[test]
    fn what_the_killed_run_has_not_written_stays() {
        let (_root, folder) = with(&[]);
        prepare(&folder, false, Restart::Never).unwrap();
        for name in ["energy.csv", "snapshot_007.hdf5"] {
            fs::write(folder.path.join(name), "").unwrap();
        }
        let old = fs::File::options().write(true).open(folder.snapshot(7)).unwrap();
        old.set_modified(SystemTime::now() - 2 * SKEW).unwrap();
        let message = prepare(&folder, false, Restart::Auto).unwrap_err().to_string();
        assert!(message.contains("snapshot_007.hdf5: is older than the run"), "{message}");
        assert_eq!(results_of(&folder), ["energy.csv", "snapshot_007.hdf5"]);
        // Links and folders are not results.
        fs::remove_file(folder.snapshot(7)).unwrap();
        std::os::unix::fs::symlink(folder.path.join("energy.csv"), folder.snapshot(7)).unwrap();
        prepare(&folder, false, Restart::Auto).unwrap_err();
        fs::remove_file(folder.snapshot(7)).unwrap();
        // With a checkpoint or a report, the run has got beyond its start.
        for name in ["checkpoint_00000009.heorot", "report.json"] {
            fs::write(folder.path.join(name), "").unwrap();
            prepare(&folder, false, Restart::Auto).unwrap_err();
            fs::remove_file(folder.path.join(name)).unwrap();
        }
        folder.forget_start().unwrap();
        prepare(&folder, false, Restart::Auto).unwrap_err();
        assert_eq!(names(&folder), ["energy.csv"]);
    }

    #[test]
    fn an_overwrite_that_was_killed_is_done_to_its_end() {
        let (_root, folder) = with(&["checkpoint_00000009.heorot", "report.json", "snapshot_003.hdf5"]);
        folder.begin(Begun { clearing: true, at: 0 }).unwrap();
        assert!(folder.is_being_cleared());
        prepare(&folder, false, Restart::Never).unwrap_err();
        assert!(prepare(&folder, false, Restart::Auto).unwrap());
        assert_eq!(names(&folder), ["heorot.begun"]);
        assert!(!folder.is_being_cleared());
    }

    #[test]
    fn only_the_checkpoints_that_are_named_are_kept() {
        let others = ["checkpoint_1.heorot", "checkpoint_00000009.hdf5", "snapshot_007.hdf5"];
        let ours =
            ["checkpoint_00000009.heorot", "checkpoint_00000010.heorot", "checkpoint_123456789.heorot"];
        let (_root, folder) = with(&[&others[..], &ours].concat());
        let steps: Vec<u64> = folder.checkpoints().unwrap().into_iter().map(|(step, _)| step).collect();
        assert_eq!(steps, [123_456_789, 10, 9]);
        folder.keep_checkpoints(&[10, 123_456_789]).unwrap();
        assert_eq!(names(&folder).len(), 5);
        assert!(!folder.checkpoint(9).exists() && folder.checkpoint(10).exists());
    }

    #[test]
    fn half_written_files_of_ours_go_and_others_stay() {
        let (_root, folder) = with(&[
            "checkpoint_00000009.heorot.part",
            "checkpoint_00000009.heorot.part.locktest.0",
            "report.json.part",
            "mine.part",
            "snapshot_003.hdf5.part",
        ]);
        prepare(&folder, false, Restart::Never).unwrap();
        assert_eq!(results_of(&folder), ["mine.part"]);
    }

    #[test]
    fn snapshots_of_another_schedule_are_removed() {
        let kept = [
            "snapshot_000.hdf5",
            "snapshot_001.hdf5",
            "snapshot_step_00000099.hdf5",
            "spectrum_001.csv",
            "spectrum_2.csv",
        ];
        let later = ["snapshot_002.hdf5", "snapshot_1000.hdf5", "spectrum_002.csv"];
        let (_root, folder) = with(&[&kept[..], &later].concat());
        folder.remove_snapshots_from(2).unwrap();
        assert_eq!(names(&folder), kept);
    }

    #[test]
    fn crossings_stay_as_long_as_their_checkpoint() {
        let others = ["crossings_00000009.heorot", "lightcone_000.hdf5", "lightcone_map_001.hdf5"];
        let (_root, folder) = with(&others);
        let file = |step: u64, reached: f64| folder.crossings(step, reached);
        for (step, reached) in [(7, -1.0), (8, -0.5), (9, -0.25), (9, -0.125)] {
            fs::write(file(step, reached), "").unwrap();
        }
        folder.keep_crossings(&[8, 9], &file(9, -0.125)).unwrap();
        let kept = [file(8, -0.5), file(9, -0.125)];
        assert!(kept.iter().all(|path| path.exists()) && names(&folder).len() == 5, "{:?}", names(&folder));
        folder.remove_shells_from(1).unwrap();
        assert_eq!(names(&folder).len(), 4);
        assert!(folder.shell(0).exists());
        let message = prepare(&folder, false, Restart::Never).unwrap_err().to_string();
        assert!(message.contains("is the result of an earlier run"), "{message}");
        prepare(&folder, true, Restart::Never).unwrap();
        assert_eq!(results_of(&folder), ["crossings_00000009.heorot"]);
    }

    #[test]
    fn the_file_a_run_starts_from_is_not_removed() {
        let (_root, folder) = with(&["snapshot_000.hdf5"]);
        let (fields, layout) = (Fields::default(), Layout::default());
        let write = Crew::alone().write_snapshot(
            &io::Target::own(folder.snapshot(1)),
            &Header::default(),
            &Bodies::default(),
            fields,
            &layout,
        );
        write.unwrap();
        folder.prepare(true, Restart::Never, &[folder.snapshot(1)]).unwrap_err();
        assert_eq!(names(&folder), ["snapshot_000.hdf5", "snapshot_001.hdf5"]);
    }

    #[test]
    fn what_is_no_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "").unwrap();
        let message = format!("{:#}", Folder::new(&path).lock().err().unwrap());
        assert!(
            message.starts_with(&format!("{}: cannot make the output folder: ", path.display())),
            "{message}"
        );
    }
}
