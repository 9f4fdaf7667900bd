//! Compares results of the tree with those of testing all pairs.

use super::*;
use crate::tree::structure::{Structure, grow};
use crate::{Cube, Key};
use proptest::prelude::*;
use std::sync::Mutex;

type Places = Vec<[f64; 3]>;

/// Open space, and a box much smaller than the scenes, so that their bodies are wrapped.
const DOMAINS: [Domain; 2] = [Domain::Open, Domain::Periodic { side: 5.5 }];

fn tree(domain: Domain, places: &Places) -> Neighbours<'static> {
    let axes: [Vec<f64>; 3] = std::array::from_fn(|axis| places.iter().map(|place| place[axis]).collect());
    Neighbours::new(domain, axes.each_ref().map(Vec::as_slice))
}

fn square(domain: Domain, from: [f64; 3], to: [f64; 3]) -> f64 {
    let [x, y, z] = domain.displacement(from, to);
    x * x + y * y + z * z
}

fn squares(domain: Domain, places: &Places, i: usize) -> impl Iterator<Item = f64> {
    let from = places[i];
    places.iter().map(move |to| square(domain, from, *to))
}

fn brute_distances(domain: Domain, places: &Places, k: usize) -> Vec<f64> {
    let distance = |i: usize| {
        let mut squares: Vec<f64> = squares(domain, places, i).collect();
        squares.sort_unstable_by(f64::total_cmp);
        if places.len() > 1 { squares[k.min(places.len() - 1)].sqrt() } else { f64::INFINITY }
    };
    (0..places.len()).map(distance).collect()
}

/// For each body, the first of the bodies connected with it.
fn groups(n: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let mut group: Vec<usize> = (0..n).collect();
    loop {
        let before = group.clone();
        for &(i, j) in links {
            let least = group[i].min(group[j]);
            (group[i], group[j]) = (least, least);
        }
        if group == before {
            return group;
        }
    }
}

fn check_nearest(domain: Domain, tree: &Neighbours, places: &Places, k: usize) {
    let (found, indices) = tree.nearest(k);
    let k = k.min(places.len() - 1);
    assert_eq!((found.len(), indices.len()), (places.len() * k, places.len() * k));
    for i in 0..places.len() {
        let all: Vec<f64> = squares(domain, places, i).collect();
        let mut others = all.clone();
        others.remove(i);
        others.sort_unstable_by(f64::total_cmp);
        let row = i * k..(i + 1) * k;
        assert_eq!(found[row.clone()], others[..k], "the {k} nearest of {i}");
        let mut names = indices[row.clone()].to_vec();
        assert!(names.iter().zip(&found[row]).all(|(j, square)| all[*j as usize] == *square));
        names.sort_unstable();
        names.dedup();
        assert!(names.len() == k && !names.contains(&(i as u32)), "a body twice, or itself");
    }
}

/// The places in key order, and the cells over them.
fn in_key_order(places: &Places) -> (Places, Structure) {
    let around: Bounds = places.iter().copied().collect();
    let cube = Cube::around(around.lo, around.hi);
    let key = |place: &[f64; 3]| cube.key(*place).curve().start;
    let mut places = places.clone();
    places.sort_by_key(key);
    let keys: Vec<u64> = places.iter().map(key).collect();
    (places, grow(&keys, &Key::CURVE, 9))
}

/// Both kinds of trees.
fn check(domain: Domain, places: &Places, ks: &[usize], radii: &[f64]) {
    let places: &Places = &places.iter().map(|place| place.map(|x| domain.wrap(x))).collect();
    check_tree(domain, &tree(domain, places), places, ks, radii);
    let (places, structure) = in_key_order(places);
    let axes: [Vec<f64>; 3] = std::array::from_fn(|axis| places.iter().map(|place| place[axis]).collect());
    let tree = Neighbours::on_cells(domain, axes.each_ref().map(Vec::as_slice), &structure);
    check_tree(domain, &tree, &places, ks, radii);
}

fn check_tree(domain: Domain, tree: &Neighbours, places: &Places, ks: &[usize], radii: &[f64]) {
    for &k in ks {
        let expected = brute_distances(domain, places, k);
        assert_eq!(tree.distances(k), expected, "the {k} nearest");
        check_nearest(domain, tree, places, k);
        check_limits(domain, tree, places, k);
    }
    for (i, &radius) in radii.iter().enumerate() {
        let (from, within) = (places[i % places.len()].map(|x| x + 0.5 * radius), radius * radius);
        let mut expected: Vec<f64> =
            places.iter().map(|to| square(domain, from, *to)).filter(|square| *square <= within).collect();
        expected.sort_unstable_by(f64::total_cmp);
        expected.truncate(20);
        let mut found = tree.squares_within(from, within, 20);
        found.sort_unstable_by(f64::total_cmp);
        assert_eq!(found, expected, "within {radius}");
        let boxes = tree.boxes(10);
        let least = boxes.iter().map(|b| domain.gap(b, &Bounds::at(from))).fold(f64::INFINITY, f64::min);
        assert!(
            (1..=10).contains(&boxes.len()) && least <= expected.first().copied().unwrap_or(f64::INFINITY)
        );
        let links = Mutex::new(Vec::new());
        tree.links(radius, &|i, j| links.lock().unwrap().push((i, j)));
        let links = links.into_inner().unwrap();
        let within = |i: usize, j: usize| squares(domain, places, i).nth(j).unwrap() <= radius * radius;
        assert!(links.iter().all(|&(i, j)| i != j && within(i, j)), "a link longer than {radius}");
        let all = (0..places.len())
            .flat_map(|i| squares(domain, places, i).enumerate().map(move |(j, square)| (i, j, square)))
            .filter_map(|(i, j, square)| (i < j && square <= radius * radius).then_some((i, j)));
        let expected = groups(places.len(), &all.collect::<Vec<_>>());
        assert_eq!(groups(places.len(), &links), expected, "links of {radius}");
    }
}

/// Squares up to a limit, and the bodies that are near boxes.
fn check_limits(domain: Domain, tree: &Neighbours, places: &Places, k: usize) {
    let all = tree.squares(k);
    let mut limits = all.clone();
    limits.sort_unstable_by(f64::total_cmp);
    for within in [0.0, limits[limits.len() / 2], limits[limits.len() / 2].next_down().max(0.0)] {
        let expected: Vec<f64> =
            all.iter().map(|square| if *square <= within { *square } else { f64::INFINITY }).collect();
        assert_eq!(tree.squares_up_to(k, within), expected, "the {k} nearest within {within}");
    }
    let some = |part: usize| places.iter().copied().skip(part).step_by(7).take(3).collect::<Bounds>();
    let lists = [vec![some(0), some(5)], vec![], vec![Bounds::at([0.5; 3])]];
    let lists: Vec<Vec<Bounds>> =
        lists.map(|boxes| boxes.into_iter().filter(|around| around.extent() >= 0.0).collect()).into();
    for (boxes, mut found) in lists.iter().zip(tree.near(&lists, &all)) {
        let is_near =
            |i: &usize| boxes.iter().any(|around| domain.gap(around, &Bounds::at(places[*i])) <= all[*i]);
        found.sort_unstable();
        assert_eq!(found, (0..places.len()).filter(is_near).collect::<Vec<_>>(), "near {boxes:?}");
    }
}

/// Few distinct coordinates, so that many bodies coincide or lie in one plane; and clumps of
/// bodies in a wide space.
fn scenes() -> impl Strategy<Value = Places> {
    let place = (prop::array::uniform3(0u8..6), prop::array::uniform3(-1f64..1.0), 0u8..4);
    prop::collection::vec(place, 1..400).prop_map(|list| {
        let coordinate = |lattice: u8, free: f64, kind: u8| match kind {
            0 => f64::from(lattice),
            1 => free.powi(5),
            2 => 1e3 * free,
            _ => 3.0 + 1e-9 * free,
        };
        let place = |(lattice, free, kind): &([u8; 3], [f64; 3], u8)| {
            std::array::from_fn(|axis| coordinate(lattice[axis], free[axis], *kind))
        };
        list.iter().map(place).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn all_pairs_give_the_same(places in scenes()) {
        for domain in DOMAINS {
            check(domain, &places, &[1, 2, 7, 32, 1000], &[0.0, 1e-9, 0.05, 1.0, 2.3, 40.0, 1e4]);
        }
    }
}

/// A steep clump of bodies.
fn clump(n: u32, scale: f64) -> Places {
    let number = |i: u32, salt: u32| {
        f64::from((i * 7919 + salt).wrapping_mul(2_654_435_761) >> 8) / f64::from(1 << 24)
    };
    let coordinate = |i: u32, axis: u32| scale * (2.0 * number(i, axis * 104_729) - 1.0).powi(3);
    (0..n).map(|i| [0, 1, 2].map(|axis| coordinate(i, axis))).collect()
}

#[test]
fn a_steep_clump_of_several_tasks() {
    for domain in DOMAINS {
        check(domain, &clump(4000, 1.0), &[0, 1, 32], &[0.003, 0.02]);
    }
}

#[test]
fn a_compact_clump_beside_a_far_body_is_divided_all_the_same() {
    let mut places = clump(3000, 1e-6);
    places.push([1e9, -1e9, 1.0]);
    let tree = tree(Domain::Open, &places);
    let fullest = tree.nodes.iter().filter(|node| node.is_leaf()).map(|node| node.bodies.len()).max();
    assert!(fullest.unwrap() <= LEAF_SIZE, "a leaf of {fullest:?} bodies");
    check(Domain::Open, &places, &[8], &[1e-8]);
    // All of them are in one deepest cell, so that its bodies are sorted anew.
    let (places, structure) = in_key_order(&places);
    let axes: [Vec<f64>; 3] = std::array::from_fn(|axis| places.iter().map(|place| place[axis]).collect());
    let tree = Neighbours::on_cells(Domain::Open, axes.each_ref().map(Vec::as_slice), &structure);
    assert!(tree.order.is_some());
}

#[test]
fn so_many_bodies_in_one_place_that_testing_all_pairs_would_not_end() {
    let n = 400_000;
    let mut places = vec![[0.1, 0.2, 0.3]; n];
    places.extend([[0.1, 0.2, 1.3], [0.1, 0.2, 1.4]]);
    let distances = tree(Domain::Open, &places).distances(32);
    assert!(distances[..n].iter().all(|distance| *distance == 0.0));
    assert_eq!(distances[n..], [1.0, 1.4 - 0.3].map(|x: f64| (x * x).sqrt()));
    let count = std::sync::atomic::AtomicUsize::new(0);
    tree(Domain::Open, &places).links(0.5, &|_, _| {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(count.into_inner(), n);
}

#[test]
fn one_body_and_none() {
    assert_eq!(tree(Domain::Open, &vec![[1.0, 2.0, 3.0]]).distances(5), [f64::INFINITY]);
    assert_eq!(tree(Domain::Open, &vec![]).distances(5), [0.0; 0]);
    assert_eq!(tree(Domain::Open, &vec![[1.0, 2.0, 3.0]]).nearest(5), (vec![], vec![]));
    tree(Domain::Open, &vec![]).links(1.0, &|_, _| panic!("no bodies have no links"));
}
