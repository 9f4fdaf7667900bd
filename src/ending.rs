//! How a command ends when nothing is wrong, and the exit code that tells a script so.

/// The end of a command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// All is done.
    #[default]
    Done,
    /// A run was stopped by a limit or a signal, with a checkpoint: the same command with --restart goes on.
    Interrupted,
    /// A run was stopped by a user's `stop` file, with a checkpoint: nobody should go on unasked.
    Stopped,
}

impl Ending {
    /// The exit code: 0, 75 (`EX_TEMPFAIL` of sysexits.h: try again) or 76.
    pub fn code(self) -> u8 {
        match self {
            Ending::Done => 0,
            Ending::Interrupted => 75,
            Ending::Stopped => 76,
        }
    }
}
