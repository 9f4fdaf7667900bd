//! Groups compared with a test of all pairs, on several numbers of ranks.

use super::*;
use decomposition::{Comm, threads};
use treecode::math::hash;
use treecode::{Bodies, Domain};

/// Clumps, some next to each other, on a thin background. Ids are in random order.
fn field(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    let mut state = 12_345u64;
    let mut random = move || {
        state = hash(state);
        state as f64 / u64::MAX as f64
    };
    for i in 0..n {
        let clump = i % 16;
        let wide = if clump < 12 { 0.03 } else { 1.0 };
        for axis in 0..3 {
            let centre = if clump < 12 { (clump * (axis + 3) % 7) as f64 / 7.0 } else { 0.0 };
            bodies.pos[axis][i] = centre + wide * random();
            bodies.vel[axis][i] = random() - 0.5;
        }
        bodies.mass[i] = 0.5 + random();
        bodies.id[i] = (i as u64 * 7919 + 17) % 1_000_003;
    }
    bodies
}

/// The smallest id in the group of each body, from a test of all pairs.
fn by_all_pairs(bodies: &Bodies, length: f64) -> Vec<(u64, u64)> {
    let n = bodies.len();
    let mut labels = bodies.id.clone();
    let near = |i: usize, j: usize| {
        let (a, b) = (bodies.position(i), bodies.position(j));
        (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>() <= length * length
    };
    let friends: Vec<(usize, usize)> =
        (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|&(i, j)| near(i, j)).collect();
    loop {
        let before = labels.clone();
        for &(i, j) in &friends {
            let least = labels[i].min(labels[j]);
            (labels[i], labels[j]) = (least, least);
        }
        if labels == before {
            break;
        }
    }
    let mut pairs: Vec<(u64, u64)> = bodies.id.iter().copied().zip(labels).collect();
    pairs.sort_unstable();
    pairs
}

/// Bodies of one rank, if bodies are distributed round-robin.
fn share(all: &Bodies, comm: &dyn Comm) -> Bodies {
    let mut mine = all.clone();
    mine.permute(
        &(0..all.len() as u32).filter(|i| *i as usize % comm.size() == comm.rank()).collect::<Vec<_>>(),
    );
    mine
}

/// The smallest id in the group of each body, sorted by id.
fn labels_on(ranks: usize, all: &Bodies, length: f64) -> Vec<(u64, u64)> {
    let parts = threads::run(ranks, |comm| {
        let Labelled { bodies, labels } = label(comm, Domain::Open, share(all, comm), length);
        labels.into_iter().zip(bodies.id).collect::<Vec<_>>()
    });
    let mut members = parts.concat();
    members.sort_unstable();
    let halos = members.chunk_by(|a, b| a.0 == b.0);
    let mut pairs: Vec<(u64, u64)> =
        halos.flat_map(|group| group.iter().map(|(_, id)| (*id, group[0].1))).collect();
    pairs.sort_unstable();
    pairs
}

/// A shared id must not join two groups.
#[test]
fn ids_join_no_groups() {
    let mut all = field(1200);
    let sizes = |all: &Bodies, ranks| {
        let parts = threads::run(ranks, |comm| label(comm, Domain::Open, share(all, comm), 0.02).labels);
        let mut labels = parts.concat();
        labels.sort_unstable();
        let mut sizes: Vec<usize> = labels.chunk_by(|a, b| a == b).map(<[u64]>::len).collect();
        sizes.sort_unstable();
        sizes
    };
    let expected = sizes(&all, 1);
    assert!(expected.len() > 100);
    all.id.iter_mut().for_each(|id| *id %= 3);
    for ranks in [1, 3, 8] {
        assert_eq!(sizes(&all, ranks), expected, "{ranks} ranks");
    }
}

#[test]
fn groups_are_those_of_all_pairs_on_any_number_of_ranks() {
    let all = field(1200);
    for length in [1e-4, 0.01, 0.03, 0.1, 2.0] {
        let expected = by_all_pairs(&all, length);
        for ranks in [1, 2, 3, 7, 16] {
            assert_eq!(labels_on(ranks, &all, length), expected, "{ranks} ranks, length {length}");
        }
    }
}

/// A chain that passes through all ranks many times, with its smallest id at one end. Labels must
/// travel along the whole chain.
#[test]
fn a_chain_through_all_ranks_is_one_group() {
    let n = 4000;
    let mut all = Bodies::zeroed(n);
    all.mass.fill(1.0);
    for i in 0..n {
        let (row, along) = (i / 100, i % 100);
        let x = if row % 2 == 0 { along } else { 99 - along };
        (all.pos[0][i], all.pos[1][i]) = (x as f64, row as f64 * 1.5);
        // The turn at the end of a row.
        if along == 99 {
            all.pos[1][i] += 0.75;
        }
    }
    for ranks in [1, 5, 8] {
        let labels = labels_on(ranks, &all, 1.26);
        assert!(labels.iter().all(|(_, label)| *label == 0), "{ranks} ranks");
    }
}

#[test]
fn fewer_bodies_than_ranks_and_bodies_at_one_place() {
    let mut all = Bodies::zeroed(5);
    all.mass.fill(1.0);
    all.pos[0][4] = 9.0;
    all.id = vec![7, 3, 5, 9, 1];
    assert_eq!(labels_on(8, &all, 0.5), [(1, 1), (3, 3), (5, 3), (7, 3), (9, 3)]);
}

fn census_on(ranks: usize, all: &Bodies, length: f64, least: u64) -> (Vec<Halo>, Vec<u64>) {
    census_in(Domain::Open, ranks, all, length, least)
}

fn census_in(domain: Domain, ranks: usize, all: &Bodies, length: f64, least: u64) -> (Vec<Halo>, Vec<u64>) {
    let found = threads::run(ranks, |comm| {
        census(comm, domain, &label(comm, domain, share(all, comm), length), least)
    });
    assert!(found[1..].iter().all(|(halos, ids)| halos.is_empty() && ids.is_empty()));
    found.into_iter().next().unwrap()
}

#[test]
fn a_catalogue_has_the_same_bits_on_any_number_of_ranks() {
    let all = field(3000);
    let (halos, ids) = census_on(1, &all, 0.02, 20);
    assert!(halos.len() > 4 && halos.windows(2).all(|pair| pair[0].members >= pair[1].members));
    for ranks in [2, 3, 7] {
        assert_eq!(census_on(ranks, &all, 0.02, 20), (halos.clone(), ids.clone()), "{ranks} ranks");
    }
    let mut start = 0;
    for group in &halos {
        let end = start + group.members as usize;
        let members = &ids[start..end];
        assert!(members.is_sorted() && members[0] == group.id && group.members >= 20);
        let places: Vec<usize> =
            members.iter().map(|id| all.id.iter().position(|other| other == id).unwrap()).collect();
        let mass: f64 = places.iter().map(|&i| all.mass[i]).sum();
        assert!((group.mass / mass - 1.0).abs() < 1e-14);
        for axis in 0..3 {
            let mean = places.iter().map(|&i| all.mass[i] * all.pos[axis][i]).sum::<f64>() / mass;
            assert!((group.position[axis] - mean).abs() < 1e-12);
        }
        assert!(group.half_mass_radius > 0.0 && group.half_mass_radius < group.radius);
        start = end;
    }
    assert_eq!(start, ids.len());
}

/// Velocities uniform in a cube of side 1 have a dispersion of 1 / sqrt(12) along each axis.
#[test]
fn a_group_has_the_dispersion_of_its_members() {
    let all = field(3000);
    let (halos, _) = census_on(1, &all, 10.0, 2);
    assert_eq!((halos.len(), halos[0].members), (1, 3000));
    assert!((halos[0].dispersion * 12f64.sqrt() - 1.0).abs() < 0.03, "{:?}", halos[0]);
}

/// Massless members move nothing. A group of them alone has the means of its members.
#[test]
fn massless_members_do_not_count_unless_no_member_has_mass() {
    let mut all = field(300);
    let (halos, _) = census_on(1, &all, 10.0, 2);
    let mut more = field(300);
    more.id.iter_mut().for_each(|id| *id += 2_000_000);
    more.mass.fill(0.0);
    more.pos[0].iter_mut().for_each(|x| *x += 0.5);
    all.append(&more);
    let (with, _) = census_on(3, &all, 10.0, 2);
    assert_eq!((with[0].members, with[0].mass), (600, halos[0].mass));
    assert_eq!((with[0].position, with[0].velocity), (halos[0].position, halos[0].velocity));
    assert_eq!(with[0].half_mass_radius, halos[0].half_mass_radius);
    all.mass.fill(0.0);
    let (light, _) = census_on(1, &all, 10.0, 2);
    all.mass.fill(1.0);
    let (heavy, _) = census_on(1, &all, 10.0, 2);
    assert_eq!(light, [Halo { mass: 0.0, ..heavy[0] }]);
}

/// Clumps that are moved across the faces of their box are the same haloes: with the same members, and
/// radii that do not see the face. In open space they fall apart.
#[test]
fn groups_across_the_faces_of_a_box_are_whole() {
    let side = 4.0;
    let box_of_4 = Domain::Periodic { side };
    let mut all = field(3000);
    let (expected, ids) = census_on(1, &all, 0.02, 20);
    for (axis, shift) in [0.51, 3.6, -0.3].into_iter().enumerate() {
        all.pos[axis].iter_mut().for_each(|x| *x += shift);
    }
    all.wrap(box_of_4);
    assert_ne!(census_on(1, &all, 0.02, 20).1, ids, "no clump crosses a face");
    for ranks in [1, 2, 5] {
        let (halos, members) = census_in(box_of_4, ranks, &all, 0.02, 20);
        assert_eq!(members, ids, "{ranks} ranks");
        for (halo, expected) in halos.iter().zip(&expected) {
            for (axis, shift) in [0.51, 3.6, -0.3].into_iter().enumerate() {
                let moved = box_of_4.displacement(expected.position, halo.position)[axis] - shift;
                assert!((moved - side * (moved / side).round()).abs() < 1e-12, "{moved}");
                assert!((0.0..side).contains(&halo.position[axis]));
            }
            assert!((halo.radius - expected.radius).abs() < 1e-12);
            assert!((halo.half_mass_radius - expected.half_mass_radius).abs() < 1e-12);
        }
    }
    // Bits do not depend on the ranks.
    assert_eq!(census_in(box_of_4, 3, &all, 0.02, 20), census_in(box_of_4, 1, &all, 0.02, 20));
}

/// Bodies of equal mass in a sphere of radius 1 in which the mass within r is `within(r)`, in random
/// directions about a centre.
fn profile(n: usize, within: impl Fn(f64) -> f64, centre: [f64; 3]) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    bodies.mass.fill(within(1.0) / n as f64);
    let random = |i: usize, k: u64| hash(i as u64 * 2 + k) as f64 / u64::MAX as f64;
    for i in 0..n {
        // The radius with this mass inside, by bisection.
        let wanted = (i as f64 + 0.5) / n as f64 * within(1.0);
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            if within(middle) < wanted { low = middle } else { high = middle }
        }
        let (z, turn) = (2.0 * random(i, 0) - 1.0, 2.0 * std::f64::consts::PI * random(i, 1));
        let across = (1.0 - z * z).sqrt();
        let along = [across * turn.cos(), across * turn.sin(), z];
        (0..3).for_each(|axis| bodies.pos[axis][i] = centre[axis] + low * along[axis]);
    }
    bodies.id = (0..n as u64).collect();
    bodies
}

/// Masses within spheres of given densities of haloes with known profiles across the faces and a corner of
/// their box: a singular isothermal sphere, M(r) = r, and that of Navarro, Frenk & White (1997) with the
/// concentration 10.
#[test]
fn spheres_across_faces_have_the_masses_of_the_profile() {
    let side = 3.0;
    let domain = Domain::Periodic { side };
    let nfw = |r: f64| (1.0 + 10.0 * r).ln() - 10.0 * r / (1.0 + 10.0 * r);
    let profiles: [&dyn Fn(f64) -> f64; 2] = [&|r| r, &nfw];
    let mean =
        |within: &dyn Fn(f64) -> f64, r: f64| within(r) / (4.0 / 3.0 * std::f64::consts::PI * r.powi(3));
    for (within, centre) in profiles
        .iter()
        .flat_map(|within| [[1.5; 3], [0.02, 1.5, 1.4], [0.01, 2.99, 0.03]].map(|centre| (*within, centre)))
    {
        let mut all = profile(20_000, within, centre);
        all.wrap(domain);
        let mass = within(1.0);
        let halo = Halo {
            id: 0,
            members: 20_000,
            mass,
            position: centre,
            centre,
            velocity: [0.0; 3],
            radius: 1.0,
            half_mass_radius: 0.5,
            dispersion: 0.0,
        };
        let radii = [0.8, 0.3, 0.1];
        let densities = radii.map(|r| mean(within, r));
        let on = |ranks: usize| {
            let haloes = [halo];
            let parts = threads::run(ranks, |comm| {
                let mine = if comm.rank() == 0 { &haloes[..] } else { &[] };
                spheres(comm, domain, &share(&all, comm), mine, densities)
            });
            parts.concat()
        };
        let found = on(1);
        for (sphere, radius) in found[0].iter().zip(radii) {
            let errors = [sphere.radius / radius - 1.0, sphere.mass / within(radius) - 1.0];
            assert!(errors.iter().all(|error| error.abs() < 2e-3), "{centre:?} {radius}: {errors:?}");
        }
        assert_eq!(on(3), found);
    }
}
