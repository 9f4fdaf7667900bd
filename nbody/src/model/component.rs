//! The components of a model. The bodies of a component are drawn from one distribution.

use super::galaxies::Disc;
use super::systems::{Belt, Stars};
use super::{Sphere, State, UniformShape};
use nalgebra::Rotation3;
use std::sync::Arc;

/// Bodies of one particle type. They have equal masses, unless they are stars of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Component {
    pub(super) count: u64,
    pub(super) mass: f64,
    pub(super) kind: u8,
    pub(super) shape: Shape,
    pub(super) place: State,
    /// Rotation of the bodies about the centre of the component.
    pub(super) turn: Option<Rotation3<f64>>,
    /// For a component of a planetary system: the number of the system, and the state of its centre
    /// of mass. Bodies keep their places about the star, so their mean is not subtracted.
    pub(super) system: Option<(usize, State)>,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Point,
    Sphere(Sphere),
    Disc(Arc<Disc>),
    Stars(Arc<Stars>),
    Belt(Belt),
    /// A box of this side or a ball of this diameter [L].
    Uniform {
        shape: UniformShape,
        side: f64,
        virial_ratio: f64,
    },
}

impl Component {
    /// A component at rest at the origin.
    pub(super) fn at_rest(count: u64, mass: f64, kind: u8, shape: Shape) -> Component {
        Component { count, mass, kind, shape, place: State::default(), turn: None, system: None }
    }

    pub(super) fn at(self, place: State) -> Component {
        Component { place, ..self }
    }
}
