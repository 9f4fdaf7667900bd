//! A model by name and keys: one list for the `[initial]` table of a parameter file, for the options
//! of a command line (feature `clap`) and for the arguments of a script.

mod list;
mod physical;
pub(super) mod range;
mod text;

pub use list::{Keys, TypeKey};
pub use physical::Physical;
pub use text::whole_number;

use super::{Model, Profile};
use serde::{Deserialize, Serialize};

/// The model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum ModelName {
    /// A sphere of Plummer (1911): a core, and a density that falls as r^-5.
    Plummer,
    /// A sphere of Hernquist (1990): a cusp r^-1, and a density that falls as r^-4.
    Hernquist,
    /// A sphere of Jaffe (1983): a cusp r^-2, and a density that falls as r^-4.
    Jaffe,
    /// The isochrone sphere of Henon (1959): a core, and a density that falls as r^-4.
    Isochrone,
    /// A sphere of Navarro, Frenk & White (1996): a cusp r^-1, and a density that falls as r^-3.
    Nfw,
    /// A sphere of King (1966): a star cluster that ends at a finite radius.
    King,
    /// Stars of different masses, single and in binaries, in a sphere of Plummer or King.
    StarCluster,
    /// A star, its planets (only in a parameter file, see --from), and a belt of small bodies.
    PlanetarySystem,
    /// Two bodies on a Kepler ellipse in the x-y plane, starting at apocentre.
    TwoBody,
    /// Two spherical galaxies that collide in the x-y plane.
    Collision,
    /// An exponential disc with a halo and a bulge, rotating about the z axis.
    DiscGalaxy,
    /// An encounter of any galaxies: a list `galaxies` of models, only in a parameter file (see
    /// --from).
    Encounter,
    /// Plummer spheres of very different mass on a uniform background in a box.
    Clumps,
    /// Bodies that fill a box or a ball evenly, at rest or with velocities.
    Uniform,
    /// A periodic box of an expanding universe, only in a parameter file (see --from).
    Cosmology,
}

/// Names of the models, for an error message.
pub const MODELS: &str = "plummer, hernquist, jaffe, isochrone, nfw, king, star-cluster, \
     planetary-system, disc-galaxy, two-body, collision, encounter, clumps, uniform, cosmology";

impl Keys {
    /// The model of this name, from these keys.
    ///
    /// The universe of the model `cosmology` is missing; [`Model::check`] says so. Unless
    /// [`Keys::complete`] is called first, defaults are in galactic units and the solar mass is 1.
    ///
    /// # Errors
    /// A value is out of range, a key belongs to another model, or there is no equilibrium.
    pub fn into_model(mut self, name: ModelName) -> Result<Model, String> {
        let model = match name {
            ModelName::Plummer => Model::Plummer(self.spherical(Profile::Plummer)?),
            ModelName::Hernquist => Model::Hernquist(self.spherical(Profile::Hernquist)?),
            ModelName::Jaffe => Model::Jaffe(self.spherical(Profile::Jaffe)?),
            ModelName::Isochrone => Model::Isochrone(self.spherical(Profile::Isochrone)?),
            ModelName::Nfw => Model::Nfw(self.spherical(Profile::Nfw)?),
            ModelName::King => Model::King(self.king()?),
            ModelName::StarCluster => Model::StarCluster(self.star_cluster()?),
            ModelName::PlanetarySystem => Model::PlanetarySystem(self.planetary_system()?),
            ModelName::TwoBody => Model::TwoBody(self.two_body()?),
            ModelName::Collision => Model::Collision(self.collision()?),
            ModelName::DiscGalaxy => Model::DiscGalaxy(self.disc_galaxy()?),
            ModelName::Encounter => Model::Encounter(self.encounter()?),
            ModelName::Clumps => Model::Clumps(self.clumps()?),
            ModelName::Uniform => Model::Uniform(self.uniform()?),
            ModelName::Cosmology => Model::Cosmology(self.cosmology()?),
        };
        // The universe of a box is in other tables, and is not here yet.
        if name != ModelName::Cosmology {
            model.check()?;
        }
        self.finish(model, "this model")
    }

    /// The number of bodies.
    pub(in crate::model) fn bodies(&mut self, least: u64) -> Result<u64, String> {
        match self.bodies.take() {
            None => Err("`bodies` is missing: how many to make".to_owned()),
            Some(bodies) if bodies < least => Err(format!("bodies = {bodies}: must be at least {least}")),
            Some(bodies) => Ok(bodies),
        }
    }

    /// `made`, unless a key is left over.
    ///
    /// # Errors
    /// Names the first key that is left over.
    pub fn finish<T>(self, made: T, what: &str) -> Result<T, String> {
        match serde_json::to_value(self).expect("keys are plain values") {
            serde_json::Value::Object(keys) => match keys.iter().find(|(_, value)| !value.is_null()) {
                None => Ok(made),
                Some((key, _)) => Err(format!("`{key}` has no meaning for {what}")),
            },
            _ => Ok(made),
        }
    }
}
