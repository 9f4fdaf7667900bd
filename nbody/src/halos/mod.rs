//! Haloes: friends-of-friends groups of bodies (Davis et al. 1985) and their properties.
//!
//! [`label`] finds the group of each body, [`census`] computes the properties of each group, and
//! [`spheres`] the masses within spheres of a given mean density. All are collective. Their results do not depend on the number of ranks.

mod census;
mod friends;
mod overdensity;

pub use census::{Halo, census};
pub use friends::{Labelled, label};
pub use overdensity::{Sphere, spheres};

#[cfg(test)]
mod tests;
