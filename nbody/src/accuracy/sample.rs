//! Direct summation on a random sample of bodies. The exact sums are added along the tree, so their
//! bits do not depend on the number of ranks.

use super::{Accuracy, Balance, RelativeError};
use crate::potential::Moment;
use decomposition::{Comm, Evaluation, collective};
use treecode::math::{hash, norm};
use treecode::{Bodies, Gravity};

/// Compares the accelerations of `wanted` random bodies of all ranks with direct sums over all
/// bodies. Collective.
pub fn check(
    comm: &dyn Comm,
    gravity: &Gravity,
    evaluation: &Evaluation,
    balance: &Balance,
    wanted: usize,
) -> Accuracy {
    Sample::draw(comm, gravity, evaluation, 0, wanted).compare(comm, evaluation, balance)
}

/// In open space, the forces on a body cancel if its acceleration is below this fraction of the rms
/// acceleration of the sample. In a periodic box, where all forces may cancel, errors are divided by
/// the median acceleration at least.
const CANCELLED: f64 = 1e-4;

/// Random bodies with their exact accelerations. Every rank stores all of them. They are valid
/// until the bodies move.
///
/// A body is identified by its index in the key order of all ranks. The index does not depend on
/// the number of ranks, and it is the same in every evaluation at the same positions. Ids are not
/// used, because several bodies may share one.
pub struct Sample {
    /// Sorted by hash.
    members: Vec<Member>,
    /// Whether the box is periodic.
    periodic: bool,
    /// Lower limit of the accelerations that divide errors [L/T^2].
    least: f64,
}

struct Member {
    hash: u64,
    /// Position [L].
    position: [f64; 3],
    /// Exact acceleration [L/T^2].
    exact: [f64; 3],
    /// Size of the acceleration that its error is relative to [L/T^2].
    size: f64,
}

impl Sample {
    /// Chooses the `wanted` bodies with the lowest hashes of their indices, of those on rung
    /// `least` and finer rungs. Collective.
    pub fn draw(
        comm: &dyn Comm,
        gravity: &Gravity,
        evaluation: &Evaluation,
        least: u8,
        wanted: usize,
    ) -> Sample {
        let chosen = lowest(comm, &evaluation.bodies, least, wanted);
        let places: Vec<([f64; 3], u8)> =
            chosen.iter().map(|candidate| (candidate.position, candidate.kind as u8)).collect();
        let exact = evaluation.exact_accelerations(comm, gravity, &places);
        let member = |(candidate, exact): (&Candidate, [f64; 3])| {
            let Candidate { hash, position, .. } = *candidate;
            Member { hash, position, exact, size: norm(exact) }
        };
        let members = chosen.iter().zip(exact).map(member).collect();
        Sample { members, periodic: gravity.domain.is_periodic(), least: 0.0 }.with_least()
    }

    /// The same sample with errors relative to the total acceleration, that of the bodies and of
    /// external potentials.
    #[must_use]
    pub fn relative_to_total(mut self, external: &Moment<'_>) -> Sample {
        for member in &mut self.members {
            let field = external.field(member.position).acceleration;
            member.size = norm(std::array::from_fn(|axis| member.exact[axis] + field[axis]));
        }
        self.with_least()
    }

    fn with_least(self) -> Sample {
        let sizes = self.members.iter().map(|member| member.size);
        let least = if self.periodic {
            median(sizes.collect())
        } else {
            let squares: f64 = sizes.map(|size| size.powi(2)).sum();
            CANCELLED * (squares / self.members.len().max(1) as f64).sqrt()
        };
        Sample { least, ..self }
    }

    /// Error statistics of the sample in an evaluation of the same bodies at the same positions.
    /// Collective.
    pub fn compare(&self, comm: &dyn Comm, evaluation: &Evaluation, balance: &Balance) -> Accuracy {
        Accuracy::of(self.errors(comm, evaluation, balance))
    }

    /// The errors of the sample, in the order of the ranks. Collective.
    pub fn errors(&self, comm: &dyn Comm, evaluation: &Evaluation, balance: &Balance) -> Vec<RelativeError> {
        let bodies = &evaluation.bodies;
        let first = collective::first_index(comm, bodies.len());
        let last = self.members.last().map_or(0, |member| member.hash);
        let error = |i: usize| {
            let hash = hash(first + i as u64);
            let known =
                if hash > last { Err(0) } else { self.members.binary_search_by_key(&hash, |m| m.hash) };
            let member = &self.members[known.ok()?];
            let position = bodies.position(i);
            let radius = std::array::from_fn(|axis| position[axis] - balance.centre[axis]);
            Some(RelativeError::new(
                bodies.acceleration(i),
                member.exact,
                member.size.max(self.least),
                radius,
            ))
        };
        let errors: Vec<RelativeError> = (0..bodies.len()).filter_map(error).collect();
        collective::gather(comm, &errors).concat()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// A body that may be in the sample.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Candidate {
    hash: u64,
    position: [f64; 3],
    kind: u64,
}

/// The bodies of all ranks with the lowest hashes, sorted by hash. Collective.
fn lowest(comm: &dyn Comm, bodies: &Bodies, least: u8, wanted: usize) -> Vec<Candidate> {
    let keep = |all: &mut Vec<Candidate>| {
        if (1..all.len()).contains(&wanted) {
            all.select_nth_unstable_by_key(wanted - 1, |candidate| candidate.hash);
        }
        all.truncate(wanted);
    };
    let first = collective::first_index(comm, bodies.len());
    let hash = |i: usize| hash(first + i as u64);
    let candidate = |i: usize| {
        let (position, kind) = (bodies.position(i), u64::from(bodies.kind[i]));
        Candidate { hash: hash(i), position, kind }
    };
    let mut mine = Vec::new();
    // The list is cut to the lowest hashes after each span, which is faster than sorting all
    // bodies.
    for start in (0..bodies.len()).step_by(CANDIDATES) {
        let highest = if mine.len() < wanted { u64::MAX } else { highest(&mine) };
        let end = (start + CANDIDATES).min(bodies.len());
        let may_belong = |&i: &usize| bodies.rung[i] >= least && hash(i) <= highest;
        mine.extend((start..end).filter(may_belong).map(candidate));
        keep(&mut mine);
    }
    let mut all = collective::gather(comm, &mine).concat();
    keep(&mut all);
    all.sort_unstable_by_key(|candidate| candidate.hash);
    all
}

/// Number of bodies per span.
const CANDIDATES: usize = 1 << 14;

fn highest(candidates: &[Candidate]) -> u64 {
    candidates.iter().map(|candidate| candidate.hash).max().unwrap_or(0)
}
