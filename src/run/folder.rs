//! The output folder of a run: what is in it, and that no earlier result is lost.

use crate::status::Status;
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Names in an output folder: `snapshot_000.hdf5` and so on, `energy.csv`, `steps.csv`, `report.json`, `status.json`, `checkpoint_00000120.heorot` and so on; of a movie
/// `frame_00000.png` and so on, `frames.json`, and `frames.gif` or `frames.apng`.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder of a run, not looked at yet.
    pub fn new(path: &Path) -> Folder {
        Folder { path: path.to_owned() }
    }

    /// The `number`-th snapshot.
    pub fn snapshot(&self, number: u64) -> PathBuf {
        self.path.join(format!("snapshot_{number:03}.hdf5"))
    }

    /// A snapshot that was asked for after this step, beside the numbered ones.
    pub fn extra_snapshot(&self, step: u64) -> PathBuf {
        self.path.join(format!("snapshot_step_{step:08}.hdf5"))
    }

    /// The checkpoint after this step.
    pub fn checkpoint(&self, step: u64) -> PathBuf {
        self.path.join(format!("checkpoint_{step:08}.heorot"))
    }

    /// How far the run is.
    pub fn status(&self) -> PathBuf {
        Status::path_in(&self.path)
    }

    /// A file by which a user asks for something.
    pub fn wish(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Energy and momenta of every step.
    pub fn energy(&self) -> PathBuf {
        self.path.join("energy.csv")
    }

    /// What every step took.
    pub fn steps(&self) -> PathBuf {
        self.path.join("steps.csv")
    }

    /// A frame of the movie.
    pub fn frame(&self, number: u64) -> PathBuf {
        self.path.join(format!("frame_{number:05}.png"))
    }

    /// What the frames of the movie have in common.
    pub fn frames(&self) -> PathBuf {
        self.path.join("frames.json")
    }

    /// What is made of the frames at the end.
    pub fn movie(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The frames that are there, in their order.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn all_frames(&self) -> Result<Vec<PathBuf>> {
        let results =
            self.results().with_context(|| format!("{}: cannot read the output folder", self.shown()))?;
        let number = |path: &PathBuf| frame_number(path.file_name()?.to_str()?);
        let mut frames: Vec<(u64, PathBuf)> =
            results.into_iter().filter_map(|path| Some((number(&path)?, path))).collect();
        frames.sort();
        Ok(frames.into_iter().map(|(_, path)| path).collect())
    }

    /// Removes frames after this number: the run goes on from there.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn remove_frames_after(&self, last: u64) -> Result<()> {
        let later = |path: &PathBuf| {
            path.file_name().and_then(|name| frame_number(name.to_str()?)).is_some_and(|number| number > last)
        };
        self.all_frames()?.into_iter().filter(later).try_for_each(|path| remove(&path))
    }

    /// The report at the end.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Makes the folder, and makes sure that it holds no results: those of an earlier run are removed if `overwrite` says so,
    /// and else refused. `source`, the snapshot the run starts from, is never removed. Files of other names are left alone.
    ///
    /// # Errors
    /// If the folder cannot be made or written, or holds results that must stay.
    pub fn prepare(&self, overwrite: bool, source: Option<&Path>) -> Result<()> {
        let shown = self.path.display();
        fs::create_dir_all(&self.path).with_context(|| format!("{shown}: cannot make the output folder"))?;
        self.clear_parts()?;
        let results = self.results().with_context(|| format!("{shown}: cannot read the output folder"))?;
        if let Some(first) = results.first() {
            ensure!(
                overwrite,
                "{}: is the result of an earlier run; choose another output.folder, --restart to go on from its last checkpoint, or --overwrite to replace all results in it",
                first.display()
            );
        }
        let sources = source.map_or(Ok(Vec::new()), io::snapshot::files_of)?;
        let sources: Vec<PathBuf> = sources.iter().filter_map(|file| fs::canonicalize(file).ok()).collect();
        let is_source = |file: &&PathBuf| fs::canonicalize(file).is_ok_and(|file| sources.contains(&file));
        if let Some(file) = results.iter().find(is_source) {
            anyhow::bail!(
                "{}: the run starts from this file, so --overwrite must not remove it",
                file.display()
            );
        }
        for file in results {
            remove(&file)?;
        }
        Ok(())
    }

    /// The folder, for messages.
    pub fn shown(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    /// Two runs would spoil each other's files.
    ///
    /// # Errors
    /// If it is certain that another run is under way in this folder.
    pub fn refuse_a_living_run(&self) -> Result<()> {
        match Status::load(&self.path) {
            Ok(status) if status.is_surely_alive() => {
                bail!(
                    "{}: a run is under way here, process {}; put a file `stop` into the folder to end it",
                    self.shown(),
                    status.pid
                )
            }
            _ => Ok(()),
        }
    }

    /// The checkpoints that are there, with their steps, the last one first.
    ///
    /// # Errors
    /// If the folder cannot be read; that it does not exist is none.
    pub fn checkpoints(&self) -> Result<Vec<(u64, PathBuf)>> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let results = self
            .results()
            .with_context(|| format!("{}: cannot read the output folder", self.path.display()))?;
        let numbered = results.into_iter().filter_map(|path| {
            let number = checkpoint_step(path.file_name()?.to_str()?)?;
            Some((number, path))
        });
        let mut list: Vec<_> = numbered.collect();
        list.sort_by_key(|(step, _)| std::cmp::Reverse(*step));
        Ok(list)
    }

    /// Removes all checkpoints but those of these steps.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn keep_checkpoints(&self, steps: &[u64]) -> Result<()> {
        let others = self.checkpoints()?.into_iter().filter(|(step, _)| !steps.contains(step));
        others.map(|(_, path)| path).try_for_each(|path| remove(&path))
    }

    /// Removes numbered snapshots from this number on: another schedule will write others.
    ///
    /// # Errors
    /// If one cannot be removed.
    pub fn remove_snapshots_from(&self, first: u64) -> Result<()> {
        let results = self
            .results()
            .with_context(|| format!("{}: cannot read the output folder", self.path.display()))?;
        let later = |path: &PathBuf| {
            path.file_name()
                .and_then(|name| snapshot_number(name.to_str()?))
                .is_some_and(|number| number >= first)
        };
        results.into_iter().filter(later).try_for_each(|path| remove(&path))
    }

    /// Removes what a run that was killed has left half-written under names of ours.
    ///
    /// # Errors
    /// If the folder cannot be read, or a part not be removed.
    pub fn clear_parts(&self) -> Result<()> {
        let read = || format!("{}: cannot read the output folder", self.path.display());
        for entry in fs::read_dir(&self.path).with_context(read)? {
            let name = entry.with_context(read)?.file_name();
            if name.to_str().and_then(|name| name.strip_suffix(".part")).is_some_and(is_result) {
                remove(&self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Whether a run has begun here and left neither a checkpoint nor a report: nothing of it would be lost by starting again.
    pub fn holds_a_false_start(&self) -> bool {
        self.status().exists()
            && !self.report().exists()
            && self.checkpoints().is_ok_and(|list| list.is_empty())
    }

    /// The files of a run that are there, in the order of their names.
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
        || checkpoint_step(name).is_some()
        || frame_number(name).is_some()
        || [
            "energy.csv",
            "steps.csv",
            "report.json",
            "status.json",
            "frames.json",
            "frames.gif",
            "frames.apng",
        ]
        .contains(&name)
}

fn snapshot_number(name: &str) -> Option<u64> {
    between(hdf5_stem(name)?, "snapshot_", 3, "")
}

/// A name without its end, and of one of several files without the number of the file.
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

/// The number of at least so many digits between two texts.
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
    use crate::crew::Crew;
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

    #[test]
    fn a_folder_is_made_with_those_above_it() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(&root.path().join("a/b"));
        folder.prepare(false, None).unwrap();
        assert!(folder.path.is_dir());
    }

    #[test]
    fn earlier_results_are_refused_or_removed_but_nothing_else() {
        let kept = ["ic.hdf5", "movie.gif", "snapshot_01.hdf5", "snapshot_abc.hdf5"];
        let results = ["energy.csv", "report.json", "snapshot_000.hdf5", "snapshot_001.12.hdf5"];
        let (_root, folder) = with(&[&kept[..], &results].concat());
        let message = folder.prepare(false, None).unwrap_err().to_string();
        assert!(message.contains("energy.csv: is the result of an earlier run"), "{message}");
        assert_eq!(names(&folder).len(), 8);
        folder.prepare(true, None).unwrap();
        assert_eq!(names(&folder), kept);
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
            "report.json.part",
            "mine.part",
            "snapshot_003.hdf5.part",
        ]);
        folder.prepare(false, None).unwrap();
        assert_eq!(names(&folder), ["mine.part"]);
    }

    #[test]
    fn snapshots_of_another_schedule_are_removed() {
        let kept = ["snapshot_000.hdf5", "snapshot_001.hdf5", "snapshot_step_00000099.hdf5"];
        let (_root, folder) = with(&[&kept[..], &["snapshot_002.hdf5", "snapshot_1000.hdf5"]].concat());
        folder.remove_snapshots_from(2).unwrap();
        assert_eq!(names(&folder), kept);
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
        folder.prepare(true, Some(&folder.snapshot(1))).unwrap_err();
        assert_eq!(names(&folder), ["snapshot_000.hdf5", "snapshot_001.hdf5"]);
    }

    #[test]
    fn what_is_no_folder_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "").unwrap();
        let message = format!("{:#}", Folder::new(&path).prepare(false, None).unwrap_err());
        assert!(
            message.starts_with(&format!("{}: cannot make the output folder: ", path.display())),
            "{message}"
        );
    }
}
