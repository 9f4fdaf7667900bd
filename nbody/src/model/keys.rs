//! A model by name and keys: one list for the `[initial]` table of a parameter file, for the options
//! of a command line (feature `clap`) and for the arguments of a script.

use super::cosmological::{INDEX, TEMPERATURE};
use super::{
    Belt, Clumps, Collision, Cosmological, DiscGalaxy, Elements, Encounter, Galaxy, King, Lattice,
    MassFunction, Model, Orbit, Pancake, Placement, Planet, PlanetarySystem, Preset, Profile, Spherical,
    StarCluster, TwoBody, Uniform, UniformShape,
};
use crate::linear::Amplitude;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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

/// Parses a whole number, such as a number of bodies: `100000`, `100_000` or `1e5`.
///
/// # Errors
/// The text is something else, or the number does not fit into 64 bits. The message says what is
/// right.
pub fn whole_number(text: &str) -> Result<u64, String> {
    const MOST: f64 = (1u64 << 53) as f64; // above it, floats skip whole numbers
    let digits = text.replace('_', "");
    let exponential = || {
        let number: f64 = digits.parse().ok()?;
        (number.fract() == 0.0 && (0.0..=MOST).contains(&number)).then_some(number as u64)
    };
    digits
        .parse()
        .ok()
        .or_else(exponential)
        .ok_or_else(|| "must be a whole number, 0 or more, such as 100000, 100_000 or 1e5".to_owned())
}

/// Names of the models, for an error message.
pub const MODELS: &str = "plummer, hernquist, jaffe, isochrone, nfw, king, star-cluster, \
     planetary-system, disc-galaxy, two-body, collision, encounter, clumps, uniform, cosmology";
/// Greatest number of characters of the name of a galaxy.
const LONGEST_NAME: usize = 60;
/// Greatest number of planets. The program stores sums of each for every few thousand bodies.
const MOST_PLANETS: usize = 10_000;
/// Greatest number of clumps. The program stores sums of each clump for every few thousand bodies.
const MOST_CLUMPS: u64 = 10_000;

/// Greatest number of bodies along a side of a universe.
const MOST_PER_SIDE: u64 = 1 << 14;

// Names of `Profile`, `Preset` and `UniformShape`.
#[cfg(feature = "clap")]
const PROFILES: [&str; 5] = ["plummer", "hernquist", "jaffe", "isochrone", "nfw"];
#[cfg(feature = "clap")]
const PRESETS: [&str; 2] = ["milky-way", "andromeda"];
#[cfg(feature = "clap")]
const SHAPES: [&str; 2] = ["box", "ball"];
#[cfg(feature = "clap")]
const MASS_FUNCTIONS: [&str; 3] = ["kroupa", "salpeter", "equal"];

/// A value as an option, by the name that it has in a parameter file.
#[cfg(feature = "clap")]
fn named<T>(names: &'static [&'static str]) -> impl clap::builder::TypedValueParser
where
    T: serde::de::DeserializeOwned + Clone + Send + Sync + 'static,
{
    use clap::builder::TypedValueParser;
    use serde::de::{IntoDeserializer, value};
    clap::builder::PossibleValuesParser::new(names)
        .try_map(|name| T::deserialize(IntoDeserializer::<value::Error>::into_deserializer(name)))
}

/// The keys of `[initial]`. Each model accepts its own keys, with these defaults, and refuses the
/// others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// A snapshot to start from, instead of a model.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub file: Option<PathBuf>,
    /// Whether the snapshot is cosmological, if its header is wrong.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub cosmological: Option<bool>,
    /// The model to make.
    #[cfg_attr(feature = "clap", arg(value_enum, required_unless_present = "from"))]
    pub model: Option<ModelName>,
    /// Types whose bodies get the mass 0, so that they are tracers, as 2,3 or disc,bulge.
    #[cfg_attr(feature = "clap", arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = type_key))]
    pub massless: Option<Vec<TypeKey>>,
    /// Number of bodies (two-body: 2); planetary-system: of the belt [default: 0].
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", value_parser = whole_number))]
    pub bodies: Option<u64>,
    /// Seed of the random numbers; the same seed gives the same bodies anywhere [default: 0].
    #[cfg_attr(feature = "clap", arg(long, value_name = "S"))]
    pub seed: Option<u64>,
    /// Total mass of the bodies, in the units of the run [default: 1]; star-cluster [default: that of
    /// the drawn stars]; planetary-system: of the star.
    #[cfg_attr(feature = "clap", arg(long))]
    pub mass: Option<f64>,
    /// Scale radius of the sphere [default: 1]; king: core radius; collision: of the first galaxy;
    /// clumps: of a clump of mean mass [default: 0.02 sides].
    #[cfg_attr(feature = "clap", arg(long))]
    pub radius: Option<f64>,
    /// Largest radius of bodies, in scale radii [default: 20]; jaffe, isochrone, nfw: length of the
    /// density taper, in scale radii [default: 20, nfw 10].
    #[cfg_attr(feature = "clap", arg(long))]
    pub cut: Option<f64>,
    /// Softening length of the run, with the spline kernel, for which a sphere or a disc galaxy is to
    /// be in equilibrium. If it is not 0, the density of plummer and hernquist is tapered too
    /// [default: 0]. Spheres but king, collision, disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub softening: Option<f64>,
    /// Depth of the centre below the edge in units of sigma^2, from 0.1 to 15 [default: 6]. king;
    /// star-cluster: makes it a King sphere instead of a Plummer sphere.
    #[cfg_attr(feature = "clap", arg(long))]
    pub w0: Option<f64>,
    /// Distribution of the masses of stars [default: kroupa]. star-cluster.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<MassFunction>(&MASS_FUNCTIONS)))]
    pub mass_function: Option<MassFunction>,
    /// Least mass of a star, in solar masses [default: 0.08]. star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub least_mass: Option<f64>,
    /// Greatest mass of a star, in solar masses [default: 100]. star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub greatest_mass: Option<f64>,
    /// The solar mass in the units of the run, which gives the mass of the cluster unless --mass does
    /// [default: 1]. star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub solar_mass: Option<f64>,
    /// Fraction of binaries among single stars and binaries, 0 to 1 [default: 0]. star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub binaries: Option<f64>,
    /// Least and greatest semi-major axis of binaries. star-cluster.
    #[cfg_attr(feature = "clap", arg(long, value_name = "LEAST,GREATEST", value_parser = pair))]
    pub binary_axis: Option<[f64; 2]>,
    /// The planets of a planetary system, each with a mass and an orbit.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub planets: Option<Vec<PlanetKeys>>,
    /// Least and greatest semi-major axis of small bodies. planetary-system.
    #[cfg_attr(feature = "clap", arg(long, value_name = "INNER,OUTER", value_parser = pair))]
    pub belt: Option<[f64; 2]>,
    /// Mass of all small bodies; with 0 they are tracers [default: 0]. planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_mass: Option<f64>,
    /// The surface density of small bodies falls as distance^-slope [default: 1.5]. planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_slope: Option<f64>,
    /// Root mean square of the eccentricities of small bodies [default: 0.01]. planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_eccentricity: Option<f64>,
    /// Root mean square of the inclinations of small bodies, in degrees [default: half the eccentricity
    /// in radians]. planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_inclination: Option<f64>,
    /// Mass of the second over that of the first [default: 1]. two-body, collision.
    #[cfg_attr(feature = "clap", arg(long))]
    pub mass_ratio: Option<f64>,
    /// Semi-major axis of the orbit [default: 1]. two-body.
    #[cfg_attr(feature = "clap", arg(long))]
    pub semi_major_axis: Option<f64>,
    /// Eccentricity of the orbit: two-body from 0 to below 1 [default: 0]; collision, encounter: 0
    /// or above, a parabola is 1 [default: 1].
    #[cfg_attr(feature = "clap", arg(long))]
    pub eccentricity: Option<f64>,
    /// Density profile of both galaxies [default: hernquist], cut as the spheres of these names.
    /// collision.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<Profile>(&PROFILES)))]
    pub profile: Option<Profile>,
    /// Fraction of each galaxy's retrograde bodies whose motion is reversed, 0 to 1 [default: 0].
    /// collision.
    #[cfg_attr(feature = "clap", arg(long))]
    pub spin: Option<f64>,
    /// Angle between each galaxy's spin and the orbit's, in degrees; 0 is prograde [default: 0,0].
    /// collision.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FIRST,SECOND", value_parser = pair, allow_hyphen_values = true))]
    pub inclination: Option<[f64; 2]>,
    /// Direction to which each spin is inclined, in degrees from the x axis [default: 0,0].
    /// collision.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FIRST,SECOND", value_parser = pair, allow_hyphen_values = true))]
    pub azimuth: Option<[f64; 2]>,
    /// Closest approach of the centres, as if they were points [default: 2 radii]. collision,
    /// encounter.
    #[cfg_attr(feature = "clap", arg(long))]
    pub pericentre: Option<f64>,
    /// Distance of the centres at the start [default: 20 radii]. collision, encounter.
    #[cfg_attr(feature = "clap", arg(long))]
    pub distance: Option<f64>,
    /// Galaxy that gives the defaults of the other keys, in kpc and 1e10 solar masses [default:
    /// milky-way]. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<Preset>(&PRESETS)))]
    pub preset: Option<Preset>,
    /// Fraction of the bodies in disc and bulge, which have equal masses; the rest is halo
    /// [default: 0.4]. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub stars: Option<f64>,
    /// Mass of the disc. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disc_mass: Option<f64>,
    /// Scale length of the exponential disc. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disc_length: Option<f64>,
    /// Scale height of the disc, whose density is proportional to sech^2(z / height). disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disc_height: Option<f64>,
    /// Least value of Toomre's Q in the disc [default: 1.5]. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub toomre_q: Option<f64>,
    /// Density profile of the halo [default: nfw]. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<Profile>(&PROFILES)))]
    pub halo_profile: Option<Profile>,
    /// Mass of the halo. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub halo_mass: Option<f64>,
    /// Scale radius of the halo. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub halo_radius: Option<f64>,
    /// Length of the density taper of the halo, in its scale radii. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub halo_cut: Option<f64>,
    /// Mass of the bulge, a Hernquist sphere; 0 for none. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub bulge_mass: Option<f64>,
    /// Scale radius of the bulge. disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub bulge_radius: Option<f64>,
    /// The galaxies of an encounter, each with the keys of its model and the four below.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub galaxies: Option<Vec<Keys>>,
    /// Of a galaxy of an encounter: its name in legends [default: its preset, or the stem of its file].
    #[cfg_attr(feature = "clap", arg(skip))]
    pub name: Option<String>,
    /// Of a galaxy of an encounter: inclination of its disc to the orbit, and argument of the
    /// pericentre [degree].
    #[cfg_attr(feature = "clap", arg(skip))]
    pub orientation: Option<[f64; 2]>,
    /// Of a galaxy of an encounter without an orbit: the position of its centre.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub position: Option<[f64; 3]>,
    /// Of a galaxy of an encounter without an orbit: the velocity of its centre.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub velocity: Option<[f64; 3]>,
    /// Side of the box, or diameter of the ball [default: 1]. clumps, uniform.
    #[cfg_attr(feature = "clap", arg(long))]
    pub side: Option<f64>,
    /// The shape that the bodies fill [default: box]. uniform.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<UniformShape>(&SHAPES)))]
    pub shape: Option<UniformShape>,
    /// 2K/|W| of the ball, 0 to 2 [default: 0, at rest]; 1 is virial equilibrium at the start.
    /// uniform.
    #[cfg_attr(feature = "clap", arg(long))]
    pub virial_ratio: Option<f64>,
    /// Number of clumps [default: 300]. clumps.
    #[cfg_attr(feature = "clap", arg(long, value_name = "N"))]
    pub clumps: Option<u64>,
    /// Fraction of the bodies in the background, from 0 to 1 [default: 0.3]. clumps.
    #[cfg_attr(feature = "clap", arg(long))]
    pub background: Option<f64>,
    /// The number of clumps of mass m is proportional to m^-slope; above 1 [default: 2]. clumps.
    #[cfg_attr(feature = "clap", arg(long))]
    pub slope: Option<f64>,
    /// Number of bodies along a side. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub per_side: Option<u64>,
    /// Order of perturbation theory. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub lpt: Option<u8>,
    /// Where bodies are without displacements. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub lattice: Option<Lattice>,
    /// Density of baryons today, in units of the critical density. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub omega_b: Option<f64>,
    /// Index of the primordial spectrum. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub n_s: Option<f64>,
    /// Temperature of the microwave background today [K]. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub temperature: Option<f64>,
    /// The rms contrast of linear theory today in spheres of 8 Mpc/h. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub sigma8: Option<f64>,
    /// Power of the primordial curvature at 0.05/Mpc. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub a_s: Option<f64>,
    /// File of a tabulated power spectrum. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub spectrum: Option<PathBuf>,
    /// Redshift of the table. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub spectrum_redshift: Option<f64>,
    /// Whether each mode has the amplitude of the power spectrum. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub fixed_amplitude: Option<bool>,
    /// Whether all contrasts have the opposite sign. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub opposite: Option<bool>,
    /// Wave numbers of a plane wave in place of a power spectrum, such as [1, 0, 0]. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub wave: Option<[i64; 3]>,
    /// Redshift at which the sheets of the plane wave cross. cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub caustic_redshift: Option<f64>,
}

/// A particle type in a parameter file, by number or by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TypeKey {
    /// Its number.
    Number(u64),
    /// Its name.
    Name(String),
}

/// A particle type by number or by name.
#[cfg(feature = "clap")]
fn type_key(text: &str) -> Result<TypeKey, String> {
    let text = text.trim();
    Ok(text.parse().map_or_else(|_| TypeKey::Name(text.to_owned()), TypeKey::Number))
}

/// The keys of a planet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanetKeys {
    /// Mass [M].
    #[serde(default)]
    pub mass: f64,
    /// Semi-major axis [L].
    pub semi_major_axis: f64,
    /// Eccentricity.
    #[serde(default)]
    pub eccentricity: f64,
    /// Inclination to the x-y plane [degree].
    #[serde(default)]
    pub inclination: f64,
    /// Longitude of the ascending node [degree].
    #[serde(default)]
    pub node: f64,
    /// Argument of the pericentre [degree].
    #[serde(default)]
    pub pericentre: f64,
    /// Mean anomaly [degree].
    #[serde(default)]
    pub anomaly: f64,
}

/// Two numbers with a comma between.
#[cfg(feature = "clap")]
fn pair(text: &str) -> Result<[f64; 2], String> {
    let number = |part: &str| part.trim().parse().ok().filter(|number: &f64| number.is_finite());
    let numbers: Option<Vec<f64>> = text.split(',').map(number).collect();
    let pair = numbers.and_then(|numbers| numbers.try_into().ok());
    pair.ok_or_else(|| "must be two finite numbers with a comma between, such as 0,60".to_owned())
}

impl Keys {
    /// The model of this name, from these keys.
    ///
    /// The universe of the model `cosmology` is missing; [`Model::check`] says so.
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

    fn spherical(&mut self, profile: Profile) -> Result<Spherical, String> {
        let radius = positive("radius", self.radius.take(), 1.0)?;
        Ok(Spherical {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            radius,
            cut: self.cut(profile)?,
            softening: self.softening(radius)?,
        })
    }

    /// Limit of the radius or length of the taper [scale radii].
    fn cut(&mut self, profile: Profile) -> Result<f64, String> {
        let softened = self.softening.is_some_and(|softening| softening > 0.0);
        let default = if profile == Profile::Nfw { 10.0 } else { 20.0 };
        match profile {
            Profile::Plummer | Profile::Hernquist if !softened => positive("cut", self.cut.take(), default),
            _ => taper("cut", self.cut.take(), default),
        }
    }

    fn softening(&mut self, radius: f64) -> Result<f64, String> {
        self.softening_below("the scale radius", radius)
    }

    fn softening_below(&mut self, name: &str, length: f64) -> Result<f64, String> {
        let above = length * (1.0 + f64::EPSILON);
        within("softening", self.softening.take(), 0.0, 0.0..above, &format!("from 0 to {name}"))
    }

    fn king(&mut self) -> Result<King, String> {
        Ok(King {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            radius: positive("radius", self.radius.take(), 1.0)?,
            w0: within("w0", self.w0.take(), 6.0, 0.1..15.0 + f64::EPSILON * 8.0, "from 0.1 to 15")?,
        })
    }

    fn star_cluster(&mut self) -> Result<StarCluster, String> {
        let one = 1.0 + f64::EPSILON;
        let least = within("least_mass", self.least_mass.take(), 0.08, 1e-6..1e6, "from 1e-6 to below 1e6")?;
        let greatest = self.greatest_mass.take().unwrap_or(100.0);
        if !(greatest >= least && greatest < 1e9) {
            return Err(format!(
                "greatest_mass = {greatest:?}: must not be below least_mass, {least:?}, and be below 1e9"
            ));
        }
        let mass_function = self.mass_function.take().unwrap_or_default();
        if least == greatest && mass_function != MassFunction::Equal {
            return Err(format!(
                "greatest_mass = {greatest:?}: must be above least_mass, unless mass_function is \"equal\""
            ));
        }
        let bodies = self.bodies(1)?;
        let sun = self.solar_mass.take();
        if sun.is_some() && self.mass.is_some() {
            return Err("give either `mass` or `solar_mass`: with a mass, the stars are scaled to it".into());
        }
        let mean = StarCluster::mean_mass(mass_function, [least, greatest]);
        let drawn = positive("solar_mass", sun, 1.0)? * bodies as f64 * mean;
        let w0 = self.w0.take();
        if let Some(w0) = w0 {
            within("w0", Some(w0), 6.0, 0.1..15.0 + f64::EPSILON * 8.0, "from 0.1 to 15")?;
        } else {
            self.cut = Some(positive("cut", self.cut.take(), 20.0)?);
        }
        let binaries = within("binaries", self.binaries.take(), 0.0, 0.0..one, "from 0 to 1")?;
        let binary_axis = self.binary_axis.take();
        match binary_axis {
            Some(axes) => rising("binary_axis", axes)?,
            None if binaries > 0.0 => {
                return Err("`binary_axis` is missing: least and greatest semi-major axis of binaries".into());
            }
            None => {}
        }
        Ok(StarCluster {
            bodies,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), drawn)?,
            radius: positive("radius", self.radius.take(), 1.0)?,
            w0,
            cut: if w0.is_none() { self.cut.take() } else { None },
            mass_function,
            least_mass: least,
            greatest_mass: greatest,
            binaries,
            binary_axis,
        })
    }

    fn planetary_system(&mut self) -> Result<PlanetarySystem, String> {
        let star = positive("mass", self.mass.take(), 1.0)?;
        let list = self.planets.take().unwrap_or_default();
        if list.len() > MOST_PLANETS {
            return Err(format!("planets: must be at most {MOST_PLANETS}; a belt may have more bodies"));
        }
        let planet = |(k, keys): (usize, PlanetKeys)| keys.planet().map_err(|e| format!("planets.{k}: {e}"));
        let planets = list.into_iter().enumerate().map(planet).collect::<Result<Vec<_>, _>>()?;
        let bodies = self.bodies.take().unwrap_or(0);
        let belt = match self.belt.take() {
            _ if bodies == 0 => None,
            None => return Err("`belt` is missing: inner and outer semi-major axis of the bodies".into()),
            Some(belt) => {
                rising("belt", belt)?;
                let belt_eccentricity = within(
                    "belt_eccentricity",
                    self.belt_eccentricity.take(),
                    0.01,
                    0.0..0.5 + f64::EPSILON,
                    "from 0 to 0.5",
                )?;
                let belt_inclination = within(
                    "belt_inclination",
                    self.belt_inclination.take(),
                    (0.5 * belt_eccentricity).to_degrees(),
                    0.0..60.0 + 1e-12,
                    "from 0 to 60",
                )?;
                Some(Belt {
                    bodies,
                    belt_mass: none_or("belt_mass", self.belt_mass.take())?,
                    belt,
                    belt_slope: within(
                        "belt_slope",
                        self.belt_slope.take(),
                        1.5,
                        -10.0..10.0,
                        "from -10 to below 10",
                    )?,
                    belt_eccentricity,
                    belt_inclination,
                    star,
                })
            }
        };
        if planets.is_empty() && belt.is_none() {
            return Err("give `planets`, [[initial.planets]] each, or `bodies` and a `belt`".to_owned());
        }
        let seed = self.seed.take().unwrap_or(0);
        Ok(PlanetarySystem { seed, mass: star, planets, belt })
    }

    fn two_body(&mut self) -> Result<TwoBody, String> {
        if let Some(bodies) = self.bodies.take().filter(|&bodies| bodies != 2) {
            return Err(format!("bodies = {bodies}: must be 2 for two-body"));
        }
        self.seed = None; // a two-body model has no random numbers
        Ok(TwoBody {
            mass: positive("mass", self.mass.take(), 1.0)?,
            mass_ratio: positive("mass_ratio", self.mass_ratio.take(), 1.0)?,
            semi_major_axis: positive("semi_major_axis", self.semi_major_axis.take(), 1.0)?,
            eccentricity: within(
                "eccentricity",
                self.eccentricity.take(),
                0.0,
                0.0..1.0,
                "from 0 to below 1",
            )?,
        })
    }

    fn collision(&mut self) -> Result<Collision, String> {
        let radius = positive("radius", self.radius.take(), 1.0)?;
        let orbit = self.orbit(2.0 * radius, 20.0 * radius)?;
        let profile = self.profile.take().unwrap_or(Profile::Hernquist);
        Ok(Collision {
            bodies: self.bodies(2)?,
            seed: self.seed.take().unwrap_or(0),
            profile,
            mass: positive("mass", self.mass.take(), 1.0)?,
            mass_ratio: positive("mass_ratio", self.mass_ratio.take(), 1.0)?,
            radius,
            cut: self.cut(profile)?,
            softening: self.softening(radius)?,
            spin: within("spin", self.spin.take(), 0.0, 0.0..1.0 + f64::EPSILON, "from 0 to 1")?,
            inclination: angles("inclination", self.inclination.take())?,
            azimuth: angles("azimuth", self.azimuth.take())?,
            orbit,
        })
    }

    fn orbit(&mut self, pericentre: f64, distance: f64) -> Result<Orbit, String> {
        let pericentre = positive("pericentre", self.pericentre.take(), pericentre)?;
        let distance = positive("distance", self.distance.take(), distance)?;
        let eccentricity =
            within("eccentricity", self.eccentricity.take(), 1.0, 0.0..1e60, "0 or above, below 1e60")?;
        if distance < pericentre {
            return Err(format!("distance = {distance:?}: must not be below the pericentre {pericentre:?}"));
        }
        let apocentre = pericentre * (1.0 + eccentricity) / (1.0 - eccentricity);
        if eccentricity < 1.0 && distance > apocentre * (1.0 + 1e-12) {
            return Err(format!("distance = {distance:?}: must not be above the apocentre {apocentre:?}"));
        }
        Ok(Orbit { pericentre, eccentricity, distance })
    }

    fn disc_galaxy(&mut self) -> Result<DiscGalaxy, String> {
        let preset = self.preset.take().unwrap_or(Preset::MilkyWay).galaxy();
        let bulge_mass = self.bulge_mass.take();
        let height = positive("disc_height", self.disc_height.take(), preset.disc_height)?;
        Ok(DiscGalaxy {
            bodies: self.bodies(10)?,
            seed: self.seed.take().unwrap_or(0),
            stars: within("stars", self.stars.take(), preset.stars, 1e-6..1.0, "from 1e-6 to below 1")?,
            disc_mass: positive("disc_mass", self.disc_mass.take(), preset.disc_mass)?,
            disc_length: positive("disc_length", self.disc_length.take(), preset.disc_length)?,
            disc_height: height,
            toomre_q: positive("toomre_q", self.toomre_q.take(), preset.toomre_q)?,
            halo_profile: self.halo_profile.take().unwrap_or(preset.halo_profile),
            halo_mass: positive("halo_mass", self.halo_mass.take(), preset.halo_mass)?,
            halo_radius: positive("halo_radius", self.halo_radius.take(), preset.halo_radius)?,
            halo_cut: taper("halo_cut", self.halo_cut.take(), preset.halo_cut)?,
            bulge_mass: within(
                "bulge_mass",
                bulge_mass,
                preset.bulge_mass,
                0.0..1e60,
                "0 or above, below 1e60",
            )?,
            bulge_radius: positive("bulge_radius", self.bulge_radius.take(), preset.bulge_radius)?,
            softening: self.softening_below("disc_height", height)?,
        })
    }

    fn encounter(&mut self) -> Result<Encounter, String> {
        let (seed, orbit, parts) = self.parts()?;
        let galaxy = |(k, (placement, mut keys)): (usize, (Placement, Keys))| {
            let label = keys.galaxy_name();
            let name = keys.model.take().ok_or_else(|| format!("give `model = \"...\"`, one of {MODELS}"));
            let model = name.and_then(|name| keys.into_model(name));
            let galaxy = label.and_then(|name| Ok(Galaxy { name, model: model?, placement }));
            galaxy.map_err(|e| format!("galaxies.{k}: {e}"))
        };
        let galaxies = parts.into_iter().enumerate().map(galaxy).collect::<Result<_, _>>()?;
        Ok(Encounter { seed, orbit, galaxies })
    }

    /// Seed and orbit of an encounter, and for each galaxy its placement and the other keys.
    ///
    /// # Errors
    /// A value is out of range, or a key is missing.
    #[allow(clippy::type_complexity)]
    pub fn parts(&mut self) -> Result<(u64, Option<Orbit>, Vec<(Placement, Keys)>), String> {
        let Some(list) = self.galaxies.take().filter(|list| !list.is_empty()) else {
            return Err("`galaxies` is missing: a list of models, [[initial.galaxies]] each".to_owned());
        };
        let seed = self.seed.take().unwrap_or(0);
        let on_orbit = list.iter().all(|galaxy| galaxy.position.is_none() && galaxy.velocity.is_none());
        let orbit = if on_orbit {
            if list.len() != 2 {
                return Err(format!(
                    "an orbit is for two galaxies: give each of the {} a `position`",
                    list.len()
                ));
            }
            if self.pericentre.is_none() || self.distance.is_none() {
                return Err("give `pericentre` and `distance`, or each galaxy a `position`".to_owned());
            }
            Some(self.orbit(1.0, 1.0)?)
        } else {
            None
        };
        let galaxy =
            |(k, keys): (usize, Keys)| keys.into_part(seed).map_err(|e| format!("galaxies.{k}: {e}"));
        let galaxies = list.into_iter().enumerate().map(galaxy).collect::<Result<_, _>>()?;
        Ok((seed, orbit, galaxies))
    }

    /// Takes the name of a galaxy of an encounter. Without one, it is that of the preset or of the file.
    ///
    /// # Errors
    /// If the name is empty or too long.
    pub fn galaxy_name(&mut self) -> Result<Option<String>, String> {
        let of_preset = || {
            let name = serde_json::to_value(self.preset?).ok()?;
            name.as_str().map(str::to_owned)
        };
        let stem = || Some(self.file.as_ref()?.file_stem()?.to_string_lossy().into_owned());
        let default = stem().or_else(of_preset);
        let Some(name) = self.name.take() else { return Ok(default) };
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control)
        {
            return Err(format!("name = {name:?}: must have from 1 to {LONGEST_NAME} printable characters"));
        }
        Ok(Some(name))
    }

    /// A galaxy of an encounter. `seed` is the seed of the encounter.
    fn into_part(mut self, seed: u64) -> Result<(Placement, Keys), String> {
        let orientation = angles("orientation", self.orientation.take())?;
        let (position, velocity) = (self.position.take(), self.velocity.take());
        if let Some(bad) = [position, velocity].into_iter().flatten().flatten().find(|x| !x.is_finite()) {
            return Err(format!("position or velocity: {bad:?} must be finite"));
        }
        if self.seed.is_some_and(|own| own != seed) {
            return Err("`seed` belongs beside the galaxies, one for all".to_owned());
        }
        let draws = self.file.is_none() && self.model != Some(ModelName::TwoBody);
        self.seed = draws.then_some(seed);
        Ok((Placement { orientation, position, velocity }, self))
    }

    fn clumps(&mut self) -> Result<Clumps, String> {
        let side = positive("side", self.side.take(), 1.0)?;
        let clumps = self.clumps.take().unwrap_or(300);
        if !(1..=MOST_CLUMPS).contains(&clumps) {
            return Err(format!("clumps = {clumps}: must be from 1 to {MOST_CLUMPS}"));
        }
        let one = 1.0 + f64::EPSILON;
        Ok(Clumps {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            clumps,
            background: within("background", self.background.take(), 0.3, 0.0..one, "from 0 to 1")?,
            slope: within("slope", self.slope.take(), 2.0, one..1e3, "above 1, below 1000")?,
            side,
            radius: positive("radius", self.radius.take(), 0.02 * side)?,
            cut: positive("cut", self.cut.take(), 20.0)?,
        })
    }

    fn uniform(&mut self) -> Result<Uniform, String> {
        let shape = self.shape.take().unwrap_or(UniformShape::Box);
        let above_two = 2.0 + 2.0 * f64::EPSILON;
        let virial_ratio =
            within("virial_ratio", self.virial_ratio.take(), 0.0, 0.0..above_two, "from 0 to 2")?;
        if shape == UniformShape::Box && virial_ratio > 0.0 {
            return Err(format!(
                "virial_ratio = {virial_ratio:?}: has no meaning for a box; give `shape = \"ball\"`"
            ));
        }
        Ok(Uniform {
            bodies: self.bodies(1)?,
            seed: self.seed.take().unwrap_or(0),
            mass: positive("mass", self.mass.take(), 1.0)?,
            shape,
            side: positive("side", self.side.take(), 1.0)?,
            virial_ratio,
        })
    }

    fn cosmology(&mut self) -> Result<Cosmological, String> {
        let per_side =
            self.per_side.take().ok_or("`per_side` is missing: the number of bodies along a side")?;
        if !(2..=MOST_PER_SIDE).contains(&per_side) || per_side % 2 == 1 {
            return Err(format!("per_side = {per_side}: must be an even number from 2 to {MOST_PER_SIDE}"));
        }
        if let Some(wave) = self.wave.take() {
            return self.pancake(per_side, wave);
        }
        let lpt = self.lpt.take().unwrap_or(2);
        if !(1..=3).contains(&lpt) {
            return Err(format!("lpt = {lpt}: must be 1 (Zel'dovich), 2 or 3"));
        }
        let spectrum = self.spectrum.take();
        let amplitude = match (self.sigma8.take(), self.a_s.take()) {
            (Some(_), Some(_)) => return Err("give either `sigma8` or `a_s`, not both".to_owned()),
            (Some(sigma8), None) => {
                Some(Amplitude::Sigma8(within("sigma8", Some(sigma8), 0.8, 1e-6..100.0, "from 1e-6 to 100")?))
            }
            (None, Some(_)) if spectrum.is_some() => {
                return Err("`a_s` has no meaning with `spectrum`: give `sigma8`, or neither for the amplitude of the table".to_owned());
            }
            (None, Some(a_s)) => Some(Amplitude::Primordial(within(
                "a_s",
                Some(a_s),
                2e-9,
                1e-20..1.0,
                "above 0, such as 2.1e-9",
            )?)),
            (None, None) if spectrum.is_none() => {
                return Err(
                    "give the amplitude as `sigma8` or `a_s`, or the file of a power spectrum as `spectrum`"
                        .to_owned(),
                );
            }
            (None, None) => None,
        };
        // Without a table, the shape of the spectrum follows from these.
        let (mut omega_b, mut n_s, mut temperature, mut spectrum_redshift) = (None, None, None, None);
        if spectrum.is_some() {
            let redshift = self.spectrum_redshift.take();
            redshift
                .ok_or("`spectrum_redshift` is missing: the redshift for which the table was computed")?;
            let above = "from 0 to 2000";
            spectrum_redshift = Some(within("spectrum_redshift", redshift, 0.0, 0.0..2000.1, above)?);
        } else {
            let given = self.omega_b.take();
            given.ok_or("`omega_b` is missing: the density of baryons, such as 0.049")?;
            omega_b = Some(within("omega_b", given, 0.0, 1e-6..10.0, "from 1e-6 to below omega_m")?);
            n_s = Some(within("n_s", self.n_s.take(), INDEX, 0.0..2.0, "from 0 to below 2")?);
            let kelvin = "from 1 to 10 kelvin";
            temperature =
                Some(within("temperature", self.temperature.take(), TEMPERATURE, 1.0..10.1, kelvin)?);
        }
        Ok(Cosmological {
            per_side,
            seed: self.seed.take().unwrap_or(0),
            lpt,
            lattice: self.lattice.take().unwrap_or_default(),
            omega_b,
            n_s,
            temperature,
            amplitude,
            spectrum,
            spectrum_redshift,
            fixed_amplitude: self.fixed_amplitude.take().unwrap_or(false),
            opposite: self.opposite.take().unwrap_or(false),
            pancake: None,
            universe: None,
            table: None,
        })
    }

    /// A plane wave in place of a power spectrum.
    fn pancake(&mut self, per_side: u64, wave: [i64; 3]) -> Result<Cosmological, String> {
        let least = per_side / 2;
        if wave == [0; 3] || wave.iter().any(|w| w.unsigned_abs() >= least) {
            return Err(format!(
                "wave = {wave:?}: must not be zero, and each number must be below per_side / 2 = {least}"
            ));
        }
        let given = self.caustic_redshift.take();
        given.ok_or("`caustic_redshift` is missing: the redshift at which the sheets of the wave cross")?;
        let caustic_redshift = within("caustic_redshift", given, 0.0, 0.0..2000.1, "from 0 to 2000")?;
        Ok(Cosmological {
            per_side,
            seed: 0,
            lpt: 1,
            lattice: self.lattice.take().unwrap_or_default(),
            omega_b: None,
            n_s: None,
            temperature: None,
            amplitude: None,
            spectrum: None,
            spectrum_redshift: None,
            fixed_amplitude: true,
            opposite: self.opposite.take().unwrap_or(false),
            pancake: Some(Box::new(Pancake { wave, caustic_redshift })),
            universe: None,
            table: None,
        })
    }

    fn bodies(&mut self, least: u64) -> Result<u64, String> {
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

fn within(
    name: &str,
    value: Option<f64>,
    default: f64,
    range: std::ops::Range<f64>,
    expected: &str,
) -> Result<f64, String> {
    let value = value.unwrap_or(default);
    if range.contains(&value) { Ok(value) } else { Err(format!("{name} = {value:?}: must be {expected}")) }
}

fn positive(name: &str, value: Option<f64>, default: f64) -> Result<f64, String> {
    // Squares and cubes of it, and quotients of these, must be numbers.
    within(name, value, default, 1e-60..1e60, "above 0, from 1e-60 to 1e60")
}

/// A value that may be 0. 0 is the default.
fn none_or(name: &str, value: Option<f64>) -> Result<f64, String> {
    within(name, value, 0.0, 0.0..1e60, "0 or above, below 1e60")
}

/// Checks that two lengths are above 0 and rise.
fn rising(name: &str, [from, to]: [f64; 2]) -> Result<(), String> {
    if from >= 1e-60 && from < to && to < 1e60 {
        Ok(())
    } else {
        Err(format!("{name} = [{from:?}, {to:?}]: must be two rising lengths above 0, from 1e-60 to 1e60"))
    }
}

impl PlanetKeys {
    fn planet(self) -> Result<Planet, String> {
        let PlanetKeys { mass, semi_major_axis, eccentricity, inclination, node, pericentre, anomaly } = self;
        none_or("mass", Some(mass))?;
        positive("semi_major_axis", Some(semi_major_axis), 1.0)?;
        within("eccentricity", Some(eccentricity), 0.0, 0.0..1.0, "from 0 to below 1")?;
        for (name, angle) in
            [("inclination", inclination), ("node", node), ("pericentre", pericentre), ("anomaly", anomaly)]
        {
            if !(-1e6..=1e6).contains(&angle) {
                return Err(format!("{name} = {angle:?}: must be an angle in degrees"));
            }
        }
        let orbit = Elements { semi_major_axis, eccentricity, inclination, node, pericentre, anomaly };
        Ok(Planet { mass, orbit })
    }
}

/// A taper length [scale radii].
fn taper(name: &str, value: Option<f64>, default: f64) -> Result<f64, String> {
    within(name, value, default, 0.01..1e6, "from 0.01 to below 1e6")
}

fn angles(name: &str, value: Option<[f64; 2]>) -> Result<[f64; 2], String> {
    let angles = value.unwrap_or_default();
    if angles.iter().all(|angle| angle.is_finite()) {
        Ok(angles)
    } else {
        Err(format!("{name} = {angles:?}: must be two angles in degrees"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_have_underscores_and_exponents() {
        for (text, number) in [
            ("100000", 100_000),
            ("100_000", 100_000),
            ("1e5", 100_000),
            ("2.5e3", 2500),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(whole_number(text), Ok(number));
        }
        for text in ["", "_", "-1", "1.5", "1e-3", "1e30", "inf", "nan", "18446744073709551616", "many"] {
            assert!(whole_number(text).is_err(), "{text}");
        }
    }
}
