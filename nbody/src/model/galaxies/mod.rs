//! Disc galaxies, and encounters of galaxies.

mod collision;
mod disc;
mod disc_galaxy;
mod encounter;
mod orbit;

pub use collision::Collision;
pub use disc_galaxy::{DiscGalaxy, Preset};
pub use encounter::{Encounter, Galaxy, Move, Orbit, Placement};

pub(super) use disc::Disc;
pub(super) use orbit::{about_the_centre, at_apocentre};
