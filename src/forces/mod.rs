//! The `[gravity]` table: forces of a wanted error, or of settings that the user has chosen.
//!
//! Reading order: [`Keys`] may stand in the table; [`calibration`] knows which settings give about which error; [`ladder`] is the search for
//! the tolerance that really does; [`Engine`] evaluates, measures and searches.

mod calibration;
mod engine;
mod keys;
mod ladder;

pub use engine::{Control, Engine, Progress};
pub use keys::Keys;
pub(crate) use keys::by_name;

use anyhow::{Result, ensure};
use calibration::ACCURACIES;
use serde::{Deserialize, Serialize};
use treecode::Gravity;

/// What is asked of the forces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Keys", into = "Keys")]
pub struct Forces {
    /// The wanted root mean square of |a - a_direct| / |a_direct|; `None` if the settings are taken as they are.
    pub accuracy: Option<f64>,
    /// Whether to go on if no tolerance gives the accuracy.
    pub allow_missed: bool,
    /// The settings; with an accuracy, those to start with.
    pub gravity: Gravity,
}

impl Forces {
    /// The accuracy of a table that says nothing.
    pub const DEFAULT_ACCURACY: f64 = 1e-3;

    /// Says which value is out of its range, if one is.
    ///
    /// # Errors
    /// If one is.
    pub fn check(&self) -> Result<()> {
        if let Some(accuracy) = self.accuracy {
            ensure!(
                ACCURACIES.contains(&accuracy),
                "gravity.accuracy = {accuracy}: must be from {:e}, which single-precision kernels reach, to {}",
                ACCURACIES.start(),
                ACCURACIES.end()
            );
        }
        Ok(self.gravity.check()?)
    }
}

impl Default for Forces {
    fn default() -> Forces {
        Keys::default().try_into().expect("nothing contradicts nothing")
    }
}

#[cfg(test)]
mod tests;
