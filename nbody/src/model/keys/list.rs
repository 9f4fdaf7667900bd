//! The keys of all models, in one list: a key may belong to several models.

use super::ModelName;
use super::text::name_of_file;
#[cfg(feature = "clap")]
use super::text::{named, pair, type_key};
#[cfg(feature = "clap")]
use super::whole_number;
use crate::model::{Lattice, MassFunction, PlanetKeys, Preset, Profile, UniformShape};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

// Names of `Profile`, `Preset` and `UniformShape`.
#[cfg(feature = "clap")]
const PROFILES: [&str; 5] = ["plummer", "hernquist", "jaffe", "isochrone", "nfw"];
#[cfg(feature = "clap")]
const PRESETS: [&str; 2] = ["milky-way", "andromeda"];
#[cfg(feature = "clap")]
const SHAPES: [&str; 2] = ["box", "ball"];
#[cfg(feature = "clap")]
const MASS_FUNCTIONS: [&str; 3] = ["kroupa", "salpeter", "equal"];

/// The keys of `[initial]`. Each model accepts its own keys, with these defaults, and refuses the
/// others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::Args))]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// A snapshot to start from, instead of a model.
    #[cfg_attr(feature = "clap", arg(skip))]
    #[serde(default, deserialize_with = "name_of_file")]
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
    /// Number of bodies; planetary-system: of small bodies in the belt [default: 0]; two-body has 2.
    #[cfg_attr(feature = "clap", arg(long, value_name = "N", value_parser = whole_number))]
    pub bodies: Option<u64>,
    /// Seed of the random numbers; the same seed gives the same bodies anywhere [default: 0].
    #[cfg_attr(feature = "clap", arg(long, value_name = "S"))]
    pub seed: Option<u64>,
    /// Total mass of the bodies, in the units of the run [default: 1]; star-cluster [default: the
    /// number of stars times their mean mass]; planetary-system: of the star [default: a solar mass].
    #[cfg_attr(feature = "clap", arg(long))]
    pub mass: Option<f64>,
    /// Scale radius of the sphere [default: 1; star-cluster 1 pc]; king: core radius; collision: of the
    /// first galaxy; clumps: of a clump of mean mass [default: 0.02 sides].
    #[cfg_attr(feature = "clap", arg(long))]
    pub radius: Option<f64>,
    /// Largest radius of bodies, in scale radii [default: 20]; jaffe, isochrone, nfw: length of the
    /// density taper, in scale radii [default: 20, nfw 10].
    #[cfg_attr(feature = "clap", arg(long))]
    pub cut: Option<f64>,
    /// Softening length of the run, with the spline kernel [default: 0]. Spheres and disc galaxies are
    /// in equilibrium with it. If it is not 0, the density of plummer and hernquist is tapered too. For
    /// collision, disc-galaxy, and all spheres but king.
    #[cfg_attr(feature = "clap", arg(long))]
    pub softening: Option<f64>,
    /// Central potential W0 of a King sphere: the depth of the centre below the edge in units of
    /// sigma^2, from 0.1 to 15 [default: 6]. Only for king and star-cluster; a star-cluster without it
    /// is a Plummer sphere.
    #[cfg_attr(feature = "clap", arg(long))]
    pub w0: Option<f64>,
    /// Distribution of the masses of stars [default: kroupa]. Only for star-cluster.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<MassFunction>(&MASS_FUNCTIONS)))]
    pub mass_function: Option<MassFunction>,
    /// Least mass of a star, in solar masses [default: 0.08]. Only for star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub least_mass: Option<f64>,
    /// Greatest mass of a star, in solar masses [default: 100]. Only for star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub greatest_mass: Option<f64>,
    /// The solar mass in the units of the run. It sets the mass of the cluster; not together with --mass
    /// [default: that of the units; 1 if G = 1]. Only for star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub solar_mass: Option<f64>,
    /// Fraction of binaries among single stars and binaries, 0 to 1 [default: 0]. Only for
    /// star-cluster.
    #[cfg_attr(feature = "clap", arg(long))]
    pub binaries: Option<f64>,
    /// Least and greatest semi-major axis of binaries [default: 1 to 1000 au]. Only for star-cluster.
    #[cfg_attr(feature = "clap", arg(long, value_name = "LEAST,GREATEST", value_parser = pair))]
    pub binary_axis: Option<[f64; 2]>,
    /// The planets of a planetary system, each with a mass and an orbit.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub planets: Option<Vec<PlanetKeys>>,
    /// Least and greatest semi-major axis of small bodies. Only for planetary-system.
    #[cfg_attr(feature = "clap", arg(long, value_name = "INNER,OUTER", value_parser = pair))]
    pub belt: Option<[f64; 2]>,
    /// Mass of all small bodies; with 0 they are tracers [default: 0]. Only for planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_mass: Option<f64>,
    /// The surface density of small bodies falls as distance^-slope [default: 1.5]. Only for
    /// planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_slope: Option<f64>,
    /// Root mean square of the eccentricities of small bodies [default: 0.01]. Only for
    /// planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_eccentricity: Option<f64>,
    /// Root mean square of the inclinations of small bodies, in degrees [default: half the
    /// eccentricity in radians]. Only for planetary-system.
    #[cfg_attr(feature = "clap", arg(long))]
    pub belt_inclination: Option<f64>,
    /// Mass of the second over that of the first [default: 1]. Only for two-body and collision.
    #[cfg_attr(feature = "clap", arg(long))]
    pub mass_ratio: Option<f64>,
    /// Semi-major axis of the orbit [default: 1]. Only for two-body.
    #[cfg_attr(feature = "clap", arg(long))]
    pub semi_major_axis: Option<f64>,
    /// Eccentricity of the orbit: two-body from 0 to below 1 [default: 0]; collision, encounter: 0
    /// or above, a parabola is 1 [default: 1].
    #[cfg_attr(feature = "clap", arg(long))]
    pub eccentricity: Option<f64>,
    /// Density profile of both galaxies [default: hernquist], cut as the spheres of these names. Only
    /// for collision.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<Profile>(&PROFILES)))]
    pub profile: Option<Profile>,
    /// Fraction of each galaxy's retrograde bodies that are made prograde, 0 to 1 [default: 0]. Only for
    /// collision.
    #[cfg_attr(feature = "clap", arg(long))]
    pub spin: Option<f64>,
    /// Angle between each galaxy's spin and the orbit's, in degrees; 0 is prograde [default: 0,0].
    /// Only for collision.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FIRST,SECOND", value_parser = pair, allow_hyphen_values = true))]
    pub inclination: Option<[f64; 2]>,
    /// Direction to which each spin is inclined, in degrees from the x axis [default: 0,0]. Only for
    /// collision.
    #[cfg_attr(feature = "clap", arg(long, value_name = "FIRST,SECOND", value_parser = pair, allow_hyphen_values = true))]
    pub azimuth: Option<[f64; 2]>,
    /// Closest approach of the centres, as if they were points [default: 2 radii]. Only for
    /// collision and encounter.
    #[cfg_attr(feature = "clap", arg(long))]
    pub pericentre: Option<f64>,
    /// Distance of the centres at the start [default: 20 radii]. Only for collision and encounter.
    #[cfg_attr(feature = "clap", arg(long))]
    pub distance: Option<f64>,
    /// Galaxy that gives the defaults of the other keys, converted to the units of the run [default:
    /// milky-way]. Not with G = 1. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<Preset>(&PRESETS)))]
    pub preset: Option<Preset>,
    /// Fraction of the bodies that are in disc and bulge; the others are in the halo [default: 0.4].
    /// Bodies of disc and bulge have one mass. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub stars: Option<f64>,
    /// Mass of the disc. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disc_mass: Option<f64>,
    /// Scale length of the exponential disc. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disc_length: Option<f64>,
    /// Scale height of the disc, whose density is proportional to sech^2(z / height). Only for
    /// disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub disc_height: Option<f64>,
    /// Least value of Toomre's Q in the disc [default: 1.5]. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub toomre_q: Option<f64>,
    /// Density profile of the halo [default: nfw]. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<Profile>(&PROFILES)))]
    pub halo_profile: Option<Profile>,
    /// Mass of the halo. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub halo_mass: Option<f64>,
    /// Scale radius of the halo. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub halo_radius: Option<f64>,
    /// Length of the density taper of the halo, in its scale radii. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub halo_cut: Option<f64>,
    /// Mass of the bulge, a Hernquist sphere; 0 for none. Only for disc-galaxy.
    #[cfg_attr(feature = "clap", arg(long))]
    pub bulge_mass: Option<f64>,
    /// Scale radius of the bulge. Only for disc-galaxy.
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
    /// Side of the box, or diameter of the ball [default: 1]. Only for clumps and uniform.
    #[cfg_attr(feature = "clap", arg(long))]
    pub side: Option<f64>,
    /// The shape that the bodies fill [default: box]. Only for uniform.
    #[cfg_attr(feature = "clap", arg(long, value_parser = named::<UniformShape>(&SHAPES)))]
    pub shape: Option<UniformShape>,
    /// 2K/|W| of the ball, 0 to 2 [default: 0, at rest]; 1 is virial equilibrium at the start. Only
    /// for uniform.
    #[cfg_attr(feature = "clap", arg(long))]
    pub virial_ratio: Option<f64>,
    /// Number of clumps [default: 300]. Only for clumps.
    #[cfg_attr(feature = "clap", arg(long, value_name = "N"))]
    pub clumps: Option<u64>,
    /// Fraction of the bodies in the background, from 0 to 1 [default: 0.3]. Only for clumps.
    #[cfg_attr(feature = "clap", arg(long))]
    pub background: Option<f64>,
    /// The number of clumps of mass m is proportional to m^-slope; above 1 [default: 2]. Only for
    /// clumps.
    #[cfg_attr(feature = "clap", arg(long))]
    pub slope: Option<f64>,
    /// Number of bodies along a side. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub per_side: Option<u64>,
    /// Order of perturbation theory. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub lpt: Option<u8>,
    /// Where bodies are without displacements. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub lattice: Option<Lattice>,
    /// Density of baryons today, in units of the critical density. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub omega_b: Option<f64>,
    /// Index of the primordial spectrum. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub n_s: Option<f64>,
    /// Temperature of the microwave background today [K]. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub temperature: Option<f64>,
    /// The rms contrast of linear theory today in spheres of 8 Mpc/h. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub sigma8: Option<f64>,
    /// Power of the primordial curvature at 0.05/Mpc. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub a_s: Option<f64>,
    /// File of a tabulated power spectrum. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    #[serde(default, deserialize_with = "name_of_file")]
    pub spectrum: Option<PathBuf>,
    /// Redshift of the table. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub spectrum_redshift: Option<f64>,
    /// Whether each mode has the amplitude of the power spectrum. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub fixed_amplitude: Option<bool>,
    /// Whether all contrasts have the opposite sign. Only for cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub opposite: Option<bool>,
    /// Wave numbers of a plane wave in place of a power spectrum, such as [1, 0, 0]. Only for
    /// cosmology.
    #[cfg_attr(feature = "clap", arg(skip))]
    pub wave: Option<[i64; 3]>,
    /// Redshift at which the sheets of the plane wave cross. Only for cosmology.
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
