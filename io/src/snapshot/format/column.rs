//! The datasets of a particle type: their content, their names in each flavour, and the name of
//! their group.

use crate::Units;
use crate::snapshot::{Fields, Flavour};
use treecode::{About, Dimension, Number, TYPES};

/// One dataset of a particle type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::snapshot) enum Column {
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
    fn every() -> impl Iterator<Item = Column> {
        Column::all(Fields { acceleration: true, potential: true, time_step: Some(1.0) })
    }

    /// The datasets of a snapshot, in the order in which they are written.
    pub(in crate::snapshot) fn all(fields: Fields) -> impl Iterator<Item = Column> {
        let always = [Column::Coordinates, Column::Velocities, Column::Ids, Column::Masses];
        let optional = [
            fields.acceleration.then_some(Column::Acceleration),
            fields.potential.then_some(Column::Potential),
            fields.time_step.map(|_| Column::TimeStep),
        ];
        always.into_iter().chain(optional.into_iter().flatten())
    }

    /// Name in a flavour. SWIFT uses plurals.
    pub(in crate::snapshot) fn name(self, flavour: Flavour) -> &'static str {
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
    fn description(self) -> &'static str {
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
    pub(in crate::snapshot) fn width(self) -> usize {
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
pub(in crate::snapshot) enum Content<'a> {
    /// Part of the state of a body, or a result.
    State(Column),
    /// A further column of the bodies.
    Passenger(&'a About),
}

/// Description of a further column that has none.
pub(in crate::snapshot) const FROM_FILE: &str = "Data of the file from which the bodies are";

impl<'a> Content<'a> {
    pub(in crate::snapshot) fn name(self, flavour: Flavour) -> &'a str {
        match self {
            Content::State(column) => column.name(flavour),
            Content::Passenger(about) => &about.name,
        }
    }

    /// Numbers per row.
    pub(in crate::snapshot) fn width(self) -> usize {
        match self {
            Content::State(column) => column.width(),
            Content::Passenger(about) => about.width,
        }
    }

    /// Type of the numbers. `single` rounds the state, but no further column.
    pub(in crate::snapshot) fn number(self, single: bool) -> Number {
        match self {
            Content::State(Column::Ids) => Number::U64,
            Content::State(_) if single => Number::F32,
            Content::State(_) => Number::F64,
            Content::Passenger(about) => about.number,
        }
    }

    /// Dimension of the values; `None` if it is unknown.
    pub(in crate::snapshot) fn dimension(self) -> Option<Dimension> {
        match self {
            Content::State(column) => Some(column.dimension()),
            Content::Passenger(about) => about.unit,
        }
    }

    /// Factor from the values to cgs; 1 if it is unknown.
    pub(in crate::snapshot) fn to_cgs(self, units: Units) -> f64 {
        let fixed = match self {
            Content::State(_) => None,
            Content::Passenger(about) => about.in_cgs,
        };
        fixed.or(self.dimension().map(|dimension| units.in_cgs(dimension))).unwrap_or(1.0)
    }

    /// Whether the values are pure numbers.
    pub(in crate::snapshot) fn is_pure(self) -> bool {
        let fixed = matches!(self, Content::Passenger(About { in_cgs: Some(_), .. }));
        self.dimension() == Some(Dimension::NONE) && !fixed
    }

    pub(in crate::snapshot) fn description(self) -> &'a str {
        match self {
            Content::State(column) => column.description(),
            Content::Passenger(about) if about.description.is_empty() => FROM_FILE,
            Content::Passenger(about) => &about.description,
        }
    }

    /// Description that the file of a further column has given.
    pub(in crate::snapshot) fn given_description(self) -> Option<&'a str> {
        match self {
            Content::Passenger(about) if !about.description.is_empty() => Some(&about.description),
            _ => None,
        }
    }

    /// Whether bodies of this type have the dataset.
    pub(in crate::snapshot) fn is_of(self, kind: usize) -> bool {
        match self {
            Content::State(_) => true,
            Content::Passenger(about) => kind < TYPES && about.kinds[kind],
        }
    }
}

/// Whether a dataset is part of the state of a body, or a result, under this name in either
/// flavour.
pub(in crate::snapshot) fn is_of_state(name: &str) -> bool {
    Column::every()
        .any(|column| [Flavour::Gadget, Flavour::Swift].iter().any(|flavour| column.name(*flavour) == name))
}

/// Name of the group of a particle type.
pub(in crate::snapshot) fn group_name(kind: usize) -> String {
    format!("PartType{kind}")
}

/// Runs `$body`, with `$array` for the numbers of an `Array` or `ArrayMut` of any type.
macro_rules! by_type {
    ($enum:ident, $any:expr, $array:ident => $body:expr) => {
        match $any {
            $enum::U8($array) => $body,
            $enum::U16($array) => $body,
            $enum::U32($array) => $body,
            $enum::U64($array) => $body,
            $enum::I8($array) => $body,
            $enum::I16($array) => $body,
            $enum::I32($array) => $body,
            $enum::I64($array) => $body,
            $enum::F32($array) => $body,
            $enum::F64($array) => $body,
        }
    };
}
pub(in crate::snapshot) use by_type;
