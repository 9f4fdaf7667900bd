//! Models, and bodies from and to files.

use crate::arrays::{self, Columns, Order};
use crate::{pool, settings::by_name};
use decomposition::Solo;
use io::snapshot::{self, Fields, Flavour, Header, Layout, Unsound, Wanted};
use io::{Outputs, Units};
use nbody::model::{Keys, MODELS, generate};
use pyo3::exceptions::{PyFileNotFoundError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::ffi::OsString;
use std::path::PathBuf;
use treecode::{Bodies, TYPES};

/// Units in cgs: length, mass, velocity.
type Cgs = [f64; 3];

fn units([length_in_cm, mass_in_g, velocity_in_cm_per_s]: Cgs) -> Units {
    Units { length_in_cm, mass_in_g, velocity_in_cm_per_s }
}

fn cgs(units: &Units) -> Cgs {
    [units.length_in_cm, units.mass_in_g, units.velocity_in_cm_per_s]
}

/// G in units given in cgs.
#[pyfunction]
pub(crate) fn gravitational_constant(of: Cgs) -> f64 {
    units(of).gravitational_constant()
}

/// Columns of bodies in their order.
fn columns(py: Python<'_>, bodies: Bodies) -> PyResult<Bound<'_, PyDict>> {
    let Bodies { mass, pos, vel, id, kind, .. } = bodies;
    let rows = |vectors: [Vec<f64>; 3]| arrays::table(py, Order::Same.rows(&vectors, |x| x), 3);
    let all = PyDict::new(py);
    all.set_item("mass", arrays::array(py, mass))?;
    all.set_item("pos", rows(pos)?)?;
    all.set_item("vel", rows(vel)?)?;
    all.set_item("id", arrays::array(py, id))?;
    all.set_item("type", arrays::array(py, kind))?;
    Ok(all)
}

/// Draws a model of these keys, in JSON, in units given in cgs.
#[pyfunction]
pub(crate) fn model<'py>(
    py: Python<'py>,
    keys: &str,
    of: Cgs,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut keys: Keys = serde_json::from_str(keys).map_err(|fault| {
        let text = fault.to_string();
        let text = text.split(" at line ").next().unwrap_or_default();
        PyValueError::new_err(text.to_owned())
    })?;
    let name = keys.model.take();
    let name = name.ok_or_else(|| PyValueError::new_err(format!("a model is needed: one of {MODELS}")))?;
    let constant = units(of).gravitational_constant();
    let bodies = pool::compute(py, threads, usize::MAX, move || {
        let model = keys.into_model(name)?;
        model.check()?;
        Ok::<_, String>(generate(&Solo, &model, constant))
    })?;
    columns(py, bodies)
}

/// Reads a file of any known format: columns, time, units in cgs, and what the reader should know.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn load<'py>(
    py: Python<'py>,
    path: PathBuf,
    wanted_units: Option<Cgs>,
    types: Option<Vec<u8>>,
    isolated: bool,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyDict>, f64, Cgs, Vec<String>)> {
    let kinds = kinds(types)?;
    let wanted_units = wanted_units.map(units);
    let file = path.clone();
    let read = pool::compute(py, threads, usize::MAX, move || {
        let said = |fault: String| format!("{}: {fault}", path.display());
        let wanted = Wanted { kinds, columns: false, ..Wanted::default() };
        let (mut header, mut bodies) =
            snapshot::read_wanted_unchecked(&path, &wanted).map_err(|error| error.to_string())?;
        if !isolated {
            let remedy = "isolated=True takes it for one";
            header.expect_isolated(&path, remedy).map_err(|error| error.to_string())?;
        }
        if bodies.is_empty() {
            return Err(said("holds no bodies of the types wanted".to_owned()));
        }
        let unsound = Unsound::of(&bodies);
        unsound.leave_out(&mut bodies);
        header.remarks.extend(unsound.remarks());
        bodies.check().map_err(|fault| said(fault.to_string()))?;
        let theirs = header.units_or(wanted_units.as_ref());
        let ours = wanted_units.unwrap_or(theirs);
        theirs.convert(&mut bodies, &ours).map_err(said)?;
        let time = header.time * theirs.time_ratio(&ours);
        Ok((header, bodies, time, ours))
    });
    let (mut header, bodies, time, units) = read.map_err(|error| match file.exists() {
        true => error,
        false => PyFileNotFoundError::new_err(error.value(py).to_string()),
    })?;
    let mut remarks = header.remarks.clone();
    if header.numbered {
        remarks.push("has no ids; bodies are numbered in the order of the file".to_owned());
    }
    header.ignored.extend(header.columns.iter().map(|about| about.name.clone()));
    if !header.ignored.is_empty() {
        remarks.push(format!("what is not read: {}", header.shown_ignored()));
    }
    Ok((columns(py, bodies)?, time, cgs(&units), remarks))
}

/// Which particle types are wanted; all if none is named.
pub(crate) fn kinds(types: Option<Vec<u8>>) -> PyResult<[bool; TYPES]> {
    let types = types.unwrap_or_else(|| (0..TYPES as u8).collect());
    match types.iter().find(|kind| usize::from(**kind) >= TYPES) {
        Some(kind) => Err(PyValueError::new_err(format!("types: {kind} is none, must be from 0 to 5"))),
        None => Ok(std::array::from_fn(|kind| types.contains(&(kind as u8)))),
    }
}

/// Writes a snapshot.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn save(
    py: Python<'_>,
    path: PathBuf,
    columns: Columns<'_>,
    time: f64,
    of: Option<Cgs>,
    format: &str,
    single: bool,
    compression: u8,
    overwrite: bool,
    threads: Option<usize>,
) -> PyResult<()> {
    let flavour: Flavour = by_name("format", format, "gadget, swift")?;
    if compression > 9 {
        return Err(PyValueError::new_err(format!("compression = {compression}: must be from 0 to 9")));
    }
    let layout = Layout { flavour, single, compression, files: 1, ..Layout::default() };
    let header = Header { time, units: of.map(units), ..Header::default() };
    let bodies = columns.bodies()?;
    pool::compute(py, threads, usize::MAX, move || {
        let target = Outputs::new(overwrite).snapshot(&path, 1).map_err(|error| error.to_string())?;
        if bodies.is_empty() {
            return Err("there are no bodies to save".to_owned());
        }
        snapshot::write_in_key_order(&target, &header, &bodies, Fields::default(), &layout, &Solo)
            .map_err(|error| error.to_string())
    })
}

/// Reads HDF5 files in a process that this command starts. It must call [`serve_parent`].
#[pyfunction]
pub(crate) fn read_in_process(command: Vec<OsString>) {
    snapshot::use_command(command);
}

/// Reads files for the process that started this one, and ends this process.
#[pyfunction]
pub(crate) fn serve_parent() {
    snapshot::serve_parent();
}
