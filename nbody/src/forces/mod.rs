//! Forces of an asked error, or of settings that the caller has chosen.
//!
//! Reading order: [`Forces`] is what is asked; `calibration` has the settings that give about an error; `ladder` searches for the
//! tolerance that gives it exactly; [`Engine`] evaluates, measures and searches.

mod calibration;
mod engine;
mod ladder;

pub use engine::{Control, Engine, Progress};

use crate::Error;
use calibration::{ACCURACIES, start};
use treecode::{Gravity, Softening, Walk};

/// What is asked of the forces.
#[derive(Clone, Debug, PartialEq)]
pub struct Forces {
    /// The wanted root mean square of |a - a_direct| / |a_direct|; `None` if the settings are taken as they are.
    pub accuracy: Option<f64>,
    /// Whether to go on if no tolerance gives the accuracy.
    pub allow_missed: bool,
    /// The settings; with an accuracy, those to start with.
    pub gravity: Gravity,
}

/// Number of bodies in a group that ranks do not share, for the direct walk.
const DIRECT_GROUP: usize = 8;

impl Forces {
    /// The accuracy of a table that says nothing.
    pub const DEFAULT_ACCURACY: f64 = 1e-3;

    /// Forces of this rms error, with the settings that reach it at the least cost; the caller may insist on an order.
    #[must_use]
    pub fn of_accuracy(accuracy: f64, walk: Walk, order: Option<usize>, softening: Softening) -> Forces {
        let gravity = start(walk, accuracy, order, softening);
        Forces { accuracy: Some(accuracy), allow_missed: false, gravity }
    }

    /// Exact forces by direct summation, for few bodies.
    #[must_use]
    pub fn direct(softening: Softening) -> Forces {
        let (leaf_size, group_size) = (DIRECT_GROUP, DIRECT_GROUP);
        let gravity = Gravity { walk: Walk::Direct, softening, leaf_size, group_size, ..Gravity::default() };
        Forces { accuracy: None, allow_missed: false, gravity }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// If a value is outside its range.
    pub fn check(&self) -> Result<(), Error> {
        match self.accuracy {
            Some(asked) if !ACCURACIES.contains(&asked) => {
                Err(Error::Accuracy { asked, least: *ACCURACIES.start(), most: *ACCURACIES.end() })
            }
            _ => Ok(self.gravity.check()?),
        }
    }
}

impl Default for Forces {
    fn default() -> Forces {
        Forces::of_accuracy(Forces::DEFAULT_ACCURACY, Walk::Fmm, None, Softening::default())
    }
}

#[cfg(test)]
mod tests;
