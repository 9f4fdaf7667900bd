//! Tests of `cosmological.rs`.

use super::*;
use crate::spectral::{Settings, measure};
use decomposition::{Solo, threads};
use std::f64::consts::PI;

const SIDE: f64 = 200.0;

/// A box in a universe whose unit of length is Mpc/h.
pub(in crate::model) fn model(per_side: u64) -> Cosmological {
    let cosmology = Cosmology::flat(0.31, 100.0);
    Cosmological {
        per_side,
        seed: 5,
        lpt: 2,
        lattice: Lattice::Cubic,
        omega_b: Some(0.048),
        n_s: Some(0.96),
        temperature: None,
        amplitude: Some(Amplitude::Sigma8(0.8)),
        spectrum: None,
        spectrum_redshift: None,
        fixed_amplitude: true,
        opposite: false,
        pancake: None,
        universe: Some(Universe { cosmology, side: SIDE, megaparsec: 1.0, h: 0.68, scale_factor: 0.02 }),
        table: None,
    }
}

/// The same model at another redshift.
fn at(model: Cosmological, redshift: f64) -> Cosmological {
    let universe = model.universe.unwrap();
    Cosmological { universe: Some(Universe { scale_factor: scale_factor_of(redshift), ..universe }), ..model }
}

/// Displacements from the lattice [L], axis by axis.
fn displacements(bodies: &Bodies, per_side: usize) -> [Vec<f64>; 3] {
    let domain = Domain::Periodic { side: SIDE };
    let start = lattice(&Transform::new(&Solo, per_side), SIDE);
    let of = |i: usize| domain.displacement(start.position(i), bodies.position(i));
    std::array::from_fn(|axis| (0..bodies.len()).map(|i| of(i)[axis]).collect())
}

fn rms(values: &[f64]) -> f64 {
    (values.iter().map(|x| x * x).sum::<f64>() / values.len() as f64).sqrt()
}

#[test]
fn modes_of_fixed_amplitude_have_the_power_of_linear_theory() {
    // At this early time, terms of second order are about 1e-4.
    let n = 24;
    let early = at(model(n), 2e4);
    let bodies = early.generate(&Solo, 1.0);
    let settings = Settings { grid: 3 * n as usize, ..Settings::default() };
    let spectrum = measure(&Solo, &bodies, SIDE, &settings).unwrap();
    let (power, cosmology) = (early.power().unwrap(), early.universe.unwrap().cosmology);
    let growth = cosmology.growth(scale_factor_of(2e4)).d1 / cosmology.growth(1.0).d1;
    let below = n as i64 / 4;
    let mut expected = vec![[0.0; 2]; below as usize + 1];
    for x in -below..=below {
        for y in -below..=below {
            for z in -below..=below {
                let length = ((x * x + y * y + z * z) as f64).sqrt();
                if let Some(sum) = expected.get_mut(length.round() as usize).filter(|_| length > 0.0) {
                    sum[0] += power.at(TAU / SIDE * length) * growth * growth;
                    sum[1] += 1.0;
                }
            }
        }
    }
    for (bin, [sum, count]) in spectrum.bins.iter().zip(&expected[1..]) {
        assert_eq!(bin.modes as f64, *count);
        assert!((bin.power / (sum / count) - 1.0).abs() < 1e-3, "{bin:?} {}", sum / count);
    }
}

/// Two crossed plane waves have a source of second order in closed form.
#[test]
fn crossed_waves_have_the_second_order_of_theory() {
    let n = 12;
    let sites = Sites::new(&Solo, Lattice::Cubic, n, SIDE).0;
    let transform = Transform::new(&Solo, n);
    let mut field = Field::new(&model(n as u64), &model(2).universe.unwrap(), &model(2).power().unwrap());
    field.amplitudes.fill(0.0);
    field.amplitudes[4] = 0.5;
    // The contrast is a sum of cosines along each axis, of wave number 2 and amplitude 1. Its source is
    // the sum over pairs of axes of the products of these cosines.
    let source = transform.backward(&Solo, second_order(&Solo, &sites, &field));
    let phase = |wave: Wave| field.mode(wave).arg();
    let phases = [phase([2, 0, 0]), phase([0, 2, 0]), phase([0, 0, 2])];
    for (i, found) in source.iter().enumerate() {
        let cells = [i / (n * n), i / n % n, i % n];
        let [x, y, z] =
            [0, 1, 2].map(|axis| (2.0 * TAU * cells[axis] as f64 / n as f64 + phases[axis]).cos());
        assert!((found - (x * y + y * z + z * x)).abs() < 1e-13, "{found}");
    }
}

#[test]
fn the_second_order_falls_as_the_square_of_the_first() {
    let n = 16;
    let parts = |redshift: f64| {
        let of = |lpt: u8| {
            let bodies = at(Cosmological { lpt, ..model(n) }, redshift).generate(&Solo, 1.0);
            (displacements(&bodies, n as usize), bodies.vel)
        };
        let ((first, slow), (both, fast)) = (of(1), of(2));
        let second = |a: &[Vec<f64>; 3], b: &[Vec<f64>; 3]| {
            rms(&a[0].iter().zip(&b[0]).map(|(a, b)| a - b).collect::<Vec<_>>())
        };
        [rms(&first[0]), second(&both, &first), rms(&slow[0]), second(&fast, &slow)]
    };
    let (late, early) = (parts(9.0), parts(19.0));
    // In a universe of matter the displacements are as a and a^2, velocities as a^0.5 and a^1.5.
    for (i, expected) in [1.0, 2.0, 0.5, 1.5].into_iter().enumerate() {
        let slope = (late[i] / early[i]).log2();
        assert!((slope - expected).abs() < 0.01, "{i}: {slope}");
    }
    assert!(late[1] > 0.01 * late[0], "{late:?}");
}

#[test]
fn the_third_order_falls_as_the_cube_of_the_first() {
    let n = 12;
    let third = |redshift: f64| {
        let of = |lpt: u8| {
            let bodies = at(Cosmological { lpt, ..model(n) }, redshift).generate(&Solo, 1.0);
            (displacements(&bodies, n as usize), bodies.vel)
        };
        let ((second, slow), (third, fast)) = (of(2), of(3));
        let differ = |a: &[f64], b: &[f64]| rms(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>());
        [differ(&third[1], &second[1]), differ(&fast[1], &slow[1]), rms(&second[1])]
    };
    let (late, early) = (third(9.0), third(19.0));
    for (i, expected) in [3.0, 2.5].into_iter().enumerate() {
        let slope = (late[i] / early[i]).log2();
        assert!((slope - expected).abs() < 0.01, "{i}: {slope}");
    }
    assert!(late[0] > 1e-4 * late[2], "{late:?}");
}

/// Each order moves the bodies of a glass by a field that the bodies of a lattice sample at other places.
#[test]
fn a_glass_has_the_displacements_of_the_lattice_between_its_bodies() {
    // Only modes of which there are few: the others have no power.
    let last = TAU / SIDE * 2.5;
    let k: Vec<f64> = (0..400).map(|i| 1e-4 * 1e6f64.powf(f64::from(i) / 399.0)).collect();
    let power = k.iter().map(|&k| if k < last { 3e3 } else { 1e-30 }).collect();
    let table = Some(Table::new(k, power).unwrap());
    let of = |lattice: Lattice| {
        let velocities = [1, 2, 3].map(|lpt| {
            let model = Cosmological { lpt, lattice, amplitude: None, table: table.clone(), ..model(32) };
            at(model, 9.0).generate(&Solo, 1.0).vel
        });
        // What each order adds along each axis.
        [0, 1, 2].map(|order| {
            [0, 1, 2].map(|axis| {
                let before = |i: usize| if order > 0 { velocities[order - 1][axis][i] } else { 0.0 };
                let added = velocities[order][axis].iter().enumerate().map(|(i, v)| v - before(i));
                rms(&added.collect::<Vec<_>>())
            })
        })
    };
    let (cubic, glass) = (of(Lattice::Cubic), of(Lattice::Glass));
    for order in 0..3 {
        for axis in 0..3 {
            let ratio = glass[order][axis] / cubic[order][axis];
            assert!((ratio - 1.0).abs() < 0.01, "order {}, axis {axis}: {ratio}", order + 1);
        }
    }
}

#[test]
fn velocities_are_the_rates_of_displacements() {
    let n = 12;
    let of = |redshift: f64| at(Cosmological { lpt: 3, ..model(n) }, redshift).generate(&Solo, 1.0);
    let cosmology = model(n).universe.unwrap().cosmology;
    let step = 1e-3;
    let (before, now, after) = (of(9.0 + step), of(9.0), of(9.0 - step));
    let [a, b, c] = [&before, &now, &after].map(|bodies| displacements(bodies, n as usize));
    let time = cosmology.time(scale_factor_of(9.0 - step)) - cosmology.time(scale_factor_of(9.0 + step));
    let unit = rms(&b[1]) * cosmology.hubble_at(0.1);
    for i in 0..now.len() {
        let rate = (c[1][i] - a[1][i]) / time * 0.1;
        assert!((now.vel[1][i] - rate).abs() < 1e-6 * 0.1 * unit, "{} {rate}", now.vel[1][i]);
    }
}

/// More bodies do not change the modes that both boxes have.
#[test]
fn large_modes_do_not_depend_on_the_number_of_bodies() {
    let [coarse, fine] = [16, 32].map(|n| {
        let model = model(n);
        Field::new(&model, &model.universe.unwrap(), &model.power().unwrap())
    });
    for wave in [[1, 0, 0], [0, -3, 7], [-5, 2, 0], [7, 7, 7]] {
        assert_eq!(coarse.mode(wave), fine.mode(wave));
        assert_eq!(coarse.mode(wave), coarse.mode(wave.map(|w| -w)).conj());
        assert!(coarse.mode(wave).norm() > 0.0);
    }
    assert_eq!(coarse.mode([8, 0, 1]), Complex::default());
}

#[test]
fn random_amplitudes_have_the_moments_of_an_exponential() {
    let model = Cosmological { fixed_amplitude: false, ..model(32) };
    let field = Field::new(&model, &model.universe.unwrap(), &model.power().unwrap());
    let (mut count, mut sums) = (0.0, [0.0; 4]);
    for x in -15..=15 {
        for y in -15..=15 {
            for z in 1..=15 {
                let mode = field.mode([x, y, z]) / field.amplitudes[(x * x + y * y + z * z) as usize];
                count += 1.0;
                let terms = [mode.norm_sqr(), mode.norm_sqr().powi(2), mode.re, mode.re * mode.im];
                sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
        }
    }
    // Standard errors of the means: sqrt of 1, 20, 1/2 and 1/4, over the root of the count.
    for (i, (expected, spread)) in
        [(1.0, 1.0), (2.0, 20f64.sqrt()), (0.0, 0.5f64.sqrt()), (0.0, 0.5)].into_iter().enumerate()
    {
        let mean = sums[i] / count;
        assert!((mean - expected).abs() < 4.0 * spread / f64::sqrt(count), "{i}: {mean}");
    }
}

#[test]
fn a_pair_has_opposite_contrasts() {
    let n = 8;
    let of = |opposite: bool| {
        let bodies = Cosmological { opposite, lpt: 1, ..model(n) }.generate(&Solo, 1.0);
        displacements(&bodies, n as usize)
    };
    let (one, other) = (of(false), of(true));
    for axis in 0..3 {
        assert!(one[axis].iter().zip(&other[axis]).all(|(a, b)| (a + b).abs() < 1e-12));
    }
}

fn sort_by_id(bodies: &mut Bodies) {
    let mut order: Vec<u32> = (0..bodies.len() as u32).collect();
    order.sort_by_key(|&i| bodies.id[i as usize]);
    bodies.permute(&order);
}

#[test]
fn ranks_give_the_bits_of_one() {
    let mut one = Bodies::default();
    for (lpt, lattice, n) in
        [(1, Lattice::Glass, 16), (3, Lattice::Glass, 16), (3, Lattice::Cubic, 12), (2, Lattice::Cubic, 12)]
    {
        let model = Cosmological { lpt, lattice, ..model(n) };
        one = model.generate(&Solo, 43.0);
        for ranks in [2, 3, 13] {
            let parts = threads::run(ranks, |comm| model.generate(comm, 43.0));
            let mut all = Bodies::default();
            parts.iter().for_each(|part| all.append(part));
            if lattice == Lattice::Glass {
                // Bodies of a glass are in the order of tiles on each rank.
                [&mut one, &mut all].into_iter().for_each(sort_by_id);
            }
            assert!(all == one, "order {lpt} on {ranks} ranks");
        }
    }
    // The mean density of matter.
    let density = one.mass.iter().sum::<f64>() / SIDE.powi(3);
    let critical = 3.0 * 100.0f64.powi(2) / (8.0 * PI * 43.0);
    assert!((density / critical / 0.31 - 1.0).abs() < 1e-12, "{density}");
}

#[test]
fn what_no_universe_has_is_refused() {
    let table = |last: f64| {
        let k: Vec<f64> = (0..50).map(|i| 1e-3 * (last / 1e-3).powf(f64::from(i) / 49.0)).collect();
        let power = k.iter().map(|k| 1.0 / k).collect();
        Table::new(k, power).unwrap()
    };
    let of_table = |last: f64| Cosmological { amplitude: None, table: Some(table(last)), ..model(16) };
    assert!(of_table(2.0).power().is_ok());
    for (model, expected) in [
        (of_table(0.3), "spectrum: is given from k = 1e-3 to 3"),
        (
            Cosmological { omega_b: None, ..model(16) },
            "omega_b = 0.0: must be above 0 and below cosmology.omega_m",
        ),
        (Cosmological { omega_b: Some(0.4), ..model(16) }, "omega_b = 0.4: must be"),
        (Cosmological { amplitude: None, ..model(16) }, "give `sigma8` or `a_s`"),
        (Cosmological { universe: None, ..model(16) }, "needs the tables [cosmology] and [box]"),
    ] {
        let error = model.power().unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

/// x = q - D / D_c sin(k q) / k along the wave vector, and the momentum is its derivative.
#[test]
fn a_pancake_is_the_wave_of_zeldovich() {
    // It is exact, so that higher orders are 0.
    (1..=3).for_each(a_pancake_of_order);
}

#[test]
fn a_pancake_of_a_glass_is_that_of_its_places() {
    let pancake = Some(Box::new(Pancake { wave: [1, 0, 2], caustic_redshift: 4.0 }));
    for lpt in 1..=3 {
        let model = Cosmological { pancake: pancake.clone(), lpt, lattice: Lattice::Glass, ..model(16) };
        let model = at(model, 9.0);
        model.check().unwrap();
        let bodies = model.generate(&Solo, 1.0);
        let places = Sites::new(&Solo, Lattice::Glass, 16, SIDE).1;
        let cosmology = model.universe.unwrap().cosmology;
        let strength = cosmology.growth(0.1).d1 / cosmology.growth(0.2).d1;
        let vector = [1.0, 0.0, 2.0].map(|w| 2.0 * PI * w / SIDE);
        let square: f64 = vector.iter().map(|k| k * k).sum();
        for i in 0..bodies.len() {
            assert_eq!(bodies.id[i], places.id[i]);
            let phase: f64 = (0..3).map(|axis| vector[axis] * places.pos[axis][i]).sum();
            for axis in 0..3 {
                let moved = -strength * phase.sin() * vector[axis] / square;
                let found = Domain::Periodic { side: SIDE }
                    .displacement(places.position(i), bodies.position(i))[axis];
                assert!((found - moved).abs() < 1e-7 * SIDE, "order {lpt}: {found} {moved}");
            }
        }
    }
    let error = Cosmological { lattice: Lattice::Glass, ..model(24) }.check().unwrap_err();
    assert!(error.contains("per_side = 24: must be a multiple of 16"), "{error}");
}

fn a_pancake_of_order(lpt: u8) {
    let pancake = Some(Box::new(Pancake { wave: [1, 0, 2], caustic_redshift: 4.0 }));
    let model = at(Cosmological { pancake, lpt, ..model(8) }, 9.0);
    model.check().unwrap();
    let bodies = model.generate(&Solo, 1.0);
    let cosmology = model.universe.unwrap().cosmology;
    let (now, caustic) = (cosmology.growth(0.1), cosmology.growth(0.2));
    let strength = now.d1 / caustic.d1;
    let rate = 0.1 * cosmology.hubble_at(0.1) * now.f1;
    let vector = [1.0, 0.0, 2.0].map(|w| 2.0 * PI * w / SIDE);
    let square: f64 = vector.iter().map(|k| k * k).sum();
    for i in 0..bodies.len() {
        let place = bodies.id[i] as usize;
        let q = [place / 64, place / 8 % 8, place % 8].map(|cell| (cell as f64 + 0.5) * SIDE / 8.0);
        let phase: f64 = (0..3).map(|axis| vector[axis] * q[axis]).sum();
        for axis in 0..3 {
            let moved = -strength * phase.sin() * vector[axis] / square;
            let found = Domain::Periodic { side: SIDE }.displacement(q, bodies.position(i))[axis];
            assert!((found - moved).abs() < 1e-10 * SIDE, "{found} {moved}");
            assert!((bodies.vel[axis][i] - rate * moved).abs() < 1e-10 * rate * SIDE);
        }
    }
}
