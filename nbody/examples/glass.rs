//! Makes the glass of `model = "cosmology"`: a tile of bodies that are as evenly distributed as those of a
//! lattice, but without its directions (White 1996).
//!
//! Random bodies repel each other in a periodic box, in which gravity has the opposite sign, and friction
//! stops them (Baugh, Gaztanaga & Efstathiou 1995, MNRAS 274, 1049). In such a medium all waves of the density
//! have the frequency of the plasma, sqrt(4 pi G density), so lengths of steps do not depend on the scale.
//!
//! `cargo run --release -p heorot-nbody --example glass -- FILE` writes the tile: three integers of 24
//! bits for each body, its position in units of the side / 2^24.

use decomposition::{Solo, evaluate};
use heorot_nbody::spectral::{Settings, measure};
use std::f64::consts::PI;
use treecode::math::hash;
use treecode::{Bodies, Criterion, Domain, Gravity};

/// Bodies along a side of the tile.
const PER_SIDE: usize = 16;
/// Number of steps.
const STEPS: usize = 1000;
/// Displacement in a step, as a fraction of the one that stops a plasma oscillation, and the fraction of
/// the displacement before that continues.
const PUSH: f64 = 0.3;
const INERTIA: f64 = 0.85;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name the file to write")?;
    let count = PER_SIDE.pow(3);
    let mut bodies = Bodies::zeroed(count);
    for i in 0..count {
        bodies.mass[i] = 1.0 / count as f64;
        for axis in 0..3 {
            bodies.pos[axis][i] = (hash(hash(axis as u64) ^ i as u64) >> 11) as f64 / (1u64 << 53) as f64;
        }
    }
    // With G = 1, mass 1 and side 1 the square of the frequency is 4 pi.
    let (square, spacing) = (4.0 * PI, 1.0 / PER_SIDE as f64);
    let domain = Domain::Periodic { side: 1.0 };
    for step in 0..=STEPS {
        // Late forces are small, and must be so exact.
        let tolerance = if step < STEPS / 2 { 1e-4 } else { 1e-6 };
        let gravity =
            Gravity { domain, criterion: Criterion::Absolute, tolerance, order: 5, ..Gravity::default() };
        bodies = evaluate(&Solo, &gravity, bodies)?.into_bodies();
        let mean: [f64; 3] = std::array::from_fn(|axis| bodies.acc[axis].iter().sum::<f64>() / count as f64);
        let mut sum = 0.0;
        for axis in 0..3 {
            for i in 0..count {
                let force = bodies.acc[axis][i] - mean[axis];
                sum += force * force;
                bodies.vel[axis][i] = INERTIA * bodies.vel[axis][i] - PUSH * force / square;
            }
        }
        if step % 50 == 0 || step == STEPS {
            println!(
                "step {step}: rms force {:.2e} of 4 pi G density spacing",
                (sum / count as f64).sqrt() / (square * spacing)
            );
        }
        if step < STEPS {
            for axis in 0..3 {
                for i in 0..count {
                    bodies.pos[axis][i] += bodies.vel[axis][i];
                }
            }
            bodies.wrap(domain);
        }
    }
    let mut order: Vec<u32> = (0..count as u32).collect();
    order.sort_by_key(|&i| bodies.id[i as usize]);
    bodies.permute(&order);
    let whole = f64::from(1 << 24);
    let mut bytes = Vec::new();
    for i in 0..count {
        for x in bodies.position(i) {
            let number = (x * whole).round() as u32 % (1 << 24);
            bytes.extend(&number.to_le_bytes()[..3]);
        }
    }
    std::fs::write(&path, bytes)?;
    let spectrum = measure(&Solo, &bodies, 1.0, &Settings { grid: 64, ..Settings::default() })?;
    for bin in &spectrum.bins {
        println!(
            "k {:7.2} of Nyquist {:.3}: P / shot noise {:.3e}",
            bin.k,
            bin.k / (PI / spacing),
            bin.power * count as f64
        );
    }
    Ok(())
}
