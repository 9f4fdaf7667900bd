//! References from an HDF5 file to other files: external links, external raw storage and virtual
//! datasets. A user who opens a foreign file does not expect it to read other files, or to wait for
//! a pipe.
//!
//! Links and raw storage are followed only if [`follow_external`] allows it. The sources of virtual
//! datasets are always read if they lie in the folder of the snapshot, because multi-file snapshots
//! store their parts there.
#![allow(unsafe_code)] // the hdf5 crate has no API for link types and external targets
#![allow(deprecated)] // HDF5 1.10 has no later form of H5Lget_info

use super::parts::{Mapping, check_filled, parts};
use crate::snapshot::plain;
use hdf5::dataset::Layout;
use hdf5::{Dataset, File};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5l::{H5L_info1_t, H5L_type_t, H5Lexists, H5Lget_info1, H5Lget_val, H5Lunregister};
use hdf5_sys::h5p::H5P_DEFAULT;
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::mem::MaybeUninit;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static FOLLOW: AtomicBool = AtomicBool::new(false);

/// The code of external links among the link types.
const EXTERNAL: i32 = H5L_type_t::H5L_TYPE_EXTERNAL as i32;
/// The option that a message names.
const OPTION: &str = "--follow-external follows it";
/// Greatest depth of virtual datasets that refer to virtual datasets.
const DEEPEST: usize = 4;

/// Sets whether this process reads other files to which an HDF5 file refers. Must be called before
/// the first file is read.
pub fn follow_external(follow: bool) {
    FOLLOW.store(follow, Ordering::Relaxed);
}

pub(in crate::snapshot) fn follows() -> bool {
    FOLLOW.load(Ordering::Relaxed)
}

/// Disables external links in the library, unless they are allowed. A link that [`check_link`]
/// misses is then an error.
pub(in crate::snapshot) fn close_links() {
    static CLOSED: Once = Once::new();
    if !follows() {
        CLOSED.call_once(|| {
            let _guard = hdf5_sys::LOCK.lock();
            // SAFETY: the library is locked. It allows to unregister this class of links, and an
            // error changes nothing.
            unsafe { H5Lunregister(H5L_type_t::H5L_TYPE_EXTERNAL) };
        });
    }
}

/// Fails if the path `name` in the file leads through an external link that must not be followed.
/// Also fails if the target of that link is not a regular file.
pub(super) fn check_link(file: &File, path: &Path, name: &str) -> Result<(), String> {
    let name = name.trim_matches('/');
    let ends = name.match_indices('/').map(|(place, _)| place).chain([name.len()]);
    for prefix in ends.map(|end| &name[..end]) {
        match link(file.id(), prefix) {
            None | Some(Link::Inside) => {}
            Some(Link::Unknown) => {
                return Err(format!("/{prefix} is a link of a type that cannot be followed"));
            }
            Some(Link::External(target)) => {
                let shown = target.display();
                if !follows() {
                    // The library returns no name if it does not know links to other files.
                    let name =
                        if target.as_os_str().is_empty() { String::new() } else { format!(", {shown}") };
                    return Err(format!("/{prefix} is a link to another file{name}; {OPTION}"));
                }
                let candidates = [beside(path, &target), target.clone()];
                let found = candidates.iter().find(|candidate| candidate.exists());
                expect_regular(found.unwrap_or(&candidates[0]))
                    .map_err(|fault| format!("/{prefix} is a link to another file, {shown}: {fault}"))?;
                // The target is checked as part of the other file, but only if it is data.
                return Ok(());
            }
        }
    }
    Ok(())
}

enum Link {
    /// Hard or soft. The object is in the same file, unless the path of a soft link contains an
    /// external one.
    Inside,
    External(PathBuf),
    Unknown,
}

/// The link of this name; `None` if there is none.
fn link(file: hid_t, name: &str) -> Option<Link> {
    let name = CString::new(name).ok()?;
    let _guard = hdf5_sys::LOCK.lock();
    // SAFETY: the file is open, the name ends with zero, and `info` is plain data that the call
    // fills. The buffer has the length that is passed, and the library is locked.
    unsafe {
        if H5Lexists(file, name.as_ptr(), H5P_DEFAULT) <= 0 {
            return None;
        }
        let mut info = MaybeUninit::<H5L_info1_t>::zeroed();
        if H5Lget_info1(file, name.as_ptr(), info.as_mut_ptr(), H5P_DEFAULT) < 0 {
            return None;
        }
        // The type comes first. It is read as an integer, because a file may contain a value that
        // the enum lacks.
        match info.as_ptr().cast::<i32>().read() {
            0 | 1 => return Some(Link::Inside),
            EXTERNAL => {}
            _ => return Some(Link::Unknown),
        }
        // One byte of flags, the file name, a zero, the object name, a zero.
        let mut value = [0u8; 4096];
        if H5Lget_val(file, name.as_ptr(), value.as_mut_ptr().cast(), value.len() - 1, H5P_DEFAULT) < 0 {
            return Some(Link::Unknown);
        }
        let target = value[1..].split(|&byte| byte == 0).next().unwrap_or_default();
        Some(Link::External(OsString::from_vec(target.to_vec()).into()))
    }
}

/// Checks where the values of a dataset are stored. Other files must be regular ones. They must lie
/// in or below the folder of the snapshot, unless external files are followed.
pub(super) fn check_storage(dataset: &Dataset, path: &Path) -> Result<Storage, String> {
    storage(dataset, path, path, DEEPEST)
}

/// Storage of a dataset's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    /// In the file itself.
    Inside,
    /// In other files, which may be read. `storage_size` does not include them.
    Outside {
        /// Total length of these files [bytes].
        bytes: u64,
    },
}

fn storage(dataset: &Dataset, path: &Path, snapshot: &Path, depth: usize) -> Result<Storage, String> {
    let properties = dataset.dcpl().map_err(|error| format!("cannot be read: {}", plain(error)))?;
    let external = properties.get_external().unwrap_or_default();
    if let Some(first) = external.first() {
        if !follows() {
            return Err(format!("has its numbers in another file, {}; {OPTION}", first.name.escape_debug()));
        }
        // The library looks for raw storage relative to the working directory.
        let lengths = external.iter().map(|part| expect_regular(Path::new(&part.name)));
        let bytes = lengths.sum::<Result<u64, String>>()?;
        return Ok(Storage::Outside { bytes });
    }
    if properties.get_layout().ok() != Some(Layout::Virtual) {
        return Ok(Storage::Inside);
    }
    let parts = parts(&properties)?;
    check_filled(&dataset.shape(), &parts)?;
    let mut sources: BTreeMap<(&str, &str), Vec<&Mapping>> = BTreeMap::new();
    parts.iter().for_each(|part| sources.entry((&part.file, &part.dataset)).or_default().push(part));
    let mut bytes = 0u64;
    for parts in sources.values() {
        bytes = bytes.saturating_add(source_length(parts, path, snapshot, depth)?);
    }
    Ok(Storage::Outside { bytes })
}

/// The first other file that stores values of a virtual dataset, if it may be read.
pub(super) fn first_part(dataset: &Dataset, path: &Path) -> Option<PathBuf> {
    if dataset.dcpl().ok()?.get_layout().ok()? != Layout::Virtual || check_storage(dataset, path).is_err() {
        return None;
    }
    let parts = parts(&dataset.dcpl().ok()?).ok()?;
    let first = parts.iter().map(|part| &part.file).filter(|name| *name != ".").min()?;
    Some(beside(path, Path::new(first)))
}

/// Checks one source of a virtual dataset, of which there are these parts; its length [bytes].
fn source_length(parts: &[&Mapping], path: &Path, snapshot: &Path, depth: usize) -> Result<u64, String> {
    let Mapping { file: name, dataset, .. } = parts[0];
    let shown = name.escape_debug();
    if name.contains('%') || dataset.contains('%') {
        return Err(format!(
            "is a virtual dataset of files that are numbered ({shown}), which cannot be read"
        ));
    }
    if depth == 0 {
        return Err("is a virtual dataset of virtual datasets, too deep to be read".to_owned());
    }
    let of_other = |fault: String| format!("is a virtual dataset with a part in {shown}: {fault}");
    let file = if name == "." { path.to_owned() } else { beside(path, Path::new(name)) };
    let length = expect_regular(&file).map_err(of_other)?;
    let folder = |path: &Path| Some(std::fs::canonicalize(path).ok()?.parent()?.to_owned());
    let (home, place) = (folder(snapshot), folder(&file));
    let at_home = home.is_some_and(|home| place.is_some_and(|place| place.starts_with(home)));
    if !at_home && !follows() {
        return Err(format!(
            "is a virtual dataset with a part in another folder, {}; {OPTION}",
            file.display()
        ));
    }
    let other = File::open(&file).map_err(|error| of_other(plain(error)))?;
    check_link(&other, &file, dataset).map_err(of_other)?;
    let part = other.dataset(dataset).map_err(|error| of_other(plain(error)))?;
    storage(&part, &file, snapshot, depth - 1).map_err(of_other)?;
    let shape = part.shape();
    for mapping in parts {
        let (ends, points) = (&mapping.ends, mapping.points());
        // What takes the whole source may not say how large that is.
        let is_there = match ends.is_empty() {
            true => part.size() as u64 >= points,
            false => {
                shape.len() == ends.len()
                    && shape.iter().zip(ends).all(|(&length, &end)| end <= length as u64)
            }
        };
        if !is_there {
            let fault = format!(
                "/{dataset} has the shape {shape:?}, but more is wanted of it: {points} numbers up to {ends:?}"
            );
            return Err(of_other(fault));
        }
    }
    Ok(length)
}

/// Resolves a file name relative to the folder of another file.
fn beside(path: &Path, name: &Path) -> PathBuf {
    path.with_file_name("").join(name)
}

/// Length of a regular file [bytes].
fn expect_regular(path: &Path) -> Result<u64, String> {
    let bare = |error: crate::Error| {
        let text = error.to_string();
        let name = format!("{}: ", path.display());
        text.strip_prefix(&name).unwrap_or(&text).to_owned()
    };
    let file = crate::file::open(path).map_err(bare)?;
    file.metadata().map(|data| data.len()).map_err(|error| error.to_string())
}

/// A path as bytes, for storage in JSON.
pub(in crate::snapshot) fn path_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}

/// The inverse of [`path_bytes`].
pub(in crate::snapshot) fn path_of(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}
