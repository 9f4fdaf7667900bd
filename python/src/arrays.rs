//! Converts between numpy arrays and bodies as structures of arrays.

use crate::pool::expect_room;
use numpy::ndarray::{ArrayView1, ArrayView2};
use numpy::{Element, PyArray1, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use rayon::prelude::*;
use treecode::Bodies;

/// A vector for each body. `name` is the name of the argument.
pub(crate) fn vectors(name: &str, array: &Bound<'_, PyAny>) -> PyResult<[Vec<f64>; 3]> {
    if let Ok(array) = array.extract::<PyReadonlyArray2<'_, f64>>() {
        return split(name, array.as_array(), |x| x);
    }
    if let Ok(array) = array.extract::<PyReadonlyArray2<'_, f32>>() {
        return split(name, array.as_array(), f64::from);
    }
    Err(unfit(name, array, "(bodies, 3)"))
}

/// The error for an array with a wrong shape or type of numbers.
fn unfit(name: &str, array: &Bound<'_, PyAny>, wanted: &str) -> PyErr {
    let shape = array.getattr("shape").and_then(|shape| shape.str()).map(|shape| shape.to_string());
    match shape {
        Ok(shape) => PyValueError::new_err(format!("{name} has the shape {shape}: must be {wanted}")),
        Err(_) => PyTypeError::new_err(format!("{name}: must be an array of float64 or float32")),
    }
}

/// For this number of rows or more, the available memory is checked before memory is allocated.
const MANY: usize = 1 << 22;
/// Least memory of a row [bytes]: a vector, a mass and an acceleration.
const OF_A_ROW: f64 = 56.0;

/// Fails if there is no memory for `n` rows, since a failed allocation would end the process. An
/// array may have more rows than fit into memory if it is a view that repeats rows.
fn expect_room_for(name: &str, n: usize) -> PyResult<()> {
    if n < MANY {
        return Ok(());
    }
    expect_room(OF_A_ROW * n as f64, &format!("{name} has {n} rows")).map_err(PyValueError::new_err)
}

fn split<T: Copy>(name: &str, array: ArrayView2<'_, T>, number: fn(T) -> f64) -> PyResult<[Vec<f64>; 3]> {
    let (n, width) = array.dim();
    if width != 3 {
        return Err(PyValueError::new_err(format!(
            "{name} has the shape ({n}, {width}): must be (bodies, 3)"
        )));
    }
    expect_room_for(name, n)?;
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
pub(crate) fn numbers(name: &str, array: &Bound<'_, PyAny>, n: usize) -> PyResult<Vec<f64>> {
    if let Ok(array) = array.extract::<PyReadonlyArray1<'_, f64>>() {
        return list(name, array.as_array(), n, |x| x);
    }
    if let Ok(array) = array.extract::<PyReadonlyArray1<'_, f32>>() {
        return list(name, array.as_array(), n, f64::from);
    }
    Err(unfit(name, array, "(bodies,)"))
}

fn list<T: Copy>(name: &str, array: ArrayView1<'_, T>, n: usize, number: fn(T) -> f64) -> PyResult<Vec<f64>> {
    same_length(name, array.len(), n)?;
    Ok(array.iter().copied().map(number).collect())
}

/// Fails unless an array has a row for each body.
fn same_length(name: &str, found: usize, n: usize) -> PyResult<()> {
    if found == n {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("{name} has {found} rows for {n} bodies: must have one for each body")))
}

/// Bodies at rest, whose ids are their places.
pub(crate) fn bodies(pos: &Bound<'_, PyAny>, mass: &Bound<'_, PyAny>) -> PyResult<Bodies> {
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
pub(crate) struct Columns<'py> {
    mass: Bound<'py, PyAny>,
    pos: Bound<'py, PyAny>,
    vel: Bound<'py, PyAny>,
    id: PyReadonlyArray1<'py, u64>,
    pub(crate) kind: PyReadonlyArray1<'py, u8>,
}

impl Columns<'_> {
    /// The bodies, with the ids given.
    pub(crate) fn bodies(&self) -> PyResult<Bodies> {
        let mut bodies = bodies(&self.pos, &self.mass)?;
        let n = bodies.len();
        bodies.vel = vectors("vel", &self.vel)?;
        same_length("vel", bodies.vel[0].len(), n)?;
        same_length("id", self.id.len()?, n)?;
        bodies.id = self.id.as_array().to_vec();
        same_length("type", self.kind.len()?, n)?;
        bodies.kind = self.kind.as_array().to_vec();
        Ok(bodies)
    }
}

/// Rows that a task of several threads fills.
const SPAN: usize = 1 << 13;

/// The order in which results are returned. Results are gathered on all threads of the pool, so this
/// belongs into [`crate::pool::Threads::compute`].
pub(crate) enum Order {
    /// That of the bodies.
    Same,
    /// For each row, the place of its body.
    Of(Vec<u32>),
}

impl Order {
    /// The order of which `row` gives the row of each of `n` bodies.
    pub(crate) fn by_row(n: usize, row: impl Fn(usize) -> usize) -> Order {
        let mut places = vec![0; n];
        (0..n).for_each(|place| places[row(place)] = place as u32);
        Order::Of(places)
    }

    fn place(&self, row: usize) -> usize {
        match self {
            Order::Same => row,
            Order::Of(places) => places[row] as usize,
        }
    }

    /// The values in this order, converted by `number`.
    pub(crate) fn list<T: Copy + Sync, U: Copy + Default + Send>(
        &self,
        values: &[T],
        number: fn(T) -> U,
    ) -> Vec<U> {
        let mut list = vec![U::default(); values.len()];
        list.par_chunks_mut(SPAN).enumerate().for_each(|(span, list)| {
            (span * SPAN..).zip(list).for_each(|(row, value)| *value = number(values[self.place(row)]));
        });
        list
    }

    /// Rows of three numbers, one after the other, converted by `number`.
    pub(crate) fn rows<U: Copy + Default + Send>(
        &self,
        columns: &[Vec<f64>; 3],
        number: fn(f64) -> U,
    ) -> Vec<U> {
        let mut flat = vec![U::default(); 3 * columns[0].len()];
        flat.par_chunks_mut(3 * SPAN).enumerate().for_each(|(span, flat)| {
            for (row, numbers) in (span * SPAN..).zip(flat.chunks_exact_mut(3)) {
                let place = self.place(row);
                (0..3).for_each(|axis| numbers[axis] = number(columns[axis][place]));
            }
        });
        flat
    }
}

/// An array of one dimension that takes the memory of `values`.
pub(crate) fn array<T: Element>(py: Python<'_>, values: Vec<T>) -> Bound<'_, PyAny> {
    PyArray1::from_vec(py, values).into_any()
}

/// An array of rows of `width` numbers that takes the memory of `values`.
pub(crate) fn table<T: Element>(py: Python<'_>, values: Vec<T>, width: usize) -> PyResult<Bound<'_, PyAny>> {
    let rows = values.len() / width;
    Ok(PyArray1::from_vec(py, values).reshape([rows, width])?.into_any())
}
