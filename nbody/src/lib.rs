//! Simulations as a library. A program, a script or a notebook can generate bodies, integrate them
//! and measure the result.
//!
//! The library has no command line, no parameter file, no file format and no plots. It does not
//! change the state of the process: the program owns the thread pool, signal handlers and panic
//! hook. Every function that takes a [`decomposition::Comm`] is collective. A caller on one node
//! passes [`decomposition::Solo`].
//!
//! Reading order:
//! - [`model`] draws initial conditions, some of them from [`linear`] theory;
//! - [`forces`] evaluates forces with a requested error, which [`accuracy`] measures;
//! - [`potential`] has external potentials, and [`cosmology`] has expanding universes;
//! - [`stepping`] chooses the timestep of each body;
//! - [`Simulation`] combines them, and [`schedule`] sets the times of its steps;
//! - [`Diagnostics`], [`halos`] and [`profile`] measure the result, [`spectral`] the power spectrum of
//!   a periodic box, and [`lightcone`] the bodies that cross the light cone of an observer;
//! - [`cost`] measures the time; [`peak`] and [`stream`] measure the speed that the machine can reach;
//! - [`checksum`] compares two states.
//!
//! ```
//! use decomposition::Solo;
//! use heorot_nbody::forces::Forces;
//! use heorot_nbody::model::{Model, Spherical, generate};
//! use heorot_nbody::stepping::Stepping;
//! use heorot_nbody::{Simulation, Start};
//!
//! let sphere = Spherical { bodies: 200, seed: 1, mass: 1.0, radius: 1.0, cut: 10.0, softening: 0.0 };
//! let bodies = generate(&Solo, &Model::Plummer(sphere), 1.0);
//! let start = Start { bodies, time: 0.0 };
//! let mut simulation = Simulation::begin(&Solo, &Forces::default(), Stepping::Fixed, start)?;
//! let first = simulation.diagnostics;
//! simulation.step(&Solo, 0.001, 0.001)?;
//! assert!(simulation.diagnostics.energy_error(&first).abs() < 1e-3);
//! # Ok::<(), heorot_nbody::Error>(())
//! ```
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

pub mod accuracy;
pub mod checksum;
pub mod cosmology;
pub mod cost;
mod diagnostics;
mod error;
pub mod forces;
pub mod halos;
pub mod lightcone;
pub mod linear;
pub mod model;
pub mod peak;
pub mod potential;
pub mod profile;
mod reach;
pub mod schedule;
mod simulation;
pub mod spectral;
pub mod stepping;
pub mod stream;

pub use diagnostics::{Diagnostics, Expanding};
pub use error::Error;
pub use simulation::{Advance, PartialStep, Simulation, Start};
