//! What the program says about itself: completions, manual pages, reference pages, version.

pub mod completions;
pub mod man;
pub mod reference;
pub mod version;
