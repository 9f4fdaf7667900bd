//! Compares spectra with sums over bodies without a grid, waves of known amplitude, and shot noise.

use super::*;
use decomposition::{Solo, threads};
use std::f64::consts::TAU;
use treecode::math::hash;

const SIDE: f64 = 50.0;

fn random(number: u64) -> f64 {
    (hash(number) >> 11) as f64 / (1u64 << 53) as f64
}

/// Bodies of two masses in clumps. Two of them are at the same place.
fn clumped(n: usize) -> Bodies {
    let mut bodies = Bodies::zeroed(n);
    for i in 0..n {
        let clump = hash(i as u64) % 5;
        bodies.mass[i] = if i % 3 == 0 { 2.5 } else { 1.0 };
        for axis in 0..3 {
            let near: f64 = (0..4).map(|j| random((16 * i + 4 * axis + j) as u64 + 77) - 0.5).sum();
            let x = SIDE * random(clump * 3 + axis as u64) + 3.0 * near;
            bodies.pos[axis][i] = x.rem_euclid(SIDE);
        }
    }
    (0..3).for_each(|axis| bodies.pos[axis][1] = bodies.pos[axis][2]);
    bodies
}

/// Power in shells of the width of the fundamental times `fold`, from a sum over the bodies of each
/// mode: mean wave number, power, number of modes.
fn without_a_grid(bodies: &Bodies, fold: i64, shells: std::ops::RangeInclusive<i64>) -> Vec<[f64; 3]> {
    let mut sums = vec![[0.0; 3]; *shells.end() as usize + 1];
    let reach = shells.end() + 1;
    let total: f64 = bodies.mass.iter().sum();
    for x in -reach..=reach {
        for y in -reach..=reach {
            for z in 0..=reach {
                let shell = ((x * x + y * y + z * z) as f64).sqrt();
                let (place, weight) = (shell.round() as i64, if z == 0 { 1.0 } else { 2.0 });
                if !shells.contains(&place) {
                    continue;
                }
                let wave = [x, y, z].map(|w| (w * fold) as f64 * TAU / SIDE);
                let term = |i: usize| {
                    let phase: f64 = (0..3).map(|axis| wave[axis] * bodies.pos[axis][i]).sum();
                    Complex::from_polar(bodies.mass[i] / total, -phase)
                };
                let power = (0..bodies.len()).map(term).sum::<Complex<f64>>().norm_sqr() * SIDE.powi(3);
                let k = shell * fold as f64 * TAU / SIDE;
                let terms = [weight * k, weight * power, weight];
                sums[place as usize].iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
            }
        }
    }
    shells
        .map(|shell| sums[shell as usize])
        .map(|[k, power, count]| [k / count, power / count, count])
        .collect()
}

#[test]
fn the_grid_changes_no_power_below_half_its_nyquist_wave_number() {
    let bodies = clumped(300);
    let expected = without_a_grid(&bodies, 1, 1..=12);
    for (assignment, bound) in [(Assignment::Cic, 0.02), (Assignment::Tsc, 2e-3), (Assignment::Pcs, 3e-4)] {
        let settings = Settings { grid: 48, assignment, ..Settings::default() };
        let spectrum = measure(&Solo, &bodies, SIDE, &settings).unwrap();
        assert_eq!(spectrum.bins.len(), 23);
        for (bin, [k, power, count]) in spectrum.bins.iter().zip(&expected) {
            assert!((bin.k / k - 1.0).abs() < 1e-12, "{bin:?} {k}");
            assert_eq!(bin.modes as f64, *count);
            assert!((bin.power / power - 1.0).abs() < bound, "{assignment:?} {bin:?} {power}");
        }
    }
}

#[test]
fn folding_measures_modes_beyond_the_grid() {
    let bodies = clumped(200);
    let settings = Settings { grid: 32, folds: vec![2], ..Settings::default() };
    let spectrum = measure(&Solo, &bodies, SIDE, &settings).unwrap();
    let (whole, folded): (Vec<&Bin>, Vec<&Bin>) = spectrum.bins.iter().partition(|bin| bin.fold == 1);
    assert!(whole.len() == 7 && spectrum.bins.is_sorted_by(|a, b| a.k < b.k), "{spectrum:?}");
    // The first shell above 7.5 fundamentals of the whole box is the fifth of the folded one.
    for (bin, [k, power, count]) in folded.iter().zip(without_a_grid(&bodies, 2, 5..=10)) {
        assert!((bin.k / k - 1.0).abs() < 1e-12 && bin.modes as f64 == count, "{bin:?} {k} {count}");
        assert!((bin.power / power - 1.0).abs() < 3e-3, "{bin:?} {power}");
    }
    assert_eq!(folded.len(), 11);
}

#[test]
fn a_lattice_that_a_wave_displaces_has_the_power_of_the_wave() {
    let n = 16;
    let mut bodies = Bodies::zeroed(n * n * n);
    bodies.mass.fill(3.0);
    let wave = [1.0, -2.0, 2.0];
    let amplitude = 1e-3;
    for i in 0..bodies.len() {
        let place = [i / (n * n), i / n % n, i % n].map(|i| (i as f64 + 0.5) / n as f64);
        let phase = TAU * (0..3).map(|axis| wave[axis] * place[axis]).sum::<f64>() + 0.3;
        // A displacement -k / k^2 A sin(k.x) has the contrast A cos(k.x).
        for axis in 0..3 {
            let moved = place[axis] - wave[axis] / 9.0 / TAU * amplitude * phase.sin();
            bodies.pos[axis][i] = moved.rem_euclid(1.0) * SIDE;
        }
    }
    let spectrum = measure(&Solo, &bodies, SIDE, &Settings { grid: 32, ..Settings::default() }).unwrap();
    for bin in &spectrum.bins[..7] {
        let third = (bin.k * SIDE / TAU - 3.0).abs() < 0.5;
        let in_shell = bin.power * bin.modes as f64;
        // Two modes with half the amplitude each.
        let expected = if third { SIDE.powi(3) * amplitude * amplitude / 2.0 } else { 0.0 };
        let scale = SIDE.powi(3) * amplitude * amplitude / 2.0;
        assert!((in_shell - expected).abs() < 1e-3 * scale, "{bin:?} {expected}");
    }
}

#[test]
fn random_bodies_have_the_power_of_shot_noise() {
    let mut bodies = Bodies::zeroed(20_000);
    for i in 0..bodies.len() {
        bodies.mass[i] = [1.0, 4.0][i % 2];
        (0..3).for_each(|axis| bodies.pos[axis][i] = SIDE * random((3 * i + axis) as u64 + 5));
    }
    let settings = Settings { grid: 32, folds: vec![2], bins_per_decade: Some(5), ..Settings::default() };
    let spectrum = measure(&Solo, &bodies, SIDE, &settings).unwrap();
    let expected = SIDE.powi(3) * 17.0 / 2.0 / (2.5f64.powi(2) * 20_000.0);
    assert!((spectrum.shot_noise / expected - 1.0).abs() < 1e-12);
    for bin in &spectrum.bins {
        let sigma = expected * (2.0 / bin.modes as f64).sqrt();
        assert!((bin.power - expected).abs() < 4.0 * sigma, "{bin:?} {expected} {sigma}");
    }
    let well_measured = spectrum.bins.iter().filter(|bin| bin.modes > 3000).count();
    assert!(well_measured >= 2, "{spectrum:?}");
}

#[test]
fn ranks_give_the_bits_of_one() {
    let all = clumped(2000);
    let settings = Settings { grid: 24, folds: vec![2], ..Settings::default() };
    let one = measure(&Solo, &all, SIDE, &settings).unwrap();
    for ranks in [2, 3, 7] {
        let parts = threads::run(ranks, |comm| {
            let mine = (0..all.len() as u32).rev().filter(|i| *i as usize % ranks == comm.rank());
            let mut bodies = all.clone();
            bodies.permute(&mine.collect::<Vec<_>>());
            measure(comm, &bodies, SIDE, &settings).unwrap()
        });
        parts.iter().for_each(|spectrum| assert_eq!(*spectrum, one, "{ranks} ranks"));
    }
}

#[test]
fn what_cannot_be_measured_is_an_error() {
    let bodies = clumped(10);
    let at =
        |side: f64, settings: Settings| measure(&Solo, &bodies, side, &settings).unwrap_err().to_string();
    let default = Settings::default;
    for (side, settings, expected) in [
        (SIDE, Settings { grid: 0, ..default() }, "grid = 0: must be an even number from 4"),
        (SIDE, Settings { grid: 33, ..default() }, "grid = 33: must be an even number"),
        (SIDE, Settings { grid: 1 << 20, ..default() }, "must be an even number from 4 to 16384"),
        (SIDE, Settings { folds: vec![1], ..default() }, "fold = 1: must be from 2 to 32 after 1"),
        (SIDE, Settings { folds: vec![4, 180], ..default() }, "fold = 180: must be from 5 to 128 after 4"),
        (SIDE, Settings { bins_per_decade: Some(0), ..default() }, "bins per decade = 0: must be from 1"),
        (0.0, default(), "box = 0.0: must be above 0"),
        (f64::NAN, default(), "box = NaN: must be above 0"),
    ] {
        let error = at(side, settings);
        assert!(error.contains(expected), "{error}");
    }
    let error = measure(&Solo, &Bodies::zeroed(3), SIDE, &default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no mass, so there is no power spectrum");
}
