//! The benchmark problems of `inputs/bench/*.toml`. They are built into the program, so that all
//! users measure the same.

use crate::initial::{self, Initial};
use crate::parameters::errors::name_key;
use crate::parameters::gravity;
use crate::ranks::machine;
use anyhow::{Context, Error, Result, bail};
use decomposition::{Balancing, Comm};
use nbody::forces::Forces;
use nbody::model::{self, Model};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use treecode::{Bodies, Softening, TYPES, Walk, math};

/// Positions and velocities are rounded to multiples of 1 / `GRID`. So rounding errors in the sums
/// of a model do not change checksums.
const GRID: f64 = (1u64 << 20) as f64;

/// The problems of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// One smooth sphere.
    Plummer,
    /// Spheres of very different mass on a uniform background.
    Clumps,
    /// Two galaxies that begin to overlap.
    Collision,
}

/// A problem file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Problem {
    version: u32,
    accuracy: f64,
    step: f64,
    softening: f64,
    energy_error: f64,
    initial: initial::Keys,
}

/// One measurement: a problem of one size with one walk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Case {
    /// The problem.
    pub problem: Name,
    /// Version of its file.
    pub version: u32,
    /// The walk.
    pub walk: Walk,
    /// Number of bodies.
    pub bodies: u64,
    /// Requested error of the forces: root mean square of |a - a_direct| / |a_direct|.
    pub wanted_error: f64,
    /// Length of a step, in units with G = 1.
    pub step: f64,
    /// Greatest relative energy error that passes.
    pub energy_bound: f64,
    #[serde(skip)]
    model: Model,
    #[serde(skip)]
    pub(super) forces: Forces,
}

/// Values that replace those of the problem files.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Changes {
    /// Number of bodies.
    pub bodies: Option<u64>,
    /// Requested error of the forces.
    pub accuracy: Option<f64>,
}

impl Name {
    fn text(self) -> &'static str {
        match self {
            Name::Plummer => include_str!("../../inputs/bench/plummer.toml"),
            Name::Clumps => include_str!("../../inputs/bench/clumps.toml"),
            Name::Collision => include_str!("../../inputs/bench/collision.toml"),
        }
    }

    /// Name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Name::Plummer => "plummer",
            Name::Clumps => "clumps",
            Name::Collision => "collision",
        }
    }
}

/// Parses the name of a walk. Only walks with an adjustable error are accepted.
pub(super) fn walk(text: &str) -> Result<Walk, String> {
    match gravity::by_name(text) {
        Ok(walk @ (Walk::Fmm | Walk::Tree)) => Ok(walk),
        _ => Err("must be fmm or tree".to_owned()),
    }
}

/// Name of a walk.
pub(super) fn walk_name(walk: Walk) -> &'static str {
    match walk {
        Walk::Fmm => "fmm",
        Walk::Tree => "tree",
        Walk::Direct => "direct",
    }
}

impl Case {
    /// A problem with a walk.
    ///
    /// # Errors
    /// If the changes are out of range.
    pub(super) fn new(name: Name, walk: Walk, changes: Changes) -> Result<Case> {
        let file = format!("inputs/bench/{}.toml", name.name());
        let problem: Problem = io::parameters::from_str(name.text(), &file, &[])?;
        let Problem { version, accuracy, step, softening, energy_error, mut initial } = problem;
        initial.bodies = changes.bodies.or(initial.bodies);
        let initial = Initial::try_from(initial).map_err(Error::msg).with_context(|| name.name())?;
        let Initial::Model(model) = initial else { bail!("{file}: [initial] must be a model") };
        let wanted_error = changes.accuracy.unwrap_or(accuracy);
        let bodies = model.bodies();
        let softening = Softening {
            length: [softening * math::powf(bodies as f64, -1.0 / 3.0); TYPES],
            ..Softening::default()
        };
        // In these problems softening is far below the distances of neighbours. They keep the order
        // of bodies without softening, and with it their checksums.
        let order = Forces::of_accuracy(wanted_error, walk, None, Softening::default()).gravity.order;
        let keys = gravity::Keys {
            accuracy: Some(wanted_error),
            walk: Some(walk),
            order: Some(order),
            softening: Some(softening),
            ..gravity::Keys::default()
        };
        let forces = Forces::try_from(keys).map_err(Error::msg)?;
        // Each rank compares its own bodies between repetitions, so they must not depend on time.
        debug_assert_eq!(forces.sharing.balancing, Balancing::Work);
        machine::choose_arithmetic()?;
        forces.check().map_err(name_key)?;
        let energy_bound = energy_error;
        Ok(Case { problem: name, version, walk, bodies, wanted_error, step, energy_bound, model, forces })
    }

    /// Describes the case in a few words.
    pub(super) fn words(&self) -> String {
        format!("{} {}, {}, {} bodies", self.problem.name(), self.version, walk_name(self.walk), self.bodies)
    }

    /// Draws this rank's share of the bodies. Collective.
    pub(super) fn draw(&self, comm: &dyn Comm) -> Bodies {
        let mut bodies = model::generate(comm, &self.model, 1.0);
        let Bodies { pos, vel, .. } = &mut bodies;
        pos.iter_mut()
            .chain(vel)
            .for_each(|values| values.par_iter_mut().for_each(|x| *x = (*x * GRID).round() / GRID));
        bodies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::Solo;

    #[test]
    fn every_problem_can_be_made_in_any_size() {
        for name in [Name::Plummer, Name::Clumps, Name::Collision] {
            for walk in [Walk::Fmm, Walk::Tree] {
                let whole = Case::new(name, walk, Changes::default()).unwrap();
                let changes = Changes { bodies: Some(1000), accuracy: Some(1e-2) };
                let small = Case::new(name, walk, changes).unwrap();
                assert_eq!((whole.bodies, small.bodies, small.wanted_error), (1_000_000, 1000, 1e-2));
                let ratio =
                    small.forces.gravity.softening.length[1] / whole.forces.gravity.softening.length[1];
                assert!((ratio - 10.0).abs() < 1e-12, "softening follows the mean distance: {ratio}");
                let bodies = small.draw(&Solo);
                assert_eq!(bodies.len(), 1000);
                let coordinates = || bodies.pos.iter().chain(&bodies.vel).flatten();
                assert!(coordinates().all(|x| (x * GRID).fract() == 0.0) && coordinates().any(|&x| x != 0.0));
            }
        }
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let fail = |bodies, accuracy| {
            let changes = Changes { bodies, accuracy };
            format!("{:#}", Case::new(Name::Collision, Walk::Fmm, changes).unwrap_err())
        };
        assert!(fail(Some(1), None).contains("collision: bodies = 1: must be at least 2"));
        assert!(fail(None, Some(0.5)).contains("accuracy = 0.5"));
        assert_eq!(walk("direct").unwrap_err(), "must be fmm or tree");
    }
}
