//! A star with planets on given orbits and a belt of small bodies on random orbits.

use crate::model::component::{Component, Shape};
use crate::model::keys::range::{none_or, positive, rising, within};
use crate::model::{Keys, Recipe, State};
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};
use treecode::math;

/// Greatest number of planets. The program stores sums of each for every few thousand bodies.
const MOST_PLANETS: usize = 10_000;

/// A planetary system. Its centre of mass is at rest at the origin, and the reference plane of the
/// orbits is the x-y plane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanetarySystem {
    /// Seed of the random numbers of the belt.
    pub seed: u64,
    /// Mass of the star [M].
    pub mass: f64,
    /// The planets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub planets: Vec<Planet>,
    /// Small bodies.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub belt: Option<Belt>,
}

/// A planet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Planet {
    /// Mass [M].
    pub mass: f64,
    /// Orbit about the star.
    #[serde(flatten)]
    pub orbit: Elements,
}

/// A Kepler ellipse about a star, and the place on it. Angles are in degrees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Elements {
    /// Semi-major axis [L].
    pub semi_major_axis: f64,
    /// Eccentricity, below 1.
    pub eccentricity: f64,
    /// Inclination to the x-y plane.
    pub inclination: f64,
    /// Longitude of the ascending node, from the x axis.
    pub node: f64,
    /// Argument of the pericentre, from the node.
    pub pericentre: f64,
    /// Mean anomaly.
    pub anomaly: f64,
}

/// Small bodies of equal mass on random orbits about a star.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Belt {
    /// Number of bodies.
    pub bodies: u64,
    /// Mass of all bodies [M]. If it is 0, they are tracers.
    pub belt_mass: f64,
    /// Least and greatest semi-major axis [L].
    pub belt: [f64; 2],
    /// The surface density falls as `a^-slope` with the semi-major axis a.
    pub belt_slope: f64,
    /// Root mean square of the eccentricities, which have a Rayleigh distribution.
    pub belt_eccentricity: f64,
    /// Root mean square of the inclinations [degree], which have a Rayleigh distribution.
    pub belt_inclination: f64,
    /// Mass of the star [M].
    #[serde(skip)]
    pub star: f64,
}

impl PlanetarySystem {
    fn count(&self) -> u64 {
        1 + self.planets.len() as u64 + self.belt.map_or(0, |belt| belt.bodies)
    }
}

impl Belt {
    /// Draws a body. `constant` is the gravitational constant.
    pub(in crate::model) fn draw(&self, constant: f64, rng: &mut impl Rng) -> State {
        let mut random = || rng.random::<f64>();
        // The number of bodies within a is proportional to a^power.
        let power = 2.0 - self.belt_slope;
        let ([inner, outer], part) = (self.belt, random());
        let semi_major_axis = if power.abs() < 1e-9 {
            inner * math::exp(part * math::ln(outer / inner))
        } else {
            let [a, b] = [1.0, outer / inner].map(|x| math::powf(x, power));
            inner * math::powf(a + part * (b - a), 1.0 / power)
        };
        let mut rayleigh = |rms: f64, below: f64| {
            loop {
                let value = rms * (-math::ln(1.0 - random())).sqrt();
                if value < below {
                    return value;
                }
            }
        };
        let eccentricity = rayleigh(self.belt_eccentricity, 1.0);
        let inclination = rayleigh(self.belt_inclination, 180.0);
        let [node, pericentre, anomaly] = std::array::from_fn(|_| 360.0 * random());
        let orbit = Elements { semi_major_axis, eccentricity, inclination, node, pericentre, anomaly };
        orbit.state(constant * self.star)
    }
}

impl Elements {
    /// Position and velocity relative to the star. `gm` is G times the mass of both.
    pub fn state(&self, gm: f64) -> State {
        let &Elements { semi_major_axis: a, eccentricity: e, .. } = self;
        let (sin, cos) = math::sin_cos(eccentric_anomaly(self.anomaly.to_radians(), e));
        let shape = ((1.0 - e) * (1.0 + e)).sqrt();
        let speed = (gm / a).sqrt() / (1.0 - e * cos);
        let place = [a * (cos - e), a * shape * sin];
        let motion = [-speed * sin, speed * shape * cos];
        // Unit vectors to the pericentre and, in the plane of the orbit, 90 degrees ahead of it
        // (Murray & Dermott 1999, eq. 2.121).
        let [(si, ci), (sn, cn), (sw, cw)] =
            [self.inclination, self.node, self.pericentre].map(|angle| math::sin_cos(angle.to_radians()));
        let to = [cn * cw - sn * sw * ci, sn * cw + cn * sw * ci, sw * si];
        let ahead = [-cn * sw - sn * cw * ci, -sn * sw + cn * cw * ci, cw * si];
        let vector = |[x, y]: [f64; 2]| std::array::from_fn(|axis| x * to[axis] + y * ahead[axis]);
        State { pos: vector(place), vel: vector(motion) }
    }
}

/// Solves Kepler's equation E - e sin E = M by Newton's method.
fn eccentric_anomaly(mean: f64, e: f64) -> f64 {
    use std::f64::consts::{PI, TAU};
    let mean = mean - TAU * (mean / TAU).round();
    // From this start, the iteration converges for every e below 1 (Danby 1988, section 6.6).
    let mut anomaly = mean + 0.85 * e * if mean < 0.0 { -1.0 } else { 1.0 };
    for _ in 0..50 {
        let (sin, cos) = math::sin_cos(anomaly);
        let step = (anomaly - e * sin - mean) / (1.0 - e * cos);
        anomaly = (anomaly - step).clamp(-PI - 1.0, PI + 1.0);
        if step.abs() < 1e-15 {
            break;
        }
    }
    anomaly
}

impl Recipe for PlanetarySystem {
    fn bodies(&self) -> u64 {
        self.count()
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    /// The star, the planets, and the belt.
    fn components(&self, constant: f64) -> Result<Vec<Component>, String> {
        let mut components = vec![Component::at_rest(1, self.mass, 4, Shape::Point)];
        for Planet { mass, orbit } in &self.planets {
            let place = orbit.state(constant * (self.mass + mass));
            components.push(Component::at_rest(1, *mass, 5, Shape::Point).at(place));
        }
        components.extend(
            self.belt.map(|belt| Component::at_rest(belt.bodies, belt.belt_mass, 2, Shape::Belt(belt))),
        );
        let system = Some((0, State::default()));
        Ok(components.into_iter().map(|component| Component { system, ..component }).collect())
    }
}

impl Keys {
    pub(in crate::model) fn planetary_system(&mut self) -> Result<PlanetarySystem, String> {
        let star = positive("mass", self.mass.take(), 1.0)?;
        let list = self.planets.take().unwrap_or_default();
        if list.len() > MOST_PLANETS {
            return Err(format!("planets: must be at most {MOST_PLANETS}; a belt may have more bodies"));
        }
        let planet = |(k, keys): (usize, PlanetKeys)| keys.planet().map_err(|e| format!("planets.{k}: {e}"));
        let planets = list.into_iter().enumerate().map(planet).collect::<Result<Vec<_>, _>>()?;
        let bodies = self.bodies.take().unwrap_or(0);
        let belt = match self.belt.take() {
            _ if bodies == 0 => None,
            None => return Err("`belt` is missing: inner and outer semi-major axis of the bodies".into()),
            Some(belt) => {
                rising("belt", belt)?;
                let belt_eccentricity = within(
                    "belt_eccentricity",
                    self.belt_eccentricity.take(),
                    0.01,
                    0.0..0.5 + f64::EPSILON,
                    "from 0 to 0.5",
                )?;
                let belt_inclination = within(
                    "belt_inclination",
                    self.belt_inclination.take(),
                    (0.5 * belt_eccentricity).to_degrees(),
                    0.0..60.0 + 1e-12,
                    "from 0 to 60",
                )?;
                Some(Belt {
                    bodies,
                    belt_mass: none_or("belt_mass", self.belt_mass.take())?,
                    belt,
                    belt_slope: within(
                        "belt_slope",
                        self.belt_slope.take(),
                        1.5,
                        -10.0..10.0,
                        "from -10 to below 10",
                    )?,
                    belt_eccentricity,
                    belt_inclination,
                    star,
                })
            }
        };
        if planets.is_empty() && belt.is_none() {
            return Err("give `planets`, [[initial.planets]] each, or `bodies` and a `belt`".to_owned());
        }
        let seed = self.seed.take().unwrap_or(0);
        Ok(PlanetarySystem { seed, mass: star, planets, belt })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Vector3;

    #[test]
    fn keplers_equation_is_solved() {
        for e in [0.0, 0.1, 0.9, 0.999, 0.999_999] {
            for k in -40..=40 {
                let mean = 0.0785 * f64::from(k);
                let anomaly = eccentric_anomaly(mean, e);
                assert!((anomaly - e * anomaly.sin() - mean).abs() < 1e-14, "e = {e}, M = {mean}");
            }
        }
    }

    /// The elements follow from energy, angular momentum and Laplace vector of the state.
    #[test]
    fn a_state_has_its_elements() {
        let gm = 39.5;
        for elements in [
            Elements {
                semi_major_axis: 5.2,
                eccentricity: 0.3,
                inclination: 20.0,
                node: 100.0,
                pericentre: 40.0,
                anomaly: 70.0,
            },
            Elements {
                semi_major_axis: 1.0,
                eccentricity: 0.95,
                inclination: 130.0,
                node: 10.0,
                pericentre: 300.0,
                anomaly: 200.0,
            },
        ] {
            let State { pos, vel } = elements.state(gm);
            let (x, v) = (Vector3::from(pos), Vector3::from(vel));
            let energy = 0.5 * v.norm_squared() - gm / x.norm();
            assert!((-0.5 * gm / energy / elements.semi_major_axis - 1.0).abs() < 1e-12);
            let spin = x.cross(&v);
            assert!((spin.z / spin.norm() - elements.inclination.to_radians().cos()).abs() < 1e-12);
            let laplace = v.cross(&spin) / gm - x.normalize();
            assert!((laplace.norm() - elements.eccentricity).abs() < 1e-12);
            let node = Vector3::z().cross(&spin);
            assert!((node.y.atan2(node.x).to_degrees().rem_euclid(360.0) - elements.node).abs() < 1e-9);
            let argument = node.cross(&laplace).dot(&spin).signum() * node.angle(&laplace).to_degrees();
            assert!((argument.rem_euclid(360.0) - elements.pericentre).abs() < 1e-6, "{argument}");
        }
    }
}

/// The keys of a planet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanetKeys {
    /// Mass [M].
    #[serde(default)]
    pub mass: f64,
    /// Semi-major axis [L].
    pub semi_major_axis: f64,
    /// Eccentricity.
    #[serde(default)]
    pub eccentricity: f64,
    /// Inclination to the x-y plane [degree].
    #[serde(default)]
    pub inclination: f64,
    /// Longitude of the ascending node [degree].
    #[serde(default)]
    pub node: f64,
    /// Argument of the pericentre [degree].
    #[serde(default)]
    pub pericentre: f64,
    /// Mean anomaly [degree].
    #[serde(default)]
    pub anomaly: f64,
}

impl PlanetKeys {
    fn planet(self) -> Result<Planet, String> {
        let PlanetKeys { mass, semi_major_axis, eccentricity, inclination, node, pericentre, anomaly } = self;
        none_or("mass", Some(mass))?;
        positive("semi_major_axis", Some(semi_major_axis), 1.0)?;
        within("eccentricity", Some(eccentricity), 0.0, 0.0..1.0, "from 0 to below 1")?;
        for (name, angle) in
            [("inclination", inclination), ("node", node), ("pericentre", pericentre), ("anomaly", anomaly)]
        {
            if !(-1e6..=1e6).contains(&angle) {
                return Err(format!("{name} = {angle:?}: must be an angle in degrees"));
            }
        }
        let orbit = Elements { semi_major_axis, eccentricity, inclination, node, pericentre, anomaly };
        Ok(Planet { mass, orbit })
    }
}
