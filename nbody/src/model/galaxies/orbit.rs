//! Initial states of two bodies, or of two galaxy centres, on a Kepler orbit. The orbit is in the
//! x-y plane and anticlockwise.

use super::Orbit;
use crate::model::keys::range::{positive, within};
use crate::model::{Keys, State};
use treecode::math;

/// The second body relative to the first, at apocentre on the x axis. The orbit has this semi-major
/// axis [L] and eccentricity, 0 to below 1. `gm` is G times the total mass.
pub(in crate::model) fn at_apocentre(gm: f64, semi_major_axis: f64, eccentricity: f64) -> State {
    let speed = (gm / semi_major_axis * (1.0 - eccentricity) / (1.0 + eccentricity)).sqrt();
    State { pos: [semi_major_axis * (1.0 + eccentricity), 0.0, 0.0], vel: [0.0, speed, 0.0] }
}

/// The second body relative to the first, approaching on a conic, on the x axis. The distance must
/// be between the pericentre and the apocentre. `gm` is G times the total mass.
pub(in crate::model) fn incoming(gm: f64, orbit: &Orbit) -> State {
    let &Orbit { pericentre, eccentricity, distance } = orbit;
    let speed2 = gm * (2.0 / distance - (1.0 - eccentricity) / pericentre);
    let across2 = gm * pericentre * (1.0 + eccentricity) / (distance * distance);
    State { pos: [distance, 0.0, 0.0], vel: [-(speed2 - across2).max(0.0).sqrt(), across2.sqrt(), 0.0] }
}

/// Angle from the x axis, on which the body starts, to the pericentre [radian].
pub(in crate::model) fn angle_to_pericentre(orbit: &Orbit) -> f64 {
    let &Orbit { pericentre, eccentricity, distance } = orbit;
    if eccentricity == 0.0 {
        return 0.0;
    }
    math::acos(((pericentre * (1.0 + eccentricity) / distance - 1.0) / eccentricity).clamp(-1.0, 1.0))
}

/// States of the two bodies about their centre of mass. `second` is the mass of the second body as
/// a fraction of the total.
pub(in crate::model) fn about_the_centre(relative: State, second: f64) -> [State; 2] {
    let scaled =
        |factor: f64| State { pos: relative.pos.map(|x| factor * x), vel: relative.vel.map(|v| factor * v) };
    [scaled(-second), scaled(1.0 - second)]
}

impl Keys {
    pub(in crate::model) fn orbit(&mut self, pericentre: f64, distance: f64) -> Result<Orbit, String> {
        let pericentre = positive("pericentre", self.pericentre.take(), pericentre)?;
        let distance = positive("distance", self.distance.take(), distance)?;
        let eccentricity =
            within("eccentricity", self.eccentricity.take(), 1.0, 0.0..1e60, "0 or above, below 1e60")?;
        if distance < pericentre {
            return Err(format!("distance = {distance:?}: must not be below the pericentre {pericentre:?}"));
        }
        let apocentre = pericentre * (1.0 + eccentricity) / (1.0 - eccentricity);
        if eccentricity < 1.0 && distance > apocentre * (1.0 + 1e-12) {
            return Err(format!("distance = {distance:?}: must not be above the apocentre {apocentre:?}"));
        }
        Ok(Orbit { pericentre, eccentricity, distance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARABOLA: Orbit = Orbit { pericentre: 3.0, eccentricity: 1.0, distance: 60.0 };

    /// Energy per reduced mass, and the pericentre from energy and angular momentum.
    fn elements(gm: f64, state: State) -> (f64, f64) {
        let r = state.pos[0].hypot(state.pos[1]);
        let energy = 0.5 * (state.vel[0].powi(2) + state.vel[1].powi(2)) - gm / r;
        let h = state.pos[0] * state.vel[1] - state.pos[1] * state.vel[0];
        let eccentricity = (1.0 + 2.0 * energy * h * h / (gm * gm)).max(0.0).sqrt();
        (energy, h * h / gm / (1.0 + eccentricity))
    }

    #[test]
    fn a_parabola_has_no_energy_and_its_pericentre() {
        let state = incoming(43009.0, &PARABOLA);
        let (energy, pericentre) = elements(43009.0, state);
        assert!(energy.abs() < 1e-12 * 43009.0 / 60.0, "energy {energy}");
        assert!((pericentre - 3.0).abs() < 1e-6, "pericentre {pericentre}");
        assert!(state.vel[0] < 0.0 && state.vel[1] > 0.0);
    }

    #[test]
    fn a_conic_comes_to_its_pericentre_in_the_direction_told() {
        for eccentricity in [0.5, 1.0, 1.7] {
            let orbit = Orbit { pericentre: 1.0, eccentricity, distance: 2.9 };
            let (gm, mut state) = (2.0, incoming(2.0, &orbit));
            assert!((elements(gm, state).1 - 1.0).abs() < 1e-12);
            let radial = |s: &State| s.pos[0] * s.vel[0] + s.pos[1] * s.vel[1];
            while radial(&state) < 0.0 {
                let h = 1e-4;
                (0..2).for_each(|a| state.pos[a] += 0.5 * h * state.vel[a]);
                let r3 = state.pos[0].hypot(state.pos[1]).powi(3);
                (0..2).for_each(|a| state.vel[a] -= h * gm * state.pos[a] / r3);
                (0..2).for_each(|a| state.pos[a] += 0.5 * h * state.vel[a]);
            }
            let found = state.pos[1].atan2(state.pos[0]).rem_euclid(std::f64::consts::TAU);
            assert!((found - angle_to_pericentre(&orbit)).abs() < 1e-3, "e = {eccentricity}: {found}");
        }
    }

    #[test]
    fn an_ellipse_has_its_axis_and_pericentre() {
        let (energy, pericentre) = elements(2.0, at_apocentre(2.0, 1.5, 0.6));
        assert!((energy + 2.0 / (2.0 * 1.5)).abs() < 1e-14);
        assert!((pericentre - 1.5 * 0.4).abs() < 1e-13);
    }

    #[test]
    fn the_centre_of_mass_rests_at_the_origin() {
        let [a, b] = about_the_centre(
            incoming(1.0, &Orbit { pericentre: 1.0, eccentricity: 1.0, distance: 4.0 }),
            0.25,
        );
        for axis in 0..3 {
            assert!((0.75 * a.pos[axis] + 0.25 * b.pos[axis]).abs() < 1e-15);
            assert!((0.75 * a.vel[axis] + 0.25 * b.vel[axis]).abs() < 1e-15);
        }
        assert!((b.pos[0] - a.pos[0] - 4.0).abs() < 1e-14);
    }
}
