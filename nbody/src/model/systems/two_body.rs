//! Two bodies on a Kepler ellipse.

use crate::model::component::{Component, Shape};
use crate::model::galaxies::{about_the_centre, at_apocentre};
use crate::model::keys::range::{positive, within};
use crate::model::{Keys, Recipe};
use serde::Serialize;

/// Two bodies on a Kepler ellipse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TwoBody {
    /// Sum of the masses [M].
    pub mass: f64,
    /// Mass of the second body divided by that of the first.
    pub mass_ratio: f64,
    /// Semi-major axis of the relative orbit [L].
    pub semi_major_axis: f64,
    /// Eccentricity, below 1.
    pub eccentricity: f64,
}

impl Recipe for TwoBody {
    fn bodies(&self) -> u64 {
        2
    }

    fn seed(&self) -> u64 {
        0 // nothing is random
    }

    fn components(&self, constant: f64) -> Result<Vec<Component>, String> {
        let second = self.mass_ratio / (1.0 + self.mass_ratio);
        let relative = at_apocentre(constant * self.mass, self.semi_major_axis, self.eccentricity);
        let places = about_the_centre(relative, second);
        let body = |(i, part)| Component::at_rest(1, part * self.mass, 1, Shape::Point).at(places[i]);
        Ok([(0, 1.0 - second), (1, second)].map(body).into())
    }
}

impl Keys {
    pub(in crate::model) fn two_body(&mut self) -> Result<TwoBody, String> {
        if let Some(bodies) = self.bodies.take().filter(|&bodies| bodies != 2) {
            return Err(format!("bodies = {bodies}: must be 2 for two-body"));
        }
        self.seed = None; // a two-body model has no random numbers
        Ok(TwoBody {
            mass: positive("mass", self.mass.take(), 1.0)?,
            mass_ratio: positive("mass_ratio", self.mass_ratio.take(), 1.0)?,
            semi_major_axis: positive("semi_major_axis", self.semi_major_axis.take(), 1.0)?,
            eccentricity: within(
                "eccentricity",
                self.eccentricity.take(),
                0.0,
                0.0..1.0,
                "from 0 to below 1",
            )?,
        })
    }
}
