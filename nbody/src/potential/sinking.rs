//! The orbit of a mass that sinks in other potentials by dynamical friction (Chandrasekhar 1943).
//!
//! The host has no bodies. Its density follows from the divergence of its field. The velocities of
//! its matter are assumed to be isotropic and Maxwellian.

use super::External;
use std::f64::consts::PI;
use treecode::math::{erf, exp, ln, norm};

/// Step of the integration, as a fraction of the tidal time of the host. A revolution has about
/// five hundred steps.
const STEP: f64 = 0.02;
/// Step of the differences that give the density of the host, as a fraction of the distance from its
/// centre.
const DIFFERENCE: f64 = 1e-4;
/// The mass stops when its distance from the centre of the host is this fraction of the initial
/// distance.
const ARRIVED: f64 = 1e-2;
/// Greatest number of steps.
const MOST: usize = 1_000_000;

/// Parameters of the friction, besides mass, position and velocity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Friction {
    /// Coulomb logarithm. Without it, ln(b_max / b_min) with b_max = distance from the centre of
    /// the host and b_min = the greater of the scale radius of the mass and G M / v^2 (Binney &
    /// Tremaine 2008, eq. 8.1).
    pub coulomb: Option<f64>,
    /// Velocity dispersion of the host in one dimension [L/T]. Without it, that of an isothermal sphere:
    /// the local circular speed divided by the root of 2.
    pub dispersion: Option<f64>,
}

/// A mass that sinks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sinker {
    /// Mass parameter G M [L^3/T^2].
    pub gm: f64,
    /// Its scale radius [L]; 0 for a point.
    pub softening: f64,
    /// Its friction.
    pub friction: Friction,
}

/// Places and velocities at increasing times, with a cubic between them.
#[derive(Clone, Debug, PartialEq)]
pub struct Sinking {
    times: Vec<f64>,
    states: Vec<[f64; 6]>,
    arrived: bool,
}

impl Sinker {
    /// The orbit from this place [L] and velocity [L/T] at the time `from` to the time `to` [T] or a
    /// little later. A later end adds steps and changes none. The centre of the host is that of its first
    /// component.
    ///
    /// # Errors
    /// There is no host, or the orbit needs too many steps.
    pub fn orbit(&self, host: &External, start: [f64; 6], from: f64, to: f64) -> Result<Sinking, String> {
        let Some(centre) = host.components.first().map(|component| &component.motion) else {
            return Err("there is no other potential to sink in".to_owned());
        };
        let distance =
            |time: f64, state: &[f64; 6]| norm(std::array::from_fn(|k| state[k] - centre.place(time)[k]));
        let arrived = ARRIVED * distance(from, &start);
        let (mut times, mut states) = (vec![from], vec![start]);
        let (mut time, mut state) = (from, start);
        while time < to && distance(time, &state) > arrived {
            let step = STEP * host.at(time).tidal_time(position(&state));
            if states.len() > MOST || !(time + step > time && step.is_finite()) {
                return Err(format!("the orbit needs more than {MOST} steps"));
            }
            let slope = |time: f64, state: &[f64; 6]| self.slope(host, centre.place(time), time, state);
            state = runge_kutta(slope, time, &state, step);
            time += step;
            times.push(time);
            states.push(state);
        }
        Ok(Sinking { times, states, arrived: time < to })
    }

    /// Velocity and acceleration.
    fn slope(&self, host: &External, centre: [f64; 3], time: f64, state: &[f64; 6]) -> [f64; 6] {
        let (host, place) = (host.at(time), position(state));
        let velocity: [f64; 3] = [state[3], state[4], state[5]];
        let field = host.field(place).acceleration;
        let offset: [f64; 3] = std::array::from_fn(|k| place[k] - centre[k]);
        let (radius, speed) = (norm(offset), norm(velocity));
        let mut divergence = 0.0;
        let beside = DIFFERENCE * radius;
        for axis in 0..3 {
            let at = |sign: f64| {
                let mut there = place;
                there[axis] += sign * beside;
                host.field(there).acceleration[axis]
            };
            divergence += (at(1.0) - at(-1.0)) / (2.0 * beside);
        }
        // 4 pi G rho. A field without mass at a place has a divergence of rounding only.
        let density = (-divergence).max(0.0);
        let inward: f64 = -(0..3).map(|k| field[k] * offset[k]).sum::<f64>();
        let dispersion = self.friction.dispersion.unwrap_or((0.5 * inward.max(0.0)).sqrt());
        let coulomb = self.friction.coulomb.unwrap_or_else(|| {
            let least = (self.gm / (speed * speed)).max(self.softening);
            ln((radius / least).max(1.0))
        });
        // Binney & Tremaine (2008) eq. 8.7, in which v_M / (sqrt 2 sigma) is X.
        let x = speed / (2f64.sqrt() * dispersion);
        let slower = if x.is_finite() { erf(x) - 2.0 * x / PI.sqrt() * exp(-x * x) } else { 1.0 };
        let factor = if speed > 0.0 { self.gm * density * coulomb * slower / speed.powi(3) } else { 0.0 };
        let [a, b, c] = std::array::from_fn(|k| field[k] - factor * velocity[k]);
        [velocity[0], velocity[1], velocity[2], a, b, c]
    }
}

fn position(state: &[f64; 6]) -> [f64; 3] {
    [state[0], state[1], state[2]]
}

/// One step of the classical fourth-order Runge-Kutta method.
fn runge_kutta(
    slope: impl Fn(f64, &[f64; 6]) -> [f64; 6],
    time: f64,
    state: &[f64; 6],
    step: f64,
) -> [f64; 6] {
    let along = |by: &[f64; 6], step: f64| -> [f64; 6] { std::array::from_fn(|k| state[k] + step * by[k]) };
    let a = slope(time, state);
    let b = slope(time + 0.5 * step, &along(&a, 0.5 * step));
    let c = slope(time + 0.5 * step, &along(&b, 0.5 * step));
    let d = slope(time + step, &along(&c, step));
    std::array::from_fn(|k| state[k] + step / 6.0 * (a[k] + 2.0 * b[k] + 2.0 * c[k] + d[k]))
}

impl Sinking {
    /// First and last time [T] between which the mass moves.
    pub fn span(&self) -> [f64; 2] {
        [self.times[0], self.times[self.times.len() - 1]]
    }

    /// Whether the mass has arrived at the centre of its host at the last time, and rests from then on.
    pub fn has_arrived(&self) -> bool {
        self.arrived
    }

    pub(super) fn place(&self, time: f64) -> [f64; 3] {
        let [first, last] = self.span();
        if time <= first || self.times.len() == 1 {
            return position(&self.states[0]);
        }
        if time >= last {
            return position(&self.states[self.states.len() - 1]);
        }
        let i = self.times.partition_point(|&t| t <= time) - 1;
        let step = self.times[i + 1] - self.times[i];
        let t = (time - self.times[i]) / step;
        let (a, b) = (&self.states[i], &self.states[i + 1]);
        let (s, u) = (1.0 - t, t * t * (3.0 - 2.0 * t));
        std::array::from_fn(|k| {
            let bent = step * t * s * (s * a[3 + k] - t * b[3 + k]);
            a[k] + u * (b[k] - a[k]) + bent
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Component, Logarithmic, Shape};
    use super::*;

    fn isothermal(speed: f64) -> External {
        let shape = Shape::Logarithmic(Logarithmic { speed, core: 0.0, ratios: [1.0; 2] });
        External { components: vec![Component::fixed(shape)] }
    }

    fn radius(orbit: &Sinking, time: f64) -> f64 {
        norm(orbit.place(time))
    }

    /// On a circular orbit in a singular isothermal sphere, r dr/dt = -0.428 (G M / v_c) ln Lambda
    /// (Binney & Tremaine 2008, eqs 8.11 and 8.12, with their sigma = v_c / sqrt 2).
    #[test]
    fn a_circular_orbit_in_an_isothermal_sphere_decays_as_in_the_book() {
        let (speed, gm, coulomb, first) = (220.0, 100.0, 6.0, 8.0);
        let rate = 0.427_593 * gm / speed * coulomb;
        let friction = Friction { coulomb: Some(coulomb), dispersion: None };
        let sinker = Sinker { gm, softening: 0.0, friction };
        let start = [first, 0.0, 0.0, -rate / first, speed, 0.0];
        let until = first * first / (2.0 * rate);
        let orbit = sinker.orbit(&isothermal(speed), start, 0.0, 1.1 * until).unwrap();
        for part in [0.2, 0.5, 0.8, 0.95] {
            let expected = first * (1.0f64 - part).sqrt();
            let found = radius(&orbit, part * until);
            assert!((found / expected - 1.0).abs() < 2e-3, "at {part} of the time: {found}, {expected}");
        }
        // It has arrived before the end, and rests.
        assert!(radius(&orbit, 1.1 * until) < 0.011 * first && orbit.span()[1] < 1.01 * until);
        assert!(orbit.has_arrived());
        // Twice the mass sinks in half the time.
        let heavy = Sinker { gm: 2.0 * gm, ..sinker };
        let twice = heavy.orbit(&isothermal(speed), start, 0.0, until).unwrap();
        let ratio = radius(&twice, 0.25 * until) / radius(&orbit, 0.5 * until);
        assert!((ratio - 1.0).abs() < 5e-3, "{ratio}");
    }

    #[test]
    fn without_friction_energy_and_angular_momentum_stay() {
        let host = isothermal(1.0);
        let friction = Friction { coulomb: Some(0.0), dispersion: Some(0.7) };
        let sinker = Sinker { gm: 0.1, softening: 0.0, friction };
        let orbit = sinker.orbit(&host, [1.0, 0.2, 0.1, -0.3, 0.6, 0.4], 2.0, 30.0).unwrap();
        let moment = host.at(0.0);
        let energy = |s: &[f64; 6]| {
            moment.field(position(s)).potential + 0.5 * (s[3] * s[3] + s[4] * s[4] + s[5] * s[5])
        };
        let spin = |s: &[f64; 6]| s[0] * s[4] - s[1] * s[3];
        let (first, last) = (&orbit.states[0], &orbit.states[orbit.states.len() - 1]);
        assert!((energy(last) - energy(first)).abs() < 1e-6 && (spin(last) - spin(first)).abs() < 1e-6);
        let [start, end] = orbit.span();
        assert!(start == 2.0 && (30.0..30.1).contains(&end));
        // Between two nodes the place is that of half a step.
        let half = 0.5 * (orbit.times[401] - orbit.times[400]);
        let slope = |time: f64, state: &[f64; 6]| sinker.slope(&host, [0.0; 3], time, state);
        let there = position(&runge_kutta(slope, orbit.times[400], &orbit.states[400], half));
        let found = orbit.place(orbit.times[400] + half);
        let gap = norm(std::array::from_fn(|k| there[k] - found[k]));
        assert!(gap < 1e-8, "{gap:e}");
        let longer = sinker.orbit(&host, [1.0, 0.2, 0.1, -0.3, 0.6, 0.4], 2.0, 40.0).unwrap();
        assert_eq!(longer.states[..orbit.states.len()], orbit.states);
    }

    /// The friction is strongest for a given density at low speeds, where it is proportional to the
    /// velocity, and falls as its inverse square at high speeds.
    #[test]
    fn friction_has_its_limits_at_low_and_high_speeds() {
        let host = isothermal(1.0);
        let sinker = Sinker {
            gm: 1e-3,
            softening: 0.0,
            friction: Friction { coulomb: Some(1.0), dispersion: Some(1.0) },
        };
        let drag = |speed: f64| -sinker.slope(&host, [0.0; 3], 0.0, &[1.0, 0.0, 0.0, 0.0, speed, 0.0])[4];
        let slope = |speed: f64| (drag(2.0 * speed) / drag(speed)).log2();
        assert!((slope(1e-3) - 1.0).abs() < 1e-4 && (slope(20.0) + 2.0).abs() < 1e-4);
        // 4 pi G rho = v^2 / r^2 = 1 at radius 1, so the fast limit is G M ln Lambda / v^2.
        assert!((drag(50.0) * 2500.0 / 1e-3 - 1.0).abs() < 1e-6);
    }
}
