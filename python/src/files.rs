//! Draws models, and reads and writes files of bodies.

use crate::arrays::{self, Columns, Order};
use crate::pool;
use crate::settings::{self, by_name};
use decomposition::Solo;
use io::snapshot::{self, Fields, Flavour, Header, Layout, Universe, Unsound, Wanted};
use io::{Outputs, Units};
use nbody::cosmology::scale_factor_of;
use nbody::linear::Table;
use nbody::model::{self as models, Keys, MODELS, Model, generate};
use pyo3::exceptions::{PyFileNotFoundError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::ffi::OsString;
use std::path::PathBuf;
use treecode::{Bodies, TYPES, math};

/// Units in cgs: length, mass, velocity.
pub(crate) type Cgs = [f64; 3];

pub(crate) fn units([length_in_cm, mass_in_g, velocity_in_cm_per_s]: Cgs) -> Units {
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

/// ln a at a redshift, which is the time of a simulation in an expanding universe.
#[pyfunction]
pub(crate) fn log_of_redshift(redshift: f64) -> f64 {
    math::ln(scale_factor_of(redshift))
}

/// ln a.
#[pyfunction]
pub(crate) fn log_of_scale_factor(scale_factor: f64) -> f64 {
    math::ln(scale_factor)
}

/// A megaparsec [cm].
const MEGAPARSEC_IN_CM: f64 = 1000.0 * Units::GALACTIC.length_in_cm;

/// A universe, side of the box [L] and scale factor.
type Space = (settings::Universe, f64, f64);

/// Draws a model of these keys, in JSON, in units given in cgs. The model `cosmology` needs `space`.
#[pyfunction]
pub(crate) fn model<'py>(
    py: Python<'py>,
    keys: &str,
    of: Cgs,
    space: Option<Space>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyDict>> {
    let keys: serde_json::Value =
        serde_json::from_str(keys).map_err(|fault| PyValueError::new_err(fault.to_string()))?;
    let mut keys: Keys = settings::read_keys(&keys, "model").map_err(PyValueError::new_err)?;
    keys.complete(units(of).physical().as_ref()).map_err(PyValueError::new_err)?;
    let name = keys.model.take();
    let name = name.ok_or_else(|| PyValueError::new_err(format!("a model is needed: one of {MODELS}")))?;
    let constant = units(of).gravitational_constant();
    let bodies = pool::compute(py, threads, usize::MAX, move || {
        let mut model = keys.into_model(name)?;
        if let (Model::Cosmology(model), Some((universe, side, scale_factor))) = (&mut model, space) {
            let (cosmology, h) = (universe.cosmology(), universe.h);
            cosmology.check(1.0).map_err(|fault| fault.to_string())?;
            let megaparsec = MEGAPARSEC_IN_CM / units(of).length_in_cm / h;
            model.universe = Some(models::Universe { cosmology, side, megaparsec, h, scale_factor });
            if let Some(path) = &model.spectrum {
                let read = io::table::read_pairs(path, ["k [h/Mpc]", "P [(Mpc/h)^3]"]);
                let [k, power] = read.map_err(|fault| format!("spectrum: {fault}"))?;
                let table = Table::new(k, power);
                model.table = Some(table.map_err(|fault| format!("spectrum: {}: {fault}", path.display()))?);
            }
        }
        model.check()?;
        let bodies = model.bodies();
        pool::expect_room((io::BODY as f64 + model.memory()) * bodies as f64, &format!("{bodies} bodies"))?;
        Ok::<_, String>(generate(&Solo, &model, constant))
    })?;
    columns(py, bodies)
}

/// Scale factor and ln a, and omega_m, omega_lambda, h, omega_r, w0, wa, of which 0 is unknown.
type Expanding = (f64, f64, [f64; 6]);

/// Reads a file of any known format: columns, time, units in cgs, side of the periodic box, what expands, and what
/// the reader should know. Velocities in an expanding universe are peculiar ones.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub(crate) fn load<'py>(
    py: Python<'py>,
    path: PathBuf,
    wanted_units: Option<Cgs>,
    types: Option<Vec<u8>>,
    isolated: bool,
    threads: Option<usize>,
) -> PyResult<(Bound<'py, PyDict>, f64, Cgs, Option<f64>, Option<Expanding>, Vec<String>)> {
    let kinds = kinds(types)?;
    let wanted_units = wanted_units.map(units);
    let file = path.clone();
    let read = pool::compute(py, threads, usize::MAX, move || {
        let said = |fault: String| format!("{}: {fault}", path.display());
        let wanted = Wanted { kinds, columns: false, ..Wanted::default() };
        let (mut header, mut bodies) =
            snapshot::read_wanted_unchecked(&path, &wanted).map_err(|error| error.to_string())?;
        if isolated {
            (header.universe, header.box_size) = (None, 0.0);
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
        theirs.convert(&mut bodies, &ours).map_err(&said)?;
        let time = header.time * theirs.time_ratio(&ours);
        if let Some(universe) = &header.universe {
            let a = universe.scale_factor;
            if !(a > 0.0 && a.is_finite()) {
                return Err(said(format!("has the scale factor {a:?}, must be above 0")));
            }
            let factor = universe.momentum_of(header.format) / a;
            bodies.vel.iter_mut().flatten().for_each(|v| *v *= factor);
            let why = header.cosmological.as_deref().unwrap_or_default();
            if why != "its header says so" {
                header.remarks.push(format!(
                    "is taken for a snapshot of an expanding universe ({why}); isolated=True ignores universe and box"
                ));
            }
        }
        header.box_size *= theirs.length_in_cm / ours.length_in_cm;
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
    let expanding = header.universe.map(
        |Universe { scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h, .. }| {
            (scale_factor, math::ln(scale_factor), [omega_m, omega_lambda, h, omega_r, w0, wa])
        },
    );
    let side = Some(header.box_size).filter(|side| *side > 0.0);
    Ok((columns(py, bodies)?, time, cgs(&units), side, expanding, remarks))
}

/// Which particle types are wanted; all if none is named.
pub(crate) fn kinds(types: Option<Vec<u8>>) -> PyResult<[bool; TYPES]> {
    let types = types.unwrap_or_else(|| (0..TYPES as u8).collect());
    match types.iter().find(|kind| usize::from(**kind) >= TYPES) {
        Some(kind) => Err(PyValueError::new_err(format!("types: {kind} is none, must be from 0 to 5"))),
        None => Ok(std::array::from_fn(|kind| types.contains(&(kind as u8)))),
    }
}

/// Writes a snapshot. A universe comes with the scale factor.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn save(
    py: Python<'_>,
    path: PathBuf,
    columns: Columns<'_>,
    time: f64,
    of: Option<Cgs>,
    side: Option<f64>,
    universe: Option<(settings::Universe, f64)>,
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
    let mut header =
        Header { time, units: of.map(units), box_size: side.unwrap_or(0.0), ..Header::default() };
    let mut bodies = columns.bodies()?;
    if let Some((universe, scale_factor)) = universe {
        let cosmology = universe.cosmology();
        let settings::Universe { omega_m, omega_lambda, omega_r, w0, wa, h, hubble, .. } = universe;
        header.time = cosmology.time(scale_factor);
        header.universe = Some(Universe { scale_factor, omega_m, omega_lambda, omega_r, w0, wa, h, hubble });
        bodies.vel.iter_mut().flatten().for_each(|v| *v *= scale_factor); // canonical momenta
    }
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
