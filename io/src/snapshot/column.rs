//! The datasets of a particle type: their content, and their names in each flavour.

use super::{Fields, Flavour};
use crate::Units;
use treecode::{About, Dimension, Number, TYPES};

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

    pub(super) fn dimension(self) -> Dimension {
        match self {
            Column::Coordinates => Dimension::new(1, 0, 0),
            Column::Velocities => Dimension::new(1, 0, -1),
            Column::Ids => Dimension::NONE,
            Column::Masses => Dimension::new(0, 1, 0),
            Column::Acceleration => Dimension::new(1, 0, -2),
            Column::Potential => Dimension::new(2, 0, -2),
            Column::TimeStep => Dimension::new(0, 0, 1),
        }
    }
}

/// A dataset to write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// Part of the state of a body, or a result.
    State(Column),
    /// A further column of the bodies.
    Passenger(&'a About),
}

/// Description of a further column that has none.
pub(super) const FROM_FILE: &str = "Data of the file from which the bodies are";

impl<'a> Content<'a> {
    pub(super) fn name(self, flavour: Flavour) -> &'a str {
        match self {
            Content::State(column) => column.name(flavour),
            Content::Passenger(about) => &about.name,
        }
    }

    /// Numbers per row.
    pub(super) fn width(self) -> usize {
        match self {
            Content::State(column) => column.width(),
            Content::Passenger(about) => about.width,
        }
    }

    /// Type of the numbers. `single` rounds the state, but no further column.
    pub(super) fn number(self, single: bool) -> Number {
        match self {
            Content::State(Column::Ids) => Number::U64,
            Content::State(_) if single => Number::F32,
            Content::State(_) => Number::F64,
            Content::Passenger(about) => about.number,
        }
    }

    /// Dimension of the values; `None` if it is unknown.
    pub(super) fn dimension(self) -> Option<Dimension> {
        match self {
            Content::State(column) => Some(column.dimension()),
            Content::Passenger(about) => about.unit,
        }
    }

    /// Factor from the values to cgs; 1 if it is unknown.
    pub(super) fn to_cgs(self, units: Units) -> f64 {
        let fixed = match self {
            Content::State(_) => None,
            Content::Passenger(about) => about.in_cgs,
        };
        fixed.or(self.dimension().map(|dimension| units.in_cgs(dimension))).unwrap_or(1.0)
    }

    /// Whether the values are pure numbers.
    pub(super) fn is_pure(self) -> bool {
        let fixed = matches!(self, Content::Passenger(About { in_cgs: Some(_), .. }));
        self.dimension() == Some(Dimension::NONE) && !fixed
    }

    pub(super) fn description(self) -> &'a str {
        match self {
            Content::State(column) => column.description(),
            Content::Passenger(about) if about.description.is_empty() => FROM_FILE,
            Content::Passenger(about) => &about.description,
        }
    }

    /// Description that the file of a further column has given.
    pub(super) fn given_description(self) -> Option<&'a str> {
        match self {
            Content::Passenger(about) if !about.description.is_empty() => Some(&about.description),
            _ => None,
        }
    }

    /// Whether bodies of this type have the dataset.
    pub(super) fn is_of(self, kind: usize) -> bool {
        match self {
            Content::State(_) => true,
            Content::Passenger(about) => kind < TYPES && about.kinds[kind],
        }
    }
}

/// Whether a dataset is part of the state of a body, or a result, under this name in either
/// flavour.
pub(super) fn is_of_state(name: &str) -> bool {
    Column::every()
        .any(|column| [Flavour::Gadget, Flavour::Swift].iter().any(|flavour| column.name(*flavour) == name))
}
