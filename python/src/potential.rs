//! External potentials from lists of keys, and their fields at points.

use crate::arrays;
use crate::files::{Cgs, units};
use crate::pool;
use crate::settings::read_keys;
use io::Units;
use io::potentials::{Keys, check_span, external};
use nbody::potential::{External, Field};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A sum of external potentials.
#[pyclass(module = "heorot._heorot", frozen, from_py_object)]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Given", into = "Given")]
pub(crate) struct Potential {
    given: Given,
    external: Arc<External>,
}

/// The arguments from which potentials are made.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Given {
    keys: Vec<Keys>,
    units: Option<Cgs>,
    /// The gravitational constant [L^3/M/T^2].
    constant: f64,
    /// Orbits with friction end at this time [T].
    until: f64,
}

impl TryFrom<Given> for Potential {
    type Error = String;

    fn try_from(mut given: Given) -> Result<Potential, String> {
        let Given { keys, units: of, constant, until } = &mut given;
        if let Some(i) = keys.iter().position(Keys::needs_units).filter(|_| of.is_none()) {
            return Err(format!("potentials.{i}.kind: is given in kpc and km/s, so units are needed"));
        }
        // Without units, G = 1 and the units have no size.
        let of = of.map_or(Units::NBODY, units);
        let external =
            external(keys, &of, *constant, *until).map_err(|fault| format!("potentials.{fault}"))?;
        Ok(Potential { given, external: Arc::new(external) })
    }
}

impl From<Potential> for Given {
    fn from(potential: Potential) -> Given {
        potential.given
    }
}

#[pymethods]
impl Potential {
    /// Potentials of a list of keys, in JSON.
    #[new]
    fn new(py: Python<'_>, list: &str, of: Option<Cgs>, constant: f64, until: f64) -> PyResult<Potential> {
        let positive = constant > 0.0 && constant.is_finite();
        for (holds, name, value) in [(positive, "G", constant), (until.is_finite(), "until", until)] {
            if !holds {
                return Err(PyValueError::new_err(format!(
                    "{name} = {value}: must be finite, and G above 0"
                )));
            }
        }
        let list: Vec<serde_json::Value> =
            serde_json::from_str(list).map_err(|fault| PyValueError::new_err(fault.to_string()))?;
        let keys = list.iter().enumerate().map(|(i, keys)| {
            read_keys(keys, "kind").map_err(|fault| PyValueError::new_err(format!("potentials.{i}.{fault}")))
        });
        let given = Given { keys: keys.collect::<PyResult<_>>()?, units: of, constant, until };
        pool::compute(py, None, usize::MAX, || Potential::try_from(given))
    }

    /// Accelerations and potentials at points.
    fn field<'py>(
        &self,
        py: Python<'py>,
        pos: &Bound<'py, PyAny>,
        time: f64,
        threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let [x, y, z] = arrays::vectors("pos", pos)?;
        self.check_span([time, time])?;
        let (acc, pot) = pool::compute(py, threads, x.len(), || {
            let places = (0..x.len()).into_par_iter().map(|i| [x[i], y[i], z[i]]);
            if let Some(i) = places.clone().position_first(|place| place.iter().any(|x| !x.is_finite())) {
                return Err(format!("pos: point {i} has a coordinate that is not finite"));
            }
            let moment = self.external.at(time);
            let fields: Vec<Field> = places.map(|place| moment.field(place)).collect();
            let acc: Vec<f64> = fields.iter().flat_map(|field| field.acceleration).collect();
            Ok((acc, fields.iter().map(|field| field.potential).collect::<Vec<f64>>()))
        })?;
        Ok((arrays::table(py, acc, 3)?, arrays::array(py, pot)))
    }
}

impl Potential {
    pub(crate) fn external(&self) -> Arc<External> {
        self.external.clone()
    }

    /// Fails if a table or an orbit does not reach over this time [T].
    pub(crate) fn check_span(&self, span: [f64; 2]) -> PyResult<()> {
        if let Some(time) = span.iter().find(|time| !time.is_finite()) {
            return Err(PyValueError::new_err(format!("time = {time}: must be finite")));
        }
        let said = |fault: String| PyValueError::new_err(format!("potentials.{fault}"));
        check_span(&self.given.keys, &self.external, span).map_err(said)
    }
}
