//! Forces of bodies that are very close together. The kernels compute offsets in single precision,
//! relative to a centre of the leaf or group. If a pair is much closer than the leaf is large, the
//! rounding of the offsets is no longer small compared with the distance of the pair.

use decomposition::{Comm, Evaluation, collective};
use treecode::math::norm;
use treecode::{Bodies, Bounds, Domain, Gravity, Neighbours, Walk};

/// Upper limit of the rounding error of an offset, as a fraction of the extent of a leaf. The
/// positions of sink and source are rounded, and the shift between their centres.
const ROUNDING: f64 = 2.0 * f32::EPSILON as f64;
/// Bodies are close if this fraction of their distance is below the rounding error of an offset
/// that is as long as the extent of all bodies.
const CLOSE: f64 = 1.0 / 512.0;
/// Greatest number of candidates, those with the coarsest positions relative to their distance.
const CANDIDATES: usize = 1 << 14;
/// Up to this number of bodies, all pairs are tested first. A tree is built only if a pair may be
/// close.
const FEW: usize = 32;
/// Number of neighbours of a candidate that count for the estimated error.
const NEIGHBOURS: usize = 4;
/// Greatest number of bodies whose errors are measured, those with the greatest estimated error.
const MEASURED: usize = 256;

/// The body that has the greatest force error because another body is too close.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TooClose {
    /// Id of the body, and of its neighbour.
    pub ids: [u64; 2],
    /// Distance between both [L].
    pub distance: f64,
    /// |a - a_exact| / |a_exact| of the body.
    pub error: f64,
    /// Number of bodies with an error above the limit, among those that were measured.
    pub bodies: usize,
}

impl TooClose {
    /// A force error of a single body above this limit is an error; a smaller one is a warning.
    pub const REFUSED: f64 = 0.1;

    /// What is wrong with the pair, in words.
    pub fn words(&self) -> String {
        let TooClose { ids: [id, other], distance, .. } = *self;
        format!(
            "the bodies with ids {id} and {other} are {distance:.1e} apart, too close for the single-precision offsets within a leaf"
        )
    }
}

/// A body with a close neighbour.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Candidate {
    /// Index in the key order of all ranks.
    index: u64,
    id: u64,
    kind: u64,
    mass: f64,
    position: [f64; 3],
    acceleration: [f64; 3],
    /// Rounding error of its position [L].
    rounding: f64,
    /// Rounding error of its position, divided by the distance to the nearest neighbour.
    coarseness: f64,
}

/// A candidate with the estimated error of its force.
struct Estimate {
    candidate: Candidate,
    /// The nearest neighbour apart from it, and its distance [L].
    neighbour: u64,
    distance: f64,
    /// Acceleration by that neighbour [L/T^2].
    pull: f64,
    /// Relative error.
    error: f64,
}

/// Finds bodies with a close neighbour, and compares their accelerations with direct summation. The
/// result is the body with the greatest error, if that exceeds `limit` and is explained by single
/// precision. Few bodies have close neighbours, so that most of the time is that of the search for
/// neighbours. All bodies must be evaluated at their positions. Collective.
pub fn too_close(
    comm: &dyn Comm,
    gravity: &Gravity,
    evaluation: &Evaluation,
    limit: f64,
) -> Option<TooClose> {
    if gravity.walk == Walk::Direct {
        return None; // in double precision
    }
    let candidates = candidates(comm, gravity, evaluation);
    if candidates.is_empty() {
        return None;
    }
    let mut estimates = estimates(gravity, &candidates);
    // The error is at most four times the estimate: three axes, and a force that falls as r^-2. If
    // that is below the limit, a larger error has other causes.
    estimates.retain(|estimate| 4.0 * estimate.error > limit);
    estimates.sort_by(|a, b| b.error.total_cmp(&a.error).then(a.candidate.index.cmp(&b.candidate.index)));
    estimates.truncate(MEASURED);
    let mut wrong = Vec::new();
    let places: Vec<([f64; 3], u8)> = estimates
        .iter()
        .map(|Estimate { candidate, .. }| (candidate.position, candidate.kind as u8))
        .collect();
    let exact = evaluation.exact_accelerations(comm, gravity, &places);
    for (estimate, exact) in estimates.iter().zip(exact) {
        let Estimate { candidate, neighbour, distance, pull, .. } = *estimate;
        let found = candidate.acceleration;
        let difference = norm(std::array::from_fn(|axis| found[axis] - exact[axis]));
        let error = difference / norm(exact).max(pull);
        if error > limit {
            wrong.push(TooClose { ids: [candidate.id, neighbour], distance, error, bodies: 0 });
        }
    }
    let greatest = wrong.iter().copied().max_by(|a, b| a.error.total_cmp(&b.error))?;
    Some(TooClose { bodies: wrong.len(), ..greatest })
}

/// The bodies of all ranks that are close to another one, the same on every rank. Collective.
fn candidates(comm: &dyn Comm, gravity: &Gravity, evaluation: &Evaluation) -> Vec<Candidate> {
    let bodies = &evaluation.bodies;
    let pos = bodies.pos.each_ref().map(Vec::as_slice);
    let mine: Bounds = (0..bodies.len()).map(|i| bodies.position(i)).collect();
    let whole = collective::bounds(comm, mine).extent().max(0.0);
    // Bodies that are farther apart have no large error, even if a leaf is as large as the whole.
    // The others are all kept, because the neighbour of a body may be in a much smaller leaf.
    let reach = ROUNDING * whole / CLOSE;
    if comm.size() == 1 && bodies.len() <= FEW && are_apart(gravity.domain, bodies, reach) {
        return Vec::new();
    }
    let distances = evaluation.nearest_distances(comm, gravity.domain, reach);
    // A leaf or a group is a range of so many bodies at most, or a deepest cell.
    let size = if gravity.walk == Walk::Tree { gravity.group_size } else { gravity.leaf_size };
    let size = size.max(gravity.leaf_size);
    let rounding = |i: usize| {
        let near = i.saturating_sub(size)..(i + size + 1).min(bodies.len());
        let extent = |axis: &[f64]| near.clone().map(|j| (axis[j] - axis[i]).abs()).fold(0.0, f64::max);
        ROUNDING * pos.iter().map(|axis| extent(axis)).fold(0.0, f64::max)
    };
    let close = (0..bodies.len()).filter(|i| ROUNDING * whole > CLOSE * distances[*i]);
    let first = collective::first_index(comm, bodies.len());
    let coarseness = |rounding: f64, i: usize| rounding / distances[i];
    let close = close.map(|i| (i, rounding(i)));
    let mine: Vec<Candidate> = coarsest(close, |&(i, rounding)| (coarseness(rounding, i), i))
        .into_iter()
        .map(|(i, rounding)| Candidate {
            index: first + i as u64,
            id: bodies.id[i],
            kind: bodies.kind[i].into(),
            mass: bodies.mass[i],
            position: bodies.position(i),
            acceleration: bodies.acceleration(i),
            rounding,
            coarseness: coarseness(rounding, i),
        })
        .collect();
    let all = collective::gather(comm, &mine).into_iter().flatten();
    coarsest(all, |candidate| (candidate.coarseness, candidate.index as usize))
}

/// At most [`CANDIDATES`] of some bodies, the coarsest first. `of` is the coarseness and the index of a
/// body. Never many more are in memory.
fn coarsest<T>(all: impl Iterator<Item = T>, of: impl Fn(&T) -> (f64, usize)) -> Vec<T> {
    let order = |a: &T, b: &T| {
        let ((a, i), (b, j)) = (of(a), of(b));
        b.total_cmp(&a).then(i.cmp(&j))
    };
    let mut kept = Vec::new();
    for one in all {
        kept.push(one);
        if kept.len() == 2 * CANDIDATES {
            kept.select_nth_unstable_by(CANDIDATES, order);
            kept.truncate(CANDIDATES);
        }
    }
    kept.sort_by(order);
    kept.truncate(CANDIDATES);
    kept
}

/// Whether all pairs are more than this distance [L] apart.
fn are_apart(domain: Domain, bodies: &Bodies, distance: f64) -> bool {
    let least = distance * distance * (1.0 + 1e-9);
    (0..bodies.len()).all(|i| {
        let place = bodies.position(i);
        let square = |j| domain.displacement(place, bodies.position(j)).map(|d| d * d).iter().sum::<f64>();
        (0..i).all(|j| square(j) > least)
    })
}

/// The relative errors of the candidates that follow from the rounding of their positions.
fn estimates(gravity: &Gravity, candidates: &[Candidate]) -> Vec<Estimate> {
    let pos: [Vec<f64>; 3] =
        std::array::from_fn(|axis| candidates.iter().map(|candidate| candidate.position[axis]).collect());
    let tree = Neighbours::new(gravity.domain, pos.each_ref().map(Vec::as_slice));
    let (squares, indices) = tree.nearest(NEIGHBOURS);
    let each = NEIGHBOURS.min(candidates.len().saturating_sub(1)).max(1);
    let rows = candidates.iter().zip(squares.chunks(each).zip(indices.chunks(each)));
    let estimate = |(candidate, (squares, indices)): (&Candidate, (&[f64], &[u32]))| {
        // A body at the same place has no force.
        let apart = || {
            let near = squares.iter().zip(indices).filter(|(square, _)| **square > 0.0);
            near.map(|(square, index)| (square.sqrt(), &candidates[*index as usize]))
        };
        let (distance, nearest) = apart().next()?;
        let softening = gravity.softening.shortest(candidate.kind as u8);
        // Acceleration by a neighbour, divided by its distance.
        let gradient = |distance: f64, other: &Candidate| {
            gravity.constant * other.mass / distance.max(softening).powi(3)
        };
        let pull = apart().map(|(distance, other)| gradient(distance, other) * distance).fold(0.0, f64::max);
        let rounded: f64 =
            apart().map(|(distance, other)| gradient(distance, other) * candidate.rounding).sum();
        let error = rounded / norm(candidate.acceleration).max(pull);
        Some(Estimate { candidate: *candidate, neighbour: nearest.id, distance, pull, error })
    };
    rows.filter_map(estimate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coarsest_of_many_are_kept_in_order() {
        let n = 5 * CANDIDATES;
        // Each coarseness occurs a few times.
        let all: Vec<(f64, usize)> = (0..n).map(|i| (((i * 7919) % (n / 3)) as f64, i)).collect();
        let mut expected = all.clone();
        expected.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        expected.truncate(CANDIDATES);
        assert_eq!(coarsest(all.into_iter(), |one| *one), expected);
        assert_eq!(
            coarsest([(1.0, 5), (2.0, 7), (1.0, 3)].into_iter(), |one| *one),
            [(2.0, 7), (1.0, 3), (1.0, 5)]
        );
    }
}
