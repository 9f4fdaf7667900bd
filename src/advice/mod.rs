//! Warnings about settings that a run obeys, but that are hardly meant.

pub mod resolution;
pub mod softening;
