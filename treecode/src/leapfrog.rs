//! The leapfrog integrator: kick-drift-kick with a fixed timestep, second order, time-reversible
//! (Verlet 1967; Quinn et al. 1997).
//!
//! One timestep of length `h` is `kick(h / 2)`, `drift(h)`, a force evaluation, `kick(h / 2)`.

use crate::Bodies;
use rayon::prelude::*;

/// Adds acceleration times `dt` [T] to the velocities.
pub fn kick(bodies: &mut Bodies, dt: f64) {
    for (vel, acc) in bodies.vel.iter_mut().zip(&bodies.acc) {
        advance(vel, acc, dt);
    }
}

/// Adds velocity times `dt` [T] to the positions.
pub fn drift(bodies: &mut Bodies, dt: f64) {
    for (pos, vel) in bodies.pos.iter_mut().zip(&bodies.vel) {
        advance(pos, vel, dt);
    }
}

fn advance(value: &mut [f64], rate: &[f64], dt: f64) {
    value.par_iter_mut().with_min_len(1 << 15).zip(rate).for_each(|(x, v)| *x += v * dt);
}
