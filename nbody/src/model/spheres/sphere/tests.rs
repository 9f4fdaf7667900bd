//! Spheres are compared with the theory of their papers. Bounds follow from the number of bodies.

use super::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const COUNT: usize = 40_000;
/// Number of grid radii per shell.
const SHELL: usize = 50;
const PROFILES: [Profile; 5] =
    [Profile::Plummer, Profile::Hernquist, Profile::Jaffe, Profile::Isochrone, Profile::Nfw];

/// A sphere of mass 3 and radius 2.
fn sphere(profile: Profile, cut: f64, spin: f64) -> Sphere {
    Sphere::new(profile, 3.0, 2.0, cut).unwrap().turning(spin, [0.6, 0.0, 0.8])
}

/// Published density at `r` [scale radii], up to a constant factor.
fn density(profile: Profile, r: f64) -> f64 {
    let a = (1.0 + r * r).sqrt();
    match profile {
        Profile::Plummer => a.powi(-5),
        Profile::Hernquist => 1.0 / (r * (1.0 + r).powi(3)),
        Profile::Jaffe => 1.0 / (r * r * (1.0 + r).powi(2)),
        Profile::Isochrone => (3.0 * (1.0 + a) * a * a - r * r * (1.0 + 3.0 * a)) / ((1.0 + a) * a).powi(3),
        Profile::Nfw => 1.0 / (r * (1.0 + r).powi(2)),
    }
}

/// Enclosed mass of a spline with kernel radius 1 that acts at a distance `u` (Springel, Yoshida &
/// White 2001, equation 71).
fn pulling(u: f64) -> f64 {
    match u {
        1.0.. => 1.0,
        0.5.. => -1.0 / 15.0 + u.powi(3) * (64.0 / 3.0 - 48.0 * u + 38.4 * u * u - 32.0 / 3.0 * u.powi(3)),
        _ => u.powi(3) * (32.0 / 3.0 - 38.4 * u * u + 32.0 * u.powi(3)),
    }
}

/// Gravity at radius `r` of a shell of radius `a` of softened bodies, as a fraction of the shell's
/// mass in the centre. `support` is the kernel radius.
fn pulling_of_shell(r: f64, a: f64, support: f64) -> f64 {
    const DIRECTIONS: u32 = 300;
    let of_direction = |k: u32| {
        let cosine = 2.0 * (f64::from(k) + 0.5) / f64::from(DIRECTIONS) - 1.0;
        let distance = (r * r + a * a - 2.0 * r * a * cosine).sqrt();
        pulling(distance / support) * (r - a * cosine) / distance.powi(3)
    };
    r * r * (0..DIRECTIONS).map(of_direction).sum::<f64>() / f64::from(DIRECTIONS)
}

/// Radii, enclosed mass and squared radial velocity dispersion of a sphere of mass 1, G = 1. The
/// dispersion follows from Jeans's equation, rho sigma^2 = integral of rho m / r^2 dr. The sphere
/// is cut or tapered at `cut`. The forces are those of the infinite sphere, or of all softened
/// bodies.
struct Theory {
    radius: Vec<f64>,
    mass: Vec<f64>,
    dispersion2: Vec<f64>,
}

impl Theory {
    fn new(profile: Profile, cut: f64) -> Theory {
        Theory::softened(profile, cut, 0.0)
    }

    fn softened(profile: Profile, cut: f64, softening: f64) -> Theory {
        let tapered = softening > 0.0 || !matches!(profile, Profile::Plummer | Profile::Hernquist);
        let (low, high, n) = (1e-6f64, 1e4f64, 20_000);
        let step = (high / low).ln() / f64::from(n);
        let radius: Vec<f64> = (0..n).map(|i| low * ((f64::from(i) + 0.5) * step).exp()).collect();
        let taper = |r: f64| if tapered { (r / cut).cosh() } else { 1.0 };
        let rho = |r: f64| (density(profile, r) / taper(r)).max(1e-290);
        let mut within = 4.0 * std::f64::consts::PI * low.powi(3) * rho(low);
        let mut mass: Vec<f64> = Vec::new();
        for &r in &radius {
            let shell = 4.0 * std::f64::consts::PI * r.powi(3) * rho(r) * step;
            within += shell;
            mass.push(within - 0.5 * shell);
        }
        let total = if tapered { within } else { mass[radius.partition_point(|&r| r < cut) - 1] };
        mass.iter_mut().for_each(|m| *m /= total);
        // Gravity near the centre, from shells with a width of 6 % of their radius. At four kernel
        // radii, it is that of the enclosed mass to half a percent.
        let support = 2.8 * softening;
        let shells: Vec<[f64; 2]> = (0..radius.len() / SHELL)
            .map(|k| k * SHELL..((k + 1) * SHELL).min(radius.len() - 1))
            .map(|shell| [radius[shell.start + SHELL / 2], mass[shell.end] - mass[shell.start]])
            .take_while(|[radius, _]| *radius < 5.0 * support)
            .collect();
        let pulls_at = |r: f64, a: f64| match r - a {
            beyond if beyond >= support => 1.0,
            beyond if beyond <= -support => 0.0,
            _ => pulling_of_shell(r, a, support),
        };
        let pull = |r: f64| shells.iter().map(|[a, part]| part * pulls_at(r, *a)).sum();
        let pulls: Vec<f64> =
            shells.iter().map(|[r, _]| if *r < 4.0 * support { pull(*r) } else { 0.0 }).collect();
        let pulling = |i: usize| if radius[i] < 4.0 * support { pulls[i / SHELL] } else { mass[i] };
        let mut pressure = 0.0;
        let mut dispersion2 = vec![0.0; radius.len()];
        for (i, &r) in radius.iter().enumerate().rev() {
            let part = rho(r) * pulling(i) / r * step;
            pressure += part;
            dispersion2[i] = (pressure - 0.5 * part) / rho(r);
        }
        Theory { radius, mass, dispersion2 }
    }

    fn at(&self, values: &[f64], r: f64) -> f64 {
        values[self.radius.partition_point(|&x| x < r).min(values.len() - 1)]
    }
}

fn draw_many(sphere: &Sphere, constant: f64) -> Vec<State> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    (0..COUNT).map(|_| sphere.draw(constant, &mut rng)).collect()
}

fn norm(a: [f64; 3]) -> f64 {
    Vector3::from(a).norm()
}

/// Kolmogorov-Smirnov statistic: the greatest difference between the distribution of the sample and
/// `expected`, times the square root of the sample size.
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
    for profile in PROFILES {
        for cut in [5.0, 100.0] {
            let theory = Theory::new(profile, cut);
            let radii =
                draw_many(&sphere(profile, cut, 0.0), 1.0).iter().map(|s| norm(s.pos) / 2.0).collect();
            let distance = kolmogorov(radii, |r| theory.at(&theory.mass, r).min(1.0));
            assert!(distance < 1.63, "{profile:?} cut at {cut}: {distance} (1.63 is exceeded once in 100)");
        }
    }
}

#[test]
fn positions_and_velocities_have_no_preferred_direction() {
    for profile in PROFILES {
        let states = draw_many(&sphere(profile, 20.0, 0.0), 1.0);
        for axis in 0..3 {
            for vector in [|s: &State| s.pos, |s: &State| s.vel] {
                let cosines = states.iter().map(|s| vector(s)[axis] / norm(vector(s))).collect();
                assert!(kolmogorov(cosines, |c| 0.5 * (c + 1.0)) < 1.95, "{profile:?} axis {axis}");
            }
        }
    }
}

#[test]
fn velocities_have_the_dispersion_of_the_isotropic_sphere() {
    let constant = 5.0;
    for profile in PROFILES {
        let states = draw_many(&sphere(profile, 20.0, 0.0), constant);
        let edges = [0.0, 0.3, 0.6, 1.0, 2.0, 5.0, 20.0];
        check_dispersion(profile, &states, &Theory::new(profile, 20.0), constant, &edges);
    }
}

/// For bodies of mass 3 and radius 2.
fn check_dispersion(profile: Profile, states: &[State], theory: &Theory, constant: f64, edges: &[f64]) {
    let unit = constant * 3.0 / 2.0;
    for edges in edges.windows(2) {
        let shell = || states.iter().filter(|s| (edges[0]..edges[1]).contains(&(norm(s.pos) / 2.0)));
        // In each shell, v^2 divided by its expectation 3 sigma^2(r) has a mean of 1 and a variance
        // of about 2/3 to 1.
        let expected = |s: &State| 3.0 * theory.at(&theory.dispersion2, norm(s.pos) / 2.0);
        let ratio = shell().map(|s| norm(s.vel).powi(2) / unit / expected(s));
        let (count, mean) = (shell().count() as f64, ratio.sum::<f64>() / shell().count() as f64);
        assert!(count > 200.0, "{profile:?} {edges:?}: {count} bodies");
        assert!((mean - 1.0).abs() < 4.0 / count.sqrt(), "{profile:?} {edges:?}: {mean} of {count} bodies");
    }
}

#[test]
fn velocities_have_the_dispersion_of_the_softened_sphere() {
    for (profile, softening) in
        [(Profile::Jaffe, 0.02), (Profile::Hernquist, 0.1), (Profile::Nfw, 0.1), (Profile::Plummer, 0.3)]
    {
        let sphere = Sphere::softened(profile, 3.0, 2.0, 10.0, 2.0 * softening).unwrap();
        let theory = Theory::softened(profile, 10.0, softening);
        let edges = [0.0, 0.5, 1.0, 2.0, 4.0, 30.0].map(|x| x * 2.8 * softening);
        check_dispersion(profile, &draw_many(&sphere, 1.0), &theory, 1.0, &edges);
    }
}

/// The tidal radius is 10^1.255 core radii for W0 = 6. No body can escape: at any radius, the depth
/// of the potential below the edge is at most that of a point mass.
#[test]
fn a_king_sphere_ends_and_its_bodies_stay() {
    let states = draw_many(&Sphere::king(3.0, 2.0, 6.0), 1.0);
    let edge = 2.0 * 10f64.powf(1.255);
    for state in &states {
        let r = norm(state.pos);
        assert!(r < edge * 1.01, "a body at {r}");
        assert!(0.5 * norm(state.vel).powi(2) <= 3.0 * (1.0 / r - 1.0 / (edge * 1.01)));
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
