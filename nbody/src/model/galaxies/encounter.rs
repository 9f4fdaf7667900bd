//! Encounters of galaxies. Each galaxy has its own model and orientation. Two galaxies start on a
//! Kepler orbit, or each galaxy has its own position and velocity.

use super::orbit;
use crate::model::component::Component;
use crate::model::keys::range::angles;
use crate::model::{Keys, MODELS, Model, ModelName, Recipe, State};
use nalgebra::{Matrix3, Rotation3, Vector3};
use serde::Serialize;
use treecode::math;

/// Greatest number of characters of the name of a galaxy.
const LONGEST_NAME: usize = 60;

/// Two galaxies on an orbit, or any number of galaxies at given positions. The orbit is in the x-y
/// plane with its angular momentum along z.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Encounter {
    /// Seed of the random numbers.
    pub seed: u64,
    /// Orbit of two galaxies. Without it, each galaxy has its own position and velocity.
    #[serde(flatten)]
    pub orbit: Option<Orbit>,
    /// The galaxies.
    pub galaxies: Vec<Galaxy>,
}

/// The Kepler orbit of two point masses with the masses of the galaxies. At the start they approach
/// each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Orbit {
    /// Closest approach [L].
    pub pericentre: f64,
    /// Eccentricity. 1 is a parabola.
    pub eccentricity: f64,
    /// Distance at the start [L].
    pub distance: f64,
}

/// A galaxy of an encounter.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Galaxy {
    /// Name in legends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Model of the galaxy. Its spin is along the z axis.
    #[serde(flatten)]
    pub model: Model,
    /// Orientation and place of the galaxy.
    #[serde(flatten)]
    pub placement: Placement,
}

/// Orientation and place of a galaxy of an encounter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Placement {
    /// Inclination of the disc to the orbit, and argument of the pericentre [degree] (Toomre &
    /// Toomre 1972, ApJ 178, 623, figure 6). The inclination is 0 for a prograde encounter and 180
    /// for a retrograde one. The argument is the angle along the orbit from the ascending node to
    /// the pericentre. At the ascending node, the other galaxy passes upward through the disc.
    pub orientation: [f64; 2],
    /// Position of the centre if there is no orbit [L].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<[f64; 3]>,
    /// Velocity of the centre if there is no orbit [L/T].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub velocity: Option<[f64; 3]>,
}

/// The rotation of a galaxy about its centre, and the state of its centre after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Move {
    turn: Rotation3<f64>,
    place: State,
}

impl Move {
    /// The moves of all galaxies of an encounter. `masses` are the masses of the galaxies [M], of which
    /// the orbit needs two; their sum must be above 0 then. `constant` is the gravitational constant.
    pub fn of_all(
        orbit: Option<&Orbit>,
        placements: &[Placement],
        constant: f64,
        masses: &[f64],
    ) -> Vec<Move> {
        let places: Vec<State> = match orbit {
            Some(orbit) => {
                let total = masses[0] + masses[1];
                let relative = orbit::incoming(constant * total, orbit);
                orbit::about_the_centre(relative, masses[1] / total).into()
            }
            None => {
                let place = |of: &Placement| State {
                    pos: of.position.unwrap_or_default(),
                    vel: of.velocity.unwrap_or_default(),
                };
                placements.iter().map(place).collect()
            }
        };
        // Direction of the other galaxy at pericentre: the angle from the x axis. 0 without an orbit.
        let second = orbit.map_or(0.0, orbit::angle_to_pericentre);
        let towards = |k: usize| {
            if k == 1 && orbit.is_some() { second + std::f64::consts::PI } else { second }
        };
        let all = placements.iter().zip(places).enumerate();
        all.map(|(k, (of, place))| Move { turn: turn(of.orientation, towards(k)), place }).collect()
    }

    /// A body of the galaxy after the move, given its state about the centre of the galaxy before.
    pub fn apply(&self, state: &State) -> State {
        let turned = |vector: [f64; 3]| -> [f64; 3] { (self.turn * Vector3::from(vector)).into() };
        let sum = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|axis| a[axis] + b[axis]);
        State { pos: sum(turned(state.pos), self.place.pos), vel: sum(turned(state.vel), self.place.vel) }
    }
}

/// Rotation that inclines the z axis. The axis of the rotation is the line of nodes, at the angle
/// `argument` before the pericentre, so that the other galaxy passes upward there.
fn turn([inclination, argument]: [f64; 2], pericentre: f64) -> Rotation3<f64> {
    let (y, x) = math::sin_cos(pericentre - argument.to_radians());
    let (sin, cos) = math::sin_cos(-inclination.to_radians());
    let rest = 1.0 - cos;
    // Rotation about the unit vector (x, y, 0) by the formula of Rodrigues. The function of
    // nalgebra is not used, because it calls the platform's sine.
    Rotation3::from_matrix_unchecked(Matrix3::new(
        cos + x * x * rest,
        x * y * rest,
        y * sin,
        x * y * rest,
        cos + y * y * rest,
        -x * sin,
        -y * sin,
        x * sin,
        cos,
    ))
}

impl Component {
    /// Rotates the component about the origin and then moves it. `system` is the number of its galaxy.
    fn moved(self, to: &Move, system: usize) -> Component {
        let turn = Some(self.turn.map_or(to.turn, |first| to.turn * first));
        let centre = self.system.map(|(_, centre)| (system, to.apply(&centre)));
        Component { place: to.apply(&self.place), turn, system: centre, ..self }
    }
}

impl Recipe for Encounter {
    fn bodies(&self) -> u64 {
        self.galaxies().into_iter().sum()
    }

    fn seed(&self) -> u64 {
        self.seed
    }

    /// Galaxy by galaxy.
    fn components(&self, constant: f64) -> Result<Vec<Component>, String> {
        let parts: Vec<Vec<Component>> =
            self.galaxies.iter().map(|galaxy| galaxy.model.components(constant)).collect::<Result<_, _>>()?;
        let masses: Vec<f64> =
            parts.iter().map(|part| part.iter().map(|component| component.mass).sum()).collect();
        let placements: Vec<Placement> = self.galaxies.iter().map(|galaxy| galaxy.placement).collect();
        let moves = Move::of_all(self.orbit.as_ref(), &placements, constant, &masses);
        let mut components = Vec::new();
        for (system, (part, to)) in parts.into_iter().zip(&moves).enumerate() {
            components.extend(part.into_iter().map(|component| component.moved(to, system)));
        }
        Ok(components)
    }

    fn galaxies(&self) -> Vec<u64> {
        self.galaxies.iter().map(|galaxy| galaxy.model.bodies()).collect()
    }

    fn galaxy_names(&self) -> Vec<Option<String>> {
        self.galaxies.iter().map(|galaxy| galaxy.name.clone()).collect()
    }
}

impl Keys {
    pub(in crate::model) fn encounter(&mut self) -> Result<Encounter, String> {
        let (seed, orbit, parts) = self.parts()?;
        let galaxy = |(k, (placement, mut keys)): (usize, (Placement, Keys))| {
            let label = keys.galaxy_name();
            let name = keys.model.take().ok_or_else(|| format!("give `model = \"...\"`, one of {MODELS}"));
            let model = name.and_then(|name| keys.into_model(name));
            let galaxy = label.and_then(|name| Ok(Galaxy { name, model: model?, placement }));
            galaxy.map_err(|e| format!("galaxies.{k}: {e}"))
        };
        let galaxies = parts.into_iter().enumerate().map(galaxy).collect::<Result<_, _>>()?;
        Ok(Encounter { seed, orbit, galaxies })
    }

    /// Seed and orbit of an encounter, and for each galaxy its placement and the other keys.
    ///
    /// # Errors
    /// A value is out of range, or a key is missing.
    #[allow(clippy::type_complexity)]
    pub fn parts(&mut self) -> Result<(u64, Option<Orbit>, Vec<(Placement, Keys)>), String> {
        let Some(list) = self.galaxies.take().filter(|list| !list.is_empty()) else {
            return Err("`galaxies` is missing: a list of models, [[initial.galaxies]] each".to_owned());
        };
        let seed = self.seed.take().unwrap_or(0);
        let on_orbit = list.iter().all(|galaxy| galaxy.position.is_none() && galaxy.velocity.is_none());
        let orbit = if on_orbit {
            if list.len() != 2 {
                return Err(format!(
                    "an orbit is for two galaxies: give each of the {} a `position`",
                    list.len()
                ));
            }
            if self.pericentre.is_none() || self.distance.is_none() {
                return Err("give `pericentre` and `distance`, or each galaxy a `position`".to_owned());
            }
            Some(self.orbit(1.0, 1.0)?)
        } else {
            None
        };
        let galaxy =
            |(k, keys): (usize, Keys)| keys.into_part(seed).map_err(|e| format!("galaxies.{k}: {e}"));
        let galaxies = list.into_iter().enumerate().map(galaxy).collect::<Result<_, _>>()?;
        Ok((seed, orbit, galaxies))
    }

    /// Takes the name of a galaxy of an encounter. Without one, it is that of the preset or of the file.
    ///
    /// # Errors
    /// If the name is empty or too long.
    pub fn galaxy_name(&mut self) -> Result<Option<String>, String> {
        let of_preset = || {
            let name = serde_json::to_value(self.preset?).ok()?;
            name.as_str().map(str::to_owned)
        };
        let stem = || Some(self.file.as_ref()?.file_stem()?.to_string_lossy().into_owned());
        let default = stem().or_else(of_preset);
        let Some(name) = self.name.take() else { return Ok(default) };
        if name.trim().is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control)
        {
            return Err(format!("name = {name:?}: must have from 1 to {LONGEST_NAME} printable characters"));
        }
        Ok(Some(name))
    }

    /// A galaxy of an encounter. `seed` is the seed of the encounter.
    fn into_part(mut self, seed: u64) -> Result<(Placement, Keys), String> {
        let orientation = angles("orientation", self.orientation.take())?;
        let (position, velocity) = (self.position.take(), self.velocity.take());
        if let Some(bad) = [position, velocity].into_iter().flatten().flatten().find(|x| !x.is_finite()) {
            return Err(format!("position or velocity: {bad:?} must be finite"));
        }
        if self.seed.is_some_and(|own| own != seed) {
            return Err("`seed` belongs beside the galaxies, one for all".to_owned());
        }
        let draws = self.file.is_none() && self.model != Some(ModelName::TwoBody);
        self.seed = draws.then_some(seed);
        Ok((Placement { orientation, position, velocity }, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// At the ascending node, the other galaxy must be in the disc plane and move upward.
    #[test]
    fn the_spin_follows_from_inclination_and_argument() {
        let spin = |orientation, pericentre| -> Vector3<f64> { turn(orientation, pericentre) * Vector3::z() };
        for (inclination, argument, pericentre) in
            [(60.0, -30.0, 0.3f64), (15.0, -90.0, 2.0), (120.0, 45.0, -1.0)]
        {
            let spin = spin([inclination, argument], pericentre);
            assert!((spin.z - f64::to_radians(inclination).cos()).abs() < 1e-14);
            let node = pericentre - f64::to_radians(argument);
            let (place, motion) =
                (Vector3::new(node.cos(), node.sin(), 0.0), Vector3::new(-node.sin(), node.cos(), 0.0));
            assert!(spin.dot(&place).abs() < 1e-14, "the node lies in the disc");
            assert!(
                (spin.dot(&motion) - f64::to_radians(inclination).sin()).abs() < 1e-14,
                "the other goes up"
            );
        }
        assert!((spin([180.0, 20.0], 0.4) + Vector3::z()).norm() < 1e-14);
    }
}
