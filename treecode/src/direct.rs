//! Direct summation in double precision: the oracle of every force test.

use crate::softening::SPLINE_SUPPORT;
use crate::{Bodies, Gravity, Softening, SofteningKernel};
use rayon::prelude::*;

/// Acceleration [L/T^2] and specific potential [L^2/T^2] of a body.
pub type Field = ([f64; 3], f64);

/// The exact field of the bodies `targets` (indices into `bodies`), made by all other bodies. Bodies at one place do not attract each other;
/// with softening they have their potential.
pub fn field(bodies: &Bodies, gravity: &Gravity, targets: &[usize]) -> Vec<Field> {
    let sinks: Vec<Sink> =
        targets.iter().map(|&i| (bodies.position(i), bodies.kind[i], bodies.id[i])).collect();
    let mut sum = vec![([0.0; 3], 0.0); targets.len()];
    add_field(bodies, gravity, &sinks, &mut sum);
    sum
}

/// A body that feels others: position [L], particle type and id.
pub type Sink = ([f64; 3], u8, u64);

/// Adds the field that `sources` make at each of `sinks` to `sum`: the sources may be some of the bodies, so that a sum over ranks is possible. A
/// source with the id of the sink is the sink itself.
pub fn add_field(sources: &Bodies, gravity: &Gravity, sinks: &[Sink], sum: &mut [Field]) {
    let constant = gravity.constant;
    sinks.par_iter().zip(sum).for_each(|(sink, sum)| {
        let (acc, pot) = pull(sources, &gravity.softening, sink);
        (0..3).for_each(|axis| sum.0[axis] += constant * acc[axis]);
        sum.1 -= constant * pot;
    });
}

fn pull(sources: &Bodies, softening: &Softening, (x, kind, id): &Sink) -> Field {
    if softening.is_none() {
        return sum_pairs(sources, *id, *x, |r2, _| {
            let u = if r2 > 0.0 { 1.0 / r2.sqrt() } else { 0.0 };
            (u, u * u * u)
        });
    }
    let own = softening.length[usize::from(*kind)];
    let length = |kind: u8| softening.length[usize::from(kind)];
    match softening.kernel {
        SofteningKernel::Plummer => {
            sum_pairs(sources, *id, *x, |r2, kind| plummer(r2, 0.5 * (own * own + length(kind).powi(2))))
        }
        SofteningKernel::Spline => {
            sum_pairs(sources, *id, *x, |r2, kind| spline(r2, SPLINE_SUPPORT * own.max(length(kind))))
        }
    }
}

#[inline(always)]
fn sum_pairs(sources: &Bodies, id: u64, x: [f64; 3], law: impl Fn(f64, u8) -> (f64, f64)) -> Field {
    let (mut acc, mut pot) = ([0.0; 3], 0.0);
    for j in 0..sources.len() {
        let d: [f64; 3] = std::array::from_fn(|axis| sources.pos[axis][j] - x[axis]);
        let (potential, factor) = law(d[0] * d[0] + d[1] * d[1] + d[2] * d[2], sources.kind[j]);
        let mass = if sources.id[j] == id { 0.0 } else { sources.mass[j] };
        pot += mass * potential;
        (0..3).for_each(|axis| acc[axis] += mass * factor * d[axis]);
    }
    (acc, pot)
}

/// Potential 1 / sqrt(r^2 + e^2) and its force over the offset (Plummer 1911).
fn plummer(r2: f64, length2: f64) -> (f64, f64) {
    let rho2 = r2 + length2;
    let u = if rho2 > 0.0 { 1.0 / rho2.sqrt() } else { 0.0 };
    (u, u * u * u)
}

/// Potential and force over the offset of the spline with support h (Springel, Yoshida & White 2001, eq. 71).
fn spline(r2: f64, h: f64) -> (f64, f64) {
    let r = r2.sqrt();
    if r >= h {
        let u = if r2 > 0.0 { 1.0 / r } else { 0.0 };
        return (u, u * u * u);
    }
    let q = r / h;
    let (potential, force) = if q < 0.5 {
        (-2.8 + q * q * (16.0 / 3.0 + q * q * (6.4 * q - 9.6)), 32.0 / 3.0 + q * q * (32.0 * q - 38.4))
    } else {
        (
            -3.2 + 1.0 / (15.0 * q) + q * q * (32.0 / 3.0 + q * (-16.0 + q * (9.6 - 32.0 / 15.0 * q))),
            64.0 / 3.0 - 48.0 * q + 38.4 * q * q - 32.0 / 3.0 * q * q * q - 1.0 / (15.0 * q * q * q),
        )
    };
    (-potential / h, force / (h * h * h))
}
