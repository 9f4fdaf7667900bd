//! The state of a run and its step: kick, drift, force, kick.

use crate::cost::{Meter, timed};
use crate::diagnostics::Diagnostics;
use crate::forces::{Control, Engine, Forces};
use crate::initial::Start;
use anyhow::Result;
use decomposition::{Comm, Evaluation};
use std::mem::take;
use std::time::Instant;
use treecode::leapfrog;

/// Bodies with the field of their positions, at one time.
pub struct Simulation<'a> {
    comm: &'a dyn Comm,
    engine: Engine,
    evaluation: Evaluation,
    /// The time [T].
    pub time: f64,
    /// Energy and the like at this time.
    pub diagnostics: Diagnostics,
    /// What it took to come to this state from the one before.
    pub last: Meter,
    /// What it took since the beginning.
    pub all: Meter,
}

impl<'a> Simulation<'a> {
    /// Computes the first field. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a parameter or a body is bad.
    pub fn begin(comm: &'a dyn Comm, forces: &Forces, start: Start) -> Result<Simulation<'a>> {
        let mut meter = Meter::default();
        let clock = Instant::now();
        let mut engine = Engine::new(forces);
        let evaluation = engine.evaluate(comm, start.bodies)?;
        meter.verification = engine.take_verification();
        let diagnostics = timed(&mut meter.diagnostics, || Diagnostics::measure(comm, &evaluation));
        meter.census = evaluation.census.clone();
        meter.evaluations = 1;
        meter.total = clock.elapsed();
        Ok(Simulation {
            comm,
            engine,
            evaluation,
            time: start.time,
            diagnostics,
            all: meter.clone(),
            last: meter,
        })
    }

    /// Goes one step of this length [T], which ends at `time`. Collective.
    ///
    /// # Errors
    /// The same on every rank, if a body has left the numbers that can be computed with.
    pub fn step(&mut self, length: f64, time: f64) -> Result<()> {
        let mut meter = Meter::default();
        let clock = Instant::now();
        let mut bodies = take(&mut self.evaluation.bodies);
        timed(&mut meter.integrate, || {
            leapfrog::kick(&mut bodies, 0.5 * length);
            leapfrog::drift(&mut bodies, length);
        });
        self.evaluation = self.engine.evaluate(self.comm, bodies)?;
        meter.verification = self.engine.take_verification();
        timed(&mut meter.integrate, || leapfrog::kick(&mut self.evaluation.bodies, 0.5 * length));
        let measured = timed(&mut meter.diagnostics, || Diagnostics::measure(self.comm, &self.evaluation));
        meter.census = self.evaluation.census.clone();
        meter.evaluations = 1;
        meter.total = clock.elapsed();
        self.all.add(&meter);
        self.time = time;
        self.diagnostics = measured;
        self.last = meter;
        Ok(())
    }

    /// What the control of the force error has come to, if there is one.
    pub fn control(&self) -> Option<&Control> {
        self.engine.control()
    }

    /// What the last evaluation found about the force error, for the log.
    pub fn take_news(&mut self) -> Option<String> {
        self.engine.take_news()
    }

    /// The last evaluation.
    pub fn evaluation(&self) -> &Evaluation {
        &self.evaluation
    }

    /// This rank's bodies, with their field.
    pub fn bodies(&self) -> &treecode::Bodies {
        &self.evaluation.bodies
    }
}
