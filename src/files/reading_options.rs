//! Options of commands that compute with the bodies of a file.

use io::Error;
use io::snapshot::Header;
use std::path::Path;

/// How a file is interpreted.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct ReadingOptions {
    /// Treat the file as an isolated system even if its header looks like that of a cosmological
    /// run.
    #[arg(long)]
    pub isolated: bool,
}

impl ReadingOptions {
    /// Fails if the file is cosmological, unless `isolated` is set.
    ///
    /// # Errors
    /// The file is cosmological and not declared isolated.
    pub fn check(&self, path: &Path, header: &Header) -> Result<(), Error> {
        let remedy = "--isolated treats it as an isolated system";
        if self.isolated { Ok(()) } else { header.expect_isolated(path, remedy) }
    }
}
