//! Parallel force evaluation: communication, domain decomposition, migration of bodies and
//! essential trees.
//!
//! [`Comm`] is the only interface to MPI. [`evaluate`] computes forces on all bodies of all ranks.
//! With block timesteps, [`evaluate_selected`] and [`Evaluation::again`] compute forces on the
//! active bodies.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare with bounds, not bits

mod comm;
mod error;
mod essential;
mod evaluate;
mod groups;
mod migrate;
mod neighbours;
mod order;
mod splitters;

pub use comm::collective::agree;
pub use comm::{
    Comm, Event, Hosts, Operation, Pending, Recorder, Reduction, Shifted, Solo, Traffic, TwoLevel,
    collective, mpi_world, threads,
};
pub use error::Error;
pub use evaluate::{Evaluation, Moments, Plan, evaluate, evaluate_selected, rehearse, survey_all};
pub use neighbours::{neighbour_distances, sampled_distances};
pub use order::{Ordered, cells, in_key_order};
