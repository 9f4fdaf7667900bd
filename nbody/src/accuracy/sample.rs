//! A random sample of bodies against direct summation, the same bits on any number of ranks: the exact sums go up the tree.

use super::{Accuracy, Balance, RelativeError};
use decomposition::{Comm, Evaluation, collective};
use treecode::direct::{self, SINKS, Sinks};
use treecode::math::{hash, norm};
use treecode::{Bodies, Gravity};

/// Compares `acc` of `wanted` random bodies of all ranks with direct summation over all bodies. Collective.
pub fn check(
    comm: &dyn Comm,
    gravity: &Gravity,
    evaluation: &Evaluation,
    balance: &Balance,
    wanted: usize,
) -> Accuracy {
    Sample::draw(comm, gravity, evaluation, 0, wanted).compare(comm, evaluation, balance)
}

/// Pulls on a body have cancelled if less of them is left than this fraction of the root mean square acceleration of the sample.
const CANCELLED: f64 = 1e-4;

/// Random bodies with their exact accelerations, known to every rank; they hold as long as the bodies do not move.
///
/// A body is known by its index among the bodies of all ranks in key order. That is the same on any number of ranks and in every evaluation of bodies
/// at the same places; an id might be shared by several.
pub struct Sample {
    /// In the order of the hashes of their indices.
    members: Vec<Member>,
    /// The least acceleration that errors are relative to [L/T^2].
    least: f64,
}

struct Member {
    hash: u64,
    /// [L/T^2].
    exact: [f64; 3],
}

impl Sample {
    /// Of the bodies of rung `least` and finer ones, the `wanted` whose hashed indices are the lowest. Collective.
    pub fn draw(
        comm: &dyn Comm,
        gravity: &Gravity,
        evaluation: &Evaluation,
        least: u8,
        wanted: usize,
    ) -> Sample {
        let chosen = lowest(comm, &evaluation.bodies, least, wanted);
        let mut members = Vec::with_capacity(chosen.len());
        for some in chosen.chunks(SINKS) {
            let places: Vec<([f64; 3], u8)> =
                some.iter().map(|candidate| (candidate.position, candidate.kind as u8)).collect();
            let sinks = Sinks::new(&gravity.softening, &places);
            let sum = evaluation
                .sum_of_leaves(comm, |bodies, leaf| direct::accelerations(bodies, leaf, gravity, &sinks));
            members.extend(some.iter().enumerate().map(|(s, candidate)| Member {
                hash: candidate.hash,
                exact: std::array::from_fn(|axis| sum[axis * SINKS + s]),
            }));
        }
        let squares: f64 = members.iter().map(|member| norm(member.exact).powi(2)).sum();
        let least = CANCELLED * (squares / members.len().max(1) as f64).sqrt();
        Sample { members, least }
    }

    /// Errors of the sample in an evaluation of the same bodies at the same places. Collective.
    pub fn compare(&self, comm: &dyn Comm, evaluation: &Evaluation, balance: &Balance) -> Accuracy {
        Accuracy::of(self.errors(comm, evaluation, balance))
    }

    /// The same, body by body, the bodies of each rank together. Collective.
    pub fn errors(&self, comm: &dyn Comm, evaluation: &Evaluation, balance: &Balance) -> Vec<RelativeError> {
        let bodies = &evaluation.bodies;
        let first = first_index(comm, bodies);
        let last = self.members.last().map_or(0, |member| member.hash);
        let error = |i: usize| {
            let hash = hash(first + i as u64);
            let known =
                if hash > last { Err(0) } else { self.members.binary_search_by_key(&hash, |m| m.hash) };
            let member = &self.members[known.ok()?];
            let position = bodies.position(i);
            let radius = std::array::from_fn(|axis| position[axis] - balance.centre[axis]);
            Some(RelativeError::new(bodies.acceleration(i), member.exact, self.least, radius))
        };
        let errors: Vec<RelativeError> = (0..bodies.len()).filter_map(error).collect();
        collective::gather(comm, &errors).concat()
    }
}

/// A body that may belong to the sample.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Candidate {
    hash: u64,
    position: [f64; 3],
    kind: u64,
}

/// The bodies of all ranks with the lowest hashes, in their order.
fn lowest(comm: &dyn Comm, bodies: &Bodies, least: u8, wanted: usize) -> Vec<Candidate> {
    let keep = |all: &mut Vec<Candidate>| {
        if (1..all.len()).contains(&wanted) {
            all.select_nth_unstable_by_key(wanted - 1, |candidate| candidate.hash);
        }
        all.truncate(wanted);
    };
    let first = first_index(comm, bodies);
    let hash = |i: usize| hash(first + i as u64);
    let candidate = |i: usize| {
        let (position, kind) = (bodies.position(i), u64::from(bodies.kind[i]));
        Candidate { hash: hash(i), position, kind }
    };
    let mut mine = Vec::new();
    // Now and then only the lowest so far are kept, which is quicker than to keep all.
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

/// Index of this rank's first body among those of all ranks. Collective.
fn first_index(comm: &dyn Comm, bodies: &Bodies) -> u64 {
    collective::gather(comm, &[bodies.len() as u64])[..comm.rank()].iter().flatten().sum()
}

/// Bodies looked at between two choices.
const CANDIDATES: usize = 1 << 14;

fn highest(candidates: &[Candidate]) -> u64 {
    candidates.iter().map(|candidate| candidate.hash).max().unwrap_or(0)
}
