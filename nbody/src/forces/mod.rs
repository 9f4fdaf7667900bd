//! Forces with a requested error, or with settings that the caller has chosen.
//!
//! Reading order: [`Forces`] is the request. `calibration` estimates settings for an error.
//! `ladder` searches for the tolerance that gives the error. [`Engine`] evaluates forces, measures
//! their error and adjusts the tolerance.

mod calibration;
mod engine;
mod ladder;

pub use engine::{Control, Engine, Pairs, Progress};

use crate::Error;
use crate::cosmology::Expansion;
use crate::potential::External;
use calibration::{ACCURACIES, start};
use decomposition::Sharing;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use treecode::{Gravity, Softening, Walk};

/// The force that an error is relative to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccuracyOf {
    /// The gravity of the bodies. A satellite in a strong external potential keeps its structure.
    #[default]
    SelfGravity,
    /// The gravity of the bodies and of the external potentials together.
    Total,
}

/// The request of the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Forces {
    /// Requested root mean square of |a - a_direct| / |a_direct|. With `None`, the settings do not
    /// change. In a periodic box the divisor is at least the median of |a_direct|: forces that nearly
    /// cancel, as in a nearly uniform box, need no smaller error than others.
    pub accuracy: Option<f64>,
    /// What the accuracy is relative to, if there are external potentials.
    pub accuracy_of: AccuracyOf,
    /// Whether the run continues if no tolerance gives the accuracy.
    pub allow_missed: bool,
    /// Whether the engine may choose another order for an accuracy. It does so in a periodic box, where
    /// the fastest order depends on how uniform the bodies are.
    pub any_order: bool,
    /// Settings of the force evaluation. With an accuracy, they are the first ones of the search.
    pub gravity: Gravity,
    /// Potentials that act beside the gravity of the bodies. They are exact. The acceptance
    /// criterion uses the gravity of the bodies only. So does the accuracy, unless
    /// [`Forces::accuracy_of`] is `Total`.
    pub external: Arc<External>,
    /// How space expands.
    pub expansion: Expansion,
    /// How the bodies are shared between the ranks. Results have the same bits with any sharing.
    pub sharing: Sharing,
}

/// Number of bodies in a group for the direct walk. A group is on one rank.
const DIRECT_GROUP: usize = 8;

impl Forces {
    /// Accuracy if the parameter file has none.
    pub const DEFAULT_ACCURACY: f64 = 1e-3;

    /// Forces of this rms error, with the fastest settings that give it. A caller may fix the
    /// order.
    #[must_use]
    pub fn of_accuracy(accuracy: f64, walk: Walk, order: Option<usize>, softening: Softening) -> Forces {
        let gravity = start(walk, accuracy, order, softening);
        Forces {
            accuracy: Some(accuracy),
            accuracy_of: AccuracyOf::SelfGravity,
            allow_missed: false,
            any_order: order.is_none(),
            gravity,
            external: Arc::default(),
            expansion: Expansion::Static,
            sharing: Sharing::default(),
        }
    }

    /// Exact forces by direct summation, for small numbers of bodies.
    #[must_use]
    pub fn direct(softening: Softening) -> Forces {
        let (leaf_size, group_size) = (DIRECT_GROUP, DIRECT_GROUP);
        let gravity = Gravity { walk: Walk::Direct, softening, leaf_size, group_size, ..Gravity::default() };
        Forces {
            accuracy: None,
            accuracy_of: AccuracyOf::SelfGravity,
            allow_missed: false,
            any_order: false,
            gravity,
            external: Arc::default(),
            expansion: Expansion::Static,
            sharing: Sharing::default(),
        }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// A value is outside its range.
    pub fn check(&self) -> Result<(), Error> {
        match self.accuracy {
            Some(asked) if !ACCURACIES.contains(&asked) => {
                return Err(Error::Accuracy { asked, least: *ACCURACIES.start(), most: *ACCURACIES.end() });
            }
            _ => self.gravity.check()?,
        }
        self.check_space()
    }

    /// Checks that the domain, the expansion and the external potentials go together.
    ///
    /// # Errors
    /// Space expands and is open, or it is periodic and there are external potentials.
    pub fn check_space(&self) -> Result<(), Error> {
        if self.gravity.domain.is_periodic() && !self.external.is_empty() {
            return Err(Error::ExternalInBox);
        }
        Ok(self.expansion.check(self)?)
    }
}

impl Default for Forces {
    fn default() -> Forces {
        Forces::of_accuracy(Forces::DEFAULT_ACCURACY, Walk::Fmm, None, Softening::default())
    }
}

#[cfg(test)]
mod tests;
