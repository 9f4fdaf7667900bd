//! Between arrays of numpy and bodies as structures of arrays.

use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use treecode::Bodies;

/// A vector for each body. `name` is that of the argument.
pub fn vectors(name: &str, array: &Bound<'_, PyAny>) -> PyResult<[Vec<f64>; 3]> {
    if let Ok(array) = array.extract::<PyReadonlyArray2<'_, f64>>() {
        return split(name, array.as_array(), |x| x);
    }
    if let Ok(array) = array.extract::<PyReadonlyArray2<'_, f32>>() {
        return split(name, array.as_array(), f64::from);
    }
    let shape = array.getattr("shape").and_then(|shape| shape.str()).map(|shape| shape.to_string());
    Err(match shape {
        Ok(shape) => PyValueError::new_err(format!("{name} has the shape {shape}: must be (bodies, 3)")),
        Err(_) => PyTypeError::new_err(format!("{name}: must be an array of float64 or float32")),
    })
}

fn split<T: Copy>(name: &str, array: ArrayView2<'_, T>, number: fn(T) -> f64) -> PyResult<[Vec<f64>; 3]> {
    let (n, width) = array.dim();
    if width != 3 {
        return Err(PyValueError::new_err(format!(
            "{name} has the shape ({n}, {width}): must be (bodies, 3)"
        )));
    }
    if let Some(rows) = array.as_slice() {
        let mut columns: [Vec<f64>; 3] = std::array::from_fn(|_| Vec::with_capacity(n));
        for row in rows.chunks_exact(3) {
            (0..3).for_each(|axis| columns[axis].push(number(row[axis])));
        }
        return Ok(columns);
    }
    Ok(std::array::from_fn(|axis| array.column(axis).iter().copied().map(number).collect()))
}

/// A number for each of `n` bodies.
pub fn numbers(name: &str, array: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<f64>> {
    let values = if let Ok(array) = array.extract::<PyReadonlyArray1<'_, f64>>() {
        list(array.as_array(), |x| x)
    } else if let Ok(array) = array.extract::<PyReadonlyArray1<'_, f32>>() {
        list(array.as_array(), f64::from)
    } else {
        let shape = array.getattr("shape").and_then(|shape| shape.str()).map(|shape| shape.to_string());
        return Err(match shape {
            Ok(shape) => PyValueError::new_err(format!("{name} has the shape {shape}: must be (bodies,)")),
            Err(_) => PyTypeError::new_err(format!("{name}: must be an array of float64 or float32")),
        });
    };
    same_length(name, values.len(), n)?;
    Ok(values)
}

fn list<T: Copy>(array: ArrayView1<'_, T>, number: fn(T) -> f64) -> Vec<f64> {
    array.iter().copied().map(number).collect()
}

/// Fails unless an array has a row for each body.
pub fn same_length(name: &str, found: usize, n: usize) -> PyResult<()> {
    if found == n {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{name} has {found} rows for {n} bodies: must have one for each body")))
}

/// Bodies at rest, whose ids are their places.
pub fn bodies(pos: &Bound<'_, PyAny>, mass: &Bound<'_, PyAny>) -> PyResult<Bodies> {
    let pos = vectors("pos", pos)?;
    let n = pos[0].len();
    let mass = numbers("mass", mass, n)?;
    let mut bodies = Bodies::zeroed(n);
    (bodies.pos, bodies.mass) = (pos, mass);
    Ok(bodies)
}

/// All that a file or a run has of each body.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Columns<'py> {
    mass: Bound<'py, PyAny>,
    pos: Bound<'py, PyAny>,
    vel: Bound<'py, PyAny>,
    id: PyReadonlyArray1<'py, u64>,
    kind: PyReadonlyArray1<'py, u8>,
}

impl Columns<'_> {
    /// The bodies, with the ids given.
    pub fn bodies(&self) -> PyResult<Bodies> {
        let mut bodies = bodies(&self.pos, &self.mass)?;
        let n = bodies.len();
        bodies.vel = vectors("vel", &self.vel)?;
        same_length("vel", bodies.vel[0].len(), n)?;
        bodies.id = self.id.as_array().to_vec();
        same_length("id", bodies.id.len(), n)?;
        bodies.kind = self.kind.as_array().to_vec();
        same_length("type", bodies.kind.len(), n)?;
        Ok(bodies)
    }
}

/// Rows of three numbers; `places` has the row of each body, or there is one and the same order.
pub fn rows<'py>(
    py: Python<'py>,
    columns: &[Vec<f64>; 3],
    places: Option<&[u32]>,
) -> PyResult<Bound<'py, PyArray2<f64>>> {
    let n = columns[0].len();
    let mut flat = vec![0.0; 3 * n];
    for i in 0..n {
        let start = 3 * places.map_or(i, |places| places[i] as usize);
        (0..3).for_each(|axis| flat[start + axis] = columns[axis][i]);
    }
    PyArray1::from_vec(py, flat).reshape([n, 3])
}

/// A value of each body, in the order of `places`.
pub fn placed<T: Copy + Default>(values: &[T], places: Option<&[u32]>) -> Vec<T> {
    let Some(places) = places else { return values.to_vec() };
    let mut list = vec![T::default(); values.len()];
    values.iter().zip(places).for_each(|(value, place)| list[*place as usize] = *value);
    list
}
