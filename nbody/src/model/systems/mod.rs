//! Star clusters, planetary systems and pairs of bodies.

mod mass_function;
mod planetary;
mod star_cluster;
mod two_body;

pub use mass_function::MassFunction;
pub use planetary::{Belt, Elements, Planet, PlanetKeys, PlanetarySystem};
pub use star_cluster::StarCluster;
pub use two_body::TwoBody;

pub(super) use star_cluster::{Pair, Stars};
