//! Parallel force evaluation: communication, domain decomposition, migration of bodies and
//! essential trees.
//!
//! [`Comm`] is the one boundary to the cluster. [`evaluate`] is the way of the data over all ranks; with block time steps,
//! [`evaluate_selected`] and [`Evaluation::again`] go it for some bodies. Ranks as MPI processes
//! (`mpi_world`) need the feature `mpi`.
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
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

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
