//! Measures one case: a warm-up, then repetitions of the same steps from the same state. Each
//! repetition is compared with the first.
//!
//! An error before the first repetition would be the same in all of them. So the warm-up is
//! computed again at the end, with the bodies of each rank on the next rank.

use super::checksum::{self, Compared};
use super::problem::Case;
use crate::parameters::errors::name_key;
use anyhow::Result;
use decomposition::{Comm, Reduction, Shifted, collective};
use nbody::Diagnostics;
use nbody::Simulation;
use nbody::Start;
use nbody::accuracy::{self, Accuracy, Balance};
use nbody::checksum::{of_every_column, of_state};
use nbody::cost::{Meter, busy};
use nbody::forces::{Control, Progress};
use nbody::stepping::Stepping;
use treecode::Bodies;

/// Steps before the measured ones. They balance the load.
pub(super) const WARM_UP: u64 = 2;
/// Number of bodies whose force is compared with direct sums.
const CHECKED: usize = 1000;

/// Amount of measurement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount {
    /// Steps per repetition.
    pub steps: u64,
    /// Repetitions per round.
    pub repetitions: u64,
    /// A bit to flip, for tests of the checks.
    pub flip: Option<Flip>,
}

/// A bit flip in one body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flip {
    /// Rank on which the bit is flipped.
    pub rank: usize,
    /// Stage at which the bit is flipped.
    pub place: FlipPlace,
}

/// When a bit is changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FlipPlace {
    /// In the initial state, before the first force evaluation.
    Initial,
    /// Before the last step of the warm-up.
    WarmUp,
    /// In the state after the warm-up, which is kept for the repetitions.
    Kept,
    /// In the first repetition.
    First,
    /// In the second repetition.
    #[default]
    Second,
}

/// All measurements of a case so far.
pub(super) struct Run {
    /// The case.
    pub case: Case,
    amount: Amount,
    /// Wall time per step in each repetition [s].
    pub seconds: Vec<f64>,
    /// Cost of all repetitions on this rank.
    pub meter: Meter,
    /// Checksums of this rank's bodies in each of the [`STAGES`] of the first warm-up.
    origin: Vec<u64>,
    /// Checksums of this rank's bodies after each step of the first repetition.
    expected: Vec<u64>,
    /// Checksum of all bodies of all ranks at the end of the first repetition.
    pub state: u64,
    /// The first difference between computations that should agree.
    pub difference: Option<Difference>,
    /// Greatest absolute relative energy error since the warm-up.
    pub energy_error: f64,
    /// The settings that give the requested error.
    pub control: Option<Control>,
    /// Error of the forces at the end.
    pub force_error: Accuracy,
    /// Centre of mass and sum of all forces.
    pub balance: Balance,
    /// Compute time of each rank [s].
    pub busy: Vec<f64>,
}

/// A difference between computations that should agree.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Difference {
    /// A repetition differs from the first, from one step on.
    Repetition {
        /// Number of the repetition, from 1.
        repetition: usize,
        /// Number of the step, from 1.
        step: usize,
        /// Ranks whose bodies differ.
        ranks: Vec<usize>,
    },
    /// The kept initial state of the repetitions has changed in memory.
    Kept {
        /// Ranks whose bodies differ.
        ranks: Vec<usize>,
    },
    /// The second computation of the warm-up, or of the single repetition, differs from the first.
    Again {
        /// The stage, as in "*the initial state* has other bits".
        stage: String,
        /// Ranks whose bodies differ, each with the rank that computed them again.
        ranks: Vec<[usize; 2]>,
    },
}

/// Stages from the start to the initial state of the repetitions.
const STAGES: [&str; 2 + WARM_UP as usize] =
    ["the initial state", "the first field", "step 1 of the warm-up", "step 2 of the warm-up"];

/// The state after the warm-up.
#[derive(Clone)]
struct Saved {
    bodies: Bodies,
    time: f64,
    diagnostics: Diagnostics,
    progress: Progress,
}

impl Run {
    /// Measures a first round. Collective.
    ///
    /// # Errors
    /// The same on every rank, if the bodies are invalid.
    pub(super) fn new(comm: &dyn Comm, case: &Case, amount: Amount) -> Result<Run> {
        let mut run = Run {
            case: case.clone(),
            amount,
            seconds: Vec::new(),
            meter: Meter::default(),
            origin: Vec::new(),
            expected: Vec::new(),
            state: 0,
            difference: None,
            energy_error: 0.0,
            control: None,
            force_error: Accuracy::default(),
            balance: Balance { centre: [0.0; 3], force_sum: 0.0, net: [0.0; 3] },
            busy: Vec::new(),
        };
        run.round(comm)?;
        Ok(run)
    }

    /// Measures another round, starting from the initial model. The round ends at the first
    /// difference. Collective.
    ///
    /// # Errors
    /// The same on every rank, if the bodies are invalid.
    pub(super) fn round(&mut self, comm: &dyn Comm) -> Result<()> {
        let is_first = self.origin.is_empty();
        // Later rounds compare their warm-up with the first one, on the same ranks.
        let (mut saved, origin) = self.warm_up(comm, is_first)?;
        if is_first {
            self.origin = origin;
        } else {
            self.difference = self.compare_origin(comm, 0, &origin);
        }
        let kept = of_every_column(&saved.bodies);
        if is_first && self.flips(comm, FlipPlace::Kept) {
            flip_a_bit(&mut saved.bodies);
        }
        for _ in 0..self.amount.repetitions {
            if self.difference.is_some() {
                break;
            }
            self.repeat(comm, &saved)?;
        }
        if self.difference.is_none() {
            let found = of_every_column(&saved.bodies);
            let changed = checksum::first_difference(comm, &[kept], &[found]);
            self.difference = changed.map(|Compared { ranks, .. }| Difference::Kept { ranks });
        }
        drop(saved);
        if is_first && self.difference.is_none() {
            self.difference = self.again(comm)?;
        }
        self.busy = collective::gather(comm, &[busy(&self.meter.census)])
            .concat()
            .into_iter()
            .map(|nanoseconds| nanoseconds as f64 * 1e-9)
            .collect();
        Ok(())
    }

    /// Computes the initial state of the repetitions. Returns it with the checksum of this rank's
    /// bodies in each of the [`STAGES`].
    fn warm_up(&self, comm: &dyn Comm, may_flip: bool) -> Result<(Saved, Vec<u64>)> {
        let Case { forces, step: length, .. } = &self.case;
        let flips = |place| may_flip && self.flips(comm, place);
        let mut bodies = self.case.draw(comm);
        if flips(FlipPlace::Initial) {
            flip_a_bit(&mut bodies);
        }
        let mut stages = vec![of_every_column(&bodies)];
        let start = Start { bodies, time: 0.0 };
        let mut simulation = Simulation::begin(comm, forces, Stepping::Fixed, start).map_err(name_key)?;
        stages.push(of_every_column(simulation.bodies()));
        let is_tried = may_flip && self.amount.flip.is_some_and(|flip| flip.place == FlipPlace::WarmUp);
        for step in 1..=WARM_UP {
            if is_tried && step == WARM_UP {
                let mut now = Saved::of(&simulation);
                if flips(FlipPlace::WarmUp) {
                    flip_a_bit(&mut now.bodies);
                }
                simulation = now.resume(comm, &self.case);
            }
            simulation.step(comm, *length, step as f64 * length).map_err(name_key)?;
            stages.push(of_every_column(simulation.bodies()));
        }
        Ok((Saved::of(&simulation), stages))
    }

    /// Computes the warm-up again, with the bodies of each rank on the next rank. A single
    /// repetition has been compared with nothing, so its steps are computed again, too. Nothing is
    /// measured here.
    fn again(&self, comm: &dyn Comm) -> Result<Option<Difference>> {
        let shifted = Shifted::new(comm, 1);
        let (saved, origin) = self.warm_up(&shifted, false)?;
        let difference = self.compare_origin(comm, 1, &origin);
        if difference.is_some() || self.amount.repetitions > 1 {
            return Ok(difference);
        }
        let (time, mut simulation) = (saved.time, saved.resume(&shifted, &self.case));
        let mut found = Vec::new();
        for number in 1..=self.amount.steps {
            simulation
                .step(&shifted, self.case.step, time + number as f64 * self.case.step)
                .map_err(name_key)?;
            found.push(of_state(simulation.bodies()));
        }
        let differs = checksum::first_shifted_difference(comm, 1, &self.expected, &found);
        Ok(differs.map(|Compared { place, ranks }| {
            let checker = |&rank: &usize| [rank, shifted.original(rank)];
            let stage = format!("step {} of the repetition", place + 1);
            Difference::Again { stage, ranks: ranks.iter().map(checker).collect() }
        }))
    }

    /// Compares the checksums of a warm-up with those of the first. Rank r has computed the bodies
    /// of rank r - `shift`.
    fn compare_origin(&self, comm: &dyn Comm, shift: usize, found: &[u64]) -> Option<Difference> {
        let differs = checksum::first_shifted_difference(comm, shift, &self.origin, found);
        differs.map(|Compared { place, ranks }| {
            let checker = |&rank: &usize| [rank, (rank + shift) % comm.size()];
            Difference::Again { stage: STAGES[place].to_owned(), ranks: ranks.iter().map(checker).collect() }
        })
    }

    /// Whether to flip a bit at this stage.
    fn flips(&self, comm: &dyn Comm, place: FlipPlace) -> bool {
        self.amount.flip == Some(Flip { rank: comm.rank(), place })
    }

    fn repeat(&mut self, comm: &dyn Comm, saved: &Saved) -> Result<()> {
        let step = self.case.step;
        let mut saved = saved.clone();
        let place = [FlipPlace::First, FlipPlace::Second].get(self.seconds.len()).copied();
        if place.is_some_and(|place| self.flips(comm, place)) {
            flip_a_bit(&mut saved.bodies);
        }
        let (begun, first) = (saved.time, saved.diagnostics);
        let mut simulation = saved.resume(comm, &self.case);
        let (mut seconds, mut found) = (0.0, Vec::new());
        for number in 1..=self.amount.steps {
            comm.barrier();
            simulation.step(comm, step, begun + number as f64 * step).map_err(name_key)?;
            let [slowest] = collective::max(comm, [simulation.last.total.as_secs_f64()]);
            seconds += slowest;
            found.push(of_state(simulation.bodies()));
            let error = simulation.diagnostics.energy_error(&first).abs();
            self.energy_error = self.energy_error.max(error);
        }
        self.seconds.push(seconds / self.amount.steps as f64);
        self.meter.add(&simulation.all);
        if self.expected.is_empty() {
            let mut state = [*found.last().expect("there is at least one step")];
            comm.all_reduce(&mut state, Reduction::Sum);
            (self.state, self.expected) = (state[0], found);
            self.control = simulation.control().cloned();
            self.check_forces(comm, &simulation);
        } else if let Some(Compared { place, ranks }) =
            checksum::first_difference(comm, &self.expected, &found)
        {
            let repetition = self.seconds.len();
            self.difference = Some(Difference::Repetition { repetition, step: place + 1, ranks });
        }
        Ok(())
    }

    fn check_forces(&mut self, comm: &dyn Comm, simulation: &Simulation) {
        let evaluation = simulation.evaluation().expect("a step has been done");
        self.balance = Balance::measure(comm, evaluation);
        let gravity = &self.case.forces.gravity;
        self.force_error = accuracy::check(comm, gravity, evaluation, &self.balance, CHECKED);
    }

    /// Number of steps from the initial model to the checksummed state.
    pub(super) fn steps(&self) -> u64 {
        WARM_UP + self.amount.steps
    }
}

impl Saved {
    fn of(simulation: &Simulation) -> Saved {
        Saved {
            bodies: simulation.bodies().clone(),
            time: simulation.time,
            diagnostics: simulation.diagnostics,
            progress: simulation.progress(),
        }
    }

    /// A simulation that goes on from here.
    fn resume(self, comm: &dyn Comm, case: &Case) -> Simulation {
        let Saved { bodies, time, diagnostics, progress } = self;
        let start = Start { bodies, time };
        Simulation::resume(comm, &case.forces, Stepping::Fixed, start, diagnostics, progress, None)
    }
}

/// Simulates a memory error. The bit is too low to change any printed number, but too high to be
/// rounded away. The body is in the middle of those of the rank, so that it stays there in the next step.
fn flip_a_bit(bodies: &mut Bodies) {
    let middle = bodies.len() / 2;
    if let Some(x) = bodies.vel[0].get_mut(middle) {
        *x = f64::from_bits(x.to_bits() ^ 1 << 8);
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::{Changes, Name};
    use super::*;
    use decomposition::{Solo, threads};
    use treecode::Walk;

    fn case(walk: Walk) -> Case {
        let changes = Changes { bodies: Some(3000), ..Changes::default() };
        Case::new(Name::Clumps, walk, changes).unwrap()
    }

    #[test]
    fn all_ranks_end_in_one_state_and_say_so() {
        for walk in [Walk::Fmm, Walk::Tree] {
            let amount = Amount { steps: 2, repetitions: 2, flip: None };
            let alone = Run::new(&Solo, &case(walk), amount).unwrap();
            let states = threads::run(3, |comm| {
                let mut run = Run::new(comm, &case(walk), amount).unwrap();
                run.round(comm).unwrap();
                assert_eq!((run.seconds.len(), run.busy.len(), &run.difference), (4, 3, &None));
                (run.state, run.force_error)
            });
            assert_eq!(states, [(alone.state, alone.force_error); 3]);
            let rms = alone.force_error.rms;
            assert!(rms > 1e-5 && rms < 1.1e-3, "{walk:?}: {rms}");
        }
    }

    /// The differences that the ranks report if a bit is flipped. All ranks report the same.
    fn found(ranks: usize, rank: usize, place: FlipPlace, repetitions: u64) -> Option<Difference> {
        let found = threads::run(ranks, |comm| {
            let amount = Amount { steps: 2, repetitions, flip: Some(Flip { rank, place }) };
            Run::new(comm, &case(Walk::Fmm), amount).unwrap().difference
        });
        assert!(found.iter().all(|one| *one == found[0]), "{found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn a_changed_bit_is_found_wherever_it_is_and_its_rank_named() {
        let again = |stage: &str, rank, checker| Difference::Again {
            stage: stage.to_owned(),
            ranks: vec![[rank, checker]],
        };
        for rank in 0..3 {
            let checker = (rank + 1) % 3;
            let second = Difference::Repetition { repetition: 2, step: 1, ranks: vec![rank] };
            assert_eq!(found(3, rank, FlipPlace::Second, 3), Some(second.clone()));
            assert_eq!(found(3, rank, FlipPlace::First, 3), Some(second));
            for repetitions in [1, 2] {
                let at = |place| found(3, rank, place, repetitions);
                // The last rank draws all bodies of so small a model.
                let initial = (rank == 2).then(|| again("the initial state", rank, checker));
                assert_eq!(at(FlipPlace::Initial), initial, "{repetitions} repetitions");
                let warm_up = again("step 2 of the warm-up", rank, checker);
                assert_eq!(at(FlipPlace::WarmUp), Some(warm_up));
                assert_eq!(at(FlipPlace::Kept), Some(Difference::Kept { ranks: vec![rank] }));
            }
        }
        assert_eq!(found(1, 0, FlipPlace::Initial, 1), Some(again("the initial state", 0, 0)));
        assert_eq!(found(1, 0, FlipPlace::First, 1), Some(again("step 1 of the repetition", 0, 0)));
        assert_eq!(found(3, 1, FlipPlace::First, 1), Some(again("step 1 of the repetition", 1, 2)));
    }

    /// A burn-in compares the warm-up of each later round with that of the first.
    #[test]
    fn later_rounds_check_the_way_of_the_first() {
        let amount = Amount { steps: 1, repetitions: 1, flip: None };
        let mut run = Run::new(&Solo, &case(Walk::Tree), amount).unwrap();
        run.round(&Solo).unwrap();
        assert_eq!(run.difference, None);
        run.origin[1] ^= 1;
        run.round(&Solo).unwrap();
        let expected = Difference::Again { stage: "the first field".to_owned(), ranks: vec![[0, 0]] };
        assert_eq!(run.difference, Some(expected));
    }
}
