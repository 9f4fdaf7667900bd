//! The option `--overwrite` of commands that write files. See [`io::Outputs`] for its rules.

use io::Outputs;
use std::path::PathBuf;

/// Whether files may be replaced.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Overwrite {
    /// Replace files that are there already. An input is never replaced.
    #[arg(long)]
    pub overwrite: bool,
}

impl Overwrite {
    /// The outputs of a command with these input files.
    pub fn reading<P: Into<PathBuf>>(self, inputs: impl IntoIterator<Item = P>) -> Outputs {
        Outputs::new(self.overwrite).reading(inputs)
    }
}
