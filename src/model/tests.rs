//! Models as a whole: the same bodies on any ranks, at rest about the origin, in equilibrium, on their orbit.

use super::*;
use decomposition::{Solo, threads};
use treecode::{Gravity, direct};

const G: f64 = 43009.17;

fn plummer(bodies: u64, seed: u64) -> Model {
    Model::Plummer(Plummer { bodies, seed, mass: 5.0, radius: 2.0, cut: 20.0 })
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
        spin,
        inclination: [0.0, 60.0],
        azimuth: [0.0, 90.0],
        pericentre: 5.0,
        distance: 80.0,
    })
}

fn mean(bodies: &Bodies, values: &[f64]) -> f64 {
    values.iter().zip(&bodies.mass).map(|(x, m)| x * m).sum::<f64>() / bodies.mass.iter().sum::<f64>()
}

/// Bodies of one type, which in a collision are one galaxy.
fn of_kind(bodies: &Bodies, kind: u8) -> Bodies {
    let mut part = bodies.clone();
    part.permute(&(0..bodies.len() as u32).filter(|&i| bodies.kind[i as usize] == kind).collect::<Vec<_>>());
    part
}

#[test]
fn any_number_of_ranks_draws_the_same_bodies() {
    for model in [plummer(20_000, 1), plummer(5, 1), collision(9_000, 0.5)] {
        let one = generate(&Solo, &model, G);
        assert_eq!(one.id, (0..one.len() as u64).collect::<Vec<_>>());
        for ranks in [2, 3, 7] {
            let mut all = Bodies::default();
            threads::run(ranks, |comm| generate(comm, &model, G)).iter().for_each(|part| all.append(part));
            assert_eq!(all, one, "{ranks} ranks");
        }
    }
}

#[test]
fn the_seed_decides_and_more_bodies_keep_the_streams_of_fewer() {
    let [a, again, other] = [1, 1, 2].map(|seed| generate(&Solo, &plummer(1000, seed), G));
    assert_eq!(a, again);
    assert_ne!(a.pos, other.pos);
    let larger = generate(&Solo, &plummer(2000, 1), G);
    let shift = larger.pos[0][0] - a.pos[0][0]; // the centre of mass is another one
    assert!((larger.pos[0][999] - a.pos[0][999] - shift).abs() < 1e-12);
}

#[test]
fn models_rest_at_the_origin() {
    for model in [plummer(10_000, 1), collision(10_000, 1.0)] {
        let bodies = generate(&Solo, &model, G);
        for axis in 0..3 {
            assert!(mean(&bodies, &bodies.pos[axis]).abs() < 1e-11, "position, axis {axis}");
            assert!(mean(&bodies, &bodies.vel[axis]).abs() < 1e-10, "velocity, axis {axis}");
        }
    }
}

#[test]
fn a_sphere_is_in_virial_equilibrium() {
    // The scatter of 2K/|W| over seeds is about 1 / sqrt(N) for a Plummer sphere; the cut at 20 radii changes it by less.
    let bodies = generate(&Solo, &plummer(10_000, 5), G);
    let gravity = Gravity { constant: G, ..Gravity::default() };
    let field = direct::field(&bodies, &gravity, &(0..bodies.len()).collect::<Vec<_>>());
    let potential: f64 = 0.5 * field.iter().zip(&bodies.mass).map(|((_, pot), m)| pot * m).sum::<f64>();
    let speed2 = |i| bodies.velocity(i).iter().map(|v| v * v).sum::<f64>();
    let kinetic: f64 = (0..bodies.len()).map(|i| 0.5 * bodies.mass[i] * speed2(i)).sum();
    let ratio = 2.0 * kinetic / -potential;
    assert!((ratio - 1.0).abs() < 0.03, "2K/|W| = {ratio}");
    let theory = -3.0 * std::f64::consts::PI / 32.0 * G * 25.0 / 2.0;
    assert!((potential / theory - 1.0).abs() < 0.03, "W = {potential}, theory {theory}");
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
