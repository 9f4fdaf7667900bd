//! Centres of bodies and of galaxies, their distances and tides.

use super::*;

#[test]
fn the_main_body_is_found_beside_a_satellite() {
    let mut bodies = sphere(Model::Plummer, 10.0);
    let main = bodies.len() * 7 / 10;
    for i in 0..main {
        (0..3).for_each(|axis| bodies.pos[axis][i] += [30.0, -4.0, 5.0][axis]);
        bodies.vel[0][i] += 7.0;
    }
    let Centre { position, velocity } = Centre::find(&bodies);
    // A thousand bodies of the core determine its centre to 0.02 along each axis, and its velocity
    // with a similar error.
    let off = treecode::math::norm([position[0] - 30.0, position[1] + 4.0, position[2] - 5.0]);
    assert!(off < 0.1, "{position:?}");
    assert!((velocity[0] - 7.0).abs() < 0.06 && velocity[1].abs() < 0.06, "{velocity:?}");
    assert!((Centre::at(&bodies, [30.0, -4.0, 5.0]).velocity[0] - 7.0).abs() < 0.1);
}

#[test]
fn a_centre_is_found_in_odd_sets_of_bodies() {
    let mut bodies = Bodies::zeroed(3);
    bodies.mass.fill(1.0);
    bodies.pos[0].fill(4.0);
    assert_eq!(Centre::find(&bodies).position, [4.0, 0.0, 0.0]);
    bodies.keep(0..1);
    assert_eq!(Centre::at(&bodies, [1.0; 3]).position, [1.0; 3]);
    let mut heap = Bodies::zeroed(5);
    heap.mass.fill(1.0);
    let error = shells(&about_its_centre(heap), 4, None).unwrap_err();
    assert!(error.to_string().contains("at one place"));
}

/// Sums over bodies that are too far away overflow. The search for the centre must end
/// nevertheless.
#[test]
fn the_search_for_a_centre_ends_whatever_the_bodies_are() {
    for scale in [1e-300, 1e-160, 1.0, 1e160, 1e300] {
        let mut bodies = sphere(Model::Plummer, 10.0);
        bodies.keep(0..500);
        bodies.pos[0][3] = -scale;
        bodies.pos[1][4] = scale;
        bodies.mass[5] = scale;
        Centre::find(&bodies);
        (0..3).for_each(|axis| bodies.pos[axis].iter_mut().for_each(|x| *x *= scale));
        Centre::find(&bodies);
    }
}

#[test]
fn bodies_too_far_away_to_be_plotted_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("far.txt");
    std::fs::write(&path, "mass x y z vx vy vz\n1 0 0 0 0 0 0\n1 1 0 0 0 -1e41 0\n").unwrap();
    let message = Selection { types: Vec::new(), centre: None }.read(&path).err().unwrap().to_string();
    let expected = "the velocity of the body with id 1 is -1e41, must be within 1e40 to be plotted";
    assert_eq!(message, format!("{}: {expected}", path.display()));
}

#[test]
fn galaxies_are_as_far_apart_as_they_were_put() {
    let mut all = sphere(Model::Plummer, 10.0);
    let mut other = all.clone();
    other.id.iter_mut().for_each(|id| *id += BODIES);
    other.pos[0].iter_mut().for_each(|x| *x += 12.0);
    other.vel[1].iter_mut().for_each(|v| *v += 2.0);
    all.append(&other);
    let centres =
        centres(&about_its_centre(all), &galaxies(&[0..=BODIES - 1, BODIES..=2 * BODIES - 1])).unwrap();
    for axis in 0..3 {
        let gap = |of: fn(&Centre) -> [f64; 3]| of(&centres[1])[axis] - of(&centres[0])[axis];
        assert!((gap(|centre| centre.position) - [12.0, 0.0, 0.0][axis]).abs() < 1e-9);
        assert!((gap(|centre| centre.velocity) - [0.0, 2.0, 0.0][axis]).abs() < 1e-9);
    }
}

/// Two galaxies on both sides of a face of a periodic box are as far apart as their nearest images, and so
/// is what the tides on one of them come from.
#[test]
fn galaxies_across_a_face_of_a_box_are_close() {
    let side = 40.0;
    let domain = Domain::Periodic { side };
    let near = sphere(Model::Plummer, 10.0);
    let mut other = near.clone();
    other.id.iter_mut().for_each(|id| *id += BODIES);
    other.pos[0].iter_mut().for_each(|x| *x += 8.0);
    let mut all = near;
    all.append(&other);
    let ids = galaxies(&[0..=BODIES - 1, BODIES..=2 * BODIES - 1]);
    let of = |shift: f64| {
        let mut all = all.clone();
        all.pos.iter_mut().flatten().for_each(|x| *x += shift);
        all.wrap(domain);
        let centre = Centre::at_in(&all, domain, [0.5 * side; 3]);
        centre.subtract_from(&mut all, domain);
        let snapshot = Snapshot { domain, centre, ..about_its_centre(all) };
        let both = (domain, centres(&snapshot, &ids).unwrap());
        (separation::distance(&both, 0, 1), tides(&snapshot, &ids, &External::default()).unwrap()[0])
    };
    let (inside, across) = (of(16.0), of(36.0));
    assert!((inside.0 - 8.0).abs() < 0.5, "{inside:?}");
    assert!(
        (inside.0 - across.0).abs() < 1e-3 && (inside.1.distance - across.1.distance).abs() < 1e-3,
        "{inside:?} {across:?}"
    );
    assert!((inside.1.radius - across.1.radius).abs() < 1e-2, "{inside:?} {across:?}");
}

/// A satellite of mass m on a circle of radius D about a mass M has the tidal radius D (m / 3 M)^(1/3),
/// in the field of bodies and in an external potential.
#[test]
fn the_tidal_radius_is_that_of_king() {
    let mut satellite = sphere(Model::Plummer, 1e3);
    satellite.keep(0..1000);
    satellite.mass.fill(1e-3 / 1000.0);
    satellite.pos.iter_mut().chain(&mut satellite.vel).flatten().for_each(|x| *x *= 1e-3);
    let host = {
        let mut host = satellite.clone();
        host.id.iter_mut().for_each(|id| *id += BODIES);
        host.mass.fill(1.0 / 1000.0);
        host
    };
    let distance = 3.0;
    satellite.pos[0].iter_mut().for_each(|x| *x += distance);
    satellite.vel[1].iter_mut().for_each(|v| *v += (1.0f64 / distance).sqrt());
    let expected = distance * (1e-3f64 / 3.0).cbrt();
    let mut both = satellite.clone();
    both.append(&host);
    let units = AxisUnits::of(&Units::NBODY);
    let ids = galaxies(&[0..=BODIES - 1, BODIES..=2 * BODIES - 1]);
    let about = |bodies| Snapshot { units, ..about_its_centre(bodies) };
    let found = tides(&about(both), &ids, &External::default()).unwrap()[0];
    assert!((found.radius / expected - 1.0).abs() < 0.02 && (found.distance - 3.0).abs() < 0.01, "{found:?}");
    assert!((found.mass / 1e-3 - 1.0).abs() < 1e-6);
    let point = PointMass { gm: 1.0, softening: 0.0 };
    let external = External { components: vec![Component::fixed(Shape::PointMass(point))] };
    let centre = Centre::find(&satellite);
    let mut moved = satellite;
    for axis in 0..3 {
        moved.pos[axis].iter_mut().for_each(|x| *x -= centre.position[axis]);
        moved.vel[axis].iter_mut().for_each(|v| *v -= centre.velocity[axis]);
    }
    let alone = Snapshot { units, centre, ..about_its_centre(moved) };
    let found = tides(&alone, &Galaxies::default(), &external).unwrap()[0];
    assert!((found.radius / expected - 1.0).abs() < 0.02, "{found:?}");
}
