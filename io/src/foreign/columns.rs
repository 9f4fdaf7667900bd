//! Names of columns in tables and arrays, and the columns that bodies require.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Mass,
    Position(usize),
    Velocity(usize),
    Id,
    Type,
}

/// Meaning of a name: one column, or a vector of three.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning {
    Number(Column),
    Vector(fn(usize) -> Column),
}

/// The required columns, in the order of an array without names.
pub(super) const NEEDED: [Column; 7] = [
    Column::Mass,
    Column::Position(0),
    Column::Position(1),
    Column::Position(2),
    Column::Velocity(0),
    Column::Velocity(1),
    Column::Velocity(2),
];

/// Their names, for messages.
pub(super) const NEEDED_NAMES: &str = "mass x y z vx vy vz";

/// The meaning of a name; `None` if it is unknown.
pub(super) fn meaning(name: &str) -> Option<Meaning> {
    Some(match name.to_ascii_lowercase().as_str() {
        "pos" | "position" | "positions" | "coordinates" => Meaning::Vector(Column::Position),
        "vel" | "velocity" | "velocities" => Meaning::Vector(Column::Velocity),
        "mass" | "masses" | "m" => Meaning::Number(Column::Mass),
        "x" => Meaning::Number(Column::Position(0)),
        "y" => Meaning::Number(Column::Position(1)),
        "z" => Meaning::Number(Column::Position(2)),
        "vx" => Meaning::Number(Column::Velocity(0)),
        "vy" => Meaning::Number(Column::Velocity(1)),
        "vz" => Meaning::Number(Column::Velocity(2)),
        "id" | "ids" | "particleids" | "iord" => Meaning::Number(Column::Id),
        "type" | "types" => Meaning::Number(Column::Type),
        _ => return None,
    })
}

/// Columns by their content.
#[derive(Debug)]
pub(super) struct Columns<T> {
    found: Vec<(Column, T)>,
}

impl<T> Default for Columns<T> {
    fn default() -> Self {
        Columns { found: Vec::new() }
    }
}

impl<T> Columns<T> {
    /// Adds a column. Fails if there is already one with this content.
    pub(super) fn add(&mut self, column: Column, place: T) -> Result<(), String> {
        if self.get(column).is_some() {
            return Err(format!("has {} twice", column.name()));
        }
        self.found.push((column, place));
        Ok(())
    }

    pub(super) fn get(&self, column: Column) -> Option<&T> {
        self.found.iter().find(|(other, _)| *other == column).map(|(_, place)| place)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Column, &T)> {
        self.found.iter().map(|(column, place)| (*column, place))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Column, &mut T)> {
        self.found.iter_mut().map(|(column, place)| (*column, place))
    }

    /// Checks that all required columns are there.
    pub(super) fn check(&self) -> Result<(), String> {
        match NEEDED.iter().find(|column| self.get(**column).is_none()) {
            None => Ok(()),
            Some(column) => Err(format!("has no column `{}`; needed are {NEEDED_NAMES}", column.name())),
        }
    }
}

impl Column {
    pub(super) fn name(self) -> &'static str {
        match self {
            Column::Mass => "mass",
            Column::Position(axis) => ["x", "y", "z"][axis],
            Column::Velocity(axis) => ["vx", "vy", "vz"][axis],
            Column::Id => "id",
            Column::Type => "type",
        }
    }
}
