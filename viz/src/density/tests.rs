//! Tests of surface densities: mass, place, width and colour of the spots of bodies.

use super::*;
use crate::Direction;
use rand::{RngExt, SeedableRng};

const ALL: [bool; TYPES] = [true; TYPES];

fn view(size: [usize; 2], width: f64) -> View {
    View::new(size, [0.0; 3], width, Direction::Z).unwrap()
}

fn project(bodies: &Bodies, view: &View) -> SurfaceDensity {
    let lengths = smoothing_lengths(bodies, ALL, NEIGHBOURS).unwrap();
    let subject = Subject { bodies, kinds: ALL, lengths: &lengths, tint: Tint::Plain };
    SurfaceDensity::project(&subject, view).unwrap()
}

fn at(points: &[[f64; 2]]) -> Bodies {
    let mut bodies = Bodies::zeroed(points.len());
    bodies.mass.fill(2.5);
    for (i, point) in points.iter().enumerate() {
        bodies.pos[0][i] = point[0];
        bodies.pos[1][i] = point[1];
    }
    bodies
}

/// A steep clump: most of its mass is in a few pixels, some of it outside a frame of width 2.
fn clump(n: usize) -> Bodies {
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let mut point = || {
        let radius = 3.0 * random.random::<f64>().powi(4);
        let angle = 6.0 * random.random::<f64>();
        [radius * angle.cos(), radius * angle.sin()]
    };
    at(&(0..n).map(|_| point()).collect::<Vec<_>>())
}

fn mass_inside(bodies: &Bodies, view: &View) -> f64 {
    (0..bodies.len())
        .filter(|&i| view.shows(view.project(bodies.position(i)).unwrap().point))
        .map(|i| bodies.mass[i])
        .sum()
}

#[track_caller]
fn assert_close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-11 * b.abs(), "{a} is not {b}");
}

#[test]
fn the_picture_has_the_mass_of_the_bodies_in_it() {
    let bodies = clump(20_000);
    for size in [[160, 160], [333, 201], [200, 517]] {
        let view = view(size, 2.0);
        let picture = project(&bodies, &view);
        let inside = mass_inside(&bodies, &view);
        assert!(inside < 0.95 * bodies.mass.iter().sum::<f64>());
        assert_close(picture.mass(), inside);
        assert!(picture.values().iter().all(|value| *value >= 0.0));
    }
}

#[test]
fn a_body_on_an_edge_of_pixels_or_of_the_picture_keeps_its_mass() {
    let view = view([160, 160], 160.0);
    for point in [[0.0, 0.0], [3.0, 0.5], [-80.0, 80.0], [79.999_999_999, -79.999_999_999]] {
        assert_close(project(&at(&[point]), &view).mass(), 2.5);
    }
    for point in [[80.0, 0.0], [0.0, -80.0], [0.0, 80.000_001], [1e300, 0.0], [-1e308, 1e308]] {
        assert_eq!(project(&at(&[point]), &view).mass(), 0.0, "{point:?}");
    }
}

/// The brightest pixel holds the body, and the picture is not upside down.
#[test]
fn a_lone_body_shines_where_it_is() {
    let view = view([200, 160], 20.0);
    let picture = project(&at(&[[5.05, 3.05]]), &view);
    let brightest = (0..200 * 160).max_by(|a, b| picture.values[*a].total_cmp(&picture.values[*b])).unwrap();
    let place = [brightest % 200, brightest / 200];
    assert!(place[0].abs_diff(150) <= 1 && place[1].abs_diff(49) <= 1, "{place:?}");
    let peak = picture.values[brightest];
    assert!((peak / picture.grain() - 1.0).abs() < 0.05, "grain {} for a peak of {peak}", picture.grain());
}

#[test]
fn no_bodies_make_an_empty_picture() {
    let picture = project(&Bodies::default(), &view([160, 160], 1.0));
    assert_eq!((picture.mass(), picture.grain()), (0.0, 0.0));
}

/// A spot has the second moment of the kernel, at every width and at every position within a
/// pixel.
#[test]
fn a_spot_is_as_wide_as_the_kernel() {
    let view = view([640, 640], 640.0);
    for (radius, x) in [(2.2, 0.0), (3.0, 0.3), (10.0, 0.5), (40.0, -0.1), (90.0, 0.77)] {
        let bodies = at(&[[x, -x]]);
        let subject = Subject { bodies: &bodies, kinds: ALL, lengths: &[radius], tint: Tint::Plain };
        let picture = SurfaceDensity::project(&subject, &view).unwrap();
        let mean = |of: &dyn Fn(f64, f64) -> f64| {
            let pixel = |i: usize| ((i % 640) as f64 - 319.5 - x, 319.5 - (i / 640) as f64 + x);
            (0..640 * 640).map(|i| picture.values[i] * of(pixel(i).0, pixel(i).1)).sum::<f64>() / 2.5
        };
        let expected = SECOND_MOMENT * radius * radius;
        for (moment, expected) in [
            (mean(&|dx, _| dx), 0.0),
            (mean(&|_, dy| dy), 0.0),
            (mean(&|dx, _| dx * dx), expected),
            (mean(&|_, dy| dy * dy), expected),
            (mean(&|dx, dy| dx * dy), 0.0),
        ] {
            assert!(
                (moment - expected).abs() < 1e-6 * (1.0 + expected),
                "{radius}: {moment}, not {expected}"
            );
        }
    }
}

/// An unresolved clump is in one pixel if it lies at its centre, and in two equal halves if it
/// lies on an edge.
#[test]
fn a_crowd_on_an_edge_of_pixels_is_shared_by_both() {
    let lit = |point: [f64; 2]| {
        let picture = project(&at(&[point; 50]), &view([160, 160], 160.0));
        assert_close(picture.mass(), 125.0);
        picture.values.into_iter().filter(|value| *value > 0.0).collect::<Vec<_>>()
    };
    assert_eq!(lit([0.5, 0.5]).len(), 1);
    let halves = lit([0.0, 0.5]);
    assert!(halves.len() == 2 && (halves[0] - halves[1]).abs() < 1e-9);
    assert_eq!(lit([0.2, 0.3]).len(), 4);
}

/// Outside the clump, spots follow the spacing of the bodies of their own type.
#[test]
fn neighbours_of_the_own_type_alone_make_the_smoothing_length() {
    let mut bodies = at(&(0..100).map(|i| [f64::from(i), 0.0]).collect::<Vec<_>>());
    bodies.kind[99] = 2;
    let lengths = smoothing_lengths(&bodies, ALL, 4).unwrap();
    assert_eq!([lengths[0], lengths[50], lengths[98]], [4.0, 2.0, 4.0]);
    assert_eq!(lengths[99], f64::INFINITY);
}

#[test]
fn pixels_have_the_mean_value_and_the_parts_of_groups() {
    let bodies = at(&[[-2.0, 0.0], [2.0, 0.0], [2.0, 0.0], [2.0, 0.0]]);
    let view = view([160, 160], 8.0);
    let picture = |tint: Tint| {
        let subject = Subject { bodies: &bodies, kinds: ALL, lengths: &[0.1; 4], tint };
        SurfaceDensity::project(&subject, &view).unwrap()
    };
    let [left, right, empty] = [80 * 160 + 40, 80 * 160 + 120, 0];
    let Shade::Mean(mean) = picture(Tint::Value(&[-3.0, 1.0, 2.0, 6.0])).shade else { panic!("no mean") };
    assert_eq!([mean[left], mean[right], mean[empty]], [-3.0, 3.0, 0.0]);
    let tint = Tint::Group { of: &[2, 0, 0, 1], groups: 3 };
    let Shade::Parts(parts) = picture(tint).shade else { panic!("no parts") };
    let part = |pixel: usize| [0, 1, 2].map(|group| (parts[group][pixel] * 3.0).round());
    assert_eq!([part(left), part(right), part(empty)], [[0.0, 0.0, 3.0], [2.0, 1.0, 0.0], [0.0; 3]]);
    assert_close(picture(tint).mass(), 10.0);
    let error = Bounds::of(&Subject {
        bodies: &bodies,
        kinds: ALL,
        lengths: &[0.1; 4],
        tint: Tint::Value(&[0.0, f64::NAN, 0.0, 0.0]),
    });
    assert_eq!(error.unwrap_err().to_string(), "body 1 is to be coloured by a number that is not finite");
}

/// A slab across the line of sight has the same surface density at any distance.
#[test]
fn perspective_keeps_the_surface_density_of_a_sheet() {
    let place = |i: usize| i as f64 * 0.05 - 10.0;
    let mut bodies = at(&(0..400 * 400).map(|i| [place(i % 400), place(i / 400)]).collect::<Vec<_>>());
    let view = view([160, 160], 4.0).with_perspective(60.0).unwrap();
    for z in [-3.0, 0.0, 1.5] {
        bodies.pos[2].fill(z);
        let centre = project(&bodies, &view).values[80 * 160 + 80];
        assert!((centre / (2.5 / 0.05f64.powi(2)) - 1.0).abs() < 0.03, "{centre} at {z}");
    }
}

#[test]
fn the_parts_of_ranks_add_up_to_the_same_bits() {
    let bodies = clump(5000);
    let view = view([200, 160], 2.0);
    let lengths = smoothing_lengths(&bodies, ALL, NEIGHBOURS).unwrap();
    let whole = Subject { bodies: &bodies, kinds: ALL, lengths: &lengths, tint: Tint::Plain };
    let bounds = Bounds::of(&whole).unwrap();
    let mut parts = [0..1234, 1234..5000].map(|range| {
        let mut mine = bodies.clone();
        mine.keep(range.clone());
        let subject = Subject { bodies: &mine, kinds: ALL, lengths: &lengths[range], tint: Tint::Plain };
        let mut exposure = Exposure::new(&view, &subject, bounds);
        exposure.add(&subject);
        exposure
    });
    let mut others = Vec::new();
    parts[0].reduce(|numbers| others.push(numbers.to_vec()));
    let mut others = others.into_iter();
    parts[1].reduce(|numbers| {
        numbers.iter_mut().zip(others.next().unwrap()).for_each(|(a, b)| *a = a.wrapping_add(b));
    });
    let [_, sum] = parts;
    assert_eq!(sum.develop(), SurfaceDensity::project(&whole, &view).unwrap());
}

#[test]
fn far_away_and_tiny_scenes_are_drawn_like_near_ones() {
    let scene = [[0.0, 0.0], [1.0, 0.5], [-1.5, -0.25]];
    let near = project(&at(&scene), &view([160, 160], 8.0));
    for unit in [1e-60, 1e60] {
        let scaled = at(&scene.map(|point| point.map(|x| x * unit)));
        let picture = project(&scaled, &view([160, 160], 8.0 * unit));
        assert_close(picture.mass(), near.mass());
    }
    let shift = 1e9;
    let moved = at(&scene.map(|[x, y]| [x + shift, y]));
    let far = View::new([160, 160], [shift, 0.0, 0.0], 8.0, Direction::Z).unwrap();
    assert_eq!(project(&moved, &far).values, near.values);
}

#[test]
fn only_the_kinds_wanted_are_drawn_and_checked() {
    let mut bodies = at(&[[0.0, 0.0], [1.0, 1.0]]);
    bodies.kind = vec![1, 4];
    bodies.pos[2][1] = f64::NAN;
    let only = |kind: usize| std::array::from_fn(|k| k == kind);
    let view = view([160, 160], 8.0);
    let subject = |kinds| Subject { bodies: &bodies, kinds, lengths: &[1.0; 2], tint: Tint::Plain };
    assert_close(SurfaceDensity::project(&subject(only(1)), &view).unwrap().mass(), 2.5);
    let error = SurfaceDensity::project(&subject(only(4)), &view).unwrap_err();
    assert_eq!(error.to_string(), "body 1 has a mass or position that is not finite, or a negative mass");
}

#[test]
fn the_bits_do_not_depend_on_the_number_of_threads() {
    let bodies = clump(50_000);
    let picture = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| project(&bodies, &view([300, 200], 2.0)))
    };
    let one = picture(1);
    assert!([2, 3, 8].into_iter().all(|threads| picture(threads) == one));
}

/// A uniform sheet that extends beyond the picture is drawn uniformly at every spacing: no
/// seams, no dark edge.
#[test]
fn a_sheet_is_even_up_to_the_edges() {
    for step in [0.25, 0.5, 1.0, 2.0, 5.0] {
        let n = (300.0 / step) as usize; // bodies along each side of 300 pixels
        let place = |i: usize| (i as f64 + 0.5) * step - 150.0;
        let bodies = at(&(0..n * n).map(|i| [place(i % n), place(i / n)]).collect::<Vec<_>>());
        let picture = project(&bodies, &view([200, 200], 200.0));
        let expected = 2.5 / (step * step);
        let worst = picture.values.iter().map(|value| (value / expected - 1.0).abs()).fold(0.0, f64::max);
        assert!(worst < 0.05, "a sheet of a body every {step} pixels is uneven by {worst}");
    }
}
