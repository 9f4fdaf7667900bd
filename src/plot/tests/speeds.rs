//! Tests of circular speeds.

use super::*;

/// The rotation curve of the disc alone shows the circular speed of all mass.
#[test]
fn the_circular_speed_is_that_of_all_types() {
    let folder = tempfile::tempdir().unwrap();
    let mut bodies = sphere(Model::Plummer, 1e3);
    bodies.keep(0..6000);
    bodies.mass.fill(1.0 / 6000.0);
    (0..bodies.len()).filter(|i| i % 3 == 0).for_each(|i| bodies.kind[i] = 2);
    let header = Header { units: Some(Units::NBODY), ..Header::default() };
    write(folder.path(), "two.hdf5", &header, &bodies);
    plot(
        folder.path(),
        "profile @/two.hdf5 -o @/p.svg --types disc --centre 0,0,0 --radius 0.5:5 --shells 9",
    )
    .unwrap();
    let table = std::fs::read_to_string(folder.path().join("p.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    let place = |name: &str| rows[0].iter().position(|other| *other == name).unwrap();
    let (outer, speed) = (place("outer_radius"), place("circular_speed"));
    assert_eq!(rows.len(), 10);
    for row in &rows[1..] {
        let [r, v]: [f64; 2] = [outer, speed].map(|column| row[column].parse().unwrap());
        let expected = (r * r * (1.0 + r * r).powf(-1.5)).sqrt();
        assert!((v / expected - 1.0).abs() < 0.06, "at {r}: {v}, {expected}");
    }
}

/// Kuzmin's disc of scale length 1 and mass 1 has v^2 = R^2 (1 + R^2)^(-3/2). The mass within R would give
/// a speed that is 9 % too low at R = 1.
#[test]
fn the_circular_speed_of_a_disc_is_that_of_its_plane() {
    let n = 20_000;
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(1.0 / n as f64);
    let turn = nalgebra::Rotation3::from_euler_angles(0.4, 1.0, -0.7);
    for i in 0..n {
        let radius = ((1.0 - (i as f64 + 0.5) / n as f64).powi(-2) - 1.0).sqrt();
        let (y, x) = (2.399_963_2 * i as f64).sin_cos();
        let place = turn * nalgebra::Vector3::new(radius * x, radius * y, 0.0);
        let velocity = turn * nalgebra::Vector3::new(-y, x, 0.0);
        (0..3).for_each(|axis| bodies.pos[axis][i] = place[axis]);
        (0..3).for_each(|axis| bodies.vel[axis][i] = velocity[axis]);
        (bodies.kind[i], bodies.id[i]) = (2 + (i % 3 == 0) as u8, i as u64);
    }
    let length = ("gravity.softening.length".to_owned(), "[0.0, 0.0, 0.03, 0.03, 0.0, 0.0]".to_owned());
    let header = Header { units: Some(Units::NBODY), parameters: vec![length], ..Header::default() };
    let source = std::rc::Rc::new(Source::new("disc".into(), header));
    let snapshot = Snapshot { source, ids: Some(0..=n as u64 / 2), ..about_its_centre(bodies) };
    let point = PointMass { gm: 0.5, softening: 0.0 };
    let external = External { components: vec![Component::fixed(Shape::PointMass(point))] };
    let radii = [0.5, 1.0, 2.0, 4.0];
    let found = circular::speeds(&snapshot, &radii, &external).unwrap();
    let names: Vec<&str> = found.parts().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["disc", "bulge", "external potentials"]);
    for (i, radius) in radii.iter().enumerate() {
        let disc = (radius * radius * (1.0 + radius * radius).powf(-1.5)).sqrt();
        let of = |part: usize| found.parts()[part].1[i];
        assert!((of(0).hypot(of(1)) / disc - 1.0).abs() < 0.03, "{radius}: {found:?}");
        assert!((of(2) - (0.5 / radius).sqrt()).abs() < 1e-9);
        assert!((of(0).hypot(of(1)).hypot(of(2)) - found.total[i]).abs() < 1e-9);
    }
    // The inner half of the mass is the galaxy. Far outside it is a point.
    let own = found.own.unwrap();
    assert!((own[3] / (0.5f64 / 4.0).sqrt() - 1.0).abs() < 0.1 && own[0] < 0.5, "{own:?}");
    let inward = circular::speeds(&about_its_centre(snapshot.bodies), &[1.0], &External::default());
    assert_eq!(inward.unwrap().external, None);
}

/// Inside a ring of bodies the force is outward, and the speed has a minus sign.
#[test]
fn outward_forces_have_negative_speeds() {
    let n = 4000;
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(1.0 / n as f64);
    for i in 0..n {
        let (y, x) = (std::f64::consts::TAU * i as f64 / n as f64).sin_cos();
        (bodies.pos[0][i], bodies.pos[1][i], bodies.vel[0][i], bodies.vel[1][i]) = (x, y, -y, x);
    }
    let found = circular::speeds(&about_its_centre(bodies), &[0.7, 1.5], &External::default()).unwrap();
    assert!(found.total[0] < -0.1 && found.total[1] > 0.5, "{found:?}");
}
