//! The way of the data over all ranks: from bodies anywhere to bodies in key order with their field.

use crate::{Comm, Error, collective, migrate::migrate, splitters::splitters};
use std::ops::Range;
use std::time::Instant;
use treecode::structure::{self, Structure, fold_above};
use treecode::{Bodies, Census, Criterion, Cube, Frame, Gravity, Key, Part, Phase, Survey, Walk};

/// Sink groups computed at a stretch while an exchange is under way.
const GROUPS_AT_A_TIME: usize = 256;

/// The highest order with which the accelerations that the relative criterion needs at first are found: their errors hardly matter.
const ESTIMATE_ORDER: usize = 3;

/// What a force evaluation leaves on one rank.
pub struct Evaluation {
    /// This rank's bodies, in key order, with `acc`, `pot` and `work` of this evaluation.
    pub bodies: Bodies,
    /// What this rank did.
    pub census: Census,
    structure: Structure,
}

/// Computes the field of all bodies on all ranks. Bodies may lie on any rank in any order; they end on the rank whose part of the curve
/// they lie in. If the criterion is relative and no body has an acceleration yet, an evaluation with the angle comes first.
///
/// # Errors
/// The same error on every rank if a parameter or a body is bad, or if there are no bodies at all.
pub fn evaluate(comm: &dyn Comm, gravity: &Gravity, bodies: Bodies) -> Result<Evaluation, Error> {
    gravity.check()?;
    let start = Instant::now();
    let survey = bodies.survey().map_err(|error| error.to_string());
    let survey = collective::agree(comm, survey).map_err(Error::Body)?;
    let count = collective::sum(comm, bodies.len() as u64);
    if count == 0 {
        return Err(treecode::Error::NoBodies.into());
    }
    let (frame, accelerated) = frame(comm, &survey, count);
    let surveying = start.elapsed();
    let mut evaluation = if gravity.criterion == Criterion::Relative && !accelerated {
        let order = gravity.order.min(ESTIMATE_ORDER);
        let angle = Gravity { criterion: Criterion::Angle, order, ..gravity.clone() };
        let estimate = step(comm, &angle, bodies, frame);
        let mut evaluation = step(comm, gravity, estimate.bodies, frame);
        evaluation.census.add(&estimate.census);
        evaluation
    } else {
        step(comm, gravity, bodies, frame)
    };
    evaluation.census.spend(Phase::Sort, surveying);
    Ok(evaluation)
}

/// The chain of the data, by name.
fn step(comm: &dyn Comm, gravity: &Gravity, mut bodies: Bodies, frame: Frame) -> Evaluation {
    let (mut census, mut clock, traffic) = (Census::default(), Clock(Instant::now()), comm.traffic());
    let keys = treecode::sort(&mut bodies, &frame.cube);
    clock.charge(&mut census, Phase::Sort);

    let splits = splitters(comm, &keys, &bodies.work, gravity.group_size);
    let (mut bodies, keys) = migrate(comm, &frame.cube, bodies, keys, &splits);
    clock.charge(&mut census, Phase::Migrate);

    let structure = structure::grow(&keys, &splits.interval(comm.rank()), gravity.leaf_size);
    drop(keys);
    clock.charge(&mut census, Phase::Build);

    let part = Part::new(frame, gravity, &bodies, &structure);
    clock.charge(&mut census, Phase::Moments);

    let parts = comm.all_gather(&part.message());
    let mut tree = part.join(&parts);
    let out =
        (0..comm.size()).map(|rank| if rank == comm.rank() { Vec::new() } else { tree.essential(rank) });
    let mut pending = comm.start_exchange(out.collect());
    clock.charge(&mut census, Phase::Exchange);

    // Sink groups that need nothing remote are computed while the essential trees travel. (The fmm walk has none: its first sinks are the
    // cells above all ranks' branches.)
    let groups = tree.sink_groups();
    let mut batches = groups.chunks(GROUPS_AT_A_TIME);
    let mut waiting = Vec::new();
    while !pending.test()
        && let Some(batch) = batches.next()
    {
        waiting.extend(tree.gravity(batch, false, gravity.constant, &mut bodies, &mut census));
    }
    clock.restart();
    for message in pending.wait() {
        tree.graft(&message);
    }
    clock.charge(&mut census, Phase::Exchange);
    waiting.extend(batches.flatten());
    match gravity.walk {
        Walk::Tree => {
            tree.gravity(&waiting, true, gravity.constant, &mut bodies, &mut census);
        }
        Walk::Fmm => tree.fmm(gravity.constant, &mut bodies, &mut census),
    }

    let sent = comm.traffic();
    (census.bytes_sent, census.messages_sent) =
        (sent.bytes - traffic.bytes, sent.messages - traffic.messages);
    census.imported = tree.imported();
    Evaluation { bodies, census, structure }
}

/// The units of the tree, the cube around all bodies of all ranks and a bound of their mass; and whether any of them has an acceleration.
fn frame(comm: &dyn Comm, survey: &Survey, count: u64) -> (Frame, bool) {
    let ([x, y, z], [u, v, w]) = (survey.lo, survey.hi);
    let mine = [-x, -y, -z, u, v, w, survey.mass, f64::from(u8::from(survey.accelerated))];
    let [x, y, z, u, v, w, mass, accelerated] = collective::max(comm, mine);
    (Frame::new(Cube::around([-x, -y, -z], [u, v, w]), mass * count as f64), accelerated > 0.0)
}

fn add<const K: usize>(mut sum: [f64; K], term: [f64; K]) -> [f64; K] {
    sum.iter_mut().zip(term).for_each(|(sum, term)| *sum += term);
    sum
}

/// Charges the time since it was last asked to a phase.
struct Clock(Instant);

impl Clock {
    fn charge(&mut self, census: &mut Census, phase: Phase) {
        census.spend(phase, self.0.elapsed());
        self.restart();
    }

    fn restart(&mut self) {
        self.0 = Instant::now();
    }
}

impl Evaluation {
    /// Sum of `term(bodies, i)` over all bodies of all ranks, the same bits on any number of ranks: it goes up the tree as the
    /// moments do.
    pub fn sum<const K: usize>(
        &self,
        comm: &dyn Comm,
        term: impl Fn(&Bodies, usize) -> [f64; K] + Sync,
    ) -> [f64; K] {
        self.sum_of_leaves(comm, |bodies, leaf| leaf.map(|i| term(bodies, i)).fold([0.0; K], add))
    }

    /// The same, where `sum_of` gives the sum over the bodies of a leaf, in their order.
    pub fn sum_of_leaves<const K: usize>(
        &self,
        comm: &dyn Comm,
        sum_of: impl Fn(&Bodies, Range<usize>) -> [f64; K] + Sync,
    ) -> [f64; K] {
        let indices = |range: &Range<u32>| range.start as usize..range.end as usize;
        let mut nothing = vec![(); self.structure.tiles.len()];
        let branches = self.structure.fold(
            &mut nothing,
            |leaf| sum_of(&self.bodies, indices(&leaf.bodies)),
            |_, children, ()| children.iter().map(|(_, sum)| **sum).fold([0.0; K], add),
        );
        let mut message = Vec::new();
        for (branch, sum) in self.structure.branches.iter().zip(branches) {
            message.push(branch.key.bits());
            message.extend(sum.map(f64::to_bits));
        }
        let all: Vec<(Key, [f64; K])> = collective::gather(comm, &message)
            .iter()
            .flat_map(|message| message.chunks_exact(K + 1))
            .map(|entry| {
                let key = Key::from_bits(entry[0]).expect("branches have keys");
                (key, std::array::from_fn(|k| f64::from_bits(entry[k + 1])))
            })
            .collect();
        fold_above(&all, &mut |_, children| children.iter().map(|(_, sum)| *sum).fold([0.0; K], add))
            .unwrap_or([0.0; K])
    }
}
