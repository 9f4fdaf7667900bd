//! The table `[batch]`.

use crate::batch::walltime::{Interval, WallTime};
use decomposition::Balancing;
use serde::{Deserialize, Serialize};

/// The `[batch]` table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// Whether a run continues from the last checkpoint in its folder.
    pub restart: Restart,
    /// Limit of the wall time. The run stops early enough to end within it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub walltime: Option<WallTime>,
    /// Wall time between checkpoints.
    pub checkpoint_every: Interval,
    /// Number of steps between checkpoints, in addition to those by wall time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_steps: Option<u64>,
    /// What the load balance makes equal on all ranks.
    pub balance: BalanceBy,
}

/// What the load balance makes equal on all ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum BalanceBy {
    /// Computing time. Each rank measures its speed, and faster ranks get more work.
    #[default]
    Speed,
    /// Work, even if some ranks are faster than others.
    Work,
}

impl BalanceBy {
    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            BalanceBy::Speed => "speed",
            BalanceBy::Work => "work",
        }
    }
}

impl From<BalanceBy> for Balancing {
    fn from(balance: BalanceBy) -> Balancing {
        match balance {
            BalanceBy::Speed => Balancing::Speed,
            BalanceBy::Work => Balancing::Work,
        }
    }
}

/// Whether to go on from a checkpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// Start from the initial state. A folder with results is refused.
    #[default]
    Never,
    /// Continue if there is a checkpoint, otherwise start.
    Auto,
    /// Continue. It is an error if there is no checkpoint.
    Always,
}

impl Default for Batch {
    fn default() -> Batch {
        let checkpoint_every = Interval(Some(WallTime::minutes(30)));
        Batch {
            restart: Restart::Never,
            walltime: None,
            checkpoint_every,
            checkpoint_steps: None,
            balance: BalanceBy::default(),
        }
    }
}
