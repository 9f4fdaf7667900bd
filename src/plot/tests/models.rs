//! Profiles, shapes and radii agree with the theory of models.

use super::*;

/// Greatest deviation of shells from theory, in standard deviations of their Poisson noise.
fn worst(
    shells: &[Shell],
    found: impl Fn(&Shell) -> f64,
    expected: impl Fn(f64, &Shell) -> f64,
    noise: f64,
) -> f64 {
    let deviation = |shell: &Shell| {
        let expected = expected(shell.radius(), shell);
        ((found(shell) - expected) / expected).abs() * (shell.bodies as f64).sqrt() / noise
    };
    shells.iter().filter(|shell| shell.bodies > 300).map(deviation).fold(0.0, f64::max)
}

/// Plummer (1911): M(r) = r^3 (1 + r^2)^(-3/2). One-dimensional dispersion^2 = 1 / (6 sqrt(1 +
/// r^2)), isotropic.
#[test]
fn a_plummer_sphere_has_its_density_mass_and_dispersion() {
    let snapshot = about_its_centre(sphere(Model::Plummer, 1e3));
    let shells = shells(&snapshot, 25, None).unwrap();
    assert!(shells.iter().filter(|shell| shell.bodies > 300).count() > 15);
    let mass = |r: f64| r.powi(3) * (1.0 + r * r).powf(-1.5);
    let density = |_: f64, shell: &Shell| {
        let volume = 4.0 / 3.0 * std::f64::consts::PI * (shell.ends[1].powi(3) - shell.ends[0].powi(3));
        (mass(shell.ends[1]) - mass(shell.ends[0])) / volume
    };
    let deviations = [
        worst(&shells, Shell::density, density, 1.0),
        worst(&shells, |shell| shell.enclosed, |_, shell| mass(shell.ends[1]), 1.0),
        // The relative uncertainty of a dispersion of n bodies is 1/sqrt(6 n). The thickness of the
        // shell adds to it.
        worst(&shells, Shell::total_dispersion, |r, _| (1.0 / (6.0 * (1.0 + r * r).sqrt())).sqrt(), 0.6),
        worst(&shells, |shell| 1.0 - shell.anisotropy(), |_, _| 1.0, 2.0),
        worst(
            &shells,
            |shell| shell.circular_speed(1.0),
            |_, shell| (mass(shell.ends[1]) / shell.ends[1]).sqrt(),
            1.0,
        ),
    ];
    assert!(deviations.iter().all(|deviation| *deviation < 4.0), "{deviations:?}");
    let streaming =
        shells.iter().filter(|s| s.bodies > 300).map(|s| s.velocity[2].abs() * (s.bodies as f64).sqrt());
    assert!(streaming.fold(0.0, f64::max) < 2.0, "a sphere at rest rotates");
}

/// Hernquist (1990): M(r) = r^2 / (1 + r)^2, so a fraction f of the mass is within sqrt(f) / (1 -
/// sqrt(f)).
#[test]
fn a_hernquist_sphere_has_its_mass_and_lagrange_radii() {
    let cut = 200.0f64;
    let snapshot = about_its_centre(sphere(Model::Hernquist, cut));
    let all = cut * cut / (1.0 + cut).powi(2);
    let shells = shells(&snapshot, 25, None).unwrap();
    let mass = |_: f64, shell: &Shell| shell.ends[1].powi(2) / (1.0 + shell.ends[1]).powi(2) / all;
    assert!(worst(&shells, |shell| shell.enclosed, mass, 1.0) < 4.0);
    for (radius, part) in radii(&snapshot, &[0.1, 0.5, 0.9]).into_iter().zip([0.1f64, 0.5, 0.9]) {
        let root = (part * all).sqrt();
        assert!((radius / (root / (1.0 - root)) - 1.0).abs() < 0.03, "{part}: {radius}");
    }
}

#[test]
fn a_stretched_and_turned_sphere_has_its_axis_ratios() {
    let mut bodies = sphere(Model::Plummer, 10.0);
    let turn = nalgebra::Rotation3::from_euler_angles(0.3, -1.1, 2.0);
    for i in 0..bodies.len() {
        let [x, y, z] = bodies.position(i);
        let place = turn * nalgebra::Vector3::new(0.4 * x, y, 0.7 * z);
        (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
    }
    let snapshot = about_its_centre(bodies);
    // In the core the density is flat and the shape is undefined: ellipsoids keep their initial
    // ratios.
    for semi_major in [1.5, 3.0, 6.0] {
        let [b, c] = fit(&snapshot, semi_major).unwrap().ratios;
        assert!((b - 0.7).abs() < 0.02 && (c - 0.4).abs() < 0.02, "{semi_major}: {b}, {c}");
    }
    let round = about_its_centre(sphere(Model::Plummer, 10.0));
    let [b, c] = fit(&round, 1.5).unwrap().ratios;
    assert!(b > 0.97 && c > 0.96 && c <= b, "{b}, {c}");
    assert_eq!(fit(&round, 0.01), None, "too few bodies tell no shape");
}

/// A rotating ring: all of its motion is rotation about its axis, none is dispersion.
#[test]
fn rotation_is_told_from_dispersion() {
    let n = 2000;
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(1.0);
    for i in 0..n {
        let angle = std::f64::consts::TAU * i as f64 / n as f64;
        (bodies.pos[1][i], bodies.pos[2][i]) = (3.0 * angle.cos(), 3.0 * angle.sin());
        (bodies.vel[1][i], bodies.vel[2][i]) = (-5.0 * angle.sin(), 5.0 * angle.cos());
    }
    let shells = shells(&about_its_centre(bodies), 4, Some([1.0, 9.0])).unwrap();
    assert_eq!(shells.len(), 1);
    assert!((shells[0].velocity[2] - 5.0).abs() < 1e-9, "{shells:?}");
    assert!(shells[0].total_dispersion() < 1e-6);
}

/// The halo has most of the mass, and its noise must not turn the axis.
#[test]
fn a_disc_in_a_halo_shows_its_rotation() {
    for (bodies, seed) in [(20_000, 0), (6_000, 0), (6_000, 1), (6_000, 2)] {
        let galaxy = model::Preset::MilkyWay.galaxy();
        let disc = Model::DiscGalaxy(model::DiscGalaxy { bodies, seed, ..galaxy });
        let mut bodies = model::generate(&Solo, &disc, Units::GALACTIC.gravitational_constant());
        let centre = Centre::find(&bodies);
        centre.subtract_from(&mut bodies, Domain::Open);
        let axis = nbody::profile::rotation_axis(&bodies);
        assert!(axis[2] > 0.98, "{axis:?}");
        let snapshot = about_its_centre(bodies);
        // At the scale length the disc has a fifth of the mass or more.
        let inner = shells(&snapshot, 6, Some([1.0, 8.0])).unwrap();
        let mean = inner.iter().map(|shell| shell.velocity[2]).sum::<f64>() / inner.len() as f64;
        assert!(mean > 50.0, "{inner:?}");
        let outermost = rings(&snapshot, 30, None, From::Spin).unwrap().last().unwrap().ends[1];
        assert!((10.0..40.0).contains(&outermost), "{outermost}");
        // If all are of one type, the inner ones decide.
        let mut alike = snapshot.bodies;
        alike.kind.fill(1);
        assert!(
            nbody::profile::rotation_axis(&alike)[2] > 0.95,
            "{:?}",
            nbody::profile::rotation_axis(&alike)
        );
    }
}

#[test]
fn the_phase_plane_holds_the_mass_where_it_is() {
    let mut bodies = Bodies::zeroed(1000);
    bodies.mass.fill(0.5);
    for i in 0..1000 {
        bodies.pos[2][i] = if i < 500 { 1.0 } else { 10.0 };
        bodies.vel[2][i] = if i < 500 { 30.0 } else { -60.0 };
    }
    let grid = Grid::of(&about_its_centre(bodies), 50).unwrap();
    let mut filled =
        (0..2500).filter(|&cell| grid.mass[cell] > 0.0).map(|cell| (grid.middle(cell), grid.mass[cell]));
    let (outer, inner) = (filled.next().unwrap(), filled.next().unwrap());
    assert_eq!((filled.next(), inner.1, outer.1), (None, 250.0, 250.0));
    assert!((inner.0[0].ln()).abs() < 0.06 && (inner.0[1] - 30.0).abs() < 2.0, "{inner:?}");
    assert!((outer.0[0] / 10.0).ln().abs() < 0.06 && (outer.0[1] + 60.0).abs() < 2.0, "{outer:?}");
}

#[test]
fn a_mass_function_counts_from_the_heaviest() {
    assert_eq!(mass_function(vec![2.0, 5.0, 2.0]), [[5.0, 1.0], [2.0, 2.0], [2.0, 3.0]]);
    assert_eq!(enclosing(&[[1.0, 1.0], [2.0, 4.0], [3.0, 5.0]], 0.5), 2.0);
}

/// An exponential disc has the surface density M / (2 pi h^2) exp(-R / h).
#[test]
fn an_exponential_disc_has_its_surface_density() {
    let galaxy =
        model::DiscGalaxy { bodies: 60_000, seed: 4, stars: 0.9, ..model::Preset::MilkyWay.galaxy() };
    let (mass, length) = (galaxy.disc_mass, galaxy.disc_length);
    let mut disc = model::generate(&Solo, &Model::DiscGalaxy(galaxy), 43_009.17);
    let members: Vec<u32> = (0..disc.len() as u32).filter(|&i| disc.kind[i as usize] == 2).collect();
    disc.permute(&members);
    let snapshot = about_its_centre(disc);
    for from in [From::Spin, From::Z] {
        let rings = rings(&snapshot, 20, Some(4.0 * length), from).unwrap();
        for ring in &rings {
            let within = |r: f64| mass * (1.0 - (1.0 + r / length) * (-r / length).exp());
            let expected = within(ring.ends[1]) - within(ring.ends[0]);
            let noise = expected / (ring.bodies as f64).sqrt();
            assert!((ring.mass - expected).abs() < 5.0 * noise, "{from:?}, {ring:?}: {expected}");
        }
        assert_eq!(rings.len(), 20);
    }
    // Edge-on, the same disc is a narrow band: its mass is at small heights.
    let edge = rings(&snapshot, 20, Some(4.0 * length), From::X).unwrap();
    assert!(Ring::sum(&edge).strength() > 0.5);
}

/// Rings of mass 1 + a cos 2 (phi - phi_0) have the strength a / 2 and the angle phi_0.
#[test]
fn a_bar_has_its_strength_and_angle() {
    let n = 3600;
    let mut bodies = Bodies::zeroed(n);
    let (a, angle) = (0.3, 25.0f64.to_radians());
    for i in 0..n {
        let phi = std::f64::consts::TAU * i as f64 / 1200.0;
        let radius = 0.5 + (i / 1200) as f64;
        (bodies.pos[0][i], bodies.pos[1][i]) = (radius * phi.cos(), radius * phi.sin());
        (bodies.vel[0][i], bodies.vel[1][i]) = (-phi.sin(), phi.cos());
        bodies.mass[i] = 1.0 + a * (2.0 * (phi - angle)).cos();
    }
    let snapshot = about_its_centre(bodies);
    for from in [From::Z, From::Spin] {
        let rings = rings(&snapshot, 3, Some(3.0), from).unwrap();
        assert_eq!(rings.len(), 3);
        for ring in rings.iter().chain([&Ring::sum(&rings)]) {
            assert!(
                (ring.strength() - 0.5 * a).abs() < 1e-9 && (ring.angle() - 25.0).abs() < 1e-6,
                "{ring:?}"
            );
        }
    }
}

/// The scatter of many realizations of a sphere is that of the error bars.
#[test]
fn errors_are_those_of_many_realizations() {
    const TRIALS: u64 = 120;
    let trial = |seed: u64| {
        let spherical = Spherical { bodies: 1500, seed, mass: 1.0, radius: 1.0, cut: 20.0, softening: 0.0 };
        let mut bodies = model::generate(&Solo, &Model::Plummer(spherical), 1.0);
        // Half of the bodies have a third of the mass of the others.
        (0..bodies.len()).filter(|i| i % 2 == 0).for_each(|i| bodies.mass[i] /= 3.0);
        shells(&about_its_centre(bodies), 2, Some([0.5, 2.0])).unwrap()[0]
    };
    let all: Vec<Shell> = (0..TRIALS).map(trial).collect();
    type Of = fn(&Shell) -> f64;
    let quantities: [(&str, Of, Of); 5] = [
        ("density", Shell::density, Shell::density_error),
        ("dispersion", Shell::total_dispersion, Shell::dispersion_error),
        ("radial dispersion", |shell| shell.dispersion[0], |shell| shell.dispersion_errors()[0]),
        ("anisotropy", Shell::anisotropy, Shell::anisotropy_error),
        // The axis is the spin of the noise, so the mean of the azimuthal velocity is not zero.
        ("rotation", |shell| shell.velocity[0], |shell| shell.dispersion[0] / shell.effective.sqrt()),
    ];
    for (name, value, error) in quantities {
        let mean = all.iter().map(value).sum::<f64>() / all.len() as f64;
        let scatter = (all.iter().map(|shell| (value(shell) - mean).powi(2)).sum::<f64>()
            / (all.len() - 1) as f64)
            .sqrt();
        let expected = all.iter().map(error).sum::<f64>() / all.len() as f64;
        assert!((scatter / expected - 1.0).abs() < 0.25, "{name}: {scatter}, {expected}");
    }
}
