//! Direct summation in double precision: the reference of every force test, and the walk for few
//! bodies.

pub use super::sinks::{SINKS, Sinks, accelerations};
pub use super::waves::Waves;
use crate::kernel::{ewald, softening::SPLINE_SUPPORT};
use crate::tree::summary::square;
use crate::{
    Active, Bodies, Census, Domain, Gravity, Interactions, Phase, Selection, Softening, SofteningKernel,
    TYPES,
};
use rayon::prelude::*;
use std::borrow::Cow;
use std::time::Instant;

/// Acceleration [L/T^2] and specific potential [L^2/T^2] of a body.
pub type Field = ([f64; 3], f64);

/// The exact field of all other bodies at the bodies `targets` (indices into `bodies`). Ids do not
/// matter. Bodies at the same place do not attract each other; with softening, they contribute to
/// each other's potential.
///
/// # Panics
/// If an entry of `targets` is not the index of a body.
pub fn field(bodies: &Bodies, gravity: &Gravity, targets: &[usize]) -> Vec<Field> {
    let constant = gravity.constant;
    let sources = Sources::of(bodies);
    let field = |&i: &usize| {
        let (acc, pot) =
            pull(&sources.bodies, gravity, &(bodies.position(i), bodies.kind[i], sources.place(i)));
        (acc.map(|a| constant * a), -constant * pot)
    };
    targets.par_iter().map(field).collect()
}

/// Computes acceleration [L/T^2], potential [L^2/T^2] and work of the selected bodies from all
/// `sources`, in parallel.
///
/// The sources are the bodies of all ranks, in key order; each sum runs in their order. `bodies`
/// begin at index `first` of the sources. A body excludes itself by this index and not by its id,
/// because ids need not be unique here.
///
/// # Panics
/// If `first` and the number of bodies reach beyond the sources.
pub fn walk(
    sources: &Bodies,
    first: usize,
    gravity: &Gravity,
    selection: Selection,
    bodies: &mut Bodies,
    census: &mut Census,
) {
    let started = Instant::now();
    let targets: Vec<usize> = match Active::new(bodies, selection) {
        Active::All => (0..bodies.len()).collect(),
        Active::Some(some) => some.into_iter().map(|i| i as usize).collect(),
    };
    assert!(first + bodies.len() <= sources.len(), "the bodies are not among the sources");
    let constant = gravity.constant;
    let with_mass = Sources::of(sources);
    let count = with_mass.bodies.len();
    let pull = |&i: &usize| {
        let sink = (bodies.position(i), bodies.kind[i], with_mass.place(first + i));
        pull(&with_mass.bodies, gravity, &sink)
    };
    let fields: Vec<Field> =
        targets.par_iter().with_min_len(1 + TASK_PAIRS / count.max(1)).map(pull).collect();
    for (&i, (acc, pot)) in targets.iter().zip(&fields) {
        let change = std::array::from_fn(|axis| constant * acc[axis] - bodies.acc[axis][i]);
        if selection.changes {
            bodies.change[i] = square(change).sqrt() as f32;
        }
        (0..3).for_each(|axis| bodies.acc[axis][i] = constant * acc[axis]);
        bodies.pot[i] = -constant * pot;
        bodies.work[i] = count as f32;
    }
    let body_body = (targets.len() * count) as u64;
    census.interactions.add(&Interactions { body_body, ..Interactions::default() });
    census.operations += body_body * OPERATIONS;
    census.spend(Phase::Kernels, started.elapsed());
}

/// The bodies with mass, in their order. Massless ones add zeros to a sum, so it has the same bits
/// without them.
struct Sources<'a> {
    bodies: Cow<'a, Bodies>,
    /// Index of each body among those with mass, if they are not all of them.
    places: Option<Vec<usize>>,
}

impl Sources<'_> {
    fn of(all: &Bodies) -> Sources<'_> {
        if all.massive() == all.len() {
            return Sources { bodies: Cow::Borrowed(all), places: None };
        }
        let mut bodies = Bodies::default();
        let mut places = vec![usize::MAX; all.len()];
        for i in (0..all.len()).filter(|&i| all.mass[i] > 0.0) {
            places[i] = bodies.len();
            bodies.id.push(all.id[i]);
            bodies.kind.push(all.kind[i]);
            bodies.mass.push(all.mass[i]);
            (0..3).for_each(|axis| bodies.pos[axis].push(all.pos[axis][i]));
        }
        bodies.fill_up();
        Sources { bodies: Cow::Owned(bodies), places: Some(places) }
    }

    /// Index among the sources; none has that of a massless body.
    fn place(&self, i: usize) -> usize {
        self.places.as_ref().map_or(i, |places| places[i])
    }
}

/// The least number of pairs for a task.
const TASK_PAIRS: usize = 1 << 12;
/// Operations of a pair without softening: offset 3, squared distance 5, root and inverse 2, factor
/// 2, mass 2, sums 7.
const OPERATIONS: u64 = 21;

/// A sink: position [L], particle type, and index among the sources, or another number if it is none.
type Sink = ([f64; 3], u8, usize);

fn pull(sources: &Bodies, gravity: &Gravity, (x, kind, itself): &Sink) -> Field {
    let Gravity { softening, domain, .. } = gravity;
    if softening.is_none() {
        return sum_pairs(sources, *domain, *itself, *x, |r2, _| {
            let u = if r2 > 0.0 { 1.0 / r2.sqrt() } else { 0.0 };
            (u, u * u * u)
        });
    }
    let terms = terms(softening, *kind);
    let term = |kind: u8| terms[usize::from(kind)];
    match softening.kernel {
        SofteningKernel::Plummer => {
            sum_pairs(sources, *domain, *itself, *x, |r2, kind| plummer(r2, term(kind)))
        }
        SofteningKernel::Spline => {
            sum_pairs(sources, *domain, *itself, *x, |r2, kind| spline(r2, term(kind)))
        }
    }
}

#[inline(always)]
fn sum_pairs(
    sources: &Bodies,
    domain: Domain,
    itself: usize,
    x: [f64; 3],
    law: impl Fn(f64, u8) -> (f64, f64),
) -> Field {
    let (mut acc, mut pot) = ([0.0; 3], 0.0);
    for j in 0..sources.len() {
        let d = domain.displacement(x, sources.position(j));
        let (potential, factor) = law(d[0] * d[0] + d[1] * d[1] + d[2] * d[2], sources.kind[j]);
        let mass = if j == itself { 0.0 } else { sources.mass[j] };
        pot += mass * potential;
        (0..3).for_each(|axis| acc[axis] += mass * factor * d[axis]);
        // The images of a body pull, also those of the sink itself.
        if let Domain::Periodic { side } = domain {
            let [potential, x, y, z] = ewald::beyond_nearest(d.map(|d| d / side));
            pot += sources.mass[j] * potential / side;
            acc.iter_mut().zip([x, y, z]).for_each(|(acc, a)| *acc -= sources.mass[j] * a / (side * side));
        }
    }
    (acc, pot)
}

/// What softens the pairs of a body of this type with those of each type. Spline: the support.
/// Plummer: the square of the length.
pub(super) fn terms(softening: &Softening, kind: u8) -> [f64; TYPES] {
    let length = |kind: u8| softening.length[usize::from(kind)];
    std::array::from_fn(|other| match softening.kernel {
        SofteningKernel::Plummer => 0.5 * (length(kind).powi(2) + length(other as u8).powi(2)),
        SofteningKernel::Spline => SPLINE_SUPPORT * softening.of_pair(kind, other as u8),
    })
}

/// Potential 1 / sqrt(r^2 + e^2), and its force divided by the offset (Plummer 1911).
fn plummer(r2: f64, length2: f64) -> (f64, f64) {
    let rho2 = r2 + length2;
    let u = if rho2 > 0.0 { 1.0 / rho2.sqrt() } else { 0.0 };
    (u, u * u * u)
}

/// Potential, and force divided by the offset, of the spline with support h (Springel, Yoshida &
/// White 2001, eq. 71).
pub(super) fn spline(r2: f64, h: f64) -> (f64, f64) {
    let r = r2.sqrt();
    if r >= h {
        let u = if r2 > 0.0 { 1.0 / r } else { 0.0 };
        return (u, u * u * u);
    }
    let q = r / h;
    let (potential, force) = if q < 0.5 {
        (-2.8 + q * q * (16.0 / 3.0 + q * q * (6.4 * q - 9.6)), 32.0 / 3.0 + q * q * (32.0 * q - 38.4))
    } else {
        (
            -3.2 + 1.0 / (15.0 * q) + q * q * (32.0 / 3.0 + q * (-16.0 + q * (9.6 - 32.0 / 15.0 * q))),
            64.0 / 3.0 - 48.0 * q + 38.4 * q * q - 32.0 / 3.0 * q * q * q - 1.0 / (15.0 * q * q * q),
        )
    };
    (-potential / h, force / (h * h * h))
}
