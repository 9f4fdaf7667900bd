//! A disc galaxy: a disc, a halo and a bulge, each in equilibrium in the potential of all.

use super::disc::{Disc, Layer};
use super::tapered::Tapered;
use super::{Component, Profile, Shape, Sphere, eddington};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Length of the taper of a bulge, in its scale radii.
const BULGE_CUT: f64 = 20.0;
/// Particle types of GADGET.
const HALO: u8 = 1;
const DISC: u8 = 2;
const BULGE: u8 = 3;

/// A disc galaxy that turns about the z axis. The disc's velocities are drawn from their moments (see `disc`), those of halo and bulge
/// from Eddington's distribution function in the potential of all parts, that of the disc averaged over the sphere.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DiscGalaxy {
    /// Number of bodies of all parts.
    pub bodies: u64,
    /// Seed of the random numbers.
    pub seed: u64,
    /// Part of the bodies that make up disc and bulge, where they weigh the same; the rest are the halo's.
    pub stars: f64,
    /// Mass of the disc [M].
    pub disc_mass: f64,
    /// Scale length of the disc [L].
    pub disc_length: f64,
    /// Scale height of the disc [L].
    pub disc_height: f64,
    /// Least value of Toomre's Q in the disc.
    pub toomre_q: f64,
    /// Run of density of the halo.
    pub halo_profile: Profile,
    /// Mass of the halo [M].
    pub halo_mass: f64,
    /// Scale radius of the halo [L].
    pub halo_radius: f64,
    /// Length of the taper of the halo [scale radii].
    pub halo_cut: f64,
    /// Mass of the bulge, a Hernquist sphere [M]; 0 for none.
    pub bulge_mass: f64,
    /// Scale radius of the bulge [L].
    pub bulge_radius: f64,
}

/// A galaxy by name; its units are kpc and 1e10 solar masses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// The Milky Way of McMillan (2017, MNRAS 465, 76), without gas; see [`Preset::galaxy`] for our
    /// choices.
    MilkyWay,
    /// Andromeda of Fardal et al. (2007, MNRAS 380, 15).
    Andromeda,
}

impl Preset {
    /// The galaxy, without its bodies.
    ///
    /// The Milky Way: in the best model of McMillan (`PJM17_best.Tpot` of his program GalPot) the two stellar discs hold 3.52 and 1.05, with
    /// lengths of 2.50 and 3.02 kpc, weighted by mass 2.62; the bulge holds 0.89; the halo's scale radius is 19.57 kpc. The masses here are
    /// his estimates with their errors, 130 +- 30 for the halo within its virial radius and 5.43 +- 0.57 for all stars. The taper at 12 scale radii, just
    /// outside that radius, gives the whole halo this mass, so that it is 13 % lighter than his well within. Our choice are the height, with
    /// which a disc of sech^2 falls off as the thin disc's exp(-z / 0.3 kpc), the Hernquist sphere for a flattened bulge, with half of its mass
    /// within 1.4 kpc, not 1.0, and Q.
    ///
    /// Andromeda: bulge, disc and halo as other programs quote them from Fardal et al.; the height and Q are our choice. They build
    /// on Geehan et al. (2006, MNRAS 366, 996), whose own disc is twice as heavy (7.2) and halo lighter (71): observations hardly tell the two apart.
    /// The taper makes the halo 10 % lighter within 30 kpc than one that ends at 195 kpc.
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
            halo_mass: 130.0,
            halo_radius: 19.6,
            halo_cut: 12.0,
            bulge_mass: 0.92,
            bulge_radius: 0.6,
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
        Tapered::new(self.halo_profile, self.halo_mass, self.halo_radius, self.halo_cut)
    }

    fn bulge(&self) -> Option<Tapered> {
        let bulge = || Tapered::new(Profile::Hernquist, self.bulge_mass, self.bulge_radius, BULGE_CUT);
        (self.bulge_mass > 0.0).then(bulge)
    }

    /// Halo, disc and, if there is one, bulge.
    ///
    /// # Errors
    /// If a part has no equilibrium.
    pub(super) fn components(&self) -> Result<Vec<Component>, String> {
        let (layer, halo, bulge) = (self.layer(), self.halo(), self.bulge());
        let [in_halo, in_disc, in_bulge] = self.counts();
        let of_bulge = |r: f64| bulge.as_ref().map_or(0.0, |bulge| bulge.enclosed(r));
        let sphere = |part: &Tapered, mass: f64, others: &dyn Fn(f64) -> f64| -> Result<Shape, String> {
            Ok(Shape::Sphere(Sphere::of_table(eddington::isotropic(part, others)?, mass, 1.0)))
        };
        let around_halo = |r: f64| layer.enclosed(r) + of_bulge(r);
        let around_bulge = |r: f64| layer.enclosed(r) + halo.enclosed(r);
        let spheres: Vec<Tapered> = [Some(halo.clone()), bulge.clone()].into_iter().flatten().collect();
        let disc = Disc::new(layer, self.toomre_q, &spheres);
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

    /// Bodies of halo, disc and bulge; of each part that has mass at least one.
    fn counts(&self) -> [u64; 3] {
        let has_bulge = u64::from(self.bulge_mass > 0.0);
        let stars = (self.stars * self.bodies as f64).round() as u64;
        let stars = stars.clamp(1 + has_bulge, self.bodies - 1);
        let part = self.bulge_mass / (self.disc_mass + self.bulge_mass);
        let bulge = ((stars as f64 * part).round() as u64).clamp(has_bulge, has_bulge * (stars - 1));
        [self.bodies - stars, stars - bulge, bulge]
    }

    /// Square of the circular velocity, mean over the disc's layer, G = 1.
    #[cfg(test)]
    pub(super) fn circular2(&self, radius: f64) -> f64 {
        let spheres: Vec<Tapered> = [Some(self.halo()), self.bulge()].into_iter().flatten().collect();
        super::disc::Pull::new(self.layer(), &spheres).at(radius)[0]
    }
}
