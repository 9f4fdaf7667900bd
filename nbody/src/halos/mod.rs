//! Haloes: groups of bodies that are friends of friends (Davis et al. 1985), and their properties.
//!
//! [`label`] finds the group of each body; [`census`] sums the members of each group. Both are collective and give the
//! same bits on any number of ranks.

mod census;
mod friends;

pub use census::{Halo, census};
pub use friends::{Labelled, label};

#[cfg(test)]
mod tests;
