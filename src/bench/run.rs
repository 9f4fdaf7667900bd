//! One case, measured: warm-up, then the same steps again and again from the same state, each of them held against the first.

use super::checksum;
use super::problem::Case;
use crate::accuracy::{self, Accuracy, Balance};
use crate::cost::{Meter, busy};
use crate::diagnostics::Diagnostics;
use crate::forces::{Control, Progress};
use crate::initial::Start;
use crate::simulation::Simulation;
use crate::stepping::Stepping;
use anyhow::Result;
use decomposition::{Comm, Reduction, collective};
use treecode::Bodies;

/// Steps before the measured ones: they find the balance of the load.
pub const WARM_UP: u64 = 2;
/// Bodies whose force is compared with direct sums.
const CHECKED: usize = 1000;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Amount {
    /// Steps of a repetition.
    pub steps: u64,
    /// Repetitions of a round.
    pub repetitions: u64,
    /// A rank on which a bit is changed in the second repetition, to try the check.
    pub flip: Option<usize>,
}

/// What has been measured of a case so far.
pub struct Run {
    /// The case.
    pub case: Case,
    amount: Amount,
    /// Wall time of a step in each repetition [s].
    pub seconds: Vec<f64>,
    /// What this rank has done in all of them.
    pub meter: Meter,
    /// Checksums of this rank's bodies after each step of the first repetition.
    expected: Vec<u64>,
    /// Of all bodies of all ranks at the end of the first repetition.
    pub state: u64,
    /// Where a later repetition differed first.
    pub difference: Option<Difference>,
    /// Greatest relative error of the energy since the warm-up, without sign.
    pub energy_error: f64,
    /// The settings that give the wanted error.
    pub control: Option<Control>,
    /// Error of the forces at the end.
    pub force_error: Accuracy,
    /// What the forces keep as a whole.
    pub balance: Balance,
    /// Time that each rank has computed [s].
    pub busy: Vec<f64>,
}

/// A step that did not come out as before.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Repetition, from 1.
    pub repetition: usize,
    /// Step, from 1.
    pub step: usize,
    /// Ranks whose bodies differ.
    pub ranks: Vec<usize>,
}

/// The state after the warm-up.
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
    /// The same on every rank, if the bodies cannot be computed with.
    pub fn new(comm: &dyn Comm, case: &Case, amount: Amount) -> Result<Run> {
        let mut run = Run {
            case: case.clone(),
            amount,
            seconds: Vec::new(),
            meter: Meter::default(),
            expected: Vec::new(),
            state: 0,
            difference: None,
            energy_error: 0.0,
            control: None,
            force_error: Accuracy::default(),
            balance: Balance { centre: [0.0; 3], force_sum: 0.0 },
            busy: Vec::new(),
        };
        run.round(comm)?;
        Ok(run)
    }

    /// Measures another round, from the bodies on. It ends at the first difference. Collective.
    ///
    /// # Errors
    /// The same on every rank, if the bodies cannot be computed with.
    pub fn round(&mut self, comm: &dyn Comm) -> Result<()> {
        let saved = self.warm_up(comm)?;
        for _ in 0..self.amount.repetitions {
            self.repeat(comm, &saved)?;
            if self.difference.is_some() {
                break;
            }
        }
        self.busy = collective::gather(comm, &[busy(&self.meter.census)])
            .concat()
            .into_iter()
            .map(|nanoseconds| nanoseconds as f64 * 1e-9)
            .collect();
        Ok(())
    }

    fn warm_up(&self, comm: &dyn Comm) -> Result<Saved> {
        let start = Start { bodies: self.case.draw(comm), time: 0.0 };
        let mut simulation = Simulation::begin(comm, &self.case.forces, Stepping::Fixed, start)?;
        for step in 1..=WARM_UP {
            simulation.step(self.case.step, step as f64 * self.case.step)?;
        }
        Ok(Saved {
            bodies: simulation.bodies().clone(),
            time: simulation.time,
            diagnostics: simulation.diagnostics,
            progress: simulation.progress(),
        })
    }

    fn repeat(&mut self, comm: &dyn Comm, saved: &Saved) -> Result<()> {
        let Case { forces, step, .. } = &self.case;
        let mut bodies = saved.bodies.clone();
        if self.seconds.len() == 1 && self.amount.flip == Some(comm.rank()) {
            flip_a_bit(&mut bodies);
        }
        let start = Start { bodies, time: saved.time };
        let (first, progress) = (saved.diagnostics, saved.progress.clone());
        let mut simulation = Simulation::resume(comm, forces, Stepping::Fixed, start, first, progress, None);
        let (mut seconds, mut found) = (0.0, Vec::new());
        for number in 1..=self.amount.steps {
            comm.barrier();
            simulation.step(*step, saved.time + number as f64 * step)?;
            let [slowest] = collective::max(comm, [simulation.last.total.as_secs_f64()]);
            seconds += slowest;
            found.push(checksum::of(simulation.bodies()));
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
        } else if let Some((step, ranks)) = checksum::first_difference(comm, &self.expected, &found) {
            self.difference = Some(Difference { repetition: self.seconds.len(), step, ranks });
        }
        Ok(())
    }

    fn check_forces(&mut self, comm: &dyn Comm, simulation: &Simulation) {
        let evaluation = simulation.evaluation().expect("a step has been done");
        self.balance = Balance::measure(comm, evaluation);
        let gravity = &self.case.forces.gravity;
        self.force_error = accuracy::check(comm, gravity, evaluation, &self.balance, CHECKED);
    }

    /// Steps from the bodies to the state whose checksum is kept.
    pub fn steps(&self) -> u64 {
        WARM_UP + self.amount.steps
    }
}

/// What a broken memory does: a bit far below what any other number would show, but not so far that it is rounded away.
fn flip_a_bit(bodies: &mut Bodies) {
    if let Some(x) = bodies.vel[0].first_mut() {
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

    #[test]
    fn a_changed_bit_is_found_and_its_rank_named() {
        for rank in 0..3 {
            let found = threads::run(3, |comm| {
                let amount = Amount { steps: 2, repetitions: 3, flip: Some(rank) };
                Run::new(comm, &case(Walk::Fmm), amount).unwrap().difference
            });
            let expected = Difference { repetition: 2, step: 1, ranks: vec![rank] };
            assert_eq!(found, vec![Some(expected); 3]);
        }
    }
}
