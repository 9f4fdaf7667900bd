//! Warnings about settings that are valid but probably not intended.

pub mod resolution;
pub mod softening;
