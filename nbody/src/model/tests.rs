//! Complete models. Their bodies have the same bits on any number of ranks, are at rest about the
//! origin, and are in equilibrium or on their orbit.

use super::draw::ends;
use super::*;
use decomposition::{Solo, threads};
use nalgebra::Vector3;
use treecode::{Bodies, Gravity, direct};

const G: f64 = 43009.17;

fn plummer(bodies: u64, seed: u64) -> Model {
    Model::Plummer(Spherical { bodies, seed, mass: 5.0, radius: 2.0, cut: 20.0, softening: 0.0 })
}

fn spherical(bodies: u64, cut: f64) -> Spherical {
    Spherical { bodies, seed: 5, mass: 5.0, radius: 2.0, cut, softening: 0.0 }
}

fn king(bodies: u64) -> King {
    King { bodies, seed: 5, mass: 5.0, radius: 2.0, w0: 7.0 }
}

/// K and W of bodies, by direct summation.
fn energies(bodies: &Bodies) -> (f64, f64) {
    let gravity = Gravity { constant: G, ..Gravity::default() };
    let field = direct::field(bodies, &gravity, &(0..bodies.len()).collect::<Vec<_>>());
    let potential: f64 = 0.5 * field.iter().zip(&bodies.mass).map(|((_, pot), m)| pot * m).sum::<f64>();
    let speed2 = |i| bodies.velocity(i).iter().map(|v| v * v).sum::<f64>();
    ((0..bodies.len()).map(|i| 0.5 * bodies.mass[i] * speed2(i)).sum(), potential)
}

fn collision(bodies: u64, spin: f64) -> Model {
    Model::Collision(Collision {
        bodies,
        seed: 3,
        profile: Profile::Hernquist,
        mass: 20.0,
        mass_ratio: 0.25,
        radius: 3.0,
        cut: 15.0,
        softening: 0.0,
        spin,
        inclination: [0.0, 60.0],
        azimuth: [0.0, 90.0],
        orbit: Orbit { pericentre: 5.0, eccentricity: 1.0, distance: 80.0 },
    })
}

fn clumps(bodies: u64) -> Clumps {
    Clumps {
        bodies,
        seed: 4,
        mass: 2.0,
        clumps: 30,
        background: 0.3,
        slope: 2.5,
        side: 8.0,
        radius: 0.05,
        cut: 10.0,
    }
}

fn uniform(shape: UniformShape, virial_ratio: f64) -> Model {
    Model::Uniform(Uniform { bodies: 20_000, seed: 6, mass: 1.0, shape, side: 3.0, virial_ratio })
}

fn mean(bodies: &Bodies, values: &[f64]) -> f64 {
    values.iter().zip(&bodies.mass).map(|(x, m)| x * m).sum::<f64>() / bodies.mass.iter().sum::<f64>()
}

/// Bodies of one particle type. In a collision, they are one galaxy.
fn of_kind(bodies: &Bodies, kind: u8) -> Bodies {
    let mut part = bodies.clone();
    part.permute(&(0..bodies.len() as u32).filter(|&i| bodies.kind[i as usize] == kind).collect::<Vec<_>>());
    part
}

#[test]
fn any_number_of_ranks_draws_the_same_bodies() {
    let models = [
        plummer(20_000, 1),
        plummer(5, 1),
        collision(9_000, 0.5),
        Model::Clumps(clumps(9_000)),
        Model::Clumps(clumps(20)),
        uniform(UniformShape::Ball, 0.5),
        Model::Nfw(spherical(6_000, 20.0)),
        Model::King(king(6_000)),
        Model::DiscGalaxy(disc_galaxy(6_000)),
        Model::StarCluster(star_cluster(6_000)),
        Model::PlanetarySystem(planets(9_000, 0.01)),
    ];
    for model in models {
        let one = generate(&Solo, &model, G);
        assert_eq!(one.id, (0..one.len() as u64).collect::<Vec<_>>());
        for ranks in [2, 3, 7] {
            let mut all = Bodies::default();
            threads::run(ranks, |comm| generate(comm, &model, G)).iter().for_each(|part| all.append(part));
            assert!(all == one, "{ranks} ranks, {model:?}");
        }
    }
}

#[test]
fn the_seed_decides_and_more_bodies_keep_the_streams_of_fewer() {
    let [a, again, other] = [1, 1, 2].map(|seed| generate(&Solo, &plummer(1000, seed), G));
    assert_eq!(a, again);
    assert_ne!(a.pos, other.pos);
    let larger = generate(&Solo, &plummer(2000, 1), G);
    let shift = larger.pos[0][0] - a.pos[0][0]; // the centres of mass differ
    assert!((larger.pos[0][999] - a.pos[0][999] - shift).abs() < 1e-12);
}

#[test]
fn models_rest_at_the_origin() {
    for model in [plummer(10_000, 1), collision(10_000, 1.0), uniform(UniformShape::Box, 0.0)] {
        let bodies = generate(&Solo, &model, G);
        for axis in 0..3 {
            assert!(mean(&bodies, &bodies.pos[axis]).abs() < 1e-11, "position, axis {axis}");
            assert!(mean(&bodies, &bodies.vel[axis]).abs() < 1e-10, "velocity, axis {axis}");
        }
    }
}

#[test]
fn a_sphere_is_in_virial_equilibrium() {
    // The scatter of 2K/|W| over seeds is about 1 / sqrt(N) for a Plummer sphere, and up to three
    // times that with a cusp. Limits of 20 to 100 radii change the ratio by less.
    let models = [
        (Model::Plummer(spherical(5_000, 20.0)), 0.04),
        (Model::Hernquist(spherical(5_000, 100.0)), 0.07),
        (Model::Jaffe(spherical(5_000, 20.0)), 0.1),
        (Model::Isochrone(spherical(5_000, 20.0)), 0.04),
        (Model::Nfw(spherical(5_000, 10.0)), 0.07),
        (Model::King(king(5_000)), 0.04),
        (uniform(UniformShape::Ball, 1.0), 0.03),
    ];
    for (model, scatter) in models {
        let (kinetic, potential) = energies(&generate(&Solo, &model, G));
        let ratio = 2.0 * kinetic / -potential;
        assert!((ratio - 1.0).abs() < scatter, "{model:?}: 2K/|W| = {ratio}");
    }
}

#[test]
fn energies_are_those_of_the_papers() {
    // W = -3 pi / 32 G M^2 / a of a Plummer sphere, -1/6 of a Hernquist sphere, -3/5 of a ball of
    // radius a.
    let unit = G * 25.0 / 2.0;
    let models = [
        (Model::Plummer(spherical(5_000, 100.0)), -3.0 * std::f64::consts::PI / 32.0 * unit, 0.04),
        (Model::Hernquist(spherical(5_000, 1000.0)), -unit / 6.0, 0.07),
        (uniform(UniformShape::Ball, 0.3), -0.6 * G / 1.5, 0.03),
    ];
    for (model, theory, scatter) in models {
        let (_, potential) = energies(&generate(&Solo, &model, G));
        assert!((potential / theory - 1.0).abs() < scatter, "{model:?}: W = {potential}, theory {theory}");
    }
    let (kinetic, _) = energies(&generate(&Solo, &uniform(UniformShape::Ball, 0.3), G));
    assert!((kinetic / (0.3 * 0.5 * 0.6 * G / 1.5) - 1.0).abs() < 0.03, "K = {kinetic}");
}

#[test]
fn galaxies_come_in_on_their_parabola() {
    let bodies = generate(&Solo, &collision(10_000, 0.7), G);
    let galaxies = [2, 3].map(|kind| of_kind(&bodies, kind));
    let masses = [0, 1].map(|i: usize| galaxies[i].mass.iter().sum::<f64>());
    assert!((masses[0] - 16.0).abs() < 1e-9 && (masses[1] - 4.0).abs() < 1e-9);
    assert_eq!(galaxies.each_ref().map(|galaxy| galaxy.len()), [8000, 2000]);
    let between = |arrays: [&[Vec<f64>; 3]; 2]| -> [f64; 3] {
        std::array::from_fn(|a| mean(&galaxies[1], &arrays[1][a]) - mean(&galaxies[0], &arrays[0][a]))
    };
    let pos = between([&galaxies[0].pos, &galaxies[1].pos]);
    let vel = between([&galaxies[0].vel, &galaxies[1].vel]);
    let speed2 = vel.iter().map(|v| v * v).sum::<f64>();
    let energy = 0.5 * speed2 - G * 20.0 / 80.0;
    assert!(energy.abs() < 1e-9 * speed2, "energy of the centres {energy}");
    let momentum = pos[0] * vel[1] - pos[1] * vel[0];
    let pericentre = momentum * momentum / (2.0 * G * 20.0);
    assert!((pericentre - 5.0).abs() < 1e-9, "pericentre {pericentre}");
    assert!((pos[0] - 80.0).abs() < 1e-9 && vel[0] < 0.0 && pos[2].abs() < 1e-9);
}

#[test]
fn galaxies_spin_about_their_axes() {
    let bodies = generate(&Solo, &collision(20_000, 1.0), G);
    let axes = [[0.0, 0.0, 1.0], [0.0, 60f64.to_radians().sin(), 0.5]];
    for (kind, axis) in [2, 3].into_iter().zip(axes) {
        let galaxy = of_kind(&bodies, kind);
        let centre: [f64; 3] = std::array::from_fn(|a| mean(&galaxy, &galaxy.pos[a]));
        let drift: [f64; 3] = std::array::from_fn(|a| mean(&galaxy, &galaxy.vel[a]));
        let mut spin = [0.0; 3];
        for i in 0..galaxy.len() {
            let [x, y, z]: [f64; 3] = std::array::from_fn(|a| galaxy.pos[a][i] - centre[a]);
            let [u, v, w]: [f64; 3] = std::array::from_fn(|a| galaxy.vel[a][i] - drift[a]);
            let moment = [y * w - z * v, z * u - x * w, x * v - y * u];
            (0..3).for_each(|a| spin[a] += moment[a]);
        }
        let length = spin.iter().map(|x| x * x).sum::<f64>().sqrt();
        let along = (0..3).map(|a| axis[a] * spin[a]).sum::<f64>();
        assert!(along / length > 0.999, "type {kind} spins about {spin:?}");
    }
}

fn disc_galaxy(bodies: u64) -> DiscGalaxy {
    DiscGalaxy { bodies, seed: 8, stars: 0.5, ..Preset::MilkyWay.galaxy() }
}

/// McMillan (2017): 130 +- 30 within 228 kpc. Eilers et al. (2019, ApJ 871, 120): 229 km/s at 8.12 kpc.
#[test]
fn the_milky_way_has_the_mass_and_the_speed_of_its_sources() {
    let galaxy = Preset::MilkyWay.galaxy();
    let within = galaxy.halo_within(228.0);
    assert!((within / 130.0 - 1.0).abs() < 0.01, "{within} within 228 kpc");
    let speed = (G * galaxy.circular2(8.2)).sqrt();
    assert!((speed - 229.0).abs() < 5.0, "{speed} km/s");
}

#[test]
fn a_disc_galaxy_turns_as_the_sum_of_its_parts_says() {
    let galaxy = DiscGalaxy { disc_height: 0.02, ..disc_galaxy(80_000) };
    let bodies = generate(&Solo, &Model::DiscGalaxy(galaxy.clone()), G);
    let count = |kind| bodies.kind.iter().filter(|&&k| k == kind).count();
    assert_eq!([count(1), count(2), count(3)], [40_000, 33_210, 6790]);
    // Mean inward acceleration on a ring in the plane, times its radius. A small softening limits
    // the effect of single bodies.
    for radius in [3.0, 5.0, 8.0, 12.0] {
        let points = 64;
        let pull: f64 = (0..points)
            .map(|k| {
                let (sin, cos) = (f64::from(k) / f64::from(points) * std::f64::consts::TAU).sin_cos();
                let of = |i: usize| {
                    let d = Vector3::from(bodies.position(i)) - radius * Vector3::new(cos, sin, 0.0);
                    -bodies.mass[i] * (d.x * cos + d.y * sin) / (d.norm_squared() + 0.01).powf(1.5)
                };
                (0..bodies.len()).map(of).sum::<f64>() * radius / f64::from(points)
            })
            .sum();
        let ratio = pull / galaxy.circular2(radius);
        assert!((ratio - 1.0).abs() < 0.04, "at {radius}: {ratio} of the sum of the parts");
    }
}

#[test]
fn a_disc_galaxy_is_in_virial_equilibrium() {
    for galaxy in [disc_galaxy(6_000), DiscGalaxy { bulge_mass: 0.0, ..disc_galaxy(6_000) }] {
        let (kinetic, potential) = energies(&generate(&Solo, &Model::DiscGalaxy(galaxy), G));
        let ratio = 2.0 * kinetic / -potential;
        assert!((ratio - 1.0).abs() < 0.05, "2K/|W| = {ratio}");
    }
}

#[test]
fn galaxies_of_an_encounter_keep_their_shape_and_are_turned() {
    let orbit = Some(Orbit { pericentre: 8.0, eccentricity: 0.6, distance: 30.0 });
    let galaxy = |orientation| Galaxy {
        name: None,
        model: Model::DiscGalaxy(disc_galaxy(4000)),
        placement: Placement { orientation, ..Placement::default() },
    };
    let galaxies = vec![galaxy([0.0, 0.0]), galaxy([60.0, -30.0])];
    let bodies = generate(&Solo, &Model::Encounter(Encounter { seed: 8, orbit, galaxies }), G);
    assert_eq!(bodies.len(), 8000);
    let disc = |first: usize| (first..first + 4000).filter(|&i| bodies.kind[i] == 2).collect::<Vec<_>>();
    let spins = [disc(0), disc(4000)].map(|disc| {
        let centre = |values: &[f64]| disc.iter().map(|&i| values[i]).sum::<f64>() / disc.len() as f64;
        let pos: [f64; 3] = std::array::from_fn(|a| centre(&bodies.pos[a]));
        let vel: [f64; 3] = std::array::from_fn(|a| centre(&bodies.vel[a]));
        let spin = disc.iter().fold(Vector3::zeros(), |sum, &i| {
            let x = Vector3::from(bodies.position(i)) - Vector3::from(pos);
            sum + x.cross(&(Vector3::from(bodies.velocity(i)) - Vector3::from(vel)))
        });
        (pos, vel, spin.normalize())
    });
    assert!(spins[0].2.z > 0.9999);
    assert!((spins[1].2.z - 0.5).abs() < 0.01, "{:?}", spins[1].2);
    let [place, motion] = [
        Vector3::from(spins[0].0) - Vector3::from(spins[1].0),
        Vector3::from(spins[0].1) - Vector3::from(spins[1].1),
    ];
    assert!((place.norm() - 30.0).abs() < 1e-9 && place.dot(&motion) < 0.0, "apart {}", place.norm());
    // The Laplace vector gives the direction of pericentre from the second galaxy. The node is 30
    // degrees after it.
    let gm = G * bodies.mass.iter().sum::<f64>();
    let pericentre = motion.cross(&place.cross(&motion)) / gm - place.normalize();
    assert!((pericentre.norm() - 0.6).abs() < 1e-9, "e = {}", pericentre.norm());
    let node = pericentre.y.atan2(pericentre.x) + f64::to_radians(30.0);
    let up = f64::to_radians(60.0).sin();
    let expected = Vector3::new(-up * node.sin(), up * node.cos(), 0.5);
    assert!((spins[1].2 - expected).norm() < 0.02, "{:?} instead of {expected:?}", spins[1].2);
}

#[test]
fn two_bodies_take_the_orbit_asked_for() {
    let model = TwoBody { mass: 3.0, mass_ratio: 0.5, semi_major_axis: 2.0, eccentricity: 0.3 };
    let bodies = generate(&Solo, &Model::TwoBody(model), 1.0);
    assert_eq!((bodies.len(), &bodies.mass[..]), (2, &[2.0, 1.0][..]));
    let distance = bodies.pos[0][1] - bodies.pos[0][0];
    assert!((distance - 2.0 * 1.3).abs() < 1e-14, "it starts at apocentre");
    let speed = bodies.vel[1][1] - bodies.vel[1][0];
    let energy = 0.5 * speed * speed - 3.0 / distance;
    assert!((energy + 3.0 / (2.0 * 2.0)).abs() < 1e-13);
}

#[test]
fn clumps_have_their_masses_sizes_and_places() {
    let model = clumps(100_000);
    let components = model.components(1.0).unwrap();
    let counts: Vec<u64> = components.iter().map(|component| component.count).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>(), counts[30]), (31, 100_000, 30_000));
    // A fraction (m / m_0)^-1.5 of the clumps is heavier than m. This is the mass ratio of the (k +
    // 1/2)-th quantiles of 30.
    for (k, ratio) in [(10, (30.0f64 / 19.5).powf(1.0 / 1.5)), (29, 60f64.powf(1.0 / 1.5))] {
        let found = counts[k] as f64 / counts[0] as f64 * (29.5f64 / 30.0).powf(-1.0 / 1.5);
        assert!((found / ratio - 1.0).abs() < 2e-3, "clump {k}: {found} instead of {ratio}");
    }

    let bodies = generate(&Solo, &Model::Clumps(model), G);
    assert!(bodies.mass.iter().all(|&mass| (mass / 2e-5 - 1.0).abs() < 1e-12));
    let ends = ends(&components);
    let (heaviest, mean_count) = (ends[28] as usize..ends[29] as usize, 70_000.0 / 30.0);
    let centre = components[29].place.pos;
    let mut distances: Vec<f64> = heaviest
        .clone()
        .map(|i| (0..3).map(|a| (bodies.pos[a][i] - centre[a]).powi(2)).sum::<f64>().sqrt())
        .collect();
    distances.sort_by(f64::total_cmp);
    // Half of the mass within 10 scale radii lies within 1.29. The scatter of the median is about
    // 0.9 / sqrt(N).
    let half = distances[distances.len() / 2] / (0.05 * (heaviest.len() as f64 / mean_count).cbrt());
    assert!((half - 1.29).abs() < 0.05, "half-mass radius {half}");
    let speed2 = |i: usize| bodies.velocity(i).iter().map(|v| v * v).sum::<f64>();
    assert!(heaviest.clone().all(|i| speed2(i) > 0.0));
    assert!((ends[29] as usize..100_000).all(|i| speed2(i) == 0.0), "the background is at rest");
    for axis in 0..3 {
        let drift: f64 = heaviest.clone().map(|i| bodies.vel[axis][i]).sum();
        assert!(drift.abs() < 1e-9 * speed2(heaviest.start).sqrt() * heaviest.len() as f64);
        let places: Vec<f64> = components.iter().map(|component| component.place.pos[axis]).collect();
        assert!(places.iter().all(|x| x.abs() < 4.0));
        assert!(places.iter().copied().fold(0.0, f64::max) > 2.0);
    }
}

#[test]
fn uniform_bodies_fill_their_shape_and_rest() {
    // Mean square of a coordinate: side^2 / 12 in a box and radius^2 / 5 in a ball. Its relative
    // scatter is below 1 / sqrt(N).
    for (shape, expected, corner) in
        [(UniformShape::Box, 9.0 / 12.0, 1.5 * 3f64.sqrt()), (UniformShape::Ball, 2.25 / 5.0, 1.5)]
    {
        let bodies = generate(&Solo, &uniform(shape, 0.0), G);
        for axis in 0..3 {
            let square = bodies.pos[axis].iter().map(|x| x * x).sum::<f64>() / 20_000.0;
            assert!((square / expected - 1.0).abs() < 4.0 / 20_000f64.sqrt(), "{shape:?}: {square}");
            assert!(bodies.vel[axis].iter().all(|&v| v == 0.0));
        }
        let farthest =
            (0..bodies.len()).map(|i| treecode::math::norm(bodies.position(i))).fold(0.0, f64::max);
        assert!(farthest < corner * 1.02 && farthest > 0.9 * corner, "{shape:?}: {farthest}");
    }
}

/// A cluster of Kroupa's stars, a third of them in binaries, in units of pc, solar masses and km/s.
fn star_cluster(bodies: u64) -> StarCluster {
    StarCluster {
        bodies,
        seed: 9,
        mass: 0.5 * bodies as f64,
        radius: 1.0,
        w0: Some(6.0),
        cut: None,
        mass_function: MassFunction::Kroupa,
        least_mass: 0.08,
        greatest_mass: 50.0,
        binaries: 0.2,
        binary_axis: Some([1e-4, 1e-2]),
    }
}

#[test]
fn a_star_cluster_is_in_equilibrium_without_its_binaries_and_has_its_mass() {
    for (w0, cut) in [(Some(6.0), None), (None, Some(10.0))] {
        let single = StarCluster { binaries: 0.0, binary_axis: None, w0, cut, ..star_cluster(6_000) };
        let bodies = generate(&Solo, &Model::StarCluster(single), G);
        let (kinetic, potential) = energies(&bodies);
        let ratio = 2.0 * kinetic / -potential;
        assert!((ratio - 1.0).abs() < 0.1, "2K/|W| = {ratio}");
        let mass: f64 = bodies.mass.iter().sum();
        assert!((mass / 3000.0 - 1.0).abs() < 1e-12, "{mass}");
        let [least, greatest] =
            [f64::min, f64::max].map(|of| bodies.mass.iter().copied().reduce(of).unwrap());
        assert!(greatest > 50.0 * least, "{least}, {greatest}");
        for vector in bodies.pos.iter().chain(&bodies.vel) {
            assert!(mean(&bodies, vector).abs() < 1e-9);
        }
        // Masses are not sorted by radius.
        let inner = |i: &usize| bodies.position(*i).iter().map(|x| x * x).sum::<f64>() < 1.0;
        let inside: Vec<usize> = (0..bodies.len()).filter(inner).collect();
        let heavy = inside.iter().map(|&i| bodies.mass[i]).sum::<f64>() / inside.len() as f64;
        assert!(inside.len() > 500 && (heavy / 0.5 - 1.0).abs() < 0.2, "{heavy} of {}", inside.len());
    }
}

#[test]
fn binaries_have_the_axes_and_eccentricities_asked_for() {
    let model = star_cluster(4_000);
    let bodies = generate(&Solo, &Model::StarCluster(model.clone()), G);
    let pairs = model.pairs() as usize;
    assert_eq!(pairs, (0.2 * 4000.0f64 / 1.2).round() as usize);
    let (mut logarithms, mut eccentricities) = (Vec::new(), Vec::new());
    for k in 0..pairs {
        let difference = |vectors: &[Vec<f64>; 3]| {
            Vector3::from_fn(|axis, _| vectors[axis][2 * k + 1] - vectors[axis][2 * k])
        };
        let (x, v) = (difference(&bodies.pos), difference(&bodies.vel));
        let gm = G * (bodies.mass[2 * k] + bodies.mass[2 * k + 1]);
        let axis = 1.0 / (2.0 / x.norm() - v.norm_squared() / gm);
        assert!((0.999e-4..1.001e-2).contains(&axis), "pair {k}: a = {axis}");
        logarithms.push(axis.log10());
        eccentricities.push((v.cross(&x.cross(&v)) / gm - x.normalize()).norm());
    }
    let average = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    // Uniform in the logarithm, and 2 e.
    assert!((average(&logarithms) + 3.0).abs() < 0.1, "{}", average(&logarithms));
    assert!((average(&eccentricities) - 2.0 / 3.0).abs() < 0.04, "{}", average(&eccentricities));
}

/// Two planets and a belt, in units of au, solar masses and years.
fn planets(bodies: u64, belt_mass: f64) -> PlanetarySystem {
    let planet = |mass, semi_major_axis, eccentricity, inclination| Planet {
        mass,
        orbit: Elements { semi_major_axis, eccentricity, inclination, node: 50.0, ..Elements::default() },
    };
    let belt = Belt {
        bodies,
        belt_mass,
        belt: [2.0, 4.0],
        belt_slope: 1.0,
        belt_eccentricity: 0.1,
        belt_inclination: 5.0,
        star: 1.0,
    };
    let planets = vec![planet(1e-3, 5.2, 0.05, 1.3), planet(3e-4, 9.5, 0.06, 2.5)];
    PlanetarySystem { seed: 3, mass: 1.0, planets, belt: Some(belt) }
}

#[test]
fn a_planetary_system_rests_about_its_centre_and_keeps_its_orbits() {
    let gravity = 4.0 * std::f64::consts::PI.powi(2);
    for belt_mass in [0.0, 0.05] {
        let system = planets(3_000, belt_mass);
        let bodies = generate(&Solo, &Model::PlanetarySystem(system.clone()), gravity);
        assert_eq!((bodies.len(), bodies.kind[0], bodies.kind[1], bodies.kind[3]), (3003, 4, 5, 2));
        assert!(bodies.mass[3..].iter().all(|mass| *mass == belt_mass / 3000.0));
        for vector in bodies.pos.iter().chain(&bodies.vel) {
            assert!(mean(&bodies, vector).abs() < 1e-14);
        }
        let orbit = |i: usize, mass: f64| {
            let relative =
                |vectors: &[Vec<f64>; 3]| Vector3::from_fn(|axis, _| vectors[axis][i] - vectors[axis][0]);
            let (x, v, gm) = (relative(&bodies.pos), relative(&bodies.vel), gravity * mass);
            let spin = x.cross(&v);
            let axis = 1.0 / (2.0 / x.norm() - v.norm_squared() / gm);
            (axis, (v.cross(&spin) / gm - x.normalize()).norm(), (spin.z / spin.norm()).acos().to_degrees())
        };
        for (i, Planet { mass, orbit: expected }) in system.planets.iter().enumerate() {
            let (axis, eccentricity, inclination) = orbit(1 + i, 1.0 + mass);
            assert!((axis / expected.semi_major_axis - 1.0).abs() < 1e-12);
            assert!((eccentricity - expected.eccentricity).abs() < 1e-12);
            assert!((inclination - expected.inclination).abs() < 1e-9);
        }
        let orbits: Vec<(f64, f64, f64)> = (3..3003).map(|i| orbit(i, 1.0)).collect();
        assert!(orbits.iter().all(|(axis, ..)| (2.0 - 1e-12..=4.0 + 1e-12).contains(axis)));
        // With the slope 1, the number of bodies per axis is the same everywhere.
        let inner = orbits.iter().filter(|(axis, ..)| *axis < 3.0).count();
        assert!((1400..1600).contains(&inner), "{inner}");
        let rms = |of: fn(&(f64, f64, f64)) -> f64| {
            (orbits.iter().map(|orbit| of(orbit).powi(2)).sum::<f64>() / 3000.0).sqrt()
        };
        assert!(
            (rms(|orbit| orbit.1) / 0.1 - 1.0).abs() < 0.05
                && (rms(|orbit| orbit.2) / 5.0 - 1.0).abs() < 0.05
        );
    }
}
