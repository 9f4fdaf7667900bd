//! Tests of `disc.rs`.

use super::*;
use crate::model::Profile;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::PI;

const LAYER: Layer = Layer { mass: 2.0, length: 3.0, height: 0.3 };

fn halo() -> Tapered {
    Tapered::new(Profile::Hernquist, 20.0, 10.0, 20.0)
}

/// Mean of the square of the vertical dispersion over all layers. By the virial theorem it is the
/// mean of z dPhi/dz.
fn vertical2(field: &Field) -> f64 {
    field.vertical2.iter().enumerate().map(|(j, v2)| 2.0 * share(j) * v2).sum()
}

const THIN: Layer = Layer { height: 3e-3, ..LAYER };

#[test]
fn the_rotation_curve_of_a_thin_disc_is_that_of_freeman() {
    // Freeman (1970, ApJ 160, 811): the maximum is at 2.15 scale lengths, with v^2 = 0.387 M /
    // R_d. Far outside, v^2 is that of a point mass.
    let (pull, unit) = (Pull::new(THIN, &[], 0.0), LAYER.mass / LAYER.length);
    let v2 = |x: f64| pull.at(3.0 * x).circular2 / unit;
    assert!((v2(2.15) - 0.387).abs() < 1e-3, "{}", v2(2.15));
    assert!(v2(2.15) > v2(2.05) && v2(2.15) > v2(2.25));
    // With the quadrupole of the disc, v^2 = M / R (1 + 3/4 <R^2> / R^2 ..) and <R^2> = 6
    // R_d^2.
    assert!((v2(30.0) * 30.0 - (1.0 + 4.5 / 900.0)).abs() < 1e-3, "{}", v2(30.0) * 30.0);
}

#[test]
fn the_pull_on_a_thick_disc_is_the_mean_over_its_bodies() {
    // The pull of points drawn from the disc on other points drawn at this radius.
    let thick = Layer { height: 1.0, ..LAYER };
    let pull = Pull::new(thick, &[], 0.0);
    let (moments, upright) = (vec![Moments::default(); NODES], vec![vec![1.0; LAYERS]; NODES]);
    let ones = vec![1.0; NODES];
    let disc = Disc { layer: thick, moments, upright, circular: ones.clone(), guided: ones };
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let points: Vec<[f64; 3]> = (0..200_000).map(|_| disc.draw(1.0, &mut rng).pos).collect();
    for radius in [1.5, 6.0] {
        let mut means = [0.0; 2];
        for (k, [x, y, z]) in points.iter().enumerate() {
            let (sin, cos) = (k as f64).sin_cos();
            let height = points[(k * 7 + 1) % points.len()][2];
            let d = [x - radius * cos, y - radius * sin, z - height];
            let cube = (d[0] * d[0] + d[1] * d[1] + d[2] * d[2] + 0.01).powf(1.5);
            let share = thick.mass / points.len() as f64 / cube;
            means[0] -= share * radius * (d[0] * cos + d[1] * sin);
            means[1] -= share * height * d[2];
        }
        let field = pull.at(radius);
        for (found, expected) in means.into_iter().zip([field.circular2, vertical2(&field)]) {
            assert!((found / expected - 1.0).abs() < 0.03, "at {radius}: {found}, not {expected}");
        }
    }
}

#[test]
fn the_least_q_is_the_one_asked_for() {
    let spheres = [halo()];
    let (disc, pull) = (Disc::new(LAYER, 1.7, &spheres, 0.0), Pull::new(LAYER, &spheres, 0.0));
    let q = |x: f64| {
        let r = 3.0 * x;
        let omega2 = |r: f64| pull.at(r).circular2 / (r * r);
        let h = 1e-4 * r;
        let kappa2 = 4.0 * omega2(r) + r * (omega2(r + h) - omega2(r - h)) / (2.0 * h);
        disc.moments(r).dispersion[0] * kappa2.sqrt() / (TOOMRE * LAYER.surface(r))
    };
    let all: Vec<f64> = (1..50).map(|k| q(0.2 * f64::from(k))).collect();
    let least = all.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((least / 1.7 - 1.0).abs() < 2e-3, "least Q {least}");
    assert!((1.0..4.0).contains(&(0.2 * (1 + all.iter().position(|&q| q == least).unwrap()) as f64)));
}

#[test]
fn a_sheet_alone_has_the_dispersion_of_the_isothermal_sheet() {
    let pull = Pull::new(Layer { height: 0.03, ..LAYER }, &[], 0.0);
    for x in [0.5, 1.0, 3.0] {
        let found = vertical2(&pull.at(3.0 * x));
        assert!((found / (PI * LAYER.surface(3.0 * x) * 0.03) - 1.0).abs() < 0.03, "at {x}: {found}");
    }
}

/// The force of a layer on a softened body at a distance d is 2 pi Sigma times the difference of
/// what is below and above in the spline.
#[test]
fn a_sheet_of_softened_bodies_needs_less_dispersion() {
    let (thin, softening) = (Layer { height: 0.03, ..LAYER }, 0.015);
    let field = Pull::new(thin, &[], softening).at(6.0);
    let spline = Spline::new(softening);
    let nodes: Vec<f64> = (0..600).map(|i| math::atanh((f64::from(i) + 0.5) / 300.0 - 1.0)).collect();
    let pairs = nodes.iter().flat_map(|z| nodes.iter().map(move |other| 0.03 * (z - other)));
    let mean = pairs.map(|d| 0.5 * d * (2.0 * spline.below(d) - 1.0)).sum::<f64>() / 600f64.powi(2);
    let expected = 2.0 * PI * thin.surface(6.0) * mean;
    let found = vertical2(&field);
    assert!((found / expected - 1.0).abs() < 0.01, "{found} instead of {expected}");
    let unsoftened = vertical2(&Pull::new(thin, &[], 0.0).at(6.0));
    assert!(found < 0.97 * unsoftened, "{found} of {unsoftened}");
}

/// Bodies that move up and down in the field of the model keep their root mean square height, but for
/// the noise of the sample, which is 2 %. (The median swings by up to 4 % at first, since the
/// velocities at each height are normal.)
#[test]
fn layers_are_in_equilibrium() {
    let layer = Layer { height: 0.6, ..LAYER };
    let heavy = Tapered::new(Profile::Nfw, 60.0, 8.0, 10.0);
    let bulge = Tapered::new(Profile::Hernquist, 1.0, 0.5, 20.0);
    let spheres = [heavy, bulge];
    let disc = Disc::new(layer, 1.5, &spheres, 0.15);
    let pull = Pull::new(layer, &spheres, 0.15);
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for radius in [1.0, 3.0, 9.0] {
        let vertical = pull.gradient(radius).1;
        let force = |z: f64| {
            let place = (z.abs() / (0.6 * THICKNESS) - 0.5).clamp(0.0, (LAYERS - 1) as f64 - 1e-9);
            let j = place as usize;
            let between = vertical[j] + (place - j as f64) * (vertical[j + 1] - vertical[j]);
            let central = (z.abs() / (0.3 * THICKNESS)).min(1.0); // half a layer above the plane
            -(between * central).copysign(z)
        };
        let start: Vec<[f64; 2]> = (0..20_000)
            .map(|_| {
                let z = 0.6 * math::atanh(2.0 * rng.sample::<f64, _>(Open01) - 1.0);
                [z, disc.vertical_dispersion(radius, z) * normal_pair(&mut rng)[0]]
            })
            .collect();
        let height = |state: &[[f64; 2]]| state.iter().map(|[z, _]| z * z).sum::<f64>().sqrt();
        let (mut state, step) = (start.clone(), 0.02 * (0.6 / vertical[8]).sqrt());
        let mut worst: f64 = 0.0;
        for _ in 0..8 {
            for [z, v] in &mut state {
                for _ in 0..50 {
                    *v += 0.5 * step * force(*z);
                    *z += step * *v;
                    *v += 0.5 * step * force(*z);
                }
            }
            worst = worst.max((height(&state) / height(&start) - 1.0).abs());
        }
        assert!(worst < 0.04, "at {radius}: the height changes by {worst}");
    }
}

/// At one radius, bodies of low angular momentum come from further inside, and move farther up and
/// faster. All together have the height of the model.
#[test]
fn heights_follow_the_angular_momentum() {
    let disc = Disc::new(LAYER, 1.5, &[halo()], 0.0);
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    // For slow and for fast bodies: number, and sums of z^2, v_z^2 and the factor. The velocities are in
    // units of the dispersion in the plane.
    let mut sums = [[0.0; 4]; 2];
    for _ in 0..200_000 {
        let State { pos: [x, y, z], vel: [u, v, w] } = disc.draw(1.0, &mut rng);
        let radius = x.hypot(y);
        if (5.5..6.5).contains(&radius) {
            let along = (x * v - y * u) / radius;
            let factor = disc.guided(radius, along) / disc.between(&disc.guided, radius);
            let sum = &mut sums[usize::from(along > disc.moments(radius).rotation)];
            let w = w / disc.vertical_dispersion(radius, 0.0);
            sum.iter_mut().zip([1.0, z * z, w * w, factor]).for_each(|(sum, x)| *sum += x);
        }
    }
    let mean = |fast: usize, k: usize| sums[fast][k] / sums[fast][0];
    let expected = mean(0, 3) / mean(1, 3);
    assert!(expected > 1.1, "{expected}");
    for k in [1, 2] {
        let found = mean(0, k) / mean(1, k);
        assert!((found / expected - 1.0).abs() < 0.08, "{k}: {found} instead of {expected}");
    }
    let all = |k: usize| (sums[0][k] + sums[1][k]) / (sums[0][0] + sums[1][0]);
    assert!((all(3) - 1.0).abs() < 0.01, "mean factor {}", all(3));
    assert!((all(1) / (PI * PI * 0.09 / 12.0) - 1.0).abs() < 0.05, "<z^2> = {}", all(1));
}

#[test]
fn bodies_have_the_moments() {
    let disc = Disc::new(LAYER, 1.5, &[halo()], 0.0);
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let bodies: Vec<State> = (0..40_000).map(|_| disc.draw(4.0, &mut rng)).collect();
    let count = bodies.len() as f64;
    let within = |r: f64| bodies.iter().filter(|s| s.pos[0].hypot(s.pos[1]) < r).count() as f64 / count;
    for x in [0.5f64, 1.0, 2.0, 4.0] {
        let expected = 1.0 - (1.0 + x) * (-x).exp();
        assert!((within(3.0 * x) - expected).abs() < 4.0 * 0.5 / count.sqrt(), "within {x}");
    }
    let mean_height2 = bodies.iter().map(|s| s.pos[2].powi(2)).sum::<f64>() / count;
    assert!((mean_height2 / (PI * PI * 0.09 / 12.0) - 1.0).abs() < 0.04, "<z^2> = {mean_height2}");
    let ring = || bodies.iter().filter(|s| (5.5..6.5).contains(&s.pos[0].hypot(s.pos[1])));
    let n = ring().count() as f64;
    let cylindrical = |s: &State| {
        let (r, [x, y, _], [u, v, w]) = (s.pos[0].hypot(s.pos[1]), s.pos, s.vel);
        [(x * u + y * v) / r, (x * v - y * u) / r, w]
    };
    let Moments { rotation, dispersion: [radial, azimuthal] } = disc.moments(6.0);
    let upward = vertical2(&Pull::new(LAYER, &[halo()], 0.0).at(6.0)).sqrt();
    let mean = |k: usize| ring().map(|s| cylindrical(s)[k]).sum::<f64>() / n;
    for k in 0..3 {
        let spread = (ring().map(|s| (cylindrical(s)[k] - mean(k)).powi(2)).sum::<f64>() / n).sqrt();
        let theory = 2.0 * [radial, azimuthal, upward][k];
        assert!((spread / theory - 1.0).abs() < 0.05, "axis {k}: {spread} instead of {theory}");
    }
    assert!((mean(1) / (2.0 * rotation) - 1.0).abs() < 0.01 && mean(0).abs() < 0.1);
}
