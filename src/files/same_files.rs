//! Checks that all ranks read the same files. The hosts of a job may have their own disks, with
//! different files of the same name. Each rank reads only a part of the bodies, so the result would
//! be a mixture.

use crate::ranks::alike::checksum;
use crate::ranks::crew::Crew;
use anyhow::{Context, Result};
use decomposition::collective;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Checks that these files are the same on all ranks. On a file system that all hosts share, the
/// inode number, size and time of a file are equal, and nothing is read. Otherwise, one rank of
/// each group with equal numbers reads the whole files. Collective.
///
/// # Errors
/// On every rank: a file differs, or cannot be read.
pub(crate) fn check(crew: &Crew, paths: &[PathBuf]) -> Result<()> {
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    check_named(crew, paths, &names)
}

/// Implements [`check`] for files that have these names on all ranks.
fn check_named(crew: &Crew, paths: &[PathBuf], names: &[String]) -> Result<()> {
    if crew.comm.size() == 1 {
        return Ok(());
    }
    let identities = crew.agree(|| paths.iter().map(|path| identity(path)).collect::<Result<Vec<_>>>())?;
    let mine = xxh3_64(bytemuck::cast_slice(&identities.concat()));
    let all = collective::gather(crew.comm, &[mine]).concat();
    if all.iter().all(|one| *one == mine) {
        return Ok(());
    }
    let reader = |identity: u64| all.iter().position(|one| *one == identity).expect("it is one of them");
    let is_reader = reader(mine) == crew.comm.rank();
    let digests = crew.agree(|| {
        let digest = |path: &PathBuf| checksum(path).with_context(|| path.display().to_string());
        if is_reader { paths.iter().map(digest).collect::<Result<Vec<u64>>>() } else { Ok(Vec::new()) }
    })?;
    let of_ranks = collective::gather(crew.comm, &digests);
    let read = &of_ranks[reader(mine)];
    for (index, name) in names.iter().enumerate() {
        // A set may have fewer files on another rank.
        let content =
            read.get(index).map_or("nothing".to_owned(), |digest| format!("checksum {digest:016x}"));
        crew.ensure_alike(&format!("the content of {name}"), vec![content])?;
    }
    Ok(())
}

/// Inode number, size [bytes] and modification time of a file.
fn identity(path: &Path) -> Result<[u64; 4]> {
    let about = path.metadata().with_context(|| path.display().to_string())?;
    Ok([about.ino(), about.size(), about.mtime() as u64, about.mtime_nsec() as u64])
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::threads;
    use std::fs;

    /// The outcome on ranks that read these files.
    fn outcome(paths: &[PathBuf]) -> Result<(), String> {
        let heard = threads::run(paths.len(), |comm| {
            let crew = Crew { comm, ..Crew::alone() };
            let mine = &paths[comm.rank()..][..1];
            check_named(&crew, mine, &["ic.hdf5".to_owned()]).map_err(|fault| format!("{fault:#}"))
        });
        assert!(heard.iter().all(|one| *one == heard[0]), "{heard:?}");
        heard.into_iter().next().unwrap()
    }

    #[test]
    fn files_of_hosts_with_disks_of_their_own_are_compared() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str, content: &[u8]| {
            let path = root.path().join(name);
            fs::write(&path, content).unwrap();
            path
        };
        let mut content = vec![7; 3 << 20];
        let (one, copy) = (file("a", &content), file("b", &content));
        content[2 << 20] ^= 1; // a bit of a body in the middle
        let other = file("c", &content);
        let missing = root.path().join("none");
        let same = |path: &PathBuf| path.clone();
        assert_eq!(outcome(&[same(&one), same(&one), same(&one)]), Ok(()));
        assert_eq!(outcome(&[same(&one), same(&copy), same(&one), same(&copy)]), Ok(()));
        let said = outcome(&[same(&one), same(&copy), same(&other), same(&one)]).unwrap_err();
        assert!(
            said.contains("rank 2 differs from ranks 0, 1, 3 in the content of ic.hdf5: checksum"),
            "{said}"
        );
        let said = outcome(&[same(&one), same(&missing)]).unwrap_err();
        assert!(said.contains("No such file"), "{said}");
    }
}
