//! Advice on softening lengths, from the extent of the initial state and the number of its bodies.

use crate::console::{say, warn};
use crate::files::kinds::NAMES;
use crate::ranks::crew::Crew;
use decomposition::{Comm, collective};
use nbody::profile::{Centre, cumulative_mass, enclosing};
use serde::Serialize;
use treecode::{Bodies, PairLength, Softening, TYPES};

/// Types with fewer bodies get no advice: they are few objects, and not a sample of a fluid.
const LEAST: usize = 100;
/// If at least this number of bodies has no softening, there is a warning.
const MANY: u64 = 10_000;
/// The length with the least force error in a Plummer sphere is this number of half-mass radii
/// times N^(-1/5). It follows from the bias and the variance of softened forces (Dehnen 2001, MNRAS
/// 324, 273) with the spline kernel: `bias = 3.695 G length^2 grad rho` and
/// `variance = 9.069 G^2 M rho / (N length)`.
const LEAST_ERROR: f64 = 0.646;

/// Softening lengths of one particle type [L].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// The type.
    pub kind: usize,
    /// Number of its bodies with mass.
    pub bodies: usize,
    /// Radius that encloses half of their mass, about the centre of all bodies.
    pub half_mass_radius: f64,
    /// Mean distance of neighbours at that radius: the cube root of the volume per body between the
    /// radii of 40 % and 60 % of the mass.
    pub spacing: f64,
    /// Length with the least force error in a Plummer sphere of this size and number (Dehnen 2001).
    pub least_error: f64,
    /// Length above which encounters of two bodies do not scatter them (Power et al. 2003, eq. 15):
    /// 4 R / sqrt(N), where R encloses 90 % of the mass.
    pub no_scattering: f64,
    /// The length that is set for two bodies of the type.
    pub given: f64,
    /// The lengths that are set for pairs with the type.
    pub pairs: Vec<PairLength>,
}

/// Advice for each type with enough bodies.
pub fn advise(bodies: &Bodies, softening: &Softening) -> Vec<Advice> {
    let centre = Centre::find(bodies);
    let of = |kind: usize| {
        let members = (0..bodies.len() as u32)
            .filter(|&i| usize::from(bodies.kind[i as usize]) == kind && bodies.mass[i as usize] > 0.0);
        let members: Vec<u32> = members.collect();
        if members.len() < LEAST {
            return None;
        }
        let mut part = bodies.clone();
        part.permute(&members);
        for (axis, centre) in part.pos.iter_mut().zip(centre.position) {
            axis.iter_mut().for_each(|x| *x -= centre);
        }
        let cumulative = cumulative_mass(&part);
        let radius = |fraction: f64| enclosing(&cumulative, fraction);
        let [inner, half, outer, whole] = [0.4, 0.5, 0.6, 0.9].map(radius);
        if inner >= outer {
            return None; // many at one distance
        }
        let count = part.len() as f64;
        let between = cumulative.iter().filter(|pair| pair[0] > inner && pair[0] <= outer).count();
        let volume = 4.0 / 3.0 * std::f64::consts::PI * (outer.powi(3) - inner.powi(3));
        Some(Advice {
            kind,
            bodies: part.len(),
            half_mass_radius: half,
            spacing: treecode::math::cbrt(volume / between as f64),
            least_error: LEAST_ERROR * half * treecode::math::powf(count, -0.2),
            no_scattering: 4.0 * whole / count.sqrt(),
            given: softening.of_pair(kind as u8, kind as u8),
            pairs: softening.pairs.iter().filter(|p| p.types.contains(&(kind as u8))).copied().collect(),
        })
    };
    (0..TYPES).filter_map(of).collect()
}

/// Prints the advice as a table.
pub fn tell(advice: &[Advice]) {
    if advice.is_empty() {
        return;
    }
    say(
        "softening   of type    bodies  half-mass radius   spacing there  least error  no scattering      given",
    );
    for row in advice {
        let given = if row.given > 0.0 { format!("{:.4}", row.given) } else { "none".to_owned() };
        say(&format!(
            "            {:<6} {:>10}  {:>16.4}  {:>14.4}  {:>11.4}  {:>13.4} {given:>10}",
            NAMES[row.kind],
            row.bodies,
            row.half_mass_radius,
            row.spacing,
            row.least_error,
            row.no_scattering
        ));
        for PairLength { types: [a, b], length } in &row.pairs {
            let other = if usize::from(*a) == row.kind { b } else { a };
            let given = if *length > 0.0 { format!("{length:.4}") } else { "none".to_owned() };
            let pair = format!("{} with {}", NAMES[row.kind], NAMES[usize::from(*other)]);
            say(&format!("            {pair:<81} {given:>10}"));
        }
    }
    say(
        "            a length between a tenth of the spacing and the least error (Dehnen 2001) suits most systems;",
    );
    say("            above that of no scattering (Power et al. 2003) two-body encounters do not matter");
}

/// Warns if many bodies have no softening. Collective.
pub fn warn_of_none(crew: &Crew, bodies: &Bodies, softening: &Softening) {
    let count = unsoftened(crew.comm, bodies, softening);
    if count > MANY && crew.leads() {
        warn(&format!(
            "{count} bodies have no softening, so close pairs scatter each other; gravity.softening sets a length, and `heorot plan` suggests some"
        ));
    }
}

/// Number of bodies of all ranks with mass and without softening. Collective.
fn unsoftened(comm: &dyn Comm, bodies: &Bodies, softening: &Softening) -> u64 {
    let hard =
        |i: &usize| bodies.mass[*i] > 0.0 && softening.of_pair(bodies.kind[*i], bodies.kind[*i]) == 0.0;
    collective::sum(comm, (0..bodies.len()).filter(hard).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use decomposition::{Solo, threads};
    use nbody::model::{Model, Spherical, generate};

    fn plummer(bodies: u64, radius: f64) -> Bodies {
        let sphere = Spherical { bodies, seed: 3, mass: 2.0, radius, cut: 100.0, softening: 0.0 };
        generate(&Solo, &Model::Plummer(sphere), 1.0)
    }

    #[test]
    fn the_advice_is_that_of_the_plummer_sphere() {
        let softening = Softening { length: [0.0, 0.1, 0.0, 0.0, 0.0, 0.0], ..Softening::default() };
        let advice = advise(&plummer(20_000, 3.0), &softening);
        let [Advice { kind: 1, bodies: 20_000, half_mass_radius, spacing, least_error, given, .. }] =
            advice[..]
        else {
            panic!("{advice:?}")
        };
        assert!((half_mass_radius / (1.3048 * 3.0) - 1.0).abs() < 0.02, "{half_mass_radius}");
        // The density at the half-mass radius of Plummer's sphere.
        let density =
            20_000.0 * 3.0 / (4.0 * std::f64::consts::PI * 27.0) * (1.0 + 1.3048f64.powi(2)).powf(-2.5);
        assert!((spacing * density.cbrt() - 1.0).abs() < 0.03, "{spacing}");
        // 0.843 scale radii times N^(-1/5).
        assert!((least_error / (3.0 * 0.843 * 20_000f64.powf(-0.2)) - 1.0).abs() < 0.02);
        assert_eq!(given, 0.1);
    }

    #[test]
    fn bodies_without_softening_are_counted_over_all_ranks() {
        let mut bodies = plummer(100, 1.0);
        bodies.mass[..10].fill(0.0);
        bodies.kind[..40].fill(4);
        let mut softening = Softening::default();
        let count = |softening: &Softening| threads::run(3, |comm| unsoftened(comm, &bodies, softening));
        assert_eq!(count(&softening), [270; 3]);
        softening.length[1] = 0.1;
        assert_eq!(count(&softening), [90; 3]);
    }

    /// The constant follows from the kernel: the second moment of the spline, and the integral of the
    /// square of its force.
    #[test]
    fn the_constant_follows_from_the_spline() {
        let n = 20_000;
        let force = |q: f64| {
            if q < 0.5 {
                q * (32.0 / 3.0 + q * q * (32.0 * q - 38.4))
            } else {
                q * (64.0 / 3.0 - 48.0 * q + 38.4 * q * q - 32.0 / 3.0 * q.powi(3) - 1.0 / (15.0 * q.powi(3)))
            }
        };
        let mean = |of: &dyn Fn(f64) -> f64| {
            (0..n).map(|i| of((f64::from(i) + 0.5) / f64::from(n))).sum::<f64>() / f64::from(n)
        };
        let (support, pi) = (2.8, std::f64::consts::PI);
        // The mass within q is q^2 force(q), so the second moment is 1 - 2 q (q^2 force).
        let second = 1.0 - mean(&|q| 2.0 * q * q * q * force(q));
        let bias = 2.0 * pi / 3.0 * second * support * support;
        let variance = 4.0 * pi * (1.0 + mean(&|q| (q * force(q)).powi(2))) / support;
        // Integrals of rho^2 and of rho |grad rho|^2 over a Plummer sphere with M = a = 1, over u of r =
        // u / (1 - u).
        let over = |of: &dyn Fn(f64) -> f64| {
            mean(&|u| {
                let r = u / (1.0 - u);
                4.0 * pi * r * r * of(r) / (1.0 - u).powi(2)
            })
        };
        let rho = |r: f64| 3.0 / (4.0 * pi) * (1.0 + r * r).powf(-2.5);
        let slope = |r: f64| -5.0 * r / (1.0 + r * r) * rho(r);
        let noise = over(&|r| rho(r).powi(2));
        let error = over(&|r| rho(r) * slope(r).powi(2));
        let length = (variance * noise / (4.0 * bias * bias * error)).powf(0.2);
        assert!((length / 1.3048 / LEAST_ERROR - 1.0).abs() < 1e-3, "{}", length / 1.3048);
    }
}
