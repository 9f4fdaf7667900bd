//! The application: command line, run loop, initial conditions and reports. The program `heorot`
//! only calls it.
//!
//! A command is a module with `Arguments` and `main`. Commands on several ranks use
//! [`ranks::launch::on_all_ranks`], which gives each rank a [`ranks::crew::Crew`]. Operations that can fail on
//! one rank alone use [`ranks::crew::Crew::agree`], so that all ranks return the same error.
//!
//! Reading order: `cli` lists the commands. `parameters` has the tables of a parameter file, and
//! `initial` the initial conditions. `run` is the main command. The other modules are commands, except
//! `ranks`, `console`, `ending`, `advice`, `movie` and `report`, which commands use.
#![cfg_attr(test, allow(clippy::disallowed_methods))] // tests compare with bounds, not bits

pub mod advice;
pub mod batch;
pub mod bench;
pub mod cli;
pub mod console;
pub mod doctor;
pub mod ending;
pub mod files;
pub mod force;
pub mod halos;
pub mod help;
pub mod info;
pub mod initial;
pub mod movie;
pub mod network;
pub mod parameters;
pub mod plot;
pub mod poster;
pub mod ranks;
pub mod render;
pub mod report;
pub mod run;
pub mod spectrum;
pub mod study;
pub mod view;
