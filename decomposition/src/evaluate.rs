//! Parallel force evaluation, from bodies on any ranks to bodies in key order with accelerations
//! and potentials.

use crate::speeds::{Speeds, busy};
use crate::splitters::{self, Splitters};
use crate::{Comm, Error, Pending, Solo, Traffic, collective, essential, groups, migrate::migrate};
use std::borrow::Cow;
use std::ops::Range;
use std::time::{Duration, Instant};
use treecode::structure::{self, Structure};
use treecode::{
    Bodies, Bounds, Census, Criterion, Cube, Frame, Gravity, Part, Phase, Selection, Survey, Tree, Walk,
    direct, lattice,
};

/// Number of sink groups that are computed between two tests of a pending exchange.
const GROUPS_AT_A_TIME: usize = 256;

/// Cost of each body in an evaluation, even if it is inactive, in interactions.
const CARRIED: f64 = 8.0;

/// Result of a force evaluation on one rank.
pub struct Evaluation {
    /// Bodies of this rank, in the key order of the last sort. In a periodic box, they are inside
    /// the cube of that sort until they drift; [`Bodies::wrap`] moves them into the box. `acc`,
    /// `pot` and `work` are those of the last evaluation in which the body was active.
    pub bodies: Bodies,
    /// Cost of the evaluation on this rank.
    pub census: Census,
    /// Time in which this rank computed without waiting for others.
    computing: Duration,
    pub(crate) structure: Structure,
    /// Keys of each rank.
    splits: Splitters,
    frame: Frame,
    /// Number of bodies of all ranks.
    count: u64,
    /// Whether bodies have drifted since the last sort.
    drifted: bool,
    /// The tree, if the plan expects more evaluations on it.
    tree: Option<Tree>,
}

/// The active bodies of an evaluation, and the evaluations that are expected after it. It must be
/// the same on all ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Plan {
    /// The active bodies.
    pub selection: Selection,
    /// Expected number of evaluations on the same tree after this one.
    pub ahead: f64,
    /// The finest rung of all bodies. Its bodies are active in every later evaluation, those of the
    /// next coarser rung in half of them, and so on.
    pub finest_rung: u8,
    /// Number of the sort, if the evaluation sorts the bodies. In a periodic box, the places of all
    /// cells depend on it, see [`Cube::of`].
    pub sort: u64,
}

impl Plan {
    /// Work per body, summed over this evaluation and the expected later ones. The load balance is
    /// that of the sum, not that of each evaluation.
    fn work<'a>(&self, bodies: &'a Bodies) -> Cow<'a, [f32]> {
        if self.ahead == 0.0 && self.selection.least_rung == 0 {
            return Cow::Borrowed(&bodies.work);
        }
        let shares: Vec<f64> = (0..=u8::MAX)
            .map(|rung| {
                let now = f64::from(u8::from(rung >= self.selection.least_rung));
                now + self.ahead * 0.5f64.powi(i32::from(self.finest_rung.saturating_sub(rung)))
            })
            .collect();
        let carried = CARRIED * (1.0 + self.ahead);
        let work =
            |(work, rung): (&f32, &u8)| (f64::from(*work) * shares[usize::from(*rung)] + carried) as f32;
        Cow::Owned(bodies.work.iter().zip(&bodies.rung).map(work).collect())
    }
}

/// Moments in an evaluation on an existing tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moments {
    /// Computed from the bodies.
    Fresh,
    /// Those of an earlier evaluation, moved with their cells.
    Drifted,
}

/// Computes the forces on all bodies of all ranks. The bodies may be on any rank in any order. They
/// move to the rank that owns their interval of the curve. If the criterion is relative and no body
/// has an acceleration, an evaluation with the opening angle comes first. Collective.
///
/// # Errors
/// A parameter or a body is invalid, or there are no bodies. Every rank returns the same error.
pub fn evaluate(comm: &dyn Comm, gravity: &Gravity, bodies: Bodies) -> Result<Evaluation, Error> {
    evaluate_selected(comm, gravity, bodies, &Plan::default())
}

/// Computes the forces on the bodies that `plan` selects, like [`evaluate`]. The other bodies
/// migrate as well and keep their accelerations and potentials. Collective.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_selected(
    comm: &dyn Comm,
    gravity: &Gravity,
    bodies: Bodies,
    plan: &Plan,
) -> Result<Evaluation, Error> {
    evaluate_shared(comm, gravity, bodies, plan, &mut Speeds::default())
}

/// As [`evaluate_selected`], with bodies shared between the ranks by their speeds and limits.
/// Results have the same bits with any shares. Collective.
///
/// # Errors
/// As [`evaluate`], and [`Error::Room`] or [`Error::Crowded`].
pub fn evaluate_shared(
    comm: &dyn Comm,
    gravity: &Gravity,
    bodies: Bodies,
    plan: &Plan,
    speeds: &mut Speeds,
) -> Result<Evaluation, Error> {
    let start = Instant::now();
    let survey = survey(comm, gravity, &bodies)?;
    let surveying = start.elapsed();
    let relative = gravity.criterion == Criterion::Relative && gravity.walk != Walk::Direct;
    let mut evaluation = if relative && !survey.accelerated {
        let estimate = step(comm, &gravity.estimate(), bodies, &survey, &Plan::default(), speeds)?;
        let mut evaluation = step(comm, gravity, estimate.bodies, &survey, plan, speeds)?;
        evaluation.census.add(&estimate.census);
        evaluation.computing += estimate.computing;
        evaluation
    } else {
        step(comm, gravity, bodies, &survey, plan, speeds)?
    };
    evaluation.census.spend(Phase::Sort, surveying);
    Ok(evaluation)
}

/// Does everything that [`evaluate`] does except the forces, with the same messages, for studies of
/// the communication. `sort` is the number of the sort, see [`Plan::sort`]. Bodies keep their
/// accelerations, which the relative criterion uses. Essential trees are dropped on arrival.
/// Collective.
///
/// # Errors
/// As [`evaluate`].
///
/// # Panics
/// The walk is direct, which has no essential trees.
pub fn rehearse(comm: &dyn Comm, gravity: &Gravity, bodies: Bodies, sort: u64) -> Result<Evaluation, Error> {
    assert!(gravity.walk != Walk::Direct, "direct summation has no essential trees");
    let survey = survey(comm, gravity, &bodies)?;
    let (plan, traffic) = (Plan { sort, ..Plan::default() }, comm.traffic());
    let mut evaluation = grow(comm, gravity, bodies, &survey, &plan, &mut Speeds::default())?;
    let mut clock = Clock(Instant::now());
    let (tree, trees) = evaluation.exchange(comm, gravity, &plan, Moments::Fresh, &mut clock);
    drop(tree);
    drop(trees.wait());
    count_traffic(comm, traffic, &mut evaluation.census);
    Ok(evaluation)
}

/// A complete force evaluation.
fn step(
    comm: &dyn Comm,
    gravity: &Gravity,
    bodies: Bodies,
    survey: &Survey,
    plan: &Plan,
    speeds: &mut Speeds,
) -> Result<Evaluation, Error> {
    let traffic = comm.traffic();
    let mut evaluation = grow(comm, gravity, bodies, survey, plan, speeds)?;
    evaluation.field(comm, gravity, plan, Moments::Fresh);
    count_traffic(comm, traffic, &mut evaluation.census);
    Ok(evaluation)
}

/// Sorts and migrates the bodies and builds the structure of the tree.
fn grow(
    comm: &dyn Comm,
    gravity: &Gravity,
    mut bodies: Bodies,
    survey: &Survey,
    plan: &Plan,
    speeds: &mut Speeds,
) -> Result<Evaluation, Error> {
    let (mut census, mut clock) = (Census::default(), Clock(Instant::now()));
    let cube = Cube::of(gravity.domain, &survey.bounds, plan.sort);
    bodies.wrap_into(gravity.domain, &cube);
    let keys = treecode::sort(&mut bodies, &cube);
    clock.charge(&mut census, Phase::Sort);

    comm.stage("split");
    let work = plan.work(&bodies);
    let (splits, count) = splitters::by_speed(comm, &keys, &work, gravity.group_size, speeds)?;
    drop(work);
    comm.stage("migrate");
    let (bodies, keys) = migrate(comm, &cube, bodies, keys, &splits);
    clock.charge(&mut census, Phase::Migrate);

    let structure = structure::grow(&keys, &splits.interval(comm.rank()), gravity.leaf_size);
    drop(keys);
    let typical = if gravity.domain.is_periodic() { bodies.sum_for_typical() } else { 0 };
    // Massless bodies do not count for the unit of mass, on which the floor of the relative
    // criterion depends.
    let massive = if survey.tracers { bodies.massive() as u64 } else { 0 };
    clock.charge(&mut census, Phase::Build);
    // Ranks wait for each other in these sums. `Build` counts as computing, `Migrate` does not.
    let typical = if gravity.domain.is_periodic() { collective::sum(comm, typical) } else { 0 };
    let massive = if survey.tracers { collective::sum(comm, massive) } else { count };
    let frame = Frame::new(cube, survey.mass * massive as f64).for_bodies(gravity, typical, count);
    clock.charge(&mut census, Phase::Migrate);
    let computing = Duration::ZERO;
    Ok(Evaluation { bodies, census, computing, structure, splits, frame, count, drifted: false, tree: None })
}

fn count_traffic(comm: &dyn Comm, before: Traffic, census: &mut Census) {
    let sent = comm.traffic();
    (census.bytes_sent, census.messages_sent) = (sent.bytes - before.bytes, sent.messages - before.messages);
}

impl Evaluation {
    /// Computes the forces on the bodies that `plan` selects, on the existing tree, after a drift
    /// of all bodies. Bodies keep their order and their rank, and cells move with them. `gravity`
    /// must be that of the last evaluation. The census is that of this evaluation only. Collective.
    #[must_use]
    pub fn again(mut self, comm: &dyn Comm, gravity: &Gravity, plan: &Plan, moments: Moments) -> Evaluation {
        let traffic = comm.traffic();
        (self.census, self.computing, self.drifted) = (Census::default(), Duration::ZERO, true);
        self.field(comm, gravity, plan, moments);
        count_traffic(comm, traffic, &mut self.census);
        self
    }

    /// Ranges of the bodies of each of `ranks` ranks, divided by work. All bodies must be on this
    /// rank.
    pub fn shares(&self, ranks: usize, group_size: usize) -> Vec<Range<usize>> {
        let keys = treecode::keys(&self.bodies, &self.frame.cube);
        let (splits, _) = splitters::splitters(&Solo, &keys, &self.bodies.work, group_size, ranks);
        (0..ranks).map(|rank| splits.share(rank, &keys)).collect()
    }

    /// Adds the work and the computing time of this evaluation to the measured speed of this rank.
    pub fn record(&self, speeds: &mut Speeds) {
        speeds.record_census(&self.census, self.bodies.len(), self.computing);
    }

    /// The bodies of this rank. The memory of the tree is freed.
    pub fn into_bodies(self) -> Bodies {
        self.bodies
    }

    /// Computes the moments of this rank's cells, joins the branches of all ranks to a tree, and
    /// starts the exchange of essential trees. Collective.
    fn exchange<'a>(
        &mut self,
        comm: &'a dyn Comm,
        gravity: &Gravity,
        plan: &Plan,
        moments: Moments,
        clock: &mut Clock,
    ) -> (Tree, Box<dyn Pending + 'a>) {
        let mut far_images = gravity
            .domain
            .is_periodic()
            .then(|| lattice::moments(&self.frame, &self.bodies, &self.structure, gravity.group_size));
        let Evaluation { bodies, census, computing, structure, splits, frame, count, drifted, tree } = self;
        let part = match (tree.take(), moments) {
            (Some(tree), Moments::Drifted) => tree.drifted(gravity, bodies, structure, plan.selection),
            (tree, _) => {
                drop(tree);
                let part = Part::new(*frame, gravity, bodies, structure, plan.selection);
                if *drifted { part.after_drift() } else { part }
            }
        };
        clock.charge(census, Phase::Moments);

        comm.stage("branches");
        let join = |part: Part, group, theirs: &[u8]| part.join(&splits.span(&group), theirs);
        let mut joined = groups::climb(comm, part, |part| part.message(), join).complete(*count);
        if let Some(moments) = &mut far_images {
            comm.stage("far images");
            collective::exact_sum(comm, moments);
            joined.set_far_images(moments);
        }
        let trees = essential::trees(comm, &joined, splits, computing);
        let pending = comm.start_exchange(trees);
        clock.charge(census, Phase::Exchange);
        (joined, pending)
    }

    /// Computes the forces on the sorted bodies: moments, exchange of essential trees, and walk, or
    /// direct summation. Collective.
    fn field(&mut self, comm: &dyn Comm, gravity: &Gravity, plan: &Plan, moments: Moments) {
        let mut clock = Clock(Instant::now());
        let selection = plan.selection;
        if gravity.walk == Walk::Direct {
            let Evaluation { bodies, census, count, .. } = self;
            let (sources, first) = all_sources(comm, bodies);
            assert_eq!(sources.len() as u64, *count, "bodies that were gathered, and in all");
            clock.charge(census, Phase::Exchange);
            direct::walk(&sources, first, gravity, selection, bodies, census);
            self.computing += busy(&self.census);
            return;
        }
        let (mut joined, mut pending) = self.exchange(comm, gravity, plan, moments, &mut clock);
        let Evaluation { bodies, census, computing, tree, .. } = self;
        // Sink groups that need no remote cells are computed during the exchange of essential
        // trees. The fmm walk has no such groups, because its first sinks are cells above the
        // branches of all ranks.
        let groups = joined.sink_groups();
        let mut batches = groups.chunks(GROUPS_AT_A_TIME);
        let mut waiting = Vec::new();
        while !pending.test()
            && let Some(batch) = batches.next()
        {
            waiting.extend(joined.compute_groups(batch, false, bodies, census));
        }
        census.travel[0] += clock.0.elapsed();
        clock.restart();
        let messages = pending.wait();
        census.travel[1] += clock.0.elapsed();
        let arrived = Instant::now();
        essential::graft(&mut joined, &messages);
        *computing += arrived.elapsed();
        clock.charge(census, Phase::Exchange);
        waiting.extend(batches.flatten());
        if gravity.walk == Walk::Tree {
            joined.compute_groups(&waiting, true, bodies, census);
        } else {
            joined.compute(bodies, census);
        }
        census.imported = joined.imported();
        *computing += busy(census);
        *tree = (plan.ahead > 0.0).then_some(joined);
    }
}

/// All bodies of all ranks in key order, for the direct walk, and the index of this rank's first
/// body. Only the columns of a source are set. Collective.
fn all_sources(comm: &dyn Comm, bodies: &Bodies) -> (Bodies, usize) {
    let mut message = Vec::new();
    let mut mine = Bodies::zeroed(bodies.len());
    mine.id.clone_from(&bodies.id);
    mine.kind.clone_from(&bodies.kind);
    mine.mass.clone_from(&bodies.mass);
    mine.pos.clone_from(&bodies.pos);
    mine.write(0..mine.len(), &mut message);
    let (mut all, mut first) = (mine.like(), 0);
    for (rank, message) in comm.all_gather(&message).iter().enumerate() {
        if rank == comm.rank() {
            first = all.len();
        }
        all.read(message);
    }
    (all, first)
}

/// Checks the parameters and the bodies of all ranks. Collective.
fn survey(comm: &dyn Comm, gravity: &Gravity, bodies: &Bodies) -> Result<Survey, Error> {
    gravity.check()?;
    comm.stage("survey");
    let survey = survey_all(comm, bodies).map_err(Error::Body)?.ok_or(treecode::Error::NoBodies)?;
    survey.check_scale(gravity.constant)?;
    Ok(survey)
}

/// Result of [`Bodies::survey`] for the bodies of all ranks, with one reduction. `None` if there
/// are no bodies. Collective.
///
/// # Errors
/// A body is invalid. Every rank returns the error of the lowest such rank.
pub fn survey_all(comm: &dyn Comm, bodies: &Bodies) -> Result<Option<Survey>, String> {
    let all = collective::agree_on_greatest(comm, || {
        let Survey { bounds, mass, accelerated, tracers } =
            bodies.survey().map_err(|error| error.to_string())?;
        let [x, y, z, u, v, w] = bounds.to_array();
        let [accelerated, tracers] = [accelerated, tracers].map(|yes| f64::from(u8::from(yes)));
        Ok([-x, -y, -z, u, v, w, mass, accelerated, tracers])
    })?;
    let [x, y, z, u, v, w, mass, accelerated, tracers] = all;
    let bounds = Bounds::from([-x, -y, -z, u, v, w]);
    let survey = Survey { bounds, mass, accelerated: accelerated > 0.0, tracers: tracers > 0.0 };
    Ok((mass >= 0.0).then_some(survey))
}

fn add<const K: usize>(mut sum: [f64; K], term: [f64; K]) -> [f64; K] {
    sum.iter_mut().zip(term).for_each(|(sum, term)| *sum += term);
    sum
}

/// Adds the time since the last call to a phase.
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
    /// Sum of `term(bodies, i)` over all bodies of all ranks. It is added along the tree, like
    /// moments, so its bits do not depend on the number of ranks. Collective.
    pub fn sum<const K: usize>(
        &self,
        comm: &dyn Comm,
        term: impl Fn(&Bodies, usize) -> [f64; K] + Sync,
    ) -> [f64; K] {
        self.sum_of_leaves(comm, |bodies, leaf| leaf.map(|i| term(bodies, i)).fold([0.0; K], add))
    }

    /// As [`Evaluation::sum`], with a function that sums over the bodies of a leaf, in their order.
    /// Collective.
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
        comm.stage("sums");
        let branches = self.structure.branches.iter().map(|branch| branch.key).zip(branches).collect();
        let sum =
            |_, children: &[(usize, [f64; K])]| children.iter().map(|child| child.1).fold([0.0; K], add);
        groups::fold(comm, &self.splits, branches, &mut { sum }).unwrap_or([0.0; K])
    }
}
