//! The ranks of a command: start, threads, memory, and agreement on errors.

pub mod alike;
pub mod crew;
pub mod launch;
pub mod machine;
pub mod memory;
pub mod processes;
pub(crate) mod spread;
