//! Parallel force evaluation: communication, domain decomposition, migration of bodies and
//! essential trees.
//!
//! All communication goes through the trait [`Comm`]. [`evaluate`] computes the forces on all ranks
//! and shows the order of the steps. With block timesteps, [`evaluate_selected`] and
//! [`Evaluation::again`] compute the active bodies only. Ranks as MPI processes (`mpi_world`) need
//! the feature `mpi`.
//!
//! Reading order, which is that of the data:
//! - `comm` has the trait and its implementations;
//! - `splitters` divides the space-filling curve among the ranks, with shares from `speeds`;
//! - `migrate` sends bodies to their ranks;
//! - `groups` combines data of all ranks, and `essential` exchanges parts of the tree;
//! - `evaluate` combines these steps;
//! - `exact`, `neighbours` and `order` compute exact forces, distances and the key order.
//!
//! ```
//! use heorot_decomposition::{evaluate, threads};
//! use treecode::{Bodies, Gravity};
//!
//! // Two ranks as threads of this process, each with a body. The potential is that of both bodies.
//! let potentials = threads::run(2, |comm| {
//!     let mut bodies = Bodies::zeroed(1);
//!     bodies.id[0] = comm.rank() as u64;
//!     bodies.mass[0] = 1.0;
//!     bodies.pos[0][0] = 4.0 * comm.rank() as f64;
//!     let evaluation = evaluate(comm, &Gravity::default(), bodies).expect("the bodies are sound");
//!     evaluation.sum(comm, |bodies, i| [bodies.mass[i] * bodies.pot[i]])
//! });
//! assert!(potentials.iter().all(|[sum]| (sum + 0.5).abs() < 1e-6));
//! ```
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare results with bounds, not bits

mod comm;
mod error;
mod essential;
mod evaluate;
mod exact;
mod groups;
mod migrate;
mod neighbours;
mod order;
mod speeds;
mod splitters;

pub use comm::collective::agree;
#[cfg(feature = "mpi")]
pub use comm::mpi_world;
pub use comm::{
    Comm, Event, Hosts, Mail, Operation, Pending, Recorder, Reduction, Shifted, Solo, Traffic, TwoLevel,
    collective, threads,
};
pub use error::Error;
pub use evaluate::{
    Evaluation, Moments, Plan, evaluate, evaluate_selected, evaluate_shared, rehearse, survey_all,
};
pub use neighbours::{neighbour_distances, sampled_distances};
pub use order::{Ordered, cells, in_key_order};
pub use speeds::{Balancing, Sharing, Speeds, busy};
