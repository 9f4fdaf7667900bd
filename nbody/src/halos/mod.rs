//! Haloes: friends-of-friends groups of bodies (Davis et al. 1985) and their properties.
//!
//! [`label`] finds the group of each body, and [`census`] computes the properties of each group.
//! Both are collective. Their results do not depend on the number of ranks.

mod census;
mod friends;

pub use census::{Halo, census};
pub use friends::{Labelled, label};

#[cfg(test)]
mod tests;
