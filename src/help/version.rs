//! What this program is: its version and revision, the libraries in it, and its SIMD path.

use crate::ranks::machine;
use crate::ranks::processes;
use serde::Serialize;
use std::sync::LazyLock;

/// The program and its version.
pub const PROGRAM: &str = concat!("heorot ", env!("CARGO_PKG_VERSION"));

/// Revision of the source, with `+` if the source has changed since. Empty if it is unknown.
const REVISION: &str = env!("HEOROT_REVISION");
/// Day of the revision. Empty if it is unknown.
const DATE: &str = env!("HEOROT_REVISION_DATE");

/// The optional parts with which this program was built: the features of the package that are on.
pub const FEATURES: &str =
    match (cfg!(feature = "mpi"), cfg!(feature = "hdf5-mpio"), cfg!(feature = "hdf5-static")) {
        (_, true, _) => "mpi, hdf5-mpio",
        (true, false, true) => "mpi, hdf5-static",
        (true, false, false) => "mpi",
        (false, false, true) => "hdf5-static",
        (false, false, false) => "none",
    };

/// What `-V` prints after the name.
pub static SHORT: LazyLock<String> =
    LazyLock::new(|| format!("{} (features: {FEATURES})", env!("CARGO_PKG_VERSION")));

/// What `--version` prints after the name, in several lines.
pub static LONG: LazyLock<String> = LazyLock::new(|| {
    let build = Build::new();
    format!(
        "{}\nrevision   {}\nMPI        {}\nHDF5       {}\nSIMD path  {}",
        *SHORT,
        revision(),
        build.mpi.as_deref().unwrap_or("none: runs are one process"),
        build.hdf5,
        build.simd
    )
});

/// The build, for reports and files. It is the same on all ranks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Build {
    /// Version of the package.
    pub version: &'static str,
    /// Revision of the source; empty if it is unknown.
    pub revision: &'static str,
    /// Day of the revision; empty if it is unknown.
    pub date: &'static str,
    /// The optional parts.
    pub features: &'static str,
    /// The MPI library and its version, if there is one.
    pub mpi: Option<String>,
    /// Version of the HDF5 library.
    pub hdf5: String,
    /// SIMD path of the kernels.
    pub simd: &'static str,
}

impl Build {
    /// The build of this process.
    pub fn new() -> Build {
        // A wrong name of a path is reported where the path is used.
        let _ = machine::choose_arithmetic();
        Build {
            version: env!("CARGO_PKG_VERSION"),
            revision: REVISION,
            date: DATE,
            features: FEATURES,
            mpi: processes::mpi(),
            hdf5: io::hdf5_version(),
            simd: treecode::simd_path(),
        }
    }

    /// The build in one line. It depends neither on the moment nor on the number of ranks, so
    /// snapshots may contain it.
    pub fn line(&self) -> String {
        let mpi = self.mpi.as_deref().unwrap_or("no MPI");
        format!("{PROGRAM}, revision {}, {mpi}, HDF5 {}, SIMD path {}", revision(), self.hdf5, self.simd)
    }
}

impl Default for Build {
    fn default() -> Build {
        Build::new()
    }
}

/// Revision and day, or that they are unknown.
fn revision() -> String {
    match (REVISION, DATE) {
        ("", _) => "unknown".to_owned(),
        (revision, "") => revision.to_owned(),
        (revision, date) => format!("{revision} of {date}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_names_the_build() {
        let build = Build::new();
        let line = build.line();
        assert_eq!(line.lines().count(), 1);
        for part in ["heorot ", "revision ", "HDF5 ", build.simd, &build.hdf5] {
            assert!(line.contains(part), "no `{part}` in {line}");
        }
        assert_eq!(line, Build::new().line());
        assert!(LONG.starts_with(SHORT.as_str()));
    }
}
