//! The state of a run and its step: kick, drift, force, kick.

use crate::cost::{Meter, timed};
use crate::diagnostics::Diagnostics;
use crate::forces::{Control, Engine, Forces, Progress};
use crate::initial::Start;
use anyhow::Result;
use decomposition::{Comm, Evaluation};
use std::mem::take;
use std::time::Instant;
use treecode::{Bodies, leapfrog};

/// Bodies with the field of their positions, at one time.
pub struct Simulation<'a> {
    comm: &'a dyn Comm,
    engine: Engine,
    held: Held,
    /// The time [T].
    pub time: f64,
    /// Energy and the like at this time.
    pub diagnostics: Diagnostics,
    /// What it took to come to this state from the one before.
    pub last: Meter,
    /// What it took since the beginning.
    pub all: Meter,
}

/// What holds the bodies between steps.
enum Held {
    Evaluation(Box<Evaluation>),
    /// Of a checkpoint: nothing has been evaluated since.
    Bodies(Box<Bodies>),
}

impl Held {
    fn bodies(&self) -> &Bodies {
        match self {
            Held::Evaluation(evaluation) => &evaluation.bodies,
            Held::Bodies(bodies) => bodies,
        }
    }

    fn take_bodies(&mut self) -> Bodies {
        match self {
            Held::Evaluation(evaluation) => take(&mut evaluation.bodies),
            Held::Bodies(bodies) => take(&mut **bodies),
        }
    }
}

impl<'a> Simulation<'a> {
    /// Goes on from a checkpoint: `start` are its bodies with their field.
    pub fn resume(
        comm: &'a dyn Comm,
        forces: &Forces,
        start: Start,
        diagnostics: Diagnostics,
        progress: Progress,
    ) -> Simulation<'a> {
        let engine = Engine::resume(forces, progress);
        let (last, all) = (Meter::default(), Meter::default());
        Simulation {
            comm,
            engine,
            held: Held::Bodies(Box::new(start.bodies)),
            time: start.time,
            diagnostics,
            last,
            all,
        }
    }

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
            held: Held::Evaluation(Box::new(evaluation)),
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
        let mut bodies = self.held.take_bodies();
        timed(&mut meter.integrate, || {
            leapfrog::kick(&mut bodies, 0.5 * length);
            leapfrog::drift(&mut bodies, length);
        });
        let mut evaluation = self.engine.evaluate(self.comm, bodies)?;
        meter.verification = self.engine.take_verification();
        timed(&mut meter.integrate, || leapfrog::kick(&mut evaluation.bodies, 0.5 * length));
        let measured = timed(&mut meter.diagnostics, || Diagnostics::measure(self.comm, &evaluation));
        meter.census = evaluation.census.clone();
        self.held = Held::Evaluation(Box::new(evaluation));
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

    /// How far the control of the force error has come, for a checkpoint.
    pub fn progress(&self) -> Progress {
        self.engine.progress()
    }

    /// The last evaluation, if there was one since the run was started or continued.
    pub fn evaluation(&self) -> Option<&Evaluation> {
        match &self.held {
            Held::Evaluation(evaluation) => Some(evaluation),
            Held::Bodies(_) => None,
        }
    }

    /// This rank's bodies, with their field.
    pub fn bodies(&self) -> &Bodies {
        self.held.bodies()
    }
}
