//! The datasets of a particle type: their content, and their names in each flavour.

use super::{Fields, Flavour};
use crate::Units;

/// One dataset of a particle type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Coordinates,
    Velocities,
    Ids,
    Masses,
    Acceleration,
    Potential,
    TimeStep,
}

impl Column {
    /// All known datasets.
    pub(super) fn every() -> impl Iterator<Item = Column> {
        Column::all(Fields { acceleration: true, potential: true, time_step: Some(1.0) })
    }

    /// The datasets of a snapshot, in the order in which they are written.
    pub(super) fn all(fields: Fields) -> impl Iterator<Item = Column> {
        let always = [Column::Coordinates, Column::Velocities, Column::Ids, Column::Masses];
        let optional = [
            fields.acceleration.then_some(Column::Acceleration),
            fields.potential.then_some(Column::Potential),
            fields.time_step.map(|_| Column::TimeStep),
        ];
        always.into_iter().chain(optional.into_iter().flatten())
    }

    /// Name in a flavour. SWIFT uses plurals.
    pub(super) fn name(self, flavour: Flavour) -> &'static str {
        let swift = flavour == Flavour::Swift;
        match self {
            Column::Coordinates => "Coordinates",
            Column::Velocities => "Velocities",
            Column::Ids => "ParticleIDs",
            Column::Masses => "Masses",
            Column::Acceleration if swift => "Accelerations",
            Column::Acceleration => "Acceleration",
            Column::Potential if swift => "Potentials",
            Column::Potential => "Potential",
            Column::TimeStep if swift => "TimeSteps",
            Column::TimeStep => "TimeStep",
        }
    }

    /// Description of the content.
    pub(super) fn description(self) -> &'static str {
        match self {
            Column::Coordinates => "Positions of the bodies",
            Column::Velocities => "Velocities of the bodies",
            Column::Ids => "Unique names of the bodies",
            Column::Masses => "Masses of the bodies",
            Column::Acceleration => "Accelerations of the bodies by gravity",
            Column::Potential => "Specific potentials of the bodies",
            Column::TimeStep => "Time steps of the bodies",
        }
    }

    /// Numbers per row.
    pub(super) fn width(self) -> usize {
        match self {
            Column::Coordinates | Column::Velocities | Column::Acceleration => 3,
            Column::Ids | Column::Masses | Column::Potential | Column::TimeStep => 1,
        }
    }

    /// Dimension as powers of length, mass and velocity.
    pub(super) fn dimension(self) -> [i32; 3] {
        match self {
            Column::Coordinates => [1, 0, 0],
            Column::Velocities => [0, 0, 1],
            Column::Ids => [0, 0, 0],
            Column::Masses => [0, 1, 0],
            Column::Acceleration => [-1, 0, 2],
            Column::Potential => [0, 0, 2],
            Column::TimeStep => [1, 0, -1],
        }
    }

    /// Factor from the units to cgs.
    pub(super) fn to_cgs(self, units: Units) -> f64 {
        let [length, mass, velocity] = self.dimension();
        units.length_in_cm.powi(length)
            * units.mass_in_g.powi(mass)
            * units.velocity_in_cm_per_s.powi(velocity)
    }
}
