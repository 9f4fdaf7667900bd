//! The bodies of a simulation at one time, for states that a caller keeps and to undo a failed
//! step. Bodies are copied only when the next step begins.

use crate::arrays::{self, Order};
use crate::pool;
use crate::simulation::Simulation;
use decomposition::Solo;
use nbody::forces::{Forces, Progress};
use nbody::stepping::Stepping;
use nbody::{Diagnostics, PartialStep, Start};
use numpy::Element;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::prelude::*;
use rayon::prelude::*;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use treecode::Bodies;

/// The constant properties of a simulation.
pub(crate) struct Frame {
    pub(crate) forces: Forces,
    pub(crate) stepping: Stepping,
    /// Number of bodies.
    pub(crate) count: usize,
    /// The place of each id in the caller's order.
    places: Places,
}

/// The state before a step. A simulation and its moments share it. It is empty until the step
/// begins, and stays empty if it is not needed.
pub(crate) type Share = Arc<OnceLock<Kept>>;

/// A state from which a simulation continues with the same bits.
#[derive(Clone)]
pub(crate) struct Kept {
    bodies: Bodies,
    time: f64,
    energy: Diagnostics,
    progress: Progress,
    part: Option<PartialStep>,
}

impl Kept {
    /// The state of a simulation. The memory of `spare`, bodies with the same columns, is reused.
    pub(crate) fn of(simulation: &nbody::Simulation, spare: Option<Bodies>) -> Kept {
        let mut bodies = spare.unwrap_or_else(|| simulation.bodies().like());
        bodies.keep(0..0);
        bodies.append(simulation.bodies());
        Kept {
            bodies,
            time: simulation.time,
            energy: simulation.diagnostics,
            progress: simulation.progress(),
            part: simulation.part().cloned(),
        }
    }

    /// Its bodies, for [`Kept::of`].
    pub(crate) fn into_spare(self) -> Bodies {
        self.bodies
    }

    pub(crate) fn restore(self, frame: &Frame) -> nbody::Simulation {
        let Kept { bodies, time, energy, progress, part } = self;
        let start = Start { bodies, time };
        nbody::Simulation::resume(&Solo, &frame.forces, frame.stepping, start, energy, progress, part)
    }
}

/// A simulation at one time. Its columns are copied when they are asked for.
#[pyclass(module = "heorot._heorot", frozen)]
pub(crate) struct Moment {
    simulation: Py<Simulation>,
    share: Share,
    frame: Arc<Frame>,
    threads: Option<usize>,
}

/// Time between two looks whether another thread still computes.
const PAUSE: Duration = Duration::from_millis(1);

#[pymethods]
impl Moment {
    fn __len__(&self) -> usize {
        self.frame.count
    }

    /// Whether the simulation has gone on.
    #[getter]
    fn is_past(&self) -> bool {
        self.share.get().is_some()
    }

    /// A copy of a column in the caller's order. In an expanding universe velocities are peculiar ones.
    /// Accelerations and potentials include the external ones.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        let copy = |bodies: &Bodies, time| self.frame.column(py, self.threads, bodies, time, name);
        loop {
            if let Some(kept) = self.share.get() {
                return copy(&kept.bodies, kept.time);
            }
            // A thread that begins a step keeps the bodies first.
            if let Some(running) = self.simulation.get().now() {
                let simulation = running.current()?;
                if Arc::ptr_eq(&self.share, &running.share) {
                    return copy(simulation.bodies(), simulation.time);
                }
            }
            py.detach(|| std::thread::sleep(PAUSE));
            py.check_signals()?;
        }
    }
}

impl Moment {
    pub(crate) fn new(
        simulation: Py<Simulation>,
        share: Share,
        frame: Arc<Frame>,
        threads: Option<usize>,
    ) -> Moment {
        Moment { simulation, share, frame, threads }
    }
}

impl Frame {
    /// Bodies with these ids, none of which may occur twice.
    pub(crate) fn new(forces: Forces, stepping: Stepping, ids: &[u64]) -> PyResult<Frame> {
        Ok(Frame { forces, stepping, count: ids.len(), places: Places::of(ids)? })
    }

    /// Ids in the caller's order; `None` for 0, 1, 2 and so on.
    pub(crate) fn ids(&self) -> Option<Vec<u64>> {
        let mut ids = vec![0; self.count];
        match &self.places {
            Places::Same => return None,
            Places::From(first, places) => {
                places.iter().zip(0..).for_each(|(place, i)| ids[*place as usize] = first + i);
            }
            Places::Of(known, places) => {
                places.iter().zip(known).for_each(|(place, id)| ids[*place as usize] = *id);
            }
        }
        Some(ids)
    }

    /// Whether these ids, which ascend, are those of the bodies.
    pub(crate) fn has_ids(&self, ascending: &[u64]) -> bool {
        let all = |first: u64| {
            ascending.len() == self.count && ascending.iter().zip(0..).all(|(id, i)| *id == first + i)
        };
        match &self.places {
            Places::Same => all(0),
            Places::From(first, _) => all(*first),
            Places::Of(known, _) => ascending == known,
        }
    }

    /// The caller's order of bodies with these ids.
    fn order(&self, ids: &[u64]) -> Order {
        Order::by_row(ids.len(), |i| match &self.places {
            Places::Same => ids[i] as usize,
            Places::From(first, places) => places[(ids[i] - first) as usize] as usize,
            Places::Of(known, places) => places[known.partition_point(|id| *id < ids[i])] as usize,
        })
    }

    fn column<'py>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        bodies: &Bodies,
        time: f64,
        name: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (moment, has_field) = (self.forces.external.at(time), !self.forces.external.is_empty());
        let field = |i: usize| moment.field(bodies.position(i));
        let all = || (0..bodies.len()).into_par_iter();
        match name {
            "mass" => self.list(py, threads, bodies, || Cow::from(&bodies.mass)),
            "type" => self.list(py, threads, bodies, || Cow::from(&bodies.kind)),
            "rung" => self.list(py, threads, bodies, || Cow::from(&bodies.rung)),
            "pot" => self.list(py, threads, bodies, || match has_field {
                false => Cow::from(&bodies.pot),
                true => all().map(|i| bodies.pot[i] + field(i).potential).collect::<Vec<f64>>().into(),
            }),
            "id" => {
                let ids = self.ids().unwrap_or_else(|| (0..self.count as u64).collect());
                Ok(arrays::array(py, ids))
            }
            "pos" => self.rows(py, threads, bodies, || Cow::Borrowed(&bodies.pos)),
            "vel" => self.rows(py, threads, bodies, || match self.forces.expansion.scale_factor(time) {
                None => Cow::Borrowed(&bodies.vel),
                Some(a) => Cow::Owned(bodies.vel.each_ref().map(|axis| axis.iter().map(|v| v / a).collect())),
            }),
            "acc" => self.rows(py, threads, bodies, || {
                let mut acc = Cow::Borrowed(&bodies.acc);
                if has_field {
                    let fields: Vec<[f64; 3]> = all().map(|i| field(i).acceleration).collect();
                    for (axis, sums) in acc.to_mut().iter_mut().enumerate() {
                        sums.iter_mut().zip(&fields).for_each(|(sum, field)| *sum += field[axis]);
                    }
                }
                acc
            }),
            _ => Err(PyKeyError::new_err(name.to_owned())),
        }
    }

    /// The values that `find` returns, in the caller's order.
    fn list<'py, 'a, T: Copy + Default + Send + Sync + Element + 'a>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        bodies: &'a Bodies,
        find: impl FnOnce() -> Cow<'a, [T]> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let order = || self.order(&bodies.id);
        let values =
            pool::compute(py, threads, self.count, || Ok::<_, String>(order().list(&find(), |x| x)))?;
        Ok(arrays::array(py, values))
    }

    /// The vectors that `find` returns, as rows in the caller's order.
    fn rows<'py, 'a>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        bodies: &'a Bodies,
        find: impl FnOnce() -> Cow<'a, [Vec<f64>; 3]> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        let order = || self.order(&bodies.id);
        let rows = pool::compute(py, threads, self.count, || Ok::<_, String>(order().rows(&find(), |x| x)))?;
        arrays::table(py, rows, 3)
    }
}

/// The place of each id. Files usually have the ids of a range in another order: then a place takes
/// four bytes.
enum Places {
    /// Ids are places.
    Same,
    /// The places of the ids from this one on.
    From(u64, Vec<u32>),
    /// Ids in ascending order, and their places.
    Of(Vec<u64>, Vec<u32>),
}

impl Places {
    fn of(ids: &[u64]) -> PyResult<Places> {
        if ids.iter().zip(0..).all(|(id, place)| *id == place) {
            return Ok(Places::Same);
        }
        let mut order: Vec<u32> = (0..ids.len() as u32).collect();
        order.sort_unstable_by_key(|place| ids[*place as usize]);
        let id = |i: usize| ids[order[i] as usize];
        if let Some(i) = (1..order.len()).find(|&i| id(i) == id(i - 1)) {
            return Err(PyValueError::new_err(format!("id {} occurs twice: ids must be unique", id(i))));
        }
        let first = id(0);
        if id(order.len() - 1) - first == order.len() as u64 - 1 {
            return Ok(Places::From(first, order));
        }
        Ok(Places::Of((0..order.len()).map(id).collect(), order))
    }
}
