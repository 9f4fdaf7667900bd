//! A simulation with its settings, and what happens to both in a step.

use crate::moment::{Frame, Kept, Share};
use crate::pool::Threads;
use crate::settings;
use nbody::Diagnostics;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, OnceLock};
use treecode::Bodies;

/// A simulation between steps.
pub(crate) struct Running {
    /// `None` while a step is computed, and after one that failed and was not undone.
    pub(crate) simulation: Option<nbody::Simulation>,
    pub(crate) rest: Rest,
    pub(crate) frame: Arc<Frame>,
    /// The state at this time, once the next step has begun.
    pub(crate) share: Share,
    pub(crate) threads: Option<usize>,
    /// Whether a copy of the bodies is kept during every step. Otherwise, a copy is kept only
    /// during a step that may fail.
    pub(crate) undo: bool,
    /// The copy for the previous step. The next copy reuses its memory.
    pub(crate) spare: Option<Bodies>,
}

/// Settings and results of a simulation.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Rest {
    pub(crate) settings: settings::Settings,
    pub(crate) steps: settings::StepSettings,
    /// Diagnostics of the first state.
    pub(crate) first: Diagnostics,
    /// Whether the first timesteps of the bodies have been chosen.
    pub(crate) has_chosen: bool,
    /// Full steps done.
    pub(crate) step: u64,
    /// Ids in the caller's order; `None` for 0, 1, 2 and so on.
    pub(crate) ids: Option<Vec<u64>>,
}

impl Running {
    pub(crate) fn of(
        simulation: nbody::Simulation,
        rest: Rest,
        frame: Frame,
        threads: Option<usize>,
    ) -> Running {
        let (simulation, frame, share) = (Some(simulation), Arc::new(frame), Share::default());
        Running { simulation, rest, frame, share, threads, undo: false, spare: None }
    }

    pub(crate) fn current(&self) -> PyResult<&nbody::Simulation> {
        self.simulation.as_ref().ok_or_else(lost)
    }

    /// Runs `job`, which does a step of this length [T] or a part of it. After an error the
    /// simulation is unchanged. After a panic it is unchanged if a copy was kept, and lost
    /// otherwise.
    pub(crate) fn go<T: Send>(
        &mut self,
        py: Python<'_>,
        length: f64,
        job: impl FnOnce(&mut nbody::Simulation) -> Result<T, nbody::Error> + Send,
    ) -> PyResult<T> {
        let threads = Threads::of(self.threads, self.frame.count)?;
        let mut simulation = self.simulation.take().ok_or_else(lost)?;
        let before = std::mem::take(&mut self.share);
        let is_wanted = self.undo || Arc::strong_count(&before) > 1;
        let spare = self.spare.take();
        let gone = threads.compute(py, || {
            if is_wanted || !simulation.is_safe(length) {
                before.get_or_init(|| Kept::of(&simulation, spare));
            }
            let value = job(&mut simulation)?;
            Ok::<_, nbody::Error>((simulation, value))
        });
        let kept = Arc::try_unwrap(before).map(OnceLock::into_inner);
        match gone {
            Ok((simulation, value)) => {
                self.simulation = Some(simulation);
                self.spare = kept.ok().flatten().filter(|_| self.undo).map(Kept::into_spare);
                Ok(value)
            }
            Err(error) => {
                let kept = kept.unwrap_or_else(|shared| shared.get().cloned());
                self.simulation = kept.map(|kept| kept.restore(&self.frame));
                Err(error)
            }
        }
    }
}

fn lost() -> PyErr {
    PyRuntimeError::new_err(
        "the simulation was lost in a step that ended with a bug of heorot; undo=True keeps a copy of the bodies for such a case",
    )
}
