//! Statistics of the substeps, for log and report.

use super::Counts;
use serde::{Deserialize, Serialize};

/// Number of substeps and of steps of bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Number of substeps: times at which the step of a body ends.
    pub substeps: u64,
    /// Number of substeps with a tree rebuild. The other substeps move the cells with the bodies.
    pub sorted: u64,
    /// Number of steps of bodies, by rung.
    pub body_steps: Vec<u64>,
    /// Greatest number of bodies at one time that need a shorter step than the finest rung has.
    pub too_fast: u64,
}

impl Course {
    /// Counts a substep that ends the steps of the bodies on rung `least` and finer rungs.
    pub fn count(&mut self, counts: &Counts, least: u8, sorted: bool) {
        self.substeps += 1;
        self.sorted += u64::from(sorted);
        let rungs = counts.rungs();
        self.body_steps.resize(self.body_steps.len().max(rungs.len()), 0);
        for rung in usize::from(least)..rungs.len() {
            self.body_steps[rung] += rungs[rung];
        }
    }

    /// Adds the statistics of another interval.
    pub fn add(&mut self, other: &Course) {
        self.substeps += other.substeps;
        self.sorted += other.sorted;
        self.body_steps.resize(self.body_steps.len().max(other.body_steps.len()), 0);
        self.body_steps.iter_mut().zip(&other.body_steps).for_each(|(sum, steps)| *sum += steps);
        self.too_fast = self.too_fast.max(other.too_fast);
    }

    /// The finest rung with steps. 0 if there are none.
    pub fn finest(&self) -> usize {
        self.body_steps.len().saturating_sub(1)
    }
}
