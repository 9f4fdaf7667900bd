//! The output folder of a run: what is in it, and that no earlier result is lost.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};

/// Names in an output folder: `snapshot_000.hdf5` and so on, `energy.csv`, `report.json`.
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

    /// Energy and momenta of every step.
    pub fn energy(&self) -> PathBuf {
        self.path.join("energy.csv")
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
        let results = self.results().with_context(|| format!("{shown}: cannot read the output folder"))?;
        if let Some(first) = results.first() {
            ensure!(
                overwrite,
                "{}: is the result of an earlier run; choose another output.folder, or --overwrite to replace all results in it",
                first.display()
            );
        }
        if let Some(source) = source.and_then(|source| fs::canonicalize(source).ok()) {
            let is_source = |file: &&PathBuf| fs::canonicalize(file).is_ok_and(|file| file == source);
            if let Some(file) = results.iter().find(is_source) {
                anyhow::bail!(
                    "{}: the run starts from this file, so --overwrite must not remove it",
                    file.display()
                );
            }
        }
        for file in results {
            fs::remove_file(&file).with_context(|| format!("{}: cannot remove", file.display()))?;
        }
        Ok(())
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
    let number = name.strip_prefix("snapshot_").and_then(|rest| rest.strip_suffix(".hdf5"));
    let is_snapshot = number.is_some_and(|n| n.len() >= 3 && n.bytes().all(|byte| byte.is_ascii_digit()));
    is_snapshot || name == "energy.csv" || name == "report.json"
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let (_root, folder) =
            with(&[&kept[..], &["energy.csv", "report.json", "snapshot_000.hdf5"]].concat());
        let message = folder.prepare(false, None).unwrap_err().to_string();
        assert!(message.contains("energy.csv: is the result of an earlier run"), "{message}");
        assert_eq!(names(&folder).len(), 7);
        folder.prepare(true, None).unwrap();
        assert_eq!(names(&folder), kept);
    }

    #[test]
    fn the_file_a_run_starts_from_is_not_removed() {
        let (_root, folder) = with(&["snapshot_000.hdf5", "snapshot_001.hdf5"]);
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
