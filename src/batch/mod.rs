//! Jobs of a queue: what they will cost, their scripts, limits and state.

pub mod jobscript;
pub mod plan;
pub mod status;
pub mod walltime;
