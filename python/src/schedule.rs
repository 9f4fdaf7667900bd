//! The steps between outputs.

use nbody::schedule::{Schedule, Step, Until};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, PoisonError};

/// Times of outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromPyObject, IntoPyObject)]
#[serde(untagged)]
pub(crate) enum Outputs {
    /// At intervals [T].
    Every(f64),
    /// At these times [T].
    At(Vec<f64>),
}

/// The steps of a run: length, time at the end, and whether an output is due there.
#[pyclass(module = "heorot._heorot")]
pub(crate) struct Steps(Mutex<Box<dyn Iterator<Item = Step> + Send>>);

#[pymethods]
impl Steps {
    fn __iter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __next__(&self) -> Option<(f64, f64, bool)> {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).next()?;
        Some((step.length, step.time, step.snapshot))
    }
}

/// The steps from `start` to `until`, none longer than `longest`, that are left at `time`.
#[pyfunction]
pub(crate) fn steps(
    start: f64,
    until: f64,
    longest: f64,
    outputs: Option<Outputs>,
    time: f64,
) -> PyResult<Steps> {
    let positive = |name: &str, value: f64| {
        if value > 0.0 && value.is_finite() {
            Ok(())
        } else {
            Err(PyValueError::new_err(format!("{name} = {value}: must be above 0 and finite")))
        }
    };
    positive("step", longest)?;
    if !until.is_finite() {
        return Err(PyValueError::new_err(format!("until = {until}: must be finite")));
    }
    let end = Until::Time(until);
    let schedule = match outputs {
        None => Schedule::new(end, longest, start, None),
        Some(Outputs::Every(every)) => {
            positive("every", every)?;
            Schedule::new(end, longest, start, Some(every))
        }
        Some(Outputs::At(times)) => Schedule::at_times(end, longest, start, &times),
    };
    let schedule = schedule.map_err(|fault| PyValueError::new_err(fault.to_string()))?;
    let left: Box<dyn Iterator<Item = Step> + Send> =
        if time == start { Box::new(schedule.steps()) } else { Box::new(schedule.after(time)) };
    Ok(Steps(Mutex::new(left)))
}
