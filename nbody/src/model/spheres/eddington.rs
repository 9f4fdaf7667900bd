//! Isotropic distribution function of a density in a potential: Eddington (1916, MNRAS 76, 572).
//! Units of the file: G = 1.
//!
//! f(E) = 1 / (sqrt(8) pi^2) d/dE of the integral of (d rho / d psi) / sqrt(E - psi) over psi from
//! 0 to E. Here psi is the depth of the potential, which is positive.
//!
//! d rho / d psi is computed at the nodes of a logarithmic grid and is linear in psi between them.
//! Each interval is integrated exactly, so the singularity at E = psi causes no error.

use super::isotropic::Isotropic;
use super::profile::Density;
use super::tapered::Tapered;
use std::f64::consts::{PI, SQRT_2};
use treecode::math;

/// The sphere with isotropic velocities. Its potential is that of the sphere, softened or not, and
/// of other components. `others` is the mass of these within a radius [L].
///
/// # Errors
/// The distribution function would be negative at some energy.
pub(in crate::model) fn isotropic(
    sphere: &Tapered,
    others: impl Fn(f64) -> f64,
) -> Result<Isotropic, String> {
    let (radius, mass) = sphere.nodes();
    let all: Vec<f64> = radius.iter().zip(sphere.pulling()).map(|(&r, own)| own + others(r)).collect();
    let depth = depths(radius, &all);
    let rise: Vec<f64> = radius
        .iter()
        .zip(&all)
        .map(|(&r, all)| {
            let Density { value, slope } = sphere.density(r);
            -slope * value * r / all
        })
        .collect();
    let distribution = invert(&depth, &rise);
    match distribution.iter().position(|&f| f < 0.0) {
        None => Ok(Isotropic::new(radius.to_vec(), mass.to_vec(), depth, distribution)),
        Some(i) => Err(format!(
            "a sphere of scale radius {:?} has no isotropic equilibrium here (f < 0 at radius {:.3e}): make its density \
             steeper, its softening shorter, or what else is there lighter",
            sphere.scale(),
            radius[i]
        )),
    }
}

/// Depth of the potential of a mass distribution that ends at the last radius. It is the integral
/// of m / r over ln r, from outside.
fn depths(radius: &[f64], mass: &[f64]) -> Vec<f64> {
    let n = radius.len();
    let mut depth = vec![mass[n - 1] / radius[n - 1]; n];
    for i in (0..n - 1).rev() {
        let step = math::ln(radius[i + 1] / radius[i]);
        depth[i] = depth[i + 1] + 0.5 * step * (mass[i] / radius[i] + mass[i + 1] / radius[i + 1]);
    }
    depth
}

/// f at the energies `depth`, from `rise` = d rho / d psi there. Below the last depth, `rise` goes
/// to 0 linearly with psi.
fn invert(depth: &[f64], rise: &[f64]) -> Vec<f64> {
    let n = depth.len();
    let outer = |i: usize| if i + 1 < n { (depth[i + 1], rise[i + 1]) } else { (0.0, 0.0) };
    let slopes: Vec<f64> = (0..n).map(|i| (rise[i] - outer(i).1) / (depth[i] - outer(i).0)).collect();
    let factor = 2.0 / (2.0 * SQRT_2 * PI * PI);
    let at = |j: usize| {
        let (mut near, mut sum) = (0.0, 0.0);
        for i in j..n {
            let far = (depth[j] - outer(i).0).sqrt();
            sum += slopes[i] * (far - near);
            near = far;
        }
        factor * sum
    };
    (0..n).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Profile;

    /// Published distribution functions for G = M = a = 1. `e` is the binding energy.
    fn published(profile: Profile, e: f64) -> f64 {
        match profile {
            Profile::Plummer => 24.0 * SQRT_2 / (7.0 * PI.powi(3)) * e.powf(3.5),
            Profile::Hernquist => {
                let (q, rest) = (e.sqrt(), 1.0 - e);
                let polynomial = (1.0 - 2.0 * e) * (8.0 * e * e - 8.0 * e - 3.0);
                (3.0 * q.asin() + q * rest.sqrt() * polynomial) / (8.0 * SQRT_2 * PI.powi(3) * rest.powf(2.5))
            }
            Profile::Isochrone => {
                let polynomial = 27.0 - 66.0 * e + 320.0 * e * e - 240.0 * e.powi(3) + 64.0 * e.powi(4);
                let arc = 3.0 * (16.0 * e * e + 28.0 * e - 9.0) * e.sqrt().asin() / (e * (1.0 - e)).sqrt();
                e.sqrt() * (polynomial + arc) / (SQRT_2 * (2.0 * PI).powi(3) * (2.0 * (1.0 - e)).powi(4))
            }
            Profile::Jaffe | Profile::Nfw => unreachable!("not compared"),
        }
    }

    /// A distant taper changes the mass slightly, and the distribution function at energies near
    /// the edge.
    #[test]
    fn without_a_taper_it_is_that_of_the_papers() {
        for (profile, greatest) in
            [(Profile::Plummer, 0.99), (Profile::Hernquist, 0.9), (Profile::Isochrone, 0.49)]
        {
            let table = isotropic(&Tapered::new(profile, 1.0, 1.0, 3e5), |_| 0.0).unwrap();
            for part in [0.1, 0.3, 0.5, 0.8, 1.0] {
                let e = part * greatest;
                let ratio = table.distribution(e) / published(profile, e);
                assert!((ratio - 1.0).abs() < 3e-3, "{profile:?}, e = {e}: {ratio}");
            }
        }
    }

    #[test]
    fn it_is_positive_and_rises_with_the_binding_energy() {
        for profile in
            [Profile::Plummer, Profile::Hernquist, Profile::Jaffe, Profile::Isochrone, Profile::Nfw]
        {
            for cut in [0.3, 10.0, 1000.0] {
                let table = isotropic(&Tapered::new(profile, 2.0, 3.0, cut), |_| 0.0).unwrap();
                let f = |&depth: &f64| table.distribution(depth);
                let rises = table.depths().windows(2).all(|pair| f(&pair[0]) > f(&pair[1]) * (1.0 - 1e-3));
                assert!(rises && table.depths().iter().all(|depth| f(depth) > 0.0), "{profile:?}, cut {cut}");
            }
        }
    }

    #[test]
    fn a_core_around_a_point_mass_has_no_isotropic_equilibrium() {
        let core = Tapered::new(Profile::Plummer, 1.0, 1.0, 10.0);
        assert!(isotropic(&core, |_| 5.0).unwrap_err().contains("no isotropic equilibrium"));
        let cusp = Tapered::new(Profile::Hernquist, 1.0, 1.0, 10.0);
        assert!(isotropic(&cusp, |_| 5.0).is_ok());
    }
}
