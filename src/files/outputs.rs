//! The option of every command that writes files whose names a user gives. [`io::Outputs`] says
//! what it allows.

use io::Outputs;
use std::path::PathBuf;

/// Whether existing files may be replaced.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub struct Overwrite {
    /// Replace existing files. An input is never replaced.
    #[arg(long)]
    pub overwrite: bool,
}

impl Overwrite {
    /// The outputs of a command with these input files.
    pub fn reading<P: Into<PathBuf>>(self, inputs: impl IntoIterator<Item = P>) -> Outputs {
        Outputs::new(self.overwrite).reading(inputs)
    }
}
