//! Simulations as a library. A program, a script or a notebook can generate bodies, integrate them
//! and measure the result.
//!
//! The library has no command line, no parameter file, no file format and no plots. It does not
//! change the state of the process: the program owns the thread pool, signal handlers and panic
//! hook. Every function that takes a [`decomposition::Comm`] is collective. A caller on one node
//! passes [`decomposition::Solo`].
//!
//! Reading order: [`model`] draws initial conditions. [`forces`] computes forces with a requested
//! error, and [`accuracy`] measures that error. [`stepping`] chooses the timestep of each body, and
//! [`Simulation`] integrates the bodies. [`schedule`] fixes the times of steps and snapshots.
//! [`Diagnostics`] and [`halos`] measure the bodies, and [`cost`] measures time and traffic.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare with bounds, not bits

pub mod accuracy;
pub mod cost;
mod diagnostics;
mod error;
pub mod forces;
pub mod halos;
pub mod model;
pub mod schedule;
mod simulation;
pub mod stepping;

pub use diagnostics::Diagnostics;
pub use error::Error;
pub use simulation::{Advance, PartialStep, Simulation, Start};
