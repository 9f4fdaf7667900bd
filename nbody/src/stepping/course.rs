//! What the steps of bodies came to, for log and report.

use super::Counts;
use serde::{Deserialize, Serialize};

/// Adaptive steps that were done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Times at which a step of some body ended.
    pub substeps: u64,
    /// Those at which bodies were sorted into a new tree; at the others cells followed them.
    pub sorted: u64,
    /// Steps of bodies, by rung.
    pub body_steps: Vec<u64>,
    /// Bodies whose step was not as short as they needed, at most.
    pub too_fast: u64,
}

impl Course {
    /// The bodies of rung `least` and finer ones have ended a step.
    pub fn count(&mut self, counts: &Counts, least: u8, sorted: bool) {
        self.substeps += 1;
        self.sorted += u64::from(sorted);
        let rungs = counts.rungs();
        self.body_steps.resize(self.body_steps.len().max(rungs.len()), 0);
        for rung in usize::from(least)..rungs.len() {
            self.body_steps[rung] += rungs[rung];
        }
    }

    /// Adds what was done in another stretch.
    pub fn add(&mut self, other: &Course) {
        self.substeps += other.substeps;
        self.sorted += other.sorted;
        self.body_steps.resize(self.body_steps.len().max(other.body_steps.len()), 0);
        self.body_steps.iter_mut().zip(&other.body_steps).for_each(|(sum, steps)| *sum += steps);
        self.too_fast = self.too_fast.max(other.too_fast);
    }

    /// The finest rung with steps; 0 if there were none.
    pub fn finest(&self) -> usize {
        self.body_steps.len().saturating_sub(1)
    }
}
