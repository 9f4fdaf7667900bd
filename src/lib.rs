//! The application: command line, run loop, initial conditions and reports. The program `heorot`
//! only calls it.
//!
//! A command is a module with `Arguments` and `main`. Commands on several ranks use
//! [`launch::on_all_ranks`], which gives each rank a [`crew::Crew`]. Operations that can fail on
//! one rank alone use [`crew::Crew::agree`], so that all ranks return the same error.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare with bounds, not bits

pub mod alike;
pub mod bench;
pub mod cli;
pub mod combine;
pub mod completions;
pub mod console;
pub mod convert;
pub mod cosmology_keys;
pub mod crew;
pub mod doctor;
pub mod ending;
pub mod extract;
pub mod force;
pub mod gravity_keys;
pub mod gravity_options;
pub mod halos;
pub mod ids;
pub mod info;
pub mod initial;
pub mod jobscript;
mod key_defaults;
pub mod key_errors;
pub mod kinds;
pub mod launch;
pub mod layout_options;
pub mod lightcone_keys;
pub mod machine;
pub mod make;
pub mod man;
pub mod memory;
pub mod movie;
pub mod network;
pub mod outputs;
pub mod parameters;
pub mod periodic_box;
pub mod plan;
pub mod plot;
pub mod poster;
pub mod processes;
mod quantities;
pub mod reading_options;
pub mod reference;
pub mod render;
pub mod report;
pub mod resolution;
pub mod run;
mod same_files;
pub mod softening_advice;
mod softening_keys;
pub mod spectrum;
mod spread;
pub mod status;
pub mod study;
pub mod version;
pub mod view;
pub mod walltime;
