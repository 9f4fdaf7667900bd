//! Simulations as a library: what a program, a script or a notebook needs to set bodies up, move them and measure them.
//!
//! It knows no command line, no parameter file, no file format and no picture. It changes no state of the process:
//! thread pool, signal handlers and panic hook belong to the program. Every function that takes a
//! [`decomposition::Comm`] is collective; a caller on one node passes [`decomposition::Solo`].
//!
//! Reading order: [`model`] draws initial conditions; [`forces`] evaluates forces of an asked error, which [`accuracy`]
//! measures; [`stepping`] chooses the time step of each body; [`Simulation`] puts them together; [`schedule`] says when
//! steps begin and end; [`Diagnostics`], [`halos`] and [`profile`] measure the result; [`cost`] says what it took.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

pub mod accuracy;
pub mod cost;
mod diagnostics;
mod error;
pub mod forces;
pub mod halos;
pub mod model;
pub mod profile;
pub mod schedule;
mod simulation;
pub mod stepping;

pub use diagnostics::Diagnostics;
pub use error::Error;
pub use simulation::{Advance, PartialStep, Simulation, Start};
