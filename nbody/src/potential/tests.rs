//! Tests of potentials: the force is the gradient, the density that of the literature.

use super::*;
use crate::potential::galaxy::{Disc, Spheroid};
use std::f64::consts::PI;

/// Places at which no potential is singular and that no symmetry favours.
const PLACES: [[f64; 3]; 6] = [
    [0.31, -0.22, 0.17],
    [1.3, 0.4, -0.6],
    [-0.02, 0.015, 0.01],
    [4.0, -7.0, 2.5],
    [0.05, 0.9, 1.1],
    [-30.0, 11.0, 18.0],
];

const SHAPES: usize = 10;

/// A potential of each kind, with G rho of its density as the literature gives it.
type Density = Box<dyn Fn([f64; 3]) -> f64>;

fn shapes() -> [(Shape, Density); SHAPES] {
    let radius = |p: [f64; 3]| norm(p);
    let flat = |p: [f64; 3]| (p[0] * p[0] + p[1] * p[1]).sqrt();
    let (gm, b) = (1.7, 0.6);
    let cut = CutPowerLaw::new(gm, 1.8, 0.9);
    let disc = Disc { surface: 0.4, scale: 1.3, hole: 0.0, height: 0.2, isothermal: false };
    let gas = Disc { surface: 0.9, scale: 1.1, hole: 1.5, height: 0.15, isothermal: true };
    let spheroid = Spheroid { density: 3.0, scale: 0.3, slope: 1.8, cut: 1.2, ratio: 0.5 };
    [
        (Shape::PointMass(PointMass { gm, softening: 0.0 }), Box::new(|_| 0.0)),
        (
            Shape::PointMass(PointMass { gm, softening: b }),
            // Binney & Tremaine (2008), eq. 2.44b.
            Box::new(move |p| 3.0 * gm / (4.0 * PI * b.powi(3)) * (1.0 + (radius(p) / b).powi(2)).powf(-2.5)),
        ),
        (
            Shape::Isochrone(Isochrone { gm, scale: b }),
            // Binney & Tremaine (2008), eq. 2.49.
            Box::new(move |p| {
                let r = radius(p);
                let a = (b * b + r * r).sqrt();
                gm / (4.0 * PI) * (3.0 * (b + a) * a * a - r * r * (b + 3.0 * a))
                    / ((b + a).powi(3) * a.powi(3))
            }),
        ),
        (
            Shape::Logarithmic(Logarithmic { speed: 1.4, core: 0.2, ratios: [1.0, 0.8] }),
            // Binney & Tremaine (2008), eq. 2.71c.
            Box::new(move |p| {
                let (r, z, c2, q2) = (flat(p), p[2], 0.04, 0.64);
                let top = (2.0 * q2 + 1.0) * c2 + r * r + (2.0 - 1.0 / q2) * z * z;
                1.96 / (4.0 * PI * q2) * top / (c2 + r * r + z * z / q2).powi(2)
            }),
        ),
        (
            Shape::Nfw(Nfw { gm, scale: 2.0 }),
            Box::new(move |p| {
                let x = radius(p) / 2.0;
                gm / (4.0 * PI * 8.0) / (x * (1.0 + x).powi(2))
            }),
        ),
        (
            Shape::Hernquist(Hernquist { gm, scale: b }),
            // Hernquist (1990), eq. 2.
            Box::new(move |p| gm / (2.0 * PI) * b / (radius(p) * (radius(p) + b).powi(3))),
        ),
        (
            Shape::MiyamotoNagai(MiyamotoNagai { gm, scale: 1.1, height: 0.3 }),
            // Miyamoto & Nagai (1975), eq. 5.
            Box::new(move |p| {
                let (a, b2, r2) = (1.1, 0.09, flat(p).powi(2));
                let s = (p[2] * p[2] + b2).sqrt();
                gm * b2 / (4.0 * PI) * (a * r2 + (a + 3.0 * s) * (a + s).powi(2))
                    / ((r2 + (a + s).powi(2)).powf(2.5) * s.powi(3))
            }),
        ),
        (
            Shape::Bar(Bar { amplitude: 0.3, length: 1.2 }),
            // The radial part of the Laplacian of f(r) (x^2 - y^2) / r^2.
            Box::new(move |p| {
                let r = radius(p);
                let angle = (p[0] * p[0] - p[1] * p[1]) / (r * r);
                let inside = 6.0 * r / 1.2f64.powi(3) + 12.0 / (r * r);
                if r > 1.2 { 0.0 } else { 0.3 * angle * inside / (4.0 * PI) }
            }),
        ),
        (
            Shape::CutPowerLaw(cut),
            Box::new(move |p| {
                // Gamma(0.6) of the whole mass, from DLMF 5.22.
                let s = radius(p) / 0.9;
                let whole = 2.0 * PI * 0.9f64.powi(3) * 1.489_192_248_812_817;
                gm / whole * s.powf(-1.8) * (-s * s).exp()
            }),
        ),
        (
            Shape::Galaxy(Box::new(Galaxy::new(&[disc, gas], &[spheroid]))),
            Box::new(move |p| {
                let (r, z) = (flat(p), p[2]);
                disc.density(r, z) + gas.density(r, z) + spheroid.density(r, z)
            }),
        ),
    ]
}

/// Derivative by the five-point difference of step h, whose error is of order h^4.
fn derivative(h: f64, f: impl Fn(f64) -> f64) -> f64 {
    (8.0 * (f(h) - f(-h)) - (f(2.0 * h) - f(-2.0 * h))) / (12.0 * h)
}

fn moved(place: [f64; 3], axis: usize, by: f64) -> [f64; 3] {
    let mut place = place;
    place[axis] += by;
    place
}

#[test]
fn the_force_is_minus_the_gradient_to_fourth_order() {
    for (shape, _) in shapes() {
        for place in PLACES {
            let field = shape.field(place);
            let scale = norm(field.acceleration);
            let error = |h: f64| {
                let gap = |axis| {
                    derivative(h, |by| shape.field(moved(place, axis, by)).potential)
                        + field.acceleration[axis]
                };
                norm(std::array::from_fn(gap)) / scale
            };
            let h = 0.04 * norm(place);
            let (coarse, fine) = (error(h), error(0.5 * h));
            let order = (coarse / fine).log2();
            assert!(
                fine < 1e-9 || (order > 3.5 && order < 5.0 && fine < 1e-4),
                "{shape:?} at {place:?}: errors {coarse:e} and {fine:e}, order {order:.2}"
            );
            assert!(error(0.003 * norm(place)) < 1e-7, "{shape:?} at {place:?}");
        }
    }
}

#[test]
fn the_divergence_of_the_force_is_the_density_of_the_literature() {
    for (shape, density) in shapes() {
        for place in PLACES {
            let h = 0.003 * norm(place);
            let divergence: f64 = (0..3)
                .map(|axis| derivative(h, |by| -shape.field(moved(place, axis, by)).acceleration[axis]))
                .sum();
            let expected = 4.0 * PI * density(place);
            let scale = norm(shape.field(place).acceleration) / norm(place);
            let is_sum = matches!(shape, Shape::Galaxy(_));
            let bound = if is_sum { 2e-3 } else { 1e-6 };
            assert!(
                (divergence - expected).abs() < bound * (scale + expected.abs()),
                "{shape:?} at {place:?}: {divergence} instead of {expected}"
            );
        }
    }
}

#[test]
fn the_centre_has_no_force_and_no_nan() {
    for (shape, _) in shapes() {
        let field = shape.field([0.0; 3]);
        assert!(field.potential.is_finite(), "{shape:?}");
        assert_eq!(field.acceleration.map(f64::abs), [0.0; 3], "{shape:?}");
        let tiny = shape.field([1e-9, 0.0, 1e-9]);
        assert!(tiny.potential.is_finite() && norm(tiny.acceleration).is_finite(), "{shape:?}");
    }
}

#[test]
fn potentials_and_their_limits_agree() {
    // A series and a closed form meet.
    let nfw = Shape::Nfw(Nfw { gm: 1.0, scale: 1.0 });
    let (below, above) = (nfw.field([0.02 - 1e-12, 0.0, 0.0]), nfw.field([0.02 + 1e-12, 0.0, 0.0]));
    assert!((below.potential - above.potential).abs() < 1e-11);
    assert!((below.acceleration[0] / above.acceleration[0] - 1.0).abs() < 1e-11);
    // Far away, all mass is at the centre.
    let far = [300.0, -200.0, 100.0];
    for shape in [
        Shape::Isochrone(Isochrone { gm: 2.0, scale: 1e-3 }),
        Shape::Hernquist(Hernquist { gm: 2.0, scale: 1e-3 }),
        Shape::MiyamotoNagai(MiyamotoNagai { gm: 2.0, scale: 1e-3, height: 1e-3 }),
        Shape::CutPowerLaw(CutPowerLaw::new(2.0, 1.2, 1e-3)),
    ] {
        let point = Shape::PointMass(PointMass { gm: 2.0, softening: 0.0 });
        let (found, expected) = (shape.field(far), point.field(far));
        assert!((found.potential / expected.potential - 1.0).abs() < 1e-5, "{shape:?}");
    }
}

/// Circular speed of potentials at a radius in the plane.
fn circular_speed(shapes: &[Shape], radius: f64) -> f64 {
    let inward: f64 = shapes.iter().map(|shape| -shape.field([radius, 0.0, 0.0]).acceleration[0]).sum();
    (inward * radius).sqrt()
}

/// kpc, km/s, and G of a solar mass in them.
const GALACTIC: Scale = Scale { kpc: 1.0, km_per_s: 1.0, sun: 4.300_917_270e-6 };

#[test]
fn models_of_the_milky_way_have_their_published_circular_speeds() {
    let bovy = mw_potential_2014(&GALACTIC);
    assert!((circular_speed(&bovy, 8.0) - 220.0).abs() < 1e-9);
    // Bovy (2015), table 1: masses of bulge and disc in 1e10 solar masses.
    let mass = |shape: &Shape| match shape {
        Shape::CutPowerLaw(CutPowerLaw { gm, .. }) | Shape::MiyamotoNagai(MiyamotoNagai { gm, .. }) => {
            gm / GALACTIC.sun / 1e10
        }
        _ => unreachable!(),
    };
    assert!((mass(&bovy[0]) - 0.5).abs() < 0.05 && (mass(&bovy[1]) - 6.8).abs() < 0.05);
    // McMillan (2017), table 3: R_0 = 8.21 kpc, v_0 = 233.1 km/s. The tables round the parameters to
    // three digits, which changes the speed by less than 0.1 %.
    let mcmillan = mcmillan_2017(&GALACTIC);
    let speed = circular_speed(&mcmillan, 8.21);
    assert!((speed - 233.1).abs() < 0.2, "{speed}");
}

#[test]
fn tidal_time_of_a_point_mass_is_known() {
    let external = External {
        components: vec![
            Component::fixed(Shape::PointMass(PointMass { gm: 3.0, softening: 0.0 })),
            Component {
                motion: Motion::Fixed([1e6, 0.0, 0.0]),
                ..Component::fixed(Shape::PointMass(PointMass { gm: 1.0, softening: 0.0 }))
            },
        ],
    };
    let time = external.at(0.0).tidal_time([0.0, 2.0, 0.0]);
    let expected = (8.0f64 / 3.0).sqrt() / 6.0f64.powf(0.25);
    assert!((time / expected - 1.0).abs() < 1e-4, "{time} instead of {expected}");
    assert_eq!(External::default().at(0.0).tidal_time([1.0; 3]), f64::INFINITY);
}

#[test]
fn a_turned_and_moved_potential_is_the_same_one_elsewhere() {
    let bar = Shape::Bar(Bar { amplitude: 0.5, length: 1.0 });
    let external = External {
        components: vec![Component {
            motion: Motion::Uniform { centre: [1.0, 2.0, 3.0], velocity: [0.5, 0.0, -0.5] },
            rotation: Rotation { angle: 0.2, speed: 0.3 },
            growth: Some(Growth { start: 0.0, duration: 4.0, from: 0.0, to: 2.0 }),
            ..Component::fixed(bar.clone())
        }],
    };
    assert!(!external.is_static());
    let (angle, own) = (0.2f64 + 0.3 * 2.0, [0.7, -0.4, 0.2]);
    let turned =
        |[x, y, z]: [f64; 3]| [angle.cos() * x - angle.sin() * y, angle.sin() * x + angle.cos() * y, z];
    let there = turned(own);
    let place = [there[0] + 2.0, there[1] + 2.0, there[2] + 2.0];
    let (found, expected) = (external.at(2.0).field(place), bar.field(own));
    assert!((found.potential - expected.potential).abs() < 1e-14);
    for (a, b) in found.acceleration.iter().zip(turned(expected.acceleration)) {
        assert!((a - b).abs() < 1e-14);
    }
}

/// Values of galpy and gala, written by `scripts/validation/potentials.py`.
const REFERENCE: &str = include_str!("../../tests/reference/potentials.csv");

/// The potentials of the reference, in kpc and km/s.
fn of_reference(name: &str) -> Vec<Component> {
    let (gm, a, b) = (2.5e5, 3.0, 0.4);
    let shape = match name {
        "point-mass" => Shape::PointMass(PointMass { gm, softening: 0.0 }),
        "plummer" => Shape::PointMass(PointMass { gm, softening: b }),
        "isochrone" => Shape::Isochrone(Isochrone { gm, scale: a }),
        "logarithmic" => Shape::Logarithmic(Logarithmic { speed: 200.0, core: 0.5, ratios: [0.9, 0.8] }),
        "nfw" => Shape::Nfw(Nfw { gm, scale: 16.0 }),
        "hernquist" => Shape::Hernquist(Hernquist { gm, scale: a }),
        "miyamoto-nagai" => Shape::MiyamotoNagai(MiyamotoNagai { gm, scale: a, height: b }),
        "power-law-cutoff" => Shape::CutPowerLaw(CutPowerLaw::new(gm, 1.8, 1.9)),
        "bar" => {
            let amplitude = Bar::amplitude(0.05, 220.0, 8.0, 3.5);
            let rotation = Rotation { angle: 25f64.to_radians(), speed: 50.0 };
            return vec![Component {
                rotation,
                ..Component::fixed(Shape::Bar(Bar { amplitude, length: 3.5 }))
            }];
        }
        "MWPotential2014" => return mw_potential_2014(&GALACTIC).into_iter().map(Component::fixed).collect(),
        "McMillan2017" => return mcmillan_2017(&GALACTIC).into_iter().map(Component::fixed).collect(),
        other => panic!("no potential {other}"),
    };
    vec![Component::fixed(shape)]
}

#[test]
fn fields_are_those_of_galpy_and_gala() {
    let (mut rows, mut zeros) = (0, std::collections::BTreeMap::new());
    for line in REFERENCE.lines().filter(|line| line.contains(",field,")) {
        let words: Vec<&str> = line.split(',').collect();
        let n: Vec<f64> = words[3..].iter().map(|word| word.parse().unwrap()).collect();
        let external = External { components: of_reference(words[1]) };
        let found = external.at(n[0]).field([n[1], n[2], n[3]]);
        // galpy computes McMillan's model by series of its own, with errors of 1e-3.
        let bound = if words[1] == "McMillan2017" { 5e-3 } else { 1e-8 };
        let pull = [n[5], n[6], n[7]];
        let gap = norm(std::array::from_fn(|axis| found.acceleration[axis] - pull[axis])) / norm(pull);
        assert!(gap < bound, "{line}: force differs by {gap:e}");
        // The zero of a potential is free.
        let zero = *zeros.entry(words[..2].join(" ")).or_insert(found.potential - n[4]);
        let gap = (found.potential - n[4] - zero).abs() / n[4].abs();
        assert!(gap < bound, "{line}: potential differs by {gap:e}");
        rows += 1;
    }
    assert_eq!(rows, 84);
}
