//! The files of a snapshot: one, or several whose names differ by a number.

use super::header::{FileHeader, MOST_TYPES};
use super::outside;
use super::passengers::Collector;
use crate::Error;
use crate::foreign::{Foreign, recognize};
use crate::snapshot::format::column::{Column, group_name};
use crate::snapshot::process::{self, What};
use crate::snapshot::{Flavour, Format, Header, plain};
use hdf5::{File, MinorErrorCode};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use treecode::TYPES;

/// A snapshot whose file headers have all been read and are consistent.
pub(in crate::snapshot) struct Set {
    pub(in crate::snapshot) header: Header,
    pub(in crate::snapshot) members: Vec<Member>,
}

/// One file of a snapshot.
pub(in crate::snapshot) struct Member {
    pub(in crate::snapshot) path: PathBuf,
    pub(super) count: [u64; TYPES],
    pub(super) mass_table: [f64; TYPES],
    /// Flavour of its datasets.
    pub(super) flavour: Flavour,
    /// Origin of its positions [L].
    pub(super) origin: [f64; 3],
    /// The unsupported type of its rows in the file, if it is one. Such rows are listed as a
    /// separate member after all others, with the last supported type.
    pub(super) group: Option<usize>,
}

impl Set {
    /// Opens the snapshot to which the file at `path` belongs.
    pub(in crate::snapshot) fn open(path: &Path) -> Result<Set, Error> {
        let path = path.to_owned();
        let first = FileHeader::read(&open(&path)?, &path)?;
        let (mut members, mut extra) = (Vec::new(), Vec::new());
        let mut ids = None;
        let mut further = Collector::new(first.units, first.hubble, flavour_of(first.format));
        for index in 0..first.files {
            let path = if first.files == 1 { path.clone() } else { sibling(&path, index, first.files)? };
            let file = open(&path)?;
            let header = FileHeader::read(&file, &path)?;
            if header.files != first.files || header.total != first.total {
                return Err(Error::snapshot(
                    &path,
                    "belongs to another snapshot than the files beside it: their totals differ",
                ));
            }
            let counts = header.count.into_iter().enumerate();
            let groups = counts.chain(header.extra.iter().map(|extra| (extra.kind, extra.count)));
            for (kind, count) in groups.filter(|(_, count)| *count > 0) {
                find_ids(&file, &path, kind, count, &mut ids)?;
                further.add(&file, &path, kind, count);
            }
            let flavour = flavour_of(header.format);
            let member = |kind: Option<usize>, count, mass_table| Member {
                path: path.clone(),
                count,
                mass_table,
                flavour,
                origin: header.origin,
                group: kind,
            };
            extra.extend(header.extra.iter().map(|extra| {
                let last = |value| std::array::from_fn(|kind| if kind == TYPES - 1 { value } else { 0.0 });
                let count = std::array::from_fn(|kind| if kind == TYPES - 1 { extra.count } else { 0 });
                member(Some(extra.kind), count, last(extra.mass))
            }));
            members.push(member(None, header.count, header.mass_table));
        }
        let files = members.len();
        let mut remarks = first.remarks;
        for kind in TYPES..MOST_TYPES {
            let of_kind = extra.iter().filter(|member: &&Member| member.group == Some(kind));
            match of_kind.map(|member| u128::from(member.count[TYPES - 1])).sum::<u128>() {
                0 => {}
                rows => remarks.push(format!(
                    "has {rows} bodies of type {kind}, which are taken for type {}",
                    TYPES - 1
                )),
            }
        }
        members.extend(extra);
        let count = sum(&members, &path)?;
        match first.total {
            Some(total) if total != count => {
                let fault = format!(
                    "/Header counts {count:?} bodies in NumPart_ThisFile, but {total:?} in NumPart_Total"
                );
                return Err(Error::snapshot(&path, fault));
            }
            _ => {}
        }
        let (columns, ignored) = further.finish();
        let mut header = Header {
            time: first.time,
            units: first.units,
            gravity: first.gravity,
            cosmological: first.cosmological,
            universe: first.universe,
            box_size: first.box_size,
            parameters: first.parameters,
            count,
            files,
            numbered: ids == Some(false),
            format: first.format,
            columns,
            ignored,
            remarks,
        };
        header.remarks.extend(header.remark_on_units());
        Ok(Set { header, members })
    }
}

/// Number of bodies of each type in all files. Their sum over the types does not overflow, either.
fn sum(members: &[Member], path: &Path) -> Result<[u64; TYPES], Error> {
    let by_type =
        |kind: usize| members.iter().try_fold(0u64, |sum, member| sum.checked_add(member.count[kind]));
    let total: Option<Vec<u64>> = (0..TYPES).map(by_type).collect();
    let total =
        total.filter(|total| total.iter().try_fold(0u64, |sum, count| sum.checked_add(*count)).is_some());
    let total = total.and_then(|total| <[u64; TYPES]>::try_from(total).ok());
    total.ok_or_else(|| {
        Error::snapshot(
            path,
            "/Header attribute NumPart_ThisFile counts more bodies than a number of 64 bits",
        )
    })
}

pub(crate) fn open(path: &Path) -> Result<File, Error> {
    crate::file::open(path)?;
    File::open(path).map_err(|error| {
        let fault = if error.contains_minor(MinorErrorCode::NotHdf5) {
            "is not an HDF5 file".to_owned()
        } else {
            format!("is damaged: {}", plain(error))
        };
        Error::snapshot(path, fault)
    })
}

/// The file at `path`, or the first file of a snapshot whose names begin with `path`.
pub(super) fn locate(path: &Path) -> PathBuf {
    let base = if path.extension().is_some_and(|extension| extension == "hdf5") {
        path.with_extension("")
    } else {
        path.into()
    };
    let with = |end: &str| {
        let mut name = OsString::from(&base);
        name.push(end);
        PathBuf::from(name)
    };
    let candidates = [path.to_owned(), with(".hdf5"), with(".0.hdf5"), with(".0")];
    candidates.into_iter().find(|path| path.exists()).unwrap_or_else(|| path.to_owned())
}

/// The format of a file, if it is a snapshot of any format with a signature: not a table of text.
pub fn format_of(path: &Path) -> Option<Format> {
    recognize(&locate(path)).ok().filter(|format| *format != Format::Table)
}

/// The snapshots in the output folder of a run, `snapshot_000.hdf5` and so on, in the order of their
/// numbers. Of a snapshot in several files, the first file. Empty if `folder` is not a folder.
pub fn of_run(folder: &Path) -> Vec<PathBuf> {
    let number = |path: &PathBuf| -> Option<u64> {
        let name = path.file_name()?.to_str()?.strip_prefix("snapshot_")?.strip_suffix(".hdf5")?;
        name.strip_suffix(".0").unwrap_or(name).parse().ok()
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut numbered: Vec<(u64, PathBuf)> =
        entries.filter_map(|path| number(&path).map(|number| (number, path))).collect();
    numbered.sort();
    numbered.into_iter().map(|(_, path)| path).collect()
}

/// The paths, with the snapshots of each folder of a run in place of the folder.
///
/// # Errors
/// If a folder holds no snapshot of a run.
fn with_those_of_runs(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let found = of_run(path);
        if found.is_empty() {
            return Err(Error::snapshot(path, "is a folder without a snapshot of a run, snapshot_000.hdf5"));
        }
        all.extend(found);
    }
    Ok(all)
}

/// The snapshots at these paths, each once, in their order. Several files of one snapshot count as
/// one. So does a repeated file, and a virtual dataset whose parts are listed, too. The folder of a
/// run stands for its snapshots.
///
/// # Errors
/// If a file cannot be read or is not a snapshot.
pub fn distinct(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for path in &with_those_of_runs(paths)? {
        let located = locate(path);
        let first = match recognize(&located)? {
            Format::Gadget | Format::Swift => process::ask(&located, What::First)?.files.pop(),
            format => Some(Foreign::first_file(&located, format)?),
        };
        let first = first.unwrap_or(located);
        if seen.insert(std::fs::canonicalize(&first).unwrap_or(first)) {
            kept.push(path.clone());
        }
    }
    Ok(kept)
}

/// The first file of the snapshot to which `path` belongs.
pub(in crate::snapshot) fn first_file(path: &Path) -> Result<PathBuf, Error> {
    let file = open(path)?;
    let header = FileHeader::read(&file, path)?;
    if header.files > 1 {
        return sibling(path, 0, header.files);
    }
    for kind in (0..TYPES).filter(|&kind| header.count[kind] > 0) {
        let name = format!("{}/{}", group_name(kind), Column::Coordinates.name(Flavour::Gadget));
        outside::check_link(&file, path, &name).map_err(|fault| Error::snapshot(path, fault))?;
        let part = file.dataset(&name).ok().and_then(|dataset| outside::first_part(&dataset, path));
        if let Some(part) = part {
            let header = FileHeader::read(&open(&part)?, &part)?;
            return if header.files > 1 { sibling(&part, 0, header.files) } else { Ok(path.to_owned()) };
        }
    }
    Ok(path.to_owned())
}

/// The file of the same snapshot with number `index`.
pub(crate) fn sibling(path: &Path, index: u64, files: u64) -> Result<PathBuf, Error> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut parts: Vec<&str> = name.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some(place) = parts.iter().rposition(is_number).filter(|&place| place > 0) else {
        let fault =
            format!("is one of {files} files of a snapshot, but its name has no number as in `name.0.hdf5`");
        return Err(Error::snapshot(path, fault));
    };
    let index = index.to_string();
    parts[place] = &index;
    Ok(path.with_file_name(parts.join(".")))
}

fn flavour_of(format: Format) -> Flavour {
    if format == Format::Swift { Flavour::Swift } else { Flavour::Gadget }
}

/// Records in `ids` whether the groups have ids: either all must have them or none. Each type with
/// bodies must have its group.
fn find_ids(file: &File, path: &Path, kind: usize, count: u64, ids: &mut Option<bool>) -> Result<(), Error> {
    let group = group_name(kind);
    let ids_name = format!("{group}/{}", Column::Ids.name(Flavour::Gadget));
    outside::check_link(file, path, &ids_name).map_err(|fault| Error::snapshot(path, fault))?;
    if !file.link_exists(&group) {
        let fault = format!("has no group /{group}, but /Header counts {count} bodies of that type");
        return Err(Error::snapshot(path, fault));
    }
    let has = file.link_exists(&ids_name);
    if *ids.get_or_insert(has) != has {
        let fault = format!("/{group}: some types have ParticleIDs, others do not");
        return Err(Error::snapshot(path, fault));
    }
    Ok(())
}
