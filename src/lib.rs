//! The application: command line, run loop, models of initial conditions, reports. The program `heorot` is a thin shell over it.
//!
//! A command is a module with `Arguments` and `main`. Those that run on ranks go through [`launch::on_all_ranks`], which hands
//! each rank a [`crew::Crew`]: whatever can fail on one rank alone goes through [`crew::Crew::agree`], so that all ranks end alike.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests hold results against bounds, not bits

pub mod accuracy;
pub mod alike;
pub mod bench;
pub mod cli;
pub mod console;
pub mod convert;
pub mod cost;
pub mod crew;
pub mod diagnostics;
pub mod doctor;
pub mod ending;
pub mod extract;
pub mod force;
pub mod forces;
pub mod gravity_options;
pub mod halos;
pub mod ids;
pub mod info;
pub mod initial;
pub mod jobscript;
pub mod launch;
pub mod layout_options;
pub mod machine;
pub mod make;
pub mod memory;
pub mod model;
pub mod movie;
pub mod network;
pub mod outputs;
pub mod parameters;
pub mod peak;
pub mod plan;
pub mod plot;
pub mod poster;
pub mod reading_options;
pub mod render;
pub mod report;
pub mod resolution;
pub mod run;
pub mod schedule;
pub mod simulation;
mod spread;
pub mod status;
pub mod stepping;
pub mod stream;
pub mod study;
pub mod view;
pub mod walltime;
