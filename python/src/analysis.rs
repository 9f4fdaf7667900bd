//! Neighbours, haloes and radial profiles.

use crate::arrays::{self, Columns};
use crate::pool;
use crate::settings::domain_of;
use decomposition::Solo;
use nbody::halos::{census, label};
use nbody::profile::{Centre, shells};
use nbody::spectral::{Assignment, Bin, Settings, Spectrum, measure};
use numpy::{PyArray1, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use treecode::{Neighbours, math};

/// Distances and indices of neighbours, a row for each body.
type Near<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// The `k` nearest of the other bodies.
#[pyfunction]
pub(crate) fn neighbours<'py>(
    py: Python<'py>,
    pos: &Bound<'py, PyAny>,
    k: usize,
    side: Option<f64>,
    threads: Option<usize>,
) -> PyResult<Near<'py>> {
    let mut pos = arrays::vectors("pos", pos)?;
    let n = pos[0].len();
    finite("pos", &pos)?;
    let domain = domain_of(side)?;
    pos.iter_mut().flatten().for_each(|x| *x = domain.wrap(*x));
    if !(1..n.max(1)).contains(&k) {
        let message = format!(
            "k = {k}: must be from 1 to the number of other bodies, which is {}",
            n.saturating_sub(1)
        );
        return Err(PyValueError::new_err(message));
    }
    let (distances, indices) = pool::compute(py, threads, n, move || {
        let (mut squares, indices) = Neighbours::new(domain, pos.each_ref().map(Vec::as_slice)).nearest(k);
        squares.iter_mut().for_each(|square| *square = square.sqrt());
        Ok::<_, String>((squares, indices.into_iter().map(i64::from).collect::<Vec<_>>()))
    })?;
    Ok((arrays::table(py, distances, k)?, arrays::table(py, indices, k)?))
}

pub(crate) fn finite(name: &str, vectors: &[Vec<f64>; 3]) -> PyResult<()> {
    let bad = vectors.iter().find_map(|axis| axis.iter().position(|x| !x.is_finite()).map(|i| (i, axis[i])));
    match bad {
        Some((i, x)) => Err(PyValueError::new_err(format!("{name}[{i}] holds {x}: must be finite"))),
        None => Ok(()),
    }
}

/// Friends-of-friends haloes: the linking length, columns of a catalogue, and the halo of each body, -1 for none.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn halos<'py>(
    py: Python<'py>,
    columns: Columns<'py>,
    linking: f64,
    linking_length: Option<f64>,
    min_members: u64,
    side: Option<f64>,
    threads: Option<usize>,
) -> PyResult<(f64, Bound<'py, PyDict>, Bound<'py, PyArray1<i64>>)> {
    let mut bodies = columns.bodies()?;
    let n = bodies.len();
    let length = linking_length.unwrap_or(linking);
    if !(length > 0.0 && length.is_finite()) {
        let name = if linking_length.is_some() { "linking_length" } else { "linking" };
        return Err(PyValueError::new_err(format!("{name} = {length}: must be above 0 and finite")));
    }
    if min_members == 0 {
        return Err(PyValueError::new_err("min_members = 0: must be at least 1"));
    }
    let domain = domain_of(side)?;
    if let Some(side) = side
        && length >= 0.5 * side
        && linking_length.is_some()
    {
        let message = format!("linking_length = {length}: must be less than half of box = {side}");
        return Err(PyValueError::new_err(message));
    }
    let (length, halos, of) = pool::compute(py, threads, n, move || {
        if n == 0 {
            return Err("there are no bodies".to_owned());
        }
        let survey = bodies.survey().map_err(|error| error.to_string())?;
        bodies.id = (0..n as u64).collect();
        let filled: f64 = (0..3).map(|axis| survey.bounds.hi[axis] - survey.bounds.lo[axis]).product();
        let volume = side.map_or(filled, |side| side.powi(3));
        bodies.wrap(domain);
        let length = match linking_length {
            Some(length) => length,
            None if volume > 0.0 => linking * math::cbrt(volume / n as f64),
            None => return Err("the bodies fill no volume: give linking_length".to_owned()),
        };
        let labelled = label(&Solo, domain, bodies, length);
        let (halos, ids) = census(&Solo, domain, &labelled, min_members);
        let mut of = vec![-1i64; n];
        let mut members = ids.iter();
        for (number, halo) in (0..).zip(&halos) {
            members.by_ref().take(halo.members as usize).for_each(|id| of[*id as usize] = number);
        }
        Ok((length, halos, of))
    })?;
    let all = PyDict::new(py);
    let of_each = |get: fn(&nbody::halos::Halo) -> f64| {
        PyArray1::from_vec(py, halos.iter().map(get).collect::<Vec<f64>>())
    };
    all.set_item("members", PyArray1::from_vec(py, halos.iter().map(|halo| halo.members as i64).collect()))?;
    all.set_item("mass", of_each(|halo| halo.mass))?;
    all.set_item("radius", of_each(|halo| halo.radius))?;
    all.set_item("half_mass_radius", of_each(|halo| halo.half_mass_radius))?;
    all.set_item("dispersion", of_each(|halo| halo.dispersion))?;
    let rows = |get: fn(&nbody::halos::Halo) -> [f64; 3]| {
        PyArray1::from_vec(py, halos.iter().flat_map(get).collect::<Vec<f64>>()).reshape([halos.len(), 3])
    };
    all.set_item("pos", rows(|halo| halo.position)?)?;
    all.set_item("vel", rows(|halo| halo.velocity)?)?;
    Ok((length, all, PyArray1::from_vec(py, of)))
}

/// The power spectrum of a periodic box: its shot noise, and columns of its bins.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn spectrum<'py>(
    py: Python<'py>,
    columns: Columns<'py>,
    side: f64,
    grid: usize,
    folds: Vec<u32>,
    assignment: &str,
    bins_per_decade: Option<u32>,
    threads: Option<usize>,
) -> PyResult<(f64, Bound<'py, PyDict>)> {
    let mut bodies = columns.bodies()?;
    let domain = domain_of(Some(side))?;
    let assignment = match assignment {
        "cic" => Assignment::Cic,
        "tsc" => Assignment::Tsc,
        "pcs" => Assignment::Pcs,
        other => {
            return Err(PyValueError::new_err(format!(
                "assignment = {other:?}: must be \"cic\", \"tsc\" or \"pcs\""
            )));
        }
    };
    let settings = Settings { grid, assignment, folds, bins_per_decade };
    let Spectrum { bins, shot_noise } = pool::compute(py, threads, bodies.len(), move || {
        bodies.check().map_err(|error| error.to_string())?;
        settings.check().map_err(|error| error.to_string())?;
        pool::expect_room(nbody::spectral::memory(grid, bodies.len() as u64), &format!("grid = {grid}"))?;
        bodies.wrap(domain);
        measure(&Solo, &bodies, side, &settings).map_err(|error| error.to_string())
    })?;
    let all = PyDict::new(py);
    let add = |name: &str, get: &dyn Fn(&Bin) -> f64| {
        all.set_item(name, PyArray1::from_vec(py, bins.iter().map(get).collect::<Vec<f64>>()))
    };
    add("k", &|bin| bin.k)?;
    add("power", &|bin| bin.power)?;
    add("error", &Bin::error)?;
    let of_bins = |get: fn(&Bin) -> i64| PyArray1::from_vec(py, bins.iter().map(get).collect::<Vec<i64>>());
    all.set_item("modes", of_bins(|bin| bin.modes as i64))?;
    all.set_item("fold", of_bins(|bin| i64::from(bin.fold)))?;
    Ok((shot_noise, all))
}

/// Columns of spherical shells about a centre, and the centre.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn profile<'py>(
    py: Python<'py>,
    columns: Columns<'py>,
    count: usize,
    radius: Option<[f64; 2]>,
    centre: Option<[f64; 3]>,
    constant: f64,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyDict>, [f64; 3], [f64; 3])> {
    let mut bodies = columns.bodies()?;
    if !(2..=1000).contains(&count) {
        return Err(PyValueError::new_err(format!("shells = {count}: must be from 2 to 1000")));
    }
    if let Some([inner, outer]) = radius
        && !(inner > 0.0 && inner < outer && outer.is_finite())
    {
        return Err(PyValueError::new_err(format!(
            "radius = ({inner}, {outer}): must be two rising radii above 0"
        )));
    }
    let (shells, centre) = pool::compute(py, threads, bodies.len(), move || {
        if bodies.is_empty() {
            return Err("there are no bodies".to_owned());
        }
        bodies.check().map_err(|error| error.to_string())?;
        let centre = centre.map_or_else(|| Centre::find(&bodies), |position| Centre::at(&bodies, position));
        for axis in 0..3 {
            bodies.pos[axis].iter_mut().for_each(|x| *x -= centre.position[axis]);
            bodies.vel[axis].iter_mut().for_each(|v| *v -= centre.velocity[axis]);
        }
        Ok((shells(&bodies, count, radius)?, centre))
    })?;
    let all = PyDict::new(py);
    let add = |name: &str, get: &dyn Fn(&nbody::profile::Shell) -> f64| {
        all.set_item(name, PyArray1::from_vec(py, shells.iter().map(get).collect::<Vec<f64>>()))
    };
    add("inner", &|shell| shell.ends[0])?;
    add("outer", &|shell| shell.ends[1])?;
    add("radius", &|shell| shell.radius())?;
    add("bodies", &|shell| shell.bodies as f64)?;
    add("mass", &|shell| shell.mass)?;
    add("enclosed", &|shell| shell.enclosed)?;
    add("density", &|shell| shell.density())?;
    add("dispersion", &|shell| shell.total_dispersion())?;
    add("anisotropy", &|shell| shell.anisotropy())?;
    add("rotation", &|shell| shell.velocity[2])?;
    add("circular_speed", &|shell| shell.circular_speed(constant))?;
    Ok((all, centre.position, centre.velocity))
}
