//! Models of initial conditions. Each body has its own stream of random numbers, so it does not
//! depend on the number of ranks.
//!
//! A model is a list of components, such as a galaxy or a point mass. The bodies of a component are
//! drawn about its centre, and their mean position and velocity are subtracted. They are then moved
//! to the position and velocity of the component. A cosmological box has no components: its bodies
//! are a lattice that a random field displaces.
//!
//! The file of a model holds its parameters, its components and the keys that give them. A new model
//! needs such a file, its keys in `keys/list.rs`, and a line in each of [`Model`], `Model::recipe` and
//! [`ModelName`] with `Keys::into_model`.

mod clumps;
mod component;
mod draw;
mod galaxies;
mod keys;
mod spheres;
mod systems;
mod uniform;
mod universe;

pub use clumps::Clumps;
pub use draw::{generate, generate_from};
pub use galaxies::{Collision, DiscGalaxy, Encounter, Galaxy, Move, Orbit, Placement, Preset};
pub use keys::{Keys, MODELS, ModelName, Physical, TypeKey, whole_number};
pub use spheres::{King, Profile, Sphere, Spherical};
pub use systems::{Belt, Elements, MassFunction, Planet, PlanetKeys, PlanetarySystem, StarCluster, TwoBody};
pub use uniform::{Shape as UniformShape, Uniform};
pub use universe::{Cosmological, Lattice, Pancake, Universe};

use component::Component;
use serde::Serialize;

/// A model and its parameters, in the units of the run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
pub enum Model {
    /// A sphere of Plummer (1911).
    Plummer(Spherical),
    /// A sphere of Hernquist (1990).
    Hernquist(Spherical),
    /// A sphere of Jaffe (1983).
    Jaffe(Spherical),
    /// An isochrone sphere of Hénon (1959).
    Isochrone(Spherical),
    /// A sphere of Navarro, Frenk & White (1996).
    Nfw(Spherical),
    /// A sphere of King (1966).
    King(King),
    /// A cluster of stars of different masses, with binaries.
    StarCluster(StarCluster),
    /// A star with planets and small bodies.
    PlanetarySystem(PlanetarySystem),
    /// Two bodies on a Kepler ellipse, at apocentre.
    TwoBody(TwoBody),
    /// Two spherical galaxies on a collision orbit.
    Collision(Collision),
    /// A disc galaxy with a halo and a bulge.
    DiscGalaxy(DiscGalaxy),
    /// An encounter of arbitrary galaxies.
    Encounter(Encounter),
    /// Spheres of very different masses on a uniform background.
    Clumps(Clumps),
    /// Bodies of uniform density.
    Uniform(Uniform),
    /// A periodic box of an expanding universe.
    Cosmology(Cosmological),
}

/// Position and velocity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Position [L].
    pub pos: [f64; 3],
    /// Velocity [L/T].
    pub vel: [f64; 3],
}

/// What is needed of a model to draw its bodies.
trait Recipe {
    /// Number of bodies.
    fn bodies(&self) -> u64;

    /// Seed of the random numbers.
    fn seed(&self) -> u64;

    /// The parts of the model. `constant` is the gravitational constant.
    ///
    /// # Errors
    /// A component has no equilibrium.
    fn components(&self, constant: f64) -> Result<Vec<Component>, String>;

    /// Number of bodies of each galaxy. The ids of the galaxies are consecutive.
    fn galaxies(&self) -> Vec<u64> {
        vec![self.bodies()]
    }

    /// Names of the galaxies, as far as they have some.
    fn galaxy_names(&self) -> Vec<Option<String>> {
        vec![None; self.galaxies().len()]
    }
}

impl Model {
    /// What `job` makes of the recipe of this model.
    fn recipe<T>(&self, job: impl FnOnce(&dyn Recipe) -> T) -> T {
        match self {
            Model::Plummer(model) => job(&(Profile::Plummer, model)),
            Model::Hernquist(model) => job(&(Profile::Hernquist, model)),
            Model::Jaffe(model) => job(&(Profile::Jaffe, model)),
            Model::Isochrone(model) => job(&(Profile::Isochrone, model)),
            Model::Nfw(model) => job(&(Profile::Nfw, model)),
            Model::King(model) => job(model),
            Model::StarCluster(model) => job(model),
            Model::PlanetarySystem(model) => job(model),
            Model::TwoBody(model) => job(model),
            Model::Collision(model) => job(model),
            Model::DiscGalaxy(model) => job(model),
            Model::Encounter(model) => job(model),
            Model::Clumps(model) => job(model),
            Model::Uniform(model) => job(model),
            Model::Cosmology(model) => job(model),
        }
    }

    /// Checks that the bodies of the model can be drawn.
    ///
    /// # Errors
    /// A component has no equilibrium, or a universe is missing or has no power spectrum for the box.
    pub fn check(&self) -> Result<(), String> {
        self.components(1.0).map(|_| ())
    }

    /// Number of bodies.
    pub fn bodies(&self) -> u64 {
        self.recipe(|recipe| recipe.bodies())
    }

    /// Memory per body while the bodies are made, in addition to the bodies [bytes].
    pub fn memory(&self) -> f64 {
        match self {
            Model::Cosmology(model) => model.memory(),
            _ => 0.0,
        }
    }

    /// Number of bodies of each galaxy. The ids of the galaxies are consecutive.
    pub fn galaxies(&self) -> Vec<u64> {
        self.recipe(|recipe| recipe.galaxies())
    }

    /// Names of the galaxies, as far as they have some.
    pub fn galaxy_names(&self) -> Vec<Option<String>> {
        self.recipe(|recipe| recipe.galaxy_names())
    }

    fn seed(&self) -> u64 {
        self.recipe(|recipe| recipe.seed())
    }

    fn components(&self, constant: f64) -> Result<Vec<Component>, String> {
        self.recipe(|recipe| recipe.components(constant))
    }
}

#[cfg(test)]
mod tests;
