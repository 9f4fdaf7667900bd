//! Counts and times of an evaluation. All reports use these numbers.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Number of interactions, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interactions {
    /// Body-body pairs.
    pub body_body: u64,
    /// Interactions of a body with the moments of a cell.
    pub body_cell: u64,
    /// Interactions of a cell with the moments of a cell (fmm walk).
    pub cell_cell: u64,
}

impl Interactions {
    /// Sum over all kinds.
    pub fn total(&self) -> u64 {
        self.body_body + self.body_cell + self.cell_cell
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Interactions) {
        self.body_body += other.body_body;
        self.body_cell += other.body_cell;
        self.cell_cell += other.cell_cell;
    }
}

/// How floating-point operations are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// 38 operations for each body-body or body-cell interaction, the convention of Warren & Salmon
    /// and of GRAPE.
    GordonBell,
    /// Operations counted from the source of our kernels: FMA = 2, divide and square root = 1 each.
    Arithmetic,
}

/// The phases of a force evaluation, in the order of execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Keys, and the sort by key.
    Sort,
    /// Splitters, and the migration of bodies between ranks.
    Migrate,
    /// Structure of the tree.
    Build,
    /// Moments, summed upward.
    Moments,
    /// Essential trees: selection, sending, receiving, grafting.
    Exchange,
    /// Interaction lists.
    Walk,
    /// Interactions.
    Kernels,
}

impl Phase {
    /// All phases, in the order of execution.
    pub const ALL: [Phase; 7] = [
        Phase::Sort,
        Phase::Migrate,
        Phase::Build,
        Phase::Moments,
        Phase::Exchange,
        Phase::Walk,
        Phase::Kernels,
    ];

    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Sort => "sort",
            Phase::Migrate => "migrate",
            Phase::Build => "build",
            Phase::Moments => "moments",
            Phase::Exchange => "exchange",
            Phase::Walk => "walk",
            Phase::Kernels => "kernels",
        }
    }
}

/// Counts and times of one rank over one or more evaluations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Census {
    /// Interactions computed.
    pub interactions: Interactions,
    /// Floating-point operations by [`Convention::Arithmetic`].
    pub operations: u64,
    /// Wall time of each phase, indexed as [`Phase::ALL`]. The threads do `Walk` and `Kernels`
    /// together; their wall time is divided in the ratio of the times spent in each.
    pub time: [Duration; Phase::ALL.len()],
    /// Bytes sent to other ranks.
    pub bytes_sent: u64,
    /// Messages sent to other ranks.
    pub messages_sent: u64,
    /// The number of cells and the number of bodies received in essential trees.
    pub imported: [u64; 2],
    /// Two times: computing while essential trees travelled, and waiting for them with nothing left
    /// to compute.
    pub travel: [Duration; 2],
}

impl Census {
    /// Floating-point operations under a convention.
    pub fn operations(&self, convention: Convention) -> u64 {
        match convention {
            Convention::GordonBell => 38 * self.interactions.total(),
            Convention::Arithmetic => self.operations,
        }
    }

    /// Time of one phase.
    pub fn time(&self, phase: Phase) -> Duration {
        self.time[phase as usize]
    }

    /// Adds time to one phase.
    pub fn spend(&mut self, phase: Phase, time: Duration) {
        self.time[phase as usize] += time;
    }

    /// Divides the wall time of threads that walked and ran kernels in the ratio of the times spent
    /// in each.
    pub fn share_walk_and_kernels(&mut self, wall: Duration, walk: Duration, kernels: Duration) {
        let all = (walk + kernels).as_secs_f64();
        let share = if all > 0.0 { walk.as_secs_f64() / all } else { 0.0 };
        self.spend(Phase::Walk, wall.mul_f64(share));
        self.spend(Phase::Kernels, wall.mul_f64(1.0 - share));
    }

    /// Adds the counts and times of another evaluation of the same rank.
    pub fn add(&mut self, other: &Census) {
        self.interactions.add(&other.interactions);
        self.operations += other.operations;
        self.time.iter_mut().zip(other.time).for_each(|(mine, its)| *mine += its);
        self.bytes_sent += other.bytes_sent;
        self.messages_sent += other.messages_sent;
        self.imported.iter_mut().zip(other.imported).for_each(|(mine, its)| *mine += its);
        self.travel.iter_mut().zip(other.travel).for_each(|(mine, its)| *mine += its);
    }
}
