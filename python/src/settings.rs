//! Force settings from keyword arguments, with the keys of `[gravity]`, `[box]`, `[cosmology]` and
//! `[[potential]]` of a parameter file.

use crate::potential::Potential;
use nbody::cosmology::{Comoving, Cosmology, Expansion};
use nbody::forces::{AccuracyOf, Forces};
use nbody::stepping::{Adaptive, StepCriterion, Stepping, TimeStep};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde::{Deserialize, Serialize};
use serde_core::de::DeserializeOwned;
use serde_json::Value;
use treecode::{Criterion, Domain, Gravity, PairLength, Softening, SofteningKernel, TYPES, Walk};
use viz::TYPE_NAMES;

/// Defines a class of arguments. Each argument is written once: it becomes a field, and an argument
/// of the constructor at this place.
macro_rules! arguments {
    ($(#[$about:meta])* pub(crate) struct $name:ident { $($(#[$of:meta])* $seen:vis $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[pyclass(module = "heorot._heorot", frozen, from_py_object)]
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub(crate) struct $name { $($(#[$of])* $seen $field: $type,)* }

        #[pymethods]
        impl $name {
            /// Arguments are positional: keywords would take longer than the rest of a call with
            /// few bodies.
            #[new]
            #[pyo3(signature = ($($field,)* /))]
            #[allow(clippy::too_many_arguments)]
            fn new($($field: $type),*) -> $name {
                $name { $($field),* }
            }
        }
    };
}

arguments! {
    /// What the caller says about forces.
    pub(crate) struct Settings {
        softening: Lengths,
        kernel: Option<String>,
        accuracy: Option<f64>,
        #[serde(default)]
        accuracy_of: Option<String>,
        theta: Option<f64>,
        tolerance: Option<f64>,
        order: Option<usize>,
        walk: Option<String>,
        constant: f64,
        allow_missed: bool,
        /// Side of a periodic box [L].
        #[serde(default)]
        pub(crate) side: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub(crate) potential: Option<Potential>,
        #[serde(default)]
        pub(crate) universe: Option<Universe>,
    }
}

arguments! {
    /// What the caller says about time steps.
    pub(crate) struct StepSettings {
        timestep: String,
        criterion: Option<String>,
        eta: Option<f64>,
        eta_rate: Option<f64>,
        smallest_step: Option<f64>,
    }
}

/// An expanding universe.
#[derive(Clone, Debug, Serialize, Deserialize, FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Universe {
    pub(crate) omega_m: f64,
    pub(crate) omega_lambda: f64,
    pub(crate) omega_r: f64,
    pub(crate) w0: f64,
    pub(crate) wa: f64,
    /// Hubble constant today [100 km/s/Mpc].
    pub(crate) h: f64,
    /// Hubble constant today [1/T].
    pub(crate) hubble: f64,
    softening_max_physical: Option<f64>,
    max_displacement: Option<f64>,
}

impl Universe {
    pub(crate) fn cosmology(&self) -> Cosmology {
        let Universe { omega_m, omega_lambda, omega_r, w0, wa, hubble, .. } = *self;
        Cosmology { omega_m, omega_lambda, omega_r, w0, wa, hubble }
    }

    fn expansion(&self) -> Expansion {
        Expansion::Comoving(Comoving {
            cosmology: self.cosmology(),
            softening_max_physical: self.softening_max_physical.unwrap_or(f64::INFINITY),
            displacement: self.max_displacement.unwrap_or(Comoving::DISPLACEMENT),
        })
    }
}

/// Open space, or a periodic box of this side [L].
pub(crate) fn domain_of(side: Option<f64>) -> PyResult<Domain> {
    let domain = side.map_or(Domain::Open, |side| Domain::Periodic { side });
    let wrong = |_| {
        PyValueError::new_err(format!("box = {:?}: must be above 0 and finite", side.unwrap_or_default()))
    };
    domain.check().map_err(wrong).map(|()| domain)
}

/// One softening length, or one for each type, also with those of pairs of types.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Lengths {
    One(f64),
    Each([f64; TYPES]),
    Table { length: [f64; TYPES], pairs: Vec<([u8; 2], f64)> },
}

const WRONG_LENGTHS: &str = "softening: must be a length, or six, one for each particle type, or a dict of them by name of type or pair of names";

/// The lengths of a dict by name of type, as `{"stars": 0.1, ("stars", "other"): 0.01}`.
fn table(dict: &Bound<'_, PyDict>) -> PyResult<Lengths> {
    let wrong = |message: String| PyValueError::new_err(format!("softening: {message}"));
    let kind = |name: &str| {
        let found = TYPE_NAMES.iter().position(|known| *known == name);
        found.ok_or_else(|| {
            wrong(format!("{name:?} is no particle type, must be one of {}", TYPE_NAMES.join(", ")))
        })
    };
    let (mut length, mut pairs) = ([0.0; TYPES], Vec::new());
    for (key, value) in dict {
        let value: f64 = value.extract().map_err(|_| PyValueError::new_err(WRONG_LENGTHS))?;
        if let Ok(name) = key.extract::<String>() {
            length[kind(&name)?] = value;
        } else {
            let names: [String; 2] = key.extract().map_err(|_| PyValueError::new_err(WRONG_LENGTHS))?;
            pairs.push(([kind(&names[0])? as u8, kind(&names[1])? as u8], value));
        }
    }
    Ok(Lengths::Table { length, pairs })
}

impl<'py> FromPyObject<'_, 'py> for Lengths {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Lengths> {
        if let Ok(length) = value.extract() {
            return Ok(Lengths::One(length));
        }
        if let Ok(dict) = value.cast::<PyDict>() {
            return table(&dict);
        }
        value.extract().map(Lengths::Each).map_err(|_| PyValueError::new_err(WRONG_LENGTHS))
    }
}

/// The values of these keys. `required` is the key that all others need.
///
/// # Errors
/// A key is unknown or has a value of another type. The error begins with the key.
pub(crate) fn read_keys<T: DeserializeOwned>(keys: &Value, required: &str) -> Result<T, String> {
    let fault = match T::deserialize(keys) {
        Ok(read) => return Ok(read),
        Err(fault) => fault.to_string(),
    };
    // serde does not name the key of a wrong value: each is tried beside the required one.
    let Some(all) = keys.as_object() else { return Err(format!("must be a dictionary of keys: {fault}")) };
    let is_wrong = |key: &str| {
        let alone =
            [required, key].into_iter().filter_map(|key| Some((key.to_owned(), all.get(key)?.clone())));
        T::deserialize(Value::from_iter(alone)).is_err()
    };
    let named = |key: &str| format!("{key} = {}: {fault}", all.get(key).unwrap_or(&Value::Null));
    if is_wrong(required) {
        return Err(if all.contains_key(required) { named(required) } else { fault });
    }
    Err(all.keys().find(|key| is_wrong(key)).map_or(fault.clone(), |key| named(key)))
}

/// The value of this name, as parameter files spell it.
pub(crate) fn by_name<T: DeserializeOwned>(key: &str, name: &str, names: &str) -> PyResult<T> {
    serde_json::from_value(Value::from(name))
        .map_err(|_| PyValueError::new_err(format!("{key} = {name:?}: must be one of {names}")))
}

impl Settings {
    /// The forces.
    pub(crate) fn forces(&self) -> PyResult<Forces> {
        let wrong = |message: String| Err(PyValueError::new_err(message));
        let walk = self.walk.as_deref();
        let walk = walk.map_or(Ok(Walk::Fmm), |walk| by_name("walk", walk, "fmm, tree, direct"))?;
        let kernel = self.kernel.as_deref().map(|kernel| by_name("kernel", kernel, "spline, plummer"));
        let kernel = kernel.unwrap_or(Ok(SofteningKernel::Spline))?;
        let (length, pairs) = match &self.softening {
            Lengths::One(length) => ([*length; TYPES], Vec::new()),
            Lengths::Each(lengths) => (*lengths, Vec::new()),
            Lengths::Table { length, pairs } => (*length, pairs.clone()),
        };
        let pairs = pairs.into_iter().map(|(types, length)| PairLength { types, length }).collect();
        let softening = Softening { kernel, length, pairs };
        let given = [
            (self.accuracy.is_some(), "accuracy"),
            (self.theta.is_some(), "theta"),
            (self.tolerance.is_some(), "tolerance"),
        ];
        let mut given = given.into_iter().filter(|(given, _)| *given).map(|(_, key)| key);
        let (first, second) = (given.next(), given.next());
        if let (Some(first), Some(second)) = (first, second) {
            return wrong(format!("give either {first} or {second}, not both"));
        }
        let accuracy_of = self.accuracy_of.as_deref();
        let of = accuracy_of
            .map_or(Ok(AccuracyOf::default()), |of| by_name("accuracy_of", of, "self-gravity, total"))?;
        let mut forces = if walk == Walk::Direct {
            if let Some(key) = first.or(accuracy_of.map(|_| "accuracy_of")).or(self.order.map(|_| "order")) {
                return wrong(format!("{key} has no meaning with walk = \"direct\", which is exact"));
            }
            Forces::direct(softening)
        } else if self.theta.is_some() || self.tolerance.is_some() {
            let plain = Gravity { walk, softening, ..Gravity::default() };
            let gravity = Gravity {
                criterion: if self.theta.is_some() { Criterion::Angle } else { Criterion::Relative },
                theta: self.theta.unwrap_or(plain.theta),
                tolerance: self.tolerance.unwrap_or(plain.tolerance),
                order: self.order.unwrap_or(plain.order),
                ..plain
            };
            Forces { accuracy: None, gravity, ..Forces::default() }
        } else if self.accuracy.is_none() && self.order.is_some() {
            let order = self.order.unwrap_or_default();
            Forces {
                accuracy: None,
                gravity: Gravity { walk, softening, order, ..Gravity::default() },
                ..Forces::default()
            }
        } else {
            let accuracy = self.accuracy.unwrap_or(Forces::DEFAULT_ACCURACY);
            Forces::of_accuracy(accuracy, walk, self.order, softening)
        };
        if forces.accuracy.is_none() && accuracy_of.is_some() {
            let key = first.unwrap_or("order");
            return wrong(format!(
                "accuracy_of has no meaning with {key} alone; give accuracy or leave it out"
            ));
        }
        forces.accuracy_of = of;
        forces.allow_missed = self.allow_missed;
        if !(self.constant > 0.0 && self.constant.is_finite()) {
            return wrong(format!("G = {}: must be above 0 and finite", self.constant));
        }
        forces.gravity.constant = self.constant;
        forces.gravity.domain = domain_of(self.side)?;
        if let Some(potential) = &self.potential {
            forces.external = potential.external();
        }
        if let Some(universe) = &self.universe {
            forces.expansion = universe.expansion();
        }
        forces.check().map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(forces)
    }

    /// Fails if a table or an orbit of a potential does not reach over this time [T].
    pub(crate) fn check_span(&self, span: [f64; 2]) -> PyResult<()> {
        self.potential.as_ref().map_or(Ok(()), |potential| potential.check_span(span))
    }
}

impl StepSettings {
    /// How long the steps of bodies are.
    pub(crate) fn stepping(&self) -> PyResult<Stepping> {
        let wrong = |message: String| Err(PyValueError::new_err(message));
        let timestep: TimeStep = by_name("timestep", &self.timestep, "fixed, adaptive-global, block")?;
        let given = [
            (self.criterion.is_some(), "criterion"),
            (self.eta.is_some(), "eta"),
            (self.eta_rate.is_some(), "eta_rate"),
            (self.smallest_step.is_some(), "smallest_step"),
        ];
        if timestep == TimeStep::Fixed {
            return match given.into_iter().find(|(given, _)| *given) {
                Some((_, key)) => wrong(format!("{key} has no meaning with timestep = \"fixed\"")),
                None => Ok(Stepping::Fixed),
            };
        }
        let criterion = self.criterion.as_deref().unwrap_or("both");
        let criterion: StepCriterion = by_name("criterion", criterion, "acceleration, rate, both")?;
        let (eta, eta_rate) =
            (self.eta.unwrap_or(Adaptive::ETA), self.eta_rate.unwrap_or(Adaptive::ETA_RATE));
        let least = [("eta", eta, Adaptive::LEAST_ETA), ("eta_rate", eta_rate, Adaptive::LEAST_ETA_RATE)];
        for (key, value, least) in least {
            if !(value >= least && value.is_finite()) {
                return wrong(format!("{key} = {value:?}: must be at least {least:e} and finite"));
            }
        }
        let smallest = self.smallest_step.unwrap_or(0.0);
        if !(smallest >= 0.0 && smallest.is_finite()) {
            return wrong(format!("smallest_step = {smallest:?}: must be above 0 and finite"));
        }
        let global = timestep == TimeStep::AdaptiveGlobal;
        Ok(Stepping::Adaptive(Adaptive { global, criterion, eta, eta_rate, smallest }))
    }
}
