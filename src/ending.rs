//! How a command ends if there is no error, and the exit code for scripts.

/// How a command ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Everything is done.
    #[default]
    Done,
    /// A limit or a signal stopped a run after a checkpoint. The same command with --restart
    /// continues it.
    Interrupted,
    /// A `stop` file from the user stopped a run after a checkpoint. Scripts should not continue
    /// it.
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
