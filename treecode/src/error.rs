//! What a caller can get wrong.

/// Bad input to the gravity engine.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum Error {
    /// A parameter is outside its range.
    #[error("{name} = {value}: must be {expected}")]
    Parameter {
        /// Name of the field of [`crate::Gravity`].
        name: &'static str,
        /// The value given.
        value: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A body has an impossible value.
    #[error("body with id {id}: {what} is {value}, must be {expected}")]
    Body {
        /// Its id.
        id: u64,
        /// The array.
        what: &'static str,
        /// The value found.
        value: f64,
        /// What would be right.
        expected: &'static str,
    },
    /// An environment variable has a value that does not fit this machine.
    #[error("environment variable {name} = {value}: must be one of {expected} on this processor, or unset")]
    Environment {
        /// Name of the variable.
        name: &'static str,
        /// The value given.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// Forces or distances would leave the range of the numbers they are computed with.
    #[error("{what} is {value:e}, must be from {least:e} to {most:e}: choose other units")]
    Scale {
        /// What is too small or too large, with its unit.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The least value.
        least: f64,
        /// The greatest value.
        most: f64,
    },
    /// There is nothing to compute.
    #[error("there are no bodies; at least one is needed")]
    NoBodies,
}
