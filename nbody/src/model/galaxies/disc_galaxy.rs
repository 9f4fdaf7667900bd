//! A disc galaxy with a disc, a halo and a bulge. Each component is in equilibrium in the potential
//! of all.

use super::disc::{Disc, Layer};
use crate::model::component::{Component, Shape};
use crate::model::keys::range::{positive, taper, within};
use crate::model::spheres::{self, Tapered};
use crate::model::{Keys, Profile, Recipe, Sphere};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Taper length of a bulge [scale radii].
const BULGE_CUT: f64 = 20.0;
/// Particle types as in GADGET.
const HALO: u8 = 1;
const DISC: u8 = 2;
const BULGE: u8 = 3;

/// A disc galaxy that rotates about the z axis. The velocities of the disc are drawn from their
/// moments, see `disc`. Those of halo and bulge are drawn from Eddington's distribution function in
/// the potential of all components, with a spherical average of the disc.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiscGalaxy {
    /// Number of bodies of all components.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Fraction of the bodies that are in disc and bulge. These bodies have equal masses. The other
    /// bodies are in the halo.
    pub stars: f64,
    /// Mass of the disc [M].
    pub disc_mass: f64,
    /// Scale length of the disc [L].
    pub disc_length: f64,
    /// Scale height of the disc [L].
    pub disc_height: f64,
    /// Minimum of Toomre's Q in the disc.
    pub toomre_q: f64,
    /// Density profile of the halo.
    pub halo_profile: Profile,
    /// Mass of the halo [M].
    pub halo_mass: f64,
    /// Scale radius of the halo [L].
    pub halo_radius: f64,
    /// Taper length of the halo [scale radii].
    pub halo_cut: f64,
    /// Mass of the bulge, a Hernquist sphere [M]. 0 for no bulge.
    pub bulge_mass: f64,
    /// Scale radius of the bulge [L].
    pub bulge_radius: f64,
    /// Softening length of the run, with the spline kernel, for which the galaxy is to be in
    /// equilibrium [L].
    pub softening: f64,
}

/// A galaxy by name; its units are kpc and 1e10 solar masses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The Milky Way of McMillan (2017, MNRAS 465, 76), without gas; see [`Preset::galaxy`] for our
    /// choices.
    #[default]
    MilkyWay,
    /// Andromeda of Fardal et al. (2007, MNRAS 380, 15).
    Andromeda,
}

impl Preset {
    /// Parameters of the galaxy, with a number of bodies of 0.
    ///
    /// Milky Way. The masses are McMillan's estimates with their errors: 130 +- 30 for the halo
    /// within its virial radius of 228 kpc, and 5.43 +- 0.57 for all stars. Lengths are from his best model
    /// (`PJM17_best.Tpot` of his program GalPot). There, the two stellar discs have masses of 3.52
    /// and 1.05 and lengths of 2.50 and 3.02 kpc, with a mass-weighted mean of 2.62. The bulge has
    /// a mass of 0.89, and the halo has a scale radius of 19.57 kpc.
    ///
    /// The halo is tapered at 20 scale radii, beyond the virial radius, and has 130 within it. A third
    /// of its mass lies outside. The density well inside is 4 % above McMillan's. Height, bulge and Q
    /// are our choice. The sech^2 disc has the height at which it falls as exp(-z / 0.3
    /// kpc), like the thin disc. A Hernquist sphere replaces the flattened bulge, with half of its
    /// mass within 1.4 kpc instead of 1.0.
    ///
    /// Andromeda. Bulge, disc and halo are as other programs quote them from Fardal et al. The
    /// height and Q are our choice. Fardal et al. build on Geehan et al. (2006, MNRAS 366, 996),
    /// who have twice the disc mass (7.2) and a lighter halo (71). Observations hardly distinguish
    /// the two. Because of the taper, the halo has 10 % less mass within 30 kpc than one that ends
    /// at 195 kpc.
    pub fn galaxy(self) -> DiscGalaxy {
        let common = DiscGalaxy {
            bodies: 0,
            seed: 0,
            stars: 0.4,
            disc_mass: 4.5,
            disc_length: 2.6,
            disc_height: 0.6,
            toomre_q: 1.5,
            halo_profile: Profile::Nfw,
            halo_mass: 192.0,
            halo_radius: 19.6,
            halo_cut: 20.0,
            bulge_mass: 0.92,
            bulge_radius: 0.6,
            softening: 0.0,
        };
        match self {
            Preset::MilkyWay => common,
            Preset::Andromeda => DiscGalaxy {
                disc_mass: 3.66,
                disc_length: 5.4,
                disc_height: 0.6,
                halo_mass: 88.0,
                halo_radius: 7.63,
                halo_cut: 25.5,
                bulge_mass: 3.24,
                bulge_radius: 0.61,
                ..common
            },
        }
    }
}

impl DiscGalaxy {
    fn layer(&self) -> Layer {
        Layer { mass: self.disc_mass, length: self.disc_length, height: self.disc_height }
    }

    fn halo(&self) -> Tapered {
        let halo = Tapered::new(self.halo_profile, self.halo_mass, self.halo_radius, self.halo_cut);
        self.softened(halo)
    }

    fn softened(&self, sphere: Tapered) -> Tapered {
        if self.softening > 0.0 { sphere.softened(self.softening) } else { sphere }
    }

    fn bulge(&self) -> Option<Tapered> {
        let bulge = || Tapered::new(Profile::Hernquist, self.bulge_mass, self.bulge_radius, BULGE_CUT);
        (self.bulge_mass > 0.0).then(|| self.softened(bulge()))
    }

    /// Number of bodies of halo, disc and bulge. It is at least 1 for each component with mass.
    fn counts(&self) -> [u64; 3] {
        let has_bulge = u64::from(self.bulge_mass > 0.0);
        let stars = (self.stars * self.bodies as f64).round() as u64;
        let stars = stars.clamp(1 + has_bulge, self.bodies - 1);
        let part = self.bulge_mass / (self.disc_mass + self.bulge_mass);
        let bulge = ((stars as f64 * part).round() as u64).clamp(has_bulge, has_bulge * (stars - 1));
        [self.bodies - stars, stars - bulge, bulge]
    }

    /// Mass of the halo within `radius` [L], in [M].
    #[cfg(test)]
    pub(in crate::model) fn halo_within(&self, radius: f64) -> f64 {
        self.halo().enclosed(radius)
    }

    /// Square of the circular velocity, as a vertical mean over the disc, with G = 1.
    #[cfg(test)]
    pub(in crate::model) fn circular2(&self, radius: f64) -> f64 {
        let spheres: Vec<Tapered> = [Some(self.halo()), self.bulge()].into_iter().flatten().collect();
        super::disc::Pull::new(self.layer(), &spheres, self.softening).at(radius).circular2
    }
}

impl Recipe for DiscGalaxy {
    fn bodies(&self) -> u64 {
        self.bodies
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    /// Halo, disc and, if its mass is positive, bulge.
    fn components(&self, _: f64) -> Result<Vec<Component>, String> {
        let (layer, halo, bulge) = (self.layer(), self.halo(), self.bulge());
        let [in_halo, in_disc, in_bulge] = self.counts();
        let of_bulge = |r: f64| bulge.as_ref().map_or(0.0, |bulge| bulge.pulled(r));
        let sphere = |part: &Tapered, mass: f64, others: &dyn Fn(f64) -> f64| -> Result<Shape, String> {
            Ok(Shape::Sphere(Sphere::of_table(spheres::isotropic(part, others)?, mass, 1.0)))
        };
        let around_halo = |r: f64| layer.enclosed(r) + of_bulge(r);
        let around_bulge = |r: f64| layer.enclosed(r) + halo.pulled(r);
        let spheres: Vec<Tapered> = [Some(halo.clone()), bulge.clone()].into_iter().flatten().collect();
        let disc = Disc::new(layer, self.toomre_q, &spheres, self.softening);
        let in_equilibrium = |what: &str, error: String| format!("{what}: {error}");
        let shape = sphere(&halo, self.halo_mass, &around_halo).map_err(|e| in_equilibrium("halo", e))?;
        let mut components = vec![
            Component::at_rest(in_halo, self.halo_mass, HALO, shape),
            Component::at_rest(in_disc, self.disc_mass, DISC, Shape::Disc(Arc::new(disc))),
        ];
        if let Some(bulge) = &bulge {
            let shape =
                sphere(bulge, self.bulge_mass, &around_bulge).map_err(|e| in_equilibrium("bulge", e))?;
            components.push(Component::at_rest(in_bulge, self.bulge_mass, BULGE, shape));
        }
        Ok(components)
    }
}

impl Keys {
    pub(in crate::model) fn disc_galaxy(&mut self) -> Result<DiscGalaxy, String> {
        let preset = self.preset.take().unwrap_or_default().galaxy();
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
}
