//! Spheres are held against the theory of their papers, with bounds that follow from the number of bodies.

use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const COUNT: usize = 40_000;

fn sphere(profile: Profile, cut: f64, spin: f64) -> Sphere {
    Sphere { profile, mass: 3.0, radius: 2.0, cut, spin, axis: [0.6, 0.0, 0.8] }
}

fn draw_many(sphere: &Sphere, constant: f64) -> Vec<State> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    (0..COUNT).map(|_| sphere.draw(constant, &mut rng)).collect()
}

fn norm(a: [f64; 3]) -> f64 {
    Vector3::from(a).norm()
}

/// Kolmogorov-Smirnov: the greatest distance between the sample's distribution and `expected`, times the root of the count.
fn kolmogorov(mut sample: Vec<f64>, expected: impl Fn(f64) -> f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(i, &x): (usize, &f64)| {
        let theory = expected(x);
        (theory - i as f64 / n).abs().max((theory - (i + 1) as f64 / n).abs())
    };
    sample.iter().enumerate().map(distance).fold(0.0, f64::max) * n.sqrt()
}

#[test]
fn the_mass_within_a_radius_is_that_of_the_profile() {
    for profile in [Profile::Plummer, Profile::Hernquist] {
        for cut in [5.0, f64::INFINITY] {
            let radii =
                draw_many(&sphere(profile, cut, 0.0), 1.0).iter().map(|s| norm(s.pos) / 2.0).collect();
            let distance = kolmogorov(radii, |r| profile.enclosed(r) / profile.enclosed(cut));
            assert!(distance < 1.63, "{profile:?} cut at {cut}: {distance} (1.63 is exceeded once in 100)");
        }
    }
}

#[test]
fn positions_and_velocities_have_no_preferred_direction() {
    for profile in [Profile::Plummer, Profile::Hernquist] {
        let states = draw_many(&sphere(profile, 20.0, 0.0), 1.0);
        for axis in 0..3 {
            for vector in [|s: &State| s.pos, |s: &State| s.vel] {
                let cosines = states.iter().map(|s| vector(s)[axis] / norm(vector(s))).collect();
                assert!(kolmogorov(cosines, |c| 0.5 * (c + 1.0)) < 1.95, "{profile:?} axis {axis}");
            }
        }
    }
}

/// Radial velocity dispersion squared in units of GM/a: Plummer by Aarseth et al., Hernquist (1990) equation 10.
fn dispersion2(profile: Profile, r: f64) -> f64 {
    match profile {
        Profile::Plummer => (1.0 + r * r).powf(-0.5) / 6.0,
        Profile::Hernquist => {
            let polynomial = 25.0 + 52.0 * r + 42.0 * r * r + 12.0 * r.powi(3);
            (12.0 * r * (1.0 + r).powi(3) * r.recip().ln_1p() - r / (1.0 + r) * polynomial) / 12.0
        }
    }
}

#[test]
fn velocities_have_the_dispersion_of_the_isotropic_sphere() {
    let constant = 5.0;
    for profile in [Profile::Plummer, Profile::Hernquist] {
        let sphere = sphere(profile, 20.0, 0.0);
        let unit = constant * sphere.mass / profile.enclosed(20.0) / sphere.radius;
        let states = draw_many(&sphere, constant);
        for edges in [0.0, 0.3, 0.6, 1.0, 2.0, 5.0, 20.0].windows(2) {
            let shell = || states.iter().filter(|s| (edges[0]..edges[1]).contains(&(norm(s.pos) / 2.0)));
            // In each shell, v^2 over its expectation 3 sigma^2(r) has the mean 1 and a variance of about 2/3 to 1.
            let ratio =
                shell().map(|s| norm(s.vel).powi(2) / unit / (3.0 * dispersion2(profile, norm(s.pos) / 2.0)));
            let (count, mean) = (shell().count() as f64, ratio.sum::<f64>() / shell().count() as f64);
            assert!(count > 500.0, "{profile:?} {edges:?}: {count} bodies");
            assert!(
                (mean - 1.0).abs() < 4.0 / count.sqrt(),
                "{profile:?} {edges:?}: {mean} of {count} bodies"
            );
        }
    }
}

#[test]
fn no_body_escapes() {
    for profile in [Profile::Plummer, Profile::Hernquist] {
        let sphere = sphere(profile, f64::INFINITY, 0.3);
        for state in draw_many(&sphere, 1.0) {
            let r = norm(state.pos) / 2.0;
            let depth =
                if profile == Profile::Plummer { (1.0 + r * r).sqrt().recip() } else { (1.0 + r).recip() };
            assert!(0.5 * norm(state.vel).powi(2) <= depth * 1.5 * (1.0 + 1e-12));
        }
    }
}

#[test]
fn spin_turns_bodies_prograde_and_keeps_their_energy() {
    let (still, half, full) = (
        draw_many(&sphere(Profile::Hernquist, 10.0, 0.0), 1.0),
        draw_many(&sphere(Profile::Hernquist, 10.0, 0.5), 1.0),
        draw_many(&sphere(Profile::Hernquist, 10.0, 1.0), 1.0),
    );
    let momentum =
        |s: &State| Vector3::new(0.6, 0.0, 0.8).dot(&Vector3::from(s.pos).cross(&Vector3::from(s.vel)));
    let prograde =
        |states: &[State]| states.iter().filter(|s| momentum(s) > 0.0).count() as f64 / COUNT as f64;
    assert!((prograde(&still) - 0.5).abs() < 4.0 * 0.5 / (COUNT as f64).sqrt());
    assert!((prograde(&half) - 0.75).abs() < 4.0 * 0.44 / (COUNT as f64).sqrt());
    assert_eq!(prograde(&full), 1.0);
    for (a, b) in still.iter().zip(&full) {
        assert_eq!(a.pos, b.pos);
        assert!((norm(a.vel) - norm(b.vel)).abs() < 1e-13 * norm(a.vel));
        assert!((momentum(a).abs() - momentum(b)).abs() < 1e-12 * norm(a.pos) * norm(a.vel));
    }
}
